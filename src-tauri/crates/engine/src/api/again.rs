//! A question that is asked again though it was answered, as the person sees it: since when, what was said, and the way to
//! say the same once more. When a question counts as asked again is the domain's; the other way, a new answer, is as ever.

use domain::{
    change::{EscalationPhase, EscalationRecord},
    decision::{Decision, DeliveryState, Outcome, Risk, asks_the_same, repeatable, takes_gesture},
};
use store::{Reader, Result, tables::decisions};

use super::{
    views::{AgainView, GestureView, PairView},
    wording::{agent_text, outcome, plain},
};

/// What its card says.
pub(super) const AGAIN: &str = "Asks again";

/// The answer after which a question waits once more.
pub(crate) fn answered_before(
    reader: &Reader,
    record: &EscalationRecord,
) -> Result<Option<Decision>> {
    if record.phase != EscalationPhase::Pending || record.edition == 0 {
        return Ok(None);
    }
    let last = decisions::before_edition(reader, record)?;
    Ok(
        last.filter(|last| {
            last.asked_again_at.is_some() && asks_the_same(&last.shown, &record.raw)
        }),
    )
}

/// What is said of it, and the gesture that sends the same answer, when it can be sent.
pub(super) fn again(
    record: &EscalationRecord,
    last: &Decision,
    class: Risk,
) -> Option<(AgainView, Option<GestureView>)> {
    let at = last.asked_again_at?;
    let said = repeatable(last, record);
    let can = said.is_ok();
    let what = match last.delivery.state {
        _ if !last.is_out_of_hand() => "your answer is still on its way",
        DeliveryState::Refused => "it refused your answer",
        DeliveryState::Expired => "it said that your answer came too late",
        DeliveryState::Changed => "it said that the question had changed",
        DeliveryState::AlreadyResolved => "it said that somebody else was first",
        _ => "your answer may be lost",
    };
    let ways = match (last.is_out_of_hand(), can) {
        (true, true) => ": send the same answer, or answer anew",
        (true, false) => ": answer anew",
        (false, _) => "",
    };
    let pair = |name: &str, value: &str| PairView {
        name: agent_text(name),
        value: agent_text(value),
    };
    let mut answer = vec![pair("Answer", outcome(last.outcome))];
    let mut gesture = None;
    if let Ok(said) = &said {
        let option = said.option_id.as_deref();
        let label = |id: &str| {
            let known = record.value.options.iter().find(|known| known.id == id);
            known.map_or_else(|| plain(id), |known| plain(&known.label))
        };
        answer.extend(option.map(|id| pair("Choice", &label(id))));
        answer.extend(
            said.message
                .as_deref()
                .map(|words| pair("In your words", words)),
        );
        for (name, value) in [
            ("Form", &said.payload),
            ("Edited action", &said.edited_action),
        ] {
            answer.extend(value.as_deref().map(|raw| pair(name, raw.get())));
        }
        let acts = takes_gesture(&record.value, said.outcome, option.is_some());
        let always = said.outcome == Outcome::ApproveAlways;
        gesture = Some(GestureView {
            outcome: said.outcome,
            option_id: said.option_id.clone(),
            label: "Send the same answer".to_owned(),
            key: Some("s".to_owned()),
            reads: acts,
            arm: acts && (class > Risk::Reversible || always),
            hold: acts && (class == Risk::Destructive || always),
            safest: false,
            needs_message: false,
            needs_payload: false,
            cannot: None,
            repeats: Some(last.id.as_str().to_owned()),
        });
    }
    let view = AgainView {
        decision_id: last.id.as_str().to_owned(),
        at,
        sentence: format!("{what}{ways}."),
        answer,
        cannot: said.err(),
    };
    Some((view, gesture))
}

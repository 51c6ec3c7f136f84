//! A question that is asked again after it was answered: what counts as the same question, and when its agent, which only
//! lists it on, asks it anew. What was answered may be lost then. It asks nobody and sends nothing.

use chrono::TimeDelta;

use super::{
    Answer, Circumstances, DecidedBy, Decision, DecisionBody, Refusal, decide, takes_gesture,
};
use crate::{
    change::EscalationRecord,
    contract::json::{Node, Tree, parse},
    ids::DecisionId,
    time::Time,
};

/// So long an agent may list a question as open after it took the answer, before it is said to ask again. Twelve polls of
/// the usual 5 seconds: one that works its answers off in turn, or tells from a copy that is refreshed once a minute, is not
/// blamed, and a person still has in mind what they answered.
pub const LISTED_ON: TimeDelta = TimeDelta::seconds(60);

/// What moves by itself when an agent is started anew; nothing that is answered.
const MOVES: [&str; 2] = ["createdAt", "expiresAt"];

/// Whether an item asks what another asked: the same members with the same bytes, but for when it was asked and until when.
pub fn asks_the_same(before: &str, after: &str) -> bool {
    let (Ok(before), Ok(after)) = (parse(before), parse(after)) else {
        return false;
    };
    let asked = asked(&before);
    asked.is_some() && asked == self::asked(&after)
}

/// What was said before, as it went out, when it can be said once more: with the same bytes and the same key. An agent that
/// lost it takes it now; one that has it knows the key, and does nothing twice.
pub fn repeatable(earlier: &Decision, record: &EscalationRecord) -> Result<DecisionBody, String> {
    let refuse = |sentence: &str| Err(sentence.to_owned());
    if !earlier.is_out_of_hand() {
        return refuse("Your answer is still on its way; nothing has to be sent again.");
    }
    // Without an action its digest is over the whole item, and would not fit what the agent asks now.
    let same = match record.action_raw {
        Some(_) => asks_the_same(&earlier.shown, &record.raw),
        None => earlier.shown == *record.raw,
    };
    if !same || earlier.version != record.value.version {
        return refuse("The agent does not ask byte for byte what you answered; answer anew.");
    }
    match serde_json::from_str::<DecisionBody>(&earlier.body) {
        Ok(body) if body.decided_by == DecidedBy::Person.word() => Ok(body),
        _ => refuse("It was refused because nobody answered in time; answer anew."),
    }
}

/// Decides the same as before. `seen` is how it was looked at, and what it says is not read; what holds for a first answer
/// holds for this one, and what was edited is read like any other yes.
pub fn repeat(
    record: &EscalationRecord,
    earlier: &Decision,
    seen: &Answer<'_>,
    known: &Circumstances,
    id: DecisionId,
    now: Time,
) -> Result<Decision, Refusal> {
    let said = repeatable(earlier, record).map_err(Refusal::Invalid)?;
    let answer = Answer {
        outcome: said.outcome,
        option_id: said.option_id.as_deref(),
        edited_action: said.edited_action.as_deref().map(|raw| raw.get()),
        payload: said.payload.as_deref().map(|raw| raw.get()),
        message: said.message.as_deref(),
        decided_by: DecidedBy::Person,
        ..*seen
    };
    if takes_gesture(&record.value, said.outcome, said.option_id.is_some()) && !seen.reached_end {
        return Err(Refusal::NotRead);
    }
    let decision = decide(record, &answer, known, id, now)?;
    Ok(Decision {
        body: earlier.body.clone(),
        repeats: Some(earlier.key().clone()),
        ..decision
    })
}

/// The members that are answered, with their bytes; `None` for what is no object, or was not taken apart whole.
fn asked<'a>(item: &'a Node<'_>) -> Option<Vec<(&'a str, &'a str)>> {
    let Tree::Map(members) = &item.tree else {
        return None;
    };
    let members = members
        .iter()
        .map(|(name, value)| (name.as_str(), value.raw));
    let mut asked: Vec<_> = members.filter(|(name, _)| !MOVES.contains(name)).collect();
    asked.sort_unstable();
    (item.more == 0).then_some(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = r#"{"id":"q1","version":"1","createdAt":"2026-01-05T09:00:00Z","expiresAt":"2026-01-06T09:00:00Z",
        "proposedAction":{"name":"mail.send","args":{"to":"marta"}},"status":"pending"}"#;

    fn check(said: &str, swapped: &str, same: bool) {
        let other = ASKED.replacen(said, swapped, 1);
        assert_ne!(ASKED, other);
        assert_eq!(asks_the_same(ASKED, &other), same, "{other}");
        assert_eq!(asks_the_same(&other, ASKED), same, "{other}");
    }

    #[test]
    fn the_same_is_asked_when_only_its_times_have_moved() {
        assert!(asks_the_same(ASKED, ASKED));
        check("09:00:00Z\",\"exp", "09:30:00Z\",\"exp", true);
        check("2026-01-06", "2026-01-07", true);
        check("\"createdAt\":\"2026-01-05T09:00:00Z\",", "", true);
    }

    #[test]
    fn one_other_byte_of_anything_else_asks_another_thing() {
        check("marta", "m\\u0061rta", false);
        check("\"to\":", "\"to\": ", false);
        check("\"version\":\"1\"", "\"version\":\"2\"", false);
        check("\"version\":\"1\"", "\"version\":1", false);
        check(
            "\"status\":\"pending\"",
            "\"status\":\"pending\",\"x-note\":1",
            false,
        );
        check("pending", "resolved", false);
        check("\"pending\"}", "\"pending\"", false);
    }
}

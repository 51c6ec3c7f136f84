//! Words that more than one view needs: agent text made visible, spans of time, counts, what a state is called.
//! Sentences say what is so; they never hold a raw error or an unescaped word of an agent.

use domain::{
    contract::EscalationKind,
    decision::{Decision, DeliveryState, Outcome},
    fact::{PollError, PollErrorKind},
    text::{self, Mark, Place},
    time::{self, Time},
};
use store::{Reader, tables::decisions::Winner};

use super::views::{AgentText, Health, RiskClass, TextMark};
use crate::live::{Present, Pulse};

/// What a view is made from: one moment of the store, and the present.
#[derive(Clone, Copy)]
pub struct Glance<'a> {
    /// The store at one moment.
    pub reader: &'a Reader,
    /// What is not worth a row.
    pub present: &'a Present,
    /// When.
    pub now: Time,
}

/// Agent text as a screen may show it.
pub fn agent_text(original: &str) -> AgentText {
    agent_text_in(Place::Prose, original)
}

/// The same of a command or a name, where every sign counts.
pub fn agent_text_in(place: Place, original: &str) -> AgentText {
    let visible = text::visible_in(place, original);
    AgentText {
        flagged: visible.is_flagged(),
        marks: visible
            .marks
            .iter()
            .map(|mark| text_mark(mark, mark.offset))
            .collect(),
        text: visible.text,
    }
}

/// A mark as a screen gets it.
pub fn text_mark(mark: &Mark, offset: usize) -> TextMark {
    TextMark {
        codepoint: mark.codepoint.clone(),
        offset,
        kind: mark.kind.word().to_owned(),
        count: (mark.count > 1).then_some(mark.count),
    }
}

/// The same where a sentence of ours holds it.
pub fn plain(original: &str) -> String {
    text::visible(original).text
}

/// `2,000`: every count that a person reads.
pub fn number(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let first = digits.len() % 3;
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 task`, `3 tasks`, `2,000 tasks`.
pub fn count(count: u32, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// `11 minutes`, `3 hours`, `2 days`; whole units, never rounded up.
pub fn span(seconds: i64) -> String {
    let (count, unit) = time::in_units(seconds);
    format!("{} {unit}", number(count))
}

/// Seconds from one time to another.
pub fn between(from: Time, to: Time) -> i64 {
    (to - from).num_seconds()
}

/// What an endpoint's answer looks like.
pub fn health(paused: bool, pulse: Option<&Pulse>, now: Time) -> Health {
    if paused {
        return Health::Paused;
    }
    match pulse.and_then(|pulse| Some((pulse, pulse.answer.as_ref()?))) {
        None => Health::Unknown,
        Some((pulse, Ok(()))) => {
            let patience = (pulse.interval_seconds.unwrap_or(15.0) * 3.0).max(60.0);
            let age = pulse.last_good_at.map_or(0, |at| between(at, now));
            if age as f64 > patience {
                Health::Stale
            } else {
                Health::Online
            }
        }
        Some((_, Err(error))) => match (error.kind, error.http_status) {
            (PollErrorKind::Http, Some(401 | 403)) => Health::Unauthorized,
            (PollErrorKind::Invalid, _) => Health::Incompatible,
            _ => Health::Unreachable,
        },
    }
}

/// Why a poll failed, in a sentence.
pub fn failure(error: &PollError) -> String {
    match (error.kind, error.http_status) {
        (PollErrorKind::Timeout, _) => "It did not answer in time.".to_owned(),
        (PollErrorKind::Connect, _) => "No connection could be made.".to_owned(),
        (PollErrorKind::Http, Some(401 | 403)) => "It asks for a login.".to_owned(),
        (PollErrorKind::Http, Some(404)) => "There is nothing at this address.".to_owned(),
        (PollErrorKind::Http, Some(429)) => "It asks to be asked less often.".to_owned(),
        (PollErrorKind::Http, Some(status)) => format!("It answered with status {status}."),
        (PollErrorKind::Http, None) => "It answered with an error.".to_owned(),
        (PollErrorKind::Invalid, _) => "Its answer cannot be read.".to_owned(),
    }
}

/// What the person said, as the beginning of a sentence.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Approve => "Approved",
        Outcome::ApproveAlways => "Approved for good",
        Outcome::Edit => "Edited and approved",
        Outcome::Respond => "Answered",
        Outcome::Reject => "Refused",
        Outcome::Cancel => "Refused, to be stopped",
    }
}

/// Why a later answer counts for nothing, with what was first.
pub fn settled(winner: Option<Winner>, now: Time) -> String {
    let Some(winner) = winner else {
        return "This question is already settled; nothing was decided.".to_owned();
    };
    let first = match winner.outcome {
        Outcome::Approve => "you approved it",
        Outcome::ApproveAlways => "you approved it for good",
        Outcome::Edit => "you edited and approved it",
        Outcome::Respond => "you answered it",
        Outcome::Reject | Outcome::Cancel => "you refused it",
    };
    let when = match between(winner.decided_at, now) {
        ..1 => "just now".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    };
    format!("This question is already settled: {first} {when}; nothing was decided.")
}

/// Where a decision is, in a sentence.
pub fn whereabouts(decision: &Decision) -> String {
    let said = outcome(decision.outcome);
    let delivery = &decision.delivery;
    let recorded = delivery.recorded_outcome.as_deref().map(plain);
    if decision.altered.is_some() {
        return format!(
            "{said}. After it had left, the agent put something else in its place; look at both."
        );
    }
    if decision.asked_again_at.is_some() && decision.is_out_of_hand() {
        return format!("{said}. The agent asked the same again afterwards.");
    }
    match delivery.state {
        DeliveryState::Held => {
            format!("{said}. It leaves in a moment and can be taken back until then.")
        }
        DeliveryState::Queued if delivery.attempts > 0 => {
            format!("{said}. The agent does not answer; it will be sent once, when it does.")
        }
        DeliveryState::Queued => {
            let kept = match delivery.detail {
                Some(_) => " It is kept and tried again.",
                None => "",
            };
            format!("{said}. It has not left yet, and can be taken back until it does.{kept}")
        }
        DeliveryState::Sending => format!("{said}. It is on its way."),
        DeliveryState::Sent => format!("{said}. The agent took it; the effect is not seen yet."),
        DeliveryState::Applied => format!("{said}. The agent shows it."),
        DeliveryState::AlreadyResolved => match recorded {
            Some(recorded) => format!("Somebody else was first: {recorded}."),
            None => "Somebody else was first.".to_owned(),
        },
        DeliveryState::Refused => format!("{said}, but the agent refused the answer."),
        DeliveryState::Expired => format!("{said}, but too late: the agent had stopped waiting."),
        DeliveryState::Changed => {
            format!("{said}, but the question had changed. Nothing was sent; look at it again.")
        }
        DeliveryState::Unknown => {
            format!("{said}. It cannot be told whether it arrived; look at the agent.")
        }
    }
}

/// The class of an action, for the screen.
pub fn risk(risk: domain::decision::Risk) -> RiskClass {
    match risk {
        domain::decision::Risk::Reversible => RiskClass::Reversible,
        domain::decision::Risk::Outward => RiskClass::Outward,
        domain::decision::Risk::Destructive => RiskClass::Destructive,
    }
}

/// What an escalation is called.
pub fn kind(kind: EscalationKind) -> &'static str {
    match kind {
        EscalationKind::Approval => "Approval",
        EscalationKind::Question => "Question",
        EscalationKind::Form => "Form",
        EscalationKind::Auth => "Login",
        EscalationKind::Conflict => "Conflict",
        EscalationKind::Exception => "Exception",
    }
}

/// A hash of the window's address: parts may hold any characters.
pub fn route(parts: &[&str]) -> String {
    let mut address = String::from("#");
    for part in parts {
        address.push('/');
        for byte in part.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    address.push(byte as char);
                }
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    address
}

/// `e:<endpoint>/<escalation>`.
pub fn escalation_key(endpoint: &str, escalation: &str) -> String {
    format!("e:{endpoint}/{escalation}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_whole_units_that_a_person_can_use() {
        for (seconds, expected) in [
            (-5, "0 seconds"),
            (1, "1 second"),
            (660, "11 minutes"),
            (7_199, "119 minutes"),
            (7_200, "2 hours"),
            (200_000, "2 days"),
        ] {
            assert_eq!(span(seconds), expected);
        }
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (counted, expected) in [
            (0_u64, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (20_345, "20,345"),
            (100_000, "100,000"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(number(counted), expected);
        }
        assert_eq!(count(2_000, "thing", "things"), "2,000 things");
    }

    #[test]
    fn addresses_keep_slashes_and_spaces_inside_their_part() {
        assert_eq!(route(&["inbox", "e:a b/c"]), "#/inbox/e%3Aa%20b%2Fc");
    }
}

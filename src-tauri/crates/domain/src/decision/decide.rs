//! From what a person clicked to a decision, or to the reason why not. Pure: the store makes it durable, the engine
//! delivers it.
//!
//! A decision names the version and the binding hash that were on screen. If the question is another one by now, nothing
//! is decided. Unanswered is never approved, and after the hard end nothing is accepted. The gesture comes from the
//! action: no word of the agent makes it lighter.

use std::collections::HashSet;

use chrono::TimeDelta;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Circumstances, Decision, DecisionBody, Delivery, DeliveryState, Outcome, Risk};
use crate::{
    change::{EscalationPhase, EscalationRecord},
    contract::{Escalation, EscalationKind, EscalationOption, OptionIntent},
    ids::DecisionId,
    time::Time,
};

/// Version of the binding; a change of what is bound changes it.
const BINDING_FORMAT: &str = "mission-control/binding/2";
/// Nothing larger is decided: nobody has read it.
pub const LARGEST_ACTION: usize = 64 * 1024;
/// How long a decision stays here before it leaves, and can be taken back.
pub const UNDO_SECONDS: i64 = 10;

/// What the person did, with what was on screen.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// The version shown.
    pub version: &'a str,
    /// The binding hash shown.
    pub binding_hash: &'a str,
    /// What.
    pub outcome: Outcome,
    /// One of the agent's options.
    pub option_id: Option<&'a str>,
    /// JSON instead of the proposed action.
    pub edited_action: Option<&'a str>,
    /// JSON answer.
    pub payload: Option<&'a str>,
    /// Words for the agent.
    pub message: Option<&'a str>,
    /// Milliseconds on screen.
    pub shown_ms: u64,
    /// Whether the end of the content was in view.
    pub reached_end: bool,
    /// The other agent's act that was shown beside it.
    pub overtaken_by: Option<&'a str>,
    /// Whose answer it is.
    pub decided_by: DecidedBy,
}

/// Whose answer a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// The person at the keyboard.
    Person,
    /// A rule of theirs, because nobody answered in time.
    Rule,
}

impl DecidedBy {
    /// `decidedBy` on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "me",
            Self::Rule => "rule",
        }
    }
}

/// Why nothing was decided, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not pending any more.
    #[error("This question is already settled ({0}); nothing was decided.")]
    Settled(&'static str),
    /// Another version or other bytes than shown.
    #[error("The question has changed since you looked; nothing was decided. Look at it again.")]
    Changed,
    /// Somebody acted on the same thing since it was shown.
    #[error("{0} acted on the same thing meanwhile; nothing was decided. Look at it again.")]
    Overtaken(String),
    /// After `expiresAt`.
    #[error("This question has expired; nothing was decided.")]
    Expired,
    /// The end was not in view.
    #[error("Read the whole action before you approve it.")]
    NotRead,
    /// Something is missing or malformed.
    #[error("{0}")]
    Invalid(String),
}

/// `sha256:` + hex: the digest the contract sends as `actionDigest`.
pub fn digest(bytes: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// The bytes a decision is about: the proposed action as received, or the whole item when there is none.
pub fn bound_bytes(record: &EscalationRecord) -> &str {
    record.action_raw.as_deref().unwrap_or(&record.raw)
}

/// What was shown, bound: format, endpoint, agent, escalation, version and the whole item, each with its length before it.
pub fn binding_of(record: &EscalationRecord) -> String {
    let mut hash = Sha256::new();
    for part in [
        BINDING_FORMAT,
        record.agent.endpoint.as_str(),
        record.agent.agent.as_str(),
        record.value.id.as_str(),
        &record.value.version,
        &record.raw,
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Names an action by what it says, however its JSON is spelled; `None` without one. Finds the same action asked again.
pub fn action_key(record: &EscalationRecord) -> Option<String> {
    let action = record.value.proposed_action.as_ref()?;
    let spelled = serde_json::to_value(action).ok()?;
    Some(digest(&spelled.to_string()))
}

/// Whether two items ask the same, whatever has become of them: all that is answered is alike, to the byte in the action.
pub fn same_question(one: &EscalationRecord, other: &EscalationRecord) -> bool {
    let asked = |record: &EscalationRecord| Escalation {
        status: crate::contract::EscalationStatus::Pending,
        created_at: None,
        expires_at: None,
        severity: None,
        ..record.value.clone()
    };
    one.action_raw == other.action_raw && asked(one) == asked(other)
}

/// What choosing an option says. An option is a yes or a no only by what the contract has for that; its label and its id
/// are the agent's words.
pub fn option_outcome(option: &EscalationOption) -> Outcome {
    match option.intent {
        // The outcome's own word, and what protocols with a fixed list call it.
        Some(OptionIntent::Approve) if matches!(&*option.id, "always" | "approve-always") => {
            Outcome::ApproveAlways
        }
        Some(OptionIntent::Approve) => Outcome::Approve,
        Some(OptionIntent::Reject) => Outcome::Reject,
        Some(OptionIntent::Other) | None => Outcome::Respond,
    }
}

/// Whether an answer takes the gesture of the action, and so needs it read to its end: every yes, and where there is
/// something to approve every option and every answer, since only the agent knows what it makes of them.
pub fn takes_gesture(question: &Escalation, outcome: Outcome, chosen: bool) -> bool {
    let approves = question.proposed_action.is_some() || question.kind == EscalationKind::Approval;
    outcome.lets_act() || (approves && (chosen || outcome == Outcome::Respond))
}

/// Decides. `known` is what else is known now; of an act of another agent a yes counts only if the person saw it. `now` must
/// not be earlier than any time seen before (a clock set back never revives a question).
pub fn decide(
    record: &EscalationRecord,
    answer: &Answer<'_>,
    known: &Circumstances,
    id: DecisionId,
    now: Time,
) -> Result<Decision, Refusal> {
    match record.phase {
        EscalationPhase::Pending => {}
        EscalationPhase::Answered => return Err(Refusal::Settled("you answered it")),
        EscalationPhase::Expired => return Err(Refusal::Expired),
        EscalationPhase::Withdrawn => return Err(Refusal::Settled("the agent took it back")),
        EscalationPhase::Superseded => return Err(Refusal::Changed),
    }
    if answer.version != record.value.version || answer.binding_hash != binding_of(record) {
        return Err(Refusal::Changed);
    }
    if record.value.expires_at.is_some_and(|end| now >= end) {
        return Err(Refusal::Expired);
    }
    let edited_action = answer
        .edited_action
        .map(|text| strict_json(text, "The edited action"))
        .transpose()?;
    let payload = answer
        .payload
        .map(|text| strict_json(text, "The answer"))
        .transpose()?;
    allowed(record, answer)?;
    let acts = takes_gesture(&record.value, answer.outcome, answer.option_id.is_some());
    // What was edited was read, and goes out as the person wrote it.
    let as_shown = acts && answer.outcome != Outcome::Edit;
    if as_shown && !answer.reached_end {
        return Err(Refusal::NotRead);
    }
    if acts
        && let Some(done) = &known.overtaking
        && answer.overtaken_by != Some(&done.act)
    {
        return Err(Refusal::Overtaken(done.agent.agent.to_string()));
    }
    let bound = bound_bytes(record);
    if acts && bound.len() > LARGEST_ACTION {
        return Err(Refusal::Invalid(
            "The action is larger than 64 KiB, which nobody can read; refuse it instead.".into(),
        ));
    }
    let action_digest = digest(edited_action.as_ref().map_or(bound, |edited| edited.get()));
    let body = DecisionBody {
        outcome: answer.outcome,
        option_id: answer.option_id.map(str::to_owned),
        edited_action,
        payload,
        message: answer
            .message
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned),
        action_digest,
        decided_by: answer.decided_by.word().to_owned(),
        decided_at: now,
    };
    let body = serde_json::to_string(&body).map_err(|error| Refusal::Invalid(error.to_string()))?;
    let options = record.value.options.iter();
    let chosen = options.filter(|option| answer.option_id == Some(&*option.id));
    let always = |outcome| outcome == Outcome::ApproveAlways;
    // Nobody here can end what a standing approval begins.
    let class = if always(answer.outcome) || chosen.map(option_outcome).any(always) {
        Risk::Destructive
    } else {
        known.class(&record.value)
    };
    let undo = match (class, as_shown) {
        (Risk::Destructive, true) => 0, // Two moments came before it; the card says there is no way back.
        (Risk::Destructive | Risk::Outward | Risk::Reversible, _) => UNDO_SECONDS,
    };
    let characters = bound.chars().count() as u64;
    Ok(Decision {
        id,
        endpoint: record.agent.endpoint.clone(),
        escalation: record.value.id.clone(),
        agent: record.agent.agent.clone(),
        version: record.value.version.clone(),
        edition: record.edition,
        binding_hash: answer.binding_hash.to_owned(),
        shown: record.raw.to_string(),
        action_key: action_key(record),
        class,
        origin: None,
        outcome: answer.outcome,
        body,
        decided_at: now,
        held_until: now + TimeDelta::seconds(undo),
        // On screen for two seconds, or as long as 60 characters a second take, whichever is more.
        considered: answer.reached_end && answer.shown_ms >= (characters * 1000 / 60).max(2000),
        shown_ms: answer.shown_ms,
        delivery: Delivery {
            state: DeliveryState::Held,
            attempts: 0,
            next_attempt_at: None,
            detail: None,
            recorded_outcome: None,
            changed_at: now,
        },
        altered: None,
        repeats: None,
        asked_again_at: None,
    })
}

fn allowed(record: &EscalationRecord, answer: &Answer<'_>) -> Result<(), Refusal> {
    let refuse = |sentence: &str| Err(Refusal::Invalid(sentence.to_owned()));
    let question = &record.value;
    if let Some(chosen) = answer.option_id {
        let Some(option) = question.options.iter().find(|known| known.id == chosen) else {
            return refuse("The agent does not offer this option.");
        };
        let means = option_outcome(option);
        let same = answer.outcome == means || (answer.outcome.lets_act() && means.lets_act());
        if answer.outcome != Outcome::Respond && !same {
            return refuse(
                "The agent does not say that this option means that; choose it as an answer.",
            );
        }
    }
    match answer.outcome {
        Outcome::Edit if answer.edited_action.is_none() => {
            refuse("An edit needs the edited action.")
        }
        Outcome::Edit if question.proposed_action.is_none() => {
            refuse("There is no action to edit.")
        }
        Outcome::Edit | Outcome::Reject | Outcome::Cancel => Ok(()),
        _ if answer.edited_action.is_some() => refuse("Only an edit carries an edited action."),
        Outcome::Approve | Outcome::ApproveAlways if question.kind == EscalationKind::Auth => {
            refuse("Log in at the agent; this cannot be approved.")
        }
        Outcome::ApproveAlways if answer.option_id.is_none() => {
            refuse("The agent offers no standing approval.")
        }
        Outcome::Respond
            if answer.payload.is_none()
                && answer.message.is_none()
                && answer.option_id.is_none() =>
        {
            refuse("An answer needs words, a choice or a form.")
        }
        Outcome::Approve | Outcome::ApproveAlways | Outcome::Respond => Ok(()),
    }
}

/// JSON with no duplicate key at any depth, kept as the exact text: parsers differ in which of two keys they believe.
pub fn strict_json(text: &str, name: &str) -> Result<Box<RawValue>, Refusal> {
    let invalid =
        |error: serde_json::Error| Refusal::Invalid(format!("{name} is not usable JSON: {error}."));
    let mut reader = serde_json::Deserializer::from_str(text);
    NoDuplicates.deserialize(&mut reader).map_err(invalid)?;
    reader.end().map_err(invalid)?;
    RawValue::from_string(text.trim().to_owned()).map_err(invalid)
}

struct NoDuplicates;

impl<'de> DeserializeSeed<'de> for NoDuplicates {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NoDuplicates {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format!(
                    "the member \"{name}\" stands twice"
                )));
            }
            members.next_value_seed(NoDuplicates)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(NoDuplicates)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Overtaking;
    use super::*;
    use crate::{contract::Escalation, ids::AgentRef};

    const ACTION: &str = r#"{"name":"mail.send","target":"output:mail/supplier"}"#;

    fn time(seconds: i64) -> Time {
        Time::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn question() -> EscalationRecord {
        let raw = format!(
            r#"{{"id":"e1","version":"1","kind":"approval","title":"Send","message":"Please","proposedAction":{ACTION},
            "createdAt":"2027-01-15T08:00:00Z","expiresAt":"2027-01-15T08:10:00Z","status":"pending"}}"#
        );
        let value: Escalation = serde_json::from_str(&raw).expect("an escalation");
        EscalationRecord {
            agent: AgentRef {
                endpoint: "host".into(),
                agent: "payments".into(),
            },
            value,
            raw: raw.into(),
            action_raw: Some(ACTION.into()),
            line: 2,
            created_at: time(0),
            due_at: time(600),
            fallback: "hold".into(),
            edition: 0,
            phase: EscalationPhase::Pending,
        }
    }

    fn yes<'a>(hash: &'a str) -> Answer<'a> {
        Answer {
            version: "1",
            binding_hash: hash,
            outcome: Outcome::Approve,
            option_id: None,
            edited_action: None,
            payload: None,
            message: None,
            shown_ms: 5000,
            reached_end: true,
            overtaken_by: None,
            decided_by: DecidedBy::Person,
        }
    }

    fn check(
        record: &EscalationRecord,
        answer: &Answer<'_>,
        now: Time,
        expected: Result<(), Refusal>,
    ) {
        assert_eq!(
            decide(record, answer, &Circumstances::default(), "id".into(), now).map(|_| ()),
            expected,
            "{answer:?} at {now}"
        );
    }

    #[test]
    fn an_approval_carries_the_digest_of_the_bytes_shown() {
        let record = question();
        let decision = decide(
            &record,
            &yes(&binding_of(&record)),
            &Circumstances::default(),
            "id".into(),
            time(1),
        )
        .expect("it is decided");
        let body: DecisionBody = serde_json::from_str(&decision.body).expect("a body");
        assert_eq!(
            body.action_digest,
            digest(ACTION),
            "the agent compares this with what it asked"
        );
        assert_eq!(
            decision.held_until,
            time(11),
            "outward decisions can be taken back for ten seconds"
        );
    }

    #[test]
    fn other_bytes_or_another_version_decide_nothing() {
        let record = question();
        let hash = binding_of(&record);
        for (said, swapped) in [
            ("output:mail/supplier", "output:mail/everyone"),
            ("\"Send\"", "\"Read\""),
            ("\"Please\"", "\"Please do\""),
            ("approval", "question"),
            ("\"status\"", "\"severity\":\"low\",\"status\""),
        ] {
            let mut other = question();
            other.raw = other.raw.replace(said, swapped).into();
            check(&other, &yes(&hash), time(1), Err(Refusal::Changed));
        }
        check(
            &record,
            &Answer {
                version: "2",
                ..yes(&hash)
            },
            time(1),
            Err(Refusal::Changed),
        );
        let mut elsewhere = question();
        elsewhere.agent.endpoint = "other".into();
        check(&elsewhere, &yes(&hash), time(1), Err(Refusal::Changed));
    }

    #[test]
    fn a_yes_to_what_was_overtaken_counts_only_if_that_was_on_screen() {
        let record = question();
        let hash = binding_of(&record);
        let done = Overtaking {
            act: "mail-host/a-7".to_owned(),
            agent: AgentRef {
                endpoint: "mail-host".into(),
                agent: "replies".into(),
            },
            resource: "output:mail/marta".to_owned(),
            at: time(0),
            same_event: true,
        };
        let known = Circumstances {
            overtaking: Some(done),
            ..Circumstances::default()
        };
        let outcome = |outcome, overtaken_by| {
            let answer = Answer {
                outcome,
                overtaken_by,
                ..yes(&hash)
            };
            decide(&record, &answer, &known, "id".into(), time(1))
                .map(|decision| (decision.held_until - decision.decided_at).num_seconds())
        };
        let unseen = Err(Refusal::Overtaken("replies".to_owned()));
        assert_eq!(outcome(Outcome::Approve, None), unseen);
        assert_eq!(outcome(Outcome::Approve, Some("mail-host/a-6")), unseen);
        assert_eq!(
            outcome(Outcome::Approve, Some("mail-host/a-7")),
            Ok(0),
            "an outward action is approved as a destructive one is: without an undo time"
        );
        assert_eq!(outcome(Outcome::Reject, None), Ok(UNDO_SECONDS));
    }

    #[test]
    fn nothing_is_accepted_from_the_hard_end_on() {
        let record = question();
        let end = record.value.expires_at.expect("it has an end");
        check(
            &record,
            &yes(&binding_of(&record)),
            end,
            Err(Refusal::Expired),
        );
        check(
            &record,
            &yes(&binding_of(&record)),
            end - TimeDelta::microseconds(1),
            Ok(()),
        );
    }

    #[test]
    fn an_approval_needs_the_end_in_view_and_a_refusal_does_not() {
        let record = question();
        let hash = binding_of(&record);
        check(
            &record,
            &Answer {
                reached_end: false,
                ..yes(&hash)
            },
            time(1),
            Err(Refusal::NotRead),
        );
        check(
            &record,
            &Answer {
                reached_end: false,
                outcome: Outcome::Reject,
                ..yes(&hash)
            },
            time(1),
            Ok(()),
        );
    }

    #[test]
    fn an_option_is_a_yes_or_a_no_only_by_its_intent() {
        let mut record = question();
        let option = |id: &str, label: &str, intent| EscalationOption {
            id: id.to_owned(),
            label: label.to_owned(),
            effect: None,
            intent,
        };
        record.value.options = vec![
            option("abort", "Abort", None),
            option("nicht", "Nicht senden", None),
            option("no", "Yes and delete, no undo", None),
            option("yes", "Yes", Some(OptionIntent::Other)),
            option("go", "Do not", Some(OptionIntent::Approve)),
            option("stop", "Yes", Some(OptionIntent::Reject)),
            option("always", "Once", Some(OptionIntent::Approve)),
        ];
        let hash = binding_of(&record);
        let choose = |id: &str, outcome, reached_end| {
            let answer = Answer {
                option_id: Some(id),
                outcome,
                reached_end,
                ..yes(&hash)
            };
            decide(
                &record,
                &answer,
                &Circumstances::default(),
                "id".into(),
                time(1),
            )
            .map(|made| made.class)
        };
        for id in ["abort", "nicht", "no", "yes"] {
            assert!(
                matches!(choose(id, Outcome::Approve, true), Err(Refusal::Invalid(_))),
                "{id}"
            );
            assert!(
                matches!(choose(id, Outcome::Reject, true), Err(Refusal::Invalid(_))),
                "{id}"
            );
            assert_eq!(
                choose(id, Outcome::Respond, true),
                Ok(Risk::Outward),
                "{id}"
            );
            assert_eq!(
                choose(id, Outcome::Respond, false),
                Err(Refusal::NotRead),
                "{id}"
            );
        }
        assert_eq!(choose("go", Outcome::Approve, true), Ok(Risk::Outward));
        assert_eq!(choose("stop", Outcome::Reject, true), Ok(Risk::Outward));
        assert_eq!(
            choose("stop", Outcome::Reject, false),
            Err(Refusal::NotRead)
        );
        assert!(matches!(
            choose("stop", Outcome::Approve, true),
            Err(Refusal::Invalid(_))
        ));
        assert_eq!(
            choose("always", Outcome::Approve, true),
            Ok(Risk::Destructive)
        );
    }

    #[test]
    fn an_action_needs_its_gesture_whatever_the_question_calls_itself() {
        for kind in ["question", "form", "conflict", "exception"] {
            let mut record = question();
            record.value.kind = serde_json::from_value(kind.into()).expect("a kind");
            let hash = binding_of(&record);
            let answer = Answer {
                outcome: Outcome::Respond,
                message: Some("go ahead"),
                reached_end: false,
                ..yes(&hash)
            };
            check(&record, &answer, time(1), Err(Refusal::NotRead));
            record.value.proposed_action = None;
            check(&record, &answer, time(1), Ok(()));
        }
    }

    #[test]
    fn an_edit_with_a_key_twice_is_refused() {
        let record = question();
        let hash = binding_of(&record);
        let edited = r#"{"name":"a","args":{"to":"x","to":"y"}}"#;
        let answer = Answer {
            outcome: Outcome::Edit,
            edited_action: Some(edited),
            ..yes(&hash)
        };
        assert!(
            matches!(
                decide(
                    &record,
                    &answer,
                    &Circumstances::default(),
                    "id".into(),
                    time(1)
                ),
                Err(Refusal::Invalid(_))
            ),
            "two readings"
        );
    }

    #[test]
    fn an_edit_sends_the_edited_bytes_and_their_digest() {
        let record = question();
        let hash = binding_of(&record);
        let edited = r#"{"name":"mail.send","args":{"n":12345678901234567890123}}"#;
        let answer = Answer {
            outcome: Outcome::Edit,
            edited_action: Some(edited),
            ..yes(&hash)
        };
        let decision = decide(
            &record,
            &answer,
            &Circumstances::default(),
            "id".into(),
            time(1),
        )
        .expect("it is decided");
        assert!(decision.body.contains(edited), "numbers keep every digit");
        assert!(
            decision.body.contains(&digest(edited)),
            "the digest is over what is sent"
        );
    }

    #[test]
    fn a_quick_approval_is_not_a_considered_one() {
        let record = question();
        let hash = binding_of(&record);
        let quick = Answer {
            shown_ms: 500,
            ..yes(&hash)
        };
        let decision = decide(
            &record,
            &quick,
            &Circumstances::default(),
            "id".into(),
            time(1),
        )
        .expect("it is decided");
        assert!(!decision.considered, "half a second is not reading");
    }
}

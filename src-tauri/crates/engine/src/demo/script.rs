//! What the scripted agents remember: when the story began, what was decided, what was cancelled.
//!
//! Pure: time is a parameter. The same moment and the same answers always give the same bytes. What the agents say at a
//! moment is in `scenes`.

use std::collections::BTreeMap;

use domain::{
    decision::Outcome,
    time::{self, Time},
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use sha2::{Digest, Sha256};

use super::{scenes, telling::Telling};

/// The agents of the story, in the order they are introduced. Each is one endpoint of the same name.
pub const AGENTS: [&str; 5] = [
    "invoice-reader",
    "payment-runner",
    "article-editor",
    "publisher",
    "digest-writer",
];

/// The scripted fleet.
#[derive(Debug)]
pub struct Script {
    telling: Telling,
    answers: BTreeMap<(String, String), Answer>,
    cancelled: BTreeMap<(String, String), Time>,
    received: Vec<Value>,
}

/// What a person answered to one escalation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Idempotency key it came with.
    pub key: String,
    /// What.
    pub outcome: Outcome,
    /// One of the options.
    pub option: Option<String>,
    /// When it was taken.
    pub at: Time,
}

/// How a scripted agent replies to a decision or to a wish to cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Taken now, or taken before under the same key.
    Applied,
    /// Answered before under another key; the escalation as it was settled.
    AlreadyResolved(Value),
    /// The question has another version.
    Changed,
    /// No such agent, escalation or task.
    Missing,
    /// Withdrawn or too late.
    Gone,
    /// Not usable, with the reason.
    Refused(String),
}

/// A decision as a scripted agent reads it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    outcome: Outcome,
    option_id: Option<String>,
    action_digest: String,
    #[serde(borrow)]
    edited_action: Option<&'a RawValue>,
}

impl Script {
    /// A story that begins at `started`, second by second.
    pub fn new(started: Time) -> Self {
        Self::told(Telling::plain(started))
    }

    /// The story in that telling.
    pub fn told(telling: Telling) -> Self {
        Self {
            telling,
            answers: BTreeMap::new(),
            cancelled: BTreeMap::new(),
            received: Vec::new(),
        }
    }

    /// How it is told.
    pub fn telling(&self) -> &Telling {
        &self.telling
    }

    /// The status document of one agent at a moment; `None` = no such agent.
    pub fn status(&self, agent: &str, now: Time) -> Option<String> {
        scenes::document(self, agent, self.telling.clock(now)).map(|document| document.to_string())
    }

    /// The answer to an escalation, if there is one.
    pub fn answer(&self, agent: &str, escalation: &str) -> Option<&Answer> {
        self.answers.get(&(agent.to_owned(), escalation.to_owned()))
    }

    /// When the person asked to stop a task.
    pub fn cancelled(&self, agent: &str, task: &str) -> Option<Time> {
        self.cancelled
            .get(&(agent.to_owned(), task.to_owned()))
            .copied()
    }

    /// Everything that was received, in order: what tests compare effects against.
    pub fn log(&self) -> &[Value] {
        &self.received
    }

    /// Takes a decision. The same key again gives the same reply and has no second effect.
    pub fn decide(
        &mut self,
        agent: &str,
        escalation: &str,
        key: &str,
        version: Option<&str>,
        body: &str,
        now: Time,
    ) -> Reply {
        let now = self.telling.clock(now);
        let reply = self.judge(agent, escalation, key, version, body, now);
        let effect = match reply {
            Ok(answer) => {
                self.answers
                    .insert((agent.to_owned(), escalation.to_owned()), answer);
                None
            }
            Err(reply) => Some(reply),
        };
        self.received.push(json!({
            "at": time::format(now), "agent": agent, "escalation": escalation, "idempotencyKey": key,
            "ifMatch": version, "body": body, "effect": effect.is_none(),
        }));
        effect.unwrap_or(Reply::Applied)
    }

    fn judge(
        &self,
        agent: &str,
        escalation: &str,
        key: &str,
        version: Option<&str>,
        body: &str,
        now: Time,
    ) -> Result<Answer, Reply> {
        let item = self
            .item(agent, "escalations", escalation, now)
            .ok_or(Reply::Missing)?;
        if let Some(answer) = self.answer(agent, escalation) {
            return Err(if answer.key == key {
                Reply::Applied
            } else {
                Reply::AlreadyResolved(item)
            });
        }
        if item["status"] != "pending" {
            return Err(Reply::Gone);
        }
        if key.is_empty() {
            return Err(Reply::Refused("The Idempotency-Key is missing.".into()));
        }
        let version = version.map(|text| text.trim_matches('"'));
        if version != item["version"].as_str() {
            return Err(Reply::Changed);
        }
        let body: Body<'_> = serde_json::from_str(body)
            .map_err(|_| Reply::Refused("The decision cannot be read.".into()))?;
        let shown = match (body.edited_action, item.get("proposedAction")) {
            (Some(edited), _) => edited.get().to_owned(),
            (None, Some(action)) => action.to_string(),
            (None, None) => item.to_string(),
        };
        if body.action_digest != digest(shown.as_bytes()) {
            return Err(Reply::Refused(
                "The digest is not of the action that was proposed.".into(),
            ));
        }
        Ok(Answer {
            key: key.to_owned(),
            outcome: body.outcome,
            option: body.option_id,
            at: now,
        })
    }

    /// Takes a wish to stop a task.
    pub fn cancel(&mut self, agent: &str, task: &str, key: &str, now: Time) -> Reply {
        let now = self.telling.clock(now);
        let Some(item) = self.item(agent, "tasks", task, now) else {
            return Reply::Missing;
        };
        self.received.push(json!({
            "at": time::format(now), "agent": agent, "cancel": task, "idempotencyKey": key,
        }));
        if self.cancelled(agent, task).is_some() {
            return Reply::Applied;
        }
        if matches!(
            item["status"]["state"].as_str(),
            Some("completed" | "failed" | "canceled" | "rejected")
        ) {
            return Reply::AlreadyResolved(item);
        }
        self.cancelled
            .insert((agent.to_owned(), task.to_owned()), now);
        Reply::Applied
    }

    fn item(&self, agent: &str, list: &str, id: &str, now: Time) -> Option<Value> {
        let document = scenes::document(self, agent, now)?;
        let items = document.get(list)?.as_array()?;
        items.iter().find(|item| item["id"] == id).cloned()
    }
}

/// `sha256:` and the hex digest of the bytes.
pub fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::*;

    fn start() -> Time {
        DateTime::from_timestamp(1_790_000_000, 0).expect("a valid time")
    }

    fn after(seconds: i64) -> Time {
        start() + Duration::seconds(seconds)
    }

    /// A body that approves what the payment runner proposes.
    fn approval(script: &Script, now: Time) -> String {
        let item = script
            .item("payment-runner", "escalations", "pay-7001", now)
            .expect("asked by then");
        json!({
            "outcome": "approve", "actionDigest": digest(item["proposedAction"].to_string().as_bytes()),
            "decidedBy": "me", "decidedAt": time::format(now),
        })
        .to_string()
    }

    fn state(script: &Script, agent: &str, task: &str, now: Time) -> String {
        let item = script.item(agent, "tasks", task, now).expect("a task");
        item["status"]["state"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    }

    #[test]
    fn a_decision_sent_twice_under_one_key_has_one_effect() {
        let mut script = Script::new(start());
        let now = after(60);
        let body = approval(&script, now);
        for _ in 0..2 {
            let reply = script.decide(
                "payment-runner",
                "pay-7001",
                "k1",
                Some("\"1\""),
                &body,
                now,
            );
            assert_eq!(reply, Reply::Applied);
        }
        let effects: Vec<bool> = script
            .log()
            .iter()
            .map(|entry| entry["effect"] == true)
            .collect();
        assert_eq!(effects, [true, false]);
        assert_eq!(
            state(&script, "payment-runner", "pay-7001", after(100)),
            "completed"
        );
    }

    #[test]
    fn a_second_decision_under_another_key_is_told_what_was_decided() {
        let mut script = Script::new(start());
        let body = approval(&script, after(60));
        script.decide(
            "payment-runner",
            "pay-7001",
            "k1",
            Some("1"),
            &body,
            after(60),
        );
        let reply = script.decide(
            "payment-runner",
            "pay-7001",
            "k2",
            Some("1"),
            &body,
            after(61),
        );
        assert!(matches!(reply, Reply::AlreadyResolved(item) if item["status"] == "resolved"));
    }

    #[test]
    fn a_decision_about_other_bytes_or_another_version_changes_nothing() {
        let mut script = Script::new(start());
        let now = after(60);
        let good = approval(&script, now);
        let other = good.replace("sha256:", "sha256:0");
        let old = script.decide("payment-runner", "pay-7001", "k", Some("0"), &good, now);
        assert_eq!(old, Reply::Changed);
        let forged = script.decide("payment-runner", "pay-7001", "k", Some("1"), &other, now);
        assert!(matches!(forged, Reply::Refused(_)));
        assert_eq!(
            state(&script, "payment-runner", "pay-7001", after(90)),
            "input-required"
        );
    }

    #[test]
    fn a_cancelled_task_stops_and_stays_stopped() {
        let mut script = Script::new(start());
        let cancel = |script: &mut Script| script.cancel("publisher", "pub-12", "c1", after(50));
        assert_eq!(cancel(&mut script), Reply::Applied);
        assert_eq!(cancel(&mut script), Reply::Applied);
        assert_eq!(
            state(&script, "publisher", "pub-12", after(300)),
            "canceled"
        );
    }

    #[test]
    fn every_agent_says_the_same_at_the_same_moment() {
        let (one, two) = (Script::new(start()), Script::new(start()));
        for agent in AGENTS {
            for second in [0, 17, 95, 400, 9_000] {
                let now = after(second);
                assert!(one.status(agent, now).is_some());
                assert_eq!(one.status(agent, now), two.status(agent, now));
            }
        }
        assert_eq!(one.status("nobody", start()), None);
    }
}

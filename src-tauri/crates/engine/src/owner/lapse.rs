//! What the rules say is to happen when nobody has answered a question in time. Only a refusal is an act; it is made once,
//! with the usual time to take it back, and nothing is ever approved here.

use domain::{
    change::EscalationRecord,
    decision::{Answer, DecidedBy, Decision, Outcome, binding_of, decide},
    ids::DecisionId,
    time::Time,
};
use serde_json::json;
use store::tables::{audit, decisions, decisions::Recorded, escalations};

use super::{DUE_AGAIN, Owner};
use crate::api::{escalation, views::Topic};

/// What the agent is told.
const WHY: &str = "Nobody answered in time, so it is refused.";

impl Owner {
    /// Refuses what is overdue and to be refused then.
    pub(super) fn lapse(&mut self, now: Time) {
        let due = self
            .parts
            .store
            .read(|reader| escalations::lapsed(reader, now))
            .unwrap_or_default();
        for record in due {
            // Whether it still waits is asked first where the record lies ahead of the clock.
            if self.is_certain(&record).is_ok() {
                self.refuse(&record, now);
            }
        }
        self.look_for_expiry();
        if self.lapse.is_some_and(|next| next <= now) {
            // It could not be written.
            self.lapse = Some(now + DUE_AGAIN);
        }
    }

    fn refuse(&mut self, record: &EscalationRecord, now: Time) {
        let hash = binding_of(record);
        let answer = Answer {
            version: &record.value.version,
            binding_hash: &hash,
            outcome: Outcome::Reject,
            option_id: None,
            edited_action: None,
            payload: None,
            message: Some(WHY),
            shown_ms: 0,
            reached_end: false,
            overtaken_by: None,
            decided_by: DecidedBy::Rule,
        };
        let key = DecisionId::from(uuid::Uuid::now_v7().to_string());
        let known = self
            .parts
            .store
            .read(|reader| escalation::circumstances(reader, record));
        let decision = decide(record, &answer, &known.unwrap_or_default(), key, now).ok();
        let origin = self.origin(&record.agent.endpoint);
        let decision = decision.map(|decision| Decision { origin, ..decision });
        let subject = format!("{}/{}", record.agent.endpoint, record.value.id);
        let detail = json!({ "version": record.value.version, "fallback": record.fallback });
        let written = decision.clone();
        // What was tried is noted with it, so that it is never tried twice.
        let recorded = self.write(move |tx| {
            audit::append(tx, now, escalations::LAPSED, &subject, &detail)?;
            match &written {
                Some(decision) => {
                    decisions::record(tx, now, decision, domain::decision::binding_of).map(Some)
                }
                None => Ok(None),
            }
        });
        if let (Ok(Some(Recorded::Yes)), Some(decision)) = (recorded, decision) {
            self.enqueue(decision);
            self.announce_topics(&[Topic::Inbox, Topic::Board, Topic::Status, Topic::Timeline]);
        }
    }
}

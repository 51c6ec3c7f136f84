//! Questions that are asked again after their answer had left. One that its agent lists as open for long after it took the
//! answer waits for the person once more; nothing is sent by itself, and what was answered stays as it was.
//!
//! That other bytes, or the same ones after they were gone, are asked anew is said by the agent and decided by the rules.

use domain::{
    contract::{EscalationStatus, TaskState, WaitKind},
    decision::{Decision, DeliveryState, LISTED_ON},
    fact,
    ids::TaskRef,
    time::Time,
};
use store::tables::{dead_letters, decisions, endpoints, escalations, facts::FactKind, tasks};

use super::{Owner, outbox::TOPICS};

/// Of an answer that was taken, and whose question is asked again with nothing that shows its effect.
pub(super) const ASKED_AGAIN: &str =
    "It took the answer and asks the same again; whether the answer counted cannot be told.";

/// The kind of an endpoint that speaks our own contract.
const NATIVE: &str = "native";

/// When to look.
#[derive(Default)]
pub(super) struct Again {
    /// The next time at which a question will have been listed for long enough.
    pub(super) due: Option<Time>,
    /// One has been, and its agent has not told all it asks since.
    pub(super) listens: bool,
}

impl Owner {
    /// Looks for what may be asked again, after an answer went further or a question changed.
    pub(super) fn look_for_again(&mut self) {
        let listed = self.parts.store.read(decisions::listed_on);
        // What cannot be read now is looked for with the next answer of an agent.
        self.again = listed.map_or(
            Again {
                due: None,
                listens: true,
            },
            |listed| Again {
                due: listed.iter().map(again_from).min(),
                listens: false,
            },
        );
    }

    /// Lets the questions wait again that were listed for long enough in what their agents told as a whole.
    pub(super) fn ask_again(&mut self, now: Time) {
        let listed = self.parts.store.read(decisions::listed_on);
        self.again = Again::default();
        let mut next = None;
        for decision in listed.unwrap_or_default() {
            let from = again_from(&decision);
            if now < from {
                next = Some(next.map_or(from, |next: Time| next.min(from)));
                continue;
            }
            let told = self
                .known
                .get(&decision.endpoint)
                .filter(|known| known.heard)
                .and_then(|known| known.told_from);
            if told.is_none_or(|told| told < from)
                || self.waits_no_more(&decision)
                || !self.asks_once_more(&decision)
            {
                self.again.listens = true;
            }
        }
        self.again.due = next;
    }

    /// Whether the task that asked does not wait for this any more. Of other protocols a question is told as open until an
    /// effect of the answer is seen, which may take as long as the work; where its task works, is over, or waits for the answer
    /// to something else, nobody asks it. An agent that speaks our own contract says itself what it asks.
    fn waits_no_more(&self, decision: &Decision) -> bool {
        let looked = self.parts.store.read(|reader| {
            let endpoint = endpoints::get(reader, &decision.endpoint)?;
            let question = escalations::get(reader, &decision.endpoint, &decision.escalation)?;
            let task = question.and_then(|question| question.value.task_id);
            let (Some(endpoint), Some(task)) = (endpoint, task) else {
                return Ok(false);
            };
            if endpoint.kind == NATIVE {
                return Ok(false);
            }
            let place = TaskRef {
                endpoint: decision.endpoint.clone(),
                task,
            };
            let Some(row) = tasks::get(reader, &place)? else {
                return Ok(false);
            };
            let now = row.record.value;
            let waits = matches!(
                now.status.state,
                TaskState::InputRequired | TaskState::AuthRequired | TaskState::Unknown
            );
            if !waits {
                return Ok(true);
            }
            let other = now
                .waiting_for
                .filter(|wait| wait.kind == WaitKind::Human)
                .and_then(|wait| wait.reference)
                .filter(|other| other != decision.escalation.as_str());
            let Some(other) = other else { return Ok(false) };
            let other = escalations::get(reader, &decision.endpoint, &other.as_str().into())?;
            Ok(other.is_some_and(|other| {
                other.value.status == EscalationStatus::Pending
                    && other.value.task_id.as_ref() == Some(&place.task)
            }))
        });
        looked.unwrap_or(false)
    }

    /// False when it could not be read or written.
    fn asks_once_more(&mut self, decision: &Decision) -> bool {
        let hidden = self
            .parts
            .store
            .read(|reader| dead_letters::hides(reader, &decision.endpoint, &decision.escalation));
        // What cannot be read is not what was answered, and is said elsewhere.
        if !matches!(hidden, Ok(false)) {
            return false;
        }
        let fresh = self.fresh(FactKind::Decision, None, |at| {
            fact::write_asked_again(at, &decision.endpoint, &decision.escalation)
        });
        let Ok(fresh) = fresh else { return false };
        let (at, asked) = (fresh.at, decision.clone());
        if !self.commit(fresh, move |tx| escalations::ask_again(tx, at, &asked)) {
            return false;
        }
        if decision.delivery.state == DeliveryState::Sent {
            let why = Some(ASKED_AGAIN.to_owned());
            self.finish(&decision.id, DeliveryState::Unknown, why);
        }
        self.look_for_deadlines();
        self.announce_topics(&TOPICS);
        true
    }
}

fn again_from(decision: &Decision) -> Time {
    decision.delivery.changed_at + LISTED_ON
}

#[cfg(test)]
mod tests;

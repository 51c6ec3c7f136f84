//! Decisions on their way: held for their undo time, sent one request at a time, confirmed, or back to the person.
//!
//! Each step is on the disk before it is taken: a request is marked as sent before it leaves, so that after a crash it is
//! sent again only as one that may have arrived.

use std::collections::HashSet;

use agents::Outcome;
use chrono::TimeDelta;
use domain::{
    change::{Change, EscalationPhase, EscalationRecord},
    contract::EscalationStatus,
    decision::{
        Decision, Delivery, DeliveryState, Overtaking, Risk, act_name, asks_the_same,
        same_question, takes_gesture,
    },
    fact,
    ids::{DecisionId, EndpointId},
    time::Time,
};
use store::{
    Reader, Tx, breakpoint,
    tables::{
        audited::{self, Agreement},
        dead_letters, decisions,
        decisions::TakenBack,
        endpoints, escalations,
        facts::FactKind,
        overtaken,
    },
};

use super::{Event, Owner, again::ASKED_AGAIN};
use crate::{
    api::{settings, views::Topic},
    journal::Happened,
    pace,
    poll::Wish,
};

/// Of an answer that was taken, when nothing shows what became of it.
const DOUBTED: &str = "It took the answer, but the question has changed or gone since and does not show whether the answer counted.";

/// Of one that was sent again, and whose question is gone or another one by now.
const ARRIVED: &str = "An earlier attempt may have arrived; by now the question has changed or gone, and whether the answer counted cannot be told.";

/// Of one that may have arrived where the endpoint is no more.
const MOVED: &str = "The endpoint is at another address now; whether the answer arrived at the old one cannot be told.";

/// Of one that may have arrived before the question's end.
const LATE: &str = "The time to answer ended before the agent confirmed it; it is not sent again.";

/// Of one whose question was settled as another one.
const ALTERED: &str = "The agent shows something else as settled than what you answered.";
/// A delivery that could not be begun is begun again after this.
const TRIED_AGAIN: TimeDelta = TimeDelta::seconds(30);

pub(super) const TOPICS: [Topic; 4] = [Topic::Inbox, Topic::Board, Topic::Status, Topic::Timeline];

/// A decision that is not final yet.
pub(super) struct Parcel {
    decision: Decision,
    /// Tries without an answer, since the start.
    failures: u32,
    /// Not before this: what is needed to send it could not be read or written.
    tried_again_at: Option<Time>,
    /// It was taken and not confirmed, and the question moved on: the endpoint is asked what became of it.
    doubted: bool,
    /// Its question may have moved on before this could react to it, and polls tell that only once: it was read from the
    /// store, or it was under way.
    unseen: bool,
    /// Acts of other agents that were told while it was under way.
    acts: HashSet<String>,
}

impl Parcel {
    /// As it stands in the store. What was being sent when the process ended may have arrived.
    pub(super) fn found(mut decision: Decision) -> Self {
        if decision.delivery.state == DeliveryState::Sending {
            decision.delivery.state = DeliveryState::Queued;
            decision.delivery.next_attempt_at = None;
        }
        Self {
            unseen: true,
            ..Self::new(decision)
        }
    }

    pub(super) fn new(decision: Decision) -> Self {
        Self {
            decision,
            failures: 0,
            tried_again_at: None,
            doubted: false,
            unseen: false,
            acts: HashSet::new(),
        }
    }

    /// No attempt was made to send it.
    pub(super) fn has_not_left(&self) -> bool {
        let delivery = &self.decision.delivery;
        let waits = matches!(delivery.state, DeliveryState::Held | DeliveryState::Queued);
        waits && delivery.attempts == 0
    }

    /// What began to wait later than now was timed by a clock that was ahead: its wait is over.
    fn due(&self, now: Time) -> Option<Time> {
        let delivery = &self.decision.delivery;
        let due = match delivery.state {
            DeliveryState::Held => self.decision.held_until,
            DeliveryState::Queued => delivery.next_attempt_at.unwrap_or(now),
            _ => return None,
        };
        let was_ahead = now < delivery.changed_at;
        Some(if was_ahead { now } else { due }).max(self.tried_again_at)
    }
}

impl Owner {
    /// When the next parcel can go; those whose endpoint is away wait for it.
    pub(super) fn post_due(&self) -> Option<Time> {
        let now = self.now();
        self.outbox
            .values()
            .filter(|parcel| self.can_go(parcel))
            .filter_map(|parcel| parcel.due(now))
            .min()
    }

    fn can_go(&self, parcel: &Parcel) -> bool {
        parcel.decision.delivery.state == DeliveryState::Held
            || self.reachable(&parcel.decision.endpoint).is_some()
    }

    /// Reacts to what was said of questions before.
    fn catch_up(&mut self) {
        let unseen = self.outbox.iter().filter(|(_, parcel)| parcel.unseen);
        let unseen: Vec<_> = unseen
            .map(|(id, parcel)| (id.clone(), parcel.decision.clone()))
            .collect();
        for (id, decision) in unseen {
            if !self.look_at_its_question(&decision) {
                continue;
            }
            if let Some(parcel) = self.outbox.get_mut(&id) {
                parcel.unseen = false;
            }
            self.hold_up_late(&id);
        }
    }

    /// Reacts to what the question of a decision is by now. False when that cannot be read: it is looked at the next time.
    fn look_at_its_question(&mut self, decision: &Decision) -> bool {
        let record = self
            .parts
            .store
            .read(|reader| escalations::get(reader, &decision.endpoint, &decision.escalation));
        if let Ok(Some(record)) = &record {
            self.moved(record);
        }
        record.is_ok()
    }

    /// Sends what is due.
    pub(super) fn post(&mut self) {
        self.catch_up();
        let now = self.now();
        let due: Vec<DecisionId> = self
            .outbox
            .iter()
            .filter(|(_, parcel)| self.can_go(parcel))
            .filter(|(_, parcel)| parcel.due(now).is_some_and(|due| due <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in due {
            let state = self
                .outbox
                .get(&id)
                .map(|parcel| parcel.decision.delivery.state);
            match state {
                Some(DeliveryState::Held) => self.release(&id),
                Some(DeliveryState::Queued) => self.send(&id),
                _ => {}
            }
        }
    }

    /// The undo time is over: now it is decided.
    fn release(&mut self, id: &DecisionId) {
        breakpoint("undo-over");
        if !self.is_as_decided(id) {
            return;
        }
        let Some(parcel) = self.outbox.get(id) else {
            return;
        };
        let decision = &parcel.decision;
        let (endpoint, escalation) = (decision.endpoint.clone(), decision.escalation.clone());
        let (outcome, considered) = (decision.outcome, decision.considered);
        let fresh = self.fresh(FactKind::Decision, None, |at| {
            fact::write_decision(at, &endpoint, &escalation, outcome, considered)
        });
        let Ok(fresh) = fresh else {
            return;
        };
        let at = fresh.at;
        let Some(parcel) = self.outbox.get_mut(id) else {
            return;
        };
        let delivery = &mut parcel.decision.delivery;
        delivery.state = DeliveryState::Queued;
        delivery.next_attempt_at = None;
        delivery.changed_at = at;
        let (id, delivery) = (id.clone(), delivery.clone());
        if self.commit(fresh, move |tx| decisions::deliver(tx, at, &id, &delivery)) {
            breakpoint("released");
            self.announce_topics(&TOPICS);
        }
    }

    /// Whether a decision is, in the store and here, what the person decided. One that is not never leaves, and its
    /// question waits again. What cannot be read now is tried later.
    fn is_as_decided(&mut self, id: &DecisionId) -> bool {
        let Some(parcel) = self.outbox.get(id) else {
            return false;
        };
        let decision = parcel.decision.clone();
        let found = self
            .parts
            .store
            .read(|reader| audited::check(reader, &decision));
        let found = match found {
            Ok(Agreement::Same) => return true,
            Ok(found) => found,
            Err(_) => {
                self.try_later(id);
                return false;
            }
        };
        if self.stop(decision, found) {
            self.outbox.remove(id);
            self.announce_topics(&TOPICS);
        } else {
            self.try_later(id);
        }
        false
    }

    /// Takes it out of the way for good. The log may have told of it already: then that is not true any more.
    fn stop(&mut self, decision: Decision, found: Agreement) -> bool {
        let mut told = None;
        if decision.delivery.state != DeliveryState::Held {
            let store = &self.parts.store;
            let asked = store.read(|reader| audited::as_decided(reader, &decision));
            let Ok(asked) = asked else { return false };
            told = Some(asked);
        }
        self.undecide(told.as_ref(), move |tx, at| {
            audited::stop(tx, at, &decision, &found)
        })
    }

    /// Writes that a decision counts no more, and into the log where that has told of it. Its question waits again, until
    /// its deadline.
    fn undecide(
        &mut self,
        told: Option<&Decision>,
        write: impl Fn(&Tx<'_>, Time) -> store::Result<()> + Send + Sync + 'static,
    ) -> bool {
        let done = match told {
            None => {
                let now = self.now();
                self.commit_only(move |tx| write(tx, now))
            }
            Some(told) => {
                let fresh = self.fresh(FactKind::Decision, None, |at| {
                    let (outcome, considered) = (told.outcome, told.considered);
                    fact::write_undecided(at, &told.endpoint, &told.escalation, outcome, considered)
                });
                let Ok(fresh) = fresh else { return false };
                let at = fresh.at;
                self.commit(fresh, move |tx| write(tx, at))
            }
        };
        if done {
            self.look_for_deadlines();
        }
        done
    }

    /// Nothing was done, so nothing is written.
    fn try_later(&mut self, id: &DecisionId) {
        let later = self.now() + TRIED_AGAIN;
        if let Some(parcel) = self.outbox.get_mut(id) {
            parcel.tried_again_at = Some(later);
        }
    }

    fn send(&mut self, id: &DecisionId) {
        if !self.is_as_decided(id) {
            return;
        }
        let Some(parcel) = self.outbox.get(id) else {
            return;
        };
        let decision = parcel.decision.clone();
        let found = self.parts.store.read(|reader| {
            let row = endpoints::get(reader, &decision.endpoint)?;
            let patience = settings::deciding(reader)?.patience();
            let hidden = dead_letters::hides(reader, &decision.endpoint, &decision.escalation)?;
            let record = escalations::answered(reader, &decision)?;
            Ok((record, row, patience, hidden))
        });
        let Ok((record, row, patience, hidden)) = found else {
            self.try_later(id);
            return;
        };
        let Some(record) = record else {
            self.finish(
                id,
                DeliveryState::Unknown,
                Some("The question is not in the store any more.".to_owned()),
            );
            return;
        };
        let now = self.now();
        let again = decision.delivery.attempts > 0;
        // The agent may know of the answer that it repeats.
        let resend = again || decision.repeats.is_some();
        let origin = row.and_then(|row| agents::address::origin(&row.url));
        if decision.origin.is_some() && origin != decision.origin {
            if again {
                self.finish(id, DeliveryState::Unknown, Some(MOVED.to_owned()));
            } else {
                self.take_back(id, &TakenBack::Moved);
            }
            return;
        }
        if record.value.expires_at.is_some_and(|end| now >= end) {
            // Nothing is accepted after its end, not even what was decided before.
            if again {
                self.finish(id, DeliveryState::Unknown, Some(LATE.to_owned()));
            } else {
                let why = "Its deadline passed before the answer could leave.".to_owned();
                self.finish(id, DeliveryState::Expired, Some(why));
            }
            return;
        }
        if !again && hidden {
            self.take_back(id, &TakenBack::Unreadable);
            return;
        }
        let acts = takes_gesture(&record.value, decision.outcome, false);
        let harmless = !acts || decision.class == Risk::Reversible;
        if !again && !harmless && now - decision.decided_at >= patience {
            self.take_back(id, &TakenBack::TooOld);
            return;
        }
        let delivery = Delivery {
            state: DeliveryState::Sending,
            attempts: decision.delivery.attempts + 1,
            next_attempt_at: None,
            ..decision.delivery
        };
        if !self.move_on(id, delivery) {
            return;
        }
        breakpoint("marked-as-sending");
        let parcel = agents::Delivery {
            id: decision.repeats.unwrap_or_else(|| id.clone()),
            escalation: decision.escalation,
            version: decision.version,
            task: record.value.task_id.clone(),
            body: decision.body,
            escalation_raw: decision.shown,
            resend,
        };
        let gone = self
            .reachable(&decision.endpoint)
            .is_none_or(|poller| !poller.wish(Wish::Deliver(id.clone(), Box::new(parcel))));
        if gone {
            self.delivered(
                id,
                Outcome::Retry {
                    reason: "Nothing is connected to it now.".to_owned(),
                    after_seconds: None,
                    may_have_arrived: false,
                },
            );
        }
    }

    /// What a request brought.
    pub(super) fn delivered(&mut self, id: &DecisionId, outcome: Outcome) {
        breakpoint("answer-heard");
        let now = self.now();
        let Some(parcel) = self.outbox.get_mut(id) else {
            return;
        };
        let mut delivery = parcel.decision.delivery.clone();
        delivery.detail = None;
        delivery.next_attempt_at = None;
        let doubted = parcel.doubted;
        let repeats = parcel.decision.repeats.is_some();
        let brought = outcome.clone();
        delivery.state = match outcome {
            // It took the answer before, so that the question is gone says nothing of it.
            Outcome::Sent | Outcome::Expired | Outcome::Changed if doubted => {
                delivery.detail = Some(DOUBTED.to_owned());
                DeliveryState::Unknown
            }
            // Nor when an attempt before may have arrived, in this run or in an earlier one.
            Outcome::Expired | Outcome::Changed if delivery.attempts > 1 || repeats => {
                delivery.detail = Some(ARRIVED.to_owned());
                DeliveryState::Unknown
            }
            Outcome::Applied => DeliveryState::Applied,
            Outcome::Sent => DeliveryState::Sent,
            Outcome::AlreadyResolved { recorded } => {
                delivery.recorded_outcome = recorded;
                DeliveryState::AlreadyResolved
            }
            Outcome::Refused(reason) => {
                delivery.detail = Some(reason);
                DeliveryState::Refused
            }
            Outcome::Expired => DeliveryState::Expired,
            Outcome::Changed => DeliveryState::Changed,
            Outcome::Unknown(reason) => {
                delivery.detail = Some(reason);
                DeliveryState::Unknown
            }
            Outcome::Retry {
                reason,
                after_seconds,
                may_have_arrived,
            } => {
                parcel.failures += 1;
                if !may_have_arrived {
                    delivery.attempts = delivery.attempts.saturating_sub(1);
                }
                let chance = (self.parts.outside.chance)();
                let own = pace::backoff_ceiling(parcel.failures).mul_f64(chance);
                let asked = std::time::Duration::from_secs(after_seconds.unwrap_or(0).min(3600));
                let wait = TimeDelta::from_std(own.max(asked)).unwrap_or_default();
                delivery.next_attempt_at = Some(now + wait);
                delivery.detail = Some(reason);
                DeliveryState::Queued
            }
        };
        let is_taken = delivery.state == DeliveryState::Sent;
        if !self.move_on(id, delivery) {
            self.once_more(Event::Delivered {
                decision: id.clone(),
                outcome: brought,
            });
            return;
        }
        breakpoint("answer-stored");
        let Some(parcel) = self.outbox.get_mut(id) else {
            return;
        };
        let is_back = parcel.has_not_left();
        parcel.unseen |= is_taken || is_back;
        let acts = std::mem::take(&mut parcel.acts);
        if is_back && !acts.is_empty() {
            self.hold_up(&acts);
        }
    }

    pub(super) fn finish(&mut self, id: &DecisionId, state: DeliveryState, detail: Option<String>) {
        let Some(parcel) = self.outbox.get(id) else {
            return;
        };
        let delivery = Delivery {
            state,
            detail,
            next_attempt_at: None,
            ..parcel.decision.delivery.clone()
        };
        self.move_on(id, delivery);
    }

    /// Writes where a delivery stands, then believes it.
    fn move_on(&mut self, id: &DecisionId, mut delivery: Delivery) -> bool {
        let now = self.now();
        let Some(parcel) = self.outbox.get(id) else {
            return false;
        };
        if delivery.state != parcel.decision.delivery.state {
            delivery.changed_at = now;
        }
        let (key, written) = (id.clone(), delivery.clone());
        if !self.commit_only(move |tx| decisions::deliver(tx, now, &key, &written)) {
            return false;
        }
        if let Some(parcel) = self.outbox.get(id) {
            self.tell_of_delivery(now, &parcel.decision, &delivery);
        }
        if delivery.state.is_final() {
            self.outbox.remove(id);
        } else if let Some(parcel) = self.outbox.get_mut(id) {
            parcel.decision.delivery = delivery;
        }
        self.look_for_again();
        self.announce_topics(&TOPICS);
        true
    }

    /// Adds a decision that was just recorded.
    pub(super) fn enqueue(&mut self, decision: Decision) {
        self.tell_of_delivery(decision.decided_at, &decision, &decision.delivery);
        self.outbox
            .insert(decision.id.clone(), Parcel::new(decision));
    }

    fn tell_of_delivery(&self, at: Time, decision: &Decision, delivery: &Delivery) {
        if let Some(journal) = &self.parts.journal {
            // Whoever listened may be gone.
            let _ = journal.send(Happened::Delivery {
                at,
                decision: decision.id.clone(),
                endpoint: decision.endpoint.clone(),
                escalation: decision.escalation.clone(),
                delivery: delivery.clone(),
            });
        }
    }

    /// A question that moved on confirms what was sent, and ends what was not. An act of another agent on the same thing
    /// holds up a yes that has not left.
    pub(super) fn react(&mut self, changes: &[Change]) {
        let mut acts = HashSet::new();
        for change in changes {
            match change {
                Change::Escalation(record) => self.moved(record),
                Change::Access(record) => {
                    acts.insert(act_name(record.agent.endpoint.as_str(), &record.value.id));
                }
                Change::DeadLetter(letter) if letter.list() == "escalations" => {
                    self.hidden(&letter.endpoint, &letter.item);
                }
                _ => {}
            }
        }
        if !acts.is_empty() {
            self.hold_up(&acts);
        }
    }

    /// The same for acts that were told after it was decided, if the app ended before it reacted to them.
    fn hold_up_late(&mut self, id: &DecisionId) {
        let Some(parcel) = self.outbox.get(id).filter(|parcel| parcel.has_not_left()) else {
            return;
        };
        let decision = &parcel.decision;
        let done = self.done_beside(decision, |reader, record| {
            overtaken::told_after(reader, record, decision.decided_at)
        });
        if let Some(done) = done {
            self.take_back(id, &TakenBack::Overtaken(done));
        }
    }

    /// What another agent did, of a decision that would let its agent act. What cannot be read now is looked at again when
    /// the person looks.
    fn done_beside(
        &self,
        decision: &Decision,
        look: impl FnOnce(&Reader, &EscalationRecord) -> store::Result<Option<Overtaking>>,
    ) -> Option<Overtaking> {
        let done = self
            .parts
            .store
            .read(|reader| match escalations::answered(reader, decision)? {
                Some(record) if takes_gesture(&record.value, decision.outcome, false) => {
                    look(reader, &record)
                }
                _ => Ok(None),
            });
        done.ok().flatten()
    }

    /// Something that cannot be read stands under that name now: what was decided of the question of before does not leave.
    fn hidden(&mut self, endpoint: &EndpointId, question: &str) {
        for decision in self.about(endpoint, question) {
            self.take_back(&decision.id, &TakenBack::Unreadable);
        }
    }

    /// What is under way of one question.
    fn about(&self, endpoint: &EndpointId, question: &str) -> Vec<Decision> {
        let decisions = self.outbox.values().map(|parcel| &parcel.decision);
        decisions
            .filter(|decision| {
                decision.endpoint == *endpoint && decision.escalation.as_str() == question
            })
            .cloned()
            .collect()
    }

    /// Gives what would let an agent act, and has not left, back to the person when one of these acts is on the same thing.
    fn hold_up(&mut self, acts: &HashSet<String>) {
        for parcel in self.outbox.values_mut() {
            if parcel.decision.delivery.state == DeliveryState::Sending {
                parcel.acts.extend(acts.iter().cloned());
            }
        }
        let held: Vec<Decision> = self
            .outbox
            .values()
            .filter(|parcel| parcel.has_not_left())
            .map(|parcel| parcel.decision.clone())
            .collect();
        for decision in held {
            let done = self.done_beside(&decision, overtaken::overtaking);
            if let Some(done) = done.filter(|done| acts.contains(&done.act)) {
                // Polls share transactions: in one that is reacted to after this, it may have moved on.
                self.look_at_its_question(&decision);
                self.take_back(&decision.id, &TakenBack::Overtaken(done));
            }
        }
    }

    /// Gives a decision that has not left back to the person: its question waits again. False when it has left.
    pub(super) fn take_back(&mut self, id: &DecisionId, why: &TakenBack) -> bool {
        let Some(parcel) = self.outbox.get(id).filter(|parcel| parcel.has_not_left()) else {
            return false;
        };
        let (decision, why) = (parcel.decision.clone(), why.clone());
        let told = (decision.delivery.state == DeliveryState::Queued).then_some(&decision);
        let taken = id.clone();
        let done = self.undecide(told, move |tx, at| {
            decisions::take_back(tx, at, &taken, &why).map(drop)
        });
        if done {
            self.outbox.remove(id);
            self.announce_topics(&TOPICS);
        }
        done
    }

    fn moved(&mut self, record: &EscalationRecord) {
        for decision in self.about(&record.agent.endpoint, record.value.id.as_str()) {
            self.moved_under(&decision, record);
        }
    }

    fn moved_under(&mut self, decision: &Decision, record: &EscalationRecord) {
        // The whole item is bound: other bytes are another question, with or without another version.
        let waits = record.value.status == EscalationStatus::Pending;
        let same = record.value.version == decision.version;
        let replaced = match waits {
            true => record.phase != EscalationPhase::Superseded && *record.raw != *decision.shown,
            false => !same,
        };
        let settled = same && !waits;
        if !replaced && !settled {
            return;
        }
        let id = &decision.id;
        let left = decision.delivery.attempts > 0;
        let taken = decision.delivery.state == DeliveryState::Sent
            || self.outbox.get(id).is_some_and(|parcel| parcel.doubted);
        match decision.delivery.state {
            DeliveryState::Held | DeliveryState::Queued if !left => {
                let state = match record.value.status {
                    _ if replaced => DeliveryState::Changed,
                    EscalationStatus::Resolved => DeliveryState::AlreadyResolved,
                    _ => DeliveryState::Expired,
                };
                self.finish(id, state, None);
            }
            DeliveryState::Sent if settled && is_resolved(record) => {
                let answered = self
                    .parts
                    .store
                    .read(|reader| escalations::answered(reader, decision));
                match answered {
                    Ok(Some(answered)) if same_question(&answered, record) => {
                        breakpoint("confirmation-heard");
                        self.finish(id, DeliveryState::Applied, None);
                        breakpoint("confirmation-stored");
                    }
                    _ => self.finish(id, DeliveryState::Unknown, Some(ALTERED.to_owned())),
                }
            }
            // The same again: whether to send it once more is for the person to say.
            DeliveryState::Sent | DeliveryState::Queued
                if waits && asks_the_same(&decision.shown, &record.raw) && taken =>
            {
                self.finish(id, DeliveryState::Unknown, Some(ASKED_AGAIN.to_owned()));
            }
            // Taken back or asked anew: that shows no effect of what it took.
            DeliveryState::Sent => self.doubt(id),
            // It may have been ours: the endpoint is asked.
            _ => {}
        }
    }

    /// Asks the endpoint what became of an answer that it took.
    fn doubt(&mut self, id: &DecisionId) {
        let Some(parcel) = self.outbox.get_mut(id) else {
            return;
        };
        parcel.doubted = true;
        let delivery = Delivery {
            state: DeliveryState::Queued,
            next_attempt_at: None,
            ..parcel.decision.delivery.clone()
        };
        self.move_on(id, delivery);
    }
}

fn is_resolved(record: &EscalationRecord) -> bool {
    record.value.status == EscalationStatus::Resolved
}

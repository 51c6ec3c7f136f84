//! Escalations as they come in: which version counts, when it is due, and when it is settled.
//!
//! Reminding the person is `rules/escalation_overdue.rs`.

use std::sync::Arc;

use super::{slots::Subject, take::Intake, world::EscalationEntry};
use crate::{
    change::{Change, EscalationPhase, EscalationRecord},
    contract::{Escalation, EscalationStatus, Item, json, read},
    decision::Outcome,
    ids::{AgentRef, EndpointId, EscalationId, TaskRef},
    route,
};

/// Answers kept whose question is not known.
const ANSWERS: usize = 1024;

/// How far a question is, for two accounts in one line: a later version, then one that is settled.
pub(super) fn further(asked: &Escalation) -> (Option<u64>, String, bool) {
    let number = asked.version.parse().ok();
    let settled = asked.status != EscalationStatus::Pending;
    (number, asked.version.clone(), settled)
}

impl Intake<'_> {
    pub(super) fn escalation(&mut self, agent: &AgentRef, item: &Item<Escalation>) {
        let value = &item.value;
        let key = (agent.endpoint.clone(), value.id.clone());
        let old = self.world.escalations.get(&key).cloned();
        if old.as_ref().is_some_and(|old| old.seen.raw == item.raw) {
            return;
        }
        let same = old
            .as_ref()
            .filter(|old| old.value.version == value.version);
        if let Some(old) = old.as_ref().filter(|_| same.is_none())
            && old.phase == EscalationPhase::Pending
        {
            let mut record = escalation_record(old);
            record.phase = EscalationPhase::Superseded;
            self.changes.push(Change::Escalation(Box::new(record)));
        }
        let phase = match (value.status, same.map(|old| old.phase)) {
            // Listed again after it was taken back, was said to have expired, or had gone missing: it is asked again.
            (
                EscalationStatus::Pending,
                None | Some(EscalationPhase::Withdrawn | EscalationPhase::Expired),
            ) => {
                let answer = self.world.answers.remove(&key);
                let asked = value.created_at.unwrap_or(self.now).min(self.now);
                match answer.filter(|answer| old.is_none() && asked <= *answer) {
                    Some(_) => EscalationPhase::Answered,
                    None => EscalationPhase::Pending,
                }
            }
            // Other bytes than were answered are another question, whatever version they claim.
            (EscalationStatus::Pending, Some(EscalationPhase::Answered)) => {
                EscalationPhase::Pending
            }
            (EscalationStatus::Pending, Some(phase)) => phase,
            (_, Some(EscalationPhase::Answered)) => EscalationPhase::Answered,
            (EscalationStatus::Expired, _) => EscalationPhase::Expired,
            (EscalationStatus::Resolved | EscalationStatus::Withdrawn, _) => {
                EscalationPhase::Withdrawn
            }
        };
        let first = same.map_or(self.now, |old| old.created);
        let created = value.created_at.unwrap_or(first).min(self.now);
        let entry = EscalationEntry {
            seen: self.seen(agent, item, created),
            value: without_trees(value),
            created,
            due: created,
            fallback: String::new(),
            phase,
        };
        let was_open = old.is_some_and(|old| old.phase == EscalationPhase::Pending);
        let is_over = was_open && entry.phase != EscalationPhase::Pending;
        self.world.escalations.insert(key.clone(), entry);
        self.concerns(&key, is_over);
        self.route(&key);
    }

    /// The task that asks is looked at anew; from the end of its question on its work can go on.
    fn concerns(&mut self, key: &(EndpointId, EscalationId), is_over: bool) {
        let Some(entry) = self.world.escalations.get(key) else {
            return;
        };
        let Some(id) = entry.value.task_id.clone() else {
            return;
        };
        let evidence = entry.seen.evidence.clone();
        let task = TaskRef {
            endpoint: key.0.clone(),
            task: id,
        };
        let now = self.now;
        if let Some(task) = self.world.tasks.get_mut(&task).filter(|_| is_over) {
            task.mark = (task.mark.0.max(now), evidence);
        }
        self.mark(Subject::Task(task));
    }

    /// Works out by when and how an escalation falls due, and says so.
    pub(super) fn route(&mut self, key: &(EndpointId, EscalationId)) {
        let Some(entry) = self.world.escalations.get_mut(key) else {
            return;
        };
        let (endpoints, agents) = (
            [entry.seen.agent.endpoint.clone()],
            [entry.seen.agent.agent.clone()],
        );
        let exceptions = &self.world.rules.exceptions;
        let hours = self.world.settings.escalation_sla_hours;
        let due = route::route(exceptions, &endpoints, &agents, entry.created, hours).due;
        entry.due = entry.value.expires_at.map_or(due, |hard| hard.min(due));
        let rule = route::rule_of(exceptions, &endpoints, &agents);
        entry.fallback = rule
            .and_then(|(_, rule)| rule.fallback.clone())
            .unwrap_or_else(|| "hold".to_owned());
        self.changes
            .push(Change::Escalation(Box::new(escalation_record(entry))));
        let (endpoint, id) = key.clone();
        self.mark(Subject::Escalation(endpoint, id));
    }

    pub(super) fn phase(&mut self, key: &(EndpointId, EscalationId), phase: EscalationPhase) {
        let Some(entry) = self.world.escalations.get_mut(key) else {
            return;
        };
        if entry.phase != EscalationPhase::Pending {
            return;
        }
        entry.phase = phase;
        self.changes
            .push(Change::Escalation(Box::new(escalation_record(entry))));
        self.concerns(key, true);
        let (endpoint, id) = key.clone();
        self.mark(Subject::Escalation(endpoint, id));
    }

    /// The answer did not leave after all: the question waits again, and nothing was said of its agent.
    pub(super) fn undecided(
        &mut self,
        endpoint: &EndpointId,
        escalation: &EscalationId,
        considered: Option<Outcome>,
    ) {
        let key = (endpoint.clone(), escalation.clone());
        self.world.answers.remove(&key);
        let Some(entry) = self.world.escalations.get_mut(&key) else {
            return;
        };
        if entry.phase != EscalationPhase::Answered {
            return;
        }
        entry.phase = EscalationPhase::Pending;
        if let Some(outcome) = considered {
            self.judged(endpoint, escalation, outcome, false);
        }
        self.concerns(&key, false);
        self.route(&key);
    }

    /// What was answered is asked again: it waits for the person as it did before. The answer stays counted.
    pub(super) fn asked_again(&mut self, endpoint: &EndpointId, escalation: &EscalationId) {
        let key = (endpoint.clone(), escalation.clone());
        let Some(entry) = self.world.escalations.get_mut(&key) else {
            return;
        };
        let open = entry.value.status == EscalationStatus::Pending;
        if !open || entry.phase != EscalationPhase::Answered {
            return;
        }
        entry.phase = EscalationPhase::Pending;
        self.concerns(&key, false);
        self.route(&key);
    }

    pub(super) fn decided(
        &mut self,
        endpoint: &EndpointId,
        escalation: &EscalationId,
        considered: Option<Outcome>,
    ) {
        let key = (endpoint.clone(), escalation.clone());
        let before = self.world.escalations.get(&key).map(|entry| entry.phase);
        let answered =
            before == Some(EscalationPhase::Answered) || self.world.answers.contains_key(&key);
        if let Some(outcome) = considered.filter(|_| !answered) {
            self.judged(endpoint, escalation, outcome, true);
        }
        self.phase(&key, EscalationPhase::Answered);
        // Told of before the question itself: kept for when that comes.
        if before.is_none() {
            if self.world.answers.len() >= ANSWERS {
                self.world.answers.pop_first();
            }
            self.world.answers.insert(key, self.now);
        }
    }
}

/// What rules ask of a question; what may be a large tree stands in its bytes.
fn without_trees(value: &Escalation) -> Escalation {
    Escalation {
        proposed_action: None,
        options: vec![],
        response_schema: None,
        ..value.clone()
    }
}

/// The whole question, read again from its bytes.
fn whole(raw: &str) -> Option<Escalation> {
    let document = format!(
        r#"{{"schemaVersion":"1.0","agent":{{"id":"a","name":"A","status":"online"}},"escalations":[{raw}]}}"#
    );
    let read = read(document.as_bytes()).ok()?;
    read.escalations?.pop().map(|item| item.value)
}

fn escalation_record(entry: &EscalationEntry) -> EscalationRecord {
    let raw = &entry.seen.raw;
    let value = whole(raw).unwrap_or_else(|| entry.value.clone());
    let action_raw = value.proposed_action.as_ref().and_then(|_| {
        let item = json::parse(raw).ok()?;
        item.get("proposedAction").map(|node| Arc::from(node.raw))
    });
    EscalationRecord {
        agent: entry.seen.agent.clone(),
        value,
        raw: raw.clone(),
        action_raw,
        line: entry.seen.evidence.line,
        created_at: entry.created,
        due_at: entry.due,
        fallback: entry.fallback.clone(),
        edition: 0,
        phase: entry.phase,
    }
}

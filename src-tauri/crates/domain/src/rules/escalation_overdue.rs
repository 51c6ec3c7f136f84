//! `escalation-overdue`: a question waits too long for the person: info at half its time, warning when it is over,
//! critical a day later.
//!
//! Answers nothing by itself: what nobody answered stays unanswered. Sleep counts, since the other side waits all the same.

use chrono::TimeDelta;

use crate::{
    change::EscalationPhase,
    finding::Severity,
    fleet::{
        slots::{Said, Verdict},
        world::World,
    },
    ids::{EndpointId, EscalationId, TaskRef},
};

const RULE: &str = "escalation-overdue";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("answer", "Answer"),
    ("reassign", "Give it to somebody else"),
    ("extend", "Allow more time"),
];

pub(crate) fn check(world: &World, endpoint: &EndpointId, id: &EscalationId, said: &mut Said) {
    let Some(entry) = world.escalations.get(&(endpoint.clone(), id.clone())) else {
        return;
    };
    if entry.phase != EscalationPhase::Pending {
        return;
    }
    let half = entry.created + (entry.due - entry.created) / 2;
    let steps = [
        (half, Severity::Info, "has used half of its time"),
        (entry.due, Severity::Warning, "is overdue"),
        (
            entry.due + TimeDelta::days(1),
            Severity::Critical,
            "has been overdue for a day",
        ),
    ];
    if let Some((next, ..)) = steps.iter().find(|(at, ..)| world.now < *at) {
        said.due(*next);
    }
    let Some((_, severity, how)) = steps.iter().rev().find(|(at, ..)| *at <= world.now) else {
        return;
    };
    let agent = &entry.seen.agent.agent;
    let mut verdict = Verdict::new(RULE, format!("{endpoint}/{id}"))
        .severity(*severity)
        .seen(&entry.seen)
        .says(format!("A question of {agent} {how}."))
        .offers(RESOLUTIONS);
    verdict.needs_tasks = false;
    if let Some(task) = &entry.value.task_id {
        verdict = verdict.task(&TaskRef {
            endpoint: endpoint.clone(),
            task: task.clone(),
        });
    }
    said.push(verdict);
}

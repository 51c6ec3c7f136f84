//! `silent-completion`: finished work that nobody was told about, or that nobody took over.
//!
//! The clocks start again after unreachable time or sleep: the news may lie there, unread.

use chrono::TimeDelta;

use crate::{
    contract::TaskState,
    fleet::{
        slots::{Said, Verdict},
        world::{TaskEntry, World, seconds},
    },
    ids::{EndpointId, TaskRef},
    time::Time,
};

const RULE: &str = "silent-completion";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("notify", "Notify the next stage"),
    ("mark-handed-over", "Mark as handed over"),
    ("reopen", "Re-open the task"),
];

/// A completed task with a next stage and no handoff for it.
pub(crate) fn task(world: &World, task: &TaskRef, entry: &TaskEntry, said: &mut Said) {
    let Some(stage) = &entry.value.next_stage else {
        return;
    };
    if entry.value.status.state != TaskState::Completed
        || handoffs(world, task, stage).next().is_some()
    {
        return;
    }
    let allowed = seconds(world.settings.handoff_due_seconds);
    if !over(world, &task.endpoint, entry.since, allowed, said) {
        return;
    }
    let agent = &entry.seen.agent.agent;
    said.push(
        Verdict::new(RULE, task.to_string())
            .seen(&entry.seen)
            .task(task)
            .says(format!(
                "{agent} finished {} but has not handed it over to {stage}.",
                task.task
            ))
            .offers(RESOLUTIONS),
    );
}

/// A handoff nobody acknowledged in time.
pub(crate) fn handoff(world: &World, endpoint: &EndpointId, id: &str, said: &mut Said) {
    let Some(entry) = world.handoffs.get(&(endpoint.clone(), id.to_owned())) else {
        return;
    };
    if entry.value.acknowledged_at.is_some() {
        return;
    }
    let emitted = entry.seen.at;
    let allowed = match entry.value.due_at {
        Some(due) => (due - emitted).max(TimeDelta::zero()),
        None => seconds(world.settings.acknowledge_due_seconds),
    };
    if !over(world, endpoint, emitted, allowed, said) {
        return;
    }
    let task = TaskRef {
        endpoint: endpoint.clone(),
        task: entry.value.task_id.clone(),
    };
    let agent = &entry.seen.agent.agent;
    said.push(
        Verdict::new(RULE, format!("{endpoint}/{id}"))
            .seen(&entry.seen)
            .task(&task)
            .says(format!(
                "{agent} handed {} over to {}, who has not acknowledged it in time.",
                entry.value.task_id, entry.value.to
            ))
            .offers(RESOLUTIONS),
    );
}

/// Was some handoff of a completed task to its next stage acknowledged?
pub(crate) fn acknowledged(world: &World, task: &TaskRef, entry: &TaskEntry) -> bool {
    let stage = entry.value.next_stage.as_deref().unwrap_or_default();
    handoffs(world, task, stage).any(|acknowledged| acknowledged)
}

/// Handoffs of the task to a stage or the agent that works there; whether each is acknowledged.
fn handoffs(world: &World, task: &TaskRef, stage: &str) -> impl Iterator<Item = bool> {
    let agent = world.stage_agent(stage);
    let ids = world.handoffs_of.get(task).into_iter().flatten();
    let endpoint = task.endpoint.clone();
    let stage = stage.to_owned();
    ids.filter_map(move |id| world.handoffs.get(&(endpoint.clone(), id.clone())))
        .filter(move |h| {
            let to = h.value.to.as_str();
            to == stage
                || agent.is_some_and(|agent| {
                    to == agent || agent.split_once('/').is_some_and(|(_, bare)| bare == to)
                })
        })
        .map(|h| h.value.acknowledged_at.is_some())
}

/// Is the window over, started again after every stretch in which no news could come?
fn over(
    world: &World,
    endpoint: &EndpointId,
    from: Time,
    allowed: TimeDelta,
    said: &mut Said,
) -> bool {
    let mut start = from;
    for (begin, end) in world.idle(endpoint, from, world.now) {
        if begin < start + allowed {
            start = end;
        }
    }
    if world.down(endpoint) {
        said.await_answer(endpoint);
        said.freeze(RULE);
        return false;
    }
    let due = start + allowed;
    if world.now < due {
        said.due(due);
        return false;
    }
    true
}

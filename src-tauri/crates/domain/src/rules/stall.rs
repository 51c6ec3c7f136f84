//! `stall`: a working task shows no sign of work for too long.
//!
//! Waiting is not stalling: people, quotas and claims have their own rules, and so has an endpoint that is away.

use crate::{
    change::EscalationPhase,
    contract::{TaskState, WaitKind},
    fleet::{
        slots::{Said, Verdict},
        world::{TaskEntry, World, seconds, total},
    },
    ids::TaskRef,
    time::Time,
};

const RULE: &str = "stall";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("nudge", "Nudge the agent"),
    ("cancel", "Cancel the task"),
    ("wait", "Wait longer"),
];

pub(crate) fn check(world: &World, task: &TaskRef, entry: &TaskEntry, said: &mut Said) {
    if entry.value.status.state != TaskState::Working {
        return;
    }
    if world.down(&task.endpoint) {
        said.await_answer(&task.endpoint);
        said.freeze(RULE);
        return;
    }
    let Some(from) = clock(world, task, entry) else {
        return;
    };
    let kind = entry.value.kind.as_deref();
    let budgets = world.rules.budgets.iter();
    let budget = budgets
        .filter(|budget| Some(budget.kind.as_str()) == kind)
        .map(|budget| budget.seconds)
        .min();
    let allowed = world.settings.stall_after_seconds;
    let allowed = seconds(budget.map_or(allowed, |budget| budget.min(allowed)));
    let spent = world.now - from - total(&world.idle(&task.endpoint, from, world.now));
    if spent < allowed {
        said.due(world.now + (allowed - spent));
        return;
    }
    // A time that moves alone is a sign of work when the next answer does not move it again.
    if let Some(tick) = world.ticking.get(task).filter(|tick| !tick.again)
        && !said.heard_since(world, &task.endpoint, tick.still_from())
    {
        said.freeze(RULE);
        return;
    }
    // Some say "working" while they ask: nobody is nudged who waits for an answer.
    if world.asks(task) {
        return;
    }
    let agent = &entry.seen.agent.agent;
    said.push(
        Verdict::new(RULE, task.to_string())
            .seen(&entry.seen)
            .evidence(&entry.mark.1)
            .task(task)
            .says(format!(
                "{agent} has shown no sign of work on {} for {} minutes.",
                task.task,
                spent.num_minutes().max(1)
            ))
            .offers(RESOLUTIONS),
    );
}

impl World {
    /// Whether a question of the task is open, whatever its state says.
    fn asks(&self, task: &TaskRef) -> bool {
        let from = (task.endpoint.clone(), "".into());
        let mut own = self
            .escalations
            .range(from..)
            .take_while(|((endpoint, _), _)| *endpoint == task.endpoint);
        own.any(|(_, asked)| {
            asked.phase == EscalationPhase::Pending
                && asked.value.task_id.as_ref() == Some(&task.task)
        })
    }

    /// The shortest time without a sign of work that can be a stall.
    pub(crate) fn patience(&self) -> chrono::TimeDelta {
        let budgets = self.rules.budgets.iter().map(|budget| budget.seconds);
        let allowed = budgets.chain([self.settings.stall_after_seconds]).min();
        seconds(allowed.unwrap_or_default())
    }
}

/// Since when the clock runs; `None` while the task waits for something that has a clock of its own.
fn clock(world: &World, task: &TaskRef, entry: &TaskEntry) -> Option<Time> {
    let mark = entry.mark.0;
    let Some(wait) = &entry.value.waiting_for else {
        return Some(mark);
    };
    let reference = wait.reference.as_deref().unwrap_or_default();
    match wait.kind {
        WaitKind::Human | WaitKind::Quota | WaitKind::Claim => None,
        WaitKind::Task => {
            let awaited = world.resolve(&task.endpoint, reference);
            let Some(awaited) = awaited.and_then(|task| world.tasks.get(&task)) else {
                return Some(mark);
            };
            (!awaited.live()).then(|| mark.max(awaited.since))
        }
        WaitKind::Agent => {
            let known = world.agent(reference);
            let reachable = known.is_some_and(|agent| !world.down(&agent.endpoint));
            (!reachable).then_some(mark)
        }
    }
}

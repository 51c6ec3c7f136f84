//! `timeout`: a live task outlives its deadline or its time budget.
//!
//! A deadline is a promise to others: nothing stops it. A budget is working time: waiting for a person and sleep do not
//! count, and it does not run before the task has begun.

use crate::{
    fleet::{
        slots::{Said, Verdict},
        world::{TaskEntry, World, merge, seconds, total},
    },
    ids::TaskRef,
    time::Time,
};

const RULE: &str = "timeout";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("extend", "Allow more time once"),
    ("cancel", "Cancel the task"),
    ("escalate", "Ask the owner"),
];

pub(crate) fn check(world: &World, task: &TaskRef, entry: &TaskEntry, said: &mut Said) {
    if !entry.live() {
        return;
    }
    let agent = &entry.seen.agent.agent;
    let name = &task.task;
    let mut summary = None;
    if let Some(deadline) = entry.value.deadline_at {
        if world.now >= deadline {
            summary = Some(format!("{name} of {agent} is past its deadline."));
        } else {
            said.due(deadline);
        }
    }
    if let Some((budget, start)) = budget(world, entry, said) {
        let allowed = seconds(budget);
        let spent = world.now - start - total(&uncounted(world, entry, start));
        if spent >= allowed {
            summary.get_or_insert(format!(
                "{name} of {agent} has used up its time budget of {budget} seconds."
            ));
        } else if !entry.waits_for_person() {
            said.due(world.now + (allowed - spent));
        }
    }
    if let Some(summary) = summary {
        said.push(
            Verdict::new(RULE, task.to_string())
                .of_task(task, entry)
                .says(summary)
                .offers(RESOLUTIONS),
        );
    }
}

/// The task's own budget, else its kind's, and since when it runs.
fn budget(world: &World, entry: &TaskEntry, said: &mut Said) -> Option<(u64, Time)> {
    let (start, _) = entry.lives()?;
    let of_kind = || {
        let kind = entry.value.kind.as_deref()?;
        let budgets = world.rules.budgets.iter();
        budgets.filter(|b| b.kind == kind).map(|b| b.seconds).min()
    };
    let budget = entry.value.time_budget_seconds.or_else(of_kind)?;
    if world.now < start {
        said.due(start);
        return None;
    }
    Some((budget, start))
}

/// Stretches since `start` in which the budget did not run.
fn uncounted(world: &World, entry: &TaskEntry, start: Time) -> Vec<(Time, Time)> {
    let open = entry.asks_since.map(|since| (since, world.now));
    let mut parts: Vec<_> = entry
        .waited_for_person
        .iter()
        .copied()
        .chain(open)
        .chain(world.sleeps.iter().copied())
        .map(|(from, to)| (from.max(start), to.min(world.now)))
        .filter(|(from, to)| from < to)
        .collect();
    parts.sort();
    merge(parts)
}

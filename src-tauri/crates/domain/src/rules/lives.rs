//! When two tasks were live at once, and what is said of two writes. For the rules about writing side by side.
//!
//! An access without a task is an instant and overlaps nothing.

use std::collections::BTreeMap;

use crate::{
    caps::COMPARED,
    fleet::{
        slots::{Said, Verdict},
        world::{AccessEntry, TaskEntry, World, seconds},
    },
    ids::{AgentRef, Resource, TaskRef},
    time::Time,
};

/// Did the tasks of two accesses live at once for longer than the setting? Waits for both endpoints to have answered.
pub(super) fn overlap(
    world: &World,
    first: &AccessEntry,
    second: &AccessEntry,
    said: &mut Said,
) -> bool {
    let (Some(one), Some(two)) = (task(world, first), task(world, second)) else {
        return false;
    };
    let (Some(a), Some(b)) = (one.lives(), two.lives()) else {
        return false;
    };
    let start = a.0.max(b.0);
    let needed = seconds(world.settings.write_overlap_seconds);
    let end = a.1.into_iter().chain(b.1).min();
    if end.is_some_and(|end| end - start <= needed) {
        return false;
    }
    let until = start + needed;
    if until > world.now {
        said.due(until);
        return false;
    }
    let endpoints = [&first.seen.agent.endpoint, &second.seen.agent.endpoint];
    !endpoints
        .map(|endpoint| said.heard_since(world, endpoint, until))
        .contains(&false)
}

/// What two writes of one resource show.
pub(super) fn both(
    rule: &'static str,
    resource: &Resource,
    first: &AccessEntry,
    later: &AccessEntry,
) -> Verdict {
    Verdict::new(rule, resource)
        .of(&first.seen, first.value.task_id.as_ref())
        .of(&later.seen, later.value.task_id.as_ref())
        .resource(resource)
}

/// Tasks that are compared with each other: all, or where there are very many, of each agent as many, the latest; in
/// the order given.
pub(super) fn latest_of_each<'w>(
    tasks: impl Iterator<Item = (&'w TaskRef, &'w TaskEntry)>,
    since: impl Fn(&TaskEntry) -> Time,
) -> Vec<(&'w TaskRef, &'w TaskEntry)> {
    let mut all: Vec<_> = tasks.collect();
    if all.len() <= COMPARED {
        return all;
    }
    let mut of: BTreeMap<&AgentRef, Vec<_>> = BTreeMap::new();
    for (task, entry) in all {
        let place = (entry.live(), since(entry), task);
        of.entry(&entry.seen.agent)
            .or_default()
            .push((place, entry));
    }
    let share = (COMPARED / of.len()).max(2);
    all = vec![];
    for mut tasks in of.into_values() {
        tasks.sort_unstable_by(|one, two| two.0.cmp(&one.0));
        let few = tasks.into_iter().take(share);
        all.extend(few.map(|((.., task), entry)| (task, entry)));
    }
    all.sort_unstable_by_key(|(task, _)| *task);
    all
}

fn task<'w>(world: &'w World, access: &AccessEntry) -> Option<&'w TaskEntry> {
    let task = TaskRef {
        endpoint: access.seen.agent.endpoint.clone(),
        task: access.value.task_id.clone()?,
    };
    world.tasks.get(&task).map(AsRef::as_ref)
}

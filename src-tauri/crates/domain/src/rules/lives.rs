//! When two tasks were live at once. Shared by the rules about writing side by side.
//!
//! An access without a task is an instant and overlaps nothing.

use crate::{
    contract::Access,
    fleet::{
        slots::Said,
        world::{Entry, TaskEntry, World, seconds},
    },
    ids::TaskRef,
};

/// Did the tasks of two accesses live at once for longer than the setting? Waits for both endpoints to have answered.
pub(super) fn overlap(
    world: &World,
    first: &Entry<Access>,
    second: &Entry<Access>,
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

fn task<'w>(world: &'w World, access: &Entry<Access>) -> Option<&'w TaskEntry> {
    world.tasks.get(&TaskRef {
        endpoint: access.seen.agent.endpoint.clone(),
        task: access.value.task_id.clone()?,
    })
}

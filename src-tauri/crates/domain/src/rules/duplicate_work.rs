//! `duplicate-work`: two agents do the same piece of work, or one does it again without saying so.
//!
//! Delegation is not duplication: a task and its ancestor may share a key, and so may a retry with a higher attempt.

use super::lives::latest_of_each;
use crate::{
    fleet::{
        slots::{Said, Verdict},
        world::{TaskEntry, World},
    },
    ids::TaskRef,
};

const RULE: &str = "duplicate-work";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("keep-older", "Keep the older task"),
    ("merge", "Merge the two"),
];

/// Live tasks of different agents with one key.
pub(crate) fn check(world: &World, key: &str, said: &mut Said) {
    let tasks = world.work.get(key).into_iter().flatten();
    let tasks = tasks.filter_map(|task| Some((task, world.tasks.get(task)?.as_ref())));
    let tasks = latest_of_each(tasks, TaskEntry::live_from);
    let above: Vec<_> = tasks
        .iter()
        .map(|(task, _)| world.ancestors(task))
        .collect();
    let all = || tasks.iter().zip(&above);
    for (index, ((task, entry), above)) in all().enumerate() {
        for ((other, rival), others) in all().take(index) {
            let delegated = above.contains(*other) || others.contains(*task);
            if !delegated && entry.seen.agent != rival.seen.agent {
                pair(world, key, (task, entry), (other, rival), said);
            }
        }
    }
}

fn pair(
    world: &World,
    key: &str,
    (task, entry): (&TaskRef, &TaskEntry),
    (other, rival): (&TaskRef, &TaskEntry),
    said: &mut Said,
) {
    let start = entry.live_from().max(rival.live_from());
    let end = entry.over().into_iter().chain(rival.over()).min();
    if end.is_some_and(|end| end <= start) {
        return;
    }
    let heard = [task, other].map(|t| said.heard_since(world, &t.endpoint, start));
    if heard.contains(&false) {
        return;
    }
    let [one, two] = rival.seen.agent.names(&entry.seen.agent);
    said.push(
        Verdict::new(RULE, key)
            .of_task(task, entry)
            .of_task(other, rival)
            .says(format!("{one} and {two} both work on {key}."))
            .offers(RESOLUTIONS)
            .past(end.is_some()),
    );
}

/// The same attempt starts again from the beginning.
pub(crate) fn restart(task: &TaskRef, entry: &TaskEntry, said: &mut Said) {
    let Some((before, after)) = entry.restarted.as_ref().filter(|_| entry.live()) else {
        return;
    };
    let mut verdict = Verdict::new(RULE, task.to_string())
        .agent(&entry.seen.agent)
        .evidence(before)
        .evidence(after)
        .says(format!(
            "{} started {} again without counting it as a new attempt.",
            entry.seen.agent.agent, task.task
        ))
        .offers(RESOLUTIONS);
    verdict = verdict.task(task);
    said.push(verdict);
}

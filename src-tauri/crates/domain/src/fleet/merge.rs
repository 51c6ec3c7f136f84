//! What a new word about a task does to what was known of it (ruling "Merging").
//!
//! An older account never replaces a newer one; of two with one time the terminal one stands, else the later line, and
//! within one line the further state.

use super::{
    slots::Subject,
    take::Intake,
    weight::remove_of,
    world::{Completion, TaskEntry, World, waits_for_person},
};
use crate::{
    contract::{Item, Task, TaskState},
    ids::{AgentRef, TaskRef},
    time::Time,
};

/// Times of waiting for a person that are kept of one task: of thousands of tasks, each with a thousand of them, they would be
/// more than is kept of an endpoint. What is longer ago is kept as one.
const WAITS: usize = 64;

/// Takes in one item of `tasks`.
pub(super) fn task(intake: &mut Intake<'_>, agent: &AgentRef, task: &TaskRef, item: &Item<Task>) {
    let now = intake.now;
    let value = &item.value;
    let state = value.status.state;
    let old = intake.world.tasks.get(task);
    if old.is_some_and(|old| old.seen.raw == item.raw && old.value == *value) {
        return;
    }
    // Without a time of its own a state holds since the line that first carried it.
    let unchanged = old.filter(|old| old.value.status.state == state);
    let since = match value.status.timestamp {
        Some(own) => own.min(now),
        None => unchanged.map_or(now, |old| old.since),
    };
    if let Some(old) = old {
        // Lost sight of is no account of anybody: whatever is said of it next counts.
        let status = &old.value.status;
        let lost = status.state == TaskState::Unknown && status.timestamp.is_none();
        let older = since < old.since && !lost;
        let tie = since == old.since && old.value.status.state != state;
        let one_line = old.seen.evidence.line == intake.line;
        let behind = tie
            && if one_line {
                rank(state) < rank(old.value.status.state)
            } else {
                old.value.status.state.is_terminal() && !state.is_terminal()
            };
        if older || behind {
            return;
        }
    }
    let old = old.cloned();
    let seen = intake.seen(agent, item, since);
    let evidence = seen.evidence.clone();
    let mut entry = old.clone().unwrap_or_else(|| {
        Box::new(TaskEntry {
            seen: seen.clone(),
            value: value.clone(),
            since,
            mark: (since, evidence.clone()),
            left: None,
            left_told: now,
            completed: None,
            born: since,
            restarted: None,
            waits_since: now,
            read_since: now,
            ended: None,
            changed: now,
            started: None,
            again: false,
            asks_since: None,
            waited_for_person: vec![],
        })
    });
    entry.started = started(old.as_deref(), value, now);
    if old.is_none()
        && let Some((at, evidence)) = intake.world.early.remove(task)
    {
        entry.mark = later(entry.mark, at, &evidence);
    }
    // Only what has ended can begin again: a higher attempt that comes without an end is one life with the one before.
    let again = old.as_ref().is_some_and(|old| {
        old.value.status.state.is_terminal() && state.is_live() && old.value.attempt < value.attempt
    });
    if again {
        entry.born = since;
        entry.again = true;
        entry.restarted = None;
        entry.left = None;
        entry.ended = None;
        entry.waited_for_person.clear();
    }
    if let Some(old) = &old
        && state == TaskState::Submitted
        && match old.value.status.state {
            // Answered, and in the queue again: resumed.
            TaskState::Submitted | TaskState::InputRequired | TaskState::AuthRequired => false,
            // Lost sight of after it had begun.
            TaskState::Unknown => old.left.is_some(),
            _ => true,
        }
        && old.value.attempt == value.attempt
    {
        entry.restarted = Some((old.seen.evidence.clone(), evidence.clone()));
        entry.born = since;
        entry.again = true;
        entry.left = None;
        entry.ended = None;
    } else if old
        .as_ref()
        .is_some_and(|old| old.value.attempt < value.attempt)
    {
        entry.restarted = None;
    }
    if let Some(old) = &old {
        let (was, is) = (&old.value.status, &value.status);
        let newer = old.since < since && (was.state != state || was.timestamp < is.timestamp);
        if newer && !ticks(&old.value, value) {
            entry.mark = later(entry.mark, since, &evidence);
        } else if newer && state == TaskState::Working {
            intake.ticked(task, since, &evidence);
        }
        if old.value.progress != value.progress {
            let own = value.progress.as_ref().and_then(|p| p.at);
            let at = own.unwrap_or(now).min(now);
            entry.mark = later(entry.mark, at, &evidence);
        }
        if old.value.attempt < value.attempt {
            entry.mark = later(entry.mark, since, &evidence);
        }
        // New words of its own are a sign of work, the same ones again are none.
        let says = value.status.message.as_ref();
        if says.is_some() && says != old.value.status.message.as_ref() {
            let at = if since > old.since { since } else { now };
            entry.mark = later(entry.mark, at, &evidence);
        }
        // Whatever it waited for has its own clock; its own starts when the wait ends: with its new state, else now.
        let same = old.since >= since || old.value.status.state == state;
        if same && old.value.waiting_for.is_some() && value.waiting_for.is_none() {
            entry.mark = later(entry.mark, now, &evidence);
        }
    } else if let Some(progress) = &value.progress {
        let at = progress.at.unwrap_or(now).min(now);
        entry.mark = later(entry.mark, at, &evidence);
    }
    // A word of waiting that comes without a new state holds since the line that said so.
    let fresh = old
        .as_ref()
        .is_none_or(|old| old.since < since || old.value.status.state != state);
    let from = if fresh { since } else { now };
    match (entry.asks_since, waits_for_person(value)) {
        (None, true) => entry.asks_since = Some(from),
        (Some(start), false) => {
            entry.asks_since = None;
            entry.waited_for_person.push((start, from));
            join_oldest(&mut entry.waited_for_person);
        }
        _ => {}
    }
    if state != TaskState::Submitted && state != TaskState::Unknown && entry.left.is_none() {
        entry.left = Some((since, evidence.clone(), state));
        entry.left_told = now;
    }
    if state == TaskState::Completed && entry.completed.is_none() {
        entry.completed = Some(Completion {
            at: since,
            told: now,
        });
    }
    if state.is_terminal() && entry.ended.is_none() {
        if state == TaskState::Completed {
            intake.done(agent.clone(), since);
        }
        entry.ended = Some((since, evidence.clone()));
        intake.world.leaves(task);
    }
    if old.as_ref().and_then(|old| old.value.attempt) < value.attempt {
        intake.tried_again(task, agent, value.attempt, since, evidence);
    }
    entry.seen = seen;
    entry.value = value.clone();
    entry.since = since;
    entry.changed = now;
    intake.refer(task, old.as_ref().map(|old| &old.value), value);
    intake.world.tasks.insert(task.clone(), entry);
    intake.note_waits(task, old.as_ref().map(|old| &old.value));
    intake.note_reader(task, old.as_ref().map(|old| &old.value));
    if let Some(before) = old.as_ref().and_then(|old| old.value.key.as_ref())
        && Some(before) != value.key.as_ref()
    {
        remove_of(&mut intake.world.work, before, task);
        intake.mark(Subject::Work(before.clone()));
    }
    if let Some(key) = &value.key {
        let tasks = intake.world.work.entry(key.clone()).or_default();
        tasks.insert(task.clone());
    }
    changed(intake, task);
}

/// Nothing of it was told anew but the time of its state.
fn ticks(old: &Task, new: &Task) -> bool {
    let mut at = new.clone();
    at.status.timestamp = old.status.timestamp;
    at == *old
}

/// What it says of its start, cut to the line that first said so; what is only planned is left as it is.
fn started(old: Option<&TaskEntry>, value: &Task, now: Time) -> Option<Time> {
    let told = value.started_at?;
    let planned = |task: &Task| task.status.state == TaskState::Submitted;
    let known = old.filter(|old| old.value.started_at == Some(told) && !planned(&old.value));
    match known.and_then(|old| old.started) {
        Some(started) => Some(started),
        None if planned(value) => Some(told),
        None => Some(told.min(now)),
    }
}

/// Everything that looks at a task is to look again.
fn changed(intake: &mut Intake<'_>, task: &TaskRef) {
    let key = intake
        .world
        .tasks
        .get(task)
        .and_then(|t| t.value.key.clone());
    if let Some(key) = key {
        intake.mark(Subject::Work(key));
    }
    // However often one line tells of it: what comes to refer to it later in the line is marked by that.
    if intake.changed.insert(task.clone()) {
        let World { used_by, dirty, .. } = &mut *intake.world;
        if let Some(uses) = used_by.get(task) {
            dirty.extend(uses.wrote.iter().cloned().map(Subject::Resource));
            if uses.versions {
                dirty.insert(Subject::Reading(task.clone()));
            }
        }
        intake.mark(Subject::Task(task.clone()));
        intake.mark_tries(task);
        intake.mark_referring(task);
    }
    intake.emit_task(task);
}

fn later(
    mark: (Time, crate::finding::Evidence),
    at: Time,
    evidence: &crate::finding::Evidence,
) -> (Time, crate::finding::Evidence) {
    if at > mark.0 {
        (at, evidence.clone())
    } else {
        mark
    }
}

/// How far a state is, for two accounts in one line.
pub(crate) fn rank(state: TaskState) -> u8 {
    match state {
        TaskState::Unknown => 0,
        TaskState::Submitted => 1,
        TaskState::Working => 2,
        TaskState::InputRequired | TaskState::AuthRequired => 3,
        TaskState::Completed | TaskState::Failed | TaskState::Canceled | TaskState::Rejected => 4,
    }
}

/// The oldest stretches become one that is as long as they are together, so that what counts of them stays the same.
fn join_oldest(stretches: &mut Vec<(Time, Time)>) {
    while stretches.len() > WAITS {
        let (from, to) = stretches.remove(0);
        if let Some(next) = stretches.first_mut() {
            next.0 -= to - from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_waits_few_are_kept_and_their_time_stays() {
        let at = |seconds: i64| Time::from_timestamp(seconds, 0).unwrap_or_default();
        let mut kept = vec![];
        for n in 0..1000 {
            kept.push((at(10 * n), at(10 * n + 3)));
            join_oldest(&mut kept);
        }
        let all: i64 = kept
            .iter()
            .map(|(from, to)| (*to - *from).num_seconds())
            .sum();
        assert_eq!((kept.len(), all), (WAITS, 3000));
        assert!(kept.is_sorted() && kept[0].1 < kept[1].0);
    }
}

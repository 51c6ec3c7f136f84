//! `retry-storm`: the same thing fails again and again within a short time.
//!
//! A success of the same agent in between starts the count anew. Endpoints that do not answer at all are
//! `endpoint-stale`.

use crate::{
    fleet::{
        slots::{Said, Verdict},
        storms::{Storm, StormKey, StormOf, last_success},
        world::{World, seconds},
    },
    ids::AgentId,
};

const RULE: &str = "retry-storm";
pub(crate) const RESOLUTIONS: &[(&str, &str)] =
    &[("pause", "Pause the agent"), ("cancel", "Cancel the task")];

pub(crate) fn check(world: &World, about: &StormKey, said: &mut Said) {
    for (key, storm) in world.storms_about(about) {
        one(world, key, storm, said);
    }
}

fn one(world: &World, key: &StormKey, storm: &Storm, said: &mut Said) {
    let count = world.settings.retry_storm_count.max(1) as usize;
    let window = seconds(world.settings.retry_storm_window_seconds);
    let success = storm
        .agent
        .as_ref()
        .and_then(|agent| last_success(world.successes.get(agent)?, key));
    let from = storm.times.partition_point(|o| Some(o.at) < success);
    let run = storm.times.get(from..).unwrap_or_default();
    let dense = run
        .windows(count)
        .rev()
        .find_map(|few| match (few.first(), few.last()) {
            (Some(first), Some(last)) if last.at - first.at < window => Some((few, first.at)),
            _ => None,
        });
    let Some((few, since)) = dense else {
        return;
    };
    let until = since + window;
    let task = key.task();
    let entry = task.as_ref().and_then(|task| world.tasks.get(task));
    let ended = entry.is_some_and(|entry| entry.value.status.state.is_terminal());
    let past = ended || until <= world.now;
    if !past {
        said.due(until);
    }
    let minutes = window.num_minutes().max(1);
    let name = storm.agent.as_ref().map(|agent| &agent.agent);
    let name = name.map_or(key.endpoint.as_str(), |agent| agent.as_str());
    let (subject, summary) = match &key.of {
        StormOf::Attempts(task) => (
            format!("{}/{task}", key.endpoint),
            format!("{name} has tried {task} {count} times within {minutes} minutes."),
        ),
        StormOf::TaskLetters(task, _) => (
            format!("{}/{task}", key.endpoint),
            format!(
                "{name} keeps sending what cannot be used for {task}: {count} times within {minutes} minutes."
            ),
        ),
        StormOf::ItemLetters(list, item, _) => (
            format!("{}/{list}/{item}", key.endpoint),
            format!(
                "{name} keeps sending what cannot be used: {item}, {count} times within {minutes} minutes."
            ),
        ),
        StormOf::Errors(..) => (
            key.endpoint.to_string(),
            format!(
                "{name} has answered with the same error {count} times within {minutes} minutes."
            ),
        ),
    };
    let mut verdict = Verdict::new(RULE, subject)
        .says(summary)
        .offers(RESOLUTIONS)
        .past(past);
    verdict.needs_tasks = false;
    verdict.endpoints.insert(key.endpoint.clone());
    verdict.agents.extend(whose(
        world,
        key,
        storm.agent.as_ref().map(|a| a.agent.clone()),
    ));
    for occurrence in few {
        verdict = verdict.evidence(&occurrence.evidence);
    }
    if let Some(task) = &task {
        verdict = verdict.task(task);
    }
    said.push(verdict);
}

/// The agent itself, or everyone behind an endpoint.
fn whose(world: &World, key: &StormKey, agent: Option<AgentId>) -> Vec<AgentId> {
    let all = || {
        let state = world.endpoints.get(&key.endpoint);
        let agents = state.into_iter().flat_map(|state| state.agents.keys());
        agents.cloned().collect()
    };
    agent.map_or_else(all, |agent| vec![agent])
}

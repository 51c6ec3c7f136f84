//! `output-collision`: two agents write to one output while both are at work and no sequence covers them, or one writes
//! while it is another's turn in the sequence.
//!
//! Intervals that only touch are no collision. The order of a sequence is not policed, only that one has the turn.

use super::lives::{both, overlap};
use crate::{
    fleet::{
        accesses::Touched,
        rulebook::RightsOverTime,
        slots::Said,
        world::{AccessEntry, World},
    },
    ids::{Resource, TaskRef},
    ownership::Rule,
    time::Time,
};

const RULE: &str = "output-collision";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("sequence", "Put them in a sequence"),
    ("one-owner", "Give the output one owner"),
];

pub(crate) fn check(world: &World, resource: &Resource, touched: &Touched, said: &mut Said) {
    if !resource.as_str().starts_with("output:") {
        return;
    }
    let Some(earliest) = touched.writes.first() else {
        return;
    };
    let rights = RightsOverTime::new(world, resource, touched, earliest.at());
    let writes: Vec<_> = touched.writes.iter().map(|used| &**used).collect();
    for (at, rule) in world.covering(resource.as_str()) {
        // Nobody had a turn before there was the sequence.
        if let Some(since) = rights.sequence_since(&rule.sequence) {
            let within = writes.iter().filter(|write| since <= write.seen.at);
            let within: Vec<_> = within.copied().collect();
            turns(world, resource, (at, rule), &within, said);
        }
    }
    for (index, later) in writes.iter().enumerate() {
        for first in writes.iter().take(index) {
            let (a, b) = (&first.seen.agent, &later.seen.agent);
            if a == b
                || rights
                    .at(later.seen.at)
                    .is_none_or(|rights| rights.in_sequence(a, b))
                || !overlap(world, first, later, said)
            {
                continue;
            }
            let [one, two] = a.names(b);
            said.push(
                both(RULE, resource, first, later)
                    .says(format!(
                        "{one} and {two} wrote to {resource} while both were at work."
                    ))
                    .offers(RESOLUTIONS)
                    .happened(first.seen.evidence.line.max(later.seen.evidence.line)),
            );
        }
    }
}

/// Writes of listed agents while another has the turn.
fn turns(
    world: &World,
    resource: &Resource,
    (at, rule): (usize, &Rule),
    writes: &[&AccessEntry],
    said: &mut Said,
) {
    let listed = |write: &AccessEntry| {
        let mut names = rule.sequence.iter();
        names.any(|name| world.is(name, &write.seen.agent))
    };
    // What keeps the turn: writes of one agent whose tasks have not ended.
    let mut turn: Vec<&AccessEntry> = vec![];
    for write in writes.iter().copied().filter(|write| listed(write)) {
        turn.retain(|held| !given_up(world, rule, held, write.seen.at));
        let Some(held) = turn.first().copied() else {
            turn.push(write);
            continue;
        };
        if held.seen.agent == write.seen.agent {
            turn.push(write);
            continue;
        }
        if !said.heard_since(world, &held.seen.agent.endpoint, write.seen.at) {
            continue;
        }
        let [writer, holder] = write.seen.agent.names(&held.seen.agent);
        said.push(
            both(RULE, resource, held, write)
                .evidence(&world.rule_evidence(at))
                .says(format!(
                    "{writer} wrote to {resource} while it was the turn of {holder}."
                ))
                .offers(RESOLUTIONS)
                .happened(write.seen.evidence.line),
        );
    }
}

/// The turn ends with the task that took it, or when that is then handed to another of the sequence.
fn given_up(world: &World, rule: &Rule, held: &AccessEntry, at: Time) -> bool {
    let Some(task) = &held.value.task_id else {
        return true;
    };
    let endpoint = &held.seen.agent.endpoint;
    let task = TaskRef {
        endpoint: endpoint.clone(),
        task: task.clone(),
    };
    let over = world.tasks.get(&task).map(|entry| entry.over());
    let over = over.is_none_or(|over| over.is_some_and(|over| over <= at));
    let handoffs = world.handoffs_of.get(&task).into_iter().flatten();
    let mut handoffs =
        handoffs.filter_map(|id| world.handoffs.get(&(endpoint.clone(), id.clone())));
    over || handoffs.any(|handoff| {
        let to = handoff.value.to.as_str();
        let to = world.stage_agent(to).unwrap_or(to);
        let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let another = !world.is(to, &held.seen.agent);
        let mut names = rule.sequence.iter();
        let between = held.seen.at <= handoff.seen.at && handoff.seen.at <= at;
        between && another && names.any(|name| bare(name) == bare(to))
    })
}

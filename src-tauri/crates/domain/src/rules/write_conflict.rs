//! `write-conflict`: an agent writes what another owns, overwrites what it had not read, or writes side by side with
//! another where nobody owns.
//!
//! Owners and the members of a sequence never fire it. Outputs written side by side are `output-collision`.

use std::collections::BTreeSet;

use super::lives::overlap;
use crate::{
    contract::Access,
    fleet::{
        slots::{Said, Verdict},
        world::{Entry, Touched, World},
    },
    ids::Resource,
};

const RULE: &str = "write-conflict";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("keep-owner", "Keep the owner's value"),
    ("transfer", "Accept it and transfer ownership"),
    ("ask-owner", "Ask the owner to apply it"),
];

pub(crate) fn check(world: &World, resource: &Resource, touched: &Touched, said: &mut Said) {
    let writes: Vec<_> = touched
        .writes
        .iter()
        .filter_map(|(_, key)| world.accesses.get(key))
        .collect();
    if writes.is_empty() {
        return;
    }
    let mut owners: Vec<(usize, &str)> = vec![];
    let mut entitled: Vec<&str> = vec![];
    for (at, rule) in world.covering(resource.as_str()) {
        owners.extend(rule.owner.iter().map(|owner| (at, owner.as_str())));
        entitled.extend(rule.owner.iter().chain(&rule.sequence).map(String::as_str));
    }
    let may = |write: &Entry<Access>| {
        entitled
            .iter()
            .any(|name| world.is(name, &write.seen.agent))
    };
    if !entitled.is_empty() {
        foreign(world, resource, &owners, &entitled, &writes, said);
    }
    lost_updates(resource, &writes, &may, said);
    if entitled.is_empty() && !resource.as_str().starts_with("output:") {
        side_by_side(world, resource, &writes, said);
    }
}

/// Written by somebody who does not own it.
fn foreign(
    world: &World,
    resource: &Resource,
    owners: &[(usize, &str)],
    entitled: &[&str],
    writes: &[&Entry<Access>],
    said: &mut Said,
) {
    let mut told = BTreeSet::new();
    for write in writes {
        let writer = &write.seen.agent;
        if entitled.iter().any(|name| world.is(name, writer)) || !told.insert(writer) {
            continue;
        }
        let mut verdict = Verdict::new(RULE, resource.as_str())
            .of(&write.seen, write.value.task_id.as_ref())
            .resource(resource)
            .offers(RESOLUTIONS)
            .happened();
        verdict.needs_tasks = false;
        for (at, owner) in owners {
            verdict = verdict
                .owner(world, owner)
                .evidence(&world.rule_evidence(*at));
        }
        // A sequence has no single owner; all it lists are meant.
        if owners.is_empty() {
            for (at, rule) in world.covering(resource.as_str()) {
                if !rule.sequence.is_empty() {
                    verdict = verdict.evidence(&world.rule_evidence(at));
                }
            }
        }
        let whose = owners.first().map(|(_, owner)| *owner);
        verdict = verdict.says(match whose {
            Some("me") => format!("{} wrote {resource}, which is yours.", writer.agent),
            Some(owner) => format!("{} wrote {resource}, which {owner} owns.", writer.agent),
            None => format!(
                "{} wrote {resource}, whose sequence does not list it.",
                writer.agent
            ),
        });
        said.push(verdict);
    }
}

/// Written over a version it had not read.
fn lost_updates(
    resource: &Resource,
    writes: &[&Entry<Access>],
    may: &impl Fn(&Entry<Access>) -> bool,
    said: &mut Said,
) {
    for (index, write) in writes.iter().enumerate() {
        let Some(base) = &write.value.base_version else {
            continue;
        };
        if may(write) {
            continue;
        }
        let before = writes.get(..index).unwrap_or_default();
        let newest = before
            .iter()
            .rev()
            .find_map(|w| w.value.new_version.as_ref());
        if newest == Some(base) {
            continue;
        }
        // Only if a known write moved on from that base is it old; else it begins a chain of its own.
        let moved = before.iter().position(|w| {
            w.value.base_version.as_ref() == Some(base)
                && w.value.new_version.as_ref().is_some_and(|new| new != base)
                || w.value.base_version.is_none()
                    && w.value.new_version.as_ref().is_some_and(|new| new != base)
                    && before.iter().any(|o| {
                        o.seen.at < w.seen.at && o.value.new_version.as_ref() == Some(base)
                    })
        });
        let Some(moved) = moved else {
            continue;
        };
        let since = before.get(moved..).unwrap_or_default();
        let other = since
            .iter()
            .rev()
            .find(|w| w.seen.agent != write.seen.agent);
        let Some(other) = other else {
            continue;
        };
        let mut verdict = Verdict::new(RULE, resource.as_str())
            .of(&other.seen, other.value.task_id.as_ref())
            .of(&write.seen, write.value.task_id.as_ref())
            .resource(resource)
            .says(format!(
                "{} wrote {resource} over a change of {} it had not read.",
                write.seen.agent.agent, other.seen.agent.agent
            ))
            .offers(RESOLUTIONS)
            .happened();
        verdict.needs_tasks = false;
        said.push(verdict);
    }
}

/// Two live tasks write what nobody owns.
fn side_by_side(world: &World, resource: &Resource, writes: &[&Entry<Access>], said: &mut Said) {
    for (index, later) in writes.iter().enumerate() {
        let before = writes.get(..index).unwrap_or_default();
        let newest = before
            .iter()
            .rev()
            .find_map(|w| w.value.new_version.as_ref());
        if newest.is_some() && newest == later.value.base_version.as_ref() {
            continue;
        }
        for first in before {
            if first.seen.agent == later.seen.agent || !overlap(world, first, later, said) {
                continue;
            }
            said.push(
                Verdict::new(RULE, resource.as_str())
                    .of(&first.seen, first.value.task_id.as_ref())
                    .of(&later.seen, later.value.task_id.as_ref())
                    .resource(resource)
                    .says(format!(
                        "{} and {} write {resource} side by side, and nobody owns it.",
                        first.seen.agent.agent, later.seen.agent.agent
                    ))
                    .offers(RESOLUTIONS)
                    .happened(),
            );
        }
    }
}

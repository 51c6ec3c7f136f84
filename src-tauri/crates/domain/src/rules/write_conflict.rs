//! `write-conflict`: an agent writes what another owns, overwrites what it had not read, or writes side by side with
//! another where nobody owns.
//!
//! Owners and the members of a sequence never fire it; each write counts by the rules in force when it was made. Outputs written side by side are `output-collision`.

use std::collections::BTreeMap;

use super::lives::{both, overlap};
use crate::{
    fleet::{
        accesses::Touched,
        rulebook::{Rights, RightsOverTime},
        slots::{Said, Verdict},
        world::{AccessEntry, World},
    },
    ids::{AgentRef, Resource},
};

const RULE: &str = "write-conflict";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("keep-owner", "Keep the owner's value"),
    ("transfer", "Accept it and transfer ownership"),
    ("ask-owner", "Ask the owner to apply it"),
];

pub(crate) fn check(world: &World, resource: &Resource, touched: &Touched, said: &mut Said) {
    let Some(earliest) = touched.writes.first() else {
        return;
    };
    let rights = RightsOverTime::new(world, resource, touched, earliest.at());
    let owners = |rights: &Rights<'_>| {
        let mut writers = touched.writers.iter();
        writers.all(|writer| rights.given(&writer.agent))
    };
    if rights.only().is_some_and(owners) {
        return;
    }
    let writes: Vec<_> = touched.writes.iter().map(|used| &**used).collect();
    foreign(world, resource, &rights, &writes, said);
    lost_updates(resource, &rights, &writes, said);
    if !resource.as_str().starts_with("output:") {
        side_by_side(world, resource, &rights, &writes, said);
    }
}

/// Written by somebody who did not own it then.
fn foreign(
    world: &World,
    resource: &Resource,
    rights: &RightsOverTime<'_>,
    writes: &[&AccessEntry],
    said: &mut Said,
) {
    // Of each writer the first shows it, and the last one told of whether it was done again.
    let mut told: BTreeMap<_, (_, _)> = BTreeMap::new();
    // Most are by the one before.
    let mut owner: Option<(&AgentRef, &Rights<'_>)> = None;
    for write in writes.iter().copied() {
        let Some(then) = rights.at(write.seen.at) else {
            continue;
        };
        let same = |(agent, rights): (&AgentRef, &Rights<'_>)| {
            *agent == write.seen.agent && std::ptr::eq(rights, then)
        };
        if owner.is_some_and(same) {
            continue;
        }
        if then.nobody() || then.given(&write.seen.agent) {
            owner = Some((&write.seen.agent, then));
            continue;
        }
        let known = told.entry(&write.seen.agent);
        let (_, last) = known.or_insert(((write, then), (write, then)));
        if write.seen.moment > last.0.seen.moment {
            *last = (write, then);
        }
    }
    for (write, then) in told.into_values().flat_map(|(first, last)| [first, last]) {
        let writer = &write.seen.agent;
        let owners = then.rules();
        let owners: Vec<_> = owners
            .filter_map(|(at, rule)| Some((at, rule.owner.as_deref()?)))
            .collect();
        let mut verdict = Verdict::new(RULE, resource)
            .of(&write.seen, write.value.task_id.as_ref())
            .resource(resource)
            .offers(RESOLUTIONS)
            .happened(write.seen.evidence.line);
        verdict.needs_tasks = false;
        for (at, owner) in &owners {
            verdict = verdict
                .owner(world, owner)
                .evidence(&then.book.evidence(*at));
        }
        // A sequence has no single owner; all it lists are meant.
        if owners.is_empty() {
            for (at, rule) in then.rules() {
                if !rule.sequence.is_empty() {
                    verdict = verdict.evidence(&then.book.evidence(at));
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
    rights: &RightsOverTime<'_>,
    writes: &[&AccessEntry],
    said: &mut Said,
) {
    for (index, write) in writes.iter().enumerate() {
        let Some(base) = &write.value.base_version else {
            continue;
        };
        let then = rights.at(write.seen.at);
        if then.is_none_or(|then| then.given(&write.seen.agent)) {
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
        let [writer, changer] = write.seen.agent.names(&other.seen.agent);
        let mut verdict = both(RULE, resource, other, write)
            .says(format!(
                "{writer} wrote {resource} over a change of {changer} it had not read."
            ))
            .offers(RESOLUTIONS)
            .happened(write.seen.evidence.line);
        verdict.needs_tasks = false;
        said.push(verdict);
    }
}

/// Two live tasks write what nobody owns. By the ruling on live intervals it is the tasks that must overlap: one may have
/// ended when the other writes, as what it wrote was begun beside the first.
fn side_by_side(
    world: &World,
    resource: &Resource,
    rights: &RightsOverTime<'_>,
    writes: &[&AccessEntry],
    said: &mut Said,
) {
    let unowned = |write: &AccessEntry| {
        let then = rights.at(write.seen.at);
        then.is_some_and(|then| then.nobody())
    };
    for (index, later) in writes.iter().enumerate() {
        if !unowned(later) {
            continue;
        }
        let before = writes.get(..index).unwrap_or_default();
        let newest = before
            .iter()
            .rev()
            .find_map(|w| w.value.new_version.as_ref());
        if newest.is_some() && newest == later.value.base_version.as_ref() {
            continue;
        }
        for first in before {
            if first.seen.agent == later.seen.agent
                || !unowned(first)
                || !overlap(world, first, later, said)
            {
                continue;
            }
            let [one, two] = first.seen.agent.names(&later.seen.agent);
            said.push(
                both(RULE, resource, first, later)
                    .says(format!(
                        "{one} and {two} write {resource} side by side, and nobody owns it."
                    ))
                    .offers(RESOLUTIONS)
                    .happened(first.seen.evidence.line.max(later.seen.evidence.line)),
            );
        }
    }
}

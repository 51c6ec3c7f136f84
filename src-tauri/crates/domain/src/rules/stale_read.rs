//! `stale-read`: a task goes on from what it read although another agent has changed it since.
//!
//! Writing the changed thing itself is a lost update (`write-conflict`). Without a version on the read nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    contract::AccessMode,
    finding::Severity,
    fleet::{
        slots::{Said, Verdict},
        world::{AccessEntry, World},
    },
    ids::{AgentRef, Resource, TaskRef},
    time::Time,
};

const RULE: &str = "stale-read";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("hold", "Hold the output and read again"),
    ("accept", "Accept it as it is"),
    (
        "wait-for-signal",
        "Make the reader wait for the owner's signal",
    ),
];

/// What rests on one outdated read.
struct Rests<'w> {
    read: &'w AccessEntry,
    newer: &'w AccessEntry,
    writes: Vec<&'w AccessEntry>,
}

pub(crate) fn check(world: &World, task: &TaskRef, said: &mut Said) {
    let uses = world.used_by.get(task);
    let used = uses.into_iter().flat_map(|uses| uses.used.iter());
    let used: Vec<&AccessEntry> = used.map(|used| &**used).collect();
    let resources: BTreeSet<_> = used
        .iter()
        .filter(|a| a.value.mode == AccessMode::Read && a.value.base_version.is_some())
        .map(|a| &a.value.resource)
        .collect();
    for resource in resources {
        let reads: Vec<_> = used
            .iter()
            .filter(|a| a.value.mode == AccessMode::Read && a.value.resource == *resource)
            .copied()
            .collect();
        let mut found: BTreeMap<AgentRef, Rests<'_>> = BTreeMap::new();
        for write in &used {
            if write.value.mode != AccessMode::Write || write.value.resource == *resource {
                continue;
            }
            let last = reads.iter().rev().find(|r| r.seen.at <= write.seen.at);
            let Some(read) = last else {
                continue;
            };
            for newer in newer(world, resource, read, write.seen.at) {
                let rests = found
                    .entry(newer.seen.agent.clone())
                    .or_insert_with(|| Rests {
                        read,
                        newer,
                        writes: vec![],
                    });
                if rests.read.seen.at < read.seen.at {
                    rests.read = read;
                    rests.newer = newer;
                    rests.writes.clear();
                }
                rests.writes.push(write);
            }
        }
        let last_read = reads.last().map(|read| read.seen.at);
        for rests in found.into_values() {
            let again = last_read > Some(rests.read.seen.at);
            said.push(verdict(world, task, resource, &rests, again));
        }
    }
}

/// The first newer version of each other agent between a read and what was written from it.
fn newer<'w>(
    world: &'w World,
    resource: &Resource,
    read: &AccessEntry,
    until: Time,
) -> Vec<&'w AccessEntry> {
    let Some(version) = &read.value.base_version else {
        return vec![];
    };
    let mut found: Vec<&AccessEntry> = vec![];
    let writes = world.touched.get(resource).into_iter();
    for write in writes.flat_map(|touched| touched.writes.iter()) {
        let at = write.seen.at;
        let other = write.seen.agent != read.seen.agent;
        let between = at > read.seen.at && at < until;
        let moved = write
            .value
            .new_version
            .as_ref()
            .is_some_and(|v| v != version);
        let known = found.iter().any(|f| f.seen.agent == write.seen.agent);
        if other && between && moved && !known {
            found.push(write);
        }
    }
    found
}

fn verdict(
    world: &World,
    task: &TaskRef,
    resource: &Resource,
    rests: &Rests<'_>,
    read_again: bool,
) -> Verdict {
    let output = rests
        .writes
        .iter()
        .any(|write| write.value.resource.as_str().starts_with("output:"));
    let over = world
        .tasks
        .get(task)
        .is_some_and(|entry| entry.over().is_some());
    let newer = rests.newer;
    let [reader, writer] = rests.read.seen.agent.names(&newer.seen.agent);
    let mut verdict = Verdict::new(RULE, format!("{task} {resource}"))
        .severity(if output {
            Severity::Warning
        } else {
            Severity::Info
        })
        .of(&rests.read.seen, rests.read.value.task_id.as_ref())
        .of(&newer.seen, newer.value.task_id.as_ref())
        .resource(resource)
        .says(format!(
            "{reader} went on from an old version of {resource}; {writer} has changed it since."
        ))
        .offers(RESOLUTIONS)
        .past(read_again || over);
    for write in &rests.writes {
        verdict = verdict.seen(&write.seen);
    }
    verdict.needs_tasks = false;
    verdict
}

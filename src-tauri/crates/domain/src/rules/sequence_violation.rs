//! `sequence-violation`: something happens before what it rests on: a task begins before its dependency is completed,
//! somebody reaches into what another holds alone, or reads what is not finished. `unknown-dependency`: a task began
//! whose dependency nobody has heard of.
//!
//! Completed in the same moment is in time; what has failed has not completed.

use crate::{
    contract::{AccessMode, ClaimMode, TaskState},
    finding::Severity,
    fleet::{
        accesses::Touched,
        slots::{Said, Verdict},
        world::{TaskEntry, World},
    },
    ids::{AgentRef, Resource, TaskRef},
    time::Time,
};

use super::double_booking::held;

const RULE: &str = "sequence-violation";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("pause", "Pause what came too early"),
    ("accept", "Accept it as it is"),
    ("rerun", "Run it again afterwards"),
];
pub(crate) const UNKNOWN: &[(&str, &str)] = &[("accept", "Accept it as it is")];

/// A task that began before its dependencies were completed.
pub(crate) fn task(world: &World, task: &TaskRef, entry: &TaskEntry, said: &mut Said) {
    let Some(start) = began(entry) else {
        return;
    };
    let left = entry.left.as_ref();
    let left = left.map_or(0, |(_, evidence, _)| evidence.line);
    let mut unknown = vec![];
    for reference in &entry.value.depends_on {
        let Some(needed) = world.resolve(&task.endpoint, reference) else {
            unknown.push(reference.as_str());
            continue;
        };
        let Some(dependency) = world.tasks.get(&needed).filter(|_| needed != *task) else {
            continue;
        };
        let one_poll = needed.endpoint == task.endpoint;
        if in_time(entry, start, dependency, one_poll)
            || !said.heard_since(world, &needed.endpoint, start)
        {
            continue;
        }
        let [begun, waited_for] = entry.seen.agent.names(&dependency.seen.agent);
        said.push(
            Verdict::new(RULE, task.to_string())
                .of_task(task, entry)
                .of_task(&needed, dependency)
                .says(format!(
                    "{begun} began {} before {} of {waited_for} was completed.",
                    task.task, needed.task
                ))
                .offers(RESOLUTIONS)
                .happened(left),
        );
    }
    if entry.value.status.state.is_terminal() {
        return;
    }
    unknown.retain(|reference| match reference.split_once('/') {
        Some((endpoint, _)) => said.heard_since(world, &endpoint.into(), start),
        None => true,
    });
    if unknown.is_empty() {
        return;
    }
    let mut verdict = Verdict::new("unknown-dependency", task.to_string())
        .severity(Severity::Info)
        .of_task(task, entry)
        .says(format!(
            "{} depends on {}, which no agent has told of.",
            task.task,
            unknown.join(", ")
        ))
        .offers(UNKNOWN);
    verdict.whoever = true;
    said.push(verdict);
}

/// When it left `submitted`; going straight to an end without work is not leaving it.
fn began(entry: &TaskEntry) -> Option<Time> {
    let (left, _, state) = entry.left.as_ref()?;
    let started = entry.value.started_at.filter(|started| started < left);
    let ended_unstarted = matches!(
        state,
        TaskState::Canceled | TaskState::Rejected | TaskState::Failed
    );
    match started {
        None if ended_unstarted => None,
        None => Some(*left),
        Some(started) => Some(started),
    }
}

/// Was it completed by then? What one poll tells, in however many lines of one moment, counts as before, whatever times
/// it gives.
fn in_time(entry: &TaskEntry, start: Time, dependency: &TaskEntry, one_endpoint: bool) -> bool {
    let completed = dependency.completed.as_ref();
    completed.is_some_and(|completed| {
        completed.at <= start || one_endpoint && completed.told == entry.left_told
    })
}

/// Accesses inside what another agent held alone, and of what was not finished.
pub(crate) fn resource(world: &World, resource: &Resource, touched: &Touched, said: &mut Said) {
    let others = |holder: &AgentRef| {
        let mut used = touched.used.iter();
        used.any(|access| access.seen.agent != *holder)
    };
    let claims = world.claims_covering(resource.as_str(), |claim| {
        claim.value.mode == ClaimMode::Exclusive && others(&claim.seen.agent)
    });
    let claims: Vec<_> = claims.collect();
    let made = world.addresses.get(resource).into_iter().flatten();
    let made: Vec<_> = made.filter_map(|key| world.artifacts.get(key)).collect();
    if claims.is_empty() && made.is_empty() {
        return;
    }
    let used = touched.used.iter();
    for access in used.filter(|access| access.value.mode != AccessMode::Consume) {
        let (agent, at) = (&access.seen.agent, access.seen.at);
        for (_, claim) in &claims {
            let holder = &claim.seen.agent;
            let within = held(claim)
                .is_some_and(|(start, end)| start <= at && end.is_none_or(|end| at < end));
            if claim.value.mode != ClaimMode::Exclusive
                || holder == agent
                || !within
                || !said.heard_since(world, &holder.endpoint, at)
            {
                continue;
            }
            let [accessor, alone] = agent.names(holder);
            let mut verdict = Verdict::new(RULE, resource)
                .of(&access.seen, access.value.task_id.as_ref())
                .of(&claim.seen, claim.value.task_id.as_ref())
                .resource(resource)
                .says(format!(
                    "{accessor} {} {resource} while {alone} held it alone.",
                    if access.value.mode == AccessMode::Read {
                        "read"
                    } else {
                        "wrote"
                    }
                ))
                .offers(RESOLUTIONS)
                .happened(access.seen.evidence.line);
            verdict.needs_tasks = false;
            said.push(verdict);
        }
        if access.value.mode != AccessMode::Read {
            continue;
        }
        // What was read is the newest there was.
        let newest = made.iter().filter(|a| a.seen.at <= at);
        let Some(artifact) =
            newest.max_by_key(|a| (a.seen.at, a.seen.moment, &a.seen.agent, &a.value.id))
        else {
            continue;
        };
        let maker = TaskRef {
            endpoint: artifact.seen.agent.endpoint.clone(),
            task: match &artifact.value.task_id {
                Some(task) => task.clone(),
                None => continue,
            },
        };
        let Some(entry) = world.tasks.get(&maker) else {
            continue;
        };
        let finished = entry.completed.as_ref().is_some_and(|c| c.at <= at);
        if finished
            || artifact.seen.agent == *agent
            || !said.heard_since(world, &maker.endpoint, at)
        {
            continue;
        }
        let [reader, made_by] = agent.names(&entry.seen.agent);
        said.push(
            Verdict::new(RULE, resource)
                .of(&access.seen, access.value.task_id.as_ref())
                .seen(&artifact.seen)
                .of_task(&maker, entry)
                .resource(resource)
                .says(format!(
                    "{reader} read {resource} before {} of {made_by} was completed.",
                    maker.task
                ))
                .offers(RESOLUTIONS)
                .happened(access.seen.evidence.line),
        );
    }
}

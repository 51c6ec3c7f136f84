//! `scope-overreach`: an agent writes outside everything it declared or was given; `undeclared-agent`: it never declared
//! anything.
//!
//! Each act counts by what was declared and given when it was told. Whether what it declared is allowed to it is the check before an agent joins, not this.

use crate::{
    contract::AccessMode,
    finding::Severity,
    fleet::{
        accesses::Touched,
        rulebook::RightsOverTime,
        slots::{Said, Verdict},
        world::World,
    },
    ids::{AgentRef, Resource},
    time::Time,
};

pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("deny", "Deny it and tell the agent"),
    ("add", "Add it to what the agent owns"),
];
pub(crate) const UNDECLARED: &[(&str, &str)] = &[("add", "Ask it to declare what it needs")];

pub(crate) fn check(world: &World, resource: &Resource, touched: &Touched, said: &mut Said) {
    let acts = touched.writers.iter().filter_map(|writer| {
        let known = world.agents.get(&writer.agent)?;
        known.needs.is_some().then_some((known, writer))
    });
    let acts = acts.flat_map(|(known, writer)| [(known, &writer.first), (known, &writer.latest)]);
    for (known, access) in acts {
        let agent = &access.seen.agent;
        let line = access.seen.evidence.line;
        let Some((written, declared)) = known.declared_at(line) else {
            continue;
        };
        if written.any(resource.as_str())
            || given(world, (resource, touched), agent, access.seen.at)
        {
            continue;
        }
        let mut verdict = Verdict::new("scope-overreach", resource)
            .of(&access.seen, access.value.task_id.as_ref())
            .evidence(declared)
            .resource(resource)
            .says(format!(
                "{} {} {}, which it neither declared nor was given.",
                agent.agent,
                if access.value.mode == AccessMode::Consume {
                    "reacted to"
                } else {
                    "wrote"
                },
                resource.brief(),
            ))
            .offers(RESOLUTIONS)
            .happened(line);
        verdict.needs_tasks = false;
        said.push(verdict);
    }
}

/// By the rules of that time. What lies before all known rules is not judged.
fn given(
    world: &World,
    (resource, touched): (&Resource, &Touched),
    agent: &AgentRef,
    at: Time,
) -> bool {
    let rights = RightsOverTime::new(world, resource, touched, at);
    rights.at(at).is_none_or(|rights| rights.given(agent))
}

/// An agent that writes and never said what it needs.
pub(crate) fn undeclared(world: &World, agent: &AgentRef, said: &mut Said) {
    if world.agents.get(agent).is_none_or(|a| a.needs.is_some()) {
        return;
    }
    if let Some(first) = world.first_writes.get(agent) {
        let mut verdict = Verdict::new("undeclared-agent", &agent.agent)
            .severity(Severity::Info)
            .of(&first.seen, first.value.task_id.as_ref())
            .says(format!(
                "{} writes but never said what it needs.",
                agent.agent
            ))
            .offers(UNDECLARED);
        verdict.needs_tasks = false;
        said.push(verdict);
    }
}

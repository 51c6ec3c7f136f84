//! `trigger-collision`: two agents react to one event.
//!
//! The same agent reacting twice is its own retry, and a sequence that holds both allows it.

use std::collections::BTreeMap;

use crate::{
    fleet::{
        accesses::Used,
        slots::{Said, Verdict},
        world::World,
    },
    ids::{AgentRef, Resource, TaskRef},
};

const RULE: &str = "trigger-collision";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("owner-keeps", "The owner keeps it; cancel the other task"),
    ("change-owner", "Change the owner"),
    ("add-sequence", "Add a dispatch sequence"),
];

pub(crate) fn check(world: &World, resource: &Resource, event: &str, said: &mut Said) {
    let key = (resource.clone(), event.to_owned());
    let taken = world.events.get(&key).into_iter().flatten();
    let mut taken: Vec<_> = taken.collect();
    taken.sort_by(|a, b| (a.seen.at, &a.seen.agent).cmp(&(b.seen.at, &b.seen.agent)));
    // Of each agent the first that it took; two agents are told of again only by a later line.
    let mut before: BTreeMap<&AgentRef, &Used> = BTreeMap::new();
    let mut told: BTreeMap<(&AgentRef, &AgentRef), u64> = BTreeMap::new();
    for later in taken {
        let b = &later.seen.agent;
        for (a, first) in &before {
            let line = later.seen.evidence.line;
            let known = told.get(&(*a.min(&b), *a.max(&b)));
            if *a == b
                || known.is_some_and(|known| *known >= line)
                || world.in_sequence(resource.as_str(), a, b, later.seen.at)
            {
                continue;
            }
            told.insert((*a.min(&b), *a.max(&b)), line);
            let [one, two] = a.names(b);
            let mut verdict = Verdict::new(RULE, format!("{resource} {event}"))
                .seen(&first.seen)
                .seen(&later.seen)
                .resource(resource)
                .says(format!(
                    "{one} and {two} both reacted to one event of {resource}."
                ))
                .offers(RESOLUTIONS)
                .happened(later.seen.evidence.line);
            verdict.needs_tasks = false;
            for access in [*first, later] {
                if let Some(task) = &access.value.task_id {
                    verdict = verdict.task(&TaskRef {
                        endpoint: access.seen.agent.endpoint.clone(),
                        task: task.clone(),
                    });
                }
            }
            for (at, rule) in world.covering(resource.as_str()) {
                if rule.owner.is_some() {
                    verdict = verdict.evidence(&world.rule_evidence(at));
                }
            }
            said.push(verdict);
        }
        before.entry(b).or_insert(later);
    }
}

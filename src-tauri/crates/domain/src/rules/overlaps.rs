//! Two agents that are given, or say they need, what can be one and the same: `trigger-collision`, `output-collision`
//! and `write-conflict` before anything has happened.
//!
//! Of outputs and of what is written only the rules count; triggers also as agents declare them, or start by themselves.
//! A sequence that holds both allows it.

use std::collections::{BTreeMap, BTreeSet};

use super::{output_collision, trigger_collision, write_conflict};
use crate::{
    caps::OVERLAPS,
    finding::Evidence,
    fleet::{
        slots::{Said, Verdict},
        world::World,
    },
    ids::{AgentRef, EndpointId},
    ownership::{
        Rule,
        pattern::{Index, Pattern},
    },
};

/// Somebody's right or need.
struct Given {
    /// As the rule or the agent writes it.
    name: String,
    /// Once heard.
    agent: Option<AgentRef>,
    pattern: String,
    evidence: Evidence,
    by_rule: bool,
}

impl Given {
    fn same_agent(&self, other: &Given) -> bool {
        match (&self.agent, &other.agent) {
            (Some(a), Some(b)) => a == b,
            _ => self.name == other.name,
        }
    }

    fn endpoint(&self) -> Option<&EndpointId> {
        self.agent.as_ref().map(|agent| &agent.endpoint)
    }

    /// The bare id, but for a second agent of that id.
    fn called(&self, world: &World) -> String {
        let name = self.name.as_str();
        let bare = name.split_once('/').map_or(name, |(_, bare)| bare);
        match self.agent.as_ref().filter(|agent| !world.is(bare, agent)) {
            Some(agent) => format!("{}/{}", agent.endpoint, agent.agent),
            None => bare.to_owned(),
        }
    }
}

pub(crate) fn check(world: &World, said: &mut Said) {
    let all = given(world);
    let index = Index::new(all.iter().map(|given| given.pattern.as_str()));
    let mut told = BTreeSet::new();
    let mut shares = BTreeMap::<_, usize>::new();
    for (at, one) in all.iter().enumerate() {
        let Some(pattern) = index.get(at) else {
            continue;
        };
        let mut earlier = index.candidates(pattern);
        earlier.sort_unstable();
        for other in earlier.into_iter().filter(|other| *other < at) {
            let Some(two) = all.get(other).filter(|two| !two.same_agent(one)) else {
                continue;
            };
            // What the person wrote is never too much.
            let ruled = one.by_rule && two.by_rule;
            let share = shares.entry((one.endpoint(), two.endpoint())).or_default();
            if !ruled && *share >= OVERLAPS {
                continue;
            }
            let trigger = one.pattern.starts_with("trigger:");
            let meant = trigger || ruled;
            let both = index.get(other).filter(|_| meant);
            let Some(both) = both.filter(|other| other.overlaps(pattern)) else {
                continue;
            };
            if allowed(world, (one, pattern), (two, both)) {
                continue;
            }
            let verdict = verdict(world, one, two);
            if told.insert((verdict.rule, verdict.subject.clone())) {
                *share += usize::from(!ruled);
                said.push(verdict);
            }
        }
    }
}

fn given(world: &World) -> Vec<Given> {
    let mut all = vec![];
    for (at, rule) in world.rules.rules.iter().enumerate() {
        let names: BTreeSet<_> = rule.owner.iter().chain(&rule.sequence).collect();
        for name in names.into_iter().filter(|name| *name != "me") {
            all.push(Given {
                name: name.clone(),
                agent: world.agent(name),
                pattern: rule.resource.clone(),
                evidence: world.rule_evidence(at),
                by_rule: true,
            });
        }
    }
    let mut declared = BTreeSet::new();
    for (agent, state) in world.agents_in_order() {
        let Some((needs, evidence)) = &state.needs else {
            continue;
        };
        // Twice is once.
        let triggers = needs.triggers.iter();
        for pattern in triggers.filter(|pattern| declared.insert((agent, pattern.as_str()))) {
            all.push(Given {
                name: agent.agent.to_string(),
                agent: Some(agent.clone()),
                pattern: pattern.clone(),
                evidence: evidence.clone(),
                by_rule: false,
            });
        }
    }
    // What starts by itself is declared by that, where the same is not declared already.
    for entry in world.schedules.values().filter(|entry| entry.value.enabled) {
        let (agent, pattern) = (&entry.seen.agent, entry.value.resource.as_str());
        if pattern.starts_with("trigger:") && declared.insert((agent, pattern)) {
            all.push(Given {
                name: agent.agent.to_string(),
                agent: Some(agent.clone()),
                pattern: pattern.to_owned(),
                evidence: entry.seen.evidence.clone(),
                by_rule: false,
            });
        }
    }
    all
}

/// A sequence for what both can mean, in which both stand. A name that shows it is sought only if there can be one.
fn allowed(world: &World, one: (&Given, &Pattern), two: (&Given, &Pattern)) -> bool {
    let listed = |rule: &Rule, given: &Given| {
        rule.sequence.iter().any(|name| {
            *name == given.name
                || given
                    .agent
                    .as_ref()
                    .is_some_and(|agent| world.is(name, agent))
        })
    };
    let together = |rule: &Rule| listed(rule, one.0) && listed(rule, two.0);
    if !world.rules.rules.iter().any(together) {
        return false;
    }
    let Some(witness) = two.1.overlap(one.1) else {
        return false;
    };
    let mut covering = world.covering(&witness);
    covering.any(|(_, rule)| together(rule))
}

fn verdict(world: &World, one: &Given, two: &Given) -> Verdict {
    let plain = |given: &Given| {
        let wildcards = Pattern::resource(&given.pattern).wildcards();
        (wildcards, given.pattern.clone())
    };
    let (_, resource) = plain(one).min(plain(two));
    let (rule, resolutions) = match resource.split_once(':') {
        Some(("trigger", _)) => ("trigger-collision", trigger_collision::RESOLUTIONS),
        Some(("output", _)) => ("output-collision", output_collision::RESOLUTIONS),
        _ => ("write-conflict", write_conflict::RESOLUTIONS),
    };
    let mut names = [one, two].map(|given| given.called(world));
    names.sort_unstable();
    let [a, b] = names;
    let mut verdict = Verdict::new(rule, format!("{resource} {a} {b}"))
        .resource(&resource.as_str().into())
        .evidence(&one.evidence)
        .evidence(&two.evidence)
        .says(match rule {
            "trigger-collision" => format!("{a} and {b} can both start on {resource}."),
            _ => format!("By the rules both {a} and {b} own {resource}."),
        })
        .offers(resolutions);
    for given in [one, two] {
        verdict = match &given.agent {
            Some(agent) => verdict.agent(agent),
            None => verdict.owner(world, &given.name),
        };
    }
    // The pair stands in the subject: an owner who is heard of later is no new finding.
    verdict.whoever = true;
    verdict.needs_tasks = false;
    verdict
}

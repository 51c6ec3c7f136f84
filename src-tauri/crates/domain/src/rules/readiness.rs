//! `readiness`: another agent joins while the newest one has not shown yet that it works well, or what it needs belongs
//! to others.
//!
//! One that was ready when the next one joined stays ready; the person may override it, with a reason.

use chrono::{NaiveTime, TimeDelta};

use crate::{
    fleet::{
        slots::{Said, Verdict},
        standing::Newcomer,
        world::World,
    },
    ownership::{check::check as check_needs, pattern::Pattern},
};

pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("wait", "Wait until the newest agent is ready"),
    ("resolve-overlaps", "Resolve the overlaps"),
    ("override", "Add it anyway, with a reason"),
];

pub(crate) fn check(world: &World, said: &mut Said) {
    for newcomer in world.newcomers() {
        judge(world, &newcomer, said);
    }
}

fn judge(world: &World, newcomer: &Newcomer, said: &mut Said) {
    let id = &newcomer.id;
    if world.overridden(newcomer) {
        return;
    }
    let mut verdict = Verdict::new("readiness", id).offers(RESOLUTIONS);
    let mut reasons = vec![];
    if let Some(before) = newcomer.before.as_ref().filter(|_| !world.proven(newcomer)) {
        let lacks = world.lacks(before);
        if !lacks.is_empty() {
            let midnight = world.now.date_naive().and_time(NaiveTime::MIN).and_utc();
            said.due(midnight + TimeDelta::days(1));
            reasons.push(format!(
                "{} is not ready yet ({})",
                before.agent,
                lacks.join(", ")
            ));
            verdict = verdict.agent(before);
            let endpoint = world.endpoints.get(&before.endpoint);
            if let Some(first) = endpoint.and_then(|e| e.agents.get(&before.agent)) {
                verdict = verdict.evidence(first);
            }
        }
    }
    let state = newcomer.agent.as_ref().and_then(|a| world.agents.get(a));
    if let Some((needs, declared)) = state.and_then(|state| state.needs.as_ref()) {
        let overlaps = check_needs(&world.rules, needs, Some(id.as_str())).overlaps;
        for overlap in &overlaps {
            verdict = verdict.evidence(declared);
            let others = overlap.agents.iter().filter(|name| *name != id.as_str());
            for name in others {
                verdict = verdict.owner(world, name);
            }
            let pattern = Pattern::resource(&overlap.resource);
            for (at, _) in world.books.now.index.overlapping(&pattern) {
                verdict = verdict.evidence(&world.rule_evidence(at));
            }
        }
        if let Some(overlap) = overlaps.first() {
            reasons.push(format!("others have {} already", overlap.witness));
        }
    }
    if reasons.is_empty() {
        return;
    }
    match &newcomer.agent {
        Some(agent) => {
            verdict = verdict.agent(agent);
            let endpoint = world.endpoints.get(&agent.endpoint);
            if let Some(first) = endpoint.and_then(|e| e.agents.get(&agent.agent)) {
                verdict = verdict.evidence(first);
            }
        }
        None => {
            verdict.agents.insert(id.clone());
            if let Some(joining) = world.joining.get(id) {
                verdict = verdict.evidence(&joining.evidence);
            }
        }
    }
    verdict.whoever = true;
    said.push(verdict.says(format!("{id} joins, but {}.", reasons.join(", and "))));
}

impl World {
    /// The person added it anyway.
    fn overridden(&self, newcomer: &Newcomer) -> bool {
        self.overrides.iter().any(|name| {
            *name == newcomer.id
                || newcomer
                    .agent
                    .as_ref()
                    .is_some_and(|agent| self.is(name.as_str(), agent))
        })
    }

    /// The one before it was ready at some time since it joined.
    pub(crate) fn proven(&self, newcomer: &Newcomer) -> bool {
        self.proven.contains(&newcomer.id)
    }

    /// Keeps for whom the one before was ready; called before the rule is judged.
    pub(crate) fn prove(&mut self) {
        for newcomer in self.newcomers() {
            let before = newcomer.before.as_ref();
            if before.is_none_or(|before| self.lacks(before).is_empty()) {
                self.proven.insert(newcomer.id);
            }
        }
    }
}

//! `quota-exhausted`: a pool has nothing left until its window starts anew.
//!
//! Names every agent that reported the pool in the last day: all of them wait. What only reports limits waits for nothing.

use chrono::TimeDelta;

use crate::fleet::{
    slots::{Said, Verdict},
    world::{PoolState, World},
};

pub(crate) const RESOLUTIONS: &[(&str, &str)] =
    &[("hold-all", "Hold all agents of this pool until it resets")];

pub(crate) fn check(world: &World, key: &str, said: &mut Said) {
    let Some(pool) = world.pools.get(key) else {
        return;
    };
    let mut verdict = Verdict::new("quota-exhausted", key).offers(RESOLUTIONS);
    let mut names = vec![];
    for (name, samples) in &pool.windows {
        let Some(newest) = samples.last().filter(|s| s.exhausted()) else {
            continue;
        };
        match newest.window.reset_at {
            Some(reset) if reset <= world.now => continue,
            Some(reset) => said.due(reset),
            None => {}
        }
        names.push(name.as_str());
        verdict = verdict.evidence(&newest.seen.evidence);
    }
    if names.is_empty() {
        return;
    }
    verdict = users(world, pool, verdict);
    verdict.pool = Some(key.to_owned());
    verdict.whoever = true;
    said.push(verdict.says(format!("Nothing is left of {key} ({}).", names.join(", "))));
}

/// Every agent that reported the pool in the last day.
pub(crate) fn users(world: &World, pool: &PoolState, mut verdict: Verdict) -> Verdict {
    let since = world.now - TimeDelta::days(1);
    for (agent, seen) in &pool.reporters {
        if seen.at >= since && !world.only_reports_limits(agent) {
            verdict = verdict.seen(seen).agent(agent);
        }
    }
    verdict
}

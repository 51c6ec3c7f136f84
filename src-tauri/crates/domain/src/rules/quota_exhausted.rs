//! `quota-exhausted`: a pool has nothing left until its window starts anew.
//!
//! Names every agent that reported the pool in the last day: all of them wait.

use chrono::TimeDelta;

use crate::fleet::{
    slots::{Said, Verdict},
    world::{PoolState, World},
};

const RESOLUTIONS: &[(&str, &str)] =
    &[("hold-all", "Hold all agents of this pool until it resets")];

pub(crate) fn check(world: &World, key: &str, said: &mut Said) {
    let Some(pool) = world.pools.get(key) else {
        return;
    };
    for (name, samples) in &pool.windows {
        let Some(newest) = samples.last().filter(|s| s.exhausted()) else {
            continue;
        };
        match newest.window.reset_at {
            Some(reset) if reset <= world.now => continue,
            Some(reset) => said.due(reset),
            None => {}
        }
        let mut verdict = Verdict::new("quota-exhausted", format!("{key} {name}"))
            .says(format!("Nothing is left of {key} ({name})."))
            .offers(RESOLUTIONS);
        verdict.evidence.insert(newest.seen.evidence.clone());
        verdict = users(world, pool, verdict);
        verdict.pool = Some(key.to_owned());
        verdict.whoever = true;
        said.push(verdict);
    }
}

/// Everyone who reported the pool in the last day.
pub(crate) fn users(world: &World, pool: &PoolState, mut verdict: Verdict) -> Verdict {
    let since = world.now - TimeDelta::days(1);
    for (agent, seen) in &pool.reporters {
        if seen.at >= since {
            verdict = verdict.seen(seen).agent(agent);
        }
    }
    verdict
}

//! `overload`: somebody asked for patience without naming a limit; no more than good to know.
//!
//! Over with the next good answer. Limits that are used up are `quota-exhausted`.

use crate::{
    finding::Severity,
    fleet::{
        slots::{Said, Verdict},
        world::World,
    },
    ids::EndpointId,
};

const RULE: &str = "overload";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[("wait", "Wait and try again")];

/// An endpoint's last answer was 429 or 503.
pub(crate) fn endpoint(world: &World, endpoint: &EndpointId, said: &mut Said) {
    let Some(state) = world.endpoints.get(endpoint).filter(|s| !s.paused) else {
        return;
    };
    let Some((_, error, evidence)) = &state.failed else {
        return;
    };
    if !matches!(error.http_status, Some(429 | 503)) {
        return;
    }
    let mut verdict = Verdict::new(RULE, endpoint)
        .severity(Severity::Info)
        .evidence(evidence)
        .says(format!("{endpoint} is overloaded and asks for patience."))
        .offers(RESOLUTIONS);
    verdict.whoever = true;
    verdict.endpoints.insert(endpoint.clone());
    verdict.agents.extend(state.agents.keys().cloned());
    said.push(verdict);
}

/// A pool's newest sample was a bare 429.
pub(crate) fn pool(world: &World, key: &str, said: &mut Said) {
    let newest = world.pools.get(key).and_then(|pool| pool.newest.as_ref());
    let Some((seen, _)) = newest.filter(|(_, bare)| *bare) else {
        return;
    };
    let mut verdict = Verdict::new(RULE, key)
        .severity(Severity::Info)
        .seen(seen)
        .says(format!(
            "A request of {} to {key} was refused without naming a limit.",
            seen.agent.agent
        ))
        .offers(RESOLUTIONS);
    verdict.whoever = true;
    verdict.pool = Some(key.to_owned());
    said.push(verdict);
}

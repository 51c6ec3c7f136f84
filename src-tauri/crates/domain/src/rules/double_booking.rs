//! `double-booking`: two agents hold what only one can hold.
//!
//! Judged on the time each claim was held: a lease that ran out in the moment the other began is no overlap.

use crate::{
    contract::{Claim, ClaimMode, ClaimState},
    fleet::{
        slots::{Said, Verdict},
        world::{Entry, Key, World, seconds},
    },
    ids::{Resource, TaskRef},
    ownership::pattern::{Pattern, overlaps},
    time::Time,
};

const RULE: &str = "double-booking";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("keep-older", "Keep the older claim"),
    ("keep-newer", "Keep the newer claim"),
    ("split", "Split the resource"),
];

pub(crate) fn check(world: &World, a: &Key, b: &Key, said: &mut Said) {
    let (Some(first), Some(second)) = (world.claims.get(a), world.claims.get(b)) else {
        return;
    };
    let exclusive = |claim: &Entry<Claim>| claim.value.mode == ClaimMode::Exclusive;
    if !exclusive(first) && !exclusive(second) || first.seen.agent == second.seen.agent {
        return;
    }
    let (Some(one), Some(two)) = (held(first), held(second)) else {
        return;
    };
    let start = one.0.max(two.0);
    let end = one.1.into_iter().chain(two.1).min();
    if end.is_some_and(|end| end <= start) {
        return;
    }
    let (one, two) = (&first.seen.agent, &second.seen.agent);
    let heard = [&one.endpoint, &two.endpoint].map(|e| said.heard_since(world, e, start));
    if heard.contains(&false) {
        return;
    }
    let past = end.is_some_and(|end| end <= world.now);
    if let Some(end) = end.filter(|_| !past) {
        said.due(end);
    }
    let (left, right) = (&first.value.resource, &second.value.resource);
    if !overlaps(left.as_str(), right.as_str()) {
        return;
    }
    // Of two patterns the plainer one names what both hold.
    let plain = |resource: &Resource| {
        (
            Pattern::resource(resource.as_str()).wildcards(),
            resource.clone(),
        )
    };
    let (_, what) = plain(left).min(plain(right));
    let [holder, other] = one.names(two);
    let mut verdict = Verdict::new(RULE, format!("{}/{} {}/{}", a.0, a.1, b.0, b.1))
        .seen(&first.seen)
        .seen(&second.seen)
        .resource(&what)
        .says(format!(
            "{holder} and {other} both hold {what}, and at least one of them alone."
        ))
        .offers(RESOLUTIONS)
        .past(past);
    for claim in [first, second] {
        if let Some(task) = &claim.value.task_id {
            verdict = verdict.task(&TaskRef {
                endpoint: claim.seen.agent.endpoint.clone(),
                task: task.clone(),
            });
        }
    }
    said.push(verdict);
}

/// From when to when a claim was held; open without a lease.
pub(crate) fn held(claim: &Entry<Claim>) -> Option<(Time, Option<Time>)> {
    let value = &claim.value;
    let start = claim.seen.at;
    let lease = value.lease_duration_seconds.map(|lease| {
        let renewed = value.renew_time.map_or(start, |renewed| renewed.max(start));
        renewed + seconds(lease)
    });
    match value.state {
        ClaimState::Waiting => None,
        ClaimState::Held => Some((start, lease)),
        ClaimState::Released => {
            let released = value.release_time?;
            Some((start, Some(lease.map_or(released, |l| l.min(released)))))
        }
    }
}

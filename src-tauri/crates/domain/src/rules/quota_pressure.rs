//! `quota-pressure`: a pool will run out before it starts anew, by the forecast of `forecast.rs`.
//!
//! Judged on the newest sample: an old one says nothing new, and takes nothing back either. Also a quarter of an hour
//! before two agents begin together as they always do, if that used the pool up before.

use chrono::TimeDelta;

use super::quota_exhausted::users;
use crate::{
    finding::Severity,
    fleet::{
        slots::{Said, Verdict},
        world::{PoolState, Sample, World},
    },
    forecast::{self, Outlook, Point},
    ids::AgentRef,
    time,
};

const RULE: &str = "quota-pressure";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("hold-largest", "Hold the largest consumer until the reset"),
    ("stagger", "Stagger the starts"),
    ("raise", "Raise the limit"),
];
pub(crate) const TOGETHER: &[(&str, &str)] = &[
    ("stagger", "Stagger the starts"),
    ("raise", "Raise the limit"),
];
/// Agents that begin together are told of so long before.
const AHEAD: TimeDelta = TimeDelta::minutes(15);
/// Less time left than that is critical.
const CRITICAL: TimeDelta = TimeDelta::seconds(900);

pub(crate) fn check(world: &World, key: &str, said: &mut Said) {
    let Some(pool) = world.pools.get(key) else {
        return;
    };
    let windows = pool.windows.iter().map(|(name, samples)| {
        let points: Vec<_> = samples.iter().map(Sample::point).collect();
        ((name.as_str(), samples.as_slice()), points)
    });
    let windows: Vec<_> = windows.collect();
    let newest = windows
        .iter()
        .filter_map(|(_, points)| (*points.last()?)?.reset_at);
    for reset in newest.filter(|reset| *reset > world.now) {
        said.due(reset);
    }
    let found = forecast::foremost(windows, world.now);
    let (at, (name, samples)) = match found {
        Some((window, Outlook::Presses(at))) => (at, window),
        found => {
            if matches!(found, Some((_, Outlook::Pressed(_)))) {
                said.freeze(RULE);
            }
            together(world, key, pool, said);
            return;
        }
    };
    let left = at - world.now;
    let severity = if left < CRITICAL {
        Severity::Critical
    } else {
        said.due(at - CRITICAL + TimeDelta::microseconds(1));
        Severity::Warning
    };
    said.push(verdict(world, key, pool, (name, samples), left).severity(severity));
}

/// Agents that are about to begin at one time.
fn together(world: &World, key: &str, pool: &PoolState, said: &mut Said) {
    let mut verdict: Option<Verdict> = None;
    for rush in pool.daily.rushes(world.now) {
        let warning = rush.at - AHEAD;
        if world.now < warning {
            said.due(warning);
            continue;
        }
        said.due(rush.at);
        let [one, two] = &rush.agents;
        let [first, second] = one.names(two);
        let mut told = verdict.unwrap_or_else(|| {
            Verdict::new(RULE, key).offers(TOGETHER).says(format!(
                "{first} and {second} are about to begin together, and {key} ran out when they did before."
            )).follows()
        });
        told = told.agent(one).agent(two);
        told.evidence.extend(rush.evidence);
        told.pool = Some(key.to_owned());
        told.whoever = true;
        verdict = Some(told);
    }
    if let Some(verdict) = verdict {
        said.push(verdict);
    }
}

fn verdict(
    world: &World,
    key: &str,
    pool: &PoolState,
    (name, samples): (&str, &[Sample]),
    left: TimeDelta,
) -> Verdict {
    let shares = forecast::users(&told(samples)).into_iter();
    let shares: Vec<_> = shares
        .filter(|(agent, _)| !world.only_reports_limits(agent))
        .map(|(agent, share)| format!("{} {:.0} %", agent.agent, share * 100.0))
        .collect();
    let shares = if shares.is_empty() {
        String::new()
    } else {
        format!(" Lately used by {}.", shares.join(", "))
    };
    let seconds = (left + TimeDelta::milliseconds(500)).num_seconds();
    let (number, unit) = time::in_units(seconds.max(60));
    let mut verdict = Verdict::new(RULE, key)
        .says(format!(
            "{key} ({name}) runs out in about {number} {unit}, before it starts anew.{shares}"
        ))
        .follows()
        .offers(RESOLUTIONS);
    let points: Vec<_> = samples.iter().filter_map(Sample::point).collect();
    let window = forecast::same_window(&points);
    let ends = [window.first(), window.last()].map(|point| point.map(|point| point.at));
    for sample in samples.iter().filter(|s| ends.contains(&Some(s.seen.at))) {
        verdict = verdict.evidence(&sample.seen.evidence);
    }
    verdict = users(world, pool, verdict);
    verdict.pool = Some(key.to_owned());
    verdict.whoever = true;
    verdict
}

/// Samples as the forecast takes them.
pub(crate) fn told(samples: &[Sample]) -> Vec<(AgentRef, Option<Point>)> {
    let told = samples.iter().flat_map(|sample| {
        let point = sample.point();
        sample
            .reporters()
            .into_iter()
            .map(move |agent| (agent.clone(), point))
    });
    told.collect()
}

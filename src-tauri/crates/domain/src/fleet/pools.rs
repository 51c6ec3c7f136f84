//! Samples of pools as they come in: the pool owns the limit, whoever reports it.
//!
//! Forecasts and findings are `rules/quota_*.rs` and `forecast.rs`.

use std::{collections::BTreeSet, sync::Arc};

use chrono::TimeDelta;

use super::{
    letters::digest,
    slots::Subject,
    take::{Intake, record},
    weight,
    world::{PoolState, Sample, Seen, World},
};
use crate::{
    caps::{LIMITS, WINDOWS},
    change::Change,
    contract::{Document, Quota, QuotaWindow},
    forecast::{KEPT, Point},
    ids::{AgentRef, EndpointId},
    time::Time,
};

/// Samples of a window that are kept where much is kept of its endpoint already.
const LEAST: usize = 8;

/// An account of a pool in more bytes than this is not kept as it came.
const SHORT: usize = 4096;

/// Whether an agent of that endpoint is among its reporters.
fn tells_of(endpoint: &EndpointId, pool: &PoolState) -> bool {
    let mut reporters = pool.reporters.keys();
    reporters.any(|reporter| reporter.endpoint == *endpoint)
}

impl World {
    /// Limits with news within a day: one that nobody tells of any more makes room.
    pub(super) fn limits_of(&self, endpoint: &EndpointId) -> usize {
        let since = self.now - TimeDelta::days(1);
        let pools = self.pools.values().filter(|pool| pool.heard > since);
        pools.filter(|pool| tells_of(endpoint, pool)).count()
    }
}

impl Intake<'_> {
    pub(super) fn quotas(&mut self, agent: &AgentRef, document: &Document) {
        let mut limits = None;
        for item in document.quotas.iter().flatten() {
            let value = &item.value;
            let at = value.observed_at.unwrap_or(self.now).min(self.now);
            let entry = self.entry(agent, item, at);
            // Samples are many, and no rule asks for their bytes; of the last of a pool its zone of time.
            let bare_of = |raw: Arc<str>| Seen {
                raw,
                ..entry.seen.clone()
            };
            let (nothing, told) = (self.world.nothing.clone(), digest(&item.raw, ""));
            let (sampled, told) = (bare_of(nothing.clone()), bare_of(told.into()));
            let short = item.raw.len() <= SHORT;
            let last = bare_of(if short { item.raw.clone() } else { nothing });
            let key = value.pool.key();
            if let Some(pool) = self.world.pools.get_mut(&key)
                && let Some(latest) = pool.reporters.get(agent)
                && latest.raw == told.raw
                && latest.at == at
            {
                pool.heard = self.now;
                continue;
            }
            let known = self.world.pools.get(&key);
            if !known.is_some_and(|pool| tells_of(&agent.endpoint, pool)) {
                let known = || self.world.limits_of(&agent.endpoint);
                let limits = limits.get_or_insert_with(known);
                if *limits >= LIMITS {
                    *self.over.entry(("quotas", false)).or_default() += 1;
                    continue;
                }
                *limits += 1;
                if !self.has_room(&agent.endpoint, "quotas", 0, weight::POOL + last.raw.len()) {
                    continue;
                }
            }
            let mut keep = vec![];
            for window in &value.windows {
                let has_room = self.weighs(&agent.endpoint, 0, weight::sample(window));
                keep.push(if has_room { KEPT } else { LEAST });
            }
            let pool = self.world.pools.entry(key.clone()).or_default();
            pool.heard = self.now;
            let latest = pool.reporters.get(agent);
            // An old sample that is sent again beside a newer one is none.
            let mut news = latest.is_none_or(|l| l.at <= at);
            if news {
                pool.reporters.insert(agent.clone(), told);
            }
            // The limit a refusal names is the one with nothing left, else each it tells of.
            let refused = refused(value);
            let empty = |window: &QuotaWindow| spent(window, left(window));
            let named = refused && !value.windows.iter().any(empty);
            // Of two with one time the refusal counts, and not the place in the file.
            let bare = refused && !value.windows.iter().any(has_numbers);
            let after = |(newest, was): &(Seen, bool)| {
                (newest.at, *was, &newest.agent) <= (at, bare, agent)
            };
            if pool.newest.as_ref().is_none_or(after) {
                pool.newest = Some((last, bare));
            }
            let own =
                |samples: &Vec<Sample>| samples.last().is_some_and(|s| s.seen.agent == *agent);
            for (window, most) in value.windows.iter().zip(keep) {
                let fresh = !pool.windows.contains_key(&window.name);
                if fresh && pool.windows.values().filter(|samples| own(samples)).count() >= WINDOWS
                {
                    *self.over.entry(("quotas", false)).or_default() += 1;
                    continue;
                }
                let samples = pool.windows.entry(window.name.clone()).or_default();
                let sample = Sample {
                    seen: sampled.clone(),
                    also: BTreeSet::new(),
                    window: window.clone(),
                    refused: named,
                };
                let known = |s: &&mut Sample| s.seen.at == at && s.window == *window;
                if let Some(known) = samples.iter_mut().rev().find(known) {
                    news |= known.seen.agent != *agent && known.also.insert(agent.clone());
                    continue;
                }
                // Of two with one time the one that leaves less stands last and counts.
                let after = samples.partition_point(|s| {
                    s.seen.at < at || s.seen.at == at && s.left() >= sample.left()
                });
                if samples.is_empty() {
                    samples.reserve_exact(1);
                }
                samples.insert(after, sample);
                news = true;
                let old = self.now - TimeDelta::days(1);
                let keep = samples.len().saturating_sub(most);
                let gone = samples.partition_point(|s| s.seen.at < old);
                samples.drain(..keep.max(gone).min(samples.len() - 1));
            }
            if news {
                self.changes.push(Change::Quota(record(&entry)));
                self.mark(Subject::Pool(key));
            }
        }
    }
}

impl Sample {
    /// As the forecast takes it.
    pub(crate) fn point(&self) -> Option<Point> {
        Point::of(self.seen.at, &self.window)
    }

    /// Who reported it, in order of name.
    pub(crate) fn reporters(&self) -> BTreeSet<&AgentRef> {
        self.also.iter().chain([&self.seen.agent]).collect()
    }

    /// Units left; without any number nothing is known to be gone.
    pub(crate) fn left(&self) -> f64 {
        left(&self.window)
    }

    /// Nothing is left, or the provider says so.
    pub(crate) fn exhausted(&self) -> bool {
        self.refused && has_numbers(&self.window) || spent(&self.window, self.left())
    }
}

fn spent(window: &QuotaWindow, left: f64) -> bool {
    let rejected = window.status.as_deref() == Some("rejected");
    let full = window.used_percent.is_some_and(|p| p >= 100.0);
    rejected || full || left <= 0.0
}

fn left(window: &QuotaWindow) -> f64 {
    let told = window.remaining;
    told.or_else(|| Some(Point::of(Time::UNIX_EPOCH, window)?.left))
        .unwrap_or(f64::INFINITY)
}

/// Did the provider answer 429?
fn refused(quota: &Quota) -> bool {
    let status = ["status", ":status", "http-status", "x-http-status"];
    let mut headers = quota.headers.iter();
    let mut windows = quota.windows.iter();
    headers.any(|(name, value)| status.contains(&name.as_str()) && value.starts_with("429"))
        || windows.any(|window| window.status.as_deref() == Some("429"))
}

fn has_numbers(window: &QuotaWindow) -> bool {
    let numbers = [
        window.limit,
        window.remaining,
        window.used,
        window.used_percent,
    ];
    numbers.iter().any(Option::is_some)
}

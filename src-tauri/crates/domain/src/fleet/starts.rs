//! When agents begin to use a pool each day, and when it ran out: what makes a schedule known that nobody wrote down.
//!
//! Times of day are in the offset of the timestamps the agents send.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, FixedOffset, NaiveDate, TimeDelta, Timelike, Weekday};

use super::world::{PoolState, Sample, World};
use crate::{finding::Evidence, ids::AgentRef, snapshot::saved, time::Time};

/// Days kept.
const DAYS: usize = 14;
/// Latest samples looked at; earlier ones were when they were the latest.
const LATEST: usize = 64;
/// "The same ten minutes".
const TOGETHER: u32 = 600;
/// A pool that ran out within that of a start ran out at that time.
const AFTER: u32 = 3600;

/// Second of a day, and what shows it.
type Moment = (u32, Evidence);

/// What is known of the days of one pool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Daily {
    offset: Option<FixedOffset>,
    first_use: BTreeMap<AgentRef, BTreeMap<NaiveDate, Moment>>,
    ran_out: BTreeSet<(NaiveDate, Moment)>,
}
saved! { Daily { offset, first_use, ran_out } }

/// Agents that will begin together, on a pool that ran out when they did.
#[derive(Clone, Debug)]
pub(crate) struct Rush {
    pub(crate) at: Time,
    pub(crate) agents: [AgentRef; 2],
    pub(crate) evidence: BTreeSet<Evidence>,
}

impl World {
    /// Notes first uses and times without anything left, once all samples of a moment are in.
    pub(crate) fn note_starts(&mut self, key: &str) {
        let Some(pool) = self.pools.get_mut(key) else {
            return;
        };
        let agents = &self.agents;
        let works = |agent| agents.get(agent).is_none_or(|a| !a.card.limits_only);
        if let Some(offset) = pool.newest.as_ref().and_then(|(seen, _)| offset(&seen.raw)) {
            pool.daily.offset = Some(offset);
        }
        let PoolState { windows, daily, .. } = pool;
        for samples in windows.values() {
            let from = samples.len().saturating_sub(LATEST);
            let earlier = samples.get(from.saturating_sub(LATEST)..from);
            let earlier = earlier.into_iter().flatten();
            // A pool's numbers are of all its agents: each is compared with what it said itself.
            let mut before: BTreeMap<&AgentRef, &Sample> =
                earlier.map(|sample| (&sample.seen.agent, sample)).collect();
            for sample in samples.get(from..).unwrap_or_default() {
                let known = before.insert(&sample.seen.agent, sample);
                if known.is_some() || from == 0 {
                    daily.note(known, sample, works(&sample.seen.agent));
                }
            }
        }
    }
}

impl Daily {
    fn local(&self, at: Time) -> (NaiveDate, u32) {
        let offset = self.offset.map_or(0, |offset| offset.local_minus_utc());
        let local = at + TimeDelta::seconds(i64::from(offset));
        (local.date_naive(), local.num_seconds_from_midnight())
    }

    /// `uses`: it is an agent at work that said so.
    fn note(&mut self, before: Option<&Sample>, sample: &Sample, uses: bool) {
        let (day, second) = self.local(sample.seen.at);
        let moment = (second, sample.seen.evidence.clone());
        if sample.exhausted() {
            self.ran_out.insert((day, moment.clone()));
            while self.ran_out.len() > DAYS * LATEST {
                self.ran_out.pop_first();
            }
        }
        let used = |sample: &Sample| sample.point().map(|point| point.used);
        let Some(now) = used(sample).filter(|now| uses && *now > 0.0) else {
            return;
        };
        // The same number as before is no use; a smaller one belongs to a new window.
        if before.and_then(used) == Some(now) {
            return;
        }
        let days = self.first_use.entry(sample.seen.agent.clone()).or_default();
        let first = days.entry(day).or_insert_with(|| moment.clone());
        if moment < *first {
            *first = moment;
        }
        while days.len() > DAYS {
            days.pop_first();
        }
    }

    /// The next times two agents begin together, if the pool ran out at that time before.
    pub(crate) fn rushes(&self, now: Time) -> Vec<Rush> {
        let agents: Vec<_> = self.first_use.keys().collect();
        let mut found = vec![];
        for (index, two) in agents.iter().enumerate() {
            for one in agents.iter().take(index) {
                found.extend(self.rush(one, two, now));
            }
        }
        found
    }

    fn rush(&self, one: &AgentRef, two: &AgentRef, now: Time) -> Option<Rush> {
        let (today, _) = self.local(now);
        (0..7).find_map(|ahead| {
            let day = today.checked_add_days(Days::new(ahead))?;
            let (first, shown) = self.habit(one, day)?;
            let (second, also) = self.habit(two, day)?;
            if first.abs_diff(second) > TOGETHER {
                return None;
            }
            let start = first.min(second);
            let offset = self.offset.map_or(0, |offset| offset.local_minus_utc());
            let seconds = i64::from(start) - i64::from(offset);
            let at = day.and_hms_opt(0, 0, 0)?.and_utc() + TimeDelta::seconds(seconds);
            if at <= now {
                return None;
            }
            let before = self.ran_out.iter().rev();
            let mut before =
                before.filter(|(d, (s, _))| *d < day && (start..start + AFTER).contains(s));
            let (_, (_, out)) = before.next()?;
            let mut evidence: BTreeSet<_> = shown.into_iter().chain(also).collect();
            evidence.insert(out.clone());
            Some(Rush {
                at,
                agents: [one.clone(), two.clone()],
                evidence,
            })
        })
    }

    /// When an agent begins on a day: it did so on three of the five weekdays, or days, before it.
    fn habit(&self, agent: &AgentRef, day: NaiveDate) -> Option<(u32, Vec<Evidence>)> {
        let days = self.first_use.get(agent)?;
        let weekday = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let before = || (1..10).filter_map(move |ago| day.checked_sub_days(Days::new(ago)));
        let of = |dates: Vec<NaiveDate>| {
            let mut times: Vec<_> = dates.iter().filter_map(|date| days.get(date)).collect();
            times.sort();
            times.windows(3).find_map(|few| match few {
                [a, b, c] if c.0 - a.0 <= TOGETHER => {
                    Some((a.0, vec![a.1.clone(), b.1.clone(), c.1.clone()]))
                }
                _ => None,
            })
        };
        let weekdays = || of(before().filter(weekday).take(5).collect());
        let on_weekdays = weekday(&day).then(weekdays).flatten();
        on_weekdays.or_else(|| of(before().take(5).collect()))
    }
}

/// The offset an agent writes its times in.
fn offset(raw: &str) -> Option<FixedOffset> {
    let sample: serde_json::Value = serde_json::from_str(raw).ok()?;
    let at = sample.get("observedAt")?.as_str()?;
    Some(*chrono::DateTime::parse_from_rfc3339(at).ok()?.offset())
}

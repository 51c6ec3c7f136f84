//! When a pool runs out, if it is used on as it was used lately.
//!
//! The estimate is fixed: the rise since the oldest sample of the last half hour, carried on. The interval around it is
//! what the unevenness of the use leaves open (80 %); it is drawn and printed, and never decides anything.

mod foremost;
mod observed;
pub mod starts;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::Serialize;

pub use self::{
    foremost::{Outlook, foremost, users},
    observed::observed,
};
use crate::{
    change::Change,
    contract::QuotaWindow,
    fact::{Fact, LineError, read_line},
    fleet::Fleet,
    ids::AgentRef,
    time::Time,
};

/// Samples kept of a window.
pub const KEPT: usize = 512;
/// Samples older than that before the newest do not count.
const LOOK_BACK: TimeDelta = TimeDelta::seconds(1800);
/// A rate needs that many samples …
const SAMPLES: usize = 3;
/// … over that long.
const SHORTEST: TimeDelta = TimeDelta::seconds(60);
/// Without a reset to compare with, running out within this matters.
const SOON: TimeDelta = TimeDelta::seconds(3600);
/// Nothing is foretold further than about thirty years.
const FAR: f64 = 1e9;
/// 80 % of a normal distribution lie within so many standard deviations.
const Z80: f64 = 1.2816;

/// One sample of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When the numbers were so.
    pub at: Time,
    /// Units used.
    pub used: f64,
    /// Units left.
    pub left: f64,
    /// When the window starts anew, if that is told.
    pub reset_at: Option<Time>,
}

impl Point {
    /// What the numbers of a window say; per cent of a limit nobody told are units of 100. `None`: too little.
    pub fn of(at: Time, window: &QuotaWindow) -> Option<Self> {
        let limit = window.limit;
        let used = window.used.or_else(|| Some(limit? - window.remaining?));
        let left = window.remaining.or_else(|| Some(limit? - window.used?));
        let (used, left) = match (used, left, window.used_percent) {
            (Some(used), Some(left), _) => (used, left),
            (_, _, Some(percent)) => {
                let limit = limit.unwrap_or(100.0);
                let used = limit * percent / 100.0;
                (used, limit - used)
            }
            _ => return None,
        };
        Some(Self {
            at,
            used,
            left,
            reset_at: window.reset_at,
        })
    }
}

/// What the samples say about the future.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Forecast {
    /// Fewer than three samples, or less than a minute of them.
    TooFew,
    /// No rise.
    Lasts,
    /// Runs out, if it goes on like that.
    RunsOut {
        /// The estimate.
        at: Time,
        /// Hardly earlier than that.
        low: Time,
        /// Hardly later than that.
        high: Time,
    },
}

impl Forecast {
    /// When it runs out.
    pub fn at(&self) -> Option<Time> {
        match self {
            Self::RunsOut { at, .. } => Some(*at),
            Self::TooFew | Self::Lasts => None,
        }
    }

    /// Is that early enough to be told: well before the window starts anew, or soon if nobody knows when it does?
    pub fn presses(&self, newest: &Point) -> bool {
        let Some(at) = self.at() else {
            return false;
        };
        match newest.reset_at {
            Some(reset) => at < reset - (reset - newest.at) / 10,
            None => at - newest.at <= SOON,
        }
    }
}

/// The samples of the window the newest of them belongs to, of the last half hour, one for each time. `points` stand in
/// order of time; of several with one time the last counts.
pub fn same_window(points: &[Point]) -> Vec<Point> {
    window_within(points, LOOK_BACK)
}

fn window_within(points: &[Point], look_back: TimeDelta) -> Vec<Point> {
    let Some(newest) = points.last() else {
        return vec![];
    };
    let mut kept: Vec<Point> = vec![];
    for point in points.iter().rev() {
        if newest.at - point.at > look_back {
            break;
        }
        if point.reset_at.is_some_and(|reset| reset <= newest.at) && point.at < newest.at {
            break;
        }
        if let Some(later) = kept.last() {
            if later.at == point.at {
                continue;
            }
            // Less used than before: it started anew, unless both say that it is one window.
            let one = point.reset_at.is_some() && point.reset_at == later.reset_at;
            if later.used < point.used && !one {
                break;
            }
        }
        kept.push(*point);
    }
    kept.reverse();
    kept
}

/// The forecast from samples in order of time.
pub fn forecast(points: &[Point]) -> Forecast {
    let window = same_window(points);
    let (Some(oldest), Some(newest)) = (window.first(), window.last()) else {
        return Forecast::TooFew;
    };
    let Some(rate) = rate(&window) else {
        return Forecast::TooFew;
    };
    let rise = newest.used - oldest.used;
    if !rate.is_finite() || rate <= 0.0 {
        return Forecast::Lasts;
    }
    let left = newest.left.max(0.0);
    let ahead = (left / rate).min(FAR);
    let open = Z80 * unevenness(&window, rate, left, rise);
    let after = |seconds: f64| {
        let millis = seconds.clamp(0.0, FAR) * 1000.0;
        newest.at + TimeDelta::milliseconds(millis as i64)
    };
    Forecast::RunsOut {
        at: after(ahead),
        low: after(ahead / open.exp()),
        high: after(ahead * open.exp()),
    }
}

/// Units a second over one window; `None`: too few samples.
fn rate(window: &[Point]) -> Option<f64> {
    let (oldest, newest) = (window.first()?, window.last()?);
    if window.len() < SAMPLES || newest.at - oldest.at < SHORTEST {
        return None;
    }
    Some((newest.used - oldest.used) / seconds(newest.at - oldest.at))
}

/// Relative error to expect: of the rate seen, and of the use to come, if both are as uneven as the samples.
fn unevenness(window: &[Point], rate: f64, left: f64, rise: f64) -> f64 {
    let steps = window.windows(2).filter_map(|pair| match pair {
        [a, b] => Some((b.used - a.used, seconds(b.at - a.at))),
        _ => None,
    });
    let (mut sum, mut count) = (0.0, 0_u32);
    for (rise, time) in steps.filter(|(_, time)| *time > 0.0) {
        sum += (rise - rate * time).powi(2) / time;
        count += 1;
    }
    if count < 2 {
        return 0.0;
    }
    let per_unit = sum / f64::from(count - 1) / rate;
    let of_rate = per_unit / rise;
    let to_come = if left > 0.0 { per_unit / left } else { 0.0 };
    (of_rate + to_come).sqrt().min(3.0)
}

fn seconds(time: TimeDelta) -> f64 {
    time.num_milliseconds() as f64 / 1000.0
}

/// One line of `missionctl forecast`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SampleForecast {
    /// When the sample was so.
    pub at: Time,
    /// `provider/account/scope`.
    pub pool: String,
    /// Name of the window.
    pub window: String,
    /// `null`: it lasts, or nothing can be said.
    pub exhausts_at: Option<Time>,
    /// The 80 % interval around it.
    pub low: Option<Time>,
    /// See `low`.
    pub high: Option<Time>,
    /// `rate`, `lasts`, `too-few` samples, or `unknown` numbers.
    pub method: &'static str,
    /// What each agent's samples added, as a share of all that was added.
    pub shares: BTreeMap<String, f64>,
}

/// Forecasts for every sample in the lines of a replay file, in the order in which they are told.
pub fn of_replay<S: AsRef<str>>(
    lines: impl IntoIterator<Item = S>,
) -> Result<Vec<SampleForecast>, LineError> {
    let mut fleet = Fleet::new(Default::default());
    let mut out = vec![];
    for (index, text) in lines.into_iter().enumerate() {
        let Some(line) = read_line(index as u64 + 1, text.as_ref())? else {
            continue;
        };
        if !matches!(line.fact, Fact::Status { .. }) {
            continue;
        }
        for change in fleet.take(&line) {
            let Change::Quota(record) = change else {
                continue;
            };
            let pool = record.value.pool.key();
            for window in &record.value.windows {
                out.extend(fleet.sampled(&pool, &window.name, record.at));
            }
        }
    }
    Ok(out)
}

impl SampleForecast {
    /// `points`: who reported what, in order of time, up to the sample; `None` where the numbers say too little.
    pub(crate) fn new(
        pool: &str,
        window: &str,
        at: Time,
        points: &[(AgentRef, Option<Point>)],
    ) -> Self {
        let numbers: Vec<_> = points.iter().filter_map(|(_, point)| *point).collect();
        let known = points.last().is_some_and(|(_, point)| point.is_some());
        let forecast = forecast(&numbers);
        let (low, high) = match forecast {
            Forecast::RunsOut { low, high, .. } if known => (Some(low), Some(high)),
            _ => (None, None),
        };
        Self {
            at,
            pool: pool.to_owned(),
            window: window.to_owned(),
            exhausts_at: forecast.at().filter(|_| known),
            low,
            high,
            method: match forecast {
                _ if !known => "unknown",
                Forecast::TooFew => "too-few",
                Forecast::Lasts => "lasts",
                Forecast::RunsOut { .. } => "rate",
            },
            shares: shares(points)
                .into_iter()
                .map(|(agent, share)| (agent.agent.to_string(), share))
                .collect(),
        }
    }
}

/// Who reports a rise is taken to have made it: numbers come with the answers to an agent's own calls. Those who report
/// the same at the same time made it together. Shares of what was added in the window; empty while nothing was.
pub fn shares(points: &[(AgentRef, Option<Point>)]) -> BTreeMap<AgentRef, f64> {
    let numbers: Vec<_> = points.iter().filter_map(|(_, point)| *point).collect();
    let window = same_window(&numbers);
    let Some(first) = window.first().map(|point| point.at) else {
        return BTreeMap::new();
    };
    let added = rises(points, first, None);
    let all: f64 = added.values().sum();
    if all <= 0.0 {
        return BTreeMap::new();
    }
    added
        .into_iter()
        .map(|(agent, rise)| (agent, rise / all))
        .collect()
}

/// What each agent's samples added since `first`. `before`: what was used then, if that is known without a sample.
fn rises(
    points: &[(AgentRef, Option<Point>)],
    first: Time,
    mut before: Option<f64>,
) -> BTreeMap<AgentRef, f64> {
    let told = points
        .iter()
        .filter_map(|(who, point)| Some((who, (*point)?)));
    let told: Vec<_> = told.filter(|(_, point)| point.at >= first).collect();
    let mut added: BTreeMap<AgentRef, f64> = BTreeMap::new();
    for together in told.chunk_by(|one, two| one.1 == two.1) {
        let Some((_, point)) = together.first() else {
            continue;
        };
        let rise = before.map_or(0.0, |before| point.used - before).max(0.0);
        for (agent, _) in together {
            *added.entry((*agent).clone()).or_default() += rise / together.len() as f64;
        }
        before = Some(before.map_or(point.used, |before| before.max(point.used)));
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    /// `points`: seconds and used of 200. Expects seconds until it runs out, and whether that presses.
    #[track_caller]
    fn check(reset: Option<i64>, points: &[(i64, f64)], expected: Option<i64>, presses: bool) {
        let points: Vec<_> = points
            .iter()
            .map(|(s, used)| Point {
                at: at(*s),
                used: *used,
                left: 200.0 - used,
                reset_at: reset.map(at),
            })
            .collect();
        let forecast = forecast(&points);
        assert_eq!(forecast.at(), expected.map(at));
        assert_eq!(forecast.presses(points.last().unwrap()), presses);
        if let Forecast::RunsOut { at, low, high } = forecast {
            assert!(low <= at && at <= high);
        }
    }

    #[test]
    fn use_is_carried_on_at_the_rate_of_the_last_half_hour() {
        let steady = [(0, 20.0), (60, 40.0), (120, 60.0)];
        check(Some(3600), &steady, Some(540), true);
        check(None, &steady, Some(540), true);
        check(
            None,
            &[(0, 0.0), (3000, 100.0), (3100, 100.0), (3200, 110.0)],
            Some(3200 + 1800),
            true,
        );
    }

    #[test]
    fn two_samples_or_less_than_a_minute_say_nothing() {
        check(None, &[(0, 0.0), (120, 100.0)], None, false);
        check(None, &[(0, 0.0), (30, 50.0), (59, 100.0)], None, false);
        check(None, &[(0, 0.0), (0, 50.0), (60, 100.0)], None, false);
        check(None, &[(0, 0.0), (30, 50.0), (60, 100.0)], Some(120), true);
    }

    #[test]
    fn no_rise_lasts() {
        check(None, &[(0, 50.0), (60, 50.0), (120, 50.0)], None, false);
        check(
            Some(900),
            &[(0, 50.0), (60, 55.0), (120, 40.0)],
            None,
            false,
        );
    }

    #[test]
    fn running_out_shortly_before_the_reset_does_not_press() {
        let steady = [(0, 20.0), (60, 40.0), (120, 60.0)];
        // 480 s are left until 600, and it runs out at 540: more than nine tenths of them.
        check(Some(586), &steady, Some(540), false);
        check(Some(587), &steady, Some(540), true);
        check(Some(500), &steady, Some(540), false);
    }

    #[test]
    fn a_window_that_started_anew_is_another_window() {
        let anew = [
            (0, 180.0),
            (60, 190.0),
            (120, 10.0),
            (180, 20.0),
            (240, 30.0),
        ];
        check(None, &anew, Some(240 + 1020), true);
        let mut points: Vec<_> = anew
            .iter()
            .map(|(s, used)| Point {
                at: at(*s),
                used: *used,
                left: 200.0 - used,
                reset_at: Some(at(if *s < 100 { 100 } else { 10_000 })),
            })
            .collect();
        assert_eq!(forecast(&points).at(), Some(at(240 + 1020)));
        points.truncate(4);
        assert_eq!(forecast(&points), Forecast::TooFew);
    }

    #[test]
    fn even_use_leaves_nothing_open_and_uneven_use_much() {
        let point = |s: i64, used: f64| Point {
            at: at(s),
            used,
            left: 200.0 - used,
            reset_at: None,
        };
        let even = [point(0, 0.0), point(60, 20.0), point(120, 40.0)];
        let Forecast::RunsOut { at, low, high } = forecast(&even) else {
            panic!("it runs out");
        };
        assert_eq!((low, high), (at, at));
        let uneven = [point(0, 0.0), point(60, 38.0), point(120, 40.0)];
        let Forecast::RunsOut { at, low, high } = forecast(&uneven) else {
            panic!("it runs out");
        };
        assert!(low < at && at < high);
    }
}

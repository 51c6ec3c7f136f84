//! What will start before a window begins anew, and what that used up the times before.
//!
//! Shown beside the forecast and never in its place: a rule fires by the fixed estimate alone.

use chrono::TimeDelta;

use super::{FAR, Point, rate, same_window, seconds};
use crate::{ids::AgentRef, time::Time};

/// What is used so long after a start is taken to be its doing.
const AFTER: TimeDelta = TimeDelta::seconds(1800);
/// Once is chance.
const TIMES: usize = 2;

/// Units an agent's starts used up before: the middle of what its own samples added after each. `points` and `starts`
/// stand in order of time. `None`: too few starts lie within the samples.
pub fn used_by_start(
    points: &[(AgentRef, Point)],
    agent: &AgentRef,
    starts: &[Time],
) -> Option<f64> {
    let (first, last) = (points.first()?.1.at, points.last()?.1.at);
    let mut uses = vec![];
    for (place, start) in starts.iter().enumerate() {
        let next = starts.get(place + 1).copied();
        let end = next.map_or(*start + AFTER, |next| next.min(*start + AFTER));
        // Without a sample before it and one after it nothing is known of it.
        if *start < first || last < end.min(*start + AFTER) {
            continue;
        }
        uses.push(added(points, agent, *start, end));
    }
    if uses.len() < TIMES {
        return None;
    }
    uses.sort_by(f64::total_cmp);
    uses.get(uses.len() / 2).copied()
}

/// What an agent's samples added from one time to another.
pub fn added(points: &[(AgentRef, Point)], agent: &AgentRef, from: Time, to: Time) -> f64 {
    let mut sum = 0.0;
    for pair in points.windows(2) {
        let [(_, before), (by, point)] = pair else {
            continue;
        };
        // Less than before is another window.
        if by == agent && point.at > from && point.at <= to && point.used > before.used {
            sum += point.used - before.used;
        }
    }
    sum
}

/// When it runs out at the present rate and with what will start on top of it: times and units, in order of time.
/// `None`: it lasts until it begins anew, or nothing can be said.
pub fn with_starts(points: &[Point], coming: &[(Time, f64)]) -> Option<Time> {
    let newest = points.last()?;
    let rate = rate(&same_window(points)).unwrap_or(0.0).max(0.0);
    let mut at = newest.at;
    let mut left = newest.left.max(0.0);
    let runs_out = |at: Time, left: f64| {
        let ahead = left / rate;
        (ahead < FAR).then(|| at + TimeDelta::milliseconds((ahead * 1000.0) as i64))
    };
    let in_window = |at: &Time| newest.reset_at.is_none_or(|reset| *at < reset);
    for (start, units) in coming {
        if *start < at || !in_window(start) {
            continue;
        }
        if let Some(out) = runs_out(at, left).filter(|out| out <= start) {
            return Some(out).filter(in_window);
        }
        left -= rate * seconds(*start - at);
        at = *start;
        if *units >= left {
            return Some(at);
        }
        left -= units.max(0.0);
    }
    runs_out(at, left).filter(in_window)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn agent(name: &str) -> AgentRef {
        AgentRef {
            endpoint: "e".into(),
            agent: name.into(),
        }
    }

    fn point(seconds: i64, used: f64, reset: Option<i64>) -> Point {
        Point {
            at: at(seconds),
            used,
            left: 200.0 - used,
            reset_at: reset.map(at),
        }
    }

    #[test]
    fn a_start_is_charged_with_what_its_agent_added_in_the_half_hour_after_it() {
        let told = [
            (0, "a", 0.0),
            (1000, "b", 10.0),
            (1100, "a", 30.0),
            (2000, "a", 32.0),
            (3700, "a", 33.0),
            (11_100, "a", 53.0),
            (13_000, "b", 60.0),
        ];
        let points: Vec<_> = told
            .iter()
            .map(|(s, who, used)| (agent(who), point(*s, *used, None)))
            .collect();
        let used = |who: &str, starts: &[i64]| {
            let starts: Vec<_> = starts.iter().map(|s| at(*s)).collect();
            used_by_start(&points, &agent(who), &starts)
        };
        assert_eq!(used("a", &[1000, 11_000]), Some(22.0));
        assert_eq!(used("b", &[500, 4_000, 8_000]), Some(0.0));
        assert_eq!(used("a", &[1000]), None, "once is chance");
        assert_eq!(used("a", &[1000, 12_000]), None, "its end is not seen yet");
        assert_eq!(used("a", &[-10, 1000]), None, "its begin was not seen");
    }

    #[test]
    fn what_starts_makes_it_run_out_earlier_and_only_within_the_window() {
        let steady = [(0, 20.0), (60, 40.0), (120, 60.0)];
        let points: Vec<_> = steady
            .iter()
            .map(|(s, used)| point(*s, *used, Some(400)))
            .collect();
        let check = |coming: &[(i64, f64)], out: Option<i64>| {
            let coming: Vec<_> = coming.iter().map(|(s, units)| (at(*s), *units)).collect();
            assert_eq!(with_starts(&points, &coming), out.map(at), "{coming:?}");
        };
        // Alone it runs out at 540, after the window.
        check(&[], None);
        check(&[(300, 60.0)], Some(360));
        check(&[(300, 80.0)], Some(300));
        check(&[(300, 20.0)], None);
        check(&[(500, 500.0)], None);
        check(&[(60, 500.0)], None);
        let even: Vec<_> = [0, 60, 120].map(|s| point(s, 50.0, None)).into();
        assert_eq!(with_starts(&even, &[]), None);
        assert_eq!(with_starts(&even, &[(at(900), 150.0)]), Some(at(900)));
        assert_eq!(with_starts(&[], &[(at(900), 150.0)]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn another_start_never_makes_it_last_longer(
            rises in proptest::collection::vec(0.0..30.0_f64, 0..8),
            starts in proptest::collection::vec((0_i64..5_000, 0.0..80.0_f64), 0..6),
            more in (0_i64..5_000, 0.0..80.0_f64),
            reset in proptest::option::of(0_i64..6_000),
        ) {
            let mut used = 0.0;
            let points: Vec<_> = rises
                .iter()
                .enumerate()
                .map(|(n, rise)| {
                    used += rise;
                    point(i64::try_from(n).unwrap() * 60, used, reset)
                })
                .collect();
            let sorted = |starts: &[(i64, f64)]| {
                let mut coming: Vec<_> = starts.iter().map(|(s, units)| (at(*s), *units)).collect();
                coming.sort_by_key(|(at, _)| *at);
                coming
            };
            let without = with_starts(&points, &sorted(&starts));
            let mut all = starts.clone();
            all.push(more);
            let with = with_starts(&points, &sorted(&all));
            if let Some(without) = without {
                // A millisecond for rounding.
                let late = with.map(|with| with - without);
                prop_assert!(late.is_some_and(|late| late <= TimeDelta::milliseconds(1)), "{without} {with:?}");
            }
        }
    }
}

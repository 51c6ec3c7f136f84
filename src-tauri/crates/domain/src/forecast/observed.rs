//! Who is seen to have used a window since it began. What was used before the first sample came, nobody was seen to use.
//!
//! The shares of a finding are of the last half hour instead: they say who drives the forecast.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Point, rises, window_within};
use crate::{ids::AgentRef, time::Time};

/// With a longer gap over its beginning, nobody saw a window begin.
const GAP: TimeDelta = TimeDelta::seconds(600);

/// Units of the present window that each agent is seen to have added, never more than are used. `told`: who reported what,
/// in order of time; `length` of the window, if that is told.
pub fn observed(
    told: &[(AgentRef, Option<Point>)],
    length: Option<TimeDelta>,
) -> BTreeMap<AgentRef, f64> {
    let numbers: Vec<_> = told.iter().filter_map(|(_, point)| *point).collect();
    let window = window_within(&numbers, length.unwrap_or(TimeDelta::MAX));
    let (Some(first), Some(newest)) = (window.first(), window.last()) else {
        return BTreeMap::new();
    };
    let mut added = rises(told, first.at, began(&numbers, first.at));
    added.retain(|_, units| *units > 0.0);
    let all: f64 = added.values().sum();
    let used = newest.used.max(0.0);
    if all > used {
        for units in added.values_mut() {
            *units *= used / all;
        }
    }
    added
}

/// Nothing was used when the window began, if it was seen to begin: just before, its numbers were those of one that was
/// about to end. A mere fall is none, since use of a rolling window falls all the time.
fn began(numbers: &[Point], first: Time) -> Option<f64> {
    let before = numbers.iter().rev().find(|point| point.at < first)?;
    let ended = before.reset_at.is_some_and(|reset| reset <= first);
    (ended && first - before.at <= GAP).then_some(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `told`: agent, seconds, used of 200, seconds of the reset.
    #[track_caller]
    fn check(
        length: Option<i64>,
        told: &[(&str, i64, f64, Option<i64>)],
        expected: &[(&str, f64)],
    ) {
        let at = |seconds: i64| Time::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let told: Vec<_> = told
            .iter()
            .map(|(agent, seconds, used, reset)| {
                let who = AgentRef {
                    endpoint: "e".into(),
                    agent: (*agent).into(),
                };
                let point = Point {
                    at: at(*seconds),
                    used: *used,
                    left: 200.0 - used,
                    reset_at: reset.map(at),
                };
                (who, Some(point))
            })
            .collect();
        let found = observed(&told, length.map(TimeDelta::seconds));
        let found: Vec<_> = found
            .iter()
            .map(|(who, units)| (who.agent.as_str(), (units * 1000.0).round() / 1000.0))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_was_used_before_the_first_sample_is_nobodys() {
        check(None, &[], &[]);
        check(None, &[("a", 0, 60.0, None)], &[]);
        check(
            None,
            &[("a", 0, 60.0, None), ("b", 60, 80.0, None)],
            &[("b", 20.0)],
        );
    }

    #[test]
    fn the_whole_time_of_the_window_counts_and_not_the_last_half_hour() {
        let told = [
            ("a", 0, 0.0, Some(18_000)),
            ("a", 60, 50.0, Some(18_000)),
            ("b", 9000, 70.0, Some(18_000)),
        ];
        check(Some(18_000), &told, &[("a", 50.0), ("b", 20.0)]);
        // Of a rolling window, what is older than it is long is over.
        check(Some(8970), &told, &[("b", 20.0)]);
    }

    #[test]
    fn a_window_that_was_seen_to_begin_began_with_nothing() {
        let begins = |gap: i64| {
            [
                ("a", 0, 150.0, Some(100)),
                ("b", 100 + gap, 12.0, Some(1100)),
                ("a", 110 + gap, 20.0, Some(1100)),
            ]
        };
        check(None, &begins(200), &[("a", 8.0), ("b", 12.0)]);
        check(None, &begins(600), &[("a", 8.0)]);
        // It may be rolling on.
        let falls = [("a", 0, 150.0, None), ("b", 60, 148.0, None)];
        check(None, &falls, &[]);
    }

    #[test]
    fn those_who_report_alike_share_and_all_together_are_no_more_than_is_used() {
        let alike = [
            ("a", 0, 0.0, Some(900)),
            ("a", 60, 30.0, Some(900)),
            ("b", 60, 30.0, Some(900)),
        ];
        check(None, &alike, &[("a", 15.0), ("b", 15.0)]);
        let corrected = [
            ("a", 0, 0.0, Some(900)),
            ("a", 60, 40.0, Some(900)),
            ("b", 90, 20.0, Some(900)),
        ];
        check(None, &corrected, &[("a", 20.0)]);
    }
}

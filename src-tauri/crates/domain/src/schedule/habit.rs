//! Starts that nobody told of and that come at even intervals, or at one time of day.
//!
//! Seen, never promised: a habit says how often it was seen, and that it is late when it is. Days are those of UTC; a
//! clock that is put forward breaks a daily habit for as long as it takes to see it anew.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Timelike, Weekday};

use super::TOGETHER;
use crate::time::Time;

/// Latest starts looked at.
pub const LATEST: usize = 64;
/// Starts closer than that are one.
const ONE: TimeDelta = TimeDelta::seconds(30);
/// An interval shows in so many starts at least …
const STARTS: usize = 5;
/// … and is no longer than that; what is longer keeps to times of day.
const LONGEST: i64 = 12 * 3600;
/// A time of day shows on so many …
const OFTEN: usize = 3;
/// … of the last days, or weekdays.
const OF_DAYS: usize = 5;

/// How it recurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// About every so many seconds.
    Every(i64),
    /// At about that second of the day: each day, or each weekday.
    Daily {
        /// In UTC.
        second: u32,
        /// Not on Saturdays and Sundays.
        weekdays: bool,
    },
}

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    /// How.
    pub pace: Pace,
    /// How many starts show it.
    pub seen: usize,
    /// The last of them.
    pub last: Time,
    /// When the next one is expected; `None` once that is past.
    pub next: Option<Time>,
    /// It was expected then and did not come.
    pub late_since: Option<Time>,
}

/// The habit that starts show, in whatever order they stand. Starts after `now` do not count.
pub fn habit(starts: &[Time], now: Time) -> Option<Habit> {
    let known: BTreeSet<Time> = starts.iter().copied().filter(|at| *at <= now).collect();
    let mut starts: Vec<Time> = vec![];
    for at in known {
        if starts.last().is_none_or(|last| at - *last >= ONE) {
            starts.push(at);
        }
    }
    let latest = starts.len().saturating_sub(LATEST);
    let starts = starts.get(latest..)?;
    interval(starts, now).or_else(|| daily(starts, now))
}

fn interval(starts: &[Time], now: Time) -> Option<Habit> {
    // The longest run up to now that is even: what came before may have been otherwise.
    let last = *starts.last()?;
    let mut gaps: Vec<i64> = starts
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] => Some((*b - *a).num_seconds()),
            _ => None,
        })
        .collect();
    gaps.reverse();
    let middle = median(gaps.get(..STARTS - 1)?)?;
    let even = |gap: &&i64| (**gap - middle).abs() * 5 <= middle;
    let run = gaps.iter().take_while(even).count();
    if run + 1 < STARTS || middle > LONGEST {
        return None;
    }
    let every = median(gaps.get(..run)?)?;
    let next = last + TimeDelta::seconds(every);
    Some(Habit {
        pace: Pace::Every(every),
        seen: run + 1,
        last,
        next: (next > now).then_some(next),
        late_since: (next + TimeDelta::seconds(every / 5) <= now).then_some(next),
    })
}

fn median(numbers: &[i64]) -> Option<i64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

fn daily(starts: &[Time], now: Time) -> Option<Habit> {
    let today = now.date_naive();
    let days = |weekdays: bool| -> BTreeSet<NaiveDate> {
        (1..=9)
            .filter_map(|ago| today.checked_sub_days(Days::new(ago)))
            .filter(|day| !weekdays || of_week(*day))
            .take(OF_DAYS)
            .collect()
    };
    let (all, week) = (days(false), days(true));
    // Of two habits the one seen more often counts; on weekdays only, if nothing shows at weekends.
    let each = best(starts, &all);
    let weekly = best(starts, &week);
    let (begin, on, weekdays) = match (each, weekly) {
        (Some(each), Some(weekly)) if each.1.len() >= weekly.1.len() => (each.0, each.1, false),
        (_, Some(weekly)) => (weekly.0, weekly.1, true),
        (Some(each), None) => (each.0, each.1, false),
        (None, None) => return None,
    };
    let begins = |at: &Time| {
        let second = at.num_seconds_from_midnight();
        (begin..=begin.saturating_add(together())).contains(&second)
    };
    let mine: Vec<Time> = starts.iter().copied().filter(begins).collect();
    let last = *mine.last()?;
    let mut seconds: Vec<i64> = mine
        .iter()
        .filter(|at| on.contains(&at.date_naive()))
        .map(|at| i64::from(at.num_seconds_from_midnight()))
        .collect();
    seconds.sort_unstable();
    let second = u32::try_from(median(&seconds)?).ok()?;
    let at = |day: NaiveDate| {
        Some(day.and_hms_opt(0, 0, 0)?.and_utc() + TimeDelta::seconds(i64::from(second)))
    };
    let fits = |day: &NaiveDate| !weekdays || of_week(*day);
    let started = last.date_naive() == today;
    let next = (0..7)
        .filter(|ahead| *ahead > 0 || !started)
        .filter_map(|ahead| today.checked_add_days(Days::new(ahead)))
        .filter(fits)
        .filter_map(at)
        .find(|at| *at > now);
    let missed = at(today).filter(|at| fits(&today) && !started && now - *at > TOGETHER);
    Some(Habit {
        pace: Pace::Daily { second, weekdays },
        seen: on.len() + usize::from(started),
        last,
        next,
        late_since: missed,
    })
}

/// The ten minutes of a day in which it began on most of these days: their first second, and the days.
fn best(starts: &[Time], days: &BTreeSet<NaiveDate>) -> Option<(u32, BTreeSet<NaiveDate>)> {
    let mut found: Option<(u32, BTreeSet<NaiveDate>)> = None;
    let mine: Vec<(NaiveDate, u32)> = starts
        .iter()
        .map(|at| (at.date_naive(), at.num_seconds_from_midnight()))
        .filter(|(day, _)| days.contains(day))
        .collect();
    for (_, begin) in &mine {
        let near = mine
            .iter()
            .filter(|(_, second)| (*begin..=begin.saturating_add(together())).contains(second));
        let on: BTreeSet<_> = near.map(|(day, _)| *day).collect();
        let better = match &found {
            Some((first, most)) => (on.len(), *first) > (most.len(), *begin),
            None => on.len() >= OFTEN,
        };
        if better {
            found = Some((*begin, on));
        }
    }
    found
}

fn together() -> u32 {
    u32::try_from(TOGETHER.num_seconds()).unwrap_or(u32::MAX)
}

fn of_week(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A Monday, 00:00.
    fn at(seconds: i64) -> Time {
        "2026-11-16T00:00:00Z".parse::<Time>().unwrap() + TimeDelta::seconds(seconds)
    }

    const DAY: i64 = 86_400;

    #[track_caller]
    fn check(starts: &[i64], now: i64, pace: Option<Pace>, seen: usize, next: Option<i64>) {
        let starts: Vec<_> = starts.iter().map(|s| at(*s)).collect();
        let found = habit(&starts, at(now));
        assert_eq!(found.map(|habit| habit.pace), pace);
        assert_eq!(found.map_or(0, |habit| habit.seen), seen);
        assert_eq!(found.and_then(|habit| habit.next), next.map(at));
    }

    #[test]
    fn even_intervals_are_seen_from_the_fifth_start_on() {
        let quarter = [0, 900, 1_810, 2_700, 3_590];
        check(&quarter[..4], 3_000, None, 0, None);
        check(&quarter, 3_600, Some(Pace::Every(900)), 5, Some(4_490));
        // Other gaps before do not matter, another gap after does.
        let after: Vec<_> = [-5_000, -4_900].into_iter().chain(quarter).collect();
        check(&after, 3_600, Some(Pace::Every(900)), 5, Some(4_490));
        let broken: Vec<_> = quarter.into_iter().chain([3_800]).collect();
        check(&broken, 4_000, None, 0, None);
    }

    #[test]
    fn starts_of_one_moment_are_one() {
        let pairs = [0, 2, 900, 905, 1_800, 1_801, 2_700, 2_710, 3_600];
        check(&pairs, 3_700, Some(Pace::Every(900)), 5, Some(4_500));
    }

    #[test]
    fn a_start_that_did_not_come_is_late_and_not_expected_for_ever() {
        let quarter: Vec<_> = (0..5).map(|n| at(n * 900)).collect();
        let late = |now| habit(&quarter, at(now)).unwrap();
        assert_eq!(late(4_499).late_since, None);
        assert_eq!(late(4_600).next, None);
        assert_eq!(late(4_600).late_since, None);
        assert_eq!(late(4_700).late_since, Some(at(4_500)));
    }

    #[test]
    fn a_time_of_day_is_seen_on_three_of_five_days_or_weekdays() {
        let nine = |day: i64, off: i64| day * DAY + 9 * 3600 + off;
        let daily = Pace::Daily {
            second: 32_500,
            weekdays: false,
        };
        let days = [nine(0, 0), nine(1, 100), nine(2, 300)];
        // It is Thursday, before and after nine.
        check(&days, nine(3, -600), Some(daily), 3, Some(nine(3, 100)));
        check(&days, nine(3, 3_600), Some(daily), 3, Some(nine(4, 100)));
        check(&days[..2], nine(2, 3_600), None, 0, None);
        // Mondays to Fridays: on the Monday after, five weekdays beat three of the last five days.
        let week: Vec<_> = (0..5).map(|day| nine(day, 100)).collect();
        let weekly = Pace::Daily {
            second: 32_500,
            weekdays: true,
        };
        check(&week, nine(7, -600), Some(weekly), 5, Some(nine(7, 100)));
        check(&week, nine(5, -600), Some(daily), 5, Some(nine(5, 100)));
    }

    #[test]
    fn a_day_without_its_start_is_late_after_ten_minutes() {
        let days: Vec<_> = (0..3).map(|day| at(day * DAY + 32_400)).collect();
        let late = |seconds| habit(&days, at(3 * DAY + seconds)).unwrap().late_since;
        assert_eq!(late(32_400 + 600), None);
        assert_eq!(late(32_400 + 601), Some(at(3 * DAY + 32_400)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn an_interval_is_found_whatever_it_is_and_however_uneven_by_a_twentieth(
            every in 600_i64..LONGEST - 2_000,
            uneven in proptest::collection::vec(-20_i64..=20, 5..40),
        ) {
            let begin = -40 * LONGEST;
            let starts: Vec<_> = uneven
                .iter()
                .enumerate()
                .map(|(n, off)| at(begin + i64::try_from(n).unwrap() * every + off))
                .collect();
            let now = *starts.last().unwrap();
            let found = habit(&starts, now).unwrap();
            let Pace::Every(told) = found.pace else {
                panic!("{found:?}");
            };
            prop_assert!((told - every).abs() <= 40);
            prop_assert_eq!(found.seen, starts.len());
            prop_assert_eq!(found.last, now);
        }

        #[test]
        fn order_and_repetition_never_matter_and_the_next_start_lies_ahead(
            mut starts in proptest::collection::vec(-12 * DAY..DAY, 0..80),
            now in 0_i64..DAY,
        ) {
            let told: Vec<_> = starts.iter().map(|s| at(*s)).collect();
            let found = habit(&told, at(now));
            starts.sort_unstable();
            starts.reverse();
            let again: Vec<_> = starts.iter().chain(&starts).map(|s| at(*s)).collect();
            prop_assert_eq!(found, habit(&again, at(now)));
            if let Some(found) = found {
                prop_assert!(found.last <= at(now));
                prop_assert!(found.next.is_none_or(|next| next > at(now)));
                prop_assert!(found.late_since.is_none_or(|since| since <= at(now)));
                prop_assert!(found.seen >= OFTEN);
            }
        }

        #[test]
        fn the_same_starts_a_week_later_show_the_same_habit(
            starts in proptest::collection::vec(-9 * DAY..0, 0..30),
        ) {
            let of = |shift: i64| {
                let starts: Vec<_> = starts.iter().map(|s| at(s + shift)).collect();
                habit(&starts, at(shift)).map(|habit| (habit.pace, habit.seen, habit.next.map(|next| next - at(shift))))
            };
            prop_assert_eq!(of(0), of(7 * DAY));
        }
    }
}

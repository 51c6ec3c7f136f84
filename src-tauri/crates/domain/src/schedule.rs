//! What will start by itself: when a schedule is next, as far as that can be told.
//!
//! A time is said only when it is told or follows from what is told; else the reason why there is none. What nobody told
//! but everybody can see is `schedule/habit.rs`.

pub mod cron;
pub mod habit;

use chrono::TimeDelta;
use chrono_tz::Tz;

use self::cron::Cron;
use crate::{contract::Schedule, time::Time};

/// Starts within that belong together.
pub const TOGETHER: TimeDelta = TimeDelta::seconds(600);

/// Clocks of two computers differ by less.
const SLACK: TimeDelta = TimeDelta::seconds(60);

/// When it starts next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Then.
    At(Time),
    /// It is switched off.
    Off,
    /// It cannot be told.
    Untold(Untold),
}

impl Next {
    /// The time, where there is one.
    pub fn at(self) -> Option<Time> {
        match self {
            Self::At(at) => Some(at),
            Self::Off | Self::Untold(_) => None,
        }
    }
}

/// Why no next time is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untold {
    /// Neither rhythm nor time were given.
    Nothing,
    /// The one time it was meant for is over.
    Over,
    /// It runs at intervals, and no start is known to count from.
    NoStart,
    /// The cron line is not one that can be read.
    Line,
    /// Nobody knows that time zone.
    Zone,
    /// The cron line never comes true.
    Never,
}

/// When a schedule starts next. `last`: a start of it that was seen.
pub fn next(schedule: &Schedule, last: Option<Time>, now: Time) -> Next {
    if !schedule.enabled {
        return Next::Off;
    }
    // What runs the schedule knows best.
    if let Some(at) = schedule.next_at.filter(|at| *at > now) {
        return Next::At(at);
    }
    if let Some(line) = &schedule.cron {
        let Some(cron) = Cron::parse(line) else {
            return Next::Untold(Untold::Line);
        };
        let Some(zone) = zone(schedule) else {
            return Next::Untold(Untold::Zone);
        };
        return cron
            .next(now, zone)
            .map_or(Next::Untold(Untold::Never), Next::At);
    }
    match (schedule.every_seconds, last.max(schedule.next_at)) {
        (Some(every), Some(last)) => {
            on_from(last, every, now).map_or(Next::Untold(Untold::Nothing), Next::At)
        }
        (Some(_), None) => Next::Untold(Untold::NoStart),
        (None, _) if schedule.next_at.is_some() => Next::Untold(Untold::Over),
        (None, _) => Next::Untold(Untold::Nothing),
    }
}

/// Since when a start is missing that should have followed the last one that was seen. `told`: since when the schedule
/// is as it is.
pub fn late(schedule: &Schedule, told: Time, last: Time, now: Time) -> Option<Time> {
    let alone = Schedule {
        next_at: None,
        ..schedule.clone()
    };
    // A start is seen a little before or after its time.
    let due = next(&alone, Some(last), last + SLACK).at()?;
    (due > told && now - due > TOGETHER).then_some(due)
}

/// The zone a cron line is in: UTC where none is named. `None`: there is no such zone.
pub fn zone(schedule: &Schedule) -> Option<Tz> {
    match schedule.timezone.as_deref() {
        None => Some(Tz::UTC),
        Some(name) => name.parse().ok(),
    }
}

/// The first of `last` + n × `every` after `now`.
fn on_from(last: Time, every: u64, now: Time) -> Option<Time> {
    let every = i64::try_from(every).ok().filter(|every| *every > 0)?;
    let over = (now - last).num_seconds().max(0);
    let seconds = (over / every).checked_add(1)?.checked_mul(every)?;
    last.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

/// The first two neighbours of different owners that start together. `starts` stand in order of time.
pub fn together<T: PartialEq>(starts: &[(Time, T)]) -> Option<[&(Time, T); 2]> {
    starts.windows(2).find_map(|pair| match pair {
        [a, b] if a.1 != b.1 && b.0 - a.0 <= TOGETHER => Some([a, b]),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::seconds(1_800_000_000 + seconds)
    }

    fn schedule() -> Schedule {
        Schedule {
            id: "s".to_owned(),
            resource: "trigger:x".into(),
            cron: None,
            timezone: None,
            every_seconds: None,
            next_at: None,
            task_kind: None,
            enabled: true,
        }
    }

    #[test]
    fn a_time_that_is_told_counts_before_one_that_is_computed() {
        let told = Schedule {
            cron: Some("0 0 1 1 *".to_owned()),
            next_at: Some(at(60)),
            ..schedule()
        };
        assert_eq!(next(&told, None, at(0)), Next::At(at(60)));
        let passed = next(&told, None, at(60)).at().unwrap();
        assert!(passed > at(86_400), "then the line says it: {passed}");
    }

    #[test]
    fn without_a_time_the_reason_is_told() {
        let cron = |line: &str, zone: Option<&str>| Schedule {
            cron: Some(line.to_owned()),
            timezone: zone.map(str::to_owned),
            ..schedule()
        };
        let every = Schedule {
            every_seconds: Some(900),
            ..schedule()
        };
        let once = Schedule {
            next_at: Some(at(-1)),
            ..schedule()
        };
        let off = Schedule {
            enabled: false,
            ..every.clone()
        };
        for (schedule, expected) in [
            (schedule(), Next::Untold(Untold::Nothing)),
            (once, Next::Untold(Untold::Over)),
            (every, Next::Untold(Untold::NoStart)),
            (
                cron("0 9 * * 1-5", Some("Mars/Base")),
                Next::Untold(Untold::Zone),
            ),
            (cron("0 0 30 2 *", None), Next::Untold(Untold::Never)),
            (cron("sometimes", None), Next::Untold(Untold::Line)),
            (off, Next::Off),
        ] {
            assert_eq!(next(&schedule, None, at(0)), expected);
        }
    }

    #[test]
    fn a_start_is_missing_ten_minutes_after_it_was_due() {
        let daily = Schedule {
            cron: Some("0 9 * * *".to_owned()),
            next_at: Some(at(0)),
            ..schedule()
        };
        let time = |text: &str| text.parse::<Time>().unwrap();
        let (told, last) = (time("2026-11-01T00:00:00Z"), time("2026-11-20T08:59:58Z"));
        let due = time("2026-11-21T09:00:00Z");
        assert_eq!(late(&daily, told, last, due + TOGETHER), None);
        let now = due + TimeDelta::seconds(601);
        assert_eq!(late(&daily, told, last, now), Some(due));
        // A schedule that was changed since owes nothing of before.
        assert_eq!(late(&daily, due, last, now), None);
        let off = Schedule {
            enabled: false,
            ..daily
        };
        assert_eq!(late(&off, told, last, now), None);
    }

    #[test]
    fn neighbours_of_one_agent_are_no_pair() {
        let starts = [
            (at(0), "a"),
            (at(60), "a"),
            (at(600), "b"),
            (at(9_000), "a"),
        ];
        let pair = together(&starts).map(|[a, b]| (a.0, b.0));
        assert_eq!(pair, Some((at(60), at(600))));
        assert!(together(&starts[..2]).is_none());
        assert!(together(&starts[2..]).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        #[test]
        fn an_interval_is_counted_on_from_the_last_start(
            every in prop_oneof![1_u64..100_000, Just(u64::MAX), Just(0)],
            last in -10_000_000_i64..1_000,
            told in proptest::option::of(-10_000_000_i64..1_000),
        ) {
            let schedule = Schedule { every_seconds: Some(every), next_at: told.map(at), ..schedule() };
            let next = next(&schedule, Some(at(last)), at(0)).at();
            prop_assert!(next.is_none_or(|next| next > at(0)));
            if (1..100_000).contains(&every) {
                let next = next.unwrap();
                let step = i64::try_from(every).unwrap();
                let ahead = told.is_some_and(|told| told > 0);
                prop_assert!(ahead || (next - at(0)).num_seconds() <= step.max(last.max(0) + step));
                if told.is_none() {
                    prop_assert_eq!((next - at(last)).num_seconds() % step, 0);
                }
            }
        }
    }
}

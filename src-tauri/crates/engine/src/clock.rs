//! The engine's time, and the notice that the machine slept.
//!
//! Two times, because a clock can be set. Deadlines go by the wall clock: what it has passed is stored as expired when it
//! is seen, and stays so when the clock is set back. Small steps back, as time services make, are waited out; a larger one
//! is believed at once, so that a clock that was ahead once expires nothing that is asked later. The log goes by times
//! that only increase: behind its last fact it goes on in microseconds until the wall clock is there again.
//!
//! A log whose last fact lies far ahead of the wall clock is told to the person ([`Clock::ahead`]): one of the two is
//! wrong, and which is not known here.
//!
//! Sleep is told by a beat that comes late: while the machine slept (or this process stood still) no beat was made.

use std::{cell::Cell, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use domain::time::Time;

/// Between two beats.
pub const BEAT: Duration = Duration::from_secs(1);
/// A beat that comes later than this was slept through.
const SLEPT: TimeDelta = TimeDelta::seconds(10);
/// So far back the wall clock may step without being set.
const STEP: TimeDelta = TimeDelta::seconds(2);
/// A log that is so far ahead is asked about.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// Gives each fact its time, and deadlines theirs.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    last: Option<Time>,
    /// The largest wall time of this run, until the clock was set back.
    largest: Cell<Option<Time>>,
}

impl Clock {
    /// Goes on after the last fact of the log.
    pub fn after(last: Option<Time>) -> Self {
        Self {
            last,
            largest: Cell::default(),
        }
    }

    /// The time of the next fact, when the wall says `wall`. Strictly increasing, in whole microseconds, as the log keeps it.
    pub fn next(&mut self, wall: Time) -> Time {
        let now = self.now(wall);
        let least = self.last.map(|last| last + TimeDelta::microseconds(1));
        let now = least.map_or(now, |least| now.max(least));
        self.last = Some(now);
        now
    }

    /// The time that deadlines are held to.
    pub fn now(&self, wall: Time) -> Time {
        let wall = DateTime::from_timestamp_micros(wall.timestamp_micros()).unwrap_or(wall);
        let held = self
            .largest
            .get()
            .filter(|largest| *largest > wall && *largest - wall <= STEP);
        let now = held.unwrap_or(wall);
        self.largest.set(Some(now));
        now
    }

    /// The end of the log, when it lies far ahead.
    pub fn ahead(&self, wall: Time) -> Option<Time> {
        self.last.filter(|last| *last - wall > AHEAD)
    }
}

/// The wall time, microseconds.
pub fn wall() -> Time {
    let now = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}

/// Seconds slept between two beats, if they were.
pub fn slept(before: Time, now: Time) -> Option<u64> {
    let gap = now - before;
    (gap >= SLEPT).then(|| gap.num_seconds().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Time {
        DateTime::from_timestamp_micros(1_790_000_000_000_000 + micros).expect("a valid time")
    }

    const SECOND: i64 = 1_000_000;
    const DAY: i64 = 86_400 * SECOND;

    #[test]
    fn every_fact_has_a_later_time_even_when_the_wall_clock_stands_or_goes_back() {
        let mut clock = Clock::after(Some(at(0)));
        let walls = [at(5), at(5), at(-SECOND), at(6), at(40)];
        let times = walls.map(|wall| (clock.next(wall) - at(0)).num_microseconds());
        assert_eq!(times, [5, 6, 7, 8, 40].map(Some));
    }

    #[test]
    fn deadlines_go_by_the_wall_clock_which_steps_back_only_when_it_was_set() {
        // (wall, what deadlines are held to)
        for walls in [
            &[(0, 0), (5, 5), (5 - SECOND, 5), (6, 6)][..],
            &[(2 * DAY, 2 * DAY), (0, 0), (7, 7)],
            &[(0, 0), (2 * DAY, 2 * DAY), (SECOND, SECOND)],
            &[(0, 0), (-3 * SECOND, -3 * SECOND)],
        ] {
            // Wherever the log ends.
            for last in [None, Some(at(-DAY)), Some(at(3 * DAY))] {
                let clock = Clock::after(last);
                for (wall, expected) in walls {
                    assert_eq!(clock.now(at(*wall)), at(*expected), "{walls:?} {last:?}");
                }
            }
        }
    }

    #[test]
    fn a_log_is_ahead_when_it_ends_more_than_ten_minutes_after_the_wall_clock() {
        for (last, expected) in [
            (None, false),
            (Some(0), false),
            (Some(600 * SECOND), false),
            (Some(601 * SECOND), true),
            (Some(2 * DAY), true),
        ] {
            let clock = Clock::after(last.map(at));
            assert_eq!(clock.ahead(at(0)), last.map(at).filter(|_| expected));
        }
    }

    #[test]
    fn a_beat_that_comes_late_was_slept_through() {
        for (gap_seconds, expected) in [
            (1, None),
            (9, None),
            (10, Some(10)),
            (3_601, Some(3_601)),
            (-5, None),
        ] {
            assert_eq!(slept(at(0), at(gap_seconds * 1_000_000)), expected);
        }
    }
}

//! The engine's time: wall time that never goes backwards, and the notice that the machine slept.
//!
//! Sleep is told by a beat that comes late: while the machine slept (or this process stood still) no beat was made.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::time::Time;

/// Between two beats.
pub const BEAT: Duration = Duration::from_secs(1);
/// A beat that comes later than this was slept through.
const SLEPT: TimeDelta = TimeDelta::seconds(10);

/// Gives each fact its time. Strictly increasing, in whole microseconds, as the log keeps it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    last: Option<Time>,
}

impl Clock {
    /// Goes on after the last fact of the log.
    pub fn after(last: Option<Time>) -> Self {
        Self { last }
    }

    /// The time of the next fact, when the wall says `wall`.
    pub fn next(&mut self, wall: Time) -> Time {
        let now = self.now(wall);
        let least = self.last.map(|last| last + TimeDelta::microseconds(1));
        let now = least.map_or(now, |least| now.max(least));
        self.last = Some(now);
        now
    }

    /// The time now, for looking only: never before the last fact.
    pub fn now(&self, wall: Time) -> Time {
        let wall = DateTime::from_timestamp_micros(wall.timestamp_micros()).unwrap_or(wall);
        self.last.map_or(wall, |last| last.max(wall))
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

    #[test]
    fn every_fact_has_a_later_time_even_when_the_wall_clock_stands_or_goes_back() {
        let mut clock = Clock::after(Some(at(0)));
        let walls = [at(5), at(5), at(-1_000_000), at(6), at(40)];
        let times: Vec<i64> = walls
            .map(|wall| {
                (clock.next(wall) - at(0))
                    .num_microseconds()
                    .expect("small")
            })
            .to_vec();
        assert_eq!(times, [5, 6, 7, 8, 40]);
        assert_eq!(clock.now(at(-50)), at(40));
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

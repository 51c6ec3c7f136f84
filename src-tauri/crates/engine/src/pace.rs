//! When an endpoint is asked again: intervals, backoff, what the endpoint wishes, and slots that let one wake-up serve
//! many endpoints.
//!
//! Pure: time and chance are parameters, so that each rule here can be tested without waiting.

use std::time::Duration;

/// Something runs or waits for the person.
pub const LIVE: Duration = Duration::from_secs(2);
/// Nothing does.
pub const IDLE: Duration = Duration::from_secs(15);
/// Nothing does, on this computer, where asking costs next to nothing and the first question is to be seen soon.
const IDLE_NEAR: Duration = Duration::from_secs(5);
/// First wait after a failure; doubled with each further one.
const BASE: Duration = Duration::from_secs(1);
/// Longest wait of our own.
const CAP: Duration = Duration::from_secs(300);
/// Longest wait an endpoint can ask for, seconds.
const LONGEST_WISH: u64 = 3600;
/// Failures in a row after which an endpoint is let alone: deliveries wait until a poll is answered.
pub const BREAKER: u32 = 5;
/// Shortest wait while the breaker is open.
const BREAK: Duration = Duration::from_secs(30);
/// Due times stand on multiples of this.
const SLOT: Duration = Duration::from_millis(100);

/// How a poll went, as far as the next one depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Went {
    /// Answered. `wish` is the endpoint's `pollAfterSeconds`.
    Good {
        /// Something runs or waits there.
        live: bool,
        /// Seconds.
        wish: Option<u32>,
    },
    /// Answered, and more pages follow: go on at once.
    More,
    /// Not answered well. `wish` is its `Retry-After`.
    Bad {
        /// Seconds.
        wish: Option<u64>,
    },
}

/// The pace of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    failures: u32,
    /// It is on this computer, and nothing else says when something happens there.
    pub near: bool,
}

impl Pace {
    /// The wait until the next poll. `chance` is in 0..1.
    pub fn next(&mut self, went: Went, chance: f64) -> Duration {
        match went {
            Went::More => Duration::ZERO,
            Went::Good { live, wish } => {
                self.failures = 0;
                let interval = match wish {
                    Some(seconds) => Duration::from_secs(u64::from(seconds).clamp(1, LONGEST_WISH)),
                    None if live => LIVE,
                    None if self.near => IDLE_NEAR,
                    None => IDLE,
                };
                // A tenth to either side, so that endpoints that began together drift apart.
                interval.mul_f64(0.9 + 0.2 * chance)
            }
            Went::Bad { wish } => {
                self.failures = self.failures.saturating_add(1);
                let ceiling = backoff_ceiling(self.failures);
                let least = match wish {
                    Some(seconds) => Duration::from_secs(seconds.min(LONGEST_WISH)),
                    None if self.is_open() => BREAK,
                    None => Duration::ZERO,
                };
                least + ceiling.saturating_sub(least).mul_f64(chance)
            }
        }
    }

    /// The breaker is open: only polls go there.
    pub fn is_open(self) -> bool {
        self.failures >= BREAKER
    }

    /// Whether the last poll was answered well (or none was made yet).
    pub fn is_good(self) -> bool {
        self.failures == 0
    }

    /// What failed before no longer counts: the machine slept, or the address changed.
    pub fn forget(&mut self) {
        self.failures = 0;
    }
}

/// Longest wait after so many failures in a row; the real one is anywhere below it (full jitter).
pub fn backoff_ceiling(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    BASE.saturating_mul(1 << doublings).min(CAP)
}

/// The wait, made longer so that it ends on a slot. `since` is the time since the slots began.
pub fn to_slot(since: Duration, wait: Duration) -> Duration {
    let due = since + wait;
    let slots = due.as_nanos().div_ceil(SLOT.as_nanos());
    let slots = u32::try_from(slots).unwrap_or(u32::MAX);
    SLOT.saturating_mul(slots).saturating_sub(since).max(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(wait: Duration) -> f64 {
        wait.as_secs_f64()
    }

    #[test]
    fn a_good_answer_is_followed_soon_when_live_or_near_and_what_the_endpoint_wishes_goes_first() {
        for (live, near, wish, expected) in [
            (true, false, None, 2.0),
            (true, true, None, 2.0),
            (false, true, None, 5.0),
            (false, false, None, 15.0),
            (true, false, Some(40), 40.0),
            (false, true, Some(40), 40.0),
            (false, false, Some(0), 1.0),
            (false, false, Some(90_000), 3600.0),
        ] {
            let mut pace = Pace {
                near,
                ..Pace::default()
            };
            let middle = pace.next(Went::Good { live, wish }, 0.5);
            assert!((seconds(middle) - expected).abs() < 1e-6);
            let early = pace.next(Went::Good { live, wish }, 0.0);
            let late = pace.next(Went::Good { live, wish }, 1.0);
            assert!(seconds(early) >= expected * 0.89 && seconds(late) <= expected * 1.11);
        }
    }

    #[test]
    fn failures_double_the_longest_wait_up_to_five_minutes() {
        let ceilings: Vec<u64> = (1..=11).map(|n| backoff_ceiling(n).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(backoff_ceiling(u32::MAX).as_secs(), 300);
    }

    #[test]
    fn a_wait_after_a_failure_is_anywhere_below_its_ceiling() {
        let mut pace = Pace::default();
        assert_eq!(seconds(pace.next(Went::Bad { wish: None }, 0.0)), 0.0);
        assert_eq!(seconds(pace.next(Went::Bad { wish: None }, 1.0)), 2.0);
    }

    #[test]
    fn what_an_endpoint_asks_for_is_kept_up_to_an_hour() {
        for (wish, least) in [(0, 0.0), (7, 7.0), (3600, 3600.0), (1_000_000, 3600.0)] {
            let mut pace = Pace::default();
            let wait = pace.next(Went::Bad { wish: Some(wish) }, 0.0);
            assert_eq!(seconds(wait), least);
        }
    }

    #[test]
    fn five_failures_open_the_breaker_and_one_answer_closes_it() {
        let mut pace = Pace::default();
        for failures in 1..=5 {
            assert!(!pace.is_open(), "{failures}");
            pace.next(Went::Bad { wish: None }, 0.0);
        }
        assert!(pace.is_open() && !pace.is_good());
        assert!(pace.next(Went::Bad { wish: None }, 0.0) >= BREAK);
        pace.next(
            Went::Good {
                live: true,
                wish: None,
            },
            0.5,
        );
        assert!(!pace.is_open() && pace.is_good());
    }

    #[test]
    fn due_times_stand_on_slots_and_never_come_early() {
        for since in [0, 1, 99, 100, 101, 12_345] {
            for wait in [0, 1, 50, 100, 1_999] {
                let (since, wait) = (Duration::from_millis(since), Duration::from_millis(wait));
                let real = to_slot(since, wait);
                assert!(real >= wait && real < wait + SLOT);
                assert_eq!((since + real).as_nanos() % SLOT.as_nanos(), 0);
            }
        }
    }
}

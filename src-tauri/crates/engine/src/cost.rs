//! What an endpoint costs this computer: polls, bytes, processor time, items. Counts and limits; what follows from them is
//! the owner's.

use std::{cell::Cell, ops::AddAssign, time::Duration};

use domain::time::Time;

/// Code that was not optimised takes some ten times as long.
const SLOWER: u64 = if cfg!(debug_assertions) { 10 } else { 1 };

/// What is too much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Processor time for reading and comparing one answer. The largest honest answer takes a tenth of it.
    pub(crate) answer: Duration,
    /// Processor time to take in one line of the log. A line that took longer is not read again.
    pub(crate) line: Duration,
    /// Processor time of an endpoint in any hour: one sixtieth of a core, thirty times what a busy agent needs.
    pub(crate) hourly_cpu: Duration,
    /// Bytes of its answers in any hour: half a megabyte a second, whatever the hour.
    pub(crate) hourly_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let answer = Duration::from_secs(2 * SLOWER);
        Self {
            answer,
            line: answer,
            hourly_cpu: Duration::from_secs(60 * SLOWER),
            hourly_bytes: 2 * GIBIBYTE,
        }
    }
}

/// Of the time in which the owner takes in, judges and stores an answer so much is charged for it, and as much again for
/// each of its items: what is judged then, and what is forgotten for the sake of room, may be of other endpoints, and who
/// says little is not to be paused for them. All of it together is bounded by how much is kept of each (`domain::caps`).
const OWNERS_SHARE: Duration = Duration::from_millis(SLOWER);

const GIBIBYTE: u64 = 1024 * 1024 * 1024;
/// An hour is counted in so many parts.
const PARTS: usize = 12;
const PART_SECONDS: i64 = 3600 / PARTS as i64;

/// Counts of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Polls that came back.
    pub(crate) polls: u64,
    /// Bytes of their bodies.
    pub(crate) bytes: u64,
    /// Processor time for reading, comparing, judging and storing them.
    pub(crate) reading: Duration,
    /// Processor time for asking, receiving and listening.
    pub(crate) asking: Duration,
    /// Items that were new.
    pub(crate) items: u64,
}

impl Cost {
    /// Processor time of all kinds.
    pub(crate) fn cpu(&self) -> Duration {
        self.reading + self.asking
    }

    /// Charges what the owner spent on it.
    pub(crate) fn charge(&mut self, spent: Duration) {
        let items = u32::try_from(self.items).unwrap_or(u32::MAX);
        self.reading += spent.min(OWNERS_SHARE.saturating_mul(items.saturating_add(1)));
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.polls += other.polls;
        self.bytes += other.bytes;
        self.reading += other.reading;
        self.asking += other.asking;
        self.items += other.items;
    }
}

/// The last hour of one endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hour {
    /// By number of the part since 1970.
    parts: Vec<(i64, Cost)>,
}

impl Hour {
    /// Adds; says in words when it is too much by now.
    pub(crate) fn add(&mut self, now: Time, cost: Cost, limits: Limits) -> Option<String> {
        let part = now.timestamp().div_euclid(PART_SECONDS);
        let oldest = part - PARTS as i64;
        self.parts
            .retain(|(at, _)| (oldest + 1..=part).contains(at));
        match self.parts.last_mut().filter(|(at, _)| *at == part) {
            Some((_, known)) => *known += cost,
            None => self.parts.push((part, cost)),
        }
        let mut all = Cost::default();
        self.parts.iter().for_each(|(_, cost)| all += *cost);
        let limit = if all.cpu() > limits.hourly_cpu {
            format!(
                "it took {} seconds of processor time in an hour, and {} are the limit",
                all.cpu().as_secs(),
                limits.hourly_cpu.as_secs()
            )
        } else if all.bytes > limits.hourly_bytes {
            let limit = limits.hourly_bytes / GIBIBYTE;
            format!("it sent more than {limit} GiB in an hour, which is the limit")
        } else {
            return None;
        };
        Some(format!(
            "Paused by Mission Control: {limit}. Resume it when it is mended."
        ))
    }
}

/// Processor time of this thread so far; where that cannot be told, the time on the wall.
pub(crate) fn cpu() -> Duration {
    #[cfg(unix)]
    {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        let seconds = u64::try_from(spent.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(spent.tv_nsec).unwrap_or_default())
    }
    #[cfg(not(unix))]
    {
        static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        BEGAN.get_or_init(std::time::Instant::now).elapsed()
    }
}

thread_local! {
    /// Of a thread that works for one endpoint: what it had spent when that was counted last.
    static COUNTED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// From now on this thread works for one endpoint alone.
pub(crate) fn begin_to_count() {
    COUNTED.set(cfg!(unix).then(cpu));
}

/// Processor time of this thread since it was counted last; nothing on one that works for several endpoints, and where only
/// the time on the wall can be told.
pub(crate) fn count() -> Duration {
    COUNTED.get().map_or(Duration::ZERO, |before| {
        let now = cpu();
        COUNTED.set(Some(now));
        now - before
    })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn of(cpu: Duration) -> Cost {
        Cost {
            asking: cpu,
            ..Cost::default()
        }
    }

    #[test]
    fn an_endpoint_that_costs_too_much_in_any_hour_is_named_so_and_an_hour_forgets() {
        let began = DateTime::from_timestamp(1_793_523_600, 0).expect("a time");
        let limits = Limits::default();
        let half = of(limits.hourly_cpu / 2);
        for (minutes, too_much) in [(30, true), (59, true), (61, false), (600, false)] {
            let mut hour = Hour::default();
            assert_eq!(hour.add(began, half, limits), None);
            assert_eq!(hour.add(began, half, limits), None);
            let later = began + TimeDelta::minutes(minutes);
            let more = of(Duration::from_secs(1));
            assert_eq!(
                hour.add(later, more, limits).is_some(),
                too_much,
                "{minutes}"
            );
        }
    }

    #[test]
    fn bytes_count_as_well() {
        let began = DateTime::from_timestamp(1_793_523_600, 0).expect("a time");
        let mut hour = Hour::default();
        let limits = Limits::default();
        let bytes = Cost {
            bytes: limits.hourly_bytes + 1,
            ..Cost::default()
        };
        assert!(
            hour.add(began, bytes, limits)
                .is_some_and(|why| why.contains("2 GiB"))
        );
    }

    #[test]
    fn processor_time_of_a_thread_does_not_go_on_while_it_waits() {
        let before = cpu();
        let mut sum = 0_u64;
        while cpu() - before < Duration::from_millis(20) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0);
    }
}

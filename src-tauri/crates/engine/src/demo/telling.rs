//! When each agent of the story reaches each second of it. Told plainly, a second is a second; told anew, the agents come
//! to their seconds in another order and with other pauses, and the whole may be played faster than it happened.
//!
//! Pure: what a telling is made of is a parameter, chance included. What happens at a second is in `scenes`.

use std::collections::BTreeMap;

use chrono::Duration;
use domain::time::Time;

/// A second of the story, and the time from its beginning to when the agent comes there.
pub type Mark = (i64, Duration);

/// How the story is told.
#[derive(Clone, Debug)]
pub struct Telling {
    started: Time,
    marks: BTreeMap<String, Vec<Mark>>,
    /// From when on it is played, and how many times as fast as it happened.
    played: Option<(Time, i32)>,
}

impl Telling {
    /// A second is a second.
    pub fn plain(started: Time) -> Self {
        Self {
            started,
            marks: BTreeMap::new(),
            played: None,
        }
    }

    /// Each agent comes to its marks when they say, evenly between two of them, and second by second before the first and
    /// after the last. Neither member of the marks may go back.
    pub fn anew(started: Time, marks: BTreeMap<String, Vec<Mark>>) -> Self {
        Self {
            started,
            marks,
            played: None,
        }
    }

    /// What happened from `started` on is played from `begins` on, `speed` times as fast, and never ahead of the clock.
    pub fn played(mut self, begins: Time, speed: i32) -> Self {
        self.played = Some((begins, speed));
        self
    }

    /// The time of the story when the clock says `now`.
    pub fn clock(&self, now: Time) -> Time {
        match self.played {
            Some((begins, speed)) => (self.started + (now - begins) * speed).min(now),
            None => now,
        }
    }

    /// When the agent comes to that second.
    pub fn moment(&self, agent: &str, second: i64) -> Time {
        let marks = self.marks(agent);
        let next = marks.partition_point(|(at, _)| *at <= second);
        let before = next.checked_sub(1).and_then(|at| marks.get(at));
        let passed = match (before, marks.get(next)) {
            (None, None) => Duration::seconds(second),
            (Some((at, passed)), None) | (None, Some((at, passed))) => {
                *passed + Duration::seconds(second - at)
            }
            (Some((from, begin)), Some((to, end))) => {
                let part = (*end - *begin).num_microseconds().unwrap_or_default() * (second - from)
                    / (to - from);
                *begin + Duration::microseconds(part)
            }
        };
        self.started + passed
    }

    /// The second the agent has come to at that time of the story.
    pub fn second(&self, agent: &str, at: Time) -> i64 {
        let passed = at - self.started;
        let marks = self.marks(agent);
        let next = marks.partition_point(|(_, mark)| *mark <= passed);
        let before = next.checked_sub(1).and_then(|at| marks.get(at));
        let floor = |time: Duration| {
            let exact = time.num_microseconds().unwrap_or_default();
            exact.div_euclid(1_000_000)
        };
        match (before, marks.get(next)) {
            (None, None) => floor(passed),
            (Some((second, mark)), None) | (None, Some((second, mark))) => {
                second + floor(passed - *mark)
            }
            (Some((from, _)), Some((to, _))) => (*from..*to)
                .rev()
                .find(|second| self.moment(agent, *second) <= at)
                .unwrap_or(*from),
        }
    }

    fn marks(&self, agent: &str) -> &[Mark] {
        self.marks.get(agent).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn start() -> Time {
        DateTime::from_timestamp(1_790_000_000, 0).expect("a valid time")
    }

    fn anew() -> Telling {
        let marks = [(0, 0), (10, 1_000), (20, 1_000), (30, 61_000)];
        let marks = marks.map(|(second, passed)| (second, Duration::milliseconds(passed)));
        Telling::anew(start(), BTreeMap::from([("a".to_owned(), marks.to_vec())]))
    }

    #[test]
    fn told_plainly_a_second_is_a_second() {
        let plain = Telling::plain(start());
        for second in [-7, 0, 90] {
            let moment = plain.moment("a", second);
            assert_eq!(moment, start() + Duration::seconds(second));
            assert_eq!(
                plain.second("a", moment + Duration::milliseconds(999)),
                second
            );
            assert_eq!(plain.clock(moment), moment);
        }
    }

    #[test]
    fn a_second_is_reached_when_its_moment_is_and_not_before() {
        let told = anew();
        for second in [-5, 0, 1, 9, 20, 21, 29, 30, 45] {
            let moment = told.moment("a", second);
            assert_eq!(told.second("a", moment), second, "at its moment");
            let before = told.second("a", moment - Duration::microseconds(1));
            assert!(before < second, "{before} before {second}");
        }
        // What is told at one moment is reached at once.
        assert_eq!(told.moment("a", 10), told.moment("a", 20));
        assert_eq!(told.second("a", told.moment("a", 10)), 20);
        assert_eq!(
            told.moment("a", 25) - told.moment("a", 20),
            Duration::seconds(30)
        );
        // Nobody else's marks.
        assert_eq!(told.moment("b", 10), start() + Duration::seconds(10));
    }

    #[test]
    fn what_is_played_never_runs_ahead_of_the_clock() {
        let begins = start() + Duration::seconds(300);
        let told = anew().played(begins, 100);
        let clock = |milliseconds: i64| {
            let now = begins + Duration::milliseconds(milliseconds);
            (told.clock(now) - start()).num_milliseconds()
        };
        assert_eq!([clock(0), clock(500), clock(3_000)], [0, 50_000, 300_000]);
        assert_eq!(clock(4_000), 304_000, "from then on with the clock");
    }
}

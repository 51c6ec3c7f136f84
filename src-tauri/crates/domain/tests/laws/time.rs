//! Law 7: time is what the lines say. The same story a week later is the same; a clock that jumps back stands still; and
//! looking only when something is due misses nothing.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use domain::{
    change::Change,
    fact::{Fact, Line, read_line},
    finding::Finding,
    fleet::Fleet,
    time::Time,
};
use serde_json::{Value, json};

use crate::{Telling, found, holds, same};

/// Every time in it, so much later.
fn later(value: &Value, by: TimeDelta) -> Value {
    match value {
        Value::String(text) => match text.parse::<Time>() {
            Ok(at) => json!((at + by).to_rfc3339()),
            Err(_) => value.clone(),
        },
        Value::Array(items) => items.iter().map(|item| later(item, by)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), later(member, by)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn the_same_story_some_weeks_later_is_the_same() {
    holds(Telling::Late, |story, choice| {
        let by = TimeDelta::weeks(choice as i64 % 200);
        let moved: Vec<_> = story.iter().map(|line| later(line, by)).collect();
        let straight = found(story);
        let expected: Vec<_> = straight
            .iter()
            .map(|f| Finding {
                at: f.at + by,
                ..f.clone()
            })
            .collect();
        let moved = found(&moved);
        if expected == moved {
            return Ok(straight);
        }
        same(&expected, &moved)?;
        Err("the same, but with other evidence or words".to_owned())
    });
}

#[test]
fn a_clock_that_jumps_back_stands_still() {
    holds(Telling::Late, |story, choice| {
        // Lines of one moment after the first, told with an earlier time.
        let mut jumped = story.to_vec();
        for (before, line) in story.iter().zip(jumped.iter_mut().skip(1)) {
            let at = line["at"].as_str().and_then(|at| at.parse::<Time>().ok());
            if let Some(at) = at.filter(|_| before["at"] == line["at"]) {
                let back = TimeDelta::seconds((choice % 5000) as i64);
                line["at"] = json!((at - back).to_rfc3339());
            }
        }
        let straight = found(story);
        same(&straight, &found(&jumped))?;
        Ok(straight)
    });
}

const NEAR: TimeDelta = TimeDelta::seconds(75);

/// A fleet fed by hand.
struct Fed {
    fleet: Fleet,
    number: u64,
    findings: Vec<Finding>,
}

impl Fed {
    fn new(config: &Value) -> Self {
        let line = read_line(1, &config.to_string()).unwrap().unwrap();
        let Fact::Config(config) = line.fact else {
            panic!("the first line is the config");
        };
        Self {
            fleet: Fleet::new(config),
            number: 1,
            findings: vec![],
        }
    }

    fn read(&mut self, line: &Value) -> Line {
        self.number += 1;
        read_line(self.number, &line.to_string()).unwrap().unwrap()
    }

    fn judge(&mut self, now: Time) {
        let mut changes = vec![];
        self.fleet.judge(now, &mut changes);
        self.findings
            .extend(changes.into_iter().filter_map(|change| match change {
                Change::Finding(finding) => Some(*finding),
                _ => None,
            }));
    }

    /// Judges at every time something is due before `until`, and says when.
    fn due_before(&mut self, until: Time) -> BTreeSet<Time> {
        let mut times = BTreeSet::new();
        // The other fleet is looked at on whole seconds only.
        let whole = |due: Time| {
            let over = due.timestamp_subsec_micros() > 0;
            let up = TimeDelta::seconds(i64::from(over));
            chrono::DateTime::from_timestamp(due.timestamp(), 0).unwrap() + up
        };
        while let Some(due) = self.fleet.next_due().map(whole).filter(|due| *due < until) {
            self.judge(due);
            times.insert(due);
        }
        times
    }
}

#[test]
fn looking_only_when_something_is_due_misses_nothing() {
    holds(Telling::Late, |story, _| {
        let (first, rest) = story.split_first().unwrap();
        // Looked at every second.
        let mut often = Fed::new(first);
        // Looked at when something is due.
        let mut due = Fed::new(first);
        let mut before: Option<Time> = None;
        for (index, value) in rest.iter().enumerate() {
            let line = often.read(value);
            due.number += 1;
            let now = line.at.unwrap();
            if let Some(before) = before.filter(|before| *before < now) {
                // Of days without a word the first and last minutes, and whenever the other looks.
                let mut times = due.due_before(now);
                let seconds = (1..(now - before).num_seconds()).map(TimeDelta::seconds);
                let near = |at: &Time| *at - before < NEAR || now - *at < NEAR;
                times.extend(seconds.map(|passed| before + passed).filter(near));
                for at in times {
                    often.judge(at);
                }
            }
            before = Some(now);
            often.fleet.take(&line);
            due.fleet.take(&line);
            let last = rest
                .get(index + 1)
                .is_none_or(|next| next["at"] != value["at"]);
            if last {
                often.judge(now);
                due.judge(now);
            }
        }
        same(&often.findings, &due.findings)?;
        Ok(due.findings)
    });
}

//! What a fact costs as history grows: all rules on a stream of 50 agents and 10,000 resources, beside a bare check for
//! overlapping intervals on the same stream in the same run.
//!
//! `cargo xtask bench rules` runs it. It checks nothing; what is told is time of one core in the second half of each power
//! of ten, as counters of instructions are not there on every computer. `FACTS=10000000` goes further than the hundred
//! thousand it takes by itself: what is looked at does not grow with history, but what is kept for a day leaves the caches
//! of the processor, of both alike.

#![allow(clippy::unwrap_used)] // what goes wrong here concerns nobody else
#![allow(clippy::disallowed_methods)] // the rules have no clock; this measures them

#[path = "running/time.rs"]
mod time;

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    contract::read,
    fact::{Fact, Line, read_line},
    fleet::Fleet,
    ids::EndpointId,
};
use time::running;

const AGENTS: u64 = 50;
const RESOURCES: u64 = 10_000;
/// Accesses of one task.
const LENGTH: u64 = 20;
/// Facts that are measured together.
const PART: u64 = 1_000;

fn main() {
    let most = std::env::var("FACTS").ok().and_then(|n| n.parse().ok());
    let most: u64 = most.unwrap_or(100_000);
    let mut stream = Stream::new();
    let mut fleet = stream.fleet();
    let mut peer = Peer::default();
    println!("facts before   rules, µs   overlaps, µs   ratio   bytes a fact   findings");
    let (mut count, mut next, mut found) = (0, 10_000, 0);
    // Of the second half of each power of ten.
    let (mut ours, mut theirs, mut taken) = (0.0, 0.0, 0);
    let begin = resident();
    let mut told: Vec<(u64, f64)> = vec![];
    while count < most {
        let lines: Vec<_> = (0..PART).map(|_| stream.line()).collect();
        let mut rules = || {
            let begin = running();
            for line in &lines {
                let mut changes = fleet.take(line);
                fleet.judge(line.at.unwrap(), &mut changes);
                let opened = |change: &&domain::change::Change| {
                    matches!(change, domain::change::Change::Finding(_))
                };
                found += changes.iter().filter(opened).count();
            }
            running() - begin
        };
        let mut bare = || {
            let begin = running();
            for line in &lines {
                peer.take(line);
            }
            running() - begin
        };
        // Whoever comes first finds the facts still far from the processor.
        let (of_rules, of_peer) = if (count / PART).is_multiple_of(2) {
            let of_rules = rules();
            (of_rules, bare())
        } else {
            let of_peer = bare();
            (rules(), of_peer)
        };
        count += PART;
        if count > next / 2 {
            (ours, theirs, taken) = (ours + of_rules, theirs + of_peer, taken + PART);
        }
        if count >= next {
            let part = taken as f64;
            let bytes = (resident() - begin) / count as f64;
            println!(
                "{count:>12} {:>11.2} {:>14.2} {:>7.1} {bytes:>14.0} {found:>10}",
                ours / part,
                theirs / part,
                ours / theirs
            );
            told.push((count, ours / part));
            (ours, theirs, taken) = (0.0, 0.0, 0);
            next *= 10;
        }
    }
    if let (Some((from, few)), Some((to, many))) = (told.first(), told.last()) {
        let tens = (*to as f64 / *from as f64).log10().max(1.0);
        let slope = (many / few).powf(1.0 / tens);
        println!("each ten times of history multiplies the cost of a fact by {slope:.2}");
    }
    println!("{} of them overlapped by the bare check", peer.overlaps);
}

/// Bytes of memory in use.
fn resident() -> f64 {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = told.split(' ').nth(1).and_then(|n| n.parse::<f64>().ok());
    pages.unwrap_or_default() * 4096.0
}

/// Each agent does one task after the other, on what it owns and now and then on what it does not.
struct Stream {
    now: DateTime<Utc>,
    number: u64,
    random: u64,
    /// Of each agent: tasks begun, and accesses of the latest.
    agents: Vec<(u64, u64)>,
}

impl Stream {
    fn new() -> Self {
        Self {
            now: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            number: 1,
            random: 1,
            agents: vec![(0, LENGTH); AGENTS as usize],
        }
    }

    fn fleet(&self) -> Fleet {
        let rules: Vec<_> = (0..AGENTS)
            .map(|agent| format!(r#"{{"resource":"file:part{agent}/*","owner":"a{agent}"}}"#))
            .collect();
        let config = format!(
            r#"{{"config":{{"ownership":{{"rules":[{}]}}}}}}"#,
            rules.join(",")
        );
        match read_line(1, &config).unwrap().unwrap().fact {
            Fact::Config(config) => Fleet::new(config),
            _ => unreachable!("the line is a configuration"),
        }
    }

    fn chance(&mut self, of: u64) -> u64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % of
    }

    fn line(&mut self) -> Line {
        self.number += 1;
        self.now += TimeDelta::milliseconds(20);
        let at = self.now.to_rfc3339();
        let agent = self.chance(AGENTS);
        let other = self.chance(50) == 0;
        let part = if other { self.chance(AGENTS) } else { agent };
        let (place, write) = (self.chance(RESOURCES / AGENTS), self.chance(2) == 0);
        let (tasks, accesses) = &mut self.agents[agent as usize];
        let items = if *accesses == LENGTH {
            let ended = format!(
                r#"{{"id":"t{tasks}","title":"Task","status":{{"state":"completed","timestamp":"{at}"}}}},"#
            );
            let ended = if *tasks > 0 { ended } else { String::new() };
            *tasks += 1;
            *accesses = 0;
            format!(
                r#""tasks":[{ended}{{"id":"t{tasks}","title":"Task","status":{{"state":"working","timestamp":"{at}"}}}}]"#
            )
        } else {
            *accesses += 1;
            // Whoever strays only looks.
            let mode = if write && !other { "write" } else { "read" };
            format!(
                r#""accesses":[{{"id":"x{}","taskId":"t{tasks}","resource":"file:part{part}/{place}","mode":"{mode}","newVersion":"{}","at":"{at}"}}]"#,
                self.number, self.number
            )
        };
        let body = format!(
            r#"{{"schemaVersion":"1.0","snapshot":false,"agent":{{"id":"a{agent}","name":"A","status":"online"}},{items}}}"#
        );
        Line {
            number: self.number,
            at: Some(self.now),
            fact: Fact::Status {
                endpoint: EndpointId::from(format!("e{agent}").as_str()),
                document: Arc::new(read(body.as_bytes()).unwrap()),
            },
        }
    }
}

/// The least that could be done: who uses what from when to when, and whose stretches overlap.
#[derive(Default)]
struct Peer {
    used: BTreeMap<String, Vec<(String, DateTime<Utc>)>>,
    overlaps: u64,
}

impl Peer {
    fn take(&mut self, line: &Line) {
        let Fact::Status { endpoint, document } = &line.fact else {
            return;
        };
        for access in document.accesses.iter().flatten() {
            let at = access.value.at.unwrap();
            let of = self.used.entry(access.value.resource.to_string());
            let of = of.or_default();
            // As long as a task lasts by the stream's own measure.
            let long = TimeDelta::milliseconds((20 * AGENTS * LENGTH) as i64);
            of.retain(|(_, from)| at - *from < long);
            let others = of.iter().filter(|(who, _)| who != endpoint.as_str());
            self.overlaps += others.count() as u64;
            of.push((endpoint.to_string(), at));
        }
    }
}

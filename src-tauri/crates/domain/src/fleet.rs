//! What is true of the whole fleet after the facts so far, and what the rules make of it.
//!
//! The same facts in the same order always give the same changes. Owns no clock and no storage: the store keeps what
//! the changes say.

pub(crate) mod accesses;
mod claims;
mod documents;
mod endings;
mod letters;
pub(crate) mod merge;
mod pools;
mod questions;
mod references;
mod room;
pub(crate) mod rulebook;
mod schemas;
pub(crate) mod slots;
pub(crate) mod standing;
pub(crate) mod starts;
pub(crate) mod storms;
mod take;
mod ticking;
pub(crate) mod waits;
pub(crate) mod weight;
mod words;
pub(crate) mod world;

use self::{
    slots::{Slots, Subject},
    take::Intake,
    world::World,
};
use crate::{
    change::Change,
    fact::{Config, Fact, Line, PersonAction},
    finding::Finding,
    forecast::SampleForecast,
    ids::EndpointId,
    rules,
    snapshot::{self, saved},
    time::Time,
};

/// The state of everything, as far as the rules need it.
#[derive(Clone, Debug)]
pub struct Fleet {
    world: World,
    slots: Slots,
    judged: u64,
    /// Findings the person settled since the last judgement.
    settled: Vec<Finding>,
}
saved! { Fleet { world, slots, judged, settled } }

impl Fleet {
    /// All of it as bytes. One state has one text; how much that is, is up to what is alive and what was ever told.
    pub fn save(&self) -> Vec<u8> {
        snapshot::save("fleet", self)
    }

    /// What was saved, so that every fact from there on has the same consequences. `None` for any other bytes, and for those
    /// of another [`snapshot::FORM`].
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        snapshot::restore("fleet", bytes)
    }

    /// Nothing heard yet.
    pub fn new(config: Config) -> Self {
        Self {
            world: World::new(config),
            slots: Slots::default(),
            judged: 0,
            settled: vec![],
        }
    }

    /// Takes in one fact. Findings come from [`Fleet::judge`].
    pub fn take(&mut self, line: &Line) -> Vec<Change> {
        // The config line has no time of its own; facts never take time back.
        let now = line.at.map_or(self.world.now, |at| at.max(self.world.now));
        if now > self.world.now {
            self.world.moment = line.number;
            self.world.forget(&self.slots);
        }
        self.world.now = now;
        if line.at.is_some() {
            self.world.lasts(now);
        }
        if line.at.is_some() && self.world.began.is_none() {
            self.world.began = Some(now);
            // A file may begin without any rules.
            if line.number == 1 {
                self.world.reviewed = (1, "/at");
            }
            self.world.dirty.insert(Subject::Review);
            self.world.dirty.insert(Subject::Overlaps);
        }
        let changes = Intake::new(&mut self.world, now, line.number).take(line);
        match &line.fact {
            Fact::Status { endpoint, .. } => {
                let waiting = self.slots.waiting_for(endpoint);
                self.world.dirty.extend(waiting);
            }
            Fact::Person(PersonAction::Resolve { rule, subject }) => {
                self.slots.resolve(
                    now,
                    line.number,
                    rule,
                    subject.as_deref(),
                    &mut self.settled,
                );
            }
            Fact::Person(
                PersonAction::Snooze { rule, subject, .. }
                | PersonAction::Extend { rule, subject, .. },
            ) => {
                let named = self.slots.named(rule.as_deref(), subject.as_deref());
                self.world.dirty.extend(named);
            }
            // What had gone on too long by the clock may not have by the time awake.
            Fact::Woke { .. } => {
                let open = self.slots.named(None, None);
                self.world.dirty.extend(open);
            }
            _ => {}
        }
        changes
    }

    /// Judges every rule at `now`, after all facts of that time were taken in. Findings stand by rule, then subject.
    pub fn judge(&mut self, now: Time, changes: &mut Vec<Change>) {
        self.world.now = now.max(self.world.now);
        let due = self.slots.due(self.world.now);
        let mut subjects = self.world.dirty.take(due);
        for subject in &subjects {
            match subject {
                Subject::Reach => take::settle_runs(&mut self.world),
                Subject::Pool(pool) => self.world.note_starts(pool),
                _ => {}
            }
        }
        let mut findings = std::mem::take(&mut self.settled);
        for finding in &findings {
            self.world.stand(finding);
        }
        // It stands last.
        let marked = subjects.pop_if(|subject| *subject == Subject::Readiness);
        let mut readiness = marked.is_some() || !findings.is_empty();
        self.judged += subjects.len() as u64;
        for subject in &subjects {
            let known = findings.len();
            let said = rules::check(&self.world, subject);
            self.slots.settle(&self.world, subject, said, &mut findings);
            for finding in findings.get(known..).unwrap_or_default() {
                readiness |= self.world.stand(finding);
            }
        }
        if readiness {
            self.world.prove();
            let said = rules::check(&self.world, &Subject::Readiness);
            self.slots
                .settle(&self.world, &Subject::Readiness, said, &mut findings);
        }
        // Opening before clearing within one episode is kept: the sort is stable.
        findings.sort_by(|a, b| {
            (&a.rule, &a.subject, &a.episode).cmp(&(&b.rule, &b.subject, &b.episode))
        });
        changes.extend(findings.into_iter().map(|f| Change::Finding(Box::new(f))));
        let restated = self.slots.restated().into_iter();
        changes.extend(restated.map(|f| Change::Restated(Box::new(f))));
    }

    /// What could be foretold of a window of a pool at one of its samples.
    pub(crate) fn sampled(&self, pool: &str, window: &str, at: Time) -> Option<SampleForecast> {
        let samples = self.world.pools.get(pool)?.windows.get(window)?;
        let known = samples.partition_point(|sample| sample.seen.at <= at);
        let told = rules::quota_pressure::told(samples.get(..known)?);
        Some(SampleForecast::new(pool, window, at, &told))
    }

    /// How often something was looked at so far: the work done, however fast the machine.
    pub fn judged(&self) -> u64 {
        self.judged
    }

    /// The earliest time at which a rule may fire without a new fact.
    pub fn next_due(&self) -> Option<Time> {
        self.slots.next_due()
    }

    /// A verdict waits for that endpoint to answer: an unchanged poll must then be fed as an empty difference.
    pub fn awaits(&self, endpoint: &EndpointId) -> bool {
        self.slots.awaits(endpoint) || self.world.ticking_at(endpoint).next().is_some()
    }
}

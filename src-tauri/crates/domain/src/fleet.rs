//! What is true of the whole fleet after the facts so far, and what the rules make of it.
//!
//! The same facts in the same order always give the same changes. Owns no clock and no storage: the store keeps what
//! the changes say.

use crate::{
    change::Change,
    fact::{Config, Line},
    ids::EndpointId,
    time::Time,
};

/// The state of everything, as far as the rules need it.
#[derive(Debug)]
pub struct Fleet {
    config: Config,
}

impl Fleet {
    /// Nothing heard yet.
    pub fn new(config: Config) -> Self {
        Self { config }
    }

    /// Takes in one fact. Findings come from [`Fleet::judge`].
    pub fn take(&mut self, _line: &Line) -> Vec<Change> {
        let _ = &self.config;
        vec![]
    }

    /// Judges every rule at `now`, after all facts of that time were taken in.
    pub fn judge(&mut self, _now: Time, _changes: &mut Vec<Change>) {}

    /// The earliest time at which a rule may fire without a new fact.
    pub fn next_due(&self) -> Option<Time> {
        None
    }

    /// A verdict waits for that endpoint to answer: an unchanged poll must then be fed as an empty difference.
    pub fn awaits(&self, _endpoint: &EndpointId) -> bool {
        false
    }
}

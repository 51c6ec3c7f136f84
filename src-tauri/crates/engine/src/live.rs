//! What is so right now and is not worth a row: whether an endpoint has answered since the start, when it is asked next,
//! its last raw answer. Screens read it beside the store; a restart begins with "not asked yet".

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use domain::{fact::PollError, ids::EndpointId, time::Time};

use crate::{cost::Cost, record::Record};

/// The present, shared by the engine (writes) and what screens ask for (reads).
#[derive(Clone, Debug, Default)]
pub struct Live {
    present: Arc<RwLock<Present>>,
}

/// Everything that is so right now.
#[derive(Clone, Debug, Default)]
pub struct Present {
    /// Of each endpoint that is or was polled since the start.
    pub endpoints: BTreeMap<EndpointId, Pulse>,
    /// Counts commits since the start.
    pub revision: u64,
    /// What is remembered has been read.
    pub is_loaded: bool,
    /// Why nothing can be written, in a sentence.
    pub read_only: Option<String>,
    /// What the checks of the record and the database found.
    pub record: Record,
    /// That the record is ahead of this computer's clock, in a sentence.
    pub clock: Option<String>,
    /// When the last poll of any endpoint came back.
    pub last_poll_at: Option<Time>,
}

/// How one endpoint is right now.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    /// The last answer; `None` = not asked yet since start or wake.
    pub answer: Option<Result<(), PollError>>,
    /// When it last answered well.
    pub last_good_at: Option<Time>,
    /// When it is asked again.
    pub next_poll_at: Option<Time>,
    /// Between two polls, seconds.
    pub interval_seconds: Option<f64>,
    /// Pages read of a long list that is not read to the end yet.
    pub pages_loaded: Option<u32>,
    /// Failures in a row.
    pub failures: u32,
    /// The last body, as it came.
    pub raw: Option<Arc<str>>,
    /// When that was.
    pub raw_at: Option<Time>,
    /// Whether it can tell us that something happened.
    pub hears: Hears,
    /// What it cost since that was written last.
    pub cost: Cost,
}

/// How it stands with the stream beside the polls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hears {
    /// There is nothing to listen to.
    #[default]
    Nothing,
    /// It is open.
    Open,
    /// It broke off and is tried again.
    Broken,
    /// It said no, and is not asked again.
    Refused,
}

impl Live {
    /// For reading; hold it shortly.
    pub fn read(&self) -> RwLockReadGuard<'_, Present> {
        self.present.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// For writing; hold it shortly.
    pub fn write(&self) -> RwLockWriteGuard<'_, Present> {
        self.present.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the pulse of one endpoint.
    pub fn pulse(&self, endpoint: &EndpointId, change: impl FnOnce(&mut Pulse)) {
        change(self.write().endpoints.entry(endpoint.clone()).or_default());
    }
}

//! The state as it stands, kept beside the log now and then, so that a start reads only the rows after it.
//!
//! Made from the log alone and never needed: what cannot be read, was made by another version or belongs to another log
//! is passed over, and the log is read from the beginning.

use std::{collections::BTreeMap, thread::JoinHandle};

use domain::{delta::Differ, fleet::Fleet, ids::EndpointId, snapshot::FORM};
use store::{
    Reader, Store,
    tables::snapshots::{self, EndpointPart, SnapshotRow},
};

use super::{Known, Owner};

/// Bytes of the log after which a snapshot is worth its writing, and as many as the last one took: so a start never reads
/// more than a few times what stands, and keeping snapshots never writes more than a few times what came.
const GROWN: usize = 128 * 1024;
/// The same when the app ends: what is less is read as quickly.
const GROWN_AT_END: usize = 4 * 1024;

/// When the next one is due.
#[derive(Default)]
pub(super) struct Snapshots {
    /// Bytes that came since the last one.
    grown: usize,
    /// Bytes that the last one took.
    size: usize,
    /// The thread that makes one; says how many bytes it takes.
    making: Option<JoinHandle<usize>>,
}

impl Snapshots {
    /// After a start that read so much of the log.
    pub(super) fn after(grown: usize) -> Self {
        Self {
            grown,
            ..Self::default()
        }
    }

    pub(super) fn note(&mut self, line: &str) {
        self.grown += line.len();
    }

    /// Whether one is worth its writing now, and none is being made.
    fn is_due(&mut self) -> bool {
        if let Some(made) = self.making.take_if(|making| making.is_finished()) {
            self.size = made.join().unwrap_or(self.size);
        }
        self.making.is_none() && self.grown >= GROWN.max(self.size)
    }
}

impl Owner {
    /// Keeps a snapshot when enough has come since the last one. Waits for no reader and for no disk.
    pub(super) fn keep_snapshot(&mut self) {
        if !self.snapshots.is_due() || self.stuck.is_some() {
            return;
        }
        let Some(moment) = Moment::of(self.seq, &self.fleet, &self.known) else {
            return;
        };
        self.snapshots.grown = 0;
        let store = self.parts.store.clone();
        // Of a large state it takes longer than a decision may wait. Without it the next start reads more.
        let making = std::thread::Builder::new().name("snapshot".to_owned());
        let making = making.spawn(move || keep(&store, moment));
        self.snapshots.making = making.ok();
    }

    /// The last one, when the app ends.
    pub(super) fn keep_last_snapshot(&mut self) {
        // An older one that came later would take its place.
        if let Some(making) = self.snapshots.making.take() {
            let _ = making.join();
        }
        if self.snapshots.grown < GROWN_AT_END || self.stuck.is_some() {
            return;
        }
        if let Some(moment) = Moment::of(self.seq, &self.fleet, &self.known) {
            keep(&self.parts.store, moment);
        }
    }
}

/// Writes it if that can be done, and says how many bytes it takes.
fn keep(store: &Store, moment: Moment) -> usize {
    let row = moment.row();
    let size = row.size();
    let _ = store.write(move |tx| snapshots::put(tx, FORM, &row));
    size
}

/// All that a snapshot says, as it was after a row of the log.
pub(super) struct Moment {
    seq: u64,
    fleet: Fleet,
    endpoints: Vec<(EndpointPart, Differ)>,
}

impl Moment {
    /// `None` while an answer of some endpoint is being read.
    pub(super) fn of(seq: u64, fleet: &Fleet, known: &BTreeMap<EndpointId, Known>) -> Option<Self> {
        let endpoints = known.iter().map(|(endpoint, known)| {
            let part = EndpointPart {
                endpoint: endpoint.clone(),
                failing: known.failing,
                running: known.running.clone(),
                waiting: known.waiting.clone(),
                said: vec![],
            };
            Some((part, known.said.idle()?.clone()))
        });
        Some(Self {
            seq,
            endpoints: endpoints.collect::<Option<_>>()?,
            fleet: fleet.clone(),
        })
    }

    /// The same in bytes.
    pub(super) fn row(self) -> SnapshotRow {
        let with_said = |(part, differ): (EndpointPart, Differ)| EndpointPart {
            said: differ.save(),
            ..part
        };
        SnapshotRow {
            seq: self.seq,
            state: self.fleet.save(),
            endpoints: self.endpoints.into_iter().map(with_said).collect(),
        }
    }
}

/// The newest that can be used: the state, what is known of each endpoint, and the row it is of.
pub(super) fn newest(store: &Store) -> store::Result<Option<Restored>> {
    store.read(|reader| {
        for seq in snapshots::usable(reader, FORM)? {
            if let Some(found) = restored(reader, seq)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    })
}

/// A state that was kept.
pub(super) struct Restored {
    pub(super) seq: u64,
    pub(super) fleet: Fleet,
    pub(super) known: BTreeMap<EndpointId, Known>,
}

fn restored(reader: &Reader, seq: u64) -> store::Result<Option<Restored>> {
    let Some(snapshot) = snapshots::get(reader, seq)? else {
        return Ok(None);
    };
    let known = snapshot.endpoints.into_iter().map(|part| {
        let known = Known {
            said: Differ::restore(&part.said)?.into(),
            failing: part.failing,
            running: part.running,
            waiting: part.waiting,
            ..Known::default()
        };
        Some((part.endpoint, known))
    });
    let known: Option<_> = known.collect();
    let fleet = Fleet::restore(&snapshot.state);
    Ok(known
        .zip(fleet)
        .map(|(known, fleet)| Restored { seq, fleet, known }))
}

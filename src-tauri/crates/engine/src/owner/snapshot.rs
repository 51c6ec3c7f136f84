//! The state as it stands, kept beside the log now and then, so that a start reads only the rows after it.
//!
//! Made from the log alone and never needed: what cannot be read, was made by another version or belongs to another log
//! is passed over, and the log is read from the beginning.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

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
    /// Bytes of the last one.
    size: usize,
    /// One is being written.
    under_way: Arc<AtomicBool>,
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
}

impl Owner {
    /// Keeps a snapshot when enough has come since the last one. Waits for no reader and for no disk.
    pub(super) fn keep_snapshot(&mut self, at_the_end: bool) {
        let least = if at_the_end {
            GROWN_AT_END
        } else {
            GROWN.max(self.snapshots.size)
        };
        let busy = self.snapshots.under_way.load(Ordering::Relaxed);
        if self.snapshots.grown < least || busy || self.stuck.is_some() {
            return;
        }
        let Some(snapshot) = snapshot(self.seq, &self.fleet, &self.known) else {
            return;
        };
        let said = snapshot.endpoints.iter().map(|part| part.said.len());
        self.snapshots.size = snapshot.state.len() + said.sum::<usize>();
        self.snapshots.grown = 0;
        self.snapshots.under_way.store(true, Ordering::Relaxed);
        let under_way = Arc::clone(&self.snapshots.under_way);
        // Without it the next start reads more.
        self.parts.store.write_then(
            move |tx| snapshots::put(tx, FORM, &snapshot),
            move |_| under_way.store(false, Ordering::Relaxed),
        );
    }
}

/// What there is to keep after that row. `None` while an answer of some endpoint is being read.
pub(super) fn snapshot(
    seq: u64,
    fleet: &Fleet,
    known: &BTreeMap<EndpointId, Known>,
) -> Option<SnapshotRow> {
    let endpoints = known.iter().map(|(endpoint, known)| {
        Some(EndpointPart {
            endpoint: endpoint.clone(),
            failing: known.failing,
            running: known.running.clone(),
            waiting: known.waiting.clone(),
            said: known.said.idle()?.save(),
        })
    });
    let endpoints = endpoints.collect::<Option<_>>()?;
    Some(SnapshotRow {
        seq,
        state: fleet.save(),
        endpoints,
    })
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

//! The state of the rules as it was after a row of the log, and what each endpoint had said by then. The two newest are
//! kept. What the bytes mean is the engine's and the domain's.

use std::collections::BTreeSet;

use domain::ids::{EndpointId, EscalationId, TaskId};
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::facts;
use crate::{Reader, Result, Tx, sql};

/// What is kept of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointPart {
    /// Whose.
    pub endpoint: EndpointId,
    /// The last row of it is a failure.
    pub failing: bool,
    /// Tasks that have not ended.
    pub running: BTreeSet<TaskId>,
    /// Questions that wait.
    pub waiting: BTreeSet<EscalationId>,
    /// What it said last.
    pub said: Vec<u8>,
}

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRow {
    /// The row of the log after which this was the state.
    pub seq: u64,
    /// The state of the rules.
    pub state: Vec<u8>,
    /// By name.
    pub endpoints: Vec<EndpointPart>,
}

impl SnapshotRow {
    /// Bytes of all of it.
    pub fn size(&self) -> usize {
        let said = self.endpoints.iter().map(|part| part.said.len());
        self.state.len() + said.sum::<usize>()
    }
}

/// Keeps the state after the row `snapshot.seq`, in bytes of this form, and removes older ones.
pub fn put(tx: &Tx<'_>, form: &str, snapshot: &SnapshotRow) -> Result<()> {
    // The log may have been shortened since the others were made.
    sql::run(
        tx,
        "DELETE FROM snapshots WHERE seq >= ?1",
        [snapshot.seq as i64],
    )?;
    let Some(row) = digest(tx, snapshot.seq)? else {
        return Ok(());
    };
    sql::run(
        tx,
        "INSERT INTO snapshots (seq, form, row, state) VALUES (?1, ?2, ?3, ?4)",
        params![snapshot.seq as i64, form, row, snapshot.state],
    )?;
    for part in &snapshot.endpoints {
        sql::run(
            tx,
            "INSERT INTO snapshot_endpoints (seq, endpoint, failing, running, waiting, said) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                snapshot.seq as i64,
                part.endpoint.as_str(),
                part.failing,
                serde_json::to_string(&part.running)?,
                serde_json::to_string(&part.waiting)?,
                part.said
            ],
        )?;
    }
    sql::run(
        tx,
        "DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT 2)",
        [],
    )?;
    Ok(())
}

/// The numbers of those of this form that fit the log, newest first.
pub fn usable(reader: &Reader, form: &str) -> Result<Vec<u64>> {
    let found = sql::all(
        reader,
        "SELECT seq, row FROM snapshots WHERE form = ?1 ORDER BY seq DESC",
        [form],
        |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, Vec<u8>>(1)?)),
    )?;
    let mut usable = vec![];
    for (seq, row) in found {
        if digest(reader, seq)?.is_some_and(|now| now == row) {
            usable.push(seq);
        }
    }
    Ok(usable)
}

/// One of them.
pub fn get(reader: &Reader, seq: u64) -> Result<Option<SnapshotRow>> {
    let state = sql::first(
        reader,
        "SELECT state FROM snapshots WHERE seq = ?1",
        [seq as i64],
        |row| Ok(row.get(0)?),
    )?;
    let Some(state) = state else {
        return Ok(None);
    };
    let endpoints = sql::all(
        reader,
        "SELECT endpoint, failing, running, waiting, said FROM snapshot_endpoints WHERE seq = ?1 ORDER BY endpoint",
        [seq as i64],
        |row| {
            Ok(EndpointPart {
                endpoint: row.get::<_, String>(0)?.into(),
                failing: row.get(1)?,
                running: serde_json::from_str(&row.get::<_, String>(2)?)?,
                waiting: serde_json::from_str(&row.get::<_, String>(3)?)?,
                said: row.get(4)?,
            })
        },
    )?;
    Ok(Some(SnapshotRow {
        seq,
        state,
        endpoints,
    }))
}

/// Of a row of the log, with its time.
fn digest(connection: &Connection, seq: u64) -> Result<Option<Vec<u8>>> {
    let row = facts::get(connection, seq)?;
    Ok(row.map(|row| {
        let mut hash = Sha256::new();
        hash.update(row.at.timestamp_micros().to_be_bytes());
        hash.update(row.line.as_bytes());
        hash.finalize().to_vec()
    }))
}

//! What endpoints cost: counts per half hour, who was paused for it and why, and lines of the log that cost so much that
//! they are not read again. What is too much is not decided here.

use std::time::Duration;

use domain::{ids::EndpointId, time::Time};
use rusqlite::params;

use crate::{Reader, Result, Tx, sql, tables::health::SLOT_SECONDS};

/// Counts of one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostRow {
    /// Polls that came back.
    pub polls: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// Processor time they took.
    pub cpu: Duration,
    /// Items that were new.
    pub items: u64,
}

/// A line that is not read at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostlyRow {
    /// Its number in the log.
    pub seq: u64,
    /// Whose.
    pub endpoint: Option<EndpointId>,
    /// When it came.
    pub at: Time,
}

/// Adds to the half hour that holds `at`.
pub fn count(tx: &Tx<'_>, endpoint: &EndpointId, at: Time, cost: &CostRow) -> Result<()> {
    let slot = at.timestamp().div_euclid(SLOT_SECONDS) * SLOT_SECONDS;
    sql::run(
        tx,
        "INSERT INTO endpoint_costs (endpoint, slot, polls, bytes, cpu_us, items) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (endpoint, slot) DO UPDATE SET polls = polls + excluded.polls, bytes = bytes + excluded.bytes,
             cpu_us = cpu_us + excluded.cpu_us, items = items + excluded.items",
        params![
            endpoint.as_str(),
            slot,
            cost.polls as i64,
            cost.bytes as i64,
            cost.cpu.as_micros() as i64,
            cost.items as i64
        ],
    )?;
    Ok(())
}

/// What it cost in the half hours that begin at `since` or later.
pub fn since(reader: &Reader, endpoint: &EndpointId, since: Time) -> Result<CostRow> {
    let row = sql::first(
        reader,
        "SELECT coalesce(sum(polls), 0), coalesce(sum(bytes), 0), coalesce(sum(cpu_us), 0), coalesce(sum(items), 0)
         FROM endpoint_costs WHERE endpoint = ?1 AND slot >= ?2",
        params![endpoint.as_str(), since.timestamp()],
        |row| {
            Ok(CostRow {
                polls: row.get::<_, i64>(0)? as u64,
                bytes: row.get::<_, i64>(1)? as u64,
                cpu: Duration::from_micros(row.get::<_, i64>(2)? as u64),
                items: row.get::<_, i64>(3)? as u64,
            })
        },
    )?;
    Ok(row.unwrap_or_default())
}

/// It was paused by us, in a sentence.
pub fn stop(tx: &Tx<'_>, endpoint: &EndpointId, at: Time, reason: &str) -> Result<()> {
    sql::run(
        tx,
        "INSERT OR REPLACE INTO endpoint_stops (endpoint, at, reason) VALUES (?1, ?2, ?3)",
        params![endpoint.as_str(), sql::micros(at), reason],
    )?;
    Ok(())
}

/// The person has seen to it.
pub fn go_on(tx: &Tx<'_>, endpoint: &EndpointId) -> Result<()> {
    sql::run(
        tx,
        "DELETE FROM endpoint_stops WHERE endpoint = ?1",
        [endpoint.as_str()],
    )?;
    Ok(())
}

/// Why it was paused by us, if it was.
pub fn stopped(reader: &Reader, endpoint: &EndpointId) -> Result<Option<String>> {
    sql::first(
        reader,
        "SELECT reason FROM endpoint_stops WHERE endpoint = ?1",
        [endpoint.as_str()],
        |row| Ok(row.get(0)?),
    )
}

/// That line is not read again.
pub fn leave_out(
    tx: &Tx<'_>,
    seq: u64,
    endpoint: Option<&EndpointId>,
    at: Time,
    cpu: Duration,
) -> Result<()> {
    sql::run(
        tx,
        "INSERT OR REPLACE INTO costly_facts (seq, endpoint, at, cpu_us) VALUES (?1, ?2, ?3, ?4)",
        params![
            seq as i64,
            endpoint.map(EndpointId::as_str),
            sql::micros(at),
            cpu.as_micros() as i64
        ],
    )?;
    Ok(())
}

/// The lines that are not read, oldest first.
pub fn left_out(reader: &Reader) -> Result<Vec<CostlyRow>> {
    sql::all(
        reader,
        "SELECT seq, endpoint, at FROM costly_facts ORDER BY seq",
        [],
        |row| {
            Ok(CostlyRow {
                seq: row.get::<_, i64>(0)? as u64,
                endpoint: row
                    .get::<_, Option<String>>(1)?
                    .map(|name| name.as_str().into()),
                at: sql::time(row.get(2)?),
            })
        },
    )
}

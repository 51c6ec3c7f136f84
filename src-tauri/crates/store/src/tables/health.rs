//! How endpoints answered: the last good and bad answer, and counts per half hour of the last days.
//! Unchanged polls write nothing here at once: the engine adds their counts when a half hour is over.

use chrono::Duration;
use domain::{fact::PollError, ids::EndpointId, time::Time};
use rusqlite::params;

use crate::{Reader, Result, Tx, sql};

/// Seconds of a slot.
pub const SLOT_SECONDS: i64 = 1800;

/// What the log says about an endpoint's answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HealthRow {
    /// Last answer that stands in the log.
    pub heard_at: Option<Time>,
    /// Last failure.
    pub failed_at: Option<Time>,
    /// Failures in a row; 0 = answering.
    pub failures: u32,
    /// The last failure, while it lasts.
    pub error: Option<PollError>,
}

/// Counts of one half hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRow {
    /// Its begin.
    pub at: Time,
    /// Good answers.
    pub good: u32,
    /// Failures.
    pub bad: u32,
}

/// An answer came.
pub fn heard(tx: &Tx<'_>, endpoint: &EndpointId, at: Time) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO health (endpoint, heard_at) VALUES (?1, ?2)
         ON CONFLICT (endpoint) DO UPDATE SET heard_at = excluded.heard_at, failures = 0, error = NULL",
        params![endpoint.as_str(), sql::micros(at)],
    )?;
    Ok(())
}

/// None came.
pub fn not_heard(tx: &Tx<'_>, endpoint: &EndpointId, at: Time, error: &PollError) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO health (endpoint, failed_at, failures, error) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (endpoint) DO UPDATE SET failed_at = excluded.failed_at, failures = failures + 1, error = excluded.error",
        params![endpoint.as_str(), sql::micros(at), serde_json::to_string(error)?],
    )?;
    Ok(())
}

/// What is known of one endpoint.
pub fn get(reader: &Reader, endpoint: &EndpointId) -> Result<HealthRow> {
    let row = sql::first(
        reader,
        "SELECT heard_at, failed_at, failures, error FROM health WHERE endpoint = ?1",
        [endpoint.as_str()],
        |row| {
            Ok(HealthRow {
                heard_at: row.get::<_, Option<i64>>(0)?.map(sql::time),
                failed_at: row.get::<_, Option<i64>>(1)?.map(sql::time),
                failures: row.get(2)?,
                error: row
                    .get::<_, Option<String>>(3)?
                    .map(|text| serde_json::from_str(&text))
                    .transpose()?,
            })
        },
    )?;
    Ok(row.unwrap_or_default())
}

/// Adds to the half hour that holds `at`.
pub fn count(tx: &Tx<'_>, endpoint: &EndpointId, at: Time, good: u32, bad: u32) -> Result<()> {
    let slot = at.timestamp().div_euclid(SLOT_SECONDS) * SLOT_SECONDS;
    sql::run(
        tx,
        "INSERT INTO health_slots (endpoint, slot, good, bad) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (endpoint, slot) DO UPDATE SET good = good + excluded.good, bad = bad + excluded.bad",
        params![endpoint.as_str(), slot, good, bad],
    )?;
    Ok(())
}

/// The slots of the last `hours` hours that hold anything, oldest first.
pub fn slots(
    reader: &Reader,
    endpoint: &EndpointId,
    now: Time,
    hours: i64,
) -> Result<Vec<SlotRow>> {
    sql::all(
        reader,
        "SELECT slot, good, bad FROM health_slots WHERE endpoint = ?1 AND slot > ?2 ORDER BY slot",
        params![
            endpoint.as_str(),
            (now - Duration::hours(hours)).timestamp()
        ],
        |row| {
            Ok(SlotRow {
                at: sql::time(row.get::<_, i64>(0)? * 1_000_000),
                good: row.get(1)?,
                bad: row.get(2)?,
            })
        },
    )
}

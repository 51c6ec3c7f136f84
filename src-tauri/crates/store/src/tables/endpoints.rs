//! Places that are polled, as the person named them. Holds only a reference to a credential, never the credential.
//! How they answer is `health.rs`.

use domain::{ids::EndpointId, time::Time};
use rusqlite::{Row, params};

use crate::{Reader, Result, Tx, sql};

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    /// Its id in all facts; never changes.
    pub id: EndpointId,
    /// What the person calls it.
    pub name: String,
    /// Kind, as the probe named it.
    pub kind: String,
    /// Where.
    pub url: String,
    /// `none`, or what sort of credential there is and where it is kept.
    pub credential: String,
    /// Not polled.
    pub paused: bool,
    /// What it can, as the probe said.
    pub capabilities: Vec<String>,
    /// What to know about it.
    pub warnings: Vec<String>,
    /// Since when.
    pub added_at: Time,
}

const COLUMNS: &str = "id, name, kind, url, credential, paused, capabilities, warnings, added_at";

fn read(row: &Row<'_>) -> Result<EndpointRow> {
    Ok(EndpointRow {
        id: row.get::<_, String>(0)?.into(),
        name: row.get(1)?,
        kind: row.get(2)?,
        url: row.get(3)?,
        credential: row.get(4)?,
        paused: row.get(5)?,
        capabilities: serde_json::from_str(&row.get::<_, String>(6)?)?,
        warnings: serde_json::from_str(&row.get::<_, String>(7)?)?,
        added_at: sql::time(row.get(8)?),
    })
}

/// All that were not removed, in the person's order.
pub fn list(reader: &Reader) -> Result<Vec<EndpointRow>> {
    let query =
        format!("SELECT {COLUMNS} FROM endpoints WHERE removed_at IS NULL ORDER BY position, id");
    sql::all(reader, &query, [], read)
}

/// One that was not removed.
pub fn get(reader: &Reader, id: &EndpointId) -> Result<Option<EndpointRow>> {
    let query = format!("SELECT {COLUMNS} FROM endpoints WHERE id = ?1 AND removed_at IS NULL");
    sql::first(reader, &query, [id.as_str()], read)
}

/// Whether the id was ever used: facts about a removed endpoint stay its own.
pub fn was_used(reader: &Reader, id: &EndpointId) -> Result<bool> {
    Ok(sql::number(
        reader,
        "SELECT count(*) FROM endpoints WHERE id = ?1",
        [id.as_str()],
    )? > 0)
}

/// Adds it, or replaces what is said of it. Its place in the order stays.
pub fn put(tx: &Tx<'_>, row: &EndpointRow) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO endpoints (id, position, name, kind, url, credential, paused, capabilities, warnings, added_at)
         VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM endpoints), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, url = excluded.url,
             credential = excluded.credential, paused = excluded.paused, capabilities = excluded.capabilities,
             warnings = excluded.warnings, removed_at = NULL",
        params![
            row.id.as_str(),
            row.name,
            row.kind,
            row.url,
            row.credential,
            row.paused,
            serde_json::to_string(&row.capabilities)?,
            serde_json::to_string(&row.warnings)?,
            sql::micros(row.added_at)
        ],
    )?;
    Ok(())
}

/// Takes it out of the fleet; what it said stays.
pub fn remove(tx: &Tx<'_>, id: &EndpointId, now: Time) -> Result<()> {
    sql::run(
        tx,
        "UPDATE endpoints SET removed_at = ?2 WHERE id = ?1",
        params![id.as_str(), sql::micros(now)],
    )?;
    Ok(())
}

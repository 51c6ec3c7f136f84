//! JSON Schemas that the person gave, as text, by the name that stages and artifacts call them by. What is in force is
//! also in the log of facts; whether one can be used is `domain::schema`'s.

use domain::{
    ids::{AgentId, EndpointId},
    time::Time,
};
use rusqlite::{Row, params};
use sha2::{Digest, Sha256};

use crate::{Reader, Result, Tx, sql};

/// One.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaRow {
    /// What it is called.
    pub name: String,
    /// As it was given, byte for byte.
    pub text: String,
    /// Of these bytes, as hex.
    pub sha256: String,
    /// When it was given.
    pub added_at: Time,
}

/// Artifacts of one agent that name one schema, known or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseRow {
    /// The schema.
    pub name: String,
    /// Whose.
    pub endpoint: EndpointId,
    /// Whose.
    pub agent: AgentId,
    /// How many.
    pub artifacts: u32,
}

const FIELDS: &str = "name, text, sha256, added_at";

fn read(row: &Row<'_>) -> Result<SchemaRow> {
    Ok(SchemaRow {
        name: row.get(0)?,
        text: row.get(1)?,
        sha256: row.get(2)?,
        added_at: sql::time(row.get(3)?),
    })
}

/// All, by name.
pub fn list(reader: &Reader) -> Result<Vec<SchemaRow>> {
    let query = format!("SELECT {FIELDS} FROM schemas ORDER BY name");
    sql::all(reader, &query, [], read)
}

/// One.
pub fn get(reader: &Reader, name: &str) -> Result<Option<SchemaRow>> {
    let query = format!("SELECT {FIELDS} FROM schemas WHERE name = ?1");
    sql::first(reader, &query, [name], read)
}

/// Keeps it, in the place of the one of that name.
pub fn put(tx: &Tx<'_>, name: &str, text: &str, now: Time) -> Result<()> {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    sql::run(
        tx,
        "INSERT INTO schemas (name, text, sha256, added_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET text = excluded.text, sha256 = excluded.sha256, added_at = excluded.added_at",
        params![name, text, hex, sql::micros(now)],
    )?;
    Ok(())
}

/// Takes it away.
pub fn remove(tx: &Tx<'_>, name: &str) -> Result<()> {
    sql::run(tx, "DELETE FROM schemas WHERE name = ?1", [name])?;
    Ok(())
}

/// Which artifacts name which schema.
pub fn uses(reader: &Reader) -> Result<Vec<UseRow>> {
    sql::all(
        reader,
        "SELECT json_extract(value, '$.schemaRef') AS name, endpoint, agent, count(*) FROM records
         WHERE kind = 'artifact' AND json_extract(value, '$.schemaRef') IS NOT NULL GROUP BY 1, 2, 3",
        [],
        |row| {
            Ok(UseRow {
                name: row.get(0)?,
                endpoint: row.get::<_, String>(1)?.into(),
                agent: row.get::<_, String>(2)?.into(),
                artifacts: row.get(3)?,
            })
        },
    )
}

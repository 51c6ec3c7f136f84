//! Saved versions of the ownership document, and the one draft. What a draft may hold is `domain`'s; here it is JSON.

use domain::{
    ownership::{Ownership, Pins},
    time::Time,
};
use rusqlite::params;
use sha2::{Digest, Sha256};

use crate::{Reader, Result, Tx, sql};

/// A saved version.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// From 1.
    pub revision: u64,
    /// When.
    pub saved_at: Time,
    /// The document.
    pub document: Ownership,
    /// What changed, in words.
    pub sentence: String,
    /// SHA-256 of the document's JSON.
    pub hash: String,
}

fn read(row: &rusqlite::Row<'_>) -> Result<Version> {
    Ok(Version {
        revision: row.get::<_, i64>(0)? as u64,
        saved_at: sql::time(row.get(1)?),
        document: serde_json::from_str(&row.get::<_, String>(2)?)?,
        sentence: row.get(3)?,
        hash: row.get(4)?,
    })
}

const FIELDS: &str = "revision, saved_at, document, sentence, hash";

/// The version that counts; none before the first save.
pub fn current(reader: &Reader) -> Result<Option<Version>> {
    let query = format!("SELECT {FIELDS} FROM ownership_versions ORDER BY revision DESC LIMIT 1");
    sql::first(reader, &query, [], read)
}

/// One version.
pub fn version(reader: &Reader, revision: u64) -> Result<Option<Version>> {
    let query = format!("SELECT {FIELDS} FROM ownership_versions WHERE revision = ?1");
    sql::first(reader, &query, [revision as i64], read)
}

/// The last versions, newest first.
pub fn versions(reader: &Reader, limit: u32) -> Result<Vec<Version>> {
    let query = format!("SELECT {FIELDS} FROM ownership_versions ORDER BY revision DESC LIMIT ?1");
    sql::all(reader, &query, [limit], read)
}

/// Saves a new version made from `base_revision` (0 = from nothing). `None` when another one was saved meanwhile.
pub fn save(
    tx: &Tx<'_>,
    now: Time,
    base_revision: u64,
    document: &Ownership,
    sentence: &str,
) -> Result<Option<u64>> {
    let last = current(tx)?.map_or(0, |version| version.revision);
    if last != base_revision {
        return Ok(None);
    }
    let json = serde_json::to_string(document)?;
    let hash: String = Sha256::digest(json.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    sql::run(
        tx,
        "INSERT INTO ownership_versions (revision, saved_at, document, sentence, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![last as i64 + 1, sql::micros(now), json, sentence, hash],
    )?;
    Ok(Some(last + 1))
}

/// Whom the rules that count mean by the bare agent ids in them.
pub fn pins(reader: &Reader) -> Result<Pins> {
    let all = sql::all(
        reader,
        "SELECT agent, endpoint FROM ownership_pins ORDER BY agent",
        [],
        |row| {
            let (agent, endpoint): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((agent.into(), endpoint.into()))
        },
    )?;
    Ok(all.into_iter().collect())
}

/// Keeps them in the place of those before.
pub fn set_pins(tx: &Tx<'_>, pins: &Pins) -> Result<()> {
    sql::run(tx, "DELETE FROM ownership_pins", [])?;
    for (agent, endpoint) in pins {
        sql::run(
            tx,
            "INSERT INTO ownership_pins (agent, endpoint) VALUES (?1, ?2)",
            params![agent.as_str(), endpoint.as_str()],
        )?;
    }
    Ok(())
}

/// The draft: the revision it was made from, and its content as JSON.
pub fn draft(reader: &Reader) -> Result<Option<(u64, serde_json::Value)>> {
    sql::first(
        reader,
        "SELECT base_revision, content FROM ownership_draft WHERE id = 1",
        [],
        |row| {
            Ok((
                row.get::<_, i64>(0)? as u64,
                serde_json::from_str(&row.get::<_, String>(1)?)?,
            ))
        },
    )
}

/// Keeps the draft, or (`None`) drops it.
pub fn set_draft(tx: &Tx<'_>, draft: Option<(u64, &serde_json::Value)>) -> Result<()> {
    match draft {
        Some((base, content)) => sql::run(
            tx,
            "INSERT INTO ownership_draft (id, base_revision, content) VALUES (1, ?1, ?2)
             ON CONFLICT (id) DO UPDATE SET base_revision = excluded.base_revision, content = excluded.content",
            params![base as i64, serde_json::to_string(content)?],
        )?,
        None => sql::run(tx, "DELETE FROM ownership_draft", [])?,
    };
    Ok(())
}

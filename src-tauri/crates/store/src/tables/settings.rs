//! Settings by name, each a JSON value. What a name means is the reader's; nothing secret is ever here.

use rusqlite::params;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Reader, Result, Tx, sql};

/// The value of a name. A value of another shape (an older version's) reads as absent.
pub fn get<T: DeserializeOwned>(reader: &Reader, name: &str) -> Result<Option<T>> {
    let text = sql::first(
        reader,
        "SELECT value FROM settings WHERE name = ?1",
        [name],
        |row| Ok(row.get::<_, String>(0)?),
    )?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Sets it.
pub fn set<T: Serialize>(tx: &Tx<'_>, name: &str, value: &T) -> Result<()> {
    let text = serde_json::to_string(value)?;
    sql::run(
        tx,
        "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, text],
    )?;
    Ok(())
}

/// Forgets it.
pub fn clear(tx: &Tx<'_>, name: &str) -> Result<()> {
    sql::run(tx, "DELETE FROM settings WHERE name = ?1", [name])?;
    Ok(())
}

//! Items that could not be used: kept with their bytes until the agent sends a good one with the same id.

use domain::{
    change::DeadLetter,
    ids::{AgentId, EndpointId},
    time::Time,
};
use rusqlite::params;

use crate::{Reader, Result, Tx, sql};

/// One dead letter.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterRow {
    /// Endpoint.
    pub endpoint: EndpointId,
    /// List it stood in.
    pub list: String,
    /// Item id or digest.
    pub item: String,
    /// Whose, if known.
    pub agent: Option<AgentId>,
    /// What is wrong, each with pointer, code and sentence.
    pub problems: serde_json::Value,
    /// Its bytes.
    pub raw: String,
    /// First seen.
    pub first_at: Time,
    /// Last seen.
    pub at: Time,
    /// How often.
    pub count: u32,
}

/// A bad item came, perhaps again.
pub fn put(tx: &Tx<'_>, letter: &DeadLetter) -> Result<()> {
    let first = letter.problems.first();
    sql::run(
        tx,
        "INSERT INTO dead_letters (endpoint, list, item, agent, problems, raw, first_at, at, line) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
         ON CONFLICT (endpoint, list, item) DO UPDATE SET agent = excluded.agent, problems = excluded.problems, raw = excluded.raw,
             at = excluded.at, line = excluded.line, count = count + 1, cleared_at = NULL",
        params![
            letter.endpoint.as_str(),
            first.map_or("", |problem| &problem.list),
            letter.item,
            letter.agent.as_ref().map(AgentId::as_str),
            serde_json::to_string(&letter.problems)?,
            first.map_or("", |problem| &problem.raw),
            sql::micros(letter.at),
            letter.line as i64
        ],
    )?;
    Ok(())
}

/// A good one came.
pub fn clear(tx: &Tx<'_>, endpoint: &EndpointId, list: &str, item: &str, at: Time) -> Result<()> {
    sql::run(
        tx,
        "UPDATE dead_letters SET cleared_at = ?4 WHERE endpoint = ?1 AND list = ?2 AND item = ?3",
        params![endpoint.as_str(), list, item, sql::micros(at)],
    )?;
    Ok(())
}

/// Those that stand, of one endpoint or of all, newest first.
pub fn list(reader: &Reader, endpoint: Option<&EndpointId>) -> Result<Vec<DeadLetterRow>> {
    sql::all(
        reader,
        "SELECT endpoint, list, item, agent, problems, raw, first_at, at, count FROM dead_letters
         WHERE cleared_at IS NULL AND (?1 IS NULL OR endpoint = ?1) ORDER BY at DESC, endpoint, list, item",
        [endpoint.map(EndpointId::as_str)],
        |row| {
            Ok(DeadLetterRow {
                endpoint: row.get::<_, String>(0)?.into(),
                list: row.get(1)?,
                item: row.get(2)?,
                agent: row.get::<_, Option<String>>(3)?.map(Into::into),
                problems: serde_json::from_str(&row.get::<_, String>(4)?)?,
                raw: row.get(5)?,
                first_at: sql::time(row.get(6)?),
                at: sql::time(row.get(7)?),
                count: row.get(8)?,
            })
        },
    )
}

/// How many stand, of one endpoint.
pub fn count(reader: &Reader, endpoint: &EndpointId) -> Result<u32> {
    let count = sql::number(
        reader,
        "SELECT count(*) FROM dead_letters WHERE endpoint = ?1 AND cleared_at IS NULL",
        [endpoint.as_str()],
    )?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

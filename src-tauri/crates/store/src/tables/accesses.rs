//! Who touched what: every access as it was reported, and the maintained sum of it by resource, agent and mode.

use std::sync::Arc;

use domain::{
    change::Record,
    contract::{Access, AccessMode},
    ids::{AgentRef, TaskId, TaskRef},
    time::Time,
};
use rusqlite::params;

use crate::{Reader, Result, Tx, sql};

/// One time somebody read a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct ReaderRow {
    /// Who.
    pub agent: AgentRef,
    /// For which of its tasks.
    pub task: Option<String>,
    /// Which version.
    pub version: Option<String>,
    /// When.
    pub at: Time,
}

/// Observed behaviour, summed up.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenRow {
    /// What.
    pub resource: String,
    /// Who.
    pub agent: AgentRef,
    /// How.
    pub mode: AccessMode,
    /// How often.
    pub count: u32,
    /// First.
    pub first_at: Time,
    /// Last.
    pub last_at: Time,
}

/// One access of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessRow {
    /// When.
    pub at: Time,
    /// What.
    pub resource: String,
    /// How.
    pub mode: AccessMode,
    /// The version a write made, or the one that was read.
    pub version: Option<String>,
}

/// Adds an access; one that is already there changes nothing.
pub fn put(tx: &Tx<'_>, record: &Record<Arc<Access>>) -> Result<()> {
    let access = &record.value;
    let (endpoint, agent) = (record.agent.endpoint.as_str(), record.agent.agent.as_str());
    let (mode, at) = (sql::word(&access.mode)?, sql::micros(record.at));
    let added = sql::run(
        tx,
        "INSERT INTO accesses (endpoint, id, agent, task, resource, mode, base_version, new_version, event_id, at, line)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING",
        params![
            endpoint,
            access.id,
            agent,
            access.task_id.as_ref().map(|task| task.as_str()),
            access.resource.as_str(),
            mode,
            access.base_version,
            access.new_version,
            access.event_id,
            at,
            record.line as i64
        ],
    )?;
    if added == 1 {
        sql::run(
            tx,
            "INSERT INTO accesses_seen (resource, endpoint, agent, mode, count, first_at, last_at) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5)
             ON CONFLICT (resource, endpoint, agent, mode) DO UPDATE SET count = count + 1,
                 first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)",
            params![access.resource.as_str(), endpoint, agent, mode, at],
        )?;
    }
    Ok(())
}

/// All observed behaviour, by resource.
pub fn seen(reader: &Reader) -> Result<Vec<SeenRow>> {
    sql::all(
        reader,
        "SELECT resource, endpoint, agent, mode, count, first_at, last_at FROM accesses_seen ORDER BY resource, endpoint, agent, mode",
        [],
        |row| {
            Ok(SeenRow {
                resource: row.get(0)?,
                agent: AgentRef {
                    endpoint: row.get::<_, String>(1)?.into(),
                    agent: row.get::<_, String>(2)?.into(),
                },
                mode: sql::from_word(&row.get::<_, String>(3)?)?,
                count: row.get(4)?,
                first_at: sql::time(row.get(5)?),
                last_at: sql::time(row.get(6)?),
            })
        },
    )
}

/// When an agent last reacted to a trigger, and how often it has.
pub fn last_taken(
    reader: &Reader,
    agent: &AgentRef,
    resource: &str,
) -> Result<Option<(Time, u32)>> {
    sql::first(
        reader,
        "SELECT last_at, count FROM accesses_seen WHERE resource = ?1 AND endpoint = ?2 AND agent = ?3 AND mode = 'consume'",
        [resource, agent.endpoint.as_str(), agent.agent.as_str()],
        |row| Ok((sql::time(row.get(0)?), row.get(1)?)),
    )
}

/// The last accesses of a task, newest first.
pub fn of_task(reader: &Reader, task: &TaskRef, limit: u32) -> Result<Vec<AccessRow>> {
    sql::all(
        reader,
        "SELECT at, resource, mode, coalesce(new_version, base_version) FROM accesses
         WHERE endpoint = ?1 AND task = ?2 ORDER BY at DESC LIMIT ?3",
        params![task.endpoint.as_str(), task.task.as_str(), limit],
        |row| {
            Ok(AccessRow {
                at: sql::time(row.get(0)?),
                resource: row.get(1)?,
                mode: sql::from_word(&row.get::<_, String>(2)?)?,
                version: row.get(3)?,
            })
        },
    )
}

/// One access with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TouchRow {
    /// Who.
    pub agent: AgentRef,
    /// Unique within the endpoint.
    pub id: String,
    /// For which task.
    pub task: Option<TaskId>,
    /// What.
    pub resource: String,
    /// How.
    pub mode: AccessMode,
    /// The version it rests on.
    pub base_version: Option<String>,
    /// The version it made.
    pub new_version: Option<String>,
    /// The event it took.
    pub event_id: Option<String>,
    /// When.
    pub at: Time,
    /// The line of the log that said so.
    pub line: u64,
}

/// Those of a stretch of time, newest first, at most `limit`.
pub fn between(reader: &Reader, from: Time, to: Time, limit: u32) -> Result<Vec<TouchRow>> {
    sql::all(
        reader,
        "SELECT endpoint, agent, id, task, resource, mode, base_version, new_version, event_id, at, line FROM accesses
         WHERE at >= ?1 AND at < ?2 ORDER BY at DESC LIMIT ?3",
        params![sql::micros(from), sql::micros(to), limit],
        |row| {
            // Many rows: the closed word is matched here instead of being read as JSON.
            let mode = match row.get_ref(5)?.as_str().unwrap_or_default() {
                "read" => AccessMode::Read,
                "write" => AccessMode::Write,
                _ => AccessMode::Consume,
            };
            Ok(TouchRow {
                agent: AgentRef {
                    endpoint: row.get::<_, String>(0)?.into(),
                    agent: row.get::<_, String>(1)?.into(),
                },
                id: row.get(2)?,
                task: row.get::<_, Option<String>>(3)?.map(Into::into),
                resource: row.get(4)?,
                mode,
                base_version: row.get(6)?,
                new_version: row.get(7)?,
                event_id: row.get(8)?,
                at: sql::time(row.get(9)?),
                line: row.get::<_, i64>(10)? as u64,
            })
        },
    )
}

/// Who read a resource, the latest first: agent, task, version and time.
pub fn readers_of(reader: &Reader, resource: &str, limit: u32) -> Result<Vec<ReaderRow>> {
    sql::all(
        reader,
        "SELECT endpoint, agent, task, coalesce(new_version, base_version), at FROM accesses
         WHERE resource = ?1 AND mode <> 'write' ORDER BY at DESC LIMIT ?2",
        params![resource, limit],
        |row| {
            Ok(ReaderRow {
                agent: AgentRef {
                    endpoint: row.get::<_, String>(0)?.into(),
                    agent: row.get::<_, String>(1)?.into(),
                },
                task: row.get(2)?,
                version: row.get(3)?,
                at: sql::time(row.get(4)?),
            })
        },
    )
}

/// Names of touched resources that hold a text.
pub fn search(reader: &Reader, text: &str, limit: u32) -> Result<Vec<String>> {
    sql::all(
        reader,
        "SELECT DISTINCT resource FROM accesses_seen WHERE instr(lower(resource), lower(?1)) > 0 ORDER BY resource LIMIT ?2",
        params![text, limit],
        |row| Ok(row.get(0)?),
    )
}

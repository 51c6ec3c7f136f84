//! What agents reported that has no screen of its own yet, as it came: claims, handoffs, artifacts, context entries,
//! schedules. One table, because nothing asks for more than "the ones of a kind" or "the ones of a task".

use domain::{
    change::Record,
    contract::{Artifact, Claim, ContextEntry, Handoff, Schedule},
    ids::{AgentRef, EndpointId, TaskRef},
};
use rusqlite::{Row, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Reader, Result, Tx, sql};

/// What can stand in the table.
pub trait Kept: Serialize + DeserializeOwned {
    /// Word of the kind.
    const KIND: &'static str;
    /// Identity within the endpoint.
    fn id(&self) -> String;
    /// The task it belongs to.
    fn task(&self) -> Option<&str>;
}

impl Kept for Claim {
    const KIND: &'static str = "claim";
    fn id(&self) -> String {
        self.id.clone()
    }
    fn task(&self) -> Option<&str> {
        self.task_id.as_ref().map(|task| task.as_str())
    }
}

impl Kept for Handoff {
    const KIND: &'static str = "handoff";
    fn id(&self) -> String {
        self.id.clone()
    }
    fn task(&self) -> Option<&str> {
        Some(self.task_id.as_str())
    }
}

impl Kept for Artifact {
    const KIND: &'static str = "artifact";
    fn id(&self) -> String {
        self.id.clone()
    }
    fn task(&self) -> Option<&str> {
        self.task_id.as_ref().map(|task| task.as_str())
    }
}

impl Kept for ContextEntry {
    const KIND: &'static str = "context";
    fn id(&self) -> String {
        format!("{}#{}", self.document_id, self.seq)
    }
    fn task(&self) -> Option<&str> {
        None
    }
}

impl Kept for Schedule {
    const KIND: &'static str = "schedule";
    fn id(&self) -> String {
        self.id.clone()
    }
    fn task(&self) -> Option<&str> {
        None
    }
}

/// New or different.
pub fn put<T: Kept>(tx: &Tx<'_>, record: &Record<T>) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO records (kind, endpoint, id, agent, task, at, line, value, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (kind, endpoint, id) DO UPDATE SET agent = excluded.agent, task = excluded.task, at = excluded.at,
             line = excluded.line, value = excluded.value, raw = excluded.raw",
        params![
            T::KIND,
            record.agent.endpoint.as_str(),
            record.value.id(),
            record.agent.agent.as_str(),
            record.value.task(),
            sql::micros(record.at),
            record.line as i64,
            serde_json::to_string(&record.value)?,
            &*record.raw
        ],
    )?;
    Ok(())
}

pub(super) const FIELDS: &str = "endpoint, agent, at, line, value, raw";

pub(super) fn read<T: Kept>(row: &Row<'_>) -> Result<Record<T>> {
    Ok(Record {
        agent: AgentRef {
            endpoint: row.get::<_, String>(0)?.into(),
            agent: row.get::<_, String>(1)?.into(),
        },
        at: sql::time(row.get(2)?),
        line: row.get::<_, i64>(3)? as u64,
        value: serde_json::from_str(&row.get::<_, String>(4)?)?,
        raw: row.get::<_, String>(5)?.into(),
    })
}

/// One.
pub fn get<T: Kept>(reader: &Reader, endpoint: &EndpointId, id: &str) -> Result<Option<Record<T>>> {
    let query =
        format!("SELECT {FIELDS} FROM records WHERE kind = ?1 AND endpoint = ?2 AND id = ?3");
    sql::first(reader, &query, [T::KIND, endpoint.as_str(), id], read)
}

/// All of a kind, oldest first.
pub fn list<T: Kept>(reader: &Reader) -> Result<Vec<Record<T>>> {
    let query = format!("SELECT {FIELDS} FROM records WHERE kind = ?1 ORDER BY at, endpoint, id");
    sql::all(reader, &query, [T::KIND], read)
}

/// Those of an endpoint, oldest first.
pub fn of_endpoint<T: Kept>(reader: &Reader, endpoint: &EndpointId) -> Result<Vec<Record<T>>> {
    let query =
        format!("SELECT {FIELDS} FROM records WHERE kind = ?1 AND endpoint = ?2 ORDER BY at, id");
    sql::all(reader, &query, [T::KIND, endpoint.as_str()], read)
}

/// Those of a task, oldest first.
pub fn of_task<T: Kept>(reader: &Reader, task: &TaskRef) -> Result<Vec<Record<T>>> {
    let query = format!(
        "SELECT {FIELDS} FROM records WHERE kind = ?1 AND endpoint = ?2 AND task = ?3 ORDER BY at, id"
    );
    sql::all(
        reader,
        &query,
        [T::KIND, task.endpoint.as_str(), task.task.as_str()],
        read,
    )
}

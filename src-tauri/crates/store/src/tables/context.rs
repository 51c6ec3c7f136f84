//! Shared context documents: their entries, which are only added to, and how far each task has read. What does not fit
//! together is the rules' business.

use domain::{
    change::{Record, TaskRecord},
    contract::ContextEntry,
    ids::{AgentRef, TaskId, TaskRef},
    time::Time,
};
use rusqlite::params;

use super::records;
use crate::{Reader, Result, Tx, sql};

/// A document as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentRow {
    /// Its id, shared by all endpoints.
    pub document: String,
    /// Number of the newest entry.
    pub last: u64,
    /// Entries there are.
    pub entries: u32,
    /// When the newest was written.
    pub at: Time,
}

/// How far a task has read.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadRow {
    /// Whose task.
    pub agent: AgentRef,
    /// Which.
    pub task: TaskId,
    /// Up to here.
    pub seq: u64,
    /// When it said so.
    pub at: Time,
}

/// What a task says it has read. A mark goes forward only.
pub(crate) fn read_by(tx: &Tx<'_>, record: &TaskRecord) -> Result<()> {
    for mark in &record.value.context_refs {
        sql::run(
            tx,
            "INSERT INTO context_reads (document, endpoint, task, agent, seq, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (document, endpoint, task) DO UPDATE SET agent = excluded.agent, seq = excluded.seq, at = excluded.at
                 WHERE excluded.seq > seq",
            params![
                mark.document_id.as_str(),
                record.task.endpoint.as_str(),
                record.task.task.as_str(),
                record.agent.as_str(),
                i64::try_from(mark.seq).unwrap_or(i64::MAX),
                sql::micros(record.changed_at)
            ],
        )?;
    }
    Ok(())
}

/// All documents, the last changed first.
pub fn documents(reader: &Reader) -> Result<Vec<DocumentRow>> {
    sql::all(
        reader,
        "SELECT json_extract(value, '$.documentId') AS document, max(json_extract(value, '$.seq')), count(*), max(at)
         FROM records WHERE kind = 'context' GROUP BY document ORDER BY max(at) DESC, document",
        [],
        |row| {
            Ok(DocumentRow {
                document: row.get(0)?,
                last: row.get::<_, i64>(1)?.unsigned_abs(),
                entries: row.get(2)?,
                at: sql::time(row.get(3)?),
            })
        },
    )
}

/// The entries of a document, newest first, at most so many.
pub fn entries(reader: &Reader, document: &str, limit: u32) -> Result<Vec<Record<ContextEntry>>> {
    let query = format!(
        "SELECT {} FROM records WHERE kind = 'context' AND json_extract(value, '$.documentId') = ?1
         ORDER BY json_extract(value, '$.seq') DESC LIMIT ?2",
        records::FIELDS
    );
    sql::all(reader, &query, params![document, limit], records::read)
}

/// Who has read it how far, the last to say so first.
pub fn reads(reader: &Reader, document: &str) -> Result<Vec<ReadRow>> {
    sql::all(
        reader,
        "SELECT endpoint, agent, task, seq, at FROM context_reads WHERE document = ?1 ORDER BY at DESC, endpoint, task",
        [document],
        |row| {
            let task = TaskRef {
                endpoint: row.get::<_, String>(0)?.into(),
                task: row.get::<_, String>(2)?.as_str().into(),
            };
            Ok(ReadRow {
                agent: AgentRef {
                    endpoint: task.endpoint,
                    agent: row.get::<_, String>(1)?.into(),
                },
                task: task.task,
                seq: row.get::<_, i64>(3)?.unsigned_abs(),
                at: sql::time(row.get(4)?),
            })
        },
    )
}

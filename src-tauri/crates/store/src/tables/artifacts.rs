//! Every content an artifact has had, by its SHA-256: the same content again is no version.
//!
//! The newest of each also stands in `records`, where everything that was reported stands.

use domain::{
    change::Record,
    contract::Artifact,
    decision::digest,
    ids::{AgentRef, EndpointId, TaskRef},
    time::Time,
};
use rusqlite::{Row, params};
use serde_json::json;

use crate::{Reader, Result, Tx, sql};

/// Of one artifact so many versions are kept.
const KEPT: i64 = 50;

/// One version.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    /// Whose.
    pub agent: AgentRef,
    /// When it came.
    pub at: Time,
    /// `sha256:` + hex: of its content as the agent says, else of the content we were sent.
    pub digest: String,
    /// What was said of it.
    pub value: Artifact,
}

/// What it is addressed by. An agent's own digest counts when it is one; without any content it is that of its description.
pub fn address(artifact: &Artifact) -> String {
    let told = artifact
        .digest
        .as_deref()
        .and_then(|told| told.strip_prefix("sha256:"));
    if let Some(hex) =
        told.filter(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    {
        return format!("sha256:{}", hex.to_ascii_lowercase());
    }
    match &artifact.body {
        Some(serde_json::Value::String(text)) => digest(text),
        Some(body) => digest(&body.to_string()),
        None => digest(&json!([artifact.uri, artifact.version, artifact.size_bytes]).to_string()),
    }
}

/// A new or different one.
pub fn put(tx: &Tx<'_>, record: &Record<Artifact>) -> Result<()> {
    let address = address(&record.value);
    let (endpoint, id) = (record.agent.endpoint.as_str(), &record.value.id);
    let last = sql::first(
        tx,
        "SELECT digest FROM artifact_versions WHERE endpoint = ?1 AND id = ?2 ORDER BY line DESC LIMIT 1",
        [endpoint, id],
        |row| Ok(row.get::<_, String>(0)?),
    )?;
    if last.as_ref() == Some(&address) {
        return Ok(());
    }
    sql::run(
        tx,
        "INSERT OR REPLACE INTO artifact_versions (endpoint, id, line, at, agent, task, digest, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            endpoint,
            id,
            record.line as i64,
            sql::micros(record.at),
            record.agent.agent.as_str(),
            record.value.task_id.as_ref().map(|task| task.as_str()),
            address,
            serde_json::to_string(&record.value)?
        ],
    )?;
    sql::run(
        tx,
        "DELETE FROM artifact_versions WHERE endpoint = ?1 AND id = ?2 AND line <=
             (SELECT line FROM artifact_versions WHERE endpoint = ?1 AND id = ?2 ORDER BY line DESC LIMIT 1 OFFSET ?3)",
        params![endpoint, id, KEPT],
    )?;
    Ok(())
}

const FIELDS: &str = "endpoint, agent, at, digest, value";

fn read(row: &Row<'_>) -> Result<VersionRow> {
    Ok(VersionRow {
        agent: AgentRef {
            endpoint: row.get::<_, String>(0)?.into(),
            agent: row.get::<_, String>(1)?.into(),
        },
        at: sql::time(row.get(2)?),
        digest: row.get(3)?,
        value: serde_json::from_str(&row.get::<_, String>(4)?)?,
    })
}

/// All versions of what a task made, by artifact, newest first.
pub fn of_task(reader: &Reader, task: &TaskRef) -> Result<Vec<VersionRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM artifact_versions WHERE endpoint = ?1 AND task = ?2 ORDER BY id, line DESC"
    );
    sql::all(
        reader,
        &query,
        [task.endpoint.as_str(), task.task.as_str()],
        read,
    )
}

/// One content of one artifact.
pub fn get(
    reader: &Reader,
    endpoint: &EndpointId,
    id: &str,
    digest: &str,
) -> Result<Option<VersionRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM artifact_versions WHERE endpoint = ?1 AND id = ?2 AND digest = ?3 ORDER BY line DESC LIMIT 1"
    );
    sql::first(reader, &query, params![endpoint.as_str(), id, digest], read)
}

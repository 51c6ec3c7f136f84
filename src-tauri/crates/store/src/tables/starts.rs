//! When work began, by agent and kind of work. What another task caused is left out: it does not start by itself.
//! The latest few of each kind are kept, whatever becomes of the tasks.

use std::collections::BTreeMap;

use domain::{
    change::TaskRecord, contract::TaskState, ids::AgentRef, schedule::habit::LATEST, time::Time,
};
use rusqlite::params;

use crate::{Reader, Result, Tx, sql};

/// Starts looked at of one agent: so many of each of 32 kinds.
const OF_AGENT: usize = LATEST * 32;

/// Notes when a task began, once.
pub fn note(tx: &Tx<'_>, record: &TaskRecord) -> Result<()> {
    let value = &record.value;
    let seen = (value.status.state == TaskState::Working).then_some(record.state_since);
    let Some(at) = value.started_at.or(seen) else {
        return Ok(());
    };
    if value.parent_id.is_some() {
        return Ok(());
    }
    let (endpoint, agent) = (record.task.endpoint.as_str(), record.agent.as_str());
    let kind = value.kind.as_deref().unwrap_or_default();
    let added = sql::run(
        tx,
        "INSERT INTO starts (endpoint, task, agent, kind, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        params![
            endpoint,
            record.task.task.as_str(),
            agent,
            kind,
            sql::micros(at)
        ],
    )?;
    if added == 1 {
        sql::run(
            tx,
            "DELETE FROM starts WHERE endpoint = ?1 AND agent = ?2 AND kind = ?3 AND at <
             (SELECT at FROM starts WHERE endpoint = ?1 AND agent = ?2 AND kind = ?3 ORDER BY at DESC LIMIT 1 OFFSET ?4)",
            params![endpoint, agent, kind, LATEST as i64 - 1],
        )?;
    }
    Ok(())
}

/// The latest starts of an agent, by kind of work; the empty word is work without a kind.
pub fn of_agent(reader: &Reader, agent: &AgentRef) -> Result<BTreeMap<String, Vec<Time>>> {
    let rows = sql::all(
        reader,
        "SELECT kind, at FROM starts WHERE endpoint = ?1 AND agent = ?2 ORDER BY kind, at DESC LIMIT ?3",
        params![
            agent.endpoint.as_str(),
            agent.agent.as_str(),
            OF_AGENT as i64
        ],
        |row| Ok((row.get::<_, String>(0)?, sql::time(row.get(1)?))),
    )?;
    let mut of: BTreeMap<String, Vec<Time>> = BTreeMap::new();
    for (kind, at) in rows {
        of.entry(kind).or_default().push(at);
    }
    Ok(of)
}

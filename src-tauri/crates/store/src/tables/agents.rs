//! Agents that were heard, by endpoint and the id they use there.

use domain::{
    change::AgentRecord,
    ids::{AgentRef, EndpointId},
};
use rusqlite::{Row, params};

use crate::{Reader, Result, Tx, sql};

/// New, or says something new of itself. When it was first heard stays.
pub fn put(tx: &Tx<'_>, record: &AgentRecord) -> Result<()> {
    sql::run(
        tx,
        "INSERT INTO agents (endpoint, agent, card, needs, first_heard_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (endpoint, agent) DO UPDATE SET card = excluded.card, needs = excluded.needs",
        params![
            record.agent.endpoint.as_str(),
            record.agent.agent.as_str(),
            serde_json::to_string(&record.card)?,
            record.needs.as_ref().map(serde_json::to_string).transpose()?,
            sql::micros(record.first_heard_at)
        ],
    )?;
    Ok(())
}

const COLUMNS: &str = "endpoint, agent, card, needs, first_heard_at";

fn read(row: &Row<'_>) -> Result<AgentRecord> {
    Ok(AgentRecord {
        agent: AgentRef {
            endpoint: row.get::<_, String>(0)?.into(),
            agent: row.get::<_, String>(1)?.into(),
        },
        card: serde_json::from_str(&row.get::<_, String>(2)?)?,
        needs: row
            .get::<_, Option<String>>(3)?
            .map(|text| serde_json::from_str(&text))
            .transpose()?,
        first_heard_at: sql::time(row.get(4)?),
    })
}

/// All agents of endpoints that are still in the fleet, first heard first.
pub fn list(reader: &Reader) -> Result<Vec<AgentRecord>> {
    let query = format!(
        "SELECT {COLUMNS} FROM agents
         WHERE NOT EXISTS (SELECT 1 FROM endpoints WHERE id = agents.endpoint AND removed_at IS NOT NULL)
         ORDER BY first_heard_at, endpoint, agent"
    );
    sql::all(reader, &query, [], read)
}

/// The same without what only reports limits.
pub fn at_work(reader: &Reader) -> Result<Vec<AgentRecord>> {
    let mut agents = list(reader)?;
    agents.retain(|record| !record.card.limits_only);
    Ok(agents)
}

/// Agents of one endpoint.
pub fn of(reader: &Reader, endpoint: &EndpointId) -> Result<Vec<AgentRecord>> {
    let query =
        format!("SELECT {COLUMNS} FROM agents WHERE endpoint = ?1 ORDER BY first_heard_at, agent");
    sql::all(reader, &query, [endpoint.as_str()], read)
}

/// One agent.
pub fn get(reader: &Reader, agent: &AgentRef) -> Result<Option<AgentRecord>> {
    let query = format!("SELECT {COLUMNS} FROM agents WHERE endpoint = ?1 AND agent = ?2");
    sql::first(
        reader,
        &query,
        [agent.endpoint.as_str(), agent.agent.as_str()],
        read,
    )
}

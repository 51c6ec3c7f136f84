//! Items that could not be used: kept with their bytes until the agent sends a good one with the same id, or until the
//! person accepts or discards this one. Each time one came is kept beside it.

use domain::{
    change::DeadLetter,
    ids::{AgentId, DecisionId, EndpointId, EscalationId},
    time::Time,
};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::{Reader, Result, Tx, sql};

/// Of one letter so many attempts are kept.
const ATTEMPTS: i64 = 50;

/// What the person did about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Sent back with what is wrong; it stands until a good one comes.
    Returned,
    /// Sent back corrected; it stands until a good one comes.
    Resubmitted,
    /// Taken as it is, this once.
    Accepted,
    /// Put away.
    Discarded,
}

/// An act, when, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Acted {
    /// What.
    pub act: Act,
    /// When.
    pub at: Time,
    /// The reason, or what was sent.
    pub note: Option<String>,
    /// The decision that carries it to the agent.
    pub decision: Option<DecisionId>,
}

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
    /// When a good one came.
    pub cleared_at: Option<Time>,
    /// What the person did about these bytes.
    pub acted: Option<Acted>,
}

/// One time it came.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    /// When.
    pub at: Time,
    /// Line of the recording.
    pub line: u64,
    /// What was wrong with it.
    pub problems: serde_json::Value,
    /// Its bytes.
    pub raw: String,
}

/// A bad item came, perhaps again. What was done about other bytes is no answer to these; what was done about these
/// stands, whatever they are held to now.
pub fn put(tx: &Tx<'_>, letter: &DeadLetter) -> Result<()> {
    let first = letter.problems.first();
    let list = letter.list();
    let raw = first.map_or("", |problem| &problem.raw);
    let problems = serde_json::to_string(&letter.problems)?;
    sql::run(
        tx,
        "INSERT INTO dead_letters (endpoint, list, item, agent, problems, raw, first_at, at, line) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)
         ON CONFLICT (endpoint, list, item) DO UPDATE SET agent = excluded.agent, problems = excluded.problems, raw = excluded.raw,
             at = excluded.at, line = excluded.line, count = count + 1, cleared_at = NULL,
             act = CASE WHEN cleared_at IS NULL AND raw = excluded.raw THEN act END, act_at = CASE WHEN cleared_at IS NULL AND raw = excluded.raw THEN act_at END,
             act_note = CASE WHEN cleared_at IS NULL AND raw = excluded.raw THEN act_note END,
             act_decision = CASE WHEN cleared_at IS NULL AND raw = excluded.raw THEN act_decision END",
        params![
            letter.endpoint.as_str(),
            list,
            letter.item,
            letter.agent.as_ref().map(AgentId::as_str),
            problems,
            raw,
            sql::micros(letter.at),
            letter.line as i64
        ],
    )?;
    sql::run(
        tx,
        "INSERT OR REPLACE INTO letter_attempts (endpoint, list, item, line, at, problems, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            letter.endpoint.as_str(),
            list,
            letter.item,
            letter.line as i64,
            sql::micros(letter.at),
            problems,
            raw
        ],
    )?;
    sql::run(
        tx,
        "DELETE FROM letter_attempts WHERE endpoint = ?1 AND list = ?2 AND item = ?3 AND line <=
             (SELECT line FROM letter_attempts WHERE endpoint = ?1 AND list = ?2 AND item = ?3 ORDER BY line DESC LIMIT 1 OFFSET ?4)",
        params![letter.endpoint.as_str(), list, letter.item, ATTEMPTS],
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

/// The person did something about it. False when it does not stand any more.
pub fn act(
    tx: &Tx<'_>,
    endpoint: &EndpointId,
    list: &str,
    item: &str,
    acted: &Acted,
) -> Result<bool> {
    let changed = sql::run(
        tx,
        "UPDATE dead_letters SET act = ?4, act_at = ?5, act_note = ?6, act_decision = ?7
         WHERE endpoint = ?1 AND list = ?2 AND item = ?3 AND cleared_at IS NULL",
        params![
            endpoint.as_str(),
            list,
            item,
            sql::word(&acted.act)?,
            sql::micros(acted.at),
            acted.note,
            acted.decision.as_ref().map(DecisionId::as_str)
        ],
    )?;
    Ok(changed == 1)
}

const FIELDS: &str = "endpoint, list, item, agent, problems, raw, first_at, at, count, cleared_at, act, act_at, act_note, act_decision";
/// Neither good again nor settled by the person.
const STANDING: &str = "cleared_at IS NULL AND coalesce(act, '') NOT IN ('accepted', 'discarded')";

fn read(row: &Row<'_>) -> Result<DeadLetterRow> {
    let act: Option<String> = row.get(10)?;
    let acted = match (act, row.get::<_, Option<i64>>(11)?) {
        (Some(act), Some(at)) => Some(Acted {
            act: sql::from_word(&act)?,
            at: sql::time(at),
            note: row.get(12)?,
            decision: row
                .get::<_, Option<String>>(13)?
                .map(|id| id.as_str().into()),
        }),
        _ => None,
    };
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
        cleared_at: row.get::<_, Option<i64>>(9)?.map(sql::time),
        acted,
    })
}

/// Those that stand, of one endpoint or of all, newest first.
pub fn list(reader: &Reader, endpoint: Option<&EndpointId>) -> Result<Vec<DeadLetterRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM dead_letters WHERE {STANDING} AND (?1 IS NULL OR endpoint = ?1)
         ORDER BY at DESC, endpoint, list, item"
    );
    sql::all(reader, &query, [endpoint.map(EndpointId::as_str)], read)
}

/// One, whether it stands or not.
pub fn get(
    reader: &Reader,
    endpoint: &EndpointId,
    list: &str,
    item: &str,
) -> Result<Option<DeadLetterRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM dead_letters WHERE endpoint = ?1 AND list = ?2 AND item = ?3"
    );
    sql::first(reader, &query, params![endpoint.as_str(), list, item], read)
}

/// Whether its agent sends something under the name of that question now that cannot be read. What the person did about
/// that does not make it readable.
pub fn hides(reader: &Reader, endpoint: &EndpointId, question: &EscalationId) -> Result<bool> {
    let hides = sql::number(
        reader,
        "SELECT EXISTS (SELECT 1 FROM dead_letters
             WHERE endpoint = ?1 AND list = 'escalations' AND item = ?2 AND cleared_at IS NULL)",
        [endpoint.as_str(), question.as_str()],
    )?;
    Ok(hides != 0)
}

/// The times it came, newest first.
pub fn attempts(
    reader: &Reader,
    endpoint: &EndpointId,
    list: &str,
    item: &str,
) -> Result<Vec<AttemptRow>> {
    sql::all(
        reader,
        "SELECT at, line, problems, raw FROM letter_attempts WHERE endpoint = ?1 AND list = ?2 AND item = ?3 ORDER BY line DESC",
        params![endpoint.as_str(), list, item],
        |row| {
            Ok(AttemptRow {
                at: sql::time(row.get(0)?),
                line: row.get::<_, i64>(1)? as u64,
                problems: serde_json::from_str(&row.get::<_, String>(2)?)?,
                raw: row.get(3)?,
            })
        },
    )
}

/// How many stand, of one endpoint.
pub fn count(reader: &Reader, endpoint: &EndpointId) -> Result<u32> {
    let query = format!("SELECT count(*) FROM dead_letters WHERE endpoint = ?1 AND {STANDING}");
    let count = sql::number(reader, &query, [endpoint.as_str()])?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How many stand, of all.
pub fn count_all(reader: &Reader) -> Result<u32> {
    let query = format!("SELECT count(*) FROM dead_letters WHERE {STANDING}");
    let count = sql::number(reader, &query, [])?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

//! What happened, by time: the turns of tasks, claims, handoffs, limits and endpoints. Other tables keep how things are;
//! this one keeps when they became so, for the timeline. A turn that is already there changes nothing.

use domain::{
    change::{Change, Record},
    contract::{Claim, ClaimState, Handoff, Quota},
    ids::{AgentId, EndpointId, TaskId},
    time::Time,
};
use rusqlite::params;

use crate::{Reader, Result, Tx, sql, tables::health};

/// What a turn is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MomentKind {
    /// A task came into a state.
    Task,
    /// A claim is held, waits, or was given back.
    Claim,
    /// Work was handed over (`given`), or taken over (`taken`).
    Handoff,
    /// Something was made.
    Artifact,
    /// Something was agreed.
    Context,
    /// The person was asked.
    Question,
    /// A shared limit refused.
    Limit,
    /// An endpoint fell `silent`, or `answers` again.
    Endpoint,
}

impl MomentKind {
    const ALL: [Self; 8] = [
        Self::Task,
        Self::Claim,
        Self::Handoff,
        Self::Artifact,
        Self::Context,
        Self::Question,
        Self::Limit,
        Self::Endpoint,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Claim => "claim",
            Self::Handoff => "handoff",
            Self::Artifact => "artifact",
            Self::Context => "context",
            Self::Question => "question",
            Self::Limit => "limit",
            Self::Endpoint => "endpoint",
        }
    }
}

/// One turn.
#[derive(Clone, Debug, PartialEq)]
pub struct MomentRow {
    /// When.
    pub at: Time,
    /// Of what kind.
    pub kind: MomentKind,
    /// Whose endpoint.
    pub endpoint: EndpointId,
    /// Id of the task, claim, handoff …
    pub item: String,
    /// What it became.
    pub word: String,
    /// Whose; empty for an endpoint.
    pub agent: AgentId,
    /// The task it belongs to.
    pub task: Option<TaskId>,
    /// Title, resource, receiver, pool or document.
    pub about: String,
    /// The line of the log that said so; 0 = not known.
    pub line: u64,
}

/// Keeps what a change is a turn of, before the change is applied.
pub fn note(tx: &Tx<'_>, change: &Change) -> Result<()> {
    match change {
        Change::Task(record) => put(
            tx,
            &MomentRow {
                at: record.state_since,
                kind: MomentKind::Task,
                endpoint: record.task.endpoint.clone(),
                item: record.task.task.as_str().to_owned(),
                word: sql::word(&record.value.status.state)?,
                agent: record.agent.clone(),
                task: Some(record.task.task.clone()),
                about: record.value.title.clone(),
                line: record.line,
            },
        ),
        Change::Claim(record) => claim(tx, record),
        Change::Handoff(record) => handoff(tx, record),
        Change::Artifact(record) => {
            let value = &record.value;
            let (word, about) = ("made", value.name.clone());
            let moment = of(record, MomentKind::Artifact, value.id.clone(), word, about);
            let task = value.task_id.clone();
            put(tx, &MomentRow { task, ..moment })
        }
        Change::Context(record) => {
            let value = &record.value;
            let item = format!("{}#{}", value.document_id, value.seq);
            let word = sql::word(&value.kind)?;
            let about = value.document_id.as_str().to_owned();
            put(tx, &of(record, MomentKind::Context, item, &word, about))
        }
        Change::Quota(record) => limit(tx, record),
        Change::Escalation(record) => put(
            tx,
            &MomentRow {
                at: record.created_at,
                kind: MomentKind::Question,
                endpoint: record.agent.endpoint.clone(),
                item: record.value.id.as_str().to_owned(),
                word: "asked".to_owned(),
                agent: record.agent.agent.clone(),
                task: record.value.task_id.clone(),
                about: record.value.title.clone(),
                line: record.line,
            },
        ),
        Change::NotHeard {
            endpoint,
            at,
            error,
        } => {
            if matches!(error.http_status, Some(429)) {
                put(
                    tx,
                    &of_endpoint(endpoint, *at, MomentKind::Limit, "refused"),
                )?;
            }
            if health::get(tx, endpoint)?.failures == 0 {
                put(
                    tx,
                    &of_endpoint(endpoint, *at, MomentKind::Endpoint, "silent"),
                )?;
            }
            Ok(())
        }
        Change::Heard { endpoint, at } => {
            if health::get(tx, endpoint)?.failures > 0 {
                put(
                    tx,
                    &of_endpoint(endpoint, *at, MomentKind::Endpoint, "answers"),
                )?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn of<T>(
    record: &Record<T>,
    kind: MomentKind,
    item: String,
    word: &str,
    about: String,
) -> MomentRow {
    MomentRow {
        at: record.at,
        kind,
        endpoint: record.agent.endpoint.clone(),
        item,
        word: word.to_owned(),
        agent: record.agent.agent.clone(),
        task: None,
        about,
        line: record.line,
    }
}

fn of_endpoint(endpoint: &EndpointId, at: Time, kind: MomentKind, word: &str) -> MomentRow {
    MomentRow {
        at,
        kind,
        endpoint: endpoint.clone(),
        item: endpoint.as_str().to_owned(),
        word: word.to_owned(),
        agent: "".into(),
        task: None,
        about: endpoint.as_str().to_owned(),
        line: 0,
    }
}

fn claim(tx: &Tx<'_>, record: &Record<Claim>) -> Result<()> {
    let value = &record.value;
    let word = sql::word(&value.state)?;
    let about = value.resource.as_str().to_owned();
    let mut moment = of(record, MomentKind::Claim, value.id.clone(), &word, about);
    moment.task = value.task_id.clone();
    if value.state == ClaimState::Released {
        // A claim first heard of when it was over was held all the same.
        if let (Some(acquired), Some(_)) = (value.acquire_time, value.release_time) {
            let held = MomentRow {
                at: acquired.min(record.at),
                word: "held".to_owned(),
                ..moment.clone()
            };
            put(tx, &held)?;
        }
        moment.at = value.release_time.unwrap_or(record.at);
    }
    put(tx, &moment)
}

fn handoff(tx: &Tx<'_>, record: &Record<Handoff>) -> Result<()> {
    let value = &record.value;
    let (item, to) = (value.id.clone(), value.to.clone());
    let mut moment = of(record, MomentKind::Handoff, item, "given", to);
    moment.task = Some(value.task_id.clone());
    put(tx, &moment)?;
    let Some(taken) = value.acknowledged_at else {
        return Ok(());
    };
    moment.at = taken.max(record.at);
    moment.word = "taken".to_owned();
    if let Some(by) = &value.acknowledged_by {
        moment.about.clone_from(by);
    }
    put(tx, &moment)
}

fn limit(tx: &Tx<'_>, record: &Record<Quota>) -> Result<()> {
    let pool = record.value.pool.key();
    for window in &record.value.windows {
        if window.status.as_deref() == Some("rejected") {
            let item = format!("{pool} {}", window.name);
            let moment = of(record, MomentKind::Limit, item, "refused", pool.clone());
            put(tx, &moment)?;
        }
    }
    Ok(())
}

/// Keeps one, unless it says what the turn before it said: a refusal is news each time, a state is not.
fn put(tx: &Tx<'_>, moment: &MomentRow) -> Result<()> {
    let (kind, at) = (moment.kind.word(), sql::micros(moment.at));
    let endpoint = moment.endpoint.as_str();
    if moment.kind != MomentKind::Limit {
        let before = sql::first(
            tx,
            "SELECT word FROM moments WHERE kind = ?1 AND endpoint = ?2 AND item = ?3 AND at <= ?4 ORDER BY at DESC LIMIT 1",
            params![kind, endpoint, moment.item, at],
            |row| Ok(row.get::<_, String>(0)?),
        )?;
        if before.as_deref() == Some(&moment.word) {
            return Ok(());
        }
    }
    sql::run(
        tx,
        "INSERT INTO moments (at, kind, endpoint, item, word, agent, task, about, line)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            at,
            kind,
            endpoint,
            moment.item,
            moment.word,
            moment.agent.as_str(),
            moment.task.as_ref().map(TaskId::as_str),
            moment.about,
            moment.line as i64
        ],
    )?;
    Ok(())
}

/// Those of a stretch of time, newest first, at most `limit`.
pub fn between(reader: &Reader, from: Time, to: Time, limit: u32) -> Result<Vec<MomentRow>> {
    sql::all(
        reader,
        "SELECT at, kind, endpoint, item, word, agent, task, about, line FROM moments
         WHERE at >= ?1 AND at < ?2 ORDER BY at DESC LIMIT ?3",
        params![sql::micros(from), sql::micros(to), limit],
        read,
    )
}

/// Tasks that turn at or after a time, the next ones first, at most `limit`.
pub fn turning(reader: &Reader, from: Time, limit: u32) -> Result<Vec<(EndpointId, String)>> {
    sql::all(
        reader,
        "SELECT endpoint, item FROM moments WHERE at >= ?1 AND kind = 'task' ORDER BY at LIMIT ?2",
        params![sql::micros(from), limit],
        |row| Ok((row.get::<_, String>(0)?.into(), row.get(1)?)),
    )
}

/// What an item was just before a time.
pub fn before(
    reader: &Reader,
    kind: MomentKind,
    endpoint: &EndpointId,
    item: &str,
    at: Time,
) -> Result<Option<MomentRow>> {
    sql::first(
        reader,
        "SELECT at, kind, endpoint, item, word, agent, task, about, line FROM moments
         WHERE kind = ?1 AND endpoint = ?2 AND item = ?3 AND at < ?4 ORDER BY at DESC LIMIT 1",
        params![kind.word(), endpoint.as_str(), item, sql::micros(at)],
        read,
    )
}

/// When the first and the last one was.
pub fn ends(reader: &Reader) -> Result<Option<(Time, Time)>> {
    let end = |sql: &str| -> Result<Option<Time>> {
        let at = sql::first(reader, sql, [i64::MIN], |row| Ok(row.get::<_, i64>(0)?))?;
        Ok(at.map(sql::time))
    };
    let first = end("SELECT at FROM moments WHERE at > ?1 ORDER BY at LIMIT 1")?;
    let last = end("SELECT at FROM moments WHERE at > ?1 ORDER BY at DESC LIMIT 1")?;
    Ok(first.zip(last))
}

fn read(row: &rusqlite::Row<'_>) -> Result<MomentRow> {
    let word: String = row.get(1)?;
    let kind = MomentKind::ALL.into_iter().find(|kind| kind.word() == word);
    Ok(MomentRow {
        at: sql::time(row.get(0)?),
        kind: kind.ok_or_else(|| crate::Error::stored(format!("no kind of moment: {word}")))?,
        endpoint: row.get::<_, String>(2)?.into(),
        item: row.get(3)?,
        word: row.get(4)?,
        agent: row.get::<_, String>(5)?.into(),
        task: row.get::<_, Option<String>>(6)?.map(Into::into),
        about: row.get(7)?,
        line: row.get::<_, i64>(8)? as u64,
    })
}

//! Each time a task was begun, as facts told it: its number, how far it came, when it began and ended, and why. One row
//! for each beginning, also when the agent counts none or counts wrongly.

use domain::{change::TaskRecord, contract::TaskState, ids::TaskRef, time::Time};
use rusqlite::{Row, params};

use crate::{Reader, Result, Tx, sql};

/// Of one task so many are kept.
const KEPT: i64 = 50;

/// One beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRow {
    /// Counts beginnings from 1, as they were heard of.
    pub run: u64,
    /// The agent's own number.
    pub attempt: Option<u64>,
    /// How far it came.
    pub state: TaskState,
    /// When work on it began.
    pub began_at: Option<Time>,
    /// When it ended, or when the next one was heard of.
    pub ended_at: Option<Time>,
    /// The next one began before this one was said to have ended.
    pub cut: bool,
    /// Why it ended, in the agent's words.
    pub reason: Option<String>,
    /// The line of a recording that told of its last state.
    pub line: u64,
}

impl AttemptRow {
    /// Whether what is said of the task now is said of another beginning than this.
    fn is_before(&self, record: &TaskRecord) -> bool {
        let state = record.value.status.state;
        // Without a number it is the first.
        let number = |attempt: Option<u64>| attempt.unwrap_or(1);
        let again = match self.state {
            TaskState::Submitted | TaskState::Unknown => false,
            ended if ended.is_terminal() => state.is_live(),
            _ => state == TaskState::Submitted,
        };
        again || number(self.attempt) != number(record.value.attempt)
    }
}

/// Notes what a task's record says of the attempt that goes on, or of a new one.
pub fn note(tx: &Tx<'_>, record: &TaskRecord) -> Result<()> {
    let value = &record.value;
    let (endpoint, task) = (record.task.endpoint.as_str(), record.task.task.as_str());
    let state = value.status.state;
    let mut latest = latest(tx, &record.task)?.into_iter();
    let last = latest.next();
    let new = last.as_ref().is_none_or(|last| last.is_before(record));
    if let Some(last) = last.as_ref().filter(|_| !new)
        && last.state == state
        && (last.began_at.is_some() || value.started_at.is_none())
    {
        return Ok(());
    }
    if let Some(last) = last.as_ref().filter(|last| new && last.ended_at.is_none()) {
        sql::run(
            tx,
            "UPDATE task_attempts SET ended_at = ?4, cut = 1 WHERE endpoint = ?1 AND task = ?2 AND run = ?3",
            params![
                endpoint,
                task,
                last.run as i64,
                sql::micros(record.state_since)
            ],
        )?;
    }
    let over = state.is_terminal();
    let run = last.as_ref().map_or(1, |last| last.run + u64::from(new));
    // Some agents never move the time at which they first began.
    let before = if new { last.clone() } else { latest.next() };
    let before = before.and_then(|before| before.began_at);
    let told = value
        .started_at
        .filter(|at| before.is_none_or(|before| *at > before));
    let begins = matches!(
        state,
        TaskState::Working | TaskState::InputRequired | TaskState::AuthRequired
    );
    let began = told.or(begins.then_some(record.state_since));
    sql::run(
        tx,
        "INSERT INTO task_attempts (endpoint, task, run, attempt, state, began_at, ended_at, cut, reason, line)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)
         ON CONFLICT (endpoint, task, run) DO UPDATE SET attempt = coalesce(excluded.attempt, attempt), state = excluded.state,
             began_at = coalesce(began_at, excluded.began_at), ended_at = excluded.ended_at, reason = excluded.reason, line = excluded.line",
        params![
            endpoint,
            task,
            run as i64,
            value.attempt.and_then(|attempt| i64::try_from(attempt).ok()),
            sql::word(&state)?,
            began.map(sql::micros),
            over.then(|| sql::micros(record.state_since)),
            value.status.message.as_deref().filter(|_| over),
            record.line as i64
        ],
    )?;
    sql::run(
        tx,
        "DELETE FROM task_attempts WHERE endpoint = ?1 AND task = ?2 AND run <= ?3",
        params![endpoint, task, run as i64 - KEPT],
    )?;
    Ok(())
}

const FIELDS: &str = "run, attempt, state, began_at, ended_at, cut, reason, line";

fn read(row: &Row<'_>) -> Result<AttemptRow> {
    Ok(AttemptRow {
        run: row.get::<_, i64>(0)? as u64,
        attempt: row.get::<_, Option<i64>>(1)?.map(|attempt| attempt as u64),
        state: sql::from_word(&row.get::<_, String>(2)?)?,
        began_at: row.get::<_, Option<i64>>(3)?.map(sql::time),
        ended_at: row.get::<_, Option<i64>>(4)?.map(sql::time),
        cut: row.get(5)?,
        reason: row.get(6)?,
        line: row.get::<_, i64>(7)? as u64,
    })
}

/// The one that goes on, or was the last, and the one before it.
fn latest(reader: &Reader, task: &TaskRef) -> Result<Vec<AttemptRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM task_attempts WHERE endpoint = ?1 AND task = ?2 ORDER BY run DESC LIMIT 2"
    );
    sql::all(
        reader,
        &query,
        [task.endpoint.as_str(), task.task.as_str()],
        read,
    )
}

/// All that are kept of a task, newest first.
pub fn of_task(reader: &Reader, task: &TaskRef) -> Result<Vec<AttemptRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM task_attempts WHERE endpoint = ?1 AND task = ?2 ORDER BY run DESC"
    );
    sql::all(
        reader,
        &query,
        [task.endpoint.as_str(), task.task.as_str()],
        read,
    )
}

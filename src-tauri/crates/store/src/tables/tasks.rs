//! Tasks, and where each stands on the board. The counts of the columns are kept by triggers, never counted.
//! Nothing here is decided: the column follows from the state, an open handoff and a pending escalation.

use domain::{
    change::TaskRecord,
    contract::TaskState,
    ids::{AgentRef, EndpointId, TaskId, TaskRef},
    time::Time,
};
use rusqlite::{Row, params};

use super::context;
use crate::{Reader, Result, Tx, sql};

/// Words of the columns, in the order of the board.
pub const COLUMNS: [&str; 7] = [
    "queued",
    "running",
    "handed-over",
    "needs-you",
    "done",
    "failed",
    "unknown",
];

/// A task with what the board adds.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRow {
    /// What the agent says.
    pub record: TaskRecord,
    /// Word of its column.
    pub column: String,
    /// When anything touched it last.
    pub last_mark: Time,
}

fn column(state: TaskState, handoff_open: bool, asks: bool) -> &'static str {
    match state {
        TaskState::InputRequired | TaskState::AuthRequired => "needs-you",
        TaskState::Submitted | TaskState::Working if asks => "needs-you",
        TaskState::Submitted => "queued",
        TaskState::Working => "running",
        TaskState::Completed if handoff_open => "handed-over",
        TaskState::Completed => "done",
        TaskState::Failed | TaskState::Canceled | TaskState::Rejected => "failed",
        TaskState::Unknown => "unknown",
    }
}

const ASKS: &str =
    "SELECT count(*) FROM escalations WHERE endpoint = ?1 AND task = ?2 AND phase = 'pending'";

/// New or different.
pub fn put(tx: &Tx<'_>, record: &TaskRecord) -> Result<()> {
    let (endpoint, task) = (record.task.endpoint.as_str(), record.task.task.as_str());
    let state = record.value.status.state;
    let asks = sql::number(tx, ASKS, [endpoint, task])? > 0;
    sql::run(
        tx,
        "INSERT INTO tasks (endpoint, task, agent, title, state, board_column, state_since, changed_at, last_mark, handoff_open, line, value, raw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (endpoint, task) DO UPDATE SET agent = excluded.agent, title = excluded.title, state = excluded.state,
             board_column = excluded.board_column, state_since = excluded.state_since, changed_at = excluded.changed_at,
             last_mark = max(last_mark, excluded.last_mark), handoff_open = excluded.handoff_open, line = excluded.line,
             value = excluded.value, raw = excluded.raw",
        params![
            endpoint,
            task,
            record.agent.as_str(),
            record.value.title,
            sql::word(&state)?,
            column(state, record.handoff_open, asks),
            sql::micros(record.state_since),
            sql::micros(record.changed_at),
            record.handoff_open,
            record.line as i64,
            serde_json::to_string(&record.value)?,
            &*record.raw
        ],
    )?;
    needs(tx, record)?;
    context::read_by(tx, record)
}

/// Keeps what it comes after.
fn needs(tx: &Tx<'_>, record: &TaskRecord) -> Result<()> {
    let (endpoint, task) = (record.task.endpoint.as_str(), record.task.task.as_str());
    sql::run(
        tx,
        "DELETE FROM task_needs WHERE endpoint = ?1 AND task = ?2",
        [endpoint, task],
    )?;
    for wanted in &record.value.depends_on {
        sql::run(
            tx,
            "INSERT INTO task_needs (endpoint, task, wanted) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            [endpoint, task, wanted.as_str()],
        )?;
    }
    Ok(())
}

/// Something of the task moved without a change of the task itself.
pub fn mark(tx: &Tx<'_>, task: &TaskRef, at: Time) -> Result<()> {
    sql::run(
        tx,
        "UPDATE tasks SET last_mark = max(last_mark, ?3) WHERE endpoint = ?1 AND task = ?2",
        params![task.endpoint.as_str(), task.task.as_str(), sql::micros(at)],
    )?;
    Ok(())
}

/// Puts a task where it belongs after one of its escalations changed.
pub(crate) fn place(tx: &Tx<'_>, endpoint: &str, task: &str) -> Result<()> {
    let found = sql::first(
        tx,
        "SELECT state, handoff_open FROM tasks WHERE endpoint = ?1 AND task = ?2",
        [endpoint, task],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)),
    )?;
    if let Some((state, handoff_open)) = found {
        let asks = sql::number(tx, ASKS, [endpoint, task])? > 0;
        let column = column(sql::from_word(&state)?, handoff_open, asks);
        sql::run(
            tx,
            "UPDATE tasks SET board_column = ?3 WHERE endpoint = ?1 AND task = ?2 AND board_column <> ?3",
            params![endpoint, task, column],
        )?;
    }
    Ok(())
}

pub(super) const FIELDS: &str = "endpoint, task, tasks.agent, board_column, state_since, changed_at, last_mark, handoff_open, line, value, raw";

pub(super) fn read(row: &Row<'_>) -> Result<TaskRow> {
    Ok(TaskRow {
        record: TaskRecord {
            task: TaskRef {
                endpoint: row.get::<_, String>(0)?.into(),
                task: row.get::<_, String>(1)?.into(),
            },
            agent: row.get::<_, String>(2)?.into(),
            state_since: sql::time(row.get(4)?),
            changed_at: sql::time(row.get(5)?),
            handoff_open: row.get(7)?,
            line: row.get::<_, i64>(8)? as u64,
            value: serde_json::from_str(&row.get::<_, String>(9)?)?,
            raw: row.get::<_, String>(10)?.into(),
        },
        column: row.get(3)?,
        last_mark: sql::time(row.get(6)?),
    })
}

/// One task.
pub fn get(reader: &Reader, task: &TaskRef) -> Result<Option<TaskRow>> {
    let query = format!("SELECT {FIELDS} FROM tasks WHERE endpoint = ?1 AND task = ?2");
    sql::first(
        reader,
        &query,
        [task.endpoint.as_str(), task.task.as_str()],
        read,
    )
}

/// How many tasks stand in each column, in the order of [`COLUMNS`].
pub fn counts(reader: &Reader) -> Result<[u32; 7]> {
    let mut counts = [0; 7];
    let rows = sql::all(
        reader,
        "SELECT board_column, count FROM board_counts",
        [],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)),
    )?;
    for (word, count) in rows {
        if let Some(place) = COLUMNS.iter().position(|column| *column == word) {
            counts[place] = count;
        }
    }
    Ok(counts)
}

/// Which tasks of a column.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Only tasks whose title, id or agent holds this text, upper and lower case alike; empty = all.
    pub filter: &'a str,
    /// Only tasks that an open finding names, and failed or waiting ones.
    pub problems_only: bool,
}

const WANTED: &str = "board_column = ?1
    AND (?2 = '' OR title LIKE ?2 ESCAPE '\\' OR task LIKE ?2 ESCAPE '\\' OR agent LIKE ?2 ESCAPE '\\')
    AND (?3 = 0 OR board_column IN ('needs-you', 'failed') OR EXISTS (
        SELECT 1 FROM finding_tasks JOIN findings ON findings.id = finding_tasks.finding
        WHERE finding_tasks.task = tasks.endpoint || '/' || tasks.task AND findings.state = 'open'))";

pub(super) fn like(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// How many of a column are wanted.
pub fn count(reader: &Reader, column: &str, wanted: Wanted<'_>) -> Result<u32> {
    let query = format!("SELECT count(*) FROM tasks WHERE {WANTED}");
    let count = sql::number(
        reader,
        &query,
        params![column, like(wanted.filter), wanted.problems_only],
    )?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A page of a column, last changed first.
pub fn page(
    reader: &Reader,
    column: &str,
    wanted: Wanted<'_>,
    offset: u32,
    limit: u32,
) -> Result<Vec<TaskRow>> {
    // Without a filter the index alone finds the page.
    let conditions = if wanted.filter.is_empty() && !wanted.problems_only {
        "board_column = ?1 AND ?2 = '' AND ?3 = 0"
    } else {
        WANTED
    };
    let query = format!(
        "SELECT {FIELDS} FROM tasks WHERE {conditions} ORDER BY changed_at DESC, endpoint, task LIMIT ?4 OFFSET ?5"
    );
    sql::all(
        reader,
        &query,
        params![
            column,
            like(wanted.filter),
            wanted.problems_only,
            limit,
            offset
        ],
        read,
    )
}

/// Takes the tasks of an endpoint off the board; the log keeps what was said of them.
pub fn forget(tx: &Tx<'_>, endpoint: &EndpointId) -> Result<usize> {
    for table in ["task_needs", "starts", "task_attempts"] {
        let query = format!("DELETE FROM {table} WHERE endpoint = ?1");
        sql::run(tx, &query, [endpoint.as_str()])?;
    }
    sql::run(
        tx,
        "DELETE FROM tasks WHERE endpoint = ?1",
        [endpoint.as_str()],
    )
}

/// Ids of an endpoint's tasks, those that move and late changes first.
pub fn ids(reader: &Reader, endpoint: &EndpointId, limit: u32) -> Result<Vec<TaskId>> {
    sql::all(
        reader,
        "SELECT task FROM tasks WHERE endpoint = ?1
         ORDER BY board_column IN ('done', 'failed', 'unknown'), changed_at DESC LIMIT ?2",
        params![endpoint.as_str(), limit],
        |row| Ok(row.get::<_, String>(0)?.into()),
    )
}

/// What an agent has in hand: its running task that changed last, how many live ones, how many wait for the person.
pub fn load(reader: &Reader, agent: &AgentRef) -> Result<(Option<TaskRow>, u32, u32)> {
    let who = [agent.endpoint.as_str(), agent.agent.as_str()];
    let doing = format!(
        "SELECT {FIELDS} FROM tasks WHERE endpoint = ?1 AND agent = ?2 AND board_column = 'running' ORDER BY changed_at DESC LIMIT 1"
    );
    let counts = sql::first(
        reader,
        "SELECT count(*), coalesce(sum(board_column = 'needs-you'), 0) FROM tasks
         WHERE endpoint = ?1 AND agent = ?2 AND board_column IN ('queued', 'running', 'needs-you')",
        who,
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let (open, waiting) = counts.unwrap_or((0, 0));
    Ok((sql::first(reader, &doing, who, read)?, open, waiting))
}

/// Which agents have live work that has not turned since a time, and in which column.
pub fn standing(reader: &Reader, before: Time) -> Result<Vec<(AgentRef, String)>> {
    sql::all(
        reader,
        "SELECT DISTINCT endpoint, agent, board_column FROM tasks
         WHERE board_column IN ('queued', 'running', 'needs-you') AND state_since < ?1",
        [sql::micros(before)],
        |row| {
            let agent = AgentRef {
                endpoint: row.get::<_, String>(0)?.into(),
                agent: row.get::<_, String>(1)?.into(),
            };
            Ok((agent, row.get(2)?))
        },
    )
}

/// Live tasks that wait for this one to be completed.
pub fn blocked_by(reader: &Reader, task: &TaskRef, limit: u32) -> Result<Vec<TaskRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM (
             SELECT endpoint, task FROM task_needs WHERE wanted = ?1 || '/' || ?2
             UNION SELECT endpoint, task FROM task_needs WHERE wanted = ?2 AND endpoint = ?1) AS waiting
         JOIN tasks USING (endpoint, task)
         WHERE board_column IN ('queued', 'running', 'needs-you') ORDER BY changed_at DESC LIMIT ?3"
    );
    let who = params![task.endpoint.as_str(), task.task.as_str(), limit];
    sql::all(reader, &query, who, read)
}

/// Tasks that this one caused, the latest first.
pub fn children(reader: &Reader, task: &TaskRef, limit: u32) -> Result<Vec<TaskRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM tasks WHERE parent = ?1 || '/' || ?2 OR (parent = ?2 AND endpoint = ?1)
         ORDER BY changed_at DESC LIMIT ?3"
    );
    let who = params![task.endpoint.as_str(), task.task.as_str(), limit];
    sql::all(reader, &query, who, read)
}

/// Tasks whose title or id holds the text, live ones and late changes first.
pub fn search(reader: &Reader, text: &str, limit: u32) -> Result<Vec<TaskRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM tasks WHERE title LIKE ?1 ESCAPE '\\' OR task LIKE ?1 ESCAPE '\\'
         ORDER BY board_column IN ('done', 'failed', 'unknown'), changed_at DESC LIMIT ?2"
    );
    sql::all(reader, &query, params![like(text), limit], read)
}

/// How many tasks of an endpoint are known.
pub fn count_of(reader: &Reader, endpoint: &str) -> Result<u32> {
    let count = sql::number(
        reader,
        "SELECT count(*) FROM tasks WHERE endpoint = ?1",
        [endpoint],
    )?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

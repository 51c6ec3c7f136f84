//! The board in other columns than those of its states: by agent, by workflow, by resource. What moves comes first.

use rusqlite::params;

use super::tasks::{self, TaskRow, Wanted};
use crate::{Reader, Result, sql};

/// What the columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// One for each agent: `endpoint/agent`.
    Agent,
    /// One for each context; the empty word is work without one.
    Workflow,
    /// One for each resource that live work has touched; a task stands in each of its resources.
    Resource,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Names it.
    pub key: String,
    /// Tasks that have not ended.
    pub live: u32,
    /// All of them.
    pub count: u32,
}

/// Live tasks whose resources are looked at, the latest first.
const LOOKED_AT: u32 = 2000;

const WANTED: &str = "(?1 = '' OR title LIKE ?1 ESCAPE '\\' OR tasks.task LIKE ?1 ESCAPE '\\' OR tasks.agent LIKE ?1 ESCAPE '\\')
    AND (?2 = 0 OR board_column IN ('needs-you', 'failed') OR EXISTS (
        SELECT 1 FROM finding_tasks JOIN findings ON findings.id = finding_tasks.finding
        WHERE finding_tasks.task = tasks.endpoint || '/' || tasks.task AND findings.state = 'open'))";

fn wants(wanted: Wanted<'_>) -> &'static str {
    // Without a filter an index alone counts and finds.
    if wanted.filter.is_empty() && !wanted.problems_only {
        "?1 = '' AND ?2 = 0"
    } else {
        WANTED
    }
}

/// All columns, those with the most live work first.
pub fn groups(reader: &Reader, by: By, wanted: Wanted<'_>) -> Result<Vec<Group>> {
    let wants = wants(wanted);
    let query = match by {
        By::Agent => format!(
            "SELECT endpoint || '/' || agent, sum(ended = 0), count(*) FROM tasks INDEXED BY tasks_in_agent WHERE {wants} GROUP BY endpoint, agent"
        ),
        By::Workflow => format!(
            "SELECT workflow, sum(ended = 0), count(*) FROM tasks INDEXED BY tasks_in_workflow WHERE {wants} GROUP BY workflow"
        ),
        By::Resource => format!(
            "SELECT touched.resource, count(DISTINCT CASE WHEN ended = 0 THEN tasks.rowid END), count(DISTINCT tasks.rowid) FROM (
                 SELECT DISTINCT accesses.resource AS resource FROM (
                     SELECT endpoint, task FROM tasks WHERE board_column IN ('queued', 'running', 'handed-over', 'needs-you')
                     ORDER BY changed_at DESC LIMIT {LOOKED_AT}) AS live
                 JOIN accesses ON accesses.endpoint = live.endpoint AND accesses.task = live.task) AS shown
             JOIN accesses AS touched ON touched.resource = shown.resource AND touched.task IS NOT NULL
             JOIN tasks ON tasks.endpoint = touched.endpoint AND tasks.task = touched.task
             WHERE {wants} GROUP BY touched.resource"
        ),
    };
    let filter = tasks::like(wanted.filter);
    let mut all = sql::all(
        reader,
        &query,
        params![filter, wanted.problems_only],
        |row| {
            Ok(Group {
                key: row.get(0)?,
                live: row.get(1)?,
                count: row.get(2)?,
            })
        },
    )?;
    all.sort_by(|a, b| (b.live, b.count, &a.key).cmp(&(a.live, a.count, &b.key)));
    Ok(all)
}

/// A page of a column: what has not ended first, then by the last change.
pub fn page(
    reader: &Reader,
    by: By,
    key: &str,
    wanted: Wanted<'_>,
    offset: u32,
    limit: u32,
) -> Result<Vec<TaskRow>> {
    let (one, other) = key.split_once('/').unwrap_or((key, ""));
    let (from, narrowed, one, other) = match by {
        By::Agent => ("tasks", "endpoint = ?3 AND agent = ?4", one, other),
        By::Workflow => ("tasks", "workflow = ?3 AND ?4 = ''", key, ""),
        By::Resource => (
            "(SELECT DISTINCT endpoint, task FROM accesses WHERE resource = ?3 AND task IS NOT NULL AND ?4 = '') AS touched
             JOIN tasks USING (endpoint, task)",
            "1",
            key,
            "",
        ),
    };
    let query = format!(
        "SELECT {} FROM {from} WHERE {narrowed} AND {} ORDER BY ended, changed_at DESC LIMIT ?5 OFFSET ?6",
        tasks::FIELDS,
        wants(wanted)
    );
    let filter = tasks::like(wanted.filter);
    sql::all(
        reader,
        &query,
        params![filter, wanted.problems_only, one, other, limit, offset],
        tasks::read,
    )
}

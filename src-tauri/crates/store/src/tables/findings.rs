//! Findings by episode: open ones, and what they were after they cleared. What the person does about one (not now,
//! never mind) is kept beside it.

use domain::{
    finding::{Finding, FindingState},
    time::Time,
};
use rusqlite::{Row, params};

use crate::{Reader, Result, Tx, sql};

/// A finding with what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingRow {
    /// What the rule said last.
    pub finding: Finding,
    /// When the episode began.
    pub opened_at: Time,
    /// When it ended.
    pub cleared_at: Option<Time>,
    /// Not to be shown before.
    pub snoozed_until: Option<Time>,
    /// Not to be shown again.
    pub dismissed_at: Option<Time>,
}

/// Opened, got worse, or cleared. Getting worse wakes a snoozed one.
pub fn put(tx: &Tx<'_>, finding: &Finding) -> Result<()> {
    let open = sql::first(
        tx,
        "SELECT id FROM findings WHERE episode = ?1 AND state = 'open'",
        [&finding.episode],
        |row| Ok(row.get::<_, i64>(0)?),
    )?;
    let at = sql::micros(finding.at);
    let cleared = (finding.state == FindingState::Cleared).then_some(at);
    let severity = sql::word(&finding.severity)?;
    let value = serde_json::to_string(finding)?;
    let id = match open {
        Some(id) => {
            sql::run(
                tx,
                "UPDATE findings SET severity = ?2, state = ?3, changed_at = ?4, cleared_at = ?5, value = ?6,
                     snoozed_until = CASE WHEN ?3 = 'open' THEN NULL ELSE snoozed_until END WHERE id = ?1",
                params![id, severity, sql::word(&finding.state)?, at, cleared, value],
            )?;
            id
        }
        None => {
            sql::run(
                tx,
                "INSERT INTO findings (episode, subject, rule, severity, state, at, changed_at, cleared_at, value)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)",
                params![
                    finding.episode,
                    finding.subject,
                    finding.rule,
                    severity,
                    sql::word(&finding.state)?,
                    at,
                    cleared,
                    value
                ],
            )?;
            tx.last_insert_rowid()
        }
    };
    sql::run(tx, "DELETE FROM finding_tasks WHERE finding = ?1", [id])?;
    if cleared.is_none() {
        for task in &finding.tasks {
            sql::run(
                tx,
                "INSERT INTO finding_tasks (finding, task) VALUES (?1, ?2)",
                params![id, task],
            )?;
        }
    }
    Ok(())
}

/// It still holds and says something else by now. Whoever put it off is not disturbed by that.
pub fn restate(tx: &Tx<'_>, finding: &Finding) -> Result<()> {
    sql::run(
        tx,
        "UPDATE findings SET value = ?2 WHERE episode = ?1 AND state = 'open'",
        params![finding.episode, serde_json::to_string(finding)?],
    )?;
    Ok(())
}

const FIELDS: &str = "episode, subject, value, at, cleared_at, snoozed_until, dismissed_at";

fn read(row: &Row<'_>) -> Result<FindingRow> {
    let mut finding: Finding = serde_json::from_str(&row.get::<_, String>(2)?)?;
    finding.episode = row.get(0)?;
    finding.subject = row.get(1)?;
    Ok(FindingRow {
        finding,
        opened_at: sql::time(row.get(3)?),
        cleared_at: row.get::<_, Option<i64>>(4)?.map(sql::time),
        snoozed_until: row.get::<_, Option<i64>>(5)?.map(sql::time),
        dismissed_at: row.get::<_, Option<i64>>(6)?.map(sql::time),
    })
}

/// The latest finding of an episode.
pub fn get(reader: &Reader, episode: &str) -> Result<Option<FindingRow>> {
    let query =
        format!("SELECT {FIELDS} FROM findings WHERE episode = ?1 ORDER BY id DESC LIMIT 1");
    sql::first(reader, &query, [episode], read)
}

/// The one that holds, of a rule about a subject.
pub fn open_about(reader: &Reader, rule: &str, subject: &str) -> Result<Option<FindingRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM findings WHERE state = 'open' AND rule = ?1 AND subject = ?2 ORDER BY at LIMIT 1"
    );
    sql::first(reader, &query, [rule, subject], read)
}

/// All that hold, worst first, then oldest.
pub fn open(reader: &Reader) -> Result<Vec<FindingRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM findings WHERE state = 'open'
         ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, at, id"
    );
    sql::all(reader, &query, [], read)
}

/// Those that cleared at or after a time, newest first.
pub fn cleared_since(reader: &Reader, from: Time) -> Result<Vec<FindingRow>> {
    let query = format!(
        "SELECT {FIELDS} FROM findings WHERE state = 'cleared' AND changed_at >= ?1 ORDER BY changed_at DESC, id DESC"
    );
    sql::all(reader, &query, [sql::micros(from)], read)
}

/// Those that held at some moment of a stretch of time, in no order, at most `limit` of each sort. One that lasted
/// through the whole stretch and cleared long after it is found among the next thousand that cleared.
pub fn during(reader: &Reader, from: Time, to: Time, limit: u32) -> Result<Vec<FindingRow>> {
    let (from, to) = (sql::micros(from), sql::micros(to));
    let asked = [
        "at >= ?1 AND at < ?2 ORDER BY at DESC",
        "state = 'open' AND at < ?1 AND ?2 > 0 ORDER BY at DESC",
        "state = 'cleared' AND changed_at >= ?1 AND changed_at < ?2 AND at < ?1 ORDER BY changed_at",
        "id IN (SELECT id FROM findings WHERE state = 'cleared' AND changed_at >= ?2 ORDER BY changed_at LIMIT 1000) AND at < ?1",
    ];
    let mut found = vec![];
    for wanted in asked {
        let query = format!("SELECT {FIELDS} FROM findings WHERE {wanted} LIMIT ?3");
        found.extend(sql::all(reader, &query, params![from, to, limit], read)?);
    }
    Ok(found)
}

/// Rules of open findings, more than good to know, that name a task (`endpoint/taskId`).
pub fn rules_of_task(reader: &Reader, task: &str) -> Result<Vec<String>> {
    sql::all(
        reader,
        "SELECT DISTINCT findings.rule FROM finding_tasks JOIN findings ON findings.id = finding_tasks.finding
         WHERE finding_tasks.task = ?1 AND findings.state = 'open' AND findings.severity <> 'info'
         ORDER BY findings.rule",
        [task],
        |row| Ok(row.get(0)?),
    )
}

/// How many hold, of the given rules.
pub fn count_open(reader: &Reader, rules: &[&str]) -> Result<u32> {
    let mut count = 0;
    for rule in rules {
        count += sql::number(
            reader,
            "SELECT count(*) FROM findings WHERE state = 'open' AND rule = ?1",
            [rule],
        )?;
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// When the oldest one that holds was opened, of the given rules.
pub fn oldest_open(reader: &Reader, rules: &[&str]) -> Result<Option<Time>> {
    let mut oldest = None;
    for rule in rules {
        let at = sql::first(
            reader,
            "SELECT min(at) FROM findings WHERE state = 'open' AND rule = ?1",
            [rule],
            |row| Ok(row.get::<_, Option<i64>>(0)?),
        )?;
        let at = at.flatten().map(sql::time);
        oldest = [oldest, at].into_iter().flatten().min();
    }
    Ok(oldest)
}

/// Not now.
pub fn snooze(tx: &Tx<'_>, episode: &str, until: Time) -> Result<()> {
    sql::run(
        tx,
        "UPDATE findings SET snoozed_until = ?2 WHERE episode = ?1 AND state = 'open'",
        params![episode, sql::micros(until)],
    )?;
    Ok(())
}

/// Seen, and not to be shown again for this episode.
pub fn dismiss(tx: &Tx<'_>, episode: &str, now: Time) -> Result<()> {
    sql::run(
        tx,
        "UPDATE findings SET dismissed_at = ?2 WHERE episode = ?1 AND state = 'open'",
        params![episode, sql::micros(now)],
    )?;
    Ok(())
}

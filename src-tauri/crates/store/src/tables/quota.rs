//! Pools and their windows: the newest numbers of each window, and samples over time with who reported them.
//! A number that an agent did not send is NULL here, never zero.

use domain::{
    change::Record,
    contract::{Pool, Quota, QuotaWindow},
    forecast::Point,
    ids::AgentRef,
    time::Time,
};
use rusqlite::{Row, params};

use crate::{Reader, Result, Tx, sql};

/// A window as it was reported last.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowRow {
    /// Key of the pool.
    pub key: String,
    /// The pool.
    pub pool: Pool,
    /// Who reported it last.
    pub agent: AgentRef,
    /// The response headers were sent along.
    pub from_headers: bool,
    /// When the numbers were so.
    pub observed_at: Time,
    /// The numbers.
    pub window: QuotaWindow,
}

/// One sample of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleRow {
    /// When.
    pub at: Time,
    /// Who.
    pub agent: AgentRef,
    /// Units used.
    pub used: Option<f64>,
    /// In percent, reported or worked out.
    pub used_percent: Option<f64>,
    /// Units left.
    pub remaining: Option<f64>,
    /// When the window it belongs to starts anew.
    pub reset_at: Option<Time>,
    /// The provider refused.
    pub rejected: bool,
}

/// Used, in percent: as reported, else from two of limit, used and remaining.
pub fn used_percent(window: &QuotaWindow) -> Option<f64> {
    let limit = window.limit.filter(|limit| *limit > 0.0);
    window.used_percent.or_else(|| {
        let used = window.used.or_else(|| Some(limit? - window.remaining?))?;
        Some(used / limit? * 100.0)
    })
}

/// A sample of a pool. An older one never replaces a newer one.
pub fn put(tx: &Tx<'_>, record: &Record<Quota>) -> Result<()> {
    let pool = &record.value.pool;
    let key = pool.key();
    let at = sql::micros(record.at);
    let (endpoint, agent) = (record.agent.endpoint.as_str(), record.agent.agent.as_str());
    for window in &record.value.windows {
        let point = Point::of(record.at, window);
        sql::run(
            tx,
            "INSERT INTO quota_windows (pool, window, provider, account, scope, endpoint, agent, from_headers, observed_at, line, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (pool, window) DO UPDATE SET endpoint = excluded.endpoint, agent = excluded.agent, from_headers = excluded.from_headers,
                 observed_at = excluded.observed_at, line = excluded.line, value = excluded.value
             WHERE excluded.observed_at >= observed_at",
            params![
                key,
                window.name,
                pool.provider,
                pool.account,
                pool.scope,
                endpoint,
                agent,
                !record.value.headers.is_empty(),
                at,
                record.line as i64,
                serde_json::to_string(window)?
            ],
        )?;
        sql::run(
            tx,
            "INSERT OR REPLACE INTO quota_samples (pool, window, observed_at, endpoint, agent, used, used_percent, remaining, reset_at, rejected)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                key,
                window.name,
                at,
                endpoint,
                agent,
                point.map_or(window.used, |point| Some(point.used)),
                used_percent(window),
                point.map_or(window.remaining, |point| Some(point.left)),
                window.reset_at.map(sql::micros),
                window.status.as_deref() == Some("rejected")
            ],
        )?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<WindowRow> {
    Ok(WindowRow {
        key: row.get(0)?,
        pool: Pool {
            provider: row.get(1)?,
            account: row.get(2)?,
            scope: row.get(3)?,
        },
        agent: AgentRef {
            endpoint: row.get::<_, String>(4)?.into(),
            agent: row.get::<_, String>(5)?.into(),
        },
        from_headers: row.get(6)?,
        observed_at: sql::time(row.get(7)?),
        window: serde_json::from_str(&row.get::<_, String>(8)?)?,
    })
}

/// All windows, by pool and name.
pub fn windows(reader: &Reader) -> Result<Vec<WindowRow>> {
    sql::all(
        reader,
        "SELECT pool, provider, account, scope, endpoint, agent, from_headers, observed_at, value FROM quota_windows ORDER BY pool, window",
        [],
        read,
    )
}

/// More samples of a window are not read: two weeks of one a minute.
const MOST_SAMPLES: i64 = 20_000;

/// Samples of a window at or after a time, oldest first; of very many the newest.
pub fn samples(reader: &Reader, pool: &str, window: &str, from: Time) -> Result<Vec<SampleRow>> {
    let mut newest_first = sql::all(
        reader,
        "SELECT observed_at, endpoint, agent, used, used_percent, remaining, reset_at, rejected FROM quota_samples
         WHERE pool = ?1 AND window = ?2 AND observed_at >= ?3 ORDER BY observed_at DESC LIMIT ?4",
        params![pool, window, sql::micros(from), MOST_SAMPLES],
        |row| {
            Ok(SampleRow {
                at: sql::time(row.get(0)?),
                agent: AgentRef {
                    endpoint: row.get::<_, String>(1)?.into(),
                    agent: row.get::<_, String>(2)?.into(),
                },
                used: row.get(3)?,
                used_percent: row.get(4)?,
                remaining: row.get(5)?,
                reset_at: row.get::<_, Option<i64>>(6)?.map(sql::time),
                rejected: row.get(7)?,
            })
        },
    )?;
    newest_first.reverse();
    Ok(newest_first)
}

/// Lets samples before a time go.
pub fn forget(tx: &Tx<'_>, before: Time) -> Result<usize> {
    sql::run(
        tx,
        "DELETE FROM quota_samples WHERE observed_at < ?1",
        [sql::micros(before)],
    )
}

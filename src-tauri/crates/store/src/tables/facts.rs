//! The log of facts: each row is one line of a replay file, kept as text. Row n is line n+1 of a recording, because the
//! configuration is line 1. Append-only; old rows go by age alone.

use domain::{
    ids::EndpointId,
    time::{self, Time},
};
use rusqlite::params;

use crate::{Error, Reader, Result, Tx, sql, tables::settings};

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// A successful poll.
    Status,
    /// A failed poll.
    Error,
    /// Time passes.
    Tick,
    /// The machine slept.
    Woke,
    /// The person decided.
    Decision,
    /// The person acted.
    Person,
    /// The ownership document was replaced.
    Rules,
    /// The thresholds were changed.
    Settings,
    /// Schemas were given or taken away. Stands among the rules: they say what may be handed over.
    Schemas,
}

impl FactKind {
    /// The person did it, and waits to hear that it is done.
    pub fn is_of_the_person(self) -> bool {
        matches!(
            self,
            Self::Person | Self::Rules | Self::Settings | Self::Schemas
        )
    }

    fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Error => "error",
            Self::Tick => "tick",
            Self::Woke => "woke",
            Self::Decision => "decision",
            Self::Person => "person",
            Self::Rules | Self::Schemas => "rules",
            Self::Settings => "settings",
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactRow {
    /// Number in the log, from 1.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// The whole line, as a recording writes it.
    pub line: String,
}

/// Appends a line and says its number in the log. Times go strictly forward.
pub fn append(
    tx: &Tx<'_>,
    at: Time,
    kind: FactKind,
    endpoint: Option<&EndpointId>,
    line: &str,
) -> Result<u64> {
    let (seq, last) = end(tx)?;
    if last.is_some_and(|last| at <= last) {
        return Err(Error::Backwards);
    }
    let seq = seq + 1;
    sql::run(
        tx,
        "INSERT INTO facts (seq, at, kind, endpoint, line) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            seq as i64,
            sql::micros(at),
            kind.word(),
            endpoint.map(EndpointId::as_str),
            line
        ],
    )?;
    Ok(seq)
}

/// Number and time of the last row; (0, None) in an empty log.
pub fn end(reader: &Reader) -> Result<(u64, Option<Time>)> {
    let last = sql::first(
        reader,
        "SELECT seq, at FROM facts ORDER BY seq DESC LIMIT 1",
        [],
        |row| Ok((row.get::<_, i64>(0)?, sql::time(row.get(1)?))),
    )?;
    match last {
        Some((seq, at)) => Ok((seq as u64, Some(at))),
        // Even when all rows have gone by age, numbers are never used again.
        None => Ok((
            settings::get::<u64>(reader, KEPT_FROM)?.map_or(0, |kept| kept.saturating_sub(1)),
            None,
        )),
    }
}

/// Reads rows after `after`, oldest first, one at a time; stops at the first error.
pub fn each(
    reader: &Reader,
    after: u64,
    mut take: impl FnMut(FactRow) -> Result<()>,
) -> Result<()> {
    let mut statement = sql::prepared(
        reader,
        "SELECT seq, at, line FROM facts WHERE seq > ?1 ORDER BY seq",
    )?;
    let mut rows = statement.query([after as i64])?;
    while let Some(row) = rows.next()? {
        take(FactRow {
            seq: row.get::<_, i64>(0)? as u64,
            at: sql::time(row.get(1)?),
            line: row.get(2)?,
        })?;
    }
    Ok(())
}

/// One row.
pub fn get(reader: &Reader, seq: u64) -> Result<Option<FactRow>> {
    sql::first(
        reader,
        "SELECT at, line FROM facts WHERE seq = ?1",
        [seq as i64],
        |row| {
            Ok(FactRow {
                seq,
                at: sql::time(row.get(0)?),
                line: row.get(1)?,
            })
        },
    )
}

/// The last answer of an endpoint that changed something.
pub fn last_status(reader: &Reader, endpoint: &EndpointId) -> Result<Option<FactRow>> {
    sql::first(
        reader,
        "SELECT seq, at, line FROM facts WHERE endpoint = ?1 AND kind = 'status' ORDER BY seq DESC LIMIT 1",
        [endpoint.as_str()],
        |row| {
            Ok(FactRow {
                seq: row.get::<_, i64>(0)? as u64,
                at: sql::time(row.get(1)?),
                line: row.get(2)?,
            })
        },
    )
}

const KEPT_FROM: &str = "facts-kept-from";

/// Lets rows before `before` go; says how many. Everything else stays for ever.
pub fn forget(tx: &Tx<'_>, before: Time) -> Result<usize> {
    let first_kept = sql::first(
        tx,
        "SELECT seq FROM facts WHERE at >= ?1 ORDER BY seq LIMIT 1",
        [sql::micros(before)],
        |row| Ok(row.get::<_, i64>(0)?),
    )?;
    let first_kept = match first_kept {
        Some(seq) => seq,
        None => end(tx)?.0 as i64 + 1,
    };
    settings::set(tx, KEPT_FROM, &(first_kept as u64))?;
    sql::run(tx, "DELETE FROM facts WHERE seq < ?1", [first_kept])
}

/// The configuration a recording begins with, as the JSON of the `config` member; kept from the first start on.
pub fn config(reader: &Reader) -> Result<Option<serde_json::Value>> {
    settings::get(reader, "log-config")
}

/// Sets what a recording begins with. Changes after the first fact are facts themselves.
pub fn set_config(tx: &Tx<'_>, config: &serde_json::Value) -> Result<()> {
    settings::set(tx, "log-config", config)
}

/// A recording's time text.
pub fn stamp(at: Time) -> String {
    time::format(at)
}

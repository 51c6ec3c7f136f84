//! How values stand in columns: times as microseconds, closed words as their kebab-case text, records as JSON.

use chrono::DateTime;
use domain::time::Time;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// Microseconds since 1970.
pub(crate) fn micros(time: Time) -> i64 {
    time.timestamp_micros()
}

/// The time a column holds.
pub(crate) fn time(micros: i64) -> Time {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
}

/// A unit variant as its word.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value)? {
        serde_json::Value::String(text) => Ok(text),
        other => Err(Error::stored(format!("not a word: {other}"))),
    }
}

/// The variant of a word.
pub(crate) fn from_word<T: DeserializeOwned>(text: &str) -> Result<T> {
    Ok(serde_json::from_value(serde_json::Value::from(text))?)
}

/// A statement, compiled once for each connection.
pub(crate) fn prepared<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>> {
    #[cfg(test)]
    crate::plans::note(sql);
    Ok(connection.prepare_cached(sql)?)
}

/// All rows of a query.
pub(crate) fn all<T>(
    reader: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = prepared(reader, sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first row of a query, if any.
pub(crate) fn first<T>(
    reader: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = prepared(reader, sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// One number.
pub(crate) fn number(reader: &Connection, sql: &str, params: impl Params) -> Result<i64> {
    Ok(prepared(reader, sql)?
        .query_row(params, |row| row.get::<_, Option<i64>>(0))
        .optional()?
        .flatten()
        .unwrap_or(0))
}

/// Runs one statement and says how many rows it changed.
pub(crate) fn run(writer: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    Ok(prepared(writer, sql)?.execute(params)?)
}

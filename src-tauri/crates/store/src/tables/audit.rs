//! What the person decided and what became of it, for ever: a hash chain whose end is also kept in a small file
//! outside the database, so that rows cut off at the end are noticed as surely as rows that were changed.
//!
//! The hash is SHA-256 over the length-prefixed fields (previous hash, number, time, kind, subject, detail).

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use domain::time::{self, Time};
use rusqlite::params;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Reader, Result, Tx, sql};

/// Name of the file with the chain's end.
pub(crate) const HEAD_FILE: &str = "audit.head";
const BEFORE_ALL: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// `decided`, `delivery`, `undone`, …
    pub kind: String,
    /// What it is about, `endpoint/escalation`.
    pub subject: String,
    /// The rest, as JSON text; the exact bytes that were hashed.
    pub detail: String,
    /// Hash of the entry before.
    pub previous: String,
    /// Hash of this one.
    pub hash: String,
}

/// What a check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry fits, up to this number.
    Whole(i64),
    /// The first entry that does not fit the one before it.
    Broken(i64),
    /// Entries that were once there are gone from the end; the last one known outside had this number.
    Cut(i64),
}

/// The small file beside the database.
#[derive(Clone, Debug)]
pub struct Head {
    path: PathBuf,
}

impl Head {
    /// The one of a data folder.
    pub(crate) fn in_folder(dir: &Path) -> Self {
        Self {
            path: dir.join(HEAD_FILE),
        }
    }

    /// Number and hash, if the file is there and readable.
    pub fn read(&self) -> Option<(i64, String)> {
        let text = fs::read_to_string(&self.path).ok()?;
        let (seq, hash) = text.trim().split_once(' ')?;
        Some((seq.parse().ok()?, hash.to_owned()))
    }

    /// Replaces it, all or nothing.
    pub(crate) fn write(&self, seq: i64, hash: &str) -> io::Result<()> {
        let fresh = self.path.with_extension("head-new");
        let mut file = File::create(&fresh)?;
        writeln!(file, "{seq} {hash}")?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        #[cfg(unix)]
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }
}

fn hash(previous: &str, seq: i64, at: i64, kind: &str, subject: &str, detail: &str) -> String {
    let mut digest = Sha256::new();
    let (seq, at) = (seq.to_string(), at.to_string());
    for field in [previous, &seq, &at, kind, subject, detail] {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field.as_bytes());
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Number and hash of the last entry; (0, zeros) before the first.
pub fn end(reader: &Reader) -> Result<(i64, String)> {
    let last = sql::first(
        reader,
        "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(last.unwrap_or((0, BEFORE_ALL.to_owned())))
}

/// Adds an entry to the chain. The file outside follows after the commit.
pub fn append(
    tx: &Tx<'_>,
    at: Time,
    kind: &str,
    subject: &str,
    detail: &serde_json::Value,
) -> Result<i64> {
    let (last, previous) = end(tx)?;
    let seq = last + 1;
    let detail = serde_json::to_string(detail)?;
    let hash = hash(&previous, seq, sql::micros(at), kind, subject, &detail);
    sql::run(
        tx,
        "INSERT INTO audit (seq, at, kind, subject, detail, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![seq, sql::micros(at), kind, subject, detail, previous, hash],
    )?;
    tx.audit_end.replace(Some((seq, hash)));
    Ok(seq)
}

/// Entries of one subject, oldest first.
pub fn of_subject(reader: &Reader, subject: &str) -> Result<Vec<Entry>> {
    sql::all(
        reader,
        "SELECT seq, at, kind, subject, detail, previous, hash FROM audit WHERE subject = ?1 ORDER BY seq",
        [subject],
        read,
    )
}

/// When something of that kind was last noted of a subject.
pub fn last_of(reader: &Reader, subject: &str, kind: &str) -> Result<Option<Time>> {
    sql::first(
        reader,
        "SELECT at FROM audit WHERE subject = ?1 AND kind = ?2 ORDER BY seq DESC LIMIT 1",
        [subject, kind],
        |row| Ok(sql::time(row.get(0)?)),
    )
}

fn read(row: &rusqlite::Row<'_>) -> Result<Entry> {
    Ok(Entry {
        seq: row.get(0)?,
        at: sql::time(row.get(1)?),
        kind: row.get(2)?,
        subject: row.get(3)?,
        detail: row.get(4)?,
        previous: row.get(5)?,
        hash: row.get(6)?,
    })
}

/// Walks all entries, oldest first.
pub fn each(reader: &Reader, mut take: impl FnMut(Entry) -> Result<()>) -> Result<()> {
    let mut statement = sql::prepared(
        reader,
        "SELECT seq, at, kind, subject, detail, previous, hash FROM audit ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(read(row)?)?;
    }
    Ok(())
}

/// Checks the whole chain, and its end against the file outside.
pub fn verify(reader: &Reader, head: &Head) -> Result<Verdict> {
    let outside = head.read();
    let (mut last, mut previous, mut broken) = (0, BEFORE_ALL.to_owned(), None);
    each(reader, |entry| {
        let at = sql::micros(entry.at);
        let right = hash(
            &previous,
            last + 1,
            at,
            &entry.kind,
            &entry.subject,
            &entry.detail,
        );
        let known = outside
            .as_ref()
            .is_none_or(|(seq, hash)| *seq != entry.seq || *hash == entry.hash);
        let fits =
            entry.seq == last + 1 && entry.previous == previous && entry.hash == right && known;
        if !fits && broken.is_none() {
            broken = Some(entry.seq);
        }
        last = entry.seq;
        previous = entry.hash;
        Ok(())
    })?;
    Ok(match (broken, outside) {
        (Some(seq), _) => Verdict::Broken(seq),
        (None, Some((seq, _))) if seq > last => Verdict::Cut(seq),
        (None, _) => Verdict::Whole(last),
    })
}

/// The chain as JSON Lines, for keeping elsewhere; each line can be checked against the one before.
pub fn export(reader: &Reader) -> Result<String> {
    let mut text = String::new();
    each(reader, |entry| {
        let line = json!({
            "seq": entry.seq,
            "at": time::format(entry.at),
            "kind": entry.kind,
            "subject": entry.subject,
            "detail": entry.detail,
            "previous": entry.previous,
            "hash": entry.hash,
        });
        text.push_str(&line.to_string());
        text.push('\n');
        Ok(())
    })?;
    Ok(text)
}

/// After a crash between commit and file, the file is behind the database: it follows, but only forwards along the
/// chain, so that a cut or changed end stays visible.
pub(crate) fn catch_up(reader: &Reader, head: &Head) -> Result<()> {
    let (last, hash) = end(reader)?;
    let behind = match head.read() {
        None => last > 0,
        Some((seq, known)) => {
            seq < last
                && (seq == 0
                    || sql::first(
                        reader,
                        "SELECT hash FROM audit WHERE seq = ?1",
                        [seq],
                        |row| Ok(row.get::<_, String>(0)?),
                    )? == Some(known))
        }
    };
    if behind {
        // Best effort: the next commit of an entry writes it again.
        let _ = head.write(last, &hash);
    }
    Ok(())
}

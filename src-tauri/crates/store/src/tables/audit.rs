//! What the person decided and what became of it, for ever: a hash chain whose end is also kept in a small file
//! outside the database, so that rows cut off at the end are noticed as surely as rows that were changed. This finds
//! damage and careless edits; whoever has the account and computes a new chain with a new file is not found.
//!
//! The hash is SHA-256 over the length-prefixed fields (previous hash, number, time, kind, subject, detail).

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use domain::time::{self, Time};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    Error, Reader, Result, Tx,
    open::folder,
    private, sql,
    tables::{audited, settings},
};

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

impl Entry {
    pub(crate) fn raw(&self) -> Raw<'_> {
        Raw {
            seq: self.seq,
            kind: &self.kind,
            subject: &self.subject,
            detail: &self.detail,
            hash: self.hash.as_bytes(),
        }
    }
}

/// What a check of the record found. Where it is broken, the number is that of the first entry concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every entry fits, up to this number, and every stored decision is what its entries say.
    Whole(i64),
    /// The first entry that does not fit the one before it.
    Broken(i64),
    /// Entries that were once there are gone from the end; the last one known outside had this number.
    Cut(i64),
    /// There are this many entries, and the file outside is gone or is none.
    NoHead(i64),
    /// The entries fit each other, and the file outside knows another one of this number.
    OtherHead(i64),
    /// The database cannot be read from this entry on.
    Unreadable(i64),
    /// What was decided in this entry is not what is stored as decided, or is not stored any more.
    Decision(i64),
    /// After all entries, of this number: something is stored as decided that is in none.
    Unrecorded(i64),
}

impl Verdict {
    /// The number of the first entry that is not as it should be, of `rows`; where entries are gone from the end, the first
    /// that should be there. `None` when all is well.
    pub fn first_bad(&self, rows: i64) -> Option<i64> {
        match *self {
            Self::Whole(_) => None,
            Self::Cut(_) | Self::NoHead(_) => Some(rows + 1),
            Self::Broken(seq)
            | Self::OtherHead(seq)
            | Self::Unreadable(seq)
            | Self::Decision(seq)
            | Self::Unrecorded(seq) => Some(seq),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(0) => write!(f, "There were no entries to check."),
            Self::Whole(1) => write!(f, "The one entry is as it was written."),
            Self::Whole(rows) => write!(f, "All {rows} entries are as they were written."),
            Self::Broken(seq) => {
                write!(f, "Entry {seq} is gone or is not as it was written.")
            }
            Self::Cut(rows) => {
                write!(
                    f,
                    "Entries are gone from the end: there was an entry {rows}."
                )
            }
            Self::NoHead(_) => write!(
                f,
                "The file {HEAD_FILE} beside the database, which says where the entries end, is gone or cannot be read."
            ),
            Self::OtherHead(seq) => write!(
                f,
                "Entry {seq} is not the one that the file {HEAD_FILE} beside the database knows."
            ),
            Self::Unreadable(seq) => {
                write!(f, "The database is damaged: entry {seq} cannot be read.")
            }
            Self::Decision(seq) => write!(
                f,
                "What you decided in entry {seq} is not what is stored as decided, or is not stored any more."
            ),
            Self::Unrecorded(_) => {
                write!(f, "A decision is stored that no entry knows.")
            }
        }
    }
}

/// What the file outside says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    /// There is none.
    Absent,
    /// There is something else.
    Unreadable,
    /// So many entries, and the hash of the last of them.
    Known(i64, String),
}

/// The second form of the file. The first one was `number hash`; numbers have no gaps, so it said the same.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u32,
    rows: i64,
    hash: String,
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

    /// How many entries there are and the hash of the last one, if the file is there and readable.
    pub fn read(&self) -> Option<(i64, String)> {
        match self.outside() {
            Outside::Known(rows, hash) => Some((rows, hash)),
            Outside::Absent | Outside::Unreadable => None,
        }
    }

    pub(crate) fn outside(&self) -> Outside {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Outside::Absent,
            Err(_) => return Outside::Unreadable,
        };
        let said = match serde_json::from_str::<Written>(&text) {
            Ok(Written {
                version: 2,
                rows,
                hash,
            }) => Some((rows, hash)),
            Ok(_) => None,
            Err(_) => text
                .trim()
                .split_once(' ')
                .and_then(|(rows, hash)| Some((rows.parse().ok()?, hash.to_owned()))),
        };
        match said {
            Some((rows, hash)) if rows >= 0 && hash.len() == BEFORE_ALL.len() => {
                Outside::Known(rows, hash)
            }
            _ => Outside::Unreadable,
        }
    }

    /// Replaces it, all or nothing.
    fn write(&self, rows: i64, hash: &str) -> Result<()> {
        let text = serde_json::to_string(&Written {
            version: 2,
            rows,
            hash: hash.to_owned(),
        })?;
        self.replace(&text).map_err(folder)
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let fresh = self.path.with_extension("head-new");
        let mut file = private::options()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&fresh)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        #[cfg(unix)]
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }
}

/// 64 digits.
fn hash(previous: &[u8], seq: i64, at: i64, rest: [&[u8]; 3]) -> [u8; 64] {
    let mut digest = Sha256::new();
    let (seq, at) = (seq.to_string(), at.to_string());
    let [kind, subject, detail] = rest;
    for field in [
        previous,
        seq.as_bytes(),
        at.as_bytes(),
        kind,
        subject,
        detail,
    ] {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field);
    }
    let mut digits = [0; 64];
    for (byte, pair) in digest.finalize().iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    digits
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
    let rest = [kind.as_bytes(), subject.as_bytes(), detail.as_bytes()];
    let hash = hash(previous.as_bytes(), seq, sql::micros(at), rest);
    let hash = String::from_utf8_lossy(&hash);
    sql::run(
        tx,
        "INSERT INTO audit (seq, at, kind, subject, detail, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![seq, sql::micros(at), kind, subject, detail, previous, hash],
    )?;
    let first = tx.audit_first.get().unwrap_or(seq);
    tx.audit_first.set(Some(first));
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

/// One entry as it lies in the table, for as long as the walk stands on it.
pub(crate) struct Raw<'r> {
    pub(crate) seq: i64,
    pub(crate) kind: &'r str,
    pub(crate) subject: &'r str,
    pub(crate) detail: &'r str,
    pub(crate) hash: &'r [u8],
}

/// Goes through the chain from an entry to the end, and stops at the first one that does not fit the one before it:
/// `Err` of its number. `Ok` is the number of the last one. What is read wrong, as text that is none, does not fit.
pub(crate) fn walk(
    reader: &Reader,
    first: i64,
    mut take: impl FnMut(Raw<'_>) -> Result<()>,
) -> Result<std::result::Result<i64, Verdict>> {
    let (mut last, mut previous) = (
        first - 1,
        *BEFORE_ALL.as_bytes().first_chunk().unwrap_or(&[0; 64]),
    );
    let mut statement = sql::prepared(
        reader,
        "SELECT seq, at, kind, subject, detail, previous, hash FROM audit WHERE seq >= ?1 ORDER BY seq",
    )?;
    let begin = if first > 1 { first - 1 } else { i64::MIN };
    let mut rows = statement.query([begin])?;
    loop {
        let row = match rows.next().map_err(Error::from) {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(Ok(last)),
            Err(error) if error.is_damage() => return Ok(Err(Verdict::Unreadable(last + 1))),
            Err(error) => return Err(error),
        };
        let Some((seq, at, hash_before, raw)) = raw(row) else {
            return Ok(Err(Verdict::Broken(last + 1)));
        };
        if seq == first - 1 && first > 1 {
            // Where a walk begins within the chain, the entry before is believed.
            match raw.hash.first_chunk() {
                Some(known) => previous = *known,
                None => return Ok(Err(Verdict::Broken(seq))),
            }
            continue;
        }
        let rest = [raw.kind, raw.subject, raw.detail].map(str::as_bytes);
        let right = hash(&previous, last + 1, at, rest);
        if seq != last + 1 || hash_before != previous || raw.hash != right {
            return Ok(Err(Verdict::Broken(last + 1)));
        }
        take(raw)?;
        last = seq;
        previous = right;
    }
}

/// The columns as they are; `None` when one is not what it must be.
fn raw<'r>(row: &'r Row<'_>) -> Option<(i64, i64, &'r [u8], Raw<'r>)> {
    let number = |column: usize| row.get_ref(column).ok()?.as_i64().ok();
    let text = |column: usize| row.get_ref(column).ok()?.as_str().ok();
    let raw = Raw {
        seq: number(0)?,
        kind: text(2)?,
        subject: text(3)?,
        detail: text(4)?,
        hash: text(6)?.as_bytes(),
    };
    Some((raw.seq, number(1)?, text(5)?.as_bytes(), raw))
}

/// Checks the whole chain in one walk, its end against the file outside, and what is stored as decided against both.
pub fn verify(reader: &Reader, head: &Head) -> Result<Verdict> {
    // First the file: it follows the commits, so it is never ahead of what is read after it.
    let outside = head.outside();
    let mut other = None;
    let mut ledger = audited::Ledger::default();
    let walked = walk(reader, 1, |entry| {
        if let Outside::Known(rows, hash) = &outside
            && *rows == entry.seq
            && hash.as_bytes() != entry.hash
        {
            other = Some(entry.seq);
        }
        ledger.take(reader, &entry)
    });
    let last = match walked {
        Ok(Ok(last)) => last,
        Ok(Err(verdict)) => return Ok(verdict),
        // The table of decisions: the walk says by itself what it cannot read of its own.
        Err(error) if error.is_damage() => return Ok(Verdict::Unreadable(ledger.at + 1)),
        Err(error) => return Err(error),
    };
    if let Some(seq) = other {
        return Ok(Verdict::OtherHead(seq));
    }
    match outside {
        Outside::Known(rows, _) if rows > last => return Ok(Verdict::Cut(rows)),
        Outside::Known(0, hash) if hash != BEFORE_ALL => return Ok(Verdict::OtherHead(1)),
        Outside::Absent | Outside::Unreadable if last > 0 => return Ok(Verdict::NoHead(last)),
        _ if last == 0 && has_unrecorded_endpoints(reader)? => return Ok(Verdict::Cut(1)),
        _ => {}
    }
    match ledger.close(reader, last) {
        Err(error) if error.is_damage() => Ok(Verdict::Unreadable(last + 1)),
        found => Ok(found?.unwrap_or(Verdict::Whole(last))),
    }
}

/// Whoever added the first endpoint was recorded, but for the endpoints of stores that are older than that
/// (`migrations/0021_endpoints_before_record.sql`).
fn has_unrecorded_endpoints(reader: &Reader) -> Result<bool> {
    let older: Option<bool> = settings::get(reader, "endpoints-before-record")?;
    let endpoints = sql::number(reader, "SELECT count(*) FROM endpoints", [])?;
    Ok(endpoints > 0 && older.is_none())
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

/// The file follows the database, only forwards and only along the chain: after a crash between commit and file it is
/// behind, and that is no harm. `begins`: no entry is older than the file could be. In every other case a file that is
/// gone, ahead or of another chain stays as it is, so that a later check still finds it.
pub(crate) fn follow(reader: &Reader, head: &Head, begins: bool) -> Result<()> {
    let (last, hash) = end(reader)?;
    let moves = match head.outside() {
        Outside::Absent => begins || last == 0,
        Outside::Unreadable => false,
        Outside::Known(0, known) => last > 0 && known == BEFORE_ALL,
        Outside::Known(rows, known) => {
            let here = "SELECT hash FROM audit WHERE seq = ?1";
            rows < last
                && sql::first(reader, here, [rows], |row| Ok(row.get::<_, String>(0)?))?
                    == Some(known)
        }
    };
    if moves {
        // Best effort: the next commit of an entry writes it again.
        let _ = head.write(last, &hash);
    }
    Ok(())
}

/// Whether the file was ever opened since the head is made with it. In one that was not, a missing head is no sign.
pub(crate) fn is_headed(reader: &Reader) -> Result<bool> {
    let query = "SELECT count(*) FROM sqlite_schema WHERE name = 'audit_stopped'";
    let found: i64 = reader.query_row(query, [], |row| row.get(0))?;
    Ok(found > 0)
}

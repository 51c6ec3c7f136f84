//! Opening the data folder: one process owns it, the file is checked and brought to the newest schema, a damaged one
//! is set aside under its date (never deleted), and a newer one is refused.
//!
//! Does not know where the folder is: that is the caller's.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use chrono::SecondsFormat;
use domain::time::Time;
use rusqlite::{Connection, OpenFlags};

use crate::{
    Error, Reader, Result,
    error::is_too_many,
    migrate, private,
    tables::audit::{self, Head},
    writer::{Follower, Tx, Writer},
};

/// Name of the database in the folder.
pub(crate) const FILE: &str = "mission-control.db";
const LOCK: &str = "lock";
/// Older ones can lose a WAL commit (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;
/// Files up to this size are checked whole before they are opened, in some 100 ms at most; larger ones beside the work, by
/// whoever opened them (`Look::damage`).
const CHECKED_BYTES: u64 = 16 << 20;
/// While this file is there, the next start checks the database whatever its size.
const DOUBTED: &str = "database-is-damaged";

/// The open store. Clones share it; the folder is free again when the last one is gone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // Dropped in this order: the writer ends before the lock is let go.
    writer: Writer,
    readers: Mutex<Vec<Connection>>,
    dir: PathBuf,
    notice: Option<String>,
    is_checked: bool,
    lock: File,
}

impl Store {
    /// Opens the folder, making it when it is not there. `now` only names files that are set aside.
    pub fn open(dir: impl AsRef<Path>, now: Time) -> Result<Self> {
        let dir = dir.as_ref();
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(Error::OldSqlite(rusqlite::version()));
        }
        make_private(dir)?;
        let lock = take_lock(dir)?;
        let mut notice = None;
        let (
            connection,
            Found {
                is_older,
                is_checked,
            },
        ) = match open_file(dir, now) {
            Err(error) if error.is_damage() => {
                let name = set_aside(dir, now)?;
                notice = Some(format!(
                    "The database was damaged. It was set aside as {name}, and a new one was started."
                ));
                open_file(dir, now)?
            }
            other => other?,
        };
        audit::follow(&connection, &Head::in_folder(dir), is_older)?;
        let follower = Follower::start(reader(dir)?, Head::in_folder(dir))?;
        let writer = Writer::start(connection, follower)?;
        let inner = Inner {
            writer,
            readers: Mutex::default(),
            dir: dir.to_owned(),
            notice,
            is_checked,
            lock,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Something the person should know about the opening.
    pub fn notice(&self) -> Option<&str> {
        self.inner.notice.as_deref()
    }

    /// Whether the whole file was checked when it was opened. Where it was not, `Look::damage` does it beside the work.
    pub fn is_checked(&self) -> bool {
        self.inner.is_checked
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Bytes of the database with its log.
    pub fn bytes(&self) -> u64 {
        ["", "-wal"]
            .iter()
            .filter_map(|end| fs::metadata(self.inner.dir.join(format!("{FILE}{end}"))).ok())
            .map(|meta| meta.len())
            .sum()
    }

    /// Writes in one transaction and waits for it: all of it is on the disk, or none. Blocks: from async code use
    /// `write_then`, or a blocking thread.
    pub fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        self.write_then(change, move |result| {
            // The asker may be gone; the change stays made.
            let _ = tell.send(result);
        });
        told.recv().map_err(|_| Error::Closed)?
    }

    /// Queues a transaction and calls `done` on the writer thread after it was committed or rolled back. `done` must
    /// be short (send on a channel).
    pub fn write_then<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
        done: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        self.inner.writer.queue(change, done);
    }

    /// Reads at one moment, beside the writer.
    pub fn read<T>(&self, read: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        let pooled = self
            .inner
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => reader(&self.inner.dir)?,
        };
        let transaction = connection.transaction()?;
        let result = read(&transaction);
        transaction.finish()?;
        self.inner
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        result
    }

    /// The next start checks the whole file before anything is read, and sets it aside if it is damaged.
    pub fn doubt(&self) -> Result<()> {
        fs::write(self.inner.dir.join(DOUBTED), "").map_err(folder)
    }

    /// Writes what is queued and lets go of the folder, whoever still has a clone: from then on nothing can be written.
    pub fn close(&self) {
        self.inner.writer.end();
        // The file would be let go of with the last clone anyway.
        let _ = self.inner.lock.unlock();
    }

    /// A whole copy of the database as a file of its own.
    pub fn backup(&self, to: &Path) -> Result<()> {
        copy(&reader(&self.inner.dir)?, to)
    }

    /// Where the head of the audit chain is kept outside the database.
    pub fn audit_head(&self) -> Head {
        Head::in_folder(&self.inner.dir)
    }
}

fn reader(dir: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(dir.join(FILE), flags)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "trusted_schema", false)?;
    // There are several of them; what was read before is in the system's cache too.
    connection.pragma_update(None, "cache_size", -512)?;
    Ok(connection)
}

/// Writes a whole copy for this user alone.
pub(crate) fn copy(connection: &Connection, to: &Path) -> Result<()> {
    // SQLite goes on in an empty file, and refuses to write over any other.
    private::make_empty(to).map_err(folder)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}

/// A time that can stand in a file name.
pub(crate) fn stamp(now: Time) -> String {
    now.to_rfc3339_opts(SecondsFormat::Secs, true)
        .replace(':', "-")
}

pub(crate) fn folder(error: io::Error) -> Error {
    let words = match error.kind() {
        _ if is_too_many(&error) => {
            "too many files are open on this computer. Close other programs and try again"
        }
        io::ErrorKind::PermissionDenied => {
            "you may not write there. Choose another data folder, or change who may write to this one"
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "it is not a folder. Choose another data folder"
        }
        io::ErrorKind::StorageFull => "the disk is full. Make room, or choose another data folder",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only. Choose another data folder",
        _ => "the disk does not answer as it should. Choose another data folder",
    };
    Error::Folder(error, words.to_owned())
}

/// Makes the folder when it is not there, and closes what lies in it to others. A folder of another user is refused, and
/// so is a database that lies elsewhere.
fn make_private(dir: &Path) -> Result<()> {
    private::make_folder(dir).map_err(folder)?;
    #[cfg(unix)]
    private::is_ours(dir, &fs::metadata(dir).map_err(folder)?)?;
    for name in [LOCK, audit::HEAD_FILE] {
        private::close(&dir.join(name))?;
    }
    for end in ["", "-wal", "-shm"] {
        private::close(&dir.join(format!("{FILE}{end}")))?;
    }
    Ok(())
}

fn take_lock(dir: &Path) -> Result<File> {
    let lock = private::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))
        .map_err(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Locked),
        Err(TryLockError::Error(error)) => Err(folder(error)),
    }
}

/// What was seen of a file before it was opened for work.
struct Found {
    /// Of a time when the audit's head could be missing.
    is_older: bool,
    /// The whole file was checked.
    is_checked: bool,
}

fn open_file(dir: &Path, now: Time) -> Result<(Connection, Found)> {
    let path = dir.join(FILE);
    private::make_empty(&path).map_err(folder)?;
    let mut connection = Connection::open(&path)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    let doubted = dir.join(DOUBTED);
    let is_doubted = doubted.exists();
    let is_checked = is_doubted || fs::metadata(&path).map_err(folder)?.len() <= CHECKED_BYTES;
    if is_doubted {
        fs::remove_file(doubted).map_err(folder)?;
    }
    if is_checked && let Some(answer) = damage(&connection)? {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(answer),
        )
        .into());
    }
    let is_older = !audit::is_headed(&connection)?;
    migrate::migrate(&mut connection, dir, now)?;
    let found = Found {
        is_older,
        is_checked,
    };
    Ok((connection, found))
}

/// What SQLite finds wrong with the whole file, in its own words.
pub(crate) fn damage(connection: &Connection) -> Result<Option<String>> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((answer != "ok").then_some(answer))
}

/// Renames the database, its log and the head of its audit, so that a new one can start beside them.
fn set_aside(dir: &Path, now: Time) -> Result<String> {
    let name = format!("damaged-{}.db", stamp(now));
    for end in ["", "-wal", "-shm"] {
        let from = dir.join(format!("{FILE}{end}"));
        if from.exists() {
            fs::rename(from, dir.join(format!("{name}{end}"))).map_err(folder)?;
        }
    }
    let head = dir.join(audit::HEAD_FILE);
    if head.exists() {
        fs::rename(head, dir.join(format!("{name}.{}", audit::HEAD_FILE))).map_err(folder)?;
    }
    Ok(name)
}

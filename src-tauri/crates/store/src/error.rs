//! What can go wrong with the file, in words that a person may read. Raw errors are kept as sources for the log only.

use std::{fmt, fs::File, io, path::PathBuf};

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stands in the way of reading or writing. None of it is the fault of what was to be written: once it is gone, the
/// same can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// No space is left.
    Full,
    /// Nothing may be written there.
    ReadOnly,
    /// This process, or the computer, has as many files open as it may.
    TooManyFiles,
    /// Another program holds the file.
    Busy,
    /// The disk said that it could not read or write.
    Failing,
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "The disk is full.",
            Self::ReadOnly => "The data folder is read-only.",
            Self::TooManyFiles => "Too many files are open on this computer.",
            Self::Busy => "Another program holds the database.",
            Self::Failing => "The disk does not read or write as it should.",
        })
    }
}

impl Hindrance {
    fn of(error: &rusqlite::Error) -> Option<Self> {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code()? {
            Code::DiskFull => Some(Self::Full),
            Code::ReadOnly | Code::PermissionDenied => Some(Self::ReadOnly),
            Code::DatabaseBusy | Code::DatabaseLocked => Some(Self::Busy),
            // SQLite does not say why a file could not be opened; whether any can be is seen by opening one.
            Code::CannotOpen | Code::SystemIoFailure if none_can_be_opened() => {
                Some(Self::TooManyFiles)
            }
            Code::CannotOpen | Code::SystemIoFailure | Code::FileLockingProtocolFailed => {
                Some(Self::Failing)
            }
            _ => None,
        }
    }
}

/// `EMFILE` and `ENFILE` have these numbers on every Unix.
pub(crate) fn is_too_many(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

fn none_can_be_opened() -> bool {
    File::open(".").is_err_and(|error| is_too_many(&error))
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the folder.
    #[error(
        "Mission Control is already running with this data folder. Close it first, or choose another data folder."
    )]
    Locked,
    /// Nothing was ever kept here.
    #[error("There is no data of Mission Control in this folder.")]
    Absent,
    /// An earlier version wrote it, and only looking was asked for.
    #[error(
        "This data folder was written by an older Mission Control (format {found}; this one reads {known}). Start Mission Control once to bring it up to date."
    )]
    Older {
        /// Format of the file.
        found: i64,
        /// Format that is read here.
        known: i64,
    },
    /// A later version wrote it.
    #[error(
        "This data folder was written by a newer Mission Control (format {found}; this one knows {known}). Install the newer version, or choose another data folder."
    )]
    Newer {
        /// Format of the file.
        found: i64,
        /// Newest format known here.
        known: i64,
    },
    /// Some other program's database.
    #[error("{0} belongs to another program. Choose another data folder.")]
    Foreign(PathBuf),
    /// Somebody else could read or exchange what is kept there.
    #[error(
        "{0} belongs to another user of this computer. Choose a data folder of your own, or make this one yours."
    )]
    OfAnother(PathBuf),
    /// A link or a folder stands where a file of ours should be: what it leads to is not touched.
    #[error(
        "{0} is not a file, but a link or a folder. Put the file itself there, or choose another data folder."
    )]
    NotAFile(PathBuf),
    /// SQLite itself is too old to be trusted with the WAL.
    #[error("SQLite {0} is too old; 3.51.3 is needed.")]
    OldSqlite(&'static str),
    /// Folder or file.
    #[error("The data folder cannot be used: {1}.")]
    Folder(#[source] io::Error, String),
    /// What it lies on does not let us.
    #[error("{0}")]
    Disk(Hindrance, #[source] rusqlite::Error),
    /// The file itself is broken.
    #[error(
        "The database is damaged. The next start of Mission Control sets it aside and begins a new one."
    )]
    Damaged(#[source] rusqlite::Error),
    /// The database refused.
    #[error("The database could not do this.")]
    Database(#[source] rusqlite::Error),
    /// What was stored cannot be read as what it should be.
    #[error("A stored entry could not be read.")]
    Stored(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The log of facts goes forward only.
    #[error("A fact came before the last one in the log.")]
    Backwards,
    /// The writer is gone.
    #[error("The store is closed.")]
    Closed,
    /// A closure given to the writer panicked; its transaction was rolled back.
    #[error("An internal error stopped this change; nothing of it was saved.")]
    Panicked,
}

impl Error {
    /// A stored value that cannot be read.
    pub(crate) fn stored(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Stored(error.into())
    }

    /// Whoever read was told to stop.
    pub fn is_interrupted(&self) -> bool {
        use rusqlite::ErrorCode::OperationInterrupted;
        matches!(self, Self::Database(error) if error.sqlite_error_code() == Some(OperationInterrupted))
    }

    /// The file itself is broken, so that it must be set aside.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged(_))
    }

    /// Nothing else can be written now either, whatever it is.
    pub fn stops_all(&self) -> bool {
        matches!(self, Self::Disk(..) | Self::Folder(..) | Self::Closed) || self.is_damage()
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let is_damage = matches!(
            error.sqlite_error_code(),
            Some(DatabaseCorrupt | NotADatabase)
        );
        match Hindrance::of(&error) {
            Some(why) => Self::Disk(why, error),
            None if is_damage => Self::Damaged(error),
            None => Self::Database(error),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::stored(error)
    }
}

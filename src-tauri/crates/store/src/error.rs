//! What can go wrong with the file, in words that a person may read. Raw errors are kept as sources for the log only.

use std::{io, path::PathBuf};

/// Result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the folder.
    #[error("Mission Control is already running with this data folder.")]
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
    #[error("{0} belongs to another program.")]
    Foreign(PathBuf),
    /// SQLite itself is too old to be trusted with the WAL.
    #[error("SQLite {0} is too old; 3.51.3 is needed.")]
    OldSqlite(&'static str),
    /// Folder or file.
    #[error("The data folder could not be used: {1}.")]
    Folder(#[source] io::Error, String),
    /// The database refused.
    #[error("The database could not do this.")]
    Database(#[from] rusqlite::Error),
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
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(self, Self::Database(error) if matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::stored(error)
    }
}

//! Looking into a data folder that another process may own: no lock, nothing made, nothing changed, nothing upgraded.
//!
//! For commands that print what is stored. Whoever writes opens a [`crate::Store`].

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::{
    Error, Reader, Result, migrate,
    open::{self, FILE, folder},
    tables::audit::Head,
};

/// An open look.
pub struct Look {
    connection: Connection,
    dir: PathBuf,
}

impl Look {
    /// Opens what is there.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let path = dir.join(FILE);
        if !path.try_exists().map_err(folder)? {
            return Err(Error::Absent);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        migrate::is_newest(&connection, dir)?;
        Ok(Self {
            connection,
            dir: dir.to_owned(),
        })
    }

    /// Reads at one moment, beside whoever writes.
    pub fn read<T>(&mut self, read: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        let transaction = self.connection.transaction()?;
        let result = read(&transaction);
        transaction.finish()?;
        result
    }

    /// What SQLite finds wrong with the whole file, in its own words. Reads all of it.
    pub fn damage(&mut self) -> Result<Option<String>> {
        match open::damage(&self.connection) {
            Err(error) if error.is_damage() => Ok(Some(error.to_string())),
            other => other,
        }
    }

    /// Ends a long read from another thread.
    pub fn interrupter(&self) -> rusqlite::InterruptHandle {
        self.connection.get_interrupt_handle()
    }

    /// Where the head of the audit chain is kept outside the database.
    pub fn audit_head(&self) -> Head {
        Head::in_folder(&self.dir)
    }
}

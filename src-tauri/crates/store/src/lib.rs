//! What is remembered: one SQLite file in one folder that one process owns. The log of facts is the truth, the tables
//! beside it are derived from it by [`apply`]; decisions and their audit are kept for ever.
//!
//! One thread writes, readers read beside it. Nothing here decides anything: rules live in `domain`, and what a screen
//! shows is put together in `engine`.

mod apply;
mod breakpoint;
mod error;
mod look;
mod migrate;
mod open;
#[cfg(test)]
mod plans;
pub mod private;
mod sql;
pub mod tables;
mod writer;

pub use apply::{apply, apply_all};
pub use breakpoint::breakpoint;
pub use error::{Error, Hindrance, Result};
pub use look::Look;
pub use open::Store;
pub use rusqlite::InterruptHandle;
pub use writer::Tx;

/// A read connection within one transaction: everything read through it belongs to one moment.
pub type Reader = rusqlite::Connection;

/// The version of the SQLite that is built in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

//! `missionctl record`: the log of facts as a recording. Row n of the log is line n+1, so that evidence of the running
//! app and of a replay point to the same lines; rows that went by age leave blank lines.

use std::path::Path;

use domain::fact::one_line;
use serde_json::json;
use store::{Look, tables::facts};

use crate::{Failure, everywhere::Everywhere, out::Lines};

/// Prints the recording, also while the app is running.
pub(crate) fn run(everywhere: &Everywhere) -> Result<(), Failure> {
    let mut look = look(everywhere)?;
    let mut out = Lines::new();
    // What stops the printing is kept beside the reading: a reader that went away is no fault of the store.
    let mut stopped = None;
    let read = look.read(|reader| {
        let config = facts::config(reader)?.unwrap_or_else(|| json!({}));
        stopped = out.json(&json!({ "config": config })).err();
        let mut next = 1;
        facts::each(reader, 0, |row| {
            let mut print = || -> Result<(), Failure> {
                for _ in next..row.seq {
                    out.text("")?;
                }
                out.text(&one_line(&row.line))
            };
            if stopped.is_none() {
                stopped = print().err();
            }
            next = row.seq + 1;
            match stopped {
                None => Ok(()),
                Some(_) => Err(store::Error::Closed),
            }
        })
    });
    match stopped {
        Some(failure) => return Err(failure),
        None => read.map_err(unusable)?,
    }
    out.flush()
}

/// What is stored, for reading.
pub(crate) fn look(everywhere: &Everywhere) -> Result<Look, Failure> {
    let folder = everywhere.folder()?;
    Look::open(&folder).map_err(|error| unopened(&folder, &error))
}

/// A data folder that cannot be opened, and which it was: it may have come from the environment.
pub(crate) fn unopened(folder: &Path, error: &store::Error) -> Failure {
    Failure::Unusable(format!("{}: {}", folder.display(), sentence(error)))
}

pub(crate) fn unusable(error: store::Error) -> Failure {
    Failure::Unusable(sentence(&error))
}

/// With the cause, which scripts' authors need.
fn sentence(error: &store::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    }
}

//! Printing: results on stdout, everything else on stderr. A reader that goes away ends us quietly; a full disk does not.

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::Failure;

/// Results, line by line.
pub(crate) struct Lines {
    out: BufWriter<StdoutLock<'static>>,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            out: BufWriter::new(io::stdout().lock()),
        }
    }

    /// One line of text.
    pub(crate) fn text(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(self.out, "{line}").map_err(failed)
    }

    /// One line of JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(|error| {
            Failure::Unusable(format!("a result cannot be written as JSON: {error}"))
        })?;
        self.text(&line)
    }

    /// Hands over what was printed so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(failed)
    }
}

fn failed(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Unusable(format!("The output cannot be written: {error}.")),
    }
}

/// One line on stderr; nobody may be reading it.
pub(crate) fn complain(why: &str) {
    let _ = writeln!(io::stderr(), "missionctl: {}", plain(why));
}

/// Text of an agent for one line of a terminal: nothing hidden, nothing that moves the cursor.
pub(crate) fn plain(text: &str) -> String {
    domain::text::visible(text)
        .text
        .replace(['\n', '\r', '\t'], " ")
}

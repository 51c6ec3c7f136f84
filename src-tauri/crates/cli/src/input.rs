//! Reading what was named on the command line: a file, or "-" for the standard input, as text.

use std::{
    io::{self, Read},
    path::Path,
};

use domain::fact::LineError;

use crate::Failure;

/// The bytes of a file or of the standard input.
pub(crate) fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    if file.as_os_str() == "-" {
        let mut bytes = vec![];
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(file)
    }
    .map_err(|error| Failure::Unusable(format!("{} cannot be read: {error}.", file.display())))
}

/// The text of a file or of the standard input.
pub(crate) fn text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(file)?).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(good);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Failure::Unusable(format!(
            "{}, line {line}: this is not UTF-8 text.",
            file.display()
        ))
    })
}

/// A line of a recording that cannot be read.
pub(crate) fn bad_line(file: &Path, error: &LineError) -> Failure {
    let name = file.display();
    Failure::Unusable(format!("{name}, line {}: {}", error.line, error.message))
}

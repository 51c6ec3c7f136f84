//! `missionctl schema`: the JSON Schema of a status document, as published.

use crate::{Failure, out::Lines};

/// Prints it.
pub(crate) fn run() -> Result<(), Failure> {
    let mut out = Lines::new();
    out.text(domain::contract::SCHEMA.trim_end())?;
    out.flush()
}

//! `cargo xtask bench [PART]`: what the app costs, as ratios to a peer measured in the same run. Absolute figures of a busy
//! computer say nothing, so none of them is a limit.

mod board;
mod pairs;
mod processes;
mod rules;
mod window;

use crate::step::{self, Outcome};

pub(crate) const PARTS: &str = "rules, board, paint, window";

/// One part by its name, or all of them.
pub(crate) fn bench(part: Option<&str>) -> Outcome {
    let root = step::root()?;
    match part {
        None => {
            rules::measure(&root)?;
            board::measure(&root)?;
            board::paint(&root)?;
            window::measure(&root)
        }
        Some("rules") => rules::measure(&root),
        Some("board") => board::measure(&root),
        Some("paint") => board::paint(&root),
        Some("window") => window::measure(&root),
        Some(other) => Err(format!(
            "There is no {other} to measure; there is: {PARTS}."
        )),
    }
}

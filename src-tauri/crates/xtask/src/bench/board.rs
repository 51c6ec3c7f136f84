//! What one change costs the real window from the agent's answer to the drawn card, with a board of 20,000 tasks against one
//! of 200 in the same run. The walk that measures is in `tests/desktop/board.rs`; with fewer changes it is part of every
//! check. Linux only, like all walks.

use crate::{
    screens,
    step::{Outcome, cargo, step},
    system,
};
use std::path::Path;

/// Changes of each board, one after the other.
const CHANGES: &str = "100";

pub(crate) fn measure(root: &Path) -> Outcome {
    system::install(system::Need::Test)?;
    screens::install(root)?;
    screens::build(root)?;
    let walk = [
        "test",
        "--release",
        "--package",
        "mission-control",
        "--test",
        "desktop",
        "board::",
        "--",
        "--nocapture",
    ];
    step(
        "One change on a board of 200 and of 20,000 tasks",
        cargo(root, &walk).env("MISSION_CONTROL_CHANGES", CHANGES),
    )
}

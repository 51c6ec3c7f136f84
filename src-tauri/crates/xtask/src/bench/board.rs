//! What one change costs the real window from the agent's answer to the drawn card, with a board of 20,000 tasks against one
//! of 200 in the same run; and what a finding costs there. The walks that measure are in `tests/desktop/{board,paint}.rs`;
//! with fewer changes they are part of every check. Linux only, like all walks.

use crate::{
    screens,
    step::{Outcome, cargo, step},
    system,
};
use std::path::Path;

/// Changes, one after the other.
const CHANGES: &str = "100";

pub(crate) fn measure(root: &Path) -> Outcome {
    walk(
        root,
        "board::",
        "One change on a board of 200 and of 20,000 tasks",
    )
}

/// What a finding costs from the bytes of the agent's answer to the drawn card, beside a change that concerns no rule.
pub(crate) fn paint(root: &Path) -> Outcome {
    walk(root, "paint::", "A finding and an empty change, drawn")
}

fn walk(root: &Path, name: &str, title: &str) -> Outcome {
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
        name,
        "--",
        "--nocapture",
    ];
    step(
        title,
        cargo(root, &walk).env("MISSION_CONTROL_CHANGES", CHANGES),
    )
}

//! What the rules, the log and the board cost as the fleet grows: the engine's own bench, each step at few and at many tasks.
//! Runs on one core anywhere; what is compared was measured in the same run.

use std::path::Path;

use crate::step::{Outcome, cargo, step};

pub(crate) fn measure(root: &Path) -> Outcome {
    let bench = [
        "bench",
        "--quiet",
        "--package",
        "engine",
        "--bench",
        "scale",
    ];
    step(
        "The rules, the log and the board at few and at many tasks",
        &mut cargo(root, &bench),
    )
}

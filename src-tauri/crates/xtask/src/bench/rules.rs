//! What the rules, the log and the board cost as the fleet grows: the engine's own bench, each step at few and at many tasks.
//! Runs on one core anywhere; what is compared was measured in the same run.

use std::path::Path;

use crate::step::{Outcome, cargo, step};

pub(crate) fn measure(root: &Path) -> Outcome {
    let bench = |package: &str, name: &str| {
        let arguments = ["bench", "--quiet", "--package", package, "--bench", name];
        cargo(root, &arguments)
    };
    step(
        "The rules, the log and the board at few and at many tasks",
        &mut bench("engine", "scale"),
    )?;
    step(
        "The rules as history grows, beside a bare check for overlaps",
        &mut bench("domain", "facts"),
    )
}

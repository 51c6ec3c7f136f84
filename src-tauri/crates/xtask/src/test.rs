//! `cargo xtask test`: every check, in the order in which a mistake is found soonest. `.ci/run` runs exactly this.

use crate::{
    programs, screens,
    step::{self, Outcome, cargo, program, step},
    system,
};
use std::{path::Path, time::Instant};

const GENERATED: &str = "ui/src/api/generated";

pub(crate) fn test(long: bool) -> Outcome {
    let start = Instant::now();
    let root = step::root()?;
    step(
        "Rust: format",
        &mut cargo(&root, &["fmt", "--all", "--check"]),
    )?;
    system::install(system::Need::Test)?;
    screens::install(&root)?;
    // The app's binary contains the screens.
    screens::build(&root)?;
    step::together(&[
        &|| screens::check(&root).and_then(|()| screens::walk(&root)),
        &|| rust(&root, long),
    ])?;
    generated_files_are_fresh(&root)?;
    println!("\nAll checks passed in {} s.", start.elapsed().as_secs());
    Ok(())
}

fn rust(root: &Path, long: bool) -> Outcome {
    let lints = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    step("Rust: lints", &mut cargo(root, &lints))?;
    let examples = ["test", "--workspace", "--doc"];
    step("Rust: examples", &mut cargo(root, &examples))?;
    programs::run(root, long)
}

/// The servers of others, from PyPI and npm, driven through the connectors, the engine and the command line.
pub(crate) fn real() -> Outcome {
    let root = step::root()?;
    system::install(system::Need::Test)?;
    let tests = [
        "test",
        "--package",
        "agents",
        "--package",
        "engine",
        "--test",
        "real",
    ];
    let mut tests = cargo(&root, &tests);
    programs::many_at_once(&mut tests);
    step("Real agent servers", &mut tests)?;
    let tests = [
        "test",
        "--package",
        "cli",
        "--test",
        "missionctl",
        "--",
        "a2a",
        "opencode",
    ];
    let mut tests = cargo(&root, &tests);
    programs::many_at_once(&mut tests);
    step("Real agent servers, from the command line", &mut tests)
}

/// The tests write the screens' types; a difference means that they were not committed. A source archive without a
/// history cannot tell, and is not checked.
fn generated_files_are_fresh(root: &Path) -> Outcome {
    if !root.join(".git").exists() {
        return Ok(());
    }
    println!("==> Generated types of the screens: fresh?");
    let ask = |arguments: &[&str]| {
        step::output(
            program("git", arguments)
                .args(["--", GENERATED])
                .current_dir(root),
        )
        .ok_or_else(|| "git did not answer.".to_owned())
    };
    let changed = ask(&["diff", "--name-only"])?;
    let added = ask(&["ls-files", "--others", "--exclude-standard"])?;
    if changed.is_empty() && added.is_empty() {
        return Ok(());
    }
    Err(format!(
        "The tests have just written these files anew; look at them and commit them:\n{changed}{added}"
    ))
}

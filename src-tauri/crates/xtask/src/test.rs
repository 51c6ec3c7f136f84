//! `cargo xtask test`: every check, in the order in which a mistake is found soonest. `.ci/run` runs exactly this.

use crate::{
    screens,
    step::{self, Outcome, cargo, program, step},
    system,
};
use std::{num::NonZero, path::Path, process::Command, time::Instant};

const GENERATED: &str = "ui/src/api/generated";
const APP: &str = "mission-control";

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

/// Everything is compiled first. Then what mostly waits for windows and servers runs beside what computes.
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
    step(
        "Rust: build",
        &mut cargo(root, &["test", "--workspace", "--no-run"]),
    )?;
    let tests = |title: &str, packages: &[&str]| {
        let mut tests = cargo(root, &["test", "--no-fail-fast"]);
        tests.args(packages);
        many_at_once(&mut tests);
        if long {
            tests.env("MISSION_CONTROL_LONG", "1");
        }
        step::tests(title, &mut tests)
    };
    step::together(&[
        &|| tests("Rust: app", &["--package", APP]),
        &|| tests("Rust: engine", &["--package", "engine"]),
        &|| {
            let others = ["--workspace", "--exclude", APP, "--exclude", "engine"];
            tests("Rust: others", &others)
        },
    ])
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
    many_at_once(&mut tests);
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
    many_at_once(&mut tests);
    step("Real agent servers, from the command line", &mut tests)
}

/// Most tests wait for servers, windows and clocks, and not for a processor.
fn many_at_once(tests: &mut Command) {
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        tests.env("RUST_TEST_THREADS", (2 * processors).to_string());
    }
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

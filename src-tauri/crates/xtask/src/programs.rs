//! The test programs: all are built first and then run several at a time, since most wait for windows, servers and clocks.
//! Each runs as `cargo test` would run it; `cargo test` itself, asked for a part of the workspace, would compile it again
//! with the features of that part.

use std::{
    io::{Read, Write},
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::step::{Outcome, cargo};

/// Those that take longest; they begin first.
const LONG: [&str; 2] = ["desktop", "real"];

/// One test program.
struct Program {
    /// Its package's folder and its target, as `engine real`.
    name: String,
    path: PathBuf,
    /// Of its package, where it runs.
    folder: PathBuf,
}

/// Twice as many tests of a program at once as there are processors.
pub(crate) fn many_at_once(tests: &mut Command) {
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        tests.env("RUST_TEST_THREADS", (2 * processors()).to_string());
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Builds and runs all of the workspace, and says at the end in one list what failed.
pub(crate) fn run(root: &Path, long: bool) -> Outcome {
    let mut waiting = built(root)?;
    // The next one is taken from the end.
    waiting.sort_by_key(|program| LONG.iter().any(|long| program.name.ends_with(long)));
    let (waiting, failed) = (Mutex::new(waiting), Mutex::new(vec![]));
    std::thread::scope(|scope| {
        for _ in 0..=processors() {
            scope.spawn(|| {
                loop {
                    let next = lock(&waiting).pop();
                    let Some(program) = next else { break };
                    let failures = program.run(long);
                    lock(&failed).extend(failures);
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "These tests failed:\n    {}",
            failed.join("\n    ")
        )),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn built(root: &Path) -> Result<Vec<Program>, String> {
    println!("==> Rust: build");
    let start = Instant::now();
    let arguments = [
        "test",
        "--workspace",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ];
    let output = cargo(root, &arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("Rust: cargo did not run: {error}."))?;
    let seconds = start.elapsed().as_secs();
    if !output.status.success() {
        return Err(format!("Rust: build: failed after {seconds} s."));
    }
    println!("    Rust: build: done in {seconds} s");
    let told = String::from_utf8_lossy(&output.stdout);
    Ok(told.lines().filter_map(program).collect())
}

/// The test program that a line of Cargo's messages tells of.
fn program(line: &str) -> Option<Program> {
    // The profile's; targets have a member of this name, too.
    let is_test = line.contains(r#""test":true},"features""#);
    let path = PathBuf::from(text(line, "executable").filter(|_| is_test)?);
    let folder = Path::new(text(line, "manifest_path")?).parent()?.to_owned();
    let package = folder.file_name()?.to_string_lossy().into_owned();
    let target = text(line.split_once(r#""target":"#)?.1, "name")?;
    Some(Program {
        name: format!("{package} {target}"),
        path,
        folder,
    })
}

/// A member of text, of JSON without blanks. No path here has signs that JSON escapes.
fn text<'l>(line: &'l str, member: &str) -> Option<&'l str> {
    let (_, value) = line.split_once(&format!(r#""{member}":""#))?;
    value.split_once('"').map(|(value, _)| value)
}

impl Program {
    /// What failed. Its output is passed on in one piece, as others run beside it.
    fn run(&self, long: bool) -> Vec<String> {
        let name = &self.name;
        println!("    {name}: runs");
        let start = Instant::now();
        let (succeeded, output) = match self.output(long) {
            Ok(ended) => ended,
            Err(error) => return vec![format!("{name}: it did not run: {error}")],
        };
        let piece = format!(
            "==> Rust: tests: {name}\n{output}    {name}: {} s\n",
            start.elapsed().as_secs()
        );
        // Where nobody reads any more, nobody wants to know.
        let _ = std::io::stdout().write_all(piece.as_bytes());
        let failed = output.lines().filter_map(failed_test);
        let mut failed: Vec<String> = failed.map(|test| format!("{name}: {test}")).collect();
        if !succeeded && failed.is_empty() {
            failed.push(format!("{name}: it broke off"));
        }
        failed
    }

    fn output(&self, long: bool) -> std::io::Result<(bool, String)> {
        let (mut output, input) = std::io::pipe()?;
        let mut command = Command::new(&self.path);
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input);
        many_at_once(&mut command);
        if long {
            command.env("MISSION_CONTROL_LONG", "1");
        }
        let mut child = command.spawn()?;
        // The pipe ends when nobody holds its other end.
        drop(command);
        let mut said = vec![];
        output.read_to_end(&mut said)?;
        Ok((
            child.wait()?.success(),
            String::from_utf8_lossy(&said).into_owned(),
        ))
    }
}

/// The name of the test that a line says failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_failed_is_known_by_its_line() {
        assert_eq!(failed_test("test a::b ... FAILED"), Some("a::b"));
        for line in ["test a::b ... ok", "test result: FAILED. 1 passed", ""] {
            assert_eq!(failed_test(line), None, "{line}");
        }
    }

    #[test]
    fn a_test_program_is_known_by_cargos_message() {
        let message = |test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/here/crates/engine/Cargo.toml","target":{{"kind":["test"],"name":"real","test":true}},"profile":{{"opt_level":"0","test":{test}}},"features":[],"executable":{executable},"fresh":true}}"#
            )
        };
        let found = program(&message(true, r#""/target/real-1""#)).expect("a program");
        assert_eq!(found.name, "engine real");
        assert_eq!(found.path, Path::new("/target/real-1"));
        assert_eq!(found.folder, Path::new("/here/crates/engine"));
        assert!(program(&message(false, r#""/target/app""#)).is_none());
        assert!(program(&message(true, "null")).is_none());
    }
}

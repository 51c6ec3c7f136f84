//! Running one command with a line before and a line after it. A failed command ends the run with its name.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Instant,
};

/// Why a run ended, as a sentence for the person at the terminal.
pub(crate) type Outcome = Result<(), String>;

/// The top folder of the repository, wherever the binary was compiled.
pub(crate) fn root() -> Result<PathBuf, String> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .ok_or("Start this with `cargo xtask`, which knows where the repository is.")?;
    here.ancestors()
        .nth(3)
        .map(Path::to_path_buf)
        .ok_or_else(|| "The repository's top folder was not found.".to_owned())
}

/// Cargo as it was started, so that a toolchain override stays in force.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    command
}

/// A program of the PATH. On Windows npm is a script, which only the command interpreter can start.
pub(crate) fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = if cfg!(windows) && name == "npm" {
        let mut command = Command::new("cmd");
        command.args(["/C", "npm"]);
        command
    } else {
        Command::new(name)
    };
    command.args(arguments);
    command
}

/// Runs a command with its output on the terminal.
pub(crate) fn step(title: &str, command: &mut Command) -> Outcome {
    ended(title, command, |command| command.status())
}

fn ended(
    title: &str,
    command: &mut Command,
    run: impl FnOnce(&mut Command) -> std::io::Result<ExitStatus>,
) -> Outcome {
    println!("==> {title}");
    let start = Instant::now();
    let status = run(command)
        .map_err(|error| format!("{title}: {} did not run: {error}.", name_of(command)))?;
    let seconds = start.elapsed().as_secs();
    if status.success() {
        println!("    {title}: done in {seconds} s");
        Ok(())
    } else {
        Err(format!("{title}: failed after {seconds} s ({status})."))
    }
}

/// Runs tests that go on after a failure, and says at the end in one list what failed. Others may run at the same time, so
/// what one test program printed is passed on in one piece.
pub(crate) fn tests(title: &str, command: &mut Command) -> Outcome {
    let mut failed = vec![];
    let outcome = ended(title, command, |command| {
        let (output, input) = std::io::pipe()?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input)
            .spawn()?;
        // The pipe ends when nobody holds its other end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut piece = vec![];
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            if line.trim_ascii_start().starts_with(b"Running ") {
                std::io::stdout().write_all(&std::mem::take(&mut piece))?;
            }
            failed.extend(failed_test(&String::from_utf8_lossy(&line)).map(str::to_owned));
            piece.extend([&line[..], b"\n"].concat());
        }
        std::io::stdout().write_all(&piece)?;
        child.wait()
    });
    outcome.map_err(|error| match failed.is_empty() {
        true => error,
        false => format!("{error} These tests failed:\n    {}", failed.join("\n    ")),
    })
}

/// The name of the test that a line says failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// Runs steps at the same time, all to their end, and tells what failed of each.
pub(crate) fn together(steps: &[&(dyn Fn() -> Outcome + Sync)]) -> Outcome {
    let failed: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = steps.iter().map(|step| scope.spawn(step)).collect();
        let ended = running.into_iter().map(|step| {
            step.join()
                .unwrap_or_else(|_| Err("A step broke off.".to_owned()))
        });
        ended.filter_map(Result::err).collect()
    });
    match failed.is_empty() {
        true => Ok(()),
        false => Err(failed.join("\n")),
    }
}

/// What a command prints, when it succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn name_of(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{failed_test, together};

    #[test]
    fn steps_run_at_the_same_time_and_each_failure_is_told() {
        let met = std::sync::Barrier::new(2);
        let fail = |why: &str| {
            met.wait();
            Err(why.to_owned())
        };
        let outcome = together(&[&|| fail("one"), &|| Ok(()), &|| fail("two")]);
        assert_eq!(outcome, Err("one\ntwo".to_owned()));
    }

    #[test]
    fn a_test_that_failed_is_known_by_its_line() {
        assert_eq!(failed_test("test a::b ... FAILED"), Some("a::b"));
        for line in ["test a::b ... ok", "test result: FAILED. 1 passed", ""] {
            assert_eq!(failed_test(line), None, "{line}");
        }
    }
}

//! Running one command with a line before and a line after it. A failed command ends the run with its name.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
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
    println!("==> {title}");
    let start = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("{title}: {} did not run: {error}.", name_of(command)))?;
    let seconds = start.elapsed().as_secs();
    if status.success() {
        println!("    {title}: done in {seconds} s");
        Ok(())
    } else {
        Err(format!("{title}: failed after {seconds} s ({status})."))
    }
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
    use super::together;

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
}

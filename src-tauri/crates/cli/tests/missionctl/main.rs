//! `missionctl` as scripts use it: the built program, real files, pipes and sockets. What it prints is judged here, not
//! how the crates below come to it.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

mod a2a;
mod documents;
mod endpoints;
mod headless;
mod langgraph;
mod limits;
mod opencode;
mod retold;
mod server;
mod starts;
mod stored;
mod usage;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// What a run said.
#[derive(Debug)]
struct Said {
    code: i32,
    out: String,
    complaint: String,
}

impl Said {
    /// The lines of stdout as JSON.
    #[track_caller]
    fn json(&self) -> Vec<Value> {
        let lines = self.out.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// The only line.
    #[track_caller]
    fn one(&self) -> Value {
        let mut lines = self.json();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines.remove(0)
    }
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_missionctl"));
    command.env_remove("MISSION_CONTROL_DATA");
    command
}

/// Runs to the end with nothing on stdin.
fn run(arguments: &[&str]) -> Said {
    run_with(arguments, b"", &[])
}

fn run_with(arguments: &[&str], input: &[u8], environment: &[(&str, &str)]) -> Said {
    let mut child = program()
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // Beside the reading, so that neither side waits for the other; whoever does not read its input is right too.
    let writing = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let done = child.wait_with_output().expect("it ends");
    writing.join().expect("the input is written");
    Said {
        code: done.status.code().expect("it ends by itself"),
        out: String::from_utf8(done.stdout).expect("stdout is UTF-8"),
        complaint: String::from_utf8(done.stderr).expect("stderr is UTF-8"),
    }
}

/// Exit 2 says why in one line, and prints nothing else.
#[track_caller]
fn check_unusable(said: &Said, part: &str) {
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(said.complaint.lines().count(), 1, "{said:?}");
    assert!(said.complaint.contains(part), "{said:?}");
    assert_eq!(said.out, "", "{said:?}");
}

/// A program that runs until the test is over.
struct Running {
    child: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The demo fleet, `from` seconds into its story: its process and the status URLs by agent.
fn demo(from: u32) -> (Running, Vec<(String, String)>) {
    let mut child = program()
        .args(["demo", "--port", "0", "--from", &from.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut agents = vec![];
    for line in out.lines().take(5) {
        let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let text = |name: &str| line[name].as_str().expect("text").to_owned();
        agents.push((text("agent"), text("statusUrl")));
    }
    (Running { child }, agents)
}

//! What holds for every command: exits, one line of complaint, pipes that close, secrets from the environment only.

use std::{io::Read, process::Stdio};

use super::{check_unusable, demo, program, run, run_with, server::Server};

#[test]
fn unusable_arguments_are_told_in_one_line() {
    check_unusable(&run(&[]), "A command is needed");
    check_unusable(&run(&["frobnicate"]), "frobnicate");
    check_unusable(&run(&["probe"]), "<URL>");
    check_unusable(&run(&["replay", "--jsn", "x"]), "--jsn");
    let said = run(&[
        "answer",
        "http://127.0.0.1:9/s",
        "--escalation",
        "e",
        "--outcome",
        "maybe",
    ]);
    check_unusable(&said, "maybe");
}

#[test]
fn help_and_version_are_answers() {
    for arguments in [&["--help"][..], &["--version"], &["observe", "--help"]] {
        let said = run(arguments);
        assert_eq!((said.code, said.complaint.as_str()), (0, ""), "{said:?}");
        assert!(!said.out.is_empty());
    }
}

#[test]
fn input_that_is_no_text_is_told_with_its_line() {
    let said = run_with(&["replay", "-"], b"\n\n{\"at\":\"\xff\"}\n", &[]);
    check_unusable(&said, "line 3");
    let said = run_with(&["replay", "-"], b"\n[]\n", &[]);
    check_unusable(&said, "line 2");
    check_unusable(&run(&["replay", "/nowhere/at/all"]), "/nowhere/at/all");
}

#[test]
fn a_line_of_many_megabytes_is_read() {
    let mut line = br#"{"at":"2026-11-01T09:00:00Z","weather":""#.to_vec();
    line.resize(line.len() + (8 << 20), b'x');
    line.extend_from_slice(b"\"}\n");
    let said = run_with(&["replay", "-", "--json"], &line, &[]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, ""),
        "{:?}",
        said.complaint
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let (_running, agents) = demo(0);
    let mut child = program()
        .args(["observe", &agents[0].1, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let mut complaint = String::new();
    let mut stderr = child.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut complaint).expect("UTF-8");
    assert_eq!(complaint, "");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let (_running, agents) = demo(0);
    let full = std::fs::File::create("/dev/full").expect("it is there");
    let done = program()
        .args(["observe", &agents[0].1, "--json"])
        .stdout(full)
        .output()
        .expect("it ends");
    assert_eq!(done.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&done.stderr).contains("cannot be written"));
}

#[test]
fn secrets_come_from_the_environment_and_are_never_printed() {
    let server = Server::start(|_| Some(("401 Unauthorized", vec![])));
    let url = server.status_url();
    let told = [("SECRET", "ada:s3cret")];
    for (option, sent) in [
        ("--token-env", "Bearer ada:s3cret"),
        ("--basic-env", "Basic YWRhOnMzY3JldA=="),
    ] {
        let said = run_with(&["probe", &url, option, "SECRET"], b"", &told);
        check_unusable(&said, "refuses our credentials");
        assert!(!said.complaint.contains("s3cret"), "{said:?}");
        let asked = server.asked();
        let last = asked.last().expect("it was asked");
        assert_eq!(last.header("authorization"), Some(sent));
    }
    let said = run(&["probe", &url, "--token-env", "NO_SUCH_VARIABLE"]);
    check_unusable(&said, "NO_SUCH_VARIABLE is not set");
    let said = run_with(
        &["probe", &url, "--basic-env", "SECRET"],
        b"",
        &[("SECRET", "x")],
    );
    check_unusable(&said, "user:password");
}

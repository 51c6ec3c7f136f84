//! `probe`, `observe`, `check` and `answer` with a real OpenCode server: what a script does with a coding agent that asks.

#[allow(dead_code)] // The tests of `agents` use more of it.
#[path = "../../../agents/tests/real/opencode_server.rs"]
mod opencode_server;

#[path = "../../../agents/tests/real/relay.rs"]
pub(crate) mod relay;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{a2a::server, check_unusable, headless::Headless, program, run_with};
use opencode_server::{OpenCode, PASSWORD};
use relay::{Cut, Relay};

fn run(arguments: &[&str], password: &str) -> super::Said {
    let login = format!("opencode:{password}");
    let arguments = [arguments, &["--json", "--basic-env", "LOGIN"]].concat();
    run_with(&arguments, b"", &[("LOGIN", &login)])
}

/// The exit code and what was said.
fn answer(server: &OpenCode, question: &Value, more: &[&str]) -> (i32, Value) {
    let id = question["id"].as_str().expect("an id");
    let arguments = [&["answer", &server.url, "--escalation", id], more].concat();
    let said = run(&arguments, PASSWORD);
    (said.code, said.one())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_opencode_asks_is_seen_and_answered_once() {
    let mut server = OpenCode::start().await;
    let makes = server.begin("bank", "make a.txt").await;
    let asks = server.begin("shop", "ask me").await;
    let permission = server.waits("bank", &makes).await;
    let question = server.waits("shop", &asks).await;
    let found = run(&["probe", &server.url], PASSWORD).one();
    assert_eq!(
        (&found["kind"], &found["product"], &found["productVersion"]),
        (&json!("opencode"), &json!("OpenCode"), &json!("1.18.33"))
    );
    check_unusable(&run(&["observe", &server.url], "wrong"), "credentials");
    let observed = run(&["observe", &server.url, "--kind", "opencode"], PASSWORD);
    let document = observed.one();
    let shown = document["escalations"].as_array().expect("escalations");
    let shown = shown.iter().find(|item| item["id"] == permission["id"]);
    let shown = shown.expect("the permission");
    assert_eq!(shown["native"]["request"], permission);
    assert_eq!(shown["proposedAction"]["args"], permission["metadata"]);
    let checked = run_with(&["check", "-", "--json"], observed.out.as_bytes(), &[]);
    assert_eq!((checked.code, checked.out.as_str()), (0, ""));

    let (code, said) = answer(
        &server,
        &permission,
        &["--outcome", "approve", "--option", "always"],
    );
    assert_eq!((code, &said["state"]), (1, &json!("refused")), "{said}");
    assert!(!server.has("bank", "a.txt"));
    let (code, said) = answer(&server, &permission, &["--outcome", "approve"]);
    let expected = json!({"state": "applied", "escalation": permission["id"], "task": makes});
    assert_eq!((code, said), (0, expected));
    server.comes_to("bank", &makes, "idle").await;
    assert!(server.has("bank", "a.txt"));
    // The server forgets the request, but its tool call shows what became of it.
    for outcome in ["reject", "approve"] {
        let (code, said) = answer(&server, &permission, &["--outcome", outcome]);
        let expected = json!({"state": "already-resolved", "escalation": permission["id"], "task": makes,
            "detail": "It was settled before, as: allowed."});
        assert_eq!((code, said), (1, expected));
    }

    let (code, said) = answer(
        &server,
        &question,
        &["--outcome", "respond", "--option", "Blue"],
    );
    assert_eq!((code, &said["state"]), (0, &json!("applied")), "{said}");
    let call = server.call(&asks).await;
    assert_eq!(call["metadata"]["answers"], json!([["Blue"]]));
    let (code, said) = answer(
        &server,
        &question,
        &["--outcome", "respond", "--option", "Red"],
    );
    let detail = "It was settled before, as: answered: Blue.";
    assert_eq!(
        (code, &said["state"], &said["detail"]),
        (1, &json!("already-resolved"), &json!(detail))
    );

    // What was stopped was answered by nobody, nor was what was never asked.
    let stopped = server.begin("bank", "make b.txt").await;
    let permission = server.waits("bank", &stopped).await;
    let abort = format!("/session/{stopped}/abort{}", server.place("bank"));
    server.post(&abort, json!({})).await;
    server.comes_to("bank", &stopped, "idle").await;
    for id in [permission, json!({"id": "per_000000000001aaaaaaaaaaaaaa"})] {
        let (code, said) = answer(&server, &id, &["--outcome", "approve"]);
        assert_eq!((code, &said["state"]), (1, &json!("expired")), "{said}");
    }
    assert!(!server.has("bank", "b.txt"));

    // Killed while it waits, it forgets what it asked; what it asks from then on is answered.
    let waits = server.begin("bank", "make c.txt").await;
    let permission = server.waits("bank", &waits).await;
    server.kill();
    let id = permission["id"].as_str().expect("an id");
    let arguments = [
        "answer",
        &server.url,
        "--escalation",
        id,
        "--outcome",
        "approve",
    ];
    check_unusable(&run(&arguments, PASSWORD), "");
    server.restart().await;
    let (code, said) = answer(&server, &permission, &["--outcome", "approve"]);
    assert_eq!((code, &said["state"]), (1, &json!("expired")), "{said}");
    assert!(!server.has("bank", "c.txt"));
    let makes = server.begin("bank", "make d.txt").await;
    let permission = server.waits("bank", &makes).await;
    let (code, said) = answer(&server, &permission, &["--outcome", "approve"]);
    assert_eq!((code, &said["state"]), (0, &json!("applied")), "{said}");
    server.comes_to("bank", &makes, "idle").await;
    assert!(server.has("bank", "d.txt"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_during_which_opencode_is_killed_is_called_unknown_and_sent_once() {
    let mut server = OpenCode::start().await;
    let relay = Relay::to(&server.url, "/reply").await;
    for (sent, cut) in [Cut::Before, Cut::After].into_iter().enumerate() {
        let file = format!("file{sent}.txt");
        let makes = server.begin("bank", &format!("make {file}")).await;
        let permission = server.waits("bank", &makes).await;
        let id = permission["id"].as_str().expect("an id").to_owned();
        let go = relay.cut(cut);
        let url = relay.url.clone();
        let sending = std::thread::spawn(move || {
            let answer = ["answer", &url, "--escalation", &id, "--outcome", "approve"];
            run(&answer, PASSWORD)
        });
        relay.caught().await;
        server.kill();
        drop(go);
        let said = sending.join().expect("it ends");
        assert_eq!(
            (said.code, &said.one()["state"]),
            (2, &json!("unknown")),
            "{cut:?}: {said:?}"
        );
        assert_eq!(relay.sent(), sent + 1, "nothing is sent a second time");
        // It remembers no request; whether the tool ran is what it has written down.
        server.restart().await;
        let (code, said) = answer(&server, &permission, &["--outcome", "approve"]);
        let ran = server.call(&makes).await["status"] == "completed";
        let state = if ran { "already-resolved" } else { "expired" };
        assert_eq!(
            (code, &said["state"]),
            (1, &json!(state)),
            "{cut:?}: {said}"
        );
        assert!(cut == Cut::After || !server.has("bank", &file));
    }
}

/// A laptop that is closed and opened again: the process stood still, and its connections are dead though nobody said so.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_opened_anew_when_the_machine_has_slept() {
    let server = OpenCode::start().await;
    let relay = Relay::to(&server.url, "/reply").await;
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = program();
    command
        .env("LOGIN", format!("opencode:{PASSWORD}"))
        .args(["--basic-env", "LOGIN"]);
    let endpoints = [("coder".to_owned(), relay.url.clone())];
    let mut headless = Headless::start_as(command, dir.path(), &endpoints);
    let streams = async |wanted: usize| {
        let end = Instant::now() + Duration::from_secs(60);
        while relay.streams() < wanted {
            assert!(Instant::now() < end, "{} streams", relay.streams());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    streams(1).await;
    let id = headless.child().id().to_string();
    let signal = |name: &str| {
        let told = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(told.expect("it is told").success());
    };
    signal("-STOP");
    relay.lose_streams();
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(relay.streams(), 1);
    signal("-CONT");
    streams(2).await;
    let makes = server.begin("bank", "make a.txt").await;
    let asked = server.waits("bank", &makes).await;
    loop {
        let event = headless.next().expect("it goes on");
        if event["event"] == "escalation" {
            assert_eq!(event["escalation"], asked["id"], "{event}");
            break;
        }
    }
}

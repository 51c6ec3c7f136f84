//! `probe`, `observe`, `check` and `answer` with an agent that knows nothing of the contract: a scripted one on the
//! official A2A package.

#[allow(dead_code)] // The tests of `agents` use more of it.
#[path = "../../../agents/tests/real/server.rs"]
pub(crate) mod server;

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::decision::DeliveryState;
use serde_json::{Value, json};
use server::Server;
use store::{Store, tables::decisions};

use super::{
    check_unusable,
    headless::{Headless, approve, chance, is_long, outbox},
    run, run_with,
};

async fn start(arguments: &[&str]) -> Server {
    Server::start("a2a-1", "a2a_agent.py", arguments).await
}

fn answer(server: &Server, task: &str, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["answer", &server.url, "--escalation", task, "--json"];
    arguments.extend_from_slice(more);
    let said = run(&arguments);
    (said.code, said.one())
}

#[tokio::test]
async fn a_question_of_an_a2a_agent_is_seen_and_answered_once() {
    let server = start(&[]).await;
    let (ask, words) = (server.begin("ask").await, server.begin("words").await);
    let found = run(&["probe", &server.url, "--json"]).one();
    assert_eq!(
        (&found["kind"], &found["name"]),
        (&json!("a2a"), &json!("Invoice Clerk"))
    );
    let observed = run(&["observe", &server.url, "--json"]);
    let document = observed.one();
    assert_eq!(document["schemaVersion"], "1.0");
    assert_eq!(document["escalations"].as_array().map(Vec::len), Some(2));
    assert!(
        observed.out.contains("TASK_STATE_INPUT_REQUIRED"),
        "native words are kept"
    );
    let checked = run_with(&["check", "-", "--json"], observed.out.as_bytes(), &[]);
    assert_eq!((checked.code, checked.out.as_str()), (0, ""));

    let (code, said) = answer(&server, &ask, &["--outcome", "approve"]);
    assert_eq!(
        (code, said),
        (
            0,
            json!({"state": "applied", "escalation": ask, "task": ask})
        )
    );
    assert_eq!(
        server.settled(&ask).await["status"]["state"],
        "TASK_STATE_COMPLETED"
    );
    let arrived = server.received().len();
    let (code, said) = answer(&server, &ask, &["--outcome", "approve", "--kind", "a2a"]);
    assert_eq!((code, &said["state"]), (1, &json!("already-resolved")));
    let sent = server.received();
    let messages = sent[arrived..]
        .iter()
        .filter(|body| body.to_string().contains("messageId"));
    assert_eq!(
        messages.count(),
        0,
        "nothing was sent for a settled question"
    );

    let (code, _) = answer(
        &server,
        &words,
        &["--outcome", "respond", "--message", "Northwind"],
    );
    assert_eq!(code, 0);
    let told = server.settled(&words).await["status"]["message"].to_string();
    assert!(told.contains("Northwind"), "{told}");
}

/// One generation of the protocol in one language: named, asked for a token, seen, answered once, killed while it takes an
/// answer, and started again.
async fn check(list: &str, script: &str, name: &str, version: &str) {
    let mut server = Server::start(list, script, &["--token", "t0p"]).await;
    let ask = |command: &str, url: &str, token: &str, more: &[&str]| {
        let arguments = [&[command, url, "--json", "--token-env", "TOKEN"], more].concat();
        run_with(&arguments, b"", &[("TOKEN", token)])
    };
    let url = server.url.clone();
    let found = ask("probe", &url, "t0p", &[]).one();
    assert_eq!(
        (&found["kind"], &found["name"], &found["protocolVersion"]),
        (&json!("a2a"), &json!(name), &json!(version))
    );
    let line = format!(
        "\u{1b}[32mINFO\u{1b}[0m:  Uvicorn running on \u{1b}[1m{url}/\u{1b}[0m (Press CTRL+C to quit)"
    );
    assert_eq!(
        ask("probe", &line, "t0p", &[]).one(),
        found,
        "what it prints is enough"
    );
    let (works, asks) = (server.begin("work").await, server.begin("ask").await);
    // Some generations list no tasks; then their ids are told.
    let known = ["--task", &works, "--task", &asks];
    for token in ["", "wrong"] {
        check_unusable(&ask("observe", &url, token, &known), "");
    }
    let answer = [&known[..], &["--escalation", &asks, "--outcome", "approve"]].concat();
    check_unusable(&ask("answer", &url, "wrong", &answer), "");

    let document = ask("observe", &url, "t0p", &known).one();
    let state = |document: &Value, task: &str| {
        let tasks = document["tasks"].as_array().expect("tasks");
        let found = tasks.iter().find(|item| item["id"] == task);
        found.map(|task| task["status"]["state"].clone())
    };
    assert_eq!(state(&document, &works), Some(json!("working")));
    assert_eq!(state(&document, &asks), Some(json!("input-required")));
    let questions = document["escalations"].as_array().expect("escalations");
    assert_eq!(questions.len(), 1, "{document}");
    let mut action = questions[0]["proposedAction"].clone();
    let cost = action["args"]["args"].as_object_mut().expect("args");
    cost.remove("cost");
    let expected = json!({"name": "deploy", "requestId": "r-17", "args": {"service": "shop"}});
    assert_eq!(
        (&action["name"], &action["args"]),
        (&json!("deploy"), &expected)
    );

    let said = ask("answer", &url, "t0p", &answer);
    let expected = json!({"state": "applied", "escalation": asks, "task": asks});
    assert_eq!((said.code, said.one()), (0, expected));
    let ended = server.settled(&asks).await["status"].to_string();
    assert!(
        ended.contains("Done: ") && ended.contains("r-17"),
        "{ended}"
    );
    let arrived = server.replies();
    let said = ask("answer", &url, "t0p", &answer);
    assert_eq!(
        (said.code, &said.one()["state"]),
        (1, &json!("already-resolved"))
    );
    assert_eq!(
        (arrived, server.replies()),
        (1, 1),
        "one answer, one message"
    );

    // It takes the next answer and is killed before it says so.
    server.kill();
    server.restart(&["--token", "t0p", "--hold"]).await;
    let asks = server.begin("ask").await;
    let sending = std::thread::spawn({
        let (url, asks) = (url.clone(), asks.clone());
        move || {
            let more = [
                "--task",
                &asks,
                "--escalation",
                &asks,
                "--outcome",
                "approve",
            ];
            let arguments = [
                &["answer", &url, "--json", "--token-env", "TOKEN"],
                &more[..],
            ];
            run_with(&arguments.concat(), b"", &[("TOKEN", "t0p")])
        }
    });
    let end = Instant::now() + Duration::from_secs(30);
    while server.replies() == arrived {
        assert!(Instant::now() < end, "it never left");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill();
    let said = sending.join().expect("it ends");
    assert_eq!(
        (said.code, &said.one()["state"]),
        (2, &json!("unknown")),
        "{said:?}"
    );

    // The new one knows nothing of it, and nothing is sent to it again.
    server.restart(&["--token", "t0p"]).await;
    let again = [
        "--task",
        &asks,
        "--escalation",
        &asks,
        "--outcome",
        "approve",
    ];
    let said = ask("answer", &url, "t0p", &again);
    assert!(said.code > 0 && !said.out.contains("applied"), "{said:?}");
    assert_eq!(server.replies(), arrived + 1);
    let asks = server.begin("ask").await;
    let more = [
        "--task",
        &asks,
        "--escalation",
        &asks,
        "--outcome",
        "approve",
    ];
    let said = ask("answer", &url, "t0p", &more);
    assert_eq!((said.code, &said.one()["state"]), (0, &json!("applied")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_python_from_first_look_to_restart() {
    check("a2a-1", "a2a_agent.py", "Invoice Clerk", "1.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zero_three_in_python_from_first_look_to_restart() {
    check("a2a-03", "a2a_03_agent.py", "Old Clerk", "0.3.0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_javascript_from_first_look_to_restart() {
    check("a2a-js", "a2a_agent.mjs", "Script Clerk", "1.0").await;
}

#[tokio::test]
async fn no_answer_is_sent_twice_however_often_the_engine_is_killed() {
    let kills = if is_long() { 100 } else { 10 };
    let server = start(&[]).await;
    let mut tasks = vec![];
    for _ in 0..kills {
        tasks.push(server.begin("ask").await);
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mut headless = Headless::start(dir.path(), &[("clerk".to_owned(), server.url.clone())]);
    let mut known = 0;
    while known < kills {
        let event = headless.next().expect("it goes on");
        known += usize::from(event["event"] == "escalation");
    }
    drop(headless);
    let mut keys = vec![];
    for (number, task) in (0_u64..).zip(&tasks) {
        keys.push(approve(dir.path(), "clerk", task));
        let mut headless = Headless::start(dir.path(), &[]);
        assert_eq!(headless.next().expect("it starts")["event"], "started");
        tokio::time::sleep(Duration::from_micros(chance(number) % 400_000)).await;
        headless.child().kill().expect("it is killed");
    }
    // The last of them leave their undo time now, one at a time, each killed on its way.
    let end = Instant::now() + Duration::from_secs(120);
    for number in 0_u64.. {
        if outbox(dir.path()).is_empty() {
            break;
        }
        assert!(Instant::now() < end, "{:?}", outbox(dir.path()));
        let mut headless = Headless::start(dir.path(), &[]);
        assert_eq!(headless.next().expect("it starts")["event"], "started");
        tokio::time::sleep(Duration::from_micros(500_000 + chance(number) % 2_000_000)).await;
        headless.child().kill().expect("it is killed");
    }
    let store = Store::open(dir.path(), Utc::now()).expect("it opens");
    for (key, task) in keys.iter().zip(&tasks) {
        let decision = store
            .read(|reader| decisions::get(reader, &key.as_str().into()))
            .expect("it is read")
            .expect("it is kept");
        let state = decision.delivery.state;
        let arrived = server.messages(key);
        assert!(arrived <= 1, "{task}: {arrived} times");
        let moved = server.task(task).await["status"]["state"] == "TASK_STATE_COMPLETED";
        match state {
            // Told as done only when it is; what cannot be told is the person's to look at.
            DeliveryState::Applied => assert!(moved && arrived == 1, "{task}: {arrived}"),
            DeliveryState::Unknown => assert_eq!(moved, arrived == 1, "{task}"),
            other => panic!("{task}: {other:?}"),
        }
    }
}

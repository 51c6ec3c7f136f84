//! Gemini CLI's own A2A server (`@google/gemini-cli-a2a-server`), with a scripted model: its approvals are data that tells its
//! own state, in the history of a task that it lists beside the protocol. What counts is whether the command ran.

use std::time::{Duration, Instant};

use agents::{Delivery, Endpoint, Kind, Observation, Outcome};
use serde_json::{Value, json};

use crate::{decide, frameworks, graphs, look, server::Server};

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

async fn story(server: &Server, words: &str) -> String {
    let parts = json!([{"kind": "text", "text": words}]);
    let message = json!({"kind": "message", "messageId": words, "role": "user", "parts": parts});
    let params = json!({"message": message, "configuration": {"blocking": false}});
    frameworks::begin_with(server, "message/send", params).await
}

fn connect(server: &Server) -> Box<dyn Endpoint> {
    frameworks::follow(server, &[])
}

/// The open question of a task, once there is one.
async fn question(endpoint: &mut dyn Endpoint, task: &str) -> (Value, Value) {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Ok(Observation::Document { body, .. }) = endpoint.observe().await {
            let raw: Value = serde_json::from_str(&body).expect("JSON");
            let all = raw["escalations"].as_array().into_iter().flatten();
            let mut open = all.filter(|one| one["taskId"] == task && one["status"] == "pending");
            if let Some(found) = open.next() {
                return (found.clone(), raw);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("{task} asks nothing");
}

fn has(server: &Server, file: &str) -> bool {
    server.folder().join(file).exists()
}

/// What is said to be applied runs by then; its end may be a moment away.
async fn comes_to(server: &Server, file: &str, runs: bool) {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if has(server, file) == runs {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("{file} is not as it is said to be");
}

#[tokio::test]
async fn a_command_of_gemini_cli_runs_when_it_is_approved_and_not_when_it_is_refused() {
    let server = Server::start("gemini-cli", "gemini_cli.mjs", &[]).await;
    let found = agents::probe(&server.url, None).await.expect("an agent");
    assert_eq!(
        (found.kind, found.name.as_deref(), found.product.as_deref()),
        (Kind::A2a, Some("Gemini SDLC Agent"), Some("Google"))
    );
    assert!(found.capabilities.contains(&"listTasks".to_owned()));

    let mut endpoint = connect(&server);
    for (words, command, outcome, file, runs) in [
        ("make a.txt", "touch a.txt", "approve", "a.txt", true),
        ("make b.txt", "touch b.txt", "reject", "b.txt", false),
        ("write c.txt", "c.txt", "approve", "c.txt", true),
        ("write d.txt", "d.txt", "reject", "d.txt", false),
    ] {
        let task = story(&server, words).await;
        let (asked, raw) = question(&mut *endpoint, &task).await;
        assert_eq!(asked["kind"], "approval", "{raw}");
        let action = asked["proposedAction"].to_string();
        assert!(action.contains(command), "{action}");
        let delivery = decide(&raw, &task, file, json!({"outcome": outcome}));
        let told = endpoint.deliver(&delivery).await;
        if told == Outcome::Applied {
            comes_to(&server, file, runs).await;
        }
        // It stays `sent` while the command runs, and is applied by what the task shows then.
        assert!(matches!(told, Outcome::Applied | Outcome::Sent), "{told:?}");
        let mut settled = false;
        let end = Instant::now() + PATIENCE;
        while !settled {
            assert!(Instant::now() < end, "{words}");
            if let Ok(Observation::Document { body, .. }) = endpoint.observe().await {
                let raw: Value = serde_json::from_str(&body).expect("JSON");
                let all = raw["escalations"].as_array().into_iter().flatten();
                let mut own = all.filter(|one| one["version"] == asked["version"]);
                // Every turn of it ends as one that waits; its result may be asking.
                settled = own.all(|one| one["status"] == "resolved");
            }
            tokio::time::sleep(PAUSE).await;
        }
        comes_to(&server, file, runs).await;
        assert_eq!(server.messages(file), 1);
        let late = Delivery {
            id: "late".into(),
            ..delivery
        };
        let late = endpoint.deliver(&late).await;
        // It has said something since, which may be a question.
        assert!(
            matches!(late, Outcome::AlreadyResolved { .. } | Outcome::Changed),
            "{late:?}"
        );
    }
    assert_eq!(server.messages("late"), 0);
}

#[tokio::test]
async fn two_commands_of_one_turn_are_decided_each_by_itself() {
    let server = Server::start("gemini-cli", "gemini_cli.mjs", &[]).await;
    let task = story(&server, "two x").await;
    let mut endpoint = connect(&server);
    for (outcome, command, other) in [("approve", "x-one", "x-two"), ("reject", "x-two", "x-one")] {
        let end = Instant::now() + PATIENCE;
        let asked = loop {
            assert!(Instant::now() < end, "{command} is not asked for");
            let (_, raw) = question(&mut *endpoint, &task).await;
            let mut all = raw["escalations"].as_array().into_iter().flatten();
            let about = |one: &&Value| {
                let action = one["proposedAction"].to_string();
                assert!(
                    !(action.contains(command) && action.contains(other)),
                    "{action}"
                );
                one["status"] == "pending" && action.contains(command)
            };
            if let Some(asked) = all.find(about) {
                break asked.clone();
            }
        };
        let decision = json!({"outcome": outcome});
        let delivery = graphs::decide(&asked, command, decision);
        let told = endpoint.deliver(&delivery).await;
        assert!(matches!(told, Outcome::Applied | Outcome::Sent), "{told:?}");
        comes_to(&server, command, outcome == "approve").await;
    }
    assert!(has(&server, "x-one") && !has(&server, "x-two"));
}

#[tokio::test]
async fn what_gemini_cli_finishes_without_asking_is_no_question_and_long_work_is_stopped() {
    let server = Server::start("gemini-cli", "gemini_cli.mjs", &[]).await;
    let (chat, digs) = (
        story(&server, "chat").await,
        story(&server, "dig deep").await,
    );
    let mut endpoint = connect(&server);
    let mut words: Vec<Value> = vec![];
    let end = Instant::now() + PATIENCE;
    while words.len() < 4 && Instant::now() < end {
        if let Ok(Observation::Document { body, .. }) = endpoint.observe().await {
            let raw: Value = serde_json::from_str(&body).expect("JSON");
            let asked = raw["escalations"].as_array();
            assert!(asked.is_none_or(Vec::is_empty), "{raw}");
            let all = raw["tasks"].as_array().into_iter().flatten();
            let mut own = all.filter(|task| task["id"] == digs);
            words.extend(own.next().map(|task| task["status"]["message"].clone()));
            words.dedup();
        }
        tokio::time::sleep(PAUSE).await;
    }
    assert!(words.len() > 3, "its work is seen to go on: {words:?}");
    assert_ne!(chat, digs);
    let stopped = endpoint.cancel(&digs.as_str().into(), &"stop".into()).await;
    assert!(
        matches!(stopped, Outcome::Applied | Outcome::Sent),
        "{stopped:?}"
    );
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let (_, raw) = look(&mut *connect(&server)).await;
        let all = raw["tasks"].as_array().into_iter().flatten();
        let mut own = all.filter(|task| task["id"] == digs);
        if own.any(|task| task["status"]["state"] == "canceled") {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("it is not stopped");
}

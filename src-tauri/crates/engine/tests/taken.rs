//! An answer that was taken (202) is called applied once the agent says so, and not because its question is gone or is
//! asked in another way: then the agent is asked, and what it cannot tell is called unknown.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/agent.rs"]
#[allow(dead_code)] // The tests of overtaken questions use more of it.
mod agent;

use std::time::{Duration, Instant};

use agent::{Agent, lock};
use engine::api::Api;
use serde_json::{Value, json};

fn document(questions: Value) -> Value {
    json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" },
        "tasks": [{ "id": "t", "title": "Answer the mail", "status": { "state": "working" } }],
        "escalations": questions, "pollAfterSeconds": 1,
    })
}

fn question(version: &str, status: &str) -> Value {
    json!({ "id": "q", "version": version, "taskId": "t", "kind": "approval", "title": "Send the reply?", "message": "Ready.",
        "createdAt": "2026-01-05T09:00:30Z", "status": status,
        "proposedAction": { "name": "mail.read", "args": { "n": 1 } } })
}

/// The decision, once it stands in a state.
async fn stands(api: &Api, states: &[&str]) -> Value {
    let asked = json!({ "endpoint": "clerk", "escalation": "q" });
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let view = api.call("escalation", asked.clone()).await;
        if let Ok(view) = &view {
            let history = view["history"].to_string();
            let state = view["decision"]["state"].as_str().unwrap_or_default();
            if states.contains(&state) {
                return json!({ "state": state, "history": history, "decision": view["decision"] });
            }
        }
        assert!(Instant::now() < end, "{view:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// An app in which the only question of an agent was just approved; the agent answers with this.
async fn approved(reply: (&'static str, Value)) -> (Agent, tempfile::TempDir, Api) {
    let agent = Agent::start(document(json!([question("1", "pending")]))).await;
    *lock(&agent.reply) = reply;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let url = format!("http://127.0.0.1:{}/status", agent.port);
    let add =
        json!({ "name": "Clerk", "url": url, "kind": "native", "token": null, "basic": null });
    api.call("addEndpoint", add).await.expect("it is added");
    let asked = json!({ "endpoint": "clerk", "escalation": "q" });
    let end = Instant::now() + Duration::from_secs(30);
    let view = loop {
        match api.call("escalation", asked.clone()).await {
            Ok(view) => break view,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let decide = json!({
        "endpoint": "clerk", "escalation": "q", "version": "1", "bindingHash": view["bindingHash"], "outcome": "approve",
        "optionId": null, "editedAction": null, "payload": null, "message": null, "shownMs": 9000, "reachedEnd": true,
    });
    api.call("decide", decide).await.expect("it is decided");
    (agent, dir, api)
}

/// Takes an answer, then lists `after` and answers the same decision with `reply`. What is said of it, and how often it
/// was sent.
async fn check(after: Value, reply: (&'static str, Value)) -> (String, usize) {
    let (agent, _dir, api) = approved(("202 Accepted", json!({}))).await;
    stands(&api, &["sent"]).await;
    *lock(&agent.reply) = reply;
    *lock(&agent.document) = document(after);
    let states = [
        "applied",
        "unknown",
        "expired",
        "already-resolved",
        "changed",
    ];
    let stands = stands(&api, &states).await;
    let sent = lock(&agent.sent).clone();
    assert!(sent.iter().all(|body| *body == sent[0]), "the same bytes");
    api.end();
    (
        stands["state"].as_str().unwrap_or_default().to_owned(),
        sent.len(),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_answer_is_applied_when_its_question_is_settled_and_not_when_it_is_gone() {
    let yes = ("200 OK", json!({ "applied": true }));
    let no = (
        "200 OK",
        json!({ "applied": false, "escalation": { "outcome": "reject" } }),
    );
    let gone = ("404 Not Found", json!({}));
    let none = json!([]);
    let settled = json!([question("1", "resolved")]);
    let back = json!([question("1", "withdrawn")]);
    let told = tokio::join!(
        check(settled, gone.clone()),
        check(none.clone(), yes),
        check(none.clone(), no),
        check(none, gone.clone()),
        check(back, gone),
    );
    let told = [told.0, told.1, told.2, told.3, told.4];
    let told: Vec<_> = told
        .iter()
        .map(|(state, sent)| (state.as_str(), *sent))
        .collect();
    assert_eq!(
        told,
        [
            ("applied", 1),
            ("applied", 2),
            ("already-resolved", 2),
            ("unknown", 2),
            ("unknown", 2)
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_taken_again_after_its_effect_was_seen_is_applied() {
    let (agent, _dir, api) = approved(("503 Service Unavailable", json!({}))).await;
    let end = Instant::now() + Duration::from_secs(60);
    while lock(&agent.sent).is_empty() {
        assert!(Instant::now() < end, "it is sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The first request had its effect all the same; the answer to a later one comes after a poll has shown it.
    *lock(&agent.document) = document(json!([question("1", "resolved")]));
    loop {
        let raw = api.call("rawAnswer", json!({ "endpoint": "clerk" })).await;
        if raw.is_ok_and(|raw| raw["text"]["text"].to_string().contains("resolved")) {
            break;
        }
        assert!(Instant::now() < end, "it is polled");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    *lock(&agent.reply) = ("202 Accepted", json!({}));
    stands(&api, &["applied"]).await;
    let sent = lock(&agent.sent).clone();
    assert!(sent.iter().all(|body| *body == sent[0]), "the same bytes");
    api.end();
}

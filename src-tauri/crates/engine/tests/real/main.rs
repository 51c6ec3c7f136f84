//! The whole way with real servers: a question is in the inbox, the person's answer moves its task on, and an answer that
//! may have arrived is never sent a second time.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "../../../agents/tests/real/server.rs"]
#[allow(dead_code)] // The tests of `agents` use more of it.
mod server;

#[path = "../../../agents/tests/real/opencode_server.rs"]
#[allow(dead_code)] // The tests of `agents` use more of it.
mod opencode_server;

#[path = "../../../agents/tests/real/graphs.rs"]
#[allow(dead_code)] // The same.
mod graphs;

#[path = "../../../agents/tests/real/relay.rs"]
#[allow(dead_code)] // The tests of `cli` use more of it.
mod relay;

mod a2a;
mod hour;
mod langgraph;
mod litellm;
mod looking;
mod makers;
mod opencode;

use std::time::{Duration, Instant};

use engine::api::Api;
use serde_json::{Value, json};

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// The engine, with the server added as the person would.
async fn flight_to(url: &str, kind: &str, token: Option<&str>) -> (tempfile::TempDir, Api) {
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let add = json!({ "name": "Clerk", "url": url, "kind": kind, "token": token, "keep": "session", "basic": null });
    ask(&api, "addEndpoint", add).await;
    (dir, api)
}

/// The question of a task, once it is in the inbox.
async fn question(api: &Api, task: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(question) = question_or_none(api, task).await {
            return question;
        }
        assert!(Instant::now() < end, "{task} asks nothing");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn question_or_none(api: &Api, task: &str) -> Option<Value> {
    let inbox = ask(api, "inbox", json!({})).await;
    let groups = inbox["groups"].as_array().expect("groups");
    let items = groups
        .iter()
        .flat_map(|group| group["items"].as_array().expect("items"));
    for item in items {
        let key = item["key"].as_str().expect("a key");
        let Some(escalation) = key.strip_prefix("e:clerk/") else {
            continue;
        };
        let asked = json!({ "endpoint": "clerk", "escalation": escalation });
        let question = ask(api, "escalation", asked).await;
        if question["task"]["task"] == json!(task) {
            return Some(question);
        }
    }
    None
}

async fn approve(api: &Api, question: &Value) -> String {
    decide(api, question, "approve", Value::Null).await
}

async fn decide(api: &Api, question: &Value, outcome: &str, option: Value) -> String {
    let said = json!({ "outcome": outcome, "optionId": option });
    say(api, question, said).await
}

async fn say(api: &Api, question: &Value, said: Value) -> String {
    let mut decide = json!({
        "endpoint": "clerk", "escalation": question["escalation"], "version": question["version"],
        "bindingHash": question["bindingHash"], "outcome": "approve", "optionId": null, "editedAction": null,
        "payload": null, "message": null, "shownMs": 5000, "reachedEnd": true,
    });
    for (member, value) in said.as_object().expect("an object") {
        decide[member] = value.clone();
    }
    let decision = ask(api, "decide", decide).await;
    decision["id"].as_str().expect("an id").to_owned()
}

/// The decision once it stands in one of the states.
async fn delivery(api: &Api, question: &Value, states: &[&str]) -> Value {
    let asked = json!({ "endpoint": "clerk", "escalation": question["escalation"] });
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let now = ask(api, "escalation", asked.clone()).await;
        let state = now["decision"]["state"].as_str().unwrap_or_default();
        if states.contains(&state) {
            return now["decision"].clone();
        }
        assert!(Instant::now() < end, "{:#}", now["decision"]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Changes the login of the endpoint.
async fn log_in(api: &Api, token: Option<&str>, basic: Option<&str>) {
    let edit = json!({ "endpoint": "clerk", "token": token, "basic": basic, "keep": "session" });
    ask(api, "editEndpoint", edit).await;
}

/// Waits until the endpoint is in this state of health; all that is said of it.
async fn health(api: &Api, wanted: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        ask(api, "pollNow", json!({ "endpoint": "clerk" })).await;
        let view = ask(api, "agents", json!({})).await;
        let endpoint = &view["endpoints"][0];
        if endpoint["health"] == wanted {
            return endpoint.clone();
        }
        assert!(Instant::now() < end, "not {wanted}: {endpoint:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Whether the board has a card of the task.
async fn is_on_the_board(api: &Api, task: &str) -> bool {
    let columns = [
        "queued",
        "running",
        "handed-over",
        "needs-you",
        "done",
        "failed",
        "unknown",
    ];
    let pages = columns.map(|column| json!({ "column": column, "offset": 0, "limit": 100 }));
    let board = json!({ "group": "status", "pages": pages, "filter": "", "problemsOnly": false });
    let board = ask(api, "board", board).await;
    let columns = board["columns"].as_array().expect("columns").iter();
    let mut cards = columns.flat_map(|column| column["cards"].as_array().expect("cards"));
    cards.any(|card| card["task"] == task)
}

/// Whether a decision is still on its way: nothing is said to have become of it.
async fn is_on_its_way(api: &Api, question: &Value) -> bool {
    let asked = json!({ "endpoint": "clerk", "escalation": question["escalation"] });
    let now = ask(api, "escalation", asked).await;
    let state = now["decision"]["state"]
        .as_str()
        .expect("a state")
        .to_owned();
    ["held", "queued", "sending"].contains(&state.as_str())
}

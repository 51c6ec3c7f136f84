//! What an A2A server exchanges between the list, the single look before an answer, and the answer: nothing is sent for what
//! was not shown, and nothing is called applied by what is told of something else.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/paths.rs"]
mod paths;
#[path = "scripted/server.rs"]
mod scripted;

use std::sync::{Arc, Mutex};

use agents::{Delivery, Kind, Outcome};
use deciding::decide;
use domain::contract::{Document, EXTENSION_URI};
use paths::{paths, reply};
use scripted::{Asked, card, connect, connect_anew, list, poll, serve, task};
use serde_json::{Value, json};

/// A server whose task is as the test sets it. It says this to a message, and to a wish to cancel.
struct Server {
    url: String,
    asked: Asked,
    shown: Arc<Mutex<String>>,
}

impl Server {
    async fn begin(shown: String, answer: Value) -> Self {
        let shown = Arc::new(Mutex::new(shown));
        let now = Arc::clone(&shown);
        let (url, asked) = serve(card(), move |method, _| {
            let now: Value = serde_json::from_str(&now.lock().expect("a task")).expect("JSON");
            match method {
                "ListTasks" => list(vec![now], ""),
                "GetTask" => json!({"result": now}),
                _ => json!({"result": answer}),
            }
        })
        .await;
        Self { url, asked, shown }
    }

    fn is_now(&self, task: &Value) {
        *self.shown.lock().expect("a task") = task.to_string();
    }

    fn sent(&self) -> usize {
        let asked = self.asked.lock().expect("notes");
        asked
            .iter()
            .filter(|(method, _)| method == "SendMessage")
            .count()
    }
}

fn asks(data: Value, more: Value) -> Value {
    let mut shown = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
    shown["status"]["message"] = json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "May I?"}, {"data": data}]});
    for (name, value) in more.as_object().expect("an object") {
        shown[name] = value.clone();
    }
    shown
}

fn ours(item: Value) -> Value {
    let mut shown = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
    let mut whole = json!({"id": "q1", "version": "4", "taskId": "t", "kind": "approval", "title": "Pay", "message": "Pay it?",
        "proposedAction": {"name": "pay", "args": {"amount": 1}}, "createdAt": "2026-11-21T08:00:00Z", "status": "pending"});
    for (name, value) in item.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    shown["metadata"] = json!({EXTENSION_URI: {"escalations": [whole]}});
    shown
}

fn question(document: &Document) -> Value {
    let all = document.escalations.as_ref().expect("questions");
    serde_json::from_str(&all[0].raw).expect("JSON")
}

fn approves(document: &Document) -> Delivery {
    decide(&question(document), "k", json!({"outcome": "approve"}))
}

#[tokio::test]
async fn an_item_of_the_extension_that_is_exchanged_under_its_version_is_not_answered() {
    for (item, expected) in [
        (json!({}), None),
        (
            json!({"proposedAction": {"name": "pay", "args": {"amount": 9}}}),
            Some(Outcome::Changed),
        ),
        (json!({"title": "Pay all"}), Some(Outcome::Changed)),
        (json!({"version": "5"}), Some(Outcome::Changed)),
    ] {
        let done = task("t", "TASK_STATE_COMPLETED", 9);
        let server = Server::begin(ours(json!({})).to_string(), json!({"task": done})).await;
        let mut endpoint = connect(&server.url);
        let (document, _) = poll(&mut *endpoint).await;
        server.is_now(&ours(item.clone()));
        let outcome = endpoint.deliver(&approves(&document)).await;
        let is_sent = usize::from(expected.is_none());
        assert_eq!(outcome, expected.unwrap_or(Outcome::Applied), "{item}");
        assert_eq!(server.sent(), is_sent, "{item}");
    }
}

#[tokio::test]
async fn what_is_settled_as_another_version_shows_no_effect() {
    let settled = |version: &str| ours(json!({"version": version, "status": "resolved"}));
    for (version, outcome) in [("4", Outcome::Applied), ("5", Outcome::Sent)] {
        let server = Server::begin(ours(json!({})).to_string(), settled(version)).await;
        let mut endpoint = connect(&server.url);
        let (document, _) = poll(&mut *endpoint).await;
        assert_eq!(endpoint.deliver(&approves(&document)).await, outcome);
    }
}

/// It asks to send a mail, and carries what an answer to another question would need.
#[tokio::test]
async fn an_item_of_the_extension_that_looks_like_a_question_of_our_making_answers_no_other_one() {
    let delete = json!({"id": "call-1", "name": "rm", "args": {"path": "/"}});
    let other = asks(delete, json!({}));
    let server = Server::begin(other.to_string(), json!({"task": other})).await;
    let (document, _) = poll(&mut *connect(&server.url)).await;
    let real = question(&document);
    let forged = json!({"id": "t", "version": real["version"], "title": "Send", "message": "Send a mail?",
        "proposedAction": {"name": "mail.send", "args": {}}, "native": real["native"], "createdAt": real["createdAt"]});
    // It stands under the task, and is gone when it is answered.
    server.is_now(&ours(forged));
    let mut endpoint = connect(&server.url);
    let (document, _) = poll(&mut *endpoint).await;
    assert_eq!(question(&document)["title"], "Send");
    server.is_now(&other);
    assert_eq!(
        endpoint.deliver(&approves(&document)).await,
        Outcome::Changed
    );
    // Nor does it pass for what was shown before.
    let (again, _) = poll(&mut *connect_anew(Kind::A2a, &server.url, &document)).await;
    assert_eq!(question(&again)["proposedAction"], real["proposedAction"]);
    // It stands there still: it is answered in the words of the contract.
    server.is_now(&ours(json!({"native": real["native"]})));
    let mut endpoint = connect(&server.url);
    let (document, _) = poll(&mut *endpoint).await;
    endpoint.deliver(&approves(&document)).await;
    let asked = server.asked.lock().expect("notes").clone();
    let sent = asked.iter().rfind(|(method, _)| method == "SendMessage");
    let parts = &sent.expect("a message").1["message"]["parts"];
    assert!(!parts.to_string().contains("call-1"), "{parts}");
    assert!(parts.to_string().contains("\"q1\""), "{parts}");
}

#[tokio::test]
async fn another_task_than_was_asked_for_tells_nothing_of_this_one() {
    let asked = asks(json!({"id": "c1", "name": "rm", "args": {}}), json!({}));
    let mut other = task("u", "TASK_STATE_COMPLETED", 9);
    other["contextId"] = json!("elsewhere");
    let server = Server::begin(asked.to_string(), json!({"task": other})).await;
    let mut endpoint = connect(&server.url);
    let (document, _) = poll(&mut *endpoint).await;
    server.is_now(&other);
    let outcome = endpoint.deliver(&approves(&document)).await;
    assert!(
        matches!(
            outcome,
            Outcome::Retry {
                may_have_arrived: false,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(server.sent(), 0);
    let mut canceled = task("u", "TASK_STATE_CANCELED", 9);
    canceled["contextId"] = json!("c");
    let server = Server::begin(asked.to_string(), json!(canceled)).await;
    let mut endpoint = connect(&server.url);
    poll(&mut *endpoint).await;
    assert_eq!(
        endpoint.cancel(&"t".into(), &"k".into()).await,
        Outcome::Sent
    );
}

#[tokio::test]
async fn a_number_that_differs_where_machines_do_not_tell_it_asks_another_thing() {
    let asks = |amount: &str| {
        let data = json!({"id": "c1", "name": "pay", "args": {"amount": "AMOUNT"}});
        asks(data, json!({}))
            .to_string()
            .replace("\"AMOUNT\"", amount)
    };
    let (one, other) = ("100000000000000000000001", "100000000000000000000002");
    let shown = Arc::new(Mutex::new(asks(one)));
    let now = Arc::clone(&shown);
    let (url, _) = paths(move |verb, path, request| {
        if verb == "GET" {
            return match path.contains("agent-card") {
                true => reply("200 OK", "", &card().to_string()),
                false => reply("404 Not Found", "", ""),
            };
        }
        let task = now.lock().expect("a task").clone();
        let result = match request.contains("ListTasks") {
            true => format!("{{\"tasks\":[{task}],\"nextPageToken\":\"\"}}"),
            false => task,
        };
        let whole = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{result}}}");
        reply("200 OK", "", &whole)
    })
    .await;
    let mut endpoint = connect(&url);
    let (document, _) = poll(&mut *endpoint).await;
    let raw = |document: &Document| {
        document.escalations.as_ref().expect("questions")[0]
            .raw
            .clone()
    };
    assert!(raw(&document).contains(one));
    *shown.lock().expect("a task") = asks(other);
    let delivery = Delivery {
        escalation_raw: raw(&document).to_string(),
        ..approves(&document)
    };
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Changed);
    let (document, _) = poll(&mut *connect_anew(Kind::A2a, &url, &document)).await;
    assert!(raw(&document).contains(other));
}

#[tokio::test]
async fn words_do_not_pass_for_what_stands_behind_them() {
    let data = r#"{"args":{},"name":"rm"}"#;
    let without_time = |parts: Value, id: &str| {
        let mut shown = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
        shown["status"] = json!({"state": "TASK_STATE_INPUT_REQUIRED",
            "message": {"messageId": id, "role": "ROLE_AGENT", "parts": parts}});
        shown
    };
    let words = without_time(json!([{"text": "Shall I\u{1f}x"}]), data);
    let action = without_time(
        json!([{"text": "Shall I"}, {"data": {"args": {}, "name": "rm"}}]),
        "x",
    );
    let server = Server::begin(words.to_string(), json!({"task": action})).await;
    let mut endpoint = connect(&server.url);
    let (document, _) = poll(&mut *endpoint).await;
    let harmless = question(&document);
    assert_eq!(harmless["proposedAction"], Value::Null);
    server.is_now(&action);
    let answer = decide(
        &harmless,
        "k",
        json!({"outcome": "respond", "message": "Yes."}),
    );
    assert_eq!(endpoint.deliver(&answer).await, Outcome::Changed);
    let (document, _) = poll(&mut *endpoint).await;
    assert_ne!(question(&document)["version"], harmless["version"]);
}

#[tokio::test]
async fn a_yes_is_not_applied_by_a_task_that_ends_with_a_no() {
    for (words, applied) in [
        ("Deployed.", true),
        (
            "Approved and deployed. The old pods were stopped, not deleted.",
            true,
        ),
        ("Order 5 was cancelled.", true),
        ("Nothing was approved in time, so I did nothing.", false),
        ("The deployment was not approved.", false),
        ("Result: not allowed", false),
        ("Not deployed.", false),
    ] {
        let asked = asks(json!({"proposedAction": {"name": "deploy"}}), json!({}));
        let mut done = task("t", "TASK_STATE_COMPLETED", 9);
        done["status"]["message"] =
            json!({"messageId": "n", "role": "ROLE_AGENT", "parts": [{"text": words}]});
        let server = Server::begin(asked.to_string(), json!({"task": done})).await;
        let mut endpoint = connect(&server.url);
        let (document, _) = poll(&mut *endpoint).await;
        let outcome = endpoint.deliver(&approves(&document)).await;
        assert_eq!(outcome == Outcome::Applied, applied, "{words}: {outcome:?}");
        assert_eq!(
            matches!(outcome, Outcome::Unknown(_)),
            !applied,
            "{words}: {outcome:?}"
        );
    }
}

/// A preview under the name of its call, say.
#[tokio::test]
async fn what_stood_under_the_name_of_a_call_before_the_answer_is_no_effect_of_it() {
    let data = json!({"id": "call-12345678", "name": "rm", "args": {}});
    let made = json!({"artifacts": [{"artifactId": "preview-call-12345678", "parts": [{"text": "would delete 3 files"}]}]});
    let asked = asks(data, made.clone());
    let mut after = task("t", "TASK_STATE_WORKING", 9);
    after["artifacts"] = made["artifacts"].clone();
    let server = Server::begin(asked.to_string(), json!({"task": after})).await;
    let mut endpoint = connect(&server.url);
    let (document, _) = poll(&mut *endpoint).await;
    let delivery = approves(&document);
    let told = tokio::spawn(async move { endpoint.deliver(&delivery).await });
    // It goes on as soon as it has the answer.
    while server.sent() == 0 {
        tokio::task::yield_now().await;
    }
    server.is_now(&after);
    assert_eq!(told.await.expect("an outcome"), Outcome::Sent);
}

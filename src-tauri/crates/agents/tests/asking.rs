//! Whether a task asks is told by the protocol's state and by structure, in whatever language; what only may be asking is
//! shown in a quieter place.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/server.rs"]
mod scripted;

use domain::contract::EscalationSeverity;
use scripted::{follow, poll, serve, task};
use serde_json::{Value, json};

fn says(words: &str) -> Value {
    json!({"kind": "message", "messageId": "m", "role": "agent", "parts": [{"kind": "text", "text": words}]})
}

fn tells(data: Value) -> Value {
    json!({"kind": "message", "messageId": "m", "role": "agent", "parts": [{"kind": "data", "data": data}]})
}

/// What is shown of it.
#[derive(Debug, PartialEq)]
enum Shown {
    Asks,
    MayAsk,
    /// No question; the task says that it may be one.
    OnBoard,
    Nothing,
}

#[tokio::test]
async fn what_asks_is_told_by_state_and_structure_and_not_by_words() {
    let status =
        |message: Value| json!({"status": {"state": "input-required", "message": message}});
    let history =
        |message: Value| json!({"status": {"state": "input-required"}, "history": [message]});
    let artifact =
        json!([{"artifactId": "a", "parts": [{"kind": "text", "text": "Please provide a name"}]}]);
    let with_result = |mut task: Value| {
        task["artifacts"] = artifact.clone();
        task
    };
    let completed = |message: Value| json!({"status": {"state": "completed", "message": message}, "history": [message]});
    let working = |message: Value| json!({"status": {"state": "working", "message": message}});
    use Shown::{Asks, MayAsk, Nothing, OnBoard};
    for (more, expected) in [
        (status(says("Which customer is meant?")), Asks),
        (status(says("どの顧客ですか？")), Asks),
        (status(says("ما اسم العميل؟")), Asks),
        (status(says("Customer number:")), Asks),
        (status(says("Please name the customer.")), MayAsk),
        (status(says("Bitte den Kunden nennen.")), MayAsk),
        (status(says("どの顧客ですか")), MayAsk),
        (
            status(says("I can provide more, and you may decide.")),
            MayAsk,
        ),
        (with_result(status(says("Please provide a name"))), Nothing),
        (history(says("Shall I go on?")), MayAsk),
        (
            history(says("Please provide the details you need reviewed.")),
            OnBoard,
        ),
        (history(says("Done. All tests pass.")), OnBoard),
        (
            history(tells(
                json!({"subject": "Thinking", "description": "Which one?"}),
            )),
            Nothing,
        ),
        (history(tells(json!({"question": "Which one"}))), Asks),
        (
            history(tells(
                json!({"request": {"callId": "c", "name": "ls", "args": {}}, "status": "success"}),
            )),
            Nothing,
        ),
        (
            completed(says("What else can I provide? Please confirm.")),
            Nothing,
        ),
        (
            working(says("Waiting for approval, please confirm?")),
            Nothing,
        ),
    ] {
        let mut shown = task("t", "working", 1);
        for (name, value) in more.as_object().expect("an object") {
            shown[name] = value.clone();
        }
        let card = json!({"name": "A", "url": "/rpc", "protocolVersion": "0.3.0", "capabilities": {}, "skills": []});
        let (url, _) = serve(card, move |method, _| match method {
            "tasks/get" => json!({"result": shown.clone()}),
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        })
        .await;
        let (document, _) = poll(&mut *follow(&url, &["t"])).await;
        let asked = document.escalations.as_deref().unwrap_or_default().first();
        let board = document.tasks.as_ref().expect("tasks")[0]
            .value
            .status
            .message
            .clone();
        let found = match asked.map(|asked| asked.value.severity) {
            Some(Some(EscalationSeverity::Low)) => MayAsk,
            Some(_) => Asks,
            None if board.is_some_and(|words| words.starts_with("It may be asking: ")) => OnBoard,
            None => Nothing,
        };
        assert_eq!(found, expected, "{more}");
    }
}

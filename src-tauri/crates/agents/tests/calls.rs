//! Calls of Gemini CLI that cannot be answered with a yes or a no, and one that was allowed over a connection that broke.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/paths.rs"]
mod paths;
#[path = "scripted/server.rs"]
mod scripted;

use std::sync::{Arc, Mutex};

use agents::{Delivery, Outcome};
use deciding::decide;
use domain::contract::TaskState;
use paths::{paths, reply};
use scripted::{follow, poll, task};
use serde_json::{Value, json};

/// A call as Gemini CLI tells of it.
fn call(id: &str, status: &str, details: Value) -> Value {
    let data = json!({"request": {"callId": id, "name": "run_shell_command", "args": {"command": id}},
        "status": status, "confirmationDetails": details});
    let parts = json!([{"kind": "data", "data": data}]);
    json!({"kind": "message", "messageId": format!("{id}-{status}"), "role": "agent", "parts": parts})
}

fn leave(id: &str, status: &str) -> Value {
    call(
        id,
        status,
        json!({"type": "exec", "title": "Confirm", "command": id}),
    )
}

/// A server whose task has this history: it takes a message, allows the first call, and answers with this status.
async fn server(
    state: &'static str,
    history: Vec<Value>,
    status: &'static str,
) -> (String, paths::Heard, Arc<Mutex<Vec<Value>>>) {
    let told = Arc::new(Mutex::new(history));
    let shown = Arc::clone(&told);
    let card = json!({"name": "Gemini SDLC Agent", "version": "0.0.2", "url": "/", "protocolVersion": "0.3.0", "capabilities": {}, "skills": []});
    let (url, heard) = paths(move |verb, path, request| {
        if verb == "GET" {
            return match path.contains("agent-card") {
                true => reply("200 OK", "", &card.to_string()),
                false => reply("404 Not Found", "", ""),
            };
        }
        let mut history = shown.lock().expect("a history");
        if request.contains("message/send") {
            history.push(leave("c1", "scheduled"));
            return reply(status, "", "bad gateway");
        }
        let mut now = task("t", state, 1);
        now["history"] = json!(*history);
        let result = match request.contains("tasks/get") && request.contains("\"t\"") {
            true => json!({"jsonrpc": "2.0", "id": 1, "result": now}),
            false => json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32001, "message": "Task not found"}}),
        };
        reply("200 OK", "", &result.to_string())
    })
    .await;
    (url, heard, told)
}

/// It is allowed by then, whatever became of the reply; that it runs is seen later.
#[tokio::test]
async fn a_call_that_was_allowed_over_a_broken_connection_is_sent_and_then_applied() {
    for calls in [vec!["c1"], vec!["c1", "c2"]] {
        for (decision, expected) in [("approve", "Sent"), ("reject", "Unknown")] {
            let history = calls
                .iter()
                .map(|id| leave(id, "awaiting_approval"))
                .collect();
            let (url, heard, told) = server("input-required", history, "502 Bad Gateway").await;
            let mut endpoint = follow(&url, &["t"]);
            let (document, _) = poll(&mut *endpoint).await;
            let raw = document.escalations.expect("a question")[0].raw.to_string();
            let question: Value = serde_json::from_str(&raw).expect("JSON");
            let sent = decide(&question, "d", json!({"outcome": decision}));
            let mut outcome = endpoint.deliver(&sent).await;
            let again = Delivery {
                resend: true,
                ..sent
            };
            if matches!(outcome, Outcome::Retry { .. }) {
                outcome = endpoint.deliver(&again).await;
            }
            let what = format!("{decision} of {calls:?}: {outcome:?}");
            // Whose leave it was that a call got in spite of a no, nobody can tell.
            assert!(format!("{outcome:?}").starts_with(expected), "{what}");
            if decision == "approve" {
                // Asked for once more, it says the same, until the call has run.
                assert_eq!(endpoint.deliver(&again).await, Outcome::Sent, "{what}");
                told.lock().expect("a history").push(leave("c1", "success"));
                assert_eq!(endpoint.deliver(&again).await, Outcome::Applied, "{what}");
            }
            let heard = heard.lock().expect("notes");
            let sends = heard
                .iter()
                .filter(|request| request.contains("message/send"));
            assert_eq!(sends.count(), 1, "{what}");
        }
    }
}

/// A yes would be no answer to it, and words go to the model while the call waits on.
#[tokio::test]
async fn what_can_only_be_answered_at_the_agent_is_said_and_not_asked() {
    let questions = json!([
        {"question": "Which database?", "header": "DB", "type": "choice", "options": [{"label": "Postgres", "description": ""}, {"label": "SQLite", "description": ""}]},
        {"question": "Its name?", "header": "Name", "type": "text"},
    ]);
    let asks = json!({"type": "ask_user", "title": "Ask User", "questions": questions});
    let plan =
        json!({"type": "exit_plan_mode", "title": "Plan Approval", "planPath": "/plans/shop.md"});
    for state in ["input-required", "working"] {
        for (details, expected) in [
            (&asks, "Which database? (Postgres / SQLite)\nIts name?"),
            (&plan, "Plan Approval (/plans/shop.md)"),
        ] {
            let history = vec![call("c1", "awaiting_approval", details.clone())];
            let (url, ..) = server(state, history, "200 OK").await;
            let (document, _) = poll(&mut *follow(&url, &["t"])).await;
            assert_eq!(
                document.escalations.map_or(0, |all| all.len()),
                0,
                "{state}"
            );
            let told = &document.tasks.expect("tasks")[0].value;
            assert_eq!(told.status.state, TaskState::InputRequired);
            let said = told.status.message.as_deref().unwrap_or_default();
            assert!(
                said.contains("only be answered at the agent itself"),
                "{said}"
            );
            assert!(said.ends_with(expected), "{said}");
        }
        // A call beside it that waits for leave is asked for all the same, and answered it asks nothing.
        let both = vec![
            call("c0", "awaiting_approval", asks.clone()),
            leave("c1", "awaiting_approval"),
        ];
        let (url, ..) = server(state, both, "200 OK").await;
        let (document, _) = poll(&mut *follow(&url, &["t"])).await;
        assert_eq!(
            document.escalations.map_or(0, |all| all.len()),
            1,
            "{state}"
        );
        let over = vec![
            call("c0", "awaiting_approval", asks.clone()),
            call("c0", "success", Value::Null),
        ];
        let (url, ..) = server(state, over, "200 OK").await;
        let (document, _) = poll(&mut *follow(&url, &["t"])).await;
        let told = document.tasks.expect("tasks").remove(0).value;
        let said = told.status.message.unwrap_or_default();
        assert!(!said.contains("at the agent itself"), "{said}");
    }
}

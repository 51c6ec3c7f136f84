//! A server that refuses how it is asked is asked for less, at once, and never again for what it refused: what is wrong with
//! a request of ours is no failure of the agent.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/paths.rs"]
mod paths;
#[path = "scripted/server.rs"]
mod scripted;

use agents::{Observation, Outcome};
use deciding::decide;
use paths::{paths, reply};
use scripted::{card, connect, follow, list, poll, serve, task};
use serde_json::{Value, json};

fn refusal(words: &str) -> Value {
    json!({"error": {"code": -32602, "message": words}})
}

fn old_card() -> Value {
    json!({"name": "Strict", "version": "1", "url": "/rpc", "protocolVersion": "0.3.0", "capabilities": {}, "skills": []})
}

type Strict = fn(&Value) -> bool;

/// What servers refuse in a request for a list.
const LISTS: [(&str, Strict); 6] = [
    ("more than ten messages, as LangGraph does", |params| {
        params["historyLength"]
            .as_u64()
            .is_some_and(|length| length > 10)
    }),
    ("any number of messages", |params| {
        params.get("historyLength").is_some()
    }),
    ("artifacts", |params| {
        params.get("includeArtifacts").is_some()
    }),
    ("the size of a page", |params| {
        params.get("pageSize").is_some()
    }),
    ("what is newer", |params| {
        params.get("statusTimestampAfter").is_some()
    }),
    ("everything", |params| {
        params.as_object().is_some_and(|params| !params.is_empty())
    }),
];

#[tokio::test]
async fn a_list_that_refuses_a_parameter_is_asked_again_without_it_and_remembered() {
    for (what, refuses) in LISTS {
        let (url, asked) = serve(card(), move |method, params| match method {
            "ListTasks" if refuses(params) => refusal("Invalid parameters"),
            "ListTasks" => list(vec![task("t", "TASK_STATE_WORKING", 1)], ""),
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        })
        .await;
        let mut endpoint = connect(&url);
        let (document, last) = poll(&mut *endpoint).await;
        assert!(last, "{what}");
        assert_eq!(document.tasks.expect("tasks").len(), 1, "{what}");
        // It asks for what is newer now, which may be one thing more that is refused.
        endpoint.observe().await.expect("it answers");
        let settled = asked.lock().expect("notes").len();
        // Also after a failure, it is not asked once more for what it refused.
        endpoint.tell_again();
        for _ in 0..3 {
            endpoint.observe().await.expect("it answers");
        }
        let asked = asked.lock().expect("notes");
        assert_eq!(asked.len(), settled + 3, "{what}");
        assert!(
            asked[settled..].iter().all(|(_, params)| !refuses(params)),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_task_that_is_refused_with_its_history_is_read_without_it() {
    // The code is for bad parameters, or whatever a server has for what went wrong.
    let codes = [-32602, -32602, -32602, -32600, -32603, -32000, -32004];
    for (most, code) in [50, 10, 0, 10, 10, 0, 0].into_iter().zip(codes) {
        let (url, asked) = serve(old_card(), move |method, params| {
            let length = params["historyLength"].as_u64();
            match method {
                "tasks/get" if length.is_some_and(|length| length > most) => {
                    json!({"error": {"code": code, "message": "historyLength is too large"}})
                }
                "tasks/get" if params["id"] == "t" => json!({"result": task("t", "working", 1)}),
                "tasks/get" => json!({"error": {"code": -32001, "message": "Task not found"}}),
                _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
            }
        })
        .await;
        let mut endpoint = follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        assert_eq!(document.tasks.expect("tasks").len(), 1, "{most}");
        let before = asked.lock().expect("notes").len();
        assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
        assert_eq!(asked.lock().expect("notes").len(), before + 1, "{most}");
    }
}

/// An id that a server does not take, however it is asked for, is one task that is not there.
#[tokio::test]
async fn an_id_that_is_refused_loses_only_itself() {
    let (url, _) = serve(old_card(), |method, params| match method {
        "tasks/get" if params["id"] == "no-uuid" => refusal("id is no UUID"),
        "tasks/get" if params["id"] == "t" => json!({"result": task("t", "working", 1)}),
        "tasks/get" => json!({"error": {"code": -32001, "message": "Task not found"}}),
        _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
    })
    .await;
    let (document, _) = poll(&mut *follow(&url, &["no-uuid", "t"])).await;
    assert_eq!(document.tasks.expect("tasks").len(), 1);
}

#[tokio::test]
async fn an_answer_is_sent_once_more_only_where_our_own_wishes_were_refused() {
    let mut waits = task("t", "input-required", 1);
    waits["status"]["message"] =
        json!({"messageId": "m", "role": "agent", "parts": [{"kind": "text", "text": "Go?"}]});
    for (words, expected, sends) in [
        ("configuration.blocking is not supported", "Applied", 2),
        (
            "returnImmediately: extra fields not permitted",
            "Applied",
            2,
        ),
        ("parts[0] is not supported", "Refused", 1),
    ] {
        let shown = waits.clone();
        let (url, asked) = serve(old_card(), move |method, params| match method {
            "message/send" if params.get("configuration").is_some() => refusal(words),
            "message/send" => json!({"result": task("t", "completed", 2)}),
            "tasks/get" if params["id"] == "t" => json!({"result": shown.clone()}),
            "tasks/get" => json!({"error": {"code": -32001, "message": "Task not found"}}),
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        })
        .await;
        let mut endpoint = follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        let raw = &document.escalations.expect("a question")[0].raw;
        let question: Value = serde_json::from_str(raw).expect("JSON");
        let approve = decide(&question, "d", json!({"outcome": "approve"}));
        let outcome = endpoint.deliver(&approve).await;
        assert_eq!(
            format!("{outcome:?}").split('(').next(),
            Some(expected),
            "{words}"
        );
        assert!(outcome != Outcome::Sent, "{words}");
        let asked = asked.lock().expect("notes");
        let sent = asked.iter().filter(|(method, _)| method == "message/send");
        assert_eq!(sent.count(), sends, "{words}");
    }
}

/// Servers refuse in plain text too, or in JSON of their own.
#[tokio::test]
async fn a_refusal_that_is_no_a2a_error_is_read_by_its_words() {
    let page = "<html><body>Bad Request</body></html>";
    let nested = r#"{"error": {"message": "unknown field \"configuration\""}}"#;
    let listed = r#"{"detail": [{"loc": ["body", "configuration"], "msg": "extra"}]}"#;
    let told = r#"{"detail": "The invoice is closed."}"#;
    for (status, body, expected, sends) in [
        (
            "400 Bad Request",
            "unknown field configuration",
            "Applied",
            2,
        ),
        ("422 Unprocessable Entity", listed, "Applied", 2),
        ("400 Bad Request", nested, "Applied", 2),
        (
            "400 Bad Request",
            "The invoice 17 is closed.",
            "Refused(\"The invoice 17 is closed.\")",
            1,
        ),
        (
            "422 Unprocessable Entity",
            told,
            "Refused(\"The invoice is closed.\")",
            1,
        ),
        (
            "409 Conflict",
            "Somebody is at it.",
            "Refused(\"Somebody is at it.\")",
            1,
        ),
        (
            "400 Bad Request",
            page,
            "Refused(\"It refused, and gave no reason.\")",
            1,
        ),
        (
            "400 Bad Request",
            "",
            "Refused(\"It refused, and gave no reason.\")",
            1,
        ),
        // What it says of its own failure is no refusal.
        ("500 Internal Server Error", "no configuration", "Retry", 1),
    ] {
        for binding in ["JSONRPC", "HTTP+JSON"] {
            let (url, heard) = paths(move |verb, path, request| {
                let mut waits = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
                waits["status"]["message"] = json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "Go?"}]});
                let done = task("t", "TASK_STATE_COMPLETED", 2);
                let is_sending = path.ends_with(":send") || request.contains("SendMessage");
                let result = match is_sending {
                    _ if path.contains("agent-card") => {
                        let door = json!([{"url": "/rpc", "protocolBinding": binding, "protocolVersion": "1.0"}]);
                        let card = json!({"name": "A", "version": "1", "capabilities": {}, "skills": [], "supportedInterfaces": door});
                        return reply("200 OK", "", &card.to_string());
                    }
                    true if request.contains("configuration") => return reply(status, "", body),
                    true => json!({"task": done}),
                    false if path.contains("/tasks/") || request.contains("GetTask") => waits,
                    false if verb == "GET" || request.contains("ListTasks") => json!({"tasks": [waits]}),
                    false => return reply("404 Not Found", "", ""),
                };
                let result = match binding {
                    "JSONRPC" => json!({"jsonrpc": "2.0", "id": 1, "result": result}),
                    _ => result,
                };
                reply("200 OK", "", &result.to_string())
            })
            .await;
            let mut endpoint = connect(&url);
            let (document, _) = poll(&mut *endpoint).await;
            let raw = &document.escalations.expect("a question")[0].raw;
            let question: Value = serde_json::from_str(raw).expect("JSON");
            let approve = decide(&question, "d", json!({"outcome": "approve"}));
            let outcome = format!("{:?}", endpoint.deliver(&approve).await);
            let what = format!("{binding}, {status}, {body}: {outcome}");
            assert!(outcome.starts_with(expected), "{what}");
            let heard = heard.lock().expect("notes");
            let sent = heard.iter().filter(|request| {
                request.contains(":send ") || request.contains("\"SendMessage\"")
            });
            assert_eq!(sent.count(), sends, "{what}");
        }
    }
}

/// A call to stop that is refused is not made again and again.
#[tokio::test]
async fn a_stop_that_is_refused_in_plain_text_is_refused_in_its_words() {
    let card = old_card().to_string();
    let (url, _) = paths(move |verb, _, _| match verb {
        "GET" => reply("200 OK", "", &card),
        _ => reply("400 Bad Request", "", "It runs to its end."),
    })
    .await;
    let mut endpoint = follow(&url, &["t"]);
    let outcome = endpoint.cancel(&"t".into(), &"stop".into()).await;
    assert_eq!(outcome, Outcome::Refused("It runs to its end.".to_owned()));
}

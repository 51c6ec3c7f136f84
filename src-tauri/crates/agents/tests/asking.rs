//! Whether a task asks is told by the protocol's state and by structure, in whatever language; what only may be asking is
//! shown in a quieter place.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/server.rs"]
mod scripted;

use agents::Observation;
use domain::contract::{EscalationSeverity, EscalationStatus};
use scripted::{Asked, card, connect, follow, list, poll, serve, task};
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

/// A list that tells the newest messages only and no artifacts, and each task by itself with all it has. The task is the first
/// at the first look, and the second from then on.
async fn leaves_out(first: Value, then: Value, unreadable_from: u32) -> (String, Asked) {
    let (mut lists, mut reads) = (0, 0);
    serve(card(), move |method, params| match method {
        "ListTasks" => {
            lists += 1;
            let mut listed = if lists == 1 { &first } else { &then }.clone();
            let most = params["historyLength"].as_u64().unwrap_or(0) as usize;
            let members = listed.as_object_mut().expect("an object");
            members.remove("artifacts");
            if let Some(history) = members.get_mut("history").and_then(Value::as_array_mut) {
                history.drain(..history.len().saturating_sub(most));
            }
            list(vec![listed], "")
        }
        _ => {
            reads += 1;
            if reads >= unreadable_from {
                return json!({"error": {"code": -32603, "message": "Internal error"}});
            }
            json!({"result": if lists == 1 { &first } else { &then }})
        }
    })
    .await
}

/// The question that is told at last, and how often the task was read by itself; also over lists that are read from the
/// beginning.
async fn told(first: &Value, then: &Value, unreadable_from: u32) -> (Option<Value>, usize) {
    let (url, asked) = leaves_out(first.clone(), then.clone(), unreadable_from).await;
    let mut endpoint = connect(&url);
    let mut last = None;
    for _ in 0..70 {
        if let Ok(Observation::Document { body, .. }) = endpoint.observe().await {
            let document = domain::contract::read(body.as_bytes()).expect("a document");
            let all = document.escalations.into_iter().flatten();
            let mut open = all.filter(|one| one.value.status == EscalationStatus::Pending);
            last = open
                .next()
                .map(|one| serde_json::from_str(&one.raw).expect("JSON"));
        }
    }
    let asked = asked.lock().expect("notes");
    let reads = asked
        .iter()
        .filter(|(method, _)| method == "GetTask")
        .count();
    (last, reads)
}

#[tokio::test]
async fn a_question_behind_what_a_list_leaves_out_is_found_with_one_look_at_its_task() {
    let call = |status: &str| json!({"request": {"callId": "c", "name": "ls", "args": {}}, "status": status});
    let shows = |state: &str, second: u32, more: Value| {
        let mut shown = task("t", state, second);
        for (name, value) in more.as_object().expect("an object") {
            shown[name] = value.clone();
        }
        shown
    };
    let status = |words: &str| {
        let mut waits = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
        waits["status"]["message"] = says(words);
        waits["status"].clone()
    };
    let mut history = vec![tells(call("awaiting_approval"))];
    history.extend((0..30).map(|line| says(&format!("Line {line}"))));
    let interrupt =
        |parts: Value| json!([{"artifactId": "a", "name": "Interrupt", "parts": parts}]);
    let ask = json!([{"data": {"id": "i-1", "value": {"question": "Which account?"}}}]);
    let pay = json!([{"tool_name": "pay", "args": {"eur": 9}, "tool_call_id": "p"}]);
    let leave = json!([{"artifactId": "a", "name": "result", "parts": [{"data": {"result": {"approvals": pay}}}]}]);
    let works = || task("t", "TASK_STATE_WORKING", 1);
    let waits = |more: Value| shows("TASK_STATE_INPUT_REQUIRED", 2, more);
    let over = |more: Value| shows("TASK_STATE_COMPLETED", 2, more);
    for (name, first, then, expected, reads) in [
        (
            "a call far back in the history",
            works(),
            waits(json!({"history": history, "status": status("Output of another tool.")})),
            Some("ls"),
            1,
        ),
        (
            "a call far back, and words that ask",
            works(),
            waits(json!({"history": history, "status": status("Shall I?")})),
            Some("ls"),
            1,
        ),
        (
            "a call far back, at the first look",
            waits(json!({"history": history})),
            waits(json!({"history": history})),
            Some("ls"),
            1,
        ),
        (
            "an artifact that asks",
            works(),
            waits(json!({"artifacts": interrupt(ask.clone())})),
            Some("Which account?"),
            1,
        ),
        (
            "a finished turn that wants leave",
            works(),
            over(json!({"artifacts": leave})),
            Some("pay"),
            1,
        ),
        (
            "a finished turn that wants nothing",
            works(),
            over(json!({})),
            None,
            1,
        ),
        (
            "a finished turn that waited",
            waits(json!({"history": [says("Well")]})),
            over(json!({"artifacts": leave})),
            Some("pay"),
            2,
        ),
        // It was over before anybody looked, as thousands may be.
        (
            "one that was over before",
            over(json!({})),
            over(json!({})),
            None,
            0,
        ),
        (
            "words, and nothing behind them",
            works(),
            waits(json!({"status": status("Shall I?")})),
            Some("Shall I?"),
            1,
        ),
    ] {
        let (found, looked) = told(&first, &then, u32::MAX).await;
        assert_eq!(looked, reads, "{name}");
        let found = found.map(|found| found.to_string());
        assert_eq!(found.is_some(), expected.is_some(), "{name}: {found:?}");
        let contains = |words: &str| found.is_some_and(|found| found.contains(words));
        assert!(expected.is_none_or(contains), "{name}");
    }
    // Nor is it missed when the turn was finished while nobody was connected.
    let finished = over(json!({"artifacts": leave}));
    let (url, asked) = leaves_out(finished.clone(), finished, u32::MAX).await;
    let (document, _) = poll(&mut *follow(&url, &["t"])).await;
    assert_eq!(document.escalations.map(|all| all.len()), Some(1));
    let asked = asked.lock().expect("notes").len();
    assert_eq!(asked, 2, "the list, and the task");
    // What was found so is not exchanged for the words before it while the task cannot be read.
    let first = waits(json!({"history": history, "status": status("Shall I?")}));
    let then = shows(
        "TASK_STATE_INPUT_REQUIRED",
        5,
        json!({"history": history, "status": status("Shall I now?")}),
    );
    let (found, looked) = told(&first, &then, 2).await;
    assert_eq!(found.expect("a question")["kind"], "approval");
    assert!(looked < 12, "{looked}: it is not tried at every look");
    let (found, looked) = told(&works(), &over(json!({"artifacts": leave})), 1).await;
    assert_eq!((found, looked), (None, 3));
}

//! How widespread agent frameworks really say over A2A that a person must answer, and what they want back. Shapes follow
//! the frameworks' own packages; each row is served over a socket, seen, answered, and what was sent is looked at.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/pushes.rs"]
mod pushes;
#[path = "scripted/server.rs"]
mod scripted;

use agents::{Delivery, Outcome};
use domain::contract::TaskState;
use scripted::{connect, list, poll, serve, task};
use serde_json::{Value, json};

/// What a framework shows, what a person decides, what must arrive (parts and, where it matters, metadata).
struct Row {
    framework: &'static str,
    task: Value,
    /// `None` = it asks nothing.
    kind: Option<&'static str>,
    words: &'static str,
    decision: Value,
    parts: Value,
}

fn agent(parts: Value) -> Value {
    json!({"kind": "message", "messageId": "m", "role": "agent", "parts": parts})
}

fn user(parts: Value) -> Value {
    json!({"kind": "message", "messageId": "u", "role": "user", "parts": parts})
}

fn text(words: &str) -> Value {
    json!({"kind": "text", "text": words})
}

fn shows(state: &str, more: Value) -> Value {
    let mut shown = task("t", state, 1);
    for (name, value) in more.as_object().expect("an object") {
        match (name.as_str(), value) {
            ("message", value) => shown["status"]["message"] = value.clone(),
            (name, value) => shown[name] = value.clone(),
        }
    }
    shown
}

fn says(state: &str, message: Value) -> Value {
    shows(state, json!({"message": message}))
}

fn rows() -> Vec<Row> {
    let approve = json!({"outcome": "approve"});
    let reject = json!({"outcome": "reject"});
    let respond = json!({"outcome": "respond", "message": "Ann"});
    let call = json!({"kind": "data", "data": {"id": "adk-1", "name": "adk_request_confirmation",
            "args": {"originalFunctionCall": {"id": "f", "name": "pay", "args": {"eur": 900}}, "toolConfirmation": {"hint": "Pay 900 EUR?", "confirmed": false}}},
        "metadata": {"adk_type": "function_call", "adk_is_long_running": true}});
    let own = json!({"kind": "data", "data": {"id": "adk-2", "name": "ask_for_approval", "args": {"amount": 200}},
        "metadata": {"adk_type": "function_call", "adk_is_long_running": true}});
    let interim = json!({"kind": "data", "data": {"id": "adk-2", "name": "ask_for_approval", "response": {"status": "pending"}},
        "metadata": {"adk_type": "function_response"}});
    let confirmed = json!([{"kind": "data", "data": {"id": "adk-1", "name": "adk_request_confirmation", "response": {"confirmed": true}},
        "metadata": {"adk_type": "function_response"}}]);
    let strands = json!([text("Agent requires input:\n- approval: Delete 3 files?"),
        {"kind": "data", "data": {"interrupts": [{"interruptId": "v1:i-1", "name": "approval", "reason": "Delete 3 files?"}]}}]);
    let id = "0123456789abcdef0123456789abcdef";
    let interrupt = |data: Value| json!({"artifacts": [{"artifactId": "a", "name": "Interrupt", "parts": [{"kind": "data", "data": data}]}]});
    let stack = "https://a2a-extensions.agentstack.beeai.dev/";
    let row = |framework, task, kind, words, decision: &Value, parts| Row {
        framework,
        task,
        kind,
        words,
        decision: decision.clone(),
        parts,
    };
    vec![
        row(
            "Google ADK: a tool wants a confirmation",
            says("input-required", agent(json!([call]))),
            Some("approval"),
            "Pay 900 EUR?",
            &approve,
            confirmed.clone(),
        ),
        row(
            "Google ADK: a plain answer was refused, and the call has moved into the history",
            shows(
                "input-required",
                json!({
                    "history": [user(json!([text("Pay")])), agent(json!([call])), user(json!([text("yes")]))],
                    "message": agent(json!([text("It was not provided a function response for the function call.")])),
                }),
            ),
            Some("approval"),
            "Pay 900 EUR?",
            &approve,
            confirmed.clone(),
        ),
        row(
            "Google ADK: the task is called completed, the call waits in an artifact",
            shows(
                "completed",
                json!({"artifacts": [{"artifactId": "a", "parts": [text("I need a confirmation."), call]}]}),
            ),
            Some("approval"),
            "I need a confirmation.",
            &approve,
            confirmed,
        ),
        row(
            "Google ADK: a long-running tool of one's own, with its interim result",
            says("input-required", agent(json!([own, interim]))),
            Some("approval"),
            "Asks about ask_for_approval",
            &approve,
            json!([{"kind": "data", "data": {"id": "adk-2", "name": "ask_for_approval", "response": {"status": "approved", "approved": true}},
                "metadata": {"adk_type": "function_response"}}]),
        ),
        row(
            "Google ADK: a call that was answered is history",
            shows(
                "completed",
                json!({"history": [agent(json!([call])), user(json!([{"kind": "data", "data": {"id": "adk-1", "name": "adk_request_confirmation", "response": {"confirmed": true}}}]))]}),
            ),
            None,
            "",
            &approve,
            json!([]),
        ),
        row(
            "Strands: an interrupt",
            says("input-required", agent(strands.clone())),
            Some("approval"),
            "Agent requires input:\n- approval: Delete 3 files?",
            &reject,
            json!([{"kind": "data", "data": {"interruptResponse": {"interruptId": "v1:i-1", "response": "n"}}}]),
        ),
        row(
            "LangGraph: an interrupt in an artifact, no status message",
            shows(
                "TASK_STATE_INPUT_REQUIRED",
                interrupt(json!({"id": id, "value": "Which customer is meant"})),
            ),
            Some("question"),
            "Which customer is meant",
            &respond,
            json!([{"kind": "data", "data": {"resume": {id: "Ann"}}}]),
        ),
        row(
            "LangGraph: the middleware's review of a call",
            shows(
                "TASK_STATE_INPUT_REQUIRED",
                interrupt(
                    json!({"id": id, "value": {"action_requests": [{"name": "mail", "args": {}, "description": "Send the mail?"}], "review_configs": []}}),
                ),
            ),
            Some("approval"),
            "Send the mail?",
            &approve,
            json!([{"kind": "data", "data": {"resume": {id: {"decisions": [{"type": "approve"}]}}}}]),
        ),
        row(
            "BeeAI: an approval in the metadata of the message",
            says(
                "input-required",
                json!({"kind": "message", "messageId": "m", "role": "agent", "parts": [text("Approval requested")],
                    "metadata": {format!("{stack}interactions/approval/v1"): {"action": "tool-call", "name": "pay", "input": {"eur": 9}}}}),
            ),
            Some("approval"),
            "Approval requested",
            &reject,
            json!([text("reject")]),
        ),
        row(
            "Agent Framework: an approval request of its own type",
            says(
                "input-required",
                agent(
                    json!([{"kind": "data", "data": {"type": "function_approval_request", "id": "f-1", "function_call": {"call_id": "k", "name": "pay"}}}]),
                ),
            ),
            Some("approval"),
            "Asks about function_approval_request",
            &approve,
            json!([{"kind": "data", "data": {"type": "function_approval_response", "id": "f-1", "function_call": {"call_id": "k", "name": "pay"}, "approved": true}}]),
        ),
        row(
            "Called working while it waits",
            says(
                "working",
                agent(
                    json!([{"kind": "data", "data": {"type": "tool-approval-request", "approvalId": "v", "toolCallId": "c"}}]),
                ),
            ),
            Some("approval"),
            "Asks about tool-approval-request",
            &approve,
            json!([{"kind": "data", "data": {"type": "tool-approval-response", "approvalId": "v", "toolCallId": "c", "approved": true}}]),
        ),
        row(
            "A2A samples: a form with the values so far",
            says(
                "input-required",
                agent(
                    json!([{"kind": "data", "data": {"type": "form", "form": {"type": "object", "properties": {"amount": {"type": "string"}}, "required": ["amount"]}, "form_data": {"request_id": "r-9", "amount": ""}, "instructions": "How much?"}}]),
                ),
            ),
            Some("form"),
            "How much?",
            &json!({"outcome": "respond", "payload": {"amount": "12"}}),
            json!([{"kind": "data", "data": {"amount": "12", "request_id": "r-9"}}]),
        ),
        row(
            "Plain words in the status",
            says(
                "input-required",
                agent(json!([text("Please name the customer.")])),
            ),
            Some("question"),
            "Please name the customer.",
            &respond,
            json!([text("Ann")]),
        ),
        row(
            "It is called input-required with words that may ask",
            says(
                "input-required",
                agent(json!([text("The capital of France is Paris.")])),
            ),
            Some("question"),
            "The capital of France is Paris.",
            &respond,
            json!([text("Ann")]),
        ),
        row(
            "Every finished turn is called input-required, with the answer in an artifact",
            shows(
                "input-required",
                json!({"artifacts": [{"artifactId": "a", "name": "result", "parts": [{"kind": "data", "data": {"result": 7}}]}]}),
            ),
            None,
            "",
            &approve,
            json!([]),
        ),
        row(
            "The same, with the words twice",
            shows(
                "input-required",
                json!({"message": agent(json!([text("Hauptstadt: Paris")])),
                    "artifacts": [{"artifactId": "a", "parts": [text("Hauptstadt: Paris")]}]}),
            ),
            None,
            "",
            &approve,
            json!([]),
        ),
        row(
            "A request in a task that has failed",
            says("failed", agent(strands)),
            None,
            "",
            &approve,
            json!([]),
        ),
    ]
}

fn old_card() -> Value {
    json!({"name": "Dialect", "version": "1", "url": "/rpc", "protocolVersion": "0.3.0", "capabilities": {}, "skills": [], "defaultInputModes": ["text", "application/json"]})
}

fn delivery(question: &str, version: &str, decision: &Value) -> Delivery {
    let mut body =
        json!({"actionDigest": "sha256:0", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
    for (name, value) in decision.as_object().expect("an object") {
        body[name] = value.clone();
    }
    Delivery {
        id: "decision-1".into(),
        escalation: "t".into(),
        version: version.to_owned(),
        task: Some("t".into()),
        body: body.to_string(),
        escalation_raw: question.to_owned(),
        resend: false,
    }
}

#[tokio::test]
async fn every_dialect_is_seen_as_what_it_asks_and_answered_in_its_own_shape() {
    for row in rows() {
        let shown = row.task.clone();
        let over = shown["status"]["state"] == "completed";
        let (url, asked) = serve(old_card(), move |method, params| match method {
            "message/send" => {
                let mut done = task(if over { "t-2" } else { "t" }, "completed", 9);
                done["history"] = json!([params["message"]]);
                json!({"result": done})
            }
            "tasks/list" => json!({"error": {"code": -32601, "message": "Method not found"}}),
            _ => json!({"result": shown.clone()}),
        })
        .await;
        let mut endpoint = scripted::follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        let questions = document.escalations.clone().unwrap_or_default();
        let found = questions.first();
        let kind = found.map(|q| serde_json::to_value(q.value.kind).expect("a word"));
        assert_eq!(kind, row.kind.map(|kind| json!(kind)), "{}", row.framework);
        let Some(question) = found else { continue };
        assert_eq!(question.value.message, row.words, "{}", row.framework);
        let state = document.tasks.as_ref().expect("tasks")[0]
            .value
            .status
            .state;
        assert_eq!(state, TaskState::InputRequired, "{}", row.framework);
        pushes::not_pushed_on(&document, row.framework);
        let sent = delivery(&question.raw, &question.value.version, &row.decision);
        let outcome = endpoint.deliver(&sent).await;
        assert_eq!(outcome, Outcome::Applied, "{}", row.framework);
        let asked = asked.lock().expect("notes");
        let message = &asked
            .iter()
            .find(|(method, _)| method == "message/send")
            .expect("a message")
            .1["message"];
        assert_eq!(message["parts"], row.parts, "{}", row.framework);
        assert_eq!(message["contextId"], "c", "{}", row.framework);
        if over {
            assert_eq!(message.get("taskId"), None, "{}", row.framework);
            assert_eq!(message["referenceTaskIds"], json!(["t"]));
        } else {
            assert_eq!(message["taskId"], "t", "{}", row.framework);
        }
        if row.framework.starts_with("BeeAI") {
            let key = "https://a2a-extensions.agentstack.beeai.dev/interactions/approval/v1";
            assert_eq!(message["metadata"][key], json!({"decision": "reject"}));
        }
    }
}

#[tokio::test]
async fn what_a_dialect_cannot_express_is_refused_and_nothing_is_sent() {
    let confirm = json!([{"kind": "data", "data": {"id": "adk-1", "name": "adk_request_confirmation", "args": {}}}]);
    let login = json!([{"kind": "data", "data": {"id": "adk-1", "name": "adk_request_credential", "args": {}}}]);
    let form = json!([{"kind": "data", "data": {"requestId": "r", "schema": {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}}}]);
    for (parts, decision, words) in [
        (
            &confirm,
            json!({"outcome": "respond", "message": "Later"}),
            "yes or a no",
        ),
        (
            &confirm,
            json!({"outcome": "edit", "editedAction": {"name": "x", "args": {}}}),
            "no edited action",
        ),
        (&login, json!({"outcome": "approve"}), "login"),
        (&form, json!({"outcome": "approve"}), "form"),
    ] {
        let shown = says("input-required", agent(parts.clone()));
        let (url, asked) = serve(old_card(), move |_, _| json!({"result": shown.clone()})).await;
        let mut endpoint = scripted::follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        let question = &document.escalations.expect("a question")[0];
        let sent = delivery(&question.raw, &question.value.version, &decision);
        let outcome = endpoint.deliver(&sent).await;
        assert!(
            matches!(&outcome, Outcome::Refused(sentence) if sentence.contains(words)),
            "{decision}: {outcome:?}"
        );
        let asked = asked.lock().expect("notes");
        assert!(asked.iter().all(|(method, _)| method != "message/send"));
    }
}

/// The task after the answer, and what became of the decision.
#[tokio::test]
async fn only_what_the_task_itself_shows_is_applied() {
    let ask = json!([{"kind": "data", "data": {"id": "adk-1", "name": "adk_request_confirmation", "args": {}}}]);
    let waiting = says("input-required", agent(ask));
    let later = |mut task: Value, id: &str, words: &str| {
        task["status"]["timestamp"] = json!("2026-11-21T09:00:00Z");
        task["status"]["message"] = agent(json!([text(words)]));
        task["status"]["message"]["messageId"] = json!(id);
        task
    };
    let mut refused = later(waiting.clone(), "m-2", "Not a function response.");
    refused["history"] = json!([waiting["status"]["message"]]);
    for (name, reply, after, expected) in [
        (
            "it says yes and moves on, and shows nothing of what was asked",
            task("t", "working", 2),
            task("t", "working", 2),
            "Sent",
        ),
        (
            "it says yes and completes",
            task("t", "working", 2),
            task("t", "completed", 2),
            "Applied",
        ),
        (
            "another task says that it is completed",
            task("t-2", "completed", 2),
            waiting.clone(),
            "Unknown(\"It began another task with the answer, t-2,",
        ),
        (
            "it says yes, and nothing changes",
            json!({"kind": "message", "messageId": "x", "role": "agent", "parts": [text("Ok")]}),
            waiting.clone(),
            "Sent",
        ),
        (
            "it asks the same again, in other words",
            refused.clone(),
            refused,
            "Refused",
        ),
        (
            "it fails over the answer",
            later(
                task("t", "failed", 2),
                "m-3",
                "Data parts are not supported yet",
            ),
            task("t", "failed", 2),
            "Unknown",
        ),
    ] {
        let before = waiting.clone();
        let mut sent = false;
        let (url, _) = serve(old_card(), move |method, _| match method {
            "message/send" => {
                sent = true;
                json!({"result": reply.clone()})
            }
            _ if sent => json!({"result": after.clone()}),
            _ => json!({"result": before.clone()}),
        })
        .await;
        let mut endpoint = scripted::follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        let question = &document.escalations.expect("a question")[0];
        let decision = json!({"outcome": "approve"});
        let sent = delivery(&question.raw, &question.value.version, &decision);
        let outcome = format!("{:?}", endpoint.deliver(&sent).await);
        assert!(outcome.starts_with(expected), "{name}: {outcome}");
    }
}

#[tokio::test]
async fn a_request_in_a_finished_task_is_settled_by_the_answer_in_another_one() {
    let call = json!({"kind": "data", "data": {"id": "adk-1", "name": "adk_request_confirmation", "args": {}}});
    let asks = shows(
        "TASK_STATE_COMPLETED",
        json!({"artifacts": [{"artifactId": "a", "parts": [call]}]}),
    );
    let mut answers = task("t-2", "TASK_STATE_COMPLETED", 5);
    answers["history"] = json!([user(
        json!([{"data": {"id": "adk-1", "response": {"confirmed": true}}}])
    )]);
    let (url, _) = serve(scripted::card(), move |_, _| {
        list(vec![answers.clone(), asks.clone()], "")
    })
    .await;
    let (document, _) = poll(&mut *connect(&url)).await;
    assert_eq!(document.escalations.map(|all| all.len()), Some(0));
}

/// A server that answers only to the methods of one generation.
fn only(generation: &'static [&'static str], shown: Value) -> impl FnMut(&str, &Value) -> Value {
    move |method, params| {
        if !generation.contains(&method) {
            return json!({"error": {"code": -32601, "message": "Method not found"}});
        }
        match method {
            "ListTasks" | "tasks/list" => list(vec![shown.clone()], ""),
            _ if params["id"] == "t" => json!({"result": shown.clone()}),
            _ => json!({"error": {"code": -32001, "message": "Task not found"}}),
        }
    }
}

#[tokio::test]
async fn a_card_that_is_wrong_about_its_generation_is_not_the_end() {
    for (card, methods) in [
        (scripted::card(), &["tasks/get"][..]),
        (old_card(), &["GetTask"][..]),
        (old_card(), &["ListTasks", "GetTask"][..]),
        (old_card(), &["tasks/list"][..]),
        (old_card(), &["tasks/get"][..]),
        (scripted::card(), &["GetTask"][..]),
    ] {
        let shown = says("input-required", agent(json!([text("Which one?")])));
        let (url, _) = serve(card, only(methods, shown)).await;
        let mut endpoint = scripted::follow(&format!("{url}/#task=t"), &[]);
        let (document, last) = poll(&mut *endpoint).await;
        assert!(last, "{methods:?}");
        let questions = document.escalations.unwrap_or_default();
        assert_eq!(questions.len(), 1, "{methods:?}");
    }
}

#[tokio::test]
async fn without_a_list_known_tasks_are_read_finished_ones_rarely_and_unknown_ones_are_not_invented()
 {
    let mut turn = 0;
    let (url, asked) = serve(old_card(), move |method, params| {
        let id = params["id"].as_str().unwrap_or_default();
        match (method, id) {
            ("tasks/get", "done") => json!({"result": task("done", "completed", 1)}),
            ("tasks/get", "broken") => json!({"error": {"code": -32603, "message": "Oops"}}),
            ("tasks/get", "works") => {
                turn += 1;
                json!({"result": task("works", "working", turn)})
            }
            ("tasks/get", _) => json!({"error": {"code": -32001, "message": "Task not found"}}),
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        }
    })
    .await;
    let mut endpoint = scripted::follow(&url, &["done", "works", "gone", "broken"]);
    // All that is there at first, then what is new.
    for expected in [&["works", "done"][..], &["works"], &["works"]] {
        let (document, last) = poll(&mut *endpoint).await;
        let tasks = document.tasks.expect("tasks");
        let ids: Vec<_> = tasks.iter().map(|task| task.value.id.as_str()).collect();
        assert_eq!((last, document.snapshot), (true, expected.len() == 2));
        assert_eq!(ids, expected);
    }
    let asked = asked.lock().expect("notes");
    let count = |id: &str| {
        asked
            .iter()
            .filter(|(_, params)| params["id"] == id)
            .count()
    };
    assert_eq!((count("done"), count("works")), (1, 3));
}

#[tokio::test]
async fn many_known_tasks_are_read_in_turns_of_one_snapshot() {
    let (url, _) = serve(old_card(), |method, params| match method {
        "tasks/get" if params["id"].as_str().is_some_and(|id| id.starts_with("t-")) => {
            json!({"result": task(params["id"].as_str().unwrap_or_default(), "working", 1)})
        }
        _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
    })
    .await;
    let ids: Vec<String> = (0..60).map(|n| format!("t-{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut endpoint = scripted::follow(&url, &ids);
    let (mut seen, mut turns) = (0, 0);
    loop {
        let (document, last) = poll(&mut *endpoint).await;
        seen += document.tasks.map_or(0, |tasks| tasks.len());
        turns += 1;
        if last {
            break;
        }
    }
    assert_eq!((seen, turns), (60, 3));
}

/// Words are answered with words; to stop is a call of its own, and is said where there is none.
#[tokio::test]
async fn every_outcome_of_a_question_in_words_has_its_words() {
    for (decision, cancels, expected) in [
        (json!({"outcome": "approve"}), true, Some("approve")),
        (json!({"outcome": "approve-always"}), true, Some("approve")),
        (
            json!({"outcome": "approve", "message": "Go on"}),
            true,
            Some("approve\n\nGo on"),
        ),
        (
            json!({"outcome": "reject", "message": "Too dear"}),
            true,
            Some("reject\n\nToo dear"),
        ),
        (
            json!({"outcome": "respond", "message": "Ann"}),
            true,
            Some("Ann"),
        ),
        (json!({"outcome": "cancel"}), true, None),
        (json!({"outcome": "cancel"}), false, Some("cancel")),
    ] {
        let shown = says("input-required", agent(json!([text("May I?")])));
        let mut over = false;
        let (url, asked) = serve(old_card(), move |method, _| match method {
            "tasks/get" if !over => json!({"result": shown.clone()}),
            "tasks/cancel" if !cancels => {
                json!({"error": {"code": -32002, "message": "Task cannot be canceled"}})
            }
            "tasks/cancel" => {
                over = true;
                json!({"result": task("t", "canceled", 5)})
            }
            "message/send" | "tasks/get" => {
                over = true;
                json!({"result": task("t", "completed", 5)})
            }
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        })
        .await;
        let mut endpoint = scripted::follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        let question = &document.escalations.expect("a question")[0];
        let sent = delivery(&question.raw, &question.value.version, &decision);
        assert_eq!(
            endpoint.deliver(&sent).await,
            Outcome::Applied,
            "{decision}"
        );
        let asked = asked.lock().expect("notes");
        let message = asked.iter().find(|(method, _)| method == "message/send");
        let words = message.map(|(_, params)| params["message"]["parts"].clone());
        let expected = expected.map(|words| json!([text(words)]));
        assert_eq!(words, expected, "{decision}");
    }
}

//! Servers that speak another version than they say, list their tasks beside the protocol, keep their agents below their
//! root, or want a key at a place of their own: what is seen of them, and what is told.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/paths.rs"]
mod bytes;
#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/server.rs"]
mod scripted;

use std::sync::{Arc, Mutex};

use agents::{Credential, Endpoint, Kind, Observation, Outcome, Target};
use deciding::decide;
use domain::{
    contract::{self, Document},
    ids::TaskId,
};
use scripted::{connect, follow, poll, serve, task};
use serde_json::{Value, json};

fn old_card() -> Value {
    json!({"name": "Gemini SDLC Agent", "version": "0.0.2", "url": "/", "protocolVersion": "0.3.0", "capabilities": {}, "skills": []})
}

/// A server of paths: `(verb, path with query, whole request)` to a status and a body. Notes every request.
async fn paths(
    mut answer: impl FnMut(&str, &str, &str) -> (u16, Value) + Send + 'static,
) -> (String, bytes::Heard) {
    bytes::paths(move |verb, path, request| {
        let (status, body) = answer(verb, path, request);
        let body = match status {
            204 => String::new(),
            _ => body.to_string(),
        };
        bytes::reply(&format!("{status} X"), "", &body)
    })
    .await
}

#[tokio::test]
async fn a_server_that_speaks_another_version_is_not_called_one_without_a_list() {
    for (card, code) in [
        (scripted::card(), -32009),
        (scripted::card(), -32601),
        (old_card(), -32009),
    ] {
        let (url, _) = serve(
            card,
            move |_, _| json!({"error": {"code": code, "message": "No."}}),
        )
        .await;
        let error = connect(&url)
            .observe()
            .await
            .expect_err("it cannot be asked");
        let words = error.detail.unwrap_or_default();
        assert!(words.contains("another version"), "{code}: {words}");
        let probe = agents::probe(&url, None).await.expect("it has a card");
        assert!(
            !probe.capabilities.contains(&"listTasks".to_owned()),
            "{code}"
        );
        let warnings = probe.warnings.join(" ");
        assert!(
            warnings.contains("another version") && !warnings.contains("no list"),
            "{code}: {warnings}"
        );
    }
}

#[tokio::test]
async fn a_server_that_fails_over_every_call_is_not_called_one_without_a_list() {
    for (list, read, fails) in [
        (
            json!({"code": -32603, "message": "Oops"}),
            json!({"code": -32603, "message": "Oops"}),
            true,
        ),
        (
            json!({"code": -32000, "message": "Oops"}),
            json!({"code": -32000, "message": "Oops"}),
            true,
        ),
        (
            json!({"code": -32601, "message": "Method not found"}),
            json!({"code": -32603, "message": "Oops"}),
            false,
        ),
        (
            json!({"code": -32603, "message": "Oops"}),
            json!({"code": -32001, "message": "Oops"}),
            false,
        ),
        (
            json!({"code": -32603, "message": "Oops"}),
            json!({"code": -32603, "message": "Task not found"}),
            false,
        ),
    ] {
        let what = format!("{list} {read}");
        let (url, _) = serve(old_card(), move |method, _| match method {
            "tasks/list" => json!({"error": list}),
            _ => json!({"error": read}),
        })
        .await;
        let probe = agents::probe(&url, None).await.expect("it has a card");
        let warnings = probe.warnings.join(" ");
        assert_eq!(
            warnings.contains("its tasks cannot: It answers with an A2A error"),
            fails,
            "{what}: {warnings}"
        );
        assert_eq!(warnings.contains("no list"), !fails, "{what}: {warnings}");
        assert_eq!(connect(&url).observe().await.is_err(), fails, "{what}");
    }
}

#[tokio::test]
async fn the_tasks_that_gemini_cli_lists_beside_the_protocol_are_followed() {
    let mut looks = 0;
    let (url, _) = paths(move |verb, path, request| match (verb, path) {
        ("GET", "/tasks/metadata") => {
            looks += 1;
            let told = |id: &str| json!({"id": id, "contextId": "c", "taskState": "working", "model": "m", "mcpServers": [], "availableTools": []});
            match looks {
                1 => (204, Value::Null),
                2 => (200, json!([told("one")])),
                _ => (200, json!([told("one"), told("two")])),
            }
        }
        ("GET", _) => (200, old_card()),
        _ => {
            let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
            let call: Value = serde_json::from_str(body).expect("a call");
            let id = call["params"]["id"].as_str().unwrap_or_default();
            let reply = match call["method"].as_str() {
                Some("tasks/get") if ["one", "two"].contains(&id) => json!({"result": task(id, "working", 1)}),
                Some("tasks/get") => json!({"error": {"code": -32001, "message": "Task not found"}}),
                _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
            };
            (200, reply)
        }
    })
    .await;
    let mut endpoint = connect(&url);
    for expected in [&[][..], &["one"], &["one", "two"]] {
        let (document, last) = poll(&mut *endpoint).await;
        let tasks = document.tasks.expect("it lists its tasks");
        let ids: Vec<_> = tasks.iter().map(|task| task.value.id.as_str()).collect();
        assert!(last);
        assert_eq!(ids, expected);
    }
    assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
}

/// A server of 0.3 that tells its tasks beside the protocol, as far as they are there: their ids, the states it tells
/// there, and what is shown of each. And the ids that were asked for.
type Told = Arc<Mutex<Vec<(String, &'static str, Value)>>>;

async fn tells(told: Told) -> (String, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(vec![]));
    let notes = asked.clone();
    let (url, _) = paths(move |verb, path, request| {
        let told = told.lock().expect("tasks");
        match (verb, path) {
            ("GET", "/tasks/metadata") => {
                let all = told
                    .iter()
                    .map(|(id, state, _)| json!({"id": id, "contextId": "c", "taskState": state}));
                (200, all.collect())
            }
            ("GET", _) => (200, old_card()),
            _ => {
                let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
                let call: Value = serde_json::from_str(body).expect("a call");
                let id = call["params"]["id"].as_str().unwrap_or_default();
                let found = told.iter().find(|(known, ..)| known == id);
                let reply = match (call["method"].as_str(), found) {
                    (Some("tasks/get"), Some((_, _, shown))) => {
                        notes.lock().expect("notes").push(id.to_owned());
                        json!({"result": shown})
                    }
                    (Some("tasks/get"), None) => {
                        json!({"error": {"code": -32001, "message": "Task not found"}})
                    }
                    _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
                };
                (200, reply)
            }
        }
    })
    .await;
    (url, asked)
}

fn asks(id: &str) -> Value {
    let mut shown = task(id, "input-required", 2);
    shown["status"]["message"] = json!({
        "messageId": "m", "role": "agent", "parts": [{"kind": "text", "text": "Which one?"}],
    });
    shown
}

/// Polls until it is so of a document; after how many polls. None asks for more than a turn.
async fn polls_until(
    endpoint: &mut dyn Endpoint,
    asked: &Mutex<Vec<String>>,
    is_so: impl Fn(&Document) -> bool,
) -> usize {
    for polls in 1..40 {
        asked.lock().expect("notes").clear();
        let observation = endpoint.observe().await.expect("an answer");
        let reads = asked.lock().expect("notes").len();
        assert!(reads <= 25, "{reads} reads in a poll");
        let Observation::Document { body, last, .. } = observation else {
            continue;
        };
        assert!(last, "one poll is a round");
        if is_so(&contract::read(body.as_bytes()).expect("a document")) {
            return polls;
        }
    }
    panic!("it is never so");
}

/// The question of such a task, as it is told.
fn asks_of(id: &str) -> Value {
    json!({"id": id, "version": "1", "taskId": id, "kind": "question", "title": "Which one?", "message": "Which one?", "status": "pending"})
}

fn asks_in(id: &str) -> impl Fn(&Document) -> bool {
    move |document| {
        let mut questions = document.escalations.iter().flatten();
        questions.any(|one| one.value.task_id.as_ref().map(TaskId::as_str) == Some(id))
    }
}

#[tokio::test]
async fn a_new_question_does_not_wait_behind_a_hundred_old_tasks() {
    let told = Told::default();
    let names: Vec<String> = (0..108).map(|n| format!("t-{n}")).collect();
    for id in &names {
        let shown = task(id, "working", 1);
        told.lock()
            .expect("tasks")
            .push((id.clone(), "working", shown));
    }
    let (url, asked) = tells(told.clone()).await;
    let mut endpoint = connect(&url);
    let mut pages = 1;
    while !poll(&mut *endpoint).await.1 {
        pages += 1;
    }
    assert_eq!(pages, 5, "each was asked for once");
    let show = |at: usize, state| {
        let mut told = told.lock().expect("tasks");
        let id = told[at].0.clone();
        told[at] = (id.clone(), state, asks(&id));
        id
    };
    // A new one.
    let new = ("new".to_owned(), "input-required", asks("new"));
    told.lock().expect("tasks").push(new);
    let polls = polls_until(&mut *endpoint, &asked, asks_in("new")).await;
    assert_eq!(polls, 1);
    // An old one whose state says that something happened.
    let id = show(7, "input-required");
    let polls = polls_until(&mut *endpoint, &asked, asks_in(&id)).await;
    assert_eq!(polls, 1);
    // Old ones of which only the task itself tells, the oldest and one in the middle.
    for at in [0, 54] {
        let id = show(at, "working");
        let polls = polls_until(&mut *endpoint, &asked, asks_in(&id)).await;
        assert!(polls <= 10, "{id}: {polls} polls");
    }
    // One that is gone: all that are there are told.
    told.lock().expect("tasks").remove(3);
    let all = |document: &Document| {
        let tasks = document.tasks.as_ref().map_or(0, Vec::len);
        document.snapshot && tasks == 108
    };
    let polls = polls_until(&mut *endpoint, &asked, all).await;
    assert!(polls <= 10, "{polls} polls");
    // An answer went to an old one: what it shows since is asked for at once, and in each round.
    endpoint
        .deliver(&decide(
            &asks_of("t-0"),
            "k",
            json!({"outcome": "respond", "message": "Two"}),
        ))
        .await;
    for _ in 0..3 {
        asked.lock().expect("notes").clear();
        endpoint.observe().await.expect("an answer");
        assert_eq!(
            asked.lock().expect("notes").first().map(String::as_str),
            Some("t-0")
        );
    }
}

/// Tasks that cannot be read lose only themselves, also when they are asked for first, slowly, and each time.
#[tokio::test]
async fn tasks_that_fail_do_not_hide_those_that_can_be_read() {
    let (url, _) = serve(old_card(), move |method, params| {
        let id = params["id"].as_str().unwrap_or_default();
        match method {
            "tasks/get" if id.starts_with("bad") => {
                json!({"error": {"code": -32603, "message": "Oops"}})
            }
            "tasks/get" if id.starts_with("done") => json!({"result": task(id, "completed", 1)}),
            "tasks/get" if id.starts_with("t-") => json!({"result": task(id, "working", 1)}),
            "tasks/get" => json!({"error": {"code": -32001, "message": "Task not found"}}),
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        }
    })
    .await;
    // The first are the most pressing.
    let mut ids: Vec<String> = (0..30).map(|n| format!("bad-{n}")).collect();
    ids.push("done-1".to_owned());
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut endpoint = follow(&url, &names);
    let mut told = 0;
    for _ in 0..2 {
        let (document, _) = poll(&mut *endpoint).await;
        told += document.tasks.map_or(0, |all| all.len());
    }
    assert_eq!(told, 1, "the one that can be read");
    for round in 0..8 {
        assert!(endpoint.observe().await.is_ok(), "{round}: it answers");
    }
    // Where none can be read, the endpoint says why.
    let mut endpoint = follow(&url, &["bad-1", "bad-2"]);
    let error = endpoint.observe().await.expect_err("nothing can be read");
    assert!(error.detail.unwrap_or_default().contains("Oops"));
}

/// A task that is named twice is asked for once, and the round ends.
#[tokio::test]
async fn a_task_that_is_named_twice_is_one() {
    let (url, asked) = serve(old_card(), |method, params| match method {
        "tasks/get" if params["id"] == "a" => json!({"result": task("a", "working", 1)}),
        "tasks/get" => json!({"error": {"code": -32001, "message": "Task not found"}}),
        _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
    })
    .await;
    let mut endpoint = follow(&format!("{url}/#task=a&task=a"), &["a"]);
    assert!(poll(&mut *endpoint).await.1);
    let asked = asked.lock().expect("notes");
    let reads = asked.iter().filter(|(_, params)| params["id"] == "a");
    assert_eq!(reads.count(), 1);
}

#[tokio::test]
async fn the_agents_of_googles_kit_are_found_below_its_root() {
    for (served, expected) in [
        (&["clerk"][..], Ok("Clerk")),
        (&["clerk", "payer"], Err("/a2a/payer")),
        (&[], Err("--a2a")),
    ] {
        let (url, _) = paths(move |_, path, _| match path {
            "/list-apps" => (200, json!(["clerk", "payer"])),
            path => {
                let name = served.iter().find(|name| path == format!("/a2a/{name}/.well-known/agent-card.json"));
                match name {
                    Some(name) => (200, json!({"name": if *name == "clerk" { "Clerk" } else { "Payer" }, "url": format!("/a2a/{name}"), "protocolVersion": "0.3.0", "capabilities": {}, "skills": []})),
                    None => (404, json!({"detail": "Not Found"})),
                }
            }
        })
        .await;
        let found = agents::probe(&url, None).await;
        match expected {
            Ok(name) => {
                let found = found.expect("an agent");
                assert_eq!((found.kind, found.name.as_deref()), (Kind::A2a, Some(name)));
                assert!(found.status_url.expect("an address").contains("/a2a/clerk"));
            }
            Err(words) => {
                let error = found.expect_err("no one agent").detail.unwrap_or_default();
                assert!(
                    error.contains("Agent Development Kit") && error.contains(words),
                    "{error}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_key_goes_where_the_card_says_and_nowhere_else() {
    const KEY: &str = "k-1234567";
    for (scheme, expected) in [
        (
            json!({"type": "apiKey", "in": "header", "name": "X-Key"}),
            "\r\nx-key: k-1234567\r\n",
        ),
        (
            json!({"type": "apiKey", "in": "query", "name": "key"}),
            "/rpc?key=k-1234567 ",
        ),
        (
            json!({"type": "apiKey", "in": "cookie", "name": "session"}),
            "\r\ncookie: session=k-1234567\r\n",
        ),
        (
            json!({"type": "http", "scheme": "bearer"}),
            "\r\nauthorization: Bearer k-1234567\r\n",
        ),
    ] {
        let card = json!({"name": "Guarded", "url": "/rpc", "protocolVersion": "0.3.0", "capabilities": {}, "skills": [],
            "securitySchemes": {"s": scheme}, "security": [{"s": []}]});
        let (url, heard) = paths(move |verb, _, _| match verb {
            "GET" => (200, card.clone()),
            _ => (200, json!({"result": {"tasks": [task("t", "working", 1)]}})),
        })
        .await;
        let mut endpoint = agents::open(&Target {
            endpoint: "guarded".into(),
            kind: Kind::A2a,
            url: url.clone(),
            credential: Some(Credential::Bearer(KEY.to_owned())),
            known_tasks: vec![],
            known_questions: vec![],
        })
        .expect("it opens");
        endpoint.observe().await.expect("it answers");
        let heard = heard.lock().expect("notes");
        let calls: Vec<_> = heard
            .iter()
            .filter(|request| request.starts_with("POST"))
            .collect();
        assert!(!calls.is_empty(), "{scheme}");
        for call in calls {
            assert!(call.contains(expected), "{scheme}: {call}");
            assert_eq!(call.matches(KEY).count(), 1, "{scheme}: {call}");
        }
    }
}

#[tokio::test]
async fn what_login_a_card_wants_is_said_before_it_is_tried() {
    for (schemes, words) in [
        (
            json!({"s": {"type": "oauth2", "flows": {}}}),
            "not supported here: OAuth",
        ),
        (
            json!({"s": {"type": "mutualTLS"}}),
            "not supported here: mutual TLS",
        ),
        (
            json!({"s": {"type": "apiKey", "in": "query", "name": "key"}}),
            "Enter the key as its token",
        ),
    ] {
        let card = json!({"name": "Guarded", "url": "/rpc", "protocolVersion": "0.3.0", "capabilities": {}, "skills": [],
            "securitySchemes": schemes, "security": [{"s": []}]});
        let (url, _) = serve(card, |_, _| json!({"result": {"tasks": []}})).await;
        let warnings = agents::probe(&url, None)
            .await
            .expect("an agent")
            .warnings
            .join(" ");
        assert!(warnings.contains(words), "{schemes}: {warnings}");
    }
}

fn question(document: &Document) -> Value {
    let all = document.escalations.as_ref().expect("questions");
    serde_json::from_str(&all.first().expect("a question").raw).expect("JSON")
}

/// The Pydantic family ends a turn that wants leave as completed, with the calls in its result. Its server fails over data,
/// and begins a new task with every message.
#[tokio::test]
async fn leave_that_stands_in_the_result_of_a_finished_turn_is_asked_for_and_answered_in_words() {
    let pay = |id: &str, args: Value| json!({"tool_name": "pay", "args": args, "tool_call_id": id, "part_kind": "tool-call"});
    let asks = |id: &str, approvals: Value| {
        let mut asks = task(id, "completed", 1);
        let data = json!({"result": {"calls": [], "approvals": approvals, "metadata": {}}});
        asks["artifacts"] = json!([{"artifactId": "a", "name": "result", "parts": [{"kind": "data", "data": data, "metadata": {"json_schema": {}}}]}]);
        asks
    };
    let one = || asks("t", json!([pay("c-1", json!({"eur": 900}))]));
    let says = |words: &str| {
        let mut says = task("t-2", "completed", 2);
        says["artifacts"] =
            json!([{"artifactId": "b", "parts": [{"kind": "text", "text": words}]}]);
        says
    };
    for card in [old_card(), scripted::card()] {
        for (asking, decision, took, expected, settled) in [
            // Whether it was paid, or is only said to be, such a server shows nowhere.
            (one(), "approve", says("Paid."), Ok(Outcome::Sent), false),
            (
                one(),
                "reject",
                says("Not paid."),
                Ok(Outcome::Applied),
                true,
            ),
            (
                asks("t", json!([pay("c-1", json!("{\"eur\": 900}"))])),
                "approve",
                says("Paid."),
                Ok(Outcome::Sent),
                false,
            ),
            // The same call once more, under another id.
            (
                one(),
                "approve",
                asks("t-2", json!([pay("c-2", json!({"eur": 900}))])),
                Err("asks the same again"),
                true,
            ),
            // A model writes its calls anew.
            (
                one(),
                "approve",
                asks("t-2", json!([pay("c-2", json!({"eur": 900, "to": "Ann"}))])),
                Err("asks the same again"),
                true,
            ),
            (
                one(),
                "reject",
                asks("t-2", json!([pay("c-2", json!({"eur": 800}))])),
                Err("asks the same again"),
                true,
            ),
            (
                one(),
                "approve",
                task("t-2", "failed", 2),
                Err("ended as"),
                false,
            ),
        ] {
            let shown = asking.clone();
            let taken: Arc<Mutex<Option<Value>>> = Arc::default();
            let (url, sent) = serve(card.clone(), move |method, params| match method {
                "SendMessage" | "message/send" => {
                    let mut took = took.clone();
                    took["history"] = json!([params["message"]]);
                    *taken.lock().expect("a task") = Some(took.clone());
                    json!({"result": {"task": took, "id": "t-2", "status": took["status"], "history": took["history"], "artifacts": took["artifacts"]}})
                }
                "GetTask" | "tasks/get" if params["id"] == "t" => json!({"result": shown}),
                "GetTask" | "tasks/get" if params["id"] == "t-2" => match &*taken.lock().expect("a task") {
                    Some(took) => json!({"result": took}),
                    None => json!({"error": {"code": -32001, "message": "Task not found"}}),
                },
                "GetTask" | "tasks/get" => json!({"error": {"code": -32001, "message": "Task not found"}}),
                _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
            })
            .await;
            let mut endpoint = follow(&url, &["t"]);
            let asked = question(&poll(&mut *endpoint).await.0);
            assert_eq!(asked["kind"], "approval");
            assert_eq!(
                asked["proposedAction"],
                json!({"name": "pay", "args": {"eur": 900}})
            );
            let outcome = endpoint
                .deliver(&decide(&asked, "d", json!({"outcome": decision})))
                .await;
            let message = {
                let sent = sent.lock().expect("notes");
                let message = sent
                    .iter()
                    .find(|(method, _)| method.to_lowercase().contains("send"));
                message.expect("a message").1["message"].clone()
            };
            let parts = message["parts"].as_array().expect("parts");
            assert_eq!(parts.len(), 1, "{message}");
            assert_eq!(parts[0]["text"], decision, "{message}");
            assert_eq!(message["contextId"], "c");
            assert_eq!(message["referenceTaskIds"], json!(["t"]));
            match expected {
                Ok(expected) => assert_eq!(outcome, expected, "{decision}"),
                Err(words) => {
                    let told = format!("{outcome:?}");
                    assert!(told.contains(words), "{told}");
                    assert_ne!(outcome, Outcome::Applied);
                }
            }
            let Observation::Document { body, .. } = endpoint.observe().await.expect("it answers")
            else {
                panic!("nothing is new");
            };
            let document = contract::read(body.as_bytes()).expect("a document");
            let pending = document.escalations.iter().flatten().filter(|asked| {
                asked.raw.contains("\"taskId\":\"t\"")
                    && asked.raw.contains("\"status\":\"pending\"")
            });
            assert_eq!(pending.count(), usize::from(!settled), "{decision}: {body}");
        }
    }
}

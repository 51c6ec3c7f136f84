//! The A2A kind against a scripted socket: what real servers do rarely or only in large numbers. Shapes were recorded
//! from the official packages; those servers themselves are met in `tests/real`.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/server.rs"]
mod scripted;

use std::sync::{Arc, Mutex};

use agents::{Delivery, Endpoint, Kind, Observation, Outcome};
use domain::contract::{self, Document, TaskState};
use scripted::{card, connect, connect_anew, follow, list, poll, serve, task};
use serde_json::{Value, json};

#[tokio::test]
async fn every_state_is_told_in_the_contracts_words_with_the_native_word_beside_it() {
    use TaskState as S;
    let rows = [
        ("TASK_STATE_SUBMITTED", S::Submitted),
        ("TASK_STATE_WORKING", S::Working),
        ("TASK_STATE_INPUT_REQUIRED", S::InputRequired),
        ("TASK_STATE_AUTH_REQUIRED", S::AuthRequired),
        ("TASK_STATE_COMPLETED", S::Completed),
        ("TASK_STATE_FAILED", S::Failed),
        ("TASK_STATE_CANCELED", S::Canceled),
        ("TASK_STATE_CANCELLED", S::Canceled),
        ("TASK_STATE_REJECTED", S::Rejected),
        ("TASK_STATE_UNSPECIFIED", S::Unknown),
        ("submitted", S::Submitted),
        ("working", S::Working),
        ("completed", S::Completed),
        ("failed", S::Failed),
        ("rejected", S::Rejected),
        ("input-required", S::InputRequired),
        ("auth-required", S::AuthRequired),
        ("canceled", S::Canceled),
        ("unknown", S::Unknown),
        ("TASK_STATE_DREAMING", S::Unknown),
    ];
    let tasks: Vec<_> = rows
        .iter()
        .map(|(native, _)| task(native, native, 0))
        .collect();
    let (url, _) = serve(card(), move |_, _| list(tasks.clone(), "")).await;
    let (document, _) = poll(&mut *connect(&url)).await;
    let read = document.tasks.expect("tasks");
    for ((native, state), task) in rows.iter().zip(&read) {
        assert_eq!(task.value.status.state, *state, "{native}");
        assert_eq!(task.value.status.native.as_deref(), Some(*native));
    }
    assert_eq!(read.len(), rows.len());
}

#[tokio::test]
async fn twenty_thousand_tasks_come_page_by_page_and_then_only_what_is_newer() {
    const PAGES: usize = 200;
    let (url, asked) = serve(card(), |method, params| {
        assert_eq!(method, "ListTasks");
        if params.get("statusTimestampAfter").is_some() {
            // While the pages were read, one task moved from an unread page to a read one.
            return list(vec![task("t-19999", "TASK_STATE_COMPLETED", 3599)], "");
        }
        let page: usize = params["pageToken"]
            .as_str()
            .map_or(0, |t| t.parse().expect("a page"));
        let first = page * 100;
        let tasks = (first..first + 100)
            .filter(|n| *n != 19_999)
            .map(|n| {
                task(
                    &format!("t-{n}"),
                    "TASK_STATE_WORKING",
                    3000 - n as u32 / 10,
                )
            })
            .collect();
        let next = if page + 1 < PAGES {
            (page + 1).to_string()
        } else {
            String::new()
        };
        list(tasks, &next)
    })
    .await;
    let mut endpoint = connect(&url);
    let (mut seen, mut polls) = (0, 0);
    loop {
        let (document, last) = poll(&mut *endpoint).await;
        assert!(document.snapshot);
        seen += document.tasks.map_or(0, |tasks| tasks.len());
        polls += 1;
        if last {
            break;
        }
    }
    assert_eq!(
        (seen, polls),
        (20_000, PAGES),
        "none is missing, not even the one that moved"
    );
    // From now on one small question a poll.
    let before = asked.lock().expect("notes").len();
    assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
    let asked = asked.lock().expect("notes");
    assert_eq!(asked.len(), before + 1);
    assert_eq!(
        asked[before].1["statusTimestampAfter"],
        "2026-11-21T08:59:59Z"
    );
}

#[tokio::test]
async fn contents_are_left_out_when_they_do_not_fit_and_the_question_is_read_by_itself() {
    let question = |mut task: Value| {
        task["status"]["message"] =
            json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "Which one?"}]});
        task
    };
    let (url, asked) = serve(card(), move |method, params| match method {
        "ListTasks" if params["includeArtifacts"] == true => {
            json!({"result": {"tasks": [], "padding": "x".repeat(17 * 1024 * 1024)}})
        }
        "ListTasks" => list(vec![task("t", "TASK_STATE_INPUT_REQUIRED", 1)], ""),
        _ => json!({"result": question(task("t", "TASK_STATE_INPUT_REQUIRED", 1))}),
    })
    .await;
    let (document, _) = poll(&mut *connect(&url)).await;
    let questions = document.escalations.expect("escalations");
    assert_eq!(questions[0].value.message, "Which one?");
    let methods: Vec<_> = asked
        .lock()
        .expect("notes")
        .iter()
        .map(|(method, _)| method.clone())
        .collect();
    assert_eq!(methods, ["ListTasks", "ListTasks", "GetTask"]);
}

/// One bad answer about a task is no sign that its question is over: it stays, and the task is read again soon.
#[tokio::test]
async fn a_question_stays_while_its_task_cannot_be_read_and_a_new_one_is_found_soon_after() {
    let asks = |words: &str| {
        let mut asks = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
        let parts = json!([{"text": words}]);
        asks["status"]["message"] =
            json!({"messageId": words, "role": "ROLE_AGENT", "parts": parts});
        asks
    };
    let told = Arc::new(Mutex::new((1, Some("Which one?"))));
    let shown = Arc::clone(&told);
    let (url, _) = serve(card(), move |method, _| {
        let (at, words) = *shown.lock().expect("told");
        match (method, words) {
            ("ListTasks", _) => list(vec![task("t", "TASK_STATE_INPUT_REQUIRED", at)], ""),
            (_, Some(words)) => json!({"result": asks(words)}),
            _ => json!({"error": {"code": -32603, "message": "Internal error"}}),
        }
    })
    .await;
    let mut endpoint = connect(&url);
    let questions = |document: Document| -> Vec<(String, String)> {
        let all = document.escalations.into_iter().flatten();
        all.map(|item| (item.value.message, json!(item.value.status).to_string()))
            .collect()
    };
    let pending = |words: &str| vec![(words.to_owned(), "\"pending\"".to_owned())];
    let (document, _) = poll(&mut *endpoint).await;
    assert_eq!(questions(document), pending("Which one?"));

    // It moves, and cannot be read for a moment.
    *told.lock().expect("told") = (5, None);
    let (document, _) = poll(&mut *endpoint).await;
    assert_eq!(questions(document), pending("Which one?"));

    // It can be read again, and its list does not name it as changed any more.
    *told.lock().expect("told") = (5, Some("And which colour?"));
    let mut found = None;
    for _ in 0..4 {
        if let Ok(Observation::Document { body, .. }) = endpoint.observe().await {
            let document = domain::contract::read(body.as_bytes()).expect("a document");
            found = questions(document).pop().or(found);
        }
    }
    assert_eq!(found, pending("And which colour?").pop());
}

/// All tasks of a page are read where the list leaves their questions out, wherever they stand in it.
#[tokio::test]
async fn questions_of_a_whole_page_are_read_though_they_stand_at_its_end() {
    let id = |n: usize| format!("t{n}");
    let (url, _) = serve(card(), move |method, params| {
        if method == "ListTasks" {
            let working = (0..20).map(|n| task(&id(n), "TASK_STATE_WORKING", 1));
            let waiting = (20..100).map(|n| task(&id(n), "TASK_STATE_INPUT_REQUIRED", 1));
            return list(working.chain(waiting).collect(), "");
        }
        let mut asks = task(
            params["id"].as_str().unwrap_or_default(),
            "TASK_STATE_INPUT_REQUIRED",
            1,
        );
        let parts = json!([{"text": "Which one?"}]);
        asks["status"]["message"] = json!({"messageId": "m", "role": "ROLE_AGENT", "parts": parts});
        json!({"result": asks})
    })
    .await;
    let (document, _) = poll(&mut *connect(&url)).await;
    assert_eq!(document.escalations.expect("escalations").len(), 80);
}

#[tokio::test]
async fn a_question_is_found_wherever_servers_put_it_and_nowhere_else() {
    let words = |text: &str| json!([{"kind": "text", "text": text}]);
    let agent = |text: &str| json!({"messageId": "a", "role": "ROLE_AGENT", "parts": words(text)});
    let user = |text: &str| json!({"messageId": "u", "role": "ROLE_USER", "parts": words(text)});
    let waits = |more: Value| {
        let mut task = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
        for (name, value) in more.as_object().expect("an object") {
            task[name] = value.clone();
        }
        task
    };
    let in_status =
        json!({"status": {"state": "input-required", "message": agent("In the status?")}});
    let interrupt = json!([{"artifactId": "1", "name": "Interrupt", "parts": [{"kind": "data", "data": {"ask": 1}}]}]);
    let report = json!([{"artifactId": "1", "name": "report.txt", "parts": words("All is done.")}]);
    for (more, expected) in [
        (in_status, Some("In the status?")),
        (
            json!({"artifacts": interrupt, "history": [user("Begin")]}),
            Some("Asks for an answer"),
        ),
        (
            json!({"history": [user("Begin"), agent("In the history?")]}),
            Some("In the history?"),
        ),
        (json!({"history": [agent("Old?"), user("Answered")]}), None),
        (
            json!({"artifacts": report, "history": [user("Begin")]}),
            None,
        ),
        (json!({}), None),
    ] {
        let tasks = vec![waits(more.clone())];
        let (url, _) = serve(card(), move |method, _| match method {
            "ListTasks" => list(tasks.clone(), ""),
            _ => json!({"result": tasks[0].clone()}),
        })
        .await;
        let (document, _) = poll(&mut *connect(&url)).await;
        let questions = document.escalations.expect("escalations");
        let asked = questions
            .first()
            .map(|question| question.value.message.as_str());
        assert_eq!(asked, expected, "{more}");
        let state = document.tasks.expect("tasks")[0].value.status.clone();
        let silent = expected.is_none();
        assert_eq!(
            state
                .message
                .is_some_and(|m| m.contains("does not say for what")),
            silent,
            "{more}"
        );
    }
}

#[tokio::test]
async fn the_same_records_ride_inside_a2a_and_their_question_is_answered_by_its_own_version() {
    let extension = json!({
        "title": "Pay the supplier", "key": "invoice/7", "progress": {"done": 2, "total": 5},
        "claims": [{"id": "c1", "resource": "api:bank", "holderIdentity": "clerk", "mode": "exclusive", "state": "held"}],
        "escalations": [{"id": "q1", "version": "4", "taskId": "t", "kind": "approval", "title": "Pay", "message": "Pay it?",
            "proposedAction": {"name": "pay", "args": {"amount": 1}}, "createdAt": "2026-11-21T08:00:00Z", "status": "pending"}],
    });
    let mut waits = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
    waits["metadata"] = json!({contract::EXTENSION_URI: extension});
    let (url, asked) = serve(card(), move |method, _| match method {
        "ListTasks" => list(vec![waits.clone()], ""),
        "SendMessage" => json!({"result": {"task": task("t", "TASK_STATE_COMPLETED", 9)}}),
        _ => json!({"result": waits.clone()}),
    })
    .await;
    let mut endpoint = connect(&url);
    let (document, _) = poll(&mut *endpoint).await;
    assert_eq!(document.problems, []);
    assert_eq!(
        document.tasks.expect("tasks")[0].value.title,
        "Pay the supplier"
    );
    assert_eq!(document.claims.expect("claims").len(), 1);
    let question = &document.escalations.expect("escalations")[0];
    let mut delivery = Delivery {
        id: "k".into(),
        escalation: "q1".into(),
        version: "3".to_owned(),
        task: Some("t".into()),
        body: json!({"outcome": "approve", "actionDigest": "sha256:0", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"}).to_string(),
        escalation_raw: question.raw.to_string(),
        resend: false,
    };
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Changed);
    delivery.version = "4".to_owned();
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied);
    let sent = asked.lock().expect("notes");
    let message = &sent
        .iter()
        .find(|(method, _)| method == "SendMessage")
        .expect("a message")
        .1["message"];
    assert_eq!(
        (
            &message["messageId"],
            &message["taskId"],
            &message["contextId"]
        ),
        (&json!("k"), &json!("t"), &json!("c"))
    );
    assert_eq!(
        message["metadata"][contract::EXTENSION_URI]["outcome"],
        "approve"
    );
    assert_eq!(message["parts"][1]["data"]["escalationId"], "q1");
}

#[tokio::test]
async fn what_is_shown_keeps_its_bytes_while_the_server_shuffles_its_members() {
    let mut turn = 0;
    let (url, _) = serve(card(), move |_, _| {
        turn += 1;
        let data: Value = json!({"name": "deploy", "args": {"a": 1, "b": 2}});
        let mut waits = task("t", "TASK_STATE_INPUT_REQUIRED", turn);
        // Another time each time, so that the task is news; the question is the same.
        waits["status"]["timestamp"] = json!("2026-11-21T08:00:00Z");
        waits["metadata"] = json!({"turn": turn});
        waits["status"]["message"] =
            json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"data": data}]});
        list(vec![waits], "")
    })
    .await;
    let mut endpoint = connect(&url);
    let (first, _) = poll(&mut *endpoint).await;
    let (second, _) = poll(&mut *endpoint).await;
    let raw = |document: Document| document.escalations.expect("escalations")[0].raw.clone();
    assert_eq!(raw(first), raw(second));
}

#[tokio::test]
async fn errors_of_a_server_are_outcomes_and_never_a_second_send() {
    let mut waits = task("t", "TASK_STATE_INPUT_REQUIRED", 1);
    waits["status"]["message"] =
        json!({"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "Go?"}]});
    for (code, expected) in [
        (-32001, "Expired"),
        (-32002, "Refused"),
        (-32003, "Refused"),
        (-32004, "Refused"),
        (-32005, "Refused"),
        // The agent behind it may have taken the answer.
        (-32006, "Unknown"),
        (-32007, "Refused"),
        (-32008, "Refused"),
        (-32009, "Refused"),
        (-32601, "Refused"),
        (-32602, "Refused"),
        (-32603, "Unknown"),
    ] {
        let shown = waits.clone();
        let (url, asked) = serve(card(), move |method, _| match method {
            "ListTasks" => list(vec![shown.clone()], ""),
            "SendMessage" => json!({"error": {"code": code, "message": "z".repeat(10_000)}}),
            _ => json!({"result": shown.clone()}),
        })
        .await;
        let mut endpoint = connect(&url);
        let (document, _) = poll(&mut *endpoint).await;
        let question = &document.escalations.expect("escalations")[0];
        let delivery = Delivery {
            id: "k".into(),
            escalation: question.value.id.clone(),
            version: question.value.version.clone(),
            task: Some("t".into()),
            body: json!({"outcome": "reject", "actionDigest": "sha256:0", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"}).to_string(),
            escalation_raw: question.raw.to_string(),
            resend: false,
        };
        let outcome = format!("{:?}", endpoint.deliver(&delivery).await);
        assert!(
            outcome.starts_with(expected) && outcome.len() < 1000,
            "{code}: {outcome}"
        );
        let sent = asked
            .lock()
            .expect("notes")
            .iter()
            .filter(|(method, _)| method == "SendMessage")
            .count();
        assert_eq!(sent, 1, "{code}");
    }
}

/// Answers GETs by path, and notes the paths that were posted to.
async fn serve_paths(
    answer: impl Fn(&str) -> Option<Value> + Send + 'static,
) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let posted = Arc::<std::sync::Mutex<Vec<String>>>::default();
    let notes = posted.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let read = socket.read(&mut request).await.expect("a request");
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let mut words = request.split_whitespace();
            let (verb, path) = (
                words.next().unwrap_or_default(),
                words.next().unwrap_or_default(),
            );
            let path = path.split('?').next().unwrap_or_default();
            if verb == "POST" {
                notes.lock().expect("notes").push(path.to_owned());
            }
            let (status, body) = match answer(path) {
                Some(body) => ("200 OK", body.to_string()),
                None => ("404 Not Found", String::new()),
            };
            let reply = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = socket.write_all(reply.as_bytes()).await;
        }
    });
    (url, posted)
}

#[tokio::test]
async fn a_card_that_names_our_own_contract_is_followed_there_and_decided_where_it_says() {
    let params = json!({"statusUrl": "/mc/status", "decisionUrlTemplate": "/mc/decide/{id}", "schemaVersion": "1.0"});
    let (url, posted) = serve_paths(move |path| match path {
        "/.well-known/agent-card.json" => {
            let mut card = card();
            card["capabilities"]["extensions"] =
                json!([{"uri": contract::EXTENSION_URI, "params": params}]);
            Some(card)
        }
        "/mc/status" => Some(json!({"schemaVersion": "1.0", "agent": {"id": "a", "name": "A", "status": "online"},
            "tasks": [{"id": "t", "title": "T", "status": {"state": "working"}, "createdAt": "2026-11-21T08:00:00Z"}], "claims": []})),
        "/mc/decide/q%2F1" => Some(json!({"applied": true})),
        _ => None,
    })
    .await;
    let mut endpoint = connect(&url);
    let (document, last) = poll(&mut *endpoint).await;
    assert!(last && document.claims.is_some());
    assert_eq!(document.tasks.expect("tasks")[0].value.title, "T");
    let delivery = Delivery {
        id: "01990000-0000-7000-8000-000000000001".into(),
        escalation: "q/1".into(),
        version: "1".to_owned(),
        task: None,
        body: "{}".to_owned(),
        escalation_raw: "{}".to_owned(),
        resend: false,
    };
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied);
    assert_eq!(*posted.lock().expect("notes"), ["/mc/decide/q%2F1"]);
}

#[tokio::test]
async fn a_card_that_promises_a_status_that_is_not_there_is_followed_as_a2a() {
    let (url, _) = serve_paths(|path| match path {
        "/.well-known/agent-card.json" => {
            let mut card = card();
            card["supportedInterfaces"][0]["protocolBinding"] = json!("HTTP+JSON");
            card["capabilities"]["extensions"] =
                json!([{"uri": contract::EXTENSION_URI, "params": {"statusUrl": "/mc/status"}}]);
            Some(card)
        }
        "/rpc/tasks" => {
            Some(json!({"tasks": [task("t", "TASK_STATE_WORKING", 1)], "nextPageToken": ""}))
        }
        _ => None,
    })
    .await;
    let (document, _) = poll(&mut *connect(&url)).await;
    assert_eq!(document.tasks.expect("tasks").len(), 1);
}

/// What a question became while nobody looked is told by what was shown of it before; where its task is gone, nothing is.
#[tokio::test]
async fn a_connection_made_anew_tells_what_became_of_what_an_earlier_one_has_shown() {
    let asks = |id: &str, words: &str| {
        let mut asks = task(id, "TASK_STATE_INPUT_REQUIRED", 1);
        let parts = json!([{"text": words}]);
        asks["status"]["message"] = json!({"messageId": id, "role": "ROLE_AGENT", "parts": parts});
        asks
    };
    let mut looks = 0;
    let (url, _) = serve(card(), move |_, params| {
        let still = asks("still", "Which one?");
        let over = task("over", "TASK_STATE_COMPLETED", 9);
        match params["id"].as_str() {
            Some("over") if looks > 1 => return json!({"result": over}),
            Some(id) => return json!({"result": asks(id, "Which one?")}),
            None => looks += 1,
        }
        if looks == 1 {
            return list(
                vec![
                    still,
                    asks("over", "Which one?"),
                    asks("lost", "Which one?"),
                ],
                "",
            );
        }
        list(vec![still, over], "")
    })
    .await;
    let (before, _) = poll(&mut *connect(&url)).await;
    let (after, _) = poll(&mut *connect_anew(Kind::A2a, &url, &before)).await;
    let told = |document: &Document| -> Vec<(String, String)> {
        let all = document.escalations.iter().flatten();
        let told = all.map(|item| {
            let raw: Value = serde_json::from_str(&item.raw).expect("JSON");
            (raw["id"].to_string(), raw["status"].to_string())
        });
        told.collect()
    };
    assert_eq!(told(&before).len(), 3);
    // Whether it was answered, its end does not say.
    let expected = [("\"still\"", "\"pending\""), ("\"over\"", "\"withdrawn\"")];
    let expected = expected.map(|(id, status)| (id.to_owned(), status.to_owned()));
    assert_eq!(told(&after), expected);
    // What still stands is shown byte for byte as before.
    let raw = |document: &Document| document.escalations.as_ref().map(|all| all[0].raw.clone());
    assert_eq!(raw(&after), raw(&before));
}

/// A server without a list whose task is as the test sets it, followed.
async fn one_task() -> (Box<dyn Endpoint>, Arc<Mutex<Value>>) {
    let told = Arc::new(Mutex::new(json!({})));
    let shown = Arc::clone(&told);
    let card = json!({"name": "A", "url": "/rpc", "protocolVersion": "0.3.0", "capabilities": {}, "skills": []});
    let (url, _) = serve(card, move |method, _| match method {
        "tasks/get" => json!({"result": *shown.lock().expect("told")}),
        _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
    })
    .await;
    (follow(&url, &["t"]), told)
}

#[tokio::test]
async fn what_a_task_says_on_the_way_is_told_though_lists_leave_it_out_at_times() {
    let says = |role: &str, words: &str| json!({"messageId": words, "role": role, "parts": [{"text": words}]});
    let (goes, reads) = ("Read the files.", "Reading 3 of 9.");
    let asked = says("ROLE_USER", goes);
    let steps = [
        (json!([asked]), None, None),
        (json!([asked, says("ROLE_AGENT", reads)]), None, Some(reads)),
        (json!(null), None, Some(reads)),
        (
            json!([asked, says("ROLE_AGENT", reads), asked]),
            None,
            Some(reads),
        ),
        // What its status says goes first.
        (json!(null), Some("Writing."), Some("Writing.")),
    ];
    let (mut endpoint, told) = one_task().await;
    for (at, (history, status, expected)) in (1..).zip(steps) {
        let mut next = task("t", "working", at);
        next["history"] = history;
        if let Some(words) = status {
            next["status"]["message"] = says("agent", words);
        }
        *told.lock().expect("told") = next;
        let (document, _) = poll(&mut *endpoint).await;
        let said = &document.tasks.expect("tasks")[0].value.status.message;
        assert_eq!(said.as_deref(), expected, "{at}");
    }
}

#[tokio::test]
async fn a_task_that_says_or_makes_more_shows_work_though_its_status_stands_still() {
    let says = |id: &str| json!({"kind": "message", "messageId": id, "role": "agent", "parts": [{"kind": "text", "text": id}]});
    let made = |id: &str, words: &str| json!({"artifactId": id, "parts": [{"kind": "text", "text": words}]});
    let shows = |history: Value, artifacts: Value| {
        let mut task = task("t", "working", 1);
        task["status"]["message"] = says("On it.");
        task["history"] = history;
        task["artifacts"] = artifacts;
        task
    };
    let (one, two) = (json!([says("1")]), json!([says("1"), says("2")]));
    let steps = [
        ("seen first", shows(one.clone(), json!([])), false),
        ("the same", shows(one.clone(), json!([])), false),
        (
            "a new artifact",
            shows(one.clone(), json!([made("a", "x")])),
            true,
        ),
        ("the same again", shows(one, json!([made("a", "x")])), false),
        (
            "more history",
            shows(two.clone(), json!([made("a", "x")])),
            true,
        ),
        ("left out", shows(Value::Null, Value::Null), false),
        (
            "told again",
            shows(two.clone(), json!([made("a", "x")])),
            false,
        ),
        (
            "a longer artifact",
            shows(two.clone(), json!([made("a", "xy")])),
            true,
        ),
        (
            "another beside it",
            shows(two.clone(), json!([made("a", "xy"), made("b", "z")])),
            true,
        ),
        (
            "one left out",
            shows(two.clone(), json!([made("b", "z")])),
            false,
        ),
        (
            "told again, in another order",
            shows(two, json!([made("b", "z"), made("a", "xy")])),
            false,
        ),
    ];
    let (mut endpoint, told) = one_task().await;
    let mut before = None;
    for (name, task, is_work) in steps {
        *told.lock().expect("told") = task;
        let progress = match endpoint.observe().await.expect("it answers") {
            agents::Observation::Unchanged => before.clone(),
            agents::Observation::Document { body, .. } => {
                let body: Value = serde_json::from_str(&body).expect("a document");
                body["tasks"][0].get("progress").cloned()
            }
        };
        assert_eq!(progress != before, is_work, "{name}: {progress:?}");
        before = progress;
        // A mark bears its time, to the millisecond.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

//! Three hundred malformed bodies against every kind of endpoint, over real HTTP: nothing stops a reader, nothing that
//! stands beside a bad item is lost or changed, and nothing is made up. What is refused becomes a dead letter that names
//! the endpoint, the item and the reason.
//!
//! A new kind joins with one line in [`ways`].

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "malformed/beside.rs"]
mod beside;
#[path = "malformed/bodies.rs"]
mod bodies;
#[path = "malformed/limits.rs"]
mod limits;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use agents::{Endpoint, Kind, Observation, Target};
use domain::{
    change::{Change, DeadLetter},
    contract::{self, Document},
    fact::{Config, Fact, Line},
    fleet::Fleet,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What the endpoint is called here.
const ENDPOINT: &str = "malformed";

/// How a kind is served: where its list is, how an item looks, and what else it asks for.
struct Way {
    kind: Kind,
    /// Path of the list.
    list: &'static str,
    /// The good item that is damaged: as full as possible.
    item: Value,
    /// An item that stays good.
    beside: fn(&str) -> Value,
    /// What stands before and after the items.
    around: (&'static str, &'static str),
    /// Other paths.
    more: fn(&str) -> Option<&'static str>,
}

fn ways() -> Vec<Way> {
    vec![native(), a2a(), langgraph(), opencode()]
}

fn native() -> Way {
    Way {
        kind: Kind::Native,
        list: "/",
        item: json!({"id": "bad", "title": "Bad", "status": {"state": "working", "message": "Going on", "timestamp": "2026-11-21T08:00:00Z"},
            "createdAt": "2026-11-21T07:00:00Z", "progress": {"done": 1, "total": 3}, "usage": {"inputTokens": 7, "costUsd": 0.5},
            "waitingFor": {"kind": "human", "ref": "q"}, "dependsOn": ["one"], "contextRefs": [{"documentId": "d", "seq": 1}], "attempt": 2}),
        beside: |id| json!({"id": id, "title": "Good", "status": {"state": "working"}, "createdAt": "2026-11-21T07:00:00Z"}),
        around: (
            r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},"tasks":["#,
            "]}",
        ),
        more: |_| None,
    }
}

fn a2a() -> Way {
    Way {
        kind: Kind::A2a,
        list: "/rpc",
        item: json!({"id": "bad", "contextId": "c", "status": {"state": "TASK_STATE_INPUT_REQUIRED", "timestamp": "2026-11-21T08:00:00Z",
                "message": {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "Which?"}, {"data": {"id": "q", "name": "pay", "options": [{"id": "y", "label": "Yes"}]}}]}},
            "history": [{"messageId": "u", "role": "ROLE_USER", "parts": [{"text": "Pay"}]}],
            "artifacts": [{"artifactId": "r", "name": "report", "parts": [{"text": "Three", "mediaType": "text/plain"}]}], "metadata": {"x": {"y": 1}}}),
        beside: |id| json!({"id": id, "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}, "history": [{"messageId": "u", "role": "ROLE_USER", "parts": [{"text": "Good"}]}]}),
        around: (
            r#"{"jsonrpc":"2.0","id":1,"result":{"tasks":["#,
            r#"],"nextPageToken":""}}"#,
        ),
        more: |path| {
            path.ends_with("agent-card.json").then_some(
                r#"{"name":"A","version":"1","capabilities":{},"skills":[],"supportedInterfaces":[{"url":"/rpc","protocolBinding":"JSONRPC","protocolVersion":"1.0"}]}"#,
            )
        },
    }
}

fn langgraph() -> Way {
    Way {
        kind: Kind::LangGraph,
        list: "/threads/search",
        item: json!({"thread_id": "bad", "created_at": "2026-11-21T07:00:00+00:00", "updated_at": "2026-11-21T08:00:00+00:00", "state_updated_at": "2026-11-21T08:00:00+00:00",
            "metadata": {"graph_id": "g", "assistant_id": "a"}, "status": "interrupted", "error": null,
            "interrupts": {"t": [{"id": "0123456789abcdef0123456789abcdef", "value": {"action_requests": [{"name": "pay", "args": {"eur": 1}, "description": "Pay?"}], "review_configs": [{"action_name": "pay", "allowed_decisions": ["approve"]}]}}]}}),
        beside: |id| json!({"thread_id": id, "created_at": "2026-11-21T07:00:00+00:00", "updated_at": "2026-11-21T08:00:00+00:00", "metadata": {"graph_id": "g"}, "status": "busy", "interrupts": {}}),
        around: ("[", "]"),
        more: |path| match path {
            "/info" => Some(
                r#"{"version":"0.16.7","langgraph_py_version":"1.2.22","flags":{"assistants":true,"crons":true}}"#,
            ),
            "/assistants/search" | "/runs/crons/search" => Some("[]"),
            path if path.ends_with("/runs") => Some("[]"),
            _ => None,
        },
    }
}

fn opencode() -> Way {
    Way {
        kind: Kind::OpenCode,
        list: "/experimental/session",
        item: json!({"id": "bad", "title": "Bad", "directory": "/w", "parentID": "one", "agent": "build", "model": {"providerID": "p", "id": "m"}, "cost": 0.25,
            "tokens": {"input": 1, "output": 2, "reasoning": 0, "cache": {"read": 0, "write": 0}}, "project": {"id": "p", "worktree": "/w"}, "time": {"created": 1763712000000_u64, "updated": 1763712000001_u64}}),
        beside: |id| json!({"id": id, "title": "Good", "directory": "/w", "time": {"created": 1763712000000_u64, "updated": 1763712000001_u64}}),
        around: ("[", "]"),
        more: |path| match path {
            "/global/health" => Some(r#"{"healthy":true,"version":"1.18.34"}"#),
            "/path" => {
                Some(r#"{"home":"/h","state":"/s","config":"/c","worktree":"/w","directory":"/w"}"#)
            }
            "/session/status" => Some(r#"{"one":{"type":"busy"},"two":{"type":"busy"}}"#),
            "/permission" | "/question" => Some("[]"),
            path if path.ends_with("/message") => Some("[]"),
            _ => None,
        },
    }
}

/// Serves a kind; what one of its paths answers can be exchanged.
async fn serve(
    list: &'static str,
    kind: &'static str,
    more: fn(&str) -> Option<&'static str>,
) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let body = Arc::new(Mutex::new(vec![]));
    let shown = Arc::clone(&body);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let body = shown.lock().expect("the body").clone();
            tokio::spawn(async move {
                let mut request = vec![0; 65536];
                let read = socket.read(&mut request).await.unwrap_or(0);
                let line = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = line.split_whitespace().nth(1).unwrap_or_default();
                let path = path.split('?').next().unwrap_or_default();
                let (status, body) = match more(path) {
                    Some(other) => ("200 OK", other.as_bytes().to_vec()),
                    None if path == list => ("200 OK", body),
                    None => ("404 Not Found", b"{}".to_vec()),
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let _ = socket.write_all(head.as_bytes()).await;
                let _ = socket.write_all(&body).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    (url, body)
}

/// Everything that one look brings; `None` = an error in words, or nothing.
async fn look(kind: Kind, url: &str, what: &str) -> Option<Document> {
    look_with(agents::open(&target(kind, url)).expect("it opens"), what).await
}

fn target(kind: Kind, url: &str) -> Target {
    Target {
        endpoint: ENDPOINT.into(),
        kind,
        url: url.to_owned(),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    }
}

async fn look_with(mut endpoint: Box<dyn Endpoint>, what: &str) -> Option<Document> {
    let asked = tokio::spawn(async move {
        let mut all: Option<Document> = None;
        for _ in 0..5 {
            match endpoint.observe().await {
                Ok(Observation::Document { body, last, .. }) => {
                    let read = contract::read(body.as_bytes())
                        .unwrap_or_else(|problem| panic!("{}: {body}", problem.message));
                    all.get_or_insert(read);
                    if last {
                        return all;
                    }
                }
                Ok(Observation::Unchanged) => return all,
                Err(error) => {
                    let words = error.detail.unwrap_or_default();
                    assert!(!words.is_empty() && words.len() < 600, "{words}");
                    return None;
                }
            }
        }
        all
    });
    match tokio::time::timeout(Duration::from_secs(20), asked).await {
        Ok(Ok(found)) => found,
        Ok(Err(stopped)) => panic!("it stopped at {what}: {stopped}"),
        Err(_) => panic!("it did not come to an end with {what}"),
    }
}

/// What may be seen beside a bad item: the two good ones, as they were, and nothing that nobody said.
fn judge(way: &Way, document: &Document, what: &str) {
    let tasks = document.tasks.as_deref().unwrap_or_default();
    for id in ["one", "two"] {
        let found: Vec<_> = tasks.iter().filter(|t| t.value.id.as_str() == id).collect();
        assert_eq!(found.len(), 1, "{:?} lost {id} beside {what}", way.kind);
        let status = &found[0].value.status;
        assert_eq!(
            status.state,
            contract::TaskState::Working,
            "{:?} changed {id} beside {what}",
            way.kind
        );
    }
    let others = tasks.len() - 2;
    let told = document.problems.len();
    assert!(
        others <= 1 && others + told >= 1,
        "{:?}: the item is neither shown nor told of: {what}",
        way.kind
    );
    told_as_letters(document, what);
    for question in document.escalations.iter().flatten() {
        let of = question.value.task_id.as_ref().map(|id| id.as_str());
        assert!(
            of != Some("one") && of != Some("two"),
            "{:?}: a question that nobody asked: {what}",
            way.kind
        );
    }
}

/// The dead letters that a document brings.
fn letters(document: &Document) -> Vec<DeadLetter> {
    let line = Line {
        number: 2,
        at: "2026-11-21T08:00:00Z".parse().ok(),
        fact: Fact::Status {
            endpoint: ENDPOINT.into(),
            document: Arc::new(document.clone()),
        },
    };
    let changes = Fleet::new(Config::default()).take(&line).into_iter();
    changes
        .filter_map(|change| match change {
            Change::DeadLetter(letter) => Some(letter),
            _ => None,
        })
        .collect()
}

/// Nothing is refused without a letter, and each letter says where, what and why, and keeps what came.
fn told_as_letters(document: &Document, what: &str) {
    let letters = letters(document);
    for letter in &letters {
        assert_eq!(letter.endpoint.as_str(), ENDPOINT, "{what}");
        assert!(!letter.item.is_empty(), "{letter:?}: {what}");
        for problem in &letter.problems {
            let sentence = problem.message.trim();
            assert!(
                sentence.len() > 10 && sentence.ends_with('.'),
                "{problem:?}"
            );
            assert!(!problem.code.is_empty(), "{problem:?}");
            assert!(
                !problem.list.is_empty() && !problem.raw.is_empty(),
                "{problem:?}"
            );
            // An item that says who it is, is named so.
            assert!(
                problem
                    .item
                    .as_ref()
                    .is_none_or(|item| *item == letter.item),
                "{letter:?}"
            );
        }
    }
    let told: Vec<_> = letters.iter().flat_map(|l| &l.problems).collect();
    for problem in &document.problems {
        assert!(told.contains(&problem), "{problem:?} is not kept: {what}");
    }
}

async fn check(way: Way) {
    let (url, body) = serve(way.list, "application/json", way.more).await;
    let whole = |bad: &str| {
        let beside = [(way.beside)("one"), (way.beside)("two")];
        let (before, after) = way.around;
        format!("{before}{},{bad},{}{after}", beside[0], beside[1])
    };
    let set = |bytes: Vec<u8>| *body.lock().expect("the body") = bytes;
    let good = whole(&way.item.to_string());
    set(good.clone().into_bytes());
    let seen = look(way.kind, &url, "nothing wrong").await;
    let seen = seen.unwrap_or_else(|| panic!("{:?}: the good one is not read", way.kind));
    assert_eq!(seen.tasks.as_ref().map(Vec::len), Some(3), "{:?}", way.kind);
    assert_eq!(seen.problems, [], "{:?}", way.kind);

    let items = bodies::items(&way.item);
    let wholes = bodies::wholes(&good);
    assert_eq!(items.len() + wholes.len(), 300);
    for bad in items {
        let what: String = bad.chars().take(400).collect();
        set(whole(&bad).into_bytes());
        let document = look(way.kind, &url, &what).await;
        let document =
            document.unwrap_or_else(|| panic!("{:?} lost everything with {what}", way.kind));
        judge(&way, &document, &what);
    }
    for bad in wholes {
        let what = String::from_utf8_lossy(&bad[..bad.len().min(200)]).into_owned();
        set(bad);
        // An error in words, or a list in which nothing is made up.
        if let Some(document) = look(way.kind, &url, &what).await {
            for task in document.tasks.iter().flatten() {
                let id = task.value.id.as_str();
                assert!(["one", "two", "bad"].contains(&id), "{id}: {what}");
            }
        }
    }
}

#[tokio::test]
async fn three_hundred_malformed_bodies_stop_nothing_and_lose_only_themselves() {
    for way in ways() {
        check(way).await;
    }
}

//! What can go wrong between a client and a server, for every kind, against real sockets: nothing is sent to anybody else,
//! a token stays at its origin, and a server that asks for time gets it.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/paths.rs"]
mod scripted;

use std::{process::Command, time::Duration};

use agents::{Credential, Delivery, Endpoint, Kind, Outcome, Target};
use scripted::{Heard, paths, reply};
use serde_json::{Value, json};

const KINDS: [Kind; 4] = [Kind::Native, Kind::A2a, Kind::LangGraph, Kind::OpenCode];
const SECRET: &str = "secret-token";
const SECRET_PAIR: &str = "c2VjcmV0LXRva2Vu"; // The same in Base64, as Basic credentials carry it.

/// A server that answers as it is told, and keeps what it heard.
struct Server {
    url: String,
    heard: Heard,
}

impl Server {
    async fn start(answer: impl Fn(&str, &str) -> Vec<u8> + Send + 'static) -> Self {
        let (url, heard) = paths(move |verb, path, _| answer(verb, path)).await;
        Self { url, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("notes").clone()
    }
}

fn connect(kind: Kind, url: &str) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "hazard".into(),
        kind,
        url: url.to_owned(),
        credential: Some(Credential::Bearer(SECRET.to_owned())),
        known_tasks: vec!["t".into()],
        known_questions: vec![],
    })
    .expect("it opens")
}

/// What each kind's server says of itself when all is well; the lists are up to the test.
fn well(path: &str) -> Option<Vec<u8>> {
    let body = match path.split('?').next().unwrap_or_default() {
        "/.well-known/agent-card.json" => {
            r#"{"name":"A","version":"1","capabilities":{},"skills":[],"supportedInterfaces":[{"url":"/rpc","protocolBinding":"HTTP+JSON","protocolVersion":"1.0"}]}"#
        }
        "/info" => {
            r#"{"version":"0.16.7","langgraph_py_version":"1.2.22","flags":{"assistants":true,"crons":false}}"#
        }
        "/global/health" => r#"{"healthy":true,"version":"1.18.34"}"#,
        "/path" => r#"{"worktree":"/w","directory":"/w"}"#,
        _ => return None,
    };
    Some(reply("200 OK", "", body))
}

fn delivery() -> Delivery {
    let question = json!({"id": "q", "version": "1", "native": {}});
    Delivery {
        id: "01990000-0000-7000-8000-000000000001".into(),
        escalation: "q".into(),
        version: "1".to_owned(),
        task: Some("t".into()),
        body: json!({"outcome": "approve", "actionDigest": "sha256:0", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"}).to_string(),
        escalation_raw: question.to_string(),
        resend: false,
    }
}

#[tokio::test]
async fn a_redirect_takes_neither_a_question_nor_a_decision_nor_the_token_elsewhere() {
    for status in ["301", "302", "303", "307", "308"] {
        for kind in KINDS {
            let thief = Server::start(|_, _| reply("200 OK", "", r#"{"applied":true}"#)).await;
            let away = format!("Location: {}/steal\r\n", thief.url);
            let line = format!("{status} Away");
            let server = Server::start(move |_, _| reply(&line, &away, "")).await;
            let mut endpoint = connect(kind, &server.url);
            let error = endpoint
                .observe()
                .await
                .expect_err("a redirect is no answer");
            let words = error.detail.unwrap_or_default();
            assert!(words.contains("not followed"), "{kind:?} {status}: {words}");
            let outcome = endpoint.deliver(&delivery()).await;
            assert!(
                !matches!(outcome, Outcome::Applied | Outcome::Sent),
                "{kind:?} {status}: {outcome:?}"
            );
            assert_eq!(thief.heard(), Vec::<String>::new(), "{kind:?} {status}");
        }
    }
}

/// The list works, and only the way of the decision leads elsewhere.
#[tokio::test]
async fn a_decision_that_is_redirected_was_not_applied() {
    let thief = Server::start(|_, _| reply("200 OK", "", r#"{"applied":true}"#)).await;
    let away = format!("Location: {}/steal\r\n", thief.url);
    let task = json!({"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_INPUT_REQUIRED",
        "message": {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": "Which?"}]}}});
    let listed = json!({"tasks": [task], "nextPageToken": ""}).to_string();
    let one = task.to_string();
    let server = Server::start(move |verb, path| match (verb, path) {
        ("POST", _) => reply("307 Temporary Redirect", &away, ""),
        (_, path) if path.starts_with("/rpc/tasks/") => reply("200 OK", "", &one),
        (_, path) if path.starts_with("/rpc/tasks") => reply("200 OK", "", &listed),
        (_, path) => well(path).unwrap_or_else(|| reply("404 Not Found", "", "{}")),
    })
    .await;
    let mut endpoint = connect(Kind::A2a, &server.url);
    let seen = endpoint.observe().await.expect("it answers");
    let agents::Observation::Document { body, .. } = seen else {
        panic!("nothing is new");
    };
    let document: Value = serde_json::from_str(&body).expect("JSON");
    let question = &document["escalations"][0];
    let decision = Delivery {
        escalation: "t".into(),
        version: question["version"].as_str().expect("a version").to_owned(),
        escalation_raw: question.to_string(),
        ..delivery()
    };
    let outcome = endpoint.deliver(&decision).await;
    assert!(
        !matches!(outcome, Outcome::Applied | Outcome::Sent),
        "{outcome:?}"
    );
    let outcome = connect(Kind::Native, &server.url).deliver(&decision).await;
    assert!(
        !matches!(outcome, Outcome::Applied | Outcome::Sent),
        "{outcome:?}"
    );
    assert_eq!(thief.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn addresses_that_a_server_names_are_followed_at_its_own_origin_only() {
    let thief = Server::start(|_, _| reply("200 OK", "", r#"{"applied":true}"#)).await;
    let stolen = thief.url.clone();
    let uri = domain::contract::EXTENSION_URI;
    let cards = [
        json!({"name": "A", "url": format!("{stolen}/rpc"), "capabilities": {}, "skills": []}),
        json!({"name": "A", "url": "/rpc", "skills": [], "capabilities": {"extensions": [{"uri": uri, "params": {"statusUrl": format!("{stolen}/status")}}]}}),
        json!({"name": "A", "url": "/rpc", "skills": [], "capabilities": {"extensions": [{"uri": uri, "params": {"statusUrl": "/status", "decisionUrlTemplate": format!("{stolen}/d/{{id}}")}}]}}),
        json!({"name": "A", "supportedInterfaces": [{"url": format!("{stolen}/rpc"), "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
            {"url": format!("{stolen}/status"), "protocolBinding": uri, "protocolVersion": "1.0"}]}),
    ];
    for card in cards {
        let card = card.to_string();
        let server = Server::start(move |_, path| match path.split('?').next() {
            Some("/.well-known/agent-card.json") => reply("200 OK", "", &card),
            Some("/status") => reply("200 OK", "", r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},"tasks":[]}"#),
            _ => reply("404 Not Found", "", "{}"),
        })
        .await;
        let mut endpoint = connect(Kind::A2a, &server.url);
        let _ = endpoint.observe().await;
        let outcome = endpoint.deliver(&delivery()).await;
        assert_ne!(outcome, Outcome::Applied);
        let _ = agents::probe(&server.url, Some(&Credential::Bearer(SECRET.to_owned()))).await;
        assert_eq!(thief.heard(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_token_goes_in_a_header_to_its_origin_and_into_nothing_else() {
    for kind in KINDS {
        let server = Server::start(|_, path| {
            well(path).unwrap_or_else(|| reply("500 Oops", "", r#"{"error":"secret?"}"#))
        })
        .await;
        let mut endpoint = connect(kind, &server.url);
        let error = endpoint.observe().await.expect_err("it has an error");
        assert!(
            !format!("{error:?}").contains(SECRET),
            "{kind:?}: {error:?}"
        );
        let outcome = format!("{:?}", endpoint.deliver(&delivery()).await);
        assert!(!outcome.contains(SECRET), "{kind:?}: {outcome}");
        let heard = server.heard();
        assert!(!heard.is_empty());
        for request in heard {
            let line = request.lines().next().unwrap_or_default();
            assert!(!line.contains(SECRET), "{kind:?}: {line}");
            let body = request.split("\r\n\r\n").nth(1).unwrap_or_default();
            assert!(!body.contains(SECRET), "{kind:?}: {body}");
            let headers: Vec<&str> = request
                .lines()
                .filter(|line| line.contains(SECRET) || line.contains(SECRET_PAIR))
                .collect();
            assert!(!headers.is_empty(), "{kind:?} was not logged in: {request}");
            for header in headers {
                let name = header.split(':').next().unwrap_or_default();
                let name = name.to_ascii_lowercase();
                assert!(
                    ["authorization", "x-api-key"].contains(&name.as_str()),
                    "{header}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_in_whatever_form_it_asks() {
    let soon = chrono::Utc::now() + chrono::Duration::seconds(120);
    let date = soon.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let old = soon.format("%A, %d-%b-%y %H:%M:%S GMT").to_string();
    for (form, least, most) in [
        ("7", 7, 7),
        ("  12  ", 12, 12),
        ("1.2", 2, 2),
        ("0", 0, 0),
        ("999999999999", 3600, 3600),
        ("1e3", 1000, 1000),
        (date.as_str(), 100, 120),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
        // What cannot be told is our own pace, never zero and never for ever.
        (old.as_str(), -1, -1),
        ("-5", -1, -1),
        ("soon", -1, -1),
        ("", -1, -1),
        ("inf", -1, -1),
        ("7, 8", -1, -1),
        ("0x10", -1, -1),
    ] {
        for kind in KINDS {
            let header = format!("Retry-After: {form}\r\n");
            let server =
                Server::start(move |_, _| reply("429 Too Many Requests", &header, "{}")).await;
            let error = connect(kind, &server.url)
                .observe()
                .await
                .expect_err("it is asked to wait");
            assert_eq!(error.http_status, Some(429), "{kind:?} {form:?}");
            let told = error.retry_after_seconds.map_or(-1, |s| s as i64);
            assert!((least..=most).contains(&told), "{kind:?} {form:?}: {told}");
        }
    }
}

/// Only a process of its own has variables of its own.
#[tokio::test]
async fn variables_that_name_a_proxy_are_not_followed() {
    if let Ok(url) = std::env::var("MISSION_CONTROL_TEST_SERVER") {
        for kind in KINDS {
            let _ = connect(kind, &url).observe().await;
        }
        return;
    }
    let proxy = Server::start(|_, _| reply("200 OK", "", "{}")).await;
    let server = Server::start(|_, _| reply("404 Not Found", "", "{}")).await;
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "variables_that_name_a_proxy_are_not_followed"])
        .env("MISSION_CONTROL_TEST_SERVER", &server.url);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, &proxy.url);
    }
    command.env_remove("no_proxy").env_remove("NO_PROXY");
    let ended = tokio::task::spawn_blocking(move || command.output());
    let ended = tokio::time::timeout(Duration::from_secs(60), ended)
        .await
        .expect("it ends")
        .expect("it runs")
        .expect("it starts");
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(proxy.heard(), Vec::<String>::new());
    assert!(server.heard().len() >= KINDS.len());
}

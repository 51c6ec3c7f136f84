//! The A2A kind against a real server: a scripted agent on the official Python package, over a real socket.
//!
//! What is asserted is what the server got and what it shows, not what we believe of ourselves.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

mod agno;
mod frameworks;
mod gemini_cli;
mod generations;
#[allow(dead_code)] // The tests of `cli` and `engine` use more of it.
mod graphs;
mod interrupts;
mod langgraph;
mod listening;
mod litellm;
mod opencode;
mod opencode_server;
mod printed;
mod pydantic_ai;
mod rust_a2a;
#[allow(dead_code)] // The same.
mod server;

use std::time::{Duration, Instant};

use agents::{Delivery, Endpoint, Kind, Observation, Outcome, Target};
use domain::contract::{self, Document, TaskState};
use serde_json::{Value, json};
use server::Server;

const ONE: (&str, &str) = ("a2a-1", "a2a_agent.py");

async fn start(arguments: &[&str]) -> Server {
    Server::start(ONE.0, ONE.1, arguments).await
}

fn connect(server: &Server) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "clerk".into(),
        kind: Kind::A2a,
        url: server.url.clone(),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    })
    .expect("it opens")
}

/// One poll that must bring news.
async fn look(endpoint: &mut dyn Endpoint) -> (Document, Value) {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, .. } => {
            let document = contract::read(body.as_bytes()).expect("a status document");
            (document, serde_json::from_str(&body).expect("JSON"))
        }
        Observation::Unchanged => panic!("nothing is new"),
    }
}

fn decide(document: &Value, task: &str, key: &str, decision: Value) -> Delivery {
    let all = document["escalations"].as_array().expect("escalations");
    let question = all
        .iter()
        .find(|e| e["taskId"] == task)
        .expect("the question");
    graphs::decide(question, key, decision)
}

/// Goes on with sending until it has arrived; there must be no answer by then.
async fn arrives(
    sending: &mut (impl Future<Output = Outcome> + Unpin),
    arrived: impl AsyncFn() -> bool,
) {
    let end = Instant::now() + Duration::from_secs(60);
    while !arrived().await {
        assert!(Instant::now() < end, "it never arrives");
        tokio::select! {
            outcome = &mut *sending => panic!("too early: {outcome:?}"),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
}

/// It is to be brought again: after it may have arrived, or after it surely did not.
fn check_retry(outcome: &Outcome, may: bool) {
    let so = matches!(outcome, Outcome::Retry { may_have_arrived, .. } if *may_have_arrived == may);
    assert!(so, "{outcome:?}");
}

fn state(document: &Document, task: &str) -> TaskState {
    let tasks = document.tasks.as_ref().expect("tasks");
    tasks
        .iter()
        .find(|item| item.value.id.as_str() == task)
        .expect("the task")
        .value
        .status
        .state
}

#[tokio::test]
async fn a_server_is_named_and_its_tasks_and_questions_are_seen() {
    let server = start(&[]).await;
    let found = agents::probe(&server.url, None)
        .await
        .expect("it is identified");
    assert_eq!(
        (
            found.kind,
            found.name.as_deref(),
            found.product_version.as_deref(),
            found.protocol_version.as_deref()
        ),
        (Kind::A2a, Some("Invoice Clerk"), Some("2.4.0"), Some("1.0"))
    );
    for capability in ["listTasks", "listEscalations", "decideApprove", "cancel"] {
        assert!(
            found.capabilities.iter().any(|c| c == capability),
            "{capability}"
        );
    }
    assert!(
        found.warnings.iter().any(|w| w.contains("same user")),
        "an empty list is explained: {:?}",
        found.warnings
    );

    let mut tasks = vec![];
    for story in ["work", "finish", "ask", "words", "form", "silent", "login"] {
        tasks.push(server.begin(story).await);
    }
    let mut endpoint = connect(&server);
    let (document, raw) = look(&mut *endpoint).await;
    assert_eq!(document.problems, [], "everything can be read: {raw}");
    use TaskState as S;
    let expected = [
        S::Working,
        S::Completed,
        S::InputRequired,
        S::InputRequired,
        S::InputRequired,
        S::InputRequired,
        S::AuthRequired,
    ];
    for (task, expected) in tasks.iter().zip(expected) {
        assert_eq!(state(&document, task), expected, "{task}");
    }
    let kinds: Vec<_> = tasks
        .iter()
        .map(|task| {
            let question = raw["escalations"]
                .as_array()
                .expect("escalations")
                .iter()
                .find(|e| e["taskId"] == *task);
            question.map(|question| question["kind"].as_str().expect("a kind").to_owned())
        })
        .collect();
    let kinds: Vec<_> = kinds.iter().map(Option::as_deref).collect();
    assert_eq!(
        kinds,
        [
            None,
            None,
            Some("approval"),
            Some("question"),
            Some("form"),
            None,
            Some("auth")
        ]
    );
    let artifact = &raw["artifacts"][0];
    assert_eq!(
        (&artifact["name"], &artifact["body"]),
        (&json!("report.txt"), &json!("Three invoices are due."))
    );
    assert_eq!(raw["agent"]["id"], "invoice-clerk");

    // Asking again costs one question for what is newer, and brings nothing.
    assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
    let asked = server.received();
    let list = asked.last().expect("a request");
    assert_eq!(list["method"], "ListTasks");
    assert!(list["params"]["statusTimestampAfter"].is_string(), "{list}");
}

#[tokio::test]
async fn an_approval_moves_the_server_on_with_one_message_that_has_the_questions_shape() {
    let server = start(&[]).await;
    let task = server.begin("ask").await;
    let mut endpoint = connect(&server);
    let (_, before) = look(&mut *endpoint).await;
    let delivery = decide(
        &before,
        &task,
        "decision-1",
        json!({"outcome": "approve", "message": "Go ahead"}),
    );
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied);
    assert_eq!(server.messages("decision-1"), 1);
    let after = server.settled(&task).await;
    assert_eq!(after["status"]["state"], "TASK_STATE_COMPLETED");
    let said = after["status"]["message"]["parts"][0]["text"]
        .as_str()
        .expect("the answer in its words");
    let got: Value = serde_json::from_str(said.trim_start_matches("Done: ")).expect("what it got");
    assert_eq!(got["text"], "approve\n\nGo ahead");
    assert_eq!(
        (
            &got["data"][0]["requestId"],
            &got["data"][0]["approved"],
            &got["data"][0]["outcome"]
        ),
        (&json!("r-17"), &json!(true), &json!("approve")),
        "{got}"
    );
    let (document, raw) = look(&mut *endpoint).await;
    assert!(!document.snapshot, "only what changed is passed on");
    assert_eq!(state(&document, &task), TaskState::Completed);
    assert_eq!(raw["escalations"][0]["status"], "resolved");

    // A second decision about the same question is late, and harmless.
    let second = Delivery {
        id: "decision-2".into(),
        ..delivery.clone()
    };
    let recorded = Some("TASK_STATE_COMPLETED".to_owned());
    assert_eq!(
        endpoint.deliver(&second).await,
        Outcome::AlreadyResolved { recorded }
    );
    // The same decision again is recognised by its own message.
    let again = Delivery {
        resend: true,
        ..delivery
    };
    assert_eq!(endpoint.deliver(&again).await, Outcome::Applied);
    assert_eq!(
        (server.messages("decision-1"), server.messages("decision-2")),
        (1, 0)
    );
}

#[tokio::test]
async fn words_forms_refusals_and_cancellations_arrive_as_they_were_meant() {
    let server = start(&[]).await;
    let mut tasks = vec![];
    for story in ["words", "form", "ask", "work"] {
        tasks.push(server.begin(story).await);
    }
    let mut endpoint = connect(&server);
    let (_, document) = look(&mut *endpoint).await;
    for (task, key, decision, expected) in [
        (
            &tasks[0],
            "words",
            json!({"outcome": "respond", "message": "Miller & Sons"}),
            "\"text\": \"Miller & Sons\"",
        ),
        (
            &tasks[1],
            "form",
            json!({"outcome": "respond", "payload": {"size": 7}}),
            "\"data\": [{\"requestId\": \"r-18\", \"size\": 7.0}]",
        ),
        (
            &tasks[2],
            "no",
            json!({"outcome": "reject", "message": "Too dear"}),
            "\"approved\": false",
        ),
    ] {
        let delivery = decide(&document, task, key, decision);
        assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied, "{key}");
        let said = server.settled(task).await["status"]["message"]["parts"][0]["text"].to_string();
        let said: String = serde_json::from_str(&said).expect("text");
        assert!(said.contains(expected), "{key}: {said}");
    }
    assert_eq!(
        endpoint
            .cancel(&tasks[3].as_str().into(), &"stop".into())
            .await,
        Outcome::Applied
    );
    assert_eq!(
        server.task(&tasks[3]).await["status"]["state"],
        "TASK_STATE_CANCELED"
    );
    let late = endpoint
        .cancel(&tasks[0].as_str().into(), &"stop".into())
        .await;
    assert!(matches!(late, Outcome::AlreadyResolved { .. }), "{late:?}");
    assert_eq!(
        endpoint.cancel(&"nobody".into(), &"stop".into()).await,
        Outcome::Expired
    );
}

#[tokio::test]
async fn a_question_that_was_replaced_is_never_answered_by_the_old_decision() {
    let server = start(&[]).await;
    let task = server.begin("twice").await;
    let mut endpoint = connect(&server);
    let (_, document) = look(&mut *endpoint).await;
    let first = decide(&document, &task, "first", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&first).await, Outcome::Applied);
    assert_eq!(
        server.settled(&task).await["status"]["state"],
        "TASK_STATE_INPUT_REQUIRED"
    );
    let stale = Delivery {
        id: "stale".into(),
        ..first
    };
    assert_eq!(endpoint.deliver(&stale).await, Outcome::Changed);
    assert_eq!(server.messages("stale"), 0);
    let (_, document) = look(&mut *endpoint).await;
    let second = decide(&document, &task, "second", json!({"outcome": "approve"}));
    assert_ne!(second.version, stale.version);
    assert_eq!(endpoint.deliver(&second).await, Outcome::Applied);
}

#[tokio::test]
async fn an_answer_that_may_have_arrived_is_never_sent_again() {
    let mut server = start(&["--hold"]).await;
    let task = server.begin("ask").await;
    let mut endpoint = connect(&server);
    let (_, document) = look(&mut *endpoint).await;
    let delivery = decide(&document, &task, "held", json!({"outcome": "approve"}));
    {
        // It takes the message and is killed before it answers.
        let mut sending = endpoint.deliver(&delivery);
        arrives(&mut sending, async || server.messages("held") == 1).await;
        server.kill();
        check_retry(&sending.await, true);
    }
    let again = Delivery {
        resend: true,
        ..delivery
    };
    // Still away.
    check_retry(&endpoint.deliver(&again).await, true);
    server.restart(&[]).await;
    let outcome = endpoint.deliver(&again).await;
    assert!(
        matches!(outcome, Outcome::Unknown(_)),
        "it forgot the task: {outcome:?}"
    );
    assert_eq!(server.messages("held"), 1);
    let (document, _) = look(&mut *endpoint).await;
    assert!(
        document.snapshot && document.tasks.is_some_and(|tasks| tasks.is_empty()),
        "the list is read anew"
    );
}

#[tokio::test]
async fn when_we_are_killed_after_sending_the_task_itself_tells_what_became_of_it() {
    let server = start(&[]).await;
    for (story, key) in [("ask", "cut-1"), ("twice", "cut-2")] {
        let task = server.begin(story).await;
        let mut endpoint = connect(&server);
        let (_, document) = look(&mut *endpoint).await;
        let delivery = decide(&document, &task, key, json!({"outcome": "approve"}));
        {
            let sending = endpoint.deliver(&delivery);
            tokio::pin!(sending);
            while server.messages(key) == 0 {
                tokio::select! {
                    _ = &mut sending => break,
                    () = tokio::time::sleep(Duration::from_millis(1)) => {}
                }
            }
            // Dropped here, like a process that ended.
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        let again = Delivery {
            resend: true,
            ..delivery
        };
        assert_eq!(
            connect(&server).deliver(&again).await,
            Outcome::Applied,
            "{story}"
        );
        assert_eq!(server.messages(key), 1, "{story}");
    }
}

#[tokio::test]
async fn a_wrong_credential_is_said_and_keeps_the_decision() {
    let server = start(&["--token", "right"]).await;
    let target = |token: &str| Target {
        endpoint: "clerk".into(),
        kind: Kind::A2a,
        url: format!("{}/.well-known/agent-card.json", server.url),
        credential: Some(agents::Credential::Bearer(token.to_owned())),
        known_tasks: vec![],
        known_questions: vec![],
    };
    let mut wrong = agents::open(&target("wrong")).expect("it opens");
    let error = wrong.observe().await.expect_err("it is refused");
    assert_eq!(error.http_status, Some(401));
    let mut right = agents::open(&target("right")).expect("it opens");
    assert!(right.observe().await.is_ok());
}

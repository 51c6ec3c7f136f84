//! The OpenCode kind against a real `opencode serve` with a scripted model. One server is used for many cases, one after
//! the other, because each start takes seconds; a case has its own sessions.

use agents::{Credential, Delivery, Endpoint, Kind, Observation, Outcome, Target};
use domain::contract::{self, Document};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

use crate::{
    check_retry,
    graphs::decide,
    opencode_server::{OpenCode, PASSWORD},
};

fn connect(server: &OpenCode, password: &str) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "coder".into(),
        kind: Kind::OpenCode,
        url: server.url.clone(),
        credential: Some(Credential::Basic(format!("opencode:{password}"))),
        known_tasks: vec![],
        known_questions: vec![],
    })
    .expect("it opens")
}

/// A server, and somebody who has looked at it since it was started.
struct Desk {
    server: OpenCode,
    eye: Mutex<(Box<dyn Endpoint>, Value)>,
}

impl Desk {
    async fn open() -> Self {
        let server = OpenCode::start().await;
        let eye = Mutex::new((connect(&server, PASSWORD), Value::Null));
        Self { server, eye }
    }
}

impl std::ops::Deref for Desk {
    type Target = OpenCode;

    fn deref(&self) -> &OpenCode {
        &self.server
    }
}

/// Everything it shows now.
async fn look(desk: &Desk) -> Value {
    let mut eye = desk.eye.lock().await;
    let (endpoint, seen) = &mut *eye;
    if let Some((_, raw)) = see(&mut **endpoint).await {
        *seen = raw;
    }
    seen.clone()
}

/// One poll; `None` = nothing is new.
async fn see(endpoint: &mut dyn Endpoint) -> Option<(Document, Value)> {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, last, .. } => {
            assert!(last);
            let document = contract::read(body.as_bytes()).expect("a status document");
            assert_eq!(document.problems, [], "{body}");
            Some((document, serde_json::from_str(&body).expect("JSON")))
        }
        Observation::Unchanged => None,
    }
}

fn item<'a>(document: &'a Value, list: &str, id: &str) -> &'a Value {
    let all = document[list].as_array().expect("a list");
    let found = all.iter().find(|item| item["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is not among the {list}: {document}"))
}

fn asked<'a>(document: &'a Value, session: &str) -> Option<&'a Value> {
    let all = document["escalations"].as_array().expect("escalations");
    all.iter().find(|item| item["taskId"] == session)
}

/// Looks until a session is in this state.
async fn shows(desk: &Desk, session: &str, state: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let raw = look(desk).await;
        let tasks = raw["tasks"].as_array().expect("tasks");
        let found = tasks.iter().find(|task| task["id"] == session);
        if found.is_some_and(|task| task["status"]["state"] == state) {
            return raw;
        }
        assert!(Instant::now() < until, "{session} is not {state}: {raw}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Begins a session that asks, and decides. The session, its question and what became of the decision.
async fn decided(
    server: &Desk,
    project: &str,
    words: &str,
    decision: Value,
) -> (String, Delivery, Outcome) {
    let session = server.begin(project, words).await;
    server.waits(project, &session).await;
    let raw = look(server).await;
    let question = asked(&raw, &session).expect("the question").clone();
    let delivery = decide(&question, &session, decision);
    let outcome = connect(server, PASSWORD).deliver(&delivery).await;
    (session, delivery, outcome)
}

#[tokio::test]
async fn what_runs_and_what_waits_in_every_folder_is_seen_and_answered() {
    let server = Desk::open().await;
    a_server_is_named_and_its_password_is_needed(&server).await;
    what_goes_on_in_every_folder_is_told_in_the_contracts_words(&server).await;
    a_permission_is_given_once_and_only_once(&server).await;
    always_is_given_only_when_it_is_chosen(&server).await;
    a_refusal_arrives_with_its_words_and_nothing_is_done(&server).await;
    questions_are_answered_by_choice_by_form_or_not_at_all(&server).await;
    the_newer_interface_is_seen_and_answered_too(&server).await;
    work_is_stopped_and_a_request_nobody_waits_for_is_not_shown(&server).await;
    files_and_usage_are_told_as_the_server_has_them(&server).await;
}

async fn a_server_is_named_and_its_password_is_needed(server: &Desk) {
    let login = |password: &str| Credential::Basic(format!("opencode:{password}"));
    let found = agents::probe(&server.url, Some(&login(PASSWORD))).await;
    let found = found.expect("it is identified");
    assert_eq!(
        (
            found.kind,
            found.product.as_deref(),
            found.product_version.as_deref()
        ),
        (Kind::OpenCode, Some("OpenCode"), Some("1.18.33"))
    );
    for capability in [
        "listTasks",
        "listEscalations",
        "decideApprove",
        "cancel",
        "usage",
    ] {
        assert!(
            found.capabilities.iter().any(|c| c == capability),
            "{capability}"
        );
    }
    let refused = agents::probe(&server.url, Some(&login("wrong"))).await;
    assert_eq!(refused.expect_err("it is refused").http_status, Some(401));
    let refused = agents::probe(&server.url, None).await;
    let refused = refused.expect_err("it is refused");
    assert_eq!(refused.http_status, Some(401));
    let words = refused.detail.unwrap_or_default();
    assert!(words.contains("a user name and a password"), "{words}");
    let error = connect(server, "wrong")
        .observe()
        .await
        .expect_err("it is refused");
    assert_eq!(error.http_status, Some(401));
}

async fn what_goes_on_in_every_folder_is_told_in_the_contracts_words(server: &Desk) {
    let makes = server.begin("shop", "make a.txt").await;
    let far = server.begin("bank", "make b.txt").await;
    let asks = server.begin("shop", "ask me").await;
    let sleeps = server.begin("bank", "sleep").await;
    let limited = server.begin("shop", "hit the limit").await;
    let broken = server.begin("shop", "break").await;
    let done = server.begin("shop", "nothing more").await;
    let empty = server.post("/session", json!({})).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let permission = server.waits("shop", &makes).await;
    server.waits("bank", &far).await;
    server.waits("shop", &asks).await;
    server.comes_to("shop", &limited, "retry").await;
    server.comes_to("shop", &broken, "idle").await;
    server.comes_to("shop", &done, "idle").await;
    // Between two tries it is busy for a moment.
    let tries = |raw: &Value| item(raw, "tasks", &limited)["status"]["native"] == "retry";
    let mut raw = shows(server, &done, "completed").await;
    for _ in 0..100 {
        if tries(&raw) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        raw = look(server).await;
    }
    for (session, state, native) in [
        (&makes, "input-required", "busy"),
        (&far, "input-required", "busy"),
        (&asks, "input-required", "busy"),
        (&sleeps, "working", "busy"),
        (&limited, "working", "retry"),
        (&broken, "failed", "idle, APIError"),
        (&done, "completed", "idle"),
        (&empty, "submitted", "idle"),
    ] {
        let status = &item(&raw, "tasks", session)["status"];
        assert_eq!(
            (&status["state"], &status["native"]),
            (&json!(state), &json!(native)),
            "{raw}"
        );
    }
    let question = asked(&raw, &makes).expect("the permission");
    assert_eq!(question["kind"], "approval");
    assert_eq!(question["id"], permission["id"]);
    assert_eq!(
        question["native"]["request"], permission,
        "exactly as the server has it"
    );
    let action = &question["proposedAction"];
    assert_eq!(
        (&action["name"], &action["args"], &action["cwd"]),
        (
            &json!("bash"),
            &permission["metadata"],
            &json!(server.project("shop"))
        )
    );
    assert_eq!(action["args"]["command"], "touch a.txt");
    let elsewhere = asked(&raw, &far).expect("the permission in the other folder");
    assert_eq!(elsewhere["proposedAction"]["cwd"], server.project("bank"));
    let question = asked(&raw, &asks).expect("the question");
    assert_eq!(
        (
            &question["kind"],
            &question["message"],
            &question["options"][1]["id"]
        ),
        (&json!("question"), &json!("Which colour?"), &json!("Blue"))
    );
    assert_eq!(item(&raw, "tasks", &limited)["waitingFor"]["kind"], "quota");
    let pool = &raw["quotas"][0];
    assert_eq!(
        (
            &pool["pool"]["provider"],
            &pool["pool"]["scope"],
            &pool["windows"][0]["status"]
        ),
        (&json!("local"), &json!("scripted"), &json!("rejected"))
    );
    assert!(pool["windows"][0]["resetAt"].is_string(), "{pool}");
    for (project, session) in [
        ("shop", &makes),
        ("bank", &far),
        ("shop", &asks),
        ("bank", &sleeps),
        ("shop", &limited),
    ] {
        server
            .post(
                &format!("/session/{session}/abort{}", server.place(project)),
                json!({}),
            )
            .await;
        server.comes_to(project, session, "idle").await;
    }
    let raw = shows(server, &sleeps, "canceled").await;
    assert_eq!(
        item(&raw, "tasks", &sleeps)["status"]["native"],
        "idle, MessageAbortedError"
    );
}

async fn a_permission_is_given_once_and_only_once(server: &Desk) {
    for project in ["shop", "bank"] {
        let (session, delivery, outcome) = decided(
            server,
            project,
            "make once.txt",
            json!({"outcome": "approve"}),
        )
        .await;
        assert_eq!(outcome, Outcome::Applied, "{project}");
        server.comes_to(project, &session, "idle").await;
        assert!(server.has(project, "once.txt"), "{project}");
        assert_eq!(server.call(&session).await["status"], "completed");
        let recorded = Some("allowed".to_owned());
        let late = connect(server, PASSWORD).deliver(&delivery).await;
        assert_eq!(
            late,
            Outcome::AlreadyResolved {
                recorded: recorded.clone()
            }
        );
        let against = decide(
            &serde_json::from_str(&delivery.escalation_raw).expect("the question"),
            "late",
            json!({"outcome": "reject"}),
        );
        let late = connect(server, PASSWORD).deliver(&against).await;
        assert_eq!(late, Outcome::AlreadyResolved { recorded });
        let unsure = Delivery {
            resend: true,
            ..delivery
        };
        let late = connect(server, PASSWORD).deliver(&unsure).await;
        assert!(
            matches!(late, Outcome::Unknown(_)),
            "it could be another's: {late:?}"
        );
    }
    // The next one is asked for again: it was not "always".
    let (_, delivery, outcome) = decided(
        server,
        "shop",
        "make once.txt",
        json!({"outcome": "approve", "optionId": "once"}),
    )
    .await;
    assert_eq!(outcome, Outcome::Applied, "{delivery:?}");
}

async fn always_is_given_only_when_it_is_chosen(server: &Desk) {
    let session = server.begin("bank", "make always.txt").await;
    server.waits("bank", &session).await;
    let raw = look(server).await;
    let question = asked(&raw, &session).expect("the question");
    for refused in [
        json!({"outcome": "approve", "optionId": "always"}),
        json!({"outcome": "approve-always"}),
        json!({"outcome": "approve", "optionId": "reject"}),
        json!({"outcome": "reject", "optionId": "once"}),
        json!({"outcome": "edit", "editedAction": {"name": "bash"}}),
        json!({"outcome": "respond", "message": "yes"}),
    ] {
        let outcome = connect(server, PASSWORD)
            .deliver(&decide(question, "no", refused.clone()))
            .await;
        assert!(
            matches!(outcome, Outcome::Refused(_)),
            "{refused}: {outcome:?}"
        );
    }
    let mut stale = decide(question, "stale", json!({"outcome": "approve"}));
    stale.version = "another".to_owned();
    assert_eq!(
        connect(server, PASSWORD).deliver(&stale).await,
        Outcome::Changed
    );
    assert!(
        !server.has("bank", "always.txt"),
        "nothing was allowed so far"
    );
    let always = json!({"outcome": "approve-always", "optionId": "always"});
    let outcome = connect(server, PASSWORD)
        .deliver(&decide(question, "always", always))
        .await;
    assert_eq!(outcome, Outcome::Applied);
    server.comes_to("bank", &session, "idle").await;
    let next = server.begin("bank", "make next.txt").await;
    shows(server, &next, "completed").await;
    assert!(
        server.has("bank", "next.txt"),
        "it was not asked for any more"
    );
}

async fn a_refusal_arrives_with_its_words_and_nothing_is_done(server: &Desk) {
    let refusal = json!({"outcome": "reject", "message": "Not on a Friday"});
    let (session, delivery, outcome) = decided(server, "shop", "make never.txt", refusal).await;
    assert_eq!(outcome, Outcome::Applied);
    let call = server.call(&session).await;
    assert!(
        call["error"].to_string().contains("Not on a Friday"),
        "{call}"
    );
    assert!(!server.has("shop", "never.txt"));
    let late = connect(server, PASSWORD).deliver(&delivery).await;
    assert_eq!(
        late,
        Outcome::AlreadyResolved {
            recorded: Some("rejected".to_owned())
        }
    );
    let unsure = Delivery {
        resend: true,
        ..delivery
    };
    let again = connect(server, PASSWORD).deliver(&unsure).await;
    assert_eq!(again, Outcome::Applied, "our own words stand there");

    let (session, _, outcome) = decided(
        server,
        "shop",
        "make never.txt",
        json!({"outcome": "reject"}),
    )
    .await;
    assert_eq!(outcome, Outcome::Applied);
    server.comes_to("shop", &session, "idle").await;
    assert_eq!(server.call(&session).await["status"], "error");

    let (session, _, outcome) = decided(
        server,
        "shop",
        "make never.txt",
        json!({"outcome": "cancel"}),
    )
    .await;
    assert!(
        matches!(outcome, Outcome::Applied | Outcome::AlreadyResolved { .. }),
        "{outcome:?}"
    );
    server.comes_to("shop", &session, "idle").await;
    assert!(!server.has("shop", "never.txt"));
}

async fn questions_are_answered_by_choice_by_form_or_not_at_all(server: &Desk) {
    for (words, decision, expected) in [
        (
            "ask me",
            json!({"outcome": "respond", "optionId": "Blue"}),
            json!([["Blue"]]),
        ),
        (
            "ask me",
            json!({"outcome": "respond", "message": "Green"}),
            json!([["Green"]]),
        ),
        (
            "survey",
            json!({"outcome": "respond", "payload": {"Colour": "Red", "Sizes": ["Small", "Large"]}}),
            json!([["Red"], ["Small", "Large"]]),
        ),
        (
            "survey",
            json!({"outcome": "respond", "payload": {"answers": [["Blue"], ["Small"]]}}),
            json!([["Blue"], ["Small"]]),
        ),
    ] {
        let (session, delivery, outcome) = decided(server, "shop", words, decision.clone()).await;
        assert_eq!(outcome, Outcome::Applied, "{decision}");
        assert_eq!(server.call(&session).await["metadata"]["answers"], expected);
        let late = connect(server, PASSWORD).deliver(&delivery).await;
        assert!(
            matches!(&late, Outcome::AlreadyResolved { recorded: Some(words) } if words.starts_with("answered: ")),
            "{late:?}"
        );
    }
    let (session, _, outcome) = decided(
        server,
        "shop",
        "survey",
        json!({"outcome": "respond", "message": "Both"}),
    )
    .await;
    assert!(
        matches!(outcome, Outcome::Refused(_)),
        "one sentence for two questions: {outcome:?}"
    );
    let raw = look(server).await;
    let form = asked(&raw, &session).expect("it still waits");
    assert_eq!(form["kind"], "form");
    assert_eq!(
        form["responseSchema"]["properties"]["Sizes"]["type"],
        "array"
    );
    let refusal = decide(form, "no", json!({"outcome": "reject"}));
    assert_eq!(
        connect(server, PASSWORD).deliver(&refusal).await,
        Outcome::Applied
    );
    let call = server.call(&session).await;
    assert!(call["error"].to_string().contains("dismissed"), "{call}");
}

async fn the_newer_interface_is_seen_and_answered_too(server: &Desk) {
    for (words, decision) in [
        ("make two.txt", json!({"outcome": "approve"})),
        (
            "make not.txt",
            json!({"outcome": "reject", "message": "No"}),
        ),
        ("ask me", json!({"outcome": "respond", "optionId": "Red"})),
    ] {
        let session = server.begin_two(words).await;
        let raw = shows(server, &session, "input-required").await;
        let question = asked(&raw, &session).expect("the question");
        assert_eq!(question["native"]["generation"], "v2", "{question}");
        let delivery = decide(question, "two", decision.clone());
        assert_eq!(
            connect(server, PASSWORD).deliver(&delivery).await,
            Outcome::Applied,
            "{decision}"
        );
        shows(server, &session, "completed").await;
        let late = connect(server, PASSWORD).deliver(&delivery).await;
        assert!(
            matches!(late, Outcome::AlreadyResolved { .. }),
            "{decision}: {late:?}"
        );
    }
    assert!(server.has("shop", "two.txt") && !server.has("shop", "not.txt"));
    let session = server.begin_two("sleep").await;
    shows(server, &session, "working").await;
    let stop = connect(server, PASSWORD)
        .cancel(&session.as_str().into(), &"stop".into())
        .await;
    assert_eq!(stop, Outcome::Applied);
}

async fn work_is_stopped_and_a_request_nobody_waits_for_is_not_shown(server: &Desk) {
    let sleeps = server.begin("bank", "sleep").await;
    server.comes_to("bank", &sleeps, "busy").await;
    let mut endpoint = connect(server, PASSWORD);
    let sleeper = sleeps.as_str().into();
    assert_eq!(
        endpoint.cancel(&sleeper, &"stop".into()).await,
        Outcome::Applied
    );
    shows(server, &sleeps, "canceled").await;
    let late = endpoint.cancel(&sleeper, &"stop".into()).await;
    assert_eq!(
        late,
        Outcome::AlreadyResolved {
            recorded: Some("idle".to_owned())
        }
    );
    for nobody in ["nobody", "ses_nobody"] {
        assert_eq!(
            endpoint.cancel(&nobody.into(), &"stop".into()).await,
            Outcome::Expired
        );
    }

    let session = server.begin("shop", "make dead.txt").await;
    server.waits("shop", &session).await;
    let mut endpoint = connect(server, PASSWORD);
    let (_, raw) = see(&mut *endpoint).await.expect("it shows what waits");
    let delivery = decide(
        asked(&raw, &session).expect("the question"),
        "dead",
        json!({"outcome": "approve"}),
    );
    server
        .post(&format!("/session/{session}/abort"), json!({}))
        .await;
    server.comes_to("shop", &session, "idle").await;
    // The server keeps it in its list, and would say "true" to an answer.
    server.waits("shop", &session).await;
    let (_, raw) = see(&mut *endpoint).await.expect("it shows that it is over");
    assert_eq!(item(&raw, "tasks", &session)["status"]["state"], "canceled");
    assert_eq!(
        asked(&raw, &session).expect("its end")["status"],
        "withdrawn"
    );
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Expired);
    assert!(!server.has("shop", "dead.txt"));
}

async fn files_and_usage_are_told_as_the_server_has_them(server: &Desk) {
    let (session, delivery, outcome) = decided(
        server,
        "bank",
        "write note.txt",
        json!({"outcome": "approve"}),
    )
    .await;
    assert_eq!(outcome, Outcome::Applied);
    let shown: Value = serde_json::from_str(&delivery.escalation_raw).expect("JSON");
    let action = &shown["proposedAction"];
    assert_eq!(action["name"], "edit");
    assert!(
        action["diff"]
            .as_str()
            .is_some_and(|diff| diff.contains("+Hello")),
        "{action}"
    );
    shows(server, &session, "completed").await;
    // Somebody who looks for the first time sees all of it.
    let seen = see(&mut *connect(server, PASSWORD)).await;
    let (_, raw) = seen.expect("something is new");
    let wrote: Vec<_> = raw["accesses"]
        .as_array()
        .expect("accesses")
        .iter()
        .filter(|access| access["taskId"] == session)
        .map(|access| (access["resource"].clone(), access["mode"].clone()))
        .collect();
    assert_eq!(wrote, [(json!("file:bank/note.txt"), json!("write"))]);
    let own = server.get(&format!("/session/{session}")).await;
    let usage = &item(&raw, "tasks", &session)["usage"];
    assert_eq!(
        (
            &usage["inputTokens"],
            &usage["outputTokens"],
            &usage["costUsd"]
        ),
        (
            &own["tokens"]["input"],
            &own["tokens"]["output"],
            &own["cost"]
        )
    );
    assert_eq!(usage["inputTokens"], 150);
}

#[tokio::test]
async fn a_server_that_is_killed_forgets_its_questions_and_nothing_is_said_to_be_applied() {
    let mut server = Desk::open().await;
    let (asks, sleeps) = (
        server.begin("shop", "make a.txt").await,
        server.begin("bank", "sleep").await,
    );
    server.waits("shop", &asks).await;
    server.comes_to("bank", &sleeps, "busy").await;
    let mut endpoint = connect(&server, PASSWORD);
    let (_, raw) = see(&mut *endpoint).await.expect("it shows what waits");
    let delivery = decide(
        asked(&raw, &asks).expect("the question"),
        "key",
        json!({"outcome": "approve"}),
    );
    server.server.kill();
    let error = endpoint.observe().await.expect_err("it is away");
    assert_eq!(error.http_status, None);
    check_retry(&endpoint.deliver(&delivery).await, false);
    server.server.restart().await;
    let (_, raw) = see(&mut *endpoint).await.expect("it shows what is left");
    for session in [&asks, &sleeps] {
        assert_eq!(
            item(&raw, "tasks", session)["status"]["state"],
            "unknown",
            "{raw}"
        );
    }
    assert_eq!(asked(&raw, &asks).expect("its end")["status"], "withdrawn");
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Expired);
    let unsure = Delivery {
        resend: true,
        ..delivery
    };
    let outcome = endpoint.deliver(&unsure).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert!(!server.has("shop", "a.txt"));
    // It works on: what is asked from now on is seen and answered.
    let (_, _, outcome) =
        decided(&server, "shop", "make b.txt", json!({"outcome": "approve"})).await;
    assert_eq!(outcome, Outcome::Applied);
}

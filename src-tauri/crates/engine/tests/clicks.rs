//! Two windows and many clicks at once on one question: one of them decides, whichever it is, all others are told what was
//! decided, and the agent hears of that one alone.

#![allow(clippy::expect_used)]

#[path = "scripted/agent.rs"]
#[allow(dead_code)] // The tests of overtaken questions use more of it.
mod agent;
#[path = "scripted/screen.rs"]
#[allow(dead_code)] // So do others.
mod screen;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use agent::{Agent, lock};
use engine::api::Api;
use screen::{ask, until};
use serde_json::{Value, json};
use tokio::{sync::Barrier, task::JoinSet};

const QUESTIONS: usize = 40;
/// What the two windows say, each as often as somebody clicks.
const CLICKS: [&str; 6] = [
    "approve", "reject", "approve", "reject", "approve", "reject",
];

fn question(number: usize) -> Value {
    json!({
        "id": format!("q{number}"), "version": "1", "kind": "approval", "title": "Delete?", "message": "May I?",
        "createdAt": "2026-01-05T09:00:30Z", "status": "pending",
        "proposedAction": { "name": "files.delete", "args": { "path": format!("/tmp/{number}") } },
    })
}

/// Clicks in both windows at one moment; gives what was decided.
async fn race(api: &Api, shown: &Value) -> String {
    let start = Arc::new(Barrier::new(CLICKS.len()));
    let mut clicks = JoinSet::new();
    for outcome in CLICKS {
        let (window, start) = (api.clone(), Arc::clone(&start));
        let click = json!({
            "endpoint": "clerk", "escalation": shown["escalation"], "version": shown["version"],
            "bindingHash": shown["bindingHash"], "outcome": outcome, "optionId": null, "editedAction": null,
            "payload": null, "message": null, "shownMs": 9000, "reachedEnd": true,
        });
        clicks.spawn(async move {
            start.wait().await;
            (outcome, window.call("decide", click).await)
        });
    }
    let answers = clicks.join_all().await;
    let mut won = answers.iter().filter(|(_, answer)| answer.is_ok());
    let (outcome, _) = won.next().expect("one decides");
    assert!(won.next().is_none(), "{answers:?}");
    let told = match *outcome {
        "approve" => {
            "This question is already settled: you approved it just now; nothing was decided."
        }
        _ => "This question is already settled: you refused it just now; nothing was decided.",
    };
    for (_, answer) in &answers {
        let Err(refusal) = answer else { continue };
        assert_eq!(refusal.code, "settled");
        // A machine that is slow enough counts seconds.
        let said = &refusal.message;
        let (begin, _) = told.split_once("just now").expect("both");
        assert!(said.starts_with(begin), "{said}");
    }
    (*outcome).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_clicks_at_once_one_decides_and_the_others_are_told_what() {
    let questions: Vec<_> = (0..QUESTIONS).map(question).collect();
    let agent = Agent::start(json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" },
        "escalations": questions, "pollAfterSeconds": 60,
    }))
    .await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let url = format!("http://127.0.0.1:{}/status", agent.port);
    let add =
        json!({ "name": "Clerk", "url": url, "kind": "native", "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    until(&api, "inbox", json!({}), |inbox| {
        inbox.to_string().contains("\"e:clerk/q0\"")
    })
    .await;
    let mut won = BTreeMap::new();
    for number in 0..QUESTIONS {
        let asked = json!({ "endpoint": "clerk", "escalation": format!("q{number}") });
        let shown = ask(&api, "escalation", asked).await;
        let digest = shown["actionDigest"].as_str().expect("a digest").to_owned();
        won.insert(digest, race(&api, &shown).await);
    }
    // Refusals can be taken back for a while.
    let end = Instant::now() + Duration::from_secs(60);
    while lock(&agent.sent).len() < QUESTIONS {
        assert!(Instant::now() < end, "{:#?}", lock(&agent.sent));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let word = |body: &Value, name: &str| body[name].as_str().expect("a word").to_owned();
    let sent = lock(&agent.sent).clone();
    let heard: BTreeMap<_, _> = sent
        .iter()
        .map(|body| (word(body, "actionDigest"), word(body, "outcome")))
        .collect();
    assert_eq!(sent.len(), QUESTIONS, "each once");
    assert_eq!(heard, won);
    api.end();
}

//! A question that nobody answers in time and that the rules say is refused then: refused once, told as such, and never
//! again after the person took it back.

use engine::api::Api;
use serde_json::{Value, json};

use crate::{
    desk::{Agent, open},
    screen::{ask, reopen, until},
};

/// An hour, for every agent.
const RULES: &str = "version = 1\n[[exceptions]]\nagents = [\"*\"]\nroute_to = \"me\"\nsla_hours = 1.0\npriority = 1\nfallback = \"refuse\"\n";

/// A question that has waited for months.
fn clerk() -> Value {
    let at = "2026-01-20T08:00:00Z";
    json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" }, "pollAfterSeconds": 1,
        "tasks": [{ "id": "t1", "title": "Pay", "status": { "state": "input-required", "timestamp": at } }],
        "escalations": [{
            "id": "q1", "version": "1", "taskId": "t1", "kind": "approval", "title": "Pay the invoice?", "message": "400",
            "createdAt": at, "status": "pending", "proposedAction": { "name": "pay", "target": "api:bank/transfer" },
        }],
    })
}

fn question() -> Value {
    json!({ "endpoint": "desk", "escalation": "q1" })
}

/// Until it was asked.
async fn asked(api: &Api) {
    let cards = |inbox: &Value| inbox["groups"][0]["count"] == 1;
    until(api, "inbox", json!({}), cards).await;
}

async fn ruled(api: &Api) {
    ask(api, "importOwnership", json!({ "text": RULES })).await;
    ask(
        api,
        "saveDraft",
        json!({ "baseRevision": 0, "sentence": null }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_nobody_answers_in_time_is_refused_once_as_the_rule_says() {
    let dir = tempfile::tempdir().expect("a folder");
    let agent = Agent::default();
    agent.with(|document, _| *document = clerk());
    let api = open(dir.path(), &agent).await;
    asked(&api).await;
    // Without a rule it is overdue and stays open.
    let before = until(&api, "escalation", question(), |view| {
        view["phase"] == "pending"
    })
    .await;
    assert_eq!(
        before["atZero"],
        "Nobody answered in time. It stays open; nothing was done."
    );
    ruled(&api).await;
    let held = until(&api, "escalation", question(), |view| {
        !view["decision"].is_null()
    })
    .await;
    assert_eq!(held["decision"]["outcome"], "reject");
    assert_eq!(
        held["route"]["because"],
        "By the one exception rule there is."
    );
    assert_eq!(agent.told().len(), 0, "it can be taken back first");
    until(&api, "escalation", question(), |view| {
        matches!(view["decision"]["state"].as_str(), Some("sent" | "applied"))
    })
    .await;
    let told = agent.told();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(
        (&told[0].1["outcome"], &told[0].1["message"]),
        (
            &json!("reject"),
            &json!("Nobody answered in time, so it is refused.")
        )
    );
    let view = ask(&api, "escalation", question()).await;
    let said: Vec<&str> = view["history"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(|line| line["sentence"].as_str())
        .collect();
    assert!(
        said.contains(&"Nobody answered in time, so it is refused, as the exception rule says."),
        "{said:#?}"
    );
    assert!(!said.contains(&"Refused by you."), "{said:#?}");
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_the_person_takes_back_is_not_made_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let agent = Agent::default();
    agent.with(|document, _| *document = clerk());
    let api = open(dir.path(), &agent).await;
    asked(&api).await;
    ruled(&api).await;
    let held = until(&api, "escalation", question(), |view| {
        !view["decision"].is_null()
    })
    .await;
    let undo = json!({ "decisionId": held["decision"]["id"] });
    ask(&api, "undoDecision", undo).await;
    // Something new comes, and the app is started again: it stays with the person.
    agent.with(|document, _| document["tasks"][0]["title"] = json!("Pay now"));
    let task = json!({ "endpoint": "desk", "task": "t1" });
    until(&api, "task", task, |task| {
        task["card"]["title"]["text"] == "Pay now"
    })
    .await;
    api.end();
    drop(api);
    drop(reopen(dir.path()).await);
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it opens again");
    agent.with(|document, _| document["tasks"][0]["title"] = json!("Pay today"));
    let task = json!({ "endpoint": "desk", "task": "t1" });
    until(&api, "task", task, |task| {
        task["card"]["title"]["text"] == "Pay today"
    })
    .await;
    let view = ask(&api, "escalation", question()).await;
    assert_eq!(view["phase"], "pending");
    assert_eq!(agent.told().len(), 0);
    api.end();
}

//! What a person does about refused items reaches a real agent over HTTP where the contract has a way, is kept, and
//! settles what was found; state of both sides before and after.

#![allow(clippy::expect_used)]

#[path = "../scripted/http.rs"]
mod http;
#[path = "../scripted/screen.rs"]
mod screen;

mod desk;
mod late;
mod schemas;

use serde_json::{Value, json};
use store::tables::{audit, dead_letters};

use self::{
    desk::{Agent, act, action, letter, open, seen, stands, until_stands, way},
    screen::{ask, reopen, until},
};

/// Two items that cannot be used: the task of the first waits for an answer, the second's just works.
fn desk() -> Value {
    let at = "2026-11-20T08:00:00Z";
    let task = |id: &str, state: &str| json!({ "id": id, "title": format!("Task {id}"), "status": { "state": state, "timestamp": at } });
    let page = |id: &str, task: &str| {
        json!({
            "id": id, "taskId": task, "name": format!("Page {id}"), "createdAt": at, "sizeBytes": "four",
        })
    };
    json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" }, "pollAfterSeconds": 1,
        "tasks": [task("t1", "input-required"), task("t2", "working")],
        "artifacts": [page("a1", "t1"), page("a2", "t2")],
        "escalations": [{
            "id": "q1", "version": "1", "taskId": "t1", "kind": "question", "title": "Is the page right?",
            "message": "Say what is wrong with it.", "createdAt": at, "status": "pending",
        }],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrected_item_goes_back_as_the_answer_its_task_waits_for_and_comes_good() {
    let dir = tempfile::tempdir().expect("a folder");
    let agent = Agent::default();
    agent.with(|document, _| *document = desk());
    let api = open(dir.path(), &agent).await;
    let all = until(&api, "deadLetters", json!({}), |all| all["count"] == 2).await;
    assert_eq!(all["title"], "2 outputs refused, all for the same reason");
    until_stands(&api, "a1", true).await;
    let view = ask(&api, "deadLetter", letter("a1")).await;
    let back = &way(&view, "return")["does"][0];
    assert_eq!(
        back,
        "Answers \"Is the page right?\" of clerk with all that is wrong."
    );
    assert_eq!(view["form"]["properties"]["sizeBytes"]["type"], "integer");
    let mut draft = letter("a1");
    draft["text"] = Value::Null;
    draft["fixes"] = json!("{\"sizeBytes\": \"five\"}");
    let bad = ask(&api, "draftLetter", draft.clone()).await;
    assert_eq!(bad["problems"][0]["path"], "/sizeBytes");
    draft["fixes"] = json!("{\"sizeBytes\": 4096}");
    let good = ask(&api, "draftLetter", draft).await;
    assert_eq!(good["problems"], json!([]));
    // Nothing that is still wrong leaves.
    let correct = |text: &Value| json!({ "corrected": text });
    let refused = act(&api, "a1", "resubmit", correct(&bad["text"])).await;
    assert!(
        refused["problem"]
            .as_str()
            .expect("refused")
            .starts_with("It is still wrong")
    );
    let other = good["text"]
        .as_str()
        .expect("a text")
        .replace("\"a1\"", "\"a9\"");
    let refused = act(&api, "a1", "resubmit", correct(&json!(other))).await;
    assert!(refused["problem"].is_string(), "another id is another item");
    assert_eq!(agent.told().len(), 0);

    let done = act(&api, "a1", "resubmit", correct(&good["text"])).await;
    assert_eq!(done["problem"], Value::Null, "{done:#}");
    let waits = ask(&api, "deadLetter", letter("a1")).await;
    assert_eq!(waits["state"], "resubmitted");
    let after = until(&api, "deadLetter", letter("a1"), |view| {
        view["state"] == "good"
    })
    .await;
    assert_eq!(after["stateSentence"], "A good one came with the same id.");
    let told = agent.told();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].0, "/escalations/q1/decision");
    assert_eq!(told[0].1["payload"]["sizeBytes"], 4096);
    until_stands(&api, "a1", false).await;
    let all = ask(&api, "deadLetters", json!({})).await;
    assert_eq!(all["title"], "1 output refused");
    api.end();
    drop(api);
    let store = reopen(dir.path()).await;
    let kept = store
        .read(|reader| audit::of_subject(reader, "desk/artifacts/a1"))
        .expect("readable");
    assert!(
        kept.iter()
            .any(|entry| entry.kind == "letter" && entry.detail.contains("resubmit")),
        "{kept:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_endpoint_takes_is_a_text_and_a_discarded_one_ends_its_task_and_its_finding() {
    let dir = tempfile::tempdir().expect("a folder");
    let agent = Agent::default();
    agent.with(|document, _| *document = desk());
    let api = open(dir.path(), &agent).await;
    until_stands(&api, "a2", true).await;
    let view = ask(&api, "deadLetter", letter("a2")).await;
    let tell = &way(&view, "return")["tells"][0];
    assert_eq!(tell["agent"], "clerk");
    assert!(
        tell["text"]
            .as_str()
            .expect("a text")
            .contains("/sizeBytes: Expected a whole number")
    );
    // Nothing waits for an answer that could carry it, so nothing is called sent.
    let unsent = act(&api, "a2", "return", json!({})).await;
    let problem = unsent["problem"].as_str().expect("not sent");
    assert!(problem.contains("waits for no answer"), "{problem}");
    assert_eq!(
        ask(&api, "deadLetter", letter("a2")).await["state"],
        "waits"
    );
    // The person says that it was sent: it stays until a good one comes, and so does the finding.
    act(&api, "a2", "return", json!({ "byText": true })).await;
    assert_eq!(
        ask(&api, "deadLetter", letter("a2")).await["state"],
        "returned"
    );
    assert!(stands(&api, "a2").await);
    assert_eq!(agent.told().len(), 0);
    let accepted = act(&api, "a2", "accept", json!({})).await;
    assert!(
        accepted["problem"].is_string(),
        "what could not be read is not accepted"
    );
    let silent = action(json!([seen(&api, "a2").await]), "discard", json!({}));
    let silent = api.call("actOnLetters", silent).await;
    assert_eq!(silent.expect_err("without a reason").code, "invalid");
    let unseen = action(
        json!([letter("a2")]),
        "discard",
        json!({ "reason": "Not needed" }),
    );
    let unseen = api.call("actOnLetters", unseen).await;
    assert_eq!(unseen.expect_err("of no bytes").code, "invalid");

    let discard = json!({ "reason": "Not needed any more", "cancel": true });
    let done = act(&api, "a2", "discard", discard).await;
    assert_eq!(
        done["did"],
        json!(["The agent has cancelled the task.", "It is put away."]),
    );
    assert_eq!(agent.told()[0].0, "/tasks/t2/cancel");
    until_stands(&api, "a2", false).await;
    until(
        &api,
        "task",
        json!({ "endpoint": "desk", "task": "t2" }),
        |task| task["card"]["state"] == "canceled",
    )
    .await;
    let all = ask(&api, "deadLetters", json!({})).await;
    assert_eq!(all["count"], 1, "only the other one stands: {all:#}");
    let status = ask(&api, "status", json!({})).await;
    assert_eq!(status["lettersCount"], 1);

    // What was done about these bytes is no answer to other ones.
    agent.with(|document, _| document["artifacts"][1]["sizeBytes"] = json!("five"));
    until(&api, "deadLetters", json!({}), |all| all["count"] == 2).await;
    let again = ask(&api, "deadLetter", letter("a2")).await;
    assert_eq!(
        (&again["state"], again["attempts"].as_array().map(Vec::len)),
        (&json!("waits"), Some(2))
    );
    api.end();
    drop(api);
    let store = reopen(dir.path()).await;
    let endpoint = "desk".into();
    let kept = store
        .read(|reader| dead_letters::get(reader, &endpoint, "artifacts", "a2"))
        .expect("readable");
    assert_eq!(kept.expect("kept").count, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_handled_together_those_that_came_again_are_left_alone_and_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let agent = Agent::default();
    agent.with(|document, _| {
        *document = desk();
        for id in ["a3", "a4"] {
            let mut page = document["artifacts"][1].clone();
            page["id"] = json!(id);
            let pages = document["artifacts"].as_array_mut();
            pages.expect("a list").push(page);
        }
    });
    let api = open(dir.path(), &agent).await;
    let all = until(&api, "deadLetters", json!({}), |all| all["count"] == 4).await;
    // As the list shows them, which is what the person chooses from.
    let shown = all["groups"][0]["letters"].as_array().expect("letters");
    let chosen: Vec<Value> = ["a2", "a3", "a4"]
        .iter()
        .map(|item| {
            let row = shown.iter().find(|row| row["item"] == *item);
            let mut seen = letter(item);
            seen["digest"] = row.expect("listed")["digest"].clone();
            seen
        })
        .collect();
    assert_eq!(chosen[0], seen(&api, "a2").await);

    // One comes again with other bytes, and one comes good.
    agent.with(|document, _| {
        document["artifacts"][2]["sizeBytes"] = json!("five");
        document["artifacts"][3]["sizeBytes"] = json!(5);
    });
    until(&api, "deadLetter", letter("a3"), |view| view["count"] == 2).await;
    let gone = |view: &Value| view["state"] == "good";
    until(&api, "deadLetter", letter("a4"), gone).await;
    let discard = action(json!(chosen), "discard", json!({ "reason": "Not needed" }));
    let done = ask(&api, "actOnLetters", discard).await;
    assert_eq!(
        done["outcomes"],
        json!([
            { "key": "desk/artifacts/a2", "did": ["It is put away."], "problem": null },
            { "key": "desk/artifacts/a3", "did": [],
              "problem": "It has come again with other content. Look at it again; nothing was done." },
            { "key": "desk/artifacts/a4", "did": [], "problem": "It does not stand any more." },
        ])
    );
    until_stands(&api, "a2", false).await;
    assert!(stands(&api, "a3").await, "its finding is not settled");
    for (item, state) in [
        ("a1", "waits"),
        ("a2", "discarded"),
        ("a3", "waits"),
        ("a4", "good"),
    ] {
        assert_eq!(
            ask(&api, "deadLetter", letter(item)).await["state"],
            state,
            "{item}"
        );
    }

    // Looked at again, it can be put away as it is now.
    let again = act(&api, "a3", "discard", json!({ "reason": "Not needed" })).await;
    assert_eq!(again["problem"], Value::Null);
    until_stands(&api, "a3", false).await;
    api.end();
    drop(api);
    let store = reopen(dir.path()).await;
    let kept = store
        .read(|reader| audit::of_subject(reader, "desk/artifacts/a3"))
        .expect("readable");
    assert_eq!(kept.len(), 1, "only what was looked at: {kept:#?}");
}

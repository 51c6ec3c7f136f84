//! A full disk under a running engine with a real agent. The limit is SQLite's own, so it holds on any computer.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use store::{Store, tables::facts};

use crate::{
    api::Api,
    owner::agent::{Agent, lock},
};

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    let answer = api.call(command, payload).await;
    answer.unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Asks until the answer shows what is waited for.
async fn until(api: &Api, command: &str, seen: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = ask(api, command, json!({})).await;
        if seen(&answer) {
            return answer;
        }
        assert!(
            Instant::now() < end,
            "{command} never showed it: {answer:#}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A long message needs pages of its own.
fn document(questions: &[&str]) -> Value {
    let question = |id: &&str| {
        json!({ "id": id, "version": "1", "taskId": "t", "kind": "approval", "title": id, "message": "m".repeat(60_000),
            "createdAt": "2026-01-05T09:00:30Z", "status": "pending",
            "proposedAction": { "name": "mail.read", "args": { "n": 1 } } })
    };
    json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" },
        "tasks": [{ "id": "t", "title": "Told only once", "status": { "state": "working" } }],
        "escalations": questions.iter().map(question).collect::<Vec<_>>(), "pollAfterSeconds": 1,
    })
}

fn allow_pages(store: &Store, pages: u32) {
    let limit = format!("PRAGMA max_page_count = {pages}");
    let set = store.write(move |tx| Ok(tx.execute_batch(&limit)?));
    set.expect("the limit is set");
}

fn log(store: &Store) -> Vec<facts::FactRow> {
    let mut rows = vec![];
    let read = store.read(|reader| {
        facts::each(reader, 0, |row| {
            rows.push(row);
            Ok(())
        })
    });
    read.expect("it is read");
    rows
}

async fn answer(api: &Api, id: &str) -> Result<Value, crate::api::ApiError> {
    let asked = json!({ "endpoint": "clerk", "escalation": id });
    let view = ask(api, "escalation", asked).await;
    let decision = json!({
        "endpoint": "clerk", "escalation": id, "version": view["version"], "bindingHash": view["bindingHash"],
        "outcome": "reject", "optionId": null, "editedAction": null, "payload": null, "message": "No.",
        "shownMs": 60_000, "reachedEnd": true,
    });
    api.call("decide", decision).await
}

async fn until_known(api: &Api, id: &str) {
    let key = format!("e:clerk/{id}");
    until(api, "inbox", |inbox| inbox.to_string().contains(&key)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_nothing_is_believed_and_everything_goes_on_when_there_is_room() {
    let agent = Agent::start(document(&["first"])).await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let store = api.store().clone();
    let url = format!("http://127.0.0.1:{}/status", agent.port);
    let add =
        json!({ "name": "Clerk", "url": url, "kind": "native", "token": null, "basic": null });
    ask(&api, "addEndpoint", add.clone()).await;
    until_known(&api, "first").await;
    // Whoever read the log again would find nothing, and would have to be told of everything anew.
    let later = Utc::now() + TimeDelta::days(1);
    store
        .write(move |tx| facts::forget(tx, later))
        .expect("the log is emptied");

    let all = ["first", "second", "third"];
    for (number, round) in all.into_iter().enumerate().skip(1) {
        allow_pages(&store, 1);
        *lock(&agent.document) = document(&all[..=number]);
        let status = until(&api, "status", |status| status["readOnly"].is_string()).await;
        let said = status["readOnly"].as_str().expect("a sentence");
        assert!(said.contains("The disk is full."), "{said}");
        // What the person does is refused in words, and the questions stand as they were saved.
        let refused = answer(&api, "first").await.expect_err("it cannot be saved");
        assert_eq!(refused.code, "store");
        for part in ["nothing was done", "The disk is full."] {
            assert!(refused.message.contains(part), "{refused}");
        }
        let mut other = add.clone();
        other["name"] = json!("Other");
        let refused = api.call("addEndpoint", other).await;
        refused.expect_err("it cannot be saved");
        let inbox = ask(&api, "inbox", json!({})).await;
        assert!(!inbox.to_string().contains(round), "{inbox:#}");

        allow_pages(&store, 1_000_000);
        until(&api, "status", |status| status["readOnly"].is_null()).await;
        until_known(&api, round).await;
    }
    let decided = answer(&api, "first").await.expect("it is saved");
    assert_eq!(decided["state"], json!("held"));
    let rows = log(&store);
    assert!(rows.is_sorted_by(|a, b| a.at < b.at && a.seq + 1 == b.seq));
    for round in ["second", "third"] {
        let told = rows
            .iter()
            .filter(|row| row.line.contains(&format!("\"title\":\"{round}\"")));
        assert_eq!(told.count(), 1, "{round}");
    }
    assert!(
        rows.iter().all(|row| !row.line.contains("Told only once")),
        "what had not changed was not told again"
    );
    api.end();
}

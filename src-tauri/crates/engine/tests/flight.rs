//! The whole way: real agents over HTTP are polled, stored and shown; an answer is decided and arrives once; and what
//! was found live is what the recording gives.

#![allow(clippy::expect_used)]

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use domain::{finding::Finding, replay::replay};
use engine::{
    api::Api,
    demo::{
        script::{AGENTS, Script},
        serve::serve,
    },
};
use serde_json::{Value, json};
use store::{Store, tables};
use tokio::net::TcpListener;

struct Fleet {
    script: Arc<Mutex<Script>>,
    base: String,
}

/// Serves the scripted agents `from` seconds into their story.
async fn fleet(from: i64) -> Fleet {
    let script = Script::new(Utc::now() - TimeDelta::seconds(from));
    let script = Arc::new(Mutex::new(script));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(serve(listener, Arc::clone(&script)));
    Fleet { script, base }
}

impl Fleet {
    fn received(&self) -> Vec<Value> {
        let script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.log().to_vec()
    }
}

fn api(dir: &std::path::Path) -> Api {
    Api::open(dir, None, Box::new(|_| Ok(()))).expect("the folder can be used")
}

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Asks until the answer shows what is waited for; each change announced is a reason to ask again.
async fn until(api: &Api, command: &str, payload: Value, seen: impl Fn(&Value) -> bool) -> Value {
    let mut changed = api.changed();
    let end = Instant::now() + Duration::from_secs(40);
    loop {
        let answer = ask(api, command, payload.clone()).await;
        if seen(&answer) {
            return answer;
        }
        assert!(
            Instant::now() < end,
            "{command} never showed it: {answer:#}"
        );
        let _ = tokio::time::timeout(Duration::from_millis(500), changed.recv()).await;
    }
}

fn items(inbox: &Value) -> Vec<&Value> {
    let groups = inbox["groups"].as_array().expect("groups");
    groups
        .iter()
        .flat_map(|group| group["items"].as_array().expect("items"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_is_added_its_question_is_answered_and_the_answer_arrives_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let fleet = fleet(40).await;
    let api = api(dir.path());
    let url = format!("{}/invoice-reader/status", fleet.base);
    let probe = ask(
        &api,
        "probe",
        json!({ "url": url, "token": null, "basic": null }),
    )
    .await;
    assert_eq!(probe["identified"], json!(true), "{probe:#}");
    let added = ask(
        &api,
        "addEndpoint",
        json!({ "name": "Desk", "url": url, "kind": "native", "token": null, "basic": null }),
    )
    .await;
    assert_eq!(added["id"], json!("desk"));
    let key = "e:desk/inv-sort-1";
    until(&api, "inbox", json!({}), |inbox| {
        items(inbox).iter().any(|item| item["key"] == key)
    })
    .await;
    let asked = json!({ "endpoint": "desk", "escalation": "inv-sort-1" });
    let question = ask(&api, "escalation", asked.clone()).await;
    let decide = json!({
        "endpoint": "desk", "escalation": "inv-sort-1", "version": question["version"],
        "bindingHash": question["bindingHash"], "outcome": "respond", "optionId": "file", "editedAction": null,
        "payload": null, "message": null, "shownMs": 4000, "reachedEnd": true,
    });
    let held = ask(&api, "decide", decide.clone()).await;
    assert_eq!(held["state"], json!("held"));
    assert!(
        fleet.received().is_empty(),
        "nothing leaves in the undo time"
    );
    let again = api
        .call("decide", decide.clone())
        .await
        .expect_err("decided twice");
    assert_eq!(again.code, "settled");
    ask(&api, "undoDecision", json!({ "decisionId": held["id"] })).await;
    let decided = ask(&api, "decide", decide).await;
    assert_ne!(decided["id"], held["id"]);
    let question = until(&api, "escalation", asked, |question| {
        question["decision"]["state"] == json!("applied")
    })
    .await;
    assert_eq!(question["decision"]["id"], decided["id"]);
    let received = fleet.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    assert_eq!(received[0]["idempotencyKey"], decided["id"]);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_live_is_what_the_recording_gives() {
    let dir = tempfile::tempdir().expect("a folder");
    let fleet = fleet(20).await;
    let api = api(dir.path());
    for agent in AGENTS {
        let url = format!("{}/{agent}/status", fleet.base);
        let add =
            json!({ "name": agent, "url": url, "kind": "native", "token": null, "basic": null });
        ask(&api, "addEndpoint", add).await;
    }
    until(&api, "inbox", json!({}), |inbox| {
        let found = items(inbox)
            .iter()
            .filter(|item| {
                item["key"]
                    .as_str()
                    .is_some_and(|key| key.starts_with("f:"))
            })
            .count();
        found >= 2
    })
    .await;
    api.end();
    drop(api);
    let store = reopen(dir.path()).await;
    let mut recording = vec![];
    let mut live: Vec<Finding> = vec![];
    store
        .read(|reader| {
            let config = tables::facts::config(reader)?.expect("fixed at the first start");
            recording.push(json!({ "config": config }).to_string());
            tables::facts::each(reader, 0, |row| {
                recording.push(row.line);
                Ok(())
            })?;
            live.extend(
                tables::findings::open(reader)?
                    .into_iter()
                    .map(|row| row.finding),
            );
            Ok(())
        })
        .expect("it can be read");
    let replayed = replay(&recording).expect("every line can be read");
    let mut open: Vec<&Finding> = replayed
        .iter()
        .filter(|finding| finding.state == domain::finding::FindingState::Open)
        .filter(|finding| {
            let last = replayed
                .iter()
                .rev()
                .find(|other| other.episode == finding.episode);
            last.is_some_and(|last| last.state == domain::finding::FindingState::Open)
        })
        .collect();
    open.sort_by(|a, b| a.episode.cmp(&b.episode));
    live.sort_by(|a, b| a.episode.cmp(&b.episode));
    assert!(live.len() >= 2);
    assert_eq!(live.iter().collect::<Vec<_>>(), open);
}

/// The last clone of the store goes a moment after the engine ended.
async fn reopen(dir: &std::path::Path) -> Store {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        match Store::open(dir, Utc::now()) {
            Ok(store) => return store,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

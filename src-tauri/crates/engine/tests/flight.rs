//! The whole way: real agents over HTTP are polled, stored and shown; an answer is decided and arrives once; and what
//! was found live is what the recording gives.

#![allow(clippy::expect_used)]

#[path = "scripted/screen.rs"]
mod screen;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{TimeDelta, Utc};
use domain::{
    finding::{Finding, FindingState},
    replay::replay,
};
use engine::{
    api::Api,
    demo::{
        script::{AGENTS, Script},
        serve::serve,
    },
};
use screen::{ask, reopen, until};
use serde_json::{Value, json};
use store::{Store, tables};
use tokio::{net::TcpListener, runtime::Runtime};

struct Fleet {
    script: Arc<Mutex<Script>>,
    port: u16,
    base: String,
    server: Option<Runtime>,
}

/// A runtime of its own, so that its end cuts every connection.
async fn server(port: u16, script: Arc<Mutex<Script>>) -> (Runtime, u16) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (tell, told) = tokio::sync::oneshot::channel();
    runtime.spawn(async move {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a port");
        tell.send(listener.local_addr().expect("an address").port())
            .expect("awaited");
        serve(listener, script).await;
    });
    (runtime, told.await.expect("it listens"))
}

/// Serves the scripted agents `from` seconds into their story.
async fn fleet(from: i64) -> Fleet {
    let script = Script::new(Utc::now() - TimeDelta::seconds(from));
    let script = Arc::new(Mutex::new(script));
    let (runtime, port) = server(0, Arc::clone(&script)).await;
    Fleet {
        base: format!("http://127.0.0.1:{port}"),
        server: Some(runtime),
        port,
        script,
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.go_away();
    }
}

impl Fleet {
    /// Does not answer any more, on open connections neither.
    fn go_away(&mut self) {
        if let Some(runtime) = self.server.take() {
            runtime.shutdown_background();
        }
    }

    async fn come_back(&mut self) {
        self.server = Some(server(self.port, Arc::clone(&self.script)).await.0);
    }

    fn received(&self) -> Vec<Value> {
        let script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.log().to_vec()
    }
}

fn api(dir: &std::path::Path) -> Api {
    Api::open(dir, None, Box::new(|_| Ok(()))).expect("the folder can be used")
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

async fn add(api: &Api, fleet: &Fleet, name: &str, agent: &str) {
    let url = format!("{}/{agent}/status", fleet.base);
    let add = json!({ "name": name, "url": url, "kind": "native", "token": null, "basic": null });
    ask(api, "addEndpoint", add).await;
}

fn answer(question: &Value) -> Value {
    json!({
        "endpoint": question["endpoint"], "escalation": question["escalation"], "version": question["version"],
        "bindingHash": question["bindingHash"], "outcome": "respond", "optionId": "file", "editedAction": null,
        "payload": null, "message": null, "shownMs": 4000, "reachedEnd": true,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_for_an_agent_that_is_away_waits_and_arrives_once_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut fleet = fleet(40).await;
    let first = api(dir.path());
    add(&first, &fleet, "desk", "invoice-reader").await;
    let asked = json!({ "endpoint": "desk", "escalation": "inv-sort-1" });
    until(&first, "inbox", json!({}), |inbox| !items(inbox).is_empty()).await;
    let question = ask(&first, "escalation", asked.clone()).await;
    ask(&first, "decide", answer(&question)).await;
    fleet.go_away();
    until(&first, "escalation", asked.clone(), |question| {
        question["decision"]["state"] == json!("queued")
    })
    .await;
    first.end();
    drop(first);
    drop(reopen(dir.path()).await);
    let second = api(dir.path());
    let waiting = ask(&second, "escalation", asked.clone()).await;
    let state = waiting["decision"]["state"].as_str().unwrap_or_default();
    assert!(["queued", "sending"].contains(&state), "{state}");
    assert!(fleet.received().is_empty());
    fleet.come_back().await;
    until(&second, "escalation", asked, |question| {
        question["decision"]["state"] == json!("applied")
    })
    .await;
    assert_eq!(fleet.received().len(), 1);
    second.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thresholds_change_at_once_and_stand_in_the_log() {
    let dir = tempfile::tempdir().expect("a folder");
    let fleet = fleet(100).await;
    let api = api(dir.path());
    add(&api, &fleet, "desk", "invoice-reader").await;
    let view = ask(&api, "settings", json!({})).await;
    let mut rules = view["rules"].clone();
    rules["stallAfterSeconds"] = json!(0);
    let refused = api.call("saveSettings", request(&rules)).await;
    assert_eq!(refused.expect_err("not usable").code, "invalid");
    rules["stallAfterSeconds"] = json!(90);
    rules["escalationSlaHours"] = json!(0.01);
    let saved = ask(&api, "saveSettings", request(&rules)).await;
    assert_eq!(saved["rules"]["stallAfterSeconds"], json!(90));
    until(&api, "inbox", json!({}), |inbox| {
        items(inbox)
            .iter()
            .any(|item| item["overdue"] == json!(true))
    })
    .await;
    api.end();
    drop(api);
    let store = reopen(dir.path()).await;
    let (recording, open) = recorded(&store);
    assert!(
        recording
            .iter()
            .any(|line| line.starts_with("{\"at\"") && line.contains("\"settings\":{")),
        "{recording:#?}"
    );
    assert_eq!(open_at_the_end(&recording), open);
}

fn request(rules: &Value) -> Value {
    json!({
        "theme": null, "density": null, "singleKeys": null, "replaceHold": null, "safeGraphics": null, "rules": rules,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_out_of_a_finding_reaches_the_agent_and_the_rules() {
    let dir = tempfile::tempdir().expect("a folder");
    let fleet = fleet(30).await;
    let api = api(dir.path());
    for agent in ["invoice-reader", "payment-runner"] {
        add(&api, &fleet, agent, agent).await;
    }
    let of_rule = |inbox: &Value, rule: &str| {
        let found = items(inbox).into_iter().find(|item| {
            let key = item["key"].as_str().unwrap_or_default();
            key.starts_with("f:") && key.contains(rule) && item["shape"] != json!("done")
        });
        found.map(|item| item["key"].clone())
    };
    let inbox = until(&api, "inbox", json!({}), |inbox| {
        of_rule(inbox, "payment mail-7001").is_some()
            && of_rule(inbox, "unowned-resource").is_some()
    })
    .await;
    let key = of_rule(&inbox, "payment mail-7001");
    let finding = ask(&api, "finding", json!({ "key": key })).await;
    let way = &finding["resolutions"][0];
    assert_eq!(way["id"], json!("owner-keeps"));
    assert!(
        way["does"][0]
            .as_str()
            .is_some_and(|text| text.starts_with("Asks ")),
        "{way:#}"
    );
    let act = json!({ "key": key, "resolution": "owner-keeps", "until": null, "reason": null, "agent": null });
    let done = ask(&api, "actOnFinding", act).await;
    assert_eq!(
        done["did"],
        json!([
            "The agent has cancelled the task.",
            "The finding is settled."
        ])
    );
    let received = fleet.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    let cancelled = received[0]["cancel"].as_str().expect("a task").to_owned();
    let owner = received[0]["agent"].as_str().expect("an agent").to_owned();
    until(
        &api,
        "task",
        json!({ "endpoint": owner, "task": cancelled }),
        |task| task["card"]["state"] == json!("canceled"),
    )
    .await;
    until(&api, "inbox", json!({}), |inbox| {
        of_rule(inbox, "payment mail-7001").is_none()
    })
    .await;
    // Nobody owns what both write: giving it to one is a new version of the rules.
    let key = of_rule(&inbox, "unowned-resource");
    let act = json!({ "key": key, "resolution": "assign", "until": null, "reason": null, "agent": "payment-runner" });
    ask(&api, "actOnFinding", act).await;
    let map = ask(&api, "ownership", json!({})).await;
    assert_eq!(map["revision"], json!(1));
    assert_eq!(
        map["document"]["rules"][0]["owner"],
        json!("payment-runner")
    );
    until(&api, "inbox", json!({}), |inbox| {
        of_rule(inbox, "unowned-resource").is_none()
    })
    .await;
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_open_at_an_endpoint_ends_when_it_is_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let fleet = fleet(40).await;
    let api = api(dir.path());
    add(&api, &fleet, "desk", "invoice-reader").await;
    until(&api, "inbox", json!({}), |inbox| !items(inbox).is_empty()).await;
    ask(&api, "removeEndpoint", json!({ "endpoint": "desk" })).await;
    let inbox = ask(&api, "inbox", json!({})).await;
    let open = items(&inbox)
        .into_iter()
        .filter(|item| item["shape"] != json!("done"));
    assert_eq!(open.count(), 0, "{inbox:#}");
    let status = ask(&api, "status", json!({})).await;
    assert_eq!(
        (&status["boardCount"], &status["running"]),
        (&json!(0), &json!(0))
    );
    // The same address again is another endpoint, with everything it has.
    add(&api, &fleet, "desk", "invoice-reader").await;
    until(&api, "status", json!({}), |status| {
        status["boardCount"] != json!(0)
    })
    .await;
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_fleet_has_a_store_of_its_own_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let api = api(dir.path());
    for _ in 0..2 {
        ask(&api, "startDemo", json!({})).await;
        until(&api, "inbox", json!({}), |inbox| items(inbox).len() > 2).await;
        let status = ask(&api, "status", json!({})).await;
        assert_eq!(
            (&status["demo"], &status["agentsTotal"]),
            (&json!(true), &json!(5))
        );
        ask(&api, "leaveDemo", json!({})).await;
        let status = ask(&api, "status", json!({})).await;
        assert_eq!(
            (&status["demo"], &status["agentsTotal"]),
            (&json!(false), &json!(0))
        );
        assert_eq!(
            (&status["needsSetup"], &status["boardCount"]),
            (&json!(true), &json!(0))
        );
        assert!(!dir.path().join("demo").exists());
    }
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_found_live_is_what_the_recording_gives() {
    let dir = tempfile::tempdir().expect("a folder");
    let fleet = fleet(20).await;
    let api = api(dir.path());
    for agent in AGENTS {
        add(&api, &fleet, agent, agent).await;
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
    let (recording, open) = recorded(&store);
    assert!(open.len() >= 2);
    assert_eq!(open_at_the_end(&recording), open);
}

/// What the log would be recorded as, and the findings that hold, by episode.
fn recorded(store: &Store) -> (Vec<String>, Vec<Finding>) {
    let mut recording = vec![];
    let mut open: Vec<Finding> = vec![];
    store
        .read(|reader| {
            let config = tables::facts::config(reader)?.expect("fixed at the first start");
            recording.push(json!({ "config": config }).to_string());
            tables::facts::each(reader, 0, |row| {
                recording.push(row.line);
                Ok(())
            })?;
            let rows = tables::findings::open(reader)?;
            open.extend(rows.into_iter().map(|row| row.finding));
            Ok(())
        })
        .expect("it can be read");
    open.sort_by(|a, b| a.episode.cmp(&b.episode));
    (recording, open)
}

/// What still holds after the last line, by episode.
fn open_at_the_end(recording: &[String]) -> Vec<Finding> {
    let found = replay(recording).expect("every line can be read");
    let last: BTreeMap<String, Finding> = found
        .into_iter()
        .map(|finding| (finding.episode.clone(), finding))
        .collect();
    last.into_values()
        .filter(|finding| finding.state == FindingState::Open)
        .collect()
}

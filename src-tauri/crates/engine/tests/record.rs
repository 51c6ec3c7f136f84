//! The record of what the person did: what was changed in it from outside is said and never sent, and everything the person
//! changes is in it, without a secret.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/agent.rs"]
#[allow(dead_code)] // The tests of overtaken questions use more of it.
mod agent;
#[path = "scripted/screen.rs"]
mod screen;

use std::path::Path;

use agent::{Agent, lock};
use engine::api::Api;
use screen::{ask, reopen, until};
use serde_json::{Value, json};
use store::tables::{audit, facts, ownership};

fn api(dir: &Path) -> Api {
    Api::open(dir, None, Box::new(|_| Ok(()))).expect("it starts")
}

/// Does something to the file that nobody may, while the app is closed.
async fn tamper(dir: &Path, statements: &'static str) {
    let store = reopen(dir).await;
    let done = store.write(move |tx| {
        tx.execute_batch(
            "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_stays; DROP TRIGGER decisions_stay;
             DROP TRIGGER decisions_say_what_was_said;",
        )?;
        Ok(tx.execute_batch(statements)?)
    });
    done.expect("the file is open to everybody");
}

fn question(id: &str) -> Value {
    json!({ "id": id, "version": "1", "kind": "approval", "title": format!("Send {id}?"), "message": "Ready.",
        "createdAt": "2026-01-05T09:00:30Z", "status": "pending",
        "proposedAction": { "name": "mail.send", "args": { "to": "marta" } } })
}

async fn clerk(api: &Api) -> Agent {
    let agent = Agent::start(json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" },
        "tasks": [], "escalations": [question("q1"), question("q2")], "pollAfterSeconds": 1,
    }))
    .await;
    let url = format!("http://127.0.0.1:{}/status?key=hush-query", agent.port);
    let add = json!({ "name": "Clerk", "url": url, "kind": "native", "token": "hush-token", "basic": null,
        "keep": "session" });
    ask(api, "addEndpoint", add).await;
    agent
}

/// Answers a question as it is shown now; the decision.
async fn decide(api: &Api, id: &str, outcome: &str) -> Value {
    let asked = json!({ "endpoint": "clerk", "escalation": id });
    let view = ask(api, "escalation", asked).await;
    let decide = json!({
        "endpoint": "clerk", "escalation": id, "version": "1", "bindingHash": view["bindingHash"], "outcome": outcome,
        "optionId": null, "editedAction": null, "payload": null, "message": null, "shownMs": 9000, "reachedEnd": true,
    });
    ask(api, "decide", decide).await
}

fn item<'a>(inbox: &'a Value, key: &str) -> Option<&'a Value> {
    let groups = inbox["groups"].as_array()?;
    let mut items = groups
        .iter()
        .filter_map(|group| group["items"].as_array())
        .flatten();
    items.find(|item| item["key"] == key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_decided_never_leaves_and_is_said_on_every_screen() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = api(dir.path());
    let agent = clerk(&first).await;
    let is_asked = |inbox: &Value| item(inbox, "e:clerk/q2").is_some();
    until(&first, "inbox", json!({}), is_asked).await;
    let asked = json!({ "endpoint": "clerk", "escalation": "q1" });
    decide(&first, "q1", "approve").await;
    let taken_back = decide(&first, "q2", "approve").await;
    ask(
        &first,
        "undoDecision",
        json!({ "decisionId": taken_back["id"] }),
    )
    .await;
    first.end();
    drop(first);
    // The body of one is another, and the other one was never taken back, as it seems.
    tamper(
        dir.path(),
        "UPDATE decisions SET body = replace(body, 'approve', 'reject') WHERE escalation = 'q1';
         UPDATE decisions SET undone_at = NULL, state = 'queued'; UPDATE escalations SET phase = 'answered';",
    )
    .await;
    let second = api(dir.path());
    // The login was kept in memory only; without it nothing is asked there, with it the answers would go.
    let edit = json!({ "endpoint": "clerk", "name": null, "url": null, "token": "hush-token", "basic": null, "keep": "session",
        "paused": null });
    ask(&second, "editEndpoint", edit).await;
    let status = until(&second, "status", json!({}), |status| {
        let notice = status["notice"].as_str().unwrap_or_default();
        notice.contains("2 answers were not sent") && notice.contains("not as it was written")
    })
    .await;
    assert!(status["notice"].to_string().contains("entry"), "{status:#}");
    let inbox = ask(&second, "inbox", json!({})).await;
    for key in ["e:clerk/q1", "e:clerk/q2"] {
        let card = item(&inbox, key).expect("it is asked again");
        assert_eq!(
            (card["severity"].as_str(), card["stateLabel"].as_str()),
            (Some("critical"), Some("Not sent")),
            "{card:#}"
        );
    }
    let view = ask(&second, "escalation", asked).await;
    assert_eq!(view["decision"], Value::Null);
    assert!(
        view["history"]
            .to_string()
            .contains("Not sent: what was stored")
    );
    assert_eq!(lock(&agent.sent).len(), 0, "nothing left");
    // Answered again, it goes.
    decide(&second, "q1", "reject").await;
    until(&second, "inbox", json!({}), |_| {
        lock(&agent.sent).len() == 1
    })
    .await;
    second.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_answer_is_in_the_log_as_not_given_and_is_said_when_its_question_is_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = api(dir.path());
    let agent = clerk(&first).await;
    let is_asked = |inbox: &Value| item(inbox, "e:clerk/q2").is_some();
    until(&first, "inbox", json!({}), is_asked).await;
    let edit = |paused: bool| {
        json!({ "endpoint": "clerk", "name": null, "url": null, "token": "hush-token", "basic": null, "keep": "session",
            "paused": paused })
    };
    decide(&first, "q1", "approve").await;
    ask(&first, "editEndpoint", edit(true)).await;
    let asked = json!({ "endpoint": "clerk", "escalation": "q1" });
    let is_queued = |view: &Value| view["decision"]["state"] == "queued";
    until(&first, "escalation", asked, is_queued).await;
    first.end();
    drop(first);
    tamper(
        dir.path(),
        "UPDATE decisions SET body = replace(body, 'approve', 'reject') WHERE escalation = 'q1'",
    )
    .await;
    let second = api(dir.path());
    ask(&second, "editEndpoint", edit(false)).await;
    let not_sent = |inbox: &Value| {
        item(inbox, "e:clerk/q1").is_some_and(|card| card["stateLabel"] == "Not sent")
    };
    until(&second, "inbox", json!({}), not_sent).await;
    lock(&agent.document)["escalations"] = json!([question("q2")]);
    let is_gone = |inbox: &Value| {
        not_sent(inbox) && item(inbox, "e:clerk/q1").is_some_and(|card| card["dueAt"].is_null())
    };
    until(&second, "inbox", json!({}), is_gone).await;
    second.end();
    drop(second);
    let mut told = vec![];
    let store = reopen(dir.path()).await;
    store
        .read(|reader| {
            facts::each(reader, 0, |row| {
                let line: Value = serde_json::from_str(&row.line).expect("JSON");
                for word in ["decision", "undecided"] {
                    if line[word]["escalation"] == "q1" {
                        told.push(word);
                    }
                }
                Ok(())
            })
        })
        .expect("it can be read");
    assert_eq!(told, ["decision", "undecided"]);
    drop(store);
    let third = api(dir.path());
    let inbox = until(&third, "inbox", json!({}), not_sent).await;
    let card = item(&inbox, "e:clerk/q1").expect("it is said after a restart");
    assert_eq!(card["severity"], "critical", "{card:#}");
    assert_eq!(lock(&agent.sent).len(), 0, "nothing left");
    third.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_is_checked_after_the_start_and_when_the_person_asks() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = api(dir.path());
    ask(&first, "saveSettings", json!({ "theme": "dark" })).await;
    let checked = |settings: &Value| settings["record"]["intact"] == true;
    let settings = until(&first, "settings", json!({}), checked).await;
    assert_eq!(settings["record"]["database"], "No damage was found.");
    let settings = ask(&first, "checkRecord", json!({})).await;
    assert_eq!(
        (&settings["record"]["rows"], &settings["record"]["running"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        ask(&first, "status", json!({})).await["notice"],
        Value::Null
    );
    first.end();
    drop(first);
    tamper(dir.path(), "UPDATE audit SET detail = '{}'").await;
    let second = api(dir.path());
    let broken = |settings: &Value| settings["record"]["intact"] == false;
    let settings = until(&second, "settings", json!({}), broken).await;
    let sentence = "Entry 1 is gone or is not as it was written.";
    assert_eq!(settings["record"]["sentence"], sentence);
    let status = ask(&second, "status", json!({})).await;
    assert!(
        status["notice"].to_string().contains(sentence),
        "{status:#}"
    );
    second.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_database_is_checked_beside_the_work_and_set_aside_at_the_next_start() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = reopen(dir.path()).await;
    let filled =
        store.write(|tx| ownership::set_draft(tx, Some((0, &json!("x".repeat(20 << 20))))));
    filled.expect("it is written");
    drop(store);
    let path = dir.path().join("mission-control.db");
    let mut bytes = std::fs::read(&path).expect("it is there");
    assert!(
        bytes.len() > 16 << 20,
        "too large to be checked before it is opened"
    );
    let page = bytes.len() / 2 / 4096 * 4096;
    bytes[page..page + 64].fill(0x5a);
    std::fs::write(&path, bytes).expect("it is written");
    let first = api(dir.path());
    let status = until(&first, "status", json!({}), |status| {
        !status["notice"].is_null()
    })
    .await;
    let notice = status["notice"].as_str().unwrap_or_default();
    assert!(
        notice.starts_with("The database is damaged. Close"),
        "{notice}"
    );
    let settings = ask(&first, "settings", json!({})).await;
    let said = settings["record"]["database"].as_str().unwrap_or_default();
    assert!(said.starts_with("It is damaged."), "{said}");
    first.end();
    drop(first);
    drop(reopen(dir.path()).await);
    let names = std::fs::read_dir(dir.path()).expect("it is there");
    let aside = names
        .filter_map(Result::ok)
        .any(|entry| entry.file_name().to_string_lossy().starts_with("damaged-"));
    assert!(aside, "it was set aside");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_person_changes_is_in_the_record_and_no_secret_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let api = api(dir.path());
    let _agent = clerk(&api).await;
    let edit = |change: Value| {
        let mut all = json!({ "endpoint": "clerk", "name": null, "url": null, "token": null, "basic": null, "keep": null,
            "paused": null });
        for (name, value) in change.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        all
    };
    ask(&api, "editEndpoint", edit(json!({ "name": "Office" }))).await;
    ask(&api, "editEndpoint", edit(json!({ "paused": true }))).await;
    let other = json!({ "token": "hush-other", "keep": "session" });
    ask(&api, "editEndpoint", edit(other)).await;
    ask(&api, "editEndpoint", edit(json!({ "keep": "file" }))).await;
    ask(&api, "saveSettings", json!({ "theme": "dark" })).await;
    let text = "version = 1\n[[rules]]\nresource = \"output:mail/*\"\nowner = \"clerk\"\n[[exceptions]]\nagents = [\"*\"]\nroute_to = \"me\"\nsla_hours = 24\npriority = 1\nfallback = \"hold\"\n";
    ask(&api, "importOwnership", json!({ "text": text })).await;
    ask(
        &api,
        "saveDraft",
        json!({ "baseRevision": 0, "sentence": null }),
    )
    .await;
    ask(&api, "removeEndpoint", json!({ "endpoint": "clerk" })).await;
    api.end();
    drop(api);
    let store = reopen(dir.path()).await;
    let mut entries = vec![];
    store
        .read(|reader| {
            audit::each(reader, |entry| {
                entries.push((entry.kind, entry.detail));
                Ok(())
            })
        })
        .expect("it can be read");
    let kinds: Vec<_> = entries.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "endpoint-added",
            "endpoint-edited",
            "endpoint-edited",
            "endpoint-edited",
            "endpoint-edited",
            "settings",
            "rules",
            "endpoint-removed"
        ]
    );
    let has = |at: usize, words: &str| assert!(entries[at].1.contains(words), "{:?}", entries[at]);
    has(1, r#""name":["Clerk","Office"]"#);
    has(2, r#""paused":[false,true]"#);
    has(3, r#""renewed":[false,true]"#);
    has(4, r#""login":["session:token","file:token"]"#);
    has(5, r#""theme":["system","dark"]"#);
    has(6, "output:mail/*");
    has(7, r#""name":["Office",null]"#);
    for (kind, detail) in &entries {
        assert!(!detail.contains("hush"), "{kind}: {detail}");
    }
}

//! A second action on something that another agent has already done is held up, with the other's act beside it and
//! "discard" proposed: before it is answered, between looking and answering, and in the undo time.

#![allow(clippy::expect_used)]

#[path = "scripted/agent.rs"]
mod agent;

use std::time::{Duration, Instant};

use agent::{Agent, lock};
use engine::api::Api;
use serde_json::{Value, json};

fn document(id: &str, escalations: Value) -> Value {
    json!({
        "schemaVersion": "1.0", "agent": { "id": id, "name": id, "status": "online" },
        "tasks": [{ "id": format!("{id}-1"), "title": "Answer the mail", "status": { "state": "working" } }],
        "accesses": [{ "id": "took", "taskId": format!("{id}-1"), "resource": "trigger:inbox/support", "mode": "consume",
            "eventId": "mail-7", "at": "2026-01-05T09:00:00Z" }],
        "escalations": escalations, "pollAfterSeconds": 1,
    })
}

fn wrote(number: u32) -> Value {
    json!({ "id": format!("sent-{number}"), "taskId": "mona-1", "resource": "output:mail/marta", "mode": "write",
        "newVersion": format!("v{number}"), "at": "2026-01-05T09:01:00Z" })
}

struct Desk {
    api: Api,
    drafts: Agent,
    mona: Agent,
    _folder: tempfile::TempDir,
}

async fn desk() -> Desk {
    let folder = tempfile::tempdir().expect("a folder");
    let question = json!([{ "id": "q1", "version": "1", "taskId": "drafts-1", "kind": "approval", "title": "Send the reply?",
        "message": "Ready.", "createdAt": "2026-01-05T09:00:30Z", "expiresAt": "2099-01-05T09:00:00Z", "status": "pending",
        "proposedAction": { "name": "mail.send", "target": "output:mail/marta", "args": { "body": "Hello" } } }]);
    let drafts = Agent::start(document("drafts", question)).await;
    let mona = Agent::start(document("mona", json!([]))).await;
    let api = Api::open(folder.path(), None, Box::new(|_| Ok(()))).expect("the folder can be used");
    for agent in [&drafts, &mona] {
        let url = format!("http://127.0.0.1:{}/status", agent.port);
        let name = if agent.port == drafts.port {
            "drafts"
        } else {
            "mona"
        };
        let add =
            json!({ "name": name, "url": url, "kind": "native", "token": null, "basic": null });
        api.call("addEndpoint", add).await.expect("it is added");
    }
    Desk {
        api,
        drafts,
        mona,
        _folder: folder,
    }
}

impl Desk {
    /// The question as it is shown, as soon as it looks like this.
    async fn shown(&self, seen: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(40);
        let asked = json!({ "endpoint": "drafts", "escalation": "q1" });
        loop {
            let answer = self.api.call("escalation", asked.clone()).await;
            if let Ok(view) = &answer
                && seen(view)
            {
                return view.clone();
            }
            assert!(Instant::now() < end, "{answer:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn decide(&self, view: &Value, outcome: &str) -> Result<Value, String> {
        let request = json!({
            "endpoint": "drafts", "escalation": "q1", "version": view["version"], "bindingHash": view["bindingHash"],
            "outcome": outcome, "optionId": null, "editedAction": null, "payload": null, "message": null,
            "shownMs": 9000, "reachedEnd": true, "overtakenBy": view["overtaken"]["act"],
        });
        let decided = self.api.call("decide", request).await;
        decided.map_err(|error| error.code.to_string())
    }
}

fn calm(view: &Value) -> bool {
    view["overtaken"].is_null()
}

fn overtaken(view: &Value) -> bool {
    view["overtaken"].is_object()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drafted_reply_to_a_mail_that_another_agent_answered_is_raised_and_discarding_it_is_proposed()
 {
    let desk = desk().await;
    let before = desk.shown(calm).await;
    assert_eq!(before["risk"], "outward");
    desk.mona.touches(wrote(1));
    let view = desk.shown(overtaken).await;
    assert_eq!(
        view["overtaken"]["sentence"],
        "mona has already acted on the same event: it wrote output:mail/marta."
    );
    assert_eq!(view["overtaken"]["at"], "2026-01-05T09:01:00Z");
    assert_eq!(view["risk"], "destructive");
    let gestures = view["gestures"].as_array().expect("a list");
    let gesture = |outcome: &str| {
        gestures
            .iter()
            .find(|gesture| gesture["outcome"] == outcome)
            .expect("it is offered")
    };
    assert_eq!(gesture("reject")["label"], "Discard it");
    assert_eq!(gesture("reject")["safest"], true);
    assert_eq!(gesture("approve")["hold"], true);
    let inbox = desk.api.call("inbox", json!({})).await.expect("it answers");
    let item = &inbox["groups"][0]["items"][0];
    assert_eq!(item["stateLabel"], "Overtaken");

    // A yes given to what was shown before decides nothing.
    let stale = desk.decide(&before, "approve").await;
    assert_eq!(stale, Err("changed".to_owned()));
    desk.decide(&view, "reject").await.expect("it is decided");
    desk.shown(|view| view["decision"]["state"] == "applied")
        .await;
    let sent = lock(&desk.drafts.sent).clone();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(sent[0]["outcome"], "reject");
    assert_eq!(
        sent[0]["message"],
        "mona has already acted on output:mail/marta."
    );
    desk.api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_in_its_undo_time_comes_back_when_another_agent_acts_on_the_same_thing() {
    let desk = desk().await;
    let view = desk.shown(calm).await;
    let held = desk.decide(&view, "approve").await.expect("it is decided");
    assert_eq!(held["state"], "held");
    desk.mona.touches(wrote(1));
    let view = desk.shown(overtaken).await;
    assert_eq!(view["phase"], "pending");
    assert_eq!(view["decision"], Value::Null);
    let history = view["history"].to_string();
    assert!(history.contains("Held up"), "{history}");
    assert!(lock(&desk.drafts.sent).is_empty());

    // Seen and wanted all the same: it is sent, and one more act of the other does not stop it.
    desk.decide(&view, "approve").await.expect("it is decided");
    desk.mona.touches(wrote(2));
    desk.shown(|view| view["decision"]["state"] == "applied")
        .await;
    let sent = lock(&desk.drafts.sent).clone();
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert_eq!(sent[0]["outcome"], "approve");
    desk.api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_agent_did_itself_or_before_its_task_holds_nothing_up() {
    let desk = desk().await;
    let mut own = wrote(1);
    own["taskId"] = json!("drafts-1");
    desk.drafts.touches(own);
    // Another mail, and long before.
    let mut earlier = wrote(2);
    earlier["at"] = json!("2026-01-05T08:00:00Z");
    earlier["taskId"] = json!("mona-0");
    desk.mona.touches(earlier);
    let heard = |activity: &Value| activity.to_string().contains("output:mail/marta");
    let end = Instant::now() + Duration::from_secs(40);
    while !heard(
        &desk
            .api
            .call("ownership", json!({}))
            .await
            .expect("it answers"),
    ) {
        assert!(Instant::now() < end, "the accesses were not heard");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let view = desk.shown(|_| true).await;
    assert_eq!(view["overtaken"], Value::Null);
    assert_eq!(view["risk"], "outward");
    desk.api.end();
}

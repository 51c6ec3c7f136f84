//! Two agents that use one id, live: the rules mean the one that had it when they were saved, the other is shown as what it
//! is, and when the first is not watched any more, rules that are saved again mean the other.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/agent.rs"]
#[allow(dead_code)] // Other tests use more of it.
mod agent;
#[path = "scripted/screen.rs"]
mod screen;

use agent::Agent;
use chrono::Utc;
use engine::api::Api;
use screen::{ask, reopen, until};
use serde_json::{Value, json};
use store::tables::findings;

async fn billing(id: &str) -> Agent {
    Agent::start(json!({
        "schemaVersion": "1.0", "agent": { "id": id, "name": "Billing", "status": "online" },
        "tasks": [], "accesses": [], "pollAfterSeconds": 1,
        "escalations": [{
            "id": "q1", "version": "1", "kind": "approval", "title": "Write the total", "message": "It is 12.", "createdAt": Utc::now(), "status": "pending",
            "proposedAction": { "name": "field.write", "args": {}, "target": "field:total" },
        }],
    }))
    .await
}

async fn watch(api: &Api, name: &str, agent: &Agent) {
    let url = format!("http://127.0.0.1:{}/status", agent.port);
    let add = json!({ "name": name, "url": url, "kind": "native", "token": null, "basic": null });
    ask(api, "addEndpoint", add).await;
    let heard = format!("e:{}/q1", name.to_lowercase());
    until(api, "inbox", json!({}), |inbox| {
        let mut groups = inbox["groups"].as_array().into_iter().flatten();
        groups.any(|group| {
            let mut items = group["items"].as_array().into_iter().flatten();
            items.any(|item| item["key"] == json!(heard))
        })
    })
    .await;
}

/// What is said of it on its own screen, and with its question.
async fn said(api: &Api, endpoint: &str) -> [Value; 3] {
    let agents = ask(api, "agents", json!({})).await;
    let mut all = agents["endpoints"].as_array().into_iter().flatten();
    let shown = all
        .find(|row| row["id"] == json!(endpoint))
        .expect("it is shown");
    let asked = json!({ "endpoint": endpoint, "escalation": "q1" });
    let question = ask(api, "escalation", asked).await;
    [
        shown["agents"][0]["impostor"].clone(),
        question["impostor"].clone(),
        question["ruleBroken"].clone(),
    ]
}

async fn save(api: &Api, base: u32, purpose: &str) {
    let text = format!(
        "rules = [{{ resource = \"field:total\", owner = \"billing\", purpose = \"{purpose}\" }}]"
    );
    ask(api, "importOwnership", json!({ "text": text })).await;
    ask(
        api,
        "saveDraft",
        json!({ "baseRevision": base, "sentence": null }),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_uses_the_id_of_an_owner_is_shown_as_another_until_it_is_the_one_that_is_meant() {
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let (office, other) = (billing("billing").await, billing("billing").await);
    watch(&api, "Office", &office).await;
    save(&api, 0, "first").await;
    watch(&api, "Other", &other).await;
    let nothing = [Value::Null, Value::Null, Value::Null];
    assert_eq!(said(&api, "office").await, nothing);
    let sentence = "It calls itself billing, but in your rules that name belongs to an agent of Office. This one has none of its rights.";
    let broken = "field:total belongs to billing, and other/billing asks to act on it.";
    let impostor = [json!(sentence), json!(sentence), json!(broken)];
    assert_eq!(said(&api, "other").await, impostor);
    // Rules that are saved again still mean the one they meant.
    save(&api, 1, "second").await;
    assert_eq!(said(&api, "other").await, impostor);
    let matrix = ask(&api, "ownership", json!({})).await;
    let names: Vec<_> = matrix["agents"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|a| &a["name"])
        .collect();
    assert_eq!(names, [&json!("billing"), &json!("other/billing")]);

    // Nor does one get the rights of another by calling itself as rules call that one.
    let third = billing("office/billing").await;
    watch(&api, "Third", &third).await;
    let sentence = "It calls itself office/billing, but in your rules that name belongs to an agent of Office. This one has none of its rights.";
    let broken = "field:total belongs to billing, and third/office/billing asks to act on it.";
    assert_eq!(
        said(&api, "third").await,
        [json!(sentence), json!(sentence), json!(broken)]
    );
    ask(&api, "removeEndpoint", json!({ "endpoint": "third" })).await;

    ask(&api, "removeEndpoint", json!({ "endpoint": "office" })).await;
    save(&api, 2, "third").await;
    assert_eq!(said(&api, "other").await, nothing);
    // Only this one writes now, and it may.
    other.touches(
        json!({ "id": "w1", "resource": "field:total", "mode": "write", "at": Utc::now() }),
    );
    until(&api, "ownership", json!({}), |matrix| {
        let mut seen = matrix["seen"].as_array().into_iter().flatten();
        seen.any(|seen| seen["resource"] == "field:total")
    })
    .await;
    api.end();
    let found = reopen(dir.path())
        .await
        .read(findings::open)
        .expect("findings");
    let found: Vec<_> = found.iter().map(|row| row.finding.rule.as_str()).collect();
    assert!(!found.contains(&"write-conflict"), "{found:?}");
}

//! The entry that settles a contradiction, from the Context screen: proposed without a trace, sent as the answer to the
//! agent that asks about it, appended there, and then the contradiction is over.

use serde_json::{Value, json};
use store::tables::context;

use crate::{
    ask, begin, open, read,
    scenes::{Scene, ways},
    until,
};

fn scene(case: &str) -> Scene {
    let ways = ways();
    let way = ways.iter().find(|(rule, way, named, _)| {
        (*rule, *way, *named) == ("context-divergence", "adopt-first", case)
    });
    way.expect("it is there").3()
}

fn request(record: bool, by_text: bool) -> Value {
    json!({
        "document": "plan", "key": "deadline", "value": "\"sunday\"", "sentence": "It is Sunday.", "record": record,
        "byText": by_text,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settling_entry_reaches_the_agent_that_asks_and_ends_the_contradiction() {
    let dir = tempfile::tempdir().expect("a folder");
    let (api, fleet) = begin(dir.path(), &scene(" (asked about)")).await;
    until("the contradiction", || {
        open(dir.path(), "context-divergence").is_some()
    })
    .await;
    let written = || read(dir.path(), |reader| context::entries(reader, "plan", 10)).len();
    assert_eq!(written(), 2);
    let empty = json!({ "document": "plan", "key": "deadline", "value": "\"sunday\"", "sentence": " ", "record": true, "byText": false });
    let refused = api
        .call("settleContext", empty)
        .await
        .expect_err("no sentence");
    assert_eq!(refused.code, "invalid");

    let proposed = ask(&api, "settleContext", request(false, false)).await;
    assert_eq!(
        proposed["does"][0],
        "Answers \"Which deadline of plan?\" of b with this entry."
    );
    assert_eq!(proposed["did"], json!([]));
    let asks = ask(
        &api,
        "escalation",
        json!({ "endpoint": "b", "escalation": "q1" }),
    )
    .await;
    assert_eq!(
        (&asks["phase"], &asks["decision"]),
        (&json!("pending"), &Value::Null),
        "looking decides nothing"
    );

    ask(&api, "settleContext", request(true, false)).await;
    until("the answer", || !fleet.received().is_empty()).await;
    let received = fleet.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    for part in [
        "/b/escalations/q1/decision outcome \"respond\"",
        "\"supersedes\":1",
        "\"supersedes\":2",
        "sunday",
    ] {
        assert!(received[0].contains(part), "{part}: {}", received[0]);
    }
    until("the end of it", || {
        open(dir.path(), "context-divergence").is_none()
    })
    .await;
    assert_eq!(written(), 4, "one entry for each that it supersedes");
    let document = ask(&api, "contextDocument", json!({ "document": "plan" })).await;
    assert_eq!(document["conflicts"], json!([]));
    let late = api.call("settleContext", request(true, false)).await;
    assert_eq!(late.expect_err("nothing contradicts").code, "settled");
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_agent_asks_the_settling_entry_is_a_text_and_the_contradiction_stands() {
    let dir = tempfile::tempdir().expect("a folder");
    let (api, fleet) = begin(dir.path(), &scene("")).await;
    until("the contradiction", || {
        open(dir.path(), "context-divergence").is_some()
    })
    .await;
    let proposed = ask(&api, "settleContext", request(false, false)).await;
    assert_eq!(proposed["does"], json!([]));
    let text = proposed["tells"][0]["text"].as_str().expect("a text");
    let entry = proposed["entry"].as_str().expect("an entry");
    assert!(
        text.ends_with(entry),
        "the exact entry can be copied: {text}"
    );
    ask(&api, "settleContext", request(true, true)).await;
    assert!(
        open(dir.path(), "context-divergence").is_some(),
        "nothing was appended yet"
    );
    // The person has sent it, and the agent appends it.
    let mut context = vec![
        json!({ "documentId": "plan", "seq": 1, "kind": "decision", "key": "deadline", "value": "monday",
        "body": "It is monday.", "author": "a", "createdAt": "2026-01-05T09:00:00Z" }),
    ];
    for line in entry.lines() {
        context.push(serde_json::from_str(line).expect("JSON"));
    }
    context.remove(0);
    let said = json!({ "schemaVersion": "1.0", "agent": { "id": "a", "name": "a", "status": "online" }, "snapshot": false,
        "context": context, "pollAfterSeconds": 1 });
    fleet.says("a", said);
    ask(&api, "pollNow", json!({ "endpoint": "a" })).await;
    until("the end of it", || {
        open(dir.path(), "context-divergence").is_none()
    })
    .await;
    assert_eq!(fleet.received(), Vec::<String>::new());
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_out_is_taken_beside_an_open_draft_which_goes_on_from_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let ways = ways();
    let way = ways
        .iter()
        .find(|(rule, way, named, _)| (*rule, *way, *named) == ("write-conflict", "transfer", ""));
    let (api, _fleet) = begin(dir.path(), &way.expect("it is there").3()).await;
    let edit = json!({ "kind": "add-rule", "rule": null, "agent": null, "exception": null,
        "value": { "resource": "output:site", "owner": "a", "sequence": [], "readers": [], "purpose": null } });
    ask(&api, "editDraft", edit).await;
    let conflict = || open(dir.path(), "write-conflict");
    until("the conflict", || conflict().is_some()).await;
    let key = format!("f:{}", conflict().expect("it is open").finding.episode);
    let action = json!({ "key": key, "resolution": "transfer", "agent": null, "until": null, "reason": null });
    ask(&api, "actOnFinding", action).await;
    until("the end of it", || conflict().is_none()).await;

    let rules = |document: &Value| {
        let rules = document["rules"].as_array().cloned().unwrap_or_default();
        let name =
            |rule: &Value| format!("{} {}", rule["resource"], rule["owner"]).replace('"', "");
        rules.iter().map(name).collect::<Vec<_>>()
    };
    let view = ask(&api, "ownership", json!({})).await;
    assert_eq!(rules(&view["document"]), ["field:crm/** b"]);
    assert_eq!(view["revision"], 2);
    assert_eq!(view["draft"]["baseRevision"], 2);
    let both = ["field:crm/** b", "output:site a"];
    assert_eq!(rules(&view["draft"]["document"]), both);
    let save = json!({ "baseRevision": 2, "sentence": null });
    let saved = ask(&api, "saveDraft", save).await;
    assert_eq!(rules(&saved["document"]), both);
}

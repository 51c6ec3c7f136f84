//! Schemas that the person gives in the running app: what they refuse, each way out of it with both sides before and
//! after, and that a recording gives the same.

use std::{collections::BTreeSet, path::Path};

use domain::{finding::FindingState, replay::replay};
use engine::api::Api;
use serde_json::{Value, json};
use store::{
    Store,
    tables::{audit, facts, findings},
};

use crate::{
    desk::{Agent, act, action, letter, open, until_stands, way},
    screen::{ask, reopen, until},
};

const NAME: &str = "schemas/page.json";

fn page_schema() -> String {
    json!({
        "type": "object", "required": ["title"],
        "properties": { "title": { "type": "string" }, "words": { "type": "integer", "minimum": 1 } },
    })
    .to_string()
}

/// A page that names the schema; its task waits for an answer in words.
fn writer(body: Value) -> Value {
    let at = "2026-11-20T08:00:00Z";
    json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" }, "pollAfterSeconds": 1,
        "tasks": [{ "id": "t1", "title": "Write the page", "status": { "state": "input-required", "timestamp": at } }],
        "artifacts": [{
            "id": "p1", "taskId": "t1", "name": "Page", "createdAt": at, "schemaRef": NAME, "body": body,
        }],
        "escalations": [{
            "id": "q1", "version": "1", "taskId": "t1", "kind": "question", "title": "Is the page right?",
            "message": "Say what is wrong with it.", "createdAt": at, "status": "pending",
        }],
    })
}

async fn save(api: &Api, text: &str) -> Value {
    ask(api, "saveSchema", json!({ "name": NAME, "text": text })).await
}

/// What the task's page is to the schemas it is held to.
async fn check_of(api: &Api) -> Value {
    let made = ask(
        api,
        "artifacts",
        json!({ "endpoint": "desk", "task": "t1" }),
    )
    .await;
    made["artifacts"][0]["checks"].clone()
}

async fn until_check(api: &Api, expected: &str) {
    let task = json!({ "endpoint": "desk", "task": "t1" });
    until(api, "artifacts", task, |made| {
        made["artifacts"][0]["checks"][0]["check"] == expected
    })
    .await;
}

/// Finishes, and compares what is stored as open with what the recording gives. Answers the recording.
async fn recorded_as_lived(api: Api, dir: &Path) -> (Store, Vec<String>) {
    api.end();
    drop(api);
    let store = reopen(dir).await;
    let mut recording = vec![];
    let mut open = BTreeSet::new();
    store
        .read(|reader| {
            let config = facts::config(reader)?.expect("fixed at the first start");
            recording.push(json!({ "config": config }).to_string());
            facts::each(reader, 0, |row| {
                recording.push(row.line);
                Ok(())
            })?;
            open.extend(
                findings::open(reader)?
                    .into_iter()
                    .map(|row| row.finding.episode),
            );
            Ok(())
        })
        .expect("it can be read");
    let mut replayed = BTreeSet::new();
    for finding in replay(&recording).expect("every line can be read") {
        match finding.state {
            FindingState::Open => replayed.insert(finding.episode),
            FindingState::Cleared => replayed.remove(&finding.episode),
        };
    }
    assert_eq!(replayed, open);
    (store, recording)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepting_once_lets_exactly_those_bytes_pass_and_survives_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let agent = Agent::default();
    agent.with(|document, _| *document = writer(json!({ "title": 7 })));
    let api = open(dir.path(), &agent).await;
    until_check(&api, "unchecked").await;
    let named = ask(&api, "schemas", json!({})).await;
    assert_eq!(
        named["title"],
        "1 schema is named and not known, so nothing is checked"
    );
    assert_eq!(
        named["schemas"][0]["uses"],
        json!(["1 output of clerk names it."])
    );
    assert_eq!(ask(&api, "deadLetters", json!({})).await["count"], 0);

    // What cannot be used is refused with its place, and changes nothing.
    for (text, part) in [
        ("{", "not JSON from line 1"),
        (
            r#"{"properties": {"title": {"type": "text"}}}"#,
            "At /properties/title/type: \"text\"",
        ),
        (
            r#"{"$ref": "https://example.com/page.json"}"#,
            "nothing is fetched from elsewhere",
        ),
    ] {
        let refused = api
            .call("saveSchema", json!({ "name": NAME, "text": text }))
            .await;
        let refused = refused.expect_err("it cannot be used");
        assert!(refused.message.contains(part), "{}", refused.message);
    }
    assert_eq!(check_of(&api).await[0]["check"], "unchecked");

    let saved = save(&api, &page_schema()).await;
    assert_eq!(
        saved["sentence"],
        "It is kept, and holds from now on. 1 output stands refused because of it."
    );
    let refused = ask(&api, "deadLetters", json!({})).await;
    let group = &refused["groups"][0];
    assert_eq!(
        (&group["path"], &group["schema"], &group["rule"]),
        (&json!("/body/title"), &json!(NAME), &json!("type"))
    );
    until_stands(&api, "p1", true).await;
    let view = ask(&api, "deadLetter", letter("p1")).await;
    assert_eq!(view["form"]["properties"]["body/title"]["type"], "string");

    // Other bytes than those that were looked at are not accepted by mistake.
    let mut seen = letter("p1");
    seen["digest"] = json!("sha256:0000");
    let changed = action(json!([seen]), "accept", json!({}));
    let changed = ask(&api, "actOnLetters", changed).await;
    let problem = changed["outcomes"][0]["problem"].as_str().expect("refused");
    assert!(problem.contains("other content"), "{problem}");
    until_stands(&api, "p1", true).await;
    let done = act(&api, "p1", "accept", json!({})).await;
    assert_eq!(done["problem"], Value::Null, "{done:#}");
    until_stands(&api, "p1", false).await;
    assert_eq!(check_of(&api).await[0]["check"], "accepted");
    assert_eq!(ask(&api, "deadLetters", json!({})).await["count"], 0);
    assert_eq!(agent.told().len(), 0, "nobody was asked for anything");

    // Those bytes pass, also when something else changes and after a restart.
    agent.with(|document, _| document["tasks"][0]["title"] = json!("Write it"));
    let task = json!({ "endpoint": "desk", "task": "t1" });
    until(&api, "task", task, |task| {
        task["card"]["title"]["text"] == "Write it"
    })
    .await;
    assert_eq!(ask(&api, "deadLetters", json!({})).await["count"], 0);
    api.end();
    drop(api);
    drop(reopen(dir.path()).await);
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it opens again");
    assert_eq!(check_of(&api).await[0]["check"], "accepted");
    let kept = ask(&api, "schema", json!({ "name": NAME })).await;
    assert_eq!(kept["text"], json!(page_schema()));

    // The same fault in other bytes is refused again.
    agent.with(|document, _| document["artifacts"][0]["body"]["title"] = json!(8));
    until(&api, "deadLetters", json!({}), |all| all["count"] == 1).await;
    until_stands(&api, "p1", true).await;
    let again = ask(&api, "deadLetter", letter("p1")).await;
    assert_eq!(again["state"], "waits");
    assert_eq!(check_of(&api).await[0]["check"], "refused");

    let (store, recording) = recorded_as_lived(api, dir.path()).await;
    assert!(
        recording
            .iter()
            .any(|line| line.contains("\"schemas\":{\"schemas/page.json\":{")),
        "it was given after the first fact"
    );
    let kept = store
        .read(|reader| audit::of_subject(reader, NAME))
        .expect("readable");
    assert_eq!(kept.len(), 1, "what was refused was not kept");
}

/// The card of the finding about the refused item.
async fn card(api: &Api) -> Value {
    let inbox = ask(api, "inbox", json!({})).await;
    let groups = inbox["groups"].as_array().expect("groups").iter();
    let mut items = groups.flat_map(|group| group["items"].as_array().expect("items"));
    let key = |item: &Value| item["key"].as_str().unwrap_or_default().to_owned();
    let item = items.find(|item| key(item).contains("schema-violation"));
    let key = key(item.expect("it is in the inbox"));
    ask(api, "finding", json!({ "key": key })).await
}

/// An agent with a page of that body, which its schema refuses.
async fn refused(dir: &Path, body: Value) -> (Agent, Api) {
    let agent = Agent::default();
    agent.with(|document, _| *document = writer(body));
    let api = open(dir, &agent).await;
    until_check(&api, "unchecked").await;
    save(&api, &page_schema()).await;
    until_stands(&api, "p1", true).await;
    (agent, api)
}

/// Accepts the item as that card showed it.
fn accept(card: &Value) -> Value {
    let mut ways = card["resolutions"].as_array().expect("ways").iter();
    let way = ways.find(|way| way["id"] == "accept-once");
    json!({
        "key": card["key"], "resolution": "accept-once", "until": null, "reason": null, "agent": null,
        "seen": way.expect("a way")["seen"],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_came_again_is_not_accepted_on_the_card_that_showed_the_one_before() {
    let dir = tempfile::tempdir().expect("a folder");
    let (agent, api) = refused(dir.path(), json!({ "title": 7 })).await;
    let before = card(&api).await;
    agent.with(|document, _| document["artifacts"][0]["body"]["title"] = json!(8));
    let twice = |view: &Value| view["count"] == 2;
    let came = until(&api, "deadLetter", letter("p1"), twice).await;
    let refused = api.call("actOnFinding", accept(&before)).await;
    assert_eq!(refused.expect_err("it came again").code, "changed");
    until_stands(&api, "p1", true).await;
    assert_eq!(check_of(&api).await[0]["check"], "refused");

    let now = accept(&card(&api).await);
    assert_eq!(now["seen"], came["digest"]);
    ask(&api, "actOnFinding", now).await;
    until_stands(&api, "p1", false).await;
    assert_eq!(check_of(&api).await[0]["check"], "accepted");
    recorded_as_lived(api, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_sent_back_with_its_errors_comes_good() {
    let dir = tempfile::tempdir().expect("a folder");
    let (agent, api) = refused(dir.path(), json!({ "words": 0 })).await;
    let view = ask(&api, "deadLetter", letter("p1")).await;
    let tell = way(&view, "return")["tells"][0]["text"]
        .as_str()
        .expect("a text");
    for part in [
        "/body/title",
        "/body/words",
        "Correct it and send it again under the same id.",
    ] {
        assert!(tell.contains(part), "{tell}");
    }
    act(&api, "p1", "return", json!({})).await;
    until(&api, "deadLetter", letter("p1"), |view| {
        view["state"] == "returned"
            && view["stateSentence"]
                .as_str()
                .is_some_and(|said| said.starts_with("Answered. The agent"))
    })
    .await;
    let told = agent.told();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].0, "/escalations/q1/decision");
    let message = told[0].1["message"].as_str().expect("words");
    assert!(message.contains("/body/words"), "{message}");
    assert_eq!(
        agent.with(|document, _| document["tasks"][0]["status"]["state"].clone()),
        "working"
    );
    assert_eq!(check_of(&api).await[0]["check"], "refused");

    agent.with(|document, _| {
        document["artifacts"][0]["body"] = json!({ "title": "Bread", "words": 3 })
    });
    until_check(&api, "fits").await;
    until_stands(&api, "p1", false).await;
    let good = ask(&api, "deadLetter", letter("p1")).await;
    assert_eq!(good["state"], "good");
    recorded_as_lived(api, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_edited_must_fit_before_it_leaves() {
    let dir = tempfile::tempdir().expect("a folder");
    let (agent, api) = refused(dir.path(), json!({ "title": 7 })).await;
    let mut draft = letter("p1");
    draft["text"] = Value::Null;
    draft["fixes"] = json!("{\"body/title\": 9}");
    let bad = ask(&api, "draftLetter", draft.clone()).await;
    assert_eq!(bad["problems"][0]["path"], "/body/title");
    let edit = |text: &Value| json!({ "corrected": text });
    let refused = act(&api, "p1", "resubmit", edit(&bad["text"])).await;
    assert!(refused["problem"].is_string());
    assert_eq!(agent.told().len(), 0);

    draft["fixes"] = json!("{\"body/title\": \"Bread\"}");
    let good = ask(&api, "draftLetter", draft).await;
    assert_eq!(good["problems"], json!([]));
    act(&api, "p1", "resubmit", edit(&good["text"])).await;
    until_check(&api, "fits").await;
    let told = agent.told();
    assert_eq!(
        (told.len(), &told[0].1["payload"]["body"]["title"]),
        (1, &json!("Bread"))
    );
    assert_eq!(
        agent.with(|document, _| document["artifacts"][0]["body"]["title"].clone()),
        "Bread"
    );
    until_stands(&api, "p1", false).await;

    // Taken away, nothing is held to it any more; what names it is shown as unchecked again.
    agent.with(|document, _| document["artifacts"][0]["body"]["title"] = json!(10));
    until_stands(&api, "p1", true).await;
    let gone = ask(&api, "removeSchema", json!({ "name": NAME })).await;
    assert_eq!(
        gone["sentence"],
        "It is taken away. Nothing is held to it any more."
    );
    until_stands(&api, "p1", false).await;
    assert_eq!(check_of(&api).await[0]["check"], "unchecked");
    let twice = api.call("removeSchema", json!({ "name": NAME })).await;
    assert_eq!(twice.expect_err("it is gone").code, "missing");
    recorded_as_lived(api, dir.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_given_before_anything_was_heard_stands_in_the_recordings_first_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("the folder can be used");
    save(&api, &page_schema()).await;
    let again = save(&api, &page_schema()).await;
    assert_eq!(
        again["sentence"],
        "It is kept already, and nothing was changed."
    );
    api.end();
    drop(api);
    drop(reopen(dir.path()).await);
    let agent = Agent::default();
    agent.with(|document, _| *document = writer(json!({ "title": 7 })));
    let api = open(dir.path(), &agent).await;
    until_stands(&api, "p1", true).await;
    let (_store, recording) = recorded_as_lived(api, dir.path()).await;
    let first: Value = serde_json::from_str(&recording[0]).expect("JSON");
    assert_eq!(first["config"]["schemas"][NAME]["type"], "object");
    assert!(
        recording
            .iter()
            .skip(1)
            .all(|line| !line.contains("\"schemas\""))
    );
}

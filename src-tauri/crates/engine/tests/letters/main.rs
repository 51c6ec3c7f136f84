//! What a person does about refused items reaches a real agent over HTTP where the contract has a way, is kept, and
//! settles what was found; state of both sides before and after.

#![allow(clippy::expect_used)]

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use engine::api::Api;
use serde_json::{Value, json};
use store::{
    Store,
    tables::{audit, dead_letters},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Path and body of what was posted.
type Told = Vec<(String, Value)>;

/// An agent that takes answers and ends tasks: what it says, and what it was told.
#[derive(Clone, Default)]
struct Agent {
    inside: Arc<Mutex<(Value, Told)>>,
}

impl Agent {
    fn with<T>(&self, change: impl FnOnce(&mut Value, &mut Told) -> T) -> T {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (document, told) = &mut *inside;
        change(document, told)
    }

    fn told(&self) -> Told {
        self.with(|_, told| told.clone())
    }

    /// Takes what is posted, as an agent would that does what it is asked.
    fn post(&self, path: &str, body: Value) {
        self.with(|document, told| {
            if path.ends_with("/decision") {
                document["escalations"][0]["status"] = json!("resolved");
                document["tasks"][0]["status"]["state"] = json!("working");
                if body.get("payload").is_some() {
                    document["artifacts"][0] = body["payload"].clone();
                }
            } else if path.ends_with("/cancel") {
                document["tasks"][1]["status"]["state"] = json!("canceled");
            }
            told.push((path.to_owned(), body));
        });
    }

    async fn serve(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let agent = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let agent = agent.clone();
                tokio::spawn(async move {
                    // The client may hang up at any moment.
                    let _ = agent.answer(stream).await;
                });
            }
        });
        port
    }

    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut read = vec![];
        let (head, length) = loop {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await?;
            if count == 0 {
                return Ok(());
            }
            read.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&read).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .filter_map(|line| {
                        line.to_lowercase()
                            .strip_prefix("content-length:")?
                            .trim()
                            .parse()
                            .ok()
                    })
                    .next()
                    .unwrap_or(0);
                if body.len() >= length {
                    break (text.clone(), length);
                }
            }
        };
        let (head, body) = head.split_once("\r\n\r\n").unwrap_or_default();
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = if head.starts_with("POST") {
            let body = serde_json::from_str(&body[..length]).unwrap_or_default();
            self.post(&path, body);
            json!({ "applied": true })
        } else {
            self.with(|document, _| document.clone())
        }
        .to_string();
        let reply = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
            answer.len()
        );
        stream.write_all(reply.as_bytes()).await
    }
}

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

async fn until(api: &Api, command: &str, payload: Value, seen: impl Fn(&Value) -> bool) -> Value {
    let mut changed = api.changed();
    let end = Instant::now() + Duration::from_secs(60);
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

async fn open(dir: &std::path::Path, agent: &Agent) -> Api {
    let port = agent.serve().await;
    let api = Api::open(dir, None, Box::new(|_| Ok(()))).expect("the folder can be used");
    let url = format!("http://127.0.0.1:{port}/status");
    let add = json!({ "name": "desk", "url": url, "kind": "native", "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    api
}

fn letter(item: &str) -> Value {
    json!({ "endpoint": "desk", "list": "artifacts", "item": item })
}

fn way<'a>(view: &'a Value, id: &str) -> &'a Value {
    let ways = view["ways"].as_array().expect("ways");
    ways.iter().find(|way| way["id"] == id).expect("a way")
}

fn action(item: &str, way: &str, more: Value) -> Value {
    let mut action = json!({
        "letters": [letter(item)], "way": way, "reason": null, "corrected": null, "cancel": false, "byText": false,
    });
    if let (Value::Object(action), Value::Object(more)) = (&mut action, more) {
        action.extend(more);
    }
    action
}

/// Whether the item's finding is open: a card of its own, or named by the card of the same cause.
async fn stands(api: &Api, item: &str) -> bool {
    let inbox = ask(api, "inbox", json!({})).await;
    let groups = inbox["groups"].as_array().expect("groups");
    let cards = groups
        .iter()
        .filter(|group| group["id"] != "handled")
        .flat_map(|group| group["items"].as_array().expect("items"));
    let name = format!("artifacts/{item}");
    for card in cards {
        let key = card["key"].as_str().unwrap_or_default();
        if !key.contains("schema-violation") {
            continue;
        }
        let Ok(finding) = api.call("finding", json!({ "key": key })).await else {
            continue; // It was settled since the list was asked for.
        };
        let alike = finding["alike"].as_array().expect("others").iter();
        let mut keys = alike.map(|one| &one["key"]).chain([&finding["key"]]);
        if keys.any(|key| key.as_str().is_some_and(|key| key.contains(&name))) {
            return true;
        }
    }
    false
}

async fn until_stands(api: &Api, item: &str, expected: bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while stands(api, item).await != expected {
        assert!(Instant::now() < end, "{item} never became {expected}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
    let refused = ask(
        &api,
        "actOnLetters",
        action("a1", "resubmit", json!({ "corrected": bad["text"] })),
    )
    .await;
    assert!(
        refused["outcomes"][0]["problem"]
            .as_str()
            .expect("refused")
            .starts_with("It is still wrong")
    );
    let other = good["text"]
        .as_str()
        .expect("a text")
        .replace("\"a1\"", "\"a9\"");
    let refused = ask(
        &api,
        "actOnLetters",
        action("a1", "resubmit", json!({ "corrected": other })),
    )
    .await;
    assert!(
        refused["outcomes"][0]["problem"].is_string(),
        "another id is another item"
    );
    assert_eq!(agent.told().len(), 0);

    let done = ask(
        &api,
        "actOnLetters",
        action("a1", "resubmit", json!({ "corrected": good["text"] })),
    )
    .await;
    assert_eq!(done["outcomes"][0]["problem"], Value::Null, "{done:#}");
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
    // The person says that it was sent: it stays until a good one comes, and so does the finding.
    ask(&api, "actOnLetters", action("a2", "return", json!({}))).await;
    assert_eq!(
        ask(&api, "deadLetter", letter("a2")).await["state"],
        "returned"
    );
    assert!(stands(&api, "a2").await);
    assert_eq!(agent.told().len(), 0);
    let accepted = ask(&api, "actOnLetters", action("a2", "accept", json!({}))).await;
    assert!(
        accepted["outcomes"][0]["problem"].is_string(),
        "what could not be read is not accepted"
    );
    let silent = api
        .call("actOnLetters", action("a2", "discard", json!({})))
        .await;
    assert_eq!(silent.expect_err("without a reason").code, "invalid");

    let discard = action(
        "a2",
        "discard",
        json!({ "reason": "Not needed any more", "cancel": true }),
    );
    let done = ask(&api, "actOnLetters", discard).await;
    assert_eq!(
        done["outcomes"][0]["did"],
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

/// The folder is free a moment after the engine has ended.
async fn reopen(dir: &std::path::Path) -> Store {
    for _ in 0..100 {
        match Store::open(dir, chrono::Utc::now()) {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the folder stays in use");
}

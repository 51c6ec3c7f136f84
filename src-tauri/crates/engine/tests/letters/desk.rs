//! An agent over real HTTP that sends what cannot be used, and how a person's screen is asked. Tells nothing by itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use engine::api::Api;
use serde_json::{Value, json};
use store::Store;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Path and body of what was posted.
pub(crate) type Told = Vec<(String, Value)>;

/// An agent that takes answers and ends tasks: what it says, and what it was told.
#[derive(Clone, Default)]
pub(crate) struct Agent {
    inside: Arc<Mutex<(Value, Told)>>,
}

impl Agent {
    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Value, &mut Told) -> T) -> T {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (document, told) = &mut *inside;
        change(document, told)
    }

    pub(crate) fn told(&self) -> Told {
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

pub(crate) async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

pub(crate) async fn until(
    api: &Api,
    command: &str,
    payload: Value,
    seen: impl Fn(&Value) -> bool,
) -> Value {
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

pub(crate) async fn open(dir: &std::path::Path, agent: &Agent) -> Api {
    let port = agent.serve().await;
    let api = Api::open(dir, None, Box::new(|_| Ok(()))).expect("the folder can be used");
    let url = format!("http://127.0.0.1:{port}/status");
    let add = json!({ "name": "desk", "url": url, "kind": "native", "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    api
}

pub(crate) fn letter(item: &str) -> Value {
    json!({ "endpoint": "desk", "list": "artifacts", "item": item })
}

pub(crate) fn way<'a>(view: &'a Value, id: &str) -> &'a Value {
    let ways = view["ways"].as_array().expect("ways");
    ways.iter().find(|way| way["id"] == id).expect("a way")
}

pub(crate) fn action(item: &str, way: &str, more: Value) -> Value {
    let mut action = json!({
        "letters": [letter(item)], "way": way, "reason": null, "corrected": null, "cancel": false, "byText": false,
    });
    if let (Value::Object(action), Value::Object(more)) = (&mut action, more) {
        action.extend(more);
    }
    action
}

/// Whether the item's finding is open: a card of its own, or named by the card of the same cause.
pub(crate) async fn stands(api: &Api, item: &str) -> bool {
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

pub(crate) async fn until_stands(api: &Api, item: &str, expected: bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while stands(api, item).await != expected {
        assert!(Instant::now() < end, "{item} never became {expected}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The folder is free a moment after the engine has ended.
pub(crate) async fn reopen(dir: &std::path::Path) -> Store {
    for _ in 0..100 {
        match Store::open(dir, chrono::Utc::now()) {
            Ok(store) => return store,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the folder stays in use");
}

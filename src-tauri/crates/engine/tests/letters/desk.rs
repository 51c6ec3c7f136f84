//! An agent over real HTTP that sends what cannot be used, and how a person's screen is asked. Tells nothing by itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use engine::api::Api;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::{http, screen::ask};

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
        let Some((path, posted)) = http::asked(&mut stream).await? else {
            return Ok(());
        };
        let answer = match posted {
            Some(body) => {
                self.post(&path, body);
                json!({ "applied": true })
            }
            None => self.with(|document, _| document.clone()),
        };
        http::answer(&mut stream, "200 OK", &answer).await
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

/// One as it was looked at now.
pub(crate) async fn seen(api: &Api, item: &str) -> Value {
    let view = ask(api, "deadLetter", letter(item)).await;
    let mut seen = letter(item);
    seen["digest"] = view["digest"].clone();
    seen
}

pub(crate) fn action(letters: Value, way: &str, more: Value) -> Value {
    let mut action = json!({
        "letters": letters, "way": way, "reason": null, "corrected": null, "cancel": false, "byText": false,
    });
    if let (Value::Object(action), Value::Object(more)) = (&mut action, more) {
        action.extend(more);
    }
    action
}

/// Looks at one, and does it; what became of it.
pub(crate) async fn act(api: &Api, item: &str, way: &str, more: Value) -> Value {
    let action = action(json!([seen(api, item).await]), way, more);
    ask(api, "actOnLetters", action).await["outcomes"][0].clone()
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

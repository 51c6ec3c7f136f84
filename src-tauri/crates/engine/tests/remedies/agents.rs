//! Agents that say what a scene has them say, and do what they are asked: a cancelled task is canceled, an answered
//! question is resolved, entries they are given are appended, a corrected item replaces the refused one.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::http;

#[derive(Default)]
struct Inside {
    documents: BTreeMap<String, Value>,
    received: Vec<(String, Value)>,
    asked: BTreeMap<String, usize>,
}

/// All agents of a scene behind one port.
#[derive(Clone)]
pub(crate) struct Fleet {
    port: u16,
    inside: Arc<Mutex<Inside>>,
    server: Arc<Mutex<JoinHandle<()>>>,
}

impl Fleet {
    pub(crate) async fn start(agents: &[(&str, Value)]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let documents = agents.iter();
        let documents = documents.map(|(agent, document)| ((*agent).to_owned(), document.clone()));
        let inside = Arc::new(Mutex::new(Inside {
            documents: documents.collect(),
            ..Inside::default()
        }));
        let server = serve(listener, Arc::clone(&inside));
        Self {
            port,
            inside,
            server: Arc::new(Mutex::new(server)),
        }
    }

    pub(crate) fn url(&self, agent: &str) -> String {
        format!("http://127.0.0.1:{}/{agent}/status", self.port)
    }

    fn with<T>(&self, with: impl FnOnce(&mut Inside) -> T) -> T {
        with(&mut self.inside.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the agent says this. A number is the status of an answer without a document.
    pub(crate) fn says(&self, agent: &str, document: Value) {
        self.with(|inside| inside.documents.insert(agent.to_owned(), document));
    }

    /// What was posted, with the words of it that an agent acts on.
    pub(crate) fn received(&self) -> Vec<String> {
        self.with(|inside| {
            let line = |(path, body): &(String, Value)| {
                let words = ["outcome", "message", "payload"].into_iter();
                let words = words.filter(|word| !body[word].is_null());
                let words: Vec<_> = words.map(|word| format!("{word} {}", body[word])).collect();
                format!("{path} {}", words.join(", ")).trim_end().to_owned()
            };
            inside.received.iter().map(line).collect()
        })
    }

    /// How often the agent was asked.
    pub(crate) fn asked(&self, agent: &str) -> usize {
        self.with(|inside| inside.asked.get(agent).copied().unwrap_or_default())
    }

    /// Nobody is there any more.
    pub(crate) async fn stop(&self) {
        let mut server = std::mem::replace(&mut *self.server(), tokio::spawn(async {}));
        server.abort();
        drop((&mut server).await);
    }

    /// They are there again.
    pub(crate) async fn resume(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await;
        let listener = listener.expect("the port is free again");
        *self.server() = serve(listener, Arc::clone(&self.inside));
    }

    fn server(&self) -> std::sync::MutexGuard<'_, JoinHandle<()>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(listener: TcpListener, inside: Arc<Mutex<Inside>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let inside = Arc::clone(&inside);
            // The client may hang up at any moment.
            tokio::spawn(async move { drop(answer(stream, &inside).await) });
        }
    })
}

async fn answer(mut stream: TcpStream, inside: &Mutex<Inside>) -> std::io::Result<()> {
    let Some((path, posted)) = http::asked(&mut stream).await? else {
        return Ok(());
    };
    let path = path.split('?').next().unwrap_or_default();
    let (status, answer) = {
        let mut inside = inside.lock().unwrap_or_else(PoisonError::into_inner);
        let inside = &mut *inside;
        let agent = path.split('/').nth(1).unwrap_or_default();
        let document = inside.documents.entry(agent.to_owned()).or_default();
        if let Some(body) = posted {
            does(document, path, &body);
            inside.received.push((path.to_owned(), body));
            ("200 X", json!({ "applied": true }))
        } else {
            *inside.asked.entry(agent.to_owned()).or_default() += 1;
            match document.as_u64() {
                Some(429) => ("429 X", json!({})),
                Some(_) => ("500 X", json!({})),
                None => ("200 X", document.clone()),
            }
        }
    };
    http::answer(&mut stream, status, &answer).await
}

/// What the agent does with what is posted.
fn does(document: &mut Value, path: &str, body: &Value) {
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    let item = |document: &mut Value, list: &str, id: &str, member: [&str; 2]| {
        let items = document[list].as_array_mut().into_iter().flatten();
        for item in items.filter(|item| item["id"] == id) {
            match member {
                ["status", word] => item["status"] = json!(word),
                [_, word] => item["status"]["state"] = json!(word),
            }
        }
    };
    match parts.as_slice() {
        [_, "tasks", task, "cancel"] => item(document, "tasks", task, ["state", "canceled"]),
        [_, "escalations", question, "decision"] => {
            item(document, "escalations", question, ["status", "resolved"]);
            if let Some(entries) = body["payload"].as_array() {
                let context = document["context"].as_array_mut().expect("it has entries");
                context.extend(entries.iter().cloned());
            }
            if body["message"].is_string() && document["artifacts"].is_array() {
                document["artifacts"][0]["sizeBytes"] = json!(4096);
            }
        }
        _ => {}
    }
}

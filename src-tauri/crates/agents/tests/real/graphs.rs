//! A LangGraph development server for tests, and what they ask of it behind our back: threads begun, runs counted, values
//! read. What a graph does stands in `tests/real/langgraph_graphs.py`.

#[path = "../scripted/deciding.rs"]
mod deciding;

use std::time::{Duration, Instant};

use agents::{Credential, Endpoint, Kind, Observation, Outcome, Target};
use domain::contract::{self, Document, TaskState};
use serde_json::{Value, json};

pub(crate) use self::deciding::decide;
use super::server::Server;

/// What the server wants to hear from who asks.
pub(crate) const TOKEN: &str = "clerk-7";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running server, and what a client of it can ask.
pub(crate) struct Graphs {
    pub(crate) server: Server,
    http: reqwest::Client,
}

impl Graphs {
    pub(crate) async fn start() -> Self {
        let arguments = ["--token", TOKEN];
        Self {
            server: Server::start("langgraph", "langgraph_server.py", &arguments).await,
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
        }
    }

    /// Starts it again at the same port, with what it had kept on disk.
    pub(crate) async fn restart(&mut self) {
        self.server.restart(&["--token", TOKEN]).await;
    }

    pub(crate) fn target(&self, token: Option<&str>) -> Target {
        Target {
            endpoint: "graphs".into(),
            kind: Kind::LangGraph,
            url: self.server.url.clone(),
            credential: token.map(|token| Credential::Bearer(token.to_owned())),
            known_tasks: vec![],
            known_questions: vec![],
        }
    }

    pub(crate) fn connect(&self) -> Box<dyn Endpoint> {
        agents::open(&self.target(Some(TOKEN))).expect("it opens")
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.server.url);
        let request = self
            .http
            .post(url)
            .header("Content-Type", "application/json")
            .bearer_auth(TOKEN);
        let reply = request
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        let status = reply.status();
        let body = reply.bytes().await.expect("a body");
        assert!(
            status.is_success(),
            "{path}: {}",
            String::from_utf8_lossy(&body)
        );
        serde_json::from_slice(&body).unwrap_or_default()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.server.url);
        let reply = self
            .http
            .get(url)
            .bearer_auth(TOKEN)
            .send()
            .await
            .expect("an answer");
        serde_json::from_slice(&reply.bytes().await.expect("a body")).expect("JSON")
    }

    /// Begins a thread with an input of a graph.
    pub(crate) async fn begin(&self, graph: &str, input: Value) -> String {
        let thread = self.post("/threads", json!({})).await;
        let id = thread["thread_id"].as_str().expect("an id").to_owned();
        self.run(&id, json!({"assistant_id": graph, "input": input}))
            .await;
        id
    }

    pub(crate) async fn run(&self, thread: &str, body: Value) -> Value {
        self.post(&format!("/threads/{thread}/runs"), body).await
    }

    /// A thread of the clerk that has come to rest.
    pub(crate) async fn story(&self, story: &str) -> String {
        let id = self.begin("clerk", json!({"story": story})).await;
        self.settled(&id).await;
        id
    }

    pub(crate) async fn thread(&self, id: &str) -> Value {
        self.get(&format!("/threads/{id}")).await
    }

    pub(crate) async fn runs(&self, id: &str) -> Vec<Value> {
        let runs = self.get(&format!("/threads/{id}/runs")).await;
        runs.as_array().expect("runs").clone()
    }

    /// The thread once nothing runs in it.
    pub(crate) async fn settled(&self, id: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let thread = self.thread(id).await;
            let over = |run: &Value| run["status"] != "pending" && run["status"] != "running";
            if thread["status"] != "busy" && self.runs(id).await.iter().all(over) {
                return thread;
            }
            assert!(Instant::now() < until, "it does not settle: {thread}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn running(&self, id: &str) {
        let until = Instant::now() + PATIENCE;
        while !self
            .runs(id)
            .await
            .iter()
            .any(|run| run["status"] == "running")
        {
            assert!(Instant::now() < until, "it does not begin");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until what it has now stands on disk; it writes that down every ten seconds, one file after the other.
    pub(crate) async fn kept_on_disk(&self) {
        let now = std::time::SystemTime::now();
        let folder = self.server.folder().join(".langgraph_api");
        let is_new = |name: &str| {
            let all = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut of_name = all
                .filter(|file| file.file_name().to_string_lossy().starts_with(name))
                .filter(|file| file.path().extension().is_some_and(|end| end == "pckl"))
                .peekable();
            of_name.peek().is_some()
                && of_name.all(|file| {
                    let told = file.metadata().and_then(|told| told.modified());
                    told.is_ok_and(|at| at > now)
                })
        };
        let until = Instant::now() + PATIENCE;
        while !(is_new(".langgraph_ops") && is_new(".langgraph_checkpoint")) {
            assert!(Instant::now() < until, "it keeps nothing");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Takes away what its threads had come to, as if it had been killed before that was written down.
    pub(crate) fn forget_checkpoints(&self) {
        let folder = self.server.folder().join(".langgraph_api");
        for file in std::fs::read_dir(folder).expect("a folder").flatten() {
            let name = file.file_name();
            if name.to_string_lossy().starts_with(".langgraph_checkpoint") {
                std::fs::remove_file(file.path()).expect("it is taken away");
            }
        }
    }

    /// What the graph got, as its thread has it.
    pub(crate) async fn answers(&self, id: &str) -> Value {
        self.settled(id).await["values"]["answers"].clone()
    }
}

/// Everything there is, asked by somebody new.
pub(crate) async fn all(graphs: &Graphs) -> (Document, Value) {
    look(&mut *graphs.connect()).await
}

/// One poll that must bring news.
pub(crate) async fn look(endpoint: &mut dyn Endpoint) -> (Document, Value) {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, last, .. } => {
            assert!(last, "few threads fit on a page");
            let document = contract::read(body.as_bytes()).expect("a status document");
            assert_eq!(document.problems, [], "everything can be read: {body}");
            (document, serde_json::from_str(&body).expect("JSON"))
        }
        Observation::Unchanged => panic!("nothing is new"),
    }
}

pub(crate) fn state(document: &Document, task: &str) -> TaskState {
    let tasks = document.tasks.as_ref().expect("tasks");
    let item = tasks.iter().find(|item| item.value.id.as_str() == task);
    item.expect("the task").value.status.state
}

pub(crate) fn questions(document: &Value, task: &str) -> Vec<Value> {
    let all = document["escalations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.into_iter()
        .filter(|one| one["taskId"] == task)
        .collect()
}

pub(crate) fn question(document: &Value, task: &str) -> Value {
    let mut all = questions(document, task);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Asks for the one question of a thread, answers it, and says what became of it.
pub(crate) async fn answer(graphs: &Graphs, thread: &str, decision: Value) -> Outcome {
    let mut endpoint = graphs.connect();
    let (_, document) = look(&mut *endpoint).await;
    let key = format!("answer-{thread}");
    let delivery = decide(&question(&document, thread), &key, decision);
    endpoint.deliver(&delivery).await
}

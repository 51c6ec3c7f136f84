//! Calls of one A2A task that wait for leave side by side: each is a question of its own. An answer to one stays `sent`
//! while nothing shows its effect, whatever becomes of the others, and is `applied` when its own call has run.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/agent.rs"]
#[allow(dead_code)] // Only its sockets are of use here.
mod agent;

#[path = "scripted/screen.rs"]
#[allow(dead_code)] // Other tests use more of it.
mod screen;

use std::sync::{Arc, Mutex};

use agent::{http, lock};
use engine::api::Api;
use screen::{ask, until};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What was said in the task, and the answers that came.
#[derive(Clone, Default)]
struct Server {
    history: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<Vec<Value>>>,
}

/// A call as Gemini CLI tells of it.
fn call(id: &str, status: &str) -> Value {
    let data = json!({"request": {"callId": id, "name": "run_shell_command", "args": {"command": format!("make {id}")}},
        "status": status, "confirmationDetails": {"type": "exec", "title": format!("Run {id}?")}});
    let parts = json!([{"kind": "data", "data": data}]);
    json!({"kind": "message", "messageId": format!("{id}-{status}"), "role": "agent", "parts": parts})
}

impl Server {
    /// Two calls wait, and the task with them until it is told otherwise. A call that is allowed waits for its turn.
    async fn start() -> (Self, String) {
        let server = Self::default();
        server.tells("one", "awaiting_approval");
        server.tells("two", "awaiting_approval");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let served = server.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Ok(Some((_, posted))) = http::asked(&mut stream).await else {
                    continue;
                };
                let answer = served.answer(posted);
                let _ = http::answer(&mut stream, "200 OK", &answer).await;
            }
        });
        (server, url)
    }

    fn tells(&self, id: &str, status: &str) {
        lock(&self.history).push(call(id, status));
    }

    fn answer(&self, posted: Option<Value>) -> Value {
        let Some(request) = posted else {
            return json!({"name": "Clerk", "version": "1", "url": "/", "protocolVersion": "0.3.0", "capabilities": {}, "skills": []});
        };
        if request["method"] == "message/send" {
            let said = &request["params"]["message"]["parts"][0]["data"];
            lock(&self.answers).push(said.clone());
            let state = if said["outcome"] == "cancel" {
                "cancelled"
            } else {
                "scheduled"
            };
            self.tells(said["callId"].as_str().unwrap_or_default(), state);
        } else if request["method"] != "tasks/get" {
            return json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}});
        }
        let task = json!({"kind": "task", "id": "t", "contextId": "c", "history": *lock(&self.history),
            "status": {"state": "input-required", "timestamp": "2026-11-21T08:00:00Z"}});
        json!({"jsonrpc": "2.0", "id": 1, "result": task})
    }
}

/// The open questions, by what they would run.
async fn open(api: &Api, command: &str) -> Value {
    let inbox = until(api, "inbox", json!({}), |inbox| {
        inbox.to_string().contains(command)
    })
    .await;
    let groups = inbox["groups"].as_array().expect("groups").iter();
    let mut items = groups.flat_map(|group| group["items"].as_array().expect("items"));
    let item = items.find(|item| item.to_string().contains(command));
    let key = item.expect("it is there")["key"].as_str().expect("a key");
    let escalation = key.strip_prefix("e:clerk/").expect("a question");
    let asked = json!({ "endpoint": "clerk", "escalation": escalation });
    ask(api, "escalation", asked).await
}

async fn decide(api: &Api, question: &Value, outcome: &str) {
    let decide = json!({
        "endpoint": "clerk", "escalation": question["escalation"], "version": question["version"],
        "bindingHash": question["bindingHash"], "outcome": outcome, "optionId": null, "editedAction": null,
        "payload": null, "message": null, "shownMs": 9000, "reachedEnd": true,
    });
    ask(api, "decide", decide).await;
}

/// Waits until the decision has come that far. What has ended does not move any more.
async fn comes_to(api: &Api, question: &Value, state: &str) {
    let asked = json!({ "endpoint": "clerk", "escalation": question["escalation"] });
    let seen = until(api, "escalation", asked, |view| {
        let now = view["decision"]["state"].as_str().unwrap_or_default();
        now == state || !["", "held", "queued", "sending", "sent"].contains(&now)
    })
    .await;
    assert_eq!(seen["decision"]["state"], state, "{:#}", seen["decision"]);
}

/// The other call is answered, or left alone.
async fn check(other: Option<&str>) {
    let (server, url) = Server::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let add = json!({ "name": "Clerk", "url": format!("{url}/#task=t"), "kind": "a2a", "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    let first = open(&api, "Run one?").await;
    decide(&api, &first, "approve").await;
    comes_to(&api, &first, "sent").await;
    let second = open(&api, "Run two?").await;
    assert_eq!(second["phase"], "pending", "{second:#}");
    if let Some(outcome) = other {
        decide(&api, &second, outcome).await;
        let shows = if outcome == "reject" {
            "applied"
        } else {
            "sent"
        };
        comes_to(&api, &second, shows).await;
    }
    ask(&api, "pollNow", json!({ "endpoint": "clerk" })).await;
    comes_to(&api, &first, "sent").await;
    server.tells("one", "success");
    comes_to(&api, &first, "applied").await;
    if other == Some("approve") {
        comes_to(&api, &second, "sent").await;
        server.tells("two", "success");
        comes_to(&api, &second, "applied").await;
    }
    let answers = lock(&server.answers).len();
    assert_eq!(
        answers,
        1 + usize::from(other.is_some()),
        "each once: {other:?}"
    );
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_calls_of_a_task_is_decided_and_settled_by_itself() {
    tokio::join!(check(Some("reject")), check(Some("approve")), check(None));
}

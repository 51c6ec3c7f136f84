//! A scripted A2A server on a real socket: what real servers do rarely, or only in large numbers.

#![allow(dead_code)] // Not every test file needs all of it.

use std::sync::{Arc, Mutex};

use agents::{Endpoint, Kind, Observation, Target};
use domain::contract::{self, Document};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

pub(crate) type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// Answers JSON-RPC calls with what the story says (`{"result"}` or `{"error"}`); notes them down.
pub(crate) async fn serve(
    card: Value,
    mut story: impl FnMut(&str, &Value) -> Value + Send + 'static,
) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Asked::default();
    let notes = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![];
            let body_at = loop {
                let mut piece = [0; 4096];
                let read = socket.read(&mut piece).await.expect("a request");
                request.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let Some(end) = text.find("\r\n\r\n") else {
                    continue;
                };
                let length = text
                    .split("content-length: ")
                    .nth(1)
                    .and_then(|rest| rest.split("\r\n").next()?.parse().ok())
                    .unwrap_or(0);
                if request.len() >= end + 4 + length {
                    break end + 4;
                }
            };
            let reply = if request.starts_with(b"GET") {
                card.clone()
            } else {
                let call: Value = serde_json::from_slice(&request[body_at..]).expect("a call");
                let method = call["method"].as_str().expect("a method").to_owned();
                notes
                    .lock()
                    .expect("notes")
                    .push((method.clone(), call["params"].clone()));
                let mut reply = story(&method, &call["params"]);
                reply["jsonrpc"] = json!("2.0");
                reply["id"] = json!(1);
                reply
            };
            let body = reply.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = socket.write_all(head.as_bytes()).await;
            let _ = socket.write_all(body.as_bytes()).await;
        }
    });
    (url, asked)
}

pub(crate) fn card() -> Value {
    json!({"name": "Scripted", "version": "1", "capabilities": {}, "skills": [],
        "supportedInterfaces": [{"url": "/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]})
}

pub(crate) fn connect(url: &str) -> Box<dyn Endpoint> {
    follow(url, &[])
}

/// Connects, with the questions that an earlier connection has shown in this document.
#[allow(dead_code)] // Not every test connects twice.
pub(crate) fn connect_anew(kind: Kind, url: &str, before: &Document) -> Box<dyn Endpoint> {
    let questions = before.escalations.iter().flatten();
    agents::open(&Target {
        endpoint: "scripted".into(),
        kind,
        url: url.to_owned(),
        credential: None,
        known_tasks: vec![],
        known_questions: questions.map(|item| (*item.raw).into()).collect(),
    })
    .expect("it opens")
}

/// Connects, with tasks whose ids are known.
pub(crate) fn follow(url: &str, tasks: &[&str]) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "scripted".into(),
        kind: Kind::A2a,
        url: url.to_owned(),
        credential: None,
        known_tasks: tasks.iter().map(|id| (*id).into()).collect(),
        known_questions: vec![],
    })
    .expect("it opens")
}

pub(crate) fn list(tasks: Vec<Value>, next: &str) -> Value {
    json!({"result": {"tasks": tasks, "nextPageToken": next, "pageSize": 100, "totalSize": 1}})
}

pub(crate) fn task(id: &str, state: &str, second: u32) -> Value {
    let time = format!("2026-11-21T08:{:02}:{:02}Z", second / 60 % 60, second % 60);
    json!({"id": id, "contextId": "c", "status": {"state": state, "timestamp": time}})
}

pub(crate) async fn poll(endpoint: &mut dyn Endpoint) -> (Document, bool) {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, last, .. } => (
            contract::read(body.as_bytes()).expect("a status document"),
            last,
        ),
        Observation::Unchanged => panic!("nothing is new"),
    }
}

//! A scripted A2A server with one task that asks and changes, and its calls as Gemini CLI tells of them.

#![allow(dead_code)] // Not every test file needs all of it.

use std::sync::{Arc, Mutex};

use domain::contract::Document;
use serde_json::{Value, json};

use crate::scripted::{Asked, serve, task};

pub(crate) fn old_card() -> Value {
    json!({"name": "Gemini SDLC Agent", "version": "0.0.2", "url": "/", "protocolVersion": "0.3.0",
        "capabilities": {"streaming": true}, "skills": [], "defaultInputModes": ["text"]})
}

pub(crate) fn says(id: &str, parts: Value) -> Value {
    json!({"kind": "message", "messageId": id, "role": "agent", "parts": parts})
}

pub(crate) fn text(words: &str) -> Value {
    json!([{"kind": "text", "text": words}])
}

/// A call as Gemini CLI tells of it.
pub(crate) fn call(id: &str, command: &str, status: &str) -> Value {
    let mut data = json!({"request": {"callId": id, "name": "run_shell_command", "args": {"command": command},
            "isClientInitiated": false, "prompt_id": "session########0"},
        "status": status, "tool": {"name": "run_shell_command", "displayName": "Shell", "description": "Runs a command."}});
    if status == "awaiting_approval" {
        data["confirmationDetails"] = json!({"type": "exec", "title": "Confirm Shell Command", "command": command, "rootCommand": "rm"});
    }
    says(
        &format!("{id}-{status}"),
        json!([{"kind": "data", "data": data}]),
    )
}

pub(crate) fn shows(state: &str, second: u32, message: Option<Value>, more: Value) -> Value {
    let mut shown = task("t", state, second);
    if let Some(message) = message {
        shown["status"]["message"] = message;
    }
    for (name, value) in more.as_object().expect("an object") {
        shown[name] = value.clone();
    }
    shown
}

/// A server whose task is as the test sets it, and becomes another one with an answer.
pub(crate) struct Story {
    pub(crate) url: String,
    asked: Asked,
    shown: Arc<Mutex<Value>>,
}

impl Story {
    pub(crate) async fn begin(shown: Value, after: Option<Value>) -> Self {
        let shown = Arc::new(Mutex::new(shown));
        let now = Arc::clone(&shown);
        let (url, asked) = serve(old_card(), move |method, params| match method {
            "tasks/get" if params["id"] == "t" => json!({"result": *now.lock().expect("a task")}),
            "message/send" => {
                if let Some(after) = &after {
                    *now.lock().expect("a task") = after.clone();
                }
                json!({"result": *now.lock().expect("a task")})
            }
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        })
        .await;
        Self { url, asked, shown }
    }

    pub(crate) fn is_now(&self, task: Value) {
        *self.shown.lock().expect("a task") = task;
    }

    pub(crate) fn sent(&self) -> Vec<Value> {
        let asked = self.asked.lock().expect("notes");
        let sent = asked.iter().filter(|(method, _)| method == "message/send");
        sent.map(|(_, params)| params["message"]["parts"].clone())
            .collect()
    }
}

pub(crate) fn question(document: &Document) -> Value {
    asks(document).remove(0)
}

pub(crate) fn asks(document: &Document) -> Vec<Value> {
    let all = document.escalations.iter().flatten();
    all.map(|one| serde_json::from_str(&one.raw).expect("JSON"))
        .collect()
}

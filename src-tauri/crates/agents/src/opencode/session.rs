//! A session as a task: which state it is in, what it used, and which files it wrote.
//!
//! The table of states stands here. A session that waits is "busy" to the server, an idle one is not mentioned, and one
//! that was cut off stays half-finished for ever; only the pieces together tell.

use domain::contract::TaskState;
use serde_json::{Value, json};

use super::wire::{Message, Session, Status, time};
use crate::a2a::clip;

/// A task's own words are for looking at.
const WORDS: usize = 4000;
/// Words by which providers say that a limit was reached.
const LIMITS: [&str; 7] = [
    "rate limit",
    "rate-limit",
    "rate_limit",
    "too many requests",
    "429",
    "quota",
    "usage limit",
];
/// Tools that write the files they name.
const WRITERS: [&str; 5] = ["write", "edit", "multiedit", "patch", "apply_patch"];

/// Where a session stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    pub(crate) state: TaskState,
    /// The server's word.
    pub(crate) native: String,
    pub(crate) message: Option<String>,
    /// Epoch milliseconds, where the server's own time is of use.
    pub(crate) since: Option<i64>,
}

/// The table of states. `asks` = a request of it waits; `last` = its newest message.
pub(crate) fn standing(status: Option<&Status>, asks: bool, last: Option<&Message>) -> Standing {
    let word = status.map_or("idle", |status| status.word.as_str());
    let standing = |state, message: Option<String>| Standing {
        state,
        native: clip(word, 200),
        message: message.filter(|text| !text.is_empty()),
        since: None,
    };
    if asks {
        return standing(TaskState::InputRequired, None);
    }
    match (word, status) {
        ("busy" | "running", _) => return standing(TaskState::Working, None),
        ("retry", Some(status)) => {
            let said = clip(status.message.as_deref().unwrap_or_default(), WORDS);
            let attempt = status.attempt.as_ref().and_then(Value::as_u64).unwrap_or(1);
            let words = format!("Tries again after attempt {attempt}: {said}");
            return standing(TaskState::Working, Some(words));
        }
        ("idle", _) => {}
        _ => return standing(TaskState::Unknown, None),
    }
    let Some(last) = last else {
        return standing(TaskState::Submitted, None);
    };
    if last.is_unreadable {
        let words = "Its newest message cannot be read, so it cannot be told how it ended.";
        return standing(TaskState::Unknown, Some(words.to_owned()));
    }
    let ended = |state, words: &str| Standing {
        since: last.completed,
        ..standing(state, Some(clip(words, WORDS)))
    };
    if let Some((name, words)) = &last.error {
        let state = match name.as_str() {
            "MessageAbortedError" => TaskState::Canceled,
            "ProviderAuthError" => TaskState::AuthRequired,
            _ => TaskState::Failed,
        };
        let mut standing = ended(state, words);
        standing.native = clip(&format!("idle, {name}"), 200);
        // It waits for a login, so its time is no end.
        standing.since = standing.since.filter(|_| state != TaskState::AuthRequired);
        return standing;
    }
    if last
        .calls
        .last()
        .is_some_and(super::wire::Call::was_stopped)
    {
        return ended(TaskState::Canceled, "Stopped.");
    }
    if last.is_assistant && last.completed.is_some() {
        return ended(TaskState::Completed, &last.text);
    }
    let words = if last.is_assistant {
        "It stopped in the middle of its work and does not go on: the server was ended, or lost it."
    } else {
        "It was asked to work, but never began: the server was ended, or lost it."
    };
    standing(TaskState::Unknown, Some(words.to_owned()))
}

/// Whether a retry waits for a limit.
pub(crate) fn is_limited(status: &Status) -> bool {
    let said = status.message.as_deref().unwrap_or_default().to_lowercase();
    status.word == "retry" && LIMITS.iter().any(|word| said.contains(word))
}

/// One task item (contract, 1.1).
pub(crate) fn task(
    session: &Session,
    status: Option<&Status>,
    standing: &Standing,
    ask: Option<&str>,
) -> Value {
    let mut item = json!({
        "id": session.id,
        "title": clip(session.title.as_deref().unwrap_or("Session"), 300),
        "status": {"state": standing.state, "native": standing.native},
        "native": {
            "protocol": "opencode",
            "state": standing.native,
            "status": status.map(|status| json!({
                "type": clip(&status.word, 200),
                "attempt": status.attempt.as_ref().filter(|attempt| attempt.is_number()),
                "message": status.message.as_deref().map(|said| clip(said, WORDS)),
                "next": status.next.as_ref().filter(|next| next.is_number()),
            })),
            "directory": session.directory,
            "model": session.model,
            "tokens": session.tokens,
        },
    });
    if let Some(message) = &standing.message {
        item["status"]["message"] = json!(message);
    }
    if let Some(since) = standing.since.and_then(time) {
        item["status"]["timestamp"] = json!(since);
    }
    if let Some(created) = time(session.created()) {
        item["createdAt"] = json!(created);
    }
    if let Some(kind) = session.agent.as_ref().and_then(Value::as_str) {
        item["kind"] = json!(clip(kind, 200));
    }
    if let Some(parent) = &session.parent {
        item["parentId"] = json!(parent);
    }
    if let Some(usage) = usage(session) {
        item["usage"] = usage;
    }
    if let Some(ask) = ask {
        item["waitingFor"] =
            json!({"kind": "human", "ref": crate::escalation::waits_for([ask], &session.id)});
    } else if let Some((provider, model)) = session.model()
        && status.is_some_and(is_limited)
    {
        item["waitingFor"] = json!({"kind": "quota", "ref": format!("{provider}//{model}")});
    }
    item
}

fn usage(session: &Session) -> Option<Value> {
    let number = |value: Option<&Value>| {
        value
            .filter(|v| v.as_f64().is_some_and(|n| n >= 0.0))
            .cloned()
    };
    let tokens = session.tokens.as_ref();
    let pieces = [
        ("inputTokens", number(tokens.and_then(|t| t.get("input")))),
        ("outputTokens", number(tokens.and_then(|t| t.get("output")))),
        ("costUsd", number(session.cost.as_ref())),
    ];
    let known: serde_json::Map<_, _> = pieces
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect();
    (!known.is_empty()).then_some(Value::Object(known))
}

/// A limit that a retrying session waits for (contract, 1.7). Nothing is known of it but when it ends.
pub(crate) fn quota(session: &Session, status: &Status, seen_at: &str) -> Option<Value> {
    let (provider, model) = session.model()?;
    if !is_limited(status) {
        return None;
    }
    let next = status.next.as_ref().and_then(super::wire::milliseconds);
    let mut window = json!({"name": "retry", "status": "rejected"});
    if let Some(next) = next.and_then(time) {
        window["resetAt"] = json!(next);
    }
    Some(json!({
        "pool": {"provider": clip(provider, 200), "scope": clip(model, 200)},
        "windows": [window],
        "observedAt": seen_at,
        "native": {"message": status.message.as_deref().map(|text| clip(text, WORDS))},
    }))
}

/// Files that finished tool calls of these messages wrote (contract, 1.2).
pub(crate) fn accesses(session: &Session, messages: &[Message]) -> Vec<Value> {
    let mut all = vec![];
    for message in messages {
        for call in &message.calls {
            if call.status != "completed" || !WRITERS.contains(&call.tool.as_str()) {
                continue;
            }
            let Some(at) = call.ended.and_then(time) else {
                continue;
            };
            for (place, path) in written(&call.input, &call.metadata).into_iter().enumerate() {
                all.push(json!({
                    "id": format!("{}/{}/{place}", message.id, call.id),
                    "taskId": session.id,
                    "resource": resource(session, &path),
                    "mode": "write",
                    "at": at,
                    "native": {"tool": call.tool, "path": path},
                }));
            }
        }
    }
    all
}

/// Files that differ after a turn and were named by no tool call. The server compares the folder before and after, so this
/// is only asked when no other session was at work there.
pub(crate) fn differences(session: &Session, messages: &[Message]) -> Vec<Value> {
    let mut known: Vec<String> = vec![];
    for call in messages.iter().flat_map(|message| &message.calls) {
        let all = written(&call.input, &call.metadata);
        known.extend(all.iter().map(|path| resource(session, path)));
    }
    let mut all = vec![];
    for (place, message) in messages.iter().enumerate() {
        let turn = messages
            .iter()
            .skip(place + 1)
            .take_while(|m| m.is_assistant);
        let Some(at) = turn.last().and_then(|end| end.completed).and_then(time) else {
            continue;
        };
        for path in &message.changed {
            let resource = resource(session, path);
            if !known.contains(&resource) {
                all.push(json!({
                    "id": format!("{}/diff/{path}", message.id),
                    "taskId": session.id,
                    "resource": resource,
                    "mode": "write",
                    "at": at,
                    "native": {"path": path, "from": "diff"},
                }));
            }
        }
    }
    all
}

fn written(input: &Value, metadata: &Value) -> Vec<String> {
    let one = |value: &Value, name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let of_patch = metadata.get("files").and_then(Value::as_array);
    let mut paths: Vec<String> = of_patch
        .into_iter()
        .flatten()
        .filter_map(|file| {
            let text = file.as_str().map(str::to_owned);
            text.or_else(|| one(file, "filePath"))
                .or_else(|| one(file, "file"))
        })
        .collect();
    if paths.is_empty() {
        let single = one(metadata, "filepath")
            .or_else(|| one(input, "filePath"))
            .or_else(|| one(input, "path"));
        paths.extend(single);
    }
    paths
}

/// `file:{folder}/{path in it}`, the folder by its own name; a file elsewhere by its whole path.
pub(crate) fn resource(session: &Session, path: &str) -> String {
    let slashes = |text: &str| text.replace('\\', "/");
    let (path, root) = (slashes(path), slashes(session.worktree()));
    let root = root.trim_end_matches('/');
    let name = root.rsplit('/').next().unwrap_or_default();
    let is_whole = path.starts_with('/') || path.get(1..3) == Some(":/");
    let inside = if is_whole {
        path.strip_prefix(root)
            .and_then(|rest| rest.strip_prefix('/'))
    } else {
        Some(path.trim_start_matches("./"))
    };
    match inside {
        Some(inside) if !name.is_empty() => format!("file:{name}/{inside}"),
        _ => format!("file:{path}"),
    }
}

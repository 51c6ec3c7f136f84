//! One call to an A2A server, in either generation and either binding, and its answer or error in one shape.
//!
//! It knows the envelopes and the names of methods and paths; what a task means is read elsewhere. Agent text in an error
//! is clipped.

use domain::{contract::leads_elsewhere, fact::PollError, ids::TaskId};
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::card::{Binding, Door, Generation, clip};
use crate::{
    Listening,
    http::{Broken, Client, Reply, invalid},
    said, way,
};

const VERSION: HeaderName = HeaderName::from_static("a2a-version");
const EXTENSIONS: HeaderName = HeaderName::from_static("a2a-extensions");
const OLD_EXTENSIONS: HeaderName = HeaderName::from_static("x-a2a-extensions");

/// Codes of the specification; REST names become these too.
pub(crate) mod code {
    /// Unknown task, or one of somebody else.
    pub(crate) const TASK_NOT_FOUND: i64 = -32001;
    /// Already over.
    pub(crate) const NOT_CANCELABLE: i64 = -32002;
    /// Also: a message to a task that is over.
    pub(crate) const UNSUPPORTED: i64 = -32004;
    /// Parts it does not take.
    pub(crate) const CONTENT_TYPE: i64 = -32005;
    /// What it got from the agent behind it is no answer.
    pub(crate) const INVALID_RESPONSE: i64 = -32006;
    /// It wants an extension that was not offered.
    pub(crate) const EXTENSION: i64 = -32008;
    /// Another generation.
    pub(crate) const VERSION: i64 = -32009;
    /// No such method.
    pub(crate) const METHOD: i64 = -32601;
    /// Members it cannot use.
    pub(crate) const PARAMS: i64 = -32602;
    /// Its own error.
    pub(crate) const INTERNAL: i64 = -32603;
    /// The same, of servers that name no error of the specification.
    pub(crate) const SERVER: i64 = -32000;
}

/// What is asked of a server.
#[derive(Debug)]
pub(crate) enum Call<'a> {
    /// One page of the list.
    List {
        /// Only tasks whose status is not older.
        after: Option<&'a str>,
        /// Where the page begins.
        page: Option<&'a str>,
        /// Tasks a page.
        size: u32,
        /// With artifacts and messages.
        whole: bool,
        /// How much less is asked than is wanted.
        less: u8,
    },
    /// One task, and how much less is asked of it than is wanted.
    Get(&'a TaskId, u8),
    /// A message, already in the words of the generation.
    Send(&'a RawValue),
    /// Stop a task.
    Cancel(&'a TaskId),
    /// Hear of a task; the answer is a stream.
    Subscribe(&'a TaskId),
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No whole answer.
    Broken(Broken),
    /// A status that is not an A2A error.
    Status(Box<Reply>),
    /// The server's own error.
    Error {
        /// Of the specification.
        code: i64,
        /// Its words, clipped.
        message: String,
    },
    /// An answer that is no A2A answer, in words.
    Nonsense(String),
}

impl Failure {
    /// Whether it refuses how it was asked, and not what. Servers have many codes for that; one that names what we sent
    /// means it.
    pub(crate) fn is_of_parameters(&self) -> bool {
        let named = |text: &str| OURS.iter().any(|name| text.contains(name));
        match self {
            Self::Error { code, message } => *code == code::PARAMS || named(message),
            Self::Status(reply) => {
                let body = || String::from_utf8_lossy(&reply.body);
                matches!(reply.status.as_u16(), 400 | 422) || named(&body())
            }
            _ => false,
        }
    }

    /// Whether the server failed over it, whatever was asked. Some say so of a task that is not there, and name it then.
    pub(crate) fn is_its_own(&self) -> bool {
        match self {
            Self::Error { code, message } => {
                matches!(*code, code::INTERNAL | code::SERVER)
                    && !message.to_ascii_lowercase().contains("task")
            }
            Self::Status(reply) => reply.status.is_server_error(),
            _ => false,
        }
    }

    /// As a refusal, in the server's words where it has some; `None` = it did not refuse what was sent, but who sent it or
    /// when, or it failed.
    pub(crate) fn refusal(&self) -> Option<String> {
        const OTHERS: [i64; 3] = [code::INTERNAL, code::INVALID_RESPONSE, code::TASK_NOT_FOUND];
        match self {
            Self::Error { code, message } if !OTHERS.contains(code) => Some(message.clone()),
            Self::Status(reply) => {
                let status = reply.status.as_u16();
                let refuses = (400..500).contains(&status) && !matches!(status, 401 | 403 | 429);
                let reason = || said::reason(reply).unwrap_or_else(|| UNEXPLAINED.to_owned());
                refuses.then(reason)
            }
            _ => None,
        }
    }

    /// As a failed poll.
    pub(crate) fn into_poll_error(self, now: chrono::DateTime<chrono::Utc>) -> PollError {
        match self {
            Self::Broken(broken) => broken.error,
            Self::Status(reply) => reply.as_error(now),
            Self::Nonsense(sentence) => invalid(sentence),
            Self::Error { code, message } => invalid(match code {
                code::METHOD => "It does not know this A2A method.".to_owned(),
                code::VERSION => "It speaks another version of A2A than its card says.".to_owned(),
                code::EXTENSION => format!(
                    "It answers only who speaks an extension of A2A that is not spoken here, so its tasks cannot be shown. It says: {message}"
                ),
                _ => format!("It answers with an A2A error ({code}): {message}"),
            }),
        }
    }
}

/// Members of our requests that a server may not take, in both spellings.
const OURS: &[&str] = &[
    "historyLength",
    "history_length",
    "includeArtifacts",
    "include_artifacts",
    "pageSize",
    "page_size",
];

const UNEXPLAINED: &str = "It refused, and gave no reason.";
const NO_REASON: &str = "no reason given";

/// Messages of a task's history that are asked for in a list: enough to find a title, a question and our own answer.
const HISTORY: u32 = 20;
/// Of one task: a call that waits may lie behind what others have written since.
const LONG_HISTORY: u32 = 100;
/// What every server that knows the parameter has been seen to allow.
pub(crate) const SHORT_HISTORY: u32 = 10;
/// So often can less be asked, until nothing is left out that can be.
pub(crate) const LEAST_LISTED: u8 = 5;
/// The same for one task.
pub(crate) const LEAST_READ: u8 = 2;

/// Makes one call. The result is the exact JSON of the result.
pub(crate) async fn call(
    client: &Client,
    door: &Door,
    call: &Call<'_>,
) -> Result<Box<RawValue>, Failure> {
    let headers = headers(door);
    match door.binding {
        Binding::JsonRpc => json_rpc(client, door, call, headers).await,
        Binding::Rest => rest(client, door, call, headers).await,
    }
}

fn headers(door: &Door) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let extension = HeaderValue::from_static(domain::contract::EXTENSION_URI);
    match door.generation {
        // A missing version means 0.3, and 0.3 servers never hear of another.
        Generation::One => {
            headers.insert(VERSION, HeaderValue::from_static("1.0"));
            headers.insert(EXTENSIONS, extension);
        }
        Generation::Old => {
            headers.insert(OLD_EXTENSIONS, extension);
        }
    }
    headers
}

/// The request whose answer is a stream about a task. Never one of 0.3: the Python package of that generation goes on
/// queueing for whoever has left, and stops the task when 1,024 events stand there (a2a-sdk 0.3.26, `EventQueue`).
pub(crate) fn subscription(client: &Client, door: &Door, task: &TaskId) -> Option<Listening> {
    if door.generation == Generation::Old {
        return None;
    }
    let call = Call::Subscribe(task);
    if door.binding == Binding::JsonRpc {
        let (url, body) = (door.url.clone(), spoken(door, &call));
        return Some(Listening::new(
            client,
            &[Method::POST],
            url,
            headers(door),
            body,
        ));
    }
    // The specification's table and what servers are made from name different verbs.
    let verbs = &[Method::GET, Method::POST];
    let (_, url, _) = path(door, &call).ok()?;
    let body = "{}".to_owned();
    Some(Listening::new(client, verbs, url, headers(door), body))
}

fn spoken(door: &Door, call: &Call<'_>) -> String {
    let (method, params) = method(door, call);
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

async fn json_rpc(
    client: &Client,
    door: &Door,
    call: &Call<'_>,
    headers: HeaderMap,
) -> Result<Box<RawValue>, Failure> {
    let body = spoken(door, call);
    let reply = match call {
        Call::Send(_) | Call::Cancel(_) => client.send(door.url.clone(), headers, body).await,
        _ => client
            .ask(door.url.clone(), headers, body)
            .await
            .map_err(lost),
    }
    .map_err(Failure::Broken)?;
    let envelope: Result<Envelope, _> = serde_json::from_slice(&reply.body);
    match envelope {
        Ok(Envelope {
            error: Some(error), ..
        }) => Err(error.into_failure()),
        Ok(Envelope {
            result: Some(result),
            ..
        }) if reply.status.is_success() => Ok(result),
        _ if !reply.status.is_success() => Err(Failure::Status(Box::new(reply))),
        Ok(_) => Err(Failure::Nonsense(
            "Its answer is JSON, but neither an A2A result nor an A2A error.".to_owned(),
        )),
        Err(_) => Err(Failure::Nonsense(not_json(&reply))),
    }
}

/// For reads it does not matter whether they arrived.
fn lost(error: PollError) -> Broken {
    Broken {
        error,
        may_have_arrived: true,
    }
}

/// The parameters of a reading call, as many as the server takes.
fn wanted(call: &Call<'_>) -> Vec<(&'static str, Value)> {
    let mut all = vec![];
    match call {
        Call::List {
            after,
            page,
            size,
            whole,
            less,
        } => {
            let history = match (whole, less) {
                (false, _) => 0,
                (true, 0) => HISTORY,
                (true, _) => SHORT_HISTORY,
            };
            if *less < 2 {
                all.push(("historyLength", json!(history)));
            }
            if *less < 3 {
                all.push(("includeArtifacts", json!(whole)));
            }
            if *less < 4 {
                all.push(("pageSize", json!(size)));
            }
            if let Some(after) = after.filter(|_| *less < LEAST_LISTED) {
                all.push(("statusTimestampAfter", json!(after)));
            }
            if let Some(page) = page {
                all.push(("pageToken", json!(page)));
            }
        }
        Call::Get(_, less) => {
            let history = if *less == 0 {
                LONG_HISTORY
            } else {
                SHORT_HISTORY
            };
            if *less < LEAST_READ {
                all.push(("historyLength", json!(history)));
            }
        }
        _ => {}
    }
    all
}

fn method(door: &Door, call: &Call<'_>) -> (&'static str, String) {
    let one = door.generation == Generation::One;
    let (method, mut params) = match call {
        Call::List { .. } => {
            let members = wanted(call);
            let members = members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value));
            let params = Value::Object(members.collect());
            // 0.3 has no list, but some servers of its time answer to this name.
            (if one { "ListTasks" } else { "tasks/list" }, params)
        }
        Call::Get(task, _) => {
            let mut params = json!({"id": task.as_str()});
            for (name, value) in wanted(call) {
                params[name] = value;
            }
            (if one { "GetTask" } else { "tasks/get" }, params)
        }
        // It names its tenant itself, and its bytes stay as they are.
        Call::Send(message) => {
            return (
                if one { "SendMessage" } else { "message/send" },
                message.get().to_owned(),
            );
        }
        Call::Cancel(task) => (
            if one { "CancelTask" } else { "tasks/cancel" },
            json!({"id": task.as_str()}),
        ),
        Call::Subscribe(task) => ("SubscribeToTask", json!({"id": task.as_str()})),
    };
    if let Some(tenant) = &door.tenant {
        params["tenant"] = json!(tenant);
    }
    (method, params.to_string())
}

async fn rest(
    client: &Client,
    door: &Door,
    call: &Call<'_>,
    headers: HeaderMap,
) -> Result<Box<RawValue>, Failure> {
    let (verb, url, body) =
        path(door, call).map_err(|sentence| Failure::Nonsense(sentence.to_owned()))?;
    let reply = match (verb, body) {
        (Method::GET, _) => client.get(url, headers).await.map_err(lost),
        (_, body) => {
            client
                .send(url, headers, body.unwrap_or_else(|| "{}".to_owned()))
                .await
        }
    }
    .map_err(Failure::Broken)?;
    if reply.status.is_success() {
        return serde_json::from_slice(&reply.body)
            .map_err(|_| Failure::Nonsense(not_json(&reply)));
    }
    match rest_error(reply.status.as_u16(), &reply.body) {
        Some(failure) => Err(failure),
        None => Err(Failure::Status(Box::new(reply))),
    }
}

fn path(door: &Door, call: &Call<'_>) -> Result<(Method, Url, Option<String>), &'static str> {
    let task = match call {
        Call::Get(task, _) | Call::Cancel(task) | Call::Subscribe(task) => Some(task.as_str()),
        _ => None,
    };
    let mut named = task.into_iter().chain(door.tenant.as_deref());
    if named.any(leads_elsewhere) {
        return Err(way::ELSEWHERE);
    }
    let mut url = door.url.clone();
    {
        let mut path = url
            .path_segments_mut()
            .map_err(|()| "Its address has no path to call.")?;
        path.pop_if_empty();
        if door.generation == Generation::Old {
            path.push("v1");
        }
        if let Some(tenant) = &door.tenant {
            path.push(tenant);
        }
        match call {
            Call::List { .. } => path.push("tasks"),
            Call::Get(task, _) => path.push("tasks").push(task.as_str()),
            Call::Send(_) => path.push("message:send"),
            Call::Cancel(task) => path
                .push("tasks")
                .push(&format!("{}:cancel", task.as_str())),
            Call::Subscribe(task) => path
                .push("tasks")
                .push(&format!("{}:subscribe", task.as_str())),
        };
    }
    let mut body = None;
    match call {
        Call::List { .. } | Call::Get(..) => {
            for (name, value) in wanted(call) {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        Call::Send(message) => body = Some(message.to_string()),
        Call::Cancel(_) | Call::Subscribe(_) => {}
    }
    let verb = if matches!(call, Call::List { .. } | Call::Get(..)) {
        Method::GET
    } else {
        Method::POST
    };
    Ok((verb, url, body))
}

#[derive(Deserialize)]
struct Envelope {
    result: Option<Box<RawValue>>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    #[serde(default)]
    message: Value,
}

impl RpcError {
    fn into_failure(self) -> Failure {
        Failure::Error {
            code: self.code,
            message: words(&self.message),
        }
    }
}

/// `{"error":{"details":[{"reason"}]}}` or a problem document; the two shapes servers use.
fn rest_error(status: u16, body: &[u8]) -> Option<Failure> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error").unwrap_or(&body);
    let details = error.get("details").and_then(Value::as_array);
    let reason = details
        .into_iter()
        .flatten()
        .find_map(|detail| detail.get("reason")?.as_str())
        .or_else(|| error.get("type")?.as_str()?.rsplit('/').next())
        .map(|reason| reason.to_ascii_uppercase().replace('-', "_"));
    let message = words(
        ["message", "detail", "title"]
            .iter()
            .find_map(|member| error.get(*member))
            .unwrap_or(&Value::Null),
    );
    let code = match reason.as_deref().map(|r| r.trim_end_matches("_ERROR")) {
        Some("TASK_NOT_FOUND") => code::TASK_NOT_FOUND,
        Some("TASK_NOT_CANCELABLE") => code::NOT_CANCELABLE,
        Some("UNSUPPORTED_OPERATION") => code::UNSUPPORTED,
        Some("CONTENT_TYPE_NOT_SUPPORTED") => code::CONTENT_TYPE,
        Some("INVALID_AGENT_RESPONSE") => code::INVALID_RESPONSE,
        Some("VERSION_NOT_SUPPORTED") => code::VERSION,
        // 0.3 names no reasons: the status is all there is, and a sentence that says it is no stranger's page.
        _ if message == NO_REASON => return None,
        _ => match status {
            404 if message.to_ascii_lowercase().contains("task") => code::TASK_NOT_FOUND,
            409 => code::NOT_CANCELABLE,
            400 | 422 => code::PARAMS,
            501 => code::METHOD,
            _ => return None,
        },
    };
    Some(Failure::Error { code, message })
}

fn words(message: &Value) -> String {
    match message.as_str() {
        Some(text) if !text.trim().is_empty() => clip(text.trim(), 300),
        _ => NO_REASON.to_owned(),
    }
}

fn not_json(reply: &Reply) -> String {
    let is_html = reply
        .header(reqwest::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.contains("html"));
    if is_html {
        "It answers with a web page instead of JSON.".to_owned()
    } else {
        "Its answer is not JSON.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The specification's table of errors: code, name, and the statuses of 1.0 and of 1.0.0.
    #[test]
    fn an_error_over_plain_http_is_the_one_its_reason_or_its_status_names() {
        for (status, reason, expected) in [
            (404, "TASK_NOT_FOUND", code::TASK_NOT_FOUND),
            (400, "TASK_NOT_CANCELABLE", code::NOT_CANCELABLE),
            (409, "TASK_NOT_CANCELABLE", code::NOT_CANCELABLE),
            (400, "PUSH_NOTIFICATION_NOT_SUPPORTED", code::PARAMS),
            (400, "UNSUPPORTED_OPERATION", code::UNSUPPORTED),
            (400, "CONTENT_TYPE_NOT_SUPPORTED", code::CONTENT_TYPE),
            (415, "CONTENT_TYPE_NOT_SUPPORTED", code::CONTENT_TYPE),
            (500, "INVALID_AGENT_RESPONSE", code::INVALID_RESPONSE),
            (502, "INVALID_AGENT_RESPONSE", code::INVALID_RESPONSE),
            (400, "EXTENDED_AGENT_CARD_NOT_CONFIGURED", code::PARAMS),
            (400, "EXTENSION_SUPPORT_REQUIRED", code::PARAMS),
            (400, "VERSION_NOT_SUPPORTED", code::VERSION),
        ] {
            let dashed = reason.to_ascii_lowercase().replace('_', "-");
            for body in [
                json!({"error": {"code": status, "message": "No.", "details": [{"reason": reason}]}}),
                json!({"type": format!("https://a2a-protocol.org/errors/{dashed}"), "title": "No."}),
            ] {
                let body = body.to_string();
                match rest_error(status, body.as_bytes()) {
                    Some(Failure::Error { code, message }) => {
                        assert_eq!((code, message.as_str()), (expected, "No."), "{body}");
                    }
                    other => panic!("{body}: {other:?}"),
                }
            }
        }
        for (status, body) in [
            (500, "{\"message\": \"No.\"}"),
            (404, "{\"detail\": \"Not Found\"}"),
        ] {
            assert!(rest_error(status, body.as_bytes()).is_none(), "{body}");
        }
    }
}

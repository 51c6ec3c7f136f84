//! Servers that people have and that are not spoken to here: called by name, with what is missing, instead of "no agent".
//!
//! It only names. A name is given when the server says it itself, or answers as only that one does.

use std::time::Duration;

use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, UPGRADE},
};
use serde_json::{Value, json};

use crate::http::{Client, Reply};

const OPENCLAW: &str = "An OpenClaw gateway answers here. It is asked over a socket (WebSocket), which is not spoken here, so its sessions and approvals cannot be shown.";
const OPENHANDS: &str = "An OpenHands agent server answers here. Its own interface is not spoken here, so its conversations and confirmations cannot be shown.";
const AGNO: &str = "An AgentOS of Agno answers here. Its own interface is not spoken here, and its A2A interface shows no tasks and no approvals, so its runs and confirmations cannot be shown. Confirm in AgentOS itself.";
/// Of one of its cards. It names the address of one call for all calls, has no list, and calls a run that waits for a
/// confirmation "working" (agno 3.1).
pub(crate) const AGNO_CARD: &str = "This is the A2A card of an agent in an AgentOS of Agno. The address on it takes new messages only: no task can be asked for there, and a run that waits for a confirmation is called \"working\". So its runs and confirmations cannot be shown. Confirm in AgentOS itself.";
const MCP: &str = "An MCP server answers here. It offers tools to agents (as Agent Mail does) and has no tasks or questions of its own, so there is nothing to show.";

/// Its own header.
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

const SOCKET: &str = "A server answers here that speaks over a socket (WebSocket) only, as the app server of Codex does. Sockets are not spoken here, so its threads and approvals cannot be shown.";

/// The sentence about a server that takes sockets only, by how it turns away whoever does not ask for one: 426, or 400 with
/// these words (`codex app-server --listen ws://…` 0.169, whatever it is asked for).
fn of_sockets(first: &Reply) -> Option<&'static str> {
    let said = String::from_utf8_lossy(&first.body);
    let wants = first.header(UPGRADE).unwrap_or("websocket");
    let is_socket = match first.status.as_u16() {
        426 => wants.eq_ignore_ascii_case("websocket"),
        400 => said.contains("did not include 'upgrade'"),
        _ => false,
    };
    is_socket.then_some(SOCKET)
}

/// The sentence about it; `None` = it is none of them. `first` is what the address itself answered.
pub(crate) async fn named(client: &Client, first: &Reply) -> Option<&'static str> {
    if let Some(sentence) = of_sockets(first) {
        return Some(sentence);
    }
    let page = String::from_utf8_lossy(&first.body).to_lowercase();
    if page.contains("<html") && page.contains("openclaw") {
        return Some(OPENCLAW);
    }
    if is_mcp(client, first).await {
        return Some(MCP);
    }
    let described = at(client, "/openapi.json").await;
    let title = described
        .as_ref()
        .and_then(|all| all["info"]["title"].as_str());
    let title = title.unwrap_or_default().to_lowercase();
    if title.contains("openhands") {
        return Some(OPENHANDS);
    }
    // What it tells to everybody; with a key, the rest is for those who have it (agno 3.1 with OS_SECURITY_KEY).
    let tells_version = |about: Value| about["agno_version"].is_string();
    if title.contains("agentos") || at(client, "/info").await.is_some_and(tells_version) {
        return Some(AGNO);
    }
    let config = at(client, "/config").await?;
    let is_agno = config["agents"].is_array()
        && config["teams"].is_array()
        && config.get("available_models").is_some();
    is_agno.then_some(AGNO)
}

/// Whether it is an MCP server: by its own words where it has some, else by its answer to a greeting. That is sent only to
/// what speaks JSON-RPC, or is called so: elsewhere a POST may set something off.
async fn is_mcp(client: &Client, first: &Reply) -> bool {
    let said = String::from_utf8_lossy(&first.body).to_lowercase();
    let kind = first.header(CONTENT_TYPE).unwrap_or_default();
    if kind.starts_with("text/event-stream") {
        return said.lines().any(|line| line.trim() == "event: endpoint");
    }
    if first.headers.contains_key(SESSION) {
        return true;
    }
    let body: Option<Value> = serde_json::from_str(&said).ok();
    let refuses = body.is_some_and(|all| all["jsonrpc"] == "2.0" && all.get("error").is_some());
    if refuses
        && ["text/event-stream", "mcp-session-id"]
            .iter()
            .any(|name| said.contains(name))
    {
        return true;
    }
    let is_called_so = client.base().path().trim_end_matches('/').ends_with("/mcp");
    let may_be = refuses || first.status.as_u16() == 405 && is_called_so;
    may_be && greets(client).await.unwrap_or(false)
}

/// Begins a session of MCP, and ends it. `None` = no answer to it.
async fn greets(client: &Client) -> Option<bool> {
    let about = json!({"name": "mission-control", "version": env!("CARGO_PKG_VERSION")});
    let params = json!({"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": about});
    let greeting = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    let mut headers = HeaderMap::new();
    let both = HeaderValue::from_static("application/json, text/event-stream");
    headers.insert(ACCEPT, both);
    let url = client.base().clone();
    let reply = client
        .ask(url.clone(), headers, greeting.to_string())
        .await
        .ok()?;
    if let Some(session) = reply.headers.get(SESSION) {
        let headers = HeaderMap::from_iter([(SESSION, session.clone())]);
        let ending = client.open(Method::DELETE, url, headers, None);
        let _ = tokio::time::timeout(Duration::from_secs(2), ending).await;
    }
    let body = String::from_utf8_lossy(&reply.body);
    let mut lines = body
        .lines()
        .map(|line| line.strip_prefix("data:").unwrap_or(line));
    let told: Value = serde_json::from_str(&body)
        .ok()
        .or_else(|| lines.find_map(|line| serde_json::from_str(line).ok()))?;
    let result = &told["result"];
    Some(result["protocolVersion"].is_string() && result["capabilities"].is_object())
}

async fn at(client: &Client, path: &str) -> Option<Value> {
    let url = client.base().join(path).ok()?;
    let reply = client.get(url, HeaderMap::new()).await.ok()?;
    reply
        .status
        .is_success()
        .then(|| serde_json::from_slice(&reply.body).ok())
        .flatten()
}

//! Servers that people have and that are not spoken to here: called by name, with what is missing, instead of "no agent".
//!
//! It only names. A name is given when the server says it itself, or answers as only that one does.

use reqwest::header::{HeaderMap, UPGRADE};
use serde_json::Value;

use crate::http::{Client, Reply};

const OPENCLAW: &str = "An OpenClaw gateway answers here. It is asked over a socket (WebSocket), which is not spoken here, so its sessions and approvals cannot be shown.";
const OPENHANDS: &str = "An OpenHands agent server answers here. Its own interface is not spoken here, so its conversations and confirmations cannot be shown.";
const AGNO: &str = "An AgentOS of Agno answers here. Its own interface is not spoken here, and its A2A interface shows no tasks and no approvals, so its runs and confirmations cannot be shown. Confirm in AgentOS itself.";
/// Of one of its cards. It names the address of one call for all calls, has no list, and calls a run that waits for a
/// confirmation "working" (agno 3.1).
pub(crate) const AGNO_CARD: &str = "This is the A2A card of an agent in an AgentOS of Agno. The address on it takes new messages only: no task can be asked for there, and a run that waits for a confirmation is called \"working\". So its runs and confirmations cannot be shown. Confirm in AgentOS itself.";
const MCP: &str = "An MCP server answers here. It offers tools to agents (as Agent Mail does) and has no tasks or questions of its own, so there is nothing to show.";

const SOCKET: &str = "A server answers here that speaks over a socket (WebSocket) only, as the app server of Codex does. Sockets are not spoken here, so its threads and approvals cannot be shown.";

/// The sentence about a server that takes sockets only, by how it turns away whoever does not ask for one: 426, or 400 with
/// these words (`codex app-server --listen ws://…` 0.169, whatever it is asked for).
pub(crate) fn of_sockets(first: &Reply) -> Option<&'static str> {
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
    let said: Option<Value> = serde_json::from_slice(&first.body).ok();
    if said.is_some_and(|said| said["jsonrpc"] == "2.0" && said.get("error").is_some()) {
        return Some(MCP);
    }
    let described = at(client, "/openapi.json").await;
    let title = described
        .as_ref()
        .and_then(|all| all["info"]["title"].as_str());
    if title.is_some_and(|title| title.to_lowercase().contains("openhands")) {
        return Some(OPENHANDS);
    }
    let config = at(client, "/config").await?;
    let is_agno = config["agents"].is_array()
        && config["teams"].is_array()
        && config.get("available_models").is_some();
    is_agno.then_some(AGNO)
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

//! What a look at a LangGraph server tells before it is added: what it is, what we will see and can do, and what not.

use domain::{contract, fact::PollError};
use reqwest::Url;

use super::{LangGraph, card, wire::Failure};
use crate::{Credential, Endpoint, Kind, Observation, Probe, Target, http::Client};

/// Identifies a LangGraph server; `None` = something else serves there.
pub(crate) async fn probe(
    client: &Client,
    credential: Option<&Credential>,
) -> Result<Option<Probe>, PollError> {
    let mut places = vec![client.base().clone()];
    let mut origin = client.base().clone();
    origin.set_path("/");
    origin.set_query(None);
    if origin.path() != client.base().path() {
        places.push(origin);
    }
    for place in places {
        if let Some(found) = look(&place, credential).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

async fn look(place: &Url, credential: Option<&Credential>) -> Result<Option<Probe>, PollError> {
    let mut server = LangGraph::new(&Target {
        endpoint: "probe".into(),
        kind: Kind::LangGraph,
        url: place.to_string(),
        credential: credential.cloned(),
        known_tasks: vec![],
        known_questions: vec![],
    })?;
    let found = match card(&server.door).await {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        Err(failure) if !matches!(failure.status(), None | Some(401 | 403 | 429)) => {
            return Ok(None);
        }
        Err(Failure::Nonsense(_)) => return Ok(None),
        Err(failure) => return Err(failure.into_poll_error()),
    };
    let mut warnings = vec![];
    let mut capabilities = vec!["decideApprove", "decideEdit", "decideRespond", "cancel"];
    match server.observe().await {
        Ok(Observation::Document { body, .. }) => {
            capabilities.extend(["listTasks", "listEscalations"]);
            let document = contract::read(body.as_bytes()).ok();
            if document.is_some_and(|document| document.tasks.is_some_and(|all| all.is_empty())) {
                warnings.push(
                    "It lists no thread now. A server with a login of its own lists only the threads that our credential may see.",
                );
            }
        }
        Ok(Observation::Unchanged) => {}
        Err(error) if matches!(error.http_status, Some(401 | 403)) => return Err(error),
        Err(_) => warnings.push("It can be identified, but its threads cannot be listed now."),
    }
    if !found.has_crons {
        warnings.push("It does not tell what it starts by itself.");
    }
    warnings.extend([
        "A server takes a second answer without a word and without effect. So each answer is looked for before and after it is sent, and is called taken only when the server shows it.",
        "A thread that waits for an answer cannot be cancelled there; its question can be refused.",
        "It reports neither claims nor limits, nor what a task costs.",
    ]);
    Ok(Some(Probe {
        kind: Kind::LangGraph,
        product: Some("LangGraph server".to_owned()),
        product_version: Some(found.version),
        protocol_version: found.library.map(|version| format!("langgraph {version}")),
        name: Some(found.name),
        capabilities: capabilities.into_iter().map(str::to_owned).collect(),
        warnings: warnings.into_iter().map(str::to_owned).collect(),
        status_url: Some(server.door.base().to_string()),
    }))
}

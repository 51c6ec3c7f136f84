//! What answers at an address: one look at each kind in turn, nothing changed there.

use chrono::Utc;
use domain::{contract, fact::PollError};
use reqwest::header::{ETAG, HeaderMap};

use crate::{
    Credential, Kind, Probe,
    http::{Client, invalid},
};

/// Identifies what serves `url`. `Err` = nothing usable answers, in words.
pub async fn probe(url: &str, credential: Option<&Credential>) -> Result<Probe, PollError> {
    let client = Client::new(url, credential)?;
    let reply = client.get(client.base().clone(), HeaderMap::new()).await?;
    if reply.status.as_u16() != 200 {
        return Err(reply.as_error(Utc::now()));
    }
    let document = contract::read(&reply.body).map_err(|problem| invalid(problem.message))?;
    let mut capabilities = vec![
        "decideApprove",
        "decideEdit",
        "decideRespond",
        "idempotentDecision",
        "cancel",
    ];
    let mut warnings = vec![];
    let mut told = |is_there: bool, capability: &'static str, without: &str| {
        if is_there {
            capabilities.push(capability);
        } else {
            warnings.push(without.to_owned());
        }
    };
    told(
        document.tasks.is_some(),
        "listTasks",
        "It does not list tasks, so the board stays empty for it.",
    );
    told(
        document.escalations.is_some(),
        "listEscalations",
        "It does not list questions, so the inbox stays empty for it.",
    );
    told(
        document.quotas.is_some(),
        "quota",
        "It does not report limits.",
    );
    told(
        document.claims.is_some(),
        "claims",
        "It does not report claims.",
    );
    told(
        reply.headers.contains_key(ETAG),
        "conditionalGet",
        "It sends its whole status at every poll.",
    );
    if !document.problems.is_empty() {
        warnings.push(format!(
            "{} items of its status cannot be read.",
            document.problems.len()
        ));
    }
    let card = document.agent;
    Ok(Probe {
        kind: Kind::Native,
        product: None,
        product_version: card.as_ref().and_then(|card| card.version.clone()),
        protocol_version: Some("1.0".to_owned()),
        name: card.map(|card| card.name),
        capabilities: capabilities.into_iter().map(str::to_owned).collect(),
        warnings,
        status_url: Some(url.to_owned()),
    })
}

//! What answers at an address: one look at each kind in turn, nothing changed there. The address may be a status document,
//! an agent card, or a place below which either is found.
//!
//! It identifies; what a person is then offered is decided by the capabilities it reports.

use chrono::Utc;
use domain::{contract, fact::PollError};
use reqwest::{
    Url,
    header::{CONTENT_TYPE, ETAG, HeaderMap},
};

use crate::{
    Credential, Kind, Observation, Probe, Target, a2a,
    http::{Client, Reply, invalid},
    langgraph, open, opencode, quota, unsupported,
};

/// Agents of one kit that are looked at.
const KIT_AGENTS: usize = 20;

/// Identifies what serves `url`. `Err` = nothing usable answers, in words.
pub async fn probe(url: &str, credential: Option<&Credential>) -> Result<Probe, PollError> {
    let server = langgraph::behind_studio(url);
    let url = server.as_deref().unwrap_or(url);
    let client = Client::new(url, credential)?;
    let reply = client.get(client.base().clone(), HeaderMap::new()).await?;
    let first = match reply.status.as_u16() {
        200 => match contract::read(&reply.body) {
            Ok(document) => return Ok(native(url, &reply, document)),
            // A document of another version, or with a broken head, is more than "not found".
            Err(problem) if is_contract(&reply) => return Err(invalid(problem.message)),
            Err(_) => unknown(&reply),
        },
        _ => reply.as_error(Utc::now()),
    };
    if let Some(found) = quota::find(&client, &reply).await? {
        return Ok(found);
    }
    let forbidden = matches!(reply.status.as_u16(), 401 | 403);
    // A web page at its root, and its unknown paths answer with one too; so it is asked before others are looked for.
    if a2a::as_card(&reply.body).is_none()
        && let Ok(Some(about)) = opencode::find(&client).await
    {
        return Ok(opencode::probe(url, &about));
    }
    if a2a::as_card(&reply.body).is_none() || may_be_of_langgraph(client.base()) {
        match langgraph::probe(&client, credential).await {
            Ok(Some(found)) => return Ok(found),
            Err(error) if langgraph::says_ok(&reply.body) => return Err(error),
            // It may be another kind, which fails at paths it does not know.
            Ok(None) | Err(_) => {}
        }
    }
    let failed = match a2a::find(&client).await {
        Ok(card) => return agent(url, credential, card).await,
        Err(error) if a2a::as_card(&reply.body).is_some() => return Err(error),
        Err(_) if forbidden => Some(first.clone()),
        Err(error) if error.http_status.is_some() => Some(error),
        // A card was found, and it is of no use.
        Err(error) if !a2a::is_no_card(&error) => return Err(error),
        Err(_) => None,
    };
    if let Some(failed) = failed {
        return Err(match unsupported::named(&client, &reply).await {
            Some(sentence) => invalid(sentence),
            None => failed,
        });
    }
    if let Some((place, card)) = of_kit(&client).await? {
        return agent(place.as_str(), credential, card).await;
    }
    if let Some(status) = below(client.base(), "status") {
        let reply = client.get(status.clone(), HeaderMap::new()).await?;
        if reply.status.as_u16() == 200
            && let Ok(document) = contract::read(&reply.body)
        {
            return Ok(native(status.as_str(), &reply, document));
        }
    }
    Err(match unsupported::named(&client, &reply).await {
        Some(sentence) => invalid(sentence),
        None => first,
    })
}

/// A server that wants a login before it says anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Guarded {
    /// What it is, where something of it can be seen without a login.
    pub kind: Option<Kind>,
    /// Whether it asks for a user name and a password; else a token will do.
    pub wants_basic: bool,
}

/// What stands at an address where [`probe`] was turned away, by what is served there to everybody. `None` = it does not
/// ask for a login.
pub async fn guarded(url: &str) -> Option<Guarded> {
    let client = Client::new(url, None).ok()?;
    let reply = client
        .get(client.base().clone(), HeaderMap::new())
        .await
        .ok()?;
    let is_guarded = |reply: &Reply| matches!(reply.status.as_u16(), 401 | 403);
    if is_guarded(&reply) {
        let kind = opencode::is_behind_login(&client)
            .await
            .then_some(Kind::OpenCode);
        return Some(Guarded {
            kind,
            wants_basic: reply.wants_basic(),
        });
    }
    let page = String::from_utf8_lossy(&reply.body).to_lowercase();
    let kind = if langgraph::says_ok(&reply.body) {
        Kind::LangGraph
    } else if page.contains("litellm") {
        Kind::Litellm
    } else {
        return None;
    };
    let error = probe(url, None).await.err()?;
    matches!(error.http_status, Some(401 | 403)).then_some(Guarded {
        kind: Some(kind),
        wants_basic: false,
    })
}

/// Google's Agent Development Kit has no card at its root: each of its agents has one below, and it lists their names.
async fn of_kit(client: &Client) -> Result<Option<(Url, a2a::Card)>, PollError> {
    let Ok(list) = client.base().join("/list-apps") else {
        return Ok(None);
    };
    let reply = client.get(list, HeaderMap::new()).await?;
    let names: Option<Vec<String>> = serde_json::from_slice(&reply.body).ok();
    let Some(names) = names.filter(|names| reply.status.as_u16() == 200 && !names.is_empty())
    else {
        return Ok(None);
    };
    let mut found = vec![];
    for name in names.iter().take(KIT_AGENTS) {
        let Some(place) = client.base().join("/a2a").ok() else {
            continue;
        };
        let Some(place) = below(&place, name) else {
            continue;
        };
        if let Ok(card) = a2a::find(&client.at(place.clone())?).await {
            found.push((place, card));
        }
    }
    let listed = |names: &mut dyn Iterator<Item = String>| {
        let names: Vec<String> = names.collect();
        a2a::clip(&names.join(", "), 300)
    };
    match found.len() {
        0 => Err(invalid(format!(
            "A server of Google's Agent Development Kit answers here, with the agents {}, but it does not serve them over A2A. Start it with --a2a and an agent.json for each.",
            listed(&mut names.into_iter())
        ))),
        1 => Ok(found.pop()),
        _ => Err(invalid(format!(
            "A server of Google's Agent Development Kit answers here, with several agents. Enter the address of one of them: {}",
            listed(&mut found.iter().map(|(place, _)| place.to_string()))
        ))),
    }
}

/// Whether the card of a LangGraph server may stand there. It shows what its graphs ask over its own interface only: over A2A
/// the one who sent the message is told, and neither its list nor a task has it.
fn may_be_of_langgraph(card: &Url) -> bool {
    let mut asked = card.query_pairs();
    card.path().starts_with("/a2a/") || asked.any(|(name, _)| name == "assistant_id")
}

fn below(base: &Url, name: &str) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(name);
    Some(url)
}

/// Whether it means to be a status document.
fn is_contract(reply: &Reply) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_slice(&reply.body).ok();
    value.is_some_and(|value| value.get("schemaVersion").is_some())
}

/// A good answer that is nothing we know.
fn unknown(reply: &Reply) -> PollError {
    let kind = reply.header(CONTENT_TYPE).unwrap_or_default();
    if kind.contains("html") {
        return invalid("A web page answers at this address, not an agent.");
    }
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body).is_ok();
    invalid(if is_json {
        "JSON answers at this address, but no agent that is known here: neither a status document nor an agent card."
    } else {
        "Something answers at this address, but not in JSON."
    })
}

/// An A2A agent: what its card says, and what one look at its list shows.
async fn agent(
    url: &str,
    credential: Option<&Credential>,
    card: a2a::Card,
) -> Result<Probe, PollError> {
    let mut capabilities = vec!["decideApprove", "decideRespond", "cancel"];
    let mut warnings = vec![];
    let mut look = open(&Target {
        endpoint: "probe".into(),
        kind: Kind::A2a,
        url: url.to_owned(),
        credential: credential.cloned(),
        known_tasks: vec![],
        known_questions: vec![],
    })?;
    let body = match look.observe().await {
        Ok(Observation::Document { body, .. }) => Some(body),
        Ok(Observation::Unchanged) => None,
        Err(error) => {
            let detail = error.detail.unwrap_or_default();
            warnings.push(format!(
                "Its card can be read, but its tasks cannot: {detail}"
            ));
            None
        }
    };
    let document = body.and_then(|body| contract::read(body.as_bytes()).ok());
    let tasks = document
        .as_ref()
        .and_then(|document| document.tasks.as_ref());
    match (&document, tasks) {
        (Some(_), Some(tasks)) => {
            capabilities.extend(["listTasks", "listEscalations"]);
            if tasks.is_empty() {
                warnings.push(
                    "It lists no task now. A2A servers list only the tasks that our credential may see, often those of the same user."
                        .to_owned(),
                );
            }
        }
        (Some(_), None) => warnings.push(
            "It has no list of tasks: only tasks whose ids are known can be followed, others cannot be seen. Ids can be entered after the address, as in #task=ID.".to_owned(),
        ),
        (None, _) => {}
    }
    warnings.extend(card.login.unsupported.clone());
    warnings.extend(card.login.wanted.clone().filter(|_| credential.is_none()));
    if card.takes_data {
        capabilities.push("decideEdit");
    } else {
        warnings.push(
            "It takes words only, so an edited action is sent as text and may not be followed."
                .to_owned(),
        );
    }
    if card.streams {
        capabilities.push("stream");
    }
    if card.extension.is_some() {
        capabilities.extend(["claims", "quota"]);
    } else {
        warnings.push("It reports neither claims nor limits.".to_owned());
    }
    warnings.push(
        "A2A cannot promise that an answer sent twice counts once; an answer that may have arrived is never sent again."
            .to_owned(),
    );
    Ok(Probe {
        kind: Kind::A2a,
        product: card.product,
        product_version: card.version,
        protocol_version: Some(card.door.version),
        name: Some(card.name),
        capabilities: capabilities.into_iter().map(str::to_owned).collect(),
        warnings,
        status_url: Some(with_tasks(card.found_at, url)),
    })
}

/// The address with the ids of tasks that stood after the one that was entered.
fn with_tasks(mut found: Url, entered: &str) -> String {
    let entered = Url::parse(entered).ok();
    found.set_fragment(entered.as_ref().and_then(Url::fragment));
    found.to_string()
}

/// An agent that speaks the contract.
fn native(url: &str, reply: &Reply, document: contract::Document) -> Probe {
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
        warnings.push(match document.problems.len() {
            1 => "One item of its status cannot be read.".to_owned(),
            many => format!("{many} items of its status cannot be read."),
        });
    }
    let card = document.agent;
    Probe {
        kind: Kind::Native,
        product: None,
        product_version: card.as_ref().and_then(|card| card.version.clone()),
        protocol_version: Some("1.0".to_owned()),
        name: card.map(|card| card.name),
        capabilities: capabilities.into_iter().map(str::to_owned).collect(),
        warnings,
        status_url: Some(url.to_owned()),
    }
}

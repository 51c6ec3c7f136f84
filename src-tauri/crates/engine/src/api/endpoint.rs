//! Adding endpoints: what answers at an address, in plain words; what may be running on this computer.
//!
//! Looking changes nothing anywhere, and nothing is looked at before the person saw the list and agreed.

use std::collections::BTreeSet;

use agents::{Credential, Guarded, Kind, Probe};
use domain::{decision::Outcome as Said, fact::PollError, ids::EndpointId, time::Time};
use store::{Reader, tables::endpoints, tables::endpoints::EndpointRow};

use super::{
    ApiError,
    views::{DiscoverPlan, DiscoverPort, DiscoverView, ProbeView},
    wording::{failure, plain},
};
use crate::connect::word;

/// Ports of one look round: enough for a person's list, too few to sweep the computer.
const MOST_PORTS: usize = 64;

/// Where agents usually listen.
const USUAL: [(u16, &str); 9] = [
    (2024, "LangGraph"),
    (4000, "LiteLLM proxy"),
    (4096, "OpenCode"),
    (7777, "Mission Control's demo"),
    (8000, "an agent server"),
    (8080, "an agent server"),
    (9999, "an A2A agent"),
    (10000, "an A2A agent"),
    (41241, "an A2A agent"),
];

/// From what was typed; blank is none.
pub(super) fn credential(token: Option<String>, basic: Option<String>) -> Option<Credential> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    given(token)
        .map(|token| Credential::Bearer(token.trim().to_owned()))
        .or_else(|| given(basic).map(Credential::Basic))
}

/// The address in what was typed or pasted, which may be what a server printed at its start.
pub(super) fn address(typed: &str) -> Result<String, ApiError> {
    agents::address::address(typed).ok_or_else(|| ApiError::new("invalid", agents::address::NONE))
}

/// Identifies what is at an address; refused in words.
pub(super) async fn identify(
    url: &str,
    credential: Option<&Credential>,
) -> Result<Probe, ApiError> {
    agents::probe(url, credential)
        .await
        .map_err(|error| ApiError::new("unreachable", because(&error)))
}

/// A failed poll in words.
pub(super) fn because(error: &PollError) -> String {
    match error.detail.as_deref().map(plain) {
        Some(detail) => format!("{} {detail}", failure(error)),
        None => failure(error),
    }
}

/// Where it is asked once it is added.
pub(super) fn polled(typed: &str, report: &ProbeView) -> Result<String, ApiError> {
    if report.kind == word(Kind::Native) {
        return Ok(report.url.clone());
    }
    address(typed)
}

/// The report of a probe.
pub(super) async fn probe(typed: &str, credential: Option<Credential>) -> ProbeView {
    let Some(url) = agents::address::address(typed) else {
        let problem = agents::address::NONE.to_owned();
        return unidentified(typed.trim(), Some(problem));
    };
    match agents::probe(&url, credential.as_ref()).await {
        Ok(found) => report(&url, found),
        Err(error) => {
            let guarded = match error.http_status {
                Some(401 | 403) if credential.is_none() => agents::guarded(&url).await,
                _ => None,
            };
            ProbeView {
                needs_credential: matches!(error.http_status, Some(401 | 403)),
                ..match guarded {
                    Some(guarded) => behind_login(&url, &guarded),
                    None => unidentified(&url, Some(because(&error))),
                }
            }
        }
    }
}

/// Something that wants a login first; what it is, where that can be told.
fn behind_login(url: &str, guarded: &Guarded) -> ProbeView {
    let asks = if guarded.wants_basic {
        "It asks for a user name and a password."
    } else {
        "It asks for a token."
    };
    let unknown = " What it is cannot be told before.";
    ProbeView {
        kind: guarded.kind.map(word).unwrap_or_default(),
        product: guarded.kind.map(|kind| product(kind).to_owned()),
        needs_credential: true,
        wants_basic: guarded.wants_basic,
        ..unidentified(
            url,
            Some(match guarded.kind {
                Some(_) => asks.to_owned(),
                None => format!("{asks}{unknown}"),
            }),
        )
    }
}

fn product(kind: Kind) -> &'static str {
    match kind {
        Kind::Native => "Mission Control contract",
        Kind::A2a => "A2A",
        Kind::LangGraph => "LangGraph",
        Kind::OpenCode => "OpenCode",
        Kind::Github => "GitHub",
        Kind::Litellm => "LiteLLM proxy",
        Kind::Prometheus => "Prometheus",
    }
}

fn unidentified(url: &str, problem: Option<String>) -> ProbeView {
    ProbeView {
        kind: String::new(),
        identified: false,
        name: None,
        product: None,
        product_version: None,
        protocol_version: None,
        can: vec![],
        cannot: vec![],
        warnings: vec![],
        watched: vec![],
        url: url.to_owned(),
        sample: vec![],
        problem,
        needs_credential: false,
        wants_basic: false,
    }
}

/// What an endpoint may be able to do: the word of the probe, and what that means to the person.
const ABILITIES: [(&str, &str, &str); 10] = [
    (
        "listTasks",
        "Shows its tasks on the board",
        "It does not show tasks",
    ),
    (
        "listEscalations",
        "Brings its questions to the inbox",
        "It does not ask questions",
    ),
    ("decideApprove", "Takes approvals", "It takes no approvals"),
    (
        "decideEdit",
        "Takes an edited action",
        "It takes no edited action",
    ),
    (
        "decideRespond",
        "Takes answers in words",
        "It takes no answers in words",
    ),
    (
        "cancel",
        "Can be asked to cancel a task",
        "It cannot be asked to cancel a task",
    ),
    ("quota", "Reports its limits", "It does not report limits"),
    (
        "claims",
        "Says what it holds",
        "It does not say what it holds",
    ),
    (
        "idempotentDecision",
        "Takes one decision once, also after a crash",
        "Whether a decision arrived twice cannot always be told",
    ),
    (
        "stream",
        "Tells us at once when something changes",
        "It does not tell us when something changes; it is asked at intervals",
    ),
];

/// Why an endpoint that was identified does not take this answer; `None` when it does, or when nothing is known of it.
pub(super) fn takes_no(known: &[String], said: Said) -> Option<String> {
    let ability = match said {
        Said::Approve | Said::ApproveAlways => "decideApprove",
        Said::Edit => "decideEdit",
        Said::Respond => "decideRespond",
        Said::Cancel => "cancel",
        // Whoever asks can be told no.
        Said::Reject => return None,
    };
    if known.is_empty() || known.iter().any(|word| word == ability) {
        return None;
    }
    ABILITIES
        .iter()
        .find(|(word, ..)| *word == ability)
        .map(|(.., cannot)| format!("{cannot}."))
}

/// What an endpoint can and cannot do, in words. Nothing is said of one that was never identified.
pub(super) fn abilities(known: &[String]) -> (Vec<String>, Vec<String>) {
    if known.is_empty() {
        return (vec![], vec![]);
    }
    let has = |ability: &str| known.iter().any(|word| word == ability);
    let (can, cannot): (Vec<_>, Vec<_>) = ABILITIES.iter().partition(|(ability, ..)| has(ability));
    (
        can.iter().map(|(_, can, _)| (*can).to_owned()).collect(),
        cannot
            .iter()
            .map(|(.., cannot)| (*cannot).to_owned())
            .collect(),
    )
}

fn report(url: &str, found: Probe) -> ProbeView {
    let (can, cannot) = abilities(&found.capabilities);
    ProbeView {
        kind: word(found.kind),
        identified: true,
        name: found.name.as_deref().map(plain),
        product: found.product.as_deref().map(plain),
        product_version: found.product_version.as_deref().map(plain),
        protocol_version: found.protocol_version.as_deref().map(plain),
        can,
        cannot,
        warnings: found
            .warnings
            .iter()
            .map(|warning| plain(warning))
            .collect(),
        watched: vec![],
        url: found.status_url.unwrap_or_else(|| url.to_owned()),
        sample: vec![],
        problem: None,
        needs_credential: false,
        wants_basic: false,
    }
}

/// A row for a new endpoint. Its id is made from the name and was never used before.
pub(super) fn row(
    reader: &Reader,
    name: &str,
    url: &str,
    found: &Probe,
    now: Time,
) -> store::Result<EndpointRow> {
    let given = name.trim();
    let name = match (given, &found.name) {
        ("", Some(name)) => plain(name),
        ("", None) => "Agent".to_owned(),
        (given, _) => given.to_owned(),
    };
    let mut row = EndpointRow {
        id: free_id(reader, &name)?,
        name,
        kind: String::new(),
        url: String::new(),
        credential: crate::secrets::NONE.to_owned(),
        paused: false,
        capabilities: vec![],
        warnings: vec![],
        added_at: now,
    };
    describe(&mut row, url, found);
    Ok(row)
}

/// Puts what was found into the row.
pub(super) fn describe(row: &mut EndpointRow, url: &str, found: &Probe) {
    row.kind = word(found.kind);
    row.url = match (found.kind, &found.status_url) {
        (Kind::Native, Some(status)) => status.clone(),
        _ => url.to_owned(),
    };
    row.capabilities.clone_from(&found.capabilities);
    row.warnings.clone_from(&found.warnings);
}

fn free_id(reader: &Reader, name: &str) -> store::Result<EndpointId> {
    let mut base: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(60)
        .collect();
    while base.contains("--") {
        base = base.replace("--", "-");
    }
    let base = match base.trim_matches('-') {
        "" => "agent",
        base => base,
    };
    let mut id = EndpointId::from(base);
    let mut number = 2;
    while endpoints::was_used(reader, &id)? {
        id = EndpointId::from(format!("{base}-{number}").as_str());
        number += 1;
    }
    Ok(id)
}

/// Ports that would be asked.
pub(super) fn plan() -> DiscoverPlan {
    let ports = USUAL
        .iter()
        .map(|(port, usual)| DiscoverPort {
            port: *port,
            usual: (*usual).to_owned(),
        })
        .collect();
    DiscoverPlan { ports }
}

/// Asks these ports of this computer, each once.
pub(super) async fn discover(ports: &[u16]) -> Result<DiscoverView, ApiError> {
    let ports: BTreeSet<_> = ports.iter().copied().filter(|port| *port > 0).collect();
    if ports.len() > MOST_PORTS {
        let problem = format!("At most {MOST_PORTS} ports are asked at a time.");
        return Err(ApiError::new("invalid", problem));
    }
    let asked: Vec<_> = ports
        .into_iter()
        .map(|port| tokio::spawn(look(port)))
        .collect();
    let mut found = vec![];
    let count = u32::try_from(asked.len()).unwrap_or(u32::MAX);
    for look in asked {
        if let Ok(some) = look.await {
            found.extend(some);
        }
    }
    Ok(DiscoverView {
        found,
        asked: count,
    })
}

/// What answers at a port: an agent, or something that wants a login before it says what it is.
async fn look(port: u16) -> Option<ProbeView> {
    let base = format!("http://127.0.0.1:{port}");
    let mut behind = None;
    for url in [format!("{base}/"), format!("{base}/status")] {
        match agents::probe(&url, None).await {
            Ok(found) => return Some(report(&url, found)),
            Err(error) if matches!(error.http_status, Some(401 | 403)) && behind.is_none() => {
                let guarded = agents::guarded(&url).await;
                behind = guarded.map(|guarded| behind_login(&url, &guarded));
            }
            Err(_) => {}
        }
    }
    behind
}

//! Adding endpoints: what answers at an address, in plain words; what may be running on this computer.
//!
//! Looking changes nothing anywhere, and nothing is looked at before the person saw the list and agreed.

use agents::{Credential, Kind, Probe};
use domain::{decision::Outcome as Said, fact::PollError, ids::EndpointId, time::Time};
use store::{Reader, tables::endpoints, tables::endpoints::EndpointRow};

use super::{
    ApiError,
    views::{DiscoverPlan, DiscoverPort, DiscoverView, ProbeView},
    wording::{failure, plain},
};
use crate::connect::word;

/// Where agents usually listen.
const USUAL: [(u16, &str); 8] = [
    (2024, "LangGraph"),
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

/// Identifies what is at an address; refused in words.
pub(super) async fn identify(
    url: &str,
    credential: Option<&Credential>,
) -> Result<Probe, ApiError> {
    agents::probe(url.trim(), credential)
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

/// The report of a probe.
pub(super) async fn probe(url: &str, credential: Option<Credential>) -> ProbeView {
    match agents::probe(url.trim(), credential.as_ref()).await {
        Ok(found) => report(url.trim(), found),
        Err(error) => ProbeView {
            kind: String::new(),
            identified: false,
            name: None,
            product: None,
            product_version: None,
            protocol_version: None,
            can: vec![],
            cannot: vec![],
            warnings: vec![],
            url: url.trim().to_owned(),
            sample: vec![],
            problem: Some(because(&error)),
            needs_credential: matches!(error.http_status, Some(401 | 403)),
        },
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
        url: found.status_url.unwrap_or_else(|| url.to_owned()),
        sample: vec![],
        problem: None,
        needs_credential: false,
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
        _ => url.trim().to_owned(),
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

/// Asks this computer's ports, only those of the list.
pub(super) async fn discover(ports: &[u16]) -> DiscoverView {
    let known = |port: &&u16| USUAL.iter().any(|(usual, _)| usual == *port);
    let asked: Vec<_> = ports
        .iter()
        .filter(known)
        .map(|port| tokio::spawn(look(*port)))
        .collect();
    let mut found = vec![];
    let count = u32::try_from(asked.len()).unwrap_or(u32::MAX);
    for look in asked {
        if let Ok(some) = look.await {
            found.extend(some);
        }
    }
    DiscoverView {
        found,
        asked: count,
    }
}

async fn look(port: u16) -> Vec<ProbeView> {
    let base = format!("http://127.0.0.1:{port}");
    let mut found = vec![];
    for url in [format!("{base}/"), format!("{base}/status")] {
        if let Ok(probe) = agents::probe(&url, None).await {
            found.push(report(&url, probe));
            break;
        }
    }
    found
}

//! Whether what answers at an address is watched already, under another name or another spelling of its address: watched
//! twice, all it does would count twice, and its questions would be asked twice.
//!
//! It looks once at what is shown there and changes nothing; the person decides.

use agents::{Credential, Observation, Target};
use domain::{
    contract::{self, AgentCard, Document},
    ids::TaskRef,
    link::same_address,
};
use store::{
    Reader,
    tables::{agents::of as agents_of, endpoints, endpoints::EndpointRow, tasks},
};

use crate::connect;

/// Tasks that are compared.
const COMPARED: usize = 50;

/// What is shown there now; `None` when that cannot be told.
pub(super) async fn shown(
    url: &str,
    kind: &str,
    credential: Option<Credential>,
) -> Option<Document> {
    let target = Target {
        endpoint: "new".into(),
        kind: connect::kind(kind).ok()?,
        url: url.to_owned(),
        credential,
        known_tasks: vec![],
        known_questions: vec![],
    };
    let seen = agents::open(&target).ok()?.observe().await.ok()?;
    let Observation::Document { body, .. } = seen else {
        return None;
    };
    contract::read(body.as_bytes()).ok()
}

/// A sentence for each endpoint that it may be.
pub(super) fn watched(
    reader: &Reader,
    url: &str,
    kind: &str,
    shown: Option<&Document>,
) -> store::Result<Vec<String>> {
    let mut found = vec![];
    for row in endpoints::list(reader)? {
        let name = &row.name;
        if same_address(&row.url, url) {
            found.push(format!("This address is watched already, as {name}."));
        } else if row.kind == kind
            && let Some(shown) = shown
            && shows_the_same(reader, &row, shown)?
        {
            found.push(format!(
                "It shows the same agent and the same tasks as {name}, which is watched already."
            ));
        }
    }
    Ok(found)
}

fn shows_the_same(reader: &Reader, row: &EndpointRow, shown: &Document) -> store::Result<bool> {
    let agents = agents_of(reader, &row.id)?;
    let same_agent = |card: &AgentCard| agents.iter().any(|known| known.card.name == card.name);
    if !shown.agent.as_ref().is_some_and(same_agent) {
        return Ok(false);
    }
    let listed = shown.tasks.iter().flatten().take(COMPARED);
    let mut listed = listed.peekable();
    let some = listed.peek().is_some();
    for item in listed {
        let task = TaskRef {
            endpoint: row.id.clone(),
            task: item.value.id.clone(),
        };
        if tasks::get(reader, &task)?.is_none() {
            return Ok(false);
        }
    }
    Ok(some)
}

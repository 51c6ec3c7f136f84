//! From a stored endpoint to something that can be asked. Its login is fetched each time it is connected; where that is
//! kept is `secrets.rs`.

use std::sync::{Arc, Mutex};

use agents::{
    Kind, Target,
    http::invalid,
    quota::{self, mapping::Mapping},
};
use domain::{fact::PollError, ids::EndpointId};
use store::{
    Store,
    tables::{endpoints::EndpointRow, escalations, settings, tasks},
};

use crate::{
    demo::{endpoint::Scripted, script::Script},
    poll::Connect,
    secrets::Secrets,
};

/// Kind of the scripted agents.
pub const DEMO: &str = "demo";

/// So many tasks of an endpoint, and so many of its questions, are handed over; those that move, and late ones, first.
const FOLLOWED: u32 = 500;

/// Connects to endpoints.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(crate) secrets: Secrets,
    demo: Option<Arc<Mutex<Script>>>,
}

impl Connector {
    /// Connects to the endpoints of a person.
    pub(crate) fn with_secrets(secrets: Secrets) -> Self {
        Self {
            secrets,
            demo: None,
        }
    }

    /// Connects to the scripted agents too. The demo ends without a trace, so nothing of it is kept anywhere.
    pub(crate) fn with_demo(script: Script) -> Self {
        Self {
            secrets: Secrets::session_only(),
            demo: Some(Arc::new(Mutex::new(script))),
        }
    }

    /// How to connect to that endpoint.
    pub(crate) fn of(&self, row: &EndpointRow, store: &Store) -> Connect {
        if let (DEMO, Some(script)) = (row.kind.as_str(), &self.demo) {
            let (script, agent) = (Arc::clone(script), row.id.clone());
            return Arc::new(move || {
                let scripted = Scripted::new(Arc::clone(&script), agent.as_str());
                Box::pin(async move { Ok(Box::new(scripted) as Box<dyn agents::Endpoint>) })
            });
        }
        let (secrets, row, store) = (self.secrets.clone(), Arc::new(row.clone()), store.clone());
        Arc::new(move || {
            let (secrets, row, store) = (secrets.clone(), Arc::clone(&row), store.clone());
            Box::pin(async move {
                let kind: Kind = kind(&row.kind)?;
                let credential = secrets.of(&row.credential, &row.url).await?;
                let target = Target {
                    endpoint: row.id.clone(),
                    kind,
                    url: row.url.clone(),
                    credential,
                    // Where there is no list, what it was doing is asked for by name, also after we were closed.
                    known_tasks: store
                        .read(|reader| tasks::ids(reader, &row.id, FOLLOWED))
                        .unwrap_or_default(),
                    known_questions: store
                        .read(|reader| escalations::open(reader, &row.id, FOLLOWED))
                        .unwrap_or_default(),
                };
                if kind != Kind::Prometheus {
                    return agents::open(&target);
                }
                let name = mapping_name(&row.id);
                let mapping: Option<Mapping> = store
                    .read(|reader| settings::get(reader, &name))
                    .unwrap_or_default();
                quota::open_mapped(&target, mapping.unwrap_or_default())
            })
        })
    }
}

/// What the mapping of a metrics page is called among the settings.
pub(crate) fn mapping_name(endpoint: &EndpointId) -> String {
    format!("mapping:{endpoint}")
}

/// The kind of that word.
pub(crate) fn kind(word: &str) -> Result<Kind, PollError> {
    serde_json::from_value(word.into())
        .map_err(|_| invalid("This version cannot speak to this kind of endpoint."))
}

/// The word of a kind, as it is stored.
pub fn word(kind: Kind) -> String {
    match serde_json::to_value(kind) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

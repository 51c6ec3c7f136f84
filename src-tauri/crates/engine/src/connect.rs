//! From a stored endpoint to something that can be asked. Credentials live here and nowhere else in the engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use agents::{Credential, Kind, Target, http::invalid};
use domain::{fact::PollError, ids::EndpointId};
use store::{
    Store,
    tables::{endpoints::EndpointRow, tasks},
};

use crate::{
    demo::{endpoint::Scripted, script::Script},
    poll::Connect,
};

/// Kind of the scripted agents.
pub const DEMO: &str = "demo";

/// So many tasks of an endpoint are handed over; those that move, and late ones, first.
const FOLLOWED: u32 = 500;

/// Connects to endpoints.
#[derive(Clone, Default)]
pub(crate) struct Connector {
    credentials: Arc<Mutex<BTreeMap<EndpointId, Credential>>>,
    demo: Option<Arc<Mutex<Script>>>,
}

impl Connector {
    /// Connects to the scripted agents too.
    pub(crate) fn with_demo(script: Script) -> Self {
        Self {
            demo: Some(Arc::new(Mutex::new(script))),
            ..Self::default()
        }
    }

    /// Keeps a credential until the process ends, or forgets it.
    pub(crate) fn keep(&self, endpoint: &EndpointId, credential: Option<Credential>) {
        let mut all = self
            .credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match credential {
            Some(credential) => all.insert(endpoint.clone(), credential),
            None => all.remove(endpoint),
        };
    }

    /// How to connect to that endpoint.
    pub(crate) fn of(&self, row: &EndpointRow, store: &Store) -> Connect {
        if let (DEMO, Some(script)) = (row.kind.as_str(), &self.demo) {
            let (script, agent) = (Arc::clone(script), row.id.clone());
            return Arc::new(move || {
                Ok(Box::new(Scripted::new(Arc::clone(&script), agent.as_str())))
            });
        }
        let (credentials, row, store) = (Arc::clone(&self.credentials), row.clone(), store.clone());
        Arc::new(move || {
            let kind: Kind = kind(&row.kind)?;
            let credential = credentials
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&row.id)
                .cloned();
            agents::open(&Target {
                endpoint: row.id.clone(),
                kind,
                url: row.url.clone(),
                credential,
                // Where there is no list, what it was doing is asked for by name, also after we were closed.
                known_tasks: store
                    .read(|reader| tasks::ids(reader, &row.id, FOLLOWED))
                    .unwrap_or_default(),
            })
        })
    }
}

fn kind(word: &str) -> Result<Kind, PollError> {
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

//! From a stored endpoint to something that can be asked. Credentials live here and nowhere else in the engine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use agents::{Credential, Kind, Target, http::invalid};
use domain::{fact::PollError, ids::EndpointId};
use store::tables::endpoints::EndpointRow;

use crate::{
    demo::{endpoint::Scripted, script::Script},
    poll::Connect,
};

/// Kind of the scripted agents.
pub const DEMO: &str = "demo";

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
    pub(crate) fn of(&self, row: &EndpointRow) -> Connect {
        if let (DEMO, Some(script)) = (row.kind.as_str(), &self.demo) {
            let (script, agent) = (Arc::clone(script), row.id.clone());
            return Arc::new(move || {
                Ok(Box::new(Scripted::new(Arc::clone(&script), agent.as_str())))
            });
        }
        let (credentials, row) = (Arc::clone(&self.credentials), row.clone());
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
                known_tasks: vec![],
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

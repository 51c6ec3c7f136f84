//! What the owner begins with: the newest snapshot, the rows of the log after it, and the outbox as it stands.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    change::Change,
    fact::{Config, Fact, read_line},
    fleet::Fleet,
    ids::{DecisionId, EndpointId},
    time::Time,
};
use store::{
    Reader, Store,
    tables::{costs, decisions, endpoints, facts, ownership, schemas},
};

use super::{
    Known,
    outbox::Parcel,
    said_of,
    snapshot::{self, Restored},
    spent,
};
use crate::{
    api::settings,
    cost::{Limits, cpu},
};

/// The state that the log gives.
pub(super) struct Loaded {
    pub(super) fleet: Fleet,
    pub(super) known: BTreeMap<EndpointId, Known>,
    pub(super) outbox: BTreeMap<DecisionId, Parcel>,
    /// Of the last row.
    pub(super) seq: u64,
    /// Its time.
    pub(super) last: Option<Time>,
    /// Bytes of the log that were read.
    pub(super) read: usize,
    /// Lines that took too long.
    costly: Vec<(u64, Option<EndpointId>, Time, Duration)>,
}

/// Reads what the newest snapshot does not know yet. The first time, the configuration that recordings begin with is fixed.
pub(super) fn load(store: &Store, limits: Limits) -> store::Result<Loaded> {
    if store.read(facts::config)?.is_none() {
        let config = store.read(first_config)?;
        let config = serde_json::to_value(&config)?;
        store.write(move |tx| facts::set_config(tx, &config))?;
    }
    let left_out: BTreeSet<u64> = store
        .read(costs::left_out)?
        .into_iter()
        .map(|row| row.seq)
        .collect();
    let kept = snapshot::newest(store)?;
    let loaded = store.read(|reader| {
        let config = match facts::config(reader)? {
            Some(config) => serde_json::from_value(config)?,
            None => Config::default(),
        };
        let Restored { seq, fleet, known } = kept.unwrap_or_else(|| Restored {
            seq: 0,
            fleet: Fleet::new(config),
            known: BTreeMap::new(),
        });
        let mut loaded = Loaded {
            fleet,
            known,
            outbox: BTreeMap::new(),
            seq,
            last: None,
            read: 0,
            costly: vec![],
        };
        for row in endpoints::list(reader)? {
            let set_aside = spent::is_set_aside(reader, &row.id)?;
            loaded.known.entry(row.id).or_default().set_aside = set_aside;
        }
        facts::each(reader, seq, |row| {
            if !left_out.contains(&row.seq) {
                loaded.fact(&row, limits);
            }
            Ok(())
        })?;
        for known in loaded.known.values_mut() {
            known.nothing = known.said.differ().nothing();
        }
        let (seq, last) = facts::end(reader)?;
        loaded.seq = seq;
        loaded.last = loaded.last.max(last);
        for decision in decisions::outbox(reader)? {
            loaded
                .outbox
                .insert(decision.id.clone(), Parcel::found(decision));
        }
        Ok(loaded)
    })?;
    let costly = loaded.costly.clone();
    if !costly.is_empty() {
        // What cannot be noted now costs as much at the next start.
        let _ = store.write(move |tx| {
            costly.iter().try_for_each(|(seq, endpoint, at, took)| {
                costs::leave_out(tx, *seq, endpoint.as_ref(), *at, *took)
            })
        });
    }
    Ok(loaded)
}

/// What a recording would begin with now.
pub(super) fn first_config(reader: &Reader) -> store::Result<Config> {
    Ok(Config {
        ownership: ownership::current(reader)?
            .map(|version| version.document)
            .unwrap_or_default(),
        settings: settings::rules(reader)?,
        schemas: schemas::list(reader)?
            .into_iter()
            .filter_map(|row| Some((row.name, serde_json::from_str(&row.text).ok()?)))
            .collect(),
    })
}

impl Loaded {
    fn fact(&mut self, row: &facts::FactRow, limits: Limits) {
        let began = cpu();
        self.read += row.line.len();
        // A row that cannot be read was written by another version; it was judged then.
        let Ok(Some(line)) = read_line(row.seq + 1, &row.line) else {
            return;
        };
        self.last = Some(row.at);
        match &line.fact {
            Fact::Status { endpoint, .. } => {
                let known = self.known.entry(endpoint.clone()).or_default();
                known.failing = false;
                if let Some(document) = status_text(&row.line) {
                    known.said.differ().learn(document);
                }
            }
            Fact::Failed { endpoint, .. } => {
                self.known.entry(endpoint.clone()).or_default().failing = true;
            }
            _ => {}
        }
        let mut changes = self.fleet.take(&line);
        self.fleet.judge(row.at, &mut changes);
        changes.iter().for_each(|change| self.note(change));
        let took = cpu() - began;
        if took > limits.line
            && let Fact::Status { endpoint, .. } = line.fact
        {
            self.costly.push((row.seq, Some(endpoint), row.at, took));
        }
    }

    fn note(&mut self, change: &Change) {
        if let Some(known) = said_of(change).and_then(|name| self.known.get_mut(name)) {
            known.note(change);
        }
    }
}

/// The document in a row, byte for byte as it was written.
fn status_text(line: &str) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        status: &'a serde_json::value::RawValue,
    }
    serde_json::from_str::<Row<'_>>(line)
        .ok()
        .map(|row| row.status.get())
}

#[cfg(test)]
mod tests;

//! Giving and taking away JSON Schemas: a fact like a change of rules, so that a recording holds bodies to the same as the
//! running app did at that moment.

use std::collections::BTreeMap;

use domain::{fact, fleet::Fleet};
use serde_json::{Value, json};
use store::{
    Tx,
    tables::{audit, facts, facts::FactKind, schemas},
};

use super::{Owner, load};
use crate::api::{
    ApiError,
    schemas::{ready_to_keep, refused_by},
    views::{SchemaSaved, Topic},
    wording::count,
};

/// Everything that an output which is refused, or no longer, is seen on.
const TOPICS: [Topic; 6] = [
    Topic::Ownership,
    Topic::Letters,
    Topic::Inbox,
    Topic::Board,
    Topic::Agents,
    Topic::Status,
];

impl Owner {
    /// Keeps a schema under a name, or (`None`) takes that one away.
    pub(super) fn schema(
        &mut self,
        name: &str,
        text: Option<&str>,
    ) -> Result<SchemaSaved, ApiError> {
        let text = text.map(|text| text.trim_start_matches('\u{feff}'));
        let store = self.parts.store.clone();
        let schema = match text {
            Some(text) => store.read(|reader| Ok(ready_to_keep(reader, name, text)))??,
            None if store.read(|reader| schemas::get(reader, name))?.is_none() => {
                return Err(ApiError::new("missing", "There is no such schema."));
            }
            None => None,
        };
        if text.is_some() && schema.is_none() {
            return self.saved(name, "It is kept already, and nothing was changed.");
        }
        let (kept, words) = (name.to_owned(), text.map(str::to_owned));
        let digest = text.map(domain::decision::digest);
        let write = move |tx: &Tx<'_>, now| {
            let before = schemas::get(tx, &kept)?.map(|row| domain::decision::digest(&row.text));
            match &words {
                Some(text) => schemas::put(tx, &kept, text, now)?,
                None => schemas::remove(tx, &kept)?,
            }
            let detail = json!({ "kept": digest, "before": before });
            audit::append(tx, now, "schema", &kept, &detail)?;
            Ok(())
        };
        let done = if self.seq == 0 {
            // Nothing was heard yet: a recording begins with it.
            let now = self.now();
            let config = self.write(move |tx| {
                write(tx, now)?;
                let config = load::first_config(tx)?;
                facts::set_config(tx, &serde_json::to_value(&config)?)?;
                Ok(config)
            });
            let config = config.map_err(|_| self.unsaved())?;
            self.fleet = Fleet::new(config);
            true
        } else {
            let change: BTreeMap<String, Option<Value>> = [(name.to_owned(), schema)].into();
            let fresh = self
                .fresh(FactKind::Schemas, None, |at| {
                    fact::write_schemas(at, &change)
                })
                .map_err(|problem| ApiError::new("invalid", problem))?;
            let at = fresh.at;
            self.commit(fresh, move |tx| write(tx, at))
        };
        if !done {
            return Err(self.unsaved());
        }
        self.announce_topics(&TOPICS);
        match text {
            Some(_) => self.saved(name, "It is kept, and holds from now on."),
            None => self.saved(name, "It is taken away. Nothing is held to it any more."),
        }
    }

    fn saved(&self, name: &str, said: &str) -> Result<SchemaSaved, ApiError> {
        let refused = self.parts.store.read(|reader| refused_by(reader, name))?;
        let sentence = match refused {
            0 => said.to_owned(),
            some => format!(
                "{said} {} refused because of it.",
                count(some, "output stands", "outputs stand")
            ),
        };
        Ok(SchemaSaved { sentence, refused })
    }
}

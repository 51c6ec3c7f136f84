//! Bodies of artifacts against the JSON Schemas of the config: the one they name, and the one of the stage they are
//! handed to.
//!
//! Schemas come with the config and refer to nothing outside; one that cannot be used checks nothing, like one that is
//! missing.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::Value;

use super::{
    slots::Subject,
    take::Intake,
    world::{Dead, Entry, Key, World},
};
use crate::{
    change::{Change, DeadLetter},
    contract::{Artifact, Handoff, Problem, json},
    mend::word_of,
    snapshot::{Decoder, Encoder, Save, saved},
};

/// Told of one body at most; a person reads fewer.
const ERRORS: usize = 50;

/// Receivers kept of one artifact.
const STAGES: usize = 100;

/// The schemas, ready for use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemas {
    by_name: BTreeMap<String, Schema>,
}
saved! { Schemas { by_name } }

/// One that can be used.
#[derive(Clone, Debug)]
struct Schema {
    given: Value,
    ready: Validator,
}

/// It is made ready again from what was given.
impl Save for Schema {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let Self { given, ready: _ } = self;
        given.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        Self::new(&Value::read(from)?)
    }
}

impl Schema {
    fn new(given: &Value) -> Option<Self> {
        Some(Self {
            ready: jsonschema::validator_for(given).ok()?,
            given: given.clone(),
        })
    }
}

impl Schemas {
    pub(crate) fn new(schemas: &BTreeMap<String, Value>) -> Self {
        let ready = schemas
            .iter()
            .filter_map(|(name, schema)| Some((name.clone(), Schema::new(schema)?)));
        Self {
            by_name: ready.collect(),
        }
    }

    /// Some are given, replaced or taken away.
    fn change(&mut self, schemas: &BTreeMap<String, Option<Value>>) {
        for (name, schema) in schemas {
            match schema.as_ref().and_then(Schema::new) {
                Some(schema) => self.by_name.insert(name.clone(), schema),
                None => self.by_name.remove(name),
            };
        }
    }
}

/// Why a body is held to its schemas now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// It was sent in this very document, and so takes the place of whatever could not be read before.
    Sent,
    /// It was handed to somebody.
    Handed,
    /// The person wants something else of what stands: nobody failed again.
    Anew,
}

/// The body of an artifact, read from its bytes: whoever keeps many artifacts keeps no trees of them.
fn body_of(raw: &str) -> Option<Value> {
    let item = json::parse(raw).ok()?;
    let body = serde_json::from_str(item.get("body")?.raw).ok()?;
    Some(body).filter(|body: &Value| !body.is_null())
}

impl World {
    /// Everything in a body that does not fit.
    pub(super) fn misfits(&self, key: &Key, artifact: &Entry<Artifact>) -> Vec<Problem> {
        let names = self.held_to(key, artifact);
        if names.is_empty() {
            return vec![];
        }
        let Some(body) = body_of(&artifact.seen.raw) else {
            return vec![];
        };
        let place = &*artifact.seen.evidence.pointer;
        let place = place.strip_prefix("/status").unwrap_or(place);
        let mut problems = vec![];
        for name in names {
            let Some(schema) = self.schemas.by_name.get(name) else {
                continue;
            };
            for error in schema.ready.iter_errors(&body).take(ERRORS) {
                problems.push(Problem {
                    pointer: format!("{place}/body{}", error.instance_path()),
                    list: "artifacts".to_owned(),
                    item: Some(key.1.clone()),
                    code: "schema".to_owned(),
                    message: format!("It does not fit {name}: {error}."),
                    schema: Some(word_of(name, &error)),
                    raw: artifact.seen.raw.clone(),
                });
            }
        }
        problems
    }

    /// Names of the schemas that a body is to fit, known or not.
    fn held_to<'w>(&'w self, key: &Key, artifact: &'w Entry<Artifact>) -> BTreeSet<&'w str> {
        let mut names: BTreeSet<&str> = artifact.value.schema_ref.as_deref().into_iter().collect();
        for stage in self.handed_to.get(key).into_iter().flatten() {
            let stages = self.rules.stages.iter();
            let meant = stages.filter(|s| s.name == *stage || s.agent == *stage);
            names.extend(meant.filter_map(|stage| stage.accepts_schema.as_deref()));
        }
        names
    }
}

impl Intake<'_> {
    /// Other schemas: what stands and is held to one of them is checked again.
    pub(super) fn other_schemas(&mut self, schemas: &BTreeMap<String, Option<Value>>) {
        self.world.schemas.change(schemas);
        let meant = self.world.artifacts.iter().filter(|(key, artifact)| {
            let names = self.world.held_to(key, artifact);
            names.into_iter().any(|name| schemas.contains_key(name))
        });
        let keys: Vec<_> = meant.map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.fits(&key, Held::Anew);
        }
    }

    /// A handoff may name a stage with a schema of its own.
    pub(super) fn handed(&mut self, key: &Key, handoff: &Handoff) {
        let output = handoff.output.as_ref();
        let Some(artifact) = output.and_then(|output| output.artifact_id.clone()) else {
            return;
        };
        let key = (key.0.clone(), artifact);
        let stages = self.world.handed_to.entry(key.clone()).or_default();
        if stages.len() >= STAGES || !stages.insert(handoff.to.clone()) {
            return;
        }
        // Most are held to nothing of their own.
        let stages = self.world.rules.stages.iter();
        let mut meant = stages.filter(|s| s.name == handoff.to || s.agent == handoff.to);
        if meant.any(|stage| stage.accepts_schema.is_some()) {
            self.fits(&key, Held::Handed);
        }
    }

    /// Other stages: everything handed over is checked again.
    pub(super) fn fit_again(&mut self) {
        let keys: Vec<_> = self.world.handed_to.keys().cloned().collect();
        for key in keys {
            self.fits(&key, Held::Anew);
        }
    }

    /// Checks an artifact that could be read. It stays in use either way.
    pub(super) fn fits(&mut self, key: &Key, held: Held) {
        let Some(artifact) = self.world.artifacts.get(key) else {
            return;
        };
        let agent = artifact.seen.agent.clone();
        let problems = self.world.misfits(key, artifact);
        let place = (key.0.clone(), "artifacts".to_owned(), key.1.clone());
        let known = self.world.dead.get(&place);
        if problems.is_empty() {
            let unread = known.is_some_and(|k| k.problems.iter().any(|p| p.code != "schema"));
            if held == Held::Sent || !unread {
                self.clear(&agent, "artifacts", &key.1);
            }
            return;
        }
        let seen = artifact.seen.clone();
        if known.is_some_and(|known| known.problems == problems) {
            return;
        }
        self.changes.push(Change::DeadLetter(DeadLetter {
            endpoint: key.0.clone(),
            agent: Some(agent.agent.clone()),
            item: key.1.clone(),
            problems: problems.clone(),
            line: seen.evidence.line,
            at: self.now,
        }));
        if held != Held::Anew {
            self.refused_again(&agent, "artifacts", &problems, &seen.evidence);
        }
        self.mark(Subject::Item(
            place.0.clone(),
            place.1.clone(),
            place.2.clone(),
        ));
        self.world.dead.insert(place, Dead { seen, problems });
    }
}

//! The JSON Schemas that bodies are held to: which there are, who names them, which are missing.
//!
//! Whether a text is a schema that can be used is `domain::schema`'s; holding bodies to it is the rules'. Giving one is the
//! owner's, for it is a fact.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ownership::names, schema};
use serde_json::Value;
use store::{
    Reader, Result,
    tables::{dead_letters, ownership, schemas, schemas::SchemaRow},
};

use super::{
    ApiError,
    views::{SchemaRequest, SchemaText, SchemaView, SchemasView},
    wording::{Glance, count, plain},
};

/// So many are kept.
const MOST: usize = 200;
/// All of them together are so large.
const LARGEST_ALL: usize = 1024 * 1024;

#[derive(Default)]
struct Use {
    stages: BTreeSet<String>,
    agents: BTreeSet<String>,
    artifacts: u32,
    refused: u32,
}

/// All that were given, and all that are named and were not.
pub fn schemas(glance: Glance<'_>) -> Result<SchemasView> {
    let mut known: BTreeMap<String, SchemaRow> = BTreeMap::new();
    for row in schemas::list(glance.reader)? {
        known.insert(row.name.clone(), row);
    }
    let mut uses = uses(glance.reader)?;
    for name in known.keys() {
        uses.entry(name.clone()).or_default();
    }
    let mut views: Vec<SchemaView> = uses
        .into_iter()
        .map(|(name, used)| view(&name, known.get(&name), used))
        .collect();
    views.sort_by_key(|view| view.known);
    let missing = views.iter().filter(|view| !view.known).count();
    let missing = u32::try_from(missing).unwrap_or(u32::MAX);
    let there = u32::try_from(known.len()).unwrap_or(u32::MAX);
    Ok(SchemasView {
        title: match (there, missing) {
            (0, 0) => "No schemas: nothing is checked".to_owned(),
            (_, 0) => count(there, "schema", "schemas"),
            (0, _) => format!(
                "{} named and not known, so nothing is checked",
                count(missing, "schema is", "schemas are")
            ),
            (..) => format!(
                "{}, and {} named and not known",
                count(there, "schema", "schemas"),
                count(missing, "more is", "more are")
            ),
        },
        missing,
        schemas: views,
    })
}

/// Who names what.
fn uses(reader: &Reader) -> Result<BTreeMap<String, Use>> {
    let mut uses: BTreeMap<String, Use> = BTreeMap::new();
    let rules = ownership::current(reader)?.map(|version| version.document);
    for stage in rules.into_iter().flat_map(|rules| rules.stages) {
        if let Some(name) = stage.accepts_schema {
            uses.entry(name).or_default().stages.insert(stage.name);
        }
    }
    for row in schemas::uses(reader)? {
        let used = uses.entry(row.name).or_default();
        used.agents.insert(row.agent.to_string());
        used.artifacts += row.artifacts;
    }
    for row in dead_letters::list(reader, None)? {
        let problems = row.problems.as_array();
        let broken: BTreeSet<&str> = problems
            .into_iter()
            .flatten()
            .filter(|problem| problem.get("code").and_then(Value::as_str) == Some("schema"))
            .filter_map(|problem| problem.get("schema")?.as_str()?.split('#').next())
            .collect();
        for name in broken {
            if let Some(used) = uses.get_mut(name) {
                used.refused += 1;
            }
        }
    }
    Ok(uses)
}

fn view(name: &str, row: Option<&SchemaRow>, used: Use) -> SchemaView {
    let problem = match row {
        None => Some("It is named and was never given, so nothing is held to it.".to_owned()),
        Some(row) => schema::read(&row.text)
            .err()
            .map(|refused| plain(&refused.sentence)),
    };
    let stages: Vec<String> = used.stages.iter().map(|name| plain(name)).collect();
    let agents: Vec<String> = used.agents.iter().map(|name| plain(name)).collect();
    let mut uses = vec![];
    if !stages.is_empty() {
        let (word, takes) = match stages.len() {
            1 => ("Stage", "takes"),
            _ => ("Stages", "take"),
        };
        uses.push(format!(
            "{word} {} {takes} only what fits it.",
            names::list(&stages)
        ));
    }
    if used.artifacts > 0 {
        uses.push(format!(
            "{} of {} it.",
            count(used.artifacts, "output", "outputs"),
            match used.artifacts {
                1 => format!("{} names", names::list(&agents)),
                _ => format!("{} name", names::list(&agents)),
            }
        ));
    }
    if used.refused > 0 {
        uses.push(format!(
            "{} refused because of it.",
            count(used.refused, "output stands", "outputs stand")
        ));
    }
    if uses.is_empty() {
        uses.push("No stage and no output names it yet.".to_owned());
    }
    SchemaView {
        name: name.to_owned(),
        known: row.is_some(),
        sha256: row.map(|row| row.sha256.clone()),
        added_at: row.map(|row| row.added_at),
        bytes: row.and_then(|row| u32::try_from(row.text.len()).ok()),
        problem,
        stages,
        artifacts: used.artifacts,
        agents,
        refused: used.refused,
        uses,
    }
}

/// One, as it was given.
pub fn text(glance: Glance<'_>, request: &SchemaRequest) -> Result<Option<SchemaText>> {
    let row = schemas::get(glance.reader, &request.name)?;
    Ok(row.map(|row| SchemaText {
        name: row.name,
        text: row.text,
        sha256: row.sha256,
        added_at: row.added_at,
    }))
}

/// What is to be kept under a name: `None` when it stands there already.
pub fn ready_to_keep(
    reader: &Reader,
    name: &str,
    text: &str,
) -> std::result::Result<Option<Value>, ApiError> {
    if let Some(why) = schema::refused_name(name) {
        return Err(ApiError::new("invalid", why));
    }
    let schema =
        schema::read(text).map_err(|refused| ApiError::new("invalid", plain(&refused.sentence)))?;
    let others = schemas::list(reader)?;
    if others
        .iter()
        .any(|other| other.name == name && other.text == text)
    {
        return Ok(None);
    }
    let others: Vec<_> = others.iter().filter(|other| other.name != name).collect();
    if others.len() >= MOST {
        return Err(ApiError::new("invalid", "There are 200 schemas already."));
    }
    let size: usize = others.iter().map(|other| other.text.len()).sum();
    if size + text.len() > LARGEST_ALL {
        return Err(ApiError::new(
            "invalid",
            "All schemas together would be larger than 1 MiB.",
        ));
    }
    Ok(Some(schema))
}

/// How many outputs stand refused by one.
pub fn refused_by(reader: &Reader, name: &str) -> Result<u32> {
    Ok(uses(reader)?.get(name).map_or(0, |used| used.refused))
}

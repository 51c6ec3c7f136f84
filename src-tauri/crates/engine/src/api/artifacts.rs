//! What a task made: contents by their SHA-256, who read which version, and whether a newer one has come since.
//!
//! A content is shown as a tree, as blocks or as text, part by part. It is never markup.

use std::{cmp::Reverse, collections::BTreeMap};

use domain::{
    contract::{Artifact, Handoff},
    decision::digest,
    ids::TaskRef,
    ownership::Stage,
    schema,
};
use serde_json::Value;
use store::{
    Result,
    tables::{
        accesses, artifacts,
        artifacts::VersionRow,
        dead_letters::{self, Act, DeadLetterRow},
        ownership, records, schemas,
    },
};

use super::{
    markdown,
    tree::tree,
    views::{
        ArtifactBody, ArtifactBodyRequest, ArtifactCheck, ArtifactReader, ArtifactVersion,
        ArtifactView, ArtifactsView, SchemaCheck, TaskRequest,
    },
    wording::{Glance, agent_text, plain},
};

/// Reads of one artifact that are listed.
const READERS: u32 = 30;
/// Bytes of a text that are shown at once.
const PART: usize = 64 * 1024;

/// All that a task made, what came last first.
pub fn of_task(glance: Glance<'_>, request: &TaskRequest) -> Result<ArtifactsView> {
    let task = TaskRef {
        endpoint: request.endpoint.clone(),
        task: request.task.as_str().into(),
    };
    let mut all: BTreeMap<String, Vec<VersionRow>> = BTreeMap::new();
    for row in artifacts::of_task(glance.reader, &task)? {
        all.entry(row.value.id.clone()).or_default().push(row);
    }
    let handoffs = records::of_task::<Handoff>(glance.reader, &task)?;
    let rules = ownership::current(glance.reader)?;
    let stages = rules.map_or_else(Vec::new, |version| version.document.stages);
    let mut views = vec![];
    for (id, versions) in all {
        let Some(newest) = versions.first() else {
            continue;
        };
        let value = &newest.value;
        let letter = dead_letters::get(glance.reader, &task.endpoint, "artifacts", &id)?;
        let handed: Vec<&str> = handoffs
            .iter()
            .filter(|handoff| {
                let output = handoff.value.output.as_ref();
                output.is_some_and(|output| output.artifact_id.as_deref() == Some(id.as_str()))
            })
            .map(|handoff| handoff.value.to.as_str())
            .collect();
        let checks = checks(glance, newest, letter.as_ref(), &handed, &stages)?;
        let stands = letter.filter(|letter| letter.cleared_at.is_none());
        views.push(ArtifactView {
            name: agent_text(&value.name),
            media_type: value.media_type.as_deref().map(plain),
            uri: value.uri.as_deref().map(plain),
            schema: value.schema_ref.as_deref().map(plain),
            refused: stands.is_some_and(|letter| !was_accepted(&letter)),
            checks,
            handed_to: handed.iter().map(|to| plain(to)).collect(),
            readers: readers(glance, newest)?,
            versions: versions.iter().map(version).collect(),
            id,
        });
    }
    views.sort_by_key(|view| Reverse(view.versions.first().map(|version| version.at)));
    Ok(ArtifactsView { artifacts: views })
}

fn was_accepted(letter: &DeadLetterRow) -> bool {
    let acted = letter.acted.as_ref();
    acted.is_some_and(|acted| acted.act == Act::Accepted)
}

/// The schemas its newest content is held to, each once, and what came of it.
fn checks(
    glance: Glance<'_>,
    newest: &VersionRow,
    letter: Option<&DeadLetterRow>,
    handed_to: &[&str],
    stages: &[Stage],
) -> Result<Vec<ArtifactCheck>> {
    let own = newest.value.schema_ref.clone();
    let mut named: Vec<(String, String)> = own
        .map(|name| (name, "It names this schema itself.".to_owned()))
        .into_iter()
        .collect();
    for stage in stages {
        let meant = handed_to
            .iter()
            .any(|to| *to == stage.name || *to == stage.agent);
        let Some(name) = stage.accepts_schema.as_ref().filter(|_| meant) else {
            continue;
        };
        if named.iter().all(|(known, _)| known != name) {
            let because = format!("It was handed to {}, which takes this.", plain(&stage.name));
            named.push((name.clone(), because));
        }
    }
    let letter = letter.filter(|letter| letter.cleared_at.is_none());
    let mut checks = vec![];
    for (name, because) in named {
        let row = schemas::get(glance.reader, &name)?;
        let usable = row.is_some_and(|row| schema::read(&row.text).is_ok());
        let broken = letter.filter(|letter| breaks(letter, &name));
        let check = match (usable, broken) {
            (false, _) => SchemaCheck::Unchecked,
            (true, _) if newest.value.body.is_none() => SchemaCheck::NoBody,
            (true, None) => SchemaCheck::Fits,
            (true, Some(letter)) if was_accepted(letter) => SchemaCheck::Accepted,
            (true, Some(_)) => SchemaCheck::Refused,
        };
        checks.push(ArtifactCheck {
            schema: name,
            because,
            check,
        });
    }
    Ok(checks)
}

/// Whether a letter says that this schema is not kept.
fn breaks(letter: &DeadLetterRow, name: &str) -> bool {
    let problems = letter.problems.as_array();
    problems.into_iter().flatten().any(|problem| {
        let place = problem.get("schema").and_then(Value::as_str);
        place.and_then(|place| place.split('#').next()) == Some(name)
    })
}

fn version(row: &VersionRow) -> ArtifactVersion {
    ArtifactVersion {
        digest: row.digest.clone(),
        told: row.value.digest.is_some() && row.value.body.is_none(),
        version: row.value.version.as_deref().map(plain),
        at: row.at,
        size_bytes: row.value.size_bytes,
        has_body: row.value.body.is_some(),
    }
}

/// Each reader once, with what it read last.
fn readers(glance: Glance<'_>, newest: &VersionRow) -> Result<Vec<ArtifactReader>> {
    let Some(uri) = newest.value.uri.as_deref() else {
        return Ok(vec![]);
    };
    let mut seen = vec![];
    let mut views = vec![];
    for row in accesses::readers_of(glance.reader, uri, READERS)? {
        let who = (row.agent.clone(), row.task.clone());
        if row.agent == newest.agent || seen.contains(&who) {
            continue;
        }
        seen.push(who);
        let behind = match (&row.version, &newest.value.version) {
            (Some(read), Some(now)) => read != now,
            _ => row.at < newest.at,
        };
        views.push(ArtifactReader {
            agent: plain(row.agent.agent.as_str()),
            endpoint: row.agent.endpoint,
            task: row.task,
            version: row.version.as_deref().map(plain),
            at: row.at,
            behind,
        });
    }
    Ok(views)
}

/// One content of one artifact; `None` when it is not kept.
pub fn body(glance: Glance<'_>, request: &ArtifactBodyRequest) -> Result<Option<ArtifactBody>> {
    let found = artifacts::get(
        glance.reader,
        &request.endpoint,
        &request.id,
        &request.digest,
    )?;
    let Some(row) = found else {
        return Ok(None);
    };
    let Some(body) = &row.value.body else {
        return Ok(None);
    };
    let told = row.value.digest.as_deref();
    let mut view = ArtifactBody {
        kind: "text".to_owned(),
        drawn: true,
        tree: None,
        blocks: None,
        text: None,
        matches: None,
        digest: row.digest,
        from: request.from,
        next: None,
        size: 0,
        cut: false,
    };
    let from = usize::try_from(request.from).unwrap_or(usize::MAX);
    match body {
        Value::String(words) => {
            view.matches = told.map(|told| told.eq_ignore_ascii_case(&digest(words)));
            view.size = wide(words.len());
            view.drawn = is_markdown(&row.value);
            if view.drawn && !request.as_text {
                let page = markdown::page(words, from);
                view.kind = "markdown".to_owned();
                view.blocks = Some(page.blocks);
                view.next = page.next.map(wide);
                view.cut = page.cut;
            } else {
                written(&mut view, words, from);
            }
        }
        // The bytes that the agent counted are not these.
        other if request.as_text => {
            let words = serde_json::to_string_pretty(other).unwrap_or_default();
            view.size = wide(words.len());
            written(&mut view, &words, from);
        }
        other => {
            let words = other.to_string();
            view.kind = "json".to_owned();
            view.size = wide(words.len());
            view.tree = Some(tree(&words, &[]));
        }
    }
    Ok(Some(view))
}

/// The part of a text that begins at `from`; it ends after a line where one ends near its end.
fn written(view: &mut ArtifactBody, words: &str, from: usize) {
    let start = words.floor_char_boundary(from.min(words.len()));
    let mut end = words.floor_char_boundary(words.len().min(start + PART));
    if end < words.len()
        && let Some(line) = words[start..end].rfind('\n')
        && line > PART / 2
    {
        end = start + line + 1;
    }
    view.from = wide(start);
    view.text = Some(agent_text(&words[start..end]));
    view.next = (end < words.len()).then(|| wide(end));
}

/// Only what says so is read as Markdown: in other text its signs mean themselves.
fn is_markdown(artifact: &Artifact) -> bool {
    let named = |name: &str| {
        let name = name
            .split(['?', '#'])
            .next()
            .unwrap_or(name)
            .to_ascii_lowercase();
        name.ends_with(".md") || name.ends_with(".markdown")
    };
    match artifact.media_type.as_deref() {
        Some(kind) => {
            let kind = kind.split(';').next().unwrap_or(kind).trim();
            kind.eq_ignore_ascii_case("text/markdown")
                || kind.eq_ignore_ascii_case("text/x-markdown")
        }
        None => named(&artifact.name) || artifact.uri.as_deref().is_some_and(named),
    }
}

fn wide(bytes: usize) -> u64 {
    bytes as u64
}

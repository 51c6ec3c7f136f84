//! What a task made: contents by their SHA-256, who read which version, and whether a newer one has come since.
//!
//! A content is shown as a tree, as blocks or as text, part by part. It is never markup.

use std::collections::BTreeMap;

use domain::{
    contract::{Artifact, Handoff},
    decision::digest,
    ids::TaskRef,
};
use serde_json::Value;
use store::{
    Result,
    tables::{accesses, artifacts, artifacts::VersionRow, dead_letters, records},
};

use super::{
    markdown,
    tree::tree,
    views::{
        ArtifactBody, ArtifactBodyRequest, ArtifactReader, ArtifactVersion, ArtifactView,
        ArtifactsView, TaskRequest,
    },
    wording::{Glance, agent_text, plain},
};

/// Reads of one artifact that are listed.
const READERS: u32 = 30;
/// Bytes of a text that are shown at once.
const PART: usize = 64 * 1024;

/// All that a task made.
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
    let mut views = vec![];
    for (id, versions) in all {
        let Some(newest) = versions.first() else {
            continue;
        };
        let value = &newest.value;
        let letter = dead_letters::get(glance.reader, &task.endpoint, "artifacts", &id)?;
        let handed = handoffs.iter().filter(|handoff| {
            let output = handoff.value.output.as_ref();
            output.is_some_and(|output| output.artifact_id.as_deref() == Some(id.as_str()))
        });
        views.push(ArtifactView {
            name: agent_text(&value.name),
            media_type: value.media_type.as_deref().map(plain),
            uri: value.uri.as_deref().map(plain),
            schema: value.schema_ref.as_deref().map(plain),
            refused: letter.is_some_and(|letter| letter.cleared_at.is_none()),
            handed_to: handed.map(|handoff| plain(&handoff.value.to)).collect(),
            readers: readers(glance, newest)?,
            versions: versions.iter().map(version).collect(),
            id,
        });
    }
    Ok(ArtifactsView { artifacts: views })
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

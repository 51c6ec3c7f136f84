//! What a task made: contents by their SHA-256, who read which version, and whether a newer one has come since.
//!
//! A content is shown as a tree or as text. It is never markup.

use std::collections::BTreeMap;

use domain::{contract::Handoff, decision::digest, ids::TaskRef};
use serde_json::Value;
use store::{
    Result,
    tables::{accesses, artifacts, artifacts::VersionRow, dead_letters, records},
};

use super::{
    tree::tree,
    views::{
        ArtifactBody, ArtifactBodyRequest, ArtifactReader, ArtifactVersion, ArtifactView,
        ArtifactsView, TaskRequest,
    },
    wording::{Glance, agent_text, plain},
};

/// Reads of one artifact that are listed.
const READERS: u32 = 30;

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
    Ok(Some(match body {
        Value::String(text) => ArtifactBody {
            kind: "text".to_owned(),
            tree: None,
            text: Some(agent_text(text)),
            matches: told.map(|told| told.eq_ignore_ascii_case(&digest(text))),
            digest: row.digest,
        },
        other => {
            let text = other.to_string();
            ArtifactBody {
                kind: "json".to_owned(),
                tree: Some(tree(&text, &[])),
                text: None,
                // The bytes that the agent counted are not these.
                matches: None,
                digest: row.digest,
            }
        }
    }))
}

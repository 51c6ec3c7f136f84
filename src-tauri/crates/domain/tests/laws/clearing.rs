//! Law 4 and 5: what clears says so once, and nobody but those concerned can clear it.

use std::collections::{BTreeMap, BTreeSet};

use domain::finding::{Finding, Severity};
use serde_json::{Value, json};

use crate::{Telling, found, holds, opened};

#[test]
fn what_opens_is_told_once_and_what_clears_is_told_once() {
    holds(Telling::Late, |story, _| {
        let findings = found(story);
        let mut open: BTreeMap<&str, (&Finding, Severity)> = BTreeMap::new();
        for finding in &findings {
            let before = open.remove(finding.episode.as_str());
            match (opened(finding), before) {
                (true, Some((_, severity))) if severity >= finding.severity => {
                    return Err(format!("told twice: {finding:?}"));
                }
                (true, _) => {
                    open.insert(&finding.episode, (finding, finding.severity));
                }
                (false, None) => return Err(format!("cleared, but not open: {finding:?}")),
                (false, Some((was, _))) => {
                    let who = (&was.agents, &was.endpoints, &was.subject);
                    if who != (&finding.agents, &finding.endpoints, &finding.subject) {
                        return Err(format!("opened as {was:?}, cleared as {finding:?}"));
                    }
                }
            }
        }
        Ok(findings)
    });
}

/// About what is everybody's: a pool, our own network, what nobody told of, a document all write.
const SHARED: [&str; 6] = [
    "context-divergence",
    "offline",
    "quota-exhausted",
    "quota-pressure",
    "overload",
    "unknown-dependency",
];

/// Who is named, and whom a task that is named waits for: whether those live is part of what is so.
fn concerned(story: &[Value], finding: &Finding) -> BTreeSet<String> {
    let mut all: BTreeSet<_> = finding.endpoints.iter().map(ToString::to_string).collect();
    for line in story {
        let endpoint = line["endpoint"].as_str().unwrap_or_default();
        let tasks = line.pointer("/status/tasks").and_then(Value::as_array);
        for task in tasks.into_iter().flatten() {
            let id = task["id"].as_str().unwrap_or_default();
            let named = finding.tasks.contains(&format!("{endpoint}/{id}"));
            let waits = task.pointer("/waitingFor/ref").and_then(Value::as_str);
            if let Some((other, _)) = waits.filter(|_| named).and_then(|to| to.split_once('/')) {
                all.insert(other.to_owned());
            }
        }
    }
    all
}

#[test]
fn nothing_an_agent_says_clears_a_finding_about_others() {
    holds(Telling::Late, |story, choice| {
        let straight = found(story);
        let own = |f: &&Finding| !opened(f) && !SHARED.contains(&f.rule.as_str());
        let cleared: Vec<_> = straight.iter().filter(own).collect();
        let Some(chosen) = cleared.get(choice as usize % cleared.len().max(1)) else {
            return Ok(straight);
        };
        let opening = straight
            .iter()
            .rev()
            .find(|f| opened(f) && f.episode == chosen.episode && f.at <= chosen.at);
        let since = opening.map(|f| f.at).ok_or("cleared, but not open")?;
        // The same without a word of anybody else since.
        let concerned = concerned(story, chosen);
        let mut quiet = story.to_vec();
        for line in &mut quiet {
            let at = line["at"].as_str().and_then(|at| at.parse().ok());
            let later = at.is_some_and(|at: domain::time::Time| at > since);
            let named = concerned.iter().any(|e| line["endpoint"] == e.as_str());
            if later && !named && line.get("status").is_some() {
                *line = json!({"at": line["at"], "tick": true});
            }
        }
        let also = found(&quiet);
        let mut also = also
            .iter()
            .filter(|f| !opened(f) && f.episode == chosen.episode);
        if also.any(|f| since <= f.at && f.at <= chosen.at) {
            return Ok(straight);
        }
        Err(format!("others cleared {chosen:?}"))
    });
}

//! Law 3: a finding stands on what it names, and falls with it.

use std::collections::BTreeSet;

use domain::finding::{Evidence, Finding};
use serde_json::{Value, json};

use crate::{Telling, found, holds, opened};

/// The story without what is pointed to. `None`: without that there is no story.
fn without(story: &[Value], evidence: &[Evidence]) -> Option<Vec<Value>> {
    let mut left = story.to_vec();
    let mut lines = BTreeSet::new();
    let mut items = vec![];
    for shown in evidence {
        let at = shown.line as usize - 1;
        let parts: Vec<_> = shown.pointer.split('/').skip(1).collect();
        match parts.as_slice() {
            [list @ .., "rules", number] if matches!(*list, ["rules"] | ["config", ..]) => {
                // Another number would be another rule: it stays, for nothing.
                let number: usize = number.parse().unwrap();
                let list = format!("/{}/rules/{number}", list.join("/"));
                *left[at].pointer_mut(&list)? = json!({"resource": "other:none"});
            }
            ["status", list, number] => {
                items.push((at, (*list).to_owned(), number.parse::<usize>().unwrap()));
            }
            ["config", ..] | ["at"] => return None,
            ["status", "ownership"] => {
                left[at]["status"].as_object_mut()?.remove("ownership");
            }
            _ => {
                lines.insert(at);
            }
        }
    }
    // From the last to the first, so that numbers stay.
    items.sort();
    for (at, list, number) in items.into_iter().rev() {
        let all = left[at].pointer_mut(&format!("/status/{list}"))?;
        all.as_array_mut()?.remove(number);
    }
    for at in lines {
        // The line stays as time that passes; evidence points to lines by number.
        left[at] = json!({"at": left[at]["at"], "tick": true});
    }
    Some(left)
}

fn there(story: &[Value], finding: &Finding) -> bool {
    !finding.evidence.is_empty()
        && finding.evidence.iter().all(|shown| {
            let line = story.get(shown.line as usize - 1);
            line.is_some_and(|line| line.pointer(&shown.pointer).is_some())
        })
}

#[test]
fn a_finding_names_its_evidence_and_falls_with_it() {
    holds(Telling::Late, |story, choice| {
        let straight = found(story);
        for finding in &straight {
            if !there(story, finding) {
                return Err(format!("not there: {finding:?}"));
            }
        }
        let open: Vec<_> = straight.iter().filter(|f| opened(f)).collect();
        let Some(chosen) = open.get(choice as usize % open.len().max(1)) else {
            return Ok(straight);
        };
        // Others may show the same: then it names them, until none are left.
        let mut left = story.to_vec();
        let mut now = straight.clone();
        for _ in 0..200 {
            let same = |f: &&Finding| {
                (&f.rule, &f.subject, &f.agents) == (&chosen.rule, &chosen.subject, &chosen.agents)
            };
            let Some(still) = now.iter().filter(|f| opened(f)).find(same) else {
                return Ok(straight);
            };
            if !there(&left, still) {
                return Err(format!("stands on what is gone: {still:?}"));
            }
            let Some(less) = without(&left, &still.evidence) else {
                return Ok(straight);
            };
            left = less;
            now = found(&left);
        }
        Err(format!("does not fall: {chosen:?}"))
    });
}

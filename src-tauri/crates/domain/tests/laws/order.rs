//! Law 1 and 2: neither the order nor the slicing of what is told matters, nor telling it twice.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    change::Change,
    fact::{Fact, read_line},
    finding::Finding,
    fleet::Fleet,
    time::Time,
};
use serde_json::{Value, json};

use crate::{Telling, alike, found, holds, same};

const LISTS: [&str; 8] = [
    "tasks",
    "accesses",
    "claims",
    "handoffs",
    "artifacts",
    "context",
    "quotas",
    "escalations",
];

/// Another order, by a number.
fn shuffle<T>(items: &mut [T], mut choice: u64) {
    for last in (1..items.len()).rev() {
        choice = choice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        items.swap(last, (choice >> 33) as usize % (last + 1));
    }
}

/// Lines of one moment together.
fn moments(lines: &[Value]) -> Vec<Vec<Value>> {
    let mut moments: Vec<Vec<Value>> = vec![];
    for line in lines {
        match moments.last_mut() {
            Some(moment)
                if moment
                    .first()
                    .is_some_and(|first| first["at"] == line["at"]) =>
            {
                moment.push(line.clone());
            }
            _ => moments.push(vec![line.clone()]),
        }
    }
    moments
}

#[test]
fn the_order_of_items_in_a_poll_does_not_matter() {
    holds(Telling::Late, |story, choice| {
        let straight = found(story);
        let mut turned = story.to_vec();
        for line in &mut turned {
            let status = line.get_mut("status").and_then(Value::as_object_mut);
            for list in status.into_iter().flat_map(|s| s.values_mut()) {
                if let Some(items) = list.as_array_mut() {
                    shuffle(items, choice);
                }
            }
        }
        same(&straight, &found(&turned))?;
        Ok(straight)
    });
}

#[test]
fn the_order_of_lines_of_one_moment_does_not_matter() {
    holds(Telling::Late, |story, choice| {
        let straight = found(story);
        let turned = moments(story).into_iter().flat_map(|mut moment| {
            shuffle(&mut moment, choice);
            moment
        });
        same(&straight, &found(&turned.collect::<Vec<_>>()))?;
        Ok(straight)
    });
}

#[test]
fn a_poll_in_pieces_of_one_moment_says_the_same() {
    holds(Telling::Late, |story, choice| {
        let straight = found(story);
        let mut pieces = vec![];
        for line in story {
            let Some(status) = line.get("status").filter(|s| s["snapshot"] == false) else {
                pieces.push(line.clone());
                continue;
            };
            let mut bare = status.clone();
            let mut parts = vec![];
            for list in LISTS {
                let items = bare.as_object_mut().unwrap().remove(list);
                for item in items.iter().flat_map(|items| items.as_array().unwrap()) {
                    parts.push(json!({ list: [item] }));
                }
            }
            shuffle(&mut parts, choice);
            // Also the empty poll tells something: that there is an answer.
            let mut all = vec![line.clone()];
            all[0]["status"] = bare.clone();
            for part in parts {
                let mut piece = all[0].clone();
                for (list, items) in part.as_object().unwrap() {
                    piece["status"][list] = items.clone();
                }
                all.push(piece);
            }
            pieces.extend(all);
        }
        same(&straight, &found(&pieces))?;
        Ok(straight)
    });
}

/// Polls that can be told as one at their end: none of their items replaces another or takes it back, nothing falls
/// due between them.
fn windows(story: &[Value]) -> Vec<Vec<Value>> {
    let mut windows: Vec<Vec<Value>> = vec![];
    let mut known: BTreeSet<String> = BTreeSet::new();
    let (mut failing, mut waiting) = (BTreeSet::new(), BTreeSet::new());
    let mut due = Dues::default();
    let mut from: Option<Time> = None;
    let mut open = false;
    for moment in moments(story) {
        let next = due.next();
        let mut names = vec![];
        let (mut now, mut fits) = (None, true);
        for line in &moment {
            now = due.take(line);
            // When an outage ends counts, and who answers meanwhile tells whether it is the network.
            let endpoint = line["endpoint"].to_string();
            match line.get("error") {
                Some(_) => fits &= failing.insert(endpoint),
                None => fits &= !failing.remove(&endpoint),
            }
            if line.pointer("/person/endpoint").is_some() {
                failing.insert(line["person"]["endpoint"].to_string());
            }
            fits &= line.get("status").is_some() && plain(line, &mut names, &mut waiting);
        }
        // What is due in the very moment that brings it would not be, were more told with it a little later.
        fits &= !due.judge(now);
        fits &= failing.is_empty() && next.is_none_or(|next| Some(next) > now);
        let length = from.zip(now).map(|(from, now)| now - from);
        let soon = length.is_some_and(|length| length <= chrono::TimeDelta::seconds(24));
        let again = names.iter().any(|name| known.contains(name));
        match windows
            .last_mut()
            .filter(|_| open && fits && soon && !again)
        {
            Some(window) => window.extend(moment),
            None => {
                windows.push(moment);
                from = now;
            }
        }
        // Whether a time that moves alone is a clock is for the answers after that poll to show.
        let moved = names
            .iter()
            .any(|n| n.contains(" tasks ") && known.contains(n));
        known.extend(names);
        open = fits && !moved;
    }
    windows
}

/// Does a poll tell nothing whose place among the others matters? Also names what it tells.
fn plain(line: &Value, names: &mut Vec<String>, waiting: &mut BTreeSet<String>) -> bool {
    let mut plain = line.pointer("/status/ownership").is_none();
    for list in LISTS {
        let items = line.pointer(&format!("/status/{list}"));
        for item in items.and_then(Value::as_array).into_iter().flatten() {
            // What cannot be used, and what takes the place of another, is a word of its own.
            plain &= item.get("supersedes").is_none() && item["title"].as_u64().is_none();
            plain &= item["name"].as_u64().is_none() && item.get("schemaRef").is_none();
            plain &= list != "tasks" || item.get("attempt").is_none();
            // What one poll tells counts as before.
            let state = item.pointer("/status/state");
            plain &= state.is_none_or(|state| state != "completed");
            let id = item.get("id").unwrap_or(&item["seq"]);
            // A wait ends when that is told.
            let task = format!("{} {id}", line["endpoint"]);
            plain &= list != "tasks" || !waiting.contains(&task);
            if item.get("waitingFor").is_some() {
                waiting.insert(task);
            }
            let whose = if list == "quotas" {
                &Value::Null
            } else {
                &line["endpoint"]
            };
            names.push(format!("{whose} {list} {id}"));
        }
    }
    plain
}

/// When something is due next, as the lines go by.
#[derive(Default)]
struct Dues {
    fleet: Option<Fleet>,
    number: u64,
}

impl Dues {
    fn next(&self) -> Option<Time> {
        self.fleet.as_ref()?.next_due()
    }

    fn take(&mut self, line: &Value) -> Option<Time> {
        self.number += 1;
        let line = read_line(self.number, &line.to_string()).unwrap()?;
        if let Fact::Config(config) = line.fact {
            self.fleet = Some(Fleet::new(config));
            return None;
        }
        let fleet = self
            .fleet
            .get_or_insert_with(|| Fleet::new(Default::default()));
        fleet.take(&line);
        line.at
    }

    /// Whether something had been due.
    fn judge(&mut self, now: Option<Time>) -> bool {
        let mut changes: Vec<Change> = vec![];
        if let (Some(fleet), Some(now)) = (&mut self.fleet, now) {
            fleet.judge(now, &mut changes);
        }
        changes.iter().any(|change| match change {
            Change::Finding(finding) => {
                ["stall", "timeout", "silent-completion"].contains(&finding.rule.as_str())
            }
            _ => false,
        })
    }
}

#[test]
fn the_same_items_in_other_polls_say_the_same_until_something_is_due() {
    // Times apart, and who else came to be named in what was open. What nobody has told of yet may be told of in the next
    // poll, and who joins after whom is told by the first ones.
    let of_polls = ["unknown-dependency", "readiness"];
    let gist = |findings: &[Finding]| -> Vec<String> {
        let what = findings
            .iter()
            .filter(|f| !of_polls.contains(&f.rule.as_str()))
            .map(|f| format!("{:?}", (&f.rule, &f.subject, &f.resource, &f.pool)));
        let what: BTreeSet<_> = what.collect();
        what.into_iter().collect()
    };
    holds(Telling::Promptly, |story, _| {
        let (mut apart, mut merged) = (vec![], vec![]);
        let mut heard: BTreeMap<String, Value> = BTreeMap::new();
        for window in windows(story) {
            apart.extend(window.clone());
            for line in &window {
                let endpoint = line["endpoint"].to_string();
                match line.get("status") {
                    Some(_) => heard.insert(endpoint, line.clone()),
                    None => heard.remove(&endpoint),
                };
            }
            let polls = window.iter().all(|line| line.get("status").is_some());
            let Some(last) = window.last().filter(|_| polls).cloned() else {
                merged.extend(window);
                continue;
            };
            // How long an answer is waited for counts from when something was told: all answer at the end of both.
            let answers = heard.values().cloned().map(|mut empty| {
                empty["at"] = last["at"].clone();
                let status = empty["status"].as_object_mut().unwrap();
                status.retain(|name, _| !LISTS.contains(&name.as_str()));
                empty
            });
            let answers: Vec<_> = answers.collect();
            let mut by_endpoint: BTreeMap<String, Value> = BTreeMap::new();
            for mut line in window {
                line["at"] = last["at"].clone();
                let endpoint = line["endpoint"].to_string();
                let Some(all) = by_endpoint.get_mut(&endpoint) else {
                    by_endpoint.insert(endpoint, line);
                    continue;
                };
                for list in LISTS {
                    let more = line["status"].get_mut(list).map(Value::take);
                    if let Some(Value::Array(mut more)) = more {
                        let known = all["status"].get_mut(list).map(Value::take);
                        if let Some(Value::Array(mut known)) = known {
                            known.append(&mut more);
                            more = known;
                        }
                        all["status"][list] = json!(more);
                    }
                }
            }
            merged.extend(by_endpoint.into_values());
            apart.extend(answers.clone());
            merged.extend(answers);
        }
        let straight = found(&apart);
        alike(&gist(&straight), &gist(&found(&merged)))?;
        Ok(straight)
    });
}

#[test]
fn a_recording_says_the_same_each_time_and_a_poll_told_twice_adds_nothing() {
    holds(Telling::Late, |story, _| {
        let straight = found(story);
        let bytes = |findings: &[Finding]| serde_json::to_string(findings).unwrap();
        if bytes(&straight) != bytes(&found(story)) {
            return Err("read again it says something else".to_owned());
        }
        let mut twice = vec![];
        for line in story {
            twice.push(line.clone());
            if line.get("config").is_none() && line.get("woke").is_none() {
                twice.push(line.clone());
            }
        }
        same(&straight, &found(&twice))?;
        Ok(straight)
    });
}

#[test]
fn snapshots_and_their_differences_say_the_same() {
    holds(Telling::Late, |story, _| {
        let mut all: BTreeMap<String, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
        let mut snapshots = story.to_vec();
        for line in &mut snapshots {
            let endpoint = line["endpoint"].to_string();
            let Some(status) = line.get_mut("status").and_then(Value::as_object_mut) else {
                continue;
            };
            let known = all.entry(endpoint).or_default();
            for list in LISTS
                .into_iter()
                .filter(|list| !matches!(*list, "quotas" | "context"))
            {
                let items = known.entry(list).or_default();
                let new = status.get(list).and_then(Value::as_array).cloned();
                for item in new.unwrap_or_default() {
                    items.retain(|old| old["id"] != item["id"]);
                    items.push(item);
                }
                status.insert(list.to_owned(), json!(items));
            }
            status.insert("snapshot".to_owned(), json!(true));
        }
        let straight = found(story);
        same(&straight, &found(&snapshots))?;
        Ok(straight)
    });
}

//! Records what the screens are told, for looking at them in a browser: `ui/src/api/recorded/<fleet>.<part>.json`.
//!
//! The views come from the real rules, the real store and the real view builders, with a clock that stands. To record
//! anew: `MISSION_CONTROL_RECORD=1 cargo test -p engine --test recorded`; look at the difference, then commit it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should end there"
)]

mod fleets;
mod notes;
mod office;
mod pressure;
mod stage;
mod starts;
mod trouble;

use std::{collections::BTreeMap, fs, path::Path};

use chrono::{DateTime, TimeDelta};
use domain::{
    ids::EndpointId,
    time::{self, Time},
};
use engine::api::{
    agents, artifacts, board, context, escalation, finding, inbox, letters, limits, ownership,
    schedules, schemas, search, settings, status, timeline,
    views::{
        ArtifactBodyRequest, BoardGroup, BoardRequest, ContextRequest, EndpointRequest,
        EscalationRequest, ExportTimelineRequest, FindingRequest, LetterRequest, PageRequest,
        SchemaRequest, SearchRequest, TaskRequest, TimelineRequest,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use stage::Stage;
use store::tables::tasks;

/// Friday morning, when everything stands still.
pub(crate) fn now() -> Time {
    DateTime::from_timestamp(1_795_164_720, 0).expect("a valid time")
}

pub(crate) fn ago(minutes: i64) -> Time {
    now() - TimeDelta::minutes(minutes)
}

fn value(view: impl Serialize) -> Value {
    serde_json::to_value(view).expect("JSON")
}

/// The first part of a content, in its form and as it was written.
fn body(
    stage: &Stage,
    all: &mut BTreeMap<String, Value>,
    endpoint: &EndpointId,
    id: &str,
    digest: &str,
) {
    for as_text in [false, true] {
        let asked = ArtifactBodyRequest {
            endpoint: endpoint.clone(),
            id: id.to_owned(),
            digest: digest.to_owned(),
            from: 0,
            as_text,
        };
        if let Some(view) = stage.see(now(), |glance| artifacts::body(glance, &asked)) {
            let form = if as_text { "/text" } else { "" };
            all.insert(
                format!("artifactBody:{endpoint}/{id}/{digest}{form}"),
                value(view),
            );
        }
    }
}

/// Every answer a browser may ask for, by command and key.
fn answers(stage: &Stage, cards: u32) -> BTreeMap<String, Value> {
    let now = now();
    let mut all = BTreeMap::new();
    let frame = stage.see(now, |glance| {
        status::status(glance, &stage.store, stage.demo)
    });
    all.insert("status".to_owned(), on_no_machine(value(frame)));
    let chosen = stage.see(now, |glance| {
        settings::settings(
            glance.reader,
            &stage.store,
            glance.present,
            Some("2.50.6".to_owned()),
        )
    });
    all.insert("settings".to_owned(), on_no_machine(value(chosen)));
    let list = stage.see(now, inbox::inbox);
    for item in list.groups.iter().flat_map(|group| &group.items) {
        if let Some(key) = item.key.strip_prefix("e:") {
            let (endpoint, escalation) = key.split_once('/').expect("endpoint and id");
            question(stage, &mut all, endpoint, escalation);
        } else {
            let request = FindingRequest {
                key: item.key.clone(),
            };
            let view = stage.see(now, |glance| finding::finding(glance, &request));
            all.insert(format!("finding:{}", item.key), value(view));
        }
    }
    timelines(stage, &mut all, &value(&list));
    all.insert("exportTimeline".to_owned(), timeline_text(stage));
    all.insert("inbox".to_owned(), value(list));
    let pages = tasks::COLUMNS.map(|column| PageRequest {
        column: column.to_owned(),
        offset: 0,
        limit: cards,
    });
    let request = BoardRequest {
        group: BoardGroup::Status,
        pages: pages.into(),
        filter: String::new(),
        problems_only: false,
    };
    let shown = stage.see(now, |glance| board::board(glance, &request));
    for card in shown
        .columns
        .iter()
        .flat_map(|column| &column.cards)
        .take(40)
    {
        let request = TaskRequest {
            endpoint: card.endpoint.clone(),
            task: card.task.clone(),
        };
        let view = stage.see(now, |glance| board::task(glance, &request));
        let made = stage.see(now, |glance| artifacts::of_task(glance, &request));
        for artifact in &made.artifacts {
            for version in &artifact.versions {
                body(
                    stage,
                    &mut all,
                    &card.endpoint,
                    &artifact.id,
                    &version.digest,
                );
            }
        }
        if !made.artifacts.is_empty() {
            let key = format!("artifacts:{}/{}", card.endpoint, card.task);
            all.insert(key, value(made));
        }
        all.insert(format!("task:{}/{}", card.endpoint, card.task), value(view));
    }
    all.insert("board".to_owned(), value(shown));
    for group in [
        BoardGroup::Agent,
        BoardGroup::Workflow,
        BoardGroup::Resource,
    ] {
        let request = BoardRequest {
            group,
            pages: vec![],
            filter: String::new(),
            problems_only: false,
        };
        let mut view = stage.see(now, |glance| board::board(glance, &request));
        for column in &mut view.columns {
            column.cards.truncate(cards as usize);
        }
        let word = value(group);
        all.insert(
            format!("board:{}", word.as_str().expect("a word")),
            value(view),
        );
    }
    all.insert(
        "ownership".to_owned(),
        stage.see(now, |glance| {
            Ok(value(
                ownership::view(glance.reader, now, glance.present).expect("readable"),
            ))
        }),
    );
    all.insert("limits".to_owned(), value(stage.see(now, limits::limits)));
    let held_to = stage.see(now, schemas::schemas);
    for schema in held_to.schemas.iter().filter(|schema| schema.known) {
        let request = SchemaRequest {
            name: schema.name.clone(),
        };
        let text = stage.see(now, |glance| schemas::text(glance, &request));
        all.insert(format!("schema:{}", schema.name), value(text));
    }
    all.insert("schemas".to_owned(), value(held_to));
    let refused = stage.see(now, letters::letters);
    for item in refused
        .groups
        .iter()
        .flat_map(|group| &group.letters)
        .take(20)
    {
        let request = LetterRequest {
            endpoint: item.endpoint.clone(),
            list: item.list.clone(),
            item: item.item.clone(),
        };
        let view = stage.see(now, |glance| letters::letter(glance, &request));
        all.insert(format!("deadLetter:{}", item.key), value(view));
    }
    all.insert("deadLetters".to_owned(), value(refused));
    let shared = stage.see(now, context::documents);
    for item in &shared.documents {
        let request = ContextRequest {
            document: item.document.clone(),
        };
        let view = stage.see(now, |glance| context::document(glance, &request));
        all.insert(format!("contextDocument:{}", item.document), value(view));
    }
    all.insert("context".to_owned(), value(shared));
    let fleet = stage.see(now, agents::agents);
    for endpoint in fleet.endpoints.iter().take(10) {
        let request = EndpointRequest {
            endpoint: endpoint.id.clone(),
        };
        let raw = stage.see(now, |glance| Ok(agents::raw(glance, &request)));
        all.insert(format!("rawAnswer:{}", endpoint.id), value(raw));
    }
    all.insert("agents".to_owned(), value(fleet));
    let starts = stage.see(now, schedules::schedules);
    all.insert("schedules".to_owned(), value(starts));
    let mut hits = vec![];
    for word in ["a", "e", "i", "o", "r", "s"] {
        let request = SearchRequest {
            text: word.to_owned(),
            limit: 30,
        };
        for hit in stage
            .see(now, |glance| search::search(glance, &request))
            .hits
        {
            let hit = value(hit);
            if !hits.contains(&hit) {
                hits.push(hit);
            }
        }
    }
    hits.truncate(40);
    all.insert("search".to_owned(), json!({ "hits": hits }));
    all.retain(|key, _| cards > 10 || !key.starts_with("task:") && !key.starts_with("rawAnswer:"));
    all
}

/// The whole fleet over some lengths of time, and every pair that a card of the inbox is about.
fn timelines(stage: &Stage, all: &mut BTreeMap<String, Value>, inbox: &Value) {
    let mut look = |key: String, request: TimelineRequest| {
        let view = stage.see(now(), |glance| timeline::timeline(glance, &request));
        all.insert(key, value(view));
    };
    let open = TimelineRequest {
        seconds: None,
        until: None,
        pair: vec![],
        about: None,
    };
    for seconds in [900, 86_400] {
        let request = TimelineRequest {
            seconds: Some(seconds),
            ..open.clone()
        };
        look(format!("timeline:{seconds}"), request);
    }
    let groups = inbox["groups"].as_array().expect("groups");
    let items = groups
        .iter()
        .flat_map(|group| group["items"].as_array().expect("items"));
    let keys: Vec<_> = items
        .map(|item| item["key"].as_str().expect("a key"))
        .collect();
    let found = keys.iter().filter(|key| key.starts_with("f:")).take(6);
    let asked = keys.iter().filter(|key| key.starts_with("e:")).take(3);
    for key in found.chain(asked) {
        let request = TimelineRequest {
            about: Some((*key).to_owned()),
            ..open.clone()
        };
        look(format!("timeline:{key}"), request);
    }
}

/// What is written when the last quarter of an hour is copied.
fn timeline_text(stage: &Stage) -> Value {
    let request = ExportTimelineRequest {
        timeline: TimelineRequest {
            seconds: Some(900),
            until: None,
            pair: vec![],
            about: None,
        },
        finding: None,
        save: false,
    };
    value(stage.see(now(), |glance| timeline::export(glance, &request)))
}

fn question(stage: &Stage, all: &mut BTreeMap<String, Value>, endpoint: &str, escalation: &str) {
    let request = EscalationRequest {
        endpoint: endpoint.into(),
        escalation: escalation.to_owned(),
    };
    let view = stage
        .see(now(), |glance| escalation::escalation(glance, &request))
        .expect("it was asked");
    all.insert(format!("escalation:e:{endpoint}/{escalation}"), value(view));
}

/// Places, sizes and versions differ between machines and say nothing about the rules.
fn on_no_machine(mut view: Value) -> Value {
    for (member, instead) in [
        (
            "dataFolder",
            json!("/home/you/.local/share/mission-control"),
        ),
        ("storeBytes", json!(84_300_000)),
        ("sqliteVersion", json!("3.50.4")),
        ("version", json!("0.1.0")),
    ] {
        if view.get(member).is_some() {
            view[member] = instead;
        }
    }
    view
}

/// File names with their texts: one file a command, one line an answer, so that a difference can be found.
fn files(fleet: &str, answers: BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, view) in answers {
        let command = key.split(':').next().unwrap_or(&key).to_owned();
        let line = format!("{}: {view}", json!(key));
        parts.entry(command).or_default().push(line);
    }
    let at = json!(time::format(now()));
    parts
        .into_iter()
        .map(|(command, lines)| {
            let name = format!("{fleet}.{command}.json");
            let text = format!(
                "{{\n\"recordedAt\": {at},\n\"answers\": {{\n{}\n}}\n}}\n",
                lines.join(",\n")
            );
            (name, text)
        })
        .collect()
}

#[test]
fn what_the_screens_show_in_a_browser_is_what_the_engine_says() {
    let folder = Path::new("../../../ui/src/api/recorded");
    let mut wanted = BTreeMap::new();
    let fleets = fleets::all();
    let names = fleets.each_ref().map(|(name, ..)| format!("{name}."));
    for (name, stage, cards) in fleets {
        let mut told = answers(&stage, cards);
        if name == "office" {
            // Settled, so no longer in the list, but a link to it still opens.
            question(&stage, &mut told, "crm-host", "requeue-1887");
        }
        wanted.append(&mut files(name, told));
    }
    let anew = std::env::var_os("MISSION_CONTROL_RECORD").is_some();
    let mut stale = vec![];
    for entry in fs::read_dir(folder).expect("the folder of recorded views") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ours = names.iter().any(|fleet| name.starts_with(fleet));
        if ours && !wanted.contains_key(name.as_ref()) {
            stale.push(format!("{name} is recorded no more"));
            if anew {
                fs::remove_file(&path).expect("it can be removed");
            }
        }
    }
    let mut odd = vec![];
    for (name, text) in wanted {
        let path = folder.join(&name);
        let before = fs::read_to_string(&path).unwrap_or_default();
        if before != text {
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
            let (before, now) = (read(&before), read(&text));
            for (key, view) in now["answers"].as_object().into_iter().flatten() {
                if let (Some(old), false) = (before["answers"].get(key), anew) {
                    unlike(old, view, key, &mut odd);
                }
            }
            stale.push(name);
            if anew {
                fs::write(&path, text).expect("it can be written");
            }
        }
    }
    if !stale.is_empty() {
        println!("Recorded before the rules or words changed: {stale:#?}");
    }
    // Other words or findings are worth a look; members that came or went would show a screen what is not there.
    assert!(
        odd.is_empty(),
        "record anew, see this file's first lines: {odd:#?}"
    );
}

/// Where two answers do not have the same members.
fn unlike(one: &Value, other: &Value, place: &str, found: &mut Vec<String>) {
    match (one, other) {
        // Members of the rules are left out when they are empty.
        (Value::Object(one), Value::Object(other)) if !place.ends_with("/document") => {
            for name in one.keys().chain(other.keys()) {
                match (one.get(name), other.get(name)) {
                    (Some(one), Some(other)) => {
                        unlike(one, other, &format!("{place}/{name}"), found);
                    }
                    _ => found.push(format!("{place}/{name}")),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            if let (Some(one), Some(other)) = (one.first(), other.first()) {
                unlike(one, other, place, found);
            }
        }
        _ => {}
    }
}

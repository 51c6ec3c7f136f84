//! What a LangGraph server answers, against inputs that nobody would write: threads, schedules, the state of a thread and
//! its runs, one answer a line. Each item is read or refused, nothing is asked that no thread asks, what may be approved
//! stands in the server's own bytes, and an answer has the shape of its question.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::{contract, decision::DecisionBody, outline};
use serde_json::{Value, json, value::RawValue};

use super::{
    page::{Card, Look, Memory, Page},
    reply,
    shape::{self, Shape},
    thread::{self, Interrupt, LastRun},
    wire::{Answers, Run},
};
use crate::fuzz::{
    mutate::{fuzz, seeds},
    refused, refused_in,
};

fn decisions() -> Vec<DecisionBody> {
    let outcomes = [
        "approve",
        "approve-always",
        "reject",
        "respond",
        "edit",
        "cancel",
    ];
    let all = outcomes.iter().map(|outcome| {
        let body = json!({"outcome": outcome, "message": "m", "editedAction": {"name": "n", "args": {}}, "actionDigest": "sha256:0",
            "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
        serde_json::from_str(&body.to_string()).expect("a decision")
    });
    all.collect()
}

fn card() -> Card {
    let assistant = json!({"assistant_id": "a", "graph_id": "g", "name": "Invoices", "version": 1});
    Card {
        id: "langgraph".to_owned(),
        name: "LangGraph".to_owned(),
        version: "0.16.7".to_owned(),
        library: None,
        has_crons: true,
        assistants: vec![serde_json::from_value(assistant).expect("an assistant")],
    }
}

fn list(line: Option<&&str>) -> Vec<Box<RawValue>> {
    line.and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default()
}

/// An answer goes out as one value in the shape of its question, one part for each action.
fn answers(asked: &Interrupt, decisions: &[DecisionBody]) {
    let asked = shape::of(&asked.raw);
    for decision in decisions {
        match reply::value(&asked, decision) {
            Ok(value) => {
                let value: Option<Value> = serde_json::from_str(value.get()).ok();
                // What was asked can hold numbers that we cannot hold; they go back as they came.
                let Some(value) = value else {
                    continue;
                };
                let number = asked.requests().len();
                match asked.shape {
                    Shape::Inbox(_) => assert_eq!(value.as_array().map(Vec::len), Some(number)),
                    Shape::Batch(_) => {
                        let all = value["decisions"].as_array();
                        assert_eq!(all.map(Vec::len), Some(number), "{value}");
                    }
                    Shape::Call(_) => assert!(value["type"].is_string(), "{value}"),
                    Shape::Free => {}
                }
            }
            Err(sentence) => assert!(sentence.ends_with('.'), "{sentence}"),
        }
    }
}

#[test]
fn what_a_server_answers() {
    let now: DateTime<Utc> = "2026-11-21T08:00:00Z".parse().expect("a time");
    let (decisions, card) = (decisions(), card());
    fuzz(
        "langgraph",
        &seeds("fuzz/langgraph", ".jsonl", false),
        |input| {
            let text = String::from_utf8_lossy(input);
            let lines: Vec<&str> = text.split('\n').collect();
            let runs: Vec<Run> = list(lines.get(3))
                .iter()
                .filter_map(|raw| serde_json::from_str(raw.get()).ok())
                .collect();
            for run in &runs {
                match run.answers() {
                    Answers::Named(all) => assert!(!all.is_empty()),
                    Answers::All(value) => assert!(text.contains(value.get())),
                    Answers::Nothing => {}
                }
                if let Some(context) = run.context() {
                    assert!(text.contains(context.get()));
                }
            }
            let state = lines
                .get(2)
                .and_then(|line| serde_json::from_str::<Box<RawValue>>(line).ok());
            for open in state
                .and_then(|state| thread::open_in(&state))
                .into_iter()
                .flatten()
            {
                assert!(text.contains(open.raw.get()));
            }

            let (mut page, mut memory) = (Page::default(), Memory::default());
            let (mut ids, mut unread, mut asked) = (BTreeSet::new(), 0, 0);
            for raw in list(lines.first()) {
                let Some(thread) = thread::read(&raw) else {
                    page.unreadable(&raw);
                    unread += 1;
                    continue;
                };
                if !ids.insert(thread.id.clone()) {
                    continue;
                }
                let status = runs.first().and_then(|run| run.status.clone());
                let look = Look {
                    run: status.map_or(LastRun::Never, LastRun::Status),
                    open: thread.interrupts.clone(),
                    thread,
                };
                for open in &look.open {
                    assert!(text.contains(open.raw.get()), "{}", open.raw);
                    answers(open, &decisions);
                }
                asked += look.open.len();
                unread += look.thread.unreadable.len();
                page.add(&look, &card, &mut memory, "2026-11-21T08:00:00Z");
            }
            let crons = list(lines.get(1));
            page.schedules(&crons, &card, now);
            let body = page.document(&card, true);
            // One item never breaks the document it stands in.
            let document = contract::read(body.as_bytes())
                .unwrap_or_else(|problem| panic!("{}: {body}", problem.message));

            let refused = refused(&document);
            let tasks = document.tasks.as_deref().expect("a list");
            assert!(
                tasks
                    .iter()
                    .all(|task| ids.contains(task.value.id.as_str()))
            );
            let schedules = document.schedules.as_deref().expect("a list");
            assert_eq!(
                schedules.len() + refused_in(&refused, "schedules"),
                crons.len()
            );
            assert!(
                tasks.len() + refused_in(&refused, "tasks") >= ids.len(),
                "{body}"
            );
            let questions = document.escalations.as_deref().expect("a list");
            assert!(questions.len() <= asked, "{body}");
            assert!(refused.len() >= unread, "{body}");
            let mut seen = BTreeSet::new();
            for question in questions {
                let value = &question.value;
                assert!(seen.insert(value.id.clone()), "{} asks twice", value.id);
                assert!(
                    value
                        .task_id
                        .as_ref()
                        .is_some_and(|task| ids.contains(task.as_str()))
                );
                let raw: Value = serde_json::from_str(&question.raw).unwrap_or_default();
                // The arguments as the server wrote them; several stand in one list.
                if let Some(args) = outline::at(&question.raw, "/proposedAction/args")
                    && raw["native"]["interrupt"]
                        .pointer("/value/action_requests/1")
                        .is_none()
                    && raw["native"]["interrupt"].pointer("/value/1").is_none()
                {
                    assert!(text.contains(args), "{} is made up", args);
                }
            }
        },
    );
}

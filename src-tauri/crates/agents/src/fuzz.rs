//! Every reader of this crate that sees what a server wrote, against inputs that nobody would write. The fuzzer itself
//! stands in `domain`, whose readers are tried there; the readers of limits, LangGraph and OpenCode are tried beside them.

#[path = "../../domain/tests/fuzz/mutate.rs"]
pub(crate) mod mutate;

use std::{cell::RefCell, collections::BTreeSet};

use chrono::{DateTime, Utc};
use domain::{contract, decision::DecisionBody};
use mutate::{fuzz, seeds};
use reqwest::Url;
use serde_json::{json, value::RawValue};

use crate::{Delivery, a2a, address, http, listen};

fn now() -> DateTime<Utc> {
    let now = DateTime::parse_from_rfc3339("2026-11-21T08:00:00Z");
    now.expect("a time").with_timezone(&Utc)
}

/// Places of the items that a document's reader refused, each once: `/tasks/3`.
pub(crate) fn refused(document: &contract::Document) -> BTreeSet<String> {
    let places = document.problems.iter().map(|problem| {
        let parts: Vec<_> = problem.pointer.split('/').take(3).collect();
        parts.join("/")
    });
    places.collect()
}

/// How many of them stand in one list.
pub(crate) fn refused_in(refused: &BTreeSet<String>, list: &str) -> usize {
    let list = format!("/{list}/");
    refused
        .iter()
        .filter(|place| place.starts_with(&list))
        .count()
}

#[test]
fn times_that_servers_ask_for() {
    fuzz(
        "retry-after",
        &seeds("fuzz/header", ".txt", true),
        |input| {
            let text = String::from_utf8_lossy(input);
            if let Some(seconds) = http::retry_after(&text, now()) {
                assert!(seconds <= 3600, "{seconds}");
            }
        },
    );
}

#[test]
fn agent_cards() {
    let origin = Url::parse("http://127.0.0.1:9000/a/card.json").expect("an address");
    fuzz("agent card", &seeds("fuzz/card", ".json", false), |input| {
        let Some(value) = a2a::as_card(input) else {
            return;
        };
        let Ok(card) = a2a::read_card(&value, &origin) else {
            return;
        };
        assert_eq!(card.door.url.origin(), origin.origin());
        if let Some(own) = card.native {
            assert_eq!(own.status.origin(), origin.origin());
            let address = own
                .decision
                .and_then(|template| a2a::filled(&template, "q/1", &origin));
            assert!(address.is_none_or(|address| address.origin() == origin.origin()));
        }
    });
}

/// Tasks as they come, to a document of the contract, and an answer to whatever they ask.
#[test]
fn tasks_of_a2a_agents() {
    let memory = RefCell::new(a2a::Memory::default());
    let card = json!({"name": "A", "url": "/rpc", "capabilities": {}, "skills": []});
    let origin = Url::parse("http://127.0.0.1:9000/").expect("an address");
    let card = a2a::read_card(&card, &origin).expect("a card");
    let decisions: Vec<String> = ["approve", "reject", "respond", "edit", "cancel"]
        .iter()
        .map(|outcome| {
            json!({"outcome": outcome, "message": "m", "editedAction": {"name": "n", "args": {}}, "actionDigest": "sha256:0",
                "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"})
            .to_string()
        })
        .collect();
    let _: DecisionBody = serde_json::from_str(&decisions[0]).expect("a decision");
    fuzz("a2a task", &seeds("fuzz/a2a", ".json", false), |input| {
        let text = String::from_utf8_lossy(input).into_owned();
        let Ok(raw) = RawValue::from_string(text) else {
            return;
        };
        let mut page = a2a::Page::default();
        page.add(&raw, &mut memory.borrow_mut(), "2026-11-21T08:00:00Z");
        let body = page.document(&card, true, true);
        // One item never breaks the document it stands in.
        let document = contract::read(body.as_bytes())
            .unwrap_or_else(|problem| panic!("{}: {body}", problem.message));
        for question in document.escalations.iter().flatten() {
            for decision in &decisions {
                let delivery = Delivery {
                    id: "d".into(),
                    escalation: question.value.id.clone(),
                    version: question.value.version.clone(),
                    task: question.value.task_id.clone(),
                    body: decision.clone(),
                    escalation_raw: question.raw.to_string(),
                    resend: false,
                };
                match a2a::message(&delivery, &card, Some("c")) {
                    Ok(message) => {
                        let read: serde_json::Value =
                            serde_json::from_str(message.get()).expect("a message is JSON");
                        let parts = read["message"]["parts"].as_array();
                        assert!(parts.is_some_and(|parts| !parts.is_empty()), "{message}");
                    }
                    Err(sentence) => assert!(!sentence.is_empty()),
                }
            }
        }
    });
}

#[test]
fn streams_of_events() {
    let seeds = seeds("fuzz/events", ".txt", false);
    fuzz("events", &seeds, |input| {
        let whole = listen::events([input]);
        // However it comes in pieces.
        assert_eq!(whole, listen::events(input.chunks(1)));
        assert_eq!(whole, listen::events(input.chunks(7)));
        // What no line ends is not told.
        let ends = |byte: &&u8| matches!(byte, b'\n' | b'\r');
        assert!(2 * whole.len() <= input.iter().filter(ends).count() + 1);
    });
}

#[test]
fn addresses_that_are_pasted() {
    let seeds = seeds("fuzz/address", ".txt", true);
    fuzz("address", &seeds, |input| {
        let text = String::from_utf8_lossy(input);
        let Some(found) = address::address(&text) else {
            return;
        };
        let url = Url::parse(&found).expect("an address");
        assert!(matches!(url.scheme(), "http" | "https"), "{found}");
        // What was found can be pasted again.
        assert!(
            url.has_host() && address::address(&found).is_some(),
            "{found}"
        );
    });
}

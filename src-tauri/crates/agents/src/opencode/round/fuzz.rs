//! What an OpenCode server answers, against inputs that nobody would write: sessions, what runs, permissions, questions
//! and messages, one answer a line. Each item is read or refused, nothing is asked that no request asks, what may be
//! allowed stands in the server's own bytes, and a web page is no answer at all.

use std::collections::BTreeSet;

use domain::{contract, decision::DecisionBody, outline};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde_json::{json, value::RawValue};

use super::{
    super::{is_json, read_statuses, reply, wire::What},
    *,
};
use crate::{
    Kind, Target,
    fuzz::{
        mutate::{fuzz, seeds},
        refused, refused_in,
    },
    http::Reply,
};

const DIRECTORY: &str = "/w";

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
        let body = json!({"outcome": outcome, "message": "m", "actionDigest": "sha256:0", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
        serde_json::from_str(&body.to_string()).expect("a decision")
    });
    all.collect()
}

fn about() -> About {
    About {
        version: "1.18.34".to_owned(),
        directory: DIRECTORY.to_owned(),
        lists_all: true,
        has_two: true,
    }
}

fn list(line: Option<&&str>) -> Vec<Box<RawValue>> {
    line.and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_default()
}

/// A yes allows this once and no more, a no allows nothing, and words answer questions only.
fn answers(request: &Request, decisions: &[DecisionBody]) {
    for decision in decisions {
        let Ok(reply) = reply::of(decision, request) else {
            continue;
        };
        let (path, body) = reply.verb.call(request);
        let word = body["reply"].as_str();
        let outcome = json!(decision.outcome);
        let is_permission = matches!(request.what, What::Permission { .. });
        let expected: &[Option<&str>] = match outcome.as_str() {
            Some("approve") if is_permission => &[Some("once")],
            Some("approve-always") if is_permission => &[Some("always")],
            Some("reject" | "cancel") if is_permission => &[Some("reject")],
            _ => &[None],
        };
        assert!(expected.contains(&word), "{outcome}: {path} {body}");
        if let What::Questions(questions) = &request.what {
            let answers = body["answers"].as_array().map(Vec::len);
            assert!(
                path == "reject" || answers == Some(questions.len()),
                "{path} {body}"
            );
        }
    }
}

#[test]
fn what_a_server_answers() {
    let (decisions, about) = (decisions(), about());
    let target = Target {
        endpoint: "e".into(),
        kind: Kind::OpenCode,
        url: "http://127.0.0.1:4096/".to_owned(),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    };
    fuzz(
        "opencode",
        &seeds("fuzz/opencode", ".jsonl", false),
        |input| {
            let text = String::from_utf8_lossy(input);
            let lines: Vec<&str> = text.split('\n').collect();
            let mut server = OpenCode::new(&target).expect("it opens");
            let mut unread = 0;
            for raw in list(lines.first()) {
                match read_session(&raw) {
                    Some(session) => server.know(session),
                    None => {
                        unread += 1;
                        server.unreadable.push(wire::not_too_deep(&raw));
                    }
                }
            }
            let mut found = Found {
                lists_requests: true,
                asked: [DIRECTORY.to_owned()].into(),
                ..Found::default()
            };
            for (line, generation) in [
                (2, Generation::One),
                (3, Generation::One),
                (4, Generation::Two),
            ] {
                for raw in list(lines.get(line)) {
                    match wire::request(&raw, generation, DIRECTORY) {
                        Some(request) => {
                            answers(&request, &decisions);
                            found.requests.insert(request.id.clone(), request);
                        }
                        None => {
                            unread += 1;
                            found.unreadable.push(wire::not_too_deep(&raw));
                        }
                    }
                }
            }
            let statuses = lines
                .get(1)
                .and_then(|line| serde_json::from_str(line).ok());
            let mut statuses = read_statuses(statuses.unwrap_or_default());
            let messages = |line, generation| {
                let all = list(lines.get(line)).into_iter();
                all.filter_map(move |raw| wire::message(&raw, generation))
                    .collect::<Vec<_>>()
            };
            let (one, two) = (messages(5, Generation::One), messages(6, Generation::Two));
            for (place, (id, known)) in server.sessions.iter_mut().enumerate() {
                known.status = statuses.remove(id);
                known.messages = if place == 0 { one.clone() } else { two.clone() };
                found.read.insert(id.clone());
            }
            let ids: BTreeSet<String> = server.sessions.keys().cloned().collect();
            let requests: BTreeMap<_, _> = found.requests.clone();
            let body = server.document(&about, found);
            // One item never breaks the document it stands in.
            let document = contract::read(body.as_bytes())
                .unwrap_or_else(|problem| panic!("{}: {body}", problem.message));
            let refused = refused(&document);
            assert!(refused.len() >= unread, "{body}");
            let tasks = document.tasks.as_deref().expect("a list");
            assert!(
                tasks
                    .iter()
                    .all(|task| ids.contains(task.value.id.as_str()))
            );
            assert!(
                tasks.len() + refused_in(&refused, "tasks") >= ids.len(),
                "{body}"
            );
            let questions = document.escalations.as_deref().expect("a list");
            assert!(
                questions.len() + refused_in(&refused, "escalations") >= requests.len(),
                "{body}"
            );
            for question in questions {
                let request = requests.get(question.value.id.as_str());
                let request = request.unwrap_or_else(|| panic!("nobody asks {}", question.raw));
                assert!(text.contains(request.raw.get()));
                assert_eq!(
                    question.value.task_id.as_ref().map(|id| id.as_str()),
                    Some(request.session.as_str())
                );
                let What::Permission {
                    details: Some(details),
                    ..
                } = &request.what
                else {
                    continue;
                };
                let whole = request.raw.get().len() <= 60_000;
                let args = outline::at(&question.raw, "/proposedAction/args");
                // A diff stands by itself; all else is as it came.
                if whole
                    && !details.get().contains("diff")
                    && !details.get().trim_matches(['{', '}', ' ']).is_empty()
                {
                    assert_eq!(args, Some(details.get()), "{}", question.raw);
                }
            }
            // Only what the server says is at work, or asks, is shown as such.
            for task in tasks {
                let asks = requests
                    .values()
                    .any(|request| request.session == task.value.id.as_str());
                if task.value.status.state == contract::TaskState::InputRequired {
                    assert!(asks, "{}", task.raw);
                }
            }

            let page = Reply {
                status: StatusCode::OK,
                headers: HeaderMap::from_iter([(
                    CONTENT_TYPE,
                    HeaderValue::from_static("text/html; charset=utf-8"),
                )]),
                body: input.to_vec(),
            };
            assert!(!is_json(&page));
        },
    );
}

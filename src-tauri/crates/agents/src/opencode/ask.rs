//! A permission or a question of OpenCode as one escalation item of the contract.
//!
//! What may be allowed is carried as the server wrote it. "Always" is the server's own wider grant: it is offered as an
//! option that says so, and is never what a plain approval means.

use std::collections::{BTreeMap, HashSet};

use domain::{decision::digest, object::Members};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::wire::{Call, Generation, Question, Request, What};
use crate::a2a::clip;

/// Longer requests are carried in pieces: a single text of the contract must be shorter, and nothing may be left out.
const LARGEST_TEXT: usize = 60_000;
const PIECE: usize = 16_000;

/// The item of a request.
pub(crate) type Escalation = crate::escalation::Escalation<Native>;

/// What the server said, and where: for the reply.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Native {
    pub(crate) protocol: String,
    pub(crate) generation: Generation,
    pub(crate) directory: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) call_id: Option<String>,
    /// The request as it came; left out when it is too long for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<Box<RawValue>>,
}

/// The items that an earlier connection has shown as open, by id.
pub(crate) fn shown_before(raws: &[Box<str>]) -> BTreeMap<String, Escalation> {
    crate::escalation::shown_before(raws)
        .filter(|item: &Escalation| item.native.protocol == "opencode")
        .map(|item| (item.id.clone(), item))
        .collect()
}

/// The item for a request that waits. The newer interface tells no details; what the tool was called with stands in.
pub(crate) fn escalation(request: &Request, call: Option<&Call>, created_at: String) -> Escalation {
    let too_long = request.raw.get().len() > LARGEST_TEXT;
    let (message_id, call_id) = request.call.clone().unzip();
    let mut item = Escalation {
        id: request.id.clone(),
        version: version(request),
        task_id: request.session.clone(),
        kind: "question".into(),
        title: String::new(),
        message: String::new(),
        proposed_action: None,
        options: vec![],
        response_schema: None,
        created_at,
        status: "pending".into(),
        native: Native {
            protocol: "opencode".to_owned(),
            generation: request.generation,
            directory: request.directory.clone(),
            message_id,
            call_id,
            request: (!too_long).then(|| request.raw.clone()),
        },
    };
    match &request.what {
        What::Permission {
            name,
            patterns,
            details,
            always,
        } => {
            let about = patterns.join(", ");
            item.kind = "approval".into();
            item.title = clip(&format!("{name}: {}", first_line(&about)), 120);
            item.message = format!(
                "OpenCode asks whether the tool \"{}\" may do this: {}",
                clip(name, 200),
                clip(&about, 8000)
            );
            let called = call
                .map(|call| &call.input)
                .filter(|input| input.is_object());
            let called = called.and_then(|input| serde_json::value::to_raw_value(input).ok());
            let details = details.as_deref().or(called.as_deref());
            item.proposed_action = if too_long {
                in_pieces(name, request)
            } else {
                action(name, patterns, details, &request.directory)
            };
            item.options = choices(always);
        }
        What::Questions(questions) => asked(&mut item, questions),
    }
    item
}

/// Changes when what is asked changes.
pub(crate) fn version(request: &Request) -> String {
    digest(request.raw.get()).trim_start_matches("sha256:")[..24].to_owned()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn choices(always: &[String]) -> Vec<Value> {
    let mut all = vec![
        json!({"id": "once", "label": "Allow once", "effect": "Only this one request.", "intent": "approve"}),
    ];
    if !always.is_empty() {
        all.push(json!({
            "id": "always",
            "label": "Always allow",
            "effect": format!(
                "OpenCode no longer asks for anything that matches: {}. Mission Control cannot take that back.",
                clip(&always.join(", "), 2000)
            ),
            "intent": "approve",
        }));
    }
    all.push(json!({
        "id": "reject",
        "label": "Reject",
        "effect": "Other open requests of this session are rejected with it.",
        "intent": "reject",
    }));
    all
}

/// What would be done: the tool, what it is done to, and the details as they came. A diff stands by itself, for reading.
fn action(
    name: &str,
    patterns: &[String],
    details: Option<&RawValue>,
    directory: &str,
) -> Option<Box<RawValue>> {
    let patterns_only = json!({"patterns": patterns}).to_string();
    let mut args = details.map_or(patterns_only.clone(), |details| details.get().to_owned());
    let mut diff = None;
    if let Some(details) = details {
        // Members that stand twice stay, so that the contract's reader sees them.
        let strict = domain::decision::strict_json(details.get(), "details").is_ok();
        let members: Option<Members> = serde_json::from_str(details.get()).ok();
        let members = members.filter(|_| strict).unwrap_or_default();
        let found = members.iter().find(|(name, _)| name == "diff");
        diff = found.map(|(_, raw)| raw.get().to_owned());
        diff = diff.filter(|text| text.starts_with('"'));
        if diff.is_some() {
            let rest = members.iter().filter(|(name, _)| name != "diff");
            let rest = rest.map(|(name, raw)| format!("{}:{}", json!(name), raw.get()));
            args = format!("{{{}}}", rest.collect::<Vec<_>>().join(","));
        }
        if members.is_empty() && strict {
            args = patterns_only;
        }
    }
    let mut text = format!(r#"{{"name":{},"args":{args}"#, json!(name));
    if !patterns.is_empty() {
        text.push_str(&format!(r#","target":{}"#, json!(patterns.join(", "))));
    }
    if !directory.is_empty() {
        text.push_str(&format!(r#","cwd":{}"#, json!(directory)));
    }
    if let Some(diff) = diff {
        text.push_str(&format!(r#","diff":{diff}"#));
    }
    text.push('}');
    RawValue::from_string(text).ok()
}

/// Too long to be read, so too long to be approved; it can still be seen and refused.
fn in_pieces(name: &str, request: &Request) -> Option<Box<RawValue>> {
    let characters: Vec<char> = request.raw.get().chars().collect();
    let pieces: Vec<String> = characters
        .chunks(PIECE)
        .map(|c| c.iter().collect())
        .collect();
    let action = json!({"name": clip(name, 200), "args": {"requestInPieces": pieces}, "cwd": request.directory});
    serde_json::value::to_raw_value(&action).ok()
}

fn asked(item: &mut Escalation, questions: &[Question]) {
    let Some(first) = questions.first() else {
        return;
    };
    let header = first
        .header
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    item.title = clip(first_line(header.unwrap_or(&first.question)), 120);
    let mut words = vec![];
    for question in questions {
        words.push(clip(&question.question, 8000));
        for choice in &question.options {
            let about = choice.description.as_deref().unwrap_or_default();
            words.push(clip(&format!("- {}: {about}", choice.label), 1000));
        }
    }
    if questions.len() == 1 && first.multiple != Some(true) {
        item.message = clip(&first.question, 8000);
        // It is answered by the label: told twice, it is one answer.
        let mut known = HashSet::new();
        item.options = first
            .options
            .iter()
            .filter(|choice| known.insert(&choice.label))
            .map(|choice| json!({"id": choice.label, "label": choice.label, "effect": choice.description}))
            .map(without_null)
            .collect();
        return;
    }
    item.kind = "form".into();
    item.message = clip(&words.join("\n"), 16_000);
    item.response_schema = serde_json::value::to_raw_value(&schema(questions)).ok();
}

fn without_null(mut value: Value) -> Value {
    if let Some(members) = value.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    value
}

/// The name of a question in the form.
pub(crate) fn field(questions: &[Question], place: usize) -> String {
    let header = questions.get(place).and_then(|q| q.header.as_deref());
    let header = header.unwrap_or_default().trim();
    let same = questions
        .iter()
        .filter(|q| q.header.as_deref().unwrap_or_default().trim() == header);
    if header.is_empty() || same.count() > 1 {
        format!("question{}", place + 1)
    } else {
        header.to_owned()
    }
}

fn schema(questions: &[Question]) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required = vec![];
    for (place, question) in questions.iter().enumerate() {
        let labels: Vec<_> = question.options.iter().map(|c| c.label.clone()).collect();
        let mut one = json!({"type": "string"});
        if question.custom == Some(false) {
            one["enum"] = json!(labels);
        } else {
            one["examples"] = json!(labels);
        }
        let mut property = if question.multiple == Some(true) {
            json!({"type": "array", "items": one})
        } else {
            one
        };
        property["title"] = json!(question.question);
        let name = field(questions, place);
        properties.insert(name.clone(), property);
        required.push(name);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

//! An open interrupt as one escalation item of the contract. What may be approved is carried byte for byte; the whole
//! interrupt stands beside it, for the answer.

use std::borrow::Cow;

use domain::decision::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{
    shape::{self, Asked, Request, Shape},
    thread::{Interrupt, Thread},
    wire::clip,
};
use crate::escalation::Escalation;

/// A question's words are for looking at; what is approved is whole in the action.
const MESSAGE: usize = 16_000;

/// The item of an interrupt.
pub(crate) type Question = Escalation<Native>;

/// What the server said, for the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Native {
    protocol: Cow<'static, str>,
    state: String,
    /// How often the same question was asked again after an answer.
    #[serde(default, skip_serializing_if = "is_first")]
    round: u32,
    /// The native task that asks.
    task: String,
    interrupt: Box<RawValue>,
}

impl Question {
    /// Those of an earlier connection that were open: each with what was open there, and how often it was asked before.
    pub(crate) fn shown_before(raws: &[Box<str>]) -> Vec<(Self, Interrupt, u32)> {
        crate::escalation::shown_before(raws)
            .filter(|question: &Self| question.native.protocol == "langgraph")
            .map(|question| {
                let Native {
                    task,
                    interrupt,
                    round,
                    ..
                } = &question.native;
                let (interrupt, round) = (Interrupt::new(task, interrupt.clone()), *round);
                (question, interrupt, round)
            })
            .collect()
    }
}

fn is_first(round: &u32) -> bool {
    *round == 0
}

/// Unique on its server: a copied thread asks with the ids of the original.
pub(crate) fn id_of(thread: &str, interrupt: &Interrupt) -> String {
    format!("{thread}/{}", interrupt.name())
}

/// Changes when what is asked changes. Older servers ask the next question under the same id.
pub(crate) fn version_of(asked: &Asked, round: u32) -> String {
    let schema = asked.schema.as_deref().map_or("", RawValue::get);
    let bound = format!("{}\u{1f}{schema}\u{1f}{round}", asked.value.get());
    digest(&bound).trim_start_matches("sha256:")[..24].to_owned()
}

/// The question that an open interrupt asks. `round`: how often it was asked before.
pub(crate) fn of(thread: &Thread, interrupt: &Interrupt, round: u32, asked_at: &str) -> Question {
    let asked = shape::of(&interrupt.raw);
    let requests = asked.requests();
    let only_words = !requests.is_empty()
        && requests.iter().all(|request| {
            let allowed = request.allowed.as_deref().unwrap_or_default();
            !allowed.is_empty()
                && allowed
                    .iter()
                    .all(|w| matches!(w.as_str(), "response" | "respond"))
        });
    let kind = match (&asked.shape, &asked.schema) {
        (Shape::Free, Some(_)) => "form",
        (Shape::Free, None) => "question",
        _ if only_words => "question",
        _ => "approval",
    };
    let words = words(&asked);
    let title = match (words.as_deref().and_then(first_line), requests) {
        (Some(line), _) => clip(line, 120),
        (None, [one]) => clip(&format!("Asks for leave: {}", one.name), 120),
        (None, []) => "Asks for an answer".to_owned(),
        (None, many) => format!("Asks for leave for {} actions", many.len()),
    };
    let message = match words {
        Some(words) => clip(&words, MESSAGE),
        None => title.clone(),
    };
    let options = asked
        .choices()
        .into_iter()
        .map(|choice| json!({"id": choice, "label": choice}))
        .collect();
    Question {
        id: id_of(&thread.id, interrupt),
        version: version_of(&asked, round),
        task_id: thread.id.clone(),
        kind: kind.into(),
        title,
        message,
        proposed_action: action(&asked),
        options,
        // A schema of decisions is filled in by the decision itself.
        response_schema: match asked.shape {
            Shape::Free => asked.schema.clone().filter(|raw| raw.get() != "true"),
            _ => None,
        },
        created_at: asked_at.to_owned(),
        status: "pending".into(),
        native: Native {
            protocol: "langgraph".into(),
            state: clip(&thread.status, 60),
            round,
            task: interrupt.task.clone(),
            interrupt: interrupt.raw.clone(),
        },
    }
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty())
}

/// What is asked, in words: descriptions of the actions, or the value itself with its own sentence first.
fn words(asked: &Asked) -> Option<String> {
    let requests = asked.requests();
    if !requests.is_empty() {
        let told: Vec<&str> = requests
            .iter()
            .filter_map(|request| request.description.as_deref())
            .filter(|text| !text.trim().is_empty())
            .collect();
        return (!told.is_empty()).then(|| told.join("\n\n"));
    }
    let value: Option<Value> = serde_json::from_str(asked.value.get()).ok();
    match value {
        Some(Value::String(text)) => (!text.trim().is_empty()).then_some(text),
        Some(Value::Null) => None,
        Some(Value::Object(members)) => {
            let names = [
                "question",
                "message",
                "prompt",
                "query",
                "text",
                "description",
                "title",
            ];
            let sentence = names
                .iter()
                .find_map(|name| members.get(*name)?.as_str())
                .filter(|text| !text.trim().is_empty());
            let whole = asked.value.get();
            Some(match sentence {
                Some(sentence) if members.len() == 1 => sentence.to_owned(),
                Some(sentence) => format!("{sentence}\n\n{whole}"),
                None => whole.to_owned(),
            })
        }
        _ => Some(asked.value.get().to_owned()),
    }
}

/// What would be done, with the exact bytes of its arguments. Several actions stand or fall together, so they are one.
fn action(asked: &Asked) -> Option<Box<RawValue>> {
    match asked.requests() {
        [] => None,
        [one] => named(&one.name, &one.args),
        many => {
            let names: Vec<&str> = many.iter().map(|request| request.name.as_str()).collect();
            let each: Vec<String> = many.iter().filter_map(each).collect();
            let args = RawValue::from_string(format!("[{}]", each.join(","))).ok()?;
            named(&clip(&names.join(", "), 200), &args)
        }
    }
}

fn each(request: &Request) -> Option<String> {
    named(&request.name, &request.args).map(|raw| raw.get().to_owned())
}

fn named(name: &str, args: &RawValue) -> Option<Box<RawValue>> {
    let name = Value::from(name);
    let args = args.get();
    let text = if args == "null" {
        format!(r#"{{"name":{name}}}"#)
    } else {
        format!(r#"{{"name":{name},"args":{args}}}"#)
    };
    RawValue::from_string(text).ok()
}

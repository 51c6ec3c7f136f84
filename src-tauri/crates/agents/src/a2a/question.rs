//! What a waiting task asks: found where servers put it, turned into one escalation item of the contract.
//!
//! A state is a hint. A task that waits but asks nothing is no escalation; it is shown as a task that waits. What may be
//! approved is carried byte for byte, so that duplicate keys and odd numbers are judged by the contract's own reader.

use std::collections::BTreeMap;

use domain::{contract::TaskState, decision::digest};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{
    card::clip,
    task::{self, Message, Part, Task},
};

/// Data parts that are kept with a question; more is not a question to a person.
const DATA_PARTS: usize = 8;

/// One escalation item (contract, 1.8).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) version: String,
    task_id: String,
    kind: &'static str,
    title: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed_action: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_schema: Option<Box<RawValue>>,
    pub(crate) created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Box<RawValue>>,
    pub(crate) status: &'static str,
    native: Native,
}

/// What the server said, for the reply.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Native {
    protocol: &'static str,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data: Vec<Box<RawValue>>,
}

/// The question of a waiting task; `None` when it does not wait, or asks nothing.
pub(crate) fn of(task: &Task, first_seen: &str) -> Option<Question> {
    let auth = match task.state() {
        TaskState::InputRequired => false,
        TaskState::AuthRequired => true,
        _ => return None,
    };
    let asked = asked(task);
    if asked.is_none() && !auth {
        return None;
    }
    let (text, data, message_id) = asked.unwrap_or_default();
    let details = data.first().map(|data| details(data)).unwrap_or_default();
    let kind = if auth {
        "auth"
    } else if details.schema.is_some() {
        "form"
    } else if details.action.is_some() {
        "approval"
    } else {
        "question"
    };
    let title = match (
        text.lines().find(|line| !line.trim().is_empty()),
        auth,
        &details.name,
    ) {
        (Some(line), _, _) => clip(line.trim(), 120),
        (None, true, _) => "Needs you to log in at the agent".to_owned(),
        (None, false, Some(name)) => format!("Asks about {}", clip(name, 100)),
        (None, false, None) => "Asks for an answer".to_owned(),
    };
    let message = if text.is_empty() {
        title.clone()
    } else {
        text.clone()
    };
    // Without a time, only the message's own id tells the same question asked twice from one asked once.
    let asked_when = task
        .timestamp()
        .or(message_id.as_deref())
        .unwrap_or_default();
    let mut bound = format!("{}\u{1f}{text}\u{1f}{asked_when}", task.native_state());
    for data in &data {
        bound.push('\u{1f}');
        bound.push_str(&canonical(data));
    }
    Some(Question {
        id: task.id.clone(),
        version: digest(&bound).trim_start_matches("sha256:")[..24].to_owned(),
        task_id: task.id.clone(),
        kind,
        title,
        message,
        proposed_action: details.action,
        options: details.options,
        response_schema: details.schema,
        created_at: task.timestamp().unwrap_or(first_seen).to_owned(),
        expires_at: details.expires_at,
        status: "pending",
        native: Native {
            protocol: "a2a",
            state: task.native_state().to_owned(),
            context_id: task.context_id.clone(),
            message_id,
            data,
        },
    })
}

/// The same text for the same data: servers keep it in maps whose order changes from answer to answer. Data with
/// duplicate keys has no meaning that could be the same, only bytes.
fn canonical(data: &RawValue) -> String {
    let strict = domain::decision::strict_json(data.get(), "data");
    match (strict, serde_json::from_str::<Value>(data.get())) {
        (Ok(_), Ok(value)) => value.to_string(),
        _ => data.get().to_owned(),
    }
}

type Asked = (String, Vec<Box<RawValue>>, Option<String>);

/// Text, data and message id of the question: the status message, else the newest artifact with data, else the newest
/// message, if the agent said it.
fn asked(task: &Task) -> Option<Asked> {
    let of_message = |message: &Message| {
        let parts = message.parts.as_deref().unwrap_or_default();
        pieces(parts, message.message_id.clone())
    };
    let status = task
        .status
        .as_ref()
        .and_then(|status| status.message.as_ref());
    if let Some(found) = status.and_then(of_message) {
        return Some(found);
    }
    let mut artifacts = task.artifacts.iter().flatten().rev();
    let interrupt = artifacts.find_map(|artifact| {
        let parts = artifact.parts.as_deref().unwrap_or_default();
        let named = artifact
            .name
            .as_deref()
            .is_some_and(|n| n.eq_ignore_ascii_case("interrupt"));
        (named || task::data(parts).next().is_some())
            .then(|| pieces(parts, None))
            .flatten()
    });
    if interrupt.is_some() {
        return interrupt;
    }
    let newest = task.history.as_ref()?.last()?;
    newest.is_agents().then(|| of_message(newest)).flatten()
}

fn pieces(parts: &[Part], message_id: Option<String>) -> Option<Asked> {
    let text = task::text(parts);
    let data: Vec<_> = task::data(parts)
        .take(DATA_PARTS)
        .map(ToOwned::to_owned)
        .collect();
    (!text.is_empty() || !data.is_empty()).then_some((text, data, message_id))
}

#[derive(Default)]
struct Details {
    name: Option<String>,
    action: Option<Box<RawValue>>,
    options: Option<Box<RawValue>>,
    schema: Option<Box<RawValue>>,
    expires_at: Option<Box<RawValue>>,
}

/// What a data part asks: a form when it has a schema, its `proposedAction` when it is in our words, else the part itself
/// is what is asked about.
fn details(data: &RawValue) -> Details {
    let Ok(mut members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(data.get())
    else {
        return Details {
            name: Some("data".to_owned()),
            action: action("data", data),
            ..Details::default()
        };
    };
    let is_object = |raw: &RawValue| raw.get().starts_with('{');
    let name = ["name", "action", "tool", "toolName", "tool_name", "type"]
        .iter()
        .find_map(|member| {
            let value: Value = serde_json::from_str(members.get(*member)?.get()).ok()?;
            value
                .as_str()
                .filter(|name| !name.is_empty())
                .map(|name| clip(name, 200))
        });
    let schema = [
        "responseSchema",
        "response_schema",
        "requestedSchema",
        "schema",
    ]
    .iter()
    .find_map(|member| members.get(*member).filter(|raw| is_object(raw)).cloned());
    let own = members
        .get("proposedAction")
        .filter(|raw| is_object(raw))
        .cloned();
    let action = own.or_else(|| match &schema {
        // A form asks for an answer, not for leave.
        Some(_) => None,
        None => action(name.as_deref().unwrap_or("data"), data),
    });
    let options = members
        .remove("options")
        .filter(|options| are_options(options));
    let expires_at = members
        .remove("expiresAt")
        .filter(|at| at.get().starts_with('"'));
    Details {
        name,
        action,
        options,
        schema,
        expires_at,
    }
}

fn action(name: &str, args: &RawValue) -> Option<Box<RawValue>> {
    let name = Value::from(name);
    RawValue::from_string(format!(r#"{{"name":{name},"args":{}}}"#, args.get())).ok()
}

/// Whether these are options in the contract's words (an id and a label each).
fn are_options(raw: &RawValue) -> bool {
    let options: Option<Vec<Value>> = serde_json::from_str(raw.get()).ok();
    options.is_some_and(|options| {
        !options.is_empty()
            && options.iter().all(|o| {
                ["id", "label"]
                    .iter()
                    .all(|m| o.get(m).is_some_and(Value::is_string))
            })
    })
}

//! A person's decision as a message to a waiting task. The answer has the shape of the question: structured data is
//! answered with structured data that names the question's own ids, words with words.
//!
//! It builds the message; sending it, and finding out what became of it, is elsewhere.

use std::collections::BTreeMap;

use domain::{contract::EXTENSION_URI, decision::DecisionBody};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{
    card::{Binding, Card, Generation},
    form,
    shape::{self, Piece},
};
use crate::Delivery;

/// The part of the escalation item that says how to answer (`question::Native`, or an item of our extension).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    #[serde(default)]
    response_schema: Option<Box<RawValue>>,
    #[serde(default)]
    options: Vec<Choice>,
    #[serde(default)]
    native: Native,
}

#[derive(Deserialize)]
struct Choice {
    id: String,
    label: String,
}

#[derive(Default, Deserialize)]
struct Native {
    /// Absent where the question came by our own extension.
    #[serde(default)]
    protocol: Option<String>,
    #[serde(default)]
    asked: Vec<Piece>,
    #[serde(default)]
    beside: bool,
}

/// Whether the answer goes beside its task, which the server takes for finished.
pub(crate) fn goes_beside(delivery: &Delivery) -> bool {
    let item: Option<Item> = serde_json::from_str(&delivery.escalation_raw).ok();
    item.is_some_and(|item| item.native.beside)
}

/// The parameters of the sending method.
pub(crate) fn message(
    delivery: &Delivery,
    card: &Card,
    context: Option<&str>,
) -> Result<Box<RawValue>, String> {
    let unusable = |_| "The decision could not be written as a message.".to_owned();
    let body: DecisionBody = serde_json::from_str(&delivery.body).map_err(unusable)?;
    let exact = RawValue::from_string(delivery.body.clone()).map_err(unusable)?;
    let item: Item = serde_json::from_str(&delivery.escalation_raw).unwrap_or_default();
    let asked = &item.native.asked;
    let shaped = shape::answer(asked, &body)?;
    let ours = item.native.protocol.is_none();
    let in_words = !ours && asked.is_empty() && item.response_schema.is_none();
    let structured = !in_words || body.payload.is_some() && card.takes_data;
    // Who reads text only must find all of the answer there.
    let reads_text = in_words || !card.takes_data;
    let mut beside = serde_json::Map::new();
    let said;
    let mut data: Vec<(Box<RawValue>, Option<serde_json::Value>)> = vec![];
    match shaped {
        // Beside an answer in its own shape, words would be a second answer; a message without any part would be none.
        Some(shaped) => {
            for (part, metadata) in &shaped.parts {
                data.push((raw(part)?, metadata.clone()));
            }
            said = words(&body, &item, reads_text).filter(|_| data.is_empty());
            beside = shaped.metadata;
        }
        None if structured => {
            let (answer, metadata) = answer(&body, &item, &exact, delivery)?;
            data.push((answer, metadata));
            // A form that was filled in says it all.
            let adds = reads_text || body.message.is_some() || body.payload.is_none();
            said = words(&body, &item, reads_text).filter(|_| adds);
        }
        // Words are answered with words: servers that take no data fail the whole task over it.
        None => said = words(&body, &item, true),
    }
    let door = &card.door;
    let old_rest = (door.generation, door.binding) == (Generation::Old, Binding::Rest);
    let one = door.generation == Generation::One;
    let mut parts = vec![];
    if let Some(words) = said {
        parts.push(if one || old_rest {
            json!({"text": words}).to_string()
        } else {
            json!({"kind": "text", "text": words}).to_string()
        });
    }
    for (data, metadata) in data {
        let beside = metadata
            .map(|metadata| format!(r#","metadata":{metadata}"#))
            .unwrap_or_default();
        parts.push(match (one, old_rest) {
            (true, _) => format!(r#"{{"data":{data},"mediaType":"application/json"{beside}}}"#),
            (_, true) => format!(r#"{{"data":{{"data":{data}}}{beside}}}"#),
            _ => format!(r#"{{"kind":"data","data":{data}{beside}}}"#),
        });
    }
    let mut members = vec![
        ("messageId", json!(delivery.id.as_str()).to_string()),
        (
            "role",
            json!(if one || old_rest { "ROLE_USER" } else { "user" }).to_string(),
        ),
        (
            if old_rest { "content" } else { "parts" },
            format!("[{}]", parts.join(",")),
        ),
        ("metadata", metadata(&exact, beside)),
    ];
    match &delivery.task {
        Some(task) if item.native.beside => {
            members.push(("referenceTaskIds", json!([task.as_str()]).to_string()));
        }
        Some(task) => members.push(("taskId", json!(task.as_str()).to_string())),
        None => {}
    }
    // With the task alone, one widespread server invents a new context for the message.
    if let Some(context) = context {
        members.push(("contextId", json!(context).to_string()));
    }
    if !one && !old_rest {
        members.push(("kind", json!("message").to_string()));
    }
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    let wait = if one {
        r#""returnImmediately":true"#
    } else {
        r#""blocking":false"#
    };
    let mut text = format!(
        r#"{{"message":{{{}}},"configuration":{{{wait}}}"#,
        members.join(",")
    );
    if let Some(tenant) = door
        .tenant
        .as_ref()
        .filter(|_| door.binding == Binding::JsonRpc)
    {
        text.push_str(&format!(r#","tenant":{}"#, json!(tenant)));
    }
    text.push('}');
    RawValue::from_string(text).map_err(unusable)
}

/// Our decision, exactly, and what the question wants to find beside the parts.
fn metadata(exact: &RawValue, beside: serde_json::Map<String, serde_json::Value>) -> String {
    let mut members = vec![format!(r#""{EXTENSION_URI}":{exact}"#)];
    for (key, value) in beside {
        members.push(format!("{}:{value}", json!(key)));
    }
    format!("{{{}}}", members.join(","))
}

/// What a person would read: what they decided, with the action as they changed it, then their own words, then what they
/// filled in where nothing else carries it.
fn words(body: &DecisionBody, item: &Item, whole: bool) -> Option<String> {
    use domain::decision::Outcome as O;
    let chosen = body.option_id.as_ref().map(|id| {
        let choice = item.options.iter().find(|choice| choice.id == *id);
        choice
            .map_or(id.as_str(), |choice| choice.label.as_str())
            .to_owned()
    });
    let decided = match body.outcome {
        O::Respond => chosen,
        O::Approve | O::ApproveAlways => Some(chosen.unwrap_or_else(|| "approve".to_owned())),
        O::Edit => Some("approve with changes".to_owned()),
        O::Reject => Some(chosen.unwrap_or_else(|| "reject".to_owned())),
        O::Cancel => Some("cancel".to_owned()),
    };
    let edited = body.edited_action.as_ref();
    let mut said: Vec<String> = decided
        .into_iter()
        .chain(edited.map(|edited| edited.get().to_owned()))
        .chain(body.message.clone())
        .collect();
    if let Some(payload) = &body.payload
        && (whole || said.is_empty())
    {
        said.push(payload.get().to_owned());
    }
    (!said.is_empty()).then(|| said.join("\n\n"))
}

/// The structured part, and what stands beside it: the filled-in form when one was asked for, else the decision; both
/// with the question's ids.
fn answer(
    body: &DecisionBody,
    item: &Item,
    exact: &RawValue,
    delivery: &Delivery,
) -> Result<(Box<RawValue>, Option<serde_json::Value>), String> {
    let mut members = ids(item);
    if let Some(schema) = &item.response_schema {
        return filled(body, schema, members);
    }
    let decided: BTreeMap<String, Box<RawValue>> = serde_json::from_str(exact.get())
        .map_err(|_| "The decision could not be read again.".to_owned())?;
    members.extend(decided);
    let mut put = |name: &str, value: serde_json::Value| {
        if let Ok(raw) = serde_json::value::to_raw_value(&value) {
            members.entry(name.to_owned()).or_insert(raw);
        }
    };
    use domain::decision::Outcome as O;
    match body.outcome {
        O::Approve | O::ApproveAlways | O::Edit => put("approved", json!(true)),
        O::Reject | O::Cancel => put("approved", json!(false)),
        O::Respond => {}
    }
    put("escalationId", json!(delivery.escalation.as_str()));
    Ok((raw(&members)?, None))
}

/// What identifies the question: text or numbers under names like `id`, `requestId`, `tool_call_id`.
fn ids(item: &Item) -> BTreeMap<String, Box<RawValue>> {
    let members = |raw: &RawValue| -> BTreeMap<String, Box<RawValue>> {
        serde_json::from_str(raw.get()).unwrap_or_default()
    };
    let mut ids = BTreeMap::new();
    for piece in &item.native.asked {
        let own = members(&piece.data);
        let values = own.get("form_data").map(|values| members(values));
        for (name, value) in own.into_iter().chain(values.unwrap_or_default()) {
            let is_plain = !value.get().starts_with(['{', '[']);
            if shape::identifies(&name) && is_plain && value.get().len() <= 600 {
                ids.entry(name).or_insert(value);
            }
        }
    }
    ids
}

/// The form as it was filled in, with the ids inside it, or beside it where it takes nothing else.
fn filled(
    body: &DecisionBody,
    schema: &RawValue,
    ids: BTreeMap<String, Box<RawValue>>,
) -> Result<(Box<RawValue>, Option<serde_json::Value>), String> {
    let schema: serde_json::Value = serde_json::from_str(schema.get()).unwrap_or_default();
    let payload = match &body.payload {
        Some(payload) => payload.clone(),
        None => {
            let filled = form::fill(&schema, shape::says_yes(body), body.message.as_deref());
            raw(&filled.ok_or_else(|| shape::FILL_IN.to_owned())?)?
        }
    };
    let own: Option<BTreeMap<String, Box<RawValue>>> = serde_json::from_str(payload.get()).ok();
    let closed = schema.get("additionalProperties") == Some(&json!(false));
    match own {
        Some(mut own) if !closed => {
            for (name, value) in ids {
                own.entry(name).or_insert(value);
            }
            Ok((raw(&own)?, None))
        }
        _ => {
            let beside = serde_json::to_value(&ids).ok();
            Ok((payload, beside.filter(|_| !ids.is_empty())))
        }
    }
}

fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, String> {
    serde_json::value::to_raw_value(value)
        .map_err(|_| "The decision could not be written.".to_owned())
}

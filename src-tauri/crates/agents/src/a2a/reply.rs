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
    shape,
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
    #[serde(default)]
    data: Vec<Box<RawValue>>,
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
    let structured =
        !item.native.data.is_empty() || item.response_schema.is_some() || body.payload.is_some();
    let shaped = item
        .native
        .data
        .first()
        .and_then(|question| shape::answer(question, &body));
    // Beside an answer in its own shape, words would be a second answer.
    let words = if shaped.is_some() {
        None
    } else {
        words(&body, &item)
    };
    let (data, metadata) = match shaped {
        Some(shaped) => (Some(raw(&shaped.data)?), shaped.metadata),
        None if structured || card.takes_data => {
            (Some(answer(&body, &item, &exact, delivery)?), None)
        }
        None => (None, None),
    };
    let door = &card.door;
    let old_rest = (door.generation, door.binding) == (Generation::Old, Binding::Rest);
    let one = door.generation == Generation::One;
    let mut parts = vec![];
    if let Some(words) = words {
        parts.push(if one || old_rest {
            json!({"text": words}).to_string()
        } else {
            json!({"kind": "text", "text": words}).to_string()
        });
    }
    if let Some(data) = data {
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
        ("metadata", format!(r#"{{"{EXTENSION_URI}":{exact}}}"#)),
    ];
    if let Some(task) = &delivery.task {
        members.push(("taskId", json!(task.as_str()).to_string()));
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

/// What a person would read: their own words, with what they decided in front.
fn words(body: &DecisionBody, item: &Item) -> Option<String> {
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
    let said = body.message.clone();
    match (decided, said) {
        (Some(decided), Some(said)) => Some(format!("{decided}\n\n{said}")),
        (one, other) => one.or(other).or_else(|| {
            body.payload
                .as_ref()
                .map(|payload| payload.get().to_owned())
        }),
    }
}

/// The structured part: the filled-in form when one was asked for, else the decision with the question's ids.
fn answer(
    body: &DecisionBody,
    item: &Item,
    exact: &RawValue,
    delivery: &Delivery,
) -> Result<Box<RawValue>, String> {
    if let Some(payload) = &body.payload
        && item.response_schema.is_some()
    {
        return Ok(payload.clone());
    }
    let mut members: BTreeMap<String, Box<RawValue>> = BTreeMap::new();
    for data in &item.native.data {
        let own: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(data.get()).unwrap_or_default();
        for (name, value) in own {
            // Only what identifies: text or numbers under names like `id`, `requestId`, `tool_call_id`.
            let identifies = name == "id" || name.ends_with("Id") || name.ends_with("_id");
            let is_plain = !value.get().starts_with(['{', '[']);
            if identifies && is_plain && value.get().len() <= 600 {
                members.entry(name).or_insert(value);
            }
        }
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
    raw(&members)
}

fn raw(value: &impl serde::Serialize) -> Result<Box<RawValue>, String> {
    serde_json::value::to_raw_value(value)
        .map_err(|_| "The decision could not be written.".to_owned())
}

//! In which shape a question is asked. Three shapes are agreed between graphs and the people's tools that answer them;
//! anything else is a value of the graph author's own, with or without a schema of the answer.
//!
//! A shape is recognised by its own members. What is asked is kept byte for byte.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// One action that waits for leave.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) args: Box<RawValue>,
    pub(crate) description: Option<String>,
    /// Words of the shape that this action takes; `None` = it does not say.
    pub(crate) allowed: Option<Vec<String>>,
}

/// The shape of a question.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Agent Inbox: a list of `{action_request, config}`, answered with a list of `{type, args}`. The flag: it stood alone.
    Inbox(Vec<Request>),
    /// The middleware's batch: `{action_requests, review_configs}`, answered with `{decisions}`.
    Batch(Vec<Request>),
    /// The middleware's single call: answered with one decision.
    Call(Request),
    /// Anything else: answered with a value.
    Free,
}

/// A question, taken apart.
pub(crate) struct Asked {
    pub(crate) value: Box<RawValue>,
    /// JSON Schema of the answer.
    pub(crate) schema: Option<Box<RawValue>>,
    pub(crate) shape: Shape,
}

type Members = BTreeMap<String, Box<RawValue>>;

fn members(raw: &RawValue) -> Option<Members> {
    serde_json::from_str(raw.get()).ok()
}

fn text(members: &Members, name: &str) -> Option<String> {
    let text: String = serde_json::from_str(members.get(name)?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

/// Takes an interrupt apart (`{id, value, response_schema?}`).
pub(crate) fn of(interrupt: &RawValue) -> Asked {
    let mut members = members(interrupt).unwrap_or_default();
    let value = members.remove("value").unwrap_or_else(null);
    let schema = members
        .remove("response_schema")
        .filter(|schema| schema.get().starts_with('{') || schema.get() == "true");
    let shape = inbox(&value)
        .or_else(|| batch(&value))
        .or_else(|| call(&value, schema.as_deref()))
        .unwrap_or(Shape::Free);
    Asked {
        value,
        schema,
        shape,
    }
}

fn inbox(value: &RawValue) -> Option<Shape> {
    #[derive(Deserialize)]
    struct Item {
        action_request: Action,
        #[serde(default)]
        config: Option<Value>,
        #[serde(default)]
        description: Option<Value>,
    }
    #[derive(Deserialize)]
    struct Action {
        action: String,
        #[serde(default)]
        args: Option<Box<RawValue>>,
    }
    let items: Vec<Item> = if value.get().starts_with('[') {
        serde_json::from_str(value.get()).ok()?
    } else {
        vec![serde_json::from_str(value.get()).ok()?]
    };
    if items.is_empty() {
        return None;
    }
    const WORDS: [(&str, &str); 4] = [
        ("allow_accept", "accept"),
        ("allow_edit", "edit"),
        ("allow_respond", "response"),
        ("allow_ignore", "ignore"),
    ];
    let requests = items.into_iter().map(|item| {
        let allowed = item.config.filter(Value::is_object).map(|config| {
            let says = |flag: &str| config.get(flag).and_then(Value::as_bool).unwrap_or(false);
            let words = WORDS.iter().filter(|(flag, _)| says(flag));
            words.map(|(_, word)| (*word).to_owned()).collect()
        });
        Request {
            name: item.action_request.action,
            args: item.action_request.args.unwrap_or_else(null),
            description: item
                .description
                .and_then(|text| text.as_str().map(str::to_owned)),
            allowed,
        }
    });
    Some(Shape::Inbox(requests.collect()))
}

fn batch(value: &RawValue) -> Option<Shape> {
    #[derive(Deserialize)]
    struct Review {
        #[serde(default)]
        action_name: Option<String>,
        #[serde(default)]
        allowed_decisions: Option<Vec<String>>,
    }
    let members = members(value)?;
    let requests: Vec<Members> =
        serde_json::from_str(members.get("action_requests")?.get()).ok()?;
    let reviews: Vec<Review> = members
        .get("review_configs")
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let requests: Option<Vec<Request>> = requests
        .iter()
        .map(|request| {
            let named = text(request, "name").or_else(|| text(request, "action"))?;
            let review = reviews
                .iter()
                .find(|review| review.action_name.as_deref() == Some(&named));
            Some(Request {
                args: request
                    .get("args")
                    .or_else(|| request.get("arguments"))
                    .cloned()
                    .unwrap_or_else(null),
                description: text(request, "description"),
                allowed: review.and_then(|review| review.allowed_decisions.clone()),
                name: named,
            })
        })
        .collect();
    requests
        .filter(|requests| !requests.is_empty())
        .map(Shape::Batch)
}

fn call(value: &RawValue, schema: Option<&RawValue>) -> Option<Shape> {
    let members = members(value)?;
    if text(&members, "type")? != "tool_approval" {
        return None;
    }
    let allowed = schema.map(decisions);
    Some(Shape::Call(Request {
        name: text(&members, "name")?,
        args: members.get("args").cloned().unwrap_or_else(null),
        description: text(&members, "description"),
        allowed: allowed.filter(|words| !words.is_empty()),
    }))
}

/// The decisions that a schema of the answer takes: the constants of its `type` members.
fn decisions(schema: &RawValue) -> Vec<String> {
    fn look(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(kind) = members
                    .get("properties")
                    .and_then(|properties| properties.get("type"))
                {
                    let words = kind.get("enum").and_then(Value::as_array);
                    let words = words.into_iter().flatten().chain(kind.get("const"));
                    for word in words.filter_map(Value::as_str) {
                        if !found.iter().any(|known| known == word) {
                            found.push(word.to_owned());
                        }
                    }
                }
                members.values().for_each(|value| look(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| look(value, found)),
            _ => {}
        }
    }
    let mut found = vec![];
    if let Ok(schema) = serde_json::from_str(schema.get()) {
        look(&schema, &mut found);
    }
    let known = ["approve", "edit", "reject", "respond"];
    found.retain(|word| known.contains(&word.as_str()));
    found
}

impl Asked {
    /// The actions that wait for leave.
    pub(crate) fn requests(&self) -> &[Request] {
        match &self.shape {
            Shape::Inbox(requests) | Shape::Batch(requests) => requests,
            Shape::Call(request) => std::slice::from_ref(request),
            Shape::Free => &[],
        }
    }

    /// Answers to choose from, where the question names them: in its own list, or as the only values of its schema.
    pub(crate) fn choices(&self) -> Vec<String> {
        const MOST: usize = 50;
        if !matches!(self.shape, Shape::Free) {
            return vec![];
        }
        let schema: Option<Value> = self
            .schema
            .as_ref()
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        let of_schema = schema.as_ref().and_then(|schema| schema.get("enum"));
        let value: Option<Value> = serde_json::from_str(self.value.get()).ok();
        let own = value.as_ref().filter(|_| schema.is_none());
        let own = own.and_then(|value| value.get("options").or_else(|| value.get("choices")));
        let all = of_schema.or(own).and_then(Value::as_array);
        let words: Option<Vec<String>> = all.and_then(|all| {
            all.iter()
                .map(|one| one.as_str().map(str::to_owned))
                .collect()
        });
        let words = words.filter(|words| words.len() <= MOST);
        // Told twice, it is one answer.
        let mut known = HashSet::new();
        let mut words = words.unwrap_or_default();
        words.retain(|word| known.insert(word.clone()));
        words
    }
}

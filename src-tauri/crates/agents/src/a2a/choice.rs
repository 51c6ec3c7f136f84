//! Answers to choose from, wherever a question keeps them and however it writes them: a list of words, of objects with a
//! value and a label, or an object of labels. A choice is a question with options, not leave for an action.
//!
//! It does not say which option is a yes: only a question's own word for that counts.

use std::collections::HashSet;

use serde_json::{Map, Value, json, value::RawValue};

use super::{form, question::SAYS, shape::Shape};

/// More is no choice for a person.
const MOST: usize = 50;
/// Members that hold the options.
const HOLDERS: [&str; 2] = ["options", "choices"];
/// Members that say that there is something to be done, not only something to be told.
const ACTS: [&str; 12] = [
    "proposedAction",
    "args",
    "arguments",
    "input",
    "parameters",
    "tool",
    "toolName",
    "tool_name",
    "tool_call",
    "function_call",
    "command",
    "action",
];
/// Members that only name the question.
const NAMES: [&str; 5] = ["type", "kind", "name", "expiresAt", "value"];

/// Where a question says what it asks: some wrap it once more.
fn holder(question: &Value, shape: Option<Shape>) -> &Value {
    match shape {
        Some(Shape::Resume) => &question["value"],
        _ => question,
    }
}

/// The options of a piece of a question, as the contract writes them (`{id, label, effect?, intent?}`).
pub(super) fn of(question: &Value, shape: Option<Shape>) -> Option<Vec<Value>> {
    let members = holder(question, shape).as_object()?;
    let found = HOLDERS.iter().find_map(|name| members.get(*name))?;
    let all: Vec<Value> = match found {
        Value::Array(all) if all.len() <= MOST => all.iter().map(one).collect::<Option<_>>()?,
        Value::Object(all) if all.len() <= MOST => all
            .iter()
            .map(|(id, label)| Some(json!({"id": id, "label": label.as_str()?})))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    let ids: HashSet<&str> = all
        .iter()
        .filter_map(|option| option["id"].as_str())
        .collect();
    (!all.is_empty() && ids.len() == all.len()).then_some(all)
}

fn one(option: &Value) -> Option<Value> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    let Value::Object(members) = option else {
        let word = plain(option)?;
        return Some(json!({"id": word, "label": word}));
    };
    let first = |names: &[&str]| names.iter().find_map(|name| plain(members.get(*name)?));
    let label = first(&["label", "title", "name", "text", "description"]);
    let id = first(&["id", "optionId", "option_id", "value", "key"]).or_else(|| label.clone())?;
    let mut written = json!({"id": id, "label": label.unwrap_or_else(|| id.clone())});
    if let Some(effect) = members.get("effect").filter(|effect| effect.is_string()) {
        written["effect"] = effect.clone();
    }
    let intents = ["approve", "reject", "other"];
    let intent = members.get("intent").and_then(Value::as_str);
    if let Some(intent) = intent.filter(|intent| intents.contains(intent)) {
        written["intent"] = json!(intent);
    }
    Some(written)
}

/// Whether only a choice is asked for; what else stands there, to be shown with the words. `None` = there is an action or
/// a form.
pub(super) fn is_only(question: &Value, shape: Option<Shape>) -> Option<String> {
    let is_known = |shape| !matches!(shape, Shape::Resume | Shape::Run);
    let members = holder(question, shape).as_object()?;
    let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
    if shape.is_some_and(is_known) || has(&ACTS) || has(&form::NAMES) {
        return None;
    }
    let is_told = |name: &str| {
        // Its words are shown anyway.
        SAYS.contains(&name)
            || NAMES.contains(&name)
            || HOLDERS.contains(&name)
            || super::shape::identifies(name)
    };
    let rest: Map<String, Value> = members
        .iter()
        .filter(|(name, value)| !is_told(name) || value.is_object() || value.is_array())
        .filter(|(name, _)| !HOLDERS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Some(match rest.is_empty() {
        true => String::new(),
        false => format!("\n\n{}", Value::Object(rest)),
    })
}

/// As JSON text.
pub(super) fn written(options: &[Value]) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(options).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_however_they_are_written() {
        let two = json!([{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]);
        for (question, expected) in [
            (
                json!({"options": ["a", "b"]}),
                json!([{"id": "a", "label": "a"}, {"id": "b", "label": "b"}]),
            ),
            (
                json!({"options": [{"id": "a", "label": "A"}, {"id": "b", "label": "B"}]}),
                two.clone(),
            ),
            (
                json!({"choices": [{"value": "a", "label": "A"}, {"key": "b", "title": "B"}]}),
                two.clone(),
            ),
            (json!({"options": {"a": "A", "b": "B"}}), two),
            (
                json!({"options": [1, 2]}),
                json!([{"id": "1", "label": "1"}, {"id": "2", "label": "2"}]),
            ),
            (
                json!({"options": [{"id": "y", "label": "Go", "intent": "approve", "effect": "It goes"}, {"id": "n", "label": "No", "intent": "maybe"}]}),
                json!([{"id": "y", "label": "Go", "intent": "approve", "effect": "It goes"}, {"id": "n", "label": "No"}]),
            ),
            (json!({"options": ["a", "a"]}), Value::Null),
            (json!({"options": []}), Value::Null),
            (json!({"options": [["a"]]}), Value::Null),
            (json!({"options": "a"}), Value::Null),
            (json!({"options": {"a": {"deep": 1}}}), Value::Null),
            (json!({"question": "Which?"}), Value::Null),
        ] {
            let found = of(&question, None).map_or(Value::Null, Value::Array);
            assert_eq!(found, expected, "{question}");
        }
        let wrapped = json!({"id": "i", "value": {"options": ["a"]}});
        assert!(of(&wrapped, Some(Shape::Resume)).is_some());
    }

    #[test]
    fn a_choice_is_one_only_where_nothing_would_be_done() {
        for (question, expected) in [
            (json!({"question": "Which?", "options": ["a"]}), Some("")),
            (
                json!({"question": "Which?", "options": ["a"], "requestId": "r", "type": "choice"}),
                Some(""),
            ),
            (
                json!({"question": "Which?", "options": ["a"], "cost": 9}),
                Some("\n\n{\"cost\":9}"),
            ),
            (
                json!({"question": {"x": 1}, "options": ["a"]}),
                Some("\n\n{\"question\":{\"x\":1}}"),
            ),
            (json!({"tool": "pay", "options": ["a"]}), None),
            (json!({"command": "rm", "options": ["a"]}), None),
            (json!({"schema": {}, "options": ["a"]}), None),
        ] {
            assert_eq!(is_only(&question, None).as_deref(), expected, "{question}");
        }
    }
}

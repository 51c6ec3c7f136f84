//! Forms: which member of a structured question is its schema, and what a plain yes, no or sentence fills in by itself.
//!
//! It does not check an answer against the schema: the server does, and says so.

use serde_json::{Map, Value, json};

/// Members under which servers keep the schema of the answer.
pub(super) const NAMES: [&str; 6] = [
    "responseSchema",
    "response_schema",
    "requestedSchema",
    "inputSchema",
    "schema",
    "form",
];
const VERDICTS: [&str; 8] = [
    "approved",
    "approve",
    "confirmed",
    "confirm",
    "accepted",
    "accept",
    "allow",
    "allowed",
];

/// The answer that a decision without a filled-in form already gives; `None` when the schema asks for more.
pub(super) fn fill(schema: &Value, yes: Option<bool>, said: Option<&str>) -> Option<Value> {
    match (schema.get("type").and_then(Value::as_str), yes, said) {
        (Some("boolean"), Some(yes), _) => return Some(json!(yes)),
        (Some("string"), None, Some(said)) => return Some(json!(said)),
        _ => {}
    }
    let properties = schema.get("properties")?.as_object()?;
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|all| all.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let is = |name: &str, kind: &str| {
        let found = properties.get(name).and_then(|p| p.get("type"));
        found.is_some_and(|found| found == kind)
    };
    let name = match yes {
        Some(_) => VERDICTS.into_iter().find(|name| is(name, "boolean"))?,
        None => match (required.as_slice(), properties.len()) {
            ([only], _) => only,
            (_, 1) => properties.keys().next()?.as_str(),
            _ => return None,
        },
    };
    if required.iter().any(|needed| *needed != name) {
        return None;
    }
    let value = match (yes, said) {
        (Some(yes), _) => json!(yes),
        (None, Some(said)) if is(name, "string") => json!(said),
        _ => return None,
    };
    Some(Value::Object(Map::from_iter([(name.to_owned(), value)])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_in_only_by_a_decision_that_says_everything() {
        let object = |properties: Value, required: Value| json!({"type": "object", "properties": properties, "required": required});
        let verdict = object(
            json!({"approved": {"type": "boolean"}}),
            json!(["approved"]),
        );
        let more = object(
            json!({"approved": {"type": "boolean"}, "size": {"type": "integer"}}),
            json!(["approved", "size"]),
        );
        let name = object(json!({"name": {"type": "string"}}), json!([]));
        for (schema, yes, said, expected) in [
            (&verdict, Some(true), None, json!({"approved": true})),
            (&verdict, Some(false), None, json!({"approved": false})),
            (&verdict, None, Some("Yes"), Value::Null),
            (&more, Some(true), None, Value::Null),
            (&name, None, Some("Ann"), json!({"name": "Ann"})),
            (&name, Some(true), None, Value::Null),
            (&json!({"type": "boolean"}), Some(false), None, json!(false)),
            (&json!({"type": "string"}), None, Some("Ann"), json!("Ann")),
            (&json!({}), Some(true), None, Value::Null),
        ] {
            let filled = fill(schema, yes, said).unwrap_or(Value::Null);
            assert_eq!(filled, expected, "{schema} {yes:?} {said:?}");
        }
    }
}

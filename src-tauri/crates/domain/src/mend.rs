//! Putting a refused item right: what would still be wrong with a corrected one, and what was expected at a place.
//!
//! Pure reading with the rules that refused it; nothing is sent and nothing counts because of it.

use std::collections::BTreeMap;

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::{Map, Value, json};

use crate::contract::{self, Problem};

/// Words of a schema that a form can be made of.
const FORM: &[&str] = &[
    "type",
    "enum",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "description",
];

/// What is wrong with one item of a list; pointers begin at the item. `schemas` are those its body must fit.
pub fn problems(list: &str, item: &str, schemas: &BTreeMap<String, Value>) -> Vec<Problem> {
    let agent = r#"{"id": "a", "name": "a", "status": "online"}"#;
    let body = match list {
        "agent" => format!(r#"{{"schemaVersion": "1.0", "agent": {item}}}"#),
        "ownership" => {
            format!(r#"{{"schemaVersion": "1.0", "agent": {agent}, "ownership": {item}}}"#)
        }
        _ => format!(r#"{{"schemaVersion": "1.0", "agent": {agent}, "{list}": [{item}]}}"#),
    };
    let mut found = match contract::read(body.as_bytes()) {
        Ok(document) => document.problems,
        Err(problem) => vec![*problem],
    };
    for problem in &mut found {
        problem.pointer = within(list, &problem.pointer).to_owned();
    }
    let value: Value = serde_json::from_str(item).unwrap_or_default();
    let Some(body) = value.get("body").filter(|_| found.is_empty()) else {
        return found;
    };
    for (name, schema) in schemas {
        let Ok(validator) = jsonschema::validator_for(schema) else {
            continue;
        };
        for error in validator.iter_errors(body) {
            found.push(Problem {
                pointer: format!("/body{}", error.instance_path()),
                list: list.to_owned(),
                item: None,
                code: "schema".to_owned(),
                message: format!("It does not fit {name}: {error}."),
                schema: Some(word_of(name, &error)),
                raw: item.into(),
            });
        }
    }
    found
}

/// Which word of which schema: `name#/properties/a/type`; `name#/required?a` names the member that is missing.
pub(crate) fn word_of(name: &str, error: &ValidationError<'_>) -> String {
    let place = format!("{name}#{}", error.schema_path());
    match error.kind() {
        ValidationErrorKind::Required { property } => match property.as_str() {
            Some(property) => format!("{place}?{property}"),
            None => place,
        },
        _ => place,
    }
}

/// The part of a pointer into a document that is within the item.
pub fn within<'a>(list: &str, pointer: &'a str) -> &'a str {
    let Some(rest) = pointer.strip_prefix('/').and_then(|p| p.strip_prefix(list)) else {
        return pointer;
    };
    let Some(inner) = rest.strip_prefix('/') else {
        return rest;
    };
    if matches!(list, "agent" | "ownership") {
        return rest;
    }
    let index = inner.find('/').unwrap_or(inner.len());
    inner.get(index..).unwrap_or_default()
}

/// What a form would ask for at a place of an item: a schema of one scalar. `None` where only JSON will do.
pub fn expected(list: &str, pointer: &str, schemas: &BTreeMap<String, Value>) -> Option<Value> {
    let contract: Value = serde_json::from_str(contract::SCHEMA).ok()?;
    if let Some(place) = pointer.strip_prefix("/body") {
        return schemas
            .values()
            .find_map(|schema| scalar(schema, step_to(schema, schema, place)?));
    }
    let of_list = contract.pointer(&format!("/properties/{list}"))?;
    let of_item = match resolved(&contract, of_list)?.get("items") {
        Some(items) => items,
        None => of_list,
    };
    scalar(&contract, step_to(&contract, of_item, pointer)?)
}

/// Follows references and alternatives with null to the schema meant.
fn resolved<'s>(whole: &'s Value, schema: &'s Value) -> Option<&'s Value> {
    let mut schema = schema;
    for _ in 0..20 {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            schema = whole.pointer(reference.strip_prefix('#')?)?;
            continue;
        }
        let Some(either) = schema.get("anyOf").and_then(Value::as_array) else {
            return Some(schema);
        };
        let mut real = either
            .iter()
            .filter(|one| one.get("type") != Some(&json!("null")));
        match (real.next(), real.next()) {
            (Some(one), None) => schema = one,
            _ => return Some(schema),
        }
    }
    None
}

fn step_to<'s>(whole: &'s Value, schema: &'s Value, pointer: &str) -> Option<&'s Value> {
    let mut schema = resolved(whole, schema)?;
    for part in pointer.split('/').skip(1) {
        let name = part.replace("~1", "/").replace("~0", "~");
        let member = schema.get("properties").and_then(|all| all.get(&name));
        let first = || schema.get("prefixItems")?.get(name.parse::<usize>().ok()?);
        let next = member.or_else(first).or_else(|| schema.get("items"))?;
        schema = resolved(whole, next)?;
    }
    Some(schema)
}

fn scalar(whole: &Value, schema: &Value) -> Option<Value> {
    let schema = resolved(whole, schema)?.as_object()?;
    let kind = schema.get("type").and_then(Value::as_str);
    let is_one = matches!(kind, Some("string" | "number" | "integer" | "boolean"));
    if !is_one && !schema.contains_key("enum") {
        return None;
    }
    let kept: Map<String, Value> = schema
        .iter()
        .filter(|(word, _)| FORM.contains(&word.as_str()))
        .map(|(word, value)| (word.clone(), value.clone()))
        .collect();
    Some(Value::Object(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn article() -> BTreeMap<String, Value> {
        let schema = json!({
            "type": "object", "required": ["title"],
            "properties": { "title": { "type": "string", "maxLength": 5 }, "tags": { "type": "array", "items": { "type": "string" } } },
        });
        BTreeMap::from([("article".to_owned(), schema)])
    }

    #[test]
    fn a_corrected_item_is_read_as_a_polled_one_would_be() {
        let check = |item: &str, expected: &[(&str, &str)]| {
            let found = problems("artifacts", item, &article());
            let told: Vec<_> = found
                .iter()
                .map(|problem| (problem.pointer.as_str(), problem.code.as_str()))
                .collect();
            assert_eq!(told, expected, "{item}");
        };
        let with = |more: &str| {
            format!(r#"{{"id": "a", "name": "n", "createdAt": "2026-01-01T00:00:00Z", {more}}}"#)
        };
        check(
            &with(r#""sizeBytes": "four""#),
            &[("/sizeBytes", "wrong-type")],
        );
        check(&with(r#""sizeBytes": 4"#), &[]);
        check(
            &with(r#""body": {"title": "too long"}"#),
            &[("/body/title", "schema")],
        );
        check(&with(r#""body": {"title": "short"}"#), &[]);
    }

    #[test]
    fn what_was_expected_at_a_place_is_a_field_of_a_form() {
        let check = |list: &str, pointer: &str, kind: Option<&str>| {
            let found = expected(list, pointer, &article());
            let told = found
                .as_ref()
                .and_then(|schema| schema.get("type")?.as_str());
            assert_eq!(told, kind, "{list}{pointer}");
        };
        check("artifacts", "/sizeBytes", Some("integer"));
        check("artifacts", "/body/title", Some("string"));
        check("artifacts", "/body/tags/3", Some("string"));
        check("artifacts", "/body/tags", None);
        check("artifacts", "/body/unknown", None);
        check("tasks", "/title", Some("string"));
    }

    #[test]
    fn a_place_in_a_document_is_a_place_in_its_item() {
        for (list, pointer, inner) in [
            ("artifacts", "/artifacts/3/sizeBytes", "/sizeBytes"),
            ("artifacts", "/artifacts/3", ""),
            ("agent", "/agent/status", "/status"),
            ("ownership", "/ownership/reads/0", "/reads/0"),
            ("tasks", "/artifacts/3", "/artifacts/3"),
        ] {
            assert_eq!(within(list, pointer), inner, "{pointer}");
        }
    }
}

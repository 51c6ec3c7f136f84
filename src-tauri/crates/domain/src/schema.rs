//! A JSON Schema that the person gives: whether it can be used, and if not, where and why, in a sentence.
//!
//! Only JSON Schema 2020-12, whole in itself: nothing is fetched from elsewhere. Holding bodies to it is
//! `fleet/schemas.rs`.

use jsonschema::{ReferencingError, ValidationError, error::ValidationErrorKind};
use serde_json::Value;

use crate::contract::json::{Flaw, parse};

/// A schema may be so large.
pub const LARGEST: usize = 256 * 1024;
/// Its name may be so long.
pub const LONGEST_NAME: usize = 512;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Why it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    /// RFC 6901 pointer into the schema; empty for the whole of it.
    pub place: String,
    /// Names the place too, where there is one.
    pub sentence: String,
}

fn refusal(place: impl Into<String>, why: &str) -> Refusal {
    let place = place.into();
    let sentence = if place.is_empty() {
        format!("This is no schema that can be used: {why}.")
    } else {
        format!("This is no schema that can be used. At {place}: {why}.")
    };
    Refusal { place, sentence }
}

/// Why something cannot be the name of a schema.
pub fn refused_name(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("Give the schema the name that stages and artifacts call it by.")
    } else if name.len() > LONGEST_NAME {
        Some("The name of a schema is at most 512 bytes long.")
    } else if name.trim() != name || name.chars().any(char::is_control) {
        Some("The name of a schema has no line breaks in it and no spaces at its beginning or end.")
    } else {
        None
    }
}

/// Reads a schema.
pub fn read(text: &str) -> Result<Value, Refusal> {
    if text.len() > LARGEST {
        return Err(refusal("", "it is larger than 256 KiB"));
    }
    let text = text.trim_start_matches('\u{feff}');
    let schema: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        refusal(
            "",
            &format!("it is not JSON from line {line}, column {column}"),
        )
    })?;
    let flaws = parse(text).map(|node| node.flaws("", 1));
    if let Some((place, flaw)) = flaws.into_iter().flatten().next() {
        let why = match flaw {
            Flaw::DuplicateKey => "this name stands there twice",
            Flaw::HalfCharacter => "this text holds half a character",
            Flaw::TooDeep => "it is nested too deeply",
            Flaw::TooMany => "it holds too much",
        };
        return Err(refusal(place, why));
    }
    let draft = schema.get("$schema");
    if let Some(draft) = draft.filter(|draft| !is_ours(draft)) {
        let why = format!("it is written for {draft}, and only {DRAFT} is read here");
        return Err(refusal("/$schema", &why));
    }
    match jsonschema::draft202012::new(&schema) {
        Ok(_) => Ok(schema),
        Err(error) => Err(why(&schema, &error)),
    }
}

fn is_ours(draft: &Value) -> bool {
    let word = draft.as_str().map(|word| word.trim_end_matches('#'));
    word == Some(DRAFT)
}

fn why(schema: &Value, error: &ValidationError<'_>) -> Refusal {
    let place = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::Referencing(problem) => {
            let mut references = vec![];
            collect(schema, "", &mut references);
            let outside = matches!(problem, ReferencingError::Unretrievable { .. });
            let guilty = references.iter().find(|(_, to)| match problem {
                ReferencingError::Unretrievable { uri, .. } => is_named(uri, to),
                ReferencingError::NoSuchAnchor { anchor } => {
                    to.split_once('#').is_some_and(|(_, name)| name == anchor)
                }
                _ => leads_nowhere(schema, to),
            });
            let guilty = guilty.or_else(|| references.iter().find(|(_, to)| !to.starts_with('#')));
            match guilty {
                Some((place, to)) if outside => refusal(
                    place.as_str(),
                    &format!(
                        "it refers to {to}, and nothing is fetched from elsewhere; put that part under $defs"
                    ),
                ),
                Some((place, to)) => refusal(
                    place.as_str(),
                    &format!("it refers to {to}, which is not in the schema"),
                ),
                None => refusal("", "it refers to something that is not in it"),
            }
        }
        ValidationErrorKind::Format { format } if format == "regex" => {
            refusal(place, "it is no regular expression that can be used")
        }
        _ => {
            let at = schema.pointer(&place).unwrap_or(schema);
            let shown = match at {
                Value::Object(_) => "an object".to_owned(),
                Value::Array(_) => "a list".to_owned(),
                other => other.to_string(),
            };
            let why = format!("{shown} is not what JSON Schema 2020-12 has there");
            refusal(place, &why)
        }
    }
}

/// Whether a reference that is no part of the schema itself leads to that address.
fn is_named(uri: &str, to: &str) -> bool {
    let bare = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
    !to.starts_with('#') && (bare(uri) == bare(to) || bare(uri).ends_with(&bare(to)))
}

fn leads_nowhere(schema: &Value, to: &str) -> bool {
    to.strip_prefix('#')
        .is_some_and(|pointer| pointer.starts_with('/') && schema.pointer(pointer).is_none())
}

/// All references, with where they stand.
fn collect(value: &Value, at: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let here = format!("{at}/{}", crate::contract::json::escape(name));
                match (name.as_str(), value.as_str()) {
                    ("$ref" | "$dynamicRef", Some(to)) => out.push((here, to.to_owned())),
                    _ => collect(value, &here, out),
                }
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect(value, &format!("{at}/{index}"), out);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Result<(), (&str, &str)>) {
        match (read(text), expected) {
            (Ok(_), Ok(())) => {}
            (Err(refused), Err((place, part))) => {
                assert_eq!(refused.place, place, "{text}: {refused}");
                assert!(refused.sentence.contains(part), "{text}: {refused}");
                assert!(refused.sentence.ends_with('.'), "{refused}");
            }
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn a_schema_that_can_be_used_is_read() {
        for text in [
            "true",
            "{}",
            "\u{feff}{\"type\": \"object\"}",
            r##"{"$schema": "https://json-schema.org/draft/2020-12/schema#", "$defs": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a"}}}"##,
            // It refers to itself: checked without end, were it taken at its word.
            r##"{"$ref": "#"}"##,
            r##"{"$id": "https://example.com/a", "$defs": {"b": {"$id": "b", "type": "string"}}, "properties": {"b": {"$ref": "b"}}}"##,
            // The member of a body may be called anything.
            r##"{"properties": {"$ref": {"type": "string"}}}"##,
        ] {
            check(text, Ok(()));
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        for (text, place, part) in [
            ("", "", "not JSON"),
            ("{\n \"type\": }", "", "line 2, column 10"),
            ("5", "", "5 is not what JSON Schema 2020-12 has there"),
            (
                r#"{"type": "objekt"}"#,
                "/type",
                "At /type: \"objekt\" is not",
            ),
            (
                r#"{"properties": {"a": {"minimum": "x"}}}"#,
                "/properties/a/minimum",
                "\"x\"",
            ),
            (
                r#"{"properties": {"a": {"pattern": "(["}}}"#,
                "/properties/a/pattern",
                "regular expression",
            ),
            (
                r#"{"type": "object", "type": "string"}"#,
                "/type",
                "stands there twice",
            ),
            (
                r#"{"$schema": "http://json-schema.org/draft-07/schema#"}"#,
                "/$schema",
                "written for",
            ),
            (r#"{"$schema": 7}"#, "/$schema", "written for 7"),
            (
                r##"{"properties": {"a/b": {"$ref": "#/$defs/none"}}}"##,
                "/properties/a~1b/$ref",
                "which is not in the schema",
            ),
        ] {
            check(text, Err((place, part)));
        }
        let large = format!("{{\"title\": \"{}\"}}", "x".repeat(LARGEST));
        check(&large, Err(("", "larger than 256 KiB")));
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for to in [
            "http://127.0.0.1:9/x.json",
            "https://example.com/x.json#/a",
            "file:///etc/passwd",
            "other.json",
            "other.json#/$defs/x",
            "../x",
            "urn:x:y",
        ] {
            let text = serde_json::json!({"properties": {"a": {"items": [true], "$ref": to}}});
            let refused = read(&text.to_string()).expect_err(to);
            if refused.place != "/properties/a/items" {
                assert_eq!(refused.place, "/properties/a/$ref", "{refused}");
                assert!(refused.sentence.contains(to), "{refused}");
            }
            let text = serde_json::json!({"allOf": [{}, {"$ref": to}]});
            check(
                &text.to_string(),
                Err(("/allOf/1/$ref", "nothing is fetched from elsewhere")),
            );
        }
    }

    #[test]
    fn names_are_one_line_and_not_endless() {
        for (name, fine) in [
            ("schemas/article.json", true),
            ("Größe 2", true),
            ("", false),
            (" a", false),
            ("a\nb", false),
        ] {
            assert_eq!(refused_name(name).is_none(), fine, "{name:?}");
        }
        assert!(refused_name(&"x".repeat(513)).is_some());
    }

    fn json() -> impl Strategy<Value = Value> {
        let word = prop::sample::select(vec![
            "type",
            "$ref",
            "allOf",
            "items",
            "#",
            "#/$defs/a",
            "$defs",
            "a",
            "object",
            "string",
            "pattern",
            "(",
            "x.json",
            "$id",
            "$anchor",
            "required",
            "properties",
            "not",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            word.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        /// Whatever is given, the answer comes; what is taken can hold a body to account, what is refused names a place
        /// that is there.
        #[test]
        fn any_json_is_read_or_refused(schema in json(), body in json()) {
            match read(&schema.to_string()) {
                Ok(schema) => {
                    let validator = jsonschema::validator_for(&schema).expect("it was taken");
                    let _ = validator.iter_errors(&body).count();
                }
                Err(refused) => {
                    prop_assert!(schema.pointer(&refused.place).is_some(), "{refused}");
                }
            }
        }
    }
}

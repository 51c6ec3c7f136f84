//! What polling needs of a status document, found in one pass without building a tree: whether it is one at all, and how to
//! go on.
//!
//! `None` means no more than that [`super::read`] must say it: nothing is refused here, and no item is looked into.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How a poll goes on after a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// False = changes since the cursor.
    pub snapshot: bool,
    /// Its list of tasks has items.
    pub has_tasks: bool,
    /// Opaque; `""` = caught up.
    pub next_cursor: Option<String>,
    /// Seconds, clamped to 1..3600.
    pub poll_after_seconds: Option<u32>,
}

/// The outline of a document that can be used; `None` where anything about it is not plain.
pub fn outline(body: &str) -> Option<Outline> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let found: Found<'_> = serde_json::from_str(body).ok()?;
    let text = |raw: Option<&RawValue>| -> Option<Option<String>> {
        match raw.map(RawValue::get) {
            None | Some("null") => Some(None),
            Some(raw) => serde_json::from_str(raw).ok().map(Some),
        }
    };
    let version = text(found.version)??;
    let speaks = text(found.speaks)??;
    if version.split('.').next() != Some("1") || speaks.is_empty() || speaks.len() > super::ID_BYTES
    {
        return None;
    }
    let snapshot = match found.snapshot.map(RawValue::get) {
        None | Some("null" | "true") => true,
        Some("false") => false,
        Some(_) => return None,
    };
    let seconds: Option<f64> = match found.seconds.map(RawValue::get) {
        None | Some("null") => None,
        Some(raw) => Some(serde_json::from_str(raw).ok()?),
    };
    let next_cursor = text(found.cursor)?;
    if next_cursor.as_ref().is_some_and(|c| c.len() > CURSOR) {
        return None;
    }
    Some(Outline {
        snapshot,
        has_tasks: found.has_tasks,
        next_cursor,
        poll_after_seconds: seconds.map(|seconds| seconds.clamp(1.0, 3600.0) as u32),
    })
}

/// A longer one is the reader's to judge.
const CURSOR: usize = 4096;

/// The members as they stand first.
#[derive(Default)]
struct Found<'a> {
    version: Option<&'a RawValue>,
    speaks: Option<&'a RawValue>,
    snapshot: Option<&'a RawValue>,
    cursor: Option<&'a RawValue>,
    seconds: Option<&'a RawValue>,
    has_tasks: bool,
}

impl<'de> Deserialize<'de> for Found<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a status document")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = Found::default();
        let mut has_agent = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "schemaVersion" => first(&mut found.version, &mut map)?,
                "snapshot" => first(&mut found.snapshot, &mut map)?,
                "nextCursor" => first(&mut found.cursor, &mut map)?,
                "pollAfterSeconds" => first(&mut found.seconds, &mut map)?,
                "agent" if !std::mem::replace(&mut has_agent, true) => {
                    found.speaks = map.next_value::<Card<'de>>()?.id;
                }
                "tasks" => found.has_tasks |= map.next_value::<Any>()?.0,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}

fn first<'de, A: MapAccess<'de>>(
    known: &mut Option<&'de RawValue>,
    map: &mut A,
) -> Result<(), A::Error> {
    let value = map.next_value()?;
    known.get_or_insert(value);
    Ok(())
}

/// Who speaks; anything but an object says nobody.
#[derive(serde::Deserialize)]
struct Card<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

/// Whether a list has items.
struct Any(bool);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Any;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Any, E> {
                Ok(Any(false))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
                let mut any = false;
                while items.next_element::<IgnoredAny>()?.is_some() {
                    any = true;
                }
                Ok(Any(any))
            }
        }
        from.deserialize_any(Items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::read;

    /// What is found is what reading the whole finds; what is not plain is left to it.
    fn check(members: &str, plain: bool) {
        let body = format!(
            "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"a\",\"name\":\"A\",\"status\":\"online\"}}{members}}}"
        );
        let found = outline(&body);
        assert_eq!(found.is_some(), plain, "{members}");
        let Some(found) = found else { return };
        let read = read(body.as_bytes()).unwrap();
        let tasks = read.tasks.is_some_and(|tasks| !tasks.is_empty());
        assert_eq!(found.snapshot, read.snapshot, "{members}");
        assert_eq!(found.next_cursor, read.next_cursor, "{members}");
        assert_eq!(
            found.poll_after_seconds, read.poll_after_seconds,
            "{members}"
        );
        assert_eq!(found.has_tasks, tasks, "{members}");
    }

    #[test]
    fn it_is_what_reading_the_whole_finds() {
        for (members, plain) in [
            ("", true),
            (
                ",\"snapshot\":false,\"nextCursor\":\"x\",\"tasks\":[]",
                true,
            ),
            (
                ",\"pollAfterSeconds\":7.9,\"nextCursor\":null,\"tasks\":null",
                true,
            ),
            (
                ",\"pollAfterSeconds\":1e9,\"tasks\":[{\"id\":\"1\",\"title\":\"T\",\"status\":{\"state\":\"working\"}}]",
                true,
            ),
            (",\"nextCursor\":\"\\u00e9\",\"nextCursor\":\"b\"", true),
            (",\"snapshot\":1", false),
            (",\"nextCursor\":5", false),
            (",\"tasks\":7", false),
            (",\"agent\":7", true),
            (",", false),
        ] {
            check(members, plain);
        }
    }

    #[test]
    fn what_is_no_document_is_left_to_the_reader() {
        for body in [
            "",
            "[]",
            "{}",
            "{\"schemaVersion\":\"2.0\",\"agent\":{\"id\":\"a\"}}",
            "{\"schemaVersion\":\"1.0\",\"agent\":{\"id\":\"\"}}",
            "{\"schemaVersion\":\"1.0\",\"agent\":[]}",
            "{\"schemaVersion\":\"1.0\"}",
        ] {
            assert_eq!(outline(body), None, "{body}");
        }
    }
}

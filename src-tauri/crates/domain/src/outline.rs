//! JSON as rows of a tree, exactly as it was written: order, repeated keys and numbers stay what they are.
//!
//! For looking at what an agent published and for marking places in it; it checks nothing. A text that is no JSON has no
//! outline.

use crate::contract::json::{Node, Tree, escape, parse};

/// What stands below a place with a longer pointer has no rows.
const LONGEST: usize = 4096;

/// One row: a member of an object, an item of a list, or the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// 0 = the whole.
    pub depth: u32,
    /// Key or number within its parent; `None` for the whole.
    pub name: Option<String>,
    /// The scalar as it was written; `None` for objects and lists.
    pub scalar: Option<String>,
    /// `object`, `list`, `text`, `number`, `word`.
    pub kind: &'static str,
    /// Members or items.
    pub size: usize,
    /// RFC 6901, from the whole.
    pub pointer: String,
}

/// All rows in the order written; `None` when it is no JSON.
pub fn outline(text: &str) -> Option<Vec<Row>> {
    let node = parse(text).ok()?;
    let mut rows = vec![];
    walk(&node, None, String::new(), 0, &mut rows);
    Some(rows)
}

/// The exact bytes of the value at a pointer.
pub fn at<'a>(text: &'a str, pointer: &str) -> Option<&'a str> {
    let node = parse(text).ok()?;
    Some(find(&node, pointer)?.raw)
}

/// The text with the value at a pointer replaced, or added to its object; nothing else changes.
pub fn replaced(text: &str, pointer: &str, value: &str) -> Option<String> {
    let node = parse(text).ok()?;
    if let Some(found) = find(&node, pointer) {
        let start = found.raw.as_ptr() as usize - text.as_ptr() as usize;
        let (before, after) = (text.get(..start)?, text.get(start + found.raw.len()..)?);
        return Some(format!("{before}{value}{after}"));
    }
    let (parent, name) = pointer.rsplit_once('/')?;
    let parent = find(&node, parent)?;
    let Tree::Map(members) = &parent.tree else {
        return None;
    };
    let name = serde_json::to_string(&name.replace("~1", "/").replace("~0", "~")).ok()?;
    let comma = if members.is_empty() { "" } else { ", " };
    let end = parent.raw.as_ptr() as usize - text.as_ptr() as usize + parent.raw.len() - 1;
    let (before, after) = (text.get(..end)?, text.get(end..)?);
    Some(format!(
        "{}{comma}{name}: {value}{after}",
        before.trim_end()
    ))
}

fn find<'n, 'a>(node: &'n Node<'a>, pointer: &str) -> Option<&'n Node<'a>> {
    let mut node = node;
    for part in pointer.split('/').skip(1) {
        node = match &node.tree {
            Tree::Map(members) => members
                .iter()
                .find(|(key, _)| escape(key) == part)
                .map(|(_, node)| node)?,
            Tree::List(nodes) => nodes.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(node)
}

fn walk(node: &Node<'_>, name: Option<String>, pointer: String, depth: u32, rows: &mut Vec<Row>) {
    let (kind, size) = match &node.tree {
        Tree::Map(members) => ("object", members.len() + node.more),
        Tree::List(nodes) => ("list", nodes.len() + node.more),
        Tree::Text(_) => ("text", 0),
        Tree::Number => ("number", 0),
        Tree::Null | Tree::Bool(_) | Tree::TooDeep => ("word", 0),
    };
    let scalar = !matches!(kind, "object" | "list");
    rows.push(Row {
        depth,
        name,
        scalar: scalar.then(|| node.raw.to_owned()),
        kind,
        size,
        pointer: pointer.clone(),
    });
    // Every row below would hold all of it.
    if pointer.len() > LONGEST {
        return;
    }
    match &node.tree {
        Tree::Map(members) => {
            for (key, node) in members {
                let here = format!("{pointer}/{}", escape(key));
                walk(node, Some(key.clone()), here, depth + 1, rows);
            }
        }
        Tree::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                let here = format!("{pointer}/{index}");
                walk(node, Some(index.to_string()), here, depth + 1, rows);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"b": 1.0, "a": [true, {"x/y": "z"}], "b": null}"#;

    #[test]
    fn rows_keep_order_repeated_keys_and_numbers_as_written() {
        let rows = outline(TEXT).expect("JSON");
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.pointer.as_str(), row.scalar.as_deref(), row.kind))
            .collect();
        assert_eq!(
            told,
            [
                ("", None, "object"),
                ("/b", Some("1.0"), "number"),
                ("/a", None, "list"),
                ("/a/0", Some("true"), "word"),
                ("/a/1", None, "object"),
                ("/a/1/x~1y", Some("\"z\""), "text"),
                ("/b", Some("null"), "word"),
            ]
        );
        assert_eq!(outline("{"), None);
    }

    #[test]
    fn one_place_is_replaced_or_added_and_every_other_byte_stays() {
        let check = |pointer: &str, after: &str| {
            assert_eq!(replaced(TEXT, pointer, "7").as_deref(), Some(after));
        };
        check("/b", r#"{"b": 7, "a": [true, {"x/y": "z"}], "b": null}"#);
        check(
            "/a/1/x~1y",
            r#"{"b": 1.0, "a": [true, {"x/y": 7}], "b": null}"#,
        );
        check(
            "/a/1/new",
            r#"{"b": 1.0, "a": [true, {"x/y": "z", "new": 7}], "b": null}"#,
        );
        assert_eq!(replaced("{}", "/a", "1").as_deref(), Some(r#"{"a": 1}"#));
        assert_eq!(replaced(TEXT, "/a/9", "7"), None);
    }
}

//! The members of one item, read with a report: every wrong one is noted, none stops the others.
//!
//! Knows types, lengths and closed word lists; what members an item has is `read.rs`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Problem,
    json::{Flaw, Node, Tree, escape},
};
use crate::time::Time;

/// Ids, keys and resources.
const ID_BYTES: usize = 512;
/// All other strings.
const TEXT_BYTES: usize = 64 * 1024;
/// Bodies of artifacts and context entries.
const BODY_BYTES: usize = 1024 * 1024;
/// Kept of a dead letter.
const KEPT_BYTES: usize = 64 * 1024;

/// What is wrong with one item so far.
pub(super) struct Report {
    list: &'static str,
    raw: std::sync::Arc<str>,
    item: Option<String>,
    pub(super) problems: Vec<Problem>,
}

impl Report {
    pub(super) fn new(list: &'static str, node: &Node<'_>, pointer: &str) -> Self {
        let mut report = Self {
            list,
            raw: kept(node.raw),
            item: None,
            problems: vec![],
        };
        let mut flaws = vec![];
        node.flaws(pointer, &mut flaws);
        for (place, flaw) in flaws {
            match flaw {
                Flaw::DuplicateKey => {
                    report.add(
                        place,
                        "duplicate-key",
                        "This member stands twice.".to_owned(),
                    );
                }
                Flaw::TooDeep => report.add(
                    place,
                    "too-deep",
                    "This nests more than 100 levels deep.".to_owned(),
                ),
                Flaw::HalfCharacter => report.add(
                    place,
                    "wrong-type",
                    "This text holds half of a character.".to_owned(),
                ),
            }
        }
        report
    }

    pub(super) fn add(&mut self, pointer: String, code: &str, message: String) {
        self.problems.push(Problem {
            pointer,
            list: self.list.to_owned(),
            item: None,
            code: code.to_owned(),
            message,
            schema: None,
            raw: self.raw.clone(),
        });
    }

    pub(super) fn name(&mut self, item: String) {
        if !item.is_empty() && item.len() <= 2 * ID_BYTES {
            self.item = Some(item);
        }
    }

    /// The problems, each naming the item.
    pub(super) fn close(mut self) -> Vec<Problem> {
        for problem in &mut self.problems {
            problem.item.clone_from(&self.item);
        }
        self.problems
    }
}

/// At most 64 KiB, cut between characters.
pub(super) fn kept(raw: &str) -> std::sync::Arc<str> {
    let mut end = raw.len().min(KEPT_BYTES);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    raw.get(..end).unwrap_or_default().into()
}

/// An object's members and where problems go.
pub(super) struct Members<'n, 'a, 'r> {
    node: &'n Node<'a>,
    pointer: String,
    pub(super) report: &'r mut Report,
}

impl<'n, 'a, 'r> Members<'n, 'a, 'r> {
    pub(super) fn new(node: &'n Node<'a>, pointer: String, report: &'r mut Report) -> Self {
        if !matches!(node.tree, Tree::Map(_)) {
            let message = format!("Expected an object, found {}.", node.kind());
            report.add(pointer.clone(), "wrong-type", message);
        }
        Self {
            node,
            pointer,
            report,
        }
    }

    fn is_object(&self) -> bool {
        matches!(self.node.tree, Tree::Map(_))
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, escape(name))
    }

    fn wrong(&mut self, name: &str, expected: &str, found: &Node<'_>) {
        let message = format!("Expected {expected}, found {}.", found.kind());
        self.report.add(self.place(name), "wrong-type", message);
    }

    /// Notes that a required member is not there. Once for the whole item if it is no object.
    fn missing(&mut self, name: &str) {
        if self.is_object() {
            let message = format!("The member \"{name}\" is required.");
            self.report.add(self.place(name), "missing", message);
        }
    }

    /// A member that is there and not null.
    pub(super) fn member(&self, name: &str) -> Option<&'n Node<'a>> {
        self.node.get(name).filter(|node| node.tree != Tree::Null)
    }

    fn bounded(&mut self, name: &str, limit: usize) -> Option<String> {
        let node = self.member(name)?;
        let Tree::Text(text) = &node.tree else {
            self.wrong(name, "text", node);
            return None;
        };
        let text = text.clone()?;
        if text.len() > limit {
            let message = format!("At most {limit} bytes, found {}.", text.len());
            self.report.add(self.place(name), "too-long", message);
            return None;
        }
        Some(text)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        self.bounded(name, TEXT_BYTES)
    }

    pub(super) fn id(&mut self, name: &str) -> Option<String> {
        self.bounded(name, ID_BYTES)
    }

    /// A version: text, or a number as it was written.
    pub(super) fn version(&mut self, name: &str) -> Option<String> {
        let node = self.member(name)?;
        if node.tree == Tree::Number && node.raw.len() <= ID_BYTES {
            return Some(node.raw.to_owned());
        }
        self.id(name)
    }

    pub(super) fn need_version(&mut self, name: &str) -> String {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.version(name).unwrap_or_default()
    }

    pub(super) fn need_text(&mut self, name: &str) -> String {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.text(name).unwrap_or_default()
    }

    /// A required id; an empty one names nothing.
    pub(super) fn need_id(&mut self, name: &str) -> String {
        let empty = self.member(name).is_some_and(|n| n.text() == Some(""));
        if self.member(name).is_none() || empty {
            self.missing(name);
        }
        self.id(name).unwrap_or_default()
    }

    pub(super) fn time(&mut self, name: &str) -> Option<Time> {
        let node = self.member(name)?;
        let read = node.text().and_then(read_time);
        if read.is_none() {
            self.wrong(name, "a time with an offset (RFC 3339)", node);
        }
        read
    }

    pub(super) fn need_time(&mut self, name: &str) -> Option<Time> {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.time(name)
    }

    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        let node = self.member(name)?;
        let read = match node.tree {
            Tree::Number => node.raw.parse::<f64>().ok().filter(|n| n.is_finite()),
            _ => None,
        };
        if read.is_none() {
            let expected = match node.tree {
                Tree::Number => "a number that is not too large",
                _ => "a number",
            };
            self.wrong(name, expected, node);
        }
        read
    }

    /// A whole number, 0 or more. `3.0` counts.
    pub(super) fn whole(&mut self, name: &str) -> Option<u64> {
        let node = self.member(name)?;
        let read = match node.tree {
            Tree::Number => node.raw.parse::<u64>().ok().or_else(|| {
                let number = node.raw.parse::<f64>().ok()?;
                // 2^53: above it a double no longer tells whole numbers apart.
                ((0.0..=9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0)
                    .then_some(number as u64)
            }),
            _ => None,
        };
        if read.is_none() {
            self.wrong(name, "a whole number, 0 or more", node);
        }
        read
    }

    pub(super) fn need_whole(&mut self, name: &str) -> u64 {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.whole(name).unwrap_or_default()
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let node = self.member(name)?;
        if let Tree::Bool(flag) = node.tree {
            return Some(flag);
        }
        self.wrong(name, "true or false", node);
        None
    }

    pub(super) fn need_flag(&mut self, name: &str) -> bool {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.flag(name).unwrap_or_default()
    }

    /// A word of a closed list.
    pub(super) fn word<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let node = self.member(name)?;
        let Some(text) = node.text() else {
            self.wrong(name, "a word", node);
            return None;
        };
        let read = serde_json::from_value(Value::String(text.to_owned())).ok();
        if read.is_none() {
            let shown: String = text.chars().take(40).collect();
            let message = format!("The word \"{shown}\" is not one of the contract's.");
            self.report.add(self.place(name), "unknown-word", message);
        }
        read
    }

    pub(super) fn need_word<T: DeserializeOwned>(&mut self, name: &str, otherwise: T) -> T {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.word(name).unwrap_or(otherwise)
    }

    /// `kind:name` with a kind of the contract.
    pub(super) fn need_resource(&mut self, name: &str) -> String {
        let text = self.need_id(name);
        if !text.is_empty() && !is_resource(&text) {
            self.report.add(
                self.place(name),
                "unknown-word",
                "A resource begins with trigger:, field:, output:, file:, api: or other:."
                    .to_owned(),
            );
        }
        text
    }

    /// Any JSON; strings within keep the general limit.
    pub(super) fn any(&mut self, name: &str) -> Option<Value> {
        let node = self.member(name)?;
        if let Some(place) = too_long(node, &self.place(name)) {
            let message = format!("At most {TEXT_BYTES} bytes in one text.");
            self.report.add(place, "too-long", message);
            return None;
        }
        self.value(name, node)
    }

    /// A body: bounded as a whole instead of string by string.
    pub(super) fn body(&mut self, name: &str) -> Option<Value> {
        let node = self.member(name)?;
        if node.raw.len() > BODY_BYTES {
            let message = format!("At most {BODY_BYTES} bytes, found {}.", node.raw.len());
            self.report.add(self.place(name), "too-long", message);
            return None;
        }
        self.value(name, node)
    }

    pub(super) fn need_body(&mut self, name: &str) -> Value {
        if self.node.get(name).is_none() {
            self.missing(name);
        }
        self.body(name).unwrap_or_default()
    }

    fn value(&mut self, name: &str, node: &Node<'_>) -> Option<Value> {
        let read = serde_json::from_str(node.raw).ok();
        // Half characters were reported already; what is left are numbers no double holds.
        if read.is_none() && self.report.problems.is_empty() {
            self.wrong(name, "a value that can be represented", node);
        }
        read
    }

    /// The texts of a list.
    pub(super) fn ids(&mut self, name: &str) -> Vec<String> {
        self.each(name, |node| node.text().map(str::to_owned), ID_BYTES)
    }

    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.member(name)?;
        Some(self.each(name, |node| node.text().map(str::to_owned), TEXT_BYTES))
    }

    fn each(
        &mut self,
        name: &str,
        read: impl Fn(&Node<'_>) -> Option<String>,
        limit: usize,
    ) -> Vec<String> {
        let mut out = vec![];
        for (node, pointer) in self.nodes(name) {
            match read(node) {
                Some(text) if text.len() <= limit => out.push(text),
                Some(text) => {
                    let message = format!("At most {limit} bytes, found {}.", text.len());
                    self.report.add(pointer, "too-long", message);
                }
                None => {
                    let message = format!("Expected text, found {}.", node.kind());
                    self.report.add(pointer, "wrong-type", message);
                }
            }
        }
        out
    }

    fn nodes(&mut self, name: &str) -> Vec<(&'n Node<'a>, String)> {
        let Some(node) = self.member(name) else {
            return vec![];
        };
        let Tree::List(nodes) = &node.tree else {
            self.wrong(name, "a list", node);
            return vec![];
        };
        let place = self.place(name);
        nodes
            .iter()
            .enumerate()
            .map(|(index, node)| (node, format!("{place}/{index}")))
            .collect()
    }

    /// The objects of a list.
    pub(super) fn objects<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Members<'_, '_, '_>) -> T,
    ) -> Vec<T> {
        self.nodes(name)
            .into_iter()
            .map(|(node, pointer)| read(&mut Members::new(node, pointer, self.report)))
            .collect()
    }

    pub(super) fn need_objects<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Members<'_, '_, '_>) -> T,
    ) -> Vec<T> {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.objects(name, read)
    }

    /// An object within.
    pub(super) fn object<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Members<'_, '_, '_>) -> T,
    ) -> Option<T> {
        let node = self.member(name)?;
        let place = self.place(name);
        Some(read(&mut Members::new(node, place, self.report)))
    }

    pub(super) fn need_object<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Members<'_, '_, '_>) -> T,
    ) -> Option<T> {
        if self.member(name).is_none() {
            self.missing(name);
        }
        self.object(name, read)
    }

    /// Name and text pairs; numbers and lists of texts are written out.
    pub(super) fn headers(&mut self, name: &str) -> Vec<(String, String)> {
        let Some(node) = self.member(name) else {
            return vec![];
        };
        let Tree::Map(members) = &node.tree else {
            self.wrong(name, "an object", node);
            return vec![];
        };
        let written = |node: &Node<'_>| match &node.tree {
            Tree::Text(text) => text.clone().unwrap_or_default(),
            Tree::List(nodes) => {
                let texts: Vec<_> = nodes.iter().filter_map(Node::text).collect();
                texts.join(", ")
            }
            _ => node.raw.to_owned(),
        };
        members
            .iter()
            .map(|(key, node)| (key.to_ascii_lowercase(), written(node)))
            .collect()
    }
}

/// RFC 3339 with an offset.
pub(crate) fn read_time(text: &str) -> Option<Time> {
    chrono::DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.to_utc())
}

/// Does it begin with a kind of the contract, and does a name follow?
pub(crate) fn is_resource(text: &str) -> bool {
    text.split_once(':').is_some_and(|(kind, name)| {
        !name.is_empty()
            && matches!(
                kind,
                "trigger" | "field" | "output" | "file" | "api" | "other"
            )
    })
}

/// Pointer of the first string over the general limit.
fn too_long(node: &Node<'_>, pointer: &str) -> Option<String> {
    match &node.tree {
        Tree::Text(Some(text)) if text.len() > TEXT_BYTES => Some(pointer.to_owned()),
        Tree::List(nodes) => nodes
            .iter()
            .enumerate()
            .find_map(|(index, node)| too_long(node, &format!("{pointer}/{index}"))),
        Tree::Map(members) => members
            .iter()
            .find_map(|(key, node)| too_long(node, &format!("{pointer}/{}", escape(key)))),
        _ => None,
    }
}

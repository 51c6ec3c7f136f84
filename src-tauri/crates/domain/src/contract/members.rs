//! The members of one item, read with a report: every wrong one is noted, none stops the others.
//!
//! Knows types, lengths and closed word lists; what members an item has is `read.rs`.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Problem,
    json::{Flaw, Node, Tree, escape},
};
use crate::{
    caps::{COMMAND, ENTRIES, ITEM_BYTES, PATTERNS, PROBLEMS, WILDCARDS},
    ownership::pattern::Pattern,
    time::Time,
};

/// Ids, keys and resources.
pub(super) const ID_BYTES: usize = 512;
/// All other strings.
const TEXT_BYTES: usize = 64 * 1024;
/// Bodies of artifacts and context entries.
const BODY_BYTES: usize = 1024 * 1024;
/// Kept of a dead letter.
const KEPT_BYTES: usize = 64 * 1024;

/// What is wrong with one item so far.
pub(super) struct Report<'n> {
    list: &'static str,
    pointer: String,
    /// The bytes of the item.
    of: &'n str,
    raw: Option<std::sync::Arc<str>>,
    item: Option<String>,
    pub(super) problems: Vec<Problem>,
    /// It is too large, or too much is wrong with it: no more is read of it.
    over: bool,
}

impl<'n> Report<'n> {
    pub(super) fn new(list: &'static str, node: &Node<'n>, pointer: &str) -> Self {
        let mut report = Self {
            list,
            pointer: pointer.to_owned(),
            of: node.raw,
            raw: None,
            item: None,
            problems: vec![],
            over: false,
        };
        if node.raw.len() > ITEM_BYTES {
            let message = format!("At most {ITEM_BYTES} bytes, found {}.", node.raw.len());
            report.add(pointer.to_owned(), "too-long", message);
            report.over = true;
        }
        for (place, flaw) in node.flaws(pointer, PROBLEMS) {
            let (code, message) = match flaw {
                Flaw::DuplicateKey => ("duplicate-key", "This member stands twice."),
                Flaw::TooDeep => ("too-deep", "This nests more than 100 levels deep."),
                Flaw::HalfCharacter => ("wrong-type", "This text holds half of a character."),
                Flaw::TooMany => ("too-many", "This holds more than is read."),
            };
            report.add(place, code, message.to_owned());
        }
        report
    }

    pub(super) fn add(&mut self, pointer: String, code: &str, message: String) {
        if self.over {
            return;
        }
        let last = self.problems.len() + 1 >= PROBLEMS;
        let (pointer, code, message) = if last {
            let more = format!("It is wrong in {PROBLEMS} places and more.");
            (self.pointer.clone(), "too-many", more)
        } else {
            (pointer, code, message)
        };
        self.over = last;
        let raw = self.raw.get_or_insert_with(|| kept(self.of));
        self.problems.push(Problem {
            pointer,
            list: self.list.to_owned(),
            item: None,
            code: code.to_owned(),
            message,
            schema: None,
            raw: raw.clone(),
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
    pub(super) report: &'r mut Report<'a>,
}

impl<'n, 'a, 'r> Members<'n, 'a, 'r> {
    pub(super) fn new(node: &'n Node<'a>, pointer: String, report: &'r mut Report<'a>) -> Self {
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

    /// An id that names something the person can answer or stop: it becomes a piece of an address.
    pub(super) fn need_piece(&mut self, name: &str) -> String {
        let id = self.need_id(name);
        if leads_elsewhere(&id) {
            let message = "An id that is a way within an address (\".\" or \"..\"), or holds a tab or a line's end, names nothing.";
            let place = self.place(name);
            self.report.add(place, "unusable-id", message.to_owned());
        }
        id
    }

    /// A resource or a pattern of some.
    pub(super) fn need_pattern(&mut self, name: &str) -> String {
        let text = self.need_resource(name);
        let place = self.place(name);
        self.few_wildcards(&text, place);
        text
    }

    fn few_wildcards(&mut self, text: &str, place: String) {
        let found = Pattern::resource(text).wildcards();
        if found > WILDCARDS {
            let message = format!("At most {WILDCARDS} wildcards in one pattern, found {found}.");
            self.report.add(place, "too-many", message);
        }
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
        if self.report.over {
            return None;
        }
        let read = serde_json::from_str(node.raw).ok();
        // Half characters were reported already; what is left are numbers no double holds.
        if read.is_none() && self.report.problems.is_empty() {
            self.wrong(name, "a value that can be represented", node);
        }
        read
    }

    /// The texts of a list.
    pub(super) fn ids(&mut self, name: &str) -> Vec<String> {
        self.each(name, ENTRIES, ID_BYTES)
    }

    /// The ids in a list of objects, each its own: of two with one id nobody could say which was chosen.
    pub(super) fn differ<'i>(&mut self, name: &str, ids: impl Iterator<Item = &'i str>) {
        let mut known = BTreeSet::new();
        for (index, id) in ids.enumerate() {
            if !known.insert(id) && !id.is_empty() {
                let place = format!("{}/{index}/id", self.place(name));
                let message = format!("Another one here has the id \"{id}\".");
                self.report.add(place, "unusable-id", message);
            }
        }
    }

    /// Patterns of resources.
    pub(super) fn patterns(&mut self, name: &str) -> Vec<String> {
        let all = self.ids(name);
        let place = self.place(name);
        let found = all.iter().filter(|text| text.contains('*')).count();
        if found > PATTERNS {
            let message = format!("At most {PATTERNS} patterns with wildcards, found {found}.");
            self.report.add(place.clone(), "too-many", message);
        }
        for (index, text) in all.iter().enumerate() {
            self.few_wildcards(text, format!("{place}/{index}"));
        }
        all
    }

    /// The pieces of a command.
    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.member(name)?;
        Some(self.each(name, COMMAND, TEXT_BYTES))
    }

    fn each(&mut self, name: &str, most: usize, limit: usize) -> Vec<String> {
        let mut out = vec![];
        for (node, pointer) in self.nodes(name, most) {
            match node.text() {
                Some(text) if text.len() <= limit => out.push(text.to_owned()),
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

    fn nodes(&mut self, name: &str, most: usize) -> Vec<(&'n Node<'a>, String)> {
        let Some(node) = self.member(name) else {
            return vec![];
        };
        let Tree::List(nodes) = &node.tree else {
            self.wrong(name, "a list", node);
            return vec![];
        };
        let place = self.place(name);
        if nodes.len() + node.more > most {
            let message = format!("At most {most}, found {}.", nodes.len() + node.more);
            self.report.add(place, "too-many", message);
            return vec![];
        }
        let places = nodes.iter().enumerate();
        places
            .map(|(index, node)| (node, format!("{place}/{index}")))
            .collect()
    }

    /// The objects of a list.
    pub(super) fn objects<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Members<'_, '_, '_>) -> T,
    ) -> Vec<T> {
        self.nodes(name, ENTRIES)
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
        if members.len() > ENTRIES {
            let message = format!("At most {ENTRIES}, found {}.", members.len() + node.more);
            self.report.add(self.place(name), "too-many", message);
            return vec![];
        }
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

/// Pointer of the first string over the general limit, as far down as it is one that can be read.
fn too_long(node: &Node<'_>, pointer: &str) -> Option<String> {
    let within = |name: &str, node: &Node<'_>| {
        let found = too_long(node, "")?;
        let (here, length) = (escape(name), pointer.len() + found.len());
        let readable = here.len() + length < ID_BYTES;
        Some(if readable {
            format!("{pointer}/{here}{found}")
        } else {
            pointer.to_owned()
        })
    };
    match &node.tree {
        Tree::Text(Some(text)) if text.len() > TEXT_BYTES => Some(pointer.to_owned()),
        Tree::List(nodes) => {
            let mut nodes = nodes.iter().enumerate();
            nodes.find_map(|(index, node)| within(&index.to_string(), node))
        }
        Tree::Map(members) => members.iter().find_map(|(key, node)| within(key, node)),
        _ => None,
    }
}

/// Would it change the way within an address? Addresses drop `.` and `..`, however their dots are written, and tabs and
/// ends of lines wherever they stand, so that one id would become another.
pub fn leads_elsewhere(id: &str) -> bool {
    if id.contains(['\t', '\n', '\r']) {
        return true;
    }
    let plain = id.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..")
}

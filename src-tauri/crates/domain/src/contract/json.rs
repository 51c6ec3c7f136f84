//! JSON as it was written: a tree that keeps the exact bytes of every value and notices what a map would hide.
//!
//! Needed because digests are over received bytes and because a repeated key must make its item a dead letter, not
//! silently win. It does not interpret numbers or dates.

use std::{collections::HashSet, fmt};

use crate::caps::{MEMBERS, VALUES};

/// Objects with fewer members are compared name by name.
const FEW: usize = 16;

/// A pointer that would be longer names the place around it.
const POINTER_BYTES: usize = 4096;

/// Structure so near to the top is always taken apart: a line, its document, a list.
const TOP: usize = 2;

/// What nests deeper than this is not taken apart; far above any real document, far below a stack's end.
const DEPTH: usize = 100;

/// A value with its exact text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node<'a> {
    /// The value's bytes as received.
    pub(crate) raw: &'a str,
    /// What it is.
    pub(crate) tree: Tree<'a>,
    /// Members or items that stand in its bytes and were not taken apart, being too many.
    pub(crate) more: usize,
}

/// The six kinds of JSON.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree<'a> {
    Null,
    Bool(bool),
    Number,
    /// `None`: holds half of a surrogate pair, so it is no text.
    Text(Option<String>),
    List(Vec<Node<'a>>),
    /// In the order written, repeated keys included.
    Map(Vec<(String, Node<'a>)>),
    /// A list or an object below the depth that is read; only its end was found.
    TooDeep,
}

/// Where reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    offset: usize,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not JSON from byte {}", self.offset)
    }
}

impl<'a> Node<'a> {
    /// The first member of that name, if this is an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Node<'a>> {
        match &self.tree {
            Tree::Map(members) => members.iter().find(|(key, _)| key == name).map(|(_, n)| n),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => text.as_deref(),
            _ => None,
        }
    }

    /// Word for the kind, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.tree {
            Tree::Null => "null",
            Tree::Bool(_) => "true or false",
            Tree::Number => "a number",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "an object",
            Tree::TooDeep => "something nested too deeply",
        }
    }

    /// Pointers of keys that stand twice in one object, and of texts that are none, anywhere below; the first so many.
    pub(crate) fn flaws(&self, pointer: &str, most: usize) -> Vec<(String, Flaw)> {
        let mut found = Found {
            pointer: pointer.to_owned(),
            most,
            out: vec![],
        };
        self.search(&mut found);
        found.out
    }

    fn search(&self, found: &mut Found) {
        if found.out.len() >= found.most {
            return;
        }
        if self.more > 0 {
            found.note(Flaw::TooMany);
        }
        match &self.tree {
            Tree::Text(None) => found.note(Flaw::HalfCharacter),
            Tree::TooDeep => found.note(Flaw::TooDeep),
            Tree::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    // What holds nothing has nothing wrong in it, and most is that.
                    if !node.is_plain() {
                        found.within(&index.to_string(), |found| node.search(found));
                    }
                }
            }
            Tree::Map(members) => {
                let mut known = HashSet::<&str, ahash::RandomState>::default();
                for (index, (key, node)) in members.iter().enumerate() {
                    let before = || members.iter().take(index);
                    let doubled = if members.len() < FEW {
                        before().any(|(other, _)| other == key)
                    } else {
                        !known.insert(key)
                    };
                    if doubled || !node.is_plain() {
                        found.within(key, |found| {
                            if doubled {
                                found.note(Flaw::DuplicateKey);
                            }
                            node.search(found);
                        });
                    }
                }
            }
            _ => {}
        }
    }

    fn is_plain(&self) -> bool {
        self.more == 0
            && matches!(
                self.tree,
                Tree::Null | Tree::Bool(_) | Tree::Number | Tree::Text(Some(_))
            )
    }
}

/// Flaws and where the search is. The place is written once, however many values stand there.
struct Found {
    pointer: String,
    most: usize,
    out: Vec<(String, Flaw)>,
}

impl Found {
    fn note(&mut self, flaw: Flaw) {
        if self.out.len() < self.most {
            self.out.push((self.pointer.clone(), flaw));
        }
    }

    fn within(&mut self, name: &str, search: impl FnOnce(&mut Self)) {
        let before = self.pointer.len();
        if before + name.len() < POINTER_BYTES {
            self.pointer.push('/');
            self.pointer.push_str(&escape(name));
        }
        search(self);
        self.pointer.truncate(before);
    }
}

/// What well-formed JSON can still hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    DuplicateKey,
    HalfCharacter,
    TooDeep,
    /// Members, or values in all.
    TooMany,
}

/// One reference token of RFC 6901.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Reads one JSON text.
pub(crate) fn parse(text: &str) -> Result<Node<'_>, Broken> {
    parse_below(text, 0)
}

/// Reads a JSON text that will stand `depth` levels deep in another one.
pub(crate) fn parse_below(text: &str, depth: usize) -> Result<Node<'_>, Broken> {
    let mut parser = Parser {
        text,
        at: 0,
        values: 0,
    };
    parser.space();
    let node = parser.value(depth)?;
    parser.space();
    if parser.at == text.len() {
        Ok(node)
    } else {
        Err(parser.broken())
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Taken apart so far.
    values: usize,
}

impl<'a> Parser<'a> {
    fn broken(&self) -> Broken {
        Broken { offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn slice(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, Broken> {
        let start = self.at;
        self.values += 1;
        let mut more = 0;
        let tree = match self.peek() {
            Some(b'{' | b'[') if depth > DEPTH => self.skip()?,
            Some(b'{' | b'[') if self.full() && depth > TOP => {
                more = 1;
                self.skip()?;
                Tree::Null
            }
            Some(b'{') => self.map(depth, &mut more)?,
            Some(b'[') => self.list(depth, &mut more)?,
            Some(b'"') => Tree::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                Tree::Number
            }
            Some(b't') => self.word("true", Tree::Bool(true))?,
            Some(b'f') => self.word("false", Tree::Bool(false))?,
            Some(b'n') => self.word("null", Tree::Null)?,
            _ => return Err(self.broken()),
        };
        Ok(Node {
            raw: self.slice(start),
            tree,
            more,
        })
    }

    fn full(&self) -> bool {
        self.values > VALUES
    }

    /// To the end of a list or an object, without going into it: one item that nests too deeply loses only itself.
    fn skip(&mut self) -> Result<Tree<'a>, Broken> {
        let mut open = vec![];
        loop {
            match self.peek() {
                Some(byte @ (b'{' | b'[')) => {
                    open.push(byte);
                    self.at += 1;
                }
                Some(byte @ (b'}' | b']')) => {
                    // In ASCII the closing bracket is the second after the opening one.
                    if open.pop() != Some(byte - 2) {
                        return Err(self.broken());
                    }
                    self.at += 1;
                    if open.is_empty() {
                        return Ok(Tree::TooDeep);
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                Some(_) => self.at += 1,
                None => return Err(self.broken()),
            }
        }
    }

    fn word(&mut self, word: &str, tree: Tree<'a>) -> Result<Tree<'a>, Broken> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            Ok(tree)
        } else {
            Err(self.broken())
        }
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.broken())
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<(), Broken> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn list(&mut self, depth: usize, more: &mut usize) -> Result<Tree<'a>, Broken> {
        self.at += 1;
        let mut nodes = vec![];
        self.space();
        if self.take(b']') {
            return Ok(Tree::List(nodes));
        }
        loop {
            self.space();
            let node = self.value(depth + 1)?;
            if self.full() {
                *more += 1;
            } else {
                nodes.push(node);
            }
            self.space();
            if self.take(b']') {
                return Ok(Tree::List(nodes));
            }
            if !self.take(b',') {
                return Err(self.broken());
            }
        }
    }

    fn map(&mut self, depth: usize, more: &mut usize) -> Result<Tree<'a>, Broken> {
        self.at += 1;
        let mut members = vec![];
        self.space();
        if self.take(b'}') {
            return Ok(Tree::Map(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.broken());
            }
            let key = self.string()?.unwrap_or_else(|| "\u{fffd}".to_owned());
            self.space();
            if !self.take(b':') {
                return Err(self.broken());
            }
            self.space();
            let node = self.value(depth + 1)?;
            if members.len() < MEMBERS {
                members.push((key, node));
            } else {
                *more += 1;
            }
            self.space();
            if self.take(b'}') {
                return Ok(Tree::Map(members));
            }
            if !self.take(b',') {
                return Err(self.broken());
            }
        }
    }

    fn string(&mut self) -> Result<Option<String>, Broken> {
        self.at += 1;
        let mut text = String::new();
        let mut whole = true;
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            text.push_str(self.slice(start));
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(whole.then_some(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.escaped()? {
                        Some(c) => text.push(c),
                        None => whole = false,
                    }
                }
                _ => return Err(self.broken()),
            }
        }
    }

    fn escaped(&mut self) -> Result<Option<char>, Broken> {
        let Some(byte) = self.peek() else {
            return Err(self.broken());
        };
        self.at += 1;
        Ok(Some(match byte {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if !(0xd800..0xe000).contains(&first) {
                    return Ok(char::from_u32(first));
                }
                let rest = self.text.get(self.at..).unwrap_or_default();
                if first >= 0xdc00 || !rest.starts_with("\\u") {
                    return Ok(None);
                }
                let before = self.at;
                self.at += 2;
                let second = self.hex()?;
                if !(0xdc00..0xe000).contains(&second) {
                    self.at = before;
                    return Ok(None);
                }
                return Ok(char::from_u32(
                    0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                ));
            }
            _ => return Err(self.broken()),
        }))
    }

    fn hex(&mut self) -> Result<u32, Broken> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(self.broken());
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, good: bool) {
        assert_eq!(parse(text).is_ok(), good, "{text}");
        // serde_json is the second opinion, apart from half characters, which are well-formed.
        if !text.contains("\\ud8") {
            let other = serde_json::from_str::<serde_json::Value>(text);
            assert_eq!(other.is_ok(), good, "{text}");
        }
    }

    #[test]
    fn only_json_is_read() {
        for text in [
            "{}",
            " [1, -0, 1.5e+3, \"a\\u00e9\\ud83d\\ude00\"] ",
            "null",
            "{\"a\":{\"b\":[]}}",
            "\"\\ud800\"",
        ] {
            check(text, true);
        }
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            "+1",
            "'a'",
            "{a:1}",
            "[1] 2",
            "\"\n\"",
            "nul",
            "\"\\x\"",
            "NaN",
        ] {
            check(text, false);
        }
        check(&"[".repeat(100_000), false);
    }

    #[test]
    fn what_nests_too_deeply_is_found_and_what_stands_beside_it_is_read() {
        let deep = format!("{}\"]\"{}", "[".repeat(100_000), "]".repeat(100_000));
        let text = format!("{{\"a\":{deep},\"b\":1}}");
        let node = parse(&text).unwrap();
        assert_eq!(node.get("b").unwrap().raw, "1");
        assert_eq!(node.get("a").unwrap().raw, deep);
        let flaws = node.flaws("", 9);
        assert_eq!(flaws.len(), 1);
        assert_eq!(flaws[0].1, Flaw::TooDeep);
        for broken in ["[".repeat(200), format!("{}}}", "[".repeat(150))] {
            assert!(parse(&broken).is_err());
        }
    }

    #[test]
    fn the_bytes_of_a_value_are_kept() {
        let node = parse("{ \"a\" : { \"b\" : 1.0 } }").unwrap();
        assert_eq!(node.get("a").unwrap().raw, "{ \"b\" : 1.0 }");
    }

    #[test]
    fn a_repeated_key_is_seen_wherever_it_stands() {
        let node = parse("{\"a\":[{\"x/y\":1,\"x/y\":2}],\"b\":\"\\ud800\"}").unwrap();
        let flaws = node.flaws("", 9);
        assert_eq!(
            flaws,
            [
                ("/a/0/x~1y".to_owned(), Flaw::DuplicateKey),
                ("/b".to_owned(), Flaw::HalfCharacter)
            ]
        );
    }
}

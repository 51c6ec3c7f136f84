//! The items of a document by list and name, unread: only what tells one item from another is looked at.

use sha2::{Digest, Sha256};

use crate::{
    caps::ITEMS,
    contract::{
        LISTS,
        ending::stays_open,
        json::{Node, Tree},
        over, read_time,
    },
};

/// Members outside the lists that can be wrong for themselves.
const WORDS: &[&str] = &["nextCursor", "pollAfterSeconds"];

/// The card's place.
pub(super) const AGENT: usize = LISTS.len();

/// All places items stand in: lists, the card, words.
pub(super) const PLACES: usize = LISTS.len() + 1 + WORDS.len();

/// An id longer than this names nothing, as in `contract/members.rs`.
const ID_BYTES: usize = 512;

/// The member's name.
pub(super) fn place(at: usize) -> &'static str {
    let lists = LISTS.iter().chain(&["agent"]).chain(WORDS);
    lists.copied().nth(at).unwrap_or_default()
}

/// What stands under one name in one document.
pub(super) struct Group<'a> {
    pub(super) list: usize,
    pub(super) slot: u32,
    /// Of all its bytes together.
    pub(super) hash: u128,
    pub(super) raws: Vec<&'a str>,
    whole: bool,
}

/// A piece of a group as it is found.
pub(super) enum Part<'a> {
    /// An item of a list; `true`: it may stay open, and end when it is no longer listed.
    Item(&'a str, bool),
    /// A member that is itself the item.
    Member(&'a str),
    /// The card, without what changes with every beat of its heart.
    Card(u128),
    /// A list that is one, whatever stands in it.
    Open,
}

impl<'a> Group<'a> {
    pub(super) fn new(list: usize, slot: u32, part: Part<'a>) -> Self {
        let mut group = Self {
            list,
            slot,
            hash: 0,
            raws: vec![],
            whole: false,
        };
        match part {
            Part::Item(raw, _) => {
                group.hash = digest(raw.as_bytes());
                group.raws.push(raw);
            }
            Part::Member(raw) => {
                group.hash = digest(raw.as_bytes());
                group.raws.push(raw);
                group.whole = true;
            }
            Part::Card(hash) => group.hash = hash,
            Part::Open => {}
        }
        group
    }

    /// One more of the same name.
    pub(super) fn add(&mut self, part: Part<'a>) {
        let (Part::Item(raw, _) | Part::Member(raw)) = part else {
            return;
        };
        let mut both = self.hash.to_le_bytes().to_vec();
        both.extend_from_slice(raw.as_bytes());
        self.hash = digest(&both);
        self.raws.push(raw);
    }

    /// Written as a member of its own, not within a list.
    pub(super) fn stands_alone(&self) -> bool {
        self.whole
    }

    /// Says that the list is there.
    pub(super) fn opens(&self) -> bool {
        !self.whole && self.raws.is_empty() && self.list < AGENT
    }
}

/// 128 bits of SHA-256: items are told apart by this alone.
pub(super) fn digest(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    let half = digest.first_chunk::<16>();
    half.map_or(0, |bytes| u128::from_le_bytes(*bytes))
}

/// Tells every item of a document that is read: place, name and bytes.
pub(super) fn groups<'a>(
    node: &Node<'a>,
    speaks: &str,
    tell: &mut impl FnMut(usize, &str, Part<'a>),
) {
    let Tree::Map(members) = &node.tree else {
        return;
    };
    for at in 0..PLACES {
        let name = place(at);
        let mut found = members.iter().filter(|(key, _)| key == name);
        let Some((_, first)) = found.next() else {
            continue;
        };
        let doubled = found.next().is_some();
        if at == AGENT {
            tell(at, speaks, Part::Card(card(first)));
        } else if at > AGENT {
            let word = matches!(first.tree, Tree::Null | Tree::Text(Some(_)));
            let number = matches!(first.tree, Tree::Null | Tree::Number);
            if !(if name == "nextCursor" { word } else { number }) {
                tell(at, "", Part::Member(first.raw));
            }
        } else if doubled {
            // Twice is as bad as more often.
            for (_, node) in members.iter().filter(|(key, _)| key == name).take(2) {
                tell(at, "", Part::Member(node.raw));
            }
        } else {
            match &first.tree {
                Tree::Null => {}
                Tree::List(nodes) if name != "ownership" => {
                    tell(at, "", Part::Open);
                    for node in nodes.iter().take(ITEMS) {
                        item(at, node, tell);
                    }
                }
                // Everybody at an endpoint has needs of their own.
                _ if name == "ownership" => tell(at, speaks, Part::Member(first.raw)),
                _ => tell(at, "", Part::Member(first.raw)),
            }
        }
    }
}

/// How many items of which list are not read.
pub(super) fn left_out(node: &Node<'_>) -> Vec<(usize, u64)> {
    let found = LISTS.iter().enumerate();
    let found = found.filter_map(|(at, list)| Some((at, over(node.get(list)?))));
    found.filter(|(_, more)| *more > 0).collect()
}

fn item<'a>(at: usize, node: &Node<'a>, tell: &mut impl FnMut(usize, &str, Part<'a>)) {
    let id = |name: &str| {
        let text = node.get(name).and_then(Node::text);
        text.filter(|text| !text.is_empty() && text.len() <= ID_BYTES)
    };
    let part = Part::Item(node.raw, stays_open(place(at), node));
    let made = match place(at) {
        "quotas" => pool(node),
        "context" => id("documentId")
            .zip(node.get("seq"))
            .map(|(document, seq)| format!("{document}/{}", seq.raw)),
        _ => match id("id") {
            Some(id) => return tell(at, id, part),
            None => None,
        },
    };
    // No id holds this character unwritten.
    let name = made.unwrap_or_else(|| format!("\0{:032x}", digest(node.raw.as_bytes())));
    tell(at, &name, part);
}

fn pool(node: &Node<'_>) -> Option<String> {
    let pool = node.get("pool")?;
    let part = |name: &str| pool.get(name).and_then(Node::text).unwrap_or_default();
    let name = format!("{}/{}/{}", part("provider"), part("account"), part("scope"));
    let name = name.trim_end_matches('/');
    (!name.is_empty()).then(|| name.to_owned())
}

fn card(node: &Node<'_>) -> u128 {
    let Tree::Map(members) = &node.tree else {
        return digest(node.raw.as_bytes());
    };
    let mut bytes = vec![];
    let beats = |key: &str, node: &Node<'_>| {
        key == "heartbeatAt" && node.text().and_then(read_time).is_some()
    };
    for (key, node) in members.iter().filter(|(key, node)| !beats(key, node)) {
        bytes.extend_from_slice(key.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(node.raw.as_bytes());
        bytes.push(0);
    }
    digest(&bytes)
}

//! Resource patterns: does a name match, can two patterns match the same name, which patterns match a name.
//!
//! `kind:name`, the kind literal. `*` is any run without `/`, `**` any run with it, both may be empty; nothing else is
//! special and nothing can be escaped. Overlap is decided on the patterns alone, with no precedence: a witness is a
//! name both match. Which rule then counts is not decided here.

mod together;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    ops::Bound,
};

use together::Machine;

use crate::snapshot::{Decoder, Encoder, Save};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<C = char> {
    Char(C),
    /// `*`
    Segment,
    /// `**`
    Run,
}

impl Token {
    /// Does this token take `c` (and stay, if it is a wildcard)?
    fn takes(self, c: char) -> bool {
        match self {
            Token::Char(own) => own == c,
            Token::Segment => c != '/',
            Token::Run => true,
        }
    }

    fn wild(self) -> bool {
        !matches!(self, Token::Char(_))
    }
}

/// A pattern, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    tokens: Vec<Token>,
    /// Bytes before the first wildcard.
    prefix: String,
    /// Bytes after the last one.
    suffix: String,
    /// Where there is one.
    machine: Option<Machine>,
}

/// Of resources; no other is kept.
impl Save for Pattern {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        to.text(&self.text());
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        Some(Self::resource(from.text()?))
    }
}

impl Pattern {
    /// A resource pattern. Without a `:` there is no kind, and all of it is literal: it never matches a resource.
    pub fn resource(text: &str) -> Self {
        let literal = text.find(':').map_or(text.len(), |at| at + 1);
        let mut tokens: Vec<_> = text[..literal].chars().map(Token::Char).collect();
        tokens.extend(wildcards(&text[literal..]));
        Self::of(tokens)
    }

    /// A pattern of agent names (`*`, `billing`, `host/*`): no kind.
    pub fn agent(text: &str) -> Self {
        Self::of(wildcards(text).collect())
    }

    fn of(tokens: Vec<Token>) -> Self {
        let prefix = tokens
            .iter()
            .map_while(|token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            })
            .collect();
        let last = tokens.iter().rposition(|token| token.wild());
        let wild = last.is_some();
        let after = tokens.get(last.map_or(0, |at| at + 1)..);
        let suffix = after.unwrap_or_default().iter();
        let suffix = suffix.filter_map(|token| match token {
            Token::Char(c) => Some(*c),
            _ => None,
        });
        let suffix = suffix.collect();
        let machine = wild.then(|| Machine::new(&tokens));
        Self {
            tokens,
            prefix,
            suffix,
            machine,
        }
    }

    /// As it was written.
    fn text(&self) -> String {
        let mut text = String::new();
        for token in &self.tokens {
            match token {
                Token::Char(c) => text.push(*c),
                Token::Segment => text.push('*'),
                Token::Run => text.push_str("**"),
            }
        }
        text
    }

    /// Is it one name, without wildcards?
    pub fn literal(&self) -> bool {
        self.machine.is_none()
    }

    /// What every name it matches begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// How many wildcards it has.
    pub fn wildcards(&self) -> usize {
        self.tokens.iter().filter(|token| token.wild()).count()
    }

    /// Does `name` match?
    pub fn matches(&self, name: &str) -> bool {
        match &self.machine {
            None => self.prefix == name,
            Some(machine) => {
                let ends = name.starts_with(&self.prefix) && name.ends_with(&self.suffix);
                ends && machine.matches(name)
            }
        }
    }

    /// Does it match everything `other` matches? Never wrongly yes; a few odd pairs of wildcards are wrongly no.
    pub fn covers(&self, other: &Pattern) -> bool {
        let (a, b) = (&self.tokens, &other.tokens);
        // `reach[i]`: the first i tokens here cover what was read of the other so far.
        let mut reach = vec![false; a.len() + 1];
        reach[0] = true;
        let empty = |reach: &mut Vec<bool>| {
            for i in 0..a.len() {
                reach[i + 1] |= reach[i] && a[i].wild();
            }
        };
        empty(&mut reach);
        for token in b {
            let mut next = vec![false; a.len() + 1];
            for i in 0..a.len() {
                let stays = a[i].wild();
                let takes = match (*token, a[i]) {
                    (Token::Char(c), own) => own.takes(c),
                    (Token::Segment, own) => own.wild(),
                    (Token::Run, own) => own == Token::Run,
                };
                if reach[i] && takes {
                    next[if stays { i } else { i + 1 }] = true;
                }
            }
            empty(&mut next);
            reach = next;
        }
        reach[a.len()]
    }

    /// Is there a name both match?
    pub fn overlaps(&self, other: &Pattern) -> bool {
        let shared = self.prefix.len().min(other.prefix.len());
        if self.prefix.as_bytes()[..shared] != other.prefix.as_bytes()[..shared] {
            return false;
        }
        match (&self.machine, &other.machine) {
            (None, _) => other.matches(&self.prefix),
            (_, None) => self.matches(&other.prefix),
            (Some(one), Some(two)) => {
                let (a, b) = (&self.suffix, &other.suffix);
                (a.ends_with(b.as_str()) || b.ends_with(a.as_str())) && one.overlaps(two)
            }
        }
    }

    /// A name both match, if there is one.
    pub fn overlap(&self, other: &Pattern) -> Option<String> {
        if !self.overlaps(other) {
            return None;
        }
        if self.literal() {
            return Some(self.prefix.clone());
        }
        if other.literal() {
            return Some(other.prefix.clone());
        }
        self.walk_together(other)
    }

    /// Breadth first over pairs of positions: both patterns read one name at the same time.
    fn walk_together(&self, other: &Pattern) -> Option<String> {
        let (a, b) = (&self.tokens, &other.tokens);
        let width = b.len() + 1;
        let mut came: Vec<Option<(usize, Option<char>)>> = vec![None; (a.len() + 1) * width];
        let mut queue = VecDeque::from([0]);
        let goal = came.len() - 1;
        came[0] = Some((0, None));
        while let Some(here) = queue.pop_front() {
            if here == goal {
                return Some(self.witness(other, &came));
            }
            let (i, j) = (here / width, here % width);
            let (x, y) = (a.get(i).copied(), b.get(j).copied());
            let mut go = |to: usize, c| {
                if came[to].is_none() {
                    came[to] = Some((here, c));
                    queue.push_back(to);
                }
            };
            // A wildcard ends.
            if x.is_some_and(Token::wild) {
                go(here + width, None);
            }
            if y.is_some_and(Token::wild) {
                go(here + 1, None);
            }
            // Both read one character; two wildcards need not.
            let (Some(x), Some(y)) = (x, y) else { continue };
            let c = match (x, y) {
                (Token::Char(c), _) | (_, Token::Char(c)) => c,
                _ => continue,
            };
            if x.takes(c) && y.takes(c) {
                let step = |token: Token, width| if token.wild() { 0 } else { width };
                go(here + step(x, width) + step(y, 1), Some(c));
            }
        }
        None
    }

    /// The name along the way found. Where both have a wildcard after a separator, an `x` makes a name one can read.
    fn witness(&self, other: &Pattern, came: &[Option<(usize, Option<char>)>]) -> String {
        let width = other.tokens.len() + 1;
        let (mut path, mut at) = (vec![], came.len() - 1);
        while at != 0 {
            let Some((from, c)) = came[at] else { break };
            path.push((from, c));
            at = from;
        }
        let mut name = String::new();
        for (from, c) in path.into_iter().rev() {
            let (x, y) = (
                self.tokens.get(from / width),
                other.tokens.get(from % width),
            );
            let both = [x, y]
                .into_iter()
                .all(|token| token.is_some_and(|token| token.wild()));
            if both && (name.is_empty() || name.ends_with(['/', ':', '#'])) {
                name.push('x');
            }
            name.extend(c);
        }
        name
    }
}

fn wildcards(text: &str) -> impl Iterator<Item = Token> {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        Some(if c != '*' {
            Token::Char(c)
        } else if chars.next_if_eq(&'*').is_some() {
            Token::Run
        } else {
            Token::Segment
        })
    })
}

/// Does the resource pattern match the name?
pub fn matches(pattern: &str, name: &str) -> bool {
    Pattern::resource(pattern).matches(name)
}

/// Is there a name both resource patterns match?
pub fn overlaps(a: &str, b: &str) -> bool {
    Pattern::resource(a).overlaps(&Pattern::resource(b))
}

/// A name both resource patterns match, if there is one.
pub fn overlap(a: &str, b: &str) -> Option<String> {
    Pattern::resource(a).overlap(&Pattern::resource(b))
}

/// Does the agent pattern match an agent, known by its bare id and as `endpoint/agent`?
pub fn matches_agent(pattern: &str, endpoint: &str, agent: &str) -> bool {
    let pattern = Pattern::agent(pattern);
    pattern.matches(agent) || pattern.matches(&format!("{endpoint}/{agent}"))
}

/// Many patterns, found by the text before their first wildcard instead of one by one.
#[derive(Clone, Debug, Default)]
pub struct Index {
    patterns: Vec<Pattern>,
    by_prefix: HashMap<String, Vec<usize>, ahash::RandomState>,
    sorted: BTreeSet<String>,
    lengths: BTreeSet<usize>,
}

/// Of what it finds patterns by all follows from them.
impl Save for Index {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let Self {
            patterns,
            by_prefix: _,
            sorted: _,
            lengths: _,
        } = self;
        patterns.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let count = from.count()?;
        let texts: Option<Vec<_>> = (0..count).map(|_| from.text()).collect();
        Some(Self::new(texts?))
    }
}

impl Index {
    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let of = |pattern: &Pattern| {
            let tokens = pattern.tokens.len() * size_of::<Token>();
            200 + tokens + 3 * pattern.prefix.len() + pattern.suffix.len()
        };
        self.patterns.iter().map(of).sum()
    }

    /// Positions count from 0 in the order given.
    pub fn new<'a>(resources: impl IntoIterator<Item = &'a str>) -> Self {
        let mut index = Self::default();
        for text in resources {
            let pattern = Pattern::resource(text);
            let prefix = pattern.prefix.clone();
            index.lengths.insert(prefix.len());
            index.sorted.insert(prefix.clone());
            index
                .by_prefix
                .entry(prefix)
                .or_default()
                .push(index.patterns.len());
            index.patterns.push(pattern);
        }
        index
    }

    /// The pattern at a position.
    pub fn get(&self, at: usize) -> Option<&Pattern> {
        self.patterns.get(at)
    }

    /// Does any match `name`?
    pub fn any(&self, name: &str) -> bool {
        let mut candidates = self.with_shorter_prefix(name);
        candidates.any(|at| self.patterns[at].matches(name))
    }

    /// Positions of the patterns that match `name`, in order.
    pub fn matching(&self, name: &str) -> Vec<usize> {
        let mut found: Vec<_> = self
            .with_shorter_prefix(name)
            .filter(|at| self.patterns[*at].matches(name))
            .collect();
        found.sort_unstable();
        found
    }

    /// Positions of the patterns that overlap `pattern`, each with a witness, in order.
    pub fn overlapping(&self, pattern: &Pattern) -> Vec<(usize, String)> {
        self.overlapping_where(pattern, |_| true)
    }

    /// The same among the wanted positions only; a witness is sought for no other.
    pub fn overlapping_where(
        &self,
        pattern: &Pattern,
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<(usize, String)> {
        let mut found: Vec<_> = self
            .candidates(pattern)
            .into_iter()
            .filter(|at| wanted(*at))
            .filter_map(|at| Some((at, self.patterns[at].overlap(pattern)?)))
            .collect();
        found.sort_unstable();
        found
    }

    /// Positions of the patterns whose prefix does not rule an overlap out.
    pub fn candidates(&self, pattern: &Pattern) -> Vec<usize> {
        let prefix = pattern.prefix.as_str();
        let longer = self
            .sorted
            .range::<str, _>((Bound::Excluded(prefix), Bound::Unbounded))
            .take_while(|key| key.starts_with(prefix))
            .flat_map(|key| &self.by_prefix[key])
            .copied();
        self.with_shorter_prefix(prefix).chain(longer).collect()
    }

    /// Patterns whose prefix is a prefix of `text`.
    fn with_shorter_prefix<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.lengths
            .range(..=text.len())
            .filter_map(|length| self.by_prefix.get(text.get(..*length)?))
            .flatten()
            .copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for name in yes {
            assert!(matches(pattern, name), "{pattern} matches {name}");
        }
        for name in no {
            assert!(!matches(pattern, name), "{pattern} does not match {name}");
        }
    }

    #[test]
    fn a_pattern_matches_as_the_contract_says() {
        check(
            "field:crm/*",
            &["field:crm/", "field:crm/a#b:c"],
            &["field:crm/a/b", "output:crm/a", "field:crm"],
        );
        check(
            "field:crm/**",
            &["field:crm/", "field:crm/a/b"],
            &["field:cr"],
        );
        check(
            "file:**/cart.rs",
            &["file:shop/src/cart.rs", "file:/cart.rs"],
            &["file:cart.rs", "file:cart.rs/x"],
        );
        check("file:a?[b]", &["file:a?[b]"], &["file:axb"]);
        // The kind is literal, and so is a text without one.
        check("*:a", &["*:a"], &["file:a"]);
        check("**", &["**"], &["file:a", ""]);
        check("file:*ä*", &["file:ä", "file:xäy"], &["file:a"]);
        check(
            "api:a*b*c",
            &["api:abc", "api:axbxbc"],
            &["api:ab/c", "api:acb"],
        );
        check("api:**a*b", &["api:x/a/ab", "api:ab"], &["api:a/b"]);
    }

    #[test]
    fn overlapping_patterns_have_a_witness_one_can_read() {
        let both = |a, b| overlap(a, b).unwrap_or_else(|| "none".into());
        assert_eq!(
            both("trigger:inbox/*", "trigger:inbox/invoices"),
            "trigger:inbox/invoices"
        );
        assert_eq!(
            both("trigger:inbox/*", "trigger:*/invoices"),
            "trigger:inbox/invoices"
        );
        assert_eq!(
            both("trigger:inbox/*", "trigger:inbox/**"),
            "trigger:inbox/x"
        );
        assert_eq!(both("field:a*", "field:*b"), "field:ab");
        assert_eq!(both("field:a*", "output:a*"), "none");
        assert_eq!(both("field:a/*", "field:a/b/c"), "none");
    }

    #[test]
    fn an_agent_pattern_matches_the_bare_id_or_endpoint_and_agent() {
        assert!(matches_agent("*", "host", "billing"));
        assert!(matches_agent("host/*", "host", "billing"));
        assert!(matches_agent("billing", "host", "billing"));
        assert!(!matches_agent("bill", "host", "billing"));
    }

    /// The definition, written down as slowly as it reads.
    fn slowly(pattern: &[char], name: &[char]) -> bool {
        match pattern {
            ['*', '*', rest @ ..] => (0..=name.len()).any(|n| slowly(rest, &name[n..])),
            ['*', rest @ ..] => (0..=name.len())
                .take_while(|n| !name[..*n].contains(&'/'))
                .any(|n| slowly(rest, &name[n..])),
            [c, rest @ ..] => name.first() == Some(c) && slowly(rest, &name[1..]),
            [] => name.is_empty(),
        }
    }

    fn slow(pattern: &str, name: &str) -> bool {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        slowly(&chars(pattern), &chars(name))
    }

    /// Every name of up to five characters over the alphabet of the patterns.
    fn names() -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..5 {
            let to = all.len();
            for at in from..to {
                for c in ['a', 'b', '/'] {
                    let mut name = all[at].clone();
                    name.push(c);
                    all.push(name);
                }
            }
            from = to;
        }
        all
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_definition(pattern in "[ab/*]{0,7}", name in "[ab/]{0,8}") {
            prop_assert_eq!(Pattern::agent(&pattern).matches(&name), slow(&pattern, &name));
        }

        #[test]
        fn a_witness_matches_both_and_there_is_one_when_any_short_name_matches_both(
            a in "[ab/*]{0,5}", b in "[ab/*]{0,5}"
        ) {
            let witness = Pattern::agent(&a).overlap(&Pattern::agent(&b));
            prop_assert_eq!(Pattern::agent(&a).overlaps(&Pattern::agent(&b)), witness.is_some());
            if let Some(name) = &witness {
                prop_assert!(slow(&a, name) && slow(&b, name), "{} is no witness", name);
            } else {
                let both = names().into_iter().find(|name| slow(&a, name) && slow(&b, name));
                prop_assert_eq!(both, None);
            }
        }

        #[test]
        fn a_pattern_that_covers_another_matches_all_it_matches(a in "[ab/*]{0,5}", b in "[ab/*]{0,5}") {
            let (wide, narrow) = (Pattern::agent(&a), Pattern::agent(&b));
            prop_assert!(wide.covers(&wide));
            if wide.covers(&narrow) {
                let only = names().into_iter().find(|name| slow(&b, name) && !slow(&a, name));
                prop_assert_eq!(only, None);
            } else if narrow.literal() {
                prop_assert!(!wide.matches(&b));
            }
        }

        #[test]
        fn the_index_finds_what_a_scan_finds(
            patterns in proptest::collection::vec("f:[ab/*]{0,5}", 0..12), name in "f:[ab/]{0,5}", other in "f:[ab/*]{0,5}"
        ) {
            let index = Index::new(patterns.iter().map(String::as_str));
            let scan: Vec<_> = (0..patterns.len()).filter(|at| matches(&patterns[*at], &name)).collect();
            prop_assert_eq!(index.matching(&name), scan);
            let scan: Vec<_> = patterns.iter().enumerate()
                .filter_map(|(at, pattern)| Some((at, overlap(pattern, &other)?))).collect();
            let found = index.overlapping(&Pattern::resource(&other));
            prop_assert_eq!(found.iter().map(|f| f.0).collect::<Vec<_>>(), scan.iter().map(|f| f.0).collect::<Vec<_>>());
        }
    }
}

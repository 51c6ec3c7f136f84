//! Which rules of ownership were in force when: a write is right or wrong by the rules of its own time.
//!
//! Keeps the latest few documents. What lies before them is not judged again; what was said of it stays.

use std::borrow::Cow;

use super::{accesses::Touched, world::World};
use crate::{
    finding::Evidence,
    ids::{AgentRef, Resource},
    ownership::{Ownership, Rule, pattern::Index},
    snapshot::{Decoder, Encoder, Save, saved},
    time::Time,
};

/// Former documents kept.
const FORMER: usize = 16;

/// The rules of one document.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    since: Time,
    /// The line and place they were given in.
    place: (u64, &'static str),
    pub(crate) index: Index,
    rules: Vec<Rule>,
}

/// The patterns are made ready again from the rules.
impl Save for Book {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let Self {
            since,
            place,
            index: _,
            rules,
        } = self;
        since.write(to);
        place.write(to);
        rules.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let (since, place) = Save::read(from)?;
        Some(Self::new(Save::read(from)?, since, place))
    }
}

impl Book {
    fn new(rules: Vec<Rule>, since: Time, place: (u64, &'static str)) -> Self {
        Self {
            since,
            place,
            index: Index::new(rules.iter().map(|r| r.resource.as_str())),
            rules,
        }
    }

    /// Rules that cover a resource: number and rule.
    pub(crate) fn covering<'b>(
        &'b self,
        resource: &str,
    ) -> impl Iterator<Item = (usize, &'b Rule)> + use<'b> {
        let at = self.index.matching(resource).into_iter();
        at.filter_map(|at| self.rules.get(at).map(|rule| (at, rule)))
    }

    /// Where a rule stands.
    pub(crate) fn evidence(&self, at: usize) -> Evidence {
        Evidence {
            line: self.place.0,
            pointer: format!("{}/rules/{at}", self.place.1).into(),
        }
    }
}

/// The rules in force, and those before them.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    pub(crate) now: Book,
    former: Vec<Book>,
}
saved! { Books { now, former } }

impl Books {
    pub(crate) fn new(rules: &Ownership) -> Self {
        Self {
            now: Book::new(rules.rules.clone(), Time::MIN_UTC, (1, "/config/ownership")),
            former: vec![],
        }
    }

    /// Other rules from then on; `None`: from ever. The same rules again change nothing.
    pub(crate) fn replace(&mut self, rules: &Ownership, since: Option<Time>, line: u64) {
        if self.now.rules == rules.rules {
            return;
        }
        let since = since.unwrap_or(Time::MIN_UTC);
        let book = Book::new(rules.rules.clone(), since, (line, "/rules"));
        let before = std::mem::replace(&mut self.now, book);
        if before.since < since {
            self.former.push(before);
        }
        if self.former.len() > FORMER {
            self.former.remove(0);
        }
    }

    /// The rules in force at a time; none if that was too long ago.
    pub(crate) fn at(&self, time: Time) -> Option<&Book> {
        let all = std::iter::once(&self.now).chain(self.former.iter().rev());
        all.into_iter().find(|book| book.since <= time)
    }
}

/// Who may write a resource by one document.
pub(crate) struct Rights<'w> {
    world: &'w World,
    pub(crate) book: &'w Book,
    /// Numbers of the rules that cover the resource.
    at: Cow<'w, [usize]>,
}

impl<'w> Rights<'w> {
    /// Does a rule name it as owner or in a sequence?
    pub(crate) fn given(&self, agent: &AgentRef) -> bool {
        self.names().any(|name| self.world.is(name, agent))
    }

    /// No rule gives it to anybody.
    pub(crate) fn nobody(&self) -> bool {
        self.names().next().is_none()
    }

    /// Number and rule of all that cover the resource.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (usize, &'w Rule)> {
        let book = self.book;
        let at = self.at.iter().copied();
        at.filter_map(|at| book.rules.get(at).map(|rule| (at, rule)))
    }

    fn names(&self) -> impl Iterator<Item = &'w str> {
        let rules = self.rules();
        rules.flat_map(|(_, rule)| rule.owner.iter().chain(&rule.sequence).map(String::as_str))
    }

    /// Do both stand in one sequence?
    pub(crate) fn in_sequence(&self, a: &AgentRef, b: &AgentRef) -> bool {
        let listed =
            |rule: &Rule, agent| rule.sequence.iter().any(|name| self.world.is(name, agent));
        let mut rules = self.rules();
        rules.any(|(_, rule)| listed(rule, a) && listed(rule, b))
    }
}

/// Who may write a resource, over time.
pub(crate) struct RightsOverTime<'w> {
    now: Rights<'w>,
    /// The latest first.
    former: Vec<Rights<'w>>,
}

impl<'w> RightsOverTime<'w> {
    /// As far back as the rules in force at a time.
    pub(crate) fn new(
        world: &'w World,
        resource: &Resource,
        touched: &'w Touched,
        from: Time,
    ) -> Self {
        let Books { now, former } = &world.books;
        let rights = |book, at| Rights { world, book, at };
        let mut since = now.since;
        let earlier = former.iter().rev().take_while(|book| {
            let reaches = from < since;
            since = book.since;
            reaches
        });
        let earlier =
            earlier.map(|book| rights(book, book.index.matching(resource.as_str()).into()));
        Self {
            now: rights(now, touched.covered.as_slice().into()),
            former: earlier.collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Rights<'w>> {
        std::iter::once(&self.now).chain(&self.former)
    }

    /// If they were always the same.
    pub(crate) fn only(&self) -> Option<&Rights<'w>> {
        self.former.is_empty().then_some(&self.now)
    }

    pub(crate) fn at(&self, time: Time) -> Option<&Rights<'w>> {
        self.all().find(|rights| rights.book.since <= time)
    }

    /// Since when that sequence has held without a break until now.
    pub(crate) fn sequence_since(&self, sequence: &[String]) -> Option<Time> {
        let same = |rights: &&Rights<'_>| {
            let mut rules = rights.rules();
            rules.any(|(_, rule)| rule.sequence == sequence)
        };
        let unbroken = self.all().take_while(same);
        unbroken.last().map(|rights| rights.book.since)
    }
}

impl World {
    /// Rules that cover a resource now: number and rule.
    pub(crate) fn covering(&self, resource: &str) -> impl Iterator<Item = (usize, &Rule)> {
        self.books.now.covering(resource)
    }

    /// Was there at that time a sequence for the resource in which both stand?
    pub(crate) fn in_sequence(&self, resource: &str, a: &AgentRef, b: &AgentRef, at: Time) -> bool {
        let listed = |rule: &Rule, agent| rule.sequence.iter().any(|name| self.is(name, agent));
        let mut rules = self
            .books
            .at(at)
            .into_iter()
            .flat_map(|b| b.covering(resource));
        rules.any(|(_, rule)| listed(rule, a) && listed(rule, b))
    }

    /// Where a rule in force now stands.
    pub(crate) fn rule_evidence(&self, at: usize) -> Evidence {
        self.books.now.evidence(at)
    }
}

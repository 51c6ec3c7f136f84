//! Which pairs of rules cannot both hold: who writes by each rule, and which rules share a name. The base of the lint,
//! of edits that must not make a new conflict, and of the conflict marks of the matrix.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{KnownAgent, LintCode};
use crate::ownership::{
    Ownership, names,
    pattern::{Index, Pattern},
};

/// Two rules (or one, `a == b`) with writers that no sequence holds together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The earlier rule.
    pub a: usize,
    /// The later rule.
    pub b: usize,
    /// Which kind.
    pub code: LintCode,
    /// A name both match.
    pub witness: String,
}

/// The rules of a document with their patterns and writers, read once.
pub struct Parties {
    index: Index,
    rules: Vec<Writers>,
}

struct Writers {
    trigger: bool,
    owner: Option<u32>,
    /// Numbers of agents in the order of the sequence.
    sequence: Vec<u32>,
    all: BTreeSet<u32>,
}

impl Parties {
    /// Reads the document. `agents` tell which bare id and which `endpoint/agent` are the same agent.
    pub fn new(document: &Ownership, agents: &[KnownAgent]) -> Self {
        let mut ids = Ids::new(document, agents);
        let rules = document
            .rules
            .iter()
            .map(|rule| {
                let owner = rule.owner.as_deref().map(|name| ids.number(name));
                let sequence: Vec<_> = rule.sequence.iter().map(|name| ids.number(name)).collect();
                Writers {
                    trigger: names::group(&rule.resource) == "trigger",
                    all: owner.into_iter().chain(sequence.iter().copied()).collect(),
                    owner,
                    sequence,
                }
            })
            .collect();
        Self {
            index: Index::new(document.rules.iter().map(|rule| rule.resource.as_str())),
            rules,
        }
    }

    /// Every conflict, by rule.
    pub fn conflicts(&self) -> Vec<Conflict> {
        (0..self.rules.len())
            .flat_map(|at| self.of(at, true))
            .collect()
    }

    /// The conflicts a rule is in; with `later`, only those with itself and later rules.
    pub fn of(&self, at: usize, later: bool) -> Vec<Conflict> {
        let (Some(rule), Some(pattern)) = (self.rules.get(at), self.index.get(at)) else {
            return vec![];
        };
        if rule.all.is_empty() {
            return vec![];
        }
        let mut found: Vec<_> = rule
            .inner_conflict()
            .then(|| Conflict {
                a: at,
                b: at,
                code: LintCode::TwoWriters,
                witness: pattern.overlap(pattern).unwrap_or_default(),
            })
            .into_iter()
            .collect();
        let others = self.index.overlapping_where(pattern, |other| {
            other != at && (!later || other > at) && self.rules[other].against(rule).is_some()
        });
        found.extend(others.into_iter().filter_map(|(other, witness)| {
            let code = self.rules[other].against(rule)?;
            Some(Conflict {
                a: at.min(other),
                b: at.max(other),
                code,
                witness,
            })
        }));
        found
    }

    /// Rules that share a name with this one.
    pub fn others(&self, at: usize) -> Vec<usize> {
        let Some(pattern) = self.index.get(at) else {
            return vec![];
        };
        self.index
            .overlapping_where(pattern, |other| other != at)
            .into_iter()
            .map(|(other, _)| other)
            .collect()
    }

    /// Does the first rule cover all names of the second?
    pub fn covers(&self, wide: usize, narrow: usize) -> bool {
        match (self.index.get(wide), self.index.get(narrow)) {
            (Some(wide), Some(narrow)) => wide.covers(narrow),
            _ => false,
        }
    }

    /// Have both rules the same writers?
    pub fn same(&self, a: usize, b: usize) -> bool {
        self.rules[a].all == self.rules[b].all
    }

    /// A rule that covers this one and says the same (or says who, where this one does not).
    pub fn shadowed_by(&self, at: usize) -> Option<usize> {
        let (rule, pattern) = (self.rules.get(at)?, self.index.get(at)?);
        self.index.candidates(pattern).into_iter().find(|other| {
            let wider = &self.rules[*other];
            let says_who = rule.all.is_empty() && !wider.all.is_empty();
            let says_same = wider.all == rule.all && wider.sequence == rule.sequence;
            // Of two that cover each other and say the same, the later adds nothing.
            let counts = says_who || *other < at || !self.covers(at, *other);
            *other != at && (says_who || says_same) && counts && self.covers(*other, at)
        })
    }

    /// Positions of the rules that match a name.
    pub fn matching(&self, name: &str) -> Vec<usize> {
        self.index.matching(name)
    }

    /// The pattern of a rule.
    pub fn pattern(&self, at: usize) -> Option<&Pattern> {
        self.index.get(at)
    }

    /// Groups of rules whose sequences wait for each other, and single rules that name an agent twice.
    pub fn cycles(&self) -> Vec<Vec<usize>> {
        let twice: Vec<_> = (0..self.rules.len())
            .filter(|at| {
                let sequence = &self.rules[*at].sequence;
                sequence.iter().collect::<BTreeSet<_>>().len() < sequence.len()
            })
            .collect();
        // Who stands directly before whom, and by which rules.
        let mut next: BTreeMap<u32, BTreeMap<u32, BTreeSet<usize>>> = BTreeMap::new();
        for (at, rule) in self
            .rules
            .iter()
            .enumerate()
            .filter(|(at, _)| !twice.contains(at))
        {
            for pair in rule.sequence.windows(2) {
                next.entry(pair[0])
                    .or_default()
                    .entry(pair[1])
                    .or_default()
                    .insert(at);
            }
        }
        let reach: BTreeMap<u32, BTreeSet<u32>> = next
            .keys()
            .map(|from| (*from, reachable(&next, *from)))
            .collect();
        let both = |a: u32, b: u32| {
            reach.get(&a).is_some_and(|to| to.contains(&b))
                && reach.get(&b).is_some_and(|to| to.contains(&a))
        };
        let mut groups: Vec<(u32, BTreeSet<usize>)> = vec![];
        for (from, to) in &next {
            for (to, rules) in to.iter().filter(|(to, _)| both(*from, **to)) {
                match groups.iter_mut().find(|(agent, _)| both(*agent, *to)) {
                    Some((_, all)) => all.extend(rules),
                    None => groups.push((*from, rules.clone())),
                }
            }
        }
        let circles = groups
            .into_iter()
            .map(|(_, rules)| rules.into_iter().collect());
        twice
            .into_iter()
            .map(|at| vec![at])
            .chain(circles)
            .collect()
    }
}

fn reachable(next: &BTreeMap<u32, BTreeMap<u32, BTreeSet<usize>>>, from: u32) -> BTreeSet<u32> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(agent) = open.pop() {
        for to in next.get(&agent).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(*to) {
                open.push(*to);
            }
        }
    }
    found
}

impl Writers {
    /// An owner beside a sequence that does not hold it.
    fn inner_conflict(&self) -> bool {
        self.owner
            .is_some_and(|owner| !self.sequence.is_empty() && !self.sequence.contains(&owner))
    }

    /// What it would be called if both had a name in common.
    fn against(&self, other: &Self) -> Option<LintCode> {
        let fits = |sequence: &[u32]| {
            self.all
                .union(&other.all)
                .all(|agent| sequence.contains(agent))
        };
        if self.all.is_empty()
            || other.all.is_empty()
            || self.all == other.all && self.all.len() == 1
        {
            return None;
        }
        if fits(&self.sequence) || fits(&other.sequence) {
            return None;
        }
        Some(if self.trigger {
            LintCode::TriggerOverlap
        } else if self.sequence.is_empty() && other.sequence.is_empty() {
            LintCode::TwoOwners
        } else {
            LintCode::TwoWriters
        })
    }
}

/// One number per agent, whichever way rules name it.
struct Ids {
    numbers: HashMap<String, u32>,
    /// Bare id to the one full name it means.
    full: HashMap<String, String>,
}

impl Ids {
    fn new(document: &Ownership, agents: &[KnownAgent]) -> Self {
        let mut full = HashMap::new();
        for agent in agents {
            full.entry(agent.agent.clone())
                .or_insert_with(|| format!("{}/{}", agent.endpoint, agent.agent));
        }
        // Without having heard of it: `host/billing` is what `billing` means, if it is the only one.
        let mut written: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for name in document.rules.iter().flat_map(names::writers) {
            if let Some((_, bare)) = name.split_once('/') {
                written.entry(bare).or_default().insert(name);
            }
        }
        for (bare, names) in written {
            if let (1, Some(name)) = (names.len(), names.first()) {
                full.entry(bare.to_owned())
                    .or_insert_with(|| (*name).to_owned());
            }
        }
        Self {
            numbers: HashMap::new(),
            full,
        }
    }

    fn number(&mut self, name: &str) -> u32 {
        let name = self.full.get(name).map_or(name, String::as_str).to_owned();
        let next = super::place(self.numbers.len());
        *self.numbers.entry(name).or_insert(next)
    }
}

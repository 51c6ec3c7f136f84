//! Dead letters: items that could not be used, kept as evidence until the item comes good.
//!
//! One per endpoint, list and item id; an item without an id goes by a digest of its bytes.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{
    room::named,
    schemas::Held,
    slots::Subject,
    take::Intake,
    weight::LETTER,
    world::{Dead, Seen},
};
use crate::{
    caps::LETTERS,
    change::{Change, DeadLetter},
    contract::{Document, Item, Problem},
    finding::Evidence,
    ids::AgentRef,
};

/// What a dead letter can be about: a list, the card, or the document itself.
pub(super) const PLACES: [&str; 12] = [
    "tasks",
    "accesses",
    "claims",
    "handoffs",
    "artifacts",
    "context",
    "quotas",
    "escalations",
    "schedules",
    "ownership",
    "agent",
    "",
];

/// What is wrong in one document, by list and item.
type Letters = BTreeMap<String, BTreeMap<String, Vec<Problem>>>;

impl Intake<'_> {
    /// Notes what was bad in a document, and what is good again. Where one item is both it is still bad.
    pub(super) fn dead_letters(&mut self, agent: &AgentRef, document: &Document) {
        let mut letters: Letters = BTreeMap::new();
        let unkept = std::mem::take(&mut self.unkept);
        for problem in document.problems.iter().chain(&unkept) {
            let item = problem.item.clone();
            let item = item.unwrap_or_else(|| digest(&problem.raw, &problem.pointer));
            let of_list = letters.entry(problem.list.clone()).or_default();
            of_list.entry(item).or_default().push(problem.clone());
        }
        let d = document;
        self.good(agent, &letters, "tasks", &d.tasks, |v| v.id.to_string());
        self.good(agent, &letters, "claims", &d.claims, |v| v.id.clone());
        self.good(agent, &letters, "handoffs", &d.handoffs, |v| v.id.clone());
        self.good_again(agent, &letters, document);
        let bad = letters.get("artifacts");
        for item in d.artifacts.iter().flatten() {
            let id = &item.value.id;
            if bad.is_none_or(|bad| !bad.contains_key(id)) {
                // Readable, but its body may not fit its schema.
                self.fits(&(agent.endpoint.clone(), id.clone()), Held::Sent);
            }
        }
        self.good(agent, &letters, "quotas", &d.quotas, |v| v.pool.key());
        self.good(agent, &letters, "escalations", &d.escalations, |v| {
            v.id.to_string()
        });
        self.good(agent, &letters, "schedules", &d.schedules, |v| v.id.clone());
        if document.ownership.is_some() {
            self.clear(agent, "ownership", "ownership");
        }
        if document.agent.is_some() && !letters.contains_key("agent") {
            self.clear(agent, "agent", agent.agent.as_str());
        }
        for (list, letters) in letters {
            for (item, problems) in letters {
                self.letter(agent, list.clone(), item, problems);
            }
        }
    }

    /// Items that are only added to: good is what stands, and nothing else of that id beside it.
    fn good_again(&mut self, agent: &AgentRef, letters: &Letters, document: &Document) {
        if self.world.dead.is_empty() {
            return;
        }
        let mut good: BTreeMap<(&'static str, String), bool> = BTreeMap::new();
        for item in document.accesses.iter().flatten() {
            let id = &item.value.id;
            let endpoint = self.world.endpoints.get(&agent.endpoint);
            let same = endpoint.is_some_and(|e| e.told.same(&item.value) == Some(true));
            *good.entry(("accesses", id.clone())).or_insert(true) &= same;
        }
        for item in document.context.iter().flatten() {
            let value = &item.value;
            let known = self
                .world
                .context
                .get(&(value.document_id.clone(), value.seq));
            let known = known.and_then(|known| known.first());
            let same = known.is_some_and(|known| known.value == *value);
            let name = format!("{}/{}", value.document_id, value.seq);
            *good.entry(("context", name)).or_insert(true) &= same;
        }
        for ((list, id), good) in good {
            let bad = letters.get(list).is_some_and(|bad| bad.contains_key(&id));
            if good && !bad {
                self.clear(agent, list, &id);
            }
        }
    }

    /// An append-only item came again with other content.
    pub(super) fn conflict<T>(
        &mut self,
        agent: &AgentRef,
        list: &'static str,
        name: String,
        item: &Item<T>,
    ) {
        let problem = Problem {
            pointer: item.pointer.clone(),
            list: list.to_owned(),
            item: Some(name.clone()),
            code: "conflict".to_owned(),
            message: "It was sent before with other content, and can only be added to.".to_owned(),
            schema: None,
            raw: item.raw.clone(),
        };
        self.letter(agent, list.to_owned(), name, vec![problem]);
    }

    /// Keeps it if there is room, and else that there was one more. One in the place of what is open, or of a letter before,
    /// is never left out: only its bytes are.
    fn letter(&mut self, agent: &AgentRef, list: String, item: String, mut problems: Vec<Problem>) {
        let key = (agent.endpoint.clone(), list, item);
        let bytes = |problems: &[Problem]| problems.first().map_or(0, |first| first.raw.len());
        let known = self.world.dead.get(&key).map(|known| known.seen.raw.len());
        let is_new = known.is_none();
        let before = known.map_or(0, |bytes| LETTER + bytes);
        let world = &self.world;
        let kept = self.letters.get_or_insert_with(|| world.letters(&key.0));
        let is_full = is_new && *kept >= LETTERS;
        if is_full || !self.letter_fits(&key.0, before, LETTER + bytes(&problems)) {
            if is_new && !(key.1 == "escalations" && self.asks(&key.0, &key.2)) {
                let of_list = PLACES.iter().find(|place| **place == key.1);
                let over = self.over.entry((of_list.unwrap_or(&""), true)).or_default();
                *over += 1;
                return;
            }
            problems.truncate(1);
            for problem in &mut problems {
                problem.raw = named(&key.2);
            }
            self.ends(&key.0, before, LETTER + bytes(&problems));
        }
        self.letters = self.letters.map(|kept| kept + usize::from(is_new));
        self.keep_letter(agent, key.1, key.2, problems);
    }

    pub(super) fn keep_letter(
        &mut self,
        agent: &AgentRef,
        list: String,
        item: String,
        problems: Vec<Problem>,
    ) {
        let Some(first) = problems.first() else {
            return;
        };
        let key = (agent.endpoint.clone(), list.clone(), item.clone());
        let known = self.world.dead.get(&key);
        if known.is_some_and(|k| k.seen.raw == first.raw) {
            return;
        }
        let seen = Seen {
            agent: agent.clone(),
            at: self.now,
            evidence: Evidence {
                line: self.line,
                pointer: format!("/status{}", item_pointer(&first.pointer)).into(),
            },
            moment: self.world.moment,
            raw: first.raw.clone(),
        };
        self.changes.push(Change::DeadLetter(DeadLetter {
            endpoint: agent.endpoint.clone(),
            agent: Some(agent.agent.clone()),
            item: item.clone(),
            problems: problems.clone(),
            line: self.line,
            at: self.now,
        }));
        self.refused_again(agent, &list, &problems, &seen.evidence);
        self.mark(Subject::Item(key.0.clone(), list, item));
        self.world.dead.insert(key, Dead { seen, problems });
    }

    fn good<T>(
        &mut self,
        agent: &AgentRef,
        letters: &Letters,
        list: &str,
        items: &Option<Vec<Item<T>>>,
        id: impl Fn(&T) -> String,
    ) {
        if self.world.dead.is_empty() {
            return;
        }
        let bad = letters.get(list);
        for item in items.iter().flatten() {
            let id = id(&item.value);
            if bad.is_none_or(|bad| !bad.contains_key(&id)) {
                self.clear(agent, list, &id);
            }
        }
    }

    pub(super) fn clear(&mut self, agent: &AgentRef, list: &str, item: &str) {
        if self.world.dead.is_empty() {
            return;
        }
        let key = (agent.endpoint.clone(), list.to_owned(), item.to_owned());
        if self.world.dead.remove(&key).is_none() {
            return;
        }
        if let Some(kept) = &mut self.letters {
            *kept = kept.saturating_sub(1);
        }
        self.worked(agent.clone());
        self.changes.push(Change::DeadLetterCleared {
            endpoint: key.0.clone(),
            list: key.1.clone(),
            item: key.2.clone(),
            at: self.now,
        });
        self.mark(Subject::Item(key.0, key.1, key.2));
    }
}

/// `/tasks/3/status/state` is about the item `/tasks/3`.
fn item_pointer(pointer: &str) -> String {
    let parts: Vec<_> = pointer.split('/').take(3).collect();
    let is_item = parts.get(2).is_some_and(|n| n.parse::<usize>().is_ok());
    parts
        .into_iter()
        .take(if is_item { 3 } else { 2 })
        .collect::<Vec<_>>()
        .join("/")
}

pub(super) fn digest(raw: &str, pointer: &str) -> String {
    let bytes = if raw.is_empty() { pointer } else { raw };
    let digest = Sha256::digest(bytes.as_bytes());
    let hex: String = digest.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

//! Shared context documents as they grow, and which live tasks have read how far.
//!
//! Entries are only added. Whether what was read or written does not fit together is `rules/context_divergence.rs`.

use std::collections::BTreeSet;

use super::{
    slots::Subject,
    take::{Intake, record},
    weight::{self, remove_of},
    world::World,
};
use crate::{
    change::Change,
    contract::{ContextKind, Document, Task},
    ids::{AgentRef, DocumentId, TaskRef},
};

impl World {
    /// How far a task has read a document.
    pub(crate) fn read_up_to(&self, task: &Task, document: &DocumentId) -> Option<u64> {
        let marks = task.context_refs.iter();
        let marks = marks.filter(|mark| mark.document_id == *document);
        marks.map(|mark| mark.seq).max()
    }

    /// Decisions and constraints in `(after, to]` that still count.
    pub(crate) fn binding<'w>(
        &'w self,
        document: &DocumentId,
        after: u64,
        to: u64,
    ) -> impl Iterator<Item = &'w super::world::Entry<crate::contract::ContextEntry>> {
        let from = (document.clone(), after.saturating_add(1));
        let range = (from <= (document.clone(), to))
            .then(|| self.context.range(from..=(document.clone(), to)));
        range
            .into_iter()
            .flatten()
            .filter(|(place, _)| !self.superseded.contains(*place))
            .flat_map(|(_, entries)| entries)
            .filter(|entry| {
                matches!(
                    entry.value.kind,
                    ContextKind::Decision | ContextKind::Constraint
                )
            })
    }
}

impl Intake<'_> {
    /// Entries of shared documents: only added to, by number.
    pub(super) fn context(&mut self, agent: &AgentRef, document: &Document) {
        for item in document.context.iter().flatten() {
            let value = &item.value;
            let name = format!("{}/{}", value.document_id, value.seq);
            let place = (value.document_id.clone(), value.seq);
            let is_known = self.world.context.contains_key(&place);
            let weight = weight::entry(value);
            if !is_known && !self.has_room(&agent.endpoint, "context", 0, weight) {
                continue;
            }
            let at = value.created_at.unwrap_or(self.now).min(self.now);
            let mut entry = self.entry(agent, item, at);
            let known = self.world.context.entry(place.clone()).or_default();
            if let Some(old) = known.first() {
                // Documents are shared: somebody else's other entry of that number is one too many as well.
                if old.value != *value {
                    self.conflict(agent, "context", name, item);
                }
                continue;
            }
            self.changes.push(Change::Context(record(&entry)));
            // No rule asks for its bytes.
            entry.seen.raw = self.world.nothing.clone();
            known.reserve_exact(1);
            known.push(entry);
            if let Some(key) = &value.key {
                self.say_about(&place.0, key, value.seq);
            }
            if let Some(gone) = value.supersedes.filter(|gone| *gone != value.seq) {
                let gone = (place.0.clone(), gone);
                let about = self.world.context.get(&gone).and_then(|e| e.first());
                if let Some(key) = about.and_then(|e| e.value.key.clone()) {
                    self.mark(Subject::Said(place.0.clone(), key));
                }
                self.world.superseded.insert(gone);
            }
            self.mark(Subject::Readers(place.0));
        }
    }

    fn say_about(&mut self, document: &DocumentId, key: &str, seq: u64) {
        let about = (document.clone(), key.to_owned());
        let numbers = self.world.said_about.entry(about).or_default();
        numbers.insert(seq);
        self.mark(Subject::Said(document.clone(), key.to_owned()));
    }

    /// A task is new or different: keeps who reads what.
    pub(super) fn note_reader(&mut self, task: &TaskRef, old: Option<&Task>) {
        let now = self.now;
        let Some(entry) = self.world.tasks.get_mut(task) else {
            return;
        };
        let new = &entry.value;
        let same = old.is_some_and(|old| {
            old.context_refs == new.context_refs
                && old.context_id == new.context_id
                && old.next_stage == new.next_stage
                && old.status.state == new.status.state
        });
        if same {
            return;
        }
        if old.is_none_or(|old| old.context_refs != new.context_refs) {
            entry.read_since = now;
        }
        let live = entry.live();
        let before = old.into_iter().flat_map(|old| &old.context_refs);
        let documents: BTreeSet<_> = before
            .chain(&entry.value.context_refs)
            .map(|mark| mark.document_id.clone())
            .collect();
        for document in documents {
            let reads = live && entry_reads(&entry.value, &document);
            if reads {
                let readers = self.world.readers.entry(document.clone()).or_default();
                readers.insert(task.clone());
            } else {
                remove_of(&mut self.world.readers, &document, task);
            }
            self.world.dirty.insert(Subject::Readers(document));
        }
    }

    /// A task was handed over: who takes it is to have read as much.
    pub(super) fn mark_reader(&mut self, task: &TaskRef) {
        let marks = self.world.tasks.get(task).into_iter();
        let marks = marks.flat_map(|entry| &entry.value.context_refs);
        let documents: Vec<_> = marks.map(|mark| mark.document_id.clone()).collect();
        let subjects = documents.into_iter().map(Subject::Readers);
        self.world.dirty.extend(subjects);
    }
}

fn entry_reads(task: &Task, document: &DocumentId) -> bool {
    let mut marks = task.context_refs.iter();
    marks.any(|mark| mark.document_id == *document)
}

//! What is kept of one endpoint weighs so much and no more. What ended longest ago is forgotten here when it is much (the
//! store keeps it for the screens); where that is not enough, what is more is left out and told (`room.rs`).
//!
//! What goes on, what is due to be looked at, and what a finding is open about stays.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde_json::Value;

use super::{
    accesses::Used,
    slots::{Slots, Subject},
    take::Intake,
    world::{Key, World},
};
use crate::{
    contract::{
        Claim, ClaimState, ContextEntry, Escalation, EscalationStatus, Needs, QuotaWindow, Task,
    },
    ids::{DocumentId, EndpointId, EscalationId, Resource, TaskRef},
    snapshot::saved,
    time::Time,
};

/// Bytes that may be kept of one endpoint, as they are weighed here.
pub(crate) const MOST: usize = 4 * 1024 * 1024;
/// From here on what has ended is forgotten, until so much is left.
const MUCH: usize = MOST / 4 * 3;
const LEFT: usize = MOST / 2;
/// Where little can be forgotten, it is tried again after so much more, or so long.
const MORE: usize = MOST / 16;
const LATER: TimeDelta = TimeDelta::minutes(10);

// What one record takes besides its own bytes, with its places in the indexes and the findings that are usual about it.
// Measured by `tests/memory.rs`.
const TASK: usize = 1_200;
const REFERENCE: usize = 100;
const CLAIM: usize = 1_200;
/// Two claims that are compared, and what is found of them.
pub(super) const RIVAL: usize = 400;
const HANDOFF: usize = 2_700;
const ARTIFACT: usize = 1_700;
const ESCALATION: usize = 1_500;
const SCHEDULE: usize = 800;
const ENTRY: usize = 700;
const RESOURCE: usize = 2_200;
const ACCESS: usize = 600;
pub(super) const LETTER: usize = 1_000;
const OPTION: usize = 200;
const NEED: usize = 100;
const SAMPLE: usize = 300;
const VALUE: usize = 32;
const MEMBER: usize = 64;
pub(super) const POOL: usize = 1_000;
pub(super) const OCCURRENCE: usize = 120;

/// How much is kept of an endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weight {
    /// About so many bytes.
    bytes: usize,
    /// What was left, and when, when it was last tried to make that less.
    left: usize,
    tried: Time,
}
saved! { Weight { bytes, left, tried } }

impl Weight {
    /// So much that there may be no room.
    pub(super) fn is_nearly_full(&self) -> bool {
        self.bytes + MORE > MOST
    }
}

pub(super) fn task(value: &Task, raw: &str) -> usize {
    let references = value.depends_on.len() + value.context_refs.len();
    TASK + REFERENCE * references + 2 * raw.len()
}

pub(super) fn claim(value: &Claim, raw: &str) -> usize {
    CLAIM + 3 * raw.len() + value.fencing_token.as_ref().map_or(0, tree)
}

pub(super) fn handoff(raw: &str) -> usize {
    HANDOFF + 3 * raw.len()
}

/// Of its body the bytes alone are kept.
pub(super) fn artifact(raw: &str) -> usize {
    ARTIFACT + raw.len()
}

pub(super) fn escalation(value: &Escalation, raw: &str) -> usize {
    let action = value.proposed_action.iter();
    let trees = action.flat_map(|action| action.args.iter().chain(&action.env));
    let trees: usize = trees.chain(&value.response_schema).map(tree).sum();
    ESCALATION + OPTION * value.options.len() + 2 * raw.len() + trees
}

pub(super) fn schedule(raw: &str) -> usize {
    SCHEDULE + 2 * raw.len()
}

pub(super) fn entry(value: &ContextEntry) -> usize {
    let key = value.key.as_ref().map_or(0, String::len);
    ENTRY + 2 * (tree(&value.body) + value.value.as_ref().map_or(0, tree) + key)
}

pub(super) fn resource(name: &Resource) -> usize {
    RESOURCE + 3 * name.as_str().len()
}

pub(super) fn accesses(number: usize) -> usize {
    ACCESS * number
}

/// What an agent declares is kept as it is written and ready to be found (`Index::weight`), which takes up to eight times
/// as much.
pub(super) fn declaration(value: &Needs) -> usize {
    9 * needs(value)
}

pub(super) fn needs(value: &Needs) -> usize {
    let lists = [&value.triggers, &value.reads, &value.writes, &value.outputs];
    let all = lists.into_iter().flatten();
    all.map(|pattern| NEED + pattern.len()).sum()
}

pub(super) fn sample(window: &QuotaWindow) -> usize {
    let texts = [&window.unit, &window.status].into_iter().flatten();
    SAMPLE + window.name.len() + texts.map(String::len).sum::<usize>()
}

/// A value of JSON as it is taken apart.
fn tree(value: &Value) -> usize {
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(tree).sum(),
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| MEMBER + name.len() + tree(value))
                .sum(),
            _ => 0,
        }
}

impl Intake<'_> {
    /// Whether what weighed `before` may weigh `after`; then it does.
    pub(super) fn has_room(
        &mut self,
        endpoint: &EndpointId,
        list: &'static str,
        before: usize,
        after: usize,
    ) -> bool {
        let has_room = self.weighs(endpoint, before, after);
        has_room || self.more(list)
    }

    /// The same of what is known and ends: that is never left out, since nothing else makes room.
    pub(super) fn ends(&mut self, endpoint: &EndpointId, before: usize, after: usize) -> bool {
        let state = self.world.endpoints.entry(endpoint.clone()).or_default();
        state.weight.bytes = (state.weight.bytes + after).saturating_sub(before);
        true
    }

    pub(super) fn weighs(&mut self, endpoint: &EndpointId, before: usize, after: usize) -> bool {
        self.weighs_within(endpoint, before, after, MOST)
    }

    /// The same of a dead letter: what there is no room for can still be said.
    pub(super) fn letter_fits(
        &mut self,
        endpoint: &EndpointId,
        before: usize,
        after: usize,
    ) -> bool {
        self.weighs_within(endpoint, before, after, MOST + MORE)
    }

    fn weighs_within(
        &mut self,
        endpoint: &EndpointId,
        before: usize,
        after: usize,
        most: usize,
    ) -> bool {
        let state = self.world.endpoints.entry(endpoint.clone()).or_default();
        let bytes = (state.weight.bytes + after).saturating_sub(before);
        if after > before && bytes > most {
            return false;
        }
        state.weight.bytes = bytes;
        true
    }
}

/// What has ended, and what is only ever added to.
enum Old {
    Task(TaskRef),
    Claim(Key),
    Handoff(Key),
    Artifact(Key),
    Escalation(Key<EscalationId>),
    Schedule(Key),
    Entry(DocumentId, u64),
    Resource(Resource),
}

/// What is kept of an endpoint, as it is weighed anew.
#[derive(Default)]
struct Scale {
    bytes: usize,
    /// What can be forgotten: since when, what it weighs.
    old: Vec<(Time, usize, Old)>,
}

impl Scale {
    fn add(&mut self, since: Time, weight: usize, old: Option<Old>) {
        self.bytes += weight;
        if let Some(old) = old {
            self.old.push((since, weight, old));
        }
    }
}

impl World {
    /// Forgets what ended longest ago of each endpoint of which much is kept. Before the first line of a time: all that came
    /// before was judged, however it was cut.
    pub(super) fn forget(&mut self, slots: &Slots) {
        let is_due = |weight: &Weight| {
            let more = weight.bytes > weight.left + MORE || self.now >= weight.tried + LATER;
            weight.bytes > MUCH && more
        };
        let endpoints = self.endpoints.iter();
        let due = endpoints.filter(|(_, state)| is_due(&state.weight));
        let due: Vec<_> = due.map(|(endpoint, _)| endpoint.clone()).collect();
        for endpoint in &due {
            let mut scale = self.weighed(endpoint, slots);
            // Of what ended at one time it is the same however it came.
            scale.old.sort_by_key(|(since, ..)| *since);
            for (_, weight, old) in scale.old {
                if scale.bytes <= LEFT {
                    break;
                }
                scale.bytes = scale.bytes.saturating_sub(weight);
                self.drop_old(endpoint, old);
            }
            if let Some(state) = self.endpoints.get_mut(endpoint) {
                state.weight = Weight {
                    bytes: scale.bytes,
                    left: scale.bytes,
                    tried: self.now,
                };
            }
        }
        if !due.is_empty() {
            self.tasks.shrink_to_fit();
            self.touched.shrink_to_fit();
            self.used_by.shrink_to_fit();
        }
    }

    /// All that is kept of an endpoint, in an order of its own.
    fn weighed(&self, endpoint: &EndpointId, slots: &Slots) -> Scale {
        let mut scale = Scale::default();
        let tasks = self.tasks.iter();
        let mut tasks: Vec<_> = tasks
            .filter(|(task, _)| task.endpoint == *endpoint)
            .collect();
        tasks.sort_unstable_by_key(|(task, _)| *task);
        for (name, entry) in tasks {
            let open = entry.live()
                || slots.speaks_of(&Subject::Task(name.clone()))
                || slots.speaks_of(&Subject::Reading(name.clone()));
            let old = (!open).then(|| Old::Task(name.clone()));
            let weight = task(&entry.value, &entry.seen.raw);
            scale.add(entry.changed, weight, old);
        }
        for (key, entry) in own(&self.claims, endpoint) {
            let over = entry.value.state == ClaimState::Released;
            let over = over
                && !self.rivals.get(key).is_some_and(|of| {
                    of.iter().any(|other| {
                        let (one, two) = if other < key {
                            (other, key)
                        } else {
                            (key, other)
                        };
                        slots.speaks_of(&Subject::Claims(one.clone(), two.clone()))
                    })
                });
            let old = over.then(|| Old::Claim(key.clone()));
            // Each pair stands with both.
            let pairs = self.rivals.get(key).map_or(0, |of| RIVAL / 2 * of.len());
            scale.add(
                entry.seen.at,
                claim(&entry.value, &entry.seen.raw) + pairs,
                old,
            );
        }
        for (key, entry) in own(&self.handoffs, endpoint) {
            let open = slots.speaks_of(&Subject::Handoff(key.0.clone(), key.1.clone()));
            let old = (!open).then(|| Old::Handoff(key.clone()));
            scale.add(entry.seen.at, handoff(&entry.seen.raw), old);
        }
        for (key, entry) in own(&self.artifacts, endpoint) {
            let old = Some(Old::Artifact(key.clone()));
            scale.add(entry.seen.at, artifact(&entry.seen.raw), old);
        }
        for (key, entry) in own(&self.escalations, endpoint) {
            // What was answered and is asked on may still be exchanged.
            let open = entry.value.status == EscalationStatus::Pending
                || slots.speaks_of(&Subject::Escalation(key.0.clone(), key.1.clone()));
            let old = (!open).then(|| Old::Escalation(key.clone()));
            scale.add(
                entry.seen.at,
                escalation(&entry.value, &entry.seen.raw),
                old,
            );
        }
        for (key, entry) in own(&self.schedules, endpoint) {
            let old = (!entry.value.enabled).then(|| Old::Schedule(key.clone()));
            scale.add(entry.seen.at, schedule(&entry.seen.raw), old);
        }
        for ((document, number), entries) in &self.context {
            let first = entries.first();
            if let Some(first) = first.filter(|first| first.seen.agent.endpoint == *endpoint) {
                let open = first.value.key.as_ref().is_some_and(|key| {
                    slots.speaks_of(&Subject::Said(document.clone(), key.clone()))
                });
                let old = (!open).then(|| Old::Entry(document.clone(), *number));
                scale.add(first.seen.at, entry(&first.value), old);
            }
        }
        for name in &self.resources {
            let Some(touched) = self.touched.get(name) else {
                continue;
            };
            let last = touched.used.iter().next_back();
            if let Some(last) = last.filter(|last| last.seen.agent.endpoint == *endpoint) {
                let open = slots.speaks_of(&Subject::Resource(name.clone()));
                let old = (!open).then(|| Old::Resource(name.clone()));
                let events = self.events_of(name).map(|(_, taken)| taken.len());
                let number = touched.used.iter().len() + events.sum::<usize>();
                scale.add(last.at(), resource(name) + accesses(number), old);
            }
        }
        for (agent, state) in &self.agents {
            if agent.endpoint == *endpoint {
                let declared = state.declared.iter().map(|(_, index, _)| index.weight());
                let needs = state.needs.as_ref().map_or(0, |(value, _)| needs(value));
                scale.bytes += needs + declared.sum::<usize>();
            }
        }
        for pool in self.pools.values() {
            let newest = pool
                .newest
                .iter()
                .filter(|(seen, _)| seen.agent.endpoint == *endpoint);
            scale.bytes += newest.map(|(seen, _)| POOL + seen.raw.len()).sum::<usize>();
            let samples = pool.windows.values().flatten();
            let own = samples.filter(|sample| sample.seen.agent.endpoint == *endpoint);
            scale.bytes += own.map(|own| sample(&own.window)).sum::<usize>();
        }
        let from = (endpoint.clone(), String::new(), String::new());
        let letters = self.dead.range(from..);
        let letters = letters.take_while(|((of, ..), _)| of == endpoint);
        let letters = letters.map(|(_, dead)| LETTER + dead.seen.raw.len());
        scale.bytes += letters.sum::<usize>() + OCCURRENCE * self.occurrences(endpoint);
        scale
    }

    fn events_of(
        &self,
        name: &Resource,
    ) -> impl Iterator<Item = (&(Resource, String), &BTreeSet<Used>)> {
        let events = self.events.range((name.clone(), String::new())..);
        let name = name.clone();
        events.take_while(move |((of, _), _)| *of == name)
    }

    fn drop_old(&mut self, endpoint: &EndpointId, old: Old) {
        match old {
            Old::Task(task) => self.drop_task(&task),
            Old::Claim(key) => self.drop_claim(&key),
            Old::Handoff(key) => {
                if let Some(gone) = self.handoffs.remove(&key) {
                    let task = TaskRef {
                        endpoint: endpoint.clone(),
                        task: gone.value.task_id,
                    };
                    remove_of(&mut self.handoffs_of, &task, &key.1);
                }
                self.handed_to.remove(&key);
            }
            Old::Artifact(key) => self.drop_artifact(&key),
            Old::Escalation(key) => {
                self.escalations.remove(&key);
            }
            Old::Schedule(key) => {
                self.schedules.remove(&key);
            }
            Old::Entry(document, number) => {
                let place = (document, number);
                self.superseded.remove(&place);
                let gone = self.context.remove(&place);
                let first = gone.into_iter().flatten().next();
                let Some(first) = first else { return };
                let replaced = first.value.supersedes.map(|gone| (place.0.clone(), gone));
                // What is not known, and would be told again, is not known to be replaced.
                if let Some(replaced) = replaced.filter(|place| !self.context.contains_key(place)) {
                    self.superseded.remove(&replaced);
                }
                if let Some(key) = first.value.key {
                    remove_of(&mut self.said_about, &(place.0, key), &number);
                }
            }
            Old::Resource(name) => {
                self.resources.remove(&name);
                self.touched.remove(&name);
                let events = self.events_of(&name);
                let events: Vec<_> = events.map(|(event, _)| event.clone()).collect();
                for event in events {
                    self.events.remove(&event);
                }
            }
        }
    }

    fn drop_task(&mut self, task: &TaskRef) {
        let Some(gone) = self.tasks.remove(task) else {
            return;
        };
        self.named_no_more(task, &gone.value, &BTreeSet::new());
        if let Some(key) = &gone.value.key {
            remove_of(&mut self.work, key, task);
        }
        self.used_by.remove(task);
        self.ticking.remove(task);
        self.addresses_of.remove(task);
    }

    fn drop_claim(&mut self, key: &Key) {
        self.no_longer_claimed(key);
        for other in self.rivals.remove(key).unwrap_or_default() {
            remove_of(&mut self.rivals, &other, key);
        }
        if let Some(gone) = self.claims.remove(key)
            && let Some(task) = gone.value.task_id
        {
            let endpoint = key.0.clone();
            remove_of(&mut self.claims_of, &TaskRef { endpoint, task }, key);
        }
    }

    fn drop_artifact(&mut self, key: &Key) {
        let Some(gone) = self.artifacts.remove(key) else {
            return;
        };
        let Some(uri) = gone.value.uri else {
            return;
        };
        let address = Resource::from(uri.as_str());
        remove_of(&mut self.addresses, &address, key);
        if let Some(task) = gone.value.task_id {
            let endpoint = key.0.clone();
            let task = TaskRef { endpoint, task };
            // Another of the task may stand there.
            if !self.addresses.contains_key(&address) {
                remove_of(&mut self.addresses_of, &task, &address);
            }
        }
    }
}

/// The records of one endpoint.
fn own<'m, I: Ord + for<'t> From<&'t str>, T>(
    all: &'m BTreeMap<Key<I>, T>,
    endpoint: &EndpointId,
) -> impl Iterator<Item = (&'m Key<I>, &'m T)> {
    let from = (endpoint.clone(), I::from(""));
    let endpoint = endpoint.clone();
    all.range(from..)
        .take_while(move |((of, _), _)| *of == endpoint)
}

/// Takes one from those of a key, and the key with the last of them.
pub(super) fn remove_of<K: Ord, V: Ord>(all: &mut BTreeMap<K, BTreeSet<V>>, of: &K, gone: &V) {
    if let Some(known) = all.get_mut(of) {
        known.remove(gone);
        if known.is_empty() {
            all.remove(of);
        }
    }
}

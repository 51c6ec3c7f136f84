//! Who refers to whom: tasks by the tasks that name them, artifacts by their address, claims by what they cover.
//!
//! Keeps the cost of a fact to what refers to it, however much else is known.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    slots::Subject,
    take::Intake,
    world::{Entry, Key, World},
};
use crate::{
    caps::RIVALS,
    contract::{Artifact, Claim, Task, WaitKind},
    ids::{AgentRef, EndpointId, Resource, TaskRef},
    ownership::pattern::Pattern,
    snapshot::saved,
};

/// Claims by what they cover.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claimed {
    exact: BTreeMap<Resource, BTreeSet<Key>>,
    /// Few are patterns.
    patterns: BTreeMap<Key, Pattern>,
}
saved! { Claimed { exact, patterns } }

impl Claimed {
    fn add(&mut self, key: &Key, resource: &Resource) {
        let pattern = Pattern::resource(resource.as_str());
        if pattern.literal() {
            let of = self.exact.entry(resource.clone()).or_default();
            of.insert(key.clone());
        } else {
            self.patterns.insert(key.clone(), pattern);
        }
    }

    fn remove(&mut self, key: &Key, resource: &Resource) {
        self.patterns.remove(key);
        if let Some(of) = self.exact.get_mut(resource) {
            of.remove(key);
            if of.is_empty() {
                self.exact.remove(resource);
            }
        }
    }
}

impl World {
    /// Wanted claims that cover what was used by that name, which is no pattern; no other is compared with it.
    pub(crate) fn claims_covering<'w>(
        &'w self,
        name: &str,
        wanted: impl Fn(&Entry<Claim>) -> bool,
    ) -> Vec<(&'w Key, &'w Entry<Claim>)> {
        let exact = self.claimed.exact.get(name).into_iter().flatten();
        let exact = exact.filter_map(|key| self.claims.get_key_value(key));
        let exact = exact.filter(|(_, claim)| wanted(claim));
        let patterns = self.claimed.patterns.iter();
        let patterns = patterns.filter_map(|(key, pattern)| {
            let known = self.claims.get_key_value(key);
            known.filter(|(_, claim)| wanted(claim) && pattern.matches(name))
        });
        let mut found: Vec<_> = patterns.chain(exact).collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        found
    }

    /// Wanted claims that cover some of what a resource or pattern means.
    pub(crate) fn claims_on<'w>(
        &'w self,
        resource: &str,
        wanted: impl Fn(&Entry<Claim>) -> bool,
    ) -> Vec<(&'w Key, &'w Entry<Claim>)> {
        let asked = Pattern::resource(resource);
        if asked.literal() {
            return self.claims_covering(resource, wanted);
        }
        let claim = |key| self.claims.get_key_value(key);
        let exact = self.claimed.exact.range(Resource::from(asked.prefix())..);
        let exact = exact
            .take_while(|(name, _)| name.as_str().starts_with(asked.prefix()))
            .filter(|(name, _)| asked.matches(name.as_str()))
            .flat_map(|(_, keys)| keys)
            .filter_map(claim)
            .filter(|(_, claim)| wanted(claim));
        let patterns = self.claimed.patterns.iter();
        let patterns = patterns.filter_map(|(key, pattern)| {
            claim(key).filter(|(_, claim)| wanted(claim) && pattern.overlaps(&asked))
        });
        let mut found: Vec<_> = patterns.chain(exact).collect();
        found.sort_unstable_by_key(|(key, _)| *key);
        found
    }
}

/// The first few of each agent.
pub(crate) fn few_of_each<'w>(
    claims: Vec<(&'w Key, &'w Entry<Claim>)>,
) -> impl Iterator<Item = &'w Key> {
    let mut counts: BTreeMap<&AgentRef, usize> = BTreeMap::new();
    claims.into_iter().filter_map(move |(key, claim)| {
        let count = counts.entry(&claim.seen.agent).or_default();
        *count += 1;
        (*count <= RIVALS).then_some(key)
    })
}

impl Intake<'_> {
    /// Claims moved from one resource to another, or came.
    pub(super) fn claimed(&mut self, key: &Key, before: Option<&Resource>, now: &Resource) {
        if let Some(before) = before {
            self.world.claimed.remove(key, before);
        }
        self.world.claimed.add(key, now);
    }

    /// What was done under a claim is to be looked at again.
    pub(super) fn mark_claimed(&mut self, key: &Key) {
        let Some(claim) = self.world.claims.get(key) else {
            return;
        };
        let resource = &claim.value.resource;
        let pattern = Pattern::resource(resource.as_str());
        let marked: Vec<_> = if pattern.literal() {
            let known = self.world.touched.contains_key(resource);
            known.then(|| resource.clone()).into_iter().collect()
        } else {
            let prefix = pattern.prefix();
            let from = self.world.resources.range(Resource::from(prefix)..);
            from.take_while(|name| name.as_str().starts_with(prefix))
                .filter(|name| pattern.matches(name.as_str()))
                .cloned()
                .collect()
        };
        self.world
            .dirty
            .extend(marked.into_iter().map(Subject::Resource));
    }

    /// Keeps who names a task.
    pub(super) fn refer(&mut self, task: &TaskRef, old: Option<&Task>, new: &Task) {
        let before = old.map(|old| named(&task.endpoint, old));
        let after = named(&task.endpoint, new);
        for gone in before.iter().flatten().filter(|r| !after.contains(*r)) {
            if let Some(from) = self.world.named_by.get_mut(gone) {
                from.remove(task);
                if from.is_empty() {
                    self.world.named_by.remove(gone);
                }
            }
        }
        for to in after {
            let from = self.world.named_by.entry(to).or_default();
            from.insert(task.clone());
        }
    }

    /// Whoever names a task looks at it again.
    pub(super) fn mark_referring(&mut self, task: &TaskRef) {
        let from = self.world.named_by.get(task);
        let from: Vec<_> = from.into_iter().flatten().cloned().collect();
        let work = from.iter().filter_map(|task| {
            let entry = self.world.tasks.get(task)?;
            entry.value.key.clone().map(Subject::Work)
        });
        let work: Vec<_> = work.collect();
        self.world.dirty.extend(work);
        self.world.dirty.extend(from.into_iter().map(Subject::Task));
        let made = self.world.addresses_of.get(task);
        let made: Vec<_> = made.into_iter().flatten().cloned().collect();
        for address in made {
            if self.world.touched.contains_key(&address) {
                self.mark(Subject::Resource(address));
            }
        }
    }

    /// Keeps where an artifact is to be found.
    pub(super) fn addressed(&mut self, key: &Key, artifact: &Artifact) {
        let Some(uri) = &artifact.uri else {
            return;
        };
        let address = Resource::from(uri.as_str());
        let at = self.world.addresses.entry(address.clone()).or_default();
        at.insert(key.clone());
        if let Some(task) = &artifact.task_id {
            let task = TaskRef {
                endpoint: key.0.clone(),
                task: task.clone(),
            };
            let of = self.world.addresses_of.entry(task).or_default();
            of.insert(address.clone());
        }
        if self.world.touched.contains_key(&address) {
            self.mark(Subject::Resource(address));
        }
    }
}

/// What a task's references can mean: a task of the own endpoint, or of the one they name.
fn named(endpoint: &EndpointId, task: &Task) -> BTreeSet<TaskRef> {
    let waits = task.waiting_for.as_ref();
    let waits = waits
        .filter(|wait| wait.kind == WaitKind::Task)
        .and_then(|wait| wait.reference.as_ref());
    let references = task.depends_on.iter().chain(&task.parent_id).chain(waits);
    let mut all = BTreeSet::new();
    for reference in references {
        all.insert(TaskRef {
            endpoint: endpoint.clone(),
            task: reference.as_str().into(),
        });
        if let Some((endpoint, task)) = reference.split_once('/') {
            all.insert(TaskRef {
                endpoint: endpoint.into(),
                task: task.into(),
            });
        }
    }
    all
}

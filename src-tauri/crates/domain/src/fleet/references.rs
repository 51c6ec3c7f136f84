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
    contract::{Artifact, Claim, ClaimMode, ClaimState, Task, WaitKind},
    ids::{AgentRef, EndpointId, Resource, TaskRef},
    ownership::pattern::Pattern,
    snapshot::saved,
};

/// Claims by what they cover.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claimed {
    exact: BTreeMap<Resource, Holders>,
    /// Few are patterns.
    patterns: BTreeMap<Resource, (Pattern, Holders)>,
}
saved! { Claimed { exact, patterns } }

/// Of each agent those that are held first; what is alike stands together, so that many cost no more than few.
type Holders = BTreeMap<(AgentRef, ClaimState, ClaimMode), BTreeSet<Key>>;

fn alike(claim: &Entry<Claim>) -> (AgentRef, ClaimState, ClaimMode) {
    let agent = claim.seen.agent.clone();
    (agent, claim.value.state, claim.value.mode)
}

impl Claimed {
    fn add(&mut self, key: &Key, claim: &Entry<Claim>) {
        let resource = claim.value.resource.clone();
        let pattern = Pattern::resource(resource.as_str());
        let holders = if pattern.literal() {
            self.exact.entry(resource).or_default()
        } else {
            let of = self.patterns.entry(resource);
            &mut of.or_insert_with(|| (pattern, Holders::new())).1
        };
        holders.entry(alike(claim)).or_default().insert(key.clone());
    }

    fn remove(&mut self, key: &Key, claim: &Entry<Claim>) {
        let resource = &claim.value.resource;
        let alike = alike(claim);
        let left = |holders: &mut Holders| {
            let keys = holders.get_mut(&alike);
            if keys.is_some_and(|keys| keys.remove(key) && keys.is_empty()) {
                holders.remove(&alike);
            }
            holders.is_empty()
        };
        if self.exact.get_mut(resource).is_some_and(left) {
            self.exact.remove(resource);
        }
        if self
            .patterns
            .get_mut(resource)
            .is_some_and(|(_, holders)| left(holders))
        {
            self.patterns.remove(resource);
        }
    }

    /// Who holds what covers that name, which is no pattern; no other name is compared with it.
    fn covering(&self, name: &str) -> impl Iterator<Item = &Holders> {
        let patterns = self.patterns.values();
        let patterns = patterns.filter(move |(pattern, _)| pattern.matches(name));
        let patterns = patterns.map(|(_, holders)| holders);
        patterns.chain(self.exact.get(name))
    }

    /// Who holds what covers some of what a pattern means.
    fn overlapping(&self, asked: &Pattern) -> impl Iterator<Item = &Holders> {
        let exact = self.exact.range(Resource::from(asked.prefix())..);
        let exact = exact
            .take_while(|(name, _)| name.as_str().starts_with(asked.prefix()))
            .filter(|(name, _)| asked.matches(name.as_str()))
            .map(|(_, holders)| holders);
        let patterns = self.patterns.values();
        let patterns = patterns.filter(|(pattern, _)| pattern.overlaps(asked));
        patterns.map(|(_, holders)| holders).chain(exact)
    }
}

impl World {
    /// Wanted claims that cover what was used by that name, which is no pattern.
    pub(crate) fn claims_covering<'w>(
        &'w self,
        name: &'w str,
        wanted: impl Fn(&Entry<Claim>) -> bool,
    ) -> impl Iterator<Item = (&'w Key, &'w Entry<Claim>)> {
        let holders = self.claimed.covering(name);
        let keys = holders.flat_map(BTreeMap::values).flatten();
        let found = keys.filter_map(|key| self.claims.get_key_value(key));
        found.filter(move |(_, claim)| wanted(claim))
    }

    /// Wanted claims that cover some of what a resource or pattern means: the first few, of each agent its share, those that
    /// are held before others. `kinds` says which can be wanted at all.
    pub(crate) fn claims_on(
        &self,
        resource: &str,
        kinds: impl Fn(&AgentRef, ClaimState, ClaimMode) -> bool,
        wanted: impl Fn(&Entry<Claim>) -> bool,
    ) -> BTreeSet<Key> {
        let asked = Pattern::resource(resource);
        let holders: Vec<_> = if asked.literal() {
            self.claimed.covering(resource).collect()
        } else {
            self.claimed.overlapping(&asked).collect()
        };
        let mut found = BTreeMap::<&AgentRef, BTreeSet<(ClaimState, &Key)>>::new();
        for ((agent, state, mode), keys) in holders.into_iter().flatten() {
            if kinds(agent, *state, *mode) {
                let keys = keys
                    .iter()
                    .filter(|key| self.claims.get(*key).is_some_and(&wanted));
                let of = found.entry(agent).or_default();
                of.extend(keys.take(RIVALS).map(|key| (*state, key)));
            }
        }
        let share = (RIVALS / found.len().max(1)).max(1);
        let few = found
            .into_values()
            .flat_map(|of| of.into_iter().take(share));
        few.take(RIVALS).map(|(_, key)| key.clone()).collect()
    }

    /// Of what a task named, so much it still names.
    pub(super) fn named_no_more(&mut self, task: &TaskRef, old: &Task, still: &BTreeSet<TaskRef>) {
        let before = named(&task.endpoint, old);
        for gone in before.difference(still) {
            if let Some(from) = self.named_by.get_mut(gone) {
                from.remove(task);
                if from.is_empty() {
                    self.named_by.remove(gone);
                }
            }
        }
    }

    pub(super) fn no_longer_claimed(&mut self, key: &Key) {
        if let Some(old) = self.claims.get(key) {
            self.claimed.remove(key, old);
        }
    }
}

impl Intake<'_> {
    /// Keeps what a claim covers.
    pub(super) fn claimed(&mut self, key: &Key, entry: Entry<Claim>) {
        self.world.no_longer_claimed(key);
        self.world.claimed.add(key, &entry);
        self.world.claims.insert(key.clone(), entry);
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
        let after = named(&task.endpoint, new);
        if let Some(old) = old {
            self.world.named_no_more(task, old, &after);
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

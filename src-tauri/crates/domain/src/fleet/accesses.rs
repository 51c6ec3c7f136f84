//! What was done to which resource: each access once, found from its resource, its task and its event.
//!
//! Only the latest few of a resource and of a task are kept whole, and those of a task only until a day after it ended;
//! of every access told a hash stays for a while, so that one told again is known again. Judges nothing.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, VecDeque},
    ops::Deref,
    sync::Arc,
};

use chrono::TimeDelta;

use super::{
    slots::Subject,
    take::Intake,
    weight,
    world::{AccessEntry, Entry, Index, World},
};
use crate::{
    caps::ITEMS,
    change::{Change, Record},
    contract::{Access, AccessMode, Claim, ClaimMode, Document},
    ids::{AgentRef, Resource, TaskRef},
    snapshot::{Decoder, Encoder, Save, saved},
    time::Time,
};

/// Accesses and writes kept per resource, and accesses per task.
const KEPT: usize = 64;

/// Tasks whose accesses are kept however long ago they ended.
const ENDED: usize = 4096;

/// Accesses in one generation of those that are known to have been told.
const TOLD: usize = 3 * ITEMS;

/// How long the accesses of a task that has ended are kept: what another endpoint tells late may still bear on them.
const LATE: TimeDelta = TimeDelta::days(1);

/// One access, in order of its own time. All that leads to it shares it.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    /// Its own time, here too: most comparisons need no more.
    at: Time,
    entry: Arc<AccessEntry>,
}

/// Its own time is that of the access.
impl Save for Used {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let Self { at: _, entry } = self;
        entry.write(to);
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let entry: Arc<AccessEntry> = Save::read(from)?;
        let at = entry.seen.at;
        Some(Self { at, entry })
    }
}

impl Used {
    fn new(entry: AccessEntry) -> Self {
        Self {
            at: entry.seen.at,
            entry: Arc::new(entry),
        }
    }

    pub(crate) fn at(&self) -> Time {
        self.at
    }

    /// Was it told of after the other? Of two told at once the later one counts.
    fn newer(&self, other: &Self) -> bool {
        let (one, two) = (self.seen.moment, other.seen.moment);
        let order = one.cmp(&two).then_with(|| self.at.cmp(&other.at));
        order
            .then_with(|| self.value.id.cmp(&other.value.id))
            .is_gt()
    }
}

impl Deref for Used {
    type Target = AccessEntry;

    fn deref(&self) -> &AccessEntry {
        &self.entry
    }
}

impl Ord for Used {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at).then_with(|| {
            let (one, two) = (&self.entry, &other.entry);
            let of = one.seen.agent.endpoint.cmp(&two.seen.agent.endpoint);
            of.then_with(|| one.value.id.cmp(&two.value.id))
        })
    }
}

impl PartialOrd for Used {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Used {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Used {}

/// The latest few, in order of their time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest(VecDeque<Used>);
saved!(Latest(all));

impl Latest {
    fn keep(&mut self, used: Used) {
        if self.0.is_empty() {
            // Most have one.
            self.0.reserve_exact(1);
        }
        if self.0.len() >= KEPT {
            match self.0.front() {
                Some(first) if used < *first => return,
                _ => self.0.pop_front(),
            };
        }
        // Nearly all come in that order.
        match self.0.back() {
            Some(last) if used < *last => {
                let at = self.0.partition_point(|known| *known < used);
                self.0.insert(at, used);
            }
            _ => self.0.push_back(used),
        }
    }

    pub(crate) fn first(&self) -> Option<&Used> {
        self.0.front()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Used> + ExactSizeIterator {
        self.0.iter()
    }
}

/// What was done to one resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// Numbers of the rules in force that cover it.
    pub(crate) covered: Vec<usize>,
    /// Latest accesses of any kind.
    pub(crate) used: Latest,
    /// Tasks that read a version of it, by when; the latest.
    pub(crate) readers: BTreeSet<(Time, TaskRef)>,
    /// Latest writes.
    pub(crate) writes: Latest,
    /// In order of the agents; most resources have one.
    pub(crate) writers: Vec<Writer>,
}
saved! { Touched { covered, used, readers, writes, writers } }

/// What one agent wrote, or took as an event.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) agent: AgentRef,
    pub(crate) first: Used,
    /// The last one told of.
    pub(crate) latest: Used,
}
saved! { Writer { agent, first, latest } }

impl Touched {
    pub(crate) fn writer(&self, agent: &AgentRef) -> Result<usize, usize> {
        self.writers
            .binary_search_by(|known| known.agent.cmp(agent))
    }

    fn written(&mut self, used: &Used) {
        let agent = &used.seen.agent;
        match self.writer(agent) {
            Ok(at) => {
                if let Some(known) = self.writers.get_mut(at) {
                    if *used < known.first {
                        known.first = used.clone();
                    }
                    if used.newer(&known.latest) {
                        known.latest = used.clone();
                    }
                }
            }
            Err(at) => {
                let writer = Writer {
                    agent: agent.clone(),
                    first: used.clone(),
                    latest: used.clone(),
                };
                if self.writers.is_empty() {
                    self.writers.reserve_exact(1);
                }
                self.writers.insert(at, writer);
            }
        }
    }
}

/// What one task did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    /// Latest accesses of any kind.
    pub(crate) used: Latest,
    pub(crate) wrote: BTreeSet<Resource>,
    /// It read a version of something.
    pub(crate) versions: bool,
}
saved! { Uses { used, wrote, versions } }

/// The accesses an endpoint told last, and those it tells still: a hash of each by a hash of its id.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// What the secret is made from, to be made again.
    seeds: [u64; 4],
    secret: ahash::RandomState,
    known: Index<u64, u64>,
    /// What was told before those.
    before: Index<u64, u64>,
}

impl Default for Told {
    fn default() -> Self {
        let chance = ahash::RandomState::new();
        Self::new([0, 1, 2, 3].map(|seed: u64| chance.hash_one(seed)))
    }
}

/// The hashes are of use only where the same is hashed to the same: one of the seeds tells whether it is.
impl Save for Told {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let Self {
            seeds,
            secret,
            known,
            before,
        } = self;
        for number in seeds.iter().chain(&[secret.hash_one(seeds)]) {
            to.raw(&number.to_le_bytes());
        }
        for known in [known, before] {
            let mut known: Vec<_> = known.iter().collect();
            known.sort_unstable();
            to.number(known.len() as u64);
            for (id, whole) in known {
                to.raw(&id.to_le_bytes());
                to.raw(&whole.to_le_bytes());
            }
        }
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let mut number = || from.raw().map(u64::from_le_bytes);
        let seeds = [number()?, number()?, number()?, number()?];
        let mut told = Self::new(seeds);
        if number()? != told.secret.hash_one(seeds) {
            return None;
        }
        for known in [&mut told.known, &mut told.before] {
            let count = from.count()?;
            known.reserve(count.min(from.left() / 16));
            for _ in 0..count {
                let (id, whole) = (from.raw()?, from.raw()?);
                known.insert(u64::from_le_bytes(id), u64::from_le_bytes(whole));
            }
        }
        Some(told)
    }
}

impl Told {
    fn new(seeds: [u64; 4]) -> Self {
        let [a, b, c, d] = seeds;
        Self {
            seeds,
            secret: ahash::RandomState::with_seeds(a, b, c, d),
            known: Index::default(),
            before: Index::default(),
        }
    }

    /// Was an access of that id told, and was it the same?
    pub(crate) fn same(&self, access: &Access) -> Option<bool> {
        let id = self.secret.hash_one(access.id.as_str());
        let told = self.known.get(&id).or_else(|| self.before.get(&id))?;
        Some(*told == self.secret.hash_one(access))
    }

    /// The same, and from now on it was.
    fn tell(&mut self, access: &Access) -> Option<bool> {
        let whole = self.secret.hash_one(access);
        let id = self.secret.hash_one(access.id.as_str());
        if let Some(told) = self.known.get(&id) {
            return Some(*told == whole);
        }
        // Those that are not told again are forgotten, a generation at a time.
        if self.known.len() >= TOLD {
            self.before = std::mem::take(&mut self.known);
        }
        let told = self.before.get(&id).copied();
        self.known.insert(id, told.unwrap_or(whole));
        told.map(|told| told == whole)
    }
}

/// When tasks ended or were first named by an access, in the order told.
pub(crate) type Leaving = VecDeque<(Time, TaskRef)>;

impl World {
    /// Can looking at it be wrong? Where somebody else holds it alone, or makes it.
    fn guarded(&self, resource: &Resource, agent: &AgentRef) -> bool {
        let alone = |claim: &Entry<Claim>| {
            claim.value.mode == ClaimMode::Exclusive && claim.seen.agent != *agent
        };
        self.addresses.contains_key(resource)
            || self
                .claims_covering(resource.as_str(), alone)
                .next()
                .is_some()
    }

    /// Other rules are in force.
    pub(super) fn cover_again(&mut self) {
        let index = &self.books.now.index;
        for (resource, touched) in &mut self.touched {
            touched.covered = index.matching(resource.as_str());
        }
    }

    /// That task need not be looked at for ever.
    pub(crate) fn leaves(&mut self, task: &TaskRef) {
        self.leaving.push_back((self.now, task.clone()));
        while self.leaving.len() > ENDED
            && self
                .leaving
                .front()
                .is_some_and(|(since, _)| *since + LATE < self.now)
            && let Some((_, task)) = self.leaving.pop_front()
        {
            // One that lives comes back here when it ends.
            if !self.tasks.get(&task).is_some_and(|entry| entry.live()) {
                self.used_by.remove(&task);
            }
        }
    }
}

impl Intake<'_> {
    pub(super) fn accesses(&mut self, agent: &AgentRef, document: &Document) {
        let endpoint = &agent.endpoint;
        for item in document.accesses.iter().flatten() {
            let value = &item.value;
            let told = self.world.endpoints.get(endpoint);
            let is_told = told.is_some_and(|endpoint| endpoint.told.same(value).is_some());
            let resource = match self.world.touched.contains_key(&value.resource) {
                true => 0,
                false => weight::resource(&value.resource),
            };
            let weight = resource + weight::accesses(1);
            if !is_told && !self.has_room(endpoint, "accesses", 0, weight) {
                continue;
            }
            let told = self.world.endpoints.get_mut(endpoint);
            match told.and_then(|endpoint| endpoint.told.tell(value)) {
                Some(true) => continue,
                Some(false) => {
                    self.conflict(agent, "accesses", value.id.clone(), item);
                    continue;
                }
                None => {}
            }
            let at = value.at.unwrap_or(self.now).min(self.now);
            let mut entry = self.entry(agent, item, at);
            if let Some(task) = &value.task_id {
                self.touch(endpoint, task, at, &entry.seen.evidence);
            }
            // No rule asks for its bytes.
            let raw = std::mem::replace(&mut entry.seen.raw, self.world.nothing.clone());
            self.changes.push(Change::Access(Record {
                agent: agent.clone(),
                value: value.clone(),
                raw,
                line: self.line,
                at,
            }));
            let used = Used::new(entry);
            if let Some(event) = &value.event_id
                && value.mode == AccessMode::Consume
            {
                let event = (value.resource.clone(), event.clone());
                self.mark(Subject::Event(event.0.clone(), event.1.clone()));
                self.world
                    .events
                    .entry(event)
                    .or_default()
                    .insert(used.clone());
            }
            self.used(used);
        }
    }

    /// Indexes it by task and resource, and names what is to be looked at again.
    fn used(&mut self, used: Used) {
        let resource = &used.value.resource;
        let agent = &used.seen.agent;
        let index = &self.world.books.now.index;
        let touched = self.world.touched.entry(resource.clone());
        let touched = touched.or_insert_with(|| {
            self.world.resources.insert(resource.clone());
            Touched {
                covered: index.matching(resource.as_str()),
                ..Touched::default()
            }
        });
        touched.used.keep(used.clone());
        if used.value.mode == AccessMode::Write {
            let readers = touched.readers.iter();
            let readers = readers.map(|(_, task)| Subject::Reading(task.clone()));
            self.world.dirty.extend(readers);
            touched.writes.keep(used.clone());
        }
        if used.value.mode != AccessMode::Read {
            touched.written(&used);
            let first = self.world.first_writes.get(agent);
            if first.is_none_or(|first| used < *first) {
                self.world.first_writes.insert(agent.clone(), used.clone());
                self.world.dirty.insert(Subject::Agent(agent.clone()));
            }
        }
        if let Some(task) = &used.value.task_id {
            let task = TaskRef {
                endpoint: agent.endpoint.clone(),
                task: task.clone(),
            };
            if used.value.mode == AccessMode::Read && used.value.base_version.is_some() {
                touched.readers.insert((used.seen.at, task.clone()));
                if touched.readers.len() > KEPT {
                    touched.readers.pop_first();
                }
            }
            let of_task = match self.world.used_by.get_mut(&task) {
                Some(known) => known,
                None => {
                    self.world.leaves(&task);
                    self.world.used_by.entry(task.clone()).or_default()
                }
            };
            if used.value.mode == AccessMode::Write {
                of_task.wrote.insert(resource.clone());
            }
            of_task.used.keep(used.clone());
            of_task.versions |=
                used.value.mode == AccessMode::Read && used.value.base_version.is_some();
            if of_task.versions {
                self.mark(Subject::Reading(task));
            }
        }
        // Who only looked bears on no rule but about what must not be looked at.
        if used.value.mode != AccessMode::Read || self.world.guarded(resource, agent) {
            self.mark(Subject::Resource(resource.clone()));
        }
    }
}

//! Episodes: from what a rule says now and what it said before come the findings that open, get worse and clear.
//!
//! Knows nothing of any rule.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    storms::StormKey,
    world::{HEARING, Index, Key, Seen, TaskEntry, World},
};
use crate::{
    few::Few,
    finding::{Evidence, Finding, FindingState, Resolution, Severity},
    ids::{AgentId, AgentRef, DocumentId, EndpointId, EscalationId, Resource, TaskId, TaskRef},
    snapshot::saved,
    time::Time,
};

/// Sets of tasks that one episode remembers to have told of; when there are more, those it tells of now.
const TOLD: usize = 10_000;

/// What rules are judged about. A change of facts names the subjects to look at again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// All reachability at once.
    Reach,
    Review,
    /// Rules and declared needs against each other.
    Overlaps,
    /// All that waits.
    Waits,
    /// All that is said of one key of a document.
    Said(DocumentId, String),
    /// Live tasks that have read some of a document.
    Readers(DocumentId),
    /// One dead letter: endpoint, list, item.
    Item(EndpointId, String, String),
    Pool(String),
    /// What an endpoint answered last.
    Replies(EndpointId),
    Task(TaskRef),
    /// What a task read, and what it wrote after that.
    Reading(TaskRef),
    /// All tasks with one `key`.
    Work(String),
    /// All that was done to one resource.
    Resource(Resource),
    Agent(AgentRef),
    /// All who took one event of a trigger.
    Event(Resource, String),
    /// Two claims on resources that can be one, in order of their keys.
    Claims(Key, Key),
    Handoff(EndpointId, String),
    Storm(StormKey),
    Escalation(EndpointId, EscalationId),
    /// Everyone who joined. Judged last: it looks at what is open.
    Readiness,
}
saved! { enum Subject {
    Reach, Review, Overlaps, Waits, Said(one, two), Readers(one), Item(one, two, three),
    Pool(one), Replies(one), Task(one), Reading(one), Work(one), Resource(one), Agent(one),
    Event(one, two), Claims(one, two), Handoff(one, two), Storm(one), Escalation(one, two),
    Readiness,
} }

/// What must be looked at again. Marking is cheap, as most is marked by a single fact; each is taken once, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dirty(Vec<Subject>);
saved!(Dirty(all));

impl Dirty {
    pub(crate) fn insert(&mut self, subject: Subject) {
        self.0.push(subject);
    }

    pub(crate) fn take(&mut self, due: impl Iterator<Item = Subject>) -> Vec<Subject> {
        let mut subjects = std::mem::take(&mut self.0);
        subjects.extend(due);
        subjects.sort_unstable();
        subjects.dedup();
        subjects
    }
}

impl Extend<Subject> for Dirty {
    fn extend<T: IntoIterator<Item = Subject>>(&mut self, subjects: T) {
        self.0.extend(subjects);
    }
}

/// What a rule says is so now.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) rule: &'static str,
    pub(crate) subject: Arc<str>,
    pub(crate) severity: Severity,
    pub(crate) endpoints: Few<EndpointId>,
    pub(crate) agents: Few<AgentId>,
    pub(crate) tasks: Few<TaskRef>,
    pub(crate) resource: Option<Resource>,
    pub(crate) pool: Option<String>,
    pub(crate) summary: Box<str>,
    pub(crate) evidence: Few<Evidence>,
    pub(crate) resolutions: &'static [(&'static str, &'static str)],
    /// One episode whoever is in it.
    pub(crate) whoever: bool,
    /// It names an owner nobody has heard of yet.
    unheard: bool,
    /// While it is open it says what is so by now, and not what was so when it was found.
    pub(crate) follows: bool,
    /// Nothing new is said while the endpoint of one of its tasks does not answer.
    pub(crate) needs_tasks: bool,
    /// Over already: opens and clears on one line, once.
    pub(crate) past: bool,
    /// Happened: stays open until the person resolves it.
    pub(crate) sticky: bool,
    /// The line that told of the newest of what happened; none where a rule is about what is so.
    pub(crate) act: u64,
}
saved! { Verdict {
    rule, subject, severity, endpoints, agents, tasks, resource, pool, summary, evidence,
    resolutions, whoever, unheard, follows, needs_tasks, past, sticky, act,
} }

impl Verdict {
    pub(crate) fn new(rule: &'static str, subject: impl Into<Arc<str>>) -> Self {
        Self {
            rule,
            subject: subject.into(),
            severity: Severity::Warning,
            endpoints: Few::default(),
            agents: Few::default(),
            tasks: Few::default(),
            resource: None,
            pool: None,
            summary: Box::default(),
            evidence: Few::default(),
            resolutions: &[],
            whoever: false,
            unheard: false,
            follows: false,
            needs_tasks: true,
            past: false,
            sticky: false,
            act: 0,
        }
    }

    pub(crate) fn agent(mut self, agent: &AgentRef) -> Self {
        self.endpoints.insert(agent.endpoint.clone());
        self.agents.insert(agent.agent.clone());
        self
    }

    pub(crate) fn resource(mut self, resource: &Resource) -> Self {
        self.resource = Some(resource.clone());
        self
    }

    /// The owner a broken rule names, heard or not; the person is no agent.
    pub(crate) fn owner(mut self, world: &World, name: &str) -> Self {
        if name == "me" {
            return self;
        }
        match world.agent(name) {
            Some(agent) => self.agent(&agent),
            None => {
                let bare = name.split_once('/').map_or(name, |(_, bare)| bare);
                self.agents.insert(bare.into());
                self.unheard = true;
                self
            }
        }
    }

    /// The task of an access, claim or the like.
    pub(crate) fn of(self, seen: &Seen, task: Option<&TaskId>) -> Self {
        let endpoint = seen.agent.endpoint.clone();
        let this = self.seen(seen);
        match task.cloned() {
            Some(task) => this.task(&TaskRef { endpoint, task }),
            None => this,
        }
    }

    pub(crate) fn follows(mut self) -> Self {
        self.follows = true;
        self
    }

    pub(crate) fn past(mut self, past: bool) -> Self {
        self.past = past;
        self
    }

    /// It happened, and that line told of it; only the person ends it.
    pub(crate) fn happened(mut self, line: u64) -> Self {
        self.sticky = true;
        self.act = line;
        self
    }

    /// A task as evidence.
    pub(crate) fn of_task(self, task: &TaskRef, entry: &TaskEntry) -> Self {
        self.seen(&entry.seen).task(task)
    }

    /// A record as evidence, with who reported it.
    pub(crate) fn seen(mut self, seen: &Seen) -> Self {
        self.evidence.insert(seen.evidence.clone());
        self.agent(&seen.agent)
    }

    pub(crate) fn evidence(mut self, evidence: &Evidence) -> Self {
        self.evidence.insert(evidence.clone());
        self
    }

    pub(crate) fn task(mut self, task: &TaskRef) -> Self {
        self.tasks.insert(task.clone());
        self
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(crate) fn says(mut self, summary: impl Into<Box<str>>) -> Self {
        self.summary = summary.into();
        self
    }

    pub(crate) fn offers(mut self, resolutions: &'static [(&'static str, &'static str)]) -> Self {
        self.resolutions = resolutions;
        self
    }

    fn episode(&self) -> String {
        let mut key = format!("{}\u{1f}{}", self.rule, self.subject);
        if !self.whoever {
            for agent in &self.agents {
                key.push_str(&format!("\u{1f}{agent}"));
            }
            for endpoint in &self.endpoints {
                key.push_str(&format!("\u{1e}{endpoint}"));
            }
        }
        key
    }

    /// Tells its episode from all others of one subject.
    fn key(&self) -> u128 {
        key_of(&self.episode())
    }

    fn finding(&self, at: Time) -> Finding {
        debug_assert!(
            self.resolutions
                .iter()
                .all(|(id, _)| crate::remedy::is_offered(self.rule, id)),
            "{} offers what is not listed",
            self.rule
        );
        Finding {
            at,
            rule: self.rule.to_owned(),
            severity: self.severity,
            endpoints: self.endpoints.iter().cloned().collect(),
            agents: self.agents.iter().cloned().collect(),
            tasks: self.tasks.iter().map(ToString::to_string).collect(),
            resource: self.resource.as_ref().map(ToString::to_string),
            pool: self.pool.clone(),
            summary: self.summary.to_string(),
            evidence: self.evidence.iter().cloned().collect(),
            resolutions: self
                .resolutions
                .iter()
                .map(|(id, label)| Resolution {
                    id: (*id).to_owned(),
                    label: (*label).to_owned(),
                })
                .collect(),
            state: FindingState::Open,
            episode: self.episode(),
            subject: self.subject.to_string(),
        }
    }
}

/// What the rules answer about one subject.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) verdicts: Vec<Verdict>,
    due: Option<Time>,
    awaits: BTreeSet<EndpointId>,
    frozen: BTreeSet<&'static str>,
}

impl Said {
    pub(crate) fn push(&mut self, verdict: Verdict) {
        self.verdicts.push(verdict);
    }

    /// Look again then.
    pub(crate) fn due(&mut self, at: Time) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Look again when that endpoint has answered.
    pub(crate) fn await_answer(&mut self, endpoint: &EndpointId) {
        self.awaits.insert(endpoint.clone());
    }

    /// Nothing is said of what an endpoint had not done by `t` before it has answered at or after `t`, for at most a
    /// minute in which the machine is awake: asleep nobody is asked, and the first to be asked afterwards must not
    /// speak for the rest. True: say it now.
    pub(crate) fn heard_since(&mut self, world: &World, endpoint: &EndpointId, t: Time) -> bool {
        let answered = world.endpoints.get(endpoint).and_then(|e| e.answered);
        let mut latest = t + HEARING;
        let later = world.sleeps.partition_point(|(_, woke)| *woke <= t);
        for (slept, woke) in world.sleeps.iter().skip(later) {
            let slept = (*slept).max(t);
            if slept < latest {
                latest += woke.signed_duration_since(slept);
            }
        }
        if answered.is_some_and(|at| at >= t) || world.now >= latest {
            return true;
        }
        self.await_answer(endpoint);
        self.due(latest);
        false
    }

    /// The rule says nothing new: what is open stays open.
    pub(crate) fn freeze(&mut self, rule: &'static str) {
        self.frozen.insert(rule);
    }
}

#[derive(Clone, Debug)]
struct Episode {
    /// As it was told last.
    verdict: Verdict,
    /// What it says since, of a verdict that follows.
    says: Option<Box<str>>,
    /// The person settled it on that line; it stays silent until its condition ends, or until it is done again.
    muted: Option<u64>,
    /// Opened and cleared at once.
    past: bool,
    /// Prints of the sets of tasks it was told of.
    told: Few<u128>,
}
saved! { Episode { verdict, says, muted, past, told } }

#[derive(Clone, Debug, Default)]
struct Slot {
    /// By their keys. Most have one.
    episodes: Vec<(u128, Box<Episode>)>,
    due: Option<Time>,
    awaits: BTreeSet<EndpointId>,
}
saved! { Slot { episodes, due, awaits } }

impl Slot {
    fn place(&self, key: u128) -> Result<usize, usize> {
        self.episodes.binary_search_by_key(&key, |(key, _)| *key)
    }

    fn episode(&mut self, key: u128) -> Option<&mut Episode> {
        let at = self.place(key).ok()?;
        self.episodes.get_mut(at).map(|(_, episode)| &mut **episode)
    }

    fn remove(&mut self, key: u128) -> Option<Box<Episode>> {
        let at = self.place(key).ok()?;
        Some(self.episodes.remove(at).1)
    }

    fn insert(&mut self, key: u128, episode: Episode) {
        if let Err(at) = self.place(key) {
            if self.episodes.len() < 4 {
                self.episodes.reserve_exact(1);
            }
            self.episodes.insert(at, (key, Box::new(episode)));
        }
    }

    /// What began before an owner it names was heard of is no other episode for that.
    fn join(&self, verdicts: &mut [Verdict]) {
        let known = self.episodes.iter().map(|(_, episode)| &episode.verdict);
        let unheard: Vec<_> = known.filter(|known| known.unheard).collect();
        for verdict in verdicts {
            let began = unheard.iter().find(|known| {
                known.rule == verdict.rule
                    && known.subject == verdict.subject
                    && known.agents == verdict.agents
                    && known.endpoints.is_part_of(&verdict.endpoints)
            });
            if let Some(began) = began
                && self.place(verdict.key()).is_err()
            {
                verdict.endpoints = began.endpoints.clone();
                verdict.unheard = true;
            }
        }
    }
}

/// All episodes, by subject.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    slots: Index<Subject, Slot>,
    due: BTreeSet<(Time, Subject)>,
    awaiting: BTreeSet<(EndpointId, Subject)>,
    restated: Vec<Finding>,
}
saved! { Slots { slots, due, awaiting, restated } }

impl Slots {
    /// What is open and says something else than before, since this was asked last. Nothing new was found.
    pub(crate) fn restated(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.restated)
    }

    /// Something is open about it, or it is to be looked at again.
    pub(crate) fn speaks_of(&self, subject: &Subject) -> bool {
        self.slots.contains_key(subject)
    }

    /// Subjects whose time has come.
    pub(crate) fn due(&self, now: Time) -> impl Iterator<Item = Subject> {
        let due = self.due.iter().take_while(move |(at, _)| *at <= now);
        due.map(|(_, subject)| subject.clone())
    }

    pub(crate) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|(at, _)| *at)
    }

    pub(crate) fn awaits(&self, endpoint: &EndpointId) -> bool {
        self.waiting_for(endpoint).next().is_some()
    }

    /// Subjects with a verdict that waits for an answer of that endpoint.
    pub(crate) fn waiting_for(&self, endpoint: &EndpointId) -> impl Iterator<Item = Subject> {
        let from = (endpoint.clone(), Subject::Reach);
        let endpoint = endpoint.clone();
        self.awaiting
            .range(from..)
            .take_while(move |(e, _)| *e == endpoint)
            .map(|(_, subject)| subject.clone())
    }

    /// Takes what the rules say about one subject now.
    pub(crate) fn settle(
        &mut self,
        world: &World,
        subject: &Subject,
        mut said: Said,
        out: &mut Vec<Finding>,
    ) {
        let now = world.now;
        let due = said.due.map(|due| due.max(now));
        let silent = said.verdicts.is_empty();
        let same = match self.slots.get(subject) {
            None => due.is_none() && said.awaits.is_empty(),
            Some(slot) => slot.episodes.is_empty() && slot.due == due && slot.awaits == said.awaits,
        };
        if silent && same {
            return;
        }
        let mut slot = self.slots.remove(subject).unwrap_or_default();
        if let Some(due) = slot.due.take() {
            self.due.remove(&(due, subject.clone()));
        }
        for endpoint in std::mem::take(&mut slot.awaits) {
            self.awaiting.remove(&(endpoint, subject.clone()));
        }

        slot.join(&mut said.verdicts);
        // While one of several holds, what is over is more evidence of the same.
        let held = said.verdicts.iter().filter(|verdict| !verdict.past);
        let held: BTreeSet<_> = held.map(Verdict::key).collect();
        let mut tasks: BTreeMap<u128, Few<u128>> = BTreeMap::new();
        for verdict in &said.verdicts {
            let of = tasks.entry(verdict.key()).or_default();
            of.insert(print(&verdict.tasks));
        }
        for (key, tasks) in &tasks {
            if let Some(known) = slot.episode(*key).filter(|known| !known.past) {
                if known.told.len() > TOLD {
                    known.told = Few::default();
                }
                known.told.extend(tasks.iter().copied());
            }
        }
        let over = |verdict: &Verdict| verdict.past && held.contains(&verdict.key());
        said.verdicts.retain(|verdict| !over(verdict));
        let mut holds = BTreeSet::new();
        for verdict in said.verdicts {
            if let Some(until) = world.put_off(&verdict) {
                said.due = Some(said.due.map_or(until, |due| due.min(until)));
                continue;
            }
            let key = verdict.key();
            // What was over and holds again is a new episode.
            let again = |known: &mut Episode| {
                known.past && (!verdict.past || !known.told.has(&print(&verdict.tasks)))
                    || known.muted.is_some_and(|line| verdict.act > line)
            };
            let before = if slot.episode(key).is_some_and(again) {
                slot.remove(key)
            } else {
                None
            };
            if let Some(known) = slot.episode(key) {
                if verdict.past && !known.past {
                    known.past = true;
                    if known.muted.is_none() {
                        out.push(cleared(&known.verdict, now));
                    }
                }
                if known.muted.is_none() && !known.past {
                    let says = known.says.as_ref().unwrap_or(&known.verdict.summary);
                    if verdict.severity > known.verdict.severity {
                        out.push(verdict.finding(now));
                        known.says = None;
                        known.verdict = verdict;
                    } else if verdict.follows && verdict.summary != *says {
                        // How bad it is stays as it was told.
                        self.restated.push(Finding {
                            severity: known.verdict.severity,
                            ..verdict.finding(now)
                        });
                        known.says = Some(verdict.summary);
                    }
                }
                holds.insert(key);
                continue;
            }
            let away = verdict
                .tasks
                .iter()
                .find(|task| verdict.needs_tasks && world.down(&task.endpoint));
            if let Some(task) = away {
                said.awaits.insert(task.endpoint.clone());
                continue;
            }
            out.push(verdict.finding(now));
            if verdict.past {
                out.push(cleared(&verdict, now));
            }
            let past = verdict.past;
            let mut told = tasks.remove(&key).unwrap_or_default();
            told.extend(before.into_iter().flat_map(|known| known.told));
            let episode = Episode {
                verdict,
                says: None,
                muted: None,
                past,
                told,
            };
            slot.insert(key, episode);
            holds.insert(key);
        }
        slot.episodes.retain(|(key, episode)| {
            let stays = holds.contains(key)
                || episode.verdict.sticky
                || said.frozen.contains(episode.verdict.rule);
            if !stays && episode.muted.is_none() && !episode.past {
                out.push(cleared(&episode.verdict, now));
            }
            stays
        });

        slot.due = said.due.map(|due| due.max(now));
        slot.awaits = said.awaits;
        if let Some(due) = slot.due {
            self.due.insert((due, subject.clone()));
        }
        for endpoint in &slot.awaits {
            self.awaiting.insert((endpoint.clone(), subject.clone()));
        }
        if !slot.episodes.is_empty() || slot.due.is_some() || !slot.awaits.is_empty() {
            self.slots.insert(subject.clone(), slot);
        }
    }

    /// Subjects with a finding a person would call that.
    pub(crate) fn named(&self, rule: Option<&str>, name: Option<&str>) -> Vec<Subject> {
        let fits = |slot: &Slot| {
            slot.episodes.iter().any(|(_, episode)| {
                rule.is_none_or(|rule| episode.verdict.rule == rule)
                    && name.is_none_or(|name| names(&episode.verdict, name))
            })
        };
        let found = self.slots.iter().filter(|(_, slot)| fits(slot));
        found.map(|(subject, _)| subject.clone()).collect()
    }

    /// The person settled findings of a rule: of the one that a name fits, or all.
    pub(crate) fn resolve(
        &mut self,
        now: Time,
        line: u64,
        rule: &str,
        name: Option<&str>,
        out: &mut Vec<Finding>,
    ) {
        let mut slots: Vec<_> = self.slots.iter_mut().collect();
        slots.sort_unstable_by_key(|(subject, _)| *subject);
        let episodes = slots.into_iter().flat_map(|(_, s)| s.episodes.iter_mut());
        for (_, episode) in episodes {
            let verdict = &episode.verdict;
            let open = episode.muted.is_none() && !episode.past;
            if open && verdict.rule == rule && name.is_none_or(|name| names(verdict, name)) {
                episode.muted = Some(line);
                out.push(cleared(verdict, now));
            }
        }
    }
}

/// Tells one episode from another, however long the names in it.
pub(crate) fn key_of(episode: &str) -> u128 {
    let digest = Sha256::digest(episode);
    u128::from_le_bytes(digest.first_chunk().copied().unwrap_or_default())
}

/// Tells one set of tasks from another, however long their names.
fn print(tasks: &[TaskRef]) -> u128 {
    let mut digest = Sha256::new();
    for task in tasks {
        for name in [task.endpoint.as_str(), task.task.as_str()] {
            digest.update((name.len() as u64).to_le_bytes());
            digest.update(name.as_bytes());
        }
    }
    let digest = digest.finalize();
    u128::from_le_bytes(digest.first_chunk().copied().unwrap_or_default())
}

/// Is that what a person would call it?
pub(crate) fn names(verdict: &Verdict, name: &str) -> bool {
    &*verdict.subject == name
        || verdict.subject.rsplit('/').next() == Some(name)
        || verdict.resource.as_ref().map(Resource::as_str) == Some(name)
        || verdict.pool.as_deref() == Some(name)
        || verdict
            .tasks
            .iter()
            .any(|t| t.to_string() == name || t.task.as_str() == name)
        || verdict.endpoints.iter().any(|e| e.as_str() == name)
        || verdict.agents.iter().any(|a| a.as_str() == name)
}

fn cleared(verdict: &Verdict, now: Time) -> Finding {
    Finding {
        state: FindingState::Cleared,
        ..verdict.finding(now)
    }
}

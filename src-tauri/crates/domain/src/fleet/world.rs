//! What the rules look at: the latest of everything, indexed by what a rule asks for, and nothing a rule does not ask.
//!
//! Filled by `take.rs`. Rules read it and never write it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{NaiveDate, TimeDelta};

use super::{
    accesses::{Leaving, Told, Touched, Used, Uses},
    references::Claimed,
    room::Open,
    rulebook::Books,
    schemas::Schemas,
    slots::{Dirty, Verdict, names},
    standing::{Day, Joining, Standing},
    starts::Daily,
    storms::{Storm, StormKey, Successes},
    ticking::Tick,
    weight::Weight,
};
use crate::{
    change::EscalationPhase,
    contract::{
        Access, AgentCard, Artifact, Claim, ContextEntry, Escalation, Handoff, LeftOut, Needs,
        Problem, QuotaWindow, Schedule, Task, TaskState,
    },
    fact::{Config, PollError, PollErrorKind},
    finding::Evidence,
    ids::{AgentId, AgentRef, DocumentId, EndpointId, EscalationId, Resource, TaskId, TaskRef},
    ownership::{Ownership, Pins, pattern},
    settings::Settings,
    snapshot::saved,
    time::Time,
};

/// Where a record comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// Who reported it.
    pub(crate) agent: AgentRef,
    /// Its own time, never later than its line.
    pub(crate) at: Time,
    /// Line and pointer.
    pub(crate) evidence: Evidence,
    /// The first line of the time it was told: the pieces of one poll are told at once.
    pub(crate) moment: u64,
    /// Its exact JSON.
    pub(crate) raw: Arc<str>,
}
saved! { Seen { agent, at, evidence, moment, raw } }

/// One endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndpointState {
    /// Time of the last good answer.
    pub(crate) answered: Option<Time>,
    /// Time of the last reply of any kind: the network was up then.
    pub(crate) contact: Option<Time>,
    /// Agents heard on it, with the line each was heard on first.
    pub(crate) agents: BTreeMap<AgentId, Evidence>,
    /// Errors in a row.
    pub(crate) run: ErrorRun,
    /// The last answer if it was no good one.
    pub(crate) failed: Option<(Time, PollError, Evidence)>,
    /// Times without a good answer; the last one is open while `down`.
    pub(crate) outages: Vec<(Time, Option<Time>)>,
    /// How well it was reached, by day.
    pub(crate) days: BTreeMap<NaiveDate, Day>,
    /// Polled again since, after a pause of the person.
    pub(crate) resumed: Option<Time>,
    /// The person stopped polling it.
    pub(crate) paused: bool,
    /// Which accesses it told already.
    pub(crate) told: Told,
    /// Ids of the pages of a snapshot that is not complete yet, per list.
    pub(crate) pages: BTreeMap<&'static str, BTreeSet<String>>,
    /// What was left out of them.
    pub(crate) left_out: LeftOut,
    /// What is open, as it was counted last and what came since.
    pub(crate) open: Open,
    /// How much is kept of it.
    pub(super) weight: Weight,
    /// Lists of which a dead letter says that there is no room for more; true: for more dead letters.
    pub(crate) full: BTreeSet<(&'static str, bool)>,
}
saved! { EndpointState {
    answered, contact, agents, run, failed, outages, days, resumed, paused, told, pages, left_out,
    open, weight, full,
} }

impl EndpointState {
    pub(crate) fn down(&self) -> bool {
        matches!(self.outages.last(), Some((_, None)))
    }
}

/// How long a verdict waits for what another endpoint has not said yet (ruling "Not yet heard is not yet decided").
pub(crate) const HEARING: TimeDelta = TimeDelta::seconds(60);

/// Errors in a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorRun {
    pub(crate) count: u32,
    pub(crate) first: Option<Time>,
    pub(crate) evidence: Vec<Evidence>,
    /// All of them connect or timeout.
    pub(crate) silent: bool,
    pub(crate) verdict: Option<RunVerdict>,
    /// Long enough since.
    pub(crate) long: Option<Time>,
}
saved! { ErrorRun { count, first, evidence, silent, verdict, long } }

impl ErrorRun {
    /// Nothing but silence.
    pub(crate) fn silent(&self) -> bool {
        self.count > 0 && self.silent
    }

    pub(crate) fn add(&mut self, at: Time, evidence: Evidence, kind: PollErrorKind) {
        let silent = matches!(kind, PollErrorKind::Connect | PollErrorKind::Timeout);
        self.silent = silent && (self.silent || self.count == 0);
        self.count += 1;
        self.first.get_or_insert(at);
        if self.verdict == Some(RunVerdict::Refuted) {
            self.verdict = None;
        }
        // The first few show it; a week of errors need not be kept.
        if self.evidence.len() < 10 {
            self.evidence.push(evidence);
        }
    }
}

/// What a run of errors was found to mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunVerdict {
    Stale,
    Offline,
    /// Another endpoint answered after that: the next error of its own says what it means now.
    Refuted,
}
saved! { enum RunVerdict { Stale, Offline, Refuted } }

/// One agent.
#[derive(Clone, Debug)]
pub(crate) struct AgentState {
    pub(crate) card: AgentCard,
    pub(crate) needs: Option<(Needs, Evidence)>,
    /// What it declared to write or start on, each with the line it counts from; the latest few.
    pub(crate) declared: Vec<(u64, pattern::Index, Evidence)>,
    pub(crate) first_heard: Time,
    /// Has told of more than limits.
    pub(crate) works: bool,
}
saved! { AgentState { card, needs, declared, first_heard, works } }

impl AgentState {
    /// What it had declared when a line was told.
    pub(crate) fn declared_at(&self, line: u64) -> Option<(&pattern::Index, &Evidence)> {
        let mut latest = self.declared.iter().rev();
        let found = latest.find(|(from, ..)| *from <= line);
        found.map(|(_, written, evidence)| (written, evidence))
    }
}

/// One task.
#[derive(Clone, Debug)]
pub(crate) struct TaskEntry {
    pub(crate) seen: Seen,
    pub(crate) value: Task,
    /// In its state since.
    pub(crate) since: Time,
    /// Last state change, changed progress, access or artifact, and what shows it.
    pub(crate) mark: (Time, Evidence),
    /// Left `submitted` at, by its own account.
    pub(crate) left: Option<(Time, Evidence, TaskState)>,
    /// By the line of that time.
    pub(crate) left_told: Time,
    /// First completed, in whichever attempt.
    pub(crate) completed: Option<Completion>,
    /// Began to be live, as far as is known: in its first state since.
    pub(crate) born: Time,
    /// Went back to `submitted` in one attempt: what shows it.
    pub(crate) restarted: Option<(Evidence, Evidence)>,
    /// Waits for what it waits for since the line that said so.
    pub(crate) waits_since: Time,
    /// Has read that far since the line that said so.
    pub(crate) read_since: Time,
    /// First terminal state.
    pub(crate) ended: Option<(Time, Evidence)>,
    /// When anything about it last changed.
    pub(crate) changed: Time,
    /// Began by its own account, never later than the line that said so.
    pub(crate) started: Option<Time>,
    /// Not its first run: what it says of its start may be of an earlier one.
    pub(crate) again: bool,
    /// Waits for a person since.
    pub(crate) asks_since: Option<Time>,
    /// Time spent waiting for a person, closed stretches only.
    pub(crate) waited_for_person: Vec<(Time, Time)>,
}
saved! { TaskEntry {
    seen, value, since, mark, left, left_told, completed, born, restarted, waits_since,
    read_since, ended, changed, started, again, asks_since, waited_for_person,
} }

/// When a task was completed.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    pub(crate) at: Time,
    /// By the line of that time.
    pub(crate) told: Time,
}
saved! { Completion { at, told } }

impl TaskEntry {
    pub(crate) fn live(&self) -> bool {
        self.value.status.state.is_live()
    }

    /// From `startedAt` or the first state after `submitted`, to the first terminal one; open while it lives.
    pub(crate) fn lives(&self) -> Option<(Time, Option<Time>)> {
        let left = self.left.as_ref().map(|(at, ..)| *at);
        let start = self.started.or(left)?;
        Some((start, self.over()))
    }

    /// Live since: a task first heard of late may have begun before.
    pub(crate) fn live_from(&self) -> Time {
        let started = self.started.filter(|_| !self.again);
        started.map_or(self.born, |started| started.min(self.born))
    }

    /// When it ended, or was lost sight of.
    pub(crate) fn over(&self) -> Option<Time> {
        let lost = self.value.status.state == TaskState::Unknown;
        let ended = self.ended.as_ref().map(|(at, _)| *at);
        ended.or(lost.then_some(self.since))
    }

    /// Does it wait for a person, by state or word?
    pub(crate) fn waits_for_person(&self) -> bool {
        waits_for_person(&self.value)
    }
}

pub(crate) fn waits_for_person(task: &Task) -> bool {
    use crate::contract::WaitKind;
    matches!(
        task.status.state,
        TaskState::InputRequired | TaskState::AuthRequired
    ) || task
        .waiting_for
        .as_ref()
        .is_some_and(|w| w.kind == WaitKind::Human)
}

/// A record of any list that a rule only needs as it came.
#[derive(Clone, Debug)]
pub(crate) struct Entry<T> {
    pub(crate) seen: Seen,
    pub(crate) value: T,
}
saved! { Entry<T> { seen, value } }

/// One access, as its document holds it.
pub(crate) type AccessEntry = Entry<Arc<Access>>;

/// One escalation, without what may be a large tree.
#[derive(Clone, Debug)]
pub(crate) struct EscalationEntry {
    pub(crate) seen: Seen,
    pub(crate) value: Escalation,
    pub(crate) created: Time,
    pub(crate) due: Time,
    pub(crate) fallback: String,
    pub(crate) phase: EscalationPhase,
}
saved! { EscalationEntry { seen, value, created, due, fallback, phase } }

/// An item that could not be used.
#[derive(Clone, Debug)]
pub(crate) struct Dead {
    pub(crate) seen: Seen,
    pub(crate) problems: Vec<Problem>,
}
saved! { Dead { seen, problems } }

/// One pool: who uses it, and the samples of each of its windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolState {
    /// When there was news of it last, by our clock.
    pub(crate) heard: Time,
    /// Newest report, and whether it was a refusal without any number.
    pub(crate) newest: Option<(Seen, bool)>,
    /// Latest report of each agent.
    pub(crate) reporters: BTreeMap<AgentRef, Seen>,
    /// When it is used from, and when nothing was left.
    pub(crate) daily: Daily,
    /// By name, in order of observation.
    pub(crate) windows: BTreeMap<String, Vec<Sample>>,
}
saved! { PoolState { heard, newest, reporters, daily, windows } }

/// The numbers of one window at one time.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) seen: Seen,
    /// Who told the same after that.
    pub(crate) also: BTreeSet<AgentRef>,
    pub(crate) window: QuotaWindow,
    /// It came with a raw 429.
    pub(crate) refused: bool,
}
saved! { Sample { seen, also, window, refused } }

/// A finding the person wants to hear of later.
#[derive(Clone, Debug)]
pub(crate) struct PutOff {
    pub(crate) rule: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) until: Time,
}
saved! { PutOff { rule, name, until } }

/// What is only asked for by its key: as nothing stands in any order in it, nobody may go through it where that shows.
/// The hash has a secret, as the keys are strangers' words.
pub(crate) type Index<K, V> = HashMap<K, V, ahash::RandomState>;

/// An id within an endpoint.
pub(crate) type Key<T = String> = (EndpointId, T);

/// Everything.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) rules: Ownership,
    /// The line and place that tell when they were reviewed last, or that nothing does.
    pub(crate) reviewed: (u64, &'static str),
    /// The same by time, ready to be asked for a resource.
    pub(crate) books: Books,
    pub(crate) schemas: Schemas,
    /// Stages and agents an artifact was handed to.
    pub(crate) handed_to: BTreeMap<Key, BTreeSet<String>>,
    pub(crate) settings: Settings,
    pub(crate) now: Time,
    /// The first line of that time.
    pub(crate) moment: u64,
    /// Time of the first line.
    pub(crate) began: Option<Time>,
    pub(crate) endpoints: Index<EndpointId, EndpointState>,
    pub(crate) agents: Index<AgentRef, AgentState>,
    /// The endpoint heard first for a bare agent id.
    pub(crate) first_endpoint: Index<AgentId, EndpointId>,
    /// Whom the rules mean by a bare agent id.
    pub(crate) pins: Pins,
    pub(crate) tasks: Index<TaskRef, Box<TaskEntry>>,
    /// The latest sign of work of a task that is not known yet.
    pub(crate) early: BTreeMap<TaskRef, (Time, Evidence)>,
    /// Working tasks of which nothing but their time was told anew, until an answer shows it standing still.
    pub(crate) ticking: BTreeMap<TaskRef, Tick>,
    /// Places in lines that were pointed to, by the place in the document.
    pub(crate) places: Index<Box<str>, Arc<str>>,
    /// What stands for the bytes of a record that nobody asks for.
    pub(crate) nothing: Arc<str>,
    pub(crate) claims: BTreeMap<Key, Entry<Claim>>,
    pub(crate) claimed: Claimed,
    pub(crate) claims_of: BTreeMap<TaskRef, BTreeSet<Key>>,
    /// Live tasks of an agent.
    pub(crate) live_of: BTreeMap<AgentRef, BTreeSet<TaskRef>>,
    /// When that last changed.
    pub(crate) live_since: BTreeMap<AgentRef, Time>,
    /// Live tasks that wait for something.
    pub(crate) waiting: BTreeSet<TaskRef>,
    pub(crate) handoffs: BTreeMap<Key, Entry<Handoff>>,
    /// Dead letters by endpoint, list and item.
    pub(crate) dead: BTreeMap<(EndpointId, String, String), Dead>,
    pub(crate) pools: BTreeMap<String, PoolState>,
    /// By document and number.
    pub(crate) context: BTreeMap<(DocumentId, u64), Vec<Entry<ContextEntry>>>,
    /// Numbers of entries about one key of a document.
    pub(crate) said_about: BTreeMap<(DocumentId, String), BTreeSet<u64>>,
    /// Entries another took the place of.
    pub(crate) superseded: BTreeSet<(DocumentId, u64)>,
    /// Live tasks that have read some of a document.
    pub(crate) readers: BTreeMap<DocumentId, BTreeSet<TaskRef>>,
    pub(crate) schedules: BTreeMap<Key, Entry<Schedule>>,
    /// What fails again and again.
    pub(crate) storms: BTreeMap<StormKey, Storm>,
    /// When an agent did something well.
    pub(crate) successes: BTreeMap<AgentRef, Successes>,
    /// What was done to a resource.
    pub(crate) touched: Index<Resource, Touched>,
    /// Their names, in order.
    pub(crate) resources: BTreeSet<Resource>,
    /// The first write of an agent.
    pub(crate) first_writes: Index<AgentRef, Used>,
    pub(crate) used_by: Index<TaskRef, Uses>,
    pub(crate) leaving: Leaving,
    /// Who took an event of a trigger.
    pub(crate) events: BTreeMap<(Resource, String), BTreeSet<Used>>,
    /// Claims of other agents on what can be the same.
    pub(crate) rivals: BTreeMap<Key, BTreeSet<Key>>,
    /// Tasks by the identity of their work.
    pub(crate) work: BTreeMap<String, BTreeSet<TaskRef>>,
    /// Handoffs of a task.
    pub(crate) handoffs_of: BTreeMap<TaskRef, BTreeSet<String>>,
    /// Tasks that name a task, known or not.
    pub(crate) named_by: BTreeMap<TaskRef, BTreeSet<TaskRef>>,
    pub(crate) artifacts: BTreeMap<Key, Entry<Artifact>>,
    /// Artifacts by the address they can be read at.
    pub(crate) addresses: BTreeMap<Resource, BTreeSet<Key>>,
    pub(crate) addresses_of: BTreeMap<TaskRef, BTreeSet<Resource>>,
    pub(crate) escalations: BTreeMap<Key<EscalationId>, EscalationEntry>,
    /// Decisions about what is not known yet, by when.
    pub(crate) answers: BTreeMap<Key<EscalationId>, Time>,
    /// First and last line of each day.
    pub(crate) days: BTreeMap<NaiveDate, (Time, Time)>,
    pub(crate) standing: BTreeMap<AgentRef, Standing>,
    /// Agents the person said will join.
    pub(crate) joining: BTreeMap<AgentId, Joining>,
    /// Agents the person added although the one before was not ready.
    pub(crate) overrides: BTreeSet<AgentId>,
    /// Agents that joined when the one before was ready.
    pub(crate) proven: BTreeSet<AgentId>,
    /// Times the machine slept.
    pub(crate) sleeps: Vec<(Time, Time)>,
    /// "Not now" and "more time": rule, name, until when.
    pub(crate) put_off: Vec<PutOff>,
    pub(crate) dirty: Dirty,
}
saved! { World {
    rules, reviewed, books, schemas, handed_to, settings, now, moment, began, endpoints, agents,
    first_endpoint, pins, tasks, early, ticking, places, nothing, claims, claimed, claims_of, live_of,
    live_since, waiting, handoffs, dead, pools, context, said_about, superseded, readers,
    schedules, storms, successes, touched, resources, first_writes, used_by, leaving, events,
    rivals, work, handoffs_of, named_by, artifacts, addresses, addresses_of, escalations, answers,
    days, standing, joining, overrides, proven, sleeps, put_off, dirty,
} }

impl World {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            reviewed: match config.ownership.reviewed_at {
                Some(_) => (1, "/config/ownership/reviewed_at"),
                None => (1, "/config"),
            },
            books: Books::new(&config.ownership),
            rules: config.ownership,
            schemas: Schemas::new(&config.schemas),
            handed_to: BTreeMap::new(),
            settings: config.settings,
            now: Time::UNIX_EPOCH,
            moment: 0,
            began: None,
            endpoints: Index::default(),
            agents: Index::default(),
            first_endpoint: Index::default(),
            pins: Pins::new(),
            tasks: Index::default(),
            early: BTreeMap::new(),
            ticking: BTreeMap::new(),
            places: Index::default(),
            nothing: Arc::default(),
            claims: BTreeMap::new(),
            claimed: Claimed::default(),
            claims_of: BTreeMap::new(),
            live_of: BTreeMap::new(),
            live_since: BTreeMap::new(),
            waiting: BTreeSet::new(),
            handoffs: BTreeMap::new(),
            handoffs_of: BTreeMap::new(),
            events: BTreeMap::new(),
            dead: BTreeMap::new(),
            pools: BTreeMap::new(),
            context: BTreeMap::new(),
            said_about: BTreeMap::new(),
            superseded: BTreeSet::new(),
            readers: BTreeMap::new(),
            schedules: BTreeMap::new(),
            storms: BTreeMap::new(),
            successes: BTreeMap::new(),
            touched: Index::default(),
            resources: BTreeSet::new(),
            first_writes: Index::default(),
            used_by: Index::default(),
            leaving: Leaving::new(),
            rivals: BTreeMap::new(),
            work: BTreeMap::new(),
            named_by: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            addresses: BTreeMap::new(),
            addresses_of: BTreeMap::new(),
            escalations: BTreeMap::new(),
            answers: BTreeMap::new(),
            days: BTreeMap::new(),
            standing: BTreeMap::new(),
            joining: BTreeMap::new(),
            overrides: BTreeSet::new(),
            proven: BTreeSet::new(),
            sleeps: vec![],
            put_off: vec![],
            dirty: Dirty::default(),
        }
    }

    /// Is it no agent at work, but only where limits are read?
    pub(crate) fn only_reports_limits(&self, agent: &AgentRef) -> bool {
        self.agents
            .get(agent)
            .is_some_and(|state| state.card.limits_only)
    }

    /// Agents in an order of their own.
    pub(crate) fn agents_in_order(&self) -> Vec<(&AgentRef, &AgentState)> {
        let mut all: Vec<_> = self.agents.iter().collect();
        all.sort_by_key(|(agent, _)| *agent);
        all
    }

    /// Until when the person put this off.
    pub(crate) fn put_off(&self, verdict: &Verdict) -> Option<Time> {
        let fits = |p: &&PutOff| {
            self.now < p.until
                && p.rule.as_deref().is_none_or(|rule| rule == verdict.rule)
                && p.name.as_deref().is_none_or(|name| names(verdict, name))
        };
        self.put_off.iter().filter(fits).map(|p| p.until).max()
    }

    /// Is it known and not answering?
    pub(crate) fn down(&self, endpoint: &EndpointId) -> bool {
        self.endpoints
            .get(endpoint)
            .is_some_and(EndpointState::down)
    }

    /// A task by reference (ruling "References"): the own endpoint's id, else `endpoint/task`.
    pub(crate) fn resolve(&self, endpoint: &EndpointId, reference: &str) -> Option<TaskRef> {
        let own = TaskRef {
            endpoint: endpoint.clone(),
            task: TaskId::from(reference),
        };
        if self.tasks.contains_key(&own) {
            return Some(own);
        }
        let (endpoint, task) = reference.split_once('/')?;
        let other = TaskRef {
            endpoint: endpoint.into(),
            task: task.into(),
        };
        self.tasks.contains_key(&other).then_some(other)
    }

    /// Whose agent a bare id means: the one that the person meant, else the one heard first.
    fn endpoint_of(&self, name: &str) -> Option<&EndpointId> {
        let pinned = self.pins.get(name);
        pinned.or_else(|| self.first_endpoint.get(name))
    }

    /// `endpoint/agent` says it; a bare id is looked up.
    pub(crate) fn agent(&self, name: &str) -> Option<AgentRef> {
        let (endpoint, bare) = match self.with_endpoint(name) {
            Some((endpoint, bare)) => (endpoint.into(), Some(bare)),
            None => (self.endpoint_of(name)?.clone(), None),
        };
        let named = |agent: &str| AgentRef {
            endpoint: endpoint.clone(),
            agent: agent.into(),
        };
        let mut named = bare.into_iter().chain([name]).map(named);
        named.find(|named| self.agents.contains_key(named))
    }

    /// Is that the agent a rule means?
    pub(crate) fn is(&self, name: &str, agent: &AgentRef) -> bool {
        let own = agent.agent.as_str();
        match self.with_endpoint(name) {
            Some((endpoint, bare)) => {
                agent.endpoint.as_str() == endpoint && (own == bare || own == name)
            }
            None => own == name && self.endpoint_of(name) == Some(&agent.endpoint),
        }
    }

    /// Endpoint and id, when that endpoint is known: an agent that calls itself so elsewhere is not meant.
    fn with_endpoint<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        let named = name.split_once('/');
        named.filter(|(endpoint, _)| self.endpoints.contains_key(*endpoint))
    }

    /// What is reached from a task by `parentId`.
    pub(crate) fn ancestors(&self, task: &TaskRef) -> BTreeSet<TaskRef> {
        let mut found = BTreeSet::new();
        let mut at = task.clone();
        for _ in 0..32 {
            let parent = self.tasks.get(&at);
            let parent = parent.and_then(|entry| entry.value.parent_id.as_deref());
            let Some(parent) = parent.and_then(|parent| self.resolve(&at.endpoint, parent)) else {
                break;
            };
            if !found.insert(parent.clone()) {
                break;
            }
            at = parent;
        }
        found
    }

    /// The agent that works at a stage.
    pub(crate) fn stage_agent(&self, stage: &str) -> Option<&str> {
        self.rules
            .stages
            .iter()
            .find(|s| s.name == stage)
            .map(|s| s.agent.as_str())
    }

    /// Stretches in `[from, to)` that do not count for an endpoint: sleep, and no good answer. Sorted, merged.
    pub(crate) fn idle(&self, endpoint: &EndpointId, from: Time, to: Time) -> Vec<(Time, Time)> {
        let outages = self
            .endpoints
            .get(endpoint)
            .map(|e| e.outages.as_slice())
            .unwrap_or_default();
        let mut parts: Vec<_> = outages
            .iter()
            .map(|(start, end)| (*start, end.unwrap_or(to)))
            .chain(self.sleeps.iter().copied())
            .map(|(start, end)| (start.max(from), end.min(to)))
            .filter(|(start, end)| start < end)
            .collect();
        parts.sort();
        merge(parts)
    }
}

/// Joins sorted stretches that touch.
pub(crate) fn merge(parts: Vec<(Time, Time)>) -> Vec<(Time, Time)> {
    let mut out: Vec<(Time, Time)> = vec![];
    for (start, end) in parts {
        match out.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => out.push((start, end)),
        }
    }
    out
}

/// Sum of lengths.
pub(crate) fn total(parts: &[(Time, Time)]) -> chrono::TimeDelta {
    parts.iter().map(|(start, end)| *end - *start).sum()
}

/// Seconds as a length of time; absurd ones stay finite.
pub(crate) fn seconds(seconds: u64) -> chrono::TimeDelta {
    chrono::TimeDelta::seconds(
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .min(10_000_000_000),
    )
}

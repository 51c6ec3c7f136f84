//! Taking facts in: what each line makes true, whatever order its items stand in.
//!
//! Draws no conclusions. Whether a task may be replaced by what was just said of it is `merge.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    claims,
    letters::digest,
    merge, questions,
    slots::Subject,
    weight,
    world::{AgentState, Entry, HEARING, PutOff, RunVerdict, Seen, World},
};
use crate::{
    change::{AgentRecord, Change, Record, TaskRecord},
    contract::{Document, Item, List, Needs, Problem, Schedule, Task, TaskState},
    fact::{Fact, Line, PersonAction, PollError, PollErrorKind},
    finding::Evidence,
    ids::{AgentRef, EndpointId, TaskRef},
    ownership::pattern::Index,
    time::Time,
};

/// Stretches kept per endpoint, and sleeps; older ones lie before every window a rule looks at.
const STRETCHES: usize = 256;

/// Signs of work kept whose task is not known.
const EARLY: usize = 4096;

/// Places kept; few documents tell of more items at once.
const PLACES: usize = 4096;

/// Declarations kept per agent.
const DECLARED: usize = 16;

/// One line on its way in.
pub(super) struct Intake<'w> {
    pub(super) world: &'w mut World,
    pub(super) changes: Vec<Change>,
    pub(super) now: Time,
    pub(super) line: u64,
    /// Tasks that changed.
    pub(super) changed: BTreeSet<TaskRef>,
    /// Tasks of which is still to be told whether they wait.
    pub(super) queued: BTreeSet<TaskRef>,
    /// Endpoints where something went well.
    pub(super) well: BTreeSet<EndpointId>,
    /// Endpoints of which what is long over was dropped.
    pub(super) forgot: BTreeSet<EndpointId>,
    /// Items that are more than is kept of one endpoint, by list; good ones, and dead letters.
    pub(super) over: BTreeMap<(&'static str, bool), u64>,
    /// What was not kept of items that are known.
    pub(super) unkept: Vec<Problem>,
    /// What is open was counted for this line.
    pub(super) counted: bool,
    /// Dead letters of the endpoint, once they were counted.
    pub(super) letters: Option<usize>,
}

impl<'w> Intake<'w> {
    pub(super) fn new(world: &'w mut World, now: Time, line: u64) -> Self {
        Self {
            world,
            changes: vec![],
            now,
            line,
            changed: BTreeSet::new(),
            queued: BTreeSet::new(),
            well: BTreeSet::new(),
            forgot: BTreeSet::new(),
            over: BTreeMap::new(),
            unkept: vec![],
            counted: false,
            letters: None,
        }
    }

    /// Takes in a line whole.
    pub(super) fn take(mut self, line: &Line) -> Vec<Change> {
        self.fact(line);
        self.went_well();
        self.queue_all();
        self.changes
    }

    fn fact(&mut self, line: &Line) {
        match &line.fact {
            Fact::Config(_) | Fact::Tick => {}
            Fact::Status { endpoint, document } => self.document(endpoint, document),
            Fact::Failed {
                endpoint,
                error,
                pointer,
            } => self.failed(endpoint, error, pointer),
            Fact::Woke { slept_seconds } => self.woke(*slept_seconds),
            Fact::Decision {
                endpoint,
                escalation,
                outcome,
                considered,
            } => {
                self.decided(endpoint, escalation, considered.then_some(*outcome));
            }
            Fact::Undecided {
                endpoint,
                escalation,
                outcome,
                considered,
            } => {
                self.undecided(endpoint, escalation, considered.then_some(*outcome));
            }
            Fact::AskedAgain {
                endpoint,
                escalation,
            } => self.asked_again(endpoint, escalation),
            Fact::Person(action) => self.person(action),
            Fact::Rules { rules, pins } => {
                // Given before anything was done, they hold for all of it.
                let first = self.world.agents.is_empty() || self.world.began == Some(self.now);
                let since = (!first).then_some(self.now);
                self.world.books.replace(rules, since, self.line);
                self.world.cover_again();
                self.world.reviewed = match rules.reviewed_at {
                    Some(_) => (self.line, "/rules/reviewed_at"),
                    None => (self.line, "/rules"),
                };
                self.world.rules = rules.clone();
                self.world.pins = pins.clone();
                self.look_again();
                self.fit_again();
            }
            Fact::Settings(settings) => {
                self.world.settings = (**settings).clone();
                self.world.dirty.insert(Subject::Reach);
                let storms = self.world.storms.keys();
                let storms: Vec<_> = storms.map(|key| key.about()).collect();
                self.world
                    .dirty
                    .extend(storms.into_iter().map(Subject::Storm));
                self.look_again();
            }
            Fact::Schemas(schemas) => self.other_schemas(schemas),
        }
    }

    /// Other rules or thresholds: everything they bear on is looked at again.
    fn look_again(&mut self) {
        self.mark(Subject::Review);
        self.mark(Subject::Overlaps);
        self.mark(Subject::Readiness);
        let tasks = self.world.tasks.keys().cloned().map(Subject::Task);
        let handoffs = self.world.handoffs.keys().cloned();
        let handoffs = handoffs.map(|(e, id)| Subject::Handoff(e, id));
        let resources = self.world.touched.keys().cloned();
        let resources = resources.map(Subject::Resource);
        let all: Vec<_> = tasks.chain(handoffs).chain(resources).collect();
        self.world.dirty.extend(all);
        let keys: Vec<_> = self.world.escalations.keys().cloned().collect();
        for key in keys {
            self.route(&key);
        }
    }

    fn woke(&mut self, slept: u64) {
        let start = self.now - super::world::seconds(slept);
        self.world.sleeps.push((start, self.now));
        trim(&mut self.world.sleeps, STRETCHES);
        for endpoint in self.world.endpoints.values_mut() {
            endpoint.run = Default::default();
        }
        let endpoints: Vec<_> = self.world.endpoints.keys().cloned().collect();
        for endpoint in &endpoints {
            self.calm(endpoint);
        }
        self.world.dirty.insert(Subject::Reach);
    }

    fn person(&mut self, action: &PersonAction) {
        match action {
            PersonAction::Pause { endpoint } => {
                let now = self.now;
                let state = self.world.endpoints.entry(endpoint.clone()).or_default();
                state.paused = true;
                state.run = Default::default();
                if !state.down() {
                    state.outages.push((now, None));
                }
                self.world.dirty.insert(Subject::Reach);
                self.mark(Subject::Replies(endpoint.clone()));
                self.calm(endpoint);
            }
            PersonAction::Unpause { endpoint } => {
                if let Some(state) = self.world.endpoints.get_mut(endpoint) {
                    state.paused = false;
                    state.resumed = Some(self.now);
                }
            }
            PersonAction::Snooze {
                rule,
                subject,
                until,
            }
            | PersonAction::Extend {
                rule,
                subject,
                until,
            } => {
                let now = self.now;
                self.world.put_off.retain(|p| now < p.until);
                self.world.put_off.push(PutOff {
                    rule: rule.clone(),
                    name: subject.clone(),
                    until: *until,
                });
            }
            PersonAction::MarkReviewed => {
                self.world.rules.reviewed_at = Some(self.now);
                self.world.reviewed = (self.line, "/person");
                self.mark(Subject::Review);
            }
            PersonAction::AddAgent { agent, .. } => self.joins(agent),
            PersonAction::OverrideReadiness { agent, reason } => {
                // Without a reason it is not recorded why, and so it does not count.
                if reason.as_ref().is_some_and(|why| !why.trim().is_empty()) {
                    self.world.overrides.insert(agent.clone());
                    self.mark(Subject::Readiness);
                }
            }
            PersonAction::Resolve { .. } => {}
        }
    }

    fn failed(&mut self, endpoint: &EndpointId, error: &PollError, pointer: &str) {
        let (now, line) = (self.now, self.line);
        let state = self.world.endpoints.entry(endpoint.clone()).or_default();
        let told = state.failed.as_ref();
        if told.is_some_and(|(at, known, _)| *at == now && known == error) {
            return;
        }
        let evidence = Evidence {
            line,
            pointer: pointer.into(),
        };
        self.world.dirty.insert(Subject::Replies(endpoint.clone()));
        state.failed = Some((now, error.clone(), evidence.clone()));
        if !state.down() {
            state.outages.push((now, None));
        }
        if !matches!(error.kind, PollErrorKind::Connect | PollErrorKind::Timeout) {
            state.contact = Some(now);
        }
        if !state.paused {
            state.run.add(now, evidence.clone(), error.kind);
            state.polled(now, false);
            self.failed_again(endpoint, error, evidence);
        }
        self.world.dirty.insert(Subject::Reach);
        self.changes.push(Change::NotHeard {
            endpoint: endpoint.clone(),
            at: now,
            error: error.clone(),
        });
    }

    fn heard(&mut self, endpoint: &EndpointId) {
        let now = self.now;
        let state = self.world.endpoints.entry(endpoint.clone()).or_default();
        state.polled(now, true);
        state.answered = Some(now);
        state.contact = Some(now);
        if state.failed.take().is_some() {
            self.world.dirty.insert(Subject::Replies(endpoint.clone()));
        }
        if state.run.count > 0 {
            state.run = Default::default();
            self.world.dirty.insert(Subject::Reach);
        }
        if let Some(last) = state.outages.last_mut()
            && last.1.is_none()
        {
            let from = state.resumed.map_or(last.0, |resumed| resumed.max(last.0));
            last.1 = Some(now);
            trim(&mut state.outages, STRETCHES);
            if !state.paused {
                self.was_away(endpoint, from);
            }
            self.calm(endpoint);
        }
        self.changes.push(Change::Heard {
            endpoint: endpoint.clone(),
            at: now,
        });
    }

    fn document(&mut self, endpoint: &EndpointId, document: &Document) {
        self.heard(endpoint);
        let Some(card) = &document.agent else {
            return;
        };
        let agent = AgentRef {
            endpoint: endpoint.clone(),
            agent: card.id.clone(),
        };
        if !self.room_for_agent(&agent) {
            self.asks_all_the_same(&agent, document);
            self.left_out(&agent, &Document::default());
            return;
        }
        self.agent(&agent, document);
        // All it tells shares one name of it.
        let known = self.world.agents.get_key_value(&agent);
        let agent = known.map_or(agent.clone(), |(known, _)| known.clone());
        self.tasks(&agent, document);
        self.stood_still(&agent);
        self.end_tasks(&agent, document);
        self.accesses(&agent, document);
        for item in furthest(&document.claims, |claim| &claim.id, claims::further) {
            if self.room_for_claim(&agent, item) {
                self.claim(&agent, item);
            }
        }
        self.end_claims(&agent, document);
        let mut handed = BTreeSet::new();
        for item in furthest(&document.handoffs, |h| &h.id, |h| h.acknowledged_at) {
            let value = &item.value;
            let key = (endpoint.clone(), value.id.clone());
            let old = self.world.handoffs.get(&key);
            if old.is_some_and(|old| old.seen.raw == item.raw) {
                continue;
            }
            let before = old.map_or(0, |old| weight::handoff(&old.seen.raw));
            let first = old.map_or(self.now, |old| old.seen.at);
            let after = weight::handoff(&item.raw);
            if !self.has_room(endpoint, "handoffs", before, after) {
                continue;
            }
            let at = value.emitted_at.unwrap_or(first).min(self.now);
            let entry = self.entry(&agent, item, at);
            let task = TaskRef {
                endpoint: endpoint.clone(),
                task: value.task_id.clone(),
            };
            let of = self.world.handoffs_of.entry(task.clone()).or_default();
            of.insert(value.id.clone());
            self.mark(Subject::Task(task.clone()));
            self.mark_reader(&task);
            self.mark(Subject::Handoff(endpoint.clone(), value.id.clone()));
            self.worked(agent.clone());
            self.changes.push(Change::Handoff(Box::new(record(&entry))));
            self.world.handoffs.insert(key.clone(), entry);
            self.handed(&key, value);
            handed.insert(task);
        }
        for task in handed {
            self.emit_task(&task);
        }
        for item in furthest(&document.artifacts, |a| &a.id, |a| a.created_at) {
            let value = &item.value;
            let key = (endpoint.clone(), value.id.clone());
            let old = self.world.artifacts.get(&key);
            if old.is_some_and(|old| old.seen.raw == item.raw) {
                continue;
            }
            let before = old.map_or(0, |old| weight::artifact(&old.seen.raw));
            let first = old.map_or(self.now, |old| old.seen.at);
            // Where there is no room for its bytes, there may be some for it.
            let told = digest(&item.raw, "");
            let whole = self.weighs(endpoint, before, weight::artifact(&item.raw));
            if !whole && !self.has_room(endpoint, "artifacts", before, weight::artifact(&told)) {
                continue;
            }
            let at = value.created_at.unwrap_or(first).min(self.now);
            let mut entry = self.entry(&agent, item, at);
            if let Some(task) = &value.task_id {
                self.touch(endpoint, task, at, &entry.seen.evidence);
            }
            self.addressed(&key, value);
            self.changes
                .push(Change::Artifact(Box::new(record(&entry))));
            let fits = self.world.misfits(&key, &entry).is_empty();
            // Its text stands in its bytes, a tree takes ten times as much.
            entry.value.body = None;
            if !whole {
                entry.seen.raw = told.into();
            }
            self.world.artifacts.insert(key, entry);
            if fits {
                self.worked(agent.clone());
            }
        }
        let questions = furthest(&document.escalations, |e| e.id.as_str(), questions::further);
        for item in questions {
            if self.room_for_question(&agent, item) {
                self.escalation(&agent, item);
            } else {
                self.hides_question(&agent, item);
            }
        }
        self.end_escalations(&agent, document);
        self.context(&agent, document);
        self.quotas(&agent, document);
        for item in document.schedules.iter().flatten() {
            if self.room_for_schedule(&agent, item) {
                self.schedule(&agent, item);
            }
        }
        self.end_schedules(&agent, document);
        self.dead_letters(&agent, document);
        self.left_out(&agent, document);
    }

    /// What starts by itself is a trigger its agent declares for as long as it is on.
    pub(super) fn schedule(&mut self, agent: &AgentRef, item: &Item<Schedule>) {
        let key = (agent.endpoint.clone(), item.value.id.clone());
        let old = self.world.schedules.get(&key);
        if old.is_some_and(|old| old.seen.raw == item.raw) {
            return;
        }
        let means = |value: &Schedule| value.enabled.then(|| value.resource.clone());
        if old.and_then(|old| means(&old.value)) != means(&item.value) {
            self.mark(Subject::Overlaps);
        }
        let entry = self.entry(agent, item, self.now);
        self.changes.push(Change::Schedule(record(&entry)));
        self.world.schedules.insert(key, entry);
    }

    pub(super) fn mark(&mut self, subject: Subject) {
        self.world.dirty.insert(subject);
    }

    pub(super) fn entry<T: Clone>(
        &mut self,
        agent: &AgentRef,
        item: &Item<T>,
        at: Time,
    ) -> Entry<T> {
        Entry {
            seen: self.seen(agent, item, at),
            value: item.value.clone(),
        }
    }

    pub(super) fn seen<T>(&mut self, agent: &AgentRef, item: &Item<T>, at: Time) -> Seen {
        Seen {
            agent: agent.clone(),
            at,
            evidence: Evidence {
                line: self.line,
                pointer: self.place(&item.pointer),
            },
            moment: self.world.moment,
            raw: item.raw.clone(),
        }
    }

    /// A place of the document, in its line.
    fn place(&mut self, pointer: &str) -> Arc<str> {
        let places = &mut self.world.places;
        if let Some(known) = places.get(pointer) {
            return known.clone();
        }
        let place: Arc<str> = ["/status", pointer].concat().into();
        if places.len() < PLACES {
            places.insert(pointer.into(), place.clone());
        }
        place
    }

    fn agent(&mut self, agent: &AgentRef, document: &Document) {
        let Some(card) = &document.agent else {
            return;
        };
        let (now, moment) = (self.now, self.world.moment);
        let known = self.world.agents.get(agent);
        let works = known.is_some_and(|known| known.works) || !document.tells_only_limits();
        let mut card = card.clone();
        // Who works is an agent, whatever it calls itself.
        card.limits_only &= !works;
        let bad_card = document.problems.iter().any(|p| p.list == "agent");
        let needs = document.ownership.as_ref().map(|item| {
            let evidence = Evidence {
                line: self.line,
                pointer: "/status/ownership".into(),
            };
            (item.value.clone(), evidence)
        });
        let needs = needs.filter(|(needs, _)| self.room_for_needs(agent, needs));
        let known = self.world.agents.get_mut(agent);
        let changed = match known {
            None => {
                let endpoint = self.world.endpoints.entry(agent.endpoint.clone());
                let evidence = Evidence {
                    line: self.line,
                    pointer: "/status/agent".into(),
                };
                let agents = &mut endpoint.or_default().agents;
                agents.insert(agent.agent.clone(), evidence);
                let first = self.world.first_endpoint.entry(agent.agent.clone());
                first.or_insert_with(|| agent.endpoint.clone());
                let state = AgentState {
                    card,
                    declared: needs
                        .iter()
                        .map(|(needs, evidence)| (moment, written(needs), evidence.clone()))
                        .collect(),
                    needs,
                    first_heard: now,
                    works,
                };
                self.world.agents.insert(agent.clone(), state);
                true
            }
            Some(known) => {
                let mut changed = known.card.limits_only && works;
                if changed {
                    let pools = self.world.pools.iter();
                    let told = pools.filter(|(_, pool)| pool.reporters.contains_key(agent));
                    let told = told.map(|(key, _)| Subject::Pool(key.clone()));
                    self.world.dirty.extend(told);
                }
                known.card.limits_only &= !works;
                known.works = works;
                if known.card != card && !bad_card {
                    known.card = card;
                    changed = true;
                }
                if let Some(needs) = needs
                    && known.needs.as_ref().is_none_or(|old| old.0 != needs.0)
                {
                    let declared = (moment, written(&needs.0), needs.1.clone());
                    known.declared.push(declared);
                    if known.declared.len() > DECLARED {
                        known.declared.remove(0);
                    }
                    known.needs = Some(needs);
                    changed = true;
                }
                changed
            }
        };
        if changed {
            let touched = self.world.touched.iter();
            let written = touched.filter(|(_, touched)| touched.writer(agent).is_ok());
            let written = written.map(|(resource, _)| Subject::Resource(resource.clone()));
            self.world.dirty.extend(written);
            self.world.dirty.insert(Subject::Agent(agent.clone()));
            self.world.dirty.insert(Subject::Overlaps);
            self.world.dirty.insert(Subject::Readiness);
        }
        if changed && let Some(known) = self.world.agents.get(agent) {
            self.changes.push(Change::Agent(Box::new(AgentRecord {
                agent: agent.clone(),
                card: known.card.clone(),
                needs: known.needs.as_ref().map(|(needs, _)| needs.clone()),
                first_heard_at: known.first_heard,
            })));
        }
    }

    fn tasks(&mut self, agent: &AgentRef, document: &Document) {
        for item in document.tasks.iter().flatten() {
            let task = TaskRef {
                endpoint: agent.endpoint.clone(),
                task: item.value.id.clone(),
            };
            if self.room_for_task(&task, item) {
                self.merged(agent, &task, item);
            } else if let Some(moved) = self.only_state(&task, item) {
                self.merged(agent, &task, &moved);
            }
        }
    }

    /// Takes in what there was found room for. An older account is not believed, and gives back no room that is not free.
    fn merged(&mut self, agent: &AgentRef, task: &TaskRef, item: &Item<Task>) {
        merge::task(self, agent, task, item);
        let known = self.world.tasks.get(task);
        let weighs = known.map_or(0, |known| weight::task(&known.value, &known.seen.raw));
        self.ends(&task.endpoint, weight::task(&item.value, &item.raw), weighs);
    }

    /// A task shows a sign of work that is not its own change.
    pub(super) fn touch(
        &mut self,
        endpoint: &EndpointId,
        task: &crate::ids::TaskId,
        at: Time,
        evidence: &Evidence,
    ) {
        let task = TaskRef {
            endpoint: endpoint.clone(),
            task: task.clone(),
        };
        let Some(entry) = self.world.tasks.get_mut(&task) else {
            let early = &mut self.world.early;
            if early.len() >= EARLY {
                early.pop_first();
            }
            let known = early.entry(task).or_insert_with(|| (at, evidence.clone()));
            if at > known.0 {
                *known = (at, evidence.clone());
            }
            return;
        };
        if at > entry.mark.0 {
            let before = entry.mark.0;
            entry.mark = (at, evidence.clone());
            self.changes.push(Change::TaskMark(task.clone(), at));
            // Until then nobody can have called it stalled, and it is looked at again by then in any case.
            if self.now - before >= self.world.patience() {
                self.mark(Subject::Task(task));
            }
        }
    }

    pub(super) fn emit_task(&mut self, task: &TaskRef) {
        let Some(entry) = self.world.tasks.get(task) else {
            return;
        };
        self.changes.push(Change::Task(Box::new(TaskRecord {
            task: task.clone(),
            agent: entry.seen.agent.agent.clone(),
            value: entry.value.clone(),
            raw: entry.seen.raw.clone(),
            line: entry.seen.evidence.line,
            state_since: entry.since,
            handoff_open: entry.value.status.state == TaskState::Completed
                && entry.value.next_stage.is_some()
                && !crate::rules::silent_completion::acknowledged(self.world, task, entry),
            changed_at: entry.changed,
        })));
    }
}

/// What an agent says it writes, puts out or starts on.
fn written(needs: &Needs) -> Index {
    let all = needs.writes.iter().chain(&needs.outputs);
    Index::new(all.chain(&needs.triggers).map(String::as_str))
}

/// Runs of errors that have become long enough are judged: stale if another endpoint was reached since, offline if
/// none can be; one that is alone says nothing about the network. One that was just not asked since is waited for (ruling "Not yet heard is not yet decided").
pub(super) fn settle_runs(world: &mut World) {
    let (limit, now) = (world.settings.stale_after_polls.max(1), world.now);
    let known = world
        .endpoints
        .iter()
        .map(|(id, state)| (id.clone(), state.contact, state.paused, state.run.silent()));
    let known: Vec<_> = known.collect();
    for (id, state) in &mut world.endpoints {
        let run = &mut state.run;
        let Some(first) = run.first.filter(|_| run.count >= limit) else {
            continue;
        };
        let others = || known.iter().filter(|(other, ..)| other != id);
        let alone = others().all(|(_, _, paused, _)| *paused);
        let reached = others().any(|(_, contact, ..)| contact.is_some_and(|at| at >= first));
        let long = *run.long.get_or_insert(now);
        run.verdict = match run.verdict {
            Some(RunVerdict::Offline) if reached => Some(RunVerdict::Refuted),
            None if reached || alone || !run.silent => Some(RunVerdict::Stale),
            None if now >= long + HEARING
                || others().all(|(_, _, paused, silent)| *paused || *silent) =>
            {
                Some(RunVerdict::Offline)
            }
            verdict => verdict,
        };
    }
}

/// Of several accounts of one thing in one line the one of the further state, in whatever order they stand (ruling
/// "Merging").
fn furthest<'d, T, R: Ord>(
    list: &'d List<T>,
    id: impl Fn(&T) -> &str,
    further: impl Fn(&T) -> R,
) -> impl Iterator<Item = &'d Item<T>> {
    let items = list.as_deref().unwrap_or_default();
    let mut of_id: BTreeMap<&str, &Item<T>> = BTreeMap::new();
    if items.len() > 1 {
        let rank = |item: &'d Item<T>| (further(&item.value), &item.raw);
        for item in items {
            let known = of_id.entry(id(&item.value)).or_insert(item);
            if rank(known) < rank(item) {
                *known = item;
            }
        }
    }
    let counts = move |item: &&'d Item<T>| {
        let known = of_id.get(id(&item.value));
        known.is_none_or(|known| std::ptr::eq(*known, *item))
    };
    items.iter().filter(counts)
}

pub(super) fn trim<T>(stretches: &mut Vec<T>, most: usize) {
    if stretches.len() > most {
        stretches.drain(..most / 2);
    }
}

pub(super) fn record<T: Clone>(entry: &Entry<T>) -> Record<T> {
    Record {
        agent: entry.seen.agent.clone(),
        value: entry.value.clone(),
        raw: entry.seen.raw.clone(),
        line: entry.seen.evidence.line,
        at: entry.seen.at,
    }
}

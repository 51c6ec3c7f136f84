//! The owner of what is true: one thread that takes in every fact, lets the rules judge, commits, and only then says so.
//!
//! All facts pass here one after the other, each with its own time, so that replaying the log gives the same findings.
//! Nothing here waits for a network: endpoints are asked by their loops (`poll`), which send what came as events.

mod again;
#[cfg(test)]
#[path = "../tests/scripted/agent.rs"]
#[allow(dead_code, clippy::expect_used)] // Other tests use more of it.
pub(crate) mod agent;
mod ahead;
#[cfg(test)]
mod any_order;
pub(crate) mod kept;
mod lapse;
mod load;
mod outbox;
mod outside;
mod person;
mod polled;
mod schema;
mod snapshot;
mod spent;
mod stuck;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender},
    },
    time::Duration,
};

use agents::Outcome;
use domain::{
    change::{Change, EscalationPhase},
    contract::TaskState,
    delta::Piece,
    fact::{self, Fact, Line, PollError},
    fleet::Fleet,
    ids::{DecisionId, EndpointId, EscalationId, TaskId},
    time::Time,
};
use serde_json::Value;
use store::{
    Store, Tx,
    tables::{endpoints, escalations, facts::FactKind, health},
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::Instant,
};

use self::{
    again::Again,
    ahead::Ahead,
    outbox::Parcel,
    polled::Batch,
    snapshot::Snapshots,
    stuck::{Entry, Stuck},
};
pub(crate) use self::{outside::Outside, person::Ask};
use crate::{
    announce::Stale,
    api::views::Topic,
    clock::Clock,
    connect::Connector,
    cost::{Cost, Hour},
    intake,
    journal::{Happened, Journal},
    lanes::Lanes,
    live::Live,
    poll::{Poller, Wish},
    queue::Queue,
};

/// Where events go.
pub(crate) type Events = Sender<Event>;

/// Looks at the clock at least this often, for deadlines that move with the wall clock.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Polls that brought nothing are counted in memory and written this often.
const COUNTS_WRITTEN: chrono::TimeDelta = chrono::TimeDelta::minutes(5);
/// A rule that stays due without saying anything is asked again after this.
const DUE_AGAIN: Duration = Duration::from_secs(1);
/// How often screens are told that polls go on, when nothing else is to be told.
const ALIVE: chrono::TimeDelta = chrono::TimeDelta::seconds(15);

/// Everything that can happen to the engine.
pub(crate) enum Event {
    /// A poll brought something new.
    Observed(Observed),
    /// A poll brought nothing new.
    Unchanged {
        /// Whose.
        endpoint: EndpointId,
        /// Of which loop.
        turn: u64,
        /// What it cost.
        cost: Cost,
        /// See [`Observed::whole`].
        whole: Option<Instant>,
        /// Told when it is taken in.
        answer: oneshot::Sender<Taken>,
    },
    /// A poll failed.
    Failed {
        /// Whose.
        endpoint: EndpointId,
        /// Of which loop.
        turn: u64,
        /// Why.
        error: PollError,
        /// The beginning of an answer that was set aside whole.
        letter: Option<String>,
        /// What it cost.
        cost: Cost,
        /// Told after the commit.
        answer: Option<oneshot::Sender<Taken>>,
    },
    /// The machine slept.
    Woke {
        /// How long.
        slept_seconds: u64,
    },
    /// What became of a delivery.
    Delivered {
        /// Which.
        decision: DecisionId,
        /// What.
        outcome: Outcome,
    },
    /// The person did something.
    Acted(Ask),
    /// The end.
    Shutdown,
}

/// A piece of what a poll brought, read.
pub(crate) struct Observed {
    /// Whose.
    pub(crate) endpoint: EndpointId,
    /// Of which loop.
    pub(crate) turn: u64,
    /// A status document.
    pub(crate) text: String,
    /// The same, read.
    pub(crate) piece: Arc<Piece>,
    /// What it cost.
    pub(crate) cost: Cost,
    /// With this piece, all that the endpoint tells has been told; its first page was asked for then.
    pub(crate) whole: Option<Instant>,
    /// Told after the commit.
    pub(crate) answer: oneshot::Sender<Taken>,
}

impl Event {
    /// The endpoint that was polled. Such an event can wait for what the person does.
    pub(crate) fn polled(&self) -> Option<&EndpointId> {
        match self {
            Self::Observed(Observed { endpoint, .. })
            | Self::Unchanged { endpoint, .. }
            | Self::Failed { endpoint, .. } => Some(endpoint),
            _ => None,
        }
    }
}

/// What a loop needs to know of its last poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// It is on the disk, or nothing of it had to be.
    pub(crate) kept: bool,
    /// Something runs or waits there.
    pub(crate) live: bool,
    /// What it asks now is known.
    pub(crate) heard: bool,
}

/// What the owner keeps of one endpoint.
#[derive(Default)]
struct Known {
    /// What it said last; its loop reads with it.
    said: intake::Known,
    /// A document that says nothing but who speaks there, once somebody has.
    nothing: Option<String>,
    running: BTreeSet<TaskId>,
    waiting: BTreeSet<EscalationId>,
    /// The last fact of it is a failure.
    failing: bool,
    /// Failures in a row.
    failures: u32,
    /// It has told everything since its loop began, since it failed, and since the machine slept: what it asks now is known.
    heard: bool,
    /// It was asked for the last whole of what it tells then.
    told_from: Option<Time>,
    /// When it last had to tell everything anew.
    unheard_since: Option<Instant>,
    poller: Option<Poller>,
    /// Good and bad polls not written yet.
    polls: (u32, u32),
    /// An answer of it was set aside whole, and no good one has come since.
    set_aside: bool,
    /// What it cost, not written yet.
    cost: Cost,
    /// What it cost in the last hour.
    hour: Hour,
}

impl Known {
    fn is_live(&self) -> bool {
        !self.running.is_empty() || !self.waiting.is_empty()
    }

    /// Until it has told everything once more, it may ask something else than we know.
    fn falls_silent(&mut self) {
        self.heard = false;
        self.unheard_since = Some(Instant::now());
    }

    /// What changes say of it, as far as pacing needs it.
    fn note(&mut self, change: &Change) {
        match change {
            Change::Task(record) => {
                let state = record.value.status.state;
                if state.is_terminal() || state == TaskState::Unknown {
                    self.running.remove(&record.task.task);
                } else {
                    self.running.insert(record.task.task.clone());
                }
            }
            Change::Escalation(record) => {
                if record.phase == EscalationPhase::Pending {
                    self.waiting.insert(record.value.id.clone());
                } else {
                    self.waiting.remove(&record.value.id);
                }
            }
            _ => {}
        }
    }
}

/// What the owner works with; see [`Owner::start`].
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) live: Live,
    pub(crate) connector: Connector,
    pub(crate) journal: Journal,
    pub(crate) events: Events,
    pub(crate) stale: mpsc::UnboundedSender<(Stale, u64)>,
    pub(crate) runtime: Handle,
    /// When the slots that wake-ups share began.
    pub(crate) slots: Instant,
    pub(crate) lanes: Lanes,
    pub(crate) outside: Outside,
}

/// The owner.
pub(crate) struct Owner {
    parts: Parts,
    fleet: Fleet,
    clock: Clock,
    /// Of the last row of the log.
    seq: u64,
    known: BTreeMap<EndpointId, Known>,
    outbox: BTreeMap<DecisionId, Parcel>,
    counts_written_at: Time,
    /// Not before this, when a due rule had nothing to say.
    judged_again_at: Option<Time>,
    /// What polls brought and is not written yet.
    batch: Batch,
    /// The last write failed.
    stuck: Option<Stuck>,
    /// The log is ahead of the wall clock.
    ahead: Ahead,
    /// The next hard deadline of a question.
    expiry: Option<Time>,
    /// When the next question is to be refused because nobody answered in time.
    lapse: Option<Time>,
    /// Questions that were answered and are listed on.
    again: Again,
    /// When screens were last told that polls go on, though nothing changed.
    alive_said_at: Time,
    snapshots: Snapshots,
}

/// A fact taken in, not committed yet.
struct Fresh {
    at: Time,
    kind: FactKind,
    endpoint: Option<EndpointId>,
    text: String,
    changes: Vec<Change>,
    /// What was true before an act of the person, who is told when it cannot be saved: then it was not done.
    before: Option<Box<Fleet>>,
}

impl Owner {
    /// Reads the log and starts the loops of all endpoints that are not paused.
    pub(crate) fn start(parts: Parts) -> store::Result<Self> {
        let loaded = load::load(&parts.store, parts.outside.limits)?;
        let wall = (parts.outside.wall)();
        let mut owner = Self {
            fleet: loaded.fleet,
            ahead: Ahead::at_start(&parts.store, loaded.last, loaded.seq)?,
            clock: Clock::after(loaded.last),
            seq: loaded.seq,
            known: loaded.known,
            outbox: loaded.outbox,
            counts_written_at: wall,
            judged_again_at: None,
            batch: Batch::default(),
            stuck: None,
            expiry: parts.store.read(escalations::next_expiry)?,
            lapse: parts.store.read(escalations::next_lapse)?,
            again: Again::default(),
            alive_said_at: wall,
            snapshots: Snapshots::after(loaded.read),
            parts,
        };
        owner.parts.live.write().is_loaded = true;
        owner.tell_read_only(None);
        owner.look_for_again();
        let rows = owner.parts.store.read(endpoints::list)?;
        for row in rows {
            owner.follow(&row);
        }
        Ok(owner)
    }

    /// Until [`Event::Shutdown`], or until nobody can send events any more.
    pub(crate) fn run(mut self, events: &mut Queue) {
        loop {
            self.due();
            match events.next(self.wait()) {
                Ok(Event::Shutdown) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(event) => {
                    self.gather(event);
                    while self.batch.is_open()
                        && let Some(event) = events.next_of_polls()
                    {
                        self.gather(event);
                    }
                    self.settle();
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
        self.keep_last_snapshot();
        let (counts, costs) = (self.counts(), self.costs());
        // What is lost here are counts of the last minutes.
        let _ = self.parts.store.write(move |tx| {
            write_counts(tx, &counts)?;
            spent::write(tx, &costs)
        });
    }

    fn now(&self) -> Time {
        self.clock.now(self.wall())
    }

    /// What time alone brings: rules that are due, decisions whose undo time is over, deadlines.
    fn due(&mut self) {
        if !self.can_write() {
            return;
        }
        self.look_ahead();
        let now = self.now();
        if self.rule_due().is_some_and(|due| due <= now) {
            self.tick();
        }
        if self.expiry.is_some_and(|expiry| expiry <= now) {
            self.expire(now);
        }
        if self.lapse.is_some_and(|lapse| lapse <= now) {
            self.lapse(now);
        }
        if self.again.due.is_some_and(|due| due <= now) {
            self.ask_again(now);
        }
        self.post();
        self.keep_snapshot();
        if now - self.counts_written_at >= COUNTS_WRITTEN {
            self.counts_written_at = now;
            let (counts, costs) = (self.counts(), self.costs());
            if !counts.is_empty() || !costs.is_empty() {
                self.commit_only(move |tx| {
                    write_counts(tx, &counts)?;
                    spent::write(tx, &costs)
                });
            }
        }
    }

    fn rule_due(&self) -> Option<Time> {
        let due = self.fleet.next_due()?;
        Some(self.judged_again_at.map_or(due, |again| due.max(again)))
    }

    fn wait(&self) -> Duration {
        if let Some(wait) = self.tries_in() {
            return wait;
        }
        let now = self.now();
        let again = self.again.due;
        [
            self.rule_due(),
            self.post_due(),
            self.expiry,
            self.lapse,
            again,
        ]
        .into_iter()
        .flatten()
        .min()
        .map_or(LONGEST_WAIT, |due| {
            (due - now).to_std().unwrap_or_default().min(LONGEST_WAIT)
        })
    }

    /// Time passes. It is a fact only when a rule has something to say.
    fn tick(&mut self) {
        let Ok(fresh) = self.fresh(FactKind::Tick, None, fact::write_tick) else {
            return;
        };
        self.judged_again_at = None;
        if fresh.changes.is_empty() {
            if self.fleet.next_due().is_some_and(|due| due <= fresh.at) {
                self.judged_again_at = Some(fresh.at + DUE_AGAIN);
            }
            return;
        }
        self.commit(fresh, |_| Ok(()));
    }

    /// After its hard deadline nothing is accepted for a question.
    fn expire(&mut self, now: Time) {
        let done = self.commit_only(move |tx| escalations::expire(tx, now).map(drop));
        if done {
            self.look_for_expiry();
            self.announce_topics(&[Topic::Inbox, Topic::Board, Topic::Status]);
        } else {
            self.expiry = Some(now + DUE_AGAIN);
        }
    }

    fn look_for_expiry(&mut self) {
        self.look_for_deadlines();
        self.look_for_again();
    }

    /// Of all that wait, after one came or waits again.
    fn look_for_deadlines(&mut self) {
        // What cannot be read now is looked for again soon: no deadline is forgotten.
        let soon = Some(self.now() + DUE_AGAIN);
        let next = self.parts.store.read(escalations::next_expiry);
        self.expiry = next.unwrap_or(soon);
        let next = self.parts.store.read(escalations::next_lapse);
        self.lapse = next.unwrap_or(soon);
    }

    fn take(&mut self, event: Event) {
        self.gather(event);
        self.settle();
    }

    /// What is of no poll.
    fn happened(&mut self, event: Event) {
        match event {
            Event::Woke { slept_seconds } => self.woke(slept_seconds),
            Event::Delivered { decision, outcome } => self.delivered(&decision, outcome),
            Event::Acted(ask) => self.acted(ask),
            Event::Observed(_)
            | Event::Unchanged { .. }
            | Event::Failed { .. }
            | Event::Shutdown => {}
        }
    }

    /// Takes in a document of our own making.
    fn told(&mut self, endpoint: &EndpointId, document: &str) -> Result<Fresh, String> {
        self.fresh(FactKind::Status, Some(endpoint), |at| {
            fact::write_status(at, endpoint, document)
        })
    }

    /// The endpoint leaves: everything of it that is open is over. Its loop was ended before.
    fn heard_for_the_last_time(&mut self, endpoint: &EndpointId) {
        let Some(known) = self.known.get(endpoint) else {
            return;
        };
        let said = known.said.clone();
        let mut differ = said.differ();
        let last = differ
            .nothing()
            .map(|document| serde_json::from_str(&document));
        let Some(Ok(Value::Object(mut last))) = last else {
            return;
        };
        last.remove("snapshot");
        for list in ["tasks", "claims", "escalations"] {
            last.insert(list.to_owned(), Value::Array(vec![]));
        }
        let nothing = Value::Object(last);
        if let Ok(Some(endings)) = differ.take(&nothing.to_string(), true)
            && let Ok(fresh) = self.told(endpoint, &endings)
        {
            self.commit(fresh, |_| Ok(()));
        }
    }

    fn woke(&mut self, slept_seconds: u64) {
        for known in self.known.values_mut() {
            known.failures = 0;
            known.falls_silent();
            if let Some(poller) = &known.poller {
                poller.wish(Wish::Woke);
            }
        }
        for pulse in self.parts.live.write().endpoints.values_mut() {
            pulse.answer = None;
            pulse.failures = 0;
        }
        let fresh = self.fresh(FactKind::Woke, None, |at| {
            fact::write_woke(at, slept_seconds)
        });
        if let Ok(fresh) = fresh {
            self.commit(fresh, |_| Ok(()));
        }
    }

    /// The number of the next fact in a recording, whose first line is the configuration.
    fn next_line(&self) -> u64 {
        self.seq + self.batch.len() + 2
    }

    /// Takes in a fact at its own time and lets the rules judge. `Err` says why the line cannot be read.
    fn fresh(
        &mut self,
        kind: FactKind,
        endpoint: Option<&EndpointId>,
        write: impl FnOnce(Time) -> String,
    ) -> Result<Fresh, String> {
        let wall = self.wall();
        let at = self.clock.next(wall);
        let text = write(at);
        let fact = match fact::read_line(1, &text) {
            Ok(Some(line)) => line.fact,
            Ok(None) => return Err("The line says nothing.".to_owned()),
            Err(error) => return Err(error.message),
        };
        Ok(self.judged(kind, endpoint, text, at, fact))
    }

    /// The same for a fact that was read already.
    fn judged(
        &mut self,
        kind: FactKind,
        endpoint: Option<&EndpointId>,
        text: String,
        at: Time,
        fact: Fact,
    ) -> Fresh {
        let line = Line {
            number: self.next_line(),
            at: Some(at),
            fact,
        };
        let before = kind
            .is_of_the_person()
            .then(|| Box::new(self.fleet.clone()));
        let mut changes = self.fleet.take(&line);
        self.fleet.judge(at, &mut changes);
        Fresh {
            at,
            kind,
            endpoint: endpoint.cloned(),
            text,
            changes,
            before,
        }
    }

    /// Writes a fact, what it changes and `also` in one transaction. True when all of it is on the disk. When the disk does
    /// not let us, it is written later, but for an act of the person, which then was not done.
    fn commit(
        &mut self,
        mut fresh: Fresh,
        also: impl Fn(&Tx<'_>) -> store::Result<()> + Send + Sync + 'static,
    ) -> bool {
        let before = fresh.before.take();
        let entry = self.entry(fresh, also);
        let row = Arc::clone(&entry);
        let written = self.write(move |tx| row.write(tx));
        match (written, before) {
            (Ok(seq), _) => {
                self.written(seq, &entry);
                return true;
            }
            (Err(_), Some(before)) => self.fleet = *before,
            (Err(_), None) => {
                self.write_later(entry);
            }
        }
        false
    }

    /// What is to be written of a fact.
    fn entry(
        &mut self,
        fresh: Fresh,
        also: impl Fn(&Tx<'_>) -> store::Result<()> + Send + Sync + 'static,
    ) -> Arc<Entry> {
        for change in &fresh.changes {
            if let Some(known) = said_of(change).and_then(|name| self.known.get_mut(name)) {
                known.note(change);
            }
        }
        let polls = fresh.endpoint.as_ref().and_then(|name| {
            let known = self.known.get_mut(name)?;
            let (good, bad) = std::mem::take(&mut known.polls);
            Some((name.clone(), fresh.at, good, bad))
        });
        Arc::new(Entry {
            at: fresh.at,
            kind: fresh.kind,
            endpoint: fresh.endpoint,
            text: fresh.text,
            changes: fresh.changes,
            polls,
            also: Box::new(also),
        })
    }

    /// Believes and says what is on the disk now.
    fn written(&mut self, seq: u64, entry: &Arc<Entry>) {
        self.seq = self.seq.max(seq);
        self.snapshots.note(&entry.text);
        self.tell_of_fact(seq, entry);
        let bears = |change: &Change| match change {
            Change::Escalation(_) => true,
            Change::DeadLetterCleared { list, .. } => list == "escalations",
            _ => false,
        };
        if entry.changes.iter().any(bears) {
            self.look_for_expiry();
        }
        let mut stale = Stale::default();
        entry
            .changes
            .iter()
            .for_each(|change| stale.add_change(change));
        self.announce(stale);
        self.follows(entry);
    }

    fn tell_of_fact(&self, seq: u64, entry: &Entry) {
        if let Some(journal) = &self.parts.journal {
            // Whoever listened may be gone.
            let _ = journal.send(Happened::Fact {
                seq,
                at: entry.at,
                line: entry.text.clone(),
                changes: entry.changes.clone(),
            });
        }
    }

    /// Writes something that is no fact.
    fn commit_only(
        &mut self,
        change: impl FnOnce(&Tx<'_>) -> store::Result<()> + Send + 'static,
    ) -> bool {
        self.write(change).is_ok()
    }

    /// Writes in one transaction. When the disk does not let us, that is said, and nothing more is tried until it does: what
    /// comes later is never written before what came first.
    fn write<T: Send + 'static>(
        &mut self,
        change: impl FnOnce(&Tx<'_>) -> store::Result<T> + Send + 'static,
    ) -> store::Result<T> {
        if self.stuck.is_some() {
            return Err(store::Error::Closed);
        }
        let written = self.parts.store.write(change);
        written.inspect_err(|error| self.stuck_on(error))
    }

    fn announce(&self, stale: Stale) {
        if stale.is_empty() {
            return;
        }
        let revision = {
            let mut present = self.parts.live.write();
            present.revision += 1;
            present.revision
        };
        // Nobody announces when the engine is being stopped.
        let _ = self.parts.stale.send((stale, revision));
    }

    fn announce_topics(&self, topics: &[Topic]) {
        self.announce(topics.into());
    }

    /// Starts (or starts again) the loop of an endpoint; stops it when it is paused.
    fn follow(&mut self, row: &endpoints::EndpointRow) {
        if !row.paused {
            self.goes_on(&row.id);
        }
        let known = self.known.entry(row.id.clone()).or_default();
        known.poller = None;
        known.failures = 0;
        known.falls_silent();
        if row.paused {
            self.parts.live.write().endpoints.remove(&row.id);
            return;
        }
        let _entered = self.parts.runtime.enter();
        known.hour = Hour::default();
        known.poller = Some((self.parts.outside.ask)(
            row,
            self.parts.connector.of(row, &self.parts.store),
            &known.said,
            &self.parts,
        ));
    }

    fn counts(&mut self) -> Vec<(EndpointId, Time, u32, u32)> {
        let now = self.now();
        self.known
            .iter_mut()
            .filter(|(_, known)| known.polls != (0, 0))
            .map(|(name, known)| {
                let (good, bad) = std::mem::take(&mut known.polls);
                (name.clone(), now, good, bad)
            })
            .collect()
    }

    /// Whether deliveries go there now: it is polled, and answered last. One that was away may ask something else by now, so
    /// it is looked at before anything leaves.
    fn reachable(&self, endpoint: &EndpointId) -> Option<&Poller> {
        let known = self.known.get(endpoint)?;
        known.poller.as_ref().filter(|_| known.heard)
    }
}

fn write_counts(tx: &Tx<'_>, counts: &[(EndpointId, Time, u32, u32)]) -> store::Result<()> {
    counts
        .iter()
        .try_for_each(|(endpoint, at, good, bad)| health::count(tx, endpoint, *at, *good, *bad))
}

/// The endpoint whose pace a change is about.
fn said_of(change: &Change) -> Option<&EndpointId> {
    match change {
        Change::Task(record) => Some(&record.task.endpoint),
        Change::Escalation(record) => Some(&record.agent.endpoint),
        _ => None,
    }
}

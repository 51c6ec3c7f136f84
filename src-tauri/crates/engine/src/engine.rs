//! The running engine: starts the owner and everything round it, and ends them in order.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc},
    thread::JoinHandle,
    time::Duration,
};

use agents::Outcome;
use domain::ids::{DecisionId, TaskRef};
use store::{InterruptHandle, Store};
use tokio::{
    runtime::Handle,
    sync::{
        broadcast,
        mpsc::{self, UnboundedSender},
        oneshot, watch,
    },
    time::Instant,
};

use crate::{
    announce::{HIDDEN, SEEN, Stale, announce},
    api::{
        ApiError,
        views::{Changed, Topic},
    },
    clock::{self, wall},
    connect::Connector,
    demo::script::Script,
    journal::{Happened, Journal},
    lanes::Lanes,
    live::{Live, Present},
    owner::{Ask, Event, Events, Outside, Owner, Parts},
    queue::Queue,
    record::{self, Check, Database},
    secrets::Secrets,
};

/// What the engine is ended within; what is under way is on the disk and goes on at the next start.
const LONGEST_END: Duration = Duration::from_secs(2);

/// A start that takes longer is told.
const LONG_START: Duration = Duration::from_secs(1);

/// A running engine. Clones share it; it ends with [`Engine::end`], or with the process.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    secrets: Secrets,
    live: Live,
    events: Events,
    changed: broadcast::Sender<Changed>,
    seen: watch::Sender<Duration>,
    owner: Mutex<Option<JoinHandle<()>>>,
    /// Ends the check of the start.
    checking: Option<InterruptHandle>,
    beat: tokio::task::JoinHandle<()>,
}

impl Engine {
    /// Opens the data folder and begins to poll. Must be called within a tokio runtime.
    pub fn start(dir: &Path) -> store::Result<Self> {
        Self::with(Store::open(dir, wall())?, real(dir), None)
    }

    /// The same, and tells `listener` everything that happens from the first moment on.
    pub fn start_told(
        dir: &Path,
        listener: mpsc::UnboundedSender<Happened>,
    ) -> store::Result<Self> {
        let store = Store::open(dir, wall())?;
        Self::with(store, real(dir), Some(listener))
    }

    /// The same with the demo fleet: its endpoints must be in the store.
    pub fn start_demo(store: Store, script: Script) -> store::Result<Self> {
        Self::with(store, Connector::with_demo(script), None)
    }

    fn with(store: Store, connector: Connector, journal: Journal) -> store::Result<Self> {
        Self::within(store, connector, journal, Outside::default())
    }

    /// The same with what a test hands in.
    pub(crate) fn within(
        store: Store,
        connector: Connector,
        journal: Journal,
        outside: Outside,
    ) -> store::Result<Self> {
        let live = Live::default();
        let secrets = connector.secrets.clone();
        let (events, received) = std_mpsc::channel();
        let (stale, stales) = mpsc::unbounded_channel();
        let (changed, _) = broadcast::channel(64);
        let (seen, gap) = watch::channel(SEEN);
        let parts = Parts {
            store: store.clone(),
            live: live.clone(),
            connector,
            journal,
            events: events.clone(),
            stale: stale.clone(),
            runtime: Handle::current(),
            slots: Instant::now(),
            lanes: Lanes::default(),
            outside,
        };
        // It reads what is remembered first. Screens need nothing of that, and what the person does waits for it.
        let owner = std::thread::Builder::new()
            .name("engine-owner".to_owned())
            .spawn(move || supervise(&parts, Queue::new(received)))
            .map_err(|error| {
                store::Error::Folder(error, "no thread could be started".to_owned())
            })?;
        tokio::spawn(announce(stales, gap, changed.clone()));
        tokio::spawn(tell_of_a_long_start(live.clone(), stale));
        let beat = tokio::spawn(beat(events.clone()));
        if store.is_checked() {
            live.write().record.database = Some(Database {
                at: wall(),
                damage: None,
            });
        }
        let check = Check::begin(&store, &live);
        let checking = check.as_ref().map(Check::interrupter);
        let engine = Self {
            inner: Arc::new(Inner {
                store,
                secrets,
                live,
                events,
                changed,
                seen,
                owner: Mutex::new(Some(owner)),
                checking,
                beat,
            }),
        };
        if let Some(check) = check {
            engine.check_beside(check)?;
        }
        Ok(engine)
    }

    /// Runs the check of the start on a thread of its own, which keeps nothing from ending.
    fn check_beside(&self, mut check: Check) -> store::Result<()> {
        let engine = Arc::downgrade(&self.inner);
        let whole = !self.store().is_checked();
        std::thread::Builder::new()
            .name("record-check".to_owned())
            .spawn(move || {
                check.run(whole);
                drop(check);
                if let Some(inner) = engine.upgrade() {
                    Self { inner }.checked();
                }
            })
            .map_err(|error| {
                store::Error::Folder(error, "no thread could be started".to_owned())
            })?;
        Ok(())
    }

    /// Checks the record and the database now. Blocks.
    pub(crate) fn check_now(&self) {
        let Some(mut check) = Check::begin(self.store(), self.live()) else {
            return;
        };
        self.announce(vec![Topic::Settings]);
        check.run(true);
        drop(check);
        self.checked();
    }

    /// Says what a check found, and sees to it that damage is looked at before the next start reads anything.
    fn checked(&self) {
        if record::is_damaged(self.live()) {
            // Where nothing can be written, the next start may still find it when it reads.
            let _ = self.store().doubt();
        }
        self.announce(vec![Topic::Settings, Topic::Status]);
    }

    /// What is remembered.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The logins of its endpoints.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    /// What is so right now.
    pub fn live(&self) -> &Live {
        &self.inner.live
    }

    /// Hears what became stale, after it was committed.
    pub fn changed(&self) -> broadcast::Receiver<Changed> {
        self.inner.changed.subscribe()
    }

    /// Whether somebody looks: then changes are announced soon, else now and then.
    pub fn seen(&self, seen: bool) {
        self.inner
            .seen
            .send_replace(if seen { SEEN } else { HIDDEN });
    }

    /// Ends everything in order: no new polls, what is decided is on the disk.
    pub fn end(&self) {
        self.inner.beat.abort();
        if let Some(checking) = &self.inner.checking {
            checking.interrupt();
        }
        // Ended twice is ended.
        let _ = self.inner.events.send(Event::Shutdown);
        let owner = self
            .inner
            .owner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(owner) = owner else { return };
        let end = std::time::Instant::now() + LONGEST_END;
        while !owner.is_finished() && std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        // A poll that is just being given up may hold the store a moment longer; the next start need not wait for it.
        if owner.is_finished() {
            self.inner.store.close();
        }
    }

    /// Tells engines apart.
    pub(crate) fn name(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }

    /// Tells the screens what is stale without a fact.
    pub(crate) fn announce(&self, topics: Vec<Topic>) {
        let revision = {
            let mut present = self.inner.live.write();
            present.revision += 1;
            present.revision
        };
        // No window, nobody to tell.
        let _ = self.inner.changed.send(Changed { topics, revision });
    }

    /// Lets the owner do something and waits until it is on the disk.
    pub(crate) async fn ask<T>(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<T, ApiError>>) -> Ask,
    ) -> Result<T, ApiError> {
        let (reply, answer) = oneshot::channel();
        let ending = || {
            let why = self.live().read().read_only.clone();
            let closed = || "Mission Control is being closed.".to_owned();
            ApiError::new("ending", why.unwrap_or_else(closed))
        };
        self.inner
            .events
            .send(Event::Acted(ask(reply)))
            .map_err(|_| ending())?;
        answer.await.map_err(|_| ending())?
    }

    /// Asks an endpoint to cancel a task and says what became of it.
    pub(crate) async fn cancel(&self, task: TaskRef) -> Outcome {
        let (reply, answer) = oneshot::channel();
        let key = DecisionId::from(uuid::Uuid::now_v7().to_string());
        let sent = self
            .inner
            .events
            .send(Event::Acted(Ask::Cancel(task, key, reply)));
        match sent {
            Ok(()) => answer.await.ok(),
            Err(_) => None,
        }
        .unwrap_or_else(|| Outcome::Unknown("The connection was closed meanwhile.".to_owned()))
    }
}

fn real(dir: &Path) -> Connector {
    Connector::with_secrets(Secrets::new(dir))
}

/// Runs the owner. One that panics is started again from what is on the disk; what stopped it is left out.
fn supervise(parts: &Parts, mut events: Queue) {
    loop {
        let start = AssertUnwindSafe(|| Owner::start(parts.clone()));
        let owner = match catch_unwind(start) {
            Ok(Ok(owner)) => owner,
            Ok(Err(error)) => return cannot_start(parts, &error.to_string()),
            Err(_) => return cannot_start(parts, "What it remembers could not be read."),
        };
        if catch_unwind(AssertUnwindSafe(|| owner.run(&mut events))).is_ok() {
            return;
        }
    }
}

fn cannot_start(parts: &Parts, why: &str) {
    let sentence = format!("Mission Control has stopped inside and must be started again. {why}");
    cannot_write(&mut parts.live.write(), &parts.stale, sentence);
}

/// Says so where a long record takes its time: until it is read, nothing can be changed.
async fn tell_of_a_long_start(live: Live, stale: UnboundedSender<(Stale, u64)>) {
    tokio::time::sleep(LONG_START).await;
    let mut present = live.write();
    if !present.is_loaded {
        let sentence = "Mission Control is still reading what it remembers. Nothing can be changed until it is done.";
        cannot_write(&mut present, &stale, sentence.to_owned());
    }
}

fn cannot_write(present: &mut Present, stale: &UnboundedSender<(Stale, u64)>, why: String) {
    present.read_only = Some(why);
    present.revision += 1;
    let topics = [Topic::Status, Topic::Inbox];
    // Nobody is told when the engine is being stopped.
    let _ = stale.send((topics[..].into(), present.revision));
}

/// Notices that the machine slept.
async fn beat(events: Events) {
    let mut before = wall();
    loop {
        tokio::time::sleep(clock::BEAT).await;
        let now = wall();
        if let Some(slept_seconds) = clock::slept(before, now)
            && events.send(Event::Woke { slept_seconds }).is_err()
        {
            return;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests;

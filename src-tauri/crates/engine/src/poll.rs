//! The loop of one endpoint: ask, hand over what came, wait; between two polls deliver what the person decided.
//!
//! One request at a time goes to an endpoint. A loop that panics is started again after a pause and says so; what it
//! was asked to do stays in its queue. It decides nothing: what an answer means is the owner's.

use std::{sync::Arc, time::Duration};

use agents::{Answer, Delivery, Endpoint, Observation, Outcome, http::invalid};
use domain::{
    fact::{PollError, PollErrorKind},
    ids::{DecisionId, EndpointId, TaskId},
};
use store::breakpoint;
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    clock::wall,
    ear::Ear,
    live::Live,
    owner::{Event, Events, Parts},
    pace::{self, Pace, Went},
};

/// Connects to the endpoint of a loop, again after a panic.
pub(crate) type Connect =
    Arc<dyn Fn() -> Answer<'static, Result<Box<dyn Endpoint>, PollError>> + Send + Sync>;

/// When an endpoint whose login was not to be had is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// Between a poll and the next one that a stream asks for.
const EARLY: Duration = Duration::from_secs(1);

/// How many requests are under way at once, whoever they go to.
const LANES: usize = 12;
/// So many more for endpoints whose last answer was good: dead ones, however many, cannot keep them waiting.
const LANES_FOR_GOOD: usize = 4;

/// The requests that may be under way, shared by all loops.
#[derive(Clone)]
pub(crate) struct Lanes {
    all: Arc<Semaphore>,
    good: Arc<Semaphore>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(LANES)),
            good: Arc::new(Semaphore::new(LANES_FOR_GOOD)),
        }
    }
}

impl Lanes {
    /// Waits for a free one. The semaphores are never closed.
    async fn one(&self, is_good: bool) -> Option<OwnedSemaphorePermit> {
        let any = Arc::clone(&self.all).acquire_owned();
        if !is_good {
            return any.await.ok();
        }
        tokio::select! {
            biased;
            lane = any => lane.ok(),
            lane = Arc::clone(&self.good).acquire_owned() => lane.ok(),
        }
    }
}

/// What the owner asks of a loop.
pub(crate) enum Wish {
    /// Ask at once.
    Poll,
    /// The machine slept: what failed before no longer counts.
    Woke,
    /// Bring a decision.
    Deliver(Box<Delivery>),
    /// Ask to cancel a task.
    Cancel {
        /// Which.
        task: TaskId,
        /// Idempotency key.
        key: DecisionId,
        /// Gets what became of it.
        answer: oneshot::Sender<Outcome>,
    },
}

/// A running loop; it ends after its current request when this is dropped. Listening ends at once.
pub(crate) struct Poller {
    wishes: mpsc::UnboundedSender<Wish>,
    _listens: watch::Sender<()>,
}

impl Poller {
    /// Starts the loop.
    pub(crate) fn start(endpoint: EndpointId, connect: Connect, parts: &Parts) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (listens, end) = watch::channel(());
        let asked = Asked {
            endpoint,
            connect,
            events: parts.events.clone(),
            live: parts.live.clone(),
            slots: parts.slots,
            lanes: parts.lanes.clone(),
            wishes: Arc::new(Mutex::new(receiver)),
            end,
        };
        tokio::spawn(supervise(asked));
        Self {
            wishes: sender,
            _listens: listens,
        }
    }

    /// False when the loop has ended.
    pub(crate) fn wish(&self, wish: Wish) -> bool {
        self.wishes.send(wish).is_ok()
    }
}

#[derive(Clone)]
struct Asked {
    endpoint: EndpointId,
    connect: Connect,
    events: Events,
    live: Live,
    slots: Instant,
    lanes: Lanes,
    wishes: Arc<Mutex<mpsc::UnboundedReceiver<Wish>>>,
    end: watch::Receiver<()>,
}

async fn supervise(asked: Asked) {
    let mut pace = Pace::default();
    while let Err(stopped) = tokio::spawn(run(asked.clone())).await {
        if !stopped.is_panic() {
            return;
        }
        asked.say_failed(invalid("Its answer stopped our reader; it is asked again."));
        tokio::time::sleep(pace.next(Went::Bad { wish: Some(1) }, chance())).await;
    }
}

async fn run(asked: Asked) {
    let mut wishes = asked.wishes.lock().await;
    let Some(mut endpoint) = connected(&asked, &mut wishes).await else {
        return;
    };
    let mut pace = Pace::default();
    // Loops that begin together do not ask in one instant.
    let mut due = Instant::now() + Duration::from_millis(200).mul_f64(chance());
    let mut pages = 0;
    let mut ear = Ear::new(&asked.endpoint, &asked.live, asked.end.clone());
    let mut asked_at = due;
    loop {
        tokio::select! {
            biased;
            wish = wishes.recv() => match wish {
                None => return,
                Some(Wish::Poll) => due = Instant::now(),
                Some(Wish::Woke) => {
                    pace.forget();
                    ear.renew();
                    due = Instant::now();
                }
                Some(Wish::Deliver(delivery)) => {
                    ear.hang_up();
                    breakpoint("request-unsent");
                    let outcome = endpoint.deliver(&delivery).await;
                    breakpoint("answer-received");
                    // Whatever it was, the endpoint's state may have moved.
                    due = Instant::now();
                    let _ = asked.events.send(Event::Delivered { decision: delivery.id, outcome });
                }
                Some(Wish::Cancel { task, key, answer }) => {
                    ear.hang_up();
                    let outcome = endpoint.cancel(&task, &key).await;
                    due = Instant::now();
                    // The person may have closed the window meanwhile.
                    let _ = answer.send(outcome);
                }
            },
            () = sleep_until(due) => {
                let lane = asked.lanes.one(pace.is_good()).await;
                let went = asked.poll(&mut *endpoint, &mut pages, &mut ear).await;
                drop(lane);
                asked_at = Instant::now();
                let Some(went) = went else {
                    return;
                };
                let wait = pace::to_slot(asked.slots.elapsed(), pace.next(went, chance()));
                due = Instant::now() + wait;
                asked.live.pulse(&asked.endpoint, |pulse| {
                    pulse.next_poll_at = Some(wall() + wait);
                    pulse.pages_loaded = (went == Went::More).then_some(pages);
                    if pace.is_good() && went != Went::More {
                        pulse.interval_seconds = Some(wait.as_secs_f64().round());
                    }
                });
            }
            // What an endpoint in trouble asks for is not shortened by what it says elsewhere.
            () = ear.heard(), if pace.is_good() && pages == 0 => due = due.min(asked_at + EARLY),
        }
    }
}

/// Connects. What cannot be used stays like this until the person changes it; a login that was not to be had (a locked
/// keychain) is asked for again. `None` when nobody wants it any more.
async fn connected(
    asked: &Asked,
    wishes: &mut mpsc::UnboundedReceiver<Wish>,
) -> Option<Box<dyn Endpoint>> {
    loop {
        let error = match (asked.connect)().await {
            Ok(endpoint) => return Some(endpoint),
            Err(error) => error,
        };
        let may_mend = error.kind == PollErrorKind::Connect;
        asked.say_failed(error);
        let again = sleep(AGAIN);
        tokio::pin!(again);
        loop {
            tokio::select! {
                biased;
                wish = wishes.recv() => match wish? {
                    Wish::Poll | Wish::Woke if may_mend => break,
                    wish => asked.refuse(wish),
                },
                () = &mut again, if may_mend => break,
            }
        }
    }
}

impl Asked {
    /// One request; `None` when the owner is gone.
    async fn poll(
        &self,
        endpoint: &mut dyn Endpoint,
        pages: &mut u32,
        ear: &mut Ear,
    ) -> Option<Went> {
        let name = self.endpoint.clone();
        let (answer, taken) = oneshot::channel();
        ear.before_poll();
        match endpoint.observe().await {
            Ok(Observation::Unchanged) => {
                *pages = 0;
                ear.turn_to(endpoint.listening());
                self.events
                    .send(Event::Unchanged {
                        endpoint: name,
                        answer,
                    })
                    .ok()?;
                let taken = taken.await.ok()?;
                Some(Went::Good {
                    live: taken.live,
                    wish: None,
                })
            }
            Ok(Observation::Document {
                body,
                last,
                poll_after_seconds,
            }) => {
                self.events
                    .send(Event::Observed {
                        endpoint: name,
                        body,
                        last,
                        answer,
                    })
                    .ok()?;
                let taken = taken.await.ok()?;
                *pages = if last { 0 } else { *pages + 1 };
                if last {
                    ear.turn_to(endpoint.listening());
                }
                Some(match (taken.usable, last) {
                    (false, _) => Went::Bad { wish: None },
                    (true, false) => Went::More,
                    (true, true) => Went::Good {
                        live: taken.live,
                        wish: poll_after_seconds,
                    },
                })
            }
            Err(error) => {
                *pages = 0;
                ear.poll_failed(error.kind == PollErrorKind::Timeout);
                let wish = error.retry_after_seconds;
                self.events
                    .send(Event::Failed {
                        endpoint: name,
                        error,
                        answer: Some(answer),
                    })
                    .ok()?;
                taken.await.ok()?;
                Some(Went::Bad { wish })
            }
        }
    }

    fn say_failed(&self, error: PollError) {
        // No owner, nobody to tell.
        let _ = self.events.send(Event::Failed {
            endpoint: self.endpoint.clone(),
            error,
            answer: None,
        });
    }

    fn refuse(&self, wish: Wish) {
        let reason =
            "It cannot be reached now: its address or its login cannot be used.".to_owned();
        match wish {
            Wish::Poll | Wish::Woke => {}
            Wish::Deliver(delivery) => {
                let _ = self.events.send(Event::Delivered {
                    decision: delivery.id,
                    outcome: Outcome::Retry {
                        reason,
                        after_seconds: Some(60),
                        may_have_arrived: false,
                    },
                });
            }
            Wish::Cancel { answer, .. } => {
                let _ = answer.send(Outcome::Refused(reason));
            }
        }
    }
}

/// Anywhere in 0..1; the low bits of a v7 UUID are random.
pub(crate) fn chance() -> f64 {
    let bits = uuid::Uuid::now_v7().as_u128() as u64 & ((1 << 53) - 1);
    bits as f64 / (1_u64 << 53) as f64
}

//! The loop of one endpoint: ask, hand over what came, wait; between two polls deliver what the person decided.
//!
//! One request at a time goes to an endpoint, and what the person wishes for goes first: a poll that waits or is under way
//! then is dropped and made again after it. A loop that panics is started again after a pause and says so; what it was
//! asked to do stays in its queue. It decides nothing: what an answer means is the owner's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use agents::{Answer, Delivery, Endpoint, Observation, Outcome, http::invalid};
use domain::{
    fact::{PollError, PollErrorKind},
    ids::{DecisionId, EndpointId, TaskId},
    link::is_loopback_url,
};
use store::{breakpoint, tables::endpoints::EndpointRow};
use tokio::{
    runtime::Handle,
    sync::{Mutex, mpsc, oneshot, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    clock::wall,
    cost::{Cost, begin_to_count, count},
    ear::Ear,
    intake::{Ended, Intake, Known, Wanted, head},
    lanes::{Lanes, Manner},
    live::Live,
    owner::{Event, Events, Observed, Parts, Taken},
    pace::{self, Pace, Went},
};

/// Connects to the endpoint of a loop, again after a panic.
pub(crate) type Connect =
    Arc<dyn Fn() -> Answer<'static, Result<Box<dyn Endpoint>, PollError>> + Send + Sync>;

/// When an endpoint whose login was not to be had is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// A thread that reads is kept for so long for the next piece.
const IDLE: Duration = Duration::from_secs(1);

/// Of a last answer this much is kept for looking at.
const RAW: usize = 256 * 1024;
/// Said of an answer at which our own reader fell over.
const STOPPED: &str = "Its answer stopped our reader; it is asked again.";
/// Said of one that took too long.
const TOO_COSTLY: &str = "Its answer takes too much of this computer's time to read, so it was set aside. Its beginning is kept among the dead letters.";

/// Between a poll and the next one that a stream asks for.
const EARLY: Duration = Duration::from_secs(1);

/// What the owner asks of a loop.
pub(crate) enum Wish {
    /// Ask at once.
    Poll,
    /// The machine slept: what failed before no longer counts.
    Woke,
    /// Bring a decision.
    Deliver(DecisionId, Box<Delivery>),
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

/// A running loop. When this is dropped it ends, and whatever it is doing is let go, except a request that has an effect.
pub(crate) struct Poller {
    wishes: mpsc::UnboundedSender<Wish>,
    _listens: watch::Sender<()>,
    wanted: Wanted,
    /// Tells it from all loops before.
    pub(crate) turn: u64,
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.wanted.end();
    }
}

impl Poller {
    /// Starts the loop of that endpoint. `known`: what it said last.
    pub(crate) fn start(row: &EndpointRow, connect: Connect, known: &Known, parts: &Parts) -> Self {
        static TURNS: AtomicU64 = AtomicU64::new(0);
        let turn = TURNS.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::unbounded_channel();
        let (listens, end) = watch::channel(());
        let wanted = Wanted::default();
        let asked = Asked {
            endpoint: row.id.clone(),
            near: is_loopback_url(&row.url),
            connect,
            known: known.clone(),
            wanted: wanted.clone(),
            budget: parts.outside.limits.answer,
            turn,
            events: parts.events.clone(),
            live: parts.live.clone(),
            slots: parts.slots,
            lanes: parts.lanes.clone(),
            wishes: Arc::new(Mutex::new(receiver)),
            end,
        };
        begin(asked, &parts.runtime);
        Self {
            wishes: sender,
            _listens: listens,
            wanted,
            turn,
        }
    }

    /// Without a loop: whoever holds the wishes is the endpoint.
    #[cfg(test)]
    pub(crate) fn held() -> (Self, Wishes) {
        static TURNS: AtomicU64 = AtomicU64::new(1 << 32);
        let (wishes, held) = mpsc::unbounded_channel();
        let poller = Self {
            wishes,
            _listens: watch::channel(()).0,
            wanted: Wanted::default(),
            turn: TURNS.fetch_add(1, Ordering::Relaxed),
        };
        (poller, held)
    }

    /// False when the loop has ended.
    pub(crate) fn wish(&self, wish: Wish) -> bool {
        self.wishes.send(wish).is_ok()
    }
}

#[derive(Clone)]
struct Asked {
    endpoint: EndpointId,
    /// It is on this computer.
    near: bool,
    connect: Connect,
    known: Known,
    wanted: Wanted,
    /// Processor time for one answer.
    budget: Duration,
    turn: u64,
    events: Events,
    live: Live,
    slots: Instant,
    lanes: Lanes,
    wishes: Arc<Mutex<mpsc::UnboundedReceiver<Wish>>>,
    end: watch::Receiver<()>,
}

/// In a thread of its own: what an endpoint costs here can be told, whatever it does to our HTTP client, and who sends without
/// end takes that time from no other. Where no thread is to be had, it shares those of all.
fn begin(asked: Asked, shared: &Handle) {
    let own = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(IDLE)
        .build()
        .and_then(|runtime| {
            let asked = asked.clone();
            std::thread::Builder::new()
                .name("endpoint".to_owned())
                .spawn(move || {
                    begin_to_count();
                    runtime.block_on(supervise(asked));
                })
        });
    if own.is_err() {
        shared.spawn(supervise(asked));
    }
}

async fn supervise(asked: Asked) {
    let mut pace = Pace::default();
    while let Err(stopped) = tokio::spawn(run(asked.clone())).await {
        if !stopped.is_panic() {
            return;
        }
        asked.say_failed(invalid(STOPPED));
        tokio::time::sleep(pace.next(Went::Bad { wish: Some(1) }, chance())).await;
    }
}

async fn run(asked: Asked) {
    let mut wishes = asked.wishes.lock().await;
    let Some(endpoint) = connected(&asked, &mut wishes).await else {
        return;
    };
    // A loop of before may have ended in the middle of a list.
    Intake::new(&asked.known, &asked.wanted, asked.budget)
        .give_up()
        .await;
    let ear = Ear::new(&asked.endpoint, &asked.live, asked.end.clone());
    // Loops that begin together do not ask in one instant.
    let first = Instant::now() + Duration::from_millis(200).mul_f64(chance());
    let mut line = Line {
        asked: &asked,
        endpoint,
        ear,
        pace: Pace::default(),
        manner: Manner::New,
        pages: 0,
        list_at: None,
        due: first,
        asked_at: first,
        wished: false,
    };
    // It ends when nobody can wish for anything any more.
    while line.step(&mut wishes).await.is_some() {}
}

/// An endpoint that is asked.
struct Line<'a> {
    asked: &'a Asked,
    endpoint: Box<dyn Endpoint>,
    ear: Ear,
    pace: Pace,
    manner: Manner,
    /// Read so far of a list that has more.
    pages: u32,
    /// When the first page of a list that has more was asked for.
    list_at: Option<Instant>,
    due: Instant,
    asked_at: Instant,
    /// The person waits for the next poll.
    wished: bool,
}

pub(crate) type Wishes = mpsc::UnboundedReceiver<Wish>;
type Answered = Result<Observation, PollError>;

/// What a poll came to.
enum Poll {
    /// This, asked for then.
    Answered(Answered, Instant),
    /// Something else goes first. Whether it was under way.
    Dropped(Wish, bool),
}

impl Line<'_> {
    /// The next thing to do. `None`: there is nobody to do it for.
    async fn step(&mut self, wishes: &mut Wishes) -> Option<()> {
        tokio::select! {
            biased;
            wish = wishes.recv() => self.carry_out(wish?).await,
            () = sleep_until(self.due) => match self.poll(wishes).await? {
                Poll::Dropped(wish, began) => {
                    if began {
                        self.endpoint.dropped();
                        self.pages = 0;
                    }
                    self.carry_out(wish).await;
                }
                Poll::Answered(answer, began) => self.answered(answer, began, wishes).await?,
            },
            // What an endpoint in trouble asks for is not shortened by what it says elsewhere.
            () = self.ear.heard(), if self.pace.is_good() && self.pages == 0 => {
                self.due = self.due.min(self.asked_at + EARLY);
            }
        }
        Some(())
    }

    /// Whatever it was, the endpoint's state may have moved: it is asked next.
    async fn carry_out(&mut self, wish: Wish) {
        match wish {
            Wish::Poll => self.wished = true,
            Wish::Woke => {
                self.pace.forget();
                self.ear.renew();
                if self.manner == Manner::Failing {
                    self.manner = Manner::New;
                }
            }
            Wish::Deliver(decision, delivery) => {
                self.ear.hang_up();
                breakpoint("request-unsent");
                let outcome = self.endpoint.deliver(&delivery).await;
                breakpoint("answer-received");
                let _ = self
                    .asked
                    .events
                    .send(Event::Delivered { decision, outcome });
            }
            Wish::Cancel { task, key, answer } => {
                self.ear.hang_up();
                let outcome = self.endpoint.cancel(&task, &key).await;
                // The person may have closed the window meanwhile.
                let _ = answer.send(outcome);
            }
        }
        self.due = Instant::now();
    }

    /// One request, as soon as there is room for it; what the person waits for needs none.
    async fn poll(&mut self, wishes: &mut Wishes) -> Option<Poll> {
        let mut lane = None;
        let wished = self.wished;
        // Who waits for a poll waits for a whole one: the rest of a list that was begun before is none.
        self.wished &= self.pages > 0;
        if !wished {
            let room = self.asked.lanes.one(self.manner);
            tokio::select! {
                biased;
                wish = wishes.recv() => return Some(Poll::Dropped(wish?, false)),
                found = room => lane = found,
            }
        }
        self.ear.before_poll();
        let began = Instant::now();
        let until = lane.as_ref().and_then(|lane| lane.until);
        let until = until.map(|until| began + until);
        let mut observed = self.endpoint.observe();
        loop {
            tokio::select! {
                biased;
                wish = wishes.recv() => match wish? {
                    // Once more after this.
                    Wish::Poll => self.wished = true,
                    wish => return Some(Poll::Dropped(wish, true)),
                },
                answer = &mut observed => return Some(Poll::Answered(answer, began)),
                () = sleep_until(until.unwrap_or(began)), if until.is_some() && lane.is_some() => {
                    lane = None;
                }
            }
        }
    }

    /// Hands over what came. Deliveries go on meanwhile.
    async fn answered(
        &mut self,
        answer: Answered,
        began: Instant,
        wishes: &mut Wishes,
    ) -> Option<()> {
        self.asked_at = Instant::now();
        let took = self.asked_at - began;
        if let Err(error) = &answer {
            self.ear.poll_failed(error.kind == PollErrorKind::Timeout);
        }
        let is_good = answer.is_ok();
        let goes_on = matches!(answer, Ok(Observation::Document { last: false, .. }));
        let whole = match (is_good, goes_on) {
            (true, false) => Some(self.list_at.take().unwrap_or(began)),
            (true, true) => {
                self.list_at.get_or_insert(began);
                None
            }
            // What was begun before may go on where it was.
            (false, _) => None,
        };
        let mut at_once = self.wished;
        let went = {
            let asked = self.asked;
            let taking = asked.take_in(answer, whole);
            tokio::pin!(taking);
            loop {
                tokio::select! {
                    biased;
                    wish = wishes.recv() => {
                        self.carry_out(wish?).await;
                        at_once = true;
                    }
                    went = &mut taking => break went?,
                }
            }
        };
        if is_good && !goes_on {
            self.ear.turn_to(self.endpoint.listening());
        }
        if !went.kept {
            self.endpoint.tell_again();
        }
        // A list that was begun before it failed or slept says nothing of now; what waits for it is not kept waiting.
        at_once |= whole.is_some() && !went.heard && !matches!(went.went, Went::Bad { .. });
        let went = went.went;
        self.pages = match went {
            Went::More if goes_on => self.pages + 1,
            _ => 0,
        };
        self.pace.near = self.asked.near && !self.ear.is_open();
        self.manner = Manner::of(!matches!(went, Went::Bad { .. }), took);
        let wait = pace::to_slot(self.asked.slots.elapsed(), self.pace.next(went, chance()));
        let wait = if at_once { Duration::ZERO } else { wait };
        self.due = Instant::now() + wait;
        let (pages, is_good) = (self.pages, self.pace.is_good());
        self.asked.live.pulse(&self.asked.endpoint, |pulse| {
            pulse.next_poll_at = Some(wall() + wait);
            pulse.pages_loaded = (went == Went::More).then_some(pages);
            if is_good && went != Went::More {
                pulse.interval_seconds = Some(wait.as_secs_f64().round());
            }
        });
        Some(())
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
    /// Hands over what came; `None` when the owner is gone.
    async fn take_in(&self, answer: Answered, whole: Option<Instant>) -> Option<Handed> {
        match answer {
            Ok(Observation::Unchanged) => {
                let taken = self.unchanged(poll_of(0), whole).await?;
                Some(Handed::good(taken, None))
            }
            Ok(Observation::Document {
                body,
                last,
                poll_after_seconds,
            }) => {
                let mut intake = Intake::new(&self.known, &self.wanted, self.budget);
                match self.document(&mut intake, body, last, whole).await? {
                    Ok(taken) if !taken.kept => {
                        intake.give_up().await;
                        Some(Handed {
                            went: Went::Bad { wish: None },
                            kept: false,
                            heard: false,
                        })
                    }
                    Ok(_) if !last => Some(Handed {
                        went: Went::More,
                        kept: true,
                        heard: false,
                    }),
                    Ok(taken) => Some(Handed::good(taken, poll_after_seconds)),
                    Err((ended, cost)) => {
                        intake.give_up().await;
                        self.set_aside(ended, cost).await
                    }
                }
            }
            Err(error) => {
                let wish = error.retry_after_seconds;
                self.failed(error, None, poll_of(0)).await?;
                Some(Handed {
                    went: Went::Bad { wish },
                    kept: true,
                    heard: false,
                })
            }
        }
    }

    /// Reads a body and hands over what is new, piece by piece.
    async fn document(
        &self,
        intake: &mut Intake,
        body: String,
        last: bool,
        whole: Option<Instant>,
    ) -> Option<Result<Taken, (Ended, Cost)>> {
        // What this answer costs, as far as it is not told yet.
        let mut cost = poll_of(body.len());
        let mut turn = self.lanes.reading(body.len()).await;
        self.raw(&body);
        let pieces = match intake.news(body, last).await {
            Ok(pieces) => pieces,
            Err(ended) => {
                cost.reading = intake.spent;
                return Some(Err((ended, cost)));
            }
        };
        let mut told = Duration::ZERO;
        let mut taken = None;
        let mut pieces = pieces.into_iter().peekable();
        while let Some(text) = pieces.next() {
            let read = intake.read(text).await;
            cost.reading = intake.spent - told;
            told = intake.spent;
            let (text, piece) = match read {
                Ok(read) => read,
                Err(ended) => return Some(Err((ended, cost))),
            };
            cost.items = piece.items();
            let (answer, answered) = oneshot::channel();
            let observed = Observed {
                endpoint: self.endpoint.clone(),
                turn: self.turn,
                text,
                piece,
                cost: std::mem::take(&mut cost),
                whole: whole.filter(|_| pieces.peek().is_none()),
                answer,
            };
            self.events.send(Event::Observed(observed)).ok()?;
            if pieces.peek().is_none() {
                // All is read: others may read while this is written.
                turn = None;
            }
            let known = answered.await.ok()?;
            if !known.kept {
                return Some(Ok(known));
            }
            taken = Some(known);
        }
        if let Some(taken) = taken {
            return Some(Ok(taken));
        }
        cost.reading = intake.spent;
        drop(turn);
        self.unchanged(cost, whole).await.map(Ok)
    }

    /// An answer that is not taken in says why.
    async fn set_aside(&self, ended: Ended, cost: Cost) -> Option<Handed> {
        let (why, letter) = match ended {
            Ended::Unwanted => return None,
            Ended::Unusable(message) => (message, None),
            Ended::Stopped => (STOPPED.to_owned(), None),
            Ended::TooCostly => {
                let live = self.live.read();
                let pulse = live.endpoints.get(&self.endpoint);
                let raw = pulse.and_then(|pulse| pulse.raw.as_deref());
                (
                    TOO_COSTLY.to_owned(),
                    Some(head(raw.unwrap_or_default()).to_owned()),
                )
            }
        };
        self.failed(invalid(why), letter, cost).await?;
        Some(Handed {
            went: Went::Bad { wish: None },
            kept: false,
            heard: false,
        })
    }

    /// Keeps the beginning for looking at.
    fn raw(&self, body: &str) {
        let mut end = body.len().min(RAW);
        while !body.is_char_boundary(end) {
            end -= 1;
        }
        let raw: Arc<str> = body.get(..end).unwrap_or_default().into();
        self.live.pulse(&self.endpoint, |pulse| {
            pulse.raw = Some(raw);
            pulse.raw_at = Some(wall());
        });
    }

    async fn unchanged(&self, cost: Cost, whole: Option<Instant>) -> Option<Taken> {
        let (answer, taken) = oneshot::channel();
        let event = Event::Unchanged {
            endpoint: self.endpoint.clone(),
            turn: self.turn,
            cost,
            whole,
            answer,
        };
        self.events.send(event).ok()?;
        taken.await.ok()
    }

    async fn failed(&self, error: PollError, letter: Option<String>, cost: Cost) -> Option<Taken> {
        let (answer, taken) = oneshot::channel();
        let event = Event::Failed {
            endpoint: self.endpoint.clone(),
            turn: self.turn,
            error,
            letter,
            cost,
            answer: Some(answer),
        };
        self.events.send(event).ok()?;
        taken.await.ok()
    }

    fn say_failed(&self, error: PollError) {
        // No owner, nobody to tell.
        let _ = self.events.send(Event::Failed {
            endpoint: self.endpoint.clone(),
            turn: self.turn,
            error,
            letter: None,
            cost: Cost::default(),
            answer: None,
        });
    }

    fn refuse(&self, wish: Wish) {
        let reason =
            "It cannot be reached now: its address or its login cannot be used.".to_owned();
        match wish {
            Wish::Poll | Wish::Woke => {}
            Wish::Deliver(decision, _) => {
                let _ = self.events.send(Event::Delivered {
                    decision,
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

/// What became of an answer.
struct Handed {
    went: Went,
    /// All of it is where it is kept.
    kept: bool,
    /// See [`Taken::heard`].
    heard: bool,
}

impl Handed {
    fn good(taken: Taken, wish: Option<u32>) -> Self {
        Self {
            went: Went::Good {
                live: taken.live,
                wish,
            },
            kept: taken.kept,
            heard: taken.heard,
        }
    }
}

/// One poll that brought so many bytes, with what this thread has spent since the last one.
fn poll_of(bytes: usize) -> Cost {
    Cost {
        polls: 1,
        bytes: bytes as u64,
        asking: count(),
        ..Cost::default()
    }
}

/// Anywhere in 0..1; the low bits of a v7 UUID are random.
pub(crate) fn chance() -> f64 {
    let bits = uuid::Uuid::now_v7().as_u128() as u64 & ((1 << 53) - 1);
    bits as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
#[allow(clippy::expect_used, clippy::panic)]
// Outside `#[test]` functions the lint does not know that this is a test.
mod tests;

//! Listening beside the polls of one endpoint: at most one stream, and whatever it says only makes the next poll come
//! early. Nothing here becomes a fact; an engine that hears nothing comes to the same end, later.

use std::{sync::Arc, time::Duration};

use agents::{Ended, Heard, Listening};
use domain::ids::EndpointId;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep_until},
};

use crate::{
    live::{Hears, Live},
    pace,
    poll::chance,
};

/// A stream that was open for so long was a good one.
const GOOD: Duration = Duration::from_secs(30);
/// So many things in a row that it refused to tell of, and nothing more is asked for until it is connected anew.
const REFUSALS: u32 = 3;
/// So many polls in a row that did not come back in time while it was listened to: it has one worker, and we kept it busy.
const LATE: u32 = 2;

/// What is listened to now.
#[derive(Clone, Default)]
struct Aim {
    listening: Option<Listening>,
    /// Grows when streams of before count no more.
    turn: u64,
    given_up: bool,
}

/// The ear of a loop; dropping it hangs up.
pub(crate) struct Ear {
    aim: watch::Sender<Aim>,
    woken: Arc<Notify>,
    live: Live,
    endpoint: EndpointId,
    was_open: bool,
    /// Polls in a row that did not come back in time while it was listened to.
    late: u32,
}

impl Ear {
    /// Ready to listen, until this is dropped or `end` is.
    pub(crate) fn new(endpoint: &EndpointId, live: &Live, mut end: watch::Receiver<()>) -> Self {
        let (aim, aimed) = watch::channel(Aim::default());
        let woken = Arc::new(Notify::new());
        let ear = Self {
            aim,
            woken: Arc::clone(&woken),
            live: live.clone(),
            endpoint: endpoint.clone(),
            was_open: false,
            late: 0,
        };
        let (endpoint, live) = (endpoint.clone(), live.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = listen(aimed, &woken, |hears| tell(&live, &endpoint, hears)) => {}
                // Nobody is ever told anything: it is dropped, at once, also while a poll is still under way.
                _ = end.changed() => {}
            }
        });
        ear
    }

    /// Something was heard since it was asked last.
    pub(crate) async fn heard(&self) {
        self.woken.notified().await;
    }

    /// A poll begins.
    pub(crate) fn before_poll(&mut self) {
        self.was_open = self.is_open();
    }

    /// A poll was answered well: this is what can be listened to.
    pub(crate) fn turn_to(&mut self, listening: Option<Listening>) {
        if self.was_open {
            self.late = 0;
        }
        self.aim(listening);
    }

    /// A poll failed: whoever is in trouble is not listened to until the next good one.
    pub(crate) fn poll_failed(&mut self, timed_out: bool) {
        if timed_out && self.was_open {
            self.late += 1;
        }
        self.aim(None);
    }

    /// Something is sent that has an effect: the only worker of a server must not be busy with us then.
    pub(crate) fn hang_up(&mut self) {
        self.aim(None);
    }

    /// The machine slept: what was open is dead, though nobody said so.
    pub(crate) fn renew(&mut self) {
        self.late = 0;
        self.aim.send_modify(|aim| aim.turn += 1);
    }

    fn aim(&mut self, listening: Option<Listening>) {
        let given_up = self.late >= LATE;
        let listening = listening.filter(|_| !given_up);
        self.aim.send_if_modified(|aim| {
            let is_new = aim.listening != listening || aim.given_up != given_up;
            aim.listening = listening;
            aim.given_up = given_up;
            is_new
        });
    }

    /// It tells of what happens there.
    pub(crate) fn is_open(&self) -> bool {
        let live = self.live.read();
        let pulse = live.endpoints.get(&self.endpoint);
        pulse.is_some_and(|pulse| pulse.hears == Hears::Open)
    }
}

/// Says how it stands, unless nobody follows that endpoint any more.
fn tell(live: &Live, endpoint: &EndpointId, hears: Hears) {
    if let Some(pulse) = live.write().endpoints.get_mut(endpoint) {
        pulse.hears = hears;
    }
}

/// Listens to what it is turned to, again and again; ends with its owner.
async fn listen(
    mut aimed: watch::Receiver<Aim>,
    woken: &Notify,
    tell: impl Fn(Hears) + Send + Sync,
) {
    let (mut failures, mut refused, mut turn) = (0_u32, 0_u32, 0);
    let mut not_before = Instant::now();
    loop {
        let aim = aimed.borrow_and_update().clone();
        if aim.turn != turn {
            (failures, refused, not_before, turn) = (0, 0, Instant::now(), aim.turn);
        }
        let deaf = aim.given_up || refused >= REFUSALS;
        let Some(listening) = aim.listening.filter(|_| !deaf) else {
            tell(if deaf { Hears::Refused } else { Hears::Nothing });
            if aimed.changed().await.is_err() {
                return;
            }
            continue;
        };
        tokio::select! {
            changed = aimed.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = sleep_until(not_before) => {}
        }
        let began = Instant::now();
        let heard = |heard| {
            if heard == Heard::Open {
                tell(Hears::Open);
            }
            woken.notify_one();
        };
        let ended = tokio::select! {
            changed = aimed.changed() => match changed {
                // It was no fault of the stream.
                Ok(()) => {
                    failures = 0;
                    continue;
                }
                Err(_) => return,
            },
            ended = listening.listen(&heard) => ended,
        };
        match ended {
            Ended::Refused => {
                refused += 1;
                tell(Hears::Refused);
                if aimed.changed().await.is_err() {
                    return;
                }
            }
            Ended::Broken { after_seconds } => {
                tell(Hears::Broken);
                refused = 0;
                failures = if began.elapsed() < GOOD {
                    failures + 1
                } else {
                    1
                };
                let ceiling = pace::backoff_ceiling(failures);
                let least = after_seconds.map_or(ceiling / 2, Duration::from_secs);
                not_before = Instant::now() + least + (ceiling / 2).mul_f64(chance());
            }
        }
    }
}

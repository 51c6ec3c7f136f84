//! From a body to what is new in it, beside the thread that owns the state: read and compared here, in pieces that the
//! owner commits one after the other with other events between.
//!
//! What is known of an endpoint advances only by what the owner has committed. Believes nothing, judges nothing.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use domain::delta::{Differ, Most, Piece, Refused};

use crate::cost::cpu;

/// What is committed at once: some tens of milliseconds, so that a decision never waits long.
const PIECE: Most = Most {
    items: 100,
    bytes: 256 * 1024,
};

/// What an endpoint said last, lent to whoever reads for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    differ: Arc<Mutex<Differ>>,
}

impl From<Differ> for Known {
    fn from(differ: Differ) -> Self {
        Self {
            differ: Arc::new(Mutex::new(differ)),
        }
    }
}

impl Known {
    /// `None` while a reading is under way.
    pub(crate) fn idle(&self) -> Option<MutexGuard<'_, Differ>> {
        self.differ.try_lock().ok()
    }

    /// Waits while another reading is under way.
    pub(crate) fn differ(&self) -> MutexGuard<'_, Differ> {
        self.differ.lock().unwrap_or_else(|stopped| {
            self.differ.clear_poison();
            let mut differ = PoisonError::into_inner(stopped);
            // A reader that stopped in the middle may have noted pages that nobody was told of.
            differ.forget_pages();
            differ
        })
    }
}

/// Whether anybody still wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// From now on nobody does.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One answer on its way in.
pub(crate) struct Intake {
    known: Known,
    wanted: Wanted,
    /// Processor time it may take.
    most: Duration,
    /// Processor time it took so far.
    pub(crate) spent: Duration,
}

/// Why a reading ended early.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    /// It cannot be used, in a sentence.
    Unusable(String),
    /// It costs too much.
    TooCostly,
    /// Nobody wants it any more.
    Unwanted,
    /// The reader itself stopped.
    Stopped,
}

impl Intake {
    pub(crate) fn new(known: &Known, wanted: &Wanted, most: Duration) -> Self {
        Self {
            known: known.clone(),
            wanted: wanted.clone(),
            most,
            spent: Duration::ZERO,
        }
    }

    /// What is new in a body, in pieces.
    pub(crate) async fn news(&mut self, body: String, last: bool) -> Result<Vec<String>, Ended> {
        let (wanted, most) = (self.wanted.clone(), self.most);
        let found = self.work(move |differ| {
            let began = cpu();
            let too_costly = || cpu() - began > most;
            let go_on = || !wanted.is_over() && !too_costly();
            match differ.news(&body, last, PIECE, &go_on) {
                Ok(_) if too_costly() => {
                    differ.forget_pages();
                    Err(Ended::TooCostly)
                }
                Ok(found) => Ok(found),
                Err(Refused::Unusable(problem)) => Err(Ended::Unusable(problem.message)),
                Err(Refused::Stopped) if wanted.is_over() => Err(Ended::Unwanted),
                Err(Refused::Stopped) => Err(Ended::TooCostly),
            }
        });
        found.await?
    }

    /// Reads one piece.
    pub(crate) async fn read(&mut self, text: String) -> Result<(String, Arc<Piece>), Ended> {
        if self.spent > self.most {
            return Err(Ended::TooCostly);
        }
        let read = self.work(move |differ| (differ.look_at(&text).map(Arc::new), text));
        match read.await? {
            (Some(piece), text) => Ok((text, piece)),
            (None, _) => Err(Ended::Stopped),
        }
    }

    /// Not all of it was committed.
    pub(crate) async fn give_up(&mut self) {
        // A reader that stopped has forgotten already.
        let _ = self.work(Differ::forget_pages).await;
    }

    async fn work<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Differ) -> T + Send + 'static,
    ) -> Result<T, Ended> {
        let known = self.known.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut differ = known.differ();
            let began = cpu();
            let done = work(&mut differ);
            (done, cpu() - began)
        });
        let (done, took) = done.await.map_err(|_| Ended::Stopped)?;
        self.spent += took;
        Ok(done)
    }
}

/// Kept of an answer that is set aside.
const KEPT: usize = 64 * 1024;

/// The beginning of a body, cut between characters.
pub(crate) fn head(body: &str) -> &str {
    let mut end = body.len().min(KEPT);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    body.get(..end).unwrap_or_default()
}

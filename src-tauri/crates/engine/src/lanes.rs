//! How many requests and readings are under way at once, whoever they are for. Each manner of answering has lanes of its
//! own: those who answer late, fail, or were never asked cannot keep those waiting who answer at once.
//!
//! Decides nothing about when an endpoint is asked, and holds up nothing that the person wishes for.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// An answer that takes longer is a late one.
const QUICK: Duration = Duration::from_secs(2);
/// After this a request of one that was quick, or is new, only waits, and makes room for others: fifty that hang all at
/// once keep the last one of them waiting for two seconds, and only once.
const HELD: Duration = Duration::from_millis(250);

/// Lanes of each manner; sixteen requests in all, beside those that outlasted their lane.
const QUICK_LANES: usize = 6;
const NEW_LANES: usize = 4;
const LATE_LANES: usize = 3;
const FAILING_LANES: usize = 3;

/// A body up to this size is read soon: that takes some milliseconds.
const SMALL: usize = 1024 * 1024;
/// Small bodies read at once.
const SMALL_READINGS: usize = 2;

/// How an endpoint answered last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It was not asked yet.
    #[default]
    New,
    /// Well, and soon.
    Quick,
    /// Well, but late.
    Late,
    /// Not well.
    Failing,
}

impl Manner {
    /// Of an answer that took so long.
    pub(crate) fn of(is_good: bool, took: Duration) -> Self {
        match is_good {
            false => Self::Failing,
            true if took <= QUICK => Self::Quick,
            true => Self::Late,
        }
    }
}

/// Shared by all loops.
#[derive(Clone)]
pub(crate) struct Lanes {
    new: Arc<Semaphore>,
    quick: Arc<Semaphore>,
    late: Arc<Semaphore>,
    failing: Arc<Semaphore>,
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// Room for one request.
pub(crate) struct Lane {
    _room: OwnedSemaphorePermit,
    /// After this the request goes on without it: it only waits by then, and the room is there for others.
    pub(crate) until: Option<Duration>,
}

impl Default for Lanes {
    fn default() -> Self {
        let lanes = |number| Arc::new(Semaphore::new(number));
        Self {
            new: lanes(NEW_LANES),
            quick: lanes(QUICK_LANES),
            late: lanes(LATE_LANES),
            failing: lanes(FAILING_LANES),
            small: lanes(SMALL_READINGS),
            // One endpoint's large body never takes more than one core.
            large: lanes(1),
        }
    }
}

impl Lanes {
    /// Waits for a free one. The semaphores are never closed.
    pub(crate) async fn one(&self, manner: Manner) -> Option<Lane> {
        let (lanes, until) = match manner {
            Manner::New => (&self.new, Some(HELD)),
            Manner::Quick => (&self.quick, Some(HELD)),
            Manner::Late => (&self.late, None),
            Manner::Failing => (&self.failing, None),
        };
        let room = Arc::clone(lanes).acquire_owned().await.ok()?;
        Some(Lane { _room: room, until })
    }

    /// Waits for the turn to read a body of so many bytes.
    pub(crate) async fn reading(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let readings = if bytes <= SMALL {
            &self.small
        } else {
            &self.large
        };
        Arc::clone(readings).acquire_owned().await.ok()
    }
}

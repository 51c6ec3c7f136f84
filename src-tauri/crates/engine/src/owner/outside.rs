//! What the owner takes from outside: the time, chance, and whoever asks an endpoint. Plain functions, so that a test can
//! hand in its own. Decides nothing.

use domain::{ids::EndpointId, time::Time};

use super::{Owner, Parts};
use crate::{
    clock,
    intake::Known,
    poll::{self, Connect, Poller},
};

/// See [`Outside::default`] for what runs in the app.
#[derive(Clone, Copy)]
pub(crate) struct Outside {
    /// The wall clock.
    pub(crate) wall: fn() -> Time,
    /// Anywhere in 0..1.
    pub(crate) chance: fn() -> f64,
    /// Begins to ask an endpoint.
    pub(crate) ask: fn(EndpointId, Connect, &Known, &Parts) -> Poller,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            wall: clock::wall,
            chance: poll::chance,
            ask: Poller::start,
        }
    }
}

impl Owner {
    pub(super) fn wall(&self) -> Time {
        (self.parts.outside.wall)()
    }
}

//! What the owner takes from outside: the time, chance, whoever asks an endpoint, and what that may cost. Plain functions and
//! numbers, so that a test can hand in its own. Decides nothing.

use domain::time::Time;
use store::tables::endpoints::EndpointRow;

use super::{Owner, Parts};
use crate::{
    clock,
    cost::Limits,
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
    pub(crate) ask: fn(&EndpointRow, Connect, &Known, &Parts) -> Poller,
    /// What an endpoint may cost.
    pub(crate) limits: Limits,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            wall: clock::wall,
            chance: poll::chance,
            ask: Poller::start,
            limits: Limits::default(),
        }
    }
}

impl Owner {
    pub(super) fn wall(&self) -> Time {
        (self.parts.outside.wall)()
    }
}

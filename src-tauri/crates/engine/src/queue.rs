//! What the owner does next: what the person did, what became of deliveries, and time come before what polls brought,
//! however much of that waits.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

use crate::owner::Event;

/// Events in the order they are taken in.
pub(crate) struct Queue {
    events: Receiver<Event>,
    polls: VecDeque<Event>,
}

impl Queue {
    pub(crate) fn new(events: Receiver<Event>) -> Self {
        Self {
            events,
            polls: VecDeque::new(),
        }
    }

    /// The next one, waited for so long. Each loop waits for its answer, so that few polls wait here.
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Event, RecvTimeoutError> {
        while let Ok(event) = self.events.try_recv() {
            if !event.is_of_a_poll() {
                return Ok(event);
            }
            self.polls.push_back(event);
        }
        match self.polls.pop_front() {
            Some(event) => Ok(event),
            None => self.events.recv_timeout(wait),
        }
    }
}

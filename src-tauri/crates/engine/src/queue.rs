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
    /// Comes before all polls.
    first: Option<Event>,
    polls: VecDeque<Event>,
}

impl Queue {
    pub(crate) fn new(events: Receiver<Event>) -> Self {
        Self {
            events,
            first: None,
            polls: VecDeque::new(),
        }
    }

    /// The next one, waited for so long. Each loop waits for its answer, so that few polls wait here.
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Event, RecvTimeoutError> {
        self.look();
        let next = self.first.take().or_else(|| self.polls.pop_front());
        next.map_or_else(|| self.events.recv_timeout(wait), Ok)
    }

    /// The next one, when it is there and of a poll.
    pub(crate) fn next_of_polls(&mut self) -> Option<Event> {
        self.look();
        self.polls.pop_front_if(|_| self.first.is_none())
    }

    /// Sorts what has come, up to what comes first.
    fn look(&mut self) {
        while self.first.is_none()
            && let Ok(event) = self.events.try_recv()
        {
            match event.polled() {
                Some(_) => self.polls.push_back(event),
                None => self.first = Some(event),
            }
        }
    }
}

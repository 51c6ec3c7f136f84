//! When the disk does not let us write. What could not be written is kept and tried again until it is; then everything
//! goes on where it stopped, without a restart, and nothing is read again.
//!
//! Little has to be kept, because nothing more is taken in meanwhile: what an endpoint answered waits in its loop, which
//! asks nothing more until it was taken in, and what the person asks for is refused with the reason.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{change::Change, ids::EndpointId, time::Time};
use store::{
    Tx,
    tables::{facts, facts::FactKind, settings},
};

use super::{Event, Owner, write_counts};
use crate::api::{ApiError, views::Topic};

/// The first wait before writing is tried again; each next one is twice as long.
const SOON: Duration = Duration::from_millis(250);
const LATEST: Duration = Duration::from_secs(5);
/// Of events that nobody waits for, so many are kept.
const KEPT: usize = 1024;
/// What is written to see whether anything can be, when nothing is kept.
const TRIAL: &str = "written-again-at";

/// What is written with a fact.
type Also = Box<dyn Fn(&Tx<'_>) -> store::Result<()> + Send + Sync>;

/// A fact with what it changes and what belongs to it: one transaction, which can be tried again.
pub(super) struct Entry {
    pub(super) at: Time,
    pub(super) kind: FactKind,
    pub(super) endpoint: Option<EndpointId>,
    pub(super) text: String,
    pub(super) changes: Vec<Change>,
    /// Good and bad polls counted meanwhile: they cost no transaction of their own.
    pub(super) polls: Option<(EndpointId, Time, u32, u32)>,
    pub(super) also: Also,
}

impl Entry {
    /// Gives its number in the log.
    pub(super) fn write(&self, tx: &Tx<'_>) -> store::Result<u64> {
        let seq = facts::append(tx, self.at, self.kind, self.endpoint.as_ref(), &self.text)?;
        write_counts(tx, self.polls.as_slice())?;
        store::apply_all(tx, &self.changes)?;
        (self.also)(tx)?;
        Ok(seq)
    }
}

/// Nothing can be written.
pub(super) struct Stuck {
    /// In words.
    why: String,
    /// Taken in and not written, in their order: what was under way when it stopped.
    unwritten: VecDeque<Arc<Entry>>,
    /// Written meanwhile, and not said yet.
    written: Vec<(u64, Arc<Entry>)>,
    /// Written and said, but what follows from it is not done.
    unanswered: Vec<Arc<Entry>>,
    /// What came meanwhile.
    waiting: VecDeque<Event>,
    again_at: Instant,
    wait: Duration,
}

impl Owner {
    /// The write failed. What keeps everything from being written is said and waited for; a change that fails by itself
    /// is not tried again.
    pub(super) fn stuck_on(&mut self, error: &store::Error) {
        if !error.stops_all() {
            return;
        }
        let why = error.to_string();
        match &mut self.stuck {
            Some(stuck) => {
                stuck.wait = (stuck.wait * 2).min(LATEST);
                stuck.again_at = Instant::now() + stuck.wait;
                if stuck.why == why {
                    return;
                }
                stuck.why.clone_from(&why);
            }
            None => {
                self.stuck = Some(Stuck {
                    why: why.clone(),
                    unwritten: VecDeque::new(),
                    written: vec![],
                    unanswered: vec![],
                    waiting: VecDeque::new(),
                    again_at: Instant::now() + SOON,
                    wait: SOON,
                });
            }
        }
        self.tell_read_only(Some(format!(
            "Nothing can be saved now. {why} What is shown is what was saved last. It goes on by itself as soon as it can."
        )));
    }

    /// Says why nothing can be saved, or that it can.
    pub(super) fn tell_read_only(&self, why: Option<String>) {
        let is_new = {
            let mut present = self.parts.live.write();
            let before = std::mem::replace(&mut present.read_only, why);
            before != present.read_only
        };
        if is_new {
            self.announce_topics(&[Topic::Status, Topic::Inbox]);
        }
    }

    /// Keeps a fact that was taken in, but could not be written. True when nobody needs to tell it again: the disk does not
    /// let us now.
    pub(super) fn write_later(&mut self, entry: Arc<Entry>) -> bool {
        let stuck = self.stuck.as_mut();
        stuck
            .map(|stuck| stuck.unwritten.push_back(entry))
            .is_some()
    }

    /// True when it can be written. When it could not, that is tried again in its time, and what waited is taken in.
    pub(super) fn can_write(&mut self) -> bool {
        loop {
            let Some(stuck) = &mut self.stuck else {
                return true;
            };
            if Instant::now() < stuck.again_at {
                return false;
            }
            let Some(entry) = stuck.unwritten.front().cloned() else {
                break;
            };
            let row = Arc::clone(&entry);
            match self.parts.store.write(move |tx| row.write(tx)) {
                Err(error) if error.stops_all() => self.stuck_on(&error),
                written => {
                    // What fails by itself, though the disk would let us, is left out.
                    stuck.unwritten.pop_front();
                    stuck.written.extend(written.ok().map(|seq| (seq, entry)));
                }
            }
        }
        let now = self.wall();
        let trial = self
            .parts
            .store
            .write(move |tx| settings::set(tx, TRIAL, &now));
        match trial {
            Err(error) if error.stops_all() => self.stuck_on(&error),
            _ => self.writes_again(),
        }
        self.stuck.is_none()
    }

    fn writes_again(&mut self) {
        let Some(stuck) = self.stuck.take() else {
            return;
        };
        self.tell_read_only(None);
        // Where it stops again, the rest waits again.
        for entry in &stuck.unanswered {
            self.follows(entry);
        }
        for (seq, entry) in &stuck.written {
            self.written(*seq, entry);
        }
        for event in stuck.waiting {
            self.take(event);
        }
    }

    /// Does what follows from a fact that is written; again later when it cannot be saved.
    pub(super) fn follows(&mut self, entry: &Arc<Entry>) {
        self.react(&entry.changes);
        if let Some(stuck) = &mut self.stuck {
            stuck.unanswered.push(Arc::clone(entry));
        }
    }

    /// Keeps an event until it can be taken in.
    pub(super) fn hold_back(&mut self, event: Event) {
        let refusal = self.unsaved();
        let Some(stuck) = &mut self.stuck else {
            return;
        };
        match event {
            Event::Acted(ask) => ask.refuse(refusal),
            Event::Woke { .. } | Event::Failed { answer: None, .. }
                if stuck.waiting.len() >= KEPT => {}
            event => stuck.waiting.push_back(event),
        }
    }

    /// Takes this in again, before everything that came later.
    pub(super) fn once_more(&mut self, event: Event) {
        if let Some(stuck) = &mut self.stuck {
            stuck.waiting.push_front(event);
        }
    }

    /// When writing is tried again.
    pub(super) fn tries_in(&self) -> Option<Duration> {
        let stuck = self.stuck.as_ref()?;
        Some(stuck.again_at.saturating_duration_since(Instant::now()))
    }

    /// What the person is told of an act that was not done.
    pub(super) fn unsaved(&self) -> ApiError {
        let mut said = "It could not be saved, so nothing was done.".to_owned();
        if let Some(stuck) = &self.stuck {
            said = format!("{said} {}", stuck.why);
        }
        ApiError::new("store", said)
    }
}

#[cfg(test)]
mod tests;

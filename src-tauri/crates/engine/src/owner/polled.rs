//! What polls brought. The facts of polls that wait together are written in one transaction: however many endpoints answer
//! at a time, the disk is waited for once.

use std::{sync::Arc, time::Duration};

use domain::{
    delta::Piece,
    fact::{self, Fact, PollError},
    ids::EndpointId,
};
use store::tables::facts::FactKind;
use tokio::{sync::oneshot, time::Instant};

use super::{ALIVE, Event, Observed, Owner, Taken, spent, stuck::Entry};
use crate::{
    api::views::Topic,
    cost::{Cost, cpu},
};

/// What shares a transaction: at most so many facts,
const MOST: usize = 64;
/// of about so many bytes,
const BYTES: usize = 1 << 20;
/// taken in within about this time, so that what the person does waits no longer.
const GATHERING: Duration = Duration::from_millis(50);

/// Facts that were taken in and are not written yet, in their order.
#[derive(Default)]
pub(super) struct Batch {
    facts: Vec<(Arc<Entry>, Poll)>,
    bytes: usize,
    began: Option<Instant>,
}

impl Batch {
    fn push(&mut self, entry: Arc<Entry>, poll: Poll) {
        self.bytes += entry.text.len();
        self.began.get_or_insert_with(Instant::now);
        self.facts.push((entry, poll));
    }

    fn has(&self, endpoint: &EndpointId) -> bool {
        let mut facts = self.facts.iter();
        facts.any(|(_, poll)| poll.endpoint == *endpoint)
    }

    /// Something is to be written, and more may share its transaction.
    pub(super) fn is_open(&self) -> bool {
        self.facts.len() < MOST
            && self.bytes < BYTES
            && self.began.is_some_and(|began| began.elapsed() < GATHERING)
    }

    pub(super) fn len(&self) -> u64 {
        self.facts.len() as u64
    }
}

/// What is left to do for a poll when its fact is written, or at once when it is none.
struct Poll {
    endpoint: EndpointId,
    /// What is known of the endpoint from then on.
    piece: Option<Arc<Piece>>,
    cost: Cost,
    /// Processor time that was spent here on it.
    spent: Duration,
    kept: bool,
    answer: Option<oneshot::Sender<Taken>>,
}

impl Owner {
    /// Takes an event in; what polls brought may wait for [`Owner::settle`] then.
    pub(super) fn gather(&mut self, event: Event) {
        // What an endpoint says next is taken in after what it said before.
        if event.polled().is_none_or(|name| self.batch.has(name)) {
            self.settle();
        }
        if self.stuck.is_some() {
            self.hold_back(event);
            return;
        }
        let began = cpu();
        let (mut poll, entry) = match event {
            Event::Observed(observed) => self.observed(observed),
            Event::Unchanged {
                endpoint,
                turn,
                cost,
                whole,
                answer,
            } => {
                let kept = self.asks(&endpoint, turn);
                let entry = kept.then(|| self.unchanged(&endpoint, cost, whole));
                let poll = Poll {
                    endpoint,
                    piece: None,
                    cost,
                    spent: Duration::ZERO,
                    kept,
                    answer: Some(answer),
                };
                (poll, entry.flatten())
            }
            Event::Failed {
                endpoint,
                turn,
                error,
                letter,
                cost,
                answer,
            } => {
                let asks = self.asks(&endpoint, turn);
                let entry = asks.then(|| self.failed(&endpoint, error, letter));
                let poll = Poll {
                    endpoint,
                    piece: None,
                    cost,
                    spent: Duration::ZERO,
                    kept: true,
                    answer,
                };
                (poll, entry.flatten())
            }
            other => return self.happened(other),
        };
        poll.spent = cpu() - began;
        match entry {
            Some(entry) => self.batch.push(entry, poll),
            None => self.answer(poll, None),
        }
    }

    /// Writes what was gathered, and does what was waiting for that.
    pub(super) fn settle(&mut self) {
        let facts = std::mem::take(&mut self.batch).facts;
        if facts.is_empty() {
            return;
        }
        let rows: Vec<_> = facts.iter().map(|(entry, _)| Arc::clone(entry)).collect();
        let written = self.write(move |tx| {
            let rows = rows.iter().map(|row| row.write(tx));
            rows.collect::<store::Result<Vec<_>>>()
        });
        match written {
            Ok(lines) => {
                // What follows from the first comes after the last.
                self.seq = lines.last().copied().unwrap_or(self.seq);
                for (line, (entry, poll)) in lines.into_iter().zip(facts) {
                    self.answer(poll, Some((line, entry)));
                }
            }
            // One that fails by itself takes no other with it.
            Err(_) if self.stuck.is_none() && facts.len() > 1 => {
                for (entry, poll) in facts {
                    self.batch.push(entry, poll);
                    self.settle();
                }
            }
            Err(_) => {
                for (entry, mut poll) in facts {
                    poll.kept = self.write_later(entry);
                    self.answer(poll, None);
                }
            }
        }
    }

    /// Believes what a poll brought, and tells its loop.
    fn answer(&mut self, poll: Poll, written: Option<(u64, Arc<Entry>)>) {
        let Poll {
            endpoint,
            piece,
            mut cost,
            spent,
            mut kept,
            answer,
        } = poll;
        let began = cpu();
        if let Some((line, entry)) = &written {
            self.written(*line, entry);
            kept = true;
        }
        let mut read = None;
        if kept
            && let Some(piece) = piece
            && let Some(known) = self.known.get_mut(&endpoint)
        {
            known.nothing = Some(piece.nothing());
            // What is known advances by what was taken in, and at the same moment: a snapshot holds both.
            known.said.differ().believe(&piece);
            read = written.map(|(line, _)| line);
        }
        let known = self.known.get(&endpoint);
        let (live, heard) = known.map_or((false, false), |known| (known.is_live(), known.heard));
        if let Some(answer) = answer {
            // A loop that was stopped meanwhile does not listen.
            let _ = answer.send(Taken { kept, live, heard });
        }
        cost.charge(spent + (cpu() - began));
        if let Some(line) = read {
            self.leave_out_if_costly(&endpoint, line, cost.reading);
        }
        self.spend(&endpoint, cost);
    }

    /// Whether that loop is the one that asks there now; others ended, and what they still brought counts no more.
    fn asks(&self, endpoint: &EndpointId, turn: u64) -> bool {
        let poller = self
            .known
            .get(endpoint)
            .and_then(|known| known.poller.as_ref());
        poller.is_some_and(|poller| poller.turn == turn)
    }

    fn observed(&mut self, observed: Observed) -> (Poll, Option<Arc<Entry>>) {
        let Observed {
            endpoint,
            turn,
            text,
            piece,
            cost,
            whole,
            answer,
        } = observed;
        let entry = self.asks(&endpoint, turn).then(|| {
            self.good(&endpoint, cost, whole);
            let wall = self.wall();
            let at = self.clock.next(wall);
            let fresh = self.judged(
                FactKind::Status,
                Some(&endpoint),
                fact::write_status(at, &endpoint, &text),
                at,
                Fact::Status {
                    endpoint: endpoint.clone(),
                    document: Arc::clone(&piece.document),
                },
            );
            self.entry(fresh, |_| Ok(()))
        });
        let poll = Poll {
            endpoint,
            piece: Some(piece),
            cost,
            spent: Duration::ZERO,
            kept: false,
            answer: Some(answer),
        };
        (poll, entry)
    }

    /// An answer without news is a fact only when a verdict waits for it, or when it ends a run of failures.
    fn unchanged(
        &mut self,
        endpoint: &EndpointId,
        cost: Cost,
        whole: Option<Instant>,
    ) -> Option<Arc<Entry>> {
        let known = self.known.get(endpoint)?;
        if (known.failing || self.fleet.awaits(endpoint))
            && let Some(nothing) = known.nothing.clone()
        {
            self.good(endpoint, cost, whole);
            let fresh = self.told(endpoint, &nothing).ok()?;
            return Some(self.entry(fresh, |_| Ok(())));
        }
        let looks_the_same = {
            let live = self.parts.live.read();
            let pulse = live.endpoints.get(endpoint);
            pulse.is_some_and(|pulse| pulse.answer == Some(Ok(())) && pulse.pages_loaded.is_none())
        };
        self.good(endpoint, cost, whole);
        let now = self.now();
        if !looks_the_same {
            self.announce_topics(&[Topic::Agents, Topic::Board, Topic::Status]);
        } else if now - self.alive_said_at >= ALIVE {
            self.alive_said_at = now;
            self.announce_topics(&[Topic::Agents, Topic::Status]);
        }
        None
    }

    fn good(&mut self, endpoint: &EndpointId, cost: Cost, whole: Option<Instant>) {
        if let Some(known) = self.known.get_mut(endpoint) {
            known.failing = false;
            known.failures = 0;
            // A page that was read before it fell silent is no news of now.
            known.heard |= whole.is_some() && whole >= known.unheard_since;
            // Of a poll in pieces the first one counts.
            known.polls.0 += u32::from(cost.polls > 0);
            if std::mem::take(&mut known.set_aside) {
                self.read_again(endpoint);
            }
        }
        let now = self.now();
        if let (Some(began), Some(known)) = (whole, self.known.get_mut(endpoint)) {
            known.told_from = Some(now - began.elapsed());
            if std::mem::take(&mut self.again.listens) {
                self.again.due = Some(now);
            }
        }
        self.parts.live.pulse(endpoint, |pulse| {
            pulse.answer = Some(Ok(()));
            pulse.last_good_at = Some(now);
            pulse.failures = 0;
            if whole.is_some() {
                pulse.pages_loaded = None;
            }
        });
        self.parts.live.write().last_poll_at = Some(now);
    }

    fn failed(
        &mut self,
        endpoint: &EndpointId,
        error: PollError,
        letter: Option<String>,
    ) -> Option<Arc<Entry>> {
        let known = self.known.get_mut(endpoint)?;
        known.failing = true;
        known.failures += 1;
        known.falls_silent();
        known.polls.1 += 1;
        known.set_aside |= letter.is_some();
        let failures = known.failures;
        self.parts.live.pulse(endpoint, |pulse| {
            pulse.answer = Some(Err(error.clone()));
            pulse.failures = failures;
        });
        self.parts.live.write().last_poll_at = Some(self.now());
        let line = self.next_line();
        let fresh = self.fresh(FactKind::Error, Some(endpoint), |at| {
            fact::write_failed(at, endpoint, &error)
        });
        let fresh = fresh.ok()?;
        let letter = letter.map(|raw| spent::letter(endpoint, &error, raw, fresh.at, line));
        Some(self.entry(fresh, move |tx| match &letter {
            Some(letter) => store::apply_all(tx, std::slice::from_ref(letter)),
            None => Ok(()),
        }))
    }
}

#[cfg(test)]
mod tests;

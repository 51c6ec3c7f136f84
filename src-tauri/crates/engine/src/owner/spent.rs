//! What endpoints cost, and what follows: whoever costs too much is paused with a word, and a line of the log that cost too
//! much is not read again. The usual limits are in `cost.rs`.

use std::time::Duration;

use domain::{
    change::{Change, DeadLetter},
    contract::Problem,
    fact::{PersonAction, PollError},
    ids::EndpointId,
    time::Time,
};
use serde_json::json;
use store::{
    Reader, Tx,
    tables::{audit, costs, costs::CostRow, dead_letters, endpoints},
};

use super::Owner;
use crate::{api::views::Topic, cost::Cost};

impl Owner {
    /// Counts what an event of that endpoint cost.
    pub(super) fn spend(&mut self, endpoint: &EndpointId, cost: Cost) {
        let now = self.now();
        let Some(known) = self.known.get_mut(endpoint) else {
            return;
        };
        known.cost += cost;
        let unwritten = known.cost;
        let too_much = known.hour.add(now, cost, self.parts.outside.limits);
        let is_asked = known.poller.is_some();
        self.parts
            .live
            .pulse(endpoint, |pulse| pulse.cost = unwritten);
        if let Some(reason) = too_much.filter(|_| is_asked) {
            self.pause(endpoint, reason);
        }
    }

    /// What is not written yet; counted from nothing again.
    pub(super) fn costs(&mut self) -> Vec<(EndpointId, Time, CostRow)> {
        let now = self.now();
        let mut costs = vec![];
        for (name, known) in &mut self.known {
            let cost = std::mem::take(&mut known.cost);
            if cost == Cost::default() {
                continue;
            }
            self.parts
                .live
                .pulse(name, |pulse| pulse.cost = Cost::default());
            let row = CostRow {
                polls: cost.polls,
                bytes: cost.bytes,
                cpu: cost.cpu(),
                items: cost.items,
            };
            costs.push((name.clone(), now, row));
        }
        costs
    }

    /// Asks it no more, until the person says so.
    fn pause(&mut self, endpoint: &EndpointId, reason: String) {
        // Facts are written in the order in which they were taken in.
        self.settle();
        let now = self.now();
        let row = self
            .parts
            .store
            .read(|reader| endpoints::get(reader, endpoint));
        let Ok(Some(mut row)) = row else {
            return;
        };
        row.paused = true;
        let written = row.clone();
        let action = PersonAction::Pause {
            endpoint: endpoint.clone(),
        };
        let done = self.person(&action, move |tx| {
            costs::stop(tx, &written.id, now, &reason)?;
            endpoints::put(tx, &written)?;
            let detail = json!({ "reason": reason });
            audit::append(tx, now, "endpoint-paused", written.id.as_str(), &detail)?;
            Ok(())
        });
        if done {
            self.follow(&row);
            self.announce_topics(&[Topic::Agents, Topic::Board, Topic::Status]);
        }
    }

    /// It is asked again: that it was paused by us is over.
    pub(super) fn goes_on(&mut self, endpoint: &EndpointId) {
        let stopped = self
            .parts
            .store
            .read(|reader| costs::stopped(reader, endpoint));
        if let Ok(Some(_)) = stopped {
            let name = endpoint.clone();
            self.commit_only(move |tx| costs::go_on(tx, &name));
        }
    }

    /// It answers with something that can be taken in again.
    pub(super) fn read_again(&mut self, endpoint: &EndpointId) {
        let (now, name) = (self.now(), endpoint.clone());
        self.commit_only(move |tx| dead_letters::clear(tx, &name, "", WHOLE, now));
        self.announce_topics(&[Topic::Letters]);
    }

    /// This row of the log took so long.
    pub(super) fn leave_out_if_costly(&mut self, endpoint: &EndpointId, seq: u64, took: Duration) {
        if took <= self.parts.outside.limits.line {
            return;
        }
        let (now, name) = (self.now(), endpoint.clone());
        self.commit_only(move |tx| costs::leave_out(tx, seq, Some(&name), now, took));
    }
}

/// Whether an answer of it was set aside, before this start too, and no good one has come since.
pub(super) fn is_set_aside(reader: &Reader, endpoint: &EndpointId) -> store::Result<bool> {
    let letter = dead_letters::get(reader, endpoint, "", WHOLE)?;
    Ok(letter.is_some_and(|letter| letter.cleared_at.is_none()))
}

pub(super) fn write(tx: &Tx<'_>, all: &[(EndpointId, Time, CostRow)]) -> store::Result<()> {
    all.iter()
        .try_for_each(|(endpoint, at, cost)| costs::count(tx, endpoint, *at, cost))
}

/// The beginning of an answer that was set aside whole.
pub(super) fn letter(
    endpoint: &EndpointId,
    error: &PollError,
    raw: String,
    at: Time,
    line: u64,
) -> Change {
    let problem = Problem {
        pointer: String::new(),
        list: String::new(),
        item: Some(WHOLE.to_owned()),
        code: "too-costly".to_owned(),
        message: error.detail.clone().unwrap_or_default(),
        schema: None,
        raw: raw.into(),
    };
    Change::DeadLetter(DeadLetter {
        endpoint: endpoint.clone(),
        agent: None,
        item: WHOLE.to_owned(),
        problems: vec![problem],
        line,
        at,
    })
}

/// What an answer is called among the dead letters.
const WHOLE: &str = "answer";

#[cfg(test)]
mod tests;

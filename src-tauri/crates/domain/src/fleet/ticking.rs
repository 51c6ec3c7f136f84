//! Times of states that move while nothing else does. A task that works tells a newer time now and then; a clock moves with
//! every answer. Which of them it is, the next answer shows (FINDINGS, ruling on `stall`).
//!
//! What a sign of work is besides is `merge`'s.

use chrono::TimeDelta;

use super::{take::Intake, world::World};
use crate::{
    finding::Evidence,
    ids::{AgentRef, EndpointId, TaskRef},
    snapshot::saved,
    time::Time,
};

/// Clocks of whole seconds stand still for as long, and a list in pages takes no longer.
const STILL: i64 = 1;

/// A move that may be work or a clock.
#[derive(Clone, Debug)]
pub(crate) struct Tick {
    /// Where it moved to.
    at: Time,
    told: Time,
    evidence: Evidence,
    /// The answer before had moved it as well.
    pub(crate) again: bool,
}
saved! { Tick { at, told, evidence, again } }

impl Tick {
    /// An answer from then on shows what it is.
    pub(crate) fn still_from(&self) -> Time {
        self.told + TimeDelta::seconds(STILL)
    }
}

impl Intake<'_> {
    pub(super) fn ticked(&mut self, task: &TaskRef, at: Time, evidence: &Evidence) {
        let before = self.world.ticking.get(task);
        let again = before.is_some_and(|tick| tick.again || tick.told < self.now);
        let tick = Tick {
            at,
            told: self.now,
            evidence: evidence.clone(),
            again,
        };
        self.world.ticking.insert(task.clone(), tick);
    }

    /// The agent has answered: what it did not move again was work.
    pub(super) fn stood_still(&mut self, agent: &AgentRef) {
        let still = self.world.ticking_at(&agent.endpoint);
        let still = still.filter(|(task, tick)| {
            let entry = self.world.tasks.get(*task);
            tick.still_from() <= self.now && entry.is_none_or(|entry| entry.seen.agent == *agent)
        });
        let still: Vec<TaskRef> = still.map(|(task, _)| task.clone()).collect();
        for task in still {
            if let Some(tick) = self.world.ticking.remove(&task) {
                self.touch(&task.endpoint, &task.task, tick.at, &tick.evidence);
            }
        }
    }
}

impl World {
    /// Of that endpoint.
    pub(crate) fn ticking_at(
        &self,
        endpoint: &EndpointId,
    ) -> impl Iterator<Item = (&TaskRef, &Tick)> {
        let from = TaskRef {
            endpoint: endpoint.clone(),
            task: "".into(),
        };
        let all = self.ticking.range(from..);
        all.take_while(move |(task, _)| task.endpoint == *endpoint)
    }
}

//! Makes the derived tables follow the facts: one arm for each kind of change, and nothing else.

use domain::change::Change;

use crate::{
    Result, Tx,
    tables::{
        accesses, agents, artifacts, attempts, dead_letters, decisions, escalations, findings,
        health, moments, quota, records, starts, tasks,
    },
};

/// Applies one change.
pub fn apply(tx: &Tx<'_>, change: &Change) -> Result<()> {
    moments::note(tx, change)?;
    match change {
        Change::Agent(record) => agents::put(tx, record),
        Change::Task(record) => {
            starts::note(tx, record)?;
            attempts::note(tx, record)?;
            tasks::put(tx, record)
        }
        Change::TaskMark(task, at) => tasks::mark(tx, task, *at),
        Change::Access(record) => accesses::put(tx, record),
        Change::Claim(record) => records::put(tx, record),
        Change::Handoff(record) => records::put(tx, record),
        Change::Artifact(record) => {
            artifacts::put(tx, record)?;
            records::put(tx, record)
        }
        Change::Context(record) => records::put(tx, record),
        Change::Quota(record) => quota::put(tx, record),
        Change::Schedule(record) => records::put(tx, record),
        Change::Escalation(record) => escalations::put(tx, record),
        Change::DeadLetter(letter) => {
            decisions::hidden(tx, letter)?;
            dead_letters::put(tx, letter)
        }
        Change::DeadLetterCleared {
            endpoint,
            list,
            item,
            at,
        } => dead_letters::clear(tx, endpoint, list, item, *at),
        Change::Finding(finding) => findings::put(tx, finding),
        Change::Restated(finding) => findings::restate(tx, finding),
        Change::Heard { endpoint, at } => health::heard(tx, endpoint, *at),
        Change::NotHeard {
            endpoint,
            at,
            error,
        } => health::not_heard(tx, endpoint, *at, error),
    }
}

/// Applies them in order.
pub fn apply_all(tx: &Tx<'_>, changes: &[Change]) -> Result<()> {
    changes.iter().try_for_each(|change| apply(tx, change))
}

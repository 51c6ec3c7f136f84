//! What a fact changes. The rules produce these, the store applies them, nothing else writes derived tables.

use std::sync::Arc;

use crate::{
    contract::{
        Access, AgentCard, Artifact, Claim, ContextEntry, Escalation, Handoff, Needs, Problem,
        Quota, Schedule, Task,
    },
    fact::PollError,
    finding::Finding,
    ids::{AgentId, AgentRef, EndpointId, TaskRef},
    snapshot::saved,
    time::Time,
};

/// One change. Records replace the earlier record of the same identity. Large ones are boxed: most changes are small.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// An agent was heard, or says something new of itself.
    Agent(Box<AgentRecord>),
    /// A task is new or different.
    Task(Box<TaskRecord>),
    /// A task was touched without a change of its own (access, artifact): moves `last_mark`.
    TaskMark(TaskRef, Time),
    /// Append-only.
    Access(Record<Arc<Access>>),
    /// A claim is new or different.
    Claim(Record<Claim>),
    /// A handoff is new or different.
    Handoff(Box<Record<Handoff>>),
    /// An artifact is new or different.
    Artifact(Box<Record<Artifact>>),
    /// Append-only.
    Context(Record<ContextEntry>),
    /// A sample of a pool.
    Quota(Record<Quota>),
    /// A schedule is new or different.
    Schedule(Record<Schedule>),
    /// An escalation is new, different or settled.
    Escalation(Box<EscalationRecord>),
    /// An item that could not be used; replaces the one of the same endpoint, list and item.
    DeadLetter(DeadLetter),
    /// The item of that endpoint and list is good now.
    DeadLetterCleared {
        /// Endpoint.
        endpoint: EndpointId,
        /// List.
        list: String,
        /// Item id (or its bytes' digest).
        item: String,
        /// When.
        at: Time,
    },
    /// A finding opened, got worse, or cleared (see its `state`).
    Finding(Box<Finding>),
    /// An open finding says something else by now. Nothing new was found: it is neither printed nor notified.
    Restated(Box<Finding>),
    /// An endpoint answered.
    Heard {
        /// Endpoint.
        endpoint: EndpointId,
        /// When.
        at: Time,
    },
    /// An endpoint did not answer well.
    NotHeard {
        /// Endpoint.
        endpoint: EndpointId,
        /// When.
        at: Time,
        /// Why.
        error: PollError,
    },
}

/// Something an agent reported, with who and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<T> {
    /// Who reported it.
    pub agent: AgentRef,
    /// The thing.
    pub value: T,
    /// Its exact JSON.
    pub raw: Arc<str>,
    /// The line that carried it.
    pub line: u64,
    /// Its own time, or the line's.
    pub at: Time,
}

/// An agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRecord {
    /// Who.
    pub agent: AgentRef,
    /// What it says of itself.
    pub card: AgentCard,
    /// Declared needs, if any.
    pub needs: Option<Needs>,
    /// When it was first heard.
    pub first_heard_at: Time,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRecord {
    /// Endpoint and id.
    pub task: TaskRef,
    /// Whose.
    pub agent: AgentId,
    /// What it says.
    pub value: Task,
    /// Its exact JSON.
    pub raw: Arc<str>,
    /// The line that carried it.
    pub line: u64,
    /// In its state since.
    pub state_since: Time,
    /// Completed, has a next stage, and no acknowledged handoff for it: stands in "Handed over".
    pub handoff_open: bool,
    /// When anything about it last changed.
    pub changed_at: Time,
}

/// What an escalation is to us.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, ts_rs::TS,
)]
#[serde(rename_all = "kebab-case")]
pub enum EscalationPhase {
    /// Waits for the person.
    Pending,
    /// Answered here.
    Answered,
    /// Too late, or the agent says so.
    Expired,
    /// The agent took it back, or settled it elsewhere.
    Withdrawn,
    /// A newer version of the same question replaced it.
    Superseded,
}
saved! { enum EscalationPhase { Pending, Answered, Expired, Withdrawn, Superseded } }

/// An escalation.
#[derive(Clone, Debug, PartialEq)]
pub struct EscalationRecord {
    /// Who asks.
    pub agent: AgentRef,
    /// The question.
    pub value: Escalation,
    /// The whole item's exact JSON.
    pub raw: Arc<str>,
    /// The exact bytes of `proposedAction`, when there is one.
    pub action_raw: Option<Arc<str>>,
    /// The line that carried it.
    pub line: u64,
    /// When it was asked.
    pub created_at: Time,
    /// When it is overdue: SLA or `expiresAt`, whichever is earlier.
    pub due_at: Time,
    /// What is done then: `hold`, `refuse`, …
    pub fallback: String,
    /// Which of the contents under one version: other bytes under an answered id are another one. Counted by the store
    /// from 0; what comes from the rules has none yet.
    pub edition: u32,
    /// Where it stands.
    pub phase: EscalationPhase,
}

/// An item that could not be used.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Endpoint.
    pub endpoint: EndpointId,
    /// Whose, if known.
    pub agent: Option<AgentId>,
    /// Item id, or a digest of its bytes.
    pub item: String,
    /// What is wrong, with list, pointer and raw bytes.
    pub problems: Vec<Problem>,
    /// The line that carried it.
    pub line: u64,
    /// When.
    pub at: Time,
}

impl DeadLetter {
    /// The list it stood in; empty for what stands in none.
    pub fn list(&self) -> &str {
        self.problems
            .first()
            .map_or("", |problem| problem.list.as_str())
    }
}

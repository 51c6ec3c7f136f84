//! The coordination contract: what an agent publishes. These are the documents' shapes; reading them tolerantly, item
//! by item, is `contract/read.rs`.
//!
//! Member names and meanings follow the contract exactly (see the README, "The contract"). An absent list means
//! "unchanged or not supported", an empty one "known to be empty".

pub(crate) mod ending;
mod headers;
pub(crate) mod json;
mod members;
pub mod outline;
mod read;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;

use crate::{
    ids::{AgentId, DocumentId, EscalationId, Resource, TaskId},
    snapshot::saved,
    time::Time,
};

use members::ID_BYTES;
pub use members::leads_elsewhere;
pub(crate) use members::read_time;
pub(crate) use read::{LISTS, over, read_node, speaker, tree, tree_in_a_line, write_left_out};
pub use read::{read, read_state};

/// The A2A extension URI under which the same records ride inside A2A.
pub const EXTENSION_URI: &str = "https://w3id.org/mission-control/coordination/v1";
/// Problem types are this prefix and a name.
pub const PROBLEM_PREFIX: &str = "https://w3id.org/mission-control/problems/";

/// The JSON Schema of a status document, for agents' authors. It says what `read` takes without a problem; keys that stand
/// twice are beyond what a schema can say.
pub const SCHEMA: &str = include_str!("contract/status.schema.json");

/// One item of a list with the bytes it came as. Rules look at `value`; screens and digests at `raw`.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<T> {
    /// The item, read.
    pub value: T,
    /// The item's exact JSON text as received.
    pub raw: Arc<str>,
    /// RFC 6901 pointer into the body it came in (`/tasks/3`).
    pub pointer: String,
}

/// A list: `None` when absent.
pub type List<T> = Option<Vec<Item<T>>>;

/// A status document, read. Items that could not be read stand in `problems`; the rest counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Who speaks. `None` only in a document that is nothing but problems.
    pub agent: Option<AgentCard>,
    /// False = changes since the cursor.
    pub snapshot: bool,
    /// See the contract, 1.1.
    pub tasks: List<Task>,
    /// 1.2, append-only.
    pub accesses: List<Arc<Access>>,
    /// 1.3.
    pub claims: List<Claim>,
    /// 1.4.
    pub handoffs: List<Handoff>,
    /// 1.5.
    pub artifacts: List<Artifact>,
    /// 1.6, append-only.
    pub context: List<ContextEntry>,
    /// 1.7.
    pub quotas: List<Quota>,
    /// 1.8.
    pub escalations: List<Escalation>,
    /// What will start by itself.
    pub schedules: List<Schedule>,
    /// Declared needs.
    pub ownership: Option<Item<Needs>>,
    /// Opaque; `""` = caught up.
    pub next_cursor: Option<String>,
    /// Seconds, clamped to 1..3600.
    pub poll_after_seconds: Option<u32>,
    /// Items that are dead letters.
    pub problems: Vec<Problem>,
    /// Items of a list that were too many to be read; 0 where a whole list was read that could have left some out.
    pub left_out: LeftOut,
}

impl Document {
    /// Tells of nothing but limits.
    pub(crate) fn tells_only_limits(&self) -> bool {
        fn none<T>(list: &List<T>) -> bool {
            list.as_ref().is_none_or(Vec::is_empty)
        }
        none(&self.tasks)
            && none(&self.accesses)
            && none(&self.claims)
            && none(&self.handoffs)
            && none(&self.artifacts)
            && none(&self.context)
            && none(&self.escalations)
            && none(&self.schedules)
            && self.ownership.is_none()
    }
}

/// How many items of which list.
pub type LeftOut = BTreeMap<&'static str, u64>;

/// Why one item (or one member) could not be used.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// RFC 6901 pointer of the place that is wrong, into the body.
    pub pointer: String,
    /// The list it stood in (`tasks`), or empty for the document itself.
    pub list: String,
    /// The item's id if it has a readable one.
    pub item: Option<String>,
    /// A stable word for the reason: `wrong-type`, `missing`, `duplicate-key`, `too-long`, `unknown-word`, `conflict`…
    pub code: String,
    /// A sentence naming what is wrong and what was expected.
    pub message: String,
    /// The place in a schema of the ownership document that is not kept, with the schema's name before `#`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub schema: Option<String>,
    /// The item's bytes, at most 64 KiB.
    #[serde(skip)]
    pub raw: Arc<str>,
}
saved! { Problem { pointer, list, item, code, message, schema, raw } }

/// A2A task states. An unknown word reads as `Unknown`; the word itself is kept beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    /// Accepted, not started.
    Submitted,
    /// Running.
    Working,
    /// Waits for a person's answer.
    InputRequired,
    /// Waits for a credential.
    AuthRequired,
    /// Done.
    Completed,
    /// Ended in an error.
    Failed,
    /// Stopped by someone.
    Canceled,
    /// Refused by the agent.
    Rejected,
    /// Cannot be told.
    Unknown,
}
saved! { enum TaskState {
    Submitted, Working, InputRequired, AuthRequired, Completed, Failed, Canceled, Rejected,
    Unknown,
} }

impl TaskState {
    /// Submitted, working, input-required or auth-required.
    pub fn is_live(self) -> bool {
        matches!(
            self,
            Self::Submitted | Self::Working | Self::InputRequired | Self::AuthRequired
        )
    }

    /// Completed, failed, canceled or rejected.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Canceled | Self::Rejected
        )
    }
}

/// What an agent says of itself (`agent`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AgentCard {
    /// Its id on this endpoint.
    pub id: AgentId,
    /// For people.
    pub name: String,
    /// Its own version.
    pub version: Option<String>,
    /// The model behind it.
    pub model: Option<String>,
    /// Where it works.
    pub workspace: Option<String>,
    /// What it says about accepting work.
    pub status: AgentStatus,
    /// Since when it runs.
    pub started_at: Option<Time>,
    /// Its last sign of life by its own clock.
    pub heartbeat_at: Option<Time>,
    /// It only reports limits and does no work: no agent that others share with, wait for or join.
    #[serde(default)]
    pub limits_only: bool,
}
saved! { AgentCard {
    id, name, version, model, workspace, status, started_at, heartbeat_at, limits_only,
} }

/// What an agent says about accepting work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AgentStatus {
    /// Takes work.
    Online,
    /// Takes none for now.
    Paused,
    /// Is going away.
    Stopping,
}
saved! { enum AgentStatus { Online, Paused, Stopping } }

/// 1.1
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Unique within the endpoint.
    pub id: TaskId,
    /// For people.
    pub title: String,
    /// Selects a time budget.
    pub kind: Option<String>,
    /// The stable identity of the work itself.
    pub key: Option<String>,
    /// Groups tasks of one conversation or workflow.
    pub context_id: Option<String>,
    /// The task that delegated this one: `taskId` or `endpointId/taskId`.
    pub parent_id: Option<String>,
    /// State and since when.
    pub status: TaskStatus,
    /// When it was created.
    pub created_at: Option<Time>,
    /// When it began.
    pub started_at: Option<Time>,
    /// How far it is.
    pub progress: Option<Progress>,
    /// Its own budget, seconds.
    pub time_budget_seconds: Option<u64>,
    /// A hard end.
    pub deadline_at: Option<Time>,
    /// 1 for the first try.
    pub attempt: Option<u64>,
    /// `taskId` or `endpointId/taskId`.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// What it waits for.
    pub waiting_for: Option<WaitingFor>,
    /// The stage it must be handed to when completed.
    pub next_stage: Option<String>,
    /// "Read up to" marks.
    #[serde(default)]
    pub context_refs: Vec<ContextRef>,
    /// Tokens and money.
    pub usage: Option<Usage>,
}
saved! { Task {
    id, title, kind, key, context_id, parent_id, status, created_at, started_at, progress,
    time_budget_seconds, deadline_at, attempt, depends_on, waiting_for, next_stage, context_refs,
    usage,
} }

/// State of a task and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    /// Read tolerantly.
    pub state: TaskState,
    /// The word as the agent wrote it, when it differs from ours.
    pub native: Option<String>,
    /// The agent's own words.
    pub message: Option<String>,
    /// Since when.
    pub timestamp: Option<Time>,
}
saved! { TaskStatus { state, native, message, timestamp } }

/// Progress of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Units done.
    pub done: Option<f64>,
    /// Units in all.
    pub total: Option<f64>,
    /// The agent's own words.
    pub note: Option<String>,
    /// When this was so.
    pub at: Option<Time>,
}
saved! { Progress { done, total, note, at } }

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WaitingFor {
    /// Kind of the thing waited for.
    pub kind: WaitKind,
    /// Its reference (contract, ruling "References").
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}
saved! { WaitingFor { kind, reference } }

/// Kinds of waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum WaitKind {
    /// A person.
    Human,
    /// Another task.
    Task,
    /// An agent.
    Agent,
    /// A claim, by id or resource.
    Claim,
    /// A quota.
    Quota,
}
saved! { enum WaitKind { Human, Task, Agent, Claim, Quota } }

/// "Read up to" mark on a context document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ContextRef {
    /// Which document.
    pub document_id: DocumentId,
    /// The last entry read.
    pub seq: u64,
}
saved! { ContextRef { document_id, seq } }

/// Tokens and money of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens read.
    pub input_tokens: Option<f64>,
    /// Tokens written.
    pub output_tokens: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
}
saved! { Usage { input_tokens, output_tokens, cost_usd } }

/// How a task touched a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum AccessMode {
    /// Looked at it.
    Read,
    /// Changed it.
    Write,
    /// Took an event of a trigger.
    Consume,
}
saved! { enum AccessMode { Read, Write, Consume } }

/// 1.2, append-only.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// Unique within the endpoint.
    pub id: String,
    /// Which task did it.
    pub task_id: Option<TaskId>,
    /// What was touched; never a pattern.
    pub resource: Resource,
    /// How.
    pub mode: AccessMode,
    /// The version the agent had read.
    pub base_version: Option<String>,
    /// The version a write made.
    pub new_version: Option<String>,
    /// The event a `consume` reacted to.
    pub event_id: Option<String>,
    /// When.
    pub at: Option<Time>,
}
saved! { Access { id, task_id, resource, mode, base_version, new_version, event_id, at } }

/// Claims exclude others or do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimMode {
    /// Nobody else.
    Exclusive,
    /// Others with shared claims.
    Shared,
}
saved! { enum ClaimMode { Exclusive, Shared } }

/// Where a claim is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimState {
    /// Has it.
    Held,
    /// Wants it.
    Waiting,
    /// Gave it back.
    Released,
}
saved! { enum ClaimState { Held, Waiting, Released } }

/// 1.3; `resource` may be a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Unique within the endpoint.
    pub id: String,
    /// Resource or pattern.
    pub resource: Resource,
    /// As the agent says; the reporter counts.
    pub holder_identity: String,
    /// For which task.
    pub task_id: Option<TaskId>,
    /// Exclusive or shared.
    pub mode: ClaimMode,
    /// Held, waiting, released.
    pub state: ClaimState,
    /// Since when.
    pub acquire_time: Option<Time>,
    /// Last renewal.
    pub renew_time: Option<Time>,
    /// Seconds.
    pub lease_duration_seconds: Option<u64>,
    /// Monotonic number of the grant.
    pub fencing_token: Option<Value>,
    /// Until when.
    pub release_time: Option<Time>,
}
saved! { Claim {
    id, resource, holder_identity, task_id, mode, state, acquire_time, renew_time,
    lease_duration_seconds, fencing_token, release_time,
} }

/// 1.4
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Handoff {
    /// Unique within the endpoint.
    pub id: String,
    /// What was finished.
    pub task_id: TaskId,
    /// Agent id or stage.
    pub to: String,
    /// The agent's word for the outcome.
    pub status: String,
    /// What is handed over.
    pub output: Option<HandoffOutput>,
    /// When.
    pub emitted_at: Option<Time>,
    /// Until when it must be acknowledged.
    pub due_at: Option<Time>,
    /// When it was.
    pub acknowledged_at: Option<Time>,
    /// By whom.
    pub acknowledged_by: Option<String>,
}
saved! { Handoff {
    id, task_id, to, status, output, emitted_at, due_at, acknowledged_at, acknowledged_by,
} }

/// What is handed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct HandoffOutput {
    /// Artifact of the same endpoint.
    pub artifact_id: Option<String>,
    /// Or an address.
    pub uri: Option<String>,
    /// `sha256:` + hex.
    pub digest: Option<String>,
}
saved! { HandoffOutput { artifact_id, uri, digest } }

/// 1.5; `body` stays in the item's raw text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Unique within the endpoint.
    pub id: String,
    /// Whose work.
    pub task_id: Option<TaskId>,
    /// For people.
    pub name: String,
    /// Version.
    pub version: Option<String>,
    /// IANA media type.
    pub media_type: Option<String>,
    /// Address; an access of this resource reads the artifact.
    pub uri: Option<String>,
    /// `sha256:` + hex.
    pub digest: Option<String>,
    /// Bytes.
    pub size_bytes: Option<u64>,
    /// Names a JSON Schema of the ownership document.
    pub schema_ref: Option<String>,
    /// The content, if it was sent.
    pub body: Option<Value>,
    /// When.
    pub created_at: Option<Time>,
}
saved! { Artifact {
    id, task_id, name, version, media_type, uri, digest, size_bytes, schema_ref, body, created_at,
} }

/// Kinds of context entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum ContextKind {
    /// What it is for.
    Goal,
    /// What must hold.
    Constraint,
    /// What was agreed.
    Decision,
    /// What is so.
    Fact,
    /// Where the work stands.
    State,
}
saved! { enum ContextKind { Goal, Constraint, Decision, Fact, State } }

/// 1.6, append-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ContextEntry {
    /// Which document.
    pub document_id: DocumentId,
    /// Number within it.
    pub seq: u64,
    /// Goal, constraint, decision, fact or state.
    pub kind: ContextKind,
    /// What it is about.
    pub key: Option<String>,
    /// What it says about the key.
    pub value: Option<Value>,
    /// The sentence.
    pub body: Value,
    /// As the agent says; the reporter counts.
    pub author: String,
    /// The entry it replaces.
    pub supersedes: Option<u64>,
    /// When.
    pub created_at: Option<Time>,
}
saved! { ContextEntry { document_id, seq, kind, key, value, body, author, supersedes, created_at } }

/// The owner of a limit: agents that report one pool share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// `anthropic`.
    pub provider: String,
    /// Account or key alias.
    pub account: Option<String>,
    /// Model, resource…
    pub scope: Option<String>,
}

impl Pool {
    /// `provider/account/scope`, absent parts empty, trailing `/` dropped.
    pub fn key(&self) -> String {
        let account = self.account.as_deref().unwrap_or_default();
        let scope = self.scope.as_deref().unwrap_or_default();
        format!("{}/{account}/{scope}", self.provider)
            .trim_end_matches('/')
            .to_owned()
    }
}

/// 1.7
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Whose limit.
    pub pool: Pool,
    /// Its windows.
    pub windows: Vec<QuotaWindow>,
    /// When the numbers were so.
    pub observed_at: Option<Time>,
    /// Raw provider response headers, if any.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

/// One window of a pool. A number that is absent is unknown, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct QuotaWindow {
    /// `tokens per 5 h`.
    pub name: String,
    /// Units in all.
    pub limit: Option<f64>,
    /// Units left.
    pub remaining: Option<f64>,
    /// Units used.
    pub used: Option<f64>,
    /// 0..100 and more.
    pub used_percent: Option<f64>,
    /// `tokens`, `requests`…
    pub unit: Option<String>,
    /// Length, seconds.
    pub window_seconds: Option<u64>,
    /// When it starts anew.
    pub reset_at: Option<Time>,
    /// `allowed`, `warning`, `rejected`.
    pub status: Option<String>,
}
saved! { QuotaWindow {
    name, limit, remaining, used, used_percent, unit, window_seconds, reset_at, status,
} }

/// What an escalation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum EscalationKind {
    /// May I do this?
    Approval,
    /// What should I do?
    Question,
    /// Fill this in.
    Form,
    /// Log me in.
    Auth,
    /// Two agents disagree.
    Conflict,
    /// Something unforeseen.
    Exception,
}
saved! { enum EscalationKind { Approval, Question, Form, Auth, Conflict, Exception } }

/// How bad it is if nobody answers, as the agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum EscalationSeverity {
    /// Can wait.
    Low,
    /// Normal.
    Medium,
    /// Soon.
    High,
    /// Now.
    Critical,
}
saved! { enum EscalationSeverity { Low, Medium, High, Critical } }

/// Where an escalation is, as the agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum EscalationStatus {
    /// Waits.
    Pending,
    /// Somebody answered.
    Resolved,
    /// The agent took it back.
    Withdrawn,
    /// Too late.
    Expired,
}
saved! { enum EscalationStatus { Pending, Resolved, Withdrawn, Expired } }

/// 1.8
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Escalation {
    /// Unique within the endpoint.
    pub id: EscalationId,
    /// Changes when the question changes.
    pub version: String,
    /// The task that waits.
    pub task_id: Option<TaskId>,
    /// What is asked.
    pub kind: EscalationKind,
    /// One line.
    pub title: String,
    /// The agent's own words.
    pub message: String,
    /// What would be done. The exact bytes are `proposed_action_raw` of the record.
    pub proposed_action: Option<ProposedAction>,
    /// Answers to choose from.
    #[serde(default)]
    pub options: Vec<EscalationOption>,
    /// JSON Schema of the answer.
    pub response_schema: Option<Value>,
    /// As the agent says.
    pub severity: Option<EscalationSeverity>,
    /// When it was asked.
    pub created_at: Option<Time>,
    /// Hard end: nothing is accepted after it.
    pub expires_at: Option<Time>,
    /// Pending or settled.
    pub status: EscalationStatus,
}
saved! { Escalation {
    id, version, task_id, kind, title, message, proposed_action, options, response_schema,
    severity, created_at, expires_at, status,
} }

/// What would be done if approved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProposedAction {
    /// Tool or action name.
    pub name: String,
    /// Arguments.
    pub args: Option<Value>,
    /// Program and arguments, token by token.
    pub command: Option<Vec<String>>,
    /// Where it would run.
    pub cwd: Option<String>,
    /// Environment changes.
    pub env: Option<Value>,
    /// Unified diff.
    pub diff: Option<String>,
    /// What it is done to.
    pub target: Option<String>,
}
saved! { ProposedAction { name, args, command, cwd, env, diff, target } }

/// One answer to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EscalationOption {
    /// Sent back.
    pub id: String,
    /// Shown.
    pub label: String,
    /// What it does, as the agent says.
    pub effect: Option<String>,
    /// What choosing it means; nothing else tells a yes from a no.
    #[serde(default)]
    pub intent: Option<OptionIntent>,
}
saved! { EscalationOption { id, label, effect, intent } }

/// What choosing an option means (contract, 1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum OptionIntent {
    /// Do it.
    Approve,
    /// Do not.
    Reject,
    /// Neither: an answer.
    Other,
}
saved! { enum OptionIntent { Approve, Reject, Other } }

/// What will start by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Unique within the endpoint.
    pub id: String,
    /// A trigger.
    pub resource: Resource,
    /// Five fields.
    pub cron: Option<String>,
    /// IANA name, with `cron`.
    pub timezone: Option<String>,
    /// Or a plain interval.
    pub every_seconds: Option<u64>,
    /// Or one time.
    pub next_at: Option<Time>,
    /// Kind of the task it starts.
    pub task_kind: Option<String>,
    /// Off schedules are shown, not counted.
    pub enabled: bool,
}
saved! { Schedule { id, resource, cron, timezone, every_seconds, next_at, task_kind, enabled } }

/// Declared needs: resource patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct Needs {
    /// Starts on.
    pub triggers: Vec<String>,
    /// Reads.
    pub reads: Vec<String>,
    /// Writes.
    pub writes: Vec<String>,
    /// Writes to the outside.
    pub outputs: Vec<String>,
    /// Who gets its exceptions.
    pub exceptions_to: Option<String>,
}
saved! { Needs { triggers, reads, writes, outputs, exceptions_to } }

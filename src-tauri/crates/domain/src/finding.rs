//! A finding: what a rule says is wrong, with the facts that show it and the ways out it offers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    ids::{AgentId, EndpointId},
    snapshot::saved,
    time::Time,
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// Now.
    Critical,
}
saved! { enum Severity { Info, Warning, Critical } }

/// Whether it still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum FindingState {
    /// It holds.
    Open,
    /// It ended.
    Cleared,
}
saved! { enum FindingState { Open, Cleared } }

/// A fact: line of the log, and a pointer into that line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
pub struct Evidence {
    /// 1-based line.
    pub line: u64,
    /// RFC 6901; shared, as many facts stand at the same place of their lines.
    pub pointer: Arc<str>,
}
saved! { Evidence { line, pointer } }

/// A way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Resolution {
    /// Stable word.
    pub id: String,
    /// What the button says.
    pub label: String,
}
saved! { Resolution { id, label } }

/// One printed line: exactly the members, and the order, of the contract's section 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Finding {
    /// When it became detectable.
    pub at: Time,
    /// Name of the rule.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// Sorted set.
    pub endpoints: Vec<EndpointId>,
    /// Bare ids, sorted set.
    pub agents: Vec<AgentId>,
    /// `endpoint/taskId`, sorted set.
    pub tasks: Vec<String>,
    /// What it is about, if a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What it is about, if a pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// One plain sentence.
    pub summary: String,
    /// The facts.
    pub evidence: Vec<Evidence>,
    /// First = proposed.
    pub resolutions: Vec<Resolution>,
    /// Open or cleared.
    pub state: FindingState,
    /// Identity of the episode: rule, subject and agents. Not printed; what the store and the screens key by.
    #[serde(skip)]
    pub episode: String,
    /// The subject alone, which `resolve` names.
    #[serde(skip)]
    pub subject: String,
}
saved! { Finding {
    at, rule, severity, endpoints, agents, tasks, resource, pool, summary, evidence, resolutions,
    state, episode, subject,
} }

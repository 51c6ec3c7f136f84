//! The ownership document: who starts on which trigger, who writes which field and output, who gets exceptions.
//!
//! The shape is the file format `ownership.toml` (and the same as JSON). Patterns: `pattern.rs`; what is wrong with a
//! document: `ownership/lint.rs`; changing one so that no second owner can arise: `ownership/edit.rs`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    ids::{AgentId, EndpointId},
    snapshot::saved,
    time::Time,
};

pub mod check;
pub mod diff;
pub mod edit;
pub mod lint;
pub mod names;
pub mod pattern;
pub mod text;

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Ownership {
    /// Always 1.
    pub version: u32,
    /// When a person last looked at all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewed_at: Option<Time>,
    /// Who may do what; order carries no meaning.
    pub rules: Vec<Rule>,
    /// Who gets what nobody foresaw; the first that matches the agent counts.
    pub exceptions: Vec<Exception>,
    /// The handoff protocol.
    pub stages: Vec<Stage>,
    /// Time budgets by task kind.
    pub budgets: Vec<Budget>,
}
saved! { Ownership { version, reviewed_at, rules, exceptions, stages, budgets } }

impl Default for Ownership {
    fn default() -> Self {
        Self {
            version: 1,
            reviewed_at: None,
            rules: vec![],
            exceptions: vec![],
            stages: vec![],
            budgets: vec![],
        }
    }
}

/// Whom the person meant by a bare agent id when a rule with it was saved: the agent of that endpoint. Who uses the id
/// elsewhere is another agent, whoever was heard first (contract, section 8, "Owner identity").
pub type Pins = BTreeMap<AgentId, EndpointId>;

impl Ownership {
    /// Every agent that a rule or a stage names, by its bare id or as `endpoint/agent`; `me` and patterns too.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter().flat_map(|rule| {
            let writers = rule.owner.iter().chain(&rule.sequence);
            writers.chain(&rule.readers)
        });
        let stages = self.stages.iter().map(|stage| &stage.agent);
        rules.chain(stages).map(String::as_str)
    }
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Rule {
    /// Resource pattern.
    pub resource: String,
    /// Agent id, or `endpoint/agent`: the one consumer, the one writer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Several writers allowed, one at a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sequence: Vec<String>,
    /// Not policed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<String>,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}
saved! { Rule { resource, owner, sequence, readers, purpose } }

/// Who gets exceptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Exception {
    /// Agent patterns.
    pub agents: Vec<String>,
    /// `me` is the person at the keyboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_to: Option<String>,
    /// Hours until it is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_hours: Option<f64>,
    /// Smaller is first, when two agents share an owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// When the due time passes: `hold`, `refuse`, `dead-letter`, `hand-over:<name>`; never approve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}
saved! { Exception { agents, route_to, sla_hours, priority, fallback } }

/// A stage work is handed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Stage {
    /// Its name, as in `nextStage`.
    pub name: String,
    /// Who works there.
    pub agent: String,
    /// Schema of what is handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts_schema: Option<String>,
}
saved! { Stage { name, agent, accepts_schema } }

/// A time budget by task kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Budget {
    /// Task kind.
    pub kind: String,
    /// Seconds.
    pub seconds: u64,
}
saved! { Budget { kind, seconds } }

//! Everything that can become true: one line of a replay file, one row of the log of facts.
//!
//! Live and replay run the same code because they feed the same lines. The text of a line is kept; its number is what
//! evidence points to.

mod line;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    contract::Document,
    decision::Outcome,
    ids::{AgentId, EndpointId, EscalationId},
    ownership::{Ownership, Pins},
    settings::Settings,
    snapshot::saved,
    time::Time,
};

pub use line::{
    LineError, one_line, read_line, write_asked_again, write_config, write_decision, write_failed,
    write_person, write_rules, write_schemas, write_settings, write_status, write_tick,
    write_undecided, write_woke,
};

/// One line, read: when, and what.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// 1-based number in the file, or the row's number in the log.
    pub number: u64,
    /// When; `None` for the config line only.
    pub at: Option<Time>,
    /// What.
    pub fact: Fact,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// First line: rules, thresholds and schemas to begin with.
    Config(Config),
    /// A successful poll. The document is shared: it can be large.
    Status {
        /// Who answered.
        endpoint: EndpointId,
        /// What it said.
        document: Arc<Document>,
    },
    /// A failed poll.
    Failed {
        /// Who did not answer well.
        endpoint: EndpointId,
        /// Why.
        error: PollError,
        /// Where the line says so: an answer that is no document stands in a file as it came.
        pointer: &'static str,
    },
    /// Time passes.
    Tick,
    /// The machine slept for the given seconds before this line.
    Woke {
        /// How long.
        slept_seconds: u64,
    },
    /// The person decided.
    Decision {
        /// Whose question.
        endpoint: EndpointId,
        /// Which one.
        escalation: EscalationId,
        /// What.
        outcome: Outcome,
        /// Seen whole, long enough, alone: counts for readiness. Absent in a file means true.
        considered: bool,
    },
    /// A decision did not leave, and stands no more. Only our own log has it; other readers of recordings skip the line.
    Undecided {
        /// Whose question.
        endpoint: EndpointId,
        /// Which one.
        escalation: EscalationId,
        /// What had been said.
        outcome: Outcome,
        /// Whether it had counted for readiness.
        considered: bool,
    },
    /// The agent asks the same again though it was answered. Only our own log has it; other readers of recordings skip the line.
    AskedAgain {
        /// Whose question.
        endpoint: EndpointId,
        /// Which one.
        escalation: EscalationId,
    },
    /// The person acted on something that is not an escalation of an agent.
    Person(PersonAction),
    /// The ownership document was replaced.
    Rules {
        /// The whole document.
        rules: Ownership,
        /// Whom the person meant by the names in it.
        pins: Pins,
    },
    /// The thresholds were changed. Only our own log has it; other readers of recordings skip the line.
    Settings(Box<Settings>),
    /// Schemas were given, replaced or (`None`) taken away, by name; the others stay. Only our own log has it.
    Schemas(BTreeMap<String, Option<Value>>),
}

/// The first line of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Config {
    /// Rules to begin with.
    pub ownership: Ownership,
    /// Thresholds.
    pub settings: Settings,
    /// JSON Schemas by name; none is read from disk.
    pub schemas: BTreeMap<String, Value>,
}

/// Why a poll failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "camelCase")]
pub struct PollError {
    /// Which family.
    pub kind: PollErrorKind,
    /// Status code, for `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// What the endpoint asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// A sentence for people; never a token, never a query string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
saved! { PollError { kind, http_status, retry_after_seconds, detail } }

/// Families of failed polls.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ts_rs::TS,
)]
#[serde(rename_all = "kebab-case")]
pub enum PollErrorKind {
    /// No whole answer in time.
    Timeout,
    /// No connection.
    Connect,
    /// An answer that is not 2xx.
    Http,
    /// An answer that cannot be used.
    Invalid,
}
saved! { enum PollErrorKind { Timeout, Connect, Http, Invalid } }

/// What the person did, other than answering an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum PersonAction {
    /// Settled a finding.
    Resolve {
        /// Its rule.
        rule: String,
        /// Its subject, as printed in the finding.
        #[serde(default)]
        subject: Option<String>,
    },
    /// Read the whole ownership document.
    MarkReviewed,
    /// Stop polling an endpoint.
    Pause {
        /// Which.
        endpoint: EndpointId,
    },
    /// Poll it again.
    Unpause {
        /// Which.
        endpoint: EndpointId,
    },
    /// Not now.
    Snooze {
        /// Of a finding.
        #[serde(default)]
        rule: Option<String>,
        /// Which one.
        #[serde(default)]
        subject: Option<String>,
        /// Until when.
        until: Time,
    },
    /// More time.
    Extend {
        /// Of a finding.
        #[serde(default)]
        rule: Option<String>,
        /// Which one.
        #[serde(default)]
        subject: Option<String>,
        /// Until when.
        until: Time,
    },
    /// Another agent joins the fleet.
    AddAgent {
        /// Which.
        agent: AgentId,
        /// Why now.
        #[serde(default)]
        reason: Option<String>,
    },
    /// It joins although the newest one is not ready.
    OverrideReadiness {
        /// Which.
        agent: AgentId,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
    },
}

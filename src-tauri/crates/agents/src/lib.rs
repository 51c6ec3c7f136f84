//! Talking to agent endpoints. Each kind of endpoint is one file (or folder) that turns what a server says into a status
//! document of the coordination contract, and a person's decision into what that server understands.
//!
//! Knows HTTP and `domain`; knows nothing of SQL, of screens, or of when to poll. What an endpoint says is never an
//! error of ours: it is an observation, a [`PollError`] in words, or a delivery [`Outcome`].

mod a2a;
pub mod address;
mod escalation;
#[cfg(test)]
mod fuzz;
pub mod http;
mod langgraph;
mod listen;
mod native;
mod opencode;
mod probe;
pub mod quota;
mod said;
mod unsupported;
mod way;

use std::{future::Future, pin::Pin};

pub use self::listen::{Ended, Heard, Listening};
pub use self::probe::{Guarded, guarded, probe};

use domain::{
    fact::PollError,
    ids::{DecisionId, EndpointId, EscalationId, TaskId},
};

/// A future a trait object can return.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One kind of endpoint, connected. One request is in flight at a time (`&mut self`).
pub trait Endpoint: Send {
    /// Asks what is there now. Pages of a long list come one per call: the engine calls again at once while
    /// `Observation::Document { last: false, .. }`.
    fn observe(&mut self) -> Answer<'_, Result<Observation, PollError>>;

    /// The last [`Endpoint::observe`] was dropped before its end: what it had begun is forgotten, as if it had failed.
    fn dropped(&mut self) {
        self.tell_again();
    }

    /// What was observed last did not arrive where it is kept: the next poll tells everything from the beginning.
    fn tell_again(&mut self);

    /// Delivers a decision. Re-reads first where sending twice could act twice (contract, section 8, "Once").
    fn deliver<'a>(&'a mut self, delivery: &'a Delivery) -> Answer<'a, Outcome>;

    /// Asks to cancel a task.
    fn cancel<'a>(&'a mut self, task: &'a TaskId, key: &'a DecisionId) -> Answer<'a, Outcome>;

    /// What the last poll showed of a question that is not listed any more: its task, where it can be told, and what
    /// became of it. `None` when it showed nothing of that question.
    fn ended(&self, _question: &EscalationId) -> Option<(Option<TaskId>, Outcome)> {
        None
    }

    /// What to listen to beside the polls, as far as the last one told: where it can say that something happened. `None` =
    /// it cannot, or nothing is under way that it could tell of.
    fn listening(&mut self) -> Option<Listening> {
        None
    }
}

/// What a poll brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Nothing changed: a 304, or the same bytes as last time.
    Unchanged,
    /// A status document of the contract (JSON), whatever the endpoint speaks.
    Document {
        /// The JSON text.
        body: String,
        /// False = more pages follow; a snapshot's listed members are complete on its last page only.
        last: bool,
        /// The endpoint's wish, seconds.
        poll_after_seconds: Option<u32>,
    },
}

/// A decision on its way, with everything a kind may need to say it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Idempotency key.
    pub id: DecisionId,
    /// Which question.
    pub escalation: EscalationId,
    /// Version that was shown; `If-Match`.
    pub version: String,
    /// The task that waits, if any.
    pub task: Option<TaskId>,
    /// The exact bytes of the contract's body (`domain::decision::DecisionBody`).
    pub body: String,
    /// The escalation item as it was received: ids and shape of the question.
    pub escalation_raw: String,
    /// True when an earlier attempt may have reached the endpoint.
    pub resend: bool,
}

/// What became of a delivery (contract, sections 2 and 8).
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The endpoint shows it.
    Applied,
    /// Taken; a later poll confirms.
    Sent,
    /// Somebody else was first.
    AlreadyResolved {
        /// What was recorded, in the endpoint's words.
        recorded: Option<String>,
    },
    /// Refused, with the endpoint's reason.
    Refused(String),
    /// Unknown there, expired or withdrawn.
    Expired,
    /// The question changed.
    Changed,
    /// Try again with the same key and bytes: no answer, 401/403, 409, 429, 5xx.
    Retry {
        /// Why, in words.
        reason: String,
        /// Seconds the endpoint asked for.
        after_seconds: Option<u64>,
        /// Whether the request may have reached the endpoint.
        may_have_arrived: bool,
    },
    /// It cannot be told whether it had an effect.
    Unknown(String),
}

/// A kind of endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The coordination contract, polled.
    Native,
    /// A2A, 1.0 and 0.3.
    A2a,
    /// A LangGraph server.
    #[serde(rename = "langgraph")]
    LangGraph,
    /// An OpenCode server.
    #[serde(rename = "opencode")]
    OpenCode,
    /// GitHub's limits.
    Github,
    /// The limits of a LiteLLM proxy.
    Litellm,
    /// A Prometheus page; which numbers are limits says a mapping ([`quota::open_mapped`]).
    Prometheus,
}

/// What a new connection needs.
#[derive(Clone, Debug)]
pub struct Target {
    /// Our name for it.
    pub endpoint: EndpointId,
    /// What it speaks.
    pub kind: Kind,
    /// Status URL, card URL or base URL.
    pub url: String,
    /// Bound to the URL's origin.
    pub credential: Option<Credential>,
    /// Tasks to follow where the endpoint has no list.
    pub known_tasks: Vec<TaskId>,
    /// Questions that were open when an earlier connection looked last: their items, byte for byte. What became of them
    /// meanwhile is then told as if this connection had shown them itself.
    pub known_questions: Vec<Box<str>>,
}

/// A secret; never printed.
#[derive(Clone)]
pub enum Credential {
    /// `Authorization: Bearer`.
    Bearer(String),
    /// `user:password`.
    Basic(String),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// What was found at a URL (contract, section 9, `probe`).
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// What it speaks.
    pub kind: Kind,
    /// Product name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_version: Option<String>,
    /// Protocol version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<String>,
    /// What it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `listTasks`, `listEscalations`, `decideApprove`, `decideEdit`, `decideRespond`, `cancel`, `usage`, `quota`, `claims`,
    /// `idempotentDecision`, `conditionalGet`, `stream`.
    pub capabilities: Vec<String>,
    /// What we will not see or cannot do, in plain sentences.
    pub warnings: Vec<String>,
    /// Where to poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_url: Option<String>,
}

/// Connects to an endpoint of a known kind; asks nothing yet. `Err` when the address or credential cannot be used.
pub fn open(target: &Target) -> Result<Box<dyn Endpoint>, PollError> {
    match target.kind {
        Kind::Native => Ok(Box::new(native::Native::new(target)?)),
        Kind::A2a => Ok(Box::new(a2a::A2a::new(target)?)),
        Kind::LangGraph => Ok(Box::new(langgraph::LangGraph::new(target)?)),
        Kind::OpenCode => Ok(Box::new(opencode::OpenCode::new(target)?)),
        Kind::Github => Ok(Box::new(quota::Github::open(target)?)),
        Kind::Litellm => Ok(Box::new(quota::LiteLlm::open(target)?)),
        Kind::Prometheus => quota::open_mapped(target, quota::mapping::Mapping::default()),
    }
}

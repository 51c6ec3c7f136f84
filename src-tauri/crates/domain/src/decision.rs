//! A person's answer to an escalation: what may be answered, what exactly is bound, and where its delivery stands.
//!
//! What was seen is what is delivered: a decision is bound to the bytes that were shown. Unanswered is never approved.

mod again;
mod canonical;
mod decide;
mod overtaken;
mod risk;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use ts_rs::TS;

pub use self::{
    again::{LISTED_ON, asks_the_same, repeat, repeatable},
    canonical::canonical,
    decide::{
        Answer, DecidedBy, LARGEST_ACTION, Refusal, UNDO_SECONDS, action_key, binding_of,
        bound_bytes, decide, digest, option_outcome, same_question, strict_json, takes_gesture,
    },
    overtaken::{Overtaking, act_name},
    risk::{Circumstances, Risk},
};
use crate::{
    ids::{AgentId, DecisionId, EndpointId, EscalationId},
    time::Time,
};

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Do exactly this, once.
    Approve,
    /// The agent's own standing option.
    ApproveAlways,
    /// Do this instead.
    Edit,
    /// Here is the answer.
    Respond,
    /// Do not.
    Reject,
    /// Do not, and stop.
    Cancel,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Approve,
        Self::ApproveAlways,
        Self::Edit,
        Self::Respond,
        Self::Reject,
        Self::Cancel,
    ];

    /// Whether the agent may act on it: what must be seen first, what an overtaking act holds up. An answer in words is
    /// none, and neither is a refusal.
    pub fn lets_act(self) -> bool {
        matches!(self, Self::Approve | Self::ApproveAlways | Self::Edit)
    }
}

/// Where a delivery stands (contract, section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// In its undo time.
    Held,
    /// Waits for its turn, or for an endpoint that is away.
    Queued,
    /// A request is (or was, before a crash) on its way.
    Sending,
    /// Taken, not yet confirmed.
    Sent,
    /// The agent shows it.
    Applied,
    /// Somebody else was first; what was recorded is the truth.
    AlreadyResolved,
    /// The agent refused it.
    Refused,
    /// Too late.
    Expired,
    /// The question changed: back to the person.
    Changed,
    /// Cannot be told; the person is asked.
    Unknown,
}

impl DeliveryState {
    /// Nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Applied
                | Self::AlreadyResolved
                | Self::Refused
                | Self::Expired
                | Self::Changed
                | Self::Unknown
        )
    }
}

/// The body of a delivery (contract, section 2). Serialised once, when decided; the same bytes are sent every time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionBody {
    /// What.
    pub outcome: Outcome,
    /// One of the agent's options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option_id: Option<String>,
    /// Instead of the proposed action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_action: Option<Box<RawValue>>,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Box<RawValue>>,
    /// Words for the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `sha256:` + hex over the exact bytes shown.
    pub action_digest: String,
    /// `me`, or `rule` when nobody answered in time.
    pub decided_by: String,
    /// When.
    pub decided_at: Time,
}

/// A decision with its delivery: one row of `decisions`.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// UUIDv7 = idempotency key.
    pub id: DecisionId,
    /// To whom.
    pub endpoint: EndpointId,
    /// Which question.
    pub escalation: EscalationId,
    /// Who asked.
    pub agent: AgentId,
    /// The version that was shown.
    pub version: String,
    /// Which of the contents that stood under this version (see the record of the escalation).
    pub edition: u32,
    /// What was shown, bound (never leaves the app).
    pub binding_hash: String,
    /// The item that was shown, its exact bytes.
    pub shown: String,
    /// Names the action that was shown, however it is spelled; `None` without one.
    pub action_key: Option<String>,
    /// How hard it is to take back, as it was shown.
    pub class: Risk,
    /// Scheme, host and port it was decided for; `None` where the endpoint has no address.
    pub origin: Option<String>,
    /// What.
    pub outcome: Outcome,
    /// The exact bytes to send.
    pub body: String,
    /// When.
    pub decided_at: Time,
    /// Not sent before this (undo time).
    pub held_until: Time,
    /// Whole content reached, long enough on screen, alone.
    pub considered: bool,
    /// How long it was on screen, milliseconds.
    pub shown_ms: u64,
    /// Where it stands.
    pub delivery: Delivery,
    /// What the agent asked under the same id after this had left.
    pub altered: Option<Altered>,
    /// The same answer given once more: the decision that it repeats, whose idempotency key and bytes it goes out with.
    pub repeats: Option<DecisionId>,
    /// When the agent asked the same again after this had left.
    pub asked_again_at: Option<Time>,
}

impl Decision {
    /// The idempotency key. It is the agent's to see that one key has one effect, so the same answer given once more is
    /// harmless where the first one counted.
    pub fn key(&self) -> &DecisionId {
        self.repeats.as_ref().unwrap_or(&self.id)
    }

    /// The agent may know of it, and nothing more happens to it by itself.
    pub fn is_out_of_hand(&self) -> bool {
        let delivery = &self.delivery;
        delivery.attempts > 0
            && (delivery.state.is_final() || delivery.state == DeliveryState::Sent)
    }
}

/// What an agent shows in the place of what was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Altered {
    /// The item, its exact bytes.
    pub raw: String,
    /// When it was seen.
    pub at: Time,
    /// When the person said that they know.
    pub seen_at: Option<Time>,
}

/// How far a delivery is.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The state.
    pub state: DeliveryState,
    /// Requests made so far.
    pub attempts: u32,
    /// Not before this.
    pub next_attempt_at: Option<Time>,
    /// A sentence: why it waits, or what was refused.
    pub detail: Option<String>,
    /// What the agent says was decided, when it was not this.
    pub recorded_outcome: Option<String>,
    /// When the state last changed.
    pub changed_at: Time,
}

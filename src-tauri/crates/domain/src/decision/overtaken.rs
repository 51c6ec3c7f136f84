//! A question that was overtaken: another agent has meanwhile acted on the same event, resource or output, such as the
//! second reply to a mail that is answered already. It is not refused for the person, but it is never approved unseen.

use crate::{ids::AgentRef, time::Time};

/// What another agent did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaking {
    /// Names the act: what was on screen and what is known now are the same act, or not.
    pub act: String,
    /// Who.
    pub agent: AgentRef,
    /// What it acted on.
    pub resource: String,
    /// When, by its own clock.
    pub at: Time,
    /// Whether it reacted to the event that the question's task reacts to; else it is only the same resource.
    pub same_event: bool,
}

/// How an act is called: its endpoint, and its id there.
pub fn act_name(endpoint: &str, id: &str) -> String {
    format!("{endpoint}/{id}")
}

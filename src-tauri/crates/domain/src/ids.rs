//! Names of things, one type each, so that a task id can never stand where an agent id is meant.
//!
//! Ids are opaque: they are compared byte for byte and never parsed. Ids of tasks, claims, handoffs, artifacts and
//! escalations belong to their endpoint (`CONTRACT` ruling "Names").

use std::{
    borrow::{Borrow, Cow},
    fmt,
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::snapshot::saved;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ts_rs::TS)]
        #[serde(transparent)]
        #[ts(type = "string")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }

        /// The same text, not copied.
        impl From<&$name> for Arc<str> {
            fn from(id: &$name) -> Self {
                id.0.clone()
            }
        }

        saved!($name(text));

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

id! {
    /// A configured place that is polled, named by the person (`billing-host`).
    EndpointId;
    /// An agent, as it calls itself. Two endpoints may use one id; see [`AgentRef`].
    AgentId;
    /// A task, unique within its endpoint.
    TaskId;
    /// An escalation, unique within its endpoint.
    EscalationId;
    /// A decision of the person: a UUIDv7, and the idempotency key of its delivery.
    DecisionId;
    /// A resource name `kind:name`, shared by all endpoints.
    Resource;
    /// A shared context document.
    DocumentId;
}

impl Resource {
    /// So many characters of a name are read in a sentence.
    const BRIEF: usize = 160;

    /// The name for a sentence: of a very long one its beginning.
    pub(crate) fn brief(&self) -> Cow<'_, str> {
        match self.0.char_indices().nth(Self::BRIEF) {
            Some((end, _)) => format!("{}…", &self.0[..end]).into(),
            None => (&*self.0).into(),
        }
    }
}

/// Who an agent is: the endpoint that reported it and the id it uses there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ts_rs::TS)]
pub struct AgentRef {
    /// The endpoint that reported it; an agent can never speak for another endpoint's agent.
    pub endpoint: EndpointId,
    /// The bare id.
    pub agent: AgentId,
}
saved! { AgentRef { endpoint, agent } }

impl AgentRef {
    /// What two agents are called in one sentence: by their ids, and with their endpoints where both have one id.
    pub(crate) fn names(&self, other: &Self) -> [String; 2] {
        let is_doubtful = self.agent == other.agent && self.endpoint != other.endpoint;
        [self, other].map(|of| match is_doubtful {
            true => format!("{}/{}", of.endpoint, of.agent),
            false => of.agent.to_string(),
        })
    }
}

/// Which task: endpoint and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ts_rs::TS)]
pub struct TaskRef {
    /// The endpoint that reported it.
    pub endpoint: EndpointId,
    /// Its id there.
    pub task: TaskId,
}
saved! { TaskRef { endpoint, task } }

impl fmt::Display for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.endpoint, self.task)
    }
}

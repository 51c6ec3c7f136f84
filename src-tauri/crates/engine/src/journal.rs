//! Everything that happened, in order, for whoever keeps a log of it. Unlike the announcements for screens nothing is put
//! together or left out, and it says what became true, because there is nobody who asks again.

use domain::{
    change::Change,
    decision::Delivery,
    ids::{DecisionId, EndpointId, EscalationId},
    time::Time,
};
use tokio::sync::mpsc;

/// One thing that is on the disk now.
#[derive(Clone, Debug)]
pub enum Happened {
    /// A fact was taken in.
    Fact {
        /// Its number in the log.
        seq: u64,
        /// When.
        at: Time,
        /// The whole line, as a recording writes it.
        line: String,
        /// What it changed.
        changes: Vec<Change>,
    },
    /// A decision was made, or its delivery moved on.
    Delivery {
        /// When.
        at: Time,
        /// Which.
        decision: DecisionId,
        /// To whom.
        endpoint: EndpointId,
        /// Which question.
        escalation: EscalationId,
        /// Where it stands.
        delivery: Delivery,
    },
}

/// Where it is told, if anybody listens. Nothing waits for the listener.
pub(crate) type Journal = Option<mpsc::UnboundedSender<Happened>>;

//! The demo fleet: five scripted agents that run into each other, for the first look, for tests and for screenshots.
//!
//! The agents are ordinary endpoints: everything about them is observed and answered the way real ones are. Nothing else in
//! the engine knows that they are scripted.

pub mod endpoint;
pub mod scenes;
pub mod script;
pub mod serve;
pub mod telling;

/// The agents of the story with the names people read.
pub const NAMES: [(&str, &str); 5] = [
    ("invoice-reader", "Invoice reader"),
    ("payment-runner", "Payment runner"),
    ("article-editor", "Article editor"),
    ("publisher", "Publisher"),
    ("digest-writer", "Digest writer"),
];

/// What the agents of the story can do, in the words of a probe.
pub const ABILITIES: [&str; 8] = [
    "listTasks",
    "listEscalations",
    "decideApprove",
    "decideEdit",
    "decideRespond",
    "cancel",
    "quota",
    "idempotentDecision",
];

/// Seconds of the story that are over when the demo starts in the window.
pub const HEAD_START: i64 = 40;

/// Who owns what in the story, so that the map is not empty.
pub const OWNERSHIP: &str = include_str!("demo/ownership.toml");

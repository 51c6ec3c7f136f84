//! The demo fleet: five scripted agents that run into each other, for the first look, for tests and for screenshots.
//!
//! The agents are ordinary endpoints: everything about them is observed and answered the way real ones are. Nothing else in
//! the engine knows that they are scripted.

pub mod endpoint;
pub mod scenes;
pub mod script;
pub mod serve;

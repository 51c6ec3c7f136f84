//! What screens may ask and say. One list of commands; each answers with a view.

pub(crate) mod again;
pub mod agents;
pub mod artifacts;
pub mod board;
mod call;
pub mod commands;
pub mod context;
mod endpoint;
pub mod error;
pub mod escalation;
pub mod finding;
pub mod inbox;
pub mod letters;
pub mod limits;
mod logins;
mod mapping;
mod markdown;
pub mod ownership;
pub(crate) mod pins;
pub(crate) mod remedy;
pub mod routes;
pub mod schedules;
pub mod schemas;
pub mod search;
pub mod settings;
pub mod status;
pub mod timeline;
pub(crate) mod tree;
pub mod views;
mod watched;
pub mod wording;

pub use call::{Api, EVERYTHING, Opener};
pub use error::ApiError;

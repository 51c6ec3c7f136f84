//! The engine: polls endpoints, decides with `domain`, stores, delivers, announces. Runs with or without a window.

pub mod announce;
pub mod api;
pub mod clock;
pub mod connect;
pub mod cost;
pub mod demo;
pub mod folder;
pub mod journal;
pub mod live;
pub mod pace;
pub mod process;
pub mod record;

mod ear;
mod engine;
mod intake;
mod lanes;
mod owner;
mod poll;
mod queue;
mod secrets;

pub use engine::Engine;
pub use store::private;

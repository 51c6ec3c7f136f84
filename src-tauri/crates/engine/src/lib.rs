//! The engine: polls endpoints, decides with `domain`, stores, delivers, announces. Runs with or without a window.

pub mod api;
pub mod demo;

//! What screens may ask and say. One list of commands; each answers with a view.

pub mod agents;
pub mod board;
pub mod commands;
pub mod inbox;
pub mod status;
pub mod views;
pub mod wording;

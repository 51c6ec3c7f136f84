//! What screens may ask and say. One list of commands; each answers with a view.

pub mod commands;
pub mod views;

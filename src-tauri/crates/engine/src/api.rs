//! What screens may ask and say. One list of commands; each answers with a view.

pub mod commands;
pub mod error;
pub mod ownership;
pub mod views;

pub use error::ApiError;

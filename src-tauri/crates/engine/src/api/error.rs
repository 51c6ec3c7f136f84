//! Why a command was refused, as screens get it. What went wrong inside is for the log, not for them.

use serde::Serialize;

/// What a refused command answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// A word that screens may act on: `changed`, `blocked`, `missing`, `invalid`, `unreadable`, `store`.
    pub code: &'static str,
    /// A plain sentence for the person.
    pub message: String,
}

impl ApiError {
    /// With a code of the list above.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        Self::new("store", error.to_string())
    }
}

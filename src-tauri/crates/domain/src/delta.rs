//! What is new in a poll: live polls are logged as these differences, so the log of facts stays small.
//!
//! Knows only identity and bytes, not meaning; that replaying the differences gives what the polls gave is its law.

use crate::contract::{Problem, read};

/// What one endpoint said last.
#[derive(Clone, Debug, Default)]
pub struct Differ {
    last: Option<Box<str>>,
}

impl Differ {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A document with only what is new, or `None`. `last_page`: the snapshot is complete with this page.
    pub fn take(&mut self, body: &str, last_page: bool) -> Result<Option<String>, Box<Problem>> {
        read(body.as_bytes())?;
        if last_page && self.last.as_deref() == Some(body) {
            return Ok(None);
        }
        self.last = Some(body.into());
        Ok(Some(body.to_owned()))
    }

    /// Feeds a document that was logged before, after a restart.
    pub fn learn(&mut self, document: &str) {
        self.last = Some(document.into());
    }
}

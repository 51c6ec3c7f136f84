//! One escalation item of the contract (1.8), as the kinds that have no such item themselves build it. What a kind
//! remembers of its question, for the answer, stands in `native`; that is enough to take the item up again later.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

/// The item.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Escalation<Native> {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) task_id: String,
    pub(crate) kind: Cow<'static, str>,
    pub(crate) title: String,
    pub(crate) message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proposed_action: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) response_schema: Option<Box<RawValue>>,
    pub(crate) created_at: String,
    pub(crate) status: Cow<'static, str>,
    pub(crate) native: Native,
}

/// The longest id that the contract takes. A task must not be lost because the id of what it waits for is longer.
const LONGEST_ID: usize = 512;

/// What a task waits for: the first question of it that can be named, else the task itself.
pub(crate) fn waits_for<'a>(
    questions: impl IntoIterator<Item = &'a str>,
    task: &'a str,
) -> &'a str {
    let mut fits = questions.into_iter().filter(|id| id.len() <= LONGEST_ID);
    fits.next().unwrap_or(task)
}

/// Items that an earlier connection of this kind has shown as open. Those of another making have another `native`; they
/// are left out.
pub(crate) fn shown_before<T: DeserializeOwned>(raws: &[Box<str>]) -> impl Iterator<Item = T> {
    raws.iter().filter_map(|raw| serde_json::from_str(raw).ok())
}

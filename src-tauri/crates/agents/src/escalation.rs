//! One escalation item of the contract (1.8), as the kinds that have no such item themselves build it. What a kind
//! remembers of its question, for the answer, stands in `native`.

use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// The item.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Escalation<Native> {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) task_id: String,
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proposed_action: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_schema: Option<Box<RawValue>>,
    pub(crate) created_at: String,
    pub(crate) status: &'static str,
    pub(crate) native: Native,
}

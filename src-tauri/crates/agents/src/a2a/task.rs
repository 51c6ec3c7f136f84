//! An A2A task, read tolerantly: both generations, both spellings of parts, anything missing. Exact JSON text is kept for
//! everything a person may be asked to approve.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// Nesting that is still read; the contract's reader has its own limit, and an item must not break a whole document.
const DEPTH: usize = 60;

/// A task as it came. Some servers write the names of members with underscores.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task {
    pub(crate) id: String,
    #[serde(default, alias = "context_id")]
    pub(crate) context_id: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<Status>,
    #[serde(default)]
    pub(crate) artifacts: Option<Vec<Artifact>>,
    #[serde(default)]
    pub(crate) history: Option<Vec<Message>>,
    #[serde(default)]
    pub(crate) metadata: Option<Box<RawValue>>,
}

/// Its state and the words to it.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<Message>,
    #[serde(default)]
    pub(crate) timestamp: Option<Value>,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    #[serde(default, alias = "message_id")]
    pub(crate) message_id: Option<String>,
    #[serde(default)]
    pub(crate) role: Option<String>,
    #[serde(default)]
    pub(crate) parts: Option<Vec<Part>>,
    /// What 0.3 over HTTP+JSON calls it.
    #[serde(default)]
    content: Option<Vec<Part>>,
    #[serde(default)]
    pub(crate) metadata: Option<Box<RawValue>>,
    /// Other tasks it is about.
    #[serde(default, alias = "reference_task_ids")]
    pub(crate) reference_task_ids: Option<Vec<String>>,
}

/// A piece of a message or an artifact; which it is shows by the member that is there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    #[serde(default)]
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) data: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) file: Option<File>,
    #[serde(default, alias = "media_type")]
    pub(crate) media_type: Option<String>,
    #[serde(default)]
    pub(crate) filename: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Option<Box<RawValue>>,
}

/// 0.3's file part.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default, alias = "fileWithUri")]
    pub(crate) uri: Option<String>,
    #[serde(default, alias = "mime_type")]
    pub(crate) mime_type: Option<String>,
}

/// Something a task made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Artifact {
    #[serde(default, alias = "artifact_id")]
    pub(crate) artifact_id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) parts: Option<Vec<Part>>,
    #[serde(default)]
    content: Option<Vec<Part>>,
    #[serde(default)]
    pub(crate) metadata: Option<Box<RawValue>>,
}

/// Reads one task. `None` = it has no shape of a task.
pub(crate) fn read(raw: &RawValue) -> Option<Task> {
    if depth(raw.get()) > DEPTH {
        return None;
    }
    let mut task: Task = serde_json::from_str(raw.get()).ok()?;
    let said = task
        .status
        .iter_mut()
        .filter_map(|status| status.message.as_mut());
    for message in said.chain(task.history.iter_mut().flatten()) {
        one_name(&mut message.parts, &mut message.content);
    }
    for artifact in task.artifacts.iter_mut().flatten() {
        one_name(&mut artifact.parts, &mut artifact.content);
    }
    (!task.id.is_empty()).then_some(task)
}

/// Parts under their other name become parts; that generation also wraps its data once more.
fn one_name(parts: &mut Option<Vec<Part>>, content: &mut Option<Vec<Part>>) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapped {
        data: Box<RawValue>,
    }
    let Some(mut found) = content.take().filter(|_| parts.is_none()) else {
        return;
    };
    for part in &mut found {
        let wrapped = part
            .data
            .as_ref()
            .map(|data| serde_json::from_str::<Wrapped>(data.get()));
        if let Some(Ok(wrapped)) = wrapped {
            part.data = Some(wrapped.data);
        }
    }
    *parts = Some(found);
}

/// How deep the JSON text nests.
pub(crate) fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Task {
    /// The state as the server wrote it.
    pub(crate) fn native_state(&self) -> &str {
        self.status
            .as_ref()
            .and_then(|status| status.state.as_deref())
            .unwrap_or("unspecified")
    }

    /// The state in the contract's words.
    pub(crate) fn state(&self) -> domain::contract::TaskState {
        domain::contract::read_state(self.native_state())
    }

    /// The time of its status as text, when it is one with an offset.
    pub(crate) fn timestamp(&self) -> Option<&str> {
        let text = self.status.as_ref()?.timestamp.as_ref()?.as_str()?;
        chrono::DateTime::parse_from_rfc3339(text).ok()?;
        Some(text)
    }

    /// What its status says, in words.
    pub(crate) fn words(&self) -> String {
        let said = self.status.as_ref().and_then(|s| s.message.as_ref());
        said.map(Message::text)
            .filter(|said| !said.is_empty())
            .unwrap_or_else(|| "(nothing)".to_owned())
    }

    /// Whether its messages have one with this id.
    pub(crate) fn has_message(&self, id: &str) -> bool {
        let all = self.history.iter().flatten();
        all.chain(self.status.iter().filter_map(|s| s.message.as_ref()))
            .any(|message| message.message_id.as_deref() == Some(id))
    }

    /// The member of our extension in its metadata.
    pub(crate) fn extension(&self) -> Option<Box<RawValue>> {
        extension(self.metadata.as_deref())
    }
}

/// The value under our extension's URI.
pub(crate) fn extension(metadata: Option<&RawValue>) -> Option<Box<RawValue>> {
    let mut members: std::collections::HashMap<String, Box<RawValue>> =
        serde_json::from_str(metadata?.get()).ok()?;
    members.remove(domain::contract::EXTENSION_URI)
}

impl Message {
    /// Whether the agent says it.
    pub(crate) fn is_agents(&self) -> bool {
        self.role
            .as_deref()
            .is_some_and(|role| role.to_ascii_lowercase().ends_with("agent"))
    }

    /// Whether a person (or another client) says it.
    pub(crate) fn is_persons(&self) -> bool {
        self.role
            .as_deref()
            .is_some_and(|role| role.to_ascii_lowercase().ends_with("user"))
    }

    /// Its text parts, one paragraph each.
    pub(crate) fn text(&self) -> String {
        text(self.parts.as_deref().unwrap_or_default())
    }
}

/// The text parts.
pub(crate) fn text(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| part.text.as_deref());
    texts
        .filter(|text| !text.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The data parts.
pub(crate) fn data(parts: &[Part]) -> impl Iterator<Item = &RawValue> {
    data_parts(parts).map(|(data, _)| data)
}

/// The data parts, each with what stands beside it.
pub(crate) fn data_parts(parts: &[Part]) -> impl Iterator<Item = (&RawValue, Option<&RawValue>)> {
    parts
        .iter()
        .filter_map(|part| Some((part.data.as_deref()?, part.metadata.as_deref())))
        .filter(|(data, _)| data.get() != "null")
}

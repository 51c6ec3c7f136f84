//! What an OpenCode server sends, read tolerantly: two generations of requests, messages and tool calls in one shape.
//!
//! Members that are only shown are read leniently; exact JSON text is kept for everything a person may be asked to allow.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// Nesting that is still read; the contract's reader has its own limit, and an item must not break a whole document.
const DEPTH: usize = 60;
/// Milliseconds by which a request may be older than what is written of its tool call.
const EARLY: i64 = 1000;

/// Which of its two interfaces a thing was found in: they do not see each other's requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
pub(crate) enum Generation {
    /// Paths without a prefix.
    #[serde(rename = "v1")]
    One,
    /// Paths below `/api`.
    #[serde(rename = "v2")]
    Two,
}

/// A conversation, which is a task to us.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) directory: Option<String>,
    #[serde(default, rename = "parentID")]
    pub(crate) parent: Option<String>,
    #[serde(default)]
    pub(crate) agent: Option<Value>,
    #[serde(default)]
    pub(crate) model: Option<Value>,
    #[serde(default)]
    pub(crate) cost: Option<Value>,
    #[serde(default)]
    pub(crate) tokens: Option<Value>,
    #[serde(default)]
    pub(crate) project: Option<Value>,
    #[serde(default)]
    time: Option<Value>,
}

impl Session {
    /// Epoch milliseconds of its last change, 0 if it does not say.
    pub(crate) fn updated(&self) -> i64 {
        self.moment("updated")
    }

    /// Epoch milliseconds of its beginning, 0 if it does not say.
    pub(crate) fn created(&self) -> i64 {
        self.moment("created")
    }

    fn moment(&self, name: &str) -> i64 {
        let time = self.time.as_ref().and_then(|time| time.get(name));
        time.and_then(milliseconds).unwrap_or_default()
    }

    /// Provider and model it used last.
    pub(crate) fn model(&self) -> Option<(&str, &str)> {
        let model = self.model.as_ref()?;
        let id = model.get("id").or_else(|| model.get("modelID"))?.as_str()?;
        Some((model.get("providerID")?.as_str()?, id))
    }

    /// The folder its files are named from.
    pub(crate) fn worktree(&self) -> &str {
        let of_project = self.project.as_ref().and_then(|p| p.get("worktree"));
        let root = of_project.and_then(Value::as_str).unwrap_or_default();
        let own = self.directory.as_deref().unwrap_or_default();
        // Outside of a repository its "worktree" is the root folder, which names nothing.
        if root.len() > 1 && own.starts_with(root) {
            root
        } else {
            own
        }
    }
}

/// What a server says of a running session. Idle ones are absent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(crate) struct Status {
    #[serde(rename = "type")]
    pub(crate) word: String,
    #[serde(default)]
    pub(crate) attempt: Option<Value>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) next: Option<Value>,
}

impl Status {
    /// Member by member: the word counts, whatever stands beside it. What has another shape is still a word about a
    /// session that is not idle.
    pub(crate) fn read(raw: &RawValue) -> Self {
        if let Ok(status) = serde_json::from_str(raw.get()) {
            return status;
        }
        let members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(raw.get()).unwrap_or_default();
        let text = |name: &str| serde_json::from_str(members.get(name)?.get()).ok();
        Self {
            word: text("type").unwrap_or_else(|| "unreadable".to_owned()),
            message: text("message"),
            ..Self::default()
        }
    }
}

/// Something that waits for a person.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) generation: Generation,
    /// The folder whose instance has it: it is invisible from another one.
    pub(crate) directory: String,
    pub(crate) what: What,
    /// Message and call it stands for.
    pub(crate) call: Option<(String, String)>,
    pub(crate) raw: Box<RawValue>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// May a tool do this?
    Permission {
        name: String,
        patterns: Vec<String>,
        details: Option<Box<RawValue>>,
        always: Vec<String>,
    },
    /// Questions of the model.
    Questions(Vec<Question>),
}

/// One question with its choices.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Question {
    pub(crate) question: String,
    #[serde(default)]
    pub(crate) header: Option<String>,
    #[serde(default)]
    pub(crate) options: Vec<Choice>,
    #[serde(default)]
    pub(crate) multiple: Option<bool>,
    /// Whether other words than the choices are taken; yes unless it says no.
    #[serde(default)]
    pub(crate) custom: Option<bool>,
}

/// A choice; its label is what is sent back.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Choice {
    pub(crate) label: String,
    #[serde(default)]
    pub(crate) description: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(rename = "sessionID")]
    session: String,
    #[serde(default, alias = "action")]
    permission: Option<String>,
    #[serde(default, alias = "resources")]
    patterns: Option<Vec<String>>,
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
    #[serde(default, alias = "save")]
    always: Option<Vec<String>>,
    #[serde(default)]
    questions: Option<Vec<Question>>,
    #[serde(default, alias = "source")]
    tool: Option<Value>,
}

/// Reads one request; `None` = it has not the shape of one.
pub(crate) fn request(raw: &RawValue, generation: Generation, directory: &str) -> Option<Request> {
    if depth(raw.get()) > DEPTH {
        return None;
    }
    let wire: Wire = serde_json::from_str(raw.get()).ok()?;
    let what = match (wire.questions, wire.permission) {
        (Some(questions), _) if !questions.is_empty() => What::Questions(questions),
        (_, Some(name)) => What::Permission {
            name,
            patterns: wire.patterns.unwrap_or_default(),
            details: wire.metadata.filter(|m| m.get().starts_with('{')),
            always: wire.always.unwrap_or_default(),
        },
        _ => return None,
    };
    let word = |name: &str| Some(wire.tool.as_ref()?.get(name)?.as_str()?.to_owned());
    (!wire.id.is_empty() && !wire.session.is_empty()).then(|| Request {
        id: wire.id,
        session: wire.session,
        generation,
        directory: directory.to_owned(),
        what,
        call: word("messageID").zip(word("callID")),
        raw: raw.to_owned(),
    })
}

/// One message, of either generation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// It stands in its place, and that is all that is known of it.
    pub(crate) is_unreadable: bool,
    pub(crate) id: String,
    pub(crate) is_assistant: bool,
    pub(crate) created: i64,
    /// When it was finished.
    pub(crate) completed: Option<i64>,
    /// Name and words of the error that ended it.
    pub(crate) error: Option<(String, String)>,
    /// The last words in it.
    pub(crate) text: String,
    pub(crate) calls: Vec<Call>,
    /// Files that differ after this turn, whoever changed them.
    pub(crate) changed: Vec<String>,
}

/// A tool call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) tool: String,
    /// pending, running, completed, error.
    pub(crate) status: String,
    pub(crate) error: String,
    pub(crate) input: Value,
    pub(crate) metadata: Value,
    pub(crate) started: Option<i64>,
    pub(crate) ended: Option<i64>,
}

impl Call {
    /// Whether it may still go on.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.status.as_str(), "completed" | "error")
    }

    /// Ended by whoever stopped the work, not by an answer.
    pub(crate) fn was_stopped(&self) -> bool {
        self.status == "error"
            && (self.error.contains("aborted") || self.error.contains("interrupted"))
    }

    /// Whether it ran at this moment, epoch milliseconds; a tool may ask shortly before its beginning is written down.
    pub(crate) fn was_under_way(&self, at: i64) -> bool {
        let began = self.started.is_some_and(|started| started <= at + EARLY);
        began && self.ended.is_none_or(|ended| ended >= at)
    }

    /// Ended by a person's "no". The newer interface does not say why a call failed.
    pub(crate) fn was_refused(&self) -> bool {
        self.status == "error"
            && (self.error.contains("rejected permission")
                || self.error.contains("dismissed this question"))
    }
}

/// Reads a message of a list. What cannot be read stands there all the same, or an older one would pass for the newest.
pub(crate) fn message_or_place(raw: &RawValue, generation: Generation) -> Message {
    message(raw, generation).unwrap_or_else(|| Message {
        is_unreadable: true,
        ..Message::default()
    })
}

/// Reads a message; `None` = it has not the shape of one.
pub(crate) fn message(raw: &RawValue, generation: Generation) -> Option<Message> {
    if depth(raw.get()) > DEPTH {
        return None;
    }
    let value: Value = serde_json::from_str(raw.get()).ok()?;
    let (info, parts) = match generation {
        Generation::One => (value.get("info")?, value.get("parts")),
        Generation::Two => (&value, value.get("content")),
    };
    let role = info.get("role").or_else(|| info.get("type"));
    let time = |name: &str| {
        info.pointer(&format!("/time/{name}"))
            .and_then(milliseconds)
    };
    let parts = parts.and_then(Value::as_array);
    let parts = parts.map(Vec::as_slice).unwrap_or_default();
    let texts = parts.iter().filter(|part| is(part, "type", "text"));
    let text = texts
        .filter_map(|part| part.get("text")?.as_str())
        .rfind(|text| !text.trim().is_empty())
        .or_else(|| info.get("text").and_then(Value::as_str));
    let error = info.get("error").filter(|error| error.is_object());
    let changed = info.pointer("/summary/diffs").and_then(Value::as_array);
    Some(Message {
        is_unreadable: false,
        id: text_of(info, "id"),
        is_assistant: role.and_then(Value::as_str) == Some("assistant"),
        created: time("created").unwrap_or_default(),
        completed: time("completed"),
        error: error.map(|error| {
            let said = error.pointer("/data/message").or(error.get("message"));
            let name = [text_of(error, "name"), text_of(error, "type")];
            let name = name.into_iter().find(|name| !name.is_empty());
            (
                name.unwrap_or_else(|| "error".to_owned()),
                said.and_then(Value::as_str).unwrap_or_default().to_owned(),
            )
        }),
        text: text.unwrap_or_default().to_owned(),
        calls: parts
            .iter()
            .filter(|part| is(part, "type", "tool"))
            .map(call)
            .collect(),
        changed: changed
            .into_iter()
            .flatten()
            .filter_map(|diff| Some(diff.get("file")?.as_str()?.to_owned()))
            .collect(),
    })
}

fn call(part: &Value) -> Call {
    let none = Value::Null;
    let state = part.get("state").unwrap_or(&none);
    let error = match state.get("error") {
        Some(Value::String(words)) => words.clone(),
        Some(other) => text_of(other, "message"),
        None => String::new(),
    };
    let id = text_of(part, "callID");
    let of = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| milliseconds(part.pointer(name)?))
    };
    Call {
        // The newer interface calls the call's id just that, and has no other.
        id: if id.is_empty() {
            text_of(part, "id")
        } else {
            id
        },
        tool: [text_of(part, "tool"), text_of(part, "name")].concat(),
        status: text_of(state, "status"),
        error,
        input: state.get("input").cloned().unwrap_or_default(),
        metadata: ["metadata", "structured"]
            .iter()
            .find_map(|name| state.get(*name).cloned())
            .unwrap_or_default(),
        started: of(["/state/time/start", "/time/created"]),
        ended: of(["/state/time/end", "/time/completed"]),
    }
}

fn is(value: &Value, name: &str, word: &str) -> bool {
    value.get(name).and_then(Value::as_str) == Some(word)
}

fn text_of(value: &Value, name: &str) -> String {
    let found = value.get(name).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

/// Epoch milliseconds that a time of ours can have.
pub(crate) fn milliseconds(value: &Value) -> Option<i64> {
    let number = value.as_i64().or_else(|| Some(value.as_f64()? as i64))?;
    (number > 0 && number < 253_402_300_800_000).then_some(number)
}

/// Epoch milliseconds as a time of the contract.
pub(crate) fn time(milliseconds: i64) -> Option<String> {
    let time = DateTime::<Utc>::from_timestamp_millis(milliseconds)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// When a request was asked, epoch milliseconds, as its id tells: after its prefix stand twelve hexadecimal digits, the
/// lowest bits of the time times 4096 plus a counter. The time is the last one before `now` that has them.
pub(crate) fn asked_at(id: &str, now: i64) -> Option<i64> {
    let rest = id
        .strip_prefix("per_")
        .or_else(|| id.strip_prefix("que_"))?;
    let digits = rest.get(..12)?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let bits = i64::from_str_radix(digits, 16).ok()? >> 12;
    let all = 1_i64 << 36;
    let at = now - (now - bits).rem_euclid(all);
    (at > 0).then_some(at)
}

/// The text if it is one that can stand in a document.
pub(crate) fn not_too_deep(raw: &RawValue) -> String {
    if depth(raw.get()) <= DEPTH {
        raw.get().to_owned()
    } else {
        r#"{"native":"An item that is nested too deeply to be read."}"#.to_owned()
    }
}

pub(crate) use crate::a2a::depth;

//! What a task asks a person: found where servers put it, turned into one escalation item of the contract.
//!
//! What asks is told by the protocol's state and by structure, never by a list of words. Where a task that waits only says
//! something, without a question mark, it may be asking: that is a question of low severity. A structured request of a known shape asks whatever its task is called, even "working" or
//! "completed"; a task that waits but asks nothing is no escalation, it is shown as a task that waits. What may be
//! approved is carried byte for byte, so that duplicate keys and odd numbers are judged by the contract's own reader.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use domain::{
    contract::TaskState,
    decision::{canonical, digest},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use super::{
    calls,
    card::clip,
    choice, form,
    shape::{self, Piece, Shape},
    task::{self, Message, Part, Task},
};

/// Data parts that are kept with a question; more is not a question to a person.
const DATA_PARTS: usize = 8;

/// Stands between what a version is made of.
const BETWEEN: char = '\u{1f}';

/// One escalation item (contract, 1.8).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) version: String,
    task_id: String,
    kind: Cow<'static, str>,
    title: String,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proposed_action: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    options: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_schema: Option<Box<RawValue>>,
    /// Low where it may be asking and nothing says for certain that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<Cow<'static, str>>,
    pub(crate) created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Box<RawValue>>,
    pub(crate) status: Cow<'static, str>,
    native: Native,
}

impl Question {
    /// Those of an earlier connection that were open, by task and id. What came by our extension is not of our making.
    pub(crate) fn shown_before(raws: &[Box<str>]) -> HashMap<String, BTreeMap<String, Self>> {
        let mut shown: HashMap<String, BTreeMap<String, Self>> = HashMap::new();
        for question in crate::escalation::shown_before::<Self>(raws) {
            if question.native.protocol == "a2a" {
                let of_task = shown.entry(question.task_id.clone()).or_default();
                of_task.insert(question.id.clone(), question);
            }
        }
        shown
    }

    /// Whether it asks leave for exactly this action.
    pub(crate) fn is_about(&self, action: &Value) -> bool {
        let own = self.proposed_action.as_ref();
        own.is_some_and(|own| {
            serde_json::from_str::<Value>(own.get()).ok().as_ref() == Some(action)
        })
    }

    /// What it asks in structure.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.native.asked
    }

    /// Whether it asks with these words.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.message == words
    }

    /// Whether it asks for certain.
    pub(crate) fn is_certain(&self) -> bool {
        self.severity.is_none()
    }

    /// Whether this is what was shown, asked on. Some servers give their status a new time with every answer, others its
    /// message a new id: what bears the same one, and asks the same, was not asked anew.
    pub(crate) fn is_still(&self, shown: &Self) -> bool {
        let id = |of: &Self| of.native.message_id.clone();
        let same_message = id(self).is_some() && id(self) == id(shown);
        let is_asked_on = (same_message || self.created_at == shown.created_at)
            && self.native.state == shown.native.state;
        (self.version == shown.version || is_asked_on) && self.is_as_shown(shown)
    }

    /// Whether all that a person sees of it, and answers, is the same. A version alone can be anybody's: what came by our
    /// extension may have been written to look like a question of our making.
    fn is_as_shown(&self, shown: &Self) -> bool {
        let json = |data: &RawValue| canonical(data.get());
        let same = |one: &Option<Box<RawValue>>, other: &Option<Box<RawValue>>| {
            let [one, other] = [one, other].map(|data| data.as_deref().map(json));
            one == other
        };
        let asked = |of: &Self| -> Vec<_> {
            let pieces = of.native.asked.iter();
            let asked = pieces.map(|piece| {
                let beside = piece.metadata.as_deref().map(json);
                (json(&piece.data), beside, piece.key.clone())
            });
            asked.collect()
        };
        self.id == shown.id
            && (&self.message, &self.kind) == (&shown.message, &shown.kind)
            && self.native.beside == shown.native.beside
            && same(&self.proposed_action, &shown.proposed_action)
            && same(&self.options, &shown.options)
            && same(&self.response_schema, &shown.response_schema)
            && asked(self) == asked(shown)
    }

    /// Whether it is about a call that tells its own state.
    pub(crate) fn is_of_call(&self) -> bool {
        self.native.asked.iter().any(shape::tells_state)
    }

    /// What identifies what is asked about.
    pub(crate) fn ids(&self) -> HashSet<String> {
        let asked = self.native.asked.iter();
        asked.flat_map(|piece| shape::ids(&piece.data)).collect()
    }
}

/// What the server said, for the reply.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Native {
    protocol: Cow<'static, str>,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    asked: Vec<Piece>,
    /// The task is over in the server's eyes: an answer goes beside it, not to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    beside: bool,
}

/// The first question of a task; `None` when it asks nothing. `answered` are ids that answers to other tasks have named.
pub(crate) fn of(task: &Task, first_seen: &str, answered: &HashSet<String>) -> Option<Question> {
    all(task, first_seen, answered).into_iter().next()
}

/// All that a task asks: what waits for leave side by side is decided each by itself, so each is a question; anything else
/// is one.
pub(crate) fn all(task: &Task, first_seen: &str, answered: &HashSet<String>) -> Vec<Question> {
    let state = task.state();
    if matches!(
        state,
        TaskState::Failed | TaskState::Canceled | TaskState::Rejected
    ) {
        return vec![];
    }
    let waits = matches!(state, TaskState::InputRequired | TaskState::AuthRequired);
    let mut asked = awaiting(task);
    if asked.is_empty() {
        let found = structured(task, waits, answered);
        asked.extend(found.or_else(|| waits.then(|| plain(task)).flatten()));
    }
    if asked.is_empty() && state == TaskState::AuthRequired {
        asked.push(Asked::default());
    }
    let written = asked.into_iter().map(|one| written(task, first_seen, one));
    written.collect()
}

/// The longest id that the contract takes.
const LONGEST_ID: usize = 512;

/// A call has a question of its own; otherwise a task has one at a time.
fn id_of(task: &Task, pieces: &[Piece]) -> String {
    let calls = pieces.iter().filter(|piece| shape::tells_state(piece));
    let Some(call) = calls.flat_map(|piece| shape::ids(&piece.data)).next() else {
        return task.id.clone();
    };
    let id = format!("{}/{call}", task.id);
    match id.len() > LONGEST_ID {
        true => digest(&id),
        false => id,
    }
}

fn written(task: &Task, first_seen: &str, asked: Asked) -> Question {
    let state = task.state();
    let login = |piece: &Piece| piece.data.get().contains("\"adk_request_credential\"");
    let auth = state == TaskState::AuthRequired || asked.pieces.iter().any(login);
    let Asked {
        text,
        pieces,
        message_id,
        maybe,
    } = asked;
    let details = details(&pieces);
    let kind = if auth {
        "auth"
    } else if details.schema.is_some() {
        "form"
    } else if details.action.is_some() {
        "approval"
    } else {
        "question"
    };
    let text = if text.is_empty() {
        details.words.unwrap_or_default()
    } else {
        text
    };
    let text = match text.is_empty() {
        true => details.beside.trim_start().to_owned(),
        false => text + &details.beside,
    };
    let title = match (
        text.lines().find(|line| !line.trim().is_empty()),
        auth,
        &details.name,
    ) {
        (Some(line), _, _) => clip(line.trim(), 120),
        (None, true, _) => "Needs you to log in at the agent".to_owned(),
        (None, false, Some(name)) => format!("Asks about {}", clip(name, 100)),
        (None, false, None) => "Asks for an answer".to_owned(),
    };
    let message = if text.is_empty() {
        title.clone()
    } else {
        text.clone()
    };
    // A question with an id of its own stays the same wherever it is moved to. Without one and without a time, only the
    // message's own id tells the same question asked twice from one asked once.
    let has_id = pieces
        .iter()
        .any(|piece| !shape::ids(&piece.data).is_empty());
    let asked_when = match has_id {
        true => "",
        false => task
            .timestamp()
            .or(message_id.as_deref())
            .unwrap_or_default(),
    };
    let place = if has_id { "asked" } else { task.native_state() };
    let mut bound = format!("{place}{BETWEEN}{text}{BETWEEN}{asked_when}");
    for piece in &pieces {
        bound.push(BETWEEN);
        bound.push_str(&canonical(piece.data.get()));
    }
    // Words with this character in them could pass for what stands behind them.
    if [&text, asked_when]
        .iter()
        .any(|said| said.contains(BETWEEN))
    {
        bound.push_str(&format!("{BETWEEN}{} {}", text.len(), asked_when.len()));
    }
    Question {
        id: id_of(task, &pieces),
        version: digest(&bound).trim_start_matches("sha256:")[..24].to_owned(),
        task_id: task.id.clone(),
        kind: kind.into(),
        title,
        message,
        proposed_action: details.action,
        options: details.options,
        response_schema: details.schema,
        severity: maybe.then(|| "low".into()),
        created_at: task.timestamp().unwrap_or(first_seen).to_owned(),
        expires_at: details.expires_at,
        status: "pending".into(),
        native: Native {
            protocol: "a2a".into(),
            state: task.native_state().to_owned(),
            context_id: task.context_id.clone(),
            message_id,
            asked: pieces,
            beside: state.is_terminal(),
        },
    }
}

/// Where a question stood, and its words and pieces.
#[derive(Default)]
struct Asked {
    text: String,
    pieces: Vec<Piece>,
    message_id: Option<String>,
    /// It may be asking, or stating.
    maybe: bool,
}

/// The newest structured request of a known shape that nobody has answered: in the status message, an artifact, or (where
/// a refused answer has moved it) in the history.
fn structured(task: &Task, waits: bool, answered: &HashSet<String>) -> Option<Asked> {
    let asks = |piece: &Piece| shape::of(piece).is_some_and(|s| waits || s.stands_alone());
    let of_message = |message: &Message| asked_by(message, asks);
    let said = task.status.as_ref().and_then(|s| s.message.as_ref());
    let of_status = said.and_then(of_message);
    if waits && of_status.is_some() {
        return of_status;
    }
    let history = task.history.as_deref().unwrap_or_default();
    let named: HashSet<String> = answers(history.iter().chain(said)).collect();
    let closed = responses(task);
    let is_open = |asked: &Asked| {
        let by_words = |piece: &Piece| shape::of(piece) == Some(Shape::Deferred);
        if !waits && asked.pieces.iter().any(by_words) && answered.contains(&followed(&task.id)) {
            return false;
        }
        let mut ids = asked.pieces.iter().flat_map(|p| shape::ids(&p.data));
        !ids.any(|id| {
            named.contains(&id) || !waits && (answered.contains(&id) || closed.contains(&id))
        })
    };
    let mut of_artifacts = task
        .artifacts
        .iter()
        .flatten()
        .rev()
        .filter_map(|artifact| {
            let parts = artifact.parts.as_deref().unwrap_or_default();
            pieces(parts, None, asks, None)
        });
    let of_history = || {
        // A task that goes on after somebody spoke is not kept by what it asked before.
        let since = match waits {
            true => 0,
            false => history
                .iter()
                .rposition(|message| !message.is_agents())
                .map_or(0, |at| at + 1),
        };
        let mut later = history[since..].iter().rev().filter(|m| m.is_agents());
        later.find_map(of_message)
    };
    of_status
        .filter(is_open)
        .or_else(|| of_artifacts.find(is_open))
        .or_else(|| of_history().filter(is_open))
}

/// The calls that still wait for leave, of those that tell their own state: the newest word about each counts, wherever it
/// stands.
fn awaiting(task: &Task) -> Vec<Asked> {
    let told = calls::told(task).into_iter();
    let waiting = told.filter_map(|(message, data)| {
        let piece = Piece {
            data: data.to_owned(),
            metadata: None,
            key: None,
        };
        shape::of(&piece)?;
        Some(Asked {
            text: message.text(),
            pieces: vec![piece],
            message_id: message.message_id.clone(),
            maybe: false,
        })
    });
    waiting.collect()
}

/// The ids that people's messages name in their data.
pub(crate) fn answers<'a>(
    messages: impl Iterator<Item = &'a Message>,
) -> impl Iterator<Item = String> {
    messages
        .filter(|message| message.is_persons())
        .flat_map(|message| task::data(message.parts.as_deref().unwrap_or_default()))
        .flat_map(shape::ids)
}

/// Under which the tasks that a person's words were about are kept beside the ids that answers name.
pub(crate) fn followed_up(task: &Task) -> impl Iterator<Item = String> {
    let people = task.history.iter().flatten().filter(|m| m.is_persons());
    let about = people.flat_map(|message| message.reference_task_ids.iter().flatten());
    about.map(|id| followed(id))
}

fn followed(task: &str) -> String {
    format!("task {task}")
}

/// Ids of calls whose result the task itself shows.
fn responses(task: &Task) -> HashSet<String> {
    let of_messages = task
        .history
        .iter()
        .flatten()
        .filter_map(|m| m.parts.as_ref());
    let of_artifacts = task
        .artifacts
        .iter()
        .flatten()
        .filter_map(|a| a.parts.as_ref());
    of_messages
        .chain(of_artifacts)
        .flat_map(|parts| task::data_parts(parts))
        .filter(|(_, beside)| is_result(*beside))
        .flat_map(|(data, _)| shape::ids(data))
        .collect()
}

pub(crate) fn is_result(beside: Option<&RawValue>) -> bool {
    let beside: Option<Value> = beside.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let kind = beside
        .as_ref()
        .and_then(|all| all.get("adk_type")?.as_str());
    kind.is_some_and(|kind| kind != "function_call")
}

fn asked_by(message: &Message, asks: impl Fn(&Piece) -> bool) -> Option<Asked> {
    if message.is_persons() {
        return None;
    }
    let parts = message.parts.as_deref().unwrap_or_default();
    let beside = message.metadata.as_deref();
    pieces(parts, beside, asks, message.message_id.clone())
}

/// What a waiting task asks in other ways: the status message, else an artifact that is a question, else the newest
/// message, if the agent asked something in it.
fn plain(task: &Task) -> Option<Asked> {
    let said = task.status.as_ref().and_then(|s| s.message.as_ref());
    let of_status = said.and_then(|message| {
        let found = asked_by(message, |_| true);
        found.or_else(|| in_words(task, message, false))
    });
    if of_status.is_some() {
        return of_status;
    }
    let mut artifacts = task.artifacts.iter().flatten().rev();
    let interrupt = artifacts.find_map(|artifact| {
        let parts = artifact.parts.as_deref().unwrap_or_default();
        let named = artifact
            .name
            .as_deref()
            .is_some_and(|n| n.eq_ignore_ascii_case("interrupt"));
        let found = pieces(parts, None, |piece| named || looks_asking(piece), None);
        found.or_else(|| {
            let text = task::text(parts);
            (named && !text.is_empty()).then(|| Asked {
                text,
                ..Asked::default()
            })
        })
    });
    // An agent that speaks in its status has said there what it has to say.
    if interrupt.is_some() || said.is_some_and(|said| !said.text().is_empty()) {
        return interrupt;
    }
    // Many end every turn as one that waits: what stands in the history only was not said to be what it waits for.
    let newest = task.history.as_ref()?.last()?;
    let found = asked_by(newest, looks_asking);
    found.or_else(|| in_words(task, newest, true).filter(|asked| has_question_mark(&asked.text)))
}

/// What the agent says, where it is not its result.
fn in_words(task: &Task, message: &Message, maybe: bool) -> Option<Asked> {
    let text = message.text();
    let is_new = !message.is_persons() && !text.is_empty() && !is_result_of(task, &text);
    is_new.then(|| Asked {
        maybe: maybe || !has_question_mark(&text) && !text.trim_end().ends_with([':', '：']),
        text,
        message_id: message.message_id.clone(),
        ..Asked::default()
    })
}

/// What the agent of a waiting task said last, where that was not said to be what it waits for.
pub(crate) fn last_words(task: &Task) -> Option<String> {
    let newest = task.history.as_ref()?.last()?;
    let said = in_words(task, newest, true)?;
    newest.is_agents().then_some(said.text)
}

fn has_question_mark(text: &str) -> bool {
    text.contains(['?', '？', '؟', '⸮', '\u{37e}'])
}

/// Whether these words are what an artifact holds: then they are the result, not a question.
fn is_result_of(task: &Task, text: &str) -> bool {
    !has_question_mark(text)
        && task.artifacts.iter().flatten().any(|artifact| {
            let parts = artifact.parts.as_deref().unwrap_or_default();
            task::text(parts).trim() == text.trim()
        })
}

/// Whether data of a shape that is not known has a member that only questions have.
fn looks_asking(piece: &Piece) -> bool {
    let members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(piece.data.get()).unwrap_or_default();
    let only_questions = ["question", "prompt", "options", "choices", "proposedAction"];
    only_questions
        .iter()
        .chain(&form::NAMES)
        .any(|name| members.contains_key(*name))
}

/// Data parts (and members of the metadata) that ask, with the words beside them.
fn pieces(
    parts: &[Part],
    beside: Option<&RawValue>,
    asks: impl Fn(&Piece) -> bool,
    message_id: Option<String>,
) -> Option<Asked> {
    let of_parts = task::data_parts(parts)
        .filter(|(_, beside)| !is_result(*beside))
        // What a call tells of itself is asked elsewhere, or is no question.
        .filter(|(data, _)| shape::call_status(data).is_none())
        .map(|(data, metadata)| Piece {
            data: data.to_owned(),
            metadata: metadata.map(ToOwned::to_owned),
            key: None,
        });
    let members: BTreeMap<String, Box<RawValue>> = beside
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let of_metadata = members
        .into_iter()
        .filter(|(key, _)| shape::asks_in_metadata(key))
        .map(|(key, data)| Piece {
            data,
            metadata: None,
            key: Some(key),
        });
    let all: Vec<Piece> = of_parts.chain(of_metadata).collect();
    let known = all.iter().any(|piece| shape::of(piece).is_some());
    let pieces: Vec<Piece> = all
        .into_iter()
        .filter(|piece| asks(piece) && (!known || shape::of(piece).is_some()))
        .take(DATA_PARTS)
        .collect();
    (!pieces.is_empty()).then(|| Asked {
        text: task::text(parts),
        pieces,
        message_id,
        maybe: false,
    })
}

#[derive(Default)]
struct Details {
    name: Option<String>,
    /// What it says of itself, where no words stand beside it.
    words: Option<String>,
    /// What stands beside a choice, to be shown with the words.
    beside: String,
    action: Option<Box<RawValue>>,
    options: Option<Box<RawValue>>,
    schema: Option<Box<RawValue>>,
    expires_at: Option<Box<RawValue>>,
}

/// What the pieces ask. Several are shown as one list, whole: what a person approves is what they were shown.
fn details(pieces: &[Piece]) -> Details {
    match pieces {
        [] => Details::default(),
        [only] => of_piece(only),
        several => {
            let name = format!("{} requests", several.len());
            let all: Vec<&str> = several.iter().map(|piece| piece.data.get()).collect();
            let list = RawValue::from_string(format!("[{}]", all.join(","))).ok();
            Details {
                words: several.iter().find_map(|piece| of_piece(piece).words),
                action: list.and_then(|list| action(&name, &list)),
                name: Some(name),
                ..Details::default()
            }
        }
    }
}

/// What one piece asks: a form when it has a schema, its `proposedAction` when it is in our words, else the piece itself
/// is what is asked about.
fn of_piece(piece: &Piece) -> Details {
    let data = &*piece.data;
    let shape = shape::of(piece);
    let value: Value = serde_json::from_str(data.get()).unwrap_or_default();
    let words = words(&value, 0);
    let Ok(mut members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(data.get())
    else {
        return Details {
            name: Some("data".to_owned()),
            words,
            action: action("data", data),
            ..Details::default()
        };
    };
    if shape == Some(Shape::Deferred) {
        return of_result(&value, data);
    }
    if shape == Some(Shape::Awaiting) {
        return of_call(&value, &members, data, words);
    }
    let is_object = |raw: &RawValue| raw.get().starts_with('{');
    let options = choice::of(&value, shape);
    if let Some(options) = &options
        && let Some(beside) = choice::is_only(&value, shape)
    {
        return Details {
            words,
            beside,
            options: choice::written(options),
            ..Details::default()
        };
    }
    let name = ["name", "action", "tool", "toolName", "tool_name", "type"]
        .iter()
        .find_map(|member| {
            let value: Value = serde_json::from_str(members.get(*member)?.get()).ok()?;
            value
                .as_str()
                .filter(|name| !name.is_empty())
                .map(|name| clip(name, 200))
        });
    let input = shape == Some(Shape::Call) && value["name"] == "adk_request_input";
    let inside: BTreeMap<String, Box<RawValue>> = members
        .get("args")
        .filter(|_| input)
        .and_then(|args| serde_json::from_str(args.get()).ok())
        .unwrap_or_default();
    let holder = if input { &inside } else { &members };
    let schema = form::NAMES
        .iter()
        .find_map(|member| holder.get(*member).filter(|raw| is_object(raw)).cloned());
    let own = members
        .get("proposedAction")
        .filter(|raw| is_object(raw))
        .cloned();
    // A form, or plain words, ask for an answer, not for leave.
    let only_words = match shape {
        Some(Shape::Resume) => value["value"].is_string(),
        Some(Shape::Call) => input && value["args"].get("payload").is_none_or(Value::is_null),
        Some(Shape::Metadata) => value.get("fields").is_some(),
        _ => false,
    };
    let action = own.or_else(|| match &schema {
        Some(_) => None,
        None if only_words => None,
        None => action(name.as_deref().unwrap_or("data"), data),
    });
    let expires_at = members
        .remove("expiresAt")
        .filter(|at| at.get().starts_with('"'));
    Details {
        name,
        words,
        action,
        options: options.as_deref().and_then(choice::written),
        schema: schema.or_else(|| fields(&value, shape)),
        expires_at,
        beside: String::new(),
    }
}

/// A call that waits for leave: its name and its arguments, and what it would change where that is told. Data that can be
/// read in two ways is shown whole.
fn of_call(
    value: &Value,
    members: &BTreeMap<String, Box<RawValue>>,
    whole: &RawValue,
    words: Option<String>,
) -> Details {
    let request: BTreeMap<String, Box<RawValue>> = members
        .get("request")
        .and_then(|request| serde_json::from_str(request.get()).ok())
        .unwrap_or_default();
    let name = value["request"]["name"].as_str().unwrap_or("call");
    let is_strict = domain::decision::strict_json(whole.get(), "data").is_ok();
    let args = request.get("args").filter(|_| is_strict);
    let details = &value["confirmationDetails"];
    let diff = details["fileDiff"].as_str().filter(|_| is_strict);
    let diff = diff.map_or_else(String::new, |diff| {
        format!(r#","diff":{}"#, Value::from(diff))
    });
    let args = args.map_or(whole, |args| &**args);
    let action = format!(
        r#"{{"name":{},"args":{}{diff}}}"#,
        Value::from(name),
        args.get()
    );
    Details {
        name: Some(clip(name, 200)),
        words,
        action: RawValue::from_string(action).ok(),
        ..Details::default()
    }
}

/// Calls that wait for leave in the result of a turn: one with its name and its arguments (which may be JSON in a text),
/// several as they stand.
fn of_result(value: &Value, whole: &RawValue) -> Details {
    #[derive(Deserialize)]
    struct Turn {
        #[serde(default)]
        result: Option<Asking>,
        #[serde(default)]
        approvals: Vec<Call>,
    }
    #[derive(Deserialize)]
    struct Asking {
        #[serde(default)]
        approvals: Vec<Call>,
    }
    #[derive(Deserialize)]
    struct Call {
        #[serde(default)]
        args: Option<Box<RawValue>>,
    }
    let calls = shape::approvals(value).map_or(&[][..], Vec::as_slice);
    let name = match calls {
        [only] => only["tool_name"].as_str().unwrap_or("call").to_owned(),
        several => format!("{} requests", several.len()),
    };
    let is_strict = |data: &RawValue| domain::decision::strict_json(data.get(), "data").is_ok();
    let turn = is_strict(whole)
        .then(|| serde_json::from_str::<Turn>(whole.get()).ok())
        .flatten();
    let args = turn
        .and_then(|turn| {
            let mut calls = turn
                .result
                .map_or(turn.approvals, |result| result.approvals);
            calls.pop().filter(|_| calls.is_empty())?.args
        })
        .and_then(|args| match serde_json::from_str::<String>(args.get()) {
            Ok(text) => RawValue::from_string(text)
                .ok()
                .filter(|args| is_strict(args)),
            Err(_) => Some(args),
        });
    Details {
        action: action(&name, args.as_deref().unwrap_or(whole)),
        name: Some(clip(&name, 200)),
        ..Details::default()
    }
}

/// A form given as a list of fields, as a schema.
fn fields(value: &Value, shape: Option<Shape>) -> Option<Box<RawValue>> {
    let fields = value.get("fields")?.as_array()?;
    if shape != Some(Shape::Metadata) {
        return None;
    }
    let mut properties = serde_json::Map::new();
    let mut required = vec![];
    for field in fields {
        let id = field.get("id")?.as_str()?;
        let kind = match field.get("type").and_then(Value::as_str) {
            Some("checkbox") => "boolean",
            Some("multiselect" | "file") => "array",
            _ => "string",
        };
        let title = field.get("label").cloned().unwrap_or_else(|| id.into());
        properties.insert(
            id.to_owned(),
            serde_json::json!({"type": kind, "title": title}),
        );
        if field.get("required") == Some(&Value::Bool(true)) {
            required.push(id);
        }
    }
    let schema =
        serde_json::json!({"type": "object", "properties": properties, "required": required});
    serde_json::value::to_raw_value(&schema).ok()
}

/// Members that hold the words with which a piece asks.
pub(super) const SAYS: [&str; 9] = [
    "message",
    "question",
    "prompt",
    "description",
    "instructions",
    "hint",
    "title",
    "reason",
    "text",
];

/// The words with which a piece asks, wherever frameworks put them.
fn words(value: &Value, depth: usize) -> Option<String> {
    const INSIDE: [&str; 9] = [
        "value",
        "args",
        "toolConfirmation",
        "action_requests",
        "interrupts",
        "request",
        "form",
        "action_request",
        "confirmationDetails",
    ];
    match value {
        Value::String(text) if depth > 0 && !text.trim().is_empty() => Some(clip(text, 8000)),
        Value::Object(members) if depth < 4 => {
            let said = SAYS.iter().find_map(|name| members.get(*name)?.as_str());
            let said = said.filter(|said| !said.trim().is_empty());
            said.map(|said| clip(said, 8000)).or_else(|| {
                let mut inside = INSIDE.iter().filter_map(|name| members.get(*name));
                inside.find_map(|value| words(value, depth + 1))
            })
        }
        Value::Array(all) if depth < 4 => all.iter().find_map(|one| match one {
            Value::Object(_) => words(one, depth + 1),
            _ => None,
        }),
        _ => None,
    }
}

fn action(name: &str, args: &RawValue) -> Option<Box<RawValue>> {
    let name = Value::from(name);
    RawValue::from_string(format!(r#"{{"name":{name},"args":{}}}"#, args.get())).ok()
}

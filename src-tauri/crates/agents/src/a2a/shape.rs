//! Structured questions of widespread frameworks, and answers in their own shape: anything else leaves them waiting,
//! destroys the question, or ends it without effect.
//!
//! A shape is recognised by its own members, never by who made it. What a shape cannot express is refused in words, never
//! sent in another one. What is not recognised is answered in our own words, elsewhere.

use domain::decision::{DecisionBody, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};

use super::form;

/// One structured piece of a question, as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) data: Box<RawValue>,
    /// What stood beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) metadata: Option<Box<RawValue>>,
    /// The key under which it stood in the metadata of the message, where answers stand too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// How a structured question is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A call of a function that waits for its response (`{id, name, args}`).
    Call,
    /// `{interrupts: [{interruptId, name, reason}]}`.
    Interrupts,
    /// `{action_requests, review_configs}`.
    Reviews,
    /// `[{action_request, config}]`, or one of them.
    Inbox,
    /// `{requestedSchema, message}`.
    Elicitation,
    /// A run that is interrupted: `{id, reason, …}`.
    Run,
    /// `{id, value, response_schema?}`, answered by `{resume}`.
    Resume,
    /// `{type: "…approval…request", id, …}`, answered by the same word with "response".
    Typed,
    /// A member of the message's metadata.
    Metadata,
    /// A call that tells its own state (`{request: {callId, name, args}, status, confirmationDetails}`), while it waits
    /// for leave. Answered by `{callId, outcome}`.
    Awaiting,
    /// `{result: {approvals: [{tool_name, args, tool_call_id}]}}`, the result of a turn that wants leave for calls. Its
    /// servers fail over data, and take words in the same context.
    Deferred,
}

impl Shape {
    /// Whether it asks by itself, whatever the state of its task.
    pub(crate) fn stands_alone(self) -> bool {
        !matches!(self, Self::Resume | Self::Run | Self::Elicitation)
    }
}

/// A structured answer: data parts (each with what must stand beside it), or members of the message's metadata.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Shaped {
    pub(crate) parts: Vec<(Value, Option<Value>)>,
    pub(crate) metadata: Map<String, Value>,
}

const APPROVAL: &str = "/interactions/approval/";
/// The approval extension of a2a-rust (<https://a2a-rust.com/extensions/approval/v1>): `{requestId, summary, digest}`, answered
/// by `{requestId, decision, digest}`; its gate lets nothing pass that names another digest.
const GATE: &str = "a2a-rust.com/approval";
const FORM: &str = "/ui/form_request/";

/// The shape of a piece; `None` when it is not known here.
pub(crate) fn of(piece: &Piece) -> Option<Shape> {
    let question: Value = serde_json::from_str(piece.data.get()).ok()?;
    if let Some(key) = &piece.key {
        return asks_in_metadata(key).then_some(Shape::Metadata);
    }
    let text = |member: &str| question.get(member).and_then(Value::as_str);
    let is_list = |member: &str| {
        let list = question.get(member).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    let first = question.as_array().and_then(|all| all.first());
    if approvals(&question).is_some() {
        return Some(Shape::Deferred);
    }
    if let Some(status) = status_of(&question) {
        return (status == AWAITING && !wants_more(&question)).then_some(Shape::Awaiting);
    }
    if is_call(piece, &question) {
        Some(Shape::Call)
    } else if is_list("interrupts") && question["interrupts"][0]["interruptId"].is_string() {
        Some(Shape::Interrupts)
    } else if is_list("action_requests") {
        Some(Shape::Reviews)
    } else if first.unwrap_or(&question).get("action_request").is_some() {
        Some(Shape::Inbox)
    } else if question.get("requestedSchema").is_some() {
        Some(Shape::Elicitation)
    } else if typed(&question).is_some() && text_id(&question).is_some() {
        Some(Shape::Typed)
    } else if text("id").is_some() && question.get("value").is_some() {
        Some(Shape::Resume)
    } else if text("id").is_some() && text("reason").is_some() {
        Some(Shape::Run)
    } else {
        None
    }
}

/// Whether a member of a message's metadata asks something.
pub(crate) fn asks_in_metadata(key: &str) -> bool {
    key.contains(APPROVAL) || key.contains(FORM) || key == GATE
}

/// The calls that wait for leave in the result of a turn.
pub(super) fn approvals(question: &Value) -> Option<&Vec<Value>> {
    let result = question.get("result").unwrap_or(question);
    let all = result.get("approvals")?.as_array()?;
    let is_call = |one: &Value| one["tool_call_id"].is_string() && one["tool_name"].is_string();
    (!all.is_empty() && all.iter().all(is_call)).then_some(all)
}

/// The names of those calls; none where it is no such result.
pub(super) fn tools(data: &RawValue) -> Vec<String> {
    let question: Value = serde_json::from_str(data.get()).unwrap_or_default();
    let calls = approvals(&question).into_iter().flatten();
    let names = calls.filter_map(|call| call["tool_name"].as_str());
    names.map(str::to_owned).collect()
}

/// The state of a call that waits for leave.
pub(super) const AWAITING: &str = "awaiting_approval";

/// The state that a call tells of itself; `None` when this is no such call.
pub(super) fn call_status(data: &RawValue) -> Option<String> {
    let call: Value = serde_json::from_str(data.get()).ok()?;
    status_of(&call).map(str::to_lowercase)
}

/// Whether such a call waits for more than leave. The server of Gemini CLI passes nothing on but the leave, and a yes without
/// what was asked for counts as no answer there (gemini-cli-core, `ask-user.ts` and `exit-plan-mode.ts`).
pub(super) fn wants_more(call: &Value) -> bool {
    let kind = call["confirmationDetails"]["type"].as_str();
    kind.is_some_and(|kind| ["ask_user", "exit_plan_mode"].contains(&kind))
}

/// Whether its call tells its own state.
pub(super) fn tells_state(piece: &Piece) -> bool {
    call_status(&piece.data).is_some()
}

fn status_of(call: &Value) -> Option<&str> {
    call.get("request")?.get("callId")?.as_str()?;
    call.get("status")?.as_str()
}

/// What identifies a question, wherever it stands: its own id, or those of its parts.
pub(crate) fn ids(data: &RawValue) -> Vec<String> {
    let Ok(value) = serde_json::from_str::<Value>(data.get()) else {
        return vec![];
    };
    // It has other ids beside its own, which others share.
    if status_of(&value).is_some() {
        let own = value["request"]["callId"].as_str();
        return own.map(str::to_owned).into_iter().collect();
    }
    let mut found = vec![];
    collect(&value, 0, &mut found);
    found
}

fn collect(value: &Value, depth: usize, found: &mut Vec<String>) {
    match value {
        Value::Object(members) if depth < 4 => {
            for (name, value) in members {
                match value {
                    Value::String(id) if identifies(name) && found.len() < 32 => {
                        found.push(id.clone());
                    }
                    // Answers to several questions are kept under their ids.
                    Value::Object(answers) if name == "resume" => {
                        found.extend(answers.keys().take(32).cloned());
                    }
                    _ => collect(value, depth + 1, found),
                }
            }
        }
        Value::Array(all) => all
            .iter()
            .take(32)
            .for_each(|one| collect(one, depth + 1, found)),
        _ => {}
    }
}

/// Whether a member of this name says which question it is.
pub(crate) fn identifies(name: &str) -> bool {
    name == "id" || name.ends_with("Id") || name.ends_with("_id") || name == "interrupt"
}

fn is_call(piece: &Piece, question: &Value) -> bool {
    let text = |member: &str| question.get(member).and_then(Value::as_str);
    if text("id").is_none() {
        return false;
    }
    let Some(name) = text("name") else {
        return false;
    };
    if name.starts_with("adk_request_") {
        return question.get("response").is_none();
    }
    let beside: Option<Value> = piece
        .metadata
        .as_ref()
        .and_then(|beside| serde_json::from_str(beside.get()).ok());
    let beside = |member: &str| beside.as_ref().and_then(|all| all.get(member));
    beside("adk_is_long_running") == Some(&json!(true))
        && beside("adk_type").is_none_or(|kind| kind == "function_call")
}

/// The answer to the pieces of one question. `Ok(None)` when their shape is not known here; `Err` = they cannot be
/// answered so, in words.
pub(crate) fn answer(pieces: &[Piece], body: &DecisionBody) -> Result<Option<Shaped>, String> {
    let known: Vec<(Shape, &Piece, Value)> = pieces
        .iter()
        .filter_map(|piece| {
            let data = serde_json::from_str(piece.data.get()).ok()?;
            Some((of(piece)?, piece, data))
        })
        .collect();
    let Some((first, ..)) = known.first() else {
        return Ok(None);
    };
    if known.len() > 1 && body.outcome == Outcome::Edit {
        return Err(ONE_EDIT.to_owned());
    }
    if *first == Shape::Resume {
        return resume(&known, body).map(Some);
    }
    let mut shaped = Shaped::default();
    for (shape, piece, question) in &known {
        let mut put = |data: Value| shaped.parts.push((data, None));
        match shape {
            Shape::Call => {
                let beside = json!({"adk_type": "function_response"});
                shaped.parts.push((call(question, body)?, Some(beside)));
            }
            Shape::Interrupts => {
                for one in question["interrupts"].as_array().into_iter().flatten() {
                    let id = one.get("interruptId").cloned().unwrap_or(Value::Null);
                    let response = free(body, json!("y"), json!("n"))?;
                    put(json!({"interruptResponse": {"interruptId": id, "response": response}}));
                }
            }
            Shape::Reviews => put(reviews(question, body)?),
            Shape::Inbox => put(inbox(question, body)?),
            Shape::Elicitation => put(elicitation(question, body)?),
            Shape::Run => put(run(question, body)?),
            Shape::Typed => put(response(question, body)?),
            Shape::Metadata => {
                let key = piece.key.clone().unwrap_or_default();
                let value = beside(&key, question, body)?;
                shaped.metadata.insert(key, value);
            }
            Shape::Awaiting => put(leave(question, body)?),
            Shape::Deferred if body.outcome == Outcome::Edit => return Err(NO_EDIT.to_owned()),
            Shape::Deferred => {}
            Shape::Resume => {}
        }
    }
    Ok(Some(shaped))
}

const ONE_EDIT: &str =
    "It asks about several actions at once, and one edited action cannot stand for all of them.";
const NO_EDIT: &str = "It takes a yes or a no to exactly this, and no edited action.";
const YES_OR_NO: &str = "It asks for a yes or a no; an answer in words would not be understood.";
const NO_CONDITION: &str = "It takes a yes or a no alone: what you wrote beside the yes would be lost. Answer without it, or say no.";
const NO_WORDS: &str = "It asks for an answer in words, and there is none.";
pub(super) const FILL_IN: &str =
    "It asks for a form; an answer without the form filled in would not be understood.";
const LOG_IN: &str =
    "It asks for a login in its own form, which cannot be given here. Log in at the agent itself.";

fn value(raw: Option<&RawValue>) -> Option<Value> {
    serde_json::from_str(raw?.get()).ok()
}

/// A yes, a no, or neither.
pub(super) fn says_yes(body: &DecisionBody) -> Option<bool> {
    match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways | Outcome::Edit => Some(true),
        Outcome::Reject | Outcome::Cancel => Some(false),
        Outcome::Respond => None,
    }
}

/// A yes or a no where nothing else can be said.
fn decided(body: &DecisionBody) -> Result<bool, String> {
    if body.outcome == Outcome::Edit {
        return Err(NO_EDIT.to_owned());
    }
    says_yes(body).ok_or_else(|| YES_OR_NO.to_owned())
}

/// An answer where any JSON is taken: what was filled in, what was said, or the words for yes and no.
fn free(body: &DecisionBody, yes: Value, no: Value) -> Result<Value, String> {
    if body.outcome == Outcome::Edit {
        return Err(NO_EDIT.to_owned());
    }
    if let Some(payload) = value(body.payload.as_deref()) {
        return Ok(payload);
    }
    match says_yes(body) {
        Some(true) => Ok(yes),
        Some(false) => Ok(no),
        None => said(body).map(Value::from),
    }
}

fn said(body: &DecisionBody) -> Result<String, String> {
    let said = body.message.clone().or_else(|| body.option_id.clone());
    said.ok_or_else(|| NO_WORDS.to_owned())
}

/// `{id, name, args}`: `{id, name, response}`.
fn call(question: &Value, body: &DecisionBody) -> Result<Value, String> {
    let name = question["name"].as_str().unwrap_or_default();
    let payload = value(body.payload.as_deref());
    let mut response = Map::new();
    match name {
        "adk_request_confirmation" => {
            response.insert("confirmed".to_owned(), json!(decided(body)?));
            if let Some(message) = &body.message {
                response.insert("hint".to_owned(), json!(message));
            }
            if let Some(payload) = payload {
                response.insert("payload".to_owned(), payload);
            }
        }
        "adk_request_credential" => match payload {
            Some(Value::Object(filled)) => response = filled,
            _ => return Err(LOG_IN.to_owned()),
        },
        "adk_request_input" => {
            let schema = question["args"]
                .get("response_schema")
                .or_else(|| question["args"].get("responseSchema"));
            response = match asked_by(schema, body)? {
                Some(Value::Object(filled)) => filled,
                Some(other) => wrapped(other),
                None => wrapped(free(body, json!("yes"), json!("no"))?),
            };
        }
        _ => {
            if body.outcome == Outcome::Edit {
                return Err(NO_EDIT.to_owned());
            }
            match (says_yes(body), payload) {
                (_, Some(Value::Object(filled))) => response = filled,
                (_, Some(other)) => response = wrapped(other),
                (Some(yes), None) => {
                    let word = if yes { "approved" } else { "rejected" };
                    response.insert("status".to_owned(), json!(word));
                    response.insert("approved".to_owned(), json!(yes));
                    if let Some(message) = &body.message {
                        response.insert("message".to_owned(), json!(message));
                    }
                }
                (None, None) => response = wrapped(json!(said(body)?)),
            }
        }
    }
    Ok(json!({"id": question["id"], "name": name, "response": response}))
}

fn wrapped(value: Value) -> Map<String, Value> {
    Map::from_iter([("result".to_owned(), value)])
}

/// What a schema asks for: as it was filled in, or as far as the decision says it by itself. `None` = no schema.
fn asked_by(schema: Option<&Value>, body: &DecisionBody) -> Result<Option<Value>, String> {
    let Some(schema) = schema.filter(|schema| schema.is_object()) else {
        return Ok(None);
    };
    if body.outcome == Outcome::Edit {
        return Err(NO_EDIT.to_owned());
    }
    if let Some(payload) = value(body.payload.as_deref()) {
        return Ok(Some(payload));
    }
    let filled = form::fill(schema, says_yes(body), body.message.as_deref());
    filled.map(Some).ok_or_else(|| FILL_IN.to_owned())
}

/// One decision for each request, in their order.
fn reviews(question: &Value, body: &DecisionBody) -> Result<Value, String> {
    let requests = question["action_requests"].as_array().map_or(0, Vec::len);
    let message = body.message.clone();
    let decision = match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways => json!({"type": "approve"}),
        Outcome::Reject | Outcome::Cancel => match message {
            Some(message) => json!({"type": "reject", "message": message}),
            None => json!({"type": "reject"}),
        },
        Outcome::Respond => json!({"type": "respond", "message": said(body)?}),
        Outcome::Edit if requests == 1 => {
            let edited = value(body.edited_action.as_deref());
            let edited = edited.and_then(|edited| named(&edited, "name"));
            json!({"type": "edit", "edited_action": edited.ok_or(NO_EDIT)?})
        }
        Outcome::Edit => return Err(ONE_EDIT.to_owned()),
    };
    Ok(json!({"decisions": vec![decision; requests]}))
}

/// A list of `{type, args}`.
fn inbox(question: &Value, body: &DecisionBody) -> Result<Value, String> {
    let asked = question.as_array().map_or(1, Vec::len);
    let answer = match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways => json!({"type": "accept", "args": null}),
        Outcome::Reject | Outcome::Cancel => json!({"type": "ignore", "args": null}),
        Outcome::Respond => json!({"type": "response", "args": said(body)?}),
        Outcome::Edit if asked == 1 => {
            let edited = value(body.edited_action.as_deref());
            let edited = edited.and_then(|edited| named(&edited, "action"));
            json!({"type": "edit", "args": edited.ok_or(NO_EDIT)?})
        }
        Outcome::Edit => return Err(ONE_EDIT.to_owned()),
    };
    Ok(json!(vec![answer; asked]))
}

/// An edited action as `{<name>: …, args}`. What was shown as the whole question stays one: its own action is inside.
fn named(edited: &Value, name: &str) -> Option<Value> {
    let args = edited.get("args")?;
    let inside = args.get("value").unwrap_or(args);
    let own = inside
        .get("action_requests")
        .and_then(|all| all.get(0))
        .or_else(|| inside.get("action_request"))
        .or_else(|| inside.get(0)?.get("action_request"));
    let (called, args) = match own {
        Some(own) => (
            own.get("name").or_else(|| own.get("action"))?,
            own.get("args")?,
        ),
        None => (edited.get("name")?, args),
    };
    Some(json!({name: called, "args": args}))
}

/// `{action, content}`.
fn elicitation(question: &Value, body: &DecisionBody) -> Result<Value, String> {
    Ok(match body.outcome {
        Outcome::Reject => json!({"action": "decline"}),
        Outcome::Cancel => json!({"action": "cancel"}),
        _ => match asked_by(question.get("requestedSchema"), body)? {
            Some(content) => json!({"action": "accept", "content": content}),
            None => json!({"action": "accept"}),
        },
    })
}

/// `{interruptId, status, payload}`.
fn run(question: &Value, body: &DecisionBody) -> Result<Value, String> {
    let id = &question["id"];
    if body.outcome == Outcome::Cancel {
        return Ok(json!({"interruptId": id, "status": "cancelled"}));
    }
    let mut payload = match value(body.payload.as_deref()) {
        Some(Value::Object(payload)) => payload,
        Some(other) => {
            return Ok(json!({"interruptId": id, "status": "resolved", "payload": other}));
        }
        None => Map::new(),
    };
    if let Some(yes) = says_yes(body) {
        payload.entry("approved").or_insert(json!(yes));
    }
    if let Some(edited) = value(body.edited_action.as_deref()) {
        let args = edited.get("args").cloned().unwrap_or(edited);
        payload.entry("editedArgs").or_insert(args);
    }
    if let Some(option) = &body.option_id {
        payload.entry("optionId").or_insert(json!(option));
    }
    if let Some(message) = &body.message {
        payload.entry("message").or_insert(json!(message));
    }
    Ok(json!({"interruptId": id, "status": "resolved", "payload": payload}))
}

/// `{resume}`: the value itself, or the values under the ids of their questions, where those ids are of the kind that is
/// looked up.
fn resume(asked: &[(Shape, &Piece, Value)], body: &DecisionBody) -> Result<Shaped, String> {
    let one = |question: &Value| -> Result<Value, String> {
        let inner = &question["value"];
        let data = RawValue::from_string(inner.to_string());
        let piece = data.ok().map(|data| Piece {
            data,
            metadata: None,
            key: None,
        });
        match piece.as_ref().and_then(of) {
            Some(Shape::Reviews) => return reviews(inner, body),
            Some(Shape::Inbox) => return inbox(inner, body),
            Some(Shape::Elicitation) => return elicitation(inner, body),
            _ => {}
        }
        match asked_by(question.get("response_schema"), body)? {
            Some(filled) => Ok(filled),
            None => free(body, json!(true), json!(false)),
        }
    };
    let looked_up = |id: &str| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
    let mut by_id = Map::new();
    let mut last = Value::Null;
    for (_, _, question) in asked {
        last = one(question)?;
        by_id.insert(
            question["id"].as_str().unwrap_or_default().to_owned(),
            last.clone(),
        );
    }
    let value = if by_id.len() > 1 || by_id.keys().all(|id| looked_up(id)) {
        Value::Object(by_id)
    } else {
        last
    };
    Ok(Shaped {
        parts: vec![(json!({"resume": value}), None)],
        metadata: Map::new(),
    })
}

/// The member that says what a piece is, and the word, when it is a request for leave.
fn typed(question: &Value) -> Option<(&'static str, &str)> {
    ["type", "$type", "kind"].into_iter().find_map(|member| {
        let word = question.get(member)?.as_str()?;
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        let plain = plain.to_lowercase();
        let about = ["approval", "confirm", "permission"];
        (plain.ends_with("request") && about.iter().any(|a| plain.contains(a)))
            .then_some((member, word))
    })
}

fn text_id(question: &Value) -> Option<&str> {
    let members = question.as_object()?;
    let mut ids = members.iter().filter(|(name, _)| identifies(name));
    ids.find_map(|(_, id)| id.as_str())
}

/// The same word with "response", the ids and the call of the question, and the verdict.
fn response(question: &Value, body: &DecisionBody) -> Result<Value, String> {
    let yes = decided(body)?;
    let Some((member, word)) = typed(question) else {
        return Err(YES_OR_NO.to_owned());
    };
    let word = word
        .replace("request", "response")
        .replace("Request", "Response")
        .replace("REQUEST", "RESPONSE");
    let of_tools = word.eq_ignore_ascii_case("mcp_approval_response");
    let mut answer = Map::new();
    answer.insert(member.to_owned(), json!(word));
    for (name, value) in question.as_object().into_iter().flatten() {
        let call = ["function_call", "functionCall", "toolCall", "tool_call"];
        match name.as_str() {
            "id" if of_tools => {
                answer.insert("approval_request_id".to_owned(), value.clone());
            }
            name if identifies(name) || call.contains(&name) => {
                answer.insert(name.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    let verdict = if of_tools { "approve" } else { "approved" };
    answer.insert(verdict.to_owned(), json!(yes));
    if let Some(message) = &body.message {
        answer.insert("reason".to_owned(), json!(message));
    }
    Ok(Value::Object(answer))
}

/// `{callId, outcome}`. The server reads no words beside it; those with a no change nothing of what is done.
fn leave(question: &Value, body: &DecisionBody) -> Result<Value, String> {
    let yes = decided(body)?;
    if yes && body.message.is_some() {
        return Err(NO_CONDITION.to_owned());
    }
    let outcome = if yes { "proceed_once" } else { "cancel" };
    let mut answer = json!({"callId": question["request"]["callId"], "outcome": outcome});
    if let Some(message) = &body.message {
        answer["reason"] = json!(message);
    }
    Ok(answer)
}

/// An answer that stands in the metadata of the message, under the question's own key.
fn beside(key: &str, question: &Value, body: &DecisionBody) -> Result<Value, String> {
    if key == GATE {
        let word = if decided(body)? { "approve" } else { "deny" };
        let mut answer = json!({
            "requestId": question["requestId"], "decision": word, "digest": question["digest"],
        });
        if let Some(message) = &body.message {
            answer["comment"] = json!(message);
        }
        return Ok(answer);
    }
    if key.contains(APPROVAL) {
        let word = if decided(body)? { "approve" } else { "reject" };
        return Ok(json!({"decision": word}));
    }
    let Some(Value::Object(filled)) = value(body.payload.as_deref()) else {
        return Err(FILL_IN.to_owned());
    };
    let fields = question.get("fields").and_then(Value::as_array);
    let kind = |name: &str| {
        let mut all = fields.into_iter().flatten();
        let field = all.find(|field| field["id"] == name);
        field
            .and_then(|field| field["type"].as_str())
            .unwrap_or("text")
    };
    let values: Map<String, Value> = filled
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                // As it has to be already.
                Value::Object(own) if own.contains_key("type") => Value::Object(own),
                value => json!({"type": kind(&name), "value": value}),
            };
            (name, value)
        })
        .collect();
    Ok(json!({"values": values}))
}

#[cfg(test)]
mod tests;

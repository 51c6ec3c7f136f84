//! Answers in the shape that widespread frameworks ask in: their structured questions name how they are to be answered,
//! and anything else leaves them waiting, or ends them without effect.
//!
//! A shape is recognised by its own members, never by who made it. What is not recognised is answered in our own words.

use domain::decision::{DecisionBody, Outcome};
use serde_json::{Map, Value, json, value::RawValue};

/// A structured answer, and what its part must carry beside it.
pub(super) struct Shaped {
    pub(super) data: Value,
    pub(super) metadata: Option<Value>,
}

/// The answer to one structured question; `None` when its shape is not known here.
pub(super) fn answer(question: &RawValue, body: &DecisionBody) -> Option<Shaped> {
    let question: Value = serde_json::from_str(question.get()).ok()?;
    let data = adk(&question, body)
        .map(|data| Shaped {
            data,
            metadata: Some(json!({"adk_type": "function_response"})),
        })
        .or_else(|| plain(reviews(&question, body)?))
        .or_else(|| plain(inbox(&question, body)?))
        .or_else(|| plain(elicitation(&question, body)?))
        .or_else(|| plain(interrupt(&question, body)?))?;
    Some(data)
}

fn plain(data: Value) -> Option<Shaped> {
    Some(Shaped {
        data,
        metadata: None,
    })
}

fn says_yes(body: &DecisionBody) -> Option<bool> {
    match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways | Outcome::Edit => Some(true),
        Outcome::Reject | Outcome::Cancel => Some(false),
        Outcome::Respond => None,
    }
}

fn value(raw: Option<&RawValue>) -> Option<Value> {
    serde_json::from_str(raw?.get()).ok()
}

/// A call of a function that waits for its response: `{id, name: adk_request_confirmation | adk_request_input, args}`.
fn adk(question: &Value, body: &DecisionBody) -> Option<Value> {
    let (id, name) = (
        question.get("id")?.as_str()?,
        question.get("name")?.as_str()?,
    );
    if !name.starts_with("adk_request_") {
        return None;
    }
    let mut response = Map::new();
    if let Some(yes) = says_yes(body) {
        response.insert("confirmed".to_owned(), json!(yes));
    }
    if let Some(message) = &body.message {
        let member = if name == "adk_request_confirmation" {
            "hint"
        } else {
            "result"
        };
        response.insert(member.to_owned(), json!(message));
    }
    if let Some(payload) = value(body.payload.as_deref()) {
        response.insert("payload".to_owned(), payload);
    }
    Some(json!({"id": id, "name": name, "response": response}))
}

/// `{action_requests: […], review_configs}`: one decision for each request, in their order.
fn reviews(question: &Value, body: &DecisionBody) -> Option<Value> {
    let requests = question.get("action_requests")?.as_array()?;
    let message = body.message.clone();
    let decision = match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways => json!({"type": "approve"}),
        Outcome::Reject | Outcome::Cancel => match message {
            Some(message) => json!({"type": "reject", "message": message}),
            None => json!({"type": "reject"}),
        },
        Outcome::Respond => json!({"type": "respond", "message": message?}),
        // One edited action cannot stand for several.
        Outcome::Edit if requests.len() == 1 => {
            let edited = value(body.edited_action.as_deref())?;
            json!({"type": "edit", "edited_action": named(&edited, "name")?})
        }
        Outcome::Edit => return None,
    };
    Some(json!({"decisions": vec![decision; requests.len()]}))
}

/// `[{action_request, config}]` or one of them: a list of `{type, args}`.
fn inbox(question: &Value, body: &DecisionBody) -> Option<Value> {
    let asked = match question {
        Value::Array(all) => all.len(),
        _ => 1,
    };
    let first = question
        .as_array()
        .and_then(|all| all.first())
        .unwrap_or(question);
    first.get("action_request")?;
    let answer = match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways => json!({"type": "accept", "args": null}),
        Outcome::Reject | Outcome::Cancel => json!({"type": "ignore", "args": null}),
        Outcome::Respond => json!({"type": "response", "args": body.message.clone()?}),
        Outcome::Edit => {
            let edited = value(body.edited_action.as_deref())?;
            json!({"type": "edit", "args": named(&edited, "action")?})
        }
    };
    Some(json!(vec![answer; asked]))
}

/// An edited action as `{<name>: …, args}`. What was shown as the whole question stays one: its own action is inside.
fn named(edited: &Value, name: &str) -> Option<Value> {
    let args = edited.get("args")?;
    let own = args
        .get("action_requests")
        .and_then(|all| all.get(0))
        .or_else(|| args.get("action_request"))
        .or_else(|| args.get(0)?.get("action_request"));
    let (called, args) = match own {
        Some(own) => (
            own.get("name").or_else(|| own.get("action"))?,
            own.get("args")?,
        ),
        None => (edited.get("name")?, args),
    };
    Some(json!({name: called, "args": args}))
}

/// `{requestedSchema, message}`: `{action, content}`.
fn elicitation(question: &Value, body: &DecisionBody) -> Option<Value> {
    question.get("requestedSchema")?;
    Some(match body.outcome {
        Outcome::Reject => json!({"action": "decline"}),
        Outcome::Cancel => json!({"action": "cancel"}),
        _ => match value(body.payload.as_deref()) {
            Some(content) => json!({"action": "accept", "content": content}),
            None => json!({"action": "accept"}),
        },
    })
}

/// `{id, reason, …}` of a run that is interrupted: `{interruptId, status, payload}`.
fn interrupt(question: &Value, body: &DecisionBody) -> Option<Value> {
    let id = question.get("id")?.as_str()?;
    question.get("reason")?.as_str()?;
    if body.outcome == Outcome::Cancel {
        return Some(json!({"interruptId": id, "status": "cancelled"}));
    }
    let mut payload = match value(body.payload.as_deref()) {
        Some(Value::Object(payload)) => payload,
        Some(other) => {
            return Some(json!({"interruptId": id, "status": "resolved", "payload": other}));
        }
        None => Map::new(),
    };
    if let Some(yes) = says_yes(body) {
        payload.entry("approved").or_insert(json!(yes));
    }
    if let Some(edited) = value(body.edited_action.as_deref()) {
        payload
            .entry("editedArgs")
            .or_insert(edited.get("args").cloned().unwrap_or(edited));
    }
    if let Some(message) = &body.message {
        payload.entry("message").or_insert(json!(message));
    }
    Some(json!({"interruptId": id, "status": "resolved", "payload": payload}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(question: Value, decision: Value, expected: Value) {
        let mut body = json!({"actionDigest": "sha256:00", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
        for (name, value) in decision.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let body: DecisionBody = serde_json::from_value(body).expect("a decision");
        let raw = serde_json::value::to_raw_value(&question).expect("JSON");
        let shaped = answer(&raw, &body).map_or(Value::Null, |shaped| shaped.data);
        assert_eq!(shaped, expected, "{question} {decision}");
    }

    #[test]
    fn a_structured_question_is_answered_in_its_own_shape() {
        let confirm = json!({"id": "c-1", "name": "adk_request_confirmation", "args": {"x": 1}});
        check(
            confirm.clone(),
            json!({"outcome": "reject", "message": "Too dear"}),
            json!({"id": "c-1", "name": "adk_request_confirmation", "response": {"confirmed": false, "hint": "Too dear"}}),
        );
        check(
            confirm,
            json!({"outcome": "approve"}),
            json!({"id": "c-1", "name": "adk_request_confirmation", "response": {"confirmed": true}}),
        );
        let two = json!({"action_requests": [{"name": "a", "args": {}}, {"name": "b", "args": {}}], "review_configs": []});
        check(
            two.clone(),
            json!({"outcome": "approve"}),
            json!({"decisions": [{"type": "approve"}, {"type": "approve"}]}),
        );
        let edit = json!({"outcome": "edit", "editedAction": {"name": "data", "args": two}});
        check(two.clone(), edit, Value::Null);
        let one = json!({"action_requests": [{"name": "a", "args": {"to": 1}}]});
        check(
            one,
            json!({"outcome": "edit", "editedAction": {"name": "data", "args": {"action_requests": [{"name": "a", "args": {"to": 2}}]}}}),
            json!({"decisions": [{"type": "edit", "edited_action": {"name": "a", "args": {"to": 2}}}]}),
        );
        let inbox = json!([{"action_request": {"action": "mail", "args": {}}, "config": {}}]);
        check(
            inbox.clone(),
            json!({"outcome": "approve"}),
            json!([{"type": "accept", "args": null}]),
        );
        check(
            inbox,
            json!({"outcome": "respond", "message": "Ask Ann"}),
            json!([{"type": "response", "args": "Ask Ann"}]),
        );
        let form = json!({"requestedSchema": {"type": "object"}, "message": "Who?"});
        check(
            form.clone(),
            json!({"outcome": "respond", "payload": {"name": "Ann"}}),
            json!({"action": "accept", "content": {"name": "Ann"}}),
        );
        check(
            form,
            json!({"outcome": "reject"}),
            json!({"action": "decline"}),
        );
        let interrupt = json!({"id": "i-1", "reason": "tool_call", "message": "?"});
        check(
            interrupt.clone(),
            json!({"outcome": "approve"}),
            json!({"interruptId": "i-1", "status": "resolved", "payload": {"approved": true}}),
        );
        check(
            interrupt,
            json!({"outcome": "cancel"}),
            json!({"interruptId": "i-1", "status": "cancelled"}),
        );
        check(
            json!({"name": "deploy", "requestId": "r"}),
            json!({"outcome": "approve"}),
            Value::Null,
        );
    }
}

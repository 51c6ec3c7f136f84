//! A person's decision as the value a waiting graph goes on with. The answer has the shape of the question; where the
//! shape has no word for the decision, nothing is sent, and the reason is said.
//!
//! It builds the value; sending it, and finding out what became of it, is elsewhere.

use std::collections::BTreeMap;

use domain::decision::{DecisionBody, Outcome};
use serde_json::{Value, json, value::RawValue};

use super::shape::{Asked, Request, Shape};

/// The value to go on with, or why there is none.
pub(crate) fn value(asked: &Asked, body: &DecisionBody) -> Result<Box<RawValue>, String> {
    let text = match &asked.shape {
        Shape::Free => free(asked, body)?,
        Shape::Inbox(requests) => match given(asked, body) {
            Some(whole) => whole,
            None => list(&inbox(requests, body)?),
        },
        Shape::Batch(requests) => match given(asked, body) {
            Some(whole) => whole,
            None => format!(r#"{{"decisions":{}}}"#, list(&decisions(requests, body)?)),
        },
        Shape::Call(request) => match given(asked, body) {
            Some(whole) => whole,
            None => one(decisions(std::slice::from_ref(request), body)?)?,
        },
    };
    RawValue::from_string(text).map_err(|_| UNWRITABLE.to_owned())
}

const UNWRITABLE: &str = "The answer could not be written down for the server.";

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

fn one(mut items: Vec<String>) -> Result<String, String> {
    items.pop().ok_or_else(|| UNWRITABLE.to_owned())
}

/// An answer that is already in the shape of the question: one decision for each of its actions.
fn given(asked: &Asked, body: &DecisionBody) -> Option<String> {
    if body.outcome != Outcome::Respond {
        return None;
    }
    let payload = body.payload.as_ref()?;
    let value: Value = serde_json::from_str(payload.get()).ok()?;
    let requests = asked.requests();
    let fits = |answers: &[Value]| {
        answers.len() == requests.len()
            && answers.iter().zip(requests).all(|(answer, request)| {
                let kind = answer.get("type").and_then(Value::as_str);
                kind.is_some_and(|kind| takes(request, kind))
            })
    };
    let whole = match &asked.shape {
        Shape::Inbox(_) => fits(value.as_array()?),
        Shape::Batch(_) => fits(value.get("decisions")?.as_array()?),
        Shape::Call(_) => fits(std::slice::from_ref(&value)),
        Shape::Free => false,
    };
    whole.then(|| payload.get().to_owned())
}

fn takes(request: &Request, word: &str) -> bool {
    request
        .allowed
        .as_ref()
        .is_none_or(|allowed| allowed.iter().any(|known| known == word))
}

/// The words of an Agent Inbox: accept, edit, response, ignore.
fn inbox(requests: &[Request], body: &DecisionBody) -> Result<Vec<String>, String> {
    let said = body.message.as_deref();
    let all = |word: &str| requests.iter().all(|request| takes(request, word));
    let same = |word: &str, args: Value| {
        checked(requests, word)?;
        Ok(vec![
            json!({"type": word, "args": args}).to_string();
            requests.len()
        ])
    };
    match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways => same("accept", Value::Null),
        // A refusal with its reason is worth more than one without; ignoring says nothing to the agent.
        Outcome::Reject if said.is_some() && all("response") => {
            same("response", json!(refusal(said)))
        }
        Outcome::Reject | Outcome::Cancel if all("ignore") => same("ignore", Value::Null),
        Outcome::Reject | Outcome::Cancel if all("response") => {
            same("response", json!(refusal(said)))
        }
        Outcome::Reject | Outcome::Cancel => {
            checked(requests, "ignore")?;
            Err(UNWRITABLE.to_owned())
        }
        Outcome::Respond => same("response", json!(answer_in_words(body)?)),
        Outcome::Edit => edited(requests, body, |request, changed| match changed {
            None if takes(request, "accept") => Ok(r#"{"type":"accept","args":null}"#.to_owned()),
            changed => {
                checked(std::slice::from_ref(request), "edit")?;
                let (name, args) = changed.unwrap_or((request.name.clone(), request.args.clone()));
                let name = Value::from(name);
                Ok(format!(
                    r#"{{"type":"edit","args":{{"action":{name},"args":{args}}}}}"#
                ))
            }
        }),
    }
}

/// The words of the middleware: approve, edit, reject, respond.
fn decisions(requests: &[Request], body: &DecisionBody) -> Result<Vec<String>, String> {
    let said = body.message.as_deref();
    let same = |word: &str, answer: Value| {
        checked(requests, word)?;
        Ok(vec![answer.to_string(); requests.len()])
    };
    match body.outcome {
        Outcome::Approve | Outcome::ApproveAlways => same("approve", json!({"type": "approve"})),
        Outcome::Reject | Outcome::Cancel => match said {
            Some(said) => same("reject", json!({"type": "reject", "message": said})),
            None => same("reject", json!({"type": "reject"})),
        },
        Outcome::Respond => {
            let message = answer_in_words(body)?;
            same("respond", json!({"type": "respond", "message": message}))
        }
        Outcome::Edit => edited(requests, body, |request, changed| match changed {
            None if takes(request, "approve") => Ok(r#"{"type":"approve"}"#.to_owned()),
            changed => {
                checked(std::slice::from_ref(request), "edit")?;
                let (name, args) = changed.unwrap_or((request.name.clone(), request.args.clone()));
                let name = Value::from(name);
                Ok(format!(
                    r#"{{"type":"edit","edited_action":{{"name":{name},"args":{args}}}}}"#
                ))
            }
        }),
    }
}

fn refusal(said: Option<&str>) -> String {
    match said {
        Some(said) => format!("rejected: {said}"),
        None => "rejected".to_owned(),
    }
}

fn answer_in_words(body: &DecisionBody) -> Result<String, String> {
    let payload = || {
        let text = body.payload.as_ref()?.get();
        Some(serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned()))
    };
    body.message
        .clone()
        .or_else(payload)
        .or_else(|| body.option_id.clone())
        .ok_or_else(|| "An answer needs words.".to_owned())
}

/// Refused when one of the actions does not take that word.
fn checked(requests: &[Request], word: &str) -> Result<(), String> {
    let Some(request) = requests.iter().find(|request| !takes(request, word)) else {
        return Ok(());
    };
    let allowed = request.allowed.as_deref().unwrap_or_default();
    let allowed = if allowed.is_empty() {
        "nothing".to_owned()
    } else {
        allowed.join(", ")
    };
    Err(format!(
        "The agent does not take \"{word}\" for {}; it takes {allowed}. Nothing was sent.",
        request.name
    ))
}

type Changed = Option<(String, Box<RawValue>)>;

/// The edited action for each of the actions asked about; what was left as it was is approved as it is.
fn edited(
    requests: &[Request],
    body: &DecisionBody,
    write: impl Fn(&Request, Changed) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    let whole = body
        .edited_action
        .as_deref()
        .ok_or("An edit needs the edited action.")?;
    if let [only] = requests {
        let (name, args) = action(whole, &only.name)?;
        return Ok(vec![write(only, Some((name, args)))?]);
    }
    let (_, all) = action(whole, "")?;
    let all: Vec<Box<RawValue>> = serde_json::from_str(all.get()).unwrap_or_default();
    if all.len() != requests.len() {
        return Err(format!(
            "The question is about {} actions, so the edited action must have as many in its arguments. Nothing was sent.",
            requests.len()
        ));
    }
    requests
        .iter()
        .zip(&all)
        .map(|(request, one)| {
            let (name, args) = action(one, &request.name)?;
            let same = name == request.name && same_data(&args, &request.args);
            write(request, (!same).then_some((name, args)))
        })
        .collect()
}

fn same_data(one: &RawValue, other: &RawValue) -> bool {
    one.get() == other.get()
}

/// `{name, args}`, or the arguments alone.
fn action(raw: &RawValue, name: &str) -> Result<(String, Box<RawValue>), String> {
    let unusable = || "The edited action must be an object with a name and arguments.".to_owned();
    let mut members: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(raw.get()).map_err(|_| unusable())?;
    let named = members
        .get("name")
        .or_else(|| members.get("action"))
        .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let args = members.remove("args");
    match (named, args) {
        (Some(named), Some(args)) => Ok((named, args)),
        (None, Some(args)) if !name.is_empty() => Ok((name.to_owned(), args)),
        (Some(named), None) => Ok((
            named,
            RawValue::from_string("{}".to_owned()).map_err(|_| unusable())?,
        )),
        _ => Err(unusable()),
    }
}

/// A question of the author's own: the value itself. Yes and no have a meaning only where a schema takes them.
fn free(asked: &Asked, body: &DecisionBody) -> Result<String, String> {
    let schema: Option<Value> = asked
        .schema
        .as_ref()
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let takes = |value: &Value| {
        schema.as_ref().is_none_or(|schema| {
            // A schema that cannot be used is the server's to judge.
            jsonschema::validator_for(schema).map_or(true, |validator| validator.is_valid(value))
        })
    };
    let misfit = || {
        "The answer does not fit the form that the agent asks for. Nothing was sent, because a wrong answer would break the task off.".to_owned()
    };
    match body.outcome {
        Outcome::Respond => {}
        Outcome::Approve | Outcome::ApproveAlways | Outcome::Reject | Outcome::Cancel => {
            let yes = matches!(body.outcome, Outcome::Approve | Outcome::ApproveAlways);
            if schema.is_some() && takes(&json!(yes)) && !takes(&json!("")) {
                return Ok(yes.to_string());
            }
            return Err(
                "The agent asks a question of its own, where yes and no have no agreed meaning. Answer it in its own terms instead. Nothing was sent.".to_owned(),
            );
        }
        Outcome::Edit => return Err("There is no action to edit. Nothing was sent.".to_owned()),
    }
    if let Some(payload) = &body.payload {
        let fits = serde_json::from_str(payload.get()).is_ok_and(|value| takes(&value));
        return if fits {
            Ok(payload.get().to_owned())
        } else {
            Err(misfit())
        };
    }
    let words = answer_in_words(body)?;
    let text = json!(words);
    if takes(&text) {
        return Ok(text.to_string());
    }
    // A number or a flag, typed as words.
    match serde_json::from_str::<Value>(words.trim()) {
        Ok(value) if takes(&value) => Ok(words.trim().to_owned()),
        _ => Err(misfit()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::shape, *};

    fn check(interrupt: &str, decision: Value, expected: Result<&str, &str>) {
        let interrupt = RawValue::from_string(interrupt.to_owned()).expect("JSON");
        let mut body =
            json!({"actionDigest": "", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
        for (name, value) in decision.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let body: DecisionBody = serde_json::from_str(&body.to_string()).expect("a decision");
        let told = value(&shape::of(&interrupt), &body);
        match (&told, expected) {
            (Ok(raw), Ok(text)) => assert_eq!(raw.get(), text, "{decision} to {interrupt}"),
            (Err(why), Err(words)) => {
                assert!(why.contains(words), "{decision} to {interrupt}: {why}");
            }
            _ => panic!("{decision} to {interrupt}: {told:?}"),
        }
    }

    fn said(outcome: &str) -> Value {
        json!({"outcome": outcome})
    }

    fn with(outcome: &str, member: &str, value: Value) -> Value {
        json!({"outcome": outcome, member: value})
    }

    #[test]
    fn every_row_of_the_decision_table_has_its_word_in_an_agent_inbox() {
        let all =
            r#"{"allow_accept":true,"allow_edit":true,"allow_respond":true,"allow_ignore":true}"#;
        let ask = |config: &str| {
            format!(
                r#"{{"value":[{{"action_request":{{"action":"pay","args":{{"n":12345678901234567890123}}}},"config":{config}}}]}}"#
            )
        };
        let open = ask(all);
        let edited = json!({"name": "pay", "args": {"n": 1}});
        for (decision, expected) in [
            (said("approve"), r#"[{"args":null,"type":"accept"}]"#),
            (said("approve-always"), r#"[{"args":null,"type":"accept"}]"#),
            (said("reject"), r#"[{"args":null,"type":"ignore"}]"#),
            (said("cancel"), r#"[{"args":null,"type":"ignore"}]"#),
            (
                with("reject", "message", json!("no")),
                r#"[{"args":"rejected: no","type":"response"}]"#,
            ),
            (
                with("respond", "message", json!("why?")),
                r#"[{"args":"why?","type":"response"}]"#,
            ),
            (
                with(
                    "respond",
                    "payload",
                    json!([{"type": "ignore", "args": null}]),
                ),
                r#"[{"args":null,"type":"ignore"}]"#,
            ),
            (
                with("edit", "editedAction", edited),
                r#"[{"type":"edit","args":{"action":"pay","args":{"n":1}}}]"#,
            ),
        ] {
            check(&open, decision, Ok(expected));
        }
        let only_words = ask(r#"{"allow_respond":true}"#);
        check(
            &only_words,
            said("approve"),
            Err("\"accept\" for pay; it takes response"),
        );
        check(
            &only_words,
            said("reject"),
            Ok(r#"[{"args":"rejected","type":"response"}]"#),
        );
        check(
            &ask(r#"{"allow_accept":true}"#),
            said("reject"),
            Err("it takes accept"),
        );
        check(&ask("{}"), said("approve"), Err("it takes nothing"));
    }

    #[test]
    fn every_row_of_the_decision_table_has_its_word_for_the_middleware() {
        let batch = r#"{"value":{"action_requests":[{"name":"pay","args":{"n":1}},{"name":"tell","args":{}}],
            "review_configs":[{"action_name":"pay","allowed_decisions":["approve","edit","reject","respond"]}]}}"#;
        let both = json!({"name": "x", "args": [{"name": "pay", "args": {"n": 2}}, {"name": "tell", "args": {}}]});
        for (decision, expected) in [
            (
                said("approve"),
                r#"{"decisions":[{"type":"approve"},{"type":"approve"}]}"#,
            ),
            (
                said("approve-always"),
                r#"{"decisions":[{"type":"approve"},{"type":"approve"}]}"#,
            ),
            (
                said("reject"),
                r#"{"decisions":[{"type":"reject"},{"type":"reject"}]}"#,
            ),
            (
                with("cancel", "message", json!("no")),
                r#"{"decisions":[{"message":"no","type":"reject"},{"message":"no","type":"reject"}]}"#,
            ),
            (
                with("respond", "message", json!("I did")),
                r#"{"decisions":[{"message":"I did","type":"respond"},{"message":"I did","type":"respond"}]}"#,
            ),
            (
                with("edit", "editedAction", both),
                r#"{"decisions":[{"type":"edit","edited_action":{"name":"pay","args":{"n":2}}},{"type":"approve"}]}"#,
            ),
            (
                with(
                    "respond",
                    "payload",
                    json!({"decisions": [{"type": "approve"}, {"type": "reject"}]}),
                ),
                r#"{"decisions":[{"type":"approve"},{"type":"reject"}]}"#,
            ),
        ] {
            check(batch, decision, Ok(expected));
        }
        let one = json!({"name": "pay", "args": {"n": 2}});
        check(
            batch,
            with("edit", "editedAction", one),
            Err("about 2 actions"),
        );

        let call = r#"{"value":{"type":"tool_approval","tool_call_id":"c","name":"pay","args":{"n":1},"description":"d"},
            "response_schema":{"$defs":{"A":{"properties":{"type":{"const":"approve"}}},"E":{"properties":{"type":{"const":"edit"}}}},"oneOf":[]}}"#;
        let one = json!({"name": "pay", "args": {"n": 2}});
        check(call, said("approve"), Ok(r#"{"type":"approve"}"#));
        check(
            call,
            with("edit", "editedAction", one),
            Ok(r#"{"type":"edit","edited_action":{"name":"pay","args":{"n":2}}}"#),
        );
        check(call, said("reject"), Err("it takes approve, edit"));
        check(
            call,
            with("respond", "message", json!("x")),
            Err("\"respond\" for pay"),
        );
    }

    #[test]
    fn a_question_of_its_own_is_answered_in_its_own_terms() {
        let free = r#"{"value":"Which?"}"#;
        check(
            free,
            with("respond", "message", json!("giro")),
            Ok("\"giro\""),
        );
        check(
            free,
            with("respond", "optionId", json!("giro")),
            Ok("\"giro\""),
        );
        check(
            free,
            with("respond", "payload", json!({"a": [1]})),
            Ok(r#"{"a":[1]}"#),
        );
        check(free, said("approve"), Err("no agreed meaning"));
        check(free, said("reject"), Err("no agreed meaning"));
        check(
            free,
            with("edit", "editedAction", json!({})),
            Err("no action to edit"),
        );
        check(free, said("respond"), Err("needs words"));
        let flag = r#"{"value":"Sure?","response_schema":{"type":"boolean"}}"#;
        check(flag, said("approve"), Ok("true"));
        check(flag, said("cancel"), Ok("false"));
        check(
            flag,
            with("respond", "message", json!(" true ")),
            Ok("true"),
        );
        check(
            flag,
            with("respond", "message", json!("perhaps")),
            Err("does not fit"),
        );
        let number = r#"{"value":"How many?","response_schema":{"type":"integer","maximum":9}}"#;
        check(number, with("respond", "message", json!("7")), Ok("7"));
        check(
            number,
            with("respond", "payload", json!(12)),
            Err("does not fit"),
        );
    }
}

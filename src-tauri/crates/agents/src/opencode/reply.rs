//! A person's decision in OpenCode's words. The table of outcomes stands here; sending it is elsewhere.
//!
//! What the server could not take as it was meant is refused here, with the reason, and nothing is sent.

use domain::decision::{DecisionBody, Outcome};
use serde_json::{Value, json};

use super::{
    ask::field,
    wire::{Question, Request, What},
};

/// What is sent, and what the server must show for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) verb: Verb,
    /// The session is stopped after it.
    pub(crate) stops: bool,
}

/// The calls that settle a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verb {
    /// `once` or `always`.
    Allow(&'static str),
    /// With words for the model, if it can take them.
    Refuse(Option<String>),
    /// One list of labels a question.
    Answer(Vec<Vec<String>>),
}

impl Verb {
    /// The last piece of the path, and the body.
    pub(crate) fn call(&self, request: &Request) -> (&'static str, Value) {
        match (self, &request.what) {
            (Self::Allow(word), _) => ("reply", json!({"reply": word})),
            (Self::Answer(answers), _) => ("reply", json!({"answers": answers})),
            (Self::Refuse(Some(words)), What::Permission { .. }) => {
                ("reply", json!({"reply": "reject", "message": words}))
            }
            (Self::Refuse(None), What::Permission { .. }) => ("reply", json!({"reply": "reject"})),
            (Self::Refuse(_), What::Questions(_)) => ("reject", json!({})),
        }
    }
}

/// Reads the decision as one about this request; `Err` is a sentence.
pub(crate) fn of(body: &DecisionBody, request: &Request) -> Result<Reply, String> {
    let option = body.option_id.as_deref();
    let refuse = |sentence: &str| Err(sentence.to_owned());
    let verb = match (&request.what, body.outcome) {
        (_, Outcome::Reject | Outcome::Cancel) if matches!(option, Some("once" | "always")) => {
            return refuse(
                "The decision refuses, but names an option that allows; nothing was sent.",
            );
        }
        (_, Outcome::Reject | Outcome::Cancel) => Verb::Refuse(body.message.clone()),
        (_, Outcome::Edit) => {
            return refuse("OpenCode cannot take an edited action; refuse it with words instead.");
        }
        (What::Permission { .. }, Outcome::Approve) => match option {
            None | Some("once") => Verb::Allow("once"),
            Some("always") => {
                return refuse(
                    "\"Always\" is a wider grant than an approval; it has to be chosen as a standing approval.",
                );
            }
            Some(_) => return refuse("The chosen option does not allow it; nothing was sent."),
        },
        (What::Permission { .. }, Outcome::ApproveAlways) => match option {
            Some("always") => Verb::Allow("always"),
            _ => return refuse("A standing approval has to name the option \"always\"."),
        },
        (What::Permission { .. }, Outcome::Respond) => {
            return refuse(
                "It asks for leave, which is given or refused; words alone settle nothing.",
            );
        }
        (What::Questions(questions), Outcome::Respond | Outcome::Approve)
            if body.outcome == Outcome::Respond || option.is_some() =>
        {
            Verb::Answer(answers(body, questions)?)
        }
        (What::Questions(_), _) => {
            return refuse("It asks for an answer; there is nothing to approve.");
        }
    };
    Ok(Reply {
        verb,
        stops: body.outcome == Outcome::Cancel,
    })
}

fn answers(body: &DecisionBody, questions: &[Question]) -> Result<Vec<Vec<String>>, String> {
    let given: Option<Value> = body
        .payload
        .as_ref()
        .and_then(|payload| serde_json::from_str(payload.get()).ok());
    let found = match (given, &body.option_id, &body.message) {
        (Some(payload), _, _) => from_payload(&payload, questions),
        (None, Some(label), _) if questions.len() == 1 => Some(vec![vec![label.clone()]]),
        (None, None, Some(words)) if questions.len() == 1 => Some(vec![vec![words.clone()]]),
        _ => None,
    };
    let found = found.filter(|found| found.len() == questions.len());
    let Some(found) = found else {
        return Err(format!(
            "It asks {} questions; the answer has not one answer for each.",
            questions.len()
        ));
    };
    for (question, answer) in questions.iter().zip(&found) {
        if answer.iter().all(|text| text.trim().is_empty()) {
            return Err("One of its questions has no answer.".to_owned());
        }
        if question.multiple != Some(true) && answer.len() > 1 {
            return Err("One of its questions takes a single answer only.".to_owned());
        }
        let known = |text: &String| question.options.iter().any(|choice| choice.label == *text);
        if question.custom == Some(false) && !answer.iter().all(known) {
            return Err("One of its questions takes none but its own choices.".to_owned());
        }
    }
    Ok(found)
}

/// A list of answers, the server's own body, or the filled-in form.
fn from_payload(payload: &Value, questions: &[Question]) -> Option<Vec<Vec<String>>> {
    let texts = |value: &Value| match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(all) => all
            .iter()
            .map(|text| text.as_str().map(str::to_owned))
            .collect(),
        Value::Bool(_) | Value::Number(_) => Some(vec![value.to_string()]),
        _ => None,
    };
    match payload {
        Value::Array(all) if all.iter().all(Value::is_string) && questions.len() == 1 => {
            Some(vec![texts(payload)?])
        }
        Value::Array(all) => all.iter().map(texts).collect(),
        Value::Object(members) => match members.get("answers") {
            Some(list @ Value::Array(_)) if field(questions, 0) != "answers" => {
                from_payload(list, questions)
            }
            _ => (0..questions.len())
                .map(|place| {
                    let by_question = || members.get(&questions[place].question);
                    let by_name = members.get(&field(questions, place));
                    texts(by_name.or_else(by_question)?)
                })
                .collect(),
        },
        one => Some(vec![texts(one)?]),
    }
}

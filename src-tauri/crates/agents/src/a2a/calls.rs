//! Calls that tell their own state, wherever they stand in a task: the newest word about each counts. And what such a call
//! asks that cannot be answered over A2A.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, value::RawValue};

use super::{
    card::clip,
    shape,
    task::{self, Message, Task},
};

/// The newest word about each call, in the order of their first.
pub(super) fn told(task: &Task) -> Vec<(&Message, &RawValue)> {
    let said = task.status.as_ref().and_then(|s| s.message.as_ref());
    let all = task.history.iter().flatten().chain(said);
    let mut calls: Vec<(&Message, &RawValue)> = vec![];
    let mut places: HashMap<String, usize> = HashMap::new();
    for message in all.filter(|message| !message.is_persons()) {
        for data in task::data(message.parts.as_deref().unwrap_or_default()) {
            if shape::call_status(data).is_none() {
                continue;
            }
            let place = places.entry(shape::ids(data).concat());
            let place = *place.or_insert(calls.len());
            match calls.get_mut(place) {
                Some(known) => *known = (message, data),
                None => calls.push((message, data)),
            }
        }
    }
    calls
}

/// The newest state that is told of a call with one of these ids.
pub(super) fn state(task: &Task, ids: &HashSet<String>) -> Option<String> {
    let told = told(task).into_iter().rev();
    let mut own = told.filter(|(_, data)| shape::ids(data).iter().any(|id| ids.contains(id)));
    shape::call_status(own.next()?.1)
}

/// What a call of the task asks a person that only the agent's own screen can answer, in a sentence.
pub(super) fn asked_there(task: &Task) -> Option<String> {
    told(task).into_iter().find_map(|(_, data)| {
        let call: Value = serde_json::from_str(data.get()).ok()?;
        let waits = shape::call_status(data)? == shape::AWAITING;
        (waits && shape::wants_more(&call)).then(|| {
            let asked = clip(&asked(&call), 2000);
            format!("It asks what can only be answered at the agent itself, not from here: {asked}")
        })
    })
}

/// The questions with their choices, else what is to be looked at, else the name of the call.
fn asked(call: &Value) -> String {
    let details = &call["confirmationDetails"];
    let questions = details["questions"].as_array().into_iter().flatten();
    let asked: Vec<String> = questions
        .filter_map(|question| {
            let words = question["question"].as_str()?;
            let options = question["options"].as_array().into_iter().flatten();
            let labels: Vec<&str> = options.filter_map(|o| o["label"].as_str()).collect();
            Some(match labels.is_empty() {
                true => words.to_owned(),
                false => format!("{words} ({})", labels.join(" / ")),
            })
        })
        .collect();
    if !asked.is_empty() {
        return asked.join("\n");
    }
    let title = details["title"].as_str();
    let title = title.or_else(|| call["request"]["name"].as_str());
    let title = title.unwrap_or_default();
    match details["planPath"].as_str() {
        Some(plan) => format!("{title} ({plan})"),
        None => title.to_owned(),
    }
}

//! Servers that keep to A2A and do what few others do: they write on in a message that is there already, name days to come,
//! give their status a new time with every look, or answer only who speaks an extension.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/server.rs"]
mod scripted;

use std::sync::{Arc, Mutex};

use agents::{Observation, Outcome};
use chrono::{SecondsFormat, TimeDelta, Utc};
use deciding::decide;
use domain::contract::{self, TaskState};
use scripted::{card, connect, list, poll, serve, task};
use serde_json::{Value, json};

fn says(id: &str, words: &str) -> Value {
    json!({"messageId": id, "role": "ROLE_AGENT", "parts": [{"text": words}]})
}

/// A server that lists what the test sets, newest first, and honours the time that is asked for.
async fn lists(first: Vec<Value>) -> (String, Arc<Mutex<Vec<Value>>>) {
    let shown = Arc::new(Mutex::new(first));
    let now = Arc::clone(&shown);
    let (url, _) = serve(card(), move |method, params| {
        let mut all = now.lock().expect("tasks").clone();
        if method == "GetTask" {
            all.retain(|task| task["id"] == params["id"]);
            return json!({"result": all.pop()});
        }
        // The times are all of one form, so that their order is that of their text.
        let since = params["statusTimestampAfter"].as_str().unwrap_or_default();
        all.retain(|task| {
            task["status"]["timestamp"]
                .as_str()
                .is_some_and(|at| at >= since)
        });
        list(all, "")
    })
    .await;
    (url, shown)
}

/// It writes its report into one message: more of it is a sign of work, wherever it stands and however long it is.
#[tokio::test]
async fn a_task_that_writes_on_in_one_message_is_at_work() {
    let long = "A line of the report.\n".repeat(1000);
    for place in ["status", "history"] {
        let written = |words: &str| {
            let mut now = task("t", "TASK_STATE_WORKING", 1);
            match place {
                "status" => now["status"]["message"] = says("m", words),
                _ => now["history"] = json!([says("m", words)]),
            }
            now
        };
        let (url, shown) = lists(vec![written(&long)]).await;
        let mut endpoint = connect(&url);
        let (document, _) = poll(&mut *endpoint).await;
        assert!(document.tasks.expect("tasks")[0].value.progress.is_none());
        *shown.lock().expect("tasks") = vec![written(&format!("{long}And its end."))];
        let (document, _) = poll(&mut *endpoint).await;
        let now = &document.tasks.expect("tasks")[0].value;
        assert!(now.progress.is_some(), "{place}");
        // The same once more is no sign.
        let before = now.progress.as_ref().and_then(|progress| progress.at);
        endpoint.tell_again();
        let (document, _) = poll(&mut *endpoint).await;
        let now = &document.tasks.expect("tasks")[0].value;
        let at = now.progress.as_ref().and_then(|progress| progress.at);
        assert_eq!(at, before, "{place}");
    }
}

/// One task has a day in its status that is still to come. What changes after it is told with the next poll all the same.
#[tokio::test]
async fn a_question_is_not_missed_beside_a_task_of_a_day_to_come() {
    let at = |days: i64| {
        let at = Utc::now() + TimeDelta::days(days);
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    };
    let of = |id: &str, state: &str, days: i64| {
        let mut task = task(id, state, 1);
        task["status"]["timestamp"] = json!(at(days));
        task
    };
    for begins in [0, 400] {
        let planned = of("planned", "TASK_STATE_SUBMITTED", 400);
        let (url, shown) =
            lists(vec![planned.clone(), of("t", "TASK_STATE_WORKING", begins)]).await;
        let mut endpoint = connect(&url);
        poll(&mut *endpoint).await;
        let mut asks = of("t", "TASK_STATE_INPUT_REQUIRED", 0);
        asks["status"]["message"] = says("q", "Which city?");
        *shown.lock().expect("tasks") = vec![planned, asks];
        let (document, _) = poll(&mut *endpoint).await;
        let asked = document.escalations.expect("questions");
        assert_eq!(asked.len(), 1, "{begins}");
    }
}

/// What it refuses is our request, and that is how it is said.
#[tokio::test]
async fn a_server_that_wants_an_extension_is_said_to_want_it() {
    let (url, _) = serve(card(), |_, _| {
        json!({"error": {"code": -32008, "message": "Extension https://example.org/secure-passport is required"}})
    })
    .await;
    let error = connect(&url).observe().await.expect_err("it refuses");
    let said = error.detail.unwrap_or_default();
    assert!(
        said.contains("an extension of A2A that is not spoken here"),
        "{said}"
    );
    assert!(said.contains("secure-passport"), "{said}");
}

/// A question with an id in an artifact, and a status with a new time at every look: that time is no answer to an answer. One that comes
/// once, with the question asked on, is.
#[tokio::test]
async fn a_time_that_moves_by_itself_is_no_refusal() {
    for (ticks, expected) in [(true, "Sent"), (false, "Refused")] {
        let mut looks = 0;
        let (url, _) = serve(card(), move |method, _| {
            looks += u32::from(ticks || method == "SendMessage");
            let mut now = task("t", "TASK_STATE_INPUT_REQUIRED", looks);
            now["artifacts"] = json!([{"artifactId": "i", "name": "Interrupt", "parts": [{"data": {"id": "i-1", "value": "May I deploy?"}}]}]);
            match method {
                "ListTasks" => list(vec![now], ""),
                "GetTask" => json!({"result": now}),
                _ => json!({"result": {"task": now}}),
            }
        })
        .await;
        let mut endpoint = connect(&url);
        let Ok(Observation::Document { body, .. }) = endpoint.observe().await else {
            panic!("it lists");
        };
        let document = contract::read(body.as_bytes()).expect("a document");
        let asking = &document.tasks.as_ref().expect("tasks")[0].value;
        assert_eq!(asking.status.state, TaskState::InputRequired);
        let asked = &document.escalations.as_ref().expect("a question")[0];
        let asked: Value = serde_json::from_str(&asked.raw).expect("JSON");
        let answer = decide(
            &asked,
            "d",
            json!({"outcome": "respond", "message": "Yes, do."}),
        );
        let outcome: Outcome = endpoint.deliver(&answer).await;
        assert!(
            format!("{outcome:?}").starts_with(expected),
            "{ticks}: {outcome:?}"
        );
    }
}

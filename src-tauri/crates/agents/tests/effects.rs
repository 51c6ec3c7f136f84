//! An answer over A2A is applied when its effect was seen, and not when the task merely asks no more. Each row is a task
//! that asks, what it shows after the answer, and what is told of the answer at once and by the polls after it.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/server.rs"]
mod scripted;
#[path = "scripted/story.rs"]
mod story;

use agents::{Kind, Outcome};
use deciding::decide;
use scripted::{connect_anew, follow, poll, task};
use serde_json::{Value, json};
use story::{Story, call, question, says, shows, text};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_call_of_gemini_cli_is_shown_with_its_arguments_and_answered_by_its_id() {
    let awaits = call("call-1234567", "rm -r build", "awaiting_approval");
    for (name, shown) in [
        (
            "in the status, while it is called working",
            shows("working", 1, Some(awaits.clone()), json!({})),
        ),
        (
            "in the history, as it leaves it when it waits",
            shows(
                "input-required",
                2,
                None,
                json!({"history": [says("m", text("I'll clean up. Please provide leave.")), call("call-1234567", "rm -r build", "validating"), awaits]}),
            ),
        ),
        (
            "beside a call that has run, of the same prompt",
            shows(
                "input-required",
                2,
                None,
                json!({"history": [call("call-0000000", "ls", "awaiting_approval"), awaits, call("call-0000000", "ls", "success")]}),
            ),
        ),
    ] {
        for (decision, outcome) in [
            (json!({"outcome": "approve"}), "proceed_once"),
            (json!({"outcome": "approve-always"}), "proceed_once"),
            (json!({"outcome": "reject"}), "cancel"),
        ] {
            let story = Story::begin(shown.clone(), None).await;
            let mut endpoint = follow(&story.url, &["t"]);
            let (document, _) = poll(&mut *endpoint).await;
            let asked = question(&document);
            assert_eq!(asked["kind"], "approval", "{name}");
            assert_eq!(asked["message"], "Confirm Shell Command", "{name}");
            assert_eq!(
                asked["proposedAction"],
                json!({"name": "run_shell_command", "args": {"command": "rm -r build"}}),
                "{name}"
            );
            // It took the message; nothing has moved.
            let outcome_told = endpoint.deliver(&decide(&asked, "d", decision)).await;
            assert_eq!(outcome_told, Outcome::Sent, "{name}");
            let expected =
                json!([{"kind": "data", "data": {"callId": "call-1234567", "outcome": outcome}}]);
            assert_eq!(story.sent(), [expected], "{name}");
        }
    }
}

#[tokio::test]
async fn what_such_a_call_cannot_hear_is_refused_before_anything_is_sent() {
    let awaits = call("call-1", "rm", "awaiting_approval");
    let story = Story::begin(shows("input-required", 1, Some(awaits), json!({})), None).await;
    let mut endpoint = follow(&story.url, &["t"]);
    let asked = question(&poll(&mut *endpoint).await.0);
    for decision in [
        json!({"outcome": "respond", "message": "Later"}),
        json!({"outcome": "edit", "editedAction": {"name": "run_shell_command", "args": {"command": "ls"}}}),
        json!({"outcome": "approve", "message": "Only in build"}),
    ] {
        let outcome = endpoint
            .deliver(&decide(&asked, "d", decision.clone()))
            .await;
        assert!(
            matches!(outcome, Outcome::Refused(_)),
            "{decision}: {outcome:?}"
        );
    }
    assert_eq!(story.sent(), Vec::<Value>::new());
}

struct Row {
    name: &'static str,
    before: Value,
    decision: Value,
    after: Value,
    /// As it begins.
    outcome: &'static str,
    /// The question as the next poll tells it; `None` where the answer is settled anyway.
    told: Option<&'static str>,
}

fn rows() -> Vec<Row> {
    let approve = || json!({"outcome": "approve"});
    let reject = || json!({"outcome": "reject"});
    let gemini = || {
        shows(
            "input-required",
            1,
            None,
            json!({"history": [call("call-1", "make", "awaiting_approval")]}),
        )
    };
    let gemini_now = |state: &str, status: &str| {
        let history = json!([
            call("call-1", "make", "awaiting_approval"),
            call("call-1", "make", status)
        ]);
        shows(state, 2, None, json!({"history": history}))
    };
    let confirm = || {
        let data = json!({"id": "adk-1", "name": "adk_request_confirmation", "args": {}});
        shows(
            "input-required",
            1,
            Some(says("q", json!([{"kind": "data", "data": data}]))),
            json!({}),
        )
    };
    let words = |state: &str, second, id: &str, words: &str| {
        shows(state, second, Some(says(id, text(words))), json!({}))
    };
    let own = |id: &str, words: &str| {
        let data = json!({"name": "deploy", "requestId": "r-17", "args": {"service": "shop"}});
        let parts = json!([{"kind": "text", "text": words}, {"kind": "data", "data": data}]);
        shows("input-required", 1, Some(says(id, parts)), json!({}))
    };
    let city = || words("input-required", 1, "q", "Which city?");
    let artifact = |parts: Value| json!({"artifacts": [{"artifactId": "report", "parts": parts}]});
    let row = |name, before, decision, after, outcome, told| Row {
        name,
        before,
        decision,
        after,
        outcome,
        told,
    };
    vec![
        row(
            "the call runs",
            gemini(),
            approve(),
            gemini_now("working", "executing"),
            "Applied",
            None,
        ),
        row(
            "the call is allowed, and has not begun",
            gemini(),
            approve(),
            gemini_now("working", "scheduled"),
            "Sent",
            Some("pending"),
        ),
        row(
            "the call has run, and the turn is over",
            gemini(),
            approve(),
            gemini_now("input-required", "success"),
            "Applied",
            None,
        ),
        row(
            "the call was stopped",
            gemini(),
            reject(),
            gemini_now("input-required", "cancelled"),
            "Applied",
            None,
        ),
        row(
            "the call was stopped although it was approved",
            gemini(),
            approve(),
            gemini_now("input-required", "cancelled"),
            "Unknown",
            None,
        ),
        row(
            "the call runs although it was rejected",
            gemini(),
            reject(),
            gemini_now("working", "executing"),
            "Unknown",
            None,
        ),
        row(
            "the agent talks about the answer while the call waits on",
            gemini(),
            approve(),
            shows(
                "input-required",
                2,
                Some(says("m", text("You wrote approve. What shall I approve?"))),
                json!({"history": [call("call-1", "make", "awaiting_approval")]}),
            ),
            "Refused",
            None,
        ),
        row(
            "it is called working, and shows nothing",
            confirm(),
            approve(),
            task("t", "working", 2),
            "Sent",
            Some("pending"),
        ),
        row(
            "it still waits for input, and asks nothing",
            confirm(),
            approve(),
            task("t", "input-required", 2),
            "Sent",
            Some("pending"),
        ),
        row(
            "it is called submitted again",
            city(),
            json!({"outcome": "respond", "message": "Rome"}),
            task("t", "submitted", 2),
            "Sent",
            Some("pending"),
        ),
        row(
            "it made something",
            confirm(),
            approve(),
            shows("working", 2, None, artifact(text("Paid."))),
            "Applied",
            None,
        ),
        row(
            "it is completed",
            confirm(),
            approve(),
            task("t", "completed", 2),
            "Applied",
            None,
        ),
        row(
            "it names the answer",
            confirm(),
            approve(),
            words("working", 2, "m", "Approved, going on."),
            "Applied",
            None,
        ),
        row(
            "it says something else",
            confirm(),
            approve(),
            words("working", 2, "m", "Thinking about it."),
            "Sent",
            Some("pending"),
        ),
        row(
            "it names what was said",
            city(),
            json!({"outcome": "respond", "message": "Rome"}),
            words("working", 2, "m", "Looking at flights to Rome."),
            "Applied",
            None,
        ),
        row(
            "it replies to words with words",
            city(),
            json!({"outcome": "respond", "message": "Rome"}),
            words("input-required", 2, "m", "And when?"),
            "Applied",
            None,
        ),
        row(
            "it goes on to its next question",
            confirm(),
            approve(),
            words("input-required", 2, "m", "And may I tell the customers?"),
            "Applied",
            None,
        ),
        row(
            "it asks something else under the id of its task",
            own("q", "May I deploy?"),
            approve(),
            own("m", "And may I tell the customers?"),
            "Applied",
            None,
        ),
        row(
            "it waits on with words that ask nothing for certain",
            confirm(),
            approve(),
            words("input-required", 2, "m", "Hm."),
            "Sent",
            None,
        ),
        row(
            "it asks the same once more",
            city(),
            json!({"outcome": "respond", "message": "Rome"}),
            words("input-required", 2, "m", "Which city?"),
            "Sent",
            Some("pending"),
        ),
        row(
            "what it shows was there before",
            shows(
                "input-required",
                1,
                Some(says("q", text("Which city?"))),
                artifact(text("Draft")),
            ),
            json!({"outcome": "respond", "message": "Rome"}),
            shows("working", 2, None, artifact(text("Draft"))),
            "Sent",
            Some("pending"),
        ),
        row(
            "it fails over a yes",
            confirm(),
            approve(),
            task("t", "failed", 2),
            "Unknown",
            None,
        ),
        row(
            "it ends over a no",
            confirm(),
            reject(),
            task("t", "rejected", 2),
            "Applied",
            None,
        ),
    ]
}

/// What looks like an effect, and the little that shows what became of a no.
fn doubtful_rows() -> Vec<Row> {
    let yes = || json!({"outcome": "approve"});
    let no = || json!({"outcome": "reject"});
    let rome = || json!({"outcome": "respond", "message": "Rome"});
    let deploys = |id: &str, call: &str| {
        let data = json!({"name": "deploy", "requestId": call, "args": {"service": "shop"}});
        let parts =
            json!([{"kind": "text", "text": "May I deploy?"}, {"kind": "data", "data": data}]);
        shows("input-required", 1, Some(says(id, parts)), json!({}))
    };
    let asks = || deploys("q", "r-17");
    let city = || {
        shows(
            "input-required",
            1,
            Some(says("q", text("Which city?"))),
            json!({}),
        )
    };
    let then = |state: &str, words: &str| shows(state, 2, Some(says("m", text(words))), json!({}));
    let made = || json!({"artifacts": [{"artifactId": "log", "parts": text("Deployed.")}]});
    let row = |name, before, decision, after, outcome| Row {
        name,
        before,
        decision,
        after,
        outcome,
        told: None,
    };
    let unread = "It could not be read, nothing was approved. May I deploy?";
    vec![
        row(
            "it says that it was not",
            asks(),
            yes(),
            then("working", "It was not approved."),
            "Sent",
        ),
        row(
            "it could not read it",
            asks(),
            yes(),
            then("input-required", unread),
            "Sent",
        ),
        row(
            "it says how to answer",
            asks(),
            yes(),
            then("input-required", "Reply with approve or reject."),
            "Sent",
        ),
        row(
            "it waits for it",
            asks(),
            yes(),
            then("working", "Waiting to be approved."),
            "Sent",
        ),
        row(
            "it asks the same under another id",
            asks(),
            yes(),
            deploys("m", "r-18"),
            "Sent",
        ),
        row(
            "it asks back whether",
            asks(),
            yes(),
            then("input-required", "Was that approved?"),
            "Sent",
        ),
        row(
            "it makes something after a no",
            asks(),
            no(),
            shows("working", 2, None, made()),
            "Sent",
        ),
        row(
            "it says yes after a no",
            asks(),
            no(),
            then("working", "Approved, deploying."),
            "Sent",
        ),
        row(
            "it says that it was not, after a no",
            asks(),
            no(),
            then("working", "It wasn't approved."),
            "Applied",
        ),
        row(
            "it says no after a no",
            asks(),
            no(),
            then("completed", "Deployment rejected."),
            "Applied",
        ),
        row(
            "it is completed after a no, and made nothing",
            asks(),
            no(),
            then("completed", ""),
            "Applied",
        ),
        row(
            "it is completed after a no, and says what it did not",
            asks(),
            no(),
            then("completed", "Not deployed."),
            "Applied",
        ),
        row(
            "it did it after a no",
            asks(),
            no(),
            shows("completed", 2, None, made()),
            "Unknown",
        ),
        row(
            "it says what it did not find, after a no",
            asks(),
            no(),
            then("completed", "I did not find problems; deployed."),
            "Unknown",
        ),
        row(
            "it did it after a no, and says why it could",
            asks(),
            no(),
            then("completed", "Deployed, as there was not one problem."),
            "Unknown",
        ),
        row(
            "it did it after a no, and says what it did not beside",
            asks(),
            no(),
            then("completed", "Not paid. Deployed."),
            "Unknown",
        ),
        row(
            "it says after a no that it was not allowed",
            asks(),
            no(),
            then("completed", "Result: not allowed: n"),
            "Applied",
        ),
        row(
            "it did it after a no, and says what else it may not",
            asks(),
            no(),
            then("completed", "I am not allowed to ask twice, so I deployed."),
            "Unknown",
        ),
        row(
            "it does not know after a no",
            asks(),
            no(),
            then("completed", "I was not told what to do, so I deployed."),
            "Unknown",
        ),
        row(
            "it says it was declined, among other things",
            asks(),
            no(),
            then("completed", "The deployment was declined. All tests pass."),
            "Applied",
        ),
        row(
            "it says that it did it after a no",
            asks(),
            no(),
            then("completed", "The shop is live."),
            "Unknown",
        ),
        row(
            "it repeats another answer as data",
            asks(),
            yes(),
            then("working", "Got: {\"approved\": false}"),
            "Sent",
        ),
        row(
            "it says at its end that it was not approved",
            asks(),
            yes(),
            then("completed", "It was not approved, so nothing was deployed."),
            "Unknown",
        ),
        row(
            "it says at its end that it could not read the answer",
            asks(),
            yes(),
            then("completed", "I could not read your answer, so I end here."),
            "Unknown",
        ),
        row(
            "it ends over words that it did not understand",
            city(),
            rome(),
            then("completed", "I did not understand your answer. Goodbye."),
            "Unknown",
        ),
        row(
            "it made only a note that it was not allowed",
            asks(),
            yes(),
            shows(
                "completed",
                2,
                None,
                json!({"artifacts": [{"artifactId": "r", "parts": text("Result: not allowed")}]}),
            ),
            "Unknown",
        ),
        row(
            "it says at its end what else it did not",
            asks(),
            yes(),
            then("completed", "Deployed. I did not find problems."),
            "Applied",
        ),
        row(
            "it repeats the no as data",
            asks(),
            no(),
            then("completed", "Done: {\"approved\": false}"),
            "Applied",
        ),
        row(
            "it could not read words",
            city(),
            rome(),
            then("input-required", "I could not read that. Which country?"),
            "Sent",
        ),
        row(
            "it asks the same with more words",
            city(),
            rome(),
            then("input-required", "Which city? Rome or Paris?"),
            "Sent",
        ),
        row(
            "it did not hear what it names",
            city(),
            rome(),
            then("working", "I was not told of Rome."),
            "Sent",
        ),
    ]
}

#[tokio::test]
async fn an_answer_is_applied_only_when_its_effect_was_seen() {
    let mut all = JoinSet::new();
    for row in rows().into_iter().chain(doubtful_rows()) {
        all.spawn(check(row));
    }
    all.join_all().await;
}

async fn check(row: Row) {
    let story = Story::begin(row.before, Some(row.after)).await;
    let mut endpoint = follow(&story.url, &["t"]);
    let asked = question(&poll(&mut *endpoint).await.0);
    let sent = decide(&asked, "d", row.decision);
    let outcome = endpoint.deliver(&sent).await;
    let told = format!("{outcome:?}");
    assert!(told.starts_with(row.outcome), "{}: {told}", row.name);
    assert_eq!(story.sent().len(), 1, "{}", row.name);
    let Some(expected) = row.told else { return };
    let (document, _) = poll(&mut *endpoint).await;
    assert_eq!(question(&document)["status"], expected, "{}", row.name);
    // Asked once more, it is not sent once more, and not called applied either.
    let again = agents::Delivery {
        resend: true,
        ..sent
    };
    let outcome = endpoint.deliver(&again).await;
    assert!(
        matches!(outcome, Outcome::Sent | Outcome::Unknown(_)),
        "{}: {outcome:?}",
        row.name
    );
    assert_eq!(story.sent().len(), 1, "{}", row.name);
}

#[tokio::test]
async fn an_effect_that_comes_late_is_told_by_the_poll_that_sees_it() {
    let awaits = || call("call-1", "make", "awaiting_approval");
    let waits = || shows("input-required", 1, None, json!({"history": [awaits()]}));
    for (decision, late, expected) in [
        ("approve", "success", "resolved"),
        ("approve", "error", "resolved"),
        ("approve", "cancelled", "withdrawn"),
        ("reject", "cancelled", "resolved"),
        ("reject", "success", "withdrawn"),
    ] {
        let story = Story::begin(waits(), None).await;
        let mut endpoint = follow(&story.url, &["t"]);
        let asked = question(&poll(&mut *endpoint).await.0);
        let sent = decide(&asked, "d", json!({"outcome": decision}));
        assert_eq!(endpoint.deliver(&sent).await, Outcome::Sent, "{decision}");
        let history = json!([awaits(), call("call-1", "make", late)]);
        story.is_now(shows(
            "input-required",
            3,
            None,
            json!({"history": history}),
        ));
        let (document, _) = poll(&mut *endpoint).await;
        let told = question(&document);
        assert_eq!(told["status"], expected, "{decision} {late}");
        assert_eq!(told["version"], asked["version"], "{decision} {late}");
    }
}

/// The app was closed between the answer and what it brought.
#[tokio::test]
async fn a_connection_made_anew_calls_no_answer_applied_without_an_effect() {
    let asks = shows(
        "input-required",
        1,
        Some(says("q", text("Which city?"))),
        json!({}),
    );
    let ours = |id: &str| {
        json!({"kind": "message", "messageId": id, "role": "user", "parts": text("Rome"),
            "metadata": {domain::contract::EXTENSION_URI: {"outcome": "respond", "message": "Rome", "actionDigest": "sha256:0",
                "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"}}})
    };
    let history = |more: Value| {
        let mut all = vec![says("q", text("Which city?")), ours("d")];
        all.extend(more.as_array().cloned().unwrap_or_default());
        json!({"history": all})
    };
    for (name, after, expected) in [
        (
            "it works on it and shows nothing",
            shows("working", 2, None, history(json!([]))),
            "pending",
        ),
        (
            "it has spoken of it",
            shows(
                "working",
                2,
                None,
                history(json!([says("m", text("Rome it is."))])),
            ),
            "resolved",
        ),
        (
            "it is completed",
            shows("completed", 2, None, history(json!([]))),
            "resolved",
        ),
        (
            "it remembers no message at all",
            shows("working", 2, None, json!({})),
            "withdrawn",
        ),
    ] {
        let story = Story::begin(asks.clone(), None).await;
        let (before, _) = poll(&mut *follow(&story.url, &["t"])).await;
        story.is_now(after);
        let url = format!("{}/#task=t", story.url);
        let (document, _) = poll(&mut *connect_anew(Kind::A2a, &url, &before)).await;
        assert_eq!(question(&document)["status"], expected, "{name}");
    }
}

/// The same where the task records no answer: only who knows what was decided can tell whether its end fits.
#[tokio::test]
async fn the_end_of_a_task_without_a_record_is_judged_by_what_was_decided() {
    let data = json!({"name": "deploy", "requestId": "r-17", "args": {"service": "shop"}});
    let parts = json!([{"kind": "text", "text": "May I deploy?"}, {"kind": "data", "data": data}]);
    let asks = shows("input-required", 1, Some(says("q", parts)), json!({}));
    let ends = |words: &str| shows("completed", 2, Some(says("m", text(words))), json!({}));
    let made = json!({"artifacts": [{"artifactId": "log", "parts": text("Deployed.")}]});
    for (decision, after, expected) in [
        ("approve", task("t", "completed", 2), "Applied"),
        ("approve", task("t", "failed", 2), "Unknown"),
        ("approve", task("t", "working", 2), "Unknown"),
        ("reject", ends("Deployment rejected."), "Applied"),
        ("reject", ends("Deployed."), "Unknown"),
        ("reject", task("t", "completed", 2), "Unknown"),
        ("reject", shows("completed", 2, None, made), "Unknown"),
    ] {
        let story = Story::begin(asks.clone(), None).await;
        let (before, _) = poll(&mut *follow(&story.url, &["t"])).await;
        story.is_now(after.clone());
        let url = format!("{}/#task=t", story.url);
        let mut endpoint = connect_anew(Kind::A2a, &url, &before);
        let (document, _) = poll(&mut *endpoint).await;
        let what = format!("{decision}: {}", after["status"]);
        assert_eq!(question(&document)["status"], "withdrawn", "{what}");
        let again = agents::Delivery {
            resend: true,
            ..decide(&question(&before), "d", json!({"outcome": decision}))
        };
        let told = format!("{:?}", endpoint.deliver(&again).await);
        assert!(told.starts_with(expected), "{what}: {told}");
        assert_eq!(story.sent().len(), 0, "{what}");
    }
}

#[tokio::test]
async fn a_question_in_words_is_the_same_though_its_time_or_the_id_of_its_message_moves() {
    let asks = |id: &str, second: u32, words: &str| {
        shows(
            "input-required",
            second,
            Some(says(id, text(words))),
            json!({}),
        )
    };
    for (name, next, is_same) in [
        ("another time", asks("q", 9, "Which city?"), true),
        ("another id", asks("r", 1, "Which city?"), true),
        ("other words", asks("q", 1, "Which country?"), false),
        ("asked anew", asks("r", 9, "Which city?"), false),
    ] {
        let story = Story::begin(asks("q", 1, "Which city?"), None).await;
        let mut endpoint = follow(&story.url, &["t"]);
        let asked = question(&poll(&mut *endpoint).await.0);
        story.is_now(next);
        let now = match endpoint.observe().await.expect("it answers") {
            agents::Observation::Document { body, .. } => {
                let body: Value = serde_json::from_str(&body).expect("a document");
                body["escalations"][0]["version"].clone()
            }
            agents::Observation::Unchanged => asked["version"].clone(),
        };
        assert_eq!(now == asked["version"], is_same, "{name}");
        let rome = decide(
            &asked,
            "d",
            json!({"outcome": "respond", "message": "Rome"}),
        );
        let outcome = endpoint.deliver(&rome).await;
        let expected = if is_same {
            Outcome::Sent
        } else {
            Outcome::Changed
        };
        assert_eq!(outcome, expected, "{name}");
        assert_eq!(story.sent().len(), usize::from(is_same), "{name}");
    }
}

//! Calls of one A2A task that wait for leave side by side: each is a question of its own, and an answer to one moves with its
//! own call alone.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/server.rs"]
mod scripted;
#[path = "scripted/story.rs"]
mod story;

use agents::{Delivery, Kind, Outcome};
use deciding::decide;
use domain::contract::Document;
use scripted::{connect_anew, follow, poll};
use serde_json::{Value, json};
use story::{Story, asks, call, shows};

#[tokio::test]
async fn calls_that_wait_side_by_side_are_questions_side_by_side() {
    let first = || call("call-a", "make", "awaiting_approval");
    let second = || call("call-b", "rm", "awaiting_approval");
    let waits = shows(
        "input-required",
        1,
        None,
        json!({"history": [first(), second()]}),
    );
    let ran = shows(
        "input-required",
        2,
        None,
        json!({"history": [first(), second(), call("call-a", "make", "success")]}),
    );
    let story = Story::begin(waits, Some(ran)).await;
    let mut endpoint = follow(&story.url, &["t"]);
    let document = poll(&mut *endpoint).await.0;
    let waits_for = |document: &Document| {
        let task = &document.tasks.as_ref().expect("tasks")[0].value;
        let wait = task.waiting_for.as_ref().expect("it waits");
        wait.reference.clone().expect("for a question")
    };
    let all = asks(&document);
    let told: Vec<_> = all
        .iter()
        .map(|one| one["proposedAction"]["args"]["command"].clone())
        .collect();
    assert_eq!(told, ["make", "rm"]);
    assert_eq!(all[0]["id"], waits_for(&document));
    let approve = decide(&all[0], "d", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&approve).await, Outcome::Applied);
    let document = poll(&mut *endpoint).await.0;
    let now = asks(&document);
    let stands = |one: &Value| (one["id"].clone(), one["status"].clone());
    let mut told: Vec<_> = now.iter().map(stands).collect();
    told.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(
        told,
        [
            (all[0]["id"].clone(), json!("resolved")),
            (all[1]["id"].clone(), json!("pending"))
        ]
    );
    assert_eq!(all[1]["id"], waits_for(&document));
}

/// While one of two runs, or waits for its turn, what is said of the other is no word about it.
#[tokio::test]
async fn an_answer_to_one_of_two_calls_moves_with_its_own_call_alone() {
    let first = || call("call-a", "make", "awaiting_approval");
    let second = || call("call-b", "rm", "awaiting_approval");
    let shown = |second_of: u32, state: &str, more: Vec<Value>| {
        let mut history = vec![first(), second()];
        history.extend(more);
        shows(state, second_of, None, json!({"history": history}))
    };
    let says = |id: &str, status: &str| call(id, "x", status);
    for (name, after, outcome, told) in [
        (
            "the other moves on",
            shown(2, "input-required", vec![says("call-b", "executing")]),
            Outcome::Sent,
            "pending",
        ),
        (
            "it waits for the other",
            shown(2, "input-required", vec![says("call-a", "scheduled")]),
            Outcome::Sent,
            "pending",
        ),
        (
            "the other was stopped",
            shown(
                2,
                "working",
                vec![says("call-a", "scheduled"), says("call-b", "cancelled")],
            ),
            Outcome::Sent,
            "pending",
        ),
        (
            "it runs",
            shown(2, "input-required", vec![says("call-a", "executing")]),
            Outcome::Applied,
            "resolved",
        ),
    ] {
        let story = Story::begin(shown(1, "input-required", vec![]), Some(after)).await;
        let mut endpoint = follow(&story.url, &["t"]);
        let asked = asks(&poll(&mut *endpoint).await.0).remove(0);
        let approve = decide(&asked, "d", json!({"outcome": "approve"}));
        assert_eq!(endpoint.deliver(&approve).await, outcome, "{name}");
        // Asked once more, it says the same and sends nothing; of one that waits on it cannot tell.
        let again = Delivery {
            resend: true,
            ..approve
        };
        let told_again = endpoint.deliver(&again).await;
        let waits_on = name == "the other moves on";
        assert!(
            told_again == outcome || waits_on && matches!(told_again, Outcome::Unknown(_)),
            "{name}: {told_again:?}"
        );
        assert_eq!(story.sent().len(), 1, "{name}");
        let (document, _) = poll(&mut *endpoint).await;
        let own = asks(&document)
            .into_iter()
            .find(|one| one["id"] == asked["id"]);
        assert_eq!(own.expect("it is told")["status"], told, "{name}");
    }
    // Over before it began, it never will.
    let story = Story::begin(
        shown(1, "input-required", vec![]),
        Some(shown(2, "working", vec![says("call-a", "scheduled")])),
    )
    .await;
    let mut endpoint = follow(&story.url, &["t"]);
    let asked = asks(&poll(&mut *endpoint).await.0).remove(0);
    let approve = decide(&asked, "d", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&approve).await, Outcome::Sent);
    story.is_now(shown(3, "canceled", vec![says("call-a", "scheduled")]));
    let (document, _) = poll(&mut *endpoint).await;
    let own = asks(&document)
        .into_iter()
        .find(|one| one["id"] == asked["id"]);
    assert_eq!(own.expect("it is told")["status"], "withdrawn");
    let again = Delivery {
        resend: true,
        ..approve
    };
    let outcome = endpoint.deliver(&again).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    // Answered elsewhere, it is not asked by the other one that waits.
    let story = Story::begin(shown(1, "input-required", vec![]), None).await;
    let mut endpoint = follow(&story.url, &["t"]);
    let asked = asks(&poll(&mut *endpoint).await.0).remove(0);
    story.is_now(shown(2, "input-required", vec![says("call-a", "success")]));
    let late = decide(&asked, "d", json!({"outcome": "approve"}));
    let outcome = endpoint.deliver(&late).await;
    let recorded = Outcome::AlreadyResolved {
        recorded: Some("success".to_owned()),
    };
    assert_eq!(outcome, recorded);
    assert_eq!(story.sent(), Vec::<Value>::new());
}

/// Two answers of an earlier connection, recorded in the task: each is of its own call.
#[tokio::test]
async fn a_connection_made_anew_knows_which_answer_was_to_which_call() {
    let first = || call("call-a", "make", "awaiting_approval");
    let second = || call("call-b", "rm", "awaiting_approval");
    let shown = |history: Value| shows("input-required", 1, None, json!({"history": history}));
    let ours = |id: &str, call: &str, outcome: &str| {
        let body = json!({"outcome": outcome, "actionDigest": "sha256:0", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
        json!({"kind": "message", "messageId": id, "role": "user", "metadata": {domain::contract::EXTENSION_URI: body},
            "parts": [{"kind": "data", "data": {"callId": call}}]})
    };
    let story = Story::begin(shown(json!([first(), second()])), None).await;
    let (before, _) = poll(&mut *follow(&story.url, &["t"])).await;
    story.is_now(shown(json!([
        first(),
        second(),
        ours("d1", "call-a", "approve"),
        ours("d2", "call-b", "reject"),
        call("call-a", "make", "success"),
        call("call-b", "rm", "scheduled")
    ])));
    let url = format!("{}/#task=t", story.url);
    let mut anew = connect_anew(Kind::A2a, &url, &before);
    let (document, _) = poll(&mut *anew).await;
    let told: Vec<_> = asks(&document)
        .iter()
        .map(|one| one["status"].clone())
        .collect();
    assert_eq!(told, ["resolved", "pending"], "{document:?}");
}

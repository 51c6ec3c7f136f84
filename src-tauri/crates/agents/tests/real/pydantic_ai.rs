//! An agent of Pydantic AI behind its makers' A2A server (FastA2A 2.x): a turn that wants leave is over, with the calls in
//! its result, and whatever is answered begins another task. Words are all that its server takes, and they are no leave for
//! a call; so a yes is never called applied here, and that it asks again is said.

use agents::{Endpoint, Kind, Observation, Outcome, Target};
use serde_json::{Value, json};

use crate::{
    decide,
    frameworks::{begin, follow},
    server::Server,
};

/// What was paid, by the words with which it was begun.
fn paid(server: &Server) -> String {
    std::fs::read_to_string(server.folder().join("paid")).unwrap_or_default()
}

async fn story(server: &Server, words: &str) -> String {
    let parts = json!([{"text": words}]);
    let message = json!({"messageId": words, "role": "ROLE_USER", "parts": parts});
    begin(server, "SendMessage", message).await
}

/// The task's question, as it is told now; `None` = nothing is new.
async fn told(endpoint: &mut dyn Endpoint, task: &str) -> Option<Value> {
    let Ok(Observation::Document { body, .. }) = endpoint.observe().await else {
        return None;
    };
    let raw: Value = serde_json::from_str(&body).expect("JSON");
    let all = raw["escalations"].as_array()?;
    all.iter().find(|one| one["taskId"] == task).cloned()
}

async fn check(
    words: &str,
    decision: Value,
    expected: impl Fn(&Outcome) -> bool,
    is_paid: bool,
    becomes: &str,
) {
    let server = Server::start("pydantic-ai", "pydantic_ai_agent.py", &[]).await;
    let task = story(&server, words).await;
    let mut endpoint = follow(&server, &[&task]);
    let question = loop {
        // It works after it has answered.
        if let Some(question) = told(&mut *endpoint, &task).await {
            break question;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let raw = json!({"escalations": [question]});
    assert_eq!(question["kind"], "approval", "{raw}");
    assert_eq!(
        question["proposedAction"],
        json!({"name": "pay", "args": {"eur": 900, "try": 1}})
    );
    let outcome = endpoint
        .deliver(&decide(&raw, &task, "answer", decision))
        .await;
    let mut last = None;
    // It works after it has answered: what became of it shows in the next looks.
    for _ in 0..20 {
        if let Some(now) = told(&mut *endpoint, &task).await {
            last = Some(now["status"].clone());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if last.as_ref().is_some_and(|status| *status != "pending") {
            break;
        }
    }
    assert!(expected(&outcome), "{words}: {outcome:?}");
    assert_eq!(server.messages("answer"), 1);
    assert_eq!(paid(&server).lines().count(), usize::from(is_paid));
    assert_eq!(last, Some(json!(becomes)), "{words}");
}

#[tokio::test]
async fn leave_for_a_call_that_words_cannot_give_is_not_said_to_be_applied() {
    let asks_again = |outcome: &Outcome| matches!(outcome, Outcome::Sent | Outcome::Unknown(_));
    check(
        "pay it",
        json!({"outcome": "approve"}),
        asks_again,
        false,
        "withdrawn",
    )
    .await;
}

#[tokio::test]
async fn a_model_that_says_it_is_done_has_not_done_it() {
    let sent = |outcome: &Outcome| *outcome == Outcome::Sent;
    check(
        "talk it",
        json!({"outcome": "approve"}),
        sent,
        false,
        "pending",
    )
    .await;
}

#[tokio::test]
async fn a_tool_that_takes_a_persons_word_is_run_and_the_answer_stays_sent() {
    let sent = |outcome: &Outcome| *outcome == Outcome::Sent;
    check(
        "heed it",
        json!({"outcome": "approve"}),
        sent,
        true,
        "pending",
    )
    .await;
}

#[tokio::test]
async fn a_no_is_applied_once_its_turn_is_over_without_the_call() {
    let taken = |outcome: &Outcome| matches!(outcome, Outcome::Sent | Outcome::Applied);
    check(
        "pay it",
        json!({"outcome": "reject"}),
        taken,
        false,
        "resolved",
    )
    .await;
}

/// Connected anew, nobody remembers the answer; that the task which asked is over was so before it.
#[tokio::test]
async fn a_yes_is_not_applied_either_once_it_is_connected_anew() {
    let server = Server::start("pydantic-ai", "pydantic_ai_agent.py", &[]).await;
    let task = story(&server, "talk it").await;
    let mut endpoint = follow(&server, &[&task]);
    let question = loop {
        if let Some(question) = told(&mut *endpoint, &task).await {
            break question;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let raw = json!({"escalations": [question.clone()]});
    let yes = decide(&raw, &task, "answer", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&yes).await, Outcome::Sent);
    let (mut known, mut last) = (vec![], Value::Null);
    for _ in 0..40 {
        if let Ok(Observation::Document { body, .. }) = endpoint.observe().await {
            let raw: Value = serde_json::from_str(&body).expect("JSON");
            let all = raw["tasks"].as_array().into_iter().flatten();
            known = all
                .filter_map(|task| task["id"].as_str().map(str::to_owned))
                .collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(
        known.len(),
        2,
        "the one that asked, and the one that took the answer"
    );
    let mut anew = agents::open(&Target {
        endpoint: "framework".into(),
        kind: Kind::A2a,
        url: server.url.clone(),
        credential: None,
        known_tasks: known.iter().map(|id| id.as_str().into()).collect(),
        known_questions: vec![question.to_string().into()],
    })
    .expect("it opens");
    for _ in 0..5 {
        if let Some(now) = told(&mut *anew, &task).await {
            last = now["status"].clone();
            assert_ne!(last, "resolved", "nothing shows what became of it");
        }
    }
    assert_eq!(last, "withdrawn");
    assert!(!server.folder().join("paid").exists());
}

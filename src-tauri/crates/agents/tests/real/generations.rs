//! The same story over every generation and binding of A2A that real servers speak: identified, seen, answered, the late
//! answer harmless, cancelled.

use agents::{Delivery, Kind, Outcome, Target};
use domain::contract::TaskState;
use serde_json::json;

use crate::{decide, look, server::Server, state};

async fn check(list: &str, script: &str, arguments: &[&str], version: &str) {
    let server = Server::start(list, script, arguments).await;
    let found = agents::probe(&server.url, None)
        .await
        .expect("it is identified");
    assert_eq!(
        (found.kind, found.protocol_version.as_deref()),
        (Kind::A2a, Some(version))
    );
    let (asks, works) = (server.begin("twice").await, server.begin("work").await);
    let mut endpoint = agents::open(&Target {
        endpoint: "clerk".into(),
        kind: Kind::A2a,
        url: server.url.clone(),
        credential: None,
        known_tasks: vec![asks.as_str().into(), works.as_str().into()],
        known_questions: vec![],
    })
    .expect("it opens");
    let (document, raw) = look(&mut *endpoint).await;
    assert_eq!(document.problems, [], "{raw}");
    assert_eq!(state(&document, &asks), TaskState::InputRequired);
    assert_eq!(state(&document, &works), TaskState::Working);
    let question = &raw["escalations"][0];
    assert_eq!(question["kind"], "approval", "{raw}");
    assert_eq!(question["message"], "May I deploy the shop?");
    assert_eq!(question["proposedAction"]["args"]["requestId"], "r-17");

    let first = decide(&raw, &asks, "first", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&first).await, Outcome::Applied);
    server.says(&asks, "customers").await;
    let stale = Delivery {
        id: "stale".into(),
        ..first
    };
    assert_eq!(endpoint.deliver(&stale).await, Outcome::Changed);
    let (_, raw) = look(&mut *endpoint).await;
    let second = decide(&raw, &asks, "second", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&second).await, Outcome::Applied);
    // The server shows the answer as taken before it shows what it did with it.
    server.says(&asks, "Done").await;
    let after = server.settled(&asks).await;
    let said = after["status"]["message"]["parts"][0]["text"]
        .as_str()
        .expect("its words");
    // Words are answered with words; the structured question before them was answered with its own id.
    assert!(said.contains("\"text\": \"approve\""), "{said}");
    let (document, _) = look(&mut *endpoint).await;
    assert_eq!(state(&document, &asks), TaskState::Completed);
    let late = Delivery {
        id: "late".into(),
        ..second
    };
    let outcome = endpoint.deliver(&late).await;
    assert!(
        matches!(outcome, Outcome::AlreadyResolved { .. }),
        "{outcome:?}"
    );
    let counts = ["first", "second", "stale", "late"].map(|key| server.messages(key));
    assert_eq!(counts, [1, 1, 0, 0]);

    assert_eq!(
        endpoint
            .cancel(&works.as_str().into(), &"stop".into())
            .await,
        Outcome::Applied
    );
    // Cancelling twice does nothing more; one server says so, another says "canceled" again.
    let late = endpoint
        .cancel(&works.as_str().into(), &"stop".into())
        .await;
    assert!(
        matches!(late, Outcome::AlreadyResolved { .. } | Outcome::Applied),
        "{late:?}"
    );
    assert_eq!(
        endpoint.cancel(&"nobody".into(), &"stop".into()).await,
        Outcome::Expired
    );
}

#[tokio::test]
async fn one_over_json_rpc() {
    check("a2a-1", "a2a_agent.py", &[], "1.0").await;
}

#[tokio::test]
async fn one_over_http_and_json() {
    check("a2a-1", "a2a_agent.py", &["--binding", "HTTP+JSON"], "1.0").await;
}

#[tokio::test]
async fn zero_three_over_json_rpc() {
    check("a2a-03", "a2a_03_agent.py", &[], "0.3.0").await;
}

#[tokio::test]
async fn zero_three_over_http_and_json() {
    check(
        "a2a-03",
        "a2a_03_agent.py",
        &["--binding", "HTTP+JSON"],
        "0.3.0",
    )
    .await;
}

#[tokio::test]
async fn one_in_another_language_over_json_rpc() {
    check("a2a-js", "a2a_agent.mjs", &[], "1.0").await;
}

#[tokio::test]
async fn one_in_another_language_over_http_and_json() {
    check(
        "a2a-js",
        "a2a_agent.mjs",
        &["--binding", "HTTP+JSON"],
        "1.0",
    )
    .await;
}

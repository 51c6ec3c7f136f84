//! The contract's kind of endpoint against a real socket that answers one scripted reply a connection.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use agents::{Delivery, Kind, Observation, Outcome, Target};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Serves the replies in order, one a connection; gives back what it was asked.
async fn serve(replies: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://{}/agent/status",
        listener.local_addr().expect("an address")
    );
    let served = tokio::spawn(async move {
        let mut asked = vec![];
        for reply in replies {
            let (mut socket, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 65536];
            let read = socket.read(&mut request).await.expect("a request");
            asked.push(String::from_utf8_lossy(&request[..read]).into_owned());
            socket
                .write_all(reply.as_bytes())
                .await
                .expect("the reply is taken");
        }
        asked
    });
    (url, served)
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

fn target(url: &str) -> Target {
    Target {
        endpoint: "host".into(),
        kind: Kind::Native,
        url: url.to_owned(),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    }
}

const STATUS: &str =
    r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},"tasks":[]}"#;

#[tokio::test]
async fn an_unchanged_status_is_asked_for_by_its_tag() {
    let (url, served) = serve(vec![
        reply("200 OK", "ETag: \"7\"\r\n", STATUS),
        reply("304 Not Modified", "", ""),
    ])
    .await;
    let mut endpoint = agents::open(&target(&url)).expect("it opens");
    assert!(
        matches!(
            endpoint.observe().await,
            Ok(Observation::Document { last: true, .. })
        ),
        "the first poll is news"
    );
    assert_eq!(
        endpoint.observe().await,
        Ok(Observation::Unchanged),
        "a 304 is no news"
    );
    let asked = served.await.expect("it served");
    assert!(
        asked[1].to_lowercase().contains("if-none-match: \"7\""),
        "{}",
        asked[1]
    );
}

#[tokio::test]
async fn a_list_of_pages_is_read_page_by_page_and_never_in_a_circle() {
    let page = |cursor: &str| {
        STATUS.replace(
            "\"tasks\":[]",
            &format!("\"tasks\":[],\"nextCursor\":\"{cursor}\""),
        )
    };
    let replies = ["b", "c", "b"].map(|cursor| reply("200 OK", "", &page(cursor)));
    let (url, served) = serve(replies.to_vec()).await;
    let mut endpoint = agents::open(&target(&url)).expect("it opens");
    for _ in 0..2 {
        assert!(
            matches!(
                endpoint.observe().await,
                Ok(Observation::Document { last: false, .. })
            ),
            "more follows"
        );
    }
    let error = endpoint
        .observe()
        .await
        .expect_err("a page that was read already ends it");
    assert!(error.detail.expect("a sentence").contains("circle"));
    let asked = served.await.expect("it served");
    assert!(
        asked[1].contains("cursor=b") && asked[2].contains("cursor=c"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, _served) = serve(vec![reply(
        "302 Found",
        "Location: http://127.0.0.1:9/steal\r\n",
        "",
    )])
    .await;
    let error = agents::open(&target(&url))
        .expect("it opens")
        .observe()
        .await
        .expect_err("a 302 is no answer");
    assert_eq!(error.http_status, Some(302));
}

/// Kept, to be sent again with the same key and bytes.
fn again(reason: &str, may_have_arrived: bool) -> Outcome {
    Outcome::Retry {
        reason: reason.to_owned(),
        after_seconds: None,
        may_have_arrived,
    }
}

#[tokio::test]
async fn a_decision_carries_key_version_and_the_exact_bytes() {
    let long = "No, ".repeat(1000);
    let replies = [
        ("200 OK", r#"{"applied":true}"#, Outcome::Applied),
        (
            "200 OK",
            r#"{"applied":false,"escalation":{"outcome":"reject"}}"#,
            Outcome::AlreadyResolved {
                recorded: Some("reject".into()),
            },
        ),
        (
            "200 OK",
            r#"{"applied":false,"escalation":{"version":"3","status":"pending"}}"#,
            Outcome::Refused("It says that it did not apply the decision, and asks on.".into()),
        ),
        (
            "200 OK",
            r#"{"applied":false,"escalation":{"version":"another","status":"pending"}}"#,
            Outcome::Changed,
        ),
        (
            "200 OK",
            r#"{"applied":false,"escalation":{"status":"pending","outcome":"approve"}}"#,
            Outcome::AlreadyResolved {
                recorded: Some("approve".into()),
            },
        ),
        (
            "200 OK",
            "<html>",
            Outcome::Unknown(
                "It answered, but did not say whether the decision was applied.".into(),
            ),
        ),
        ("202 Accepted", "", Outcome::Sent),
        ("412 Precondition Failed", "", Outcome::Changed),
        ("410 Gone", "", Outcome::Expired),
        ("404 Not Found", "", Outcome::Expired),
        (
            "400 Bad Request",
            "",
            Outcome::Refused("It refused the decision without a reason.".into()),
        ),
        (
            "400 Bad Request",
            "<html><body>Bad Request</body></html>",
            Outcome::Refused("It refused the decision without a reason.".into()),
        ),
        (
            "400 Bad Request",
            " The books are closed.\n",
            Outcome::Refused("The books are closed.".into()),
        ),
        (
            "422 Unprocessable",
            r#"{"title":"No","detail":"The books are closed."}"#,
            Outcome::Refused("The books are closed.".into()),
        ),
        (
            "422 Unprocessable",
            r#"{"errors":[{"msg":"late"}]}"#,
            Outcome::Refused(r#"{"errors":[{"msg":"late"}]}"#.into()),
        ),
        (
            "400 Bad Request",
            &long,
            Outcome::Refused(format!("{}…", &long[..300])),
        ),
        (
            "401 Unauthorized",
            "",
            again("It refuses our credentials.", false),
        ),
        (
            "403 Forbidden",
            "",
            again("It refuses our credentials.", false),
        ),
        (
            "409 Conflict",
            "",
            again("It is still working on this decision.", true),
        ),
        (
            "429 Too Many Requests",
            "",
            again("It asks us to slow down.", false),
        ),
        (
            "503 Service Unavailable",
            "",
            again("It has an error of its own.", true),
        ),
        (
            "418 Teapot",
            "",
            Outcome::Unknown("It answered with the unexpected status 418.".into()),
        ),
        (
            "422 Unprocessable",
            r#"{"detail":"Too late"}"#,
            Outcome::Refused("Too late".into()),
        ),
    ];
    let (url, served) = serve(
        replies
            .iter()
            .map(|(status, body, _)| reply(status, "", body))
            .collect(),
    )
    .await;
    let mut endpoint = agents::open(&target(&url)).expect("it opens");
    let delivery = Delivery {
        id: "01990000-0000-7000-8000-000000000001".into(),
        escalation: "q/1".into(),
        version: "3".into(),
        task: None,
        body: r#"{"outcome":"approve","n":1.00}"#.into(),
        escalation_raw: "{}".into(),
        resend: false,
    };
    for (status, _, expected) in &replies {
        assert_eq!(endpoint.deliver(&delivery).await, *expected, "{status}");
    }
    let asked = served.await.expect("it served");
    let first = asked[0].to_lowercase();
    assert!(
        first.starts_with("post /agent/escalations/q%2f1/decision "),
        "the id is one segment: {first}"
    );
    assert!(
        first.contains("if-match: \"3\"")
            && first.contains("idempotency-key: 01990000-0000-7000-8000-000000000001")
    );
    assert!(asked[0].ends_with(&delivery.body), "not one byte differs");
}

#[tokio::test]
async fn no_id_leads_a_decision_to_another_path() {
    let taken = reply("200 OK", "", r#"{"applied":true}"#);
    let (url, served) = serve(vec![taken.clone(), taken.clone(), taken]).await;
    let mut endpoint = agents::open(&target(&url)).expect("it opens");
    for id in [".", "..", "%2e", "%2E%2e", ".%2E"] {
        let delivery = Delivery {
            escalation: id.into(),
            ..any()
        };
        let refused = endpoint.deliver(&delivery).await;
        assert!(matches!(refused, Outcome::Refused(_)), "{id}: {refused:?}");
        let refused = endpoint.cancel(&id.into(), &"k".into()).await;
        assert!(matches!(refused, Outcome::Refused(_)), "{id}: {refused:?}");
    }
    // What only looks like a way stays one piece.
    let ids = ["../../tasks/t/cancel?", "..%2f..", "//127.0.0.1:9/x"];
    for id in ids {
        let delivery = Delivery {
            escalation: id.into(),
            ..any()
        };
        assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied, "{id}");
    }
    let asked = served.await.expect("it served");
    let lines: Vec<_> = asked.iter().filter_map(|a| a.lines().next()).collect();
    assert_eq!(
        lines,
        [
            "POST /agent/escalations/..%2F..%2Ftasks%2Ft%2Fcancel%3F/decision HTTP/1.1",
            "POST /agent/escalations/..%252f../decision HTTP/1.1",
            "POST /agent/escalations/%2F%2F127.0.0.1:9%2Fx/decision HTTP/1.1",
        ]
    );
}

/// Some decision.
fn any() -> Delivery {
    Delivery {
        id: "k".into(),
        escalation: "q".into(),
        version: "1".into(),
        task: None,
        body: "{}".into(),
        escalation_raw: "{}".into(),
        resend: false,
    }
}

/// It is to be brought again: after it may have arrived, or after it surely did not.
fn check_retry(outcome: &Outcome, may: bool) {
    let so = matches!(outcome, Outcome::Retry { may_have_arrived, .. } if *may_have_arrived == may);
    assert!(so, "{outcome:?}");
}

#[tokio::test]
async fn an_endpoint_that_is_away_keeps_the_decision() {
    let mut endpoint = agents::open(&target("http://127.0.0.1:9/status")).expect("it opens");
    check_retry(&endpoint.deliver(&any()).await, false);
}

#[tokio::test]
async fn a_decision_whose_answer_was_lost_may_have_arrived() {
    let (url, served) = serve(vec![String::new()]).await;
    let mut endpoint = agents::open(&target(&url)).expect("it opens");
    check_retry(&endpoint.deliver(&any()).await, true);
    assert_eq!(served.await.expect("it served").len(), 1, "it was read");
}

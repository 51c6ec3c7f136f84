//! Live: an agent that tells now and then nothing but a newer time of its work is not called stalled; one whose time moves
//! with every answer is.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/http.rs"]
mod http;
#[path = "scripted/screen.rs"]
mod screen;

use chrono::Utc;
use domain::fact::Config;
use engine::api::Api;
use screen::{ask, reopen, until};
use serde_json::{Value, json};
use store::tables::{facts, findings};
use tokio::net::TcpListener;

/// An agent that works and tells a newer time with each so many answers.
async fn agent(name: &'static str, every: u32) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (mut answers, mut since) = (0, Utc::now());
        while let Ok((mut stream, _)) = listener.accept().await {
            let Ok(Some(_)) = http::asked(&mut stream).await else {
                continue;
            };
            if answers % every == 0 {
                since = Utc::now();
            }
            answers += 1;
            let page = json!({
                "schemaVersion": "1.0", "agent": { "id": name, "name": name, "status": "online" },
                "tasks": [{ "id": "t", "title": "Work", "status": { "state": "working", "timestamp": since } }],
                "pollAfterSeconds": 1,
            });
            // The client hangs up when it likes.
            drop(http::answer(&mut stream, "200 OK", &page).await);
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_moves_now_and_then_is_work_and_one_that_always_moves_is_a_clock() {
    let dir = tempfile::tempdir().expect("a folder");
    let config: Config = serde_json::from_value(json!({ "settings": { "stallAfterSeconds": 20 } }))
        .expect("settings");
    let config = serde_json::to_value(&config).expect("JSON");
    let store = reopen(dir.path()).await;
    let begun = store.write(move |tx| facts::set_config(tx, &config));
    begun.expect("it is written");
    drop(store);
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    for (name, every) in [("worker", 2), ("clock", 1)] {
        let url = format!("http://127.0.0.1:{}/status", agent(name, every).await);
        let add =
            json!({ "name": name, "url": url, "kind": "native", "token": null, "basic": null });
        ask(&api, "addEndpoint", add).await;
    }
    let problems = json!({ "group": "status", "filter": "", "problemsOnly": true, "pages": [] });
    let stalled = |board: &Value| {
        let mut columns = board["columns"].as_array().into_iter().flatten();
        columns.any(|column| column["count"] != 0)
    };
    until(&api, "board", problems, stalled).await;
    api.end();
    let found = reopen(dir.path()).await.read(findings::open);
    let found = found.expect("findings").into_iter();
    let found: Vec<_> = found
        .map(|row| (row.finding.rule, row.finding.agents))
        .collect();
    assert_eq!(found, [("stall".into(), vec!["clock".into()])]);
}

//! What follows when an endpoint costs too much, with limits so low that a small agent reaches them: its answer is set aside
//! whole, it is paused in words and goes on when the person says so, and a line of the log is never read again.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use std::{path::Path, time::Instant};

use chrono::Utc;
use domain::ids::TaskRef;
use endpoints::EndpointRow;
use serde_json::{Value, json};
use store::{
    Result, Store,
    tables::{dead_letters::DeadLetterRow, facts, tasks},
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use super::*;
use crate::{
    api::Api,
    connect::Connector,
    cost::Limits,
    engine::Engine,
    owner::{
        Ask, Outside,
        agent::{Agent, lock},
    },
    secrets::Secrets,
};

fn document(tasks: &[&str]) -> Value {
    let task = |id: &&str| json!({ "id": id, "title": id, "status": { "state": "working" } });
    json!({
        "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" },
        "tasks": tasks.iter().map(task).collect::<Vec<_>>(), "pollAfterSeconds": 1,
    })
}

fn row(agent: &Agent) -> EndpointRow {
    EndpointRow {
        id: "clerk".into(),
        name: "Clerk".to_owned(),
        kind: "native".to_owned(),
        url: format!("http://127.0.0.1:{}/status", agent.port),
        credential: "none".to_owned(),
        paused: false,
        capabilities: vec![],
        warnings: vec![],
        added_at: Utc::now(),
    }
}

/// The last clone of a store goes a moment after its engine ended.
async fn opened(dir: &Path) -> Store {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match Store::open(dir, Utc::now()) {
            Ok(store) => return store,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An engine with these limits.
async fn engine(dir: &Path, limits: Limits) -> Engine {
    let connector = Connector::with_secrets(Secrets::session_only());
    let outside = Outside {
        limits,
        ..Outside::default()
    };
    Engine::within(opened(dir).await, connector, None, outside).expect("it starts")
}

async fn put(engine: &Engine, row: EndpointRow) {
    let done = engine.ask(|reply| Ask::Put(row, reply)).await;
    done.expect("it is kept");
}

/// Waits for something in the store.
async fn until<T>(what: &str, store: &Store, seen: impl Fn(&Reader) -> Result<Option<T>>) -> T {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = store.read(&seen).expect("it is read") {
            return found;
        }
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn letter(reader: &Reader) -> Result<Option<DeadLetterRow>> {
    dead_letters::get(reader, &"clerk".into(), "", WHOLE)
}

async fn until_known(store: &Store, id: &str) {
    let task = TaskRef {
        endpoint: "clerk".into(),
        task: id.into(),
    };
    until(id, store, |reader| tasks::get(reader, &task)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_over_its_budget_is_set_aside_whole_and_taken_when_it_can_be_read() {
    let agent = Agent::start(document(&["a"])).await;
    let dir = tempfile::tempdir().expect("a folder");
    let limits = Limits {
        answer: Duration::ZERO,
        ..Limits::default()
    };
    let first = engine(dir.path(), limits).await;
    put(&first, row(&agent)).await;
    let kept = until("a letter", first.store(), letter).await;
    assert_eq!(kept.raw, document(&["a"]).to_string(), "its beginning");
    assert_eq!(kept.cleared_at, None);
    let answer = first.live().read().endpoints["clerk"].answer.clone();
    let error = answer
        .expect("it has answered")
        .expect_err("it is not taken");
    let why = error.detail.unwrap_or_default();
    assert!(why.contains("so it was set aside"), "{why}");
    let lines = log(first.store());
    assert!(
        !lines.contains("\"tasks\""),
        "none of it is believed: {lines}"
    );
    first.end();
    drop(first);
    let second = engine(dir.path(), Limits::default()).await;
    until_known(second.store(), "a").await;
    let is_cleared = |reader: &Reader| Ok(letter(reader)?.and_then(|row| row.cleared_at));
    until("it is over", second.store(), is_cleared).await;
    second.end();
}

fn log(store: &Store) -> String {
    let mut lines = String::new();
    let read = store.read(|reader| {
        facts::each(reader, 0, |row| {
            lines.push_str(&row.line);
            lines.push('\n');
            Ok(())
        })
    });
    read.expect("it is read");
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_costs_too_much_in_an_hour_is_paused_in_words_and_asked_again_when_the_person_says_so()
{
    let agent = Agent::start(document(&["a"])).await;
    let dir = tempfile::tempdir().expect("a folder");
    let limits = Limits {
        hourly_cpu: Duration::ZERO,
        ..Limits::default()
    };
    let engine = engine(dir.path(), limits).await;
    let stopped = |reader: &Reader| costs::stopped(reader, &"clerk".into());
    let mut row = row(&agent);
    for task in ["a", "b"] {
        *lock(&agent.document) = document(&[task]);
        // First it is added, then it is resumed.
        row.paused = false;
        put(&engine, row.clone()).await;
        until_known(engine.store(), task).await;
        let why = until("it is paused", engine.store(), stopped).await;
        assert!(
            why.starts_with("Paused by Mission Control: it took"),
            "{why}"
        );
        assert!(why.contains("Resume it when it is mended."), "{why}");
        let kept = engine
            .store()
            .read(|reader| endpoints::get(reader, &"clerk".into()));
        assert!(kept.expect("it is read").expect("it is there").paused);
    }
    // It costs nothing any more as long as nobody asks it.
    row.paused = true;
    put(&engine, row).await;
    engine.end();
}

/// It only ever says that we are to go on, which our HTTP client reads and never hands over.
async fn who_never_comes_to_an_end() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let words = "HTTP/1.1 100 Continue\r\n\r\n".repeat(2_000);
                while stream.write_all(words.as_bytes()).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_costs_too_much_without_ever_answering_is_paused_in_words_and_nobody_else_is() {
    let agent = Agent::start(document(&["a"])).await;
    let dir = tempfile::tempdir().expect("a folder");
    let limits = Limits {
        hourly_cpu: Duration::from_millis(300),
        ..Limits::default()
    };
    let engine = engine(dir.path(), limits).await;
    let healthy = row(&agent);
    put(&engine, healthy.clone()).await;
    let endless = EndpointRow {
        id: "endless".into(),
        name: "Endless".to_owned(),
        url: format!(
            "http://127.0.0.1:{}/status",
            who_never_comes_to_an_end().await
        ),
        ..healthy
    };
    put(&engine, endless).await;
    let stopped = |reader: &Reader| costs::stopped(reader, &"endless".into());
    let why = until("it is paused", engine.store(), stopped).await;
    assert!(
        why.starts_with("Paused by Mission Control: it took"),
        "{why}"
    );
    *lock(&agent.document) = document(&["a", "b"]);
    until_known(engine.store(), "b").await;
    engine.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_costs_too_much_at_the_start_is_said_and_never_read_again() {
    let agent = Agent::start(document(&["a"])).await;
    let dir = tempfile::tempdir().expect("a folder");
    let first = engine(dir.path(), Limits::default()).await;
    let row = row(&agent);
    put(&first, row.clone()).await;
    until_known(first.store(), "a").await;
    // What the log tells is all there is from now on.
    put(
        &first,
        EndpointRow {
            paused: true,
            ..row
        },
    )
    .await;
    first.end();
    drop(first);
    let store = opened(dir.path()).await;
    let read = |limits| {
        let loaded = super::super::load::load(&store, limits).expect("it is read");
        loaded.known["clerk"].nothing.is_some()
    };
    assert!(read(Limits::default()), "it has spoken");
    let costly = Limits {
        line: Duration::ZERO,
        ..Limits::default()
    };
    assert!(read(costly), "it is read once more");
    let left_out = store.read(costs::left_out).expect("it is read");
    assert!(!left_out.is_empty());
    assert!(!read(Limits::default()), "and never again");
    drop(store);
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let status = api.call("status", json!({})).await.expect("it answers");
    let notice = status["notice"].as_str().unwrap_or_default();
    assert!(notice.contains("What clerk said at"), "{notice}");
    assert!(
        notice.contains("is left out when Mission Control starts"),
        "{notice}"
    );
    api.end();
}

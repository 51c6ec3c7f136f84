//! A start as the screens see it: one that takes long, and one that cannot read what is remembered. What the owner does once
//! it has started is tested with it.

#![allow(clippy::expect_used)]

use std::sync::mpsc;

use serde_json::json;
use store::tables::facts;

use super::*;

async fn until(engine: &Engine, done: impl Fn(Option<&str>) -> bool) {
    for _ in 0..1_000 {
        if done(engine.live().read().read_only.as_deref()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}", engine.live().read().read_only);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_start_is_told_and_keeps_no_screen_waiting() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), wall()).expect("a store");
    // The first start writes what recordings begin with, and waits here for its turn.
    let (go_on, wait) = mpsc::channel::<()>();
    let busy = store.clone();
    let (began, begun) = mpsc::channel();
    let writing = std::thread::spawn(move || {
        busy.write(move |_| {
            began.send(()).expect("somebody waits");
            wait.recv().expect("it is told");
            Ok(())
        })
    });
    begun.recv().expect("it writes");
    let engine = Engine::within(store, real(dir.path()), None, Outside::default());
    let engine = engine.expect("it starts");
    let mut changed = engine.changed();
    until(&engine, |why| {
        why.is_some_and(|why| why.contains("still reading"))
    })
    .await;
    let heard = changed.recv().await.expect("it is announced");
    assert!(heard.topics.contains(&Topic::Status), "{heard:?}");
    engine
        .store()
        .read(|_| Ok(()))
        .expect("screens are answered");
    go_on.send(()).expect("it waits");
    writing.join().expect("no panic").expect("written");
    until(&engine, |why| why.is_none()).await;
    engine.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_cannot_read_what_is_remembered_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), wall()).expect("a store");
    store
        .write(|tx| facts::set_config(tx, &json!("not a configuration")))
        .expect("written");
    let engine = Engine::within(store, real(dir.path()), None, Outside::default());
    let engine = engine.expect("it starts");
    until(&engine, |why| {
        why.is_some_and(|why| why.contains("must be started again"))
    })
    .await;
    // Nothing waits for an owner that is not there.
    let refused = engine
        .ask(Ask::TrustClock)
        .await
        .expect_err("nobody does it");
    assert!(
        refused.message.contains("must be started again"),
        "{refused:?}"
    );
    engine.end();
}

//! The app as a person's screen asks it, and its folder once it has ended.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use engine::api::Api;
use serde_json::Value;
use store::Store;

pub(crate) async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    let answer = api.call(command, payload).await;
    answer.unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Asks until the answer shows what is waited for; each change announced is a reason to ask again.
pub(crate) async fn until(
    api: &Api,
    command: &str,
    payload: Value,
    seen: impl Fn(&Value) -> bool,
) -> Value {
    let mut changed = api.changed();
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = ask(api, command, payload.clone()).await;
        if seen(&answer) {
            return answer;
        }
        assert!(
            Instant::now() < end,
            "{command} never showed it: {answer:#}"
        );
        let _ = tokio::time::timeout(Duration::from_millis(500), changed.recv()).await;
    }
}

/// The last clone of the store goes a moment after the engine ended.
pub(crate) async fn reopen(dir: &Path) -> Store {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        match Store::open(dir, chrono::Utc::now()) {
            Ok(store) => return store,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! While a long list is read the board says so, and no longer than that.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/http.rs"]
mod http;
#[path = "scripted/screen.rs"]
#[allow(dead_code)] // Other tests use more of it.
mod screen;

use std::time::Duration;

use engine::api::Api;
use screen::{ask, until};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

/// A list of two pages; the second one holds nothing and comes when `goes_on` says so.
async fn two_pages(goes_on: watch::Receiver<bool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut goes_on = goes_on.clone();
            tokio::spawn(async move {
                let Ok(Some((path, _))) = http::asked(&mut stream).await else {
                    return;
                };
                let first = !path.contains("cursor=");
                if !first {
                    goes_on.wait_for(|goes_on| *goes_on).await.expect("a test");
                }
                let tasks =
                    json!([{ "id": "t", "title": "Row", "status": { "state": "working" } }]);
                let page = json!({
                    "schemaVersion": "1.0", "agent": { "id": "a", "name": "A", "status": "online" },
                    "snapshot": first, "tasks": if first { tasks } else { json!([]) },
                    "nextCursor": "end", "pollAfterSeconds": 3600,
                });
                // The client hangs up when it likes.
                drop(http::answer(&mut stream, "200 OK", &page).await);
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_read_to_its_end_is_called_so_at_once() {
    let (goes_on, waits) = watch::channel(false);
    let port = two_pages(waits).await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let url = format!("http://127.0.0.1:{port}/status");
    let add = json!({ "name": "A", "url": url, "kind": "native", "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    let board = json!({ "group": "status", "filter": "", "problemsOnly": false, "pages": [] });
    let is_read = |board: &Value| board["loading"].as_array().is_some_and(Vec::is_empty);
    until(&api, "board", board.clone(), |board| !is_read(board)).await;
    let mut changed = api.changed();
    goes_on.send(true).expect("it waits");
    // Only what the app itself announces makes a screen ask again; that polls go on is announced more rarely than this.
    let announced = async {
        while !is_read(&ask(&api, "board", board.clone()).await) {
            changed.recv().await.expect("it goes on");
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(10), announced).await;
    told.expect("the board is told that it was read");
    api.end();
}

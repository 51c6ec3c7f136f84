//! An endpoint that is watched already is told of before it is added a second time, by its address and by what it shows.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/agent.rs"]
#[allow(dead_code)] // Other tests use more of it.
mod agent;
#[path = "scripted/screen.rs"]
#[allow(dead_code)]
mod screen;

use agent::Agent;
use engine::api::Api;
use screen::{ask, until};
use serde_json::{Value, json};

fn document(name: &str, tasks: &[&str]) -> Value {
    let tasks = tasks
        .iter()
        .map(|id| json!({ "id": id, "title": "Sort the mail", "status": { "state": "working" } }));
    json!({
        "schemaVersion": "1.0", "agent": { "id": name, "name": name, "status": "online" },
        "tasks": tasks.collect::<Vec<_>>(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_watched_already_is_told_of_before_it_is_added_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let desk = Agent::start(document("desk", &["t1", "t2"])).await;
    let first = format!("http://127.0.0.1:{}/status", desk.port);
    let watched = async |url: &str| {
        let look = json!({ "url": url, "token": null, "basic": null });
        let report = ask(&api, "probe", look).await;
        assert_eq!(report["identified"], json!(true), "{report:#}");
        let all = report["watched"].as_array().expect("a list").iter();
        all.filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(watched(&first).await, [""; 0]);
    let add =
        json!({ "name": "Office", "url": first, "kind": "native", "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    let board = json!({ "group": "status", "filter": "", "problemsOnly": false, "pages": [] });
    until(&api, "board", board, |board| {
        let mut columns = board["columns"].as_array().into_iter().flatten();
        columns.any(|column| column["count"] == 2)
    })
    .await;
    let here = ["This address is watched already, as Office."];
    assert_eq!(watched(&first).await, here);
    let spelled = first.replace("127.0.0.1", "localhost");
    assert_eq!(watched(&spelled).await, here);
    // Another port with the same behind it, and others that have a name or a task in common.
    for (name, tasks, same) in [
        ("desk", &["t2"][..], true),
        ("desk", &["t1", "t3"], false),
        ("desk", &[], false),
        ("mail", &["t1", "t2"], false),
    ] {
        let other = Agent::start(document(name, tasks)).await;
        let told = watched(&format!("http://127.0.0.1:{}/status", other.port)).await;
        let twin =
            "It shows the same agent and the same tasks as Office, which is watched already.";
        let expected: &[&str] = if same { &[twin] } else { &[] };
        assert_eq!(told, expected, "{name} {tasks:?}");
    }
    api.end();
}

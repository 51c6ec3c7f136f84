//! The whole way with real servers: a question is in the inbox, the person's answer moves its task on, and an answer that
//! may have arrived is never sent a second time.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "../../agents/tests/real/server.rs"]
#[allow(dead_code)] // The tests of `agents` use more of it.
mod server;

#[path = "../../agents/tests/real/opencode_server.rs"]
#[allow(dead_code)] // The tests of `agents` use more of it.
mod opencode_server;

#[path = "../../agents/tests/real/graphs.rs"]
#[allow(dead_code)] // The same.
mod graphs;

use std::time::{Duration, Instant};

use engine::api::Api;
use graphs::Graphs;
use opencode_server::{OpenCode, PASSWORD};
use serde_json::{Value, json};
use server::Server;

async fn start(arguments: &[&str]) -> Server {
    Server::start("a2a-1", "a2a_agent.py", arguments).await
}

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// The engine, with the server added as the person would.
async fn flight(server: &Server) -> (tempfile::TempDir, Api) {
    flight_to(&server.url, "a2a", None).await
}

async fn flight_to(url: &str, kind: &str, token: Option<&str>) -> (tempfile::TempDir, Api) {
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let add = json!({ "name": "Clerk", "url": url, "kind": kind, "token": token, "keep": "session", "basic": null });
    ask(&api, "addEndpoint", add).await;
    (dir, api)
}

/// The question of a task, once it is in the inbox.
async fn question(api: &Api, task: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(question) = question_or_none(api, task).await {
            return question;
        }
        assert!(Instant::now() < end, "{task} asks nothing");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn question_or_none(api: &Api, task: &str) -> Option<Value> {
    let inbox = ask(api, "inbox", json!({})).await;
    let groups = inbox["groups"].as_array().expect("groups");
    let items = groups
        .iter()
        .flat_map(|group| group["items"].as_array().expect("items"));
    for item in items {
        let key = item["key"].as_str().expect("a key");
        let Some(escalation) = key.strip_prefix("e:clerk/") else {
            continue;
        };
        let asked = json!({ "endpoint": "clerk", "escalation": escalation });
        let question = ask(api, "escalation", asked).await;
        if question["task"]["task"] == json!(task) {
            return Some(question);
        }
    }
    None
}

async fn approve(api: &Api, question: &Value) -> String {
    decide(api, question, "approve", Value::Null).await
}

async fn decide(api: &Api, question: &Value, outcome: &str, option: Value) -> String {
    let said = json!({ "outcome": outcome, "optionId": option });
    say(api, question, said).await
}

async fn say(api: &Api, question: &Value, said: Value) -> String {
    let mut decide = json!({
        "endpoint": "clerk", "escalation": question["escalation"], "version": question["version"],
        "bindingHash": question["bindingHash"], "outcome": "approve", "optionId": null, "editedAction": null,
        "payload": null, "message": null, "shownMs": 5000, "reachedEnd": true,
    });
    for (member, value) in said.as_object().expect("an object") {
        decide[member] = value.clone();
    }
    let decision = ask(api, "decide", decide).await;
    decision["id"].as_str().expect("an id").to_owned()
}

/// The decision once it stands in one of the states.
async fn delivery(api: &Api, question: &Value, states: &[&str]) -> Value {
    let asked = json!({ "endpoint": "clerk", "escalation": question["escalation"] });
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let now = ask(api, "escalation", asked.clone()).await;
        let state = now["decision"]["state"].as_str().unwrap_or_default();
        if states.contains(&state) {
            return now["decision"].clone();
        }
        assert!(Instant::now() < end, "{:#}", now["decision"]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approving_what_a_real_agent_asks_moves_its_task_on() {
    let server = start(&[]).await;
    let task = server.begin("ask").await;
    let (_dir, api) = flight(&server).await;
    let question = question(&api, &task).await;
    assert!(
        question["action"]["raw"]["text"]
            .as_str()
            .is_some_and(|raw| raw.contains("\"cost\"")),
        "{question:#}"
    );
    let board = json!({ "group": "status", "pages": [{ "column": "needs-you", "offset": 0, "limit": 10 }], "filter": "", "problemsOnly": false });
    let board = ask(&api, "board", board).await;
    let cards = board["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .flat_map(|column| column["cards"].as_array().expect("cards"));
    assert!(
        cards.into_iter().any(|card| card["task"] == json!(task)),
        "{board:#}"
    );
    let key = approve(&api, &question).await;
    delivery(&api, &question, &["applied"]).await;
    let ended = server.settled(&task).await;
    assert_eq!(ended["status"]["state"], json!("TASK_STATE_COMPLETED"));
    assert_eq!(server.messages(&key), 1);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_may_have_arrived_is_not_sent_again_when_nothing_shows_it() {
    let mut server = start(&["--hold"]).await;
    let task = server.begin("ask").await;
    let (_dir, api) = flight(&server).await;
    let question = question(&api, &task).await;
    let key = approve(&api, &question).await;
    let end = Instant::now() + Duration::from_secs(40);
    while server.messages(&key) == 0 {
        assert!(Instant::now() < end, "it never left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The server took it and is killed before it answers; the new one knows nothing of any task.
    server.kill();
    server.restart(&[]).await;
    let decision = delivery(&api, &question, &["unknown", "expired"]).await;
    assert!(
        decision["sentence"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(server.messages(&key), 1);
    api.end();
}

/// 0.3 has no list of tasks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_was_entered_by_its_id_is_followed_also_after_a_restart_of_ours() {
    let server = Server::start("a2a-03", "a2a_03_agent.py", &[]).await;
    let task = server.begin("ask").await;
    let (dir, api) = flight_to(&format!("{}/#task={task}", server.url), "a2a", None).await;
    question(&api, &task).await;
    let added = json!({ "endpoint": "clerk", "name": "Clerk", "url": server.url, "paused": false, "token": null, "basic": null });
    ask(&api, "editEndpoint", added).await;
    api.end();
    drop(api);
    // Its id is known from what is remembered alone.
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts again");
    let question = question(&api, &task).await;
    let key = approve(&api, &question).await;
    delivery(&api, &question, &["applied"]).await;
    assert_eq!(server.messages(&key), 1);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_coding_agent_goes_on_when_it_is_allowed_and_not_when_it_forgot_what_it_asked() {
    let mut server = OpenCode::start().await;
    let (makes, asks) = (
        server.begin("bank", "make a.txt").await,
        server.begin("shop", "ask me").await,
    );
    server.waits("bank", &makes).await;
    server.waits("shop", &asks).await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let basic = format!("opencode:{PASSWORD}");
    let add = json!({ "name": "Clerk", "url": server.url, "kind": "opencode", "token": null, "basic": basic, "keep": "session" });
    ask(&api, "addEndpoint", add).await;
    let colour = question(&api, &asks).await;
    let permission = question(&api, &makes).await;
    assert!(
        permission["action"]["raw"]["text"]
            .as_str()
            .is_some_and(|raw| raw.contains("touch a.txt")),
        "{permission:#}"
    );
    approve(&api, &permission).await;
    decide(&api, &colour, "respond", json!("Blue")).await;
    delivery(&api, &permission, &["applied"]).await;
    delivery(&api, &colour, &["applied"]).await;
    assert_eq!(
        server.call(&asks).await["metadata"]["answers"],
        json!([["Blue"]])
    );
    server.comes_to("bank", &makes, "idle").await;
    assert!(server.has("bank", "a.txt"));

    let makes = server.begin("shop", "make b.txt").await;
    server.waits("shop", &makes).await;
    let permission = question(&api, &makes).await;
    server.kill();
    approve(&api, &permission).await;
    server.restart().await;
    let states = ["expired", "unknown", "already-resolved", "refused"];
    let decision = delivery(&api, &permission, &states).await;
    assert!(
        decision["sentence"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{decision:#}"
    );
    assert!(!server.has("shop", "b.txt"), "nothing was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_real_langgraph_server_asks_is_answered_or_comes_back() {
    let graphs = Graphs::start().await;
    let (inbox, form) = (graphs.story("inbox").await, graphs.story("form").await);
    let (_dir, api) = flight_to(&graphs.server.url, "langgraph", Some(graphs::TOKEN)).await;
    let asked = question(&api, &inbox).await;
    let shown = asked["action"]["raw"]["text"].as_str();
    assert!(
        shown.is_some_and(|raw| raw.contains("18446744073709551615")),
        "{asked:#}"
    );
    let filled = question(&api, &form).await;
    approve(&api, &asked).await;
    // A form that is not filled in is not sent, and asked again as another version.
    let half = json!({ "outcome": "respond", "payload": "{\"account\":\"giro\"}" });
    say(&api, &filled, half).await;
    delivery(&api, &asked, &["applied"]).await;
    assert_eq!(
        graphs.answers(&inbox).await,
        json!([{ "inbox": [{ "type": "accept", "args": null }] }])
    );
    let end = Instant::now() + Duration::from_secs(60);
    let again = loop {
        let again = question_or_none(&api, &form).await;
        if let Some(again) = again.filter(|again| again["version"] != filled["version"]) {
            break again;
        }
        assert!(Instant::now() < end, "it is not asked again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(graphs.runs(&form).await.len(), 1, "nothing was sent");
    let whole = json!({ "outcome": "respond", "payload": "{\"account\":\"giro\",\"amount\":3}" });
    say(&api, &again, whole).await;
    delivery(&api, &again, &["applied"]).await;
    let got = graphs.answers(&form).await;
    assert_eq!(got, json!([{ "form": { "account": "giro", "amount": 3 } }]));
    api.end();
}

//! Scripted agents on the official A2A packages: every generation and language, from the first look to a restart.

use super::*;
use crate::server::Server;

async fn start(arguments: &[&str]) -> Server {
    Server::start("a2a-1", "a2a_agent.py", arguments).await
}

/// The engine, with the server added as the person would.
async fn flight(server: &Server) -> (tempfile::TempDir, Api) {
    flight_to(&server.url, "a2a", None).await
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

/// Ids of tasks stand after the address, for servers that have no list.
async fn follow(api: &Api, server: &Server, tasks: &[&String]) {
    let ids: Vec<_> = tasks.iter().map(|id| format!("task={id}")).collect();
    let url = format!("{}/#{}", server.url, ids.join("&"));
    let edit = json!({ "endpoint": "clerk", "url": url });
    ask(api, "editEndpoint", edit).await;
}

/// Wrong credentials, work and questions seen, answered once, somebody else first, the login lost on the way, killed while
/// it takes an answer, and started again.
async fn check(list: &str, script: &str) {
    let mut server = Server::start(list, script, &["--token", "t0p"]).await;
    let (works, yes) = (server.begin("work").await, server.begin("ask").await);
    let (late, keeps) = (server.begin("ask").await, server.begin("ask").await);
    let (_dir, api) = flight_to(&server.url, "a2a", Some("wrong")).await;
    follow(&api, &server, &[&works, &yes, &late, &keeps]).await;
    let refused = health(&api, "unauthorized").await;
    assert!(
        refused["sentence"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert!(!is_on_the_board(&api, &works).await);

    log_in(&api, Some("t0p"), None).await;
    health(&api, "online").await;
    let asked = question(&api, &yes).await;
    assert!(is_on_the_board(&api, &works).await && is_on_the_board(&api, &yes).await);
    let action = asked["action"]["raw"]["text"].as_str().expect("the action");
    let action: Value = serde_json::from_str(action).expect("JSON");
    assert_eq!(action["name"], "deploy");
    assert_eq!(action["args"]["requestId"], "r-17");
    assert_eq!(action["args"]["args"]["service"], "shop");

    // One is answered by us, one by somebody else while our answer can still be taken back.
    let (first, overtaken) = (approve(&api, &asked).await, question(&api, &late).await);
    let second = approve(&api, &overtaken).await;
    server.reply(&late, "elsewhere", "approve").await;
    server.settled(&late).await;
    delivery(&api, &asked, &["applied"]).await;
    assert!(
        server.settled(&yes).await["status"]
            .to_string()
            .contains("Done: ")
    );
    let decision = delivery(&api, &overtaken, &["already-resolved"]).await;
    assert!(
        decision["sentence"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert_eq!([&first, &second].map(|key| server.messages(key)), [1, 0]);

    // The login is lost before the answer leaves: it waits, and leaves with the right one.
    let kept = question(&api, &keeps).await;
    let third = approve(&api, &kept).await;
    log_in(&api, Some("wrong"), None).await;
    health(&api, "unauthorized").await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(
        is_on_its_way(&api, &kept).await,
        "nothing is said to have become of it"
    );
    assert_eq!(server.messages(&third), 0);
    log_in(&api, Some("t0p"), None).await;
    delivery(&api, &kept, &["applied"]).await;
    assert_eq!(server.messages(&third), 1);

    // It takes the answer and is killed before it says so; the new one knows nothing of any task.
    server.kill();
    health(&api, "unreachable").await;
    server.restart(&["--token", "t0p", "--hold"]).await;
    let held = server.begin("ask").await;
    follow(&api, &server, &[&held]).await;
    let asked = question(&api, &held).await;
    let fourth = approve(&api, &asked).await;
    let end = Instant::now() + Duration::from_secs(40);
    while server.messages(&fourth) == 0 {
        assert!(Instant::now() < end, "it never left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.kill();
    server.restart(&["--token", "t0p"]).await;
    delivery(&api, &asked, &["unknown"]).await;
    let next = server.begin("ask").await;
    follow(&api, &server, &[&next]).await;
    let asked = question(&api, &next).await;
    let fifth = approve(&api, &asked).await;
    delivery(&api, &asked, &["applied"]).await;
    assert_eq!([&fourth, &fifth].map(|key| server.messages(key)), [1, 1]);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_python_from_first_look_to_restart() {
    check("a2a-1", "a2a_agent.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zero_three_in_python_from_first_look_to_restart() {
    check("a2a-03", "a2a_03_agent.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_in_javascript_from_first_look_to_restart() {
    check("a2a-js", "a2a_agent.mjs").await;
}

/// What was allowed may take its time. It is not asked again by going on, and not said to be done before it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_approved_and_takes_minutes_is_sent_until_it_is_done_and_not_asked_again() {
    let server = Server::start("rust-a2a", "rust-a2a", &[]).await;
    let message = json!({"messageId": "one", "role": "ROLE_USER", "parts": [{"text": "slow"}]});
    let params = json!({"message": message, "configuration": {"returnImmediately": true}});
    let send = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params});
    let begun = server.post("", "clerk", &send).await;
    let task = begun["result"]["task"]["id"].as_str().expect("a task");
    let (_dir, api) = flight_to(&server.url, "a2a", Some("t0p")).await;
    let asked = question(&api, task).await;
    let key = approve(&api, &asked).await;
    delivery(&api, &asked, &["sent"]).await;
    // Longer than an agent may list what it took before it is said to ask again.
    let end = Instant::now() + Duration::from_secs(80);
    while Instant::now() < end {
        let known = json!({ "endpoint": "clerk", "escalation": asked["escalation"] });
        let now = ask(&api, "escalation", known).await;
        assert_eq!(
            (&now["phase"], &now["again"], &now["decision"]["state"]),
            (&json!("answered"), &Value::Null, &json!("sent")),
            "{:#}",
            now["history"]
        );
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let done = server.folder().join(format!("done-{task}"));
    assert!(!done.exists());
    server.go();
    delivery(&api, &asked, &["applied"]).await;
    assert!(done.exists());
    assert_eq!(server.messages(&key), 1);
    api.end();
}

//! A server on the Rust package `a2a-protocol-server`, with its approval extension: the request stands in the metadata of the
//! message, and its gate takes only an answer there that names the request's digest, of somebody else than who began. Words
//! do harm: the agent asks once more, on behalf of who wrote them, and takes no leave from them after that.

use agents::{Credential, Endpoint, Kind, Outcome, Target};
use serde_json::{Value, json};

use crate::{decide, look, server::Server};

const LIST: &str = "rust-a2a";

/// A task that somebody begins; its id.
async fn begin(server: &Server, token: &str, words: &str) -> String {
    let message = json!({"messageId": words, "role": "ROLE_USER", "parts": [{"text": words}]});
    let configuration = json!({"returnImmediately": true});
    let params = json!({"message": message, "configuration": configuration});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": params});
    let reply = server.post("", token, &body).await;
    let id = reply["result"]["task"]["id"].as_str();
    id.unwrap_or_else(|| panic!("{reply}")).to_owned()
}

fn connect(server: &Server) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "rust".into(),
        kind: Kind::A2a,
        url: server.url.clone(),
        credential: Some(Credential::Bearer("t0p".to_owned())),
        known_tasks: vec![],
        known_questions: vec![],
    })
    .expect("it opens")
}

/// The document once this task asks.
async fn asked(server: &Server, task: &str) -> (Box<dyn Endpoint>, Value) {
    for _ in 0..100 {
        let mut endpoint = connect(server);
        let (_, raw) = look(&mut *endpoint).await;
        let mut all = raw["escalations"].as_array().into_iter().flatten();
        if all.any(|one| one["taskId"] == task) {
            return (endpoint, raw);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{task} asks nothing");
}

fn is_paid(server: &Server, task: &str) -> bool {
    server.folder().join(format!("done-{task}")).exists()
}

#[tokio::test]
async fn the_gate_of_a_rust_server_lets_through_what_names_its_digest() {
    let server = Server::start(LIST, "rust-a2a", &[]).await;
    let guarded = agents::probe(&server.url, None).await.expect("its card");
    let said = guarded.warnings.join(" ");
    assert!(said.contains("oken"), "it wants a token: {said}");
    for (outcome, message, paid) in [
        ("approve", Value::Null, true),
        ("reject", json!("Too dear"), false),
    ] {
        let task = begin(&server, "clerk", &format!("ask {outcome}")).await;
        let (mut endpoint, raw) = asked(&server, &task).await;
        let all = raw["escalations"].as_array().expect("questions");
        let question = all.iter().find(|one| one["taskId"] == *task);
        let question = question.expect("the question");
        assert_eq!(
            (&question["kind"], &question["message"]),
            (&json!("approval"), &json!("May I pay 900 euros to Ann?"))
        );
        let shown = question["proposedAction"].to_string();
        assert!(
            shown.contains("Pay 900 euros to Ann") && shown.contains("sha256:"),
            "{shown}"
        );
        let mut said = json!({"outcome": outcome});
        if !message.is_null() {
            said["message"] = message;
        }
        let key = format!("answer-{outcome}");
        let told = endpoint.deliver(&decide(&raw, &task, &key, said)).await;
        assert_eq!(told, Outcome::Applied, "{outcome}");
        assert_eq!(is_paid(&server, &task), paid, "{outcome}");
        assert_eq!(server.messages(&key), 1);
    }
}

#[tokio::test]
async fn who_began_a_task_is_told_that_somebody_else_has_to_approve() {
    let server = Server::start(LIST, "rust-a2a", &[]).await;
    let task = begin(&server, "t0p", "ask").await;
    let (mut endpoint, raw) = asked(&server, &task).await;
    let yes = decide(&raw, &task, "yes", json!({"outcome": "approve"}));
    let told = endpoint.deliver(&yes).await;
    let Outcome::Refused(sentence) = told else {
        panic!("{told:?}");
    };
    assert!(sentence.contains("someone other than"), "{sentence}");
    assert!(!is_paid(&server, &task));
    let (_, raw) = asked(&server, &task).await;
    let all = raw["escalations"].as_array().expect("questions");
    assert!(
        all.iter().any(|one| one["taskId"] == *task),
        "it asks still"
    );
}

#[tokio::test]
async fn words_and_long_work_of_a_rust_server_are_seen_and_answered() {
    let server = Server::start(LIST, "rust-a2a", &[]).await;
    let (chat, digs) = (
        begin(&server, "clerk", "chat").await,
        begin(&server, "clerk", "dig").await,
    );
    let task = begin(&server, "clerk", "words").await;
    let (mut endpoint, raw) = asked(&server, &task).await;
    let question = &raw["escalations"][0];
    assert_eq!(
        (&question["kind"], &question["message"]),
        (&json!("question"), &json!("Which customer is meant?"))
    );
    let state = |id: &str| {
        let all = raw["tasks"].as_array().expect("tasks");
        let task = all.iter().find(|one| one["id"] == *id);
        task.expect("the task")["status"]["state"].clone()
    };
    assert_eq!(
        (state(&chat), state(&digs)),
        (json!("completed"), json!("working"))
    );
    let said = json!({"outcome": "respond", "message": "Miller & Sons"});
    let told = endpoint.deliver(&decide(&raw, &task, "said", said)).await;
    assert_eq!(told, Outcome::Applied);
    let told = endpoint.cancel(&digs.as_str().into(), &"stop".into()).await;
    assert_eq!(told, Outcome::Applied);
    let (_, raw) = look(&mut *connect(&server)).await;
    let all = raw["tasks"].as_array().expect("tasks");
    let task = all.iter().find(|one| one["id"] == *digs).expect("the task");
    assert_eq!(task["status"]["state"], "canceled");
}

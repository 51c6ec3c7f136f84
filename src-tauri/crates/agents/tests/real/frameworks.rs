//! Agents of widespread frameworks behind the frameworks' own A2A servers: their questions are data of their own shape,
//! and anything but an answer in that shape leaves them waiting. Their models are scripts; nothing else is.

use agents::{Delivery, Endpoint, Kind, Outcome, Target};
use serde_json::{Value, json};

use crate::{decide, look, server::Server};

/// Begins a task with the words of a person; its id.
pub(crate) async fn begin(server: &Server, method: &str, message: Value) -> String {
    begin_with(server, method, json!({"message": message})).await
}

/// The same with wishes of its own.
pub(crate) async fn begin_with(server: &Server, method: &str, params: Value) -> String {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let result = call(server, body).await;
    let task = result.get("task").unwrap_or(&result);
    task["id"].as_str().expect("a task").to_owned()
}

async fn call(server: &Server, body: Value) -> Value {
    let reply = server.post("", "none", &body).await;
    assert!(reply.get("result").is_some(), "{reply}");
    reply["result"].clone()
}

pub(crate) fn follow(server: &Server, tasks: &[&str]) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "framework".into(),
        kind: Kind::A2a,
        url: server.url.clone(),
        credential: None,
        known_tasks: tasks.iter().map(|id| (*id).into()).collect(),
        known_questions: vec![],
    })
    .expect("it opens")
}

struct Framework {
    list: &'static str,
    script: &'static str,
    version: &'static str,
    send: &'static str,
    get: &'static str,
    /// What stands in the question as it is shown.
    asks: &'static str,
}

async fn check(framework: Framework) {
    let server = Server::start(framework.list, framework.script, &[]).await;
    let found = agents::probe(&server.url, None)
        .await
        .expect("it is identified");
    assert_eq!(
        (found.kind, found.protocol_version.as_deref()),
        (Kind::A2a, Some(framework.version))
    );
    let one = framework.send.starts_with(char::is_uppercase);
    let message = |id: &str| {
        if one {
            json!({"messageId": id, "role": "ROLE_USER", "parts": [{"text": "Pay it"}]})
        } else {
            json!({"kind": "message", "messageId": id, "role": "user", "parts": [{"kind": "text", "text": "Pay it"}]})
        }
    };
    let yes = begin(&server, framework.send, message("one")).await;
    let no = begin(&server, framework.send, message("two")).await;
    let mut endpoint = follow(&server, &[&yes, &no]);
    let (document, raw) = look(&mut *endpoint).await;
    assert_eq!(document.problems, [], "{raw}");
    assert_eq!(
        raw["escalations"].as_array().map(Vec::len),
        Some(2),
        "{raw}"
    );
    for question in raw["escalations"].as_array().into_iter().flatten() {
        assert_eq!(question["kind"], "approval", "{raw}");
        let shown = question.to_string();
        assert!(
            shown.contains(framework.asks)
                && question["proposedAction"].to_string().contains("900"),
            "{question}"
        );
    }

    // What cannot be said in its shape is not sent.
    let edited = json!({"outcome": "edit", "editedAction": {"name": "pay", "args": {"eur": 1}}});
    let edit = decide(&raw, &yes, "edit", edited);
    let outcome = endpoint.deliver(&edit).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");

    let approve = decide(&raw, &yes, "approve", json!({"outcome": "approve"}));
    assert_eq!(endpoint.deliver(&approve).await, Outcome::Applied);
    let reject = decide(&raw, &no, "reject", json!({"outcome": "reject"}));
    assert_eq!(endpoint.deliver(&reject).await, Outcome::Applied);
    let shows = |task: String| {
        let get =
            json!({"jsonrpc": "2.0", "id": 1, "method": framework.get, "params": {"id": task}});
        let server = &server;
        async move { call(server, get).await.to_string() }
    };
    // It paid once, for the one that was approved.
    let paid = shows(yes.clone()).await;
    assert!(paid.contains("Result") && paid.contains("paid"), "{paid}");
    let refused = shows(no.clone()).await;
    assert!(
        refused.contains("Result") && !refused.contains("paid"),
        "{refused}"
    );

    let late = Delivery {
        id: "late".into(),
        ..approve.clone()
    };
    let outcome = endpoint.deliver(&late).await;
    assert!(
        matches!(outcome, Outcome::AlreadyResolved { .. }),
        "{outcome:?}"
    );
    let again = Delivery {
        resend: true,
        ..approve
    };
    assert_eq!(endpoint.deliver(&again).await, Outcome::Applied);
    let counts = ["edit", "approve", "reject", "late"].map(|key| server.messages(key));
    assert_eq!(counts, [0, 1, 1, 0]);
    let (_, raw) = look(&mut *endpoint).await;
    for question in raw["escalations"].as_array().into_iter().flatten() {
        assert_eq!(question["status"], "resolved", "{raw}");
    }
}

#[tokio::test]
async fn a_confirmation_of_googles_agent_development_kit() {
    check(Framework {
        list: "adk",
        script: "adk_agent.py",
        version: "1.0",
        send: "SendMessage",
        get: "GetTask",
        asks: "Please approve or reject the tool call pay()",
    })
    .await;
}

#[tokio::test]
async fn an_interrupt_of_the_strands_sdk() {
    check(Framework {
        list: "strands",
        script: "strands_agent.py",
        version: "0.3.0",
        send: "message/send",
        get: "tasks/get",
        asks: "Agent requires input",
    })
    .await;
}

#[tokio::test]
async fn a_server_of_the_pydantic_family_that_begins_a_new_task_with_every_answer() {
    let server = Server::start("pydantic", "pydantic_agent.py", &[]).await;
    let message = json!({"messageId": "one", "role": "ROLE_USER", "parts": [{"text": "Pay it"}]});
    let asking = begin(&server, "SendMessage", message).await;
    let mut endpoint = follow(&server, &[&asking]);
    let raw = asked(&mut *endpoint).await;
    let question = &raw["escalations"][0];
    assert_eq!(question["message"], "May I pay 900 euros to Ann?", "{raw}");

    let approve = decide(&raw, &asking, "approve", json!({"outcome": "approve"}));
    let outcome = endpoint.deliver(&approve).await;
    let Outcome::Unknown(sentence) = outcome else {
        panic!("it says {outcome:?}, and the task waits on");
    };
    assert!(
        sentence.contains("began another task with the answer"),
        "{sentence}"
    );
    assert_eq!(server.messages("approve"), 1);

    // Both are there to be seen: the one that waits on, and what the answer began.
    let (_, raw) = look(&mut *endpoint).await;
    let tasks = raw["tasks"].as_array().expect("tasks");
    let states: Vec<_> = tasks
        .iter()
        .map(|task| (task["id"] == json!(asking), &task["status"]["state"]))
        .collect();
    assert_eq!(
        states,
        [
            (true, &json!("input-required")),
            (false, &json!("completed"))
        ],
        "{raw}"
    );
    let again = Delivery {
        resend: true,
        ..approve
    };
    let outcome = endpoint.deliver(&again).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert_eq!(server.messages("approve"), 1, "never a blind second send");
}

/// The document once it has a question: this server works after it has answered.
async fn asked(endpoint: &mut dyn Endpoint) -> Value {
    for _ in 0..100 {
        let (_, raw) = look(endpoint).await;
        if raw["escalations"].is_array() {
            return raw;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("it asks nothing");
}

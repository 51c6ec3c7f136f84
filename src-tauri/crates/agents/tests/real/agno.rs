//! An AgentOS of Agno, with its A2A interface switched on: what can be seen there of a run that waits for a confirmation, and
//! that it is called by name instead of being watched in vain.

use agents::Credential;
use serde_json::{Value, json};

use crate::server::Server;

#[tokio::test]
async fn an_agent_os_is_called_by_name_because_its_a2a_face_shows_no_approvals() {
    let server = Server::start("agno", "agno_agent.py", &[]).await;
    let parts = json!([{"kind": "text", "text": "Pay it"}]);
    let message = json!({"kind": "message", "messageId": "one", "role": "user", "contextId": "c", "parts": parts});
    let send = json!({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message}});
    let face = "/a2a/agents/clerk/v1";
    let asking = server
        .post(&format!("{face}/message:send"), "none", &send)
        .await;
    let task = &asking["result"];
    // It waits for a person, and says only that it works. When it does something else one day, it is to be spoken to.
    assert_eq!(task["status"], json!({"state": "working"}), "{asking}");
    assert!(!asking.to_string().contains("eur"), "{asking}");
    let get = json!({"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"id": task["id"], "contextId": "c"}});
    let elsewhere = server
        .post(&format!("{face}/message:stream"), "none", &get)
        .await;
    let refused = elsewhere["detail"].as_str().unwrap_or_default();
    assert!(refused.contains("message/stream"), "{elsewhere}");

    let before = server.received().len();
    for (path, words) in [
        ("", "An AgentOS of Agno answers here"),
        ("/a2a/agents/clerk", "of an agent in an AgentOS of Agno"),
        (
            "/a2a/agents/clerk/.well-known/agent-card.json",
            "of an agent in an AgentOS of Agno",
        ),
    ] {
        let error = agents::probe(&format!("{}{path}", server.url), None).await;
        let said = error.expect_err("it is of no use").detail;
        let said = said.expect("words");
        assert!(said.contains(words), "{path}: {said}");
        assert!(said.contains("cannot be shown"), "{path}: {said}");
    }
    // The address on its card starts a run with whatever message arrives: it got none.
    let sent: Vec<Value> = server.received().split_off(before);
    assert!(
        !sent.iter().any(|body| body.to_string().contains("message")),
        "{sent:?}"
    );
    assert!(!server.folder().join("paid").exists());
}

/// Behind its key, or behind JWT, it turns everybody away who has none, and whoever has one is helped no further.
#[tokio::test]
async fn an_agent_os_behind_a_lock_is_called_by_name_with_and_without_the_key() {
    for lock in ["key", "jwt"] {
        let server = Server::start("agno", "agno_agent.py", &["--lock", lock]).await;
        let token = match lock {
            "key" => "none-but-this".to_owned(),
            _ => std::fs::read_to_string(server.folder().join("token")).expect("a token"),
        };
        let client = reqwest::Client::builder().no_proxy().build();
        let client = client.expect("a client");
        let status = async |path: &str, token: Option<&str>| {
            let mut asked = client.get(format!("{}{path}", server.url));
            if let Some(token) = token {
                asked = asked.bearer_auth(token);
            }
            asked.send().await.expect("it answers").status().as_u16()
        };
        // The lock is one, and the key fits.
        assert_eq!(status("/agents", None).await, 401, "{lock}");
        assert_eq!(status("/agents", Some(&token)).await, 200, "{lock}");
        let right = Credential::Bearer(token);
        let wrong = Credential::Bearer("another".to_owned());
        for (key, credential) in [
            ("none", None),
            ("a wrong one", Some(&wrong)),
            ("the right one", Some(&right)),
        ] {
            for path in [
                "",
                "/agents",
                "/a2a/agents/clerk",
                "/a2a/agents/clerk/.well-known/agent-card.json",
            ] {
                let error = agents::probe(&format!("{}{path}", server.url), credential).await;
                let error = error.expect_err("it is of no use");
                let said = error.detail.unwrap_or_default();
                let what = format!("{lock}, {key}, {path}: {said}");
                assert!(said.contains("AgentOS of Agno"), "{what}");
                assert!(said.contains("cannot be shown"), "{what}");
            }
        }
    }
}

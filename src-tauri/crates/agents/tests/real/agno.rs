//! An AgentOS of Agno, with its A2A interface switched on: what can be seen there of a run that waits for a confirmation, and
//! that it is called by name instead of being watched in vain.

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

//! The same flight with a real A2A server, built on the official Python package: what is approved in the window moves its
//! task on.

use crate::{
    desk::{Desk, until},
    flight::{add, approve},
};
use serde_json::json;

#[path = "../../src-tauri/crates/agents/tests/real/server.rs"]
#[allow(dead_code)] // The tests of `agents` use more of it.
mod server;

use server::Server;

#[test]
fn approving_in_the_window_moves_the_task_of_a_real_agent_on() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (server, task) = runtime.block_on(async {
        let server = Server::start("a2a-1", "a2a_agent.py", &[]).await;
        let task = server.begin("ask").await;
        (server, task)
    });
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    add(app, &server.url);
    app.press_start("Board");
    app.wait_for("//section[contains(., 'Needs you')]//*[contains(text(), 'ask on the invoices')]");
    approve(app, "May I deploy the shop?");
    until("the task moves on", || {
        let now = runtime.block_on(server.task(&task));
        match now["status"]["state"].as_str() {
            Some("TASK_STATE_COMPLETED") => Ok(()),
            other => Err(format!("it is {other:?}")),
        }
    });
    app.press_start("Board");
    app.wait_for("//section[contains(., 'Done')]//*[contains(text(), 'ask on the invoices')]");
    let answers = server
        .received()
        .into_iter()
        .filter(|body| body["params"]["message"]["taskId"] == json!(task));
    assert_eq!(answers.count(), 1);
}

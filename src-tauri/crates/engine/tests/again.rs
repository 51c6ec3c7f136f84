//! README's own agent, as it stands there: approved, stopped and started again. It has forgotten the answer and asks the same
//! with a newer time; the person is asked once more, and both ways on arrive.

#![allow(clippy::expect_used)]

#[path = "scripted/screen.rs"]
#[allow(dead_code)] // Other tests use more of it.
mod screen;

use std::{
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use engine::api::Api;
use serde_json::{Value, json};

use self::screen::ask;

/// The longest that anything is waited for, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(90);

/// The program in the README, on this port.
fn program(port: u16) -> String {
    let readme = include_str!("../../../../README.md");
    let code = readme.split("```python\n").nth(1).expect("it is there");
    let code = code.split("```").next().expect("it ends");
    assert!(code.contains("8701"));
    code.replace("8701", &port.to_string())
}

struct Agent {
    process: Child,
    /// Its output, line by line: the decisions it took.
    told: Receiver<String>,
}

impl Agent {
    fn start(port: u16) -> Self {
        let mut process = Command::new("python3")
            .args(["-u", "-c", &program(port)])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python runs");
        let output = process.stdout.take().expect("it is piped");
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "it never listened");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, told }
    }

    fn decision(&self) -> String {
        self.told
            .recv_timeout(PATIENCE)
            .expect("it took a decision")
    }

    fn stop(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
        assert_eq!(self.told.try_iter().count(), 0, "it took nothing else");
    }
}

async fn shown(api: &Api, seen: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        let asked = json!({ "endpoint": "billing", "escalation": "q1" });
        let answer = api.call("escalation", asked).await;
        match &answer {
            Ok(view) if seen(view) => return view.clone(),
            _ => assert!(
                Instant::now() < end,
                "it never looked like this: {answer:#?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn decides(api: &Api, view: &Value, outcome: &str, repeats: &Value) {
    let request = json!({
        "endpoint": "billing", "escalation": "q1", "version": view["version"], "bindingHash": view["bindingHash"],
        "outcome": outcome, "optionId": null, "editedAction": null, "payload": null, "message": null,
        "shownMs": 9000, "reachedEnd": true, "overtakenBy": null,
        "again": view["again"]["decisionId"], "repeats": repeats,
    });
    api.call("decide", request).await.expect("it counts");
}

/// Asked anew, and counted alike on the board, the rail and in the inbox.
async fn asks_again(api: &Api) -> Value {
    let view = shown(api, |view| view["again"].is_object()).await;
    assert_eq!(view["phase"], "pending", "{view:#}");
    assert_eq!(view["altered"], Value::Null);
    assert_eq!(
        view["again"]["sentence"],
        "your answer may be lost: send the same answer, or answer anew."
    );
    let inbox = ask(api, "inbox", json!({})).await;
    assert_eq!(inbox["groups"][0]["count"], 1, "{inbox:#}");
    let status = ask(api, "status", json!({})).await;
    assert_eq!(status["inboxCount"], 1);
    let board = ask(
        api,
        "board",
        json!({ "group": "status", "pages": [], "filter": "", "problemsOnly": false }),
    )
    .await;
    assert!(board.to_string().contains("1 needs you"), "{board:#}");
    view
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_readmes_agent_asks_again_after_a_restart_is_asked_of_the_person_again() {
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        free.local_addr().expect("an address").port()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let api = Api::open(folder.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let agent = Agent::start(port);
    let add = json!({ "name": "billing", "url": format!("http://127.0.0.1:{port}/status"), "kind": "native",
        "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    let view = shown(&api, |_| true).await;
    decides(&api, &view, "approve", &Value::Null).await;
    let first = agent.decision();
    shown(&api, |view| view["decision"]["state"] == "applied").await;
    agent.stop();

    let agent = Agent::start(port);
    let view = asks_again(&api).await;
    let gestures = view["gestures"].as_array().expect("gestures");
    let same = gestures.iter().find(|own| own["repeats"].is_string());
    let same = same.expect("the same answer is offered")["repeats"].clone();
    decides(&api, &view, "approve", &same).await;
    assert_eq!(agent.decision(), first, "the same bytes");
    shown(&api, |view| view["decision"]["state"] == "applied").await;
    agent.stop();

    let agent = Agent::start(port);
    let view = asks_again(&api).await;
    decides(&api, &view, "reject", &Value::Null).await;
    assert!(agent.decision().contains("reject"));
    let view = shown(&api, |view| view["decision"]["state"] == "applied").await;
    let history = view["history"].to_string();
    for said in [
        "Approved by you.",
        "Billing asks the same again.",
        "The same answer again, by you.",
        "Refused by you.",
    ] {
        assert!(history.contains(said), "{said}: {history}");
    }
    agent.stop();
    api.end();
}

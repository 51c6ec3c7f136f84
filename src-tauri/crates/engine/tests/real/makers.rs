//! Eleven servers of other makers behind one face, for the hour: begin something there as another client would, and see at the
//! server itself what became of it. What they are asked over, and what they keep, differs with each.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    graphs::{self, Graphs},
    opencode_server::{OpenCode, PASSWORD},
    server::{LITELLM_KEY, Server},
};

/// What is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// Work that comes to its end and asks nothing.
    Work,
    /// Asks leave for something.
    Leave,
    /// Asks for words.
    Words,
    /// Goes on until it is stopped.
    Stop,
    /// Goes on through all rounds, and speaks.
    Long,
}

/// What was decided about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    No,
    Words,
}

/// The words of a person, with a question's answer in them.
pub(crate) const WORDS: &str = "Miller and Sons";

pub(crate) enum Maker {
    /// Our script on an official A2A package.
    Scripted(Server),
    /// A framework that pays, over one generation of A2A.
    Framework(Server, bool),
    Pydantic(Server),
    Gemini(Server),
    Rust(Server),
    Graphs(Graphs),
    Coder(OpenCode),
    Limits(Server),
}

impl Maker {
    /// Kind, address, token, user and password, as a person enters them.
    pub(crate) fn entered(&self) -> (&str, &str, Option<&str>, Option<String>) {
        match self {
            Self::Scripted(server)
            | Self::Framework(server, _)
            | Self::Pydantic(server)
            | Self::Gemini(server) => ("a2a", &server.url, None, None),
            Self::Rust(server) => ("a2a", &server.url, Some("t0p"), None),
            Self::Graphs(graphs) => ("langgraph", &graphs.server.url, Some(graphs::TOKEN), None),
            Self::Coder(coder) => (
                "opencode",
                &coder.url,
                None,
                Some(format!("opencode:{PASSWORD}")),
            ),
            Self::Limits(server) => ("litellm", &server.url, Some(LITELLM_KEY), None),
        }
    }

    /// What can be begun there.
    pub(crate) fn stories(&self) -> &'static [Story] {
        use Story as S;
        match self {
            Self::Scripted(server) if server.is("a2a-1") => &[S::Work, S::Leave, S::Words, S::Stop],
            // Whoever listened there and left would stop the long one after a thousand events.
            Self::Scripted(server) if server.is("a2a-03") => &[S::Leave, S::Stop, S::Long],
            Self::Scripted(_) => &[S::Leave, S::Stop],
            Self::Framework(server, _) if server.is("adk") => &[S::Work, S::Leave],
            Self::Framework(..) => &[S::Leave],
            Self::Pydantic(_) => &[S::Work, S::Leave],
            Self::Gemini(_) => &[S::Work, S::Leave, S::Stop, S::Long],
            Self::Rust(_) => &[S::Work, S::Leave, S::Words, S::Stop, S::Long],
            Self::Graphs(_) => &[S::Work, S::Leave, S::Words, S::Stop],
            Self::Coder(_) => &[S::Work, S::Leave, S::Words],
            Self::Limits(_) => &[],
        }
    }

    /// Begins it, under a name that is used once; the id of the task.
    pub(crate) async fn begin(&self, story: Story, name: &str) -> String {
        match (self, story) {
            (Self::Scripted(server), _) => {
                let word = match story {
                    Story::Work => "finish",
                    Story::Leave => "ask",
                    Story::Words => "words",
                    Story::Stop => "work",
                    Story::Long => "dig",
                };
                server.begin(word).await
            }
            (Self::Framework(server, one), _) => {
                let words = if story == Story::Work {
                    "chat"
                } else {
                    "Pay it"
                };
                send(server, *one, "none", name, words).await
            }
            (Self::Pydantic(server), _) => {
                let word = match (story, name.len() % 3) {
                    (Story::Work, _) => "chat",
                    (_, 0) => "pay",
                    (_, 1) => "heed",
                    _ => "talk",
                };
                send(server, true, "none", name, &format!("{word} {name}")).await
            }
            (Self::Gemini(server), _) => {
                let words = match story {
                    Story::Leave => format!("make {name}"),
                    Story::Stop | Story::Long => format!("dig {name}"),
                    _ => "chat".to_owned(),
                };
                stream(server, name, &words).await
            }
            (Self::Rust(server), _) => {
                let words = match story {
                    Story::Leave => "ask",
                    Story::Words => "words",
                    Story::Stop | Story::Long => "dig",
                    Story::Work => "chat",
                };
                send(server, true, "clerk", name, words).await
            }
            (Self::Graphs(graphs), Story::Leave) => {
                let message = json!({"messages": [{"role": "user", "content": name}]});
                graphs.begin("mailer", message).await
            }
            (Self::Graphs(graphs), _) => {
                let word = match story {
                    Story::Words => "free",
                    Story::Work => "finish",
                    _ => "work",
                };
                graphs.begin("clerk", json!({"story": word})).await
            }
            (Self::Coder(coder), _) => {
                let words = match story {
                    Story::Leave => format!("make {name}"),
                    Story::Words => "ask me".to_owned(),
                    _ => "Good morning".to_owned(),
                };
                coder.begin("bank", &words).await
            }
            (Self::Limits(_), _) => String::new(),
        }
    }

    /// Lets what goes on through all rounds come to its end.
    pub(crate) fn end_long(&self) {
        if let Self::Scripted(server) | Self::Gemini(server) | Self::Rust(server) = self {
            server.go();
        }
    }

    /// Whether the server itself shows that what was allowed was done, or that words were heard.
    pub(crate) async fn is_done(&self, task: &str, name: &str, said: Said) -> bool {
        let sought = match said {
            Said::Words => "Miller",
            _ => "approved\\\": true",
        };
        match self {
            Self::Scripted(server) => {
                let task = server.task(task).await["status"].to_string();
                task.contains("Done: ") && task.contains(sought)
            }
            Self::Framework(server, one) => {
                let text = get(server, *one, "none", task).await.to_string();
                text.contains("Result") && text.contains("paid")
            }
            Self::Pydantic(server) => {
                let paid = fs::read_to_string(server.folder().join("paid"));
                let words = format!(" {name}");
                paid.is_ok_and(|paid| paid.lines().any(|line| line.ends_with(&words)))
            }
            Self::Gemini(server) => server.folder().join(name).exists(),
            Self::Rust(server) if said == Said::Words => {
                let task = get(server, true, "t0p", task).await.to_string();
                task.contains("Heard: Miller")
            }
            Self::Rust(server) => server.folder().join(format!("done-{task}")).exists(),
            Self::Graphs(graphs) => {
                let thread = graphs.get(&format!("/threads/{task}/state")).await;
                let values = thread["values"].to_string();
                values.contains(if said == Said::Words {
                    "Miller"
                } else {
                    "sent to"
                })
            }
            Self::Coder(coder) if said == Said::Words => coder.call(task).await["metadata"]
                .to_string()
                .contains("Blue"),
            Self::Coder(coder) => coder.has("bank", name),
            Self::Limits(_) => false,
        }
    }

    /// Whether the server itself calls the task stopped.
    pub(crate) async fn is_stopped(&self, task: &str) -> bool {
        let state = match self {
            Self::Scripted(server) => server.task(task).await["status"]["state"].clone(),
            Self::Gemini(server) => {
                get(server, false, "none", task).await["status"]["state"].clone()
            }
            Self::Rust(server) => get(server, true, "t0p", task).await["status"]["state"].clone(),
            Self::Graphs(graphs) => {
                let runs = graphs.runs(task).await;
                return runs.iter().all(|run| run["status"] == "interrupted");
            }
            _ => Value::Null,
        };
        let state = state.as_str().unwrap_or_default().to_lowercase();
        state.contains("cancel")
    }

    /// Whether its answers can be shown to have had an effect: a server that takes words only, and makes a new task of them,
    /// shows none of a yes.
    pub(crate) fn shows_effects(&self) -> bool {
        !matches!(self, Self::Pydantic(_))
    }

    /// Whether tasks have to be named to it: it has no list.
    pub(crate) fn has_no_list(&self) -> bool {
        match self {
            Self::Scripted(server) | Self::Framework(server, _) => {
                server.is("a2a-03") || server.is("strands")
            }
            Self::Pydantic(_) => true,
            _ => false,
        }
    }

    /// Calls the model of a proxy, so that its limits move.
    pub(crate) async fn use_up(&self) {
        if let Self::Limits(server) = self {
            let _ = server.complete().await;
        }
    }
}

async fn send(server: &Server, one: bool, token: &str, name: &str, words: &str) -> String {
    let body = if one {
        let message = json!({"messageId": format!("begin-{name}"), "role": "ROLE_USER", "parts": [{"text": words}]});
        json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message, "configuration": {"returnImmediately": true}}})
    } else {
        let parts = json!([{"kind": "text", "text": words}]);
        let message = json!({"kind": "message", "messageId": format!("begin-{name}"), "role": "user", "parts": parts});
        json!({"jsonrpc": "2.0", "id": 1, "method": "message/send", "params": {"message": message, "configuration": {"blocking": false}}})
    };
    let reply = server.post("", token, &body).await;
    let result = &reply["result"];
    let task = result.get("task").unwrap_or(result);
    let id = task["id"].as_str();
    id.unwrap_or_else(|| panic!("{words}: {reply}")).to_owned()
}

/// As an editor talks to Gemini CLI: it stops what it does for a client that goes, so the stream is read to its end.
async fn stream(server: &Server, name: &str, words: &str) -> String {
    let parts = json!([{"kind": "text", "text": words}]);
    let message = json!({"kind": "message", "messageId": format!("begin-{name}"), "role": "user", "parts": parts});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "message/stream", "params": {"message": message}});
    let client = reqwest::Client::builder().no_proxy().build();
    let client = client.expect("a client");
    let sent = client
        .post(&server.url)
        .header("Content-Type", "application/json")
        .body(body.to_string())
        .send()
        .await;
    let mut reply = sent.expect("an answer");
    let mut told = String::new();
    let task = loop {
        let more = reply.chunk().await.expect("it is told");
        told.push_str(&String::from_utf8_lossy(&more.expect("an event")));
        let line = told.lines().find_map(|line| line.strip_prefix("data: "));
        let event = line.and_then(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(event) = event {
            break event["result"]["id"].as_str().expect("a task").to_owned();
        }
    };
    tokio::spawn(async move {
        while let Ok(Some(_)) = reply.chunk().await {}
        // The connection is kept for as long as the answer may take.
        tokio::time::sleep(Duration::from_secs(90)).await;
        drop(client);
    });
    task
}

async fn get(server: &Server, one: bool, token: &str, task: &str) -> Value {
    let method = if one { "GetTask" } else { "tasks/get" };
    let params = json!({"id": task, "historyLength": 20});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    server.post("", token, &body).await["result"].clone()
}

/// All of them, started beside each other: the name to be entered, and the server.
pub(crate) async fn start() -> Vec<(&'static str, Maker)> {
    let one = async { Server::start("a2a-1", "a2a_agent.py", &[]).await };
    let old = async { Server::start("a2a-03", "a2a_03_agent.py", &[]).await };
    let script = async { Server::start("a2a-js", "a2a_agent.mjs", &[]).await };
    let adk = async { Server::start("adk", "adk_agent.py", &[]).await };
    let strands = async { Server::start("strands", "strands_agent.py", &[]).await };
    let pydantic = async { Server::start("pydantic-ai", "pydantic_ai_agent.py", &[]).await };
    let gemini = async { Server::start("gemini-cli", "gemini_cli.mjs", &[]).await };
    let rust = async { Server::start("rust-a2a", "rust-a2a", &[]).await };
    let litellm = async { Server::start("litellm", "litellm_proxy.py", &[]).await };
    let (one, old, script, adk, strands, pydantic, gemini, rust, litellm, graphs, coder) = tokio::join!(
        one,
        old,
        script,
        adk,
        strands,
        pydantic,
        gemini,
        rust,
        litellm,
        Graphs::start(),
        OpenCode::start()
    );
    vec![
        ("a2a-python", Maker::Scripted(one)),
        ("a2a-03", Maker::Scripted(old)),
        ("a2a-js", Maker::Scripted(script)),
        ("google-adk", Maker::Framework(adk, true)),
        ("strands", Maker::Framework(strands, false)),
        ("pydantic-ai", Maker::Pydantic(pydantic)),
        ("gemini-cli", Maker::Gemini(gemini)),
        ("rust-a2a", Maker::Rust(rust)),
        ("langgraph", Maker::Graphs(graphs)),
        ("opencode", Maker::Coder(coder)),
        ("litellm", Maker::Limits(litellm)),
    ]
}

/// So long the effect of an answer may take at the server.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

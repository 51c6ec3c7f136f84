//! A LangGraph development server behind its own A2A interface. Its question is an artifact named "Interrupt" that only the
//! one who sent the message is told: neither its list nor a task has it. So the server is identified as what it is, and its
//! own interface shows the question; an endpoint that was added as A2A says that the task waits, and nothing else.

use agents::{Credential, Endpoint, Kind, Target};
use domain::contract::TaskState;
use serde_json::{Value, json};

use crate::graphs::{Graphs, TOKEN, answer, look, question, questions, state};

/// A graph behind its A2A address.
struct Assistant<'a> {
    graphs: &'a Graphs,
    path: String,
}

impl<'a> Assistant<'a> {
    async fn of(graphs: &'a Graphs, graph: &str) -> Self {
        let found = graphs.post("/assistants/search", json!({"graph_id": graph}));
        let id = found.await[0]["assistant_id"].clone();
        let path = format!("/a2a/{}", id.as_str().expect("an id"));
        Self { graphs, path }
    }

    fn url(&self) -> String {
        format!("{}{}", self.graphs.server.url, self.path)
    }

    fn connect(&self) -> Box<dyn Endpoint> {
        let target = Target {
            kind: Kind::A2a,
            url: self.url(),
            ..self.graphs.target(Some(TOKEN))
        };
        agents::open(&target).expect("it opens")
    }

    /// Gives it work over A2A and waits until it has come to rest; the task and the thread.
    async fn begin(&self, part: Value) -> (String, String) {
        let message = json!({"messageId": part.to_string(), "role": "ROLE_USER", "parts": [part]});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}});
        let reply = self.graphs.post(&self.path, body).await;
        let task = &reply["result"]["task"];
        assert_eq!(task["artifacts"][0]["name"], "Interrupt", "{reply}");
        let text = |name: &str| task[name].as_str().map(str::to_owned).expect("a task");
        let (task, thread) = (text("id"), text("contextId"));
        self.graphs.settled(&thread).await;
        (task, thread)
    }
}

#[tokio::test]
async fn what_a_graph_asks_over_a2a_is_seen_and_answered_over_its_own_interface() {
    let graphs = Graphs::start().await;
    let mailer = Assistant::of(&graphs, "mailer").await;
    let login = Credential::Bearer(TOKEN.to_owned());
    let card = format!("{}/.well-known/agent-card.json", mailer.url());
    for address in [&mailer.url(), &card] {
        let found = agents::probe(address, Some(&login)).await;
        let found = found.expect("it is identified");
        assert_eq!(found.kind, Kind::LangGraph, "{address}");
        let place = found.status_url.expect("an address");
        assert_eq!(place.trim_end_matches('/'), graphs.server.url);
    }

    let (yes, sent) = mailer.begin(json!({"text": "ann@example.com"})).await;
    let (_, kept) = mailer.begin(json!({"text": "bob@example.com"})).await;
    let (_, raw) = look(&mut *graphs.connect()).await;
    for (thread, to) in [(&sent, "ann@example.com"), (&kept, "bob@example.com")] {
        let asked = question(&raw, thread);
        assert_eq!(asked["proposedAction"]["name"], "send_mail", "{asked}");
        assert!(asked["proposedAction"].to_string().contains(to), "{asked}");
    }
    let mut over_a2a = mailer.connect();
    let (document, raw) = look(&mut *over_a2a).await;
    assert_eq!(state(&document, &yes), TaskState::InputRequired);
    assert_eq!(questions(&raw, &yes), Vec::<Value>::new(), "{raw}");

    answer(&graphs, &sent, json!({"outcome": "approve"})).await;
    let reject = json!({"outcome": "reject", "message": "Not to Bob."});
    answer(&graphs, &kept, reject).await;
    let said = graphs.settled(&sent).await["values"]["messages"].to_string();
    assert!(said.contains("sent to ann@example.com"), "{said}");
    let said = graphs.settled(&kept).await["values"]["messages"].to_string();
    assert!(
        said.contains("Not to Bob.") && !said.contains("sent to bob"),
        "{said}"
    );
}

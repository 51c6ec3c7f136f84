//! The person's side of a row: the app on a folder of its own, asked through the window's commands alone, with one hostile
//! agent behind the endpoint "clerk". It looks at what is shown, answers what was shown, and never sleeps where something
//! can be waited for.

use std::time::{Duration, Instant};

use engine::api::{Api, ApiError};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{
    agent::{Agent, Post},
    screen::ask,
};

/// The longest that anything is waited for, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(90);

/// Apps that start at one time: that is the only work in most rows, all else is waiting.
static STARTING: Semaphore = Semaphore::const_new(3);

/// Members of an item, as JSON; an empty one is left out.
pub(crate) type Members<'a> = &'a [(&'a str, &'a str)];

pub(crate) const ACTION: &str =
    r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"marta","copies":1}}"#;

/// The question that rows begin with.
const QUESTION: Members<'static> = &[
    ("id", r#""q1""#),
    ("version", r#""1""#),
    ("taskId", r#""t1""#),
    ("kind", r#""approval""#),
    ("title", r#""Send the reply?""#),
    ("message", r#""It is ready.""#),
    ("proposedAction", ACTION),
    (
        "options",
        r#"[{"id":"go","label":"Go","effect":"Sends it","intent":"approve"},{"id":"stop","label":"Stop","effect":"Sends nothing","intent":"reject"}]"#,
    ),
    ("severity", r#""medium""#),
    ("createdAt", r#""2026-01-05T09:00:30Z""#),
    ("expiresAt", r#""2099-01-05T09:00:30Z""#),
    ("status", r#""pending""#),
];

/// An item: the usual question with these members instead, in this order. A name that stands twice here stands twice.
pub(crate) fn item(members: Members<'_>) -> String {
    let named = |name: &str| members.iter().find(|(own, _)| *own == name);
    let known = QUESTION
        .iter()
        .map(|(name, value)| named(name).unwrap_or(&(name, value)).to_owned());
    let is_new = |name: &str| QUESTION.iter().all(|(known, _)| *known != name);
    let new = members.iter().filter(|(name, _)| is_new(name)).copied();
    let all = known.chain(new).filter(|(_, value)| !value.is_empty());
    let all: Vec<_> = all
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    format!("{{{}}}", all.join(","))
}

/// A document of the agent "clerk" with these items.
pub(crate) fn document(items: &[String]) -> String {
    document_of("clerk", items)
}

pub(crate) fn document_of(agent: &str, items: &[String]) -> String {
    format!(
        r#"{{"schemaVersion":"1.0","agent":{{"id":"{agent}","name":"{agent}","status":"online"}},
        "tasks":[{{"id":"t1","title":"Answer the mail","status":{{"state":"working"}}}}],
        "escalations":[{}],"pollAfterSeconds":1}}"#,
        items.join(",")
    )
}

/// `sha256:` and hex, as the contract has it.
pub(crate) fn digest(bytes: &str) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Waits for a condition; `what` is for the message.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) struct Desk {
    pub(crate) api: Api,
    pub(crate) agent: Agent,
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    /// An app that polls one agent which serves these items.
    pub(crate) async fn new(items: &[String]) -> Self {
        let _turn = STARTING.acquire().await.expect("it is never closed");
        let folder = tempfile::tempdir().expect("a folder");
        let api = Api::open(folder.path(), None, Box::new(|_| Ok(()))).expect("it starts");
        let agent = Agent::start(document(items));
        let desk = Self { api, agent, folder };
        desk.add("clerk", &desk.agent).await;
        desk
    }

    /// Adds an agent's endpoint; its id.
    pub(crate) async fn add(&self, name: &str, agent: &Agent) -> String {
        let add = json!({ "name": name, "url": agent.url(), "kind": "native", "token": null, "basic": null });
        let added = ask(&self.api, "addEndpoint", add).await;
        added["id"].as_str().expect("an id").to_owned()
    }

    /// An app in which this question is on screen.
    pub(crate) async fn with(members: Members<'_>) -> (Self, Value) {
        let desk = Self::new(&[item(members)]).await;
        let view = desk.shown("q1", |_| true).await;
        (desk, view)
    }

    pub(crate) fn serves(&self, items: &[String]) {
        self.agent.serves(document(items));
    }

    pub(crate) async fn look(&self, endpoint: &str, id: &str) -> Result<Value, ApiError> {
        let asked = json!({ "endpoint": endpoint, "escalation": id });
        self.api.call("escalation", asked).await
    }

    /// The question as it is shown, as soon as it looks like this.
    pub(crate) async fn shown(&self, id: &str, seen: impl Fn(&Value) -> bool) -> Value {
        self.shown_at("clerk", id, seen).await
    }

    pub(crate) async fn shown_at(
        &self,
        endpoint: &str,
        id: &str,
        seen: impl Fn(&Value) -> bool,
    ) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.look(endpoint, id).await;
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

    /// Waits until the decision stands in one of these states.
    pub(crate) async fn stands(&self, id: &str, states: &[&str]) -> Value {
        self.shown(id, |view| {
            let state = view["decision"]["state"].as_str().unwrap_or_default();
            states.contains(&state)
        })
        .await
    }

    /// Answers what is on screen. `answer` is what the person chose; the rest is as a window says it that was read.
    pub(crate) async fn answer(&self, view: &Value, answer: &Value) -> Result<Value, ApiError> {
        let mut request = json!({
            "endpoint": view["endpoint"], "escalation": view["escalation"], "version": view["version"],
            "bindingHash": view["bindingHash"], "outcome": "approve", "optionId": null, "editedAction": null,
            "payload": null, "message": null, "shownMs": 9000, "reachedEnd": true, "overtakenBy": view["overtaken"]["act"],
            "again": view["again"]["decisionId"],
        });
        for (name, value) in answer.as_object().expect("members") {
            request[name] = value.clone();
        }
        self.api.call("decide", request).await
    }

    pub(crate) async fn decides(&self, view: &Value, outcome: &str) -> Value {
        let answer = self.answer(view, &json!({ "outcome": outcome })).await;
        answer.unwrap_or_else(|error| panic!("{outcome}: {error}"))
    }

    /// That answer is refused, in words with this in them.
    pub(crate) async fn refuses(&self, view: &Value, answer: &Value, code: &str, words: &str) {
        match self.answer(view, answer).await {
            Err(error) => {
                assert_eq!(error.code, code, "{answer}: {error}");
                assert!(error.message.contains(words), "{answer}: {error}");
            }
            Ok(taken) => panic!("{answer} was taken: {taken:#}"),
        }
    }

    pub(crate) async fn undo(&self, decision: &Value) -> Result<Value, ApiError> {
        let undo = json!({ "decisionId": decision["id"] });
        self.api.call("undoDecision", undo).await
    }

    pub(crate) async fn edit_endpoint(&self, members: Value) {
        let mut edit = json!({ "endpoint": "clerk", "name": null, "url": null, "token": null, "basic": null,
            "keep": null, "paused": null });
        for (name, value) in members.as_object().expect("members") {
            edit[name] = value.clone();
        }
        ask(&self.api, "editEndpoint", edit).await;
    }

    pub(crate) async fn set(&self, members: Value) {
        let mut save = json!({ "theme": null, "density": null, "singleKeys": null, "replaceHold": null,
            "safeGraphics": null, "rules": null });
        for (name, value) in members.as_object().expect("members") {
            save[name] = value.clone();
        }
        ask(&self.api, "saveSettings", save).await;
    }

    /// The card of a question in the inbox.
    pub(crate) async fn card(&self, key: &str) -> Option<Value> {
        let inbox = ask(&self.api, "inbox", json!({})).await;
        let groups = inbox["groups"].as_array().cloned().unwrap_or_default();
        let mut items = groups
            .iter()
            .filter_map(|group| group["items"].as_array())
            .flatten();
        items.find(|item| item["key"] == key).cloned()
    }

    /// What the agent was sent, as soon as it is so much.
    pub(crate) async fn sent(&self, count: usize) -> Vec<Post> {
        until("the agent hears of it", || {
            self.agent.posts().len() >= count
        })
        .await;
        let posts = self.agent.posts();
        assert_eq!(posts.len(), count, "{posts:#?}");
        posts
    }

    /// Waits until the agent was asked twice more: what it served before is taken in by then.
    pub(crate) async fn polled(&self) {
        let before = self.agent.polls();
        until("two more polls", || self.agent.polls() >= before + 2).await;
    }

    /// It was sent nothing at all, and nothing is on its way.
    pub(crate) async fn nothing_sent(&self) {
        self.polled().await;
        assert_eq!(self.agent.posts(), []);
    }

    pub(crate) fn end(self) {
        self.api.end();
    }
}

//! Calls to a LangGraph server, and what went wrong with one. Paths and parameters are those of `langgraph-api`; what
//! the answers mean is read elsewhere.
//!
//! Deployments want the key in `x-api-key`, servers with a login of their own in `Authorization`; both go out, to the one
//! origin of the endpoint.

use chrono::Utc;
use domain::fact::PollError;
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    Credential, Target,
    http::{Broken, Client, Reply, invalid},
    way,
};

const PAGINATION_NEXT: HeaderName = HeaderName::from_static("x-pagination-next");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Sentences of a server are shown, but not whole novels.
const SENTENCE: usize = 600;

/// How to reach one server.
pub(crate) struct Door {
    client: Client,
    base: Url,
    key: Option<HeaderValue>,
}

/// A call without a usable answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No whole answer.
    Broken(Broken),
    /// Another status than a success.
    Status(Box<Reply>),
    /// A success that cannot be read.
    Nonsense(&'static str),
}

impl Failure {
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Status(reply) => Some(reply.status.as_u16()),
            Self::Broken(_) | Self::Nonsense(_) => None,
        }
    }

    pub(crate) fn into_poll_error(self) -> PollError {
        match self {
            Self::Broken(broken) => broken.error,
            Self::Status(reply) => reply.as_error(Utc::now()),
            Self::Nonsense(sentence) => invalid(sentence),
        }
    }

    /// The server's own words, else ours.
    pub(crate) fn sentence(self) -> String {
        let told = match &self {
            Self::Status(reply) => detail(&reply.body),
            Self::Broken(_) | Self::Nonsense(_) => None,
        };
        told.unwrap_or_else(|| {
            let error = self.into_poll_error();
            error
                .detail
                .unwrap_or_else(|| "The request failed.".to_owned())
        })
    }
}

/// `{"detail": "…"}`.
fn detail(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let told = body.get("detail").or_else(|| body.get("message"))?;
    Some(clip(told.as_str()?, SENTENCE))
}

/// What identifies a server.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct About {
    pub(crate) version: String,
    #[serde(default)]
    langgraph_py_version: Option<String>,
    #[serde(default)]
    langgraph_js_version: Option<String>,
    #[serde(default)]
    flags: Option<Value>,
}

impl About {
    /// Version of the library that runs the graphs.
    pub(crate) fn library(&self) -> Option<String> {
        self.langgraph_py_version
            .clone()
            .or_else(|| self.langgraph_js_version.clone())
    }

    /// False when the server says that it has none.
    pub(crate) fn has_crons(&self) -> bool {
        let flag = self.flags.as_ref().and_then(|flags| flags.get("crons"));
        flag.and_then(Value::as_bool).unwrap_or(true)
    }

    fn is_langgraph(&self) -> bool {
        let names_it = self.library().is_some();
        names_it
            || self
                .flags
                .as_ref()
                .is_some_and(|flags| flags.get("assistants").is_some())
    }
}

impl Door {
    pub(crate) fn new(target: &Target) -> Result<Self, PollError> {
        let client = Client::new(&target.url, target.credential.as_ref())?;
        let base = base(client.base());
        let key = match &target.credential {
            Some(Credential::Bearer(token)) => {
                let mut value = HeaderValue::from_str(token)
                    .map_err(|_| invalid("The credential has characters that cannot be sent."))?;
                value.set_sensitive(true);
                Some(value)
            }
            _ => None,
        };
        Ok(Self { client, base, key })
    }

    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// What serves here; `None` = something that says so of itself in other words.
    pub(crate) async fn about(&self) -> Result<Option<About>, Failure> {
        let raw = self.read(self.at(&["info"], &[])?).await?;
        let about: Option<About> = serde_json::from_str(raw.get()).ok();
        Ok(about.filter(About::is_langgraph))
    }

    /// Assistants: what the server runs.
    pub(crate) async fn assistants(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        let body = json!({"limit": 100, "offset": 0});
        let path = ["assistants", "search"];
        list(&self.search(&path, &body.to_string()).await?)
    }

    /// Schedules; refused by servers that have none.
    pub(crate) async fn crons(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        let body = json!({"limit": 1000, "offset": 0});
        let path = ["runs", "crons", "search"];
        list(&self.search(&path, &body.to_string()).await?)
    }

    /// One page of threads, and whether the server names a further one.
    pub(crate) async fn threads(
        &self,
        body: &Value,
    ) -> Result<(Vec<Box<RawValue>>, bool), Failure> {
        let url = self.at(&["threads", "search"], &[])?;
        let reply = self.client.ask(url, self.headers(), body.to_string());
        let reply = reply.await.map_err(unsent)?;
        let more = reply.headers.contains_key(PAGINATION_NEXT);
        Ok((list(&whole(reply)?)?, more))
    }

    /// One thread.
    pub(crate) async fn thread(&self, id: &str) -> Result<Box<RawValue>, Failure> {
        self.read(self.at(&["threads", id], &[])?).await
    }

    /// Where a thread stands: what is open there, more exactly than the thread itself tells.
    pub(crate) async fn state(&self, id: &str) -> Result<Box<RawValue>, Failure> {
        self.read(self.at(&["threads", id, "state"], &[])?).await
    }

    /// The newest runs of a thread, newest first.
    pub(crate) async fn runs(&self, id: &str, limit: u32) -> Result<Vec<Run>, Failure> {
        let limit = limit.to_string();
        let url = self.at(&["threads", id, "runs"], &[("limit", &limit)])?;
        let all = list(&self.read(url).await?)?;
        Ok(all.iter().map(|raw| Run::read(raw)).collect())
    }

    /// Begins a run of a thread: what has an effect.
    pub(crate) async fn begin(&self, id: &str, body: String) -> Result<Run, Failure> {
        let reply = self.send(&["threads", id, "runs"], &[], body).await?;
        serde_json::from_slice(&reply.body)
            .map_err(|_| Failure::Nonsense("It answered, but with no run that can be read."))
    }

    /// Asks to end a run.
    pub(crate) async fn cancel(&self, thread: &str, run: &str) -> Result<(), Failure> {
        let path = ["threads", thread, "runs", run, "cancel"];
        let query = [("action", "interrupt"), ("wait", "false")];
        self.send(&path, &query, "{}".to_owned()).await.map(|_| ())
    }

    fn at(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Failure> {
        let mut url = way::below(&self.base, false, path).map_err(Failure::Nonsense)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.key {
            headers.insert(API_KEY, key.clone());
        }
        headers
    }

    async fn read(&self, url: Url) -> Result<Box<RawValue>, Failure> {
        let reply = self.client.get(url, self.headers()).await;
        whole(reply.map_err(unsent)?)
    }

    async fn search(&self, path: &[&str], body: &str) -> Result<Box<RawValue>, Failure> {
        let url = self.at(path, &[])?;
        let reply = self.client.ask(url, self.headers(), body.to_owned()).await;
        whole(reply.map_err(unsent)?)
    }

    async fn send(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: String,
    ) -> Result<Reply, Failure> {
        let url = self.at(path, query)?;
        let reply = self.client.send(url, self.headers(), body).await;
        let reply = reply.map_err(Failure::Broken)?;
        if reply.status.is_success() {
            Ok(reply)
        } else {
            Err(Failure::Status(Box::new(reply)))
        }
    }
}

/// Reading changes nothing, whether it arrived or not.
fn unsent(error: PollError) -> Failure {
    Failure::Broken(Broken {
        error,
        may_have_arrived: false,
    })
}

fn whole(reply: Reply) -> Result<Box<RawValue>, Failure> {
    if !reply.status.is_success() {
        return Err(Failure::Status(Box::new(reply)));
    }
    serde_json::from_slice(&reply.body).map_err(|_| Failure::Nonsense("Its answer is not JSON."))
}

fn list(raw: &RawValue) -> Result<Vec<Box<RawValue>>, Failure> {
    serde_json::from_str(raw.get())
        .map_err(|_| Failure::Nonsense("Its answer has not the shape of a list."))
}

/// The address below which the server's paths stand: what it prints at start, or one of its own pages.
fn base(typed: &Url) -> Url {
    let mut url = typed.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    let own = ["/info", "/ok", "/docs", "/openapi.json"];
    let kept = own.iter().find_map(|page| path.strip_suffix(page));
    url.set_path(kept.unwrap_or(&path));
    url
}

/// Whether this is the sign of life that such servers give at their root.
pub(crate) fn says_ok(body: &[u8]) -> bool {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    let ok = body.as_ref().and_then(|body| body.get("ok"));
    ok.and_then(Value::as_bool) == Some(true)
}

/// The server behind a link to LangGraph Studio, which is what people copy from its output.
pub(crate) fn behind_studio(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let is_studio = url.path().trim_end_matches('/').ends_with("/studio");
    let mut named = url.query_pairs().filter(|(name, _)| name == "baseUrl");
    let (_, server) = named.next().filter(|_| is_studio)?;
    Some(server.into_owned())
}

/// One run of a thread.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) run_id: String,
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
    #[serde(default)]
    kwargs: Option<Box<RawValue>>,
}

/// What a run was begun with.
#[derive(Default, Deserialize)]
struct Begun {
    #[serde(default)]
    command: Option<Command>,
    #[serde(default)]
    context: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Command {
    #[serde(default)]
    resume: Option<Box<RawValue>>,
}

/// What a run answers.
pub(crate) enum Answers {
    /// Nothing: it goes on with input of its own, and what was asked before is void.
    Nothing,
    /// Whatever was asked, with this.
    All(Box<RawValue>),
    /// What is named, each with its own.
    Named(std::collections::BTreeMap<String, Box<RawValue>>),
}

/// The word of a run that does not tell how it stands in any word.
const UNREADABLE: &str = "unreadable";

impl Run {
    /// Member by member: one that cannot be read still stands in its place, or an older one would pass for the newest.
    fn read(raw: &RawValue) -> Self {
        if let Ok(run) = serde_json::from_str(raw.get()) {
            return run;
        }
        let members: std::collections::BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(raw.get()).unwrap_or_default();
        let text = |name: &str| serde_json::from_str(members.get(name)?.get()).ok();
        Self {
            run_id: text("run_id").unwrap_or_default(),
            status: text("status").or_else(|| Some(UNREADABLE.to_owned())),
            metadata: members.get("metadata").cloned(),
            kwargs: members.get("kwargs").cloned(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.status.as_deref(), Some("pending" | "running"))
    }

    /// The member of its metadata.
    pub(crate) fn mark(&self, name: &str) -> Option<String> {
        let metadata: Value = serde_json::from_str(self.metadata.as_ref()?.get()).ok()?;
        metadata.get(name)?.as_str().map(str::to_owned)
    }

    fn begun(&self) -> Begun {
        let kwargs = self.kwargs.as_ref();
        kwargs
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    }

    /// The context it was given, which a thread does not keep.
    pub(crate) fn context(&self) -> Option<Box<RawValue>> {
        let context = self.begun().context?;
        let members: serde_json::Map<String, Value> = serde_json::from_str(context.get()).ok()?;
        (!members.is_empty()).then_some(context)
    }

    pub(crate) fn answers(&self) -> Answers {
        let Some(resume) = self.begun().command.and_then(|command| command.resume) else {
            return Answers::Nothing;
        };
        if resume.get() == "null" {
            return Answers::Nothing;
        }
        let named: Option<std::collections::BTreeMap<String, Box<RawValue>>> =
            serde_json::from_str(resume.get()).ok();
        match named {
            Some(named) if !named.is_empty() && named.keys().all(|key| is_interrupt(key)) => {
                Answers::Named(named)
            }
            _ => Answers::All(resume),
        }
    }
}

/// Ids of interrupts are 32 hexadecimal digits; a map with other names is an answer itself.
fn is_interrupt(key: &str) -> bool {
    key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// At most so many characters.
pub(crate) fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_what_people_paste() {
        for (typed, expected) in [
            ("http://127.0.0.1:2024", "http://127.0.0.1:2024/"),
            ("http://127.0.0.1:2024/docs", "http://127.0.0.1:2024/"),
            (
                "http://127.0.0.1:2024/agents/info/",
                "http://127.0.0.1:2024/agents",
            ),
            (
                "https://host.example/mount/?x=1#y",
                "https://host.example/mount",
            ),
        ] {
            let typed = Url::parse(typed).expect("an address");
            assert_eq!(base(&typed).as_str(), expected);
        }
        assert_eq!(
            behind_studio(
                "https://smith.langchain.com/studio/?baseUrl=http://127.0.0.1:2024&organizationId=1"
            ),
            Some("http://127.0.0.1:2024".to_owned())
        );
        assert_eq!(
            behind_studio("https://a.example/?baseUrl=http://b.example"),
            None
        );
    }

    #[test]
    fn a_map_of_interrupts_is_told_from_an_answer_that_is_a_map() {
        let run = |resume: &str| -> Run {
            let text = format!(
                r#"{{"run_id":"r","status":"running","kwargs":{{"command":{{"resume":{resume}}}}}}}"#
            );
            serde_json::from_str(&text).expect("a run")
        };
        assert!(matches!(
            run(r#"{"421e2db2345046c145ef2539c05403da":1}"#).answers(),
            Answers::Named(_)
        ));
        assert!(matches!(
            run(r#"{"account":"x"}"#).answers(),
            Answers::All(_)
        ));
        assert!(matches!(run("null").answers(), Answers::Nothing));
        let begun: Run = serde_json::from_str(r#"{"run_id":"r"}"#).expect("a run");
        assert!(matches!(begun.answers(), Answers::Nothing) && begun.is_over());
    }
}

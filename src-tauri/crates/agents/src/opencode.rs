//! OpenCode servers (`opencode serve`): sessions of every directory as tasks, permissions and questions as escalations.
//!
//! What is running and what waits is known only to the instance of a directory, so each directory that is at work is asked
//! by itself. Asking wakes an instance (its plugins and tool servers start), so directories where nothing goes on are not.

mod act;
mod ask;
mod reply;
mod round;
mod session;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};

use chrono::Utc;
use domain::{
    fact::PollError,
    ids::{DecisionId, EscalationId, TaskId},
};
use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use self::{
    ask::Escalation,
    wire::{Generation, Message, Request, Session, Status},
};
use crate::{
    Answer, Delivery, Endpoint, Kind, Listening, Observation, Outcome, Probe, Target,
    a2a::clip,
    http::{Client, Reply, invalid},
    way,
};

/// An OpenCode server.
pub(crate) struct OpenCode {
    client: Client,
    about: Option<About>,
    sessions: BTreeMap<String, Known>,
    /// Items of the list that cannot be read; they become dead letters.
    unreadable: Vec<String>,
    /// Requests that were shown as waiting.
    open: BTreeMap<String, Escalation>,
    /// When a limit was first seen, by session and the time it ends.
    limits: BTreeMap<String, String>,
    /// Epoch milliseconds of the newest change in the list.
    newest: i64,
    polls_since_whole: u32,
    last_body: Option<u64>,
}

/// What the server is.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Its own version.
    pub(crate) version: String,
    /// Where it was started.
    pub(crate) directory: String,
    /// Whether sessions of all projects are listed, or only those of its own directory.
    pub(crate) lists_all: bool,
    /// Whether it has the newer interface too.
    pub(crate) has_two: bool,
}

/// A session and what was found out about it.
struct Known {
    session: Session,
    /// The `updated` for which its messages were read.
    read_at: Option<i64>,
    /// The newest ones, oldest first.
    messages: Vec<Message>,
    generation: Generation,
    status: Option<Status>,
    /// Cut off in the middle, and found to stay so while `updated` is this.
    stuck_at: Option<i64>,
    /// It was seen at work by us, so our own clock tells since when it is over.
    seen_live: bool,
}

impl OpenCode {
    /// Connects; asks nothing yet.
    pub(crate) fn new(target: &Target) -> Result<Self, PollError> {
        Ok(Self {
            client: Client::new(&target.url, target.credential.as_ref())?,
            about: None,
            sessions: BTreeMap::new(),
            unreadable: vec![],
            open: ask::shown_before(&target.known_questions),
            limits: BTreeMap::new(),
            newest: 0,
            polls_since_whole: 0,
            last_body: None,
        })
    }

    async fn poll(&mut self) -> Result<Observation, PollError> {
        let result = self.round().await;
        match &result {
            Ok(body) => {
                let mut hasher = DefaultHasher::new();
                body.hash(&mut hasher);
                let digest = hasher.finish();
                if self.last_body.replace(digest) == Some(digest) {
                    return Ok(Observation::Unchanged);
                }
            }
            // It may be another process by now, that remembers other things.
            Err(_) => self.forget(),
        }
        result.map(|body| Observation::Document {
            body,
            last: true,
            poll_after_seconds: None,
        })
    }

    fn forget(&mut self) {
        self.about = None;
        self.last_body = None;
        self.newest = 0;
        for known in self.sessions.values_mut() {
            known.read_at = None;
        }
    }

    async fn connected(&mut self) -> Result<About, PollError> {
        if let Some(about) = &self.about {
            return Ok(about.clone());
        }
        let about = find(&self.client)
            .await?
            .ok_or_else(|| invalid("No OpenCode server answers at this address."))?;
        self.about = Some(about.clone());
        Ok(about)
    }

    /// The requests of one directory, both kinds, both generations as asked.
    async fn requests(
        &self,
        directory: &str,
        generation: Generation,
    ) -> Result<Option<(Vec<Request>, Vec<String>)>, PollError> {
        let (mut all, mut unreadable, mut has_any) = (vec![], vec![], false);
        for kind in ["permission", "question"] {
            let items = match generation {
                Generation::One => {
                    let query = [("directory", directory)];
                    json(&self.client, &[kind], &query).await?
                }
                Generation::Two => {
                    let query = [("location[directory]", directory)];
                    let found: Option<Enveloped> =
                        json(&self.client, &["api", kind, "request"], &query).await?;
                    found.map(|found| found.data)
                }
            };
            let Some(items): Option<Vec<Box<RawValue>>> = items else {
                continue;
            };
            has_any = true;
            for raw in items {
                match wire::request(&raw, generation, directory) {
                    Some(request) => all.push(request),
                    None => unreadable.push(wire::not_too_deep(&raw)),
                }
            }
        }
        Ok(has_any.then_some((all, unreadable)))
    }

    async fn statuses(&self, directory: &str) -> Result<BTreeMap<String, Status>, PollError> {
        let query = [("directory", directory)];
        let found: Option<BTreeMap<String, Box<RawValue>>> =
            json(&self.client, &["session", "status"], &query).await?;
        Ok(read_statuses(found.unwrap_or_default()))
    }

    /// What runs in the newer interface, in all directories.
    async fn active(&self) -> Result<BTreeMap<String, Status>, PollError> {
        #[derive(Deserialize)]
        struct Active {
            data: BTreeMap<String, Box<RawValue>>,
        }
        let found: Option<Active> = json(&self.client, &["api", "session", "active"], &[]).await?;
        Ok(read_statuses(
            found.map(|found| found.data).unwrap_or_default(),
        ))
    }

    /// The newest messages of a session, oldest first, and where they were found.
    async fn messages(
        &self,
        id: &str,
        most: u32,
        has_two: bool,
    ) -> Result<(Generation, Vec<Message>), PollError> {
        let most = most.to_string();
        let limit = [("limit", most.as_str())];
        let items: Option<Vec<Box<RawValue>>> =
            json(&self.client, &["session", id, "message"], &limit).await?;
        let read = |items: Vec<Box<RawValue>>, generation| {
            let all = items.iter();
            all.map(|raw| wire::message_or_place(raw, generation))
                .collect::<Vec<_>>()
        };
        let found = read(items.unwrap_or_default(), Generation::One);
        if !found.is_empty() || !has_two {
            return Ok((Generation::One, found));
        }
        let items: Option<Enveloped> =
            json(&self.client, &["api", "session", id, "message"], &limit).await?;
        let mut found = read(items.map(|i| i.data).unwrap_or_default(), Generation::Two);
        found.sort_by_key(|message| message.created);
        let generation = if found.is_empty() {
            Generation::One
        } else {
            Generation::Two
        };
        Ok((generation, found))
    }
}

impl Endpoint for OpenCode {
    fn observe(&mut self) -> Answer<'_, Result<Observation, PollError>> {
        Box::pin(self.poll())
    }

    fn tell_again(&mut self) {
        self.forget();
    }

    fn deliver<'a>(&'a mut self, delivery: &'a Delivery) -> Answer<'a, Outcome> {
        Box::pin(self.answer(delivery))
    }

    fn cancel<'a>(&'a mut self, task: &'a TaskId, _key: &'a DecisionId) -> Answer<'a, Outcome> {
        Box::pin(self.stop(task))
    }

    fn ended(&self, question: &EscalationId) -> Option<(Option<TaskId>, Outcome)> {
        self.remembered(question.as_str())
    }

    fn listening(&mut self) -> Option<Listening> {
        self.about.as_ref()?;
        // Of all directories; the other stream is of one.
        let url = at(&self.client, &["global", "event"], &[]).ok()?;
        let headers = HeaderMap::new();
        Some(
            Listening::new(&self.client, &[Method::GET], url, headers, String::new()).only(is_news),
        )
    }
}

/// Whether an event can mean that a session, or what it asks, is another one than before. Words that arrive one by one do
/// not; heartbeats and what our own questions cause (plugins and projects are loaded) must not, or each poll would bring
/// the next one.
fn is_news(event: &str) -> bool {
    [
        "\"type\":\"session.",
        "\"type\":\"permission.",
        "\"type\":\"question.",
        "\"type\":\"message.updated",
        "\"type\":\"todo.",
    ]
    .iter()
    .any(|name| event.contains(name))
}

/// `{data: […]}`, as the newer interface wraps its lists.
#[derive(Deserialize)]
struct Enveloped {
    data: Vec<Box<RawValue>>,
}

fn read_statuses(found: BTreeMap<String, Box<RawValue>>) -> BTreeMap<String, Status> {
    found
        .into_iter()
        .map(|(id, status)| (id, Status::read(&status)))
        .collect()
}

/// What answers there, if it is an OpenCode server. Unknown paths answer with a web page, so only JSON counts.
pub(crate) async fn find(client: &Client) -> Result<Option<About>, PollError> {
    #[derive(Deserialize)]
    struct Health {
        healthy: bool,
        version: String,
    }
    #[derive(Deserialize)]
    struct Place {
        #[serde(default)]
        directory: String,
    }
    let health: Option<Health> =
        json(client, &["global", "health"], &[])
            .await
            .or_else(|error| {
                // JSON of another shape is another product.
                if error.http_status.is_none() && error.kind == domain::fact::PollErrorKind::Invalid
                {
                    Ok(None)
                } else {
                    Err(error)
                }
            })?;
    let Some(health) = health.filter(|health| health.healthy) else {
        return Ok(None);
    };
    let place: Option<Place> = json(client, &["path"], &[]).await?;
    let one = [("limit", "1")];
    let listed = read(client, &["experimental", "session"], &one).await?;
    let two = read(client, &["api", "session", "active"], &[]).await?;
    Ok(Some(About {
        version: clip(&health.version, 100),
        directory: place.map(|place| place.directory).unwrap_or_default(),
        lists_all: listed.is_some(),
        has_two: two.is_some(),
    }))
}

/// Whether a server that wants a login is one of these: what names its web page is served to everybody.
pub(crate) async fn is_behind_login(client: &Client) -> bool {
    #[derive(Deserialize)]
    struct Page {
        name: String,
    }
    let Ok(url) = at(client, &["site.webmanifest"], &[]) else {
        return false;
    };
    match client.get(url, HeaderMap::new()).await {
        Ok(reply) if reply.status.as_u16() == 200 => {
            let page: Option<Page> = serde_json::from_slice(&reply.body).ok();
            page.is_some_and(|page| page.name == "OpenCode")
        }
        _ => false,
    }
}

/// What can be done with it, and what not.
pub(crate) fn probe(url: &str, about: &About) -> Probe {
    let mut warnings = vec![
        "It reports neither claims nor limits; a session that waits for a limit says so.".to_owned(),
        "An action cannot be edited; refuse it with words instead. Words are not passed on when a question is refused."
            .to_owned(),
        "\"Always\" is OpenCode's own wider grant. Mission Control cannot end it.".to_owned(),
        "Files written by commands are seen only when no other session worked in the same folder.".to_owned(),
    ];
    if !about.lists_all {
        warnings.push(
            "This version lists only the sessions of the folder it was started in; others cannot be seen."
                .to_owned(),
        );
    }
    let capabilities = [
        "listTasks",
        "listEscalations",
        "decideApprove",
        "decideRespond",
        "idempotentDecision",
        "cancel",
        "usage",
        "stream",
    ];
    Probe {
        kind: Kind::OpenCode,
        product: Some("OpenCode".to_owned()),
        product_version: Some(about.version.clone()),
        protocol_version: Some(if about.has_two { "v1 and v2" } else { "v1" }.to_owned()),
        name: Some(round::name(about)),
        capabilities: capabilities.map(str::to_owned).to_vec(),
        warnings,
        status_url: Some(url.to_owned()),
    }
}

/// An address below the server's own.
fn at(client: &Client, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, PollError> {
    let mut url = way::below(client.base(), false, segments).map_err(invalid)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// A good JSON answer; `None` = this server does not have it.
async fn read(
    client: &Client,
    segments: &[&str],
    query: &[(&str, &str)],
) -> Result<Option<Reply>, PollError> {
    let reply = client
        .get(at(client, segments, query)?, HeaderMap::new())
        .await?;
    match reply.status.as_u16() {
        200 if is_json(&reply) => Ok(Some(reply)),
        200 | 400 | 404 | 405 => Ok(None),
        _ => Err(reply.as_error(Utc::now())),
    }
}

async fn json<T: DeserializeOwned>(
    client: &Client,
    segments: &[&str],
    query: &[(&str, &str)],
) -> Result<Option<T>, PollError> {
    let Some(reply) = read(client, segments, query).await? else {
        return Ok(None);
    };
    let read = serde_json::from_slice(&reply.body);
    read.map(Some).map_err(|_| {
        invalid(format!(
            "Its answer at {} has not the shape that is known of OpenCode.",
            segments.first().copied().unwrap_or("/")
        ))
    })
}

fn is_json(reply: &Reply) -> bool {
    let kind = reply.header(CONTENT_TYPE).unwrap_or_default();
    kind.to_ascii_lowercase().contains("json")
}

/// Ids of sessions with anything in `open`.
fn waiting(open: &BTreeMap<String, Escalation>) -> BTreeSet<String> {
    open.values().map(|item| item.task_id.clone()).collect()
}

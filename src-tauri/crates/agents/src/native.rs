//! The coordination contract: poll a status document, post decisions. Sections 1 and 2 of the contract, exactly.
//!
//! It reads only what polling needs (cursor, page, wish for the next poll); the items are read by `domain::contract`.

use chrono::Utc;
use domain::{
    contract::{
        self, PROBLEM_PREFIX,
        outline::{Outline, outline},
    },
    decision::digest,
    fact::PollError,
    ids::{DecisionId, TaskId},
};
use reqwest::{
    Url,
    header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH},
};
use serde_json::Value;

use crate::{
    Answer, Delivery, Endpoint, Observation, Outcome, Target,
    a2a::filled,
    http::{Client, ENDLESS, MOST_PAGES, Reply, invalid},
    said, way,
};

/// Items asked for per page (contract: 1 to 500).
const PAGE: usize = 500;
/// A page up to this size is read at once.
const SMALL: usize = 64 * 1024;
/// Pages per poll; a longer list goes on with the next one at once.
const PAGES: usize = 20;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// An agent that speaks the contract.
pub(crate) struct Native {
    client: Client,
    /// Where the next page begins; `None` = from the beginning.
    cursor: Option<String>,
    /// Of the last whole poll, valid for `cursor` only.
    etag: Option<HeaderValue>,
    /// Digest of the last whole, single-page body: the same bytes are no news.
    last_body: Option<String>,
    /// Pages of the list being read, and the cursors it has named.
    pages: Vec<String>,
    /// Where decisions go, with `{id}` in it, when that is not beside the status.
    decision: Option<String>,
}

impl Native {
    /// Connects; asks nothing yet.
    pub(crate) fn new(target: &Target) -> Result<Self, PollError> {
        let client = Client::new(&target.url, target.credential.as_ref())?;
        Ok(Self {
            client,
            cursor: None,
            etag: None,
            last_body: None,
            pages: vec![],
            decision: None,
        })
    }

    /// The same behind a card that says where the status is.
    pub(crate) fn behind(client: Client, decision: Option<String>) -> Self {
        Self {
            client,
            cursor: None,
            etag: None,
            last_body: None,
            pages: vec![],
            decision,
        }
    }

    pub(crate) async fn poll(&mut self) -> Result<Observation, PollError> {
        let reply = self.ask().await?;
        match reply.status.as_u16() {
            304 if self.etag.is_some() => Ok(Observation::Unchanged),
            304 => Err(invalid(
                "It says that nothing changed, but it was never asked that.",
            )),
            200 => self.page(reply).await,
            410 => self.start_again().await,
            400 if says_invalid_cursor(&reply) => self.start_again().await,
            _ => Err(reply.as_error(Utc::now())),
        }
    }

    async fn ask(&self) -> Result<Reply, PollError> {
        let mut url = self.client.base().clone();
        url.query_pairs_mut()
            .append_pair("limit", &PAGE.to_string());
        if let Some(cursor) = &self.cursor {
            url.query_pairs_mut().append_pair("cursor", cursor);
        }
        let mut headers = HeaderMap::new();
        if self.pages.is_empty()
            && let Some(etag) = &self.etag
        {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        self.client.get(url, headers).await
    }

    /// The cursor is of no use any more: once from the beginning.
    async fn start_again(&mut self) -> Result<Observation, PollError> {
        if self.cursor.is_none() {
            return Err(invalid("It refuses a cursor that was never sent."));
        }
        self.forget();
        let reply = self.ask().await?;
        if reply.status.as_u16() == 200 {
            self.page(reply).await
        } else {
            Err(reply.as_error(Utc::now()))
        }
    }

    fn forget(&mut self) {
        (self.cursor, self.etag, self.last_body) = (None, None, None);
        self.pages.clear();
    }

    async fn page(&mut self, reply: Reply) -> Result<Observation, PollError> {
        let etag = reply.headers.get(ETAG).cloned();
        let single = self.pages.is_empty();
        let known = self.last_body.clone().filter(|_| single);
        let Some(Read {
            body,
            seen,
            document,
        }) = read(reply.body, known).await?
        else {
            self.etag = etag;
            return Ok(Observation::Unchanged);
        };
        let next = document.next_cursor.filter(|cursor| !cursor.is_empty());
        let more = match &next {
            Some(cursor) if self.pages.contains(cursor) || self.cursor.as_ref() == Some(cursor) => {
                if document.snapshot {
                    self.forget();
                    return Err(invalid(
                        "Its pages go round in a circle: it names a page that was already read.",
                    ));
                }
                false
            }
            Some(_) => document.snapshot || document.has_tasks,
            None => false,
        };
        if more && self.pages.len() >= MOST_PAGES {
            self.forget();
            return Err(invalid(ENDLESS));
        }
        if more && let Some(cursor) = &next {
            self.pages.push(cursor.clone());
            self.cursor = next;
            // The engine asks again at once; after this many pages others get their turn first.
            let wait = self.pages.len().is_multiple_of(PAGES).then_some(1);
            return Ok(Observation::Document {
                body,
                last: false,
                poll_after_seconds: wait,
            });
        }
        self.pages.clear();
        self.etag = etag;
        if document.snapshot {
            self.cursor = None;
        } else if next.is_some() {
            self.cursor = next;
        }
        self.last_body = Some(seen).filter(|_| single && document.snapshot);
        Ok(Observation::Document {
            body,
            last: true,
            poll_after_seconds: document.poll_after_seconds,
        })
    }

    /// `{statusUrl without last segment}/{path}`.
    fn beside(&self, segments: &[&str]) -> Result<Url, PollError> {
        way::below(self.client.base(), true, segments).map_err(invalid)
    }

    async fn post(
        &self,
        url: Result<Url, PollError>,
        key: &DecisionId,
        version: Option<&str>,
        body: String,
    ) -> Outcome {
        let url = match url {
            Ok(url) => url,
            Err(error) => return Outcome::Refused(sentence(&error)),
        };
        let mut headers = HeaderMap::new();
        let of = version;
        let quoted = version
            .map(|version| HeaderValue::from_str(&format!("\"{version}\"")))
            .transpose();
        let (Ok(key), Ok(version)) = (HeaderValue::from_str(key.as_str()), quoted) else {
            return Outcome::Refused(
                "The version of the question has characters that cannot be sent.".to_owned(),
            );
        };
        headers.insert(IDEMPOTENCY_KEY, key);
        if let Some(version) = version {
            headers.insert(IF_MATCH, version);
        }
        match self.client.send(url, headers, body).await {
            Ok(reply) => recorded(&reply, of),
            Err(broken) => Outcome::Retry {
                may_have_arrived: broken.may_have_arrived,
                reason: sentence(&broken.error),
                after_seconds: broken.error.retry_after_seconds,
            },
        }
    }
}

impl Endpoint for Native {
    fn observe(&mut self) -> Answer<'_, Result<Observation, PollError>> {
        Box::pin(self.poll())
    }

    /// A page counts when it was read to its end, so nothing was begun.
    fn dropped(&mut self) {}

    fn tell_again(&mut self) {
        self.forget();
    }

    fn deliver<'a>(&'a mut self, delivery: &'a Delivery) -> Answer<'a, Outcome> {
        // The contract promises one effect per key, so a second send of the same bytes is safe without reading first.
        let segments = ["escalations", delivery.escalation.as_str(), "decision"];
        Box::pin(async move {
            let told = self.decision.as_deref().and_then(|template| {
                filled(template, delivery.escalation.as_str(), self.client.base())
            });
            self.post(
                told.map_or_else(|| self.beside(&segments), Ok),
                &delivery.id,
                Some(&delivery.version),
                delivery.body.clone(),
            )
            .await
        })
    }

    fn cancel<'a>(&'a mut self, task: &'a TaskId, key: &'a DecisionId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            self.post(
                self.beside(&["tasks", task.as_str(), "cancel"]),
                key,
                None,
                "{}".to_owned(),
            )
            .await
        })
    }
}

/// The table of section 2. `version` of the question was answered.
fn recorded(reply: &Reply, version: Option<&str>) -> Outcome {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    match reply.status.as_u16() {
        200 => match body
            .as_ref()
            .and_then(|body| body.get("applied")?.as_bool())
        {
            Some(true) => Outcome::Applied,
            Some(false) => {
                let recorded = recorded_outcome(body.as_ref());
                match recorded.as_deref() {
                    // Nobody was first: it has not taken it.
                    Some("pending") if is_another(body.as_ref(), version) => Outcome::Changed,
                    Some("pending") => Outcome::Refused(NOT_TAKEN.to_owned()),
                    _ => Outcome::AlreadyResolved { recorded },
                }
            }
            None => Outcome::Unknown(
                "It answered, but did not say whether the decision was applied.".to_owned(),
            ),
        },
        202 => Outcome::Sent,
        400 | 422 => Outcome::Refused(
            said::reason(reply)
                .unwrap_or_else(|| "It refused the decision without a reason.".to_owned()),
        ),
        404 | 410 => Outcome::Expired,
        412 => Outcome::Changed,
        401 | 403 => retry("It refuses our credentials.", false, reply),
        409 => retry("It is still working on this decision.", true, reply),
        429 => retry("It asks us to slow down.", false, reply),
        500..=599 => retry("It has an error of its own.", true, reply),
        _ => Outcome::Unknown(format!(
            "It answered with the unexpected status {}.",
            reply.status.as_u16()
        )),
    }
}

const NOT_TAKEN: &str = "It says that it did not apply the decision, and asks on.";

/// Whether the question that it sends back has another version.
fn is_another(body: Option<&Value>, version: Option<&str>) -> bool {
    let now = body.and_then(|body| body.get("escalation")?.get("version"));
    let written = |now: &Value| now.as_str().map_or_else(|| now.to_string(), str::to_owned);
    now.is_some_and(|now| version != Some(written(now).as_str()))
}

fn recorded_outcome(body: Option<&Value>) -> Option<String> {
    let escalation = body?.get("escalation")?;
    ["outcome", "decision", "status"].iter().find_map(|member| {
        let value = escalation.get(*member)?;
        value
            .as_str()
            .or_else(|| value.get("outcome")?.as_str())
            .map(str::to_owned)
    })
}

/// `arrived`: it may have been taken all the same.
fn retry(reason: &str, arrived: bool, reply: &Reply) -> Outcome {
    Outcome::Retry {
        reason: reason.to_owned(),
        after_seconds: reply.retry_after(Utc::now()),
        may_have_arrived: arrived,
    }
}

fn sentence(error: &PollError) -> String {
    error
        .detail
        .clone()
        .unwrap_or_else(|| "The request failed.".to_owned())
}

fn says_invalid_cursor(reply: &Reply) -> bool {
    let problem: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let kind = problem
        .as_ref()
        .and_then(|problem| problem.get("type")?.as_str());
    kind.is_some_and(|kind| {
        kind.ends_with("/invalid-cursor") || kind == format!("{PROBLEM_PREFIX}invalid-cursor")
    })
}

/// A page that was read as far as polling needs it.
struct Read {
    body: String,
    seen: String,
    document: Outline,
}

/// `None`: the same bytes as `known`. A large one is read beside the other work of this thread.
async fn read(body: Vec<u8>, known: Option<String>) -> Result<Option<Read>, PollError> {
    if body.len() <= SMALL {
        return read_now(body, known);
    }
    let reading = tokio::task::spawn_blocking(move || read_now(body, known));
    let stopped = |_| invalid("Its answer stopped our reader; it is asked again.");
    reading.await.map_err(stopped)?
}

fn read_now(body: Vec<u8>, known: Option<String>) -> Result<Option<Read>, PollError> {
    let body = String::from_utf8(body).map_err(|_| invalid("Its answer is not UTF-8 text."))?;
    let seen = digest(&body);
    if known.as_ref() == Some(&seen) {
        return Ok(None);
    }
    let document = match outline(&body) {
        Some(document) => document,
        // What is wrong with it is said in the words of the contract.
        None => {
            let read = contract::read(body.as_bytes());
            let read = read.map_err(|problem| invalid(problem.message))?;
            Outline {
                snapshot: read.snapshot,
                has_tasks: read.tasks.is_some_and(|tasks| !tasks.is_empty()),
                next_cursor: read.next_cursor,
                poll_after_seconds: read.poll_after_seconds,
            }
        }
    };
    Ok(Some(Read {
        body,
        seen,
        document,
    }))
}

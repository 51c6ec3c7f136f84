//! A2A agents: discovery, listing, and where a poll stands. What a task, a question or a call looks like stands in the
//! files of this folder.
//!
//! Polls are complete lists from time to time and after every failure, and "changed since" in between: a list of changes
//! cannot tell that a restarted server has forgotten a task.

mod act;
mod alone;
mod calls;
mod card;
mod choice;
mod effect;
mod follow;
mod form;
mod login;
mod open;
mod page;
mod question;
mod reply;
mod rpc;
mod shape;
mod task;
mod words;

use std::{
    collections::{HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::atomic::{AtomicU8, Ordering},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{
    fact::PollError,
    ids::{DecisionId, TaskId},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use self::card::Generation;
pub(crate) use self::card::{Card, as_card, clip, filled, find, is_no_card};
pub(crate) use self::page::agent_id;
pub(crate) use self::page::{Memory, Page};
pub(crate) use self::task::depth;
use self::{
    alone::Alone,
    follow::Followed,
    rpc::{Call, Failure, code},
};
#[cfg(test)]
pub(crate) use self::{card::read as read_card, reply::message};
use crate::{
    Answer, Delivery, Endpoint, Listening, Observation, Outcome, Target,
    http::{Client, ENDLESS, MOST_PAGES, TOO_LARGE, invalid},
    native::Native,
};

/// Tasks asked for per page (the protocol's largest).
const PAGE: u32 = 100;
/// Asked for when whole tasks do not fit into an answer.
const SMALL_PAGE: u32 = 25;
/// Pages per turn; others get theirs in between.
const PAGES: usize = 20;
/// Every so many polls the list is read from the beginning.
const WHOLE_EVERY: u32 = 20;
/// Polls until the list is read from the beginning again when a task that waits could not be read.
const UNREAD_FOR: u32 = 2;
/// Tasks of a page read one by one where the list may leave the question out: all of an honest page.
const SINGLE_READS: usize = PAGE as usize;

/// An A2A agent.
pub(crate) struct A2a {
    client: Client,
    card: Option<Card>,
    /// Whether it lists tasks; found out by asking.
    lists: bool,
    /// Whether tasks come with artifacts and messages; not when they are too large for that.
    whole: bool,
    /// How much less than is wanted it takes to be asked, for a list and for one task. What it refused once is not asked
    /// again, also after a failure.
    less_listed: u8,
    less_read: AtomicU8,
    /// Where there is no list: tasks whose ids we know.
    known: Vec<TaskId>,
    followed: Followed,
    open: open::Open,
    /// It also speaks our own contract.
    own: Option<Native>,
    memory: Memory,
    /// Digests of tasks as they were last passed on.
    passed: HashMap<String, u64>,
    alone: Alone,
    last_body: Option<u64>,
    polls_since_whole: u32,
    round: Round,
    /// The newest status time of the last finished round.
    newest: Option<String>,
}

/// The list being read.
#[derive(Default)]
struct Round {
    running: bool,
    /// From the beginning, or changes only.
    complete: bool,
    after: Option<String>,
    page: Option<String>,
    seen_pages: Vec<u64>,
    /// Tasks it has listed so far.
    tasks: usize,
    /// A task that waits could not be read: the list of changes will not name it again.
    unread: bool,
    pages: usize,
    newest: Option<String>,
    /// Newest time of its first page: what changed while later pages were read is newer.
    began: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    tasks: Option<Vec<Box<RawValue>>>,
    #[serde(default)]
    next_page_token: Option<String>,
}

impl A2a {
    /// Connects; asks nothing yet.
    pub(crate) fn new(target: &Target) -> Result<Self, PollError> {
        // The first of them were not over when an earlier connection saw them.
        let live = target.known_tasks.iter().take(SINGLE_READS);
        Ok(Self {
            client: Client::new(&target.url, target.credential.as_ref())?,
            card: None,
            lists: true,
            whole: true,
            less_listed: 0,
            less_read: AtomicU8::new(0),
            known: follow::named(&target.url, &target.known_tasks),
            followed: Followed::default(),
            open: open::Open::default(),
            own: None,
            memory: Memory::of(&target.known_questions),
            passed: HashMap::new(),
            alone: Alone::of(live),
            last_body: None,
            polls_since_whole: 0,
            round: Round::default(),
            newest: None,
        })
    }

    async fn connected(&mut self) -> Result<Card, PollError> {
        if let Some(card) = &self.card {
            return Ok(card.clone());
        }
        let card = card::find(&self.client).await?;
        self.lists = true;
        self.client.put_key(card.login.place.clone());
        self.card = Some(card.clone());
        Ok(card)
    }

    async fn poll(&mut self) -> Result<Observation, PollError> {
        let result = self.try_poll().await;
        if result.is_err() {
            // It may be another process by now, with another card and other tasks.
            self.forget();
        }
        result
    }

    fn forget(&mut self) {
        self.card = None;
        self.last_body = None;
        self.newest = None;
        self.round = Round::default();
        self.followed = Followed::default();
        self.open.forget();
        self.alone.forget();
        self.own = None;
    }

    async fn try_poll(&mut self) -> Result<Observation, PollError> {
        let card = self.connected().await?;
        if let Some(observation) = self.own_status(&card).await? {
            return Ok(observation);
        }
        if !self.lists {
            return self.one_by_one(&card).await;
        }
        if !self.round.running {
            self.begin();
        }
        loop {
            let (listed, size) = match self.list(&card).await {
                Ok(found) => found,
                Err(failure) if self.round.pages == 0 && is_no_list(&card, &failure) => {
                    self.lists = false;
                    self.followed.broke = failure.is_its_own();
                    self.round = Round::default();
                    return self.one_by_one(&card).await;
                }
                Err(failure) => return Err(failure.into_poll_error(Utc::now())),
            };
            let next = listed.next_page_token.filter(|token| !token.is_empty());
            let tasks = listed.tasks.unwrap_or_default();
            let mut page = Page::default();
            self.round.tasks += tasks.len();
            self.take(&card, tasks, &mut page).await?;
            self.round.pages += 1;
            if !self.round.complete && next.is_none() && self.round.tasks == 0 {
                // "Since" includes the newest task we know; without it, the server has forgotten what it had.
                self.newest = None;
                self.begin();
                continue;
            }
            if self.round.pages == 1 {
                self.round.began = self.round.newest.clone();
            }
            if let Some(next) = next {
                let token = digest_of(&next);
                if self.round.seen_pages.contains(&token) {
                    return Err(invalid(
                        "Its pages go round in a circle: it names a page that was already read.",
                    ));
                }
                if self.round.pages >= MOST_PAGES {
                    return Err(invalid(ENDLESS));
                }
                self.round.seen_pages.push(token);
                self.round.page = Some(next);
                // Only the contents are of interest, and only a complete list needs every page to be passed on.
                let pause = self.round.pages.is_multiple_of(PAGES);
                if page.is_empty() && !pause {
                    continue;
                }
                return Ok(Observation::Document {
                    body: page.document(&card, self.round.complete, true),
                    last: false,
                    poll_after_seconds: pause.then_some(1),
                });
            }
            if self.round.complete && self.round.pages > 1 {
                self.catch_up(&card, size, &mut page).await?;
            }
            return Ok(self.finish(&card, page));
        }
    }

    fn begin(&mut self) {
        let complete = self.newest.is_none() || self.polls_since_whole >= WHOLE_EVERY;
        self.polls_since_whole = if complete {
            0
        } else {
            self.polls_since_whole + 1
        };
        if complete {
            self.passed.clear();
            self.open.forget();
        }
        self.round = Round {
            running: true,
            complete,
            after: self.newest.clone().filter(|_| !complete),
            ..Round::default()
        };
    }

    /// One page, smaller and without contents when it would be too large. A server that refuses how it is asked is asked for
    /// less: what is wrong with a request is no failure of the agent.
    async fn list(&mut self, card: &Card) -> Result<(Listed, u32), Failure> {
        let before = self.less_listed;
        loop {
            let size = if self.whole { PAGE } else { SMALL_PAGE };
            let call = Call::List {
                after: self.round.after.as_deref(),
                page: self.round.page.as_deref(),
                size,
                whole: self.whole,
                less: self.less_listed,
            };
            match self.ask(card, &call).await {
                // Where a page is named, it may be the page that is not there any more.
                Err(failure) if failure.is_of_parameters() && self.round.page.is_none() => {
                    if self.less_listed >= rpc::LEAST_LISTED {
                        self.less_listed = before;
                        return Err(failure);
                    }
                    self.less_listed += 1;
                }
                Err(Failure::Broken(broken))
                    if self.whole && broken.error.detail.as_deref() == Some(TOO_LARGE) =>
                {
                    self.whole = false;
                }
                answer => return Ok((answer?, size)),
            }
        }
    }

    async fn ask(&self, card: &Card, call: &Call<'_>) -> Result<Listed, Failure> {
        let raw = rpc::call(&self.client, &card.door, call).await?;
        let bare = || {
            let tasks = serde_json::from_str(raw.get()).ok()?;
            Some(Listed {
                tasks: Some(tasks),
                next_page_token: None,
            })
        };
        let listed: Option<Listed> = serde_json::from_str(raw.get()).ok();
        let listed = listed
            .filter(|listed| listed.tasks.is_some() || card.door.generation == Generation::One);
        listed.or_else(bare).ok_or_else(|| {
            Failure::Nonsense("Its list of tasks has not the shape of a list.".to_owned())
        })
    }

    /// Tasks that moved while a long list was read can have slipped from an unread page to a read one.
    async fn catch_up(&mut self, card: &Card, size: u32, page: &mut Page) -> Result<(), PollError> {
        let Some(began) = self.round.began.clone() else {
            return Ok(());
        };
        let call = Call::List {
            after: Some(&began),
            page: None,
            size,
            whole: self.whole,
            less: self.less_listed,
        };
        let moved = self
            .ask(card, &call)
            .await
            .map_err(|failure| failure.into_poll_error(Utc::now()))?;
        self.take(card, moved.tasks.unwrap_or_default(), page).await
    }

    /// Adds tasks that are news.
    async fn take(
        &mut self,
        card: &Card,
        tasks: Vec<Box<RawValue>>,
        page: &mut Page,
    ) -> Result<(), PollError> {
        let now = text(Utc::now());
        let read: Vec<_> = tasks.iter().map(|raw| task::read(raw)).collect();
        for task in read.iter().flatten() {
            self.memory.learn(task);
            self.open.learn(task);
        }
        let mut reads = 0;
        for (mut raw, read) in tasks.into_iter().zip(read) {
            let timestamp = read.as_ref().and_then(|task| task.timestamp());
            let told = timestamp.filter(|told| !is_far_ahead(told));
            self.round.newest = newest(self.round.newest.take(), told);
            let id = read.as_ref().map(|task| task.id.clone());
            let bytes = digest_of(raw.get());
            if let Some(id) = &id
                && self.passed.get(id) == Some(&bytes)
            {
                continue;
            }
            // A list may leave out what a task asks.
            if let Some(task) = &read
                && self.alone.may_ask_more(task, &self.memory)
            {
                let mut found = self.alone.kept(task, bytes);
                if found.is_none() {
                    reads += 1;
                    if reads <= SINGLE_READS {
                        found = self.by_itself(card, task, bytes).await;
                    }
                }
                match found {
                    Some(found) => raw = found,
                    None => {
                        page.add_unread(&raw, &mut self.memory, &now);
                        if reads > SINGLE_READS || self.alone.fail(task, bytes) {
                            self.round.unread = true;
                        } else {
                            self.passed.insert(task.id.clone(), bytes);
                        }
                        continue;
                    }
                }
            }
            if let Some(task) = &read {
                self.alone.pass(task);
            }
            page.add(&raw, &mut self.memory, &now);
            if let Some(id) = id {
                self.passed.insert(id, bytes);
            }
        }
        Ok(())
    }

    /// A listed task with all it has. `None` = it cannot be read just now.
    async fn by_itself(
        &mut self,
        card: &Card,
        task: &task::Task,
        listed: u64,
    ) -> Option<Box<RawValue>> {
        let raw = self.one(card, &TaskId::from(task.id.as_str())).await.ok()?;
        let found = task::read(&raw).filter(|found| found.id == task.id)?;
        self.memory.learn(&found);
        // One that waits and asks nothing may ask without another sign.
        let wanted = question::of(&found, "", &self.memory.answered).is_some()
            || task.state().is_terminal() && self.memory.open.contains_key(&task.id);
        self.alone.keep(task, listed, &raw, wanted);
        Some(raw)
    }

    async fn one(&self, card: &Card, task: &TaskId) -> Result<Box<RawValue>, Failure> {
        let before = self.less_read.load(Ordering::Relaxed);
        let mut less = before;
        loop {
            let found = rpc::call(&self.client, &card.door, &Call::Get(task, less)).await;
            match found {
                Err(failure) if failure.is_of_parameters() && less < rpc::LEAST_READ => less += 1,
                // It may be the id that it refuses.
                Err(failure) if failure.is_of_parameters() => return Err(failure),
                found => {
                    if matches!(found, Ok(_) | Err(Failure::Error { .. })) {
                        self.less_read.store(less, Ordering::Relaxed);
                    }
                    return found;
                }
            }
        }
    }

    fn finish(&mut self, card: &Card, page: Page) -> Observation {
        let round = std::mem::take(&mut self.round);
        self.newest = newest(self.newest.take(), round.newest.as_deref());
        if round.unread {
            self.polls_since_whole = self.polls_since_whole.max(WHOLE_EVERY - UNREAD_FOR);
        }
        if !round.complete && page.is_empty() && round.pages == 1 {
            return Observation::Unchanged;
        }
        let body = page.document(card, round.complete, true);
        let digest = digest_of(&body);
        if round.pages == 1 && round.complete && self.last_body == Some(digest) {
            return Observation::Unchanged;
        }
        if round.complete {
            self.last_body = (round.pages == 1).then_some(digest);
        } else {
            self.last_body = None;
        }
        Observation::Document {
            body,
            last: true,
            poll_after_seconds: None,
        }
    }
}

impl Endpoint for A2a {
    fn observe(&mut self) -> Answer<'_, Result<Observation, PollError>> {
        Box::pin(self.poll())
    }

    fn tell_again(&mut self) {
        self.forget();
    }

    fn deliver<'a>(&'a mut self, delivery: &'a Delivery) -> Answer<'a, Outcome> {
        Box::pin(async {
            match self.own_door().await {
                Ok(Some(own)) => own.deliver(delivery).await,
                _ => self.answer(delivery).await,
            }
        })
    }

    fn cancel<'a>(&'a mut self, task: &'a TaskId, key: &'a DecisionId) -> Answer<'a, Outcome> {
        Box::pin(async {
            match self.own_door().await {
                Ok(Some(own)) => own.cancel(task, key).await,
                _ => self.stop(task).await,
            }
        })
    }

    fn listening(&mut self) -> Option<Listening> {
        self.subscription()
    }
}

/// Whether this refusal of the first page means that there is no list.
fn is_no_list(card: &Card, failure: &Failure) -> bool {
    match (card.door.generation, failure) {
        (
            _,
            Failure::Error {
                code: code::METHOD | code::UNSUPPORTED | code::VERSION,
                ..
            },
        ) => true,
        // However little is asked for.
        (_, failure) if failure.is_of_parameters() => true,
        // A list was never promised here, so any clear "no" is one.
        (Generation::Old, Failure::Error { .. } | Failure::Nonsense(_)) => true,
        (Generation::Old, Failure::Status(reply)) => {
            !matches!(reply.status.as_u16(), 401 | 403 | 429 | 502..=504)
        }
        _ => false,
    }
}

fn is_waiting(task: &task::Task) -> bool {
    use domain::contract::TaskState;
    matches!(
        task.state(),
        TaskState::InputRequired | TaskState::AuthRequired
    )
}

/// The later of two times, kept as the server wrote it.
fn newest(known: Option<String>, found: Option<&str>) -> Option<String> {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    match (known, found) {
        (Some(known), Some(found)) if at(found) > at(&known) => Some(found.to_owned()),
        (None, Some(found)) => Some(found.to_owned()),
        (known, _) => known,
    }
}

/// Whether a task names a day that is still to come. What changes after it would be older than that, and never be told.
fn is_far_ahead(told: &str) -> bool {
    let at = DateTime::parse_from_rfc3339(told);
    at.is_ok_and(|at| at > Utc::now() + TimeDelta::days(1))
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn digest_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

//! LangGraph servers (`langgraph-api`): identification, listing, and where a poll stands. What a thread, a question or a
//! call looks like stands in the files of this folder.
//!
//! A thread is the task. Polls are complete lists from time to time and after every failure, and "changed since" in
//! between: a list of changes cannot tell that a thread was deleted.

mod act;
#[cfg(test)]
mod fuzz;
mod page;
mod question;
mod reply;
mod report;
mod shape;
mod thread;
mod wire;

use std::{
    collections::{BTreeSet, HashMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use domain::{
    fact::PollError,
    ids::{DecisionId, TaskId},
};
use serde_json::{Value, json, value::RawValue};

use self::{
    page::{Card, Look, Memory, Page},
    thread::{Interrupt, LastRun, Thread},
    wire::{Answers, Door, Failure, Run},
};
pub(crate) use self::{
    report::probe,
    wire::{behind_studio, says_ok},
};
use crate::{
    Answer, Delivery, Endpoint, Observation, Outcome, Target,
    http::{ENDLESS, MOST_PAGES, TOO_LARGE, invalid},
};

/// Threads asked for per page.
const PAGE: usize = 200;
/// Asked for when that many do not fit into an answer.
const SMALL_PAGE: usize = 20;
/// Pages are counted by offset, so what moved between two requests moves the border between them.
const OVERLAP: usize = 10;
/// Pages per turn; others get theirs in between.
const PAGES: usize = 20;
/// Every so many polls the list is read from the beginning.
const WHOLE_EVERY: u32 = 20;
/// Further requests per page of threads, for what a thread does not tell itself.
const SINGLE_READS: usize = 50;

/// A LangGraph server.
pub(crate) struct LangGraph {
    door: Door,
    card: Option<Card>,
    /// How much may be asked of its search: 0 = everything, 3 = pages only.
    plainness: u8,
    page_size: usize,
    memory: Memory,
    /// Digests of threads as they were last passed on.
    passed: HashMap<String, u64>,
    /// Threads to look at again, moved or not: a run that waited for its turn begins without a word from its thread, and
    /// an answer we brought is to be told.
    again: BTreeSet<String>,
    last_body: Option<u64>,
    polls_since_whole: u32,
    round: Round,
    /// The newest time of the last finished round.
    newest: Option<DateTime<FixedOffset>>,
}

/// The list being read.
#[derive(Default)]
struct Round {
    running: bool,
    /// From the beginning, or changes only.
    complete: bool,
    after: Option<DateTime<FixedOffset>>,
    offset: usize,
    seen: HashSet<String>,
    pages: usize,
    newest: Option<DateTime<FixedOffset>>,
    /// Newest time of its first page: what changed while later pages were read is newer.
    began: Option<DateTime<FixedOffset>>,
}

impl LangGraph {
    /// Connects; asks nothing yet.
    pub(crate) fn new(target: &Target) -> Result<Self, PollError> {
        Ok(Self {
            door: Door::new(target)?,
            card: None,
            plainness: 0,
            page_size: PAGE,
            memory: Memory::of(&target.known_questions),
            passed: HashMap::new(),
            again: BTreeSet::new(),
            last_body: None,
            polls_since_whole: 0,
            round: Round::default(),
            newest: None,
        })
    }

    async fn poll(&mut self) -> Result<Observation, PollError> {
        let result = self.try_poll().await;
        if result.is_err() {
            // It may be another process by now, which remembers less.
            self.forget();
        }
        result
    }

    fn forget(&mut self) {
        self.card = None;
        self.last_body = None;
        self.newest = None;
        self.round = Round::default();
    }

    async fn try_poll(&mut self) -> Result<Observation, PollError> {
        if !self.round.running {
            self.begin();
        }
        let card = self.connected().await?;
        let mut page = Page::default();
        if self.round.complete && self.round.pages == 0 && card.has_crons {
            match self.door.crons().await {
                Ok(crons) => page.schedules(&crons, &card, Utc::now()),
                // It has none, or keeps them from us; both are no failure of the poll.
                Err(Failure::Status(_) | Failure::Nonsense(_)) => {}
                Err(failure) => return Err(failure.into_poll_error()),
            }
        }
        loop {
            let (threads, named_more) = self.list().await?;
            let count = threads.len();
            let (fresh, reached_known) = self.fresh(threads);
            let new = fresh.len();
            if !self.round.complete && self.round.pages == 0 && self.round.seen.is_empty() {
                // "Since" includes the newest thread we know; without it, the server has forgotten what it had.
                self.newest = None;
                self.begin();
                continue;
            }
            self.take(&card, fresh, &mut page).await?;
            self.round.pages += 1;
            if self.round.pages == 1 {
                self.round.began = self.round.newest;
            }
            // A page with nothing new on it is the end, whatever the server says of a further one.
            let more = (named_more || count >= self.page_size) && new > 0 && !reached_known;
            if more {
                if self.round.pages >= MOST_PAGES {
                    return Err(invalid(ENDLESS));
                }
                self.round.offset += count.saturating_sub(OVERLAP).max(1);
                let pause = self.round.pages.is_multiple_of(PAGES);
                if page.is_empty() && !pause {
                    continue;
                }
                return Ok(Observation::Document {
                    body: page.document(&card, self.round.complete),
                    last: false,
                    poll_after_seconds: pause.then_some(1),
                });
            }
            if self.round.complete && self.round.pages > 1 {
                self.catch_up(&card, &mut page).await?;
            }
            if !self.round.complete {
                self.look_again(&card, &mut page).await?;
            }
            return Ok(self.finish(&card, page));
        }
    }

    fn begin(&mut self) {
        let complete =
            self.newest.is_none() || self.plainness >= 3 || self.polls_since_whole >= WHOLE_EVERY;
        self.polls_since_whole = if complete {
            0
        } else {
            self.polls_since_whole + 1
        };
        if complete {
            self.passed.clear();
            // What it runs may have changed with the rest.
            self.card = None;
        }
        for id in &self.again {
            self.passed.remove(id);
        }
        self.round = Round {
            running: true,
            complete,
            after: self.newest.filter(|_| !complete),
            ..Round::default()
        };
    }

    async fn connected(&mut self) -> Result<Card, PollError> {
        if let Some(card) = &self.card {
            return Ok(card.clone());
        }
        let card = card(&self.door)
            .await
            .map_err(Failure::into_poll_error)?
            .ok_or_else(|| invalid("No LangGraph server answers at this address."))?;
        self.card = Some(card.clone());
        Ok(card)
    }

    /// One page; asked for more plainly where the server does not understand, and smaller where it is too large.
    async fn list(&mut self) -> Result<(Vec<Box<RawValue>>, bool), PollError> {
        loop {
            let body = search(self.plainness, self.page_size, self.round.offset);
            match self.door.threads(&body).await {
                Ok(page) => return Ok(page),
                Err(failure)
                    if matches!(failure.status(), Some(400 | 422))
                        && self.plainness < 3
                        && self.round.pages == 0 =>
                {
                    self.plainness += 1;
                    self.round.complete |= self.plainness >= 3;
                }
                Err(Failure::Broken(broken))
                    if self.page_size > SMALL_PAGE
                        && broken.error.detail.as_deref() == Some(TOO_LARGE) =>
                {
                    self.page_size = SMALL_PAGE;
                }
                Err(failure) => return Err(failure.into_poll_error()),
            }
        }
    }

    /// Threads not yet read in this round; and whether the rest is known already.
    fn fresh(&mut self, threads: Vec<Box<RawValue>>) -> (Vec<Box<RawValue>>, bool) {
        let mut fresh = vec![];
        for raw in threads {
            let Some(thread) = thread::read(&raw) else {
                // Of those that cannot be read, one of each is enough.
                if self.round.seen.insert(digest_of(raw.get()).to_string()) {
                    fresh.push(raw);
                }
                continue;
            };
            let at = thread.updated_at.as_deref().and_then(time);
            if let (Some(after), Some(at)) = (self.round.after, at)
                && at < after
            {
                return (fresh, true);
            }
            self.round.newest = self.round.newest.max(at);
            if self.round.seen.insert(thread.id) {
                fresh.push(raw);
            }
        }
        (fresh, false)
    }

    /// Threads that moved while a long list was read can have slipped from an unread page to a read one.
    async fn catch_up(&mut self, card: &Card, page: &mut Page) -> Result<(), PollError> {
        let Some(began) = self.round.began else {
            return Ok(());
        };
        let body = search(self.plainness, self.page_size, 0);
        let (threads, _) = self
            .door
            .threads(&body)
            .await
            .map_err(Failure::into_poll_error)?;
        let moved = threads.into_iter().filter(|raw| {
            let thread = thread::read(raw);
            let at = thread.and_then(|thread| time(thread.updated_at.as_deref()?));
            at.is_some_and(|at| at >= began)
        });
        self.take(card, moved.collect(), page).await
    }

    /// Threads that may have changed without a word, and that the list of changes did not name.
    async fn look_again(&mut self, card: &Card, page: &mut Page) -> Result<(), PollError> {
        let mut unnamed: Vec<_> = self.again.iter().cloned().collect();
        unnamed.retain(|id| !self.round.seen.contains(id));
        for id in unnamed.into_iter().take(SINGLE_READS) {
            match self.door.thread(&id).await {
                Ok(raw) => self.take(card, vec![raw], page).await?,
                Err(failure) if failure.status().is_some() => {
                    self.again.remove(&id);
                }
                Err(failure) => return Err(failure.into_poll_error()),
            }
        }
        Ok(())
    }

    /// Adds threads that are news.
    async fn take(
        &mut self,
        card: &Card,
        threads: Vec<Box<RawValue>>,
        page: &mut Page,
    ) -> Result<(), PollError> {
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut reads = SINGLE_READS;
        for raw in threads {
            let bytes = digest_of(raw.get());
            let Some(thread) = thread::read(&raw) else {
                page.unreadable(&raw);
                continue;
            };
            if self.passed.get(&thread.id) == Some(&bytes) {
                continue;
            }
            let id = thread.id.clone();
            let look = self
                .look(thread, &mut reads)
                .await
                .map_err(Failure::into_poll_error)?;
            let waits = look.thread.status.eq_ignore_ascii_case("busy")
                && look.run == LastRun::Status("pending".to_owned());
            if waits {
                self.again.insert(id.clone());
            } else {
                self.again.remove(&id);
            }
            page.add(&look, card, &mut self.memory, &now);
            self.passed.insert(id, bytes);
        }
        Ok(())
    }

    /// Finds out what a thread does not tell itself: how its newest run stands, and which of its questions are open.
    async fn look(&mut self, thread: Thread, reads: &mut usize) -> Result<Look, Failure> {
        let mut look = Look {
            run: LastRun::NotAsked,
            open: vec![],
            thread,
        };
        match look.thread.status.to_ascii_lowercase().as_str() {
            "interrupted" => {
                look.open = look.thread.interrupts.clone();
                if look.open.len() > 1
                    && let Some(open) = self.really_open(&look.thread, reads).await?
                {
                    look.open.retain(|asked| is_among(asked, &open));
                }
                if look.open.is_empty() {
                    look.run = self.last_run(&look.thread, reads).await?;
                }
            }
            "busy" => {
                let unfinished = self.unfinished(&look.thread, reads).await?;
                look.open = look.thread.interrupts.clone();
                if look.open.is_empty() {
                    look.open = self.memory.shown(&look.thread.id);
                }
                if let Some(unfinished) = unfinished {
                    for run in unfinished.iter().filter(|run| !act::is_ours_to_come(run)) {
                        leave_unanswered(run, &mut look.open);
                    }
                    let runs = |word: &str| {
                        let mut all = unfinished.iter();
                        all.any(|run| run.status.as_deref() == Some(word))
                    };
                    if runs("pending") && !runs("running") {
                        look.run = LastRun::Status("pending".to_owned());
                    } else if runs("running") {
                        look.run = LastRun::Status("running".to_owned());
                    }
                }
            }
            // An answer that broke a task off leaves its question open, but takes it off the thread.
            "error" => {
                // A search leaves out what went wrong.
                if look.thread.error().is_none()
                    && spend(reads)
                    && let Some(raw) = told(self.door.thread(&look.thread.id).await)?
                    && let Some(whole) = thread::read(&raw)
                    && whole.id == look.thread.id
                {
                    look.thread.told_by(whole);
                }
                let shown = self.memory.shown(&look.thread.id);
                if !shown.is_empty()
                    && let Some(open) = self.really_open(&look.thread, reads).await?
                {
                    look.open = shown.into_iter().filter(|s| is_among(s, &open)).collect();
                    self.note_failures(&look).await?;
                }
            }
            "idle" => look.run = self.last_run(&look.thread, reads).await?,
            _ => {}
        }
        Ok(look)
    }

    async fn really_open(
        &self,
        thread: &Thread,
        reads: &mut usize,
    ) -> Result<Option<Vec<Interrupt>>, Failure> {
        if !spend(reads) {
            return Ok(None);
        }
        told(self.door.state(&thread.id).await).map(|raw| thread::open_in(&raw?))
    }

    async fn last_run(&mut self, thread: &Thread, reads: &mut usize) -> Result<LastRun, Failure> {
        if let Some(known) = self.memory.run(thread) {
            return Ok(known);
        }
        if !spend(reads) {
            return Ok(LastRun::NotAsked);
        }
        let Some(runs) = told(self.door.runs(&thread.id, 1).await)? else {
            return Ok(LastRun::NotAsked);
        };
        let run = match runs.into_iter().next() {
            None => LastRun::Never,
            Some(run) => run.status.map_or(LastRun::NotAsked, LastRun::Status),
        };
        self.memory.keep_run(thread, &run);
        Ok(run)
    }

    async fn unfinished(
        &self,
        thread: &Thread,
        reads: &mut usize,
    ) -> Result<Option<Vec<Run>>, Failure> {
        if !spend(reads) {
            return Ok(None);
        }
        let runs = told(self.door.runs(&thread.id, 10).await)?;
        Ok(runs.map(|runs| runs.into_iter().filter(|run| !run.is_over()).collect()))
    }

    /// Questions whose answer broke the newest run off are asked again.
    async fn note_failures(&mut self, look: &Look) -> Result<(), Failure> {
        let runs = told(self.door.runs(&look.thread.id, 1).await)?;
        for run in runs.into_iter().flatten() {
            for asked in &look.open {
                let answered = match run.answers() {
                    Answers::All(_) => look.open.len() == 1,
                    Answers::Named(_) | Answers::Nothing => act::answer_in(&run, asked).is_some(),
                };
                if answered {
                    let id = question::id_of(&look.thread.id, asked);
                    self.memory.failed(&id, &run.run_id);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, card: &Card, page: Page) -> Observation {
        let round = std::mem::take(&mut self.round);
        self.newest = self.newest.max(round.newest);
        if !round.complete && page.is_empty() && round.pages == 1 {
            return Observation::Unchanged;
        }
        let body = page.document(card, round.complete);
        let digest = digest_of(&body);
        if round.pages == 1 && round.complete && self.last_body == Some(digest) {
            return Observation::Unchanged;
        }
        self.last_body = (round.complete && round.pages == 1).then_some(digest);
        Observation::Document {
            body,
            last: true,
            poll_after_seconds: None,
        }
    }
}

impl Endpoint for LangGraph {
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
}

/// What serves at a door; `None` = no LangGraph server.
async fn card(door: &Door) -> Result<Option<Card>, Failure> {
    let Some(about) = door.about().await? else {
        return Ok(None);
    };
    let assistants: Vec<page::Assistant> = door
        .assistants()
        .await?
        .iter()
        .filter_map(|raw| serde_json::from_str(raw.get()).ok())
        .collect();
    let (id, name) = Card::identity(&assistants);
    Ok(Some(Card {
        id,
        name,
        library: about.library(),
        has_crons: about.has_crons(),
        version: about.version,
        assistants,
    }))
}

/// The body of a search. Values of threads are not asked for: they are of any size, and nobody's business here.
fn search(plainness: u8, limit: usize, offset: usize) -> Value {
    let mut body = json!({"limit": limit, "offset": offset});
    if plainness < 3 {
        body["sort_by"] = json!("updated_at");
        body["sort_order"] = json!("desc");
    }
    if plainness < 2 {
        body["select"] = json!([
            "thread_id",
            "created_at",
            "updated_at",
            "state_updated_at",
            "metadata",
            "status",
            "interrupts"
        ]);
    }
    if plainness < 1 {
        body["extract"] = json!({"asked": "values.messages[0].content"});
    }
    body
}

/// An answer, or nothing where the server has none for this thread. Only silence is a failure of the poll.
fn told<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::Broken(broken)) if broken.error.detail.as_deref() != Some(TOO_LARGE) => {
            Err(Failure::Broken(broken))
        }
        Err(_) => Ok(None),
    }
}

fn spend(reads: &mut usize) -> bool {
    let had = *reads > 0;
    *reads = reads.saturating_sub(1);
    had
}

fn is_among(asked: &Interrupt, open: &[Interrupt]) -> bool {
    open.iter()
        .any(|one| one.task == asked.task && (one.id == asked.id || asked.id.is_none()))
}

/// Takes away what a run answers, or makes void.
fn leave_unanswered(run: &Run, open: &mut Vec<Interrupt>) {
    match run.answers() {
        Answers::Named(named) => {
            open.retain(|asked| asked.id.as_ref().is_none_or(|id| !named.contains_key(id)));
        }
        Answers::All(_) | Answers::Nothing => open.clear(),
    }
}

fn time(text: &str) -> Option<DateTime<FixedOffset>> {
    DateTime::parse_from_rfc3339(text).ok()
}

fn digest_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

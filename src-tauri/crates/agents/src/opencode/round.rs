//! One poll: the list of sessions, what runs and waits in each directory that is at work, and the document of it all.
//!
//! Order matters. What waits is read before what runs, and a session that looks cut off is read once more, so that work
//! which ends while we look is not taken for lost.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{SecondsFormat, TimeDelta, Utc};
use domain::fact::{PollError, PollErrorKind};
use serde_json::{Value, json, value::RawValue};

use super::{
    About, Generation, Known, OpenCode, ask,
    ask::Escalation,
    json as get, session,
    wire::{self, Message, Request, Session, Status},
};
use crate::{
    a2a::{agent_id, clip},
    http::{TOO_LARGE, invalid},
};

#[cfg(test)]
mod fuzz;

/// Sessions that are shown, those that changed last.
const MOST_SESSIONS: usize = 200;
/// Sessions per page.
const PAGE: usize = 100;
/// Every so many polls the list is read from the beginning.
const WHOLE_EVERY: u32 = 20;
/// Messages read of a session; older edits are not looked for.
const MESSAGES: u32 = 30;
/// Messages read again of a session at work; all of those above are read when it ends.
const NEW_MESSAGES: u32 = 6;
/// Messages read when those are too large, or the session is older than [`OLD`].
const FEW_MESSAGES: u32 = 2;
const OLD: TimeDelta = TimeDelta::days(7);
/// A directory counts as at work for so long after a session of it changed.
const AWAKE: TimeDelta = TimeDelta::hours(1);
/// Directories asked in one poll, those that changed last.
const MOST_DIRECTORIES: usize = 30;

/// Lists of the document that are only about this poll.
#[derive(Default)]
struct Found {
    requests: BTreeMap<String, Request>,
    unreadable: Vec<String>,
    /// Whether it told of requests at all.
    lists_requests: bool,
    /// Directories that were asked.
    asked: BTreeSet<String>,
    /// Sessions whose messages were read.
    read: BTreeSet<String>,
}

impl OpenCode {
    /// The status document.
    pub(super) async fn round(&mut self) -> Result<String, PollError> {
        let about = self.connected().await?;
        self.list(&about).await?;
        let mut found = Found::default();
        self.read_changed(&about, &mut found).await?;
        let active = if about.has_two {
            self.active().await?
        } else {
            BTreeMap::new()
        };
        let mut statuses = active.clone();
        for directory in self.awake(&about, &active) {
            for generation in [Generation::One, Generation::Two] {
                if generation == Generation::Two && !self.runs_two(&directory, &active) {
                    continue;
                }
                if let Some((all, bad)) = self.requests(&directory, generation).await? {
                    found.lists_requests = true;
                    found.unreadable.extend(bad);
                    found
                        .requests
                        .extend(all.into_iter().map(|r| (r.id.clone(), r)));
                }
            }
            statuses.extend(self.statuses(&directory).await?);
            found.asked.insert(directory);
        }
        self.adopt(&about, &statuses, &mut found).await?;
        self.take_statuses(&about, statuses, &mut found).await?;
        self.refresh(&found).await?;
        self.drop_dead(&mut found);
        Ok(self.document(&about, found))
    }

    /// The sessions: all of them from time to time, otherwise those that changed.
    async fn list(&mut self, about: &About) -> Result<(), PollError> {
        let whole = self.newest == 0 || self.polls_since_whole >= WHOLE_EVERY || !about.lists_all;
        let (size, start) = (PAGE.to_string(), self.newest.to_string());
        let mut query = vec![("limit", size.as_str())];
        if !whole {
            query.push(("start", start.as_str()));
        }
        let path: &[&str] = if about.lists_all {
            &["experimental", "session"]
        } else {
            &["session"]
        };
        let (mut items, mut cursor): (Vec<Box<RawValue>>, Option<i64>) = (vec![], None);
        loop {
            let after = cursor.map(|cursor| cursor.to_string());
            let mut query = query.clone();
            query.extend(after.as_deref().map(|after| ("cursor", after)));
            let page: Option<Vec<Box<RawValue>>> = get(&self.client, path, &query).await?;
            let page = page.ok_or_else(|| invalid("It does not list its sessions."))?;
            let is_full = page.len() >= PAGE;
            // Sorted by their last change, newest first; the cursor is that of the last one.
            let last = page
                .last()
                .and_then(|raw| read_session(raw))
                .map(|s| s.updated());
            items.extend(page);
            let goes_on = last.is_some_and(|last| cursor.is_none_or(|cursor| last < cursor));
            if !is_full || !goes_on || !about.lists_all || items.len() >= MOST_SESSIONS {
                break;
            }
            cursor = last;
        }
        let mut listed = BTreeSet::new();
        if whole {
            self.unreadable.clear();
        }
        for raw in items.into_iter().take(MOST_SESSIONS) {
            match read_session(&raw) {
                Some(session) => {
                    listed.insert(session.id.clone());
                    self.newest = self.newest.max(session.updated());
                    self.know(session);
                }
                None if whole => self.unreadable.push(wire::not_too_deep(&raw)),
                None => {}
            }
        }
        self.polls_since_whole += 1;
        if whole {
            self.polls_since_whole = 0;
            self.sessions.retain(|id, _| listed.contains(id));
        }
        Ok(())
    }

    fn know(&mut self, session: Session) {
        match self.sessions.get_mut(&session.id) {
            Some(known) => known.session = session,
            None => {
                let known = Known {
                    read_at: None,
                    messages: vec![],
                    generation: Generation::One,
                    status: None,
                    stuck_at: None,
                    seen_live: false,
                    session,
                };
                self.sessions.insert(known.session.id.clone(), known);
            }
        }
    }

    async fn read_changed(&mut self, about: &About, found: &mut Found) -> Result<(), PollError> {
        let changed: Vec<String> = self
            .sessions
            .values()
            .filter(|known| known.read_at != Some(known.session.updated()))
            .map(|known| known.session.id.clone())
            .collect();
        for id in changed {
            self.read_one(about, &id, found).await?;
        }
        Ok(())
    }

    /// Reads the newest messages of a session. One that cannot be read loses only itself.
    async fn read_one(
        &mut self,
        about: &About,
        id: &str,
        found: &mut Found,
    ) -> Result<(), PollError> {
        let Some(known) = self.sessions.get(id) else {
            return Ok(());
        };
        let updated = known.session.updated();
        let is_old = updated < (Utc::now() - OLD).timestamp_millis();
        let again = known.status.is_some() && !known.messages.is_empty();
        let most = match (is_old, again) {
            (_, true) => NEW_MESSAGES,
            (true, false) => FEW_MESSAGES,
            (false, false) => MESSAGES,
        };
        let mut answer = self.messages(id, most, about.has_two).await;
        if let Err(error) = &answer
            && error.detail.as_deref() == Some(TOO_LARGE)
        {
            answer = self.messages(id, FEW_MESSAGES, about.has_two).await;
        }
        let (generation, messages) = match answer {
            Ok(read) => read,
            Err(error) if is_of_this_alone(&error) => (Generation::One, vec![]),
            Err(error) => return Err(error),
        };
        if let Some(known) = self.sessions.get_mut(id) {
            known.read_at = Some(updated);
            known.generation = generation;
            known.messages = messages;
            found.read.insert(id.to_owned());
        }
        Ok(())
    }

    /// The directories where something may go on, those that changed last first.
    fn awake(&self, about: &About, active: &BTreeMap<String, Status>) -> Vec<String> {
        let recently = (Utc::now() - AWAKE).timestamp_millis();
        let waits = super::waiting(&self.open);
        let mut all: BTreeMap<&str, i64> = BTreeMap::new();
        for (id, known) in &self.sessions {
            let unfinished = known.messages.last().is_some_and(is_unfinished)
                && known.stuck_at != Some(known.session.updated());
            let is_awake = known.session.updated() >= recently
                || unfinished
                || known.status.is_some()
                || waits.contains(id)
                || active.contains_key(id);
            if let Some(directory) = known.session.directory.as_deref().filter(|_| is_awake) {
                let newest = all.entry(directory).or_default();
                *newest = (*newest).max(known.session.updated());
            }
        }
        // Also when nothing else is known of the session any more: what became of its question is to be told.
        for item in self.open.values() {
            all.entry(&item.native.directory).or_default();
        }
        all.insert(&about.directory, i64::MAX);
        let mut sorted: Vec<_> = all.into_iter().collect();
        sorted.sort_by_key(|(_, newest)| std::cmp::Reverse(*newest));
        sorted.truncate(MOST_DIRECTORIES);
        sorted
            .into_iter()
            .map(|(directory, _)| directory.to_owned())
            .collect()
    }

    /// Whether the newer interface has something in that directory.
    fn runs_two(&self, directory: &str, active: &BTreeMap<String, Status>) -> bool {
        let here = |id: &String| {
            let known = self.sessions.get(id);
            known.is_none_or(|known| known.session.directory.as_deref() == Some(directory))
        };
        let shown = self.open.values().any(|item| {
            item.native.generation == Generation::Two && item.native.directory == directory
        });
        shown || active.keys().any(here)
    }

    /// Sessions that run or wait and are in no list yet.
    async fn adopt(
        &mut self,
        about: &About,
        statuses: &BTreeMap<String, Status>,
        found: &mut Found,
    ) -> Result<(), PollError> {
        let ids = found.requests.values().map(|request| &request.session);
        let missing: BTreeSet<String> = ids
            .chain(statuses.keys())
            .filter(|id| !self.sessions.contains_key(*id) && id.starts_with("ses"))
            .cloned()
            .collect();
        for id in missing.into_iter().take(PAGE) {
            let one: Option<Session> = match get(&self.client, &["session", &id], &[]).await {
                Ok(one) => one,
                Err(error) if is_of_this_alone(&error) => None,
                Err(error) => return Err(error),
            };
            if let Some(session) = one.filter(|session| session.id == id) {
                self.know(session);
                self.read_one(about, &id, found).await?;
            }
        }
        Ok(())
    }

    /// Notes what runs, and reads again what stopped, waits or is still at work.
    async fn take_statuses(
        &mut self,
        about: &About,
        mut statuses: BTreeMap<String, Status>,
        found: &mut Found,
    ) -> Result<(), PollError> {
        let asks: BTreeSet<_> = found.requests.values().map(|r| r.session.clone()).collect();
        let waited = super::waiting(&self.open);
        let mut again = vec![];
        for (id, known) in &mut self.sessions {
            let directory = known.session.directory.as_deref().unwrap_or_default();
            let status = statuses.remove(id).filter(|status| status.word != "idle");
            if status.is_none()
                && known.generation == Generation::One
                && !found.asked.contains(directory)
            {
                known.status = None;
                continue;
            }
            let was_live = std::mem::replace(&mut known.status, status).is_some();
            let is_live = known.status.is_some();
            known.seen_live |= is_live;
            let unfinished = known.messages.last().is_some_and(is_unfinished)
                && known.stuck_at != Some(known.session.updated());
            if is_live || was_live || unfinished || asks.contains(id) || waited.contains(id) {
                again.push(id.clone());
            }
        }
        for id in again {
            self.read_one(about, &id, found).await?;
            if let Some(known) = self.sessions.get_mut(&id)
                && known.status.is_none()
                && known.messages.last().is_some_and(is_unfinished)
            {
                known.stuck_at = Some(known.session.updated());
            }
        }
        Ok(())
    }

    /// Sessions that ended after the list was read: what they used in the end stands in the session itself.
    async fn refresh(&mut self, found: &Found) -> Result<(), PollError> {
        for id in &found.read {
            let Some(known) = self.sessions.get_mut(id) else {
                continue;
            };
            let ended = known.messages.last().and_then(|last| last.completed);
            if known.status.is_some() || ended <= Some(known.session.updated()) {
                continue;
            }
            match get::<Session>(&self.client, &["session", id], &[]).await {
                Ok(Some(mut now)) if now.id == *id => {
                    // Which project it belongs to stands in the list only.
                    now.project = known.session.project.take();
                    known.session = now;
                }
                Ok(_) => {}
                Err(error) if is_of_this_alone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Requests whose work was stopped stay in the server's list; nobody waits for their answer.
    fn drop_dead(&self, found: &mut Found) {
        found.requests.retain(|_, request| {
            let Some(known) = self.sessions.get(&request.session) else {
                return true;
            };
            let call = call_of(&known.messages, request.call.as_ref());
            known.status.is_some() || call.is_none_or(wire::Call::is_open)
        });
    }

    fn document(&mut self, about: &About, found: Found) -> String {
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut escalations = found.unreadable.clone();
        let mut open = BTreeMap::new();
        for (id, request) in &found.requests {
            let item = match self.open.remove(id) {
                // What was shown stays as it was shown while it means the same.
                Some(shown) if shown.version == ask::version(request) => shown,
                _ => {
                    let known = self.sessions.get(&request.session);
                    let call = known.and_then(|k| call_of(&k.messages, request.call.as_ref()));
                    ask::escalation(request, call, self.asked_at(request, &now))
                }
            };
            escalations.extend(serde_json::to_string(&item));
            open.insert(id.clone(), item);
        }
        for (id, mut item) in std::mem::take(&mut self.open) {
            if !found.asked.contains(&item.native.directory) {
                open.insert(id, item.clone());
            } else {
                item.status = self.ending(&item).into();
            }
            escalations.extend(serde_json::to_string(&item));
        }
        self.open = open;
        let (mut tasks, mut accesses, mut quotas) = (self.unreadable.clone(), vec![], vec![]);
        let mut limits = BTreeMap::new();
        for known in self.sessions.values() {
            let session = &known.session;
            let ask = self.open.values().find(|item| item.task_id == session.id);
            let status = known.status.as_ref();
            let mut standing = session::standing(status, ask.is_some(), known.messages.last());
            if known.seen_live {
                standing.since = None;
            }
            let ask = ask.map(|item| item.id.as_str());
            tasks.push(session::task(session, status, &standing, ask).to_string());
            if let Some(status) = status.filter(|status| session::is_limited(status)) {
                let key = format!("{} {:?}", session.id, status.next);
                let seen = self.limits.get(&key).unwrap_or(&now).clone();
                quotas.extend(session::quota(session, status, &seen));
                limits.insert(key, seen);
            }
            if found.read.contains(&session.id) {
                accesses.extend(session::accesses(session, &known.messages));
                if status.is_none() && self.was_alone(session) {
                    accesses.extend(session::differences(session, &known.messages));
                }
            }
        }
        self.limits = limits;
        let agent = json!({
            "id": agent_id(&format!("opencode {}", folder(&about.directory))),
            "name": name(about),
            "version": about.version,
            "workspace": about.directory,
            "status": "online",
        });
        let mut text = format!(
            r#"{{"schemaVersion":"1.0","agent":{agent},"snapshot":true,"tasks":[{}]"#,
            tasks.join(",")
        );
        if found.lists_requests {
            text.push_str(&format!(r#","escalations":[{}]"#, escalations.join(",")));
        }
        for (list, items) in [("accesses", accesses), ("quotas", quotas)] {
            if !items.is_empty() {
                text.push_str(&format!(r#","{list}":{}"#, Value::Array(items)));
            }
        }
        text.push('}');
        text
    }

    /// When it was asked: when the tool began, else when the session changed last.
    fn asked_at(&self, request: &Request, now: &str) -> String {
        let known = self.sessions.get(&request.session);
        let call = known.and_then(|known| call_of(&known.messages, request.call.as_ref()));
        let started = call.and_then(|call| call.started);
        let started = started.or_else(|| known.map(|known| known.session.updated()));
        started
            .filter(|at| *at > 0)
            .and_then(wire::time)
            .unwrap_or_else(|| now.to_owned())
    }

    /// How a request ended that is no longer in the list.
    fn ending(&self, item: &Escalation) -> &'static str {
        let call = item
            .native
            .message_id
            .clone()
            .zip(item.native.call_id.clone());
        let known = self.sessions.get(&item.task_id);
        let found = known.and_then(|known| call_of(&known.messages, call.as_ref()));
        match (found, known) {
            (Some(call), _) if call.was_stopped() => "withdrawn",
            (Some(call), Some(known)) if call.is_open() && known.status.is_none() => "withdrawn",
            (Some(_), _) => "resolved",
            (None, _) => "withdrawn",
        }
    }

    /// Whether no other session of its folder can have been at work while this one was.
    fn was_alone(&self, session: &Session) -> bool {
        self.sessions.values().all(|other| {
            let other = &other.session;
            other.id == session.id
                || other.worktree() != session.worktree()
                || other.updated() < session.created()
                || other.created() > session.updated()
        })
    }
}

/// The tool call a request stands for, if its message was read.
pub(super) fn call_of<'a>(
    messages: &'a [Message],
    call: Option<&(String, String)>,
) -> Option<&'a wire::Call> {
    let (message, call) = call?;
    let message = messages.iter().find(|m| m.id == *message)?;
    message.calls.iter().find(|known| known.id == *call)
}

fn is_unfinished(message: &Message) -> bool {
    !message.is_assistant || (message.completed.is_none() && message.error.is_none())
}

fn read_session(raw: &RawValue) -> Option<Session> {
    let session: Session = serde_json::from_str(raw.get()).ok()?;
    let fits = !session.id.is_empty() && wire::depth(raw.get()) <= 60;
    fits.then_some(session)
}

/// Whether the failure says something about one session, not about the server.
fn is_of_this_alone(error: &PollError) -> bool {
    match error.http_status {
        Some(status) => status >= 500,
        None => error.kind == PollErrorKind::Invalid,
    }
}

/// What the server is called: one may run for each project.
pub(super) fn name(about: &About) -> String {
    let folder = folder(&about.directory);
    if folder.is_empty() {
        "OpenCode".to_owned()
    } else {
        format!("OpenCode in {folder}")
    }
}

fn folder(directory: &str) -> String {
    let name = directory
        .rsplit(['/', '\\'])
        .find(|piece| !piece.is_empty());
    clip(name.unwrap_or_default(), 60)
}

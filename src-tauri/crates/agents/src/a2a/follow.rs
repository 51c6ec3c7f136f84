//! Agents without a list: the tasks whose ids we know are read one by one, and nothing is made of the others. And agents
//! whose card says where they speak our own contract: they are asked there.
//!
//! A round asks for as many as there is time for: those that nothing is known of, that an answer went to or that tell
//! another state elsewhere first; then in turn the newest and the one that was asked for longest ago, and one of those that
//! have ended. So a new question does not wait behind a hundred old ones. What was not asked for stands as it was found;
//! those that are unknown are neither dropped nor invented.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::{Duration, Instant},
};

use chrono::Utc;
use domain::{fact::PollError, ids::TaskId};
use reqwest::{Url, header::HeaderMap};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    A2a, Card, WHOLE_EVERY, card,
    card::{Binding, Generation},
    page::Page,
    rpc::{self, Call, Failure, code},
    task, text,
};
use crate::{Observation, http::invalid, native::Native};

/// Tasks asked for in one turn; others get theirs in between.
const A_TURN: usize = 25;
/// A turn takes no longer than this, beyond the first two tasks.
const LONG: Duration = Duration::from_secs(2);
/// Bytes of tasks that are kept as they were found; more are asked for in each round.
const KEPT: usize = 4 * 1024 * 1024;
/// So long a task is asked for in each round after an answer went to it: an old look must not pass for what it shows since.
const WATCHED: Duration = Duration::from_secs(180);
/// More are not followed: the newest are.
const MOST: usize = 1000;
/// Nobody's task; only to hear in which words it is not found.
const NOBODY: &str = "mission-control-asks-whether-you-hear-it";

/// Where Gemini CLI tells its tasks (`[{id, contextId, taskState}]`; nothing with 204).
const ELSEWHERE: &str = "/tasks/metadata";
const OTHER_VERSION: &str = "It speaks another version of A2A than its card says.";

/// Where a round through the known tasks stands.
#[derive(Default)]
pub(super) struct Followed {
    /// Those that this round has to ask for, the newest first.
    must: VecDeque<TaskId>,
    /// Those it asks for as long as there is time.
    rest: VecDeque<TaskId>,
    /// It is under way.
    runs: bool,
    /// It tells all there is, and not only what is new.
    whole: bool,
    /// Told in its pages.
    told: HashSet<TaskId>,
    /// A task of it was read; or none, for this reason.
    answered: bool,
    failed: Option<Failure>,
    /// A task came or went, which may bear on others: all is to be told.
    all: bool,
    rounds: u64,
    kept: HashMap<TaskId, Kept>,
    bytes: usize,
    watched: HashMap<TaskId, Instant>,
    /// It was found out that it hears us, and in which words.
    hears: bool,
    /// Asked for its list, it failed.
    pub(super) broke: bool,
    /// Whether it tells the ids of its tasks beside the protocol; found out by asking.
    tells: Option<bool>,
    /// The states it told there for this round.
    states: Option<HashMap<TaskId, String>>,
}

/// A task as it was found.
struct Kept {
    /// `None`: it was not there.
    raw: Option<Box<RawValue>>,
    is_over: bool,
    /// In which round.
    asked: u64,
    /// Its state in the list beside the protocol.
    state: Option<String>,
}

impl Kept {
    fn size(&self) -> usize {
        self.raw.as_ref().map_or(0, |raw| raw.get().len())
    }
}

impl Followed {
    /// What is asked for in the round that begins; `known` ends with the newest.
    fn begin(&mut self, known: &[TaskId]) {
        self.watched.retain(|_, since| since.elapsed() < WATCHED);
        if self.kept.len() > known.len() {
            let known: HashSet<&TaskId> = known.iter().collect();
            self.kept.retain(|id, _| known.contains(id));
            self.bytes = self.kept.values().map(Kept::size).sum();
        }
        // What an answer did may show in another task.
        self.whole = self.all
            || !self.watched.is_empty()
            || self.rounds.is_multiple_of(u64::from(WHOLE_EVERY));
        (self.runs, self.answered, self.all, self.failed) = (true, false, false, None);
        self.told.clear();
        self.rounds += 1;
        let (mut must, mut open, mut over) = (vec![], vec![], vec![]);
        for id in known.iter().rev() {
            let state = self.states.as_ref().and_then(|states| states.get(id));
            match self.kept.get(id) {
                None => must.push(id),
                Some(kept) if self.watched.contains_key(id) || kept.state.as_ref() != state => {
                    must.push(id);
                }
                Some(kept) if !kept.is_over => open.push(id),
                Some(kept) if self.rounds - kept.asked >= u64::from(WHOLE_EVERY) => over.push(id),
                Some(_) => {}
            }
        }
        let age = |id: &&TaskId| self.kept.get(*id).map(|kept| kept.asked);
        let mut by_age = open.clone();
        by_age.sort_by_key(age);
        let oldest = over.into_iter().min_by_key(age);
        let in_turn = open.iter().zip(by_age).flat_map(|(new, old)| [*new, old]);
        let mut rest: Vec<&TaskId> = in_turn.collect();
        if let Some(oldest) = oldest {
            rest.insert(rest.len().min(2), oldest);
        }
        let mut seen = HashSet::new();
        rest.retain(|id| seen.insert(*id));
        self.must = must.into_iter().cloned().collect();
        self.rest = rest.into_iter().cloned().collect();
    }

    /// What was found of a task; whether that is news.
    fn keep(&mut self, id: &TaskId, raw: Option<&RawValue>, is_over: bool) -> bool {
        let states = self.states.as_ref();
        let kept = Kept {
            raw: raw.map(RawValue::to_owned),
            is_over,
            asked: self.rounds,
            state: states.and_then(|states| states.get(id)).cloned(),
        };
        let before = self.kept.remove(id);
        let was = before.as_ref().map(|before| before.raw.as_deref());
        let is_news = was.map(|raw| raw.map(RawValue::get)) != Some(raw.map(RawValue::get));
        let (is_there, was_there) = (raw.is_some(), was.is_some_and(|raw| raw.is_some()));
        self.all |= is_there != was_there;
        self.bytes -= before.map_or(0, |before| before.size());
        if self.bytes + kept.size() <= KEPT {
            self.bytes += kept.size();
            self.kept.insert(id.clone(), kept);
        }
        is_news
    }

    /// An answer goes to that task, or it is to stop.
    pub(super) fn watch(&mut self, id: &TaskId) {
        self.watched.insert(id.clone(), Instant::now());
    }
}

fn is_of_the_task(failure: &Failure) -> bool {
    let is_gone = matches!(
        failure,
        Failure::Error {
            code: code::TASK_NOT_FOUND,
            ..
        }
    );
    is_gone || failure.is_of_parameters()
}

/// Ids that are known, of which the first are the most pressing, and those after the address (`#task=one&task=two`): each
/// once, the most pressing last.
pub(super) fn named(url: &str, known: &[TaskId]) -> Vec<TaskId> {
    let fragment = Url::parse(url).ok();
    let fragment = fragment
        .as_ref()
        .and_then(Url::fragment)
        .unwrap_or_default();
    let named = reqwest::Url::parse(&format!("http://x/?{fragment}")).ok();
    let pairs = named.iter().flat_map(Url::query_pairs);
    let named = pairs.filter(|(name, id)| name == "task" && !id.is_empty());
    let named = named.map(|(_, id)| TaskId::from(id.as_ref()));
    let (mut seen, mut all) = (HashSet::new(), vec![]);
    for id in known.iter().rev().cloned().chain(named) {
        if seen.insert(id.clone()) {
            all.push(id);
        }
    }
    let over = all.len().saturating_sub(MOST);
    all.drain(..over);
    all
}

fn tells_no_tasks(body: &str) -> bool {
    let document = domain::contract::read(body.as_bytes());
    document.is_ok_and(|document| document.snapshot && document.tasks.is_none())
}

impl A2a {
    /// What it says where it speaks our contract; `None` when it does not, or tells no tasks there.
    pub(super) async fn own_status(
        &mut self,
        card: &Card,
    ) -> Result<Option<Observation>, PollError> {
        if self.own.is_none() {
            let Some(own) = &card.native else {
                return Ok(None);
            };
            let client = self.client.at(own.status.clone())?;
            self.own = Some(Native::behind(client, own.decision.clone()));
        }
        let Some(own) = &mut self.own else {
            return Ok(None);
        };
        let observation = match own.poll().await {
            Ok(Observation::Document { body, .. }) if tells_no_tasks(&body) => None,
            Ok(observation) => Some(observation),
            Err(error) if error.http_status == Some(404) => None,
            Err(error) => return Err(error),
        };
        if observation.is_none() {
            // Its card promises more than is there; its tasks are seen the usual way.
            self.own = None;
            if let Some(card) = &mut self.card {
                card.native = None;
            }
        }
        Ok(observation)
    }

    /// Where decisions go, when it speaks our contract.
    pub(super) async fn own_door(&mut self) -> Result<Option<&mut Native>, PollError> {
        if self.own.is_none() {
            let card = self.connected().await?;
            if let Some(own) = &card.native {
                let client = self.client.at(own.status.clone())?;
                self.own = Some(Native::behind(client, own.decision.clone()));
            }
        }
        Ok(self.own.as_mut())
    }

    /// Without a list, only tasks whose ids we know can be seen.
    pub(super) async fn one_by_one(&mut self, card: &Card) -> Result<Observation, PollError> {
        if !self.followed.hears {
            if let Some(other) = self.in_which_words(card).await? {
                // It speaks the other generation; that one may have a list.
                self.card = Some(other);
                self.lists = true;
                self.followed.hears = true;
                return Box::pin(self.try_poll()).await;
            }
            self.followed.hears = true;
        }
        let now = text(Utc::now());
        let begins = !self.followed.runs;
        if begins {
            self.followed.states = self.listed_elsewhere(card).await?;
            self.followed.begin(&self.known);
            let followed = &self.followed;
            let asks = !followed.must.is_empty() || !followed.rest.is_empty();
            if !asks && followed.states.is_none() {
                // Nothing to ask for; whether it is there shows its card.
                card::find(&self.client).await?;
            }
            if followed.whole {
                // Its pages name all that are open.
                self.open.forget();
            }
        }
        let mut found = self.a_turn(card).await?;
        let last = self.followed.must.is_empty();
        self.followed.whole |= last && begins && self.followed.all;
        let whole = self.followed.whole;
        if last {
            self.followed.runs = false;
            self.prove(card).await?;
            if whole {
                if begins {
                    self.open.forget();
                }
                self.followed.all &= !begins;
                let followed = &self.followed;
                let untold = self.known.iter().filter(|id| !followed.told.contains(*id));
                let kept = |id: &TaskId| followed.kept.get(id)?.raw.clone();
                found.extend(untold.filter_map(|id| Some((id.clone(), kept(id)?))));
            }
        }
        if !whole && last && begins && found.is_empty() {
            return Ok(Observation::Unchanged);
        }
        let place: HashMap<&TaskId, usize> = self.known.iter().zip(0..).collect();
        found.sort_by_key(|(id, _)| place.get(id).copied());
        let mut page = Page::default();
        for (_, raw) in &found {
            if let Some(read) = task::read(raw) {
                self.memory.learn(&read);
                self.open.learn(&read);
            }
            page.add(raw, &mut self.memory, &now);
        }
        let listed = self.followed.states.is_some() || !self.known.is_empty();
        Ok(Observation::Document {
            body: page.document(card, whole, listed),
            last,
            poll_after_seconds: (!last).then_some(1),
        })
    }

    /// Asks for the most pressing tasks, one by one; what is news of them, or all where the round tells all.
    async fn a_turn(&mut self, card: &Card) -> Result<Vec<(TaskId, Box<RawValue>)>, PollError> {
        let began = Instant::now();
        let mut found = vec![];
        for asked in 0..A_TURN {
            if asked > 1 && began.elapsed() > LONG {
                break;
            }
            let followed = &mut self.followed;
            let Some(id) = followed
                .must
                .pop_front()
                .or_else(|| followed.rest.pop_front())
            else {
                break;
            };
            match self.one(card, &id).await {
                Ok(raw) => {
                    self.followed.answered = true;
                    let is_over = task::read(&raw).is_some_and(|task| task.state().is_terminal());
                    if self.followed.keep(&id, Some(&raw), is_over) || self.followed.whole {
                        self.followed.told.insert(id.clone());
                        found.push((id, raw));
                    }
                }
                // However it is asked for, it is not there, or it does not take the id.
                Err(failure) if is_of_the_task(&failure) => {
                    self.followed.answered = true;
                    self.followed.keep(&id, None, true);
                }
                // A task that cannot be read loses only itself, as long as others can.
                Err(failure @ Failure::Error { .. }) => {
                    if let Some(kept) = self.followed.kept.get_mut(&id) {
                        kept.asked = self.followed.rounds;
                    }
                    self.followed.failed = Some(failure);
                }
                Err(failure) => return Err(failure.into_poll_error(Utc::now())),
            }
        }
        Ok(found)
    }

    /// When no task could be read in a round, one that could be read before tells whether that is the server's fault.
    async fn prove(&mut self, card: &Card) -> Result<(), PollError> {
        let Some(failure) = self
            .followed
            .failed
            .take()
            .filter(|_| !self.followed.answered)
        else {
            return Ok(());
        };
        let kept = self.followed.kept.iter();
        let known = kept
            .filter(|(_, kept)| kept.raw.is_some())
            .map(|(id, _)| id.clone());
        match known.min() {
            Some(id) if self.one(card, &id).await.is_ok() => Ok(()),
            _ => Err(failure.into_poll_error(Utc::now())),
        }
    }

    /// A wrong version looks like a missing method: asks in both, once. `Some` = the card is wrong about itself.
    async fn in_which_words(&self, card: &Card) -> Result<Option<Card>, PollError> {
        let nobody = TaskId::from(NOBODY);
        let read = Call::Get(&nobody, rpc::LEAST_READ);
        let one = card.door.generation == Generation::One;
        let mut is_other = false;
        let here = match rpc::call(&self.client, &card.door, &read).await {
            Err(Failure::Error { code, .. })
                if code == code::VERSION
                    || code == code::METHOD && card.door.binding == Binding::JsonRpc =>
            {
                // A server of 1.0 that has no such method is none.
                is_other = one || code == code::VERSION;
                false
            }
            // What it does not say clearly is no reason to doubt its card, and its real tasks will show it.
            Err(Failure::Status(reply)) if matches!(reply.status.as_u16(), 401 | 403 | 429) => {
                return Err(reply.as_error(Utc::now()));
            }
            Err(Failure::Broken(broken)) => return Err(broken.error),
            // It fails over whatever it is asked. Where tasks are known, they show whether it does.
            Err(failure)
                if self.followed.broke && self.known.is_empty() && failure.is_its_own() =>
            {
                return Err(failure.into_poll_error(Utc::now()));
            }
            _ => true,
        };
        if here {
            return Ok(None);
        }
        let mut other = card.clone();
        (other.door.generation, other.door.version) = match card.door.generation {
            Generation::One => (Generation::Old, "0.3.0".to_owned()),
            Generation::Old => (Generation::One, "1.0".to_owned()),
        };
        let heard = rpc::call(
            &self.client,
            &other.door,
            &Call::Get(&nobody, rpc::LEAST_READ),
        )
        .await;
        let knows = !matches!(
            heard,
            Err(Failure::Error {
                code: code::METHOD | code::VERSION,
                ..
            } | Failure::Broken(_)
                | Failure::Status(_)
                | Failure::Nonsense(_))
        );
        if !knows && is_other {
            return Err(invalid(OTHER_VERSION));
        }
        Ok(knows.then_some(other))
    }

    /// Tasks and their states that a server tells of its own accord, beside the protocol. `None` = it does not.
    async fn listed_elsewhere(
        &mut self,
        card: &Card,
    ) -> Result<Option<HashMap<TaskId, String>>, PollError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Told {
            id: TaskId,
            task_state: String,
        }
        let old = (Generation::Old, Binding::JsonRpc);
        let place = card.door.url.join(ELSEWHERE).ok();
        let Some(place) = place.filter(|_| (card.door.generation, card.door.binding) == old) else {
            return Ok(None);
        };
        if self.followed.tells == Some(false) {
            return Ok(None);
        }
        let reply = match self.client.get(place, HeaderMap::new()).await {
            Ok(reply) => reply,
            Err(error) if self.followed.tells == Some(true) => return Err(error),
            Err(_) => return Ok(None),
        };
        let told: Option<Vec<Told>> = match reply.status.as_u16() {
            200 => serde_json::from_slice(&reply.body).ok(),
            204 => Some(vec![]),
            _ if self.followed.tells == Some(true) => return Err(reply.as_error(Utc::now())),
            _ => None,
        };
        self.followed.tells = Some(told.is_some());
        let mut known: HashSet<TaskId> = self.known.iter().cloned().collect();
        for Told { id, .. } in told.iter().flatten() {
            if known.insert(id.clone()) {
                self.known.push(id.clone());
            }
        }
        // The newest are followed.
        let over = self.known.len().saturating_sub(MOST);
        self.known.drain(..over);
        let states = |told: Vec<Told>| {
            let pairs = told.into_iter().map(|told| (told.id, told.task_state));
            pairs.collect()
        };
        Ok(told.map(states))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_stand_after_the_address() {
        for (url, expected) in [
            ("http://127.0.0.1:9/", vec!["old", "new"]),
            (
                "http://127.0.0.1:9/#task=a&task=b%2F1&task=a",
                vec!["old", "new", "a", "b/1"],
            ),
            (
                "http://127.0.0.1:9/#task=new&other=1&task=",
                vec!["old", "new"],
            ),
            ("nonsense", vec!["old", "new"]),
        ] {
            let found = named(url, &["new".into(), "old".into()]);
            let found: Vec<_> = found.iter().map(TaskId::as_str).collect();
            assert_eq!(found, expected, "{url}");
        }
    }
}

//! Agents without a list: the tasks whose ids we know are read one by one, and nothing is made of the others. And agents
//! whose card says where they speak our own contract: they are asked there.
//!
//! A round tells all of them, and asks for as many as there is time for: those that nothing is known of first, then in turn
//! the newest and the one that was asked for longest ago; finished ones rarely. The rest are told as they were found, so
//! that a new question does not wait behind a hundred old ones. Those that are unknown are neither dropped nor invented.

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
    digest_of,
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
const KEPT: usize = 16 * 1024 * 1024;
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
    /// Those to ask for in this round, the most pressing first.
    due: VecDeque<TaskId>,
    /// So many of them cannot be told without being asked for.
    must: usize,
    /// Pages of this round so far. 0 = it has not begun.
    pages: usize,
    /// Told in those pages.
    told: HashSet<TaskId>,
    rounds: u64,
    kept: HashMap<TaskId, Kept>,
    bytes: usize,
    /// It was found out that it hears us, and in which words.
    hears: bool,
    /// Whether it tells the ids of its tasks beside the protocol; found out by asking.
    tells: Option<bool>,
    /// The states it told there for this round.
    states: Option<HashMap<TaskId, String>>,
    last: Option<u64>,
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
    /// What is asked for in the round that begins.
    fn begin(&mut self, known: &[TaskId]) {
        self.rounds += 1;
        self.told.clear();
        if self.kept.len() > known.len() {
            let known: HashSet<&TaskId> = known.iter().collect();
            self.kept.retain(|id, _| known.contains(id));
            self.bytes = self.kept.values().map(Kept::size).sum();
        }
        let newest = || known.iter().rev();
        let state = |id: &TaskId| self.states.as_ref().and_then(|states| states.get(id));
        let is_news = |id: &TaskId| match self.kept.get(id) {
            Some(kept) => kept.state.as_ref() != state(id),
            None => true,
        };
        let is_due = |id: &TaskId| match self.kept.get(id) {
            Some(kept) => !kept.is_over || self.rounds - kept.asked >= u64::from(WHOLE_EVERY),
            None => true,
        };
        let must: Vec<&TaskId> = newest().filter(|id| is_news(id)).collect();
        let rest: Vec<&TaskId> = newest().filter(|id| !is_news(id) && is_due(id)).collect();
        let mut by_age = rest.clone();
        by_age.sort_by_key(|id| self.kept.get(*id).map(|kept| kept.asked));
        let in_turn = rest.iter().zip(by_age).flat_map(|(new, old)| [*new, old]);
        let mut seen = HashSet::new();
        let due = must.iter().copied().chain(in_turn);
        let due: VecDeque<TaskId> = due.filter(|id| seen.insert(*id)).cloned().collect();
        (self.must, self.due) = (must.len(), due);
    }

    fn keep(&mut self, id: &TaskId, raw: Option<Box<RawValue>>, is_over: bool) {
        let states = self.states.as_ref();
        let kept = Kept {
            raw,
            is_over,
            asked: self.rounds,
            state: states.and_then(|states| states.get(id)).cloned(),
        };
        self.bytes -= self.kept.remove(id).map_or(0, |before| before.size());
        if self.bytes + kept.size() <= KEPT {
            self.bytes += kept.size();
            self.kept.insert(id.clone(), kept);
        }
    }

    /// Those that were not told in this round, as they were found before.
    fn rest(&self, known: &[TaskId]) -> Vec<(TaskId, Box<RawValue>)> {
        let untold = known.iter().filter(|id| !self.told.contains(*id));
        untold
            .filter_map(|id| Some((id.clone(), self.kept.get(id)?.raw.clone()?)))
            .collect()
    }
}

/// Ids after the address (`#task=one&task=two`), and those that are known.
pub(super) fn named(url: &str, known: &[TaskId]) -> Vec<TaskId> {
    let fragment = Url::parse(url).ok();
    let fragment = fragment
        .as_ref()
        .and_then(Url::fragment)
        .unwrap_or_default();
    let mut all: Vec<TaskId> = reqwest::Url::parse(&format!("http://x/?{fragment}"))
        .map(|url| {
            url.query_pairs()
                .filter(|(name, id)| name == "task" && !id.is_empty())
                .map(|(_, id)| TaskId::from(id.as_ref()))
                .collect()
        })
        .unwrap_or_default();
    for id in known {
        if !all.contains(id) {
            all.push(id.clone());
        }
    }
    all.truncate(MOST);
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
        if self.followed.pages == 0 {
            self.followed.states = self.listed_elsewhere(card).await?;
            self.open.forget();
            self.followed.begin(&self.known);
            if self.followed.due.is_empty() && self.followed.states.is_none() {
                // Nothing to ask for; whether it is there shows its card.
                card::find(&self.client).await?;
            }
        }
        self.followed.pages += 1;
        let mut found = self.a_turn(card).await?;
        let last = self.followed.must == 0;
        if last {
            found.extend(self.followed.rest(&self.known));
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
        let body = page.document(card, true, listed);
        let digest = (last && self.followed.pages == 1).then(|| digest_of(&body));
        let before = std::mem::replace(&mut self.followed.last, digest);
        if last {
            self.followed.pages = 0;
            self.followed.due.clear();
            if digest.is_some() && digest == before {
                return Ok(Observation::Unchanged);
            }
        }
        Ok(Observation::Document {
            body,
            last,
            poll_after_seconds: (!last).then_some(1),
        })
    }

    /// Asks for the most pressing tasks, one by one.
    async fn a_turn(&mut self, card: &Card) -> Result<Vec<(TaskId, Box<RawValue>)>, PollError> {
        let began = Instant::now();
        let (mut found, mut answered, mut failed) = (vec![], false, None);
        for asked in 0..A_TURN {
            if asked > 1 && began.elapsed() > LONG {
                break;
            }
            let Some(id) = self.followed.due.pop_front() else {
                break;
            };
            self.followed.must = self.followed.must.saturating_sub(1);
            match self.one(card, &id).await {
                Ok(raw) => {
                    answered = true;
                    let is_over = task::read(&raw).is_some_and(|task| task.state().is_terminal());
                    self.followed.keep(&id, Some(raw.clone()), is_over);
                    self.followed.told.insert(id.clone());
                    found.push((id, raw));
                }
                Err(Failure::Error {
                    code: code::TASK_NOT_FOUND,
                    ..
                }) => {
                    answered = true;
                    self.followed.keep(&id, None, true);
                }
                // However it is asked for, it does not take the id.
                Err(failure) if failure.is_of_parameters() => {
                    answered = true;
                    self.followed.keep(&id, None, true);
                }
                // A task that cannot be read loses only itself, as long as others can.
                Err(failure @ Failure::Error { .. }) => failed = Some(failure),
                Err(failure) => return Err(failure.into_poll_error(Utc::now())),
            }
        }
        match failed {
            Some(failure) if !answered => Err(failure.into_poll_error(Utc::now())),
            _ => Ok(found),
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
            ("http://127.0.0.1:9/", vec!["known"]),
            (
                "http://127.0.0.1:9/#task=a&task=b%2F1",
                vec!["a", "b/1", "known"],
            ),
            (
                "http://127.0.0.1:9/#task=known&other=1&task=",
                vec!["known"],
            ),
            ("nonsense", vec!["known"]),
        ] {
            let found = named(url, &["known".into()]);
            let found: Vec<_> = found.iter().map(TaskId::as_str).collect();
            assert_eq!(found, expected, "{url}");
        }
    }
}

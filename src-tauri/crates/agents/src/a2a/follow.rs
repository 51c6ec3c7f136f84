//! Agents without a list: the tasks whose ids we know are read one by one, and nothing is made of the others. And agents
//! whose card says where they speak our own contract: they are asked there.
//!
//! Finished tasks are asked for rarely; those that nothing is known of are neither dropped nor invented.

use std::collections::{HashMap, HashSet};

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
    /// The next one to ask for.
    at: usize,
    /// Rounds since finished tasks were asked for.
    rounds: u32,
    /// Finished tasks as they were found.
    finished: HashMap<TaskId, Box<RawValue>>,
    /// It was found out that it hears us, and in which words.
    hears: bool,
    /// Whether it tells the ids of its tasks beside the protocol; found out by asking.
    tells: Option<bool>,
    /// It told them for this round.
    listed: bool,
    digest: u64,
    last: Option<u64>,
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
        } else if self.known.is_empty() {
            // Nothing to ask for; whether it is there shows its card.
            card::find(&self.client).await?;
        }
        let now = text(Utc::now());
        let mut page = Page::default();
        if self.followed.at == 0 {
            self.followed.listed = self.listed_elsewhere(card).await?;
        }
        let known = self.known.clone();
        if self.followed.at == 0 {
            self.followed.digest = 0;
            self.open.forget();
            self.followed.rounds += 1;
            if self.followed.rounds > WHOLE_EVERY {
                self.followed.rounds = 0;
                self.followed.finished.clear();
            }
        }
        let (mut asked, mut answered) = (0, false);
        while let Some(id) = known.get(self.followed.at)
            && asked < A_TURN
        {
            self.followed.at += 1;
            let raw = match self.followed.finished.get(id) {
                Some(raw) => raw.clone(),
                None => {
                    asked += 1;
                    match self.one(card, id).await {
                        Ok(raw) => {
                            answered = true;
                            raw
                        }
                        Err(Failure::Error {
                            code: code::TASK_NOT_FOUND,
                            ..
                        }) => {
                            answered = true;
                            continue;
                        }
                        // However it is asked for, it does not take the id.
                        Err(failure) if failure.is_of_parameters() => {
                            answered = true;
                            continue;
                        }
                        // A task that cannot be read loses only itself, as long as others can.
                        Err(Failure::Error { .. }) if answered => continue,
                        Err(failure) => {
                            self.followed.at = 0;
                            return Err(failure.into_poll_error(Utc::now()));
                        }
                    }
                }
            };
            let read = task::read(&raw);
            if let Some(read) = &read {
                self.memory.learn(read);
                self.open.learn(read);
                if read.state().is_terminal() {
                    self.followed.finished.insert(id.clone(), raw.clone());
                }
            }
            page.add(&raw, &mut self.memory, &now);
        }
        let last = self.followed.at >= known.len();
        let listed = self.followed.listed || !known.is_empty();
        let body = page.document(card, true, listed);
        self.followed.digest = self.followed.digest.rotate_left(7) ^ digest_of(&body);
        if last {
            self.followed.at = 0;
            let digest = self.followed.digest;
            let single = known.len() <= A_TURN;
            if self.followed.last.replace(digest) == Some(digest) && single {
                return Ok(Observation::Unchanged);
            }
        }
        Ok(Observation::Document {
            body,
            last,
            poll_after_seconds: (!last).then_some(1),
        })
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

    /// Ids that a server tells of its own accord, beside the protocol. False = it does not.
    async fn listed_elsewhere(&mut self, card: &Card) -> Result<bool, PollError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Told {
            id: TaskId,
            #[serde(rename = "taskState")]
            _state: String,
        }
        let old = (Generation::Old, Binding::JsonRpc);
        let place = card.door.url.join(ELSEWHERE).ok();
        let Some(place) = place.filter(|_| (card.door.generation, card.door.binding) == old) else {
            return Ok(false);
        };
        if self.followed.tells == Some(false) {
            return Ok(false);
        }
        let reply = match self.client.get(place, HeaderMap::new()).await {
            Ok(reply) => reply,
            Err(error) if self.followed.tells == Some(true) => return Err(error),
            Err(_) => return Ok(false),
        };
        let told: Option<Vec<Told>> = match reply.status.as_u16() {
            200 => serde_json::from_slice(&reply.body).ok(),
            204 => Some(vec![]),
            _ if self.followed.tells == Some(true) => return Err(reply.as_error(Utc::now())),
            _ => None,
        };
        self.followed.tells = Some(told.is_some());
        let told_any = told.is_some();
        let mut known: HashSet<TaskId> = self.known.iter().cloned().collect();
        let ids = told.into_iter().flatten().map(|told| told.id);
        self.known.extend(ids.filter(|id| known.insert(id.clone())));
        // The newest are followed.
        let over = self.known.len().saturating_sub(MOST);
        self.known.drain(..over);
        Ok(told_any)
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

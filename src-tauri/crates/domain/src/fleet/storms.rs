//! What happens again and again: attempts at one task, one thing wrong with what is sent, one error of an endpoint.
//!
//! Only counts; whether it is a storm is `rules/retry_storm.rs`. The same bytes sent again are no second occurrence.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{
    slots::Subject,
    take::Intake,
    weight,
    world::{World, seconds},
};
use crate::{
    contract::Problem,
    fact::{PollError, PollErrorKind},
    finding::Evidence,
    ids::{AgentRef, EndpointId, TaskId, TaskRef},
    snapshot::saved,
    time::Time,
};

/// Occurrences kept of one thing, and successes of one agent.
const KEPT: usize = 64;

/// What recurs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StormKey {
    pub(crate) endpoint: EndpointId,
    pub(crate) of: StormOf,
}
saved! { StormKey { endpoint, of } }

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum StormOf {
    /// Attempts at a task.
    Attempts(TaskId),
    /// Dead letters of one task, with one cause.
    TaskLetters(TaskId, String),
    /// Dead letters of one list and item, with one cause.
    ItemLetters(String, String, String),
    /// An answer that is no use, with its status.
    Errors(PollErrorKind, Option<u16>),
}
saved! { enum StormOf {
    Attempts(one), TaskLetters(one, two), ItemLetters(one, two, three), Errors(one, two),
} }

/// Its occurrences, in order of their own time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Storm {
    /// Whose; an endpoint's errors are nobody's.
    pub(crate) agent: Option<AgentRef>,
    pub(crate) times: Vec<Occurrence>,
}
saved! { Storm { agent, times } }

#[derive(Clone, Debug)]
pub(crate) struct Occurrence {
    pub(crate) at: Time,
    pub(crate) evidence: Evidence,
    /// Tells it from one that is sent again: of what was sent, however long.
    print: [u8; 16],
}
saved! { Occurrence { at, evidence, print } }

/// When an agent did something well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Successes {
    /// Tasks completed.
    pub(crate) done: BTreeSet<Time>,
    /// Items that could be used, where others could not.
    pub(crate) good: BTreeSet<Time>,
}
saved! { Successes { done, good } }

impl StormKey {
    /// What a person would call the same, whichever way it fails: attempts and letters of one task, all letters of one
    /// item, all errors of one endpoint. Its least key stands for them all.
    pub(crate) fn about(&self) -> Self {
        let of = match &self.of {
            StormOf::Attempts(task) | StormOf::TaskLetters(task, _) => {
                StormOf::Attempts(task.clone())
            }
            StormOf::ItemLetters(list, item, _) => {
                StormOf::ItemLetters(list.clone(), item.clone(), String::new())
            }
            StormOf::Errors(..) => StormOf::Errors(PollErrorKind::Timeout, None),
        };
        Self {
            endpoint: self.endpoint.clone(),
            of,
        }
    }

    /// The task it is about, if it is about one.
    pub(crate) fn task(&self) -> Option<TaskRef> {
        let task = match &self.of {
            StormOf::Attempts(task) | StormOf::TaskLetters(task, _) => task,
            StormOf::ItemLetters(..) | StormOf::Errors(..) => return None,
        };
        Some(TaskRef {
            endpoint: self.endpoint.clone(),
            task: task.clone(),
        })
    }
}

impl World {
    /// How much of what happens again and again is kept of an endpoint.
    pub(super) fn occurrences(&self, endpoint: &EndpointId) -> usize {
        let storms = self.storms_of(endpoint);
        storms.map(|(_, storm)| storm.times.len()).sum()
    }

    fn storms_of(&self, endpoint: &EndpointId) -> impl Iterator<Item = (&StormKey, &Storm)> {
        let from = StormKey {
            endpoint: endpoint.clone(),
            of: StormOf::Attempts("".into()),
        };
        let storms = self.storms.range(from..);
        storms.take_while(move |(key, _)| key.endpoint == *endpoint)
    }

    /// All that is about the same.
    pub(crate) fn storms_about(
        &self,
        about: &StormKey,
    ) -> impl Iterator<Item = (&StormKey, &Storm)> {
        let letters = match &about.of {
            StormOf::Attempts(task) => Some(StormOf::TaskLetters(task.clone(), String::new())),
            _ => None,
        };
        let letters = letters.map(|of| StormKey {
            endpoint: about.endpoint.clone(),
            of,
        });
        let from = |key: &StormKey| {
            let about = about.clone();
            let storms = self.storms.range(key.clone()..);
            storms.take_while(move |(key, _)| key.about() == about)
        };
        from(about).chain(letters.as_ref().map(from).into_iter().flatten())
    }
}

impl Intake<'_> {
    fn look_at(&mut self, key: &StormKey) {
        self.mark(Subject::Storm(key.about()));
    }

    /// A task's attempt has risen, or is heard of first.
    pub(super) fn tried_again(
        &mut self,
        task: &TaskRef,
        agent: &AgentRef,
        attempt: Option<u64>,
        at: Time,
        evidence: Evidence,
    ) {
        let key = StormKey {
            endpoint: task.endpoint.clone(),
            of: StormOf::Attempts(task.task.clone()),
        };
        let print = attempt.unwrap_or_default().to_string();
        self.occurred(key, Some(agent), at, evidence, &print);
    }

    /// The task changed: its attempts may be about nothing any more.
    pub(super) fn mark_tries(&mut self, task: &TaskRef) {
        let key = StormKey {
            endpoint: task.endpoint.clone(),
            of: StormOf::Attempts(task.task.clone()),
        };
        if self.world.storms.contains_key(&key) {
            self.look_at(&key);
        }
    }

    /// An item could not be used.
    pub(super) fn refused_again(
        &mut self,
        agent: &AgentRef,
        list: &str,
        problems: &[Problem],
        evidence: &Evidence,
    ) {
        // An item is one occurrence, in however many places it is wrong.
        if let Some(problem) = problems.first() {
            let task = match (list, &problem.item) {
                ("tasks", Some(id)) => Some(id.clone()),
                _ => task_of(&problem.raw),
            };
            let within: Vec<_> = problem.pointer.split('/').skip(3).collect();
            let cause = format!("{} {}", problem.code, within.join("/"));
            let of = match (task, &problem.item) {
                (Some(task), _) => StormOf::TaskLetters(task.into(), cause),
                (None, Some(item)) => StormOf::ItemLetters(list.to_owned(), item.clone(), cause),
                (None, None) => return,
            };
            let key = StormKey {
                endpoint: agent.endpoint.clone(),
                of,
            };
            self.occurred(key, Some(agent), self.now, evidence.clone(), &problem.raw);
        }
    }

    /// An endpoint answered, and nothing could be made of it. No answer at all has a rule of its own.
    pub(super) fn failed_again(
        &mut self,
        endpoint: &EndpointId,
        error: &PollError,
        evidence: Evidence,
    ) {
        if !matches!(error.kind, PollErrorKind::Http | PollErrorKind::Invalid) {
            return;
        }
        let key = StormKey {
            endpoint: endpoint.clone(),
            of: StormOf::Errors(error.kind, error.http_status),
        };
        let print = self.line.to_string();
        self.occurred(key, None, self.now, evidence, &print);
    }

    /// The endpoint answers again: its errors are over.
    pub(super) fn calm(&mut self, endpoint: &EndpointId) {
        for key in self.of_endpoint(endpoint) {
            if matches!(key.of, StormOf::Errors(..)) {
                self.world.storms.remove(&key);
                self.look_at(&key);
            }
        }
    }

    /// A task was completed.
    pub(super) fn done(&mut self, agent: AgentRef, at: Time) {
        self.succeeded(agent, |successes| &mut successes.done, at);
    }

    /// Something new was sent that can be used.
    pub(super) fn worked(&mut self, agent: AgentRef) {
        let now = self.now;
        self.succeeded(agent, |successes| &mut successes.good, now);
    }

    fn succeeded(
        &mut self,
        agent: AgentRef,
        of: impl Fn(&mut Successes) -> &mut BTreeSet<Time>,
        at: Time,
    ) {
        self.well.insert(agent.endpoint.clone());
        let times = of(self.world.successes.entry(agent).or_default());
        times.insert(at);
        if times.len() > KEPT {
            times.pop_first();
        }
    }

    /// Looks at what happens again and again where something went well, once for all that a line tells.
    pub(super) fn went_well(&mut self) {
        let often = self.world.settings.retry_storm_count as usize;
        for endpoint in std::mem::take(&mut self.well) {
            for key in self.of_endpoint(&endpoint) {
                // What happened less often was never told of.
                let storm = self.world.storms.get(&key);
                if storm.is_some_and(|storm| storm.times.len() >= often) {
                    self.look_at(&key);
                }
            }
        }
    }

    fn occurred(
        &mut self,
        key: StormKey,
        agent: Option<&AgentRef>,
        at: Time,
        evidence: Evidence,
        print: &str,
    ) {
        let digest = Sha256::digest(print.as_bytes());
        let print = digest.first_chunk().copied().unwrap_or_default();
        self.forget_calm(&key.endpoint);
        let most = match self.weighs(&key.endpoint, 0, weight::OCCURRENCE) {
            true => KEPT,
            // As many as tell that it is a storm.
            false => KEPT.min(self.world.settings.retry_storm_count as usize),
        };
        let storm = self.world.storms.entry(key.clone()).or_default();
        storm.agent = agent.cloned();
        let reset = agent.and_then(|agent| {
            let successes = self.world.successes.get(agent)?;
            last_success(successes, &key)
        });
        let mut since_success = storm.times.iter().filter(|o| Some(o.at) >= reset);
        if since_success.any(|o| o.print == print) {
            return;
        }
        let after = storm.times.partition_point(|o| o.at <= at);
        let occurrence = Occurrence {
            at,
            evidence,
            print,
        };
        storm.times.insert(after, occurrence);
        if storm.times.len() > most {
            storm.times.remove(0);
        }
        self.look_at(&key);
    }

    /// Drops what has not happened for two windows, once a line.
    fn forget_calm(&mut self, endpoint: &EndpointId) {
        if !self.forgot.insert(endpoint.clone()) {
            return;
        }
        let window = seconds(self.world.settings.retry_storm_window_seconds);
        let old = self.now - window * 2;
        for key in self.of_endpoint(endpoint) {
            let storm = self.world.storms.get(&key);
            let last = storm.and_then(|storm| storm.times.last());
            if last.is_some_and(|last| last.at < old) {
                self.world.storms.remove(&key);
                self.look_at(&key);
            }
        }
    }

    fn of_endpoint(&self, endpoint: &EndpointId) -> Vec<StormKey> {
        let own = self.world.storms_of(endpoint);
        own.map(|(key, _)| key.clone()).collect()
    }
}

/// The last thing that shows that the agent gets on.
pub(crate) fn last_success(successes: &Successes, key: &StormKey) -> Option<Time> {
    let done = successes.done.last().copied();
    match key.of {
        StormOf::Attempts(_) => done,
        _ => done.max(successes.good.last().copied()),
    }
}

/// The task an item says it belongs to, however bad the rest of it is.
pub(crate) fn task_of(raw: &str) -> Option<String> {
    let item: serde_json::Value = serde_json::from_str(raw).ok()?;
    let task = item.get("taskId")?.as_str()?;
    Some(task.to_owned())
}

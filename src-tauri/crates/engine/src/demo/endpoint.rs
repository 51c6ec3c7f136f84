//! A scripted agent as an endpoint inside the engine: the same observe and deliver path as any other, without a socket.

use std::sync::{Arc, Mutex, PoisonError};

use agents::{Answer, Delivery, Endpoint, Observation, Outcome};
use chrono::Utc;
use domain::{
    fact::PollError,
    ids::{DecisionId, TaskId},
};

use super::script::{Reply, Script};

/// One scripted agent, connected.
pub struct Scripted {
    script: Arc<Mutex<Script>>,
    agent: String,
    last: String,
}

impl Scripted {
    /// Connects to one agent of the script.
    pub fn new(script: Arc<Mutex<Script>>, agent: &str) -> Self {
        Self {
            script,
            agent: agent.to_owned(),
            last: String::new(),
        }
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome(reply: Reply) -> Outcome {
    match reply {
        Reply::Applied => Outcome::Applied,
        Reply::AlreadyResolved(item) => Outcome::AlreadyResolved {
            recorded: item["status"].as_str().map(str::to_owned),
        },
        Reply::Changed => Outcome::Changed,
        Reply::Missing | Reply::Gone => Outcome::Expired,
        Reply::Refused(reason) => Outcome::Refused(reason),
    }
}

impl Endpoint for Scripted {
    fn observe(&mut self) -> Answer<'_, Result<Observation, PollError>> {
        Box::pin(async move {
            let body = self
                .script()
                .status(&self.agent, Utc::now())
                .unwrap_or_default();
            if body == self.last {
                return Ok(Observation::Unchanged);
            }
            self.last.clone_from(&body);
            Ok(Observation::Document {
                body,
                last: true,
                poll_after_seconds: None,
            })
        })
    }

    fn tell_again(&mut self) {
        self.last.clear();
    }

    fn deliver<'a>(&'a mut self, delivery: &'a Delivery) -> Answer<'a, Outcome> {
        Box::pin(async move {
            outcome(self.script().decide(
                &self.agent,
                delivery.escalation.as_str(),
                delivery.id.as_str(),
                Some(&delivery.version),
                &delivery.body,
                Utc::now(),
            ))
        })
    }

    fn cancel<'a>(&'a mut self, task: &'a TaskId, key: &'a DecisionId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            outcome(
                self.script()
                    .cancel(&self.agent, task.as_str(), key.as_str(), Utc::now()),
            )
        })
    }
}

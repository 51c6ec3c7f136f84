//! Where limits are told: GitHub, the LiteLLM proxy, and any Prometheus page. Each is an endpoint whose documents hold
//! `quotas` and nothing else; it asks no questions, has no tasks, and takes no decision.
//!
//! What is told twice is told once: the log gets a line when a number moved, and now and then, so that it does not go stale.
//! A limit that cannot be read is passed on as it came, beside the others: the reader of the contract makes it a dead letter.

pub mod exposition;
mod github;
mod litellm;
pub mod mapping;
mod members;
mod metrics;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};
use domain::{
    fact::PollError,
    ids::{DecisionId, TaskId},
    time::Time,
};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use self::{github::Github, litellm::LiteLlm};
pub use self::{
    members::Refused,
    metrics::{Preview, open_mapped, preview},
};
use crate::{
    Answer, Delivery, Endpoint, Observation, Outcome, Probe, Target,
    http::{Client, Reply},
};

/// Between two looks, seconds: limits move slowly, and asking costs there too.
const EVERY: u32 = 60;
/// A sample counts as stale after ten minutes; told again before that.
const AGAIN: TimeDelta = TimeDelta::seconds(240);

/// Whose limit it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pool {
    /// `github`.
    pub provider: String,
    /// Login or key alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Model or resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// One limit as of now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// What it is called.
    pub name: String,
    /// `requests`, `tokens`, `usd`…
    pub unit: Option<String>,
    /// The whole.
    pub limit: Option<f64>,
    /// What is left.
    pub remaining: Option<f64>,
    /// What is used.
    pub used: Option<f64>,
    /// The same, 0 to 100.
    pub used_percent: Option<f64>,
    /// How long it is.
    pub window_seconds: Option<u64>,
    /// When it begins anew.
    pub reset_at: Option<Time>,
}

/// A limit with whose it is and when that was so.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Whose.
    pub pool: Pool,
    /// The numbers.
    pub window: Window,
    /// When.
    pub observed_at: Time,
}

/// What a source says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// All limits that are known to be so now.
    pub(crate) told: Vec<Told>,
    /// What cannot be read.
    pub(crate) refused: Vec<Refused>,
}

impl Said {
    /// What a mapping made of a page.
    fn add(&mut self, outcome: mapping::Outcome) {
        let found = outcome.found.into_iter();
        self.told.extend(found.map(|found| found.told));
        self.refused.extend(outcome.refused);
    }
}

/// Asks a source of limits.
pub(crate) trait Source: Send {
    /// One look.
    fn ask(&mut self) -> Answer<'_, Result<Said, PollError>>;
}

/// A source as an endpoint.
pub(crate) struct Quotas<S> {
    source: S,
    agent: String,
    name: String,
    /// What was told last of each window, and when.
    last: BTreeMap<(Pool, String), (Window, Time)>,
    /// What could not be read at the last look, and since when: told in the same bytes until it is gone.
    refused: BTreeMap<Refused, String>,
    has_told: bool,
}

impl<S: Source> Quotas<S> {
    fn over(source: S, target: &Target, name: &str) -> Self {
        Self {
            source,
            agent: target.endpoint.as_str().to_owned(),
            name: name.to_owned(),
            last: BTreeMap::new(),
            refused: BTreeMap::new(),
            has_told: false,
        }
    }

    /// Whether something else cannot be read than before. What is good of those limits is then told anew, so that it is
    /// seen to be.
    fn refuse(&mut self, refused: Vec<Refused>) -> bool {
        let now = text(chrono::Utc::now());
        let mut before = std::mem::take(&mut self.refused);
        let mut moved: Vec<Refused> = vec![];
        for bad in refused {
            let since = before.remove(&bad).unwrap_or_else(|| {
                moved.push(bad.clone());
                now.clone()
            });
            self.refused.insert(bad, since);
        }
        moved.extend(before.into_keys());
        self.last
            .retain(|(pool, _), _| moved.iter().all(|bad| bad.pool != *pool));
        !moved.is_empty()
    }

    async fn look(&mut self) -> Result<Observation, PollError> {
        let said = self.source.ask().await?;
        Ok(self.tell(said))
    }

    /// What of it is news.
    fn tell(&mut self, Said { told, refused }: Said) -> Observation {
        let changed = self.refuse(refused);
        let mut news: BTreeMap<(Pool, Time), Vec<Value>> = BTreeMap::new();
        for Told {
            pool,
            window,
            observed_at,
        } in told
        {
            let key = (pool.clone(), window.name.clone());
            let known = self.last.get(&key);
            let is_old = known.is_some_and(|(before, at)| {
                let same = Window {
                    reset_at: before.reset_at,
                    ..window.clone()
                };
                // A window that begins anew is news also when its numbers are the same.
                let same_end = match (before.reset_at, window.reset_at) {
                    (Some(before), Some(now)) => {
                        (now - before).abs() < AGAIN && before > observed_at
                    }
                    (None, None) => true,
                    _ => false,
                };
                same == *before && same_end && observed_at - *at < AGAIN
            });
            if !is_old {
                news.entry((pool, observed_at))
                    .or_default()
                    .push(as_json(&window));
                self.last.insert(key, (window, observed_at));
            }
        }
        if news.is_empty() && !changed && self.has_told {
            return Observation::Unchanged;
        }
        self.has_told = true;
        let good = news.into_iter().map(|((pool, at), windows)| {
            json!({ "pool": pool, "windows": windows, "observedAt": text(at) }).to_string()
        });
        // A good one without them would say that all is well again.
        let bad = self.refused.iter().map(|(bad, since)| bad.item(since));
        let quotas: Vec<_> = good.chain(bad).collect();
        let agent =
            json!({ "id": self.agent, "name": self.name, "status": "online", "limitsOnly": true });
        // What is not in it stays as it was.
        Observation::Document {
            body: format!(
                "{{\"schemaVersion\":\"1.0\",\"snapshot\":false,\"agent\":{agent},\"quotas\":[{}],\"pollAfterSeconds\":{EVERY}}}",
                quotas.join(",")
            ),
            last: true,
            poll_after_seconds: Some(EVERY),
        }
    }
}

impl<S: Source> Endpoint for Quotas<S> {
    fn observe(&mut self) -> Answer<'_, Result<Observation, PollError>> {
        Box::pin(self.look())
    }

    fn tell_again(&mut self) {
        self.last.clear();
        self.has_told = false;
    }

    fn deliver<'a>(&'a mut self, _: &'a Delivery) -> Answer<'a, Outcome> {
        Box::pin(async {
            Outcome::Refused("It only reports limits; it takes no answer.".to_owned())
        })
    }

    fn cancel<'a>(&'a mut self, _: &'a TaskId, _: &'a DecisionId) -> Answer<'a, Outcome> {
        Box::pin(async { Outcome::Refused("It only reports limits; it has no tasks.".to_owned()) })
    }
}

fn text(at: Time) -> String {
    domain::time::format(at)
}

/// Seconds since 1970; `None` when that is no time of our days.
fn time(seconds: f64) -> Option<Time> {
    if !(0.0..=4e9).contains(&seconds) {
        return None;
    }
    DateTime::from_timestamp_millis((seconds * 1000.0) as i64)
}

fn as_json(window: &Window) -> Value {
    // Whole numbers as such: `5000`, not `5000.0`.
    let number = |value: f64| {
        if value.fract() == 0.0 && value.abs() < 9e15 {
            json!(value as i64)
        } else {
            json!(value)
        }
    };
    let mut json = json!({ "name": window.name });
    for (name, value) in [
        ("limit", window.limit),
        ("remaining", window.remaining),
        ("used", window.used),
        ("usedPercent", window.used_percent),
    ] {
        if let Some(value) = value {
            json[name] = number(value);
        }
    }
    if let Some(unit) = &window.unit {
        json["unit"] = json!(unit);
    }
    if let Some(seconds) = window.window_seconds {
        json["windowSeconds"] = json!(seconds);
    }
    if let Some(at) = window.reset_at {
        json["resetAt"] = json!(text(at));
    }
    json
}

/// What is said of every source of limits.
fn probed(kind: crate::Kind, product: &str, url: &str, warnings: &[&str]) -> Probe {
    let mut all = vec![
        "It only reports limits: it has no tasks, asks nothing and takes no answer.".to_owned(),
    ];
    all.extend(warnings.iter().map(|warning| (*warning).to_owned()));
    Probe {
        kind,
        product: Some(product.to_owned()),
        product_version: None,
        protocol_version: None,
        name: Some(product.to_owned()),
        capabilities: vec!["quota".to_owned()],
        warnings: all,
        status_url: Some(url.to_owned()),
    }
}

/// Whether one of the sources answers there, by its first answer. Only what may be a LiteLLM proxy is asked more.
pub(crate) async fn find(client: &Client, first: &Reply) -> Result<Option<Probe>, PollError> {
    if let Some(found) = github::find(client, first).or_else(|| metrics::find(client, first)) {
        return Ok(Some(found));
    }
    litellm::find(client, first).await
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

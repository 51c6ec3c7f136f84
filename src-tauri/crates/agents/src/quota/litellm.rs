//! The LiteLLM proxy: what `/key/info` says of our own key (it needs the proxy's database), and what `/metrics/` says of all
//! keys and models. Either is enough.
//!
//! Its gauges are as old as the last request they were set by, and are never set back. So they are believed only after the
//! counter beside them moved, and for the minute that its limits last.

use std::sync::OnceLock;

use chrono::Utc;
use domain::{fact::PollError, time::Time};
use reqwest::{Url, header::HeaderMap};
use serde_json::Value;

use super::{
    Pool, Quotas, Source, Told, Window,
    mapping::{Mapping, Memory, Rule, apply},
    metrics, probed,
};
use crate::{
    Answer, Kind, Probe, Target,
    http::{Client, Reply, invalid},
};

/// The limits that one key sees.
pub(crate) struct LiteLlm {
    client: Client,
    memory: Memory,
}

impl LiteLlm {
    /// Connects; asks nothing yet.
    pub(crate) fn open(target: &Target) -> Result<Quotas<Self>, PollError> {
        let source = Self {
            client: Client::new(&target.url, target.credential.as_ref())?,
            memory: Memory::default(),
        };
        Ok(Quotas::over(source, target, "LiteLLM limits"))
    }

    async fn limits(&mut self) -> Result<Vec<Told>, PollError> {
        let key = get(&self.client, &["key", "info"]).await?;
        // The proxy sends `/metrics` on to this address; we follow nobody.
        let page = metrics::page(&self.client, beside(self.client.base(), &["metrics", ""])?).await;
        let now = Utc::now();
        let mut told = match &key {
            reply if reply.status.is_success() => of_key(&reply.body, now)?,
            reply if reply.status.as_u16() == 401 => return Err(reply.as_error(now)),
            _ => vec![],
        };
        match page {
            Ok(page) => {
                let page = page.read();
                let outcome = apply(built_in(), &page, &mut self.memory, now);
                told.extend(outcome.found.into_iter().map(|found| found.told));
            }
            // Metrics are off, or for others; the key alone will do.
            Err(error) if !key.status.is_success() => return Err(error),
            Err(_) => {}
        }
        Ok(told)
    }
}

impl Source for LiteLlm {
    fn ask(&mut self) -> Answer<'_, Result<Vec<Told>, PollError>> {
        Box::pin(self.limits())
    }
}

fn beside(base: &Url, segments: &[&str]) -> Result<Url, PollError> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut()
        .map_err(|()| invalid("Its address has no path."))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}

async fn get(client: &Client, segments: &[&str]) -> Result<Reply, PollError> {
    let url = beside(client.base(), segments)?;
    client.get(url, HeaderMap::new()).await
}

/// Budget and limits of a key (`{key, info{…}}`).
fn of_key(body: &[u8], now: Time) -> Result<Vec<Told>, PollError> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| invalid("Its answer is not JSON."))?;
    let Some(info) = body.get("info").filter(|info| info.is_object()) else {
        return Err(invalid("It answers, but says nothing of the key."));
    };
    let text = |member: &str| {
        let text = info.get(member)?.as_str()?.trim();
        Some(text.to_owned()).filter(|text| !text.is_empty())
    };
    let number = |member: &str| info.get(member)?.as_f64().filter(|value| *value >= 0.0);
    let pool = Pool {
        provider: "litellm".to_owned(),
        // Never the key itself; its name is masked there.
        account: text("key_alias").or_else(|| text("key_name")),
        scope: None,
    };
    let mut windows = vec![];
    if let Some(limit) = number("max_budget") {
        let used = number("spend");
        let length = text("budget_duration").and_then(|text| seconds(&text));
        windows.push(Window {
            name: "budget".to_owned(),
            unit: Some("usd".to_owned()),
            limit: Some(limit),
            remaining: used.map(|used| (limit - used).max(0.0)),
            used,
            window_seconds: length,
            reset_at: text("budget_reset_at").and_then(|text| utc(&text)),
            ..Window::default()
        });
    }
    for (member, name, unit) in [
        ("rpm_limit", "requests per minute", "requests"),
        ("tpm_limit", "tokens per minute", "tokens"),
    ] {
        if let Some(limit) = number(member) {
            windows.push(Window {
                name: name.to_owned(),
                unit: Some(unit.to_owned()),
                limit: Some(limit),
                window_seconds: Some(60),
                ..Window::default()
            });
        }
    }
    let observed_at = now;
    Ok(windows
        .into_iter()
        .map(|window| Told {
            pool: pool.clone(),
            window,
            observed_at,
        })
        .collect())
}

/// `30s`, `15m`, `24h`, `30d`, `1w`. A month has no fixed length.
fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// With an offset, or without one, which is UTC there.
fn utc(text: &str) -> Option<Time> {
    let zoned = chrono::DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
    let plain = || text.parse::<chrono::NaiveDateTime>().map(|at| at.and_utc());
    zoned.or_else(|_| plain()).ok()
}

/// The names and labels of the proxy's gauges (1.106).
fn built_in() -> &'static Mapping {
    static BUILT_IN: OnceLock<Mapping> = OnceLock::new();
    BUILT_IN.get_or_init(|| {
        let text = |text: &str| text.to_owned();
        let key = |name: &str, unit: &str, remaining: &str| Rule {
            provider: text("litellm"),
            account: text("{api_key_alias|hashed_api_key}"),
            scope: text("{model}"),
            name: text(name),
            unit: text(unit),
            window_seconds: Some(60),
            remaining: text(remaining),
            resets_in: text("60"),
            moved_by: text("litellm_requests_metric_total"),
            several: text("smallest"),
            ..Rule::default()
        };
        let model = |name: &str, unit: &str, remaining: &str, limit: &str| Rule {
            provider: text("{api_provider}"),
            account: text("{api_base}"),
            scope: text("{litellm_model_name}"),
            limit: text(limit),
            moved_by: text("litellm_deployment_success_responses_total"),
            ..key(name, unit, remaining)
        };
        let budget = Rule {
            provider: text("litellm"),
            account: text("{api_key_alias|hashed_api_key}"),
            name: text("budget"),
            unit: text("usd"),
            limit: text("litellm_api_key_max_budget_metric"),
            remaining: text("litellm_remaining_api_key_budget_metric"),
            resets_in: text("litellm_api_key_budget_remaining_hours_metric * 3600"),
            ..Rule::default()
        };
        Mapping {
            windows: vec![
                key(
                    "requests per minute",
                    "requests",
                    "litellm_remaining_api_key_requests_for_model",
                ),
                key(
                    "tokens per minute",
                    "tokens",
                    "litellm_remaining_api_key_tokens_for_model",
                ),
                budget,
                model(
                    "requests per minute",
                    "requests",
                    "litellm_remaining_requests_metric",
                    "litellm_deployment_rpm_limit",
                ),
                model(
                    "tokens per minute",
                    "tokens",
                    "litellm_remaining_tokens_metric",
                    "litellm_deployment_tpm_limit",
                ),
            ],
        }
    })
}

/// Whether it is the proxy: it names itself on its first page (where that is not switched off), and says at
/// `/health/readiness` how its database is, without a login.
pub(super) async fn find(client: &Client, first: &Reply) -> Result<Option<Probe>, PollError> {
    let names_itself = String::from_utf8_lossy(&first.body)
        .to_lowercase()
        .contains("litellm");
    if !names_itself {
        return Ok(None);
    }
    let ready = get(client, &["health", "readiness"]).await?;
    let said: Option<Value> = serde_json::from_slice(&ready.body).ok();
    let Some(db) = said.as_ref().and_then(|said| said.get("db")?.as_str()) else {
        return Ok(None);
    };
    let mut warnings = vec![];
    if db.eq_ignore_ascii_case("not connected") {
        warnings.push(
            "It runs without a database, so it cannot say the budget of our key; the metrics page is read instead.",
        );
    }
    let page = metrics::page(client, beside(client.base(), &["metrics", ""])?).await;
    match &page {
        Ok(page) if page.read().samples.is_empty() => {
            warnings.push("Its metrics page is empty.");
        }
        Ok(_) => warnings.push(
            "What is left of a model's or key's limit per minute is told only after it was used, and only for that minute.",
        ),
        Err(error) if error.http_status == Some(401) => return Err(error.clone()),
        Err(_) => warnings.push("It serves no metrics page, so only the budget of our key is seen."),
    }
    let url = client.base().to_string();
    Ok(Some(probed(
        Kind::Litellm,
        "LiteLLM proxy",
        &url,
        &warnings,
    )))
}

#[cfg(test)]
mod tests {
    use super::{seconds, utc};

    #[test]
    fn durations_and_times_of_the_proxy_are_read() {
        for (text, expected) in [
            ("30s", Some(30)),
            ("24h", Some(86_400)),
            ("30d", Some(2_592_000)),
            ("1w", Some(604_800)),
            ("1mo", None),
            ("d", None),
            ("", None),
            ("\u{e9}", None),
            ("-1d", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        for (text, is_time) in [
            ("2026-12-01T00:00:00Z", true),
            ("2026-12-01T00:00:00+02:00", true),
            ("2026-12-01T00:00:00.123456", true),
            ("tomorrow", false),
        ] {
            assert_eq!(utc(text).is_some(), is_time, "{text}");
        }
    }
}

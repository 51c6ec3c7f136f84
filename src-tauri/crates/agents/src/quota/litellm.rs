//! The LiteLLM proxy: what `/key/info` says of our own key (it needs the proxy's database), and what `/metrics/` says of all
//! keys and models. Either is enough.
//!
//! Its gauges are as old as the last request they were set by, and are never set back. So they are believed only after the
//! counter beside them moved, and for the minute that its limits last.

use std::sync::OnceLock;

use chrono::Utc;
use domain::{fact::PollError, time::Time};
use reqwest::{Url, header::HeaderMap};
use serde_json::{Value, json};

use super::{
    Pool, Quotas, Refused, Said, Source, Told, Window,
    mapping::{Mapping, Memory, Rule, apply},
    members::{Members, kept},
    metrics, probed,
};
use crate::{
    Answer, Kind, Probe, Target,
    http::{Client, Reply, invalid},
    way,
};

const PROVIDER: &str = "litellm";

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

    async fn limits(&mut self) -> Result<Said, PollError> {
        let key = get(&self.client, &["key", "info"]).await?;
        // The proxy sends `/metrics` on to this address; we follow nobody.
        let page = metrics::page(&self.client, beside(self.client.base(), &["metrics", ""])?).await;
        let now = Utc::now();
        let of_key = match &key {
            reply if reply.status.is_success() => Some(of_key(&reply.body, now)),
            reply if reply.status.as_u16() == 401 => return Err(reply.as_error(now)),
            _ => None,
        };
        let of_page = page.map(|page| {
            let page = page.read();
            let outcome = apply(built_in(), &page, &mut self.memory, now);
            (outcome, page.samples.is_empty())
        });
        let mut said = match (of_key, &of_page) {
            (Some(Ok(said)), _) => said,
            // What the page says stands without the key.
            (Some(Err(_)), Ok((_, false))) => Said {
                refused: vec![unread(&key.body)],
                ..Said::default()
            },
            (Some(Err(error)), _) => return Err(error),
            // Metrics are off, or for others, and there is no key.
            (None, Err(error)) => return Err(error.clone()),
            (None, Ok(_)) => Said::default(),
        };
        if let Ok((outcome, _)) = of_page {
            said.add(outcome);
        }
        Ok(said)
    }
}

impl Source for LiteLlm {
    fn ask(&mut self) -> Answer<'_, Result<Said, PollError>> {
        Box::pin(self.limits())
    }
}

fn beside(base: &Url, segments: &[&str]) -> Result<Url, PollError> {
    way::below(base, false, segments).map_err(invalid)
}

async fn get(client: &Client, segments: &[&str]) -> Result<Reply, PollError> {
    let url = beside(client.base(), segments)?;
    client.get(url, HeaderMap::new()).await
}

/// An answer about the key that says nothing of it, by its beginning.
fn unread(body: &[u8]) -> Refused {
    let text = String::from_utf8_lossy(body);
    let beginning: String = text.chars().take(200).collect();
    let pool = nobodys();
    Refused::new(&pool, json!(pool).to_string(), json!(beginning).to_string())
}

/// Of a key that is not known.
fn nobodys() -> Pool {
    Pool {
        provider: PROVIDER.to_owned(),
        account: None,
        scope: None,
    }
}

/// Budget and limits of a key (`{key, info{…}}`).
pub(crate) fn of_key(body: &[u8], now: Time) -> Result<Said, PollError> {
    let text = std::str::from_utf8(body).ok();
    let body = text.and_then(Members::read);
    let body = body.ok_or_else(|| invalid("Its answer is not JSON."))?;
    let Some((raw, info)) = body.get("info").ok().flatten().and_then(|raw| {
        let info = Members::read(raw)?;
        Some((raw, info))
    }) else {
        return Err(invalid("It answers, but says nothing of the key."));
    };
    let mut said = Said::default();
    let account = match (info.text("key_alias"), info.text("key_name")) {
        // Never the key itself; its name is masked there.
        (Ok(Some(name)), _) | (Ok(None), Ok(Some(name))) => Some(name),
        (Ok(None), Ok(None)) => None,
        // Whose limits these are is not known: they are nobody's.
        (alias, _) => {
            let member = if alias.is_err() {
                "key_alias"
            } else {
                "key_name"
            };
            let name = info.get(member).ok().flatten().unwrap_or(raw);
            let pool = format!("{{\"provider\":\"{PROVIDER}\",\"account\":{}}}", kept(name));
            let refused = Refused::new(&nobodys(), pool, "[]".to_owned());
            said.refused.push(refused);
            return Ok(said);
        }
    };
    let pool = Pool {
        account,
        ..nobodys()
    };
    for window in [
        budget(&info, &pool),
        per_minute(&info, &pool, "rpm_limit", "requests"),
        per_minute(&info, &pool, "tpm_limit", "tokens"),
    ] {
        match window {
            Ok(Some(window)) => said.told.push(Told {
                pool: pool.clone(),
                window,
                observed_at: now,
            }),
            Ok(None) => {}
            // A member that stands twice cannot be said once.
            Err(refused) => said
                .refused
                .push(refused.unwrap_or_else(|| Refused::whole(&pool, "key", raw))),
        }
    }
    Ok(said)
}

/// `Err(None)`: something stands twice.
type Read = Result<Option<Window>, Option<Refused>>;

fn budget(info: &Members<'_>, pool: &Pool) -> Read {
    let refused = |_| {
        let [limit, used, end] =
            ["max_budget", "spend", "budget_reset_at"].map(|member| info.get(member));
        let [limit, used, end] = [limit.ok()?, used.ok()?, end.ok()?];
        // A time without an offset is one there; an end that is good is not said again as what it was.
        let end = end.filter(|_| info.text("budget_reset_at").is_err());
        let said = [("limit", limit), ("used", used), ("resetAt", end)];
        Some(Refused::window(pool, "budget", &said))
    };
    let Some(limit) = info.number("max_budget").map_err(refused)? else {
        return Ok(None);
    };
    let used = info.number("spend").map_err(refused)?;
    // A length that cannot be read is not known; nothing else hangs on it.
    let length = info.text("budget_duration").ok().flatten();
    let end = info.text("budget_reset_at").map_err(refused)?;
    Ok(Some(Window {
        name: "budget".to_owned(),
        unit: Some("usd".to_owned()),
        limit: Some(limit),
        remaining: used.map(|used| (limit - used).max(0.0)),
        used,
        window_seconds: length.and_then(|text| seconds(&text)),
        reset_at: end.and_then(|text| utc(&text)),
        ..Window::default()
    }))
}

fn per_minute(info: &Members<'_>, pool: &Pool, member: &str, unit: &str) -> Read {
    let name = format!("{unit} per minute");
    let limit = info.number(member).map_err(|_| {
        let limit = info.get(member).ok()?;
        Some(Refused::window(pool, &name, &[("limit", limit)]))
    })?;
    Ok(limit.map(|limit| Window {
        name,
        unit: Some(unit.to_owned()),
        limit: Some(limit),
        window_seconds: Some(60),
        ..Window::default()
    }))
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

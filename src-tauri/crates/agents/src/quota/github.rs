//! GitHub's `/rate_limit`: asking it counts against nothing. The limits belong to the user or app of the token, shared by all
//! agents that use it, so the pool is that login.
//!
//! Wire facts: `resources{core, search, graphql, …}{limit, used, remaining, reset}`, `reset` in seconds since 1970; `rate`
//! repeats `core` and is not read.

use chrono::{DateTime, Utc};
use domain::{fact::PollError, time::Time};
use reqwest::{
    Url,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use super::{
    Pool, Quotas, Refused, Said, Source, Told, Window,
    members::{Members, Unusable},
    probed, time,
};
use crate::{
    Answer, Kind, Probe, Target,
    http::{Client, Reply, invalid},
};

const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// The limits of one token, or of this computer's address without one.
pub(crate) struct Github {
    client: Client,
    /// Asked once; `None` = not yet.
    login: Option<Option<String>>,
    has_token: bool,
    endpoint: String,
}

impl Github {
    /// Connects; asks nothing yet.
    pub(crate) fn open(target: &Target) -> Result<Quotas<Self>, PollError> {
        let source = Self {
            client: Client::new(&target.url, target.credential.as_ref())?,
            login: None,
            has_token: target.credential.is_some(),
            endpoint: target.endpoint.as_str().to_owned(),
        };
        Ok(Quotas::over(source, target, "GitHub limits"))
    }

    async fn limits(&mut self) -> Result<Said, PollError> {
        let reply = get(&self.client, "rate_limit").await?;
        if reply.status.as_u16() != 200 {
            return Err(reply.as_error(Utc::now()));
        }
        let text = std::str::from_utf8(&reply.body).ok();
        let body = text.and_then(Members::read);
        let body = body.ok_or_else(|| invalid("Its answer is not JSON."))?;
        let resources = body.get("resources").ok().flatten().and_then(Members::read);
        let resources =
            resources.ok_or_else(|| invalid("It answers, but names no limits as GitHub does."))?;
        let account = self.account().await;
        Ok(read(&resources, account.as_deref(), Utc::now()))
    }

    /// Whose token it is. One that may not ask that is told apart by our name for the endpoint: two tokens are two pools.
    async fn account(&mut self) -> Option<String> {
        if !self.has_token {
            return None;
        }
        if self.login.is_none() {
            self.login = match get(&self.client, "user").await {
                Ok(reply) if reply.status.is_success() => {
                    let user: Option<Value> = serde_json::from_slice(&reply.body).ok();
                    let login = user.and_then(|user| Some(user.get("login")?.as_str()?.to_owned()));
                    Some(login)
                }
                // Tokens of apps have no user; what fails otherwise is asked again.
                Ok(reply) if matches!(reply.status.as_u16(), 403 | 404) => Some(None),
                _ => None,
            };
        }
        let login = self.login.clone().flatten();
        login.or_else(|| Some(self.endpoint.clone()))
    }
}

impl Source for Github {
    fn ask(&mut self) -> Answer<'_, Result<Said, PollError>> {
        Box::pin(self.limits())
    }
}

/// `https://api.github.com/rate_limit` and `https://api.github.com` are the same place.
fn beside(base: &Url, name: &str) -> Option<Url> {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    let is_named = url.path().trim_end_matches('/').ends_with("/rate_limit");
    let mut path = url.path_segments_mut().ok()?;
    path.pop_if_empty();
    if is_named {
        path.pop();
    }
    path.push(name);
    drop(path);
    Some(url)
}

async fn get(client: &Client, name: &str) -> Result<Reply, PollError> {
    let url = beside(client.base(), name).ok_or_else(|| invalid("Its address has no path."))?;
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/vnd.github+json");
    headers.insert(ACCEPT, json);
    headers.insert(VERSION, HeaderValue::from_static("2022-11-28"));
    client.get(url, headers).await
}

/// All resources of an answer.
pub(crate) fn read(resources: &Members<'_>, account: Option<&str>, now: Time) -> Said {
    let mut said = Said::default();
    for (name, raw) in resources.iter() {
        let pool = Pool {
            provider: "github".to_owned(),
            account: account.map(str::to_owned),
            scope: Some(name.to_owned()),
        };
        // Of two of one name nobody knows which is true.
        let read = if resources.count(name) > 1 {
            Err(Refused::twice(&pool, raw))
        } else {
            window(&pool, name, raw)
        };
        match read {
            Ok(Some(window)) => said.told.push(Told {
                pool,
                window,
                observed_at: now,
            }),
            Ok(None) => {}
            Err(refused) => said.refused.push(refused),
        }
    }
    said
}

/// A resource of which nothing is allowed is none of ours.
fn window(pool: &Pool, name: &str, raw: &str) -> Result<Option<Window>, Refused> {
    let Some(limit) = Members::read(raw) else {
        return Err(Refused::whole(pool, name, raw));
    };
    let unusable = |_| match ["limit", "remaining", "used", "reset"].map(|m| limit.get(m)) {
        [Ok(whole), Ok(remaining), Ok(used), Ok(reset)] => {
            // A time that is one is not said again as what it was.
            let reset = reset.filter(|_| limit.number("reset").is_err());
            let said = [
                ("limit", whole),
                ("remaining", remaining),
                ("used", used),
                ("resetAt", reset),
            ];
            Refused::window(pool, name, &said)
        }
        _ => Refused::whole(pool, name, raw),
    };
    let whole = limit.number("limit").map_err(unusable)?;
    let remaining = limit.number("remaining").map_err(unusable)?;
    let used = limit.number("used").map_err(unusable)?;
    let reset = match limit.number("reset") {
        Ok(seconds) => seconds.and_then(time),
        // Not as GitHub tells it, but a time.
        Err(_) => {
            let text = limit.text("reset").map_err(unusable)?;
            let at = text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
            Some(at.ok_or_else(|| unusable(Unusable))?.with_timezone(&Utc))
        }
    };
    if whole.or(remaining).or(used).is_none() {
        // Negative: not known. Absent: no limit as GitHub tells them.
        let is_said = limit.iter().any(|(_, raw)| raw.starts_with('-'));
        return if is_said {
            Ok(None)
        } else {
            Err(Refused::whole(pool, name, raw))
        };
    }
    if whole == Some(0.0) {
        return Ok(None);
    }
    // What GitHub's documentation says of each; the answer does not.
    let seconds = match name {
        "core" | "graphql" | "integration_manifest" => Some(3600),
        "search" | "code_search" => Some(60),
        _ => None,
    };
    let unit = if name == "graphql" {
        "points"
    } else {
        "requests"
    };
    Ok(Some(Window {
        name: name.to_owned(),
        unit: Some(unit.to_owned()),
        limit: whole,
        remaining,
        used,
        used_percent: None,
        window_seconds: seconds,
        reset_at: reset,
    }))
}

/// Whether it is GitHub: the root of its API names the address of its limits, which itself names them.
pub(super) fn find(client: &Client, first: &Reply) -> Option<Probe> {
    let body: Value = serde_json::from_slice(&first.body).ok()?;
    let is_root = body.get("rate_limit_url").is_some_and(Value::is_string);
    let is_limits = body.pointer("/resources/core/limit").is_some();
    if first.status.as_u16() != 200 || !(is_root || is_limits) {
        return None;
    }
    let url = beside(client.base(), "rate_limit")?;
    let warnings = [
        "Asking it counts against no limit. Once after each start it is asked whose token it is, which counts as one request.",
        "Secondary limits are told only in refused answers, so they are not seen here.",
    ];
    let (kind, product) = (Kind::Github, "GitHub limits");
    Some(probed(kind, product, url.as_str(), &warnings))
}

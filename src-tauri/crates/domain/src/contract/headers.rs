//! Rate limits in raw response headers of providers, as windows of a pool.
//!
//! Knows the families in use; what it does not know, and a number that cannot be one, says nothing: unknown is never
//! zero.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};

use super::QuotaWindow;
use crate::time::Time;

/// All windows of a subscription together.
const WHOLE: &str = "unified";

/// Larger numbers of seconds are a date.
const EPOCH: f64 = 1e9;

/// No date in seconds is as large; what is larger counts in thousandths, or thousandths of those.
const SECONDS: f64 = 1e11;

/// The windows that headers tell of, by name. `at`: when they were received.
pub(super) fn windows(headers: &[(String, String)], at: Option<Time>) -> Vec<QuotaWindow> {
    let mut found: BTreeMap<String, QuotaWindow> = BTreeMap::new();
    let bare = bare(headers);
    for (name, value) in headers {
        let value = value.trim();
        if let Some(rest) = name.strip_prefix("anthropic-ratelimit-unified-") {
            unified(&mut found, rest, value, at);
        } else if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
            if let Some((of, field)) = rest.rsplit_once('-') {
                set(window(&mut found, of), field, value, at);
            }
        } else if let Some(rest) = name.strip_prefix("x-codex-") {
            codex(&mut found, rest, value, at);
        } else if let Some(rest) = name.strip_prefix("x-ratelimit-") {
            let (field, of) = rest.split_once('-').unwrap_or((rest, ""));
            if matches!(field, "limit" | "remaining" | "used" | "reset") {
                let of = if of.is_empty() { bare } else { of };
                set(window(&mut found, of), field, value, at);
            }
        } else if let Some(field) = name.strip_prefix("ratelimit-") {
            if field == "policy" {
                structured(&mut found, value, at);
            } else if matches!(field, "limit" | "remaining" | "reset") {
                set(window(&mut found, "requests"), field, value, at);
            }
        } else if name == "ratelimit" {
            structured(&mut found, value, at);
        }
    }
    // The whole is refused by one of its windows, if that says so.
    let rejected = |w: &QuotaWindow| w.status.as_deref() == Some("rejected");
    if found.iter().any(|(name, w)| name != WHOLE && rejected(w)) {
        found.remove(WHOLE);
    }
    let told = |w: &QuotaWindow| {
        let numbers = [w.limit, w.remaining, w.used, w.used_percent];
        numbers.iter().any(Option::is_some) || w.status.is_some()
    };
    found.into_values().filter(told).collect()
}

/// What a limit without a name in its headers is for.
fn bare(headers: &[(String, String)]) -> &str {
    let resource = headers.iter().find(|(n, _)| n == "x-ratelimit-resource");
    resource.map_or("requests", |(_, value)| value.trim())
}

fn window<'w>(found: &'w mut BTreeMap<String, QuotaWindow>, name: &str) -> &'w mut QuotaWindow {
    let unit = ["tokens", "requests"]
        .into_iter()
        .find(|u| name.contains(u));
    found.entry(name.to_owned()).or_insert_with(|| QuotaWindow {
        name: name.to_owned(),
        limit: None,
        remaining: None,
        used: None,
        used_percent: None,
        unit: unit.map(str::to_owned),
        window_seconds: None,
        reset_at: None,
        status: None,
    })
}

fn set(window: &mut QuotaWindow, field: &str, value: &str, at: Option<Time>) {
    match field {
        "limit" => window.limit = number(value),
        "remaining" => window.remaining = number(value),
        "used" => window.used = number(value),
        "reset" => window.reset_at = reset(value, at),
        _ => {}
    }
}

/// Windows of a subscription: a fraction used, and when each starts anew.
fn unified(found: &mut BTreeMap<String, QuotaWindow>, rest: &str, value: &str, at: Option<Time>) {
    let Some((of, field)) = rest.split_once('-') else {
        match rest {
            // Only a refusal says something of the whole.
            "status" if value == "rejected" => {
                window(found, WHOLE).status = Some(value.to_owned());
            }
            "reset" => window(found, WHOLE).reset_at = reset(value, at),
            _ => {}
        }
        return;
    };
    let length = match of {
        "5h" => Some(5 * 3600),
        "7d" | "7d_oi" => Some(7 * 86_400),
        _ => None,
    };
    if length.is_none() && of != "overage" {
        return;
    }
    let window = window(found, of);
    window.window_seconds = length;
    match field {
        "utilization" => window.used_percent = number(value).map(|part| part * 100.0),
        "reset" => window.reset_at = reset(value, at),
        "status" => window.status = Some(value.to_owned()),
        _ => {}
    }
}

fn codex(found: &mut BTreeMap<String, QuotaWindow>, rest: &str, value: &str, at: Option<Time>) {
    let Some((of @ ("primary" | "secondary"), field)) = rest.split_once('-') else {
        return;
    };
    let window = window(found, of);
    match field {
        "used-percent" => window.used_percent = number(value),
        "window-minutes" => {
            window.window_seconds = number(value).map(|minutes| (minutes * 60.0) as u64);
        }
        "reset-at" => window.reset_at = reset(value, at),
        _ => {}
    }
}

/// `limit=100, remaining=50, reset=30`, or by name: `"name";r=50;t=30` and `"name";q=100;w=60;qu="requests"`, several joined by commas.
fn structured(found: &mut BTreeMap<String, QuotaWindow>, value: &str, at: Option<Time>) {
    for item in value.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().trim_matches('"');
        if name.is_empty() {
            continue;
        }
        if let Some((field, value)) = name.split_once('=') {
            if matches!(field, "limit" | "remaining" | "reset") {
                set(window(found, "requests"), field, value, at);
            }
            continue;
        }
        let window = window(found, name);
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key {
                "q" => window.limit = number(value),
                "r" => window.remaining = number(value),
                "w" => window.window_seconds = number(value).map(|seconds| seconds as u64),
                "t" => window.reset_at = reset(value, at),
                "qu" => window.unit = Some(value.trim_matches('"').to_owned()),
                _ => {}
            }
        }
    }
}

/// Negative numbers stand for "not told" with some providers.
fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// A date, seconds, milliseconds or less since 1970, seconds from now, or a length of time like `1m30.5s`.
fn reset(text: &str, at: Option<Time>) -> Option<Time> {
    if let Some(date) = super::read_time(text) {
        return Some(date);
    }
    if let Some(seconds) = number(text) {
        if seconds > EPOCH {
            let mut seconds = seconds;
            while seconds > SECONDS {
                seconds /= 1000.0;
            }
            return DateTime::from_timestamp(seconds as i64, 0);
        }
        return Some(at? + millis(seconds));
    }
    Some(at? + millis(length(text)?))
}

fn millis(seconds: f64) -> TimeDelta {
    TimeDelta::milliseconds((seconds * 1000.0).min(1e14) as i64)
}

/// `12ms`, `1s`, `6m0s`, `1h2m3.5s`.
fn length(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (count, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.');
        let (unit, tail) = tail.split_at(letters.unwrap_or(tail.len()));
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            "us" | "µs" => 0.000_001,
            "ns" => 0.0,
            _ => return None,
        };
        seconds += number(count)? * unit;
        rest = tail;
    }
    (!text.is_empty()).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected`: name, limit, remaining, used per cent, seconds until it starts anew.
    type Told<'a> = (&'a str, Option<f64>, Option<f64>, Option<f64>, Option<i64>);

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: &[Told<'_>]) {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let windows = windows(&headers, Some(at));
        let told: Vec<Told<'_>> = windows
            .iter()
            .map(|w| {
                let reset = w.reset_at.map(|reset| (reset - at).num_seconds());
                (w.name.as_str(), w.limit, w.remaining, w.used_percent, reset)
            })
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn each_known_family_is_read() {
        check(
            &[
                ("x-ratelimit-limit-requests", "60"),
                ("x-ratelimit-remaining-requests", "59"),
                ("x-ratelimit-reset-requests", "1m30.5s"),
                ("x-ratelimit-limit-tokens", "1000"),
                ("x-ratelimit-remaining-tokens", "-1"),
                ("x-ratelimit-reset-tokens", "12"),
            ],
            &[
                ("requests", Some(60.0), Some(59.0), None, Some(90)),
                ("tokens", Some(1000.0), None, None, Some(12)),
            ],
        );
        check(
            &[
                ("anthropic-ratelimit-input-tokens-limit", "400"),
                ("anthropic-ratelimit-input-tokens-remaining", "300"),
                (
                    "anthropic-ratelimit-input-tokens-reset",
                    "2027-01-15T08:01:00Z",
                ),
            ],
            &[("input-tokens", Some(400.0), Some(300.0), None, Some(60))],
        );
        check(
            &[
                ("anthropic-ratelimit-unified-status", "allowed"),
                ("anthropic-ratelimit-unified-5h-utilization", "0.25"),
                ("anthropic-ratelimit-unified-5h-reset", "1800000100"),
                ("anthropic-ratelimit-unified-5h-status", "allowed"),
            ],
            &[("5h", None, None, Some(25.0), Some(100))],
        );
        check(
            &[
                ("x-codex-primary-used-percent", "40"),
                ("x-codex-primary-window-minutes", "300"),
                ("x-codex-primary-reset-at", "1800000300"),
                ("x-codex-credits-balance", "3"),
            ],
            &[("primary", None, None, Some(40.0), Some(300))],
        );
        check(
            &[
                ("x-ratelimit-limit", "5000"),
                ("x-ratelimit-remaining", "4999"),
                ("x-ratelimit-reset", "1800000060"),
                ("x-ratelimit-resource", "core"),
            ],
            &[("core", Some(5000.0), Some(4999.0), None, Some(60))],
        );
        check(
            &[
                (
                    "ratelimit-policy",
                    "\"burst\";q=100;w=60;qu=\"requests\", \"day\";q=9",
                ),
                ("ratelimit", "\"burst\";r=50;t=30"),
            ],
            &[
                ("burst", Some(100.0), Some(50.0), None, Some(30)),
                ("day", Some(9.0), None, None, None),
            ],
        );
    }

    #[test]
    fn a_date_is_read_in_whatever_part_of_a_second_it_is_counted() {
        for (reset, seconds) in [
            ("1800000060", 60),
            ("1800000060000", 60),
            ("1800000060500", 60),
            ("1800000060000000", 60),
            ("1800000060000000000", 60),
            ("60", 60),
            ("60000", 60_000),
        ] {
            check(
                &[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", reset)],
                &[("requests", None, Some(7.0), None, Some(seconds))],
            );
        }
    }

    #[test]
    fn a_refusal_of_the_whole_and_numbers_in_one_header_are_read() {
        check(
            &[
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-reset", "1800000100"),
            ],
            &[("unified", None, None, None, Some(100))],
        );
        check(
            &[
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-5h-status", "rejected"),
            ],
            &[("5h", None, None, None, None)],
        );
        check(
            &[("ratelimit", "limit=100, remaining=0, reset=50")],
            &[("requests", Some(100.0), Some(0.0), None, Some(50))],
        );
    }

    #[test]
    fn what_is_not_known_says_nothing() {
        check(
            &[
                ("x-ratelimit-limit-requests", "many"),
                ("x-ratelimit-fantasy", "7"),
                ("anthropic-ratelimit-unified-fallback", "0.5"),
                ("retry-after", "30"),
                ("content-type", "application/json"),
            ],
            &[],
        );
    }
}

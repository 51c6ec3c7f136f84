//! Every reader of limits against inputs that nobody would write: a page and a mapping, GitHub's answer, the proxy's. What
//! is told was said, each limit once; what is refused stays refused, and breaks nothing beside it.

use chrono::DateTime;
use domain::contract::{self, Document};
use serde_json::{Value, json};

use super::{
    exposition::{self, Sample},
    mapping::{Mapping, Memory, apply, check},
    members::Members,
    *,
};
use crate::fuzz::mutate::{fuzz, seeds};

fn now() -> Time {
    DateTime::from_timestamp(1_795_259_227, 0).expect("a time")
}

struct Silent;

impl Source for Silent {
    fn ask(&mut self) -> Answer<'_, Result<Said, PollError>> {
        Box::pin(async { Ok(Said::default()) })
    }
}

/// What the reader of the contract makes of what a source said.
fn read(said: Said) -> Document {
    let target = Target {
        endpoint: "e".into(),
        kind: crate::Kind::Github,
        url: "http://127.0.0.1/".to_owned(),
        credential: None,
        known_tasks: vec![],
        known_questions: vec![],
    };
    let mut quotas = Quotas::over(Silent, &target, "Limits");
    let Observation::Document { body, .. } = quotas.tell(said) else {
        panic!("the first look tells nothing");
    };
    contract::read(body.as_bytes()).unwrap_or_else(|problem| panic!("{}: {body}", problem.message))
}

/// What is told is told whole, and nothing that was refused; a name that is too long loses its own pool only.
fn hold(said: Said) {
    let Said { told, refused } = said.clone();
    let document = read(said);
    let mut keys: Vec<_> = told
        .iter()
        .map(|told| (&told.pool, &told.window.name))
        .collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(all, keys.len(), "a limit is told twice: {told:?}");
    let shown: Vec<_> = document.quotas.iter().flatten().collect();
    let windows = |told: &Told| {
        let of_pool = shown.iter().filter(|item| {
            let pool = &item.value.pool;
            (&pool.provider, &pool.account, &pool.scope)
                == (&told.pool.provider, &told.pool.account, &told.pool.scope)
        });
        of_pool
            .flat_map(|item| &item.value.windows)
            .filter(|window| window.name == told.window.name)
            .cloned()
            .collect::<Vec<_>>()
    };
    for told in &told {
        let Window {
            limit,
            remaining,
            used,
            used_percent,
            ..
        } = &told.window;
        for number in [limit, remaining, used, used_percent].into_iter().flatten() {
            assert!(number.is_finite() && *number >= 0.0, "{told:?}");
        }
        match windows(told).as_slice() {
            [shown] => {
                assert_eq!(
                    (&shown.limit, &shown.remaining, &shown.used),
                    (limit, remaining, used)
                );
                assert_eq!(shown.reset_at, told.window.reset_at);
            }
            [] => {
                let names = [&told.pool.provider, &told.window.name];
                let optional = [&told.pool.account, &told.pool.scope].into_iter().flatten();
                let odd = |name: &String| name.is_empty() || name.len() > 512;
                assert!(
                    names.into_iter().chain(optional).any(odd)
                        || said_beside(&told.pool, &document),
                    "{told:?}"
                );
            }
            several => panic!("{several:?}"),
        }
    }
    let count: usize = shown.iter().map(|item| item.value.windows.len()).sum();
    assert!(count <= told.len(), "something refused is told: {shown:?}");
    let items: std::collections::BTreeSet<_> = document
        .problems
        .iter()
        .filter_map(|p| p.pointer.split('/').nth(2))
        .collect();
    assert!(
        items.len()
            >= refused
                .iter()
                .collect::<std::collections::BTreeSet<_>>()
                .len()
    );
    for problem in &document.problems {
        assert!(
            problem.message.ends_with('.') && !problem.raw.is_empty(),
            "{problem:?}"
        );
    }
}

/// Whether a window of the same pool made its item unusable.
fn said_beside(pool: &Pool, document: &Document) -> bool {
    document.problems.iter().any(|problem| {
        let item: Value = serde_json::from_str(&problem.raw).unwrap_or_default();
        item["pool"] == json!(pool)
    })
}

fn line(sample: &Sample<'_>) -> String {
    let quoted = |text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{}\"", text.replace('\n', "\\n"))
    };
    let labels = sample.labels.iter();
    let labels = labels.map(|(name, value)| format!(",{}={}", quoted(name), quoted(value)));
    let at = sample.at.map_or(String::new(), |at| format!(" {at}"));
    format!(
        "{{{}{}}} {}{at}",
        quoted(&sample.name),
        labels.collect::<String>(),
        sample.value
    )
}

/// Each line is a sample, a comment or a problem; what is read, written again, is read as the same.
#[test]
fn pages_of_metrics() {
    let mapping: Mapping = serde_json::from_value(json!({ "windows": [
        { "provider": "gateway", "account": "{key}", "scope": "{model}", "name": "requests", "remaining": "requests_left", "limit": "requests_limit", "windowSeconds": 60 },
        { "provider": "{key|model}", "name": "{nothing|key}", "remaining": "requests_left", "several": "smallest", "movedBy": "tokens_used_total" },
        { "provider": "gateway", "account": "{key}", "name": "tokens", "used": "tokens_used_total", "countsUp": true, "windowSeconds": 60, "several": "sum" },
        { "provider": "gateway", "account": "{key}", "name": "budget", "remaining": "budget_left * 2", "limit": "budget_whole", "resetsIn": "reset_hours * 3600", "resetsAt": "reset_at" },
        { "provider": "gateway", "name": "part", "usedPercent": "percent{key!=\"a\"}" },
    ] }))
    .expect("a mapping");
    fuzz(
        "metrics page",
        &seeds("fuzz/metrics", ".txt", false),
        |input| {
            let text = String::from_utf8_lossy(input);
            for seconds in [false, true] {
                let page = exposition::read(&text, seconds);
                assert!(page.samples.len() + page.unread <= text.split('\n').count());
                assert!(page.problems.len() <= page.unread && page.refused.len() <= page.unread);
                for (_, line) in &page.refused {
                    assert!(text.contains(line));
                }
                let again: String = page
                    .samples
                    .iter()
                    .map(|sample| line(sample) + "\n")
                    .collect();
                let again = exposition::read(&again, true);
                assert_eq!(again.unread, 0, "{:?}", again.problems);
                let bits = |sample: &Sample<'_>| {
                    (sample.value.is_nan(), sample.value.to_string(), sample.at)
                };
                for (one, other) in page.samples.iter().zip(&again.samples) {
                    assert_eq!(
                        (&one.name, &one.labels, bits(one)),
                        (&other.name, &other.labels, bits(other))
                    );
                }
                assert_eq!(page.samples.len(), again.samples.len());

                let mut memory = Memory::default();
                let outcome = apply(&mapping, &page, &mut memory, now());
                for found in &outcome.found {
                    for (_, from) in &found.from {
                        assert!(!from.is_empty());
                    }
                    // The first rule reckons nothing: what is left stands on the page.
                    let left = found.told.window.remaining;
                    let stands = |left: f64| {
                        page.samples
                            .iter()
                            .any(|s| s.name == "requests_left" && s.value.max(0.0) == left)
                    };
                    assert!(found.rule != 0 || left.is_none_or(stands), "{found:?}");
                }
                let mut said = Said::default();
                said.add(outcome);
                // Rules may name the same limit; each rule tells it once.
                let mut seen = std::collections::BTreeSet::new();
                said.told
                    .retain(|told| seen.insert((told.pool.clone(), told.window.name.clone())));
                hold(said);
                let later = apply(&mapping, &page, &mut memory, now() + TimeDelta::seconds(30));
                let risen = later.found.iter().filter(|found| found.rule == 2);
                for found in risen {
                    assert_eq!(found.told.window.used, Some(0.0), "nothing rose: {found:?}");
                }
            }
        },
    );
}

/// A mapping is usable or says why; one that is, works on a page and is written as it was read.
#[test]
fn mappings_that_people_write() {
    let page = String::from_utf8(seeds("fuzz/metrics", ".txt", false).remove(0)).expect("text");
    let page = exposition::read(&page, false);
    fuzz("mapping", &seeds("fuzz/mapping", ".json", false), |input| {
        let Ok(mapping) = serde_json::from_slice::<Mapping>(input) else {
            return;
        };
        let again = serde_json::to_string(&mapping).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Mapping>(&again).expect("a mapping"),
            mapping
        );
        let is_usable = match check(&mapping) {
            Ok(()) => true,
            Err(problem) => {
                let words = problem.detail.unwrap_or_default();
                assert!(words.ends_with('.'), "{words}");
                false
            }
        };
        let outcome = apply(&mapping, &page, &mut Memory::default(), now());
        for (rule, problem) in &outcome.problems {
            assert!(
                *rule < mapping.windows.len() && problem.ends_with('.'),
                "{problem}"
            );
        }
        if is_usable {
            for found in outcome.found {
                hold(Said {
                    told: vec![found.told],
                    refused: vec![],
                });
            }
        }
    });
}

#[test]
fn what_github_answers() {
    let mut all = seeds("quotas", "github-rate-limit.json", false);
    all.extend(seeds("fuzz/github", ".json", false));
    fuzz("github", &all, |input| {
        let Some(body) = std::str::from_utf8(input).ok().and_then(Members::read) else {
            return;
        };
        let Some(resources) = body.get("resources").ok().flatten().and_then(Members::read) else {
            return;
        };
        let said = github::read(&resources, Some("me"), now());
        assert!(said.told.len() + said.refused.len() <= resources.iter().count());
        for told in &said.told {
            let raw = resources
                .get(&told.window.name)
                .ok()
                .flatten()
                .expect("it was said");
            let value: Value = serde_json::from_str(raw).unwrap_or_default();
            let number = |name: &str| value[name].as_f64().filter(|number| *number >= 0.0);
            if !value.is_null() {
                assert_eq!(told.window.limit, number("limit"), "{raw}");
                assert_eq!(told.window.remaining, number("remaining"), "{raw}");
                assert_eq!(told.window.used, number("used"), "{raw}");
            }
        }
        // Everything is told, refused, or said to be nothing or unknown.
        for (name, raw) in resources.iter() {
            let told = said.told.iter().any(|told| told.window.name == name);
            let refused = said
                .refused
                .iter()
                .any(|bad| bad.pool.scope.as_deref() == Some(name));
            let is_nothing = raw.contains('0') || raw.contains('-');
            assert!(told || refused || is_nothing, "{name} {raw} is lost");
        }
        hold(said);
    });
}

#[test]
fn what_a_proxy_says_of_a_key() {
    let mut all = seeds("quotas", "litellm-key-info.json", false);
    all.extend(seeds("fuzz/key", ".json", false));
    fuzz("litellm key", &all, |input| {
        let Ok(said) = litellm::of_key(input, now()) else {
            return;
        };
        let body: Value = serde_json::from_slice(input).unwrap_or_default();
        for told in &said.told {
            let number = |name: &str| body["info"][name].as_f64();
            if !body.is_null() {
                let named = match told.window.name.as_str() {
                    "budget" => number("max_budget"),
                    "requests per minute" => number("rpm_limit"),
                    _ => number("tpm_limit"),
                };
                assert_eq!(told.window.limit, named, "{told:?}");
            }
        }
        hold(said);
    });
}

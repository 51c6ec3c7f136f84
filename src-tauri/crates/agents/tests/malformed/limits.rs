//! The same three hundred bodies against the sources of limits. What stands beside a bad limit is told in its own
//! numbers; the bad one is a dead letter, or says nothing where its number is said to be unknown, but never a number that
//! nobody said.

use agents::{
    Kind,
    quota::{mapping::Mapping, open_mapped},
};
use domain::contract::{Document, QuotaWindow};
use serde_json::{Value, json};

use super::{bodies, look, look_with, serve, target, told_as_letters};

/// Windows by pool and name.
fn windows(document: &Document) -> Vec<(String, QuotaWindow)> {
    let quotas = document.quotas.iter().flatten();
    let all = quotas.flat_map(|quota| {
        let pool = quota.value.pool.key();
        let windows = quota.value.windows.iter();
        windows.map(move |window| (pool.clone(), window.clone()))
    });
    all.collect()
}

/// The windows that stay good: pool, name, limit, remaining.
type Good = [(&'static str, &'static str, f64, Option<f64>)];

/// Nothing is lost, changed or made up. `at_most`: so many more windows may be there; each of them holds no other numbers
/// than `numbers` allows.
fn judge(
    document: &Document,
    good: &Good,
    at_most: usize,
    numbers: fn(&QuotaWindow) -> bool,
    what: &str,
) {
    let all = windows(document);
    for (pool, name, limit, remaining) in good {
        let found: Vec<_> = all
            .iter()
            .filter(|(known, window)| known == pool && window.name == *name)
            .collect();
        assert_eq!(found.len(), 1, "{pool} {name} beside {what}: {document:?}");
        let window = &found[0].1;
        assert_eq!(
            (window.limit, window.remaining),
            (Some(*limit), *remaining),
            "{what}"
        );
    }
    assert!(all.len() <= good.len() + at_most, "{what}: {all:?}");
    for (pool, window) in &all {
        let is_good = good
            .iter()
            .any(|(known, name, ..)| known == pool && window.name == *name);
        assert!(is_good || numbers(window), "{pool} {window:?} of {what}");
    }
    for list in [
        document.tasks.as_ref().map(Vec::len),
        document.escalations.as_ref().map(Vec::len),
    ] {
        assert_eq!(list, None, "{what}");
    }
    told_as_letters(document, what);
}

struct Way {
    kind: Kind,
    path: &'static str,
    more: fn(&str) -> Option<&'static str>,
    item: Value,
    around: (&'static str, &'static str),
    good: &'static Good,
    /// How many windows the damaged item has while it is good.
    own: usize,
    numbers: fn(&QuotaWindow) -> bool,
}

/// What the items below say, and no other numbers: unknown ones are absent, not zero.
fn said(window: &QuotaWindow) -> bool {
    let is = |number: Option<f64>, known: &[f64]| number.is_none_or(|n| known.contains(&n));
    // A huge number is one: it came so.
    let huge = 123_456_789_012_345_678_901_234_567_890.5;
    is(window.limit, &[50.0, 10.0, 60.0, 20000.0, 0.0, huge])
        && is(window.remaining, &[40.0, 2.75, 0.0, huge])
        && is(window.used, &[10.0, 7.25, huge])
        && window.used_percent.is_none()
}

async fn check(way: Way) {
    let (url, body) = serve(way.path, "text/plain", way.more).await;
    let (before, after) = way.around;
    let whole = |bad: &str| format!("{before}{bad}{after}");
    let set = |bytes: Vec<u8>| *body.lock().expect("the body") = bytes;
    let good = whole(&way.item.to_string());
    set(good.clone().into_bytes());
    let seen = look(way.kind, &url, "nothing wrong").await;
    let seen = seen.unwrap_or_else(|| panic!("{:?}: the good one is not read", way.kind));
    assert_eq!(seen.problems, [], "{:?}", way.kind);
    assert_eq!(windows(&seen).len(), way.good.len() + way.own, "{seen:?}");
    judge(&seen, way.good, way.own, way.numbers, "nothing wrong");

    let items = bodies::items(&way.item);
    let wholes = bodies::wholes(&good);
    assert_eq!(items.len() + wholes.len(), 300);
    let mut letters = 0;
    for bad in items {
        let what: String = bad.chars().take(400).collect();
        set(whole(&bad).into_bytes());
        let document = look(way.kind, &url, &what).await;
        let document =
            document.unwrap_or_else(|| panic!("{:?} lost everything with {what}", way.kind));
        letters += document.problems.len().min(1);
        judge(&document, way.good, way.own, way.numbers, &what);
    }
    // Most of what is wrong is said to be; the rest is nothing that is read, or a number said to be unknown.
    assert!(letters > 80, "{:?}: only {letters} are told", way.kind);
    for bad in wholes {
        let what = String::from_utf8_lossy(&bad[..bad.len().min(200)]).into_owned();
        set(bad);
        if let Some(document) = look(way.kind, &url, &what).await {
            for (_, window) in windows(&document) {
                let known = [
                    "core",
                    "search",
                    "bad",
                    "budget",
                    "requests per minute",
                    "tokens per minute",
                ];
                assert!(known.contains(&window.name.as_str()), "{window:?}: {what}");
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_resource_of_github_loses_only_itself() {
    check(Way {
        kind: Kind::Github,
        path: "/rate_limit",
        more: |_| None,
        item: json!({"limit": 50, "used": 10, "remaining": 40, "reset": 1_795_262_827_u64}),
        around: (
            r#"{"resources":{"core":{"limit":5000,"used":1,"remaining":4999,"reset":1795262827},"bad":"#,
            r#","search":{"limit":30,"used":12,"remaining":18,"reset":1795262827}},"rate":{"limit":5000}}"#,
        ),
        good: &[
            ("github//core", "core", 5000.0, Some(4999.0)),
            ("github//search", "search", 30.0, Some(18.0)),
        ],
        own: 1,
        numbers: said,
    })
    .await;
}

/// The page stands beside the key: what is wrong with one is nothing to the other.
#[tokio::test]
async fn a_malformed_key_of_litellm_loses_only_what_is_wrong_with_it() {
    check(Way {
        kind: Kind::Litellm,
        path: "/key/info",
        more: |path| match path {
            "/metrics/" => Some(BUDGETS),
            _ => None,
        },
        item: json!({"key_name": "sk-...9xQw", "key_alias": "mine", "spend": 7.25, "max_budget": 10.0, "budget_duration": "30d",
            "budget_reset_at": "2026-12-01T00:00:00Z", "tpm_limit": 20000, "rpm_limit": 60}),
        around: (r#"{"key":"2c1b","info":"#, "}"),
        good: &[("litellm/other", "budget", 100.0, Some(25.0))],
        own: 3,
        numbers: said,
    })
    .await;
}

const BUDGETS: &str = "litellm_remaining_api_key_budget_metric{api_key_alias=\"other\"} 25\nlitellm_api_key_max_budget_metric{api_key_alias=\"other\"} 100\n";

/// Pages of which one line, or all of it, is damaged: each kind of damage at each place.
fn lines() -> Vec<String> {
    let long = "x".repeat(70_000);
    let deep = "{".repeat(1000);
    let odd = [
        "",
        "{}",
        "{",
        "}",
        "\"",
        "\\",
        "\\n",
        "=",
        ",",
        "#",
        "null",
        "-1",
        "NaN",
        "1e999",
        "0x10",
        "1_000",
        "٣",
        "\u{0}",
        "\u{202e}",
        "\u{feff}",
        "123456789012345678901234567890.5",
        "9.3e18",
        long.as_str(),
        deep.as_str(),
        "# TYPE left gauge",
    ];
    let places = [
        "left",
        "{",
        "team",
        "=",
        "\"bad\"",
        "}",
        " ",
        "7",
        " 1795259227000",
    ];
    let mut all = vec![];
    for place in 0..places.len() {
        for odd in odd {
            let mut line = places.map(str::to_owned);
            odd.clone_into(&mut line[place]);
            all.push(line.concat());
        }
    }
    all.truncate(bodies::ITEMS);
    assert_eq!(all.len(), bodies::ITEMS);
    all
}

#[tokio::test]
async fn a_malformed_line_of_a_metrics_page_loses_only_itself() {
    let (url, body) = serve("/metrics", "text/plain; version=0.0.4", |_| None).await;
    let url = format!("{url}/metrics");
    let mapping: Mapping = serde_json::from_value(json!({ "windows": [
        { "provider": "gateway", "account": "{team}", "name": "calls", "remaining": "left", "limit": "100" },
    ] }))
    .expect("a mapping");
    let set = |bytes: Vec<u8>| *body.lock().expect("the body") = bytes;
    let good: &Good = &[
        ("gateway/red", "calls", 100.0, Some(5.0)),
        ("gateway/blue", "calls", 100.0, Some(50.0)),
    ];
    let whole = |bad: &str| format!("left{{team=\"red\"}} 5\n{bad}\nleft{{team=\"blue\"}} 50\n");
    let numbers: fn(&QuotaWindow) -> bool = |window| {
        // Without its number, its time stands where the number should.
        let huge = [7.0, 1_795_259_227_000.0];
        window
            .remaining
            .is_none_or(|left| huge.contains(&left) || left == 0.0)
    };
    let open = || open_mapped(&target(Kind::Prometheus, &url), mapping.clone()).expect("it opens");
    let mut letters = 0;
    for bad in lines() {
        let what: String = bad.chars().take(400).collect();
        set(whole(&bad).into_bytes());
        let document = look_with(open(), &what).await;
        let document = document.unwrap_or_else(|| panic!("everything is lost with {what}"));
        letters += document.problems.len().min(1);
        judge(&document, good, 1, numbers, &what);
    }
    assert!(letters > 80, "only {letters} are told");
    for bad in bodies::wholes(&whole("left{team=\"bad\"} 7 1795259227000")) {
        let what = String::from_utf8_lossy(&bad[..bad.len().min(200)]).into_owned();
        set(bad);
        if let Some(document) = look_with(open(), &what).await {
            for (pool, window) in windows(&document) {
                assert!(
                    pool.starts_with("gateway/") && window.name == "calls",
                    "{pool} {window:?}: {what}"
                );
            }
        }
    }
}

//! Mappings over pages, as data: rules as JSON, and what comes of them.

use chrono::DateTime;
use serde_json::{Value, json};

use super::{super::exposition, *};

const PAGE: &str = r#"
# TYPE requests_left gauge
requests_left{key="a",model="large"} 40
requests_left{key="b",model="large"} 7
requests_left{key="b",model="small"} NaN
requests_limit{model="large"} 100
tokens_used_total{key="a"} 1000
budget_left{key="a"} -2.5
budget_left{key="b"} +Inf
budget_whole{key="a"} 10
budget_whole{key="b"} 9.223372036854776e+18
reset_hours{key="a"} 1.5
reset_at 1795262827
percent 87.5
"#;

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_795_259_227 + seconds, 0).expect("a time")
}

fn mapping(rule: Value) -> Mapping {
    serde_json::from_value(json!({ "windows": [rule] })).expect("a mapping")
}

fn look(mapping: &Mapping, page: &str, memory: &mut Memory, now: i64) -> Vec<String> {
    let outcome = apply(mapping, &exposition::read(page, false), memory, at(now));
    let found = outcome.found.into_iter().map(|found| {
        let Told { pool, window, .. } = found.told;
        let place = [
            pool.provider,
            pool.account.unwrap_or_default(),
            pool.scope.unwrap_or_default(),
        ];
        let mut json = super::super::as_json(&window);
        let name = json["name"].take();
        json.as_object_mut().expect("an object").remove("name");
        format!(
            "{}/{} {json}",
            place.join("/"),
            name.as_str().expect("text")
        )
    });
    found
        .chain(outcome.problems.into_iter().map(|(_, problem)| problem))
        .collect()
}

#[track_caller]
fn check(rule: Value, expected: &[&str]) {
    let found = look(&mapping(rule.clone()), PAGE, &mut Memory::default(), 0);
    assert_eq!(found, expected, "{rule}");
}

#[test]
fn labels_tell_pools_apart_and_a_limit_without_them_is_a_number() {
    check(
        json!({ "provider": "gateway", "account": "{key}", "scope": "{model}", "name": "requests", "remaining": "requests_left", "limit": "100" }),
        &[
            r#"gateway/a/large/requests {"limit":100,"remaining":40}"#,
            r#"gateway/b/large/requests {"limit":100,"remaining":7}"#,
        ],
    );
    check(
        json!({ "provider": "gateway", "name": "{nothing|model}", "remaining": "requests_left{key=\"a\"}", "limit": "requests_limit", "unit": "requests", "windowSeconds": 60 }),
        &[r#"gateway///large {"limit":100,"remaining":40,"unit":"requests","windowSeconds":60}"#],
    );
    check(
        json!({ "provider": "gateway", "name": "requests", "remaining": "requests_left{key!=\"a\",model=\"large\"}" }),
        &[r#"gateway///requests {"remaining":7}"#],
    );
    check(
        json!({ "provider": "p", "name": "part", "usedPercent": "percent", "resetsAt": "reset_at" }),
        &[r#"p///part {"resetAt":"2026-11-21T12:07:07Z","usedPercent":87.5}"#],
    );
}

#[test]
fn numbers_that_fall_together_are_not_guessed_at() {
    let rule = |several: &str| json!({ "provider": "p", "name": "requests", "remaining": "requests_left", "several": several });
    check(
        rule(""),
        &[
            "2 values of remaining fall together as p///requests. Tell them apart by a label in its names.",
        ],
    );
    check(rule("smallest"), &[r#"p///requests {"remaining":7}"#]);
    check(rule("sum"), &[r#"p///requests {"remaining":47}"#]);
}

#[test]
fn what_is_no_number_says_nothing_and_overspent_is_nothing_left() {
    check(
        json!({ "provider": "p", "account": "{key}", "name": "budget", "remaining": "budget_left", "limit": "budget_whole", "resetsIn": "reset_hours * 3600" }),
        &[r#"p/a//budget {"limit":10,"remaining":0,"resetAt":"2026-11-21T12:37:07Z"}"#],
    );
    check(
        json!({ "provider": "p", "account": "{key}", "name": "budget", "remaining": "budget_left" }),
        &[],
    );
    check(
        json!({ "provider": "p", "name": "gone", "remaining": "no_such_metric" }),
        &[],
    );
}

#[test]
fn a_mapping_that_cannot_be_used_says_why() {
    for (rule, problem) in [
        (json!({}), "It does not say whose limit it is."),
        (json!({ "provider": "p" }), "The window has no name."),
        (
            json!({ "provider": "p", "name": "n", "limit": "100" }),
            "No metric says what is used or what remains.",
        ),
        (
            json!({ "provider": "p", "name": "n", "remaining": "12" }),
            "No metric says what is used or what remains.",
        ),
        (
            json!({ "provider": "p", "name": "n", "remaining": "a{b" }),
            "\"a{b\" is no metric and no number.",
        ),
        (
            json!({ "provider": "p", "name": "n", "remaining": "a * many" }),
            "What stands after * is no number.",
        ),
        (
            json!({ "provider": "p", "name": "n", "remaining": "a", "limit": "inf" }),
            "\"inf\" is no number that can be used.",
        ),
        (
            json!({ "provider": "p", "name": "n", "used": "a", "countsUp": true }),
            "A counter needs the length of its window.",
        ),
        (
            json!({ "provider": "p", "name": "n", "used": "a", "several": "largest" }),
            "Of several numbers the smallest or the sum can be taken.",
        ),
        (
            json!({ "provider": "{nobody}", "name": "n", "usedPercent": "percent" }),
            "A label that should name the limit is empty on the page.",
        ),
    ] {
        check(rule, &[problem]);
    }
}

#[test]
fn a_counter_counts_what_it_rose_in_the_window() {
    let mapping = mapping(
        json!({ "provider": "p", "name": "n", "used": "t", "limit": "100", "countsUp": true, "windowSeconds": 60 }),
    );
    let mut memory = Memory::default();
    for (now, count, used) in [
        (0, 1000, 0),
        (20, 1010, 10),
        (40, 1030, 30),
        (60, 1030, 30),
        // The first step is out of the window.
        (80, 1035, 25),
        // It began anew at zero.
        (90, 4, 29),
        (400, 4, 0),
    ] {
        let found = look(&mapping, &format!("t {count}"), &mut memory, now);
        let expected = format!(r#"p///n {{"limit":100,"used":{used},"windowSeconds":60}}"#);
        assert_eq!(found, [expected], "after {now} s");
    }
}

#[test]
fn a_gauge_beside_a_counter_is_believed_after_the_counter_moved() {
    let mapping = mapping(
        json!({ "provider": "p", "account": "{key}", "name": "n", "remaining": "left", "movedBy": "calls_total", "resetsIn": "60" }),
    );
    let mut memory = Memory::default();
    for (now, page, expected) in [
        (0, "other 1", false),
        (30, "left{key=\"b\"} 9\ncalls_total{key=\"b\"} 1", true),
        (60, "left{key=\"b\"} 9\ncalls_total{key=\"b\"} 1", false),
    ] {
        let found = look(&mapping, page, &mut memory, now);
        assert_eq!(!found.is_empty(), expected, "after {now} s: {found:?}");
    }
    let mut memory = Memory::default();
    for (now, page, expected) in [
        (
            0,
            "left{key=\"a\"} 0\ncalls_total{key=\"a\",code=\"200\"} 5",
            false,
        ),
        (
            60,
            "left{key=\"a\"} 0\ncalls_total{key=\"a\",code=\"200\"} 5",
            false,
        ),
        (
            120,
            "left{key=\"a\"} 3\ncalls_total{key=\"a\",code=\"200\"} 5\ncalls_total{key=\"a\",code=\"500\"} 1",
            true,
        ),
        (
            180,
            "left{key=\"a\"} 3\ncalls_total{key=\"a\",code=\"200\"} 6",
            false,
        ),
    ] {
        let found = look(&mapping, page, &mut memory, now);
        assert_eq!(!found.is_empty(), expected, "after {now} s: {found:?}");
    }
}

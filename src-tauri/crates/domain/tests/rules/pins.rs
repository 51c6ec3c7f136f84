//! Two agents that use one id: whom a rule means by it.

use serde_json::json;

use crate::*;

/// The same agent id at another endpoint, at which it writes at that time.
fn writes(seconds: i64, host: &str) -> Value {
    let (id, field) = (format!("w{seconds}"), format!("field:x{seconds}"));
    let access = access(&id, "write", &field, seconds, json!({}));
    let mut line = poll(seconds, "a", json!({"accesses": [access]}));
    line["endpoint"] = json!(host);
    line
}

fn heard(host: &str) -> Value {
    let mut line = poll(0, "a", json!({}));
    line["endpoint"] = json!(host);
    line
}

fn rules(seconds: i64, pins: Value) -> Value {
    json!({"at": at(seconds), "rules": {"rules": [{"resource": "field:*", "owner": "a"}]}, "pins": pins})
}

#[test]
fn a_bare_id_means_the_agent_that_was_meant_when_the_rules_were_saved() {
    let lines = |pins| {
        let mut lines = vec![heard("first"), heard("second"), rules(10, pins)];
        lines.extend([writes(20, "first"), writes(30, "second")]);
        lines
    };
    let found = |at: i64| format!("{at} open warning a");
    // Nobody was meant: the one heard first. What cannot be read means nobody.
    for pins in [
        json!({}),
        json!(null),
        json!("first"),
        json!({"a": 3}),
        json!({"b": "second"}),
    ] {
        check("write-conflict", &lines(pins), &[&found(30)]);
    }
    check(
        "write-conflict",
        &lines(json!({"a": "second"})),
        &[&found(20)],
    );
}

#[test]
fn rules_that_are_saved_again_mean_whom_they_say_then() {
    let lines = [
        heard("first"),
        heard("second"),
        rules(10, json!({"a": "first"})),
        writes(20, "second"),
        rules(30, json!({"a": "second"})),
        writes(40, "second"),
        writes(50, "first"),
    ];
    let found = ["20 open warning a", "50 open warning a"];
    check("write-conflict", &lines, &found);
}

#[test]
fn a_name_with_its_endpoint_means_no_agent_that_calls_itself_so() {
    let other = |seconds: i64, members: Value| {
        let mut line = poll(seconds, "second/a", members);
        line["endpoint"] = json!("first");
        line
    };
    let mut rules = rules(10, json!({"second/a": "first"}));
    rules["rules"]["rules"][0]["owner"] = json!("second/a");
    let write = access("w", "write", "field:x", 30, json!({}));
    let lines = [
        other(0, json!({})),
        heard("second"),
        rules,
        writes(20, "second"),
        other(30, json!({"accesses": [write]})),
    ];
    check("write-conflict", &lines, &["30 open warning a second/a"]);
}

#[test]
fn agents_of_one_id_are_told_apart_by_their_endpoints_in_a_sentence() {
    let line = |seconds: i64, host: &str, versions: Value| {
        let access = access(&seconds.to_string(), "write", "field:x", seconds, versions);
        let mut line = poll(seconds, "a", json!({"accesses": [access]}));
        line["endpoint"] = json!(host);
        line
    };
    let lines = [
        line(0, "first", json!({"newVersion": "1"})),
        line(10, "first", json!({"baseVersion": "1", "newVersion": "2"})),
        line(20, "second", json!({"baseVersion": "1", "newVersion": "3"})),
    ];
    let found = replay(file(&lines).lines()).expect("it can be read");
    let conflicts = found.iter().filter(|found| found.rule == "write-conflict");
    let summaries: Vec<&str> = conflicts.map(|found| found.summary.as_str()).collect();
    assert_eq!(
        summaries,
        ["second/a wrote field:x over a change of first/a it had not read."]
    );
}

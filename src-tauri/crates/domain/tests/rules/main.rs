//! The rules on small stories: what fires, when it clears, and what must not fire. Agent `a` speaks on endpoint `a-host`.

#![allow(clippy::unwrap_used)] // all of it is a test

mod asking;
mod context;
mod letters;
mod order;
mod overlaps;
mod pins;
mod quotas;
mod reach;
mod readiness;
mod reading;
mod sequence;
mod storms;
mod ticking;
mod waits;

use domain::{finding::FindingState, replay::replay};
use serde_json::{Value, json};

/// Seconds after the beginning of the stories, as RFC 3339.
fn at(seconds: i64) -> String {
    let start = chrono::DateTime::parse_from_rfc3339("2026-11-02T10:00:00Z").unwrap();
    (start + chrono::TimeDelta::seconds(seconds)).to_rfc3339()
}

fn config(config: Value) -> Value {
    json!({"config": config})
}

fn tick(seconds: i64) -> Value {
    json!({"at": at(seconds), "tick": true})
}

/// A poll of an agent: changes only, unless the members say otherwise.
fn poll(seconds: i64, agent: &str, members: Value) -> Value {
    let mut status = json!({
        "schemaVersion": "1.0", "snapshot": false,
        "agent": {"id": agent, "name": agent, "status": "online"},
    });
    join(&mut status, members);
    json!({"at": at(seconds), "endpoint": format!("{agent}-host"), "status": status})
}

fn failed(seconds: i64, agent: &str, error: Value) -> Value {
    json!({"at": at(seconds), "endpoint": format!("{agent}-host"), "error": error})
}

/// A task in a state since a time.
fn task(id: &str, state: &str, since: i64, members: Value) -> Value {
    let mut task =
        json!({"id": id, "title": id, "status": {"state": state, "timestamp": at(since)}});
    join(&mut task, members);
    task
}

fn access(id: &str, mode: &str, resource: &str, seconds: i64, members: Value) -> Value {
    let mut access = json!({"id": id, "mode": mode, "resource": resource, "at": at(seconds)});
    join(&mut access, members);
    access
}

fn join(value: &mut Value, members: Value) {
    let Value::Object(members) = members else {
        return;
    };
    for (name, member) in members {
        value[name] = member;
    }
}

/// Lines to the text of a file.
fn file(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Expects exactly these findings of a rule, as `seconds state severity agents`, joined by blanks.
#[track_caller]
fn check(rule: &str, lines: &[Value], expected: &[&str]) {
    let text = file(lines);
    let findings = replay(text.lines()).unwrap();
    let start = chrono::DateTime::parse_from_rfc3339(&at(0)).unwrap();
    let told: Vec<_> = findings
        .iter()
        .filter(|finding| finding.rule == rule)
        .map(|finding| {
            let seconds = (finding.at - start.to_utc()).num_seconds();
            let state = match finding.state {
                FindingState::Open => "open",
                FindingState::Cleared => "cleared",
            };
            let severity = format!("{:?}", finding.severity).to_lowercase();
            let agents: Vec<_> = finding.agents.iter().map(|a| a.as_str()).collect();
            format!("{seconds} {state} {severity} {}", agents.join(" "))
        })
        .collect();
    assert_eq!(told, expected, "{text}");
}

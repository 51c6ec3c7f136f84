//! `readiness`.

use serde_json::json;

use crate::*;

const DAY: i64 = 86_400;

fn needed(decisions: u32, days: u32) -> Value {
    config(json!({"settings": {"readinessDays": days, "readinessMinDecisions": decisions}}))
}

fn decision(seconds: i64, outcome: &str, considered: bool) -> Value {
    json!({"at": at(seconds), "decision": {
        "endpoint": "a-host", "escalation": format!("e{seconds}"), "outcome": outcome,
        "considered": considered,
    }})
}

/// `a` is there for ten days and is decided about; then `b` joins.
fn story(days: u32, decisions: &[(&str, bool)]) -> Vec<Value> {
    let mut lines = vec![needed(2, days), poll(0, "a", json!({}))];
    for (n, (outcome, considered)) in decisions.iter().enumerate() {
        lines.push(decision(n as i64 + 1, outcome, *considered));
    }
    lines.push(poll(10 * DAY, "b", json!({})));
    lines
}

const YES: (&str, bool) = ("approve", true);

#[test]
fn an_agent_may_join_when_the_newest_one_is_ready() {
    check("readiness", &story(10, &[YES, YES]), &[]);
}

#[test]
fn too_few_days_or_decisions_or_approvals_are_not_ready() {
    let told = ["864000 open warning a b"];
    check("readiness", &story(11, &[YES, YES]), &told);
    check("readiness", &story(10, &[YES]), &told);
    check("readiness", &story(10, &[YES, ("approve", false)]), &told);
    check("readiness", &story(10, &[YES, YES, ("edit", true)]), &told);
}

#[test]
fn agents_heard_at_the_beginning_are_the_fleet_there_was() {
    let lines = [poll(0, "a", json!({})), poll(599, "b", json!({}))];
    check("readiness", &lines, &[]);
    let lines = [poll(0, "a", json!({})), poll(600, "b", json!({}))];
    check("readiness", &lines, &["600 open warning a b"]);
}

#[test]
fn it_clears_on_the_day_the_other_is_ready_and_does_not_come_back() {
    let mut lines = story(11, &[YES, YES]);
    lines.extend([
        tick(11 * DAY),
        decision(11 * DAY + 1, "reject", true),
        tick(12 * DAY),
    ]);
    check(
        "readiness",
        &lines,
        &["864000 open warning a b", "950400 cleared warning a b"],
    );
}

#[test]
fn the_person_may_override_it_with_a_reason() {
    let mut lines = story(11, &[]);
    let over = |reason: &str| {
        json!({"at": at(10 * DAY + 5), "person": {
            "action": "override-readiness", "agent": "b", "reason": reason,
        }})
    };
    lines.push(over(""));
    check("readiness", &lines, &["864000 open warning a b"]);
    lines.push(over("A second opinion is needed now."));
    check(
        "readiness",
        &lines,
        &["864000 open warning a b", "864005 cleared warning a b"],
    );
}

#[test]
fn a_day_with_trouble_or_out_of_reach_is_not_stable() {
    let mut lines = story(10, &[YES, YES]);
    let late = |n: i64| {
        vec![
            failed(n, "a", json!({"kind": "http", "httpStatus": 500})),
            poll(n + 40_000, "a", json!({})),
        ]
    };
    lines.splice(4..4, late(5 * DAY));
    check("readiness", &lines, &["864000 open warning a b"]);
    let mut lines = story(10, &[YES, YES]);
    let stuck = task("t", "working", 5 * DAY, json!({}));
    let done = task("t", "completed", 5 * DAY + 900, json!({}));
    lines.insert(4, poll(5 * DAY, "a", json!({"tasks": [stuck]})));
    lines.insert(5, tick(5 * DAY + 700));
    lines.insert(6, poll(5 * DAY + 900, "a", json!({"tasks": [done]})));
    check("readiness", &lines, &["864000 open warning a b"]);
}

#[test]
fn needs_that_belong_to_others_are_told() {
    let mut lines = story(10, &[YES, YES]);
    lines[0]["config"]["ownership"] =
        json!({"rules": [{"resource": "field:crm/**", "owner": "a"}]});
    lines.push(poll(
        10 * DAY + 5,
        "b",
        json!({"ownership": {"writes": ["field:crm/x"]}}),
    ));
    lines.push(poll(
        10 * DAY + 9,
        "b",
        json!({"ownership": {"writes": ["field:erp/x"]}}),
    ));
    check(
        "readiness",
        &lines,
        &["864005 open warning a b", "864009 cleared warning a b"],
    );
}

#[test]
fn an_agent_the_person_names_is_judged_before_it_is_heard() {
    let mut lines = story(11, &[YES, YES]);
    lines.pop();
    lines.push(json!({"at": at(DAY), "person": {"action": "add-agent", "agent": "b"}}));
    lines.push(poll(2 * DAY, "b", json!({})));
    check("readiness", &lines, &["86400 open warning a b"]);
}

#[test]
fn a_source_of_limits_joins_nobody_and_nobody_joins_after_it() {
    let source = |seconds: i64, agent: &str| {
        let mut line = poll(seconds, agent, json!({}));
        line["status"]["agent"]["limitsOnly"] = json!(true);
        line
    };
    let lines = [poll(0, "a", json!({})), source(600, "hub")];
    check("readiness", &lines, &[]);
    let lines = [source(0, "hub"), poll(600, "a", json!({}))];
    check("readiness", &lines, &[]);
    let lines = [
        poll(0, "a", json!({})),
        source(60, "hub"),
        poll(600, "b", json!({})),
    ];
    check("readiness", &lines, &["600 open warning a b"]);
}

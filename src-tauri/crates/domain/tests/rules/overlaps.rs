//! Rules and declared needs that collide before anything happens.

use serde_json::json;

use crate::*;

fn rules(rules: Value) -> Value {
    config(json!({"ownership": {"rules": rules}}))
}

#[test]
fn overlapping_triggers_collide_whether_declared_or_given() {
    let lines = [
        rules(json!([{"resource": "trigger:inbox/*", "owner": "a"}])),
        poll(0, "a", json!({})),
        poll(
            10,
            "b",
            json!({"ownership": {"triggers": ["trigger:inbox/pay"]}}),
        ),
        poll(
            20,
            "b",
            json!({"ownership": {"triggers": ["trigger:outbox"]}}),
        ),
    ];
    check(
        "trigger-collision",
        &lines,
        &["10 open warning a b", "20 cleared warning a b"],
    );
}

#[test]
fn what_starts_by_itself_is_a_declared_trigger_while_it_is_on() {
    let schedule = |id: &str, resource: &str, enabled: bool| {
        let schedule =
            json!({"id": id, "resource": resource, "everySeconds": 900, "enabled": enabled});
        json!({"schedules": [schedule]})
    };
    let declared = poll(
        0,
        "a",
        json!({"ownership": {"triggers": ["trigger:cron/*"]}}),
    );
    let lines = [
        declared.clone(),
        poll(10, "b", schedule("one", "trigger:cron/day", false)),
        poll(20, "b", schedule("one", "trigger:cron/day", true)),
        poll(30, "b", schedule("two", "trigger:other", true)),
        poll(40, "b", schedule("one", "trigger:cron/day", false)),
    ];
    let both = &["20 open warning a b", "40 cleared warning a b"];
    check("trigger-collision", &lines, both);
    // A complete list without it says the same.
    let gone = json!({"snapshot": true, "schedules": []});
    let lines = [
        declared,
        poll(20, "b", schedule("one", "trigger:cron/day", true)),
        poll(40, "b", gone),
    ];
    check("trigger-collision", &lines, both);
}

#[test]
fn owners_not_heard_of_yet_collide_once() {
    let lines = [
        rules(json!([
            {"resource": "output:mail/**", "owner": "a"},
            {"resource": "output:mail/x", "owner": "b"},
            {"resource": "field:crm/*", "owner": "a"},
            {"resource": "field:*/name", "owner": "b"},
            {"resource": "field:crm/*", "owner": "me"},
        ])),
        tick(0),
        poll(10, "a", json!({})),
        poll(20, "b", json!({})),
    ];
    check("output-collision", &lines, &["0 open warning a b"]);
    check("write-conflict", &lines, &["0 open warning a b"]);
}

#[test]
fn patterns_that_share_no_name_and_members_of_a_sequence_do_not_collide() {
    let lines = [
        rules(json!([
            {"resource": "trigger:inbox/a*", "owner": "a"},
            {"resource": "trigger:inbox/b*", "owner": "b"},
            {"resource": "output:x", "sequence": ["a", "b"]},
            {"resource": "output:x", "owner": "a"},
        ])),
        poll(
            0,
            "a",
            json!({"ownership": {"triggers": ["trigger:inbox/a1"], "writes": ["file:**"]}}),
        ),
        poll(10, "b", json!({"ownership": {"writes": ["file:**"]}})),
    ];
    for rule in ["trigger-collision", "output-collision", "write-conflict"] {
        check(rule, &lines, &[]);
    }
}

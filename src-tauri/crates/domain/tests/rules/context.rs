//! `context-divergence`.

use serde_json::json;

use crate::*;

fn entry(seq: u64, kind: &str, seconds: i64, members: Value) -> Value {
    let mut entry = json!({
        "documentId": "plan", "seq": seq, "kind": kind, "body": "…", "author": "someone",
        "createdAt": at(seconds),
    });
    join(&mut entry, members);
    entry
}

fn says(agent: &str, seconds: i64, entry: Value) -> Value {
    poll(seconds, agent, json!({"context": [entry]}))
}

#[test]
fn two_values_of_one_key_diverge_until_one_supersedes_the_other() {
    let lines = [
        says(
            "a",
            0,
            entry(1, "decision", 0, json!({"key": "k", "value": 1})),
        ),
        says(
            "b",
            10,
            entry(2, "decision", 10, json!({"key": "k", "value": 2})),
        ),
        says(
            "b",
            20,
            entry(
                3,
                "decision",
                20,
                json!({"key": "k", "value": 2, "supersedes": 1}),
            ),
        ),
    ];
    check(
        "context-divergence",
        &lines,
        &["10 open warning a b", "20 cleared warning a b"],
    );
}

#[test]
fn the_same_value_or_another_key_or_a_superseding_entry_is_no_divergence() {
    let lines = [
        says(
            "a",
            0,
            entry(1, "decision", 0, json!({"key": "k", "value": 1})),
        ),
        says(
            "b",
            10,
            entry(2, "decision", 10, json!({"key": "k", "value": 1.0})),
        ),
        says(
            "b",
            20,
            entry(3, "decision", 20, json!({"key": "l", "value": 5})),
        ),
        says(
            "c",
            30,
            entry(
                4,
                "decision",
                30,
                json!({"key": "l", "value": 6, "supersedes": 3}),
            ),
        ),
        says(
            "a",
            40,
            entry(5, "fact", 40, json!({"key": "own", "value": 6})),
        ),
        says(
            "a",
            50,
            entry(6, "fact", 50, json!({"key": "own", "value": 7})),
        ),
    ];
    check("context-divergence", &lines, &[]);
}

fn reads(agent: &str, seconds: i64, context: &str, seq: u64) -> Value {
    let task = task(
        agent,
        "working",
        0,
        json!({
            "contextId": context, "contextRefs": [{"documentId": "plan", "seq": seq}],
        }),
    );
    poll(seconds, agent, json!({"tasks": [task]}))
}

fn story(kind: &str, author: &str, context: &str) -> Vec<Value> {
    vec![
        says(author, 0, entry(2, kind, 0, json!({}))),
        reads("a", 10, "one", 1),
        reads("b", 20, context, 2),
        poll(30, "a", json!({})),
        reads("a", 40, "one", 2),
    ]
}

#[test]
fn tasks_of_one_context_that_read_past_a_decision_diverge_until_both_have_read_it() {
    check(
        "context-divergence",
        &story("decision", "c", "one"),
        &["30 open warning a b c", "40 cleared warning a b c"],
    );
}

#[test]
fn facts_own_entries_and_other_contexts_do_not_diverge() {
    check("context-divergence", &story("fact", "c", "one"), &[]);
    check("context-divergence", &story("decision", "a", "one"), &[]);
    check("context-divergence", &story("decision", "c", "two"), &[]);
}

#[test]
fn who_takes_over_is_to_have_read_as_much() {
    let mut lines = story("constraint", "c", "two");
    lines.insert(
        3,
        poll(
            25,
            "b",
            json!({"handoffs": [
                {"id": "h", "taskId": "b", "to": "a", "status": "done", "emittedAt": at(25)},
            ]}),
        ),
    );
    check(
        "context-divergence",
        &lines,
        &["30 open warning a b c", "40 cleared warning a b c"],
    );
}

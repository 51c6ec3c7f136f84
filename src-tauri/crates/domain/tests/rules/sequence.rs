//! `sequence-violation`, `unknown-dependency`, and turns in a sequence.

use serde_json::json;

use crate::*;

#[test]
fn what_began_after_the_dependency_was_completed_is_in_order() {
    let lines = [
        poll(
            0,
            "a",
            json!({"tasks": [task("first", "completed", 0, json!({}))]}),
        ),
        poll(
            10,
            "b",
            json!({"tasks": [task("then", "working", 0, json!({"dependsOn": ["a-host/first"]}))]}),
        ),
    ];
    check("sequence-violation", &lines, &[]);
}

#[test]
fn one_poll_without_own_times_tells_of_one_moment() {
    let first = json!({"id": "first", "title": "first", "status": {"state": "completed"}});
    let then = task("then", "working", 5, json!({"dependsOn": ["first"]}));
    check(
        "sequence-violation",
        &[poll(10, "a", json!({"tasks": [then, first]}))],
        &[],
    );
}

#[test]
fn the_verdict_waits_for_the_dependency_to_answer_but_not_for_ever() {
    let mut lines = vec![
        poll(
            0,
            "a",
            json!({"tasks": [task("first", "working", 0, json!({}))]}),
        ),
        poll(
            10,
            "b",
            json!({"tasks": [task("then", "working", 10, json!({"dependsOn": ["a-host/first"]}))]}),
        ),
        tick(69),
        tick(70),
    ];
    check("sequence-violation", &lines, &["70 open warning a b"]);
    lines.insert(2, poll(20, "a", json!({})));
    check("sequence-violation", &lines, &["20 open warning a b"]);
}

#[test]
fn a_dependency_that_failed_has_not_completed() {
    let lines = [poll(
        0,
        "a",
        json!({"tasks": [
            task("first", "failed", 0, json!({})),
            task("then", "working", 0, json!({"dependsOn": ["first"]})),
        ]}),
    )];
    check("sequence-violation", &lines, &["0 open warning a"]);
}

#[test]
fn a_task_that_ends_without_having_begun_breaks_nothing() {
    let lines: Vec<_> = ["submitted", "canceled"]
        .iter()
        .enumerate()
        .map(|(n, state)| {
            let n = n as i64 * 10;
            poll(
                n,
                "a",
                json!({"tasks": [
                    task("first", "working", 0, json!({})),
                    task("then", state, n, json!({"dependsOn": ["first"]})),
                ]}),
            )
        })
        .collect();
    check("sequence-violation", &lines, &[]);
}

#[test]
fn an_unknown_dependency_is_no_violation_and_clears_when_it_is_heard_of() {
    let lines = [
        poll(
            0,
            "a",
            json!({"tasks": [task("then", "working", 0, json!({"dependsOn": ["nobody"]}))]}),
        ),
        poll(
            10,
            "a",
            json!({"tasks": [task("nobody", "completed", 0, json!({}))]}),
        ),
    ];
    check("sequence-violation", &lines, &[]);
    check(
        "unknown-dependency",
        &lines,
        &["0 open info a", "10 cleared info a"],
    );
}

fn claim(state: &str, members: Value) -> Value {
    let mut claim = json!({
        "id": "c", "resource": "file:shop/**", "holderIdentity": "a", "mode": "exclusive",
        "state": state, "acquireTime": at(0),
    });
    join(&mut claim, members);
    claim
}

#[test]
fn reaching_into_what_another_holds_alone_is_a_violation() {
    let read = |mode: &str| {
        vec![
            poll(0, "a", json!({"claims": [claim("held", json!({}))]})),
            poll(
                10,
                "b",
                json!({"accesses": [access("x", mode, "file:shop/cart.rs", 10, json!({}))]}),
            ),
            poll(20, "a", json!({})),
        ]
    };
    check(
        "sequence-violation",
        &read("read"),
        &["20 open warning a b"],
    );
    check(
        "sequence-violation",
        &read("write"),
        &["20 open warning a b"],
    );
    check("sequence-violation", &read("consume"), &[]);
}

#[test]
fn a_claim_given_back_before_is_none() {
    let lines = [
        poll(0, "a", json!({"claims": [claim("held", json!({}))]})),
        poll(
            10,
            "b",
            json!({"accesses": [access("x", "read", "file:shop/cart.rs", 10, json!({}))]}),
        ),
        poll(
            20,
            "a",
            json!({"claims": [claim("released", json!({"releaseTime": at(10)}))]}),
        ),
        tick(100),
    ];
    check("sequence-violation", &lines, &[]);
}

#[test]
fn a_claim_known_later_than_the_access_counts() {
    let lines = [
        poll(
            10,
            "b",
            json!({"accesses": [access("x", "read", "file:shop/cart.rs", 10, json!({}))]}),
        ),
        poll(20, "a", json!({"claims": [claim("held", json!({}))]})),
    ];
    check("sequence-violation", &lines, &["20 open warning a b"]);
}

#[test]
fn reading_what_is_not_finished_is_a_violation() {
    let made = json!({"id": "m", "taskId": "make", "name": "m", "uri": "file:out/menu.pdf", "createdAt": at(0)});
    let lines = |state: &str| {
        [
            poll(
                0,
                "a",
                json!({"tasks": [task("make", "working", 0, json!({}))], "artifacts": [made]}),
            ),
            poll(
                10,
                "b",
                json!({"accesses": [access("x", "read", "file:out/menu.pdf", 10, json!({}))]}),
            ),
            poll(
                20,
                "a",
                json!({"tasks": [task("make", state, 9, json!({}))]}),
            ),
        ]
    };
    check(
        "sequence-violation",
        &lines("working"),
        &["20 open warning a b"],
    );
    check("sequence-violation", &lines("completed"), &[]);
}

fn writes(agent: &str, id: &str, seconds: i64) -> Value {
    poll(
        seconds,
        agent,
        json!({
            "tasks": [task(agent, "working", seconds, json!({}))],
            "accesses": [access(id, "write", "output:slack/x", seconds, json!({"taskId": agent}))],
        }),
    )
}

#[test]
fn writing_while_it_is_anothers_turn_collides() {
    let rules = config(json!({"ownership": {"rules": [
        {"resource": "output:slack/x", "sequence": ["a", "b"]},
    ]}}));
    let mut lines = vec![
        rules,
        writes("a", "1", 0),
        writes("b", "2", 10),
        poll(20, "a", json!({})),
    ];
    check("output-collision", &lines, &["20 open warning a b"]);
    check("write-conflict", &lines, &[]);
    // The first task had ended when the second wrote.
    lines[3] = poll(
        20,
        "a",
        json!({"tasks": [task("a", "completed", 10, json!({}))]}),
    );
    check("output-collision", &lines, &[]);
    // Or it had handed over.
    lines[3] = poll(
        20,
        "a",
        json!({"handoffs": [
            {"id": "h", "taskId": "a", "to": "b", "status": "done", "emittedAt": at(5)},
        ]}),
    );
    check("output-collision", &lines, &[]);
}

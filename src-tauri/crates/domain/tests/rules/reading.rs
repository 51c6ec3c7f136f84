//! `stale-read`.

use serde_json::json;

use crate::*;

/// `a` reads version 1 at 10; `b` writes version 2 at `newer`; `a` writes `what` at 30, and reads again at `again`.
fn story(newer: i64, what: &str, again: Option<i64>, version: Value) -> Vec<Value> {
    let of = |members: Value| {
        let mut all = json!({"taskId": "t"});
        join(&mut all, members);
        all
    };
    let mut used = vec![
        access("r", "read", "field:crm/x", 10, of(version)),
        access("w", "write", what, 30, of(json!({}))),
    ];
    if let Some(again) = again {
        used.push(access(
            "r2",
            "read",
            "field:crm/x",
            again,
            of(json!({"baseVersion": "2"})),
        ));
    }
    let newest = access(
        "w",
        "write",
        "field:crm/x",
        newer,
        json!({"baseVersion": "1", "newVersion": "2"}),
    );
    vec![
        poll(
            40,
            "a",
            json!({"tasks": [task("t", "working", 0, json!({}))], "accesses": used}),
        ),
        poll(50, "b", json!({"accesses": [newest]})),
        poll(
            60,
            "a",
            json!({"tasks": [task("t", "completed", 60, json!({}))]}),
        ),
    ]
}

#[test]
fn going_on_from_an_old_version_is_told_until_the_task_ends() {
    let read = json!({"baseVersion": "1"});
    check(
        "stale-read",
        &story(20, "output:slack/x", None, read.clone()),
        &["50 open warning a b", "60 cleared warning a b"],
    );
    check(
        "stale-read",
        &story(20, "field:crm/y", None, read),
        &["50 open info a b", "60 cleared info a b"],
    );
}

#[test]
fn what_is_over_when_it_is_heard_of_opens_and_clears_at_once() {
    check(
        "stale-read",
        &story(20, "output:slack/x", Some(35), json!({"baseVersion": "1"})),
        &["50 open warning a b", "50 cleared warning a b"],
    );
}

#[test]
fn a_newer_read_a_later_change_or_no_version_is_no_stale_read() {
    let read = json!({"baseVersion": "1"});
    check(
        "stale-read",
        &story(20, "output:slack/x", Some(25), read.clone()),
        &[],
    );
    check(
        "stale-read",
        &story(30, "output:slack/x", None, read.clone()),
        &[],
    );
    check("stale-read", &story(20, "field:crm/x", None, read), &[]);
    check(
        "stale-read",
        &story(20, "output:slack/x", None, json!({})),
        &[],
    );
}

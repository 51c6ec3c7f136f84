//! `deadlock`.

use serde_json::json;

use crate::*;

fn waiting(agent: &str, seconds: i64, kind: &str, reference: &str) -> Value {
    let wait = json!({"waitingFor": {"kind": kind, "ref": reference}});
    poll(
        seconds,
        agent,
        json!({"tasks": [task(agent, "working", 0, wait)]}),
    )
}

#[test]
fn a_circle_is_told_when_all_in_it_have_answered_again() {
    let lines = [
        waiting("a", 0, "task", "b-host/b"),
        waiting("b", 10, "task", "c-host/c"),
        waiting("c", 20, "task", "a-host/a"),
        poll(30, "a", json!({})),
        poll(40, "b", json!({})),
        poll(
            50,
            "c",
            json!({"tasks": [task("c", "completed", 50, json!({}))]}),
        ),
    ];
    check(
        "deadlock",
        &lines,
        &["40 open warning a b c", "50 cleared warning a b c"],
    );
}

#[test]
fn a_circle_is_told_after_a_minute_at_the_latest() {
    let lines = [
        waiting("a", 0, "task", "b-host/b"),
        waiting("b", 10, "task", "a-host/a"),
        tick(69),
        tick(70),
    ];
    check("deadlock", &lines, &["70 open warning a b"]);
}

#[test]
fn a_circle_that_broke_before_the_next_poll_is_none() {
    let lines = [
        waiting("a", 0, "task", "b-host/b"),
        waiting("b", 10, "task", "a-host/a"),
        poll(
            20,
            "a",
            json!({"tasks": [task("a", "working", 0, json!({}))]}),
        ),
        tick(100),
    ];
    check("deadlock", &lines, &[]);
}

#[test]
fn a_chain_is_no_circle() {
    let lines = [
        waiting("a", 0, "task", "b-host/b"),
        waiting("b", 10, "task", "c-host/c"),
        waiting("c", 20, "human", "me"),
        tick(100),
    ];
    check("deadlock", &lines, &[]);
}

fn holds(agent: &str, seconds: i64, resource: &str, wanted: &str) -> Value {
    let claim = json!({
        "id": "c", "resource": resource, "holderIdentity": agent, "mode": "exclusive",
        "state": "held", "acquireTime": at(seconds), "taskId": agent, "leaseDurationSeconds": 300,
    });
    let wait = json!({"waitingFor": {"kind": "claim", "ref": wanted}});
    poll(
        seconds,
        agent,
        json!({
            "tasks": [task(agent, "working", 0, wait)], "claims": [claim],
        }),
    )
}

#[test]
fn claims_close_a_circle_until_a_lease_ends() {
    let lines = [
        holds("a", 0, "file:x", "file:y"),
        holds("b", 10, "file:y", "file:x"),
        poll(20, "a", json!({})),
        tick(299),
        tick(300),
    ];
    check(
        "deadlock",
        &lines,
        &["20 open warning a b", "300 cleared warning a b"],
    );
}

#[test]
fn waiting_for_ones_own_claim_in_the_queue_is_waiting_for_who_holds_it() {
    let claim = |agent: &str, state: &str, resource: &str| {
        json!({
            "id": format!("{agent}-{state}"), "resource": resource, "holderIdentity": agent,
            "mode": "exclusive", "state": state, "acquireTime": at(0), "taskId": agent,
        })
    };
    let both = |agent: &str, seconds: i64, has: &str, wants: &str| {
        poll(
            seconds,
            agent,
            json!({
                "tasks": [task(agent, "working", 0, json!({}))],
                "claims": [claim(agent, "held", has), claim(agent, "waiting", wants)],
            }),
        )
    };
    let lines = [
        both("a", 0, "file:x", "file:y"),
        both("b", 10, "file:y", "file:x"),
        poll(20, "a", json!({})),
    ];
    check("deadlock", &lines, &["20 open warning a b"]);
    let lines = [
        both("a", 0, "file:x", "file:y"),
        both("b", 10, "file:y", "file:z"),
        tick(99),
    ];
    check("deadlock", &lines, &[]);
}

#[test]
fn an_agent_with_other_work_is_not_stuck() {
    let busy = task("busy", "working", 0, json!({}));
    let mut lines = vec![
        waiting("a", 0, "agent", "b"),
        waiting("b", 10, "task", "a-host/a"),
        poll(20, "b", json!({"tasks": [busy]})),
        poll(30, "a", json!({})),
    ];
    check("deadlock", &lines, &[]);
    let done = task("busy", "completed", 35, json!({}));
    lines.push(poll(40, "b", json!({"tasks": [done]})));
    lines.push(poll(50, "a", json!({})));
    check("deadlock", &lines, &["50 open warning a b"]);
}

#[test]
fn dependencies_of_what_has_not_begun_close_a_circle() {
    let lines = [poll(
        0,
        "a",
        json!({"tasks": [
            task("x", "submitted", 0, json!({"dependsOn": ["y"]})),
            task("y", "submitted", 0, json!({"dependsOn": ["x"]})),
        ]}),
    )];
    check("deadlock", &lines, &["0 open warning a"]);
}

fn queued(id: &str, state: &str, task: &str) -> Value {
    json!({
        "id": id, "resource": "file:x", "holderIdentity": "x", "mode": "exclusive", "state": state,
        "acquireTime": at(0), "taskId": task,
    })
}

#[test]
fn who_got_the_claim_it_queued_for_waits_no_more() {
    let b = |seconds: i64, state: &str| {
        let wait = json!({"waitingFor": {"kind": "task", "ref": "a-host/a"}});
        let tasks = [
            task("b", "working", 0, wait),
            task("busy", "working", 0, json!({})),
        ];
        let claims = [queued("c", state, "busy")];
        poll(seconds, "b", json!({"tasks": tasks, "claims": claims}))
    };
    let told = |polls: Vec<Value>, expected: &[&str]| {
        let mut lines = vec![waiting("a", 0, "agent", "b")];
        lines.extend(polls);
        lines.extend([poll(30, "a", json!({})), poll(31, "b", json!({}))]);
        check("deadlock", &lines, expected);
    };
    told(vec![b(10, "waiting")], &["30 open warning a b"]);
    // Whether it was known to queue before or not, by now it works.
    told(vec![b(10, "held")], &[]);
    told(vec![b(10, "waiting"), b(20, "held")], &[]);
    told(vec![b(10, "waiting"), b(20, "released")], &[]);
}

#[test]
fn a_circle_is_over_when_the_last_that_waits_in_it_does_not() {
    for (state, task_of_claim) in [("waiting", "other"), ("released", "t"), ("held", "t")] {
        let lines = [
            poll(
                0,
                "a",
                json!({
                    "tasks": [task("t", "working", 0, json!({})), task("gone", "completed", 0, json!({}))],
                    "claims": [queued("mine", "held", "gone"), queued("next", "waiting", "t")],
                }),
            ),
            poll(
                10,
                "a",
                json!({"claims": [queued("next", state, task_of_claim)]}),
            ),
        ];
        check(
            "deadlock",
            &lines,
            &["0 open warning a", "10 cleared warning a"],
        );
    }
}

#[test]
fn a_claim_for_a_task_that_nobody_told_of_closes_no_circle() {
    let lines = [poll(
        0,
        "a",
        json!({
            "tasks": [task("t", "working", 0, json!({}))],
            "claims": [queued("mine", "held", "later"), queued("next", "waiting", "t")],
        }),
    )];
    check("deadlock", &lines, &[]);
}

#[test]
fn a_claim_that_only_waited_was_never_held() {
    let other = json!({
        "id": "held", "resource": "file:x", "holderIdentity": "b", "mode": "exclusive", "state": "held",
        "acquireTime": at(0), "leaseDurationSeconds": 3600,
    });
    let mine = |members: Value| {
        let mut claim =
            json!({"id": "mine", "resource": "file:x", "holderIdentity": "a", "mode": "exclusive"});
        join(&mut claim, members);
        json!({"claims": [claim]})
    };
    let given_back = [
        json!({"state": "released"}),
        json!({"state": "released", "releaseTime": at(20)}),
    ];
    for end in given_back {
        for before in [None, Some(json!({"state": "waiting"}))] {
            let mut lines = vec![poll(0, "b", json!({"claims": [other]}))];
            lines.extend(before.map(|before| poll(10, "a", mine(before))));
            lines.push(poll(20, "a", mine(end.clone())));
            lines.push(poll(30, "b", json!({})));
            lines.push(poll(30, "a", json!({})));
            check("double-booking", &lines, &[]);
        }
        // What was acquired and given back between two polls was held.
        let mut between = end.clone();
        join(&mut between, json!({"acquireTime": at(15)}));
        let lines = [
            poll(0, "b", json!({"claims": [other]})),
            poll(10, "a", mine(json!({"state": "waiting"}))),
            poll(20, "a", mine(between)),
            poll(30, "b", json!({})),
            poll(30, "a", json!({})),
        ];
        check(
            "double-booking",
            &lines,
            &["30 open warning a b", "30 cleared warning a b"],
        );
    }
}

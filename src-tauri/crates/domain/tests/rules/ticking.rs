//! `stall`, of agents that tell nothing of their work but a newer time of its state: work tells one now and then, a clock
//! with every answer.

use serde_json::{Value, json};

use super::{at, check, poll, task, tick};

/// The agent's task works; its state is of then.
fn works(seconds: i64, since: i64) -> Value {
    let work = task("t", "working", since, json!({}));
    poll(seconds, "a", json!({"tasks": [work]}))
}

/// An answer without news.
fn nothing(seconds: i64) -> Value {
    poll(seconds, "a", json!({}))
}

#[test]
fn a_newer_time_that_then_stands_still_is_a_sign_of_work() {
    // It counts from the time it tells; the same again is none.
    for again in [nothing(505), works(505, 490)] {
        let lines = [works(0, 0), works(500, 490), again, tick(1089), tick(1091)];
        check("stall", &lines, &["1091 open warning a"]);
    }
    let lines = [
        works(0, 0),
        tick(601),
        works(700, 699),
        nothing(705),
        tick(1298),
        tick(1300),
    ];
    check(
        "stall",
        &lines,
        &[
            "601 open warning a",
            "705 cleared warning a",
            "1300 open warning a",
        ],
    );
}

#[test]
fn a_clock_is_no_sign_of_work() {
    let mut lines: Vec<Value> = (0..=60).map(|n| works(n * 10, n * 10)).collect();
    check("stall", &lines, &["600 open warning a"]);
    // Nor is one that lags behind, or that runs ahead of ours.
    for off in [-7, 3600] {
        let lines: Vec<Value> = (0..=61).map(|n| works(n * 10, n * 10 + off)).collect();
        check("stall", &lines, &["600 open warning a"]);
    }
    // It tells whole seconds and is asked twice in one, or in two pages.
    lines.extend([nothing(600), works(610, 610), nothing(610), works(620, 620)]);
    check("stall", &lines, &["600 open warning a"]);
    // Once it stands still, somebody has stopped it.
    lines.push(nothing(630));
    check(
        "stall",
        &lines,
        &["600 open warning a", "630 cleared warning a"],
    );
}

#[test]
fn a_newer_time_beside_anything_else_that_is_new_is_a_sign_of_work() {
    let told = |n: i64| {
        let used = json!({"usage": {"inputTokens": n}});
        let work = task("t", "working", n * 100, used);
        poll(n * 100, "a", json!({"tasks": [work]}))
    };
    let mut lines: Vec<Value> = (0..=12).map(told).collect();
    lines.push(tick(1799));
    check("stall", &lines, &[]);
    lines.push(tick(1801));
    check("stall", &lines, &["1801 open warning a"]);
}

#[test]
fn nobody_is_called_stalled_while_the_next_answer_may_show_work() {
    let mut lines = vec![works(0, 0), works(599, 598), tick(600), tick(640)];
    check("stall", &lines, &[]);
    // A minute is waited for it and no longer.
    lines.push(tick(661));
    check("stall", &lines, &["661 open warning a"]);
    lines.push(nothing(670));
    check(
        "stall",
        &lines,
        &["661 open warning a", "670 cleared warning a"],
    );
    // An agent that ended its work meanwhile has nothing to show.
    let ended = task("t", "completed", 605, json!({}));
    let lines = [
        works(0, 0),
        works(599, 598),
        poll(605, "a", json!({"tasks": [ended]})),
        nothing(610),
        tick(2000),
    ];
    check("stall", &lines, &[]);
}

#[test]
fn a_time_that_cannot_be_read_or_goes_back_is_no_sign_of_anything() {
    let mut back = task("t", "working", 0, json!({}));
    back["status"]["timestamp"] = json!(at(-50));
    let lines = [
        works(0, 0),
        poll(300, "a", json!({"tasks": [back]})),
        nothing(310),
        tick(601),
    ];
    check("stall", &lines, &["601 open warning a"]);
}

//! `retry-storm` and `overload`.

use serde_json::{Value, json};

use crate::*;

fn attempt(seconds: i64, number: u32, state: &str) -> Value {
    let task = task("t", state, seconds, json!({"attempt": number}));
    poll(seconds, "a", json!({"tasks": [task]}))
}

#[test]
fn five_attempts_in_ten_minutes_are_a_storm_until_they_are_past() {
    let mut lines: Vec<_> = (0..5)
        .map(|n| attempt(n * 100, n as u32 + 1, "working"))
        .collect();
    lines.extend([tick(599), tick(600), tick(900)]);
    check(
        "retry-storm",
        &lines,
        &["400 open warning a", "600 cleared warning a"],
    );
}

#[test]
fn five_attempts_over_more_than_ten_minutes_are_none() {
    let lines: Vec<_> = (0..9)
        .map(|n| attempt(n * 150, n as u32 + 1, "working"))
        .collect();
    check("retry-storm", &lines, &[]);
}

#[test]
fn the_same_attempt_told_again_is_one() {
    let lines: Vec<_> = (0..9).map(|n| attempt(n * 10, 1, "working")).collect();
    check("retry-storm", &lines, &[]);
}

#[test]
fn a_completed_task_in_between_starts_the_count_anew() {
    let mut lines: Vec<_> = (0..6)
        .map(|n| attempt(n * 50, n as u32 + 1, "working"))
        .collect();
    let done = task("other", "completed", 120, json!({}));
    lines.insert(3, poll(120, "a", json!({"tasks": [done]})));
    check("retry-storm", &lines, &[]);
}

#[test]
fn a_completed_task_of_another_agent_does_not() {
    let mut lines: Vec<_> = (0..5)
        .map(|n| attempt(n * 50, n as u32 + 1, "working"))
        .collect();
    let done = task("other", "completed", 120, json!({}));
    lines.insert(3, poll(120, "b", json!({"tasks": [done]})));
    check("retry-storm", &lines, &["200 open warning a"]);
}

#[test]
fn attempts_and_letters_of_one_task_are_one_storm() {
    let mut lines: Vec<_> = (0..5)
        .map(|n| attempt(n * 50, n as u32 + 1, "working"))
        .collect();
    lines.extend((0..5).map(|n| {
        let mut letter = task("t", "working", 20 + n * 50, json!({}));
        letter["title"] = json!(n);
        poll(20 + n * 50, "a", json!({"tasks": [letter]}))
    }));
    lines.sort_by_key(|line| line["at"].to_string());
    check("retry-storm", &lines, &["200 open warning a"]);
}

#[test]
fn a_storm_clears_with_the_end_of_its_task() {
    let mut lines: Vec<_> = (0..5)
        .map(|n| attempt(n * 50, n as u32 + 1, "working"))
        .collect();
    lines.push(attempt(250, 5, "failed"));
    check(
        "retry-storm",
        &lines,
        &["200 open warning a", "250 cleared warning a"],
    );
}

fn bad_artifact(seconds: i64, id: &str, note: &str) -> Value {
    poll(
        seconds,
        "a",
        json!({"artifacts": [
            {"id": id, "taskId": "t", "name": 7, "note": note, "createdAt": at(0)},
        ]}),
    )
}

#[test]
fn different_bad_items_of_one_task_with_one_cause_are_a_storm() {
    let lines: Vec<_> = (0..5)
        .map(|n| bad_artifact(n * 10, &format!("x{n}"), ""))
        .collect();
    check("retry-storm", &lines, &["40 open warning a"]);
}

#[test]
fn the_same_bytes_sent_again_are_one_occurrence() {
    let lines: Vec<_> = (0..20)
        .map(|n| bad_artifact(n * 10, "x", ["p", "q"][n as usize % 2]))
        .collect();
    check("retry-storm", &lines, &[]);
}

#[test]
fn a_good_item_in_between_starts_the_count_anew() {
    let mut lines: Vec<_> = (0..6)
        .map(|n| bad_artifact(n * 10, &format!("x{n}"), ""))
        .collect();
    let good = json!({"id": "good", "name": "good", "createdAt": at(25)});
    lines.insert(3, poll(25, "a", json!({"artifacts": [good]})));
    check("retry-storm", &lines, &[]);
}

#[test]
fn one_error_five_times_is_a_storm_until_the_endpoint_answers() {
    let mut lines = vec![poll(0, "a", json!({}))];
    lines.extend((1..=5).map(|n| failed(n * 10, "a", json!({"kind": "http", "httpStatus": 500}))));
    lines.push(poll(60, "a", json!({})));
    check(
        "retry-storm",
        &lines,
        &["50 open warning a", "60 cleared warning a"],
    );
}

#[test]
fn endpoints_that_do_not_answer_at_all_make_no_storm() {
    let mut lines = vec![poll(0, "a", json!({}))];
    lines.extend((1..=9).map(|n| failed(n * 10, "a", json!({"kind": "timeout"}))));
    check("retry-storm", &lines, &[]);
}

#[test]
fn errors_with_good_answers_between_make_no_storm() {
    let mut lines = vec![];
    for n in 0..9 {
        lines.push(failed(n * 20, "a", json!({"kind": "invalid"})));
        lines.push(poll(n * 20 + 10, "a", json!({})));
    }
    check("retry-storm", &lines, &[]);
}

#[test]
fn an_endpoint_that_asks_for_patience_is_overloaded_until_it_answers() {
    let lines = [
        poll(0, "a", json!({})),
        failed(10, "a", json!({"kind": "http", "httpStatus": 503})),
        failed(20, "a", json!({"kind": "http", "httpStatus": 429})),
        poll(30, "a", json!({})),
    ];
    check("overload", &lines, &["10 open info a", "30 cleared info a"]);
    check("quota-exhausted", &lines, &[]);
}

#[test]
fn what_the_person_paused_is_neither_overloaded_nor_in_a_storm() {
    let mut lines = vec![poll(0, "a", json!({}))];
    lines.extend((1..=5).map(|n| failed(n * 10, "a", json!({"kind": "http", "httpStatus": 503}))));
    lines.push(json!({"at": at(60), "person": {"action": "pause", "endpoint": "a-host"}}));
    check("overload", &lines, &["10 open info a", "60 cleared info a"]);
    check(
        "retry-storm",
        &lines,
        &["50 open warning a", "60 cleared warning a"],
    );
}

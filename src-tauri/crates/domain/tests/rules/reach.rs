//! `endpoint-stale` and `offline`, and which endpoints' answers are waited for.

use domain::{
    fact::{Config, read_line},
    fleet::Fleet,
};
use serde_json::json;

use crate::*;

fn silent(seconds: i64, agent: &str) -> Value {
    failed(seconds, agent, json!({"kind": "timeout"}))
}

#[test]
fn one_silent_endpoint_among_others_is_stale_and_all_together_are_offline() {
    let both = [poll(0, "a", json!({})), poll(0, "b", json!({}))];
    let errors = |agents: &[&str]| {
        (1..=3)
            .flat_map(|n| {
                agents
                    .iter()
                    .map(move |agent| silent(n * 10, agent))
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let mut alone: Vec<Value> = errors(&["a"]);
    alone.insert(1, poll(15, "b", json!({})));
    let alone = [both.to_vec(), alone].concat();
    check("endpoint-stale", &alone, &["30 open warning a"]);
    check("offline", &alone, &[]);
    let together = [
        both.to_vec(),
        errors(&["a", "b"]),
        vec![poll(40, "a", json!({}))],
    ]
    .concat();
    check("endpoint-stale", &together, &[]);
    check(
        "offline",
        &together,
        &["30 open info a b", "40 cleared info a b"],
    );
}

#[test]
fn the_only_endpoint_that_is_asked_says_nothing_about_the_network() {
    let errors: Vec<Value> = (1..=3).map(|n| silent(n * 10, "a")).collect();
    let lone = [vec![poll(0, "a", json!({}))], errors.clone()].concat();
    check("endpoint-stale", &lone, &["30 open warning a"]);
    check("offline", &lone, &[]);
    let pause = json!({"at": at(2), "person": {"action": "pause", "endpoint": "b-host"}});
    let both = vec![poll(0, "a", json!({})), poll(0, "b", json!({})), pause];
    let paused = [both, errors].concat();
    check("endpoint-stale", &paused, &["30 open warning a"]);
    check("offline", &paused, &[]);
}

#[test]
fn an_error_told_twice_is_one() {
    let mut lines = vec![poll(0, "a", json!({})), poll(0, "b", json!({}))];
    lines.extend([
        silent(10, "a"),
        silent(10, "a"),
        poll(12, "b", json!({})),
        silent(20, "a"),
    ]);
    check("endpoint-stale", &lines, &[]);
}

#[test]
fn what_the_others_answer_is_waited_for_while_one_is_silent() {
    let mut fleet = Fleet::new(Config::default());
    let mut number = 0;
    let mut awaited = |value: &Value| {
        number += 1;
        let line = read_line(number, &value.to_string()).unwrap().unwrap();
        fleet.take(&line);
        fleet.judge(line.at.unwrap(), &mut vec![]);
        ["a-host", "b-host"].map(|endpoint| fleet.awaits(&endpoint.into()))
    };
    assert_eq!(awaited(&poll(0, "a", json!({}))), [false, false]);
    assert_eq!(awaited(&poll(1, "b", json!({}))), [false, false]);
    assert_eq!(awaited(&silent(10, "a")), [false, true]);
    assert_eq!(awaited(&poll(11, "b", json!({}))), [false, false]);
    assert_eq!(awaited(&silent(20, "a")), [false, false]);
}

//! What has nothing to do with a fact is not looked at again. The laws on stories made up by chance are `tests/laws`.

use domain::{
    fact::{Config, read_line},
    fleet::Fleet,
};
use serde_json::json;

use crate::*;

#[test]
fn unrelated_tasks_are_not_looked_at_again() {
    let work = |others: usize| {
        let mut fleet = Fleet::new(Config::default());
        let tasks: Vec<_> = (0..others)
            .map(|n| {
                task(
                    &format!("t{n}"),
                    "working",
                    0,
                    json!({"key": n.to_string()}),
                )
            })
            .collect();
        let mut fed = |number: u64, line: &Value| {
            let line = read_line(number, &line.to_string()).unwrap().unwrap();
            fleet.take(&line);
            fleet.judge(line.at.unwrap(), &mut vec![]);
            fleet.judged()
        };
        let before = fed(1, &poll(0, "a", json!({"tasks": tasks})));
        let one = task(
            "mine",
            "working",
            5,
            json!({"dependsOn": ["a-host/t1"], "key": "own"}),
        );
        let used = access("x", "write", "file:x", 5, json!({"taskId": "mine"}));
        let after = fed(
            2,
            &poll(5, "b", json!({"tasks": [one], "accesses": [used]})),
        );
        after - before
    };
    assert_eq!(work(3), work(3000));
}

//! Law 6: what a fact costs does not grow with what was told before.

use domain::{
    fact::{Fact, read_line},
    fleet::Fleet,
};
use serde_json::{Value, json};

use crate::{Telling, found, holds, story::at};

/// How much is looked at during the story, after so much else that has nothing to do with it.
fn looked_at(story: &[Value], others: usize) -> u64 {
    let (first, rest) = story.split_first().unwrap();
    let Some(Fact::Config(config)) = read_line(1, &first.to_string()).unwrap().map(|l| l.fact)
    else {
        panic!("the first line is the config");
    };
    let mut fleet = Fleet::new(config);
    let mut fed = |number: u64, line: &Value| {
        let line = read_line(number, &line.to_string()).unwrap().unwrap();
        fleet.take(&line);
        fleet.judge(line.at.unwrap(), &mut vec![]);
        fleet.judged()
    };
    let tasks: Vec<_> = (0..others)
        .map(|n| {
            json!({
                "id": format!("old{n}"), "title": "Old", "key": format!("old{n}"),
                "status": {"state": "completed", "timestamp": at(-900)},
            })
        })
        .collect();
    let used: Vec<_> = (0..others)
        .map(|n| {
            json!({
                "id": format!("old{n}"), "taskId": format!("old{n}"), "mode": "write",
                "resource": format!("field:old{n}"), "at": at(-950), "newVersion": "1",
            })
        })
        .collect();
    let status = json!({
        "schemaVersion": "1.0", "snapshot": false,
        "agent": {"id": "a", "name": "a", "status": "online"},
        "tasks": tasks, "accesses": used,
    });
    let before = fed(
        2,
        &json!({"at": at(-700), "endpoint": "a-host", "status": status}),
    );
    let mut after = before;
    for (index, line) in rest.iter().enumerate() {
        // Other rules make everything to be looked at again, and what an agent declares all that it did.
        if line.get("rules").is_none() && line.pointer("/status/ownership").is_none() {
            after = fed(index as u64 + 3, line);
        }
    }
    after - before
}

#[test]
fn what_has_nothing_to_do_with_a_fact_is_not_looked_at_again() {
    holds(Telling::Late, |story, _| {
        let (few, many) = (looked_at(story, 2), looked_at(story, 20));
        if few != many {
            return Err(format!(
                "looked at {few} things after few, {many} after many"
            ));
        }
        Ok(found(story))
    });
}

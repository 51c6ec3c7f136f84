//! The fleets that are recorded: an office on a bad morning, a fleet in every kind of trouble, the demo at its most interesting moment, nothing at all,
//! and more than fits on any screen.

use chrono::TimeDelta;
use domain::ownership::text;
use engine::demo::{
    self,
    script::{AGENTS, Script},
};
use serde_json::{Value, json};

use crate::{ago, now, office, stage::Stage, trouble};

/// Name, fleet, and how many cards of each column are recorded.
pub(crate) fn all() -> [(&'static str, Stage, u32); 5] {
    [
        ("story", scripted(), 200),
        ("empty", Stage::new(ago(1), None), 1),
        ("large", large(), 8),
        ("office", office::stage(), 200),
        ("trouble", trouble::stage(), 200),
    ]
}

/// The demo fleet three minutes and five seconds after its beginning.
fn scripted() -> Stage {
    let begin = now() - TimeDelta::seconds(185);
    let mut rules = text::read(demo::OWNERSHIP).expect("the demo's rules");
    rules.reviewed_at = Some(begin);
    let mut stage = Stage::new(begin, Some(rules));
    stage.demo = true;
    for (agent, name) in demo::NAMES {
        stage.add(begin, agent, name, "demo", 9);
    }
    let script = Script::new(begin);
    for second in (0..=185).step_by(5) {
        let at = begin + TimeDelta::seconds(second);
        for agent in AGENTS {
            let body = script.status(agent, at).expect("an agent of the story");
            let document = serde_json::from_str(&body).expect("JSON");
            stage.hear(at, agent, &document);
        }
    }
    stage
}

/// Fifty agents with 20,000 tasks.
fn large() -> Stage {
    const AGENTS: usize = 50;
    const TASKS: usize = 400;
    let mut stage = Stage::new(ago(600), None);
    for agent in 0..AGENTS {
        let host = format!("host-{agent:02}");
        stage.add(ago(600), &host, &host, "native", 9000 + agent as u16);
        let tasks: Vec<Value> = (0..TASKS).map(|task| many(agent, task)).collect();
        let document = json!({
            "schemaVersion": "1.0", "snapshot": true, "tasks": tasks,
            "agent": { "id": format!("worker-{agent:02}"), "name": format!("Worker {agent:02}"), "status": "online" },
        });
        stage.hear(ago(0), &host, &document);
    }
    stage
}

fn many(agent: usize, task: usize) -> Value {
    let state = [
        "submitted",
        "working",
        "input-required",
        "completed",
        "failed",
        "completed",
    ][task % 6];
    let id = format!("T-{:05}", agent * 400 + task);
    json!({
        "id": id, "title": format!("Crawl part {task} of the archive"), "kind": "crawl",
        "status": { "state": state, "timestamp": domain::time::format(ago(1 + (task % 9) as i64)) },
    })
}

//! What saving and restoring the state costs, beside reading the same lines again: 20,000 live tasks of ten endpoints, of
//! which each may have up to 2,500.
//!
//! `cargo bench --bench snapshot` runs it. It checks nothing but that what is restored is what was saved; what is told is
//! time of one core. `TASKS=25000` asks for more.

#![allow(clippy::unwrap_used)] // what goes wrong here concerns nobody else
#![allow(clippy::disallowed_methods)] // the rules have no clock; this measures them

#[path = "running/time.rs"]
mod time;

use chrono::{DateTime, TimeDelta};
use domain::{
    delta::Differ,
    fact::{Fact, read_line, write_status},
    fleet::Fleet,
    ids::EndpointId,
};
use time::running;

const ENDPOINTS: usize = 10;

/// The fastest of three, in milliseconds.
fn fastest<T>(mut run: impl FnMut() -> T) -> (f64, T) {
    let mut best: Option<(f64, T)> = None;
    for _ in 0..3 {
        let begin = running();
        let made = run();
        let took = (running() - begin) / 1000.0;
        if best.as_ref().is_none_or(|(known, _)| took < *known) {
            best = Some((took, made));
        }
    }
    best.unwrap()
}

fn main() {
    let tasks = std::env::var("TASKS").ok().and_then(|n| n.parse().ok());
    let tasks: usize = tasks.unwrap_or(20_000);
    let (lines, bodies) = story(tasks);
    let bytes: usize = lines.iter().map(String::len).sum();
    println!(
        "{tasks} live tasks in {} lines of {bytes} bytes",
        lines.len()
    );

    let (took, fleet) = fastest(|| {
        let mut fleet = Fleet::new(Default::default());
        for (number, line) in (1..).zip(&lines) {
            let line = read_line(number, line).unwrap().unwrap();
            let mut changes = fleet.take(&line);
            fleet.judge(line.at.unwrap(), &mut changes);
        }
        fleet
    });
    println!("fleet: the lines read again {took:.1} ms");
    let (took, saved) = fastest(|| fleet.save());
    println!("fleet: saved {took:.1} ms, {} bytes", saved.len());
    let (took, again) = fastest(|| Fleet::restore(&saved).unwrap());
    println!("fleet: restored {took:.1} ms");
    assert!(again.save() == saved);

    let (took, differs) = fastest(|| {
        let mut differs = vec![Differ::new(); ENDPOINTS];
        for (endpoint, body) in &bodies {
            differs[*endpoint].learn(body);
        }
        differs
    });
    println!("differs: the lines read again {took:.1} ms");
    let (took, saved) = fastest(|| differs.iter().map(Differ::save).collect::<Vec<_>>());
    let bytes: usize = saved.iter().map(Vec::len).sum();
    println!("differs: saved {took:.1} ms, {bytes} bytes");
    let restore = |bytes: &Vec<u8>| Differ::restore(bytes).unwrap();
    let (took, again) = fastest(|| saved.iter().map(restore).collect::<Vec<_>>());
    println!("differs: restored {took:.1} ms");
    assert!(again.iter().map(Differ::save).eq(saved));
}

/// Tasks in pieces of a hundred, each with an access and then a sign of progress, as differences are logged.
fn story(tasks: usize) -> (Vec<String>, Vec<(usize, String)>) {
    let mut now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let (mut lines, mut bodies) = (vec![], vec![]);
    for part in 0..tasks.div_ceil(100) * 2 {
        let endpoint = part % ENDPOINTS;
        let (first, again) = (part / 2 * 100, part % 2);
        now += TimeDelta::milliseconds(500);
        let at = now.to_rfc3339();
        let endpoint = (endpoint - again) % ENDPOINTS;
        let of_part = (first..first + 100).map(|task| {
            let task_item = format!(
                r#"{{"id":"task-{task}","title":"What task {task} is about","kind":"build","status":{{"state":"working","timestamp":"{at}","message":"Step {again} of many"}},"progress":{{"done":{again},"total":10,"at":"{at}"}},"contextId":"work-{}","attempt":1}}"#,
                task / 7
            );
            let access = format!(
                r#"{{"id":"access-{task}-{again}","taskId":"task-{task}","resource":"file:part/{task}","mode":"write","newVersion":"{again}","at":"{at}"}}"#
            );
            (task_item, access)
        });
        let (items, accesses): (Vec<_>, Vec<_>) = of_part.unzip();
        let body = format!(
            r#"{{"schemaVersion":"1.0","agent":{{"id":"a{endpoint}","name":"Agent","status":"online"}},"snapshot":false,"tasks":[{}],"accesses":[{}]}}"#,
            items.join(","),
            accesses.join(",")
        );
        let id = EndpointId::from(format!("e{endpoint}").as_str());
        let line = write_status(now, &id, &body);
        if let Ok(Some(line)) = read_line(1, &line) {
            assert!(matches!(line.fact, Fact::Status { .. }));
        }
        lines.push(line);
        bodies.push((endpoint, body));
    }
    (lines, bodies)
}

//! What stays in memory of the worst answers there are, at the size that is read of one: what the state of the world and
//! the memory of what was told hold when the answer itself is gone.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "costs/bodies.rs"]
mod bodies;

use bodies::KINDS;
use domain::{
    delta::Differ,
    fact::{Config, read_line, write_status},
    fleet::Fleet,
    time::Time,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// The largest answer that is read, with a little room for what stands around the kinds' items.
const BYTES: usize = 16 * 1024 * 1024 - 256 * 1024;
/// What an endpoint may add to the memory for longer than a poll.
const MOST: usize = 32 * 1024 * 1024;
/// Code that was not optimised takes minutes for all; of the kinds those that hold much have their turn in the normal run.
const NORMAL: [&str; 9] = [
    "questions with many options",
    "tasks with long lists of references",
    "tasks that depend on each other",
    "writes outside of what was declared",
    "readers of one document",
    "writes of many things",
    "artifacts with bodies",
    "handoffs of one task",
    "limits",
];

fn at(seconds: i64) -> Time {
    chrono::DateTime::from_timestamp(1_793_523_600 + seconds, 0).expect("a time")
}

fn held(kind: &bodies::Kind, bytes: usize) -> usize {
    let bodies = kind.bodies(bytes);
    let before = COUNTED.current_usage();
    let (mut differ, mut fleet) = (Differ::new(), Fleet::new(Config::default()));
    for (body, number) in bodies.iter().zip(2..) {
        let now = at(number * 5);
        let taken = differ.take(body, true);
        drop(taken);
        let text = write_status(now, &"e".into(), body);
        let line = read_line(number.unsigned_abs(), &text).expect("a line");
        drop(fleet.take(line.as_ref().expect("a fact")));
        fleet.judge(now, &mut vec![]);
    }
    COUNTED.current_usage().saturating_sub(before)
}

#[test]
fn no_answer_holds_more_memory_than_an_endpoint_may() {
    let all = std::env::var_os("MISSION_CONTROL_LONG").is_some();
    let kinds = KINDS.iter();
    let kinds = kinds.filter(|kind| all || NORMAL.contains(&kind.name));
    let mut found: Vec<_> = kinds.map(|kind| (held(kind, BYTES), kind.name)).collect();
    assert!(found.len() >= NORMAL.len(), "{found:?}");
    found.sort_unstable();
    for (held, name) in found.iter().rev() {
        println!("{:>6.1} MiB  {name}", *held as f64 / f64::from(1 << 20));
    }
    found.retain(|(held, _)| *held > MOST);
    assert!(found.is_empty(), "{found:?}");
}

//! What stays in memory of the worst answers there are, at the size that is read of one: what the state of the world and
//! the memory of what was told hold when the answer itself is gone.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "costs/bodies.rs"]
mod bodies;

use std::sync::Mutex;

use bodies::KINDS;
use domain::{
    delta::{Differ, Most},
    fact::{Config, read_line, write_status},
    fleet::Fleet,
    time::Time,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static COUNTED: PeakAlloc = PeakAlloc;

/// What is counted is of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

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

/// An endpoint, as it is watched.
struct Watched {
    differ: Differ,
    fleet: Fleet,
    polls: i64,
}

impl Watched {
    fn new() -> Self {
        Self {
            differ: Differ::new(),
            fleet: Fleet::new(Config::default()),
            polls: 0,
        }
    }

    /// What is new in its answer is taken in and judged, in pieces as the app does it.
    fn answers(&mut self, body: &str) {
        self.polls += 1;
        let now = at(self.polls * 5);
        let most = Most {
            items: 100,
            bytes: 256 * 1024,
        };
        let news = self.differ.news(body, true, most, &|| true);
        for (number, text) in (self.polls * 1_000..).zip(news.unwrap_or_default()) {
            if let Some(piece) = self.differ.look_at(&text) {
                self.differ.believe(&piece);
            }
            let line = write_status(now, &"e".into(), &text);
            let line = read_line(number.unsigned_abs(), &line).expect("a line");
            drop(self.fleet.take(line.as_ref().expect("a fact")));
        }
        self.fleet.judge(now, &mut vec![]);
    }
}

fn held(kind: &bodies::Kind, bytes: usize) -> usize {
    let bodies = kind.bodies(bytes);
    let before = COUNTED.current_usage();
    let mut watched = Watched::new();
    for body in &bodies {
        watched.answers(body);
    }
    COUNTED.current_usage().saturating_sub(before)
}

#[test]
fn no_answer_holds_more_memory_than_an_endpoint_may() {
    let _alone = ALONE.lock().expect("the other test passed");
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

#[test]
fn all_of_them_one_after_the_other_hold_no_more() {
    let _alone = ALONE.lock().expect("the other test passed");
    let long = std::env::var_os("MISSION_CONTROL_LONG").is_some();
    let bytes = if long { BYTES } else { BYTES / 16 };
    let before = COUNTED.current_usage();
    let mut watched = Watched::new();
    let mut most = 0;
    for kind in KINDS.iter().chain(KINDS) {
        let was = COUNTED.current_usage().saturating_sub(before);
        for body in kind.bodies(bytes) {
            watched.answers(&body);
        }
        let held = COUNTED.current_usage().saturating_sub(before);
        let grown = (held as f64 - was as f64) / f64::from(1 << 20);
        println!("{grown:>6.1} MiB  {}", kind.name);
        most = most.max(held);
    }
    let saved = watched.fleet.save().len() + watched.differ.save().len();
    println!("at most {} MiB, saved in {} KiB", most >> 20, saved >> 10);
    assert!(most <= MOST, "{} MiB", most >> 20);
}

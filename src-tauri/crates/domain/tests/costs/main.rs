//! What an answer costs, and where what is kept of one endpoint ends: the worst bodies there are, at growing sizes.
//!
//! Work is counted as processor time of the thread, as a ratio of the same work on a quarter of the body; the bounds
//! are far above what is measured and far below what comparing everything with everything takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

mod asked;
mod bodies;
mod caps;
mod kept;
mod words;

use bodies::{KINDS, Kind};
use domain::{
    contract,
    delta::Differ,
    fact::{Config, read_line, write_status, write_tick},
    fleet::Fleet,
    outline,
    time::Time,
};

/// Bytes of an answer in the normal run. `MISSION_CONTROL_BODY_BYTES` gives another number, up to the 16 MiB that are
/// read of one.
const BYTES: usize = 512 * 1024;

/// Four times the bytes may cost so many times the work: n log n costs 4 to 5 times, n² costs 16.
const RATIO: f64 = 10.0;

/// How often a step that seems to grow faster is looked at again.
const TRIES: usize = 3;

/// Less is too little to compare, in seconds.
const LITTLE: f64 = 0.2;

/// No step over that many bytes takes longer, in seconds of a build without optimization.
const LONGEST: f64 = 10.0;

pub(crate) fn at(seconds: i64) -> Time {
    chrono::DateTime::from_timestamp(1_793_523_600 + seconds, 0).unwrap()
}

#[cfg(unix)]
fn running() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(not(unix))]
fn running() -> f64 {
    use std::{sync::OnceLock, time::Instant};
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

const STEPS: [&str; 6] = ["read", "differ", "line", "take", "judge", "outline"];

/// Seconds of each step over all answers of a kind.
fn costs(kind: &Kind, bytes: usize) -> [f64; 6] {
    let mut costs = [0.0; 6];
    let mut timed = |step: usize, work: &mut dyn FnMut()| {
        let before = running();
        work();
        costs[step] += running() - before;
    };
    let (mut differ, mut fleet) = (Differ::new(), Fleet::new(Config::default()));
    let mut number = 1;
    for body in kind.bodies(bytes) {
        number += 1;
        let now = at(number as i64 * 5);
        timed(0, &mut || drop(contract::read(body.as_bytes())));
        timed(1, &mut || drop(differ.take(&body, true)));
        let text = write_status(now, &"e".into(), &body);
        let mut line = None;
        timed(2, &mut || line = read_line(number, &text).unwrap());
        timed(3, &mut || drop(fleet.take(line.as_ref().unwrap())));
        timed(4, &mut || fleet.judge(now, &mut vec![]));
        if body.len() < 2 * 1024 * 1024 {
            timed(5, &mut || drop(outline::outline(&body)));
        }
    }
    // What waits for others to be heard is judged when it has waited long enough.
    let now = at(number as i64 * 5 + 600);
    let line = read_line(number + 1, &write_tick(now)).unwrap().unwrap();
    fleet.take(&line);
    timed(4, &mut || fleet.judge(now, &mut vec![]));
    costs
}

/// A neighbour's use of the processor and its caches counts as ours; what is slow by itself is slow each time.
fn least(least: &mut [f64; 6], again: [f64; 6]) {
    for (least, again) in least.iter_mut().zip(again) {
        *least = least.min(again);
    }
}

fn check(part: usize, parts: usize) {
    let told = std::env::var("MISSION_CONTROL_BODY_BYTES");
    let bytes = told.ok().and_then(|t| t.parse().ok()).unwrap_or(BYTES);
    let only = std::env::var("MISSION_CONTROL_BODY_KIND").unwrap_or_default();
    let mut wrong = vec![];
    let kinds = KINDS.iter().enumerate();
    for (_, kind) in kinds.filter(|(at, k)| at % parts == part && k.name.contains(&only)) {
        let (mut few, mut many) = (costs(kind, bytes / 4), costs(kind, bytes));
        for _ in 0..TRIES {
            let mut steps = few.iter().zip(&many);
            if !steps.any(|(few, many)| *many > LITTLE && many / few.max(1e-6) > RATIO) {
                break;
            }
            least(&mut few, costs(kind, bytes / 4));
            least(&mut many, costs(kind, bytes));
        }
        let mut cells = String::new();
        for (step, name) in STEPS.iter().enumerate() {
            let ratio = many[step] / few[step].max(1e-6);
            cells.push_str(&format!("  {name} {:.0} ms ({ratio:.1})", many[step] * 1e3));
            let scale = (bytes as f64 / BYTES as f64).max(1.0);
            if many[step] > LITTLE && ratio > RATIO || many[step] > LONGEST * scale {
                wrong.push(format!(
                    "{}: {name} takes {:.2} s, {ratio:.1} times as long as a quarter of it",
                    kind.name, many[step]
                ));
            }
        }
        println!("{:<45}{cells}", kind.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_step_over_an_answer_grows_faster_than_the_answer_first_third() {
    check(0, 3);
}

#[test]
fn no_step_over_an_answer_grows_faster_than_the_answer_second_third() {
    check(1, 3);
}

#[test]
fn no_step_over_an_answer_grows_faster_than_the_answer_last_third() {
    check(2, 3);
}

#[test]
fn there_are_at_least_forty_kinds_of_worst_bodies_of_the_size_asked_for() {
    assert!(KINDS.len() >= 40, "{}", KINDS.len());
    for kind in KINDS {
        let bytes: usize = kind.bodies(64 * 1024).iter().map(String::len).sum();
        assert!(
            (32 * 1024..160 * 1024).contains(&bytes),
            "{}: {bytes}",
            kind.name
        );
    }
}

//! What is asked under a known name is never overlooked because there is no room: who answered the question of before would
//! answer something else. And what is kept of what cannot be read ends somewhere, too.

use domain::{
    caps::{AGENTS, LETTERS, LIVE_TASKS, QUESTIONS},
    change::Change,
    fact::{read_line, write_decision},
};

use crate::{
    at,
    kept::{Told, list},
};

fn question(n: usize, bytes: usize, status: &str) -> String {
    let message = "w".repeat(bytes);
    format!(
        "{{\"id\":\"q{n}\",\"version\":\"1\",\"kind\":\"question\",\"title\":\"T\",\"message\":\"{message}\",\"createdAt\":\"2026-11-01T08:00:00Z\",\"status\":\"{status}\"}}"
    )
}

fn asks(bytes: usize) -> String {
    list("escalations", 0, 1, &|n| question(n, bytes, "pending"))
}

const UNREADABLE: &str = "\"snapshot\":false,\"escalations\":[{\"id\":\"q0\",\"version\":1}]";

/// No more tasks find room.
fn fills(told: &mut Told) {
    let task = |n: usize| {
        let message = "w".repeat(2_000);
        format!(
            "{{\"id\":\"t{n}\",\"title\":\"T\",\"status\":{{\"state\":\"working\",\"message\":\"{message}\"}}}}"
        )
    };
    told.tell("a", &list("tasks", 0, LIVE_TASKS, &task));
}

/// No more dead letters find room.
fn writes_letters(told: &mut Told) {
    told.tell(
        "a",
        &list("tasks", 10_000, LETTERS, &|n| {
            format!("{{\"id\":\"t{n}\"}}")
        }),
    );
}

fn decides(told: &mut Told) {
    told.lines += 1;
    let now = at(told.lines as i64 * 10);
    let outcome = domain::decision::Outcome::Approve;
    let text = write_decision(now, &"e".into(), &"q0".into(), outcome, true);
    let line = read_line(told.lines, &text);
    told.fleet.take(&line.unwrap().unwrap());
}

/// What is known of the question with that name, by what was told now.
fn known(changes: &[Change]) -> Option<&'static str> {
    changes.iter().find_map(|change| match change {
        Change::Escalation(record) if record.value.id.as_str() == "q0" => Some("another"),
        Change::DeadLetter(letter) if letter.list() == "escalations" && letter.item == "q0" => {
            Some("hidden")
        }
        _ => None,
    })
}

#[test]
fn a_question_that_is_exchanged_for_a_larger_one_without_room_is_hidden() {
    let mut told = Told::new();
    told.tell("a", &asks(10));
    fills(&mut told);
    assert_eq!(known(&told.tell("a", &asks(60_000))), Some("hidden"));
    // Said once, however it grows.
    assert_eq!(known(&told.tell("a", &asks(61_000))), None);
    assert_eq!(known(&told.tell("a", &asks(9))), Some("another"));
}

#[test]
fn also_when_no_more_dead_letters_are_kept() {
    let mut told = Told::new();
    told.tell("a", &asks(10));
    writes_letters(&mut told);
    assert_eq!(known(&told.tell("a", UNREADABLE)), Some("hidden"));
    let mut told = Told::new();
    told.tell("a", &asks(10));
    writes_letters(&mut told);
    fills(&mut told);
    assert_eq!(known(&told.tell("a", &asks(60_000))), Some("hidden"));
    let mut told = Told::new();
    told.tell("a", &asks(10));
    fills(&mut told);
    let wide = |n: usize| format!("{{\"id\":\"t{n}\",\"w\":\"{}\"}}", "w".repeat(60_000));
    told.tell("a", &list("tasks", 20_000, 20, &wide));
    assert_eq!(known(&told.tell("a", UNREADABLE)), Some("hidden"));
}

#[test]
fn also_when_it_was_answered_and_as_many_wait_as_may() {
    let mut told = Told::new();
    told.tell("a", &asks(10));
    decides(&mut told);
    told.tell(
        "a",
        &list("escalations", 1, QUESTIONS, &|n| question(n, 10, "pending")),
    );
    assert_eq!(known(&told.tell("a", &asks(11))), Some("hidden"));
}

#[test]
fn also_when_much_was_forgotten_since_its_answer() {
    let mut told = Told::new();
    told.tell("a", &asks(10));
    decides(&mut told);
    fills(&mut told);
    told.lines += 24 * 360;
    told.tell(
        "a",
        &list("escalations", 1, 1, &|n| question(n, 10, "pending")),
    );
    fills(&mut told);
    assert_eq!(known(&told.tell("a", &asks(60_000))), Some("hidden"));
}

#[test]
fn also_when_somebody_asks_for_whom_there_is_no_room() {
    let mut told = Told::new();
    told.tell("a0", &asks(10));
    for n in 1..AGENTS {
        told.tell(&format!("a{n}"), "\"tasks\":[]");
    }
    assert_eq!(known(&told.tell("another", &asks(10))), None);
    assert_eq!(known(&told.tell("another", &asks(11))), Some("hidden"));
    assert_eq!(known(&told.tell("a0", &asks(12))), Some("another"));
    assert_eq!(known(&told.tell("another", UNREADABLE)), Some("hidden"));
    assert_eq!(known(&told.tell("a0", &asks(13))), Some("another"));
    let gone = told.tell("another", "\"escalations\":[]");
    assert_eq!(known(&gone), Some("another"));
}

#[test]
fn dead_letters_that_grow_are_kept_as_long_as_there_is_room() {
    let mut told = Told::new();
    let bad = |bytes: usize| {
        move |n: usize| format!("{{\"id\":\"t{n}\",\"w\":\"{}\"}}", "w".repeat(bytes))
    };
    for bytes in [1, 60_000] {
        for from in (0..LETTERS).step_by(100) {
            told.tell("a", &list("tasks", from, 100, &bad(bytes)));
        }
    }
    let kept = told.fleet.save().len();
    assert!(kept < 16 << 20, "{kept}");
}

/// An older account changes nothing, so it gives no room back either.
#[test]
fn what_is_not_believed_makes_no_room() {
    let task = |n: usize, second: usize, bytes: usize| {
        let message = "w".repeat(bytes);
        format!(
            "{{\"id\":\"t{n}\",\"title\":\"T\",\"status\":{{\"state\":\"working\",\"message\":\"{message}\",\"timestamp\":\"2026-11-01T08:00:{second:02}Z\"}}}}"
        )
    };
    let mut told = Told::new();
    told.tell("a", &list("tasks", 0, 30, &|n| task(n, 30, 60_000)));
    for round in 0..6 {
        told.tell("a", &list("tasks", 0, 3000, &|n| task(n % 30, 0, n)));
        let bad = |n: usize| format!("{{\"id\":\"t{n}\",\"w\":\"{}\"}}", "w".repeat(60_000));
        told.tell("a", &list("tasks", 1000 + 100 * round, 100, &bad));
    }
    let kept = told.fleet.save().len();
    assert!(kept < 12 << 20, "{kept}");
}

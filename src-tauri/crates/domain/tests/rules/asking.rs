//! What waits for a person: it is never pushed on, whatever its state says. "Go on" can be a yes to what is asked.

use serde_json::json;

use crate::*;

/// Words that would make an agent go on without its answer.
const PUSHES: [&str; 7] = [
    "retry", "continue", "nudge", "resume", "rerun", "run", "proceed",
];

fn asks(seconds: i64, state: &str, waits: Value, status: &str) -> Value {
    let question = json!({"id": "q", "version": "1", "taskId": "t", "kind": "approval", "title": "Pay?", "message": "Pay?",
        "createdAt": at(0), "status": status});
    poll(
        seconds,
        "a",
        json!({"tasks": [task("t", state, 0, waits)], "escalations": [question]}),
    )
}

#[test]
fn nothing_that_waits_for_an_answer_is_offered_to_be_pushed_on() {
    let human = json!({"waitingFor": {"kind": "human", "ref": "q"}});
    for state in [
        "working",
        "input-required",
        "auth-required",
        "submitted",
        "unknown",
        "dreaming",
        "completed",
    ] {
        for waits in [json!({}), human.clone()] {
            let mut lines = vec![
                config(json!({"rules": {"budgets": [{"kind": "x", "seconds": 60}]}})),
                asks(0, state, waits, "pending"),
            ];
            for seconds in [30, 60, 601, 3600, 40_000, 90_000, 400_000] {
                lines.push(poll(seconds, "a", json!({})));
            }
            let text = file(&lines);
            for finding in replay(text.lines()).unwrap() {
                for offered in &finding.resolutions {
                    let words = format!("{} {}", offered.id, offered.label).to_lowercase();
                    let mut words = words.split(|c: char| !c.is_alphabetic());
                    assert!(
                        !words.any(|word| PUSHES.contains(&word)),
                        "{state}: {} offers {}",
                        finding.rule,
                        offered.label
                    );
                }
            }
        }
    }
}

#[test]
fn a_task_that_says_it_works_while_it_asks_has_not_stalled() {
    let lines = [
        asks(0, "working", json!({}), "pending"),
        tick(700),
        poll(7000, "a", json!({})),
        // Answered: from here on it is expected to move.
        asks(7200, "working", json!({}), "resolved"),
        tick(7799),
        tick(7801),
    ];
    check("stall", &lines, &["7801 open warning a"]);
    // A question that comes late ends what was found before it.
    let lines = [
        poll(
            0,
            "a",
            json!({"tasks": [task("t", "working", 0, json!({}))]}),
        ),
        tick(601),
        asks(610, "working", json!({}), "pending"),
        tick(5000),
    ];
    check(
        "stall",
        &lines,
        &["601 open warning a", "610 cleared warning a"],
    );
}

#[test]
fn a_task_with_something_new_to_say_has_not_stalled() {
    let says = |seconds, words: &str| {
        let mut work = task("t", "working", 0, json!({}));
        work["status"]["message"] = json!(words);
        poll(seconds, "a", json!({"tasks": [work]}))
    };
    let lines = [
        says(0, "Reading"),
        says(500, "Writing"),
        tick(1099),
        // The same words again are no sign of anything.
        says(1100, "Writing"),
        tick(1101),
        says(1200, "Testing"),
        tick(1799),
        tick(1801),
    ];
    check(
        "stall",
        &lines,
        &[
            "1100 open warning a",
            "1200 cleared warning a",
            "1801 open warning a",
        ],
    );
}

#[test]
fn a_task_that_is_queued_again_after_an_answer_is_resumed_and_not_started_anew() {
    for (asking, found) in [
        ("input-required", &[][..]),
        ("auth-required", &[]),
        ("working", &["20 open warning a"]),
    ] {
        let states = [
            (0, "submitted"),
            (5, "working"),
            (10, asking),
            (20, "submitted"),
        ];
        let lines = states.map(|(seconds, state)| {
            let told = task("t", state, seconds, json!({}));
            poll(seconds, "a", json!({"tasks": [told]}))
        });
        check("duplicate-work", &lines, found);
    }
}

fn of_the_person(seconds: i64, word: &str) -> Value {
    json!({"at": at(seconds), word: {"endpoint": "a-host", "escalation": "q", "outcome": "approve", "considered": true}})
}

/// When a question is said to be overdue, with these lines of its agent and the person in the first hour.
#[track_caller]
fn overdue(lines: &[Value], expected: &[&str]) {
    let mut all = vec![asks(0, "input-required", json!({}), "pending")];
    all.extend_from_slice(lines);
    all.extend([20, 40, 80].map(|hours| tick(hours * 3600)));
    check("escalation-overdue", &all, expected);
}

#[test]
fn a_question_that_is_asked_again_waits_for_the_person_as_if_it_had_not_been_answered() {
    let never = [
        "72000 open info a",
        "144000 open warning a",
        "288000 open critical a",
    ];
    let answered = of_the_person(60, "decision");
    let again = of_the_person(120, "askedAgain");
    overdue(&[], &never);
    overdue(std::slice::from_ref(&answered), &[]);
    overdue(&[answered.clone(), again.clone()], &never);
    let second = of_the_person(180, "decision");
    overdue(&[answered.clone(), again.clone(), second], &[]);
    // Not what was settled meanwhile, and not what was never answered.
    let settled = asks(90, "input-required", json!({}), "resolved");
    overdue(&[answered.clone(), settled, again.clone()], &[]);
    overdue(&[again], &never);
}

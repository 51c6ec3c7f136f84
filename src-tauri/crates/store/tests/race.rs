//! Two processes that answer the same questions at the same moments on one store file: one answer of each pair stands,
//! and the other side is told which.
//!
//! The lock keeps a second process out of a data folder. Here its file is taken away between the two, as somebody could who
//! tidies up, so that only what the store promises of each answer stands between them. The files are in memory where the
//! system has room for that: who is first is the question, not how fast the disk is.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end there"
)]

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use chrono::DateTime;
use domain::{
    change::{Change, EscalationPhase, EscalationRecord},
    contract::Escalation,
    decision::{Decision, Delivery, DeliveryState, Outcome},
    ids::AgentRef,
    time::Time,
};
use serde_json::json;
use store::{
    Store,
    tables::{
        audit::{self, Verdict},
        decisions::{self, Recorded, Winner},
    },
};

const PAIRS: usize = 10_000;
const LOCK: &str = "lock";
/// Says to a process that it is one of the two, and how it answers.
const FOLDER: &str = "RACE_FOLDER";
const SAYS: &str = "RACE_SAYS";
/// Before each line that is for the parent: the test harness prints lines of its own.
const MARK: &str = "> ";

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn question(number: usize) -> Change {
    let value: Escalation = serde_json::from_value(json!({
        "id": format!("q{number}"), "version": "1", "kind": "approval", "title": "Send it?", "message": "",
        "status": "pending",
    }))
    .unwrap();
    Change::Escalation(Box::new(EscalationRecord {
        agent: AgentRef {
            endpoint: "desk".into(),
            agent: "billing".into(),
        },
        value,
        raw: "{}".into(),
        action_raw: None,
        line: 2,
        created_at: at(0),
        due_at: at(1800),
        fallback: "hold".into(),
        edition: 0,
        phase: EscalationPhase::Pending,
    }))
}

fn decision(number: usize, outcome: Outcome) -> Decision {
    let side = u8::from(outcome == Outcome::Reject);
    Decision {
        id: format!("01890000-0000-7000-800{side}-{number:012}").into(),
        endpoint: "desk".into(),
        escalation: format!("q{number}").into(),
        version: "1".into(),
        agent: "billing".into(),
        edition: 0,
        binding_hash: "shown".into(),
        shown: "{}".into(),
        action_key: None,
        class: domain::decision::Risk::Outward,
        origin: None,
        outcome,
        body: json!({ "outcome": outcome }).to_string(),
        decided_at: at(10 + i64::from(side)),
        held_until: at(20),
        considered: true,
        shown_ms: 3000,
        delivery: Delivery {
            state: DeliveryState::Held,
            attempts: 0,
            next_attempt_at: None,
            detail: None,
            recorded_outcome: None,
            changed_at: at(10),
        },
        altered: None,
        repeats: None,
        asked_again_at: None,
    }
}

/// One of the two, in a process of its own.
struct Racer {
    child: Child,
    go: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Racer {
    fn start(folder: &Path, says: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_side_of_a_race", "--nocapture"])
            .env(FOLDER, folder)
            .env(SAYS, says)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut racer = Self {
            go: child.stdin.take().unwrap(),
            said: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        assert_eq!(racer.next(), "ready");
        racer
    }

    fn go(&mut self, number: usize) {
        writeln!(self.go, "{number}").unwrap();
    }

    fn next(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it has ended");
            if let Some((_, said)) = line.trim_end().split_once(MARK) {
                return said.to_owned();
            }
        }
    }

    /// In order.
    fn end(self) {
        let Self { mut child, go, .. } = self;
        drop(go);
        assert!(child.wait().unwrap().success());
    }
}

/// What a process says of one attempt, and what its parent expects.
fn in_words(recorded: Recorded) -> String {
    match recorded {
        Recorded::Yes => "yes".to_owned(),
        Recorded::Settled(
            EscalationPhase::Answered,
            Some(Winner {
                outcome,
                decided_at,
            }),
        ) => format!("{outcome:?} {decided_at}"),
        other => format!("{other:?}"),
    }
}

/// What the processes of the test below run. Alone it has nothing to do.
#[test]
fn the_side_of_a_race() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let outcome: Outcome = serde_json::from_value(json!(env::var(SAYS).unwrap())).unwrap();
    let store = Store::open(folder, at(0)).unwrap();
    println!("{MARK}ready");
    for line in std::io::stdin().lines() {
        let number: usize = line.unwrap().parse().unwrap();
        let decision = decision(number, outcome);
        let recorded = store.write(move |tx| {
            decisions::record(tx, decision.decided_at, &decision, |_| "shown".to_owned())
        });
        println!("{MARK}{}", in_words(recorded.unwrap()));
    }
}

#[test]
fn of_two_answers_at_the_same_moment_one_stands_and_the_other_side_is_told_which() {
    let memory = Path::new("/dev/shm");
    let dir = match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    let one = dir.path().join("one");
    let store = Store::open(&one, at(0)).unwrap();
    let all: Vec<_> = (0..PAIRS).map(question).collect();
    store.write(move |tx| store::apply_all(tx, &all)).unwrap();
    drop(store);

    let mut yes = Racer::start(&one, "approve");
    std::fs::remove_file(one.join(LOCK)).unwrap();
    let mut no = Racer::start(&one, "reject");
    let mut winners = vec![];
    for number in 0..PAIRS {
        // Neither side always hears it first.
        if number.is_multiple_of(2) {
            yes.go(number);
            no.go(number);
        } else {
            no.go(number);
            yes.go(number);
        }
        let said = (yes.next(), no.next());
        let told = |outcome| {
            let winner = decision(number, outcome);
            in_words(Recorded::Settled(
                EscalationPhase::Answered,
                Some(Winner {
                    outcome,
                    decided_at: winner.decided_at,
                }),
            ))
        };
        let won = match (&*said.0, &*said.1) {
            ("yes", other) if other == told(Outcome::Approve) => Outcome::Approve,
            (other, "yes") if other == told(Outcome::Reject) => Outcome::Reject,
            _ => panic!("question {number}: {said:?}"),
        };
        winners.push(won);
    }
    yes.end();
    no.end();

    let approved = winners.iter().filter(|won| **won == Outcome::Approve);
    let approved = approved.count();
    println!("{approved} of {PAIRS} approved, the others refused");
    assert!((1..PAIRS).contains(&approved), "it was no race: {approved}");
    let store = Store::open(&one, at(0)).unwrap();
    let kept = store.read(decisions::outbox).unwrap();
    assert_eq!(kept.len(), PAIRS);
    for (number, won) in winners.into_iter().enumerate() {
        let right = decision(number, won);
        let kept = store.read(|reader| decisions::get(reader, &right.id));
        assert_eq!(kept.unwrap(), Some(right));
    }
    let verdict = store.read(|reader| audit::verify(reader, &store.audit_head()));
    assert_eq!(verdict.unwrap(), Verdict::Whole(PAIRS as i64));
}

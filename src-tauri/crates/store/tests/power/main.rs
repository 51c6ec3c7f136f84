//! Power loss: a real process works with the real store, every write of it is recorded, and every folder is looked at
//! that the disk may hold when the power goes: what was acknowledged is there, and nothing is there by half.
//!
//! The same is done with SQLite told to sync less. That must lose what was acknowledged, or the replayer proves nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod disk;
mod trace;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use chrono::DateTime;
use disk::{Chance, after_power_loss};
use domain::{
    change::{Change, EscalationPhase, EscalationRecord},
    contract::Escalation,
    decision::{Decision, Delivery, DeliveryState, Outcome},
    ids::AgentRef,
    time::Time,
};
use serde_json::{Value, json};
use store::{
    Store,
    tables::{
        audit::{self, Verdict},
        decisions::{self, Recorded},
        escalations, facts,
    },
};
use trace::Event;

/// Questions that are asked and answered, and after how many the process begins anew; from then on there are enough for
/// SQLite to write its log back into the database by itself, and to begin the log again.
const TURNS: usize = 44;
const ANEW: usize = 10;
/// Says to a process that it is the one whose power goes, which folder it has, and how SQLite syncs.
const FOLDER: &str = "POWER_FOLDER";
const SYNCS: &str = "POWER_SYNCS";
/// Before each acknowledgement: the test harness prints lines of its own.
const MARK: &str = "> ";
/// Where the numbers that look like chance begin.
const SEED: u64 = 20_270_115;

fn at(seconds: usize) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds as i64, 0).unwrap()
}

fn question(number: usize) -> Change {
    let value: Escalation = serde_json::from_value(json!({
        "id": format!("q{number}"), "version": "1", "kind": "approval", "title": format!("Send it? {number}"),
        "message": "May I? ".repeat(20), "status": "pending",
    }))
    .unwrap();
    Change::Escalation(Box::new(EscalationRecord {
        agent: AgentRef {
            endpoint: "desk".into(),
            agent: "billing".into(),
        },
        raw: serde_json::to_string(&value).unwrap().into(),
        value,
        action_raw: None,
        line: number as u64 + 2,
        created_at: at(number),
        due_at: at(number + 1800),
        fallback: "hold".into(),
        edition: 0,
        phase: EscalationPhase::Pending,
    }))
}

fn decision(number: usize) -> Decision {
    Decision {
        id: format!("01890000-0000-7000-8000-{number:012}").into(),
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
        outcome: Outcome::Approve,
        body: json!({ "outcome": "approve", "message": "Do it. ".repeat(20) }).to_string(),
        decided_at: at(number),
        held_until: at(number + 10),
        considered: true,
        shown_ms: 3000,
        delivery: Delivery {
            state: DeliveryState::Held,
            attempts: 0,
            next_attempt_at: None,
            detail: None,
            recorded_outcome: None,
            changed_at: at(number),
        },
        altered: None,
        repeats: None,
        asked_again_at: None,
    }
}

/// Opens the folder, with the store's own syncing or with less of it.
fn open_with(folder: &Path, syncs: &str) -> Store {
    let store = Store::open(folder, at(0)).unwrap();
    if syncs != "full" {
        // Within a transaction it cannot be changed.
        let change = format!("COMMIT; PRAGMA synchronous = {syncs}; BEGIN IMMEDIATE");
        store
            .write(move |tx| Ok(tx.execute_batch(&change)?))
            .unwrap();
    }
    store
}

/// What the process of the tests below runs. Alone it has nothing to do.
#[test]
fn the_process_whose_power_goes() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let syncs = env::var(SYNCS).unwrap();
    let mut store = open_with(folder.as_ref(), &syncs);
    for number in 0..TURNS {
        if number == ANEW {
            drop(store);
            store = open_with(folder.as_ref(), &syncs);
        }
        let asked = store.write(move |tx| {
            let endpoint = "desk".into();
            let line = format!("{{\"question\":{number}}}");
            let kind = facts::FactKind::Status;
            let seq = facts::append(tx, at(number + 1), kind, Some(&endpoint), &line)?;
            store::apply(tx, &question(number))?;
            Ok(seq)
        });
        assert_eq!(asked.unwrap(), number as u64 + 1);
        println!("{MARK}asked {number}");
        let decided = store.write(move |tx| {
            decisions::record(tx, at(number), &decision(number), |_| "shown".to_owned())
        });
        assert_eq!(decided.unwrap(), Recorded::Yes);
        println!("{MARK}decided {number}");
        let leaves = Delivery {
            state: DeliveryState::Queued,
            ..decision(number).delivery
        };
        store
            .write(move |tx| decisions::deliver(tx, at(number + 10), &decision(number).id, &leaves))
            .unwrap();
        println!("{MARK}queued {number}");
    }
}

/// Runs that process in an empty folder and gives what it did.
fn recorded(syncs: &str) -> Vec<Event> {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let (folder, log) = (root.join("app"), root.join("log"));
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "the_process_whose_power_goes", "--nocapture"])
        .env(FOLDER, &folder)
        .env(SYNCS, syncs);
    trace::record(&command, &log);
    let log = fs::read_to_string(log).unwrap();
    trace::read(&log, folder.to_str().unwrap())
}

/// What had been acknowledged: of each kind, the numbers.
type Promised = BTreeMap<String, BTreeSet<usize>>;

fn promised(events: &[Event]) -> Promised {
    let mut all = Promised::new();
    for event in events {
        let Event::Said(line) = event else { continue };
        for said in line.lines() {
            let Some((_, said)) = said.split_once(MARK) else {
                continue;
            };
            let (kind, number) = said.split_once(' ').unwrap();
            let number = number.parse().unwrap();
            all.entry(kind.to_owned()).or_default().insert(number);
        }
    }
    all
}

/// What a folder turned out to hold.
#[derive(Debug, Default)]
struct Found {
    /// Promised and not there.
    lost: Vec<String>,
    /// There, but not whole.
    half: Vec<String>,
}

/// Opens a folder as the app would, and compares it with what was promised.
fn judge(folder: &Path, promised: &Promised) -> Found {
    let mut found = Found::default();
    let store = match Store::open(folder, at(0)) {
        Ok(store) => store,
        Err(error) => {
            found.half.push(format!("it cannot be opened: {error}"));
            return found;
        }
    };
    if let Some(notice) = store.notice()
        && !promised.is_empty()
    {
        found.half.push(notice.to_owned());
    }
    let read = store.read(|reader| {
        let mut log = vec![];
        facts::each(reader, 0, |row| {
            log.push(row.line);
            Ok(())
        })?;
        let mut entries = BTreeMap::new();
        audit::each(reader, |entry| {
            let detail: Value = serde_json::from_str(&entry.detail)?;
            let of = entries.entry(entry.subject).or_insert_with(Vec::new);
            of.push((entry.kind, detail));
            Ok(())
        })?;
        let verdict = audit::verify(reader, &store.audit_head())?;
        let mut rows = vec![];
        for number in 0..TURNS {
            let id = format!("q{number}").into();
            let question = escalations::get(reader, &"desk".into(), &id)?;
            rows.push((question, decisions::get(reader, &decision(number).id)?));
        }
        Ok((log, entries, verdict, rows))
    });
    let (log, entries, verdict, rows) = match read {
        Ok(read) => read,
        Err(error) => {
            found.half.push(format!("it cannot be read: {error}"));
            return found;
        }
    };
    match verdict {
        Verdict::Whole(_) => {}
        // Noticed, but lost all the same.
        Verdict::Cut(_) => found.lost.push(format!("the audit: {verdict:?}")),
        _ => found.half.push(format!("the audit: {verdict:?}")),
    }
    let was = |kind: &str, number: usize| {
        let of = promised.get(kind);
        of.is_some_and(|of| of.contains(&number))
    };
    for (number, (question, decided)) in rows.iter().enumerate() {
        let mut lost = |kind: &str| found.lost.push(format!("{kind} {number}"));
        let logged = log.get(number);
        let mut half = |what: &str| found.half.push(format!("{what} {number}"));
        if logged.is_some() != question.is_some() {
            half("a fact without its change, or a change without its fact,");
        }
        if logged.is_some_and(|line| *line != format!("{{\"question\":{number}}}")) {
            half("another fact than");
        }
        let entries = entries.get(&format!("desk/q{number}"));
        let kinds: Vec<_> = entries.into_iter().flatten().collect();
        let audited: Vec<_> = kinds.iter().map(|(kind, _)| kind.as_str()).collect();
        let state = decided.as_ref().map(|row| row.delivery.state);
        let right: &[&str] = match state {
            None => &[],
            Some(DeliveryState::Held) => &["decided"],
            Some(_) => &["decided", "delivery"],
        };
        if audited != right {
            half("a decision without its entry, or an entry without its decision,");
        }
        if let Some(row) = decided {
            let body = decision(number).body;
            if row.body != body
                || kinds
                    .first()
                    .is_none_or(|(_, detail)| detail["body"] != body)
            {
                half("another body than");
            }
        }
        let phase = question.as_ref().map(|question| question.phase);
        if decided.is_some() != (phase == Some(EscalationPhase::Answered)) {
            half("a decision without its question, or the reverse,");
        }
        if was("asked", number) && logged.is_none() {
            lost("asked");
        }
        if was("decided", number) && decided.is_none() {
            lost("decided");
        }
        if was("queued", number) && state != Some(DeliveryState::Queued) {
            lost("queued");
        }
    }
    found
}

/// Looks at so many states of a recording; gives how many lost something, and how many held something by half, with the
/// first few of each.
fn look_at(events: &[Event], states: usize) -> (usize, usize, Vec<String>) {
    let memory = Path::new("/dev/shm");
    let next = AtomicUsize::new(0);
    let (mut lost, mut half, mut told) = (0, 0, vec![]);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut bad = vec![];
                    loop {
                        let state = next.fetch_add(1, Ordering::Relaxed);
                        if state >= states {
                            return bad;
                        }
                        let mut chance = Chance(SEED + state as u64);
                        let before = chance.below(events.len() + 1);
                        let dir = match memory.is_dir() {
                            true => tempfile::tempdir_in(memory).unwrap(),
                            false => tempfile::tempdir().unwrap(),
                        };
                        after_power_loss(events, before, &mut chance, dir.path());
                        let found = judge(dir.path(), &promised(&events[..before]));
                        if !found.lost.is_empty() || !found.half.is_empty() {
                            bad.push((state, before, found));
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            for (state, before, found) in worker.join().unwrap() {
                lost += usize::from(!found.lost.is_empty());
                half += usize::from(!found.half.is_empty());
                told.push(format!("state {state}, before event {before}: {found:?}"));
            }
        }
    });
    told.truncate(5);
    (lost, half, told)
}

#[test]
fn when_the_power_goes_nothing_acknowledged_is_lost_and_nothing_is_there_by_half() {
    let states = if env::var_os("MISSION_CONTROL_LONG").is_some() {
        10_000
    } else {
        1_000
    };
    let events = recorded("full");
    let kept = promised(&events);
    assert_eq!(kept["decided"].len(), TURNS, "all is recorded");
    let back = events
        .iter()
        .filter(|event| matches!(event, Event::Synced { path } if path == "mission-control.db"));
    // When it is made, at both ends, and once between them.
    assert!(back.count() >= 4, "the log is written back meanwhile");
    let (lost, half, told) = look_at(&events, states);
    assert_eq!((lost, half), (0, 0), "{told:#?}");
}

#[test]
fn with_less_syncing_the_same_look_finds_losses() {
    let (lost, half, told) = look_at(&recorded("normal"), 100);
    println!("synchronous NORMAL: {lost} of 100 lost something, {half} held something by half");
    assert!(lost > 0, "{told:#?}");
    let (lost, half, told) = look_at(&recorded("off"), 100);
    println!("synchronous OFF: {lost} of 100 lost something, {half} held something by half");
    assert!(lost > 0 && half > 0, "{told:#?}");
}

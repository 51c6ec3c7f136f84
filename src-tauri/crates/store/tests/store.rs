//! The store on real files: what survives, what is refused, what is noticed. Rules about single facts are `domain`'s.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end there"
)]

use std::{fs, path::Path};

use chrono::DateTime;
use domain::{
    change::{Change, EscalationPhase, EscalationRecord, TaskRecord},
    contract::{Escalation, Task},
    decision::{Decision, Delivery, DeliveryState, Outcome, Risk},
    finding::Finding,
    ids::{AgentRef, TaskRef},
    time::Time,
};
use serde_json::json;
use store::{
    Error, Store, apply,
    tables::{
        audit::{self, Verdict},
        decisions::{self, Recorded, TakenBack, Winner},
        endpoints, escalations, facts, findings, moments, ownership, settings, starts, tasks,
        texts,
    },
};

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn open(dir: &Path) -> Store {
    Store::open(dir, at(0)).unwrap()
}

fn task(id: &str, state: &str) -> Change {
    let value: Task = serde_json::from_value(json!({
        "id": id, "title": format!("Task {id}"), "status": {"state": state},
    }))
    .unwrap();
    Change::Task(Box::new(TaskRecord {
        task: TaskRef {
            endpoint: "desk".into(),
            task: id.into(),
        },
        agent: "billing".into(),
        value,
        raw: "{}".into(),
        line: 2,
        state_since: at(0),
        handoff_open: false,
        changed_at: at(0),
    }))
}

fn escalation(id: &str, version: &str) -> Box<EscalationRecord> {
    let value: Escalation = serde_json::from_value(json!({
        "id": id, "version": version, "taskId": "t1", "kind": "approval", "title": "Send it?", "message": "",
        "status": "pending", "expiresAt": at(3600),
    }))
    .unwrap();
    Box::new(EscalationRecord {
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
    })
}

fn decision(number: u32, version: &str) -> Decision {
    Decision {
        id: format!("01890000-0000-7000-8000-{number:012}").into(),
        endpoint: "desk".into(),
        escalation: "e1".into(),
        agent: "billing".into(),
        version: version.into(),
        edition: 0,
        binding_hash: "shown".into(),
        shown: "{}".into(),
        action_key: None,
        class: Risk::Outward,
        origin: None,
        outcome: Outcome::Approve,
        body: "{}".into(),
        decided_at: at(10),
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

fn give(store: &Store, changes: Vec<Change>) {
    store
        .write(move |tx| store::apply_all(tx, &changes))
        .unwrap();
}

fn decide(store: &Store, now: Time, decision: Decision) -> Recorded {
    store
        .write(move |tx| decisions::record(tx, now, &decision, |_| "shown".to_owned()))
        .unwrap()
}

fn column_counts(store: &Store) -> [u32; 7] {
    store.read(tasks::counts).unwrap()
}

/// Runs SQL on the file from outside, as a person with a tool could.
fn tamper(dir: &Path, sql: &str) -> rusqlite::Result<()> {
    rusqlite::Connection::open(dir.join("mission-control.db"))?.execute_batch(sql)
}

#[test]
fn a_second_process_is_told_that_the_folder_is_in_use() {
    let dir = folder();
    let first = open(dir.path());
    assert!(matches!(Store::open(dir.path(), at(0)), Err(Error::Locked)));
    drop(first);
    open(dir.path());
}

#[test]
fn a_closed_store_lets_go_of_the_folder_although_somebody_still_has_it() {
    let dir = folder();
    let first = open(dir.path());
    let kept = first.clone();
    kept.write_then(|_| Ok(()), |result| result.expect("it was queued before"));
    first.close();
    open(dir.path());
    assert!(matches!(kept.write(|_| Ok(())), Err(Error::Closed)));
    assert_eq!(kept.read(facts::end).unwrap(), (0, None));
}

#[test]
fn a_newer_file_is_refused_in_words_and_left_alone() {
    let dir = folder();
    drop(open(dir.path()));
    tamper(dir.path(), "PRAGMA user_version = 99").unwrap();
    let error = Store::open(dir.path(), at(0)).err().unwrap();
    assert!(matches!(error, Error::Newer { found: 99, .. }));
    assert!(error.to_string().contains("newer Mission Control"));
    tamper(dir.path(), "SELECT 1").unwrap();
}

#[test]
fn another_programs_database_is_refused() {
    let dir = folder();
    tamper(dir.path(), "CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(
        Store::open(dir.path(), at(0)),
        Err(Error::Foreign(_))
    ));
}

#[test]
fn a_damaged_file_is_set_aside_under_its_date_and_a_new_one_started() {
    let dir = folder();
    fs::write(dir.path().join("mission-control.db"), vec![7; 8192]).unwrap();
    let store = open(dir.path());
    assert!(store.notice().unwrap().contains("damaged-2027-01-15"));
    let kept = fs::read(dir.path().join("damaged-2027-01-15T08-00-00Z.db")).unwrap();
    assert_eq!(kept, vec![7; 8192]);
    assert_eq!(store.read(facts::end).unwrap(), (0, None));
}

#[test]
fn facts_are_numbered_from_one_and_go_forward_only() {
    let dir = folder();
    let store = open(dir.path());
    let line = |seconds: i64| {
        store.write(move |tx| facts::append(tx, at(seconds), facts::FactKind::Tick, None, "{}"))
    };
    assert_eq!(line(1).unwrap(), 1);
    assert_eq!(line(2).unwrap(), 2);
    assert!(matches!(line(2), Err(Error::Backwards)));
    assert_eq!(store.read(facts::end).unwrap(), (2, Some(at(2))));
    drop(store);
    let store = open(dir.path());
    let mut seen = vec![];
    store
        .read(|reader| {
            facts::each(reader, 1, |row| {
                seen.push((row.seq, row.at, row.line));
                Ok(())
            })
        })
        .unwrap();
    assert_eq!(seen, [(2, at(2), "{}".to_owned())]);
}

#[test]
fn old_facts_go_by_age_and_their_numbers_are_never_used_again() {
    let dir = folder();
    let store = open(dir.path());
    for seconds in 1..=3 {
        store
            .write(move |tx| facts::append(tx, at(seconds), facts::FactKind::Tick, None, "{}"))
            .unwrap();
    }
    assert!(tamper(dir.path(), "DELETE FROM facts").is_err());
    assert_eq!(store.write(|tx| facts::forget(tx, at(3))).unwrap(), 2);
    assert!(tamper(dir.path(), "DELETE FROM facts").is_err());
    assert_eq!(store.write(|tx| facts::forget(tx, at(9))).unwrap(), 1);
    let next = store.write(|tx| facts::append(tx, at(10), facts::FactKind::Tick, None, "{}"));
    assert_eq!(next.unwrap(), 4);
}

#[test]
fn a_change_that_fails_or_panics_leaves_nothing_and_the_writer_goes_on() {
    let dir = folder();
    let store = open(dir.path());
    let failed: store::Result<()> = store.write(|tx| {
        settings::set(tx, "x", &1)?;
        Err(Error::Backwards)
    });
    assert!(failed.is_err());
    let panicked: store::Result<()> = store.write(|tx| {
        settings::set(tx, "x", &2)?;
        panic!("a mistake of ours");
    });
    assert!(matches!(panicked, Err(Error::Panicked)));
    assert_eq!(
        store
            .read(|reader| settings::get::<i32>(reader, "x"))
            .unwrap(),
        None
    );
    store.write(|tx| settings::set(tx, "x", &3)).unwrap();
    assert_eq!(
        store
            .read(|reader| settings::get::<i32>(reader, "x"))
            .unwrap(),
        Some(3)
    );
}

#[test]
fn columns_are_counted_as_tasks_move() {
    let dir = folder();
    let store = open(dir.path());
    give(
        &store,
        vec![
            task("t1", "working"),
            task("t2", "submitted"),
            task("t3", "completed"),
        ],
    );
    assert_eq!(column_counts(&store), [1, 1, 0, 0, 1, 0, 0]);
    give(&store, vec![task("t2", "working"), task("t1", "failed")]);
    assert_eq!(column_counts(&store), [0, 1, 0, 0, 1, 1, 0]);
}

#[test]
fn a_task_stands_in_needs_you_while_its_escalation_waits() {
    let dir = folder();
    let store = open(dir.path());
    give(
        &store,
        vec![
            task("t1", "working"),
            Change::Escalation(escalation("e1", "1")),
        ],
    );
    assert_eq!(column_counts(&store), [0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(decide(&store, at(10), decision(1, "1")), Recorded::Yes);
    assert_eq!(column_counts(&store), [0, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_decision_is_recorded_once_and_only_for_what_was_shown() {
    let dir = folder();
    let store = open(dir.path());
    assert_eq!(decide(&store, at(10), decision(1, "1")), Recorded::Gone);
    give(&store, vec![Change::Escalation(escalation("e1", "1"))]);
    assert_eq!(decide(&store, at(10), decision(1, "0")), Recorded::Changed);
    let other_bytes = Decision {
        binding_hash: "something else".into(),
        ..decision(1, "1")
    };
    assert_eq!(decide(&store, at(10), other_bytes), Recorded::Changed);
    assert_eq!(decide(&store, at(10), decision(1, "1")), Recorded::Yes);
    assert_eq!(
        decide(&store, at(11), decision(2, "1")),
        Recorded::Settled(
            EscalationPhase::Answered,
            Some(Winner {
                outcome: Outcome::Approve,
                decided_at: at(10)
            })
        )
    );
    // A late poll that still shows it waiting does not ask again; a new version does.
    give(&store, vec![Change::Escalation(escalation("e1", "1"))]);
    assert_eq!(store.read(escalations::count_pending).unwrap(), 0);
    give(&store, vec![Change::Escalation(escalation("e1", "2"))]);
    assert_eq!(store.read(escalations::count_pending).unwrap(), 1);
    let outbox = store.read(decisions::outbox).unwrap();
    assert_eq!(outbox, [decision(1, "1")]);
}

#[test]
fn nothing_is_accepted_after_the_hard_deadline() {
    let dir = folder();
    let store = open(dir.path());
    give(&store, vec![Change::Escalation(escalation("e1", "1"))]);
    assert_eq!(decide(&store, at(3600), decision(1, "1")), Recorded::Late);
    assert_eq!(
        decide(&store, at(3600), decision(1, "1")),
        Recorded::Settled(EscalationPhase::Expired, None)
    );
    assert_eq!(store.read(decisions::outbox).unwrap(), []);
}

#[test]
fn a_decision_can_be_taken_back_until_it_was_tried_to_send_and_asks_again() {
    let dir = folder();
    let store = open(dir.path());
    give(&store, vec![Change::Escalation(escalation("e1", "1"))]);
    decide(&store, at(10), decision(1, "1"));
    let undo = |seconds: i64, number: u32| {
        let id = decision(number, "1").id;
        store
            .write(move |tx| decisions::take_back(tx, at(seconds), &id, &TakenBack::ByPerson))
            .unwrap()
    };
    let go = |number: u32, state: DeliveryState, attempts: u32| {
        let id = decision(number, "1").id;
        let delivery = Delivery {
            state,
            attempts,
            ..decision(number, "1").delivery
        };
        store
            .write(move |tx| decisions::deliver(tx, at(30), &id, &delivery))
            .unwrap();
    };
    assert!(undo(19, 1));
    assert!(!undo(19, 1));
    assert_eq!(store.read(escalations::count_pending).unwrap(), 1);
    assert_eq!(decide(&store, at(12), decision(2, "1")), Recorded::Yes);
    go(2, DeliveryState::Queued, 0);
    assert!(
        undo(80_000, 2),
        "its endpoint was away for a day, and it has not left"
    );
    assert_eq!(decide(&store, at(13), decision(3, "1")), Recorded::Yes);
    go(3, DeliveryState::Sending, 1);
    assert!(!undo(20, 3));
    go(3, DeliveryState::Queued, 1);
    assert!(!undo(20, 3), "it may have arrived");
}

/// The same question with other bytes.
fn with_bytes(version: &str, raw: &str, status: &str) -> Vec<Change> {
    let mut record = escalation("e1", version);
    record.raw = raw.into();
    record.action_raw = Some(raw.into());
    record.value.status = serde_json::from_value(status.into()).unwrap();
    if status != "pending" {
        record.phase = EscalationPhase::Withdrawn;
    }
    vec![Change::Escalation(record)]
}

#[test]
fn what_was_answered_is_never_overwritten_and_other_bytes_are_asked_anew() {
    let dir = folder();
    let store = open(dir.path());
    give(&store, with_bytes("1", "{}", "pending"));
    assert_eq!(decide(&store, at(10), decision(1, "1")), Recorded::Yes);
    let shown = || {
        let decided = decision(1, "1");
        let row = store
            .read(|reader| escalations::answered(reader, &decided))
            .unwrap();
        row.unwrap().raw.to_string()
    };
    let now = || {
        let row = store
            .read(|reader| escalations::get(reader, &"desk".into(), &"e1".into()))
            .unwrap()
            .unwrap();
        (row.raw.to_string(), row.edition, row.phase)
    };
    give(&store, with_bytes("1", "{}", "pending"));
    assert_eq!(
        now(),
        ("{}".to_owned(), 0, EscalationPhase::Answered),
        "the same is the same"
    );
    give(&store, with_bytes("1", "{\"rm\":1}", "pending"));
    assert_eq!(shown(), "{}");
    assert_eq!(
        now(),
        ("{\"rm\":1}".to_owned(), 1, EscalationPhase::Pending)
    );
    give(&store, with_bytes("1", "{\"rm\":2}", "pending"));
    assert_eq!(
        now(),
        ("{\"rm\":2}".to_owned(), 1, EscalationPhase::Pending),
        "nobody has answered that"
    );
    give(&store, with_bytes("1", "{\"rm\":2}", "resolved"));
    assert_eq!(
        now(),
        ("{\"rm\":2}".to_owned(), 1, EscalationPhase::Withdrawn)
    );
    assert_eq!(shown(), "{}");
}

#[test]
fn another_version_after_the_answer_left_is_an_alteration_where_every_question_has_its_own_id() {
    for (kind, is_altered) in [
        ("native", true),
        ("opencode", true),
        ("a2a", false),
        ("langgraph", false),
    ] {
        let dir = folder();
        let store = open(dir.path());
        let row = endpoints::EndpointRow {
            id: "desk".into(),
            name: "Desk".to_owned(),
            kind: kind.to_owned(),
            url: "http://127.0.0.1:1/status".to_owned(),
            credential: "none".to_owned(),
            paused: false,
            capabilities: vec![],
            warnings: vec![],
            added_at: at(0),
        };
        store.write(move |tx| endpoints::put(tx, &row)).unwrap();
        give(&store, with_bytes("1", "{}", "pending"));
        decide(&store, at(10), decision(1, "1"));
        let delivery = Delivery {
            state: DeliveryState::Sent,
            attempts: 1,
            ..decision(1, "1").delivery
        };
        let id = decision(1, "1").id;
        store
            .write(move |tx| decisions::deliver(tx, at(30), &id, &delivery))
            .unwrap();
        give(&store, with_bytes("2", "{\"rm\":1}", "pending"));
        let found = store.read(decisions::unseen_alterations).unwrap();
        assert_eq!(found.len(), usize::from(is_altered), "{kind}");
    }
}

#[test]
fn only_what_is_exchanged_after_the_answer_left_is_an_alteration() {
    let unseen = |state: DeliveryState, attempts: u32, then: &[(&str, &str, &str)]| {
        let dir = folder();
        let store = open(dir.path());
        give(&store, with_bytes("1", "{}", "pending"));
        decide(&store, at(10), decision(1, "1"));
        let delivery = Delivery {
            state,
            attempts,
            ..decision(1, "1").delivery
        };
        let id = decision(1, "1").id;
        store
            .write(move |tx| decisions::deliver(tx, at(30), &id, &delivery))
            .unwrap();
        for (version, raw, status) in then {
            give(&store, with_bytes(version, raw, status));
        }
        let found = store.read(decisions::unseen_alterations).unwrap();
        let raws: Vec<String> = found
            .iter()
            .filter_map(|decision| Some(decision.altered.as_ref()?.raw.clone()))
            .collect();
        let id = decision(1, "1").id;
        store
            .write(move |tx| decisions::acknowledge(tx, at(50), &id))
            .unwrap();
        assert_eq!(store.read(decisions::unseen_alterations).unwrap(), []);
        raws
    };
    let other = ("1", "{\"rm\":1}", "pending");
    for state in [
        DeliveryState::Sending,
        DeliveryState::Sent,
        DeliveryState::Applied,
        DeliveryState::Unknown,
    ] {
        assert_eq!(unseen(state, 1, &[other]), ["{\"rm\":1}"], "{state:?}");
    }
    assert_eq!(
        unseen(DeliveryState::Queued, 1, &[other]).len(),
        1,
        "it may have arrived"
    );
    let settled = ("1", "{\"rm\":1}", "resolved");
    assert_eq!(
        unseen(DeliveryState::Sent, 1, &[settled]).len(),
        1,
        "settled as something else"
    );
    for state in [DeliveryState::Held, DeliveryState::Queued] {
        assert!(unseen(state, 0, &[other]).is_empty(), "nothing had left");
    }
    let over = ("1", "{}", "resolved");
    assert!(unseen(DeliveryState::Applied, 1, &[over]).is_empty());
    assert!(
        unseen(DeliveryState::Applied, 1, &[over, other]).is_empty(),
        "it was over, and is asked again"
    );
}

#[test]
fn a_final_delivery_is_never_left() {
    let dir = folder();
    let store = open(dir.path());
    give(&store, vec![Change::Escalation(escalation("e1", "1"))]);
    decide(&store, at(10), decision(1, "1"));
    let go = |state: DeliveryState| {
        let id = decision(1, "1").id;
        let delivery = Delivery {
            state,
            ..decision(1, "1").delivery
        };
        store
            .write(move |tx| decisions::deliver(tx, at(30), &id, &delivery))
            .unwrap();
        store
            .read(|reader| decisions::get(reader, &decision(1, "1").id))
            .unwrap()
            .unwrap()
            .delivery
            .state
    };
    assert_eq!(go(DeliveryState::Sending), DeliveryState::Sending);
    assert_eq!(go(DeliveryState::Applied), DeliveryState::Applied);
    assert_eq!(go(DeliveryState::Queued), DeliveryState::Applied);
}

#[test]
fn the_audit_notices_changed_and_missing_entries() {
    let dir = folder();
    let store = open(dir.path());
    for number in 1..=3 {
        store
            .write(move |tx| {
                audit::append(tx, at(number), "decided", "desk/e1", &json!({"n": number}))
            })
            .unwrap();
    }
    let verdict = |store: &Store| {
        let head = store.audit_head();
        store.read(|reader| audit::verify(reader, &head)).unwrap()
    };
    assert_eq!(verdict(&store), Verdict::Whole(3));
    assert!(tamper(dir.path(), "UPDATE audit SET detail = '{}' WHERE seq = 2").is_err());
    store.close();
    assert_eq!(store.audit_head().read().unwrap().0, 3);

    tamper(
        dir.path(),
        "DROP TRIGGER audit_stays; DELETE FROM audit WHERE seq = 3",
    )
    .unwrap();
    let store = open(dir.path());
    assert_eq!(verdict(&store), Verdict::Cut(3));
    drop(store);

    tamper(
        dir.path(),
        "DROP TRIGGER audit_is_never_changed; UPDATE audit SET detail = '{}' WHERE seq = 2",
    )
    .unwrap();
    assert_eq!(verdict(&open(dir.path())), Verdict::Broken(2));
}

#[test]
fn the_audit_file_catches_up_after_a_crash_before_it_was_written() {
    let dir = folder();
    let store = open(dir.path());
    let add = |store: &Store| {
        store
            .write(|tx| audit::append(tx, at(1), "decided", "desk/e1", &json!({})))
            .unwrap()
    };
    add(&store);
    store.close();
    drop(store);
    let before = fs::read(dir.path().join("audit.head")).unwrap();
    let store = open(dir.path());
    add(&store);
    drop(store);
    fs::write(dir.path().join("audit.head"), before).unwrap();
    let store = open(dir.path());
    assert_eq!(store.audit_head().read().unwrap().0, 2);
}

#[test]
fn a_finding_keeps_one_row_for_its_episode() {
    let finding = |state: &str, severity: &str, seconds: i64| -> Change {
        let mut finding: Finding = serde_json::from_value(json!({
            "at": at(seconds), "rule": "stall", "severity": severity, "endpoints": ["desk"], "agents": ["billing"],
            "tasks": ["desk/t1"], "summary": "It stopped.", "evidence": [], "resolutions": [], "state": state,
        }))
        .unwrap();
        finding.episode = "stall|desk/t1".into();
        Change::Finding(Box::new(finding))
    };
    let dir = folder();
    let store = open(dir.path());
    give(
        &store,
        vec![
            finding("open", "warning", 1),
            finding("open", "critical", 2),
        ],
    );
    let open = store.read(findings::open).unwrap();
    assert_eq!((open.len(), open[0].opened_at), (1, at(1)));
    let later = at(60);
    store
        .write(move |tx| findings::snooze(tx, "stall|desk/t1", later))
        .unwrap();
    let Change::Finding(mut says) = finding("open", "critical", 2) else {
        panic!("it is a finding");
    };
    says.summary = "It still stands.".into();
    give(&store, vec![Change::Restated(says)]);
    let open = store.read(findings::open).unwrap();
    assert_eq!(open[0].finding.summary, "It still stands.");
    assert_eq!(
        (open.len(), open[0].opened_at, open[0].snoozed_until),
        (1, at(1), Some(later))
    );
    assert_eq!(
        store
            .read(|reader| findings::rules_of_task(reader, "desk/t1"))
            .unwrap(),
        ["stall"]
    );
    give(&store, vec![finding("cleared", "critical", 3)]);
    assert_eq!(store.read(findings::open).unwrap(), []);
    let cleared = store
        .read(|reader| findings::get(reader, "stall|desk/t1"))
        .unwrap()
        .unwrap();
    assert_eq!(cleared.cleared_at, Some(at(3)));
    give(&store, vec![finding("open", "warning", 4)]);
    assert_eq!(store.read(findings::open).unwrap()[0].opened_at, at(4));
}

#[test]
fn a_version_is_saved_only_on_the_one_it_was_made_from() {
    let dir = folder();
    let store = open(dir.path());
    let save = |base: u64| {
        store
            .write(move |tx| ownership::save(tx, at(0), base, &Default::default(), "First"))
            .unwrap()
    };
    assert_eq!(save(0), Some(1));
    assert_eq!(save(0), None);
    assert_eq!(save(1), Some(2));
    assert!(tamper(dir.path(), "UPDATE ownership_versions SET sentence = ''").is_err());
}

#[test]
fn a_page_of_the_board_holds_what_was_asked_for() {
    let dir = folder();
    let store = open(dir.path());
    let changes = (0..30).map(|n| task(&format!("t{n}"), "working")).collect();
    give(&store, changes);
    let page = |filter: &str, offset: u32| {
        let wanted = tasks::Wanted {
            filter,
            problems_only: false,
        };
        let rows = store
            .read(|reader| tasks::page(reader, "running", wanted, offset, 10))
            .unwrap();
        rows.len()
    };
    assert_eq!(
        (
            page("", 0),
            page("", 25),
            page("TASK T2", 0),
            page("100%", 0)
        ),
        (10, 5, 10, 0)
    );
}

#[test]
fn readers_see_one_moment_while_the_writer_goes_on() {
    let dir = folder();
    let store = open(dir.path());
    store
        .read(|reader| {
            let before = tasks::counts(reader)?;
            give(&store, vec![task("t1", "working")]);
            assert_eq!(tasks::counts(reader)?, before);
            Ok(())
        })
        .unwrap();
    assert_eq!(column_counts(&store)[1], 1);
}

#[test]
fn a_copy_of_the_whole_database_opens_by_itself() {
    let dir = folder();
    let store = open(dir.path());
    store.write(|tx| apply(tx, &task("t1", "working"))).unwrap();
    let other = folder();
    store
        .backup(&other.path().join("mission-control.db"))
        .unwrap();
    assert_eq!(column_counts(&open(other.path()))[1], 1);
}

#[test]
fn a_store_of_the_time_before_timeline_and_search_begins_with_what_is_still_known() {
    const EARLIER: [&str; 4] = [
        include_str!("../migrations/0001_first.sql"),
        include_str!("../migrations/0002_found_by_index.sql"),
        include_str!("../migrations/0003_open_findings_by_rule.sql"),
        include_str!("../migrations/0004_letters.sql"),
    ];
    let dir = folder();
    let file = rusqlite::Connection::open(dir.path().join("mission-control.db")).unwrap();
    for step in EARLIER {
        file.execute_batch(step).unwrap();
    }
    for (task, state, column) in [("t1", "working", "running"), ("t2", "completed", "done")] {
        file.execute(
            "INSERT INTO tasks (endpoint, task, agent, title, state, board_column, state_since, changed_at, last_mark, handoff_open, line, value, raw)
             VALUES ('desk', ?1, 'billing', 'Task of ' || ?1, ?2, ?3, ?4, ?4, ?4, 0, 2, '{}', '{}')",
            rusqlite::params![task, state, column, at(0).timestamp_micros()],
        )
        .unwrap();
    }
    file.execute_batch("PRAGMA application_id = 1296258124; PRAGMA user_version = 4")
        .unwrap();
    drop(file);
    let store = open(dir.path());
    let (known, found) = store
        .read(|reader| {
            let known = moments::between(reader, at(-1), at(1), 10)?;
            Ok((known, texts::search(reader, "task t2", "", 10)?))
        })
        .unwrap();
    let words: Vec<_> = known
        .iter()
        .map(|moment| (moment.item.as_str(), moment.word.as_str()))
        .collect();
    assert_eq!(words.len(), 2);
    assert!(words.contains(&("t1", "working")) && words.contains(&("t2", "completed")));
    let items: Vec<_> = found.iter().map(|row| row.item.as_str()).collect();
    assert_eq!(items, ["t2"]);
}

#[test]
fn a_turn_is_kept_once_however_often_it_is_told() {
    let dir = folder();
    let store = open(dir.path());
    for state in ["working", "working", "completed", "completed"] {
        let mut change = task("t1", state);
        if let Change::Task(record) = &mut change {
            record.state_since = at(if state == "working" { 0 } else { 5 });
        }
        store.write(move |tx| apply(tx, &change)).unwrap();
    }
    let turns = store
        .read(|reader| moments::between(reader, at(-1), at(10), 10))
        .unwrap();
    let words: Vec<_> = turns.iter().map(|turn| turn.word.as_str()).collect();
    assert_eq!(words, ["completed", "working"], "newest first");
}

#[test]
fn a_start_is_kept_once_for_each_task_and_the_latest_of_each_kind() {
    let dir = folder();
    let store = open(dir.path());
    let start = |id: String, seconds: i64, kind: &str, parent: Option<&str>| {
        let mut change = task(&id, "working");
        if let Change::Task(record) = &mut change {
            record.value.started_at = Some(at(seconds));
            record.value.kind = (!kind.is_empty()).then(|| kind.to_owned());
            record.value.parent_id = parent.map(Into::into);
        }
        change
    };
    let mut changes: Vec<_> = (0..70)
        .map(|n| start(format!("m{n}"), n, "mail", None))
        .collect();
    // Said again, begun anew, caused by another task, and not begun yet.
    changes.push(start("m69".to_owned(), 69, "mail", None));
    changes.push(start("m69".to_owned(), 500, "mail", None));
    changes.push(start("child".to_owned(), 600, "mail", Some("m69")));
    changes.push(task("waits", "submitted"));
    changes.push(task("plain", "working"));
    give(&store, changes);
    let agent = AgentRef {
        endpoint: "desk".into(),
        agent: "billing".into(),
    };
    let kept = store.read(|r| starts::of_agent(r, &agent)).unwrap();
    let mail: Vec<_> = (6..70).rev().map(at).collect();
    assert_eq!(kept.get("mail"), Some(&mail));
    assert_eq!(kept.get(""), Some(&vec![at(0)]));
    assert_eq!(kept.len(), 2);
}

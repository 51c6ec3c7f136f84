//! The record of what was decided: every change of it from outside is found, and a decision that is not what was decided
//! is not sent. Whoever computes a whole new chain with a new head is not found; that is not claimed.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end there"
)]

use std::{fs, path::Path, time::Instant};

use chrono::{DateTime, TimeDelta};
use domain::{
    change::{Change, EscalationPhase, EscalationRecord},
    contract::Escalation,
    decision::{Decision, Delivery, DeliveryState, Outcome},
    ids::{AgentRef, DecisionId},
    time::Time,
};
use rusqlite::Connection;
use serde_json::json;
use store::{
    Store,
    tables::{
        audit::{self, Verdict},
        audited::{self, Agreement},
        decisions::{self, Recorded, TakenBack},
        endpoints::{self, EndpointRow},
        escalations,
    },
};
use tempfile::TempDir;

const FILE: &str = "mission-control.db";
/// What an attacker with a tool does first.
const UNGUARDED: &str = "PRAGMA ignore_check_constraints = ON; DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_stays;
    DROP TRIGGER decisions_stay; DROP TRIGGER decisions_say_what_was_said; DROP INDEX one_decision_per_question;";
/// Everything of a decision that the record covers.
const DECISION: &str = "id, endpoint, escalation, version, binding_hash, outcome, body, decided_at, held_until, considered,
    shown_ms, undone_at IS NULL, state, detail, recorded_outcome, agent, edition, shown, action_key, class, origin";
const ENTRY: &str = "seq, at, kind, subject, detail, previous, hash";

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn open(dir: &Path) -> Store {
    Store::open(dir, at(0)).unwrap()
}

fn question(number: u32) -> Change {
    let value: Escalation = serde_json::from_value(json!({
        "id": format!("e{number}"), "version": "1", "kind": "approval", "title": "Send it?", "message": "",
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

fn key(number: u32, again: u32) -> DecisionId {
    format!("01890000-0000-7000-8{again:03}-{number:012}").into()
}

fn decision(number: u32, again: u32) -> Decision {
    Decision {
        id: key(number, again),
        endpoint: "desk".into(),
        escalation: format!("e{number}").into(),
        version: "1".into(),
        agent: "billing".into(),
        edition: 0,
        binding_hash: format!("shown-{number}"),
        shown: "{}".into(),
        action_key: None,
        class: domain::decision::Risk::Outward,
        origin: None,
        outcome: Outcome::Approve,
        body: format!(r#"{{"outcome":"approve","message":"yes to number {number}, ä"}}"#),
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

fn decide(store: &Store, number: u32, again: u32) {
    let decided = decision(number, again);
    let shown = decided.binding_hash.clone();
    let recorded = store
        .write(move |tx| decisions::record(tx, at(10), &decided, |_| shown))
        .unwrap();
    assert_eq!(recorded, Recorded::Yes);
}

fn move_on(store: &Store, id: DecisionId, state: DeliveryState, attempts: u32) {
    let delivery = Delivery {
        state,
        attempts,
        detail: (state == DeliveryState::Refused).then(|| "No such invoice.".to_owned()),
        changed_at: at(30),
        ..decision(0, 0).delivery
    };
    store
        .write(move |tx| decisions::deliver(tx, at(30), &id, &delivery))
        .unwrap();
}

/// Decisions in every place they can be in: held, queued, sent, applied, refused, taken back and made again.
fn filled(dir: &Path) -> Store {
    let store = open(dir);
    for number in 1..=12 {
        store
            .write(move |tx| store::apply(tx, &question(number)))
            .unwrap();
        decide(&store, number, 0);
        let way: &[(DeliveryState, u32)] = match number % 4 {
            0 => &[],
            1 => &[
                (DeliveryState::Queued, 0),
                (DeliveryState::Sending, 1),
                (DeliveryState::Applied, 1),
            ],
            2 => &[
                (DeliveryState::Queued, 0),
                (DeliveryState::Sending, 1),
                (DeliveryState::Refused, 1),
            ],
            _ => {
                let id = key(number, 0);
                assert!(
                    store
                        .write(move |tx| decisions::take_back(
                            tx,
                            at(15),
                            &id,
                            &TakenBack::ByPerson
                        ))
                        .unwrap()
                );
                decide(&store, number, 1);
                &[]
            }
        };
        for (state, attempts) in way {
            move_on(&store, key(number, 0), *state, *attempts);
        }
    }
    store
        .write(|tx| audit::append(tx, at(40), "settings", "rules", &json!({"stall": [60, 90]})))
        .unwrap();
    store
}

fn verdict(dir: &Path) -> Verdict {
    let mut look = store::Look::open(dir).unwrap();
    let head = look.audit_head();
    look.read(|reader| audit::verify(reader, &head)).unwrap()
}

fn tamper(dir: &Path, sql: &str) {
    let file = Connection::open(dir.join(FILE)).unwrap();
    file.execute_batch(UNGUARDED).unwrap();
    file.execute_batch(sql).unwrap();
}

/// A filled folder after somebody was at it.
fn after(sql: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(dir.path()));
    tamper(dir.path(), sql);
    dir
}

fn rows(dir: &Path) -> i64 {
    let query = "SELECT count(*) FROM audit";
    let file = Connection::open(dir.join(FILE)).unwrap();
    file.query_row(query, [], |row| row.get(0)).unwrap()
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// One change, as SQL.
fn change(dice: &mut Dice, rows: usize) -> String {
    let row = dice.below(rows) + 1;
    let other = (row + dice.below(rows - 1)) % rows + 1;
    let (odd, far) = (dice.below(1_000_000) + 1, dice.below(9) + 1);
    let text = |column: &str| match odd % 3 {
        0 => format!("{column} = {column} || '{odd}'"),
        1 => format!("{column} = substr({column}, 2)"),
        _ => format!("{column} = '{odd}'"),
    };
    let of = format!(
        "WHERE rowid = (SELECT rowid FROM decisions ORDER BY rowid LIMIT 1 OFFSET {})",
        row % 15
    );
    match dice.below(16) {
        0 | 1 => format!("UPDATE audit SET {} WHERE seq = {row}", text(dice.one(&["kind", "subject", "detail", "previous", "hash"]))),
        2 => format!("UPDATE audit SET at = at + {odd} WHERE seq = {row}"),
        3 => format!("UPDATE audit SET seq = {} WHERE seq = {row}", rows + far),
        4 => format!("DELETE FROM audit WHERE seq = {row}"),
        5 => format!("DELETE FROM audit WHERE seq > {}", row - 1),
        6 => format!("DELETE FROM audit WHERE seq BETWEEN {row} AND {}", row + far),
        7 => format!(
            "UPDATE audit SET seq = -1 WHERE seq = {row}; UPDATE audit SET seq = {row} WHERE seq = {other};
             UPDATE audit SET seq = {other} WHERE seq = -1"
        ),
        8 => format!(
            "DELETE FROM audit WHERE seq = {row};
             UPDATE audit SET seq = -seq + 1 WHERE seq > {row}; UPDATE audit SET seq = -seq WHERE seq < 1"
        ),
        9 => format!("INSERT INTO audit SELECT {}, at, kind, subject, detail, previous, hash || 'f' FROM audit WHERE seq = {row}", rows + 1),
        10 => format!(
            "INSERT INTO audit SELECT {}, at, 'decided', subject, detail, (SELECT hash FROM audit WHERE seq = {rows}), hash || 'f'
             FROM audit WHERE seq = {row}",
            rows + 1
        ),
        11 => format!("UPDATE decisions SET {} {of}", text(dice.one(&["id", "endpoint", "escalation", "version", "agent", "binding_hash", "shown", "body"]))),
        12 => format!("UPDATE decisions SET {0} = {0} + {odd} {of}", dice.one(&["decided_at", "held_until", "shown_ms"])),
        13 => format!(
            "UPDATE decisions SET {} {of}",
            dice.one(&[
                "outcome = 'reject'",
                "considered = 0",
                "undone_at = iif(undone_at IS NULL, 5, NULL)",
                "state = iif(state = 'queued', 'held', 'queued')",
                "detail = coalesce(detail, '') || 'x'",
                "recorded_outcome = 'reject'",
                "class = 'reversible'",
                "action_key = coalesce(action_key, '') || 'x'",
                "origin = coalesce(origin, '') || 'x'",
                "edition = edition + 1",
            ])
        ),
        14 => format!("DELETE FROM decisions {of}"),
        _ => format!(
            "INSERT INTO decisions (id, endpoint, escalation, version, binding_hash, outcome, body, decided_at, held_until, considered,
                 shown_ms, undone_at, state, attempts, next_attempt_at, detail, recorded_outcome, changed_at)
             SELECT substr(id, 1, 35) || 'f', endpoint, escalation, version, binding_hash, outcome, body, decided_at,
             held_until, considered, shown_ms, undone_at, state, attempts, next_attempt_at, detail, recorded_outcome, changed_at
             FROM decisions {of}"
        ),
    }
}

#[test]
fn a_thousand_changes_by_sql_are_all_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let head = store.audit_head();
    drop(store);
    let rows = usize::try_from(rows(dir.path())).unwrap();
    let mut file = Connection::open(dir.path().join(FILE)).unwrap();
    file.execute_batch(UNGUARDED).unwrap();
    assert_eq!(
        audit::verify(&file, &head).unwrap(),
        Verdict::Whole(rows as i64)
    );
    let mut dice = Dice(11);
    for number in 0..1000 {
        let transaction = file.transaction().unwrap();
        let sql = change(&mut dice, rows);
        let done = transaction.execute_batch(&sql);
        assert_eq!(done, Ok(()), "{sql}");
        let found = audit::verify(&transaction, &head).unwrap();
        assert!(!matches!(found, Verdict::Whole(_)), "{number}: {sql}");
        transaction.rollback().unwrap();
    }
    assert_eq!(
        audit::verify(&file, &head).unwrap(),
        Verdict::Whole(rows as i64)
    );
}

/// Every value that the record covers, in no order; `None` when it cannot be read.
fn values(file: &Connection) -> Option<Vec<Vec<u8>>> {
    let mut all = vec![];
    for (table, columns) in [("audit", ENTRY), ("decisions", DECISION)] {
        let mut statement = file
            .prepare(&format!("SELECT {columns} FROM {table}"))
            .ok()?;
        let count = statement.column_count();
        let mut rows = statement.query([]).ok()?;
        while let Some(row) = rows.next().ok()? {
            let mut value = format!("{table} ").into_bytes();
            for column in 0..count {
                value.extend(format!("{:?};", row.get_ref(column).ok()?).into_bytes());
            }
            all.push(value);
        }
    }
    all.sort();
    Some(all)
}

#[test]
fn changed_bytes_of_the_closed_file_are_all_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let head = store.audit_head();
    drop(store);
    let path = dir.path().join(FILE);
    let file = Connection::open(&path).unwrap();
    file.execute_batch("PRAGMA journal_mode = DELETE; VACUUM")
        .unwrap();
    let right = values(&file).unwrap();
    drop(file);
    let bytes = fs::read(&path).unwrap();
    let page_size = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    let pages: Vec<usize> = (1..bytes.len() / page_size)
        .filter(|page| {
            let page = &bytes[page * page_size..(page + 1) * page_size];
            page.windows(13).any(|words| words == b"yes to number")
        })
        .collect();
    assert!(pages.len() > 3, "the rows fill some pages");
    let mut dice = Dice(12);
    let mut changed = 0;
    for number in 0.. {
        if changed == 500 {
            break;
        }
        assert!(number < 5000, "most bytes of these pages are of the record");
        let place = pages[dice.below(pages.len())] * page_size + dice.below(page_size);
        let mut bytes = bytes.clone();
        bytes[place] ^= 1 << dice.below(8);
        fs::write(&path, bytes).unwrap();
        let file = Connection::open(&path).unwrap();
        // A byte between the rows says nothing.
        if values(&file).is_some_and(|values| values == right) {
            continue;
        }
        changed += 1;
        let found = audit::verify(&file, &head);
        assert!(!matches!(found, Ok(Verdict::Whole(_))), "byte {place}");
    }
}

#[test]
fn what_was_done_to_the_record_is_told_apart() {
    for (sql, expected) in [
        ("", Verdict::Whole(37)),
        ("UPDATE audit SET detail = '{}' WHERE seq = 7", Verdict::Broken(7)),
        ("UPDATE audit SET detail = CAST(x'ff' AS TEXT) WHERE seq = 7", Verdict::Broken(7)),
        ("DELETE FROM audit WHERE seq = 7", Verdict::Broken(7)),
        ("DELETE FROM audit WHERE seq > 33", Verdict::Cut(37)),
        ("DELETE FROM audit", Verdict::Cut(37)),
        ("UPDATE decisions SET body = '{}' WHERE escalation = 'e1'", Verdict::Decision(1)),
        ("DELETE FROM decisions WHERE escalation = 'e1'", Verdict::Decision(1)),
        ("UPDATE decisions SET state = 'queued' WHERE escalation = 'e1'", Verdict::Decision(1)),
        ("UPDATE decisions SET attempts = 0 WHERE escalation = 'e1'", Verdict::Decision(1)),
        (
            "INSERT INTO decisions (id, endpoint, escalation, version, binding_hash, outcome, body, decided_at, held_until, considered,
                 shown_ms, undone_at, state, attempts, next_attempt_at, detail, recorded_outcome, changed_at)
             SELECT 'f' || substr(id, 2), endpoint, escalation, version, binding_hash, outcome, body, decided_at,
             held_until, considered, shown_ms, undone_at, state, attempts, next_attempt_at, detail, recorded_outcome, changed_at
             FROM decisions LIMIT 1",
            Verdict::Unrecorded(38),
        ),
    ] {
        assert_eq!(verdict(after(sql).path()), expected, "{sql}");
    }
}

#[test]
fn a_head_that_is_gone_swapped_or_ahead_is_found_also_after_the_next_entries() {
    let other = "7".repeat(64);
    for (head, expected) in [
        (None, Verdict::NoHead(37)),
        (Some("nonsense".to_owned()), Verdict::NoHead(37)),
        (Some(format!("37 {other}")), Verdict::OtherHead(37)),
        (Some(format!("20 {other}")), Verdict::OtherHead(20)),
        (Some(format!("38 {other}")), Verdict::Cut(38)),
        (
            Some(json!({"version": 3, "rows": 37, "hash": other}).to_string()),
            Verdict::NoHead(37),
        ),
    ] {
        let dir = after("");
        let path = dir.path().join("audit.head");
        match &head {
            Some(text) => fs::write(path, text).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        assert_eq!(verdict(dir.path()), expected, "{head:?}");
        let store = open(dir.path());
        for _ in 0..2 {
            store
                .write(|tx| audit::append(tx, at(50), "settings", "x", &json!({})))
                .unwrap();
        }
        drop(store);
        let expected = match expected {
            Verdict::NoHead(_) => Verdict::NoHead(39),
            Verdict::Cut(rows) => Verdict::OtherHead(rows),
            other => other,
        };
        assert_eq!(verdict(dir.path()), expected, "{head:?}, later");
    }
}

#[test]
fn a_record_that_is_all_gone_is_missed_when_an_endpoint_was_added() {
    let added = |is_recorded: bool| {
        let dir = tempfile::tempdir().unwrap();
        let row = EndpointRow {
            id: "desk".into(),
            name: "Desk".to_owned(),
            kind: "native".to_owned(),
            url: "http://127.0.0.1:1/status".to_owned(),
            credential: "none".to_owned(),
            paused: false,
            capabilities: vec![],
            warnings: vec![],
            added_at: at(0),
        };
        let store = open(dir.path());
        let written = store.write(move |tx| {
            endpoints::put(tx, &row)?;
            if is_recorded {
                audit::append(tx, at(0), "endpoint-added", "desk", &json!({}))?;
            }
            Ok(())
        });
        written.unwrap();
        dir
    };
    let dir = added(true);
    assert_eq!(verdict(dir.path()), Verdict::Whole(1));
    tamper(dir.path(), "DELETE FROM audit");
    assert_eq!(verdict(dir.path()), Verdict::Cut(1));
    // Without its head as well, and after the next start, which makes a new one.
    fs::remove_file(dir.path().join("audit.head")).unwrap();
    for _ in 0..2 {
        assert_eq!(verdict(dir.path()), Verdict::Cut(1));
        drop(open(dir.path()));
    }
    // A store from before endpoints were recorded is none of these.
    let dir = added(false);
    tamper(dir.path(), "PRAGMA user_version = 20");
    drop(open(dir.path()));
    assert_eq!(verdict(dir.path()), Verdict::Whole(0));
}

#[test]
fn a_cut_end_stays_found_when_new_entries_stand_where_it_was() {
    let dir =
        after("DELETE FROM audit WHERE seq > 33; DELETE FROM decisions WHERE escalation = 'e12'");
    let store = open(dir.path());
    for _ in 0..4 {
        store
            .write(|tx| audit::append(tx, at(50), "settings", "x", &json!({})))
            .unwrap();
    }
    drop(store);
    assert_eq!(verdict(dir.path()), Verdict::OtherHead(37));
}

#[test]
fn a_head_that_a_crash_left_behind_is_no_harm_and_follows() {
    let dir = tempfile::tempdir().unwrap();
    let head = dir.path().join("audit.head");
    let store = open(dir.path());
    let begin = fs::read(&head).unwrap();
    let add = |store: &Store| {
        store
            .write(|tx| audit::append(tx, at(1), "settings", "x", &json!({})))
            .unwrap()
    };
    for _ in 0..3 {
        add(&store);
    }
    store.close();
    let (rows, hash) = store.audit_head().read().unwrap();
    assert_eq!(rows, 3);
    // As the first version wrote it, and as it was before the first entry.
    for behind in [begin, format!("3 {hash}\n").into_bytes()] {
        fs::write(&head, behind).unwrap();
        assert_eq!(verdict(dir.path()), Verdict::Whole(3));
        drop(open(dir.path()));
    }
    let store = open(dir.path());
    add(&store);
    store.close();
    assert_eq!(store.audit_head().read().unwrap().0, 4);
    assert_eq!(verdict(dir.path()), Verdict::Whole(4));
    assert!(
        fs::read_to_string(&head)
            .unwrap()
            .contains(r#""version":2,"rows":4"#)
    );
}

#[test]
fn a_store_of_the_time_before_heads_gets_one() {
    let dir = after(
        "DROP INDEX audit_stopped; DROP TABLE endpoint_costs; DROP TABLE endpoint_stops; DROP TABLE costly_facts;
         DROP TABLE snapshot_endpoints; DROP TABLE snapshots; DROP INDEX escalations_listed_on;
         DROP TABLE ownership_pins;
         ALTER TABLE decisions DROP COLUMN repeats; ALTER TABLE decisions DROP COLUMN asked_again_at;
         PRAGMA user_version = 15",
    );
    fs::remove_file(dir.path().join("audit.head")).unwrap();
    drop(open(dir.path()));
    assert_eq!(verdict(dir.path()), Verdict::Whole(37));
}

/// What is found of a decision that is about to leave, after somebody was at it.
fn check(number: u32, sql: &str, expected: &Agreement) {
    let dir = after(sql);
    let store = open(dir.path());
    // As it was read at start: what is stored, or else what was decided.
    let id = key(number, 0);
    let stored = store.read(|reader| decisions::get(reader, &id)).unwrap();
    let sent = stored.unwrap_or_else(|| decision(number, 0));
    let found = store.read(|reader| audited::check(reader, &sent)).unwrap();
    assert_eq!(found, *expected, "{sql}");
}

#[test]
fn only_what_was_decided_may_leave() {
    let differs = |member: &str| Agreement::Differs(member.to_owned());
    check(4, "", &Agreement::Same);
    for (change, member) in [
        ("body = '{}'", "body"),
        ("outcome = 'approve-always'", "outcome"),
        ("version = '2'", "version"),
        ("binding_hash = 'other'", "bindingHash"),
        ("held_until = 0", "heldUntil"),
        ("decided_at = 0", "decidedAt"),
        ("considered = 0", "considered"),
        ("shown_ms = 9", "shownMs"),
        ("detail = 'x'", "where it stands"),
        ("state = 'applied'", "where it stands"),
        ("undone_at = 1", "whether it was taken back"),
    ] {
        let sql = format!("UPDATE decisions SET {change} WHERE escalation = 'e4'");
        check(4, &sql, &differs(member));
    }
    // To another endpoint: it was never asked there.
    check(
        4,
        "UPDATE decisions SET endpoint = 'else' WHERE escalation = 'e4'",
        &Agreement::Unrecorded,
    );
    // What was applied, refused or taken back is not sent again.
    check(
        1,
        "UPDATE decisions SET state = 'queued', attempts = 0 WHERE escalation = 'e1'",
        &differs("where it stands"),
    );
    check(
        2,
        "UPDATE decisions SET state = 'queued', detail = NULL WHERE escalation = 'e2'",
        &differs("where it stands"),
    );
    check(
        3,
        "UPDATE decisions SET undone_at = NULL WHERE escalation = 'e3'",
        &differs("whether it was taken back"),
    );
    // Row and entry alike are changed: the chain does not hold.
    check(
        4,
        "UPDATE decisions SET body = '{}' WHERE escalation = 'e4';
         UPDATE audit SET detail = json_set(detail, '$.body', '{}') WHERE subject = 'desk/e4'",
        &Agreement::Broken,
    );
    check(
        4,
        "DELETE FROM audit WHERE subject = 'desk/e4'",
        &Agreement::Unrecorded,
    );
}

#[test]
fn what_is_sent_must_be_what_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let sent = Decision {
        body: "{}".to_owned(),
        ..decision(4, 0)
    };
    let found = store.read(|reader| audited::check(reader, &sent)).unwrap();
    assert_eq!(found, Agreement::Differs("body".to_owned()));
}

#[test]
fn a_decision_that_was_stopped_asks_again_and_is_never_sent() {
    let dir = after("UPDATE decisions SET body = '{}', version = '9' WHERE escalation = 'e4'");
    let store = open(dir.path());
    let id = key(4, 0);
    let found = store
        .read(|reader| decisions::get(reader, &id))
        .unwrap()
        .unwrap();
    let agreement = store.read(|reader| audited::check(reader, &found)).unwrap();
    assert_eq!(agreement, Agreement::Differs("version".to_owned()));
    store
        .write(move |tx| audited::stop(tx, at(60), &found, &agreement))
        .unwrap();
    store
        .read(|reader| {
            assert_eq!(decisions::get(reader, &id)?, None);
            assert!(
                decisions::outbox(reader)?
                    .iter()
                    .all(|decision| decision.id != id)
            );
            let question = escalations::get(reader, &"desk".into(), &"e4".into())?.unwrap();
            assert_eq!(question.phase, EscalationPhase::Pending);
            let stopped = audited::stopped(reader, at(0))?;
            assert_eq!((stopped.len(), stopped[0].escalation.as_str()), (1, "e4"));
            Ok(())
        })
        .unwrap();
    // The row is still not what was decided, and that stays said.
    assert!(matches!(verdict(dir.path()), Verdict::Decision(_)));
    let again = Decision {
        decided_at: at(70),
        ..decision(4, 1)
    };
    let decided = again.clone();
    let recorded = store
        .write(move |tx| decisions::record(tx, at(70), &decided, |_| "shown-4".to_owned()))
        .unwrap();
    assert_eq!(recorded, Recorded::Yes);
    assert_eq!(
        store
            .read(|reader| audited::stopped(reader, at(0)))
            .unwrap(),
        []
    );
    assert_eq!(
        store.read(|reader| audited::check(reader, &again)).unwrap(),
        Agreement::Same
    );
}

#[test]
fn a_long_record_is_checked_in_a_second() {
    // Without optimization the hash alone takes twenty times as long.
    let rows = if cfg!(debug_assertions) {
        4_000
    } else {
        100_000
    };
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store
        .write(move |tx| {
            for number in 0..rows / 4 {
                store::apply(tx, &question(number))?;
                let decided = decision(number, 0);
                let (shown, id) = (decided.binding_hash.clone(), decided.id.clone());
                decisions::record(tx, at(10), &decided, |_| shown)?;
                for (state, attempts) in [
                    (DeliveryState::Queued, 0),
                    (DeliveryState::Sending, 1),
                    (DeliveryState::Applied, 1),
                ] {
                    let delivery = Delivery {
                        state,
                        attempts,
                        ..decided.delivery.clone()
                    };
                    decisions::deliver(tx, at(30), &id, &delivery)?;
                }
            }
            Ok(())
        })
        .unwrap();
    let begin = Instant::now();
    assert_eq!(verdict(dir.path()), Verdict::Whole(i64::from(rows)));
    let took = begin.elapsed();
    eprintln!("{rows} entries in {took:?}");
    assert!(took.as_secs_f64() < 1.0, "{took:?}");
}

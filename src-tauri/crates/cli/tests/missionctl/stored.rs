//! Reading a data folder: `record` and `audit`, also beside a process that has it open.

use std::path::Path;

use chrono::{TimeDelta, Utc};
use domain::fact::{self, Config};
use serde_json::json;
use store::{
    Store,
    tables::{audit, facts},
};
use tempfile::TempDir;

use super::{check_unusable, run, run_with};

/// Three ticks and two entries of the audit.
fn filled(dir: &Path) -> Store {
    let store = Store::open(dir, Utc::now()).expect("it opens");
    let config = serde_json::to_value(Config::default()).expect("JSON");
    store
        .write(move |tx| {
            facts::set_config(tx, &config)?;
            let begin = Utc::now();
            for seconds in 0..3 {
                let at = begin + TimeDelta::seconds(seconds);
                facts::append(tx, at, facts::FactKind::Tick, None, &fact::write_tick(at))?;
            }
            audit::append(tx, begin, "decided", "e/1", &json!({}))?;
            audit::append(tx, begin, "delivery", "e/1", &json!({"state": "sent"}))?;
            Ok(())
        })
        .expect("it is written");
    store
}

fn folder() -> (TempDir, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().to_str().expect("UTF-8").to_owned();
    (dir, path)
}

#[test]
fn a_recording_is_the_config_and_every_fact_and_can_be_replayed() {
    let (dir, path) = folder();
    // Open while it is read: the app is running.
    let _store = filled(dir.path());
    let said = run(&["record", "--data", &path]);
    assert_eq!((said.code, said.complaint.as_str()), (0, ""));
    let lines = said.json();
    assert_eq!(lines.len(), 4);
    assert!(lines[0]["config"]["settings"].is_object(), "{}", lines[0]);
    assert_eq!(lines[3]["tick"], true);
    let replayed = run_with(&["replay", "-", "--json"], said.out.as_bytes(), &[]);
    assert_eq!(
        (replayed.code, replayed.out.as_str()),
        (0, ""),
        "{replayed:?}"
    );
    let environment = [("MISSION_CONTROL_DATA", path.as_str())];
    assert_eq!(run_with(&["record"], b"", &environment).out, said.out);
}

#[test]
fn facts_that_went_by_age_leave_the_numbers_of_the_others() {
    let (dir, path) = folder();
    let store = filled(dir.path());
    store
        .write(|tx| facts::forget(tx, Utc::now() + TimeDelta::milliseconds(1500)))
        .expect("they go");
    drop(store);
    let out = run(&["record", "--data", &path]).out;
    let lines: Vec<_> = out.lines().collect();
    assert_eq!((lines.len(), lines[1], lines[2]), (4, "", ""));
    assert!(lines[3].contains("tick"));
}

#[test]
fn a_folder_without_data_is_unusable_and_stays_as_it_is() {
    let (dir, path) = folder();
    check_unusable(&run(&["record", "--data", &path]), "no data");
    check_unusable(&run(&["audit", "verify", "--data", &path]), "no data");
    let left = std::fs::read_dir(dir.path()).expect("it is there").count();
    assert_eq!(left, 0, "looking makes nothing");
    std::fs::write(dir.path().join("mission-control.db"), "hello").expect("written");
    check_unusable(&run(&["record", "--data", &path]), "database");
}

#[test]
fn the_chain_is_verified_and_exported() {
    let (dir, path) = folder();
    let store = filled(dir.path());
    let said = run(&["audit", "verify", "--data", &path, "--json"]);
    assert_eq!(said.one(), json!({"rows": 2, "intact": true}));
    assert_eq!(said.code, 0);
    let lines = run(&["audit", "export", "--data", &path]).json();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["previous"], lines[0]["hash"]);
    // The table refuses changes; whoever means to cheat goes past that.
    store
        .write(|tx| {
            tx.execute_batch(
                "DROP TRIGGER audit_is_never_changed;
                 UPDATE audit SET detail = '{\"x\":1}' WHERE seq = 2;",
            )?;
            Ok(())
        })
        .expect("it is written");
    let said = run(&["audit", "verify", "--data", &path, "--json"]);
    let expected = json!({"rows": 2, "intact": false, "firstBad": 2});
    assert_eq!((said.code, said.one()), (1, expected));
}

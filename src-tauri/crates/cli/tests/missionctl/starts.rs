//! A start that cannot be: what is wrong with the data folder and what to do about it, in one line. And the one that can be
//! all the same, beside a damaged database.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::Utc;
use serde_json::json;
use store::Store;

use super::{check_unusable, headless::Headless, run};

/// Asked to run there, it says this in one line that names the folder, and leaves everything as it was.
#[track_caller]
fn check(folder: &Path, what: &str, advice: &str) {
    let path = folder.to_str().expect("UTF-8");
    let said = run(&["headless", "--json", "--data", path]);
    check_unusable(&said, what);
    check_unusable(&said, advice);
    check_unusable(&said, path);
}

/// A data folder whose database was marked so.
fn marked(pragma: &'static str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), Utc::now()).expect("it opens");
    store
        .write(move |tx| Ok(tx.execute_batch(&format!("PRAGMA {pragma}"))?))
        .expect("it is written");
    dir
}

fn database(dir: &Path) -> Vec<u8> {
    fs::read(dir.join("mission-control.db")).expect("it is there")
}

#[test]
fn a_folder_that_runs_already_is_left_to_who_has_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut first = Headless::start(dir.path(), &[]);
    assert_eq!(first.next().expect("it starts")["event"], "started");
    for _ in 0..2 {
        check(dir.path(), "is already running", "Close it first");
    }
    first.child().kill().expect("it runs on until now");
}

#[test]
fn what_is_no_folder_or_may_not_be_written_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("notes.txt");
    fs::write(&file, "mine").expect("written");
    for place in [file.clone(), file.join("below")] {
        check(&place, "it is not a folder", "Choose another data folder");
    }
    assert_eq!(fs::read_to_string(&file).expect("a file"), "mine");
    #[cfg(target_os = "linux")]
    {
        // Nobody makes a folder in there, not even root.
        let place = PathBuf::from("/sys/mission-control");
        check(&place, "cannot be used", "Choose another data folder");
        assert!(!place.exists());
    }
}

#[test]
fn a_database_of_a_newer_version_or_of_another_program_is_left_as_it_is() {
    for (pragma, what, advice) in [
        (
            "user_version = 999",
            "a newer Mission Control",
            "Install the newer version",
        ),
        (
            "application_id = 7",
            "another program",
            "Choose another data folder",
        ),
    ] {
        let dir = marked(pragma);
        let before = database(dir.path());
        check(dir.path(), what, advice);
        assert_eq!(database(dir.path()), before, "{pragma}");
        let path = dir.path().to_str().expect("UTF-8");
        check_unusable(&run(&["record", "--data", path]), what);
    }
}

#[test]
fn a_damaged_database_is_set_aside_and_that_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().to_str().expect("UTF-8");
    fs::write(dir.path().join("mission-control.db"), "no database").expect("written");
    // Looking changes nothing.
    let said = run(&["record", "--data", path]);
    check_unusable(&said, "The database is damaged");
    assert_eq!(database(dir.path()), b"no database");
    let mut headless = Headless::start(dir.path(), &[]);
    let started = headless.next().expect("it starts");
    assert_eq!(started["folder"], json!(path));
    let notice = started["notice"].as_str().expect("it is said");
    assert!(
        notice.contains("damaged") && notice.contains("set aside as"),
        "{notice}"
    );
    let mut words = notice.split([' ', ',']);
    let kept = words.find(|word| word.ends_with(".db")).expect("its name");
    let kept = fs::read(dir.path().join(kept)).expect("it is kept");
    assert_eq!(kept, b"no database");
    headless.child().kill().expect("it is killed");
    // From then on there is nothing to be said.
    drop(headless);
    let mut headless = Headless::start(dir.path(), &[]);
    let started = headless.next().expect("it starts");
    assert_eq!(started["notice"], json!(null));
    headless.child().kill().expect("it is killed");
}

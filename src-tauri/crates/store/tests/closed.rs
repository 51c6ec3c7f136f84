//! Who may read the data folder, and what is said when the disk does not let us: real files, real modes, real limits.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end there"
)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use chrono::{DateTime, Utc};
use serde_json::json;
use store::{
    Error, Hindrance, Store,
    tables::{audit, settings},
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The mode of everything in a folder, by name.
fn modes(dir: &Path) -> BTreeMap<String, u32> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, mode(&entry.path()))
        })
        .collect()
}

fn write(store: &Store) -> store::Result<()> {
    store.write(|tx| {
        audit::append(tx, now(), "test", "x", &json!({}))?;
        settings::set(tx, "x", &"y".repeat(10_000))
    })
}

#[test]
fn a_folder_that_we_make_is_for_its_user_alone() {
    let dir = tempfile::tempdir().unwrap();
    set_mode(dir.path(), 0o755);
    let inside = dir.path().join("new/data");
    let _store = Store::open(&inside, now()).unwrap();
    assert_eq!(mode(&inside), 0o700);
    assert_eq!(mode(dir.path()), 0o755);
}

#[test]
fn a_folder_that_was_there_keeps_its_mode_and_what_we_put_there_is_closed() {
    for was in [0o700, 0o750, 0o755, 0o775, 0o1777] {
        let dir = tempfile::tempdir().unwrap();
        set_mode(dir.path(), was);
        let foreign = dir.path().join("theirs");
        fs::write(&foreign, "").unwrap();
        set_mode(&foreign, 0o644);
        let store = Store::open(dir.path(), now()).unwrap();
        write(&store).unwrap();
        store.backup(&dir.path().join("copy.db")).unwrap();
        assert_eq!(mode(dir.path()), was);
        let mut found = modes(dir.path());
        assert_eq!(found.remove("theirs"), Some(0o644), "{was:o}");
        assert!(found.len() >= 6, "{found:?}");
        assert!(found.values().all(|mode| *mode == 0o600), "{found:?}");
    }
}

#[test]
fn files_that_an_earlier_version_left_open_are_closed() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path(), now()).map(|store| write(&store)));
    let names = ["mission-control.db", "lock", "audit.head"];
    for name in names {
        set_mode(&dir.path().join(name), 0o644);
    }
    let _store = Store::open(dir.path(), now()).unwrap();
    let found = modes(dir.path());
    assert!(names.iter().all(|name| found[*name] == 0o600), "{found:?}");
}

#[test]
fn a_damaged_database_is_set_aside_closed() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mission-control.db"), "x".repeat(9000)).unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    assert!(store.notice().is_some());
    let found = modes(dir.path());
    assert!(found.values().all(|mode| *mode == 0o600), "{found:?}");
}

#[track_caller]
fn check_refused(dir: &Path, is: impl Fn(&Error) -> bool, words: &str) {
    let refused = Store::open(dir, now()).err().unwrap();
    assert!(is(&refused), "{refused:?}");
    assert!(refused.to_string().contains(words), "{refused}");
}

#[test]
fn a_link_in_the_place_of_a_file_of_ours_is_refused_and_not_followed() {
    let names = ["", "-wal", "-shm"].map(|end| format!("mission-control.db{end}"));
    for name in names
        .iter()
        .map(String::as_str)
        .chain(["lock", "audit.head"])
    {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = other.path().join("precious");
        fs::write(&target, "as it was").unwrap();
        set_mode(&target, 0o644);
        symlink(&target, dir.path().join(name)).unwrap();
        check_refused(dir.path(), |e| matches!(e, Error::NotAFile(_)), "a link");
        assert_eq!(fs::read_to_string(&target).unwrap(), "as it was");
        assert_eq!(mode(&target), 0o644);
    }
}

/// What belongs to another user: root can give things away; anybody else finds something of root's.
fn of_another() -> (Option<tempfile::TempDir>, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    match std::os::unix::fs::chown(dir.path(), Some(65_534), None) {
        Ok(()) => {
            let path = dir.path().to_owned();
            (Some(dir), path)
        }
        Err(_) => (None, PathBuf::from("/")),
    }
}

#[test]
fn a_folder_of_another_user_is_refused_in_words() {
    let (_kept, path) = of_another();
    let was = modes(&path);
    check_refused(&path, |e| matches!(e, Error::OfAnother(_)), "another user");
    assert_eq!(modes(&path), was, "nothing was put there");
}

#[test]
fn the_sentence_names_what_stands_in_the_way() {
    // Limits that SQLite itself keeps: no room for another page, and no writing at all.
    for (limit, why, words) in [
        ("max_page_count = 1", Hindrance::Full, "The disk is full."),
        ("query_only = ON", Hindrance::ReadOnly, "read-only"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), now()).unwrap();
        let limit = format!("PRAGMA {limit}");
        store
            .write(move |tx| Ok(tx.execute_batch(&limit)?))
            .unwrap();
        let refused = write(&store).unwrap_err();
        assert!(
            matches!(refused, Error::Disk(is, _) if is == why),
            "{refused:?}"
        );
        assert!(refused.stops_all());
        assert!(refused.to_string().contains(words), "{refused}");
        store.read(|_| Ok(())).unwrap();
    }
}

/// A process of its own, because the limit holds for all of it: it opens files until no more can be, then says what the
/// store says.
#[test]
fn too_many_open_files_are_named() {
    const CHILD: &str = "MISSION_CONTROL_TEST_FILES";
    if let Some(dir) = std::env::var_os(CHILD) {
        let dir = PathBuf::from(dir);
        let store = Store::open(&dir, now()).unwrap();
        let mut held = vec![];
        while let Ok(file) = fs::File::open("/dev/null") {
            held.push(file);
        }
        // A reader of its own needs a file, and a second store too.
        let read = store.read(|_| Ok(())).unwrap_err();
        let opened = Store::open(dir.join("more"), now()).err().unwrap();
        drop(held);
        println!("read: {read}");
        println!("opened: {opened}");
        store.read(|_| Ok(())).unwrap();
        println!("again: read");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let limited = r#"ulimit -n 64; exec "$0" --exact too_many_open_files_are_named --nocapture"#;
    let said = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&said.stdout);
    for line in [
        "read: Too many files are open on this computer.",
        "opened: The data folder cannot be used: too many files are open on this computer. Close other programs and try again.",
        "again: read",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

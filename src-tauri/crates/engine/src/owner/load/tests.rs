//! A story that is broken off and taken up again, at each of its lines: what is on the disk gives the same findings as the
//! story in one piece, none twice and none lost.

use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use domain::{
    fact::Line,
    finding::{Finding, FindingState},
    replay::replay,
    snapshot::FORM,
};
use serde_json::{Value, json};
use store::tables::{
    facts::FactKind,
    findings,
    snapshots::{self, SnapshotRow},
};

use super::{super::snapshot::Moment, *};

/// A scenario as a log has it: its configuration, and lines that are strictly later than the one before.
struct Story {
    name: String,
    config: Value,
    rows: Vec<(Time, String)>,
}

impl Story {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a scenario");
        let mut config = json!({});
        let mut rows: Vec<(Time, String)> = vec![];
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let mut value: Value = serde_json::from_str(line).expect("JSON");
            if let Some(first) = value.get_mut("config") {
                config = first.take();
                continue;
            }
            let Ok(Some(Line { at: Some(at), .. })) = read_line(1, line) else {
                continue;
            };
            let least = rows
                .last()
                .map(|(last, _)| *last + TimeDelta::microseconds(1));
            let at = least.map_or(at, |least| at.max(least));
            value["at"] = json!(facts::stamp(at));
            rows.push((at, value.to_string()));
        }
        let name = path
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned());
        Self {
            name: name.unwrap_or_default(),
            config,
            rows,
        }
    }

    /// What is found in it in one piece.
    fn whole(&self) -> Vec<Finding> {
        let config = json!({"config": self.config}).to_string();
        let rows = self.rows.iter().map(|(_, text)| text.as_str());
        replay(std::iter::once(config.as_str()).chain(rows)).expect("lines")
    }

    /// What is found when it is broken off before some lines, with snapshots after some, and what the disk then holds to be
    /// open.
    fn broken(
        &self,
        at: impl Fn(usize) -> bool,
        kept: impl Fn(usize) -> bool,
    ) -> (Vec<Finding>, Vec<String>) {
        let dir = tempfile::tempdir().expect("a folder");
        let open = || Store::open(dir.path(), self.rows[0].0).expect("it opens");
        let mut store = open();
        let config = self.config.clone();
        store
            .write(move |tx| facts::set_config(tx, &config))
            .expect("kept");
        let mut loaded = load(&store, Limits::default()).expect("it loads");
        let mut found = vec![];
        for (index, (at_time, text)) in self.rows.iter().enumerate() {
            if at(index) {
                drop(store);
                store = open();
                loaded = load(&store, Limits::default()).expect("it loads");
            }
            let line = read_line(loaded.seq + 2, text)
                .expect("a line")
                .expect("a fact");
            let mut changes = loaded.fleet.take(&line);
            loaded.fleet.judge(*at_time, &mut changes);
            found.extend(changes.iter().filter_map(|change| match change {
                Change::Finding(finding) => Some((**finding).clone()),
                _ => None,
            }));
            let (when, row) = (*at_time, text.clone());
            loaded.seq = store
                .write(move |tx| {
                    let seq = facts::append(tx, when, FactKind::Tick, None, &row)?;
                    store::apply_all(tx, &changes)?;
                    Ok(seq)
                })
                .expect("kept");
            if kept(index) {
                keep_of(&store, &loaded);
            }
        }
        let open = store.read(findings::open).expect("findings");
        let mut open: Vec<_> = open.into_iter().map(|row| row.finding.episode).collect();
        open.sort();
        (found, open)
    }
}

fn still_open(findings: &[Finding]) -> Vec<String> {
    let mut open = vec![];
    for finding in findings {
        open.retain(|episode| *episode != finding.episode);
        if finding.state == FindingState::Open {
            open.push(finding.episode.clone());
        }
    }
    open.sort();
    open
}

fn check(story: &Story, at: impl Fn(usize) -> bool, kept: impl Fn(usize) -> bool) {
    if story.rows.is_empty() {
        return;
    }
    let whole = story.whole();
    let (found, open) = story.broken(at, kept);
    assert_eq!(whole, found, "{}", story.name);
    assert_eq!(
        still_open(&whole),
        open,
        "{}: what the disk says is open",
        story.name
    );
}

fn stories(folder: &str) -> Vec<PathBuf> {
    let root = Path::new("../../../tests/fixtures/scenarios");
    let files = std::fs::read_dir(root.join(folder)).expect("scenarios");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
    files.sort();
    files
}

#[test]
fn a_scenario_broken_off_at_each_line_finds_the_same() {
    for path in stories("") {
        let story = Story::read(&path);
        // Of the long ones the first and last lines, and some between.
        let rows = story.rows.len();
        let some = |line| line < 12 || line + 3 > rows || line % 17 == 0;
        check(&story, some, |_| false);
    }
}

#[test]
fn a_scenario_that_goes_on_from_a_snapshot_finds_the_same() {
    for path in stories("") {
        let story = Story::read(&path);
        // Broken off right after a snapshot, and some lines later.
        check(&story, |line| line % 7 < 3, |line| line % 7 == 6);
    }
}

#[test]
fn a_clause_broken_off_somewhere_finds_the_same() {
    for (number, path) in stories("clauses").iter().enumerate() {
        let story = Story::read(path);
        let rows = story.rows.len().max(1);
        // Another line in each of them.
        if number % 3 == 0 {
            check(&story, |line| line == number % rows, |_| false);
        }
    }
}

/// A status document that one task is reported in.
fn line(second: u32, task: &str) -> (Time, String) {
    let at: Time = format!("2026-11-01T09:00:{second:02}Z")
        .parse()
        .expect("a time");
    let document = json!({
        "schemaVersion": "1.0", "agent": { "id": "a", "name": "A", "status": "online" },
        "tasks": [{ "id": task, "title": "T", "status": { "state": "working" } }],
    });
    let text = domain::fact::write_status(at, &"one".into(), &document.to_string());
    (at, text)
}

fn append(store: &Store, second: u32, task: &str) {
    let (at, text) = line(second, task);
    store
        .write(move |tx| facts::append(tx, at, FactKind::Status, None, &text))
        .expect("kept");
}

/// Keeps what stands now.
fn keep(store: &Store) -> SnapshotRow {
    keep_of(store, &load(store, Limits::default()).expect("it loads"))
}

fn keep_of(store: &Store, loaded: &Loaded) -> SnapshotRow {
    let moment = Moment::of(loaded.seq, &loaded.fleet, &loaded.known);
    let snapshot = moment.expect("nobody reads").row();
    let row = snapshot.clone();
    store
        .write(move |tx| snapshots::put(tx, FORM, &row))
        .expect("kept");
    snapshot
}

/// The tasks that run, and how much of the log was read.
fn started(store: &Store) -> (Vec<String>, usize) {
    let loaded = load(store, Limits::default()).expect("it loads");
    let running = &loaded.known.get("one").expect("it is known").running;
    let tasks = running.iter().map(ToString::to_string).collect();
    (tasks, loaded.read)
}

#[test]
fn a_start_reads_only_what_came_after_the_newest_snapshot_that_can_be_used() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), line(0, "a").0).expect("it opens");
    append(&store, 1, "a");
    keep(&store);
    append(&store, 2, "b");
    let (whole, after) = (line(1, "a").1.len(), line(2, "b").1.len());
    assert_eq!(started(&store), (vec!["b".to_owned()], after));

    // The newest one is damaged: the one before it is used.
    let mut damaged = keep(&store);
    assert_eq!(started(&store), (vec!["b".to_owned()], 0));
    damaged.state[40] ^= 1;
    let row = damaged.clone();
    store
        .write(move |tx| snapshots::put(tx, FORM, &row))
        .expect("kept");
    assert_eq!(started(&store), (vec!["b".to_owned()], after));

    // Both are of another form: the log is read from its beginning.
    for _ in 0..2 {
        let row = keep(&store);
        store
            .write(move |tx| snapshots::put(tx, "another form", &row))
            .expect("kept");
        append(&store, 3 + row_count(&store), "b");
    }
    let (tasks, read) = started(&store);
    assert_eq!(tasks, ["b"]);
    assert!(read > whole + after, "{read}");
}

fn row_count(store: &Store) -> u32 {
    let (seq, _) = store.read(facts::end).expect("an end");
    u32::try_from(seq).expect("a few")
}

#[test]
fn what_is_known_of_an_endpoint_goes_on_from_a_snapshot() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path(), line(0, "a").0).expect("it opens");
    append(&store, 1, "a");
    keep(&store);
    let loaded = load(&store, Limits::default()).expect("it loads");
    let known = loaded.known.get("one").expect("it is known");
    let document = |task: &str| {
        let (_, text) = line(2, task);
        status_text(&text).expect("a document").to_owned()
    };
    let mut differ = known.said.differ();
    assert_eq!(differ.take(&document("a"), true), Ok(None), "it is no news");
    let news = differ.take(&document("b"), true).expect("a document");
    let news = news.expect("news");
    assert!(
        news.contains("\"b\"") && news.contains("\"a\""),
        "a is gone: {news}"
    );
}

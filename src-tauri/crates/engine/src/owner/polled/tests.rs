//! Facts of polls that wait together, by the owner's own events over a real store. The tests are the endpoints.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use domain::{
    caps,
    fact::{read_line, write_status},
};
use serde_json::json;
use store::{Store, tables::facts};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    sync::oneshot::{self, Receiver},
};

use crate::{
    cost::{Cost, Limits, cpu},
    intake::{Intake, Wanted},
    live::Live,
    owner::{
        Event, Observed, Owner, Taken,
        any_order::stage::{self, NAMES},
    },
};

struct Desk {
    // Dropped in this order.
    owner: Owner,
    store: Store,
    runtime: Runtime,
    dir: TempDir,
}

fn started() -> Desk {
    let dir = stage::folder();
    let path = stage::template(dir.path());
    let store = Store::open(path, stage::beginning()).expect("it opens");
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().expect("a runtime");
    let parts = stage::parts(store.clone(), &Live::default(), &runtime);
    let owner = Owner::start(parts).expect("it starts");
    Desk {
        owner,
        store,
        runtime,
        dir,
    }
}

impl Desk {
    /// The endpoint answers with one task of this title.
    fn polls(&mut self, at: usize, title: &str) -> Receiver<Taken> {
        let endpoint = NAMES[at].into();
        let known = self.owner.known.get(&endpoint).expect("it is known");
        let turn = known.poller.as_ref().expect("it is asked").turn;
        let document = json!({
            "schemaVersion": "1.0", "agent": { "id": "a", "name": "A", "status": "online" },
            "tasks": [{ "id": "t", "title": title, "status": { "state": "working" } }],
        });
        let mut intake = Intake::new(&known.said, &Wanted::default(), Duration::MAX);
        let pieces = self
            .runtime
            .block_on(intake.news(document.to_string(), true));
        let text = pieces
            .ok()
            .and_then(|mut pieces| pieces.pop())
            .expect("news");
        let read = self.runtime.block_on(intake.read(text));
        let Ok((text, piece)) = read else {
            panic!("it cannot be read");
        };
        let (answer, taken) = oneshot::channel();
        self.owner.gather(Event::Observed(Observed {
            endpoint,
            turn,
            text,
            piece,
            cost: Cost::default(),
            whole: Some(tokio::time::Instant::now()),
            answer,
        }));
        taken
    }

    /// The titles in the log, in its order.
    fn log(&self) -> Vec<String> {
        let mut rows = vec![];
        let read = self.store.read(|reader| {
            facts::each(reader, 0, |row| {
                rows.push(row.line);
                Ok(())
            })
        });
        read.expect("the log");
        rows
    }

    fn commits(&self) -> usize {
        let wal = self.dir.path().join("template/mission-control.db-wal");
        commits(&wal)
    }
}

/// Commits in a write-ahead log since its last start: frames that name the size of the database, of the salt in its header
/// (<https://www.sqlite.org/fileformat2.html#walformat>).
fn commits(wal: &Path) -> usize {
    let bytes = std::fs::read(wal).expect("a log");
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let page = word(8) as usize;
    let frames = (32..bytes.len()).step_by(24 + page);
    let of_now = frames.take_while(|at| bytes[at + 8..at + 16] == bytes[16..24]);
    of_now.filter(|at| word(at + 4) > 0).count()
}

fn is_kept(taken: &mut Receiver<Taken>) -> Option<bool> {
    taken.try_recv().ok().map(|taken| taken.kept)
}

#[test]
fn what_waits_together_is_one_transaction_and_told_after_it() {
    let mut desk = started();
    let before = desk.commits();
    let mut asked = [desk.polls(0, "First"), desk.polls(1, "Second")];
    assert_eq!(asked.each_mut().map(is_kept), [None, None]);
    assert_eq!(desk.log().len(), 0);
    desk.owner.settle();
    assert_eq!(asked.each_mut().map(is_kept), [Some(true); 2]);
    assert_eq!(desk.commits(), before + 1);
    let log = desk.log();
    assert!(
        log[0].contains("First") && log[1].contains("Second"),
        "{log:?}"
    );
    assert_eq!((log.len() as u64, desk.owner.seq), (2, 2));
}

#[test]
fn what_an_endpoint_says_next_comes_after_what_it_said() {
    let mut desk = started();
    let mut first = desk.polls(0, "First");
    let _second = desk.polls(1, "Second");
    // It read this before it was told of the first.
    let _third = desk.polls(0, "Third");
    assert_eq!(is_kept(&mut first), Some(true));
    assert_eq!(desk.log().len(), 2);
    desk.owner.settle();
    assert!(desk.log()[2].contains("Third"), "{:?}", desk.log());
}

/// What one of twenty agents says who all claim the same, as often as is kept of one endpoint.
fn expensive(agent: usize) -> String {
    let number = caps::LIVE_CLAIMS / 20;
    let claim = |claim: usize| json!({ "id": format!("c{agent}-{claim}"), "resource": "file:same", "holderIdentity": format!("a{agent}"), "mode": "exclusive", "state": "held" });
    let document = json!({
        "schemaVersion": "1.0", "agent": { "id": format!("a{agent}"), "name": "A", "status": "online" },
        "snapshot": false, "claims": (0..number).map(claim).collect::<Vec<_>>(),
    });
    document.to_string()
}

#[test]
fn who_says_little_does_not_pay_for_what_is_judged_of_another() {
    let mut desk = started();
    // It is left to be judged with whatever is taken in next.
    for agent in 0..20 {
        let line = write_status(stage::beginning(), &NAMES[0].into(), &expensive(agent));
        let line = read_line(1, &line).expect("it can be read");
        desk.owner.fleet.take(&line.expect("it says something"));
    }
    let began = cpu();
    let _taken = desk.polls(1, "Little");
    desk.owner.settle();
    let took = cpu() - began;
    let paid = |at: usize| desk.owner.known[NAMES[at]].cost.reading;
    println!("{took:?} were spent, {:?} charged", paid(1));
    assert!(took > 4 * paid(1), "{took:?}, {:?}", paid(1));
    // An hour of such polls, one each second, is far below what pauses it.
    assert!(3600 * paid(1) < Limits::default().hourly_cpu / 4);
}

#[test]
fn one_that_fails_by_itself_takes_no_other_with_it() {
    let mut desk = started();
    let refuses = "CREATE TEMP TRIGGER no BEFORE INSERT ON facts WHEN NEW.endpoint = 'desk' BEGIN SELECT RAISE(ABORT, 'no'); END";
    let set = desk.store.write(move |tx| Ok(tx.execute_batch(refuses)?));
    set.expect("it is written");
    let mut asked = [desk.polls(0, "First"), desk.polls(1, "Second")];
    desk.owner.settle();
    assert_eq!(asked.each_mut().map(is_kept), [Some(false), Some(true)]);
    let log = desk.log();
    assert!(log.len() == 1 && log[0].contains("Second"), "{log:?}");
}

#[test]
fn what_a_full_disk_kept_from_being_written_is_written_in_its_order() {
    let mut desk = started();
    let allow = |store: &Store, pages: u32| {
        let limit = format!("PRAGMA max_page_count = {pages}");
        let set = store.write(move |tx| Ok(tx.execute_batch(&limit)?));
        set.expect("the limit is set");
    };
    allow(&desk.store, 1);
    let long = "long ".repeat(4000);
    let mut asked = [
        desk.polls(0, &format!("First {long}")),
        desk.polls(1, &format!("Second {long}")),
    ];
    desk.owner.settle();
    // It need not be told again.
    assert_eq!(asked.each_mut().map(is_kept), [Some(true); 2]);
    assert_eq!(desk.log().len(), 0);
    allow(&desk.store, 1 << 30);
    let end = Instant::now() + Duration::from_secs(60);
    while desk.log().len() < 2 {
        assert!(Instant::now() < end, "it never goes on");
        desk.owner.due();
    }
    let log = desk.log();
    assert!(
        log[0].contains("First") && log[1].contains("Second"),
        "{log:?}"
    );
}

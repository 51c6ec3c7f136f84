//! What a hostile agent does to the person's answers, in six groups: exchanges what was approved, dresses its question up,
//! borrows names and addresses, plays with time, sends too much, and asks again. Each row says what the agent sends and when, what must
//! be refused or said, and what the agent really received; each has an app and an agent of its own.
//!
//! Real HTTP, a real store, the window's own commands; no clicks, which are the tests of the window.

#![allow(clippy::expect_used)]

mod again;
mod agent;
mod desk;
mod gesture;
mod identity;
mod load;
#[path = "../scripted/screen.rs"]
#[allow(dead_code)] // Other tests use more of it.
mod screen;
mod swap;
mod time;

use std::{collections::BTreeSet, pin::Pin, sync::Arc, time::Instant};

use tokio::{sync::Semaphore, task::JoinSet};

/// Rows that run at once: they mostly wait for the undo time.
const AT_ONCE: usize = 80;

/// What it attacks, and the attack.
type Row = (String, Pin<Box<dyn Future<Output = ()> + Send>>);

fn row(name: impl Into<String>, attack: impl Future<Output = ()> + Send + 'static) -> Row {
    (name.into(), Box::pin(attack))
}

/// Runs the rows of a group; those that did not hold, with why.
async fn hold(group: &str, least: usize, rows: Vec<Row>, room: &Arc<Semaphore>) -> Vec<String> {
    let began = Instant::now();
    let names: BTreeSet<_> = rows.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), rows.len(), "every row has its own name");
    assert!(names.len() >= least, "{} rows of {group}", names.len());
    let mut running = JoinSet::new();
    for (name, attack) in rows {
        let room = Arc::clone(room);
        let group = group.to_owned();
        running.spawn(async move {
            let _place = room.acquire_owned().await.expect("it is never closed");
            let came = tokio::spawn(attack).await;
            came.err().map(|error| {
                let panic = error.into_panic();
                let said = panic.downcast_ref::<String>().cloned();
                let said =
                    said.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
                format!("{group}: {name}: {}", said.unwrap_or_default())
            })
        });
    }
    let failed = running.join_all().await.into_iter().flatten().collect();
    println!("{group}: {} rows in {:?}", names.len(), began.elapsed());
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_attack_is_refused_or_said_and_the_agent_receives_what_was_decided_alone() {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let failed = tokio::join!(
        hold("swap", 67, swap::rows(), &room),
        hold("gesture", 60, gesture::rows(), &room),
        hold("identity", 38, identity::rows(), &room),
        hold("time", 29, time::rows(), &room),
        hold("load", 17, load::rows(), &room),
        hold("again", 9, again::rows(), &room),
    );
    let failed = [failed.0, failed.1, failed.2, failed.3, failed.4, failed.5].concat();
    assert!(
        failed.is_empty(),
        "{} did not hold:\n{}",
        failed.len(),
        failed.join("\n\n")
    );
}

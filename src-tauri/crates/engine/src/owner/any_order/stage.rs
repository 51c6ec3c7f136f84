//! What a story is told on: a clock, chance and endpoints in the test's own hands, and a real store in a folder in memory.

use std::{
    cell::{Cell, RefCell},
    path::Path,
};

use domain::{
    ids::EndpointId,
    ownership::{Exception, Ownership},
    time::Time,
};
use serde_json::json;
use store::{
    Store,
    tables::{
        endpoints::{self, EndpointRow},
        ownership,
    },
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc, time::Instant};

use super::agent::Chance;
use crate::{
    api::settings,
    connect::Connector,
    cost::Limits,
    lanes::Lanes,
    live::Live,
    owner::{Outside, Parts, kept},
    poll::{Poller, Wishes},
    secrets::Secrets,
};

pub(crate) const NAMES: [&str; 2] = ["desk", "lab"];

thread_local! {
    pub(super) static WALL: Cell<i64> = const { Cell::new(0) };
    pub(super) static CHANCE: RefCell<Chance> = const { RefCell::new(Chance(0)) };
    pub(super) static HELD: RefCell<Vec<(EndpointId, Wishes)>> = const { RefCell::new(vec![]) };
}

pub(super) fn wall() -> Time {
    WALL.with(|wall| Time::from_timestamp_micros(wall.get()).unwrap_or_default())
}

pub(super) fn outside() -> Outside {
    Outside {
        wall,
        chance: || CHANCE.with(|chance| f64::from(chance.borrow_mut().below(100)) / 100.0),
        ask: |row, _, _, _| {
            let (poller, held) = Poller::held();
            HELD.with(|all| all.borrow_mut().push((row.id.clone(), held)));
            poller
        },
        limits: Limits::default(),
    }
}

/// What an owner of such a story works with.
pub(crate) fn parts(store: Store, live: &Live, runtime: &Runtime) -> Parts {
    Parts {
        store,
        live: live.clone(),
        connector: Connector::with_secrets(Secrets::session_only()),
        journal: None,
        events: std::sync::mpsc::channel().0,
        stale: mpsc::unbounded_channel().0,
        runtime: runtime.handle().clone(),
        slots: Instant::now(),
        lanes: Lanes::default(),
        outside: outside(),
    }
}

/// A folder in memory where there is one.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.expect("a folder")
}

pub(super) fn row(endpoint: usize, url: &str, paused: bool) -> EndpointRow {
    EndpointRow {
        id: NAMES[endpoint].into(),
        name: NAMES[endpoint].to_owned(),
        kind: "native".to_owned(),
        url: url.to_owned(),
        credential: "none".to_owned(),
        paused,
        capabilities: vec![],
        warnings: vec![],
        added_at: beginning(),
    }
}

pub(super) fn url(endpoint: usize, port: u8) -> String {
    format!(
        "http://127.0.0.1:{}/status",
        7000 + 10 * endpoint + usize::from(port % 2)
    )
}

pub(crate) fn beginning() -> Time {
    Time::from_timestamp(1_790_000_000, 0).unwrap_or_default()
}

/// What every story begins with: two endpoints, one of which is refused what nobody answers within an hour.
pub(crate) fn template(dir: &Path) -> std::path::PathBuf {
    let dir = dir.join("template");
    let store = Store::open(&dir, beginning()).expect("it opens");
    let rule = |agent: &str, fallback: &str| Exception {
        agents: vec![agent.to_owned()],
        route_to: None,
        sla_hours: Some(1.0),
        priority: None,
        fallback: Some(fallback.to_owned()),
    };
    let rules = Ownership {
        exceptions: vec![rule("desk", "approve"), rule("lab", "refuse")],
        ..Ownership::default()
    };
    store
        .write(move |tx| {
            for endpoint in [0, 1] {
                let row = row(endpoint, &url(endpoint, 0), false);
                endpoints::put(tx, &row)?;
                kept::endpoint(tx, beginning(), None, Some(&row))?;
            }
            ownership::save(tx, beginning(), 0, &rules, "Made for a story.")?;
            let reversible = json!([{ "endpoint": "desk", "action": "calendar.add" }]);
            let request = json!({ "reversible": reversible });
            settings::save(tx, &serde_json::from_value(request)?)
        })
        .expect("it is written");
    dir
}

pub(super) fn copied(template: &Path) -> TempDir {
    let dir = folder();
    for file in std::fs::read_dir(template).expect("a folder") {
        let file = file.expect("a file");
        if file.path().is_file() {
            std::fs::copy(file.path(), dir.path().join(file.file_name())).expect("a copy");
        }
    }
    dir
}

//! A board of 20,000 tasks of two agents in the real window: read page by page with its progress shown, small in the page,
//! and as quick to follow a change as a board of 200. Times are printed and never judged; `cargo xtask bench board` asks for
//! more changes.

use crate::{
    agent::serve,
    desk::{Desk, until},
    flight::add,
    processes::{TICKS, family, ticks},
    story::ask,
};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

const FEW: usize = 200;
const MANY: usize = 20_000;
const PAGE: usize = 500;
const MOST_NODES: u64 = 3_000;
/// Changes when nobody asks for figures.
const USUAL: u64 = 3;

/// The work of the tasks of one agent, and after that one change of one task at every other request: the ones between say
/// "no news".
struct Work {
    agent: &'static str,
    count: usize,
    asked: AtomicU64,
}

impl Work {
    fn answer(&self, path: &str) -> String {
        let cursor = path
            .split_once("cursor=")
            .map(|(_, rest)| rest.split('&').next().unwrap_or_default());
        match cursor.map(|cursor| cursor.split_at(1)) {
            None => self.page(0),
            Some(("p", page)) => self.page(page.parse().expect("our own cursor")),
            Some((_, told)) => self.news(told.parse().expect("our own cursor")),
        }
    }

    fn page(&self, page: usize) -> String {
        let first = page * PAGE;
        let end = self.count.min(first + PAGE);
        let tasks: Vec<Value> = (first..end).map(task).collect();
        let next = if end < self.count {
            format!("p{}", page + 1)
        } else {
            "c0".to_owned()
        };
        self.document(true, &tasks, &next)
    }

    fn news(&self, told: u64) -> String {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked.is_multiple_of(2) {
            return self.document(false, &[], &format!("c{told}"));
        }
        let number = told + 1;
        let mut changed = task(0);
        changed["title"] = json!(format!("Change {number}."));
        self.document(false, &[changed], &format!("c{number}"))
    }

    fn document(&self, snapshot: bool, tasks: &[Value], next: &str) -> String {
        json!({
            "schemaVersion": "1.0",
            "agent": { "id": self.agent, "name": self.agent, "status": "online" },
            "snapshot": snapshot,
            "tasks": tasks,
            "nextCursor": next,
            "pollAfterSeconds": 3600,
        })
        .to_string()
    }
}

fn task(number: usize) -> Value {
    let state = match number % 10 {
        0 => "working",
        1 => "submitted",
        _ => "completed",
    };
    json!({ "id": format!("t{number}"), "title": format!("Row {number}"), "kind": "import", "status": { "state": state } })
}

/// Milliseconds of processor time, of the app and of its window's engine, and on the clock: of one change.
#[derive(Debug)]
struct Cost {
    processor: f64,
    clock: f64,
}

/// In the page: asks the engine to poll and waits until the next change is drawn, so many times.
const FOLLOW: &str = r"
    const shown = () => Number(/Change (\d+)\./.exec(document.querySelector('main').textContent)?.[1] ?? 0);
    const call = (name, payload) => window.__TAURI_INTERNALS__.invoke('call', { name, payload });
    const drawn = () => new Promise((done) => requestAnimationFrame(done));
    window.followed = null;
    (async () => {
        const { endpoints: [{ id: endpoint }] } = await call('agents', {});
        const begun = performance.now();
        const first = shown();
        for (let at = first; at < first + CHANGES; at = shown()) {
            await call('pollNow', { endpoint });
            while (shown() === at) await drawn();
        }
        window.followed = (performance.now() - begun) / (shown() - first);
    })();
    return shown()";

fn follow(desk: &Desk, changes: u64) -> Cost {
    let app = desk.app();
    let used = || -> f64 { family(desk.process()).into_iter().filter_map(ticks).sum() };
    let script = FOLLOW.replace("CHANGES", &changes.to_string());
    let before = used();
    app.run(&script).expect("it begins");
    let clock = until("all changes are drawn", || {
        thread::sleep(Duration::from_millis(500));
        match app.run("return window.followed")? {
            Value::Number(each) => Ok(each.as_f64().unwrap_or_default()),
            _ => Err("not yet".to_owned()),
        }
    });
    Cost {
        processor: (used() - before) / TICKS * 1000.0 / changes as f64,
        clock,
    }
}

/// Opens the app, adds two agents of `count` tasks together and goes to the board when all of them are there.
fn open(desk: &mut Desk, count: usize) {
    let [first, second] = ["importer", "exporter"].map(|agent| {
        let work = Work {
            agent,
            count: count / 2,
            asked: AtomicU64::new(0),
        };
        let port = serve(move |method, heard| {
            (method == "GET" && heard.path.starts_with("/status")).then(|| work.answer(&heard.path))
        });
        format!("http://127.0.0.1:{port}/status")
    });
    desk.open();
    let app = desk.app();
    add(app, &first);
    ask(
        app,
        "addEndpoint",
        &json!({ "name": "exporter", "url": second, "kind": "native" }),
    );
    app.press_start("Board");
    if count > PAGE {
        // Said while it goes on.
        app.wait_for("//*[@role='status'][contains(., 'Still reading long lists')]");
    }
    // A tenth of them runs, the last of those on the last pages.
    let running = if count == MANY { "2,000" } else { "20" };
    app.wait_for(&format!("//h1[starts-with(., '{running} tasks running')]"));
}

#[test]
fn a_change_is_followed_among_20_000_tasks_as_among_200() {
    let changes = std::env::var("MISSION_CONTROL_CHANGES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(USUAL);
    let costs = [FEW, MANY].map(|count| {
        let mut desk = Desk::new("en_US.UTF-8");
        open(&mut desk, count);
        let nodes = desk.app().run("return document.querySelectorAll('*').length");
        let nodes = nodes.ok().and_then(|nodes| nodes.as_u64());
        assert!(nodes < Some(MOST_NODES), "{nodes:?} nodes");
        let cost = follow(&desk, changes);
        println!("{count:>6} tasks: {:.1} ms of processor time and {:.0} ms on the clock for each of {changes} changes; {} nodes", cost.processor, cost.clock, nodes.unwrap_or_default());
        cost
    });
    let [few, many] = &costs;
    println!(
        " ratio: {:.2} of processor time, {:.2} on the clock",
        many.processor / few.processor,
        many.clock / few.clock
    );
}

//! The story of the demo told anew: its agents in another order as far as nothing is upset that one causes for another, with
//! other pauses, polled at other moments, several events in one poll. Real HTTP, a real log, real due times; and what was
//! found live is, to the byte, what a replay of the recording finds.
//!
//! A telling is a seed. The engine runs in this process, as `headless` runs it, so that the seed can say when it asks.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use domain::{change::Change, ownership::text};
use engine::{
    api::Api,
    demo::{
        OWNERSHIP,
        script::{AGENTS, Script},
        serve::serve,
        telling::Telling,
    },
    journal::Happened,
};
use serde_json::{Value, json};
use store::{Store, tables::ownership};
use tokio::{net::TcpListener, sync::mpsc};

use super::{headless::is_long, run};

/// An agent and a second of the story at which something changes for it.
type Beat = (&'static str, i64);

/// Those seconds, per agent.
const BEATS: [(&str, &[i64]); 5] = [
    ("invoice-reader", &[5, 6, 8, 16, 20, 35, 70]),
    ("payment-runner", &[12, 14, 22, 25]),
    (
        "article-editor",
        &[2, 3, 4, 10, 12, 20, 30, 62, 64, 66, 140, 150],
    ),
    ("publisher", &[45, 48, 76, 90, 100]),
    ("digest-writer", &[1, 30, 31, 95]),
];

/// What must come first for the other to be what it is: two invoices worked on at once, a text read, changed, and used.
const CAUSES: [(Beat, Beat); 7] = [
    (("payment-runner", 12), ("invoice-reader", 70)),
    (("article-editor", 20), ("publisher", 45)),
    (("article-editor", 10), ("publisher", 48)),
    (("publisher", 48), ("article-editor", 62)),
    (("article-editor", 62), ("publisher", 76)),
    (("publisher", 45), ("article-editor", 150)),
    (("publisher", 48), ("article-editor", 150)),
];

/// By then the shared limit has run dry.
const END: i64 = 300;

/// What is found in every telling: one line per story.
const FOUND: [(&str, &[&str]); 5] = [
    ("trigger-collision", &["invoice-reader", "payment-runner"]),
    ("stale-read", &["article-editor", "publisher"]),
    ("quota-exhausted", &AGENTS_BY_NAME),
    ("silent-completion", &["digest-writer"]),
    ("schema-violation", &["publisher"]),
];
const AGENTS_BY_NAME: [&str; 5] = [
    "article-editor",
    "digest-writer",
    "invoice-reader",
    "payment-runner",
    "publisher",
];

/// Numbers from a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("small")]
    }
}

/// The beats of all agents in an order that causes allow.
fn shuffled(chance: &mut Chance) -> Vec<Beat> {
    let mut left = BEATS.map(|(agent, beats)| (agent, beats.iter().copied().peekable()));
    let mut told = vec![];
    loop {
        let ready: Vec<_> = (0..left.len())
            .filter(|at| {
                let (agent, beats) = &left[*at];
                let Some(second) = beats.clone().next() else {
                    return false;
                };
                CAUSES
                    .iter()
                    .all(|(cause, then)| *then != (*agent, second) || told.contains(cause))
            })
            .collect();
        if ready.is_empty() {
            return told;
        }
        let (agent, beats) = &mut left[chance.one_of(&ready)];
        told.push((*agent, beats.next().expect("it is ready")));
    }
}

/// Marks for that order, with pauses of the seed around `pause` each; and how long it all takes.
fn paused(
    order: &[Beat],
    pause: Duration,
    chance: &mut Chance,
) -> (BTreeMap<String, Vec<(i64, TimeDelta)>>, TimeDelta) {
    let begin = AGENTS.map(|agent| (agent.to_owned(), vec![(0, TimeDelta::zero())]));
    let mut marks = BTreeMap::from(begin);
    let mut passed = TimeDelta::zero();
    for (agent, second) in order {
        let hundredths = chance.one_of(&[1, 1, 5, 50, 100, 400]);
        passed += TimeDelta::from_std(pause * hundredths / 100).expect("short");
        let marks = marks.get_mut(*agent).expect("one of the agents");
        marks.push((*second, passed));
    }
    passed += TimeDelta::from_std(pause * 2).expect("short");
    for marks in marks.values_mut() {
        marks.push((END, passed));
    }
    (marks, passed)
}

/// How long a telling of what is over takes here.
const TELLING: TimeDelta = TimeDelta::milliseconds(2500);

/// A telling that begins now, and how long it takes here.
fn telling(seed: u64) -> (Telling, Duration) {
    let mut chance = Chance(seed);
    let order = shuffled(&mut chance);
    assert_eq!(
        order.len(),
        BEATS.iter().map(|(_, beats)| beats.len()).sum::<usize>(),
        "every beat is told"
    );
    if seed.is_multiple_of(2) {
        // Squeezed: it happens while it is watched, and what is due becomes due then.
        let (marks, passed) = paused(&order, Duration::from_millis(70), &mut chance);
        let takes = passed.to_std().expect("positive");
        (Telling::anew(Utc::now(), marks), takes)
    } else {
        // Late: it happened in minutes, before, and is reported in seconds.
        let (marks, passed) = paused(&order, Duration::from_secs(8), &mut chance);
        let speed = passed.num_milliseconds() / TELLING.num_milliseconds() + 1;
        let now = Utc::now();
        let told = Telling::anew(now - passed, marks);
        let told = told.played(now, i32::try_from(speed).expect("small"));
        (told, TELLING.to_std().expect("positive"))
    }
}

/// A folder with the rules of the demo, in a few of which answers are due at once.
fn prepare(dir: &Path) {
    let store = Store::open(dir, Utc::now()).expect("it opens");
    let rules = OWNERSHIP.replace("sla_hours = 24", "sla_hours = 0.0005");
    let rules = text::read(&rules).expect("rules");
    store
        .write(move |tx| ownership::save(tx, Utc::now(), 0, &rules, "The demo's rules."))
        .expect("saved");
}

/// The folder is free a moment after the engine before has ended.
async fn open(dir: &Path, listener: &mpsc::UnboundedSender<Happened>) -> Api {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match Api::open_told(dir, listener.clone()) {
            Ok(api) => return api,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    let answer = api.call(command, payload).await;
    answer.unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Whether all agents have answered.
async fn are_heard(api: &Api) -> bool {
    let agents = ask(api, "agents", json!({})).await;
    let endpoints = agents["endpoints"].as_array().expect("endpoints");
    let online = endpoints.iter().filter(|each| each["health"] == "online");
    online.count() == AGENTS.len()
}

/// Watches one telling; all findings in order.
async fn watched(seed: u64, dir: &Path) -> Vec<Value> {
    prepare(dir);
    let mut chance = Chance(!seed);
    let (listener, mut heard) = mpsc::unbounded_channel();
    let mut api = open(dir, &listener).await;
    let rules =
        json!({ "stallAfterSeconds": 1, "handoffDueSeconds": 1, "acknowledgeDueSeconds": 2 });
    let mut settings = ask(&api, "settings", json!({})).await["rules"].clone();
    for (name, value) in rules.as_object().expect("an object") {
        settings[name] = value.clone();
    }
    ask(&api, "saveSettings", json!({ "rules": settings })).await;
    let server = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = server.local_addr().expect("an address").port();
    // They stand at the beginning until each was heard: what is found names those who were heard by then.
    let later = Utc::now() + TimeDelta::hours(1);
    let script = Script::told(telling(seed).0.played(later, 1));
    let script = Arc::new(Mutex::new(script));
    let fleet = tokio::spawn(serve(server, Arc::clone(&script)));
    for agent in AGENTS {
        let url = format!("http://127.0.0.1:{port}/{agent}/status");
        let add =
            json!({ "name": agent, "url": url, "kind": "native", "token": null, "basic": null });
        ask(&api, "addEndpoint", add).await;
    }
    let end = Instant::now() + Duration::from_secs(60);
    while !are_heard(&api).await {
        assert!(Instant::now() < end, "telling {seed}: not all are heard");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let began = Instant::now();
    let (telling, playing) = telling(seed);
    *script.lock().expect("the script") = Script::told(telling);
    // Once in the middle the person settles what there is, and the engine is started again.
    let mut restarts = usize::from(seed % 4 < 2);
    let mut dismissals = usize::from(seed.is_multiple_of(3));
    let mut live = vec![];
    while began.elapsed() < playing {
        let pause = chance.one_of(&[0, 3, 20, 80, 250, 600]);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let agent = chance.one_of(&AGENTS);
        ask(&api, "pollNow", json!({ "endpoint": agent })).await;
        let keys = gather(&mut heard, &mut live);
        if began.elapsed() * 2 < playing {
            continue;
        }
        if let (1, Some(key)) = (dismissals, keys.first()) {
            dismissals = 0;
            let act = json!({ "key": key, "resolution": "dismiss", "agent": null, "until": null, "reason": null });
            ask(&api, "actOnFinding", act).await;
        }
        if std::mem::take(&mut restarts) == 1 {
            api.end();
            drop(api);
            api = open(dir, &listener).await;
        }
    }
    // The last of it: everything that is known by now, as soon as this machine comes to it, and what is due within a moment.
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        for agent in AGENTS {
            ask(&api, "pollNow", json!({ "endpoint": agent })).await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        gather(&mut heard, &mut live);
        if missing(&live).is_empty() || Instant::now() > end {
            break;
        }
    }
    api.end();
    drop((api, listener));
    while let Some(happened) = heard.recv().await {
        note(&happened, &mut live);
    }
    fleet.abort();
    live
}

fn gather(heard: &mut mpsc::UnboundedReceiver<Happened>, live: &mut Vec<Value>) -> Vec<String> {
    let mut keys = vec![];
    while let Ok(happened) = heard.try_recv() {
        keys.extend(note(&happened, live));
    }
    keys
}

/// Adds the findings of a fact; the keys of the open ones.
fn note(happened: &Happened, live: &mut Vec<Value>) -> Vec<String> {
    let Happened::Fact { changes, .. } = happened else {
        return vec![];
    };
    let mut keys = vec![];
    for change in changes {
        if let Change::Finding(finding) = change {
            let value = serde_json::to_value(finding.as_ref()).expect("JSON");
            if value["state"] == "open" {
                keys.push(format!("f:{}", finding.episode));
            }
            live.push(value);
        }
    }
    keys
}

/// What is found in every telling, and was not.
fn missing(live: &[Value]) -> Vec<(&str, &[&str])> {
    let found = |rule: &str, agents: &[&str]| {
        live.iter().any(|finding| {
            finding["rule"] == rule
                && finding["agents"] == json!(agents)
                && finding["state"] == "open"
        })
    };
    let missing = FOUND.into_iter();
    missing
        .filter(|(rule, agents)| !found(rule, agents))
        .collect()
}

async fn check(seed: u64) {
    let dir = tempfile::tempdir().expect("a folder");
    let live = watched(seed, dir.path()).await;
    let path = dir.path().to_str().expect("UTF-8").to_owned();
    let replay = move || {
        let recording = Path::new(&path).join("recording.jsonl");
        let said = run(&["record", "--data", &path]);
        assert_eq!(said.code, 0, "{said:?}");
        std::fs::write(&recording, said.out).expect("written");
        run(&["replay", recording.to_str().expect("UTF-8"), "--json"]).json()
    };
    let replayed = tokio::task::spawn_blocking(replay).await.expect("it ends");
    for (at, (live, replayed)) in live.iter().zip(&replayed).enumerate() {
        assert_eq!(live, replayed, "telling {seed}, finding {at}");
    }
    assert_eq!(live.len(), replayed.len(), "telling {seed}");
    let names = |finding: &Value| format!("{} {}", finding["rule"], finding["agents"]);
    let all: Vec<_> = live.iter().map(names).collect();
    let missing = missing(&live);
    assert!(
        missing.is_empty(),
        "telling {seed}: no {missing:?} in {all:#?}"
    );
}

#[test]
fn a_story_told_in_another_order_and_at_another_pace_is_found_live_as_in_the_replay_of_its_recording()
 {
    // So many at once as leave the machine able to keep its due times.
    let (seeds, at_once) = if is_long() { (200, 8) } else { (8, 8) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let seeds: Vec<u64> = (0..seeds).collect();
        for some in seeds.chunks(at_once) {
            let checks: Vec<_> = some.iter().map(|seed| tokio::spawn(check(*seed))).collect();
            for check in checks {
                check
                    .await
                    .expect("what was found live is what the replay finds");
            }
        }
    });
}

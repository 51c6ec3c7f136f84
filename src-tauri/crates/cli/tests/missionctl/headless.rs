//! The engine without a window, as a real process: what it finds live is what a replay of its own recording finds, and a
//! decision has its effect exactly once, however often the engine is killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use chrono::Utc;
use domain::{
    decision::{
        Answer, Circumstances, DecidedBy, DeliveryState, Outcome, binding_of, decide, digest,
    },
    ownership::text,
};
use serde_json::{Value, json};
use store::{
    Store,
    tables::{decisions, escalations, ownership},
};

use super::{
    Running, check_unusable, demo, program, run,
    server::{Asked, Reply, Server},
};

/// How long something may take that should take a moment.
const LONG: Duration = Duration::from_secs(60);

/// Long variants are for `cargo xtask test --long`.
pub(super) fn is_long() -> bool {
    std::env::var_os("MISSION_CONTROL_LONG").is_some()
}

/// `headless` on a folder, with what it prints.
pub(super) struct Headless {
    running: Running,
    out: BufReader<ChildStdout>,
}

impl Headless {
    pub(super) fn start(folder: &Path, endpoints: &[(String, String)]) -> Self {
        Self::start_as(program(), folder, endpoints)
    }

    /// With more in its environment.
    pub(super) fn start_as(
        mut command: Command,
        folder: &Path,
        endpoints: &[(String, String)],
    ) -> Self {
        command
            .arg("headless")
            .arg("--json")
            .arg("--data")
            .arg(folder);
        for (name, url) in endpoints {
            command.arg("--endpoint").arg(format!("{name}={url}"));
        }
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Self {
            running: Running { child },
            out,
        }
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.running.child
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("UTF-8");
        (!line.is_empty()).then(|| serde_json::from_str(&line).expect("JSON"))
    }

    /// Asks it to end and gives what it printed meanwhile.
    fn end(mut self) -> Vec<Value> {
        let id = self.child().id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("it is told").success());
        let mut events = vec![];
        while let Some(event) = self.next() {
            events.push(event);
        }
        assert_eq!(self.child().wait().expect("it ends").code(), Some(0));
        let last = events.last().map(|event| event["event"].clone());
        assert_eq!(last, Some(json!("ended")), "it says so");
        events
    }
}

fn folder() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().to_str().expect("UTF-8").to_owned();
    (dir, path)
}

#[cfg(unix)]
#[test]
fn what_is_found_live_is_what_a_replay_of_the_recording_finds() {
    let (dir, path) = folder();
    let store = Store::open(dir.path(), Utc::now()).expect("it opens");
    let rules = text::read(engine::demo::OWNERSHIP).expect("rules");
    store
        .write(move |tx| ownership::save(tx, Utc::now(), 0, &rules, "The demo's rules."))
        .expect("saved");
    drop(store);
    // The whole story in a part of its time: the fleet runs several times, at several places of the story.
    let (each, starts) = if is_long() {
        (Duration::from_secs(60), [0, 45, 90, 135])
    } else {
        (Duration::from_secs(12), [10, 55, 95, 150])
    };
    let fleets = starts.map(|from| (from, demo(from)));
    let endpoints: Vec<_> = fleets
        .iter()
        .flat_map(|(from, (_, agents))| {
            agents
                .iter()
                .map(move |(agent, url)| (format!("{agent}-{from}"), url.clone()))
        })
        .collect();
    let mut events = vec![];
    // The second start finds the endpoints, and the state of all rules, in what the first one left.
    for wanted in [&endpoints[..], &[]] {
        let headless = Headless::start(dir.path(), wanted);
        std::thread::sleep(each);
        let said = run(&["record", "--data", &path]);
        assert_eq!(said.code, 0, "reading beside it: {said:?}");
        check_unusable(&run(&["headless", "--data", &path]), "already running");
        events.extend(headless.end());
    }
    let live: Vec<_> = events
        .into_iter()
        .filter(|event| event["event"] == "finding")
        .map(|mut event| {
            event.as_object_mut().expect("an object").remove("event");
            event
        })
        .collect();
    let recording = dir.path().join("recording.jsonl");
    std::fs::write(&recording, run(&["record", "--data", &path]).out).expect("written");
    let recording = recording.to_str().expect("UTF-8");
    let replayed = run(&["replay", recording, "--json"]).json();
    let rules: BTreeSet<_> = replayed
        .iter()
        .map(|finding| finding["rule"].to_string())
        .collect();
    assert!(rules.len() >= 4, "the story has trouble in it: {rules:?}");
    assert_eq!(live.len(), replayed.len());
    for (live, replayed) in live.iter().zip(&replayed) {
        assert_eq!(live, replayed);
    }
    assert_eq!(run(&["audit", "verify", "--data", &path]).code, 0);
}

/// Whether it can be read at all is seen from within (`engine::process`): root can always.
#[cfg(target_os = "linux")]
#[test]
fn the_running_engine_leaves_no_core_dump() {
    let (dir, _path) = folder();
    let mut headless = Headless::start(dir.path(), &[]);
    assert_eq!(headless.next().expect("it starts")["event"], "started");
    let limits = format!("/proc/{}/limits", headless.child().id());
    let limits = std::fs::read_to_string(limits).expect("it runs");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<_> = core.expect("a line").split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{limits}");
}

#[test]
fn an_endpoint_that_cannot_be_added_is_unusable() {
    let (_dir, path) = folder();
    let said = run(&[
        "headless",
        "--data",
        &path,
        "--endpoint",
        "x=http://127.0.0.1:9/s",
    ]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.complaint.contains("x: "), "{said:?}");
    check_unusable(&run(&["headless", "--endpoint", "x"]), "NAME=URL");
}

/// An agent that asks many questions and takes an answer once per key, as the contract promises. Now and then it is
/// slow, hangs up before or after it took the answer, or says that it cannot.
#[derive(Default)]
struct Asker {
    /// Questions by number: the keys that had an effect, in order.
    effects: BTreeMap<usize, Vec<String>>,
    /// Every key with the bytes it came with.
    bodies: BTreeMap<String, BTreeSet<String>>,
    posts: usize,
}

const ACTION: &str = r#"{"name":"files.delete","args":{"path":"/tmp/x"}}"#;

fn question(number: usize, is_settled: bool) -> String {
    let status = if is_settled { "resolved" } else { "pending" };
    format!(
        r#"{{"id":"q{number}","version":"1","kind":"approval","title":"Delete {number}","message":"May I?","proposedAction":{ACTION},"createdAt":"2026-11-01T09:00:00Z","status":"{status}"}}"#
    )
}

impl Asker {
    fn status(&self, questions: usize) -> String {
        let all: Vec<_> = (0..questions)
            .map(|number| question(number, self.effects.contains_key(&number)))
            .collect();
        format!(
            r#"{{"schemaVersion":"1.0","agent":{{"id":"asker","name":"Asker","status":"online"}},"escalations":[{}],"pollAfterSeconds":1}}"#,
            all.join(",")
        )
    }

    /// What is answered, and after how long; `None` hangs up.
    fn decide(&mut self, asked: &Asked) -> (Duration, Option<Reply>) {
        self.posts += 1;
        let mood = chance(self.posts as u64);
        let pause = Duration::from_millis(mood % 40);
        if mood.is_multiple_of(7) {
            return (pause, None);
        }
        if mood.is_multiple_of(11) {
            return (pause, Some(("503 Service Unavailable", vec![])));
        }
        let number = asked
            .path
            .split('/')
            .nth(3)
            .and_then(|id| id.strip_prefix('q'));
        let number: usize = number.and_then(|n| n.parse().ok()).expect("a question");
        let key = asked.header("idempotency-key").expect("a key").to_owned();
        self.bodies
            .entry(key.clone())
            .or_default()
            .insert(asked.body.clone());
        let effects = self.effects.entry(number).or_default();
        let reply: Vec<u8> = match effects.contains(&key) {
            // Seen before: the same answer, no second effect.
            true => br#"{"applied":true}"#.to_vec(),
            false => {
                effects.push(key);
                br#"{"applied":true}"#.to_vec()
            }
        };
        // Taken, but nobody learns of it.
        let is_lost = mood.is_multiple_of(5);
        (pause, (!is_lost).then_some(("200 OK", reply)))
    }
}

/// A number that looks like chance; the clock sets it off, so that no two runs are alike.
pub(super) fn chance(seed: u64) -> u64 {
    let clock = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    let bytes = digest(&format!("{seed} {}", clock.as_nanos()));
    u64::from_str_radix(&bytes[7..21], 16).expect("hex")
}

/// Decides a question as the window would, with nobody there to deliver it.
pub(super) fn approve(folder: &Path, endpoint: &str, escalation: &str) -> String {
    let store = Store::open(folder, Utc::now()).expect("it opens");
    let record = store
        .read(|reader| escalations::get(reader, &endpoint.into(), &escalation.into()))
        .expect("it is read")
        .expect("it is known");
    let answer = Answer {
        version: &record.value.version,
        binding_hash: &binding_of(&record),
        outcome: Outcome::Approve,
        option_id: None,
        edited_action: None,
        payload: None,
        message: None,
        shown_ms: 60_000,
        reached_end: true,
        overtaken_by: None,
        decided_by: DecidedBy::Person,
    };
    let key = uuid::Uuid::now_v7().to_string();
    let decision = decide(
        &record,
        &answer,
        &Circumstances::default(),
        key.as_str().into(),
        Utc::now(),
    )
    .expect("it is decided");
    let recorded = store.write(move |tx| decisions::record(tx, Utc::now(), &decision, binding_of));
    assert_eq!(recorded.expect("it is written"), decisions::Recorded::Yes);
    key
}

pub(super) fn outbox(folder: &Path) -> Vec<domain::decision::Decision> {
    let mut look = store::Look::open(folder).expect("it is there");
    look.read(decisions::outbox).expect("it is read")
}

#[test]
fn a_decision_has_its_effect_once_however_often_the_engine_is_killed() {
    let kills = if is_long() { 100 } else { 10 };
    let (dir, path) = folder();
    let asker = Arc::new(Mutex::new(Asker::default()));
    let server = Server::start({
        let asker = Arc::clone(&asker);
        move |asked| {
            let locked = || asker.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.method == "GET" {
                return Some(("200 OK", locked().status(kills).into_bytes()));
            }
            let (pause, reply) = locked().decide(asked);
            std::thread::sleep(pause);
            reply
        }
    });
    // Until all questions are known.
    let endpoint = [("asker".to_owned(), server.status_url())];
    let mut headless = Headless::start(dir.path(), &endpoint);
    let mut known = 0;
    while known < kills {
        let event = headless.next().expect("it goes on");
        known += usize::from(event["event"] == "escalation");
    }
    drop(headless);
    let mut keys = vec![];
    for number in 0..kills {
        keys.push(approve(dir.path(), "asker", &format!("q{number}")));
        let mut headless = Headless::start(dir.path(), &[]);
        // It runs when it says so; from then on any moment will do.
        assert_eq!(headless.next().expect("it starts")["event"], "started");
        std::thread::sleep(Duration::from_micros(chance(number as u64) % 120_000));
        headless.child().kill().expect("it is killed");
    }
    let mut headless = Headless::start(dir.path(), &[]);
    let begun = Instant::now();
    while !outbox(dir.path()).is_empty() {
        // The server's moods can make one of them wait through several of the doubled pauses between tries.
        assert!(begun.elapsed() < 4 * LONG, "{:?}", outbox(dir.path()));
        std::thread::sleep(Duration::from_millis(50));
    }
    headless.child().kill().expect("it is killed");
    drop(headless);

    let asker = asker.lock().unwrap_or_else(PoisonError::into_inner);
    for (number, key) in keys.iter().enumerate() {
        let effects = asker.effects.get(&number);
        assert_eq!(effects, Some(&vec![key.clone()]), "question {number}");
        assert_eq!(asker.bodies[key].len(), 1, "the same bytes each time");
    }
    assert_eq!(asker.effects.len(), kills);
    let store = Store::open(dir.path(), Utc::now()).expect("it opens");
    for key in &keys {
        let decision = store
            .read(|reader| decisions::get(reader, &key.as_str().into()))
            .expect("it is read")
            .expect("it is kept");
        let state = decision.delivery.state;
        assert!(
            matches!(state, DeliveryState::Applied),
            "{state:?}: {:?}",
            decision.delivery
        );
    }
    drop(store);
    assert_eq!(run(&["audit", "verify", "--data", &path]).code, 0);
}

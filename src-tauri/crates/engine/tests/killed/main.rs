//! Between a click and its confirmation the app is killed, at every point that has a name: SIGKILL of a real process,
//! which has the real engine and talks to a real agent over HTTP. Afterwards there is one effect under one key, whatever
//! the point was.

#![cfg(all(unix, debug_assertions))] // Builds for users have no such points.
#![allow(clippy::expect_used)]

mod agent;

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use agent::{Agent, Mood};
use engine::api::Api;
use serde_json::{Value, json};
use store::{
    Store,
    tables::{
        audit::{self, Verdict},
        decisions,
    },
};

/// How long something may take that should take a moment.
const LONG: Duration = Duration::from_secs(120);
/// Says to a process that it is the app, and which folder it has.
const FOLDER: &str = "KILLED_FOLDER";
const BREAKPOINT: &str = "MISSION_CONTROL_BREAKPOINT";
/// Before each line that is for the parent: the test harness prints lines of its own.
const MARK: &str = "> ";

/// Where the app is stopped.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the app, before the decision stands.
    Before(&'static str),
    /// In the app, after it.
    After(&'static str),
    /// In the app, when a later poll shows the effect.
    Confirming(&'static str),
    /// Wherever it is while the agent has the request.
    AtTheAgent(Mood),
}

const PLACES: [Place; 19] = [
    Place::Before("decision-asked"),
    Place::Before("decision-unwritten"),
    Place::Before("decision-row"),
    Place::Before("decision-audited"),
    Place::After("committed"),
    Place::After("head-written"),
    Place::After("reply-unsent"),
    Place::After("reply-sent"),
    Place::After("undo-over"),
    Place::After("released"),
    Place::After("marked-as-sending"),
    Place::After("request-unsent"),
    Place::AtTheAgent(Mood::StopsBeforeTheEffect),
    Place::AtTheAgent(Mood::StopsAfterTheEffect),
    Place::After("answer-received"),
    Place::After("answer-heard"),
    Place::After("answer-stored"),
    Place::Confirming("confirmation-heard"),
    Place::Confirming("confirmation-stored"),
];

/// The app in a process of its own, asked line by line.
struct App {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    breakpoint: PathBuf,
}

impl App {
    fn start(folder: &Path) -> Self {
        let breakpoint = folder.with_extension("breakpoint");
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "the_app_that_is_killed", "--nocapture"])
            .env(FOLDER, folder)
            .env(BREAKPOINT, &breakpoint)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            asks: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
            breakpoint,
        }
    }

    fn send(&mut self, command: &str, payload: &Value) {
        let line = json!({ "command": command, "payload": payload });
        writeln!(self.asks, "{line}").expect("it listens");
    }

    /// The answer, or code and message of the refusal.
    fn answer(&mut self) -> Result<Value, (String, String)> {
        loop {
            let mut line = String::new();
            let read = self.answers.read_line(&mut line).expect("UTF-8");
            assert!(read > 0, "the app has ended by itself");
            let Some((_, said)) = line.trim_end().split_once(MARK) else {
                continue;
            };
            let mut said: Value = serde_json::from_str(said).expect("JSON");
            if said["code"].is_null() {
                return Ok(said["answer"].take());
            }
            let word = |name: &str| said[name].as_str().expect("words").to_owned();
            return Err((word("code"), word("message")));
        }
    }

    fn call(&mut self, command: &str, payload: &Value) -> Result<Value, (String, String)> {
        self.send(command, payload);
        self.answer()
    }

    /// Asks for a question until it is as it should be.
    fn until(&mut self, question: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let asked = json!({ "endpoint": "asker", "escalation": question });
            let shown = self.call("escalation", &asked);
            if let Ok(shown) = &shown
                && is_so(shown)
            {
                return shown.clone();
            }
            assert!(begun.elapsed() < LONG, "{question}: {shown:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// From now on, the point of this name is where it stops.
    fn stops_at(&self, point: &str) {
        // The name stands there whole, or not at all.
        let fresh = self.breakpoint.with_extension("new");
        fs::write(&fresh, point).expect("written");
        fs::rename(fresh, &self.breakpoint).expect("renamed");
    }

    /// The point was reached: nothing beyond it was done.
    fn has_stopped(&self) -> bool {
        !self.breakpoint.exists()
    }

    fn kill(mut self) {
        self.child.kill().expect("it is killed");
        let status = self.child.wait().expect("it is dead");
        assert_eq!(status.signal(), Some(9), "it did not end by itself");
    }

    /// In order, and nobody has the folder any more.
    fn end(self) {
        let Self {
            mut child, asks, ..
        } = self;
        drop(asks);
        assert!(child.wait().expect("it ends").success());
    }
}

/// What the processes of the test below run. Alone it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_that_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let api = Api::open(Path::new(&folder), None, Box::new(|_| Ok(()))).expect("the folder opens");
    loop {
        let mut line = String::new();
        let read = tokio::task::block_in_place(|| std::io::stdin().read_line(&mut line));
        if read.expect("UTF-8") == 0 {
            break;
        }
        let mut asked: Value = serde_json::from_str(&line).expect("JSON");
        let command = asked["command"].as_str().expect("a command").to_owned();
        let said = match api.call(&command, asked["payload"].take()).await {
            Ok(answer) => json!({ "answer": answer }),
            Err(error) => json!({ "code": error.code, "message": error.message }),
        };
        println!("{MARK}{said}");
    }
    api.end();
}

fn yes(question: &Value) -> Value {
    json!({
        "endpoint": question["endpoint"], "escalation": question["escalation"], "version": question["version"],
        "bindingHash": question["bindingHash"], "outcome": "approve", "optionId": null, "editedAction": null,
        "payload": null, "message": null, "shownMs": 60_000, "reachedEnd": true,
    })
}

/// One question is approved and the app killed at this place; started again, it brings what was decided to its end.
fn kill_once(mut app: App, folder: &Path, agent: &Agent, place: Place, turn: usize) -> App {
    let mood = match place {
        Place::AtTheAgent(mood) => mood,
        Place::Confirming(_) => Mood::Takes,
        _ if turn.is_multiple_of(2) => Mood::Applies,
        _ => Mood::Takes,
    };
    let id = agent.asks(mood);
    let shown = app.until(&id, |question| question["decision"].is_null());
    let click = yes(&shown);
    if let Place::Before(point) | Place::After(point) | Place::Confirming(point) = place {
        app.stops_at(point);
    }
    app.send("decide", &click);
    let begun = Instant::now();
    while !match place {
        Place::AtTheAgent(_) => agent.has_stopped(),
        _ => app.has_stopped(),
    } {
        assert!(begun.elapsed() < LONG, "{place:?} is never reached");
        thread::sleep(Duration::from_millis(2));
    }
    app.kill();

    let mut app = App::start(folder);
    let shown = app.until(&id, |_| true);
    if let Place::Before(_) = place {
        assert!(shown["decision"].is_null(), "{place:?}: half a decision");
        assert!(agent.record(&id).requests.is_empty(), "{place:?}");
        let decided = app.call("decide", &click);
        assert!(decided.is_ok(), "{place:?}: it still waits: {decided:?}");
    } else {
        let (code, message) = app.call("decide", &click).expect_err("it is decided");
        assert_eq!(code, "settled", "{place:?}: {message}");
        let told = "This question is already settled: you approved it ";
        assert!(message.starts_with(told), "{place:?}: {message}");
    }
    let done = app.until(&id, |question| {
        let state = &question["decision"]["state"];
        let waits = ["held", "queued", "sending", "sent"];
        !state.as_str().is_none_or(|state| waits.contains(&state))
    });
    assert_eq!(done["decision"]["state"], "applied", "{place:?}: {done:#}");
    let key = done["decision"]["id"].as_str().expect("a key");
    let record = agent.record(&id);
    assert_eq!(record.effects, [key], "{place:?}: one effect");
    let requests: BTreeSet<_> = record.requests.iter().collect();
    assert_eq!(requests.len(), 1, "{place:?}: one key, the same bytes");
    app
}

/// What the folder says at the end: one decision for each question, and a whole record of each.
fn check_folder(folder: &Path, place: Place, turns: usize) {
    let store = Store::open(folder, chrono::Utc::now()).expect("it opens");
    let decided = store.read(|reader| decisions::latest(reader, u32::MAX));
    let decided = decided.expect("it is read");
    assert_eq!(decided.len(), turns, "{place:?}");
    let verdict = store.read(|reader| audit::verify(reader, &store.audit_head()));
    let verdict = verdict.expect("it is read");
    assert!(
        matches!(verdict, Verdict::Whole(_)),
        "{place:?}: {verdict:?}"
    );
    for decision in decided {
        let subject = format!("{}/{}", decision.endpoint, decision.escalation);
        let entries = store.read(|reader| audit::of_subject(reader, &subject));
        let entries = entries.expect("it is read");
        let count = |is_it: &dyn Fn(&audit::Entry) -> bool| {
            entries.iter().filter(|entry| is_it(entry)).count()
        };
        let state = |word: &str| {
            let state = format!("\"state\":\"{word}\"");
            count(&|entry| entry.kind == "delivery" && entry.detail.contains(&state))
        };
        assert_eq!(count(&|entry| entry.kind == "decided"), 1, "{place:?}");
        assert_eq!(state("applied"), 1, "{place:?}: {entries:#?}");
        assert!(state("sending") >= 1, "{place:?}: {entries:#?}");
    }
}

#[test]
fn a_click_has_one_effect_wherever_the_app_is_killed_before_it_is_confirmed() {
    let turns = if env::var_os("MISSION_CONTROL_LONG").is_some() {
        50
    } else {
        10
    };
    let next = AtomicUsize::new(0);
    // Most of the time each of them waits.
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                while let Some(place) = PLACES.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let dir = tempfile::tempdir().expect("a folder");
                    let folder = dir.path().join("app");
                    let agent = Agent::start();
                    let mut app = App::start(&folder);
                    let add = json!({ "name": "asker", "url": agent.url, "kind": "native", "token": null, "basic": null });
                    app.call("addEndpoint", &add).expect("it is added");
                    for turn in 0..turns {
                        app = kill_once(app, &folder, &agent, *place, turn);
                    }
                    app.end();
                    check_folder(&folder, *place, turns);
                }
            });
        }
    });
}

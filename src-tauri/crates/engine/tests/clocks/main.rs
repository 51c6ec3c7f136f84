//! A clock that jumps under the running engine: the computer sleeps, or its clock is set forwards and back. The engine is a
//! process of its own under libfaketime, asked as the window asks it, with a real agent whose questions have deadlines.
//! Nothing is accepted or sent after its deadline, nothing expires before it, and what has expired stays so.
//!
//! To a process a sleep is a jump forwards of the wall clock alone, so both are made in the same way.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used)]

#[path = "../scripted/http.rs"]
mod http;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use engine::api::Api;
use serde_json::{Value, json};
use store::{Store, tables::settings};

/// Names the data folder; with it, this program is the engine.
const ENGINE: &str = "MISSION_CONTROL_TEST_CLOCK";
/// What the engine answers stands in lines that begin so, among those of the test's own frame.
const ANSWER: &str = "answer ";
const PROCESSES: u64 = 4;
const JUMPS: u64 = 50;

/// What the engine is started with: libfaketime, and before it what lets it and the allocator start. Compiled once.
static PRELOADED: LazyLock<OsString> = LazyLock::new(|| {
    let first = Path::new(env!("CARGO_TARGET_TMPDIR")).join("first.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&first)
        .arg("tests/clocks/first.c")
        .status();
    assert!(built.expect("a C compiler, as for SQLite").success());
    [first.as_os_str(), faketime().as_os_str()].join(":".as_ref())
});

/// Where distributions keep the library.
fn faketime() -> PathBuf {
    let folders = [
        "/usr/lib/x86_64-linux-gnu/faketime",
        "/usr/lib/aarch64-linux-gnu/faketime",
        "/usr/lib64/faketime",
        "/usr/lib/faketime",
    ];
    let found = folders
        .iter()
        .map(|folder| Path::new(folder).join("libfaketimeMT.so.1"))
        .find(|path| path.exists());
    found.expect("the package faketime is installed; `cargo xtask test` brings it")
}

/// Numbers that look like chance, the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        // Knuth's MMIX generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// One minute to 72 hours, as many short ones as long ones.
    fn stretch(&mut self) -> i64 {
        let top = [120, 3_600, 86_400, 259_200][self.below(4) as usize];
        60 + self.below(top - 60 + 1) as i64
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the agent asks, the clock that it and the engine go by, and what was brought to it.
#[derive(Default)]
struct Agent {
    offset: Mutex<TimeDelta>,
    deadlines: Mutex<BTreeMap<String, DateTime<Utc>>>,
    brought: Mutex<Vec<(String, DateTime<Utc>)>>,
}

impl Agent {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + *lock(&self.offset)
    }

    fn document(&self) -> Value {
        let time = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let deadlines = lock(&self.deadlines);
        let questions = deadlines.iter().map(|(id, until)| {
            json!({ "id": id, "version": "1", "taskId": "t", "kind": "approval", "title": id, "message": "May I?",
                "createdAt": time(&(*until - TimeDelta::days(4))), "expiresAt": time(until), "status": "pending",
                "proposedAction": { "name": "mail.read", "args": {} } })
        });
        json!({
            "schemaVersion": "1.0", "agent": { "id": "clerk", "name": "Clerk", "status": "online" },
            "tasks": [{ "id": "t", "title": "Ask", "status": { "state": "working" } }],
            "escalations": questions.collect::<Vec<_>>(),
        })
    }

    /// Serves on a free port.
    async fn serve(self: Arc<Self>) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let agent = Arc::clone(&self);
                tokio::spawn(async move {
                    let Ok(Some((path, posted))) = http::asked(&mut stream).await else {
                        return;
                    };
                    let body = match posted {
                        Some(_) => {
                            let id = path.split('/').nth(2).unwrap_or_default().to_owned();
                            lock(&agent.brought).push((id, agent.now()));
                            json!({ "applied": true })
                        }
                        None => agent.document(),
                    };
                    // The client hangs up when it likes.
                    drop(http::answer(&mut stream, "200 OK", &body).await);
                });
            }
        });
        port
    }
}

/// The engine in a process with a clock of its own.
struct Engine {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    clock: PathBuf,
}

impl Engine {
    fn start(data: &Path, clock: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "the_engine_itself",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ENGINE, data)
            .env("LD_PRELOAD", &*PRELOADED)
            .env("FAKETIME_TIMESTAMP_FILE", clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        Self {
            input: child.stdin.take().expect("a pipe"),
            output: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
            clock: clock.to_owned(),
        }
    }

    fn call(&mut self, command: &str, payload: Value) -> Result<Value, (String, String)> {
        writeln!(self.input, "{}", json!([command, payload])).expect("it listens");
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("UTF-8");
            assert!(read > 0, "the engine ended at {command}");
            let Some((_, answer)) = line.split_once(ANSWER) else {
                continue;
            };
            let answer: Value = serde_json::from_str(answer).expect("JSON");
            let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
            return match answer.get("ok") {
                Some(ok) => Ok(ok.clone()),
                None => Err((text("code"), text("message"))),
            };
        }
    }

    #[track_caller]
    fn ask(&mut self, command: &str, payload: Value) -> Value {
        self.call(command, payload).expect(command)
    }

    /// Sets the clock. When this returns, the engine has looked at it: it answered, and began anew.
    fn set(&mut self, agent: &Agent, offset: TimeDelta) {
        let mut now = lock(&agent.offset);
        let fresh = self.clock.with_extension("fresh");
        std::fs::write(&fresh, format!("{:+}", offset.num_seconds())).expect("written");
        std::fs::rename(&fresh, &self.clock).expect("exchanged");
        *now = offset;
        drop(now);
        for _ in 0..2 {
            self.poll();
        }
    }

    fn poll(&mut self) {
        self.ask("pollNow", json!({ "endpoint": "clerk" }));
    }

    fn question(&mut self, id: &str) -> Option<Value> {
        let asked = json!({ "endpoint": "clerk", "escalation": id });
        self.call("escalation", asked).ok()
    }

    /// The question, once it is as wanted.
    #[track_caller]
    fn until(&mut self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let view = self.question(id);
            if let Some(view) = view.as_ref().filter(|view| wanted(view)) {
                return view.clone();
            }
            assert!(Instant::now() < end, "{id}: {view:#?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn decide(&mut self, id: &str) -> Result<Value, (String, String)> {
        let view = self.question(id).expect("it is known");
        self.call(
            "decide",
            json!({
                "endpoint": "clerk", "escalation": id, "version": view["version"], "bindingHash": view["bindingHash"],
                "outcome": "reject", "optionId": null, "editedAction": null, "payload": null, "message": "No.",
                "shownMs": 60_000, "reachedEnd": true,
            }),
        )
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test by itself: the engine of the tests below, which asks nothing and answers what it is asked.
#[test]
fn the_engine_itself() {
    let Some(data) = std::env::var_os(ENGINE) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let api = Api::open(Path::new(&data), None, Box::new(|_| Ok(()))).expect("it starts");
        for line in std::io::stdin().lines() {
            let asked: Value = serde_json::from_str(&line.expect("UTF-8")).expect("JSON");
            let command = asked[0].as_str().expect("a command");
            let answer = match api.call(command, asked[1].clone()).await {
                Ok(answer) => json!({ "ok": answer }),
                Err(error) => json!({ "code": error.code, "message": error.message }),
            };
            println!("{ANSWER}{answer}");
        }
        api.end();
    });
}

fn is_open(view: &Value) -> bool {
    view["decision"].is_null() && view["phase"] == "pending"
}

/// Takes one engine through jumps of both signs; each with a new question, and all that are still open.
fn jump_about(seed: u64) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let agent = Arc::new(Agent::default());
    let port = runtime.block_on(Arc::clone(&agent).serve());
    let dir = tempfile::tempdir().expect("a folder");
    let clock = dir.path().join("clock");
    std::fs::write(&clock, "+0").expect("written");
    let mut engine = Engine::start(&dir.path().join("data"), &clock);
    let url = format!("http://127.0.0.1:{port}/status");
    let add =
        json!({ "name": "Clerk", "url": url, "kind": "native", "token": null, "basic": null });
    engine.ask("addEndpoint", add);

    let mut chance = Chance(seed);
    let mut most = TimeDelta::zero();
    // Of each question: whether the clock has ever reached its deadline, and whether it was answered.
    let mut reached: BTreeMap<String, bool> = BTreeMap::new();
    let mut answered: BTreeMap<String, bool> = BTreeMap::new();
    for number in 0..JUMPS {
        let id = format!("q{number:03}");
        let until = agent.now() + TimeDelta::seconds(chance.stretch());
        lock(&agent.deadlines).insert(id.clone(), until);
        engine.poll();
        engine.until(&id, is_open);
        reached.insert(id.clone(), false);
        answered.insert(id, false);
        // A third is answered before the jump, and waits for its undo time through it.
        let before: Vec<_> = reached
            .iter()
            .filter(|(_, late)| !**late)
            .map(|(id, _)| id.clone())
            .collect();
        for id in &before {
            if !answered[id] && chance.below(3) == 0 {
                engine.decide(id).expect("its deadline is not there");
                answered.insert(id.clone(), true);
            }
        }
        let by = TimeDelta::seconds(chance.stretch());
        let offset = *lock(&agent.offset);
        let forwards = chance.below(2) == 0;
        engine.set(&agent, if forwards { offset + by } else { offset - by });
        most = most.max(*lock(&agent.offset));
        let now = agent.now();
        let margin = TimeDelta::seconds(20);
        let told = lock(&agent.deadlines).clone();
        for (id, until) in told {
            let was = reached[&id];
            let late = was || until <= now;
            reached.insert(id.clone(), late);
            if answered[&id] {
                // What was on its way has come to an end before the clock is set again.
                engine.until(&id, |view| {
                    !matches!(
                        view["decision"]["state"].as_str(),
                        Some("queued" | "sending")
                    )
                });
            } else if late {
                let refused = engine.decide(&id).expect_err("its deadline has passed");
                assert_eq!(refused.0, "settled", "{id} {until} {now}: {refused:?}");
                // Told for some time more, also when the clock is back before its deadline.
                if !id.ends_with(&format!("{number:03}")) && lock(&agent.deadlines).len() > 8 {
                    lock(&agent.deadlines).remove(&id);
                }
            } else if until - now > margin {
                let view = engine.question(&id).expect("it is known");
                assert!(
                    is_open(&view),
                    "{id} expired before {until}, at {now}: {view:#}"
                );
            }
        }
    }
    // What waited for its undo time goes now, or not at all.
    engine.set(&agent, most + TimeDelta::seconds(60));
    for id in answered.iter().filter(|(_, done)| **done).map(|(id, _)| id) {
        engine.until(id, |view| {
            let over = matches!(
                view["decision"]["state"].as_str(),
                Some("applied" | "expired" | "already-resolved" | "unknown")
            );
            // The agent lists on what it took, and the clock may have jumped by a minute since.
            over || view["history"].to_string().contains("asks the same again")
        });
    }
    let deadlines = lock(&agent.deadlines).clone();
    for (id, at) in lock(&agent.brought).iter() {
        let until = deadlines.get(id).expect("it was asked");
        assert!(at <= until, "{id} was brought at {at}, after {until}");
    }
    assert!(
        !lock(&agent.brought).is_empty(),
        "some were answered in time"
    );
    assert!(reached.values().any(|late| *late), "some were late");
}

#[test]
fn nothing_is_accepted_after_its_deadline_or_expires_before_it_however_the_clock_jumps() {
    let engines: Vec<_> = (1..=PROCESSES)
        .map(|seed| std::thread::spawn(move || jump_about(seed)))
        .collect();
    for engine in engines {
        engine.join().expect("it held");
    }
}

#[test]
fn a_record_ahead_of_the_clock_is_asked_about_and_expires_nothing_asked_now() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let agent = Arc::new(Agent::default());
    let port = runtime.block_on(Arc::clone(&agent).serve());
    let dir = tempfile::tempdir().expect("a folder");
    let (clock, data) = (dir.path().join("clock"), dir.path().join("data"));
    // Once the clock was two days ahead; what is asked then ends within them.
    std::fs::write(&clock, "+172800").expect("written");
    *lock(&agent.offset) = TimeDelta::days(2);
    let mut engine = Engine::start(&data, &clock);
    let url = format!("http://127.0.0.1:{port}/status");
    let add =
        json!({ "name": "Clerk", "url": url, "kind": "native", "token": null, "basic": null });
    let ask = |id: &str, engine: &mut Engine, after: TimeDelta| {
        let until = Utc::now() + after;
        lock(&agent.deadlines).insert(id.to_owned(), until);
        engine.poll();
        engine.until(id, |view| view["phase"].is_string());
    };
    engine.ask("addEndpoint", add);
    ask("late-then", &mut engine, TimeDelta::hours(1));
    let refused = engine.decide("late-then").expect_err("it has expired");
    assert_eq!(refused.0, "settled");
    assert!(engine.ask("status", json!({}))["clock"].is_null());
    drop(engine);

    // The clock is right now.
    std::fs::write(&clock, "+0").expect("written");
    *lock(&agent.offset) = TimeDelta::zero();
    let wait = |engine: &mut Engine, wanted: &dyn Fn(&Value) -> bool| {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let status = engine.ask("status", json!({}));
            if wanted(&status["clock"]) {
                return status["clock"].as_str().unwrap_or_default().to_owned();
            }
            assert!(Instant::now() < end, "{status:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let mut engine = Engine::start(&data, &clock);
    let said = wait(&mut engine, &Value::is_string);
    for part in ["The record goes on until", "after this computer's clock"] {
        assert!(said.contains(part), "{said}");
    }
    // What is asked now is judged by the clock; what had expired stays so.
    ask("now", &mut engine, TimeDelta::hours(1));
    engine.decide("now").expect("its deadline is not there");
    let refused = engine.decide("late-then").expect_err("it stays expired");
    assert_eq!(refused.0, "settled");
    engine.ask("trustClock", json!({}));
    wait(&mut engine, &Value::is_null);
    drop(engine);
    // Said once, also for later starts.
    let mut engine = Engine::start(&data, &clock);
    ask("again", &mut engine, TimeDelta::hours(1));
    assert!(engine.ask("status", json!({}))["clock"].is_null());
    drop(engine);
    let store = Store::open(&data, Utc::now()).expect("it opens");
    let trusted =
        store.read(|reader| settings::get::<DateTime<Utc>>(reader, "clock-trusted-until"));
    assert!(trusted.expect("it is read").is_some());
}

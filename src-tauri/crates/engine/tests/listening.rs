//! Streams beside the polls: what happened is seen before the next poll is due, polls stay few and one at a time, a wake-up
//! is no fact, and a stream that is silent, broken, refused or in the way costs nothing but time.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/http.rs"]
mod http;

#[path = "../../agents/tests/real/server.rs"]
#[allow(dead_code)] // The tests of `agents` use more of it.
mod server;

#[path = "../../agents/tests/real/opencode_server.rs"]
#[allow(dead_code)] // The same.
mod opencode_server;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use engine::{api::Api, journal::Happened};
use opencode_server::{OpenCode, PASSWORD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{broadcast, mpsc},
};

/// What comes when the stream is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Events as the test sends them.
    Tell,
    /// An event every millisecond.
    Flood,
    /// This status line, and more of the head.
    Refuse(&'static str),
    /// Nothing; and no question is answered as long as it is open.
    OnlyWorker,
}

/// A coding server with no session at work, so that it is asked rarely.
struct Desk {
    url: String,
    state: Arc<State>,
}

struct State {
    manner: Manner,
    sessions: Mutex<Vec<Value>>,
    events: broadcast::Sender<&'static str>,
    /// Streams asked for, and those that are open.
    streams: AtomicUsize,
    open: AtomicUsize,
    polls: AtomicUsize,
    /// Requests besides the stream, now and at most.
    under_way: AtomicUsize,
    most: AtomicUsize,
    /// No question is answered.
    hangs: AtomicUsize,
}

/// An end that shows in a count, however it comes.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> (Self, usize) {
        let now = count.fetch_add(1, Ordering::SeqCst) + 1;
        (Self(count), now)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Desk {
    async fn open(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            manner,
            sessions: Mutex::default(),
            events: broadcast::channel(16).0,
            streams: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            polls: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            hangs: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let state = Arc::clone(&serving);
                tokio::spawn(async move {
                    // The client may leave at any moment.
                    let _ = answer(socket, &state).await;
                });
            }
        });
        Self { url, state }
    }

    fn polls(&self) -> usize {
        self.state.polls.load(Ordering::SeqCst)
    }

    /// Somebody begins a session there; it is told when it is.
    fn begin(&self, id: &str) {
        let now = Utc::now().timestamp_millis();
        let session = json!({"id": id, "title": id, "directory": "/d", "time": {"created": now, "updated": now}});
        self.state
            .sessions
            .lock()
            .expect("sessions")
            .insert(0, session);
        // Nobody may be listening.
        let _ = self
            .state
            .events
            .send("data: {\"payload\":{\"type\":\"session.created\"}}\n\n");
    }
}

async fn answer(mut socket: TcpStream, state: &State) -> std::io::Result<()> {
    let Some((path, _)) = http::asked(&mut socket).await? else {
        return Ok(());
    };
    if path.starts_with("/global/event") {
        return stream(socket, state).await;
    }
    let (way, now) = Counted::new(&state.under_way);
    state.most.fetch_max(now, Ordering::SeqCst);
    let blocked = || state.manner == Manner::OnlyWorker && state.open.load(Ordering::SeqCst) > 0;
    if blocked() || state.hangs.load(Ordering::SeqCst) > 0 {
        let _ = socket.read(&mut [0]).await?;
        return Ok(());
    }
    let sessions = || Value::Array(state.sessions.lock().expect("sessions").clone());
    let body = match path.split('?').next().unwrap_or_default() {
        "/global/health" => json!({"healthy": true, "version": "1.0"}),
        "/path" => json!({"directory": "/d"}),
        "/api/session/active" => json!({"data": {}}),
        "/session/status" => json!({}),
        "/experimental/session" => {
            // One is looked for to learn whether there is a list at all.
            let polls = usize::from(path.contains("limit=100"));
            state.polls.fetch_add(polls, Ordering::SeqCst);
            sessions()
        }
        // All of them are done.
        path if path.ends_with("/message") => {
            json!([{"info": {"id": "msg_9", "role": "assistant", "time": {"created": 5, "completed": 6}}, "parts": []}])
        }
        _ => json!([]),
    };
    // The next one may come as soon as it has this.
    drop(way);
    http::answer(&mut socket, "200 OK", &body).await
}

async fn stream(mut socket: TcpStream, state: &State) -> std::io::Result<()> {
    let (_open, _) = Counted::new(&state.open);
    state.streams.fetch_add(1, Ordering::SeqCst);
    if let Manner::Refuse(status) = state.manner {
        let refusal =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        return socket.write_all(refusal.as_bytes()).await;
    }
    let mut events = state.events.subscribe();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n";
    socket.write_all(head.as_bytes()).await?;
    let mut byte = [0];
    loop {
        let pause = tokio::time::sleep(Duration::from_millis(1));
        tokio::select! {
            read = socket.read(&mut byte) => if read? == 0 { return Ok(()) },
            event = events.recv() => match event {
                Ok("cut") | Err(_) => return Ok(()),
                Ok(event) => socket.write_all(event.as_bytes()).await?,
            },
            () = pause, if state.manner == Manner::Flood => {
                socket.write_all(b"data: {\"type\":\"session.updated\"}\n\n").await?;
            }
        }
    }
}

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// The engine, with one endpoint, and the facts it takes in.
async fn flight(url: &str) -> (tempfile::TempDir, Api, mpsc::UnboundedReceiver<Happened>) {
    let dir = tempfile::tempdir().expect("a folder");
    let (tell, told) = mpsc::unbounded_channel();
    let api = Api::open_told(dir.path(), tell).expect("it starts");
    let basic = format!("opencode:{PASSWORD}");
    let add = json!({ "name": "Desk", "url": url, "kind": "opencode", "token": null, "basic": basic, "keep": "session" });
    ask(&api, "addEndpoint", add).await;
    (dir, api, told)
}

async fn endpoint(api: &Api) -> Value {
    ask(api, "agents", json!({})).await["endpoints"][0].clone()
}

async fn until<T>(what: &str, seconds: u64, mut is_so: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = is_so().await {
            return found;
        }
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until it says so of how it is told.
async fn says(api: &Api, words: &str, seconds: u64) {
    until(words, seconds, async || {
        let pushes = endpoint(api).await["pushes"].as_str().map(str::to_owned);
        pushes.filter(|pushes| pushes.contains(words))
    })
    .await;
}

/// Waits until it is listened to and the next poll is far away; when that is.
async fn quiet(api: &Api) -> DateTime<Utc> {
    until("it is listened to and asked rarely", 90, async || {
        let now = endpoint(api).await;
        let is_open = now["pushes"].as_str()?.starts_with("It tells us at once");
        let due: DateTime<Utc> = now["nextPollAt"].as_str()?.parse().ok()?;
        // A wake-up brings a poll within a second, so none is on its way when this was so for longer.
        let left = (due - Utc::now()).num_seconds();
        (is_open && (9..12).contains(&left)).then_some(due)
    })
    .await
}

/// Waits until a task is known.
async fn shows(api: &Api, task: &str) {
    let asked = json!({ "endpoint": "desk", "task": task });
    until(task, 30, async || {
        api.call("task", asked.clone()).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_seen_before_the_next_poll_is_due_also_after_a_cut() {
    let desk = Desk::open(Manner::Tell).await;
    let (_dir, api, _told) = flight(&desk.url).await;
    for (round, session) in ["one", "two"].into_iter().enumerate() {
        let due = quiet(&api).await;
        let before = desk.polls();
        desk.begin(session);
        shows(&api, session).await;
        assert!(Utc::now() < due, "it was due at {due}");
        assert_eq!(desk.polls(), before + 1, "by the first poll after it");
        if round == 0 {
            let _ = desk.state.events.send("cut");
            until("it is listened to again", 60, async || {
                (desk.state.streams.load(Ordering::SeqCst) == 2).then_some(())
            })
            .await;
        }
    }
    assert_eq!(desk.state.most.load(Ordering::SeqCst), 1);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_events_brings_one_poll_a_second_and_no_fact() {
    let desk = Desk::open(Manner::Flood).await;
    desk.begin("one");
    let (_dir, api, mut told) = flight(&desk.url).await;
    shows(&api, "one").await;
    says(&api, "It tells us at once", 30).await;
    while told.try_recv().is_ok() {}
    let (before, began) = (desk.polls(), Instant::now());
    tokio::time::sleep(Duration::from_secs(6)).await;
    let polls = desk.polls() - before;
    let most = began.elapsed().as_secs() as usize + 2;
    assert!((3..=most).contains(&polls), "{polls} polls");
    assert_eq!(desk.state.most.load(Ordering::SeqCst), 1, "one at a time");
    assert_eq!(desk.state.streams.load(Ordering::SeqCst), 1, "one stream");
    assert!(
        told.try_recv().is_err(),
        "nothing changed, so nothing is written down"
    );
    api.end();
}

/// The person has it asked so often, each time when it was.
async fn polled(api: &Api, desk: &Desk, times: usize) {
    for _ in 0..times {
        let before = desk.polls();
        ask(api, "pollNow", json!({ "endpoint": "desk" })).await;
        until("it is asked", 30, async || {
            (desk.polls() > before).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_push_is_asked_once_and_then_at_intervals() {
    let desk = Desk::open(Manner::Refuse("404 Not Found")).await;
    let (_dir, api, _told) = flight(&desk.url).await;
    says(&api, "This server does not push; it is asked every", 30).await;
    until("it is asked every five seconds", 30, async || {
        let seconds = endpoint(&api).await["intervalSeconds"].as_f64()?;
        (4.0..=6.0).contains(&seconds).then_some(())
    })
    .await;
    polled(&api, &desk, 3).await;
    assert_eq!(desk.state.streams.load(Ordering::SeqCst), 1);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_time_is_given_it() {
    let desk = Desk::open(Manner::Refuse("429 Too Many\r\nRetry-After: 3600")).await;
    let (_dir, api, _told) = flight(&desk.url).await;
    says(&api, "its stream broke off", 30).await;
    polled(&api, &desk, 3).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(desk.state.streams.load(Ordering::SeqCst), 1);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listening_ends_at_once_with_its_endpoint_even_while_a_poll_hangs() {
    for command in ["pause", "edit", "remove", "end"] {
        let desk = Desk::open(Manner::Tell).await;
        let (_dir, api, _told) = flight(&desk.url).await;
        quiet(&api).await;
        desk.state.hangs.store(1, Ordering::SeqCst);
        ask(&api, "pollNow", json!({ "endpoint": "desk" })).await;
        until("a poll hangs", 30, async || {
            (desk.state.under_way.load(Ordering::SeqCst) > 0).then_some(())
        })
        .await;
        assert_eq!(desk.state.open.load(Ordering::SeqCst), 1, "{command}");
        let began = Instant::now();
        let edit = json!({ "endpoint": "desk", "name": "Desk", "url": desk.url, "paused": command == "pause", "token": null, "basic": null });
        match command {
            "end" => api.end(),
            "remove" => drop(ask(&api, "removeEndpoint", json!({ "endpoint": "desk" })).await),
            _ => drop(ask(&api, "editEndpoint", edit).await),
        }
        until(command, 10, async || {
            (desk.state.open.load(Ordering::SeqCst) == 0).then_some(())
        })
        .await;
        // The poll itself is given up after fifteen.
        assert!(began.elapsed() < Duration::from_secs(10), "{command}");
        api.end();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_answer_while_it_is_listened_to_is_let_alone() {
    let desk = Desk::open(Manner::OnlyWorker).await;
    let (_dir, api, _told) = flight(&desk.url).await;
    says(&api, "This server does not push", 120).await;
    let asked = desk.state.streams.load(Ordering::SeqCst);
    assert!(asked <= 3, "{asked} streams");
    desk.begin("one");
    shows(&api, "one").await;
    assert_eq!(desk.state.streams.load(Ordering::SeqCst), asked);
    api.end();
}

/// Waits until the model's answer is complete.
async fn replies(server: &OpenCode, session: &str) {
    let messages = format!("/session/{session}/message");
    until("an answer", 90, async || {
        let messages = server.get(&messages).await;
        let mut all = messages.as_array()?.iter();
        let done = all.any(|message| {
            message["info"]["time"]["completed"].is_number()
                && message["info"]["role"] == "assistant"
        });
        done.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_coding_server_is_seen_at_once_also_after_it_was_killed() {
    let mut server = OpenCode::start().await;
    // The first one in a folder takes seconds.
    let session = server.begin("shop", "say something").await;
    replies(&server, &session).await;
    let (_dir, api, _told) = flight(&server.url).await;
    let due = quiet(&api).await;
    let session = server.begin("shop", "say more").await;
    shows(&api, &session).await;
    assert!(Utc::now() < due, "it was due at {due}");
    server.kill();
    until("it is gone", 60, async || {
        (endpoint(&api).await["health"] == "unreachable").then_some(())
    })
    .await;
    server.restart().await;
    let session = server.begin("shop", "say something").await;
    replies(&server, &session).await;
    // As a person would who knows that it is back.
    ask(&api, "pollNow", json!({ "endpoint": "desk" })).await;
    let due = quiet(&api).await;
    let session = server.begin("shop", "say more").await;
    shows(&api, &session).await;
    assert!(Utc::now() < due, "it was due at {due}");
    api.end();
}

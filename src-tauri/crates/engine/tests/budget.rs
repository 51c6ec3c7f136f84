//! No agent stops the others: one that sends the worst legal body, or forty-nine that answer late, keep nobody waiting, and
//! what the person decides is stored and sent beside all of it.
//!
//! Times are bounded generously, because this machine may be busy; what was measured is printed.

#![allow(clippy::expect_used)]

#[path = "../../domain/tests/costs/bodies.rs"]
mod bodies;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bodies::KINDS;
use chrono::Utc;
use engine::api::Api;
use serde_json::{Value, json};
use store::{Store, tables::endpoints};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Processor time and memory are of the whole process, so the tests here go one after the other.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The body limit, less what stands round the items.
const LIMIT: usize = 16 * 1024 * 1024 - 256 * 1024;

/// What an endpoint answers to poll number n, and after how long.
type Answers = Arc<dyn Fn(usize) -> (String, Duration) + Send + Sync>;

/// An endpoint, and when it was asked what.
#[derive(Clone, Default)]
struct Seen {
    polls: Arc<Mutex<Vec<Instant>>>,
    decisions: Arc<Mutex<Vec<Instant>>>,
    under_way: Arc<AtomicUsize>,
}

impl Seen {
    fn polls(&self) -> Vec<Instant> {
        let polls = self.polls.lock().unwrap_or_else(PoisonError::into_inner);
        polls.clone()
    }

    fn decisions(&self) -> Vec<Instant> {
        let all = self.decisions.lock();
        all.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The longest time between two polls, or since the last one.
    fn longest(&self, since: Instant) -> Duration {
        let mut polls = self.polls();
        polls.retain(|at| *at >= since);
        polls.insert(0, since);
        polls.push(Instant::now());
        let gaps = polls.windows(2).map(|pair| pair[1] - pair[0]);
        gaps.max().unwrap_or_default()
    }
}

async fn serve(answers: Answers) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let seen = Seen::default();
    let watched = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answers, seen) = (Arc::clone(&answers), watched.clone());
            tokio::spawn(async move {
                // The client may hang up at any moment.
                let _ = answer(stream, &answers, &seen).await;
            });
        }
    });
    (port, seen)
}

async fn answer(mut stream: TcpStream, answers: &Answers, seen: &Seen) -> std::io::Result<()> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let (body, wait) = if head.starts_with(b"POST") {
        let all = seen.decisions.lock();
        all.unwrap_or_else(PoisonError::into_inner)
            .push(Instant::now());
        (json!({ "applied": true }).to_string(), Duration::ZERO)
    } else {
        let number = {
            let mut polls = seen.polls.lock().unwrap_or_else(PoisonError::into_inner);
            polls.push(Instant::now());
            polls.len() - 1
        };
        answers(number)
    };
    seen.under_way.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(wait).await;
    let text = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let written = async {
        stream.write_all(text.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await
    };
    let written = written.await;
    seen.under_way.fetch_sub(1, Ordering::SeqCst);
    written
}

/// A folder in which the endpoints were added before.
fn folder(dir: &Path, all: &[(String, u16)]) {
    let store = Store::open(dir, Utc::now()).expect("a folder");
    let rows: Vec<_> = all
        .iter()
        .map(|(name, port)| endpoints::EndpointRow {
            id: name.as_str().into(),
            name: name.clone(),
            kind: "native".to_owned(),
            url: format!("http://127.0.0.1:{port}/status"),
            credential: "none".to_owned(),
            paused: false,
            capabilities: vec![],
            warnings: vec![],
            added_at: Utc::now(),
        })
        .collect();
    store
        .write(move |tx| rows.iter().try_for_each(|row| endpoints::put(tx, row)))
        .expect("written");
}

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

async fn until(what: &str, patience: Duration, mut done: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + patience;
    while !done().await {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn document(members: &str) -> String {
    format!(
        "{{\"schemaVersion\":\"1.0\",\"agent\":{{\"id\":\"worker\",\"name\":\"Worker\",\"status\":\"online\"}},\"pollAfterSeconds\":1{members}}}"
    )
}

fn task(id: &str, title: &str) -> String {
    format!("{{\"id\":\"{id}\",\"title\":\"{title}\",\"status\":{{\"state\":\"working\"}}}}")
}

/// Works, changes with each poll, and asks this many questions.
fn busy(questions: usize) -> Answers {
    let asked: Vec<_> = (0..questions)
        .map(|number| {
            json!({
                "id": format!("q{number}"), "version": "1", "kind": "question", "title": "Which one?", "message": "Say which.",
                "createdAt": "2026-11-01T09:00:00Z", "status": "pending",
            })
        })
        .collect();
    let asked = json!(asked);
    Arc::new(move |number| {
        let work = task("t", &format!("Step {number}"));
        let members = format!(",\"tasks\":[{work}],\"escalations\":{asked}");
        (document(&members), Duration::ZERO)
    })
}

/// Every kind of worst legal body, one after the other, each asked for again after a second. They are made when they are
/// asked for: what is kept here would be counted as kept by the app.
fn worst(bytes: usize) -> Answers {
    let turn = Mutex::new((0, 0));
    Arc::new(move |_| {
        let mut turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, told) = &mut *turn;
        let mut bodies = KINDS[*kind % KINDS.len()].bodies(bytes);
        // Of some there are thousands, and the others are to have their turn too.
        bodies.truncate(50);
        let body = bodies.swap_remove(*told);
        *told += 1;
        if *told == bodies.len() + 1 {
            *kind += 1;
            *told = 0;
        }
        let soon = body.replacen('{', "{\"pollAfterSeconds\":1,", 1);
        (soon, Duration::ZERO)
    })
}

/// Bytes of memory this process holds now.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kib.expect("a number") * 1024
}

/// The questions of one endpoint, with what a decision needs.
async fn questions(api: &Api, name: &str, number: usize) -> Vec<Value> {
    let mut all = vec![];
    for question in 0..number {
        let request = json!({ "endpoint": name, "escalation": format!("q{question}") });
        all.push(ask(api, "escalation", request).await);
    }
    all
}

async fn decide(api: &Api, name: &str, view: &Value, number: usize) -> Duration {
    let began = Instant::now();
    ask(
        api,
        "decide",
        json!({
            "endpoint": name, "escalation": format!("q{number}"), "version": view["version"], "bindingHash": view["bindingHash"],
            "outcome": "respond", "optionId": null, "editedAction": null, "payload": null, "message": "The first.",
            "shownMs": 5000, "reachedEnd": true,
        }),
    )
    .await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_nine_that_answer_late_keep_the_fiftieth_not_waiting() {
    let _alone = ALONE.lock().await;
    let late = Duration::from_secs(13);
    let mut all = vec![];
    for number in 0..49 {
        let body = document(&format!(",\"tasks\":[{}]", task("t", "Work")));
        let (port, _) = serve(Arc::new(move |_| (body.clone(), late))).await;
        all.push((format!("late-{number}"), port));
    }
    let (port, seen) = serve(busy(0)).await;
    all.push(("soon".to_owned(), port));
    let dir = tempfile::tempdir().expect("a folder");
    folder(dir.path(), &all);
    let began = Instant::now();
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    until("the first poll", Duration::from_secs(15), async || {
        !seen.polls().is_empty()
    })
    .await;
    let first = began.elapsed();
    let since = Instant::now();
    tokio::time::sleep(Duration::from_secs(if is_long() { 120 } else { 20 })).await;
    let longest = seen.longest(since);
    println!("first poll after {first:?}, longest time between two polls {longest:?}");
    // It asks for a second between two.
    assert!(longest < Duration::from_millis(2500), "{longest:?}");
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_leaves_while_a_poll_waits_for_its_answer() {
    let _alone = ALONE.lock().await;
    let quick = busy(1);
    // The first answer comes at once, with the question in it; the others take very long.
    let answers: Answers = Arc::new(move |number| {
        let wait = if number == 0 { 0 } else { 14 };
        (quick(number).0, Duration::from_secs(wait))
    });
    let (port, seen) = serve(answers).await;
    let dir = tempfile::tempdir().expect("a folder");
    folder(dir.path(), &[("slow".to_owned(), port)]);
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let asks = json!({ "endpoint": "slow", "escalation": "q0" });
    until("the question", Duration::from_secs(20), async || {
        api.call("escalation", asks.clone()).await.is_ok()
    })
    .await;
    until("a poll under way", Duration::from_secs(20), async || {
        seen.polls().len() > 1 && seen.under_way.load(Ordering::SeqCst) > 0
    })
    .await;
    let polls = seen.polls().len();
    let view = questions(&api, "slow", 1).await;
    decide(&api, "slow", &view[0], 0).await;
    let decided = Instant::now();
    until("the decision", Duration::from_secs(30), async || {
        !seen.decisions().is_empty()
    })
    .await;
    let waited = decided.elapsed();
    println!("it left {waited:?} after it was stored");
    // The ten seconds in which it can be taken back end before the poll does.
    assert!(waited < Duration::from_secs(12), "{waited:?}");
    assert_eq!(seen.decisions().len(), 1);
    // Only the one after the decision can have been begun besides.
    assert!(seen.polls().len() <= polls + 1, "{:?}", seen.polls().len());
    api.end();
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worst_bodies_of_one_keep_nobody_waiting() {
    // Code that was not optimised is slow enough with less, and more of the kinds have their turn.
    let bytes = if is_long() { LIMIT } else { LIMIT / 64 };
    let seconds = if is_long() { 600 } else { 20 };
    let grown = beside(|| worst(bytes), seconds).await;
    assert!(grown < 32 << 20, "{} MiB", grown >> 20);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_tasks_in_one_answer_keep_nobody_waiting() {
    let tasks: Vec<_> = (0..100_000)
        .map(|number| task(&format!("t{number}"), "T"))
        .collect();
    let body = document(&format!(",\"tasks\":[{}]", tasks.join(",")));
    let often = || -> Answers {
        let body = body.clone();
        Arc::new(move |poll| {
            // Other bytes each time, so that each is read.
            let body = body.replacen("\"T\"", &format!("\"{poll}\""), 1);
            (body, Duration::ZERO)
        })
    };
    beside(often, 10).await;
}

/// Nine good endpoints, then the tenth with these answers for that many seconds: how many bytes of memory it cost. What else
/// this machine does can only add to the times, so that the best of three runs counts.
#[cfg(target_os = "linux")]
async fn beside(hostile: impl Fn() -> Answers, seconds: u64) -> usize {
    let _alone = ALONE.lock().await;
    let mut said = vec![];
    while said.len() < 3 {
        match once_beside(hostile(), seconds).await {
            Ok(grown) => return grown,
            Err(slow) => said.push(slow),
        }
    }
    panic!("{said:#?}");
}

/// The same once. `Err` says who was kept waiting.
#[cfg(target_os = "linux")]
async fn once_beside(hostile: Answers, seconds: u64) -> Result<usize, String> {
    // Two in a second are more than any person decides.
    let number = usize::try_from(2 * seconds).map_or(40, |number| number.min(40));
    let mut all = vec![];
    let mut good = vec![];
    for at in 0..9 {
        let (port, seen) = serve(busy(if at == 0 { number } else { 0 })).await;
        all.push((format!("good-{at}"), port));
        good.push(seen);
    }
    let (port, bad) = serve(hostile).await;
    let dir = tempfile::tempdir().expect("a folder");
    folder(dir.path(), &all);
    // Alone first: what nine good ones cost is there before the tenth comes.
    let (api, _) = started(dir.path());
    let asks = json!({ "endpoint": "good-0", "escalation": format!("q{}", number - 1) });
    until("the questions", Duration::from_secs(30), async || {
        api.call("escalation", asks.clone()).await.is_ok()
    })
    .await;
    api.end();
    drop(api);
    let (api, alone) = started(dir.path());
    let views = questions(&api, "good-0", number).await;
    let before = resident();
    let url = format!("http://127.0.0.1:{port}/status");
    let add =
        json!({ "name": "hostile", "url": url, "kind": "native", "token": null, "basic": null });
    ask(&api, "addEndpoint", add).await;
    let since = Instant::now();
    let long = Duration::from_secs(seconds);
    let mut took = vec![];
    for (at, view) in views.iter().enumerate() {
        took.push(decide(&api, "good-0", view, at).await);
        let next = since + long.mul_f64((at + 1) as f64 / number as f64);
        tokio::time::sleep_until(next.into()).await;
    }
    let longest: Vec<_> = good.iter().map(|seen| seen.longest(since)).collect();
    took.sort();
    let pause = json!({ "endpoint": "hostile", "name": null, "url": null, "token": null, "basic": null, "keep": null, "paused": true });
    ask(&api, "editEndpoint", pause).await;
    // For longer than the poll: what the last answer took is given back within a second or two.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let grown = resident().saturating_sub(before);
    let polls = bad.polls().len();
    println!(
        "{polls} bodies of the hostile one; decisions stored within {:?} (p90), {:?} (all); longest between two polls of a good one {:?}; {} MiB more than before",
        took[number * 9 / 10],
        took[number - 1],
        longest.iter().max(),
        grown >> 20
    );
    let is_soon = took[number * 9 / 10] < Duration::from_secs(1);
    let is_often = longest.iter().all(|gap| *gap < Duration::from_secs(4));
    let agents = ask(&api, "agents", json!({})).await;
    let hostile = agents["endpoints"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["name"] == json!("hostile")));
    println!(
        "{}",
        hostile.map_or(Value::Null, |one| json!([
            one["sentence"],
            one["detail"],
            one["today"]
        ]))
    );
    api.end();
    drop(api);
    let (api, again) = started(dir.path());
    println!("started in {alone:?} without it, and in {again:?} after it");
    api.end();
    if polls > 1 && is_soon && is_often {
        return Ok(grown);
    }
    Err(format!(
        "{polls} polls, decisions {took:?}, others' polls {longest:?}"
    ))
}

/// Starts, and says how long that took. An app that ended a moment ago may still be writing.
fn started(dir: &Path) -> (Api, Duration) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let began = Instant::now();
        match Api::open(dir, None, Box::new(|_| Ok(()))) {
            Ok(api) => return (api, began.elapsed()),
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The long form of these tests was asked for.
fn is_long() -> bool {
    std::env::var_os("MISSION_CONTROL_LONG").is_some()
}

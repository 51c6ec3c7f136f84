//! Endpoints that are down, wrong, endless or slow: each is called what it is, keeps its last good data, costs little
//! memory, and keeps nobody else waiting.

#![allow(clippy::expect_used)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::Utc;
use engine::api::Api;
use serde_json::{Value, json};
use store::{Store, tables::endpoints};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Memory is measured for the whole process, so the tests here go one after the other.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What an endpoint does with a request; the number counts requests from 0.
type Manner = fn(usize) -> Body;

enum Body {
    /// Status line's rest, and the body.
    Whole(&'static str, String),
    /// Zeros until nobody reads, up to so many bytes.
    Endless(usize),
    /// One byte a second.
    Trickle,
}

fn good(count: usize) -> Body {
    let document = json!({
        "schemaVersion": "1.0", "agent": { "id": "worker", "name": "Worker", "status": "online" },
        "tasks": [{ "id": "t1", "title": format!("Step {count}"), "status": { "state": "working" } }],
        "pollAfterSeconds": 1,
    });
    Body::Whole("200 OK", document.to_string())
}

/// Good once, so that there is data to keep, then whatever comes.
fn then(count: usize, bad: Body) -> Body {
    if count == 0 { good(0) } else { bad }
}

fn broken(count: usize) -> Body {
    then(
        count,
        Body::Whole("500 Internal Server Error", "{}".to_owned()),
    )
}

fn html(count: usize) -> Body {
    then(
        count,
        Body::Whole("200 OK", "<html><body>Welcome</body></html>".to_owned()),
    )
}

fn endless(count: usize) -> Body {
    then(count, Body::Endless(1 << 30))
}

fn slow(count: usize) -> Body {
    then(count, Body::Trickle)
}

fn one_bad_item(count: usize) -> Body {
    let document = json!({
        "schemaVersion": "1.0", "agent": { "id": "worker", "name": "Worker", "status": "online" },
        "tasks": [
            { "id": "good", "title": format!("Step {count}"), "status": { "state": "working" } },
            { "id": "bad", "title": 7, "status": { "state": "working" } },
        ],
        "pollAfterSeconds": 1,
    });
    Body::Whole("200 OK", document.to_string())
}

/// Serves; counts requests.
async fn serve(manner: Manner) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let requests = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let requests = Arc::clone(&requests);
            tokio::spawn(async move {
                // The client may hang up at any moment; that is what most of this is about.
                let _ = answer(stream, manner, &requests).await;
            });
        }
    });
    (port, count)
}

async fn answer(
    mut stream: TcpStream,
    manner: Manner,
    requests: &AtomicUsize,
) -> std::io::Result<()> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        head.push(byte[0]);
    }
    let start = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n";
    match manner(requests.fetch_add(1, Ordering::SeqCst)) {
        Body::Whole(status, body) => {
            let text = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(text.as_bytes()).await
        }
        Body::Endless(bytes) => {
            stream.write_all(start.as_bytes()).await?;
            let zeros = vec![b'0'; 64 * 1024];
            for _ in 0..bytes / zeros.len() {
                stream.write_all(&zeros).await?;
            }
            Ok(())
        }
        Body::Trickle => {
            stream.write_all(start.as_bytes()).await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
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

fn endpoint<'a>(agents: &'a Value, name: &str) -> &'a Value {
    let all = agents["endpoints"].as_array().expect("endpoints");
    all.iter()
        .find(|endpoint| endpoint["id"] == json!(name))
        .expect("it is there")
}

/// Bytes of memory this process holds now.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("a line");
    let kib: usize = line
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number");
    kib * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_trouble_has_its_own_words_and_leaves_the_last_good_data() {
    let _alone = ALONE.lock().await;
    let manners: [(&str, Manner); 6] = [
        ("broken", broken),
        ("html", html),
        ("endless", endless),
        ("slow", slow),
        ("one-bad-item", one_bad_item),
        ("good", good),
    ];
    let mut all = vec![];
    let mut counts = vec![];
    for (name, manner) in manners {
        let (port, count) = serve(manner).await;
        all.push((name.to_owned(), port));
        counts.push(count);
    }
    // Nobody listens here: the port was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let down = free.local_addr().expect("an address").port();
    drop(free);
    all.push(("down".to_owned(), down));
    let dir = tempfile::tempdir().expect("a folder");
    folder(dir.path(), &all);
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let expected = [
        ("broken", "unreachable", "It answered with status 500."),
        ("html", "incompatible", "Its answer cannot be read."),
        ("endless", "incompatible", "Its answer cannot be read."),
        ("slow", "unreachable", "It did not answer in time."),
        ("one-bad-item", "online", "It answers."),
        ("good", "online", "It answers."),
        ("down", "unreachable", "No connection could be made."),
    ];
    // What any fleet of this size costs is there when each of them has answered once.
    while counts.iter().any(|count| count.load(Ordering::SeqCst) == 0) {
        ask(&api, "agents", json!({})).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let before = resident();
    let mut most = before;
    let end = Instant::now() + Duration::from_secs(45);
    let agents = loop {
        most = most.max(resident());
        let agents = ask(&api, "agents", json!({})).await;
        let missing: Vec<_> = expected
            .iter()
            .filter(|(name, health, sentence)| {
                let one = endpoint(&agents, name);
                one["health"] != json!(health)
                    || !one["sentence"]
                        .as_str()
                        .is_some_and(|text| text.starts_with(sentence))
            })
            .collect();
        if missing.is_empty() {
            break agents;
        }
        assert!(Instant::now() < end, "{missing:?} {agents:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(endpoint(&agents, "one-bad-item")["deadLetters"], json!(1));
    let details: Vec<_> = ["broken", "html", "endless"]
        .iter()
        .map(|name| endpoint(&agents, name)["detail"].clone())
        .collect();
    assert!(details.iter().all(Value::is_string), "{details:?}");
    assert!(
        details[1] != details[2],
        "each says what was wrong: {details:?}"
    );
    // The last good data is still there, and called old.
    for name in ["broken", "html", "endless", "slow"] {
        let task = ask(&api, "task", json!({ "endpoint": name, "task": "t1" })).await;
        assert_eq!(task["card"]["title"]["text"], json!("Step 0"), "{name}");
        assert_eq!(task["card"]["stale"], json!(true), "{name}");
    }
    let grown = most.saturating_sub(before);
    assert!(grown < 32 << 20, "{} MiB more than before", grown >> 20);
    assert!(counts[5].load(Ordering::SeqCst) > 3);
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_endpoint_is_asked_in_time_among_49_that_are_dead_or_hang() {
    let _alone = ALONE.lock().await;
    let mut all = vec![];
    for number in 0..49 {
        let manner: Manner = [slow, broken, html, endless][number % 4];
        let (port, _) = serve(manner).await;
        all.push((format!("bad-{number}"), port));
    }
    let (port, count) = serve(good).await;
    all.push(("good".to_owned(), port));
    let dir = tempfile::tempdir().expect("a folder");
    folder(dir.path(), &all);
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let end = Instant::now() + Duration::from_secs(30);
    while count.load(Ordering::SeqCst) == 0 {
        assert!(Instant::now() < end, "the first poll never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It asks for one second between polls; each must come within twice that. What else this machine does can only add to
    // that, so that the best of three looks counts.
    let mut longest = vec![];
    while longest.iter().all(|gap| *gap >= Duration::from_secs(2)) {
        assert!(longest.len() < 3, "{longest:?}");
        longest.push(longest_gap(&count, Duration::from_secs(20)).await);
    }
    api.end();
}

/// The longest time without a poll, of so long a look.
async fn longest_gap(count: &AtomicUsize, look: Duration) -> Duration {
    let mut last = (count.load(Ordering::SeqCst), Instant::now());
    let end = Instant::now() + look;
    let mut longest = Duration::ZERO;
    while Instant::now() < end {
        let now = count.load(Ordering::SeqCst);
        if now != last.0 {
            longest = longest.max(last.1.elapsed());
            last = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    longest.max(last.1.elapsed())
}

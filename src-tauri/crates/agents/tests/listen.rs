//! Listening to servers that send too much, too slowly, nothing, or something else, over real sockets: it always ends, of
//! itself or at once when nobody wants it any more, reads a bounded amount, and takes the token nowhere else.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agents::{Credential, Ended, Endpoint, Heard, Kind, Listening, Target};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore},
};

/// Long for a test that ends for another reason, short for one that waits for it.
const PATIENCE: Duration = Duration::from_millis(400);

/// What comes when a task is subscribed to.
#[derive(Clone)]
enum Manner {
    /// These bytes; then the server hangs up.
    Say(Vec<u8>),
    /// The first bytes, then the others again and again, at most a gigabyte.
    Repeat(Vec<u8>, Vec<u8>),
    /// The first bytes, then a single one now and then.
    Drip(Vec<u8>, u8),
    /// These bytes, then nothing.
    Fall(Vec<u8>),
}

/// An agent with one task at work.
struct Agent {
    url: String,
    sent: Arc<AtomicUsize>,
    /// `Authorization` of the subscriptions.
    asked: Arc<Mutex<Vec<String>>>,
    /// The other side hung up.
    left: Arc<Semaphore>,
}

async fn serve(manner: Manner, binding: &str) -> Agent {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let agent = Agent {
        url,
        sent: Arc::default(),
        asked: Arc::default(),
        left: Arc::new(Semaphore::new(0)),
    };
    let card = json!({"name": "Loud", "version": "1", "capabilities": {"streaming": true}, "skills": [],
        "supportedInterfaces": [{"url": "/rpc", "protocolBinding": binding, "protocolVersion": "1.0"}]});
    let (sent, asked, left) = (agent.sent.clone(), agent.asked.clone(), agent.left.clone());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (manner, card) = (manner.clone(), card.clone());
            let (sent, asked, left) = (sent.clone(), asked.clone(), left.clone());
            tokio::spawn(async move {
                // The client may leave at any moment; that is what most of this is about.
                let _ = answer(socket, manner, &card, &sent, &asked).await;
                left.add_permits(1);
            });
        }
    });
    agent
}

async fn answer(
    mut socket: TcpStream,
    manner: Manner,
    card: &Value,
    sent: &AtomicUsize,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = vec![0; 65536];
    let mut read = 0;
    // Small requests: head and body are there when the body's last brace is, or there is no body.
    loop {
        read += socket.read(&mut request[read..]).await?;
        let text = &request[..read];
        if text.starts_with(b"GET") || text.ends_with(b"}") {
            break;
        }
    }
    let request = String::from_utf8_lossy(&request[..read]).into_owned();
    if request.starts_with("GET / ") || request.starts_with("GET /.well-known") {
        return socket
            .write_all(&whole("200 OK", "application/json", &card.to_string()))
            .await;
    }
    let task = json!({"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_WORKING"}});
    let list = json!({"tasks": [task], "nextPageToken": ""});
    if request.contains("ListTasks") {
        let list = json!({"jsonrpc": "2.0", "id": 1, "result": list});
        return socket
            .write_all(&whole("200 OK", "application/json", &list.to_string()))
            .await;
    }
    if request.starts_with("GET /rpc/tasks?") {
        return socket
            .write_all(&whole("200 OK", "application/json", &list.to_string()))
            .await;
    }
    assert!(
        request.contains("SubscribeToTask") || request.contains("/tasks/t:subscribe"),
        "{request}"
    );
    let token = request
        .lines()
        .find_map(|line| line.strip_prefix("authorization: "));
    asked
        .lock()
        .expect("notes")
        .push(token.unwrap_or_default().to_owned());
    match manner {
        Manner::Say(bytes) => socket.write_all(&bytes).await?,
        Manner::Repeat(head, piece) => {
            socket.write_all(&head).await?;
            while sent.load(Ordering::SeqCst) < 1 << 30 {
                socket.write_all(&piece).await?;
                sent.fetch_add(piece.len(), Ordering::SeqCst);
            }
        }
        Manner::Drip(head, byte) => {
            socket.write_all(&head).await?;
            loop {
                socket.write_all(&[byte]).await?;
                tokio::time::sleep(PATIENCE / 8).await;
            }
        }
        Manner::Fall(head) => {
            socket.write_all(&head).await?;
            let _ = socket.read(&mut [0]).await?;
        }
    }
    socket.shutdown().await
}

fn whole(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// The head of a stream, and its first bytes.
fn stream(more: &str, first: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream; charset=utf-8\r\n{more}\r\n{first}")
        .into_bytes()
}

fn connect(url: &str) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "loud".into(),
        kind: Kind::A2a,
        url: url.to_owned(),
        credential: Some(Credential::Bearer("secret-token".to_owned())),
        known_tasks: vec![],
        known_questions: vec![],
    })
    .expect("it opens")
}

async fn listening(agent: &Agent) -> Listening {
    let mut endpoint = connect(&agent.url);
    endpoint.observe().await.expect("its list can be read");
    endpoint.listening().expect("it can be listened to")
}

fn broken(after_seconds: Option<u64>) -> Ended {
    Ended::Broken { after_seconds }
}

/// Whether it was opened, how often something was heard, why it ended.
async fn hear(agent: &Agent) -> (bool, usize, Ended) {
    let listening = listening(agent).await.patient_for(PATIENCE);
    let (opened, news) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let note = |heard| {
        let count = if heard == Heard::Open { &opened } else { &news };
        count.fetch_add(1, Ordering::SeqCst);
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), listening.listen(&note)).await;
    let ended = ended.expect("it ends by itself");
    let tokens = agent.asked.lock().expect("notes").clone();
    assert!(
        tokens.iter().all(|token| token == "Bearer secret-token"),
        "{tokens:?}"
    );
    (opened.into_inner() == 1, news.into_inner(), ended)
}

/// Heard `news` times (`None`: however often), and ended.
async fn check(manner: Manner, opened: bool, news: Option<usize>, ended: Ended) -> Agent {
    let agent = serve(manner, "JSONRPC").await;
    let (was_opened, heard, why) = hear(&agent).await;
    assert_eq!((was_opened, why), (opened, ended));
    if let Some(news) = news {
        assert_eq!(heard, news);
    }
    agent
}

#[tokio::test]
async fn whatever_an_event_says_it_is_heard_and_nothing_more() {
    for (events, news) in [
        ("data: {}\n\n", 1),
        ("event: x\r\nid: 1\r\ndata: not even JSON\r\n\r\n", 1),
        // Those that come together are one.
        ("data: 1\n\ndata: 2\n\ndata: 3\n\n", 1),
        (": a comment\n\n: and another\n\n", 0),
        ("event: ping\n\nretry: 10\n\n", 0),
        ("data: never ended", 0),
        ("", 0),
    ] {
        check(
            Manner::Say(stream("", events)),
            true,
            Some(news),
            broken(None),
        )
        .await;
    }
}

#[tokio::test]
async fn who_sends_nothing_or_next_to_nothing_is_given_up_after_a_while() {
    for manner in [
        Manner::Fall(vec![]),
        Manner::Fall(b"HTTP/1.1 200 OK\r\nContent-".to_vec()),
    ] {
        check(manner, false, Some(0), broken(None)).await;
    }
    for manner in [
        Manner::Fall(stream("", "")),
        Manner::Fall(stream("", "data: half")),
        Manner::Drip(stream("", "data: "), b'x'),
        Manner::Drip(stream("", ":"), b' '),
    ] {
        check(manner, true, Some(0), broken(None)).await;
    }
}

#[tokio::test]
async fn who_sends_without_end_is_read_to_a_limit() {
    let mib = 1 << 20;
    let of = |piece: &str| piece.repeat(65536 / piece.len()).into_bytes();
    for (piece, news, most) in [
        // Gigabytes without a line end, comments without an event: the limit of one event.
        (of("x"), Some(0), 8 * mib),
        (of(":\n"), Some(0), 8 * mib),
        (of("data: x\n"), Some(0), 8 * mib),
        // The limit of the whole.
        (of("\n"), Some(0), 32 * mib),
        (of(": ping\r\n\r\n"), Some(0), 32 * mib),
        (of("data: x\n\n"), None, 32 * mib),
    ] {
        let begin = String::from_utf8_lossy(&piece[..8]).into_owned();
        let manner = Manner::Repeat(stream("", ""), piece);
        let agent = check(manner, true, news, broken(None)).await;
        let sent = agent.sent.load(Ordering::SeqCst);
        assert!(sent < most, "{begin:?}: {sent} bytes were taken");
    }
}

#[tokio::test]
async fn who_sends_in_crumbs_is_read_to_a_limit() {
    for crumb in [":", "\n"] {
        let piece = format!("1\r\n{crumb}\r\n").repeat(1 << 12);
        let head = stream("Transfer-Encoding: chunked\r\n", "");
        let manner = Manner::Repeat(head, piece.into_bytes());
        let agent = check(manner, true, Some(0), broken(None)).await;
        // Besides what is read, what lies in the sockets.
        let sent = agent.sent.load(Ordering::SeqCst);
        assert!(sent < 8 << 20, "{crumb:?}: {sent} bytes were taken");
    }
}

#[tokio::test]
async fn a_packed_stream_is_counted_as_what_it_becomes() {
    let mut bomb = GzEncoder::new(vec![], Compression::fast());
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..256 {
        bomb.write_all(&spaces).expect("it is packed");
    }
    let mut answer = stream("Content-Encoding: gzip\r\n", "");
    answer.extend(bomb.finish().expect("it is packed"));
    check(Manner::Say(answer), true, Some(0), broken(None)).await;
}

#[tokio::test]
async fn a_no_is_final_and_a_not_now_is_not() {
    let error = |code: i64| {
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "no"}}).to_string()
    };
    let json = |body: &str| whole("200 OK", "application/json", body);
    let plain = |status: &str| whole(status, "text/plain", "no");
    for (answer, ended) in [
        (plain("400 Bad"), Ended::Refused),
        (plain("401 No"), Ended::Refused),
        (plain("403 No"), Ended::Refused),
        (plain("404 None"), Ended::Refused),
        (plain("405 None"), Ended::Refused),
        (plain("501 None"), Ended::Refused),
        (plain("204 Nothing"), Ended::Refused),
        (whole("200 OK", "text/html", "<html>"), Ended::Refused),
        (
            whole("200 OK", "text/event-streams-not", "data: x\n\n"),
            Ended::Refused,
        ),
        (json(&error(-32601)), Ended::Refused),
        (json("{}"), Ended::Refused),
        (json(&"x".repeat(1 << 20)), Ended::Refused),
        // About this task and this moment.
        (json(&error(-32001)), broken(None)),
        (json(&error(-32004)), broken(None)),
        (json(&error(-32603)), broken(None)),
        (plain("500 Oops"), broken(None)),
        (plain("503 Busy\r\nRetry-After: 7"), broken(Some(7))),
        (plain("429 Slow\r\nRetry-After: 90000"), broken(Some(3600))),
        (plain("429 Slow\r\nRetry-After: soon"), broken(None)),
        (vec![], broken(None)),
        (b"\x00\x01\x02\r\n\r\n".to_vec(), broken(None)),
    ] {
        let begin = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let agent = serve(Manner::Say(answer), "JSONRPC").await;
        assert_eq!(hear(&agent).await, (false, 0, ended), "{begin}");
    }
}

#[tokio::test]
async fn no_redirect_takes_the_token_elsewhere() {
    let thief = serve(Manner::Say(stream("", "data: x\n\n")), "JSONRPC").await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let answer = format!(
            "HTTP/1.1 {status}\r\nLocation: {}/tasks/t:subscribe\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            thief.url
        );
        check(
            Manner::Say(answer.into_bytes()),
            false,
            Some(0),
            Ended::Refused,
        )
        .await;
    }
    assert_eq!(thief.asked.lock().expect("notes").len(), 0);
}

#[tokio::test]
async fn the_other_binding_tries_both_verbs_that_its_specification_names() {
    let agent = serve(Manner::Say(stream("", "data: {}\n\n")), "HTTP+JSON").await;
    assert_eq!(hear(&agent).await, (true, 1, broken(None)));
    assert_eq!(agent.asked.lock().expect("notes").len(), 1);
    let agent = serve(
        Manner::Say(whole("405 Not so", "text/plain", "no")),
        "HTTP+JSON",
    )
    .await;
    assert_eq!(hear(&agent).await, (false, 0, Ended::Refused));
    assert_eq!(agent.asked.lock().expect("notes").len(), 2);
}

#[tokio::test]
async fn it_hangs_up_at_once_when_nobody_wants_it_any_more() {
    let agent = serve(Manner::Fall(stream("", "data: {}\n\n")), "JSONRPC").await;
    let listening = listening(&agent).await;
    // The list and the card were answered.
    agent.left.acquire_many(2).await.expect("open").forget();
    let open = Arc::new(Notify::new());
    let opened = Arc::clone(&open);
    let task = tokio::spawn(async move { listening.listen(&|_| opened.notify_one()).await });
    open.notified().await;
    task.abort();
    let left = tokio::time::timeout(Duration::from_secs(5), agent.left.acquire()).await;
    assert!(left.is_ok(), "the server sees the end of it");
}

//! Endpoints that answer nonsense, too much, too slowly or never, over real sockets: each ends in its own sentence, reads
//! a bounded amount, and sends nothing to anybody else. Both kinds meet each of them.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use std::{
    collections::HashSet,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agents::{Credential, Endpoint, Kind, Observation, Target};
use domain::{
    contract,
    fact::{PollError, PollErrorKind},
};
use flate2::{Compression, write::GzEncoder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What an endpoint does once a request has come.
#[derive(Clone)]
enum Manner {
    /// Sends these bytes and hangs up.
    Say(Vec<u8>),
    /// A head, then this piece again and again until nobody listens, at most a gigabyte.
    Repeat(Vec<u8>, Vec<u8>),
    /// A head, then one byte a second.
    Drip,
    /// A head and so many bytes at once, then one byte every tenth of a second.
    LargeDrip(usize),
    /// A page that names another one, never the same twice: what stands before and after its number.
    Page(&'static str, &'static str),
    /// Nothing at all; hangs up.
    HangUp,
}

/// A server of one manner. An agent card is served properly when asked for, so that what is hostile is the list.
struct Hostile {
    url: String,
    sent: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

async fn serve(manner: Manner) -> Hostile {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (sent, asked) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
    let counts = (sent.clone(), asked.clone());
    let card = format!(
        r#"{{"name":"Hostile","version":"1","capabilities":{{}},"skills":[],"supportedInterfaces":[{{"url":"{url}/rpc","protocolBinding":"JSONRPC","protocolVersion":"1.0"}}]}}"#
    );
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (manner, card, counts) = (manner.clone(), card.clone(), counts.clone());
            tokio::spawn(async move {
                let _ = answer(socket, manner, &card, counts).await;
            });
        }
    });
    Hostile { url, sent, asked }
}

async fn answer(
    mut socket: TcpStream,
    manner: Manner,
    card: &str,
    (sent, asked): (Arc<AtomicUsize>, Arc<AtomicUsize>),
) -> std::io::Result<()> {
    let mut request = vec![0; 65536];
    let read = socket.read(&mut request).await?;
    if request[..read].starts_with(b"GET /.well-known") {
        return socket
            .write_all(&reply("200 OK", "application/json", card))
            .await;
    }
    asked.fetch_add(1, Ordering::SeqCst);
    match manner {
        Manner::Say(bytes) => socket.write_all(&bytes).await?,
        Manner::Repeat(head, piece) => {
            socket.write_all(&head).await?;
            while sent.load(Ordering::SeqCst) < 1 << 30 {
                socket.write_all(&piece).await?;
                sent.fetch_add(piece.len(), Ordering::SeqCst);
            }
        }
        Manner::Drip => {
            socket.write_all(&head("Content-Length: 1000\r\n")).await?;
            loop {
                socket.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        Manner::LargeDrip(bytes) => {
            socket
                .write_all(&head("Content-Length: 9000000\r\n"))
                .await?;
            socket.write_all(&vec![b' '; bytes]).await?;
            sent.fetch_add(bytes, Ordering::SeqCst);
            loop {
                socket.write_all(b" ").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Manner::Page(before, after) => {
            let number = asked.load(Ordering::SeqCst);
            let body = format!("{before}{number}{after}");
            let page = reply("200 OK", "application/json", &body);
            socket.write_all(&page).await?;
        }
        Manner::HangUp => {}
    }
    socket.shutdown().await
}

fn head(more: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n{more}\r\n")
        .into_bytes()
}

fn reply(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn connect(kind: Kind, url: &str) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "hostile".into(),
        kind,
        url: url.to_owned(),
        credential: Some(Credential::Bearer("secret-token".to_owned())),
        known_tasks: vec![],
        known_questions: vec![],
    })
    .expect("it opens")
}

async fn refusal(kind: Kind, url: &str) -> PollError {
    let outcome = connect(kind, url).observe().await;
    outcome.expect_err("this is no answer")
}

/// Both kinds end in an error of this kind whose sentence has these words, without the address or the token.
async fn check(manner: Manner, expected: PollErrorKind, native: &str, a2a: &str) -> Hostile {
    let server = serve(manner).await;
    for (kind, words) in [(Kind::Native, native), (Kind::A2a, a2a)] {
        let error = refusal(kind, &server.url).await;
        let detail = error.detail.clone().expect("a sentence");
        assert_eq!(error.kind, expected, "{kind:?}: {detail}");
        assert!(detail.contains(words), "{kind:?}: {detail}");
        assert!(
            !detail.contains("127.0.0.1") && !detail.contains("secret-token"),
            "{detail}"
        );
        assert!(detail.chars().count() < 500, "{detail}");
    }
    // The others ask what serves there first, so each has words of its own.
    for kind in [Kind::LangGraph, Kind::OpenCode] {
        let error = refusal(kind, &server.url).await;
        let detail = error.detail.expect("a sentence");
        assert!(
            !detail.contains("127.0.0.1") && !detail.contains("secret-token"),
            "{kind:?}: {detail}"
        );
        assert!((1..500).contains(&detail.chars().count()), "{detail}");
    }
    server
}

#[tokio::test]
async fn a_web_page_is_no_answer() {
    let page = reply("200 OK", "text/html", "<html><title>Log in</title></html>");
    check(
        Manner::Say(page),
        PollErrorKind::Invalid,
        "JSON",
        "web page instead of JSON",
    )
    .await;
}

#[tokio::test]
async fn a_status_that_is_no_success_is_named() {
    for (status, words) in [
        ("500 Oops", "error of its own"),
        ("401 No", "refuses our credentials"),
        ("429 Slow", "slow down"),
        ("302 Found", "not followed"),
        ("307 Temporary", "not followed"),
        ("418 Teapot", "not a success"),
    ] {
        let answer = reply(status, "text/plain", "x");
        check(Manner::Say(answer), PollErrorKind::Http, words, words).await;
    }
}

#[tokio::test]
async fn a_redirect_takes_neither_us_nor_the_token_elsewhere() {
    let thief = serve(Manner::HangUp).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary\r\nLocation: {}/steal\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        thief.url
    );
    check(
        Manner::Say(answer.into_bytes()),
        PollErrorKind::Http,
        "not followed",
        "not followed",
    )
    .await;
    assert_eq!(thief.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_gigabyte_is_not_read() {
    let server = check(
        Manner::Repeat(
            head(&format!("Content-Length: {}\r\n", 1_u64 << 30)),
            vec![b' '; 1 << 16],
        ),
        PollErrorKind::Invalid,
        "larger than 16 MiB",
        "larger than 16 MiB",
    )
    .await;
    // Per request 16 MiB and what lay in the sockets; A2A asks a second time for less.
    let sent = server.sent.load(Ordering::SeqCst);
    assert!(sent < 8 * 32 * 1024 * 1024, "{sent} bytes were taken");
}

#[tokio::test]
async fn an_answer_in_crumbs_is_not_read_to_the_end() {
    check(
        Manner::Repeat(
            head("Transfer-Encoding: chunked\r\n"),
            b"1\r\n \r\n".repeat(1 << 12),
        ),
        PollErrorKind::Invalid,
        "more than 200,000 pieces",
        "more than 200,000 pieces",
    )
    .await;
}

#[tokio::test]
async fn a_compressed_bomb_is_counted_as_what_it_becomes() {
    let mut bomb = GzEncoder::new(vec![], Compression::fast());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..64 {
        bomb.write_all(&zeros).expect("it is compressed");
    }
    let body = bomb.finish().expect("it is compressed");
    let mut answer = head(&format!(
        "Content-Encoding: gzip\r\nContent-Length: {}\r\n",
        body.len()
    ));
    answer.extend(body);
    check(
        Manner::Say(answer),
        PollErrorKind::Invalid,
        "larger than 16 MiB",
        "larger than 16 MiB",
    )
    .await;
}

#[tokio::test]
async fn a_body_that_drips_is_given_up_after_the_whole_time_not_the_last_byte() {
    let server = serve(Manner::Drip).await;
    let (native, a2a, langgraph, opencode) = tokio::join!(
        refusal(Kind::Native, &server.url),
        refusal(Kind::A2a, &server.url),
        refusal(Kind::LangGraph, &server.url),
        refusal(Kind::OpenCode, &server.url)
    );
    for error in [native, a2a, langgraph, opencode] {
        assert_eq!(error.kind, PollErrorKind::Timeout);
        assert!(error.detail.expect("a sentence").contains("in time"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_that_drips_gives_its_turn_up_to_one_that_comes() {
    let slow = serve(Manner::LargeDrip(1_200_000)).await;
    let dripping = {
        let url = slow.url.clone();
        tokio::spawn(async move { refusal(Kind::Native, &url).await })
    };
    while slow.sent.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let document = format!(
        r#"{{"schemaVersion":"1.0","agent":{{"id":"a","name":"A","status":"online"}}{}}}"#,
        " ".repeat(3_000_000)
    );
    let good = serve(Manner::Say(reply("200 OK", "application/json", &document))).await;
    let began = std::time::Instant::now();
    let found = connect(Kind::Native, &good.url).observe().await;
    assert!(matches!(found, Ok(Observation::Document { .. })));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let error = dripping.await.expect("no panic");
    assert_eq!(error.kind, PollErrorKind::Invalid);
    let detail = error.detail.unwrap_or_default();
    assert!(detail.contains("less than 64 KiB a second"), "{detail}");
}

#[tokio::test]
async fn a_broken_answer_is_said_to_be_broken() {
    let words = "connection broke";
    check(Manner::HangUp, PollErrorKind::Connect, words, words).await;
    let mut half = head("Content-Length: 1000\r\n");
    half.extend(b"{\"schemaVersion\":");
    let words = "broke off";
    check(Manner::Say(half), PollErrorKind::Invalid, words, words).await;
    let mut damaged = head("Content-Encoding: gzip\r\nContent-Length: 9\r\n");
    damaged.extend(b"not gzip!");
    check(
        Manner::Say(damaged),
        PollErrorKind::Invalid,
        "damaged",
        "damaged",
    )
    .await;
    check(
        Manner::Say(b"\x00\x01\x02 hello\r\n\r\n".to_vec()),
        PollErrorKind::Connect,
        "",
        "",
    )
    .await;
    let refused = refusal(Kind::Native, "http://127.0.0.1:9/").await;
    assert_eq!(refused.kind, PollErrorKind::Connect);
}

#[tokio::test]
async fn pages_in_a_circle_are_noticed() {
    // The same page names itself as the next one.
    let native = r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},"tasks":[],"nextCursor":"again"}"#;
    let a2a = r#"{"jsonrpc":"2.0","id":1,"result":{"tasks":[],"nextPageToken":"again"}}"#;
    for (kind, body) in [(Kind::Native, native), (Kind::A2a, a2a)] {
        let server = serve(Manner::Say(reply("200 OK", "application/json", body))).await;
        let mut endpoint = connect(kind, &server.url);
        let mut error = None;
        for _ in 0..5 {
            if let Err(found) = endpoint.observe().await {
                error = Some(found);
                break;
            }
        }
        let detail = error.and_then(|error| error.detail).expect("it ends");
        assert!(detail.contains("circle"), "{kind:?}: {detail}");
    }
}

#[tokio::test]
async fn one_bad_item_loses_only_itself() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let bad = [
        "7".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        r#"{"id":7}"#.to_owned(),
        r#"{"id":"x","status":"working"}"#.to_owned(),
        r#"{"id":"x","id":"y","status":{"state":"TASK_STATE_WORKING"}}"#.to_owned(),
        r#"{"id":"x","status":{"state":"TASK_STATE_WORKING"},"history":{}}"#.to_owned(),
        r#"{"id":"\ud800","status":{"state":"TASK_STATE_WORKING"}}"#.to_owned(),
        format!(r#"{{"id":"x","metadata":{{"deep":{deep}}}}}"#),
        format!(
            r#"{{"id":"{}","status":{{"state":"TASK_STATE_WORKING"}}}}"#,
            "x".repeat(2000)
        ),
    ];
    for bad in bad {
        let good = |id: &str| {
            format!(r#"{{"id":"{id}","contextId":"c","status":{{"state":"TASK_STATE_WORKING"}}}}"#)
        };
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"tasks":[{},{bad},{}],"nextPageToken":""}}}}"#,
            good("one"),
            good("two")
        );
        let server = serve(Manner::Say(reply("200 OK", "application/json", &body))).await;
        let seen = connect(Kind::A2a, &server.url).observe().await;
        let Ok(Observation::Document { body, .. }) = seen else {
            panic!("{bad}: {seen:?}");
        };
        let document = contract::read(body.as_bytes()).expect("a status document");
        let mut ids: Vec<_> = document
            .tasks
            .iter()
            .flatten()
            .map(|task| task.value.id.to_string())
            .collect();
        ids.retain(|id| id != "x");
        assert_eq!(ids, ["one", "two"], "{bad}");
        let letters: HashSet<_> = document
            .problems
            .iter()
            .map(|problem| problem.raw.clone())
            .collect();
        assert_eq!(letters.len(), 1, "{bad}: {:?}", document.problems);
    }
}

#[tokio::test]
async fn an_error_of_the_agent_is_told_in_few_words() {
    let words = "z".repeat(100_000);
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":1,"error":{{"code":-32603,"message":"{words}"}}}}"#);
    let server = serve(Manner::Say(reply("200 OK", "application/json", &body))).await;
    let detail = refusal(Kind::A2a, &server.url)
        .await
        .detail
        .expect("a sentence");
    assert!(
        detail.contains("-32603") && detail.len() < 500,
        "{} bytes",
        detail.len()
    );
}

#[tokio::test]
async fn pages_without_end_give_others_their_turn_and_are_given_up() {
    let native = Manner::Page(
        r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},"tasks":[],"nextCursor":""#,
        r#""}"#,
    );
    let a2a = Manner::Page(
        r#"{"jsonrpc":"2.0","id":1,"result":{"tasks":[],"nextPageToken":""#,
        r#""}}"#,
    );
    for (kind, manner) in [(Kind::Native, native), (Kind::A2a, a2a)] {
        let server = serve(manner).await;
        let mut endpoint = connect(kind, &server.url);
        let mut pauses = 0;
        let error = loop {
            match endpoint.observe().await {
                Ok(Observation::Document {
                    last,
                    poll_after_seconds,
                    ..
                }) => {
                    assert!(!last, "{kind:?}");
                    pauses += u32::from(poll_after_seconds.is_some());
                }
                Ok(Observation::Unchanged) => panic!("{kind:?}: there is always more"),
                Err(error) => break error,
            }
        };
        assert!(error.detail.expect("a sentence").contains("no end"));
        assert!(pauses >= 99, "{kind:?}: {pauses} pauses for others");
        let asked = server.asked.load(Ordering::SeqCst);
        assert!(asked <= 2002, "{kind:?}: {asked} pages were asked for");
    }
}

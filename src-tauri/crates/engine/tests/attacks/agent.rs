//! A hostile agent of the contract: it serves any bytes, changes them when a row says so, answers decisions as it likes, goes
//! away and comes back, and keeps exactly what it was sent. It knows nothing of questions.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::AbortHandle,
};

/// A decision as it came over the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) body: String,
}

impl Post {
    /// A member of the body; null when it has none.
    pub(crate) fn told(&self, member: &str) -> Value {
        let body: Value = serde_json::from_str(&self.body).expect("a decision is JSON");
        body[member].clone()
    }
}

#[derive(Debug)]
struct State {
    /// Page by page; the cursor of each is its number.
    pages: Mutex<Vec<String>>,
    /// All pages but the first are answered while this is true.
    goes_on: watch::Sender<bool>,
    /// Requests for them.
    asked_on: AtomicUsize,
    /// What decisions are answered with.
    reply: Mutex<(&'static str, &'static str)>,
    /// Decisions are answered while this is true.
    answers: watch::Sender<bool>,
    posts: Mutex<Vec<Post>>,
    polls: AtomicUsize,
    listening: Mutex<Option<AbortHandle>>,
    /// Keeps the port while nobody listens there.
    kept: Mutex<Option<TcpSocket>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) port: u16,
    state: Arc<State>,
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn socket(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("it can be set");
    socket
        .bind(([127, 0, 0, 1], port).into())
        .expect("the port is free");
    socket
}

impl Agent {
    /// Listens on a free port, and applies every decision.
    pub(crate) fn start(document: String) -> Self {
        let kept = socket(0);
        let agent = Self {
            port: kept.local_addr().expect("an address").port(),
            state: Arc::new(State {
                pages: Mutex::new(vec![document]),
                goes_on: watch::channel(true).0,
                asked_on: AtomicUsize::new(0),
                reply: Mutex::new(("200 OK", r#"{"applied":true}"#)),
                answers: watch::channel(true).0,
                posts: Mutex::default(),
                polls: AtomicUsize::new(0),
                listening: Mutex::default(),
                kept: Mutex::new(Some(kept)),
            }),
        };
        agent.comes_back();
        agent
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/status", self.port)
    }

    pub(crate) fn serves(&self, document: String) {
        self.serves_pages(vec![document]);
    }

    pub(crate) fn serves_pages(&self, pages: Vec<String>) {
        *lock(&self.state.pages) = pages;
    }

    /// Whether it answers for more than the first page now.
    pub(crate) fn goes_on(&self, now: bool) {
        self.state.goes_on.send_replace(now);
    }

    pub(crate) fn asked_on(&self) -> usize {
        self.state.asked_on.load(Ordering::SeqCst)
    }

    pub(crate) fn replies(&self, status: &'static str, body: &'static str) {
        *lock(&self.state.reply) = (status, body);
    }

    /// Whether decisions are answered now, or only taken.
    pub(crate) fn answers(&self, now: bool) {
        self.state.answers.send_replace(now);
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        lock(&self.state.posts).clone()
    }

    pub(crate) fn polls(&self) -> usize {
        self.state.polls.load(Ordering::SeqCst)
    }

    /// From now on connections are refused.
    pub(crate) async fn goes_away(&self) {
        if let Some(task) = lock(&self.state.listening).take() {
            task.abort();
        }
        // The listener is dropped a moment later.
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
            tokio::task::yield_now().await;
        }
        *lock(&self.state.kept) = Some(socket(self.port));
    }

    pub(crate) fn comes_back(&self) {
        let kept = lock(&self.state.kept).take().expect("it was away");
        let listener = kept.listen(64).expect("it listens");
        let task = tokio::spawn(self.clone().listen(listener));
        *lock(&self.state.listening) = Some(task.abort_handle());
    }

    async fn listen(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let agent = self.clone();
            // The client hangs up when it likes.
            tokio::spawn(async move { drop(agent.answer(stream).await) });
        }
    }

    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut got = vec![];
        let (head, body) = loop {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await?;
            if count == 0 {
                return Ok(());
            }
            got.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&got);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length: usize = header(head, "content-length").parse().unwrap_or(0);
            if body.len() >= length {
                break (head.to_owned(), body.to_owned());
            }
        };
        let (status, answer) = if head.starts_with("POST") {
            lock(&self.state.posts).push(Post {
                path: head.split(' ').nth(1).unwrap_or_default().to_owned(),
                key: header(&head, "idempotency-key"),
                version: header(&head, "if-match"),
                body,
            });
            // Ends when the agent does.
            let _ = self.state.answers.subscribe().wait_for(|now| *now).await;
            let (status, body) = *lock(&self.state.reply);
            (status, body.to_owned())
        } else {
            self.state.polls.fetch_add(1, Ordering::SeqCst);
            let cursor = head.split_once("cursor=").map(|(_, rest)| rest);
            let number = cursor.and_then(|rest| rest.split(['&', ' ']).next()?.parse().ok());
            let number: usize = number.unwrap_or(0);
            if number > 0 {
                self.state.asked_on.fetch_add(1, Ordering::SeqCst);
                let _ = self.state.goes_on.subscribe().wait_for(|now| *now).await;
            }
            let pages = lock(&self.state.pages);
            ("200 OK", pages.get(number).cloned().unwrap_or_default())
        };
        let length = answer.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(answer.as_bytes()).await
    }
}

/// The value of a header; empty without it.
fn header(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    });
    line.unwrap_or_default().to_owned()
}

//! Stands between us and a real server, and breaks off at the worst moment: when an answer is on its way, before it
//! arrives or before anything is heard of it. It passes bytes on and understands nothing but the first line of a request.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Notify, oneshot},
};

/// When it breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The answer does not reach the server.
    Before,
    /// The server has it and has said something, which does not reach us.
    After,
}

/// When to break off next, and what says that it is to be done.
type Plan = Option<(Cut, oneshot::Receiver<()>)>;

/// A running relay; it ends with its runtime.
#[derive(Clone)]
pub(crate) struct Relay {
    /// `http://127.0.0.1:port`
    pub(crate) url: String,
    to: String,
    /// What the first line of an answer has in it.
    path: &'static str,
    sent: Arc<AtomicUsize>,
    /// Streams of events that were asked for, and how many of them are dead, though nobody said so.
    streams: Arc<AtomicUsize>,
    dead: Arc<AtomicUsize>,
    plan: Arc<Mutex<Plan>>,
    caught: Arc<Notify>,
}

impl Relay {
    /// Before the server at this address; what is posted to a path with `path` in it is an answer.
    pub(crate) async fn to(url: &str, path: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let relay = Self {
            url: format!("http://127.0.0.1:{port}"),
            to: url.trim_start_matches("http://").to_owned(),
            path,
            sent: Arc::default(),
            streams: Arc::default(),
            dead: Arc::default(),
            plan: Arc::default(),
            caught: Arc::default(),
        };
        let served = relay.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move { served.pass(stream).await });
            }
        });
        relay
    }

    /// Answers that were sent, whether they arrived or not.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Streams of events that were asked for.
    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Ordering::SeqCst)
    }

    /// From now on nothing comes through the streams that are open; they are not closed either.
    pub(crate) fn lose_streams(&self) {
        self.dead.store(self.streams(), Ordering::SeqCst);
    }

    /// Breaks off at the next answer: it is held until what comes back is used or dropped.
    pub(crate) fn cut(&self, cut: Cut) -> oneshot::Sender<()> {
        let (go, gone) = oneshot::channel();
        *self.plan() = Some((cut, gone));
        go
    }

    /// Waits until an answer is held.
    pub(crate) async fn caught(&self) {
        let caught = self.caught.notified();
        let caught = tokio::time::timeout(std::time::Duration::from_secs(60), caught).await;
        caught.expect("an answer is sent within a minute");
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(&self, mut us: TcpStream) {
        let Ok(mut server) = TcpStream::connect(&self.to).await else {
            return;
        };
        let (mut ours, mut theirs) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
        let mut held = None;
        let mut stream = usize::MAX;
        loop {
            tokio::select! {
                read = us.read(&mut ours) => {
                    let Some(piece) = read.ok().and_then(|count| ours.get(..count)).filter(|piece| !piece.is_empty()) else {
                        return;
                    };
                    let line = piece.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    let line = String::from_utf8_lossy(line);
                    if line.starts_with("POST ") && line.contains(self.path) {
                        self.sent.fetch_add(1, Ordering::Relaxed);
                        held = self.plan().take();
                    }
                    if line.starts_with("GET /global/event") {
                        stream = self.streams.fetch_add(1, Ordering::SeqCst);
                    }
                    if let Some((Cut::Before, gone)) = &mut held {
                        self.caught.notify_one();
                        let _ = gone.await;
                        return;
                    }
                    if server.write_all(piece).await.is_err() {
                        return;
                    }
                }
                read = server.read(&mut theirs) => {
                    let Some(piece) = read.ok().and_then(|count| theirs.get(..count)).filter(|piece| !piece.is_empty()) else {
                        return;
                    };
                    if stream < self.dead.load(Ordering::SeqCst) {
                        continue;
                    }
                    if let Some((_, gone)) = &mut held {
                        self.caught.notify_one();
                        let _ = gone.await;
                        return;
                    }
                    if us.write_all(piece).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

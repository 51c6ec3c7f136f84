//! A small agent of the contract whose document a test changes, for the tests of the engine.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// An agent whose document a test changes, and what it was sent.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) port: u16,
    pub(crate) document: Arc<Mutex<Value>>,
    /// What its decisions are answered with: status line and body.
    pub(crate) reply: Arc<Mutex<(&'static str, Value)>>,
    pub(crate) sent: Arc<Mutex<Vec<Value>>>,
}

pub(crate) fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agent {
    /// Starts one on a free port; it applies every decision.
    pub(crate) async fn start(document: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let agent = Self {
            port: listener.local_addr().expect("an address").port(),
            document: Arc::new(Mutex::new(document)),
            reply: Arc::new(Mutex::new(("200 OK", json!({ "applied": true })))),
            sent: Arc::default(),
        };
        let served = agent.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = served.clone();
                // The client hangs up when it likes.
                tokio::spawn(async move { drop(served.answer(stream).await) });
            }
        });
        agent
    }

    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut got = vec![];
        let (head, length) = loop {
            let mut part = [0; 4096];
            let read = stream.read(&mut part).await?;
            if read == 0 {
                return Ok(());
            }
            got.extend_from_slice(&part[..read]);
            let text = String::from_utf8_lossy(&got).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length: usize = head
                    .lines()
                    .find_map(|line| {
                        line.to_lowercase()
                            .strip_prefix("content-length: ")?
                            .parse()
                            .ok()
                    })
                    .unwrap_or(0);
                if body.len() >= length {
                    break (text.clone(), length);
                }
            }
        };
        let (status, body) = if head.starts_with("POST") {
            let body = &head[head.len() - length..];
            lock(&self.sent).push(serde_json::from_str(body).expect("a decision"));
            lock(&self.reply).clone()
        } else {
            ("200 OK", lock(&self.document).clone())
        };
        let body = body.to_string();
        let reply = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(reply.as_bytes()).await
    }

    /// Adds an access to what it has reported.
    pub(crate) fn touches(&self, access: Value) {
        let mut document = lock(&self.document);
        document["accesses"]
            .as_array_mut()
            .expect("a list")
            .push(access);
    }
}

//! A small agent of the contract whose document a test changes, for the tests of the engine.

pub(crate) mod http;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

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
        let Some((_, posted)) = http::asked(&mut stream).await? else {
            return Ok(());
        };
        let (status, body) = match posted {
            Some(decision) => {
                lock(&self.sent).push(decision);
                lock(&self.reply).clone()
            }
            None => ("200 OK", lock(&self.document).clone()),
        };
        http::answer(&mut stream, status, &body).await
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

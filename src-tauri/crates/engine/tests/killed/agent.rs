//! An agent that asks question after question and takes an answer once per key, as the contract promises. It counts
//! what arrives, and can leave a request unanswered for ever, before or after it took effect.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use serde_json::{Value, json};

/// What the agent does with the next answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    /// Applies it and says so.
    Applies,
    /// Takes it, and shows the effect in its document only.
    Takes,
    /// Reads the next request whole and does nothing with it; applies later ones.
    StopsBeforeTheEffect,
    /// Applies the next one and never says so; later ones are answered.
    StopsAfterTheEffect,
}

/// What it knows of one question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Keys that had an effect, in order.
    pub(crate) effects: Vec<String>,
    /// Every request: its key and its bytes.
    pub(crate) requests: Vec<(String, String)>,
}

struct Inner {
    questions: usize,
    mood: Mood,
    /// A request was left unanswered.
    stopped: bool,
    records: BTreeMap<String, Record>,
}

/// Serves until the test's process ends.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Agent {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let agent = Self {
            url: format!("http://{}/status", listener.local_addr().expect("bound")),
            inner: Arc::new(Mutex::new(Inner {
                questions: 0,
                mood: Mood::Applies,
                stopped: false,
                records: BTreeMap::new(),
            })),
        };
        let served = agent.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let served = served.clone();
                // The other side is killed when it likes.
                thread::spawn(move || served.serve(stream).unwrap_or_default());
            }
        });
        agent
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks one more question, `q0`, `q1`, …, and meets its answer in this mood.
    pub(crate) fn asks(&self, mood: Mood) -> String {
        let mut inner = self.lock();
        inner.questions += 1;
        inner.mood = mood;
        inner.stopped = false;
        format!("q{}", inner.questions - 1)
    }

    /// A request was left unanswered since the last question.
    pub(crate) fn has_stopped(&self) -> bool {
        self.lock().stopped
    }

    pub(crate) fn record(&self, question: &str) -> Record {
        self.lock()
            .records
            .get(question)
            .cloned()
            .unwrap_or_default()
    }

    fn document(&self) -> Value {
        let inner = self.lock();
        let asked = (0..inner.questions).map(|number| {
            let id = format!("q{number}");
            let settled = inner
                .records
                .get(&id)
                .is_some_and(|record| !record.effects.is_empty());
            json!({
                "id": id, "version": "1", "kind": "approval", "title": format!("Delete {number}"), "message": "May I?",
                "proposedAction": { "name": "files.delete", "args": { "path": format!("/tmp/{number}") } },
                "createdAt": "2026-11-01T09:00:00Z", "status": if settled { "resolved" } else { "pending" },
            })
        });
        json!({
            "schemaVersion": "1.0", "agent": { "id": "asker", "name": "Asker", "status": "online" },
            "escalations": asked.collect::<Vec<_>>(), "pollAfterSeconds": 1,
        })
    }

    /// The answer to a decision; `None` is none.
    fn decided(&self, question: &str, key: String, body: String) -> Option<(&'static str, Value)> {
        let mut inner = self.lock();
        let mood = inner.mood;
        if matches!(mood, Mood::StopsBeforeTheEffect | Mood::StopsAfterTheEffect) {
            inner.mood = Mood::Applies;
        }
        let record = inner.records.entry(question.to_owned()).or_default();
        record.requests.push((key.clone(), body));
        if mood != Mood::StopsBeforeTheEffect && !record.effects.contains(&key) {
            record.effects.push(key);
        }
        match mood {
            Mood::Applies => Some(("200 OK", json!({ "applied": true }))),
            Mood::Takes => Some(("202 Accepted", json!({}))),
            Mood::StopsBeforeTheEffect | Mood::StopsAfterTheEffect => {
                inner.stopped = true;
                None
            }
        }
    }

    /// One request for each connection.
    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut head = vec![];
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if line.trim().is_empty() {
                break;
            }
            head.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            head.iter().find_map(|line| {
                let (known, value) = line.split_once(':')?;
                known
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        let (status, body) = match header("content-length") {
            None => ("200 OK", self.document()),
            Some(length) => {
                let mut body = vec![0; length.parse().ok()?];
                reader.read_exact(&mut body).ok()?;
                let question = head.first()?.split('/').nth(2)?;
                let key = header("idempotency-key")?;
                match self.decided(question, key, String::from_utf8(body).ok()?) {
                    Some(answer) => answer,
                    None => {
                        // Held open until the other side is dead.
                        let _ = reader.read_to_end(&mut vec![]);
                        return None;
                    }
                }
            }
        };
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).ok()
    }
}

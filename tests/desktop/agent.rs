//! An agent for the walks: a real HTTP server outside the app's processes that serves one task with one question, and
//! keeps every byte it is sent. It applies a decision once for each Idempotency-Key, as the contract asks.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// What the question proposes, with blanks and an order of members that no serialiser would write: whoever signs
/// something else than these bytes is found out.
pub(crate) const ACTION: &str = r#"{"name":"mail.send",  "target":"output:mail/marta" , "args":{"subject":"Invoice 7","amount":1.50}}"#;

/// Long ago and far ahead, so that no walk meets the end of either.
const ASKED: &str = "2026-01-05T09:00:00Z";
const UNTIL: &str = "2099-01-05T09:00:00Z";

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

#[derive(Default)]
struct State {
    decisions: Vec<Heard>,
    effects: Vec<String>,
    questions: usize,
}

/// Serves until the test process ends.
pub(crate) struct Agent {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Agent {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            questions: 1,
            ..State::default()
        }));
        let served = Arc::clone(&state);
        let port = serve(move |method, heard| {
            let mut state = served.lock().unwrap_or_else(PoisonError::into_inner);
            match method {
                "GET" if heard.path.starts_with("/status") => Some(document(&state)),
                "POST" => Some(take(&mut state, heard)),
                _ => None,
            }
        });
        Self { port, state }
    }

    /// What a person types to add it.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/status", self.port)
    }

    /// Every decision that came, also repeated ones.
    pub(crate) fn decisions(&self) -> Vec<Heard> {
        self.lock().decisions.clone()
    }

    /// Which questions a decision was applied to, once for each time.
    pub(crate) fn effects(&self) -> Vec<String> {
        self.lock().effects.clone()
    }

    /// Asks the next question.
    pub(crate) fn ask_again(&self) {
        self.lock().questions += 1;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers requests on a port of its own until the test process ends; `None` is "not found".
pub(crate) fn serve(answer: impl Fn(&str, Heard) -> Option<String> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || converse(stream, &*answer));
        }
    });
    port
}

/// Answers requests of one connection until the other side closes it.
fn converse(mut stream: TcpStream, answer: &dyn Fn(&str, Heard) -> Option<String>) {
    // A killed app leaves half a request behind; nobody waits for that for ever.
    if stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .is_err()
    {
        return;
    }
    while let Some((method, heard)) = read(&mut stream) {
        let (status, body) = match answer(&method, heard) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", "{}".to_owned()),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<(String, Heard)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let length = some(stream.read(&mut buffer).ok()?)?;
        bytes.extend_from_slice(&buffer[..length]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let body: usize = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    while bytes.len() < end + body {
        let length = some(stream.read(&mut buffer).ok()?)?;
        bytes.extend_from_slice(&buffer[..length]);
    }
    let body = String::from_utf8_lossy(&bytes[end..end + body]).into_owned();
    Some((
        method,
        Heard {
            path,
            headers,
            body,
        },
    ))
}

/// Nothing read: the other side closed.
fn some(read: usize) -> Option<usize> {
    (read > 0).then_some(read)
}

fn document(state: &State) -> String {
    let open = state.questions > state.effects.len();
    let task = json!({
        "id": "t1",
        "title": "Invoice for Marta",
        "status": { "state": if open { "input-required" } else { "completed" } },
    });
    let questions: Vec<String> = (1..=state.questions)
        .map(|number| question(number, state))
        .collect();
    format!(
        r#"{{"schemaVersion":"1.0","agent":{{"id":"billing","name":"Billing","status":"online"}},"tasks":[{task}],"escalations":[{}],"pollAfterSeconds":1}}"#,
        questions.join(",")
    )
}

fn question(number: usize, state: &State) -> String {
    let id = format!("q{number}");
    let status = if state.effects.contains(&id) {
        "resolved"
    } else {
        "pending"
    };
    format!(
        r#"{{"id":"{id}","version":"v{number}","kind":"approval","title":"Send invoice {number}","message":"The invoice is ready.","createdAt":"{ASKED}","expiresAt":"{UNTIL}","taskId":"t1","status":"{status}","proposedAction":{ACTION}}}"#
    )
}

fn take(state: &mut State, heard: Heard) -> String {
    let id = heard.path.split('/').nth(2).unwrap_or_default().to_owned();
    let first = !state.effects.contains(&id);
    if first {
        state.effects.push(id.clone());
    }
    // The same key again is answered as it was the first time.
    let key = heard.headers.get("idempotency-key").cloned();
    let again = state
        .decisions
        .iter()
        .any(|known| known.headers.get("idempotency-key") == key.as_ref());
    state.decisions.push(heard);
    let number = id.trim_start_matches('q').parse().unwrap_or(0);
    let escalation: Value = serde_json::from_str(&question(number, state)).unwrap_or_default();
    json!({ "applied": first || again, "escalation": escalation }).to_string()
}

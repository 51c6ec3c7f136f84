//! The scripted agents over HTTP on loopback, for tests and for curious people: a small HTTP/1.1 server of its own, so that
//! the demo needs no web framework. Speaks what the contract needs and nothing else: GET with ETag, POST with a length.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;
use domain::contract::PROBLEM_PREFIX;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::script::{Reply, Script, digest};

/// Longest head of a request that is read, bytes.
const HEAD: usize = 16 * 1024;
/// Longest body of a request that is read, bytes.
const BODY: usize = 1024 * 1024;

/// A request, as far as the demo cares.
struct Request {
    method: String,
    path: String,
    if_none_match: Option<String>,
    if_match: Option<String>,
    key: String,
    body: String,
    close: bool,
}

/// What goes back.
struct Response {
    status: &'static str,
    etag: Option<String>,
    body: String,
}

impl Response {
    fn json(status: &'static str, body: &Value) -> Self {
        Self {
            status,
            etag: None,
            body: body.to_string(),
        }
    }

    fn problem(status: &'static str, name: &str, detail: &str) -> Self {
        Self::json(
            status,
            &json!({ "type": format!("{PROBLEM_PREFIX}{name}"), "title": detail }),
        )
    }
}

/// Serves the script until the task is dropped. One task per connection.
pub async fn serve(listener: TcpListener, script: Arc<Mutex<Script>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, Arc::clone(&script)));
            }
            // Out of sockets: wait for some to be given back.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

async fn connection(mut stream: TcpStream, script: Arc<Mutex<Script>>) {
    let mut buffer = Vec::new();
    loop {
        let request = match read(&mut stream, &mut buffer).await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(status) => {
                let refusal =
                    Response::problem(status, "bad-request", "The request cannot be read.");
                let _ = stream.write_all(&render(&refusal)).await;
                return;
            }
        };
        let response = answer(&request, &script);
        if stream.write_all(&render(&response)).await.is_err() || request.close {
            return;
        }
    }
}

/// The next request of a connection; `None` = it was closed.
async fn read(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> Result<Option<Request>, &'static str> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > HEAD {
            return Err("431 Request Header Fields Too Large");
        }
        if fill(stream, buffer).await == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8(buffer[..head_end].to_vec()).map_err(|_| "400 Bad Request")?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1")) = (words.next(), words.next(), words.next())
    else {
        return Err("400 Bad Request");
    };
    let mut request = Request {
        method: method.to_owned(),
        path: path.split('?').next().unwrap_or_default().to_owned(),
        if_none_match: None,
        if_match: None,
        key: String::new(),
        body: String::new(),
        close: false,
    };
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim().to_owned();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().map_err(|_| "400 Bad Request")?,
            "transfer-encoding" => return Err("411 Length Required"),
            "if-none-match" => request.if_none_match = Some(value),
            "if-match" => request.if_match = Some(value),
            "idempotency-key" => request.key = value,
            "connection" => request.close = value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    if length > BODY {
        return Err("413 Content Too Large");
    }
    let end = head_end + 4 + length;
    while buffer.len() < end {
        if fill(stream, buffer).await == 0 {
            return Ok(None);
        }
    }
    request.body =
        String::from_utf8(buffer[head_end + 4..end].to_vec()).map_err(|_| "400 Bad Request")?;
    buffer.drain(..end);
    Ok(Some(request))
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> usize {
    stream.read_buf(buffer).await.unwrap_or(0)
}

fn render(response: &Response) -> Vec<u8> {
    let etag = response
        .etag
        .as_ref()
        .map(|tag| format!("ETag: {tag}\r\n"))
        .unwrap_or_default();
    format!(
        "HTTP/1.1 {}\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\n{etag}Content-Length: {}\r\n\r\n{}",
        response.status,
        response.body.len(),
        response.body
    )
    .into_bytes()
}

fn answer(request: &Request, script: &Mutex<Script>) -> Response {
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Utc::now();
    let parts: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["log"]) => Response::json("200 OK", &Value::Array(script.log().to_vec())),
        ("GET", [agent, "status"]) => match script.status(agent, now) {
            Some(body) => status(body, request.if_none_match.as_deref()),
            None => missing(),
        },
        ("POST", [agent, "escalations", id, "decision"]) => {
            let version = request.if_match.as_deref();
            reply(script.decide(agent, id, &request.key, version, &request.body, now))
        }
        ("POST", [agent, "tasks", id, "cancel"]) => {
            reply(script.cancel(agent, id, &request.key, now))
        }
        ("GET" | "POST", _) => missing(),
        _ => Response::problem(
            "405 Method Not Allowed",
            "method",
            "Only GET and POST are known here.",
        ),
    }
}

fn status(body: String, seen: Option<&str>) -> Response {
    let tag = format!("\"{}\"", &digest(body.as_bytes())[7..39]);
    let same = seen == Some(tag.as_str());
    Response {
        status: if same { "304 Not Modified" } else { "200 OK" },
        etag: Some(tag),
        body: if same { String::new() } else { body },
    }
}

fn missing() -> Response {
    Response::problem(
        "404 Not Found",
        "not-found",
        "There is nothing of that name.",
    )
}

fn reply(reply: Reply) -> Response {
    match reply {
        Reply::Applied => Response::json("200 OK", &json!({ "applied": true })),
        Reply::AlreadyResolved(item) => {
            Response::json("200 OK", &json!({ "applied": false, "escalation": item }))
        }
        Reply::Changed => Response::problem(
            "412 Precondition Failed",
            "changed",
            "The question has changed.",
        ),
        Reply::Missing => missing(),
        Reply::Gone => Response::problem("410 Gone", "gone", "The question is no longer open."),
        Reply::Refused(reason) => {
            Response::problem("422 Unprocessable Content", "refused", &reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    async fn start() -> std::net::SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let script = Script::new(Utc::now() - Duration::hours(9));
        tokio::spawn(serve(listener, Arc::new(Mutex::new(script))));
        address
    }

    async fn exchange(stream: &mut TcpStream, request: &str) -> String {
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut bytes = Vec::new();
        loop {
            stream.read_buf(&mut bytes).await.expect("read");
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .split("Content-Length: ")
                    .nth(1)
                    .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
                if length == Some(body.len()) {
                    return text;
                }
            }
        }
    }

    #[tokio::test]
    async fn an_unchanged_status_is_a_304_on_the_same_connection() {
        let mut stream = TcpStream::connect(start().await).await.expect("connected");
        let first = exchange(
            &mut stream,
            "GET /article-editor/status?limit=5 HTTP/1.1\r\nHost: x\r\n\r\n",
        )
        .await;
        assert!(first.starts_with("HTTP/1.1 200"), "{first}");
        let tag = first
            .split("ETag: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next())
            .expect("an ETag");
        let again = format!("GET /article-editor/status HTTP/1.1\r\nIf-None-Match: {tag}\r\n\r\n");
        let second = exchange(&mut stream, &again).await;
        assert!(second.starts_with("HTTP/1.1 304"), "{second}");
    }

    #[tokio::test]
    async fn what_was_received_can_be_read_back() {
        let mut stream = TcpStream::connect(start().await).await.expect("connected");
        let post = "POST /payment-runner/escalations/pay-7001/decision HTTP/1.1\r\nIdempotency-Key: k\r\nIf-Match: \"9\"\r\nContent-Length: 2\r\n\r\n{}";
        let reply = exchange(&mut stream, post).await;
        assert!(reply.starts_with("HTTP/1.1 412"), "{reply}");
        let log = exchange(&mut stream, "GET /log HTTP/1.1\r\n\r\n").await;
        assert!(log.contains("\"idempotencyKey\":\"k\""), "{log}");
    }

    #[tokio::test]
    async fn unknown_paths_and_unreadable_requests_are_refused() {
        for (request, status) in [
            ("GET /nobody/status HTTP/1.1\r\n\r\n", "404"),
            ("DELETE /log HTTP/1.1\r\n\r\n", "405"),
            ("nonsense\r\n\r\n", "400"),
            (
                "POST /log HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "411",
            ),
            (
                "POST /log HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
                "413",
            ),
        ] {
            let mut stream = TcpStream::connect(start().await).await.expect("connected");
            let reply = exchange(&mut stream, request).await;
            assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
        }
    }
}

//! One request and one answer of JSON over a socket, for agents that tests make up. What is answered is theirs to say.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The path with what stands behind `?`, and the body where something was posted (null when it is no JSON).
type Asked = (String, Option<Value>);

/// A whole request; `None` when the other side hung up before its end.
pub(crate) async fn asked(stream: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut got = vec![];
    loop {
        let mut part = [0; 4096];
        let count = stream.read(&mut part).await?;
        if count == 0 {
            return Ok(None);
        }
        got.extend_from_slice(&part[..count]);
        let text = String::from_utf8_lossy(&got);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            let line = line.to_lowercase();
            line.strip_prefix("content-length:")?.trim().parse().ok()
        });
        if body.len() >= length.unwrap_or(0) {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let post = head.starts_with("POST");
            let posted = post.then(|| serde_json::from_str(body).unwrap_or_default());
            return Ok(Some((path, posted)));
        }
    }
}

/// Answers, and hangs up with the next drop.
pub(crate) async fn answer(
    stream: &mut TcpStream,
    status: &str,
    body: &Value,
) -> std::io::Result<()> {
    let body = body.to_string();
    let length = body.len();
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(reply.as_bytes()).await
}

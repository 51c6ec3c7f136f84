//! A server of paths that answers each request with bytes and closes: for what a whole answer, its headers or its absence do.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Requests as they came.
pub(crate) type Heard = Arc<Mutex<Vec<String>>>;

/// Answers by verb, path with query, and whole request. Its address, and what it heard.
pub(crate) async fn paths(
    mut answer: impl FnMut(&str, &str, &str) -> Vec<u8> + Send + 'static,
) -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let heard = Heard::default();
    let notes = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let read = socket.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let mut words = request.split_whitespace();
            let verb = words.next().unwrap_or_default().to_owned();
            let path = words.next().unwrap_or_default().to_owned();
            notes.lock().expect("notes").push(request.clone());
            let _ = socket.write_all(&answer(&verb, &path, &request)).await;
            let _ = socket.shutdown().await;
        }
    });
    (url, heard)
}

/// One answer with JSON.
pub(crate) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
    .into_bytes()
}

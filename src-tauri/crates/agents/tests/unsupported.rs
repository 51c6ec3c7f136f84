//! Servers that people have and that are not spoken to here are called by name, and nothing else is called so.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/paths.rs"]
mod bytes;

use bytes::{paths, reply};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NOT_FOUND: &str = r#"{"detail":"Not Found"}"#;

/// What is said of a server that answers so: by path and verb.
async fn said(
    path: &str,
    answer: impl FnMut(&str, &str, &str) -> Vec<u8> + Send + 'static,
) -> (String, bytes::Heard) {
    let (url, heard) = paths(answer).await;
    let error = agents::probe(&format!("{url}{path}"), None).await;
    let words = error.expect_err("none of ours").detail;
    (words.expect("words"), heard)
}

#[tokio::test]
async fn known_servers_that_are_not_spoken_to_are_called_by_name() {
    // Agno 3.1 as it is, and with OS_SECURITY_KEY set.
    let config = json!({"id": "demo", "available_models": [], "agents": [], "teams": []});
    let about =
        json!({"os_id": "1", "name": null, "agno_version": "3.1.10", "auth_mode": "security_key"});
    let titled = |title: &str| json!({"openapi": "3.1.0", "info": {"title": title}});
    for (path, body, others, name) in [
        (
            "/openapi.json",
            titled("OpenHands Agent Server"),
            "404 X",
            "OpenHands",
        ),
        ("/config", config, "404 X", "Agno"),
        ("/info", about, "401 X", "Agno"),
        ("/openapi.json", titled("Agno AgentOS"), "401 X", "Agno"),
        ("/openapi.json", titled("Agno AgentOS"), "403 X", "Agno"),
    ] {
        let body = body.to_string();
        let (words, _) = said("", move |_, asked, _| match asked == path {
            true => reply("200 OK", "", &body),
            false => reply(others, "", NOT_FOUND),
        })
        .await;
        assert!(words.contains(name), "{path}, {others}: {words}");
    }
    // Of what wants a key and says nothing more, nothing is said but that.
    let (words, _) = said("", |_, _, _| reply("401 X", "", NOT_FOUND)).await;
    assert!(words.contains("refuses our credentials"), "{words}");
    // What `codex app-server --listen ws://…` 0.169 answers, whatever is asked for, and what the standard has for it.
    for (status, body) in [
        (
            "400 Bad Request",
            "Connection header did not include 'upgrade'",
        ),
        ("426 Upgrade Required", ""),
    ] {
        let (words, _) = said("", move |_, _, _| reply(status, "", body)).await;
        assert!(words.contains("Codex"), "{status}: {words}");
    }
    let socket = agents::probe("ws://127.0.0.1:18789", None).await;
    let words = socket.expect_err("a socket").detail.unwrap_or_default();
    assert!(words.contains("socket"), "{words}");
}

/// As the packages of that protocol answer (Python 2.3 and TypeScript 1), and others that answer like them.
#[tokio::test]
async fn an_mcp_server_is_named_by_its_own_words_or_by_its_answer_to_a_greeting() {
    let error = |words: &str| {
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32000, "message": words}})
            .to_string()
    };
    let stream = "Not Acceptable: Client must accept text/event-stream";
    let result = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{}}}"#;
    let in_a_stream = &format!("event: message\r\ndata: {result}\r\n\r\n");
    let unknown = &json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}}).to_string();
    const SESSION: &str = "Mcp-Session-Id: s-1\r\n";
    for (name, path, get, to_greeting, is_mcp, greeted) in [
        (
            "it wants a stream",
            "/",
            ("406 X", "", error(stream)),
            "",
            true,
            0,
        ),
        (
            "it has a session",
            "/",
            ("400 X", SESSION, "Bad".to_owned()),
            "",
            true,
            0,
        ),
        (
            "it answers a greeting",
            "/",
            ("405 X", "", error("Method not allowed.")),
            result,
            true,
            1,
        ),
        (
            "it answers in a stream",
            "/",
            ("400 X", "", error("Bad Request: Missing session ID")),
            in_a_stream,
            true,
            1,
        ),
        (
            "at its usual path",
            "/mcp",
            ("405 X", "", String::new()),
            result,
            true,
            1,
        ),
        (
            "another server of JSON-RPC",
            "/",
            ("405 X", "", error("POST only")),
            unknown,
            false,
            1,
        ),
        (
            "another server at that path",
            "/mcp",
            ("405 X", "", String::new()),
            "",
            false,
            1,
        ),
        (
            "one that takes posts",
            "/hook",
            ("405 X", "", String::new()),
            result,
            false,
            0,
        ),
        (
            "one that is not there",
            "/mcp",
            ("404 X", "", String::new()),
            result,
            false,
            0,
        ),
    ] {
        let to_greeting = to_greeting.to_owned();
        let (words, heard) = said(path, move |verb, asked, _| match verb {
            "POST" => reply("200 OK", SESSION, &to_greeting),
            "GET" if asked == path => reply(get.0, get.1, &get.2),
            "DELETE" => reply("200 OK", "", ""),
            _ => reply("404 X", "", NOT_FOUND),
        })
        .await;
        assert_eq!(words.contains("An MCP server"), is_mcp, "{name}: {words}");
        let heard = heard.lock().expect("notes");
        let sent = |verb: &str| heard.iter().filter(|one| one.starts_with(verb)).count();
        // What a greeting began is ended.
        assert_eq!((sent("POST"), sent("DELETE")), (greeted, greeted), "{name}");
    }
}

/// The older way: a stream that never ends, and begins by naming where to post.
#[tokio::test]
async fn an_mcp_server_that_begins_a_stream_is_named_at_once() {
    for (begins, is_mcp) in [
        (
            "event: endpoint\r\ndata: /messages/?session_id=1\r\n\r\n",
            true,
        ),
        ("event: tick\ndata: 1\n\n", false),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/sse", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let mut open = vec![];
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let read = socket.read(&mut request).await.unwrap_or(0);
                let is_stream = request[..read].starts_with(b"GET /sse ");
                let answer = match is_stream {
                    true => format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n{begins}").into_bytes(),
                    false => reply("404 Not Found", "", NOT_FOUND),
                };
                let _ = socket.write_all(&answer).await;
                if is_stream {
                    open.push(socket);
                }
            }
        });
        let began = std::time::Instant::now();
        let words = agents::probe(&url, None)
            .await
            .expect_err("none of ours")
            .detail;
        let words = words.unwrap_or_default();
        assert_eq!(words.contains("An MCP server"), is_mcp, "{words}");
        assert!(
            began.elapsed().as_secs() < 10,
            "it is not waited for its end"
        );
    }
}

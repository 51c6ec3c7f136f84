//! Looking round on this computer where real servers want a login first.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "../../../../agents/tests/real/opencode_server.rs"]
#[allow(dead_code)] // The tests of `agents` use more of it.
mod opencode_server;
#[path = "../../../../agents/tests/real/server.rs"]
#[allow(dead_code)] // The same.
mod server;

use super::{ProbeView, look, probe};

async fn looked(url: &str) -> ProbeView {
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
    look(port.expect("a port")).await.expect("it is listed")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_of_every_generation_are_found_at_their_port() {
    for (list, script, version) in [
        ("a2a-1", "a2a_agent.py", "1.0"),
        ("a2a-03", "a2a_03_agent.py", "0.3"),
        ("a2a-js", "a2a_agent.mjs", "1.0"),
    ] {
        let server = server::Server::start(list, script, &[]).await;
        let found = looked(&server.url).await;
        assert!(found.identified, "{found:?}");
        assert_eq!(found.kind, "a2a");
        let spoken = found.protocol_version.as_deref().unwrap_or_default();
        assert!(spoken.starts_with(version), "{found:?}");
    }
}

async fn seen(url: &str) -> ProbeView {
    let found = looked(url).await;
    // What is pasted is told the same.
    let line = format!("INFO: listening on {url}/ (Press CTRL+C to quit)");
    let pasted = probe(&line, None).await;
    let told = |view: &ProbeView| {
        let url = view.url.trim_end_matches('/').to_owned();
        (
            view.kind.clone(),
            view.problem.clone(),
            view.needs_credential,
            view.wants_basic,
            url,
        )
    };
    assert_eq!(told(&found), told(&pasted));
    assert!(!found.identified && found.needs_credential, "{found:?}");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wants_a_login_is_listed_with_its_kind_where_that_can_be_told() {
    let coder = opencode_server::OpenCode::start().await;
    let found = seen(&coder.url).await;
    assert_eq!((found.kind.as_str(), found.wants_basic), ("opencode", true));
    assert_eq!(found.product.as_deref(), Some("OpenCode"));
    assert_eq!(
        found.problem.as_deref(),
        Some("It asks for a user name and a password.")
    );

    let proxy = server::Server::start("litellm", "litellm_proxy.py", &[]).await;
    let found = seen(&proxy.url).await;
    assert_eq!((found.kind.as_str(), found.wants_basic), ("litellm", false));
    assert_eq!(found.product.as_deref(), Some("LiteLLM proxy"));
    assert_eq!(found.problem.as_deref(), Some("It asks for a token."));

    let graphs =
        server::Server::start("langgraph", "langgraph_server.py", &["--token", "clerk-7"]).await;
    let found = seen(&graphs.url).await;
    assert_eq!(
        (found.kind.as_str(), found.wants_basic),
        ("langgraph", false)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wants_a_login_and_says_no_more_is_listed_too_and_nothing_else_is() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (status, challenge, is_listed) in [
        ("401 Unauthorized", "Basic realm=\"Camera\"", true),
        ("401 Unauthorized", "Bearer", true),
        ("403 Forbidden", "none", true),
        ("404 Not Found", "none", false),
        ("500 Internal Server Error", "none", false),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let reply = format!(
            "HTTP/1.1 {status}\r\nWWW-Authenticate: {challenge}\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno"
        );
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        let found = look(port).await;
        assert_eq!(found.is_some(), is_listed, "{status}");
        if let Some(found) = found {
            assert_eq!((found.kind.as_str(), found.identified), ("", false));
            assert_eq!(
                found.wants_basic,
                challenge.starts_with("Basic"),
                "{challenge}"
            );
            let said = found.problem.expect("it is said");
            assert!(said.contains("cannot be told before"), "{said}");
        }
        serving.abort();
    }
}

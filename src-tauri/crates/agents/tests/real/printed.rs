//! What real servers print at their start is enough to find them, all of it or one line of it.

use agents::address::address;

use crate::{opencode_server::OpenCode, server::Server};

/// The whole text, the text as a field of one line keeps it, and the first line that tells where it listens.
fn check(printed: &str, url: &str, words: &str) {
    let line = printed.lines().find(|line| line.contains(words));
    let line = line.unwrap_or_else(|| panic!("it does not say {words}: {printed}"));
    for text in [
        printed,
        &printed.replace('\n', ""),
        &printed.replace('\n', " "),
        line,
    ] {
        assert_eq!(address(text).as_deref(), Some(url), "{text:?}");
    }
}

#[tokio::test]
async fn what_servers_print_at_their_start_says_where_they_are() {
    let uvicorn = Server::start("a2a-1", "a2a_agent.py", &["--loud"]).await;
    check(&uvicorn.printed(), &uvicorn.url, "Uvicorn running on");
    let coder = OpenCode::start().await;
    check(&coder.printed(), &coder.url, "server listening on");
    let proxy = Server::start("litellm", "litellm_proxy.py", &["--loud"]).await;
    check(&proxy.printed(), &proxy.url, "Uvicorn running on");
    let graphs = Server::start("langgraph", "langgraph_server.py", &[]).await;
    check(&graphs.printed(), &graphs.url, "API: ");
}

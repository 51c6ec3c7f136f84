//! Looking round on this computer where real servers run: one look asks the ports that the person named and tells each
//! server by what it is, with what it wants first; what is found can be watched as it stands.

use super::*;
use crate::{opencode_server::OpenCode, server::Server};

/// The folder and the app over it, with nothing watched.
fn empty() -> (tempfile::TempDir, Api) {
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    (dir, api)
}

fn port(url: &str) -> u16 {
    let port = url.trim_end_matches('/').rsplit(':').next();
    port.and_then(|port| port.parse().ok()).expect("a port")
}

/// One look at these ports: what was found, by port.
async fn look(api: &Api, ports: &[u16]) -> Vec<(u16, Value)> {
    let view = ask(api, "discover", json!({ "ports": ports })).await;
    assert_eq!(view["asked"], json!(ports.len()));
    let found = view["found"].as_array().expect("a list").iter();
    found
        .map(|report| {
            let url = report["url"].as_str().expect("an address");
            let authority = url.split('/').nth(2).expect("a host and a port");
            (port(authority), report.clone())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_look_tells_each_server_by_what_it_is_and_what_it_finds_can_be_watched() {
    let guarded = OpenCode::start().await;
    let servers = [
        ("a2a-1", "a2a_agent.py", "a2a", "1.0"),
        ("a2a-03", "a2a_03_agent.py", "a2a", "0.3"),
        ("a2a-js", "a2a_agent.mjs", "a2a", "1.0"),
        ("langgraph", "langgraph_server.py", "langgraph", ""),
        ("litellm", "litellm_proxy.py", "litellm", ""),
    ];
    let mut expected = vec![(port(&guarded.url), "opencode", "", false)];
    let mut running = vec![];
    for (list, script, kind, version) in servers {
        let server = Server::start(list, script, &[]).await;
        expected.push((port(&server.url), kind, version, kind != "litellm"));
        running.push(server);
    }
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = silent.local_addr().expect("its address").port();
    drop(silent);

    let (_dir, api) = empty();
    let plan = ask(&api, "discoverPlan", json!({})).await;
    let usual = plan["ports"].as_array().expect("ports").iter();
    let mut ports: Vec<_> = usual
        .map(|one| {
            one["port"]
                .as_u64()
                .and_then(|port| u16::try_from(port).ok())
        })
        .map(|port| port.expect("a port"))
        .collect();
    ports.extend(expected.iter().map(|(port, ..)| *port));
    ports.push(closed);
    let found = look(&api, &ports).await;

    for (port, kind, version, is_open) in &expected {
        let (_, report) = found
            .iter()
            .find(|(found, _)| found == port)
            .unwrap_or_else(|| panic!("{kind} is not found: {found:#?}"));
        assert_eq!(report["kind"], json!(kind), "{report:#}");
        assert_eq!(report["identified"], json!(is_open), "{report:#}");
        assert_eq!(report["needsCredential"], json!(!is_open), "{report:#}");
        let spoken = report["protocolVersion"].as_str().unwrap_or_default();
        assert!(spoken.starts_with(version), "{report:#}");
        if !is_open {
            continue;
        }
        let add = json!({ "name": kind, "url": report["url"], "kind": kind, "token": null, "basic": null, "keep": null });
        let added = ask(&api, "addEndpoint", add).await;
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let view = ask(&api, "agents", json!({})).await;
            let all = view["endpoints"].as_array().expect("a list");
            let one = all.iter().find(|one| one["id"] == added["id"]);
            let health = one.map(|one| one["health"].clone()).unwrap_or_default();
            if health == json!("online") {
                break;
            }
            assert!(Instant::now() < end, "{kind} is {health}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    assert!(found.iter().all(|(port, _)| *port != closed), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wants_a_login_is_listed_with_its_kind_as_when_its_line_is_pasted() {
    let coder = OpenCode::start().await;
    let proxy = Server::start("litellm", "litellm_proxy.py", &[]).await;
    let graphs = Server::start("langgraph", "langgraph_server.py", &["--token", "clerk-7"]).await;
    let (_dir, api) = empty();
    let ports = [&coder.url, &proxy.url, &graphs.url].map(|url| port(url));
    let found = look(&api, &ports).await;
    for (url, kind, product, wants_basic, asks) in [
        (
            &coder.url,
            "opencode",
            "OpenCode",
            true,
            "It asks for a user name and a password.",
        ),
        (
            &proxy.url,
            "litellm",
            "LiteLLM proxy",
            false,
            "It asks for a token.",
        ),
        (
            &graphs.url,
            "langgraph",
            "LangGraph",
            false,
            "It asks for a token.",
        ),
    ] {
        let at = port(url);
        let line = format!("INFO: listening on {url}/ (Press CTRL+C to quit)");
        let pasted = ask(
            &api,
            "probe",
            json!({ "url": line, "token": null, "basic": null }),
        )
        .await;
        let (_, listed) = found
            .iter()
            .find(|(port, _)| *port == at)
            .expect("it is listed");
        for report in [listed, &pasted] {
            assert_eq!(report["identified"], json!(false), "{report:#}");
            assert_eq!(report["needsCredential"], json!(true), "{report:#}");
            assert_eq!(report["kind"], json!(kind), "{report:#}");
            assert_eq!(report["product"], json!(product), "{report:#}");
            assert_eq!(report["wantsBasic"], json!(wants_basic), "{report:#}");
            assert_eq!(report["problem"], json!(asks), "{report:#}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_wants_a_login_and_says_no_more_is_listed_too_and_nothing_else_is() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (_dir, api) = empty();
    for (status, challenge, is_listed) in [
        ("401 Unauthorized", "Basic realm=\"Camera\"", true),
        ("401 Unauthorized", "Bearer", true),
        ("403 Forbidden", "none", true),
        ("404 Not Found", "none", false),
        ("500 Internal Server Error", "none", false),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
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
        let found = look(&api, &[port]).await;
        assert_eq!(!found.is_empty(), is_listed, "{status}");
        for (_, report) in found {
            assert_eq!(report["identified"], json!(false), "{report:#}");
            assert_eq!(report["kind"], json!(""), "{report:#}");
            assert_eq!(report["wantsBasic"], json!(challenge.starts_with("Basic")));
            let said = report["problem"].as_str().expect("it is said");
            assert!(said.contains("cannot be told before"), "{said}");
        }
        serving.abort();
    }
}

#[tokio::test]
async fn no_look_sweeps_the_computer() {
    let (_dir, api) = empty();
    let ports: Vec<_> = (1..=65).collect();
    let refused = api.call("discover", json!({ "ports": ports })).await;
    let refused = refused.expect_err("too many");
    assert_eq!(refused.message, "At most 64 ports are asked at a time.");
    let view = ask(&api, "discover", json!({ "ports": [0] })).await;
    assert_eq!(view["asked"], json!(0));
}

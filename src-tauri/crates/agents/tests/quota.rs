//! Limits from GitHub, from a LiteLLM proxy with a database, and from any metrics page, each served by a real server on
//! loopback. What GitHub and the database would say stands in `tests/fixtures/quotas`, with where it is from.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "../../cli/tests/missionctl/server.rs"]
#[allow(dead_code)]
mod server;

use agents::{
    Credential, Endpoint, Kind, Observation, Target,
    quota::{mapping::Mapping, open_mapped, preview},
};
use domain::contract::{self, Document};
use serde_json::json;
use server::{Asked, Server};

const RATE_LIMIT: &str = include_str!("../../../../tests/fixtures/quotas/github-rate-limit.json");
const USER: &str = include_str!("../../../../tests/fixtures/quotas/github-user.json");
const KEY_INFO: &str = include_str!("../../../../tests/fixtures/quotas/litellm-key-info.json");
const METRICS: &str = "# TYPE left gauge\nleft{team=\"red\"} 5\nleft{team=\"blue\"} 50\n";

fn good(body: &str) -> Option<server::Reply> {
    Some(("200 OK", body.as_bytes().to_vec()))
}

fn missing() -> Option<server::Reply> {
    Some(("404 Not Found", b"{}".to_vec()))
}

fn github(asked: &Asked) -> Option<server::Reply> {
    match asked.path.as_str() {
        "/agent/rate_limit" => good(RATE_LIMIT),
        "/agent/user" if asked.header("authorization") == Some("Bearer app") => {
            Some(("403 Forbidden", b"{}".to_vec()))
        }
        "/agent/user" => good(USER),
        "/agent" => good(r#"{"rate_limit_url": "https://api.github.com/rate_limit"}"#),
        _ => missing(),
    }
}

fn litellm(asked: &Asked) -> Option<server::Reply> {
    match asked.path.as_str() {
        "/agent" => good("<title>LiteLLM API - Swagger UI</title>"),
        "/agent/health/readiness" => good(r#"{"status": "healthy", "db": "connected"}"#),
        "/agent/key/info" => good(KEY_INFO),
        _ => missing(),
    }
}

fn metrics(_: &Asked) -> Option<server::Reply> {
    good(METRICS)
}

fn target(kind: Kind, url: &str, token: Option<&str>) -> Target {
    Target {
        endpoint: "limits".into(),
        kind,
        url: url.to_owned(),
        credential: token.map(|token| Credential::Bearer(token.to_owned())),
        known_tasks: vec![],
    }
}

async fn look(endpoint: &mut dyn Endpoint) -> Document {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, .. } => {
            let document = contract::read(body.as_bytes()).expect("a status document");
            assert_eq!(document.problems, [], "{body}");
            document
        }
        Observation::Unchanged => panic!("nothing is new"),
    }
}

/// `pool name limit remaining used windowSeconds reset`, a line for each window.
fn lines(document: &Document) -> Vec<String> {
    let number = |number: Option<f64>| number.map_or("-".to_owned(), |number| number.to_string());
    let quotas = document.quotas.iter().flatten();
    let mut lines: Vec<_> = quotas
        .flat_map(|quota| {
            let pool = quota.value.pool.key();
            quota.value.windows.iter().map(move |window| {
                format!(
                    "{pool} {} {} {} {} {} {}",
                    window.name,
                    number(window.limit),
                    number(window.remaining),
                    number(window.used),
                    number(window.window_seconds.map(|seconds| seconds as f64)),
                    window.reset_at.map_or("-".to_owned(), domain::time::format)
                )
            })
        })
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn github_tells_each_resource_of_the_login_that_the_token_belongs_to() {
    let server = Server::start(github);
    let found = agents::probe(&server.url, None).await.expect("it is known");
    assert_eq!(
        (found.kind, found.capabilities),
        (Kind::Github, vec!["quota".to_owned()])
    );
    for (token, account) in [
        (Some("user"), "github/octocat"),
        (Some("app"), "github/limits"),
        (None, "github/"),
    ] {
        for url in [server.url.clone(), format!("{}/rate_limit", server.url)] {
            let mut endpoint = agents::open(&target(Kind::Github, &url, token)).expect("it opens");
            let lines = lines(&look(&mut *endpoint).await);
            assert_eq!(lines.len(), 11, "{lines:?}");
            for expected in [
                "core core 5000 4999 1 3600 2023-08-09T14:29:23Z",
                "search search 30 18 12 60 2023-08-09T14:24:51Z",
                "source_import source_import 100 99 1 - 2023-08-09T14:24:51Z",
            ] {
                let expected = format!("{account}/{expected}");
                assert!(lines.contains(&expected), "{expected}: {lines:?}");
            }
        }
    }
    let asked = server.asked();
    let user = asked.iter().filter(|asked| asked.path == "/agent/user");
    assert_eq!(user.count(), 4, "once for each connection with a token");
}

#[tokio::test]
async fn a_proxy_with_a_database_tells_the_budget_of_our_key_and_its_limits() {
    let server = Server::start(litellm);
    let found = agents::probe(&server.url, None).await.expect("it is known");
    assert_eq!(found.kind, Kind::Litellm);
    let said = found.warnings.join(" ");
    assert!(said.contains("serves no metrics page"), "{said}");
    let target = target(Kind::Litellm, &server.url, Some("sk-1"));
    let mut endpoint = agents::open(&target).expect("it opens");
    assert_eq!(
        lines(&look(&mut *endpoint).await),
        [
            "litellm/billing-agents budget 10 2.75 7.25 2592000 2026-12-01T00:00:00Z",
            "litellm/billing-agents requests per minute 60 - - 60 -",
            "litellm/billing-agents tokens per minute 20000 - - 60 -",
        ]
    );
    assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
}

#[tokio::test]
async fn a_metrics_page_is_previewed_and_then_polled_by_the_same_mapping() {
    let server = Server::start(metrics);
    let mapping: Mapping = serde_json::from_value(json!({ "windows": [
        { "provider": "gateway", "account": "{team}", "name": "calls", "remaining": "left", "limit": "100", "movedBy": "" },
        { "provider": "gateway", "name": "together", "remaining": "left" },
    ] }))
    .expect("a mapping");
    let seen = preview(&server.url, None, &mapping)
        .await
        .expect("it answers");
    assert_eq!(seen.metrics, [("left".to_owned(), "gauge".to_owned(), 2)]);
    assert_eq!(seen.outcome.found.len(), 2);
    assert_eq!(
        seen.outcome.found[0].from,
        [("remaining", "left{team=\"blue\"} 50".to_owned())]
    );
    assert_eq!(
        seen.outcome.problems.len(),
        1,
        "{:?}",
        seen.outcome.problems
    );

    let target = target(Kind::Prometheus, &server.url, None);
    let mut endpoint = open_mapped(&target, mapping).expect("it opens");
    let found = lines(&look(&mut *endpoint).await);
    assert_eq!(
        found,
        [
            "gateway/blue calls 100 50 - - -",
            "gateway/red calls 100 5 - - -",
        ]
    );
}

#[tokio::test]
async fn what_is_no_metrics_page_is_none() {
    for body in ["<html></html>", "Welcome to the agent.", "{}", "a 1\nb"] {
        let body = body.to_owned();
        let server = Server::start(move |_| good(&body));
        let target = target(Kind::Prometheus, &server.url, None);
        let mapping = serde_json::from_value(
            json!({ "windows": [{ "provider": "p", "name": "n", "remaining": "x" }] }),
        );
        let mut endpoint = open_mapped(&target, mapping.expect("a mapping")).expect("it opens");
        let seen = endpoint.observe().await;
        let told = match seen {
            Ok(Observation::Document { body, .. }) => {
                lines(&contract::read(body.as_bytes()).expect("a document"))
            }
            _ => vec![],
        };
        assert_eq!(told, Vec::<String>::new());
    }
}

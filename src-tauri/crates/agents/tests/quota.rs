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
        known_questions: vec![],
    }
}

async fn look(endpoint: &mut dyn Endpoint) -> Document {
    let document = told(endpoint).await;
    assert_eq!(document.problems, []);
    document
}

async fn told(endpoint: &mut dyn Endpoint) -> Document {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, .. } => {
            contract::read(body.as_bytes()).expect("a status document")
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
    let document = told(&mut *endpoint).await;
    // Numbers that fall together are refused as they are, beside the others.
    let [refused] = document.problems.as_slice() else {
        panic!("{:?}", document.problems);
    };
    assert_eq!(refused.item.as_deref(), Some("gateway"));
    assert_eq!(refused.message, "Expected a number, found a list.");
    assert!(refused.raw.contains("\"remaining\":[5.0,50.0]"));
    let found = lines(&document);
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

/// What is wrong is told once, in the same bytes while it stands, and as good again when it is.
#[tokio::test]
async fn a_limit_that_cannot_be_read_is_told_until_it_is_good_again() {
    let bodies = std::sync::Mutex::new(vec![
        "left{team=\"red\"} 5\nleft{team=\"blue\"} 50\n",
        "left{team=\"red\"} 5\nleft{team=\"blue\"} 50\n",
        "left{team=\"red\"} many\nleft{team=\"blue\"} 49\n",
        "left{team=\"red\"} many\nleft{team=\"blue\"} 50\n",
        "left{team=\"red\"} many\nleft{team=\"blue\"} 50\n",
        "left{team=\"red\"} 5\nleft{team=\"blue\"} 50\n",
    ]);
    let server = Server::start(move |_| good(bodies.lock().expect("bodies").pop().expect("one")));
    let mapping = serde_json::from_value(json!({ "windows": [
        { "provider": "gateway", "account": "{team}", "name": "calls", "remaining": "left" },
    ] }));
    let target = target(Kind::Prometheus, &server.url, None);
    let mut endpoint = open_mapped(&target, mapping.expect("a mapping")).expect("it opens");
    let mut raws = vec![];
    for (good, bad) in [
        (vec!["blue calls - 50 - - -", "red calls - 5 - - -"], 0),
        (vec![], 1),
        // Nothing is new: nothing is told.
        (vec![], 2),
        (vec!["blue calls - 49 - - -"], 1),
        (vec!["blue calls - 50 - - -", "red calls - 5 - - -"], 0),
        (vec![], 2),
    ] {
        if bad == 2 {
            assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
            continue;
        }
        let document = told(&mut *endpoint).await;
        let good: Vec<_> = good.iter().map(|line| format!("gateway/{line}")).collect();
        assert_eq!(lines(&document), good);
        assert_eq!(document.problems.len(), bad, "{:?}", document.problems);
        for problem in &document.problems {
            assert_eq!(problem.item.as_deref(), Some("gateway/red"));
            assert_eq!(problem.message, "Expected a number, found text.");
            raws.push(problem.raw.clone());
        }
    }
    assert!(raws.len() == 2 && raws[0] == raws[1], "{raws:?}");
}

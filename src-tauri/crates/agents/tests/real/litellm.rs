//! The LiteLLM proxy as people run it, without a database: who it is, what its refusals say, and what its gauges become.

use std::time::{Duration, Instant};

use agents::{Credential, Delivery, Endpoint, Kind, Observation, Outcome, Target};
use domain::contract::{self, Document, QuotaWindow};
use serde_json::json;

use super::server::{LITELLM_KEY as KEY, Server};

fn connect(server: &Server, key: &str) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "gateway".into(),
        kind: Kind::Litellm,
        url: server.url.clone(),
        credential: Some(Credential::Bearer(key.to_owned())),
        known_tasks: vec![],
        known_questions: vec![],
    })
    .expect("it opens")
}

fn windows(document: &Document) -> Vec<(String, QuotaWindow)> {
    let quotas = document.quotas.iter().flatten();
    quotas
        .flat_map(|quota| {
            let pool = quota.value.pool.key();
            let windows = quota.value.windows.iter();
            windows.map(move |window| (pool.clone(), window.clone()))
        })
        .collect()
}

#[tokio::test]
async fn a_proxy_without_a_database_is_named_and_tells_the_limits_of_its_models() {
    let mut server = Server::start("litellm", "litellm_proxy.py", &[]).await;
    let refused = agents::probe(&server.url, None).await;
    let refused = refused.expect_err("its metrics are for those who log in");
    assert_eq!(refused.http_status, Some(401), "{refused:?}");
    let key = Credential::Bearer(KEY.to_owned());
    let found = agents::probe(&server.url, Some(&key))
        .await
        .expect("it is known");
    assert_eq!(found.kind, Kind::Litellm);
    assert_eq!(found.capabilities, ["quota"], "it can do nothing else");
    let said = found.warnings.join(" ");
    assert!(said.contains("only reports limits"), "{said}");
    assert!(said.contains("without a database"), "{said}");

    let mut endpoint = connect(&server, KEY);
    let Observation::Document { body, .. } = endpoint.observe().await.expect("it answers") else {
        panic!("the first look brings a document");
    };
    let document = contract::read(body.as_bytes()).expect("a status document");
    assert_eq!(windows(&document), [], "nothing was used yet");
    assert!(document.tasks.is_none() && document.escalations.is_none());

    // The model may be asked twice a minute, a minute that may just have ended.
    let mut answers = vec![];
    for _ in 0..6 {
        answers.push(server.complete().await);
    }
    let good = answers.iter().filter(|answer| answer.status() == 200);
    let good: Vec<_> = good.collect();
    assert!((2..=4).contains(&good.len()), "{answers:?}");
    assert!(
        answers.iter().any(|answer| answer.status() == 429),
        "{answers:?}"
    );
    let headers = good.last().expect("a good answer").headers().iter();
    let headers: serde_json::Map<_, _> = headers
        .map(|(name, value)| (name.to_string(), json!(value.to_str().expect("text"))))
        .collect();
    let told_by_agent = json!({
        "schemaVersion": "1.0", "agent": { "id": "a", "name": "A", "status": "online" },
        "quotas": [{ "pool": { "provider": "litellm" }, "windows": [], "observedAt": "2026-11-21T08:00:00Z", "headers": headers }],
    });
    let document = contract::read(told_by_agent.to_string().as_bytes()).expect("a document");
    let told = windows(&document);
    assert!(
        told.iter()
            .any(|(_, window)| window.limit == Some(2.0) && window.remaining.is_some()),
        "the headers it sends to agents are understood: {told:?}"
    );

    // The proxy counts behind its answers.
    let until = Instant::now() + Duration::from_secs(60);
    let told = loop {
        if let Observation::Document { body, .. } = endpoint.observe().await.expect("it answers") {
            let document = contract::read(body.as_bytes()).expect("a status document");
            assert_eq!(document.problems, []);
            break windows(&document);
        }
        assert!(Instant::now() < until, "its gauges do not move");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let (pool, window) = told.first().expect("a window");
    assert_eq!((pool.as_str(), told.len()), ("openai//desk", 1), "{told:?}");
    assert_eq!(window.name, "requests per minute");
    assert_eq!((window.limit, window.window_seconds), (Some(2.0), Some(60)));
    assert!(
        window.remaining.is_some_and(|left| left < 2.0),
        "{window:?}"
    );
    assert!(
        window.reset_at.is_some(),
        "it is believed for its minute only"
    );

    let delivery = Delivery {
        id: "d".into(),
        escalation: "e".into(),
        version: "1".to_owned(),
        task: None,
        body: "{}".to_owned(),
        escalation_raw: "{}".to_owned(),
        resend: false,
    };
    let outcome = endpoint.deliver(&delivery).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    let wrong = connect(&server, "sk-wrong").observe().await;
    assert!(wrong.is_err(), "{wrong:?}");
    server.kill();
    let gone = endpoint.observe().await.expect_err("nobody is there");
    assert_eq!(gone.http_status, None, "{gone:?}");
}

//! A LiteLLM proxy as people run it: what its gauges become on the screen of limits.

use super::*;
use crate::server::{LITELLM_KEY as KEY, Server};

/// Uses up what may be asked in a minute, and polls until the screen shows it: pool and window.
async fn used_up(proxy: &Server, api: &Api) -> (Value, Value) {
    let end = Instant::now() + Duration::from_secs(90);
    let mut refused = false;
    loop {
        // The gauges move only when it is asked, and are believed for their minute.
        refused |= proxy.complete().await.status() == 429;
        ask(api, "pollNow", json!({ "endpoint": "clerk" })).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let view = ask(api, "limits", json!({})).await;
        let pools = view["pools"].as_array().expect("pools");
        if let Some(pool) = pools.first().filter(|_| refused) {
            assert_eq!(pools.len(), 1, "{view:#}");
            return (pool.clone(), pool["windows"][0].clone());
        }
        assert!(Instant::now() < end, "{view:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_real_proxy_has_left_is_among_the_limits_also_after_it_was_killed() {
    let mut proxy = Server::start("litellm", "litellm_proxy.py", &[]).await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let add = |key: &str| json!({ "name": "Clerk", "url": proxy.url, "kind": "litellm", "token": key, "keep": "session", "basic": null });
    for key in ["", "sk-wrong"] {
        let refused = api.call("addEndpoint", add(key)).await;
        let refused = refused.expect_err("its key is needed");
        assert!(refused.message.contains("credentials"), "{refused:?}");
    }
    let added = ask(&api, "addEndpoint", add(KEY)).await;
    assert_eq!(
        added["capabilities"],
        json!(["Reports its limits"]),
        "{added:#}"
    );
    health(&api, "online").await;
    let (pool, window) = used_up(&proxy, &api).await;
    assert_eq!(
        (&pool["provider"], &pool["scope"]),
        (&json!("openai"), &json!("desk"))
    );
    assert_eq!(
        (&window["name"], &window["limit"], &window["windowSeconds"]),
        (&json!("requests per minute"), &json!(2.0), &json!(60))
    );
    let nobody = json!([]);
    assert_eq!(
        (&pool["agents"], &pool["sources"], &window["seen"]),
        (&nobody, &json!(["clerk"]), &nobody),
        "what it tells of was used by others"
    );
    let map = ask(&api, "ownership", json!({})).await;
    assert_eq!(map["agents"], nobody, "it owns nothing");
    assert!(
        window["remaining"].as_f64().is_some_and(|left| left < 2.0),
        "{window:#}"
    );

    log_in(&api, Some("sk-wrong"), None).await;
    health(&api, "unauthorized").await;
    log_in(&api, Some(KEY), None).await;
    health(&api, "online").await;
    proxy.kill();
    let gone = health(&api, "unreachable").await;
    assert!(gone["lastGoodAt"].is_string(), "{gone:#}");
    let view = ask(&api, "limits", json!({})).await;
    assert_eq!(
        view["pools"].as_array().map(Vec::len),
        Some(1),
        "what was known stays: {view:#}"
    );
    proxy.restart(&[]).await;
    health(&api, "online").await;
    // Its counters begin anew, and are read anew.
    let (again, _) = used_up(&proxy, &api).await;
    assert_eq!(again["key"], pool["key"]);
    api.end();
}

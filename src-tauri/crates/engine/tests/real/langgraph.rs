//! The official LangGraph development server.

use super::{
    graphs::{self, Graphs},
    relay::{Cut, Relay},
    *,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_real_langgraph_server_asks_is_answered_or_comes_back() {
    let graphs = Graphs::start().await;
    let (inbox, form) = (graphs.story("inbox").await, graphs.story("form").await);
    let (_dir, api) = flight_to(&graphs.server.url, "langgraph", Some(graphs::TOKEN)).await;
    let asked = question(&api, &inbox).await;
    let shown = asked["action"]["raw"]["text"].as_str();
    assert!(
        shown.is_some_and(|raw| raw.contains("18446744073709551615")),
        "{asked:#}"
    );
    let filled = question(&api, &form).await;
    approve(&api, &asked).await;
    // A form that is not filled in is not sent, and asked again as another version.
    let half = json!({ "outcome": "respond", "payload": "{\"account\":\"giro\"}" });
    say(&api, &filled, half).await;
    delivery(&api, &asked, &["applied"]).await;
    assert_eq!(
        graphs.answers(&inbox).await,
        json!([{ "inbox": [{ "type": "accept", "args": null }] }])
    );
    let end = Instant::now() + Duration::from_secs(60);
    let again = loop {
        let again = question_or_none(&api, &form).await;
        if let Some(again) = again.filter(|again| again["version"] != filled["version"]) {
            break again;
        }
        assert!(Instant::now() < end, "it is not asked again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(graphs.runs(&form).await.len(), 1, "nothing was sent");
    let whole = json!({ "outcome": "respond", "payload": "{\"account\":\"giro\",\"amount\":3}" });
    say(&api, &again, whole).await;
    delivery(&api, &again, &["applied"]).await;
    let got = graphs.answers(&form).await;
    assert_eq!(got, json!([{ "form": { "account": "giro", "amount": 3 } }]));
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_langgraph_server_is_answered_once_and_only_with_its_token() {
    let graphs = Graphs::start().await;
    let (late, keeps) = (graphs.story("inbox").await, graphs.story("inbox").await);
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let add = |token: &str| json!({ "name": "Clerk", "url": graphs.server.url, "kind": "langgraph", "token": token, "keep": "session", "basic": null });
    let refused = api.call("addEndpoint", add("wrong")).await;
    let refused = refused.expect_err("its token is needed");
    assert!(refused.message.contains("credentials"), "{refused:?}");
    ask(&api, "addEndpoint", add(graphs::TOKEN)).await;
    health(&api, "online").await;

    // Somebody else answers before our answer leaves.
    let asked = question(&api, &late).await;
    assert!(is_on_the_board(&api, &late).await);
    let kept = question(&api, &keeps).await;
    log_in(&api, Some("wrong"), None).await;
    health(&api, "unauthorized").await;
    approve(&api, &asked).await;
    approve(&api, &kept).await;
    let other = json!([{"type": "ignore", "args": null}]);
    let resume = json!({"assistant_id": "clerk", "command": {"resume": other}});
    graphs.run(&late, resume).await;
    graphs.settled(&late).await;
    // And the login is lost: what was decided waits, and leaves with the right one.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(
        is_on_its_way(&api, &kept).await,
        "nothing is said to have become of it"
    );
    log_in(&api, Some(graphs::TOKEN), None).await;
    delivery(&api, &asked, &["already-resolved"]).await;
    assert_eq!(graphs.answers(&late).await, json!([{ "inbox": other }]));
    assert_eq!(graphs.runs(&late).await.len(), 2, "nothing was sent");
    delivery(&api, &kept, &["applied"]).await;
    let accepted = json!([{ "inbox": [{ "type": "accept", "args": null }] }]);
    assert_eq!(graphs.answers(&keeps).await, accepted);
    api.end();
}

/// Nothing is said of the approval while the server is away; once it is there again, it counts once.
async fn comes_back(graphs: &mut Graphs, api: &Api, asked: &Value, waits: &str) {
    assert!(
        is_on_its_way(api, asked).await,
        "nothing is said to have become of it"
    );
    graphs.restart().await;
    delivery(api, asked, &["applied"]).await;
    let accepted = json!([{ "inbox": [{ "type": "accept", "args": null }] }]);
    assert_eq!(graphs.answers(waits).await, accepted);
    assert_eq!(graphs.runs(waits).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_decided_while_a_langgraph_server_was_away_arrives_when_it_is_there_again() {
    let mut graphs = Graphs::start().await;
    let waits = graphs.story("inbox").await;
    // Before anybody polls: what moves while it writes may end its writing for good.
    graphs.kept_on_disk().await;
    let (_dir, api) = flight_to(&graphs.server.url, "langgraph", Some(graphs::TOKEN)).await;
    let asked = question(&api, &waits).await;
    graphs.server.kill();
    health(&api, "unreachable").await;
    approve(&api, &asked).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    comes_back(&mut graphs, &api, &asked, &waits).await;
    api.end();
}

/// It is killed while an answer is on its way, and comes back with what it had on disk: the question, and nothing of the
/// answer. So the answer is brought again, once it was seen that none counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_during_which_a_langgraph_server_is_killed_counts_once_in_the_end() {
    for cut in [Cut::Before, Cut::After] {
        let mut graphs = Graphs::start().await;
        let waits = graphs.story("inbox").await;
        graphs.kept_on_disk().await;
        let relay = Relay::to(&graphs.server.url, "/runs ").await;
        let (_dir, api) = flight_to(&relay.url, "langgraph", Some(graphs::TOKEN)).await;
        let asked = question(&api, &waits).await;
        let go = relay.cut(cut);
        approve(&api, &asked).await;
        relay.caught().await;
        graphs.server.kill();
        drop(go);
        health(&api, "unreachable").await;
        comes_back(&mut graphs, &api, &asked, &waits).await;
        api.end();
    }
}

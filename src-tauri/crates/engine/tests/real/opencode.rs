//! A real OpenCode server with a scripted model.

use super::{
    opencode_server::{OpenCode, PASSWORD},
    relay::{Cut, Relay},
    *,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_coding_agent_goes_on_when_it_is_allowed_and_not_when_it_forgot_what_it_asked() {
    let mut server = OpenCode::start().await;
    let (makes, asks) = (
        server.begin("bank", "make a.txt").await,
        server.begin("shop", "ask me").await,
    );
    server.waits("bank", &makes).await;
    server.waits("shop", &asks).await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let basic = format!("opencode:{PASSWORD}");
    let add = json!({ "name": "Clerk", "url": server.url, "kind": "opencode", "token": null, "basic": basic, "keep": "session" });
    ask(&api, "addEndpoint", add).await;
    let colour = question(&api, &asks).await;
    let permission = question(&api, &makes).await;
    assert!(
        permission["action"]["raw"]["text"]
            .as_str()
            .is_some_and(|raw| raw.contains("touch a.txt")),
        "{permission:#}"
    );
    approve(&api, &permission).await;
    decide(&api, &colour, "respond", json!("Blue")).await;
    delivery(&api, &permission, &["applied"]).await;
    delivery(&api, &colour, &["applied"]).await;
    assert_eq!(
        server.call(&asks).await["metadata"]["answers"],
        json!([["Blue"]])
    );
    server.comes_to("bank", &makes, "idle").await;
    assert!(server.has("bank", "a.txt"));

    let makes = server.begin("shop", "make b.txt").await;
    server.waits("shop", &makes).await;
    let permission = question(&api, &makes).await;
    server.kill();
    approve(&api, &permission).await;
    server.restart().await;
    let states = ["expired", "unknown", "already-resolved", "refused"];
    let decision = delivery(&api, &permission, &states).await;
    assert!(
        decision["sentence"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{decision:#}"
    );
    assert!(!server.has("shop", "b.txt"), "nothing was done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_coding_agent_is_answered_once_and_only_with_its_password() {
    let server = OpenCode::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let login = |password: &str| format!("opencode:{password}");
    let add = |password: &str| json!({ "name": "Clerk", "url": server.url, "kind": "opencode", "token": null, "basic": login(password), "keep": "session" });
    let refused = api.call("addEndpoint", add("wrong")).await;
    let refused = refused.expect_err("its password is needed");
    assert!(refused.message.contains("credentials"), "{refused:?}");
    ask(&api, "addEndpoint", add(PASSWORD)).await;
    health(&api, "online").await;

    // Somebody else says no while our yes can still be taken back.
    let makes = server.begin("bank", "make late.txt").await;
    let permission = server.waits("bank", &makes).await;
    let asked = question(&api, &makes).await;
    assert!(is_on_the_board(&api, &makes).await);
    approve(&api, &asked).await;
    let id = permission["id"].as_str().expect("an id");
    let no = format!("/permission/{id}/reply{}", server.place("bank"));
    server.post(&no, json!({"reply": "reject"})).await;
    server.comes_to("bank", &makes, "idle").await;
    delivery(&api, &asked, &["already-resolved"]).await;
    assert!(!server.has("bank", "late.txt"), "the first answer counts");

    // The login is lost before the answer leaves: it waits, and leaves with the right one.
    let makes = server.begin("bank", "make kept.txt").await;
    server.waits("bank", &makes).await;
    let kept = question(&api, &makes).await;
    log_in(&api, None, Some(&login("wrong"))).await;
    health(&api, "unauthorized").await;
    approve(&api, &kept).await;
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(
        is_on_its_way(&api, &kept).await,
        "nothing is said to have become of it"
    );
    assert!(!server.has("bank", "kept.txt"));
    log_in(&api, None, Some(&login(PASSWORD))).await;
    delivery(&api, &kept, &["applied"]).await;
    server.comes_to("bank", &makes, "idle").await;
    assert!(server.has("bank", "kept.txt"));
    api.end();
}

/// Somebody else answers while our answer can still be taken back, and we are connected anew before we look again: what
/// was shown before is remembered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_else_settled_while_we_were_away_is_told_as_that() {
    let server = OpenCode::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let basic = format!("opencode:{PASSWORD}");
    // Its password stays where the next start finds it.
    let add = json!({ "name": "Clerk", "url": server.url, "kind": "opencode", "token": null, "basic": basic, "keep": "file" });
    ask(&api, "addEndpoint", add).await;
    health(&api, "online").await;
    let no = async |makes: &str, request: &Value| {
        let id = request["id"].as_str().expect("an id");
        let path = format!("/permission/{id}/reply{}", server.place("bank"));
        server.post(&path, json!({"reply": "reject"})).await;
        server.comes_to("bank", makes, "idle").await;
    };

    // The login is edited.
    let makes = server.begin("bank", "make late.txt").await;
    let request = server.waits("bank", &makes).await;
    let asked = question(&api, &makes).await;
    let edit = |basic: &str| json!({ "endpoint": "clerk", "token": null, "basic": format!("opencode:{basic}"), "keep": "file" });
    ask(&api, "editEndpoint", edit("wrong")).await;
    health(&api, "unauthorized").await;
    approve(&api, &asked).await;
    no(&makes, &request).await;
    ask(&api, "editEndpoint", edit(PASSWORD)).await;
    delivery(&api, &asked, &["already-resolved"]).await;
    assert!(!server.has("bank", "late.txt"), "the first answer counts");

    // We are closed and opened again.
    let makes = server.begin("bank", "make later.txt").await;
    let request = server.waits("bank", &makes).await;
    let asked = question(&api, &makes).await;
    approve(&api, &asked).await;
    api.end();
    drop(api);
    no(&makes, &request).await;
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts again");
    delivery(&api, &asked, &["already-resolved"]).await;
    assert!(!server.has("bank", "later.txt"), "the first answer counts");
    api.end();
}

/// It is killed while an answer is on its way. It forgets its requests then, so nothing is to be answered any more; what
/// is said of the answer is what its own state shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_during_which_a_coding_agent_is_killed_is_told_as_far_as_its_state_shows() {
    let mut server = OpenCode::start().await;
    let relay = Relay::to(&server.url, "/reply").await;
    let dir = tempfile::tempdir().expect("a folder");
    let api = Api::open(dir.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    let basic = format!("opencode:{PASSWORD}");
    let add = json!({ "name": "Clerk", "url": relay.url, "kind": "opencode", "token": null, "basic": basic, "keep": "session" });
    ask(&api, "addEndpoint", add).await;
    let rounds = [
        (Cut::Before, "approve"),
        (Cut::After, "approve"),
        (Cut::Before, "reject"),
        (Cut::After, "reject"),
    ];
    for (sent, (cut, outcome)) in rounds.into_iter().enumerate() {
        let file = format!("file{sent}.txt");
        let makes = server.begin("bank", &format!("make {file}")).await;
        let request = server.waits("bank", &makes).await;
        let asked = question(&api, &makes).await;
        let go = relay.cut(cut);
        let words = format!("Not today, {sent}.");
        let message = (outcome == "reject").then_some(&words);
        say(
            &api,
            &asked,
            json!({ "outcome": outcome, "message": message }),
        )
        .await;
        relay.caught().await;
        server.kill();
        drop(go);
        server.restart().await;
        let states = [
            "applied",
            "unknown",
            "expired",
            "already-resolved",
            "refused",
        ];
        let decision = delivery(&api, &asked, &states).await;
        let call = server.call(&makes).await;
        let refused = call["error"]
            .as_str()
            .is_some_and(|said| said.contains(&words));
        // Only our own words show that it was our answer.
        let expected = if refused { "applied" } else { "unknown" };
        assert_eq!(
            decision["state"], expected,
            "{cut:?} {outcome}: {decision:#} {call:#}"
        );
        assert!(
            !(refused && cut == Cut::Before),
            "it never arrived: {call:#}"
        );
        assert!(!server.has("bank", &file) || (cut, outcome) == (Cut::After, "approve"));
        assert_eq!(relay.sent(), sent + 1, "nothing is sent a second time");
        let id = request["id"].as_str().expect("an id");
        let open = server
            .get(&format!("/permission{}", server.place("bank")))
            .await;
        assert!(!open.to_string().contains(id), "{open}");
    }

    // Broken off, but not killed: it asks still, and the same answer is brought again.
    let makes = server.begin("bank", "make kept.txt").await;
    server.waits("bank", &makes).await;
    let asked = question(&api, &makes).await;
    let go = relay.cut(Cut::Before);
    approve(&api, &asked).await;
    relay.caught().await;
    drop(go);
    delivery(&api, &asked, &["applied"]).await;
    server.comes_to("bank", &makes, "idle").await;
    assert!(server.has("bank", "kept.txt"));
    assert_eq!(relay.sent(), rounds.len() + 2);
    api.end();
}

//! `probe`, `observe`, `check` and `answer` with the official LangGraph development server.

#[allow(dead_code)] // The tests of `agents` use more of it.
#[path = "../../../agents/tests/real/graphs.rs"]
mod graphs;

use graphs::{Graphs, TOKEN, questions};
use serde_json::{Value, json};

use super::{
    Said,
    a2a::server,
    check_unusable,
    opencode::relay::{Cut, Relay},
    run, run_with,
};

fn ask(graphs: &Graphs, command: &str, more: &[&str]) -> Said {
    let mut arguments = vec![
        command,
        &graphs.server.url,
        "--json",
        "--token-env",
        "TOKEN",
    ];
    arguments.extend_from_slice(more);
    run_with(&arguments, b"", &[("TOKEN", TOKEN)])
}

fn answer(graphs: &Graphs, question: &Value, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["--escalation", question["id"].as_str().expect("an id")];
    arguments.extend_from_slice(more);
    let said = ask(graphs, "answer", &arguments);
    (said.code, said.one())
}

#[tokio::test]
async fn questions_of_a_langgraph_server_are_seen_and_answered_once() {
    let graphs = Graphs::start().await;
    let stories = ["inbox", "form", "free", "again"];
    let mut threads = vec![];
    for story in stories {
        threads.push(graphs.story(story).await);
    }
    check_unusable(&run(&["probe", &graphs.server.url]), "");
    check_unusable(
        &run(&["observe", &graphs.server.url, "--kind", "langgraph"]),
        "",
    );
    let found = ask(&graphs, "probe", &[]).one();
    assert_eq!(
        (&found["kind"], &found["name"], &found["productVersion"]),
        (
            &json!("langgraph"),
            &json!("clerk, mailer, mover"),
            &json!("0.16.7")
        )
    );
    let observed = ask(&graphs, "observe", &[]);
    let document = observed.one();
    let checked = run_with(&["check", "-", "--json"], observed.out.as_bytes(), &[]);
    assert_eq!((checked.code, checked.out.as_str()), (0, ""));
    let question = |number: usize| questions(&document, &threads[number]).remove(0);

    let inbox = question(0);
    let edited =
        r#"{"name":"send_mail","args":{"to":"c@example.com","reference":12345678901234567890}}"#;
    let (code, said) = answer(&graphs, &inbox, &["--outcome", "edit", "--edited", edited]);
    assert_eq!(
        (code, said),
        (
            0,
            json!({"state": "applied", "escalation": inbox["id"], "task": threads[0]})
        )
    );
    let edited: Value = serde_json::from_str(edited).expect("JSON");
    let got = json!([{"inbox": [{"type": "edit", "args": {"action": "send_mail", "args": edited["args"]}}]}]);
    assert_eq!(graphs.answers(&threads[0]).await, got);
    for kind in [&[][..], &["--kind", "langgraph"]] {
        let (code, said) = answer(&graphs, &inbox, &[&["--outcome", "approve"], kind].concat());
        assert_eq!(
            (code, &said["state"]),
            (1, &json!("already-resolved")),
            "{said}"
        );
    }
    assert_eq!(
        graphs.runs(&threads[0]).await.len(),
        2,
        "nothing was sent for a settled question"
    );

    let form = question(1);
    let (code, said) = answer(
        &graphs,
        &form,
        &["--outcome", "respond", "--payload", r#"{"account":1}"#],
    );
    assert_eq!((code, &said["state"]), (1, &json!("refused")), "{said}");
    let whole = r#"{"account":"giro","amount":3}"#;
    let (code, said) = answer(
        &graphs,
        &form,
        &["--outcome", "respond", "--payload", whole],
    );
    assert_eq!((code, &said["state"]), (0, &json!("applied")), "{said}");
    let (code, said) = answer(
        &graphs,
        &question(2),
        &["--outcome", "respond", "--message", "The giro"],
    );
    assert_eq!((code, &said["state"]), (0, &json!("applied")), "{said}");
    assert_eq!(
        graphs.answers(&threads[2]).await,
        json!([{"free": "The giro"}])
    );

    // Answered with nonsense it asks anew: that is another question, and the old one is settled.
    let asked = question(3);
    let (code, said) = answer(
        &graphs,
        &asked,
        &["--outcome", "respond", "--message", "many"],
    );
    assert_eq!((code, &said["state"]), (0, &json!("applied")), "{said}");
    let (code, said) = answer(&graphs, &asked, &["--outcome", "respond", "--message", "7"]);
    assert_eq!(
        (code, &said["state"]),
        (1, &json!("already-resolved")),
        "{said}"
    );
    assert_eq!(graphs.runs(&threads[3]).await.len(), 2);
}

#[tokio::test]
async fn a_langgraph_server_that_was_killed_is_answered_as_far_as_it_remembers() {
    let mut graphs = Graphs::start().await;
    let waits = graphs.story("inbox").await;
    let document = ask(&graphs, "observe", &[]).one();
    let inbox = questions(&document, &waits).remove(0);
    let id = inbox["id"].as_str().expect("an id");
    graphs.kept_on_disk().await;
    graphs.server.kill();
    // Nothing is answered until it is there again, with what it kept on disk.
    let more = ["--escalation", id, "--outcome", "approve"];
    check_unusable(&ask(&graphs, "answer", &more), "");
    graphs.restart().await;
    let (code, said) = answer(&graphs, &inbox, &["--outcome", "approve"]);
    assert_eq!((code, &said["state"]), (0, &json!("applied")), "{said}");
    let got = json!([{"inbox": [{"type": "accept", "args": null}]}]);
    assert_eq!(graphs.answers(&waits).await, got);
    let (code, said) = answer(&graphs, &inbox, &["--outcome", "approve"]);
    assert_eq!(
        (code, &said["state"]),
        (1, &json!("already-resolved")),
        "{said}"
    );
}

/// It is killed when it has written down that the thread waits, but not what it had come to: the question is listed, and
/// its answer begins the thread anew.
#[tokio::test]
async fn an_answer_to_a_thread_that_was_lost_is_not_said_to_be_applied() {
    let mut graphs = Graphs::start().await;
    let lost = graphs.story("inbox").await;
    let document = ask(&graphs, "observe", &[]).one();
    let inbox = questions(&document, &lost).remove(0);
    graphs.kept_on_disk().await;
    graphs.server.kill();
    graphs.forget_checkpoints();
    graphs.restart().await;
    let (code, said) = answer(&graphs, &inbox, &["--outcome", "approve"]);
    assert_eq!((code, &said["state"]), (2, &json!("unknown")), "{said}");
    assert_eq!(graphs.answers(&lost).await, json!([]));
}

/// It is killed while it is told the answer: what became of it is not known, and shows when it is there again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_during_which_a_langgraph_server_is_killed_is_called_unknown() {
    for cut in [Cut::Before, Cut::After] {
        let mut graphs = Graphs::start().await;
        let waits = graphs.story("inbox").await;
        let document = ask(&graphs, "observe", &[]).one();
        let inbox = questions(&document, &waits).remove(0);
        graphs.kept_on_disk().await;
        let relay = Relay::to(&graphs.server.url, "/runs ").await;
        let go = relay.cut(cut);
        let (url, id) = (relay.url.clone(), inbox["id"].as_str().map(str::to_owned));
        let sending = std::thread::spawn(move || {
            let id = id.expect("an id");
            let answer = ["answer", &url, "--escalation", &id, "--outcome", "approve"];
            let answer = [&answer[..], &["--json", "--token-env", "TOKEN"]].concat();
            run_with(&answer, b"", &[("TOKEN", TOKEN)])
        });
        relay.caught().await;
        graphs.server.kill();
        drop(go);
        let said = sending.join().expect("it ends");
        assert_eq!(
            (said.code, &said.one()["state"]),
            (2, &json!("unknown")),
            "{cut:?}: {said:?}"
        );
        assert_eq!(relay.sent(), 1);
        // What it had on disk knows nothing of the answer, so the question is answered now.
        graphs.restart().await;
        let (code, said) = answer(&graphs, &inbox, &["--outcome", "approve"]);
        assert_eq!((code, &said["state"]), (0, &json!("applied")), "{said}");
        let got = json!([{"inbox": [{"type": "accept", "args": null}]}]);
        assert_eq!(graphs.answers(&waits).await, got);
        assert_eq!(graphs.runs(&waits).await.len(), 2);
    }
}

//! Looking at an endpoint and answering it: `probe`, `observe`, `answer`.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use super::{
    Said, check_unusable, demo, run,
    server::{Asked, Server},
};

const PENDING: &str = r#"{"id":"q/1","version":"7","taskId":"t1","kind":"approval","title":"Send it","message":"Please","proposedAction":{"name":"mail.send","args":{"n":1.00}},"createdAt":"2026-11-01T09:00:00Z","status":"pending"}"#;

fn status(escalations: &str) -> String {
    format!(
        r#"{{"schemaVersion":"1.0","agent":{{"id":"a","name":"A","status":"online"}},"escalations":[{escalations}]}}"#
    )
}

#[test]
fn a_demo_agent_is_identified() {
    let (_running, agents) = demo(0);
    let said = run(&["probe", &agents[0].1, "--json"]);
    assert_eq!((said.code, said.complaint.as_str()), (0, ""));
    let found = said.one();
    assert_eq!(found["kind"], "native");
    assert_eq!(found["statusUrl"], agents[0].1.as_str());
    let can = found["capabilities"].as_array().expect("a list");
    assert!(can.contains(&json!("listTasks")), "{can:?}");
    assert!(found["warnings"].is_array());
    assert!(run(&["probe", &agents[0].1]).out.starts_with("kind "));
}

#[test]
fn what_answers_but_is_no_agent_is_a_no_and_what_does_not_answer_is_unusable() {
    let server = Server::start(|_| Some(("200 OK", b"<html>".to_vec())));
    let said = run(&["probe", &server.status_url(), "--json"]);
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
    assert_eq!(said.complaint.lines().count(), 1);
    check_unusable(
        &run(&["probe", "http://127.0.0.1:9/s"]),
        "cannot be reached",
    );
    check_unusable(&run(&["probe", "not a url"]), "no address");
    check_unusable(&run(&["probe", "http://example.com/s"]), "https");
    check_unusable(&run(&["observe", "ftp://x"]), "http");
}

#[test]
fn a_status_is_printed_with_the_bytes_it_came_as() {
    let body = r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},
        "tasks":[{"id":"t","title":"x","status":{"state":"TASK_STATE_WORKING"},"native":{"n":1.00}}]}"#;
    let server = Server::start(move |_| Some(("200 OK", body.into())));
    let said = run(&["observe", &server.status_url(), "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    said.one();
    assert!(said.out.contains(r#""native":{"n":1.00}"#), "{}", said.out);
    let table = run(&["observe", &server.status_url(), "--kind", "native"]).out;
    assert!(table.contains("working (TASK_STATE_WORKING)"), "{table}");
}

#[test]
fn all_pages_become_one_document() {
    let page = |asked: &Asked| -> String {
        let (tasks, next) = if asked.path.contains("cursor=c") {
            (r#"{"id":"3","title":"c"},{"id":"1","title":"later"}"#, "")
        } else if asked.path.contains("cursor=b") {
            (r#"{"id":"2","title":"b"}"#, "c")
        } else {
            (r#"{"id":"1","title":"a"}"#, "b")
        };
        let status = r#""status":{"state":"working"}"#;
        let tasks = tasks.replace("\"title\"", &format!("{status},\"title\""));
        format!(
            r#"{{"schemaVersion":"1.0","agent":{{"id":"a","name":"A","status":"online"}},"tasks":[{tasks}],"nextCursor":"{next}"}}"#
        )
    };
    let server = Server::start(move |asked| Some(("200 OK", page(asked).into_bytes())));
    let said = run(&[
        "observe",
        &server.status_url(),
        "--kind",
        "native",
        "--json",
    ]);
    let document = said.one();
    let titles: Vec<_> = document["tasks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|task| task["title"].as_str().expect("a title"))
        .collect();
    assert_eq!(titles, ["later", "b", "c"]);
    assert_eq!(document["nextCursor"], "");
}

/// Answers `q/1` of a server that says `pending` before the decision and `after` once it came.
fn answer(
    reply: (&'static str, &'static str),
    after: &'static str,
    more: &[&str],
) -> (Said, Vec<Asked>) {
    let came = AtomicUsize::new(0);
    let server = Server::start(move |asked| {
        if asked.method == "POST" {
            came.fetch_add(1, Ordering::SeqCst);
            return Some((reply.0, reply.1.into()));
        }
        let shown = if came.load(Ordering::SeqCst) > 0 {
            after
        } else {
            PENDING
        };
        Some(("200 OK", status(shown).into_bytes()))
    });
    let url = server.status_url();
    let mut arguments = vec!["answer", &url, "--json", "--escalation", "q/1"];
    arguments.extend_from_slice(more);
    if !more.contains(&"--outcome") {
        arguments.extend_from_slice(&["--outcome", "approve"]);
    }
    let said = run(&arguments);
    (said, server.asked())
}

#[test]
fn an_approval_is_delivered_with_key_version_and_digest() {
    let (said, asked) = answer(("200 OK", r#"{"applied":true}"#), "", &[]);
    assert_eq!((said.code, said.complaint.as_str()), (0, ""));
    assert_eq!(
        said.one(),
        json!({"state": "applied", "escalation": "q/1", "task": "t1"})
    );
    let posts: Vec<_> = asked
        .iter()
        .filter(|asked| asked.method == "POST")
        .collect();
    assert_eq!(posts.len(), 1);
    let post = posts[0];
    assert_eq!(post.path, "/agent/escalations/q%2F1/decision");
    assert_eq!(post.header("if-match"), Some("\"7\""));
    assert_eq!(post.header("idempotency-key").map(str::len), Some(36));
    let body: Value = serde_json::from_str(&post.body).expect("JSON");
    assert_eq!(body["outcome"], "approve");
    let digest = domain::decision::digest(r#"{"name":"mail.send","args":{"n":1.00}}"#);
    assert_eq!(
        body["actionDigest"],
        digest.as_str(),
        "over the exact bytes"
    );
}

#[test]
fn what_became_of_an_answer_decides_the_exit() {
    let check = |reply, after, state: &str, code| {
        let (said, _) = answer(reply, after, &[]);
        assert_eq!(said.one()["state"], state, "{reply:?}");
        assert_eq!(said.code, code, "{reply:?}");
    };
    let resolved = r#"{"id":"q/1","version":"7","kind":"approval","title":"x","message":"x","createdAt":"2026-11-01T09:00:00Z","status":"resolved"}"#;
    check(("202 Accepted", ""), PENDING, "sent", 0);
    check(("202 Accepted", ""), resolved, "applied", 0);
    check(("202 Accepted", ""), "", "sent", 0);
    check(
        (
            "200 OK",
            r#"{"applied":false,"escalation":{"outcome":"reject"}}"#,
        ),
        "",
        "already-resolved",
        1,
    );
    check(
        ("422 Unprocessable", r#"{"detail":"No"}"#),
        PENDING,
        "refused",
        1,
    );
    check(("410 Gone", ""), "", "expired", 1);
    check(("412 Precondition Failed", ""), PENDING, "changed", 1);
    // Nothing goes on when the command has ended.
    for (status, why) in [
        ("401 Unauthorized", "refuses our credentials"),
        ("429 Too Many Requests", "slow down"),
    ] {
        let (said, asked) = answer((status, ""), PENDING, &[]);
        check_unusable(&said, "was not taken, and it is not kept here");
        assert!(said.complaint.contains(why), "{said:?}");
        assert!(asked.iter().filter(|asked| asked.method == "POST").count() > 1);
    }
}

#[test]
fn a_question_that_is_not_there_gets_nothing_sent() {
    let (said, asked) = answer(
        ("200 OK", "{}"),
        "",
        &["--escalation", "other", "--kind", "native"],
    );
    // The last of two equal options counts nowhere: it is an error.
    check_unusable(&said, "--escalation");
    assert!(asked.is_empty());
    let server = Server::start(|_| Some(("200 OK", status("").into_bytes())));
    let said = run(&[
        "answer",
        &server.status_url(),
        "--escalation",
        "q",
        "--outcome",
        "reject",
        "--json",
    ]);
    assert_eq!(
        (said.code, said.one()["state"].as_str()),
        (1, Some("expired"))
    );
    assert!(server.asked().iter().all(|asked| asked.method == "GET"));
}

#[test]
fn an_answer_that_cannot_be_one_is_unusable_and_sends_nothing() {
    for (more, part) in [
        (&["--outcome", "edit"][..], "edited action"),
        (&["--outcome", "edit", "--edited", "{"], "not usable JSON"),
        (
            &[
                "--outcome",
                "edit",
                "--edited",
                r#"{"name":"a","name":"b"}"#,
            ],
            "stands twice",
        ),
        (&["--outcome", "respond"], "words"),
        (
            &["--outcome", "approve", "--option", "nope"],
            "does not offer",
        ),
    ] {
        let (said, asked) = answer(("200 OK", "{}"), "", more);
        check_unusable(&said, part);
        assert!(asked.iter().all(|asked| asked.method == "GET"), "{more:?}");
    }
}

#[test]
fn an_answer_that_was_lost_is_sent_again_with_the_same_key_and_bytes() {
    let posts = Mutex::new(0);
    let server = Server::start(move |asked| {
        if asked.method == "GET" {
            return Some(("200 OK", status(PENDING).into_bytes()));
        }
        let mut posts = posts.lock().expect("not poisoned");
        *posts += 1;
        (*posts > 1).then(|| ("200 OK", br#"{"applied":true}"#.to_vec()))
    });
    let url = server.status_url();
    let said = run(&[
        "answer",
        &url,
        "--escalation",
        "q/1",
        "--outcome",
        "reject",
        "--json",
    ]);
    assert_eq!(said.one()["state"], "applied", "{said:?}");
    let asked = server.asked();
    let sent: Vec<_> = asked
        .iter()
        .filter(|asked| asked.method == "POST")
        .map(|asked| (asked.header("idempotency-key"), &asked.body))
        .collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
}

#[test]
fn the_demo_takes_an_answer_once() {
    let (_running, agents) = demo(170);
    let mut answered = 0;
    for (_, url) in &agents {
        let document = run(&["observe", url, "--json"]).one();
        for question in document["escalations"].as_array().into_iter().flatten() {
            if question["status"] != "pending" {
                continue;
            }
            let id = question["id"].as_str().expect("an id");
            let arguments = [
                "answer",
                url,
                "--escalation",
                id,
                "--outcome",
                "reject",
                "--json",
            ];
            assert_eq!(run(&arguments).one()["state"], "applied");
            let again = run(&arguments);
            assert_eq!(again.one()["state"], "already-resolved", "{again:?}");
            assert_eq!(again.code, 1);
            answered += 1;
        }
    }
    assert!(answered > 0, "the story has questions at that moment");
}

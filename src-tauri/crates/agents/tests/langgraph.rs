//! The LangGraph kind against a scripted socket: what real servers do rarely, only in large numbers, or did in older
//! versions. Shapes were recorded from the official packages; that server itself is met in `tests/real`.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/pushes.rs"]
mod pushes;

use std::sync::{Arc, Mutex};

use agents::{Delivery, Endpoint, Kind, Observation, Outcome, Target};
use deciding::decide;
use domain::{
    contract::{self, Document, TaskState},
    fact::PollErrorKind,
};
use serde_json::{Value, json, value::RawValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

type Asked = Arc<Mutex<Vec<(String, Value)>>>;
type Said = (u16, Vec<u8>);

fn good(body: &Value) -> Said {
    (200, body.to_string().into_bytes())
}

fn refused(status: u16, detail: &str) -> Said {
    (status, json!({"detail": detail}).to_string().into_bytes())
}

/// Answers `METHOD /path` with what the story says; tells what it is and what it runs by itself.
async fn serve(mut story: impl FnMut(&str, &Value) -> Said + Send + 'static) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked = Asked::default();
    let notes = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (mut request, mut piece) = (vec![], [0; 8192]);
            let body_at = loop {
                let read = socket.read(&mut piece).await.expect("a request");
                request.extend_from_slice(&piece[..read]);
                let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let Some(end) = text.find("\r\n\r\n") else {
                    continue;
                };
                let length = text.split("content-length: ").nth(1);
                let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
                if request.len() >= end + 4 + length.unwrap_or(0) {
                    break end + 4;
                }
            };
            let head = String::from_utf8_lossy(&request[..body_at]).into_owned();
            let line = head.lines().next().expect("a request line");
            let call = line.trim_end_matches(" HTTP/1.1").to_owned();
            let body: Value = serde_json::from_slice(&request[body_at..]).unwrap_or_default();
            let (status, answer) = match call.as_str() {
                "GET /info" => good(
                    &json!({"version": "0.16.7", "langgraph_py_version": "1.2.22", "flags": {"assistants": true, "crons": false}}),
                ),
                "POST /assistants/search" => {
                    good(&json!([{"assistant_id": "a-1", "graph_id": "clerk", "name": "clerk"}]))
                }
                _ => {
                    notes
                        .lock()
                        .expect("notes")
                        .push((call.clone(), body.clone()));
                    story(&call, &body)
                }
            };
            let head = format!(
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            let _ = socket.write_all(head.as_bytes()).await;
            let _ = socket.write_all(&answer).await;
        }
    });
    (url, asked)
}

fn connect(url: &str) -> Box<dyn Endpoint> {
    connect_anew(url, vec![])
}

/// Connects, with questions that an earlier connection has shown.
fn connect_anew(url: &str, known_questions: Vec<Box<str>>) -> Box<dyn Endpoint> {
    agents::open(&Target {
        endpoint: "scripted".into(),
        kind: Kind::LangGraph,
        url: url.to_owned(),
        credential: None,
        known_tasks: vec![],
        known_questions,
    })
    .expect("it opens")
}

fn thread(id: &str, status: &str, second: usize) -> Value {
    let time = format!(
        "2026-11-21T08:{:02}:{:02}.000000+00:00",
        second / 60 % 60,
        second % 60
    );
    json!({"thread_id": id, "status": status, "created_at": time, "updated_at": time, "state_updated_at": time,
        "metadata": {"assistant_id": "a-1", "graph_id": "clerk"}, "interrupts": {}})
}

fn asking(id: &str, second: usize, interrupts: Value) -> Value {
    let mut asking = thread(id, "interrupted", second);
    asking["interrupts"] = interrupts;
    asking
}

const I1: &str = "421e2db2345046c145ef2539c05403da";

async fn poll(endpoint: &mut dyn Endpoint) -> (Document, Value) {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, .. } => {
            let document = contract::read(body.as_bytes()).expect("a status document");
            pushes::not_pushed_on(&document, "LangGraph");
            (document, serde_json::from_str(&body).unwrap_or_default())
        }
        Observation::Unchanged => panic!("nothing is new"),
    }
}

fn states(document: &Document) -> Vec<(String, TaskState, String)> {
    let tasks = document.tasks.iter().flatten().map(|item| &item.value);
    tasks
        .map(|task| {
            let native = task.status.native.clone().unwrap_or_default();
            (task.id.as_str().to_owned(), task.status.state, native)
        })
        .collect()
}

#[tokio::test]
async fn a_state_that_is_not_known_is_shown_with_its_native_word() {
    let (url, _) = serve(|call, _| match call {
        "POST /threads/search" => good(&json!([
            thread("t1", "hibernating", 1),
            thread("t2", "idle", 0)
        ])),
        _ => good(&json!([{"run_id": "r", "status": "dreaming"}])),
    })
    .await;
    let (document, _) = poll(&mut *connect(&url)).await;
    assert_eq!(
        states(&document),
        [
            (
                "t1".to_owned(),
                TaskState::Unknown,
                "hibernating".to_owned()
            ),
            (
                "t2".to_owned(),
                TaskState::Unknown,
                "idle, run dreaming".to_owned()
            ),
        ]
    );
}

#[tokio::test]
async fn a_run_that_waits_for_its_turn_is_looked_at_again_until_it_begins() {
    let mut looks = 0;
    let (url, _) = serve(move |call, _| match call {
        "POST /threads/search" => {
            good(&json!([thread("newer", "idle", 9), thread("t", "busy", 1)]))
        }
        "GET /threads/t" => good(&thread("t", "busy", 1)),
        "GET /threads/newer/runs?limit=1" => good(&json!([])),
        _ => {
            looks += 1;
            let status = if looks < 2 { "pending" } else { "running" };
            good(&json!([{"run_id": "r", "status": status, "kwargs": {}}]))
        }
    })
    .await;
    let mut endpoint = connect(&url);
    let (document, _) = poll(&mut *endpoint).await;
    assert_eq!(states(&document)[1].1, TaskState::Submitted);
    let (document, _) = poll(&mut *endpoint).await;
    assert_eq!(
        states(&document),
        [(
            "t".to_owned(),
            TaskState::Working,
            "busy, run running".to_owned()
        )]
    );
}

#[tokio::test]
async fn every_thread_of_a_long_list_is_read_once_though_threads_move_and_vanish_meanwhile() {
    let mut threads: Vec<Value> = (0..450)
        .map(|n| thread(&format!("t{n}"), "hibernating", 450 - n))
        .collect();
    let mut pages = 0;
    let (url, asked) = serve(move |_, body| {
        pages += 1;
        if pages == 2 {
            // Five of the first page are gone, and one of the last has moved to the front.
            threads.drain(10..15);
            threads.pop();
            threads.insert(0, thread("t449", "hibernating", 500));
        }
        let (offset, limit) = (
            body["offset"].as_u64().expect("an offset"),
            body["limit"].as_u64().expect("a limit"),
        );
        let page: Vec<_> = threads
            .iter()
            .skip(offset as usize)
            .take(limit as usize)
            .cloned()
            .collect();
        good(&json!(page))
    })
    .await;
    let mut endpoint = connect(&url);
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let Ok(Observation::Document { body, last, .. }) = endpoint.observe().await else {
            panic!("it answers");
        };
        let document = contract::read(body.as_bytes()).expect("a status document");
        assert!(document.snapshot);
        seen.extend(states(&document).into_iter().map(|(id, ..)| id));
        if last {
            break;
        }
    }
    assert_eq!(seen.len(), 450, "none is missed");
    let searches = asked.lock().expect("notes").len();
    assert!(searches <= 5, "{searches} requests");
}

#[tokio::test]
async fn a_plain_older_server_is_asked_plainly_and_its_nameless_question_answered() {
    let mut answered = false;
    let (url, asked) = serve(move |call, body| {
        let mut old = asking("t", 1, json!({"step": [{"value": "Which account?", "resumable": true, "ns": ["x:1"], "when": "during"}]}));
        if answered {
            old = thread("t", "idle", 2);
        }
        match call {
            "POST /threads/search" if body.get("sort_by").is_some() => refused(422, "unknown member"),
            "POST /threads/search" => good(&json!([old])),
            "POST /threads/t/runs" => {
                answered = true;
                good(&json!({"run_id": "r2", "status": "pending"}))
            }
            "GET /threads/t" => good(&old),
            "GET /threads/t/state" => good(&json!({"tasks": []})),
            _ if answered => good(&json!([{"run_id": "r2", "status": "success"}, {"run_id": "r1", "status": "success"}])),
            _ => good(&json!([{"run_id": "r1", "status": "success"}])),
        }
    })
    .await;
    let mut endpoint = connect(&url);
    let (document, raw) = poll(&mut *endpoint).await;
    assert_eq!(states(&document)[0].1, TaskState::InputRequired);
    let delivery = decide(
        &raw["escalations"][0],
        "k",
        json!({"outcome": "respond", "message": "giro"}),
    );
    assert_eq!(endpoint.deliver(&delivery).await, Outcome::Applied);
    let notes = asked.lock().expect("notes").clone();
    let mut notes = notes.iter();
    let (_, sent) = notes
        .find(|(call, _)| call == "POST /threads/t/runs")
        .expect("it was sent");
    assert_eq!(
        sent["command"],
        json!({"resume": "giro"}),
        "there is no name to key it by"
    );
    let (document, _) = poll(&mut *endpoint).await;
    assert!(document.snapshot, "changes cannot be asked for");
}

/// One open question, a server that answers the sending in one way, and what is said of that.
async fn check(story: Story, resend: bool, expected: impl Fn(&Outcome) -> bool) -> usize {
    let name = format!("{story:?}");
    let mut posted = false;
    let (url, asked) = serve(move |call, _| {
        let open = asking("t", 1, json!({"step": [{"id": I1, "value": "Which account?"}]}));
        let (now, runs, post) = story.tell(posted);
        match call {
            "POST /threads/search" => good(&json!([open])),
            "POST /threads/t/runs" => {
                posted = true;
                post
            }
            "GET /threads/t" => now,
            "GET /threads/t/state" => {
                let still = matches!(story, Story::AsksTheSame | Story::BreaksOff);
                let open = json!([{"id": I1, "value": "Which account?"}]);
                let mut state = json!({"tasks": [{"id": "step", "interrupts": if still { open } else { json!([]) }}]});
                match story {
                    Story::FailsLater => state["metadata"] = json!({"source": "loop", "run_id": "ours"}),
                    Story::FailsBeside => state["tasks"][0]["result"] = json!({"answers": ["giro"]}),
                    Story::FailsAnew | Story::BeginsAnew => {
                        state = json!({"tasks": [], "metadata": {"source": "input", "run_id": "ours"}});
                    }
                    _ => {}
                }
                good(&state)
            }
            _ => good(&runs),
        }
    })
    .await;
    let mut endpoint = connect(&url);
    let (_, raw) = poll(&mut *endpoint).await;
    let delivery = Delivery {
        resend,
        ..decide(
            &raw["escalations"][0],
            "key",
            json!({"outcome": "respond", "message": "giro"}),
        )
    };
    let outcome = endpoint.deliver(&delivery).await;
    assert!(expected(&outcome), "{name}: {outcome:?}");
    let asked = asked.lock().expect("notes");
    asked
        .iter()
        .filter(|(call, _)| call == "POST /threads/t/runs")
        .count()
}

#[derive(Clone, Copy, Debug)]
enum Story {
    /// A second person was a moment faster.
    Overtaken,
    /// The same, with an answer that names no question.
    OvertakenNamelessly,
    AsksTheSame,
    BreaksOff,
    /// The step that asked was done, and a later one failed, or one beside it.
    FailsLater,
    FailsBeside,
    /// It failed, and says no more.
    FailsSomewhere,
    /// The server had lost what the thread had come to: it began from nothing, and failed, or not.
    FailsAnew,
    BeginsAnew,
    Cancelled,
    OddEnd,
    Busy,
    Refuses,
    Forbids,
    Fails,
    FailsButTakes,
    /// Our run is there already.
    Arrived,
    /// Answered, and still open.
    Ambiguous,
}

impl Story {
    /// The thread, its runs, and what comes of sending.
    fn tell(self, posted: bool) -> (Said, Value, Said) {
        let ours = |status: &str| json!({"run_id": "ours", "status": status, "metadata": {"mission_control_decision": "key"}, "kwargs": {"command": {"resume": {I1: "giro"}}}});
        let first = json!({"run_id": "first", "status": "success", "kwargs": {"input": {}}});
        let other = |resume: Value| json!({"run_id": "other", "status": "success", "kwargs": {"command": {"resume": resume}}});
        let open = good(&asking(
            "t",
            1,
            json!({"step": [{"id": I1, "value": "Which account?"}]}),
        ));
        let done = good(&thread("t", "idle", 2));
        let taken = good(&ours("pending"));
        let mut failed = thread("t", "error", 2);
        failed["error"] = json!({"error": "ValueError", "message": "No such account"});
        let now = if posted { done } else { open.clone() };
        let before = json!([first]);
        let after = |runs: Value| if posted { runs } else { before.clone() };
        match self {
            Self::Overtaken => (
                now,
                after(json!([
                    ours("success"),
                    other(json!({I1: "savings"})),
                    first
                ])),
                taken,
            ),
            Self::OvertakenNamelessly => (
                now,
                after(json!([ours("success"), other(json!("savings")), first])),
                taken,
            ),
            Self::AsksTheSame => (open, after(json!([ours("success"), first])), taken),
            Self::BreaksOff => {
                let now = if posted { good(&failed) } else { open };
                (now, after(json!([ours("error"), first])), taken)
            }
            Self::FailsLater | Self::FailsBeside | Self::FailsSomewhere | Self::FailsAnew => {
                let now = if posted { good(&failed) } else { open };
                (now, after(json!([ours("error"), first])), taken)
            }
            Self::BeginsAnew => (now, after(json!([ours("success"), first])), taken),
            Self::Cancelled => (now, after(json!([ours("interrupted"), first])), taken),
            Self::OddEnd => (now, after(json!([ours("evaporated"), first])), taken),
            Self::Busy => (
                open,
                before,
                refused(409, "Thread is already running a task."),
            ),
            Self::Refuses => (open, before, refused(422, "Invalid assistant")),
            Self::Forbids => (open, before, refused(403, "Not you")),
            Self::Fails => (open, before, refused(500, "Oops")),
            Self::FailsButTakes => (
                now,
                after(json!([ours("success"), first])),
                refused(502, "Oops"),
            ),
            Self::Arrived => (
                good(&thread("t", "idle", 2)),
                json!([ours("success"), first]),
                taken,
            ),
            Self::Ambiguous => (open, json!([other(json!({I1: "savings"})), first]), taken),
        }
    }
}

#[tokio::test]
async fn an_answer_is_applied_only_when_the_server_shows_that_it_was_ours() {
    let by = |word: &'static str| {
        move |outcome: &Outcome| {
            *outcome
                == Outcome::AlreadyResolved {
                    recorded: Some(word.to_owned()),
                }
        }
    };
    let says = |words: &'static str| move |outcome: &Outcome| matches!(outcome, Outcome::Refused(why) if why.contains(words));
    let again = |may: bool| move |outcome: &Outcome| matches!(outcome, Outcome::Retry { may_have_arrived, .. } if *may_have_arrived == may);
    let unknown = |outcome: &Outcome| matches!(outcome, Outcome::Unknown(_));
    let applied = |outcome: &Outcome| *outcome == Outcome::Applied;
    assert_eq!(check(Story::Overtaken, false, by("savings")).await, 1);
    assert_eq!(
        check(Story::OvertakenNamelessly, false, by("savings")).await,
        1
    );
    assert_eq!(
        check(Story::AsksTheSame, false, says("asks the same")).await,
        1
    );
    assert_eq!(
        check(Story::BreaksOff, false, says("No such account")).await,
        1
    );
    for story in [Story::FailsLater, Story::FailsBeside] {
        assert_eq!(check(story, false, applied).await, 1);
    }
    for story in [Story::FailsSomewhere, Story::FailsAnew, Story::BeginsAnew] {
        assert_eq!(check(story, false, unknown).await, 1);
    }
    assert_eq!(check(Story::Cancelled, false, unknown).await, 1);
    assert_eq!(check(Story::OddEnd, false, unknown).await, 1);
    assert_eq!(check(Story::Busy, false, again(false)).await, 1);
    assert_eq!(
        check(Story::Refuses, false, says("Invalid assistant")).await,
        1
    );
    assert_eq!(check(Story::Forbids, false, again(false)).await, 1);
    assert_eq!(check(Story::Fails, false, again(true)).await, 1);
    assert_eq!(check(Story::FailsButTakes, false, applied).await, 1);
    assert_eq!(
        check(Story::Arrived, true, applied).await,
        0,
        "it is not sent again"
    );
    assert_eq!(
        check(Story::Ambiguous, true, unknown).await,
        0,
        "nor when it cannot be told"
    );
    assert_eq!(
        check(Story::Fails, true, again(true)).await,
        1,
        "it had not arrived"
    );
}

#[tokio::test]
async fn a_status_that_is_no_success_is_a_failed_poll() {
    for (status, kind) in [
        (500, PollErrorKind::Http),
        (401, PollErrorKind::Http),
        (429, PollErrorKind::Http),
        (302, PollErrorKind::Http),
    ] {
        let (url, _) = serve(move |_, _| refused(status, "no")).await;
        let error = connect(&url).observe().await.expect_err("it fails");
        assert_eq!((error.kind, error.http_status), (kind, Some(status)));
    }
    let (url, _) = serve(|_, _| (200, b"<html>".to_vec())).await;
    let error = connect(&url).observe().await.expect_err("it fails");
    assert_eq!(error.kind, PollErrorKind::Invalid);
}

#[tokio::test]
async fn pages_that_never_end_or_repeat_do_not_hold_us() {
    let whole: Vec<Value> = (0..200)
        .map(|n| thread(&format!("t{n}"), "hibernating", n))
        .collect();
    let (url, asked) = serve(move |_, _| good(&json!(whole))).await;
    let mut endpoint = connect(&url);
    for _ in 0..3 {
        if let Ok(Observation::Document { last: true, .. }) = endpoint.observe().await {
            assert!(asked.lock().expect("notes").len() <= 3);
            return;
        }
    }
    panic!("it goes on for ever");
}

/// Bodies that are wrong in one way each.
fn malformed() -> Vec<Vec<u8>> {
    let whole = json!([
        thread("good", "hibernating", 3),
        asking(
            "bad",
            2,
            json!({"step": [{"id": I1, "value": {"question": "Ä?"}}]})
        )
    ])
    .to_string();
    let mut bodies: Vec<Vec<u8>> = vec![];
    // Cut off, at a boundary of characters or not.
    for end in (0..whole.len()).step_by(7) {
        bodies.push(whole.as_bytes()[..end].to_vec());
    }
    let odd = [
        "null",
        "true",
        "0",
        "-1",
        "1e999",
        "123456789012345678901234567890",
        "\"\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "[]",
        "{}",
        "[[]]",
        "{\"a\":1,\"a\":2}",
        "\"x\"",
        "[null]",
        "{\"\":null}",
    ];
    let members = [
        "thread_id",
        "status",
        "updated_at",
        "created_at",
        "metadata",
        "interrupts",
        "error",
        "extracted",
        "values",
    ];
    for member in members {
        for value in odd {
            let mut bad = asking("bad", 2, json!({}));
            bad.as_object_mut().expect("an object").remove(member);
            let text = bad.to_string();
            let bad = format!("{},\"{member}\":{value}}}", &text[..text.len() - 1]);
            bodies.push(format!("[{bad},{}]", thread("good", "hibernating", 1)).into_bytes());
        }
    }
    for value in odd {
        for inside in [
            format!("{{\"step\":{value}}}"),
            format!("{{\"step\":[{value}]}}"),
            format!("{{\"step\":[{{\"id\":{value},\"value\":1}}]}}"),
            format!(
                "{{\"step\":[{{\"id\":\"i\",\"value\":{value},\"response_schema\":{value}}}]}}"
            ),
            format!(
                "{{\"step\":[{{\"id\":\"i\",\"value\":[{{\"action_request\":{{\"action\":\"x\",\"args\":{value}}},\"config\":{value}}}]}}]}}"
            ),
            format!(
                "{{\"step\":[{{\"id\":\"i\",\"value\":{{\"action_requests\":{value},\"review_configs\":{value}}}}}]}}"
            ),
        ] {
            let bad = format!(
                "{{\"thread_id\":\"bad\",\"status\":\"interrupted\",\"interrupts\":{inside}}}"
            );
            bodies.push(format!("[{bad},{}]", thread("good", "hibernating", 1)).into_bytes());
        }
        bodies.push(format!("[{value},{}]", thread("good", "hibernating", 1)).into_bytes());
        bodies.push(value.as_bytes().to_vec());
    }
    let deep = |open: &str, close: &str| {
        format!(
            "[{}{},{}]",
            open.repeat(100),
            close.repeat(100),
            thread("good", "hibernating", 1)
        )
    };
    bodies.push(deep("[", "]").into_bytes());
    bodies.push(
        format!(
            "[{{\"thread_id\":\"bad\",\"metadata\":{}1{}}},{}]",
            "[".repeat(110),
            "]".repeat(110),
            thread("good", "hibernating", 1)
        )
        .into_bytes(),
    );
    bodies.push("[".repeat(100_000).into_bytes());
    bodies.push(b"[{\"thread_id\":\"\xff\xfe\"}]".to_vec());
    bodies
}

#[tokio::test]
async fn malformed_bodies_are_refused_or_lose_only_the_bad_item() {
    let bodies = malformed();
    assert!(bodies.len() >= 300, "{}", bodies.len());
    let current = Arc::new(Mutex::new(vec![]));
    let served = current.clone();
    // Whatever is asked of threads and runs is answered with the same nonsense.
    let (url, _) = serve(move |_, _| (200, served.lock().expect("a body").clone())).await;
    for body in bodies {
        *current.lock().expect("a body") = body.clone();
        let text = String::from_utf8_lossy(&body);
        let text: String = text.chars().take(400).collect();
        let is_list = serde_json::from_slice::<Vec<Box<RawValue>>>(&body).is_ok();
        let Ok(Observation::Document { body, .. }) = connect(&url).observe().await else {
            assert!(!is_list, "a list loses only its bad items: {text}");
            continue;
        };
        let document = contract::read(body.as_bytes())
            .unwrap_or_else(|problem| panic!("{text}: {problem:?} in {body}"));
        if text.contains("\"good\"") {
            let told = states(&document);
            assert!(told.iter().any(|(id, ..)| id == "good"), "{text}: {body}");
        }
    }
}

#[tokio::test]
async fn a_connection_made_anew_tells_what_became_of_what_an_earlier_one_has_shown() {
    let asked = json!({"a": [{"id": I1, "value": "Which one?"}]});
    let mut looks = 0;
    let (url, _) = serve(move |call, _| match call {
        "POST /threads/search" => {
            looks += 1;
            let still = asking("still", 3, asked.clone());
            let all = if looks == 1 {
                ["over", "broken", "lost"]
                    .map(|id| asking(id, 1, asked.clone()))
                    .to_vec()
            } else {
                vec![thread("over", "idle", 9), thread("broken", "weird", 9)]
            };
            good(&Value::Array([vec![still], all].concat()))
        }
        _ => good(&json!([{"run_id": "r", "status": "success"}])),
    })
    .await;
    let (before, raw) = poll(&mut *connect(&url)).await;
    let known = before
        .escalations
        .iter()
        .flatten()
        .map(|item| (*item.raw).into());
    let (_, after) = poll(&mut *connect_anew(&url, known.collect())).await;
    let told = |document: &Value| -> Vec<(String, String)> {
        let all = document["escalations"]
            .as_array()
            .expect("questions")
            .iter();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        all.map(|item| (word(&item["taskId"]), word(&item["status"])))
            .collect()
    };
    assert_eq!(told(&raw).len(), 4);
    let expected = [
        ("still", "pending"),
        ("over", "resolved"),
        ("broken", "withdrawn"),
    ];
    let expected = expected.map(|(id, status)| (id.to_owned(), status.to_owned()));
    assert_eq!(told(&after), expected);
    assert_eq!(after["escalations"][0], raw["escalations"][0]);
}

/// What the server tells of a thread and its newest run, poll after poll.
async fn statuses_of_the_question(story: Vec<(&'static str, Option<Value>)>) -> Vec<Value> {
    let asked = json!({"a": [{"id": I1, "value": "Which one?"}]});
    let polls = story.len();
    let (mut at, mut first) = (0, true);
    let (url, _) = serve(move |call, _| {
        if call == "POST /threads/search" && !std::mem::take(&mut first) {
            at += 1;
        }
        let (status, run) = &story[at.min(story.len() - 1)];
        let mut now = thread("t", status, at + 1);
        if *status == "interrupted" {
            now["interrupts"] = asked.clone();
        }
        match call {
            "POST /threads/search" => good(&json!([now])),
            "GET /threads/t" => good(&now),
            _ => good(&json!([run])),
        }
    })
    .await;
    let mut endpoint = connect(&url);
    let mut told: Vec<Value> = vec![];
    for _ in 0..polls {
        // What was not told again is as it was.
        let before = told.last().cloned().unwrap_or_default();
        told.push(match endpoint.observe().await.expect("it answers") {
            Observation::Document { body, .. } => {
                let raw: Value = serde_json::from_str(&body).expect("a document");
                raw["escalations"].get(0).cloned().unwrap_or(before)
            }
            Observation::Unchanged => before,
        });
    }
    told
}

#[tokio::test]
async fn a_question_stays_open_until_the_run_with_our_answer_begins() {
    let run = |id: &str, status: &str, metadata: Value| json!({"run_id": id, "status": status, "metadata": metadata, "kwargs": {"command": {"resume": {I1: "giro"}}}});
    let ours = |status: &str| run("ours", status, json!({"mission_control_decision": "key"}));
    let first = json!({"run_id": "first", "status": "success", "kwargs": {"input": {}}});
    let asks = ("interrupted", Some(first));
    // It never begins, and the server drops it.
    let dropped = vec![
        asks.clone(),
        ("busy", Some(ours("pending"))),
        ("busy", Some(ours("pending"))),
        asks.clone(),
    ];
    let told = statuses_of_the_question(dropped).await;
    for now in &told {
        assert_eq!(now["status"], "pending", "{told:#?}");
        assert_eq!(now["version"], told[0]["version"], "{told:#?}");
    }
    let begins = vec![
        asks.clone(),
        ("busy", Some(ours("pending"))),
        ("busy", Some(ours("running"))),
    ];
    let told = statuses_of_the_question(begins).await;
    let words = told.iter().map(|now| &now["status"]);
    assert!(words.eq(["pending", "pending", "resolved"]), "{told:#?}");
    // What somebody else has answered needs nobody here, however long that waits.
    let elsewhere = vec![asks, ("busy", Some(run("other", "pending", json!({}))))];
    let told = statuses_of_the_question(elsewhere).await;
    assert_eq!(told[1]["status"], "resolved", "{told:#?}");
}

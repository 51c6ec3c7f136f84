//! The OpenCode kind against a scripted socket: other versions, and what a real server does rarely. Shapes were recorded
//! from the real one, which is met in `tests/real`.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "malformed/bodies.rs"]
#[allow(dead_code)] // The whole set is for lists of sessions.
mod bodies;
#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/pushes.rs"]
mod pushes;

use std::sync::{Arc, Mutex};

use agents::{Delivery, Endpoint, Kind, Observation, Outcome, Target};
use deciding::decide;
use domain::contract::{self, Document, EscalationStatus, TaskState};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What the server has. A path that is not there is answered with the web page, as the real one does.
type Paths = Vec<(&'static str, Value)>;

#[derive(Default)]
struct World {
    paths: Paths,
    /// Status and body for what is posted; without one the connection breaks.
    posted: Option<(u16, String)>,
    /// What the server has after something was posted.
    then: Option<Paths>,
    asked: Vec<String>,
}

struct Server {
    url: String,
    world: Arc<Mutex<World>>,
}

impl Server {
    fn posts(&self) -> Vec<String> {
        let asked = self.world.lock().expect("the world").asked.clone();
        asked
            .into_iter()
            .filter(|line| line.starts_with("POST"))
            .collect()
    }

    fn asked(&self, part: &str) -> usize {
        let world = self.world.lock().expect("the world");
        world
            .asked
            .iter()
            .filter(|line| line.contains(part))
            .count()
    }

    fn put(&self, path: &'static str, value: Value) {
        let mut world = self.world.lock().expect("the world");
        world.paths.retain(|(known, _)| *known != path);
        world.paths.push((path, value));
    }

    fn connect(&self) -> Box<dyn Endpoint> {
        agents::open(&Target {
            endpoint: "coder".into(),
            kind: Kind::OpenCode,
            url: self.url.clone(),
            credential: None,
            known_tasks: vec![],
            known_questions: vec![],
        })
        .expect("it opens")
    }
}

async fn serve(world: World) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let world = Arc::new(Mutex::new(world));
    let shown = Arc::clone(&world);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 65536];
            let read = socket.read(&mut request).await.unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            let Some(answer) = answer(&shown, &text) else {
                continue;
            };
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    Server { url, world }
}

fn answer(world: &Mutex<World>, request: &str) -> Option<String> {
    let mut world = world.lock().expect("the world");
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
    let mut words = head.split_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    world.asked.push(format!("{method} {target} {body}"));
    let path = target.split('?').next().unwrap_or_default();
    // A directory's own answer stands under its path and the directory's name.
    let place = target
        .split("directory%5D=")
        .nth(1)
        .or(target.split("directory=").nth(1));
    let place = place.map(|rest| {
        rest.split('&')
            .next()
            .unwrap_or_default()
            .replace("%2F", "/")
    });
    let own = place.map(|place| format!("{path} {place}"));
    let (status, kind, body) = if method == "POST" {
        if let Some(then) = world.then.take() {
            world.paths = then;
        }
        let (status, body) = world.posted.clone()?;
        (status, "application/json", body)
    } else {
        let at = |wanted: &str| world.paths.iter().find(|(known, _)| *known == wanted);
        match own.as_deref().and_then(at).or_else(|| at(path)) {
            Some((_, Value::String(raw))) => (200, "application/json", raw.clone()),
            Some((_, value)) => (200, "application/json", value.to_string()),
            None => (200, "text/html", "<!doctype html><html></html>".to_owned()),
        }
    };
    Some(format!(
        "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

const NOW: i64 = 1_795_256_665_790;

fn session(id: &str, directory: &str) -> Value {
    json!({"id": id, "title": "Fix the till", "directory": directory, "agent": "build", "cost": 0.25,
        "model": {"id": "m1", "providerID": "local"}, "tokens": {"input": 7, "output": 3},
        "time": {"created": NOW, "updated": NOW}})
}

fn permission(id: &str, session: &str) -> Value {
    json!({"id": id, "sessionID": session, "permission": "bash", "patterns": ["rm -r old"],
        "metadata": {"command": "rm -r old"}, "always": ["rm *"], "tool": {"messageID": "msg_1", "callID": "call_1"}})
}

fn messages(call: Value) -> Value {
    let mut state =
        json!({"status": "running", "input": {"command": "rm -r old"}, "time": {"start": NOW}});
    for (name, value) in call.as_object().expect("an object") {
        state[name] = value.clone();
    }
    json!([{"info": {"id": "msg_1", "role": "assistant", "time": {"created": NOW}},
        "parts": [{"type": "tool", "callID": "call_1", "tool": "bash", "state": state}]}])
}

/// A server with one session that asks.
fn asking() -> Paths {
    vec![
        (
            "/global/health",
            json!({"healthy": true, "version": "1.18.33"}),
        ),
        ("/path", json!({"directory": "/w/shop"})),
        (
            "/experimental/session",
            json!([session("ses_1", "/w/shop")]),
        ),
        ("/session/ses_1", session("ses_1", "/w/shop")),
        ("/session/ses_1/message", messages(json!({}))),
        ("/session/status", json!({"ses_1": {"type": "busy"}})),
        ("/permission", json!([permission("per_1", "ses_1")])),
        ("/question", json!([])),
    ]
}

fn with(mut paths: Paths, other: Paths) -> Paths {
    paths.retain(|(known, _)| !other.iter().any(|(name, _)| name == known));
    paths.extend(other);
    paths
}

async fn look(endpoint: &mut dyn Endpoint) -> Document {
    match endpoint.observe().await.expect("it answers") {
        Observation::Document { body, .. } => {
            let document = contract::read(body.as_bytes()).expect("a document");
            pushes::not_pushed_on(&document, "OpenCode");
            document
        }
        Observation::Unchanged => panic!("nothing is new"),
    }
}

fn state(document: &Document, id: &str) -> TaskState {
    let tasks = document.tasks.as_ref().expect("tasks");
    let found = tasks.iter().find(|task| task.value.id.as_str() == id);
    found.expect("the task").value.status.state
}

fn delivery(document: &Document, decision: Value) -> Delivery {
    let question = &document.escalations.as_ref().expect("escalations")[0];
    let question = serde_json::from_str(question.raw.as_ref()).expect("JSON");
    decide(&question, "k", decision)
}

#[tokio::test]
async fn a_version_without_the_wide_list_shows_its_own_folder_and_says_so() {
    let mut paths = asking();
    paths.retain(|(path, _)| *path != "/experimental/session");
    paths.push(("/session", json!([session("ses_1", "/w/shop")])));
    let server = serve(World {
        paths,
        ..World::default()
    })
    .await;
    let found = agents::probe(&server.url, None)
        .await
        .expect("it is identified");
    assert_eq!(
        (found.kind, found.protocol_version.as_deref()),
        (Kind::OpenCode, Some("v1"))
    );
    assert!(
        found
            .warnings
            .iter()
            .any(|w| w.contains("only the sessions of the folder")),
        "{found:?}"
    );
    let document = look(&mut *server.connect()).await;
    assert_eq!(document.problems, []);
    assert_eq!(state(&document, "ses_1"), TaskState::InputRequired);
}

#[tokio::test]
async fn a_version_that_lists_no_requests_says_nothing_of_questions() {
    let mut paths = asking();
    paths.retain(|(path, _)| *path != "/permission" && *path != "/question");
    let server = serve(World {
        paths,
        ..World::default()
    })
    .await;
    let document = look(&mut *server.connect()).await;
    assert!(document.escalations.is_none(), "not the same as none");
    assert_eq!(state(&document, "ses_1"), TaskState::Working);
}

#[tokio::test]
async fn each_folder_at_work_is_asked_by_itself_and_sleeping_ones_are_not_woken() {
    let done = json!([{"info": {"id": "msg_9", "role": "assistant", "time": {"created": 5, "completed": 6}}, "parts": []}]);
    let mut old = session("ses_3", "/w/asleep");
    old["time"] = json!({"created": 5, "updated": 6});
    let server = serve(World {
        paths: with(
            asking(),
            vec![
                (
                    "/experimental/session",
                    json!([
                        session("ses_1", "/w/shop"),
                        session("ses_2", "/w/bank"),
                        old
                    ]),
                ),
                ("/session/ses_2/message", messages(json!({}))),
                ("/session/ses_3/message", done),
                ("/permission /w/bank", json!([permission("per_2", "ses_2")])),
                (
                    "/session/status /w/bank",
                    json!({"ses_2": {"type": "busy"}}),
                ),
            ],
        ),
        ..World::default()
    })
    .await;
    let mut endpoint = server.connect();
    let document = look(&mut *endpoint).await;
    let asked: Vec<_> = document
        .escalations
        .as_ref()
        .expect("escalations")
        .iter()
        .map(|e| e.value.id.as_str())
        .collect();
    assert_eq!(asked, ["per_1", "per_2"]);
    assert_eq!(state(&document, "ses_3"), TaskState::Completed);
    assert!(server.asked("bank") > 0);
    assert_eq!(
        server.asked("asleep"),
        0,
        "asking would start its plugins and tool servers"
    );
    assert_eq!(endpoint.observe().await, Ok(Observation::Unchanged));
}

#[tokio::test]
async fn a_question_that_is_answered_elsewhere_ends_as_what_became_of_it() {
    for (call, status, expected) in [
        (
            json!({"status": "completed"}),
            json!({}),
            EscalationStatus::Resolved,
        ),
        (
            json!({"status": "running"}),
            json!({"ses_1": {"type": "busy"}}),
            EscalationStatus::Resolved,
        ),
        (
            json!({"status": "error", "error": "The user rejected permission to use this"}),
            json!({}),
            EscalationStatus::Resolved,
        ),
        (
            json!({"status": "error", "error": "Tool execution aborted"}),
            json!({}),
            EscalationStatus::Withdrawn,
        ),
        (
            json!({"status": "running"}),
            json!({}),
            EscalationStatus::Withdrawn,
        ),
    ] {
        let server = serve(World {
            paths: asking(),
            ..World::default()
        })
        .await;
        let mut endpoint = server.connect();
        look(&mut *endpoint).await;
        server.put("/permission", json!([]));
        server.put("/session/status", status);
        server.put("/session/ses_1/message", messages(call.clone()));
        let document = look(&mut *endpoint).await;
        let ended = &document.escalations.as_ref().expect("escalations")[0].value;
        assert_eq!(ended.status, expected, "{call}");
    }
}

#[tokio::test]
async fn what_the_server_says_to_an_answer_is_told_as_what_it_is() {
    let busy = json!({"ses_1": {"type": "busy"}});
    let gone = |call: Value, status: Value| {
        let other = vec![
            ("/permission", json!([])),
            ("/session/ses_1/message", messages(call)),
            ("/session/status", status),
        ];
        Some(with(asking(), other))
    };
    let ran = || gone(json!({"status": "completed"}), json!({}));
    let refused = || {
        gone(
            json!({"status": "error", "error": "The user rejected permission"}),
            json!({}),
        )
    };
    let aborted = || {
        gone(
            json!({"status": "error", "error": "Tool execution aborted"}),
            json!({}),
        )
    };
    let not_found = json!({"_tag": "PermissionNotFoundError", "message": "Not found"}).to_string();
    let bad =
        json!({"name": "BadRequest", "data": {"message": "Expected something else"}}).to_string();
    let page = "<!doctype html>".to_owned();
    for (decision, posted, then, expected) in [
        ("approve", Some((200, "true".to_owned())), ran(), "Applied"),
        (
            "approve",
            Some((200, "true".to_owned())),
            gone(json!({}), busy.clone()),
            "Applied",
        ),
        (
            "reject",
            Some((200, "true".to_owned())),
            refused(),
            "Applied",
        ),
        // It says yes to everything; what it shows counts.
        ("approve", Some((200, "true".to_owned())), None, "Sent"),
        (
            "approve",
            Some((200, "true".to_owned())),
            refused(),
            "Unknown",
        ),
        ("reject", Some((200, "true".to_owned())), ran(), "Unknown"),
        (
            "approve",
            Some((200, "true".to_owned())),
            aborted(),
            "Unknown",
        ),
        (
            "approve",
            Some((404, not_found.clone())),
            ran(),
            r#"AlreadyResolved { recorded: Some("allowed")"#,
        ),
        (
            "approve",
            Some((404, not_found.clone())),
            refused(),
            r#"AlreadyResolved { recorded: Some("rejected")"#,
        ),
        (
            "approve",
            Some((404, not_found.clone())),
            aborted(),
            "Expired",
        ),
        // Started anew: it forgot the request, and nobody works on.
        (
            "approve",
            Some((404, not_found.clone())),
            gone(json!({}), json!({})),
            "Expired",
        ),
        ("approve", Some((404, not_found)), None, "Refused"),
        (
            "approve",
            Some((400, bad)),
            None,
            r#"Refused("Expected something else")"#,
        ),
        ("approve", Some((200, page)), None, "Refused"),
        ("approve", Some((307, String::new())), None, "Refused"),
        ("approve", Some((401, String::new())), None, "Retry"),
        ("approve", Some((429, String::new())), None, "Retry"),
        ("approve", Some((500, String::new())), None, "Retry"),
        ("approve", Some((500, String::new())), ran(), "Unknown"),
        ("approve", None, None, "Retry"),
        ("approve", None, ran(), "Unknown"),
    ] {
        let world = World {
            paths: asking(),
            posted: posted.clone(),
            then,
            ..World::default()
        };
        let server = serve(world).await;
        let mut endpoint = server.connect();
        let document = look(&mut *endpoint).await;
        let outcome = endpoint
            .deliver(&delivery(&document, json!({"outcome": decision})))
            .await;
        let text = format!("{outcome:?}");
        assert!(text.starts_with(expected), "{decision} {posted:?}: {text}");
        assert_eq!(server.posts().len(), 1, "{posted:?}");
        if let Outcome::Retry {
            may_have_arrived, ..
        } = outcome
        {
            let surely_not = matches!(posted, Some((401 | 429, _)));
            assert_eq!(may_have_arrived, !surely_not, "{posted:?}");
        }
    }
}

#[tokio::test]
async fn a_second_send_happens_only_while_the_request_still_waits() {
    let gone = with(
        asking(),
        vec![
            ("/permission", json!([])),
            (
                "/session/ses_1/message",
                messages(json!({"status": "completed"})),
            ),
        ],
    );
    for (paths, expected, posts) in [(gone.clone(), "Unknown", 0), (asking(), "Applied", 1)] {
        let posted = Some((200, "true".to_owned()));
        let first = serve(World {
            paths: asking(),
            ..World::default()
        })
        .await;
        let document = look(&mut *first.connect()).await;
        let again = Delivery {
            resend: true,
            ..delivery(&document, json!({"outcome": "approve"}))
        };
        let server = serve(World {
            paths,
            posted,
            then: Some(gone.clone()),
            ..World::default()
        })
        .await;
        let outcome = format!("{:?}", server.connect().deliver(&again).await);
        assert!(outcome.starts_with(expected), "{outcome}");
        assert_eq!(server.posts().len(), posts);
    }
}

#[tokio::test]
async fn a_changed_request_is_not_answered_by_the_old_decision() {
    let server = serve(World {
        paths: asking(),
        posted: Some((200, "true".to_owned())),
        ..World::default()
    })
    .await;
    let mut endpoint = server.connect();
    let document = look(&mut *endpoint).await;
    let mut other = permission("per_1", "ses_1");
    other["metadata"]["command"] = json!("rm -r /");
    server.put("/permission", json!([other]));
    let outcome = endpoint
        .deliver(&delivery(&document, json!({"outcome": "approve"})))
        .await;
    assert_eq!(outcome, Outcome::Changed);
    assert_eq!(server.posts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_change_too_long_to_be_read_is_shown_in_pieces_and_can_be_refused() {
    let mut request = permission("per_1", "ses_1");
    request["permission"] = json!("edit");
    request["metadata"] = json!({"filepath": "/w/shop/a", "diff": "+x\n".repeat(50_000)});
    let server = serve(World {
        paths: with(asking(), vec![("/permission", json!([request]))]),
        posted: Some((200, "true".to_owned())),
        then: Some(with(
            asking(),
            vec![
                ("/permission", json!([])),
                (
                    "/session/ses_1/message",
                    messages(json!({"status": "error", "error": "The user rejected permission"})),
                ),
            ],
        )),
        ..World::default()
    })
    .await;
    let mut endpoint = server.connect();
    let document = look(&mut *endpoint).await;
    assert_eq!(document.problems, [], "it is not lost");
    let question = &document.escalations.as_ref().expect("escalations")[0];
    let action = question.value.proposed_action.as_ref().expect("an action");
    let pieces = action.args.as_ref().expect("arguments")["requestInPieces"].clone();
    let whole: String = pieces
        .as_array()
        .expect("pieces")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(whole, request.to_string(), "nothing is left out");
    assert!(
        question.raw.len() > domain::decision::LARGEST_ACTION,
        "so the app offers no approval"
    );
    let outcome = endpoint
        .deliver(&delivery(&document, json!({"outcome": "reject"})))
        .await;
    assert_eq!(outcome, Outcome::Applied);
}

#[tokio::test]
async fn what_a_session_used_is_told_as_it_stands_when_it_has_ended() {
    let mut now = session("ses_1", "/w/shop");
    now["tokens"] = json!({"input": 70, "output": 30});
    now["time"]["updated"] = json!(NOW + 10);
    let time = json!({"created": NOW, "completed": NOW + 9});
    let ended = json!([{"info": {"id": "msg_1", "role": "assistant", "time": time}, "parts": []}]);
    let other = vec![
        ("/session/ses_1", now),
        ("/session/ses_1/message", ended),
        ("/session/status", json!({})),
        ("/permission", json!([])),
    ];
    let paths = with(asking(), other);
    let server = serve(World {
        paths,
        ..World::default()
    })
    .await;
    let document = look(&mut *server.connect()).await;
    assert_eq!(state(&document, "ses_1"), TaskState::Completed);
    let usage = document.tasks.as_ref().expect("tasks")[0]
        .value
        .usage
        .clone();
    let usage = usage.expect("its usage");
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(70.0), Some(30.0))
    );
}

#[tokio::test]
async fn an_unknown_word_for_what_it_does_is_shown_as_unknown_with_the_word() {
    let odd = json!({"ses_1": {"type": "compacting"}});
    let paths = with(
        asking(),
        vec![("/session/status", odd), ("/permission", json!([]))],
    );
    let server = serve(World {
        paths,
        ..World::default()
    })
    .await;
    let document = look(&mut *server.connect()).await;
    let status = &document.tasks.as_ref().expect("tasks")[0].value.status;
    assert_eq!(
        (status.state, status.native.as_deref()),
        (TaskState::Unknown, Some("compacting"))
    );
}

#[tokio::test]
async fn a_malformed_request_or_message_loses_only_itself() {
    let server = serve(World {
        paths: asking(),
        ..World::default()
    })
    .await;
    let good = permission("per_1", "ses_1");
    let mut checked = 0;
    for bad in bodies::items(&permission("per_bad", "ses_1")) {
        server.put("/permission", json!(format!("[{bad},{good}]")));
        let document = look(&mut *server.connect()).await;
        let asked: Vec<_> = document
            .escalations
            .iter()
            .flatten()
            .map(|e| e.value.id.as_str().to_owned())
            .collect();
        assert!(asked.iter().any(|id| id == "per_1"), "{bad}");
        let others = asked.iter().filter(|id| *id != "per_1").count();
        assert!(
            others <= 1 && others + document.problems.len() >= 1,
            "{bad}: {asked:?}"
        );
        checked += 1;
    }
    server.put("/permission", json!([good]));
    let whole = messages(json!({}));
    for bad in bodies::items(&whole[0]) {
        server.put("/session/ses_1/message", json!(format!("[{bad}]")));
        let document = look(&mut *server.connect()).await;
        assert_eq!(state(&document, "ses_1"), TaskState::InputRequired, "{bad}");
        assert_eq!(
            document.escalations.as_ref().map(Vec::len),
            Some(1),
            "{bad}"
        );
        checked += 1;
    }
    server.put("/session/ses_1/message", whole);
    for bad in
        bodies::items(&json!({"type": "retry", "attempt": 2, "message": "Slow down", "next": NOW}))
    {
        server.put(
            "/session/status",
            json!(format!(r#"{{"ses_1":{{"type":"busy"}},"ses_2":{bad}}}"#)),
        );
        match server.connect().observe().await {
            Ok(Observation::Document { body, .. }) => {
                let document = contract::read(body.as_bytes()).expect("a document");
                assert_eq!(state(&document, "ses_1"), TaskState::InputRequired, "{bad}");
            }
            other => assert!(other.is_err(), "{bad}"),
        }
        checked += 1;
    }
    assert!(checked >= 300, "{checked}");
}

#[tokio::test]
async fn a_number_that_is_too_large_for_any_clock_hides_no_session() {
    let statuses = r#"{"ses_1":{"type":"retry","attempt":1e999,"message":"Too many requests","next":123456789012345678901234567890},
        "ses_2":{"type":"busy","attempt":-1e400},"ses_3":{"type":1e999}}"#;
    let sessions = ["ses_1", "ses_2", "ses_3"].map(|id| session(id, "/w/shop"));
    let world = World {
        paths: with(
            asking(),
            vec![
                ("/experimental/session", json!(sessions)),
                ("/session/status", json!(statuses)),
                ("/permission", json!([])),
            ],
        ),
        ..World::default()
    };
    let server = serve(world).await;
    let document = look(&mut *server.connect()).await;
    assert_eq!(document.problems, []);
    let states = ["ses_1", "ses_2", "ses_3"].map(|id| state(&document, id));
    assert_eq!(
        states,
        [TaskState::Working, TaskState::Working, TaskState::Unknown]
    );
}

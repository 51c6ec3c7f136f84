//! The tables of states and decisions, row by row, and what a file is called.

use domain::{
    contract::TaskState as S,
    decision::{DecisionBody, Outcome},
};
use serde_json::{Value, json};

use super::{
    reply::{self, Verb},
    session::{self, standing},
    wire::{self, Generation, Message, Request, Session, Status},
};

fn raw(value: &Value) -> Box<serde_json::value::RawValue> {
    serde_json::value::to_raw_value(value).expect("JSON")
}

fn message(value: Value, generation: Generation) -> Message {
    wire::message(&raw(&value), generation).expect("a message")
}

fn status(value: Value) -> Option<Status> {
    (!value.is_null()).then(|| serde_json::from_value(value).expect("a status"))
}

#[test]
fn every_state_has_its_row() {
    let of_model = |more: Value| {
        let mut info = json!({"id": "m", "role": "assistant", "time": {"created": 1}});
        for (name, value) in more.as_object().expect("an object") {
            info[name] = value.clone();
        }
        message(json!({"info": info, "parts": []}), Generation::One)
    };
    let done = json!({"created": 1, "completed": 1_795_256_665_790_i64});
    let failed = |name: &str| {
        of_model(json!({"time": done, "error": {"name": name, "data": {"message": "Why"}}}))
    };
    let person = message(
        json!({"info": {"id": "m", "role": "user"}, "parts": []}),
        Generation::One,
    );
    let interrupted = message(
        json!({"id": "m", "type": "assistant", "time": done, "content": [{"type": "tool", "id": "c", "name": "bash",
            "state": {"status": "error", "error": {"type": "unknown", "message": "Tool execution interrupted"}}}]}),
        Generation::Two,
    );
    let finished = of_model(json!({"time": done}));
    let half = of_model(json!({}));
    let (idle, busy, none) = (
        json!({"type": "idle"}),
        json!({"type": "busy"}),
        Value::Null,
    );
    let retry = json!({"type": "retry", "attempt": 3, "message": "Overloaded", "next": 1_795_256_791_758_i64});
    for (status_now, asks, last, state, native) in [
        (&none, false, None, S::Submitted, "idle"),
        (&idle, false, None, S::Submitted, "idle"),
        (&busy, false, None, S::Working, "busy"),
        (&busy, false, Some(&half), S::Working, "busy"),
        (
            &json!({"type": "running"}),
            false,
            Some(&half),
            S::Working,
            "running",
        ),
        (&retry, false, Some(&half), S::Working, "retry"),
        (&busy, true, Some(&half), S::InputRequired, "busy"),
        (&retry, true, Some(&half), S::InputRequired, "retry"),
        (&none, true, Some(&half), S::InputRequired, "idle"),
        (&none, false, Some(&finished), S::Completed, "idle"),
        (&idle, false, Some(&finished), S::Completed, "idle"),
        (
            &none,
            false,
            Some(&failed("MessageAbortedError")),
            S::Canceled,
            "idle, MessageAbortedError",
        ),
        (
            &none,
            false,
            Some(&failed("ProviderAuthError")),
            S::AuthRequired,
            "idle, ProviderAuthError",
        ),
        (
            &none,
            false,
            Some(&failed("APIError")),
            S::Failed,
            "idle, APIError",
        ),
        (
            &none,
            false,
            Some(&failed("MessageOutputLengthError")),
            S::Failed,
            "idle, MessageOutputLengthError",
        ),
        (
            &none,
            false,
            Some(&failed("SomethingNewError")),
            S::Failed,
            "idle, SomethingNewError",
        ),
        (&busy, false, Some(&failed("APIError")), S::Working, "busy"),
        (&none, false, Some(&interrupted), S::Canceled, "idle"),
        (&none, false, Some(&half), S::Unknown, "idle"),
        (&none, false, Some(&person), S::Unknown, "idle"),
        (
            &json!({"type": "dreaming"}),
            false,
            Some(&finished),
            S::Unknown,
            "dreaming",
        ),
    ] {
        let found = standing(status(status_now.clone()).as_ref(), asks, last);
        assert_eq!(
            (found.state, found.native.as_str()),
            (state, native),
            "{status_now} {last:?}"
        );
    }
    let failed = standing(None, false, Some(&failed("APIError")));
    assert_eq!(failed.message.as_deref(), Some("Why"));
    let retry = standing(status(retry).as_ref(), false, None);
    assert_eq!(
        retry.message.as_deref(),
        Some("Tries again after attempt 3: Overloaded")
    );
}

#[test]
fn a_retry_is_a_limit_only_when_it_says_so() {
    for (word, said, expected) in [
        ("retry", "Rate limit reached for requests", true),
        ("retry", "429 Too Many Requests", true),
        ("retry", "You exceeded your current quota", true),
        ("retry", "Overloaded", false),
        ("retry", "Cannot connect to API", false),
        ("busy", "rate limit", false),
    ] {
        let status = status(json!({"type": word, "message": said})).expect("a status");
        assert_eq!(session::is_limited(&status), expected, "{said}");
    }
}

fn request(value: Value) -> Request {
    wire::request(&raw(&value), Generation::One, "/home/me/shop").expect("a request")
}

fn decision(value: Value) -> DecisionBody {
    let mut body =
        json!({"actionDigest": "sha256:0", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
    for (name, value) in value.as_object().expect("an object") {
        body[name] = value.clone();
    }
    serde_json::from_value(body).expect("a decision")
}

#[test]
fn every_decision_has_its_row() {
    let permission = request(
        json!({"id": "per_1", "sessionID": "ses_1", "permission": "bash", "patterns": ["ls"],
        "metadata": {"command": "ls"}, "always": ["ls *"]}),
    );
    let one = json!({"question": "Which?", "header": "Colour", "options": [{"label": "Red", "description": ""}]});
    let closed = json!({"question": "How many?", "header": "Sizes", "multiple": true, "custom": false,
        "options": [{"label": "S", "description": ""}, {"label": "L", "description": ""}]});
    let single = request(json!({"id": "que_1", "sessionID": "ses_1", "questions": [one]}));
    let several = request(json!({"id": "que_2", "sessionID": "ses_1", "questions": [one, closed]}));
    let answer = |all: &[&[&str]]| {
        let all = all
            .iter()
            .map(|one| one.iter().map(|text| (*text).to_owned()).collect());
        Some(Verb::Answer(all.collect()))
    };
    let (once, always) = (Some(Verb::Allow("once")), Some(Verb::Allow("always")));
    let no = |words: Option<&str>| Some(Verb::Refuse(words.map(str::to_owned)));
    for (asked, decided, expected) in [
        (&permission, json!({"outcome": "approve"}), once.clone()),
        (
            &permission,
            json!({"outcome": "approve", "optionId": "once"}),
            once,
        ),
        (
            &permission,
            json!({"outcome": "approve", "optionId": "always"}),
            None,
        ),
        (
            &permission,
            json!({"outcome": "approve", "optionId": "reject"}),
            None,
        ),
        (
            &permission,
            json!({"outcome": "approve-always", "optionId": "always"}),
            always,
        ),
        (
            &permission,
            json!({"outcome": "approve-always", "optionId": "once"}),
            None,
        ),
        (&permission, json!({"outcome": "approve-always"}), None),
        (
            &permission,
            json!({"outcome": "edit", "editedAction": {"name": "bash"}}),
            None,
        ),
        (
            &permission,
            json!({"outcome": "respond", "message": "yes"}),
            None,
        ),
        (&permission, json!({"outcome": "reject"}), no(None)),
        (
            &permission,
            json!({"outcome": "reject", "message": "Why?"}),
            no(Some("Why?")),
        ),
        (
            &permission,
            json!({"outcome": "reject", "optionId": "reject"}),
            no(None),
        ),
        (
            &permission,
            json!({"outcome": "reject", "optionId": "always"}),
            None,
        ),
        (&permission, json!({"outcome": "cancel"}), no(None)),
        (
            &single,
            json!({"outcome": "respond", "optionId": "Red"}),
            answer(&[&["Red"]]),
        ),
        (
            &single,
            json!({"outcome": "respond", "message": "Green"}),
            answer(&[&["Green"]]),
        ),
        (
            &single,
            json!({"outcome": "respond", "payload": "Green"}),
            answer(&[&["Green"]]),
        ),
        (
            &single,
            json!({"outcome": "respond", "payload": ["Red"]}),
            answer(&[&["Red"]]),
        ),
        (
            &single,
            json!({"outcome": "respond", "payload": [["Red"]]}),
            answer(&[&["Red"]]),
        ),
        (
            &single,
            json!({"outcome": "respond", "payload": ["Red", "Green"]}),
            None,
        ),
        (
            &single,
            json!({"outcome": "respond", "payload": {"Which?": "Red"}}),
            answer(&[&["Red"]]),
        ),
        (
            &single,
            json!({"outcome": "respond", "payload": {"wrong": "Red"}}),
            None,
        ),
        (&single, json!({"outcome": "respond", "message": " "}), None),
        (&single, json!({"outcome": "approve"}), None),
        (&single, json!({"outcome": "reject"}), no(None)),
        (
            &several,
            json!({"outcome": "respond", "message": "Red"}),
            None,
        ),
        (
            &several,
            json!({"outcome": "respond", "payload": {"Colour": "Red", "Sizes": ["S", "L"]}}),
            answer(&[&["Red"], &["S", "L"]]),
        ),
        (
            &several,
            json!({"outcome": "respond", "payload": {"answers": [["Green"], ["S"]]}}),
            answer(&[&["Green"], &["S"]]),
        ),
        (
            &several,
            json!({"outcome": "respond", "payload": {"Colour": "Red", "Sizes": ["XL"]}}),
            None,
        ),
        (
            &several,
            json!({"outcome": "respond", "payload": {"Colour": "Red"}}),
            None,
        ),
        (
            &several,
            json!({"outcome": "respond", "payload": [["Red"], []]}),
            None,
        ),
    ] {
        let body = decision(decided.clone());
        let found = reply::of(&body, asked);
        if let Ok(reply) = &found {
            assert_eq!(reply.stops, body.outcome == Outcome::Cancel, "{decided}");
        }
        assert_eq!(found.ok().map(|reply| reply.verb), expected, "{decided}");
    }
    for (asked, verb, expected) in [
        (
            &permission,
            Verb::Allow("once"),
            ("reply", json!({"reply": "once"})),
        ),
        (
            &permission,
            Verb::Refuse(None),
            ("reply", json!({"reply": "reject"})),
        ),
        (
            &permission,
            Verb::Refuse(Some("No".to_owned())),
            ("reply", json!({"reply": "reject", "message": "No"})),
        ),
        (
            &single,
            Verb::Refuse(Some("No".to_owned())),
            ("reject", json!({})),
        ),
        (
            &single,
            Verb::Answer(vec![vec!["Red".to_owned()]]),
            ("reply", json!({"answers": [["Red"]]})),
        ),
    ] {
        assert_eq!(verb.call(asked), expected);
    }
}

#[test]
fn a_file_has_the_same_name_wherever_it_is_told_from() {
    let session = |directory: &str, worktree: &str| -> Session {
        let value = json!({"id": "ses_1", "directory": directory, "project": {"id": "p", "worktree": worktree}});
        serde_json::from_value(value).expect("a session")
    };
    for (directory, worktree, path, expected) in [
        (
            "/home/me/shop",
            "/home/me/shop",
            "/home/me/shop/src/cart.rs",
            "file:shop/src/cart.rs",
        ),
        (
            "/home/me/shop/src",
            "/home/me/shop",
            "/home/me/shop/src/cart.rs",
            "file:shop/src/cart.rs",
        ),
        (
            "/home/me/shop",
            "/home/me/shop",
            "src/cart.rs",
            "file:shop/src/cart.rs",
        ),
        (
            "/home/me/shop",
            "/home/me/shop",
            "./cart.rs",
            "file:shop/cart.rs",
        ),
        (
            "/home/me/shop",
            "/",
            "/home/me/shop/cart.rs",
            "file:shop/cart.rs",
        ),
        (
            "/home/me/shop",
            "/home/me/shop",
            "/home/me/shopping/cart.rs",
            "file:/home/me/shopping/cart.rs",
        ),
        (
            "/home/me/shop",
            "/home/me/shop",
            "/etc/hosts",
            "file:/etc/hosts",
        ),
        (
            "C:\\me\\shop",
            "C:\\me\\shop",
            "C:\\me\\shop\\cart.rs",
            "file:shop/cart.rs",
        ),
    ] {
        assert_eq!(
            session::resource(&session(directory, worktree), path),
            expected,
            "{path}"
        );
    }
}

#[test]
fn only_finished_calls_of_tools_that_write_are_told_as_writing() {
    let session: Session =
        serde_json::from_value(json!({"id": "ses_1", "directory": "/p/shop"})).expect("a session");
    let part = |tool: &str, status: &str, input: Value, metadata: Value| {
        json!({"type": "tool", "callID": format!("{tool}-{status}"), "tool": tool, "state": {"status": status,
            "input": input, "metadata": metadata, "time": {"start": 1_795_256_632_651_i64, "end": 1_795_256_664_480_i64}}})
    };
    let file = |name: &str| json!({"filePath": format!("/p/shop/{name}")});
    let parts = [
        part(
            "write",
            "completed",
            file("a"),
            json!({"filepath": "/p/shop/a"}),
        ),
        part("edit", "completed", file("b"), json!({})),
        part(
            "apply_patch",
            "completed",
            json!({}),
            json!({"files": [{"filePath": "/p/shop/c"}, {"filePath": "/p/shop/d"}]}),
        ),
        part("write", "error", file("refused"), json!({})),
        part("write", "running", file("waits"), json!({})),
        part("read", "completed", file("read"), json!({})),
        part(
            "bash",
            "completed",
            json!({"command": "touch /p/shop/x"}),
            json!({}),
        ),
    ];
    let info = json!({"id": "msg_1", "role": "assistant", "time": {"created": 1, "completed": 1_795_256_664_490_i64}});
    let messages = [message(
        json!({"info": info, "parts": parts}),
        Generation::One,
    )];
    let names = |all: Vec<Value>| -> Vec<String> {
        all.iter()
            .map(|access| access["resource"].as_str().expect("a resource").to_owned())
            .collect()
    };
    assert_eq!(
        names(session::accesses(&session, &messages)),
        ["file:shop/a", "file:shop/b", "file:shop/c", "file:shop/d"]
    );
    // What differs after a turn and no call named was written by something the turn ran.
    let asked = json!({"id": "msg_0", "role": "user", "summary": {"diffs": [{"file": "a"}, {"file": "x"}]}});
    let asked = message(json!({"info": asked, "parts": []}), Generation::One);
    let turn = [asked, messages[0].clone()];
    assert_eq!(
        names(session::differences(&session, &turn)),
        ["file:shop/x"]
    );
}

#[test]
fn a_call_tells_a_refusal_from_a_stop_from_a_failure() {
    for (status, error, open, stopped, refused) in [
        ("pending", "", true, false, false),
        ("running", "", true, false, false),
        ("completed", "", false, false, false),
        (
            "error",
            "The user rejected permission to use this specific tool call.",
            false,
            false,
            true,
        ),
        (
            "error",
            "The user dismissed this question",
            false,
            false,
            true,
        ),
        ("error", "Tool execution aborted", false, true, false),
        ("error", "Tool execution interrupted", false, true, false),
        ("error", "No such file", false, false, false),
    ] {
        let part = json!({"type": "tool", "callID": "c", "tool": "bash", "state": {"status": status, "error": error}});
        let found = message(
            json!({"info": {"id": "m"}, "parts": [part]}),
            Generation::One,
        );
        let call = &found.calls[0];
        assert_eq!(
            (call.is_open(), call.was_stopped(), call.was_refused()),
            (open, stopped, refused),
            "{error}"
        );
    }
}

#[test]
fn the_id_of_a_request_tells_when_it_was_asked() {
    let now = 1_795_256_665_790_i64;
    let id = |at: i64, prefix: &str| {
        format!(
            "{prefix}{:012x}AbCdEfGhIjKlMn",
            (at * 4096 + 1) & 0xffff_ffff_ffff
        )
    };
    for (at, prefix) in [
        (now, "per_"),
        (now - 1, "que_"),
        (now - 60_000_000_000, "per_"),
    ] {
        assert_eq!(
            wire::asked_at(&id(at, prefix), now),
            Some(at),
            "{prefix}{at}"
        );
    }
    for other in [
        "",
        "per_",
        "per_12",
        "ses_0123456789ab",
        "per_zzzzzzzzzzzz",
        "per_-12345678901",
        "per_01234567890é",
    ] {
        assert_eq!(wire::asked_at(other, now), None, "{other}");
    }
}

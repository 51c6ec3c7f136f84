//! The same three hundred bodies in the lists that are asked for beside the main one: what waits and runs, messages and
//! runs, where a thread stands, schedules, assistants. A bad item there loses itself; the tasks, and what stands beside
//! it in its own list, stay as they were.

use agents::Kind;
use domain::contract::{Document, EscalationStatus, TaskState};
use serde_json::{Value, json};

use super::{bodies, look, serve, told_as_letters};

/// One list of a kind, with an item that is damaged.
struct Way {
    kind: Kind,
    list: &'static str,
    item: Value,
    /// The whole body around an item.
    around: fn(&str) -> String,
    more: fn(&str) -> Option<&'static str>,
    /// What the tasks `one` and `two` are doing.
    state: TaskState,
    /// What else must be so, beside any item.
    judge: fn(&Document, &str),
}

fn opencode(path: &str) -> Option<&'static str> {
    match path {
        "/global/health" => Some(r#"{"healthy":true,"version":"1.18.34"}"#),
        "/path" => {
            Some(r#"{"home":"/h","state":"/s","config":"/c","worktree":"/w","directory":"/w"}"#)
        }
        "/experimental/session" => Some(
            r#"[{"id":"ses_one","title":"One","directory":"/w","time":{"created":1763712000000,"updated":1763712000001}},
                {"id":"ses_two","title":"Two","directory":"/w","time":{"created":1763712000000,"updated":1763712000001}},
                {"id":"ses_bad","title":"Bad","directory":"/w","time":{"created":1763712000000,"updated":1763712000001}}]"#,
        ),
        _ => None,
    }
}

/// Nothing waits; two work, and the third is idle.
fn calm(path: &str) -> Option<&'static str> {
    match path {
        "/permission" | "/question" => Some("[]"),
        "/session/status" => Some(r#"{"ses_one":{"type":"busy"},"ses_two":{"type":"busy"}}"#),
        _ => opencode(path),
    }
}

fn permissions() -> Way {
    let item = json!({"id": "per_bad", "sessionID": "ses_bad", "permission": "bash", "patterns": ["rm -r old"],
        "metadata": {"command": "rm -r old", "n": 1}, "always": ["rm *"], "tool": {"messageID": "msg_1", "callID": "call_1"}});
    Way {
        kind: Kind::OpenCode,
        list: "/permission",
        item,
        around: |bad| {
            let good = |name: &str| {
                json!({"id": format!("per_{name}"), "sessionID": format!("ses_{name}"), "permission": "bash",
                    "patterns": ["ls"], "metadata": {"command": "ls"}, "always": []})
            };
            format!("[{},{bad},{}]", good("one"), good("two"))
        },
        more: |path| match path {
            "/permission" => None,
            path if path.ends_with("/message") => Some("[]"),
            _ => calm(path),
        },
        state: TaskState::InputRequired,
        judge: |document, what| {
            requests(document, "per", r#""args":{"command":"ls"}"#, what);
        },
    }
}

fn questions() -> Way {
    let item = json!({"id": "que_bad", "sessionID": "ses_bad", "questions": [{"question": "Which?", "header": "Colour", "multiple": false, "custom": true,
        "options": [{"label": "Red", "description": "Like fire"}]}], "tool": {"messageID": "msg_1", "callID": "call_1"}});
    Way {
        kind: Kind::OpenCode,
        list: "/question",
        item,
        around: |bad| {
            let good = |name: &str| {
                json!({"id": format!("que_{name}"), "sessionID": format!("ses_{name}"),
                    "questions": [{"question": "How many?", "header": "Number", "options": [{"label": "Three", "description": "3"}]}]})
            };
            format!("[{},{bad},{}]", good("one"), good("two"))
        },
        more: |path| match path {
            "/question" => None,
            path if path.ends_with("/message") => Some("[]"),
            _ => calm(path),
        },
        state: TaskState::InputRequired,
        judge: |document, what| requests(document, "que", "How many?", what),
    }
}

/// The two good requests are there as they came, and the third, or a word of it.
fn requests(document: &Document, kind: &str, part: &str, what: &str) {
    let all = document.escalations.as_deref().unwrap_or_default();
    for name in ["one", "two"] {
        let id = format!("{kind}_{name}");
        let found: Vec<_> = all.iter().filter(|q| q.value.id.as_str() == id).collect();
        assert_eq!(found.len(), 1, "{id} beside {what}");
        assert_eq!(found[0].value.status, EscalationStatus::Pending, "{what}");
        assert!(found[0].raw.contains(part), "{id} beside {what}");
    }
    assert!(all.len() <= 3, "{what}");
    assert!(
        all.len() - 2 + document.problems.len() >= 1,
        "neither shown nor told of: {what}"
    );
}

fn statuses() -> Way {
    Way {
        kind: Kind::OpenCode,
        list: "/session/status",
        item: json!({"type": "retry", "attempt": 2, "message": "Rate limit reached", "next": 1763712000009_u64}),
        around: |bad| {
            format!(
                r#"{{"ses_one":{{"type":"busy"}},"ses_bad":{bad},"ses_two":{{"type":"busy"}}}}"#
            )
        },
        more: |path| match path {
            "/session/status" => None,
            path if path.ends_with("/message") => Some("[]"),
            _ => calm(path),
        },
        state: TaskState::Working,
        judge: |document, what| {
            // It is mentioned, so it is not over.
            let state = state(document, "ses_bad");
            let known = [TaskState::Working, TaskState::Unknown];
            assert!(known.contains(&state), "{state:?} of {what}");
        },
    }
}

fn messages() -> Way {
    let item = json!({"info": {"id": "msg_2", "role": "assistant", "sessionID": "ses_bad", "time": {"created": 1763712000002_u64, "completed": 1763712000003_u64},
            "error": {"name": "UnknownError", "data": {"message": "It broke"}}, "summary": {"diffs": [{"file": "b.txt"}]}},
        "parts": [{"type": "text", "text": "Done"}, {"type": "tool", "callID": "call_2", "tool": "write", "state": {"status": "completed",
            "input": {"filePath": "/w/b.txt"}, "metadata": {}, "time": {"start": 1763712000002_u64, "end": 1763712000003_u64}}}]});
    Way {
        kind: Kind::OpenCode,
        list: "/session/ses_bad/message",
        item,
        around: |bad| {
            let good = json!({"info": {"id": "msg_1", "role": "assistant", "sessionID": "ses_bad", "time": {"created": 1763712000000_u64, "completed": 1763712000001_u64}},
                "parts": [{"type": "text", "text": "Written"}, {"type": "tool", "callID": "call_1", "tool": "write", "state": {"status": "completed",
                    "input": {"filePath": "/w/a.txt"}, "metadata": {}, "time": {"start": 1763712000000_u64, "end": 1763712000001_u64}}}]});
            format!("[{good},{bad}]")
        },
        more: |path| match path {
            "/session/ses_bad/message" => None,
            path if path.ends_with("/message") => Some("[]"),
            _ => calm(path),
        },
        state: TaskState::Working,
        judge: |document, what| {
            let accesses = document.accesses.as_deref().unwrap_or_default();
            let wrote = |file: &str| {
                let mut all = accesses.iter();
                all.any(|access| access.raw.contains(file))
            };
            assert!(wrote("a.txt"), "the good one's is lost beside {what}");
            assert!(accesses.len() <= 2, "{what}");
            // The good one ended well, and is not the newest: its end is not the session's.
            let tasks = document.tasks.as_deref().unwrap_or_default();
            let bad = tasks.iter().find(|t| t.value.id.as_str() == "ses_bad");
            let words = bad.and_then(|task| task.value.status.message.as_deref());
            assert_ne!(words, Some("Written"), "{what}");
        },
    }
}

fn langgraph(path: &str) -> Option<&'static str> {
    match path {
        "/info" => Some(
            r#"{"version":"0.16.7","langgraph_py_version":"1.2.22","flags":{"assistants":true,"crons":true}}"#,
        ),
        "/assistants/search" | "/runs/crons/search" => Some("[]"),
        "/threads/search" => Some(
            r#"[{"thread_id":"ses_one","updated_at":"2026-11-21T08:00:00+00:00","metadata":{"graph_id":"g","assistant_id":"a_one"},"status":"busy","interrupts":{}},
                {"thread_id":"ses_bad","updated_at":"2026-11-21T08:00:00+00:00","metadata":{"graph_id":"g"},"status":"idle","interrupts":{}},
                {"thread_id":"ses_two","updated_at":"2026-11-21T08:00:00+00:00","metadata":{"graph_id":"g","assistant_id":"a_two"},"status":"busy","interrupts":{}}]"#,
        ),
        path if path.ends_with("/runs") => Some("[]"),
        _ => None,
    }
}

fn runs() -> Way {
    Way {
        kind: Kind::LangGraph,
        list: "/threads/ses_bad/runs",
        item: json!({"run_id": "r2", "thread_id": "ses_bad", "assistant_id": "a", "status": "error", "metadata": {"mission_control_decision": "d"},
            "kwargs": {"command": {"resume": {"0123456789abcdef0123456789abcdef": {"ok": true}}}, "context": {"user": "u"}}}),
        around: |bad| format!(r#"[{bad},{{"run_id":"r1","status":"success"}}]"#),
        more: |path| match path {
            "/threads/ses_bad/runs" => None,
            _ => langgraph(path),
        },
        state: TaskState::Working,
        judge: |document, what| {
            // The newest run has failed; that an older one did not is not how it stands.
            let state = state(document, "ses_bad");
            let told = what.contains(r#""status":"error""#);
            let silent = !what.contains("\"status\"") && what.starts_with('{');
            match told {
                true => assert!(
                    [TaskState::Failed, TaskState::Unknown].contains(&state),
                    "{state:?} of {what}"
                ),
                false => assert!(
                    silent || state != TaskState::Completed || what.contains("\"status\":null"),
                    "{state:?} of {what}"
                ),
            }
        },
    }
}

fn standing() -> Way {
    Way {
        kind: Kind::LangGraph,
        list: "/threads/ses_bad/state",
        item: json!({"values": {"n": 1}, "next": ["ask"], "metadata": {"source": "loop", "run_id": "r1"}, "tasks": [
            {"id": "t", "name": "ask", "interrupts": [{"id": "0123456789abcdef0123456789abcdef", "value": "Which?"}]},
            {"id": "u", "name": "ask", "interrupts": [{"id": "fedcba9876543210fedcba9876543210", "value": "How many?"}]}]}),
        around: str::to_owned,
        more: |path| match path {
            "/threads/search" => Some(
                r#"[{"thread_id":"ses_one","updated_at":"2026-11-21T08:00:00+00:00","metadata":{"graph_id":"g"},"status":"busy","interrupts":{}},
                    {"thread_id":"ses_bad","updated_at":"2026-11-21T08:00:00+00:00","metadata":{"graph_id":"g"},"status":"interrupted",
                     "interrupts":{"t":[{"id":"0123456789abcdef0123456789abcdef","value":"Which?"}],"u":[{"id":"fedcba9876543210fedcba9876543210","value":"How many?"}]}},
                    {"thread_id":"ses_two","updated_at":"2026-11-21T08:00:00+00:00","metadata":{"graph_id":"g"},"status":"busy","interrupts":{}}]"#,
            ),
            "/threads/ses_bad/state" => None,
            _ => langgraph(path),
        },
        state: TaskState::Working,
        judge: |document, what| {
            // What the thread names is what may be asked; that something cannot be read closes no question.
            let asked = document.escalations.as_deref().unwrap_or_default();
            let whole = !what.starts_with('{') || what.contains("\"tasks\":null");
            assert!(asked.len() == 2 || (asked.len() < 2 && !whole), "{what}");
            for question in asked {
                let id = question.value.id.as_str();
                let known = [
                    "0123456789abcdef0123456789abcdef",
                    "fedcba9876543210fedcba9876543210",
                ];
                assert!(
                    known.iter().any(|known| id.ends_with(known)),
                    "{id}: {what}"
                );
            }
        },
    }
}

fn crons() -> Way {
    Way {
        kind: Kind::LangGraph,
        list: "/runs/crons/search",
        item: json!({"cron_id": "bad", "assistant_id": "a", "thread_id": null, "schedule": "0 9 * * *", "timezone": "Europe/Berlin",
            "next_run_date": "2026-11-22T09:00:00+00:00", "end_time": "2027-11-22T09:00:00+00:00", "enabled": true, "payload": {"input": {}}}),
        around: |bad| {
            let good =
                |id: &str| json!({"cron_id": id, "assistant_id": "a", "schedule": "5 8 * * *"});
            format!("[{},{bad},{}]", good("one"), good("two"))
        },
        more: |path| match path {
            "/runs/crons/search" => None,
            _ => langgraph(path),
        },
        state: TaskState::Working,
        judge: |document, what| {
            let all = document.schedules.as_deref().unwrap_or_default();
            for id in ["one", "two"] {
                let mut found = all.iter().filter(|item| item.value.id == id);
                let found = found.next().unwrap_or_else(|| panic!("{id} beside {what}"));
                assert!(found.raw.contains("5 8 * * *"), "{}: {what}", found.raw);
            }
            assert!(all.len() <= 3, "{what}");
            assert!(
                all.len() - 2 + document.problems.len() >= 1,
                "neither shown nor told of: {what}"
            );
        },
    }
}

fn assistants() -> Way {
    Way {
        kind: Kind::LangGraph,
        list: "/assistants/search",
        item: json!({"assistant_id": "a_bad", "graph_id": "bad", "name": "Bad", "version": 1, "config": {"tags": []}, "metadata": {"created_by": "system"}}),
        around: |bad| {
            let good = |name: &str| json!({"assistant_id": format!("a_{name}"), "graph_id": format!("graph-{name}"), "name": format!("Clerk {name}"), "version": 1});
            format!("[{},{bad},{}]", good("one"), good("two"))
        },
        more: |path| match path {
            "/assistants/search" => None,
            _ => langgraph(path),
        },
        state: TaskState::Working,
        judge: |document, what| {
            for name in ["one", "two"] {
                let tasks = document.tasks.as_deref().unwrap_or_default();
                let id = format!("ses_{name}");
                let task = tasks.iter().find(|task| task.value.id.as_str() == id);
                let kind = task.and_then(|task| task.value.kind.clone());
                assert_eq!(kind, Some(format!("Clerk {name}")), "beside {what}");
                let agent = document.agent.as_ref().map(|card| card.name.clone());
                let agent = agent.unwrap_or_default();
                assert!(agent.contains(&format!("graph-{name}")), "{agent}: {what}");
            }
        },
    }
}

fn state(document: &Document, id: &str) -> TaskState {
    let tasks = document.tasks.as_deref().unwrap_or_default();
    let found = tasks.iter().find(|task| task.value.id.as_str() == id);
    found.map_or(TaskState::Unknown, |task| task.value.status.state)
}

async fn check(way: Way) {
    let (url, body) = serve(way.list, "application/json", way.more).await;
    let set = |bytes: Vec<u8>| *body.lock().expect("the body") = bytes;
    let good = (way.around)(&way.item.to_string());
    let items = bodies::items(&way.item);
    let wholes = bodies::wholes(&good);
    assert_eq!(items.len() + wholes.len(), 300);
    let all = std::iter::once(way.item.to_string()).chain(items);
    for (number, bad) in all.enumerate() {
        let what: String = bad.chars().take(600).collect();
        set((way.around)(&bad).into_bytes());
        let document = look(way.kind, &url, &what).await;
        let document =
            document.unwrap_or_else(|| panic!("{} lost everything with {what}", way.list));
        if number == 0 {
            assert_eq!(document.problems, [], "{}: nothing is wrong yet", way.list);
        }
        let tasks = document.tasks.as_deref().unwrap_or_default();
        assert_eq!(tasks.len(), 3, "{}: {what}", way.list);
        for id in ["ses_one", "ses_two"] {
            assert_eq!(state(&document, id), way.state, "{id} beside {what}");
        }
        (way.judge)(&document, &what);
        told_as_letters(&document, &what);
    }
    for bad in wholes {
        let what = String::from_utf8_lossy(&bad[..bad.len().min(200)]).into_owned();
        set(bad);
        // An error in words, or a document in which nothing is made up.
        if let Some(document) = look(way.kind, &url, &what).await {
            for task in document.tasks.iter().flatten() {
                let id = task.value.id.as_str();
                assert!(
                    ["ses_one", "ses_two", "ses_bad"].contains(&id),
                    "{id}: {what}"
                );
            }
            for question in document.escalations.iter().flatten() {
                let id = question.value.id.as_str();
                let known = ["_one", "_two", "_bad", "ses_bad/"];
                assert!(known.iter().any(|known| id.contains(known)), "{id}: {what}");
            }
            told_as_letters(&document, &what);
        }
    }
}

#[tokio::test]
async fn a_bad_request_status_or_message_of_opencode_loses_only_itself() {
    for way in [permissions(), questions(), statuses(), messages()] {
        check(way).await;
    }
}

#[tokio::test]
async fn a_bad_run_state_schedule_or_assistant_of_langgraph_loses_only_itself() {
    for way in [runs(), standing(), crons(), assistants()] {
        check(way).await;
    }
}

//! A fleet where every endpoint is in another state and every limit is known in another way, so that each has been seen
//! on a screen. The work in it is of no interest; the office is for that.

use chrono::TimeDelta;
use domain::{
    decision::Outcome,
    fact::{PollError, PollErrorKind},
    time,
};
use serde_json::{Value, json};
use store::tables::endpoints;

use crate::{ago, now, stage::Stage};

/// Id, name, kind, and the minute before now at which it was last heard; nothing = never.
const HOSTS: [(&str, &str, &str, Option<i64>); 8] = [
    ("model-desk", "Model desk", "native", Some(0)),
    ("issue-desk", "Issue desk", "native", Some(0)),
    ("old-forms", "Old forms", "native", None),
    ("legal-desk", "Legal desk", "a2a", Some(440)),
    ("night-batch", "Night batch", "native", Some(500)),
    ("warehouse", "Warehouse", "native", Some(54)),
    ("meter-room", "Meter room", "langgraph", Some(0)),
    ("translations", "Translations", "opencode", None),
];

/// The last ten hours, a poll every ten minutes, the last ones closer.
pub(crate) fn stage() -> Stage {
    let mut stage = Stage::new(ago(600), None);
    for (port, (id, name, kind, _)) in (8200..).zip(HOSTS) {
        stage.add(ago(600), id, name, kind, port);
    }
    let minutes = (60..600)
        .rev()
        .step_by(10)
        .chain((0..60).rev().step_by(2))
        .chain([0]);
    for minute in minutes {
        for (id, _, _, heard) in HOSTS {
            match (id, heard) {
                ("translations", _) => {}
                (_, Some(until)) if minute >= until => {
                    stage.hear(ago(minute), id, &document(id, minute));
                }
                ("night-batch", _) => {}
                _ => stage.miss(ago(minute), id, &failure(id)),
            }
        }
        stage.tick(ago(minute));
        if minute == 21 {
            let at = ago(minute) + TimeDelta::seconds(30);
            stage.decide(at, "issue-desk", "close-412", Outcome::Approve);
            stage.arrive(at + TimeDelta::seconds(10), "issue-desk", "close-412");
        }
    }
    pause(&stage, "night-batch");
    stage
}

fn pause(stage: &Stage, id: &'static str) {
    stage
        .store
        .write(move |tx| {
            let row = endpoints::list(tx)?
                .into_iter()
                .find(|row| row.id.as_str() == id);
            match row {
                Some(row) => endpoints::put(
                    tx,
                    &endpoints::EndpointRow {
                        paused: true,
                        ..row
                    },
                ),
                None => Ok(()),
            }
        })
        .expect("paused");
}

fn failure(id: &str) -> PollError {
    let (kind, http_status, detail) = match id {
        "old-forms" => (
            PollErrorKind::Invalid,
            None,
            "The answer is a web page, not JSON.",
        ),
        "legal-desk" => (PollErrorKind::Http, Some(401), "The login was refused."),
        _ => (
            PollErrorKind::Timeout,
            None,
            "Nothing came within 10 seconds.",
        ),
    };
    PollError {
        kind,
        http_status,
        retry_after_seconds: None,
        detail: Some(detail.to_owned()),
    }
}

fn document(id: &str, minute: i64) -> Value {
    let gone = 600 - minute;
    let quotas = match id {
        "model-desk" => json!([
            anthropic(id, minute),
            quota(
                "openai",
                None,
                minute,
                json!({
                    "name": "week", "usedPercent": 30.0 + gone as f64 / 20.0, "windowSeconds": 604_800, "resetAt": time::format(ago(-4320)),
                }),
                json!({})
            ),
        ]),
        "issue-desk" => json!([
            anthropic(id, minute),
            quota(
                "github",
                Some("acme-bot"),
                minute,
                json!({
                    "name": "core", "unit": "requests", "limit": 5000, "used": 900 + gone / 4, "remaining": 4100 - gone / 4,
                    "windowSeconds": 3600, "resetAt": time::format(ago(-9)),
                }),
                json!({"x-ratelimit-remaining": (4100 - gone / 4).to_string()})
            )
        ]),
        "warehouse" => json!([quota(
            "notion",
            None,
            minute,
            json!({
                "name": "requests", "unit": "requests", "limit": 3000, "used": 800 + gone, "remaining": 2200 - gone,
                "windowSeconds": 86_400, "resetAt": time::format(ago(-600)),
            }),
            json!({})
        )]),
        "meter-room" => json!([
            anthropic(id, minute),
            quota(
                "hubspot",
                Some("portal 2231"),
                minute,
                json!({
                    "name": "calls", "unit": "calls", "used": 40 + gone / 20, "windowSeconds": 10,
                    "status": if minute == 18 { "rejected" } else { "allowed" },
                }),
                json!({})
            ),
            quota(
                "deepl",
                Some("team"),
                minute,
                json!({
                    "name": "characters", "unit": "characters", "limit": 500_000, "used": 500_000.min(gone * 880),
                    "remaining": (500_000 - gone * 880).max(0), "windowSeconds": 2_592_000, "resetAt": time::format(ago(-12_960)),
                    "status": if gone > 590 { "rejected" } else { "allowed" },
                }),
                json!({})
            ),
        ]),
        _ => json!([]),
    };
    // Started anew twelve minutes ago: what was answered is forgotten, and asked again.
    let escalations = match (id, minute) {
        ("issue-desk", ..=30) => json!([{
            "id": "close-412", "version": "1", "taskId": "T-32", "kind": "approval", "title": "Close issue 412 as a duplicate?",
            "message": "It reports the same crash as issue 398.", "status": "pending",
            "createdAt": time::format(ago(if minute > 12 { 30 } else { 12 })),
            "proposedAction": { "name": "issue.close", "target": "output:issues/412", "args": { "reason": "duplicate", "of": 398 } },
        }]),
        _ => json!([]),
    };
    let tasks = match id {
        "model-desk" => work("T-31", "Answer the archive's questions", gone * 480),
        "issue-desk" => work("T-32", "Sort new issues", gone * 150),
        "meter-room" => work("T-33", "Read the meters", gone * 60),
        _ => json!([]),
    };
    json!({
        "schemaVersion": "1.0", "snapshot": true, "tasks": tasks, "quotas": quotas, "escalations": escalations,
        "agent": { "id": format!("{id}-agent"), "name": format!("Agent of {id}"), "status": "online", "version": "1.4.2",
            "model": "claude-sonnet-4-5" },
    })
}

fn work(id: &str, title: &str, tokens: i64) -> Value {
    json!([{
        "id": id, "title": title, "status": { "state": "working", "timestamp": time::format(ago(30)) },
        "startedAt": time::format(ago(30)), "usage": { "inputTokens": tokens, "outputTokens": tokens / 20 },
    }])
}

/// The limit that three of them share; it runs out before it starts anew. Each has the numbers of its own last call.
fn anthropic(id: &str, minute: i64) -> Value {
    let before = match id {
        "meter-room" => 110,
        "issue-desk" => 84,
        _ => 0,
    };
    let used = (600 - minute) * 1200 - before * 20;
    let mut told = quota(
        "anthropic",
        Some("key …4f2a"),
        minute,
        json!({
            "name": "tokens", "unit": "tokens", "limit": 1_000_000, "used": used, "remaining": 1_000_000 - used,
            "windowSeconds": 43_200, "resetAt": time::format(ago(-420)),
        }),
        json!({}),
    );
    let observed = ago(minute) - TimeDelta::seconds(before);
    told["observedAt"] = json!(time::format(observed));
    told
}

fn quota(
    provider: &str,
    account: Option<&str>,
    minute: i64,
    window: Value,
    headers: Value,
) -> Value {
    let observed = now() - TimeDelta::minutes(minute);
    json!({
        "pool": { "provider": provider, "account": account }, "windows": [window],
        "observedAt": time::format(observed), "headers": headers,
    })
}

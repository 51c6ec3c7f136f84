//! What starts by itself in the office: told by agents, run by a server, switched off, and seen without being told.

use serde_json::{Value, json};

use crate::office::{soon, task};

/// The schedules an agent tells of.
pub(crate) fn schedules(agent: &str) -> Value {
    match agent {
        "payments" => json!([{
            "id": "bank", "resource": "trigger:schedule/bank", "cron": "*/30 * * * *", "taskKind": "statement", "enabled": true,
        }]),
        "crm-sync" => json!([
            { "id": "sync", "resource": "trigger:schedule/sync", "everySeconds": 3_600, "taskKind": "sync", "enabled": true },
            { "id": "merge", "resource": "trigger:schedule/merge", "everySeconds": 7_200, "taskKind": "dedupe", "enabled": true },
        ]),
        "digest" => json!([
            {
                "id": "8f1c2a", "resource": "trigger:cron/digest/8f1c2a", "cron": "0 8 * * 1-5", "timezone": "Europe/Berlin",
                "nextAt": soon(4_208), "taskKind": "digest", "enabled": true,
            },
            {
                "id": "77be90", "resource": "trigger:cron/digest/77be90", "cron": "0 12 * * 5", "timezone": "Europe/Berlin",
                "nextAt": soon(128), "taskKind": "weekly", "enabled": true,
            },
        ]),
        "refactor-bot" => json!([
            { "id": "locks", "resource": "trigger:schedule/locks", "cron": "15 4 1 * *", "timezone": "Etc/UTC", "enabled": true },
            { "id": "style", "resource": "trigger:schedule/style", "cron": "0 22 * * *", "enabled": false },
            { "id": "odd", "resource": "trigger:schedule/odd", "cron": "0 9 L * *", "enabled": true },
        ]),
        "treasury" => json!([{
            "id": "close", "resource": "trigger:schedule/close", "cron": "0 18 * * MON-FRI", "timezone": "America/New_York", "enabled": true,
        }]),
        _ => Value::Null,
    }
}

/// Work of the mail desk that begins every quarter of an hour, as nobody told.
pub(crate) fn sweeps() -> impl Iterator<Item = (i64, Value)> {
    (0..8).rev().map(|number: i64| {
        let began = 7 + 15 * number;
        let id = format!("T-17{}", 60 - number);
        let title = "Look through the mailbox";
        task(began, &id, title, "completed", json!({"kind": "sweep"}))
    })
}

//! The published JSON Schema and the reader say the same of every document.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use domain::contract::{SCHEMA, read};
use jsonschema::Validator;
use serde_json::{Value, json};

/// One good item of every list, with every member.
fn whole() -> Value {
    let at = "2026-11-01T09:00:00.5+01:00";
    json!({
        "schemaVersion": "1.0", "snapshot": true, "nextCursor": "", "pollAfterSeconds": 2.5, "unknown": {},
        "agent": {"id": "a", "name": "A", "version": "1", "model": "m", "workspace": "w", "status": "paused",
            "startedAt": at, "heartbeatAt": at},
        "tasks": [{"id": "t", "title": "", "kind": "k", "key": "k", "contextId": "c", "parentId": "e/t",
            "status": {"state": "TASK_STATE_WORKING", "message": "m", "timestamp": at}, "createdAt": at, "startedAt": at,
            "progress": {"done": 1.5, "total": 2, "note": "n", "at": at}, "timeBudgetSeconds": 30, "deadlineAt": at,
            "attempt": 1, "dependsOn": ["x"], "waitingFor": {"kind": "claim", "ref": "c"}, "nextStage": "s",
            "contextRefs": [{"documentId": "d", "seq": 1}],
            "usage": {"inputTokens": 1, "outputTokens": 2, "costUsd": 0.1}}],
        "accesses": [{"id": "x", "taskId": "t", "resource": "field:crm/1#a", "mode": "consume", "baseVersion": 1,
            "newVersion": "2", "eventId": "e", "at": at}],
        "claims": [{"id": "c", "resource": "file:src/**", "holderIdentity": "a", "taskId": "t", "mode": "exclusive",
            "state": "waiting", "acquireTime": at, "renewTime": at, "leaseDurationSeconds": 60, "fencingToken": {},
            "releaseTime": at}],
        "handoffs": [{"id": "h", "taskId": "t", "to": "b", "status": "done", "output": {"artifactId": "f", "uri": "u",
            "digest": "sha256:00"}, "emittedAt": at, "dueAt": at, "acknowledgedAt": at, "acknowledgedBy": "b"}],
        "artifacts": [{"id": "f", "taskId": "t", "name": "n", "version": "1", "mediaType": "text/plain", "uri": "u",
            "digest": "d", "sizeBytes": 1, "schemaRef": "s", "body": [1], "createdAt": at}],
        "context": [{"documentId": "d", "seq": 0, "kind": "goal", "key": "k", "value": 1, "body": null, "author": "a",
            "supersedes": 0, "createdAt": at}],
        "quotas": [{"pool": {"provider": "p", "account": "a", "scope": "s"}, "windows": [{"name": "w", "limit": 1,
            "remaining": 1, "used": 0, "usedPercent": 0, "unit": "u", "windowSeconds": 1, "resetAt": at,
            "status": "allowed"}], "observedAt": at, "headers": {"retry-after": 1}}],
        "escalations": [{"id": "q", "version": 3, "taskId": "t", "kind": "form", "title": "t", "message": "m",
            "proposedAction": {"name": "n", "args": [], "command": ["a"], "cwd": "c", "env": {}, "diff": "d",
                "target": "t"},
            "options": [{"id": "o", "label": "l", "effect": "e", "intent": "reject"}], "responseSchema": {}, "severity": "high",
            "createdAt": at, "expiresAt": at, "status": "pending"}],
        "schedules": [{"id": "s", "resource": "trigger:x", "cron": "* * * * *", "timezone": "UTC", "everySeconds": 1,
            "nextAt": at, "taskKind": "k", "enabled": true}],
        "ownership": {"triggers": ["trigger:*"], "reads": [], "writes": [], "outputs": [], "exceptionsTo": "me"},
    })
}

fn schema() -> Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    jsonschema::meta::validate(&schema).expect("a schema");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Does the reader take it without a problem?
fn is_read(document: &Value) -> bool {
    read(document.to_string().as_bytes()).is_ok_and(|read| read.problems.is_empty())
}

#[track_caller]
fn check(schema: &Validator, document: &Value, expected: Option<bool>, what: &str) {
    let (says, reads) = (schema.is_valid(document), is_read(document));
    let why = schema.iter_errors(document).next();
    let why = why.map(|error| error.instance_path().to_string());
    let problems = read(document.to_string().as_bytes()).map(|read| read.problems);
    let problems = problems.map(|all| all.into_iter().next().map(|problem| problem.pointer));
    assert_eq!(says, reads, "{what}: {why:?} / {problems:?}");
    if let Some(expected) = expected {
        assert_eq!(says, expected, "{what}: {why:?} / {problems:?}");
    }
}

/// Pointers of every member and item.
fn places(value: &Value, here: &str, out: &mut Vec<String>) {
    let mut add = |key: &str, inner: &Value| {
        let place = format!("{here}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(inner, &place, out);
        out.push(place);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, inner)| add(key, inner)),
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                add(&index.to_string(), inner);
            }
        }
        _ => {}
    }
}

#[test]
fn the_smallest_and_the_fullest_document_are_good() {
    let schema = schema();
    let smallest =
        json!({"schemaVersion": "1", "agent": {"id": "a", "name": "", "status": "online"}});
    check(&schema, &smallest, Some(true), "smallest");
    check(&schema, &whole(), Some(true), "fullest");
}

#[test]
fn every_member_made_wrong_or_left_out_is_judged_alike() {
    let schema = schema();
    let mut all = vec![];
    places(&whole(), "", &mut all);
    assert!(all.len() > 130, "every member is tried");
    let long = "x".repeat(70_000);
    let wrong = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1.5),
        json!(""),
        json!("word"),
        json!(long),
        json!([]),
        json!([1]),
        json!({}),
    ];
    for place in &all {
        for value in &wrong {
            let mut document = whole();
            *document.pointer_mut(place).expect("it is there") = value.clone();
            let shown: String = value.to_string().chars().take(20).collect();
            check(&schema, &document, None, &format!("{place} = {shown}"));
        }
        let (parent, name) = place.rsplit_once('/').expect("a pointer");
        let mut document = whole();
        if let Some(Value::Object(members)) = document.pointer_mut(parent) {
            members.remove(name);
            check(&schema, &document, None, &format!("without {place}"));
        }
    }
}

#[test]
fn times_and_versions_are_judged_alike() {
    let schema = schema();
    for (place, value, expected) in [
        ("/schemaVersion", "1.7", true),
        ("/schemaVersion", "2.0", false),
        ("/schemaVersion", "10", false),
        ("/accesses/0/at", "2026-11-01T09:00:00Z", true),
        ("/accesses/0/at", "2026-11-01t09:00:00.123456789z", true),
        ("/accesses/0/at", "2026-11-01 09:00:00+00:00", true),
        ("/accesses/0/at", "2026-11-01T09:00:00", false),
        ("/accesses/0/at", "2026-11-01", false),
        ("/accesses/0/resource", "mail:x", false),
        ("/accesses/0/resource", "file:", false),
        ("/tasks/0/id", "..", false),
        ("/tasks/0/id", "...", true),
        ("/escalations/0/id", "%2E.", false),
        ("/claims/0/resource", "file:*a*a**a*a*a*a*a*", true),
        ("/claims/0/resource", "file:*a*a**a*a*a*a*a*a*", false),
        (
            "/schedules/0/resource",
            "trigger:*********a*********",
            false,
        ),
        ("/ownership/triggers/0", "file:*a*a**a*a*a*a*a*a*", false),
    ] {
        let mut document = whole();
        *document.pointer_mut(place).expect("it is there") = json!(value);
        check(
            &schema,
            &document,
            Some(expected),
            &format!("{place} = {value}"),
        );
    }
}

//! Stories made up by chance: what three agents tell, what the person does, what the network does. Every rule fires in some.
//!
//! A story is a file of lines like any other. Nothing here knows what is to be found in it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};

/// One line to come: after how many seconds, whose, and what.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    after: i64,
    who: &'static str,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Poll(Vec<(&'static str, Value)>),
    Error(Value),
    /// A line that is nobody's, at a moment of its own.
    Alone(&'static str, Value),
}

/// Members that are written as seconds from the poll, and set when the poll's time is known.
const TIMES: [&str; 9] = [
    "at",
    "acquireTime",
    "createdAt",
    "deadlineAt",
    "dueAt",
    "emittedAt",
    "expiresAt",
    "observedAt",
    "startedAt",
];

fn ago() -> impl Strategy<Value = i64> {
    -40..=0i64
}

fn tasks() -> impl Strategy<Value = Value> {
    let state = select(vec![
        "submitted",
        "working",
        "working",
        "input-required",
        "completed",
        "failed",
    ]);
    let reference = || {
        select(vec![
            "t0",
            "t1",
            "a-host/t0",
            "b-host/t1",
            "c-host/t2",
            "c-host/t9",
        ])
    };
    let waits = (
        select(vec!["task", "task", "claim", "agent", "human"]),
        reference(),
    );
    let more = select(vec![
        json!({}),
        json!({}),
        json!({}),
        json!({"timeBudgetSeconds": 30}),
        json!({"deadlineAt": 20}),
        json!({"kind": "short"}),
        json!({"startedAt": -30}),
        json!({"parentId": "a-host/t0"}),
    ]);
    (
        (select(vec!["t0", "t1", "t2"]), state, option::of(ago())),
        (
            option::of(reference()),
            option::weighted(0.4, waits),
            option::of(0..6u64),
            option::of(1..9u64),
            option::of(select(vec!["k", "l"])),
            option::of(select(vec!["publish", "b"])),
        ),
        more,
    )
        .prop_map(
            |((id, state, ago), (needs, waits, read, attempt, key, next), more)| {
                let mut task = json!({
                    "id": id, "title": id, "status": {"state": state, "timestamp": ago},
                    "attempt": attempt, "key": key, "nextStage": next,
                });
                if let Some(needs) = needs {
                    task["dependsOn"] = json!([needs]);
                }
                if let Some((kind, reference)) = waits {
                    task["waitingFor"] = json!({"kind": kind, "ref": reference});
                }
                if let Some(seq) = read {
                    task["contextId"] = json!("work");
                    task["contextRefs"] = json!([{"documentId": "plan", "seq": seq}]);
                }
                join(&mut task, more);
                task
            },
        )
}

fn accesses() -> impl Strategy<Value = Value> {
    (
        select(vec!["read", "write", "write", "consume"]),
        select(vec![
            "file:x",
            "file:y/1",
            "output:o",
            "output:free",
            "field:f#1",
        ]),
        select(vec!["t0", "t1", "t2"]),
        ago(),
        option::of(1..4u8),
        option::of(1..4u8),
    )
        .prop_map(|(mode, resource, task, ago, base, new)| {
            let resource = if mode == "consume" {
                "trigger:mail"
            } else {
                resource
            };
            json!({
                "id": "", "mode": mode, "resource": resource, "taskId": task, "at": ago,
                "baseVersion": base.map(|v| v.to_string()),
                "newVersion": new.map(|v| v.to_string()),
                "eventId": (mode == "consume").then_some("e"),
            })
        })
}

fn claims() -> impl Strategy<Value = Value> {
    (
        select(vec!["c0", "c1"]),
        select(vec!["file:x", "file:y/*", "output:o"]),
        select(vec!["held", "held", "waiting", "released"]),
        select(vec!["exclusive", "exclusive", "shared"]),
        option::of(30..200u64),
        ago(),
        select(vec!["t0", "t1", "t2"]),
    )
        .prop_map(|(id, resource, state, mode, lease, ago, task)| {
            json!({
                "id": id, "resource": resource, "holderIdentity": "x", "mode": mode, "state": state,
                "acquireTime": ago, "leaseDurationSeconds": lease, "taskId": task,
            })
        })
}

fn context() -> impl Strategy<Value = Value> {
    (
        select(vec!["decision", "fact"]),
        select(vec!["k", "l"]),
        1..3u8,
        option::weighted(0.2, 0..5u64),
        ago(),
    )
        .prop_map(|(kind, key, value, supersedes, ago)| {
            json!({
                "documentId": "plan", "seq": 0, "kind": kind, "key": key, "value": value,
                "body": "…", "author": "x", "supersedes": supersedes, "createdAt": ago,
            })
        })
}

fn quotas() -> impl Strategy<Value = Value> {
    let plain = |left: u8| json!([{"name": "hour", "limit": 200, "remaining": left}]);
    let left = prop_oneof![4 => 1..200u8, 1 => Just(0u8)];
    let told = (left, any::<bool>()).prop_map(move |(left, bare)| match (left, bare) {
        (0..20, true) => (json!([]), json!({"status": "429"})),
        _ => (plain(left), Value::Null),
    });
    (told, ago()).prop_map(|((windows, headers), ago)| {
        json!({
            "pool": {"provider": "p"}, "observedAt": ago, "windows": windows, "headers": headers,
        })
    })
}

fn handoffs() -> impl Strategy<Value = Value> {
    (
        select(vec!["t0", "t1", "t2"]),
        ago(),
        select(vec!["publish", "b"]),
        option::weighted(0.3, Just(45)),
    )
        .prop_map(|(task, ago, to, due)| {
            json!({
                "id": "", "taskId": task, "to": to, "status": "done", "emittedAt": ago, "dueAt": due,
            })
        })
}

fn artifacts() -> impl Strategy<Value = Value> {
    (select(vec!["t0", "t1", "t2"]), ago(), 0..3u8).prop_map(|(task, ago, good)| {
        let mut artifact = json!({
            "id": "", "taskId": task, "name": "menu", "uri": "file:x", "createdAt": ago,
        });
        match good {
            0 => artifact["name"] = json!(7),
            1 => {
                artifact["schemaRef"] = json!("number");
                artifact["body"] = json!(ago.to_string());
            }
            _ => {}
        }
        artifact
    })
}

fn escalations() -> impl Strategy<Value = Value> {
    (
        select(vec!["e0", "e1"]),
        1..3u8,
        select(vec!["pending", "pending", "resolved"]),
        ago(),
        option::weighted(0.2, Just(50)),
    )
        .prop_map(|(id, version, status, ago, expires)| {
            json!({
                "id": id, "version": version.to_string(), "kind": "question", "title": "?",
                "message": "?", "status": status, "createdAt": ago, "expiresAt": expires,
            })
        })
}

/// A task that cannot be read, each time with other bytes.
fn broken() -> impl Strategy<Value = Value> {
    any::<u32>().prop_map(|n| json!({"id": "t2", "title": n, "status": {"state": "working"}}))
}

/// A list's name and an item of it.
fn item() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        10 => tasks().prop_map(|item| ("tasks", item)),
        8 => accesses().prop_map(|item| ("accesses", item)),
        3 => claims().prop_map(|item| ("claims", item)),
        2 => context().prop_map(|item| ("context", item)),
        2 => quotas().prop_map(|item| ("quotas", item)),
        2 => handoffs().prop_map(|item| ("handoffs", item)),
        2 => artifacts().prop_map(|item| ("artifacts", item)),
        1 => escalations().prop_map(|item| ("escalations", item)),
        1 => broken().prop_map(|item| ("tasks", item)),
        1 => select(vec![
            json!({"triggers": ["trigger:mail"], "writes": ["file:y/*"]}),
            json!({"triggers": ["trigger:*"], "outputs": ["output:o"]}),
        ]).prop_map(|item| ("ownership", item)),
    ]
}

fn alone() -> impl Strategy<Value = (&'static str, Value)> {
    let host = select(vec!["a-host", "b-host", "c-host"]);
    let rule = select(vec![
        "write-conflict",
        "output-collision",
        "stall",
        "deadlock",
    ]);
    let person = prop_oneof![
        host.clone()
            .prop_map(|e| json!({"action": "pause", "endpoint": e})),
        host.clone()
            .prop_map(|e| json!({"action": "unpause", "endpoint": e})),
        rule.prop_map(|rule| json!({"action": "resolve", "rule": rule})),
        Just(json!({"action": "mark-reviewed"})),
        Just(json!({"action": "add-agent", "agent": "d"})),
    ];
    let decision =
        (host, select(vec!["e0", "e1"])).prop_map(|(endpoint, escalation)| {
            json!({"endpoint": endpoint, "escalation": escalation, "outcome": "reject"})
        });
    prop_oneof![
        3 => Just(("tick", json!(true))),
        2 => person.prop_map(|person| ("person", person)),
        1 => decision.prop_map(|decision| ("decision", decision)),
        1 => (1..50u64).prop_map(|slept| ("woke", json!({"sleptSeconds": slept}))),
        1 => any::<bool>().prop_map(|all| ("rules", rules(all))),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let error = prop_oneof![
        select(vec!["timeout", "connect", "invalid"]).prop_map(|kind| json!({"kind": kind})),
        Just(json!({"kind": "http", "httpStatus": 429})),
    ];
    let what = prop_oneof![
        20 => vec(item(), 0..6).prop_map(What::Poll),
        3 => error.prop_map(What::Error),
        2 => alone().prop_map(|(member, value)| What::Alone(member, value)),
    ];
    let after = prop_oneof![
        6 => Just(0i64), 12 => 1..40i64, 2 => 100..400i64, 1 => 90_000..90_003i64,
    ];
    let step = (after, select(vec!["a", "a", "b", "b", "c"]), what);
    let step = step.prop_map(|(after, who, what)| vec![Step { after, who, what }]);
    vec(prop_oneof![12 => step, 1 => trouble()], 1..18).prop_map(|steps| steps.concat())
}

/// What seldom comes about by itself.
fn trouble() -> impl Strategy<Value = Vec<Step>> {
    let step = |after: i64, who: &'static str, what: What| Step { after, who, what };
    let no_network = move |kind: &'static str| {
        let all = ["a", "b", "c", "a", "b", "c"].into_iter();
        let all = all.map(|who| step(3, who, What::Error(json!({"kind": kind}))));
        all.collect::<Vec<_>>()
    };
    let same_again = move |salt: u16| {
        let bad = (0..4u32).map(|n| json!({"id": "t1", "title": u32::from(salt) * 4 + n, "status": {"state": "working"}}));
        let bad = bad.map(|item| step(9, "b", What::Poll(vec![("tasks", item)])));
        bad.collect::<Vec<_>>()
    };
    let outdated = move |resource: &'static str| {
        let used = |mode: &str, resource: &str, base: Option<u8>, new: Option<u8>| {
            let version = |v: Option<u8>| v.map(|v| v.to_string());
            (
                "accesses",
                json!({
                    "id": "", "taskId": "t0", "mode": mode, "resource": resource, "at": -1,
                    "baseVersion": version(base), "newVersion": version(new),
                }),
            )
        };
        vec![
            step(
                9,
                "a",
                What::Poll(vec![used("read", "file:x", Some(1), None)]),
            ),
            step(
                9,
                "b",
                What::Poll(vec![used("write", "file:x", Some(1), Some(2))]),
            ),
            step(
                9,
                "a",
                What::Poll(vec![used("write", resource, None, None)]),
            ),
        ]
    };
    let running_out = move |left: i64| {
        let told = (0..4i64).map(|n| {
            json!({
                "pool": {"provider": "p"}, "observedAt": 0,
                "windows": [{"name": "hour", "limit": 200, "remaining": left - 20 * n}],
            })
        });
        let told = told.zip(["a", "b", "a", "b"]);
        told.map(|(sample, who)| step(25, who, What::Poll(vec![("quotas", sample)])))
            .collect::<Vec<_>>()
    };
    let side_by_side = move |resource: &'static str| {
        let at_work = |who: &'static str, id: &'static str| {
            let task =
                json!({"id": id, "title": id, "status": {"state": "working", "timestamp": -1}});
            let write =
                json!({"id": "", "taskId": id, "mode": "write", "resource": resource, "at": 0});
            step(
                7,
                who,
                What::Poll(vec![("tasks", task), ("accesses", write)]),
            )
        };
        vec![at_work("a", "t0"), at_work("c", "t1"), at_work("b", "t2")]
    };
    prop_oneof![
        select(vec!["output:free", "output:o", "file:x"]).prop_map(side_by_side),
        (80..180i64).prop_map(running_out),
        select(vec!["connect", "timeout"]).prop_map(no_network),
        any::<u16>().prop_map(same_again),
        select(vec!["output:free", "file:y/1"]).prop_map(outdated),
    ]
}

/// The rules of ownership; the others leave the output without a sequence.
fn rules(all: bool) -> Value {
    let mut rules = vec![json!({"resource": "field:*", "owner": "a"})];
    if all {
        rules.push(json!({"resource": "output:o", "sequence": ["a", "b"]}));
    }
    json!({
        "rules": rules,
        "stages": [{"name": "publish", "agent": "c"}],
        "budgets": [{"kind": "short", "seconds": 25}],
    })
}

fn config() -> Value {
    json!({"config": {
        "ownership": rules(true),
        "settings": {
            "stallAfterSeconds": 60, "handoffDueSeconds": 50, "acknowledgeDueSeconds": 70,
            "retryStormCount": 3, "readinessDays": 1, "readinessMinDecisions": 1,
            "staleAfterPolls": 2, "reviewEveryDays": 2, "escalationSlaHours": 0.02,
        },
        "schemas": {"number": {"type": "number"}},
    }})
}

/// Whether everything is told at the first poll after it happened.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Telling {
    Promptly,
    Late,
}

/// Steps as lines with times and ids; one poll of an agent at one time, one item of an id in a poll.
pub(crate) fn lines(steps: &[Step], telling: Telling) -> Vec<Value> {
    let mut lines = vec![config()];
    let (mut now, mut count) = (0, 0);
    let mut polled: BTreeSet<&str> = BTreeSet::new();
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    let mut closed = false;
    for step in steps {
        let alone = matches!(step.what, What::Alone(..));
        if step.after > 0 || closed || alone || polled.contains(step.who) {
            now += step.after.max(1);
            polled.clear();
        }
        closed = alone;
        polled.insert(step.who);
        match &step.what {
            What::Error(error) => lines.push(failed(now, step.who, error.clone())),
            What::Alone(member, value) => {
                let mut line = json!({"at": at(now)});
                line[*member] = value.clone();
                lines.push(line);
            }
            What::Poll(items) => {
                let before = last.insert(step.who, now).unwrap_or(now - 40);
                let back = match telling {
                    Telling::Late => 40,
                    Telling::Promptly => (now - before - 1).clamp(0, 40),
                };
                let mut known = BTreeSet::new();
                let mut members: BTreeMap<&str, Value> = BTreeMap::new();
                for (list, item) in items {
                    count += 1;
                    let mut item = item.clone();
                    let time = |value: Option<&Value>| {
                        let offset = value.and_then(Value::as_i64);
                        offset.map(|offset| json!(at(now + offset.max(-back))))
                    };
                    for name in TIMES {
                        if let Some(time) = time(item.get(name)) {
                            item[name] = time;
                        }
                    }
                    if item.pointer("/status/timestamp").is_some() {
                        let own = time(item.pointer("/status/timestamp"));
                        let told = (telling == Telling::Promptly).then(|| json!(at(now)));
                        item["status"]["timestamp"] = json!(own.or(told));
                    }
                    if telling == Telling::Promptly && item["state"] == "released" {
                        item["releaseTime"] = json!(at(now));
                    }
                    if item["id"] == "" {
                        item["id"] = json!(format!("i{count}"));
                    }
                    if *list == "context" {
                        item["seq"] = json!(count);
                    }
                    let id = item.get("id").cloned().unwrap_or(json!(count));
                    let item = without_nulls(item);
                    if *list == "ownership" {
                        members.insert(list, item);
                    } else if known.insert(format!("{list} {id}")) {
                        let all = members.entry(list).or_insert_with(|| json!([]));
                        all.as_array_mut().unwrap().push(item);
                    }
                }
                lines.push(poll(now, step.who, json!(members)));
            }
        }
    }
    lines
}

/// Seconds after the beginning of the stories, a Monday.
pub(crate) fn at(seconds: i64) -> String {
    let start = chrono::DateTime::parse_from_rfc3339("2026-11-02T10:00:00Z").unwrap();
    (start + chrono::TimeDelta::seconds(seconds)).to_rfc3339()
}

fn poll(seconds: i64, agent: &str, members: Value) -> Value {
    let mut status = json!({
        "schemaVersion": "1.0", "snapshot": false,
        "agent": {"id": agent, "name": agent, "status": "online"},
    });
    join(&mut status, members);
    json!({"at": at(seconds), "endpoint": format!("{agent}-host"), "status": status})
}

fn failed(seconds: i64, agent: &str, error: Value) -> Value {
    json!({"at": at(seconds), "endpoint": format!("{agent}-host"), "error": error})
}

fn join(value: &mut Value, members: Value) {
    let Value::Object(members) = members else {
        return;
    };
    for (name, member) in members {
        value[name] = member;
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

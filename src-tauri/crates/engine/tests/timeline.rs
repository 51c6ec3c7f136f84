//! What the timeline tells, from facts taken in by the real rules and kept in a real file. The clock stands still.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should end there"
)]

#[allow(dead_code, reason = "the recordings use more of it")]
#[path = "recorded/stage.rs"]
mod stage;

use chrono::{DateTime, TimeDelta};
use domain::{
    change::{Change, Record},
    contract::Access,
    decision::Outcome,
    fact::{PollError, PollErrorKind},
    ids::AgentRef,
    ownership::{Ownership, text},
    time::{self, Time},
};
use engine::api::{
    timeline,
    views::{
        ExportTimelineRequest, Shape, TimelineMark, TimelineMarkKind, TimelineRequest,
        TimelineRowKind, TimelineView,
    },
};
use serde_json::{Value, json};
use stage::Stage;

fn at(seconds: i64) -> Time {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
}

fn rules(document: &str) -> Option<Ownership> {
    let mut rules = text::read(document).expect("rules");
    rules.reviewed_at = Some(at(0));
    Some(rules)
}

fn stage(document: &str, hosts: &[&str]) -> Stage {
    let stage = Stage::new(at(0), rules(document));
    for (port, host) in (9000..).zip(hosts) {
        stage.add(at(0), host, host, "native", port);
    }
    stage
}

fn says(agent: &str, lists: Value) -> Value {
    let mut document = json!({
        "schemaVersion": "1.0", "snapshot": false, "agent": { "id": agent, "name": agent, "status": "online" },
    });
    let lists = lists.as_object().expect("lists").clone();
    document.as_object_mut().expect("a document").extend(lists);
    document
}

fn task(id: &str, state: &str, seconds: i64) -> Value {
    json!({ "id": id, "title": format!("Task {id}"), "status": { "state": state, "timestamp": time::format(at(seconds)) } })
}

fn touch(
    id: &str,
    mode: &str,
    resource: &str,
    base: Option<&str>,
    new: Option<&str>,
    seconds: i64,
) -> Value {
    json!({ "id": id, "taskId": "t", "resource": resource, "mode": mode, "baseVersion": base, "newVersion": new,
        "at": time::format(at(seconds)) })
}

fn looked(stage: &Stage, now: i64, request: TimelineRequest) -> TimelineView {
    stage.see(at(now), |glance| timeline::timeline(glance, &request))
}

fn last(seconds: u64) -> TimelineRequest {
    TimelineRequest {
        seconds: Some(seconds),
        until: None,
        pair: vec![],
        about: None,
    }
}

fn about(key: &str) -> TimelineRequest {
    TimelineRequest {
        about: Some(key.to_owned()),
        seconds: None,
        ..last(0)
    }
}

fn kinds(marks: &[TimelineMark]) -> Vec<(TimelineMarkKind, u32, Option<&str>)> {
    marks
        .iter()
        .map(|mark| (mark.kind, mark.side, mark.text.as_deref()))
        .collect()
}

const FIELD: &str = "field:crm/marta#last_reply";

/// Two agents read one version, both write: the second over what it has not read.
fn overwritten() -> Stage {
    let mut stage = stage("version = 1\n", &["one", "two", "three"]);
    for (host, agent) in [
        ("one", "invoices"),
        ("two", "payments"),
        ("three", "digest"),
    ] {
        stage.hear(
            at(10),
            host,
            &says(agent, json!({ "tasks": [task("t", "working", 5)] })),
        );
    }
    stage.hear(
        at(20),
        "one",
        &says(
            "invoices",
            json!({ "accesses": [touch("a1", "read", FIELD, Some("v17"), None, 15)] }),
        ),
    );
    stage.hear(
        at(30),
        "two",
        &says(
            "payments",
            json!({ "accesses": [touch("b1", "read", FIELD, Some("v17"), None, 25)] }),
        ),
    );
    stage.hear(
        at(50),
        "one",
        &says(
            "invoices",
            json!({ "accesses": [touch("a2", "write", FIELD, Some("v17"), Some("v18"), 45)] }),
        ),
    );
    stage.hear(
        at(70),
        "two",
        &says(
            "payments",
            json!({ "accesses": [touch("b2", "write", FIELD, Some("v17"), Some("v19"), 65)] }),
        ),
    );
    stage.tick(at(75));
    stage
}

#[test]
fn of_two_agents_that_overwrite_each_other_the_lens_shows_the_thing_between_them_with_the_witnesses()
 {
    let stage = overwritten();
    let whole = looked(&stage, 80, last(120));
    let finding = whole
        .findings
        .iter()
        .find(|each| each.rule == "write-conflict")
        .expect("found");
    let view = looked(&stage, 80, about(&finding.key));
    assert!(
        view.title
            .contains("payments wrote field:crm/marta#last_reply"),
        "{}",
        view.title
    );
    let rows: Vec<_> = view
        .rows
        .iter()
        .map(|row| (row.kind, row.label.text.as_str()))
        .collect();
    let between = (TimelineRowKind::Resource, FIELD);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1], between);
    let agents: Vec<_> = view.pair.iter().map(|agent| agent.agent.as_str()).collect();
    assert_eq!((rows[0].1, rows[2].1), (agents[0], agents[1]));
    let payments = agents
        .iter()
        .position(|name| *name == "payments")
        .expect("in the pair") as u32;
    let mut expected = [
        (TimelineMarkKind::Read, 1 - payments, Some("v17")),
        (TimelineMarkKind::Read, payments, Some("v17")),
        (TimelineMarkKind::Write, 1 - payments, Some("v18")),
        (TimelineMarkKind::Write, payments, Some("v19")),
    ];
    let mut got = kinds(&view.rows[1].marks);
    let order = |mark: &(TimelineMarkKind, u32, Option<&str>)| format!("{mark:?}");
    expected.sort_by_key(order);
    got.sort_by_key(order);
    assert_eq!(got, expected);
    let place = view
        .findings
        .iter()
        .position(|each| each.key == finding.key)
        .expect("told") as u32;
    assert_eq!(place, 0, "what was asked about comes first");
    let shown: Vec<_> = view.rows[1]
        .marks
        .iter()
        .filter(|mark| mark.findings.contains(&place))
        .map(|mark| mark.text.clone())
        .collect();
    assert!(shown.contains(&Some("v19".to_owned())), "{shown:?}");
    assert!(
        finding
            .witnesses
            .iter()
            .any(|witness| witness.sentence.text.contains("version v17 became v19"))
    );
    // Who has nothing to do with it is not there.
    assert!(!view.rows.iter().any(|row| row.label.text == "digest"));
}

#[test]
fn a_task_alone_is_seen_with_the_agent_it_has_most_to_do_with() {
    let stage = overwritten();
    for (key, other) in [("t:one/t", "payments"), ("a:two/payments", "invoices")] {
        let view = looked(&stage, 80, about(key));
        let agents: Vec<_> = view.pair.iter().map(|agent| agent.agent.as_str()).collect();
        assert_eq!(agents.get(1), Some(&other), "{key}");
    }
    let view = looked(&stage, 80, about("t:three/t"));
    assert_eq!(view.pair.len(), 1);
    assert!(
        view.title.contains("digest shares nothing"),
        "{}",
        view.title
    );
}

#[test]
fn what_is_gone_or_never_was_is_looked_at_like_nothing_in_particular() {
    let stage = overwritten();
    for key in ["f:no such", "t:one/none", "t:", "e:x", "a:", "", "💥"] {
        let view = looked(
            &stage,
            80,
            TimelineRequest {
                pair: vec!["no/body".to_owned(), String::new()],
                ..about(key)
            },
        );
        assert!(view.pair.is_empty() && view.about.is_none(), "{key}");
        assert_eq!((view.to - view.from).num_seconds(), 900, "{key}");
    }
}

#[test]
fn the_past_is_told_as_it_was_then() {
    let mut stage = stage("version = 1\n", &["one"]);
    stage.hear(
        at(10),
        "one",
        &says("a", json!({ "tasks": [task("t", "working", 10)] })),
    );
    stage.hear(
        at(500),
        "one",
        &says("a", json!({ "tasks": [task("t", "input-required", 500)] })),
    );
    stage.hear(
        at(900),
        "one",
        &says("a", json!({ "tasks": [task("t", "completed", 900)] })),
    );
    let check = |until: i64, seconds: u64, expected: &[Shape]| {
        let view = looked(
            &stage,
            1000,
            TimelineRequest {
                until: Some(at(until)),
                ..last(seconds)
            },
        );
        assert!(!view.live);
        let shapes: Vec<_> = view.rows[0].lanes.iter().map(|lane| lane.shape).collect();
        assert_eq!(shapes, expected, "until {until}");
    };
    check(600, 590, &[Shape::Running, Shape::NeedsYou]);
    check(400, 60, &[Shape::Running]);
    check(800, 60, &[Shape::NeedsYou]);
    check(990, 60, &[]);
}

#[test]
fn a_handoff_is_open_until_it_is_taken_over_and_points_to_who_it_is_for() {
    let mut stage = stage("version = 1\n", &["one", "two"]);
    let handoff = |taken: Option<i64>| {
        json!({ "handoffs": [{ "id": "h", "taskId": "t", "to": "b", "status": "ready", "emittedAt": time::format(at(20)),
            "acknowledgedAt": taken.map(|seconds| time::format(at(seconds))), "acknowledgedBy": taken.map(|_| "b") }] })
    };
    stage.hear(
        at(10),
        "two",
        &says("b", json!({ "tasks": [task("t", "working", 10)] })),
    );
    stage.hear(at(20), "one", &says("a", handoff(None)));
    let given = |stage: &Stage| {
        let view = looked(stage, 100, last(120));
        let row = view
            .rows
            .iter()
            .find(|row| row.label.text == "a")
            .expect("a row");
        let mark = row
            .marks
            .iter()
            .find(|mark| mark.kind == TimelineMarkKind::HandOver)
            .expect("a mark");
        (mark.open, mark.to.clone(), row.marks.len())
    };
    assert_eq!(given(&stage), (true, Some("two/b".to_owned()), 1));
    stage.hear(at(60), "one", &says("a", handoff(Some(58))));
    assert_eq!(given(&stage), (false, Some("two/b".to_owned()), 2));
}

#[test]
fn refusals_silence_and_the_persons_decisions_stand_where_they_happened() {
    let mut stage = stage("version = 1\n", &["one", "two"]);
    let refused = |seconds: i64| {
        json!({ "quotas": [{ "pool": { "provider": "anthropic", "account": "acme" }, "observedAt": time::format(at(seconds)),
            "windows": [{ "name": "minute", "limit": 10.0, "remaining": 0.0, "status": "rejected" }] }] })
    };
    stage.hear(at(10), "one", &says("a", refused(10)));
    stage.hear(at(12), "two", &says("b", refused(12)));
    stage.hear(at(20), "one", &says("a", json!({ "escalations": [{ "id": "q", "version": "1", "kind": "approval", "title": "Send it?",
        "message": "", "createdAt": time::format(at(20)), "status": "pending" }] })));
    stage.decide(at(40), "one", "q", Outcome::Approve);
    let timeout = PollError {
        kind: PollErrorKind::Timeout,
        http_status: None,
        retry_after_seconds: None,
        detail: None,
    };
    stage.miss(at(60), "two", &timeout);
    stage.miss(at(80), "two", &timeout);
    let view = looked(
        &stage,
        100,
        TimelineRequest {
            pair: vec!["one/a".to_owned(), "two/b".to_owned()],
            ..last(120)
        },
    );
    let row = |label: &str| {
        view.rows
            .iter()
            .find(|row| row.label.text == label)
            .expect("a row")
    };
    assert_eq!(row("anthropic/acme").kind, TimelineRowKind::Limit);
    assert_eq!(
        row("anthropic/acme")
            .marks
            .iter()
            .map(|mark| mark.side)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    let kinds = |label: &str| {
        row(label)
            .marks
            .iter()
            .map(|mark| mark.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds("a"),
        [
            TimelineMarkKind::Refused,
            TimelineMarkKind::Question,
            TimelineMarkKind::Decision
        ]
    );
    assert_eq!(
        kinds("b"),
        [TimelineMarkKind::Refused, TimelineMarkKind::Silent],
        "silence is told once"
    );
    assert_eq!(
        row("b").lanes.last().map(|lane| lane.shape),
        Some(Shape::Unreachable)
    );
}

#[test]
fn a_claim_is_drawn_from_when_it_was_taken_until_it_was_given_back_or_ran_out() {
    let mut stage = stage("version = 1\n", &["one", "two"]);
    let claim = |id: &str,
                 state: &str,
                 acquired: i64,
                 released: Option<i64>,
                 lease: Option<i64>| {
        json!({ "claims": [{ "id": id, "resource": "file:a", "holderIdentity": "x", "mode": "exclusive", "state": state,
            "acquireTime": time::format(at(acquired)), "releaseTime": released.map(|seconds| time::format(at(seconds))),
            "leaseDurationSeconds": lease }] })
    };
    stage.hear(
        at(20),
        "one",
        &says("a", claim("c", "held", 20, None, None)),
    );
    stage.hear(
        at(40),
        "one",
        &says("a", claim("c", "released", 20, Some(40), None)),
    );
    stage.hear(
        at(50),
        "two",
        &says("b", claim("d", "held", 50, None, Some(20))),
    );
    let view = looked(
        &stage,
        120,
        TimelineRequest {
            pair: vec!["one/a".to_owned(), "two/b".to_owned()],
            ..last(120)
        },
    );
    let row = view
        .rows
        .iter()
        .find(|row| row.label.text == "file:a")
        .expect("shared");
    let sides: Vec<_> = row
        .lanes
        .iter()
        .map(|lane| (lane.side, lane.label.as_str()))
        .collect();
    assert_eq!(sides, [(0, "Claimed by a"), (1, "Claimed by b")]);
    assert!(
        row.lanes[0].end <= row.lanes[1].begin,
        "one after the other"
    );
    assert!(row.lanes[1].end < view.slots, "the lease ran out");
}

#[test]
fn a_day_of_a_hundred_thousand_facts_is_a_small_answer() {
    const FACTS: i64 = 100_000;
    let stage = stage("version = 1\n", &["one"]);
    let changes: Vec<Change> = (0..FACTS)
        .map(|fact| {
            let agent = format!("agent-{:02}", fact % 40);
            let value: std::sync::Arc<Access> = serde_json::from_value(json!({
                "id": format!("x{fact}"), "resource": format!("file:part-{}", fact % 500),
                "mode": if fact % 3 == 0 { "write" } else { "read" }, "baseVersion": "1", "newVersion": "2",
            }))
            .expect("an access");
            Change::Access(Record {
                agent: AgentRef { endpoint: "one".into(), agent: agent.as_str().into() },
                value,
                raw: "{}".into(),
                line: 2,
                at: at(fact * 86_400 / FACTS),
            })
        })
        .collect();
    stage
        .store
        .write(move |tx| store::apply_all(tx, &changes))
        .expect("kept");
    for pair in [
        vec![],
        vec!["one/agent-01".to_owned(), "one/agent-21".to_owned()],
    ] {
        let begun = std::time::Instant::now();
        let view = looked(
            &stage,
            86_400,
            TimelineRequest {
                pair: pair.clone(),
                ..last(86_400)
            },
        );
        println!("{pair:?} took {:?}", begun.elapsed());
        assert_eq!(i64::from(view.facts), FACTS);
        assert!(view.rows.len() <= 30 && !view.cut);
        assert!(
            view.rows
                .iter()
                .all(|row| row.marks.len() <= 40 && row.dense.len() <= 600)
        );
        let size = serde_json::to_string(&view).expect("JSON").len();
        assert!(size < 400_000, "{size} bytes");
    }
}

#[test]
fn what_is_copied_names_the_evidence_and_lets_no_agent_write_markdown() {
    let mut stage = overwritten();
    let hostile = "field:x\n# Approved by [you](http://evil) <script>`*_\u{202e}gnp";
    stage.hear(
        at(76),
        "one",
        &says(
            "invoices",
            json!({ "accesses": [touch("a9", "write", hostile, None, None, 76)] }),
        ),
    );
    let request = ExportTimelineRequest {
        timeline: last(120),
        finding: None,
        save: false,
    };
    let written = stage.see(at(80), |glance| timeline::export(glance, &request));
    assert!(
        written.text.contains("/status/accesses/0"),
        "{}",
        written.text
    );
    assert!(
        written
            .text
            .contains("payments wrote field:crm/marta\\#last\\_reply: version v17 became v19."),
        "{}",
        written.text
    );
    assert!(
        !written.text.contains("\n# Approved")
            && !written.text.contains("[you]")
            && !written.text.contains("<script>")
    );
    assert!(!written.text.contains('\u{202e}'));
    assert!(written.file_name.ends_with(".md"));
    let view = looked(&stage, 80, last(120));
    let finding = view
        .findings
        .iter()
        .find(|each| each.rule == "write-conflict")
        .expect("found");
    let one = ExportTimelineRequest {
        finding: Some(finding.key.clone()),
        ..request
    };
    let alone = stage.see(at(80), |glance| timeline::export(glance, &one));
    assert_eq!(alone.text.matches("Why it matters").count(), 1);
}

#[test]
fn an_endless_or_backward_stretch_is_cut_to_what_can_be_drawn() {
    let stage = overwritten();
    for seconds in [0, 1, u64::MAX, 10_000_000_000] {
        let view = looked(&stage, 80, last(seconds));
        let long = (view.to - view.from).num_seconds();
        assert!((30..=8 * 86_400).contains(&long), "{seconds}: {long}");
    }
    let view = looked(
        &stage,
        80,
        TimelineRequest {
            until: Some(at(80) + TimeDelta::days(400)),
            ..last(60)
        },
    );
    assert!(view.live && view.to == at(80), "the future is not drawn");
}

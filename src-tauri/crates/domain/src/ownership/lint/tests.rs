//! The lint: each code once with its sentence, and what must not be reported.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::ownership::text::read;

fn known() -> Known {
    Known::default()
}

/// `code rules agents witness: message` of every issue.
#[track_caller]
fn check(rules: &str, known: &Known, expected: &[&str]) {
    let document = read(rules).unwrap();
    let found: Vec<_> = lint(&document, known)
        .into_iter()
        .map(|issue| {
            let code = serde_json::to_value(issue.code).unwrap();
            let witness = issue.witness.unwrap_or_default();
            format!(
                "{} {:?} {:?} {witness}: {}",
                code.as_str().unwrap(),
                issue.rules,
                issue.agents,
                issue.message
            )
            .replace('"', "'")
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn two_owners_of_one_name_block() {
    check(
        r#"rules = [{ resource = "field:crm/*", owner = "a" }, { resource = "field:crm/x", owner = "b" }]"#,
        &known(),
        &[
            "two-owners [0, 1] ['a', 'b'] field:crm/x: a and b both own `field:crm/*` and `field:crm/x`, which share `field:crm/x`.",
        ],
    );
}

#[test]
fn more_wildcards_than_a_pattern_may_have_block() {
    check(
        r#"rules = [{ resource = "file:*a*a*a*a*a*a*a**", owner = "a" }]"#,
        &known(),
        &[],
    );
    check(
        r#"rules = [{ resource = "file:*a*a*a*a*a*a*a*a*", owner = "a" }]"#,
        &known(),
        &[
            "bad-resource [0] [] : `file:*a*a*a*a*a*a*a*a*` has 9 wildcards, and a pattern has at most 8.",
        ],
    );
}

#[test]
fn two_agents_on_one_trigger_block_unless_a_sequence_holds_both() {
    check(
        r#"rules = [{ resource = "trigger:mail", owner = "a" }, { resource = "trigger:mail", owner = "b" }]"#,
        &known(),
        &[
            "trigger-overlap [0, 1] ['a', 'b'] trigger:mail: a and b would both start on `trigger:mail`.",
        ],
    );
    check(
        r#"rules = [{ resource = "trigger:mail", sequence = ["a", "b"] }, { resource = "trigger:mail", owner = "b" }]"#,
        &known(),
        &[],
    );
}

#[test]
fn writers_outside_the_sequence_block() {
    check(
        r#"rules = [{ resource = "output:x", sequence = ["a", "b"] }, { resource = "output:*", owner = "c" }]"#,
        &known(),
        &[
            "two-writers [0, 1] ['a', 'b', 'c'] output:x: a and b and c may write `output:x` and `output:*`, which share `output:x`, and no sequence holds them all.",
        ],
    );
    check(
        r#"rules = [{ resource = "output:x", owner = "c", sequence = ["a", "b"] }]"#,
        &known(),
        &[
            "two-writers [0] ['a', 'b', 'c'] : `output:x` has the owner c and a sequence without it (a and b).",
        ],
    );
}

#[test]
fn sequences_that_wait_for_each_other_block() {
    check(
        r#"rules = [{ resource = "output:x", sequence = ["a", "b"] }, { resource = "output:y", sequence = ["b", "c", "a"] },
                    { resource = "output:z", sequence = ["a", "d"] }]"#,
        &known(),
        &[
            "cyclic-sequence [0, 1] ['a', 'b', 'c'] : The sequences of `output:x` and `output:y` run in a circle, so each can wait for the other.",
        ],
    );
    check(
        r#"rules = [{ resource = "output:x", sequence = ["a", "b", "a"] }]"#,
        &known(),
        &[
            "cyclic-sequence [0] ['a', 'b'] : The sequence of `output:x` names an agent twice: a, then b, then a.",
        ],
    );
}

#[test]
fn an_exception_has_an_owner_a_time_and_an_order() {
    check(
        r#"exceptions = [{ agents = ["a"] }]"#,
        &known(),
        &[
            "exception-without-owner [0] ['a'] : Nobody gets the exceptions of a.",
            "exception-without-sla [0] ['a'] : Exceptions of a are never due.",
        ],
    );
    check(
        r#"exceptions = [{ agents = ["a"], route_to = "me", sla_hours = 1 }, { agents = ["b"], route_to = "me", sla_hours = 1, fallback = "approve" }]"#,
        &known(),
        &[
            "shared-escalation-owner [0, 1] ['a', 'b'] : You get the exceptions of several agents, and no priority says which comes first.",
            "unknown-fallback [1] ['b'] : When the time of b is over, `approve` is not possible: hold, refuse, dead-letter or hand-over:<name>.",
        ],
    );
    // One rule has no other to be put in order with, however many agents it is about.
    for agents in [r#"["*"]"#, r#"["a", "b"]"#] {
        check(
            &format!(r#"exceptions = [{{ agents = {agents}, route_to = "me", sla_hours = 24 }}]"#),
            &known(),
            &[],
        );
    }
    check(
        r#"exceptions = [{ agents = ["*"], route_to = "me", sla_hours = 24, priority = 1, fallback = "hold" },
                         { agents = ["a"], route_to = "ann", sla_hours = 1 }]"#,
        &known(),
        &[
            "shadowed-exception [1, 0] ['a'] : The exception rule of a never counts: one before it matches the same agents.",
        ],
    );
}

#[test]
fn what_is_only_worth_a_look_warns() {
    check(
        r#"rules = [{ resource = "field:a/**", owner = "a" }, { resource = "field:a/b", owner = "a" }, { resource = "field:c" }]"#,
        &known(),
        &[
            "shadowed [1, 0] [] : `field:a/b` adds nothing: `field:a/**` says it already.",
            "unowned [2] [] : Nobody owns `field:c`.",
        ],
    );
    check(
        r#"rules = [{ resource = "field:c/1#x", owner = "a" }, { resource = "field:c/1#y", owner = "b" }]"#,
        &known(),
        &["adjacent-fields [0, 1] ['a', 'b'] : a and b write different fields of `field:c/1`."],
    );
    check(
        r#"rules = [{ resource = "cron:daily", owner = "a" }]"#,
        &known(),
        &[
            "bad-resource [0] [] : `cron:daily` begins with no known kind, so it never matches. Kinds are trigger, field, output, file, api and other.",
        ],
    );
}

fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::days(day)
}

fn seen(agent: &str, resource: &str, mode: AccessMode, day: i64) -> Seen {
    Seen {
        endpoint: "host".into(),
        agent: agent.into(),
        resource: resource.into(),
        mode,
        count: 3,
        last_at: at(day),
    }
}

fn agents(names: &[(&str, bool)]) -> Vec<KnownAgent> {
    let agent = |(name, reachable): &(&str, bool)| KnownAgent {
        endpoint: "host".into(),
        agent: (*name).into(),
        reachable: *reachable,
    };
    names.iter().map(agent).collect()
}

#[test]
fn usage_shows_what_nobody_owns_what_others_write_and_what_nothing_uses() {
    let usage = Usage {
        seen: vec![
            seen("a", "output:new", AccessMode::Write, 1),
            seen("b", "field:x", AccessMode::Write, 1),
            seen("b", "field:x", AccessMode::Read, 1),
            seen("a", "field:old", AccessMode::Write, 1),
        ],
        from: at(0),
        to: at(100),
        unused_after_seconds: 90 * 86_400,
    };
    check(
        r#"rules = [{ resource = "field:x", owner = "host/a" }, { resource = "field:old", owner = "a" }, { resource = "api:y", owner = "gone" }]"#,
        &Known {
            agents: agents(&[("a", false), ("b", true)]),
            usage: Some(usage.clone()),
        },
        &[
            "unowned-used [] ['a'] output:new: a used `output:new` 3 times, and nobody owns it.",
            "written-by-other [0] ['b'] field:x: b wrote `field:x` 3 times; it belongs to host/a.",
            "unused [0] [] : Nothing used `field:x` for 90 days.",
            "unreachable-owner [0] ['host/a'] : host/a does not answer now; what it owns stands still.",
            "unused [1] [] : Nothing used `field:old` for 90 days.",
            "unreachable-owner [1] ['a'] : a does not answer now; what it owns stands still.",
            "unused [2] [] : Nothing used `api:y` for 90 days.",
            "unknown-agent [2] ['gone'] : gone is named in a rule, but no agent of that name was heard of.",
        ],
    );
    let short = Usage { to: at(3), ..usage };
    check(
        r#"rules = [{ resource = "**", owner = "a" }]"#,
        &Known {
            agents: vec![],
            usage: Some(Usage {
                seen: vec![],
                ..short
            }),
        },
        &[
            "bad-resource [0] [] : `**` has no kind. Write one of trigger, field, output, file, api and other and a colon before it.",
        ],
    );
}

#[test]
fn a_witness_is_a_seen_name_when_there_is_one() {
    let usage = Usage {
        seen: vec![seen("a", "trigger:mail/77", AccessMode::Consume, 1)],
        from: at(0),
        to: at(1),
        unused_after_seconds: 90 * 86_400,
    };
    let document =
        read(r#"rules = [{ resource = "trigger:mail/*", owner = "a" }, { resource = "trigger:**", owner = "b" }]"#).unwrap();
    let issues = lint(
        &document,
        &Known {
            agents: vec![],
            usage: Some(usage),
        },
    );
    assert_eq!(issues[0].witness.as_deref(), Some("trigger:mail/77"));
}

#[test]
fn one_agent_named_in_two_ways_is_one_owner() {
    let two = r#"rules = [{ resource = "field:x", owner = "a" }, { resource = "field:*", owner = "host/a" }]"#;
    let known = Known {
        agents: agents(&[("a", true)]),
        usage: None,
    };
    check(
        two,
        &known,
        &["shadowed [0, 1] [] : `field:x` adds nothing: `field:*` says it already."],
    );
}

#[test]
fn an_issue_is_one_line_of_the_contract() {
    let document = read(
        r#"rules = [{ resource = "field:x", owner = "a" }, { resource = "field:x", owner = "b" }]"#,
    )
    .unwrap();
    let issues = lint(&document, &known());
    assert_eq!(
        serde_json::to_string(&issues[0]).unwrap(),
        r#"{"severity":"blocks","code":"two-owners","rules":[0,1],"resource":"field:x","agents":["a","b"],"witness":"field:x","message":"a and b both own `field:x`."}"#
    );
}

/// 16 ms is for a release build on a quiet machine; here only that nothing grows with the square of the rules.
#[allow(clippy::disallowed_methods)] // The clock measures the lint; no rule sees it.
#[test]
fn five_hundred_rules_of_fifty_agents_are_checked_at_once() {
    let rules = (0..500).map(|n| {
        let resource = match n % 5 {
            0 => format!("field:crm/{n}/**"),
            1 => format!("file:repo{n}/src/*.rs"),
            _ => format!("output:mail/{n}#{n}"),
        };
        Rule {
            resource,
            owner: Some(format!("agent{}", n % 50)),
            ..Rule::default()
        }
    });
    let document = Ownership {
        rules: rules.collect(),
        ..Ownership::default()
    };
    let start = Instant::now();
    assert_eq!(blocking(&lint(&document, &known())), 0);
    let took = start.elapsed();
    assert!(took.as_millis() < 500, "took {took:?}");
}

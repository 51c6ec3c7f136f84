//! `quota-pressure`, `quota-exhausted`, and a pool's `overload`.

use domain::{change::Change, fact::read_line, fleet::Fleet};
use serde_json::json;

use crate::*;

fn sample(seconds: i64, agent: &str, window: Value) -> Value {
    let mut full = json!({"name": "hour", "limit": 200});
    join(&mut full, window);
    poll(
        seconds,
        agent,
        json!({"quotas": [{
            "pool": {"provider": "p"}, "observedAt": at(seconds), "windows": [full],
        }]}),
    )
}

fn left(seconds: i64, agent: &str, remaining: i64) -> Value {
    sample(
        seconds,
        agent,
        json!({"remaining": remaining, "resetAt": at(3600)}),
    )
}

#[test]
fn pressure_gets_critical_shortly_before_it_runs_out_and_ends_with_the_window() {
    let lines = [
        left(0, "a", 200),
        left(60, "b", 190),
        left(120, "a", 170),
        tick(719),
        tick(720),
        tick(3600),
    ];
    check(
        "quota-pressure",
        &lines,
        &["120 open critical a b", "3600 cleared critical a b"],
    );
    let slower = [
        left(0, "a", 200),
        left(60, "b", 190),
        left(120, "a", 180),
        tick(300),
        tick(301),
        tick(3600),
    ];
    check(
        "quota-pressure",
        &slower,
        &[
            "120 open warning a b",
            "301 open critical a b",
            "3600 cleared critical a b",
        ],
    );
}

#[test]
fn the_next_sample_clears_pressure_and_an_old_one_says_nothing() {
    let mut lines = vec![
        left(0, "a", 200),
        left(60, "a", 150),
        left(120, "a", 100),
        left(180, "a", 199),
    ];
    check(
        "quota-pressure",
        &lines,
        &["120 open critical a", "180 cleared critical a"],
    );
    for line in &mut lines {
        line["at"] = json!(at(1000));
    }
    check("quota-pressure", &lines[..3], &[]);
}

#[test]
fn unknown_limits_are_under_no_pressure() {
    let lines: Vec<_> = (0..5)
        .map(|n| sample(n * 60, "a", json!({"limit": null, "used": n * 100})))
        .collect();
    check("quota-pressure", &lines, &[]);
}

#[test]
fn a_refusal_that_names_a_limit_is_exhaustion_and_a_bare_one_overload() {
    let refused = |seconds: i64, windows: Value| {
        poll(
            seconds,
            "a",
            json!({"quotas": [{
                "pool": {"provider": "p"}, "observedAt": at(seconds), "windows": windows,
                "headers": {":status": "429"},
            }]}),
        )
    };
    let bare = [refused(0, json!([])), left(10, "a", 100)];
    check("overload", &bare, &["0 open info a", "10 cleared info a"]);
    check("quota-exhausted", &bare, &[]);
    let named = [
        refused(0, json!([{"name": "hour", "limit": 100}])),
        left(10, "a", 100),
    ];
    check(
        "quota-exhausted",
        &named,
        &["0 open warning a", "10 cleared warning a"],
    );
    check("overload", &named, &[]);
}

#[test]
fn every_sample_gets_a_forecast() {
    let lines = file(&[left(0, "a", 200), left(60, "b", 180), left(120, "a", 160)]);
    let forecasts = domain::forecast::of_replay(lines.lines()).unwrap();
    let told: Vec<_> = forecasts
        .iter()
        .map(|f| (f.method, f.exhausts_at.map(|at| at.to_rfc3339())))
        .collect();
    assert_eq!(
        told,
        [
            ("too-few", None),
            ("too-few", None),
            ("rate", Some(at(600))),
        ]
    );
    let shares = serde_json::to_value(&forecasts[2].shares).unwrap();
    assert_eq!(shares, json!({"a": 0.5, "b": 0.5}));
}

/// Each day at seven in the morning at +02:00 (`minutes` later, for one of the days), `a` and then `b` begin; the pool
/// is used up forty minutes later.
fn mornings(days: i64, late: i64, out: bool) -> Vec<Value> {
    // The stories begin on a Monday at 10:00 UTC; seven at +02:00 is five hours before that.
    let mut lines = vec![];
    for day in 1..=days {
        let seven = day * 86_400 - 5 * 3600;
        let minutes = if day == 2 { late } else { 0 };
        let mut tell = |at_second: i64, agent: &str, left: i64| {
            let mut line = left_until(at_second, agent, left, day);
            let local = chrono::DateTime::parse_from_rfc3339(&at(at_second)).unwrap();
            let offset = chrono::FixedOffset::east_opt(7200).unwrap();
            line["status"]["quotas"][0]["observedAt"] =
                json!(local.with_timezone(&offset).to_rfc3339());
            lines.push(line);
        };
        tell(seven + minutes * 60, "a", 150);
        tell(seven + minutes * 60 + 120, "b", 100);
        if out {
            tell(seven + minutes * 60 + 2400, "a", 0);
        }
    }
    lines
}

fn left_until(seconds: i64, agent: &str, remaining: i64, day: i64) -> Value {
    let reset = at(day * 86_400);
    sample(
        seconds,
        agent,
        json!({"remaining": remaining, "resetAt": reset}),
    )
}

#[test]
fn agents_that_begin_together_each_day_are_told_of_before_they_use_the_pool_up_again() {
    let before = 4 * 86_400 - 5 * 3600;
    let ticks = [tick(before - 901), tick(before - 900), tick(before)];
    let told = |lines: Vec<Value>| [lines, ticks.to_vec()].concat();
    check(
        "quota-pressure",
        &told(mornings(3, 0, true)),
        &[
            &format!("{} open warning a b", before - 900)[..],
            &format!("{before} cleared warning a b")[..],
        ],
    );
    check("quota-pressure", &told(mornings(3, 0, false)), &[]);
    check("quota-pressure", &told(mornings(3, 11, true)), &[]);
    check("quota-pressure", &told(mornings(2, 0, true)), &[]);
}

/// What the open finding of pressure says after each of these lines, where that changes, as it is live.
fn said(lines: &[Value]) -> Vec<String> {
    let mut fleet = Fleet::new(Default::default());
    let mut said = vec![];
    for (number, line) in (1..).zip(lines) {
        let line = read_line(number, &line.to_string()).unwrap().unwrap();
        let mut changes = fleet.take(&line);
        fleet.judge(line.at.unwrap(), &mut changes);
        for change in changes {
            let (how, finding) = match change {
                Change::Finding(finding) => (format!("{:?}", finding.state), finding),
                Change::Restated(finding) => (format!("{:?}", finding.severity), finding),
                _ => continue,
            };
            if finding.rule == "quota-pressure" {
                let text = finding.summary.replace(", before it starts anew", "");
                said.push(format!("{how}: {}", text.trim_start_matches("p (hour) ")));
            }
        }
    }
    said
}

#[test]
fn an_open_finding_names_who_uses_most_by_now_and_is_found_once() {
    let lines = [
        left(0, "a", 200),
        left(60, "b", 199),
        left(120, "a", 189),
        left(180, "b", 188),
        left(240, "b", 160),
        left(300, "a", 159),
        tick(360),
        left(420, "b", 190),
    ];
    assert_eq!(
        said(&lines),
        [
            "Open: runs out in about 34 minutes. Lately used by a 91 %, b 9 %.",
            "Warning: runs out in about 47 minutes. Lately used by a 83 %, b 17 %.",
            "Warning: runs out in about 16 minutes. Lately used by b 75 %, a 25 %.",
            "Warning: runs out in about 19 minutes. Lately used by b 73 %, a 27 %.",
            "Cleared: runs out in about 34 minutes. Lately used by a 91 %, b 9 %.",
        ]
    );
    check(
        "quota-pressure",
        &lines,
        &["120 open warning a b", "420 cleared warning a b"],
    );
}

#[test]
fn how_long_is_left_is_told_in_units_a_person_reckons_in() {
    let long = |used: i64, expected: &str| {
        let use_of = |seconds: i64, used: i64| {
            let window = json!({"limit": 1_000_000, "used": used, "resetAt": at(9_000_000)});
            sample(seconds, "a", window)
        };
        let said = said(&[use_of(0, 0), use_of(60, used), use_of(120, 2 * used)]);
        assert_eq!(said.len(), 1);
        assert!(said[0].contains(expected), "{said:?}");
    };
    long(400_000, "runs out in about 1 minute.");
    long(40_000, "runs out in about 23 minutes.");
    long(1_230, "runs out in about 13 hours.");
    long(300, "runs out in about 2 days.");
}

#[test]
fn what_several_report_alike_they_used_together_whoever_is_asked_first() {
    let both = |seconds: i64, remaining: i64, turned: bool| {
        let mut polls = vec![left(seconds, "a", remaining), left(seconds, "b", remaining)];
        if turned {
            polls.reverse();
        }
        polls
    };
    for turns in [[false; 3], [true; 3], [true, false, true]] {
        let told = [
            both(0, 200, turns[0]),
            both(60, 190, turns[1]),
            both(120, 180, turns[2]),
        ];
        let lines = told.concat();
        let findings = replay(file(&lines).lines()).unwrap();
        let summaries: Vec<_> = findings.iter().map(|f| f.summary.as_str()).collect();
        assert_eq!(
            summaries,
            [
                "p (hour) runs out in about 18 minutes, before it starts anew. Lately used by a 50 %, b 50 %."
            ]
        );
        let live = said(&lines);
        let last = live.last().map(String::as_str).unwrap_or_default();
        assert!(last.ends_with("Lately used by a 50 %, b 50 %."), "{live:?}");
    }
}

/// The same told by what only reports limits.
fn from_source(mut line: Value) -> Value {
    line["status"]["agent"]["limitsOnly"] = json!(true);
    line
}

#[test]
fn a_source_of_limits_used_nothing_and_waits_for_nothing() {
    let lines = [
        from_source(left(0, "hub", 200)),
        left(60, "a", 190),
        from_source(left(120, "hub", 170)),
        tick(130),
    ];
    check("quota-pressure", &lines, &["120 open critical a"]);
    let live = said(&lines);
    let last = live.last().map(String::as_str).unwrap_or_default();
    assert!(last.ends_with("Lately used by a 33 %."), "{live:?}");
    let out = [left(0, "a", 10), from_source(left(10, "hub", 0))];
    check("quota-exhausted", &out, &["10 open warning a"]);
    let alone = [from_source(left(10, "hub", 0))];
    check("quota-exhausted", &alone, &["10 open warning "]);
}

#[test]
fn a_source_of_limits_begins_nothing_each_day() {
    let before = 4 * 86_400 - 5 * 3600;
    let told: Vec<_> = mornings(3, 0, true)
        .into_iter()
        .map(|line| match line["status"]["agent"]["id"] == json!("b") {
            true => from_source(line),
            false => line,
        })
        .chain([tick(before - 900), tick(before)])
        .collect();
    check("quota-pressure", &told, &[]);
}

#[test]
fn who_works_is_an_agent_whatever_it_calls_itself() {
    let mut works = from_source(poll(
        10,
        "a",
        json!({"tasks": [task("t", "working", 10, json!({}))]}),
    ));
    works["status"]["agent"]["name"] = json!("A");
    let out = from_source(left(20, "a", 0));
    let told = ["20 open warning a"];
    check("quota-exhausted", &[works.clone(), out.clone()], &told);
    let before = from_source(left(0, "a", 10));
    check("quota-exhausted", &[before, works, out], &told);
}

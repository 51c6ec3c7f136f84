//! Every example scenario says what must be found in it and what must not; this runs those whose rules exist.
//!
//! The meaning of `*.expect.json` is told in `tests/fixtures/scenarios/README.md`.

#![allow(clippy::unwrap_used)] // all of it is a test

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    finding::{Finding, FindingState, Severity},
    replay::replay,
    time::Time,
};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Expectations {
    expect: Vec<Expected>,
    #[serde(default)]
    forbid: Vec<String>,
    #[serde(default)]
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    rule: String,
    state: FindingState,
    agents: Option<BTreeSet<String>>,
    #[serde(default)]
    may_name: Value,
    resource: Option<String>,
    pool: Option<String>,
    task: Option<String>,
    severity: Option<Severity>,
    not_before: Option<Time>,
    not_after: Option<Time>,
    /// So many findings like it come before.
    #[serde(default)]
    nth: usize,
}

impl Expected {
    /// Is that the finding meant, whenever it came?
    fn is(&self, finding: &Finding) -> bool {
        let named: BTreeSet<_> = finding.agents.iter().map(ToString::to_string).collect();
        let agents = self.agents.as_ref().is_none_or(|agents| {
            named.is_superset(agents)
                && (self.may_name == "any"
                    || named.difference(agents).all(|a| {
                        let more = self.may_name.as_array();
                        more.is_some_and(|more| more.iter().any(|m| m == a))
                    }))
        });
        let same =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        agents
            && finding.rule == self.rule
            && finding.state == self.state
            && same(&self.resource, &finding.resource)
            && same(&self.pool, &finding.pool)
            && self
                .task
                .as_ref()
                .is_none_or(|task| finding.tasks.contains(task))
            && self.severity.is_none_or(|least| finding.severity >= least)
    }
}

fn check(name: &str, lines: &str, expectations: &str) {
    let wanted: Expectations = serde_json::from_str(expectations).unwrap();
    let findings = replay(lines.lines()).unwrap();
    let printed: Vec<_> = findings
        .iter()
        .map(|f| serde_json::to_string(f).unwrap())
        .collect();
    let printed = printed.join("\n");
    for expected in &wanted.expect {
        let mut alike = findings.iter().filter(|f| expected.is(f));
        let first = alike.nth(expected.nth);
        let Some(first) = first else {
            panic!(
                "{name}: no {} {:?} in\n{printed}",
                expected.rule, expected.state
            );
        };
        let early = expected.not_before.is_some_and(|at| first.at < at);
        let late = expected.not_after.is_some_and(|at| first.at > at);
        assert!(
            !early && !late,
            "{name}: {} at {}\n{printed}",
            expected.rule,
            first.at
        );
    }
    for finding in &findings {
        let rule = &finding.rule;
        assert!(
            !wanted.forbid.contains(rule),
            "{name}: {rule} in\n{printed}"
        );
        let grave = finding.severity >= Severity::Warning;
        let asked = wanted.expect.iter().any(|expected| expected.is(finding));
        if grave
            && !asked
            && wanted
                .forbid
                .iter()
                .any(|f| f == "any-other-warning-or-higher")
        {
            let cleared_later = finding.state == FindingState::Cleared
                && wanted.expect.iter().any(|e| e.rule == *rule);
            assert!(
                wanted.allow.contains(rule) || cleared_later,
                "{name}: {rule} in\n{printed}"
            );
        }
    }
    let mut open: BTreeMap<&str, Severity> = BTreeMap::new();
    for finding in &findings {
        let before = open.remove(finding.episode.as_str());
        if finding.state == FindingState::Open {
            assert!(
                before.is_none_or(|b| b < finding.severity),
                "{name}: twice\n{printed}"
            );
            open.insert(&finding.episode, finding.severity);
        } else {
            assert!(before.is_some(), "{name}: cleared but not open\n{printed}");
        }
    }
    let told: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_default())
        .collect();
    let shown = findings.iter().flat_map(|finding| &finding.evidence);
    for evidence in shown {
        let line = told.get(evidence.line as usize - 1);
        let there = line.is_some_and(|line| line.pointer(&evidence.pointer).is_some());
        assert!(there, "{name}: {evidence:?} is nowhere in\n{printed}");
    }
    let again = replay(lines.lines()).unwrap();
    assert_eq!(findings, again, "{name}: replayed twice");
    let mut seen_twice = String::new();
    for line in lines.lines() {
        seen_twice.push_str(line);
        seen_twice.push('\n');
        if line.contains("\"status\": {\"schemaVersion\"") {
            seen_twice.push_str(line);
        }
        seen_twice.push('\n');
    }
    let told = |findings: &[Finding]| -> Vec<_> {
        findings
            .iter()
            .map(|f| (f.at, f.episode.clone(), f.severity, f.state))
            .collect()
    };
    let twice = replay(seen_twice.lines()).unwrap();
    assert_eq!(
        told(&findings),
        told(&twice),
        "{name}: every poll fed twice"
    );
}

macro_rules! scenarios {
    ($($test:ident $name:literal;)*) => {$(
        #[test]
        fn $test() {
            check(
                $name,
                include_str!(concat!("../../../../tests/fixtures/scenarios/", $name, ".jsonl")),
                include_str!(concat!("../../../../tests/fixtures/scenarios/", $name, ".expect.json")),
            );
        }
    )*};
}

scenarios! {
    an_endpoint_that_fails_three_times_is_stale "endpoint-stale";
    a_question_is_overdue_after_its_time "escalation-overdue";
    a_task_without_a_mark_has_stalled "stall";
    a_task_with_a_next_stage_and_no_handoff_is_silent "silent-completion";
    sleep_is_no_stall "trap-stall-sleep";
    two_agents_that_take_one_event_collide "trigger-collision";
    a_task_that_outlives_its_deadline_has_timed_out "timeout";
    two_exclusive_claims_that_overlap_are_a_double_booking "double-booking";
    a_lease_that_is_over_is_no_double_booking "trap-double-booking-lease-over";
    two_live_tasks_with_one_key_are_duplicate_work "duplicate-work";
    an_item_that_cannot_be_used_is_a_violation "schema-violation";
    a_pool_with_nothing_left_is_exhausted "quota-exhausted";
    an_old_ownership_document_is_due_for_review "review-due";
    trying_again_and_again_is_a_storm "retry-storm";
    beginning_before_the_dependency_is_completed_is_a_violation "sequence-violation";
    a_dependency_completed_in_time_and_heard_of_later_is_none "trap-sequence-poll-order";
    tasks_that_wait_for_each_other_are_in_a_deadlock "deadlock";
    two_values_for_one_key_diverge "context-divergence";
    a_pool_that_runs_out_before_its_reset_is_under_pressure "quota-pressure";
    an_agent_that_joins_too_early_is_told "readiness";
    going_on_from_an_old_version_is_told "stale-read";
    writing_what_another_owns_is_a_conflict "write-conflict";
    two_live_tasks_on_one_output_collide "output-collision";
    what_no_rule_covers_is_unowned "unowned-resource";
    writing_outside_what_was_declared_is_an_overreach "scope-overreach";
}

/// The small ones, a clause each: their `about` says which.
#[test]
#[allow(clippy::disallowed_methods)] // the rules read no files; this test reads its examples
fn every_clause_is_told_as_its_example_says() {
    let files = std::fs::read_dir("../../../tests/fixtures/scenarios/clauses").unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let (mut run, mut wrong) = (0, vec![]);
    for lines in files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "jsonl"))
    {
        let name = lines.file_stem().unwrap().to_string_lossy().into_owned();
        let expectations = std::fs::read_to_string(lines.with_extension("expect.json")).unwrap();
        let text = std::fs::read_to_string(lines).unwrap();
        run += 1;
        if std::panic::catch_unwind(|| check(&name, &text, &expectations)).is_err() {
            wrong.push(name);
        }
    }
    assert!(run > 100 && wrong.is_empty(), "of {run} wrong: {wrong:#?}");
}

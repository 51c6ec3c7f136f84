//! Every way out that a rule offers leads somewhere: to steps, or to a sentence that says why there is nothing to do.

// All of it is a test, and the stories it reads are files.
#![allow(clippy::expect_used, clippy::disallowed_methods)]

use std::fs;

use domain::{
    fact::{Fact, read_line},
    finding::{Finding, FindingState},
    ids::TaskRef,
    ownership::Ownership,
    remedy::{Asks, Choice, Plan, Scene, Step, TaskNow, plan},
    replay::replay,
    time::Time,
};

fn scenarios() -> Vec<(String, Vec<String>)> {
    let mut files: Vec<_> = fs::read_dir("../../../tests/fixtures/scenarios")
        .expect("the scenarios")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("it can be read");
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, text.lines().map(str::to_owned).collect())
        })
        .collect()
}

fn rules(lines: &[String]) -> Ownership {
    match read_line(1, &lines[0]).expect("it can be read") {
        Some(line) => match line.fact {
            Fact::Config(config) => config.ownership,
            _ => Ownership::default(),
        },
        None => Ownership::default(),
    }
}

/// The finding's tasks, all running, the first the oldest.
fn tasks(finding: &Finding) -> Vec<TaskNow> {
    let tasks = finding.tasks.iter().enumerate();
    tasks
        .map(|(index, name)| {
            let (endpoint, task) = name.split_once('/').expect("endpoint/task");
            TaskNow {
                task: TaskRef {
                    endpoint: endpoint.into(),
                    task: task.into(),
                },
                agent: finding.agents[index % finding.agents.len()].clone(),
                title: task.to_owned(),
                live: true,
                cancels: true,
                since: Time::from_timestamp(i64::try_from(index).expect("few"), 0),
                next_stage: None,
            }
        })
        .collect()
}

fn planned(finding: &Finding, rules: &Ownership, resolution: &str) -> Result<Plan, String> {
    let tasks = tasks(finding);
    let scene = Scene {
        finding,
        rules,
        tasks: &tasks,
        witnesses: &[],
        fleet: &[],
        reset_at: None,
        users: &[],
        now: finding.at,
    };
    plan(scene, resolution, &Choice::default())
}

#[test]
fn every_way_out_of_every_finding_does_something_or_says_why_not() {
    let mut seen = 0;
    for (name, lines) in scenarios() {
        let rules = rules(&lines);
        for finding in replay(&lines).expect("it can be replayed") {
            if finding.state == FindingState::Cleared {
                continue;
            }
            assert!(!finding.resolutions.is_empty(), "{name}: {}", finding.rule);
            for resolution in &finding.resolutions {
                let made = planned(&finding, &rules, &resolution.id);
                let context = format!("{name}: {} {}", finding.rule, resolution.id);
                match made {
                    Ok(plan) => {
                        assert!(!plan.steps.is_empty(), "{context}");
                        for step in &plan.steps {
                            if let Step::Tell { agent, text } = step {
                                assert!(
                                    !agent.is_empty() && text.ends_with('.'),
                                    "{context}: {text}"
                                );
                            }
                        }
                    }
                    Err(why) => assert!(
                        why.ends_with('.') && !why.starts_with("There is no such"),
                        "{context}: {why}"
                    ),
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn rules_that_a_way_out_changes_have_one_owner_afterwards() {
    let mut changed = 0;
    for (name, lines) in scenarios() {
        let rules = rules(&lines);
        for finding in replay(&lines).expect("it can be replayed") {
            for resolution in &finding.resolutions {
                let Ok(plan) = planned(&finding, &rules, &resolution.id) else {
                    continue;
                };
                for step in plan.steps {
                    let Step::Rules(edits) = step else { continue };
                    let mut after = rules.clone();
                    for edit in &edits {
                        after = edit
                            .apply(&after)
                            .unwrap_or_else(|error| panic!("{name}: {error}"));
                    }
                    let issues = |rules: &Ownership| {
                        let known = domain::ownership::lint::Known {
                            agents: vec![],
                            usage: None,
                        };
                        domain::ownership::lint::blocking(&domain::ownership::lint::lint(
                            rules, &known,
                        ))
                    };
                    assert!(
                        issues(&after) <= issues(&rules),
                        "{name}: {}",
                        resolution.id
                    );
                    changed += 1;
                }
            }
        }
    }
    assert!(changed > 5, "{changed}");
}

/// Two agents that took one event: the rules in force, and what was found.
fn collision() -> (Ownership, Finding) {
    let (_, lines) = scenarios()
        .into_iter()
        .find(|(name, _)| name == "trigger-collision")
        .expect("the scenario");
    let rules = rules(&lines);
    let finding = replay(&lines)
        .expect("it can be replayed")
        .into_iter()
        .find(|finding| finding.rule == "trigger-collision")
        .expect("found");
    (rules, finding)
}

#[test]
fn cancelling_leaves_the_owner_or_the_oldest_at_work() {
    let (rules, finding) = collision();
    let plan = planned(&finding, &rules, "owner-keeps").expect("two tasks run");
    assert_eq!(plan.asks, Asks::Nothing);
    let cancelled: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Cancel(_)))
        .collect();
    assert_eq!(cancelled.len(), 1, "{plan:?}");
    assert_eq!(plan.steps.last(), Some(&Step::Settle));
}

#[test]
fn a_task_whose_endpoint_takes_no_request_to_cancel_is_stopped_by_a_text_to_its_agent() {
    let (rules, finding) = collision();
    let mut tasks = tasks(&finding);
    tasks.iter_mut().for_each(|task| task.cancels = false);
    let scene = Scene {
        finding: &finding,
        rules: &rules,
        tasks: &tasks,
        witnesses: &[],
        fleet: &[],
        reset_at: None,
        users: &[],
        now: finding.at,
    };
    let plan = plan(scene, "owner-keeps", &Choice::default()).expect("two tasks run");
    match plan.steps.as_slice() {
        [Step::Tell { text, .. }, Step::Settle] => {
            assert!(
                text.starts_with("Stop \"") && text.ends_with("report it as canceled."),
                "{text}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_nobody_is_seen_to_use_holds_nobody_and_still_may_be_raised() {
    let lines = r#"{"at": "2026-11-02T10:00:00Z", "endpoint": "hub", "status": {"schemaVersion": "1.0", "snapshot": false, "agent": {"id": "hub", "name": "Hub", "status": "online", "limitsOnly": true}, "quotas": [{"pool": {"provider": "hub"}, "observedAt": "2026-11-02T10:00:00Z", "windows": [{"name": "core", "limit": 5000, "remaining": 0, "resetAt": "2026-11-02T11:00:00Z"}]}]}}"#;
    let mut found = replay(lines.lines()).unwrap();
    let mut finding = found.remove(0);
    assert_eq!(finding.rule, "quota-exhausted");
    let refused = planned(&finding, &Ownership::default(), "hold-all").unwrap_err();
    assert_eq!(refused, "No agent is known that uses it.");
    finding.rule = "quota-pressure".into();
    for resolution in ["hold-largest", "stagger"] {
        let refused = planned(&finding, &Ownership::default(), resolution).unwrap_err();
        assert_eq!(refused, "No agent is known that uses it.");
    }
    planned(&finding, &Ownership::default(), "raise").unwrap();
}

//! No screen asks for what only a walk through a whole table finds: every statement of the readers is explained by
//! SQLite itself. Statements are noted as they are prepared, so that the ones looked at are the ones used.

use std::{collections::BTreeSet, sync::Mutex};

use chrono::DateTime;
use domain::{
    change::{EscalationPhase, EscalationRecord},
    contract::{Artifact, Claim, ContextEntry, Handoff, Schedule},
    ids::{AgentRef, EndpointId, TaskRef},
};

use crate::{
    Store,
    tables::{
        accesses, agents, artifacts, attempts, audit, audited, context, dead_letters, decisions,
        endpoints, escalations, facts, findings, groups, health, moments, overtaken, ownership,
        quota, records, schemas, settings, snapshots, starts, tasks, texts,
    },
};

static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes a statement.
pub(crate) fn note(sql: &str) {
    ASKED.lock().unwrap().insert(sql.to_owned());
}

/// Tables with as many rows as there are columns of a board, endpoints, agents or windows of a limit, whatever happens.
const SMALL: &[&str] = &[
    "board_counts",
    "endpoints",
    "agents",
    "quota_windows",
    "ownership_versions",
    // As many as agents are named in the rules.
    "ownership_pins",
    // As many as the person gives.
    "schemas",
    // The two newest.
    "snapshots",
    // Not a table: what indexes found of one event and one resource.
    "acts",
    // Neither: the latest live tasks, their resources, and the tasks of one resource.
    "live",
    "shown",
    "touched",
    // Nor this: the tasks that name one.
    "waiting",
];

/// Pieces of names can only be found by looking at all names; asked for when the person types, never by a tick.
const SEARCHED: &[&str] = &["title LIKE ?1", "instr(lower(resource)"];

/// Whole on purpose: what an export, a check or the ownership matrix reads is all there is, row by row.
const WHOLE: &[&str] = &["FROM accesses_seen ORDER BY", "FROM audit ORDER BY seq"];

#[test]
fn every_question_of_a_screen_is_answered_from_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let store = Store::open(dir.path(), now).unwrap();
    let endpoint = EndpointId::from("e");
    let agent = AgentRef {
        endpoint: endpoint.clone(),
        agent: "a".into(),
    };
    let task = TaskRef {
        endpoint: endpoint.clone(),
        task: "t".into(),
    };
    let question = EscalationRecord {
        agent: agent.clone(),
        value: serde_json::from_str(
            r#"{"id":"x","version":"1","taskId":"t","kind":"approval","title":"","message":"",
                "proposedAction":{"name":"send","target":"output:mail"},"status":"pending"}"#,
        )
        .unwrap(),
        raw: "{}".into(),
        action_raw: None,
        line: 1,
        created_at: now,
        due_at: now,
        fallback: "hold".into(),
        edition: 0,
        phase: EscalationPhase::Pending,
    };
    store
        .read(|r| {
            accesses::seen(r)?;
            accesses::of_task(r, &task, 5)?;
            accesses::between(r, now, now, 5)?;
            accesses::search(r, "x", 5)?;
            accesses::readers_of(r, "x", 5)?;
            artifacts::of_task(r, &task)?;
            artifacts::get(r, &endpoint, "x", "x")?;
            context::documents(r)?;
            context::entries(r, "x", 5)?;
            context::reads(r, "x")?;
            attempts::of_task(r, &task)?;
            agents::list(r)?;
            agents::of(r, &endpoint)?;
            agents::get(r, &agent)?;
            audit::end(r)?;
            audited::stopped(r, now)?;
            audit::of_subject(r, "x")?;
            dead_letters::list(r, None)?;
            dead_letters::list(r, Some(&endpoint))?;
            dead_letters::count(r, &endpoint)?;
            dead_letters::count_all(r)?;
            dead_letters::get(r, &endpoint, "tasks", "x")?;
            dead_letters::attempts(r, &endpoint, "tasks", "x")?;
            decisions::get(r, &"d".into())?;
            decisions::of_escalation(r, &endpoint, &"x".into())?;
            decisions::outbox(r)?;
            decisions::latest(r, 5)?;
            decisions::since(r, now)?;
            decisions::between(r, now, now, 5)?;
            decisions::undoable(r, now)?;
            decisions::unseen_alterations(r)?;
            decisions::listed_on(r)?;
            decisions::of_edition(r, &question)?;
            decisions::before_edition(r, &question)?;
            decisions::refused_at(r, &question)?;
            endpoints::list(r)?;
            endpoints::get(r, &endpoint)?;
            escalations::get(r, &endpoint, &"x".into())?;
            escalations::pending(r)?;
            overtaken::overtaking(r, &question)?;
            escalations::count_pending(r)?;
            escalations::of_task(r, "e", "t")?;
            escalations::next_expiry(r)?;
            escalations::next_lapse(r)?;
            escalations::lapsed(r, now)?;
            facts::end(r)?;
            facts::each(r, 5, |_| Ok(()))?;
            facts::get(r, 1)?;
            facts::last_status(r, &endpoint)?;
            findings::get(r, "x")?;
            findings::open(r)?;
            findings::open_about(r, "x", "x")?;
            findings::cleared_since(r, now)?;
            findings::during(r, now, now, 5)?;
            findings::rules_of_task(r, "e/t")?;
            findings::count_open(r, &["stall"])?;
            findings::oldest_open(r, &["stall"])?;
            health::get(r, &endpoint)?;
            health::slots(r, &endpoint, now, 24)?;
            moments::between(r, now, now, 5)?;
            moments::before(r, moments::MomentKind::Task, &endpoint, "t", now)?;
            moments::ends(r)?;
            moments::turning(r, now, 5)?;
            ownership::current(r)?;
            ownership::version(r, 1)?;
            ownership::versions(r, 5)?;
            ownership::draft(r)?;
            ownership::pins(r)?;
            quota::windows(r)?;
            quota::samples(r, "p", "w", now)?;
            records::get::<Claim>(r, &endpoint, "c")?;
            records::list::<Claim>(r)?;
            records::list::<Schedule>(r)?;
            records::list::<ContextEntry>(r)?;
            records::of_endpoint::<Handoff>(r, &endpoint)?;
            records::of_task::<Artifact>(r, &task)?;
            records::of_task::<Handoff>(r, &task)?;
            schemas::list(r)?;
            schemas::get(r, "x")?;
            schemas::uses(r)?;
            settings::get::<u64>(r, "x")?;
            snapshots::usable(r, "x")?;
            snapshots::get(r, 1)?;
            starts::of_agent(r, &agent)?;
            accesses::last_taken(r, &agent, "x")?;
            tasks::get(r, &task)?;
            tasks::counts(r)?;
            tasks::load(r, &agent)?;
            tasks::standing(r, now)?;
            tasks::blocked_by(r, &task, 5)?;
            tasks::children(r, &task, 5)?;
            audit::last_of(r, "x", "x")?;
            tasks::search(r, "x", 5)?;
            texts::search(r, "x y", "", 5)?;
            texts::search(r, "x", "task", 5)?;
            tasks::count_of(r, "e")?;
            for (filter, problems_only) in [("", false), ("x", false), ("", true)] {
                let wanted = tasks::Wanted {
                    filter,
                    problems_only,
                };
                tasks::count(r, "running", wanted)?;
                tasks::page(r, "running", wanted, 0, 40)?;
                for by in [
                    groups::By::Agent,
                    groups::By::Workflow,
                    groups::By::Resource,
                ] {
                    groups::groups(r, by, wanted)?;
                    groups::page(r, by, "a/b", wanted, 0, 40)?;
                }
            }
            Ok(())
        })
        .unwrap();
    let asked = ASKED.lock().unwrap().clone();
    assert!(
        asked.len() > 40,
        "only {} statements were noted",
        asked.len()
    );
    let walks: Vec<_> = store
        .read(|r| {
            let mut walks = vec![];
            for sql in &asked {
                let mut plan = r.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let steps = plan.raw_query().mapped(|row| row.get::<_, String>(3));
                let steps = steps.collect::<Result<Vec<_>, _>>()?;
                let spared = SEARCHED.iter().chain(WHOLE).any(|part| sql.contains(part));
                let walk = steps.iter().any(|step| {
                    let table = step
                        .strip_prefix("SCAN ")
                        .map(|rest| rest.split(' ').next());
                    table.is_some_and(|table| {
                        !SMALL.contains(&table.unwrap_or_default())
                            && !step.contains("USING INDEX")
                            && !step.contains("USING COVERING INDEX")
                            && !step.contains("VIRTUAL TABLE")
                            && !sql.contains("ORDER BY seq DESC LIMIT 1")
                    })
                });
                if walk && !spared {
                    walks.push(format!("{sql}\n  {}", steps.join("\n  ")));
                }
            }
            Ok(walks)
        })
        .unwrap();
    assert!(walks.is_empty(), "{}", walks.join("\n"));
}

//! `schema-violation`: something an agent published could not be used.
//!
//! Unknown members never count; the last good state of the item stands.

use crate::{
    fleet::{
        slots::{Said, Verdict},
        storms::task_of,
        world::World,
    },
    ids::{EndpointId, TaskRef},
};

pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("send-back", "Send it back with the errors"),
    ("accept-once", "Accept it once"),
    ("edit", "Edit it"),
];

pub(crate) fn check(world: &World, key: &(EndpointId, String, String), said: &mut Said) {
    let Some(dead) = world.dead.get(key) else {
        return;
    };
    let (endpoint, list, item) = key;
    let agent = &dead.seen.agent.agent;
    let what = match list.as_str() {
        "tasks" => "a task",
        "accesses" => "an access",
        "claims" => "a claim",
        "handoffs" => "a handoff",
        "artifacts" => "an artifact",
        "context" => "a context entry",
        "quotas" => "a limit",
        "escalations" => "a question",
        "schedules" => "a schedule",
        "ownership" => "declared needs",
        "agent" => "a description of itself",
        _ => "a document",
    };
    let misfit = dead.problems.iter().all(|p| p.code == "schema");
    let mut verdict = Verdict::new("schema-violation", format!("{endpoint}/{list}/{item}"))
        .seen(&dead.seen)
        .says(if misfit {
            format!("{agent} published {what} that does not fit its schema.")
        } else {
            format!("{agent} published {what} that cannot be used.")
        })
        .offers(RESOLUTIONS);
    let named = dead.problems.iter().any(|p| p.item.is_some());
    if list == "tasks" && named {
        verdict = verdict.task(&TaskRef {
            endpoint: endpoint.clone(),
            task: item.as_str().into(),
        });
    }
    // The task it says it belongs to, however bad the rest of it is; and the one that what stands of it belongs to: the
    // letter carries both, so that whoever waits for either finds it.
    let stands = || {
        let artifact = world.artifacts.get(&(endpoint.clone(), item.clone()))?;
        artifact.value.task_id.as_ref().map(ToString::to_string)
    };
    let tasks = match list.as_str() {
        "tasks" => [None, None],
        "artifacts" => [task_of(&dead.seen.raw), stands()],
        _ => [task_of(&dead.seen.raw), None],
    };
    for task in tasks.into_iter().flatten() {
        verdict = verdict.task(&TaskRef {
            endpoint: endpoint.clone(),
            task: task.as_str().into(),
        });
    }
    verdict.needs_tasks = false;
    // What the person settled was these bytes; other ones are refused again.
    verdict.act = dead.seen.evidence.line;
    said.push(verdict);
}

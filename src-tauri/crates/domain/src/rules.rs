//! The rules, one file each. Each looks at the fleet and says what is wrong now; episodes are `fleet/slots.rs`'s matter.

mod context_divergence;
mod deadlock;
pub(crate) mod double_booking;
mod duplicate_work;
mod endpoint_stale;
mod escalation_overdue;
mod lives;
mod output_collision;
mod overlaps;
mod overload;
mod quota_exhausted;
pub(crate) mod quota_pressure;
mod readiness;
mod retry_storm;
mod review_due;
mod schema_violation;
mod scope_overreach;
mod sequence_violation;
pub(crate) mod silent_completion;
mod stale_read;
mod stall;
mod timeout;
mod trigger_collision;
mod unowned_resource;
mod write_conflict;

use crate::fleet::{
    slots::{Said, Subject},
    world::World,
};

/// Every list of ways out that a finding may have, in words.
pub(crate) const OFFERS: &[&[(&str, &str)]] = &[
    &[],
    context_divergence::RESOLUTIONS,
    deadlock::WITHOUT,
    deadlock::WITH_CLAIM,
    double_booking::RESOLUTIONS,
    duplicate_work::RESOLUTIONS,
    endpoint_stale::OFFLINE,
    endpoint_stale::RESOLUTIONS,
    escalation_overdue::RESOLUTIONS,
    output_collision::RESOLUTIONS,
    overload::RESOLUTIONS,
    quota_exhausted::RESOLUTIONS,
    quota_pressure::RESOLUTIONS,
    quota_pressure::TOGETHER,
    readiness::RESOLUTIONS,
    retry_storm::RESOLUTIONS,
    review_due::RESOLUTIONS,
    schema_violation::RESOLUTIONS,
    scope_overreach::RESOLUTIONS,
    scope_overreach::UNDECLARED,
    sequence_violation::RESOLUTIONS,
    sequence_violation::UNKNOWN,
    silent_completion::RESOLUTIONS,
    stale_read::RESOLUTIONS,
    stall::RESOLUTIONS,
    timeout::RESOLUTIONS,
    trigger_collision::RESOLUTIONS,
    unowned_resource::RESOLUTIONS,
    write_conflict::RESOLUTIONS,
];

/// What all rules say about one subject now.
pub(crate) fn check(world: &World, subject: &Subject) -> Said {
    let mut said = Said::default();
    match subject {
        Subject::Reach => endpoint_stale::check(world, &mut said),
        Subject::Waits => deadlock::check(world, &mut said),
        Subject::Said(document, key) => {
            context_divergence::said(world, document, key, &mut said);
        }
        Subject::Readers(document) => context_divergence::readers(world, document, &mut said),
        Subject::Replies(endpoint) => overload::endpoint(world, endpoint, &mut said),
        Subject::Readiness => readiness::check(world, &mut said),
        Subject::Overlaps => overlaps::check(world, &mut said),
        Subject::Reading(task) => stale_read::check(world, task, &mut said),
        Subject::Review => review_due::check(world, &mut said),
        Subject::Item(endpoint, list, item) => {
            let key = (endpoint.clone(), list.clone(), item.clone());
            schema_violation::check(world, &key, &mut said);
        }
        Subject::Pool(pool) => {
            overload::pool(world, pool, &mut said);
            quota_exhausted::check(world, pool, &mut said);
            quota_pressure::check(world, pool, &mut said);
        }
        Subject::Task(task) => {
            if let Some(entry) = world.tasks.get(task) {
                sequence_violation::task(world, task, entry, &mut said);
                silent_completion::task(world, task, entry, &mut said);
                stall::check(world, task, entry, &mut said);
                timeout::check(world, task, entry, &mut said);
                duplicate_work::restart(task, entry, &mut said);
            }
        }
        Subject::Resource(resource) => {
            if let Some(touched) = world.touched.get(resource) {
                unowned_resource::check(resource, touched, &mut said);
                write_conflict::check(world, resource, touched, &mut said);
                output_collision::check(world, resource, touched, &mut said);
                sequence_violation::resource(world, resource, touched, &mut said);
                scope_overreach::check(world, resource, touched, &mut said);
            }
        }
        Subject::Agent(agent) => scope_overreach::undeclared(world, agent, &mut said),
        Subject::Work(key) => duplicate_work::check(world, key, &mut said),
        Subject::Event(resource, event) => {
            trigger_collision::check(world, resource, event, &mut said);
        }
        Subject::Claims(a, b) => double_booking::check(world, a, b, &mut said),
        Subject::Handoff(endpoint, id) => {
            silent_completion::handoff(world, endpoint, id, &mut said);
        }
        Subject::Storm(key) => retry_storm::check(world, key, &mut said),
        Subject::Escalation(endpoint, id) => {
            escalation_overdue::check(world, endpoint, id, &mut said);
        }
    }
    said
}

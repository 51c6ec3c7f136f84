//! `output-collision`: two agents write to one output while both are at work and no sequence covers them.
//!
//! Intervals that only touch are no collision.

use super::lives::overlap;
use crate::{
    fleet::{
        slots::{Said, Verdict},
        world::{Touched, World},
    },
    ids::Resource,
};

const RULE: &str = "output-collision";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("sequence", "Put them in a sequence"),
    ("one-owner", "Give the output one owner"),
];

pub(crate) fn check(world: &World, resource: &Resource, touched: &Touched, said: &mut Said) {
    if !resource.as_str().starts_with("output:") {
        return;
    }
    let writes: Vec<_> = touched
        .writes
        .iter()
        .filter_map(|(_, key)| world.accesses.get(key))
        .collect();
    for (index, later) in writes.iter().enumerate() {
        for first in writes.iter().take(index) {
            let (a, b) = (&first.seen.agent, &later.seen.agent);
            if a == b
                || world.in_sequence(resource.as_str(), a, b)
                || !overlap(world, first, later, said)
            {
                continue;
            }
            said.push(
                Verdict::new(RULE, resource.as_str())
                    .of(&first.seen, first.value.task_id.as_ref())
                    .of(&later.seen, later.value.task_id.as_ref())
                    .resource(resource)
                    .says(format!(
                        "{} and {} wrote to {resource} while both were at work.",
                        a.agent, b.agent
                    ))
                    .offers(RESOLUTIONS)
                    .happened(),
            );
        }
    }
}

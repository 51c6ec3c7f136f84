//! `review-due`: nobody has looked at the ownership document for a long time.

use chrono::TimeDelta;

use crate::{
    finding::Evidence,
    fleet::{
        slots::{Said, Verdict},
        world::World,
    },
};

pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[("mark-reviewed", "Mark as reviewed")];

pub(crate) fn check(world: &World, said: &mut Said) {
    let Some(from) = world.rules.reviewed_at.or(world.began) else {
        return;
    };
    let days = world.settings.review_every_days;
    let due = from + TimeDelta::days(i64::from(days));
    if world.now < due {
        said.due(due);
        return;
    }
    let (line, pointer) = world.reviewed;
    let mut verdict = Verdict::new("review-due", "ownership")
        .evidence(&Evidence {
            line,
            pointer: pointer.into(),
        })
        .says(format!(
            "Who owns what has not been reviewed for {days} days."
        ))
        .offers(RESOLUTIONS);
    verdict.whoever = true;
    said.push(verdict);
}

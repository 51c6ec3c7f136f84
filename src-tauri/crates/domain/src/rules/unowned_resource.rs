//! `unowned-resource`: something is written and no rule covers it: info, and warning once two agents have written it.
//!
//! What agents declare they need is no rule. Triggers are not meant.

use crate::{
    contract::AccessMode,
    finding::Severity,
    fleet::{
        accesses::Touched,
        slots::{Said, Verdict},
    },
    ids::Resource,
};

pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("assign-writer", "Assign it to the writer"),
    ("assign", "Assign it to another agent"),
];

pub(crate) fn check(resource: &Resource, touched: &Touched, said: &mut Said) {
    if resource.as_str().starts_with("trigger:") || !touched.covered.is_empty() {
        return;
    }
    let writers = touched.writers.iter().map(|writer| &writer.first);
    let writers: Vec<_> = writers
        .filter(|w| w.value.mode == AccessMode::Write)
        .collect();
    if writers.is_empty() {
        return;
    }
    let several = writers.len() > 1;
    let name = resource.brief();
    let mut verdict = Verdict::new("unowned-resource", resource)
        .severity(if several {
            Severity::Warning
        } else {
            Severity::Info
        })
        .resource(resource)
        .says(if several {
            format!("Several agents write {name}, and no rule says whose it is.")
        } else {
            format!("No rule says whose {name} is.")
        })
        .offers(RESOLUTIONS);
    verdict.whoever = true;
    verdict.needs_tasks = false;
    for write in writers {
        verdict = verdict.of(&write.seen, write.value.task_id.as_ref());
    }
    said.push(verdict);
}

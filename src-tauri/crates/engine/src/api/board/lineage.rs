//! What a task comes from and leads to: who caused it, what it waits for, whom it was handed to, and what was asked of it.

use domain::{
    change::TaskRecord,
    contract::{Handoff, TaskState},
    ids::TaskRef,
    lineage::named,
    ownership::Ownership,
    time::Time,
};
use store::{
    Result,
    tables::{audit, records, tasks},
};

use crate::api::{
    views::{RelatedView, SignalView, TaskLink},
    wording::{Glance, agent_text, plain},
};

/// Names of a card.
const NAMED: usize = 3;
/// Tasks listed of one relation.
const LISTED: u32 = 30;

/// Since when a live task is asked to stop; a refusal ends it.
pub(super) fn asked_at(glance: Glance<'_>, task: &TaskRef) -> Result<Option<Time>> {
    let subject = task.to_string();
    let asked = audit::last_of(glance.reader, &subject, "cancel-asked")?;
    let refused = audit::last_of(glance.reader, &subject, "cancel-refused")?;
    Ok(asked.filter(|asked| refused.is_none_or(|refused| refused < *asked)))
}

/// What is not completed of what a task comes after.
pub(super) fn after(glance: Glance<'_>, record: &TaskRecord) -> Result<Vec<String>> {
    let mut open = vec![];
    for reference in &record.value.depends_on {
        let found = find(glance, &record.task, reference)?;
        let done = |row: &tasks::TaskRow| row.record.value.status.state == TaskState::Completed;
        if !found.as_ref().is_some_and(done) && open.len() < NAMED {
            open.push(plain(reference));
        }
    }
    Ok(open)
}

/// Whom it was handed to last, or the stage it goes on to.
pub(super) fn goes_to(glance: Glance<'_>, record: &TaskRecord) -> Result<Option<String>> {
    let given = records::of_task::<Handoff>(glance.reader, &record.task)?;
    let last = given.last().map(|handoff| handoff.value.to.as_str());
    let to = last.or(record.value.next_stage.as_deref());
    Ok(to.map(plain))
}

fn find(glance: Glance<'_>, from: &TaskRef, reference: &str) -> Result<Option<tasks::TaskRow>> {
    for name in named(from, reference) {
        if let Some(row) = tasks::get(glance.reader, &name)? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

/// Up and down its line.
pub(super) fn related(glance: Glance<'_>, record: &TaskRecord) -> Result<Vec<RelatedView>> {
    let mut all = vec![];
    let named = |relation: &str, reference: &str, row: Option<tasks::TaskRow>| RelatedView {
        relation: relation.to_owned(),
        name: plain(reference),
        agent: row.as_ref().map(|row| row.record.agent.clone()),
        state: row.as_ref().map(|row| row.record.value.status.state),
        task: row.map(|row| TaskLink {
            endpoint: row.record.task.endpoint,
            task: row.record.task.task.as_str().to_owned(),
            title: agent_text(&row.record.value.title),
        }),
    };
    if let Some(parent) = &record.value.parent_id {
        all.push(named("parent", parent, find(glance, &record.task, parent)?));
    }
    for reference in record.value.depends_on.iter().take(LISTED as usize) {
        let row = find(glance, &record.task, reference)?;
        all.push(named("comes-after", reference, row));
    }
    for (relation, rows) in [
        (
            "child",
            tasks::children(glance.reader, &record.task, LISTED)?,
        ),
        (
            "comes-before",
            tasks::blocked_by(glance.reader, &record.task, LISTED)?,
        ),
    ] {
        for row in rows {
            let name = row.record.task.task.to_string();
            all.push(named(relation, &name, Some(row)));
        }
    }
    Ok(all)
}

/// The handoffs it gave, with the agent of the stage they went to.
pub(super) fn signals(
    glance: Glance<'_>,
    rules: &Option<Ownership>,
    record: &TaskRecord,
) -> Result<Vec<SignalView>> {
    let given = records::of_task::<Handoff>(glance.reader, &record.task)?;
    let stage = |to: &str| {
        let stages = rules.as_ref().map(|rules| rules.stages.as_slice());
        let stage = stages
            .unwrap_or_default()
            .iter()
            .find(|stage| stage.name == to);
        stage.map(|stage| plain(&stage.agent))
    };
    Ok(given
        .into_iter()
        .map(|handoff| SignalView {
            to: plain(&handoff.value.to),
            agent: stage(&handoff.value.to),
            at: handoff.value.emitted_at.unwrap_or(handoff.at),
            due_at: handoff.value.due_at,
            taken_at: handoff.value.acknowledged_at,
            taken_by: handoff.value.acknowledged_by.as_deref().map(plain),
        })
        .collect())
}

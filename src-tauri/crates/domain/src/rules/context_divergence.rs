//! `context-divergence`: two agents work from what does not fit together: they say different things of one key, or one
//! has not read what was decided.
//!
//! What is superseded no longer counts, and an author has read what it wrote: that it missed its own entry is nothing.
//! It is not ahead of the others by it either: they could not have read it before it was there, and how far somebody has
//! read is what `contextRefs` say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::lives::latest_of_each;
use crate::{
    contract::ContextEntry,
    fleet::{
        slots::{Said, Verdict},
        world::{Entry, TaskEntry, World},
    },
    ids::{AgentRef, DocumentId, TaskRef},
};

const RULE: &str = "context-divergence";
pub(crate) const RESOLUTIONS: &[(&str, &str)] = &[
    ("adopt-first", "Adopt the first"),
    ("adopt-second", "Adopt the second"),
    ("reconcile", "Write the reconciling entry"),
];

/// Different values for one key.
pub(crate) fn said(world: &World, document: &DocumentId, key: &str, said: &mut Said) {
    let about = (document.clone(), key.to_owned());
    let numbers = world.said_about.get(&about).into_iter().flatten();
    let entries: Vec<_> = numbers
        .map(|seq| (document.clone(), *seq))
        .filter(|place| !world.superseded.contains(place))
        .filter_map(|place| world.context.get(&place)?.first())
        .collect();
    // Of each agent its first word and the first that differs from it: whatever another says differs from one of them,
    // if it differs from anything. And two agents differ once.
    let mut before: BTreeMap<&AgentRef, (&Entry<ContextEntry>, Option<&Entry<ContextEntry>>)> =
        BTreeMap::new();
    let mut told = BTreeSet::new();
    for later in entries {
        let Some(b) = &later.value.value else {
            continue;
        };
        let two = &later.seen.agent;
        for (one, (first, other)) in &before {
            let differs = |entry: &&&Entry<ContextEntry>| {
                entry.value.value.as_ref().is_some_and(|a| !same(a, b))
            };
            let found = [Some(first), other.as_ref()]
                .into_iter()
                .flatten()
                .find(differs);
            let Some(first) = found.filter(|_| *one != two) else {
                continue;
            };
            if !told.insert((two.min(one), two.max(one))) {
                continue;
            }
            let [one, two] = one.names(two);
            said.push(
                Verdict::new(RULE, format!("{document} {key}"))
                    .seen(&first.seen)
                    .seen(&later.seen)
                    .says(format!(
                        "{one} and {two} say different things about {key} in {document}."
                    ))
                    .offers(RESOLUTIONS),
            );
        }
        match before.get_mut(two) {
            None => {
                before.insert(two, (later, None));
            }
            Some((first, other @ None)) => {
                let known = first.value.value.as_ref();
                *other = known.is_none_or(|a| !same(a, b)).then_some(later);
            }
            Some(_) => {}
        }
    }
}

/// 1 and 1.0 are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

/// Live tasks of one context that have read differently far.
pub(crate) fn readers(world: &World, document: &DocumentId, said: &mut Said) {
    let readers = world.readers.get(document).into_iter().flatten();
    let readers = readers.filter_map(|task| Some((task, world.tasks.get(task)?.as_ref())));
    let readers = latest_of_each(readers, |entry| entry.read_since);
    let readers: Vec<_> = readers
        .into_iter()
        .filter_map(|(task, entry)| {
            let seq = world.read_up_to(&entry.value, document)?;
            Some((seq, task, entry))
        })
        .collect();
    for (index, one) in readers.iter().enumerate() {
        for two in readers.iter().take(index) {
            let (behind, ahead) = if one.0 < two.0 {
                (one, two)
            } else {
                (two, one)
            };
            let belong = together(one.2, two.2)
                || hands_over(world, one.1, one.2, two.2)
                || hands_over(world, two.1, two.2, one.2);
            if behind.0 < ahead.0 && belong {
                pair(world, document, *behind, *ahead, said);
            }
        }
    }
}

fn together(one: &TaskEntry, two: &TaskEntry) -> bool {
    one.value.context_id.is_some() && one.value.context_id == two.value.context_id
}

/// Is one's work handed, or to be handed, to the agent of the other?
fn hands_over(world: &World, task: &TaskRef, from: &TaskEntry, to: &TaskEntry) -> bool {
    let handoffs = world.handoffs_of.get(task).into_iter().flatten();
    let handoffs = handoffs
        .filter_map(|id| world.handoffs.get(&(task.endpoint.clone(), id.clone())))
        .map(|handoff| handoff.value.to.as_str());
    let mut receivers = handoffs.chain(from.value.next_stage.as_deref());
    receivers.any(|name| {
        let name = world.stage_agent(name).unwrap_or(name);
        from.seen.agent != to.seen.agent && world.is(name, &to.seen.agent)
    })
}

type Reader<'w> = (u64, &'w TaskRef, &'w TaskEntry);

fn pair(
    world: &World,
    document: &DocumentId,
    (seq, task, behind): Reader<'_>,
    (to, other, ahead): Reader<'_>,
    said: &mut Said,
) {
    let missed = world
        .binding(document, seq, to)
        .find(|entry| entry.seen.agent != behind.seen.agent);
    let Some(missed) = missed else {
        return;
    };
    let since = behind.read_since.max(ahead.read_since).max(missed.seen.at);
    let heard = [task, other].map(|task| said.heard_since(world, &task.endpoint, since));
    if heard.contains(&false) {
        return;
    }
    let (a, b) = if task < other {
        (task, other)
    } else {
        (other, task)
    };
    let [knows, knows_not] = ahead.seen.agent.names(&behind.seen.agent);
    said.push(
        Verdict::new(RULE, format!("{document} {a} {b}"))
            .of_task(task, behind)
            .of_task(other, ahead)
            .seen(&missed.seen)
            .says(format!(
                "{knows} has read what was decided in {document}, and {knows_not} has not."
            ))
            .offers(RESOLUTIONS),
    );
}

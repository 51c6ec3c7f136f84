//! Changing an ownership document, one pure edit at a time, and a draft with undo and redo.
//!
//! The gestures (own, read, sequence, clear, transfer) never make a second owner: what would, is refused with a
//! sentence, or takes the narrower rules along. A rule typed in (`AddRule`, `SetRule`) may, and then cannot be saved
//! (`lint.rs`). Saving and versions are not here.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Exception, Ownership, Rule,
    lint::conflict::{Conflict, Parties},
    names,
};
use crate::time::Time;

pub mod draft;

/// One edit. Positions count from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Edit {
    /// The agent is the only writer; who wrote before reads.
    Own { rule: u32, agent: String },
    /// The agent only reads.
    Read { rule: u32, agent: String },
    /// The agent writes too, after the others, one at a time.
    Sequence { rule: u32, agent: String },
    /// The agent has nothing to do with it.
    Clear { rule: u32, agent: String },
    /// The same as `Own`, and only for something that has an owner.
    Transfer { rule: u32, agent: String },
    /// A new rule at the end.
    AddRule { value: Rule },
    /// A rule as typed in.
    SetRule { rule: u32, value: Rule },
    /// Takes a rule away.
    RemoveRule { rule: u32 },
    /// A new exception rule at the end.
    AddException { value: Exception },
    /// An exception rule as typed in.
    SetException { exception: u32, value: Exception },
    /// Takes an exception rule away.
    RemoveException { exception: u32 },
    /// All of it was looked at.
    MarkReviewed { at: Time },
    /// Another document in its place, and where it is from: `import`, `version 3`.
    Replace {
        document: Box<Ownership>,
        from: String,
    },
}

/// Why an edit was not done: a sentence for the person.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct EditError(pub String);

impl Edit {
    /// The document after it; the one given stays as it was.
    pub fn apply(&self, document: &Ownership) -> Result<Ownership, EditError> {
        let mut after = document.clone();
        match self {
            Edit::Own { rule, agent } => own(document, &mut after, *rule, agent)?,
            Edit::Transfer { rule, agent } => {
                if names::writers(get(&after.rules, *rule)?).is_empty() {
                    return Err(EditError(
                        "Nobody owns this yet, so there is nothing to transfer.".into(),
                    ));
                }
                own(document, &mut after, *rule, agent)?;
            }
            Edit::Read { rule, agent } => gesture(document, &mut after, *rule, agent, |rule| {
                remove(rule, agent);
                read(rule, agent);
            })?,
            Edit::Sequence { rule, agent } => {
                gesture(document, &mut after, *rule, agent, |rule| {
                    let mut all: Vec<_> = names::writers(rule)
                        .into_iter()
                        .map(str::to_owned)
                        .collect();
                    if !all.contains(agent) {
                        all.push(agent.clone());
                    }
                    rule.readers.retain(|reader| reader != agent);
                    write(rule, all);
                })?
            }
            Edit::Clear { rule, agent } => gesture(document, &mut after, *rule, agent, |rule| {
                remove(rule, agent)
            })?,
            Edit::AddRule { value } => after.rules.push(typed(value)?),
            Edit::SetRule { rule, value } => *get_mut(&mut after.rules, *rule)? = typed(value)?,
            Edit::RemoveRule { rule } => {
                get(&after.rules, *rule)?;
                after.rules.remove(*rule as usize);
            }
            Edit::AddException { value } => after.exceptions.push(value.clone()),
            Edit::SetException { exception, value } => {
                *get_mut(&mut after.exceptions, *exception)? = value.clone()
            }
            Edit::RemoveException { exception } => {
                get(&after.exceptions, *exception)?;
                after.exceptions.remove(*exception as usize);
            }
            Edit::MarkReviewed { at } => after.reviewed_at = Some(*at),
            Edit::Replace { document, .. } => after = (**document).clone(),
        }
        Ok(after)
    }

    /// What undo would take back, in a few words: `billing owns field:crm/x`.
    pub fn label(&self, document: &Ownership) -> String {
        let resource = |rule: &u32| {
            document
                .rules
                .get(*rule as usize)
                .map_or("a rule", |rule| &rule.resource)
        };
        match self {
            Edit::Own { rule, agent } => format!("{agent} owns {}", resource(rule)),
            Edit::Read { rule, agent } => format!("{agent} reads {}", resource(rule)),
            Edit::Sequence { rule, agent } => format!("{agent} takes turns on {}", resource(rule)),
            Edit::Clear { rule, agent } => format!("{agent} leaves {}", resource(rule)),
            Edit::Transfer { rule, agent } => format!("{} goes to {agent}", resource(rule)),
            Edit::AddRule { value } => format!("new rule {}", value.resource),
            Edit::SetRule { rule, .. } => format!("change of {}", resource(rule)),
            Edit::RemoveRule { rule } => format!("removal of {}", resource(rule)),
            Edit::AddException { .. } => "new exception rule".into(),
            Edit::SetException { .. } => "change of an exception rule".into(),
            Edit::RemoveException { .. } => "removal of an exception rule".into(),
            Edit::MarkReviewed { .. } => "mark as reviewed".into(),
            Edit::Replace { from, .. } => from.clone(),
        }
    }
}

fn gone() -> EditError {
    EditError("This rule is not there any more.".into())
}

fn get<T>(list: &[T], at: u32) -> Result<&T, EditError> {
    list.get(at as usize).ok_or_else(gone)
}

fn get_mut<T>(list: &mut [T], at: u32) -> Result<&mut T, EditError> {
    list.get_mut(at as usize).ok_or_else(gone)
}

/// Takes an agent out of a rule.
fn remove(rule: &mut Rule, agent: &str) {
    rule.readers.retain(|reader| reader != agent);
    if names::writers(rule).contains(&agent) {
        let rest = names::writers(rule)
            .into_iter()
            .filter(|writer| *writer != agent)
            .map(str::to_owned)
            .collect();
        write(rule, rest);
    }
}

fn read(rule: &mut Rule, agent: &str) {
    if !rule.readers.iter().any(|reader| reader == agent) {
        rule.readers.push(agent.to_owned());
    }
}

/// One writer is the owner, more are a sequence; never both.
fn write(rule: &mut Rule, mut writers: Vec<String>) {
    if writers.len() > 1 {
        rule.owner = None;
        rule.sequence = writers;
    } else {
        rule.owner = writers.pop();
        rule.sequence = vec![];
    }
}

/// A typed rule, with blanks around names taken off and a sequence of one as the owner it is.
fn typed(value: &Rule) -> Result<Rule, EditError> {
    let trimmed = |list: &[String]| -> Vec<String> {
        list.iter()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    };
    let maybe = |text: &Option<String>| {
        text.as_deref()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let mut rule = Rule {
        resource: value.resource.trim().to_owned(),
        owner: maybe(&value.owner),
        sequence: trimmed(&value.sequence),
        readers: trimmed(&value.readers),
        purpose: maybe(&value.purpose),
    };
    if rule.resource.is_empty() {
        return Err(EditError(
            "Write what the rule is about, such as field:crm/contact/*#status.".into(),
        ));
    }
    if rule.owner.is_none() && rule.sequence.len() == 1 {
        rule.owner = rule.sequence.pop();
    }
    Ok(rule)
}

/// Changes one rule; refused if that makes a conflict that was not there before.
fn gesture(
    before: &Ownership,
    after: &mut Ownership,
    at: u32,
    agent: &str,
    change: impl FnOnce(&mut Rule),
) -> Result<(), EditError> {
    named(agent)?;
    change(get_mut(&mut after.rules, at)?);
    refuse_new_conflicts(before, after, &[at as usize])
}

fn named(agent: &str) -> Result<(), EditError> {
    if agent.trim().is_empty() || agent.contains('*') {
        return Err(EditError(
            "Say which agent: a name without wildcards.".into(),
        ));
    }
    Ok(())
}

/// Gives a rule, and the narrower rules inside it, to one agent. Who wrote before reads.
fn own(before: &Ownership, after: &mut Ownership, at: u32, agent: &str) -> Result<(), EditError> {
    named(agent)?;
    get(&after.rules, at)?;
    let parties = Parties::new(before, &[]);
    let mut changed = vec![at as usize];
    changed.extend(parties.others(at as usize).into_iter().filter(|other| {
        !names::writers(&before.rules[*other]).is_empty() && parties.covers(at as usize, *other)
    }));
    // What was in conflict before stays as it was: settling it is a choice of its own.
    let settled: Vec<_> = parties
        .of(at as usize, false)
        .iter()
        .map(|found| other(found, at as usize))
        .collect();
    changed.retain(|rule| *rule == at as usize || !settled.contains(rule));
    for rule in &changed {
        let rule = &mut after.rules[*rule];
        let old: Vec<_> = names::writers(rule)
            .into_iter()
            .filter(|old| *old != agent)
            .map(str::to_owned)
            .collect();
        rule.readers.retain(|reader| reader != agent);
        write(rule, vec![agent.to_owned()]);
        for old in old {
            read(rule, &old);
        }
    }
    refuse_new_conflicts(before, after, &changed)
}

fn other(conflict: &Conflict, at: usize) -> usize {
    if conflict.a == at {
        conflict.b
    } else {
        conflict.a
    }
}

fn refuse_new_conflicts(
    before: &Ownership,
    after: &Ownership,
    changed: &[usize],
) -> Result<(), EditError> {
    let (old, new) = (Parties::new(before, &[]), Parties::new(after, &[]));
    for at in changed {
        let known: Vec<_> = old
            .of(*at, false)
            .iter()
            .map(|found| (found.a, found.b))
            .collect();
        let Some(made) = new
            .of(*at, false)
            .into_iter()
            .find(|found| !known.contains(&(found.a, found.b)))
        else {
            continue;
        };
        let wider = &after.rules[other(&made, *at)];
        return Err(EditError(format!(
            "{} has {} too, by the rule {}. Change that rule first.",
            names::writers_phrase(wider),
            made.witness,
            wider.resource
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;

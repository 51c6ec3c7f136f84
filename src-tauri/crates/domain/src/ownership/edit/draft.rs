//! A draft: the document as it is being changed, on the revision it began with, with undo and redo across all of it.
//! Steps are kept as what was cut out and put in, so that a draft stays small enough to be stored after each edit.

use serde::{Deserialize, Serialize};

use super::{Edit, EditError};
use crate::{
    ownership::{Budget, Exception, Ownership, Rule, Stage},
    time::Time,
};

/// More steps than this are forgotten, the oldest first.
const STEPS: usize = 200;

/// An unsaved document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The saved revision it began with.
    pub base_revision: u64,
    /// The document now.
    pub document: Ownership,
    undo: Vec<Step>,
    redo: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    label: String,
    reviewed_at: (Option<Time>, Option<Time>),
    rules: Splice<Rule>,
    exceptions: Splice<Exception>,
    stages: Splice<Stage>,
    budgets: Splice<Budget>,
}

/// At a position, some items stand instead of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Splice<T> {
    at: usize,
    old: Vec<T>,
    new: Vec<T>,
}

impl Draft {
    /// A draft that changes nothing yet.
    pub fn new(base_revision: u64, document: Ownership) -> Self {
        Self {
            base_revision,
            document,
            undo: vec![],
            redo: vec![],
        }
    }

    /// Does an edit. One that changes nothing is no step; what could be redone is forgotten.
    pub fn edit(&mut self, edit: &Edit) -> Result<(), EditError> {
        let after = edit.apply(&self.document)?;
        if after == self.document {
            return Ok(());
        }
        self.undo.push(Step::between(
            edit.label(&self.document),
            &self.document,
            &after,
        ));
        if self.undo.len() > STEPS {
            self.undo.remove(0);
        }
        self.redo.clear();
        self.document = after;
        Ok(())
    }

    /// Takes over what was saved beside the draft, as one step. Where the person changed the same rule, theirs stays.
    pub fn follow(&mut self, base_revision: u64, before: &Ownership, after: &Ownership) {
        let mut merged = self.document.clone();
        if after.reviewed_at != before.reviewed_at {
            merged.reviewed_at = after.reviewed_at;
        }
        merge(&mut merged.rules, &before.rules, &after.rules, |rule| {
            &rule.resource
        });
        merge(
            &mut merged.exceptions,
            &before.exceptions,
            &after.exceptions,
            |exception| &exception.agents,
        );
        merge(&mut merged.stages, &before.stages, &after.stages, |stage| {
            &stage.name
        });
        merge(
            &mut merged.budgets,
            &before.budgets,
            &after.budgets,
            |budget| &budget.kind,
        );
        self.base_revision = base_revision;
        if merged != self.document {
            let label = "what was saved meanwhile".to_owned();
            self.undo
                .push(Step::between(label, &self.document, &merged));
            if self.undo.len() > STEPS {
                self.undo.remove(0);
            }
            self.redo.clear();
            self.document = merged;
        }
    }

    /// Takes the last edit back. Answers whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(step) = self.undo.pop() else {
            return false;
        };
        let back = step.turned();
        back.apply(&mut self.document);
        self.redo.push(step);
        true
    }

    /// Does the last edit taken back again. Answers whether there was one.
    pub fn redo(&mut self) -> bool {
        let Some(step) = self.redo.pop() else {
            return false;
        };
        step.apply(&mut self.document);
        self.undo.push(step);
        true
    }

    /// What undo would take back.
    pub fn can_undo(&self) -> Option<&str> {
        self.undo.last().map(|step| step.label.as_str())
    }

    /// What redo would do.
    pub fn can_redo(&self) -> Option<&str> {
        self.redo.last().map(|step| step.label.as_str())
    }
}

impl Step {
    fn between(label: String, before: &Ownership, after: &Ownership) -> Self {
        Self {
            label,
            reviewed_at: (before.reviewed_at, after.reviewed_at),
            rules: Splice::between(&before.rules, &after.rules),
            exceptions: Splice::between(&before.exceptions, &after.exceptions),
            stages: Splice::between(&before.stages, &after.stages),
            budgets: Splice::between(&before.budgets, &after.budgets),
        }
    }

    fn turned(&self) -> Self {
        Self {
            label: self.label.clone(),
            reviewed_at: (self.reviewed_at.1, self.reviewed_at.0),
            rules: self.rules.turned(),
            exceptions: self.exceptions.turned(),
            stages: self.stages.turned(),
            budgets: self.budgets.turned(),
        }
    }

    fn apply(&self, document: &mut Ownership) {
        document.reviewed_at = self.reviewed_at.1;
        self.rules.apply(&mut document.rules);
        self.exceptions.apply(&mut document.exceptions);
        self.stages.apply(&mut document.stages);
        self.budgets.apply(&mut document.budgets);
    }
}

/// Does to `mine` what leads from `before` to `after`, but to what stands in `mine` as it stood before, alone.
fn merge<T: Clone + PartialEq, K: PartialEq + ?Sized>(
    mine: &mut Vec<T>,
    before: &[T],
    after: &[T],
    key: impl Fn(&T) -> &K,
) {
    let new = |item: &&T| !before.contains(item);
    for old in before.iter().filter(|old| !after.contains(old)) {
        let instead = after
            .iter()
            .filter(new)
            .find(|item| key(item) == key(old))
            .cloned();
        if let Some(at) = mine.iter().position(|item| item == old) {
            mine.splice(at..=at, instead);
        }
    }
    for item in after.iter().filter(new) {
        let known = |list: &[T]| list.iter().any(|other| key(other) == key(item));
        if !known(before) && !known(mine) {
            mine.push(item.clone());
        }
    }
}

impl<T: Clone + PartialEq> Splice<T> {
    fn between(before: &[T], after: &[T]) -> Self {
        let same = |a: &T, b: &T| a == b;
        let at = before
            .iter()
            .zip(after)
            .take_while(|(a, b)| same(a, b))
            .count();
        let (old, new) = (&before[at..], &after[at..]);
        let tail = old
            .iter()
            .rev()
            .zip(new.iter().rev())
            .take_while(|(a, b)| same(a, b))
            .count();
        Self {
            at,
            old: old[..old.len() - tail].to_vec(),
            new: new[..new.len() - tail].to_vec(),
        }
    }

    fn turned(&self) -> Self {
        Self {
            at: self.at,
            old: self.new.clone(),
            new: self.old.clone(),
        }
    }

    fn apply(&self, list: &mut Vec<T>) {
        // A stored draft could have been damaged; then this does less, never panics.
        let from = self.at.min(list.len());
        let to = (from + self.old.len()).min(list.len());
        list.splice(from..to, self.new.iter().cloned());
    }
}

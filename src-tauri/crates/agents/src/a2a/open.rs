//! Which task of an agent is listened to: a subscription is for one task, and one connection is kept. The choice only
//! decides whose news arrive early; all tasks are asked for by the polls.

use std::collections::HashMap;

use domain::{contract::TaskState, ids::TaskId};

use super::{A2a, rpc, task::Task};
use crate::Listening;

/// More open tasks are not looked at.
const MOST: usize = 1000;

/// Tasks that are not over, as the polls saw them.
#[derive(Default)]
pub(super) struct Open {
    tasks: HashMap<String, Seen>,
    chosen: Option<String>,
    sightings: u64,
}

struct Seen {
    /// It waits for a person; others move by themselves.
    waits: bool,
    /// The later, the larger.
    order: u64,
}

impl Open {
    /// A complete reading begins: what it does not show is gone.
    pub(super) fn forget(&mut self) {
        self.tasks.clear();
    }

    pub(super) fn learn(&mut self, task: &Task) {
        let state = task.state();
        if state.is_terminal() || state == TaskState::Unknown {
            self.tasks.remove(&task.id);
            return;
        }
        if self.tasks.len() >= MOST && !self.tasks.contains_key(&task.id) {
            return;
        }
        self.sightings += 1;
        let seen = Seen {
            waits: matches!(state, TaskState::InputRequired | TaskState::AuthRequired),
            order: self.sightings,
        };
        self.tasks.insert(task.id.clone(), seen);
    }

    /// The one that was chosen as long as it moves; otherwise one that moves, then one that waits.
    fn choose(&mut self) -> Option<TaskId> {
        let stays = |id: &String| self.tasks.get(id).is_some_and(|seen| !seen.waits);
        if !self.chosen.as_ref().is_some_and(stays) {
            let best = self.tasks.iter().max_by_key(|(id, seen)| {
                (!seen.waits, self.chosen.as_ref() == Some(id), seen.order)
            });
            self.chosen = best.map(|(id, _)| id.clone());
        }
        self.chosen.as_deref().map(TaskId::from)
    }
}

impl A2a {
    pub(super) fn subscription(&mut self) -> Option<Listening> {
        let card = self.card.as_ref().filter(|card| card.streams)?;
        // What it says in our own contract is not in its tasks.
        if self.own.is_some() {
            return None;
        }
        rpc::subscription(&self.client, &card.door, &self.open.choose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::a2a::task;

    #[test]
    fn one_task_is_kept_until_it_moves_no_more_and_one_that_moves_is_preferred() {
        let mut open = Open::default();
        let mut check = |news: &[(&str, &str)], expected: Option<&str>| {
            for (id, state) in news {
                let raw = format!(r#"{{"id":"{id}","status":{{"state":"TASK_STATE_{state}"}}}}"#);
                let raw = serde_json::value::RawValue::from_string(raw).expect("JSON");
                open.learn(&task::read(&raw).expect("a task"));
            }
            assert_eq!(
                open.choose().as_ref().map(TaskId::as_str),
                expected,
                "{news:?}"
            );
        };
        check(&[], None);
        check(&[("a", "INPUT_REQUIRED")], Some("a"));
        check(&[("b", "WORKING"), ("c", "INPUT_REQUIRED")], Some("b"));
        check(&[("d", "SUBMITTED"), ("a", "WORKING")], Some("b"));
        check(&[("b", "INPUT_REQUIRED")], Some("a"));
        check(&[("a", "COMPLETED"), ("b", "FAILED")], Some("d"));
        check(&[("d", "AUTH_REQUIRED")], Some("d"));
        check(&[("d", "CANCELED")], Some("c"));
        check(&[("c", "REJECTED")], None);
    }
}

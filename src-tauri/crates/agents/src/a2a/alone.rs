//! Tasks that are read by themselves because a list may leave out what they ask: each once for what the list shows of it.
//!
//! It only remembers and judges; the reading is elsewhere.

use std::collections::{HashMap, HashSet};

use domain::{contract::TaskState, ids::TaskId};
use serde_json::value::RawValue;

use super::{is_waiting, page::Memory, question, rpc, task::Task};

/// Bytes of tasks that are kept as they were read; those beyond are read again with each whole list.
const KEPT: usize = 4 * 1024 * 1024;
/// Tasks that are remembered, of each kind.
const MOST: usize = 10_000;
/// So often a task is tried at once again that cannot be read.
const TRIES: u8 = 3;

#[derive(Default)]
pub(super) struct Alone {
    /// Tasks that were not over when they were seen last.
    live: HashSet<String>,
    /// What was read of a task, under the digest of what the list showed.
    read: HashMap<String, (u64, Box<RawValue>)>,
    bytes: usize,
    /// What could not be read, so often.
    failed: HashMap<String, (u64, u8)>,
}

impl Alone {
    /// Begins with tasks that were not over when an earlier connection saw them.
    pub(super) fn of<'a>(live: impl Iterator<Item = &'a TaskId>) -> Self {
        Self {
            live: live.map(|id| id.as_str().to_owned()).collect(),
            ..Self::default()
        }
    }

    /// It may be another process by now.
    pub(super) fn forget(&mut self) {
        self.read.clear();
        self.failed.clear();
        self.bytes = 0;
    }

    /// Whether a listed task may ask what the list does not show: it waits, or has come to its end since it was seen, and what
    /// is there of it may not be all.
    pub(super) fn may_ask_more(&self, task: &Task, memory: &Memory) -> bool {
        let made = task.artifacts.as_ref().is_some_and(|all| !all.is_empty());
        if task.state() == TaskState::Completed {
            return !made && (self.live.contains(&task.id) || memory.open.contains_key(&task.id));
        }
        if !is_waiting(task) {
            return false;
        }
        let Some(asked) = question::of(task, "", &memory.answered) else {
            return true;
        };
        let short = 1..rpc::SHORT_HISTORY as usize;
        let said = task.history.as_ref().map_or(0, Vec::len);
        // Without a time it cannot be told whether it was read since it changed.
        task.timestamp().is_some() && asked.pieces().is_empty() && !(made && short.contains(&said))
    }

    /// What was read of it before, if the list shows the same of it.
    pub(super) fn kept(&self, task: &Task, listed: u64) -> Option<Box<RawValue>> {
        let (digest, raw) = self.read.get(&task.id)?;
        let tells_changes = task.timestamp().is_some() || task.state().is_terminal();
        (*digest == listed && tells_changes).then(|| raw.clone())
    }

    /// Notes that it was read, and keeps what was read where that is `wanted` again.
    pub(super) fn keep(&mut self, task: &Task, listed: u64, raw: &RawValue, wanted: bool) {
        self.failed.remove(&task.id);
        if let Some((_, before)) = self.read.remove(&task.id) {
            self.bytes -= before.get().len();
        }
        if wanted && self.bytes + raw.get().len() <= KEPT {
            self.bytes += raw.get().len();
            self.read.insert(task.id.clone(), (listed, raw.to_owned()));
        }
    }

    /// It could not be read; whether that is worth another try before the next whole list.
    pub(super) fn fail(&mut self, task: &Task, listed: u64) -> bool {
        if self.failed.len() >= MOST {
            self.failed.clear();
        }
        let (digest, times) = self.failed.entry(task.id.clone()).or_default();
        *times = if *digest == listed { *times + 1 } else { 1 };
        *digest = listed;
        let tries_again = *times < TRIES;
        *times = (*times).min(TRIES);
        if !tries_again && task.state().is_terminal() {
            self.live.remove(&task.id);
        }
        tries_again
    }

    /// It was passed on as it is now.
    pub(super) fn pass(&mut self, task: &Task) {
        if task.state().is_terminal() {
            self.live.remove(&task.id);
        } else if self.live.len() < MOST {
            self.live.insert(task.id.clone());
        }
    }
}

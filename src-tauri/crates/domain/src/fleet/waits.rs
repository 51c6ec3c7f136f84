//! The waits-for graph: which task, claim or agent something waits for now.
//!
//! Only what waits is kept apart, so that looking for a circle costs no more than there is waiting. Circles are
//! `rules/deadlock.rs`.

use std::collections::BTreeSet;

use super::{
    slots::Subject,
    take::Intake,
    world::{Entry, Key, TaskEntry, World},
};
use crate::{
    contract::{Claim, ClaimState, Task, TaskState, WaitKind},
    ids::{AgentRef, TaskId, TaskRef},
    rules::double_booking::held,
    time::Time,
};

/// Something in the graph.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Task(TaskRef),
    Claim(Key),
    Agent(AgentRef),
    /// The tasks of whoever holds a claim: many claims lead to them, and they are looked at once.
    Holder(AgentRef),
}

impl World {
    /// What a node waits for. `narrow`: of a claim only the task it is for, if that lives.
    pub(crate) fn waits_for(&self, node: &Node, narrow: bool) -> Vec<Node> {
        match node {
            Node::Task(task) => match self.tasks.get(task).filter(|entry| entry.live()) {
                Some(entry) => self.task_waits(task, entry),
                None => vec![],
            },
            Node::Claim(key) => match self.claims.get(key) {
                Some(claim) => self.holders(claim, narrow),
                None => vec![],
            },
            Node::Agent(agent) => {
                let tasks = self.live_of.get(agent).into_iter().flatten();
                let tasks: Vec<_> = tasks.collect();
                if tasks.iter().all(|task| self.waiting_now(task)) {
                    tasks.into_iter().cloned().map(Node::Task).collect()
                } else {
                    vec![]
                }
            }
            Node::Holder(agent) => {
                let tasks = self.live_of.get(agent).into_iter().flatten();
                tasks.cloned().map(Node::Task).collect()
            }
        }
    }

    /// Since when a node has waited like that, as far as is known.
    pub(crate) fn waits_since(&self, node: &Node) -> Time {
        let of_task = |task| self.tasks.get(task).map(|entry| entry.waits_since);
        let since = match node {
            Node::Task(task) => {
                let claims = self.claims_of.get(task).into_iter().flatten();
                let claims = claims.filter_map(|key| self.claims.get(key).map(|c| c.seen.at));
                claims.max().max(of_task(task))
            }
            Node::Claim(key) => self.claims.get(key).map(|claim| claim.seen.at),
            Node::Agent(agent) | Node::Holder(agent) => {
                let tasks = self.live_of.get(agent).into_iter().flatten();
                let changed = self.live_since.get(agent).copied();
                tasks.filter_map(of_task).max().max(changed)
            }
        };
        since.unwrap_or(Time::UNIX_EPOCH)
    }

    fn task_waits(&self, task: &TaskRef, entry: &TaskEntry) -> Vec<Node> {
        let mut nodes = BTreeSet::new();
        let live = |task: &TaskRef| self.tasks.get(task).is_some_and(|task| task.live());
        if let Some(wait) = &entry.value.waiting_for {
            let reference = wait.reference.as_deref().unwrap_or_default();
            match wait.kind {
                WaitKind::Task => {
                    let awaited = self.resolve(&task.endpoint, reference).filter(live);
                    nodes.extend(awaited.map(Node::Task));
                }
                WaitKind::Agent => nodes.extend(self.agent(reference).map(Node::Agent)),
                WaitKind::Claim => self.claim_waits(task, entry, reference, &mut nodes),
                WaitKind::Human | WaitKind::Quota => {}
            }
        }
        if entry.value.status.state == TaskState::Submitted {
            let needed = entry.value.depends_on.iter();
            let needed = needed.filter_map(|needed| self.resolve(&task.endpoint, needed));
            nodes.extend(needed.filter(live).map(Node::Task));
        }
        for key in self.claims_of.get(task).into_iter().flatten() {
            let claim = self.claims.get(key);
            if let Some(claim) = claim.filter(|c| c.value.state == ClaimState::Waiting) {
                let resource = claim.value.resource.as_str();
                self.in_the_way(task, entry, resource, &mut nodes);
            }
        }
        nodes.into_iter().collect()
    }

    /// A claim's reference is a claim id or a resource.
    fn claim_waits(
        &self,
        task: &TaskRef,
        entry: &TaskEntry,
        reference: &str,
        nodes: &mut BTreeSet<Node>,
    ) {
        let own = (task.endpoint.clone(), reference.to_owned());
        let other = reference.split_once('/');
        let other = other.map(|(endpoint, id)| (endpoint.into(), id.to_owned()));
        let known = [Some(own), other].into_iter().flatten();
        let known = known
            .filter_map(|key| self.claims.get_key_value(&key))
            .next();
        match known {
            Some((key, claim)) if claim.value.state == ClaimState::Held => {
                if self.holds_now(claim) {
                    nodes.insert(Node::Claim(key.clone()));
                }
            }
            Some((_, claim)) => {
                self.in_the_way(task, entry, claim.value.resource.as_str(), nodes);
            }
            None => self.in_the_way(task, entry, reference, nodes),
        }
    }

    /// Claims others hold on a resource.
    fn in_the_way(
        &self,
        task: &TaskRef,
        entry: &TaskEntry,
        resource: &str,
        nodes: &mut BTreeSet<Node>,
    ) {
        let held = |_: &_, state, _| state == ClaimState::Held;
        let others = self.claims_on(resource, held, |claim| {
            let mine = claim.seen.agent == entry.seen.agent
                && claim.value.task_id.as_ref().is_none_or(|t| *t == task.task);
            !mine && self.holds_now(claim)
        });
        nodes.extend(others.into_iter().map(Node::Claim));
    }

    fn holds_now(&self, claim: &Entry<Claim>) -> bool {
        claim.value.state == ClaimState::Held
            && held(claim).is_some_and(|(_, end)| end.is_none_or(|end| self.now < end))
    }

    /// Who can give a claim back: the tasks of its holder. Of a task that nobody has told of yet it is not known whether it
    /// waits.
    fn holders(&self, claim: &Entry<Claim>, narrow: bool) -> Vec<Node> {
        let agent = &claim.seen.agent;
        let its = claim.value.task_id.clone().map(|task| TaskRef {
            endpoint: agent.endpoint.clone(),
            task,
        });
        let live = self.live_of.get(agent);
        match its.filter(|_| narrow) {
            Some(task) if live.is_some_and(|live| live.contains(&task)) => vec![Node::Task(task)],
            Some(task) if !self.tasks.contains_key(&task) => vec![],
            _ => vec![Node::Holder(agent.clone())],
        }
    }

    fn waiting_now(&self, task: &TaskRef) -> bool {
        self.waiting.contains(task)
            || self
                .tasks
                .get(task)
                .is_some_and(|task| task.waits_for_person())
    }
}

impl Intake<'_> {
    /// A task is new or different: keeps who lives and who waits.
    pub(super) fn note_waits(&mut self, task: &TaskRef, old: Option<&Task>) {
        let Some(entry) = self.world.tasks.get_mut(task) else {
            return;
        };
        let agent = entry.seen.agent.clone();
        let live = entry.live();
        let same = old.is_some_and(|old| {
            old.waiting_for == entry.value.waiting_for
                && old.depends_on == entry.value.depends_on
                && old.status.state == entry.value.status.state
        });
        if same {
            return;
        }
        entry.waits_since = self.now;
        let of = self.world.live_of.entry(agent.clone()).or_default();
        let changed = if live {
            of.insert(task.clone())
        } else {
            of.remove(task)
        };
        if changed {
            self.world.live_since.insert(agent, self.now);
        }
        self.queue(task);
    }

    /// A claim is for that task no more, which then waits only for what else it waits for.
    pub(super) fn claim_left(&mut self, key: &Key, task: TaskId) {
        let task = TaskRef {
            endpoint: key.0.clone(),
            task,
        };
        if let Some(of) = self.world.claims_of.get_mut(&task) {
            of.remove(key);
            self.queue(&task);
        }
    }

    /// A claim is new or different.
    pub(super) fn note_claim(&mut self, key: &Key) {
        let claim = self.world.claims.get(key);
        let task = claim.and_then(|claim| claim.value.task_id.clone());
        match task {
            Some(task) => {
                let endpoint = key.0.clone();
                let task = TaskRef { endpoint, task };
                let of = self.world.claims_of.entry(task.clone()).or_default();
                of.insert(key.clone());
                self.queue(&task);
            }
            None => self.look_at_waits(),
        }
    }

    fn queue(&mut self, task: &TaskRef) {
        self.queued.insert(task.clone());
    }

    /// Keeps what waits, once for all that a line tells of it.
    pub(super) fn queue_all(&mut self) {
        for task in std::mem::take(&mut self.queued) {
            self.queue_now(&task);
        }
    }

    /// Keeps whether a task waits, by its own word or for a claim that was not given yet.
    fn queue_now(&mut self, task: &TaskRef) {
        // Also the last to leave may open a circle.
        self.look_at_waits();
        let claims = self.world.claims_of.get(task).into_iter().flatten();
        let mut claims = claims.filter_map(|key| self.world.claims.get(key));
        let queued = claims.any(|claim| claim.value.state == ClaimState::Waiting);
        let entry = self.world.tasks.get(task).filter(|entry| entry.live());
        if entry.is_some_and(|entry| queued || waits(&entry.value)) {
            self.world.waiting.insert(task.clone());
            self.look_at_waits();
        } else {
            self.world.waiting.remove(task);
        }
    }

    fn look_at_waits(&mut self) {
        if !self.world.waiting.is_empty() {
            self.mark(Subject::Waits);
        }
    }
}

/// Does a task say itself that it waits?
fn waits(task: &Task) -> bool {
    task.waiting_for.is_some()
        || task.status.state == TaskState::Submitted && !task.depends_on.is_empty()
}

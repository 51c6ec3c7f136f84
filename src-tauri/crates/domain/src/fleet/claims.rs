//! Claims as they come in, with the claims of others each can clash with.
//!
//! Whether two were held at once is `rules/double_booking.rs`.

use super::{
    slots::Subject,
    take::{Intake, record},
    weight,
    world::Key,
};
use crate::{
    change::Change,
    contract::{Claim, ClaimMode, ClaimState, Item},
    ids::AgentRef,
};

/// How far a claim is, for two accounts in one line.
pub(super) fn further(claim: &Claim) -> u8 {
    match claim.state {
        ClaimState::Waiting => 0,
        ClaimState::Held => 1,
        ClaimState::Released => 2,
    }
}

impl Intake<'_> {
    pub(super) fn claim(&mut self, agent: &AgentRef, item: &Item<Claim>) {
        let key = (agent.endpoint.clone(), item.value.id.clone());
        let old = self.world.claims.get(&key);
        if old.is_some_and(|old| old.seen.raw == item.raw) {
            return;
        }
        // Held or waiting: each counts from the line that first said so; giving back changes no beginning.
        let given_back = item.value.state == ClaimState::Released;
        let same = old.filter(|old| given_back || old.value.state == item.value.state);
        let first = same.map_or(self.now, |old| old.seen.at);
        let at = item.value.acquire_time.unwrap_or(first).min(self.now);
        let moved = old.is_none_or(|old| {
            old.value.resource != item.value.resource || old.value.mode != item.value.mode
        });
        // It was held only in a time for which a line said so, or since it was acquired, which is not what it told while it
        // waited. Given back at a time nobody told: when that was first said.
        let released = old.and_then(|old| old.value.release_time);
        let known = old.map(|old| (old.value.state, old.value.acquire_time));
        let was_held = match known {
            Some((ClaimState::Held, _)) => true,
            _ if released.is_some() => true,
            _ => {
                let acquired = item.value.acquire_time;
                acquired.is_some() && known.is_none_or(|(_, told)| told != acquired)
            }
        };
        let left = old.and_then(|old| old.value.task_id.clone());
        let left = left.filter(|task| Some(task) != item.value.task_id.as_ref());
        let mut entry = self.entry(agent, item, at);
        // No time of it is later than its line.
        let told = &mut entry.value;
        for time in [&mut told.renew_time, &mut told.release_time] {
            *time = time.map(|time| time.min(self.now));
        }
        if given_back {
            let end = told.release_time.or(released).unwrap_or(self.now);
            told.release_time = was_held.then_some(end);
        }
        self.changes.push(Change::Claim(record(&entry)));
        self.claimed(&key, entry);
        if let Some(task) = left {
            self.claim_left(&key, task);
        }
        if moved {
            self.find_rivals(&key);
        }
        self.mark_claim(&key);
    }

    pub(super) fn find_rivals(&mut self, key: &Key) {
        self.mark_rivals(key);
        for other in self.world.rivals.remove(key).unwrap_or_default() {
            if let Some(rivals) = self.world.rivals.get_mut(&other) {
                rivals.remove(key);
            }
        }
        let Some(claim) = self.world.claims.get(key) else {
            return;
        };
        // Only what somebody holds alone clashes with what others hold.
        let alone = claim.value.mode == ClaimMode::Exclusive;
        let others = |agent: &AgentRef, _, mode| {
            *agent != claim.seen.agent && (alone || mode == ClaimMode::Exclusive)
        };
        let resource = claim.value.resource.as_str();
        let mut found = self.world.claims_on(resource, others, |_| true);
        if !self.weighs(&key.0, 0, weight::RIVAL * found.len()) {
            // One shows that it is not held alone.
            found = found.into_iter().take(1).collect();
        }
        for other in &found {
            let rivals = self.world.rivals.entry(other.clone()).or_default();
            rivals.insert(key.clone());
        }
        self.world.rivals.insert(key.clone(), found);
    }

    pub(super) fn mark_claim(&mut self, key: &Key) {
        self.mark_claimed(key);
        self.note_claim(key);
        self.mark_rivals(key);
    }

    fn mark_rivals(&mut self, key: &Key) {
        for other in self.world.rivals.get(key).cloned().unwrap_or_default() {
            let (a, b) = if other < *key {
                (other, key.clone())
            } else {
                (key.clone(), other)
            };
            self.mark(Subject::Claims(a, b));
        }
    }
}

//! What the person sees of all questions at once, what happens to one of them together with something else, and the end of
//! a story.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use store::tables::{
    audit::{self, Verdict},
    decisions, escalations,
};

use super::{Key, Law, NAMES, Story, WALL, wall};
use crate::api::{inbox, wording::Glance};

impl Story {
    /// An act and a change are told in one transaction, in either order.
    pub(super) fn collides(&mut self, key: &Key, how: u8) -> Law {
        let (id, nonce, now) = (format!("w{}", self.nonce()), self.nonce(), wall());
        let Some(item) = self.item(key) else {
            return Ok(());
        };
        let target = item.target;
        match how % 5 {
            0 => item.status = "resolved",
            1 => item.listed = false,
            2 => item.alter(how, nonce, now),
            3 => item.hidden = true,
            _ => {
                item.alter(how, nonce, now);
                item.version += 1;
            }
        }
        if let Some(target) = target {
            self.agents[1 - key.0].writes.push((id, target, now));
        }
        let first = usize::from(how / 5 % 2);
        self.poll(first)?;
        self.poll(1 - first)?;
        self.kept()
    }

    /// Everything that waits is listed, nothing else is, and what is overdue was seen to.
    pub(super) fn lists(&mut self) -> Law {
        self.count("listed");
        self.settle()?;
        let now = wall();
        let present = self.live.read();
        let store = self.store();
        let read = store.read(|reader| {
            let glance = Glance {
                reader,
                present: &present,
                now,
            };
            Ok((escalations::pending(reader)?, inbox::inbox(glance)?))
        });
        let (pending, inbox) = read.expect("it is read");
        let listed: BTreeSet<&str> = inbox.groups[0]
            .items
            .iter()
            .map(|item| &*item.key)
            .collect();
        let mut waiting = BTreeSet::new();
        for record in &pending {
            let at = usize::from(record.agent.endpoint.as_str() == NAMES[1]);
            let key = (at, record.value.id.to_string());
            let told = self.seen.told.get(&key);
            if told.is_none_or(|told| !told.waits || told.item.raw() != *record.raw) {
                return Err(format!("It waits and is not asked: {record:?} {told:?}"));
            }
            let ends = record.value.expires_at;
            if ends.is_some_and(|end| end <= now) && !self.went_back {
                return Err(format!("It waits after its deadline, at {now}: {record:?}"));
            }
            if !listed.contains(&*format!("e:{}/{}", NAMES[at], key.1)) {
                return Err(format!("It waits and is not listed: {record:?} {listed:?}"));
            }
            let subject = format!("{}/{}", NAMES[at], key.1);
            let lapsed = store.read(|reader| audit::last_of(reader, &subject, escalations::LAPSED));
            let answered = self.seen.decided.values().any(|made| made.key == key);
            let due = record.created_at + TimeDelta::hours(1);
            let is_read = told.is_some_and(|told| !told.hidden);
            if at == 1 && is_read && due < now && !answered && lapsed.expect("it is read").is_none()
            {
                return Err(format!("No rule refused it by {now}: {record:?}"));
            }
            if !waiting.insert(key) {
                return Err(format!("It waits twice: {record:?}"));
            }
        }
        for (key, told) in &self.seen.told {
            let ends = told.item.expires.is_some_and(|end| end <= now);
            // What had left when the same bytes came back may count for them.
            let answered = self.seen.decided.values().any(|made| {
                let same = made.asking == told.asking || made.item.raw() == told.item.raw();
                made.key == *key && same && (!made.over || made.left)
            });
            let may_lapse = key.0 == 1 && told.item.created + TimeDelta::hours(1) <= now;
            let waits = told.waits && !ends && !answered && !may_lapse && !self.went_back;
            if waits && !waiting.contains(key) {
                return Err(format!("It is asked and does not wait: {key:?} {told:?}"));
            }
        }
        Ok(())
    }

    /// Every endpoint answers, and says that everything is settled: then nothing is left under way, and the record is whole.
    pub(in crate::owner::any_order) fn end(
        mut self,
    ) -> Result<BTreeMap<&'static str, u64>, String> {
        for at in [0, 1] {
            self.paused[at] = false;
            self.put(at);
            for item in self.agents[at].items.values_mut() {
                (item.listed, item.hidden, item.status) = (true, false, "resolved");
            }
            self.poll(at)?;
            self.kept()?;
        }
        self.settle()?;
        for _ in 0..6 {
            while !self.flights.is_empty() {
                self.answer(0, 0);
                self.settle()?;
            }
            WALL.with(|wall| wall.set(wall.get() + 7_200_000_000));
            self.settle()?;
        }
        let left = self.store().read(decisions::outbox).expect("it is read");
        if !left.is_empty() {
            return Err(format!("These never end: {left:#?}"));
        }
        let head = self.store().audit_head();
        let verdict = self.store().read(|reader| audit::verify(reader, &head));
        match verdict.expect("it is read") {
            Verdict::Whole(_) => Ok(self.counts),
            verdict => Err(format!("The record is not whole: {verdict}")),
        }
    }
}

//! What need not be known any more: names that are over and that the last answers did not list.
//!
//! Losing one costs a line of the log when it is told again, and nothing else: whoever takes in what was told takes it in
//! twice without a difference.

use std::collections::BTreeSet;

use super::{Differ, Slot};
use crate::caps::KNOWN;

impl Differ {
    /// Makes room when there is none for the items of one more answer. Only between two polls: who reads an answer knows
    /// slots by their numbers.
    pub(super) fn forget(&mut self) {
        if self.page > 0 || self.slots.len() < KNOWN / 3 * 2 {
            return;
        }
        let pages = self.pages.iter().flat_map(|page| &page.slots);
        let listed: BTreeSet<u32> = pages.map(|(number, _)| *number).collect();
        let stays = |number: &u32| listed.contains(number) || self.open.contains(number);
        let numbers = 0..u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let (mut kept, mut over): (Vec<u32>, Vec<u32>) = numbers.partition(stays);
        // Of the rest those that were told last.
        let told = |number: &u32| self.slots.get(*number as usize).map(|slot| slot.reading);
        over.sort_by_key(|number| std::cmp::Reverse(told(number)));
        over.truncate((KNOWN / 3).saturating_sub(kept.len()));
        kept.extend(over);
        kept.sort_unstable();
        self.keep(&kept);
    }

    /// Keeps those slots, in that order, and gives them new numbers.
    fn keep(&mut self, kept: &[u32]) {
        let mut renumbered = vec![None; self.slots.len()];
        let mut slots: Vec<Slot> = Vec::with_capacity(kept.len());
        for (new, old) in (0..).zip(kept) {
            if let Some(slot) = self.slots.get_mut(*old as usize)
                && let Some(place) = renumbered.get_mut(*old as usize)
            {
                *place = Some(new);
                slots.push(std::mem::take(slot));
            }
        }
        self.slots = slots;
        let new = |old: &u32| renumbered.get(*old as usize).copied().flatten();
        for names in &mut self.known {
            names.retain(|_, number| match new(number) {
                Some(renumbered) => {
                    *number = renumbered;
                    true
                }
                None => false,
            });
            names.shrink_to_fit();
        }
        self.open = self.open.iter().filter_map(new).collect();
        for (number, _) in self.pages.iter_mut().flat_map(|page| &mut page.slots) {
            *number = new(number).unwrap_or(u32::MAX);
        }
    }
}

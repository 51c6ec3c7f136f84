//! What an endpoint said last, as bytes and back: what a start knows without reading the log.
//!
//! As after [`Differ::learn`], nothing is kept of a reading or a snapshot under way: the next poll is read item by item,
//! and what its snapshot does not list ends.

use std::collections::{BTreeMap, HashMap};

use super::{Differ, Slot, items::PLACES};
use crate::snapshot::{self, Decoder, Encoder, Save};

impl Differ {
    /// What is known, as bytes. One that learned the same in the same order has the same.
    pub fn save(&self) -> Vec<u8> {
        snapshot::save("differ", self)
    }

    /// What was saved. `None` for any other bytes, and for those of another [`snapshot::FORM`].
    pub fn restore(bytes: &[u8]) -> Option<Self> {
        snapshot::restore("differ", bytes)
    }
}

/// Item after item with its name, as they were first heard of.
impl Save for Differ {
    fn write<'a>(&'a self, to: &mut Encoder<'a>) {
        let Self {
            open_bytes: _,
            opening_bytes: _,
            bad_bytes: _,
            known,
            slots,
            open,
            pages: _,
            page: _,
            reading: _,
            round: _,
            listed: _,
            unread: _,
            over: _,
            left_out: _,
            told_left_out,
            head,
        } = self;
        head.write(to);
        told_left_out.write(to);
        let mut names = vec![""; slots.len()];
        for (name, number) in known.iter().flatten() {
            if let Some(place) = names.get_mut(*number as usize) {
                *place = name;
            }
        }
        to.number(slots.len() as u64);
        for (number, (name, slot)) in (0..).zip(names.iter().zip(slots)) {
            let Slot {
                hash,
                reading: _,
                group: _,
                round: _,
                list,
                terminal,
                time,
                last,
                bad,
            } = slot;
            to.text(name);
            hash.write(to);
            list.write(to);
            terminal.write(to);
            time.write(to);
            last.write(to);
            bad.write(to);
            to.number(u64::from(open.contains(&number)));
        }
    }

    fn read(from: &mut Decoder<'_>) -> Option<Self> {
        let head = Save::read(from)?;
        let told_left_out: BTreeMap<_, _> = Save::read(from)?;
        let mut differ = Self {
            head,
            told_left_out,
            ..Self::default()
        };
        differ.known.resize_with(PLACES, HashMap::new);
        let count = from.count()?;
        for number in 0..u32::try_from(count).ok()? {
            let name = from.text()?;
            let slot = Slot {
                hash: Save::read(from)?,
                list: Save::read(from)?,
                terminal: Save::read(from)?,
                time: Save::read(from)?,
                last: Save::read(from)?,
                bad: Save::read(from)?,
                // Not listed by any snapshot yet.
                round: differ.round.wrapping_sub(1),
                ..Slot::default()
            };
            let names = differ.known.get_mut(usize::from(slot.list))?;
            names.insert(name.into(), number);
            differ.open_bytes += slot.last.as_ref().map_or(0, |last| last.len());
            differ.bad_bytes += slot.bad.as_ref().map_or(0, |bad| bad.len());
            differ.slots.push(slot);
            if bool::read(from)? {
                differ.open.insert(number);
            }
        }
        Some(differ)
    }
}

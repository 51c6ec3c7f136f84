//! The replayer: what a disk may hold when the power went at some moment of a recording. What was synced is there; of what
//! was written later, any sectors may be there in any combination, and names that were given, changed or taken later may
//! or may not have been.
//!
//! Bytes that a write does not name stay as they are, as SQLite assumes of disks ("powersafe overwrite").

use std::{collections::BTreeMap, fs, path::Path};

use super::trace::Event;

const SECTOR: usize = 512;

/// Numbers that look like chance, the same in each run (SplitMix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// What happened to the bytes of a file, whatever its name.
enum Step<'a> {
    Wrote(usize, &'a [u8]),
    Cut(usize),
}

/// What happened to the names of the folder.
enum Naming {
    /// The name stands for this file.
    Given(String, usize),
    Moved(String, String, usize),
    Taken(String),
}

/// Steps in order, and how many of them are certainly on the disk.
struct Log<T> {
    steps: Vec<(usize, T)>,
    synced: usize,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self {
            steps: vec![],
            synced: 0,
        }
    }
}

impl<T> Log<T> {
    fn sync(&mut self) {
        self.synced = self.steps.len();
    }
}

/// What survives of what was not synced.
#[derive(Clone, Copy)]
enum Luck {
    /// What came before this event, in order, and part of the next.
    Until(usize),
    /// Each sector and each name for itself, in so many of 100 cases.
    Each(usize),
}

impl Luck {
    fn of(chance: &mut Chance, before: usize) -> Self {
        match chance.below(6) {
            0 => Self::Each(0),
            1 => Self::Each(10),
            2 => Self::Each(50),
            3 => Self::Each(90),
            4 => Self::Each(100),
            // Somewhere in what came last: earlier moments are states of their own.
            _ => Self::Until(before.saturating_sub(chance.below(40))),
        }
    }

    fn keeps(self, event: usize, chance: &mut Chance) -> bool {
        match self {
            Self::Until(end) if event == end => chance.below(2) == 0,
            Self::Until(end) => event < end,
            Self::Each(percent) => chance.below(100) < percent,
        }
    }
}

/// Makes in `to` what the folder may be when the power goes before the event of this number.
pub(crate) fn after_power_loss(events: &[Event], before: usize, chance: &mut Chance, to: &Path) {
    let mut files: Vec<Log<Step<'_>>> = vec![];
    let mut names: Log<Naming> = Log::default();
    // As the process saw it.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, event) in events[..before].iter().enumerate() {
        match event {
            Event::Created { path, emptied } => {
                let file = *seen.entry(path.clone()).or_insert_with(|| {
                    files.push(Log::default());
                    let file = files.len() - 1;
                    names.steps.push((at, Naming::Given(path.clone(), file)));
                    file
                });
                if *emptied {
                    files[file].steps.push((at, Step::Cut(0)));
                }
            }
            Event::Wrote { path, from, bytes } => {
                if let Some(file) = seen.get(path) {
                    files[*file].steps.push((at, Step::Wrote(*from, bytes)));
                }
            }
            Event::Cut { path, length } => {
                if let Some(file) = seen.get(path) {
                    files[*file].steps.push((at, Step::Cut(*length)));
                }
            }
            Event::Synced { path } if path.is_empty() => names.sync(),
            Event::Synced { path } => {
                if let Some(file) = seen.get(path) {
                    files[*file].sync();
                }
            }
            Event::Renamed { from, to } => {
                if let Some(file) = seen.remove(from) {
                    seen.insert(to.clone(), file);
                    let step = Naming::Moved(from.clone(), to.clone(), file);
                    names.steps.push((at, step));
                }
            }
            Event::Removed { path } => {
                seen.remove(path);
                names.steps.push((at, Naming::Taken(path.clone())));
            }
            Event::Said(_) => {}
        }
    }
    let luck = Luck::of(chance, before);
    let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, (at, step)) in names.steps.iter().enumerate() {
        if index >= names.synced && !luck.keeps(*at, chance) {
            continue;
        }
        match step {
            Naming::Given(name, file) => drop(kept.insert(name, *file)),
            Naming::Moved(from, to, file) => {
                kept.remove(from.as_str());
                kept.insert(to, *file);
            }
            Naming::Taken(name) => drop(kept.remove(name.as_str())),
        }
    }
    for (name, file) in kept {
        let bytes = content(&files[file], luck, chance);
        fs::write(to.join(name), bytes).expect("written");
    }
}

fn content(log: &Log<Step<'_>>, luck: Luck, chance: &mut Chance) -> Vec<u8> {
    let mut content = vec![];
    for (index, (at, step)) in log.steps.iter().enumerate() {
        let is_certain = index < log.synced;
        match step {
            Step::Cut(length) => {
                if is_certain || luck.keeps(*at, chance) {
                    content.resize(*length, 0);
                }
            }
            Step::Wrote(from, bytes) if is_certain => put(&mut content, *from, bytes),
            Step::Wrote(from, bytes) => {
                let (mut from, mut bytes) = (*from, *bytes);
                while !bytes.is_empty() {
                    let room = SECTOR - from % SECTOR;
                    let (sector, rest) = bytes.split_at(room.min(bytes.len()));
                    if luck.keeps(*at, chance) {
                        put(&mut content, from, sector);
                    }
                    from += sector.len();
                    bytes = rest;
                }
            }
        }
    }
    content
}

fn put(content: &mut Vec<u8>, from: usize, bytes: &[u8]) {
    let end = from + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[from..end].copy_from_slice(bytes);
}

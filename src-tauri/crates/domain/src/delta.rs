//! What is new in a poll: live polls are logged as these differences, so the log of facts stays small.
//!
//! Knows identity and bytes, and of meaning only what ends when a complete snapshot no longer lists it. Its law: the
//! differences, taken in one after the other, give what the polls would have given (`tests/delta.rs`).

mod items;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::items::{AGENT, Group, PLACES, digest, groups, left_out, place};
use crate::{
    contract::{
        ClaimState, Document, EscalationStatus, Item, LISTS, Problem, Task,
        ending::{ENDING, ended},
        json::{Node, Tree},
        read_node, speaker, tree, write_left_out,
    },
    fleet::merge::rank,
    time::Time,
};

/// What one endpoint said last, as far as it is needed to tell what is new.
#[derive(Clone, Debug, Default)]
pub struct Differ {
    /// Everything with a name, by list and name.
    known: Vec<HashMap<Box<str>, u32>>,
    slots: Vec<Slot>,
    /// Slots that end when a complete snapshot does not list them.
    open: BTreeSet<u32>,
    /// The pages of the snapshot that is complete or under way.
    pages: Vec<Page>,
    page: usize,
    /// Numbers the readings of bodies; 0 is none.
    reading: u32,
    /// Numbers the snapshots.
    round: u32,
    /// Lists the snapshot under way has listed so far.
    listed: BTreeSet<usize>,
    /// What was left out of which list of the snapshot under way, and of the last that was told of.
    left_out: BTreeMap<usize, u64>,
    told_left_out: BTreeMap<usize, u64>,
    /// `schemaVersion` and `agent` as they were written last.
    head: Option<Box<str>>,
}

/// One item. Small: there may be many.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// Of the exact bytes passed on last; 0 is none.
    hash: u128,
    /// The reading that looks at it now, and its place among that reading's groups.
    reading: u32,
    group: u32,
    /// The snapshot that listed it last.
    round: u32,
    list: u8,
    /// Tasks: the account that stands is of a terminal state.
    terminal: bool,
    /// Tasks: the own time of the account that stands.
    time: Option<Time>,
    /// The account that stands, when it would end.
    last: Option<Box<str>>,
    /// Bytes of it that came later and could not be used: they still stand in the list of dead letters.
    bad: Option<Box<str>>,
}

/// A page that need not be read again while its bytes stay the same.
#[derive(Clone, Debug, Default)]
struct Page {
    hash: u128,
    snapshot: bool,
    lists: BTreeSet<usize>,
    /// Items of a list that are not read.
    left_out: Vec<(usize, u64)>,
    /// What stands on it, and the hash of each.
    slots: Vec<(u32, u128)>,
}

impl Differ {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A document with only what is new, its bytes as they came, or `None`. `last_page`: a snapshot is complete with
    /// this page. An `Err` is an answer that cannot be used; it leaves no trace.
    pub fn take(&mut self, body: &str, last_page: bool) -> Result<Option<String>, Box<Problem>> {
        let hash = digest(body.as_bytes());
        let mut ended = None;
        if let Some(page) = self.seen(hash) {
            self.mark(&page);
            let gone = self.missing(&page, last_page);
            let same = gone.is_empty() && self.otherwise_left_out(&page, last_page).is_empty();
            ended = Some(gone);
            self.pages.insert(self.page, page);
            if same {
                self.turn(last_page);
                return Ok(None);
            }
        }
        let node = tree(body)?;
        let speaks = speaker(&node)?;
        let groups = self.read(&node, speaks.as_str());
        let page = self.noted(hash, &node, &groups);
        if ended.is_none() {
            self.mark(&page);
        }
        let gone = ended.unwrap_or_else(|| self.missing(&page, last_page));

        self.head = Some(head(&node).into());
        let left_out = self.otherwise_left_out(&page, last_page);
        let written = self.written(&groups, &gone, &left_out);
        if let Some(written) = &written {
            self.learn(written);
        }
        match self.pages.get_mut(self.page) {
            Some(known) => *known = page,
            None => self.pages.push(page),
        }
        self.turn(last_page);
        Ok(written)
    }

    /// Takes in a document that was logged before, after a restart.
    pub fn learn(&mut self, document: &str) {
        let Ok(node) = tree(document) else {
            return;
        };
        let (Ok(speaks), Ok(read)) = (speaker(&node), read_node(&node)) else {
            return;
        };
        self.head = Some(head(&node).into());
        let groups = self.read(&node, speaks.as_str());
        for group in &groups {
            if let Some(slot) = self.slots.get_mut(group.slot as usize) {
                slot.hash = group.hash;
            }
        }
        self.accounts(&read);
        for (at, list) in LISTS.iter().enumerate() {
            if let Some(more) = read.left_out.get(list) {
                self.told_left_out.insert(at, *more);
            }
        }
        for problem in &read.problems {
            let item = problem.item.as_deref().unwrap_or_default();
            if let Some(slot) = self.slot(&problem.list, item)
                && slot.last.is_some()
                && let Some(group) = groups.get(slot.group as usize)
            {
                slot.bad = group.raws.last().map(|raw| (*raw).into());
            }
        }
    }

    /// A document that says nothing but who speaks, once somebody has.
    pub fn nothing(&self) -> Option<String> {
        let head = self.head.as_ref()?;
        Some(format!("{{{head},\"snapshot\":false}}"))
    }

    /// The page with these bytes at this place, if nothing on it was said otherwise since. Taken out.
    fn seen(&mut self, hash: u128) -> Option<Page> {
        let page = self.pages.get(self.page)?;
        let same = |(slot, hash): &(u32, u128)| {
            let slot = self.slots.get(*slot as usize);
            slot.is_some_and(|slot| slot.hash == *hash)
        };
        let whole = page.hash == hash && page.slots.iter().all(same);
        whole.then(|| self.pages.remove(self.page))
    }

    fn noted(&self, hash: u128, node: &Node<'_>, groups: &[Group<'_>]) -> Page {
        let snapshot = node.get("snapshot").map(|node| &node.tree) != Some(&Tree::Bool(false));
        Page {
            hash,
            snapshot,
            lists: groups
                .iter()
                .filter(|group| group.opens())
                .map(|group| group.list)
                .collect(),
            left_out: left_out(node),
            slots: groups
                .iter()
                .map(|group| (group.slot, group.hash))
                .collect(),
        }
    }

    /// Notes that the snapshot under way lists what stands on this page.
    fn mark(&mut self, page: &Page) {
        for (list, more) in &page.left_out {
            *self.left_out.entry(*list).or_default() += more;
        }
        if !page.snapshot {
            return;
        }
        self.listed.extend(&page.lists);
        for (slot, _) in &page.slots {
            if let Some(slot) = self.slots.get_mut(*slot as usize) {
                slot.round = self.round;
            }
        }
    }

    /// What the snapshot does not list, if it is complete with this page.
    fn missing(&self, page: &Page, last_page: bool) -> Vec<u32> {
        if !page.snapshot || !last_page {
            return vec![];
        }
        let gone = |slot: &Slot| {
            let list = usize::from(slot.list);
            // What was not read may well be listed.
            let whole = !self.left_out.contains_key(&list);
            whole && self.listed.contains(&list) && slot.round != self.round
        };
        let open = self.open.iter().copied();
        open.filter(|slot| self.slots.get(*slot as usize).is_some_and(gone))
            .collect()
    }

    /// What was left out of which list, where it is another number than the one told last. A snapshot says it once, with
    /// its last page; what is only a part says nothing of a list it leaves nothing out of.
    fn otherwise_left_out(&self, page: &Page, last_page: bool) -> Vec<(usize, u64)> {
        if !last_page {
            return vec![];
        }
        let listed = self.listed.iter().filter(|_| page.snapshot);
        let lists: BTreeSet<_> = listed.chain(self.left_out.keys()).copied().collect();
        let known = |of: &BTreeMap<usize, u64>, list: usize| of.get(&list).copied().unwrap_or(0);
        let lists = lists.into_iter();
        lists
            .map(|list| (list, known(&self.left_out, list)))
            .filter(|(list, more)| known(&self.told_left_out, *list) != *more)
            .collect()
    }

    /// On to the next page, or to the next poll.
    fn turn(&mut self, last_page: bool) {
        self.page += 1;
        if last_page {
            self.left_out.clear();
            self.pages.truncate(self.page);
            self.page = 0;
            self.round = self.round.wrapping_add(1);
            self.listed.clear();
        }
    }

    /// All items of a document, those of one name together.
    fn read<'a>(&mut self, node: &Node<'a>, speaks: &str) -> Vec<Group<'a>> {
        self.reading = self.reading.wrapping_add(1);
        self.known.resize_with(PLACES, HashMap::new);
        let reading = self.reading;
        let mut found: Vec<Group<'a>> = vec![];
        groups(node, speaks, &mut |list, name, part| {
            let Some(names) = self.known.get_mut(list) else {
                return;
            };
            let slot = match names.get(name) {
                Some(slot) => *slot,
                None => {
                    let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                    self.slots.push(Slot {
                        list: u8::try_from(list).unwrap_or(u8::MAX),
                        // Not listed by any snapshot yet.
                        round: self.round.wrapping_sub(1),
                        ..Slot::default()
                    });
                    names.insert(name.into(), slot);
                    slot
                }
            };
            let Some(known) = self.slots.get_mut(slot as usize) else {
                return;
            };
            if known.reading == reading
                && let Some(group) = found.get_mut(known.group as usize)
            {
                group.add(part);
                return;
            }
            known.reading = reading;
            known.group = u32::try_from(found.len()).unwrap_or(u32::MAX);
            found.push(Group::new(list, slot, part));
        });
        found
    }

    /// The document of what is new.
    fn written(
        &self,
        groups: &[Group<'_>],
        gone: &[u32],
        left_out: &[(usize, u64)],
    ) -> Option<String> {
        let fresh = |group: &&Group<'_>| {
            let slot = self.slots.get(group.slot as usize);
            slot.is_none_or(|slot| slot.hash != group.hash)
        };
        let fresh: Vec<_> = groups.iter().filter(fresh).collect();
        if fresh.is_empty() && gone.is_empty() && left_out.is_empty() {
            return None;
        }
        let mut out = self.nothing()?;
        out.pop();
        if !left_out.is_empty() {
            let counts = left_out.iter().map(|(list, more)| (place(*list), *more));
            out.push(',');
            out.push_str(&write_left_out(counts));
        }
        for list in 0..PLACES {
            let name = place(list);
            let mut items: Vec<&str> = vec![];
            let mut opened = false;
            for group in fresh.iter().filter(|group| group.list == list) {
                if list == AGENT {
                    // Stands in the head already.
                } else if group.stands_alone() {
                    for raw in &group.raws {
                        out.push_str(&format!(",\"{name}\":{raw}"));
                    }
                } else {
                    opened = true;
                    items.extend(&group.raws);
                }
            }
            let of_list = |slot: &&Slot| usize::from(slot.list) == list;
            let gone = gone
                .iter()
                .filter_map(|slot| self.slots.get(*slot as usize));
            let gone: Vec<_> = gone
                .filter(of_list)
                .filter_map(|slot| Some((ended(name, slot.last.as_deref()?), &slot.bad)))
                .collect();
            for (item, bad) in &gone {
                items.push(item);
                // Its ending is no good item that would clear its dead letter.
                items.extend(bad.as_deref());
            }
            if opened || !items.is_empty() {
                out.push_str(&format!(",\"{name}\":[{}]", items.join(",")));
            }
        }
        out.push('}');
        Some(out)
    }

    /// Which account of an item stands, and whether it would end, as `fleet` has it.
    fn accounts(&mut self, document: &Document) {
        let mut told = HashMap::new();
        for item in document.tasks.iter().flatten() {
            self.task(item, &mut told);
        }
        for item in document.claims.iter().flatten() {
            let open = item.value.state != ClaimState::Released;
            self.stands("claims", &item.value.id, open, &item.raw);
        }
        for item in document.escalations.iter().flatten() {
            let open = item.value.status == EscalationStatus::Pending;
            self.stands("escalations", item.value.id.as_str(), open, &item.raw);
        }
        for item in document.schedules.iter().flatten() {
            self.stands("schedules", &item.value.id, item.value.enabled, &item.raw);
        }
    }

    /// The rule of merging, by the agent's own times: those without are later than all before.
    fn task<'d>(&mut self, item: &'d Item<Task>, told: &mut HashMap<&'d str, &'d Item<Task>>) {
        let id = item.value.id.as_str();
        let Some(slot) = self.slot("tasks", id) else {
            return;
        };
        slot.bad = None;
        let status = &item.value.status;
        let same_time = slot.time == status.timestamp;
        let before = told.get(id).map(|item| item.value.status.state);
        let older = match (before, status.timestamp, slot.time) {
            (_, Some(new), Some(old)) if new < old => true,
            (Some(before), ..) if same_time => rank(status.state) < rank(before),
            (None, Some(_), Some(_)) => same_time && slot.terminal && !status.state.is_terminal(),
            _ => false,
        };
        if older {
            return;
        }
        slot.time = status.timestamp;
        slot.terminal = status.state.is_terminal();
        told.insert(id, item);
        self.stands("tasks", id, status.state.is_live(), &item.raw);
    }

    fn slot(&mut self, list: &str, id: &str) -> Option<&mut Slot> {
        let slot = self.number(list, id)?;
        self.slots.get_mut(slot as usize)
    }

    fn number(&self, list: &str, id: &str) -> Option<u32> {
        let at = (0..PLACES).find(|at| place(*at) == list)?;
        self.known.get(at)?.get(id).copied()
    }

    fn stands(&mut self, list: &str, id: &str, open: bool, raw: &str) {
        debug_assert!(ENDING.contains(&list));
        let Some(number) = self.number(list, id) else {
            return;
        };
        if open {
            self.open.insert(number);
        } else {
            self.open.remove(&number);
        }
        if let Some(slot) = self.slots.get_mut(number as usize) {
            slot.last = open.then(|| raw.into());
            slot.bad = None;
        }
    }
}

/// Version and card as they were written; a name that stands twice counts as it stood first.
fn head(node: &Node<'_>) -> String {
    let raw = |name: &str| node.get(name).map_or("null", |node| node.raw);
    format!(
        "\"schemaVersion\":{},\"agent\":{}",
        raw("schemaVersion"),
        raw("agent")
    )
}

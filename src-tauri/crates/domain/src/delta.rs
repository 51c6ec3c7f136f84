//! What is new in a poll: live polls are logged as these differences, so the log of facts stays small.
//!
//! Knows identity and bytes, and of meaning only what ends when a complete snapshot no longer lists it. Its law: the
//! differences, taken in one after the other, give what the polls would have given (`tests/delta.rs`).

mod forgetting;
mod items;
mod saved;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use self::items::{AGENT, Group, PLACES, Part, digest, groups, left_out, place};
use crate::{
    caps,
    contract::{
        ClaimState, Document, EscalationStatus, Item, LISTS, Problem, Task,
        ending::{ENDING, ended},
        json::{Node, Tree},
        read_node, speaker, tree, tree_in_a_line, write_left_out,
    },
    fleet::{merge::rank, weight},
    time::Time,
};

/// Bytes kept of items that are open, as many as the state of the world has room for.
const OPEN: usize = weight::MOST / 2;

/// Bytes kept of items that could not be used.
const BAD: usize = 1024 * 1024;

/// What one endpoint said last, as far as it is needed to tell what is new.
#[derive(Clone, Debug, Default)]
pub struct Differ {
    /// Bytes of all items that are open, as they were told last; of those that the reading under way opens; of items that
    /// could not be used.
    open_bytes: usize,
    opening_bytes: usize,
    bad_bytes: usize,
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
    /// Of these it has not been read whole.
    unread: BTreeSet<usize>,
    /// Items of the page under way that there was no room for, by list.
    over: BTreeMap<usize, u64>,
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
    /// The account that stands, when it would end; the state of the world holds the same bytes.
    last: Option<Arc<str>>,
    /// Bytes of it that came later and could not be used: they still stand in the list of dead letters.
    bad: Option<Box<str>>,
}

/// A page that need not be read again while its bytes stay the same.
#[derive(Clone, Debug, Default)]
struct Page {
    hash: u128,
    snapshot: bool,
    lists: BTreeSet<usize>,
    /// Items of a list that are not read, and those with new names that there was no room for.
    left_out: Vec<(usize, u64)>,
    over: BTreeMap<usize, u64>,
    /// What stands on it, and the hash of each.
    slots: Vec<(u32, u128)>,
}

/// A difference that was read and is not believed yet.
#[derive(Clone, Debug)]
pub struct Piece {
    /// It read, as its line in the log reads.
    pub document: Arc<Document>,
    head: Box<str>,
    /// What stands in it, and the hash of each.
    slots: Vec<(u32, u128)>,
    /// Items that could not be used although one that ends stands.
    bad: Vec<(u32, Box<str>)>,
    /// How many items of each list were left out.
    left_out: Vec<(usize, u64)>,
}

impl Piece {
    /// How many items stand in it.
    pub fn items(&self) -> u64 {
        self.slots.len() as u64
    }

    /// A document that says nothing but who speaks.
    pub fn nothing(&self) -> String {
        nothing(&self.head) + "}"
    }
}

/// Of what is new, how much goes into one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    /// Names with their items.
    pub items: usize,
    /// Bytes of items; one that is larger stands alone.
    pub bytes: usize,
}

impl Most {
    /// All in one.
    pub const ALL: Self = Self {
        items: usize::MAX,
        bytes: usize::MAX,
    };
}

/// Why there is no difference.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// The answer cannot be used.
    Unusable(Box<Problem>),
    /// Whoever asked did not want to go on.
    Stopped,
}

impl Differ {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A document with only what is new, its bytes as they came, or `None`; it is believed at once. `last_page`: a snapshot
    /// is complete with this page. An `Err` is an answer that cannot be used; it leaves no trace.
    pub fn take(&mut self, body: &str, last_page: bool) -> Result<Option<String>, Box<Problem>> {
        let written = self.news(body, last_page, Most::ALL, &|| true);
        let written = match written {
            Ok(written) => written,
            Err(Refused::Unusable(problem)) => return Err(problem),
            Err(Refused::Stopped) => return Ok(None),
        };
        let written = written.into_iter().next();
        if let Some(written) = &written {
            self.learn(written);
        }
        Ok(written)
    }

    /// Documents with only what is new, none of them more than `most`. Each counts as known once [`Differ::believe`] was
    /// told of it; when one is not, [`Differ::forget_pages`] lets the next poll tell it again. `go_on` is asked between
    /// items; an `Err` leaves no trace.
    pub fn news(
        &mut self,
        body: &str,
        last_page: bool,
        most: Most,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<String>, Refused> {
        let found = self.found(body, last_page, most, go_on);
        if found.is_err() {
            self.forget_pages();
        }
        found
    }

    fn found(
        &mut self,
        body: &str,
        last_page: bool,
        most: Most,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<String>, Refused> {
        self.forget();
        self.over.clear();
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
                return Ok(vec![]);
            }
        }
        let node = tree(body).map_err(Refused::Unusable)?;
        let speaks = speaker(&node).map_err(Refused::Unusable)?;
        let groups = self
            .read(&node, speaks.as_str(), true, go_on)
            .ok_or(Refused::Stopped)?;
        let page = self.noted(hash, &node, &groups);
        if ended.is_none() {
            self.mark(&page);
        }
        let gone = ended.unwrap_or_else(|| self.missing(&page, last_page));

        let left_out = self.otherwise_left_out(&page, last_page);
        let written = self.written(&head(&node), &groups, &gone, &left_out, most);
        match self.pages.get_mut(self.page) {
            Some(known) => *known = page,
            None => self.pages.push(page),
        }
        self.turn(last_page);
        Ok(written)
    }

    /// Takes in a document that was logged before, after a restart.
    pub fn learn(&mut self, document: &str) {
        if let Some(piece) = self.look_at(document) {
            self.believe(&piece);
        }
    }

    /// Reads a difference, without believing it yet. `None`: no document.
    pub fn look_at(&mut self, document: &str) -> Option<Piece> {
        let node = tree_in_a_line(document).ok()?;
        let speaks = speaker(&node).ok()?;
        let read = read_node(&node).ok()?;
        let groups = self.read(&node, speaks.as_str(), false, &|| true)?;
        let mut bad = vec![];
        for problem in &read.problems {
            let item = problem.item.as_deref().unwrap_or_default();
            if let Some(number) = self.number(&problem.list, item)
                && let Some(slot) = self.slots.get(number as usize)
                && let Some(group) = groups.get(slot.group as usize)
                && let Some(raw) = group.raws.last()
            {
                bad.push((number, (*raw).into()));
            }
        }
        let slots = groups.iter().map(|group| (group.slot, group.hash));
        let lists = LISTS.iter().enumerate();
        let left_out = lists.filter_map(|(at, list)| Some((at, *read.left_out.get(list)?)));
        Some(Piece {
            left_out: left_out.collect(),
            head: head(&node).into(),
            slots: slots.collect(),
            document: Arc::new(read),
            bad,
        })
    }

    /// A difference is written down: it is no news any more.
    pub fn believe(&mut self, piece: &Piece) {
        self.head = Some(piece.head.clone());
        for (number, hash) in &piece.slots {
            if let Some(slot) = self.slots.get_mut(*number as usize) {
                slot.hash = *hash;
            }
        }
        self.accounts(&piece.document);
        self.told_left_out.extend(piece.left_out.iter().copied());
        for (number, raw) in &piece.bad {
            let slot = self.slots.get(*number as usize);
            if slot.is_some_and(|slot| slot.last.is_some()) {
                self.set_bad(*number, Some(raw));
            }
        }
    }

    /// What was told last did not all arrive: whatever comes next is looked at item by item.
    pub fn forget_pages(&mut self) {
        self.pages.clear();
        self.page = 0;
        self.listed.clear();
        self.round = self.round.wrapping_add(1);
    }

    /// A document that says nothing but who speaks, once somebody has.
    pub fn nothing(&self) -> Option<String> {
        let head = self.head.as_ref()?;
        Some(nothing(head) + "}")
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
            // What there was no room for may find some without other bytes.
            hash: if self.over.is_empty() { hash } else { 0 },
            snapshot,
            lists: groups
                .iter()
                .filter(|group| group.opens())
                .map(|group| group.list)
                .collect(),
            left_out: left_out(node),
            over: self.over.clone(),
            slots: groups
                .iter()
                .map(|group| (group.slot, group.hash))
                .collect(),
        }
    }

    /// Notes that the snapshot under way lists what stands on this page.
    fn mark(&mut self, page: &Page) {
        self.unread
            .extend(page.left_out.iter().map(|(list, _)| list));
        let unread = page.left_out.iter().map(|(list, more)| (list, more));
        for (list, more) in unread.chain(&page.over) {
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
            // What was not read may well be listed; what there was no room for has another name.
            let whole = !self.unread.contains(&list);
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
            self.unread.clear();
            self.pages.truncate(self.page);
            self.page = 0;
            self.round = self.round.wrapping_add(1);
            self.listed.clear();
        }
    }

    /// All items of a document, those of one name together. Where `limited`, what is new beyond so many names, or so many
    /// bytes of what is open, is only counted.
    fn read<'a>(
        &mut self,
        node: &Node<'a>,
        speaks: &str,
        limited: bool,
        go_on: &dyn Fn() -> bool,
    ) -> Option<Vec<Group<'a>>> {
        self.reading = self.reading.wrapping_add(1);
        self.known.resize_with(PLACES, HashMap::new);
        let reading = self.reading;
        self.opening_bytes = 0;
        let mut found: Vec<Group<'a>> = vec![];
        let mut goes_on = true;
        groups(node, speaks, &mut |list, name, part| {
            goes_on = goes_on && go_on();
            if !goes_on {
                return;
            }
            let Some(names) = self.known.get_mut(list) else {
                return;
            };
            let known = names.get(name).copied();
            let slot = known.and_then(|number| self.slots.get(number as usize));
            let opens = match part {
                Part::Item(raw, true) if slot.is_none_or(|slot| slot.last.is_none()) => raw.len(),
                _ => 0,
            };
            let is_nameable = list < AGENT && !matches!(part, Part::Open);
            let names_full = known.is_none() && is_nameable && self.slots.len() >= caps::KNOWN;
            let bytes_full = opens > 0 && self.open_bytes + self.opening_bytes + opens > OPEN;
            if limited && (names_full || bytes_full) {
                *self.over.entry(list).or_default() += 1;
                return;
            }
            self.opening_bytes += opens;
            let slot = match known {
                Some(slot) => slot,
                None => {
                    let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
                    if self.slots.len() == self.slots.capacity() {
                        // There may be many: not twice as much room as is needed.
                        self.slots.reserve_exact(self.slots.len() / 8 + 16);
                    }
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
        goes_on.then_some(found)
    }

    /// The documents of what is new. What stands under one name stays together.
    fn written(
        &self,
        head: &str,
        groups: &[Group<'_>],
        gone: &[u32],
        left_out: &[(usize, u64)],
        most: Most,
    ) -> Vec<String> {
        let fresh = |group: &&Group<'_>| {
            let slot = self.slots.get(group.slot as usize);
            slot.is_none_or(|slot| slot.hash != group.hash)
        };
        let mut of_list: Vec<(Vec<&Group<'_>>, Vec<&Slot>)> = vec![];
        of_list.resize_with(PLACES, Default::default);
        for group in groups.iter().filter(fresh) {
            if let Some((fresh, _)) = of_list.get_mut(group.list) {
                fresh.push(group);
            }
        }
        for slot in gone {
            if let Some(slot) = self.slots.get(*slot as usize)
                && let Some((_, gone)) = of_list.get_mut(usize::from(slot.list))
            {
                gone.push(slot);
            }
        }
        let mut out = Writing::new(head, most);
        if !left_out.is_empty() {
            let counts = left_out.iter().map(|(list, more)| (place(*list), *more));
            out.text.push(',');
            out.text.push_str(&write_left_out(counts));
            out.any = true;
        }
        for (list, (fresh, gone)) in of_list.iter().enumerate() {
            let name = place(list);
            for group in fresh {
                if list == AGENT {
                    // Stands in the head already.
                    out.any = true;
                } else if group.stands_alone() {
                    out.members(name, &group.raws);
                }
            }
            for group in fresh.iter().filter(|group| !group.stands_alone()) {
                if list != AGENT {
                    out.items(name, &group.raws);
                }
            }
            for slot in gone {
                let Some(last) = slot.last.as_deref() else {
                    continue;
                };
                let ended = ended(name, last);
                // Its ending is no good item that would clear its dead letter.
                let both = [Some(ended.as_str()), slot.bad.as_deref()];
                out.items(name, &both.into_iter().flatten().collect::<Vec<_>>());
            }
            out.close();
        }
        out.finished()
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
        let Some(number) = self.number("tasks", id) else {
            return;
        };
        self.set_bad(number, None);
        let Some(slot) = self.slots.get_mut(number as usize) else {
            return;
        };
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

    /// What could not be used stands for as long as there is room: without it its dead letter goes when the item ends.
    fn set_bad(&mut self, number: u32, bad: Option<&str>) {
        let Some(slot) = self.slots.get_mut(number as usize) else {
            return;
        };
        self.bad_bytes -= slot.bad.take().map_or(0, |bad| bad.len());
        slot.bad = bad
            .filter(|bad| self.bad_bytes + bad.len() <= BAD)
            .map(Into::into);
        self.bad_bytes += slot.bad.as_ref().map_or(0, |bad| bad.len());
    }

    fn number(&self, list: &str, id: &str) -> Option<u32> {
        let at = (0..PLACES).find(|at| place(*at) == list)?;
        self.known.get(at)?.get(id).copied()
    }

    fn stands(&mut self, list: &str, id: &str, open: bool, raw: &Arc<str>) {
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
            let before = slot.last.as_ref().map_or(0, |last| last.len());
            let has_room = before == 0 || self.open_bytes - before + raw.len() <= OPEN;
            // Where it has grown and there is no room, it will end as it was told before.
            if !open || has_room {
                slot.last = open.then(|| raw.clone());
                self.open_bytes = self.open_bytes - before + if open { raw.len() } else { 0 };
            }
        }
        self.set_bad(number, None);
    }
}

/// Documents as they are written.
struct Writing<'h> {
    head: &'h str,
    most: Most,
    done: Vec<String>,
    text: String,
    /// The document under way says something.
    any: bool,
    open: bool,
    items: usize,
    bytes: usize,
}

impl<'h> Writing<'h> {
    fn new(head: &'h str, most: Most) -> Self {
        Self {
            head,
            most,
            done: vec![],
            text: nothing(head),
            any: false,
            open: false,
            items: 0,
            bytes: 0,
        }
    }

    /// Makes room for one more name with its items.
    fn room(&mut self, raws: &[&str]) {
        let bytes = raws.iter().map(|raw| raw.len() + 1).sum::<usize>();
        if self.items > 0 && (self.items >= self.most.items || self.bytes + bytes > self.most.bytes)
        {
            self.close();
            let next = nothing(self.head);
            self.end(next);
        }
        self.any = true;
        self.items += 1;
        self.bytes += bytes;
    }

    fn members(&mut self, name: &str, raws: &[&str]) {
        self.room(raws);
        for raw in raws {
            self.text.push_str(&format!(",\"{name}\":{raw}"));
        }
    }

    fn items(&mut self, name: &str, raws: &[&str]) {
        self.room(raws);
        if !std::mem::replace(&mut self.open, true) {
            self.text.push_str(&format!(",\"{name}\":["));
        }
        for raw in raws {
            if !self.text.ends_with('[') {
                self.text.push(',');
            }
            self.text.push_str(raw);
        }
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.text.push(']');
        }
    }

    fn end(&mut self, next: String) {
        let mut text = std::mem::replace(&mut self.text, next);
        if std::mem::take(&mut self.any) {
            text.push('}');
            self.done.push(text);
        }
        (self.items, self.bytes) = (0, 0);
    }

    fn finished(mut self) -> Vec<String> {
        self.end(String::new());
        self.done
    }
}

/// A document that says nothing but who speaks, without its end.
fn nothing(head: &str) -> String {
    format!("{{{head},\"snapshot\":false")
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

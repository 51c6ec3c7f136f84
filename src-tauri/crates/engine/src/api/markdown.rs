//! Markdown of an agent as a small typed tree, page by page. Bounded in depth, places and bytes, whatever is written.
//!
//! It makes no markup: HTML stays visible text, an image stays its words and its address, and a link says where it leads
//! and whether it would be opened. Hidden characters are judged over all words of the page at once, so that emphasis in
//! the middle of a word neither hides an imitation nor makes one of an honest word.

use std::ops::ControlFlow;

use domain::{
    link,
    text::{self, Place},
};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

use super::{
    views::{AgentText, MarkdownBlock, MarkdownCell, MarkdownInline, MarkdownItem, MarkdownRow},
    wording::{agent_text, agent_text_in, text_mark},
};

/// Quotes, lists and emphasis inside one another; what is deeper stands where the last of them stands.
const DEPTH: usize = 16;
/// A page ends before the block that begins after so much.
const PAGE_PLACES: usize = 700;
const PAGE_BYTES: usize = 48 * 1024;
/// A single block ends in any case after so much.
const MOST_PLACES: usize = 1_400;
const MOST_BYTES: usize = 96 * 1024;

/// Bytes that are read for a page: a parser of Markdown can be made to take the square of what it is given.
const READ: usize = 64 * 1024;

/// One page. `next`: where the following one begins, in bytes. `cut`: a block was too long to be drawn whole.
pub(crate) struct Page {
    pub blocks: Vec<MarkdownBlock>,
    pub next: Option<usize>,
    pub cut: bool,
}

/// The page that begins at `from`, which an earlier page named, or 0. It ends before a block, or before an item of an
/// outermost list; an address that stands elsewhere under a name is found on its own page only.
pub(crate) fn page(source: &str, from: usize) -> Page {
    let rest = &source[source.floor_char_boundary(from.min(source.len()))..];
    let from = source.len() - rest.len();
    let read = &rest[..rest.floor_char_boundary(READ)];
    // What a blank line ends before the last byte read is whole; only a fence is not ended by one.
    let goes_on = |event: &Event<'_>, end: usize| {
        let tail = &read[read[..end].trim_end().len()..];
        let fenced = matches!(event, Event::Start(Tag::CodeBlock(_) | Tag::HtmlBlock));
        read.len() < rest.len()
            && tail.trim().is_empty()
            && (tail.matches('\n').count() < 2 || (fenced && end == read.len()))
    };
    let mut options =
        Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS | Options::ENABLE_STRIKETHROUGH;
    // Further on, it is a rule.
    options.set(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS, from == 0);
    let mut draft = Draft::default();
    let mut next = None;
    let mut ended = true;
    for (event, range) in Parser::new_ext(read, options).into_offset_iter() {
        let begins = match &event {
            Event::Start(Tag::List(_)) if draft.open.is_empty() => true,
            Event::Start(Tag::Item) => matches!(draft.open[..], [Open::List(..)]),
            Event::End(_) => false,
            _ => draft.open.is_empty(),
        };
        if begins && draft.places > 1 {
            let list = matches!(event, Event::Start(Tag::List(_)));
            if draft.is_full() || (goes_on(&event, range.end) && !list) {
                next = Some(from + range.start);
                break;
            }
        }
        if begins {
            ended = !goes_on(&event, range.end);
        }
        draft.take(event);
    }
    while !draft.open.is_empty() {
        draft.close();
    }
    draft.flow.flush();
    if next.is_none() && ended && read.len() < rest.len() {
        next = Some(from + read.len());
    }
    let mut blocks = draft.flow.blocks;
    reveal(&mut blocks);
    Page {
        blocks,
        next,
        cut: draft.cut || (next.is_none() && !ended),
    }
}

/// Blocks, and words that stand among them without a paragraph of their own.
#[derive(Default)]
struct Flow {
    blocks: Vec<MarkdownBlock>,
    inlines: Vec<MarkdownInline>,
}

impl Flow {
    fn flush(&mut self) {
        if !self.inlines.is_empty() {
            let inlines = std::mem::take(&mut self.inlines);
            self.blocks.push(MarkdownBlock::Paragraph { inlines });
        }
    }

    fn whole(mut self) -> Vec<MarkdownBlock> {
        self.flush();
        self.blocks
    }
}

enum Open {
    Quote(Flow),
    List(Option<u64>, Vec<MarkdownItem>),
    Item(Option<bool>, Flow),
    Table(Option<MarkdownRow>, Vec<MarkdownRow>),
    Row(bool, Vec<MarkdownCell>),
    Cell(Vec<MarkdownInline>),
    Paragraph(Vec<MarkdownInline>),
    Heading(u8, Vec<MarkdownInline>),
    Code(Option<String>, String),
    Markup(String),
    Emphasis(Vec<MarkdownInline>),
    Strong(Vec<MarkdownInline>),
    Struck(Vec<MarkdownInline>),
    Link(String, Vec<MarkdownInline>),
    Image(String, String),
    /// Too deep, too much, or of no kind that is drawn: what is in it stands in what holds it.
    Through,
}

#[derive(Default)]
struct Draft {
    flow: Flow,
    open: Vec<Open>,
    places: usize,
    bytes: usize,
    cut: bool,
    /// Begun after the cut and not ended yet.
    left_out: usize,
}

impl Draft {
    fn is_full(&self) -> bool {
        self.places >= PAGE_PLACES || self.bytes >= PAGE_BYTES
    }

    /// Counts one place; false when there is no room left for it.
    fn has_room(&mut self) -> bool {
        self.places += 1;
        if self.places > MOST_PLACES || self.bytes >= MOST_BYTES {
            self.cut = true;
        }
        !self.cut
    }

    /// As much of a text as there is room for.
    fn fitting<'a>(&mut self, words: &'a str) -> &'a str {
        let room = MOST_BYTES.saturating_sub(self.bytes);
        if words.len() > room {
            self.cut = true;
        }
        let kept = &words[..words.floor_char_boundary(room)];
        self.bytes += kept.len();
        kept
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(_) if self.cut => self.left_out += 1,
            Event::End(_) if self.left_out > 0 => self.left_out -= 1,
            Event::Start(tag) => self.start(tag),
            Event::End(_) => self.close(),
            Event::Text(words) => self.words(&words),
            Event::SoftBreak => self.words("\n"),
            Event::HardBreak => self.leaf(|_| MarkdownInline::Break),
            Event::Code(words) => self.leaf(|draft| MarkdownInline::Code {
                text: raw(draft.fitting(&words)),
            }),
            Event::Html(words) | Event::InlineHtml(words) => match self.open.last_mut() {
                Some(Open::Markup(_)) => self.words(&words),
                _ => self.leaf(|draft| MarkdownInline::Markup {
                    text: raw(draft.fitting(&words)),
                }),
            },
            Event::Rule if self.has_room() => self.block(MarkdownBlock::Rule),
            Event::TaskListMarker(ticked) => {
                if let Some(Open::Item(checked, _)) = self.open.last_mut() {
                    *checked = Some(ticked);
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let deep = self.open.len() >= DEPTH;
        let pictured = self.open.iter().any(|open| matches!(open, Open::Image(..)));
        let opened = if !self.has_room() || pictured {
            Open::Through
        } else {
            match tag {
                Tag::BlockQuote(_) if !deep => Open::Quote(Flow::default()),
                Tag::List(start) if !deep => Open::List(start, vec![]),
                Tag::Item if matches!(self.open.last(), Some(Open::List(..))) => {
                    Open::Item(None, Flow::default())
                }
                Tag::Emphasis if !deep => Open::Emphasis(vec![]),
                Tag::Strong if !deep => Open::Strong(vec![]),
                Tag::Strikethrough if !deep => Open::Struck(vec![]),
                Tag::Paragraph => Open::Paragraph(vec![]),
                Tag::Heading { level, .. } => Open::Heading(number(level), vec![]),
                Tag::CodeBlock(kind) => {
                    let language = match kind {
                        CodeBlockKind::Fenced(said) => first_word(&said).map(str::to_owned),
                        CodeBlockKind::Indented => None,
                    };
                    Open::Code(language, String::new())
                }
                Tag::MetadataBlock(_) => Open::Code(None, String::new()),
                Tag::HtmlBlock => Open::Markup(String::new()),
                Tag::Table(_) => Open::Table(None, vec![]),
                Tag::TableHead => Open::Row(true, vec![]),
                Tag::TableRow => Open::Row(false, vec![]),
                Tag::TableCell => Open::Cell(vec![]),
                Tag::Link { dest_url, .. } => Open::Link(dest_url.into_string(), vec![]),
                Tag::Image { dest_url, .. } => Open::Image(dest_url.into_string(), String::new()),
                _ => Open::Through,
            }
        };
        if matches!(opened, Open::Through) {
            self.part();
        }
        self.open.push(opened);
    }

    fn close(&mut self) {
        use MarkdownBlock as B;
        use MarkdownInline as I;
        let Some(closed) = self.open.pop() else {
            return;
        };
        match closed {
            Open::Quote(flow) => self.block(B::Quote {
                blocks: flow.whole(),
            }),
            Open::List(start, items) => {
                if !items.is_empty() {
                    self.block(B::List { start, items });
                }
            }
            Open::Item(checked, flow) => {
                if let Some(Open::List(_, items)) = self.open.last_mut() {
                    let blocks = flow.whole();
                    items.push(MarkdownItem { checked, blocks });
                }
            }
            Open::Table(head, rows) => {
                let head = head.unwrap_or(MarkdownRow { cells: vec![] });
                self.block(B::Table { head, rows });
            }
            Open::Row(first, cells) => {
                if let Some(Open::Table(head, rows)) = self.open.last_mut() {
                    if first {
                        *head = Some(MarkdownRow { cells });
                    } else {
                        rows.push(MarkdownRow { cells });
                    }
                }
            }
            Open::Cell(inlines) => {
                if let Some(Open::Row(_, cells)) = self.open.last_mut() {
                    cells.push(MarkdownCell { inlines });
                }
            }
            Open::Paragraph(inlines) => self.block(B::Paragraph { inlines }),
            Open::Heading(level, inlines) => self.block(B::Heading { level, inlines }),
            Open::Code(language, words) => self.block(B::Code {
                language: language.as_deref().map(agent_text),
                text: raw(words.strip_suffix('\n').unwrap_or(&words)),
            }),
            Open::Markup(words) => self.block(B::Markup {
                text: raw(words.trim_end_matches('\n')),
            }),
            Open::Emphasis(inlines) => {
                self.inline(I::Emphasis { inlines });
            }
            Open::Strong(inlines) => {
                self.inline(I::Strong { inlines });
            }
            Open::Struck(inlines) => {
                self.inline(I::Struck { inlines });
            }
            Open::Link(address, inlines) => {
                let (host, refused) = match link::read(&address) {
                    Ok(link) => (Some(link.host), None),
                    Err(reason) => (None, Some(reason.to_owned())),
                };
                let address = agent_text_in(Place::Name, self.fitting(&address));
                self.inline(I::Link {
                    inlines,
                    address,
                    host,
                    refused,
                });
            }
            Open::Image(address, words) => {
                let address = agent_text_in(Place::Name, self.fitting(&address));
                let text = raw(&words);
                self.inline(I::Image { text, address });
            }
            Open::Through => self.part(),
        }
    }

    /// What follows stands in a paragraph of its own.
    fn part(&mut self) {
        let holder = self.holder();
        if let ControlFlow::Continue(flow) = holder {
            flow.flush();
        }
    }

    fn block(&mut self, block: MarkdownBlock) {
        let flow = match self.holder() {
            ControlFlow::Continue(flow) => flow,
            ControlFlow::Break(_) => &mut self.flow,
        };
        flow.flush();
        flow.blocks.push(block);
    }

    /// Where blocks or words stand now: a flow, or words of one block.
    fn holder(&mut self) -> ControlFlow<&mut Open, &mut Flow> {
        let at = self
            .open
            .iter()
            .rposition(|open| !matches!(open, Open::Through));
        match at.and_then(|at| self.open.get_mut(at)) {
            None => ControlFlow::Continue(&mut self.flow),
            Some(Open::Quote(flow) | Open::Item(_, flow)) => ControlFlow::Continue(flow),
            Some(open) => ControlFlow::Break(open),
        }
    }

    fn leaf(&mut self, make: impl FnOnce(&mut Self) -> MarkdownInline) {
        if self.has_room() {
            let inline = make(self);
            self.inline(inline);
        }
    }

    /// Whether it stands for itself; words that follow words go on with them.
    fn inline(&mut self, inline: MarkdownInline) -> bool {
        let inlines = match self.holder() {
            ControlFlow::Continue(flow) => &mut flow.inlines,
            ControlFlow::Break(
                Open::Paragraph(inlines)
                | Open::Heading(_, inlines)
                | Open::Cell(inlines)
                | Open::Emphasis(inlines)
                | Open::Strong(inlines)
                | Open::Struck(inlines)
                | Open::Link(_, inlines),
            ) => inlines,
            // The words of an image have no form of their own.
            ControlFlow::Break(Open::Image(_, words)) => {
                if let MarkdownInline::Text { text } | MarkdownInline::Code { text } = inline {
                    words.push_str(&text.text);
                }
                return false;
            }
            ControlFlow::Break(_) => return false,
        };
        match (inlines.last_mut(), inline) {
            (Some(MarkdownInline::Text { text: before }), MarkdownInline::Text { text: after }) => {
                before.text.push_str(&after.text);
                false
            }
            (_, inline) => {
                inlines.push(inline);
                true
            }
        }
    }

    fn words(&mut self, words: &str) {
        if self.cut {
            return;
        }
        let text = raw(self.fitting(words));
        if let Some(Open::Code(_, all) | Open::Markup(all) | Open::Image(_, all)) =
            self.open.last_mut()
        {
            all.push_str(&text.text);
        } else if self.inline(MarkdownInline::Text { text }) {
            self.places += 1;
        }
    }
}

fn number(level: HeadingLevel) -> u8 {
    level as u8
}

fn first_word(said: &str) -> Option<&str> {
    said.split_whitespace().next()
}

/// Words before they are looked at together.
fn raw(words: &str) -> AgentText {
    AgentText {
        text: words.to_owned(),
        flagged: false,
        marks: vec![],
    }
}

/// Where a block ends: a control character of its own, so that blocks are no blank lines to be judged.
const END: char = '\u{1c}';

/// Makes hidden characters visible in every text of the page, judged over all of them.
fn reveal(blocks: &mut [MarkdownBlock]) {
    let mut whole = String::new();
    each(blocks, &mut |found| match found {
        Found::Words(words) => whole.push_str(&words.text),
        Found::End => whole.push(END),
    });
    let marks = text::visible(&whole).marks;
    let mut marks = marks.iter().peekable();
    let mut before = 0;
    // Of a run that one mark stands for, how much is still to come.
    let mut rest = 0;
    each(blocks, &mut |found| {
        let Found::Words(words) = found else {
            before += 1;
            rest = 0;
            return;
        };
        let mut shown = String::with_capacity(words.text.len());
        let mut count = 0;
        for (offset, character) in words.text.chars().enumerate() {
            count += 1;
            if rest > 0 {
                rest -= 1;
                continue;
            }
            while marks
                .next_if(|mark| mark.offset < before + offset)
                .is_some()
            {}
            let Some(mark) = marks.next_if(|mark| mark.offset == before + offset) else {
                shown.push(character);
                continue;
            };
            if mark.kind == text::MarkKind::Confusable {
                shown.push(character);
            }
            shown.push_str(&mark.token());
            words.marks.push(text_mark(mark, offset));
            rest = mark.count - 1;
        }
        words.flagged = !words.marks.is_empty();
        words.text = shown;
        before += count;
    });
}

enum Found<'a> {
    Words(&'a mut AgentText),
    End,
}

/// All texts in the order in which they are read, and where a block ends.
fn each(blocks: &mut [MarkdownBlock], on: &mut impl FnMut(Found<'_>)) {
    for block in blocks {
        match block {
            MarkdownBlock::Heading { inlines, .. } | MarkdownBlock::Paragraph { inlines } => {
                within(inlines, on);
            }
            MarkdownBlock::Code { text, .. } | MarkdownBlock::Markup { text } => {
                on(Found::Words(text));
            }
            MarkdownBlock::Quote { blocks } => each(blocks, on),
            MarkdownBlock::List { items, .. } => {
                for item in items {
                    each(&mut item.blocks, on);
                }
            }
            MarkdownBlock::Table { head, rows } => {
                for row in std::iter::once(head).chain(rows) {
                    for cell in &mut row.cells {
                        within(&mut cell.inlines, on);
                        on(Found::End);
                    }
                }
            }
            MarkdownBlock::Rule => {}
        }
        on(Found::End);
    }
}

fn within(inlines: &mut [MarkdownInline], on: &mut impl FnMut(Found<'_>)) {
    for inline in inlines {
        match inline {
            MarkdownInline::Text { text }
            | MarkdownInline::Code { text }
            | MarkdownInline::Image { text, .. }
            | MarkdownInline::Markup { text } => on(Found::Words(text)),
            MarkdownInline::Emphasis { inlines }
            | MarkdownInline::Strong { inlines }
            | MarkdownInline::Struck { inlines }
            | MarkdownInline::Link { inlines, .. } => within(inlines, on),
            MarkdownInline::Break => on(Found::End),
        }
    }
}

#[cfg(test)]
mod tests;

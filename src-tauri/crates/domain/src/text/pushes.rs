//! Padding that pushes what follows out of view: many blank lines, long runs of blanks, long rows of one sign. What ends
//! the text pushes nothing.

use std::ops::Range;

use super::MarkKind;

/// So many line breaks with nothing to be seen between them.
const LINES: usize = 10;
/// So many columns of blanks within a line; tables stay below.
const COLUMNS: usize = 40;
/// So many before a line; code that is aligned with the line above it stays below.
const INDENTED: usize = 100;
/// A tab is drawn so wide.
const TAB: usize = 4;
/// So many of one sign in one line; a rule across a page stays below.
const SIGNS: usize = 200;

/// Whether plain text could hold a run: no character that is neither blank nor the same as so many before it.
pub(super) fn may_push(text: &str) -> bool {
    let (mut blanks, mut same, mut last) = (0, 0, 0);
    text.bytes().any(|byte| {
        blanks = if byte.is_ascii_whitespace() {
            blanks + 1
        } else {
            0
        };
        same = if byte == last { same + 1 } else { 1 };
        last = byte;
        blanks >= LINES || same >= SIGNS
    })
}

/// The runs, in order; only of characters that have no mark of their own.
pub(super) fn runs(text: &[char], kinds: &[Option<MarkKind>]) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let blank = |at: usize| kinds[at].is_none() && text[at].is_whitespace();
        while at < text.len() && blank(at) {
            at += 1;
        }
        if at > start {
            if at < text.len() && pushes(&text[start..at], start == 0) {
                split(text, start..at, &mut found);
            }
            continue;
        }
        let sign = text[start];
        while at < text.len() && text[at] == sign && kinds[at].is_none() {
            at += 1;
        }
        let goes_on = at < text.len() && text[at] != '\n' && text[at] != '\r';
        if at - start >= SIGNS && goes_on && !sign.is_alphanumeric() {
            found.push(start..at);
        }
        at = at.max(start + 1);
    }
    found
}

fn pushes(run: &[char], first: bool) -> bool {
    let lines = run.iter().filter(|c| **c == '\n').count();
    let last = run.iter().rev().take_while(|c| **c != '\n');
    let columns: usize = last
        .map(|c| match c {
            '\t' => TAB,
            '\u{3000}' => 2,
            _ => 1,
        })
        .sum();
    let most = if first || lines > 0 {
        INDENTED
    } else {
        COLUMNS
    };
    lines >= LINES || columns >= most
}

/// Several lines are one run; within a line there is one for each kind of blank, so that it can be told what was there.
fn split(text: &[char], run: Range<usize>, found: &mut Vec<Range<usize>>) {
    if text[run.clone()].contains(&'\n') {
        found.push(run);
        return;
    }
    let mut start = run.start;
    for same in text[run].chunk_by(|one, other| one == other) {
        found.push(start..start + same.len());
        start += same.len();
    }
}

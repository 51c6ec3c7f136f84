//! An action as it was written. What hides behind an escape such as `\u202e` is what the agent's program will read, so it is
//! marked as if it stood there itself, and each string is judged by what it is for; offsets are those of the JSON text.

use domain::text::{Mark, MarkKind, Place, marks};

use super::{Seen, told};

/// Members whose values a program runs, and members that name something.
const RUN: &[&str] = &["argv", "cmd", "code", "command", "env", "script", "shell"];
const NAMED: &[&str] = &[
    "account",
    "cwd",
    "dir",
    "directory",
    "email",
    "endpoint",
    "file",
    "file_path",
    "filename",
    "filepath",
    "host",
    "href",
    "id",
    "name",
    "path",
    "recipient",
    "repo",
    "resource",
    "target",
    "uri",
    "url",
];

/// A character that is read, and where it is written.
struct Sign {
    read: char,
    start: usize,
    end: usize,
}

/// Marks every string of a JSON text, and padding between them.
pub(super) fn look(raw: &str) -> Seen {
    let written: Vec<char> = raw.chars().collect();
    let mut found: Vec<(usize, usize, Mark)> = vec![];
    let mut signs: Vec<Sign> = vec![];
    // The text without what the strings say, for the padding between them.
    let mut frame = written.clone();
    // What the members that are open are for; one more for each list and object.
    let mut open: Vec<Place> = vec![Place::Prose];
    let mut at = 0;
    while at < written.len() {
        match written[at] {
            '{' | '[' => open.push(*open.last().unwrap_or(&Place::Prose)),
            '}' | ']' => drop(open.pop()),
            '"' => {
                let text = string(&written, at + 1);
                let end = text.last().map_or(at + 1, |sign| sign.end);
                frame[at..end].fill('x');
                let after = (end + 1..written.len()).find(|at| !written[*at].is_whitespace());
                let is_name = after.is_some_and(|at| written[at] == ':');
                let read: Vec<char> = text.iter().map(|sign| sign.read).collect();
                let place = match open.len() {
                    _ if is_name => Place::Name,
                    depth => open[depth.saturating_sub(1)],
                };
                found.extend(marks(place, &read).into_iter().map(|mark| {
                    let last = &text[mark.offset + mark.count - 1];
                    (text[mark.offset].start, last.end, mark)
                }));
                found.extend(text.iter().filter(|sign| is_disguised(sign)).map(disguised));
                if is_name && open.pop().is_some() {
                    let above = open.last().copied().unwrap_or(Place::Prose);
                    let name: String = read.iter().collect::<String>().to_ascii_lowercase();
                    let above = if open.len() > 1 { above } else { Place::Prose };
                    let value = after.map_or(written.len(), |colon| colon + 1);
                    let first = written[value..].iter().find(|c| !c.is_whitespace());
                    open.push(match name.as_str() {
                        // A list of them is a command line, an object has members of its own.
                        "args" | "arguments" if first == Some(&'[') => Place::Command,
                        name => place_of(name, above),
                    });
                }
                signs.extend(text);
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    let padded = marks(Place::Prose, &frame).into_iter();
    found.extend(padded.map(|mark| (mark.offset, mark.offset + mark.count, mark)));
    found.sort_by_key(|(start, ..)| *start);
    shown(&written, &signs, &found)
}

fn place_of(name: &str, above: Place) -> Place {
    if RUN.contains(&name) {
        Place::Command
    } else if NAMED.contains(&name) {
        Place::Name
    } else {
        above
    }
}

/// A plain letter or digit behind an escape: nothing writes them so but to keep them from being read.
fn is_disguised(sign: &Sign) -> bool {
    sign.end - sign.start == 6 && sign.read.is_ascii_alphanumeric()
}

fn disguised(sign: &Sign) -> (usize, usize, Mark) {
    let mark = Mark {
        codepoint: format!("U+{:04X}", sign.read as u32),
        offset: sign.start,
        kind: MarkKind::Hidden,
        count: 1,
    };
    (sign.start, sign.end, mark)
}

fn shown(written: &[char], signs: &[Sign], found: &[(usize, usize, Mark)]) -> Seen {
    let mut visible = String::with_capacity(written.len());
    let mut signs = signs.iter().peekable();
    let mut marked = found.iter().peekable();
    let mut at = 0;
    while at < written.len() {
        while signs.next_if(|sign| sign.start < at).is_some() {}
        let sign = signs.next_if(|sign| sign.start == at);
        if let Some((_, end, mark)) = marked.next_if(|(start, ..)| *start == at) {
            match sign {
                Some(sign) if mark.kind == MarkKind::Confusable || is_disguised(sign) => {
                    visible.push(sign.read);
                }
                _ => {}
            }
            visible.push_str(&mark.token());
            at = (*end).max(at + 1);
            continue;
        }
        match sign {
            // A letter beyond ASCII reads better than its escape.
            Some(sign) if !sign.read.is_ascii() => visible.push(sign.read),
            Some(sign) => visible.extend(&written[sign.start..sign.end]),
            None => visible.push(written[at]),
        }
        at = sign.map_or(at + 1, |sign| sign.end);
    }
    Seen {
        flagged: !found.is_empty(),
        marks: found
            .iter()
            .map(|(start, _, mark)| told(mark, *start))
            .collect(),
        visible,
    }
}

/// The characters of a string up to its closing quote.
fn string(written: &[char], start: usize) -> Vec<Sign> {
    let mut signs = vec![];
    let mut start = start;
    while start < written.len() && written[start] != '"' {
        let (read, length) = match written[start] {
            '\\' => escaped(&written[start..]),
            read => (read, 1),
        };
        let end = (start + length).min(written.len());
        signs.push(Sign { read, start, end });
        start = end;
    }
    signs
}

/// What an escape stands for, and how long it is. Half a pair stands for nothing.
fn escaped(from: &[char]) -> (char, usize) {
    let unit = |start: usize| -> Option<u32> {
        if from.get(start..start + 2) != Some(&['\\', 'u']) {
            return None;
        }
        let digits: String = from.get(start + 2..start + 6)?.iter().collect();
        u32::from_str_radix(&digits, 16).ok()
    };
    let Some(first) = unit(0) else {
        let read = match from.get(1) {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(read) => *read,
            None => '\\',
        };
        return (read, 2);
    };
    let (code, length) = match (first, unit(6)) {
        (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) => {
            (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        _ => (first, 6),
    };
    (
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
        length,
    )
}

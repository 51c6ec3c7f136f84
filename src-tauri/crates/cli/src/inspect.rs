//! `missionctl inspect`: how text, actions and addresses of agents are shown: what hides in them is made visible, and
//! which addresses would be opened. Line by line, so that it can stand in a pipe.

use std::io::{self, BufRead};

use domain::{
    decision::digest,
    link,
    text::{Visible, visible},
};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use crate::{
    Failure,
    everywhere::Everywhere,
    out::{Lines, plain},
};

/// One line of stdin: exactly one of the three.
#[derive(Deserialize)]
struct Asked {
    id: Option<Box<RawValue>>,
    text: Option<String>,
    action: Option<Box<RawValue>>,
    url: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    id: Option<Box<RawValue>>,
    #[serde(flatten)]
    seen: Seen,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loopback: Option<bool>,
}

#[derive(Serialize)]
struct Seen {
    visible: String,
    marks: Vec<serde_json::Value>,
    flagged: bool,
}

/// Answers each line of stdin with one line.
pub(crate) fn run(everywhere: &Everywhere) -> Result<(), Failure> {
    let mut input = io::stdin().lock();
    let mut out = Lines::new();
    let (mut bytes, mut number) = (vec![], 0_u64);
    loop {
        bytes.clear();
        number += 1;
        let read = input.read_until(b'\n', &mut bytes).map_err(|error| {
            Failure::Unusable(format!("Line {number} cannot be read: {error}."))
        })?;
        if read == 0 {
            return out.flush();
        }
        let fail = |why: String| Failure::Unusable(format!("Line {number}: {why}"));
        let text =
            std::str::from_utf8(&bytes).map_err(|_| fail("this is not UTF-8 text.".to_owned()))?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            continue;
        }
        let asked: Asked = serde_json::from_str(text).map_err(|error| fail(error.to_string()))?;
        let said = inspect(asked)
            .ok_or_else(|| fail("it has none, or several, of text, action and url.".to_owned()))?;
        if everywhere.json {
            out.json(&said)?;
        } else {
            out.text(&readable(&said))?;
        }
        // Whoever asks line by line waits for the answer.
        out.flush()?;
    }
}

fn inspect(asked: Asked) -> Option<Said> {
    let nothing = |id, seen| Said {
        id,
        seen,
        action_digest: None,
        opens: None,
        loopback: None,
    };
    Some(match (asked.text, asked.action, asked.url) {
        (Some(text), None, None) => nothing(asked.id, look(&text)),
        (None, Some(action), None) => Said {
            action_digest: Some(digest(action.get())),
            ..nothing(asked.id, look_at_json(action.get()))
        },
        (None, None, Some(url)) => Said {
            opens: Some(link::read(&url).is_ok()),
            loopback: Some(link::is_loopback_url(&url)),
            ..nothing(asked.id, look(&url))
        },
        _ => return None,
    })
}

fn look(text: &str) -> Seen {
    seen(visible(text), |offset| offset)
}

fn seen(shown: Visible, place: impl Fn(usize) -> usize) -> Seen {
    Seen {
        flagged: shown.is_flagged(),
        marks: shown
            .marks
            .iter()
            .map(|mark| {
                json!({ "codepoint": mark.codepoint, "offset": place(mark.offset), "kind": mark.kind })
            })
            .collect(),
        visible: shown.text,
    }
}

/// JSON as it was written. What hides behind an escape such as `\u202e` is what the agent's program will read, so it is
/// marked as if it stood there itself; offsets are those of the JSON text.
fn look_at_json(raw: &str) -> Seen {
    let characters: Vec<char> = raw.chars().collect();
    let (mut text, mut places) = (String::new(), vec![]);
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let (read, length) = match character {
            '\\' => escaped(&characters[at..]),
            _ => (None, 1),
        };
        match read {
            Some(hidden) => {
                text.push(hidden);
                places.push(at);
            }
            None => {
                text.extend(characters.iter().skip(at).take(length));
                places.extend(at..at + length);
            }
        }
        at += length;
    }
    seen(visible(&text), |offset| {
        places.get(offset).copied().unwrap_or(offset)
    })
}

/// What an escape stands for, if that could hide, and how long the escape is.
fn escaped(from: &[char]) -> (Option<char>, usize) {
    let unit = |start: usize| -> Option<u32> {
        if from.get(start..start + 2) != Some(&['\\', 'u']) {
            return None;
        }
        let digits: String = from.get(start + 2..start + 6)?.iter().collect();
        u32::from_str_radix(&digits, 16).ok()
    };
    let Some(first) = unit(0) else {
        return match from.get(1) {
            Some('b') => (Some('\u{8}'), 2),
            Some('f') => (Some('\u{c}'), 2),
            _ => (None, 2.min(from.len())),
        };
    };
    let (code, length) = match (first, unit(6)) {
        (0xd800..0xdc00, Some(second @ 0xdc00..0xe000)) => {
            (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
        }
        _ => (first, 6),
    };
    let read = char::from_u32(code);
    let hides = |c: &char| !matches!(c, ' '..='~' | '\n' | '\r' | '\t');
    (read.filter(hides), length)
}

fn readable(said: &Said) -> String {
    let id = said.id.as_ref().map_or("-", |id| id.get());
    let word = if said.seen.flagged {
        "flagged"
    } else {
        "plain"
    };
    let opens = match said.opens {
        Some(true) => "  opens",
        Some(false) => "  is not opened",
        None => "",
    };
    format!(
        "{}  {word}{opens}  {}",
        plain(id),
        plain(&said.seen.visible)
    )
}

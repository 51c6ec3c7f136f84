//! `missionctl inspect`: how text, actions and addresses of agents are shown: what hides in them is made visible, and
//! which addresses would be opened. Line by line, so that it can stand in a pipe.

mod json;

use std::io::{self, BufRead};

use domain::{
    decision::digest,
    link,
    text::{Mark, Place, visible_in},
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
        (Some(text), None, None) => nothing(asked.id, look(Place::Prose, &text)),
        (None, Some(action), None) => Said {
            action_digest: Some(digest(action.get())),
            ..nothing(asked.id, json::look(action.get()))
        },
        (None, None, Some(url)) => Said {
            opens: Some(link::read(&url).is_ok()),
            loopback: Some(link::is_loopback_url(&url)),
            ..nothing(asked.id, look(Place::Name, &url))
        },
        _ => return None,
    })
}

fn look(place: Place, text: &str) -> Seen {
    let shown = visible_in(place, text);
    Seen {
        flagged: shown.is_flagged(),
        marks: shown
            .marks
            .iter()
            .map(|mark| told(mark, mark.offset))
            .collect(),
        visible: shown.text,
    }
}

fn told(mark: &Mark, offset: usize) -> serde_json::Value {
    let mut told = json!({ "codepoint": mark.codepoint, "offset": offset, "kind": mark.kind });
    if mark.count > 1 {
        told["count"] = json!(mark.count);
    }
    told
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

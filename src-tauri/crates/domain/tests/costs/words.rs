//! Making a text visible and reading an address grow with their length and no faster, whatever the text is made of.

use domain::{
    link,
    text::{Place, visible_in},
};

use super::{LITTLE, RATIO, running};

/// What a text is a repetition of: each would be compared with everything before or after it by a careless look.
const PARTS: &[&str] = &[
    "a ",
    "é ",
    "run git ",
    "run: git –",
    "`git –x` ",
    "`",
    "\"a b",
    "'x ",
    "=\"",
    "сор ",
    "сорж сор ",
    "р/",
    "https://сор.com/ ",
    "a.com–",
    "a/",
    "⁄",
    "a⁄b ",
    "\u{e0072}",
    "🏴\u{e0067}",
    "\u{3000}",
    "\u{301}",
    "e\u{301}\u{200c}",
    "\u{a0}a",
    "ﬁ ",
    "\n",
    "\u{a0}\n",
    " \t",
    ".",
    "∙",
    "👨\u{200d}",
    "東京：",
    "\u{202e}",
    "α",
    "a\u{430}",
    "1٠",
    "“",
    "’s ",
    "…",
    ".com",
    "--–",
];

fn seconds(place: Place, text: &str) -> f64 {
    let before = running();
    drop(visible_in(place, text));
    let _ = link::read(text);
    running() - before
}

#[test]
fn a_text_four_times_as_long_costs_no_more_than_it_is_longer() {
    let mut wrong = vec![];
    for part in PARTS {
        for place in [Place::Prose, Place::Command] {
            let few = part.repeat(6_000 / part.len()) + "é x";
            let many = part.repeat(24_000 / part.len()) + "é x";
            // What is slow by itself is slow again; a neighbour's work is not.
            let slow = (0..3).all(|_| {
                let (few, many) = (seconds(place, &few), seconds(place, &many));
                many > LITTLE && many / few.max(1e-6) > RATIO
            });
            if slow {
                wrong.push(format!("{place:?} of {part:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Agent text made visible: whatever hides, reorders or imitates is shown as `⟨U+202E⟩`, and nothing is dropped.
//!
//! It marks and never judges meaning. Ordinary emoji sequences, flags, Persian, Devanagari, Arabic and Hebrew prose are
//! not marked, nor are the dashes and quotes of ordinary typography: an alarm that rings for honest text is switched off
//! in the head. Every step is linear in the length of the text.

mod hides;
mod letters;
mod places;
mod pushes;
mod signs;
mod stacks;

use serde::Serialize;
use unicode_script::{Script, UnicodeScript};

/// Text as it is shown, and where something was made visible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visible {
    /// The text with escapes in place.
    pub text: String,
    /// In order of offset.
    pub marks: Vec<Mark>,
}

impl Visible {
    /// Whether anything was hidden, reordered or imitated.
    pub fn is_flagged(&self) -> bool {
        !self.marks.is_empty()
    }
}

/// One place; `offset` counts Unicode scalar values of the original.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// `U+202E`.
    pub codepoint: String,
    /// Scalar values from the beginning.
    pub offset: usize,
    /// Why.
    pub kind: MarkKind,
    /// How many characters it stands for: more than one only for what pushes the rest out of view.
    pub count: usize,
}

impl Mark {
    /// What stands in the text in its place: `⟨U+202E⟩`, `⟨U+000A⟩⟨×200⟩`.
    pub fn token(&self) -> String {
        match self.count {
            1 => format!("⟨{}⟩", self.codepoint),
            count => format!("⟨{}⟩⟨×{count}⟩", self.codepoint),
        }
    }
}

/// Where a text stands: what is honest in a sentence deceives in a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Words for a person; commands and addresses are looked for in it.
    Prose,
    /// One argument, or a whole line, of what a program will run.
    Command,
    /// An address, a path, an id: every sign in it counts.
    Name,
}

/// Why a character is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// C0 or C1, but not tab, line feed or CR LF.
    Control,
    /// Reorders text.
    Bidi,
    /// Takes no room, or looks like a blank that it is not.
    Invisible,
    /// Looks like a letter or a sign that it is not.
    Confusable,
    /// Means something else on every machine.
    Private,
    /// Means nothing yet.
    Unassigned,
    /// Begins a terminal sequence.
    Escape,
    /// One of many marks piled on a letter, or one that strikes it out.
    Combining,
    /// Stands for bytes that were lost.
    Replacement,
    /// Pushes what follows out of view.
    Hidden,
}

impl MarkKind {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Bidi => "bidi",
            Self::Invisible => "invisible",
            Self::Confusable => "confusable",
            Self::Private => "private",
            Self::Unassigned => "unassigned",
            Self::Escape => "escape",
            Self::Combining => "combining",
            Self::Replacement => "replacement",
            Self::Hidden => "hidden",
        }
    }
}

/// Makes `original` visible, as words for a person.
pub fn visible(original: &str) -> Visible {
    visible_in(Place::Prose, original)
}

/// Makes `original` visible where it stands.
pub fn visible_in(place: Place, original: &str) -> Visible {
    // Nearly all text is plain: one look over the bytes and done.
    let plain = |byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    if original.bytes().all(plain) && !pushes::may_push(original) {
        return Visible {
            text: original.to_owned(),
            marks: vec![],
        };
    }
    let characters: Vec<char> = original.chars().collect();
    let marks = marks(place, &characters);
    let mut text = String::with_capacity(original.len() + marks.len() * 8);
    let mut at = 0;
    for mark in &marks {
        text.extend(&characters[at..mark.offset]);
        at = mark.offset + mark.count;
        if mark.kind == MarkKind::Confusable {
            text.extend(&characters[mark.offset..at]);
        }
        text.push_str(&mark.token());
    }
    text.extend(&characters[at..]);
    Visible { text, marks }
}

/// What is to be marked, in order; no two overlap.
pub fn marks(place: Place, characters: &[char]) -> Vec<Mark> {
    let mut kinds: Vec<Option<MarkKind>> = vec![None; characters.len()];
    if characters.iter().all(char::is_ascii) {
        hides::mark(characters, &[], &mut kinds);
    } else {
        let places = places::of(place, characters);
        hides::mark(characters, &places, &mut kinds);
        stacks::mark(characters, &mut kinds);
        signs::mark(characters, &places, &mut kinds);
        letters::mark(characters, &places, &mut kinds);
    }
    let mut runs = pushes::runs(characters, &kinds).into_iter().peekable();
    let mut marks = vec![];
    let mut at = 0;
    while at < characters.len() {
        let run = runs.next_if(|run| run.start == at);
        let (kind, count) = match run {
            Some(run) => (Some(MarkKind::Hidden), run.len()),
            None => (kinds[at], 1),
        };
        if let Some(kind) = kind {
            marks.push(Mark {
                codepoint: format!("U+{:04X}", characters[at] as u32),
                offset: at,
                kind,
                count,
            });
        }
        at += count;
    }
    marks
}

/// Scripts written without spaces round words of other scripts, with signs as wide as a letter.
fn is_east_asian(character: char) -> bool {
    if character < '\u{1100}' {
        return false;
    }
    matches!(
        character.script(),
        Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
    ) || matches!(character, '\u{3001}'..='\u{3002}' | '\u{3005}'..='\u{3011}' | '\u{30fb}'..='\u{30fc}')
}

#[cfg(test)]
mod tests {
    use super::{MarkKind, visible};

    fn check(original: &str, marks: &[(usize, MarkKind)]) {
        let shown = visible(original);
        let found: Vec<_> = shown
            .marks
            .iter()
            .map(|mark| (mark.offset, mark.kind))
            .collect();
        assert_eq!(found, marks, "{original:?} is shown as {:?}", shown.text);
    }

    #[test]
    fn what_hides_is_marked() {
        use MarkKind::*;
        check("rm\u{202e}gpj.exe", &[(2, Bidi)]);
        check("a\u{200b}b", &[(1, Invisible)]);
        check("a\u{ad}b", &[(1, Invisible)]);
        check("\u{feff}curl", &[(0, Invisible)]);
        check("\u{1b}[31mred", &[(0, Escape)]);
        check("ok\rrm -rf", &[(2, Control)]);
        check("a\u{8}b", &[(1, Control)]);
        check("a\u{e000}b", &[(1, Private)]);
        check("a\u{378}b", &[(1, Unassigned)]);
        check("x\u{e0041}y", &[(1, Invisible)]);
        check("a\u{2066}b\u{2069}", &[(1, Bidi), (3, Bidi)]);
        check("ls\u{a0}rm", &[(2, Invisible)]);
        check("a\u{fe01}b", &[(1, Invisible)]);
        check("a\u{200d}b", &[(1, Invisible)]);
        check("\u{3164}", &[(0, Invisible)]);
    }

    #[test]
    fn what_imitates_is_marked() {
        use MarkKind::Confusable;
        check("p\u{430}ypal", &[(1, Confusable)]);
        check(
            "see \u{441}\u{43e}\u{440}e now",
            &[(4, Confusable), (5, Confusable), (6, Confusable)],
        );
        check("\u{ff52}m", &[(0, Confusable)]);
        check("\u{1d42b}m", &[(0, Confusable)]);
    }

    #[test]
    fn honest_text_is_not_marked() {
        for text in [
            "Refund €420 — naïve café, 10\u{202f}000\u{a0}€, « oui\u{a0}»",
            "👨\u{200d}👩\u{200d}👧 and 👩🏽\u{200d}🚀",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "مرحبا بالعالم",
            "שלום עולם",
            "❤\u{fe0f} 1\u{fe0f}\u{20e3}",
            "Счёт оплачен, сор",
            "東京タワー　です",
            "Ελληνικά κείμενο",
            "line\r\nline\ttab",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn what_pushes_the_rest_away_is_told_once_with_its_length() {
        let shown = visible(&format!("ok{}rm", "\n".repeat(200)));
        assert_eq!(shown.text, "ok⟨U+000A⟩⟨×200⟩rm");
        assert_eq!(
            (shown.marks[0].offset, shown.marks[0].count),
            (2, 200),
            "one mark for all of it"
        );
    }

    #[test]
    fn nothing_is_dropped() {
        let original = "a\u{202e}b\u{200b}c\u{e000}";
        let shown = visible(original).text;
        assert_eq!(
            shown, "a⟨U+202E⟩b⟨U+200B⟩c⟨U+E000⟩",
            "each hidden character stands where it stood"
        );
    }
}

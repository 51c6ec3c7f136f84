//! Agent text made visible: whatever hides, reorders or imitates is shown as `⟨U+202E⟩`, and nothing is dropped.
//!
//! It marks and never judges meaning. Ordinary emoji sequences, flags, Persian, Devanagari, Arabic and Hebrew prose are
//! not marked: an alarm that rings for honest text is switched off in the head.

use serde::Serialize;
use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::{MixedScript, skeleton};

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
    /// Looks like a Latin letter that it is not.
    Confusable,
    /// Means something else on every machine.
    Private,
    /// Means nothing yet.
    Unassigned,
    /// Begins a terminal sequence.
    Escape,
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
        }
    }
}

/// Makes `original` visible.
pub fn visible(original: &str) -> Visible {
    // Nearly all text is plain: one look over the bytes and done.
    if original
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
    {
        return Visible {
            text: original.to_owned(),
            marks: vec![],
        };
    }
    let characters: Vec<char> = original.chars().collect();
    let confusable = confusables(&characters);
    let mut shown = Visible::default();
    for (offset, &character) in characters.iter().enumerate() {
        let kind =
            hidden(&characters, offset).or(confusable[offset].then_some(MarkKind::Confusable));
        let Some(kind) = kind else {
            shown.text.push(character);
            continue;
        };
        let codepoint = format!("U+{:04X}", character as u32);
        if kind == MarkKind::Confusable {
            shown.text.push(character);
        }
        shown.text.push_str(&format!("⟨{codepoint}⟩"));
        shown.marks.push(Mark {
            codepoint,
            offset,
            kind,
        });
    }
    shown
}

fn hidden(text: &[char], offset: usize) -> Option<MarkKind> {
    let character = text[offset];
    let before = offset.checked_sub(1).map(|index| text[index]);
    let after = text.get(offset + 1).copied();
    match character {
        '\n' | '\t' => None,
        '\r' => (after != Some('\n')).then_some(MarkKind::Control),
        '\u{1b}' | '\u{9b}' | '\u{9d}' | '\u{90}' => Some(MarkKind::Escape),
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Some(MarkKind::Control),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(MarkKind::Bidi)
        }
        '\u{200d}' => (!joins(before, after)).then_some(MarkKind::Invisible),
        '\u{200c}' => (!(is_shaped(before) && is_shaped(after))).then_some(MarkKind::Invisible),
        '\u{fe0e}' | '\u{fe0f}' => (!takes_variation(before)).then_some(MarkKind::Invisible),
        '\u{e0020}'..='\u{e007f}' => (!in_flag(text, offset)).then_some(MarkKind::Invisible),
        // French and Swiss typography puts these beside digits and punctuation; between letters they imitate a space.
        '\u{a0}' | '\u{202f}' => {
            let letter = |c: Option<char>| c.is_none_or(char::is_alphabetic);
            (letter(before) && letter(after)).then_some(MarkKind::Invisible)
        }
        '\u{3000}' => (!text.iter().any(|c| is_east_asian(*c))).then_some(MarkKind::Invisible),
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' => Some(MarkKind::Invisible),
        '\u{2000}'..='\u{200b}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{205f}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}' => Some(MarkKind::Invisible),
        '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffc}' => Some(MarkKind::Invisible),
        '\u{1680}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => {
            Some(MarkKind::Invisible)
        }
        _ => match character.general_category() {
            GeneralCategory::PrivateUse => Some(MarkKind::Private),
            GeneralCategory::Unassigned => Some(MarkKind::Unassigned),
            GeneralCategory::Format if !is_shaped(Some(character)) => Some(MarkKind::Invisible),
            _ => None,
        },
    }
}

/// A zero width joiner is honest between two emoji (family, profession) and inside scripts that shape letters.
fn joins(before: Option<char>, after: Option<char>) -> bool {
    let emoji = |c: Option<char>| {
        c.is_some_and(|c| c == '\u{fe0f}' || (c.is_emoji_char() && !c.is_ascii()))
    };
    (emoji(before) && emoji(after))
        || (is_shaped(before) && (after.is_none_or(char::is_whitespace) || is_shaped(after)))
}

/// Scripts whose letters change shape with zero width joiners and non-joiners.
fn is_shaped(character: Option<char>) -> bool {
    character.is_some_and(|c| {
        matches!(
            c.script(),
            Script::Arabic
                | Script::Syriac
                | Script::Mongolian
                | Script::Devanagari
                | Script::Bengali
                | Script::Gurmukhi
                | Script::Gujarati
                | Script::Oriya
                | Script::Tamil
                | Script::Telugu
                | Script::Kannada
                | Script::Malayalam
                | Script::Sinhala
                | Script::Khmer
                | Script::Myanmar
                | Script::Tibetan
        ) || (c.script() == Script::Inherited
            && c.general_category() == GeneralCategory::NonspacingMark)
    })
}

fn takes_variation(before: Option<char>) -> bool {
    before.is_some_and(UnicodeEmoji::is_emoji_char)
}

/// Tag characters spell a region after a black flag (`🏴` + `gbeng` + cancel tag).
fn in_flag(text: &[char], offset: usize) -> bool {
    let is_tag = |c: &char| ('\u{e0020}'..='\u{e007f}').contains(c);
    let start = text[..offset].iter().rposition(|c| !is_tag(c));
    let length = text[offset..].iter().take_while(|c| is_tag(c)).count();
    let ends = text[offset + length - 1] == '\u{e007f}';
    let spelled = start.map_or(0, |start| offset + length - 1 - start);
    start.is_some_and(|start| text[start] == '\u{1f3f4}') && ends && (2..=7).contains(&spelled)
}

fn is_east_asian(character: char) -> bool {
    matches!(
        character.script(),
        Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo
    )
}

/// Letters that imitate Latin ones: in a word of mixed scripts; a whole word that reads as Latin in a text that has no
/// real word of its script; and Latin look-alike blocks (full width, mathematical).
fn confusables(text: &[char]) -> Vec<bool> {
    let mut marked = vec![false; text.len()];
    let east_asian = text.iter().any(|c| is_east_asian(*c));
    let is_word = |c: &char| {
        c.is_alphanumeric() || *c == '_' || c.general_category() == GeneralCategory::NonspacingMark
    };
    let mut words = vec![];
    let mut start = None;
    for (index, character) in text.iter().enumerate() {
        match (*character as u32, start) {
            (0x1d400..=0x1d7ff, _) => marked[index] = true,
            (0xff01..=0xff5e, _) if !east_asian => marked[index] = true,
            _ => {}
        }
        match (is_word(character), start) {
            (true, None) => start = Some(index),
            (false, Some(first)) => {
                words.push(first..index);
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    words.extend(start.map(|first| first..text.len()));

    let reads_latin = |word: &str| skeleton(word).all(|c| c.is_ascii());
    let foreign = |c: char| {
        let script = c.script();
        script != Script::Latin && script != Script::Common && script != Script::Inherited
    };
    let mut honest = vec![];
    let mut suspects = vec![];
    for range in words {
        let word: String = text[range.clone()].iter().collect();
        if word.is_ascii() {
            continue;
        }
        if !word.as_str().is_single_script() {
            let has_latin = word.chars().any(|c| c.script() == Script::Latin);
            for index in range {
                let imitates = skeleton(&text[index].to_string()).all(|c| c.is_ascii());
                marked[index] |= foreign(text[index]) && (has_latin || imitates);
            }
        } else if word.chars().any(foreign) {
            let script = word.chars().find(|c| foreign(*c)).map(|c| c.script());
            if reads_latin(&word) {
                suspects.push((script, range));
            } else {
                honest.push(script);
            }
        }
    }
    for (script, range) in suspects {
        if !honest.contains(&script) {
            range.for_each(|index| marked[index] = foreign(text[index]));
        }
    }
    marked
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
    fn nothing_is_dropped() {
        let original = "a\u{202e}b\u{200b}c\u{e000}";
        let shown = visible(original).text;
        assert_eq!(
            shown, "a⟨U+202E⟩b⟨U+200B⟩c⟨U+E000⟩",
            "each hidden character stands where it stood"
        );
    }
}

//! Dashes, slashes, colons, semicolons, quotes and other signs that read as one of ASCII: what they deceive about in a
//! command or an address is ordinary typography in a sentence.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::skeleton;

use super::{MarkKind, Place, is_east_asian};

/// The sign of ASCII that a sign reads as (the prototypes of UTS #39, and what is drawn alike without being in its data).
pub(super) fn reads(character: char) -> Option<char> {
    if character.is_ascii() {
        return None;
    }
    match character {
        '\u{2014}' | '\u{2015}' | '\u{2e3a}' | '\u{2e3b}' | '\u{2500}' | '\u{2501}'
        | '\u{fe31}' | '\u{fe32}' | '\u{ff0d}' => {
            return Some('-');
        }
        '\u{61b}' | '\u{204f}' => return Some(';'),
        '\u{3002}' | '\u{ff61}' | '\u{fe12}' => return Some('.'),
        '\u{ff05}' | '\u{fe6a}' | '\u{66a}' => return Some('%'),
        '\u{1c0}' | '\u{2223}' | '\u{ff5c}' | '\u{ffe8}' | '\u{2502}' | '\u{2503}' | '\u{5c0}'
        | '\u{2758}' | '\u{275a}' | '\u{23d0}' => return Some('|'),
        '\u{1c3}' => return Some('!'),
        '\u{201e}' | '\u{201f}' => return Some('"'),
        '\u{d7}' => return None,
        _ => {}
    }
    let group = character.general_category_group();
    let modifier = matches!(
        character,
        '\u{2b9}'..='\u{2df}' | '\u{374}' | '\u{a789}' | '\u{a78a}'
    );
    if !modifier
        && !matches!(
            group,
            GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol
        )
    {
        return None;
    }
    let text = character.to_string();
    let mut read = skeleton(&text);
    let first = read.next()?;
    match first {
        '\'' if read.next() == Some('\'') => Some('"'),
        first if first.is_ascii_punctuation() => Some(first),
        _ => None,
    }
}

pub(super) fn is_dash(character: char) -> bool {
    character == '-' || reads(character) == Some('-')
}

pub(super) fn mark(text: &[char], places: &[Place], kinds: &mut [Option<MarkKind>]) {
    let east_asian = text.iter().any(|c| is_east_asian(*c));
    // Letters of scripts that have signs of their own, the last one before each place.
    let mut script = Script::Common;
    for offset in 0..text.len() {
        let character = text[offset];
        if character.is_alphabetic() {
            script = character.script();
        }
        if character.is_ascii() || kinds[offset].is_some() {
            continue;
        }
        let Some(sign) = reads(character) else {
            continue;
        };
        let around = Around {
            character,
            sign,
            before: offset.checked_sub(1).map(|index| text[index]),
            after: text.get(offset + 1).copied(),
            second: text.get(offset + 2).copied(),
            script,
            east_asian,
        };
        let deceives = match places[offset] {
            Place::Name => !around.is_native() && !around.is_dots(),
            Place::Command => around.in_command(),
            Place::Prose => around.in_prose(text, offset),
        };
        if deceives {
            kinds[offset] = Some(MarkKind::Confusable);
        }
    }
}

struct Around {
    character: char,
    sign: char,
    before: Option<char>,
    after: Option<char>,
    second: Option<char>,
    /// Of the last letter before.
    script: Script,
    east_asian: bool,
}

impl Around {
    /// A sign of another script beside letters of that script.
    fn is_native(&self) -> bool {
        let beside = |is: fn(char) -> bool| [self.before, self.after].into_iter().flatten().any(is);
        match self.character {
            '\u{37e}' => self.script == Script::Greek,
            '\u{60c}' | '\u{60d}' | '\u{61b}' | '\u{61f}' | '\u{66a}'..='\u{66d}' | '\u{6d4}' => {
                self.script == Script::Arabic || beside(|c| c.script() == Script::Arabic)
            }
            '\u{3001}'..='\u{303f}'
            | '\u{30a0}'
            | '\u{fe10}'..='\u{fe19}'
            | '\u{fe30}'..='\u{fe6b}'
            | '\u{ff01}'..='\u{ffef}' => {
                let bracket = matches!(self.character, '（' | '）' | '［' | '］');
                beside(is_east_asian) || (bracket && self.east_asian)
            }
            '\u{1c0}' | '\u{1c3}' => false,
            c => match c.script() {
                Script::Common | Script::Inherited => false,
                own => self.script == own,
            },
        }
    }

    /// An apostrophe within or at the end of a word.
    fn is_apostrophe(&self) -> bool {
        self.sign == '\''
            && self.before.is_some_and(char::is_alphabetic)
            && self.after.is_some_and(char::is_alphabetic)
    }

    /// Three dots at an end, not before a slash.
    fn is_dots(&self) -> bool {
        matches!(self.character, '\u{2025}' | '\u{2026}') && self.after.is_none()
    }

    fn in_command(&self) -> bool {
        if self.is_native() || self.is_apostrophe() {
            return false;
        }
        let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        match self.sign {
            // Between blanks it is no option.
            '-' => !(blank(self.before) && blank(self.after)),
            '.' if matches!(self.character, '\u{2025}' | '\u{2026}') => self.after == Some('/'),
            _ => true,
        }
    }

    fn in_prose(&self, text: &[char], offset: usize) -> bool {
        let ascii = |c: Option<char>, is: fn(&char) -> bool| c.as_ref().is_some_and(is);
        let within = |is: fn(&char) -> bool| ascii(self.before, is) && ascii(self.after, is);
        match (self.character, self.sign) {
            ('\u{37e}', _) => !self.is_native(),
            ('\u{fe50}'..='\u{fe6b}' | '\u{fe10}'..='\u{fe19}', _) => !self.east_asian,
            ('\u{ff01}'..='\u{ff5e}', _) => !self.east_asian,
            // A separator of thousands or decimals that is none.
            ('\u{66b}' | '\u{201a}' | '\u{2024}' | '\u{a60e}' | '\u{2e12}' | '\u{b8}', _)
                if within(char::is_ascii_digit) =>
            {
                true
            }
            ('\u{2024}' | '\u{2e31}', _) => within(char::is_ascii_alphanumeric),
            (
                '\u{61b}' | '\u{6d4}' | '\u{589}' | '\u{5c3}' | '\u{703}' | '\u{704}' | '\u{1804}'
                | '\u{1361}' | '\u{16ec}',
                _,
            ) => !self.is_native(),
            // A long option that is none: `−−force`; the dash of Chinese is longer.
            (_, '-') if !is_long(self.character) => {
                let begins = |before: Option<char>| {
                    before.is_none_or(|c| c.is_whitespace() || "\"'`(".contains(c))
                };
                let first = begins(self.before)
                    && self.after.is_some_and(|c| is_dash(c) && !is_long(c))
                    && self.second.is_some_and(|c| c.is_ascii_alphabetic());
                let second = self.before.is_some_and(|c| is_dash(c) && !is_long(c))
                    && begins(offset.checked_sub(2).map(|index| text[index]))
                    && self.after.is_some_and(|c| c.is_ascii_alphabetic());
                first || second
            }
            _ => false,
        }
    }
}

/// The dashes of sentences.
fn is_long(dash: char) -> bool {
    matches!(
        dash,
        '\u{2014}' | '\u{2015}' | '\u{2e3a}' | '\u{2e3b}' | '\u{2500}' | '\u{2501}'
    )
}

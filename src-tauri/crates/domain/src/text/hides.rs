//! Characters that take no room, reorder, steer a terminal or mean nothing: looked at one by one with their neighbours.
//! Honest uses (emoji sequences, joiners of scripts that shape letters, the spaces of typography) are told apart here.

use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

use super::{MarkKind, Place, is_east_asian};

/// The flags of England, Scotland and Wales are the only ones that are drawn from tag characters (UTS #51).
const FLAGS: [&str; 3] = ["gbeng", "gbsct", "gbwls"];

pub(super) fn mark(text: &[char], places: &[Place], kinds: &mut [Option<MarkKind>]) {
    let east_asian = text.iter().any(|c| is_east_asian(*c));
    // The last character that is not a mark on another.
    let mut base = None;
    for offset in 0..text.len() {
        let strict = places.get(offset).is_some_and(|p| *p != Place::Prose);
        kinds[offset] = hidden(text, offset, base, strict, east_asian);
        let character = text[offset];
        if character.is_ascii()
            || !matches!(
                character.general_category(),
                GeneralCategory::NonspacingMark | GeneralCategory::Format
            )
        {
            base = Some(character);
        }
    }
}

fn hidden(
    text: &[char],
    offset: usize,
    base: Option<char>,
    strict: bool,
    east_asian: bool,
) -> Option<MarkKind> {
    let character = text[offset];
    let before = offset.checked_sub(1).map(|index| text[index]);
    let after = text.get(offset + 1).copied();
    let invisible = |honest: bool| (!honest).then_some(MarkKind::Invisible);
    match character {
        '\n' | '\t' | ' '..='~' => None,
        '\r' => (after != Some('\n')).then_some(MarkKind::Control),
        '\u{1b}' | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}' => Some(MarkKind::Escape),
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Some(MarkKind::Control),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Some(MarkKind::Bidi)
        }
        '\u{fffd}' => Some(MarkKind::Replacement),
        '\u{200d}' => invisible(joins(before, base, after)),
        '\u{200c}' => invisible(before != Some('\u{200c}') && is_shaped(base) && is_shaped(after)),
        '\u{fe0e}' | '\u{fe0f}' => invisible(takes_variation(before, after)),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => {
            invisible(before.is_some_and(|c| c.script() == Script::Han))
        }
        '\u{180b}'..='\u{180f}' => {
            invisible(before.is_some_and(|c| c.is_alphabetic() && c.script() == Script::Mongolian))
        }
        '\u{e0020}'..='\u{e007f}' => invisible(in_flag(text, offset)),
        '\u{a0}' | '\u{202f}' => invisible(!strict && spaces(text, offset, false)),
        '\u{2007}'..='\u{200a}' => invisible(!strict && spaces(text, offset, true)),
        '\u{3000}' => {
            let beside = [before, after].into_iter().flatten().any(is_wide);
            invisible(if strict { beside } else { east_asian })
        }
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            Some(MarkKind::Invisible)
        }
        '\u{2000}'..='\u{200b}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{205f}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}' => Some(MarkKind::Invisible),
        '\u{2800}'
        | '\u{3164}'
        | '\u{fe03}'..='\u{fe0d}'
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

fn is_wide(character: char) -> bool {
    is_east_asian(character)
        || matches!(character, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}')
}

/// A zero width joiner is honest between two emoji (family, profession) and inside scripts that shape letters.
fn joins(before: Option<char>, base: Option<char>, after: Option<char>) -> bool {
    let emoji = |c: char| c.is_emoji_char() && !c.is_ascii();
    if before == Some('\u{200d}') || before.is_some_and(char::is_whitespace) {
        return false;
    }
    (base.is_some_and(emoji) && after.is_some_and(emoji))
        || (is_shaped(base) && (after.is_none_or(char::is_whitespace) || is_shaped(after)))
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
        )
    })
}

/// Only an emoji has two shapes; a digit, `#` and `*` only as a key (`1` + selector + U+20E3).
fn takes_variation(before: Option<char>, after: Option<char>) -> bool {
    match before {
        Some(c) if c.is_ascii() => {
            (c.is_ascii_digit() || c == '#' || c == '*') && after == Some('\u{20e3}')
        }
        // Mathematical operators and arrows have a text shape too.
        Some(c) => c.is_emoji_char() || matches!(c, '\u{2190}'..='\u{2bff}'),
        None => false,
    }
}

/// Tag characters spell a region after a black flag (`🏴` + `gbeng` + cancel tag).
fn in_flag(text: &[char], offset: usize) -> bool {
    let flag = (offset.saturating_sub(6)..offset).rev();
    let Some(start) = flag.into_iter().find(|at| text[*at] == '\u{1f3f4}') else {
        return false;
    };
    let Some(tags) = text.get(start + 1..start + 7) else {
        return false;
    };
    let spelled: Option<String> = tags[..5]
        .iter()
        .map(|tag| char::from_u32((*tag as u32).wrapping_sub(0xe0000)))
        .collect();
    tags[5] == '\u{e007f}' && spelled.is_some_and(|name| FLAGS.contains(&name.as_str()))
}

/// Whether a space that does not break, or a narrow one, stands where typography wants it: beside a number, a sign, a dash
/// or a quote, after a word of one letter (Czech, Polish), in a name (`Mr Smith`). Between two words it imitates a space.
fn spaces(text: &[char], offset: usize, narrow: bool) -> bool {
    let before = offset.checked_sub(1).map(|index| text[index]);
    let (Some(before), Some(after)) = (before, text.get(offset + 1).copied()) else {
        return false;
    };
    let open = |c: char| !c.is_alphabetic() && !c.is_ascii_punctuation() && !c.is_control();
    if before.is_alphabetic() && after.is_alphabetic() {
        let word = text[..offset].iter().rev().take(24);
        let length = word.clone().take_while(|c| c.is_alphabetic()).count();
        let first = word.take_while(|c| c.is_alphabetic()).last();
        let named = first.is_some_and(|c| c.is_uppercase()) && after.is_uppercase();
        return !narrow && (length == 1 || named || is_shaped(Some(before)));
    }
    if !narrow {
        return true;
    }
    let number = before.is_numeric() && !after.is_control();
    let abbreviated = before == '.' && (after.is_alphabetic() || after.is_numeric());
    let punctuated = matches!(after, '!' | '?' | ':' | ';' | '%');
    number || abbreviated || punctuated || open(before) || open(after)
}

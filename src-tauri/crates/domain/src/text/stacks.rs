//! Marks that stand on letters: piled up they cover what is around them, struck through they cross out what it says
//! (UTS #39, 5.4). Two marks of Vietnamese, three of Greek, the points of Hebrew, Arabic, Thai and Indic scripts stay.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

use super::MarkKind;

pub(super) fn mark(text: &[char], kinds: &mut [Option<MarkKind>]) {
    // The lower-cased capital of Turkish is written with the mark that is invisible elsewhere.
    let turkish = text
        .iter()
        .any(|c| matches!(c, 'ı' | 'İ' | 'ğ' | 'Ğ' | 'ş' | 'Ş'));
    let mut at = 0;
    while at < text.len() {
        let first = at;
        while at < text.len() && is_mark(text[at]) {
            at += 1;
        }
        if at == first {
            at += 1;
            continue;
        }
        let base = first.checked_sub(1).map(|index| text[index]);
        let stack = &text[first..at];
        let piled = stack.len() > most(base, stack);
        for (index, &mark) in stack.iter().enumerate() {
            let alone = |base: Option<char>| {
                base.is_none_or(|c| (c.is_whitespace() && c != '\u{a0}') || c.is_control())
            };
            let twin = index > 0 && stack[index - 1] == mark || stack.get(index + 1) == Some(&mark);
            let wrong = piled
                || (twin && mark.script() != Script::Tibetan)
                || (is_general(mark) && alone(base))
                || strikes(base, mark)
                || (base.is_some_and(|c| c.is_ascii_punctuation()) && !signs(base, mark))
                || (matches!(base, Some('i' | 'j')) && stack == ['\u{307}'] && !turkish);
            if wrong && kinds[first + index].is_none() {
                kinds[first + index] = Some(MarkKind::Combining);
            }
        }
    }
}

/// Variation selectors have rules of their own.
fn is_mark(character: char) -> bool {
    !matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{180b}'..='\u{180f}' | '\u{34f}')
        && matches!(
            character.general_category(),
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark
        )
}

/// Belongs to no script.
fn is_general(character: char) -> bool {
    character.script() == Script::Inherited
}

fn most(base: Option<char>, stack: &[char]) -> usize {
    if stack.iter().all(|c| is_general(*c)) {
        return match base.map(|c| c.script()) {
            Some(Script::Greek | Script::Arabic | Script::Hebrew | Script::Devanagari) => 3,
            _ => 2,
        };
    }
    match stack[0].script() {
        Script::Thai | Script::Lao => 3,
        Script::Tibetan | Script::Khmer | Script::Myanmar => 8,
        _ => 5,
    }
}

/// A line through a letter or digit; through a sign of mathematics it says "not".
fn strikes(base: Option<char>, mark: char) -> bool {
    matches!(mark, '\u{334}'..='\u{338}' | '\u{20d2}' | '\u{20d3}' | '\u{20d8}'..='\u{20da}' | '\u{20dd}'..='\u{20df}' | '\u{20e0}' | '\u{20e4}'..='\u{20e6}' | '\u{20ea}' | '\u{20eb}')
        && base.is_some_and(char::is_alphanumeric)
}

/// Marks that a sign may have: the frame of a key, the "not" of mathematics.
fn signs(base: Option<char>, mark: char) -> bool {
    match mark {
        '\u{20e3}' => matches!(base, Some('#' | '*')),
        '\u{338}' => matches!(base, Some('=' | '<' | '>' | '~' | '|')),
        _ => false,
    }
}

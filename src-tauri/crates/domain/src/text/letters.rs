//! Letters and digits that read as others: in a word of mixed scripts; a whole word that reads as Latin in a text that has
//! no real word of its script; letters of Latin itself, ligatures and blocks of styled letters that read as plain ones.

use std::ops::Range;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};
use unicode_security::{MixedScript, skeleton};

use super::{MarkKind, Place, is_east_asian};

/// What the whole text tells about its letters.
struct Whole {
    east_asian: bool,
    arabic: bool,
    /// Letters of Turkish beside the dotless i, or no word of English.
    turkish: bool,
    /// Letters of Turkish beside the dotless i.
    turkish_letters: bool,
    /// Every `fi`, `fl` and `ff` is a ligature, more than one, as a typesetter makes them.
    typeset: bool,
    /// The long s more than once, as old prints have it.
    old: bool,
}

pub(super) fn mark(text: &[char], places: &[Place], kinds: &mut [Option<MarkKind>]) {
    if text.iter().all(|c| c.is_ascii() || !c.is_alphanumeric()) {
        return;
    }
    let whole = Whole::of(text);
    let mut suspects: Vec<(Script, Range<usize>)> = vec![];
    let mut honest: Vec<Script> = vec![];
    for range in words(text) {
        let word = &text[range.clone()];
        if word.iter().all(char::is_ascii) {
            continue;
        }
        let strict = places[range.start] != Place::Prose;
        // What the whole word tells, once: a word may be as long as the text.
        let wide = word.iter().any(|c| is_east_asian(*c));
        let small = word.iter().all(|c| c.is_ascii() || is_small(*c));
        for at in range.clone() {
            let told = Told {
                strict,
                run: places[range.start] == Place::Command,
                wide,
                small,
            };
            if kinds[at].is_none() && styled(text, &range, at, told, &whole) {
                kinds[at] = Some(MarkKind::Confusable);
            }
        }
        let letters: String = word.iter().collect();
        if !letters.as_str().is_single_script() {
            let has_latin = word.iter().any(|c| c.script() == Script::Latin);
            for at in range.clone() {
                if kinds[at].is_none() && imitates(text, &range, at, has_latin) {
                    kinds[at] = Some(MarkKind::Confusable);
                }
            }
            continue;
        }
        let Some(script) = word.iter().map(|c| c.script()).find(|s| is_foreign(*s)) else {
            continue;
        };
        let read: String = skeleton(&letters).collect();
        let numeric = word.iter().all(|c| c.is_numeric());
        let symbol =
            word.len() == 1 && script == Script::Greek && word[0].is_lowercase() && !strict;
        if read.is_ascii() && (numeric || like_latin(script)) && !symbol {
            suspects.push((script, range));
        } else if !numeric && !honest.contains(&script) {
            honest.push(script);
        }
    }
    hosts(text, places, &mut suspects, kinds);
    for (script, range) in suspects {
        if !honest.contains(&script) {
            range.for_each(|at| cover(text, at, kinds));
        }
    }
}

fn cover(text: &[char], at: usize, kinds: &mut [Option<MarkKind>]) {
    if is_foreign(text[at].script()) && kinds[at].is_none() {
        kinds[at] = Some(MarkKind::Confusable);
    }
}

/// In an address a word is judged by the words of that address alone.
fn hosts(
    text: &[char],
    places: &[Place],
    suspects: &mut Vec<(Script, Range<usize>)>,
    kinds: &mut [Option<MarkKind>],
) {
    let mut honest: Vec<(usize, Script)> = vec![];
    let mut number = 0;
    let mut spans = Vec::with_capacity(suspects.len());
    let mut next = suspects.iter().peekable();
    for at in 0..text.len() {
        let named = places[at] == Place::Name;
        if !named || is_end(text[at]) {
            number += 1;
        }
        if named
            && is_foreign(text[at].script())
            && text[at].is_alphabetic()
            && !reads_as_ascii(text[at])
            && honest.last() != Some(&(number, text[at].script()))
        {
            honest.push((number, text[at].script()));
        }
        if next.next_if(|(_, range)| range.start == at).is_some() {
            spans.push((named, number));
        }
    }
    let mut index = 0;
    suspects.retain(|(script, range)| {
        let (named, number) = spans[index];
        index += 1;
        if named && !honest.contains(&(number, *script)) {
            range.clone().for_each(|at| cover(text, at, kinds));
        }
        !named
    });
}

/// What ends a host.
fn is_end(character: char) -> bool {
    matches!(character, '/' | '?' | '#' | '@')
}

fn reads_as_ascii(letter: char) -> bool {
    skeleton(&letter.to_string()).all(|c| c.is_ascii())
}

fn words(text: &[char]) -> Vec<Range<usize>> {
    let is_word = |c: &char| {
        c.is_alphanumeric()
            || *c == '_'
            || !c.is_ascii() && c.general_category() == GeneralCategory::NonspacingMark
    };
    let mut words = vec![];
    let mut start = None;
    for (index, character) in text.iter().enumerate() {
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
    words
}

fn is_foreign(script: Script) -> bool {
    !matches!(script, Script::Latin | Script::Common | Script::Inherited)
}

/// Scripts whose letters could pass for words of Latin, unlike those that are joined, written from the right, or wide.
fn like_latin(script: Script) -> bool {
    !matches!(
        script,
        Script::Arabic
            | Script::Syriac
            | Script::Hebrew
            | Script::Thaana
            | Script::Nko
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
            | Script::Tibetan
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
            | Script::Ethiopic
            | Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Hangul
            | Script::Bopomofo
            | Script::Mongolian
    )
}

/// A letter in a word of several scripts. Japanese, Chinese, Thai, Hebrew and others write words of Latin without a space.
fn imitates(text: &[char], word: &Range<usize>, at: usize, has_latin: bool) -> bool {
    let script = text[at].script();
    if !is_foreign(script) {
        return false;
    }
    let ascii = reads_as_ascii(text[at]);
    if script == Script::Greek {
        // Units and variables: `μs`, `kΩ`, `Δt`.
        return ascii;
    }
    if like_latin(script) {
        return has_latin || ascii;
    }
    let latin = |c: Option<&char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inside = at > word.start && at + 1 < word.end;
    ascii && inside && latin(text.get(at - 1)) && latin(text.get(at + 1))
}

/// What one word tells about its letters.
#[derive(Clone, Copy)]
struct Told {
    /// It stands in a command, an address or a name.
    strict: bool,
    /// It stands in a command.
    run: bool,
    /// With a letter as wide as those of Chinese.
    wide: bool,
    /// Of nothing but ASCII and small capitals.
    small: bool,
}

/// A letter or digit that reads as one of ASCII by its form alone.
fn styled(text: &[char], word: &Range<usize>, at: usize, told: Told, whole: &Whole) -> bool {
    let strict = told.strict;
    let character = text[at];
    let length = word.len();
    let beside = |is: &dyn Fn(char) -> bool| {
        let before = at > word.start && is(text[at - 1]);
        before || text[..word.end].get(at + 1).is_some_and(|c| is(*c))
    };
    let latin = |c: char| c.is_ascii_alphabetic();
    match character {
        '\u{1d400}'..='\u{1d7ff}' => strict || length > 1 || character.is_numeric(),
        '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => {
            !whole.east_asian || (strict && !told.wide)
        }
        '\u{fb00}'..='\u{fb06}' => strict || !whole.typeset,
        '\u{1c4}'..='\u{1cc}' | '\u{1f1}'..='\u{1f3}' => true,
        'ĳ' | 'Ĳ' | 'ŉ' => strict,
        // Few words of a command are Turkish, and few of those have no other letter of it.
        'ı' | 'ȷ' if told.run => !whole.turkish_letters,
        'ı' | 'ȷ' => !whole.turkish,
        'ſ' => strict || !whole.old,
        'ɑ' | 'ɡ' | 'ɩ' | 'ɪ' | 'ʋ' | 'ʏ' | 'ɣ' | 'ʟ' | 'ʀ' | 'ʙ' | 'ʜ' | 'ɴ' | 'ɢ' | 'ꜱ' | 'ꜰ' =>
        {
            let spoken = word.start > 0 && matches!(text[word.start - 1], '/' | '[' | 'ˈ' | '⟨');
            length > 1 && told.small && (strict || !spoken)
        }
        '\u{1d00}'..='\u{1d2b}' => length > 1 || strict,
        '\u{2160}'..='\u{217f}' => strict || beside(&latin),
        '\u{2100}'..='\u{214f}' => strict || beside(&latin),
        '\u{24b6}'..='\u{24e9}' => strict || length > 1,
        '\u{660}'..='\u{669}' => !whole.arabic || beside(&|c| c.is_ascii_digit()),
        c if c.general_category() == GeneralCategory::DecimalNumber => {
            !c.is_ascii() && beside(&|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

fn is_small(character: char) -> bool {
    matches!(character, '\u{250}'..='\u{2af}' | '\u{1d00}'..='\u{1d2b}' | '\u{a730}' | '\u{a731}')
}

impl Whole {
    fn of(text: &[char]) -> Self {
        const ENGLISH: [&str; 22] = [
            "the", "to", "of", "and", "is", "in", "for", "please", "your", "with", "from", "run",
            "pay", "this", "that", "it", "on", "at", "by", "into", "as", "or",
        ];
        let mut english = false;
        let mut word = String::new();
        for character in text.iter().chain([&' ']) {
            if character.is_ascii_alphabetic() && word.len() < 8 {
                word.push(character.to_ascii_lowercase());
            } else {
                english |= ENGLISH.contains(&word.as_str());
                word.clear();
                if character.is_alphanumeric() {
                    word.push('\u{1}');
                }
            }
        }
        let has = |is: &dyn Fn(char) -> bool| text.iter().any(|c| is(*c));
        let count = |is: &dyn Fn(char) -> bool| text.iter().filter(|c| is(**c)).count();
        let ligature = |c: char| matches!(c, '\u{fb00}'..='\u{fb04}');
        let plain = text
            .windows(2)
            .any(|pair| matches!(pair, ['f', 'i' | 'l' | 'f']));
        let spaced = has(&|c| c.is_whitespace());
        let letters = has(&|c| {
            matches!(
                c,
                'ş' | 'ğ' | 'ç' | 'ö' | 'ü' | 'Ş' | 'Ğ' | 'Ç' | 'Ö' | 'Ü' | 'İ' | 'ə' | 'Ə'
            )
        });
        Self {
            east_asian: has(&is_east_asian),
            arabic: has(&|c| !c.is_ascii() && c.script() == Script::Arabic),
            turkish_letters: letters,
            turkish: letters || (!english && spaced),
            typeset: count(&ligature) > 1 && !plain && count(&|c| c == ' ') >= 4,
            old: count(&|c| c == 'ſ') > 1,
        }
    }
}

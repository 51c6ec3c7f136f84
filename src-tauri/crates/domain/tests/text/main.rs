//! What a hostile agent would write so that a person misreads it, and what honest people write in many languages: each text
//! with the place where it stands and what it is marked as. Written from the data of UTS #39 (confusables), UTS #51 (emoji),
//! UAX #9 (order) and from typography in use. It draws nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

mod addresses;
mod honest;
mod hostile;

use std::collections::BTreeSet;

use domain::{
    link,
    text::{MarkKind, Place, visible_in},
};

/// A place, a text there, and the kinds of its marks, each once.
pub(crate) type Row = (Place, &'static str, &'static [MarkKind]);

fn judge(place: Place, text: &str, kinds: &[MarkKind]) -> Option<String> {
    let shown = visible_in(place, text);
    let words = |kinds: &mut dyn Iterator<Item = MarkKind>| -> BTreeSet<&'static str> {
        kinds.map(MarkKind::word).collect()
    };
    let found = words(&mut shown.marks.iter().map(|mark| mark.kind));
    let wanted = words(&mut kinds.iter().copied());
    (found != wanted).then(|| {
        format!(
            "{place:?} {text:?}: {found:?}, not {wanted:?}: {}",
            shown.text
        )
    })
}

fn check(rows: &[Row]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(place, text, kinds)| judge(*place, text, kinds))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_deceives_is_marked_as_what_it_is() {
    check(hostile::ROWS);
}

#[test]
fn honest_text_of_many_languages_is_not_marked() {
    check(honest::ROWS);
}

#[test]
fn what_pushes_the_rest_out_of_view_is_marked_and_ordinary_blanks_are_not() {
    let mut wrong = vec![];
    for (before, padding, times, after, hidden) in hostile::PADDED {
        let text = format!("{before}{}{after}", padding.repeat(*times));
        let kinds: &[MarkKind] = if *hidden { &[MarkKind::Hidden] } else { &[] };
        wrong.extend(judge(Place::Prose, &text, kinds));
        wrong.extend(judge(Place::Command, &text, kinds));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_addresses_that_read_as_where_they_lead_are_opened() {
    let wrong: Vec<_> = addresses::ROWS
        .iter()
        .filter(|(address, opens)| link::read(address).is_ok() != *opens)
        .map(|(address, opens)| {
            format!("{address:?} is {}opened", if *opens { "not " } else { "" })
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_is_as_large_as_it_says_and_names_nothing_twice() {
    let texts: Vec<(String, &str)> = [hostile::ROWS, honest::ROWS]
        .concat()
        .iter()
        .map(|(place, text, _)| (format!("{place:?}"), *text))
        .collect();
    let different: BTreeSet<_> = texts.iter().collect();
    assert_eq!(different.len(), texts.len());
    let all = texts.len() + hostile::PADDED.len() + addresses::ROWS.len();
    assert!(all >= 300, "{all}");
}

#[test]
fn what_is_shown_holds_every_character_or_its_name() {
    for (place, text, _) in [hostile::ROWS, honest::ROWS].concat() {
        let shown = visible_in(place, text);
        let (mut rest, mut offset) = (shown.text.as_str(), 0);
        let mut marks = shown.marks.iter().peekable();
        for character in text.chars() {
            let mark = marks.next_if(|mark| mark.offset == offset);
            offset += 1;
            if mark.is_none_or(|mark| mark.kind == MarkKind::Confusable) {
                rest = rest
                    .strip_prefix(character)
                    .unwrap_or_else(|| panic!("{text:?}: {rest:?}"));
            }
            if let Some(mark) = mark {
                rest = rest
                    .strip_prefix(mark.token().as_str())
                    .unwrap_or_else(|| panic!("{text:?}: {rest:?}"));
            }
        }
        assert_eq!(rest, "", "{text:?}");
    }
}

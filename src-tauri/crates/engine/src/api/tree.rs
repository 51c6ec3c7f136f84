//! JSON of an agent as rows for a screen, with the places that are wrong marked in it.

use std::collections::BTreeSet;

use domain::outline::{Row, outline};

use super::{
    views::{TreeRow, TreeView},
    wording::{agent_text, count},
};

/// Rows that are drawn; those with something wrong and what they stand in come in any case.
const ROWS: usize = 300;
/// A scalar is drawn up to here; the bytes are shown elsewhere.
const LONGEST: usize = 2_000;

/// The rows of a text; empty when it is no JSON. `wrong`: place and sentence.
pub(crate) fn tree(text: &str, wrong: &[(&str, &str)]) -> TreeView {
    let Some(rows) = outline(text) else {
        return TreeView {
            rows: vec![],
            total: 0,
        };
    };
    let known: BTreeSet<&str> = rows.iter().map(|row| row.pointer.as_str()).collect();
    let absent: Vec<&str> = {
        let mut seen = BTreeSet::new();
        let places = wrong.iter().map(|(place, _)| *place);
        places
            .filter(|place| !known.contains(place) && seen.insert(*place))
            .collect()
    };
    let total = rows.len() + absent.len();
    let mut shown = vec![];
    for (index, row) in rows.iter().enumerate() {
        let matters = wrong.iter().any(|(place, _)| holds(&row.pointer, place));
        if index < ROWS || matters {
            shown.push(drawn(row, wrong));
        }
    }
    for place in absent {
        let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
        // After the last row that stands in the same object; at the end when that object is not there either.
        let after = shown.iter().rposition(|row| holds(parent, &row.pointer));
        let depth = match shown.iter().find(|row| row.pointer == parent) {
            Some(parent) => parent.depth + 1,
            None => 1,
        };
        let row = TreeRow {
            depth,
            name: Some(agent_text(&name.replace("~1", "/").replace("~0", "~"))),
            text: agent_text("not there"),
            kind: "missing".to_owned(),
            pointer: place.to_owned(),
            problems: sentences(place, wrong),
            missing: true,
        };
        shown.insert(after.map_or(shown.len(), |at| at + 1), row);
    }
    TreeView {
        rows: shown,
        total: u32::try_from(total).unwrap_or(u32::MAX),
    }
}

/// Is the place this one, or within it?
fn holds(outer: &str, place: &str) -> bool {
    place
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn sentences(place: &str, wrong: &[(&str, &str)]) -> Vec<super::views::AgentText> {
    let here = wrong.iter().filter(|(at, _)| *at == place);
    here.map(|(_, sentence)| agent_text(sentence)).collect()
}

fn drawn(row: &Row, wrong: &[(&str, &str)]) -> TreeRow {
    let size = u32::try_from(row.size).unwrap_or(u32::MAX);
    let text = match (&row.scalar, row.kind) {
        (Some(scalar), _) => match scalar.char_indices().nth(LONGEST) {
            Some((end, _)) => format!("{} …", &scalar[..end]),
            None => scalar.clone(),
        },
        (None, "list") => count(size, "item", "items"),
        (None, _) => count(size, "member", "members"),
    };
    TreeRow {
        depth: row.depth,
        name: row.name.as_deref().map(agent_text),
        text: agent_text(&text),
        kind: row.kind.to_owned(),
        pointer: row.pointer.clone(),
        problems: sentences(&row.pointer, wrong),
        missing: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_place_is_marked_and_a_missing_one_stands_where_it_should_be() {
        let view = tree(
            r#"{"a": {"b": 1, "c": 2}, "d": 3}"#,
            &[("/a/c", "Too small."), ("/a/x", "It is required.")],
        );
        let told: Vec<_> = view
            .rows
            .iter()
            .map(|row| {
                (
                    row.pointer.as_str(),
                    row.depth,
                    row.problems.len(),
                    row.missing,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("", 0, 0, false),
                ("/a", 1, 0, false),
                ("/a/b", 2, 0, false),
                ("/a/c", 2, 1, false),
                ("/a/x", 2, 1, true),
                ("/d", 1, 0, false),
            ]
        );
        assert_eq!(tree("<html>", &[]).total, 0);
    }

    #[test]
    fn of_a_long_list_what_is_wrong_is_shown_wherever_it_stands() {
        let items: Vec<String> = (0..5000).map(|number| number.to_string()).collect();
        let text = format!("[{}]", items.join(","));
        let view = tree(&text, &[("/4999", "Too large.")]);
        assert_eq!((view.rows.len(), view.total), (ROWS + 1, 5001));
        assert_eq!(view.rows[ROWS].pointer, "/4999");
    }
}

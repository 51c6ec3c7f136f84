//! Edits and drafts: what each does, and that none makes a second owner.

use proptest::prelude::*;

use super::{draft::Draft, *};
use crate::ownership::{
    lint::{self, Known},
    pattern,
    text::read as parse,
};

fn document(text: &str) -> Ownership {
    parse(text).unwrap()
}

const TWO: &str = r#"
    rules = [
        { resource = "field:crm/**", owner = "sync", readers = ["digest"] },
        { resource = "field:crm/contact/1#status", owner = "sync" },
        { resource = "output:slack/x", sequence = ["a", "b"] },
        { resource = "api:free" },
    ]
"#;

/// The rule at the place of the edit afterwards, or why not.
#[track_caller]
fn check(edit: Edit, expected: &str) {
    let rule = match &edit {
        Edit::Own { rule, .. }
        | Edit::Read { rule, .. }
        | Edit::Sequence { rule, .. }
        | Edit::Clear { rule, .. } => *rule,
        Edit::Transfer { rule, .. } => *rule,
        _ => 0,
    };
    let found = match edit.apply(&document(TWO)) {
        Ok(after) => {
            let rule = &after.rules[rule as usize];
            format!(
                "{} | {}",
                names::writers_phrase(rule),
                names::list(&rule.readers)
            )
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected);
}

fn agent(name: &str) -> String {
    name.to_owned()
}

#[test]
fn each_gesture_does_what_it_says() {
    check(
        Edit::Own {
            rule: 3,
            agent: agent("a"),
        },
        "a | ",
    );
    check(
        Edit::Transfer {
            rule: 3,
            agent: agent("a"),
        },
        "Nobody owns this yet, so there is nothing to transfer.",
    );
    check(
        Edit::Transfer {
            rule: 0,
            agent: agent("digest"),
        },
        "digest | sync",
    );
    check(
        Edit::Own {
            rule: 2,
            agent: agent("b"),
        },
        "b | a",
    );
    check(
        Edit::Read {
            rule: 2,
            agent: agent("a"),
        },
        "b | a",
    );
    check(
        Edit::Sequence {
            rule: 2,
            agent: agent("c"),
        },
        "a, then b, then c | ",
    );
    check(
        Edit::Sequence {
            rule: 0,
            agent: agent("digest"),
        },
        "sync, then digest | ",
    );
    check(
        Edit::Clear {
            rule: 0,
            agent: agent("digest"),
        },
        "sync | ",
    );
    check(
        Edit::Own {
            rule: 0,
            agent: agent("*"),
        },
        "Say which agent: a name without wildcards.",
    );
    check(
        Edit::Own {
            rule: 9,
            agent: agent("a"),
        },
        "This rule is not there any more.",
    );
}

#[test]
fn a_narrow_rule_cannot_go_away_from_the_owner_of_the_wide_one() {
    check(
        Edit::Transfer {
            rule: 1,
            agent: agent("digest"),
        },
        "sync has field:crm/contact/1#status too, by the rule field:crm/**. Change that rule first.",
    );
}

#[test]
fn a_wide_rule_takes_its_narrow_ones_along() {
    let after = Edit::Transfer {
        rule: 0,
        agent: agent("digest"),
    }
    .apply(&document(TWO))
    .unwrap();
    assert_eq!(after.rules[1].owner.as_deref(), Some("digest"));
    assert_eq!(after.rules[1].readers, ["sync"]);
}

#[test]
fn every_fix_of_an_issue_that_blocks_can_be_done_and_settles_it() {
    let text = r#"
        rules = [
            { resource = "trigger:inbox/*", owner = "a" },
            { resource = "trigger:inbox/pay", owner = "b" },
            { resource = "field:x", owner = "a", sequence = ["b", "c"] },
            { resource = "field:y", owner = "a" },
            { resource = "field:y", sequence = ["b", "c"] },
            { resource = "output:1", sequence = ["p", "q"] },
            { resource = "output:2", sequence = ["q", "p"] },
            { resource = "nonsense", owner = "a" },
        ]
        exceptions = [{ agents = ["*"], fallback = "approve" }]
    "#;
    let before = document(text);
    let known = Known::default();
    let issues = lint::lint(&before, &known);
    let codes: Vec<_> = issues
        .iter()
        .filter(|issue| issue.severity == lint::LintSeverity::Blocks)
        .collect();
    assert!(codes.len() >= 7, "{codes:?}");
    for issue in codes {
        assert!(!issue.fixes.is_empty(), "{issue:?}");
        for fix in &issue.fixes {
            let after = fix.edit.apply(&before).unwrap();
            let still = lint::lint(&after, &known).into_iter().any(|other| {
                other.code == issue.code
                    && other.rules == issue.rules
                    && other.resource == issue.resource
            });
            assert!(!still, "{} does not settle {issue:?}", fix.label);
        }
    }
}

#[test]
fn undo_and_redo_walk_through_all_of_the_draft_and_an_edit_forgets_redo() {
    let mut draft = Draft::new(4, document(TWO));
    draft
        .edit(&Edit::Own {
            rule: 3,
            agent: agent("a"),
        })
        .unwrap();
    draft.edit(&Edit::RemoveRule { rule: 0 }).unwrap();
    let last = draft.document.clone();
    assert_eq!(draft.can_undo(), Some("removal of field:crm/**"));
    assert!(draft.undo() && draft.undo() && !draft.undo());
    assert_eq!(draft.document, document(TWO));
    assert!(draft.redo() && draft.redo() && !draft.redo());
    assert_eq!(draft.document, last);
    draft.undo();
    draft.edit(&Edit::RemoveRule { rule: 1 }).unwrap();
    assert_eq!(draft.can_redo(), None);
    // An edit that changes nothing is no step.
    draft
        .edit(&Edit::Own {
            rule: 2,
            agent: agent("a"),
        })
        .unwrap();
    assert_eq!(
        draft.can_undo(),
        Some("removal of field:crm/contact/1#status")
    );
}

fn rule() -> impl Strategy<Value = Rule> {
    (
        "f:[ab/*]{0,4}",
        proptest::option::of("[xyz]"),
        proptest::collection::vec("[xyz]", 0..4),
    )
        .prop_map(|(resource, owner, sequence)| Rule {
            resource: resource.replace("f:", "field:"),
            owner,
            sequence,
            ..Rule::default()
        })
}

fn gestures() -> impl Strategy<Value = Edit> {
    (0..6u32, "[xyz]", 0..6).prop_map(|(rule, agent, kind)| match kind {
        0 => Edit::Own { rule, agent },
        1 => Edit::Read { rule, agent },
        2 => Edit::Sequence { rule, agent },
        3 => Edit::Clear { rule, agent },
        4 => Edit::Transfer { rule, agent },
        _ => Edit::RemoveRule { rule },
    })
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => gestures(),
        1 => rule().prop_map(|value| Edit::AddRule { value }),
        1 => (0..6u32, rule()).prop_map(|(rule, value)| Edit::SetRule { rule, value }),
    ]
}

fn pairs(document: &Ownership) -> Vec<Conflict> {
    Parties::new(document, &[]).conflicts()
}

/// Who may write a name: the owners that no sequence holds together. More than one is a collision.
fn owners(document: &Ownership, name: &str) -> usize {
    let rules: Vec<_> = document
        .rules
        .iter()
        .filter(|rule| pattern::matches(&rule.resource, name))
        .collect();
    let mut all: Vec<_> = rules.iter().flat_map(|rule| names::writers(rule)).collect();
    all.sort_unstable();
    all.dedup();
    let queued = rules.iter().any(|rule| {
        all.iter()
            .all(|agent| rule.sequence.iter().any(|name| name == agent))
    });
    if queued { 1 } else { all.len() }
}

proptest! {
    #[test]
    fn no_sequence_of_gestures_yields_two_owners(
        resources in proptest::collection::vec("[ab/*]{0,4}", 1..6), edits in proptest::collection::vec(gestures(), 1..25)
    ) {
        let rules = resources.into_iter().map(|name| Rule { resource: format!("field:{name}"), ..Rule::default() });
        let mut document = Ownership { rules: rules.collect(), ..Ownership::default() };
        for edit in edits {
            document = edit.apply(&document).unwrap_or(document);
            prop_assert_eq!(pairs(&document), vec![], "after {:?}", edit);
        }
    }

    #[test]
    fn no_sequence_of_edits_yields_two_owners_that_can_be_saved(edits in proptest::collection::vec(any_edit(), 1..25)) {
        let mut document = Ownership::default();
        for edit in edits {
            let before = pairs(&document).len();
            let typed = matches!(edit, Edit::AddRule { .. } | Edit::SetRule { .. });
            let Ok(after) = edit.apply(&document) else { continue };
            prop_assert!(typed || pairs(&after).len() <= before, "{:?} makes a conflict", edit);
            document = after;
            if lint::blocking(&lint::lint(&document, &Known::default())) == 0 {
                for name in ["field:", "field:a", "field:b", "field:ab", "field:a/b", "field:/", "field:b/a/b"] {
                    prop_assert!(owners(&document, name) <= 1, "{} has two owners in {:?}", name, document);
                }
            }
        }
    }

    #[test]
    fn undo_gives_back_exactly_what_was_there(edits in proptest::collection::vec(any_edit(), 1..25)) {
        let mut draft = Draft::new(1, Ownership::default());
        let mut past = vec![draft.document.clone()];
        for edit in edits {
            if draft.edit(&edit).is_ok() && past.last() != Some(&draft.document) {
                past.push(draft.document.clone());
            }
        }
        let stored: Draft = serde_json::from_str(&serde_json::to_string(&draft).unwrap()).unwrap();
        prop_assert_eq!(&stored, &draft);
        for earlier in past.iter().rev().skip(1) {
            prop_assert!(draft.undo());
            prop_assert_eq!(&draft.document, earlier);
        }
        prop_assert!(!draft.undo());
        for later in &past[1..] {
            prop_assert!(draft.redo());
            prop_assert_eq!(&draft.document, later);
        }
    }
}

#[test]
fn a_draft_takes_over_what_is_saved_beside_it_and_keeps_what_the_person_changed() {
    let rule = |resource: &str, owner: &str| {
        format!(r#"{{ resource = "{resource}", owner = "{owner}" }}"#)
    };
    let rules = |all: &[String]| document(&format!("rules = [{}]", all.join(", ")));
    let saved = rules(&[
        rule("field:a", "x"),
        rule("field:b", "x"),
        rule("field:c", "x"),
    ]);
    let mut draft = Draft::new(4, saved.clone());
    let mine = Rule {
        owner: Some("mine".into()),
        ..saved.rules[1].clone()
    };
    draft
        .edit(&Edit::SetRule {
            rule: 1,
            value: mine,
        })
        .unwrap();
    let after = rules(&[
        rule("field:a", "y"),
        rule("field:b", "y"),
        rule("field:d", "y"),
    ]);
    draft.follow(5, &saved, &after);
    let kept = rules(&[
        rule("field:a", "y"),
        rule("field:b", "mine"),
        rule("field:d", "y"),
    ]);
    assert_eq!((draft.base_revision, &draft.document), (5, &kept));
    assert_eq!(draft.can_undo(), Some("what was saved meanwhile"));
    // Saved as it stands, only what the person changed is a change.
    let mut untouched = Draft::new(4, saved.clone());
    untouched.follow(5, &saved, &after);
    assert_eq!(untouched.document, after);
}

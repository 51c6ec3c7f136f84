//! Every member of the state is saved: what `Debug` shows of it is the same before and after, and the examples together
//! leave no member empty.

use std::collections::BTreeSet;

use domain::fleet::Fleet;

use crate::{examples, said, steps};

/// What `{:#?}` shows, with everything between braces in an order of its own.
fn shown(fleet: &Fleet) -> String {
    let text = format!("{fleet:#?}");
    let lines: Vec<_> = text.lines().collect();
    in_order(&lines, 0, false).concat()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Items at one depth, each with all that stands in it.
fn in_order(lines: &[&str], depth: usize, sorted: bool) -> Vec<String> {
    let (mut items, mut item) = (vec![], String::new());
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        item.push_str(line);
        item.push('\n');
        let inner = lines.iter().skip(at);
        let inner = inner.take_while(|line| indent(line) > depth).count();
        if inner > 0 {
            let deeper = in_order(&lines[at..at + inner], depth + 4, line.ends_with('{'));
            item.push_str(&deeper.concat());
            at += inner;
        } else if line.ends_with(',') {
            items.push(std::mem::take(&mut item));
        }
    }
    items.push(item);
    if sorted {
        items.sort();
    }
    items
}

#[test]
fn everything_that_is_shown_of_a_state_is_there_again() {
    for (name, text) in examples() {
        let (mut fleet, steps) = steps(&text);
        for (at, step) in steps.iter().enumerate() {
            said(&mut fleet, step);
            if name == "full" || at + 1 == steps.len() {
                let again = Fleet::restore(&fleet.save()).unwrap();
                assert_eq!(shown(&fleet), shown(&again), "{name} after step {at}");
            }
        }
    }
}

/// Members as `Type.member`: all there are, and those with something in them.
fn members(text: &str, all: &mut BTreeSet<String>, filled: &mut BTreeSet<String>) {
    let mut types: Vec<(usize, String)> = vec![];
    for line in text.lines() {
        let depth = indent(line);
        let line = line.trim_start();
        types.retain(|(outer, _)| *outer < depth);
        let named = line.split_once(": ").filter(|(name, _)| {
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            name.chars().all(plain)
        });
        if let (Some((name, value)), Some((_, of))) = (named, types.last()) {
            let member = format!("{of}.{name}");
            let empty = ["None,", "[],", "{},", "0,", "false,", "\"\",", "0.0,"];
            if !empty.contains(&value) {
                filled.insert(member.clone());
            }
            all.insert(member);
        }
        let opened = line.strip_suffix(" {").unwrap_or_default();
        let opened = opened.rsplit([' ', '(']).next().unwrap_or_default();
        if !opened.is_empty() {
            types.push((depth, opened.to_owned()));
        }
    }
}

#[test]
fn the_examples_leave_no_member_empty() {
    let (mut all, mut filled) = (BTreeSet::new(), BTreeSet::new());
    for (name, text) in examples() {
        let (mut fleet, steps) = steps(&text);
        for (at, step) in steps.iter().enumerate() {
            said(&mut fleet, step);
            if name == "full" || at + 1 == steps.len() {
                members(&format!("{fleet:#?}"), &mut all, &mut filled);
            }
        }
    }
    // Said at the end of each judgement, and what stands for bytes that are not kept.
    filled.extend(["Slots.restated", "World.nothing"].map(str::to_owned));
    // Read from the bytes when asked for.
    let trees = [
        "Artifact.body",
        "Escalation.proposed_action",
        "Escalation.options",
    ];
    filled.extend(trees.map(str::to_owned));
    filled.insert("Escalation.response_schema".to_owned());
    // Of an endpoint of which much is kept, or which told very many accesses.
    filled.extend(["Weight.left", "Told.before"].map(str::to_owned));
    let empty: Vec<_> = all.difference(&filled).collect();
    assert!(all.len() > 200, "{}", all.len());
    assert!(empty.is_empty(), "{empty:#?}");
}

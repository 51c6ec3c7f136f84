//! A state that was saved and restored goes on as if nothing had been: at every line of every example, in every member, and
//! not at all when a byte of it was changed.
//!
//! The same over stories made up by chance is a law (`tests/laws/snapshot.rs`), and for what endpoints said last it stands
//! beside the law of differences (`tests/delta.rs`).

#![allow(clippy::unwrap_used)] // all of it is a test

mod damage;
mod members;

use domain::{
    fact::{Fact, Line, read_line},
    fleet::Fleet,
    time::Time,
};

/// What happens to a fleet, in the order of `replay`.
#[derive(Debug)]
enum Step {
    Take(Box<Line>),
    Judge(Time),
}

/// A file of lines: the fleet before the first fact, and the steps.
fn steps(text: &str) -> (Fleet, Vec<Step>) {
    let (mut fleet, mut steps, mut now) = (Fleet::new(Default::default()), vec![], None);
    for (number, text) in (1..).zip(text.lines()) {
        let line = match read_line(number, text).unwrap() {
            None => continue,
            Some(line) => line,
        };
        let Some(at) = line.at else {
            if let Fact::Config(config) = line.fact {
                fleet = Fleet::new(config);
            }
            continue;
        };
        let at = now.map_or(at, |now| at.max(now));
        steps.extend(now.filter(|before| *before < at).map(Step::Judge));
        now = Some(at);
        let at = now;
        steps.push(Step::Take(Box::new(Line { at, ..line })));
    }
    steps.extend(now.map(Step::Judge));
    (fleet, steps)
}

/// All that is said of a step, to the last byte.
fn said(fleet: &mut Fleet, step: &Step) -> String {
    let mut changes = vec![];
    match step {
        Step::Take(line) => changes = fleet.take(line),
        Step::Judge(at) => fleet.judge(*at, &mut changes),
    }
    format!("{changes:?} {:?} {}", fleet.next_due(), fleet.judged())
}

/// All examples, the stories that broke a law once, and one in which everything stands that a state can hold.
#[allow(clippy::disallowed_methods)] // the rules read no files; this test reads its examples
fn examples() -> Vec<(String, String)> {
    let full = include_str!("full.jsonl");
    let mut found = vec![("full".to_owned(), full.to_owned())];
    for folder in ["scenarios", "scenarios/clauses", "stories"] {
        let files = std::fs::read_dir(format!("../../../tests/fixtures/{folder}")).unwrap();
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "jsonl"));
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            found.push((file.display().to_string(), text));
        }
    }
    assert!(found.len() > 200, "the examples are there");
    found
}

#[test]
fn cut_at_every_line_of_every_example_it_goes_on_as_if_it_had_not_been() {
    for (name, text) in examples() {
        let (mut fleet, steps) = steps(&text);
        let (mut cuts, mut told) = (vec![], vec![]);
        for step in &steps {
            cuts.push(fleet.save());
            told.push(said(&mut fleet, step));
        }
        let end = fleet.save();
        for (at, cut) in cuts.iter().enumerate() {
            let mut again = Fleet::restore(cut).unwrap_or_else(|| panic!("{name}, step {at}"));
            assert!(again.save() == *cut, "{name}, step {at}: other bytes");
            for (number, step) in steps.iter().enumerate().skip(at) {
                assert_eq!(
                    said(&mut again, step),
                    told[number],
                    "{name}, cut before step {at}, at step {number}"
                );
            }
            // Whoever is heard first after it has a secret of its own, of the same length.
            assert_eq!(again.save().len(), end.len(), "{name}, step {at}");
        }
    }
}

//! A state that is saved at any line and restored goes on as if nothing had been.

use domain::{
    change::Change,
    fact::{Fact, read_line},
    finding::Finding,
    fleet::Fleet,
};
use serde_json::Value;

use crate::{Telling, holds};

/// The findings, and all that is said of each line: it is taken in and judged, as live.
fn told(story: &[Value], cut: Option<usize>) -> Result<(Vec<Finding>, Vec<String>), String> {
    let (mut fleet, mut findings, mut told) = (Fleet::new(Default::default()), vec![], vec![]);
    for (at, line) in story.iter().enumerate() {
        let line = read_line(at as u64 + 1, &line.to_string())
            .unwrap()
            .unwrap();
        let mut changes = fleet.take(&line);
        if cut == Some(at) {
            // Not judged yet: the next fact may be of the same moment.
            fleet = again(&fleet)?;
        }
        match line.fact {
            Fact::Config(config) => fleet = Fleet::new(config),
            _ => fleet.judge(line.at.unwrap(), &mut changes),
        }
        told.push(format!("{changes:?} {:?}", fleet.next_due()));
        findings.extend(changes.into_iter().filter_map(|change| match change {
            Change::Finding(finding) => Some(*finding),
            _ => None,
        }));
        if cut == Some(at) {
            fleet = again(&fleet)?;
        }
    }
    Ok((findings, told))
}

fn again(fleet: &Fleet) -> Result<Fleet, String> {
    let bytes = fleet.save();
    let again = Fleet::restore(&bytes).ok_or("it cannot be restored")?;
    match again.save() == bytes {
        true => Ok(again),
        false => Err("saved again it has other bytes".to_owned()),
    }
}

#[test]
fn a_restart_from_what_was_saved_changes_nothing() {
    holds(Telling::Late, |story, choice| {
        let (findings, straight) = told(story, None)?;
        let cut = (choice % story.len() as u64) as usize;
        let (_, restarted) = told(story, Some(cut))?;
        for (at, (one, other)) in straight.iter().zip(&restarted).enumerate() {
            if one != other {
                return Err(format!("cut at {cut}, line {at} says\n{other}\nnot\n{one}"));
            }
        }
        Ok(findings)
    });
}

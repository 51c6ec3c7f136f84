//! A replay file in, findings out: the same code path as live, without a store.
//!
//! Groups the lines of one `at`, as all their facts are taken in before any rule is judged.

use crate::{
    change::Change,
    fact::{Fact, Line, LineError, read_line},
    finding::Finding,
    fleet::Fleet,
    time::Time,
};

/// Reads lines to the end. Findings stand in the order of detection; `Err` names the line that could not be read.
pub fn replay<S: AsRef<str>>(
    lines: impl IntoIterator<Item = S>,
) -> Result<Vec<Finding>, LineError> {
    let mut findings = vec![];
    let mut fleet: Option<Fleet> = None;
    let mut now: Option<Time> = None;
    for (index, text) in lines.into_iter().enumerate() {
        let Some(line) = read_line(index as u64 + 1, text.as_ref())? else {
            continue;
        };
        let Some(at) = line.at else {
            fleet.get_or_insert_with(|| Fleet::new(config(line)));
            continue;
        };
        let fleet = fleet.get_or_insert_with(|| Fleet::new(Default::default()));
        // Time never goes backwards.
        let at = now.map_or(at, |now| now.max(at));
        if let Some(before) = now.filter(|before| *before < at) {
            judge(fleet, before, &mut findings);
        }
        now = Some(at);
        fleet.take(&Line {
            at: Some(at),
            ..line
        });
    }
    if let (Some(fleet), Some(now)) = (&mut fleet, now) {
        judge(fleet, now, &mut findings);
    }
    Ok(findings)
}

fn config(line: Line) -> crate::fact::Config {
    match line.fact {
        Fact::Config(config) => config,
        _ => Default::default(),
    }
}

fn judge(fleet: &mut Fleet, now: Time, findings: &mut Vec<Finding>) {
    let mut changes = vec![];
    fleet.judge(now, &mut changes);
    findings.extend(changes.into_iter().filter_map(|change| match change {
        Change::Finding(finding) => Some(*finding),
        _ => None,
    }));
}

//! "Retry", "continue" and "nudge" are never offered on what waits for a person: on some servers to go on is to say yes.
//! Looked at where ways out are offered, in the findings that a fleet has of a document, now and days later.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    change::Change,
    contract::{Document, EscalationStatus},
    fact::{Config, Fact, Line},
    fleet::Fleet,
    time::Time,
};

const PUSHES: [&str; 7] = [
    "retry", "continue", "nudge", "resume", "rerun", "run", "proceed",
];

pub(crate) fn not_pushed_on(document: &Document, what: &str) {
    let asked = document.escalations.iter().flatten();
    let open = asked.filter(|asked| asked.value.status == EscalationStatus::Pending);
    let waiting: Vec<String> = open
        .filter_map(|asked| Some(format!("e/{}", asked.value.task_id.as_ref()?)))
        .collect();
    let begin: Time = Utc::now().max(DateTime::UNIX_EPOCH);
    let status = |document: Document| Fact::Status {
        endpoint: "e".into(),
        document: Arc::new(document),
    };
    let quiet = Document {
        agent: document.agent.clone(),
        ..Document::default()
    };
    let mut fleet = Fleet::new(Config::default());
    let all = [0, 1, 11, 12, 60, 61, 1500, 3000, 10_000];
    for (number, minutes) in (2..).zip(all) {
        let at = begin + TimeDelta::minutes(minutes);
        let line = Line {
            number,
            at: Some(at),
            fact: status(if minutes == 0 {
                document.clone()
            } else {
                quiet.clone()
            }),
        };
        let mut changes = fleet.take(&line);
        fleet.judge(at, &mut changes);
        for change in changes {
            let Change::Finding(finding) = change else {
                continue;
            };
            if !finding.tasks.iter().any(|task| waiting.contains(task)) {
                continue;
            }
            for offered in &finding.resolutions {
                let words = format!("{} {}", offered.id, offered.label).to_lowercase();
                let mut words = words.split(|c: char| !c.is_alphabetic());
                assert!(
                    !words.any(|word| PUSHES.contains(&word)),
                    "{what}: {} offers {:?} after {minutes} minutes",
                    finding.rule,
                    offered.label
                );
            }
        }
    }
}

//! A finding, opened: what the rule says, the facts that show it in sentences, and why the rule exists.

use std::collections::{HashMap, hash_map::Entry};

use domain::{
    contract::Needs,
    fact::PollError,
    finding::Evidence,
    ownership::{Rule, names},
    time::Time,
};
use serde_json::Value;
use store::{
    Reader, Result,
    tables::{facts, findings},
};

use super::{
    routes::Routes,
    views::{AlikeView, EvidenceView, FindingRequest, FindingView},
    wording::{Glance, agent_text, failure, plain},
};

/// Of a place in the configuration that is no rule.
const SETTINGS: &str = "So say your settings.";
/// Resources of one sort that are named.
const DECLARED: usize = 4;
/// Longest evidence that is shown as JSON.
const LONGEST: usize = 300;

/// The finding; `None` when there is none.
pub fn finding(glance: Glance<'_>, request: &FindingRequest) -> Result<Option<FindingView>> {
    let episode = request.key.strip_prefix("f:").unwrap_or(&request.key);
    let Some(row) = findings::get(glance.reader, episode)? else {
        return Ok(None);
    };
    let finding = row.finding;
    let resolutions = super::remedy::views(glance, &finding)?;
    let mut lines = Lines::default();
    let mut evidence = vec![];
    for fact in &finding.evidence {
        evidence.push(lines.witness(glance.reader, fact)?.view);
    }
    let route = match row.cleared_at.or(row.dismissed_at) {
        Some(_) => None,
        None => {
            let routes = Routes::read(glance.reader)?;
            let route = routes.of_finding(&finding, row.opened_at);
            Some(routes.finding_view(&finding, &route, glance.now))
        }
    };
    Ok(Some(FindingView {
        route,
        key: format!("f:{episode}"),
        explanation: explanation(&finding.rule).to_owned(),
        severity: finding.severity,
        at: row.opened_at,
        cleared_at: row.cleared_at,
        summary: agent_text(&finding.summary),
        agents: finding.agents,
        endpoints: finding.endpoints,
        tasks: finding.tasks,
        resource: finding.resource.as_deref().map(plain),
        pool: finding.pool.as_deref().map(plain),
        resolutions,
        alike: alike(glance.reader, episode, &finding.rule, &finding.summary)?,
        rule: finding.rule,
        evidence,
    }))
}

fn alike(reader: &Reader, episode: &str, rule: &str, summary: &str) -> Result<Vec<AlikeView>> {
    let mut all: Vec<AlikeView> = findings::open(reader)?
        .into_iter()
        .filter(|row| row.dismissed_at.is_none() && row.finding.episode != episode)
        .filter(|row| row.finding.rule == rule && row.finding.summary == summary)
        .map(|row| AlikeView {
            key: format!("f:{}", row.finding.episode),
            at: row.opened_at,
            subject: row.finding.tasks.first().map(|task| plain(task)),
        })
        .collect();
    all.sort_by_key(|one| one.at);
    Ok(all)
}

/// Lines of the log, read once however many facts point to them.
#[derive(Default)]
pub(super) struct Lines {
    read: HashMap<u64, Option<(Time, Value)>>,
}

/// A fact that shows a finding, with the item of a status document it is.
pub(super) struct Witness {
    /// As a screen shows it.
    pub view: EvidenceView,
    /// Whose item.
    pub endpoint: String,
    /// In which list.
    pub list: String,
    /// Its id there; of a context entry, document and number.
    pub id: String,
}

impl Lines {
    /// What a fact says.
    pub(super) fn witness(&mut self, reader: &Reader, fact: &Evidence) -> Result<Witness> {
        let line = match self.read.entry(fact.line) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(empty) => {
                // The configuration is line 1 of a recording, so row n of the log is line n + 1.
                let row = match fact.line.checked_sub(1) {
                    Some(seq) if seq > 0 => facts::get(reader, seq)?,
                    _ => None,
                };
                empty.insert(row.map(|row| {
                    let line = serde_json::from_str(&row.line).unwrap_or_default();
                    (row.at, line)
                }))
            }
        };
        let said = match &*line {
            Some((_, line)) => sentence(line, &fact.pointer),
            None if fact.line == 1 => {
                let config = facts::config(reader)?;
                let place = fact.pointer.strip_prefix("/config").unwrap_or_default();
                let value = config.as_ref().and_then(|config| config.pointer(place));
                value.map_or_else(|| SETTINGS.to_owned(), configured)
            }
            None => "This fact is older than the log reaches.".to_owned(),
        };
        let mut parts = fact.pointer.split('/').skip(2);
        let (list, index) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        let of = |path: &str| -> String {
            let value = line.as_ref().and_then(|(_, line)| line.pointer(path));
            match value {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                _ => String::new(),
            }
        };
        let item = format!("/status/{list}/{index}");
        let id = match list {
            "context" => format!(
                "{}#{}",
                of(&format!("{item}/documentId")),
                of(&format!("{item}/seq"))
            ),
            _ => of(&format!("{item}/id")),
        };
        Ok(Witness {
            endpoint: of("/endpoint"),
            list: list.to_owned(),
            id,
            view: EvidenceView {
                at: line.as_ref().map(|(at, _)| *at),
                evidence: fact.clone(),
                sentence: agent_text(&said),
            },
        })
    }
}

/// What the place in a line of the log says.
fn sentence(line: &Value, pointer: &str) -> String {
    let text = |value: &Value, path: &str| -> Option<String> {
        Some(value.pointer(path)?.as_str()?.to_owned())
    };
    let endpoint = text(line, "/endpoint").unwrap_or_else(|| "somebody".to_owned());
    let agent = text(line, "/status/agent/id").unwrap_or_else(|| endpoint.clone());
    if let Some(error) = line.get("error") {
        let error = serde_json::from_value::<PollError>(error.clone());
        return match error {
            Ok(error) => format!("{endpoint}: {}", failure(&error)),
            Err(_) => format!("{endpoint} did not answer."),
        };
    }
    let Some(value) = line.pointer(pointer) else {
        return "The place is not in the log.".to_owned();
    };
    if pointer.starts_with("/config/") {
        return configured(value);
    }
    // The item itself, when the pointer goes into one.
    let mut parts = pointer.split('/').skip(2);
    let (list, index) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let item = line
        .pointer(&format!("/status/{list}/{index}"))
        .unwrap_or(value);
    let of = |path: &str| text(item, path).unwrap_or_else(|| "?".to_owned());
    match list {
        "tasks" => format!(
            "{agent} reports \"{}\" as {}.",
            of("/title"),
            of("/status/state")
        ),
        "accesses" => {
            let verb = match of("/mode").as_str() {
                "read" => "read",
                "write" => "wrote",
                "consume" => "took an event of",
                _ => "touched",
            };
            let version = match (text(item, "/baseVersion"), text(item, "/newVersion")) {
                (Some(base), Some(new)) if base != new => {
                    format!(": version {base} became {new}")
                }
                (_, Some(new)) => format!(" as version {new}"),
                (Some(base), None) if verb == "wrote" => format!(" over version {base}"),
                (Some(base), None) => format!(" at version {base}"),
                (None, None) => String::new(),
            };
            format!("{agent} {verb} {}{version}.", of("/resource"))
        }
        "claims" => format!(
            "{agent} has a claim on {} ({}).",
            of("/resource"),
            of("/state")
        ),
        "handoffs" => format!("{agent} hands {} over to {}.", of("/taskId"), of("/to")),
        "artifacts" => format!("{agent} made {}.", of("/name")),
        "escalations" => format!("{agent} asks: {}", of("/title")),
        "quotas" => format!("{agent} reports the limit of {}.", of("/pool/provider")),
        "schedules" => format!("{agent} starts by itself on {}.", of("/resource")),
        "context" => format!("{agent} wrote in {}.", of("/documentId")),
        "ownership" => needed(&agent, value),
        _ => {
            let json = value.to_string();
            match json.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{agent}: {} …", &json[..end]),
                None => format!("{agent}: {json}"),
            }
        }
    }
}

/// What a place in the configuration says: a rule in words.
fn configured(value: &Value) -> String {
    let Ok(rule) = serde_json::from_value::<Rule>(value.clone()) else {
        return SETTINGS.to_owned();
    };
    let resource = &rule.resource;
    match names::writers(&rule).as_slice() {
        [] => format!("Your rule: {resource} is only read."),
        [one] => format!("Your rule: {one} owns {resource}."),
        many => format!("Your rule: {} take turns on {resource}.", names::list(many)),
    }
}

/// What an agent declared, or the one place of it that is pointed at.
fn needed(agent: &str, value: &Value) -> String {
    if let Some(one) = value.as_str() {
        return format!("{agent} says that it needs {one}.");
    }
    let needs = serde_json::from_value::<Needs>(value.clone()).unwrap_or_default();
    let parts: Vec<_> = [
        ("starts on", &needs.triggers),
        ("reads", &needs.reads),
        ("writes", &needs.writes),
        ("sends to", &needs.outputs),
    ]
    .into_iter()
    .filter(|(_, all)| !all.is_empty())
    .map(|(verb, all)| match all.split_at_checked(DECLARED) {
        Some((shown, more)) if !more.is_empty() => {
            format!("{verb} {} and {} more", shown.join(", "), more.len())
        }
        _ => format!("{verb} {}", names::list(all)),
    })
    .collect();
    if parts.is_empty() {
        return format!("{agent} says that it needs nothing.");
    }
    format!("{agent} says what it needs: it {}.", parts.join("; it "))
}

/// Why the rule exists.
pub(super) fn explanation(rule: &str) -> &'static str {
    match rule {
        "trigger-collision" => {
            "One trigger has one consumer. When two agents react to the same event, the work is done twice, or in two ways."
        }
        "write-conflict" => {
            "One field has one writer. When two agents write it, one of them overwrites what the other knows."
        }
        "stale-read" => {
            "The task went on from a version that another agent had replaced in the meantime."
        }
        "output-collision" => {
            "Two agents sent to one place at the same time, and nobody said who is first."
        }
        "sequence-violation" => {
            "Work began before what it depends on was done, or out of its turn."
        }
        "silent-completion" => {
            "Finished work that tells nobody is waited for without end. A handoff must be given, and taken."
        }
        "stall" => "The task says that it is running, and nothing about it has moved.",
        "timeout" => "The task has been alive longer than its time budget or its deadline allows.",
        "deadlock" => "Each of them waits for another one in the circle. None can go on by itself.",
        "double-booking" => "A claim that excludes others was given twice at the same time.",
        "duplicate-work" => {
            "Two agents do the same piece of work. One of them is paid for nothing."
        }
        "quota-pressure" => {
            "At the present rate the shared limit runs out before it starts anew, for everyone who uses it."
        }
        "quota-exhausted" => {
            "The shared limit is used up. Everyone who uses it is refused until it starts anew."
        }
        "context-divergence" => {
            "They work on one thing and have read different versions of what was agreed."
        }
        "schema-violation" => {
            "An item does not have the agreed shape. The last good one is kept and this one is set aside."
        }
        "retry-storm" => {
            "The same thing fails again and again. Each try costs, and nothing changes between them."
        }
        "scope-overreach" => "The agent wrote outside of everything it declared or was given.",
        "undeclared-agent" => {
            "The agent has not said what it reads and writes, so nothing can be checked before it happens."
        }
        "unowned-resource" => "It is written, and no rule says whose it is.",
        "escalation-overdue" => {
            "A question has waited longer than was agreed. It is never approved by waiting."
        }
        "endpoint-stale" => {
            "It has not answered several times in a row. What is shown of it is what it said last."
        }
        "offline" => {
            "No endpoint answers, and none did since the first of them failed. That is rather the network than all of them at once."
        }
        "overload" => {
            "The endpoint asks for patience. It is asked less often until it answers again."
        }
        "unknown-dependency" => {
            "The task waits for another one by a name that no agent has told of. Nobody can say when that is done."
        }
        "readiness" => {
            "A new agent joins while the newest one has not yet shown that it works well. Trouble would have two possible causes."
        }
        "review-due" => {
            "Rules that nobody reads do not fit any more. The ownership document is to be read from time to time."
        }
        _ => UNEXPLAINED,
    }
}

const UNEXPLAINED: &str = "A rule about work between agents does not hold.";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use domain::remedy::OFFERED;

    use super::{SETTINGS, UNEXPLAINED, configured, explanation, sentence};

    #[test]
    fn every_rule_says_why_it_exists() {
        for (rule, _) in OFFERED {
            assert_ne!(explanation(rule), UNEXPLAINED, "{rule}");
        }
    }

    #[track_caller]
    fn check(line: &Value, pointer: &str, expected: &str) {
        assert_eq!(sentence(line, pointer), expected);
    }

    #[test]
    fn a_rule_is_named_by_who_owns_what() {
        let rules = json!([
            {"resource": "output:mail/supplier", "owner": "payments"},
            {"resource": "output:slack/billing", "owner": "billing", "sequence": ["billing", "triage"]},
            {"resource": "field:crm/**", "readers": ["digest"]},
        ]);
        let line = json!({"at": "2026-11-20T08:00:00Z", "config": {"ownership": {"rules": rules}, "settings": {"stallAfterSeconds": 60}}});
        for (place, expected) in [
            (
                "ownership/rules/0",
                "Your rule: payments owns output:mail/supplier.",
            ),
            (
                "ownership/rules/1",
                "Your rule: billing and triage take turns on output:slack/billing.",
            ),
            ("ownership/rules/2", "Your rule: field:crm/** is only read."),
            ("settings/stallAfterSeconds", SETTINGS),
        ] {
            check(&line, &format!("/config/{place}"), expected);
        }
        assert_eq!(configured(&json!(true)), SETTINGS);
    }

    #[test]
    fn what_an_agent_declared_is_told_in_words() {
        let many: Vec<_> = (1..=6).map(|n| format!("field:f{n}")).collect();
        let declared =
            json!({"triggers": ["trigger:mail"], "reads": ["field:a", "field:b"], "writes": many});
        let line = json!({"endpoint": "desk", "status": {"agent": {"id": "payments"}, "ownership": declared}});
        check(
            &line,
            "/status/ownership",
            "payments says what it needs: it starts on trigger:mail; it reads field:a and field:b; it writes field:f1, field:f2, field:f3, field:f4 and 2 more.",
        );
        check(
            &line,
            "/status/ownership/reads/1",
            "payments says that it needs field:b.",
        );
        let none =
            json!({"endpoint": "desk", "status": {"agent": {"id": "payments"}, "ownership": {}}});
        check(
            &none,
            "/status/ownership",
            "payments says that it needs nothing.",
        );
    }
}

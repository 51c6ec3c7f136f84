//! What the record of observed behaviour says about the rules: used without an owner, written by others, never used,
//! owners that are unknown or do not answer.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::{Known, LintCode, LintIssue, Parties, Seen, Usage, place};
use crate::{
    contract::AccessMode,
    ownership::{Ownership, Rule, edit::Edit, names},
};

pub(super) fn check(
    document: &Ownership,
    parties: &Parties,
    known: &Known,
    issues: &mut Vec<LintIssue>,
) {
    if !known.agents.is_empty() {
        owners(document, known, issues);
    }
    if let Some(usage) = &known.usage {
        let used = touched(document, parties, usage, issues);
        unused(document, usage, &used, issues);
    }
}

/// Owners nobody has heard of, and owners that do not answer now: one issue each, however many rules name them.
fn owners(document: &Ownership, known: &Known, issues: &mut Vec<LintIssue>) {
    let mut rules: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, rule) in document.rules.iter().enumerate() {
        for name in names::writers(rule)
            .into_iter()
            .filter(|name| *name != "me")
        {
            rules.entry(name).or_default().push(at);
        }
    }
    for (name, rules) in rules {
        let heard = known
            .agents
            .iter()
            .find(|agent| is(name, &agent.endpoint, &agent.agent));
        let (code, message) = match heard {
            None => (
                LintCode::UnknownAgent,
                format!("{name} is named in a rule, but no agent of that name was heard of."),
            ),
            Some(agent) if !agent.reachable => (
                LintCode::UnreachableOwner,
                format!("{name} does not answer now; what it owns stands still."),
            ),
            Some(_) => continue,
        };
        issues.push(LintIssue::new(code, &rules, message).by(&[name]));
    }
}

fn is(name: &str, endpoint: &str, agent: &str) -> bool {
    name == agent
        || name
            .strip_prefix(endpoint)
            .and_then(|rest| rest.strip_prefix('/'))
            == Some(agent)
}

/// Goes through what was touched; answers when each rule was last used.
fn touched(
    document: &Ownership,
    parties: &Parties,
    usage: &Usage,
    issues: &mut Vec<LintIssue>,
) -> BTreeMap<usize, crate::time::Time> {
    let mut used = BTreeMap::new();
    let mut unowned: BTreeMap<&str, (Vec<usize>, Vec<&Seen>)> = BTreeMap::new();
    let mut by_others: BTreeMap<(&str, usize), Vec<&Seen>> = BTreeMap::new();
    for seen in &usage.seen {
        let rules = parties.matching(&seen.resource);
        for at in &rules {
            let last = used.entry(*at).or_insert(seen.last_at);
            *last = seen.last_at.max(*last);
        }
        if seen.mode == AccessMode::Read {
            continue;
        }
        let writers: Vec<_> = rules
            .iter()
            .flat_map(|at| names::writers(&document.rules[*at]))
            .collect();
        if writers.is_empty() {
            unowned
                .entry(&seen.resource)
                .or_insert((rules, vec![]))
                .1
                .push(seen);
        } else if !writers
            .iter()
            .any(|name| is(name, &seen.endpoint, &seen.agent))
        {
            let first = rules
                .iter()
                .find(|at| !names::writers(&document.rules[**at]).is_empty());
            by_others
                .entry((&seen.resource, *first.unwrap_or(&0)))
                .or_default()
                .push(seen);
        }
    }
    for (resource, (rules, seen)) in unowned {
        let (agents, times) = who(&seen);
        let message = format!(
            "{} used `{resource}` {}, and nobody owns it.",
            names::list(&agents),
            often(times)
        );
        let mut issue = LintIssue::new(LintCode::UnownedUsed, &rules, message)
            .about(resource)
            .by(&agents);
        issue.witness = Some(resource.to_owned());
        for agent in &agents {
            let edit = match rules.first() {
                Some(at) => Edit::Own {
                    rule: place(*at),
                    agent: (*agent).to_owned(),
                },
                None => Edit::AddRule {
                    value: Rule {
                        resource: resource.to_owned(),
                        owner: Some((*agent).to_owned()),
                        ..Rule::default()
                    },
                },
            };
            issue = issue.fix(format!("{agent} owns it"), edit);
        }
        issues.push(issue);
    }
    for ((resource, at), seen) in by_others {
        let (agents, times) = who(&seen);
        let owner = names::list(&names::writers(&document.rules[at]));
        let message = format!(
            "{} wrote `{resource}` {}; it belongs to {owner}.",
            names::list(&agents),
            often(times)
        );
        let mut issue = LintIssue::new(LintCode::WrittenByOther, &[at], message)
            .about(resource)
            .by(&agents);
        issue.witness = Some(resource.to_owned());
        for agent in &agents {
            let edit = Edit::Sequence {
                rule: place(at),
                agent: (*agent).to_owned(),
            };
            issue = issue.fix(format!("Let {agent} take turns with {owner}"), edit);
        }
        issues.push(issue);
    }
    used
}

/// The agents, the busiest first, and how often all of them together.
fn who<'a>(seen: &[&'a Seen]) -> (Vec<&'a str>, u32) {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for seen in seen {
        *counts.entry(&seen.agent).or_default() += seen.count;
    }
    let total = counts.values().sum();
    let mut agents: Vec<_> = counts.into_iter().collect();
    agents.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    (agents.into_iter().map(|(agent, _)| agent).collect(), total)
}

fn often(times: u32) -> String {
    if times == 1 {
        "once".into()
    } else {
        format!("{times} times")
    }
}

fn unused(
    document: &Ownership,
    usage: &Usage,
    used: &BTreeMap<usize, crate::time::Time>,
    issues: &mut Vec<LintIssue>,
) {
    let span = usage.to - usage.from;
    let after =
        TimeDelta::seconds(i64::try_from(usage.unused_after_seconds).unwrap_or(i64::MAX / 1000));
    if span < after {
        return;
    }
    let since = if after.is_zero() {
        usage.from
    } else {
        usage.to - after
    };
    for (at, rule) in document.rules.iter().enumerate() {
        if used.get(&at).is_some_and(|last| *last >= since) {
            continue;
        }
        let span = if after.is_zero() {
            "in the whole record".to_owned()
        } else {
            format!("for {} days", after.num_days())
        };
        let message = format!("Nothing used `{}` {span}.", rule.resource);
        issues.push(
            LintIssue::new(LintCode::Unused, &[at], message)
                .about(&rule.resource)
                .fix("Remove the rule", Edit::RemoveRule { rule: place(at) }),
        );
    }
}

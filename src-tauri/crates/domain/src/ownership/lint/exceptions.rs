//! What is wrong with the exception rules: every exception has a named owner, a time, and an order among its agents.

use super::{Known, LintCode, LintIssue, place};
use crate::ownership::{Exception, Ownership, edit::Edit, names, pattern::Pattern};

pub(super) fn check(document: &Ownership, known: &Known, issues: &mut Vec<LintIssue>) {
    for (at, exception) in document.exceptions.iter().enumerate() {
        let set = |change: fn(&mut Exception)| {
            let mut exception = exception.clone();
            change(&mut exception);
            Edit::SetException {
                exception: place(at),
                value: exception,
            }
        };
        let of = names::list(&exception.agents);
        if exception.route_to.as_deref().is_none_or(str::is_empty) {
            issues.push(
                LintIssue::new(
                    LintCode::ExceptionWithoutOwner,
                    &[at],
                    format!("Nobody gets the exceptions of {of}."),
                )
                .by(&exception.agents)
                .fix(
                    "Send them to you",
                    set(|exception| exception.route_to = Some("me".into())),
                ),
            );
        }
        if exception
            .sla_hours
            .is_none_or(|hours| !(hours > 0.0 && hours.is_finite()))
        {
            issues.push(
                LintIssue::new(
                    LintCode::ExceptionWithoutSla,
                    &[at],
                    format!("Exceptions of {of} are never due."),
                )
                .by(&exception.agents)
                .fix(
                    "Due within 24 h",
                    set(|exception| exception.sla_hours = Some(24.0)),
                ),
            );
        }
        let possible = |fallback: &str| {
            matches!(fallback, "hold" | "refuse" | "dead-letter")
                || fallback
                    .strip_prefix("hand-over:")
                    .is_some_and(|name| !name.is_empty())
        };
        if let Some(fallback) = exception
            .fallback
            .as_deref()
            .filter(|fallback| !possible(fallback))
        {
            let message = format!(
                "When the time of {of} is over, `{fallback}` is not possible: hold, refuse, dead-letter or hand-over:<name>."
            );
            issues.push(
                LintIssue::new(LintCode::UnknownFallback, &[at], message)
                    .by(&exception.agents)
                    .fix(
                        "Hold",
                        set(|exception| exception.fallback = Some("hold".into())),
                    ),
            );
        }
        let earlier = document.exceptions[..at]
            .iter()
            .position(|other| covers(other, exception));
        if let Some(first) = earlier {
            let message = format!(
                "The exception rule of {of} never counts: one before it matches the same agents."
            );
            issues.push(
                LintIssue::new(LintCode::ShadowedException, &[at, first], message)
                    .by(&exception.agents)
                    .fix(
                        "Remove it",
                        Edit::RemoveException {
                            exception: place(at),
                        },
                    ),
            );
        }
    }
    shared_owners(document, known, issues);
}

fn covers(wide: &Exception, narrow: &Exception) -> bool {
    let covered = |name: &String| {
        wide.agents
            .iter()
            .any(|pattern| Pattern::agent(pattern).covers(&Pattern::agent(name)))
    };
    !narrow.agents.is_empty() && narrow.agents.iter().all(covered)
}

/// Two agents on one owner need a priority, else nobody knows which comes first.
fn shared_owners(document: &Ownership, known: &Known, issues: &mut Vec<LintIssue>) {
    let mut owners: Vec<&str> = document
        .exceptions
        .iter()
        .filter_map(|exception| exception.route_to.as_deref())
        .collect();
    owners.sort_unstable();
    owners.dedup();
    for owner in owners.into_iter().filter(|owner| !owner.is_empty()) {
        let rules: Vec<_> = document
            .exceptions
            .iter()
            .enumerate()
            .filter(|(_, exception)| exception.route_to.as_deref() == Some(owner))
            .collect();
        let agents: usize = rules
            .iter()
            .map(|(_, exception)| how_many(exception, known))
            .sum();
        let without: Vec<_> = rules
            .iter()
            .filter(|(_, exception)| exception.priority.is_none())
            .collect();
        // One rule alone has no other to come before or after.
        let several = agents > 1 && rules.len() > 1;
        let Some((at, exception)) = without.first().filter(|_| several) else {
            continue;
        };
        let places: Vec<_> = without.iter().map(|(at, _)| *at).collect();
        let names: Vec<_> = rules
            .iter()
            .flat_map(|(_, exception)| &exception.agents)
            .collect();
        let gets = if owner == "me" {
            "You get".to_owned()
        } else {
            format!("{owner} gets")
        };
        let message = format!(
            "{gets} the exceptions of several agents, and no priority says which comes first."
        );
        let last = rules
            .iter()
            .filter_map(|(_, exception)| exception.priority)
            .max()
            .unwrap_or(0);
        let value = Exception {
            priority: Some(last.saturating_add(1)),
            ..(*exception).clone()
        };
        issues.push(
            LintIssue::new(LintCode::SharedEscalationOwner, &places, message)
                .by(&names)
                .fix(
                    format!(
                        "Give {} priority {}",
                        names::list(&exception.agents),
                        last.saturating_add(1)
                    ),
                    Edit::SetException {
                        exception: place(*at),
                        value,
                    },
                ),
        );
    }
}

/// How many agents an exception rule is about: those heard of, or as many as it can mean.
fn how_many(exception: &Exception, known: &Known) -> usize {
    if known.agents.is_empty() {
        return exception
            .agents
            .iter()
            .map(|name| if name.contains('*') { 2 } else { 1 })
            .sum();
    }
    let patterns: Vec<_> = exception
        .agents
        .iter()
        .map(|name| Pattern::agent(name))
        .collect();
    known
        .agents
        .iter()
        .filter(|agent| {
            let full = format!("{}/{}", agent.endpoint, agent.agent);
            patterns
                .iter()
                .any(|pattern| pattern.matches(&agent.agent) || pattern.matches(&full))
        })
        .count()
}

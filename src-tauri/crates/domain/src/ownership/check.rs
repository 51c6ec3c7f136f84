//! The check before an agent goes live: what it says it needs against every existing rule. Readiness of the agents
//! that are there already is not judged here.

use serde::Serialize;

use super::{
    Ownership,
    lint::{self, Known, LintCode, LintSeverity},
    names,
    pattern::{Index, Pattern},
};
use crate::contract::Needs;

/// May it go live?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Go {
    /// Nothing speaks against it.
    Go,
    /// Something has to be settled first.
    Wait,
}

/// The answer; as JSON what `missionctl check-agent` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// May it go live?
    pub verdict: Go,
    /// Why not: one sentence each.
    pub reasons: Vec<String>,
    /// What it shares with whom.
    pub overlaps: Vec<Overlap>,
}

/// A need that meets a rule of another agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// `trigger-overlap`, or `two-owners` or `two-writers` for what is written.
    pub code: LintCode,
    /// The pattern needed.
    pub resource: String,
    /// Who has it by the rules, and the new agent if its name is given; sorted.
    pub agents: Vec<String>,
    /// A name both match.
    pub witness: String,
}

/// Checks the needs of a new agent. Its own rules, and sequences that hold it, do not speak against it.
pub fn check(document: &Ownership, needs: &Needs, agent: Option<&str>) -> Verdict {
    let (mut reasons, mut overlaps) = (vec![], vec![]);
    let index = Index::new(document.rules.iter().map(|rule| rule.resource.as_str()));
    let needed = needs
        .triggers
        .iter()
        .chain(&needs.writes)
        .chain(&needs.outputs);
    for resource in needed {
        for (at, witness) in index.overlapping(&Pattern::resource(resource)) {
            let writers = names::writers(&document.rules[at]);
            let own = |name: &str| {
                agent.is_some_and(|agent| name == agent || name.ends_with(&format!("/{agent}")))
            };
            if writers.is_empty() || writers.iter().any(|name| own(name)) {
                continue;
            }
            let trigger = names::group(resource) == "trigger";
            let code = match (trigger, writers.len()) {
                (true, _) => LintCode::TriggerOverlap,
                (false, 1) => LintCode::TwoOwners,
                (false, _) => LintCode::TwoWriters,
            };
            let has = if trigger { "starts on" } else { "owns" };
            reasons.push(match writers.as_slice() {
                [one] => format!(
                    "{one} {has} {witness} already, by the rule {}.",
                    document.rules[at].resource
                ),
                many => format!(
                    "{} take turns on {witness}, and the new agent is not in that sequence.",
                    names::list(many)
                ),
            });
            let mut agents: Vec<_> = writers
                .into_iter()
                .chain(agent)
                .map(str::to_owned)
                .collect();
            agents.sort();
            overlaps.push(Overlap {
                code,
                resource: resource.clone(),
                agents,
                witness,
            });
        }
    }
    exceptions(document, needs, agent, &mut reasons);
    let blocking: Vec<_> = lint::lint(document, &Known::default())
        .into_iter()
        .filter(|issue| issue.severity == LintSeverity::Blocks)
        .collect();
    match blocking.len() {
        0 => {}
        1 => reasons.push(format!(
            "The rules have a conflict already: {}",
            blocking[0].message
        )),
        many => reasons.push(format!(
            "The rules have {many} conflicts already, the first: {}",
            blocking[0].message
        )),
    }
    let verdict = if reasons.is_empty() { Go::Go } else { Go::Wait };
    Verdict {
        verdict,
        reasons,
        overlaps,
    }
}

/// Whoever is to get its exceptions must be able to tell whose come first.
fn exceptions(document: &Ownership, needs: &Needs, agent: Option<&str>, reasons: &mut Vec<String>) {
    let covers = |patterns: &[String], agent: &str| {
        patterns
            .iter()
            .any(|pattern| Pattern::agent(pattern).matches(agent))
    };
    let rule = document.exceptions.iter().find(|rule| match agent {
        Some(agent) => covers(&rule.agents, agent),
        None => rule
            .agents
            .iter()
            .any(|pattern| pattern == "*" || pattern == "**"),
    });
    match (rule, needs.exceptions_to.as_deref()) {
        (Some(rule), Some(to)) if rule.route_to.as_deref().is_some_and(|owner| owner != to) => {
            reasons.push(format!(
                "It sends exceptions to {to}, and the rules send them to {}.",
                rule.route_to.as_deref().unwrap_or_default()
            ))
        }
        (None, Some(to))
            if document
                .exceptions
                .iter()
                .any(|rule| rule.route_to.as_deref() == Some(to)) =>
        {
            reasons.push(format!(
                "{} has exceptions of others already, and no rule gives the new agent a priority among them.",
                if to == "me" { "The person at the keyboard" } else { to }
            ));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::text::read;

    const RULES: &str = r#"
        rules = [
            { resource = "trigger:inbox/**", owner = "billing" },
            { resource = "field:crm/*", owner = "sync" },
            { resource = "output:slack/x", sequence = ["a", "b"] },
        ]
        exceptions = [{ agents = ["sync"], route_to = "ann", sla_hours = 4, priority = 1 }]
    "#;

    #[track_caller]
    fn check_that(agent: Option<&str>, needs: serde_json::Value, expected: &[&str]) {
        let needs: Needs = serde_json::from_value(needs).unwrap();
        let verdict = check(&read(RULES).unwrap(), &needs, agent);
        assert_eq!(verdict.reasons, expected);
        assert_eq!(verdict.verdict == Go::Go, expected.is_empty());
    }

    #[test]
    fn needs_that_meet_nobody_may_go_live() {
        check_that(
            None,
            serde_json::json!({"triggers": ["trigger:mail"], "reads": ["field:crm/**"], "writes": ["field:erp/*"]}),
            &[],
        );
        check_that(
            Some("b"),
            serde_json::json!({"outputs": ["output:slack/x"]}),
            &[],
        );
    }

    #[test]
    fn needs_that_meet_a_rule_wait_and_say_which() {
        check_that(
            Some("new"),
            serde_json::json!({"triggers": ["trigger:inbox/pay"], "writes": ["field:*/a"], "outputs": ["output:slack/*"], "exceptionsTo": "ann"}),
            &[
                "billing starts on trigger:inbox/pay already, by the rule trigger:inbox/**.",
                "sync owns field:crm/a already, by the rule field:crm/*.",
                "a and b take turns on output:slack/x, and the new agent is not in that sequence.",
                "ann has exceptions of others already, and no rule gives the new agent a priority among them.",
            ],
        );
    }

    #[test]
    fn the_verdict_is_the_line_of_the_contract() {
        let needs = Needs {
            triggers: vec!["trigger:inbox/pay".into()],
            ..Needs::default()
        };
        let verdict = check(&read(RULES).unwrap(), &needs, None);
        assert_eq!(
            serde_json::to_string(&verdict).unwrap(),
            r#"{"verdict":"wait","reasons":["billing starts on trigger:inbox/pay already, by the rule trigger:inbox/**."],"overlaps":[{"code":"trigger-overlap","resource":"trigger:inbox/pay","agents":["billing"],"witness":"trigger:inbox/pay"}]}"#
        );
    }
}

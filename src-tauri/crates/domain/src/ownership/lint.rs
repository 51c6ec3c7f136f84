//! What is wrong with an ownership document: what blocks saving it and what only warns, each with a name both sides
//! match, a sentence, and edits that settle it.
//!
//! Overlap is decided on patterns, with no precedence. What agents did against the rules while they were in force is
//! not decided here (that is a finding).

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{Ownership, Rule, edit::Edit, names, pattern::Pattern};
use crate::{caps::WILDCARDS, contract::AccessMode, time::Time};

pub mod conflict;
mod exceptions;
mod usage;

use conflict::{Conflict, Parties};

/// Does an issue stop saving?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LintSeverity {
    /// The document cannot be put in force like this.
    Blocks,
    /// It can; somebody should look.
    Warns,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LintCode {
    /// Two rules give one resource to different owners.
    TwoOwners,
    /// Several may write one resource and no sequence holds them all.
    TwoWriters,
    /// Two agents would start on one event.
    TriggerOverlap,
    /// Sequences that wait for each other.
    CyclicSequence,
    /// Nobody gets these exceptions.
    ExceptionWithoutOwner,
    /// They are never due.
    ExceptionWithoutSla,
    /// Two agents, one person, and nothing says who is first.
    SharedEscalationOwner,
    /// What happens when the time is over is not one of the possible things.
    UnknownFallback,
    /// The pattern has no known kind or no name.
    BadResource,
    /// One stage, two agents.
    TwoStages,
    /// Used, and nobody owns it.
    UnownedUsed,
    /// A rule that gives no owner.
    Unowned,
    /// Written by somebody else than the rule says.
    WrittenByOther,
    /// Another rule says the same already.
    Shadowed,
    /// Nothing used it.
    Unused,
    /// Fields of one record with different owners.
    AdjacentFields,
    /// Named in a rule, never heard of.
    UnknownAgent,
    /// The owner does not answer.
    UnreachableOwner,
    /// An earlier exception always counts first.
    ShadowedException,
    /// One task kind, two budgets.
    TwoBudgets,
}

impl LintCode {
    fn severity(self) -> LintSeverity {
        if self <= LintCode::TwoStages {
            LintSeverity::Blocks
        } else {
            LintSeverity::Warns
        }
    }
}

/// One issue; as JSON, one line of `missionctl lint`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LintIssue {
    /// Does it stop saving?
    pub severity: LintSeverity,
    /// What is wrong.
    pub code: LintCode,
    /// Positions in the list the code is about (`rules`, or `exceptions`, `stages`, `budgets`), from 0.
    pub rules: Vec<u32>,
    /// The pattern it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Who is involved, as the rules name them.
    pub agents: Vec<String>,
    /// A name both sides match: a seen one if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// A plain sentence.
    pub message: String,
    /// Edits that settle it, the likeliest first.
    #[serde(skip)]
    pub fixes: Vec<Fix>,
}

/// A proposed edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Fix {
    /// What the button says.
    pub label: String,
    /// What it does.
    pub edit: Edit,
}

/// What is known beside the document. Empty when only the file is at hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Every agent heard of, the one heard first first.
    pub agents: Vec<KnownAgent>,
    /// What agents did, when there is a record of it.
    pub usage: Option<Usage>,
}

/// An agent heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAgent {
    /// Who reported it.
    pub endpoint: String,
    /// The bare id.
    pub agent: String,
    /// Does its endpoint answer now?
    pub reachable: bool,
}

/// Observed behaviour in a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// Who touched what.
    pub seen: Vec<Seen>,
    /// Begin of the record.
    pub from: Time,
    /// End of it.
    pub to: Time,
    /// A rule nothing used for this long is unused; never said of a shorter record. 0 = of any record.
    pub unused_after_seconds: u64,
}

/// One agent, one resource, one way of touching it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Who reported it.
    pub endpoint: String,
    /// The bare id.
    pub agent: String,
    /// The resource.
    pub resource: String,
    /// How.
    pub mode: AccessMode,
    /// How often.
    pub count: u32,
    /// The last time.
    pub last_at: Time,
}

/// Everything that is wrong, what blocks first, then in the order of the rules.
pub fn lint(document: &Ownership, known: &Known) -> Vec<LintIssue> {
    let parties = Parties::new(document, &known.agents);
    let mut issues = vec![];
    bad_resources(document, &mut issues);
    for conflict in parties.conflicts() {
        issues.push(conflict_issue(document, known, &conflict));
    }
    cyclic_sequences(document, &parties, &mut issues);
    exceptions::check(document, known, &mut issues);
    stages_and_budgets(document, &mut issues);
    unowned_and_shadowed(document, &parties, &mut issues);
    adjacent_fields(document, &parties, &mut issues);
    usage::check(document, &parties, known, &mut issues);
    issues.sort_by(|a, b| (a.severity, &a.rules, a.code).cmp(&(b.severity, &b.rules, b.code)));
    issues
}

/// How many issues block.
pub fn blocking(issues: &[LintIssue]) -> usize {
    issues
        .iter()
        .filter(|issue| issue.severity == LintSeverity::Blocks)
        .count()
}

impl LintIssue {
    fn new(code: LintCode, rules: &[usize], message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            rules: rules.iter().map(|at| place(*at)).collect(),
            resource: None,
            agents: vec![],
            witness: None,
            message: message.into(),
            fixes: vec![],
        }
    }

    fn about(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    fn by<T: AsRef<str>>(mut self, agents: &[T]) -> Self {
        self.agents = agents
            .iter()
            .map(|agent| agent.as_ref().to_owned())
            .collect();
        self.agents.sort();
        self.agents.dedup();
        self
    }

    fn fix(mut self, label: impl Into<String>, edit: Edit) -> Self {
        self.fixes.push(Fix {
            label: label.into(),
            edit,
        });
        self
    }
}

/// A position as files and screens count it.
pub(super) fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn bad_resources(document: &Ownership, issues: &mut Vec<LintIssue>) {
    for (at, rule) in document.rules.iter().enumerate() {
        let kinds = || {
            names::list(
                &names::GROUPS
                    .iter()
                    .map(|(kind, _)| *kind)
                    .collect::<Vec<_>>(),
            )
        };
        let message = match rule.resource.split_once(':') {
            Some((kind, _)) if !names::GROUPS.iter().any(|(known, _)| *known == kind) => {
                format!(
                    "`{}` begins with no known kind, so it never matches. Kinds are {}.",
                    rule.resource,
                    kinds()
                )
            }
            Some((_, "")) => format!("`{}` names nothing after the kind.", rule.resource),
            Some(_) => match Pattern::resource(&rule.resource).wildcards() {
                ..=WILDCARDS => continue,
                found => format!(
                    "`{}` has {found} wildcards, and a pattern has at most {WILDCARDS}.",
                    rule.resource
                ),
            },
            None => format!(
                "`{}` has no kind. Write one of {} and a colon before it.",
                rule.resource,
                kinds()
            ),
        };
        issues.push(
            LintIssue::new(LintCode::BadResource, &[at], message)
                .about(&rule.resource)
                .fix("Remove the rule", Edit::RemoveRule { rule: place(at) }),
        );
    }
}

fn conflict_issue(document: &Ownership, known: &Known, conflict: &Conflict) -> LintIssue {
    let Conflict {
        a,
        b,
        code,
        witness,
    } = conflict;
    let (first, second) = (&document.rules[*a], &document.rules[*b]);
    let (ours, theirs) = (names::writers(first), names::writers(second));
    let mut everyone = ours.clone();
    everyone.extend(theirs.iter().filter(|name| !ours.contains(name)));
    if a == b {
        return one_rule_two_writers(*a, first, &everyone);
    }
    let seen = known
        .usage
        .iter()
        .flat_map(|usage| &usage.seen)
        .map(|seen| &seen.resource)
        .find(|name| {
            super::pattern::matches(&first.resource, name)
                && super::pattern::matches(&second.resource, name)
        });
    let witness = seen.unwrap_or(witness);
    let (x, y) = (names::list(&ours), names::list(&theirs));
    let place_of = if first.resource == second.resource {
        format!("`{}`", first.resource)
    } else {
        format!(
            "`{}` and `{}`, which share `{witness}`",
            first.resource, second.resource
        )
    };
    let message = match code {
        LintCode::TriggerOverlap => format!("{x} and {y} would both start on {place_of}."),
        LintCode::TwoOwners => format!("{x} and {y} both own {place_of}."),
        _ => format!("{x} and {y} may write {place_of}, and no sequence holds them all."),
    };
    let mut issue = LintIssue::new(*code, &[*a, *b], message)
        .about(&first.resource)
        .by(&everyone);
    issue.witness = Some(witness.clone());
    // One owner on each side: keeping one moves the other rule to it, and its owner reads.
    if let ([x], [y]) = (ours.as_slice(), theirs.as_slice()) {
        let transfer = |rule: usize, agent: &str| Edit::Transfer {
            rule: place(rule),
            agent: agent.to_owned(),
        };
        issue = issue
            .fix(format!("Keep {x}"), transfer(*b, x))
            .fix(format!("Keep {y}"), transfer(*a, y));
    }
    let queue = Rule {
        owner: None,
        sequence: everyone.iter().map(|name| (*name).to_owned()).collect(),
        readers: first
            .readers
            .iter()
            .filter(|name| !everyone.contains(&name.as_str()))
            .cloned()
            .collect(),
        ..first.clone()
    };
    let label = if *code == LintCode::TriggerOverlap {
        "Add a dispatch queue"
    } else {
        "Let them take turns"
    };
    issue = issue.fix(
        label,
        Edit::SetRule {
            rule: place(*a),
            value: queue,
        },
    );
    // The narrower rule says enough by itself when the wider one was a slip.
    let covers = |wide: &Rule, narrow: &Rule| {
        wide.resource != narrow.resource
            && Pattern::resource(&wide.resource).covers(&Pattern::resource(&narrow.resource))
    };
    match [(*a, first, second), (*b, second, first)]
        .into_iter()
        .find(|(_, wide, narrow)| covers(wide, narrow))
    {
        Some((wide, _, _)) => issue.fix(
            "Remove the wider rule",
            Edit::RemoveRule { rule: place(wide) },
        ),
        None => issue,
    }
}

fn one_rule_two_writers(at: usize, rule: &Rule, everyone: &[&str]) -> LintIssue {
    let owner = rule.owner.clone().unwrap_or_default();
    let message = format!(
        "`{}` has the owner {owner} and a sequence without it ({}).",
        rule.resource,
        names::list(&rule.sequence)
    );
    let with = |owner: Option<String>, sequence: Vec<String>| Edit::SetRule {
        rule: place(at),
        value: Rule {
            owner,
            sequence,
            ..rule.clone()
        },
    };
    let all = everyone.iter().map(|name| (*name).to_owned()).collect();
    LintIssue::new(LintCode::TwoWriters, &[at], message)
        .about(&rule.resource)
        .by(everyone)
        .fix(
            format!("Put {owner} first in the sequence"),
            with(None, all),
        )
        .fix(format!("Keep {owner} alone"), with(Some(owner), vec![]))
}

/// Who stands before whom in any sequence; a cycle means that each can wait for the other.
fn cyclic_sequences(document: &Ownership, parties: &Parties, issues: &mut Vec<LintIssue>) {
    for rules in parties.cycles() {
        let sequences: Vec<_> = rules.iter().map(|at| &document.rules[*at]).collect();
        let agents: Vec<_> = sequences.iter().flat_map(|rule| &rule.sequence).collect();
        let order = &sequences[0].sequence;
        let mut once = order.clone();
        once.dedup();
        let message = match rules.as_slice() {
            [_] => format!(
                "The sequence of `{}` names an agent twice: {}.",
                sequences[0].resource,
                order.join(", then ")
            ),
            _ => format!(
                "The sequences of {} run in a circle, so each can wait for the other.",
                names::list(
                    &sequences
                        .iter()
                        .map(|rule| format!("`{}`", rule.resource))
                        .collect::<Vec<_>>()
                )
            ),
        };
        let mut issue = LintIssue::new(LintCode::CyclicSequence, &rules, message)
            .about(&sequences[0].resource)
            .by(&agents);
        for at in rules.iter().skip(usize::from(rules.len() > 1)) {
            let mut value = document.rules[*at].clone();
            let mut seen = vec![];
            value.sequence.retain(|name| {
                !seen.contains(name) && {
                    seen.push(name.clone());
                    true
                }
            });
            value.sequence.sort_by_key(|name| {
                order
                    .iter()
                    .position(|first| first == name)
                    .unwrap_or(order.len())
            });
            let label = format!(
                "On `{}`: {}",
                value.resource,
                value.sequence.join(", then ")
            );
            issue = issue.fix(
                label,
                Edit::SetRule {
                    rule: place(*at),
                    value,
                },
            );
        }
        issues.push(issue);
    }
}

fn stages_and_budgets(document: &Ownership, issues: &mut Vec<LintIssue>) {
    for (at, stage) in document.stages.iter().enumerate() {
        let earlier = document.stages[..at]
            .iter()
            .position(|other| other.name == stage.name && other.agent != stage.agent);
        if let Some(first) = earlier {
            let agents = [&document.stages[first].agent, &stage.agent];
            let message = format!(
                "The stage {} belongs to {}.",
                stage.name,
                names::list(&agents)
            );
            issues.push(LintIssue::new(LintCode::TwoStages, &[first, at], message).by(&agents));
        }
    }
    for (at, budget) in document.budgets.iter().enumerate() {
        let earlier = document.budgets[..at]
            .iter()
            .position(|other| other.kind == budget.kind);
        if let Some(first) = earlier {
            let message = format!(
                "There are two time budgets for {}; the first counts.",
                budget.kind
            );
            issues.push(LintIssue::new(LintCode::TwoBudgets, &[first, at], message));
        }
    }
}

fn unowned_and_shadowed(document: &Ownership, parties: &Parties, issues: &mut Vec<LintIssue>) {
    for (at, rule) in document.rules.iter().enumerate() {
        if let Some(wider) = parties.shadowed_by(at) {
            let message = format!(
                "`{}` adds nothing: `{}` says it already.",
                rule.resource, document.rules[wider].resource
            );
            issues.push(
                LintIssue::new(LintCode::Shadowed, &[at, wider], message)
                    .about(&rule.resource)
                    .fix("Remove the rule", Edit::RemoveRule { rule: place(at) }),
            );
        } else if names::writers(rule).is_empty() {
            let message = format!("Nobody owns `{}`.", rule.resource);
            issues.push(LintIssue::new(LintCode::Unowned, &[at], message).about(&rule.resource));
        }
    }
}

/// Fields of one record (the text before `#`) with different owners: allowed, and worth a look.
fn adjacent_fields(document: &Ownership, parties: &Parties, issues: &mut Vec<LintIssue>) {
    let mut records: std::collections::BTreeMap<&str, Vec<usize>> =
        std::collections::BTreeMap::new();
    for (at, rule) in document.rules.iter().enumerate() {
        if names::group(&rule.resource) == "field"
            && !names::writers(rule).is_empty()
            && let Some((record, _)) = rule.resource.rsplit_once('#')
        {
            records.entry(record).or_default().push(at);
        }
    }
    for (record, rules) in records {
        if rules.iter().all(|at| parties.same(rules[0], *at)) {
            continue;
        }
        let agents: Vec<_> = rules
            .iter()
            .flat_map(|at| names::writers(&document.rules[*at]))
            .collect();
        let issue = LintIssue::new(LintCode::AdjacentFields, &rules, "")
            .about(record)
            .by(&agents);
        let message = format!(
            "{} write different fields of `{record}`.",
            names::list(&issue.agents)
        );
        issues.push(LintIssue { message, ..issue });
    }
}

#[cfg(test)]
mod tests;

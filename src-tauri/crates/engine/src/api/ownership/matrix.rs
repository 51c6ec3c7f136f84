//! Rows and columns of the ownership matrix, out of the rules, the agents heard of and what was seen.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    change::AgentRecord,
    contract::AccessMode,
    fact::PollErrorKind,
    ids::{AgentRef, EndpointId},
    ownership::{
        Ownership, Rule, diff,
        lint::{self, Known, KnownAgent, LintCode, LintIssue, LintSeverity, Usage},
        names,
        pattern::{Index, Pattern},
    },
    time::Time,
};
use store::{Reader, tables, tables::accesses::SeenRow};

use super::edits;
use crate::{
    api::{
        pins::impostors,
        views::{
            CellView, FixView, Health, LintIssueView, LintLevel, LintView, Mark, OwnershipAgent,
            RowView, SeenView,
        },
        wording::agent_text,
    },
    live::Present,
};

/// What was touched longest ago is left out beyond this many.
const SEEN: usize = 5_000;
/// Rows for touched resources that no rule covers.
const UNCOVERED: usize = 200;
/// A rule nothing used for so long is worth a look.
const UNUSED_SECONDS: u64 = 90 * 86_400;

/// More warnings than this are counted only; what blocks is always shown.
const WARNINGS: usize = 200;

/// What is known beside the document, read in one moment.
pub(super) struct Fleet {
    /// Agents that the rules do not mean by their ids.
    others: BTreeSet<AgentRef>,
    agents: Vec<AgentRecord>,
    health: BTreeMap<EndpointId, Health>,
    known: Known,
    seen: Vec<SeenRow>,
}

/// Which column an agent stands in.
pub(super) struct Columns {
    /// Names as rules write them, in order.
    names: Vec<String>,
    /// How many of them were heard of; the rest stand in rules only.
    heard: usize,
    by_name: BTreeMap<String, usize>,
}

impl Columns {
    fn of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn view(&self, at: usize, mark: Mark, place: Option<usize>) -> CellView {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        CellView {
            agent: small(at),
            mark,
            place: place.map(small),
        }
    }
}

/// Agents heard of, as the lint needs them.
pub(super) fn known_agents(reader: &Reader, present: &Present) -> store::Result<Vec<KnownAgent>> {
    let agents = tables::agents::at_work(reader)?;
    Ok(agents
        .iter()
        .map(|agent| known_agent(agent, present))
        .collect())
}

fn known_agent(record: &AgentRecord, present: &Present) -> KnownAgent {
    let health = health(present, &record.agent.endpoint);
    KnownAgent {
        endpoint: record.agent.endpoint.to_string(),
        agent: record.agent.agent.to_string(),
        // Not asked yet is not unreachable.
        reachable: matches!(health, Health::Online | Health::Unknown | Health::Paused),
    }
}

fn health(present: &Present, endpoint: &EndpointId) -> Health {
    match present
        .endpoints
        .get(endpoint)
        .and_then(|pulse| pulse.answer.as_ref())
    {
        None => Health::Unknown,
        Some(Ok(())) => Health::Online,
        Some(Err(error)) => match (error.kind, error.http_status) {
            (_, Some(401 | 403)) => Health::Unauthorized,
            (PollErrorKind::Invalid, _) => Health::Incompatible,
            _ => Health::Unreachable,
        },
    }
}

impl Fleet {
    pub(super) fn read(reader: &Reader, now: Time, present: &Present) -> store::Result<Self> {
        let agents = tables::agents::at_work(reader)?;
        let mut seen = tables::accesses::seen(reader)?;
        let from = seen.iter().map(|row| row.first_at).min().unwrap_or(now);
        seen.sort_by_key(|row| std::cmp::Reverse(row.last_at));
        seen.truncate(SEEN);
        let usage = Usage {
            seen: seen
                .iter()
                .map(|row| lint::Seen {
                    endpoint: row.agent.endpoint.to_string(),
                    agent: row.agent.agent.to_string(),
                    resource: row.resource.clone(),
                    mode: row.mode,
                    count: row.count,
                    last_at: row.last_at,
                })
                .collect(),
            from,
            to: now,
            unused_after_seconds: UNUSED_SECONDS,
        };
        let impostor = impostors(reader)?;
        Ok(Self {
            others: agents
                .iter()
                .map(|record| record.agent.clone())
                .filter(|agent| impostor(agent).is_some())
                .collect(),
            health: agents
                .iter()
                .map(|agent| {
                    (
                        agent.agent.endpoint.clone(),
                        health(present, &agent.agent.endpoint),
                    )
                })
                .collect(),
            known: Known {
                agents: agents
                    .iter()
                    .map(|agent| known_agent(agent, present))
                    .collect(),
                usage: Some(usage),
            },
            agents,
            seen,
        })
    }

    /// Agents heard of, then those that only rules name. Of two with one bare id the one that the rules do not mean, or that was
    /// heard later, is `endpoint/agent`.
    pub(super) fn columns(&self, documents: &[&Ownership]) -> Columns {
        let mut columns = Columns {
            names: vec![],
            heard: self.agents.len(),
            by_name: BTreeMap::new(),
        };
        for (at, record) in self.agents.iter().enumerate() {
            let (bare, full) = (record.agent.agent.to_string(), full_name(record));
            let meant =
                !columns.by_name.contains_key(&bare) && !self.others.contains(&record.agent);
            let name = if meant { &bare } else { &full };
            columns.names.push(name.clone());
            columns.by_name.insert(name.clone(), at);
            columns.by_name.insert(full, at);
        }
        let named = documents
            .iter()
            .flat_map(|document| &document.rules)
            .flat_map(|rule| {
                names::writers(rule).into_iter().chain(
                    rule.readers
                        .iter()
                        .map(String::as_str)
                        .filter(|name| !name.contains('*')),
                )
            });
        for name in named.filter(|name| *name != "me") {
            if !columns.by_name.contains_key(name) {
                columns.by_name.insert(name.to_owned(), columns.names.len());
                columns.names.push(name.to_owned());
            }
        }
        columns
    }

    pub(super) fn agent_views(&self, columns: &Columns) -> Vec<OwnershipAgent> {
        let heard = self
            .agents
            .iter()
            .zip(&columns.names)
            .map(|(record, name)| OwnershipAgent {
                name: name.clone(),
                endpoint: Some(record.agent.endpoint.clone()),
                agent: record.agent.agent.clone(),
                label: agent_text(if record.card.name.is_empty() {
                    name
                } else {
                    &record.card.name
                }),
                health: self
                    .health
                    .get(&record.agent.endpoint)
                    .copied()
                    .unwrap_or(Health::Unknown),
                only_in_rules: false,
            });
        let only_in_rules = columns
            .names
            .iter()
            .skip(columns.heard)
            .map(|name| OwnershipAgent {
                name: name.clone(),
                endpoint: None,
                agent: name.as_str().into(),
                label: agent_text(name),
                health: Health::Unknown,
                only_in_rules: true,
            });
        heard.chain(only_in_rules).collect()
    }

    /// What was seen, the latest first.
    pub(super) fn seen_views(&self, document: &Ownership) -> Vec<SeenView> {
        let index = Index::new(document.rules.iter().map(|rule| rule.resource.as_str()));
        let view = |row: &SeenRow| SeenView {
            agent: row.agent.agent.to_string(),
            resource: row.resource.clone(),
            mode: row.mode,
            count: row.count,
            last_at: row.last_at,
            covered: !index.matching(&row.resource).is_empty(),
        };
        self.seen.iter().take(UNCOVERED).map(view).collect()
    }

    /// Everything about a document: issues, rows, and what it changes against another.
    pub(super) fn lint(
        &self,
        document: &Ownership,
        columns: &Columns,
        base: &Ownership,
    ) -> LintView {
        let issues = lint::lint(document, &self.known);
        let blocks = lint::blocking(&issues);
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        LintView {
            blocks: small(blocks),
            warns: small(issues.len() - blocks),
            unowned: small(issues.iter().filter(|issue| unowned(issue)).count()),
            matrix: self.rows(document, columns, &issues),
            issues: shown(&issues).map(issue_view).collect(),
            changes: diff::sentences(base, document),
        }
    }

    fn rows(&self, document: &Ownership, columns: &Columns, issues: &[LintIssue]) -> Vec<RowView> {
        let index = Index::new(document.rules.iter().map(|rule| rule.resource.as_str()));
        let mut seen: BTreeMap<usize, BTreeSet<(usize, bool)>> = BTreeMap::new();
        let mut uncovered: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for row in &self.seen {
            let Some(column) = columns.of(&format!("{}/{}", row.agent.endpoint, row.agent.agent))
            else {
                continue;
            };
            let rules = index.matching(&row.resource);
            if rules.is_empty()
                && row.mode != AccessMode::Read
                && (uncovered.len() < UNCOVERED || uncovered.contains_key(row.resource.as_str()))
            {
                uncovered.entry(&row.resource).or_default().insert(column);
            }
            for rule in rules {
                seen.entry(rule)
                    .or_default()
                    .insert((column, row.mode == AccessMode::Read));
            }
        }
        let mut rows: Vec<_> = document
            .rules
            .iter()
            .enumerate()
            .map(|(at, rule)| rule_row(document, columns, issues, at, rule, seen.get(&at)))
            .collect();
        rows.extend(uncovered.into_iter().map(|(resource, agents)| {
            RowView {
                group: names::group(resource).into(),
                rule: None,
                resource: resource.to_owned(),
                owner_label: "no rule".into(),
                purpose: None,
                cells: agents
                    .into_iter()
                    .map(|at| columns.view(at, Mark::Seen, None))
                    .collect(),
                conflict: false,
            }
        }));
        let order = |row: &RowView| {
            names::GROUPS
                .iter()
                .position(|(kind, _)| *kind == row.group)
        };
        rows.sort_by(|a, b| {
            (order(a), a.rule.is_none(), a.rule).cmp(&(order(b), b.rule.is_none(), b.rule))
        });
        rows.extend(self.exception_rows(document, columns, issues));
        rows
    }

    fn exception_rows(
        &self,
        document: &Ownership,
        columns: &Columns,
        issues: &[LintIssue],
    ) -> Vec<RowView> {
        let row = |(at, exception): (usize, &domain::ownership::Exception)| {
            let patterns: Vec<_> = exception
                .agents
                .iter()
                .map(|name| Pattern::agent(name))
                .collect();
            let about = |column: usize| {
                let mut names = vec![columns.names[column].clone()];
                names.extend(self.agents.get(column).map(full_name));
                patterns
                    .iter()
                    .any(|pattern| names.iter().any(|name| pattern.matches(name)))
            };
            let to = exception
                .route_to
                .as_deref()
                .map_or("nobody", names::person);
            let within = exception
                .sla_hours
                .map(|hours| format!(", {}", names::hours(hours)))
                .unwrap_or_default();
            RowView {
                group: "exception".into(),
                rule: Some(u32::try_from(at).unwrap_or(u32::MAX)),
                resource: if exception.agents == ["*"] {
                    "anything undefined".into()
                } else {
                    names::list(&exception.agents)
                },
                owner_label: format!("{to}{within}"),
                purpose: None,
                cells: (0..columns.names.len())
                    .filter(|at| about(*at))
                    .map(|at| columns.view(at, Mark::Reader, None))
                    .collect(),
                conflict: issues.iter().any(|issue| {
                    issue.severity == LintSeverity::Blocks
                        && of_exceptions(issue.code)
                        && issue.rules.iter().any(|rule| *rule as usize == at)
                }),
            }
        };
        document.exceptions.iter().enumerate().map(row).collect()
    }
}

fn shown(issues: &[LintIssue]) -> impl Iterator<Item = &LintIssue> {
    let mut warnings = 0;
    issues.iter().filter(move |issue| {
        warnings += usize::from(issue.severity == LintSeverity::Warns);
        issue.severity == LintSeverity::Blocks || warnings <= WARNINGS
    })
}

fn unowned(issue: &LintIssue) -> bool {
    matches!(issue.code, LintCode::Unowned | LintCode::UnownedUsed)
}

fn of_exceptions(code: LintCode) -> bool {
    matches!(
        code,
        LintCode::ExceptionWithoutOwner
            | LintCode::ExceptionWithoutSla
            | LintCode::SharedEscalationOwner
            | LintCode::UnknownFallback
            | LintCode::ShadowedException
    )
}

fn rule_row(
    document: &Ownership,
    columns: &Columns,
    issues: &[LintIssue],
    at: usize,
    rule: &Rule,
    seen: Option<&BTreeSet<(usize, bool)>>,
) -> RowView {
    let mine = |issue: &&LintIssue| {
        issue.severity == LintSeverity::Blocks
            && !of_exceptions(issue.code)
            && issue.code != LintCode::TwoStages
            && issue.rules.iter().any(|rule| *rule as usize == at)
    };
    let conflicts: Vec<_> = issues.iter().filter(mine).collect();
    let two_sides = conflicts.iter().filter(|issue| {
        matches!(
            issue.code,
            LintCode::TwoOwners | LintCode::TwoWriters | LintCode::TriggerOverlap
        )
    });
    let rivals: BTreeSet<_> = two_sides
        .flat_map(|issue| &issue.rules)
        .filter_map(|other| document.rules.get(*other as usize))
        .flat_map(names::writers)
        .collect();
    let writers = names::writers(rule);
    let mut marks: BTreeMap<usize, (Mark, Option<usize>)> = BTreeMap::new();
    for (place, name) in writers.iter().enumerate() {
        if let Some(column) = columns.of(name) {
            let sequenced = (Mark::Sequence, Some(place + 1));
            marks.insert(
                column,
                if writers.len() > 1 {
                    sequenced
                } else {
                    (Mark::Owner, None)
                },
            );
        }
    }
    for name in &rivals {
        if let Some(column) = columns.of(name) {
            marks.insert(column, (Mark::Conflict, None));
        }
    }
    for reader in &rule.readers {
        let pattern = Pattern::agent(reader);
        for (column, name) in columns.names.iter().enumerate() {
            if pattern.matches(name) || columns.of(reader) == Some(column) {
                marks.entry(column).or_insert((Mark::Reader, None));
            }
        }
    }
    for (column, _) in seen.into_iter().flatten().filter(|(_, read)| !read) {
        match marks.get(column) {
            None | Some((Mark::Reader, _)) => _ = marks.insert(*column, (Mark::Seen, None)),
            Some(_) => {}
        }
    }
    RowView {
        group: names::group(&rule.resource).into(),
        rule: Some(u32::try_from(at).unwrap_or(u32::MAX)),
        resource: names::without_kind(&rule.resource).to_owned(),
        owner_label: match (rivals.len(), writers.as_slice()) {
            (2.., _) => format!("{} owners", rivals.len()),
            (_, []) => "nobody".into(),
            (_, [one]) => (*one).to_owned(),
            _ => "sequenced".into(),
        },
        purpose: rule.purpose.clone(),
        cells: marks
            .into_iter()
            .map(|(column, (mark, place))| columns.view(column, mark, place))
            .collect(),
        conflict: !conflicts.is_empty(),
    }
}

fn issue_view(issue: &LintIssue) -> LintIssueView {
    LintIssueView {
        severity: match issue.severity {
            LintSeverity::Blocks => LintLevel::Blocks,
            LintSeverity::Warns => LintLevel::Warns,
        },
        code: serde_json::to_value(issue.code)
            .ok()
            .and_then(|code| code.as_str().map(str::to_owned))
            .unwrap_or_default(),
        rules: issue.rules.clone(),
        resource: issue.resource.clone(),
        agents: issue.agents.clone(),
        witness: issue.witness.clone(),
        message: issue.message.clone(),
        fixes: issue
            .fixes
            .iter()
            .filter_map(|fix| {
                Some(FixView {
                    label: fix.label.clone(),
                    edit: edits::write(&fix.edit)?,
                })
            })
            .collect(),
    }
}

fn full_name(record: &AgentRecord) -> String {
    format!("{}/{}", record.agent.endpoint, record.agent.agent)
}

//! The board: counts of all columns, and only the cards that were asked for; a task, opened.
//! A card says what the agent reported, and beside it what the rules found.

mod lineage;

use std::collections::BTreeMap;

use domain::{
    contract::{Artifact, Handoff, Task, TaskState, WaitKind},
    ids::{EndpointId, TaskRef},
    lineage::in_order,
    ownership::Ownership,
};
use store::{
    Result,
    tables::{
        accesses, attempts, escalations, findings,
        groups::{self, By},
        ownership, records, tasks,
    },
};

use super::{
    inbox::shape_of_rule,
    views::{
        AccessView, AttemptView, BoardGroup, BoardRequest, BoardView, CardView, Column, ColumnView,
        Health, HistoryLine, LoadingView, Shape, TaskRequest, TaskView,
    },
    wording::{Glance, agent_text, between, count, escalation_key, health, plain, span},
};

/// The longest page that is given.
const LONGEST_PAGE: u32 = 500;
/// A page that was not asked for.
const FIRST: u32 = 12;

/// In the order of `tasks::COLUMNS`.
const COLUMNS: [(Column, &str); 7] = [
    (Column::Queued, "Queued"),
    (Column::Running, "Running"),
    (Column::HandedOver, "Handed over"),
    (Column::NeedsYou, "Needs you"),
    (Column::Done, "Done"),
    (Column::Failed, "Failed"),
    (Column::Unknown, "Unknown"),
];

/// Rules whose open finding means that work does not move.
const STOPPED: [&str; 5] = [
    "stall",
    "silent-completion",
    "timeout",
    "deadlock",
    "retry-storm",
];

/// Columns drawn at once when they are not those of the states.
const DRAWN: usize = 24;
/// Workflows up to so many tasks stand in the order of what comes after what.
const IN_ORDER: u32 = 100;

/// What all cards of one answer have in common.
struct Ground<'a> {
    glance: Glance<'a>,
    rules: Option<Ownership>,
    /// How each endpoint is, and whether it can be asked to stop a task.
    endpoints: BTreeMap<EndpointId, (Health, bool)>,
}

impl<'a> Ground<'a> {
    fn new(glance: Glance<'a>) -> Result<Self> {
        let mut endpoints = BTreeMap::new();
        for row in store::tables::endpoints::list(glance.reader)? {
            let pulse = glance.present.endpoints.get(&row.id);
            let can = row.capabilities.iter().any(|word| word == "cancel");
            endpoints.insert(row.id, (health(row.paused, pulse, glance.now), can));
        }
        let rules = ownership::current(glance.reader)?.map(|version| version.document);
        Ok(Self {
            glance,
            rules,
            endpoints,
        })
    }
}

/// Columns with counts, and the asked pages.
pub fn board(glance: Glance<'_>, request: &BoardRequest) -> Result<BoardView> {
    let wanted = tasks::Wanted {
        filter: request.filter.trim(),
        problems_only: request.problems_only,
    };
    let ground = Ground::new(glance)?;
    let all = tasks::counts(glance.reader)?;
    let (columns, more_columns) = match request.group {
        BoardGroup::Status => (by_status(&ground, request, wanted, all)?, 0),
        BoardGroup::Agent => in_groups(&ground, request, wanted, By::Agent)?,
        BoardGroup::Workflow => in_groups(&ground, request, wanted, By::Workflow)?,
        BoardGroup::Resource => in_groups(&ground, request, wanted, By::Resource)?,
    };
    let mut loading = vec![];
    for (endpoint, pulse) in &glance.present.endpoints {
        if pulse.pages_loaded.is_some() {
            loading.push(LoadingView {
                endpoint: endpoint.clone(),
                seen: tasks::count_of(glance.reader, endpoint.as_str())?,
            });
        }
    }
    Ok(BoardView {
        title: title(glance, all)?,
        group: request.group,
        columns,
        more_columns,
        loading,
        revision: glance.present.revision,
    })
}

fn by_status(
    ground: &Ground<'_>,
    request: &BoardRequest,
    wanted: tasks::Wanted<'_>,
    all: [u32; 7],
) -> Result<Vec<ColumnView>> {
    let reader = ground.glance.reader;
    let whole = wanted.filter.is_empty() && !wanted.problems_only;
    let mut columns = Vec::with_capacity(COLUMNS.len());
    for (place, (column, label)) in COLUMNS.into_iter().enumerate() {
        let word = tasks::COLUMNS[place];
        let page = request.pages.iter().find(|page| page.column == word);
        let cards = match page {
            Some(page) => {
                let limit = page.limit.min(LONGEST_PAGE);
                cards(
                    ground,
                    &tasks::page(reader, word, wanted, page.offset, limit)?,
                )?
            }
            None => vec![],
        };
        let count = if whole {
            all[place]
        } else {
            tasks::count(reader, word, wanted)?
        };
        let ended = matches!(column, Column::Done | Column::Failed | Column::Unknown);
        columns.push(ColumnView {
            column: word.to_owned(),
            label: agent_text(label),
            count,
            live: if ended { 0 } else { count },
            offset: page.map_or(0, |page| page.offset),
            cards,
        });
    }
    Ok(columns)
}

/// Columns of another kind, those with the most live work first. Who asks for no page does not know them yet and gets the
/// first one of each.
fn in_groups(
    ground: &Ground<'_>,
    request: &BoardRequest,
    wanted: tasks::Wanted<'_>,
    by: By,
) -> Result<(Vec<ColumnView>, u32)> {
    let reader = ground.glance.reader;
    let mut groups = groups::groups(reader, by, wanted)?;
    let more = groups.len().saturating_sub(DRAWN);
    groups.truncate(DRAWN);
    let mut columns = vec![];
    for group in groups {
        let page = request.pages.iter().find(|page| page.column == group.key);
        let offset = page.map_or(0, |page| page.offset);
        let unasked = if request.pages.is_empty() { FIRST } else { 0 };
        let limit = page.map_or(unasked, |page| page.limit.min(LONGEST_PAGE));
        let rows = if by == By::Workflow && !group.key.is_empty() && group.count <= IN_ORDER {
            let rows = groups::page(reader, by, &group.key, wanted, 0, IN_ORDER)?;
            let after: Vec<_> = rows
                .iter()
                .map(|row| {
                    let record = &row.record;
                    (record.task.clone(), record.value.depends_on.as_slice())
                })
                .collect();
            let order = in_order(&after).into_iter();
            let (skip, take) = (offset as usize, limit as usize);
            let rows = order.filter_map(|at| rows.get(at).cloned());
            rows.skip(skip).take(take).collect()
        } else {
            groups::page(reader, by, &group.key, wanted, offset, limit)?
        };
        columns.push(ColumnView {
            label: match by {
                By::Workflow if group.key.is_empty() => agent_text("No workflow"),
                By::Agent => {
                    let (_, agent) = group.key.split_once('/').unwrap_or(("", &group.key));
                    agent_text(agent)
                }
                By::Workflow | By::Resource => agent_text(&group.key),
            },
            column: group.key,
            count: group.count,
            live: group.live,
            offset,
            cards: cards(ground, &rows)?,
        });
    }
    Ok((columns, u32::try_from(more).unwrap_or(u32::MAX)))
}

fn cards(ground: &Ground<'_>, rows: &[tasks::TaskRow]) -> Result<Vec<CardView>> {
    rows.iter().map(|row| card(ground, row)).collect()
}

/// What stopped, else what runs; then what waits for the person, else for another agent. That nothing has stopped is
/// said only when none of these waits either.
fn title(glance: Glance<'_>, counts: [u32; 7]) -> Result<String> {
    let [queued, running, handed_over, needs_you, ..] = counts;
    let stopped = match findings::oldest_open(glance.reader, &STOPPED)? {
        None => None,
        Some(oldest) => {
            let age = span(between(oldest, glance.now));
            Some(match findings::count_open(glance.reader, &STOPPED)? {
                1 => format!("1 task stopped {age} ago"),
                number => format!("{number} tasks have stopped, the first {age} ago"),
            })
        }
    };
    let waits = match (needs_you, handed_over, queued) {
        (1, ..) => Some("1 needs you".to_owned()),
        (2.., ..) => Some(format!("{needs_you} need you")),
        (0, 1, _) => Some("1 waits to be taken over".to_owned()),
        (0, 2.., _) => Some(format!("{handed_over} wait to be taken over")),
        (0, 0, 1..) if running == 0 => Some(format!("{queued} queued")),
        (0, 0, _) => None,
    };
    let quiet = stopped.is_none();
    let first = match (stopped, running) {
        (Some(stopped), _) => stopped,
        (None, 0) if counts.iter().all(|number| *number == 0) => {
            return Ok("No tasks yet".to_owned());
        }
        (None, 0) => "Nothing is running".to_owned(),
        (None, running) => format!("{} running", count(running, "task", "tasks")),
    };
    Ok(match waits {
        Some(waits) => format!("{first}, {waits}"),
        None if quiet && running > 0 => format!("{first}, nothing has stopped"),
        None => first,
    })
}

fn card(ground: &Ground<'_>, row: &tasks::TaskRow) -> Result<CardView> {
    let glance = ground.glance;
    let record = &row.record;
    let (endpoint, task) = (&record.task.endpoint, &record.task.task);
    let value = &record.value;
    let found = findings::rules_of_task(glance.reader, &record.task.to_string())?;
    let asks = escalations::of_task(glance.reader, endpoint.as_str(), task.as_str())?;
    let known = ground.endpoints.get(endpoint).copied();
    let (health, can) = known.unwrap_or((Health::Unknown, false));
    let live = value.status.state.is_live();
    let budget = value.time_budget_seconds.or_else(|| {
        let kind = value.kind.as_deref()?;
        let budgets = &ground.rules.as_ref()?.budgets;
        Some(budgets.iter().find(|budget| budget.kind == kind)?.seconds)
    });
    let progress = value.progress.as_ref();
    let note = progress
        .and_then(|progress| progress.note.as_deref())
        .or(value.status.message.as_deref());
    Ok(CardView {
        endpoint: endpoint.clone(),
        task: task.as_str().to_owned(),
        title: agent_text(&value.title),
        agent: record.agent.clone(),
        shape: shape(&row.column, &found),
        state: value.status.state,
        native_state: value.status.native.as_deref().map(plain),
        since: record.state_since,
        budget_seconds: budget,
        started_at: value.started_at,
        progress: progress.and_then(|progress| {
            let total = progress.total.filter(|total| *total > 0.0)?;
            Some((progress.done? / total).clamp(0.0, 1.0))
        }),
        note: note.map(plain),
        stale: !matches!(health, Health::Online | Health::Paused),
        escalation_key: asks.map(|id| escalation_key(endpoint.as_str(), id.as_str())),
        last_change: row.last_mark.max(record.changed_at),
        can_cancel: live && can && health != Health::Paused,
        asked_at: if live {
            lineage::asked_at(glance, &record.task)?
        } else {
            None
        },
        after: if live {
            lineage::after(glance, record)?
        } else {
            vec![]
        },
        goes_to: match row.column.as_str() {
            "handed-over" => lineage::goes_to(glance, record)?,
            _ => None,
        },
        badges: badges(value, &found),
    })
}

/// What a card says beside its state, a word or two each.
fn badges(value: &Task, found: &[String]) -> Vec<String> {
    let any = |rule: &str| found.iter().any(|known| known == rule);
    let waits = value.waiting_for.as_ref().map(|waits| waits.kind);
    let mut badges = vec![];
    let mut badge = |says: bool, text: &str| {
        if says {
            badges.push(text.to_owned());
        }
    };
    badge(any("silent-completion"), "finished, said nothing");
    badge(
        waits == Some(WaitKind::Quota) || any("quota-exhausted"),
        "held by a limit",
    );
    badge(waits == Some(WaitKind::Claim), "waits for a claim");
    badge(waits == Some(WaitKind::Agent), "waits for an agent");
    badge(any("context-divergence"), "old context");
    badge(any("schema-violation"), "output refused");
    badges
}

/// What was found about a task looks as it does in the inbox and on the timeline.
fn shape(column: &str, found: &[String]) -> Shape {
    let any = |shape| found.iter().any(|rule| shape_of_rule(rule) == shape);
    if any(Shape::Conflict) {
        return Shape::Conflict;
    }
    match column {
        "needs-you" => Shape::NeedsYou,
        "failed" => Shape::Failed,
        _ if any(Shape::Stalled) => Shape::Stalled,
        "queued" => Shape::Queued,
        "running" => Shape::Running,
        "handed-over" => Shape::HandedOver,
        "done" => Shape::Done,
        _ => Shape::Unknown,
    }
}

/// A task, opened; `None` when there is no such task.
pub fn task(glance: Glance<'_>, request: &TaskRequest) -> Result<Option<TaskView>> {
    let id = TaskRef {
        endpoint: request.endpoint.clone(),
        task: request.task.as_str().into(),
    };
    let Some(row) = tasks::get(glance.reader, &id)? else {
        return Ok(None);
    };
    let ground = Ground::new(glance)?;
    let value = &row.record.value;
    let card = card(&ground, &row)?;
    let can = ground.endpoints.get(&id.endpoint);
    let cancel_reason = match (value.status.state.is_live(), can) {
        _ if card.can_cancel => None,
        (false, _) => Some("It has ended already.".to_owned()),
        (true, Some((Health::Paused, true))) => {
            Some("Its endpoint is paused by you and is not asked anything.".to_owned())
        }
        (true, _) => Some("This agent offers no way to stop a task.".to_owned()),
    };
    let accesses = accesses::of_task(glance.reader, &id, 100)?;
    let usage = value.usage.as_ref();
    Ok(Some(TaskView {
        message: value.status.message.as_deref().map(agent_text),
        kind: value.kind.as_deref().map(plain),
        key: value.key.as_deref().map(plain),
        context_id: value.context_id.as_deref().map(plain),
        related: lineage::related(glance, &row.record)?,
        signals: lineage::signals(glance, &ground.rules, &row.record)?,
        waiting_for: value.waiting_for.as_ref().map(|waits| {
            let kind = match waits.kind {
                WaitKind::Human => "a person",
                WaitKind::Task => "task",
                WaitKind::Agent => "agent",
                WaitKind::Claim => "claim",
                WaitKind::Quota => "limit",
            };
            match &waits.reference {
                Some(reference) if waits.kind == WaitKind::Human => {
                    format!("{kind} ({})", plain(reference))
                }
                Some(reference) => format!("{kind} {}", plain(reference)),
                None => kind.to_owned(),
            }
        }),
        attempt: value.attempt,
        deadline_at: value.deadline_at,
        input_tokens: usage.and_then(|usage| usage.input_tokens),
        output_tokens: usage.and_then(|usage| usage.output_tokens),
        cost_usd: usage.and_then(|usage| usage.cost_usd),
        next_stage: value.next_stage.as_deref().map(plain),
        history: history(glance, &row)?,
        attempts: attempts(glance, &id)?,
        accesses: accesses
            .into_iter()
            .map(|access| AccessView {
                at: access.at,
                mode: access.mode,
                resource: plain(&access.resource),
                version: access.version.as_deref().map(plain),
            })
            .collect(),
        can_cancel: cancel_reason.is_none(),
        cancel_reason,
        raw: agent_text(&row.record.raw),
        card,
    }))
}

/// Each time it was begun, newest first.
fn attempts(glance: Glance<'_>, id: &TaskRef) -> Result<Vec<AttemptView>> {
    let rows = attempts::of_task(glance.reader, id)?;
    let views = rows.into_iter().map(|row| {
        let end = match row.state {
            _ if row.cut => "Another one began before it was said how this one ended.",
            TaskState::Completed => "It was completed.",
            TaskState::Failed => "It failed.",
            TaskState::Canceled => "It was cancelled.",
            TaskState::Rejected => "The agent declined it.",
            TaskState::Submitted => "It waits to begin.",
            TaskState::Working => "It goes on.",
            TaskState::InputRequired | TaskState::AuthRequired => "It waits for you.",
            TaskState::Unknown => "Nothing is heard of it any more.",
        };
        let lasted = match (row.began_at, row.ended_at) {
            (Some(began), Some(ended)) if ended >= began => {
                format!(" It took {}.", span(between(began, ended)))
            }
            _ => String::new(),
        };
        AttemptView {
            attempt: row.attempt,
            state: row.state,
            began_at: row.began_at,
            ended_at: row.ended_at,
            reason: row.reason.as_deref().map(agent_text),
            sentence: format!("{end}{lasted}"),
        }
    });
    Ok(views.collect())
}

fn history(glance: Glance<'_>, row: &tasks::TaskRow) -> Result<Vec<HistoryLine>> {
    let record = &row.record;
    let mut lines = vec![];
    let mut line = |at, sentence: String| lines.push(HistoryLine { at, sentence });
    if let Some(at) = record.value.created_at {
        line(at, "It was created.".to_owned());
    }
    if let Some(at) = record.value.started_at {
        line(at, "Work began.".to_owned());
    }
    let state = match record.value.status.state {
        TaskState::Submitted => "It is queued.",
        TaskState::Working => "It is running.",
        TaskState::InputRequired => "It waits for an answer.",
        TaskState::AuthRequired => "It waits for a login.",
        TaskState::Completed => "It was completed.",
        TaskState::Failed => "It failed.",
        TaskState::Canceled => "It was stopped.",
        TaskState::Rejected => "The agent refused it.",
        TaskState::Unknown => "Its state cannot be told.",
    };
    line(record.state_since, state.to_owned());
    for artifact in records::of_task::<Artifact>(glance.reader, &record.task)? {
        line(
            artifact.at,
            format!("Made {}.", plain(&artifact.value.name)),
        );
    }
    for handoff in records::of_task::<Handoff>(glance.reader, &record.task)? {
        line(
            handoff.at,
            format!("Handed over to {}.", plain(&handoff.value.to)),
        );
        if let Some(at) = handoff.value.acknowledged_at {
            let by = handoff
                .value
                .acknowledged_by
                .as_deref()
                .unwrap_or(&handoff.value.to);
            line(at, format!("{} took it.", plain(by)));
        }
    }
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_looks_like_the_worst_that_was_found_about_it() {
        for (column, found, expected) in [
            ("running", &[][..], Shape::Running),
            ("running", &["escalation-overdue"], Shape::Running),
            (
                "running",
                &["undeclared-agent", "schema-violation"],
                Shape::Running,
            ),
            ("running", &["stale-read"], Shape::Conflict),
            ("running", &["stall", "write-conflict"], Shape::Conflict),
            ("running", &["retry-storm"], Shape::Stalled),
            ("needs-you", &["retry-storm"], Shape::NeedsYou),
            ("needs-you", &["scope-overreach"], Shape::Conflict),
        ] {
            let found: Vec<String> = found.iter().map(|rule| (*rule).to_owned()).collect();
            assert_eq!(shape(column, &found), expected, "{column} {found:?}");
        }
    }
}

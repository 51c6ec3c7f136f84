//! The board: counts of all columns, and only the cards that were asked for; a task, opened.
//! A card says what the agent reported, and beside it what the rules found.

use domain::{
    contract::{Artifact, Handoff, TaskState, WaitKind},
    ids::TaskRef,
    ownership::Ownership,
};
use store::{
    Result,
    tables::{accesses, escalations, findings, ownership, records, tasks},
};

use super::{
    views::{
        AccessView, BoardRequest, BoardView, CardView, Column, ColumnView, Health, HistoryLine,
        LoadingView, Shape, TaskRequest, TaskView,
    },
    wording::{Glance, agent_text, between, count, escalation_key, plain, span},
};

/// The longest page that is given.
const LONGEST_PAGE: u32 = 500;

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
const STOPPED: [&str; 4] = ["stall", "silent-completion", "timeout", "deadlock"];

/// Columns with counts, and the asked pages.
pub fn board(glance: Glance<'_>, request: &BoardRequest) -> Result<BoardView> {
    let wanted = tasks::Wanted {
        filter: request.filter.trim(),
        problems_only: request.problems_only,
    };
    let all = tasks::counts(glance.reader)?;
    let whole = wanted.filter.is_empty() && !wanted.problems_only;
    let rules = ownership::current(glance.reader)?.map(|version| version.document);
    let mut columns = Vec::with_capacity(COLUMNS.len());
    for (place, (column, label)) in COLUMNS.into_iter().enumerate() {
        let word = tasks::COLUMNS[place];
        let page = request.pages.iter().find(|page| page.column == column);
        let cards = match page {
            Some(page) => {
                let limit = page.limit.min(LONGEST_PAGE);
                tasks::page(glance.reader, word, wanted, page.offset, limit)?
                    .iter()
                    .map(|row| card(glance, row, rules.as_ref()))
                    .collect::<Result<_>>()?
            }
            None => vec![],
        };
        columns.push(ColumnView {
            column,
            label: label.to_owned(),
            count: if whole {
                all[place]
            } else {
                tasks::count(glance.reader, word, wanted)?
            },
            offset: page.map_or(0, |page| page.offset),
            cards,
        });
    }
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
        columns,
        loading,
        revision: glance.present.revision,
    })
}

fn title(glance: Glance<'_>, counts: [u32; 7]) -> Result<String> {
    if let Some(oldest) = findings::oldest_open(glance.reader, &STOPPED)? {
        let number = findings::count_open(glance.reader, &STOPPED)?;
        let (tasks, have) = (
            count(number, "task", "tasks"),
            if number == 1 { "has" } else { "have" },
        );
        return Ok(format!(
            "{tasks} {have} stopped, the first {} ago",
            span(between(oldest, glance.now))
        ));
    }
    let [queued, running, handed_over, needs_you, ..] = counts;
    Ok(match (running, queued + handed_over + needs_you) {
        (0, 0) if counts.iter().all(|number| *number == 0) => "No tasks yet".to_owned(),
        (0, 0) => "Nothing is running".to_owned(),
        (0, waiting) => format!(
            "Nothing is running, {} waiting",
            count(waiting, "task", "tasks")
        ),
        (running, _) => format!(
            "{} running, nothing has stopped",
            count(running, "task", "tasks")
        ),
    })
}

fn card(glance: Glance<'_>, row: &tasks::TaskRow, rules: Option<&Ownership>) -> Result<CardView> {
    let record = &row.record;
    let (endpoint, task) = (&record.task.endpoint, &record.task.task);
    let value = &record.value;
    let found = findings::rules_of_task(glance.reader, &record.task.to_string())?;
    let asks = escalations::of_task(glance.reader, endpoint.as_str(), task.as_str())?;
    let health = super::agents::health_of(glance, endpoint)?;
    let budget = value.time_budget_seconds.or_else(|| {
        let kind = value.kind.as_deref()?;
        let budgets = &rules?.budgets;
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
    })
}

fn shape(column: &str, found: &[String]) -> Shape {
    let any = |rules: &[&str]| found.iter().any(|rule| rules.contains(&rule.as_str()));
    if any(&[
        "trigger-collision",
        "write-conflict",
        "output-collision",
        "double-booking",
        "duplicate-work",
        "sequence-violation",
    ]) {
        return Shape::Conflict;
    }
    match column {
        "needs-you" => Shape::NeedsYou,
        "failed" => Shape::Failed,
        _ if any(&STOPPED) => Shape::Stalled,
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
    let rules = ownership::current(glance.reader)?.map(|version| version.document);
    let value = &row.record.value;
    let endpoint = store::tables::endpoints::get(glance.reader, &id.endpoint)?;
    let can = endpoint.is_some_and(|row| row.capabilities.iter().any(|word| word == "cancel"));
    let cancel_reason = match (value.status.state.is_live(), can) {
        (true, true) => None,
        (false, _) => Some("It has ended already.".to_owned()),
        (true, false) => Some("This agent offers no way to stop a task.".to_owned()),
    };
    let accesses = accesses::of_task(glance.reader, &id, 100)?;
    let usage = value.usage.as_ref();
    Ok(Some(TaskView {
        message: value.status.message.as_deref().map(agent_text),
        kind: value.kind.as_deref().map(plain),
        key: value.key.as_deref().map(plain),
        context_id: value.context_id.as_deref().map(plain),
        depends_on: value.depends_on.iter().map(|id| plain(id)).collect(),
        waiting_for: value.waiting_for.as_ref().map(|waits| {
            let kind = match waits.kind {
                WaitKind::Human => "a person",
                WaitKind::Task => "task",
                WaitKind::Agent => "agent",
                WaitKind::Claim => "claim",
                WaitKind::Quota => "limit",
            };
            match &waits.reference {
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
        card: card(glance, &row, rules.as_ref())?,
    }))
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

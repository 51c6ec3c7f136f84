//! The status line and the numbers beside the screens' names.

use chrono::TimeDelta;
use store::{
    Result, Store,
    tables::{audited, costs, decisions, endpoints, escalations, tasks},
};

use super::{
    agents, inbox, letters, ownership,
    views::{StatusView, UndoView},
    wording::{Glance, outcome, plain},
};

/// How long it is said on every screen that an answer was not sent.
pub(super) const STOPPED_SAID: TimeDelta = TimeDelta::hours(24);

/// What the frame of the window says. `demo`: the demo fleet runs.
pub fn status(glance: Glance<'_>, store: &Store, demo: bool) -> Result<StatusView> {
    let (answering, asked) = agents::answering(glance)?;
    let counts = tasks::counts(glance.reader)?;
    let endpoints = endpoints::list(glance.reader)?.len();
    Ok(StatusView {
        revision: glance.present.revision,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        demo,
        read_only: glance.present.read_only.clone(),
        data_folder: store.dir().display().to_string(),
        store_bytes: store.bytes(),
        agents_answering: answering,
        agents_total: asked,
        last_poll_at: glance.present.last_poll_at,
        running: counts[1],
        inbox_count: inbox::waiting(glance)?,
        board_count: counts[..4].iter().sum(),
        // A draft that a damaged disk does not give back is said on its own screen, and hides nothing here.
        ownership_conflicts: ownership::conflicts(glance.reader).unwrap_or_default(),
        agents_count: u32::try_from(endpoints).unwrap_or(u32::MAX),
        letters_count: letters::standing(glance)?,
        undo: undo(glance)?,
        needs_setup: endpoints == 0,
        notice: notice(glance, store)?,
        clock: glance.present.clock.clone(),
        now: glance.now,
    })
}

/// What nobody may miss, one after the other.
fn notice(glance: Glance<'_>, store: &Store) -> Result<Option<String>> {
    let stopped = audited::stopped(glance.reader, glance.now - STOPPED_SAID)?;
    let stopped = match stopped.len() {
        0 => None,
        1 => Some("An answer was not sent: what was stored is not what you decided. Answer its question again.".to_owned()),
        many => Some(format!(
            "{many} answers were not sent: what was stored is not what you decided. Answer their questions again."
        )),
    };
    let record = glance.present.record.notice();
    let opening = store.notice().map(str::to_owned);
    let all = [record, stopped, opening, left_out(glance)?];
    let all: Vec<String> = all.into_iter().flatten().collect();
    Ok((!all.is_empty()).then(|| all.join(" ")))
}

/// What is not read at the start because it took too long.
fn left_out(glance: Glance<'_>) -> Result<Option<String>> {
    let rows = costs::left_out(glance.reader)?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    let whose = last.endpoint.as_ref().map_or("an agent", |id| id.as_str());
    let at = last.at.format("%Y-%m-%d %H:%M UTC");
    let first = format!(
        "What {} said at {at} takes too long to read and is left out when Mission Control starts.",
        plain(whose)
    );
    Ok(Some(match rows.len() {
        1 => first,
        all => format!("{first} So are {} earlier answers.", all - 1),
    }))
}

fn undo(glance: Glance<'_>) -> Result<Option<UndoView>> {
    let Some(decision) = decisions::undoable(glance.reader, glance.now)? else {
        return Ok(None);
    };
    let record = escalations::answered(glance.reader, &decision)?;
    let title = record.map_or_else(
        || decision.escalation.to_string(),
        |record| record.value.title,
    );
    Ok(Some(UndoView {
        decision_id: decision.id.as_str().to_owned(),
        sentence: format!("{}: {}", outcome(decision.outcome), plain(&title)),
        until: decision.held_until,
    }))
}

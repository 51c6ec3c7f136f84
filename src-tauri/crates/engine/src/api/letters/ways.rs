//! What can be done about a dead letter, in sentences, and the texts that carry it.
//!
//! The contract has no address that takes a corrected item. Where the task of it waits for an answer, the answer carries
//! what is wrong; everywhere else it is a text for the person to send, and is called that.

use std::collections::BTreeMap;

use domain::{
    change::EscalationRecord,
    contract::EscalationKind,
    mend::problems,
    outline::{at, replaced},
};
use serde_json::value::RawValue;
use store::{
    Reader, Result,
    tables::{dead_letters, dead_letters::DeadLetterRow, endpoints, escalations, tasks::TaskRow},
};

use super::{
    Wrong, agent, key, last_word, row, schemas_of, task_of, title, wanted, was_read, what, wrongs,
};
use crate::api::{
    ApiError,
    views::{LetterDraft, LetterDraftView, LetterProblem, LetterRequest, LetterWay, TellView},
    wording::{Glance, agent_text, plain},
};

/// Why it cannot be accepted.
pub(in crate::api) const UNREADABLE: &str =
    "It could not be read, so there is nothing in it to accept.";

/// Problems that are told of in a text; a person sends it.
const TOLD: usize = 20;

/// The question that the letter's task waits for, when its agent takes answers in words.
pub(super) fn question(reader: &Reader, row: &DeadLetterRow) -> Result<Option<EscalationRecord>> {
    let Some(task) = task_of(row) else {
        return Ok(None);
    };
    let endpoint = endpoints::get(reader, &row.endpoint)?;
    let takes =
        endpoint.is_some_and(|row| row.capabilities.iter().any(|word| word == "decideRespond"));
    if !takes {
        return Ok(None);
    }
    let id = escalations::of_task(reader, row.endpoint.as_str(), task.task.as_str())?;
    let Some(id) = id else {
        return Ok(None);
    };
    // What cannot be read is no question that an answer could go to.
    if dead_letters::hides(reader, &row.endpoint, &id)? {
        return Ok(None);
    }
    let record = escalations::get(reader, &row.endpoint, &id)?;
    Ok(record.filter(|record| {
        matches!(
            record.value.kind,
            EscalationKind::Question | EscalationKind::Form | EscalationKind::Exception
        ) && record.value.response_schema.is_none()
            // What has something to approve is answered where it is read.
            && record.value.proposed_action.is_none()
    }))
}

/// What the agent is told: which item, and all that is wrong with it.
pub(super) fn complaint(row: &DeadLetterRow, wrongs: &[Wrong]) -> String {
    let mut text = format!(
        "Your {} \"{}\" ({}) was refused:",
        what(&row.list),
        plain(&title(row)),
        plain(&row.item)
    );
    for wrong in wrongs.iter().take(TOLD) {
        let place = if wrong.path.is_empty() {
            "the whole"
        } else {
            &wrong.path
        };
        text.push_str(&format!("\n- {}: {}", plain(place), plain(&wrong.message)));
    }
    if wrongs.len() > TOLD {
        text.push_str(&format!("\n- and {} more", wrongs.len() - TOLD));
    }
    text.push_str("\nCorrect it and send it again under the same id.");
    text
}

/// What the agent is told when the person has put it right.
pub(super) fn correction(row: &DeadLetterRow, corrected: &str) -> String {
    format!(
        "Send this instead of your {} {}, under the same id:\n{corrected}",
        what(&row.list),
        plain(&row.item)
    )
}

/// An answer where the task waits for one, and in any case a text that the person can send instead.
fn carried(
    row: &DeadLetterRow,
    question: Option<&EscalationRecord>,
    with: &str,
    text: String,
) -> (Vec<String>, Vec<TellView>) {
    let does = match question {
        Some(question) => vec![
            format!(
                "Answers \"{}\" of {} with {with}.",
                plain(&question.value.title),
                agent(row)
            ),
            "It leaves after 10 seconds and can be taken back until then.".to_owned(),
        ],
        None => vec![],
    };
    let tell = TellView {
        agent: agent(row),
        text,
    };
    (does, vec![tell])
}

/// Whether nothing in it could be read, and so nothing can be accepted.
pub(in crate::api) fn is_unreadable(reader: &Reader, letter: &LetterRequest) -> Result<bool> {
    let row = row(reader, letter)?;
    Ok(row.is_some_and(|row| !was_read(&wrongs(&row.list, &row.problems))))
}

/// What sending it back would do, and the text for it; `None` when it does not stand any more.
pub(in crate::api) fn sent_back(
    glance: Glance<'_>,
    letter: &LetterRequest,
) -> Result<Option<(Vec<String>, Vec<TellView>)>> {
    let Some(row) = row(glance.reader, letter)?.filter(|row| row.cleared_at.is_none()) else {
        return Ok(None);
    };
    let wrongs = wrongs(&row.list, &row.problems);
    let question = question(glance.reader, &row)?;
    let text = complaint(&row, &wrongs);
    Ok(Some(carried(
        &row,
        question.as_ref(),
        "all that is wrong",
        text,
    )))
}

pub(super) fn ways(
    glance: Glance<'_>,
    row: &DeadLetterRow,
    wrongs: &[Wrong],
    task: Option<&TaskRow>,
) -> Result<Vec<LetterWay>> {
    let question = question(glance.reader, row)?;
    let way = |id: &str, label: &str, (does, tells): (Vec<String>, Vec<TellView>)| LetterWay {
        id: id.to_owned(),
        label: label.to_owned(),
        does,
        tells,
        problem: None,
        needs_reason: false,
        cancels: None,
    };
    let back = carried(
        row,
        question.as_ref(),
        "all that is wrong",
        complaint(row, wrongs),
    );
    let mut corrected = way("resubmit", "Correct it and send it back", (vec![], vec![]));
    if serde_json::from_str::<&RawValue>(&row.raw).is_err() {
        corrected.problem = Some("Its end is not kept, so it cannot be corrected here.".to_owned());
    }
    let mut accept = way(
        "accept",
        "Accept it once",
        (
            vec![
                "Takes it as it is, this once. The schema stays as it is.".to_owned(),
                "Settles the finding, and keeps that in the audit.".to_owned(),
            ],
            vec![],
        ),
    );
    if !was_read(wrongs) {
        accept.does.clear();
        accept.problem = Some(UNREADABLE.to_owned());
    }
    let mut discard = way(
        "discard",
        "Discard it",
        (
            vec![
                "Puts it away with your reason, which is kept in the audit.".to_owned(),
                "Settles the finding. A good one with the same id counts again.".to_owned(),
            ],
            vec![],
        ),
    );
    discard.needs_reason = true;
    if let Some(task) = task.filter(|task| task.record.value.status.state.is_live()) {
        let endpoint = endpoints::get(glance.reader, &row.endpoint)?;
        let can = endpoint.is_some_and(|row| row.capabilities.iter().any(|word| word == "cancel"));
        discard.cancels = can.then(|| {
            format!(
                "Also ask {} to cancel \"{}\"",
                agent(row),
                plain(&task.record.value.title)
            )
        });
    }
    Ok(vec![
        way("return", "Send it back with what is wrong", back),
        corrected,
        accept,
        discard,
    ])
}

/// A correction as it would be sent, and what would still be wrong with it.
pub(in crate::api) fn draft(
    glance: Glance<'_>,
    draft: &LetterDraft,
) -> std::result::Result<LetterDraftView, ApiError> {
    let request = LetterRequest {
        endpoint: draft.endpoint.clone(),
        list: draft.list.clone(),
        item: draft.item.clone(),
    };
    let row = super::row(glance.reader, &request)?
        .ok_or_else(|| ApiError::new("missing", "There is no such dead letter."))?;
    let text = match (&draft.text, &draft.fixes) {
        (Some(text), _) => text.clone(),
        (None, Some(fixes)) => fixed(&row.raw, fixes)?,
        (None, None) => row.raw.clone(),
    };
    let problems = wrong_with(glance.reader, &row, &text)?;
    let question = question(glance.reader, &row)?;
    let (does, tells) = carried(
        &row,
        question.as_ref(),
        "the corrected one",
        correction(&row, &text),
    );
    Ok(LetterDraftView {
        text,
        problems,
        does,
        tells,
    })
}

/// All that is wrong with a corrected item, the id under which it must come back included.
pub(super) fn wrong_with(
    reader: &Reader,
    row: &DeadLetterRow,
    text: &str,
) -> Result<Vec<LetterProblem>> {
    let schemas = schemas_of(reader, &wrongs(&row.list, &row.problems))?;
    let mut found: Vec<LetterProblem> = problems(&row.list, text, &schemas)
        .into_iter()
        .map(|problem| {
            let schema = problem.schema.as_deref();
            LetterProblem {
                path: plain(&wanted(&problem.pointer, schema)),
                rule: plain(schema.map_or(&problem.code, last_word)),
                sentence: agent_text(&problem.message),
            }
        })
        .collect();
    let same_id = at(text, "/id") == at(&row.raw, "/id");
    if found.is_empty() && !same_id {
        found.push(LetterProblem {
            path: "/id".to_owned(),
            rule: "id".to_owned(),
            sentence: agent_text("It must keep its id, or it would be another one."),
        });
    }
    Ok(found)
}

fn fixed(raw: &str, fixes: &str) -> std::result::Result<String, ApiError> {
    let unreadable = |_| ApiError::new("invalid", "The corrections cannot be read.");
    let fixes: BTreeMap<String, Box<RawValue>> = serde_json::from_str(fixes).map_err(unreadable)?;
    let mut text = raw.to_owned();
    for (place, value) in fixes {
        text = replaced(&text, &format!("/{place}"), value.get())
            .ok_or_else(|| ApiError::new("invalid", "A place to correct is not in it."))?;
    }
    Ok(text)
}

/// Identity for the audit.
pub(super) fn subject(row: &DeadLetterRow) -> String {
    key(row)
}

//! Doing something about dead letters: one after the other, each with its own outcome. What settles one is a fact of the
//! log; what sends one back is an answer in the outbox, or the person's word that it was sent.

use domain::{
    decision::{Outcome, binding_of, digest},
    fact::PersonAction,
};
use serde_json::json;
use store::tables::dead_letters::{Act, Acted, DeadLetterRow};

use super::{
    LetterRequest, RULE, Wrong, row, task_of, was_read,
    ways::{UNREADABLE, complaint, correction, question, subject, wrong_with},
    wrongs,
};
use crate::{
    api::{
        ApiError,
        again::answered_before,
        remedy,
        views::{DecideRequest, LetterAction, LetterOutcome, LetterOutcomes},
    },
    clock::wall,
    engine::Engine,
    owner::Ask,
};

type Answer<T> = std::result::Result<T, ApiError>;

/// More at once nobody looks at.
const AT_ONCE: usize = 200;

/// What is written about one letter.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) letter: LetterRequest,
    pub(crate) subject: String,
    pub(crate) acted: Acted,
    /// Settles the finding about it.
    pub(crate) settles: Option<PersonAction>,
    pub(crate) detail: serde_json::Value,
    /// Of the bytes it is about: what came meanwhile was not looked at.
    pub(crate) digest: String,
}

/// What was read of one before acting.
struct Read {
    row: DeadLetterRow,
    wrongs: Vec<Wrong>,
    ask: Option<DecideRequest>,
    still_wrong: Option<String>,
}

fn named(way: &str) -> Answer<Act> {
    Ok(match way {
        "return" => Act::Returned,
        "resubmit" => Act::Resubmitted,
        "accept" => Act::Accepted,
        "discard" => Act::Discarded,
        _ => return Err(ApiError::new("invalid", "There is no such way.")),
    })
}

fn reason(action: &LetterAction) -> Option<&str> {
    let reason = action.reason.as_deref().map(str::trim);
    reason.filter(|reason| !reason.is_empty())
}

/// Does it with each; what fails with one, or came again since it was looked at, does not stop the next.
pub(in crate::api) async fn act(engine: &Engine, action: LetterAction) -> Answer<LetterOutcomes> {
    let act = named(&action.way)?;
    if act == Act::Discarded && reason(&action).is_none() {
        return Err(ApiError::new("invalid", "Say why it is put away."));
    }
    if action.letters.is_empty() || action.letters.len() > AT_ONCE {
        return Err(ApiError::new("invalid", "Choose 1 to 200 of them."));
    }
    if act == Act::Resubmitted && (action.letters.len() != 1 || action.corrected.is_none()) {
        return Err(ApiError::new("invalid", "A correction is for one item."));
    }
    let mut outcomes = vec![];
    for seen in &action.letters {
        let letter = LetterRequest {
            endpoint: seen.endpoint.clone(),
            list: seen.list.clone(),
            item: seen.item.clone(),
        };
        let key = format!("{}/{}/{}", letter.endpoint, letter.list, letter.item);
        let done = one(engine, letter, Some(&seen.digest), act, &action).await;
        let (did, problem) = match done {
            Ok(did) => (did, None),
            Err(error) => (vec![], Some(error.message)),
        };
        outcomes.push(LetterOutcome { key, did, problem });
    }
    Ok(LetterOutcomes { outcomes })
}

/// Does it with the one that a finding is about; what was done, in one text.
pub(in crate::api) async fn settle_one(
    engine: &Engine,
    letter: LetterRequest,
    seen: Option<&str>,
    way: &str,
) -> Answer<String> {
    let action = LetterAction {
        letters: vec![],
        way: way.to_owned(),
        reason: None,
        corrected: None,
        cancel: false,
        by_text: false,
    };
    let did = one(engine, letter, seen, named(way)?, &action).await?;
    Ok(did.join(" "))
}

/// It came again after it was looked at.
pub(crate) fn changed() -> ApiError {
    ApiError::new(
        "changed",
        "It has come again with other content. Look at it again; nothing was done.",
    )
}

async fn one(
    engine: &Engine,
    letter: LetterRequest,
    seen: Option<&str>,
    act: Act,
    action: &LetterAction,
) -> Answer<Vec<String>> {
    let reason = reason(action);
    let read = look(engine, &letter, act, action).await?;
    let digest = digest(&read.row.raw);
    if seen.is_some_and(|seen| seen != digest) {
        return Err(changed());
    }
    if let Some(wrong) = read.still_wrong {
        return Err(ApiError::new(
            "invalid",
            format!("It is still wrong: {wrong}"),
        ));
    }
    if act == Act::Accepted && !was_read(&read.wrongs) {
        return Err(ApiError::new("invalid", UNREADABLE));
    }
    // The card of a finding names no letters; there, sending it back is either of both, and the card says which.
    let sends = matches!(act, Act::Returned | Act::Resubmitted) && !action.letters.is_empty();
    if sends && read.ask.is_none() && !action.by_text {
        return Err(ApiError::new(
            "invalid",
            "Its task waits for no answer that could carry this, so nothing was sent. Send the text yourself.",
        ));
    }
    let mut did = vec![];
    // First what the agent must do: if it cannot be asked, nothing is called done.
    if action.cancel
        && act == Act::Discarded
        && let Some(task) = task_of(&read.row)
    {
        did.push(remedy::cancel(engine, task).await?);
    }
    let mut decision = None;
    if let Some(ask) = read.ask {
        let view = engine.ask(|reply| Ask::Decide(ask, reply)).await?;
        decision = Some(view.id.as_str().into());
        did.push("The answer leaves in a moment and can be taken back until then.".to_owned());
    }
    let settles = matches!(act, Act::Accepted | Act::Discarded).then(|| PersonAction::Resolve {
        rule: RULE.to_owned(),
        subject: Some(subject(&read.row)),
    });
    did.push(
        match act {
            Act::Returned => "It waits here for a good one.",
            Act::Resubmitted => "It waits here until the corrected one comes.",
            Act::Accepted => "It is accepted, this once.",
            Act::Discarded => "It is put away.",
        }
        .to_owned(),
    );
    let detail = json!({
        "way": action.way, "reason": reason, "corrected": action.corrected, "decision": decision,
        "item": digest, "cancel": action.cancel,
    });
    let deed = Deed {
        letter,
        subject: subject(&read.row),
        acted: Acted {
            act,
            at: wall(),
            note: reason.map(str::to_owned),
            decision,
        },
        settles,
        detail,
        digest,
    };
    engine
        .ask(|reply| Ask::Letter(Box::new(deed), reply))
        .await?;
    Ok(did)
}

/// Reads what stands, and makes the answer that carries it when the agent's task waits for one.
async fn look(
    engine: &Engine,
    letter: &LetterRequest,
    act: Act,
    action: &LetterAction,
) -> Answer<Read> {
    let (corrected, by_text) = (action.corrected.clone(), action.by_text);
    let (store, letter) = (engine.store().clone(), letter.clone());
    let read = move || {
        store.read(|reader| {
            let Some(row) = row(reader, &letter)?.filter(|row| row.cleared_at.is_none()) else {
                return Ok(None);
            };
            let wrongs = wrongs(&row.list, &row.problems);
            let mut still_wrong = None;
            let message = match (act, &corrected) {
                (Act::Returned, _) => Some(complaint(&row, &wrongs)),
                (Act::Resubmitted, Some(text)) => {
                    let problems = wrong_with(reader, &row, text)?;
                    still_wrong = problems
                        .first()
                        .map(|problem| problem.sentence.text.clone());
                    Some(correction(&row, text))
                }
                _ => None,
            };
            let question = match &message {
                Some(_) if !by_text => question(reader, &row)?,
                _ => None,
            };
            let before = match &question {
                Some(record) => answered_before(reader, record)?,
                None => None,
            };
            let ask = question.map(|record| DecideRequest {
                endpoint: record.agent.endpoint.clone(),
                escalation: record.value.id.as_str().to_owned(),
                version: record.value.version.clone(),
                binding_hash: binding_of(&record),
                outcome: Outcome::Respond,
                option_id: None,
                edited_action: None,
                payload: corrected.clone().filter(|_| act == Act::Resubmitted),
                message: message.clone(),
                shown_ms: 0,
                reached_end: false,
                overtaken_by: None,
                again: before.map(|before| before.id.as_str().to_owned()),
                repeats: None,
            });
            Ok(Some(Read {
                row,
                wrongs,
                ask,
                still_wrong,
            }))
        })
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| ApiError::new("store", "An internal error stopped this."))??
        .ok_or_else(|| ApiError::new("missing", "It does not stand any more."))
}

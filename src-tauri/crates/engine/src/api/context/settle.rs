//! The entry that settles a contradiction: its exact text, and how it gets to an agent that appends it.
//!
//! Nobody but an agent appends to its documents. Where one of them asks about this very contradiction, the entry goes
//! there as the answer; everywhere else it is a text for the person to send.

use domain::{
    change::EscalationRecord,
    contract::EscalationKind,
    decision::{Outcome, binding_of, strict_json},
    time,
};
use serde_json::{json, value::RawValue};
use store::{
    Reader, Result,
    tables::{endpoints, escalations},
};

use super::Read;
use crate::{
    api::{
        ApiError,
        again::answered_before,
        views::{DecideRequest, SettleRequest, SettleView, TellView},
        wording::{Glance, plain},
    },
    clock::wall,
    engine::Engine,
    owner::Ask,
};

type Answer<T> = std::result::Result<T, ApiError>;

/// What is proposed, and the question that it would answer.
struct Proposal {
    view: SettleView,
    ask: Option<DecideRequest>,
}

/// A pending question of one of the sides about this document and key.
fn question(
    reader: &Reader,
    read: &Read,
    request: &SettleRequest,
) -> Result<Option<EscalationRecord>> {
    let conflicts = read.conflicts();
    let sides = conflicts
        .get(request.key.as_str())
        .map(Vec::as_slice)
        .unwrap_or_default();
    for record in escalations::pending(reader)? {
        let is_side = sides.iter().any(|entry| entry.agent == record.agent);
        let about = record.value.kind == EscalationKind::Conflict
            && record.raw.contains(&request.document)
            && record.raw.contains(&request.key);
        if !is_side || !about || record.value.proposed_action.is_some() {
            continue;
        }
        let row = endpoints::get(reader, &record.agent.endpoint)?;
        if row.is_some_and(|row| row.capabilities.iter().any(|word| word == "decideRespond")) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn propose(glance: Glance<'_>, request: &SettleRequest) -> Answer<Proposal> {
    let Glance { reader, now, .. } = glance;
    let read = Read::of(glance, &request.document)?;
    let conflicts = read.conflicts();
    let sides = conflicts
        .get(request.key.as_str())
        .ok_or_else(|| ApiError::new("settled", "Nothing contradicts there any more."))?;
    let value: Box<RawValue> = strict_json(&request.value, "The value")
        .map_err(|problem| ApiError::new("invalid", problem.to_string()))?;
    let sentence = request.sentence.trim();
    let problem = sentence
        .is_empty()
        .then(|| "Say in a sentence what holds from now on.".to_owned());
    // One entry supersedes one; the newest of the others goes with its own text.
    let numbers: Vec<u64> = sides.iter().map(|entry| entry.value.seq).collect();
    let mut agents: Vec<&str> = sides
        .iter()
        .map(|entry| entry.agent.agent.as_str())
        .collect();
    agents.sort_unstable();
    agents.dedup();
    let mut entries = vec![];
    for (index, seq) in numbers.iter().enumerate() {
        let entry = json!({
            "documentId": request.document, "seq": read.last() + 1 + index as u64, "kind": "decision", "key": request.key,
            "value": serde_json::from_str::<serde_json::Value>(value.get()).unwrap_or_default(), "body": sentence,
            "author": "me", "supersedes": seq, "createdAt": time::format(now),
        });
        entries.push(entry.to_string());
    }
    let entry = entries.join("\n");
    let question = question(reader, &read, request)?;
    let does = match &question {
        Some(question) => vec![
            format!(
                "Answers \"{}\" of {} with this entry.",
                plain(&question.value.title),
                plain(question.agent.agent.as_str())
            ),
            "It leaves after 10 seconds and can be taken back until then.".to_owned(),
        ],
        None => vec![],
    };
    let first = agents.first().copied().unwrap_or_default();
    let tells = agents
        .iter()
        .map(|agent| TellView {
            agent: plain(agent),
            text: if *agent == first {
                format!(
                    "About {} in {}: {sentence}\nAppend exactly this, and read it before you go on:\n{entry}",
                    plain(&request.key),
                    plain(&request.document)
                )
            } else {
                format!(
                    "About {} in {}: {sentence}\n{} appends it. Read it before you go on.",
                    plain(&request.key),
                    plain(&request.document),
                    plain(first)
                )
            },
        })
        .collect();
    let before = match &question {
        Some(record) => answered_before(glance.reader, record)?,
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
        payload: Some(format!("[{}]", entries.join(","))),
        message: Some(sentence.to_owned()),
        shown_ms: 0,
        reached_end: false,
        overtaken_by: None,
        again: before.map(|before| before.id.as_str().to_owned()),
        repeats: None,
    });
    Ok(Proposal {
        view: SettleView {
            entry,
            does,
            tells,
            problem,
            did: vec![],
        },
        ask,
    })
}

/// What the entry would be and how it would get there; nothing is kept.
pub(in crate::api) fn proposed(glance: Glance<'_>, request: &SettleRequest) -> Answer<SettleView> {
    propose(glance, request).map(|proposal| proposal.view)
}

/// Proposes the entry; with `record` also answers with it, or keeps that the person has sent it.
pub(in crate::api) async fn settle(engine: &Engine, request: SettleRequest) -> Answer<SettleView> {
    let (engine_live, store, asked) = (
        engine.live().read().clone(),
        engine.store().clone(),
        request.clone(),
    );
    let look = move || {
        store.read(|reader| {
            let glance = Glance {
                reader,
                present: &engine_live,
                now: wall(),
            };
            Ok(propose(glance, &asked))
        })
    };
    let proposal = tokio::task::spawn_blocking(look)
        .await
        .map_err(|_| ApiError::new("store", "An internal error stopped this."))???;
    let mut view = proposal.view;
    if !request.record {
        return Ok(view);
    }
    if let Some(problem) = &view.problem {
        return Err(ApiError::new("invalid", problem.clone()));
    }
    let mut decision = None;
    if let Some(ask) = proposal.ask.filter(|_| !request.by_text) {
        decision = Some(engine.ask(|reply| Ask::Decide(ask, reply)).await?.id);
        view.did
            .push("The answer leaves in a moment and can be taken back until then.".to_owned());
    }
    let subject = format!("{} {}", request.document, request.key);
    let detail = json!({ "entry": view.entry, "decision": decision, "byText": request.by_text });
    engine
        .ask(|reply| Ask::Keep("context-settled", subject, detail, reply))
        .await?;
    view.did
        .push("It is kept. The two stand side by side until an entry supersedes them.".to_owned());
    Ok(view)
}

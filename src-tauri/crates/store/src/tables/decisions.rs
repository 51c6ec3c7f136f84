//! Decisions of the person and their deliveries: the row is the outbox entry too, so one never stands without the
//! other. Recording one checks, in the same transaction, that the question still waits, in the version and with the
//! bytes that were shown.

use domain::{
    change::{DeadLetter, EscalationPhase, EscalationRecord},
    contract::EscalationStatus,
    decision::{
        Altered, Decision, Delivery, DeliveryState, Outcome, Overtaking, action_key, asks_the_same,
    },
    ids::{DecisionId, EndpointId, EscalationId},
    time::Time,
};
use rusqlite::{Row, params};
use serde_json::{Value, json};

use crate::{
    Reader, Result, Tx, breakpoint, sql,
    tables::{audit, audited, escalations},
};

/// What became of an attempt to record a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It stands, and its delivery with it.
    Yes,
    /// No such question.
    Gone,
    /// It does not wait any more; with the decision that was first, if there is one.
    Settled(EscalationPhase, Option<Winner>),
    /// The question has changed since it was shown: other version or other bytes.
    Changed,
    /// Its hard deadline has passed.
    Late,
}

/// The decision that was there first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winner {
    /// What was said.
    pub outcome: Outcome,
    /// When.
    pub decided_at: Time,
}

/// Records a decision with its delivery and its audit entry, all or nothing. `binding` computes, from what is stored
/// now, the hash that the decision must carry.
pub fn record(
    tx: &Tx<'_>,
    now: Time,
    decision: &Decision,
    binding: impl FnOnce(&EscalationRecord) -> String,
) -> Result<Recorded> {
    let Some(question) = escalations::get(tx, &decision.endpoint, &decision.escalation)? else {
        return Ok(Recorded::Gone);
    };
    if question.phase != EscalationPhase::Pending {
        let winner = standing(tx, &question)?;
        return Ok(Recorded::Settled(question.phase, winner));
    }
    if question.value.version != decision.version
        || question.edition != decision.edition
        || binding(&question) != decision.binding_hash
    {
        return Ok(Recorded::Changed);
    }
    if question.value.expires_at.is_some_and(|end| now >= end) {
        escalations::shift(
            tx,
            &question,
            EscalationPhase::Pending,
            EscalationPhase::Expired,
        )?;
        audit_entry(tx, now, "escalation-expired", decision, json!({}))?;
        return Ok(Recorded::Late);
    }
    if !escalations::shift(
        tx,
        &question,
        EscalationPhase::Pending,
        EscalationPhase::Answered,
    )? {
        return Ok(Recorded::Changed);
    }
    let delivery = &decision.delivery;
    sql::run(
        tx,
        "INSERT INTO decisions (id, endpoint, escalation, version, edition, agent, binding_hash, shown, action_key, class, origin, outcome,
             body, decided_at, held_until, considered, shown_ms, state, attempts, next_attempt_at, detail, recorded_outcome, changed_at,
             repeats)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)",
        params![
            decision.id.as_str(),
            decision.endpoint.as_str(),
            decision.escalation.as_str(),
            decision.version,
            decision.edition,
            decision.agent.as_str(),
            decision.binding_hash,
            decision.shown,
            decision.action_key,
            sql::word(&decision.class)?,
            decision.origin,
            sql::word(&decision.outcome)?,
            decision.body,
            sql::micros(decision.decided_at),
            sql::micros(decision.held_until),
            decision.considered,
            decision.shown_ms as i64,
            sql::word(&delivery.state)?,
            delivery.attempts,
            delivery.next_attempt_at.map(sql::micros),
            delivery.detail,
            delivery.recorded_outcome,
            sql::micros(delivery.changed_at),
            decision.repeats.as_ref().map(|id| id.as_str())
        ],
    )?;
    breakpoint("decision-row");
    audit_entry(tx, now, "decided", decision, audited::said(decision)?)?;
    // Whoever answers what stands there now has seen it.
    sql::run(
        tx,
        "UPDATE decisions SET altered_seen_at = ?3
         WHERE endpoint = ?1 AND escalation = ?2 AND id <> ?4 AND altered IS NOT NULL AND altered_seen_at IS NULL",
        params![
            decision.endpoint.as_str(),
            decision.escalation.as_str(),
            sql::micros(now),
            decision.id.as_str()
        ],
    )?;
    breakpoint("decision-audited");
    Ok(Recorded::Yes)
}

/// What was decided about this version of a question, if anything stands.
pub fn standing(reader: &Reader, question: &EscalationRecord) -> Result<Option<Winner>> {
    sql::first(
        reader,
        "SELECT outcome, decided_at FROM decisions
         WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND edition = ?4 AND undone_at IS NULL",
        params![
            question.agent.endpoint.as_str(),
            question.value.id.as_str(),
            question.value.version,
            question.edition
        ],
        |row| {
            Ok(Winner {
                outcome: sql::from_word(&row.get::<_, String>(0)?)?,
                decided_at: sql::time(row.get(1)?),
            })
        },
    )
}

pub(crate) fn audit_entry(
    tx: &Tx<'_>,
    now: Time,
    kind: &str,
    decision: &Decision,
    mut detail: Value,
) -> Result<()> {
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("decision".into(), decision.id.as_str().into());
    }
    let subject = format!("{}/{}", decision.endpoint, decision.escalation);
    audit::append(tx, now, kind, &subject, &detail)?;
    Ok(())
}

/// Why a decision that has not left stands no more.
#[derive(Clone, Debug, PartialEq)]
pub enum TakenBack {
    /// The person took it back.
    ByPerson,
    /// Another agent has acted on the same thing.
    Overtaken(Overtaking),
    /// It was approved long ago and could not leave.
    TooOld,
    /// The endpoint is at another address by now.
    Moved,
    /// Its agent sends something in the place of its question that cannot be read.
    Unreadable,
}

impl TakenBack {
    /// The audit's word, and what is kept beside it.
    fn entry(&self) -> (&'static str, Value) {
        match self {
            Self::ByPerson => ("undone", json!({})),
            Self::Overtaken(done) => (
                "held-up",
                json!({ "act": done.act, "agent": done.agent.agent, "resource": done.resource }),
            ),
            Self::TooOld => ("too-old", json!({})),
            Self::Moved => ("moved-away", json!({})),
            Self::Unreadable => ("unreadable", json!({})),
        }
    }
}

/// Takes a decision back while no attempt was made to send it: the question waits again. False when it was too late.
pub fn take_back(tx: &Tx<'_>, now: Time, id: &DecisionId, why: &TakenBack) -> Result<bool> {
    let Some(decision) = get(tx, id)? else {
        return Ok(false);
    };
    let undone = sql::run(
        tx,
        "UPDATE decisions SET undone_at = ?2, changed_at = ?2
         WHERE id = ?1 AND state IN ('held', 'queued') AND attempts = 0 AND undone_at IS NULL",
        params![id.as_str(), sql::micros(now)],
    )?;
    if undone == 0 {
        return Ok(false);
    }
    reopen(tx, &decision)?;
    let (kind, mut detail) = why.entry();
    detail[audited::TAKEN_BACK] = true.into();
    audit_entry(tx, now, kind, &decision, detail)?;
    Ok(true)
}

/// Marks the decisions under that id that had left when the agent put something else in the place of what was answered. One
/// that the agent had shown as settled is over; what comes after it is another question. So is another version where a protocol
/// uses one id for all questions of a task or a node (A2A, LangGraph); ours and OpenCode's have an id for each.
pub(crate) fn altered(tx: &Tx<'_>, record: &EscalationRecord) -> Result<()> {
    sql::run(
        tx,
        "UPDATE decisions SET altered = ?4, altered_at = coalesce((SELECT at FROM facts WHERE seq = ?5 - 1), decided_at)
         WHERE endpoint = ?1 AND escalation = ?2 AND undone_at IS NULL AND altered IS NULL AND shown <> ?4
           AND (state IN ('sending', 'sent', 'applied', 'unknown') OR state = 'queued' AND attempts > 0)
           AND (version = ?3 OR EXISTS (SELECT 1 FROM endpoints WHERE endpoints.id = ?1 AND kind IN ('native', 'opencode')))
           AND EXISTS (SELECT 1 FROM escalations e WHERE e.endpoint = decisions.endpoint AND e.escalation = decisions.escalation
               AND e.version = decisions.version AND e.edition = decisions.edition AND e.status = 'pending')",
        params![
            record.agent.endpoint.as_str(),
            record.value.id.as_str(),
            record.value.version,
            &*record.raw,
            record.line as i64
        ],
    )?;
    Ok(())
}

/// Notes that the agent asks the same again though it was answered.
pub(crate) fn asked_again(tx: &Tx<'_>, at: Time, decision: &Decision) -> Result<()> {
    sql::run(
        tx,
        "UPDATE decisions SET asked_again_at = ?2 WHERE id = ?1",
        params![decision.id.as_str(), sql::micros(at)],
    )?;
    audit_entry(tx, at, "asked-again", decision, json!({}))
}

/// What was asked again, and is exchanged before it is answered, is not what was answered before.
pub(crate) fn altered_again(
    tx: &Tx<'_>,
    known: &EscalationRecord,
    record: &EscalationRecord,
) -> Result<()> {
    let before = EscalationRecord {
        edition: known.edition - 1,
        ..known.clone()
    };
    let asked = of_edition(tx, &before)?.filter(|decision| decision.asked_again_at.is_some());
    if let Some(decision) = asked
        && !asks_the_same(&decision.shown, &record.raw)
        && record.value.status == EscalationStatus::Pending
    {
        sql::run(
            tx,
            "UPDATE decisions SET altered = ?2, altered_at = coalesce((SELECT at FROM facts WHERE seq = ?3 - 1), decided_at)
             WHERE id = ?1 AND altered IS NULL",
            params![decision.id.as_str(), &*record.raw, record.line as i64],
        )?;
    }
    Ok(())
}

/// The decision that stands for an edition of a question.
pub(crate) fn of_edition(reader: &Reader, question: &EscalationRecord) -> Result<Option<Decision>> {
    of_question(reader, question, "edition = ?4")
}

/// The newest decision for an earlier edition of a question.
pub fn before_edition(reader: &Reader, question: &EscalationRecord) -> Result<Option<Decision>> {
    of_question(reader, question, "edition < ?4")
}

/// The newest decision for those editions of a question.
fn of_question(
    reader: &Reader,
    question: &EscalationRecord,
    editions: &str,
) -> Result<Option<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions
         WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND {editions} AND undone_at IS NULL ORDER BY edition DESC LIMIT 1"
    );
    let key = params![
        question.agent.endpoint.as_str(),
        question.value.id.as_str(),
        question.value.version,
        question.edition
    ];
    sql::first(reader, &query, key, read)
}

/// What the agent knows of, as far as we can tell, and lists as open all the same.
pub fn listed_on(reader: &Reader) -> Result<Vec<Decision>> {
    let mut found = vec![];
    for (endpoint, escalation) in escalations::listed_on(reader)? {
        let Some(question) = escalations::get(reader, &endpoint, &escalation)? else {
            continue;
        };
        if question.phase == EscalationPhase::Answered
            && question.value.status == EscalationStatus::Pending
            && let Some(decision) = of_edition(reader, &question)?
            && decision.is_out_of_hand()
        {
            found.push(decision);
        }
    }
    Ok(found)
}

/// Marks them, too, for what cannot be read: nobody can say what it asks, but it is not what was answered.
pub(crate) fn hidden(tx: &Tx<'_>, letter: &DeadLetter) -> Result<()> {
    if letter.list() != "escalations" {
        return Ok(());
    }
    let raw = letter.problems.first().map_or("", |problem| &problem.raw);
    sql::run(
        tx,
        "UPDATE decisions SET altered = ?3, altered_at = ?4
         WHERE endpoint = ?1 AND escalation = ?2 AND undone_at IS NULL AND altered IS NULL
           AND (state IN ('sending', 'sent', 'applied', 'unknown') OR state = 'queued' AND attempts > 0)
           AND EXISTS (SELECT 1 FROM endpoints WHERE endpoints.id = ?1 AND kind = 'native')
           AND EXISTS (SELECT 1 FROM escalations e WHERE e.endpoint = decisions.endpoint AND e.escalation = decisions.escalation
               AND e.version = decisions.version AND e.edition = decisions.edition AND e.status = 'pending')",
        params![letter.endpoint.as_str(), letter.item, raw, sql::micros(letter.at)],
    )?;
    Ok(())
}

/// The person has seen what an agent put in the place of what they answered.
pub fn acknowledge(tx: &Tx<'_>, now: Time, id: &DecisionId) -> Result<()> {
    let Some(decision) = get(tx, id)? else {
        return Ok(());
    };
    let changed = sql::run(
        tx,
        "UPDATE decisions SET altered_seen_at = ?2 WHERE id = ?1 AND altered IS NOT NULL AND altered_seen_at IS NULL",
        params![id.as_str(), sql::micros(now)],
    )?;
    if changed > 0 {
        audit_entry(tx, now, "alteration-seen", &decision, json!({}))?;
    }
    Ok(())
}

/// Decisions whose question was altered after they had left, and which the person has not seen; oldest first.
pub fn unseen_alterations(reader: &Reader) -> Result<Vec<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions WHERE altered IS NOT NULL AND altered_seen_at IS NULL ORDER BY altered_at"
    );
    sql::all(reader, &query, [], read)
}

/// When the person last refused that action of that agent, if that is the last they said of it; another question than this.
pub fn refused_at(reader: &Reader, record: &EscalationRecord) -> Result<Option<Time>> {
    let Some(key) = action_key(record) else {
        return Ok(None);
    };
    let last = sql::first(
        reader,
        "SELECT outcome IN ('reject', 'cancel'), decided_at FROM decisions
         WHERE endpoint = ?1 AND agent = ?2 AND action_key = ?3 AND undone_at IS NULL AND json_extract(body, '$.decidedBy') = 'me'
           AND NOT (escalation = ?4 AND version = ?5 AND edition = ?6)
         ORDER BY decided_at DESC LIMIT 1",
        params![
            record.agent.endpoint.as_str(),
            record.agent.agent.as_str(),
            key,
            record.value.id.as_str(),
            record.value.version,
            record.edition
        ],
        |row| Ok((row.get::<_, bool>(0)?, sql::time(row.get(1)?))),
    )?;
    Ok(last.filter(|(refused, _)| *refused).map(|(_, at)| at))
}

/// The question waits again.
pub(crate) fn reopen(tx: &Tx<'_>, decision: &Decision) -> Result<()> {
    if let Some(question) = escalations::answered(tx, decision)? {
        escalations::shift(
            tx,
            &question,
            EscalationPhase::Answered,
            EscalationPhase::Pending,
        )?;
    }
    Ok(())
}

/// Moves a delivery on. A final state is never left, and each change is in the audit.
pub fn deliver(tx: &Tx<'_>, now: Time, id: &DecisionId, delivery: &Delivery) -> Result<()> {
    let Some(decision) = get(tx, id)? else {
        return Ok(());
    };
    if decision.delivery.state.is_final() {
        return Ok(());
    }
    sql::run(
        tx,
        "UPDATE decisions SET state = ?2, attempts = ?3, next_attempt_at = ?4, detail = ?5, recorded_outcome = ?6, changed_at = ?7
         WHERE id = ?1 AND undone_at IS NULL",
        params![
            id.as_str(),
            sql::word(&delivery.state)?,
            delivery.attempts,
            delivery.next_attempt_at.map(sql::micros),
            delivery.detail,
            delivery.recorded_outcome,
            sql::micros(delivery.changed_at)
        ],
    )?;
    let (before, after) = (&decision.delivery, audited::stands(delivery));
    if after != audited::stands(before) {
        audit_entry(tx, now, "delivery", &decision, after)?;
    }
    Ok(())
}

const FIELDS: &str = "id, endpoint, escalation, version, binding_hash, outcome, body, decided_at, held_until, considered, shown_ms,
    state, attempts, next_attempt_at, detail, recorded_outcome, changed_at, agent, edition, shown, action_key, class, origin,
    altered, altered_at, altered_seen_at, repeats, asked_again_at";

fn read(row: &Row<'_>) -> Result<Decision> {
    Ok(Decision {
        id: row.get::<_, String>(0)?.into(),
        endpoint: row.get::<_, String>(1)?.into(),
        escalation: row.get::<_, String>(2)?.into(),
        version: row.get(3)?,
        binding_hash: row.get(4)?,
        outcome: sql::from_word(&row.get::<_, String>(5)?)?,
        body: row.get(6)?,
        decided_at: sql::time(row.get(7)?),
        held_until: sql::time(row.get(8)?),
        considered: row.get(9)?,
        shown_ms: row.get::<_, i64>(10)? as u64,
        delivery: Delivery {
            state: sql::from_word(&row.get::<_, String>(11)?)?,
            attempts: row.get(12)?,
            next_attempt_at: row.get::<_, Option<i64>>(13)?.map(sql::time),
            detail: row.get(14)?,
            recorded_outcome: row.get(15)?,
            changed_at: sql::time(row.get(16)?),
        },
        agent: row.get::<_, String>(17)?.into(),
        edition: row.get(18)?,
        shown: row.get(19)?,
        action_key: row.get(20)?,
        class: sql::from_word(&row.get::<_, String>(21)?)?,
        origin: row.get(22)?,
        altered: match row.get::<_, Option<String>>(23)? {
            Some(raw) => Some(Altered {
                raw,
                at: sql::time(row.get(24)?),
                seen_at: row.get::<_, Option<i64>>(25)?.map(sql::time),
            }),
            None => None,
        },
        repeats: row.get::<_, Option<String>>(26)?.map(Into::into),
        asked_again_at: row.get::<_, Option<i64>>(27)?.map(sql::time),
    })
}

/// One decision, also one that was undone; and whether it was. Every value is read from the row, none from an index.
pub(crate) fn kept(reader: &Reader, id: &str) -> Result<Option<(Decision, bool)>> {
    let query = format!(
        "SELECT {FIELDS}, undone_at FROM decisions WHERE rowid = (SELECT rowid FROM decisions WHERE id = ?1)"
    );
    sql::first(reader, &query, [id], |row| {
        Ok((
            read(row)?,
            row.get::<_, Option<i64>>("undone_at")?.is_some(),
        ))
    })
}

/// One decision that was not undone.
pub fn get(reader: &Reader, id: &DecisionId) -> Result<Option<Decision>> {
    let query = format!("SELECT {FIELDS} FROM decisions WHERE id = ?1 AND undone_at IS NULL");
    sql::first(reader, &query, [id.as_str()], read)
}

/// The decision that stands for a question (of any version), the latest first.
pub fn of_escalation(
    reader: &Reader,
    endpoint: &EndpointId,
    escalation: &EscalationId,
) -> Result<Option<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions WHERE endpoint = ?1 AND escalation = ?2 AND undone_at IS NULL ORDER BY decided_at DESC, id DESC LIMIT 1"
    );
    sql::first(
        reader,
        &query,
        [endpoint.as_str(), escalation.as_str()],
        read,
    )
}

/// The outbox: everything that is not final, oldest first.
pub fn outbox(reader: &Reader) -> Result<Vec<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions WHERE undone_at IS NULL AND state IN ('held', 'queued', 'sending', 'sent') ORDER BY decided_at"
    );
    sql::all(reader, &query, [], read)
}

/// The last ones, newest first.
pub fn latest(reader: &Reader, limit: u32) -> Result<Vec<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions WHERE undone_at IS NULL ORDER BY decided_at DESC LIMIT ?1"
    );
    sql::all(reader, &query, [limit], read)
}

/// Those made at or after a time, newest first.
pub fn since(reader: &Reader, from: Time) -> Result<Vec<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions WHERE decided_at >= ?1 AND undone_at IS NULL ORDER BY decided_at DESC"
    );
    sql::all(reader, &query, [sql::micros(from)], read)
}

/// Those of a stretch of time, newest first, at most `limit`.
pub fn between(reader: &Reader, from: Time, to: Time, limit: u32) -> Result<Vec<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions WHERE decided_at >= ?1 AND decided_at < ?2 AND undone_at IS NULL ORDER BY decided_at DESC LIMIT ?3"
    );
    let times = params![sql::micros(from), sql::micros(to), limit];
    sql::all(reader, &query, times, read)
}

/// The newest one that can still be taken back.
pub fn undoable(reader: &Reader, now: Time) -> Result<Option<Decision>> {
    let query = format!(
        "SELECT {FIELDS} FROM decisions WHERE state = '{}' AND undone_at IS NULL AND held_until > ?1 ORDER BY decided_at DESC LIMIT 1",
        sql::word(&DeliveryState::Held)?
    );
    sql::first(reader, &query, [sql::micros(now)], read)
}

//! Decisions of the person and their deliveries: the row is the outbox entry too, so one never stands without the
//! other. Recording one checks, in the same transaction, that the question still waits, in the version and with the
//! bytes that were shown.

use domain::{
    change::{EscalationPhase, EscalationRecord},
    decision::{Decision, Delivery, DeliveryState, Overtaking},
    ids::{DecisionId, EndpointId, EscalationId},
    time::Time,
};
use rusqlite::{Row, params};
use serde_json::{Value, json};

use crate::{
    Reader, Result, Tx, sql,
    tables::{audit, escalations},
};

/// What became of an attempt to record a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It stands, and its delivery with it.
    Yes,
    /// No such question.
    Gone,
    /// It does not wait any more.
    Settled(EscalationPhase),
    /// The question has changed since it was shown: other version or other bytes.
    Changed,
    /// Its hard deadline has passed.
    Late,
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
        return Ok(Recorded::Settled(question.phase));
    }
    if question.value.version != decision.version || binding(&question) != decision.binding_hash {
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
        "INSERT INTO decisions (id, endpoint, escalation, version, binding_hash, outcome, body, decided_at, held_until,
             considered, shown_ms, state, attempts, next_attempt_at, detail, recorded_outcome, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        params![
            decision.id.as_str(),
            decision.endpoint.as_str(),
            decision.escalation.as_str(),
            decision.version,
            decision.binding_hash,
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
            sql::micros(delivery.changed_at)
        ],
    )?;
    let detail = json!({
        "outcome": decision.outcome,
        "version": decision.version,
        "bindingHash": decision.binding_hash,
        "body": decision.body,
        "considered": decision.considered,
    });
    audit_entry(tx, now, "decided", decision, detail)?;
    Ok(Recorded::Yes)
}

fn audit_entry(
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

/// Takes a decision back while it is held: the question waits again. False when it was too late for that.
pub fn undo(tx: &Tx<'_>, now: Time, id: &DecisionId) -> Result<bool> {
    take_back(tx, now, id, "held_until > ?2", "undone", json!({}))
}

/// Takes a decision back that has not left, because another agent has acted on the same thing: the question waits again.
pub fn hold_up(tx: &Tx<'_>, now: Time, id: &DecisionId, done: &Overtaking) -> Result<bool> {
    let detail = json!({ "act": done.act, "agent": done.agent.agent, "resource": done.resource });
    take_back(tx, now, id, "TRUE", "held-up", detail)
}

fn take_back(
    tx: &Tx<'_>,
    now: Time,
    id: &DecisionId,
    still: &str,
    kind: &str,
    detail: Value,
) -> Result<bool> {
    let Some(decision) = get(tx, id)? else {
        return Ok(false);
    };
    let undone = sql::run(
        tx,
        &format!(
            "UPDATE decisions SET undone_at = ?2, changed_at = ?2 WHERE id = ?1 AND state = 'held' AND {still} AND undone_at IS NULL"
        ),
        params![id.as_str(), sql::micros(now)],
    )?;
    if undone == 0 {
        return Ok(false);
    }
    reopen(tx, &decision)?;
    audit_entry(tx, now, kind, &decision, detail)?;
    Ok(true)
}

fn reopen(tx: &Tx<'_>, decision: &Decision) -> Result<()> {
    let question = escalations::version(
        tx,
        &decision.endpoint,
        &decision.escalation,
        &decision.version,
    )?;
    if let Some(question) = question {
        escalations::shift(
            tx,
            &question,
            EscalationPhase::Answered,
            EscalationPhase::Pending,
        )?;
    }
    Ok(())
}

/// Moves a delivery on. A final state is never left, and each change of state is in the audit.
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
    if delivery.state != decision.delivery.state {
        let detail = json!({
            "state": delivery.state,
            "attempts": delivery.attempts,
            "detail": delivery.detail,
            "recordedOutcome": delivery.recorded_outcome,
        });
        audit_entry(tx, now, "delivery", &decision, detail)?;
    }
    Ok(())
}

const FIELDS: &str = "id, endpoint, escalation, version, binding_hash, outcome, body, decided_at, held_until, considered, shown_ms,
    state, attempts, next_attempt_at, detail, recorded_outcome, changed_at";

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
        "SELECT {FIELDS} FROM decisions WHERE endpoint = ?1 AND escalation = ?2 AND undone_at IS NULL ORDER BY decided_at DESC LIMIT 1"
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

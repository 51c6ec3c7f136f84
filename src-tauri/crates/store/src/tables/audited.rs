//! Whether what is stored as decided is what was decided: each row of `decisions` against its entries in the audit.
//!
//! The row is what is sent and shown, the entry is what cannot be changed unnoticed; they are written together and say the
//! same. When a decision was tried again is in neither: that may be told by the row alone.

use std::collections::BTreeMap;

use domain::{
    decision::{Decision, Delivery, DeliveryState},
    ids::{DecisionId, EndpointId, EscalationId},
    time::Time,
};
use rusqlite::params;
use serde_json::{Map, Value, json};

use crate::{
    Reader, Result, Tx, sql,
    tables::{
        audit::{self, Raw, Verdict},
        decisions,
    },
};

/// Member of entries with which a decision was taken back.
pub(crate) const TAKEN_BACK: &str = "takenBack";
/// The words of such entries before they had that member.
const TAKEN_BACK_BEFORE: [&str; 2] = ["undone", "held-up"];
/// The audit's word for a decision that is not what was decided and therefore never leaves.
const STOPPED: &str = "stopped";
/// In every entry ever written; what stands in newer ones only is compared where it stands.
const ALWAYS: [&str; 6] = [
    "decision",
    "outcome",
    "version",
    "bindingHash",
    "body",
    "considered",
];

/// How a stored decision stands to the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// It is what was decided.
    Same,
    /// There is no entry in which it was decided.
    Unrecorded,
    /// This member is not what was decided.
    Differs(String),
    /// Its entry, or one after it, does not fit the chain.
    Broken,
}

/// What of a decision is compared; its entry holds the same members. One more to compare is one more line here.
fn members(decision: &Decision) -> [(&'static str, Value); 18] {
    [
        ("decision", decision.id.as_str().into()),
        ("endpoint", decision.endpoint.as_str().into()),
        ("escalation", decision.escalation.as_str().into()),
        ("version", decision.version.as_str().into()),
        ("outcome", json!(decision.outcome)),
        ("bindingHash", decision.binding_hash.as_str().into()),
        ("body", decision.body.as_str().into()),
        ("considered", decision.considered.into()),
        ("decidedAt", sql::micros(decision.decided_at).into()),
        ("heldUntil", sql::micros(decision.held_until).into()),
        ("shownMs", decision.shown_ms.into()),
        ("agent", decision.agent.as_str().into()),
        ("edition", decision.edition.into()),
        ("shown", decision.shown.as_str().into()),
        ("actionKey", decision.action_key.as_deref().into()),
        ("class", json!(decision.class)),
        ("origin", decision.origin.as_deref().into()),
        (
            "repeats",
            decision.repeats.as_ref().map(|id| id.as_str()).into(),
        ),
    ]
}

/// What of a delivery stands in the audit, after each of its steps.
pub(crate) fn stands(delivery: &Delivery) -> Value {
    json!({
        "state": delivery.state,
        "attempts": delivery.attempts,
        "detail": delivery.detail,
        "recordedOutcome": delivery.recorded_outcome,
    })
}

/// The detail of the entry in which it is decided.
pub(crate) fn said(decision: &Decision) -> Result<Value> {
    let mut detail = stands(&decision.delivery);
    for (name, value) in members(decision) {
        detail[name] = value;
    }
    Ok(detail)
}

/// The member of a decision that is not what its entry says.
fn difference(
    entry: &Map<String, Value>,
    subject: &str,
    decision: &Decision,
) -> Option<&'static str> {
    let is_about = |(endpoint, escalation): (&str, &str)| {
        endpoint == decision.endpoint.as_str() && escalation == decision.escalation.as_str()
    };
    if !subject
        .match_indices('/')
        .any(|(at, _)| is_about((&subject[..at], &subject[at + 1..])))
    {
        return Some("escalation");
    }
    let differs = |(name, value): &(&'static str, Value)| match entry.get(*name) {
        Some(said) => said != value,
        None => ALWAYS.contains(name),
    };
    members(decision)
        .into_iter()
        .find(differs)
        .map(|(name, _)| name)
}

/// A decision that later entries may still be about.
struct Open {
    seq: i64,
    delivery: Delivery,
    is_undone: bool,
    undone: bool,
    agrees: bool,
}

impl Open {
    /// A delivery is where its last entry says. More attempts than there are only cost a look before the next one.
    fn stands(&mut self, entry: &Map<String, Value>) {
        let right = stands(&self.delivery);
        let same = |name: &str| entry.get(name) == right.get(name);
        let attempts = entry.get("attempts").and_then(Value::as_u64);
        self.agrees = ["state", "detail", "recordedOutcome"].into_iter().all(same)
            && attempts.is_some_and(|made| u64::from(self.delivery.attempts) >= made);
    }

    fn is_right(&self) -> bool {
        self.is_undone == self.undone && self.agrees
    }
}

/// Reads along in the chain and compares what is stored.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Where it stands in the chain.
    pub(crate) at: i64,
    open: BTreeMap<String, Open>,
    decided: i64,
    found: Option<(i64, &'static str)>,
}

impl Ledger {
    /// One entry.
    pub(crate) fn take(&mut self, reader: &Reader, entry: &Raw<'_>) -> Result<()> {
        self.at = entry.seq;
        let takes_back = TAKEN_BACK_BEFORE.contains(&entry.kind)
            || entry.kind == STOPPED
            || entry.detail.contains(r#""takenBack":true"#);
        if !takes_back && !matches!(entry.kind, "decided" | "delivery") {
            return Ok(());
        }
        let Ok(detail) = serde_json::from_str::<Map<String, Value>>(entry.detail) else {
            return Ok(());
        };
        let Some(id) = detail.get("decision").and_then(Value::as_str) else {
            return Ok(());
        };
        if entry.kind == "decided" {
            return self.decided(reader, entry, id, &detail);
        }
        let Some(open) = self.open.get_mut(id) else {
            return Ok(());
        };
        open.undone |= takes_back;
        if detail.contains_key("state") {
            open.stands(&detail);
        }
        if open.is_right() && (open.undone || open.delivery.state.is_final()) {
            self.open.remove(id);
        }
        Ok(())
    }

    fn decided(
        &mut self,
        reader: &Reader,
        entry: &Raw<'_>,
        id: &str,
        detail: &Map<String, Value>,
    ) -> Result<()> {
        self.decided += 1;
        let kept = match decisions::kept(reader, id) {
            Err(error) if error.is_damage() => return Err(error),
            // Not even a decision any more.
            Err(_) | Ok(None) => None,
            Ok(kept) => kept,
        };
        let Some((decision, is_undone)) = kept else {
            self.found.get_or_insert((entry.seq, "all of it"));
            return Ok(());
        };
        if let Some(member) = difference(detail, entry.subject, &decision) {
            self.found.get_or_insert((entry.seq, member));
        }
        let mut open = Open {
            seq: entry.seq,
            is_undone,
            undone: false,
            agrees: matches!(
                decision.delivery.state,
                DeliveryState::Held | DeliveryState::Queued
            ),
            delivery: decision.delivery,
        };
        if detail.contains_key("state") {
            open.stands(detail);
        }
        self.open.insert(id.to_owned(), open);
        Ok(())
    }

    /// The first thing that is not as it was decided.
    fn first(&self) -> Option<(i64, &'static str)> {
        let wrong = self.open.values().filter(|open| !open.is_right());
        let wrong = wrong.map(|open| match open.is_undone == open.undone {
            true => (open.seq, "where it stands"),
            false => (open.seq, "whether it was taken back"),
        });
        wrong.chain(self.found).min()
    }

    /// After the last entry.
    pub(crate) fn close(self, reader: &Reader, last: i64) -> Result<Option<Verdict>> {
        if let Some((seq, _)) = self.first() {
            return Ok(Some(Verdict::Decision(seq)));
        }
        let stored = sql::number(reader, "SELECT count(*) FROM decisions NOT INDEXED", [])?;
        Ok((stored != self.decided).then_some(Verdict::Unrecorded(last + 1)))
    }
}

/// Whether a decision may leave: it is stored as it was decided, its entries fit the chain from there to its end, and it is
/// what is about to be sent.
pub fn check(reader: &Reader, decision: &Decision) -> Result<Agreement> {
    let id = decision.id.as_str();
    let mut ledger = Ledger::default();
    let subject = format!("{}/{}", decision.endpoint, decision.escalation);
    let entries = audit::of_subject(reader, &subject)?;
    let own = |entry: &&audit::Entry| entry.detail.contains(id);
    for entry in entries.iter().filter(own) {
        ledger.take(reader, &entry.raw())?;
    }
    let Some(first) = ledger.open.get(id).map(|open| open.seq) else {
        return Ok(match (ledger.found, ledger.decided) {
            (Some((_, member)), _) => Agreement::Differs(member.to_owned()),
            (None, 0) => Agreement::Unrecorded,
            (None, _) => Agreement::Differs("where it stands".to_owned()),
        });
    };
    if let Some((_, member)) = ledger.first() {
        return Ok(Agreement::Differs(member.to_owned()));
    }
    let Some((stored, is_undone)) = decisions::kept(reader, id)? else {
        return Ok(Agreement::Unrecorded);
    };
    if is_undone {
        return Ok(Agreement::Differs("whether it was taken back".to_owned()));
    }
    let (stored, sent) = (members(&stored), members(decision));
    if let Some(((name, _), _)) = stored
        .iter()
        .zip(&sent)
        .find(|(stored, sent)| stored != sent)
    {
        return Ok(Agreement::Differs((*name).to_owned()));
    }
    Ok(match audit::walk(reader, first, |_| Ok(()))? {
        Ok(_) => Agreement::Same,
        Err(_) => Agreement::Broken,
    })
}

/// A decision with what its entry says of its question and of the answer: where it is not the row that is right, it is the
/// entry.
pub fn as_decided(reader: &Reader, decision: &Decision) -> Result<Decision> {
    let id = decision.id.as_str();
    let mut asked = decision.clone();
    audit::each(reader, |entry| {
        if entry.kind == "decided"
            && entry.detail.contains(id)
            && let Ok(detail) = serde_json::from_str::<Value>(&entry.detail)
            && detail["decision"] == id
            && let Some((endpoint, escalation)) = entry.subject.split_once('/')
        {
            let word = |name: &str, or: &str| detail[name].as_str().unwrap_or(or).to_owned();
            asked.endpoint = word("endpoint", endpoint).into();
            asked.escalation = word("escalation", escalation).into();
            asked.version = word("version", &asked.version);
            asked.considered = detail["considered"].as_bool().unwrap_or(asked.considered);
            if let Ok(outcome) = serde_json::from_value(detail["outcome"].clone()) {
                asked.outcome = outcome;
            }
        }
        Ok(())
    })?;
    Ok(asked)
}

/// Takes a decision that does not agree with the audit out of the way for good: it is never sent, and its question waits
/// again. The row stays as it was found but for that.
pub fn stop(tx: &Tx<'_>, now: Time, decision: &Decision, found: &Agreement) -> Result<()> {
    let id = decision.id.as_str();
    sql::run(
        tx,
        "UPDATE decisions SET state = 'changed', next_attempt_at = NULL, undone_at = ?2, changed_at = ?2 WHERE id = ?1",
        params![id, sql::micros(now)],
    )?;
    let stored = decisions::kept(tx, id)?.map(|(stored, _)| stored);
    let asked = as_decided(tx, decision)?;
    for decision in [&asked, decision] {
        let other = decisions::of_escalation(tx, &decision.endpoint, &decision.escalation)?;
        if other.is_none_or(|other| other.version != decision.version) {
            decisions::reopen(tx, decision)?;
        }
    }
    let why = match found {
        Agreement::Differs(member) => member.as_str(),
        Agreement::Unrecorded => "unrecorded",
        Agreement::Broken | Agreement::Same => "broken",
    };
    let mut detail = stands(&stored.as_ref().unwrap_or(decision).delivery);
    for (name, value) in [
        ("endpoint", json!(asked.endpoint)),
        ("escalation", json!(asked.escalation)),
        ("version", json!(asked.version)),
        ("why", json!(why)),
        (TAKEN_BACK, json!(true)),
    ] {
        detail[name] = value;
    }
    decisions::audit_entry(tx, now, STOPPED, &asked, detail)
}

/// A decision that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// When.
    pub at: Time,
    /// Which.
    pub decision: DecisionId,
    /// The endpoint of its question.
    pub endpoint: EndpointId,
    /// The question.
    pub escalation: EscalationId,
}

/// Those that were stopped since a time and whose question was not answered after that, newest first.
pub fn stopped(reader: &Reader, from: Time) -> Result<Vec<Stop>> {
    let stops = sql::all(
        reader,
        "SELECT at, detail FROM audit WHERE kind = 'stopped' AND at >= ?1 ORDER BY at DESC",
        [sql::micros(from)],
        |row| {
            let detail: Value = serde_json::from_str(&row.get::<_, String>(1)?)?;
            let word = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
            Ok(Stop {
                at: sql::time(row.get(0)?),
                decision: word("decision").into(),
                endpoint: word("endpoint").into(),
                escalation: word("escalation").into(),
            })
        },
    )?;
    let mut open = vec![];
    for stop in stops {
        let answer = decisions::of_escalation(reader, &stop.endpoint, &stop.escalation)?;
        if answer.is_none_or(|answer| answer.decided_at < stop.at) {
            open.push(stop);
        }
    }
    Ok(open)
}

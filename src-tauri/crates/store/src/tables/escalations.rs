//! Questions of agents, one row for each version of a question, and for each edition of its bytes. An answered one stays
//! as it was answered while its decision stands, whatever is said under its id afterwards.

use domain::{
    change::{EscalationPhase, EscalationRecord},
    contract::{Escalation, EscalationStatus},
    decision::{Decision, asks_the_same, same_question},
    ids::{AgentRef, EndpointId, EscalationId},
    time::Time,
};
use rusqlite::{Row, params};

use crate::{
    Reader, Result, Tx, sql,
    tables::{decisions, tasks},
};

/// New, different or settled. What has expired by its deadline stays expired until it has another one, whatever its agent
/// says. A new version that waits replaces earlier ones that waited. What was answered stays as it was
/// answered: other bytes that wait under its version stand beside it, as another edition.
pub fn put(tx: &Tx<'_>, record: &EscalationRecord) -> Result<()> {
    let endpoint = record.agent.endpoint.as_str();
    let id = record.value.id.as_str();
    let version = record.value.version.as_str();
    let waits = record.value.status == EscalationStatus::Pending;
    let known = newest(tx, &record.agent.endpoint, &record.value.id, version)?;
    let edition = match &known {
        Some(known) if known.is_answered => {
            // As it was answered, or what became of it. What came back after another version had ended its answer is asked anew.
            let settled = !waits && same_question(&known.record, record);
            let same = waits && known.is_open && !known.is_over && known.record.raw == record.raw;
            if settled || same {
                return sql::run(
                    tx,
                    "UPDATE escalations SET status = ?5, due_at = ?6, fallback = ?7, line = ?8
                     WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND edition = ?4",
                    params![
                        endpoint,
                        id,
                        version,
                        known.record.edition,
                        sql::word(&record.value.status)?,
                        sql::micros(record.due_at),
                        record.fallback,
                        record.line as i64
                    ],
                )
                .map(drop);
            }
            known.record.edition + 1
        }
        Some(known) => known.record.edition,
        None => 0,
    };
    let repeated = match &known {
        Some(known) if edition > known.record.edition && waits => asked_again(tx, known, record)?,
        _ => None,
    };
    match repeated {
        Some(decision) => decisions::asked_again(tx, said_at(tx, record)?, &decision)?,
        None => decisions::altered(tx, record)?,
    }
    if let Some(known) = known.filter(|known| edition > 0 && known.record.edition == edition) {
        decisions::altered_again(tx, &known.record, record)?;
    }
    let mut phase = record.phase;
    if edition > 0 {
        // What was answered is not what the agent asks any more.
        sql::run(
            tx,
            "UPDATE escalations SET status = 'withdrawn'
             WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND edition < ?4 AND status = 'pending'",
            params![endpoint, id, version, edition],
        )?;
        if !waits && phase == EscalationPhase::Answered {
            phase = EscalationPhase::Withdrawn;
        }
    }
    let task = record.value.task_id.as_ref().map(|task| task.as_str());
    sql::run(
        tx,
        "INSERT INTO escalations (endpoint, escalation, version, edition, agent, task, phase, status, created_at, due_at, expires_at,
             fallback, line, value, raw, action_raw)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (endpoint, escalation, version, edition) DO UPDATE SET agent = excluded.agent, task = excluded.task,
             phase = CASE
                 WHEN phase = 'expired' AND status = 'pending' AND excluded.phase = 'pending'
                     AND expires_at IS excluded.expires_at THEN phase
                 ELSE excluded.phase END,
             status = excluded.status,
             created_at = excluded.created_at, due_at = excluded.due_at, expires_at = excluded.expires_at, fallback = excluded.fallback,
             line = excluded.line, value = excluded.value, raw = excluded.raw, action_raw = excluded.action_raw",
        params![
            endpoint,
            id,
            version,
            edition,
            record.agent.agent.as_str(),
            task,
            sql::word(&phase)?,
            sql::word(&record.value.status)?,
            sql::micros(record.created_at),
            sql::micros(record.due_at),
            record.value.expires_at.map(sql::micros),
            record.fallback,
            record.line as i64,
            serde_json::to_string(&record.value)?,
            &*record.raw,
            record.action_raw.as_deref()
        ],
    )?;
    if record.phase == EscalationPhase::Pending {
        sql::run(
            tx,
            "UPDATE escalations SET phase = 'superseded' WHERE endpoint = ?1 AND escalation = ?2 AND version <> ?3 AND phase = 'pending'",
            params![endpoint, id, version],
        )?;
    }
    place(tx, endpoint, task)
}

/// The answer to it that had left, when the agent asks the same again.
fn asked_again(tx: &Tx<'_>, known: &Newest, record: &EscalationRecord) -> Result<Option<Decision>> {
    let decision = decisions::of_edition(tx, &known.record)?;
    Ok(decision.filter(|decision| {
        decision.delivery.attempts > 0 && asks_the_same(&decision.shown, &record.raw)
    }))
}

/// When the line came that carries it.
fn said_at(tx: &Tx<'_>, record: &EscalationRecord) -> Result<Time> {
    let row = i64::try_from(record.line).unwrap_or_default() - 1;
    let at = sql::first(tx, "SELECT at FROM facts WHERE seq = ?1", [row], |row| {
        Ok(row.get::<_, i64>(0)?)
    })?;
    Ok(at.map_or(record.created_at, sql::time))
}

/// The same bytes wait for the person once more, beside what was answered.
pub fn ask_again(tx: &Tx<'_>, at: Time, decision: &Decision) -> Result<()> {
    let Some(answered) = answered(tx, decision)? else {
        return Ok(());
    };
    let key = params![
        decision.endpoint.as_str(),
        decision.escalation.as_str(),
        decision.version,
        decision.edition
    ];
    sql::run(
        tx,
        "INSERT INTO escalations (endpoint, escalation, version, edition, agent, task, phase, status, created_at, due_at, expires_at,
             fallback, line, value, raw, action_raw)
         SELECT endpoint, escalation, version, edition + 1, agent, task, 'pending', status, created_at, due_at, expires_at,
             fallback, line, value, raw, action_raw
         FROM escalations WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND edition = ?4",
        key,
    )?;
    sql::run(
        tx,
        "UPDATE escalations SET status = 'withdrawn' WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND edition = ?4",
        key,
    )?;
    decisions::asked_again(tx, at, decision)?;
    let task = answered.value.task_id.as_ref().map(|task| task.as_str());
    place(tx, decision.endpoint.as_str(), task)
}

/// Answered, and still asked as far as their agents have told.
pub(crate) fn listed_on(reader: &Reader) -> Result<Vec<(EndpointId, EscalationId)>> {
    sql::all(
        reader,
        "SELECT DISTINCT endpoint, escalation FROM escalations WHERE phase = 'answered' AND status = 'pending'
         ORDER BY endpoint, escalation",
        [],
        |row| {
            let (endpoint, escalation): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((endpoint.into(), escalation.into()))
        },
    )
}

/// The newest edition of a version.
struct Newest {
    record: EscalationRecord,
    /// A decision stands for it.
    is_answered: bool,
    /// The agent still asks it, as far as it has told.
    is_open: bool,
    /// The decision that stands for it never left, because the agent asked something else.
    is_over: bool,
}

fn newest(
    tx: &Tx<'_>,
    endpoint: &EndpointId,
    id: &EscalationId,
    version: &str,
) -> Result<Option<Newest>> {
    let decided = "SELECT 1 FROM decisions d WHERE d.undone_at IS NULL AND d.endpoint = escalations.endpoint
                 AND d.escalation = escalations.escalation AND d.version = escalations.version AND d.edition = escalations.edition";
    let query = format!(
        "SELECT {FIELDS}, EXISTS ({decided}) AS is_answered,
             EXISTS ({decided} AND d.state = 'changed' AND d.attempts = 0) AS is_over
         FROM escalations WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 ORDER BY edition DESC LIMIT 1"
    );
    sql::first(
        tx,
        &query,
        [endpoint.as_str(), id.as_str(), version],
        |row| {
            let record = read(row)?;
            Ok(Newest {
                is_answered: record.phase == EscalationPhase::Answered && row.get("is_answered")?,
                is_open: record.value.status == EscalationStatus::Pending,
                is_over: row.get("is_over")?,
                record,
            })
        },
    )
}

fn place(tx: &Tx<'_>, endpoint: &str, task: Option<&str>) -> Result<()> {
    match task {
        Some(task) => tasks::place(tx, endpoint, task),
        None => Ok(()),
    }
}

/// Moves one edition of a question to another phase, if it is in the expected one. Says whether it was.
pub(crate) fn shift(
    tx: &Tx<'_>,
    record: &EscalationRecord,
    from: EscalationPhase,
    to: EscalationPhase,
) -> Result<bool> {
    let endpoint = record.agent.endpoint.as_str();
    let changed = sql::run(
        tx,
        "UPDATE escalations SET phase = ?5
         WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND edition = ?6 AND phase = ?4",
        params![
            endpoint,
            record.value.id.as_str(),
            record.value.version,
            sql::word(&from)?,
            sql::word(&to)?,
            record.edition
        ],
    )?;
    place(
        tx,
        endpoint,
        record.value.task_id.as_ref().map(|task| task.as_str()),
    )?;
    Ok(changed == 1)
}

const FIELDS: &str = "endpoint, agent, phase, created_at, due_at, fallback, line, value, raw, action_raw, edition, status";

/// An answered item stays as it was answered; whether the agent has settled it since stands beside it.
fn read(row: &Row<'_>) -> Result<EscalationRecord> {
    let mut value: Escalation = serde_json::from_str(&row.get::<_, String>(7)?)?;
    value.status = sql::from_word(&row.get::<_, String>(11)?)?;
    Ok(EscalationRecord {
        agent: AgentRef {
            endpoint: row.get::<_, String>(0)?.into(),
            agent: row.get::<_, String>(1)?.into(),
        },
        phase: sql::from_word(&row.get::<_, String>(2)?)?,
        created_at: sql::time(row.get(3)?),
        due_at: sql::time(row.get(4)?),
        fallback: row.get(5)?,
        line: row.get::<_, i64>(6)? as u64,
        value,
        raw: row.get::<_, String>(8)?.into(),
        action_raw: row.get::<_, Option<String>>(9)?.map(Into::into),
        edition: row.get(10)?,
    })
}

/// The one that counts: the one that waits, else the one heard last.
pub fn get(
    reader: &Reader,
    endpoint: &EndpointId,
    id: &EscalationId,
) -> Result<Option<EscalationRecord>> {
    let query = format!(
        "SELECT {FIELDS} FROM escalations WHERE endpoint = ?1 AND escalation = ?2
         ORDER BY phase = 'superseded', line DESC, edition DESC, rowid DESC LIMIT 1"
    );
    sql::first(reader, &query, [endpoint.as_str(), id.as_str()], read)
}

/// What a decision answered.
pub fn answered(reader: &Reader, decision: &Decision) -> Result<Option<EscalationRecord>> {
    let query = format!(
        "SELECT {FIELDS} FROM escalations WHERE endpoint = ?1 AND escalation = ?2 AND version = ?3 AND edition = ?4"
    );
    let key = params![
        decision.endpoint.as_str(),
        decision.escalation.as_str(),
        decision.version,
        decision.edition
    ];
    sql::first(reader, &query, key, read)
}

/// What waits for the person, first due first.
pub fn pending(reader: &Reader) -> Result<Vec<EscalationRecord>> {
    let query = format!(
        "SELECT {FIELDS} FROM escalations WHERE phase = 'pending' ORDER BY due_at, endpoint, escalation"
    );
    sql::all(reader, &query, [], read)
}

/// What an endpoint still asks as far as it has told, answered by the person or not: the items as they came, newest first.
pub fn open(reader: &Reader, endpoint: &EndpointId, limit: u32) -> Result<Vec<Box<str>>> {
    sql::all(
        reader,
        "SELECT raw FROM escalations WHERE endpoint = ?1 AND phase <> 'superseded' AND status = 'pending'
         ORDER BY rowid DESC LIMIT ?2",
        params![endpoint.as_str(), limit],
        |row| Ok(row.get::<_, String>(0)?.into()),
    )
}

/// How many wait for the person.
pub fn count_pending(reader: &Reader) -> Result<u32> {
    let count = sql::number(
        reader,
        "SELECT count(*) FROM escalations WHERE phase = 'pending'",
        [],
    )?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The one that a task waits for.
pub fn of_task(reader: &Reader, endpoint: &str, task: &str) -> Result<Option<EscalationId>> {
    sql::first(
        reader,
        "SELECT escalation FROM escalations WHERE endpoint = ?1 AND task = ?2 AND phase = 'pending' ORDER BY due_at LIMIT 1",
        [endpoint, task],
        |row| Ok(row.get::<_, String>(0)?.into()),
    )
}

/// The next hard deadline of a question that waits.
pub fn next_expiry(reader: &Reader) -> Result<Option<Time>> {
    let next = sql::first(
        reader,
        "SELECT min(expires_at) FROM escalations WHERE phase = 'pending' AND expires_at IS NOT NULL",
        [],
        |row| Ok(row.get::<_, Option<i64>>(0)?),
    )?;
    Ok(next.flatten().map(sql::time))
}

/// Takes hard deadlines at their word: what waits and cannot be accepted any more has expired. Says which.
pub fn expire(tx: &Tx<'_>, now: Time) -> Result<Vec<EscalationRecord>> {
    let query = format!(
        "SELECT {FIELDS} FROM escalations WHERE phase = 'pending' AND expires_at IS NOT NULL AND expires_at <= ?1"
    );
    let late = sql::all(tx, &query, [sql::micros(now)], read)?;
    for record in &late {
        shift(
            tx,
            record,
            EscalationPhase::Pending,
            EscalationPhase::Expired,
        )?;
    }
    Ok(late)
}

/// The audit's word for what was done because nobody answered in time.
pub const LAPSED: &str = "lapsed";

/// Waits, is to be refused when it is due, and was not yet: a refusal that could not leave, because its endpoint had moved or
/// something unreadable stood in the place of its question, was none. While it cannot be read, it is not refused. What the
/// person has answered and is asked again waits for the person: nothing goes out by itself beside an answer that may have counted.
const LAPSES: &str = "phase = 'pending' AND fallback = 'refuse' AND NOT EXISTS (
    SELECT 1 FROM audit WHERE audit.subject = escalations.endpoint || '/' || escalations.escalation AND audit.kind = 'lapsed'
        AND json_extract(audit.detail, '$.version') = escalations.version
        AND NOT EXISTS (SELECT 1 FROM audit back WHERE back.subject = audit.subject AND back.seq > audit.seq
            AND back.kind IN ('moved-away', 'unreadable')))
    AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE dead_letters.endpoint = escalations.endpoint
        AND dead_letters.list = 'escalations' AND dead_letters.item = escalations.escalation AND dead_letters.cleared_at IS NULL)
    AND NOT EXISTS (SELECT 1 FROM decisions WHERE decisions.endpoint = escalations.endpoint
        AND decisions.escalation = escalations.escalation AND decisions.version = escalations.version
        AND decisions.undone_at IS NULL AND decisions.asked_again_at IS NOT NULL)";

/// When the next question is to be refused because nobody answered in time.
pub fn next_lapse(reader: &Reader) -> Result<Option<Time>> {
    let query = format!("SELECT min(due_at) FROM escalations WHERE {LAPSES}");
    let next = sql::first(reader, &query, [], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    Ok(next.flatten().map(sql::time))
}

/// All that are to be refused by now.
pub fn lapsed(reader: &Reader, now: Time) -> Result<Vec<EscalationRecord>> {
    let query = format!(
        "SELECT {FIELDS} FROM escalations WHERE {LAPSES} AND due_at <= ?1 AND (expires_at IS NULL OR expires_at > ?1)
         ORDER BY due_at"
    );
    sql::all(reader, &query, [sql::micros(now)], read)
}

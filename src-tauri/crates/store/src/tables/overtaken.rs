//! What another agent has done meanwhile about the thing that a question is about. Looked up when the question is shown and
//! when it is answered, since an answer may come long after the question.

use domain::{
    change::EscalationRecord,
    decision::{Outcome, Overtaking, act_name},
    ids::AgentRef,
    time::Time,
};
use rusqlite::{Row, params};

use crate::{Reader, Result, sql};

/// The act heard last, `None` while nobody else acted.
///
/// "Meanwhile" is from the first thing that the question's task touched, else from the question on; a reaction to the same
/// event counts whenever it was, since one event is answered once. A write counts, and an approved action that its agent has
/// taken.
pub fn overtaking(reader: &Reader, record: &EscalationRecord) -> Result<Option<Overtaking>> {
    Ok(heard_last(reader, record)?.map(|(done, _)| done))
}

/// The same, if it was told of after that time.
pub fn told_after(
    reader: &Reader,
    record: &EscalationRecord,
    time: Time,
) -> Result<Option<Overtaking>> {
    let Some((done, Some(line))) = heard_last(reader, record)? else {
        return Ok(None);
    };
    let told = sql::first(
        reader,
        "SELECT at FROM facts WHERE seq = ?1 - 1",
        [line],
        |row| Ok(sql::time(row.get(0)?)),
    )?;
    Ok(told.is_some_and(|told| told > time).then_some(done))
}

/// With the line that told of it, where one did.
fn heard_last(
    reader: &Reader,
    record: &EscalationRecord,
) -> Result<Option<(Overtaking, Option<i64>)>> {
    let (endpoint, agent) = (record.agent.endpoint.as_str(), record.agent.agent.as_str());
    let task = record.value.task_id.as_ref().map(|task| task.as_str());
    let action = record.value.proposed_action.as_ref();
    let target = action.and_then(|action| action.target.as_deref());
    let since: Option<i64> = sql::first(
        reader,
        "SELECT min(at) FROM accesses WHERE endpoint = ?1 AND task = ?2",
        params![endpoint, task],
        |row| Ok(row.get(0)?),
    )?
    .flatten();
    let since = since.unwrap_or_else(|| sql::micros(record.created_at));
    let act = |row: &Row<'_>| {
        let done = Overtaking {
            act: act_name(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?),
            agent: AgentRef {
                endpoint: row.get::<_, String>(0)?.into(),
                agent: row.get::<_, String>(2)?.into(),
            },
            resource: row.get(3)?,
            at: sql::time(row.get(4)?),
            same_event: row.get(5)?,
        };
        Ok((done, row.get(6)?))
    };
    // The same event: a write that names it, or a write to an output by a task that took the event from the same trigger.
    let done = sql::first(
        reader,
        "WITH mine AS (SELECT resource, event_id FROM accesses
                       WHERE endpoint = ?1 AND task = ?2 AND mode = 'consume' AND event_id IS NOT NULL),
              acts AS (
                  SELECT a.*, 1 AS same_event FROM accesses a JOIN mine ON a.event_id = mine.event_id WHERE a.mode = 'write'
                  UNION ALL
                  SELECT a.*, 1 FROM mine
                      JOIN accesses took ON took.event_id = mine.event_id AND took.resource = mine.resource AND took.mode = 'consume'
                      JOIN accesses a ON a.endpoint = took.endpoint AND a.task = took.task
                  WHERE a.mode = 'write' AND a.resource LIKE 'output:%'
                  UNION ALL
                  SELECT a.*, 0 FROM accesses a WHERE a.mode = 'write' AND a.resource = ?4 AND a.at >= ?5)
         SELECT endpoint, id, agent, resource, at, same_event, line FROM acts
         WHERE NOT (endpoint = ?1 AND agent = ?3) ORDER BY line DESC, same_event DESC, at DESC, id LIMIT 1",
        params![endpoint, task, agent, target, since],
        act,
    )?;
    if done.is_some() {
        return Ok(done);
    }
    // An agent that reports no accesses is known by what it was allowed to do.
    let allowed = Outcome::ALL.iter().filter(|outcome| outcome.lets_act());
    let allowed = allowed.map(sql::word).collect::<Result<Vec<_>>>()?;
    let query = format!(
        "SELECT d.endpoint, d.id, e.agent, ?3, d.decided_at, 0, NULL FROM decisions d
             JOIN escalations e ON e.endpoint = d.endpoint AND e.escalation = d.escalation AND e.version = d.version AND e.edition = d.edition
         WHERE d.decided_at >= ?4 AND d.undone_at IS NULL AND d.state IN ('sent', 'applied')
           AND d.outcome IN ('{}')
           AND json_extract(e.value, '$.proposedAction.target') = ?3
           AND NOT (d.endpoint = ?1 AND e.agent = ?2)
         ORDER BY d.decided_at DESC, d.id LIMIT 1",
        allowed.join("', '")
    );
    sql::first(reader, &query, params![endpoint, agent, target, since], act)
}

//! How an item ends that a complete snapshot no longer lists (ruling "Merging"): its last account, with the state replaced.
//!
//! One place, so that a difference that spells the ending out and a snapshot that implies it mean the same.

use super::{
    Claim, ClaimState, Escalation, EscalationStatus, Item, Schedule, Task, TaskState, TaskStatus,
    json::{Node, Tree, parse},
    read_state,
};
use crate::time;
use serde_json::json;

/// Lists whose items end when they are no longer listed.
pub(crate) const ENDING: &[&str] = &["tasks", "claims", "escalations", "schedules"];

/// Whether an item of that list, read or not, will end.
pub(crate) fn stays_open(list: &str, item: &Node<'_>) -> bool {
    fn word<'n>(node: Option<&'n Node<'_>>) -> &'n str {
        node.and_then(Node::text).unwrap_or_default()
    }
    match list {
        "tasks" => {
            let status = item.get("status");
            read_state(word(status.and_then(|status| status.get("state")))).is_live()
        }
        "claims" => word(item.get("state")) != "released",
        "escalations" => word(item.get("status")) == "pending",
        "schedules" => item.get("enabled").map(|node| &node.tree) == Some(&Tree::Bool(true)),
        _ => false,
    }
}

/// The bytes of an item of that list, ended. All members but the state are kept as they were written.
pub(crate) fn ended(list: &str, raw: &str) -> String {
    let Ok(item) = parse(raw) else {
        return raw.to_owned();
    };
    match list {
        "tasks" => {
            // The time of the last state is not the time it was lost: an ending carries none.
            let status = item.get("status");
            let message = status.and_then(|status| status.get("message"));
            let message = message.map(|m| format!(",\"message\":{}", m.raw));
            let message = message.unwrap_or_default();
            let status_now = format!("{{\"state\":\"unknown\"{message}}}");
            replaced(&item, status, &status_now)
        }
        "claims" => replaced(&item, item.get("state"), "\"released\""),
        "schedules" => replaced(&item, item.get("enabled"), "false"),
        _ => replaced(&item, item.get("status"), "\"withdrawn\""),
    }
}

fn replaced(item: &Node<'_>, member: Option<&Node<'_>>, with: &str) -> String {
    let Some(member) = member else {
        return item.raw.to_owned();
    };
    // A member's text is a piece of its item's.
    let start = (member.raw.as_ptr() as usize).saturating_sub(item.raw.as_ptr() as usize);
    let before = item.raw.get(..start).unwrap_or_default();
    let after = item.raw.get(start + member.raw.len()..);
    format!("{before}{with}{}", after.unwrap_or_default())
}

/// The task as it reads after its ending.
pub(crate) fn ended_task(value: &Task, raw: &str) -> Item<Task> {
    let mut value = value.clone();
    value.status.state = TaskState::Unknown;
    value.status.native = None;
    value.status.timestamp = None;
    item("tasks", value, raw)
}

/// The task as it was told before, in another state: of all that is said now the state alone.
pub(crate) fn moved_task(value: &Task, raw: &str, to: &TaskStatus) -> Item<Task> {
    let mut value = value.clone();
    value.status = TaskStatus {
        state: to.state,
        native: None,
        message: None,
        timestamp: to.timestamp,
    };
    let mut status = json!({ "state": to.state });
    if let Some(at) = to.timestamp {
        status["timestamp"] = time::format(at).into();
    }
    let raw = match parse(raw) {
        Ok(item) => replaced(&item, item.get("status"), &status.to_string()),
        Err(_) => raw.to_owned(),
    };
    Item {
        value,
        raw: raw.into(),
        pointer: "/tasks".to_owned(),
    }
}

/// The claim as it reads after its ending.
pub(crate) fn ended_claim(value: &Claim, raw: &str) -> Item<Claim> {
    let mut value = value.clone();
    value.state = ClaimState::Released;
    item("claims", value, raw)
}

/// The escalation as it reads after its ending.
pub(crate) fn ended_escalation(value: &Escalation, raw: &str) -> Item<Escalation> {
    let mut value = value.clone();
    value.status = EscalationStatus::Withdrawn;
    item("escalations", value, raw)
}

/// The schedule as it reads after its ending: it starts nothing any more.
pub(crate) fn ended_schedule(value: &Schedule, raw: &str) -> Item<Schedule> {
    let mut value = value.clone();
    value.enabled = false;
    item("schedules", value, raw)
}

fn item<T>(list: &str, value: T, raw: &str) -> Item<T> {
    Item {
        value,
        raw: ended(list, raw).into(),
        pointer: format!("/{list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::read;

    #[test]
    fn an_ending_changes_the_state_and_no_other_byte() {
        let raw = r#"{ "id":"x", "proposedAction" : {"name":"a"},"status" : "pending" ,"n":1.0}"#;
        let over =
            r#"{ "id":"x", "proposedAction" : {"name":"a"},"status" : "withdrawn" ,"n":1.0}"#;
        assert_eq!(ended("escalations", raw), over);
        let raw = r#"{"id":"c","state":"held","resource":"file:a"}"#;
        let over = r#"{"id":"c","state":"released","resource":"file:a"}"#;
        assert_eq!(ended("claims", raw), over);
    }

    #[test]
    fn an_ended_item_reads_as_it_is_written() {
        let body = r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},
            "tasks":[{"id":"t","title":"T","status":{"state":"busy","message":"m","timestamp":"2026-11-01T09:00:00Z"}}],
            "claims":[{"id":"c","resource":"file:a","holderIdentity":"a","mode":"exclusive","state":"held"}],
            "escalations":[{"id":"e","version":"1","kind":"question","title":"T","message":"M",
                "createdAt":"2026-11-01T09:00:00Z","status":"pending"}],
            "schedules":[{"id":"s","resource":"trigger:a","everySeconds":60,"enabled": true }]}"#;
        let before = read(body.as_bytes()).unwrap();
        let task = &before.tasks.as_ref().unwrap()[0];
        let task = ended_task(&task.value, &task.raw);
        let claim = &before.claims.as_ref().unwrap()[0];
        let claim = ended_claim(&claim.value, &claim.raw);
        let escalation = &before.escalations.as_ref().unwrap()[0];
        let escalation = ended_escalation(&escalation.value, &escalation.raw);
        let schedule = &before.schedules.as_ref().unwrap()[0];
        let schedule = ended_schedule(&schedule.value, &schedule.raw);
        let body = format!(
            r#"{{"schemaVersion":"1.0","agent":{{"id":"a","name":"A","status":"online"}},"tasks":[{}],"claims":[{}],"escalations":[{}],"schedules":[{}]}}"#,
            task.raw, claim.raw, escalation.raw, schedule.raw
        );
        let after = read(body.as_bytes()).unwrap();
        assert_eq!(after.tasks.unwrap()[0].value, task.value);
        assert_eq!(after.claims.unwrap()[0].value, claim.value);
        assert_eq!(after.escalations.unwrap()[0].value, escalation.value);
        assert_eq!(after.schedules.unwrap()[0].value, schedule.value);
        assert_eq!(after.problems, []);
    }
}

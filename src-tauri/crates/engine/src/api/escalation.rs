//! One question of an agent, opened: what exactly would happen, drawn from the stored bytes, what it touches, what can
//! be answered and by which gesture. What the agent says of it stands apart, as the agent's words.

use std::collections::BTreeMap;

use domain::{
    change::{EscalationPhase, EscalationRecord},
    contract::{Escalation, EscalationKind, ProposedAction},
    decision::{
        Circumstances, Decision, DeliveryState, LARGEST_ACTION, Outcome, Overtaking, Risk,
        binding_of, bound_bytes, canonical, digest, option_outcome, takes_gesture,
    },
    ids::TaskRef,
    ownership::{Rule, names, pattern},
    text::Place,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use store::{
    Reader, Result,
    tables::{agents, audit, dead_letters, decisions, endpoints, escalations, overtaken, tasks},
};

use super::{
    again, pins,
    routes::Routes,
    settings,
    views::{
        ActionView, AlteredView, DecisionView, DiffLine, EscalationRequest, EscalationView,
        GestureView, HistoryLine, OptionView, OvertakenView, PairView, TaskLink, TouchView,
    },
    wording::{
        Glance, agent_text, agent_text_in, between, escalation_key, outcome, plain, risk, span,
        whereabouts,
    },
};

/// How many waiting tasks are named.
const BLOCKS: u32 = 20;

/// What else is known of a question that waits: what raises its class, and what lowers it.
pub fn circumstances(reader: &Reader, record: &EscalationRecord) -> Result<Circumstances> {
    let action = record.value.proposed_action.as_ref();
    Ok(Circumstances {
        overtaking: overtaken::overtaking(reader, record)?,
        refused_at: decisions::refused_at(reader, record)?,
        reversible: match action {
            Some(action) => {
                settings::deciding(reader)?.is_reversible(&record.agent.endpoint, &action.name)
            }
            None => false,
        },
    })
}

/// The question; `None` when there is none.
pub fn escalation(
    glance: Glance<'_>,
    request: &EscalationRequest,
) -> Result<Option<EscalationView>> {
    let id = request.escalation.as_str().into();
    let Some(record) = escalations::get(glance.reader, &request.endpoint, &id)? else {
        return Ok(None);
    };
    let value = &record.value;
    let name = agents::get(glance.reader, &record.agent)?
        .map_or_else(|| record.agent.agent.to_string(), |agent| agent.card.name);
    let known = match record.phase {
        EscalationPhase::Pending => circumstances(glance.reader, &record)?,
        _ => Circumstances::default(),
    };
    let last = decisions::of_escalation(glance.reader, &record.agent.endpoint, &value.id)?;
    let altered = last
        .as_ref()
        .and_then(|last| altered_view(glance, &record, last));
    let before = again::answered_before(glance.reader, &record)?;
    let decision = last
        .filter(|decision| decision.version == value.version && decision.edition == record.edition);
    let class = match &decision {
        Some(decision) => decision.class,
        None => known.class(value),
    };
    let routes = Routes::read(glance.reader)?;
    let route = routes.question_view(&record, &routes.of_question(&record), glance.now);
    let task = value.task_id.clone().map(|task| TaskRef {
        endpoint: record.agent.endpoint.clone(),
        task,
    });
    let mut blocks = vec![];
    let mut link = None;
    if let Some(task) = task {
        if let Some(row) = tasks::get(glance.reader, &task)? {
            link = Some(TaskLink {
                endpoint: task.endpoint.clone(),
                task: task.task.as_str().to_owned(),
                title: agent_text(&row.record.value.title),
            });
        }
        for row in tasks::blocked_by(glance.reader, &task, BLOCKS)? {
            blocks.push(plain(&row.record.value.title));
        }
    }
    let blocked_reason = blocked(glance, &record)?;
    let impostor = pins::impostors(glance.reader)?(&record.agent);
    let (again, once_more) = before
        .and_then(|last| again::again(&record, &last, class))
        .map_or((None, None), |(view, gesture)| (Some(view), gesture));
    Ok(Some(EscalationView {
        key: escalation_key(record.agent.endpoint.as_str(), value.id.as_str()),
        endpoint: record.agent.endpoint.clone(),
        escalation: value.id.as_str().to_owned(),
        version: value.version.clone(),
        binding_hash: binding_of(&record),
        action_digest: digest(bound_bytes(&record)),
        kind: value.kind,
        phase: record.phase,
        risk: risk(class),
        severity: value.severity,
        agent: record.agent.agent.clone(),
        agent_name: agent_text(&name),
        endpoint_health: super::agents::health_of(glance, &record.agent.endpoint)?,
        heading: heading(value, class, &plain(&name)),
        title: agent_text(&value.title),
        message: agent_text(&value.message),
        effect: effect(value, &plain(&name)),
        reversibility: reversibility(value, class).to_owned(),
        touches: touches(value, &routes.rules.rules),
        blocks,
        rule_broken: broken(&record, &routes.rules.rules, impostor.is_some()),
        impostor,
        created_at: record.created_at,
        due_at: record.due_at,
        hard_deadline: value.expires_at.is_some_and(|end| end <= record.due_at),
        at_zero: route.at_due.clone(),
        route,
        action: value
            .proposed_action
            .as_ref()
            .map(|action| draw(action, record.action_raw.as_deref().unwrap_or_default())),
        options: value
            .options
            .iter()
            .map(|option| OptionView {
                id: option.id.clone(),
                label: agent_text(&option.label),
                effect: option.effect.as_deref().map(agent_text),
            })
            .collect(),
        response_schema: value.response_schema.clone(),
        gestures: if blocked_reason.is_none() {
            let able = endpoints::get(glance.reader, &record.agent.endpoint)?
                .map_or_else(Vec::new, |row| row.capabilities);
            let mut all = gestures(&record, class, known.overtaking.is_some());
            all.extend(once_more);
            for gesture in &mut all {
                gesture.cannot = super::endpoint::takes_no(&able, gesture.outcome);
            }
            all
        } else {
            vec![]
        },
        blocked_reason,
        task: link,
        history: history(glance, &record, &plain(&name))?,
        decision: decision.as_ref().map(decision_view),
        raw_bytes: u32::try_from(record.raw.len()).unwrap_or(u32::MAX),
        refused_before: known.refused_at.map(|at| {
            let ago = span(between(at, glance.now));
            format!(
                "You refused exactly this {ago} ago, and {} asks it again.",
                plain(&name)
            )
        }),
        altered,
        again,
        overtaken: known
            .overtaking
            .map(|done| {
                Ok::<_, store::Error>(OvertakenView {
                    sentence: overtaken_sentence(glance, &done)?,
                    at: done.at,
                    act: done.act,
                })
            })
            .transpose()?,
    }))
}

/// What stands in the place of what was last answered under that id, when that is something else.
fn altered_view(
    glance: Glance<'_>,
    record: &EscalationRecord,
    last: &Decision,
) -> Option<AlteredView> {
    let said = outcome(last.outcome).to_lowercase();
    let (after, at, seen, left) = match &last.altered {
        Some(altered) => (
            altered.raw.as_str(),
            altered.at,
            altered.seen_at.is_some(),
            true,
        ),
        None if last.delivery.state == DeliveryState::Changed
            && record.phase == EscalationPhase::Pending
            && *record.raw != *last.shown =>
        {
            (&*record.raw, last.delivery.changed_at, false, false)
        }
        None => return None,
    };
    let ago = span(between(last.decided_at, glance.now));
    let sentence = if left {
        format!(
            "Changed after you answered: {ago} ago you {said} what is marked with −, and your answer was sent. Now the agent shows what is marked with + under the same name."
        )
    } else {
        format!(
            "Changed before your answer left: {ago} ago you {said} what is marked with −. Nothing was sent; what is marked with + is another question."
        )
    };
    Some(AlteredView {
        decision_id: last.id.as_str().to_owned(),
        sentence,
        at,
        before: agent_text(&last.shown),
        after: agent_text(after),
        seen,
        left,
    })
}

/// What the other agent did, as the person reads it; what the refused agent is told is the owner's.
fn overtaken_sentence(glance: Glance<'_>, done: &Overtaking) -> Result<String> {
    let name = agents::get(glance.reader, &done.agent)?
        .map_or_else(|| done.agent.agent.to_string(), |agent| agent.card.name);
    let (name, resource) = (plain(&name), plain(&done.resource));
    Ok(if done.same_event {
        format!("{name} has already acted on the same event: it wrote {resource}.")
    } else {
        format!("{name} has written {resource} meanwhile.")
    })
}

/// A decision and where it is.
pub fn decision_view(decision: &Decision) -> DecisionView {
    let delivery = &decision.delivery;
    DecisionView {
        id: decision.id.as_str().to_owned(),
        outcome: decision.outcome,
        decided_at: decision.decided_at,
        state: delivery.state,
        sentence: whereabouts(decision),
        held_until: (delivery.state == DeliveryState::Held).then_some(decision.held_until),
        attempts: delivery.attempts,
        next_attempt_at: delivery.next_attempt_at,
        detail: delivery.detail.as_deref().map(plain),
        recorded_outcome: delivery.recorded_outcome.as_deref().map(plain),
        can_undo: delivery.attempts == 0
            && matches!(delivery.state, DeliveryState::Held | DeliveryState::Queued),
    }
}

/// Why a question waits and cannot be answered all the same.
pub(crate) const HIDDEN: &str = "The agent sends something in its place now that cannot be read, so this is not what it asks any more. It can be answered when the agent asks in a way that can be read.";

fn blocked(glance: Glance<'_>, record: &EscalationRecord) -> Result<Option<String>> {
    let over = record.value.expires_at.is_some_and(|end| glance.now >= end);
    let reason = match record.phase {
        EscalationPhase::Pending if over => "It has expired: the agent accepts no answer any more.",
        EscalationPhase::Pending => {
            let (endpoint, question) = (&record.agent.endpoint, &record.value.id);
            if !dead_letters::hides(glance.reader, endpoint, question)? {
                return Ok(glance.present.read_only.clone());
            }
            HIDDEN
        }
        EscalationPhase::Answered => "You answered it.",
        EscalationPhase::Expired => "It has expired: the agent accepts no answer any more.",
        EscalationPhase::Withdrawn => "The agent took it back, or it was settled elsewhere.",
        EscalationPhase::Superseded => "The agent asks something else now.",
    };
    Ok(Some(reason.to_owned()))
}

fn heading(value: &Escalation, class: Risk, name: &str) -> String {
    let Some(action) = &value.proposed_action else {
        return match value.kind {
            EscalationKind::Approval => format!("{name} asks to go on"),
            EscalationKind::Question => format!("A question from {name}"),
            EscalationKind::Form => format!("A form from {name}"),
            EscalationKind::Auth => format!("{name} needs you to log in"),
            EscalationKind::Conflict => format!("A conflict, from {name}"),
            EscalationKind::Exception => format!("Something unforeseen, from {name}"),
        };
    };
    let what = plain(action.target.as_deref().unwrap_or(&action.name));
    match class {
        Risk::Reversible => format!("Reversible action on {what}"),
        Risk::Outward => format!("Outward action on {what}"),
        Risk::Destructive => format!("Destructive action on {what}"),
    }
}

fn effect(value: &Escalation, name: &str) -> String {
    let Some(action) = &value.proposed_action else {
        return match value.kind {
            EscalationKind::Approval => format!("{name} goes on with its task."),
            EscalationKind::Auth => format!("{name} waits until you have logged in."),
            _ => format!("Your answer goes to {name}."),
        };
    };
    let tool = plain(&action.name);
    match (&action.command, &action.diff, &action.target) {
        (Some(command), ..) => {
            let program = command
                .first()
                .map_or_else(|| tool.clone(), |word| plain(word));
            format!("{name} runs {program} on its machine, once.")
        }
        (None, Some(diff), target) => {
            let lines = diff_lines(diff);
            let of = |kind: &str| lines.iter().filter(|line| line.kind == kind).count();
            let place = target
                .as_deref()
                .map_or_else(String::new, |target| format!(" in {}", plain(target)));
            format!(
                "{} lines are added and {} removed{place}.",
                of("added"),
                of("removed")
            )
        }
        (None, None, Some(target)) => format!("{name} does {tool} on {}, once.", plain(target)),
        (None, None, None) => format!("{name} does {tool}, once."),
    }
}

fn reversibility(value: &Escalation, class: Risk) -> &'static str {
    match class {
        _ if value.proposed_action.is_none() => "The answer can be taken back for 10 seconds.",
        Risk::Reversible => {
            "Yes: for 10 seconds here, and afterwards at the agent, as your rule says."
        }
        Risk::Outward => "Only for 10 seconds, before it leaves.",
        Risk::Destructive => "No, and there is no undo time.",
    }
}

/// Rules that say something about a resource.
fn rules_of<'a>(rules: &'a [Rule], resource: &str) -> Option<&'a Rule> {
    rules
        .iter()
        .filter(|rule| pattern::matches(&rule.resource, resource))
        .find(|rule| !names::writers(rule).is_empty())
}

fn touches(value: &Escalation, rules: &[Rule]) -> Vec<TouchView> {
    let target = value
        .proposed_action
        .as_ref()
        .and_then(|action| action.target.as_deref());
    target
        .map(|target| TouchView {
            resource: plain(target),
            owner: rules_of(rules, target).map(|rule| plain(&names::writers_phrase(rule))),
        })
        .into_iter()
        .collect()
}

fn broken(record: &EscalationRecord, rules: &[Rule], impostor: bool) -> Option<String> {
    let target = record.value.proposed_action.as_ref()?.target.as_deref()?;
    let rule = rules_of(rules, target)?;
    let bare = record.agent.agent.as_str();
    let full = format!("{}/{bare}", record.agent.endpoint);
    let may = names::writers(rule)
        .iter()
        .any(|writer| *writer == bare && !impostor || *writer == full);
    let name = if impostor { &full } else { bare };
    (!may).then(|| {
        format!(
            "{} belongs to {}, and {} asks to act on it.",
            plain(target),
            plain(&names::writers_phrase(rule)),
            plain(name)
        )
    })
}

fn draw(action: &ProposedAction, raw: &str) -> ActionView {
    #[derive(Deserialize, Default)]
    struct Written {
        env: Option<Box<RawValue>>,
        args: Option<Box<RawValue>>,
    }
    let named = |text: &str| agent_text_in(Place::Name, text);
    let written: Written = serde_json::from_str(raw).unwrap_or_default();
    ActionView {
        name: named(&action.name),
        command: action
            .command
            .iter()
            .flatten()
            .map(|token| agent_text_in(Place::Command, token))
            .collect(),
        cwd: action.cwd.as_deref().map(named),
        env: pairs(written.env),
        target: action.target.as_deref().map(named),
        args: pairs(written.args),
        diff: action.diff.as_deref().map(diff_lines).unwrap_or_default(),
        raw: agent_text(raw),
        line_count: u32::try_from(raw.lines().count()).unwrap_or(u32::MAX),
        char_count: u32::try_from(raw.chars().count()).unwrap_or(u32::MAX),
    }
}

/// Members with their values as JSON, so that `"1"` and `1` look different, and numbers as they were written.
fn pairs(written: Option<Box<RawValue>>) -> Vec<PairView> {
    let Some(written) = written else {
        return vec![];
    };
    let pair = |name: &str, value: &RawValue| PairView {
        name: agent_text(name),
        value: agent_text(&canonical(value.get())),
    };
    match serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(written.get()) {
        Ok(members) => members
            .iter()
            .map(|(name, value)| pair(name, value))
            .collect(),
        Err(_) => vec![pair("", &written)],
    }
}

fn diff_lines(diff: &str) -> Vec<DiffLine> {
    diff.split('\n')
        .map(|line| {
            let headers = ["+++ ", "--- ", "@@", "diff ", "index "];
            let kind = match line.chars().next() {
                _ if headers.iter().any(|head| line.starts_with(head)) => "header",
                Some('+') => "added",
                Some('-') => "removed",
                _ => "same",
            };
            DiffLine {
                kind: kind.to_owned(),
                text: agent_text(line),
            }
        })
        .collect()
}

fn gestures(record: &EscalationRecord, class: Risk, overtaken: bool) -> Vec<GestureView> {
    let value = &record.value;
    let one = |outcome: Outcome, label: String, key: Option<&str>, option: Option<&str>| {
        let acts = takes_gesture(value, outcome, option.is_some());
        // Nobody here can end a standing approval.
        let always = outcome == Outcome::ApproveAlways;
        GestureView {
            outcome,
            option_id: option.map(str::to_owned),
            label,
            key: key.map(str::to_owned),
            reads: acts && outcome != Outcome::Edit,
            arm: acts && (class > Risk::Reversible || always),
            hold: acts && (class == Risk::Destructive || always),
            safest: false,
            needs_message: false,
            needs_payload: false,
            cannot: None,
            repeats: None,
        }
    };
    let gesture = |outcome, label, key| one(outcome, label, key, None);
    let refusal = if overtaken { "Discard it" } else { "Refuse" };
    let mut all = vec![GestureView {
        safest: true,
        // What was done meanwhile is the reason.
        needs_message: !overtaken,
        ..gesture(Outcome::Reject, refusal.to_owned(), Some("d"))
    }];
    let readable = bound_bytes(record).len() <= LARGEST_ACTION;
    if value.proposed_action.is_some() && readable {
        all.push(gesture(
            Outcome::Edit,
            "Edit, then approve".to_owned(),
            Some("e"),
        ));
    }
    for (place, option) in value.options.iter().enumerate() {
        let outcome = option_outcome(option);
        let key = (place < 9).then(|| (place + 1).to_string());
        if readable {
            let label = plain(&option.label);
            all.push(one(outcome, label, key.as_deref(), Some(&option.id)));
        }
    }
    match value.kind {
        EscalationKind::Approval | EscalationKind::Conflict | EscalationKind::Exception
            if readable && (value.proposed_action.is_some() || value.options.is_empty()) =>
        {
            let label = match &value.proposed_action {
                Some(action) => format!("Approve {}", plain(&action.name)),
                None => "Approve".to_owned(),
            };
            all.push(gesture(Outcome::Approve, label, Some("a")));
        }
        _ => {}
    }
    match value.kind {
        EscalationKind::Form => all.push(GestureView {
            needs_payload: true,
            ..gesture(Outcome::Respond, "Send the answer".to_owned(), Some("a"))
        }),
        EscalationKind::Question | EscalationKind::Conflict | EscalationKind::Exception => {
            all.push(GestureView {
                needs_message: value.response_schema.is_none(),
                needs_payload: value.response_schema.is_some(),
                ..gesture(Outcome::Respond, "Answer in words".to_owned(), Some("c"))
            });
        }
        EscalationKind::Auth => all.push(GestureView {
            needs_message: true,
            ..gesture(
                Outcome::Respond,
                "Say that you logged in".to_owned(),
                Some("c"),
            )
        }),
        EscalationKind::Approval => {}
    }
    if value.task_id.is_some() {
        all.push(gesture(
            Outcome::Cancel,
            "Refuse and stop the task".to_owned(),
            None,
        ));
    }
    all
}

fn history(glance: Glance<'_>, record: &EscalationRecord, name: &str) -> Result<Vec<HistoryLine>> {
    let mut lines = vec![HistoryLine {
        at: record.created_at,
        sentence: format!("{name} asked."),
    }];
    let subject = format!("{}/{}", record.agent.endpoint, record.value.id);
    let mut lapsed = false;
    for entry in audit::of_subject(glance.reader, &subject)? {
        let detail: Value = serde_json::from_str(&entry.detail).unwrap_or_default();
        let word = |name: &str| detail.get(name).cloned().unwrap_or_default();
        let sentence = match entry.kind.as_str() {
            escalations::LAPSED => {
                lapsed = true;
                "Nobody answered in time, so it is refused, as the exception rule says.".to_owned()
            }
            // That was not the person.
            "decided" if std::mem::take(&mut lapsed) => continue,
            "decided" if word("repeats").is_string() => "The same answer again, by you.".to_owned(),
            "asked-again" => format!("{name} asks the same again."),
            "decided" => match serde_json::from_value::<Outcome>(word("outcome")) {
                Ok(said) => format!("{} by you.", outcome(said)),
                Err(_) => "Decided by you.".to_owned(),
            },
            "stopped" => {
                "Not sent: what was stored is not what you decided. Answer it again.".to_owned()
            }
            "undone" => "Taken back by you.".to_owned(),
            "held-up" => {
                "Held up: another agent acted on the same thing before it left.".to_owned()
            }
            "too-old" => {
                "Given back to you: it was approved long before it could be sent.".to_owned()
            }
            "unreadable" => {
                format!(
                    "Given back to you: {name} sent something in its place that cannot be read."
                )
            }
            "moved-away" => "Given back to you: the agent is at another address now.".to_owned(),
            "alteration-seen" => "You have seen what stands in its place.".to_owned(),
            "escalation-expired" => "It expired before it was answered.".to_owned(),
            "delivery" => match word("state").as_str() {
                Some("queued") => "Waits to be sent.".to_owned(),
                Some("sending") => "Being sent.".to_owned(),
                Some("sent") => format!("Taken by {name}."),
                Some("applied") => format!("{name} shows the effect."),
                Some("already-resolved") => "Somebody else was first.".to_owned(),
                Some("refused") => format!("{name} refused the answer."),
                Some("expired") => "Too late.".to_owned(),
                Some("changed") => "The question had changed.".to_owned(),
                _ => "It cannot be told whether it arrived.".to_owned(),
            },
            _ => continue,
        };
        lines.push(HistoryLine {
            at: entry.at,
            sentence,
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_drawn_as_they_were_written_and_escapes_as_what_they_stand_for() {
        let raw =
            r#"{"to":12345678901234567890123,"share":0.10,"all":[1,2.50],"word":"\u0041","few":7}"#;
        let written = RawValue::from_string(raw.to_owned()).expect("it is JSON");
        let drawn: Vec<(String, String)> = pairs(Some(written))
            .into_iter()
            .map(|pair| (pair.name.text, pair.value.text))
            .collect();
        let expected = [
            ("all", "[1,2.50]"),
            ("few", "7"),
            ("share", "0.10"),
            ("to", "12345678901234567890123"),
            ("word", "\"A\""),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(drawn, expected);
    }
}

//! The inbox: what needs the person, what has stopped, what is worth a look, what was answered or settled in the last day.
//! Which rule asks for a decision and which only says that something stopped stands here, in one list.

use std::cmp::Ordering;

use chrono::TimeDelta;
use domain::{
    change::{EscalationPhase, EscalationRecord},
    contract::{EscalationKind, EscalationSeverity},
    decision::{Decision, DeliveryState, Risk},
    finding::Severity,
    route::Route,
};
use store::{
    Result,
    tables::{
        agents,
        audited::{self, Stop},
        decisions, escalations, findings,
    },
};

use super::{
    again::{AGAIN, answered_before},
    escalation::circumstances,
    routes::Routes,
    status::STOPPED_SAID,
    views::{InboxGroup, InboxItem, InboxView, Shape},
    wording::{
        Glance, agent_text, between, count, escalation_key, kind, number, plain, span, whereabouts,
    },
};

/// Rules that want a decision about who may do what. Of the others some say that something stopped, and the rest only what
/// is worth a look: their shape tells them apart.
const DECIDES: [&str; 11] = [
    "trigger-collision",
    "write-conflict",
    "output-collision",
    "sequence-violation",
    "scope-overreach",
    "double-booking",
    "duplicate-work",
    "deadlock",
    "context-divergence",
    "stale-read",
    "readiness",
];
/// Nothing goes on where a limit is used up.
const USED_UP: &str = "quota-exhausted";
/// The escalation itself says it; a second card would say it twice.
const SAID_ELSEWHERE: &str = "escalation-overdue";
/// What a question is called that was exchanged after it was answered.
const EXCHANGED: &str = "Changed after you answered";
/// What one is called whose answer was stopped.
const NOT_SENT: &str = "Not sent";
/// It comes before all others of one time.
const EXCHANGED_WEIGHT: u8 = Risk::Destructive as u8 + 1;
/// Settled items that are listed.
const HANDLED: usize = 100;

/// What an item is shown as, by rule.
pub fn shape_of_rule(rule: &str) -> Shape {
    match rule {
        "stall" | "silent-completion" | "timeout" | "deadlock" | "retry-storm" | "overload" => {
            Shape::Stalled
        }
        "endpoint-stale" | "offline" => Shape::Unreachable,
        "schema-violation" | USED_UP => Shape::Failed,
        "quota-pressure" | "review-due" | "readiness" | "unowned-resource" | "undeclared-agent"
        | "unknown-dependency" | "escalation-overdue" => Shape::NeedsYou,
        _ => Shape::Conflict,
    }
}

/// Whether an open finding is worth a card now.
fn is_listed(row: &findings::FindingRow, glance: Glance<'_>) -> bool {
    row.finding.severity > Severity::Info
        && row.finding.rule != SAID_ELSEWHERE
        && row.dismissed_at.is_none()
        && row.snoozed_until.is_none_or(|until| until <= glance.now)
}

/// The list.
pub fn inbox(glance: Glance<'_>) -> Result<InboxView> {
    let routes = Routes::read(glance.reader)?;
    let mut asked = vec![];
    let altered = decisions::unseen_alterations(glance.reader)?;
    let stops = audited::stopped(glance.reader, glance.now - STOPPED_SAID)?;
    for record in escalations::pending(glance.reader)? {
        let exchanged = altered.iter().any(|decision| is_about(decision, &record));
        let name = agents::get(glance.reader, &record.agent)?
            .map_or_else(|| record.agent.agent.to_string(), |agent| agent.card.name);
        let value = &record.value;
        let target = value
            .proposed_action
            .as_ref()
            .and_then(|action| action.target.as_deref());
        let subtitle = match target {
            Some(target) => format!("{} → {}", plain(&name), plain(target)),
            None => format!("{} from {}", kind(value.kind), plain(&name)),
        };
        let known = circumstances(glance.reader, &record)?;
        let overtaken = known.overtaking.is_some();
        let not_sent = stops
            .iter()
            .any(|stop| stop.endpoint == record.agent.endpoint && stop.escalation == value.id);
        let asked_again = answered_before(glance.reader, &record)?.is_some();
        let route = routes.of_question(&record);
        let item = InboxItem {
            key: escalation_key(record.agent.endpoint.as_str(), value.id.as_str()),
            shape: match value.kind {
                _ if not_sent => Shape::Failed,
                EscalationKind::Conflict => Shape::Conflict,
                _ if overtaken || exchanged => Shape::Conflict,
                _ => Shape::NeedsYou,
            },
            title: agent_text(&value.title),
            subtitle,
            agent: Some(plain(&name)),
            endpoint: Some(record.agent.endpoint.clone()),
            due_at: Some(record.due_at),
            overdue: glance.now >= record.due_at,
            severity: match value.severity {
                _ if not_sent || exchanged => Severity::Critical,
                Some(EscalationSeverity::High | EscalationSeverity::Critical) => Severity::Critical,
                Some(EscalationSeverity::Low) => Severity::Info,
                Some(EscalationSeverity::Medium) | None => Severity::Warning,
            },
            count: 1,
            state_label: match (not_sent, exchanged, overtaken) {
                (true, ..) => Some(NOT_SENT.to_owned()),
                (_, true, _) => Some(EXCHANGED.to_owned()),
                (_, _, true) => Some("Overtaken".to_owned()),
                _ if asked_again => Some(AGAIN.to_owned()),
                _ => None,
            },
            route: Some(routes.question_view(&record, &route, glance.now)),
        };
        asked.push(Card {
            route,
            weight: if exchanged {
                EXCHANGED_WEIGHT
            } else {
                known.class(value) as u8
            },
            item,
        });
    }
    let has_destructive = asked
        .iter()
        .any(|card| card.weight >= Risk::Destructive as u8);
    let mut exchanged = exchanged(glance, &altered)?;
    exchanged.extend(unsent(glance, &stops)?);
    let (to_decide, mut stopped, mut looks) = found(glance, &routes)?;
    asked.extend(to_decide);
    asked.sort_by(Card::by_due_time);
    stopped.sort_by(Card::by_weight);
    looks.sort_by(Card::by_weight);
    let bare = |cards: Vec<Card>| cards.into_iter().map(|card| card.item).collect::<Vec<_>>();
    exchanged.extend(bare(asked));
    let (needs, stopped, looks) = (exchanged, bare(stopped), bare(looks));
    let handled = handled(glance)?;
    let group = |id: &str, label: &str, items: Vec<InboxItem>| InboxGroup {
        id: id.to_owned(),
        label: label.to_owned(),
        count: u32::try_from(items.len()).unwrap_or(u32::MAX),
        items,
    };
    Ok(InboxView {
        title: title(
            glance,
            &needs,
            (stopped.len(), looks.len(), handled.len()),
            has_destructive,
        ),
        groups: vec![
            group("needs-decision", "Needs your decision", needs),
            group("stopped-moving", "Stopped moving", stopped),
            group("worth-a-look", "Worth a look", looks),
            group("handled", "Answered or settled in the last day", handled),
        ],
    })
}

fn is_about(decision: &Decision, record: &EscalationRecord) -> bool {
    decision.endpoint == record.agent.endpoint && decision.escalation == record.value.id
}

/// The cards of answers whose question was exchanged after they had left, and which nobody is asked about any more: there is
/// nothing to answer, but the person has to know.
fn exchanged(glance: Glance<'_>, altered: &[Decision]) -> Result<Vec<InboxItem>> {
    let mut items = vec![];
    for decision in altered {
        let now = escalations::get(glance.reader, &decision.endpoint, &decision.escalation)?;
        if now.is_some_and(|record| record.phase == EscalationPhase::Pending) {
            continue;
        }
        let Some(record) = escalations::answered(glance.reader, decision)? else {
            continue;
        };
        let name = plain(record.agent.agent.as_str());
        items.push(InboxItem {
            key: escalation_key(decision.endpoint.as_str(), decision.escalation.as_str()),
            shape: Shape::Conflict,
            title: agent_text(&record.value.title),
            subtitle: format!("{name} shows something else than you answered"),
            agent: Some(name),
            endpoint: Some(decision.endpoint.clone()),
            due_at: None,
            overdue: false,
            severity: Severity::Critical,
            count: 1,
            state_label: Some(EXCHANGED.to_owned()),
            route: None,
        });
    }
    Ok(items)
}

/// The cards of answers that were stopped and whose question nobody asks any more.
fn unsent(glance: Glance<'_>, stops: &[Stop]) -> Result<Vec<InboxItem>> {
    let mut items = vec![];
    for stop in stops {
        let record = escalations::get(glance.reader, &stop.endpoint, &stop.escalation)?;
        if record
            .as_ref()
            .is_some_and(|record| record.phase == EscalationPhase::Pending)
        {
            continue;
        }
        let title = record.as_ref().map(|record| record.value.title.as_str());
        items.push(InboxItem {
            key: escalation_key(stop.endpoint.as_str(), stop.escalation.as_str()),
            shape: Shape::Failed,
            title: agent_text(title.unwrap_or(stop.escalation.as_str())),
            subtitle: "Your answer was not sent, and its question does not wait any more"
                .to_owned(),
            agent: record.map(|record| plain(record.agent.agent.as_str())),
            endpoint: Some(stop.endpoint.clone()),
            due_at: None,
            overdue: false,
            severity: Severity::Critical,
            count: 1,
            state_label: Some(NOT_SENT.to_owned()),
            route: None,
        });
    }
    Ok(items)
}

/// A card with what orders it.
struct Card {
    route: Route,
    /// How hard it is to take back, or how bad.
    weight: u8,
    item: InboxItem,
}

impl Card {
    /// First what has the higher priority, then what is due first, then what weighs more.
    fn by_due_time(&self, other: &Self) -> Ordering {
        let heavier = other.weight.cmp(&self.weight);
        self.route.order(&other.route).then(heavier)
    }

    /// What stands still has no hurry of its own: of one priority, the worst first.
    fn by_weight(&self, other: &Self) -> Ordering {
        let priority = |card: &Self| card.route.priority.unwrap_or(i64::MAX);
        let heavier = other.weight.cmp(&self.weight);
        let first = priority(self).cmp(&priority(other));
        first
            .then(heavier)
            .then(self.route.due.cmp(&other.route.due))
    }
}

/// The cards of what was found: what is to be decided, what stands still, and what is worth a look.
fn found(glance: Glance<'_>, routes: &Routes) -> Result<(Vec<Card>, Vec<Card>, Vec<Card>)> {
    let (mut needs, mut stopped, mut looks) = (vec![], vec![], vec![]);
    for row in findings::open(glance.reader)? {
        if is_listed(&row, glance) {
            let rule = row.finding.rule.as_str();
            let list = match shape_of_rule(rule) {
                _ if DECIDES.contains(&rule) => &mut needs,
                Shape::Stalled | Shape::Unreachable => &mut stopped,
                _ if rule == USED_UP => &mut stopped,
                _ => &mut looks,
            };
            let route = routes.of_finding(&row.finding, row.opened_at);
            let item = InboxItem {
                due_at: Some(route.due),
                overdue: route.overdue(glance.now),
                route: Some(routes.finding_view(&row.finding, &route, glance.now)),
                ..finding_item(&row)
            };
            let weight = row.finding.severity as u8;
            list.push(Card {
                route,
                weight,
                item,
            });
        }
    }
    let cards = |mut cards: Vec<Card>| {
        cards.sort_by(Card::by_due_time);
        one_for_each_cause(cards, |card| &mut card.item)
    };
    Ok((cards(needs), cards(stopped), cards(looks)))
}

fn title(
    glance: Glance<'_>,
    needs: &[InboxItem],
    (stopped, looks, handled): (usize, usize, usize),
    destructive: bool,
) -> String {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    if needs.is_empty() {
        return match (stopped, looks, handled) {
            (0, 0, 0) => "Nothing needs you".to_owned(),
            (0, 0, _) => format!(
                "Nothing needs you. {} answered or settled in the last day",
                number(handled)
            ),
            (0, _, _) => format!(
                "Nothing to decide, {} worth a look",
                count(small(looks), "thing is", "things are")
            ),
            (_, _, _) => format!(
                "Nothing to decide, {} stopped",
                count(small(stopped), "thing has", "things have")
            ),
        };
    }
    let decisions = count(small(needs.len()), "decision", "decisions");
    let late = needs.iter().filter(|item| item.overdue).count();
    let first = needs.iter().filter_map(|item| item.due_at).min();
    match (late, first) {
        (0, Some(first)) if needs.len() == 1 => {
            format!("{decisions}, due in {}", span(between(glance.now, first)))
        }
        (0, Some(first)) => {
            format!(
                "{decisions}, the first in {}",
                span(between(glance.now, first))
            )
        }
        (0, None) if destructive => format!("{decisions}, one of them cannot be undone"),
        (0, None) => decisions,
        (late, _) if late == needs.len() => format!("{decisions}, overdue"),
        (late, _) => format!("{decisions}, {} overdue", number(late)),
    }
}

fn finding_item(row: &findings::FindingRow) -> InboxItem {
    let finding = &row.finding;
    let who: Vec<String> = finding
        .agents
        .iter()
        .map(|agent| plain(agent.as_str()))
        .collect();
    let subject = finding.resource.as_deref().or(finding.pool.as_deref());
    let subtitle = match (who.is_empty(), subject) {
        (false, Some(subject)) => format!(
            "{} on {}",
            domain::ownership::names::list(&who),
            plain(subject)
        ),
        (false, None) => domain::ownership::names::list(&who),
        (true, Some(subject)) => plain(subject),
        (true, None) => finding
            .endpoints
            .first()
            .map(|endpoint| endpoint.to_string())
            .unwrap_or_default(),
    };
    InboxItem {
        key: format!("f:{}", finding.episode),
        shape: shape_of_rule(&finding.rule),
        title: agent_text(&finding.summary),
        subtitle,
        agent: who.first().cloned(),
        endpoint: finding.endpoints.first().cloned(),
        due_at: None,
        overdue: false,
        severity: finding.severity,
        count: 1,
        state_label: row.cleared_at.map(|_| "Over".to_owned()),
        route: None,
    }
}

/// One cause is one card, however often it was found; opened, it names the others. Of `cards`, in their order, the one
/// that comes first stands for all.
fn one_for_each_cause<T>(cards: Vec<T>, item: impl Fn(&mut T) -> &mut InboxItem) -> Vec<T> {
    let found = |item: &InboxItem| item.key.starts_with("f:");
    let mut list: Vec<T> = vec![];
    for mut card in cards {
        let new = item(&mut card);
        let alike = |known: &&mut InboxItem| {
            found(known) && found(new) && known.title == new.title && known.subtitle == new.subtitle
        };
        match list.iter_mut().map(&item).find(alike) {
            Some(known) => known.count += 1,
            None => list.push(card),
        }
    }
    list
}

fn handled(glance: Glance<'_>) -> Result<Vec<InboxItem>> {
    let since = glance.now - TimeDelta::hours(24);
    let mut items = vec![];
    for decision in decisions::since(glance.reader, since)? {
        let Some(record) = escalations::answered(glance.reader, &decision)? else {
            continue;
        };
        // What waits again is not settled.
        let now = escalations::get(glance.reader, &decision.endpoint, &decision.escalation)?;
        if now.is_some_and(|now| now.phase == EscalationPhase::Pending) {
            continue;
        }
        let name = plain(record.agent.agent.as_str());
        let trouble = matches!(
            decision.delivery.state,
            DeliveryState::Refused
                | DeliveryState::Expired
                | DeliveryState::Changed
                | DeliveryState::Unknown
        );
        items.push((
            decision.decided_at,
            InboxItem {
                key: escalation_key(decision.endpoint.as_str(), decision.escalation.as_str()),
                shape: if trouble { Shape::Failed } else { Shape::Done },
                title: agent_text(&record.value.title),
                subtitle: name.clone(),
                agent: Some(name),
                endpoint: Some(decision.endpoint.clone()),
                due_at: None,
                overdue: false,
                severity: if trouble {
                    Severity::Warning
                } else {
                    Severity::Info
                },
                count: 1,
                state_label: Some(whereabouts(&decision)),
                route: None,
            },
        ));
    }
    for row in findings::cleared_since(glance.reader, since)? {
        let shown = row.finding.severity > Severity::Info && row.finding.rule != SAID_ELSEWHERE;
        if let (true, Some(at)) = (shown, row.cleared_at) {
            let item = InboxItem {
                shape: Shape::Done,
                ..finding_item(&row)
            };
            items.push((at, item));
        }
    }
    items.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut items = one_for_each_cause(items, |(_, item)| item);
    items.truncate(HANDLED);
    Ok(items.into_iter().map(|(_, item)| item).collect())
}

/// How many cards wait for the person: the number beside the screen's name.
pub fn waiting(glance: Glance<'_>) -> Result<u32> {
    let (needs, stopped, looks) = found(glance, &Routes::read(glance.reader)?)?;
    let found = needs.len() + stopped.len() + looks.len();
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    let altered = decisions::unseen_alterations(glance.reader)?;
    let stops = audited::stopped(glance.reader, glance.now - STOPPED_SAID)?;
    let over = exchanged(glance, &altered)?.len() + unsent(glance, &stops)?.len();
    let over = u32::try_from(over).unwrap_or(u32::MAX);
    Ok(escalations::count_pending(glance.reader)? + found + over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_collides_is_drawn_as_a_collision() {
        for (rule, expected) in [
            ("offline", Shape::Unreachable),
            ("overload", Shape::Stalled),
            ("retry-storm", Shape::Stalled),
            ("unknown-dependency", Shape::NeedsYou),
            ("escalation-overdue", Shape::NeedsYou),
            ("scope-overreach", Shape::Conflict),
            ("write-conflict", Shape::Conflict),
        ] {
            assert_eq!(shape_of_rule(rule), expected, "{rule}");
        }
    }
}

//! Finding things by a piece of their name: agents, tasks, resources, decisions. A first letter `@`, `#`, `:` or `!`
//! asks for one kind only.

use store::{
    Result,
    tables::{accesses, agents, decisions, escalations, tasks},
};

use super::{
    views::{HitView, SearchRequest, SearchView},
    wording::{Glance, agent_text, escalation_key, plain, route, whereabouts},
};

/// Decisions that are looked through.
const DECISIONS: u32 = 500;
/// The longest list.
const LONGEST: u32 = 100;

/// What was found, agents first.
pub fn search(glance: Glance<'_>, request: &SearchRequest) -> Result<SearchView> {
    let typed = request.text.trim();
    let only = typed
        .chars()
        .next()
        .filter(|letter| "@#:!".contains(*letter));
    let text = match only {
        Some(letter) => typed[letter.len_utf8()..].trim(),
        None => typed,
    };
    let limit = request.limit.min(LONGEST);
    let mut hits = vec![];
    if text.is_empty() && only.is_none() {
        return Ok(SearchView { hits });
    }
    let wanted = |letter: char| only.is_none_or(|only| only == letter);
    let small = text.to_lowercase();
    let holds = |name: &str| name.to_lowercase().contains(&small);
    if wanted('@') {
        for record in agents::list(glance.reader)? {
            let (endpoint, id) = (record.agent.endpoint.as_str(), record.agent.agent.as_str());
            if holds(&record.card.name) || holds(id) || holds(endpoint) {
                hits.push(HitView {
                    kind: "agent".to_owned(),
                    title: agent_text(&record.card.name),
                    subtitle: plain(endpoint),
                    route: route(&["agents", endpoint]),
                });
            }
        }
    }
    if wanted('!') {
        for record in escalations::pending(glance.reader)? {
            if holds(&record.value.title) || holds(record.value.id.as_str()) {
                let key = escalation_key(record.agent.endpoint.as_str(), record.value.id.as_str());
                hits.push(HitView {
                    kind: "decision".to_owned(),
                    title: agent_text(&record.value.title),
                    subtitle: format!("Waits for you, from {}", plain(record.agent.agent.as_str())),
                    route: route(&["inbox", &key]),
                });
            }
        }
        for decision in decisions::latest(glance.reader, DECISIONS)? {
            let record = escalations::version(
                glance.reader,
                &decision.endpoint,
                &decision.escalation,
                &decision.version,
            )?;
            if let Some(record) = record.filter(|record| holds(&record.value.title)) {
                let key = escalation_key(decision.endpoint.as_str(), decision.escalation.as_str());
                hits.push(HitView {
                    kind: "decision".to_owned(),
                    title: agent_text(&record.value.title),
                    subtitle: whereabouts(&decision),
                    route: route(&["inbox", &key]),
                });
            }
        }
    }
    if wanted('#') {
        for row in tasks::search(glance.reader, text, limit)? {
            let (endpoint, task) = (
                row.record.task.endpoint.as_str(),
                row.record.task.task.as_str(),
            );
            hits.push(HitView {
                kind: "task".to_owned(),
                title: agent_text(&row.record.value.title),
                subtitle: format!("{} · {}", plain(task), plain(row.record.agent.as_str())),
                route: route(&["board", endpoint, task]),
            });
        }
    }
    if wanted(':') {
        for resource in accesses::search(glance.reader, text, limit)? {
            hits.push(HitView {
                kind: "resource".to_owned(),
                title: agent_text(&resource),
                subtitle: "Seen in use".to_owned(),
                route: route(&["ownership", &resource]),
            });
        }
    }
    hits.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(SearchView { hits })
}

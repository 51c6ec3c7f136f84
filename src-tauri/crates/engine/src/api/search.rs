//! Finding things: agents and resources by a piece of their name; tasks, findings and decisions by all their words. A first
//! letter `@`, `#`, `:` or `!` asks for one kind only.

use domain::ids::TaskRef;
use store::{
    Result,
    tables::{accesses, agents, decisions, escalations, findings, tasks, texts},
};

use super::{
    views::{HitView, SearchRequest, SearchView},
    wording::{Glance, agent_text, escalation_key, plain, route, whereabouts},
};

/// Signs that are looked for.
const TYPED: usize = 200;
/// The longest list.
const LONGEST: u32 = 100;

/// What was found, agents first.
pub fn search(glance: Glance<'_>, request: &SearchRequest) -> Result<SearchView> {
    // Nobody types more; longer patterns are not looked for.
    let typed: String = request.text.trim().chars().take(TYPED).collect();
    let only = typed
        .chars()
        .next()
        .filter(|letter| "@#:!".contains(*letter));
    let text = match only {
        Some(letter) => typed[letter.len_utf8()..].trim(),
        None => typed.as_str(),
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
        for row in texts::search(glance.reader, text, "question", limit)? {
            let key = escalation_key(&row.endpoint, &row.item);
            let to = route(&["inbox", &key]);
            // Those that wait were found above, by pieces of words too.
            if hits.iter().any(|hit| hit.route == to) {
                continue;
            }
            let (endpoint, item) = (row.endpoint.as_str().into(), row.item.as_str().into());
            let decision = decisions::of_escalation(glance.reader, &endpoint, &item)?;
            hits.push(HitView {
                kind: "decision".to_owned(),
                title: agent_text(&row.title),
                subtitle: decision.map_or_else(
                    || "Asked once; it waits no more".to_owned(),
                    |decision| whereabouts(&decision),
                ),
                route: to,
            });
        }
        for row in texts::search(glance.reader, text, "finding", limit)? {
            let Some(found) = findings::get(glance.reader, &row.item)? else {
                continue;
            };
            hits.push(HitView {
                kind: "finding".to_owned(),
                title: agent_text(&row.title),
                subtitle: match found.cleared_at {
                    Some(_) => format!("{}, over", found.finding.rule),
                    None => format!("{}, still so", found.finding.rule),
                },
                route: route(&["inbox", &format!("f:{}", row.item)]),
            });
        }
    }
    if wanted('#') {
        let mut rows = vec![];
        for row in texts::search(glance.reader, text, "task", limit)? {
            let task = TaskRef {
                endpoint: row.endpoint.as_str().into(),
                task: row.item.as_str().into(),
            };
            rows.extend(tasks::get(glance.reader, &task)?);
        }
        // A piece from the middle of a word has no place in an index of words.
        for row in tasks::search(glance.reader, text, limit)? {
            if !rows
                .iter()
                .any(|known| known.record.task == row.record.task)
            {
                rows.push(row);
            }
        }
        for row in rows {
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

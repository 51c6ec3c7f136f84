//! The timeline: what happened when, and why agents behave as they do. A view computed from stored facts: it holds nothing
//! of its own and judges nothing; what is wrong was said by the rules.

mod axis;
mod events;
mod markdown;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use domain::{
    finding::Severity,
    ids::{AgentRef, EscalationId, TaskRef},
    time::Time,
};
use store::{
    Result,
    tables::{escalations, findings, findings::FindingRow, moments, ownership, tasks},
};

use self::{
    axis::{Axis, SLOTS},
    events::{Event, People, Story, key},
    rows::Ground,
};
use super::{
    finding::{Lines, Witness, explanation},
    inbox::shape_of_rule,
    schedules::coming,
    views::{
        AgentText, ExportTimelineRequest, ExportView, TimelineAgent, TimelineFinding,
        TimelineMarkKind, TimelineRequest, TimelineView,
    },
    wording::{Glance, agent_text, count, plain, span},
};

/// Seconds of a stretch that nobody chose.
const USUAL: i64 = 900;
const SHORTEST: i64 = 30;
const LONGEST: i64 = 8 * 86_400;
/// Findings of one answer, and of how many of them the witnesses are told.
const FINDINGS: usize = 60;
const WITNESSED: usize = 16;
/// Witnesses of one finding.
const WITNESSES: usize = 8;
/// What starts by itself is told so far ahead.
const AHEAD: TimeDelta = TimeDelta::hours(24);
/// Longest title, in signs.
const TITLE: usize = 120;

/// What is looked at, once everything left open is chosen.
struct Asked {
    from: Time,
    to: Time,
    live: bool,
    pair: Vec<AgentRef>,
    about: Option<AgentText>,
    task: Option<String>,
    episode: Option<String>,
}

/// Everything, before it becomes a view.
struct Scene {
    asked: Asked,
    people: People,
    story: Story,
    found: Vec<Found>,
    more: usize,
}

struct Found {
    row: FindingRow,
    agents: Vec<AgentRef>,
    witnesses: Vec<Witness>,
}

/// The view.
pub fn timeline(glance: Glance<'_>, request: &TimelineRequest) -> Result<TimelineView> {
    let scene = scene(glance, request)?;
    view(glance, request, &scene)
}

/// The same as Markdown, for pasting somewhere else.
pub fn export(glance: Glance<'_>, request: &ExportTimelineRequest) -> Result<ExportView> {
    let scene = scene(glance, &request.timeline)?;
    let view = view(glance, &request.timeline, &scene)?;
    Ok(markdown::write(&scene, &view, request.finding.as_deref()))
}

fn scene(glance: Glance<'_>, request: &TimelineRequest) -> Result<Scene> {
    let people = People::read(glance.reader)?;
    let mut asked = choose(glance, &people, request)?;
    let story = events::read(glance.reader, &people, asked.from, asked.to)?;
    let mut rows = findings::during(glance.reader, asked.from, asked.to, 400)?;
    let episode = |row: &FindingRow| (row.finding.episode.clone(), row.opened_at);
    rows.sort_by_key(episode);
    rows.dedup_by_key(|row| episode(row));
    let mut found: Vec<Found> = rows
        .into_iter()
        .map(|row| Found {
            agents: named(&people, &row),
            row,
            witnesses: vec![],
        })
        .collect();
    partner(&mut asked, &story, &found);
    if !asked.pair.is_empty() {
        found.retain(|found| concerns(&asked, found) > 0);
    }
    found.sort_by_key(|found| std::cmp::Reverse(weight(glance, &asked, found)));
    let more = found.len().saturating_sub(FINDINGS);
    found.truncate(FINDINGS);
    let mut lines = Lines::default();
    for found in found.iter_mut().take(WITNESSED) {
        for fact in found.row.finding.evidence.iter().take(WITNESSES) {
            found.witnesses.push(lines.witness(glance.reader, fact)?);
        }
    }
    Ok(Scene {
        asked,
        people,
        story,
        found,
        more,
    })
}

/// Agents of the fleet that a finding names.
fn named(people: &People, row: &FindingRow) -> Vec<AgentRef> {
    let finding = &row.finding;
    people
        .all()
        .map(|(agent, _)| agent)
        .filter(|agent| {
            finding.agents.contains(&agent.agent) && finding.endpoints.contains(&agent.endpoint)
        })
        .cloned()
        .collect()
}

/// How many of the two a finding names.
fn concerns(asked: &Asked, found: &Found) -> usize {
    asked
        .pair
        .iter()
        .filter(|agent| found.agents.contains(agent))
        .count()
}

type Weight = (bool, usize, bool, bool, bool, Severity, Time);

/// More first: the one asked for, what concerns both, what still holds, and between two agents what is about just them.
fn weight(glance: Glance<'_>, asked: &Asked, found: &Found) -> Weight {
    let row = &found.row;
    let muted =
        row.dismissed_at.is_some() || row.snoozed_until.is_some_and(|until| until > glance.now);
    (
        asked.episode.as_deref() == Some(&row.finding.episode),
        concerns(asked, found),
        row.cleared_at.is_none(),
        !muted,
        asked.pair.len() == 2 && found.agents.len() == 2,
        row.finding.severity,
        row.opened_at,
    )
}

/// Chooses time and agents where the request leaves them open.
fn choose(glance: Glance<'_>, people: &People, request: &TimelineRequest) -> Result<Asked> {
    let mut pair: Vec<AgentRef> = vec![];
    for wanted in &request.pair {
        if let Some(agent) = people.of_key(wanted).filter(|agent| !pair.contains(agent)) {
            pair.push(agent);
        }
    }
    pair.truncate(2);
    let (mut about, mut task, mut episode, mut times) = (None, None, None, None);
    let wanted = request.about.as_deref().unwrap_or_default();
    if let Some(name) = wanted.strip_prefix("f:") {
        if let Some(row) = findings::get(glance.reader, name)? {
            let mut lines = Lines::default();
            let mut first = row.opened_at;
            let named = named(people, &row);
            let mut order: Vec<AgentRef> = vec![];
            for fact in row.finding.evidence.iter().take(WITNESSES) {
                let witness = lines.witness(glance.reader, fact)?;
                first = witness.view.at.map_or(first, |at| at.min(first));
                let by = named
                    .iter()
                    .find(|agent| agent.endpoint.as_str() == witness.endpoint);
                if let Some(by) = by.filter(|by| !order.contains(by)) {
                    order.push(by.clone());
                }
            }
            for agent in named {
                if !order.contains(&agent) {
                    order.push(agent);
                }
            }
            if pair.is_empty() {
                pair = order;
            }
            times = Some((first, row.cleared_at.unwrap_or(glance.now)));
            about = Some(agent_text(&row.finding.summary));
            episode = Some(name.to_owned());
        }
    } else if let Some((endpoint, id)) = wanted
        .strip_prefix("e:")
        .and_then(|key| key.split_once('/'))
    {
        if let Some(record) =
            escalations::get(glance.reader, &endpoint.into(), &EscalationId::from(id))?
        {
            task = record
                .value
                .task_id
                .as_ref()
                .map(|task| format!("{endpoint}/{task}"));
            times = Some((record.created_at, glance.now));
            about = Some(agent_text(&record.value.title));
            if pair.is_empty() {
                pair.push(record.agent);
            }
        }
    } else if let Some((endpoint, id)) = wanted
        .strip_prefix("t:")
        .and_then(|key| key.split_once('/'))
    {
        let name = TaskRef {
            endpoint: endpoint.into(),
            task: id.into(),
        };
        if let Some(row) = tasks::get(glance.reader, &name)? {
            let begin = row
                .record
                .value
                .started_at
                .unwrap_or(row.record.state_since);
            times = Some((begin.min(row.record.state_since), glance.now));
            about = Some(agent_text(&row.record.value.title));
            task = Some(name.to_string());
            if pair.is_empty() {
                pair.push(AgentRef {
                    endpoint: name.endpoint,
                    agent: row.record.agent,
                });
            }
        }
    } else if let Some(agent) = wanted.strip_prefix("a:").and_then(|key| people.of_key(key)) {
        about = Some(agent_text(people.name(&agent)));
        if pair.is_empty() {
            pair.push(agent);
        }
    }
    pair.truncate(2);
    let (to, live, natural) = match (request.until, times) {
        (Some(until), _) => (until.min(glance.now), until >= glance.now, USUAL),
        (None, Some((first, last))) if request.seconds.is_none() => {
            let long = (last - first).num_seconds().clamp(0, LONGEST);
            // What led to it counts more than what came after.
            let (before, margin) = ((long / 5).max(60), (long / 10).max(15));
            let live = last >= glance.now;
            let to = if live {
                glance.now
            } else {
                (last + TimeDelta::seconds(margin)).min(glance.now)
            };
            (to, live, long + before + margin)
        }
        (None, _) => (glance.now, true, USUAL),
    };
    let seconds = request
        .seconds
        .and_then(|seconds| i64::try_from(seconds).ok())
        .unwrap_or(natural);
    Ok(Asked {
        from: to - TimeDelta::seconds(seconds.clamp(SHORTEST, LONGEST)),
        to,
        live,
        pair,
        about,
        task,
        episode,
    })
}

/// One agent alone is seen with the one it has most to do with: of the worst finding, else of what both touched.
fn partner(asked: &mut Asked, story: &Story, found: &[Found]) {
    let [first] = asked.pair.as_slice() else {
        return;
    };
    let worst = found
        .iter()
        .filter(|found| found.agents.len() > 1 && found.agents.contains(first))
        .max_by_key(|found| {
            let finding = &found.row.finding;
            let task = asked
                .task
                .as_ref()
                .is_some_and(|task| finding.tasks.contains(task));
            (
                task,
                found.row.cleared_at.is_none(),
                std::cmp::Reverse(found.agents.len()),
                finding.severity,
                found.row.opened_at,
            )
        });
    let mut other = worst
        .and_then(|found| found.agents.iter().find(|agent| *agent != first))
        .cloned();
    if other.is_none() {
        let mine: BTreeSet<&str> = story
            .events
            .iter()
            .filter(|event| event.agent == *first)
            .filter_map(Event::resource)
            .collect();
        let mut shared: BTreeMap<&AgentRef, u32> = BTreeMap::new();
        for event in story.events.iter().filter(|event| event.agent != *first) {
            if event
                .resource()
                .is_some_and(|resource| mine.contains(resource))
            {
                *shared.entry(&event.agent).or_insert(0) += 1;
            }
        }
        other = shared
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .map(|(agent, _)| agent.clone());
    }
    asked.pair.extend(other);
}

fn view(glance: Glance<'_>, request: &TimelineRequest, scene: &Scene) -> Result<TimelineView> {
    let (asked, story, people) = (&scene.asked, &scene.story, &scene.people);
    let relevant = |event: &&Event| {
        asked.pair.is_empty()
            || asked.pair.contains(&event.agent)
            || scene
                .found
                .iter()
                .any(|found| found.row.finding.resource.as_deref() == event.resource())
    };
    let mut times: Vec<Time> = story
        .events
        .iter()
        .filter(relevant)
        .map(|event| event.at)
        .collect();
    let opened = scene.found.iter().map(|found| found.row.opened_at);
    times.extend(opened.filter(|at| *at >= asked.from && *at < asked.to));
    times.sort_unstable();
    let axis = Axis::new(asked.from, asked.to, &times);
    let shown = shown(scene);
    let mut counts: BTreeMap<AgentRef, u32> = BTreeMap::new();
    let mut blamed = BTreeSet::new();
    for found in &scene.found {
        for agent in &found.agents {
            *counts.entry(agent.clone()).or_insert(0) += 1;
        }
        if concerns(asked, found) == asked.pair.len() {
            blamed.extend(found.row.finding.resource.clone());
        }
    }
    let rules = ownership::current(glance.reader)?.map(|version| version.document);
    let (rows, more_rows, quiet) = rows::rows(&Ground {
        story,
        people,
        axis: &axis,
        pair: &asked.pair,
        shown: &shown,
        named: &counts,
        blamed: &blamed,
        rules: rules.as_ref(),
    });
    let agent = |agent: &AgentRef| TimelineAgent {
        key: key(agent),
        endpoint: agent.endpoint.clone(),
        agent: agent.agent.clone(),
        name: agent_text(people.name(agent)),
    };
    let ends = moments::ends(glance.reader)?;
    let facts = u32::try_from(story.events.len()).unwrap_or(u32::MAX);
    Ok(TimelineView {
        title: title(scene, &rows),
        from: asked.from,
        to: asked.to,
        now: glance.now,
        live: asked.live,
        first_at: ends.map(|(first, _)| first),
        about: request.about.clone().filter(|_| asked.about.is_some()),
        about_text: asked.about.clone(),
        pair: asked.pair.iter().map(agent).collect(),
        known: people.all().map(|(each, _)| agent(each)).collect(),
        slots: SLOTS,
        spans: axis.spans.clone(),
        drawn: rows.iter().map(|row| row.facts).sum(),
        rows,
        more_rows: u32::try_from(more_rows).unwrap_or(u32::MAX),
        quiet: quiet.iter().map(agent).collect(),
        findings: scene
            .found
            .iter()
            .map(|found| told(glance, found, &axis))
            .collect(),
        more_findings: u32::try_from(scene.more).unwrap_or(u32::MAX),
        facts,
        cut: story.cut,
        coming: if asked.live {
            coming(glance, glance.now + AHEAD, &asked.pair)?
        } else {
            vec![]
        },
    })
}

fn told(glance: Glance<'_>, found: &Found, axis: &Axis) -> TimelineFinding {
    let finding = &found.row.finding;
    TimelineFinding {
        key: format!("f:{}", finding.episode),
        rule: finding.rule.clone(),
        shape: shape_of_rule(&finding.rule),
        severity: finding.severity,
        at: found.row.opened_at,
        cleared_at: found.row.cleared_at,
        summary: agent_text(&finding.summary),
        explanation: explanation(&finding.rule).to_owned(),
        agents: found.agents.iter().map(key).collect(),
        resource: finding.resource.as_deref().map(plain),
        pool: finding.pool.as_deref().map(plain),
        tasks: finding.tasks.clone(),
        witnesses: found
            .witnesses
            .iter()
            .map(|witness| witness.view.clone())
            .collect(),
        slot: axis.slot(found.row.opened_at),
        muted_until: found.row.snoozed_until.filter(|until| *until > glance.now),
    }
}

/// Endpoint, list and id of something reported.
type Item<'a> = (&'a str, &'a str, &'a str);

/// Which events show which findings. A turn of an item is the last one the line could mean.
fn shown(scene: &Scene) -> BTreeMap<usize, Vec<u32>> {
    let mut wanted: BTreeMap<Item<'_>, Vec<(u32, u64)>> = BTreeMap::new();
    for (place, found) in scene.found.iter().enumerate() {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        for witness in &found.witnesses {
            let item = (
                witness.endpoint.as_str(),
                witness.list.as_str(),
                witness.id.as_str(),
            );
            wanted
                .entry(item)
                .or_default()
                .push((place, witness.view.evidence.line));
        }
    }
    let mut shown: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    if wanted.is_empty() {
        return shown;
    }
    // The last turn at or before the line, else the first.
    let mut best: BTreeMap<(u32, Item<'_>, u64), usize> = BTreeMap::new();
    for (index, event) in scene.story.events.iter().enumerate() {
        let item = (event.agent.endpoint.as_str(), event.list, event.id.as_str());
        for (place, line) in wanted.get(&item).into_iter().flatten() {
            let slot = best.entry((*place, item, *line)).or_insert(index);
            if event.line <= *line {
                *slot = index;
            }
        }
        // Samples of limits have no id: the line must be the same.
        if event.kind == TimelineMarkKind::Refused {
            let endpoint = event.agent.endpoint.as_str();
            for (item, places) in &wanted {
                if item.0 == endpoint && item.1 == event.list {
                    let here = places.iter().filter(|(_, line)| *line == event.line);
                    best.extend(here.map(|(place, line)| ((*place, *item, *line), index)));
                }
            }
        }
    }
    for ((place, ..), index) in best {
        let places = shown.entry(index).or_default();
        if !places.contains(&place) {
            places.push(place);
        }
    }
    shown
}

/// The worst that is so, else what there is to see.
fn title(scene: &Scene, rows: &[super::views::TimelineRow]) -> String {
    let asked = &scene.asked;
    let worth = |found: &&Found| found.row.finding.severity > Severity::Info;
    let both = |found: &&Found| asked.pair.len() < 2 || concerns(asked, found) == 2;
    let wanted = scene.found.first();
    let wanted =
        wanted.filter(|found| asked.episode.as_deref() == Some(&found.row.finding.episode));
    if let Some(found) = wanted.or_else(|| scene.found.iter().filter(worth).find(both)) {
        return short(plain(found.row.finding.summary.trim_end_matches('.')));
    }
    let names: Vec<_> = asked
        .pair
        .iter()
        .map(|agent| plain(agent.agent.as_str()))
        .collect();
    let between = rows.iter().filter(|row| row.agent.is_none()).count();
    match names.as_slice() {
        [one, other] if between == 0 => format!("{one} and {other} have nothing in common here"),
        [one, other] => {
            let things = count(u32::try_from(between).unwrap_or(0), "thing", "things");
            format!("{one} and {other} share {things}; no rule is broken")
        }
        [one] => format!("{one} shares nothing with anybody here"),
        _ if scene.story.events.is_empty() => "Nothing happened in this time".to_owned(),
        _ => {
            let long = span((asked.to - asked.from).num_seconds());
            format!(
                "No rule was broken in {}{long}",
                if asked.live { "the last " } else { "these " }
            )
        }
    }
}

/// A title that is too long is its first sentence, else as many words as fit.
fn short(text: String) -> String {
    if text.chars().count() <= TITLE {
        return text;
    }
    if let Some((first, _)) = text.split_once(". ")
        && first.chars().count() <= TITLE
    {
        return first.to_owned();
    }
    let head: String = text.chars().take(TITLE - 1).collect();
    let words = head
        .rsplit_once(' ')
        .map_or(head.as_str(), |(words, _)| words);
    format!("{} …", words.trim_end_matches([',', ';', '.', ':']))
}

#[cfg(test)]
mod tests {
    use super::{TITLE, short};

    #[test]
    fn a_title_that_is_too_long_is_its_first_sentence_else_the_words_that_fit() {
        let names = "one, ".repeat(TITLE);
        let text = format!("It runs out in 3 minutes. Lately used by {names}");
        assert_eq!(short(text), "It runs out in 3 minutes");
        assert!(short(names.clone()).ends_with("one …"));
        assert_eq!(short("One. Two".to_owned()), "One. Two");
    }
}

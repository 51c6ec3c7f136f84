//! Rows of the timeline: agents, and what is between two of them. However much happened, a row has few marks: neighbours
//! become one with a count, and where even those are too many, a row of bars.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ids::AgentRef,
    ownership::{Ownership, pattern::Pattern},
};

use super::{
    axis::Axis,
    events::{Event, People, Story, key, sentence},
};
use crate::api::{
    views::{
        Shape, TimelineLane, TimelineMark, TimelineMarkKind as Kind, TimelineRow, TimelineRowKind,
    },
    wording::{agent_text, count, plain},
};

/// Rows of one answer.
pub(super) const ROWS: usize = 30;
/// Marks nearer than this many slots are one.
const CELL: u32 = 5;
/// Marks of one row; of more it becomes bars.
const MARKS: usize = 40;
/// Marks beside the bars, for what shows a finding.
const BESIDE: usize = 16;
/// Sentences of one mark.
const TOLD: usize = 3;
/// Stretches of one row.
const LANES: usize = 80;
/// With so few agents none is folded away.
const FEW: usize = 6;

/// What rows are made of.
pub(super) struct Ground<'a> {
    /// What happened.
    pub(super) story: &'a Story,
    /// Who there is.
    pub(super) people: &'a People,
    /// Where times stand.
    pub(super) axis: &'a Axis,
    /// The two agents, if the lens is on.
    pub(super) pair: &'a [AgentRef],
    /// Of each event, the findings it shows.
    pub(super) shown: &'a BTreeMap<usize, Vec<u32>>,
    /// How many findings name an agent.
    pub(super) named: &'a BTreeMap<AgentRef, u32>,
    /// Resources that findings are about.
    pub(super) blamed: &'a BTreeSet<String>,
    /// The rules in force.
    pub(super) rules: Option<&'a Ownership>,
}

/// Rows, how many more there are, and agents with nothing to tell.
pub(super) fn rows(ground: &Ground<'_>) -> (Vec<TimelineRow>, usize, Vec<AgentRef>) {
    if ground.pair.is_empty() {
        fleet(ground)
    } else {
        let (rows, more) = lens(ground);
        (rows, more, vec![])
    }
}

fn fleet(ground: &Ground<'_>) -> (Vec<TimelineRow>, usize, Vec<AgentRef>) {
    let mut of: BTreeMap<&AgentRef, Vec<usize>> = BTreeMap::new();
    for (index, event) in ground.story.events.iter().enumerate() {
        of.entry(&event.agent).or_default().push(index);
    }
    let all: BTreeSet<&AgentRef> = ground
        .people
        .all()
        .map(|(agent, _)| agent)
        .chain(of.keys().copied())
        .collect();
    let (mut busy, mut quiet) = (vec![], vec![]);
    let few = all.len() <= FEW;
    for agent in all {
        let named = ground.named.get(agent).copied().unwrap_or(0);
        match of.remove(agent) {
            None if named == 0 && !few => quiet.push(agent.clone()),
            events => busy.push((named, events.unwrap_or_default(), agent)),
        }
    }
    busy.sort_by_key(|(named, events, agent)| (std::cmp::Reverse((*named, events.len())), *agent));
    let more = busy.len().saturating_sub(ROWS);
    let rows = busy
        .into_iter()
        .take(ROWS)
        .map(|(_, events, agent)| agent_row(ground, agent, &events))
        .collect();
    (rows, more, quiet)
}

fn lens(ground: &Ground<'_>) -> (Vec<TimelineRow>, usize) {
    let side = |agent: &AgentRef| ground.pair.iter().position(|each| each == agent);
    // Who touched what: bit 0 the first, bit 1 the second, bit 2 anybody else.
    let mut touched: BTreeMap<&str, (u8, Vec<usize>)> = BTreeMap::new();
    let mut limits: BTreeMap<&str, (u8, Vec<usize>)> = BTreeMap::new();
    let mut own: [Vec<usize>; 2] = [vec![], vec![]];
    for (index, event) in ground.story.events.iter().enumerate() {
        let side = side(&event.agent);
        if let Some(own) = side.and_then(|side| own.get_mut(side)) {
            own.push(index);
        }
        let bit = 1 << side.unwrap_or(2);
        let place = match event.resource() {
            Some(resource) => touched.entry(resource).or_default(),
            None if event.kind == Kind::Refused => limits.entry(&event.about).or_default(),
            None => continue,
        };
        place.0 |= bit;
        place.1.push(index);
    }
    let both = if ground.pair.len() == 2 { 0b011 } else { 0b101 };
    let mut between: Vec<_> = touched
        .into_iter()
        .filter(|(resource, (who, _))| {
            who & both == both || who & 0b011 != 0 && ground.blamed.contains(*resource)
        })
        .map(|(resource, (who, events))| (TimelineRowKind::Resource, resource, who, events))
        .chain(
            limits
                .into_iter()
                .filter(|(_, (who, _))| who & 0b011 != 0)
                .map(|(pool, (who, events))| (TimelineRowKind::Limit, pool, who, events)),
        )
        .collect();
    between.sort_by_key(|(_, name, who, events)| {
        let blamed = ground.blamed.contains(*name);
        (
            std::cmp::Reverse((blamed, who & both == both, events.len())),
            *name,
        )
    });
    let room = ROWS - ground.pair.len();
    let more = between.len().saturating_sub(room);
    let mut rows = vec![];
    let mut outside = ground.pair.iter().zip(own);
    rows.extend(
        outside
            .next()
            .map(|(agent, events)| agent_row(ground, agent, &events)),
    );
    rows.extend(
        between
            .into_iter()
            .take(room)
            .map(|(kind, name, _, events)| between_row(ground, kind, name, &events)),
    );
    rows.extend(
        outside
            .next()
            .map(|(agent, events)| agent_row(ground, agent, &events)),
    );
    (rows, more)
}

fn agent_row(ground: &Ground<'_>, agent: &AgentRef, events: &[usize]) -> TimelineRow {
    let lanes = lanes(ground, |stretch| {
        stretch.agent == *agent && stretch.resource.is_none()
    });
    // Turns of tasks are what the lane shows; only ends that were not wanted are marks of their own.
    let told: Vec<usize> = events
        .iter()
        .copied()
        .filter(|index| {
            let event = &ground.story.events[*index];
            event.kind != Kind::State || ends_badly(event) || ground.shown.contains_key(index)
        })
        .collect();
    let (marks, dense) = marks(ground, &told, |_| 0);
    TimelineRow {
        key: key(agent),
        kind: TimelineRowKind::Agent,
        label: agent_text(agent.agent.as_str()),
        agent: Some(agent.agent.clone()),
        owner: None,
        summary: summary(ground, events),
        lanes,
        marks,
        dense,
        findings: ground.named.get(agent).copied().unwrap_or(0),
        facts: u32::try_from(events.len()).unwrap_or(u32::MAX),
    }
}

fn ends_badly(event: &Event) -> bool {
    matches!(event.word.as_str(), "failed" | "rejected" | "canceled")
}

fn between_row(
    ground: &Ground<'_>,
    kind: TimelineRowKind,
    name: &str,
    events: &[usize],
) -> TimelineRow {
    let side = |agent: &AgentRef| {
        ground
            .pair
            .iter()
            .position(|each| each == agent)
            .map_or(2, |side| side as u32)
    };
    let (marks, dense) = marks(ground, events, side);
    let blamed = u32::from(ground.blamed.contains(name));
    TimelineRow {
        key: format!(
            "{}:{name}",
            if kind == TimelineRowKind::Limit {
                'l'
            } else {
                'r'
            }
        ),
        kind,
        label: agent_text(name),
        agent: None,
        owner: owner(ground.rules, name),
        summary: summary(ground, events),
        lanes: lanes(ground, |stretch| stretch.resource.as_deref() == Some(name)),
        marks,
        dense,
        findings: blamed,
        facts: u32::try_from(events.len()).unwrap_or(u32::MAX),
    }
}

fn owner(rules: Option<&Ownership>, resource: &str) -> Option<String> {
    let rules = &rules?.rules;
    let rule = rules
        .iter()
        .find(|rule| Pattern::resource(rule.resource.as_str()).matches(resource))?;
    match (&rule.owner, rule.sequence.is_empty()) {
        (Some(owner), _) => Some(plain(owner)),
        (None, false) => Some(
            rule.sequence
                .iter()
                .map(|name| plain(name))
                .collect::<Vec<_>>()
                .join(", then "),
        ),
        (None, true) => None,
    }
}

fn lanes(
    ground: &Ground<'_>,
    wanted: impl Fn(&super::events::Stretch) -> bool,
) -> Vec<TimelineLane> {
    let mut lanes: Vec<TimelineLane> = vec![];
    for stretch in ground
        .story
        .stretches
        .iter()
        .filter(|stretch| wanted(stretch))
    {
        let side = ground
            .pair
            .iter()
            .position(|each| *each == stretch.agent)
            .map_or(2, |side| side as u32);
        let (begin, end) = (
            ground.axis.slot(stretch.from),
            ground.axis.slot(stretch.to) + 1,
        );
        let held = stretch.resource.is_some();
        let label = match (held, stretch.shape) {
            (true, Shape::Queued) => {
                format!("{} waits for it", plain(stretch.agent.agent.as_str()))
            }
            (true, _) => format!("Claimed by {}", plain(stretch.agent.agent.as_str())),
            (false, Shape::Queued) => "Has work that waits".to_owned(),
            (false, Shape::NeedsYou) => "Waits for an answer".to_owned(),
            (false, Shape::Unreachable) => "Does not answer".to_owned(),
            (false, _) => "At work".to_owned(),
        };
        match lanes.last_mut() {
            // Equal neighbours are one.
            Some(last)
                if last.shape == stretch.shape
                    && last.side == side
                    && last.end >= begin
                    && last.begin <= begin =>
            {
                last.end = last.end.max(end);
            }
            _ => lanes.push(TimelineLane {
                begin,
                end,
                shape: stretch.shape,
                side,
                label,
            }),
        }
    }
    lanes.sort_by_key(|lane| std::cmp::Reverse(lane.end - lane.begin));
    lanes.truncate(LANES);
    lanes.sort_by_key(|lane| (lane.begin, lane.side));
    lanes
}

fn marks(
    ground: &Ground<'_>,
    events: &[usize],
    side: impl Fn(&AgentRef) -> u32,
) -> (Vec<TimelineMark>, Vec<(u32, u32)>) {
    let mut cells: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
    for index in events {
        let event = &ground.story.events[*index];
        let cell = ground.axis.slot(event.at) / CELL;
        cells
            .entry((cell, side(&event.agent)))
            .or_default()
            .push(*index);
    }
    let mut dense = BTreeMap::new();
    if cells.len() > MARKS {
        for index in events {
            *dense
                .entry(ground.axis.slot(ground.story.events[*index].at))
                .or_insert(0) += 1;
        }
        cells.retain(|_, events| events.iter().any(|index| ground.shown.contains_key(index)));
    }
    let most = if dense.is_empty() { MARKS } else { BESIDE };
    let marks = cells
        .into_iter()
        .take(most)
        .map(|((_, side), events)| mark(ground, side, &events))
        .collect();
    (marks, dense.into_iter().collect())
}

fn mark(ground: &Ground<'_>, side: u32, events: &[usize]) -> TimelineMark {
    let all = &ground.story.events;
    // What shows a finding is told first, then what happened first.
    let mut told: Vec<usize> = events.to_vec();
    let turn = |index: &usize| all[*index].kind == Kind::State;
    told.sort_by_key(|index| (!ground.shown.contains_key(index), turn(index), *index));
    let findings: BTreeSet<u32> = events
        .iter()
        .filter_map(|index| ground.shown.get(index))
        .flatten()
        .copied()
        .collect();
    let first = &all[told.first().copied().unwrap_or_default()];
    let same = events.iter().all(|index| all[*index].kind == first.kind);
    let shows = told
        .first()
        .is_some_and(|index| ground.shown.contains_key(index));
    let mut sentences: Vec<_> = told
        .iter()
        .take(TOLD)
        .map(|index| agent_text(&sentence(&all[*index], ground.people)))
        .collect();
    if told.len() > TOLD {
        let more = u32::try_from(told.len() - TOLD).unwrap_or(u32::MAX);
        sentences.push(agent_text(&format!("And {} more.", more)));
    }
    let to = matches!(first.kind, Kind::HandOver)
        .then(|| ground.people.called(&first.about, &first.agent.endpoint))
        .flatten();
    let at = all[events.first().copied().unwrap_or_default()].at;
    let last_at = all[events.last().copied().unwrap_or_default()].at;
    TimelineMark {
        slot: ground.axis.slot(if shows { first.at } else { at }),
        at,
        last_at,
        kind: if same || shows {
            first.kind
        } else {
            Kind::Several
        },
        side,
        count: u32::try_from(events.len()).unwrap_or(u32::MAX),
        text: if events.len() == 1 || shows {
            version(first)
        } else {
            None
        },
        sentences,
        findings: findings.into_iter().collect(),
        to: to.as_ref().map(key),
        open: first.open,
    }
}

/// The version that a mark is about, short enough to stand beside it.
fn version(event: &Event) -> Option<String> {
    const LONGEST: usize = 8;
    let version = match event.kind {
        Kind::Read => event.base.as_ref().or(event.new.as_ref()),
        Kind::Write => event.new.as_ref().or(event.base.as_ref()),
        _ => None,
    }?;
    let version = plain(version);
    if version.chars().count() > LONGEST {
        let head: String = version.chars().take(LONGEST - 1).collect();
        return Some(format!("{head}…"));
    }
    Some(version)
}

/// What a row holds, for those who do not see it.
fn summary(ground: &Ground<'_>, events: &[usize]) -> String {
    let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
    let words = [
        (Kind::Silent, "outage", "outages"),
        (Kind::Write, "write", "writes"),
        (Kind::Read, "read", "reads"),
        (Kind::Take, "event taken", "events taken"),
        (Kind::Claim, "claim", "claims"),
        (Kind::HandOver, "handoff", "handoffs"),
        (Kind::Refused, "refusal by a limit", "refusals by limits"),
        (Kind::Question, "question", "questions"),
        (Kind::Decision, "decision of yours", "decisions of yours"),
        (Kind::TakeOver, "handoff taken", "handoffs taken"),
        (Kind::Artifact, "output made", "outputs made"),
        (Kind::Context, "context entry", "context entries"),
        (Kind::State, "turn of a task", "turns of tasks"),
    ];
    for index in events {
        let kind = ground.story.events[*index].kind;
        if let Some(word) = words.iter().position(|(each, ..)| *each == kind) {
            *counts.entry(word).or_insert(0) += 1;
        }
    }
    let told: Vec<_> = counts
        .into_iter()
        .map(|(word, number)| count(number, words[word].1, words[word].2))
        .collect();
    if told.is_empty() {
        "Nothing of note".to_owned()
    } else {
        told.join(", ")
    }
}

//! What will start by itself, in one list: as agents declare it, as servers run it, and as it was seen. Times and habits
//! come from `domain::schedule`; this puts them together and into words.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{
    change::{AgentRecord, Record},
    contract::Schedule,
    ids::{AgentRef, EndpointId},
    schedule::{
        Next, Untold,
        cron::Cron,
        habit::{Habit, Pace, habit},
        late, next, together,
    },
    text::Place,
    time::Time,
};
use store::{
    Result,
    tables::{accesses, agents, endpoints, health, records, starts},
};

use super::{
    agents::health_of,
    views::{AgentStartsView, ComingView, Health, SchedulesView, StartSource, StartView},
    wording::{Glance, agent_text, agent_text_in, between, plain, span},
};

/// Starts listed of one agent.
const LISTED: usize = 24;
/// What is told to come, of one answer.
const COMING: usize = 12;
/// Two that start together are news so long before.
const SOON: TimeDelta = TimeDelta::hours(12);

/// What is known of one agent.
pub(super) struct Known {
    pub(super) record: AgentRecord,
    pub(super) starts: Vec<Start>,
    as_of: Option<Time>,
}

/// One thing that starts by itself.
pub(super) struct Start {
    pub(super) view: StartView,
    /// When work of its kind began before, latest first.
    pub(super) before: Vec<Time>,
}

/// Every agent that starts by itself.
pub fn schedules(glance: Glance<'_>) -> Result<SchedulesView> {
    let known = known(glance)?;
    let all = u32::try_from(known.len()).unwrap_or(u32::MAX);
    let mut agents: Vec<AgentStartsView> = known
        .into_iter()
        .filter(|known| !known.starts.is_empty())
        .map(|known| {
            let mut starts: Vec<StartView> =
                known.starts.into_iter().map(|start| start.view).collect();
            let more = starts.len().saturating_sub(LISTED);
            starts.truncate(LISTED);
            let agent = known.record.agent;
            AgentStartsView {
                key: format!("{}/{}", agent.endpoint, agent.agent),
                endpoint: agent.endpoint,
                agent: agent.agent,
                name: agent_text(&known.record.card.name),
                as_of: known.as_of,
                starts,
                more: u32::try_from(more).unwrap_or(u32::MAX),
            }
        })
        .collect();
    agents.sort_by_key(|agent| {
        let first = agent.starts.first();
        let next = first.and_then(|start| start.next_at);
        (next.is_none(), next, agent.key.clone())
    });
    Ok(SchedulesView {
        title: title(glance.now, &agents),
        without: all - u32::try_from(agents.len()).unwrap_or(all),
        agents,
    })
}

/// What starts next until a time, each once, of all agents or of some.
pub(super) fn coming(glance: Glance<'_>, until: Time, of: &[AgentRef]) -> Result<Vec<ComingView>> {
    let mut all = vec![];
    for known in known(glance)? {
        let agent = &known.record.agent;
        if !of.is_empty() && !of.contains(agent) {
            continue;
        }
        for Start { view, .. } in known.starts {
            let Some(at) = view.next_at.filter(|at| *at <= until) else {
                continue;
            };
            all.push(ComingView {
                at,
                agent: format!("{}/{}", agent.endpoint, agent.agent),
                name: agent_text(&known.record.card.name),
                what: view.task_kind.or(view.resource),
                rhythm: view.rhythm,
                source: view.source,
                stale: known.as_of.is_some(),
            });
        }
    }
    all.sort_by(|a, b| (a.at, &a.agent).cmp(&(b.at, &b.agent)));
    all.truncate(COMING);
    Ok(all)
}

/// All agents, each with what starts it, the next one first and what is off last.
pub(super) fn known(glance: Glance<'_>) -> Result<Vec<Known>> {
    let mut told: BTreeMap<AgentRef, Vec<Record<Schedule>>> = BTreeMap::new();
    for record in records::list::<Schedule>(glance.reader)? {
        told.entry(record.agent.clone()).or_default().push(record);
    }
    let rows = endpoints::list(glance.reader)?;
    let mut places: BTreeMap<EndpointId, (StartSource, Option<Time>, bool)> = BTreeMap::new();
    for row in rows {
        let answers = matches!(health_of(glance, &row.id)?, Health::Online);
        let pulse = glance.present.endpoints.get(&row.id);
        let heard = pulse.and_then(|pulse| pulse.last_good_at);
        let heard = heard.max(health::get(glance.reader, &row.id)?.heard_at);
        let source = match row.kind.as_str() {
            "langgraph" => StartSource::Server,
            _ => StartSource::Declared,
        };
        places.insert(row.id, (source, heard, answers));
    }
    let mut all = vec![];
    for record in agents::at_work(glance.reader)? {
        let Some((source, heard, answers)) = places.get(&record.agent.endpoint) else {
            continue;
        };
        let told = told.remove(&record.agent).unwrap_or_default();
        let mut starts = of_agent(glance, &record.agent, &told, *source, *answers)?;
        starts.sort_by(|a, b| order(&a.view).cmp(&order(&b.view)));
        all.push(Known {
            starts,
            as_of: heard.filter(|_| !answers),
            record,
        });
    }
    Ok(all)
}

type Order<'a> = (bool, bool, Option<Time>, &'a str);

fn order(view: &StartView) -> Order<'_> {
    let none = view.next_at.is_none();
    (!view.enabled, none, view.next_at, &view.key)
}

fn of_agent(
    glance: Glance<'_>,
    agent: &AgentRef,
    told: &[Record<Schedule>],
    source: StartSource,
    answers: bool,
) -> Result<Vec<Start>> {
    let mut seen = starts::of_agent(glance.reader, agent)?;
    let mut all = vec![];
    for record in told {
        let value = &record.value;
        let taken = accesses::last_taken(glance.reader, agent, value.resource.as_str())?;
        let kind = value.task_kind.as_deref();
        let before = kind.and_then(|kind| seen.get(kind)).cloned();
        all.push(declared(
            glance.now,
            record,
            source,
            taken,
            before.unwrap_or_default(),
            answers,
        ));
    }
    // What is told is not told again as seen.
    for record in told.iter().filter(|record| record.value.enabled) {
        if let Some(kind) = &record.value.task_kind {
            seen.remove(kind);
        }
    }
    for (kind, before) in seen {
        if let Some(habit) = habit(&before, glance.now) {
            all.push(observed(&kind, &habit, before, answers));
        }
    }
    Ok(all)
}

fn declared(
    now: Time,
    record: &Record<Schedule>,
    source: StartSource,
    taken: Option<(Time, u32)>,
    before: Vec<Time>,
    answers: bool,
) -> Start {
    let value = &record.value;
    let began = before.first().copied();
    let last = taken.map(|(at, _)| at).max(began);
    let next = next(value, last, now);
    let cron = value.cron.as_deref();
    let words = cron.and_then(|line| Cron::parse(line)?.words());
    let rhythm = match (cron, &words, value.every_seconds) {
        (Some(_), Some(words), _) => words.clone(),
        (Some(line), None, _) => format!("cron {}", plain(line)),
        (None, _, Some(every)) => every_so_often(every),
        (None, _, None) if value.next_at.is_some() => "once".to_owned(),
        (None, _, None) => "no rhythm is told".to_owned(),
    };
    let often = u32::try_from(before.len()).unwrap_or(u32::MAX);
    // Nothing is late of which nothing can be heard.
    let missing = last.filter(|_| answers && value.enabled);
    let view = StartView {
        key: format!("told/{}", value.id),
        source,
        enabled: value.enabled,
        resource: Some(agent_text_in(Place::Name, value.resource.as_str())),
        task_kind: value.task_kind.as_deref().map(agent_text),
        rhythm,
        line: words.and(cron).map(plain),
        zone: cron.map(|_| plain(value.timezone.as_deref().unwrap_or("UTC"))),
        next_at: next.at(),
        untold: match next {
            Next::At(_) | Next::Off => None,
            Next::Untold(why) => Some(untold(why).to_owned()),
        },
        late_since: missing.and_then(|last| late(value, record.at, last, now)),
        seen: often.max(taken.map_or(0, |(_, count)| count)),
        last_at: last,
    };
    Start { view, before }
}

fn every_so_often(seconds: u64) -> String {
    match seconds {
        60 => "every minute".to_owned(),
        3_600 => "every hour".to_owned(),
        86_400 => "every day".to_owned(),
        _ => format!("every {}", span(i64::try_from(seconds).unwrap_or(i64::MAX))),
    }
}

fn untold(why: Untold) -> &'static str {
    match why {
        Untold::Nothing => "When it starts is not told.",
        Untold::Over => "Its one start is past.",
        Untold::NoStart => "No start was seen yet to count from.",
        Untold::Line => "This cron line cannot be read here.",
        Untold::Zone => "No such time zone is known here.",
        Untold::Never => "That time never comes.",
    }
}

fn observed(kind: &str, habit: &Habit, before: Vec<Time>, answers: bool) -> Start {
    let rhythm = match habit.pace {
        Pace::Every(seconds) => format!("about {}", every_so_often(seconds.unsigned_abs())),
        Pace::Daily { weekdays: true, .. } => "on weekdays at about one time".to_owned(),
        Pace::Daily { .. } => "every day at about one time".to_owned(),
    };
    let view = StartView {
        key: format!("seen/{kind}"),
        source: StartSource::Observed,
        enabled: true,
        resource: None,
        task_kind: (!kind.is_empty()).then(|| agent_text(kind)),
        rhythm,
        line: None,
        zone: None,
        next_at: habit.next,
        untold: match habit.next {
            Some(_) => None,
            None => Some("It was expected by now.".to_owned()),
        },
        late_since: habit.late_since.filter(|_| answers),
        seen: u32::try_from(habit.seen).unwrap_or(u32::MAX),
        last_at: Some(habit.last),
    };
    Start { view, before }
}

/// What was due and did not come, then two that start together, then the next one.
fn title(now: Time, all: &[AgentStartsView]) -> String {
    let starts = || {
        all.iter()
            .flat_map(|agent| agent.starts.iter().map(move |start| (agent, start)))
    };
    let late = starts().filter_map(|(agent, start)| Some((start.late_since?, agent)));
    if let Some((since, agent)) = late.min_by_key(|(since, _)| *since) {
        let ago = span(between(since, now));
        return format!(
            "{} was due {ago} ago and has not started",
            plain(agent.agent.as_str())
        );
    }
    let mut next: Vec<(Time, &str)> = starts()
        .filter_map(|(agent, start)| Some((start.next_at?, agent.key.as_str())))
        .collect();
    next.sort_unstable();
    let name = |key: &str| {
        let agent = all.iter().find(|agent| agent.key == key);
        agent.map_or_else(String::new, |agent| plain(agent.agent.as_str()))
    };
    let soon = next.partition_point(|(at, _)| *at <= now + SOON);
    let pair = next.get(..soon).and_then(together);
    match (pair, next.first()) {
        (Some([(_, a), (_, b)]), _) => {
            format!(
                "{} and {} start within 10 minutes of each other",
                name(a),
                name(b)
            )
        }
        (None, Some((_, agent))) => format!("{} starts next", name(agent)),
        (None, None) if all.is_empty() => "Nothing is known to start by itself".to_owned(),
        (None, None) => "When they start next is not told".to_owned(),
    }
}

//! Endpoints and the agents behind them: who answers, since when not, what each is doing.

use std::collections::BTreeMap;

use chrono::{Local, NaiveTime, TimeDelta, Utc};
use domain::{contract::AgentStatus, ids::EndpointId};
use store::{
    Result,
    tables::{agents, costs, dead_letters, endpoints, health, tasks},
};

use crate::live::{Hears, Pulse};

use super::{
    endpoint::abilities,
    pins,
    views::{AgentView, AgentsView, EndpointRequest, EndpointView, Health, HealthSlot, RawView},
    wording::{
        Glance, agent_text, between, count, failure, health as health_now, number, plain, span,
    },
};

/// Half hours of a day.
const SLOTS: i64 = 48;
/// The longest raw answer that is shown.
const LONGEST_RAW: usize = 256 * 1024;

/// How an endpoint is right now.
pub fn health_of(glance: Glance<'_>, id: &EndpointId) -> Result<Health> {
    let paused = endpoints::get(glance.reader, id)?.is_some_and(|row| row.paused);
    Ok(health_now(
        paused,
        glance.present.endpoints.get(id),
        glance.now,
    ))
}

/// All endpoints.
pub fn agents(glance: Glance<'_>) -> Result<AgentsView> {
    let endpoints = endpoints::list(glance.reader)?
        .into_iter()
        .map(|row| endpoint(glance, row))
        .collect::<Result<Vec<_>>>()?;
    Ok(AgentsView {
        title: title(&endpoints),
        endpoints,
    })
}

fn title(endpoints: &[EndpointView]) -> String {
    let asked: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| !endpoint.paused)
        .collect();
    let silent: Vec<_> = asked
        .iter()
        .filter(|endpoint| endpoint.health != Health::Online)
        .collect();
    match (asked.len(), silent.as_slice()) {
        (0, _) if endpoints.is_empty() => "No agents yet".to_owned(),
        (0, _) => "All agents are paused".to_owned(),
        (1, []) => "The agent answers".to_owned(),
        (all, []) => format!("All {} answer", number(all)),
        (all, [one]) => format!(
            "{} of {} answer; {} does not",
            number(all - 1),
            number(all),
            one.name
        ),
        (all, silent) => format!("{} of {} answer", number(all - silent.len()), number(all)),
    }
}

/// One endpoint with its agents.
pub fn endpoint(glance: Glance<'_>, row: endpoints::EndpointRow) -> Result<EndpointView> {
    let pulse = glance.present.endpoints.get(&row.id);
    let known = health::get(glance.reader, &row.id)?;
    let last_good_at = pulse
        .and_then(|pulse| pulse.last_good_at)
        .max(known.heard_at);
    let state = health_now(row.paused, pulse, glance.now);
    let error = pulse
        .and_then(|pulse| pulse.answer.as_ref()?.as_ref().err())
        .or(known.error.as_ref());
    let ago = last_good_at.map(|at| span(between(at, glance.now)));
    let sentence = match (state, &ago) {
        (Health::Online, _) => "It answers.".to_owned(),
        (Health::Paused, _) => costs::stopped(glance.reader, &row.id)?
            .unwrap_or_else(|| "Paused by you; it is not asked.".to_owned()),
        (Health::Unknown, None) => "It has not been asked yet.".to_owned(),
        (Health::Unknown, Some(ago)) => {
            format!("It has not been asked since the start. It last answered {ago} ago.")
        }
        (Health::Stale, Some(ago)) => format!("Nothing was heard for {ago}."),
        (_, ago) => {
            let why = error.map_or_else(|| "It does not answer.".to_owned(), failure);
            match ago {
                Some(ago) => {
                    format!("{why} It last answered {ago} ago; what it said then is kept.")
                }
                None => format!("{why} It has never answered."),
            }
        }
    };
    let impostor = pins::impostors(glance.reader)?;
    let agents = agents::of(glance.reader, &row.id)?
        .iter()
        .map(|record| agent(glance, record, last_good_at, impostor(&record.agent)))
        .collect::<Result<_>>()?;
    let failing = !matches!(state, Health::Online | Health::Paused);
    let (can, cannot) = abilities(&row.capabilities);
    Ok(EndpointView {
        health: state,
        sentence,
        detail: error
            .filter(|_| failing)
            .and_then(|error| error.detail.as_deref())
            .map(plain),
        last_good_at,
        next_poll_at: pulse
            .and_then(|pulse| pulse.next_poll_at)
            .filter(|_| !row.paused),
        interval_seconds: pulse.and_then(|pulse| pulse.interval_seconds),
        paused: row.paused,
        agents,
        history: history(glance, &row.id)?,
        pages_loaded: pulse.and_then(|pulse| pulse.pages_loaded),
        raw_available: pulse.is_some_and(|pulse| pulse.raw.is_some()),
        dead_letters: dead_letters::count(glance.reader, &row.id)?,
        today: today(glance, &row.id, pulse)?,
        pushes: pulse
            .filter(|_| state == Health::Online)
            .and_then(|pulse| pushes(pulse, &row.capabilities)),
        id: row.id,
        name: row.name,
        kind: row.kind,
        url: row.url,
        capabilities: can,
        cannot,
        warnings: row.warnings,
        credential: crate::secrets::sentence(&row.credential),
    })
}

/// What it cost since midnight, in a sentence.
fn today(glance: Glance<'_>, id: &EndpointId, pulse: Option<&Pulse>) -> Result<Option<String>> {
    let here = glance.now.with_timezone(&Local);
    let midnight = here.date_naive().and_time(NaiveTime::MIN);
    let midnight = midnight.and_local_timezone(Local).earliest();
    let midnight = midnight.map_or(glance.now, |at| at.with_timezone(&Utc));
    let known = costs::since(glance.reader, id, midnight)?;
    let new = pulse.map(|pulse| pulse.cost).unwrap_or_default();
    let polls = known.polls + new.polls;
    if polls == 0 {
        return Ok(None);
    }
    let seconds = (known.cpu + new.cpu()).as_secs_f64();
    let bytes = (known.bytes + new.bytes) as f64;
    let bytes = match bytes < 1e6 {
        true => format!("{:.0} kB", (bytes / 1e3).ceil()),
        false => format!("{:.1} MB", bytes / 1e6),
    };
    Ok(Some(format!(
        "Today: {}, {bytes}, {seconds:.1} CPU seconds, {}",
        count(whole(polls), "poll", "polls"),
        count(whole(known.items + new.items), "item", "items"),
    )))
}

fn whole(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How we learn that something changed there, in a sentence.
fn pushes(pulse: &Pulse, known: &[String]) -> Option<String> {
    let asked = format!("every {}", span(pulse.interval_seconds?.max(1.0) as i64));
    let can = known.iter().any(|word| word == "stream");
    Some(match pulse.hears {
        Hears::Open => {
            format!("It tells us at once when something changes, and is asked {asked} besides.")
        }
        Hears::Broken => format!(
            "It can tell us at once when something changes, but its stream broke off. Until it is back, it is asked {asked}."
        ),
        Hears::Nothing if can => {
            format!("It can tell us at once when an open task changes; now it is asked {asked}.")
        }
        Hears::Nothing | Hears::Refused => {
            format!("This server does not push; it is asked {asked}.")
        }
    })
}

fn agent(
    glance: Glance<'_>,
    record: &domain::change::AgentRecord,
    last_good_at: Option<domain::time::Time>,
    impostor: Option<String>,
) -> Result<AgentView> {
    let card = &record.card;
    let (doing, open_tasks, waiting) = tasks::load(glance.reader, &record.agent)?;
    let status = match card.status {
        _ if card.limits_only => "Only reports limits",
        AgentStatus::Online => "Takes work",
        AgentStatus::Paused => "Paused by itself",
        AgentStatus::Stopping => "Is stopping",
    };
    Ok(AgentView {
        agent: record.agent.agent.clone(),
        name: agent_text(&card.name),
        version: card.version.as_deref().map(plain),
        model: card.model.as_deref().map(plain),
        status: status.to_owned(),
        doing: doing.map(|row| agent_text(&row.record.value.title)),
        open_tasks,
        waiting,
        limits_only: card.limits_only,
        last_signal_at: card.heartbeat_at.min(last_good_at).or(last_good_at),
        impostor,
    })
}

fn history(glance: Glance<'_>, id: &EndpointId) -> Result<Vec<HealthSlot>> {
    let known: BTreeMap<_, _> = health::slots(glance.reader, id, glance.now, 24)?
        .into_iter()
        .map(|slot| (slot.at.timestamp(), slot))
        .collect();
    let this = glance.now.timestamp().div_euclid(health::SLOT_SECONDS) * health::SLOT_SECONDS;
    let begin = glance.now - TimeDelta::seconds(glance.now.timestamp() - this);
    let begin = begin - TimeDelta::nanoseconds(i64::from(glance.now.timestamp_subsec_nanos()));
    Ok((0..SLOTS)
        .rev()
        .map(|back| {
            let at = begin - TimeDelta::seconds(back * health::SLOT_SECONDS);
            let state = match known.get(&at.timestamp()).map(|slot| (slot.good, slot.bad)) {
                None | Some((0, 0)) => "none",
                Some((_, 0)) => "good",
                Some((0, _)) => "bad",
                Some(_) => "mixed",
            };
            HealthSlot {
                at,
                state: state.to_owned(),
            }
        })
        .collect())
}

/// The last answer as it came, cut when it is very long.
pub fn raw(glance: Glance<'_>, request: &EndpointRequest) -> RawView {
    let pulse = glance.present.endpoints.get(&request.endpoint);
    let body = pulse
        .and_then(|pulse| pulse.raw.as_deref())
        .unwrap_or_default();
    let mut end = body.len().min(LONGEST_RAW);
    while !body.is_char_boundary(end) {
        end -= 1;
    }
    RawView {
        text: agent_text(&body[..end]),
        at: pulse.and_then(|pulse| pulse.raw_at),
        truncated: end < body.len(),
    }
}

/// How many endpoints answer, of how many that are asked.
pub fn answering(glance: Glance<'_>) -> Result<(u32, u32)> {
    let mut answering = 0;
    let mut asked = 0;
    for row in endpoints::list(glance.reader)?
        .iter()
        .filter(|row| !row.paused)
    {
        asked += 1;
        let pulse = glance.present.endpoints.get(&row.id);
        answering += u32::from(health_now(false, pulse, glance.now) == Health::Online);
    }
    Ok((answering, asked))
}

/// `11 of 12 agents answer`.
pub fn answering_sentence(answering: u32, asked: u32) -> String {
    format!("{answering} of {} answer", count(asked, "agent", "agents"))
}

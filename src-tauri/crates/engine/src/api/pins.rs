//! Whom the rules mean by a bare agent id: the agent that had it when they were saved (contract, section 8, "Owner
//! identity"). Who uses the id elsewhere is another agent, and is shown as one.

use domain::{
    ids::{AgentRef, EndpointId},
    ownership::{Ownership, Pins},
};
use store::{
    Reader, Result,
    tables::{agents, endpoints, endpoints::EndpointRow, ownership},
};

use super::wording::plain;

/// For rules that are being saved. Who was meant before is meant again while that endpoint is watched; else the one that is
/// heard, and of several the one heard first.
pub(crate) fn pins(reader: &Reader, rules: &Ownership) -> Result<Pins> {
    let mut known = agents::list(reader)?;
    known.sort_by(|a, b| (a.first_heard_at, &a.agent).cmp(&(b.first_heard_at, &b.agent)));
    let before = ownership::pins(reader)?;
    let watched = endpoints::list(reader)?;
    let is_watched = |endpoint: &EndpointId| watched.iter().any(|row| row.id == *endpoint);
    let mut pins = Pins::new();
    for name in rules
        .named()
        .filter(|name| endpoint_in(&watched, name).is_none())
    {
        let meant = before.get(name).filter(|endpoint| is_watched(endpoint));
        let heard = || {
            let mut heard = known.iter().map(|record| &record.agent);
            let heard =
                heard.find(|agent| agent.agent.as_str() == name && is_watched(&agent.endpoint));
            heard.map(|agent| &agent.endpoint)
        };
        if let Some(endpoint) = meant.or_else(heard) {
            pins.insert(name.into(), endpoint.clone());
        }
    }
    Ok(pins)
}

/// Whom a name means that begins with an endpoint.
fn endpoint_in(watched: &[EndpointRow], name: &str) -> Option<EndpointId> {
    let (endpoint, _) = name.split_once('/')?;
    let row = watched.iter().find(|row| row.id.as_str() == endpoint);
    row.map(|row| row.id.clone())
}

/// Those of which the rules mean another agent by their ids: of the same id, or of the endpoint that their id begins with.
pub(super) fn others(reader: &Reader) -> Result<impl Fn(&AgentRef) -> Option<EndpointId>> {
    let (pins, watched) = (ownership::pins(reader)?, endpoints::list(reader)?);
    Ok(move |agent: &AgentRef| {
        let named = endpoint_in(&watched, agent.agent.as_str());
        let meant = named.or_else(|| pins.get(&agent.agent).cloned());
        meant.filter(|endpoint| *endpoint != agent.endpoint)
    })
}

/// That it uses the id of an agent which the rules mean, in a sentence.
pub(super) fn impostor(reader: &Reader, agent: &AgentRef) -> Result<Option<String>> {
    let Some(meant) = others(reader)?(agent) else {
        return Ok(None);
    };
    let row = endpoints::get(reader, &meant)?;
    let meant = row.map_or_else(|| meant.to_string(), |row| row.name);
    Ok(Some(format!(
        "It calls itself {}, but in your rules that name belongs to an agent of {meant}. This one has none of its rights.",
        plain(agent.agent.as_str())
    )))
}

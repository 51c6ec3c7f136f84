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

/// The endpoint that a name begins with.
fn endpoint_in<'w>(watched: &'w [EndpointRow], name: &str) -> Option<&'w EndpointId> {
    let (endpoint, _) = name.split_once('/')?;
    let mut ids = watched.iter().map(|row| &row.id);
    ids.find(|id| id.as_str() == endpoint)
}

/// For an agent whose id the rules give to another, of the same id or of the endpoint that the id begins with: a sentence.
pub(super) fn impostors(reader: &Reader) -> Result<impl Fn(&AgentRef) -> Option<String>> {
    let (pins, watched) = (ownership::pins(reader)?, endpoints::list(reader)?);
    Ok(move |agent: &AgentRef| {
        let named = endpoint_in(&watched, agent.agent.as_str());
        let meant = named.or_else(|| pins.get(&agent.agent))?;
        let other = (*meant != agent.endpoint).then_some(meant)?;
        let row = watched.iter().find(|row| row.id == *other);
        let of = row.map_or(other.as_str(), |row| row.name.as_str());
        Some(format!(
            "It calls itself {}, but in your rules that name belongs to an agent of {of}. This one has none of its rights.",
            plain(agent.agent.as_str())
        ))
    })
}

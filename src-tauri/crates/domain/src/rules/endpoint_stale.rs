//! `endpoint-stale`, and `offline` when it is our own network: no good answer for several polls in a row.
//!
//! Which of the two a run of errors means is settled when it has become long enough (`fleet/take.rs`).

use crate::{
    finding::Severity,
    fleet::{
        slots::{Said, Verdict},
        world::{EndpointState, HEARING, RunVerdict, World},
    },
    ids::EndpointId,
};

pub(crate) const RESOLUTIONS: &[(&str, &str)] =
    &[("retry", "Try again now"), ("pause", "Pause this agent")];
pub(crate) const OFFLINE: &[(&str, &str)] = &[("retry", "Try again now")];

pub(crate) fn check(world: &World, said: &mut Said) {
    let mut polled: Vec<_> = world.endpoints.iter().filter(|(_, s)| !s.paused).collect();
    polled.sort_by_key(|(id, _)| *id);
    for (id, state) in &polled {
        // Whether it is our own network depends on what the others answer, even if that is nothing new.
        let undecided = match state.run.verdict {
            None => state.run.silent(),
            verdict => verdict == Some(RunVerdict::Offline),
        };
        if let Some(first) = state.run.first.filter(|_| undecided) {
            if let Some(long) = state.run.long.filter(|_| state.run.verdict.is_none()) {
                said.due(long + HEARING);
            }
            let others = polled.iter().filter(|(other, s)| {
                other != id && s.contact.is_none_or(|contact| contact < first)
            });
            for (other, _) in others {
                said.await_answer(other);
            }
        }
        if state.run.verdict == Some(RunVerdict::Stale) {
            let verdict = Verdict::new("endpoint-stale", *id)
                .says(format!(
                    "{id} has not answered {} times in a row; what is shown of it may be old.",
                    state.run.count
                ))
                .offers(RESOLUTIONS);
            let mut verdict = name(verdict, id, state);
            verdict.whoever = true;
            said.push(verdict);
        }
    }
    let mut verdicts = polled.iter().map(|(_, state)| state.run.verdict);
    if verdicts.any(|verdict| verdict == Some(RunVerdict::Offline)) {
        let mut offline = Verdict::new("offline", "offline")
            .severity(Severity::Info)
            .says("No agent can be reached from this computer.")
            .offers(OFFLINE);
        offline.whoever = true;
        offline.needs_tasks = false;
        // All that cannot be reached, however often each was tried.
        for (id, state) in polled {
            let open = matches!(state.run.verdict, None | Some(RunVerdict::Offline));
            if state.run.count > 0 && open {
                offline = name(offline, id, state);
            }
        }
        said.push(offline);
    }
}

fn name(mut verdict: Verdict, id: &EndpointId, state: &EndpointState) -> Verdict {
    verdict.endpoints.insert(id.clone());
    verdict.agents.extend(state.agents.keys().cloned());
    verdict.evidence.extend(state.run.evidence.iter().cloned());
    verdict
}

//! `endpoint-stale`, and `offline` when it is our own network: no good answer for several polls in a row.
//!
//! Which of the two a run of errors means is settled when it has become long enough (`fleet/take.rs`).

use crate::{
    finding::Severity,
    fleet::{
        slots::{Said, Verdict},
        world::{EndpointState, ErrorRun, RunVerdict, World},
    },
    ids::EndpointId,
};

const RESOLUTIONS: &[(&str, &str)] = &[("retry", "Try again now"), ("pause", "Pause this agent")];

pub(crate) fn check(world: &World, said: &mut Said) {
    let mut offline = Verdict::new("offline", "offline")
        .severity(Severity::Info)
        .says("No agent can be reached from this computer.")
        .offers(&[("retry", "Try again now")]);
    offline.whoever = true;
    offline.needs_tasks = false;
    let mut any = false;
    let mut polled: Vec<_> = world.endpoints.iter().filter(|(_, s)| !s.paused).collect();
    polled.sort_by_key(|(id, _)| *id);
    for (id, state) in polled {
        // Whether it is our own network depends on what the others answer, even if that is nothing new.
        let undecided = match state.run.verdict {
            None => state.run.silent(),
            verdict => verdict == Some(RunVerdict::Offline),
        };
        if let Some(first) = state.run.first.filter(|_| undecided) {
            if let Some(long) = state.run.long.filter(|_| state.run.verdict.is_none()) {
                said.due(long + ErrorRun::WAIT);
            }
            let others = world.endpoints.iter().filter(|(other, s)| {
                *other != id && !s.paused && s.contact.is_none_or(|contact| contact < first)
            });
            for (other, _) in others {
                said.await_answer(other);
            }
        }
        match state.run.verdict {
            None | Some(RunVerdict::Refuted) => {}
            Some(RunVerdict::Offline) => any = true,
            Some(RunVerdict::Stale) => {
                let verdict = Verdict::new("endpoint-stale", id.as_str())
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
    }
    if any {
        // All that cannot be reached, however often each was tried.
        let silent = |state: &EndpointState| {
            let decided = [Some(RunVerdict::Stale), Some(RunVerdict::Refuted)];
            !state.paused && state.run.count > 0 && !decided.contains(&state.run.verdict)
        };
        let mut silent: Vec<_> = world.endpoints.iter().filter(|(_, s)| silent(s)).collect();
        silent.sort_by_key(|(id, _)| *id);
        said.push(
            silent
                .into_iter()
                .fold(offline, |offline, (id, state)| name(offline, id, state)),
        );
    }
}

fn name(mut verdict: Verdict, id: &EndpointId, state: &EndpointState) -> Verdict {
    verdict.endpoints.insert(id.clone());
    verdict.agents.extend(state.agents.keys().cloned());
    verdict.evidence.extend(state.run.evidence.iter().cloned());
    verdict
}

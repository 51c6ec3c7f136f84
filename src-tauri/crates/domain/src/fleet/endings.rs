//! What a complete snapshot no longer lists has ended (ruling "Merging"): taken in as if the agent had said so.
//!
//! How an ended item reads is `contract/ending.rs`; that the log of differences spells the same out is its reason.

use std::collections::BTreeSet;

use super::{merge, take::Intake};
use crate::{
    contract::{
        ClaimState, Document, EscalationStatus, List,
        ending::{ended_claim, ended_escalation, ended_schedule, ended_task},
    },
    ids::{AgentRef, EscalationId},
};

impl Intake<'_> {
    pub(super) fn end_tasks(&mut self, agent: &AgentRef, document: &Document) {
        let ids = || ids(&document.tasks, |t| t.id.to_string());
        let Some(listed) = self.complete(agent, document, "tasks", ids) else {
            return;
        };
        let from = AgentRef {
            endpoint: agent.endpoint.clone(),
            agent: "".into(),
        };
        let all = self.world.live_of.range(from..);
        let own = all.take_while(|(of, _)| of.endpoint == agent.endpoint);
        let own: BTreeSet<_> = own.flat_map(|(_, tasks)| tasks).collect();
        let gone: Vec<_> = own
            .into_iter()
            .filter_map(|task| Some((task, self.world.tasks.get(task)?)))
            .filter(|(task, entry)| entry.live() && !listed.contains(task.task.as_str()))
            .map(|(task, entry)| (task.clone(), ended_task(&entry.value, &entry.seen.raw)))
            .collect();
        for (task, item) in gone {
            merge::task(self, agent, &task, &item);
        }
    }

    pub(super) fn end_claims(&mut self, agent: &AgentRef, document: &Document) {
        let ids = || ids(&document.claims, |c| c.id.clone());
        let Some(listed) = self.complete(agent, document, "claims", ids) else {
            return;
        };
        let from = (agent.endpoint.clone(), String::new());
        let own = self.world.claims.range(from..);
        let gone: Vec<_> = own
            .take_while(|((endpoint, _), _)| *endpoint == agent.endpoint)
            .filter(|((_, id), entry)| {
                entry.value.state != ClaimState::Released && !listed.contains(id)
            })
            .map(|(_, entry)| ended_claim(&entry.value, &entry.seen.raw))
            .collect();
        for item in gone {
            self.claim(agent, &item);
        }
    }

    pub(super) fn end_escalations(&mut self, agent: &AgentRef, document: &Document) {
        let ids = || ids(&document.escalations, |e| e.id.to_string());
        let Some(listed) = self.complete(agent, document, "escalations", ids) else {
            return;
        };
        let from = (agent.endpoint.clone(), EscalationId::from(""));
        let own = self.world.escalations.range(from..);
        let gone: Vec<_> = own
            .take_while(|((endpoint, _), _)| *endpoint == agent.endpoint)
            .filter(|((_, id), entry)| {
                entry.value.status == EscalationStatus::Pending && !listed.contains(id.as_str())
            })
            .map(|(_, entry)| ended_escalation(&entry.value, &entry.seen.raw))
            .collect();
        for item in gone {
            self.escalation(agent, &item);
        }
    }

    pub(super) fn end_schedules(&mut self, agent: &AgentRef, document: &Document) {
        let ids = || ids(&document.schedules, |s| s.id.clone());
        let Some(listed) = self.complete(agent, document, "schedules", ids) else {
            return;
        };
        let from = (agent.endpoint.clone(), String::new());
        let own = self.world.schedules.range(from..);
        let gone: Vec<_> = own
            .take_while(|((endpoint, _), _)| *endpoint == agent.endpoint)
            .filter(|((_, id), entry)| entry.value.enabled && !listed.contains(id))
            .map(|(_, entry)| ended_schedule(&entry.value, &entry.seen.raw))
            .collect();
        for item in gone {
            self.schedule(agent, &item);
        }
    }

    /// All ids of a list, when the snapshot is complete with this page. Bad items are listed, too.
    fn complete(
        &mut self,
        agent: &AgentRef,
        document: &Document,
        list: &'static str,
        ids: impl FnOnce() -> Option<Vec<String>>,
    ) -> Option<BTreeSet<String>> {
        if !document.snapshot {
            return None;
        }
        let endpoint = self.world.endpoints.entry(agent.endpoint.clone());
        let state = endpoint.or_default();
        // What was not read may well be listed.
        let more = [&state.left_out, &document.left_out].map(|of| of.get(list).copied());
        let whole = more.into_iter().flatten().all(|more| more == 0);
        let pages = &mut state.pages;
        if let Some(ids) = ids() {
            let bad = document.problems.iter().filter(|p| p.list == list);
            let listed = pages.entry(list).or_default();
            listed.extend(ids);
            listed.extend(bad.filter_map(|p| p.item.clone()));
        }
        let next = document.next_cursor.as_deref();
        let last = next.unwrap_or_default().is_empty();
        last.then(|| pages.remove(list)).flatten().filter(|_| whole)
    }
}

fn ids<T>(list: &List<T>, id: impl Fn(&T) -> String) -> Option<Vec<String>> {
    let items = list.as_ref()?;
    Some(items.iter().map(|item| id(&item.value)).collect())
}

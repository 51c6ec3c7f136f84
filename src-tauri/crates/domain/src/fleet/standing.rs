//! How each agent has done so far: days without trouble, decisions about it, open conflicts. And who joined when.
//!
//! Days are calendar days in UTC: a file has no other clock. Whether that is enough is `rules/readiness.rs`.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};

use super::{
    slots::{Subject, key_of},
    take::Intake,
    world::{AgentState, EndpointState, Index, World},
};
use crate::{
    decision::Outcome,
    finding::{Evidence, Finding, FindingState, Severity},
    ids::{AgentId, AgentRef, EndpointId, EscalationId},
    snapshot::saved,
    time::Time,
};

/// Days kept.
const DAYS: usize = 400;

/// Agents heard in that time belong to the fleet there was.
const EXISTING: TimeDelta = TimeDelta::seconds(600);

/// Findings of two agents against each other.
const CONFLICTS: [&str; 7] = [
    "context-divergence",
    "deadlock",
    "double-booking",
    "duplicate-work",
    "output-collision",
    "trigger-collision",
    "write-conflict",
];

/// An agent's record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// Considered decisions.
    pub(crate) decisions: u32,
    /// Of them, yes or no to what was proposed.
    pub(crate) judged: u32,
    /// Of those, yes without a change.
    pub(crate) approved: u32,
    /// Open findings of warning or more that name it, by the keys of their episodes: since when, and whether it is a conflict.
    open: Index<u128, (Time, bool)>,
    /// Days with such a finding.
    troubled: BTreeSet<NaiveDate>,
}
saved! { Standing { decisions, judged, approved, open, troubled } }

/// One day of one endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Day {
    good: u32,
    bad: u32,
    away: TimeDelta,
}
saved! { Day { good, bad, away } }

/// Someone who is to join, named by the person.
#[derive(Clone, Debug)]
pub(crate) struct Joining {
    pub(crate) at: Time,
    pub(crate) evidence: Evidence,
}
saved! { Joining { at, evidence } }

/// Who came after whom.
#[derive(Clone, Debug)]
pub(crate) struct Newcomer {
    pub(crate) id: AgentId,
    /// Once heard.
    pub(crate) agent: Option<AgentRef>,
    pub(crate) before: Option<AgentRef>,
}

impl World {
    /// Agents that joined after the fleet there was.
    pub(crate) fn newcomers(&self) -> Vec<Newcomer> {
        let Some(began) = self.began else {
            return vec![];
        };
        let late = |at: Time| at - began >= EXISTING;
        let mut found = vec![];
        for (agent, state) in self.agents_in_order() {
            if state.card.limits_only {
                continue;
            }
            let named = self.joining.get(&agent.agent).map(|joining| joining.at);
            let at = named.map_or(state.first_heard, |named| named.min(state.first_heard));
            if late(at) {
                found.push(Newcomer {
                    id: agent.agent.clone(),
                    agent: Some(agent.clone()),
                    before: self.last_before(at),
                });
            }
        }
        for (id, joining) in &self.joining {
            let heard = self.first_endpoint.contains_key(id);
            if !heard && late(joining.at) {
                found.push(Newcomer {
                    id: id.clone(),
                    agent: None,
                    before: self.last_before(joining.at),
                });
            }
        }
        found
    }

    fn last_before(&self, at: Time) -> Option<AgentRef> {
        let earlier = self
            .agents
            .iter()
            .filter(|(_, s)| s.first_heard < at && !s.card.limits_only);
        let last = earlier.max_by_key(|(agent, state)| (state.first_heard, *agent));
        last.map(|(agent, _)| agent.clone())
    }

    /// What an agent still lacks, in words; empty when it is ready for another to join.
    pub(crate) fn lacks(&self, agent: &AgentRef) -> Vec<String> {
        let Some(state) = self.agents.get(agent) else {
            return vec![];
        };
        let mut lacks = vec![];
        let days = self.stable_days(agent, state);
        if days < self.settings.readiness_days {
            let wanted = self.settings.readiness_days;
            lacks.push(format!("{days} of {wanted} stable days"));
        }
        let none = Standing::default();
        let standing = self.standing.get(agent).unwrap_or(&none);
        let wanted = self.settings.readiness_min_decisions;
        if standing.decisions < wanted {
            lacks.push(format!("{} of {wanted} decisions", standing.decisions));
        }
        let share = f64::from(standing.approved) / f64::from(standing.judged.max(1));
        if share <= self.settings.readiness_approval_rate {
            lacks.push(format!("{:.0} % approved without edits", share * 100.0));
        }
        if standing.open.values().any(|(_, conflict)| *conflict) {
            lacks.push("an open conflict".to_owned());
        }
        lacks
    }

    /// Whole days on which it was there and named in nothing bad.
    fn stable_days(&self, agent: &AgentRef, state: &AgentState) -> u32 {
        let today = self.now.date_naive();
        let first = state.first_heard.date_naive();
        let none = Standing::default();
        let standing = self.standing.get(agent).unwrap_or(&none);
        let since = standing.open.values().map(|(at, _)| at.date_naive()).min();
        let end = since.map_or(today, |since| since.min(today));
        let days = self.endpoints.get(&agent.endpoint).map(|e| &e.days);
        let stable = first
            .iter_days()
            .take_while(|day| *day < end)
            .filter(|day| !standing.troubled.contains(day))
            .filter(|day| {
                let of_endpoint = days.and_then(|days| days.get(day));
                of_endpoint.is_none_or(|there| self.reachable(*day, there))
            })
            .take(self.settings.readiness_days as usize);
        u32::try_from(stable.count()).unwrap_or(u32::MAX)
    }

    /// Nine tenths of the polls told of, or of the time: good polls that change nothing may be left out of a file.
    fn reachable(&self, day: NaiveDate, there: &Day) -> bool {
        let polls = there.good + there.bad;
        if there.bad * 10 <= polls {
            return true;
        }
        let Some((first, last)) = self.days.get(&day) else {
            return true;
        };
        there.away * 10 <= *last - *first && there.away > TimeDelta::zero()
    }

    /// Keeps which findings name whom. True: somebody's standing changed.
    pub(crate) fn stand(&mut self, finding: &Finding) -> bool {
        // Waiting for an agent to be ready is not its fault.
        if finding.severity < Severity::Warning || finding.rule == "readiness" {
            return false;
        }
        for id in &finding.agents {
            for endpoint in &finding.endpoints {
                let agent = AgentRef {
                    endpoint: endpoint.clone(),
                    agent: id.clone(),
                };
                if !self.agents.contains_key(&agent) {
                    continue;
                }
                let standing = self.standing.entry(agent).or_default();
                match finding.state {
                    FindingState::Open => {
                        let conflict = CONFLICTS.contains(&finding.rule.as_str());
                        let open = standing.open.entry(key_of(&finding.episode));
                        open.or_insert((finding.at, conflict));
                    }
                    FindingState::Cleared => {
                        if let Some((since, _)) = standing.open.remove(&key_of(&finding.episode)) {
                            let last = finding.at.date_naive();
                            let days = since.date_naive().iter_days();
                            let days = days.take_while(|day| *day <= last);
                            standing.troubled.extend(days.take(DAYS));
                            while standing.troubled.len() > DAYS {
                                standing.troubled.pop_first();
                            }
                        }
                    }
                }
            }
        }
        true
    }

    /// A line was read: the day is that long.
    pub(crate) fn lasts(&mut self, at: Time) {
        let day = self.days.entry(at.date_naive()).or_insert((at, at));
        day.1 = day.1.max(at);
        if self.days.len() > DAYS {
            self.days.pop_first();
        }
    }
}

impl EndpointState {
    /// A poll was good or not.
    pub(super) fn polled(&mut self, now: Time, good: bool) {
        let day = self.days.entry(now.date_naive()).or_default();
        if good {
            day.good += 1;
        } else {
            day.bad += 1;
        }
        if self.days.len() > DAYS {
            self.days.pop_first();
        }
    }
}

impl Intake<'_> {
    /// An endpoint was away from then until now.
    pub(super) fn was_away(&mut self, endpoint: &EndpointId, from: Time) {
        let now = self.now;
        let state = self.world.endpoints.entry(endpoint.clone()).or_default();
        let mut at = from;
        for _ in 0..DAYS {
            let next = at
                .date_naive()
                .succ_opt()
                .and_then(|d| d.and_hms_opt(0, 0, 0));
            let Some(next) = next else { return };
            let end = next.and_utc().min(now);
            if at >= end {
                return;
            }
            let day = state.days.entry(at.date_naive()).or_default();
            day.away += end - at;
            at = end;
        }
    }

    /// The person decided about something an agent asked, or (`stands` is false) took that back.
    pub(super) fn judged(
        &mut self,
        endpoint: &EndpointId,
        escalation: &EscalationId,
        outcome: Outcome,
        stands: bool,
    ) {
        let key = (endpoint.clone(), escalation.clone());
        let asked = self.world.escalations.get(&key);
        let agent = asked.map(|entry| entry.seen.agent.clone()).or_else(|| {
            let mut agents = self.world.endpoints.get(endpoint)?.agents.keys();
            let only = agents.next().filter(|_| agents.next().is_none())?;
            Some(AgentRef {
                endpoint: endpoint.clone(),
                agent: only.clone(),
            })
        });
        let Some(agent) = agent else {
            return;
        };
        let standing = self.world.standing.entry(agent).or_default();
        let (judged, approved) = match outcome {
            Outcome::Approve | Outcome::ApproveAlways => (1, 1),
            Outcome::Edit | Outcome::Reject | Outcome::Cancel => (1, 0),
            Outcome::Respond => (0, 0),
        };
        let count = |counted: &mut u32, by: u32| {
            *counted = if stands {
                counted.saturating_add(by)
            } else {
                counted.saturating_sub(by)
            };
        };
        count(&mut standing.decisions, 1);
        count(&mut standing.judged, judged);
        count(&mut standing.approved, approved);
        self.mark(Subject::Readiness);
    }

    /// The person says who joins.
    pub(super) fn joins(&mut self, agent: &AgentId) {
        let joining = Joining {
            at: self.now,
            evidence: Evidence {
                line: self.line,
                pointer: "/person".into(),
            },
        };
        let known = self.world.joining.entry(agent.clone());
        known.or_insert(joining);
        self.mark(Subject::Readiness);
    }
}

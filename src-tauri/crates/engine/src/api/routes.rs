//! Who has what needs a person, by when, by which rule, and what happens when nobody answers: `domain::route` in words.

use domain::{
    change::EscalationRecord,
    finding::Finding,
    ids::AgentId,
    ownership::{Ownership, names},
    route::{Fallback, Route, route},
    time::Time,
};
use store::{Reader, Result, tables::ownership};

use super::{settings, views::RouteView, wording::plain};

const ORDINALS: [&str; 10] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
];

/// The rules that say so, read once.
pub struct Routes {
    /// The document they stand in, for whoever needs more of it.
    pub rules: Ownership,
    hours: f64,
}

impl Routes {
    /// Those in force.
    pub fn read(reader: &Reader) -> Result<Self> {
        let rules = ownership::current(reader)?;
        Ok(Self {
            rules: rules.map_or_else(Ownership::default, |version| version.document),
            hours: settings::rules(reader)?.escalation_sla_hours,
        })
    }

    /// Where a question goes. Its due time is the one that the rules gave it.
    pub fn of_question(&self, record: &EscalationRecord) -> Route {
        let (endpoints, agents) = (
            [record.agent.endpoint.clone()],
            [record.agent.agent.clone()],
        );
        let found = route(
            &self.rules.exceptions,
            &endpoints,
            &agents,
            record.created_at,
            self.hours,
        );
        Route {
            due: record.due_at,
            fallback: Fallback::read(&record.fallback),
            ..found
        }
    }

    /// Where something goes that was found at `since`.
    pub fn of_finding(&self, finding: &Finding, since: Time) -> Route {
        let (endpoints, agents) = (&finding.endpoints, &finding.agents);
        route(&self.rules.exceptions, endpoints, agents, since, self.hours)
    }

    /// A question's route, for its card.
    pub fn question_view(&self, record: &EscalationRecord, route: &Route, now: Time) -> RouteView {
        let hard = record.value.expires_at.is_some_and(|end| end <= route.due);
        let at_due = if hard && route.overdue(now) {
            "It has expired; nothing was done.".to_owned()
        } else if hard {
            "It expires; nothing is done.".to_owned()
        } else {
            question_at_due(route, now)
        };
        self.view(
            route,
            std::slice::from_ref(&record.agent.agent),
            at_due,
            now,
        )
    }

    /// A finding's route, for its card.
    pub fn finding_view(&self, finding: &Finding, route: &Route, now: Time) -> RouteView {
        let at_due = finding_at_due(route, now);
        self.view(route, &finding.agents, at_due, now)
    }

    fn view(&self, route: &Route, agents: &[AgentId], at_due: String, now: Time) -> RouteView {
        let holder = plain(names::person(route.holder(now)));
        RouteView {
            rule: route.rule.and_then(|at| u32::try_from(at + 1).ok()),
            because: self.because(route, agents, now),
            to: holder,
            due_at: route.due,
            overdue: route.overdue(now),
            priority: route.priority,
            at_due,
        }
    }

    fn because(&self, route: &Route, agents: &[AgentId], now: Time) -> String {
        if route.holder(now) != route.to {
            return format!(
                "It went on from {} when it was due.",
                plain(names::person(&route.to))
            );
        }
        let Some(at) = route.rule else {
            let agents: Vec<_> = agents.iter().map(|name| plain(name.as_str())).collect();
            return match agents.as_slice() {
                [] => "No exception rule is about it, so it comes to you.".to_owned(),
                some => format!(
                    "No exception rule names {}, so it comes to you.",
                    names::list(some)
                ),
            };
        };
        match (self.rules.exceptions.len(), ORDINALS.get(at)) {
            (1, _) => "By the one exception rule there is.".to_owned(),
            (_, Some(ordinal)) => format!("By the {ordinal} exception rule."),
            (_, None) => format!("By exception rule {}.", at + 1),
        }
    }
}

fn handed_over(name: &str, overdue: bool) -> String {
    let name = plain(names::person(name));
    if overdue {
        format!("Nobody answered in time, so it went to {name}. Nothing else was done.")
    } else {
        format!("It goes to {name}; nothing is done.")
    }
}

fn question_at_due(route: &Route, now: Time) -> String {
    let overdue = route.overdue(now);
    match (&route.fallback, overdue) {
        (Fallback::Refuse, false) => "It is refused.".to_owned(),
        // A question has no place among refused outputs.
        (Fallback::DeadLetter | Fallback::Hold, false) => {
            "It stays open; nothing is done.".to_owned()
        }
        (Fallback::HandOver(name), _) => handed_over(name, overdue),
        (Fallback::Refuse, true) => {
            "Nobody answered in time, so it is refused once. Nothing was approved.".to_owned()
        }
        (Fallback::DeadLetter | Fallback::Hold, true) => {
            "Nobody answered in time. It stays open; nothing was done.".to_owned()
        }
    }
}

fn finding_at_due(route: &Route, now: Time) -> String {
    let overdue = route.overdue(now);
    match (&route.fallback, overdue) {
        (Fallback::HandOver(name), _) => handed_over(name, overdue),
        (Fallback::Hold, false) => "It stays open; nothing is done.".to_owned(),
        // What was found has happened: there is nothing in it that could be refused or put away by itself.
        (Fallback::Refuse | Fallback::DeadLetter, false) => {
            "It stays open: what was found cannot be refused. Nothing is allowed by itself."
                .to_owned()
        }
        (_, true) => "Nobody settled it in time. It stays open; nothing was done.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{ownership::Exception, route::ME};

    use super::*;

    fn routes(rules: usize) -> Routes {
        let exception = |at: usize| Exception {
            agents: vec![format!("a{at}")],
            route_to: (at > 0).then(|| format!("owner{at}")),
            sla_hours: Some(1.0),
            priority: None,
            fallback: (at == 2).then(|| "hand-over:ann".to_owned()),
        };
        Routes {
            rules: Ownership {
                exceptions: (0..rules).map(exception).collect(),
                ..Ownership::default()
            },
            hours: 24.0,
        }
    }

    fn told(rules: usize, agent: &str, seconds: i64) -> (String, String, String) {
        let routes = routes(rules);
        let since = chrono::DateTime::UNIX_EPOCH;
        let finding: Finding = serde_json::from_value(serde_json::json!({
            "at": since, "rule": "stall", "severity": "warning", "endpoints": ["e"], "agents": [agent], "tasks": [],
            "summary": "", "evidence": [], "resolutions": [], "state": "open",
        }))
        .expect("a finding");
        let now = since + chrono::TimeDelta::seconds(seconds);
        let view = routes.finding_view(&finding, &routes.of_finding(&finding, since), now);
        (view.to, view.because, view.at_due)
    }

    #[test]
    fn the_rule_and_what_happens_are_told_in_plain_words() {
        for (rules, agent, seconds, to, because, at_due) in [
            (
                0,
                "a0",
                0,
                ME,
                "No exception rule names a0, so it comes to you.",
                "It stays open; nothing is done.",
            ),
            (
                1,
                "a0",
                0,
                ME,
                "By the one exception rule there is.",
                "It stays open; nothing is done.",
            ),
            (
                3,
                "a1",
                0,
                "owner1",
                "By the second exception rule.",
                "It stays open; nothing is done.",
            ),
            (
                3,
                "a1",
                3_600,
                "owner1",
                "By the second exception rule.",
                "Nobody settled it in time. It stays open; nothing was done.",
            ),
            (
                3,
                "a2",
                3_599,
                "owner2",
                "By the third exception rule.",
                "It goes to ann; nothing is done.",
            ),
            (
                3,
                "a2",
                3_600,
                "ann",
                "It went on from owner2 when it was due.",
                "Nobody answered in time, so it went to ann. Nothing else was done.",
            ),
            (
                12,
                "a11",
                0,
                "owner11",
                "By exception rule 12.",
                "It stays open; nothing is done.",
            ),
        ] {
            let expected = (
                names::person(to).to_owned(),
                because.to_owned(),
                at_due.to_owned(),
            );
            assert_eq!(told(rules, agent, seconds), expected);
        }
    }
}

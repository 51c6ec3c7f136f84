//! Who gets what nobody foresaw, by when, in which order, and what happens when nobody answers: the exceptions of the
//! ownership document, for the questions of agents and for what was found alike.
//!
//! Nothing here ever approves.

use std::cmp::Ordering;

use crate::{
    ids::{AgentId, EndpointId},
    ownership::{Exception, pattern},
    time::Time,
};

/// The person at the keyboard, to whom everything goes that no rule gives to somebody else.
pub const ME: &str = "me";

/// What happens when nobody has answered in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// It stays open.
    Hold,
    /// It is refused.
    Refuse,
    /// It is put among the dead letters.
    DeadLetter,
    /// It goes to somebody else.
    HandOver(String),
}

impl Fallback {
    /// Its word in the ownership document; an unknown one is the safest, which is to hold.
    pub fn read(word: &str) -> Self {
        match word {
            "refuse" => Self::Refuse,
            "dead-letter" => Self::DeadLetter,
            other => match other.strip_prefix("hand-over:").map(str::trim) {
                Some(name) if !name.is_empty() => Self::HandOver(name.to_owned()),
                _ => Self::Hold,
            },
        }
    }
}

/// Where something goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The rule that says so, counted from 0; none where no rule names an agent of it.
    pub rule: Option<usize>,
    /// To whom; `me` is the person at the keyboard.
    pub to: String,
    /// Smaller is first. Without one it comes after all that have one.
    pub priority: Option<i64>,
    /// By when.
    pub due: Time,
    /// What happens then.
    pub fallback: Fallback,
}

impl Route {
    /// Whether nobody answered in time.
    pub fn overdue(&self, now: Time) -> bool {
        now >= self.due
    }

    /// Who has it: once it is overdue, whom it was to be handed over to.
    pub fn holder(&self, now: Time) -> &str {
        match &self.fallback {
            Fallback::HandOver(name) if self.overdue(now) => name,
            _ => &self.to,
        }
    }

    /// Which of two comes first: by priority, then by due time.
    pub fn order(&self, other: &Self) -> Ordering {
        let key = |route: &Self| (route.priority.unwrap_or(i64::MAX), route.due);
        key(self).cmp(&key(other))
    }
}

/// The first exception rule that names an agent of it, known by its bare id or as `endpoint/agent`.
pub fn rule_of<'e>(
    exceptions: &'e [Exception],
    endpoints: &[EndpointId],
    agents: &[AgentId],
) -> Option<(usize, &'e Exception)> {
    exceptions.iter().enumerate().find(|(_, exception)| {
        exception.agents.iter().any(|pattern| {
            agents.iter().any(|agent| {
                let (bare, mut at) = (agent.as_str(), endpoints.iter());
                pattern::matches_agent(pattern, "", bare)
                    || at.any(|e| pattern::matches_agent(pattern, e.as_str(), bare))
            })
        })
    })
}

/// Where something goes that began at `since`; `hours` is how long the person has where no rule says it.
pub fn route(
    exceptions: &[Exception],
    endpoints: &[EndpointId],
    agents: &[AgentId],
    since: Time,
    hours: f64,
) -> Route {
    let found = rule_of(exceptions, endpoints, agents);
    let rule = found.map(|(_, rule)| rule);
    let hours = rule.and_then(|rule| rule.sla_hours).unwrap_or(hours);
    let hours = if hours.is_nan() { 24.0 } else { hours };
    let millis = (hours.clamp(0.0, 1_000_000.0) * 3_600_000.0) as i64;
    let to = rule.and_then(|rule| rule.route_to.as_deref());
    Route {
        rule: found.map(|(at, _)| at),
        to: to
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .unwrap_or(ME)
            .to_owned(),
        priority: rule.and_then(|rule| rule.priority),
        due: since + chrono::TimeDelta::milliseconds(millis),
        fallback: rule
            .and_then(|rule| rule.fallback.as_deref())
            .map_or(Fallback::Hold, Fallback::read),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn exception(agents: &[&str], to: Option<&str>, hours: Option<f64>) -> Exception {
        Exception {
            agents: agents.iter().map(|name| (*name).to_owned()).collect(),
            route_to: to.map(str::to_owned),
            sla_hours: hours,
            priority: None,
            fallback: None,
        }
    }

    fn of(exceptions: &[Exception], endpoints: &[&str], agents: &[&str]) -> Route {
        let endpoints: Vec<EndpointId> = endpoints.iter().map(|name| (*name).into()).collect();
        let agents: Vec<AgentId> = agents.iter().map(|name| (*name).into()).collect();
        route(exceptions, &endpoints, &agents, at(0), 24.0)
    }

    #[test]
    fn what_no_rule_names_goes_to_the_person_for_a_day() {
        for rules in [vec![], vec![exception(&["other"], Some("ann"), Some(1.0))]] {
            let route = of(&rules, &["desk"], &["billing"]);
            assert_eq!((route.rule, route.to.as_str()), (None, "me"));
            assert_eq!(route.due, at(86_400));
            assert_eq!(route.fallback, Fallback::Hold);
        }
    }

    #[test]
    fn the_first_rule_that_names_any_agent_of_it_counts() {
        let rules = [
            exception(&["far/billing"], Some("eve"), None),
            exception(&["desk/collect*"], Some("ann"), Some(2.0)),
            exception(&["*"], Some("bob"), Some(4.0)),
        ];
        for (endpoints, agents, rule, to, due) in [
            (&["desk"][..], &["billing"][..], 2, "bob", 4),
            (&["desk"], &["billing", "collections"], 1, "ann", 2),
            (&["far"], &["billing"], 0, "eve", 24),
            (&["far"], &["collections"], 2, "bob", 4),
            // A finding may name agents whose endpoint is not known.
            (&[], &["collections"], 2, "bob", 4),
        ] {
            let route = of(&rules, endpoints, agents);
            assert_eq!((route.rule, route.to.as_str()), (Some(rule), to));
            assert_eq!(route.due, at(due * 3_600), "{agents:?}");
        }
        // A finding without any agent, of an endpoint that never answered.
        assert_eq!(of(&rules, &["desk"], &[]).rule, None);
    }

    #[test]
    fn nothing_that_happens_by_itself_approves() {
        for (word, expected) in [
            ("hold", Fallback::Hold),
            ("refuse", Fallback::Refuse),
            ("dead-letter", Fallback::DeadLetter),
            ("hand-over:ann", Fallback::HandOver("ann".to_owned())),
            ("hand-over:", Fallback::Hold),
            ("approve", Fallback::Hold),
            ("", Fallback::Hold),
        ] {
            assert_eq!(Fallback::read(word), expected, "{word}");
        }
    }

    #[test]
    fn what_is_handed_over_changes_hands_when_it_is_due() {
        let mut rule = exception(&["*"], Some("me"), Some(1.0));
        rule.fallback = Some("hand-over:ann".to_owned());
        let route = of(&[rule], &["desk"], &["billing"]);
        for (seconds, overdue, holder) in [(3_599, false, "me"), (3_600, true, "ann")] {
            let now = at(seconds);
            assert_eq!((route.overdue(now), route.holder(now)), (overdue, holder));
        }
    }

    fn any_route() -> impl Strategy<Value = Route> {
        (prop::option::of(-3_i64..3), 0_i64..5).prop_map(|(priority, due)| Route {
            rule: None,
            to: ME.to_owned(),
            priority,
            due: at(due),
            fallback: Fallback::Hold,
        })
    }

    fn any_exception() -> impl Strategy<Value = Exception> {
        let names = prop::sample::select(vec!["a", "b*", "e/a", "*", "**", "f/*", "", "/"]);
        (
            prop::collection::vec(names.prop_map(str::to_owned), 0..3),
            prop::option::of(prop::sample::select(vec!["me", "ann", ""])),
            prop::option::of(prop::num::f64::ANY),
            prop::option::of(-5_i64..5),
            prop::option::of(prop::sample::select(vec![
                "hold",
                "refuse",
                "approve",
                "hand-over:x",
            ])),
        )
            .prop_map(|(agents, to, sla_hours, priority, fallback)| Exception {
                agents,
                route_to: to.map(str::to_owned),
                sla_hours,
                priority,
                fallback: fallback.map(str::to_owned),
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

        /// Priority decides, the due time only between equals; and the order is one.
        #[test]
        fn priority_comes_before_the_due_time(routes in prop::collection::vec(any_route(), 0..8)) {
            let mut sorted = routes.clone();
            sorted.sort_by(Route::order);
            for pair in sorted.windows(2) {
                let priority = |route: &Route| route.priority.unwrap_or(i64::MAX);
                prop_assert!(priority(&pair[0]) <= priority(&pair[1]));
                if priority(&pair[0]) == priority(&pair[1]) {
                    prop_assert!(pair[0].due <= pair[1].due);
                }
            }
            let mut backwards = routes;
            backwards.reverse();
            backwards.sort_by(Route::order);
            let keys = |routes: &[Route]| routes.iter().map(|r| (r.priority, r.due)).collect::<Vec<_>>();
            prop_assert_eq!(keys(&backwards), keys(&sorted));
        }

        /// Somebody always has it, by some time that is not before it began; rules after the one that counts, and the
        /// order in which agents and endpoints are named, change nothing.
        #[test]
        fn everything_has_an_owner_and_a_due_time(
            rules in prop::collection::vec(any_exception(), 0..4), more in any_exception(),
            agents in prop::collection::vec(prop::sample::select(vec!["a", "b", "bb", "c"]), 0..3),
            endpoints in prop::collection::vec(prop::sample::select(vec!["e", "f"]), 0..3),
        ) {
            let found = of(&rules, &endpoints, &agents);
            prop_assert!(!found.to.is_empty() && !found.holder(at(i64::from(i32::MAX))).is_empty());
            prop_assert!(found.due >= at(0));
            prop_assert!(found.due <= at(0) + TimeDelta::hours(1_000_000));
            let mut turned = (agents.clone(), endpoints.clone());
            turned.0.reverse();
            turned.1.reverse();
            prop_assert_eq!(&of(&rules, &turned.1, &turned.0), &found);
            if let Some(rule) = found.rule {
                let mut longer = rules.clone();
                longer.push(more);
                prop_assert_eq!(&of(&longer, &endpoints, &agents), &found);
                prop_assert_eq!(of(&rules[..rule], &endpoints, &agents).rule, None);
            }
        }
    }
}

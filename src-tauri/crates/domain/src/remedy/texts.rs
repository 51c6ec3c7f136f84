//! Who is told, and what: texts a person can copy and send as they are. Each is for one agent and says only what that one
//! is to do; who that is, is read from the items the finding rests on.
//!
//! What an endpoint takes from here is no text; those steps are in `remedy.rs`.

use std::collections::BTreeMap;

use chrono::SubsecRound;
use serde_json::Value;

use super::{Maker, Plan, Step, TaskNow, Witness};
use crate::{
    ownership::names,
    time::{self, Time},
};

/// Between two starts that are to be staggered, minutes.
const APART: usize = 10;

type Planned = Result<Plan, String>;

/// A claim that a finding rests on.
struct Claim<'a> {
    agent: &'a str,
    id: &'a str,
    resource: &'a str,
    since: Option<Time>,
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Maker<'_> {
    fn witnesses(&self, list: &str) -> impl Iterator<Item = &Witness> {
        let witnesses = self.scene.witnesses.iter();
        witnesses.filter(move |witness| witness.list == list)
    }

    /// Of the finding's claims, those that are held, the oldest first.
    fn claims(&self) -> Vec<Claim<'_>> {
        let held = self
            .witnesses("claims")
            .filter(|witness| text(&witness.item, "state") == "held");
        let mut claims: Vec<_> = held
            .map(|witness| Claim {
                agent: witness.agent.as_str(),
                id: text(&witness.item, "id"),
                resource: text(&witness.item, "resource"),
                since: text(&witness.item, "acquireTime").parse().ok(),
            })
            .collect();
        claims.sort_by_key(|claim| claim.since);
        claims
    }

    /// One task that started again, not two of one work.
    pub(super) fn began_again(&self) -> bool {
        matches!(self.scene.finding.tasks.as_slice(), [one] if *one == self.scene.finding.subject)
    }

    /// What to send where no request to cancel is taken: one text for each agent.
    pub(super) fn stop(&self, tasks: &[&TaskNow]) -> Vec<Step> {
        let mut titles: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for task in tasks {
            let of = titles.entry(task.agent.as_str()).or_default();
            of.push(format!("\"{}\"", task.title));
        }
        let steps = titles.into_iter().map(|(agent, titles)| Step::Tell {
            agent: agent.to_owned(),
            text: format!("Stop {}, and report it as canceled.", names::list(&titles)),
        });
        steps.collect()
    }

    pub(super) fn release_youngest(&self) -> Planned {
        let claims = self.claims();
        let youngest = claims
            .last()
            .ok_or("None of its claims is held any more, so there is nothing to release.")?;
        let (id, resource) = (youngest.id, youngest.resource);
        let summary = &self.scene.finding.summary;
        Ok(self.tell(vec![youngest.agent.to_owned()], |_| {
            format!("{summary} Yours is the youngest claim. Release {id} on {resource} now, and take it again later.")
        }))
    }

    /// One of two claims is to go.
    pub(super) fn release(&self, keep_older: bool) -> Planned {
        let claims = self.claims();
        let (Some(older), Some(newer)) = (claims.first(), claims.get(1)) else {
            return Err(
                "Only one of the claims is held any more, so there is nothing to release."
                    .to_owned(),
            );
        };
        let (keeps, goes) = if keep_older {
            (older, newer)
        } else {
            (newer, older)
        };
        Ok(self.tell(vec![goes.agent.to_owned()], |_| {
            format!(
                "{} and you hold {} at once. {} keeps it. Release {} now.",
                keeps.agent, goes.resource, keeps.agent, goes.id
            )
        }))
    }

    /// Whoever decides about exceptions of the agent; that may be the person, who then goes to the task.
    pub(super) fn escalate(&self) -> Planned {
        let agents = self.agents();
        let mut exceptions: Vec<_> = self.scene.rules.exceptions.iter().collect();
        exceptions.sort_by_key(|rule| rule.priority.unwrap_or(i64::MAX));
        let routes = exceptions.into_iter().find(|rule| {
            let mut patterns = rule.agents.iter();
            patterns.any(|name| name == "*" || agents.iter().any(|agent| agent == name))
        });
        match routes.and_then(|rule| rule.route_to.as_deref()) {
            Some(other) if other != "me" => {
                let titles = self.titles();
                let agents = names::list(&agents);
                Ok(self.tell(vec![other.to_owned()], |_| {
                    format!("{titles} of {agents} takes longer than was allowed. Decide whether it goes on.")
                }))
            }
            _ => {
                let task = self
                    .scene
                    .tasks
                    .first()
                    .ok_or("Its task is not known any more.")?;
                let task = &task.task;
                Ok(self.open(&["board", task.endpoint.as_str(), task.task.as_str()]))
            }
        }
    }

    pub(super) fn pool(&self, resolution: &str) -> Planned {
        let pool = self.scene.finding.pool.clone().unwrap_or_default();
        // Also who came to use it after it was found.
        let users = self.scene.users;
        let mut agents = self.agents();
        agents.extend(users.iter().map(|(agent, _)| agent.to_string()));
        agents.sort_unstable();
        agents.dedup();
        let until = self.scene.reset_at.map_or_else(
            || "it starts anew".to_owned(),
            |at| time::format(at.trunc_subsecs(0)),
        );
        let hold = |agents| {
            self.tell(agents, |agent| {
                format!("{agent}, send nothing to {pool} until {until}.")
            })
        };
        match resolution {
            "hold-largest" | "stagger" | "hold-all" if agents.is_empty() => {
                Err("No agent is known that uses it.".to_owned())
            }
            "hold-largest" => {
                let largest = users.first().filter(|(_, share)| *share > 0.0);
                let largest = match (largest, agents.as_slice()) {
                    (Some((largest, _)), _) => largest.to_string(),
                    (None, [only]) => only.clone(),
                    (None, _) => return Err("It cannot be told who uses most of it.".to_owned()),
                };
                Ok(hold(vec![largest]))
            }
            "stagger" => {
                let first = agents.first().cloned().unwrap_or_default();
                if agents.len() < 2 {
                    return Err(
                        "Only one agent uses it, so there is nothing to stagger.".to_owned()
                    );
                }
                let later = agents.iter().skip(1).cloned().collect();
                Ok(self.tell(later, |agent| {
                    let place = agents.iter().position(|one| one == agent).unwrap_or(1);
                    let minutes = place * APART;
                    format!(
                        "{agent}, start your next work on {pool} {minutes} minutes after {first}."
                    )
                }))
            }
            "raise" => {
                let provider = pool.split('/').next().unwrap_or_default().to_owned();
                let of = match agents.as_slice() {
                    [] => String::new(),
                    agents => format!(" for {}", names::list(agents)),
                };
                Ok(self.tell(vec![provider], |_| {
                    format!("The limit of {pool} is not enough{of}. Please raise it.")
                }))
            }
            _ => Ok(hold(agents)),
        }
    }

    pub(super) fn next_stage(&self) -> String {
        let handed = self
            .witnesses("handoffs")
            .map(|witness| text(&witness.item, "to"));
        let stages = self.scene.tasks.iter();
        let stages = stages.filter_map(|task| task.next_stage.as_deref());
        let named = handed.chain(stages).find(|name| !name.is_empty());
        let named = named.unwrap_or("the next stage");
        let mut stages = self.scene.rules.stages.iter();
        let stage = stages.find(|stage| stage.name == named);
        stage.map_or_else(|| named.to_owned(), |stage| stage.agent.clone())
    }

    /// Who did what the finding is about: whose task it names first, else who read or wrote; not who was in its way.
    pub(super) fn acting(&self) -> Vec<String> {
        let subject = &self.scene.finding.subject;
        let of_task = self.scene.tasks.iter().find(|task| {
            let rest = subject.strip_prefix(&task.task.to_string());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        if let Some(task) = of_task {
            return vec![task.agent.to_string()];
        }
        let mut agents: Vec<_> = self
            .witnesses("accesses")
            .map(|witness| witness.agent.to_string())
            .collect();
        agents.sort_unstable();
        agents.dedup();
        if agents.is_empty() {
            self.agents()
        } else {
            agents
        }
    }

    /// The reader takes the newest version, now or from then on.
    pub(super) fn read_again(&self, hold: bool) -> Planned {
        let resource = self.resource()?;
        let readers = self.acting();
        let writers: Vec<_> = self
            .agents()
            .into_iter()
            .filter(|agent| !readers.contains(agent))
            .collect();
        if hold {
            return Ok(self.tell(readers, |_| {
                format!("{resource} has changed since you read it. Hold what comes out of it, read it again, and then go on.")
            }));
        }
        let (reading, writing) = (names::list(&readers), names::list(&writers));
        Ok(self.tell(self.agents(), |agent| {
            if readers.iter().any(|reader| reader == agent) {
                format!("Read {resource} only after {writing} has said that it is finished.")
            } else {
                format!("Say when {resource} is finished. {reading} reads it only after that.")
            }
        }))
    }

    pub(super) fn context(&self, resolution: &str) -> Planned {
        let mut entries: Vec<_> = self.witnesses("context").collect();
        entries.sort_by_key(|entry| entry.item.get("seq").and_then(Value::as_u64));
        let newest = entries.last().ok_or("The entries are not kept any more.")?;
        let document = text(&newest.item, "documentId");
        if resolution == "reconcile" {
            return Ok(self.open(&["context", document]));
        }
        let is_first = resolution == "adopt-first";
        let [one, two] = entries.as_slice() else {
            return Ok(self.catch_up(newest, is_first));
        };
        let (holds, goes) = if is_first { (one, two) } else { (two, one) };
        let key = text(&holds.item, "key");
        let value = holds.item.get("value").cloned().unwrap_or_default();
        Ok(self.nothing_asked(vec![Step::Append {
            document: document.to_owned(),
            key: key.to_owned(),
            value: value.to_string(),
            sentence: format!(
                "What {} wrote holds, and not what {} wrote.",
                holds.agent, goes.agent
            ),
        }]))
    }

    /// One has not read what was decided: either it does, or what was decided is taken back.
    fn catch_up(&self, missed: &Witness, is_read: bool) -> Plan {
        let document = text(&missed.item, "documentId");
        let seq = missed.item.get("seq").and_then(Value::as_u64);
        let number = seq.unwrap_or_default();
        if !is_read {
            return self.tell(vec![missed.agent.to_string()], |_| {
                format!("{} What was decided before holds. Append an entry to {document} that supersedes number {number}.", self.scene.finding.summary)
            });
        }
        let read = |item: &Value| {
            let refs = item.get("contextRefs").and_then(Value::as_array)?;
            let mut refs = refs.iter();
            let known = refs.find(|one| text(one, "documentId") == document)?;
            known.get("seq").and_then(Value::as_u64)
        };
        let behind = self
            .witnesses("tasks")
            .filter(|task| read(&task.item) < seq);
        let mut behind: Vec<_> = behind.map(|task| task.agent.to_string()).collect();
        behind.sort_unstable();
        behind.dedup();
        self.tell(behind, |_| {
            format!("Read {document} up to number {number} before you go on, and check what you have done against it.")
        })
    }
}

//! What each way out of a finding does, step by step: a task cancelled at its agent, a rule changed, a text to send.
//!
//! Pure: it plans from what is known and does nothing. What cannot be done from here is a text for the person to send,
//! and is called that; nothing pretends. Who a text is for, and what stands in it, is in `remedy/texts.rs`.

mod texts;

use serde_json::Value;

use crate::{
    finding::Finding,
    ids::{AgentId, EndpointId, TaskRef},
    ownership::{Ownership, Rule, edit::Edit, names, pattern},
    time::Time,
};

/// Every way out that any rule offers, the proposed one first.
pub const OFFERED: &[(&str, &[&str])] = &[
    (
        "trigger-collision",
        &["owner-keeps", "change-owner", "add-sequence"],
    ),
    ("write-conflict", &["keep-owner", "transfer", "ask-owner"]),
    ("stale-read", &["hold", "accept", "wait-for-signal"]),
    ("output-collision", &["sequence", "one-owner"]),
    ("sequence-violation", &["pause", "accept", "rerun"]),
    ("unknown-dependency", &["accept"]),
    (
        "silent-completion",
        &["notify", "mark-handed-over", "reopen"],
    ),
    ("stall", &["nudge", "cancel", "wait"]),
    ("timeout", &["extend", "cancel", "escalate"]),
    ("deadlock", &["release", "cancel"]),
    ("double-booking", &["keep-older", "keep-newer", "split"]),
    ("duplicate-work", &["keep-older", "merge"]),
    ("quota-pressure", &["hold-largest", "stagger", "raise"]),
    ("quota-exhausted", &["hold-all"]),
    ("overload", &["wait"]),
    (
        "context-divergence",
        &["adopt-first", "adopt-second", "reconcile"],
    ),
    ("schema-violation", &["send-back", "accept-once", "edit"]),
    ("retry-storm", &["pause", "cancel"]),
    ("scope-overreach", &["deny", "add"]),
    ("undeclared-agent", &["add"]),
    ("unowned-resource", &["assign-writer", "assign"]),
    ("escalation-overdue", &["answer", "reassign", "extend"]),
    ("endpoint-stale", &["retry", "pause"]),
    ("offline", &["retry"]),
    ("readiness", &["wait", "resolve-overlaps", "override"]),
    ("review-due", &["mark-reviewed"]),
];

/// Whether the rule's way out is one of [`OFFERED`].
pub(crate) fn is_offered(rule: &str, resolution: &str) -> bool {
    let of_rule = OFFERED.iter().find(|(name, _)| *name == rule);
    of_rule.is_some_and(|(_, ways)| ways.contains(&resolution))
}

/// A task of the finding, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskNow {
    /// Which.
    pub task: TaskRef,
    /// Whose.
    pub agent: AgentId,
    /// Its title, made visible.
    pub title: String,
    /// Neither done nor failed.
    pub live: bool,
    /// Who takes it on when it is done.
    pub next_stage: Option<String>,
    /// When it began, or was made.
    pub since: Option<Time>,
    /// Its endpoint takes a request to cancel.
    pub cancels: bool,
}

/// An item of a status document that the finding rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// Who reported it.
    pub agent: AgentId,
    /// In which list.
    pub list: String,
    /// As it was reported.
    pub item: Value,
}

/// What the plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The finding.
    pub finding: &'a Finding,
    /// The rules in force.
    pub rules: &'a Ownership,
    /// The finding's tasks.
    pub tasks: &'a [TaskNow],
    /// What it rests on, as far as that is an item.
    pub witnesses: &'a [Witness],
    /// Everyone in the fleet.
    pub fleet: &'a [AgentId],
    /// When the pool of the finding starts anew.
    pub reset_at: Option<Time>,
    /// Who uses that pool, and their shares of what was used lately, the largest first.
    pub users: &'a [(AgentId, f64)],
    /// Now.
    pub now: Time,
}

/// What the person said besides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// For [`Asks::Agent`].
    pub agent: Option<String>,
    /// For [`Asks::Until`].
    pub until: Option<Time>,
    /// For [`Asks::Reason`].
    pub reason: Option<String>,
}

/// What must be said before it can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// One of the finding's agents.
    Agent,
    /// An agent that the finding does not name.
    Other,
    /// Until when.
    Until,
    /// Why.
    Reason,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The agent is asked to cancel the task.
    Cancel(TaskRef),
    /// The endpoint is not asked any more until the person lets it.
    Pause(EndpointId),
    /// The endpoint is asked at once.
    AskNow(EndpointId),
    /// The rules are changed and saved as a new version.
    Rules(Vec<Edit>),
    /// The finding comes back then.
    Later(Time),
    /// What it is about has time until then.
    Extend(Time),
    /// A refused item goes back to who sent it, with all that is wrong.
    SendBack,
    /// The entry that settles a contradiction goes to an agent that appends it.
    Append {
        /// Of which document.
        document: String,
        /// About what.
        key: String,
        /// What holds, as JSON.
        value: String,
        /// The same in a sentence.
        sentence: String,
    },
    /// A text for the person to send, because no endpoint takes it from here.
    Tell {
        /// To whom.
        agent: String,
        /// What.
        text: String,
    },
    /// Goes on elsewhere: a place in the window, its screen first.
    Open(Vec<String>),
    /// An agent joins although the newest one is not ready.
    Override(AgentId),
    /// The person read all the rules.
    Reviewed,
    /// The finding is settled.
    Settle,
}

/// A plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What must be said first; with it missing the steps show what would be done with the first choice.
    pub asks: Asks,
    /// In this order; the first that fails ends it.
    pub steps: Vec<Step>,
}

/// The plan of one of the finding's resolutions; `Err` says why it cannot be done now.
pub fn plan(scene: Scene<'_>, resolution: &str, choice: &Choice) -> Result<Plan, String> {
    let maker = Maker { scene, choice };
    match (scene.finding.rule.as_str(), resolution) {
        ("trigger-collision", "owner-keeps") => maker.owner_keeps(),
        ("trigger-collision", "change-owner") | ("output-collision", "one-owner") => {
            maker.give(Asks::Agent)
        }
        ("trigger-collision", "add-sequence") | ("output-collision", "sequence") => {
            maker.sequence()
        }
        ("write-conflict", "transfer") | ("unowned-resource", "assign-writer") => maker.to_writer(),
        ("unowned-resource", "assign") => maker.give_away(),
        ("scope-overreach", "add") => maker.to_writer(),
        ("write-conflict", "keep-owner") => {
            let resource = maker.resource()?;
            let owner = maker
                .owner()
                .ok_or("Nobody owns it, so there is no owner's value to keep.")?
                .to_owned();
            Ok(maker.tell_then_settle(maker.others(&owner), |_| {
                format!(
                    "Your write to {resource} is not accepted. {owner} is its only writer. Read it again, and ask {owner} for the change."
                )
            }))
        }
        ("write-conflict", "ask-owner") => {
            let resource = maker.resource()?;
            let owner = maker
                .owner()
                .ok_or("Nobody owns it, so there is nobody to ask.")?
                .to_owned();
            let others = names::list(&maker.others(&owner));
            Ok(maker.tell_then_settle(vec![owner], |_| {
                format!("{others} wrote to {resource}, which is yours. Read it again and apply the change if it is right.")
            }))
        }
        ("scope-overreach", "deny") => {
            let resource = maker.resource()?;
            Ok(maker.tell_then_settle(maker.agents(), |_| {
                format!("You wrote to {resource}, which is outside of what you declared. Do not write there again.")
            }))
        }
        ("undeclared-agent", _) => Ok(maker.tell(maker.agents(), |_| {
            "Publish what you read and write in the member \"ownership\" of your status document.".to_owned()
        })),
        ("duplicate-work", "keep-older") => maker.cancel_all_but(First::Oldest),
        ("duplicate-work", "merge") if maker.began_again() => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("{titles} began again under the same attempt. Count a new attempt, or go on with the old one.")
            }))
        }
        ("duplicate-work", "merge") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("You work on the same thing: {titles}. Agree which of you goes on, hand over what the other has, and end the other task.")
            }))
        }
        ("deadlock", "cancel") => maker.cancel_all_but(First::AllButYoungest),
        ("deadlock", "release") => maker.release_youngest(),
        ("double-booking", "keep-older") => maker.release(true),
        ("double-booking", "keep-newer") => maker.release(false),
        ("double-booking", "split") => Ok(maker.open(&["ownership"])),
        ("stall" | "retry-storm" | "timeout", "cancel") => maker.cancel_all(),
        ("stall", "nudge") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("Nothing has been seen of {titles} for a while. Say how far it is, or what you wait for.")
            }))
        }
        ("timeout", "escalate") => maker.escalate(),
        ("timeout" | "escalation-overdue", "extend") => Ok(maker.until(Step::Extend)),
        ("stall" | "overload" | "readiness", "wait") => Ok(maker.until(Step::Later)),
        ("quota-exhausted" | "quota-pressure", _) => maker.pool(resolution),
        ("silent-completion", "mark-handed-over") | ("sequence-violation" | "stale-read" | "unknown-dependency", "accept")
        | ("schema-violation", "accept-once") => Ok(maker.settle()),
        ("silent-completion", "notify") => {
            let titles = maker.titles();
            Ok(maker.tell(vec![maker.next_stage()], |_| format!("{titles} is done and waits for you.")))
        }
        ("silent-completion", "reopen") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("{titles} was completed, and nobody was told. Open it again and hand it over.")
            }))
        }
        ("sequence-violation", "pause" | "rerun") => {
            let summary = &scene.finding.summary;
            Ok(maker.tell_then_settle(maker.acting(), |_| match resolution {
                "pause" => format!("{summary} Stop until that is done, and then go on."),
                _ => format!("{summary} Do it again when that is done."),
            }))
        }
        ("stale-read", "hold" | "wait-for-signal") => maker.read_again(resolution == "hold"),
        ("schema-violation", "send-back") => Ok(maker.nothing_asked(vec![Step::SendBack])),
        ("schema-violation", "edit") => Ok(maker.open_subject("dead-letters", 3)),
        ("context-divergence", _) => maker.context(resolution),
        ("endpoint-stale" | "offline", "retry") => Ok(maker.each_endpoint(Step::AskNow)),
        ("endpoint-stale" | "retry-storm", "pause") => Ok(maker.each_endpoint(Step::Pause)),
        ("escalation-overdue", "answer") => {
            Ok(maker.open(&["inbox", &format!("e:{}", scene.finding.subject)]))
        }
        ("escalation-overdue", "reassign") | ("readiness", "resolve-overlaps") => {
            Ok(maker.open(&["ownership"]))
        }
        ("readiness", "override") => Ok(Plan {
            asks: Asks::Reason,
            steps: vec![Step::Override(scene.finding.subject.as_str().into())],
        }),
        ("review-due", _) => Ok(Plan {
            asks: Asks::Nothing,
            steps: vec![Step::Rules(vec![Edit::MarkReviewed { at: scene.now }]), Step::Reviewed],
        }),
        _ => Err("There is no such way out.".to_owned()),
    }
}

/// Which tasks go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Oldest,
    AllButYoungest,
}

struct Maker<'a> {
    scene: Scene<'a>,
    choice: &'a Choice,
}

impl Maker<'_> {
    fn resource(&self) -> Result<String, String> {
        self.scene
            .finding
            .resource
            .clone()
            .ok_or_else(|| "The finding names no resource.".to_owned())
    }

    fn agents(&self) -> Vec<String> {
        let agents = self.scene.finding.agents.iter();
        agents.map(|agent| agent.as_str().to_owned()).collect()
    }

    fn others(&self, owner: &str) -> Vec<String> {
        let mut others = self.agents();
        others.retain(|agent| agent != bare(owner));
        others
    }

    /// Position of the rule that covers the resource.
    fn rule(&self) -> Option<(u32, &Rule)> {
        let resource = self.scene.finding.resource.as_deref()?;
        let rules = &self.scene.rules.rules;
        let exact = rules.iter().position(|rule| rule.resource == resource);
        let at = exact.or_else(|| {
            rules
                .iter()
                .position(|rule| pattern::matches(&rule.resource, resource))
        })?;
        Some((u32::try_from(at).ok()?, rules.get(at)?))
    }

    fn owner(&self) -> Option<&str> {
        self.rule().and_then(|(_, rule)| rule.owner.as_deref())
    }

    fn live(&self) -> Vec<&TaskNow> {
        let mut live: Vec<_> = self.scene.tasks.iter().filter(|task| task.live).collect();
        live.sort_by(|a, b| (a.since, &a.task).cmp(&(b.since, &b.task)));
        live
    }

    fn titles(&self) -> String {
        let titles: Vec<_> = self
            .scene
            .tasks
            .iter()
            .map(|task| format!("\"{}\"", task.title))
            .collect();
        if titles.is_empty() {
            "Your work".to_owned()
        } else {
            names::list(&titles)
        }
    }

    fn cancel(&self, tasks: Vec<&TaskNow>) -> Result<Plan, String> {
        if tasks.is_empty() {
            return Err("No task of it runs any more, so there is nothing to cancel.".to_owned());
        }
        let (asked, told): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| task.cancels);
        let mut steps: Vec<_> = asked
            .into_iter()
            .map(|task| Step::Cancel(task.task.clone()))
            .collect();
        steps.extend(self.stop(&told));
        if happened(&self.scene.finding.rule) {
            steps.push(Step::Settle);
        }
        Ok(self.nothing_asked(steps))
    }

    fn cancel_all(&self) -> Result<Plan, String> {
        self.cancel(self.live())
    }

    fn cancel_all_but(&self, first: First) -> Result<Plan, String> {
        if self.began_again() {
            return Err(
                "It is one task that began again, so there is no other to cancel.".to_owned(),
            );
        }
        let mut live = self.live();
        match first {
            First::Oldest if live.len() > 1 => drop(live.remove(0)),
            First::Oldest => live.clear(),
            First::AllButYoungest => live = live.pop().into_iter().collect(),
        }
        self.cancel(live)
    }

    fn owner_keeps(&self) -> Result<Plan, String> {
        let live = self.live();
        let keeper = match self.owner() {
            Some(owner) => bare(owner).to_owned(),
            None => match live.first() {
                Some(first) => first.agent.to_string(),
                None => String::new(),
            },
        };
        let others: Vec<_> = live
            .into_iter()
            .filter(|task| task.agent.as_str() != keeper)
            .collect();
        if self.scene.finding.tasks.is_empty() {
            let resource = self.resource()?;
            return Ok(self.tell_then_settle(self.others(&keeper), |_| {
                format!("{resource} is {keeper}'s to react to. Take it out of what starts you.")
            }));
        }
        if others.is_empty() {
            // Both are over: there is nothing left to stop.
            return Ok(self.settle());
        }
        self.cancel(others)
    }

    /// Gives the resource to an agent the person names.
    fn give(&self, asks: Asks) -> Result<Plan, String> {
        let agents = self.agents();
        let agent = self
            .choice
            .agent
            .clone()
            .or_else(|| agents.into_iter().next());
        let agent = agent.ok_or("There is nobody to give it to.")?;
        Ok(Plan {
            asks,
            steps: vec![Step::Rules(vec![self.own(&agent)?]), Step::Settle],
        })
    }

    /// Gives it to an agent that did not write it.
    fn give_away(&self) -> Result<Plan, String> {
        let others = others(self.scene.finding, self.scene.fleet);
        let first = others.first().map(|agent| agent.as_str());
        let agent = self.choice.agent.as_deref().or(first);
        let agent = agent.ok_or("There is no other agent to assign it to.")?;
        Ok(Plan {
            asks: Asks::Other,
            steps: vec![Step::Rules(vec![self.own(agent)?]), Step::Settle],
        })
    }

    fn to_writer(&self) -> Result<Plan, String> {
        let owner = self.owner().unwrap_or_default().to_owned();
        let others = self.others(&owner);
        match others.as_slice() {
            [writer] => {
                Ok(self.nothing_asked(vec![Step::Rules(vec![self.own(writer)?]), Step::Settle]))
            }
            _ => self.give(Asks::Agent),
        }
    }

    fn own(&self, agent: &str) -> Result<Edit, String> {
        let agent = agent.to_owned();
        Ok(match self.rule() {
            Some((rule, _)) => Edit::Own { rule, agent },
            None => Edit::AddRule {
                value: Rule {
                    resource: self.resource()?,
                    owner: Some(agent),
                    ..Rule::default()
                },
            },
        })
    }

    fn sequence(&self) -> Result<Plan, String> {
        let agents = self.agents();
        let edits = match self.rule() {
            Some((rule, _)) => agents
                .into_iter()
                .map(|agent| Edit::Sequence { rule, agent })
                .collect(),
            None => vec![Edit::AddRule {
                value: Rule {
                    resource: self.resource()?,
                    sequence: agents,
                    ..Rule::default()
                },
            }],
        };
        Ok(self.nothing_asked(vec![Step::Rules(edits), Step::Settle]))
    }

    fn until(&self, step: fn(Time) -> Step) -> Plan {
        let in_an_hour = self.scene.now + chrono::TimeDelta::hours(1);
        Plan {
            asks: Asks::Until,
            steps: vec![step(self.choice.until.unwrap_or(in_an_hour))],
        }
    }

    fn tell(&self, agents: Vec<String>, text: impl Fn(&str) -> String) -> Plan {
        let steps = agents
            .into_iter()
            .map(|agent| Step::Tell {
                text: text(&agent),
                agent,
            })
            .collect();
        self.nothing_asked(steps)
    }

    fn tell_then_settle(&self, agents: Vec<String>, text: impl Fn(&str) -> String) -> Plan {
        let mut plan = self.tell(agents, text);
        plan.steps.push(Step::Settle);
        plan
    }

    fn open(&self, place: &[&str]) -> Plan {
        let place = place.iter().map(|part| (*part).to_owned()).collect();
        self.nothing_asked(vec![Step::Open(place)])
    }

    /// The screen of what the subject names in so many parts.
    fn open_subject(&self, screen: &str, parts: usize) -> Plan {
        let mut place = vec![screen];
        place.extend(self.scene.finding.subject.splitn(parts, '/'));
        self.open(&place)
    }

    fn settle(&self) -> Plan {
        self.nothing_asked(vec![Step::Settle])
    }

    fn each_endpoint(&self, step: fn(EndpointId) -> Step) -> Plan {
        let endpoints = self.scene.finding.endpoints.iter();
        self.nothing_asked(endpoints.cloned().map(step).collect())
    }

    fn nothing_asked(&self, steps: Vec<Step>) -> Plan {
        Plan {
            asks: Asks::Nothing,
            steps,
        }
    }
}

/// Agents of the fleet that the finding does not name.
pub fn others<'a>(finding: &Finding, fleet: &'a [AgentId]) -> Vec<&'a AgentId> {
    let others = fleet.iter().filter(|agent| !finding.agents.contains(agent));
    others.collect()
}

/// Rules whose findings stay until the person settles them (contract, section 7, "Clearing").
fn happened(rule: &str) -> bool {
    matches!(
        rule,
        "trigger-collision"
            | "write-conflict"
            | "output-collision"
            | "sequence-violation"
            | "scope-overreach"
    )
}

fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

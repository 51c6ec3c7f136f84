//! What each way out of a finding does, step by step: a task cancelled at its agent, a rule changed, a text to send.
//!
//! Pure: it plans from what is known and does nothing. What cannot be done from here is a text for the person to send,
//! and is called that; nothing pretends.

use crate::{
    finding::Finding,
    ids::{AgentId, EndpointId, TaskRef},
    ownership::{Ownership, Rule, edit::Edit, names, pattern},
    time::Time,
};

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
    /// When the pool of the finding starts anew.
    pub reset_at: Option<Time>,
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
    /// A text for the person to send, because no endpoint takes it from here.
    Tell {
        /// To whom.
        agent: String,
        /// What.
        text: String,
    },
    /// Goes on elsewhere: a place in the window.
    Open(String),
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
    let resource = scene.finding.resource.as_deref();
    match (scene.finding.rule.as_str(), resolution) {
        ("trigger-collision", "owner-keeps") => maker.owner_keeps(),
        ("trigger-collision", "change-owner") | ("output-collision", "one-owner") => {
            maker.give(Asks::Agent)
        }
        ("trigger-collision", "add-sequence") | ("output-collision", "sequence") => {
            maker.sequence()
        }
        ("write-conflict", "transfer") | ("unowned-resource", "assign-writer") => maker.to_writer(),
        ("unowned-resource", "assign") => maker.give(Asks::Agent),
        ("scope-overreach", "add") => maker.to_writer(),
        ("write-conflict", "keep-owner") => {
            let resource = maker.resource()?;
            let owner = maker.owner().unwrap_or("its owner").to_owned();
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
        ("duplicate-work", "merge") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("You work on the same thing: {titles}. Agree which of you goes on, hand over what the other has, and end the other task.")
            }))
        }
        ("deadlock", "cancel") => maker.cancel_all_but(First::AllButYoungest),
        ("deadlock", "release") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("You wait for each other in a circle: {titles}. The one who claimed last releases its claim now and takes it again later.")
            }))
        }
        ("double-booking", "keep-older" | "keep-newer") => {
            let which = if resolution == "keep-older" { "newer" } else { "older" };
            let resource = resource.unwrap_or("the same resource").to_owned();
            Ok(maker.tell(maker.agents(), |_| {
                format!("Two exclusive claims on {resource} are held at once. The {which} claim is to be released now.")
            }))
        }
        ("double-booking", "split") => Ok(maker.open("ownership")),
        ("stall" | "retry-storm" | "timeout", "cancel") => maker.cancel_all(),
        ("stall", "nudge") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("Nothing has been seen of {titles} for a while. Say how far it is, or what you wait for.")
            }))
        }
        ("timeout", "escalate") => {
            let titles = maker.titles();
            let owner = maker.owner().unwrap_or("me").to_owned();
            Ok(maker.tell(vec![owner], |_| {
                format!("{titles} takes longer than was allowed. Decide whether it goes on.")
            }))
        }
        ("stall", "wait") | ("timeout" | "escalation-overdue", "extend") => Ok(maker.later()),
        ("overload", "wait") => Ok(maker.later()),
        ("quota-exhausted" | "quota-pressure", _) => {
            let pool = scene.finding.pool.clone().unwrap_or_default();
            let until = scene
                .reset_at
                .map_or_else(|| "it starts anew".to_owned(), crate::time::format);
            Ok(maker.tell(maker.agents(), |agent| match resolution {
                "raise" => format!("The limit {pool} is not enough for {agent} and the others. Raise it with the provider."),
                "stagger" => format!("{agent}, start your next work on {pool} some minutes later than the others."),
                _ => format!("{agent}, send nothing to {pool} until {until}."),
            }))
        }
        ("silent-completion", "mark-handed-over") | ("sequence-violation" | "stale-read" | "unknown-dependency", "accept")
        | ("schema-violation", "accept-once") => Ok(maker.settle()),
        ("silent-completion", "notify") => {
            let titles = maker.titles();
            let stage = maker.next_stage();
            Ok(maker.tell(vec![stage], |_| format!("{titles} is done and waits for you.")))
        }
        ("silent-completion", "reopen") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| {
                format!("{titles} was completed, and nobody was told. Open it again and hand it over.")
            }))
        }
        ("sequence-violation", "pause" | "rerun") => {
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| match resolution {
                "pause" => format!("{titles} began before what it rests on was done. Stop until that is done."),
                _ => format!("{titles} began before what it rests on was done. Do it again when that is done."),
            }))
        }
        ("stale-read", "hold" | "wait-for-signal") => {
            let resource = maker.resource()?;
            let titles = maker.titles();
            Ok(maker.tell(maker.agents(), |_| match resolution {
                "hold" => format!("{resource} has changed since it was read for {titles}. Hold what comes out of it, read it again, and then go on."),
                _ => format!("{resource} was read before it was finished. Who writes it says when it is, and who reads it waits for that."),
            }))
        }
        ("schema-violation", "send-back") => {
            let summary = scene.finding.summary.clone();
            Ok(maker.tell(maker.agents(), |_| {
                format!("{summary} Correct it and send it again under the same id.")
            }))
        }
        ("schema-violation", "edit") => {
            Ok(maker.open(&format!("dead-letters/{}", scene.finding.subject)))
        }
        ("context-divergence", _) => {
            let summary = scene.finding.summary.clone();
            let agents = maker.agents();
            let (first, second) = (agents.first().cloned(), agents.get(1).cloned());
            let chosen = if resolution == "adopt-second" { second } else { first };
            let chosen = chosen.unwrap_or_default();
            Ok(maker.tell(agents, |agent| match resolution {
                "reconcile" => format!("{summary} Append one entry that supersedes both and says what holds from now on."),
                _ if agent == chosen => format!("{summary} What you wrote holds."),
                _ => format!("{summary} What {chosen} wrote holds. Append an entry that supersedes yours, and read it before you go on."),
            }))
        }
        ("endpoint-stale" | "offline", "retry") => Ok(maker.each_endpoint(Step::AskNow)),
        ("endpoint-stale" | "retry-storm", "pause") => Ok(maker.each_endpoint(Step::Pause)),
        ("escalation-overdue", "answer") => Ok(maker.open(&format!("inbox/e:{}", scene.finding.subject))),
        ("escalation-overdue", "reassign") => Ok(maker.open("ownership")),
        ("readiness", "wait") => Ok(maker.later()),
        ("readiness", "resolve-overlaps") => Ok(maker.open("ownership")),
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

    fn next_stage(&self) -> String {
        let named = self
            .scene
            .tasks
            .iter()
            .find_map(|task| task.next_stage.as_deref());
        let named = named.unwrap_or("the next stage");
        let mut stages = self.scene.rules.stages.iter();
        let stage = stages.find(|stage| stage.name == named);
        stage.map_or_else(|| named.to_owned(), |stage| stage.agent.clone())
    }

    fn cancel(&self, tasks: Vec<&TaskNow>) -> Result<Plan, String> {
        if tasks.is_empty() {
            return Err("No task of it runs any more, so there is nothing to cancel.".to_owned());
        }
        let mut steps: Vec<_> = tasks
            .into_iter()
            .map(|task| Step::Cancel(task.task.clone()))
            .collect();
        if happened(&self.scene.finding.rule) {
            steps.push(Step::Settle);
        }
        Ok(self.nothing_asked(steps))
    }

    fn cancel_all(&self) -> Result<Plan, String> {
        self.cancel(self.live())
    }

    fn cancel_all_but(&self, first: First) -> Result<Plan, String> {
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

    fn later(&self) -> Plan {
        let in_an_hour = self.scene.now + chrono::TimeDelta::hours(1);
        Plan {
            asks: Asks::Until,
            steps: vec![Step::Later(self.choice.until.unwrap_or(in_an_hour))],
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

    fn open(&self, place: &str) -> Plan {
        self.nothing_asked(vec![Step::Open(place.to_owned())])
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

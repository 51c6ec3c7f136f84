//! The ways out of a finding: what each would do, in sentences, and doing it. Plans are `domain::remedy`'s.
//!
//! Steps are done in order; the first that fails ends it, and nothing is called settled that is not.

use agents::Outcome;
use domain::{
    fact::PersonAction,
    finding::Finding,
    ids::{AgentId, EndpointId, TaskRef},
    ownership::Ownership,
    remedy::{Asks, Choice, Plan, Scene, Step, TaskNow, Witness, others, plan},
    time::Time,
};
use serde_json::Value;
use store::{
    Result,
    tables::{audit, endpoints, facts, findings, ownership, quota, tasks},
};

use super::{
    ApiError, context, letters, limits,
    views::{
        FindingAction, LetterRequest, ResolutionView, SettleRequest, SettledView, TellView, Topic,
    },
    wording::{Glance, plain, route},
};
use crate::{clock::wall, engine::Engine, owner::Ask};

const ACCEPT_ONCE: &str = "accept-once";

/// What plans are made from.
struct Known {
    rules: Ownership,
    tasks: Vec<TaskNow>,
    witnesses: Vec<Witness>,
    fleet: Vec<AgentId>,
    reset_at: Option<Time>,
    users: Vec<(AgentId, f64)>,
}

impl Known {
    fn read(reader: &store::Reader, finding: &Finding, now: Time) -> Result<Self> {
        let mut known = Self {
            rules: ownership::current(reader)?
                .map(|version| version.document)
                .unwrap_or_default(),
            tasks: vec![],
            witnesses: witnesses(reader, finding)?,
            fleet: fleet(reader)?,
            reset_at: None,
            users: vec![],
        };
        for name in &finding.tasks {
            let task = finding.endpoints.iter().find_map(|endpoint| {
                let id = name.strip_prefix(endpoint.as_str())?.strip_prefix('/')?;
                Some(TaskRef {
                    endpoint: endpoint.clone(),
                    task: id.into(),
                })
            });
            let Some(task) = task else { continue };
            let Some(row) = tasks::get(reader, &task)? else {
                continue;
            };
            let record = row.record;
            known.tasks.push(TaskNow {
                cancels: takes_cancel(reader, &task.endpoint)?,
                task,
                agent: record.agent,
                title: plain(&record.value.title),
                live: record.value.status.state.is_live(),
                since: record.value.started_at.or(record.value.created_at),
                next_stage: record.value.next_stage.as_deref().map(plain),
            });
        }
        if let Some(pool) = &finding.pool {
            let mut windows = quota::windows(reader)?;
            windows.retain(|row| row.key == *pool);
            let pool = limits::InUse::read(reader, &windows, now)?;
            let resets = windows.iter().filter_map(|row| row.window.reset_at);
            known.reset_at = match finding.rule.as_str() {
                "quota-pressure" => pool.reset_at,
                _ => resets.max(),
            };
            known.users = pool.users;
        }
        Ok(known)
    }

    fn plan(
        &self,
        finding: &Finding,
        resolution: &str,
        choice: &Choice,
        now: Time,
    ) -> std::result::Result<Plan, String> {
        let scene = Scene {
            finding,
            rules: &self.rules,
            tasks: &self.tasks,
            witnesses: &self.witnesses,
            fleet: &self.fleet,
            reset_at: self.reset_at,
            users: &self.users,
            now,
        };
        plan(scene, resolution, choice)
    }
}

/// The items of status documents that a finding points to; what the log has let go is not there.
fn witnesses(reader: &store::Reader, finding: &Finding) -> Result<Vec<Witness>> {
    let mut witnesses = vec![];
    for evidence in &finding.evidence {
        // Line 1 of a recording is the configuration.
        let row = match evidence.line.checked_sub(1) {
            Some(seq) if seq > 0 => facts::get(reader, seq)?,
            _ => None,
        };
        let line = row.and_then(|row| serde_json::from_str::<Value>(&row.line).ok());
        let list = evidence.pointer.split('/').nth(2);
        let (Some(line), Some(list)) = (line, list) else {
            continue;
        };
        let agent = line.pointer("/status/agent/id").and_then(Value::as_str);
        if let (Some(agent), Some(item)) = (agent, line.pointer(&evidence.pointer)) {
            witnesses.push(Witness {
                agent: agent.into(),
                list: list.to_owned(),
                item: item.clone(),
            });
        }
    }
    Ok(witnesses)
}

fn fleet(reader: &store::Reader) -> Result<Vec<AgentId>> {
    let mut fleet: Vec<_> = store::tables::agents::at_work(reader)?
        .into_iter()
        .map(|row| row.agent.agent)
        .collect();
    fleet.sort();
    fleet.dedup();
    Ok(fleet)
}

fn takes_cancel(reader: &store::Reader, endpoint: &EndpointId) -> Result<bool> {
    let row = endpoints::get(reader, endpoint)?;
    Ok(row.is_some_and(|row| row.capabilities.iter().any(|word| word == "cancel")))
}

/// The ways out, each with what it would do.
pub(super) fn views(glance: Glance<'_>, finding: &Finding) -> Result<Vec<ResolutionView>> {
    let known = Known::read(glance.reader, finding, glance.now)?;
    let mut views = vec![];
    for resolution in &finding.resolutions {
        let mut view = ResolutionView {
            id: resolution.id.clone(),
            label: resolution.label.clone(),
            asks: "nothing".to_owned(),
            agents: vec![],
            does: vec![],
            tells: vec![],
            opens: None,
            problem: None,
            seen: None,
        };
        match known.plan(finding, &resolution.id, &Choice::default(), glance.now) {
            Ok(plan) => show(glance, finding, &known, plan, &mut view)?,
            Err(problem) => view.problem = Some(problem),
        }
        views.push(view);
    }
    Ok(views)
}

fn show(
    glance: Glance<'_>,
    finding: &Finding,
    known: &Known,
    plan: Plan,
    view: &mut ResolutionView,
) -> Result<()> {
    view.asks = match plan.asks {
        Asks::Nothing => "nothing",
        Asks::Agent | Asks::Other => "agent",
        Asks::Until => "until",
        Asks::Reason => "reason",
    }
    .to_owned();
    let agents: Vec<&AgentId> = match plan.asks {
        Asks::Agent => finding.agents.iter().collect(),
        Asks::Other => others(finding, &known.fleet),
        _ => vec![],
    };
    view.agents = agents.iter().map(|agent| plain(agent.as_str())).collect();
    for step in plan.steps {
        match step {
            Step::Cancel(task) => {
                let Some(now) = known.tasks.iter().find(|known| known.task == task) else {
                    continue;
                };
                let agent = plain(now.agent.as_str());
                view.does
                    .push(format!("Asks {agent} to cancel \"{}\".", now.title));
            }
            Step::Pause(endpoint) => {
                let name = endpoints::get(glance.reader, &endpoint)?.map(|row| row.name);
                view.does.push(format!(
                    "Does not ask {} any more until you let it. What it runs goes on.",
                    name.as_deref().unwrap_or(endpoint.as_str())
                ));
            }
            Step::AskNow(endpoint) => view.does.push(format!("Asks {endpoint} now.")),
            Step::Rules(edits) => {
                let labels: Vec<_> = edits.iter().map(|edit| edit.label(&known.rules)).collect();
                view.does
                    .push(format!("Saves new rules: {}.", labels.join(", ")));
            }
            Step::Later(_) => view.does.push("Shows it again at that time.".to_owned()),
            Step::Extend(_) => view
                .does
                .push("Allows it until then. The agent is not told.".to_owned()),
            Step::SendBack => {
                view.seen = letters::digest_of(glance.reader, &letter(&finding.subject))?;
                if let Some((does, tells)) = letters::sent_back(glance, &letter(&finding.subject))?
                {
                    carried(&mut view.does, &mut view.tells, does, tells);
                } else {
                    view.problem = Some("It does not stand any more.".to_owned());
                }
            }
            Step::Append {
                document,
                key,
                value,
                sentence,
            } => {
                let request = entry(document, key, value, sentence);
                match context::proposed(glance, &request) {
                    Ok(proposed) => {
                        carried(
                            &mut view.does,
                            &mut view.tells,
                            proposed.does,
                            proposed.tells,
                        );
                        view.problem = proposed.problem;
                    }
                    Err(error) => view.problem = Some(error.message),
                }
            }
            Step::Override(agent) => view.does.push(format!(
                "Lets {} join, and records why.",
                plain(agent.as_str())
            )),
            Step::Reviewed => view
                .does
                .push("Notes that you read the rules now.".to_owned()),
            Step::Settle => {
                view.does.push("Settles the finding.".to_owned());
                if view.id == ACCEPT_ONCE {
                    let letter = letter(&finding.subject);
                    view.seen = letters::digest_of(glance.reader, &letter)?;
                    if letters::is_unreadable(glance.reader, &letter)? {
                        view.does.clear();
                        view.problem = Some(letters::UNREADABLE.to_owned());
                    }
                }
            }
            Step::Tell { agent, text } => view.tells.push(TellView {
                agent: plain(&agent),
                text: plain(&text),
            }),
            Step::Open(place) => {
                let place: Vec<_> = place.iter().map(String::as_str).collect();
                view.opens = Some(route(&place));
            }
        }
    }
    Ok(())
}

/// What goes as an answer needs no text beside it; what is sent by hand is kept as sent.
fn carried(
    all: &mut Vec<String>,
    told: &mut Vec<TellView>,
    does: Vec<String>,
    tells: Vec<TellView>,
) {
    if does.is_empty() {
        told.extend(tells);
        all.push("Keeps that you have sent it.".to_owned());
    } else {
        all.extend(does);
    }
}

/// The letter that a finding about a refused item is about.
fn letter(subject: &str) -> LetterRequest {
    let mut parts = subject.splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default();
    LetterRequest {
        endpoint: part().into(),
        list: part().to_owned(),
        item: part().to_owned(),
    }
}

fn entry(document: String, key: String, value: String, sentence: String) -> SettleRequest {
    SettleRequest {
        document,
        key,
        value,
        sentence,
        record: false,
        by_text: false,
    }
}

/// Does one of the ways out, or puts the finding off or away.
pub(super) async fn act(
    engine: &Engine,
    action: FindingAction,
) -> std::result::Result<SettledView, ApiError> {
    let (store, key) = (engine.store().clone(), action.key.clone());
    let now = wall();
    let read = move || {
        store.read(|reader| {
            let episode = key.strip_prefix("f:").unwrap_or(&key);
            match findings::get(reader, episode)? {
                Some(row) => {
                    Known::read(reader, &row.finding, now).map(|known| Some((row.finding, known)))
                }
                None => Ok(None),
            }
        })
    };
    let found = tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| ApiError::new("store", "An internal error stopped this."))??;
    let (finding, known) =
        found.ok_or_else(|| ApiError::new("missing", "There is no such finding."))?;
    let steps = match action.resolution.as_str() {
        "snooze" => {
            vec![Step::Later(action.until.ok_or_else(|| {
                ApiError::new("invalid", "Until when is missing.")
            })?)]
        }
        "dismiss" => vec![Step::Settle],
        other => {
            let choice = Choice {
                agent: action.agent.clone(),
                until: action.until,
                reason: action.reason.clone(),
            };
            let plan = known
                .plan(&finding, other, &choice, now)
                .map_err(|problem| ApiError::new("invalid", problem))?;
            let missing = match plan.asks {
                Asks::Agent | Asks::Other => choice.agent.is_none(),
                Asks::Until => choice.until.is_none(),
                Asks::Reason => choice.reason.is_none_or(|reason| reason.trim().is_empty()),
                Asks::Nothing => false,
            };
            if missing {
                return Err(ApiError::new(
                    "invalid",
                    "Something is missing: say who, until when, or why.",
                ));
            }
            plan.steps
        }
    };
    // These keep themselves what was done.
    let kept = |step: &Step| {
        !matches!(
            step,
            Step::Cancel(_) | Step::Pause(_) | Step::AskNow(_) | Step::Rules(_)
        )
    };
    let keeps = !steps.iter().any(kept);
    let mut did = vec![];
    for step in steps {
        did.extend(take(engine, &finding, &action, step).await?);
    }
    if keeps && !did.is_empty() {
        let detail = serde_json::json!({ "resolution": action.resolution, "did": did });
        engine
            .ask(|reply| Ask::Keep("finding-acted", finding.episode, detail, reply))
            .await?;
    }
    Ok(SettledView { did })
}

async fn take(
    engine: &Engine,
    finding: &Finding,
    action: &FindingAction,
    step: Step,
) -> std::result::Result<Option<String>, ApiError> {
    let note = Noted {
        episode: finding.episode.clone(),
        resolution: action.resolution.clone(),
        reason: action.reason.clone(),
    };
    let rule = finding.rule.clone();
    let subject = finding.subject.clone();
    Ok(Some(match step {
        Step::Cancel(task) => cancel(engine, task).await?,
        Step::Pause(endpoint) => {
            let store = engine.store().clone();
            let row = tokio::task::spawn_blocking(move || {
                store.read(|reader| endpoints::get(reader, &endpoint))
            })
            .await
            .map_err(|_| ApiError::new("store", "An internal error stopped this."))??;
            let mut row =
                row.ok_or_else(|| ApiError::new("missing", "It was removed meanwhile."))?;
            row.paused = true;
            let said = format!("{} is not asked any more.", row.name);
            engine.ask(|reply| Ask::Put(row, reply)).await?;
            said
        }
        Step::AskNow(endpoint) => {
            let said = format!("{endpoint} is asked now.");
            engine.ask(|reply| Ask::Poll(endpoint, reply)).await?;
            said
        }
        Step::Rules(edits) => engine.ask(|reply| Ask::ChangeRules(edits, reply)).await?,
        Step::Later(until) => {
            let later = PersonAction::Snooze {
                rule: Some(rule),
                subject: Some(subject),
                until,
            };
            engine.ask(|reply| Ask::Note(later, note, reply)).await?;
            "It comes back at the time you chose.".to_owned()
        }
        Step::Extend(until) => {
            let longer = PersonAction::Extend {
                rule: Some(rule),
                subject: Some(subject),
                until,
            };
            engine.ask(|reply| Ask::Note(longer, note, reply)).await?;
            "It is allowed until the time you chose.".to_owned()
        }
        Step::SendBack => {
            letters::settle_one(engine, letter(&subject), action.seen.as_deref(), "return").await?
        }
        Step::Append {
            document,
            key,
            value,
            sentence,
        } => {
            let mut request = entry(document, key, value, sentence);
            request.record = true;
            context::settle(engine, request).await?.did.join(" ")
        }
        Step::Override(agent) => {
            let allowed = PersonAction::OverrideReadiness {
                agent,
                reason: action.reason.clone(),
            };
            engine.ask(|reply| Ask::Note(allowed, note, reply)).await?;
            "It is noted that it joins all the same.".to_owned()
        }
        Step::Reviewed => {
            engine
                .ask(|reply| Ask::Note(PersonAction::MarkReviewed, note, reply))
                .await?;
            "It is noted that you read the rules.".to_owned()
        }
        // An item that is accepted is settled together with the finding about it.
        Step::Settle if rule == "schema-violation" && action.resolution == ACCEPT_ONCE => {
            letters::settle_one(engine, letter(&subject), action.seen.as_deref(), "accept").await?
        }
        Step::Settle => {
            let settled = PersonAction::Resolve {
                rule,
                subject: Some(subject),
            };
            engine.ask(|reply| Ask::Note(settled, note, reply)).await?;
            "The finding is settled.".to_owned()
        }
        // Nothing is done here: the person sends the text, or goes on there.
        Step::Tell { .. } | Step::Open(_) => return Ok(None),
    }))
}

/// What is written beside an act of the person on a finding.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) episode: String,
    pub(crate) resolution: String,
    pub(crate) reason: Option<String>,
}

/// Asks an agent to cancel a task, and says what became of it.
pub(super) async fn cancel(
    engine: &Engine,
    task: TaskRef,
) -> std::result::Result<String, ApiError> {
    let subject = task.to_string();
    let said = match engine.cancel(task).await {
        Outcome::Applied => "The agent has cancelled the task.",
        Outcome::Sent => "The agent was asked to cancel the task.",
        Outcome::AlreadyResolved { .. } => "The task had ended before.",
        Outcome::Expired => "The agent does not know this task any more.",
        Outcome::Changed => "The task has changed; look at it again.",
        Outcome::Refused(reason) => {
            // What was refused is no longer asked.
            refused(engine, subject).await?;
            return Err(ApiError::new("refused", plain(&reason)));
        }
        Outcome::Retry { reason, .. } | Outcome::Unknown(reason) => {
            let reason = plain(&reason);
            return Err(ApiError::new(
                "unreachable",
                format!("It cannot be told whether the task was cancelled. {reason}"),
            ));
        }
    };
    engine.announce(vec![Topic::Board]);
    Ok(said.to_owned())
}

async fn refused(engine: &Engine, subject: String) -> std::result::Result<(), ApiError> {
    let asked = engine.clone();
    super::call::blocking(move || {
        let detail = serde_json::json!({});
        let note = move |tx: &store::Tx<'_>| {
            audit::append(tx, wall(), "cancel-refused", &subject, &detail)?;
            Ok(())
        };
        asked.store().write(note)?;
        Ok(())
    })
    .await?;
    engine.announce(vec![Topic::Board]);
    Ok(())
}

//! `missionctl answer`: one stateless round. Look, find the question, decide on what was seen, deliver, look again.
//!
//! There is no undo time and nothing is remembered: whoever writes the command has decided. A delivery that gets no
//! answer is tried again for some seconds with the same key and the same bytes.

use std::time::Duration;

use agents::{Delivery, Endpoint};
use chrono::Utc;
use clap::Args;
use domain::{
    change::{Change, EscalationPhase, EscalationRecord},
    contract::{Document, EscalationStatus},
    decision::{Answer, Circumstances, DecidedBy, Decision, Outcome, Refusal, binding_of, decide},
    fact::{Config, Fact, Line},
    fleet::Fleet,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    Failure,
    everywhere::Everywhere,
    observe::{self, in_words, word},
    out::{Lines, plain},
};

/// Attempts to deliver before the outcome is called unknown.
const ATTEMPTS: u32 = 4;
/// The longest pause between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Answer one question of an agent.
#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    endpoint: observe::Options,
    /// Which question.
    #[arg(long, value_name = "ID")]
    escalation: String,
    /// approve, approve-always, edit, respond, reject or cancel.
    #[arg(long, value_parser = word::<Outcome>)]
    outcome: Outcome,
    /// One of the agent's options.
    #[arg(long, value_name = "ID")]
    option: Option<String>,
    /// Words for the agent.
    #[arg(long)]
    message: Option<String>,
    /// The answer, as JSON.
    #[arg(long, value_name = "JSON")]
    payload: Option<String>,
    /// What to do instead, as JSON.
    #[arg(long, value_name = "JSON")]
    edited: Option<String>,
}

/// What became of it.
#[derive(Serialize)]
struct Said {
    state: State,
    escalation: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Applied,
    AlreadyResolved,
    Refused,
    Expired,
    Changed,
    Sent,
    Unknown,
}

/// Prints what became of the answer. Applied or sent is done, unknown is unusable, all else is a "no".
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let credential = everywhere.credential()?;
    let said = crate::runtime()?.block_on(async {
        let mut endpoint = observe::open(&options.endpoint, credential).await?;
        round(options, endpoint.as_mut()).await
    })?;
    let mut out = Lines::new();
    if everywhere.json {
        out.json(&said)?;
    } else {
        let detail = said.detail.clone().unwrap_or_default();
        let line = format!(
            "{}  {}  {}",
            in_words(said.state),
            plain(&said.escalation),
            plain(&detail)
        );
        out.text(line.trim_end())?;
    }
    out.flush()?;
    match said.state {
        State::Applied | State::Sent => Ok(()),
        State::Unknown => Err(Failure::Unusable(
            "Whether the answer had an effect cannot be told.".to_owned(),
        )),
        _ => Err(Failure::No(None)),
    }
}

async fn round(options: &Options, endpoint: &mut dyn Endpoint) -> Result<Said, Failure> {
    let before = observe::poll(endpoint).await?;
    let Some(record) = question(&before, &options.escalation)? else {
        return not_listed(endpoint, &before, &options.escalation);
    };
    let task = record.value.task_id.as_ref();
    let said = |state, detail: Option<String>| Said {
        state,
        escalation: options.escalation.clone(),
        task: task.map(|id| id.as_str().to_owned()),
        detail,
    };
    let answer = Answer {
        version: &record.value.version,
        binding_hash: &binding_of(&record),
        outcome: options.outcome,
        option_id: options.option.as_deref(),
        edited_action: options.edited.as_deref(),
        payload: options.payload.as_deref(),
        message: options.message.as_deref(),
        shown_ms: u64::from(u32::MAX),
        reached_end: true,
        overtaken_by: None,
        decided_by: DecidedBy::Person,
    };
    let id = Uuid::now_v7().to_string();
    let decision = match decide(
        &record,
        &answer,
        &Circumstances::default(),
        id.into(),
        Utc::now(),
    ) {
        Ok(decision) => decision,
        // The command itself cannot be carried out.
        Err(Refusal::Invalid(why)) => return Err(Failure::Unusable(why)),
        Err(refusal) => {
            let state = match (&refusal, record.value.status) {
                (_, EscalationStatus::Resolved) => State::AlreadyResolved,
                (Refusal::Changed, _) => State::Changed,
                _ => State::Expired,
            };
            return Ok(said(state, Some(refusal.to_string())));
        }
    };
    let (state, detail) = deliver(endpoint, &record, &decision).await?;
    if !matches!(state, State::Sent | State::Unknown) {
        return Ok(said(state, detail));
    }
    // What it could not say at once, it may show now.
    let shown = match observe::poll(endpoint).await {
        Ok(after) => question(&after, &options.escalation)?,
        Err(_) => return Ok(said(state, detail)),
    };
    // What is not listed any more was taken back, which shows no effect.
    let is_settled = shown.is_some_and(|now| now.value.status == EscalationStatus::Resolved);
    // Someone else may have settled it while we waited, so only what was taken counts as ours.
    Ok(if is_settled && state == State::Sent {
        said(State::Applied, detail)
    } else {
        said(state, detail)
    })
}

/// Some endpoints show what became of it in other places. Where a question bears the id of its task, or begins with it,
/// the task says what became of the question.
fn not_listed(endpoint: &dyn Endpoint, body: &str, id: &str) -> Result<Said, Failure> {
    if let Some((task, agents::Outcome::AlreadyResolved { recorded })) = endpoint.ended(&id.into())
    {
        return Ok(Said {
            state: State::AlreadyResolved,
            escalation: id.to_owned(),
            task: task.map(|id| id.as_str().to_owned()),
            detail: recorded.map(settled_as),
        });
    }
    let tasks = read(body)?.tasks.unwrap_or_default();
    let mut tasks = tasks.iter().map(|item| &item.value);
    let of = tasks.find(|task| {
        let own = task.id.as_str();
        let named = id
            .strip_prefix(own)
            .is_some_and(|rest| rest.starts_with('/'));
        named || (own == id && task.status.state.is_terminal())
    });
    let (state, detail) = match of {
        Some(task) if task.status.state.is_terminal() => (
            State::AlreadyResolved,
            format!("Its task is {} already.", in_words(task.status.state)),
        ),
        Some(_) => (
            State::AlreadyResolved,
            "Its task does not ask this any more.".to_owned(),
        ),
        None => (
            State::Expired,
            "The endpoint lists no question of that id.".to_owned(),
        ),
    };
    Ok(Said {
        state,
        escalation: id.to_owned(),
        task: of.map(|task| task.id.as_str().to_owned()),
        detail: Some(detail),
    })
}

fn settled_as(word: String) -> String {
    format!("It was settled before, as: {word}.")
}

fn read(body: &str) -> Result<Document, Failure> {
    domain::contract::read(body.as_bytes()).map_err(|problem| Failure::Unusable(problem.message))
}

/// The question as the rules see it.
fn question(body: &str, id: &str) -> Result<Option<Box<EscalationRecord>>, Failure> {
    let document = read(body)?;
    let changes = Fleet::new(Config::default()).take(&Line {
        number: 1,
        at: Some(Utc::now()),
        fact: Fact::Status {
            endpoint: "endpoint".into(),
            document: document.into(),
        },
    });
    Ok(changes.into_iter().rev().find_map(|change| match change {
        Change::Escalation(record)
            if record.value.id.as_str() == id && record.phase != EscalationPhase::Superseded =>
        {
            Some(record)
        }
        _ => None,
    }))
}

/// Sends until something can be said of it.
async fn deliver(
    endpoint: &mut dyn Endpoint,
    record: &EscalationRecord,
    decision: &Decision,
) -> Result<(State, Option<String>), Failure> {
    let mut delivery = Delivery {
        id: decision.id.clone(),
        escalation: decision.escalation.clone(),
        version: decision.version.clone(),
        task: record.value.task_id.clone(),
        body: decision.body.clone(),
        escalation_raw: record.raw.to_string(),
        resend: false,
    };
    for attempt in 1..=ATTEMPTS {
        let pause = match endpoint.deliver(&delivery).await {
            agents::Outcome::Applied => return Ok((State::Applied, None)),
            agents::Outcome::Sent => return Ok((State::Sent, None)),
            agents::Outcome::AlreadyResolved { recorded } => {
                return Ok((State::AlreadyResolved, recorded.map(settled_as)));
            }
            agents::Outcome::Refused(why) => return Ok((State::Refused, Some(why))),
            agents::Outcome::Expired => return Ok((State::Expired, None)),
            agents::Outcome::Changed => return Ok((State::Changed, None)),
            agents::Outcome::Unknown(why) => return Ok((State::Unknown, Some(why))),
            agents::Outcome::Retry {
                reason,
                after_seconds,
                may_have_arrived,
            } => {
                delivery.resend |= may_have_arrived;
                if attempt == ATTEMPTS {
                    return if delivery.resend {
                        Ok((State::Unknown, Some(reason)))
                    } else {
                        Err(Failure::Unusable(format!(
                            "The answer was not taken, and it is not kept here. {reason}"
                        )))
                    };
                }
                let seconds = after_seconds.unwrap_or(1 << (attempt - 1));
                Duration::from_secs(seconds).min(LONGEST_PAUSE)
            }
        };
        tokio::time::sleep(pause).await;
    }
    Ok((State::Unknown, None))
}

//! Sending a decision or a cancellation, and finding out what became of it.
//!
//! A second answer is taken with a 200 and does nothing, so a good reply proves nothing. The thread is read before and
//! after; the run that carries an answer bears the decision's id, so that what may have arrived can be found again.

use std::time::Duration;

use domain::{
    decision::{DecisionBody, Outcome as Said},
    ids::TaskId,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    LangGraph, is_among, question, reply, shape,
    thread::{self, Interrupt, LastRun, Went},
    told,
    wire::{Answers, Failure, Run, clip},
};
use crate::{Delivery, Outcome};

/// How long after an accepted answer the thread is looked at again.
const LOOKS: [Duration; 7] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(700),
    Duration::from_millis(1000),
    Duration::from_millis(1300),
    Duration::from_millis(1300),
];
/// Runs of a thread that are looked through.
const RUNS: u32 = 20;
/// Member of a run's metadata that names our decision.
const MARK: &str = "mission_control_decision";

/// The part of the escalation item that says how to answer (`question::Native`).
#[derive(Deserialize)]
struct Item {
    native: Native,
}

#[derive(Deserialize)]
struct Native {
    task: String,
    #[serde(default)]
    round: u32,
    interrupt: Box<RawValue>,
}

/// A decision that is being delivered.
struct Parcel<'a> {
    delivery: &'a Delivery,
    thread: &'a str,
    asked: Interrupt,
    round: u32,
}

/// What is known before anything is sent.
struct Ready {
    /// The assistant that goes on.
    assistant: String,
    /// The newest run there is.
    newest: Option<Run>,
    /// Whether it asks only this.
    alone: bool,
}

impl LangGraph {
    /// Delivers a decision.
    pub(super) async fn answer(&mut self, delivery: &Delivery) -> Outcome {
        let item: Option<Item> = serde_json::from_str(&delivery.escalation_raw).ok();
        let id = delivery.escalation.as_str().split_once('/');
        let (Some(item), Some((thread, _))) = (item, id) else {
            return Outcome::Refused("The question does not say how to answer it.".to_owned());
        };
        let parcel = Parcel {
            delivery,
            thread,
            asked: Interrupt::new(&item.native.task, item.native.interrupt),
            round: item.native.round,
        };
        let outcome = self.bring(&parcel).await;
        if matches!(outcome, Outcome::Applied | Outcome::AlreadyResolved { .. }) {
            self.memory.settle(delivery.escalation.as_str());
        }
        if !matches!(outcome, Outcome::Retry { .. }) {
            // Whatever came of it, the next poll tells it, also where the thread has not moved.
            self.passed.remove(thread);
            self.again.insert(thread.to_owned());
        }
        outcome
    }

    async fn bring(&mut self, parcel: &Parcel<'_>) -> Outcome {
        let ready = match self.before(parcel).await {
            Ok(ready) => ready,
            Err(outcome) => return outcome,
        };
        let body = match parcel.body(&ready) {
            Ok(body) => body,
            Err(sentence) => return self.refused(parcel, sentence),
        };
        let newest = ready.newest.map(|run| run.run_id);
        let run = match self.door.begin(parcel.thread, body).await {
            Ok(run) => run,
            Err(failure) => match self.after_failure(parcel, failure).await {
                Ok(run) => run,
                Err(outcome) => return outcome,
            },
        };
        let outcome = self.follow(parcel, &run.run_id, newest.as_deref()).await;
        if outcome == Outcome::Sent && parcel.says(Said::Cancel) {
            // It was told no, and goes on: the rest is cancelled.
            let _ = self.door.cancel(parcel.thread, &run.run_id).await;
        }
        outcome
    }

    fn refused(&mut self, parcel: &Parcel<'_>, sentence: String) -> Outcome {
        // The question is still open; as another version it can be answered again.
        self.memory.ask_again(parcel.delivery.escalation.as_str());
        Outcome::Refused(sentence)
    }

    /// Reads the thread. `Err` = nothing is to be sent.
    async fn before(&mut self, parcel: &Parcel<'_>) -> Result<Ready, Outcome> {
        let resend = parcel.delivery.resend;
        let mut pauses = LOOKS.iter();
        loop {
            let raw = match self.door.thread(parcel.thread).await {
                Ok(raw) => raw,
                Err(failure) => return Err(unread(failure, resend)),
            };
            let runs = match self.door.runs(parcel.thread, RUNS).await {
                Ok(runs) => runs,
                Err(failure) => return Err(unread(failure, resend)),
            };
            if let Some(ours) = parcel.ours(&runs) {
                let id = ours.run_id.clone();
                return Err(self.follow(parcel, &id, None).await);
            }
            let Some(thread) = thread::read(&raw) else {
                return Err(Outcome::Unknown("Its thread cannot be read.".to_owned()));
            };
            let (assistant, busy) = (
                thread.assistant().or(thread.graph()).map(str::to_owned),
                thread.status.eq_ignore_ascii_case("busy"),
            );
            let mut look = match self.look(thread, &mut 10).await {
                Ok(look) => look,
                Err(failure) => return Err(unread(failure, resend)),
            };
            if look.run == LastRun::NotAsked
                && let Some(run) = runs.first()
            {
                look.run = run
                    .status
                    .clone()
                    .map_or(LastRun::NotAsked, LastRun::Status);
            }
            let Some(now) = look.open.iter().find(|asked| parcel.is_asked_by(asked)) else {
                return Err(parcel.settled(&runs, &look.thread.native(&look.run)));
            };
            if parcel.version(now) != parcel.delivery.version {
                return Err(Outcome::Changed);
            }
            if busy {
                // It takes no answer while it works on something else.
                match pauses.next() {
                    Some(pause) => tokio::time::sleep(*pause).await,
                    None => {
                        return Err(Outcome::Retry {
                            reason:
                                "It is working, and takes the answer when it is done with that."
                                    .to_owned(),
                            after_seconds: Some(2),
                            may_have_arrived: resend,
                        });
                    }
                }
                continue;
            }
            if resend && runs.iter().any(|run| answer_in(run, now).is_some()) {
                return Err(Outcome::Unknown(
                    "It was answered before and still asks; whether that was this answer cannot be told. It was not sent again."
                        .to_owned(),
                ));
            }
            let Some(assistant) = assistant else {
                return Err(Outcome::Refused(
                    "The thread does not say which assistant goes on with it.".to_owned(),
                ));
            };
            return Ok(Ready {
                assistant,
                alone: look.open.len() == 1,
                newest: runs.into_iter().next(),
            });
        }
    }

    /// The sending call did not succeed: the run that came of it all the same, or what is certain.
    async fn after_failure(&self, parcel: &Parcel<'_>, failure: Failure) -> Result<Run, Outcome> {
        let certain = match &failure {
            Failure::Broken(broken) => !broken.may_have_arrived,
            Failure::Status(reply) => reply.status.is_client_error(),
            Failure::Nonsense(_) => false,
        };
        if !certain
            && let Ok(runs) = self.door.runs(parcel.thread, RUNS).await
            && let Some(ours) = parcel.ours(&runs)
        {
            return Ok(ours.clone());
        }
        Err(match failure.status() {
            Some(401 | 403 | 429) => away(failure, false),
            Some(409) => Outcome::Retry {
                reason: "It is working, and takes the answer when it is done with that.".to_owned(),
                after_seconds: Some(2),
                may_have_arrived: false,
            },
            Some(404) => match self.door.thread(parcel.thread).await {
                Err(gone) if gone.status() == Some(404) => Outcome::Expired,
                _ => Outcome::Refused(failure.sentence()),
            },
            Some(400..=499) => Outcome::Refused(failure.sentence()),
            _ => away(failure, !certain),
        })
    }

    /// Watches the run that carries the answer. `newest` = the newest run before it.
    async fn follow(&mut self, parcel: &Parcel<'_>, run: &str, newest: Option<&str>) -> Outcome {
        let mut silence = None;
        for pause in std::iter::once(&Duration::ZERO).chain(&LOOKS) {
            tokio::time::sleep(*pause).await;
            let runs = match self.door.runs(parcel.thread, RUNS).await {
                Ok(runs) => runs,
                Err(failure) => {
                    silence = Some(failure);
                    continue;
                }
            };
            silence = None;
            let Some(at) = runs.iter().position(|known| known.run_id == run) else {
                return Outcome::Unknown(
                    "It took the answer, but does not know of it any more.".to_owned(),
                );
            };
            if runs[at].is_over() {
                return self.verdict(parcel, &runs, at, newest).await;
            }
        }
        match silence {
            Some(failure) => away(failure, true),
            None => Outcome::Sent,
        }
    }

    /// What became of the answer whose run is over.
    async fn verdict(
        &mut self,
        parcel: &Parcel<'_>,
        runs: &[Run],
        at: usize,
        newest: Option<&str>,
    ) -> Outcome {
        // Runs that began between our reading and ours: the first answer counts.
        let between = newest.map(|newest| {
            let before = runs[at + 1..].iter();
            before.take_while(move |run| run.run_id != newest)
        });
        for other in between.into_iter().flatten() {
            let answer = match other.answers() {
                // Without a name it answers whatever was open, and this was.
                Answers::All(answer) => Some(answer),
                Answers::Named(_) | Answers::Nothing => answer_in(other, &parcel.asked),
            };
            if let Some(answer) = answer {
                return Outcome::AlreadyResolved {
                    recorded: Some(word(&answer)),
                };
            }
        }
        let state = match told(self.door.state(parcel.thread).await) {
            Ok(state) => state,
            Err(failure) => return away(failure, true),
        };
        let open = state.as_deref().and_then(thread::open_in);
        let went = state.as_deref().map_or(Went::Unclear, |state| {
            thread::went(state, &runs[at].run_id, &parcel.asked.task)
        });
        let still = open.is_some_and(|open| {
            open.iter()
                .any(|asked| parcel.is_asked_by(asked) && parcel.asks_the_same(asked))
        });
        let status = runs[at].status.clone().unwrap_or_default();
        match (status.as_str(), still) {
            ("success" | "error" | "timeout", false) if went == Went::Anew => Outcome::Unknown(
                "It took the answer, but began anew with it: what it had come to before was lost there."
                    .to_owned(),
            ),
            // Newer runs may have taken the question away, and older ones may have been it.
            ("success", false) => Outcome::Applied,
            ("success", true) => self.refused(
                parcel,
                "It took the answer, and asks the same again.".to_owned(),
            ),
            ("error" | "timeout", true) => {
                let said = match told(self.door.thread(parcel.thread).await) {
                    Ok(Some(raw)) => thread::read(&raw).and_then(|thread| thread.error()),
                    Ok(None) | Err(_) => None,
                };
                let id = parcel.delivery.escalation.as_str();
                self.memory.failed(id, &runs[at].run_id);
                Outcome::Refused(match said {
                    Some(said) => {
                        format!("The task broke off with this answer: {}", clip(&said, 600))
                    }
                    None => "The task broke off with this answer.".to_owned(),
                })
            }
            // It went on from there, and failed at something else.
            ("error" | "timeout", false) if went == Went::On => Outcome::Applied,
            ("error" | "timeout", false) => Outcome::Unknown(
                "The run that took the answer failed, and does not show whether it was used before.".to_owned(),
            ),
            ("interrupted", _) => Outcome::Unknown(
                "The run that took the answer was cancelled before it was done.".to_owned(),
            ),
            (status, _) => Outcome::Unknown(format!(
                "The run that took the answer ended as \"{}\".",
                clip(status, 60)
            )),
        }
    }

    /// Asks to cancel what runs; doing that twice does nothing more.
    pub(super) async fn stop(&mut self, task: &TaskId) -> Outcome {
        let id = task.as_str();
        let runs = match self.door.runs(id, RUNS).await {
            Ok(runs) => runs,
            Err(failure) => return unread(failure, false),
        };
        let unfinished: Vec<&Run> = runs.iter().filter(|run| !run.is_over()).collect();
        if unfinished.is_empty() {
            return self.nothing_to_stop(id, runs.first()).await;
        }
        for run in &unfinished {
            match self.door.cancel(id, &run.run_id).await {
                Ok(()) => {}
                // It ended in between.
                Err(failure) if failure.status() == Some(404) => {}
                Err(failure) => return unread(failure, true),
            }
        }
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            let Ok(now) = self.door.runs(id, RUNS).await else {
                continue;
            };
            let of = |run: &&Run| now.iter().find(|known| known.run_id == run.run_id).cloned();
            let ended: Vec<Run> = unfinished.iter().filter_map(of).collect();
            if !ended.iter().all(Run::is_over) {
                continue;
            }
            let cancelled = |run: &Run| run.status.as_deref() == Some("interrupted");
            return match ended.iter().find(|run| !cancelled(run)) {
                None => Outcome::Applied,
                Some(other) => Outcome::AlreadyResolved {
                    recorded: other.status.as_deref().map(|status| clip(status, 60)),
                },
            };
        }
        Outcome::Sent
    }

    async fn nothing_to_stop(&mut self, id: &str, newest: Option<&Run>) -> Outcome {
        let raw = match self.door.thread(id).await {
            Ok(raw) => raw,
            Err(failure) => return unread(failure, false),
        };
        let Some(thread) = thread::read(&raw) else {
            return Outcome::Unknown("Its thread cannot be read.".to_owned());
        };
        if !thread.interrupts.is_empty() {
            return Outcome::Refused(
                "It waits for an answer, and what waits cannot be cancelled there. Refuse its question instead.".to_owned(),
            );
        }
        let run = newest.and_then(|run| run.status.clone());
        Outcome::AlreadyResolved {
            recorded: Some(thread.native(&run.map_or(LastRun::NotAsked, LastRun::Status))),
        }
    }
}

impl Parcel<'_> {
    fn says(&self, outcome: Said) -> bool {
        let body: Option<DecisionBody> = serde_json::from_str(&self.delivery.body).ok();
        body.is_some_and(|body| body.outcome == outcome)
    }

    /// The run that carries this decision.
    fn ours<'r>(&self, runs: &'r [Run]) -> Option<&'r Run> {
        let id = self.delivery.id.as_str();
        runs.iter()
            .find(|run| run.mark(MARK).as_deref() == Some(id))
    }

    fn is_asked_by(&self, asked: &Interrupt) -> bool {
        is_among(&self.asked, std::slice::from_ref(asked))
    }

    fn version(&self, asked: &Interrupt) -> String {
        question::version_of(&shape::of(&asked.raw), self.round)
    }

    /// Whether an interrupt of `…/state` is the same question; the schema is not told there.
    fn asks_the_same(&self, asked: &Interrupt) -> bool {
        shape::of(&asked.raw).value.get() == shape::of(&self.asked.raw).value.get()
    }

    /// The thread does not ask this any more.
    fn settled(&self, runs: &[Run], native: &str) -> Outcome {
        let answer = runs.iter().find_map(|run| answer_in(run, &self.asked));
        match answer {
            Some(answer) => Outcome::AlreadyResolved {
                recorded: Some(word(&answer)),
            },
            None if self.delivery.resend => Outcome::Unknown(format!(
                "It does not ask any more ({native}), and does not show by whose answer."
            )),
            None => Outcome::AlreadyResolved {
                recorded: Some(native.to_owned()),
            },
        }
    }

    /// The body of the run that goes on with the answer.
    fn body(&self, ready: &Ready) -> Result<String, String> {
        let decision: DecisionBody = serde_json::from_str(&self.delivery.body)
            .map_err(|_| "The decision could not be read.".to_owned())?;
        let value = reply::value(&shape::of(&self.asked.raw), &decision)?;
        let resume = match &self.asked.id {
            Some(id) => format!("{{{}:{value}}}", json!(id)),
            None if ready.alone => value.get().to_owned(),
            None => {
                return Err(
                    "It asks several things without names for them, so an answer could reach the wrong one. Nothing was sent."
                        .to_owned(),
                );
            }
        };
        let context = ready.newest.as_ref().and_then(Run::context);
        let context = context.map_or(String::new(), |context| format!(r#","context":{context}"#));
        Ok(format!(
            r#"{{"assistant_id":{},"command":{{"resume":{resume}}},"multitask_strategy":"reject","metadata":{}{context}}}"#,
            json!(ready.assistant),
            json!({MARK: self.delivery.id.as_str()})
        ))
    }
}

/// Whether a run carries an answer of ours and has not begun. The server may drop it, so what it answers is still asked;
/// whose answer it is, is known here, and nobody is asked twice.
pub(super) fn is_ours_to_come(run: &Run) -> bool {
    run.status.as_deref() == Some("pending") && run.mark(MARK).is_some()
}

/// What a run answers to a question, if it does.
pub(super) fn answer_in(run: &Run, asked: &Interrupt) -> Option<Box<RawValue>> {
    match run.answers() {
        Answers::Nothing => None,
        Answers::Named(mut named) => named.remove(asked.id.as_ref()?),
        // Without a name it answers what was open then, which need not have been this.
        Answers::All(_) => None,
    }
}

/// An answer in a word or two.
fn word(answer: &RawValue) -> String {
    let value: Value = serde_json::from_str(answer.get()).unwrap_or_default();
    let list = value.get("decisions").unwrap_or(&value);
    let kind = |one: &Value| one.get("type").and_then(Value::as_str).map(str::to_owned);
    let kinds: Option<Vec<String>> = match list {
        Value::Array(all) if !all.is_empty() => all.iter().map(kind).collect(),
        one => kind(one).map(|kind| vec![kind]),
    };
    match (kinds, value) {
        (Some(mut kinds), _) => {
            kinds.dedup();
            clip(&kinds.join(", "), 120)
        }
        (None, Value::String(text)) => clip(&text, 120),
        (None, value) => clip(&value.to_string(), 120),
    }
}

/// It is to be tried again.
fn away(failure: Failure, may_have_arrived: bool) -> Outcome {
    let error = failure.into_poll_error();
    Outcome::Retry {
        reason: error
            .detail
            .unwrap_or_else(|| "The request failed.".to_owned()),
        after_seconds: error.retry_after_seconds,
        may_have_arrived,
    }
}

/// The thread could not be read, so nothing was sent now.
fn unread(failure: Failure, may_have_arrived: bool) -> Outcome {
    match failure.status() {
        Some(404 | 410 | 422) if may_have_arrived => Outcome::Unknown(
            "It does not know the thread any more, so it cannot be told whether the answer arrived."
                .to_owned(),
        ),
        Some(404 | 410 | 422) => Outcome::Expired,
        _ => away(failure, may_have_arrived),
    }
}

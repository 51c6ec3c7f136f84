//! Sending a decision or a cancellation, and finding out what became of it.
//!
//! A2A promises no single effect for a message that is sent twice. So the task is read before anything is sent; what may
//! have arrived is never sent again; and what cannot be told is called unknown.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use chrono::Utc;
use domain::{
    decision::{DecisionBody, Outcome as Decided, canonical},
    ids::TaskId,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    A2a, Card, calls,
    effect::{Effect, Owed},
    is_waiting,
    question::{self, Question},
    reply,
    rpc::{self, Call, Failure, code},
    shape,
    task::{self, Task},
};
use crate::{Delivery, Outcome};

/// How long after an accepted answer the task is looked at again.
const LOOKS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1500),
];

impl A2a {
    /// Delivers a decision.
    pub(super) async fn answer(&mut self, delivery: &Delivery) -> Outcome {
        let Some(id) = &delivery.task else {
            return Outcome::Refused(
                "The question names no task that could be answered.".to_owned(),
            );
        };
        let card = match self.connected().await {
            Ok(card) => card,
            Err(error) => return away(error, delivery.resend),
        };
        if !self.known.contains(id) {
            self.known.push(id.clone());
        }
        self.followed.watch(id);
        let task = match self.read_task(&card, id).await {
            Ok(task) => task,
            Err(failure) => return unread(failure, delivery.resend),
        };
        // What came by our extension is answered in its own words, whatever it says of another shape.
        let bare;
        let delivery = match ours(&task, delivery).is_empty() {
            true => delivery,
            false => {
                bare = without_native(delivery);
                &bare
            }
        };
        if let Some(outcome) = self.before(&task, delivery) {
            return outcome;
        }
        // What it shows from now on, it shows since the answer.
        let owed = Owed::of(delivery, Some(&task));
        let question = delivery.escalation.as_str().to_owned();
        self.memory.owing.insert(question.clone(), owed);
        let outcome = self.tell(&card, delivery, &task).await;
        let is_open = matches!(
            outcome,
            Outcome::Sent
                | Outcome::Retry {
                    may_have_arrived: true,
                    ..
                }
        );
        if !is_open {
            self.memory.owing.remove(&question);
        }
        outcome
    }

    async fn tell(&mut self, card: &Card, delivery: &Delivery, task: &Task) -> Outcome {
        // To stop is a call of its own; only where there is none, it is said in the answer.
        if decided(delivery) == Some(Decided::Cancel) {
            match self.stop(&TaskId::from(task.id.as_str())).await {
                Outcome::Refused(_) => {}
                outcome => return outcome,
            }
        }
        match reply::message(delivery, card, task.context_id.as_deref()) {
            Ok(message) => self.send(card, delivery, task, &message).await,
            Err(sentence) => Outcome::Refused(sentence),
        }
    }

    async fn send(
        &mut self,
        card: &Card,
        delivery: &Delivery,
        task: &Task,
        message: &RawValue,
    ) -> Outcome {
        let id = &TaskId::from(task.id.as_str());
        let mut answer = rpc::call(&self.client, &card.door, &Call::Send(message)).await;
        // It refused what we wish beside the answer, before it read the answer.
        if let Err(failure) = &answer
            && failure.is_of_parameters()
            && failure
                .refusal()
                .is_some_and(|words| is_about_wishes(&words))
            && let Some(bare) = without_wishes(message)
        {
            answer = rpc::call(&self.client, &card.door, &Call::Send(&bare)).await;
        }
        match answer {
            Ok(result) if reply::goes_beside(delivery) => self.went_beside(&result, delivery),
            Ok(result) => {
                let took = task_in(&result);
                let (took, other) = match took {
                    Some(took) if took.id == id.as_str() => (Some(took), None),
                    other => (None, other),
                };
                if let Some(outcome) = took.and_then(|took| self.over(&took, delivery)) {
                    return outcome;
                }
                match (self.look(card, id, delivery, task).await, other) {
                    (Outcome::Sent, Some(other)) => self.began_another(&other),
                    (outcome, _) => outcome,
                }
            }
            Err(failure) => self.failed(card, id, delivery, failure).await,
        }
    }

    /// Looks at the task until it shows the answer.
    async fn look(&self, card: &Card, id: &TaskId, delivery: &Delivery, before: &Task) -> Outcome {
        let (mut first, mut after) = (None, None);
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            if let Ok(task) = self.read_task(card, id).await {
                if let Some(outcome) = self.over(&task, delivery) {
                    return outcome;
                }
                first.get_or_insert_with(|| task.timestamp().map(str::to_owned));
                after = Some(task);
            }
        }
        match after {
            Some(after) if asks_again(before, first.flatten(), &after, delivery) => {
                Outcome::Refused(format!(
                    "It did not take the answer and still asks the same. It says: {}",
                    super::card::clip(&after.words(), 300)
                ))
            }
            _ => Outcome::Sent,
        }
    }

    /// What the task that took the answer says, where the asking one is over and stays as it is.
    fn went_beside(&mut self, result: &RawValue, delivery: &Delivery) -> Outcome {
        use domain::contract::TaskState;
        let Some(task) = task_in(result) else {
            return Outcome::Sent;
        };
        self.follow(&task);
        match task.state() {
            TaskState::Failed | TaskState::Rejected | TaskState::Canceled => {
                Outcome::Refused(format!(
                    "The answer ended as \"{}\". It says: {}",
                    super::card::clip(task.native_state(), 60),
                    super::card::clip(&task.words(), 300)
                ))
            }
            _ => match &delivery.task {
                Some(_) => self.shown_beside(delivery),
                None => Outcome::Sent,
            },
        }
    }

    /// What the task that took the answer has shown by now.
    fn shown_beside(&self, delivery: &Delivery) -> Outcome {
        let owed = self.memory.owing.get(delivery.escalation.as_str());
        match owed.and_then(|owed| owed.shown_beside(delivery.id.as_str())) {
            Some(Effect::Shown) => Outcome::Applied,
            Some(Effect::Contrary(sentence)) => Outcome::Unknown(sentence),
            Some(Effect::None | Effect::Allowed) | None => Outcome::Sent,
        }
    }

    /// Some servers begin a new task with every message, and the one that asked waits on. What the new one makes of the
    /// answer is for the person to see there.
    fn began_another(&mut self, other: &Task) -> Outcome {
        self.follow(other);
        Outcome::Unknown(format!(
            "It began another task with the answer, {}, and the one that asked still waits.",
            super::card::clip(&other.id, 80)
        ))
    }

    fn follow(&mut self, task: &Task) {
        let id = TaskId::from(task.id.as_str());
        if !self.known.contains(&id) {
            self.known.push(id);
        }
        self.memory.learn(task);
    }

    /// What the task says before anything is sent; `None` = send.
    fn before(&self, task: &Task, delivery: &Delivery) -> Option<Outcome> {
        if task.has_message(delivery.id.as_str()) {
            return Some(self.arrived(task, delivery));
        }
        let known = self.memory.owing.get(delivery.escalation.as_str());
        let known = known.is_some_and(|owed| owed.is(delivery.id.as_str()));
        let ours = known || delivery.resend;
        if let Some(outcome) = self.shown(task, delivery).filter(|_| ours) {
            return Some(outcome);
        }
        if !asks(task, &self.memory.answered) {
            return Some(if delivery.resend {
                Outcome::Unknown(format!(
                    "The task is \"{}\" by now, but does not show whether by this answer.",
                    super::card::clip(task.native_state(), 60)
                ))
            } else {
                settled(task)
            });
        }
        if asks_the_same(task, delivery) {
            return delivery.resend.then(|| {
                Outcome::Unknown(
                    "An earlier attempt may have arrived, and the task does not show it. It was not sent again.".to_owned(),
                )
            });
        }
        // What it asks beside it says nothing of this one.
        if let Some(word) = call_of(delivery).and_then(|ids| calls::state(task, &ids))
            && word != shape::AWAITING
            && !delivery.resend
        {
            return Some(Outcome::AlreadyResolved {
                recorded: Some(super::card::clip(&word, 60)),
            });
        }
        Some(if delivery.resend {
            Outcome::Unknown(
                "The task asks something else by now, but does not show whether this answer arrived."
                    .to_owned(),
            )
        } else {
            Outcome::Changed
        })
    }

    /// The sending call did not succeed: what is certain, and otherwise one look.
    async fn failed(
        &self,
        card: &Card,
        id: &TaskId,
        delivery: &Delivery,
        failure: Failure,
    ) -> Outcome {
        // Refused; and if the task is over by now, who ended it shows there.
        if let Some(refusal) = failure.refusal() {
            return match self.read_task(card, id).await {
                Ok(task) if task.has_message(delivery.id.as_str()) => self.arrived(&task, delivery),
                Ok(task) if !asks(&task, &self.memory.answered) => settled(&task),
                _ => Outcome::Refused(refusal),
            };
        }
        match failure {
            Failure::Error {
                code: code::TASK_NOT_FOUND,
                ..
            } => Outcome::Expired,
            Failure::Broken(broken) if !broken.may_have_arrived => away(broken.error, false),
            Failure::Status(reply) if matches!(reply.status.as_u16(), 401 | 403 | 429) => {
                away(reply.as_error(Utc::now()), false)
            }
            // It may have been taken all the same.
            failure => {
                let outcome = self.looked(card, id, delivery).await;
                outcome.unwrap_or_else(|| match failure {
                    Failure::Broken(broken) => away(broken.error, true),
                    Failure::Status(reply) => away(reply.as_error(Utc::now()), true),
                    Failure::Nonsense(sentence) => Outcome::Unknown(sentence),
                    Failure::Error { message, .. } => Outcome::Unknown(format!(
                        "It had an error of its own while it took the answer: {message}"
                    )),
                })
            }
        }
    }

    async fn looked(&self, card: &Card, id: &TaskId, delivery: &Delivery) -> Option<Outcome> {
        self.shown(&self.read_task(card, id).await.ok()?, delivery)
    }

    /// What the task shows of the answer; `None` = nothing yet.
    fn shown(&self, task: &Task, delivery: &Delivery) -> Option<Outcome> {
        // While it asks the same it shows nothing, and that it asks no more is nothing either.
        let stays = !reply::goes_beside(delivery);
        if stays && asks(task, &HashSet::new()) && asks_the_same(task, delivery) {
            return None;
        }
        let found;
        let owed = match self.memory.owing.get(delivery.escalation.as_str()) {
            Some(owed) if owed.is(delivery.id.as_str()) => owed,
            _ => {
                found = Owed::of(delivery, None);
                &found
            }
        };
        match owed.effect(task) {
            Effect::Shown => Some(Outcome::Applied),
            Effect::Contrary(sentence) => Some(Outcome::Unknown(sentence)),
            Effect::Allowed => Some(Outcome::Sent),
            Effect::None => is_settled(task, delivery).then_some(Outcome::Applied),
        }
    }

    /// The same of a task that records the answer.
    fn arrived(&self, task: &Task, delivery: &Delivery) -> Outcome {
        self.shown(task, delivery).unwrap_or(Outcome::Sent)
    }

    /// What became of the answer in the end; `None` = more may come.
    fn over(&self, task: &Task, delivery: &Delivery) -> Option<Outcome> {
        self.shown(task, delivery)
            .filter(|outcome| *outcome != Outcome::Sent)
    }

    /// Asks to cancel; doing that twice does nothing more.
    pub(super) async fn stop(&mut self, id: &TaskId) -> Outcome {
        self.followed.watch(id);
        let card = match self.connected().await {
            Ok(card) => card,
            Err(error) => return away(error, false),
        };
        match rpc::call(&self.client, &card.door, &Call::Cancel(id)).await {
            Ok(result) => match task_in(&result) {
                Some(task)
                    if task.id == id.as_str()
                        && task.state() == domain::contract::TaskState::Canceled =>
                {
                    Outcome::Applied
                }
                _ => Outcome::Sent,
            },
            Err(Failure::Error {
                code: code::TASK_NOT_FOUND,
                ..
            }) => Outcome::Expired,
            Err(Failure::Error {
                code: code::NOT_CANCELABLE | code::UNSUPPORTED,
                message,
            }) => match self.read_task(&card, id).await {
                Ok(task) if task.state().is_terminal() => settled(&task),
                _ => Outcome::Refused(message),
            },
            Err(Failure::Error { message, .. }) => Outcome::Refused(message),
            Err(failure) => match failure.refusal() {
                Some(refusal) => Outcome::Refused(refusal),
                None => unread(failure, true),
            },
        }
    }

    async fn read_task(&self, card: &Card, id: &TaskId) -> Result<Task, Failure> {
        let raw = self.one(card, id).await?;
        let task = task_in(&raw)
            .ok_or_else(|| Failure::Nonsense("Its task has not the shape of a task.".to_owned()))?;
        if task.id != id.as_str() {
            return Err(Failure::Nonsense(
                "Asked for a task, it answers with another one.".to_owned(),
            ));
        }
        Ok(task)
    }
}

/// Whether it waits for a person, by its state or by what it says.
fn asks(task: &Task, answered: &HashSet<String>) -> bool {
    is_waiting(task) || question::of(task, "", answered).is_some()
}

/// Whether a server has answered the answer: the question stands, and it has said something since. `first` is the time of its
/// status at the first look after the answer.
fn asks_again(before: &Task, first: Option<String>, after: &Task, delivery: &Delivery) -> bool {
    let said = |task: &Task| {
        let status = task.status.as_ref();
        status.and_then(|s| s.message.as_ref()?.message_id.clone())
    };
    // A time alone may move with every answer.
    let moved = match (said(before), said(after)) {
        (Some(before), Some(after)) => before != after,
        _ => before.timestamp() != after.timestamp() && first.as_deref() == after.timestamp(),
    };
    moved && !is_of_others(after, delivery) && is_waiting(after) && asks_the_same(after, delivery)
}

/// Whether calls wait side by side, and what the task says now may be about the others: that is no answer to an answer.
fn is_of_others(task: &Task, delivery: &Delivery) -> bool {
    let Some(own) = call_of(delivery) else {
        return false;
    };
    let told = calls::told(task);
    let mut others = told.iter().map(|(_, data)| shape::ids(data));
    others.any(|ids| ids.iter().all(|id| !own.contains(id)))
}

fn decided(delivery: &Delivery) -> Option<Decided> {
    let body: Option<DecisionBody> = serde_json::from_str(&delivery.body).ok();
    body.map(|body| body.outcome)
}

/// Whether the task still asks what was shown.
fn asks_the_same(task: &Task, delivery: &Delivery) -> bool {
    let ours = ours(task, delivery);
    if !ours.is_empty() {
        let shown = canonical(&delivery.escalation_raw);
        let is_it = |item: &String| is_version(item, delivery) && canonical(item) == shown;
        return ours.iter().all(is_it);
    }
    question_in(task, delivery).is_some()
}

/// What was shown, as the task asks it now.
fn question_in(task: &Task, delivery: &Delivery) -> Option<Question> {
    let shown: Option<Question> = serde_json::from_str(&delivery.escalation_raw).ok();
    let shown = shown.filter(|shown| shown.version == delivery.version);
    let mut all = question::all(task, "", &HashSet::new()).into_iter();
    all.find(|question| shown.as_ref().is_some_and(|shown| question.is_still(shown)))
}

/// The id of the call that was asked about, where that tells its own state.
fn call_of(delivery: &Delivery) -> Option<HashSet<String>> {
    let shown: Question = serde_json::from_str(&delivery.escalation_raw).ok()?;
    shown.is_of_call().then(|| shown.ids())
}

/// What our extension tells of that question, without what passes for a question of our own making.
fn ours(task: &Task, delivery: &Delivery) -> Vec<String> {
    #[derive(Deserialize)]
    struct Extension {
        escalations: Vec<Box<RawValue>>,
    }
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let extension = task.extension();
    let extension = extension.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let all = extension
        .into_iter()
        .flat_map(|of: Extension| of.escalations);
    let of_it = all.filter(|item| {
        let named: Option<Named> = serde_json::from_str(item.get()).ok();
        named.is_some_and(|named| named.id == delivery.escalation.as_str())
    });
    of_it.map(|item| bare(item.get())).collect()
}

fn without_native(delivery: &Delivery) -> Delivery {
    Delivery {
        escalation_raw: bare(&delivery.escalation_raw),
        ..delivery.clone()
    }
}

/// An item without `native`, its other members as they were written; one that can be read in two ways stays as it is.
fn bare(item: &str) -> String {
    let strict = domain::decision::strict_json(item, "item").ok();
    let members = strict.and_then(|item| serde_json::from_str(item.get()).ok());
    let bare = members.and_then(|mut members: BTreeMap<String, Box<RawValue>>| {
        members.remove("native")?;
        serde_json::to_string(&members).ok()
    });
    bare.unwrap_or_else(|| item.to_owned())
}

/// Whether the agent itself records it as answered, in our own words.
fn is_settled(task: &Task, delivery: &Delivery) -> bool {
    #[derive(Deserialize)]
    struct Settled {
        status: String,
    }
    let ours = ours(task, delivery);
    let is_it = |item: &String| {
        let settled: Option<Settled> = serde_json::from_str(item).ok();
        let is_resolved = settled.is_some_and(|item| item.status == "resolved");
        is_resolved && is_version(item, delivery)
    };
    !ours.is_empty() && ours.iter().all(is_it)
}

fn is_version(item: &str, delivery: &Delivery) -> bool {
    #[derive(Deserialize)]
    struct Versioned {
        version: String,
    }
    let item: Option<Versioned> = serde_json::from_str(item).ok();
    item.is_some_and(|item| item.version == delivery.version)
}

/// Whether a refusal names what is wished of the sending, and not the answer.
fn is_about_wishes(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let wishes = ["configuration", "blocking", "returnimmediately"];
    wishes.iter().any(|wish| words.contains(wish))
}

fn without_wishes(message: &RawValue) -> Option<Box<RawValue>> {
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(message.get()).ok()?;
    members.remove("configuration")?;
    serde_json::value::to_raw_value(&members).ok()
}

/// Somebody was first.
fn settled(task: &Task) -> Outcome {
    Outcome::AlreadyResolved {
        recorded: Some(super::card::clip(task.native_state(), 60)),
    }
}

/// `{task}`, `{message}`, or a bare task.
fn task_in(raw: &RawValue) -> Option<Task> {
    #[derive(Deserialize)]
    struct Wrapped {
        #[serde(default)]
        task: Option<Box<RawValue>>,
    }
    let wrapped: Option<Wrapped> = serde_json::from_str(raw.get()).ok();
    match wrapped.and_then(|wrapped| wrapped.task) {
        Some(task) => task::read(&task),
        None => task::read(raw),
    }
}

/// It is to be tried again.
fn away(error: domain::fact::PollError, may_have_arrived: bool) -> Outcome {
    Outcome::Retry {
        reason: error
            .detail
            .unwrap_or_else(|| "The request failed.".to_owned()),
        after_seconds: error.retry_after_seconds,
        may_have_arrived,
    }
}

/// The task could not be read, so nothing was sent.
fn unread(failure: Failure, may_have_arrived: bool) -> Outcome {
    match failure {
        Failure::Error {
            code: code::TASK_NOT_FOUND,
            ..
        } if may_have_arrived => Outcome::Unknown(
            "It does not know the task any more, so it cannot be told whether the answer arrived."
                .to_owned(),
        ),
        Failure::Error {
            code: code::TASK_NOT_FOUND,
            ..
        } => Outcome::Expired,
        failure => away(failure.into_poll_error(Utc::now()), may_have_arrived),
    }
}

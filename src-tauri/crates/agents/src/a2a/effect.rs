//! What shows that an answer had its effect. That a task asks no more is no proof: some servers go on, or wait on, over an
//! answer that they did not understand. What counts is what was asked for having moved: the call's own state, an artifact,
//! a completed task, words that name the answer, or (after a question in words) the agent's reply to them.
//!
//! It only looks. Sending, and what is told of it, is elsewhere.

use std::collections::HashSet;

use domain::{
    contract::TaskState,
    decision::{DecisionBody, Outcome as Decided},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    calls,
    card::clip,
    digest_of,
    question::{self, Question},
    shape::{self, Piece},
    task::{self, Artifact, Message, Task},
    words::Words,
};
use crate::Delivery;

/// Of a call that was allowed and has not begun.
const NOT_BEGUN: [&str; 2] = ["validating", "scheduled"];
/// The longest artifact that is read for what it says of an answer.
const A_SENTENCE: usize = 300;
/// Of a call whose result is there, whatever it is.
const DONE: &str = "done";

/// An answer that was sent, and what the task showed before.
#[derive(Debug)]
pub(crate) struct Owed {
    /// The message that carried it.
    id: String,
    decided: Option<Decided>,
    /// Words that would name it.
    names: Vec<Words>,
    /// What was asked about.
    question: Asked,
    before: Option<Sight>,
    /// It went beside its task, which is over and stays as it is: what the task that took it shows.
    beside: Option<Effect>,
}

/// The question, as far as an effect is recognised by it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    version: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    proposed_action: Option<Value>,
    #[serde(default)]
    options: Vec<Choice>,
    #[serde(default)]
    native: Native,
}

#[derive(Debug, Deserialize)]
struct Choice {
    id: String,
    label: String,
}

#[derive(Debug, Default, Deserialize)]
struct Native {
    #[serde(default)]
    asked: Vec<Piece>,
    #[serde(default)]
    beside: bool,
}

/// Digests of what a task has said and made.
#[derive(Debug)]
struct Sight {
    said: HashSet<u64>,
    made: HashSet<u64>,
}

/// What a task shows of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Nothing yet.
    None,
    /// It was allowed to do it, and has not begun.
    Allowed,
    /// It did what was decided.
    Shown,
    /// It did something else, or it cannot be told; in words.
    Contrary(String),
}

impl Owed {
    /// An answer on its way, and the task as it was read before.
    pub(crate) fn of(delivery: &Delivery, before: Option<&Task>) -> Self {
        let body: Option<DecisionBody> = serde_json::from_str(&delivery.body).ok();
        let question = serde_json::from_str(&delivery.escalation_raw).unwrap_or_default();
        Self::new(
            delivery.id.as_str().to_owned(),
            body.as_ref(),
            question,
            before.map(Sight::of),
        )
    }

    /// The answer of an earlier connection, where the task has recorded it. Of several calls, each was answered by itself.
    pub(crate) fn found(task: &Task, shown: &Question) -> Option<Self> {
        let ids = shown.ids();
        let names_it = |message: &&Message| {
            let parts = message.parts.as_deref().unwrap_or_default();
            !shown.is_of_call()
                || task::data(parts).any(|data| shape::ids(data).iter().any(|id| ids.contains(id)))
        };
        let mut newest = task.history.iter().flatten().rev().filter(names_it);
        let (id, body) = newest.find_map(|message| {
            let body = task::extension(message.metadata.as_deref())?;
            let body: DecisionBody = serde_json::from_str(body.get()).ok()?;
            let id = message.message_id.clone()?;
            message.is_persons().then_some((id, body))
        })?;
        let question = serde_json::to_value(shown).and_then(serde_json::from_value);
        Some(Self::new(
            id,
            Some(&body),
            question.unwrap_or_default(),
            None,
        ))
    }

    fn new(
        id: String,
        body: Option<&DecisionBody>,
        question: Asked,
        before: Option<Sight>,
    ) -> Self {
        let beside = question.native.beside.then_some(Effect::None);
        Self {
            id,
            decided: body.map(|body| body.outcome),
            names: body.map_or_else(Vec::new, |body| names(body, &question.options)),
            question,
            before,
            beside,
        }
    }

    /// Whether this is the answer with that id.
    pub(crate) fn is(&self, id: &str) -> bool {
        self.id == id
    }

    /// Whether it answered this question, and not one before it.
    pub(crate) fn answers(&self, question: &Question) -> bool {
        self.question.version == question.version
    }

    /// Keeps what another task shows, when that one took the answer.
    pub(crate) fn learn(&mut self, other: &Task) {
        let allowed = self.says_yes() == Some(true);
        if let Some(effect) = &mut self.beside
            && other.has_message(&self.id)
        {
            let tools = |pieces: &[Piece]| -> HashSet<String> {
                pieces
                    .iter()
                    .flat_map(|piece| shape::tools(&piece.data))
                    .collect()
            };
            let asked = tools(&self.question.native.asked);
            let action = self.question.proposed_action.as_ref();
            // A model writes its calls anew, and not always with the same arguments.
            let again = question::of(other, "", &HashSet::new()).is_some_and(|again| {
                !tools(again.pieces()).is_disjoint(&asked)
                    || action.is_some_and(|action| again.is_about(action))
            });
            *effect = match other.state() {
                _ if again => Effect::Contrary(format!(
                    "It asks the same again, in the task {}, so the answer did not count.",
                    clip(&other.id, 80)
                )),
                // Where words are all that is taken, a task that is over shows that they were heard, or that the call was not
                // made. Whether one that was allowed was made, it does not tell.
                TaskState::Completed if !allowed || asked.is_empty() => Effect::Shown,
                state if broke_off(state) => Effect::Contrary(ended(other)),
                _ => Effect::None,
            };
        }
    }

    /// What the task shows that took the answer with that id beside the one that asked.
    pub(crate) fn shown_beside(&self, id: &str) -> Option<Effect> {
        self.beside.clone().filter(|_| self.is(id))
    }

    /// What the task shows that asked.
    pub(crate) fn effect(&self, task: &Task) -> Effect {
        if let Some(effect) = &self.beside {
            return effect.clone();
        }
        let ids: HashSet<String> = self
            .question
            .native
            .asked
            .iter()
            .flat_map(|piece| shape::ids(&piece.data))
            .collect();
        let later = self.later(task);
        if let Some(word) = self.call_state(task, &later, &ids) {
            return match self.of_call(&word) {
                // It never begins where its task is over.
                Effect::Allowed if task.state().is_terminal() => Effect::Contrary(ended(task)),
                effect => effect,
            };
        }
        let state = task.state();
        if broke_off(state) {
            return match self.says_yes() {
                Some(false) => Effect::Shown,
                _ => Effect::Contrary(ended(task)),
            };
        }
        let said: Vec<Words> = later
            .iter()
            .map(|message| Words::of(&message.text()))
            .collect();
        let asked = Words::of(&self.question.message);
        let asks_the_same = said.iter().any(|said| said.contain(&asked));
        let is_named = !asks_the_same && said.iter().any(|said| self.is_named_in(said));
        let says_no = self.says_yes() == Some(false);
        if state == TaskState::Completed {
            // One that was told no may have done it all the same, and says so then; one that was told yes may have heard a no.
            let is_doubted = match self.says_yes() {
                Some(false) => !self.heard_no(task, &said),
                yes => self.is_denied(task, &said, yes.is_some()),
            };
            return match is_doubted {
                true => Effect::Contrary(ended(task)),
                false => Effect::Shown,
            };
        }
        // Where each call tells its own state, nothing else says what became of this one.
        if self.question.native.asked.iter().any(shape::tells_state) {
            return Effect::None;
        }
        let went_on = !asks_the_same && self.went_on(task, &said, &ids);
        if is_named || went_on || !says_no && self.has_made(task) {
            return Effect::Shown;
        }
        Effect::None
    }

    fn says_yes(&self) -> Option<bool> {
        match self.decided? {
            Decided::Reject | Decided::Cancel => Some(false),
            Decided::Approve | Decided::ApproveAlways | Decided::Edit => Some(true),
            Decided::Respond => None,
        }
    }

    fn of_call(&self, word: &str) -> Effect {
        let stopped = [
            "cancel", "reject", "declin", "denied", "refus", "skip", "abort",
        ];
        let is_stopped = stopped.iter().any(|stop| word.contains(stop));
        let tells_state = self.question.native.asked.iter().any(shape::tells_state);
        match self.says_yes() {
            _ if self.decided.is_none() => Effect::None,
            Some(true) if NOT_BEGUN.contains(&word) => Effect::Allowed,
            _ if NOT_BEGUN.contains(&word) => Effect::None,
            Some(true) if is_stopped => Self::contrary(word),
            Some(false) if !is_stopped && tells_state => Self::contrary(word),
            Some(false) if !is_stopped && word != DONE => Effect::None,
            _ => Effect::Shown,
        }
    }

    fn contrary(word: &str) -> Effect {
        Effect::Contrary(format!(
            "It was answered otherwise: what was asked about is \"{}\" by now.",
            clip(word, 60)
        ))
    }

    /// What the agent has said since the answer, as far as that can be told.
    fn later<'a>(&self, task: &'a Task) -> Vec<&'a Message> {
        let history = task.history.as_deref().unwrap_or_default();
        let ours = history
            .iter()
            .rposition(|message| message.message_id.as_deref() == Some(self.id.as_str()));
        let since = match (ours, &self.before) {
            (Some(at), _) => history.get(at + 1..).unwrap_or_default(),
            (None, Some(_)) => history,
            (None, None) => &[],
        };
        let earlier: HashSet<u64>;
        let known = match &self.before {
            Some(before) => &before.said,
            None => {
                earlier = history.iter().take(ours.unwrap_or(0)).map(said).collect();
                &earlier
            }
        };
        let is_known = |message: &Message| known.contains(&said(message));
        let status = task.status.as_ref().and_then(|s| s.message.as_ref());
        // With which a task ended, it did not ask.
        let is_later = ours.is_some() || self.before.is_some() || task.state().is_terminal();
        let status = status.filter(|_| is_later);
        since
            .iter()
            .chain(status)
            .filter(|message| message.is_agents() && !is_known(message))
            .collect()
    }

    /// The newest state that the agent tells of a call with one of these ids; `None` = none, or it waits on.
    fn call_state(&self, task: &Task, later: &[&Message], ids: &HashSet<String>) -> Option<String> {
        if ids.is_empty() {
            return None;
        }
        let names_it = |data: &RawValue| shape::ids(data).iter().any(|id| ids.contains(id));
        // Calls that tell their state do so wherever they stand.
        if let Some(word) = calls::state(task, ids) {
            return (word != shape::AWAITING).then_some(word);
        }
        // What a call writes while it runs is kept under its name; what stood there before the answer, it did not write since.
        let all = task.artifacts.iter().flatten();
        let mut since = all.filter(|made| {
            let before = self.before.as_ref();
            before.is_none_or(|before| !before.made.contains(&self::made(made)))
        });
        let names_one = |made: &str| ids.iter().any(|id| id.len() > 7 && made.contains(id));
        if since.any(|made| made.artifact_id.as_deref().is_some_and(names_one)) {
            return Some("executing".to_owned());
        }
        later
            .iter()
            .flat_map(|message| task::data_parts(message.parts.as_deref().unwrap_or_default()))
            .filter(|(data, _)| names_it(data))
            .filter_map(|(data, beside)| settled(data, beside))
            .last()
    }

    fn has_made(&self, task: &Task) -> bool {
        self.new_artifacts(task).next().is_some()
    }

    fn new_artifacts<'a>(&self, task: &'a Task) -> impl Iterator<Item = &'a Artifact> {
        self.before.iter().flat_map(|before| {
            let all = task.artifacts.iter().flatten();
            all.filter(|artifact| !before.made.contains(&made(artifact)))
        })
    }

    /// Whether a task that is over says, or shows by saying and making nothing, that it was told no.
    fn heard_no(&self, task: &Task, said: &[Words]) -> bool {
        let made = self.words_made(task, usize::MAX);
        let told: Vec<&Words> = said.iter().chain(&made).filter(|w| !w.is_empty()).collect();
        if told.is_empty() {
            // What was there before is only known of a task that was read then.
            let made_nothing = match self.before {
                Some(_) => made.is_empty(),
                None => task.artifacts.as_ref().is_none_or(Vec::is_empty),
            };
            return made_nothing && (self.before.is_some() || task.has_message(&self.id));
        }
        let names_it = |told: &&Words| self.is_named_in(told) || told.are_not_allowed();
        told.iter().any(names_it) || told.iter().all(|told| told.are_a_bare_not())
    }

    /// Whether a task that is over says that it did not take the answer in; or that what was allowed was not, and nowhere that
    /// it was.
    fn is_denied(&self, task: &Task, said: &[Words], is_yes: bool) -> bool {
        // A sentence, and not a page in which anything may stand.
        let made = self.words_made(task, A_SENTENCE);
        let told: Vec<&Words> = said.iter().chain(&made).filter(|w| !w.is_empty()).collect();
        let denies = |told: &&Words| was_not(told) || told.are_not_allowed();
        let only_not = !told.is_empty() && told.iter().all(|told| told.are_a_bare_not());
        let denied = only_not || told.iter().any(denies);
        let is_named = || told.iter().any(|told| self.is_named_in(told));
        told.iter().any(|told| told.were_not_read()) || is_yes && denied && !is_named()
    }

    /// What it has made since, in words, where those are no longer than this many bytes.
    fn words_made(&self, task: &Task, longest: usize) -> Vec<Words> {
        let words = |made: &Artifact| task::text(made.parts.as_deref().unwrap_or_default());
        let made = self.new_artifacts(task).map(words);
        let short = made.filter(|words| words.len() <= longest);
        short.map(|words| Words::of(&words)).collect()
    }

    fn is_named_in(&self, said: &Words) -> bool {
        self.names.iter().any(|name| said.say(name))
            || self.says_yes() == Some(false) && was_not(said)
    }

    /// Whether the agent went on with it: it has replied to words with words, or it asks about something else by now.
    fn went_on(&self, task: &Task, said: &[Words], ids: &HashSet<String>) -> bool {
        let moves = matches!(task.state(), TaskState::Submitted | TaskState::Working);
        if said.is_empty() || moves || self.decided.is_none() {
            return false;
        }
        if self.question.native.asked.is_empty() {
            return said.iter().any(|said| !said.is_empty())
                && !said.iter().any(Words::may_not_have_read);
        }
        // Words about the answer that do not say that it counted.
        let doubts = |said: &Words| self.names.iter().any(|name| said.contain(name));
        if said.iter().any(|said| said.may_deny() || doubts(said)) {
            return false;
        }
        let next = question::of(task, "", &HashSet::new());
        // The ids of calls are their own; those of other questions may be of the whole task.
        let asked = &self.question.native.asked;
        let is_call = asked.iter().any(|piece| shape::of(piece).is_some());
        next.is_some_and(|next| {
            let under_another_id = next.ids().is_disjoint(ids);
            let is_other = under_another_id || !is_call && !next.says(&self.question.message);
            // A call may be told anew under another id.
            let action = self.question.proposed_action.as_ref();
            let is_again = under_another_id && action.is_some_and(|action| next.is_about(action));
            next.is_certain() && is_other && !is_again
        })
    }
}

impl Sight {
    fn of(task: &Task) -> Self {
        let status = task.status.as_ref().and_then(|s| s.message.as_ref());
        let all = task.history.iter().flatten().chain(status);
        Self {
            said: all.map(said).collect(),
            made: task.artifacts.iter().flatten().map(made).collect(),
        }
    }
}

/// A message, whether it stands in the status or has moved into the history.
pub(super) fn said(message: &Message) -> u64 {
    match &message.message_id {
        Some(id) => digest_of(id),
        None => digest_of(&format!("{message:?}")),
    }
}

pub(super) fn made(artifact: &Artifact) -> u64 {
    digest_of(&format!("{artifact:?}"))
}

/// The word with which data says that its call is over.
fn settled(data: &RawValue, beside: Option<&RawValue>) -> Option<String> {
    let value: Value = serde_json::from_str(data.get()).ok()?;
    let word = ["status", "state"]
        .iter()
        .find_map(|name| value.get(name)?.as_str())
        .map(str::to_lowercase);
    let waits = ["wait", "pending", "request", "submitted"];
    match word {
        Some(word) if waits.iter().any(|wait| word.contains(wait)) => None,
        Some(word) => Some(word),
        None if question::is_result(beside) => Some(DONE.to_owned()),
        None => None,
    }
}

/// Words with which an agent says that it was told yes, or no.
const YES: [&str; 3] = ["approved", "accepted", "confirmed"];
const NO: [&str; 9] = [
    "rejected",
    "declined",
    "denied",
    "cancelled",
    "canceled",
    "refused",
    "skipped",
    "aborted",
    "stopped",
];

/// Whether it says for certain that nobody said yes.
fn was_not(said: &Words) -> bool {
    YES.iter().any(|word| said.deny(&Words::of(word)))
}

/// The words with which an agent would name this answer.
fn names(body: &DecisionBody, options: &[Choice]) -> Vec<Words> {
    let decided: &[&str] = match body.outcome {
        Decided::Approve | Decided::ApproveAlways | Decided::Edit => &YES,
        Decided::Reject | Decided::Cancel => &NO,
        Decided::Respond => &[],
    };
    let chosen = body.option_id.iter().flat_map(|id| {
        let label = options.iter().find(|choice| choice.id == *id);
        label.map(|choice| choice.label.as_str())
    });
    let own = chosen.chain(body.message.as_deref());
    decided.iter().copied().chain(own).map(Words::of).collect()
}

/// Whether a task in this state ended without its result.
pub(crate) fn broke_off(state: TaskState) -> bool {
    matches!(
        state,
        TaskState::Failed | TaskState::Rejected | TaskState::Canceled
    )
}

fn ended(task: &Task) -> String {
    format!(
        "The task is \"{}\" since the answer, so it cannot be told whether it did what was decided. It says: {}",
        clip(task.native_state(), 60),
        clip(&task.words(), 300)
    )
}

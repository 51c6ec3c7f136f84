//! What a story keeps of what it saw, and the laws: what may be handed to an agent, and what may be accepted of a click.
//! It asks the product nothing, and computes bindings and digests itself, as the contract says.

use std::collections::BTreeMap;

use domain::{
    decision::{DecisionBody, Outcome},
    time::Time,
};
use sha2::{Digest, Sha256};

use super::agent::Item;

/// A question: endpoint, id.
pub(super) type Key = (usize, String);

/// What an agent has told of a question, as far as it was taken in.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) item: Item,
    pub(super) waits: bool,
    /// Something that cannot be read stands in its place.
    pub(super) hidden: bool,
    /// Counts what was asked under this id: other bytes, or the same after they were settled, are asked anew.
    pub(super) asking: u32,
}

/// A decision of the story.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    pub(super) key: Key,
    pub(super) asking: u32,
    pub(super) item: Item,
    pub(super) outcome: Outcome,
    pub(super) option: Option<String>,
    pub(super) edited: Option<String>,
    pub(super) payload: Option<String>,
    pub(super) by: &'static str,
    /// The agent may act on it.
    pub(super) acts: bool,
    pub(super) harmless: bool,
    pub(super) at: Time,
    pub(super) step: usize,
    pub(super) url: String,
    /// It was handed over, and nobody says that it did not arrive.
    pub(super) left: bool,
    pub(super) in_flight: bool,
    /// It was taken back, or ended.
    pub(super) over: bool,
    pub(super) body: Option<String>,
}

/// What is on screen, as far as the laws go.
#[derive(Clone, Debug)]
pub(super) struct Handed<'a> {
    pub(super) id: &'a str,
    pub(super) endpoint: usize,
    pub(super) escalation: &'a str,
    pub(super) version: &'a str,
    pub(super) body: &'a str,
    pub(super) raw: &'a str,
    pub(super) resend: bool,
}

pub(super) fn digest(bytes: &str) -> String {
    let hash = Sha256::digest(bytes.as_bytes());
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The binding of the bytes of an item, by the words of the contract.
pub(super) fn binding(endpoint: &str, agent: &str, item: &Item) -> String {
    let mut all = vec![];
    let version = item.version.to_string();
    let raw = item.raw();
    for part in [
        "mission-control/binding/2",
        endpoint,
        agent,
        &item.id,
        &version,
        &raw,
    ] {
        all.extend((part.len() as u64).to_be_bytes());
        all.extend(part.as_bytes());
    }
    Sha256::digest(&all)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What was seen so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) told: BTreeMap<Key, Told>,
    pub(super) decided: BTreeMap<String, Decided>,
    /// Writes that were told: step, endpoint, resource, when.
    pub(super) writes: Vec<(usize, usize, &'static str, Time)>,
}

macro_rules! law {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}

impl Seen {
    /// Another agent's act on the same thing that was told after that step.
    pub(super) fn overtaken_since(&self, key: &Key, item: &Item, step: usize) -> bool {
        self.writes.iter().any(|(told, endpoint, resource, at)| {
            *told > step
                && *endpoint != key.0
                && item.target == Some(*resource)
                && *at >= item.created
        })
    }

    /// The same bytes were said to be asked again: only long after an answer that had left, which then is another asking's.
    /// `now`: unless the clock was set back.
    pub(super) fn asked_again(&mut self, key: &Key, now: Option<Time>) -> Result<(), String> {
        let told = self.told.get_mut(key).ok_or("Nobody asked this.")?;
        let before = self.decided.values().find(|other| {
            other.key == *key && other.asking == told.asking && (!other.over || other.left)
        });
        if let Some(before) = before {
            law!(
                before.left && !before.in_flight,
                "Asked again beside an answer that has not left: {before:?}"
            );
            law!(
                now.is_none_or(|now| now - before.at >= chrono::TimeDelta::seconds(60)),
                "Asked again at once, at {now:?}: {before:?}"
            );
            told.asking += 1;
        }
        Ok(())
    }

    /// Whether a decision may stand that was made now of what had this binding on screen.
    pub(super) fn accepted(
        &self,
        made: &Decided,
        names: (&str, &str),
        bound: &str,
        now: Time,
    ) -> Result<(), String> {
        let told = self.told.get(&made.key);
        let Some(told) = told else {
            return Err("A question was answered that nobody asked.".to_owned());
        };
        law!(
            told.waits && !told.hidden,
            "A question was answered that does not wait: {told:?}"
        );
        law!(
            binding(names.0, names.1, &told.item) == bound,
            "An answer to other bytes than the agent asks was accepted: {told:?}"
        );
        law!(
            told.item.expires.is_none_or(|end| now < end),
            "An answer after the deadline was accepted: {told:?} at {now}"
        );
        let standing = self.decided.values().find(|other| {
            other.key == made.key && other.asking == made.asking && (!other.over || other.left)
        });
        law!(
            standing.is_none(),
            "A second answer to one question was accepted beside {standing:?}"
        );
        Ok(())
    }

    /// Whether this may be handed to its agent now; notes that it was.
    pub(super) fn handed(
        &mut self,
        handed: &Handed<'_>,
        url: &str,
        now: Time,
    ) -> Result<(), String> {
        let body: DecisionBody =
            serde_json::from_str(handed.body).map_err(|error| error.to_string())?;
        let key = (handed.endpoint, handed.escalation.to_owned());
        if !self.decided.contains_key(handed.id) {
            // Nobody clicked: only a rule refuses, and only by its time.
            let told = self.told.get(&key).ok_or("It was never asked.")?;
            law!(
                body.decided_by == "rule" && body.outcome == Outcome::Reject,
                "Nobody decided this: {handed:?}"
            );
            law!(
                handed.endpoint == 1
                    && body.decided_at - told.item.created >= chrono::TimeDelta::hours(1),
                "No rule refuses this by now: {handed:?}"
            );
            let made = Decided {
                key: key.clone(),
                asking: told.asking,
                item: told.item.clone(),
                outcome: Outcome::Reject,
                option: None,
                edited: None,
                payload: None,
                by: "rule",
                acts: false,
                harmless: true,
                at: body.decided_at,
                step: usize::MAX,
                url: url.to_owned(),
                left: false,
                in_flight: false,
                over: false,
                body: None,
            };
            self.decided.insert(handed.id.to_owned(), made);
        }
        let made = self.decided.get(handed.id).ok_or("just noted")?.clone();
        let about = || format!("{handed:?}\n{made:?}\n{:?}", self.told.get(&made.key));
        law!(made.key == key, "Handed to another question: {}", about());
        law!(
            handed.raw == made.item.raw(),
            "Handed with other bytes than were shown: {}",
            about()
        );
        law!(
            handed.version == made.item.version.to_string(),
            "Another version: {}",
            about()
        );
        law!(!made.in_flight, "Handed twice at once: {}", about());
        law!(!made.over, "Handed though it was over: {}", about());
        law!(
            handed.resend == made.left,
            "Wrong about whether it may have arrived: {}",
            about()
        );
        law!(
            made.body.as_deref().is_none_or(|body| body == handed.body),
            "The bytes of a decision changed: {}",
            about()
        );
        let bound = made.item.action.clone().unwrap_or_else(|| made.item.raw());
        let right = body.outcome == made.outcome
            && body.option_id == made.option
            && body.edited_action.as_ref().map(|text| text.get()) == made.edited.as_deref()
            && body.payload.as_ref().map(|text| text.get()) == made.payload.as_deref()
            && body.decided_by == made.by
            && body.decided_at == made.at
            && body.action_digest == digest(made.edited.as_deref().unwrap_or(&bound));
        law!(right, "It says something else than the click: {}", about());
        law!(
            made.item.expires.is_none_or(|end| now < end),
            "Handed after its deadline, at {now}: {}",
            about()
        );
        let other = self.decided.iter().find(|(id, other)| {
            *id != handed.id
                && other.key == made.key
                && other.asking == made.asking
                && (other.left || other.in_flight)
        });
        law!(
            other.is_none(),
            "A second decision of one question: {} beside {other:?}",
            about()
        );
        if !made.left {
            let told = self.told.get(&key);
            law!(
                told.is_some_and(|told| told.waits
                    && !told.hidden
                    && told.asking == made.asking
                    && told.item.raw() == made.item.raw()),
                "The question had changed or gone before it left: {}",
                about()
            );
            law!(
                made.url == url,
                "It followed its endpoint to another address: {}",
                about()
            );
            law!(
                !made.acts || made.harmless || now - made.at < chrono::TimeDelta::hours(1),
                "Approved long before it left, at {now}: {}",
                about()
            );
            law!(
                !made.acts
                    || made.step == usize::MAX
                    || !self.overtaken_since(&key, &made.item, made.step),
                "Another agent had acted on the same thing before it left: {}",
                about()
            );
        }
        if let Some(made) = self.decided.get_mut(handed.id) {
            made.in_flight = true;
            made.body = Some(handed.body.to_owned());
        }
        Ok(())
    }
}

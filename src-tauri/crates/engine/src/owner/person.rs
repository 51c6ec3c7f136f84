//! What the person does that is a fact, or changes what is polled: decide, take back, settle findings, save rules,
//! change thresholds, add and remove endpoints.
//!
//! Each is written before it is answered. What only a draft or a look of the window concerns does not come here.

use agents::Outcome;
use domain::{
    change::EscalationPhase,
    decision::{Answer, DecidedBy, decide, repeat},
    fact::{self, PersonAction},
    ids::{DecisionId, EndpointId, EscalationId, TaskRef},
    ownership::{diff, edit::Edit},
    time::Time,
};
use serde_json::json;
use store::{
    breakpoint,
    tables::{
        audit, dead_letters, decisions,
        decisions::{Recorded, TakenBack},
        endpoints,
        endpoints::EndpointRow,
        escalations,
        facts::FactKind,
        findings, ownership, tasks,
    },
};
use tokio::sync::oneshot;

use super::{Owner, kept};
use crate::{
    api::{
        ApiError, again, escalation,
        letters::{Deed, changed},
        ownership::{commit_save, follow, ready_to_save},
        pins::pins,
        remedy::Noted,
        settings,
        views::{DecideRequest, DecisionView, SaveRequest, SchemaSaved, SettingsRequest, Topic},
        wording,
    },
    poll::Wish,
};

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, ApiError>>;

/// What the person asks for.
pub(crate) enum Ask {
    /// Answer an escalation.
    Decide(DecideRequest, Reply<DecisionView>),
    /// Take a decision back that has not left.
    Undo(DecisionId, Reply<()>),
    /// Say that the person has seen what stands in the place of what they answered.
    Acknowledge(DecisionId, Reply<()>),
    /// Act on a finding in a way that is a fact.
    Note(PersonAction, Noted, Reply<()>),
    /// Write what was done about a dead letter.
    Letter(Box<Deed>, Reply<()>),
    /// Keep in the audit what the person did beside the agents.
    Keep(&'static str, String, serde_json::Value, Reply<()>),
    /// Change the rules in force, without a draft; answers what changed.
    ChangeRules(Vec<Edit>, Reply<String>),
    /// Save the draft of the ownership document.
    Save(SaveRequest, Reply<()>),
    /// Give a JSON Schema, replace it, or take it away.
    Schema(String, Option<String>, Reply<SchemaSaved>),
    /// Change settings.
    Settings(Box<SettingsRequest>, Reply<()>),
    /// Add an endpoint or change it.
    Put(EndpointRow, Reply<()>),
    /// Take an endpoint out of the fleet.
    Remove(EndpointId, Reply<()>),
    /// This computer's clock is right, though the log is ahead of it.
    TrustClock(Reply<()>),
    /// Ask an endpoint at once.
    Poll(EndpointId, Reply<()>),
    /// Ask an endpoint to cancel a task.
    Cancel(TaskRef, DecisionId, oneshot::Sender<Outcome>),
}

/// What an act does to the finding itself.
enum Kind {
    Settled,
    Later(Time),
    Other,
}

impl Ask {
    /// Answers that it was not done.
    pub(super) fn refuse(self, refusal: ApiError) {
        // Whoever asked may be gone.
        match self {
            Self::Decide(_, reply) => drop(reply.send(Err(refusal))),
            Self::ChangeRules(_, reply) => drop(reply.send(Err(refusal))),
            Self::Schema(_, _, reply) => drop(reply.send(Err(refusal))),
            Self::Undo(_, reply)
            | Self::Acknowledge(_, reply)
            | Self::Note(_, _, reply)
            | Self::Letter(_, reply)
            | Self::Keep(_, _, _, reply)
            | Self::Save(_, reply)
            | Self::Settings(_, reply)
            | Self::Put(_, reply)
            | Self::Remove(_, reply)
            | Self::TrustClock(reply)
            | Self::Poll(_, reply) => drop(reply.send(Err(refusal))),
            Self::Cancel(_, _, answer) => drop(answer.send(Outcome::Refused(refusal.message))),
        }
    }
}

/// Saves settings, with a row of the record for what they were.
fn saved_settings(tx: &store::Tx<'_>, now: Time, request: &SettingsRequest) -> store::Result<()> {
    let before = settings::all(tx)?;
    settings::save(tx, request)?;
    kept::change(
        tx,
        now,
        "settings",
        "settings",
        &before,
        &settings::all(tx)?,
    )
}

impl Owner {
    pub(super) fn acted(&mut self, ask: Ask) {
        // Whoever asked may be gone; what was done stays done.
        match ask {
            Ask::Decide(request, reply) => {
                let done = self.decide(&request);
                breakpoint("reply-unsent");
                drop(reply.send(done));
                breakpoint("reply-sent");
            }
            Ask::Undo(id, reply) => drop(reply.send(self.undo(&id))),
            Ask::Acknowledge(id, reply) => drop(reply.send(self.acknowledge(id))),
            Ask::Note(action, noted, reply) => drop(reply.send(self.note(&action, noted))),
            Ask::Letter(deed, reply) => drop(reply.send(self.letter(*deed))),
            Ask::Keep(kind, subject, detail, reply) => {
                let now = self.now();
                let kept = self.commit_only(move |tx| {
                    audit::append(tx, now, kind, &subject, &detail)?;
                    Ok(())
                });
                drop(reply.send(kept.then_some(()).ok_or_else(|| self.unsaved())));
            }
            Ask::ChangeRules(edits, reply) => drop(reply.send(self.change_rules(&edits))),
            Ask::Save(request, reply) => drop(reply.send(self.save_rules(&request))),
            Ask::Schema(name, text, reply) => {
                drop(reply.send(self.schema(&name, text.as_deref())));
            }
            Ask::Settings(request, reply) => drop(reply.send(self.settings(*request))),
            Ask::Put(row, reply) => drop(reply.send(self.put(row))),
            Ask::Remove(id, reply) => drop(reply.send(self.remove(&id))),
            Ask::TrustClock(reply) => drop(reply.send(self.trust_clock())),
            Ask::Poll(id, reply) => drop(reply.send(self.poll_now(&id))),
            Ask::Cancel(task, key, answer) => self.cancel(&task, key, answer),
        }
    }

    fn decide(&mut self, request: &DecideRequest) -> Result<DecisionView, ApiError> {
        breakpoint("decision-asked");
        let now = self.now();
        let id = EscalationId::from(request.escalation.as_str());
        let found = self.parts.store.read(|reader| {
            let Some(record) = escalations::get(reader, &request.endpoint, &id)? else {
                return Ok(None);
            };
            let known = escalation::circumstances(reader, &record)?;
            let hidden = dead_letters::hides(reader, &request.endpoint, &id)?;
            let earlier = again::answered_before(reader, &record)?;
            Ok(Some((record, known, hidden, earlier)))
        })?;
        let (record, known, hidden, earlier) =
            found.ok_or_else(|| ApiError::new("missing", "There is no such question any more."))?;
        if record.phase == EscalationPhase::Answered {
            let winner = self
                .parts
                .store
                .read(|reader| decisions::standing(reader, &record))?;
            return Err(ApiError::new("settled", wording::settled(winner, now)));
        }
        self.is_certain(&record)?;
        if hidden && record.phase == EscalationPhase::Pending {
            return Err(ApiError::new(
                "changed",
                format!("{} Nothing was decided.", escalation::HIDDEN),
            ));
        }
        // Who did not see that it was answered before answers once, and no other answer is sent than the one on screen.
        let before = earlier.as_ref().map(|earlier| earlier.id.as_str());
        let repeats = request.repeats.as_deref();
        if request.again.as_deref() != before || repeats.is_some() && repeats != before {
            return Err(ApiError::new(
                "changed",
                "There is another answer before this one now; nothing was decided. Look at it again.",
            ));
        }
        // Discarding what was overtaken needs no words: the agent is told what was done.
        let told = known
            .overtaking
            .as_ref()
            .filter(|_| request.outcome == domain::decision::Outcome::Reject)
            .map(|done| {
                format!(
                    "{} has already acted on {}.",
                    done.agent.agent, done.resource
                )
            });
        let answer = Answer {
            version: &request.version,
            binding_hash: &request.binding_hash,
            outcome: request.outcome,
            option_id: request.option_id.as_deref(),
            edited_action: request.edited_action.as_deref(),
            payload: request.payload.as_deref(),
            message: request.message.as_deref().or(told.as_deref()),
            shown_ms: request.shown_ms,
            reached_end: request.reached_end,
            overtaken_by: request.overtaken_by.as_deref(),
            decided_by: DecidedBy::Person,
        };
        let key = DecisionId::from(uuid::Uuid::now_v7().to_string());
        let decided = match earlier.filter(|_| repeats.is_some()) {
            Some(earlier) => repeat(&record, &earlier, &answer, &known, key, now),
            None => decide(&record, &answer, &known, key, now),
        };
        let mut decision = decided.map_err(|refusal| {
            let code = match refusal {
                domain::decision::Refusal::Changed | domain::decision::Refusal::Overtaken(_) => {
                    "changed"
                }
                domain::decision::Refusal::Settled(_) | domain::decision::Refusal::Expired => {
                    "settled"
                }
                _ => "invalid",
            };
            ApiError::new(code, refusal.to_string())
        })?;
        decision.origin = self.origin(&request.endpoint);
        decision.edition = record.edition;
        let written = decision.clone();
        breakpoint("decision-unwritten");
        let recorded = self
            .write(move |tx| decisions::record(tx, now, &written, domain::decision::binding_of))
            .map_err(|_| self.unsaved())?;
        match recorded {
            Recorded::Yes => {}
            Recorded::Gone => {
                return Err(ApiError::new(
                    "missing",
                    "There is no such question any more.",
                ));
            }
            Recorded::Settled(_, winner) => {
                return Err(ApiError::new("settled", wording::settled(winner, now)));
            }
            Recorded::Changed => {
                return Err(ApiError::new(
                    "changed",
                    "The question has changed since you looked; nothing was decided. Look at it again.",
                ));
            }
            Recorded::Late => {
                return Err(ApiError::new(
                    "settled",
                    "This question has expired; nothing was decided.",
                ));
            }
        }
        let view = escalation::decision_view(&decision);
        self.enqueue(decision);
        self.announce_topics(&[Topic::Inbox, Topic::Board, Topic::Status, Topic::Timeline]);
        Ok(view)
    }

    /// The address that a decision for that endpoint is made for.
    pub(super) fn origin(&self, endpoint: &EndpointId) -> Option<String> {
        let row = self
            .parts
            .store
            .read(|reader| endpoints::get(reader, endpoint));
        agents::address::origin(&row.ok().flatten()?.url)
    }

    fn undo(&mut self, id: &DecisionId) -> Result<(), ApiError> {
        match self.outbox.get(id) {
            Some(parcel) if parcel.has_not_left() => {}
            _ => {
                return Err(ApiError::new(
                    "settled",
                    "It is too late to take this back; the decision has left.",
                ));
            }
        }
        if self.take_back(id, &TakenBack::ByPerson) {
            Ok(())
        } else {
            Err(self.unsaved())
        }
    }

    /// The person has seen what an agent put in the place of what they answered.
    fn acknowledge(&mut self, id: DecisionId) -> Result<(), ApiError> {
        let now = self.now();
        if !self.commit_only(move |tx| decisions::acknowledge(tx, now, &id)) {
            return Err(self.unsaved());
        }
        self.announce_topics(&[Topic::Inbox, Topic::Status]);
        Ok(())
    }

    /// Writes an act on a finding into the log, the audit and the finding itself.
    fn note(&mut self, action: &PersonAction, noted: Noted) -> Result<(), ApiError> {
        let now = self.now();
        let (kind, word) = match action {
            PersonAction::Resolve { .. } => (Kind::Settled, "finding-settled"),
            PersonAction::Snooze { until, .. } => (Kind::Later(*until), "finding-put-off"),
            PersonAction::Extend { .. } => (Kind::Other, "finding-extended"),
            _ => (Kind::Other, "finding-acted"),
        };
        let detail = json!({
            "resolution": noted.resolution, "reason": noted.reason, "action": action,
        });
        let episode = noted.episode;
        let done = self.person(action, move |tx| {
            match kind {
                Kind::Settled => findings::dismiss(tx, &episode, now)?,
                Kind::Later(until) => findings::snooze(tx, &episode, until)?,
                Kind::Other => {}
            }
            audit::append(tx, now, word, &episode, &detail)?;
            Ok(())
        });
        if !done {
            return Err(self.unsaved());
        }
        self.announce_topics(&[Topic::Inbox, Topic::Board, Topic::Status, Topic::Ownership]);
        Ok(())
    }

    /// Writes what the person did about a dead letter; what settles it is a fact.
    fn letter(&mut self, deed: Deed) -> Result<(), ApiError> {
        let now = self.now();
        let Deed {
            letter,
            subject,
            acted,
            settles,
            detail,
            digest,
        } = deed;
        // What is done holds for these bytes; an answer that is in the outbox already is kept all the same.
        let stands = self.parts.store.read(|reader| {
            dead_letters::get(reader, &letter.endpoint, &letter.list, &letter.item)
        })?;
        let stands = stands.filter(|row| row.cleared_at.is_none());
        let same = stands.is_some_and(|row| domain::decision::digest(&row.raw) == digest);
        if !same && acted.decision.is_none() {
            return Err(changed());
        }
        let write = move |tx: &store::Tx<'_>| {
            if same {
                dead_letters::act(tx, &letter.endpoint, &letter.list, &letter.item, &acted)?;
            }
            audit::append(tx, now, "letter", &subject, &detail)?;
            Ok(())
        };
        let done = match &settles {
            Some(action) => self.person(action, write),
            None => self.commit_only(write),
        };
        if !done {
            return Err(self.unsaved());
        }
        self.announce_topics(&[Topic::Letters, Topic::Inbox, Topic::Agents, Topic::Status]);
        Ok(())
    }

    /// Changes the rules in force at once. A draft takes the change over, so that saving it does not undo it.
    fn change_rules(&mut self, edits: &[Edit]) -> Result<String, ApiError> {
        let current = self.parts.store.read(ownership::current)?;
        let (revision, before) = current.map_or_else(Default::default, |version| {
            (version.revision, version.document)
        });
        let mut after = before.clone();
        for edit in edits {
            after = edit
                .apply(&after)
                .map_err(|problem| ApiError::new("invalid", problem.to_string()))?;
        }
        let sentence = diff::summary(&before, &after);
        let pins = self.parts.store.read(|reader| pins(reader, &after))?;
        let fresh = self
            .fresh(FactKind::Rules, None, |at| {
                fact::write_rules(at, &after, &pins)
            })
            .map_err(|problem| ApiError::new("unreadable", problem))?;
        let (at, said) = (fresh.at, sentence.clone());
        let done = self.commit(fresh, move |tx| {
            let saved = ownership::save(tx, at, revision, &after, &said)?;
            follow(tx, saved.ok_or(store::Error::Closed)?, &before, &after)?;
            ownership::set_pins(tx, &pins)?;
            kept::change(tx, at, "rules", "ownership", &before, &after)
        });
        if !done {
            return Err(self.unsaved());
        }
        self.announce_topics(&[Topic::Ownership, Topic::Inbox, Topic::Status]);
        Ok(format!("The rules were saved: {sentence}"))
    }

    /// Logs what the person did, with what belongs to it.
    pub(super) fn person(
        &mut self,
        action: &PersonAction,
        also: impl Fn(&store::Tx<'_>) -> store::Result<()> + Send + Sync + 'static,
    ) -> bool {
        let fresh = self.fresh(FactKind::Person, None, |at| fact::write_person(at, action));
        match fresh {
            Ok(fresh) => self.commit(fresh, also),
            Err(_) => false,
        }
    }

    fn save_rules(&mut self, request: &SaveRequest) -> Result<(), ApiError> {
        let (ready, before) = self.parts.store.read(|reader| {
            let before = ownership::current(reader)?.map(|version| version.document);
            Ok(ready_to_save(reader, request).map(|ready| (ready, before.unwrap_or_default())))
        })??;
        let rules = ready.document.clone();
        let pins = self.parts.store.read(|reader| pins(reader, &rules))?;
        let fresh = self
            .fresh(FactKind::Rules, None, |at| {
                fact::write_rules(at, &rules, &pins)
            })
            .map_err(|problem| ApiError::new("unreadable", problem))?;
        let at = fresh.at;
        // Nobody else saves: what was ready a moment ago still is.
        let done = self.commit(fresh, move |tx| {
            commit_save(tx, at, &ready)?.map_err(|_| store::Error::Closed)?;
            ownership::set_pins(tx, &pins)?;
            kept::change(tx, at, "rules", "ownership", &before, &ready.document)
        });
        if !done {
            return Err(self.unsaved());
        }
        self.announce_topics(&[Topic::Ownership, Topic::Inbox, Topic::Status]);
        Ok(())
    }

    fn settings(&mut self, request: SettingsRequest) -> Result<(), ApiError> {
        let before = self.parts.store.read(settings::rules)?;
        match request.rules.clone().filter(|rules| *rules != before) {
            None => {
                let now = self.now();
                self.write(move |tx| saved_settings(tx, now, &request))
                    .map_err(|_| self.unsaved())?;
            }
            Some(rules) => {
                settings::check(&rules)?;
                let fresh = self
                    .fresh(FactKind::Settings, None, |at| {
                        fact::write_settings(at, &rules)
                    })
                    .map_err(|problem| ApiError::new("invalid", problem))?;
                let at = fresh.at;
                if !self.commit(fresh, move |tx| saved_settings(tx, at, &request)) {
                    return Err(self.unsaved());
                }
            }
        }
        self.announce_topics(&[Topic::Settings, Topic::Limits]);
        Ok(())
    }

    fn put(&mut self, row: EndpointRow) -> Result<(), ApiError> {
        let before = self
            .parts
            .store
            .read(|reader| endpoints::get(reader, &row.id))?;
        let was_paused = before.as_ref().is_some_and(|before| before.paused);
        let (written, now) = (row.clone(), self.now());
        let put = move |tx: &store::Tx<'_>| {
            endpoints::put(tx, &written)?;
            kept::endpoint(tx, now, before.as_ref(), Some(&written))
        };
        let done = match (was_paused, row.paused) {
            (false, true) => self.person(
                &PersonAction::Pause {
                    endpoint: row.id.clone(),
                },
                put,
            ),
            (true, false) => self.person(
                &PersonAction::Unpause {
                    endpoint: row.id.clone(),
                },
                put,
            ),
            _ => self.commit_only(put),
        };
        if !done {
            return Err(self.unsaved());
        }
        self.follow(&row);
        self.announce_topics(&[Topic::Agents, Topic::Board, Topic::Status, Topic::Ownership]);
        Ok(())
    }

    fn remove(&mut self, id: &EndpointId) -> Result<(), ApiError> {
        if let Some(known) = self.known.get_mut(id) {
            known.poller = None;
        }
        // As far as we know nothing goes on there any more: what was open ends, and no rule waits for it.
        self.heard_for_the_last_time(id);
        let (now, name) = (self.now(), id.clone());
        let left = PersonAction::Pause {
            endpoint: id.clone(),
        };
        let done = self.person(&left, move |tx| {
            tasks::forget(tx, &name)?;
            if let Some(row) = endpoints::get(tx, &name)? {
                kept::endpoint(tx, now, Some(&row), None)?;
            }
            endpoints::remove(tx, &name, now)
        });
        if !done {
            // It stays, and is asked on.
            let row = self.parts.store.read(|reader| endpoints::get(reader, id));
            if let Ok(Some(row)) = row {
                self.follow(&row);
            }
            return Err(self.unsaved());
        }
        self.known.remove(id);
        self.parts.live.write().endpoints.remove(id);
        self.announce_topics(&[Topic::Agents, Topic::Board, Topic::Status, Topic::Ownership]);
        Ok(())
    }

    fn poll_now(&mut self, id: &EndpointId) -> Result<(), ApiError> {
        let poller = self.known.get(id).and_then(|known| known.poller.as_ref());
        match poller {
            Some(poller) if poller.wish(Wish::Poll) => Ok(()),
            _ => Err(ApiError::new(
                "missing",
                "It is not asked now: it is paused or was removed.",
            )),
        }
    }

    fn cancel(&mut self, task: &TaskRef, key: DecisionId, answer: oneshot::Sender<Outcome>) {
        let now = self.now();
        let subject = task.to_string();
        let detail = json!({ "key": key });
        if !self.commit_only(move |tx| {
            audit::append(tx, now, "cancel-asked", &subject, &detail)?;
            Ok(())
        }) {
            let _ = answer.send(Outcome::Refused(self.unsaved().message));
            return;
        }
        let poller = self
            .known
            .get(&task.endpoint)
            .and_then(|known| known.poller.as_ref());
        let Some(poller) = poller else {
            let _ = answer.send(Outcome::Refused(
                "It is not asked now: it is paused or was removed.".to_owned(),
            ));
            return;
        };
        // A loop that has just ended drops `answer`, which the asker sees.
        poller.wish(Wish::Cancel {
            task: task.task.clone(),
            key,
            answer,
        });
    }
}

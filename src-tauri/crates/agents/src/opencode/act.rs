//! Sending a decision or a stop, and finding out what became of it.
//!
//! The server takes the first answer to a request and says "not found" to the second, so an answer whose fate is not known
//! may be sent again while the request still waits. It also says "true" to answers nobody waits for any more; so the
//! request is looked at before, and the tool call it stands for afterwards.

use std::time::Duration;

use chrono::Utc;
use domain::{decision::DecisionBody, fact::PollError, ids::TaskId};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::{
    About, OpenCode, ask,
    ask::Native,
    at, json as get,
    reply::{self, Verb},
    round::call_of,
    wire::{self, Call, Generation, Request, Session, What},
};
use crate::{Delivery, Outcome, a2a::clip, http::Reply};

/// How long after an accepted answer the server is looked at again.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
    Duration::from_millis(1000),
    Duration::from_millis(2000),
];
/// Messages among which the tool call of a request is looked for.
const NEAR: u32 = 10;

/// Where the request is to be looked for.
struct Question<'a> {
    delivery: &'a Delivery,
    session: &'a TaskId,
    native: Native,
}

/// What the server shows of a request.
enum Shown {
    /// It waits.
    Waiting(Box<Request>),
    /// It is in the list, but its work was stopped: nobody waits for the answer.
    Dead,
    /// It is in no list any more; its tool call, if there is one, and whether the session still works.
    Gone(Option<Call>, bool),
    /// The session itself is gone.
    Lost,
}

impl OpenCode {
    /// Delivers a decision.
    pub(super) async fn answer(&mut self, delivery: &Delivery) -> Outcome {
        let Some(session) = &delivery.task else {
            return Outcome::Refused("The question names no session.".to_owned());
        };
        let Ok(body) = serde_json::from_str::<DecisionBody>(&delivery.body) else {
            return Outcome::Refused("The decision cannot be read again.".to_owned());
        };
        let about = match self.connected().await {
            Ok(about) => about,
            Err(error) => return away(error, delivery.resend),
        };
        let native = native(delivery).unwrap_or_else(|| Native {
            protocol: "opencode".to_owned(),
            generation: Generation::One,
            directory: about.directory.clone(),
            message_id: None,
            call_id: None,
            request: None,
        });
        let question = Question {
            delivery,
            session,
            native,
        };
        let request = match self.look(&about, &question).await {
            Ok(Shown::Waiting(request)) => request,
            Ok(Shown::Dead) => return Outcome::Expired,
            Ok(shown) => return before(&shown, &body, delivery.resend),
            Err(error) => return away(error, delivery.resend),
        };
        if ask::version(&request) != delivery.version {
            return Outcome::Changed;
        }
        let reply = match reply::of(&body, &request) {
            Ok(reply) => reply,
            Err(sentence) => return Outcome::Refused(sentence),
        };
        let outcome = self
            .send(&about, &question, &request, &reply.verb, &body)
            .await;
        if reply.stops && matches!(outcome, Outcome::Applied | Outcome::Sent) {
            return self.stop(session).await;
        }
        outcome
    }

    async fn send(
        &mut self,
        about: &About,
        question: &Question<'_>,
        request: &Request,
        verb: &Verb,
        body: &DecisionBody,
    ) -> Outcome {
        let kind = match request.what {
            What::Permission { .. } => "permission",
            What::Questions(_) => "question",
        };
        let (last, call) = verb.call(request);
        let url = match request.generation {
            Generation::One => {
                let query = [("directory", request.directory.as_str())];
                at(&self.client, &[kind, &request.id, last], &query)
            }
            Generation::Two => {
                let path = ["api", "session", &request.session, kind, &request.id, last];
                at(&self.client, &path, &[])
            }
        };
        let url = match url {
            Ok(url) => url,
            Err(error) => return Outcome::Refused(sentence(&error)),
        };
        match self
            .client
            .send(url, HeaderMap::new(), call.to_string())
            .await
        {
            Ok(reply) => match reply.status.as_u16() {
                204 => self.taken(about, question, verb).await,
                200 if reply.body.trim_ascii() == b"true" => {
                    self.taken(about, question, verb).await
                }
                200 => Outcome::Refused(
                    "This version of OpenCode cannot take an answer this way.".to_owned(),
                ),
                404 => match self.look(about, question).await {
                    Ok(Shown::Waiting(_)) => Outcome::Refused(words(&reply)),
                    Ok(Shown::Dead) => Outcome::Expired,
                    Ok(shown) => before(&shown, body, question.delivery.resend),
                    Err(error) => away(error, question.delivery.resend),
                },
                401 | 403 | 429 => away(reply.as_error(Utc::now()), question.delivery.resend),
                300..=399 => Outcome::Refused(sentence(&reply.as_error(Utc::now()))),
                400..=499 => Outcome::Refused(words(&reply)),
                _ => {
                    self.doubted(about, question, reply.as_error(Utc::now()))
                        .await
                }
            },
            Err(broken) if !broken.may_have_arrived => away(broken.error, question.delivery.resend),
            Err(broken) => self.doubted(about, question, broken.error).await,
        }
    }

    /// It took the answer; applied once it is out of the list and the tool call does not speak against it.
    async fn taken(&self, about: &About, question: &Question<'_>, verb: &Verb) -> Outcome {
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            match self.look(about, question).await {
                Ok(Shown::Gone(call, _)) => match proof(call.as_ref(), verb, &question.native) {
                    Proof::Shown => return Outcome::Applied,
                    Proof::Against(sentence) => return Outcome::Unknown(sentence),
                    Proof::NotYet => {}
                },
                Ok(Shown::Dead | Shown::Lost) => {
                    return Outcome::Unknown(
                        "The session was stopped while the answer was taken.".to_owned(),
                    );
                }
                Ok(Shown::Waiting(_)) | Err(_) => {}
            }
        }
        Outcome::Sent
    }

    /// No whole answer came. While the request waits it can be sent again; otherwise who settled it cannot be told.
    async fn doubted(&self, about: &About, question: &Question<'_>, error: PollError) -> Outcome {
        match self.look(about, question).await {
            Ok(Shown::Gone(..) | Shown::Dead | Shown::Lost) => Outcome::Unknown(
                "The request is settled by now, but it cannot be told whether by this answer."
                    .to_owned(),
            ),
            Ok(Shown::Waiting(_)) | Err(_) => away(error, true),
        }
    }

    async fn look(&self, about: &About, question: &Question<'_>) -> Result<Shown, PollError> {
        let native = &question.native;
        let id = question.session.as_str();
        if !id.starts_with("ses") {
            return Ok(Shown::Lost);
        }
        let requests = self.requests(&native.directory, native.generation).await?;
        let known = question.delivery.escalation.as_str();
        let waiting = requests.and_then(|(all, _)| all.into_iter().find(|r| r.id == known));
        let works = self.works(about, id, native).await?;
        let call = native.message_id.clone().zip(native.call_id.clone());
        let (_, messages) = self.messages(id, NEAR, about.has_two).await?;
        let mut call = call_of(&messages, call.as_ref()).cloned();
        if call.is_none() {
            call = self.one_call(id, native).await?;
        }
        Ok(match waiting {
            Some(_) if !works && call.as_ref().is_some_and(|call| !call.is_open()) => Shown::Dead,
            Some(request) => Shown::Waiting(Box::new(request)),
            None if messages.is_empty() && !self.exists(id).await? => Shown::Lost,
            None => Shown::Gone(call, works),
        })
    }

    async fn works(&self, about: &About, id: &str, native: &Native) -> Result<bool, PollError> {
        let statuses = match native.generation {
            Generation::One => self.statuses(&native.directory).await?,
            Generation::Two if about.has_two => self.active().await?,
            Generation::Two => return Ok(false),
        };
        Ok(statuses.get(id).is_some_and(|status| status.word != "idle"))
    }

    /// The call by its message, when that is no longer among the newest.
    async fn one_call(&self, id: &str, native: &Native) -> Result<Option<Call>, PollError> {
        let (Some(message), Some(call)) = (&native.message_id, &native.call_id) else {
            return Ok(None);
        };
        let raw: Option<Box<serde_json::value::RawValue>> = match native.generation {
            Generation::One => get(&self.client, &["session", id, "message", message], &[]).await?,
            Generation::Two => return Ok(None),
        };
        let found = raw.and_then(|raw| wire::message(&raw, native.generation));
        Ok(found.and_then(|m| m.calls.into_iter().find(|known| known.id == *call)))
    }

    async fn exists(&self, id: &str) -> Result<bool, PollError> {
        let session: Option<Session> = get(&self.client, &["session", id], &[]).await?;
        Ok(session.is_some())
    }

    /// Stops a session. Stopping what does not run does nothing, and is said as that.
    pub(super) async fn stop(&mut self, task: &TaskId) -> Outcome {
        let id = task.as_str();
        if !id.starts_with("ses") {
            return Outcome::Expired;
        }
        match self.try_stop(id).await {
            Ok(outcome) => outcome,
            Err(error) => away(error, true),
        }
    }

    async fn try_stop(&mut self, id: &str) -> Result<Outcome, PollError> {
        let about = self.connected().await?;
        let session: Option<Session> = get(&self.client, &["session", id], &[]).await?;
        let Some(session) = session else {
            return Ok(Outcome::Expired);
        };
        let directory = session.directory.unwrap_or_else(|| about.directory.clone());
        let of_two = about.has_two && self.active().await?.contains_key(id);
        if !of_two && !self.runs(&about, id, &directory, of_two).await? {
            return Ok(Outcome::AlreadyResolved {
                recorded: Some("idle".to_owned()),
            });
        }
        let url = if of_two {
            at(&self.client, &["api", "session", id, "interrupt"], &[])?
        } else {
            let query = [("directory", directory.as_str())];
            at(&self.client, &["session", id, "abort"], &query)?
        };
        let reply = match self
            .client
            .send(url, HeaderMap::new(), "{}".to_owned())
            .await
        {
            Ok(reply) => reply,
            Err(broken) => return Ok(away(broken.error, broken.may_have_arrived)),
        };
        match reply.status.as_u16() {
            200 | 204 => {}
            404 => return Ok(Outcome::Expired),
            401 | 403 | 429 | 500..=599 => return Err(reply.as_error(Utc::now())),
            _ => return Ok(Outcome::Refused(words(&reply))),
        }
        for pause in LOOKS {
            tokio::time::sleep(pause).await;
            if !self.runs(&about, id, &directory, of_two).await? {
                return Ok(Outcome::Applied);
            }
        }
        Ok(Outcome::Sent)
    }

    /// What became of a request that is in no list any more. The server forgets it, but its id tells when it was asked,
    /// and the tool calls of that moment are still there. Only what all of them tell is told.
    pub(super) fn remembered(&self, request: &str) -> Option<(Option<TaskId>, Outcome)> {
        let asked = wire::asked_at(request, Utc::now().timestamp_millis())?;
        // Questions are asked by one tool, and permissions for every other.
        let is_question = request.starts_with("que_");
        let may_be = |call: &Call| {
            let mut open = self.open.values();
            let waits = open.any(|item| item.native.call_id.as_deref() == Some(&call.id));
            call.was_under_way(asked) && (call.tool == "question") == is_question && !waits
        };
        let mut told: Option<(Option<TaskId>, Outcome)> = None;
        for known in self.sessions.values() {
            let calls = known.messages.iter().flat_map(|message| &message.calls);
            for call in calls.filter(|call| may_be(call)) {
                let task: TaskId = known.session.id.as_str().into();
                let outcome = unanswered(Some(call), known.status.is_some());
                told = Some(match (told, outcome) {
                    (None, outcome) => (Some(task), outcome),
                    (
                        Some((of, Outcome::AlreadyResolved { recorded })),
                        Outcome::AlreadyResolved { recorded: other },
                    ) => {
                        let recorded = recorded.filter(|word| other.as_ref() == Some(word));
                        let of = of.filter(|of| *of == task);
                        (of, Outcome::AlreadyResolved { recorded })
                    }
                    (Some((_, Outcome::Expired)), Outcome::Expired) => (None, Outcome::Expired),
                    _ => return None,
                });
            }
        }
        told
    }

    async fn runs(
        &self,
        about: &About,
        id: &str,
        directory: &str,
        of_two: bool,
    ) -> Result<bool, PollError> {
        let native = Native {
            protocol: String::new(),
            generation: if of_two {
                Generation::Two
            } else {
                Generation::One
            },
            directory: directory.to_owned(),
            message_id: None,
            call_id: None,
            request: None,
        };
        self.works(about, id, &native).await
    }
}

fn native(delivery: &Delivery) -> Option<Native> {
    let item: Value = serde_json::from_str(&delivery.escalation_raw).ok()?;
    // The request itself is not needed, and may hold anything.
    let mut native = item.get("native")?.clone();
    native.as_object_mut()?.remove("request");
    serde_json::from_value(native).ok()
}

/// It was settled before this answer was sent.
fn before(shown: &Shown, body: &DecisionBody, resend: bool) -> Outcome {
    let (call, works) = match shown {
        Shown::Gone(call, works) => (call.as_ref(), *works),
        _ if resend => {
            return Outcome::Unknown(
                "The session is gone, and with it what became of the answer.".to_owned(),
            );
        }
        _ => return Outcome::Expired,
    };
    if resend {
        // Only our own words show that it was our answer.
        return match call {
            Some(call) if has_our_words(call, body) => Outcome::Applied,
            _ => Outcome::Unknown(
                "The request is settled by now, but it cannot be told whether by this answer."
                    .to_owned(),
            ),
        };
    }
    unanswered(call, works)
}

/// What became of a request that none of our answers settled, by its tool call.
fn unanswered(call: Option<&Call>, works: bool) -> Outcome {
    match call {
        Some(call) if call.was_stopped() => Outcome::Expired,
        // The server was started anew: it forgot the request, and nobody works on.
        Some(call) if call.is_open() && !works => Outcome::Expired,
        Some(call) => Outcome::AlreadyResolved {
            recorded: Some(recorded(call)),
        },
        None if works => Outcome::AlreadyResolved { recorded: None },
        None => Outcome::Expired,
    }
}

fn has_our_words(call: &Call, body: &DecisionBody) -> bool {
    let refuses = matches!(
        body.outcome,
        domain::decision::Outcome::Reject | domain::decision::Outcome::Cancel
    );
    let said = body.message.as_deref().unwrap_or_default();
    refuses && !said.is_empty() && call.was_refused() && call.error.ends_with(said)
}

fn recorded(call: &Call) -> String {
    let answers = call.metadata.get("answers").and_then(Value::as_array);
    if let Some(answers) = answers {
        let said: Vec<_> = answers
            .iter()
            .flat_map(|answer| answer.as_array().cloned().unwrap_or_default())
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect();
        return clip(&format!("answered: {}", said.join(", ")), 500);
    }
    if call.was_refused() {
        "rejected".to_owned()
    } else if call.status == "error" {
        clip(&format!("ended: {}", call.error), 500)
    } else {
        "allowed".to_owned()
    }
}

enum Proof {
    Shown,
    NotYet,
    Against(String),
}

/// Whether the tool call shows the answer that was taken. A request without one shows nothing but its absence.
fn proof(call: Option<&Call>, verb: &Verb, native: &Native) -> Proof {
    let against = |sentence: &str| Proof::Against(sentence.to_owned());
    let Some(call) = call else {
        return Proof::Shown;
    };
    if call.was_stopped() {
        return against("The session was stopped while the answer was taken.");
    }
    // The newer interface tells a refusal and a failure in the same words.
    let is_two = native.generation == Generation::Two;
    match verb {
        Verb::Allow(_) if call.was_refused() => {
            against("It took the answer, but shows that it was refused.")
        }
        Verb::Allow(_) => Proof::Shown,
        Verb::Refuse(_) if call.was_refused() || (is_two && call.status == "error") => Proof::Shown,
        Verb::Refuse(_) if call.is_open() => Proof::NotYet,
        Verb::Refuse(_) => against("It took the refusal, but shows that the tool ran."),
        Verb::Answer(answers) if call.metadata.get("answers") == Some(&json!(answers)) => {
            Proof::Shown
        }
        Verb::Answer(_) if call.is_open() => Proof::NotYet,
        Verb::Answer(_) => against("It took the answer, but shows another one."),
    }
}

/// The server's own words for a refusal.
fn words(reply: &Reply) -> String {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let said = body.as_ref().and_then(|body| {
        let nested = body.pointer("/data/message");
        nested.or_else(|| body.get("message"))?.as_str()
    });
    clip(
        said.unwrap_or("It refused the answer without a reason."),
        500,
    )
}

fn sentence(error: &PollError) -> String {
    error
        .detail
        .clone()
        .unwrap_or_else(|| "The request failed.".to_owned())
}

fn away(error: PollError, may_have_arrived: bool) -> Outcome {
    Outcome::Retry {
        reason: sentence(&error),
        after_seconds: error.retry_after_seconds,
        may_have_arrived,
    }
}

//! `missionctl headless`: the engine without a window, until it is interrupted. What happens is printed line by line; the
//! folder is the app's, so the app must be closed meanwhile.

use std::{collections::BTreeMap, path::Path};

use agents::Credential;
use clap::Args;
use domain::{change::Change, ids::EndpointId, time};
use engine::{api::Api, journal::Happened};
use serde_json::{Value, json, value::RawValue};
use store::{Look, tables::endpoints};
use tokio::sync::mpsc;

use crate::{
    Failure,
    everywhere::Everywhere,
    observe::in_words,
    out::{Lines, plain},
    record::{unopened, unusable},
};

/// Watch the endpoints of the data folder and deliver decisions.
#[derive(Args)]
pub(crate) struct Options {
    /// Add an endpoint first, or give the one of that name this address. May stand several times. Credentials of the
    /// command go to these.
    #[arg(long = "endpoint", value_name = "NAME=URL", value_parser = named)]
    endpoints: Vec<(String, String)>,
}

fn named(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, url)) if !name.trim().is_empty() && !url.trim().is_empty() => {
            Ok((name.trim().to_owned(), url.trim().to_owned()))
        }
        _ => Err("write it as NAME=URL".to_owned()),
    }
}

/// Runs until it is interrupted, or until nobody reads what it prints.
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    engine::process::close();
    let folder = everywhere.folder()?;
    let credential = everywhere.credential()?;
    let mut out = Printer {
        lines: Lines::new(),
        as_json: everywhere.json,
    };
    crate::runtime()?.block_on(async {
        let (listener, mut heard) = mpsc::unbounded_channel();
        let api = Api::open_told(&folder, listener).map_err(|error| unopened(&folder, &error))?;
        let mut done = out.line("started", started(&api, &folder).await);
        if done.is_ok() {
            done = add(&api, &folder, &options.endpoints, credential.as_ref()).await;
        }
        if done.is_ok() {
            done = watch(&api, &mut heard, &mut out).await;
        }
        // In order also after a failure: nothing that was decided is lost.
        let ending = api.clone();
        let _ = tokio::task::spawn_blocking(move || ending.end()).await;
        while let (true, Ok(happened)) = (done.is_ok(), heard.try_recv()) {
            done = out.happened(&happened);
        }
        done?;
        out.line("ended", json!({}))
    })
}

/// Where everything is kept, and what nobody may miss: a damaged database was set aside.
async fn started(api: &Api, folder: &Path) -> Value {
    let mut said = json!({ "folder": folder.display().to_string() });
    let mut status = api.call("status", json!({})).await.unwrap_or_default();
    if status["notice"].is_string() {
        said["notice"] = status["notice"].take();
    }
    said
}

async fn watch(
    api: &Api,
    heard: &mut mpsc::UnboundedReceiver<Happened>,
    out: &mut Printer,
) -> Result<(), Failure> {
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            biased;
            () = &mut interrupted => return Ok(()),
            happened = heard.recv() => match happened {
                Some(happened) => out.happened(&happened)?,
                None => return Err(stopped(api).await),
            },
        }
    }
}

async fn stopped(api: &Api) -> Failure {
    let status = api.call("status", json!({})).await.unwrap_or_default();
    let why = status["readOnly"].as_str();
    Failure::Unusable(why.unwrap_or("The engine has stopped.").to_owned())
}

/// Ctrl+C, or what service managers send.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut asked) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = asked.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

async fn add(
    api: &Api,
    folder: &Path,
    wanted: &[(String, String)],
    credential: Option<&Credential>,
) -> Result<(), Failure> {
    let (token, basic) = match credential {
        Some(Credential::Bearer(token)) => (Some(token), None),
        Some(Credential::Basic(pair)) => (None, Some(pair)),
        None => (None, None),
    };
    // Whoever starts the command brings the login each time.
    let keep = credential.map(|_| "session");
    for (name, url) in wanted {
        let known = known(folder, name).map_err(unusable)?;
        let (command, request) = match known {
            Some(id) => (
                "editEndpoint",
                json!({ "endpoint": id, "url": url, "token": token, "basic": basic, "keep": keep }),
            ),
            None => (
                "addEndpoint",
                json!({ "name": name, "url": url, "kind": "", "token": token, "basic": basic, "keep": keep }),
            ),
        };
        api.call(command, request)
            .await
            .map_err(|error| Failure::Unusable(format!("{name}: {}", error.message)))?;
    }
    Ok(())
}

/// The endpoint of that name, if there is one.
fn known(folder: &Path, name: &str) -> store::Result<Option<EndpointId>> {
    let rows = Look::open(folder)?.read(endpoints::list)?;
    let found = rows
        .into_iter()
        .find(|row| row.name == name || row.id.as_str() == name);
    Ok(found.map(|row| row.id))
}

/// Log lines.
struct Printer {
    lines: Lines,
    as_json: bool,
}

impl Printer {
    /// One event now.
    fn line(&mut self, event: &str, more: Value) -> Result<(), Failure> {
        self.event(&time::format(chrono::Utc::now()), event, more)
    }

    fn event(&mut self, at: &str, event: &str, more: Value) -> Result<(), Failure> {
        if self.as_json {
            let mut line = json!({ "at": at, "event": event });
            if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
                line.extend(more);
            }
            self.lines.json(&line)?;
        } else {
            let words = match more {
                Value::Object(more) => more.into_iter().map(|(name, value)| match value {
                    Value::String(text) => format!("{name} {text}"),
                    other => format!("{name} {other}"),
                }),
                _ => return Ok(()),
            };
            let words: Vec<_> = words.collect();
            let line = format!("{at}  {event}  {}", plain(&words.join(", ")));
            self.lines.text(line.trim_end())?;
        }
        self.lines.flush()
    }

    fn happened(&mut self, happened: &Happened) -> Result<(), Failure> {
        match happened {
            Happened::Fact {
                seq,
                at,
                line,
                changes,
            } => {
                let at = time::format(*at);
                self.event(&at, "fact", fact(*seq, line))?;
                changes
                    .iter()
                    .try_for_each(|change| self.change(&at, change))
            }
            Happened::Delivery {
                at,
                decision,
                endpoint,
                escalation,
                delivery,
            } => {
                let more = json!({
                    "decision": decision, "endpoint": endpoint, "escalation": escalation,
                    "state": delivery.state, "attempts": delivery.attempts, "detail": delivery.detail,
                    "recordedOutcome": delivery.recorded_outcome,
                });
                self.event(&time::format(*at), "delivery", more)
            }
        }
    }

    fn change(&mut self, at: &str, change: &Change) -> Result<(), Failure> {
        match change {
            Change::Finding(finding) if !self.as_json => {
                let more = json!({
                    "rule": finding.rule, "state": finding.state, "severity": finding.severity,
                    "summary": finding.summary,
                });
                self.event(at, "finding", more)
            }
            Change::Finding(finding) => {
                let more = serde_json::to_value(finding.as_ref()).unwrap_or_default();
                self.event(at, "finding", more)
            }
            Change::Escalation(record) => {
                let more = json!({
                    "endpoint": record.agent.endpoint, "agent": record.agent.agent,
                    "escalation": record.value.id, "version": record.value.version,
                    "phase": in_words(record.phase), "title": record.value.title,
                });
                self.event(at, "escalation", more)
            }
            Change::DeadLetter(letter) => {
                let more = json!({
                    "endpoint": letter.endpoint, "problems": letter.problems,
                });
                self.event(at, "dead-letter", more)
            }
            _ => Ok(()),
        }
    }
}

/// What a fact is, without the whole document it may hold.
fn fact(seq: u64, line: &str) -> Value {
    let members: BTreeMap<&str, &RawValue> = serde_json::from_str(line).unwrap_or_default();
    let value = |name: &str| {
        let raw = members.get(name)?.get();
        serde_json::from_str::<Value>(raw).ok()
    };
    let kind = members
        .keys()
        .find(|name| !matches!(**name, "at" | "endpoint"));
    let mut said = json!({ "seq": seq, "kind": kind });
    for name in ["endpoint", "error", "woke", "decision", "person"] {
        if let Some(value) = value(name) {
            said[name] = value;
        }
    }
    said
}

//! `missionctl observe`: one whole poll of any kind of endpoint, its pages put together to one status document.
//!
//! Items keep the exact bytes they came as. What the document means is `domain`'s.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use agents::{Credential, Endpoint, Kind, Observation, Target, quota::mapping::Mapping};
use clap::Args;
use domain::{
    contract::{self, Document},
    object::Members,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::{
    Failure,
    everywhere::Everywhere,
    input,
    out::{Lines, plain},
    probe::{sentence, unusable},
};

/// A list that is longer than this is not read to its end by a command.
const PAGES: usize = 2000;
/// Nor one that is larger than this.
const BYTES: usize = 256 * 1024 * 1024;

/// Which endpoint, and how to talk to it.
#[derive(Args)]
#[group(skip)] // `answer` has these among its own.
pub(crate) struct Options {
    /// Status URL, card URL or base URL.
    pub(crate) url: String,
    /// What it speaks, when that is known already: native, a2a, opencode, …
    #[arg(long, value_parser = word::<Kind>)]
    kind: Option<Kind>,
    /// A task to look at, where the endpoint cannot list its tasks. May stand several times.
    #[arg(long = "task", value_name = "ID")]
    tasks: Vec<String>,
}

/// A word of a closed list, as JSON writes it.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| format!("{error}"))
}

/// Ask an endpoint once.
#[derive(Args)]
pub(crate) struct Look {
    #[command(flatten)]
    endpoint: Options,
    /// Which numbers of a metrics page are limits: a JSON file `{"windows": [{"provider": …, "limit": …}]}`, or - for the
    /// standard input.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
}

/// Prints everything the endpoint says.
pub(crate) fn run(look: &Look, everywhere: &Everywhere) -> Result<(), Failure> {
    let credential = everywhere.credential()?;
    let mapping = look.mapping.as_deref().map(read_mapping).transpose()?;
    let body = crate::runtime()?.block_on(async {
        let mut endpoint = match mapping {
            Some(mapping) => open_mapped(&look.endpoint, credential, mapping)?,
            None => open(&look.endpoint, credential).await?,
        };
        poll(endpoint.as_mut()).await
    })?;
    let mut out = Lines::new();
    if everywhere.json {
        out.text(&body)?;
    } else {
        let document = contract::read(body.as_bytes())
            .map_err(|problem| Failure::Unusable(problem.message))?;
        for line in readable(&document) {
            out.text(&line)?;
        }
    }
    out.flush()
}

/// Connects. Without `--kind` it looks first what answers there.
pub(crate) async fn open(
    options: &Options,
    credential: Option<Credential>,
) -> Result<Box<dyn Endpoint>, Failure> {
    let (kind, url) = match options.kind {
        Some(kind) => (kind, options.url.clone()),
        None => {
            let found = agents::probe(&options.url, credential.as_ref())
                .await
                .map_err(unusable)?;
            let url = found.status_url.unwrap_or_else(|| options.url.clone());
            (found.kind, url)
        }
    };
    let target = Target {
        endpoint: "endpoint".into(),
        kind,
        url,
        credential,
        known_tasks: options.tasks.iter().map(|id| id.as_str().into()).collect(),
        known_questions: vec![],
    };
    agents::open(&target).map_err(unusable)
}

/// Connects to a metrics page. A mapping can be for nothing else, so nothing is asked first.
fn open_mapped(
    options: &Options,
    credential: Option<Credential>,
    mapping: Mapping,
) -> Result<Box<dyn Endpoint>, Failure> {
    if options.kind.is_some_and(|kind| kind != Kind::Prometheus) {
        let only = "A mapping is for a metrics page only: --kind prometheus.";
        return Err(Failure::Unusable(only.to_owned()));
    }
    let target = Target {
        endpoint: "endpoint".into(),
        kind: Kind::Prometheus,
        url: options.url.clone(),
        credential,
        known_tasks: vec![],
        known_questions: vec![],
    };
    agents::quota::open_mapped(&target, mapping).map_err(unusable)
}

/// A member that is not known would be left out silently, and with it what the person meant.
fn read_mapping(file: &Path) -> Result<Mapping, Failure> {
    let name = file.display();
    let broken = |why: &str| Failure::Unusable(format!("{name} is no mapping: {why}."));
    let text = input::text(file)?;
    let mapping: Mapping =
        serde_json::from_str(&text).map_err(|error| broken(&error.to_string()))?;
    let written: Value = serde_json::from_str(&text).map_err(|error| broken(&error.to_string()))?;
    let known = serde_json::to_value(&mapping).map_err(|error| broken(&error.to_string()))?;
    match strange(&written, &known) {
        Some(why) => Err(broken(&why)),
        None => Ok(mapping),
    }
}

/// The first thing in one that the other has not.
fn strange(written: &Value, known: &Value) -> Option<String> {
    match (written, known) {
        (Value::Object(written), Value::Object(known)) => {
            written
                .iter()
                .find_map(|(name, value)| match known.get(name) {
                    Some(same) => strange(value, same),
                    None => Some(format!("\"{name}\" is not known")),
                })
        }
        (Value::Array(written), Value::Array(known)) => {
            let mut pairs = written.iter().zip(known);
            pairs.find_map(|(written, known)| strange(written, known))
        }
        (Value::Array(_), _) => Some("a list stands where an object belongs".to_owned()),
        _ => None,
    }
}

/// One whole poll: every page of it, as one line of JSON.
pub(crate) async fn poll(endpoint: &mut dyn Endpoint) -> Result<String, Failure> {
    let mut whole = Whole::default();
    for _ in 0..PAGES {
        match endpoint.observe().await {
            Ok(Observation::Document { body, last, .. }) => {
                whole.add(&body)?;
                if last {
                    return whole.finish();
                }
            }
            Ok(Observation::Unchanged) => return whole.finish(),
            Err(error) => return Err(Failure::Unusable(sentence(&error))),
        }
    }
    Err(Failure::Unusable(format!(
        "It sends more than {PAGES} pages; they were not read to the end."
    )))
}

/// Members in the order they came, lists grown page by page.
#[derive(Default)]
struct Whole {
    members: Vec<(String, Member)>,
    /// Where an item of a list stands, by its id.
    places: HashMap<(String, String), usize>,
    bytes: usize,
}

enum Member {
    One(Box<RawValue>),
    List(Vec<Box<RawValue>>),
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Whole {
    fn add(&mut self, body: &str) -> Result<(), Failure> {
        let broken = |_| {
            Failure::Unusable("Its answer is not a JSON object, so it has no members.".to_owned())
        };
        self.bytes += body.len();
        if self.bytes > BYTES {
            return Err(Failure::Unusable(format!(
                "Its pages are larger than {} MiB together; they were not read to the end.",
                BYTES >> 20
            )));
        }
        let page: Members =
            serde_json::from_str(body.trim_start_matches('\u{feff}')).map_err(broken)?;
        let is_first = self.members.is_empty();
        for (name, value) in page.0 {
            let known = self.members.iter().position(|(known, _)| *known == name);
            // A name that stands twice in one page stays so: it is for the reader to say.
            let known = known.filter(|_| !is_first);
            let Some(items) = items_of(&value) else {
                match known {
                    // Absent means "unchanged"; so does null.
                    Some(_) if value.get() == "null" => {}
                    Some(at) => self.members[at].1 = Member::One(value),
                    None => self.members.push((name, Member::One(value))),
                }
                continue;
            };
            let at = known.unwrap_or_else(|| {
                self.members.push((name.clone(), Member::List(vec![])));
                self.members.len() - 1
            });
            self.grow(at, &name, items);
        }
        Ok(())
    }

    fn grow(&mut self, at: usize, name: &str, items: Vec<Box<RawValue>>) {
        let Member::List(list) = &mut self.members[at].1 else {
            self.members[at].1 = Member::List(items);
            return;
        };
        let pages_before = list.len();
        for item in items {
            let place = id_of(&item).map(|id| (name.to_owned(), id));
            let old = place.as_ref().and_then(|key| self.places.get(key));
            match (old, place) {
                // A later page has the later truth about an item; within one page both stay, for the reader to judge.
                (Some(old), _) if *old < pages_before => list[*old] = item,
                (_, place) => {
                    if let Some(key) = place {
                        self.places.insert(key, list.len());
                    }
                    list.push(item);
                }
            }
        }
    }

    fn finish(self) -> Result<String, Failure> {
        if self.members.is_empty() {
            return Err(Failure::Unusable(
                "It says that nothing changed, but it was never asked that.".to_owned(),
            ));
        }
        let mut text = String::from("{");
        for (name, member) in &self.members {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&Value::from(name.as_str()).to_string());
            text.push(':');
            match member {
                Member::One(value) => text.push_str(value.get()),
                Member::List(items) => {
                    let items: Vec<_> = items.iter().map(|item| item.get()).collect();
                    text.push('[');
                    text.push_str(&items.join(","));
                    text.push(']');
                }
            }
        }
        text.push('}');
        // Raw line breaks can only be white space between tokens: JSON strings cannot hold them.
        Ok(text.replace(['\n', '\r'], " "))
    }
}

fn items_of(value: &RawValue) -> Option<Vec<Box<RawValue>>> {
    let is_list = value.get().starts_with('[');
    is_list
        .then(|| serde_json::from_str(value.get()).ok())
        .flatten()
}

fn id_of(item: &RawValue) -> Option<String> {
    serde_json::from_str::<Named>(item.get())
        .ok()
        .map(|named| named.id)
}

/// A word as the contract writes it.
pub(crate) fn in_words(value: impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).unwrap_or_default();
    word.as_str().unwrap_or_default().to_owned()
}

fn readable(document: &Document) -> Vec<String> {
    let mut lines = vec![];
    if let Some(card) = &document.agent {
        lines.push(format!(
            "{} ({}), {}",
            plain(&card.name),
            plain(card.id.as_str()),
            in_words(card.status)
        ));
    }
    let mut table = |title: &str, rows: Vec<[String; 3]>| {
        if rows.is_empty() {
            return;
        }
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or_default().min(40)
        };
        lines.push(String::new());
        lines.push(title.to_owned());
        let (first, second) = (width(0), width(1));
        for [a, b, c] in &rows {
            lines.push(
                format!("  {a:<first$}  {b:<second$}  {c}")
                    .trim_end()
                    .to_owned(),
            );
        }
    };
    let none = String::new;
    table(
        "Tasks",
        each(&document.tasks, |task| {
            let native = task.status.native.as_deref();
            let state = in_words(task.status.state);
            let state = native.map_or(state.clone(), |native| format!("{state} ({native})"));
            [task.id.as_str().to_owned(), state, task.title.clone()]
        }),
    );
    table(
        "Questions",
        each(&document.escalations, |question| {
            let kind = format!("{} {}", in_words(question.status), in_words(question.kind));
            [
                question.id.as_str().to_owned(),
                kind,
                question.title.clone(),
            ]
        }),
    );
    table(
        "Claims",
        each(&document.claims, |claim| {
            let how = format!("{} {}", in_words(claim.state), in_words(claim.mode));
            [claim.id.clone(), how, claim.resource.as_str().to_owned()]
        }),
    );
    table(
        "Handoffs",
        each(&document.handoffs, |handoff| {
            [
                handoff.id.clone(),
                handoff.status.clone(),
                handoff.to.clone(),
            ]
        }),
    );
    table(
        "Artifacts",
        each(&document.artifacts, |artifact| {
            let version = artifact.version.clone().unwrap_or_default();
            [artifact.id.clone(), version, artifact.name.clone()]
        }),
    );
    table(
        "Limits",
        each(&document.quotas, |quota| {
            let windows: Vec<_> = quota.windows.iter().map(|w| w.name.as_str()).collect();
            [quota.pool.key(), none(), windows.join(", ")]
        }),
    );
    let problems = document.problems.iter();
    table(
        "Cannot be read",
        problems
            .map(|problem| {
                [&problem.pointer, &problem.code, &problem.message].map(|text| plain(text))
            })
            .collect(),
    );
    lines
}

fn each<T>(list: &contract::List<T>, row: impl Fn(&T) -> [String; 3]) -> Vec<[String; 3]> {
    let items = list.iter().flatten();
    items
        .map(|item| row(&item.value).map(|text| plain(&text)))
        .collect()
}

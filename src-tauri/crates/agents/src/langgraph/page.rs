//! Threads of a server as a status document of the contract: one page of a list, or what changed. Also what must be
//! remembered from poll to poll because the server does not repeat it.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, FixedOffset, Utc};
use domain::contract::TaskState;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    question::{self, Question},
    thread::{Interrupt, LastRun, Thread},
    wire::clip,
};

/// What a server says of itself.
#[derive(Clone)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// Library that runs the graphs.
    pub(crate) library: Option<String>,
    pub(crate) has_crons: bool,
    pub(crate) assistants: Vec<Assistant>,
}

/// Something a server runs.
#[derive(Clone, Deserialize)]
pub(crate) struct Assistant {
    pub(crate) assistant_id: String,
    #[serde(default)]
    pub(crate) graph_id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: Option<Value>,
}

impl Assistant {
    fn name(&self) -> &str {
        let named = self.name.as_deref().filter(|name| !name.trim().is_empty());
        named.unwrap_or(&self.graph_id)
    }
}

impl Card {
    /// The name of an assistant, or of the graph it runs.
    fn runs(&self, assistant: Option<&str>, graph: Option<&str>) -> Option<String> {
        let known = assistant.and_then(|id| {
            let mut all = self.assistants.iter();
            all.find(|known| known.assistant_id == id)
        });
        known
            .map(|known| known.name().to_owned())
            .or_else(|| graph.map(str::to_owned))
    }

    /// A server is named after what it runs: two servers are then two agents.
    pub(crate) fn identity(assistants: &[Assistant]) -> (String, String) {
        let mut graphs: Vec<&str> = assistants
            .iter()
            .map(|assistant| assistant.graph_id.as_str())
            .filter(|graph| !graph.is_empty())
            .collect();
        graphs.sort_unstable();
        graphs.dedup();
        if graphs.is_empty() {
            return ("langgraph".to_owned(), "LangGraph server".to_owned());
        }
        let id = crate::a2a::agent_id(&graphs.join("-"));
        (id, clip(&graphs.join(", "), 120))
    }
}

/// A thread that was looked at.
pub(crate) struct Look {
    pub(crate) thread: Thread,
    pub(crate) run: LastRun,
    /// What is open there, for certain.
    pub(crate) open: Vec<Interrupt>,
}

/// Things that are remembered of each list.
const REMEMBERED: usize = 50_000;
const MESSAGE: usize = 8000;

/// What must stay the same from poll to poll.
#[derive(Default)]
pub(crate) struct Memory {
    /// Questions that were shown as open, by thread and id.
    open: HashMap<String, BTreeMap<String, (Question, Interrupt)>>,
    /// How often a question was answered and asked again all the same.
    rounds: HashMap<String, u32>,
    /// Questions that were shown as settled.
    settled: HashSet<String>,
    /// The run that failed with an answer to a question.
    failed: HashMap<String, String>,
    /// The newest run, as long as the thread has not moved.
    runs: HashMap<String, (Option<String>, LastRun)>,
    /// Latest time a thread has told.
    told: HashMap<String, DateTime<FixedOffset>>,
}

impl Memory {
    /// Begins with what an earlier connection has shown.
    pub(crate) fn of(known_questions: &[Box<str>]) -> Self {
        let mut memory = Self::default();
        for (question, interrupt, round) in Question::shown_before(known_questions) {
            let id = question.id.clone();
            if round > 0 {
                memory.rounds.insert(id.clone(), round);
            }
            let of_thread = memory.open.entry(question.task_id.clone()).or_default();
            of_thread.insert(id, (question, interrupt));
        }
        memory
    }

    pub(crate) fn round(&self, question: &str) -> u32 {
        self.rounds.get(question).copied().unwrap_or(0)
    }

    /// The answer came to nothing: the question is another one from now on.
    pub(crate) fn ask_again(&mut self, question: &str) {
        bound(&mut self.rounds);
        *self.rounds.entry(question.to_owned()).or_default() += 1;
    }

    /// It was seen to be settled. Open again, the server has forgotten that.
    pub(crate) fn settle(&mut self, question: &str) {
        if self.settled.len() >= REMEMBERED {
            self.settled.clear();
        }
        self.settled.insert(question.to_owned());
    }

    /// It is asked again, once for each run that failed with the answer.
    pub(crate) fn failed(&mut self, question: &str, run: &str) {
        if self.failed.get(question).is_none_or(|known| known != run) {
            bound(&mut self.failed);
            self.failed.insert(question.to_owned(), run.to_owned());
            self.ask_again(question);
        }
    }

    /// Questions of a thread that were shown as open.
    pub(crate) fn shown(&self, thread: &str) -> Vec<Interrupt> {
        let all = self.open.get(thread).into_iter().flatten();
        all.map(|(_, (_, interrupt))| interrupt.clone()).collect()
    }

    pub(crate) fn run(&self, thread: &Thread) -> Option<LastRun> {
        let (moved, run) = self.runs.get(&thread.id)?;
        (*moved == thread.updated_at).then(|| run.clone())
    }

    pub(crate) fn keep_run(&mut self, thread: &Thread, run: &LastRun) {
        bound(&mut self.runs);
        let kept = (thread.updated_at.clone(), run.clone());
        self.runs.insert(thread.id.clone(), kept);
    }

    /// A server that was started again may have gone back in time; its older word is then the newer one.
    fn timestamp(&mut self, thread: &Thread) -> Option<String> {
        let text = thread.updated_at.clone()?;
        let at = DateTime::parse_from_rfc3339(&text).ok()?;
        bound(&mut self.told);
        let newest = self.told.entry(thread.id.clone()).or_insert(at);
        if at < *newest {
            return None;
        }
        *newest = at;
        Some(text)
    }
}

fn bound<T>(map: &mut HashMap<String, T>) {
    if map.len() >= REMEMBERED {
        map.clear();
    }
}

/// A document in the making.
#[derive(Default)]
pub(crate) struct Page {
    tasks: Vec<String>,
    escalations: Vec<String>,
    schedules: Option<Schedules>,
}

#[derive(Default)]
struct Schedules {
    items: Vec<String>,
    triggers: Vec<String>,
}

impl Page {
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.escalations.is_empty() && self.schedules.is_none()
    }

    /// A thread that cannot be read is passed on as it came: a dead letter with its own bytes.
    pub(crate) fn unreadable(&mut self, raw: &RawValue) {
        self.tasks.push(as_it_came(raw));
    }

    /// Adds one thread and what it asks.
    pub(crate) fn add(&mut self, look: &Look, card: &Card, memory: &mut Memory, now: &str) {
        let Look { thread, run, open } = look;
        self.escalations
            .extend(thread.unreadable.iter().map(|raw| as_it_came(raw)));
        let state = thread.state(run, !open.is_empty());
        let mut before = memory.open.remove(&thread.id).unwrap_or_default();
        let mut shown = BTreeMap::new();
        for interrupt in open {
            let id = question::id_of(&thread.id, interrupt);
            // Settled, and open again: the server has forgotten the answer.
            if memory.settled.remove(&id) {
                memory.ask_again(&id);
            }
            let asked_at = thread.moved_at.as_deref().unwrap_or(now);
            let found = question::of(thread, interrupt, memory.round(&id), asked_at);
            // What was shown stays as it was shown, byte for byte, while it means the same.
            let question = match before.remove(&id) {
                Some((known, _)) if known.version == found.version => known,
                _ => found,
            };
            self.escalation(&question);
            shown.insert(id, (question, interrupt.clone()));
        }
        for (id, (mut question, _)) in before {
            question.status = match state {
                TaskState::Canceled | TaskState::Failed | TaskState::Unknown => "withdrawn".into(),
                _ => "resolved".into(),
            };
            self.escalation(&question);
            memory.settle(&id);
        }
        self.tasks.push(task(look, state, card, memory, &shown));
        if !shown.is_empty() {
            memory.open.insert(thread.id.clone(), shown);
        }
    }

    fn escalation(&mut self, question: &Question) {
        if let Ok(text) = serde_json::to_string(question) {
            self.escalations.push(text);
        }
    }

    /// Adds what will start by itself.
    pub(crate) fn schedules(&mut self, crons: &[Box<RawValue>], card: &Card, now: DateTime<Utc>) {
        let schedules = self.schedules.get_or_insert_default();
        for raw in crons {
            match cron(raw, card, now) {
                Some((item, trigger)) => {
                    schedules.items.push(item);
                    schedules.triggers.extend(trigger);
                }
                None => schedules.items.push(as_it_came(raw)),
            }
        }
    }

    /// The document. A complete list says so of its questions too; what changed names only what it has.
    pub(crate) fn document(self, card: &Card, snapshot: bool) -> String {
        let assistants: Vec<Value> = card
            .assistants
            .iter()
            .map(|assistant| {
                json!({"assistantId": assistant.assistant_id, "graphId": assistant.graph_id,
                    "name": assistant.name(), "version": assistant.version})
            })
            .collect();
        let agent = json!({
            "id": card.id,
            "name": card.name,
            "version": card.version,
            "status": "online",
            "native": {"protocol": "langgraph", "library": card.library, "assistants": assistants},
        });
        let mut text = format!(r#"{{"schemaVersion":"1.0","agent":{agent},"snapshot":{snapshot}"#);
        let mut list = |name: &str, items: &[String]| {
            text.push_str(&format!(r#","{name}":[{}]"#, items.join(",")));
        };
        if snapshot || !self.tasks.is_empty() {
            list("tasks", &self.tasks);
        }
        if snapshot || !self.escalations.is_empty() {
            list("escalations", &self.escalations);
        }
        if let Some(schedules) = &self.schedules {
            list("schedules", &schedules.items);
            let needs =
                json!({"triggers": schedules.triggers, "reads": [], "writes": [], "outputs": []});
            text.push_str(&format!(r#","ownership":{needs}"#));
        }
        text.push('}');
        text
    }
}

/// One task item (contract, 1.1).
fn task(
    look: &Look,
    state: TaskState,
    card: &Card,
    memory: &mut Memory,
    shown: &BTreeMap<String, (Question, Interrupt)>,
) -> String {
    let Look { thread, run, .. } = look;
    let mut status = json!({"state": state, "native": thread.native(run)});
    let message = match state {
        TaskState::Failed => thread.error(),
        TaskState::InputRequired if shown.is_empty() => Some(
            "It stands at a breakpoint and asks nothing; it goes on when it is run.".to_owned(),
        ),
        _ => None,
    };
    if let Some(message) = message {
        status["message"] = json!(clip(&message, MESSAGE));
    }
    if let Some(timestamp) = memory.timestamp(thread) {
        status["timestamp"] = json!(timestamp);
    }
    let runs = card.runs(thread.assistant(), thread.graph());
    let title = thread.title().unwrap_or_else(|| {
        let name = runs.as_deref().unwrap_or("Thread");
        format!("{} {}", clip(name, 100), tail(&thread.id, 8))
    });
    let run = match run {
        LastRun::Status(word) => Some(clip(word, 60)),
        LastRun::NotAsked | LastRun::Never => None,
    };
    let mut item = json!({
        "id": thread.id,
        "title": title,
        "status": status,
        "native": {"protocol": "langgraph", "state": clip(&thread.status, 60), "run": run,
            "graphId": thread.graph(), "assistantId": thread.assistant()},
    });
    if let Some(runs) = runs {
        item["kind"] = json!(clip(&runs, 200));
    }
    if let Some(created) = readable_time(thread.created_at.as_deref()) {
        item["createdAt"] = json!(created);
    }
    if state == TaskState::InputRequired {
        let by = crate::escalation::waits_for(shown.keys().map(String::as_str), &thread.id);
        item["waitingFor"] = json!({"kind": "human", "ref": by});
    }
    item.to_string()
}

fn as_it_came(raw: &RawValue) -> String {
    if crate::a2a::depth(raw.get()) < 90 {
        raw.get().to_owned()
    } else {
        json!({"native": "It is nested too deeply to be read."}).to_string()
    }
}

fn readable_time(text: Option<&str>) -> Option<&str> {
    text.filter(|text| DateTime::parse_from_rfc3339(text).is_ok())
}

/// The last characters of an id: ids of one hour begin alike.
fn tail(id: &str, characters: usize) -> String {
    let skip = id.chars().count().saturating_sub(characters);
    id.chars().skip(skip).collect()
}

/// A schedule item, and the trigger it is when it is on; `None` = it cannot be read.
fn cron(raw: &RawValue, card: &Card, now: DateTime<Utc>) -> Option<(String, Option<String>)> {
    #[derive(Deserialize)]
    struct Cron {
        cron_id: String,
        #[serde(default)]
        assistant_id: Option<String>,
        #[serde(default)]
        thread_id: Option<String>,
        schedule: String,
        #[serde(default)]
        timezone: Option<String>,
        #[serde(default)]
        next_run_date: Option<String>,
        #[serde(default)]
        end_time: Option<String>,
        #[serde(default)]
        enabled: Option<bool>,
    }
    let cron: Cron = serde_json::from_str(raw.get()).ok()?;
    let ended = cron
        .end_time
        .as_deref()
        .and_then(|end| DateTime::parse_from_rfc3339(end).ok())
        .is_some_and(|end| end <= now);
    let enabled = cron.enabled.unwrap_or(true) && !ended;
    let starts = card.runs(cron.assistant_id.as_deref(), None);
    let segment = crate::a2a::agent_id(starts.as_deref().unwrap_or("assistant"));
    let trigger = format!("trigger:cron/{segment}/{}", tail(&cron.cron_id, 12));
    let mut item = json!({
        "id": cron.cron_id,
        "resource": trigger,
        "cron": cron.schedule,
        "enabled": enabled,
        "native": {"protocol": "langgraph", "assistantId": cron.assistant_id, "threadId": cron.thread_id},
    });
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            item[name] = json!(value);
        }
    };
    put("timezone", cron.timezone.as_deref());
    put("nextAt", readable_time(cron.next_run_date.as_deref()));
    put("taskKind", starts.as_deref());
    Some((item.to_string(), enabled.then_some(trigger)))
}

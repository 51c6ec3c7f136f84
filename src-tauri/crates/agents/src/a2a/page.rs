//! Tasks of a server as a status document of the contract: one page of a list, or what changed.
//!
//! Every item is written as text, with the server's own JSON inside it unchanged. A task that cannot be read is passed on
//! as it came, so that it becomes a dead letter with its own bytes and nothing else is lost.

use std::collections::{BTreeMap, HashMap, HashSet};

use domain::contract::TaskState;
use serde_json::{Value, json, value::RawValue};

use super::{
    calls,
    card::{Card, clip},
    digest_of,
    effect::{self, Effect, Owed},
    question::{self, Question},
    task::{self, Artifact, Message, Task},
};

/// Members of our extension that describe the task itself.
const TASK_MEMBERS: [&str; 15] = [
    "title",
    "kind",
    "key",
    "parentId",
    "createdAt",
    "startedAt",
    "progress",
    "timeBudgetSeconds",
    "deadlineAt",
    "attempt",
    "dependsOn",
    "waitingFor",
    "nextStage",
    "contextRefs",
    "usage",
];
/// Lists of our extension.
const LISTS: [&str; 7] = [
    "accesses",
    "claims",
    "handoffs",
    "artifacts",
    "context",
    "quotas",
    "escalations",
];
/// A task's own words are for looking at; only what is approved must be whole.
const MESSAGE: usize = 8000;
/// What is kept of words from poll to poll.
const ON_THE_WAY: usize = 300;
const UNSAID: &str = "It waits for input, but does not say for what.";
const UNREAD: &str = "It waits for input. What it asks could not be read just now.";
const LARGEST_BODY: usize = 256 * 1024;
/// Artifacts of a task that are told from each other.
const ARTIFACTS: usize = 1000;
/// Names and first sightings that are remembered.
const REMEMBERED: usize = 50_000;

/// What must stay the same from poll to poll although servers do not repeat it.
#[derive(Default)]
pub(crate) struct Memory {
    titles: HashMap<String, String>,
    first_seen: HashMap<String, String>,
    /// Of tasks that work, what they have said and made: more of it is a sign of work, also beside a status that stays.
    work: HashMap<String, Work>,
    /// Questions that were shown as open, by task and id.
    pub(crate) open: HashMap<String, BTreeMap<String, Question>>,
    /// Ids of questions that somebody's message has answered, in whatever task.
    pub(crate) answered: HashSet<String>,
    /// Answers of ours that tasks took and have not shown the effect of, by question.
    pub(crate) owing: HashMap<String, Owed>,
    /// Questions that an earlier connection has shown, and may have answered.
    earlier: HashSet<String>,
}

/// What a task has shown of its work.
#[derive(Default)]
struct Work {
    /// What the agent said last, where it says so in the history only: lists leave that out at times.
    words: Option<String>,
    /// Digests of its newest message, and of that in its status: some write on in the same one.
    said: Option<u64>,
    status: Option<u64>,
    /// Digests of what it has made, by artifact.
    made: HashMap<u64, u64>,
    /// When more was seen last.
    at: Option<String>,
}

impl Memory {
    /// Begins with what an earlier connection has shown.
    pub(crate) fn of(known_questions: &[Box<str>]) -> Self {
        let open = Question::shown_before(known_questions);
        Self {
            earlier: open.values().flat_map(BTreeMap::keys).cloned().collect(),
            open,
            ..Self::default()
        }
    }

    /// Keeps what a task tells of the questions of others.
    pub(crate) fn learn(&mut self, task: &Task) {
        if self.answered.len() >= REMEMBERED {
            self.answered.clear();
        }
        let found = question::answers(task.history.iter().flatten());
        self.answered.extend(found);
        if !effect::broke_off(task.state()) {
            self.answered.extend(question::followed_up(task));
        }
        for owed in self.owing.values_mut() {
            owed.learn(task);
        }
    }

    /// What a task that asks no more, or something else, shows of our answer. `None` = it was not ours.
    fn effect(&mut self, task: &Task, shown: &Question) -> Option<Effect> {
        let effect = match self.owing.get(&shown.id) {
            Some(owed) if owed.answers(shown) => owed.effect(task),
            None if self.earlier.contains(&shown.id) => {
                // Without a record, who knows the decision has to judge: no proof is made of it here.
                let owed = Owed::found(task, shown);
                owed.map_or(Effect::Contrary(String::new()), |owed| owed.effect(task))
            }
            _ => return None,
        };
        if !matches!(effect, Effect::None | Effect::Allowed) {
            self.owing.remove(&shown.id);
            self.earlier.remove(&shown.id);
        }
        Some(effect)
    }

    fn first_seen(&mut self, key: String, now: &str) -> String {
        if self.first_seen.len() >= REMEMBERED {
            self.first_seen.clear();
        }
        self.first_seen
            .entry(key)
            .or_insert_with(|| now.to_owned())
            .clone()
    }

    /// The words of a task that works and whose status has none: new ones are a sign of work.
    fn says_on_the_way(&mut self, task: &Task) -> Option<String> {
        let mut newest = task.history.iter().flatten().rev();
        let said = newest.find(|message| message.is_agents() && !message.text().is_empty());
        let work = self.work.entry(task.id.clone()).or_default();
        if let Some(said) = said {
            work.words = Some(clip(&said.text(), ON_THE_WAY));
        }
        work.words.clone()
    }

    /// When a task was last seen to have said or made more than before; `None` = not since it is watched. What a list leaves
    /// out is as it was.
    fn worked_at(&mut self, task: &Task, now: &str) -> Option<String> {
        if self.work.len() >= REMEMBERED {
            self.work.clear();
        }
        let words = |message: &Message| {
            digest_of(&format!(
                "{}\u{1f}{}",
                effect::said(message),
                message.text()
            ))
        };
        let mut messages = task.history.iter().flatten();
        let said = messages.rfind(|message| message.is_agents()).map(words);
        let status = task.status.as_ref().and_then(|s| s.message.as_ref());
        let status = status.map(words);
        let is_first = !self.work.contains_key(&task.id);
        let known = self.work.entry(task.id.clone()).or_default();
        let is_other = |now: Option<u64>, known: Option<u64>| now.is_some() && now != known;
        let mut is_new = is_other(said, known.said) || is_other(status, known.status);
        known.said = said.or(known.said);
        known.status = status.or(known.status);
        for artifact in task.artifacts.iter().flatten() {
            let digest = effect::made(artifact);
            let id = artifact.artifact_id.as_deref().map_or(digest, digest_of);
            // Beyond that many, none is told from another.
            if known.made.len() < ARTIFACTS || known.made.contains_key(&id) {
                is_new |= known.made.insert(id, digest) != Some(digest);
            }
        }
        if is_new && !is_first {
            known.at = Some(now.to_owned());
        }
        known.at.clone()
    }

    fn title(&mut self, task: &Task) -> String {
        if let Some(title) = self.titles.get(&task.id) {
            return title.clone();
        }
        let of_user = task
            .history
            .iter()
            .flatten()
            .find(|message| !message.is_agents() && !message.text().is_empty());
        let found = of_user.map(|message| message.text());
        let line = found
            .as_deref()
            .and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
        let Some(line) = line else {
            return format!("Task {}", clip(&task.id, 12));
        };
        let title = clip(line.trim(), 120);
        if self.titles.len() >= REMEMBERED {
            self.titles.clear();
        }
        self.titles.insert(task.id.clone(), title.clone());
        title
    }
}

/// A document in the making.
#[derive(Default)]
pub(crate) struct Page {
    tasks: Vec<String>,
    lists: BTreeMap<&'static str, Vec<String>>,
}

impl Page {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.lists.values().all(Vec::is_empty)
    }

    /// Adds one task and everything that rides on it.
    pub(crate) fn add(&mut self, raw: &RawValue, memory: &mut Memory, now: &str) {
        self.add_as(raw, memory, now, UNSAID, false);
    }

    /// Adds a task from a list that may leave its question out, when it could not be read by itself. That is no sign that a
    /// question shown before is over, or another one by now.
    pub(crate) fn add_unread(&mut self, raw: &RawValue, memory: &mut Memory, now: &str) {
        self.add_as(raw, memory, now, UNREAD, true);
    }

    fn add_as(
        &mut self,
        raw: &RawValue,
        memory: &mut Memory,
        now: &str,
        nothing: &str,
        unread: bool,
    ) {
        let Some(task) = task::read(raw) else {
            self.tasks.push(unreadable(raw));
            return;
        };
        let extension = members(task.extension().as_deref());
        let mut asked = question::all(
            &task,
            &memory.first_seen(task.id.clone(), now),
            &memory.answered,
        );
        let asks_itself = extension.contains_key("escalations");
        if unread && let Some(shown) = memory.open.get(&task.id) {
            asked = shown.values().cloned().collect();
            // What was answered it may ask no more.
            asked.sort_by_key(|question| memory.owing.contains_key(&question.id));
        }
        let nothing = (asked.is_empty() && !asks_itself).then_some(nothing);
        self.tasks
            .push(item(&task, &extension, &asked, nothing, memory, now));
        for list in LISTS {
            let Some(raw) = extension.get(list) else {
                continue;
            };
            let items: Vec<Box<RawValue>> = serde_json::from_str(raw.get()).unwrap_or_default();
            let known = self.lists.entry(list).or_default();
            known.extend(items.into_iter().map(|item| item.get().to_owned()));
        }
        if !extension.contains_key("artifacts") {
            for artifact in task.artifacts.iter().flatten() {
                self.artifact(&task, artifact, memory, now);
            }
        }
        if asks_itself {
            return;
        }
        let mut shown = memory.open.remove(&task.id).unwrap_or_default();
        let mut open = BTreeMap::new();
        for question in asked {
            // What was shown stays as it was shown, byte for byte, while it means the same.
            let question = match shown.remove(&question.id) {
                Some(shown) if question.is_still(&shown) => shown,
                _ => question,
            };
            self.escalation(&question);
            open.insert(question.id.clone(), question);
        }
        for (id, mut settled) in shown {
            let effect = memory.effect(&task, &settled);
            match effect {
                None | Some(Effect::Shown) => settled.status = "resolved".into(),
                // What broke off over our answer does not show that the answer counted.
                Some(Effect::Contrary(_)) => settled.status = "withdrawn".into(),
                // It was answered, and until an effect is seen it is shown as that and no more.
                Some(Effect::None | Effect::Allowed) => {}
            }
            self.escalation(&settled);
            if settled.status == "pending" {
                open.insert(id, settled);
            }
        }
        if !open.is_empty() {
            memory.open.insert(task.id.clone(), open);
        }
    }

    fn escalation(&mut self, question: &Question) {
        if let Ok(text) = serde_json::to_string(question) {
            self.lists.entry("escalations").or_default().push(text);
        }
    }

    fn artifact(&mut self, task: &Task, artifact: &Artifact, memory: &mut Memory, now: &str) {
        let own = artifact.artifact_id.as_deref().or(artifact.name.as_deref());
        let id = format!("{}/{}", task.id, own.unwrap_or("artifact"));
        let parts = artifact.parts.as_deref().unwrap_or_default();
        let mut members = members(task::extension(artifact.metadata.as_deref()).as_deref());
        members.retain(|name, _| {
            [
                "version",
                "mediaType",
                "uri",
                "digest",
                "sizeBytes",
                "schemaRef",
                "createdAt",
            ]
            .contains(&name.as_str())
        });
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value
                && !members.contains_key(name)
                && let Ok(raw) = serde_json::value::to_raw_value(&value)
            {
                members.insert(name.to_owned(), raw);
            }
        };
        let file = parts.iter().find_map(|part| part.file.as_ref());
        let uri = parts
            .iter()
            .find_map(|part| part.url.clone().filter(|url| !url.is_empty()))
            .or_else(|| file.and_then(|file| file.uri.clone()));
        let media_type = parts
            .iter()
            .find_map(|part| part.media_type.clone().filter(|kind| !kind.is_empty()))
            .or_else(|| file.and_then(|file| file.mime_type.clone()));
        let filename = parts
            .iter()
            .find_map(|part| part.filename.clone().filter(|name| !name.is_empty()))
            .or_else(|| file.and_then(|file| file.name.clone()));
        let name = artifact
            .name
            .clone()
            .filter(|name| !name.is_empty())
            .or(filename);
        put(
            "name",
            Some(json!(name.unwrap_or_else(|| "Artifact".to_owned()))),
        );
        put("id", Some(json!(id)));
        put("taskId", Some(json!(task.id)));
        put("uri", uri.map(Value::from));
        put("mediaType", media_type.map(Value::from));
        let created = task.timestamp().unwrap_or(now).to_owned();
        put("createdAt", Some(json!(memory.first_seen(id, &created))));
        let mut data = task::data(parts);
        let body = match (data.next(), data.next()) {
            (Some(only), None) => Some(only.to_owned()),
            _ => {
                let text = task::text(parts);
                (!text.is_empty())
                    .then(|| serde_json::value::to_raw_value(&text).ok())
                    .flatten()
            }
        };
        if let Some(body) = body.filter(|body| body.get().len() <= LARGEST_BODY) {
            members.insert("body".to_owned(), body);
        }
        if let Ok(text) = serde_json::to_string(&members) {
            self.lists.entry("artifacts").or_default().push(text);
        }
    }

    /// The document. A complete list says so of its questions too; what changed names only what it has.
    pub(crate) fn document(mut self, card: &Card, snapshot: bool, listed: bool) -> String {
        if snapshot && listed {
            self.lists.entry("escalations").or_default();
        }
        let agent = json!({
            "id": agent_id(&card.name),
            "name": card.name,
            "version": card.version,
            "status": "online",
        });
        let mut text = format!(r#"{{"schemaVersion":"1.0","agent":{agent},"snapshot":{snapshot}"#);
        let tasks = (listed || !self.tasks.is_empty()).then_some(("tasks", self.tasks));
        for (list, items) in tasks.into_iter().chain(self.lists) {
            text.push_str(&format!(r#","{list}":[{}]"#, items.join(",")));
        }
        text.push('}');
        text
    }
}

/// A name as an id: lower case, words joined by `-`.
pub(crate) fn agent_id(name: &str) -> String {
    let words: Vec<String> = name
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.'))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        "agent".to_owned()
    } else {
        clip(&words.join("-"), 100)
    }
}

fn members(raw: Option<&RawValue>) -> BTreeMap<String, Box<RawValue>> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

/// One task item (contract, 1.1), and the questions shown for it; `nothing` = what to say when it waits and there are none.
fn item(
    task: &Task,
    extension: &BTreeMap<String, Box<RawValue>>,
    asked: &[Question],
    nothing: Option<&str>,
    memory: &mut Memory,
    now: &str,
) -> String {
    // Some servers call a task that asks "working" or "completed".
    let (state, asks) = (task.state(), !asked.is_empty());
    let asks_there = (!asks && !state.is_terminal())
        .then(|| calls::asked_there(task))
        .flatten();
    let state = match state {
        TaskState::AuthRequired => TaskState::AuthRequired,
        _ if asks || asks_there.is_some() => TaskState::InputRequired,
        state => state,
    };
    let waits = matches!(state, TaskState::InputRequired | TaskState::AuthRequired);
    let said = task
        .status
        .as_ref()
        .and_then(|status| status.message.as_ref())
        .map(|message| clip(&message.text(), MESSAGE))
        .filter(|text| !text.is_empty());
    let unsaid = |nothing: &str| match question::last_words(task) {
        Some(words) => format!("It may be asking: {}", clip(&words, MESSAGE)),
        None => nothing.to_owned(),
    };
    let mut message = asks_there
        .or(said)
        .or_else(|| nothing.filter(|_| waits).map(unsaid));
    let mut worked_at = None;
    if state == TaskState::Working {
        worked_at = memory.worked_at(task, now);
        if message.is_none() {
            message = memory.says_on_the_way(task);
        }
    } else {
        memory.work.remove(&task.id);
    }
    let mut status = json!({"state": state, "native": task.native_state()});
    if let Some(message) = message {
        status["message"] = json!(message);
    }
    if let Some(timestamp) = task.timestamp() {
        status["timestamp"] = json!(timestamp);
    }
    let mut members: BTreeMap<String, Box<RawValue>> = TASK_MEMBERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), extension.get(*name)?.clone())))
        .collect();
    let mut put = |name: &str, value: Value| {
        if !members.contains_key(name)
            && let Ok(raw) = serde_json::value::to_raw_value(&value)
        {
            members.insert(name.to_owned(), raw);
        }
    };
    put("id", json!(task.id));
    put("title", json!(memory.title(task)));
    put("status", status);
    put(
        "native",
        json!({"protocol": "a2a", "state": task.native_state()}),
    );
    if let Some(at) = worked_at {
        put("progress", json!({"at": at}));
    }
    if let Some(context) = &task.context_id {
        put("contextId", json!(context));
    }
    if waits {
        let ids = asked.iter().map(|question| question.id.as_str());
        let by = crate::escalation::waits_for(ids, &task.id);
        put("waitingFor", json!({"kind": "human", "ref": by}));
    }
    serde_json::to_string(&members).unwrap_or_default()
}

/// What has no shape of a task. Nested too deeply, it would break the document it stands in.
fn unreadable(raw: &RawValue) -> String {
    if task::depth(raw.get()) < 90 {
        return raw.get().to_owned();
    }
    json!({"native": "A task that is nested too deeply to be read."}).to_string()
}

//! A thread as a server tells it, and the state it is in. The thread decides whether a person is waited for, never the
//! run: a run that stops to ask ends as "success", and one that was cancelled ends as "interrupted".
//!
//! Reading is tolerant member by member; only a thread without an id cannot be read.

use std::collections::BTreeMap;

use domain::contract::TaskState;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::wire::clip;

/// A thread. Members of a wrong type are as if they were not there.
pub(crate) struct Thread {
    pub(crate) id: String,
    /// As the server wrote it.
    pub(crate) status: String,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
    /// When it last moved, not counting that a run was begun.
    pub(crate) moved_at: Option<String>,
    metadata: Value,
    extracted: Value,
    error: Option<Error>,
    /// What it asks, by the native task that asks it.
    pub(crate) interrupts: Vec<Interrupt>,
    /// What stands where its questions should and is none: a question must not be lost in silence.
    pub(crate) unreadable: Vec<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
struct Error {
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    message: Option<Value>,
}

/// One open question, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    /// Older servers name none.
    pub(crate) id: Option<String>,
    /// The native task that asks.
    pub(crate) task: String,
    pub(crate) raw: Box<RawValue>,
}

/// What is known of the newest run of a thread.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LastRun {
    /// Not asked.
    NotAsked,
    /// It never ran.
    Never,
    /// Its status, as the server wrote it.
    Status(String),
}

type Members = BTreeMap<String, Box<RawValue>>;

fn member<T: DeserializeOwned>(members: &Members, name: &str) -> Option<T> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

/// Reads one; `None` = it has no shape of a thread.
pub(crate) fn read(raw: &RawValue) -> Option<Thread> {
    let members: Members = serde_json::from_str(raw.get()).ok()?;
    let id: String = member(&members, "thread_id")?;
    if id.is_empty() {
        return None;
    }
    let text = |name: &str| member::<String>(&members, name);
    let status = match members.get("status") {
        Some(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| clip(raw.get(), 60)),
        None => "unspecified".to_owned(),
    };
    let error: Option<Box<RawValue>> = members.get("error").cloned();
    let error = error.filter(|raw| raw.get() != "null").map(|raw| {
        let told: Option<Error> = serde_json::from_str(raw.get()).ok();
        told.unwrap_or_else(|| Error {
            error: None,
            message: serde_json::from_str(raw.get()).ok(),
        })
    });
    let mut extracted: Value = member(&members, "extracted").unwrap_or_default();
    if extracted.get("asked").is_none_or(Value::is_null)
        && let Some(values) = member::<Value>(&members, "values")
        && let Some(first) = values.pointer("/messages/0/content")
    {
        extracted = serde_json::json!({"asked": first});
    }
    let (interrupts, unreadable) = interrupts(members.get("interrupts").map(|raw| raw.as_ref()));
    Some(Thread {
        id,
        status,
        created_at: text("created_at"),
        updated_at: text("updated_at").or_else(|| text("state_updated_at")),
        moved_at: text("state_updated_at").or_else(|| text("updated_at")),
        metadata: member(&members, "metadata").unwrap_or_default(),
        extracted,
        error,
        interrupts,
        unreadable,
    })
}

/// A map from native tasks to what they ask; some servers leave it out, or send null. Also what cannot be read of it.
fn interrupts(raw: Option<&RawValue>) -> (Vec<Interrupt>, Vec<Box<RawValue>>) {
    let (mut found, mut unreadable) = (vec![], vec![]);
    let mut named = BTreeMap::new();
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else {
        return (found, unreadable);
    };
    let Ok(by_task) = serde_json::from_str::<Members>(raw.get()) else {
        return (found, vec![raw.to_owned()]);
    };
    for (task, asked) in by_task {
        match serde_json::from_str::<Option<Vec<Box<RawValue>>>>(asked.get()) {
            Ok(all) => {
                for raw in all.unwrap_or_default() {
                    let asked = Interrupt::new(&task, raw);
                    // Of two of one name an answer could not say which it is for.
                    match named.get(asked.name()) {
                        None => {
                            named.insert(asked.name().to_owned(), asked.raw.get().to_owned());
                            found.push(asked);
                        }
                        Some(known) if known == asked.raw.get() => {}
                        Some(_) => unreadable.push(asked.raw),
                    }
                }
            }
            Err(_) => unreadable.push(asked),
        }
    }
    (found, unreadable)
}

impl Interrupt {
    /// Of a native task.
    pub(crate) fn new(task: &str, raw: Box<RawValue>) -> Self {
        let members: Members = serde_json::from_str(raw.get()).unwrap_or_default();
        let id = member(&members, "id").or_else(|| member(&members, "interrupt_id"));
        Self {
            id: id.filter(|id: &String| !id.is_empty()),
            task: task.to_owned(),
            raw,
        }
    }

    /// The id, or the native task that asks where there is none.
    pub(crate) fn name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.task)
    }
}

/// What is really open in a thread (`…/state`): a thread goes on naming questions that were answered while another one
/// of the same step is open. `None` = it does not say.
pub(crate) fn open_in(state: &RawValue) -> Option<Vec<Interrupt>> {
    #[derive(Deserialize)]
    struct State {
        tasks: Vec<Step>,
    }
    #[derive(Deserialize)]
    struct Step {
        id: String,
        #[serde(default)]
        interrupts: Option<Vec<Box<RawValue>>>,
    }
    let state: State = serde_json::from_str(state.get()).ok()?;
    let mut open = vec![];
    for step in state.tasks {
        let asked = step.interrupts.unwrap_or_default();
        // What cannot be read may be any of them.
        if asked.iter().any(|raw| !raw.get().starts_with('{')) {
            return None;
        }
        open.extend(asked.into_iter().map(|raw| Interrupt::new(&step.id, raw)));
    }
    Some(open)
}

/// How a thread went on after an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Went {
    /// The step that had asked was done with it.
    On,
    /// From the beginning: the server had lost what it had come to, and with it the question.
    Anew,
    /// It does not say.
    Unclear,
}

/// How the run that carried the answer to a question of this native task went on, by the thread's state afterwards.
pub(crate) fn went(state: &RawValue, run: &str, task: &str) -> Went {
    let state: Value = serde_json::from_str(state.get()).unwrap_or_default();
    let of_run = state.pointer("/metadata/run_id").and_then(Value::as_str) == Some(run);
    // An answer goes on from where the question stands; only a run that finds nothing there puts an input first.
    match state.pointer("/metadata/source").and_then(Value::as_str) {
        Some("loop") if of_run => return Went::On,
        Some("input") if of_run => return Went::Anew,
        _ => {}
    }
    let steps = state.get("tasks").and_then(Value::as_array);
    let mut steps = steps.into_iter().flatten();
    let is_done = |step: &Value| {
        let is_there = |name: &str| step.get(name).is_some_and(|value| !value.is_null());
        is_there("result") && !is_there("error")
    };
    match steps.find(|step| step.get("id").and_then(Value::as_str) == Some(task)) {
        Some(step) if is_done(step) => Went::On,
        _ => Went::Unclear,
    }
}

impl Thread {
    /// The state of the task that this thread is. `asks` = a question of it is open.
    pub(crate) fn state(&self, run: &LastRun, asks: bool) -> TaskState {
        use TaskState as S;
        let run = match run {
            LastRun::NotAsked => None,
            LastRun::Never => Some(""),
            LastRun::Status(word) => Some(word.as_str()),
        };
        match (self.status.to_ascii_lowercase().as_str(), run) {
            ("busy", Some("pending")) => S::Submitted,
            ("busy", _) => S::Working,
            ("interrupted", _) if asks => S::InputRequired,
            // Cancelled from outside; else it stands at a breakpoint, which asks nothing.
            ("interrupted", _) if self.was_cancelled() => S::Canceled,
            ("interrupted", Some("interrupted")) => S::Canceled,
            ("interrupted", _) => S::InputRequired,
            ("idle", Some("" | "pending")) => S::Submitted,
            ("idle", Some("running")) => S::Working,
            ("idle", None | Some("success")) => S::Completed,
            ("idle", Some("interrupted")) => S::Canceled,
            ("idle", Some("error" | "timeout")) => S::Failed,
            ("idle", Some(_)) => S::Unknown,
            ("error", _) => S::Failed,
            _ => S::Unknown,
        }
    }

    /// The server's own words for the state.
    pub(crate) fn native(&self, run: &LastRun) -> String {
        let thread = clip(&self.status, 60);
        match run {
            LastRun::NotAsked => thread,
            LastRun::Never => format!("{thread}, never run"),
            LastRun::Status(run) => format!("{thread}, run {}", clip(run, 60)),
        }
    }

    fn was_cancelled(&self) -> bool {
        let named = self.error.as_ref().and_then(|error| error.error.as_ref());
        matches!(
            named.and_then(Value::as_str),
            Some("UserInterrupt" | "UserRollback")
        )
    }

    /// Takes over what went wrong from a fuller reading.
    pub(crate) fn told_by(&mut self, whole: Self) {
        self.error = whole.error;
    }

    /// What went wrong, in the server's words.
    pub(crate) fn error(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        let text = |value: &Option<Value>| {
            let text = value.as_ref().and_then(Value::as_str).map(str::to_owned);
            text.filter(|text| !text.is_empty())
        };
        match (text(&error.error), text(&error.message)) {
            (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
            (one, other) => one.or(other),
        }
    }

    fn named(&self, member: &str) -> Option<&str> {
        let text = self.metadata.get(member)?.as_str()?;
        (!text.trim().is_empty()).then_some(text)
    }

    pub(crate) fn assistant(&self) -> Option<&str> {
        self.named("assistant_id")
    }

    pub(crate) fn graph(&self) -> Option<&str> {
        self.named("graph_id")
    }

    /// What it is about: a title it was given, else the first words of a person.
    pub(crate) fn title(&self) -> Option<String> {
        let given = ["title", "thread_name", "name"]
            .iter()
            .find_map(|member| self.named(member));
        let line = |text: &str| {
            let line = text.lines().find(|line| !line.trim().is_empty())?;
            Some(clip(line.trim(), 120))
        };
        if let Some(title) = given.and_then(line) {
            return Some(title);
        }
        let asked = self.extracted.get("asked")?;
        let part = || asked.pointer("/0/text").and_then(Value::as_str);
        asked.as_str().or_else(part).and_then(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn thread(value: &Value) -> Thread {
        let raw = serde_json::value::to_raw_value(value).expect("JSON");
        read(&raw).expect("a thread")
    }

    #[test]
    fn every_row_of_the_state_table_holds() {
        use TaskState as S;
        let run = |word: &str| LastRun::Status(word.to_owned());
        let rows = [
            ("busy", run("pending"), false, S::Submitted),
            ("busy", run("running"), false, S::Working),
            ("busy", LastRun::NotAsked, false, S::Working),
            ("busy", run("running"), true, S::Working),
            ("interrupted", run("success"), true, S::InputRequired),
            ("interrupted", LastRun::NotAsked, true, S::InputRequired),
            ("interrupted", run("interrupted"), true, S::InputRequired),
            ("interrupted", run("interrupted"), false, S::Canceled),
            ("interrupted", run("success"), false, S::InputRequired),
            ("idle", run("success"), false, S::Completed),
            ("idle", LastRun::NotAsked, false, S::Completed),
            ("idle", LastRun::Never, false, S::Submitted),
            ("idle", run("pending"), false, S::Submitted),
            ("idle", run("running"), false, S::Working),
            ("idle", run("interrupted"), false, S::Canceled),
            ("idle", run("error"), false, S::Failed),
            ("idle", run("timeout"), false, S::Failed),
            ("idle", run("dreaming"), false, S::Unknown),
            ("error", run("error"), false, S::Failed),
            ("error", run("timeout"), false, S::Failed),
            ("ERROR", LastRun::NotAsked, false, S::Failed),
            ("hibernating", LastRun::NotAsked, false, S::Unknown),
        ];
        for (status, run, asks, expected) in rows {
            let thread = thread(&json!({"thread_id": "t", "status": status}));
            assert_eq!(thread.state(&run, asks), expected, "{status} {run:?}");
            assert!(
                thread.native(&run).starts_with(status),
                "the native word stays: {status}"
            );
        }
    }

    #[test]
    fn a_cancelled_thread_says_interrupted_and_waits_for_nobody() {
        let cancelled = thread(
            &json!({"thread_id": "t", "status": "interrupted", "interrupts": {},
            "error": {"error": "UserInterrupt", "message": "interrupt requested"}}),
        );
        assert_eq!(
            cancelled.state(&LastRun::NotAsked, false),
            TaskState::Canceled
        );
        assert_eq!(
            cancelled.error().as_deref(),
            Some("UserInterrupt: interrupt requested")
        );
    }

    #[test]
    fn odd_members_lose_only_themselves() {
        for (odd, status) in [
            (json!({"thread_id": "t", "status": 7}), "7"),
            (json!({"thread_id": "t"}), "unspecified"),
            (
                json!({"thread_id": "t", "status": "idle", "interrupts": [1]}),
                "idle",
            ),
            (
                json!({"thread_id": "t", "status": "idle", "metadata": "x", "error": 3, "extracted": []}),
                "idle",
            ),
            (
                json!({"thread_id": "t", "status": "idle", "interrupts": {"a": "b"}, "updated_at": 3}),
                "idle",
            ),
        ] {
            let read = thread(&odd);
            assert_eq!(
                (read.status.as_str(), read.interrupts.len()),
                (status, 0),
                "{odd}"
            );
        }
        for none in [json!({}), json!({"thread_id": 1}), json!([]), json!("t")] {
            let raw = serde_json::value::to_raw_value(&none).expect("JSON");
            assert!(read(&raw).is_none(), "{none}");
        }
    }

    #[test]
    fn what_stands_where_questions_should_and_is_none_is_not_lost() {
        for (interrupts, asked, unreadable) in [
            (json!(null), 0, vec![]),
            (json!({"t": null}), 0, vec![]),
            (json!([1]), 0, vec!["[1]"]),
            (json!("x"), 0, vec!["\"x\""]),
            (
                json!({"a": {"id": "i"}, "b": [{"id": "j", "value": 1}]}),
                1,
                vec![r#"{"id":"i"}"#],
            ),
            (
                json!({"a": [{"value": 1}, {"value": 2}], "b": [{"id": "j"}, {"id": "j"}]}),
                2,
                vec![r#"{"value":2}"#],
            ),
        ] {
            let read = thread(
                &json!({"thread_id": "t", "status": "interrupted", "interrupts": interrupts}),
            );
            let raws: Vec<_> = read.unreadable.iter().map(|raw| raw.get()).collect();
            assert_eq!(
                (read.interrupts.len(), raws),
                (asked, unreadable),
                "{interrupts}"
            );
        }
    }

    #[test]
    fn what_is_open_is_read_from_the_state_and_not_from_the_thread() {
        let state = json!({"tasks": [
            {"id": "a", "interrupts": [], "result": {"answers": []}},
            {"id": "b", "interrupts": [{"id": "i2", "value": "More?"}]},
            {"id": "c"},
        ]});
        let raw = serde_json::value::to_raw_value(&state).expect("JSON");
        let open = open_in(&raw).expect("it says");
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].name(), open[0].task.as_str()), ("i2", "b"));
    }
}

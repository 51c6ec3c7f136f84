//! Shared context documents: what was agreed, by whom, who has read how far, and what contradicts.
//!
//! Entries belong to the agents that wrote them. Nothing is written here; a reconciling entry is proposed
//! (`context/settle.rs`) and appended by an agent.

mod settle;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    change::Record,
    contract::{AccessMode, ContextEntry, ContextKind},
    decision::digest,
    ids::{AgentRef, TaskRef},
    time::Time,
};
use serde_json::Value;
use store::{
    Result,
    tables::{accesses, context, findings, tasks},
};

pub(super) use self::settle::{proposed, settle};
use super::{
    views::{
        ConflictView, ContextDocument, ContextItem, ContextRequest, ContextView, EntryView,
        ReaderView, TaskLink,
    },
    wording::{Glance, agent_text, count, plain},
};

/// Entries of a document that are read; far more than a person does.
const ENTRIES: u32 = 1_000;
/// Entries that are shown.
const SHOWN: usize = 400;
const RULE: &str = "context-divergence";

type Entry = Record<ContextEntry>;

/// A document as it was read: entries by number, the oldest first.
struct Read {
    entries: Vec<Entry>,
    superseded: BTreeMap<u64, u64>,
}

impl Read {
    fn of(glance: Glance<'_>, document: &str) -> Result<Self> {
        let mut entries = context::entries(glance.reader, document, ENTRIES)?;
        entries.reverse();
        let superseded = entries
            .iter()
            .filter_map(|entry| Some((entry.value.supersedes?, entry.value.seq)))
            .collect();
        Ok(Self {
            entries,
            superseded,
        })
    }

    fn last(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.value.seq)
    }

    fn stands(&self, entry: &Entry) -> bool {
        !self.superseded.contains_key(&entry.value.seq)
    }

    /// Decisions and constraints that somebody else wrote after a number, and that still count.
    fn binding_after(&self, seq: u64, reader: &AgentRef) -> Vec<&Entry> {
        let binding = self.entries.iter().filter(|entry| {
            let kind = entry.value.kind;
            matches!(kind, ContextKind::Decision | ContextKind::Constraint)
                && entry.value.seq > seq
                && entry.agent != *reader
                && self.stands(entry)
        });
        binding.collect()
    }

    /// Keys with values that do not agree, by different agents.
    fn conflicts(&self) -> BTreeMap<&str, Vec<&Entry>> {
        let mut about: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| self.stands(entry)) {
            if let (Some(key), Some(_)) = (&entry.value.key, &entry.value.value) {
                about.entry(key).or_default().push(entry);
            }
        }
        about.retain(|_, entries| {
            entries.iter().enumerate().any(|(index, later)| {
                let mut before = entries.iter().take(index);
                before.any(|first| {
                    first.agent != later.agent && !same(&first.value.value, &later.value.value)
                })
            })
        });
        about
    }

    fn title(&self, document: &str) -> String {
        let mut goals = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.value.kind == ContextKind::Goal && self.stands(entry));
        goals
            .next()
            .map_or_else(|| document.to_owned(), |goal| text(&goal.value.body))
    }

    fn view(&self, entry: &Entry) -> EntryView {
        let value = &entry.value;
        EntryView {
            seq: value.seq,
            kind: kind(value.kind).to_owned(),
            key: value.key.as_deref().map(plain),
            value: value
                .value
                .as_ref()
                .map(|value| agent_text(&value.to_string())),
            body: agent_text(&text(&value.body)),
            agent: plain(entry.agent.agent.as_str()),
            endpoint: entry.agent.endpoint.clone(),
            author: plain(&value.author),
            at: entry.at,
            supersedes: value.supersedes,
            superseded_by: self.superseded.get(&value.seq).copied(),
            hash: digest(&entry.raw),
            raw: agent_text(&entry.raw),
        }
    }
}

fn same(one: &Option<Value>, other: &Option<Value>) -> bool {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            one == other || one.as_f64() == other.as_f64()
        }
        _ => one == other,
    }
}

fn text(body: &Value) -> String {
    body.as_str()
        .map_or_else(|| body.to_string(), str::to_owned)
}

fn kind(kind: ContextKind) -> &'static str {
    match kind {
        ContextKind::Goal => "goal",
        ContextKind::Constraint => "constraint",
        ContextKind::Decision => "decision",
        ContextKind::Fact => "fact",
        ContextKind::State => "state",
    }
}

/// How far each agent has come: what its tasks say, and what it wrote itself.
fn readers(glance: Glance<'_>, document: &str, read: &Read) -> Result<Vec<ReaderView>> {
    struct Mark {
        up_to: u64,
        at: Option<Time>,
        task: Option<TaskRef>,
    }
    let mut marks: BTreeMap<AgentRef, Mark> = BTreeMap::new();
    for row in context::reads(glance.reader, document)? {
        let task = TaskRef {
            endpoint: row.agent.endpoint.clone(),
            task: row.task,
        };
        // The last to say so comes first; an older task of the agent may have read further, which is no help to this one.
        marks.entry(row.agent).or_insert(Mark {
            up_to: row.seq,
            at: Some(row.at),
            task: Some(task),
        });
    }
    for entry in &read.entries {
        marks.entry(entry.agent.clone()).or_insert(Mark {
            up_to: entry.value.seq,
            at: None,
            task: None,
        });
    }
    let mut views = vec![];
    for (agent, mark) in marks {
        let own = read.entries.iter().rev().find(|entry| entry.agent == agent);
        let missed = match mark.task {
            Some(_) => read.binding_after(mark.up_to, &agent),
            // It says nothing of what it reads.
            None => vec![],
        };
        let known = match &mark.task {
            Some(task) => tasks::get(glance.reader, task)?,
            None => None,
        };
        let acted_at = match (missed.first(), &mark.task) {
            (Some(first), Some(task)) => accesses::of_task(glance.reader, task, 100)?
                .into_iter()
                .filter(|access| access.mode == AccessMode::Write && access.at > first.at)
                .map(|access| access.at)
                .min(),
            _ => None,
        };
        let up_to = match &mark.task {
            Some(_) => mark.up_to,
            None => own.map_or(mark.up_to, |entry| entry.value.seq),
        };
        views.push(ReaderView {
            agent: plain(agent.agent.as_str()),
            endpoint: agent.endpoint.clone(),
            up_to,
            at: mark.at,
            live: known
                .as_ref()
                .is_some_and(|row| row.record.value.status.state.is_live()),
            task: known.map(|row| TaskLink {
                endpoint: agent.endpoint.clone(),
                task: row.record.task.task.as_str().to_owned(),
                title: agent_text(&row.record.value.title),
            }),
            missed: missed.iter().map(|entry| entry.value.seq).collect(),
            acted_at,
        });
    }
    views.sort_by(|a, b| {
        (b.missed.len(), b.live, &a.agent).cmp(&(a.missed.len(), a.live, &b.agent))
    });
    Ok(views)
}

/// All documents.
pub fn documents(glance: Glance<'_>) -> Result<ContextView> {
    let mut documents = vec![];
    let mut worst: Option<(u32, String)> = None;
    let mut contradicted = BTreeSet::new();
    for row in context::documents(glance.reader)? {
        let read = Read::of(glance, &row.document)?;
        let readers = readers(glance, &row.document, &read)?;
        let conflicts = read.conflicts();
        contradicted.extend(conflicts.keys().map(|key| plain(key)));
        let behind: Vec<_> = readers
            .iter()
            .filter(|reader| reader.live && !reader.missed.is_empty())
            .collect();
        for reader in &behind {
            let missed = u32::try_from(reader.missed.len()).unwrap_or(u32::MAX);
            if worst.as_ref().is_none_or(|(most, _)| missed > *most) {
                worst = Some((missed, reader.agent.clone()));
            }
        }
        documents.push(ContextItem {
            title: agent_text(&read.title(&row.document)),
            entries: row.entries,
            last: row.last,
            at: row.at,
            behind: u32::try_from(behind.len()).unwrap_or(u32::MAX),
            conflicts: u32::try_from(conflicts.len()).unwrap_or(u32::MAX),
            document: row.document,
        });
    }
    // Stable: among equals the last changed stays first.
    documents.sort_by_key(|item| std::cmp::Reverse((item.conflicts, item.behind)));
    let title = match (contradicted.first(), worst) {
        (Some(key), _) if contradicted.len() == 1 => {
            format!("Two statements about {key} contradict each other")
        }
        (Some(_), _) => format!(
            "Statements about {} contradict each other",
            count(
                u32::try_from(contradicted.len()).unwrap_or(u32::MAX),
                "key",
                "keys"
            )
        ),
        (None, Some((missed, agent))) => {
            format!(
                "{agent} is {} behind",
                count(missed, "decision", "decisions")
            )
        }
        (None, None) if documents.is_empty() => "Nothing is shared yet".to_owned(),
        (None, None) => "Everybody has read what was decided".to_owned(),
    };
    Ok(ContextView { title, documents })
}

/// One document; `None` when nobody has written in it.
pub fn document(glance: Glance<'_>, request: &ContextRequest) -> Result<Option<ContextDocument>> {
    let read = Read::of(glance, &request.document)?;
    if read.entries.is_empty() {
        return Ok(None);
    }
    let of_kind = |kind: ContextKind| {
        let wanted = read.entries.iter().rev();
        wanted
            .filter(|entry| entry.value.kind == kind && read.stands(entry))
            .map(|entry| read.view(entry))
            .collect::<Vec<_>>()
    };
    let mut conflicts = vec![];
    for (key, sides) in read.conflicts() {
        let subject = format!("{} {key}", request.document);
        let finding = findings::open_about(glance.reader, RULE, &subject)?;
        conflicts.push(ConflictView {
            key: plain(key),
            sides: sides.iter().map(|entry| read.view(entry)).collect(),
            finding_key: finding.map(|row| format!("f:{}", row.finding.episode)),
        });
    }
    Ok(Some(ContextDocument {
        document: request.document.clone(),
        title: agent_text(&read.title(&request.document)),
        goals: of_kind(ContextKind::Goal),
        constraints: of_kind(ContextKind::Constraint),
        entries: read
            .entries
            .iter()
            .rev()
            .take(SHOWN)
            .map(|entry| read.view(entry))
            .collect(),
        total: u32::try_from(read.entries.len()).unwrap_or(u32::MAX),
        last: read.last(),
        readers: readers(glance, &request.document, &read)?,
        conflicts,
    }))
}

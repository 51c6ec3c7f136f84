//! Dead letters: what was refused, grouped by who sent it and why, and one of them whole with its place in the work.
//!
//! What can be done about one is `letters/ways.rs`; here is only what stands.

mod act;
mod ways;

use std::collections::BTreeMap;

use domain::{
    contract::AccessMode,
    decision::digest,
    ids::TaskRef,
    mend::{expected, within},
};
use serde_json::{Map, Value, json};
use store::{
    Reader, Result,
    tables::{
        accesses,
        dead_letters::{self, Act, AttemptRow, DeadLetterRow},
        decisions, findings, records, schemas, tasks,
    },
};

pub(crate) use self::act::{Deed, changed};
pub(super) use self::{
    act::{act, settle_one},
    ways::{UNREADABLE, draft, is_unreadable, sent_back},
};
use super::{
    tree::tree,
    views::{
        AccessView, LetterAttempt, LetterGroup, LetterItem, LetterProblem, LetterRequest,
        LetterState, LetterView, LettersView, TaskLink,
    },
    wording::{Glance, agent_text, count, number, plain, whereabouts},
};

/// Letters of one group that are listed; its count is of all.
const LISTED: usize = 200;
const RULE: &str = "schema-violation";

/// A problem as it is kept.
struct Wrong {
    path: String,
    code: String,
    message: String,
    schema: Option<String>,
}

impl Wrong {
    /// The last word of the schema that was broken, or the reason's.
    fn rule(&self) -> &str {
        self.schema.as_deref().map_or(&self.code, last_word)
    }

    /// The schema's name.
    fn schema(&self) -> Option<&str> {
        self.schema.as_deref()?.split('#').next()
    }

    fn view(&self) -> LetterProblem {
        LetterProblem {
            path: plain(&self.path),
            rule: plain(self.rule()),
            sentence: agent_text(&self.message),
        }
    }
}

/// The last word of a place in a schema.
fn last_word(place: &str) -> &str {
    let word = place.rsplit('/').next().unwrap_or(place);
    word.split('?').next().unwrap_or(word)
}

/// The place of a member that is missing is where it should stand.
fn wanted(path: &str, schema: Option<&str>) -> String {
    match schema.and_then(|place| place.split_once('?')) {
        Some((_, name)) => {
            let name = name.replace('~', "~0").replace('/', "~1");
            format!("{path}/{name}")
        }
        None => path.to_owned(),
    }
}

fn wrongs(list: &str, problems: &Value) -> Vec<Wrong> {
    let text = |problem: &Value, member: &str| {
        let text = problem.get(member).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let all = problems.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .map(|problem| {
            let schema = problem.get("schema").and_then(Value::as_str);
            let path = text(problem, "pointer");
            Wrong {
                path: wanted(within(list, &path), schema),
                code: text(problem, "code"),
                message: text(problem, "message"),
                schema: schema.map(str::to_owned),
            }
        })
        .collect()
}

/// Everything in the letter is a body that does not fit: it was read, and it stands.
fn was_read(wrongs: &[Wrong]) -> bool {
    !wrongs.is_empty() && wrongs.iter().all(|wrong| wrong.code == "schema")
}

fn what(list: &str) -> &'static str {
    match list {
        "tasks" => "task",
        "accesses" => "access",
        "claims" => "claim",
        "handoffs" => "handoff",
        "artifacts" => "artifact",
        "context" => "context entry",
        "quotas" => "limit",
        "escalations" => "question",
        "schedules" => "schedule",
        "ownership" => "declared needs",
        "agent" => "description of itself",
        _ => "document",
    }
}

/// The place with every number as `*`: the same thing wrong in the third and the fifth is one cause.
fn any_number(path: &str) -> String {
    path.split('/')
        .map(|part| match part.parse::<u32>() {
            Ok(_) => "*",
            Err(_) => part,
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn key(row: &DeadLetterRow) -> String {
    format!("{}/{}/{}", row.endpoint, row.list, row.item)
}

fn agent(row: &DeadLetterRow) -> String {
    let agent = row.agent.as_ref().map(|agent| agent.as_str());
    plain(agent.unwrap_or(row.endpoint.as_str()))
}

/// What it calls itself, else its id.
fn title(row: &DeadLetterRow) -> String {
    let value: Value = serde_json::from_str(&row.raw).unwrap_or_default();
    let named = ["title", "name", "resource"]
        .iter()
        .find_map(|member| value.get(*member)?.as_str())
        .filter(|name| !name.trim().is_empty());
    named.unwrap_or(&row.item).to_owned()
}

fn task_of(row: &DeadLetterRow) -> Option<TaskRef> {
    let task = if row.list == "tasks" {
        row.item.clone()
    } else {
        let value: Value = serde_json::from_str(&row.raw).ok()?;
        value.get("taskId")?.as_str()?.to_owned()
    };
    Some(TaskRef {
        endpoint: row.endpoint.clone(),
        task: task.as_str().into(),
    })
}

/// Where it is. An answer that was taken back was never given.
fn state(reader: &Reader, row: &DeadLetterRow) -> Result<(LetterState, Option<String>)> {
    if row.cleared_at.is_some() {
        let sentence = "A good one came with the same id.".to_owned();
        return Ok((LetterState::Good, Some(sentence)));
    }
    let Some(acted) = &row.acted else {
        return Ok((LetterState::Waits, None));
    };
    let carried = match &acted.decision {
        Some(id) => match decisions::get(reader, id)? {
            Some(decision) => Some(whereabouts(&decision)),
            None => return Ok((LetterState::Waits, None)),
        },
        None => None,
    };
    let note = acted.note.as_deref().map(plain).unwrap_or_default();
    Ok(match acted.act {
        Act::Returned => (
            LetterState::Returned,
            carried.or(Some(
                "You sent it back. It stays here until a good one comes.".to_owned(),
            )),
        ),
        Act::Resubmitted => (
            LetterState::Resubmitted,
            carried.or(Some(
                "You sent it back corrected. It stays here until a good one comes.".to_owned(),
            )),
        ),
        Act::Accepted => (
            LetterState::Accepted,
            Some("You took it as it is, this once.".to_owned()),
        ),
        Act::Discarded => (
            LetterState::Discarded,
            Some(format!("You put it away: {note}")),
        ),
    })
}

/// All that stand, by cause.
pub fn letters(glance: Glance<'_>) -> Result<LettersView> {
    let mut groups: BTreeMap<String, LetterGroup> = BTreeMap::new();
    let rows = dead_letters::list(glance.reader, None)?;
    let all = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let only_outputs = rows
        .iter()
        .all(|row| matches!(row.list.as_str(), "artifacts" | "handoffs"));
    for row in &rows {
        let wrongs = wrongs(&row.list, &row.problems);
        let first = wrongs.first();
        let path = first
            .map(|wrong| any_number(&wrong.path))
            .unwrap_or_default();
        let rule = first.map_or("unreadable", Wrong::rule);
        let schema = first.and_then(Wrong::schema);
        let print = [
            row.endpoint.as_str(),
            row.agent.as_ref().map_or("", |agent| agent.as_str()),
            &row.list,
            schema.unwrap_or_default(),
            &path,
            rule,
        ]
        .join("\u{1f}");
        let group = groups.entry(print.clone()).or_insert_with(|| LetterGroup {
            key: print,
            endpoint: row.endpoint.clone(),
            agent: agent(row),
            list: row.list.clone(),
            what: what(&row.list).to_owned(),
            path: plain(&path),
            rule: plain(rule),
            schema: schema.map(plain),
            sentence: agent_text(first.map_or("It cannot be used.", |wrong| &wrong.message)),
            count: 0,
            first_at: row.first_at,
            last_at: row.at,
            letters: vec![],
        });
        group.count += 1;
        group.first_at = group.first_at.min(row.first_at);
        group.last_at = group.last_at.max(row.at);
        if group.letters.len() < LISTED {
            let (state, _) = state(glance.reader, row)?;
            group.letters.push(LetterItem {
                key: key(row),
                endpoint: row.endpoint.clone(),
                list: row.list.clone(),
                item: row.item.clone(),
                digest: digest(&row.raw),
                title: agent_text(&title(row)),
                at: row.at,
                count: row.count,
                state,
                state_at: row.acted.as_ref().map(|acted| acted.at),
            });
        }
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|a, b| (b.count, b.last_at, &a.key).cmp(&(a.count, a.last_at, &b.key)));
    let most = groups.first().map_or(0, |group| group.count);
    let refused = if only_outputs {
        count(all, "output", "outputs")
    } else {
        count(all, "item", "items")
    };
    Ok(LettersView {
        title: match (all, most) {
            (0, _) => "Nothing is refused".to_owned(),
            (1, _) => format!("{refused} refused"),
            (_, 1) => format!("{refused} refused, each for a reason of its own"),
            (_, most) if most == all => format!("{refused} refused, all for the same reason"),
            (_, most) => format!("{refused} refused, {} for the same reason", number(most)),
        },
        count: all,
        groups,
    })
}

/// How many stand.
pub fn standing(glance: Glance<'_>) -> Result<u32> {
    dead_letters::count_all(glance.reader)
}

fn row(reader: &Reader, request: &LetterRequest) -> Result<Option<DeadLetterRow>> {
    dead_letters::get(reader, &request.endpoint, &request.list, &request.item)
}

/// Of the bytes that stand there.
pub(super) fn digest_of(reader: &Reader, letter: &LetterRequest) -> Result<Option<String>> {
    Ok(row(reader, letter)?.map(|row| digest(&row.raw)))
}

/// The schemas that bodies are held to, by name.
fn schemas_of(reader: &Reader, wrongs: &[Wrong]) -> Result<BTreeMap<String, Value>> {
    let mut known = BTreeMap::new();
    for name in wrongs.iter().filter_map(Wrong::schema) {
        if let Some(row) = schemas::get(reader, name)?
            && let Ok(schema) = serde_json::from_str(&row.text)
        {
            known.insert(row.name, schema);
        }
    }
    Ok(known)
}

/// One, opened; `None` when there never was such a letter.
pub fn letter(glance: Glance<'_>, request: &LetterRequest) -> Result<Option<LetterView>> {
    let reader = glance.reader;
    let Some(row) = row(reader, request)? else {
        return Ok(None);
    };
    let wrongs = wrongs(&row.list, &row.problems);
    let marks: Vec<(&str, &str)> = wrongs
        .iter()
        .map(|wrong| (wrong.path.as_str(), wrong.message.as_str()))
        .collect();
    let task = task_of(&row);
    let known = match &task {
        Some(task) => tasks::get(reader, task)?,
        None => None,
    };
    let inputs = match &task {
        Some(task) => accesses::of_task(reader, task, 100)?,
        None => vec![],
    };
    let (state, state_sentence) = state(reader, &row)?;
    let attempts = dead_letters::attempts(reader, &row.endpoint, &row.list, &row.item)?;
    let finding = findings::open_about(reader, RULE, &key(&row))?;
    let schemas = schemas_of(reader, &wrongs)?;
    Ok(Some(LetterView {
        key: key(&row),
        agent: agent(&row),
        what: what(&row.list).to_owned(),
        title: agent_text(&title(&row)),
        state,
        state_sentence,
        state_at: row.cleared_at.or(row.acted.as_ref().map(|acted| acted.at)),
        first_at: row.first_at,
        at: row.at,
        count: row.count,
        tree: tree(&row.raw, &marks),
        raw: agent_text(&row.raw),
        digest: digest(&row.raw),
        task: known.as_ref().map(|known| TaskLink {
            endpoint: row.endpoint.clone(),
            task: known.record.task.task.as_str().to_owned(),
            title: agent_text(&known.record.value.title),
        }),
        task_state: known.as_ref().map(|known| known.record.value.status.state),
        inputs: inputs
            .into_iter()
            .filter(|access| access.mode != AccessMode::Write)
            .map(|access| AccessView {
                at: access.at,
                mode: access.mode,
                resource: plain(&access.resource),
                version: access.version.as_deref().map(plain),
            })
            .collect(),
        consumers: consumers(glance, &row)?,
        attempts: attempts
            .iter()
            .enumerate()
            .map(|(index, attempt)| told(&row, attempt, attempts.get(index + 1)))
            .collect(),
        finding_key: finding.map(|row| format!("f:{}", row.finding.episode)),
        form: form(&row, &wrongs, &schemas),
        ways: ways::ways(glance, &row, &wrongs, known.as_ref())?,
        problems: wrongs.iter().map(Wrong::view).collect(),
        endpoint: row.endpoint,
        list: row.list,
        item: row.item,
    }))
}

fn told(row: &DeadLetterRow, attempt: &AttemptRow, before: Option<&AttemptRow>) -> LetterAttempt {
    let wrongs = wrongs(&row.list, &attempt.problems);
    let first = wrongs
        .first()
        .map_or("It cannot be used.", |wrong| &wrong.message);
    LetterAttempt {
        at: attempt.at,
        line: attempt.line,
        problems: u32::try_from(wrongs.len()).unwrap_or(u32::MAX),
        sentence: agent_text(first),
        same: before.is_some_and(|before| before.problems == attempt.problems),
    }
}

/// Who it was handed to: they wait for a good one.
fn consumers(glance: Glance<'_>, row: &DeadLetterRow) -> Result<Vec<String>> {
    if row.list != "artifacts" {
        return Ok(vec![]);
    }
    let handoffs = records::of_endpoint::<domain::contract::Handoff>(glance.reader, &row.endpoint)?;
    let mut names: Vec<String> = handoffs
        .into_iter()
        .filter(|handoff| {
            let output = handoff.value.output.as_ref();
            output.is_some_and(|output| output.artifact_id.as_deref() == Some(row.item.as_str()))
        })
        .map(|handoff| plain(&handoff.value.to))
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// One field for each place that is wrong, when a field can hold what was expected at all of them.
fn form(row: &DeadLetterRow, wrongs: &[Wrong], schemas: &BTreeMap<String, Value>) -> Option<Value> {
    let item: Value = serde_json::from_str(&row.raw).ok()?;
    let mut fields = Map::new();
    for wrong in wrongs {
        let mut field = expected(&row.list, &wrong.path, schemas)?;
        let now = item.pointer(&wrong.path);
        if let (Some(now), Some(field)) = (now, field.as_object_mut()) {
            let fits = match field.get("type").and_then(Value::as_str) {
                Some("string") => now.is_string(),
                Some("integer" | "number") => now.is_number(),
                Some("boolean") => now.is_boolean(),
                _ => false,
            };
            if fits {
                field.insert("default".to_owned(), now.clone());
            }
        }
        fields.insert(wrong.path.trim_start_matches('/').to_owned(), field);
    }
    let required: Vec<&String> = fields.keys().collect();
    let required = json!(required);
    (!fields.is_empty())
        .then(|| json!({ "type": "object", "required": required, "properties": fields }))
}

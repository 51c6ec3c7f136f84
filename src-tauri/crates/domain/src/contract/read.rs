//! Reading a status document, strictly per item and tolerantly as a whole: what is wrong with one item makes that item
//! a dead letter and leaves the rest standing.
//!
//! An `Err` means the whole answer cannot be used: not JSON, another major version, nobody speaking. Merging documents
//! over time is `fleet.rs`.

use std::{collections::HashSet, sync::Arc};

use super::{
    Access, AccessMode, AgentCard, AgentStatus, Artifact, Claim, ClaimMode, ClaimState,
    ContextEntry, ContextKind, ContextRef, Document, Escalation, EscalationKind, EscalationOption,
    EscalationStatus, Handoff, HandoffOutput, Item, LeftOut, List, Needs, Pool, Problem, Progress,
    ProposedAction, Quota, QuotaWindow, Schedule, Task, TaskState, TaskStatus, Usage, WaitKind,
    WaitingFor,
    json::{Node, Tree, parse, parse_below},
    members::{Members, Report, kept},
};
use crate::{
    caps::{ITEMS, MEMBERS},
    ids::AgentId,
};

/// Reads one body. Codes of an `Err`: `not-json`, `wrong-type`, `missing`, `too-long`, `too-many`, `duplicate-key`,
/// `incompatible`.
pub fn read(body: &[u8]) -> Result<Document, Box<Problem>> {
    let text = std::str::from_utf8(body).map_err(|broken| {
        let message = format!("Not UTF-8 from byte {}.", broken.valid_up_to());
        unusable("", "not-json", message, "")
    })?;
    read_node(&tree(text)?)
}

/// The JSON of one body, not yet read.
pub(crate) fn tree(text: &str) -> Result<Node<'_>, Box<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    parse(text).map_err(|broken| unusable("", "not-json", format!("The answer is {broken}."), text))
}

/// The same for a body that stands in a line of a recording, which is one level around it.
pub(crate) fn tree_in_a_line(text: &str) -> Result<Node<'_>, Box<Problem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    parse_below(text, 1)
        .map_err(|broken| unusable("", "not-json", format!("The answer is {broken}."), text))
}

/// Reads a document that is part of a larger JSON text.
pub(crate) fn read_node(node: &Node<'_>) -> Result<Document, Box<Problem>> {
    let Tree::Map(members) = &node.tree else {
        let message = format!("Expected a status document, found {}.", node.kind());
        return Err(unusable("", "wrong-type", message, node.raw));
    };
    version(node)?;
    let mut document = Document {
        snapshot: true,
        ..Document::default()
    };
    document.agent = Some(agent(node, &mut document.problems)?);

    // A list that stands twice cannot be told apart from itself: neither counts.
    let doubled = |name: &str| members.iter().filter(|(key, _)| key == name).count() > 1;
    for name in LISTS {
        if doubled(name) {
            let pointer = format!("/{name}");
            let message = "This member stands twice.".to_owned();
            document.problems.push(Problem {
                list: (*name).to_owned(),
                ..*unusable(&pointer, "duplicate-key", message, "")
            });
        }
    }
    let found = |name: &'static str| (name, node.get(name).filter(|_| !doubled(name)));
    let (problems, left_out) = (&mut document.problems, &mut document.left_out);
    document.tasks = list(found("tasks"), (problems, left_out), task);
    document.accesses = list(found("accesses"), (problems, left_out), |m| {
        Arc::new(access(m))
    });
    document.claims = list(found("claims"), (problems, left_out), claim);
    document.handoffs = list(found("handoffs"), (problems, left_out), handoff);
    document.artifacts = list(found("artifacts"), (problems, left_out), artifact);
    document.context = list(found("context"), (problems, left_out), context);
    document.quotas = list(found("quotas"), (problems, left_out), quota);
    document.escalations = list(found("escalations"), (problems, left_out), escalation);
    document.schedules = list(found("schedules"), (problems, left_out), schedule);
    document.ownership = found("ownership")
        .1
        .filter(|node| node.tree != Tree::Null)
        .and_then(|node| item("ownership", node, "/ownership".to_owned(), problems, needs));

    let mut report = Report::new("", &EMPTY, "");
    let mut own = Members::new(node, String::new(), &mut report);
    if let Some(snapshot) = own.flag("snapshot") {
        document.snapshot = snapshot;
    }
    document.next_cursor = own.text("nextCursor");
    document.poll_after_seconds = own
        .number("pollAfterSeconds")
        .map(|seconds| seconds.clamp(1.0, 3600.0) as u32);
    document.problems.extend(report.close());
    // A part of what was said leaves nothing out but what it says.
    if !document.snapshot {
        document.left_out.retain(|_, more| *more > 0);
    }
    if let Some(told) = node.get("leftOut") {
        let counts = LISTS.iter().filter_map(|list| {
            let count = told.get(list)?.raw.parse().ok()?;
            Some((*list, count))
        });
        document.left_out.extend(counts);
    }
    Ok(document)
}

/// The member of a difference that says how much of which list was left out.
pub(crate) fn write_left_out<'l>(counts: impl Iterator<Item = (&'l str, u64)>) -> String {
    let counts: Vec<_> = counts.map(|(list, n)| format!("\"{list}\":{n}")).collect();
    format!("\"leftOut\":{{{}}}", counts.join(","))
}

/// Who speaks in a document, if it can be used at all.
pub(crate) fn speaker(node: &Node<'_>) -> Result<AgentId, Box<Problem>> {
    if !matches!(node.tree, Tree::Map(_)) {
        return read_node(node).map(|_| "".into());
    }
    version(node)?;
    Ok(agent(node, &mut vec![])?.id)
}

/// Everything that may not stand twice without losing only itself.
pub(crate) const LISTS: &[&str] = &[
    "tasks",
    "accesses",
    "claims",
    "handoffs",
    "artifacts",
    "context",
    "quotas",
    "escalations",
    "schedules",
    "ownership",
];

const EMPTY: Node<'static> = Node {
    raw: "",
    tree: Tree::Null,
    more: 0,
};

fn unusable(pointer: &str, code: &str, message: String, raw: &str) -> Box<Problem> {
    Box::new(Problem {
        pointer: pointer.to_owned(),
        list: String::new(),
        item: None,
        code: code.to_owned(),
        message,
        schema: None,
        raw: kept(raw),
    })
}

fn version(node: &Node<'_>) -> Result<(), Box<Problem>> {
    if node.more > 0 {
        let message = format!("At most {MEMBERS} members in one document.");
        return Err(unusable("", "too-many", message, node.raw));
    }
    let place = "/schemaVersion";
    let Some(version) = node.get("schemaVersion") else {
        let message = "The member \"schemaVersion\" is required.".to_owned();
        return Err(unusable(place, "missing", message, node.raw));
    };
    let Some(text) = version.text() else {
        let message = format!("Expected text, found {}.", version.kind());
        return Err(unusable(place, "wrong-type", message, node.raw));
    };
    if text.split('.').next() == Some("1") {
        return Ok(());
    }
    let shown: String = text.chars().take(20).collect();
    let message = format!("Version \"{shown}\" of the contract is not understood, only 1.");
    Err(unusable(place, "incompatible", message, node.raw))
}

/// The card. Without a usable id nobody speaks; anything else wrong with it is a dead letter of the card, whose other
/// members are then only a stand-in.
fn agent(node: &Node<'_>, problems: &mut Vec<Problem>) -> Result<AgentCard, Box<Problem>> {
    let Some(card) = node.get("agent") else {
        let message = "The member \"agent\" is required.".to_owned();
        return Err(unusable("/agent", "missing", message, node.raw));
    };
    let mut report = Report::new("agent", card, "/agent");
    let mut m = Members::new(card, "/agent".to_owned(), &mut report);
    let id = m.need_id("id");
    if id.is_empty() {
        let message = "The member \"agent.id\" is required.".to_owned();
        return Err(unusable("/agent/id", "missing", message, node.raw));
    }
    m.report.name(id.clone());
    let mut read = AgentCard {
        id: id.as_str().into(),
        name: m.need_text("name"),
        version: m.text("version"),
        model: m.text("model"),
        workspace: m.text("workspace"),
        status: m.need_word("status", AgentStatus::Online),
        started_at: m.time("startedAt"),
        heartbeat_at: m.time("heartbeatAt"),
        limits_only: m.flag("limitsOnly").unwrap_or(false),
    };
    if read.name.is_empty() {
        read.name = id;
    }
    problems.extend(report.close());
    Ok(read)
}

fn list<T>(
    (name, node): (&'static str, Option<&Node<'_>>),
    (problems, left_out): (&mut Vec<Problem>, &mut LeftOut),
    read: impl Fn(&mut Members<'_, '_, '_>) -> T,
) -> List<T> {
    let node = node.filter(|node| node.tree != Tree::Null)?;
    let Tree::List(nodes) = &node.tree else {
        let message = format!("Expected a list, found {}.", node.kind());
        problems.push(Problem {
            list: name.to_owned(),
            ..*unusable(&format!("/{name}"), "wrong-type", message, node.raw)
        });
        return None;
    };
    left_out.insert(name, over(node));
    let items = nodes.iter().take(ITEMS).enumerate();
    Some(
        items
            .filter_map(|(index, node)| {
                item(name, node, format!("/{name}/{index}"), problems, &read)
            })
            .collect(),
    )
}

/// Items of a list that are more than is read of one.
pub(crate) fn over(list: &Node<'_>) -> u64 {
    let count = match &list.tree {
        Tree::List(nodes) => nodes.len() + list.more,
        _ => 0,
    };
    count.saturating_sub(ITEMS) as u64
}

fn item<T>(
    list: &'static str,
    node: &Node<'_>,
    pointer: String,
    problems: &mut Vec<Problem>,
    read: impl Fn(&mut Members<'_, '_, '_>) -> T,
) -> Option<Item<T>> {
    let mut report = Report::new(list, node, &pointer);
    let value = read(&mut Members::new(node, pointer.clone(), &mut report));
    if report.problems.is_empty() {
        return Some(Item {
            value,
            raw: node.raw.into(),
            pointer,
        });
    }
    problems.extend(report.close());
    None
}

fn task(m: &mut Members<'_, '_, '_>) -> Task {
    let id = m.need_piece("id");
    m.report.name(id.clone());
    Task {
        id: id.into(),
        title: m.need_text("title"),
        kind: m.id("kind"),
        key: m.id("key"),
        context_id: m.id("contextId"),
        parent_id: m.id("parentId"),
        status: m.need_object("status", status).unwrap_or(TaskStatus {
            state: TaskState::Unknown,
            native: None,
            message: None,
            timestamp: None,
        }),
        created_at: m.time("createdAt"),
        started_at: m.time("startedAt"),
        progress: m.object("progress", |m| Progress {
            done: m.number("done"),
            total: m.number("total"),
            note: m.text("note"),
            at: m.time("at"),
        }),
        time_budget_seconds: m.whole("timeBudgetSeconds"),
        deadline_at: m.time("deadlineAt"),
        attempt: m.whole("attempt"),
        depends_on: m.ids("dependsOn"),
        waiting_for: m.object("waitingFor", |m| WaitingFor {
            kind: m.need_word("kind", WaitKind::Human),
            reference: m.id("ref"),
        }),
        next_stage: m.id("nextStage"),
        context_refs: m.objects("contextRefs", |m| ContextRef {
            document_id: m.need_id("documentId").into(),
            seq: m.need_whole("seq"),
        }),
        usage: m.object("usage", |m| Usage {
            input_tokens: m.number("inputTokens"),
            output_tokens: m.number("outputTokens"),
            cost_usd: m.number("costUsd"),
        }),
    }
}

fn status(m: &mut Members<'_, '_, '_>) -> TaskStatus {
    let word = m.need_text("state");
    let state = read_state(&word);
    let ours = serde_json::to_value(state).ok();
    let differs = ours.as_ref().and_then(|v| v.as_str()) != Some(word.as_str());
    TaskStatus {
        state,
        native: m.text("native").or(differs.then_some(word)),
        message: m.text("message"),
        timestamp: m.time("timestamp"),
    }
}

/// `TASK_STATE_INPUT_REQUIRED`, `InputRequired` and `input-required` are one word. Words that other programs commonly use
/// for the same are read as it; any other is a state that is not known.
pub fn read_state(word: &str) -> TaskState {
    let plain: String = word
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    match plain.strip_prefix("taskstate").unwrap_or(&plain) {
        "submitted" | "queued" | "pending" => TaskState::Submitted,
        "working" | "running" | "active" | "inprogress" => TaskState::Working,
        "inputrequired" | "waiting" | "blockedonhuman" => TaskState::InputRequired,
        "authrequired" => TaskState::AuthRequired,
        "completed" | "done" | "success" | "ok" => TaskState::Completed,
        "failed" | "error" | "timeout" => TaskState::Failed,
        "canceled" | "cancelled" | "aborted" | "stopped" => TaskState::Canceled,
        "rejected" | "declined" | "refused" => TaskState::Rejected,
        _ => TaskState::Unknown,
    }
}

fn access(m: &mut Members<'_, '_, '_>) -> Access {
    let id = m.need_id("id");
    m.report.name(id.clone());
    Access {
        id,
        task_id: m.id("taskId").map(Into::into),
        resource: m.need_resource("resource").into(),
        mode: m.need_word("mode", AccessMode::Read),
        base_version: m.version("baseVersion"),
        new_version: m.version("newVersion"),
        event_id: m.id("eventId"),
        at: m.need_time("at"),
    }
}

fn claim(m: &mut Members<'_, '_, '_>) -> Claim {
    let id = m.need_id("id");
    m.report.name(id.clone());
    Claim {
        id,
        resource: m.need_pattern("resource").into(),
        holder_identity: m.need_text("holderIdentity"),
        task_id: m.id("taskId").map(Into::into),
        mode: m.need_word("mode", ClaimMode::Shared),
        state: m.need_word("state", ClaimState::Released),
        acquire_time: m.time("acquireTime"),
        renew_time: m.time("renewTime"),
        lease_duration_seconds: m.whole("leaseDurationSeconds"),
        fencing_token: m.any("fencingToken"),
        release_time: m.time("releaseTime"),
    }
}

fn handoff(m: &mut Members<'_, '_, '_>) -> Handoff {
    let id = m.need_id("id");
    m.report.name(id.clone());
    Handoff {
        id,
        task_id: m.need_id("taskId").into(),
        to: m.need_id("to"),
        status: m.need_text("status"),
        output: m.object("output", |m| HandoffOutput {
            artifact_id: m.id("artifactId"),
            uri: m.text("uri"),
            digest: m.text("digest"),
        }),
        emitted_at: m.need_time("emittedAt"),
        due_at: m.time("dueAt"),
        acknowledged_at: m.time("acknowledgedAt"),
        acknowledged_by: m.text("acknowledgedBy"),
    }
}

fn artifact(m: &mut Members<'_, '_, '_>) -> Artifact {
    let id = m.need_id("id");
    m.report.name(id.clone());
    Artifact {
        id,
        task_id: m.id("taskId").map(Into::into),
        name: m.need_text("name"),
        version: m.version("version"),
        media_type: m.text("mediaType"),
        uri: m.text("uri"),
        digest: m.text("digest"),
        size_bytes: m.whole("sizeBytes"),
        schema_ref: m.text("schemaRef"),
        body: m.body("body"),
        created_at: m.need_time("createdAt"),
    }
}

fn context(m: &mut Members<'_, '_, '_>) -> ContextEntry {
    let document = m.need_id("documentId");
    let seq = m.need_whole("seq");
    if !document.is_empty() && m.member("seq").is_some() {
        m.report.name(format!("{document}/{seq}"));
    }
    ContextEntry {
        document_id: document.into(),
        seq,
        kind: m.need_word("kind", ContextKind::Fact),
        key: m.id("key"),
        value: m.any("value"),
        body: m.need_body("body"),
        author: m.need_text("author"),
        supersedes: m.whole("supersedes"),
        created_at: m.need_time("createdAt"),
    }
}

fn quota(m: &mut Members<'_, '_, '_>) -> Quota {
    let pool = m
        .need_object("pool", |m| Pool {
            provider: m.need_id("provider"),
            account: m.id("account"),
            scope: m.id("scope"),
        })
        .unwrap_or(Pool {
            provider: String::new(),
            account: None,
            scope: None,
        });
    m.report.name(pool.key());
    let mut windows = m.need_objects("windows", |m| QuotaWindow {
        name: m.need_id("name"),
        limit: m.number("limit"),
        remaining: m.number("remaining"),
        used: m.number("used"),
        used_percent: m.number("usedPercent"),
        unit: m.text("unit"),
        window_seconds: m.whole("windowSeconds"),
        reset_at: m.time("resetAt"),
        status: m.text("status"),
    });
    let observed_at = m.need_time("observedAt");
    let headers = m.headers("headers");
    // What the agent says of a window counts; headers only add what it does not list.
    let more = super::headers::windows(&headers, observed_at);
    let known: HashSet<_> = windows.iter().map(|window| window.name.clone()).collect();
    windows.extend(more.into_iter().filter(|w| !known.contains(&w.name)));
    Quota {
        pool,
        windows,
        observed_at,
        headers,
    }
}

fn escalation(m: &mut Members<'_, '_, '_>) -> Escalation {
    let id = m.need_piece("id");
    m.report.name(id.clone());
    let asked = Escalation {
        id: id.into(),
        version: m.need_version("version"),
        task_id: m.id("taskId").map(Into::into),
        kind: m.need_word("kind", EscalationKind::Question),
        title: m.need_text("title"),
        message: m.need_text("message"),
        proposed_action: m.object("proposedAction", |m| ProposedAction {
            name: m.need_text("name"),
            args: m.any("args"),
            command: m.texts("command"),
            cwd: m.text("cwd"),
            env: m.any("env"),
            diff: m.text("diff"),
            target: m.text("target"),
        }),
        options: m.objects("options", |m| EscalationOption {
            id: m.need_id("id"),
            label: m.need_text("label"),
            effect: m.text("effect"),
            intent: m.word("intent"),
        }),
        response_schema: m.any("responseSchema"),
        severity: m.word("severity"),
        created_at: m.need_time("createdAt"),
        expires_at: m.time("expiresAt"),
        status: m.need_word("status", EscalationStatus::Pending),
    };
    let options = asked.options.iter();
    m.differ("options", options.map(|option| option.id.as_str()));
    asked
}

fn schedule(m: &mut Members<'_, '_, '_>) -> Schedule {
    let id = m.need_id("id");
    m.report.name(id.clone());
    Schedule {
        id,
        resource: m.need_pattern("resource").into(),
        cron: m.text("cron"),
        timezone: m.text("timezone"),
        every_seconds: m.whole("everySeconds"),
        next_at: m.time("nextAt"),
        task_kind: m.id("taskKind"),
        enabled: m.need_flag("enabled"),
    }
}

fn needs(m: &mut Members<'_, '_, '_>) -> Needs {
    m.report.name("ownership".to_owned());
    Needs {
        triggers: m.patterns("triggers"),
        reads: m.patterns("reads"),
        writes: m.patterns("writes"),
        outputs: m.patterns("outputs"),
        exceptions_to: m.id("exceptionsTo"),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;

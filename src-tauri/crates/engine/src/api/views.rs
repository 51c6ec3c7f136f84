//! What screens receive. Shapes only: every number and sentence in them is computed from stored facts elsewhere.
//!
//! Text that an agent wrote is in fields named `…Text` and of type [`AgentText`]; it is never markup. Times are RFC 3339 UTC.

use domain::{
    change::EscalationPhase,
    contract::{AccessMode, EscalationKind, EscalationSeverity, TaskState},
    decision::{DeliveryState, Outcome},
    finding::{Evidence, Severity},
    ids::{AgentId, EndpointId},
    ownership::{Exception, Ownership, Rule},
    time::Time,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! views {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
        #[serde(rename_all = "camelCase")]
        #[ts(export)]
        #[allow(missing_docs)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    )*};
}

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($word:ident,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "kebab-case")]
        #[ts(export)]
        #[allow(missing_docs)]
        pub enum $name { $($word,)* }
    )*};
}

words! {
    /// What an endpoint's answer looks like now. `Unknown` = not asked yet since start or wake.
    Health { Unknown, Online, Unreachable, Unauthorized, Incompatible, Stale, Paused, }
    /// What the columns of the board are.
    BoardGroup { Status, Agent, Workflow, Resource, }
    /// Columns of the board by state.
    Column { Queued, Running, HandedOver, NeedsYou, Done, Failed, Unknown, }
    /// Shape of a card, by the status set of the design.
    Shape { Queued, Running, HandedOver, NeedsYou, Stalled, Done, Conflict, Failed, Paused, Unreachable, Unknown, }
    /// How hard something is to take back; decides the gesture.
    RiskClass { Reversible, Outward, Destructive, }
    /// Topics of the one event `changed`.
    Topic { Inbox, Board, Ownership, Limits, Agents, Settings, Status, Letters, Context, Timeline, }
    /// Where a limit's number comes from.
    Basis { Reported, Headers, Percent, Unknown, }
    /// What a lint issue does to saving.
    LintLevel { Blocks, Warns, }
    /// A row of the timeline.
    TimelineRowKind { Agent, Resource, Limit, }
    /// What happened at one place of the timeline. `Several`: more than one sort.
    TimelineMarkKind { Claim, Waiting, Release, Read, Write, Take, HandOver, TakeOver, Artifact, Context, Question, Decision, Refused, Silent, Answers, State, Several, }
    /// A mark in the ownership matrix.
    Mark { None, Owner, Sequence, Reader, Seen, Conflict, }
}

views! {
    /// Text as an agent wrote it, with everything hidden made visible. `marks` say where; `text` has the escapes in place.
    AgentText { text: String, flagged: bool, marks: Vec<TextMark>, }
    /// One place where something hidden was made visible; offset in Unicode scalar values of the original.
    TextMark {
        codepoint: String,
        offset: usize,
        kind: String,
        /// Of what pushes the rest out of view: how many characters it stands for.
        #[ts(optional)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<usize>,
    }

    /// The event: what is stale, never what it became.
    Changed { topics: Vec<Topic>, revision: u64, }

    /// The status line and the navigation badges.
    StatusView {
        revision: u64, version: String, demo: bool, read_only: Option<String>, data_folder: String, store_bytes: u64,
        agents_answering: u32, agents_total: u32, last_poll_at: Option<Time>, running: u32,
        inbox_count: u32, board_count: u32, ownership_conflicts: u32, agents_count: u32, letters_count: u32,
        undo: Option<UndoView>, needs_setup: bool, notice: Option<String>, now: Time,
        /// The record is ahead of this computer's clock: a sentence, answered by `trustClock`.
        clock: Option<String>,
    }
    /// What undo would do.
    UndoView { decision_id: String, sentence: String, until: Time, }

    /// The inbox: groups in fixed order.
    InboxView { title: String, groups: Vec<InboxGroup>, }
    /// `needs-decision`, `stopped-moving`, `worth-a-look`, `handled`.
    InboxGroup { id: String, label: String, count: u32, items: Vec<InboxItem>, }
    /// A card of the list. `key` is stable: `e:<endpoint>/<escalation>` or `f:<episode>`.
    InboxItem {
        key: String, shape: Shape, title: AgentText, subtitle: String, agent: Option<String>, endpoint: Option<EndpointId>,
        due_at: Option<Time>, overdue: bool, severity: Severity, count: u32, state_label: Option<String>,
        /// Absent from what is settled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        route: Option<RouteView>,
    }
    /// Who has it (`you`, or a name) and by which exception rule, counted from 1; without one it comes to the person. `because` says so in a
    /// sentence, `at_due` what happens when nobody has answered by then, or what did. Cards are in order of `priority`, then of `due_at`.
    RouteView { to: String, rule: Option<u32>, because: String, due_at: Time, overdue: bool, priority: Option<i64>, at_due: String, }
    /// One escalation, opened. Drawn from stored bytes.
    EscalationView {
        key: String, endpoint: EndpointId, escalation: String, version: String, binding_hash: String, action_digest: String,
        kind: EscalationKind, phase: EscalationPhase, risk: RiskClass, severity: Option<EscalationSeverity>,
        agent: AgentId, agent_name: AgentText, endpoint_health: Health, heading: String, title: AgentText, message: AgentText,
        effect: String, reversibility: String, touches: Vec<TouchView>, blocks: Vec<String>, rule_broken: Option<String>,
        created_at: Time, due_at: Time, hard_deadline: bool, at_zero: String,
        action: Option<ActionView>, options: Vec<OptionView>, response_schema: Option<serde_json::Value>,
        gestures: Vec<GestureView>, blocked_reason: Option<String>, task: Option<TaskLink>,
        history: Vec<HistoryLine>, decision: Option<DecisionView>, raw_bytes: u32, overtaken: Option<OvertakenView>,
        route: RouteView,
        /// The person refused the same action of this agent; a sentence.
        refused_before: Option<String>,
        /// What was answered under this id has been exchanged.
        altered: Option<AlteredView>,
        /// It was answered, and is asked again with nothing that shows an effect.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        again: Option<AgainView>,
        /// Who asks uses the id of another agent, which the rules mean by it: a sentence.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        impostor: Option<String>,
    }
    /// A question asked again: since when, what to make of it, what was answered, and why the same answer cannot be sent once more.
    AgainView { decision_id: String, at: Time, sentence: String, answer: Vec<PairView>, cannot: Option<String>, }
    /// What an agent put in the place of what was answered: what was answered and what stands there now, as they came. `seen`: the
    /// person has said that they know. `left`: the answer had left by then; otherwise nothing was sent.
    AlteredView { decision_id: String, sentence: String, at: Time, before: AgentText, after: AgentText, seen: bool, left: bool, }
    /// What another agent did meanwhile about the same thing; `act` names it in an answer.
    OvertakenView { act: String, sentence: String, at: Time, }
    /// What would be done, token by token. `lines` is the exact proposed action for reading; nothing is cut.
    ActionView {
        name: AgentText, command: Vec<AgentText>, cwd: Option<AgentText>, env: Vec<PairView>, target: Option<AgentText>,
        args: Vec<PairView>, diff: Vec<DiffLine>, raw: AgentText, line_count: u32, char_count: u32,
    }
    PairView { name: AgentText, value: AgentText, }
    /// `added`, `removed`, `same`, `header`.
    DiffLine { kind: String, text: AgentText, }
    OptionView { id: String, label: AgentText, effect: Option<AgentText>, }
    /// A resource the action touches and who owns it.
    TouchView { resource: String, owner: Option<String>, }
    TaskLink { endpoint: EndpointId, task: String, title: AgentText, }
    HistoryLine { at: Time, sentence: String, }
    /// What can be answered, by which key; `reads` = only after the content was read to its end; `arm` = first press arms, second acts; `hold` = hold 1.2 s after 5 s; `cannot` = why
    /// the endpoint does not take it.
    GestureView {
        outcome: Outcome, option_id: Option<String>, label: String, key: Option<String>, reads: bool, arm: bool, hold: bool, safest: bool,
        needs_message: bool, needs_payload: bool, cannot: Option<String>,
        /// It sends an earlier decision once more: that one's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        repeats: Option<String>,
    }
    /// A decision and where it is.
    DecisionView {
        id: String, outcome: Outcome, decided_at: Time, state: DeliveryState, sentence: String, held_until: Option<Time>,
        attempts: u32, next_attempt_at: Option<Time>, detail: Option<String>, recorded_outcome: Option<String>,
        /// It has not left, so it can be taken back.
        can_undo: bool,
    }
    /// A decision as the person makes it: bound to what was rendered.
    DecideRequest {
        endpoint: EndpointId, escalation: String, version: String, binding_hash: String, outcome: Outcome,
        option_id: Option<String>, edited_action: Option<String>, payload: Option<String>, message: Option<String>,
        shown_ms: u64, reached_end: bool,
        /// Of `OvertakenView`, when there was one on screen.
        overtaken_by: Option<String>,
        /// Of `AgainView`, when there was one on screen.
        #[ts(optional)]
        again: Option<String>,
        /// Of `GestureView`: the answer is that decision's, whatever else stands here.
        #[ts(optional)]
        repeats: Option<String>,
    }
    /// Which escalation.
    EscalationRequest { endpoint: EndpointId, escalation: String, }
    /// Which decision: to take back while it has not left, or to say that its alteration was seen.
    UndoRequest { decision_id: String, }
    /// A finding, opened.
    FindingView {
        key: String, rule: String, severity: Severity, at: Time, cleared_at: Option<Time>, summary: AgentText,
        agents: Vec<AgentId>, endpoints: Vec<EndpointId>, tasks: Vec<String>, resource: Option<String>, pool: Option<String>,
        evidence: Vec<EvidenceView>, resolutions: Vec<ResolutionView>, explanation: String,
        /// Absent when it is over.
        route: Option<RouteView>,
        /// Others that are open and say the same, oldest first: one cause, one card.
        alike: Vec<AlikeView>,
    }
    AlikeView { key: String, at: Time, subject: Option<String>, }
    EvidenceView { at: Option<Time>, evidence: Evidence, sentence: AgentText, }
    /// A way out. `does`: what will happen, a sentence each. `tells`: what it has no way to do itself, as texts to send.
    /// `asks`: `nothing`, `agent` (one of `agents`), `until`, `reason`. `problem`: why it cannot be done now. `opens`: where it goes on.
    ResolutionView {
        id: String, label: String, asks: String, agents: Vec<String>, does: Vec<String>, tells: Vec<TellView>,
        opens: Option<String>, problem: Option<String>,
        /// Of the bytes of the refused item it is about; given back when it is done, it is done to these alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        seen: Option<String>,
    }
    TellView { agent: String, text: String, }
    /// `resolution` is one of the finding's; `snooze` and `dismiss` always work.
    FindingAction {
        key: String, resolution: String, until: Option<Time>, reason: Option<String>, agent: Option<String>,
        #[serde(default)]
        #[ts(optional)]
        seen: Option<String>,
    }
    /// What was done, a sentence each.
    SettledView { did: Vec<String>, }
    /// Which finding.
    FindingRequest { key: String, }

    /// Ask for the board: counts of all columns, a page of each asked one.
    BoardRequest { group: BoardGroup, pages: Vec<PageRequest>, filter: String, problems_only: bool, }
    /// A page of a column, which is named by its key.
    PageRequest { column: String, offset: u32, limit: u32, }
    /// `more_columns`: there are so many that are not drawn.
    BoardView { title: String, group: BoardGroup, columns: Vec<ColumnView>, more_columns: u32, loading: Vec<LoadingView>, revision: u64, }
    /// `column` is its key: a word of `Column`, `endpoint/agent`, a context or a resource. `live`: how many of `count` have not ended.
    ColumnView { column: String, label: AgentText, count: u32, live: u32, offset: u32, cards: Vec<CardView>, }
    /// A long list that is still being read.
    LoadingView { endpoint: EndpointId, seen: u32, }
    /// A task on the board.
    CardView {
        endpoint: EndpointId, task: String, title: AgentText, agent: AgentId, shape: Shape, state: TaskState, native_state: Option<String>,
        since: Time, budget_seconds: Option<u64>, started_at: Option<Time>, progress: Option<f64>, note: Option<String>,
        stale: bool, escalation_key: Option<String>, last_change: Time,
        /// It can be asked to stop; since when it is asked and has not.
        can_cancel: bool, asked_at: Option<Time>,
        /// What it comes after and is not completed; whom it is handed to; what else is worth a word.
        after: Vec<String>, goes_to: Option<String>, badges: Vec<String>,
    }
    TaskRequest { endpoint: EndpointId, task: String, }
    /// A task, opened.
    TaskView {
        card: CardView, message: Option<AgentText>, kind: Option<String>, key: Option<String>, context_id: Option<String>,
        related: Vec<RelatedView>, signals: Vec<SignalView>, waiting_for: Option<String>, attempt: Option<u64>, deadline_at: Option<Time>,
        input_tokens: Option<f64>, output_tokens: Option<f64>, cost_usd: Option<f64>, next_stage: Option<String>,
        accesses: Vec<AccessView>, history: Vec<HistoryLine>, attempts: Vec<AttemptView>, can_cancel: bool, cancel_reason: Option<String>, raw: AgentText,
    }
    /// One time a task was begun, newest first. `attempt`: the agent's own number. `reason`: why it ended, in the agent's words. `sentence` says
    /// what is known of it.
    AttemptView { attempt: Option<u64>, state: TaskState, began_at: Option<Time>, ended_at: Option<Time>, reason: Option<AgentText>, sentence: String, }
    /// Up and down its line. `relation`: `parent`, `child`, `comes-after`, `comes-before`. Without `task` nothing is known of it.
    RelatedView { relation: String, name: String, task: Option<TaskLink>, agent: Option<AgentId>, state: Option<TaskState>, }
    /// A handoff it gave, and whether it was taken.
    SignalView { to: String, agent: Option<String>, at: Time, due_at: Option<Time>, taken_at: Option<Time>, taken_by: Option<String>, }
    AccessView { at: Time, mode: AccessMode, resource: String, version: Option<String>, }

    /// The map of who owns what: the saved document, what was seen, who there is.
    OwnershipView {
        title: String, revision: u64, saved_at: Option<Time>, document: Ownership, agents: Vec<OwnershipAgent>,
        seen: Vec<SeenView>, versions: Vec<VersionView>, lint: LintView, draft: Option<DraftView>,
    }
    /// A column of the matrix. `name` is what a rule writes: the bare id, or `endpoint/agent` when two share an id.
    OwnershipAgent { name: String, endpoint: Option<EndpointId>, agent: AgentId, label: AgentText, health: Health, only_in_rules: bool, }
    /// Observed behaviour: who touched what, how often, last when.
    SeenView { agent: String, resource: String, mode: AccessMode, count: u32, last_at: Time, covered: bool, }
    VersionView { revision: u64, saved_at: Time, sentence: String, hash: String, }
    /// `issues` are all that block and the first that warn; `warns` counts all of them, `unowned` those about resources
    /// without an owner.
    LintView { blocks: u32, warns: u32, unowned: u32, issues: Vec<LintIssueView>, matrix: Vec<RowView>, changes: Vec<String>, }
    /// `witness`: a name both patterns match. `fixes` are edits that settle it.
    LintIssueView {
        severity: LintLevel, code: String, rules: Vec<u32>, resource: Option<String>, agents: Vec<String>, witness: Option<String>,
        message: String, fixes: Vec<FixView>,
    }
    FixView { label: String, edit: EditView, }
    /// A row: a rule, an exception rule (`group` = `exception`), or a seen resource without a rule. `group` is the kind;
    /// `rule` the position in its list. `cells` are only those with a mark.
    RowView { group: String, rule: Option<u32>, resource: String, owner_label: String, purpose: Option<String>, cells: Vec<CellView>, conflict: bool, }
    /// `agent` is the position in `agents`; `place` counts a sequence from 1.
    CellView { agent: u32, mark: Mark, place: Option<u32>, }
    ResourceRequest { resource: String, }
    /// Positions of the rules that cover a resource.
    RuledView { rules: Vec<u32>, }
    /// The unsaved document with its base; kept by the engine so that a restart does not lose it. `summary` is what the
    /// version will be called unless the person says it better.
    DraftView { base_revision: u64, document: Ownership, lint: LintView, summary: String, can_undo: Option<String>, can_redo: Option<String>, }
    /// One edit of the draft. `kind` says which members count:
    /// `own`, `read`, `sequence`, `clear` (rule, agent) · `transfer` (rule, agent) · `add-rule` (value) · `set-rule` (rule, value) ·
    /// `remove-rule` (rule) · `mark-reviewed` · `add-exception`, `set-exception`, `remove-exception` (rule = index, exception) · `undo` · `redo` · `discard`.
    EditView { kind: String, rule: Option<u32>, agent: Option<String>, value: Option<Rule>, exception: Option<Exception>, }
    SaveRequest { base_revision: u64, sentence: Option<String>, }
    ImportRequest { text: String, }
    /// `toml`, `markdown`, `codeowners`, `agents-md`.
    /// `save` also writes it to a file of this computer; without a revision it is the draft, if there is one.
    ExportRequest { format: String, revision: Option<u64>, save: bool, }
    /// `path` is where the file was written.
    ExportView { file_name: String, text: String, path: Option<String>, }
    RevisionRequest { revision: u64, }

    LimitsView { title: String, pools: Vec<PoolView>, }
    /// `agents` reported it in the last day; of `sources` it is only read.
    PoolView { key: String, provider: String, account: Option<String>, scope: Option<String>, agents: Vec<String>, sources: Vec<String>, windows: Vec<WindowView>, rejected_last_day: u32, last_rejected_at: Option<Time>, }
    /// One limit. `too_early`: it was not measured often enough to say when it runs out. `seen`: who was seen to use it since it began.
    WindowView {
        name: String, unit: Option<String>, limit: Option<f64>, remaining: Option<f64>, used: Option<f64>, used_percent: Option<f64>,
        window_seconds: Option<u64>, reset_at: Option<Time>, status: Option<String>, observed_at: Time, stale: bool, basis: Basis,
        runs_out_at: Option<Time>, too_early: bool, forecast: String, level: String, history: Vec<PointView>,
        seen: Vec<UseView>, starts: Vec<ExpectedView>, with_starts_at: Option<Time>,
    }
    /// What starts before the window begins anew; `percent` of the limit it used up the times before. In `with_starts_at` it runs out, counting these.
    ExpectedView { at: Time, agent: String, what: Option<AgentText>, source: StartSource, percent: Option<f64>, }
    PointView { at: Time, used_percent: f64, }
    /// `percent` of the limit; the largest first.
    UseView { agent: String, percent: f64, }

    /// What is looked at. Without `until` it ends now. `pair`: up to two keys of agents, seen with what is between them. `about`: a
    /// finding (`f:…`), a question (`e:endpoint/id`), a task (`t:endpoint/id`) or an agent (`a:endpoint/agent`), which chooses the
    /// agents, and the time where `seconds` is absent.
    TimelineRequest { seconds: Option<u64>, until: Option<Time>, pair: Vec<String>, about: Option<String>, }
    /// `spans` say how time lies on the `slots` of the axis; `first_at` is where the log of turns begins. `facts` is how many happened in
    /// the stretch, `drawn` how many of them are in `rows`;
    /// `cut`: there were more than are looked through. `known` are the agents that can be chosen.
    TimelineView {
        title: String, from: Time, to: Time, now: Time, live: bool, first_at: Option<Time>, about: Option<String>, about_text: Option<AgentText>,
        pair: Vec<TimelineAgent>, known: Vec<TimelineAgent>, slots: u32, spans: Vec<TimelineSpan>, rows: Vec<TimelineRow>, more_rows: u32,
        quiet: Vec<TimelineAgent>, findings: Vec<TimelineFinding>, more_findings: u32, facts: u32, drawn: u32, cut: bool,
        coming: Vec<ComingView>,
    }
    /// `key` is `endpoint/agent`.
    TimelineAgent { key: String, endpoint: EndpointId, agent: AgentId, name: AgentText, }
    /// A stretch of time on slots `begin..end`; where nothing happened it is folded.
    TimelineSpan { from: Time, to: Time, begin: u32, end: u32, folded: bool, }
    /// `key`: of an agent as in `TimelineAgent`, else `r:<resource>` or `l:<pool>`. `dense`: slot and count, instead of marks where there are too many.
    TimelineRow {
        key: String, kind: TimelineRowKind, label: AgentText, agent: Option<AgentId>, owner: Option<String>, summary: String, lanes: Vec<TimelineLane>,
        marks: Vec<TimelineMark>, dense: Vec<(u32, u32)>, findings: u32, facts: u32,
    }
    /// What an agent's work, or a claim, was like over slots `begin..end`. `side`: as in a mark.
    TimelineLane { begin: u32, end: u32, shape: Shape, side: u32, label: String, }
    /// `side`: 0 = the first of the pair, 1 = the second, 2 = somebody else. `text`: the version, or a count. `findings`: positions in the list.
    /// `to`: the other agent of a handoff; `open`: not taken over yet.
    TimelineMark {
        slot: u32, at: Time, last_at: Time, kind: TimelineMarkKind, side: u32, count: u32, text: Option<String>, sentences: Vec<AgentText>,
        findings: Vec<u32>, to: Option<String>, open: bool,
    }
    /// A finding as a sentence with its witnesses. `agents`: keys.
    TimelineFinding {
        key: String, rule: String, shape: Shape, severity: Severity, at: Time, cleared_at: Option<Time>, summary: AgentText, explanation: String, agents: Vec<String>,
        resource: Option<String>, pool: Option<String>, tasks: Vec<String>, witnesses: Vec<EvidenceView>, slot: u32, muted_until: Option<Time>,
    }
    /// `save` also writes it to a file of this computer. With `finding`, only that one with its facts.
    ExportTimelineRequest { timeline: TimelineRequest, finding: Option<String>, save: bool, }

    AgentsView { title: String, endpoints: Vec<EndpointView>, }
    EndpointView {
        id: EndpointId, name: String, kind: String, url: String, health: Health, sentence: String, detail: Option<String>,
        last_good_at: Option<Time>, next_poll_at: Option<Time>, interval_seconds: Option<f64>, paused: bool,
        capabilities: Vec<String>, cannot: Vec<String>, warnings: Vec<String>, credential: String, agents: Vec<AgentView>, history: Vec<HealthSlot>,
        pages_loaded: Option<u32>, raw_available: bool, dead_letters: u32, pushes: Option<String>, today: Option<String>,
    }
    /// One half hour of the last day. `state`: `none`, `good`, `mixed`, `bad`.
    HealthSlot { at: Time, state: String, }
    AgentView {
        agent: AgentId, name: AgentText, version: Option<String>, model: Option<String>, status: String, doing: Option<AgentText>, open_tasks: u32, waiting: u32,
        last_signal_at: Option<Time>,
        /// It is a source of limits, and no agent.
        limits_only: bool,
        /// It uses the id of an agent of another endpoint, which the rules mean by it: a sentence.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        impostor: Option<String>,
    }
    /// `url` may also be a card, or what a server printed at its start.
    ProbeRequest { url: String, token: Option<String>, basic: Option<String>, }
    /// What a probe found, in plain words. `needs_credential` when the person must log in first, `wants_basic` with a name and a
    /// password. `kind` may be known before. `watched`: as what the same is watched already, a sentence each.
    ProbeView {
        kind: String, identified: bool, name: Option<String>, product: Option<String>, product_version: Option<String>,
        protocol_version: Option<String>, can: Vec<String>, cannot: Vec<String>, warnings: Vec<String>, url: String,
        watched: Vec<String>, sample: Vec<String>, problem: Option<String>, needs_credential: bool, wants_basic: bool,
    }
    /// `keep`: where the login is kept (`keychain`, `session`, `file`); without it in the keychain, or the request is refused.
    AddEndpointRequest { name: String, url: String, kind: String, token: Option<String>, basic: Option<String>, keep: Option<String>, }
    EndpointRequest { endpoint: EndpointId, }
    /// Without `token` and `basic` the login stays, unless `url` is of another origin; blank ones take it away. `keep` alone
    /// moves it to another place.
    EditEndpointRequest { endpoint: EndpointId, name: Option<String>, url: Option<String>, token: Option<String>, basic: Option<String>, keep: Option<String>, paused: Option<bool>, }
    /// Which numbers of a metrics page are limits.
    MappingView { windows: Vec<MappingRule>, }
    /// One sort of window. All are text, an empty one is absent: `{label}` in the first four, a metric or a number in the others.
    /// `several`: `smallest`, `sum` or empty.
    MappingRule {
        provider: String, account: String, scope: String, name: String, unit: String, window_seconds: Option<u64>, limit: String,
        remaining: String, used: String, used_percent: String, resets_at: String, resets_in: String, counts_up: bool, moved_by: String,
        several: String,
    }
    /// `endpoint`: use its login, where the address is of the same origin and none is given.
    PreviewMappingRequest { url: String, endpoint: Option<EndpointId>, token: Option<String>, basic: Option<String>, mapping: MappingView, }
    /// `page` says what is wrong with the page itself.
    PreviewMappingView { windows: Vec<MappedWindow>, problems: Vec<MappingProblem>, metrics: Vec<MetricView>, page: Option<String>, }
    /// A window as it would be shown, and the samples it comes from. `rule` counts from 0.
    MappedWindow { rule: u32, pool: String, name: String, sentence: String, samples: Vec<SampleView>, }
    SampleView { field: String, text: String, }
    MappingProblem { rule: u32, sentence: String, }
    MetricView { name: String, kind: String, samples: u32, }
    SaveMappingRequest { endpoint: EndpointId, mapping: MappingView, }
    /// Where logins can be kept. `keychain` is false when this computer has none that answers; the sentence says why.
    LoginPlacesView { sentence: String, keychain: bool, places: Vec<LoginPlace>, }
    /// `place` is a word for `keep`; `kept` counts the endpoints whose login is there.
    LoginPlace { place: String, name: String, hint: String, offered: bool, kept: u32, }
    /// Ports that would be asked; shown before anything is.
    DiscoverPlan { ports: Vec<DiscoverPort>, }
    DiscoverPort { port: u16, usual: String, }
    DiscoverRequest { ports: Vec<u16>, }
    DiscoverView { found: Vec<ProbeView>, asked: u32, }
    RawView { text: AgentText, at: Option<Time>, truncated: bool, }

    SettingsView { rules: domain::settings::Settings, theme: String, density: String, single_keys: bool, replace_hold: bool, safe_graphics: bool, ask_again_minutes: u32, reversible: Vec<ReversibleAction>, data_folder: String, store_bytes: u64, sqlite_version: String, webkit_version: Option<String>, version: String, record: RecordView, }
    /// The record of decisions and the file it lies in. `intact` is absent before the first check. The sentences say what was
    /// found, `means` what a check can show and what it cannot.
    RecordView { running: bool, rows: u32, intact: Option<bool>, sentence: String, checked_at: Option<Time>, means: String, database: Option<String>, database_at: Option<Time>, }
    SettingsRequest {
        theme: Option<String>, density: Option<String>, single_keys: Option<bool>, replace_hold: Option<bool>, safe_graphics: Option<bool>, rules: Option<domain::settings::Settings>,
        #[serde(default)]
        #[ts(optional)]
        ask_again_minutes: Option<u32>,
        /// Replaces the whole list.
        #[serde(default)]
        #[ts(optional)]
        reversible: Option<Vec<ReversibleAction>>,
    }
    /// A rule of the person: this action of this endpoint can be taken back.
    ReversibleAction { endpoint: EndpointId, action: String, }

    SearchRequest { text: String, limit: u32, }
    SearchView { hits: Vec<HitView>, }
    /// `kind`: `agent`, `task`, `resource`, `decision`, `finding`. `route` is where it is shown.
    HitView { kind: String, title: AgentText, subtitle: String, route: String, }
    LinkRequest { url: String, }
    TextView { text: String, }
    Nothing { }
}

mod artifacts;
mod context;
mod letters;
mod markdown;
mod schedules;
mod schemas;
pub use artifacts::*;
pub use context::*;
pub use letters::*;
pub use markdown::*;
pub use schedules::*;
pub use schemas::*;

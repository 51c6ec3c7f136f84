//! What the dead letter screen receives, and rows of a JSON tree as any screen shows them. Shapes only.

use super::*;

words! {
    /// Where a dead letter is: nothing done yet, sent back, or settled by a good one or by the person.
    LetterState { Waits, Returned, Resubmitted, Accepted, Discarded, Good, }
}

views! {
    /// Dead letters by who sent them and what is wrong with them, most first.
    LettersView { title: String, count: u32, groups: Vec<LetterGroup>, }
    /// Letters of one agent with one cause. `path`: the place in the item, `*` for any number. `rule`: what it broke.
    LetterGroup {
        key: String, endpoint: EndpointId, agent: String, list: String, what: String, path: String, rule: String,
        schema: Option<String>, sentence: AgentText, count: u32, first_at: Time, last_at: Time, letters: Vec<LetterItem>,
    }
    LetterItem {
        key: String, endpoint: EndpointId, list: String, item: String, digest: String, title: AgentText, at: Time, count: u32,
        state: LetterState, state_at: Option<Time>,
    }
    /// Which one.
    LetterRequest { endpoint: EndpointId, list: String, item: String, }
    /// Which one, and the digest of its bytes when it was looked at: what is done holds for these alone.
    LetterSeen { endpoint: EndpointId, list: String, item: String, digest: String, }
    /// A dead letter, opened. `form` asks for what was expected at each place that is wrong; absent when only JSON will do.
    LetterView {
        key: String, endpoint: EndpointId, list: String, item: String, agent: String, what: String, title: AgentText,
        state: LetterState, state_sentence: Option<String>, state_at: Option<Time>, first_at: Time, at: Time, count: u32,
        problems: Vec<LetterProblem>, tree: TreeView, raw: AgentText, task: Option<TaskLink>, task_state: Option<TaskState>,
        digest: String, inputs: Vec<AccessView>, consumers: Vec<String>, attempts: Vec<LetterAttempt>, finding_key: Option<String>,
        ways: Vec<LetterWay>, form: Option<serde_json::Value>,
    }
    /// `path` is within the item; `rule` the schema's word or the reason's.
    LetterProblem { path: String, rule: String, sentence: AgentText, }
    LetterAttempt { at: Time, line: u64, problems: u32, sentence: AgentText, same: bool, }
    /// `return`, `resubmit`, `accept`, `discard`. `does`: what happens; `tells`: a text to send because no endpoint takes
    /// it from here. `problem`: why it cannot be done. `cancels`: it can also ask for the end of the task.
    LetterWay {
        id: String, label: String, does: Vec<String>, tells: Vec<TellView>, problem: Option<String>, needs_reason: bool,
        cancels: Option<String>,
    }
    /// Corrections by place (a JSON object), or the whole item anew.
    LetterDraft { endpoint: EndpointId, list: String, item: String, fixes: Option<String>, text: Option<String>, }
    /// The corrected item and what is still wrong with it.
    LetterDraftView { text: String, problems: Vec<LetterProblem>, does: Vec<String>, tells: Vec<TellView>, }
    /// Does one way with letters of one group; those that came again since are left alone. `corrected` is what is sent instead, `cancel` also ends the task,
    /// `by_text`: the person has sent the text, so the agent's question is left alone.
    LetterAction { letters: Vec<LetterSeen>, way: String, reason: Option<String>, corrected: Option<String>, cancel: bool, by_text: bool, }
    /// What became of each.
    LetterOutcomes { outcomes: Vec<LetterOutcome>, }
    LetterOutcome { key: String, did: Vec<String>, problem: Option<String>, }

    /// JSON as it was written, row by row. `total` counts all rows; those left out have nothing wrong.
    TreeView { rows: Vec<TreeRow>, total: u32, }
    /// `text`: the scalar as written, or how much is inside. `problems`: what is wrong at this place. `missing`: it is not
    /// there and should be.
    TreeRow { depth: u32, name: Option<AgentText>, text: AgentText, kind: String, pointer: String, problems: Vec<AgentText>, missing: bool, }
}

//! What the context screen receives. Shapes only.

use super::*;

views! {
    /// Shared documents, those with trouble first.
    ContextView { title: String, documents: Vec<ContextItem>, }
    /// `behind` counts agents that have not read what was decided, `conflicts` keys with statements that contradict.
    ContextItem { document: String, title: AgentText, entries: u32, last: u64, at: Time, behind: u32, conflicts: u32, }
    ContextRequest { document: String, }
    /// A document: what it is for, what must hold, all entries newest first, who has read how far, what contradicts.
    ContextDocument {
        document: String, title: AgentText, goals: Vec<EntryView>, constraints: Vec<EntryView>, entries: Vec<EntryView>,
        total: u32, last: u64, readers: Vec<ReaderView>, conflicts: Vec<ConflictView>,
    }
    /// `hash`: SHA-256 of the exact bytes. `value` is what it says about `key`, as JSON.
    EntryView {
        seq: u64, kind: String, key: Option<String>, value: Option<AgentText>, body: AgentText, agent: String, endpoint: EndpointId,
        author: String, at: Time, supersedes: Option<u64>, superseded_by: Option<u64>, hash: String, raw: AgentText,
    }
    /// `missed`: decisions and constraints after what it has read. `acted_at`: it has written something since the first.
    ReaderView {
        agent: String, endpoint: EndpointId, up_to: u64, at: Option<Time>, task: Option<TaskLink>, missed: Vec<u64>,
        acted_at: Option<Time>, live: bool,
    }
    /// Statements about one key that do not agree, none superseding the other.
    ConflictView { key: String, sides: Vec<EntryView>, finding_key: Option<String>, }
    /// The entry that settles it: one side's value, or another. Only looked at unless `record`.
    SettleRequest { document: String, key: String, value: String, sentence: String, record: bool, by_text: bool, }
    /// The exact entry, and how it gets there. `problem`: what is wrong with it.
    SettleView { entry: String, does: Vec<String>, tells: Vec<TellView>, problem: Option<String>, did: Vec<String>, }
}

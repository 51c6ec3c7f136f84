//! What the screens receive of what will start by itself. Shapes only.

use super::*;

words! {
    /// Who says that it starts: the agent, the server that runs it, or nobody: it was seen to.
    StartSource { Declared, Server, Observed, }
}

views! {
    /// Every agent of which a start is known, the next one first. `without`: agents of which none is.
    SchedulesView { title: String, agents: Vec<AgentStartsView>, without: u32, }
    /// `as_of`: it does not answer, so this is how it was then. `more`: starts that are not listed.
    AgentStartsView { key: String, endpoint: EndpointId, agent: AgentId, name: AgentText, as_of: Option<Time>, starts: Vec<StartView>, more: u32, }
    /// `rhythm` is by the clock of `zone`, if it is by a clock. `line`: the cron line where the words do not say it all. Without
    /// `next_at`, `untold` says why. `late_since`: it was due then and was not seen. `seen`: how often it was seen, `last_at` when last.
    StartView {
        key: String, source: StartSource, enabled: bool, resource: Option<AgentText>, task_kind: Option<AgentText>, rhythm: String,
        line: Option<String>, zone: Option<String>, next_at: Option<Time>, untold: Option<String>, late_since: Option<Time>, seen: u32,
        last_at: Option<Time>,
    }
    /// What starts next. `agent` is a key as in `TimelineAgent`. `stale`: its endpoint does not answer now.
    ComingView { at: Time, agent: String, name: AgentText, what: Option<AgentText>, rhythm: String, source: StartSource, stale: bool, }
}

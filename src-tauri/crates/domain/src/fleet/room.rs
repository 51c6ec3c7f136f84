//! How much of one endpoint is kept: whoever tells more than that loses what is more, and one dead letter for each list
//! says how much that was.
//!
//! Counts by what is open: what has ended makes room, at the latest after a day. The numbers are `caps.rs`.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use super::{letters::digest, take::Intake, weight, world::World};
use crate::{
    caps::{
        AGENTS, ENTRIES, LETTERS, LIMITS, LIVE_CLAIMS, LIVE_TASKS, PATTERN_CLAIMS, PATTERN_NEEDS,
        QUESTIONS, REFERENCES, SCHEDULES, SHORT_LIST, WINDOWS,
    },
    change::EscalationPhase,
    contract::{
        Claim, ClaimState, Document, Escalation, EscalationStatus, Item, Needs, Problem, Schedule,
        Task, ending::moved_task,
    },
    ids::{AgentRef, EndpointId, TaskRef},
    snapshot::saved,
};

/// Said of a task that grew when there was no room.
const ONLY_STATE: &str = "What this address tells takes more memory than is given to one, so of this task only the state is kept up to date.";

/// Said of a question that there is no room for, where another one of that name is known.
const HIDDEN: &str = "There is no room for what is asked under this name now: it is not what was asked before, and cannot be shown.";

const DAY: TimeDelta = TimeDelta::days(1);

/// What is open of one endpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Open {
    /// In long lists of its tasks that are live, or ended within a day: they came at once, and a day's work is far less.
    pub(crate) references: usize,
    pub(crate) claims: usize,
    pub(crate) pattern_claims: usize,
    pub(crate) questions: usize,
    pub(crate) schedules: usize,
    pub(crate) pattern_schedules: usize,
}
saved! { Open { references, claims, pattern_claims, questions, schedules, pattern_schedules } }

fn references(task: &Task) -> usize {
    (task.depends_on.len() + task.context_refs.len()).saturating_sub(SHORT_LIST)
}

/// A task with two long lists may not find room.
fn is_nearly_full(open: &Open) -> bool {
    open.references + 2 * ENTRIES > REFERENCES
}

fn is_pattern(resource: &str) -> bool {
    resource.contains('*')
}

impl World {
    fn live_tasks(&self, endpoint: &EndpointId) -> usize {
        let from = AgentRef {
            endpoint: endpoint.clone(),
            agent: "".into(),
        };
        let own = self.live_of.range(from..);
        let own = own.take_while(|(agent, _)| agent.endpoint == *endpoint);
        own.map(|(_, tasks)| tasks.len()).sum()
    }

    /// Dead letters kept.
    pub(super) fn letters(&self, endpoint: &EndpointId) -> usize {
        let from = (endpoint.clone(), String::new(), String::new());
        let own = self.dead.range(from..);
        own.take_while(|((of, ..), _)| of == endpoint).count()
    }

    /// Counted anew, through all tasks there are.
    fn references(&self, endpoint: &EndpointId) -> usize {
        let tasks = self.tasks.iter();
        let tasks = tasks.filter(|(task, entry)| {
            task.endpoint == *endpoint && (entry.live() || self.now - entry.changed < DAY)
        });
        tasks.map(|(_, entry)| references(&entry.value)).sum()
    }

    /// Counted anew, all but the references.
    fn open(&self, endpoint: &EndpointId) -> Open {
        let mut open = Open::default();
        let from = (endpoint.clone(), String::new());
        let claims = self.claims.range(from.clone()..);
        for (_, entry) in claims.take_while(|((of, _), _)| of == endpoint) {
            if entry.value.state != ClaimState::Released {
                open.claims += 1;
                open.pattern_claims += usize::from(is_pattern(entry.value.resource.as_str()));
            }
        }
        let schedules = self.schedules.range(from..);
        for (_, entry) in schedules.take_while(|((of, _), _)| of == endpoint) {
            if entry.value.enabled {
                open.schedules += 1;
                open.pattern_schedules += usize::from(is_pattern(entry.value.resource.as_str()));
            }
        }
        let questions = self.escalations.range((endpoint.clone(), "".into())..);
        let questions = questions.take_while(|((of, _), _)| of == endpoint);
        let pending = |phase| phase == EscalationPhase::Pending;
        open.questions = questions.filter(|(_, entry)| pending(entry.phase)).count();
        open
    }
}

impl Intake<'_> {
    pub(super) fn more(&mut self, list: &'static str) -> bool {
        *self.over.entry((list, false)).or_default() += 1;
        false
    }

    pub(super) fn room_for_agent(&mut self, agent: &AgentRef) -> bool {
        let known = self.world.endpoints.get(&agent.endpoint);
        let full = known.is_some_and(|known| known.agents.len() >= AGENTS);
        !full || self.world.agents.contains_key(agent) || self.more("agent")
    }

    pub(super) fn room_for_task(&mut self, task: &TaskRef, item: &Item<Task>) -> bool {
        let value = &item.value;
        let known = self.world.tasks.get(task);
        let was_live = known.is_some_and(|known| known.live());
        let is_full = value.status.state.is_live()
            && !was_live
            && self.world.live_tasks(&task.endpoint) >= LIVE_TASKS;
        if is_full {
            return self.more("tasks");
        }
        let weighed = known.map_or(0, |known| weight::task(&known.value, &known.seen.raw));
        let before = known.map_or(0, |known| references(&known.value));
        let more = references(value).saturating_sub(before);
        let is_known = known.is_some();
        let after = weight::task(value, &item.raw);
        if more > 0 {
            // A known task is not left out for what it names.
            let is_full = |open: &Open| !is_known && open.references + more > REFERENCES;
            let Some(open) = self.room(&task.endpoint, is_full) else {
                return self.more("tasks");
            };
            open.references += more;
        }
        if is_known && !value.status.state.is_live() {
            return self.ends(&task.endpoint, weighed, after);
        }
        if was_live {
            // What becomes of it otherwise, see below.
            return self.weighs(&task.endpoint, weighed, after);
        }
        self.has_room(&task.endpoint, "tasks", weighed, after)
    }

    /// A live task that is known and grows beyond what there is room for: its state is believed, and a dead letter says
    /// that nothing else is. Otherwise it would stand still on the board although its agent told how it goes on.
    pub(super) fn only_state(&mut self, task: &TaskRef, item: &Item<Task>) -> Option<Item<Task>> {
        let known = self.world.tasks.get(task).filter(|known| known.live())?;
        let problem = no_room(item, "tasks", task.task.as_str(), ONLY_STATE);
        self.unkept.push(problem);
        if known.value.status.state == item.value.status.state {
            return None;
        }
        let moved = moved_task(&known.value, &known.seen.raw, &item.value.status);
        let before = weight::task(&known.value, &known.seen.raw);
        self.ends(
            &task.endpoint,
            before,
            weight::task(&moved.value, &moved.raw),
        );
        Some(moved)
    }

    pub(super) fn room_for_claim(&mut self, agent: &AgentRef, item: &Item<Claim>) -> bool {
        let value = &item.value;
        let key = (agent.endpoint.clone(), value.id.clone());
        let known = self.world.claims.get(&key);
        let weighed = known.map_or(0, |known| weight::claim(&known.value, &known.seen.raw));
        let after = weight::claim(value, &item.raw);
        if weighed > 0 && value.state == ClaimState::Released {
            return self.ends(&key.0, weighed, after);
        }
        let known = known.filter(|known| known.value.state != ClaimState::Released);
        let pattern = is_pattern(value.resource.as_str());
        let before = known.map(|known| is_pattern(known.value.resource.as_str()));
        if value.state == ClaimState::Released || before.is_some_and(|before| before || !pattern) {
            return self.has_room(&key.0, "claims", weighed, after);
        }
        let is_full = |open: &Open| {
            before.is_none() && open.claims >= LIVE_CLAIMS
                || pattern && open.pattern_claims >= PATTERN_CLAIMS
        };
        let Some(open) = self.room(&agent.endpoint, is_full) else {
            return self.more("claims");
        };
        open.claims += usize::from(before.is_none());
        open.pattern_claims += usize::from(pattern);
        self.has_room(&key.0, "claims", weighed, after)
    }

    pub(super) fn room_for_question(&mut self, agent: &AgentRef, item: &Item<Escalation>) -> bool {
        let value = &item.value;
        let key = (agent.endpoint.clone(), value.id.clone());
        let known = self.world.escalations.get(&key);
        let weighed = known.map_or(0, |known| weight::escalation(&known.value, &known.seen.raw));
        let after = weight::escalation(value, &item.raw);
        if weighed > 0 && value.status != EscalationStatus::Pending {
            return self.ends(&key.0, weighed, after);
        }
        if value.status != EscalationStatus::Pending
            || known.is_some_and(|known| known.phase == EscalationPhase::Pending)
        {
            return self.has_room(&key.0, "escalations", weighed, after);
        }
        let Some(open) = self.room(&agent.endpoint, |open| open.questions >= QUESTIONS) else {
            return self.more("escalations");
        };
        open.questions += 1;
        self.has_room(&key.0, "escalations", weighed, after)
    }

    /// What is asked under a name that is known, when there is no room for it: a dead letter says that it is not what stands
    /// there, so that nobody answers that in its place.
    pub(super) fn hides_question(&mut self, agent: &AgentRef, item: &Item<Escalation>) {
        let id = &item.value.id;
        let known = self
            .world
            .escalations
            .get(&(agent.endpoint.clone(), id.clone()));
        if known.is_none_or(|known| known.seen.raw == item.raw) {
            return;
        }
        let problem = no_room(item, "escalations", id.as_str(), HIDDEN);
        self.unkept.push(problem);
    }

    /// Of a document of somebody for whom there is no room: what is asked there under known names, or not asked any more.
    pub(super) fn asks_all_the_same(&mut self, agent: &AgentRef, document: &Document) {
        for item in document.escalations.iter().flatten() {
            self.hides_question(agent, item);
        }
        self.end_escalations(agent, document);
        let of_known = |problem: &&Problem| {
            let id = problem.item.as_deref().unwrap_or_default();
            problem.list == "escalations" && self.asks(&agent.endpoint, id)
        };
        let problems = document.problems.iter().filter(of_known).cloned();
        let problems = Document {
            problems: problems.collect(),
            ..Document::default()
        };
        self.dead_letters(agent, &problems);
    }

    /// Whether a question of that name is open, as far as its agent has told.
    pub(super) fn asks(&self, endpoint: &EndpointId, question: &str) -> bool {
        let key = (endpoint.clone(), question.into());
        let known = self.world.escalations.get(&key);
        known.is_some_and(|known| known.value.status == EscalationStatus::Pending)
    }

    pub(super) fn room_for_schedule(&mut self, agent: &AgentRef, item: &Item<Schedule>) -> bool {
        let value = &item.value;
        let key = (agent.endpoint.clone(), value.id.clone());
        let known = self.world.schedules.get(&key);
        let weighed = known.map_or(0, |known| weight::schedule(&known.seen.raw));
        let after = weight::schedule(&item.raw);
        if weighed > 0 && !value.enabled {
            return self.ends(&key.0, weighed, after);
        }
        let known = known.filter(|known| known.value.enabled);
        let pattern = is_pattern(value.resource.as_str());
        let before = known.map(|known| is_pattern(known.value.resource.as_str()));
        if !value.enabled || before.is_some_and(|before| before || !pattern) {
            return self.has_room(&key.0, "schedules", weighed, after);
        }
        let is_full = |open: &Open| {
            before.is_none() && open.schedules >= SCHEDULES
                || pattern && open.pattern_schedules >= PATTERN_NEEDS
        };
        let Some(open) = self.room(&agent.endpoint, is_full) else {
            return self.more("schedules");
        };
        open.schedules += usize::from(before.is_none());
        open.pattern_schedules += usize::from(pattern);
        self.has_room(&key.0, "schedules", weighed, after)
    }

    pub(super) fn room_for_needs(&mut self, agent: &AgentRef, needs: &Needs) -> bool {
        let known = self.world.agents.get(agent);
        let known = known.and_then(|known| known.needs.as_ref());
        if known.is_some_and(|(known, _)| known == needs) {
            return true;
        }
        // They stand with what was declared before.
        let weight = weight::declaration(needs);
        let patterns = |needs: &Needs| needs.triggers.iter().filter(|t| is_pattern(t)).count();
        let own = patterns(needs);
        if own == 0 {
            return self.has_room(&agent.endpoint, "ownership", 0, weight);
        }
        let endpoint = self.world.endpoints.get(&agent.endpoint);
        let agents = endpoint.into_iter().flat_map(|state| state.agents.keys());
        let others = agents.filter(|id| **id != agent.agent).map(|id| {
            let other = AgentRef {
                endpoint: agent.endpoint.clone(),
                agent: id.clone(),
            };
            let known = self.world.agents.get(&other);
            let needs = known.and_then(|known| known.needs.as_ref());
            needs.map_or(0, |(needs, _)| patterns(needs))
        });
        if own + others.sum::<usize>() > PATTERN_NEEDS {
            return self.more("ownership");
        }
        self.has_room(&agent.endpoint, "ownership", 0, weight)
    }

    /// What is open, if there is room. What ended makes room: that is counted when there seems to be none, once a line.
    fn room(
        &mut self,
        endpoint: &EndpointId,
        is_full: impl Fn(&Open) -> bool,
    ) -> Option<&mut Open> {
        let known = self.world.endpoints.get(endpoint);
        if known.is_some_and(|known| is_full(&known.open)) {
            self.count_open(endpoint);
        }
        let state = self.world.endpoints.entry(endpoint.clone()).or_default();
        Some(&mut state.open).filter(|open| !is_full(open))
    }

    fn count_open(&mut self, endpoint: &EndpointId) {
        if self.counted {
            return;
        }
        self.counted = true;
        let mut open = self.world.open(endpoint);
        let known = self.world.endpoints.get(endpoint);
        open.references = known.map_or(0, |known| known.open.references);
        if is_nearly_full(&open) {
            open.references = self.world.references(endpoint);
        }
        let state = self.world.endpoints.entry(endpoint.clone()).or_default();
        state.open = open;
    }

    /// Tells what was left out of a document, and that nothing is any more.
    pub(super) fn left_out(&mut self, agent: &AgentRef, document: &Document) {
        let next = document.next_cursor.as_deref().unwrap_or_default();
        let state = self
            .world
            .endpoints
            .entry(agent.endpoint.clone())
            .or_default();
        for (list, more) in &document.left_out {
            *state.left_out.entry(list).or_default() += more;
        }
        if !document.snapshot || next.is_empty() {
            for (list, more) in std::mem::take(&mut state.left_out) {
                let sentence = format!(
                    "The list is too long for one answer: {more} of its items were not read. A longer list comes in pages."
                );
                self.letter_of_more(agent, list, "", more, &sentence);
            }
        }
        let endpoint = &agent.endpoint;
        let mut over = std::mem::take(&mut self.over);
        let told = self.world.endpoints.get(endpoint);
        let told: Vec<_> = told
            .into_iter()
            .flat_map(|state| &state.full)
            .copied()
            .collect();
        if !told.is_empty() {
            self.count_open(endpoint);
        }
        for list in told {
            if !self.is_full(endpoint, list) {
                over.entry(list).or_insert(0);
            }
        }
        for (list, more) in over {
            let most = match list.1 {
                true => format!("{LETTERS} items that cannot be used"),
                false => most(list.0),
            };
            let known = self.world.endpoints.get(endpoint);
            let sentence = if known.is_some_and(|known| known.weight.is_nearly_full()) {
                format!(
                    "What this address tells takes more memory than is given to one: {more} of this answer were left out."
                )
            } else {
                format!(
                    "More than {most} are not kept of one address: {more} of this answer were left out."
                )
            };
            let place = if list.1 { "/!" } else { "/-" };
            self.letter_of_more(agent, list.0, place, more, &sentence);
            let state = self.world.endpoints.entry(endpoint.clone()).or_default();
            if more > 0 {
                state.full.insert(list);
            } else {
                state.full.remove(&list);
            }
        }
    }

    fn is_full(&self, endpoint: &EndpointId, (list, letters): (&str, bool)) -> bool {
        let Some(state) = self.world.endpoints.get(endpoint) else {
            return false;
        };
        let open = &state.open;
        match list {
            _ if state.weight.is_nearly_full() => true,
            _ if letters => self.world.letters(endpoint) >= LETTERS,
            "tasks" => self.world.live_tasks(endpoint) >= LIVE_TASKS || is_nearly_full(open),
            "claims" => open.claims >= LIVE_CLAIMS || open.pattern_claims >= PATTERN_CLAIMS,
            "escalations" => open.questions >= QUESTIONS,
            "schedules" => open.schedules >= SCHEDULES || open.pattern_schedules >= PATTERN_NEEDS,
            "quotas" => self.world.limits_of(endpoint) >= LIMITS,
            "agent" => state.agents.len() >= AGENTS,
            _ => false,
        }
    }

    fn letter_of_more(
        &mut self,
        agent: &AgentRef,
        list: &'static str,
        place: &str,
        more: u64,
        sentence: &str,
    ) {
        let name = digest("", &format!("/{list}{place}"));
        if more == 0 {
            self.clear(agent, list, &name);
            return;
        }
        let problem = Problem {
            pointer: format!("/{list}"),
            list: list.to_owned(),
            item: None,
            code: "too-many".to_owned(),
            message: sentence.to_owned(),
            schema: None,
            raw: format!("{{\"leftOut\":{more}}}").into(),
        };
        self.keep_letter(agent, list.to_owned(), name, vec![problem]);
    }
}

/// A known item that there is no room for as it is now.
fn no_room<T>(item: &Item<T>, list: &str, id: &str, why: &str) -> Problem {
    Problem {
        pointer: item.pointer.clone(),
        list: list.to_owned(),
        item: Some(id.to_owned()),
        code: "no-room".to_owned(),
        message: why.to_owned(),
        schema: None,
        raw: named(id),
    }
}

/// What stands for an item that is not kept: small, and the same however that grows, so that it is told once.
pub(super) fn named(id: &str) -> Arc<str> {
    json!({ "id": id }).to_string().into()
}

fn most(list: &str) -> String {
    match list {
        "tasks" => format!(
            "{LIVE_TASKS} tasks that have not ended, or {REFERENCES} references in their long lists,"
        ),
        "claims" => format!("{LIVE_CLAIMS} claims, {PATTERN_CLAIMS} of them on patterns,"),
        "escalations" => format!("{QUESTIONS} questions that wait"),
        "schedules" => format!("{SCHEDULES} schedules, {PATTERN_NEEDS} of them on patterns,"),
        "quotas" => format!("{LIMITS} limits, or {WINDOWS} windows of one,"),
        "agent" => format!("{AGENTS} agents"),
        _ => format!("{PATTERN_NEEDS} patterns of triggers"),
    }
}

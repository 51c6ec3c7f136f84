//! What happened in a stretch of time, from every table that keeps it, as one list in order. It tells and does not judge.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use domain::{
    contract::AccessMode,
    ids::{AgentId, AgentRef, EndpointId, TaskId},
    time::Time,
};
use store::{
    Reader, Result,
    tables::{
        accesses::{self, TouchRow},
        agents, decisions, escalations,
        moments::{self, MomentKind, MomentRow},
        tasks,
    },
};

use crate::api::{
    views::{Shape, TimelineMarkKind},
    wording::{outcome, plain},
};

/// The most that is looked through at once; of more, the newest.
pub(super) const MOST: u32 = 120_000;
/// Tasks whose state before the stretch is looked up.
const LOOKED_UP: usize = 1_000;
/// Tasks that turn after the stretch and are looked at for what they were in it.
const TURNING: u32 = 2_000;
/// How far back a claim is looked for that is still held.
const CLAIMS_BACK: i64 = 6 * 3600;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// When.
    pub(super) at: Time,
    /// Who did it, or to whom it happened.
    pub(super) agent: AgentRef,
    /// What sort of thing.
    pub(super) kind: TimelineMarkKind,
    /// Resource, receiver, title or pool.
    pub(super) about: String,
    /// For which task.
    pub(super) task: Option<TaskId>,
    /// Version it rests on.
    pub(super) base: Option<String>,
    /// Version it made.
    pub(super) new: Option<String>,
    /// Event, state, outcome: what else is to be said.
    pub(super) word: String,
    /// Not finished yet: a handoff nobody has taken.
    pub(super) open: bool,
    /// The list of a status document it came in, with its id there.
    pub(super) list: &'static str,
    /// The id.
    pub(super) id: String,
    /// The line of the log; 0 = not known.
    pub(super) line: u64,
}

impl Event {
    /// A resource that can be shared.
    pub(super) fn resource(&self) -> Option<&str> {
        use TimelineMarkKind as Kind;
        matches!(
            self.kind,
            Kind::Read | Kind::Write | Kind::Take | Kind::Claim | Kind::Waiting | Kind::Release
        )
        .then_some(self.about.as_str())
    }
}

/// A stretch in which something was so.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch {
    /// Whose.
    pub(super) agent: AgentRef,
    /// The resource of a claim; none for the agent's own work.
    pub(super) resource: Option<String>,
    /// Begin.
    pub(super) from: Time,
    /// End.
    pub(super) to: Time,
    /// How it is drawn.
    pub(super) shape: Shape,
}

/// Everything there is to tell.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// In order of time.
    pub(super) events: Vec<Event>,
    /// Work and claims.
    pub(super) stretches: Vec<Stretch>,
    /// More happened than was looked through.
    pub(super) cut: bool,
}

/// Names of all agents of the fleet, and of those that only the log knows.
pub(super) struct People {
    names: BTreeMap<AgentRef, String>,
}

impl People {
    /// Of the fleet.
    pub(super) fn read(reader: &Reader) -> Result<Self> {
        let names = agents::list(reader)?
            .into_iter()
            .map(|record| (record.agent, record.card.name))
            .collect();
        Ok(Self { names })
    }

    /// All, by endpoint and id.
    pub(super) fn all(&self) -> impl Iterator<Item = (&AgentRef, &str)> {
        self.names
            .iter()
            .map(|(agent, name)| (agent, name.as_str()))
    }

    /// `endpoint/agent` as screens write it.
    pub(super) fn of_key(&self, key: &str) -> Option<AgentRef> {
        self.names
            .keys()
            .find(|agent| self::key(agent) == key)
            .cloned()
    }

    /// What it is called.
    pub(super) fn name<'a>(&'a self, agent: &'a AgentRef) -> &'a str {
        self.names
            .get(agent)
            .map_or(agent.agent.as_str(), String::as_str)
    }

    /// Who a handoff is for: an agent of that id, first of its own endpoint.
    pub(super) fn called(&self, id: &str, by: &EndpointId) -> Option<AgentRef> {
        let own = AgentRef {
            endpoint: by.clone(),
            agent: AgentId::from(id),
        };
        if self.names.contains_key(&own) {
            return Some(own);
        }
        self.names
            .keys()
            .find(|agent| agent.agent.as_str() == id)
            .cloned()
    }

    fn of_endpoint<'a>(&'a self, endpoint: &'a EndpointId) -> impl Iterator<Item = &'a AgentRef> {
        self.names
            .keys()
            .filter(move |agent| agent.endpoint == *endpoint)
    }
}

/// `endpoint/agent`.
pub(super) fn key(agent: &AgentRef) -> String {
    format!("{}/{}", agent.endpoint, agent.agent)
}

/// Reads the stretch.
pub(super) fn read(reader: &Reader, people: &People, from: Time, to: Time) -> Result<Story> {
    let touches = accesses::between(reader, from, to, MOST)?;
    let turns = moments::between(reader, from, to, MOST)?;
    let mut story = Story {
        cut: touches.len() >= MOST as usize || turns.len() >= MOST as usize,
        ..Story::default()
    };
    lives(reader, people, &turns, from, to, &mut story)?;
    claims(reader, &turns, from, to, &mut story)?;
    story.events.extend(touches.into_iter().map(touched));
    for turn in turns {
        turned(reader, people, turn, &mut story.events)?;
    }
    for decision in decisions::between(reader, from, to, 1_000)? {
        let Some(record) = escalations::answered(reader, &decision)? else {
            continue;
        };
        story.events.push(Event {
            at: decision.decided_at,
            agent: record.agent,
            kind: TimelineMarkKind::Decision,
            about: record.value.title,
            task: record.value.task_id,
            base: None,
            new: None,
            word: outcome(decision.outcome).to_owned(),
            open: false,
            list: "decision",
            id: decision.escalation.as_str().to_owned(),
            line: 0,
        });
    }
    story.events.sort_by(|one, other| {
        let rank = |event: &Event| (event.at, event.line);
        rank(one)
            .cmp(&rank(other))
            .then_with(|| one.agent.cmp(&other.agent))
            .then_with(|| one.id.cmp(&other.id))
    });
    Ok(story)
}

fn touched(row: TouchRow) -> Event {
    Event {
        at: row.at,
        agent: row.agent,
        kind: match row.mode {
            AccessMode::Read => TimelineMarkKind::Read,
            AccessMode::Write => TimelineMarkKind::Write,
            AccessMode::Consume => TimelineMarkKind::Take,
        },
        about: row.resource,
        task: row.task,
        base: row.base_version,
        new: row.new_version,
        word: row.event_id.unwrap_or_default(),
        open: false,
        list: "accesses",
        id: row.id,
        line: row.line,
    }
}

fn turned(
    reader: &Reader,
    people: &People,
    turn: MomentRow,
    events: &mut Vec<Event>,
) -> Result<()> {
    use TimelineMarkKind as Kind;
    let (kind, list) = match (turn.kind, turn.word.as_str()) {
        (MomentKind::Task, _) => (Kind::State, "tasks"),
        (MomentKind::Claim, "held") => (Kind::Claim, "claims"),
        (MomentKind::Claim, "waiting") => (Kind::Waiting, "claims"),
        (MomentKind::Claim, _) => (Kind::Release, "claims"),
        (MomentKind::Handoff, "taken") => (Kind::TakeOver, "handoffs"),
        (MomentKind::Handoff, _) => (Kind::HandOver, "handoffs"),
        (MomentKind::Artifact, _) => (Kind::Artifact, "artifacts"),
        (MomentKind::Context, _) => (Kind::Context, "context"),
        (MomentKind::Question, _) => (Kind::Question, "escalations"),
        (MomentKind::Limit, _) => (Kind::Refused, "quotas"),
        (MomentKind::Endpoint, "silent") => (Kind::Silent, "error"),
        (MomentKind::Endpoint, _) => (Kind::Answers, "error"),
    };
    let open = kind == Kind::HandOver && !taken(reader, &turn)?;
    let event = |agent: AgentRef| Event {
        at: turn.at,
        agent,
        kind,
        about: turn.about.clone(),
        task: turn.task.clone(),
        base: None,
        new: None,
        word: turn.word.clone(),
        open,
        list,
        id: turn.item.clone(),
        line: turn.line,
    };
    if turn.agent.as_str().is_empty() {
        let all: Vec<_> = people.of_endpoint(&turn.endpoint).cloned().collect();
        events.extend(all.into_iter().map(event));
    } else {
        events.push(event(AgentRef {
            endpoint: turn.endpoint.clone(),
            agent: turn.agent.clone(),
        }));
    }
    Ok(())
}

fn taken(reader: &Reader, turn: &MomentRow) -> Result<bool> {
    let late = turn.at + TimeDelta::days(3650);
    let last = moments::before(reader, turn.kind, &turn.endpoint, &turn.item, late)?;
    Ok(last.is_some_and(|last| last.word == "taken"))
}

fn shape_of(state: &str) -> Option<Shape> {
    match state {
        "submitted" | "queued" => Some(Shape::Queued),
        "working" | "running" => Some(Shape::Running),
        "input-required" | "auth-required" | "needs-you" => Some(Shape::NeedsYou),
        _ => None,
    }
}

/// What agents were busy with: the most telling of the states of their tasks, and silence over all.
fn lives(
    reader: &Reader,
    people: &People,
    turns: &[MomentRow],
    from: Time,
    to: Time,
    story: &mut Story,
) -> Result<()> {
    const RANK: [Shape; 4] = [
        Shape::Unreachable,
        Shape::NeedsYou,
        Shape::Running,
        Shape::Queued,
    ];
    // Of each item, newest turn first, as the store tells them.
    let mut items: HashMap<(Lasting, &EndpointId, &str), Vec<&MomentRow>> = HashMap::new();
    for turn in turns {
        let kind = match turn.kind {
            MomentKind::Task => Lasting::Task,
            MomentKind::Endpoint => Lasting::Endpoint,
            _ => continue,
        };
        let item = (kind, &turn.endpoint, turn.item.as_str());
        items.entry(item).or_default().push(turn);
    }
    // What turned only later was something before, too.
    let later = moments::turning(reader, to, TURNING)?;
    for (endpoint, item) in &later {
        items
            .entry((Lasting::Task, endpoint, item.as_str()))
            .or_default();
    }
    let mut edges: BTreeMap<AgentRef, Vec<(Time, usize, i32)>> = BTreeMap::new();
    let mut add = |agent: &AgentRef, shape: Shape, begin: Time, end: Time| {
        let Some(rank) = RANK.iter().position(|each| *each == shape) else {
            return;
        };
        if end > begin {
            let edges = edges.entry(agent.clone()).or_default();
            edges.extend([(begin, rank, 1), (end, rank, -1)]);
        }
    };
    let mut looked_up = 0;
    for ((kind, endpoint, item), rows) in &items {
        let mut end = to;
        for row in rows {
            draw(people, row, row.at, end, &mut add);
            end = row.at;
        }
        looked_up += 1;
        if looked_up <= LOOKED_UP {
            let kind = match kind {
                Lasting::Task => MomentKind::Task,
                Lasting::Endpoint => MomentKind::Endpoint,
            };
            if let Some(before) = moments::before(reader, kind, endpoint, item, from)? {
                draw(people, &before, from, end, &mut add);
            }
        }
    }
    for (agent, column) in tasks::standing(reader, from)? {
        if let Some(shape) = shape_of(&column) {
            add(&agent, shape, from, to);
        }
    }
    // Silent since before the stretch.
    let endpoints: std::collections::BTreeSet<_> = people
        .all()
        .map(|(agent, _)| agent.endpoint.clone())
        .collect();
    for endpoint in &endpoints {
        if items.contains_key(&(Lasting::Endpoint, endpoint, endpoint.as_str())) {
            continue;
        }
        if let Some(before) = moments::before(
            reader,
            MomentKind::Endpoint,
            endpoint,
            endpoint.as_str(),
            from,
        )? {
            draw(people, &before, from, to, &mut add);
        }
    }
    for (agent, mut edges) in edges {
        edges.sort_unstable();
        let mut counts = [0; RANK.len()];
        let mut open: Option<(Time, Shape)> = None;
        for (index, (at, rank, by)) in edges.iter().enumerate() {
            counts[*rank] += by;
            if edges.get(index + 1).is_some_and(|next| next.0 == *at) {
                continue;
            }
            let shape = counts
                .iter()
                .position(|count| *count > 0)
                .map(|rank| RANK[rank]);
            if open.map(|(_, shape)| shape) == shape {
                continue;
            }
            if let Some((begin, shape)) = open {
                story.stretches.push(Stretch {
                    agent: agent.clone(),
                    resource: None,
                    from: begin,
                    to: *at,
                    shape,
                });
            }
            open = shape.map(|shape| (*at, shape));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Lasting {
    Task,
    Endpoint,
}

fn draw(
    people: &People,
    row: &MomentRow,
    begin: Time,
    end: Time,
    add: &mut impl FnMut(&AgentRef, Shape, Time, Time),
) {
    if row.kind == MomentKind::Endpoint {
        if row.word == "silent" {
            for agent in people.of_endpoint(&row.endpoint) {
                add(agent, Shape::Unreachable, begin, end);
            }
        }
    } else if let Some(shape) = shape_of(&row.word) {
        let agent = AgentRef {
            endpoint: row.endpoint.clone(),
            agent: row.agent.clone(),
        };
        add(&agent, shape, begin, end);
    }
}

/// From when to when claims were held or waited.
fn claims(
    reader: &Reader,
    turns: &[MomentRow],
    from: Time,
    to: Time,
    story: &mut Story,
) -> Result<()> {
    let back = moments::between(reader, from - TimeDelta::seconds(CLAIMS_BACK), from, 5_000)?;
    let mut ends: HashMap<(&EndpointId, &str), Time> = HashMap::new();
    let rows = turns.iter().chain(&back);
    for turn in rows.filter(|turn| turn.kind == MomentKind::Claim) {
        let item = (&turn.endpoint, turn.item.as_str());
        let end = ends.insert(item, turn.at);
        let shape = match turn.word.as_str() {
            "held" => Shape::Running,
            "waiting" => Shape::Queued,
            _ => continue,
        };
        let end = match end {
            Some(end) => end,
            None => lease(reader, turn)?.unwrap_or(to),
        };
        let (begin, end) = (turn.at.max(from), end.min(to));
        if end > begin {
            story.stretches.push(Stretch {
                agent: AgentRef {
                    endpoint: turn.endpoint.clone(),
                    agent: turn.agent.clone(),
                },
                resource: Some(turn.about.clone()),
                from: begin,
                to: end,
                shape,
            });
        }
    }
    Ok(())
}

/// When a claim that nobody gave back ran out.
fn lease(reader: &Reader, turn: &MomentRow) -> Result<Option<Time>> {
    use store::tables::records;
    let record = records::get::<domain::contract::Claim>(reader, &turn.endpoint, &turn.item)?;
    Ok(record.and_then(|record| {
        let since = record
            .value
            .renew_time
            .or(record.value.acquire_time)
            .unwrap_or(record.at);
        let seconds = i64::try_from(record.value.lease_duration_seconds?).ok()?;
        since.checked_add_signed(TimeDelta::try_seconds(seconds)?)
    }))
}

/// What happened, in a sentence of ours with the agents' words made visible.
pub(super) fn sentence(event: &Event, people: &People) -> String {
    use TimelineMarkKind as Kind;
    let who = plain(event.agent.agent.as_str());
    let about = plain(&event.about);
    let base = event.base.as_deref().map(plain);
    let new = event.new.as_deref().map(plain);
    match event.kind {
        Kind::Read => match base.or(new) {
            Some(version) => format!("{who} read {about} at version {version}."),
            None => format!("{who} read {about}."),
        },
        Kind::Write => match (base, new) {
            (Some(base), Some(new)) => format!("{who} wrote {about}: version {base} became {new}."),
            (Some(base), None) => format!("{who} wrote {about} over version {base}."),
            (None, Some(new)) => format!("{who} wrote {about} as version {new}."),
            (None, None) => format!("{who} wrote {about}."),
        },
        Kind::Take if event.word.is_empty() => format!("{who} took an event of {about}."),
        Kind::Take => format!("{who} took the event {} of {about}.", plain(&event.word)),
        Kind::Claim => format!("{who} claimed {about}."),
        Kind::Waiting => format!("{who} waits for a claim on {about}."),
        Kind::Release => format!("{who} gave back its claim on {about}."),
        Kind::HandOver => {
            let task = event
                .task
                .as_ref()
                .map_or_else(String::new, |task| plain(task.as_str()));
            let end = if event.open {
                "; nobody has taken it over yet"
            } else {
                ""
            };
            format!("{who} handed {task} over to {about}{end}.")
        }
        Kind::TakeOver => {
            let task = event
                .task
                .as_ref()
                .map_or_else(String::new, |task| plain(task.as_str()));
            format!("{about} took over {task} from {who}.")
        }
        Kind::Artifact => format!("{who} made {about}."),
        Kind::Context => format!("{who} wrote a {} into {about}.", plain(&event.word)),
        Kind::Question => format!("{who} asks you: {about}"),
        Kind::Decision => format!("You answered {who}: {}. {about}", event.word.to_lowercase()),
        Kind::Refused => format!("{who} was refused by {about}: the limit is used up."),
        Kind::Silent => format!("{} stopped answering.", people.name(&event.agent)),
        Kind::Answers => format!("{} answers again.", people.name(&event.agent)),
        Kind::State => format!("{who}: \"{about}\" is {}.", state(&event.word)),
        Kind::Several => about,
    }
}

fn state(word: &str) -> &str {
    match word {
        "submitted" => "queued",
        "working" => "running",
        "input-required" => "waiting for an answer",
        "auth-required" => "waiting for a login",
        "completed" => "done",
        "unknown" => "not heard of any more",
        other => other,
    }
}

//! The board in other columns, and what a card says of its line and of what was asked. Changes are stored in a real file;
//! the clock stands still.

use domain::{
    change::{Change, Record, TaskRecord},
    contract::Task,
    ids::{AgentRef, TaskRef},
};
use engine::api::{
    board, schedules,
    views::{BoardGroup, BoardRequest, BoardView, StartSource, TaskRequest, TaskView},
};
use serde_json::{Value, json};
use store::tables;

use crate::fleet::{Fleet, at, fleet_of};

/// `endpoint/task` of an agent that is called as its endpoint.
fn task(name: &str, state: &str, more: Value) -> Change {
    let (endpoint, id) = name.split_once('/').unwrap();
    let mut item = json!({"id": id, "title": format!("Task {id}"), "status": {"state": state}});
    item.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Change::Task(Box::new(TaskRecord {
        task: TaskRef {
            endpoint: endpoint.into(),
            task: id.into(),
        },
        agent: endpoint.into(),
        value: serde_json::from_value::<Task>(item.clone()).unwrap(),
        raw: item.to_string().into(),
        line: 2,
        state_since: at(0),
        handoff_open: false,
        changed_at: at(0),
    }))
}

fn record<T: serde::de::DeserializeOwned>(endpoint: &str, item: Value) -> Record<T> {
    Record {
        agent: AgentRef {
            endpoint: endpoint.into(),
            agent: endpoint.into(),
        },
        value: serde_json::from_value(item.clone()).unwrap(),
        raw: item.to_string().into(),
        line: 2,
        at: at(0),
    }
}

fn touches(name: &str, resource: &str) -> Change {
    let (endpoint, id) = name.split_once('/').unwrap();
    Change::Access(record(
        endpoint,
        json!({"id": format!("{id} {resource}"), "taskId": id, "resource": resource, "mode": "write", "at": at(0)}),
    ))
}

fn heard(endpoint: &str) -> Change {
    let who = json!({"id": endpoint, "name": endpoint, "status": "online"});
    Change::Agent(Box::new(domain::change::AgentRecord {
        agent: AgentRef {
            endpoint: endpoint.into(),
            agent: endpoint.into(),
        },
        card: serde_json::from_value(who).unwrap(),
        needs: None,
        first_heard_at: at(0),
    }))
}

/// Two endpoints: `a` can be asked to cancel, `b` cannot.
fn fleet(changes: Vec<Change>) -> Fleet {
    let endpoints = [("a", "native", "cancel"), ("b", "langgraph", "listTasks")];
    fleet_of(&endpoints, changes)
}

impl Fleet {
    fn by(&self, group: BoardGroup, filter: &str) -> BoardView {
        let request = BoardRequest {
            group,
            pages: vec![],
            filter: filter.to_owned(),
            problems_only: false,
        };
        self.see(1, |glance| board::board(glance, &request))
    }

    fn drawer(&self, name: &str) -> TaskView {
        let (endpoint, task) = name.split_once('/').unwrap();
        let request = TaskRequest {
            endpoint: endpoint.into(),
            task: task.to_owned(),
        };
        self.see(1, |glance| board::task(glance, &request)).unwrap()
    }
}

/// Label, live, count and the tasks of each column.
fn columns(view: &BoardView) -> Vec<String> {
    let columns = view.columns.iter().map(|column| {
        let cards: Vec<_> = column.cards.iter().map(|card| card.task.as_str()).collect();
        let (label, live, count) = (&column.label.text, column.live, column.count);
        format!("{label} {live} {count}: {}", cards.join(" "))
    });
    columns.collect()
}

fn work() -> Fleet {
    fleet(vec![
        task(
            "a/write",
            "working",
            json!({"contextId": "launch", "dependsOn": ["b/draft"], "parentId": "plan"}),
        ),
        task("b/draft", "working", json!({"contextId": "launch"})),
        task("a/plan", "completed", json!({"contextId": "launch"})),
        task("a/other", "submitted", json!({})),
        touches("a/write", "file:page"),
        touches("b/draft", "file:page"),
        touches("a/plan", "file:plan"),
        touches("a/other", "file:x"),
    ])
}

#[test]
fn columns_are_agents_workflows_or_resources_with_the_most_live_work_first() {
    let fleet = work();
    let of = |group| columns(&fleet.by(group, ""));
    let agents = of(BoardGroup::Agent);
    assert_eq!(agents.len(), 2);
    assert!(agents[0].starts_with("a 2 3: "), "{agents:?}");
    assert_eq!(agents[1], "b 1 1: draft");
    // Of a workflow what comes first stands first.
    assert_eq!(
        of(BoardGroup::Workflow),
        ["launch 2 3: draft write plan", "No workflow 1 1: other"]
    );
    // Only resources that live work touches.
    let mut resources = of(BoardGroup::Resource);
    resources[0] = resources[0].replace("draft write", "write draft");
    assert_eq!(
        resources,
        ["file:page 2 2: write draft", "file:x 1 1: other"]
    );
    assert_eq!(
        columns(&fleet.by(BoardGroup::Workflow, "draft")),
        ["launch 1 1: draft"]
    );
}

#[test]
fn of_very_many_columns_the_busiest_are_given_and_the_others_counted() {
    let many = (0..30).map(|n| {
        task(
            &format!("a/t{n}"),
            "working",
            json!({"contextId": format!("c{n}")}),
        )
    });
    let view = fleet(many.collect()).by(BoardGroup::Workflow, "");
    assert_eq!((view.columns.len(), view.more_columns), (24, 6));
}

#[test]
fn a_task_leads_to_what_it_comes_from_and_what_waits_for_it() {
    let fleet = work();
    let line = |name: &str| -> Vec<String> {
        let related = fleet.drawer(name).related.into_iter();
        related
            .map(|each| {
                format!(
                    "{} {}",
                    each.relation,
                    each.task.map_or("?".to_owned(), |task| task.task)
                )
            })
            .collect()
    };
    assert_eq!(line("a/write"), ["parent plan", "comes-after draft"]);
    assert_eq!(line("b/draft"), ["comes-before write"]);
    assert_eq!(line("a/plan"), ["child write"]);
    assert_eq!(fleet.drawer("a/write").card.after, ["b/draft"]);
}

#[test]
fn a_card_says_what_was_asked_until_it_is_refused_or_has_ended() {
    let fleet = work();
    let note = |seconds: i64, kind: &'static str| {
        fleet
            .store
            .write(move |tx| {
                tables::audit::append(tx, at(seconds), kind, "a/write", &json!({}))?;
                Ok(())
            })
            .unwrap();
        fleet.drawer("a/write").card.asked_at
    };
    assert!(fleet.drawer("a/write").can_cancel);
    assert_eq!(note(1, "cancel-asked"), Some(at(1)));
    assert_eq!(note(2, "cancel-refused"), None);
    assert_eq!(note(3, "cancel-asked"), Some(at(3)));
    let ended = task("a/write", "canceled", json!({}));
    fleet
        .store
        .write(move |tx| store::apply(tx, &ended))
        .unwrap();
    assert_eq!(fleet.drawer("a/write").card.asked_at, None);
    // What the endpoint cannot do is not offered.
    let other = fleet.drawer("b/draft");
    assert!(!other.card.can_cancel && !other.can_cancel);
}

#[test]
fn what_was_due_and_did_not_come_is_said_first() {
    let starts = |id: &str, ago: i64| {
        task(
            &format!("a/{id}"),
            "completed",
            json!({"kind": "sync", "startedAt": at(-ago)}),
        )
    };
    let schedule = |endpoint: &str, item: Value| Change::Schedule(record(endpoint, item));
    let mut told: Record<domain::contract::Schedule> = record(
        "a",
        json!({"id": "s", "resource": "trigger:sync", "everySeconds": 3600, "taskKind": "sync", "enabled": true}),
    );
    told.at = at(-20_000);
    let fleet = fleet(vec![
        heard("a"),
        heard("b"),
        starts("one", 12_000),
        starts("two", 8_400),
        Change::Schedule(told),
        schedule(
            "b",
            json!({"id": "c", "resource": "trigger:c", "cron": "*/5 * * * *", "enabled": true}),
        ),
    ]);
    let view = fleet.see(1, schedules::schedules);
    assert_eq!(view.title, "a was due 80 minutes ago and has not started");
    let sync = &view
        .agents
        .iter()
        .find(|agent| agent.key == "a/a")
        .unwrap()
        .starts[0];
    assert_eq!((sync.late_since, sync.seen), (Some(at(-4_800)), 2));
    assert!(sync.next_at.is_some_and(|next| next > at(1)));
    let cron = &view
        .agents
        .iter()
        .find(|agent| agent.key == "b/b")
        .unwrap()
        .starts[0];
    assert_eq!(
        (cron.source, cron.rhythm.as_str()),
        (StartSource::Server, "every 5 minutes")
    );
    // Of an agent that cannot be heard nothing is late.
    let view = fleet.see(4_000, schedules::schedules);
    assert!(view.agents.iter().all(|agent| agent.as_of == Some(at(0))));
    assert!(
        view.agents
            .iter()
            .flat_map(|agent| &agent.starts)
            .all(|start| start.late_since.is_none())
    );
}

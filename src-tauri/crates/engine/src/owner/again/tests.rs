//! Questions of one A2A task that are listed on for long after one of them was answered. The test is the endpoint and the
//! clock.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

use std::{cell::Cell, time::Duration};

use chrono::TimeDelta;
use domain::{
    decision::{DeliveryState, LISTED_ON, Outcome, binding_of},
    ids::DecisionId,
    time::Time,
};
use serde_json::{Value, json};
use store::{
    Store,
    tables::{decisions, endpoints, escalations},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::oneshot};

use crate::{
    api::views::DecideRequest,
    cost::Cost,
    intake::{Intake, Wanted},
    live::Live,
    owner::{
        Ask, Event, Observed, Owner,
        any_order::stage::{self, NAMES},
    },
};

thread_local! {
    static NOW: Cell<Time> = Cell::new(stage::beginning());
}

struct Desk {
    // Dropped in this order.
    owner: Owner,
    store: Store,
    runtime: Runtime,
    _dir: TempDir,
}

/// One call of the task, and whether its task names it as what it waits for.
fn question(call: &str) -> Value {
    json!({ "id": format!("t/{call}"), "version": "1", "taskId": "t", "kind": "approval", "title": call, "message": call,
        "createdAt": stage::beginning().to_rfc3339(), "status": "pending",
        "proposedAction": { "name": "mail.read", "args": { "call": call } } })
}

impl Desk {
    fn start() -> Self {
        NOW.with(|now| now.set(stage::beginning()));
        let dir = stage::folder();
        let path = stage::template(dir.path());
        let store = Store::open(path, stage::beginning()).expect("it opens");
        let kind = store.write(|tx| {
            let row = endpoints::get(tx, &NAMES[0].into())?.expect("it is there");
            let kind = "a2a".to_owned();
            endpoints::put(tx, &endpoints::EndpointRow { kind, ..row })
        });
        kind.expect("it is written");
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().expect("a runtime");
        let mut parts = stage::parts(store.clone(), &Live::default(), &runtime);
        parts.outside.wall = || NOW.with(Cell::get);
        let owner = Owner::start(parts).expect("it starts");
        Self {
            owner,
            store,
            runtime,
            _dir: dir,
        }
    }

    fn passes(&mut self, time: TimeDelta) {
        NOW.with(|now| now.set(now.get() + time));
        self.owner.due();
    }

    /// The endpoint lists these questions, and a task that waits for one of them.
    fn polls(&mut self, calls: &[&str], waits_for: &str) {
        let endpoint = NAMES[0].into();
        let known = self.owner.known.get(&endpoint).expect("it is known");
        let turn = known.poller.as_ref().expect("it is asked").turn;
        let questions: Vec<Value> = calls.iter().map(|call| question(call)).collect();
        let document = json!({
            "schemaVersion": "1.0", "agent": { "id": "a", "name": "A", "status": "online" },
            "tasks": [{ "id": "t", "title": "Two calls", "status": { "state": "input-required" },
                "waitingFor": { "kind": "human", "ref": waits_for } }],
            "escalations": questions,
        });
        let mut intake = Intake::new(&known.said, &Wanted::default(), Duration::MAX);
        let news = intake.news(document.to_string(), true);
        let mut pieces = self.runtime.block_on(news).expect("news");
        let (answer, _) = oneshot::channel();
        let (cost, whole) = (Cost::default(), Some(tokio::time::Instant::now()));
        let event = match pieces.pop() {
            Some(text) => {
                let Ok((text, piece)) = self.runtime.block_on(intake.read(text)) else {
                    panic!("it cannot be read");
                };
                Event::Observed(Observed {
                    endpoint,
                    turn,
                    text,
                    piece,
                    cost,
                    whole,
                    answer,
                })
            }
            None => Event::Unchanged {
                endpoint,
                turn,
                cost,
                whole,
                answer,
            },
        };
        self.owner.gather(event);
        self.owner.settle();
        self.owner.due();
    }

    /// The person allows a call, and its agent takes that.
    fn allows(&mut self, call: &str) -> DecisionId {
        let (endpoint, id) = (NAMES[0].into(), format!("t/{call}"));
        let question = self
            .store
            .read(|reader| escalations::get(reader, &endpoint, &id.as_str().into()))
            .expect("it is read");
        let question = question.expect("it is asked");
        let request = DecideRequest {
            endpoint,
            escalation: id,
            version: "1".to_owned(),
            binding_hash: binding_of(&question),
            outcome: Outcome::Approve,
            option_id: None,
            edited_action: None,
            payload: None,
            message: None,
            shown_ms: 9_000,
            reached_end: true,
            overtaken_by: None,
            again: None,
            repeats: None,
        };
        let (reply, mut done) = oneshot::channel();
        self.owner.take(Event::Acted(Ask::Decide(request, reply)));
        let decided = done.try_recv().expect("it is answered").expect("it counts");
        for _ in 0..3 {
            self.passes(TimeDelta::seconds(11));
        }
        let id = DecisionId::from(decided.id.as_str());
        self.owner.delivered(&id, agents::Outcome::Sent);
        id
    }

    fn stands(&self, decision: &DecisionId) -> DeliveryState {
        let found = self.store.read(|reader| decisions::get(reader, decision));
        let found = found.expect("it is read").expect("it is kept");
        found.delivery.state
    }
}

#[test]
fn an_answer_waits_for_its_effect_while_its_task_waits_for_something_else() {
    let mut desk = Desk::start();
    desk.polls(&["one", "two"], "t/one");
    let first = desk.allows("one");
    for _ in 0..4 {
        desk.polls(&["one", "two"], "t/two");
        desk.passes(LISTED_ON);
    }
    assert_eq!(desk.stands(&first), DeliveryState::Sent);
    // What it waits for itself, with an answer that it took, it asks again.
    desk.polls(&["one", "two"], "t/one");
    desk.passes(LISTED_ON);
    desk.polls(&["one", "two"], "t/one");
    assert_eq!(desk.stands(&first), DeliveryState::Unknown);
}

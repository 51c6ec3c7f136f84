//! A fleet on a real store with a clock that stands: facts go in as the engine takes them in, and screens are asked as
//! the engine asks them. Nothing is polled, so the same facts always give the same answers.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{
    decision::{
        Answer, Circumstances, DecidedBy, Delivery, DeliveryState, Outcome, binding_of, decide,
    },
    delta::Differ,
    fact::{self, Config, PollError},
    fleet::Fleet,
    ids::{DecisionId, EndpointId},
    ownership::Ownership,
    time::Time,
};
use engine::{
    api::wording::Glance,
    clock::Clock,
    live::{Present, Pulse},
};
use serde_json::Value;
use store::{
    Store, apply_all,
    tables::{
        decisions, endpoints, escalations, facts, facts::FactKind, health, ownership, schemas,
    },
};

pub(crate) struct Stage {
    _dir: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) present: Present,
    pub(crate) demo: bool,
    fleet: Fleet,
    clock: Clock,
    differs: BTreeMap<EndpointId, Differ>,
}

/// What a probe of such an endpoint finds.
fn abilities(kind: &str) -> Vec<String> {
    let known: &[&str] = match kind {
        "native" | "demo" => &[
            "listTasks",
            "listEscalations",
            "decideApprove",
            "decideEdit",
            "decideRespond",
            "idempotentDecision",
            "cancel",
            "quota",
            "claims",
        ],
        _ => &["listTasks", "listEscalations", "decideRespond", "cancel"],
    };
    known.iter().map(|word| (*word).to_owned()).collect()
}

impl Stage {
    /// An empty store with these rules, saved at `at`.
    pub(crate) fn new(at: Time, rules: Option<Ownership>) -> Self {
        Self::holding(at, rules, BTreeMap::new())
    }

    /// The same with schemas that bodies are held to.
    pub(crate) fn holding(
        at: Time,
        rules: Option<Ownership>,
        schemas: BTreeMap<String, Value>,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(dir.path(), at).expect("a store");
        let config = Config {
            ownership: rules.clone().unwrap_or_default(),
            schemas,
            ..Config::default()
        };
        let first = serde_json::to_value(&config).expect("JSON");
        let given = config.schemas.clone();
        store
            .write(move |tx| {
                for (name, schema) in &given {
                    schemas::put(tx, name, &schema.to_string(), at)?;
                }
                facts::set_config(tx, &first)
            })
            .expect("fixed");
        let fleet = Fleet::new(config);
        if let Some(rules) = rules {
            store
                .write(move |tx| ownership::save(tx, at, 0, &rules, "The first rules."))
                .expect("saved");
        }
        Self {
            _dir: dir,
            store,
            present: Present::default(),
            demo: false,
            fleet,
            clock: Clock::default(),
            differs: BTreeMap::new(),
        }
    }

    /// Adds an endpoint, as the person does after a probe.
    pub(crate) fn add(&self, at: Time, id: &str, name: &str, kind: &str, port: u16) {
        let row = endpoints::EndpointRow {
            id: id.into(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            url: format!("http://127.0.0.1:{port}/status"),
            credential: "none".to_owned(),
            paused: false,
            capabilities: abilities(kind),
            warnings: vec![],
            added_at: at,
        };
        self.store
            .write(move |tx| endpoints::put(tx, &row))
            .expect("added");
    }

    /// A poll that was answered.
    pub(crate) fn hear(&mut self, at: Time, endpoint: &str, document: &Value) {
        let id: EndpointId = endpoint.into();
        let body = document.to_string();
        let news = self
            .differs
            .entry(id.clone())
            .or_default()
            .take(&body, true)
            .expect("a status document");
        if let Some(news) = news {
            self.fact(FactKind::Status, Some(&id), at, |at| {
                fact::write_status(at, &id, &news)
            });
        }
        let now = self.clock.now(at);
        let pulse = self.present.endpoints.entry(id.clone()).or_default();
        *pulse = Pulse {
            answer: Some(Ok(())),
            last_good_at: Some(now),
            next_poll_at: Some(now + TimeDelta::seconds(5)),
            interval_seconds: Some(5.0),
            raw: Some(body.into()),
            raw_at: Some(now),
            ..Pulse::default()
        };
        self.present.last_poll_at = Some(now);
        self.count(id, at, 1, 0);
    }

    /// A poll that failed.
    pub(crate) fn miss(&mut self, at: Time, endpoint: &str, error: &PollError) {
        let id: EndpointId = endpoint.into();
        self.fact(FactKind::Error, Some(&id), at, |at| {
            fact::write_failed(at, &id, error)
        });
        let pulse = self.present.endpoints.entry(id.clone()).or_default();
        pulse.answer = Some(Err(error.clone()));
        pulse.failures += 1;
        pulse.next_poll_at = Some(at + TimeDelta::seconds(60));
        self.present.last_poll_at = Some(at);
        self.count(id, at, 0, 1);
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, at: Time) {
        self.fact(FactKind::Tick, None, at, fact::write_tick);
    }

    /// The person answers what is on the screen.
    pub(crate) fn decide(&mut self, at: Time, endpoint: &str, escalation: &str, outcome: Outcome) {
        let (id, question) = (endpoint.into(), escalation.into());
        let record = self
            .store
            .read(|reader| escalations::get(reader, &id, &question))
            .expect("readable")
            .expect("asked by then");
        let hash = binding_of(&record);
        let answer = Answer {
            version: &record.value.version,
            binding_hash: &hash,
            outcome,
            option_id: None,
            edited_action: None,
            payload: None,
            message: None,
            shown_ms: 6000,
            reached_end: true,
            overtaken_by: None,
            decided_by: DecidedBy::Person,
        };
        let key = DecisionId::from(format!(
            "01890000-0000-7000-8000-{:012}",
            at.timestamp() % 1_000_000
        ));
        let decision = decide(&record, &answer, &Circumstances::default(), key, at)
            .expect("it can be answered");
        self.store
            .write(move |tx| decisions::record(tx, at, &decision, binding_of))
            .expect("recorded");
    }

    /// The agent takes the answer, and shows its effect.
    pub(crate) fn arrive(&mut self, at: Time, endpoint: &str, escalation: &str) {
        let (id, question) = (endpoint.into(), escalation.into());
        let decision = self
            .store
            .read(|reader| decisions::of_escalation(reader, &id, &question))
            .expect("readable")
            .expect("decided by then");
        for (seconds, state) in [
            (0, DeliveryState::Queued),
            (0, DeliveryState::Sending),
            (1, DeliveryState::Sent),
            (4, DeliveryState::Applied),
        ] {
            let at = at + TimeDelta::seconds(seconds);
            let delivery = Delivery {
                state,
                attempts: 1,
                next_attempt_at: None,
                detail: None,
                recorded_outcome: None,
                changed_at: at,
            };
            let decision = decision.id.clone();
            self.store
                .write(move |tx| decisions::deliver(tx, at, &decision, &delivery))
                .expect("delivered");
        }
    }

    /// What a screen is told at that moment.
    pub(crate) fn see<T>(&self, now: Time, view: impl FnOnce(Glance<'_>) -> store::Result<T>) -> T {
        self.store
            .read(|reader| {
                view(Glance {
                    reader,
                    present: &self.present,
                    now,
                })
            })
            .expect("readable")
    }

    fn fact(
        &mut self,
        kind: FactKind,
        endpoint: Option<&EndpointId>,
        at: Time,
        write: impl FnOnce(Time) -> String,
    ) {
        let at = self.clock.next(at);
        let text = write(at);
        let (seq, _) = self.store.read(facts::end).expect("readable");
        let line = fact::read_line(seq + 2, &text)
            .unwrap_or_else(|error| panic!("{} in {text}", error.message))
            .expect("a fact");
        let mut changes = self.fleet.take(&line);
        self.fleet.judge(at, &mut changes);
        let endpoint = endpoint.cloned();
        self.store
            .write(move |tx| {
                facts::append(tx, at, kind, endpoint.as_ref(), &text)?;
                apply_all(tx, &changes)
            })
            .expect("written");
        self.present.revision += 1;
    }

    fn count(&self, endpoint: EndpointId, at: Time, good: u32, bad: u32) {
        self.store
            .write(move |tx| health::count(tx, &endpoint, at, good, bad))
            .expect("counted");
    }
}

//! The law of differences: a fleet that is fed what is new in each poll comes to the same findings and the same records
//! as one that is fed every poll whole.

#![allow(clippy::unwrap_used)] // all of it is a test

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};
use domain::{
    change::Change,
    contract::read,
    delta::{Differ, Most},
    fact::{Config, Fact, Line},
    fleet::Fleet,
    ids::EndpointId,
    time::{Time, format},
};
use proptest::{collection::vec, prelude::*, sample::subsequence, test_runner::RngSeed};
use serde_json::{Value, json};

/// Items of one list by name, each in many words.
type Words = Vec<Vec<Value>>;

fn at(minute: i64) -> Time {
    DateTime::from_timestamp(1_793_523_600, 0).unwrap() + TimeDelta::minutes(minute)
}

/// Everything an endpoint may say. Tasks 1 and 2 tell their own times, 3 and 4 never do.
fn words() -> Vec<(&'static str, Words)> {
    let states = ["submitted", "working", "input-required", "completed", "odd"];
    let tasks = (1..=4).map(|id| {
        let mut items = vec![json!({"id": id.to_string(), "title": 5})];
        for (number, state) in states.iter().enumerate() {
            for minute in [0, 7, 30] {
                let mut item = json!({
                    "id": id.to_string(), "title": "T", "key": (id % 3 == 0).then_some("k"), "nextStage": "s",
                    "attempt": (minute + number as i64) % 3, "dependsOn": ["2"], "timeBudgetSeconds": 300,
                    "waitingFor": (number == 1).then(|| json!({"kind": "task", "ref": (id % 4 + 1).to_string()})),
                    "progress": {"done": minute}, "status": {"state": state},
                });
                if id <= 2 {
                    item["status"]["timestamp"] = json!(format(at(minute)));
                }
                items.push(item);
            }
        }
        items
    });
    let claims = (1..=2).map(|id| {
        let mut items = vec![json!({"id": format!("c{id}")})];
        for state in ["held", "waiting", "released"] {
            for mode in ["exclusive", "shared"] {
                items.push(json!({
                    "id": format!("c{id}"), "resource": "file:x", "holderIdentity": "h", "mode": mode, "state": state,
                    "taskId": "1",
                }));
            }
        }
        items
    });
    let escalations = (1..=2).map(|id| {
        let mut items = vec![json!({"id": format!("e{id}"), "version": "1"})];
        for status in ["pending", "pending", "resolved", "withdrawn", "expired"] {
            for version in ["1", "2"] {
                items.push(json!({
                    "id": format!("e{id}"), "version": version, "kind": "approval", "title": "T", "message": "M",
                    "proposedAction": {"name": "n"}, "createdAt": format(at(0)), "status": status,
                }));
            }
        }
        items
    });
    let accesses = (1..=3).map(|id| {
        let access = |mode: &str, minute| {
            json!({
                "id": format!("a{id}"), "taskId": "1", "resource": "file:x", "mode": mode, "eventId": "e",
                "baseVersion": "1", "at": format(at(minute)),
            })
        };
        vec![access("write", id), access("read", id), access("consume", 5)]
    });
    let handoffs = (1..=2).map(|id| {
        let handoff = |acknowledged: Option<i64>| {
            json!({
                "id": format!("h{id}"), "taskId": "1", "to": "s", "status": "sent", "emittedAt": format(at(2)),
                "acknowledgedAt": acknowledged.map(|minute| format(at(minute))),
            })
        };
        vec![handoff(None), handoff(Some(9)), json!({"id": format!("h{id}")})]
    });
    let quotas = ["", "tokens"].into_iter().map(|scope| {
        let quota = |left: u32, minute| {
            json!({
                "pool": {"provider": "p", "scope": scope}, "observedAt": format(at(minute)),
                "windows": [{"name": "w", "limit": 100, "remaining": left, "resetAt": format(at(500))}],
            })
        };
        vec![quota(100, 0), quota(20, 5), quota(0, 9), json!({"pool": {"provider": "p", "scope": scope}})]
    });
    let context = (1..=2).map(|seq| {
        let entry = |body: &str| {
            json!({
                "documentId": "d", "seq": seq, "kind": "decision", "key": "k", "value": body, "body": body,
                "author": "a", "createdAt": format(at(1)),
            })
        };
        vec![entry("one"), entry("two")]
    });
    let schedules = std::iter::once(vec![
        json!({"id": "s", "resource": "trigger:x", "everySeconds": 60, "enabled": true}),
        json!({"id": "s", "resource": "trigger:x", "everySeconds": 90, "enabled": false}),
    ]);
    vec![
        ("tasks", tasks.collect()),
        ("claims", claims.collect()),
        ("escalations", escalations.collect()),
        ("accesses", accesses.collect()),
        ("handoffs", handoffs.collect()),
        ("quotas", quotas.collect()),
        ("context", context.collect()),
        ("schedules", schedules.collect()),
    ]
}

/// One poll: who, minutes since the one before, in how many pages, whole or not, and what stands in it.
#[derive(Clone, Debug)]
struct Poll {
    endpoint: EndpointId,
    after: i64,
    pages: usize,
    snapshot: bool,
    model: &'static str,
    items: Vec<(&'static str, Vec<Value>)>,
}

impl Poll {
    fn bodies(&self) -> Vec<(String, bool)> {
        let page = |number: usize| {
            let last = number + 1 == self.pages;
            let mut body = json!({
                "schemaVersion": "1.0", "snapshot": self.snapshot, "nextCursor": if last { "" } else { "more" },
                "agent": {"id": "a", "name": "A", "status": "online", "model": self.model},
            });
            for (list, items) in &self.items {
                let of_page = items.iter().enumerate();
                let of_page = of_page.filter(|(at, _)| at % self.pages == number);
                body[list] = of_page.map(|(_, item)| item.clone()).collect();
            }
            (body.to_string(), last)
        };
        (0..self.pages).map(page).collect()
    }
}

fn list(
    (name, words): (&'static str, Words),
) -> impl Strategy<Value = Option<(&'static str, Vec<Value>)>> {
    let all = words.len();
    let items = subsequence(words, 0..=all).prop_flat_map(|named| {
        let each = named.into_iter().map(prop::sample::select);
        each.collect::<Vec<_>>()
    });
    prop_oneof![1 => Just(None), 4 => items.prop_map(move |items| Some((name, items)))]
}

fn poll() -> impl Strategy<Value = Poll> {
    (
        prop::sample::select(vec!["e", "f"]),
        0..20i64,
        1..=3usize,
        prop::bool::weighted(0.85),
        prop::sample::select(vec!["m", "m", "m", "n"]),
        words().into_iter().map(list).collect::<Vec<_>>(),
    )
        .prop_map(|(endpoint, after, pages, snapshot, model, lists)| Poll {
            endpoint: endpoint.into(),
            after,
            pages,
            snapshot,
            model,
            items: lists.into_iter().flatten().collect(),
        })
}

/// What became of everything, by identity, and every finding; places within a line aside.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    findings: Vec<String>,
    records: BTreeMap<String, String>,
}

impl Outcome {
    fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            let (key, value) = match change {
                Change::Agent(c) => (format!("agent {}", c.agent.endpoint), format!("{c:?}")),
                Change::Task(c) => (format!("task {}", c.task), format!("{c:?}")),
                Change::TaskMark(task, at) => (format!("mark {task}"), format!("{at}")),
                Change::Access(c) => (
                    format!("access {} {}", c.agent.endpoint, c.value.id),
                    format!("{c:?}"),
                ),
                Change::Claim(c) => (
                    format!("claim {} {}", c.agent.endpoint, c.value.id),
                    format!("{c:?}"),
                ),
                Change::Handoff(c) => (
                    format!("handoff {} {}", c.agent.endpoint, c.value.id),
                    format!("{c:?}"),
                ),
                Change::Artifact(c) => (
                    format!("artifact {} {}", c.agent.endpoint, c.value.id),
                    format!("{c:?}"),
                ),
                Change::Context(c) => (format!("context {}", c.value.seq), format!("{c:?}")),
                Change::Quota(c) => (
                    format!("quota {} {}", c.agent.endpoint, c.value.pool.key()),
                    format!("{c:?}"),
                ),
                Change::Schedule(c) => (
                    format!("schedule {} {}", c.agent.endpoint, c.value.id),
                    format!("{c:?}"),
                ),
                Change::Escalation(c) => (
                    format!("escalation {} {}", c.agent.endpoint, c.value.id),
                    format!("{c:?}"),
                ),
                Change::DeadLetter(c) => {
                    let list = &c.problems[0].list;
                    let raw = &c.problems[0].raw;
                    (
                        format!("letter {} {list} {}", c.endpoint, c.item),
                        format!("{} {raw}", c.line),
                    )
                }
                Change::DeadLetterCleared {
                    endpoint,
                    list,
                    item,
                    at,
                } => (
                    format!("letter {endpoint} {list} {item}"),
                    format!("cleared {at}"),
                ),
                Change::Finding(mut finding) | Change::Restated(mut finding) => {
                    for evidence in &mut finding.evidence {
                        evidence.pointer = "".into();
                    }
                    finding.evidence.sort();
                    finding.evidence.dedup();
                    self.findings.push(format!("{finding:?}"));
                    continue;
                }
                Change::Heard { .. } | Change::NotHeard { .. } => continue,
            };
            self.records.insert(key, value);
        }
    }
}

struct Side {
    fleet: Fleet,
    outcome: Outcome,
}

impl Side {
    fn new() -> Self {
        Self {
            fleet: Fleet::new(Config::default()),
            outcome: Outcome::default(),
        }
    }

    fn fact(&mut self, number: u64, at: Time, fact: Fact) {
        let line = Line {
            number,
            at: Some(at),
            fact,
        };
        let mut changes = self.fleet.take(&line);
        self.fleet.judge(at, &mut changes);
        self.outcome.take(changes);
    }

    /// Pieces of one moment, judged together.
    fn heard_in_pieces(&mut self, number: u64, at: Time, endpoint: &EndpointId, pieces: &[String]) {
        let mut changes = vec![];
        for body in pieces {
            let document = read(body.as_bytes()).unwrap().into();
            let endpoint = endpoint.clone();
            let fact = Fact::Status { endpoint, document };
            let at = Some(at);
            changes.extend(self.fleet.take(&Line { number, at, fact }));
        }
        self.fleet.judge(at, &mut changes);
        self.outcome.take(changes);
    }

    fn heard(&mut self, number: u64, at: Time, endpoint: &EndpointId, body: &str) {
        let document = read(body.as_bytes()).unwrap().into();
        let endpoint = endpoint.clone();
        self.fact(number, at, Fact::Status { endpoint, document });
    }
}

/// `always`: a poll without news is told as such, so that both sides know when an endpoint answered.
/// `most`: what is new is told in pieces, each believed once it was told.
fn check(polls: &[Poll], always: bool, most: Most) -> (Outcome, Outcome) {
    let (mut whole, mut news) = (Side::new(), Side::new());
    let mut differs: BTreeMap<EndpointId, Differ> = BTreeMap::new();
    let mut logged: BTreeMap<EndpointId, Vec<String>> = BTreeMap::new();
    // As after a start from the log, and from what was saved, since the last poll.
    let mut started: BTreeMap<EndpointId, [Differ; 2]> = BTreeMap::new();
    // Nothing an item says of itself lies in the future: such times are cut to those of the polls.
    let (mut number, mut now) = (1, at(60));
    for poll in polls {
        now += TimeDelta::minutes(poll.after);
        for (body, last) in poll.bodies() {
            number += 1;
            now += TimeDelta::microseconds(1);
            whole.heard(number, now, &poll.endpoint, &body);
            let differ = differs.entry(poll.endpoint.clone()).or_default();
            let log = logged.entry(poll.endpoint.clone()).or_default();
            let pieces = differ.news(&body, last, most, &|| true).unwrap();
            for differ in started.get_mut(&poll.endpoint).into_iter().flatten() {
                let again = differ.news(&body, last, most, &|| true).unwrap();
                assert_eq!(again, pieces, "after a start");
                again.iter().for_each(|document| differ.learn(document));
            }
            if pieces.is_empty() && (always || news.fleet.awaits(&poll.endpoint)) {
                let nothing = differ.nothing().unwrap();
                news.heard(number, now, &poll.endpoint, &nothing);
            }
            if !pieces.is_empty() {
                news.heard_in_pieces(number, now, &poll.endpoint, &pieces);
            }
            for document in pieces {
                let piece = differ.look_at(&document).unwrap();
                differ.believe(&piece);
                log.push(document);
            }
        }
        // Started again between two polls, the next one differs by the same.
        let mut again = Differ::new();
        logged[&poll.endpoint]
            .iter()
            .for_each(|document| again.learn(document));
        let bytes = differs[&poll.endpoint].save();
        let restored = Differ::restore(&bytes).unwrap();
        assert!(restored.save() == bytes, "saved again it has other bytes");
        started.insert(poll.endpoint.clone(), [again.clone(), restored]);
        for (body, last) in poll.bodies() {
            assert_eq!(again.take(&body, last).unwrap(), None);
        }
    }
    for hours in [1, 30] {
        number += 1;
        now += TimeDelta::hours(hours);
        whole.fact(number, now, Fact::Tick);
        news.fact(number, now, Fact::Tick);
    }
    (whole.outcome, news.outcome)
}

/// The same polls in every run; with `MISSION_CONTROL_LONG` more, and others each time.
fn config() -> ProptestConfig {
    let long = std::env::var_os("MISSION_CONTROL_LONG").is_some();
    ProptestConfig {
        cases: if long { 1000 } else { 64 },
        rng_seed: match long {
            true => RngSeed::Random,
            false => RngSeed::Fixed(20_261_122),
        },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_new_gives_what_the_whole_gave(polls in vec(poll(), 1..10)) {
        let (whole, news) = check(&polls, true, Most::ALL);
        prop_assert_eq!(&whole.records, &news.records);
        prop_assert_eq!(&whole.findings, &news.findings);
    }

    #[test]
    fn polls_without_news_can_be_left_out(polls in vec(poll(), 1..10)) {
        let (whole, news) = check(&polls, false, Most::ALL);
        prop_assert_eq!(&whole.records, &news.records);
    }

    #[test]
    fn in_pieces_it_gives_the_same(polls in vec(poll(), 1..10), items in 1..4usize) {
        let most = Most { items, bytes: usize::MAX };
        let (whole, news) = check(&polls, true, most);
        prop_assert_eq!(&whole.records, &news.records);
        prop_assert_eq!(&whole.findings, &news.findings);
    }
}

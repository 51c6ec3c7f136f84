//! What screens are told, from changes stored in a real file. The clock stands still; nothing is polled.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should end there"
)]

mod fleet;
mod groups;
mod routes;

use chrono::TimeDelta;
use domain::{
    change::{AgentRecord, Change, EscalationPhase, EscalationRecord, Record, TaskRecord},
    contract::{Escalation, Quota, Task},
    decision::{Answer, Circumstances, DecidedBy, Outcome, binding_of, decide},
    fact::{PollError, PollErrorKind},
    finding::Finding,
    ids::{AgentRef, TaskRef},
    ownership::{Ownership, Rule},
};
use engine::api::{
    agents, board, escalation, finding, inbox, limits, search,
    views::{
        BoardGroup, BoardRequest, EscalationRequest, FindingRequest, Health, PageRequest,
        RiskClass, SearchRequest, Shape,
    },
};
use serde_json::{Value, json};
use store::{apply_all, tables};

use self::fleet::{Fleet, at, fleet_of};

fn who(agent: &str) -> AgentRef {
    AgentRef {
        endpoint: "desk".into(),
        agent: agent.into(),
    }
}

fn agent(id: &str) -> Change {
    Change::Agent(Box::new(AgentRecord {
        agent: who(id),
        card: serde_json::from_value(json!({"id": id, "name": id, "status": "online"})).unwrap(),
        needs: None,
        first_heard_at: at(0),
    }))
}

fn task(id: &str, state: &str, more: Value) -> Change {
    let mut item = json!({"id": id, "title": format!("Task {id}"), "status": {"state": state}});
    item.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Change::Task(Box::new(TaskRecord {
        task: TaskRef {
            endpoint: "desk".into(),
            task: id.into(),
        },
        agent: "billing".into(),
        value: serde_json::from_value::<Task>(item.clone()).unwrap(),
        raw: item.to_string().into(),
        line: 2,
        state_since: at(0),
        handoff_open: false,
        changed_at: at(0),
    }))
}

fn question(id: &str, due: i64, more: Value) -> Box<EscalationRecord> {
    let mut item = json!({
        "id": id, "version": "1", "taskId": "t1", "kind": "approval", "title": format!("Question {id}"),
        "message": "Please", "status": "pending",
    });
    item.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    Box::new(EscalationRecord {
        agent: who("billing"),
        value: serde_json::from_value::<Escalation>(item.clone()).unwrap(),
        raw: item.to_string().into(),
        action_raw: item
            .get("proposedAction")
            .map(|action| action.to_string().into()),
        line: 2,
        created_at: at(0),
        due_at: at(due),
        fallback: "hold".into(),
        edition: 0,
        phase: EscalationPhase::Pending,
    })
}

fn found(rule: &str, severity: &str, state: &str) -> Change {
    let mut finding: Finding = serde_json::from_value(json!({
        "at": at(0), "rule": rule, "severity": severity, "endpoints": ["desk"], "agents": ["billing"], "tasks": ["desk/t1"],
        "resource": "field:crm/contact.email", "summary": format!("About {rule}."),
        "evidence": [{"line": 2, "pointer": "/status/tasks/0/status"}], "resolutions": [], "state": state,
    }))
    .unwrap();
    finding.episode = format!("{rule}|t1");
    Change::Finding(Box::new(finding))
}

fn sample(seconds: i64, used: f64, reset: Option<i64>) -> Change {
    let value: Quota = serde_json::from_value(json!({
        "pool": {"provider": "anthropic"},
        "windows": [{"name": "tokens", "unit": "tokens", "limit": 1000.0, "used": used, "remaining": 1000.0 - used,
            "resetAt": reset.map(at)}],
        "headers": [],
    }))
    .unwrap();
    Change::Quota(Record {
        agent: who("billing"),
        value,
        raw: "{}".into(),
        line: 2,
        at: at(seconds),
    })
}

fn fleet(changes: Vec<Change>) -> Fleet {
    fleet_of(&[("desk", "native", "cancel")], changes)
}

impl Fleet {
    fn opened(&self, seconds: i64, id: &str) -> engine::api::views::EscalationView {
        let request = EscalationRequest {
            endpoint: "desk".into(),
            escalation: id.into(),
        };
        self.see(seconds, |glance| escalation::escalation(glance, &request))
            .unwrap()
    }
}

fn inbox_says(changes: Vec<Change>, seconds: i64, expected: &str) {
    assert_eq!(fleet(changes).see(seconds, inbox::inbox).title, expected);
}

#[test]
fn an_answer_that_the_endpoint_does_not_take_says_so() {
    let asked = question(
        "e1",
        600,
        json!({"proposedAction": {"name": "mail.send"}, "taskId": "t1"}),
    );
    let gestures = fleet(vec![Change::Escalation(asked)])
        .opened(1, "e1")
        .gestures;
    let reason = |outcome: Outcome| {
        let gesture = gestures.iter().find(|gesture| gesture.outcome == outcome);
        gesture.unwrap().cannot.as_deref()
    };
    assert_eq!(reason(Outcome::Approve), Some("It takes no approvals."));
    assert_eq!(reason(Outcome::Edit), Some("It takes no edited action."));
    assert_eq!(reason(Outcome::Reject), None);
    assert_eq!(reason(Outcome::Cancel), None);
}

#[test]
fn findings_that_say_the_same_are_one_card_which_names_the_others() {
    let again = |number: u32| match found("schema-violation", "warning", "open") {
        Change::Finding(mut finding) => {
            finding.episode = format!("schema-violation|t{number}");
            finding.tasks = vec![format!("desk/t{number}")];
            Change::Finding(finding)
        }
        other => other,
    };
    let fleet = fleet(vec![
        again(1),
        again(2),
        again(3),
        found("unowned-resource", "warning", "open"),
    ]);
    let groups = fleet.see(10, inbox::inbox).groups;
    let looks = groups
        .iter()
        .find(|group| group.id == "worth-a-look")
        .unwrap();
    let mut counts: Vec<u32> = looks.items.iter().map(|item| item.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 3]);
    let card = looks.items.iter().find(|item| item.count == 3).unwrap();
    let request = FindingRequest {
        key: card.key.clone(),
    };
    let opened = fleet
        .see(10, |glance| finding::finding(glance, &request))
        .unwrap();
    assert_eq!(opened.alike.len(), 2);
    assert!(opened.alike.iter().all(|one| one.key != card.key));
}

#[test]
fn each_group_of_the_inbox_holds_what_its_name_says() {
    let rules = [
        ("write-conflict", "needs-decision"),
        ("stall", "stopped-moving"),
        ("endpoint-stale", "stopped-moving"),
        ("quota-exhausted", "stopped-moving"),
        ("schema-violation", "worth-a-look"),
        ("quota-pressure", "worth-a-look"),
        ("unowned-resource", "worth-a-look"),
        ("review-due", "worth-a-look"),
    ];
    for (rule, group) in rules {
        let fleet = fleet(vec![found(rule, "warning", "open")]);
        let groups = fleet.see(10, inbox::inbox).groups;
        let holding: Vec<_> = groups.iter().filter(|group| group.count > 0).collect();
        assert_eq!(holding.len(), 1, "{rule}");
        assert_eq!(holding[0].id, group, "{rule}");
    }
}

#[test]
fn the_inbox_title_says_what_needs_the_person() {
    let ask = |id: &str, due: i64| Change::Escalation(question(id, due, json!({})));
    inbox_says(vec![], 0, "Nothing needs you");
    inbox_says(vec![ask("e1", 660)], 0, "1 decision, due in 11 minutes");
    inbox_says(
        vec![ask("e1", 9000), ask("e2", 660)],
        0,
        "2 decisions, the first in 11 minutes",
    );
    inbox_says(
        vec![ask("e1", 9000), ask("e2", 660)],
        660,
        "2 decisions, 1 overdue",
    );
    inbox_says(
        vec![found("stall", "warning", "open")],
        0,
        "Nothing to decide, 1 thing has stopped",
    );
    inbox_says(
        vec![found("review-due", "warning", "open")],
        0,
        "Nothing to decide, 1 thing is worth a look",
    );
    inbox_says(
        vec![found("unowned-resource", "info", "open")],
        0,
        "Nothing needs you",
    );
}

#[test]
fn groups_stand_in_fixed_order_and_each_item_in_its_own() {
    let fleet = fleet(vec![
        agent("billing"),
        Change::Escalation(question("e1", 600, json!({}))),
        found("write-conflict", "warning", "open"),
        found("stall", "warning", "open"),
        found("timeout", "warning", "open"),
        found("timeout", "warning", "cleared"),
    ]);
    let view = fleet.see(10, inbox::inbox);
    let keys: Vec<Vec<_>> = view
        .groups
        .iter()
        .map(|group| group.items.iter().map(|item| item.key.as_str()).collect())
        .collect();
    assert_eq!(
        keys,
        [
            vec!["e:desk/e1", "f:write-conflict|t1"],
            vec!["f:stall|t1"],
            vec![],
            vec!["f:timeout|t1"],
        ]
    );
    assert_eq!(fleet.see(10, inbox::waiting), 3);
}

#[test]
fn an_action_is_drawn_token_by_token_and_its_class_decides_the_gesture() {
    let action = json!({"name": "shell", "command": ["git", "push", "--force"], "cwd": "/srv", "env": {"A": "1", "B": 1}});
    let fleet = fleet(vec![
        agent("billing"),
        task("t1", "input-required", json!({})),
        task("t2", "submitted", json!({"dependsOn": ["t1"]})),
        Change::Escalation(question("e1", 600, json!({"proposedAction": action}))),
    ]);
    let view = fleet.opened(1, "e1");
    let drawn = view.action.unwrap();
    let command: Vec<_> = drawn
        .command
        .iter()
        .map(|token| token.text.as_str())
        .collect();
    assert_eq!(command, ["git", "push", "--force"]);
    let env: Vec<_> = drawn
        .env
        .iter()
        .map(|pair| pair.value.text.as_str())
        .collect();
    assert_eq!(env, ["\"1\"", "1"], "text and numbers look different");
    assert_eq!(view.risk, RiskClass::Destructive);
    assert_eq!(view.reversibility, "No, and there is no undo time.");
    assert_eq!(view.blocks, ["Task t2"]);
    let approve = view
        .gestures
        .iter()
        .find(|gesture| gesture.outcome == Outcome::Approve)
        .unwrap();
    assert!(approve.arm && approve.hold && !approve.safest);
    let safest: Vec<_> = view
        .gestures
        .iter()
        .filter(|gesture| gesture.safest)
        .map(|gesture| gesture.outcome)
        .collect();
    assert_eq!(safest, [Outcome::Reject]);
}

#[test]
fn an_answered_question_says_where_the_answer_is_and_offers_nothing_more() {
    let record = question(
        "e1",
        600,
        json!({"proposedAction": {"name": "mail.send", "target": "output:mail/supplier"}}),
    );
    let fleet = fleet(vec![
        task("t1", "working", json!({})),
        Change::Escalation(record.clone()),
    ]);
    let binding = binding_of(&record);
    assert_eq!(fleet.opened(1, "e1").binding_hash, binding);
    let answer = Answer {
        version: "1",
        binding_hash: &binding,
        outcome: Outcome::Approve,
        option_id: None,
        edited_action: None,
        payload: None,
        message: None,
        shown_ms: 5000,
        reached_end: true,
        overtaken_by: None,
        decided_by: DecidedBy::Person,
    };
    let id = "01890000-0000-7000-8000-000000000001".into();
    let decision = decide(&record, &answer, &Circumstances::default(), id, at(5)).unwrap();
    fleet
        .store
        .write(move |tx| tables::decisions::record(tx, at(5), &decision, binding_of))
        .unwrap();
    let view = fleet.opened(6, "e1");
    assert_eq!(view.phase, EscalationPhase::Answered);
    assert_eq!(view.gestures, []);
    assert_eq!(view.blocked_reason.as_deref(), Some("You answered it."));
    assert!(
        view.decision
            .unwrap()
            .sentence
            .contains("can be taken back")
    );
    let history: Vec<_> = view
        .history
        .iter()
        .map(|line| line.sentence.as_str())
        .collect();
    assert_eq!(history, ["billing asked.", "Approved by you."]);
}

#[test]
fn a_question_about_what_belongs_to_another_agent_says_so() {
    let fleet = fleet(vec![Change::Escalation(question(
        "e1",
        600,
        json!({"proposedAction": {"name": "set", "target": "field:crm/contact.email"}}),
    ))]);
    let document = Ownership {
        rules: vec![Rule {
            resource: "field:crm/**".into(),
            owner: Some("crm-sync".into()),
            ..Rule::default()
        }],
        ..Ownership::default()
    };
    fleet
        .store
        .write(move |tx| tables::ownership::save(tx, at(0), 0, &document, "First"))
        .unwrap();
    let view = fleet.opened(1, "e1");
    assert_eq!(view.touches[0].owner.as_deref(), Some("crm-sync"));
    assert_eq!(
        view.rule_broken.as_deref(),
        Some("field:crm/contact.email belongs to crm-sync, and billing asks to act on it.")
    );
}

#[test]
fn nothing_can_be_answered_after_the_hard_end() {
    let fleet = fleet(vec![Change::Escalation(question(
        "e1",
        600,
        json!({"expiresAt": at(600)}),
    ))]);
    let view = fleet.opened(599, "e1");
    assert!(view.hard_deadline && view.blocked_reason.is_none());
    assert_eq!(view.at_zero, "It expires; nothing is done.");
    let view = fleet.opened(600, "e1");
    assert!(view.blocked_reason.is_some() && view.gestures.is_empty());
}

#[test]
fn a_finding_shows_its_facts_in_sentences() {
    let fleet = fleet(vec![found("stall", "warning", "open")]);
    let line = json!({"at": at(0), "endpoint": "desk", "status": {"agent": {"id": "billing"}, "tasks": [
        {"id": "t1", "title": "Invoices", "status": {"state": "working"}}]}});
    fleet
        .store
        .write(move |tx| {
            let kind = tables::facts::FactKind::Status;
            tables::facts::append(tx, at(0), kind, Some(&"desk".into()), &line.to_string())
        })
        .unwrap();
    let request = FindingRequest {
        key: "f:stall|t1".into(),
    };
    let view = fleet
        .see(10, |glance| finding::finding(glance, &request))
        .unwrap();
    assert_eq!(
        view.evidence[0].sentence.text,
        "billing reports \"Invoices\" as working."
    );
    assert_eq!(view.evidence[0].at, Some(at(0)));
}

fn page(column: &str) -> BoardRequest {
    BoardRequest {
        group: BoardGroup::Status,
        pages: vec![PageRequest {
            column: column.to_owned(),
            offset: 0,
            limit: 50,
        }],
        filter: String::new(),
        problems_only: false,
    }
}

#[test]
fn the_board_title_says_what_stopped_and_what_waits() {
    let asks = |id| task(id, "input-required", json!({}));
    let works = |id| task(id, "working", json!({}));
    for (changes, title) in [
        (vec![], "No tasks yet"),
        (vec![works("t1")], "1 task running, nothing has stopped"),
        (
            vec![works("t1"), task("t2", "submitted", json!({}))],
            "1 task running, nothing has stopped",
        ),
        (
            vec![task("t2", "submitted", json!({}))],
            "Nothing is running, 1 queued",
        ),
        (
            vec![works("t1"), asks("t2"), asks("t3")],
            "1 task running, 2 need you",
        ),
        (vec![asks("t2")], "Nothing is running, 1 needs you"),
        (
            vec![works("t1"), asks("t2"), found("stall", "warning", "open")],
            "1 task stopped 40 minutes ago, 1 needs you",
        ),
        (
            vec![task("t1", "completed", json!({}))],
            "Nothing is running",
        ),
    ] {
        let view = fleet(changes).see(2400, |glance| board::board(glance, &page("running")));
        assert_eq!(view.title, title);
    }
}

#[test]
fn the_title_of_the_limits_says_no_more_than_is_known() {
    let steady = [(0, 80.0), (60, 80.0), (120, 80.0)];
    for (samples, title) in [
        (&steady[..], "The limit is not running out"),
        (&steady[..1], "When the limit runs out cannot be told yet"),
        (&[], "No limits seen yet"),
    ] {
        let changes = samples.iter().map(|(at, used)| sample(*at, *used, None));
        let view = fleet(changes.collect()).see(120, limits::limits);
        assert_eq!(view.title, title);
    }
}

#[test]
fn the_board_counts_all_columns_and_gives_the_asked_cards_only() {
    let fleet = fleet(vec![
        task(
            "t1",
            "working",
            json!({"progress": {"done": 4.0, "total": 10.0}}),
        ),
        task("t2", "working", json!({})),
        task("t3", "completed", json!({})),
        found("stall", "warning", "open"),
    ]);
    let view = fleet.see(2400, |glance| board::board(glance, &page("running")));
    assert_eq!(view.title, "1 task stopped 40 minutes ago");
    let counts: Vec<_> = view
        .columns
        .iter()
        .map(|column| (column.count, column.cards.len()))
        .collect();
    assert_eq!(
        counts,
        [(0, 0), (2, 2), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0)]
    );
    let cards = &view.columns[1].cards;
    assert_eq!(
        (cards[0].shape, cards[0].progress),
        (Shape::Stalled, Some(0.4))
    );
    assert_eq!(cards[1].shape, Shape::Running);
    let problems = BoardRequest {
        problems_only: true,
        ..page("running")
    };
    let view = fleet.see(0, |glance| board::board(glance, &problems));
    assert_eq!((view.columns[1].count, view.columns[4].count), (1, 0));
}

#[test]
fn cards_of_an_endpoint_that_does_not_answer_are_marked_as_old() {
    let mut fleet = fleet(vec![task("t1", "working", json!({}))]);
    let stale = |fleet: &Fleet| {
        fleet
            .see(1, |glance| board::board(glance, &page("running")))
            .columns[1]
            .cards[0]
            .stale
    };
    assert!(!stale(&fleet));
    fleet.present.endpoints.clear();
    assert!(stale(&fleet), "not asked yet is not the same as answering");
}

fn endpoint_is(error: Option<PollError>, paused: bool, expected: (Health, &str)) {
    let mut fleet = fleet(vec![]);
    let pulse = fleet
        .present
        .endpoints
        .get_mut(&domain::ids::EndpointId::from("desk"))
        .unwrap();
    if let Some(error) = error {
        pulse.answer = Some(Err(error));
    }
    if paused {
        let mut row = fleet.store.read(tables::endpoints::list).unwrap().remove(0);
        row.paused = true;
        fleet
            .store
            .write(move |tx| tables::endpoints::put(tx, &row))
            .unwrap();
    }
    let view = fleet.see(30, agents::agents).endpoints.remove(0);
    assert_eq!((view.health, view.sentence.as_str()), expected);
}

#[test]
fn each_way_of_not_answering_has_its_own_words() {
    let error = |kind, http_status| {
        Some(PollError {
            kind,
            http_status,
            retry_after_seconds: None,
            detail: None,
        })
    };
    endpoint_is(None, false, (Health::Online, "It answers."));
    endpoint_is(
        None,
        true,
        (Health::Paused, "Paused by you; it is not asked."),
    );
    for (error, health, begin) in [
        (
            error(PollErrorKind::Connect, None),
            Health::Unreachable,
            "No connection could be made.",
        ),
        (
            error(PollErrorKind::Timeout, None),
            Health::Unreachable,
            "It did not answer in time.",
        ),
        (
            error(PollErrorKind::Http, Some(500)),
            Health::Unreachable,
            "It answered with status 500.",
        ),
        (
            error(PollErrorKind::Http, Some(401)),
            Health::Unauthorized,
            "It asks for a login.",
        ),
        (
            error(PollErrorKind::Invalid, None),
            Health::Incompatible,
            "Its answer cannot be read.",
        ),
    ] {
        let sentence =
            format!("{begin} It last answered 30 seconds ago; what it said then is kept.");
        endpoint_is(error, false, (health, &sentence));
    }
}

fn limit_says(samples: &[(i64, f64)], reset: Option<i64>, now: i64, level: &str, forecast: &str) {
    let changes = samples
        .iter()
        .map(|(at, used)| sample(*at, *used, reset))
        .collect();
    let view = fleet(changes).see(now, limits::limits);
    let window = &view.pools[0].windows[0];
    assert_eq!(
        (window.level.as_str(), window.forecast.as_str()),
        (level, forecast),
        "{samples:?}"
    );
}

/// An agent may report as often as it likes: of very many samples the newest are read, and what they do not show is nobody's.
#[test]
fn of_very_many_samples_of_a_limit_the_newest_say_who_used_it() {
    let changes = (0..30_000).map(|second| sample(second, second as f64 / 40.0, None));
    let view = fleet(changes.collect()).see(30_000, limits::limits);
    let window = &view.pools[0].windows[0];
    assert!(window.used_percent.is_some_and(|used| used > 74.9));
    let [seen] = window.seen.as_slice() else {
        panic!("one agent used it: {:?}", window.seen);
    };
    assert_eq!(seen.agent, "billing");
    assert!((seen.percent - 50.0).abs() < 0.01, "{}", seen.percent);
}

#[test]
fn a_limit_says_whether_it_lasts_and_how_sure_that_is() {
    let steady = [(0, 100.0), (300, 400.0), (600, 700.0)];
    limit_says(
        &steady,
        Some(7200),
        600,
        "ok",
        "Runs out in 5 minutes, 105 minutes before its reset.",
    );
    limit_says(&steady, Some(900), 600, "ok", "Lasts until it starts anew.");
    limit_says(
        &steady[..2],
        Some(7200),
        300,
        "ok",
        "Not measured often enough yet to say when it runs out.",
    );
    limit_says(
        &[(0, 100.0), (60, 90.0), (120, 90.0)],
        None,
        120,
        "ok",
        "Not measured often enough yet to say when it runs out.",
    );
    limit_says(
        &[(0, 80.0), (60, 80.0), (120, 80.0)],
        None,
        120,
        "ok",
        "Lasts at the present rate.",
    );
    limit_says(
        &[(0, 760.0)],
        Some(7200),
        10,
        "warn",
        "Not measured often enough yet to say when it runs out.",
    );
    limit_says(
        &[(0, 950.0)],
        Some(7200),
        900,
        "high",
        "The numbers are 15 minutes old.",
    );
    limit_says(
        &[(0, 1000.0)],
        Some(600),
        10,
        "out",
        "Used up; it starts anew in 9 minutes.",
    );
    limit_says(
        &[(0, 1000.0)],
        Some(600),
        601,
        "high",
        "It has started anew since; no newer numbers yet.",
    );
}

#[test]
fn things_are_found_by_a_piece_of_their_name() {
    let fleet = fleet(vec![
        agent("billing"),
        task("t1", "working", json!({"title": "Send the bill"})),
        Change::Escalation(question("e1", 600, json!({"title": "Bill twice?"}))),
    ]);
    let find = |text: &str| -> Vec<String> {
        let request = SearchRequest {
            text: text.into(),
            limit: 20,
        };
        let view = fleet.see(0, |glance| search::search(glance, &request));
        view.hits.into_iter().map(|hit| hit.route).collect()
    };
    assert_eq!(
        find("BILL"),
        ["#/agents/desk", "#/inbox/e%3Adesk%2Fe1", "#/board/desk/t1"]
    );
    assert_eq!(find("#bill"), ["#/board/desk/t1"]);
    assert_eq!(find("nothing like it"), [""; 0]);
}

#[test]
fn tasks_findings_and_questions_are_found_by_all_their_words_however_they_are_typed() {
    let fleet = fleet(vec![
        agent("billing"),
        task(
            "t-1841",
            "working",
            json!({"title": "Réconcile the März invoices"}),
        ),
        task("t-2", "completed", json!({"title": "Something else"})),
        found("write-conflict", "warning", "open"),
        Change::Escalation(question(
            "e1",
            600,
            json!({"title": "Pay it?", "message": "The supplier Northwind waits"}),
        )),
    ]);
    let find = |text: &str| -> Vec<String> {
        let request = SearchRequest {
            text: text.into(),
            limit: 20,
        };
        let view = fleet.see(0, |glance| search::search(glance, &request));
        view.hits
            .into_iter()
            .map(|hit| format!("{} {}", hit.kind, hit.route))
            .collect()
    };
    let task = ["task #/board/desk/t-1841".to_owned()];
    for typed in [
        "invoices reconcile",
        "marz INVO",
        "#t-1841",
        "#1841",
        "invoices AND \"reconcile\"*".replace("AND ", "").as_str(),
    ] {
        assert_eq!(find(typed), task, "{typed}");
    }
    assert_eq!(find("!northwind"), ["decision #/inbox/e%3Adesk%2Fe1"]);
    assert_eq!(
        find("write-conflict"),
        ["finding #/inbox/f%3Awrite-conflict%7Ct1"]
    );
    assert_eq!(
        find("crm contact email"),
        ["finding #/inbox/f%3Awrite-conflict%7Ct1"]
    );
    // Whatever is typed is words, never a question to the database.
    for hostile in [
        "\"",
        "'; DROP TABLE texts; --",
        "a OR b NOT c",
        "title:*",
        "^x",
        "NEAR(a b, 2)",
        "*",
        "((((",
        "-",
        "\u{0}",
        "\u{202e}x",
        "💥 💥",
    ] {
        find(hostile);
    }
    find(&"word ".repeat(10_000));
    find(&"x".repeat(1_000_000));
    assert_eq!(find("something else"), ["task #/board/desk/t-2"]);
}

#[test]
fn a_task_with_a_new_title_is_found_by_the_new_one_only() {
    let fleet = fleet(vec![task(
        "t1",
        "working",
        json!({"title": "Sort the oranges"}),
    )]);
    fleet
        .store
        .write(|tx| {
            apply_all(
                tx,
                &[task("t1", "working", json!({"title": "Sort the lemons"}))],
            )
        })
        .unwrap();
    let find = |text: &str| {
        let request = SearchRequest {
            text: text.into(),
            limit: 20,
        };
        fleet
            .see(0, |glance| search::search(glance, &request))
            .hits
            .len()
    };
    assert_eq!((find("lemons"), find("oranges")), (1, 0));
    fleet
        .store
        .write(|tx| tables::tasks::forget(tx, &"desk".into()))
        .unwrap();
    assert_eq!(find("lemons"), 0);
}

#[test]
fn the_day_of_an_endpoint_has_forty_eight_slots() {
    let fleet = fleet(vec![]);
    fleet
        .store
        .write(|tx| tables::health::count(tx, &"desk".into(), at(0) - TimeDelta::hours(1), 5, 1))
        .unwrap();
    let history = fleet.see(60, agents::agents).endpoints.remove(0).history;
    let states: Vec<_> = history
        .iter()
        .map(|slot| slot.state.as_str())
        .filter(|state| *state != "none")
        .collect();
    assert_eq!((history.len(), states), (48, vec!["mixed"]));
}

/// To make it go on can be to say yes: what waits is answered, or stopped.
#[test]
fn no_question_is_offered_to_be_retried_continued_or_nudged() {
    for kind in [
        "approval",
        "question",
        "form",
        "auth",
        "conflict",
        "exception",
    ] {
        for more in [
            json!({}),
            json!({"proposedAction": {"name": "mail.send", "args": {}}}),
            json!({"responseSchema": {"type": "string"}}),
            json!({"options": [{"id": "yes", "label": "Yes"}, {"id": "no", "label": "No"}]}),
        ] {
            let mut item = json!({"kind": kind});
            item.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            let asked = Change::Escalation(question("e1", 600, item));
            for state in ["working", "input-required", "auth-required", "unknown"] {
                let opened = fleet(vec![task("t1", state, json!({})), asked.clone()]);
                let view = opened.opened(1, "e1");
                assert!(!view.gestures.is_empty(), "{kind} {more}");
                for gesture in view.gestures {
                    let label = gesture.label.to_lowercase();
                    let pushes = ["retry", "try again", "continue", "nudge", "resume", "go on"];
                    assert!(
                        !pushes.iter().any(|word| label.contains(word)),
                        "{kind} {state}: {label}"
                    );
                }
            }
        }
    }
}

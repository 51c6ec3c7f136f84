//! Who has what needs a person, by when and by which rule, and in which order it stands; and how often a task was begun.

use domain::{
    change::{Change, TaskRecord},
    ids::TaskRef,
    ownership::{Exception, Ownership},
};
use engine::api::{
    board, finding, inbox,
    views::{AttemptView, FindingRequest, InboxItem, TaskRequest},
};
use serde_json::{Value, json};
use store::{apply_all, tables};

use crate::{
    fleet::{Fleet, at, fleet_of},
    found, question,
};

fn exception(agents: &str, to: &str, hours: f64, priority: i64, fallback: &str) -> Exception {
    Exception {
        agents: vec![agents.to_owned()],
        route_to: Some(to.to_owned()),
        sla_hours: Some(hours),
        priority: Some(priority),
        fallback: Some(fallback.to_owned()),
    }
}

fn ruled(exceptions: Vec<Exception>, changes: Vec<Change>) -> Fleet {
    let fleet = fleet_of(&[("desk", "native", "cancel")], changes);
    let document = Ownership {
        exceptions,
        ..Ownership::default()
    };
    fleet
        .store
        .write(move |tx| tables::ownership::save(tx, at(0), 0, &document, "Rules."))
        .unwrap();
    fleet
}

/// The same rule's finding about another agent.
fn of_agent(rule: &str, severity: &str, agent: &str) -> Change {
    match found(rule, severity, "open") {
        Change::Finding(mut finding) => {
            finding.episode = format!("{rule}|{agent}");
            finding.summary = format!("About {rule} of {agent}.");
            finding.agents = vec![agent.into()];
            Change::Finding(finding)
        }
        other => other,
    }
}

fn items(fleet: &Fleet, seconds: i64, group: &str) -> Vec<InboxItem> {
    let groups = fleet.see(seconds, inbox::inbox).groups;
    let group = groups.into_iter().find(|known| known.id == group).unwrap();
    group.items
}

#[test]
fn a_finding_says_who_has_it_by_when_and_what_happens_then() {
    let fleet = ruled(
        vec![
            exception("other", "eve", 1.0, 1, "hold"),
            exception("bill*", "ann", 2.0, 3, "hand-over:bob"),
        ],
        vec![found("write-conflict", "warning", "open")],
    );
    for (seconds, to, overdue, because, at_due) in [
        (
            0,
            "ann",
            false,
            "By the second exception rule.",
            "It goes to bob; nothing is done.",
        ),
        (
            7_200,
            "bob",
            true,
            "It went on from ann when it was due.",
            "Nobody answered in time, so it went to bob. Nothing else was done.",
        ),
    ] {
        let card = items(&fleet, seconds, "needs-decision").remove(0);
        let route = card.route.clone().unwrap();
        assert_eq!((card.due_at, card.overdue), (Some(at(7_200)), overdue));
        assert_eq!((route.rule, route.priority), (Some(2), Some(3)));
        assert_eq!(
            (
                route.to.as_str(),
                route.because.as_str(),
                route.at_due.as_str()
            ),
            (to, because, at_due)
        );
        let request = FindingRequest { key: card.key };
        let opened = fleet.see(seconds, |glance| finding::finding(glance, &request));
        assert_eq!(opened.unwrap().route, Some(route));
    }
    assert_eq!(
        fleet.see(7_200, inbox::inbox).title,
        "1 decision, overdue",
        "what was found is late like a question"
    );
}

#[test]
fn what_is_over_is_nobodys_any_more() {
    let fleet = ruled(vec![], vec![found("write-conflict", "warning", "open")]);
    let over = [found("write-conflict", "warning", "cleared")];
    fleet.store.write(move |tx| apply_all(tx, &over)).unwrap();
    let card = items(&fleet, 10, "handled").remove(0);
    assert_eq!((card.due_at, card.route), (None, None));
    let request = FindingRequest { key: card.key };
    let opened = fleet.see(10, |glance| finding::finding(glance, &request));
    assert_eq!(opened.unwrap().route, None);
}

#[test]
fn questions_and_findings_stand_in_one_order_by_priority_and_then_by_due_time() {
    let ask = |id: &str, due: i64| Change::Escalation(question(id, due, json!({})));
    let changes = vec![
        ask("late", 50_000),
        ask("soon", 1_000),
        of_agent("write-conflict", "warning", "shop"),
        of_agent("scope-overreach", "critical", "mail"),
        of_agent("deadlock", "warning", "nobody"),
    ];
    let fleet = ruled(
        vec![
            exception("shop", "me", 2.0, 2, "hold"),
            exception("mail", "me", 1.0, 2, "hold"),
            exception("billing", "me", 24.0, 5, "hold"),
        ],
        changes,
    );
    let titles: Vec<String> = items(&fleet, 0, "needs-decision")
        .into_iter()
        .map(|card| card.title.text)
        .collect();
    assert_eq!(
        titles,
        [
            "About scope-overreach of mail.",
            "About write-conflict of shop.",
            "Question soon",
            "Question late",
            "About deadlock of nobody.",
        ]
    );
}

#[test]
fn a_question_is_routed_as_a_finding_is() {
    let mut asked = question("q1", 3_600, json!({}));
    asked.fallback = "refuse".to_owned();
    let fleet = ruled(
        vec![exception("billing", "ann", 1.0, 1, "refuse")],
        vec![Change::Escalation(asked)],
    );
    let before = fleet.opened(0, "q1").route;
    assert_eq!(
        (
            before.to.as_str(),
            before.because.as_str(),
            before.at_due.as_str()
        ),
        (
            "ann",
            "By the one exception rule there is.",
            "It is refused."
        )
    );
    let card = items(&fleet, 0, "needs-decision").remove(0);
    assert_eq!(card.route, Some(before));
}

/// A task's record as facts would tell it.
fn told(seconds: i64, state: &str, more: Value) -> Change {
    let mut item = json!({"id": "t1", "title": "Report", "status": {"state": state}});
    for (name, member) in more.as_object().unwrap() {
        match name.as_str() {
            "message" => item["status"]["message"] = member.clone(),
            _ => item[name.as_str()] = member.clone(),
        }
    }
    Change::Task(Box::new(TaskRecord {
        task: TaskRef {
            endpoint: "desk".into(),
            task: "t1".into(),
        },
        agent: "billing".into(),
        value: serde_json::from_value(item.clone()).unwrap(),
        raw: item.to_string().into(),
        line: 2,
        state_since: at(seconds),
        handoff_open: false,
        changed_at: at(seconds),
    }))
}

fn attempts(changes: Vec<Change>) -> Vec<AttemptView> {
    let fleet = fleet_of(&[("desk", "native", "cancel")], changes);
    let request = TaskRequest {
        endpoint: "desk".into(),
        task: "t1".to_owned(),
    };
    let view = fleet.see(1, |glance| board::task(glance, &request));
    view.unwrap().attempts
}

/// Number, beginning, end, reason and sentence.
type Begun<'a> = (Option<u64>, Option<i64>, Option<i64>, &'a str, &'a str);

/// All of them, newest first.
#[track_caller]
fn begun(changes: Vec<Change>, expected: &[Begun<'_>]) {
    let views = attempts(changes);
    let told: Vec<_> = views
        .iter()
        .map(|view| {
            (
                view.attempt,
                view.began_at,
                view.ended_at,
                view.reason.as_ref().map_or("", |reason| &reason.text),
                view.sentence.as_str(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(number, began, ended, reason, sentence)| {
            (*number, began.map(at), ended.map(at), *reason, *sentence)
        })
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn each_attempt_at_a_task_is_kept_with_its_beginning_its_end_and_the_reason() {
    let number = |attempt: u64| json!({"attempt": attempt});
    begun(
        vec![
            told(0, "submitted", number(1)),
            told(10, "working", number(1)),
            told(
                70,
                "failed",
                json!({"attempt": 1, "message": "The mail server is away."}),
            ),
            told(80, "submitted", number(2)),
            told(90, "working", number(2)),
            told(
                95,
                "working",
                json!({"attempt": 2, "title": "Report again"}),
            ),
            // It never said how the second one ended.
            told(100, "working", number(4)),
        ],
        &[
            (Some(4), Some(100), None, "", "It goes on."),
            (
                Some(2),
                Some(90),
                Some(100),
                "",
                "Another one began before it was said how this one ended. It took 10 seconds.",
            ),
            (
                Some(1),
                Some(10),
                Some(70),
                "The mail server is away.",
                "It failed. It took 1 minute.",
            ),
        ],
    );
}

#[test]
fn a_task_that_begins_anew_without_counting_is_another_attempt_all_the_same() {
    begun(
        vec![
            told(0, "working", json!({"startedAt": at(0)})),
            told(30, "submitted", json!({"startedAt": at(0)})),
            told(40, "working", json!({"startedAt": at(0)})),
            told(50, "completed", json!({"startedAt": at(0)})),
        ],
        &[
            (
                None,
                Some(40),
                Some(50),
                "",
                "It was completed. It took 10 seconds.",
            ),
            (
                None,
                Some(0),
                Some(30),
                "",
                "Another one began before it was said how this one ended. It took 30 seconds.",
            ),
        ],
    );
}

#[test]
fn words_while_it_goes_on_and_losing_sight_of_it_are_no_new_attempt() {
    begun(
        vec![
            told(0, "working", json!({"message": "Reading"})),
            told(10, "unknown", json!({})),
            told(20, "input-required", json!({"attempt": 1})),
        ],
        &[(Some(1), Some(0), None, "", "It waits for you.")],
    );
}

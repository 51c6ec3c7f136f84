//! Swap: the agent exchanges what was answered - any member, at any moment from the click to the confirmation, with or
//! without a new version. What has not left ends and is asked anew; what has left stands, and the exchange is said.

use serde_json::{Value, json};

use crate::{
    Row,
    desk::{ACTION, Desk, Members, digest, document_of, item, until},
    row,
};

/// How far the answer is when the agent exchanges its question.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// In its undo time.
    Held,
    /// Decided, while nobody is connected to the agent.
    Paused,
    /// Decided, while the agent refuses connections.
    Away,
    /// The agent has it and has not answered.
    Sending,
    /// The agent took it (202).
    Sent,
    /// The agent applied it.
    Applied,
}
use When::*;

const OTHER: &str = r#"{"name":"shell","target":"output:mail/marta","args":{"cmd":"rm -rf /"}}"#;

/// What is exchanged, when, and for what.
const EXCHANGES: &[(&str, When, Members<'static>)] = &[
    ("another action", Held, &[("proposedAction", OTHER)]),
    (
        "another target",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/all","args":{"to":"marta","copies":1}}"#,
        )],
    ),
    (
        "another argument",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"marta","copies":9}}"#,
        )],
    ),
    (
        "a number as text",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"marta","copies":"1"}}"#,
        )],
    ),
    (
        "a space between two arguments",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"marta", "copies":1}}"#,
        )],
    ),
    (
        "the order of two arguments",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/marta","args":{"copies":1,"to":"marta"}}"#,
        )],
    ),
    (
        "a letter written as an escape",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"m\u0061rta","copies":1}}"#,
        )],
    ),
    (
        "a command beside it",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","command":["true"],"target":"output:mail/marta","args":{"to":"marta","copies":1}}"#,
        )],
    ),
    (
        "a folder beside it",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","cwd":"/","target":"output:mail/marta","args":{"to":"marta","copies":1}}"#,
        )],
    ),
    (
        "an environment beside it",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","env":{"LD_PRELOAD":"x.so"},"target":"output:mail/marta","args":{"to":"marta","copies":1}}"#,
        )],
    ),
    (
        "a diff beside it",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","diff":"+ more","target":"output:mail/marta","args":{"to":"marta","copies":1}}"#,
        )],
    ),
    (
        "an unknown member of the action",
        Held,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"marta","copies":1},"then":"delete it"}"#,
        )],
    ),
    ("no action any more", Held, &[("proposedAction", "")]),
    ("the title", Held, &[("title", r#""Delete the mailbox?""#)]),
    (
        "the message",
        Held,
        &[("message", r#""It deletes all others too.""#)],
    ),
    ("the kind", Held, &[("kind", r#""question""#)]),
    (
        "an option's id",
        Held,
        &[(
            "options",
            r#"[{"id":"go2","label":"Go","effect":"Sends it","intent":"approve"},{"id":"stop","label":"Stop","effect":"Sends nothing","intent":"reject"}]"#,
        )],
    ),
    (
        "an option's label",
        Held,
        &[(
            "options",
            r#"[{"id":"go","label":"Go on","effect":"Sends it","intent":"approve"},{"id":"stop","label":"Stop","effect":"Sends nothing","intent":"reject"}]"#,
        )],
    ),
    (
        "an option's effect",
        Held,
        &[(
            "options",
            r#"[{"id":"go","label":"Go","effect":"Deletes it","intent":"approve"},{"id":"stop","label":"Stop","effect":"Sends nothing","intent":"reject"}]"#,
        )],
    ),
    (
        "two options' intents",
        Held,
        &[(
            "options",
            r#"[{"id":"go","label":"Go","effect":"Sends it","intent":"reject"},{"id":"stop","label":"Stop","effect":"Sends nothing","intent":"approve"}]"#,
        )],
    ),
    ("no options any more", Held, &[("options", "")]),
    (
        "an answer's schema",
        Held,
        &[("responseSchema", r#"{"type":"object"}"#)],
    ),
    ("the severity", Held, &[("severity", r#""low""#)]),
    (
        "the end",
        Held,
        &[("expiresAt", r#""2098-01-05T09:00:30Z""#)],
    ),
    ("no end any more", Held, &[("expiresAt", "")]),
    (
        "the time it was asked",
        Held,
        &[("createdAt", r#""2026-01-05T09:00:31Z""#)],
    ),
    ("the task it is for", Held, &[("taskId", r#""t2""#)]),
    ("an unknown member", Held, &[("x-note", r#""do more""#)]),
    ("the version alone", Held, &[("version", r#""2""#)]),
    (
        "another action in a new version",
        Held,
        &[("version", r#""2""#), ("proposedAction", OTHER)],
    ),
    (
        "an earlier version",
        Held,
        &[("version", r#""0""#), ("proposedAction", OTHER)],
    ),
    (
        "a version that is a number",
        Held,
        &[("version", "1"), ("proposedAction", OTHER)],
    ),
    ("another action", Paused, &[("proposedAction", OTHER)]),
    (
        "another action in a new version",
        Paused,
        &[("version", r#""2""#), ("proposedAction", OTHER)],
    ),
    (
        "the title",
        Paused,
        &[("title", r#""Delete the mailbox?""#)],
    ),
    (
        "two options' intents",
        Paused,
        &[(
            "options",
            r#"[{"id":"go","label":"Go","effect":"Sends it","intent":"reject"},{"id":"stop","label":"Stop","effect":"Sends nothing","intent":"approve"}]"#,
        )],
    ),
    ("another action", Away, &[("proposedAction", OTHER)]),
    (
        "the message",
        Away,
        &[("message", r#""It deletes all others too.""#)],
    ),
    (
        "another action in a new version",
        Away,
        &[("version", r#""2""#), ("proposedAction", OTHER)],
    ),
    ("another action", Sending, &[("proposedAction", OTHER)]),
    (
        "the title",
        Sending,
        &[("title", r#""Delete the mailbox?""#)],
    ),
    (
        "another action in a new version",
        Sending,
        &[("version", r#""2""#), ("proposedAction", OTHER)],
    ),
    ("another action", Sent, &[("proposedAction", OTHER)]),
    (
        "the message",
        Sent,
        &[("message", r#""It deletes all others too.""#)],
    ),
    (
        "another action in a new version",
        Sent,
        &[("version", r#""2""#), ("proposedAction", OTHER)],
    ),
    ("another action", Applied, &[("proposedAction", OTHER)]),
    (
        "an argument's spelling",
        Applied,
        &[(
            "proposedAction",
            r#"{"name":"mail.send","target":"output:mail/marta","args":{"to":"m\u0061rta","copies":1}}"#,
        )],
    ),
    ("an unknown member", Applied, &[("x-note", r#""do more""#)]),
    (
        "another action in a new version",
        Applied,
        &[("version", r#""2""#), ("proposedAction", OTHER)],
    ),
    (
        "another action, shown as settled",
        Applied,
        &[("status", r#""resolved""#), ("proposedAction", OTHER)],
    ),
];

pub(crate) fn rows() -> Vec<Row> {
    let exchanges = EXCHANGES
        .iter()
        .map(|&(what, when, after)| row(format!("{what}, {when:?}"), exchange(when, after)));
    let mut all: Vec<_> = exchanges.collect();
    all.extend([
        row("back and forth", back_and_forth()),
        row("taken back and asked again", withdrawn_and_asked_again()),
        row(
            "gone and asked again with another action",
            gone_and_asked_again(),
        ),
        row(
            "settled with another action after it was taken",
            settled_as_another(),
        ),
        row("settled elsewhere in the undo time", settled_elsewhere()),
        row(
            "another agent of the endpoint takes the name over",
            taken_over(),
        ),
        row("one name twice in a document", twice_in_a_document()),
        row("a member of the action twice", member_twice()),
        row(
            "a member of the action twice in the undo time",
            member_twice_when_held(),
        ),
        row(
            "the bytes exchanged between look and click",
            between_look_and_click(),
        ),
        row("an edit is bound to the edited bytes", edited()),
        row("an edit of what was exchanged meanwhile", edited_late()),
        row("a hash made up", made_up_hash()),
        row("another action on a later page", on_a_later_page()),
        row("another action in a later piece", in_a_later_piece()),
        row("what cannot be read, Held", unreadable(Held)),
        row("what cannot be read, Paused", unreadable(Paused)),
        row("what cannot be read, Away", unreadable(Away)),
        row("what cannot be read, Sent", unreadable_when_sent(Sent)),
        row(
            "what cannot be read, Applied",
            unreadable_when_sent(Applied),
        ),
        row(
            "an exchange is said until the person has seen it",
            said_until_seen(),
        ),
    ]);
    all
}

fn after_words(view: &Value) -> String {
    view["altered"]["after"]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Approves, exchanges, and looks at what is said and sent.
async fn exchange(when: When, after: Members<'static>) {
    let (desk, view) = Desk::with(&[]).await;
    match when {
        Sending => desk.agent.answers(false),
        Sent => desk.agent.replies("202 Accepted", "{}"),
        Away => desk.agent.goes_away().await,
        Held | Paused | Applied => {}
    }
    let decision = desk.decides(&view, "approve").await;
    assert_eq!(decision["state"], "held");
    match when {
        Held => {}
        Paused => {
            desk.edit_endpoint(json!({ "paused": true })).await;
            desk.stands("q1", &["queued"]).await;
        }
        Away => drop(desk.stands("q1", &["queued"]).await),
        Sending => drop(desk.sent(1).await),
        Sent => drop(desk.stands("q1", &["sent"]).await),
        Applied => drop(desk.stands("q1", &["applied"]).await),
    }
    desk.serves(&[item(after)]);
    match when {
        Paused => desk.edit_endpoint(json!({ "paused": false })).await,
        Away => comes_back(&desk).await,
        Sending => desk.agent.answers(true),
        _ => {}
    }
    if matches!(when, Held | Paused | Away) {
        not_sent(desk, &view, &item(after)).await;
    } else {
        sent_and_said(desk, when, &item(after)).await;
    }
}

/// What was approved never leaves; the person answers what stands there now, and only that arrives.
async fn not_sent(desk: Desk, before: &Value, after: &str) {
    let view = desk.shown("q1", |view| view["altered"].is_object()).await;
    assert_eq!(view["phase"], "pending", "{view:#}");
    assert_eq!(view["decision"], Value::Null);
    assert_eq!(view["altered"]["left"], false);
    let sentence = view["altered"]["sentence"].as_str().unwrap_or_default();
    assert!(
        sentence.starts_with("Changed before your answer left"),
        "{sentence}"
    );
    assert!(sentence.contains("Nothing was sent"), "{sentence}");
    assert_eq!(view["altered"]["before"]["text"], item(&[]).as_str());
    assert_eq!(after_words(&view), after);
    assert_eq!(desk.agent.posts(), []);
    desk.refuses(
        before,
        &json!({}),
        "changed",
        "has changed since you looked",
    )
    .await;
    // Held as long as the approval would have been: had that left, it would be there first.
    desk.decides(&view, "reject").await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("outcome"), "reject");
    assert_eq!(posts[0].told("actionDigest"), view["actionDigest"]);
    assert_eq!(
        posts[0].version,
        format!("\"{}\"", view["version"].as_str().expect("text"))
    );
    desk.end();
}

/// What left is what was seen, with one key; the card says what stands there now, as the worst of all.
async fn sent_and_said(desk: Desk, when: When, after: &str) {
    let view = desk.shown("q1", |view| view["altered"].is_object()).await;
    assert_eq!(view["altered"]["left"], true);
    let sentence = view["altered"]["sentence"].as_str().unwrap_or_default();
    assert!(
        sentence.starts_with("Changed after you answered"),
        "{sentence}"
    );
    assert_eq!(view["altered"]["before"]["text"], item(&[]).as_str());
    assert_eq!(after_words(&view), after);
    let card = desk.card("e:clerk/q1").await.expect("it is in the inbox");
    assert_eq!(card["severity"], "critical", "{card:#}");
    assert_eq!(card["stateLabel"], "Changed after you answered");
    // What it took is asked after once more, with the same key and bytes.
    let posts = desk.sent(if when == Sent { 2 } else { 1 }).await;
    assert!(posts.iter().all(|post| *post == posts[0]), "{posts:#?}");
    assert_eq!(posts[0].told("outcome"), "approve");
    assert_eq!(posts[0].told("actionDigest"), digest(ACTION));
    assert_eq!(posts[0].version, "\"1\"");
    desk.end();
}

async fn back_and_forth() {
    let (desk, first) = Desk::with(&[]).await;
    desk.decides(&first, "approve").await;
    let other = item(&[("proposedAction", OTHER)]);
    desk.serves(&[other]);
    desk.shown("q1", |view| view["altered"].is_object()).await;
    desk.serves(&[item(&[])]);
    let view = desk
        .shown("q1", |view| view["actionDigest"] == digest(ACTION).as_str())
        .await;
    assert_eq!(view["phase"], "pending");
    assert_eq!(view["decision"], Value::Null);
    desk.decides(&view, "reject").await;
    assert_eq!(desk.sent(1).await[0].told("outcome"), "reject");
    desk.end();
}

async fn withdrawn_and_asked_again() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    desk.serves(&[item(&[("status", r#""withdrawn""#)])]);
    desk.stands("q1", &["expired"]).await;
    desk.serves(&[item(&[("proposedAction", OTHER)])]);
    let view = desk.shown("q1", |view| view["phase"] == "pending").await;
    assert_eq!(view["actionDigest"], digest(OTHER));
    assert_eq!(view["decision"], Value::Null);
    desk.decides(&view, "reject").await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("outcome"), "reject");
    assert_eq!(posts[0].told("actionDigest"), digest(OTHER));
    desk.end();
}

async fn gone_and_asked_again() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    desk.serves(&[]);
    desk.polled().await;
    desk.serves(&[item(&[("proposedAction", OTHER)])]);
    let view = desk
        .shown("q1", |view| view["actionDigest"] == digest(OTHER).as_str())
        .await;
    assert_eq!(view["phase"], "pending");
    desk.decides(&view, "reject").await;
    assert_eq!(desk.sent(1).await[0].told("outcome"), "reject");
    desk.end();
}

async fn settled_as_another() {
    let (desk, view) = Desk::with(&[]).await;
    desk.agent.replies("202 Accepted", "{}");
    desk.decides(&view, "approve").await;
    desk.stands("q1", &["sent"]).await;
    desk.serves(&[item(&[
        ("proposedAction", OTHER),
        ("status", r#""resolved""#),
    ])]);
    let card = loop {
        desk.polled().await;
        if let Some(card) = desk
            .card("e:clerk/q1")
            .await
            .filter(|card| !card["stateLabel"].is_null())
        {
            break card;
        }
    };
    assert_eq!(card["stateLabel"], "Changed after you answered");
    assert_eq!(card["severity"], "critical");
    let view = desk.look("clerk", "q1").await.expect("it is shown");
    assert_ne!(view["decision"]["state"], "applied");
    assert_eq!(
        after_words(&view),
        item(&[("proposedAction", OTHER), ("status", r#""resolved""#)])
    );
    assert_eq!(desk.sent(1).await[0].told("actionDigest"), digest(ACTION));
    desk.end();
}

async fn settled_elsewhere() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    desk.serves(&[item(&[("status", r#""resolved""#)])]);
    let view = desk.stands("q1", &["already-resolved"]).await;
    assert_eq!(view["decision"]["sentence"], "Somebody else was first.");
    desk.nothing_sent().await;
    desk.end();
}

async fn taken_over() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    let mallory = [item(&[("proposedAction", OTHER)])];
    desk.agent.serves(document_of("mallory", &mallory));
    let view = desk.shown("q1", |view| view["agent"] == "mallory").await;
    assert_eq!(view["phase"], "pending");
    assert_eq!(view["decision"], Value::Null);
    desk.decides(&view, "reject").await;
    assert_eq!(desk.sent(1).await[0].told("actionDigest"), digest(OTHER));
    desk.end();
}

async fn twice_in_a_document() {
    let both = [item(&[]), item(&[("proposedAction", OTHER)])];
    let desk = Desk::new(&both).await;
    let view = desk.shown("q1", |_| true).await;
    desk.decides(&view, "approve").await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("actionDigest"), view["actionDigest"]);
    desk.end();
}

const TWICE: &str = r#"{"name":"mail.send","args":{"to":"marta","to":"all"}}"#;

async fn member_twice() {
    let desk = Desk::new(&[
        item(&[("id", r#""q2""#)]),
        item(&[("proposedAction", TWICE)]),
    ])
    .await;
    desk.shown("q2", |_| true).await;
    let error = desk
        .look("clerk", "q1")
        .await
        .expect_err("it is no question");
    assert_eq!(error.code, "missing");
    let letters = desk
        .api
        .call("deadLetters", json!({}))
        .await
        .expect("it answers");
    assert!(letters.to_string().contains("stands twice"), "{letters:#}");
    desk.nothing_sent().await;
    desk.end();
}

async fn member_twice_when_held() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    desk.serves(&[item(&[("proposedAction", TWICE)])]);
    given_back(desk, &view).await;
}

/// Words that are none of the contract.
const NONSENSE: Members<'static> = &[("kind", r#""nonsense""#), ("proposedAction", OTHER)];

async fn unreadable(when: When) {
    let (desk, view) = Desk::with(&[]).await;
    match when {
        Away => desk.agent.goes_away().await,
        Paused => desk.edit_endpoint(json!({ "paused": true })).await,
        _ => {}
    }
    desk.decides(&view, "approve").await;
    if when != Held {
        desk.stands("q1", &["queued"]).await;
    }
    desk.serves(&[item(NONSENSE)]);
    match when {
        Away => comes_back(&desk).await,
        Paused => desk.edit_endpoint(json!({ "paused": false })).await,
        _ => {}
    }
    given_back(desk, &view).await;
}

async fn comes_back(desk: &Desk) {
    desk.agent.comes_back();
    let poll = json!({ "endpoint": "clerk" });
    desk.api.call("pollNow", poll).await.expect("it is asked");
}

/// It did not leave, and cannot be given again until the question can be read again; then it is asked anew.
async fn given_back(desk: Desk, before: &Value) {
    let history = |view: &Value| view["history"].to_string();
    let view = desk
        .shown("q1", |view| {
            history(view).contains("Given back to you: clerk sent something")
        })
        .await;
    assert_eq!(view["phase"], "pending", "{view:#}");
    assert_eq!(view["decision"], Value::Null);
    assert_eq!(view["gestures"], json!([]));
    let reason = view["blockedReason"].as_str().unwrap_or_default();
    assert!(reason.contains("cannot be read"), "{reason}");
    for outcome in ["approve", "reject"] {
        let answer = json!({ "outcome": outcome });
        desk.refuses(before, &answer, "changed", "cannot be read")
            .await;
    }
    desk.nothing_sent().await;
    desk.serves(&[item(&[])]);
    let view = desk
        .shown("q1", |view| view["blockedReason"].is_null())
        .await;
    desk.decides(&view, "reject").await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("outcome"), "reject");
    assert_eq!(posts[0].told("actionDigest"), digest(ACTION));
    desk.end();
}

async fn unreadable_when_sent(when: When) {
    let (desk, view) = Desk::with(&[]).await;
    if when == Sent {
        desk.agent.replies("202 Accepted", "{}");
    }
    desk.decides(&view, "approve").await;
    let state = if when == Sent { "sent" } else { "applied" };
    desk.stands("q1", &[state]).await;
    desk.serves(&[item(NONSENSE)]);
    let view = desk.shown("q1", |view| view["altered"].is_object()).await;
    assert_eq!(view["altered"]["left"], true);
    assert_eq!(view["altered"]["before"]["text"], item(&[]).as_str());
    assert_eq!(after_words(&view), item(NONSENSE));
    let card = desk.card("e:clerk/q1").await.expect("it is in the inbox");
    assert_eq!(card["severity"], "critical", "{card:#}");
    assert_eq!(card["stateLabel"], "Changed after you answered");
    desk.sent(1).await;
    desk.end();
}

/// What is asked now stands on a page that comes after the agent is there again.
async fn on_a_later_page() {
    let (desk, view) = Desk::with(&[]).await;
    desk.agent.goes_away().await;
    desk.decides(&view, "approve").await;
    desk.stands("q1", &["queued"]).await;
    let first = document_of("clerk", &[item(&[("id", r#""q0""#)])]);
    let first = first.replace(r#""pollAfterSeconds":1"#, r#""nextCursor":"1""#);
    let other = item(&[("proposedAction", OTHER)]);
    let last = document_of("clerk", std::slice::from_ref(&other));
    desk.agent.goes_on(false);
    desk.agent.serves_pages(vec![first, last]);
    comes_back(&desk).await;
    desk.shown("q0", |_| true).await;
    until("the second page is asked for", || desk.agent.asked_on() > 0).await;
    assert_eq!(desk.agent.posts(), []);
    desk.agent.goes_on(true);
    not_sent(desk, &view, &other).await;
}

/// The same within one page that is committed piece by piece.
async fn in_a_later_piece() {
    let (desk, view) = Desk::with(&[]).await;
    desk.agent.goes_away().await;
    desk.decides(&view, "approve").await;
    desk.stands("q1", &["queued"]).await;
    let other = item(&[("proposedAction", OTHER)]);
    let ids = (0..400).map(|number| format!(r#""p{number}""#));
    let mut items: Vec<_> = ids.map(|id| item(&[("id", &id)])).collect();
    items.push(other.clone());
    desk.serves(&items);
    comes_back(&desk).await;
    not_sent(desk, &view, &other).await;
}

async fn between_look_and_click() {
    let (desk, view) = Desk::with(&[]).await;
    desk.serves(&[item(&[("proposedAction", OTHER)])]);
    desk.shown("q1", |view| view["actionDigest"] == digest(OTHER).as_str())
        .await;
    for outcome in ["approve", "reject", "cancel"] {
        desk.refuses(
            &view,
            &json!({ "outcome": outcome }),
            "changed",
            "nothing was decided",
        )
        .await;
    }
    desk.nothing_sent().await;
    desk.end();
}

async fn edited() {
    let (desk, view) = Desk::with(&[]).await;
    let edited = r#"{"name":"mail.send", "args":{"to":"nobody"}}"#;
    let answer = json!({ "outcome": "edit", "editedAction": edited });
    desk.answer(&view, &answer).await.expect("it is taken");
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("actionDigest"), digest(edited));
    assert!(posts[0].body.contains(edited), "{}", posts[0].body);
    desk.end();
}

async fn edited_late() {
    let (desk, view) = Desk::with(&[]).await;
    desk.serves(&[item(&[("proposedAction", OTHER)])]);
    desk.shown("q1", |view| view["actionDigest"] == digest(OTHER).as_str())
        .await;
    let answer = json!({ "outcome": "edit", "editedAction": ACTION });
    desk.refuses(&view, &answer, "changed", "has changed since you looked")
        .await;
    let twice = json!({ "outcome": "edit", "editedAction": TWICE });
    let view = desk.look("clerk", "q1").await.expect("it is shown");
    desk.refuses(&view, &twice, "invalid", "stands twice").await;
    desk.nothing_sent().await;
    desk.end();
}

async fn made_up_hash() {
    let (desk, view) = Desk::with(&[]).await;
    for hash in [json!(""), json!("00"), view["actionDigest"].clone()] {
        desk.refuses(
            &view,
            &json!({ "bindingHash": hash }),
            "changed",
            "nothing was decided",
        )
        .await;
    }
    desk.refuses(
        &view,
        &json!({ "version": "2" }),
        "changed",
        "nothing was decided",
    )
    .await;
    desk.refuses(
        &view,
        &json!({ "escalation": "q2" }),
        "missing",
        "no such question",
    )
    .await;
    desk.nothing_sent().await;
    desk.end();
}

async fn said_until_seen() {
    let (desk, view) = Desk::with(&[]).await;
    let decision = desk.decides(&view, "approve").await;
    desk.stands("q1", &["applied"]).await;
    desk.serves(&[item(&[
        ("proposedAction", OTHER),
        ("status", r#""resolved""#),
    ])]);
    desk.shown("q1", |view| view["altered"].is_object()).await;
    let label = desk.card("e:clerk/q1").await.expect("a card")["stateLabel"].clone();
    assert_eq!(label, "Changed after you answered");
    let seen = json!({ "decisionId": decision["id"] });
    desk.api
        .call("acknowledgeAlteration", seen)
        .await
        .expect("it is kept");
    let view = desk
        .shown("q1", |view| view["altered"]["seen"] == true)
        .await;
    assert!(
        view["history"]
            .to_string()
            .contains("You have seen what stands in its place.")
    );
    let card = desk.card("e:clerk/q1").await;
    assert!(card.is_none_or(|card| card["stateLabel"] != label));
    assert_eq!(desk.sent(1).await[0].told("actionDigest"), digest(ACTION));
    desk.end();
}

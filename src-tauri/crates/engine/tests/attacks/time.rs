//! Time: answers that would leave after their end, long after they were given, or because nobody said anything; and taking
//! back what has not left, however long that takes.

use chrono::{TimeDelta, Utc};
use domain::{
    decision::{Answer, Circumstances, DecidedBy, Outcome, binding_of, decide},
    ids::DecisionId,
    time::Time,
};
use engine::api::Api;
use serde_json::{Value, json};
use store::tables::{decisions, escalations};

use crate::{
    Row,
    agent::Agent,
    desk::{Desk, digest, document_of, item},
    identity::{REFUSE, ruled},
    row,
    screen::reopen,
};

const DESTROY: (&str, &str) = (
    "proposedAction",
    r#"{"name":"files.delete","args":{"path":"/srv"}}"#,
);

pub(crate) fn rows() -> Vec<Row> {
    let mut all = vec![
        row("the end comes in the undo time", ends_held("approve")),
        row(
            "the end comes in the undo time of a refusal",
            ends_held("reject"),
        ),
        row("the end comes while the answer waits", ends_queued()),
        row("the end comes before the click", ends_before_click()),
        row("the end was over when it was asked", over_when_asked()),
        row("the end is put off after it was over", put_off()),
        row(
            "what leaves at once leaves before its end",
            leaves_before_end(),
        ),
        row("nobody answers, and the rule refuses", lapses(REFUSE)),
        row("nobody answers, and the question stays", stays()),
        row("a rule that would approve is no rule", no_rule_approves()),
        row(
            "taken back after the undo time, while nobody is connected",
            undone_late(),
        ),
        row(
            "taken back after the undo time, while connections are refused",
            undone_away(),
        ),
        row("taken back when it is on its way", undone_when_sending()),
        row("taken back when it has arrived", undone_when_applied()),
        row("taken back twice", undone_twice()),
        row("taken back, and answered otherwise", undone_and_answered()),
        row("the app ends in the undo time", restarted()),
        row("no patience at all", no_patience()),
        row(
            "an agent that says when it was asked",
            asked_in_the_future(),
        ),
    ];
    for gone in ["404 Not Found", "410 Gone", "412 Precondition Failed"] {
        all.push(row(
            format!("the app ends before it hears that it was taken, then {gone}"),
            lost_with_the_app(gone),
        ));
        all.push(row(
            format!("an error of the agent after it was taken, then {gone}"),
            lost_at_the_agent(gone),
        ));
    }
    all.push(row(
        "another agent acts, and the app ends before it looks",
        acted_before_the_end(),
    ));
    for (what, outcome, action, is_sent) in OLD {
        all.push(row(*what, old(*outcome, *action, *is_sent)));
    }
    all
}

fn at(seconds: i64) -> String {
    json!((Utc::now() + TimeDelta::seconds(seconds)).to_rfc3339()).to_string()
}

/// A question that was answered before its end; the end lies this many seconds after it was asked. A machine that is too slow
/// to answer in time is asked anew.
async fn ending(outcome: &str, seconds: i64) -> Desk {
    let desk = Desk::new(&[]).await;
    for version in 0.. {
        let number = version.to_string();
        desk.serves(&[item(&[("version", &number), ("expiresAt", &at(seconds))])]);
        let view = desk.shown("q1", |view| view["version"] == number).await;
        let answer = json!({ "outcome": outcome });
        if desk.answer(&view, &answer).await.is_ok() {
            break;
        }
    }
    desk
}

async fn ends_held(outcome: &'static str) {
    let desk = ending(outcome, 9).await;
    let view = desk.stands("q1", &["expired"]).await;
    assert_eq!(
        view["decision"]["detail"],
        "Its deadline passed before the answer could leave."
    );
    desk.nothing_sent().await;
    desk.end();
}

async fn ends_queued() {
    let desk = ending("approve", 15).await;
    desk.edit_endpoint(json!({ "paused": true })).await;
    desk.stands("q1", &["queued"]).await;
    let over = Utc::now() + TimeDelta::seconds(15);
    crate::desk::until("the end", || Utc::now() > over).await;
    desk.edit_endpoint(json!({ "paused": false })).await;
    desk.stands("q1", &["expired"]).await;
    desk.nothing_sent().await;
    desk.end();
}

async fn ends_before_click() {
    let (desk, view) = Desk::with(&[("expiresAt", &at(4))]).await;
    let over = desk
        .shown("q1", |view| !view["blockedReason"].is_null())
        .await;
    assert_eq!(over["gestures"], json!([]));
    for outcome in ["approve", "reject", "cancel"] {
        desk.refuses(
            &view,
            &json!({ "outcome": outcome }),
            "settled",
            "has expired; nothing was decided",
        )
        .await;
    }
    desk.nothing_sent().await;
    desk.end();
}

async fn over_when_asked() {
    let (desk, view) = Desk::with(&[("expiresAt", r#""2026-01-05T10:00:00Z""#)]).await;
    let words = "It has expired: the agent accepts no answer any more.";
    assert_eq!(view["blockedReason"], words);
    desk.refuses(&view, &json!({}), "settled", "has expired")
        .await;
    desk.nothing_sent().await;
    desk.end();
}

async fn put_off() {
    let (desk, view) = Desk::with(&[("expiresAt", &at(2))]).await;
    desk.shown("q1", |view| !view["blockedReason"].is_null())
        .await;
    desk.serves(&[item(&[])]);
    let again = desk
        .shown("q1", |view| view["blockedReason"].is_null())
        .await;
    desk.refuses(&view, &json!({}), "changed", "has changed since you looked")
        .await;
    desk.decides(&again, "reject").await;
    assert_eq!(desk.sent(1).await[0].told("outcome"), "reject");
    desk.end();
}

async fn leaves_before_end() {
    let (desk, view) = Desk::with(&[("expiresAt", &at(600)), DESTROY]).await;
    desk.decides(&view, "approve").await;
    assert_eq!(
        desk.sent(1).await[0].told("actionDigest"),
        digest(DESTROY.1)
    );
    desk.end();
}

async fn lapses(rules: &str) {
    let (desk, _) = Desk::with(&[]).await;
    ruled(&desk, rules).await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("outcome"), "reject");
    assert_eq!(
        posts[0].told("message"),
        "Nobody answered in time, so it is refused."
    );
    desk.end();
}

async fn stays() {
    let (desk, _) = Desk::with(&[]).await;
    ruled(&desk, &REFUSE.replace("refuse", "hold")).await;
    let view = desk.shown("q1", |_| true).await;
    assert_eq!(
        view["atZero"],
        "Nobody answered in time. It stays open; nothing was done."
    );
    assert_eq!(view["phase"], "pending");
    desk.nothing_sent().await;
    desk.end();
}

async fn no_rule_approves() {
    let (desk, _) = Desk::with(&[]).await;
    let rules = REFUSE.replace("refuse", "approve");
    // Whether the rule is refused or nothing is made of it.
    if desk
        .api
        .call("importOwnership", json!({ "text": rules }))
        .await
        .is_ok()
    {
        let save = json!({ "baseRevision": 0, "sentence": null });
        drop(desk.api.call("saveDraft", save).await);
    }
    desk.polled().await;
    let view = desk.shown("q1", |_| true).await;
    assert_eq!(view["phase"], "pending");
    assert_eq!(view["decision"], Value::Null);
    desk.nothing_sent().await;
    desk.end();
}

/// Taken back from there on: nothing arrives, and the question waits.
async fn comes_back(desk: &Desk) {
    let waiting = desk.stands("q1", &["queued"]).await;
    assert_eq!(waiting["decision"]["canUndo"], true);
    let sentence = waiting["decision"]["sentence"].as_str().unwrap_or_default();
    assert!(
        sentence.contains("has not left yet, and can be taken back"),
        "{sentence}"
    );
    desk.undo(&waiting["decision"])
        .await
        .expect("it has not left");
}

async fn undone_late() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    desk.edit_endpoint(json!({ "paused": true })).await;
    comes_back(&desk).await;
    desk.edit_endpoint(json!({ "paused": false })).await;
    desk.nothing_sent().await;
    assert_eq!(desk.shown("q1", |_| true).await["phase"], "pending");
    desk.end();
}

async fn undone_away() {
    let (desk, view) = Desk::with(&[]).await;
    desk.agent.goes_away().await;
    desk.decides(&view, "approve").await;
    comes_back(&desk).await;
    desk.agent.comes_back();
    desk.api
        .call("pollNow", json!({ "endpoint": "clerk" }))
        .await
        .expect("it is asked");
    desk.nothing_sent().await;
    let view = desk.shown("q1", |_| true).await;
    assert_eq!(view["phase"], "pending");
    assert!(view["history"].to_string().contains("Taken back by you."));
    desk.end();
}

async fn too_late(desk: &Desk, decision: &Value) {
    let error = desk.undo(decision).await.expect_err("it has left");
    assert_eq!(error.code, "settled");
    assert!(error.message.contains("the decision has left"), "{error}");
}

async fn undone_when_sending() {
    let (desk, view) = Desk::with(&[DESTROY]).await;
    desk.agent.answers(false);
    let decision = desk.decides(&view, "approve").await;
    desk.sent(1).await;
    too_late(&desk, &decision).await;
    let view = desk.shown("q1", |_| true).await;
    assert_eq!(view["decision"]["canUndo"], false);
    desk.agent.answers(true);
    desk.stands("q1", &["applied"]).await;
    desk.sent(1).await;
    desk.end();
}

async fn undone_when_applied() {
    let (desk, view) = Desk::with(&[DESTROY]).await;
    let decision = desk.decides(&view, "approve").await;
    desk.stands("q1", &["applied"]).await;
    too_late(&desk, &decision).await;
    too_late(&desk, &json!({ "id": "made-up" })).await;
    desk.sent(1).await;
    desk.end();
}

async fn undone_twice() {
    let (desk, view) = Desk::with(&[]).await;
    let decision = desk.decides(&view, "approve").await;
    desk.undo(&decision).await.expect("it has not left");
    assert_eq!(
        desk.undo(&decision).await.expect_err("it is back").code,
        "settled"
    );
    desk.nothing_sent().await;
    desk.end();
}

async fn undone_and_answered() {
    let (desk, view) = Desk::with(&[]).await;
    let first = desk.decides(&view, "approve").await;
    desk.refuses(
        &view,
        &json!({ "outcome": "reject" }),
        "settled",
        "you approved it",
    )
    .await;
    desk.undo(&first).await.expect("it has not left");
    let second = desk.decides(&view, "reject").await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("outcome"), "reject");
    assert_eq!(second["id"], posts[0].key);
    desk.end();
}

/// Ends the app, and starts it again on the same folder after `between`.
async fn again(desk: Desk, between: impl FnOnce(&store::Store)) -> Desk {
    let Desk { api, agent, folder } = desk;
    api.end();
    drop(api);
    between(&reopen(folder.path()).await);
    drop(reopen(folder.path()).await);
    let api = Api::open(folder.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    Desk { api, agent, folder }
}

async fn restarted() {
    let (desk, view) = Desk::with(&[]).await;
    let decision = desk.decides(&view, "approve").await;
    let desk = again(desk, |_| {}).await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].key, decision["id"]);
    assert_eq!(posts[0].told("outcome"), "approve");
    desk.stands("q1", &["applied"]).await;
    desk.sent(1).await;
    desk.end();
}

/// Answers that were given two hours before they can leave, and whether they leave then.
const OLD: &[(&str, Outcome, (&str, &str), bool)] = &[
    (
        "an outward act approved long ago",
        Outcome::Approve,
        ("severity", r#""medium""#),
        false,
    ),
    (
        "a destructive act approved long ago",
        Outcome::Approve,
        DESTROY,
        false,
    ),
    (
        "a yes to no action, given long ago",
        Outcome::Approve,
        ("proposedAction", ""),
        false,
    ),
    ("a refusal given long ago", Outcome::Reject, DESTROY, true),
    (
        "an answer in words given long ago",
        Outcome::Respond,
        ("severity", r#""medium""#),
        false,
    ),
];

/// As the app would have written it then.
fn record(store: &store::Store, outcome: Outcome, then: Time, origin: String) {
    let record = store.read(|reader| escalations::get(reader, &"clerk".into(), &"q1".into()));
    let record = record.expect("it is read").expect("it is there");
    let hash = binding_of(&record);
    let answer = Answer {
        version: &record.value.version,
        binding_hash: &hash,
        outcome,
        option_id: None,
        edited_action: None,
        payload: None,
        message: Some("As you like"),
        shown_ms: 9000,
        reached_end: true,
        overtaken_by: None,
        decided_by: DecidedBy::Person,
    };
    let key = DecisionId::from("0190a000-0000-7000-8000-000000000001");
    let decision = decide(&record, &answer, &Circumstances::default(), key, then);
    let mut decision = decision.expect("it can be answered");
    decision.origin = Some(origin);
    let recorded = store.write(move |tx| decisions::record(tx, then, &decision, binding_of));
    assert_eq!(recorded.expect("it is written"), decisions::Recorded::Yes);
}

async fn old(outcome: Outcome, member: (&'static str, &'static str), is_sent: bool) {
    let (desk, _) = Desk::with(&[member]).await;
    let long_ago = Utc::now() - TimeDelta::hours(2);
    let origin = format!("http://127.0.0.1:{}", desk.agent.port);
    let desk = again(desk, move |store| record(store, outcome, long_ago, origin)).await;
    if is_sent {
        assert_eq!(desk.sent(1).await[0].told("outcome"), json!(outcome));
        return desk.end();
    }
    stays_here(desk, "approved long before it could be sent").await;
}

/// It is given back with these words, and nothing arrives.
async fn stays_here(desk: Desk, words: &str) {
    let given = |view: &Value| view["history"].to_string().contains(words);
    let view = desk.shown("q1", given).await;
    assert_eq!(view["phase"], "pending");
    assert_eq!(view["decision"], Value::Null);
    desk.nothing_sent().await;
    desk.end();
}

/// Approved a moment before the other's act was heard of; the app ended before it could hold the approval up.
async fn acted_before_the_end() {
    let (desk, _) = Desk::with(&[]).await;
    let then = Utc::now();
    let wrote = r#""accesses":[{"id":"w1","resource":"output:mail/marta","mode":"write","at":"2026-01-05T09:01:00Z"}]"#;
    let other = document_of("mona", &[]);
    let other = other.replace(r#""escalations":[]"#, wrote);
    let mona = Agent::start(other);
    desk.add("mona", &mona).await;
    desk.shown("q1", |view| view["overtaken"].is_object()).await;
    let origin = format!("http://127.0.0.1:{}", desk.agent.port);
    let desk = again(desk, move |store| {
        record(store, Outcome::Approve, then, origin)
    })
    .await;
    stays_here(desk, "another agent acted on the same thing before it left").await;
}

/// Nobody can say that it was not done.
async fn cannot_be_told(desk: Desk) {
    let view = desk
        .stands("q1", &["unknown", "expired", "changed", "applied"])
        .await;
    assert_eq!(
        view["decision"]["state"], "unknown",
        "{:#}",
        view["decision"]
    );
    let detail = view["decision"]["detail"].as_str().unwrap_or_default();
    assert!(
        detail.starts_with("An earlier attempt may have arrived"),
        "{detail}"
    );
    // A slow machine may try once more before the agent changes its answer.
    let posts = desk.agent.posts();
    assert!(posts.len() > 1, "{posts:#?}");
    assert!(
        posts.windows(2).all(|two| two[0] == two[1]),
        "the same key and bytes: {posts:#?}"
    );
    desk.end();
}

async fn lost_with_the_app(gone: &'static str) {
    let (desk, view) = Desk::with(&[]).await;
    desk.agent.answers(false);
    desk.decides(&view, "approve").await;
    desk.sent(1).await;
    let Desk { api, agent, folder } = desk;
    api.end();
    drop(api);
    // It is applied, and nobody is there to hear of it.
    agent.answers(true);
    drop(reopen(folder.path()).await);
    agent.replies(gone, "{}");
    let api = Api::open(folder.path(), None, Box::new(|_| Ok(()))).expect("it starts");
    cannot_be_told(Desk { api, agent, folder }).await;
}

async fn lost_at_the_agent(gone: &'static str) {
    let (desk, view) = Desk::with(&[]).await;
    desk.agent.answers(false);
    desk.agent.replies("502 Bad Gateway", "{}");
    desk.decides(&view, "approve").await;
    desk.sent(1).await;
    desk.agent.answers(true);
    desk.stands("q1", &["queued"]).await;
    desk.agent.replies(gone, "{}");
    cannot_be_told(desk).await;
}

/// However little the person wants to wait, an approval can be given.
async fn no_patience() {
    let (desk, view) = Desk::with(&[]).await;
    desk.set(json!({ "askAgainMinutes": 0 })).await;
    desk.decides(&view, "approve").await;
    assert_eq!(desk.sent(1).await[0].told("outcome"), "approve");
    desk.end();
}

async fn asked_in_the_future() {
    let (desk, view) = Desk::with(&[("createdAt", r#""2098-01-01T00:00:00Z""#)]).await;
    assert!(
        view["createdAt"].as_str().unwrap_or_default() < "2098",
        "{view:#}"
    );
    assert_eq!(view["phase"], "pending");
    desk.nothing_sent().await;
    desk.end();
}

//! Again: the agent asks what was answered once more - started anew, after it was gone, or because it never stops listing it.
//! It is asked of the person once more, with what they said; nothing is sent by itself, and the same answer goes out with
//! the same key and bytes, another one with its own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    Row,
    desk::{ACTION, Desk, Members, item},
    row,
    screen::ask,
};

/// As an agent asks that was started anew.
const STARTED_ANEW: Members<'static> = &[
    ("createdAt", r#""2026-01-05T09:30:00Z""#),
    ("expiresAt", r#""2099-01-05T09:30:00Z""#),
];
const TAKEN: (&str, &str) = ("202 Accepted", "{}");
const REFUSED: (&str, &str) = ("422 Unprocessable Content", r#"{"error":"not like this"}"#);
const APPLIED: (&str, &str) = ("200 OK", r#"{"applied":true}"#);

pub(crate) fn rows() -> Vec<Row> {
    vec![
        row("started anew after it applied", started_anew(APPLIED)),
        row("started anew after it took", started_anew(TAKEN)),
        row("gone and back with the same bytes", gone_and_back()),
        row("settled and back with the same bytes", settled_and_back()),
        row(
            "applied and listed on",
            listed_on(APPLIED, "your answer may be lost"),
        ),
        row(
            "taken and listed on",
            listed_on(TAKEN, "your answer may be lost"),
        ),
        row(
            "refused and listed on",
            listed_on(REFUSED, "it refused your answer"),
        ),
        row("answered anew", answered_anew()),
        row("the same answer of a form", form()),
        row("the same answer unread, or another one's", not_so()),
    ]
}

/// Approved, and the answer of the agent heard.
async fn approved(answer: (&'static str, &'static str)) -> Desk {
    let (desk, view) = Desk::with(&[]).await;
    desk.agent.replies(answer.0, answer.1);
    desk.decides(&view, "approve").await;
    desk.stands("q1", &["applied", "sent", "refused"]).await;
    desk
}

/// Waits until it is asked again: in the inbox, counted there and on the rail and the board alike.
async fn asked_again(desk: &Desk, words: &str) -> Value {
    let view = desk.shown("q1", |view| view["again"].is_object()).await;
    assert_eq!(view["phase"], "pending", "{view:#}");
    assert_eq!(view["decision"], Value::Null);
    assert_eq!(view["altered"], Value::Null, "nothing was exchanged");
    let sentence = view["again"]["sentence"].as_str().unwrap_or_default();
    assert!(sentence.starts_with(words), "{sentence}");
    assert_eq!(view["again"]["answer"][0]["value"]["text"], "Approved");
    assert!(
        view["history"]
            .to_string()
            .contains("clerk asks the same again"),
        "{view:#}"
    );
    let inbox = ask(&desk.api, "inbox", json!({})).await;
    let needs = &inbox["groups"][0];
    assert_eq!(needs["count"], 1, "{inbox:#}");
    assert_eq!(needs["items"][0]["key"], "e:clerk/q1");
    assert_eq!(needs["items"][0]["stateLabel"], "Asks again");
    assert_eq!(inbox["groups"][3]["count"], 0, "it is not settled");
    let status = ask(&desk.api, "status", json!({})).await;
    assert_eq!(status["inboxCount"], 1);
    let board = ask(
        &desk.api,
        "board",
        json!({ "group": "status", "pages": [], "filter": "", "problemsOnly": false }),
    )
    .await;
    let columns = board["columns"].as_array().expect("columns");
    let waits = columns
        .iter()
        .find(|column| column["column"] == "needs-you");
    assert_eq!(waits.expect("it is drawn")["count"], 1, "{board:#}");
    // Nothing more was sent than what the person said.
    assert_eq!(desk.agent.posts().len(), 1);
    view
}

/// The gesture that sends the same answer.
fn once_more(view: &Value) -> Value {
    let gestures = view["gestures"].as_array().expect("gestures");
    let own = gestures.iter().find(|own| own["repeats"].is_string());
    own.unwrap_or_else(|| panic!("{view:#}")).clone()
}

async fn repeats(desk: &Desk, view: &Value) {
    let gesture = once_more(view);
    assert_eq!(gesture["label"], "Send the same answer");
    // As the first time.
    let first = view["gestures"].as_array().expect("gestures");
    let first = first.iter().find(|own| own["outcome"] == "approve");
    for member in ["reads", "arm", "hold"] {
        assert_eq!(gesture[member], first.expect("an approval")[member]);
    }
    let answer = json!({ "outcome": "approve", "repeats": gesture["repeats"] });
    let decision = desk.answer(view, &answer).await.expect("it counts");
    assert_eq!(
        decision["state"], "held",
        "it can be taken back like any other"
    );
    let posts = desk.sent(2).await;
    assert_eq!(posts[0], posts[1], "the same key, version and bytes");
    let view = desk.stands("q1", &["applied", "sent", "refused"]).await;
    let history = view["history"].to_string();
    assert!(
        history.contains("The same answer again, by you."),
        "{history}"
    );
}

async fn started_anew(answer: (&'static str, &'static str)) {
    let desk = approved(answer).await;
    desk.serves(&[item(STARTED_ANEW)]);
    let view = asked_again(&desk, "your answer may be lost: send the same answer").await;
    desk.polled().await;
    assert_eq!(desk.agent.posts().len(), 1, "nothing is sent by itself");
    repeats(&desk, &view).await;
    desk.end();
}

async fn gone_and_back() {
    let desk = approved(APPLIED).await;
    desk.serves(&[]);
    desk.polled().await;
    desk.serves(&[item(&[])]);
    let view = asked_again(&desk, "your answer may be lost").await;
    repeats(&desk, &view).await;
    desk.end();
}

async fn settled_and_back() {
    let desk = approved(APPLIED).await;
    desk.serves(&[item(&[("status", r#""resolved""#)])]);
    desk.polled().await;
    desk.serves(&[item(&[])]);
    let view = asked_again(&desk, "your answer may be lost").await;
    repeats(&desk, &view).await;
    desk.end();
}

async fn listed_on(answer: (&'static str, &'static str), words: &str) {
    let desk = approved(answer).await;
    let heard = Instant::now();
    desk.polled().await;
    let view = desk.look("clerk", "q1").await.expect("it is shown");
    assert_eq!(view["phase"], "answered", "a slow agent is not blamed");
    assert_eq!(view["again"], Value::Null);
    let view = asked_again(&desk, words).await;
    assert!(heard.elapsed() > Duration::from_secs(50));
    if answer == TAKEN {
        let decisions = ask(
            &desk.api,
            "escalation",
            json!({ "endpoint": "clerk", "escalation": "q1" }),
        )
        .await;
        let history = decisions["history"].to_string();
        assert!(
            history.contains("It cannot be told whether it arrived."),
            "{history}"
        );
    }
    repeats(&desk, &view).await;
    desk.end();
}

async fn answered_anew() {
    let desk = approved(APPLIED).await;
    desk.serves(&[item(STARTED_ANEW)]);
    let view = asked_again(&desk, "your answer may be lost").await;
    desk.decides(&view, "reject").await;
    let posts = desk.sent(2).await;
    assert_eq!(posts[1].told("outcome"), "reject");
    assert_ne!(
        posts[0].key, posts[1].key,
        "another answer is another decision"
    );
    desk.end();
}

/// Without an action the digest is over the whole item, its times too: the old bytes would not fit.
async fn form() {
    let plain: Members<'_> = &[
        ("kind", r#""question""#),
        ("proposedAction", ""),
        ("options", ""),
    ];
    let (desk, view) = Desk::with(plain).await;
    let words = json!({ "outcome": "respond", "message": "On Monday." });
    desk.answer(&view, &words).await.expect("it counts");
    desk.stands("q1", &["applied"]).await;
    desk.serves(&[item(&[plain, STARTED_ANEW].concat())]);
    let view = desk.shown("q1", |view| view["again"].is_object()).await;
    let cannot = view["again"]["cannot"].as_str().unwrap_or_default();
    assert!(cannot.contains("answer anew"), "{cannot}");
    let gestures = view["gestures"].as_array().expect("gestures");
    assert!(gestures.iter().all(|own| own["repeats"].is_null()));
    desk.serves(&[]);
    desk.polled().await;
    desk.serves(&[item(plain)]);
    let view = desk
        .shown("q1", |view| {
            view["again"]["cannot"].is_null() && view["phase"] == "pending"
        })
        .await;
    assert_eq!(view["again"]["answer"][1]["value"]["text"], "On Monday.");
    let answer = json!({ "outcome": "respond", "repeats": once_more(&view)["repeats"] });
    desk.answer(&view, &answer).await.expect("it counts");
    let posts = desk.sent(2).await;
    assert_eq!(posts[0], posts[1]);
    desk.end();
}

async fn not_so() {
    let desk = approved(APPLIED).await;
    desk.serves(&[item(STARTED_ANEW)]);
    let view = asked_again(&desk, "your answer may be lost").await;
    let own = once_more(&view)["repeats"].clone();
    let unread = json!({ "outcome": "approve", "repeats": own, "reachedEnd": false });
    desk.refuses(&view, &unread, "invalid", "Read the whole action")
        .await;
    // Who pressed on the card as it was before it was asked again has answered once.
    let stale = json!({ "outcome": "reject", "again": null });
    desk.refuses(&view, &stale, "changed", "another answer before this one")
        .await;
    let made_up = json!({ "outcome": "approve", "repeats": "made-up" });
    desk.refuses(&view, &made_up, "changed", "another answer before this one")
        .await;
    // Between looking and pressing, something else is put in its place.
    let other = ACTION.replace("marta", "all");
    desk.serves(&[item(&[("proposedAction", &other)])]);
    desk.shown("q1", |view| view["action"].to_string().contains("mail/all"))
        .await;
    let view = desk.look("clerk", "q1").await.expect("it is shown");
    assert_eq!(view["again"], Value::Null, "it asks something else");
    assert_eq!(view["altered"]["left"], true, "and that is said");
    let answer = json!({ "outcome": "approve", "repeats": own });
    desk.refuses(&view, &answer, "changed", "nothing was decided")
        .await;
    assert_eq!(desk.agent.posts().len(), 1);
    desk.end();
}

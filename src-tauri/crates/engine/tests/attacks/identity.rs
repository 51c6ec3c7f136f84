//! Identity: the agent borrows a name - ids that would lead to another address, one id at two endpoints, headers within a
//! version - or the endpoint is at another address by the time the answer leaves.

use serde_json::{Value, json};

use crate::{
    Row,
    agent::Agent,
    desk::{ACTION, Desk, digest, document, document_of, item},
    row,
    screen::ask,
};

/// Leaves without undo time.
const DESTROY: (&str, &str) = (
    "proposedAction",
    r#"{"name":"files.delete","args":{"path":"/srv"}}"#,
);

/// Ids that are one piece of an address, however they look.
const PIECES: &[(&str, &str)] = &[
    ("an id with a slash", "q1/decision"),
    ("an id that climbs", "../../tasks/t1"),
    ("an id with a query", "q?x=1"),
    ("an id with a fragment", "q#top"),
    ("an id with a space", "a b"),
    ("an id of three dots", "..."),
    ("an id with a percent form", "%2F"),
    ("an id with dots within", "a/../b"),
    ("an id with a backslash", "..\\q1"),
    ("an id with letters of elsewhere", "frage-ü-質問"),
    ("an id with a face", "😀"),
    ("an id with a hidden character", "q\u{200b}1"),
    ("an id written backwards", "q\u{202e}1"),
    ("an id with a zero", "q\0"),
    ("an id like another's, with another letter", "q\u{0131}"),
    ("an id with separators", "a&b=c;d+e,f:g@h"),
];

/// Ids that name nothing.
const WAYS: &[(&str, &str)] = &[
    ("a dot", "."),
    ("two dots", ".."),
    ("a dot in percent form", "%2e"),
    ("two dots in percent form", "%2E%2e"),
    ("two dots, one in percent form", ".%2e"),
    ("two dots around a tab", ".\t."),
    ("a dot and a line's end", ".\n"),
    // Addresses drop it: the answer would be one to "q1".
    ("an id with a tab", "q\t1"),
    ("an id with a line's end", "q1\r\n"),
    ("an empty id", ""),
];

pub(crate) fn rows() -> Vec<Row> {
    let pieces = PIECES
        .iter()
        .map(|&(what, id)| row(what, arrives(id.to_owned())));
    let mut all: Vec<_> = pieces.collect();
    all.extend(
        WAYS.iter()
            .map(|&(what, id)| row(what, names_nothing(id.to_owned()))),
    );
    all.extend([
        row("an id of 512 bytes", arrives("a".repeat(512))),
        row("an id of 513 bytes", names_nothing("a".repeat(513))),
        row("the address moves in the undo time", moves(false)),
        row("the address moves while the answer waits", moves(true)),
        row("the path alone moves", path_moves()),
        row("the endpoint is removed in the undo time", removed()),
        row("one id at two endpoints", at_two_endpoints()),
        row(
            "an answer given for another endpoint",
            of_another_endpoint(),
        ),
        row("an answer that is redirected", redirected()),
        row("a header within a version", version()),
        row("a version in letters of elsewhere", version_arrives()),
        row(
            "every answer has its own key, and a repeated one the same",
            keys(),
        ),
        row("what a person says is the person's", by_me()),
        row("what a rule says is the rule's", by_rule()),
    ]);
    all
}

/// The bytes of a piece of a path.
fn decoded(piece: &str) -> String {
    let mut bytes = vec![];
    let mut rest = piece.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        bytes.push(match byte {
            b'%' => (digit().expect("a digit") * 16 + digit().expect("another")) as u8,
            byte => byte,
        });
    }
    String::from_utf8(bytes).expect("text")
}

/// The id that a decision was sent to.
fn addressed(path: &str) -> String {
    let piece = path
        .strip_prefix("/escalations/")
        .and_then(|rest| rest.strip_suffix("/decision"));
    let piece = piece.unwrap_or_else(|| panic!("{path}"));
    assert!(!piece.contains('/'), "{path}");
    decoded(piece)
}

async fn arrives(id: String) {
    let name = json!(id).to_string();
    let desk = Desk::new(&[item(&[("id", &name), DESTROY]), item(&[DESTROY])]).await;
    let view = desk.shown(&id, |_| true).await;
    desk.decides(&view, "approve").await;
    let posts = desk.sent(1).await;
    assert_eq!(addressed(&posts[0].path), id);
    assert_eq!(desk.shown("q1", |_| true).await["phase"], "pending");
    desk.end();
}

async fn names_nothing(id: String) {
    let name = json!(id).to_string();
    let desk = Desk::new(&[item(&[("id", &name), DESTROY]), item(&[])]).await;
    desk.shown("q1", |_| true).await;
    let error = desk
        .look("clerk", &id)
        .await
        .expect_err("it is no question");
    assert_eq!(error.code, "missing");
    let letters = ask(&desk.api, "deadLetters", json!({})).await;
    assert!(letters.to_string().contains("escalations"), "{letters:#}");
    desk.nothing_sent().await;
    desk.end();
}

async fn moves(waits: bool) {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    if waits {
        desk.edit_endpoint(json!({ "paused": true })).await;
        desk.stands("q1", &["queued"]).await;
    }
    let other = Agent::start(document(&[item(&[])]));
    desk.edit_endpoint(json!({ "url": other.url(), "paused": false }))
        .await;
    let back = |view: &Value| {
        view["history"]
            .to_string()
            .contains("the agent is at another address now")
    };
    let view = desk.shown("q1", back).await;
    assert_eq!(view["phase"], "pending");
    assert_eq!(other.posts(), []);
    assert_eq!(desk.agent.posts(), []);
    // Seen and wanted all the same, it goes to the new address.
    desk.decides(&view, "reject").await;
    crate::desk::until("the new one hears", || other.posts().len() == 1).await;
    assert_eq!(other.posts()[0].told("outcome"), "reject");
    assert_eq!(desk.agent.posts(), []);
    desk.end();
}

async fn path_moves() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    let url = format!("http://127.0.0.1:{}/new/status", desk.agent.port);
    desk.edit_endpoint(json!({ "url": url })).await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].path, "/new/escalations/q1/decision");
    assert_eq!(posts[0].told("actionDigest"), digest(ACTION));
    desk.end();
}

async fn removed() {
    let (desk, view) = Desk::with(&[]).await;
    desk.decides(&view, "approve").await;
    ask(&desk.api, "removeEndpoint", json!({ "endpoint": "clerk" })).await;
    let other = Agent::start(document(&[item(&[])]));
    let again = desk.add("clerk", &other).await;
    let view = desk
        .shown_at(&again, "q1", |view| view["phase"] == "pending")
        .await;
    desk.decides(&view, "reject").await;
    crate::desk::until("the new one hears", || !other.posts().is_empty()).await;
    let posts = other.posts();
    assert_eq!(posts.len(), 1, "{posts:#?}");
    assert_eq!(posts[0].told("outcome"), "reject");
    assert_eq!(desk.agent.posts(), []);
    desk.end();
}

async fn at_two_endpoints() {
    let (desk, view) = Desk::with(&[DESTROY]).await;
    let other = Agent::start(document(&[item(&[DESTROY])]));
    desk.add("other", &other).await;
    let same = desk.shown_at("other", "q1", |_| true).await;
    assert_ne!(same["bindingHash"], view["bindingHash"]);
    desk.decides(&view, "approve").await;
    desk.sent(1).await;
    desk.polled().await;
    assert_eq!(other.posts(), []);
    assert_eq!(
        desk.shown_at("other", "q1", |_| true).await["phase"],
        "pending"
    );
    desk.end();
}

async fn of_another_endpoint() {
    let (desk, view) = Desk::with(&[DESTROY]).await;
    let other = Agent::start(document_of("clerk", &[item(&[DESTROY])]));
    desk.add("other", &other).await;
    desk.shown_at("other", "q1", |_| true).await;
    desk.refuses(
        &view,
        &json!({ "endpoint": "other" }),
        "changed",
        "nothing was decided",
    )
    .await;
    desk.refuses(
        &view,
        &json!({ "endpoint": "nobody" }),
        "missing",
        "no such question",
    )
    .await;
    desk.nothing_sent().await;
    assert_eq!(other.posts(), []);
    desk.end();
}

async fn redirected() {
    let (desk, view) = Desk::with(&[DESTROY]).await;
    let other = Agent::start(document(&[]));
    let elsewhere = format!("307 Temporary Redirect\r\nLocation: {}", other.url());
    desk.agent.replies(elsewhere.leak(), "{}");
    desk.decides(&view, "approve").await;
    let view = desk.stands("q1", &["unknown", "refused"]).await;
    assert_ne!(view["decision"]["state"], "applied");
    desk.sent(1).await;
    assert_eq!(other.posts(), []);
    desk.end();
}

async fn version_arrives() {
    let (desk, view) = Desk::with(&[("version", r#""vérsion""#), DESTROY]).await;
    desk.decides(&view, "approve").await;
    assert_eq!(desk.sent(1).await[0].version, "\"vérsion\"");
    desk.end();
}

async fn version() {
    let (desk, view) = Desk::with(&[("version", r#""1\r\nX-Evil: 1""#), DESTROY]).await;
    desk.decides(&view, "approve").await;
    let view = desk.stands("q1", &["refused"]).await;
    let detail = view["decision"]["detail"].as_str().unwrap_or_default();
    assert!(
        detail.contains("characters that cannot be sent"),
        "{detail}"
    );
    desk.nothing_sent().await;
    desk.end();
}

async fn keys() {
    let desk = Desk::new(&[item(&[DESTROY]), item(&[("id", r#""q2""#), DESTROY])]).await;
    desk.agent.replies("500 Internal Server Error", "{}");
    let view = desk.shown("q1", |_| true).await;
    desk.decides(&view, "approve").await;
    crate::desk::until("it is sent again", || desk.agent.posts().len() > 1).await;
    desk.agent.replies("200 OK", r#"{"applied":true}"#);
    desk.stands("q1", &["applied"]).await;
    let first = desk.agent.posts();
    assert!(first.iter().all(|post| *post == first[0]), "{first:#?}");
    let view = desk.shown("q2", |_| true).await;
    desk.decides(&view, "approve").await;
    desk.stands("q2", &["applied"]).await;
    let posts = desk.sent(first.len() + 1).await;
    assert_ne!(posts[first.len()].key, first[0].key);
    desk.end();
}

async fn by_me() {
    let (desk, view) = Desk::with(&[DESTROY]).await;
    desk.decides(&view, "approve").await;
    assert_eq!(desk.sent(1).await[0].told("decidedBy"), "me");
    desk.end();
}

/// An hour, for every agent.
pub(crate) const REFUSE: &str = "version = 1\n[[exceptions]]\nagents = [\"*\"]\nroute_to = \"me\"\nsla_hours = 1.0\npriority = 1\nfallback = \"refuse\"\n";

pub(crate) async fn ruled(desk: &Desk, rules: &str) {
    ask(&desk.api, "importOwnership", json!({ "text": rules })).await;
    let save = json!({ "baseRevision": 0, "sentence": null });
    ask(&desk.api, "saveDraft", save).await;
}

async fn by_rule() {
    let (desk, _) = Desk::with(&[DESTROY]).await;
    ruled(&desk, REFUSE).await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("decidedBy"), "rule");
    assert_eq!(posts[0].told("outcome"), "reject");
    let view = desk.stands("q1", &["applied"]).await;
    assert!(!view["history"].to_string().contains("by you"), "{view:#}");
    // A refusal by rule is none of the person's: the same action asked again is not called one.
    desk.serves(&[item(&[
        ("id", r#""q9""#),
        ("createdAt", r#""2099-01-01T00:00:00Z""#),
        DESTROY,
    ])]);
    let view = desk.shown("q9", |_| true).await;
    assert_eq!(view["refusedBefore"], Value::Null);
    desk.end();
}

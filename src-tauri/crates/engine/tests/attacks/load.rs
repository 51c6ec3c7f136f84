//! Load: more of anything than a person or a computer can take - questions, options, bytes, levels, doubled names - while a
//! decision for another endpoint is stored, shown and sent as ever.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    Row,
    agent::Agent,
    desk::{Desk, digest, document_of, item},
    row,
    screen::ask,
};

const DESTROY: (&str, &str) = (
    "proposedAction",
    r#"{"name":"files.delete","args":{"path":"/srv"}}"#,
);
/// The body limit, less a little for what stands round it.
const LIMIT: usize = 16 * 1024 * 1024 - 4096;

/// What stands beside the lists of a document.
fn with(list: &str) -> String {
    let asked = document_of("flood", &[]);
    // Asked once: the rows are about one such answer, not about how often it comes.
    asked.replace(
        r#""pollAfterSeconds":1"#,
        &format!(r#""pollAfterSeconds":3600,{list}"#),
    )
}

/// What it is called, and its body.
type Flood = (&'static str, fn() -> String);

/// Documents of the worst kinds, each at the body limit.
const FLOODS: &[Flood] = &[
    ("16 MiB of doubled names", || {
        with(&format!(
            r#""x":{{{}"a":1}}"#,
            r#""a":1,"#.repeat(LIMIT / 6 - 100)
        ))
    }),
    ("16 MiB of levels", || {
        with(&format!(
            r#""x":{}{}"#,
            "[".repeat(LIMIT / 2 - 400),
            "]".repeat(LIMIT / 2 - 400)
        ))
    }),
    ("16 MiB of one number", || {
        with(&format!(r#""x":{}"#, "9".repeat(LIMIT - 800)))
    }),
    ("16 MiB of escapes", || {
        with(&format!(r#""x":"{}""#, r"\u0041".repeat(LIMIT / 6 - 200)))
    }),
    ("16 MiB of small items", || {
        with(&format!(
            r#""claims":[{}{{}}]"#,
            "{},".repeat(LIMIT / 3 - 400)
        ))
    }),
    ("16 MiB of one question", || {
        let long = item(&[("message", &format!("\"{}\"", "a".repeat(LIMIT - 2000)))]);
        document_of("flood", &[long]).replace("\"pollAfterSeconds\":1", "\"pollAfterSeconds\":3600")
    }),
];

pub(crate) fn rows() -> Vec<Row> {
    let mut all: Vec<_> = FLOODS
        .iter()
        .map(|&(what, flood)| row(what, flooded(flood)))
        .collect();
    all.extend([
        row(
            "more than the body may hold",
            flooded(|| " ".repeat(LIMIT + 8192)),
        ),
        row("a thousand questions in one document", a_thousand()),
        row("more questions than are kept", too_many()),
        row("an action of more than 64 KiB", large(70 * 1024, false)),
        row("an action of just under 64 KiB", large(60 * 1024, true)),
        row("a text of more than 64 KiB within an action", too_long()),
        row("a hundred options", options(100)),
        row(
            "more options than are kept",
            not_taken(format!("[{}]", listed(1001)), "options"),
        ),
        row("ninety levels within an action", deep()),
        row(
            "two hundred levels within an action",
            not_taken(levels(200), "proposedAction"),
        ),
        row(
            "a hundred thousand doubled names in an action",
            not_taken(doubled(100_000), "proposedAction"),
        ),
        row(
            "more names in an action than are read",
            not_taken(names(10_001), "proposedAction"),
        ),
        row(
            "more pieces of a command than are read",
            not_taken(
                format!(
                    r#"{{"name":"x","command":[{}"a"]}}"#,
                    r#""a","#.repeat(10_001)
                ),
                "proposedAction",
            ),
        ),
    ]);
    all
}

fn listed(count: usize) -> String {
    let all: Vec<_> = (0..count)
        .map(|n| format!(r#"{{"id":"o{n}","label":"Way {n}"}}"#))
        .collect();
    all.join(",")
}

fn levels(count: usize) -> String {
    format!(
        r#"{{"name":"x","args":{{"a":{}{}}}}}"#,
        "[".repeat(count),
        "]".repeat(count)
    )
}

fn doubled(count: usize) -> String {
    format!(
        r#"{{"name":"x","args":{{{}"a":1}}}}"#,
        r#""a":1,"#.repeat(count)
    )
}

fn names(count: usize) -> String {
    let all: Vec<_> = (0..count).map(|n| format!(r#""a{n}":1"#)).collect();
    format!(r#"{{"name":"x","args":{{{}}}}}"#, all.join(","))
}

/// A decision for one endpoint while another sends its worst.
async fn flooded(flood: fn() -> String) {
    let (desk, view) = Desk::with(&[DESTROY]).await;
    let worst = Agent::start(document_of("flood", &[]));
    desk.add("flood", &worst).await;
    worst.serves(flood());
    let before = worst.polls();
    crate::desk::until("the worst is asked for", || worst.polls() > before).await;
    let began = Instant::now();
    desk.decides(&view, "approve").await;
    // Generous: a machine that does much else; what the budget's own tests measure is in milliseconds.
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].told("actionDigest"), digest(DESTROY.1));
    desk.stands("q1", &["applied"]).await;
    assert_eq!(worst.posts(), []);
    desk.end();
}

fn questions(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| item(&[("id", &format!("\"q{n}\"")), DESTROY]))
        .collect()
}

async fn a_thousand() {
    let desk = Desk::new(&questions(1000)).await;
    desk.shown("q999", |_| true).await;
    let status = ask(&desk.api, "status", json!({})).await;
    assert_eq!(status["inboxCount"], 1000);
    for (place, id) in ["q0", "q999"].into_iter().enumerate() {
        let view = desk.shown(id, |_| true).await;
        desk.decides(&view, "approve").await;
        let posts = desk.sent(place + 1).await;
        assert_eq!(posts[place].path, format!("/escalations/{id}/decision"));
    }
    desk.end();
}

async fn too_many() {
    let desk = Desk::new(&questions(1100)).await;
    let letters = || ask(&desk.api, "deadLetters", json!({}));
    while !letters().await.to_string().contains("questions that wait") {
        desk.polled().await;
    }
    let status = ask(&desk.api, "status", json!({})).await;
    let count = status["inboxCount"].as_u64().unwrap_or_default();
    assert!((1..=1002).contains(&count), "{count}");
    desk.nothing_sent().await;
    desk.end();
}

async fn large(bytes: usize, is_read: bool) {
    // Of two texts: each alone is within what a text may hold.
    let half = "a".repeat(bytes / 2);
    let action = format!(r#"{{"name":"x","args":{{"a":"{half}","b":"{half}"}}}}"#);
    let (desk, view) = Desk::with(&[("proposedAction", &action)]).await;
    let gestures = view["gestures"].to_string();
    assert_eq!(gestures.contains("\"approve\""), is_read, "{gestures}");
    assert!(gestures.contains("\"reject\""));
    if is_read {
        desk.decides(&view, "approve").await;
        assert_eq!(desk.sent(1).await[0].told("actionDigest"), digest(&action));
        return desk.end();
    }
    for answer in [
        json!({}),
        json!({ "optionId": "go" }),
        json!({ "outcome": "respond", "message": "Yes" }),
    ] {
        desk.refuses(
            &view,
            &answer,
            "invalid",
            "larger than 64 KiB, which nobody can read",
        )
        .await;
    }
    desk.decides(&view, "reject").await;
    assert_eq!(desk.sent(1).await[0].told("outcome"), "reject");
    desk.end();
}

async fn too_long() {
    let action = format!(
        r#"{{"name":"x","args":{{"a":"{}"}}}}"#,
        "a".repeat(65 * 1024)
    );
    not_taken(action, "proposedAction").await;
}

async fn options(count: usize) {
    let (desk, view) = Desk::with(&[("options", &format!("[{}]", listed(count)))]).await;
    let gestures = view["gestures"].as_array().expect("a list");
    let chosen: Vec<_> = gestures
        .iter()
        .filter(|gesture| gesture["optionId"].is_string())
        .collect();
    assert_eq!(chosen.len(), count);
    assert_eq!(
        chosen
            .iter()
            .filter(|gesture| gesture["key"].is_string())
            .count(),
        9
    );
    assert!(
        chosen
            .iter()
            .all(|gesture| gesture["outcome"] == "respond" && gesture["reads"] == true)
    );
    let last = json!({ "outcome": "respond", "optionId": format!("o{}", count - 1) });
    desk.answer(&view, &last).await.expect("it is taken");
    assert_eq!(desk.sent(1).await[0].told("optionId"), last["optionId"]);
    desk.end();
}

async fn deep() {
    let action = levels(90);
    let (desk, view) = Desk::with(&[("proposedAction", &action)]).await;
    desk.decides(&view, "reject").await;
    assert_eq!(desk.sent(1).await[0].told("actionDigest"), digest(&action));
    desk.end();
}

/// A question that is a dead letter for one member, beside one that is good and is answered.
async fn not_taken(value: String, member: &'static str) {
    let bad = item(&[(member, &value)]);
    let desk = Desk::new(&[bad, item(&[("id", r#""q2""#), DESTROY])]).await;
    let view = desk.shown("q2", |_| true).await;
    let error = desk
        .look("clerk", "q1")
        .await
        .expect_err("it is no question");
    assert_eq!(error.code, "missing");
    let letters = ask(&desk.api, "deadLetters", json!({})).await;
    assert!(letters.to_string().contains("q1"), "{letters:#}");
    desk.decides(&view, "approve").await;
    let posts = desk.sent(1).await;
    assert_eq!(posts[0].path, "/escalations/q2/decision");
    desk.end();
}

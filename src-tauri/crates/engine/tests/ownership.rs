//! The rules through the running engine, as the screen asks: a draft outlives the window, a conflict stops saving, a
//! saved version is in force and in the log, and each change is announced. What rules mean is the domain's test.

#![allow(clippy::expect_used)]

use std::time::{Duration, Instant};

use engine::api::{Api, views::Topic};
use serde_json::{Value, json};

fn opened(dir: &std::path::Path) -> Api {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        // The engine before it lets go of the folder a moment after it ended.
        match Api::open(dir, None, Box::new(|_| Ok(()))) {
            Ok(api) => return api,
            Err(error) => assert!(Instant::now() < end, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    api.call(command, payload)
        .await
        .unwrap_or_else(|error| panic!("{command}: {error}"))
}

async fn refused(api: &Api, command: &str, payload: Value) -> (String, String) {
    let error = api
        .call(command, payload)
        .await
        .expect_err("it should be refused");
    (error.code.to_owned(), error.message)
}

fn edit(kind: &str, more: Value) -> Value {
    let mut whole =
        json!({ "kind": kind, "rule": null, "agent": null, "value": null, "exception": null });
    if let (Some(whole), Some(more)) = (whole.as_object_mut(), more.as_object()) {
        whole.extend(more.clone());
    }
    whole
}

const TWO: &str = r#"rules = [
    { resource = "trigger:inbox/*", owner = "invoices" },
    { resource = "trigger:inbox/pay", owner = "payments" },
]"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_and_its_undo_outlive_the_window_and_a_conflict_stops_saving() {
    let dir = tempfile::tempdir().expect("a folder");
    let api = opened(dir.path());
    let draft = ask(&api, "importOwnership", json!({ "text": TWO })).await;
    assert_eq!(draft["lint"]["blocks"], 1);
    let read = edit("read", json!({ "rule": 1, "agent": "digest" }));
    ask(&api, "editDraft", read).await;
    api.end();
    drop(api);

    let api = opened(dir.path());
    let view = ask(&api, "ownership", json!({})).await;
    assert_eq!(view["draft"]["canUndo"], "digest reads trigger:inbox/pay");
    assert_eq!(view["title"], "1 conflict blocks this draft");
    assert_eq!(
        view["document"]["rules"],
        json!([]),
        "a draft is not in force"
    );
    let undone = ask(&api, "editDraft", edit("undo", json!({}))).await;
    assert_eq!(
        undone["document"]["rules"][1]["readers"],
        json!(null),
        "nobody reads it again"
    );
    let save = json!({ "baseRevision": 0, "sentence": null });
    let (code, _) = refused(&api, "saveDraft", save.clone()).await;
    assert_eq!(code, "blocked");
    let witness = &undone["lint"]["issues"][0]["witness"];
    assert_eq!(witness, "trigger:inbox/pay");
    let fix = undone["lint"]["issues"][0]["fixes"][0]["edit"].clone();
    ask(&api, "editDraft", fix).await;
    let saved = ask(&api, "saveDraft", save).await;
    assert_eq!(
        (&saved["revision"], &saved["draft"]),
        (&json!(1), &json!(null))
    );
    api.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_the_draft_is_announced_and_a_restored_version_is_saved_as_a_new_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let api = opened(dir.path());
    let mut changed = api.changed();
    let one = r#"rules = [{ resource = "file:a", owner = "x" }]"#;
    ask(&api, "importOwnership", json!({ "text": one })).await;
    let told = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            let changed = changed.recv().await.expect("the engine runs");
            if changed.topics.contains(&Topic::Ownership) {
                return;
            }
        }
    });
    told.await.expect("the draft was announced");
    let save = |base: u64| json!({ "baseRevision": base, "sentence": "In my own words." });
    ask(&api, "saveDraft", save(0)).await;
    ask(
        &api,
        "editDraft",
        edit("own", json!({ "rule": 0, "agent": "y" })),
    )
    .await;
    ask(&api, "saveDraft", save(1)).await;
    let draft = ask(&api, "restoreVersion", json!({ "revision": 1 })).await;
    assert_eq!(draft["summary"], "file:a goes from y to x.");
    let view = ask(&api, "saveDraft", save(2)).await;
    assert_eq!(view["versions"][0]["revision"], 3);
    assert_eq!(view["versions"][0]["sentence"], "In my own words.");
    assert_eq!(view["versions"][0]["hash"], view["versions"][2]["hash"]);
    let text = ask(
        &api,
        "exportOwnership",
        json!({ "format": "toml", "revision": null, "save": true }),
    )
    .await;
    let path = text["path"].as_str().expect("where it was written");
    assert!(
        path.starts_with(&dir.path().display().to_string()),
        "{path}"
    );
    let written = std::fs::read_to_string(path).expect("it was written");
    assert_eq!(text["text"], written);
    assert_eq!(text["fileName"], "ownership.toml");
    assert!(
        text["text"]
            .as_str()
            .is_some_and(|text| text.contains("owner = \"x\""))
    );
    api.end();
}

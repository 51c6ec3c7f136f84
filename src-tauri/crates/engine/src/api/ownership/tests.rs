//! The ownership screen on a real store: drafts survive, saving is refused when it must be, versions come back.

use chrono::DateTime;
use domain::{
    change::{AgentRecord, Record},
    contract::{Access, AgentCard, AgentStatus},
    ids::AgentRef,
};
use store::Store;

use super::*;
use crate::api::views::Mark;

fn now() -> Time {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), now()).unwrap();
    (dir, store)
}

fn write<T: Send + 'static>(
    store: &Store,
    change: impl FnOnce(&Tx<'_>) -> Written<T> + Send + 'static,
) -> Result<T, String> {
    store
        .write(change)
        .unwrap()
        .map_err(|error| format!("{}: {error}", error.code))
}

fn do_edit(store: &Store, json: serde_json::Value) -> Result<DraftView, String> {
    let mut asked = serde_json::json!({"kind": "", "rule": null, "agent": null, "value": null, "exception": null});
    asked
        .as_object_mut()
        .unwrap()
        .extend(json.as_object().unwrap().clone());
    let asked: EditView = serde_json::from_value(asked).unwrap();
    write(store, move |tx| {
        edit(tx, now(), &Present::default(), &asked)
    })
}

fn do_import(store: &Store, text: &str) -> Result<DraftView, String> {
    let asked = ImportRequest { text: text.into() };
    write(store, move |tx| {
        import(tx, now(), &Present::default(), &asked)
    })
}

fn do_save(store: &Store, base_revision: u64) -> Result<u64, String> {
    let asked = SaveRequest {
        base_revision,
        sentence: None,
    };
    write(store, move |tx| match ready_to_save(tx, &asked) {
        Ok(ready) => commit_save(tx, now(), &ready),
        Err(refused) => Ok(Err(refused)),
    })
}

fn look(store: &Store) -> OwnershipView {
    store
        .read(|reader| Ok(view(reader, now(), &Present::default())))
        .unwrap()
        .unwrap()
}

const TWO_OWNERS: &str = r#"rules = [
    { resource = "trigger:inbox/*", owner = "invoices" },
    { resource = "trigger:inbox/pay", owner = "payments", readers = ["digest"] },
]"#;

#[test]
fn a_draft_is_kept_and_saving_it_makes_a_version() {
    let (_dir, store) = store();
    assert_eq!(look(&store).title, "No rules yet");
    let rule = serde_json::json!({"resource": "field:crm/**", "owner": "sync"});
    do_edit(
        &store,
        serde_json::json!({"kind": "add-rule", "value": rule}),
    )
    .unwrap();
    let draft = look(&store).draft.unwrap();
    assert_eq!(draft.lint.changes, ["sync owns field:crm/**."]);
    assert_eq!(draft.can_undo.as_deref(), Some("new rule field:crm/**"));
    assert_eq!(do_save(&store, 0), Ok(1));
    let saved = look(&store);
    assert!(saved.draft.is_none());
    assert_eq!(saved.title, "1 rule, no conflicts");
    assert_eq!(saved.versions[0].sentence, "sync owns field:crm/**.");
    assert_eq!(
        do_save(&store, 0),
        Err("changed: Version 1 was saved meanwhile. Nothing was saved now.".into())
    );
    assert_eq!(
        do_save(&store, 1),
        Err("missing: There is no draft to save.".into())
    );
}

#[test]
fn a_conflict_blocks_saving_until_a_fix_is_done() {
    let (_dir, store) = store();
    let draft = do_import(&store, TWO_OWNERS).unwrap();
    assert_eq!(draft.lint.blocks, 1);
    assert_eq!(look(&store).title, "1 conflict blocks this draft");
    assert!(
        do_save(&store, 0)
            .unwrap_err()
            .starts_with("blocked: invoices and payments would both start")
    );
    assert!(
        draft
            .lint
            .matrix
            .iter()
            .all(|row| row.conflict && row.owner_label == "2 owners")
    );
    let fix = draft.lint.issues[0].fixes[0].edit.clone();
    write(&store, move |tx| edit(tx, now(), &Present::default(), &fix)).unwrap();
    assert_eq!(do_save(&store, 0), Ok(1));
}

#[test]
fn undo_redo_and_discard_go_over_the_stored_draft() {
    let (_dir, store) = store();
    do_import(&store, TWO_OWNERS).unwrap();
    let draft = do_edit(&store, serde_json::json!({"kind": "undo"})).unwrap();
    assert_eq!(
        (draft.document.rules.len(), draft.can_redo.as_deref()),
        (0, Some("import"))
    );
    assert_eq!(
        do_edit(&store, serde_json::json!({"kind": "undo"})).unwrap_err(),
        "invalid: There is nothing to undo."
    );
    let draft = do_edit(&store, serde_json::json!({"kind": "redo"})).unwrap();
    assert_eq!(draft.document.rules.len(), 2);
    do_edit(&store, serde_json::json!({"kind": "discard"})).unwrap();
    assert!(look(&store).draft.is_none());
}

#[test]
fn an_earlier_version_comes_back_as_a_draft_and_each_can_be_exported() {
    let (_dir, store) = store();
    do_import(&store, r#"rules = [{ resource = "file:a", owner = "x" }]"#).unwrap();
    do_save(&store, 0).unwrap();
    do_edit(
        &store,
        serde_json::json!({"kind": "transfer", "rule": 0, "agent": "y"}),
    )
    .unwrap();
    do_save(&store, 1).unwrap();
    let asked = RevisionRequest { revision: 1 };
    let draft = write(&store, move |tx| {
        restore(tx, now(), &Present::default(), &asked)
    })
    .unwrap();
    assert_eq!(draft.can_undo.as_deref(), Some("version 1"));
    assert_eq!(draft.lint.changes, ["file:a goes from y to x."]);
    let exported = |format: &str, revision| {
        let asked = ExportRequest {
            format: format.into(),
            revision,
            save: false,
        };
        store
            .read(|reader| Ok(export(reader, &asked)))
            .unwrap()
            .map(|view| view.text)
            .map_err(|error| error.message)
    };
    assert_eq!(
        exported("toml", Some(1)).unwrap(),
        "version = 1\n\n[[rules]]\nresource = \"file:a\"\nowner = \"x\"\n"
    );
    assert!(
        exported("codeowners", Some(2))
            .unwrap()
            .ends_with("/a @y\n")
    );
    assert_eq!(
        exported("toml", Some(9)),
        Err("There is no version 9.".into())
    );
    let asked = RevisionRequest { revision: 2 };
    let second = store
        .read(|reader| Ok(version(reader, now(), &Present::default(), &asked)))
        .unwrap()
        .unwrap();
    assert_eq!(second.lint.changes[0], "file:a goes from x to y.");
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line_and_changes_nothing() {
    let (_dir, store) = store();
    assert_eq!(
        do_import(&store, "version = 1\n[[rules]]\nowner = 3").unwrap_err(),
        "unreadable: Line 3: Invalid type: integer `3`, expected a string."
    );
    assert!(look(&store).draft.is_none());
}

#[test]
fn what_agents_did_without_a_rule_is_a_row_and_a_mark() {
    let (_dir, store) = store();
    let agent = |endpoint: &str, name: &str| AgentRef {
        endpoint: endpoint.into(),
        agent: name.into(),
    };
    for who in [
        agent("one", "sync"),
        agent("two", "sync"),
        agent("two", "digest"),
    ] {
        let card = card(&who);
        let record = AgentRecord {
            agent: who,
            card,
            needs: None,
            first_heard_at: now(),
        };
        write(&store, move |tx| tables::agents::put(tx, &record).map(Ok)).unwrap();
    }
    for (id, who, resource) in [
        ("1", agent("two", "digest"), "field:crm/1"),
        ("2", agent("two", "digest"), "output:mail"),
    ] {
        let access: Access =
            serde_json::from_value(serde_json::json!({"id": id, "resource": resource, "mode": "write", "at": "2026-09-21T10:00:00Z"})).unwrap();
        let record = Record {
            agent: who,
            value: access.into(),
            raw: "{}".into(),
            at: now(),
            line: 1,
        };
        write(&store, move |tx| tables::accesses::put(tx, &record).map(Ok)).unwrap();
    }
    do_import(
        &store,
        r#"rules = [{ resource = "field:crm/**", owner = "sync", readers = ["gone"] }]"#,
    )
    .unwrap();
    let view = look(&store);
    let names: Vec<_> = view
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .collect();
    assert_eq!(names, ["sync", "digest", "two/sync", "gone"]);
    let draft = view.draft.unwrap();
    let rows: Vec<_> = draft
        .lint
        .matrix
        .iter()
        .map(|row| {
            let marks: Vec<_> = row
                .cells
                .iter()
                .map(|cell| (cell.agent, cell.mark))
                .collect();
            (row.resource.as_str(), row.owner_label.as_str(), marks)
        })
        .collect();
    assert_eq!(
        rows,
        [
            (
                "crm/**",
                "sync",
                vec![(0, Mark::Owner), (1, Mark::Seen), (3, Mark::Reader)]
            ),
            ("output:mail", "no rule", vec![(1, Mark::Seen)]),
        ]
    );
}

fn card(who: &AgentRef) -> AgentCard {
    AgentCard {
        id: who.agent.clone(),
        name: String::new(),
        version: None,
        model: None,
        workspace: None,
        status: AgentStatus::Online,
        started_at: None,
        heartbeat_at: None,
        limits_only: false,
    }
}

#[test]
fn the_number_beside_the_screens_name_is_what_its_title_counts() {
    let (_dir, store) = store();
    let number = || store.read(conflicts).unwrap();
    assert_eq!(number(), 0);
    do_import(&store, TWO_OWNERS).unwrap();
    assert_eq!(look(&store).title, "1 conflict blocks this draft");
    assert_eq!(number(), 1);
    let fix = look(&store).draft.unwrap().lint.issues[0].fixes[0]
        .edit
        .clone();
    do_edit(&store, serde_json::to_value(fix).unwrap()).unwrap();
    assert_eq!(number(), 0);
    do_save(&store, 0).unwrap();
    assert_eq!(look(&store).title, "2 rules, no conflicts");
    assert_eq!(number(), 0);
}

#[test]
fn the_rules_that_cover_a_resource_are_found_by_it_in_the_draft_first() {
    let (_dir, store) = store();
    let ruled = |resource: &str| {
        let read = store.read(|reader| Ok(ruled_by(reader, resource)));
        read.unwrap().unwrap().rules
    };
    assert!(ruled("trigger:inbox/pay").is_empty());
    do_import(&store, TWO_OWNERS).unwrap();
    assert_eq!(ruled("trigger:inbox/pay"), [0, 1]);
    assert_eq!(ruled("trigger:inbox/mail"), [0]);
    assert!(ruled("output:mail").is_empty());
}

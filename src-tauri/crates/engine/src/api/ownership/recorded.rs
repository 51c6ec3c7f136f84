//! Records what the ownership screen is answered while somebody edits, for the screens' browser runs: a real store, the
//! commands in order, every answer as it was. The screens play it back and know no rule of their own.

use std::path::{Path, PathBuf};

use chrono::DateTime;
use domain::{
    change::{AgentRecord, Record},
    contract::{Access, AgentCard},
    ids::AgentRef,
};
use serde_json::{Value, json};
use store::Store;

use super::*;

/// Agents and where they run, in the order of the columns.
const AGENTS: [(&str, &str, &str); 9] = [
    ("billing-host", "invoices", "Invoices"),
    ("billing-host", "payments", "Payments"),
    ("billing-host", "reminders", "Reminders"),
    ("crm-host", "crm-sync", "CRM sync"),
    ("crm-host", "outreach", "Outreach"),
    ("research-host", "digest", "Morning digest"),
    ("research-host", "research", "Research"),
    ("code-host", "triage", "Issue triage"),
    ("code-host", "publisher", "Publisher"),
];

/// Who was seen doing what: agent, resource, mode, minutes ago.
const SEEN: [(&str, &str, &str, i64); 7] = [
    (
        "invoices",
        "trigger:mailbox/suppliers/invoice",
        "consume",
        12,
    ),
    ("payments", "field:ledger/northwind#balance", "write", 26),
    ("crm-sync", "field:crm/company/acme#owner", "write", 8),
    ("crm-sync", "field:crm/contact/412#status", "write", 5),
    ("research", "output:notion/briefs", "write", 94),
    ("triage", "trigger:github/issues", "consume", 41),
    ("publisher", "trigger:github/issues", "consume", 40),
];

const FIRST: &str = r#"
[[rules]]
resource = "trigger:mailbox/suppliers/invoice"
owner = "invoices"
[[rules]]
resource = "field:crm/contact/*#status"
owner = "crm-sync"
[[exceptions]]
agents = ["*"]
route_to = "me"
sla_hours = 24
priority = 1
"#;

const SECOND: &str = r##"
[[rules]]
resource = "trigger:mailbox/suppliers/invoice"
owner = "invoices"
purpose = "Book supplier invoices"
[[rules]]
resource = "trigger:mailbox/suppliers/payment"
owner = "payments"
[[rules]]
resource = "trigger:schedule/morning"
owner = "digest"
[[rules]]
resource = "field:crm/contact/*#status"
owner = "crm-sync"
readers = ["outreach", "digest"]
[[rules]]
resource = "field:crm/contact/*#last_reply"
owner = "outreach"
readers = ["crm-sync"]
[[rules]]
resource = "field:ledger/**"
owner = "invoices"
readers = ["payments"]
[[rules]]
resource = "output:slack/#billing"
sequence = ["invoices", "payments"]
[[rules]]
resource = "output:slack/#engineering"
owner = "triage"
[[rules]]
resource = "output:mail/customers"
owner = "outreach"
[[rules]]
resource = "output:bank/transfers"
owner = "payments"
purpose = "The only agent that moves money"
[[rules]]
resource = "file:articles/**"
owner = "publisher"
readers = ["*"]
[[exceptions]]
agents = ["payments", "invoices"]
route_to = "dana"
sla_hours = 4
priority = 1
fallback = "hand-over:me"
[[exceptions]]
agents = ["*"]
route_to = "me"
sla_hours = 24
priority = 2
fallback = "hold"
"##;

fn now() -> Time {
    DateTime::from_timestamp(1_795_164_720, 0).unwrap()
}

fn ago(minutes: i64) -> Time {
    now() - chrono::TimeDelta::minutes(minutes)
}

struct Recorder {
    store: Store,
    /// The state the next command begins in; it is also how many were recorded.
    state: usize,
    folder: PathBuf,
}

impl Recorder {
    fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Tx<'_>) -> Written<T> + Send + 'static,
    ) -> Answer<T> {
        self.store.write(change).unwrap()
    }

    fn look(&self) -> OwnershipView {
        let look = |reader: &Reader| Ok(view(reader, now(), &Present::default()));
        self.store.read(look).unwrap().unwrap()
    }

    fn save(&self, at: Time, base_revision: u64) {
        self.write(move |tx| {
            let asked = SaveRequest {
                base_revision,
                sentence: None,
            };
            match ready_to_save(tx, &asked) {
                Ok(ready) => commit_save(tx, at, &ready),
                Err(refused) => Ok(Err(refused)),
            }
        })
        .unwrap();
    }

    fn import(&self, text: &str) -> Answer<DraftView> {
        let asked = ImportRequest { text: text.into() };
        self.write(move |tx| import(tx, now(), &Present::default(), &asked))
    }

    /// Takes away what an earlier run recorded.
    fn forget(&self) {
        for entry in std::fs::read_dir(&self.folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if name.starts_with("demo.ownership-") {
                std::fs::remove_file(&path).unwrap();
            }
        }
    }

    fn keep(&self, name: &str, answers: Value) {
        let file = json!({"recordedAt": now(), "answers": answers});
        let text = serde_json::to_string(&file).unwrap() + "\n";
        assert!(
            text.len() < 30 * 1024,
            "{name} has {} bytes: record a smaller fleet",
            text.len()
        );
        std::fs::write(
            self.folder.join(format!("demo.ownership-{name}.json")),
            text,
        )
        .unwrap();
    }

    /// Keeps what a command was answered, and what the whole screen shows after it when that is not the draft alone.
    fn step<T: serde::Serialize>(
        &mut self,
        command: &str,
        request: Value,
        answer: &Answer<T>,
        whole: bool,
    ) {
        let mut step = json!({"from": self.state, "command": command, "request": request});
        match answer {
            Ok(_) => {
                let view = self.look();
                self.state += 1;
                step["to"] = json!(self.state);
                if whole {
                    step["view"] = json!(view);
                } else {
                    step["title"] = json!(view.title);
                    step["draft"] = json!(view.draft);
                }
            }
            Err(error) => step["error"] = json!({"code": error.code, "message": error.message}),
        }
        let name = format!("step-{:02}", self.state);
        let name = if answer.is_ok() {
            name
        } else {
            format!("{name}-refused")
        };
        let key = format!("ownership-{name}");
        self.keep(&name, json!({ key: step }));
    }

    fn version(&self, revision: u64) {
        let asked = RevisionRequest { revision };
        let look = |reader: &Reader| Ok(version(reader, now(), &Present::default(), &asked));
        let version = self.store.read(look).unwrap().unwrap();
        let key = format!("ownershipVersion:{revision}");
        self.keep(&format!("version-{revision}"), json!({ key: version }));
    }

    fn edit(&mut self, request: Value) {
        let mut whole =
            json!({"kind": "", "rule": null, "agent": null, "value": null, "exception": null});
        whole
            .as_object_mut()
            .unwrap()
            .extend(request.as_object().unwrap().clone());
        let asked: EditView = serde_json::from_value(whole.clone()).unwrap();
        let answer = self.write(move |tx| edit(tx, now(), &Present::default(), &asked));
        self.step("editDraft", whole, &answer, false);
    }
}

fn fleet(store: &Store) {
    for (endpoint, agent, name) in AGENTS {
        let who = AgentRef {
            endpoint: endpoint.into(),
            agent: agent.into(),
        };
        let card: AgentCard =
            serde_json::from_value(json!({"id": agent, "name": name, "status": "online"})).unwrap();
        let record = AgentRecord {
            agent: who.clone(),
            card,
            needs: None,
            first_heard_at: ago(60 * 24 * 30),
        };
        store
            .write(move |tx| tables::agents::put(tx, &record))
            .unwrap();
        for (id, (_, resource, mode, minutes)) in
            SEEN.iter().enumerate().filter(|(_, seen)| seen.0 == agent)
        {
            let access: Access = serde_json::from_value(
                json!({"id": id.to_string(), "resource": resource, "mode": mode, "at": ago(*minutes)}),
            )
            .unwrap();
            let record = Record {
                agent: who.clone(),
                value: access.into(),
                raw: "{}".into(),
                at: ago(*minutes),
                line: 1,
            };
            store
                .write(move |tx| tables::accesses::put(tx, &record))
                .unwrap();
        }
    }
}

fn rule_of(view: &OwnershipView, resource: &str) -> usize {
    let mut rules = view.document.rules.iter();
    rules.position(|rule| rule.resource == resource).unwrap()
}

#[test]
fn the_answers_of_the_ownership_screen_are_recorded_for_its_browser_runs() {
    let dir = tempfile::tempdir().unwrap();
    let types = std::env::var("TS_RS_EXPORT_DIR").expect("set in .cargo/config.toml");
    let mut recorder = Recorder {
        store: Store::open(dir.path(), now()).unwrap(),
        state: 0,
        folder: Path::new(&types).join("../recorded"),
    };
    recorder.forget();
    fleet(&recorder.store);
    recorder.import(FIRST).unwrap();
    recorder.save(ago(60 * 24 * 21), 0);
    recorder.import(SECOND).unwrap();
    recorder.save(ago(60 * 24 * 6), 1);

    let start = recorder.look();
    let mut answers = json!({ "ownership": start });
    for format in ["toml", "markdown", "codeowners", "agents-md"] {
        let asked = ExportRequest {
            format: format.into(),
            revision: None,
            save: false,
        };
        let text = recorder.store.read(|reader| Ok(export(reader, &asked)));
        answers[format!("exportOwnership:{format}")] = json!(text.unwrap().unwrap());
    }
    recorder.keep("start", answers);
    recorder.version(1);
    recorder.version(2);

    // The pointer moves an owner, then the keys: reads, takes turns, back and forth.
    let rule = |resource| rule_of(&start, resource);
    let last_reply = rule("field:crm/contact/*#last_reply");
    recorder.edit(json!({"kind": "own", "rule": last_reply, "agent": "crm-sync"}));
    recorder
        .edit(json!({"kind": "read", "rule": rule("output:mail/customers"), "agent": "digest"}));
    recorder.edit(
        json!({"kind": "sequence", "rule": rule("output:slack/#engineering"), "agent": "digest"}),
    );
    recorder.edit(json!({"kind": "undo"}));
    recorder.edit(json!({"kind": "redo"}));
    // A typed rule that overlaps two others blocks saving until a proposed fix is done.
    let value = json!({"resource": "trigger:mailbox/suppliers/*", "owner": "reminders", "sequence": [], "readers": [], "purpose": null});
    recorder.edit(json!({"kind": "add-rule", "value": value}));
    let blocked = |view: OwnershipView| view.draft.filter(|draft| draft.lint.blocks > 0);
    assert!(blocked(recorder.look()).is_some());
    while let Some(draft) = blocked(recorder.look()) {
        let fix = draft.lint.issues[0].fixes.last().unwrap();
        recorder.edit(json!(fix.edit));
    }
    let sentence = recorder.look().draft.unwrap().summary;
    recorder.save(now(), 2);
    let request = json!({"baseRevision": 2, "sentence": sentence});
    recorder.step("saveDraft", request, &Ok(()), true);
    recorder.version(3);
    // An earlier version comes back as a draft, and the draft is dropped.
    let restored = recorder.write(|tx| {
        let asked = RevisionRequest { revision: 1 };
        restore(tx, now(), &Present::default(), &asked)
    });
    recorder.step("restoreVersion", json!({"revision": 1}), &restored, false);
    recorder.edit(json!({"kind": "discard"}));
    // Text from outside: one that cannot be read, one that can.
    let text = "[[rules]]\nresource = 3\n";
    let refused = recorder.import(text);
    recorder.step("importOwnership", json!({ "text": text }), &refused, false);
    let text = FIRST.trim();
    let taken = recorder.import(text);
    recorder.step("importOwnership", json!({ "text": text }), &taken, false);
}

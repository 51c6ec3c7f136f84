//! What each scripted agent says at a moment of the story. Five stories in three minutes: two agents answer one mail, an
//! article is published half revised, a shared limit runs dry, a handoff nobody takes, a page that breaks its form.
//!
//! Only facts: no scene knows the rules that find the trouble in it.

use domain::{
    decision::Outcome,
    time::{self, Time},
};
use serde_json::{Value, json};

use super::script::{Answer, Script};

/// Seconds between two changes that only count on: progress and use.
const STEP: i64 = 5;

/// Who uses the shared limit, turn by turn: the digest writer half of it, the others the rest.
const TURNS: [&str; 8] = [
    "digest-writer",
    "invoice-reader",
    "digest-writer",
    "payment-runner",
    "digest-writer",
    "article-editor",
    "digest-writer",
    "publisher",
];

/// One agent at one moment.
struct Scene<'a> {
    script: &'a Script,
    agent: &'a str,
    /// The second of the story it has come to.
    t: i64,
}

/// The status document of `agent` at `now`, a time of the story.
pub fn document(script: &Script, agent: &str, now: Time) -> Option<Value> {
    let scene = Scene {
        script,
        agent,
        t: script.telling().second(agent, now).max(0),
    };
    let mut document = match agent {
        "invoice-reader" => scene.invoices(),
        "payment-runner" => scene.payments(),
        "article-editor" => scene.editor(),
        "publisher" => scene.publisher(),
        "digest-writer" => scene.digest(),
        _ => return None,
    };
    let (name, model) = match agent {
        "invoice-reader" => ("Invoice reader", "claude-sonnet"),
        "payment-runner" => ("Payment runner", "claude-sonnet"),
        "article-editor" => ("Article editor", "claude-opus"),
        "publisher" => ("Publisher", "claude-haiku"),
        _ => ("Digest writer", "claude-sonnet"),
    };
    document["schemaVersion"] = json!("1.0");
    document["agent"] = json!({
        "id": agent, "name": name, "version": "1.0", "model": model, "workspace": "demo",
        "status": "online", "startedAt": scene.at(0),
    });
    document["quotas"] = json!([scene.quota()]);
    document["nextCursor"] = json!("");
    Some(document)
}

impl Scene<'_> {
    /// The instant `seconds` into the story.
    fn at(&self, seconds: i64) -> String {
        time::format(self.script.telling().moment(self.agent, seconds))
    }

    /// The items whose time has come.
    fn since(&self, items: Vec<(i64, Value)>) -> Vec<Value> {
        items
            .into_iter()
            .filter(|(from, _)| self.t >= *from)
            .map(|(_, item)| item)
            .collect()
    }

    fn answer(&self, escalation: &str) -> Option<(&Answer, i64)> {
        let answer = self.script.answer(self.agent, escalation)?;
        Some((answer, self.script.telling().second(self.agent, answer.at)))
    }

    /// A task that has been in `state` since second `since`; a cancelled one is canceled whatever the story says.
    fn task(&self, id: &str, title: &str, state: &str, since: i64, more: Value) -> Value {
        let mut task = json!({ "id": id, "title": title, "createdAt": self.at(0) });
        task["status"] = match self.script.cancelled(self.agent, id) {
            Some(at) => {
                json!({ "state": "canceled", "timestamp": time::format(at), "message": "Stopped by the person." })
            }
            None => json!({ "state": state, "timestamp": self.at(since) }),
        };
        if let (Value::Object(task), Value::Object(more)) = (&mut task, more) {
            task.extend(more);
        }
        task
    }

    /// Progress from second `from`, one more every `every` seconds, up to `total`.
    fn progress(&self, from: i64, every: i64, total: i64) -> Value {
        let done = ((self.t - from) / every).clamp(0, total);
        json!({ "done": done, "total": total, "at": self.at(from + done * every) })
    }

    fn access(
        &self,
        second: i64,
        task: &str,
        resource: &str,
        mode: &str,
        more: Value,
    ) -> (i64, Value) {
        let mut access = json!({
            "id": format!("{task}@{second}"), "taskId": task, "resource": resource, "mode": mode, "at": self.at(second),
        });
        if let (Value::Object(access), Value::Object(more)) = (&mut access, more) {
            access.extend(more);
        }
        (second, access)
    }

    /// An escalation asked at second `from`, settled by the person's answer.
    fn question(
        &self,
        from: i64,
        id: &str,
        task: &str,
        kind: &str,
        words: [&str; 2],
        more: Value,
    ) -> (i64, Value) {
        let [title, message] = words;
        let status = if self.answer(id).is_some() {
            "resolved"
        } else if self.script.cancelled(self.agent, task).is_some() {
            "withdrawn"
        } else {
            "pending"
        };
        let mut item = json!({
            "id": id, "version": "1", "taskId": task, "kind": kind, "title": title, "message": message,
            "createdAt": self.at(from), "status": status,
        });
        if let (Value::Object(item), Value::Object(more)) = (&mut item, more) {
            item.extend(more);
        }
        (from, item)
    }

    /// State and since when, of a task that asks at `asked`, and ends `work` seconds after a yes.
    fn asking(&self, escalation: &str, started: i64, asked: i64, work: i64) -> (&'static str, i64) {
        match self.answer(escalation) {
            None if self.t < asked => ("working", started),
            None => ("input-required", asked),
            Some((answer, at)) => match answer.outcome {
                Outcome::Reject | Outcome::Cancel => ("rejected", at),
                _ if self.t < at + work => ("working", at),
                _ => ("completed", at + work),
            },
        }
    }

    /// When this agent's last turn until `second` was, of turns that are `length` seconds apart; 0 before its first.
    fn turn(&self, second: i64, length: i64) -> i64 {
        let own = |turn: &i64| {
            let place = usize::try_from(*turn).unwrap_or_default() % TURNS.len();
            TURNS.get(place) == Some(&self.agent)
        };
        (1..=second / length).rev().find(own).unwrap_or(0) * length
    }

    /// The pool all five share, as the agent saw it with its own last call: at nine o'clock everybody starts.
    fn quota(&self) -> Value {
        let length = 18_000;
        let (reset, step, used) = if self.t < 1_800 {
            let step = self.turn(self.t, STEP);
            (1_800, step, (420_000 + step * 2_000).min(1_000_000))
        } else {
            let begun = 1_800 + (self.t - 1_800) / length * length;
            let step = self.turn(self.t - begun, 60);
            (begun + length, begun + step, step * 20)
        };
        json!({
            "pool": { "provider": "anthropic", "account": "acme" },
            "windows": [{
                "name": "tokens per 5 h", "unit": "tokens", "limit": 1_000_000, "used": used,
                "remaining": 1_000_000 - used, "windowSeconds": length, "resetAt": self.at(reset),
                "status": if used >= 1_000_000 { "rejected" } else { "allowed" },
            }],
            "observedAt": self.at(step),
        })
    }

    fn invoices(&self) -> Value {
        let booked = if self.t < 70 {
            ("working", 5)
        } else {
            ("completed", 70)
        };
        let tasks = self.since(vec![
            (5, self.task("inv-7001", "Book invoice 7001 from Northwind Paper", booked.0, booked.1, json!({
                "startedAt": self.at(5), "kind": "invoice", "key": "invoice/7001", "progress": self.progress(5, 13, 5),
            }))),
            (20, self.task("inv-sort", "Sort the supplier mailbox", "working", 20, json!({
                "startedAt": self.at(20), "kind": "sort", "progress": self.progress(20, 10, 100_000),
            }))),
        ]);
        let accesses = self.since(vec![
            self.access(
                6,
                "inv-7001",
                "trigger:mailbox/suppliers/payment",
                "consume",
                json!({ "eventId": "mail-7001" }),
            ),
            self.access(
                8,
                "inv-7001",
                "field:ledger/northwind#balance",
                "read",
                json!({ "baseVersion": "v12" }),
            ),
            self.access(
                16,
                "inv-7001",
                "field:ledger/northwind#balance",
                "write",
                json!({ "baseVersion": "v12", "newVersion": "v13" }),
            ),
        ]);
        let escalations = self.since(vec![self.question(
            35, "inv-sort-1", "inv-sort", "question", ["Where do reminders go?",
            "Three mails are reminders for invoices that were paid last week. I can file them or answer them."],
            json!({ "severity": "low", "options": [
                { "id": "file", "label": "File them", "effect": "Moves three mails to the archive." },
                { "id": "answer", "label": "Answer them", "effect": "Sends three short replies." },
            ] }),
        )]);
        json!({
            "tasks": tasks, "accesses": accesses, "escalations": escalations, "claims": [],
            "schedules": [{
                "id": "sweep", "resource": "trigger:schedule/sweep", "everySeconds": 900, "nextAt": self.at(780), "taskKind": "sort",
                "enabled": true,
            }],
            "ownership": {
                "triggers": ["trigger:mailbox/suppliers/*"], "reads": ["field:ledger/**"],
                "writes": ["field:ledger/**"], "outputs": [],
            },
        })
    }

    /// Work that begins every twenty minutes without being told of: the latest of it.
    fn statements(&self) -> Vec<Value> {
        let every = 1_200;
        let last = (self.t - 600).div_euclid(every);
        (last - 5..=last)
            .map(|number| {
                let began = 600 + number * every;
                let state = if self.t < began + 40 { "working" } else { "completed" };
                let since = if state == "working" { began } else { began + 40 };
                self.task(&format!("bank-{}", number + 100), "Read the bank statement", state, since, json!({
                    "createdAt": self.at(began), "startedAt": self.at(began), "kind": "statement",
                }))
            })
            .collect()
    }

    fn payments(&self) -> Value {
        let (state, since) = self.asking("pay-7001", 12, 25, 15);
        let mut accesses = vec![
            self.access(
                12,
                "pay-7001",
                "trigger:mailbox/suppliers/payment",
                "consume",
                json!({ "eventId": "mail-7001" }),
            ),
            self.access(
                14,
                "pay-7001",
                "field:ledger/northwind#balance",
                "read",
                json!({ "baseVersion": "v12" }),
            ),
            self.access(
                22,
                "pay-7001",
                "field:ledger/northwind#balance",
                "write",
                json!({ "baseVersion": "v12", "newVersion": "v12-paid" }),
            ),
        ];
        if state == "completed" {
            accesses.push(self.access(
                since,
                "pay-7001",
                "output:bank/transfers",
                "write",
                json!({}),
            ));
        }
        let mut tasks = self.statements();
        tasks.extend(self.since(vec![(12, self.task("pay-7001", "Pay invoice 7001 from Northwind Paper", state, since, json!({
            "startedAt": self.at(12), "kind": "payment", "key": "invoice/7001",
            "waitingFor": if state == "input-required" { json!({ "kind": "human", "ref": "pay-7001" }) } else { Value::Null },
        })))]));
        let escalations = self.since(vec![self.question(
            25, "pay-7001", "pay-7001", "approval", ["Pay 4,820.00 EUR to Northwind Paper?",
            "The invoice matches the order. It is due on Friday and the account covers it."],
            json!({
                "severity": "high",
                "proposedAction": {
                    "name": "bank.transfer", "target": "output:bank/transfers",
                    "args": { "to": "Northwind Paper", "iban": "DE89 3704 0044 0532 0130 00", "amount": "4820.00", "currency": "EUR", "reference": "Invoice 7001" },
                },
            }),
        )]);
        json!({
            "tasks": tasks, "accesses": self.since(accesses), "escalations": escalations, "claims": [],
            "ownership": {
                "triggers": ["trigger:mailbox/suppliers/payment"], "reads": ["field:ledger/**"],
                "writes": ["field:ledger/**"], "outputs": ["output:bank/transfers"],
            },
        })
    }

    fn editor(&self) -> Value {
        let (state, since) = if self.t < 150 {
            ("working", 2)
        } else {
            ("completed", 150)
        };
        let held = self.t < 150 && self.script.cancelled(self.agent, "art-12").is_none();
        let file = "file:articles/launch.md";
        let tasks = vec![self.task("art-12", "Revise the launch article", state, since, json!({
            "startedAt": self.at(2), "kind": "article", "progress": self.progress(2, 18, 8), "nextStage": "publish",
        }))];
        let accesses = self.since(vec![
            self.access(
                10,
                "art-12",
                file,
                "write",
                json!({ "baseVersion": "r1", "newVersion": "r2" }),
            ),
            self.access(
                62,
                "art-12",
                file,
                "write",
                json!({ "baseVersion": "r2", "newVersion": "r3" }),
            ),
            self.access(
                140,
                "art-12",
                file,
                "write",
                json!({ "baseVersion": "r3", "newVersion": "r4" }),
            ),
        ]);
        let mut claim = json!({
            "id": "art-12-lease", "resource": file, "holderIdentity": "article-editor", "taskId": "art-12",
            "mode": "exclusive", "state": if held { "held" } else { "released" },
            "acquireTime": self.at(2), "leaseDurationSeconds": 600,
        });
        if !held {
            claim["releaseTime"] = json!(self.at(150));
        }
        let handoffs = self.since(vec![(150, json!({
            "id": "art-12-out", "taskId": "art-12", "to": "publish", "status": "completed",
            "output": { "artifactId": "art-12-text" }, "emittedAt": self.at(150), "acknowledgedAt": self.at(150),
            "acknowledgedBy": "publisher",
        }))]);
        let draft = |second: i64, version: &str, price: &str| {
            let body = format!(
                "# Launch article\n\nThe new desk opens on **Monday**. Read the [notes](https://example.com/notes) first.\n\n\
                 ## Prices\n\n| Plan | A month |\n| --- | --- |\n| Team | {price} |\n| Company | 49 |\n\n\
                 - Sign in with the old account\n- Prices are `net`\n"
            );
            (
                second,
                json!({
                    "id": "art-12-text", "taskId": "art-12", "name": "Launch article", "version": version, "mediaType": "text/markdown",
                    "uri": file, "createdAt": self.at(second), "body": body,
                }),
            )
        };
        let drafts = self.since(vec![
            draft(12, "r2", "19"),
            draft(64, "r3", "21"),
            draft(150, "r4", "21"),
        ]);
        let artifacts: Vec<Value> = drafts.into_iter().next_back().into_iter().collect();
        let entry = |second: i64, seq: u64, kind: &str, key: &str, body: &str| {
            (
                second,
                json!({
                    "documentId": "launch-article", "seq": seq, "kind": kind, "key": key, "body": body, "author": "article-editor",
                    "createdAt": self.at(second),
                }),
            )
        };
        let context = self.since(vec![
            entry(
                3,
                1,
                "goal",
                "launch",
                "The launch article is out on Monday, and right.",
            ),
            entry(
                4,
                2,
                "constraint",
                "release",
                "Nothing is published before the editor has finished.",
            ),
            entry(20, 3, "decision", "tone", "Plain words, no superlatives."),
            entry(
                66,
                4,
                "fact",
                "prices",
                "The team plan costs 21 from Monday.",
            ),
        ]);
        let escalations =
            self.since(vec![self.question(
            30,
            "art-12-price",
            "art-12",
            "question",
            ["Keep the price table in the launch article?",
            "The prices change on Monday. The table can stay with a note, or go until then."],
            json!({ "severity": "medium", "options": [
                { "id": "keep", "label": "Keep it with a note" },
                { "id": "remove", "label": "Leave it out" },
            ] }),
        )]);
        json!({
            "tasks": tasks, "accesses": accesses, "claims": [claim], "handoffs": handoffs, "artifacts": artifacts,
            "escalations": escalations, "context": context,
            "ownership": { "triggers": [], "reads": [], "writes": ["file:articles/**"], "outputs": [] },
        })
    }

    fn publisher(&self) -> Value {
        let (state, since) = if self.t < 45 {
            ("submitted", 0)
        } else {
            self.asking("pub-12-live", 45, 100, 10)
        };
        let file = "file:articles/launch.md";
        let tasks = vec![self.task("pub-12", "Publish the launch article", state, since, json!({
            "startedAt": if self.t < 45 { Value::Null } else { json!(self.at(45)) }, "kind": "publish",
            "contextRefs": if self.t < 45 { json!([]) } else { json!([{ "documentId": "launch-article", "seq": 3 }]) },
            "dependsOn": ["article-editor/art-12"],
        }))];
        let accesses = self.since(vec![
            self.access(48, "pub-12", file, "read", json!({ "baseVersion": "r2" })),
            self.access(76, "pub-12", "output:site/preview", "write", json!({})),
        ]);
        // The size is a sentence: the page breaks the form that was agreed.
        let artifacts = self.since(vec![(90, json!({
            "id": "pub-12-page", "taskId": "pub-12", "name": "Launch page", "mediaType": "text/html",
            "uri": "output:site/preview", "sizeBytes": "about twelve kilobytes", "createdAt": self.at(90),
        }))]);
        let escalations = self.since(vec![self.question(
            100, "pub-12-live", "pub-12", "approval", ["Replace the live start page?",
            "The preview is ready. This replaces the page visitors see now."],
            json!({
                "severity": "medium",
                "proposedAction": {
                    "name": "shell", "command": ["site-publish", "--replace", "--page", "launch"], "cwd": "/srv/site",
                    "target": "output:site/live",
                    "diff": "--- live/launch.html\n+++ preview/launch.html\n@@ -1,3 +1,3 @@\n <h1>Launch</h1>\n-<p>Soon.</p>\n+<p>Available from today.</p>\n <footer>Acme</footer>\n",
                },
            }),
        )]);
        json!({
            "tasks": tasks, "accesses": accesses, "artifacts": artifacts, "escalations": escalations, "claims": [],
            "ownership": { "triggers": [], "reads": ["file:articles/**"], "writes": [], "outputs": ["output:site/**"] },
        })
    }

    fn digest(&self) -> Value {
        let (state, since) = if self.t < 30 {
            ("working", 1)
        } else {
            ("completed", 30)
        };
        let tasks = vec![
            self.task("dig-09", "Write the morning digest", state, since, json!({
                "startedAt": self.at(1), "kind": "digest", "progress": self.progress(1, 7, 4), "nextStage": "publish",
            })),
            self.task("dig-week", "Collect sources for the weekly digest", "working", 31, json!({
                "startedAt": self.at(31), "kind": "digest", "progress": self.progress(31, 20, 100_000),
            })),
        ];
        // Handed over on time; nobody says that they have it.
        let handoffs = self.since(vec![(30, json!({
            "id": "dig-09-out", "taskId": "dig-09", "to": "publish", "status": "completed",
            "output": { "artifactId": "dig-09-text" }, "emittedAt": self.at(30), "dueAt": self.at(95),
        }))]);
        let artifacts = self.since(vec![(30, json!({
            "id": "dig-09-text", "taskId": "dig-09", "name": "Morning digest", "mediaType": "text/markdown", "createdAt": self.at(30),
        }))]);
        json!({
            "tasks": tasks, "handoffs": handoffs, "artifacts": artifacts, "accesses": [], "claims": [], "escalations": [],
            "schedules": [{
                "id": "digest", "resource": "trigger:schedule/morning", "cron": "0 9 * * 1-5", "timezone": "Europe/Berlin",
                "taskKind": "digest", "enabled": true,
            }],
            "ownership": { "triggers": ["trigger:schedule/morning"], "reads": [], "writes": [], "outputs": [] },
        })
    }
}

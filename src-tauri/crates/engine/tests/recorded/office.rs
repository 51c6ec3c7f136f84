//! An office on a bad morning, as its agents report it: two of them answer one mail, a refund and a force-push wait, a
//! handoff was never taken, an output breaks its form, a limit runs dry, and one host is gone.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::{
    decision::Outcome,
    fact::{PollError, PollErrorKind},
    ownership::text,
    time::{self, Time},
};
use serde_json::{Value, json};

use crate::{ago, now, stage::Stage, starts};

const HOSTS: [(&str, &str, &str, &str, u16); 8] = [
    ("mail-desk", "Mail desk", "invoices", "native", 8101),
    ("billing-host", "Billing host", "payments", "native", 8102),
    ("crm-host", "CRM host", "crm-sync", "native", 8103),
    ("research-host", "Research host", "research", "a2a", 8104),
    ("press-host", "Press host", "publisher", "native", 8105),
    ("code-host", "Code host", "refactor-bot", "opencode", 8106),
    ("digest-host", "Digest host", "digest", "langgraph", 8107),
    ("vault-host", "Vault host", "treasury", "native", 8108),
];

const RULES: &str = r#"version = 1
reviewed_at = 2026-10-01T09:00:00Z

[[rules]]
resource = "trigger:mailbox/suppliers/invoice"
owner = "invoices"
purpose = "Supplier invoices"

[[rules]]
resource = "trigger:mailbox/suppliers/*"
owner = "payments"
purpose = "All that is to be paid"

[[rules]]
resource = "field:crm/contact/*#status"
owner = "crm-sync"
readers = ["*"]

[[rules]]
resource = "output:mail/supplier"
owner = "payments"

[[rules]]
resource = "output:slack/#billing"
sequence = ["invoices", "payments"]

[[rules]]
resource = "file:shop/**"
owner = "refactor-bot"
purpose = "The shop's code"

[[rules]]
resource = "output:site/**"
owner = "publisher"

[[exceptions]]
agents = ["*"]
route_to = "me"
sla_hours = 24
priority = 1
fallback = "hold"

[[stages]]
name = "publish"
agent = "publisher"

[[budgets]]
kind = "sync"
seconds = 600
"#;

/// The last three hours, and a quiet day before.
pub(crate) fn stage() -> Stage {
    let rules = text::read(RULES).expect("rules");
    let schemas = BTreeMap::from([("schemas/page.json".to_owned(), page_schema())]);
    let mut stage = Stage::holding(ago(24 * 60), Some(rules), schemas);
    // The person says that queueing again can be taken back; no name does.
    let deciding = json!({"reversible": [{"endpoint": "crm-host", "action": "task.requeue"}]});
    let said = stage
        .store
        .write(move |tx| store::tables::settings::set(tx, "deciding", &deciding));
    said.expect("said");
    for (host, name, _, kind, port) in HOSTS {
        stage.add(ago(24 * 60), host, name, kind, port);
    }
    let mut minutes: Vec<i64> = (180..24 * 60).rev().step_by(30).collect();
    minutes.extend((0..180).rev().step_by(5));
    minutes.push(0);
    for minute in minutes {
        for (host, _, agent, _, _) in HOSTS {
            if host == "vault-host" && minute < 11
                || host == "digest-host" && (600..700).contains(&minute)
            {
                stage.miss(ago(minute), host, &refused());
            } else {
                let document = Desk {
                    agent,
                    at: ago(minute),
                }
                .document();
                stage.hear(ago(minute), host, &document);
            }
        }
        stage.tick(ago(minute));
        if minute == 94 {
            stage.decide(
                ago(minute) + TimeDelta::seconds(30),
                "crm-host",
                "requeue-1887",
                Outcome::Approve,
            );
            stage.arrive(
                ago(minute) + TimeDelta::seconds(40),
                "crm-host",
                "requeue-1887",
            );
        }
    }
    stage
}

fn refused() -> PollError {
    PollError {
        kind: PollErrorKind::Connect,
        http_status: None,
        retry_after_seconds: None,
        detail: Some("The connection was refused.".to_owned()),
    }
}

/// One agent at one moment.
struct Desk {
    agent: &'static str,
    at: Time,
}

impl Desk {
    fn document(&self) -> Value {
        let name = match self.agent {
            "crm-sync" => "CRM sync",
            "refactor-bot" => "Refactor bot",
            other => other,
        };
        let mut document = json!({
            "schemaVersion": "1.0",
            "agent": { "id": self.agent, "name": name, "status": "online", "startedAt": stamp(24 * 60) },
            "claims": [],
        });
        let lists = match self.agent {
            "invoices" => invoices(),
            "payments" => payments(),
            "crm-sync" => contacts(),
            "research" => research(),
            "publisher" => press(),
            "refactor-bot" => code(),
            "digest" => digest(),
            _ => vault(),
        };
        for (list, items) in lists {
            let known: Vec<Value> = items
                .into_iter()
                .filter(|(minute, _)| self.at >= ago(*minute))
                .map(|(_, item)| item)
                .collect();
            document[list] = latest(known);
        }
        document["schedules"] = starts::schedules(self.agent);
        match self.agent {
            "crm-sync" => {
                document["quotas"] = json!([
                    self.pool("anthropic", "acme", "tokens", 5, 3100),
                    self.pool("hubspot", "sales", "requests", 24, 40),
                ]);
            }
            "payments" | "research" => {
                document["quotas"] = json!([self.pool("anthropic", "acme", "tokens", 5, 3100)]);
            }
            _ => {}
        }
        document
    }

    /// A window of so many hours that is used a little more each minute, as the agent saw it with its own last call.
    fn pool(&self, provider: &str, account: &str, unit: &str, hours: i64, rate: i64) -> Value {
        let before = match self.agent {
            "crm-sync" => 2,
            "payments" => 1,
            _ => 0,
        };
        let at = self.at - TimeDelta::minutes(before);
        let length = hours * 3600;
        // The windows of all pools ended together, 38 minutes from when everything stands still.
        let end = (now() + TimeDelta::minutes(38)).timestamp();
        let begun = end - length * (1 + (end - at.timestamp() - 1).div_euclid(length));
        let minutes = (at.timestamp() - begun) / 60;
        let limit = rate * hours * 56;
        let used = (minutes * rate).min(limit);
        json!({
            "pool": { "provider": provider, "account": account },
            "windows": [{
                "name": format!("{unit} per {hours} h"), "unit": unit, "limit": limit, "used": used,
                "remaining": limit - used, "windowSeconds": length,
                "resetAt": time::format(Time::from_timestamp(begun + length, 0).expect("a valid time")),
            }],
            "observedAt": time::format(at),
        })
    }
}

type Lists = BTreeMap<&'static str, Vec<(i64, Value)>>;

pub(crate) fn stamp(minute: i64) -> String {
    time::format(ago(minute))
}

/// Of several items of one id, the newest.
fn latest(items: Vec<Value>) -> Value {
    let mut kept: Vec<Value> = vec![];
    for item in items {
        // Entries of shared documents are only added to, and have no id.
        kept.retain(|other| other["id"].is_null() || other["id"] != item["id"]);
        kept.push(item);
    }
    json!(kept)
}

fn with(mut item: Value, more: Value) -> Value {
    if let (Value::Object(item), Value::Object(more)) = (&mut item, more) {
        item.extend(more);
    }
    item
}

/// A task that is in `state` since so many minutes ago.
pub(crate) fn task(minute: i64, id: &str, title: &str, state: &str, more: Value) -> (i64, Value) {
    let item = json!({
        "id": id, "title": title, "status": { "state": state, "timestamp": stamp(minute) },
        "createdAt": stamp(minute), "startedAt": stamp(minute),
    });
    (minute, with(item, more))
}

/// One time that the contacts were to be merged, and why it failed.
fn merge(begun: i64, failed: i64, attempt: u64, why: &str) -> (i64, Value) {
    let status = json!({ "state": "failed", "timestamp": stamp(failed), "message": why });
    let more =
        json!({ "kind": "merge", "attempt": attempt, "startedAt": stamp(begun), "status": status });
    task(failed, "T-1871", "Merge doubled contacts", "failed", more)
}

fn access(minute: i64, task: &str, resource: &str, mode: &str, more: Value) -> (i64, Value) {
    let item = json!({
        "id": format!("{task}@{minute}{mode}"), "taskId": task, "resource": resource, "mode": mode, "at": stamp(minute),
    });
    (minute, with(item, more))
}

fn asks(
    minute: i64,
    id: &str,
    task: &str,
    kind: &str,
    words: [&str; 2],
    more: Value,
) -> (i64, Value) {
    let [title, message] = words;
    let item = json!({
        "id": id, "version": "1", "taskId": task, "kind": kind, "title": title, "message": message,
        "createdAt": stamp(minute), "status": "pending",
    });
    (minute, with(item, more))
}

pub(crate) fn soon(minutes: i64) -> String {
    time::format(now() + TimeDelta::minutes(minutes))
}

fn invoices() -> Lists {
    let mut lists = Lists::from([
        (
            "tasks",
            vec![
                task(
                    60,
                    "T-1820",
                    "Book the invoices of this week",
                    "working",
                    json!({"kind": "booking", "progress": {"done": 4, "total": 10, "at": stamp(2)}}),
                ),
                task(
                    15,
                    "T-1830",
                    "Answer Nordwerk about invoice 8812",
                    "completed",
                    json!({"key": "mail/8812"}),
                ),
            ],
        ),
        (
            "accesses",
            vec![
                access(
                    14,
                    "T-1830",
                    "trigger:mailbox/suppliers/invoice",
                    "consume",
                    json!({"eventId": "mail-8812"}),
                ),
                access(
                    13,
                    "T-1830",
                    "field:crm/contact/marta#last_reply",
                    "read",
                    json!({"baseVersion": "v17"}),
                ),
                access(11, "T-1830", "output:mail/supplier", "write", json!({})),
                access(
                    10,
                    "T-1830",
                    "field:crm/contact/marta#last_reply",
                    "write",
                    json!({"baseVersion": "v17", "newVersion": "v18"}),
                ),
            ],
        ),
    ]);
    lists.entry("tasks").or_default().extend(starts::sweeps());
    lists
}

fn payments() -> Lists {
    let draft = json!({
        "name": "mail.send", "target": "output:mail/supplier",
        "args": {
            "to": "marta@nordwerk.example", "subject": "Re: invoice 8812",
            "body": "Hello Marta,\ninvoice 8812 was paid yesterday, reference 77-2213.\nKind regards",
        },
    });
    let mut confirmation = draft.clone();
    confirmation["target"] = json!("output:mail/nordwerk");
    let refund = json!({
        "name": "stripe.refunds.create", "target": "output:stripe/refunds",
        "args": { "amount": 42000, "currency": "eur", "charge": "ch_3NkQ81" },
    });
    Lists::from([
        (
            "tasks",
            vec![
                task(
                    14,
                    "T-1831",
                    "Answer Nordwerk about the payment",
                    "working",
                    json!({"key": "mail/8812"}),
                ),
                task(
                    8,
                    "T-1831",
                    "Answer Nordwerk about the payment",
                    "input-required",
                    json!({"key": "mail/8812", "waitingFor": {"kind": "human", "ref": "reply-8812"}}),
                ),
                task(
                    52,
                    "T-1841",
                    "Refund order 3391",
                    "input-required",
                    json!({"waitingFor": {"kind": "human", "ref": "refund-420"}}),
                ),
                task(
                    9,
                    "T-1850",
                    "Match the bank statement",
                    "submitted",
                    json!({"dependsOn": ["T-1841"], "parentId": "T-1841"}),
                ),
            ],
        ),
        (
            "accesses",
            vec![
                access(
                    14,
                    "T-1831",
                    "trigger:mailbox/suppliers/invoice",
                    "consume",
                    json!({"eventId": "mail-8812"}),
                ),
                access(
                    12,
                    "T-1831",
                    "field:crm/contact/marta#last_reply",
                    "read",
                    json!({"baseVersion": "v17"}),
                ),
                access(
                    7,
                    "T-1831",
                    "field:crm/contact/marta#last_reply",
                    "write",
                    json!({"baseVersion": "v17", "newVersion": "v19"}),
                ),
            ],
        ),
        (
            "escalations",
            vec![
                asks(
                    8,
                    "reply-8812",
                    "T-1831",
                    "conflict",
                    [
                        "Two replies to one supplier email",
                        "invoices already replied at 08:41. I have a second reply that says the invoice is paid. Shall I send it anyway?",
                    ],
                    json!({"severity": "high", "proposedAction": draft, "expiresAt": soon(11)}),
                ),
                asks(
                    7,
                    "reply-8814",
                    "T-1841",
                    "exception",
                    [
                        "Confirm the payment to Nordwerk",
                        "Nordwerk asks for a confirmation in writing. I have drafted one.",
                    ],
                    json!({"proposedAction": confirmation, "expiresAt": soon(40)}),
                ),
                asks(
                    52,
                    "refund-420",
                    "T-1841",
                    "approval",
                    [
                        "Send refund of €420.00",
                        "The customer returned both items. Please refund \u{202e}0.024 EUR.",
                    ],
                    json!({"severity": "high", "proposedAction": refund, "expiresAt": soon(52)}),
                ),
            ],
        ),
    ])
}

fn contacts() -> Lists {
    let lines: serde_json::Map<String, Value> = (0..120)
        .map(|number| {
            (
                format!("contact-{number:03}"),
                json!(format!("status=active; owner=sales-{}", number % 7)),
            )
        })
        .collect();
    let again = |task: &str| json!({"name": "task.requeue", "args": {"task": task, "after": 300}});
    let page = |number: i64| {
        json!({
            "id": format!("page-{number}"), "taskId": "T-1888", "name": "Contact page", "createdAt": stamp(number),
            "mediaType": "application/json", "sizeBytes": "about four kilobytes",
        })
    };
    Lists::from([
        (
            "tasks",
            vec![
                task(
                    30,
                    "T-1888",
                    "Sync the CRM",
                    "working",
                    json!({"kind": "sync", "progress": {"done": 8, "total": 40, "note": "Waits after a 429", "at": stamp(25)}}),
                ),
                task(
                    240,
                    "T-1870",
                    "Sync the CRM, yesterday's rest",
                    "completed",
                    json!({"kind": "sync"}),
                ),
                merge(130, 115, 1, "The service closed the connection."),
                merge(
                    112,
                    100,
                    2,
                    "Two contacts have one address and different owners.",
                ),
            ],
        ),
        (
            "artifacts",
            vec![(22, page(22)), (18, page(18)), (12, page(12))],
        ),
        (
            "escalations",
            vec![
                asks(
                    95,
                    "requeue-1887",
                    "T-1888",
                    "approval",
                    ["Queue contact 3 of 40 again", "The API answered 429."],
                    json!({"severity": "low", "proposedAction": again("T-1887")}),
                ),
                asks(
                    20,
                    "requeue-1888",
                    "T-1888",
                    "approval",
                    [
                        "Queue contact 8 of 40 again",
                        "The API answered 429. I would try contact 8 again in 5 minutes.",
                    ],
                    json!({"severity": "low", "proposedAction": again("T-1888")}),
                ),
                asks(
                    33,
                    "bulk-120",
                    "T-1888",
                    "approval",
                    [
                        "Set the status of 120 contacts",
                        "All were answered by sales this week.",
                    ],
                    json!({"severity": "medium", "proposedAction": {"name": "crm.update", "target": "field:crm/contact/*#status", "args": lines}}),
                ),
            ],
        ),
    ])
}

fn research() -> Lists {
    let form = json!({
        "type": "object", "required": ["pages"],
        "properties": {
            "pages": { "type": "integer", "minimum": 1, "maximum": 500, "default": 50, "title": "Pages" },
            "hosts": { "type": "array", "items": { "type": "string" }, "title": "Hosts" },
            "images": { "type": "boolean", "default": false, "title": "Read images too" },
        },
    });
    Lists::from([
        (
            "tasks",
            vec![
                task(
                    300,
                    "T-1840",
                    "Draft on invoice formats",
                    "completed",
                    json!({"kind": "draft", "nextStage": "publish"}),
                ),
                task(
                    45,
                    "T-1902",
                    "Crawl the documentation of three shops",
                    "input-required",
                    json!({"waitingFor": {"kind": "human", "ref": "form-9"}}),
                ),
                task(
                    40,
                    "T-1903",
                    "Write the release notes",
                    "input-required",
                    json!({
                        "waitingFor": {"kind": "human", "ref": "tone"}, "contextId": "articles",
                        "contextRefs": [{"documentId": "article-pipeline", "seq": 9}],
                    }),
                ),
            ],
        ),
        (
            "context",
            vec![
                agreed(
                    170,
                    1,
                    "goal",
                    "A shop page that a customer trusts at first sight.",
                    "research",
                    json!({}),
                ),
                agreed(
                    165,
                    2,
                    "constraint",
                    "Publish only after the legal tick.",
                    "me",
                    json!({"key": "release"}),
                ),
                agreed(
                    145,
                    4,
                    "decision",
                    "Auth is a session cookie.",
                    "research",
                    json!({"key": "auth", "value": "cookie"}),
                ),
                agreed(
                    80,
                    6,
                    "decision",
                    "Auth is custom JWT.",
                    "research",
                    json!({"key": "auth", "value": "jwt", "supersedes": 4}),
                ),
                agreed(
                    79,
                    7,
                    "decision",
                    "Tone: plain, no em dashes.",
                    "research",
                    json!({"key": "tone", "value": "plain"}),
                ),
                agreed(
                    70,
                    9,
                    "decision",
                    "Prices are shown with tax, as the law wants it.",
                    "research",
                    json!({"key": "prices", "value": "gross"}),
                ),
            ],
        ),
        (
            "handoffs",
            vec![(
                240,
                json!({
                    "id": "handoff-1840", "taskId": "T-1840", "to": "publish", "status": "completed",
                    "output": { "uri": "file:drafts/invoice-formats.md" }, "emittedAt": stamp(240),
                }),
            )],
        ),
        (
            "escalations",
            vec![
                asks(
                    45,
                    "form-9",
                    "T-1902",
                    "form",
                    [
                        "Limits for the crawl",
                        "How many pages may I read, and from which hosts?",
                    ],
                    json!({"severity": "medium", "responseSchema": form}),
                ),
                asks(
                    40,
                    "tone",
                    "T-1903",
                    "question",
                    [
                        "Which tone for the release notes?",
                        "Plain as last time, or the longer form with quotes?",
                    ],
                    json!({"severity": "low", "options": [
                        { "id": "plain", "label": "Plain", "effect": "Short sentences, no quotes." },
                        { "id": "long", "label": "Longer form", "effect": "With quotes from two users." },
                    ]}),
                ),
            ],
        ),
    ])
}

/// What the publisher agreed to deliver.
fn page_schema() -> Value {
    json!({
        "type": "object", "required": ["heading", "language", "blocks"],
        "properties": {
            "heading": { "type": "string", "minLength": 3, "maxLength": 60, "description": "What stands above the page." },
            "language": { "enum": ["en", "de", "fr"] },
            "blocks": { "type": "array", "minItems": 1, "items": {
                "type": "object", "required": ["kind"],
                "properties": {
                    "kind": { "enum": ["text", "table", "image"] },
                    "text": { "type": "string" },
                    "rows": { "type": "array", "items": { "type": "array", "prefixItems": [{ "type": "string" }, { "type": "number", "minimum": 0 }] } },
                },
            } },
        },
    })
}

/// An entry of the document that research and press share.
fn agreed(
    minute: i64,
    seq: u64,
    kind: &str,
    body: &str,
    author: &str,
    more: Value,
) -> (i64, Value) {
    let item = json!({
        "documentId": "article-pipeline", "seq": seq, "kind": kind, "body": body, "author": author, "createdAt": stamp(minute),
    });
    (minute, with(item, more))
}

fn press() -> Lists {
    let page = |minute: i64, blocks: Value| {
        let item = json!({
            "id": "price-page", "taskId": "T-1860", "name": "Price page", "mediaType": "application/json",
            "version": format!("draft-{minute}"), "schemaRef": "schemas/page.json", "createdAt": stamp(minute), "body": blocks,
        });
        (minute, item)
    };
    let table = |price: Value| {
        json!({
            "heading": "Prices from Monday", "language": "en",
            "blocks": [
                { "kind": "text", "text": "All prices are per month." },
                { "kind": "table", "rows": [["Team", price], ["Company", 49]] },
            ],
        })
    };
    let mut headless = table(json!("19 €"));
    headless["language"] = json!("English");
    if let Some(members) = headless.as_object_mut() {
        members.remove("heading");
    }
    let context = vec![
        agreed(
            150,
            3,
            "decision",
            "Articles go out on Tuesdays and Fridays.",
            "publisher",
            json!({"key": "days", "value": ["tue", "fri"]}),
        ),
        agreed(
            140,
            5,
            "fact",
            "The site is rebuilt every ten minutes.",
            "publisher",
            json!({}),
        ),
        agreed(
            76,
            8,
            "decision",
            "Prices are written without tax.",
            "publisher",
            json!({"key": "prices", "value": "net"}),
        ),
    ];
    let written = access(
        58,
        "T-1860",
        "output:site/prices",
        "write",
        json!({"newVersion": "draft-64"}),
    );
    Lists::from([
        ("context", context),
        ("accesses", vec![written]),
        (
            "artifacts",
            [page(66, table(json!("19 €"))), page(64, headless)]
                .into_iter()
                .chain(super::notes::made())
                .collect(),
        ),
        (
            "tasks",
            vec![
                task(
                    70,
                    "T-1860",
                    "Publish the price page",
                    "working",
                    json!({
                        "kind": "publish", "progress": {"done": 1, "total": 3, "at": stamp(64)}, "contextId": "articles",
                        "contextRefs": [{"documentId": "article-pipeline", "seq": 4}],
                    }),
                ),
                task(
                    180,
                    "T-1859",
                    "Publish the imprint",
                    "completed",
                    json!({"kind": "publish"}),
                ),
            ],
        ),
    ])
}

fn code() -> Lists {
    let push = json!({
        "name": "git.push", "command": ["git", "push", "--force-with-lease", "origin", "release/2.4"],
        "cwd": "/srv/shop", "env": { "GIT_SSH_COMMAND": "ssh -i ~/.ssh/deploy" },
        "diff": "--- a/src/cart.rs\n+++ b/src/cart.rs\n@@ -12,3 +12,3 @@\n pub fn total(&self) -> Money {\n-    self.items.iter().map(Item::price).sum()\n+    self.lines.iter().map(Line::price).sum()\n }\n",
    });
    Lists::from([
        (
            "tasks",
            vec![
                task(
                    80,
                    "T-1877",
                    "Rename items to lines",
                    "input-required",
                    json!({"waitingFor": {"kind": "human", "ref": "push-24"}}),
                ),
                task(
                    6,
                    "T-1878",
                    "Update the lock file",
                    "working",
                    json!({"progress": {"done": 2, "total": 5, "at": stamp(1)}}),
                ),
            ],
        ),
        (
            "accesses",
            vec![access(
                20,
                "T-1877",
                "file:shop/src/cart.rs",
                "write",
                json!({"baseVersion": "r41", "newVersion": "r42"}),
            )],
        ),
        (
            "escalations",
            vec![asks(
                26,
                "push-24",
                "T-1877",
                "approval",
                [
                    "Force-push to release/2.4",
                    "14 commits are rewritten after the rename.",
                ],
                json!({"severity": "high", "proposedAction": push}),
            )],
        ),
    ])
}

fn digest() -> Lists {
    Lists::from([(
        "tasks",
        vec![
            task(
                110,
                "T-1810",
                "Write the morning digest",
                "completed",
                json!({"kind": "digest"}),
            ),
            task(
                4,
                "T-1811",
                "Collect sources for the weekly digest",
                "working",
                json!({"progress": {"done": 12, "total": 60, "at": stamp(1)}}),
            ),
        ],
    )])
}

fn vault() -> Lists {
    let pay = json!({"name": "bank.transfer", "target": "output:bank/transfers", "args": {"amount": 190000, "to": "Nordwerk"}});
    Lists::from([
        (
            "tasks",
            vec![task(
                30,
                "T-1890",
                "Pay supplier Nordwerk",
                "input-required",
                json!({"waitingFor": {"kind": "human", "ref": "gone-1"}}),
            )],
        ),
        (
            "escalations",
            vec![asks(
                30,
                "gone-1",
                "T-1890",
                "approval",
                ["Pay supplier Nordwerk", "Due today."],
                json!({"severity": "high", "proposedAction": pay}),
            )],
        ),
    ])
}

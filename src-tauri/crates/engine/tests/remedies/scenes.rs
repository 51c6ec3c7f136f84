//! The troubles in which each way out is taken: what the agents say, under which rules. One scene serves all ways of its
//! rule that need nothing else.

use chrono::{TimeDelta, Utc};
use domain::time;
use serde_json::{Value, json};

/// What is expected of the finding in the end, as far as the test must wait for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// It is looked at after a while.
    Now,
    /// It comes back when the time that was chosen is over.
    Later,
    /// It ends when an agent has been told.
    WhenTold,
}

pub(crate) struct Scene {
    pub(crate) rules: &'static str,
    pub(crate) settings: Value,
    pub(crate) schemas: Value,
    /// What was heard an hour ago.
    pub(crate) before: Vec<(&'static str, Value)>,
    pub(crate) agents: Vec<(&'static str, Value)>,
    /// What they say after that, one after the other.
    pub(crate) then: Vec<(&'static str, Value)>,
    pub(crate) ends: Ends,
}

/// Rule, way, which case of it, and the scene.
pub(crate) type Way = (&'static str, &'static str, &'static str, fn() -> Scene);

pub(crate) fn ways() -> Vec<Way> {
    vec![
        ("trigger-collision", "owner-keeps", "", mail),
        ("trigger-collision", "owner-keeps", " (both over)", || {
            mail().with("b", |b| {
                b["tasks"][0]["status"]["state"] = json!("completed")
            })
        }),
        ("trigger-collision", "change-owner", "", mail),
        ("trigger-collision", "add-sequence", "", mail),
        ("write-conflict", "keep-owner", "", write),
        ("write-conflict", "keep-owner", " (nobody's)", nobodys),
        ("write-conflict", "transfer", "", write),
        ("write-conflict", "transfer", " (nobody's)", nobodys),
        ("write-conflict", "ask-owner", "", write),
        ("stale-read", "hold", "", stale),
        ("stale-read", "accept", "", stale),
        ("stale-read", "wait-for-signal", "", stale),
        ("output-collision", "sequence", "", output),
        ("output-collision", "one-owner", "", output),
        ("sequence-violation", "pause", "", early),
        ("sequence-violation", "accept", "", early),
        ("sequence-violation", "rerun", "", early),
        (
            "sequence-violation",
            "pause",
            " (into a claim)",
            into_a_claim,
        ),
        ("unknown-dependency", "accept", "", unknown),
        ("silent-completion", "notify", "", silent),
        ("silent-completion", "mark-handed-over", "", silent),
        ("silent-completion", "reopen", "", silent),
        ("silent-completion", "notify", " (not taken)", not_taken),
        ("stall", "nudge", "", stalled),
        ("stall", "cancel", "", || stalled().ending(Ends::WhenTold)),
        ("stall", "wait", "", || stalled().ending(Ends::Later)),
        ("timeout", "extend", "", || late().ending(Ends::Later)),
        ("timeout", "cancel", "", || late().ending(Ends::WhenTold)),
        ("timeout", "escalate", "", late),
        ("timeout", "escalate", " (to me)", || Scene {
            rules: "version = 1",
            ..late()
        }),
        ("deadlock", "release", "", circle),
        ("deadlock", "cancel", "", || circle().ending(Ends::WhenTold)),
        ("double-booking", "keep-older", "", both_hold),
        ("double-booking", "keep-newer", "", both_hold),
        ("double-booking", "split", "", both_hold),
        ("duplicate-work", "keep-older", "", || {
            twice().ending(Ends::WhenTold)
        }),
        ("duplicate-work", "merge", "", twice),
        ("duplicate-work", "keep-older", " (one task)", again),
        ("duplicate-work", "merge", " (one task)", again),
        ("quota-pressure", "hold-largest", "", pressed),
        ("quota-pressure", "stagger", "", pressed),
        ("quota-pressure", "raise", "", pressed),
        ("quota-exhausted", "hold-all", "", exhausted),
        ("overload", "wait", "", || slow_down().ending(Ends::Later)),
        ("context-divergence", "adopt-first", "", contradiction),
        ("context-divergence", "adopt-second", "", contradiction),
        ("context-divergence", "reconcile", "", contradiction),
        (
            "context-divergence",
            "adopt-first",
            " (asked about)",
            || asked_about().ending(Ends::WhenTold),
        ),
        ("context-divergence", "adopt-first", " (not read)", not_read),
        (
            "context-divergence",
            "adopt-second",
            " (not read)",
            not_read,
        ),
        ("schema-violation", "send-back", "", || letter(false)),
        ("schema-violation", "send-back", " (asked about)", || {
            letter(true).ending(Ends::WhenTold)
        }),
        ("schema-violation", "accept-once", "", refused_by_schema),
        ("schema-violation", "accept-once", " (unreadable)", || {
            letter(false)
        }),
        ("schema-violation", "edit", "", || letter(false)),
        ("retry-storm", "pause", "", storm),
        ("retry-storm", "cancel", "", || {
            storm().ending(Ends::WhenTold)
        }),
        ("scope-overreach", "deny", "", overreach),
        ("scope-overreach", "add", "", overreach),
        ("undeclared-agent", "add", "", || {
            Scene::of(vec![("a", writes("a", "field:crm/x", json!({})))])
        }),
        ("unowned-resource", "assign-writer", "", unowned),
        ("unowned-resource", "assign", "", unowned),
        ("escalation-overdue", "answer", "", overdue),
        ("escalation-overdue", "reassign", "", overdue),
        ("escalation-overdue", "extend", "", || {
            overdue().ending(Ends::Later)
        }),
        ("endpoint-stale", "retry", "", quiet),
        ("endpoint-stale", "pause", "", quiet),
        ("offline", "retry", "", || Scene {
            settings: json!({ "staleAfterPolls": 1 }),
            ..Scene::of(vec![("a", doc("a", json!({}))), ("b", doc("b", json!({})))])
        }),
        ("readiness", "wait", "", || joins().ending(Ends::Later)),
        ("readiness", "resolve-overlaps", "", joins),
        ("readiness", "override", "", joins),
        ("review-due", "mark-reviewed", "", || Scene {
            rules: "version = 1\nreviewed_at = 2020-01-01T00:00:00Z",
            ..Scene::of(vec![("a", doc("a", json!({})))])
        }),
    ]
}

impl Scene {
    fn of(agents: Vec<(&'static str, Value)>) -> Self {
        Self {
            rules: "version = 1",
            settings: json!({}),
            schemas: json!({}),
            before: vec![],
            agents,
            then: vec![],
            ends: Ends::Now,
        }
    }

    fn ending(self, ends: Ends) -> Self {
        Self { ends, ..self }
    }

    fn with(mut self, agent: &str, change: impl FnOnce(&mut Value)) -> Self {
        let mut agents = self.agents.iter_mut();
        let found = agents.find(|(name, _)| *name == agent);
        change(&mut found.expect("it is in the scene").1);
        self
    }
}

/// So many seconds ago.
fn ago(seconds: i64) -> String {
    time::format(Utc::now() - TimeDelta::seconds(seconds))
}

fn doc(agent: &str, more: Value) -> Value {
    let mut document = json!({
        "schemaVersion": "1.0", "agent": { "id": agent, "name": agent, "status": "online" }, "pollAfterSeconds": 1,
    });
    for (name, value) in more.as_object().expect("an object") {
        document[name] = value.clone();
    }
    document
}

/// A task with what else it has.
fn task(id: &str, state: &str, began: i64, more: Value) -> Value {
    let mut task = json!({
        "id": id, "title": format!("Task {id}"), "createdAt": ago(began), "startedAt": ago(began),
        "status": { "state": state, "timestamp": ago(began) },
    });
    for (name, value) in more.as_object().expect("an object") {
        task[name] = value.clone();
    }
    task
}

fn working(id: &str, began: i64) -> Value {
    task(id, "working", began, json!({}))
}

/// An access of the agent's first task.
fn access(agent: &str, mode: &str, resource: &str, seconds: i64, more: Value) -> Value {
    let mut access = json!({
        "id": format!("{agent}-{mode}-{seconds}"), "taskId": format!("{agent}1"), "resource": resource, "mode": mode,
        "at": ago(seconds),
    });
    for (name, value) in more.as_object().expect("an object") {
        access[name] = value.clone();
    }
    access
}

/// An agent that works and has written that.
fn writes(agent: &str, resource: &str, more: Value) -> Value {
    let seconds = if agent == "a" { 30 } else { 20 };
    doc(
        agent,
        json!({
            "tasks": [working(&format!("{agent}1"), seconds * 2)], "accesses": [access(agent, "write", resource, seconds, more)],
        }),
    )
}

fn mail() -> Scene {
    let takes = |agent: &str, seconds| {
        let event = json!({ "eventId": "m1" });
        doc(
            agent,
            json!({
                "tasks": [working(&format!("{agent}1"), seconds)],
                "accesses": [access(agent, "consume", "trigger:inbox/mail", seconds, event)],
            }),
        )
    };
    Scene {
        rules: "version = 1\n[[rules]]\nresource = \"trigger:inbox/*\"\nowner = \"a\"",
        ..Scene::of(vec![("a", takes("a", 30)), ("b", takes("b", 20))])
    }
}

fn write() -> Scene {
    Scene {
        rules: "version = 1\n[[rules]]\nresource = \"field:crm/**\"\nowner = \"a\"",
        ..Scene::of(vec![
            ("a", doc("a", json!({}))),
            ("b", writes("b", "field:crm/x", json!({}))),
        ])
    }
}

fn nobodys() -> Scene {
    Scene::of(vec![
        ("a", writes("a", "field:crm/x", json!({}))),
        ("b", writes("b", "field:crm/x", json!({}))),
    ])
}

fn stale() -> Scene {
    let file = "file:shop/cart";
    let reader = doc(
        "b",
        json!({ "tasks": [working("b1", 60)], "accesses": [
        access("b", "read", file, 50, json!({ "baseVersion": "v1" })),
        access("b", "write", "output:site/cart", 10, json!({})),
    ] }),
    );
    let writer = writes(
        "a",
        file,
        json!({ "baseVersion": "v1", "newVersion": "v2" }),
    );
    Scene {
        rules: "version = 1\n[[rules]]\nresource = \"file:shop/*\"\nowner = \"a\"\n[[rules]]\nresource = \"output:site/*\"\nowner = \"b\"",
        ..Scene::of(vec![("a", writer), ("b", reader)])
    }
}

fn output() -> Scene {
    let page = "output:site/page";
    Scene::of(vec![
        ("a", writes("a", page, json!({}))),
        ("b", writes("b", page, json!({}))),
    ])
}

fn early() -> Scene {
    let needs = task("b1", "working", 20, json!({ "dependsOn": ["a/a1"] }));
    Scene::of(vec![
        ("a", doc("a", json!({ "tasks": [working("a1", 60)] }))),
        ("b", doc("b", json!({ "tasks": [needs] }))),
    ])
}

fn claim(id: &str, task: &str, resource: &str, seconds: i64) -> Value {
    json!({ "id": id, "resource": resource, "holderIdentity": id, "taskId": task, "mode": "exclusive", "state": "held",
        "acquireTime": ago(seconds), "leaseDurationSeconds": 3600 })
}

fn into_a_claim() -> Scene {
    let file = "file:shop/cart";
    let reads = access("b", "read", file, 20, json!({}));
    Scene::of(vec![
        (
            "a",
            doc(
                "a",
                json!({ "tasks": [working("a1", 60)], "claims": [claim("lock", "a1", file, 60)] }),
            ),
        ),
        (
            "b",
            doc(
                "b",
                json!({ "tasks": [working("b1", 60)], "accesses": [reads] }),
            ),
        ),
    ])
}

fn unknown() -> Scene {
    let needs = task("b1", "working", 20, json!({ "dependsOn": ["a/none"] }));
    Scene::of(vec![
        ("a", doc("a", json!({ "tasks": [] }))),
        ("b", doc("b", json!({ "tasks": [needs] }))),
    ])
}

const STAGES: &str = "version = 1\n[[stages]]\nname = \"publish\"\nagent = \"b\"";

fn silent() -> Scene {
    let done = task("a1", "completed", 5, json!({ "nextStage": "publish" }));
    Scene {
        rules: STAGES,
        ..Scene::of(vec![
            ("a", doc("a", json!({ "tasks": [done] }))),
            ("b", doc("b", json!({}))),
        ])
    }
}

fn not_taken() -> Scene {
    let handed = json!({ "id": "h1", "taskId": "a1", "to": "publish", "status": "completed", "emittedAt": ago(5) });
    silent().with("a", |a| a["handoffs"] = json!([handed]))
}

fn stalled() -> Scene {
    Scene {
        settings: json!({ "stallAfterSeconds": 1 }),
        ..Scene::of(vec![(
            "a",
            doc("a", json!({ "tasks": [working("a1", 60)] })),
        )])
    }
}

fn late() -> Scene {
    let late = task("a1", "working", 60, json!({ "deadlineAt": ago(10) }));
    Scene {
        rules: "version = 1\n[[exceptions]]\nagents = [\"a\"]\nroute_to = \"ann\"\npriority = 1",
        ..Scene::of(vec![("a", doc("a", json!({ "tasks": [late] })))])
    }
}

fn circle() -> Scene {
    let waits = |id: &str, began, resource: &str| {
        let waiting = json!({ "waitingFor": { "kind": "claim", "ref": resource } });
        task(id, "working", began, waiting)
    };
    let (one, two) = ("file:shop/one", "file:shop/two");
    Scene::of(vec![
        (
            "a",
            doc(
                "a",
                json!({ "tasks": [waits("a1", 60, two)], "claims": [claim("lock-a", "a1", one, 50)] }),
            ),
        ),
        (
            "b",
            doc(
                "b",
                json!({ "tasks": [waits("b1", 40, one)], "claims": [claim("lock-b", "b1", two, 30)] }),
            ),
        ),
    ])
}

fn both_hold() -> Scene {
    let file = "file:shop/cart";
    Scene::of(vec![
        (
            "a",
            doc(
                "a",
                json!({ "tasks": [working("a1", 60)], "claims": [claim("lock-a", "a1", file, 50)] }),
            ),
        ),
        (
            "b",
            doc(
                "b",
                json!({ "tasks": [working("b1", 60)], "claims": [claim("lock-b", "b1", file, 30)] }),
            ),
        ),
    ])
}

fn twice() -> Scene {
    let one = |id: &str, began| task(id, "working", began, json!({ "key": "invoice/7" }));
    Scene::of(vec![
        ("a", doc("a", json!({ "tasks": [one("a1", 60)] }))),
        ("b", doc("b", json!({ "tasks": [one("b1", 30)] }))),
    ])
}

fn again() -> Scene {
    let state = |state: &str, seconds| {
        doc(
            "a",
            json!({ "tasks": [task("a1", state, seconds, json!({ "attempt": 1 }))] }),
        )
    };
    Scene {
        then: vec![("a", state("submitted", 30)), ("a", state("working", 20))],
        ..Scene::of(vec![("a", state("working", 60))])
    }
}

fn used(agent: &str, seconds: i64, used: u32) -> Value {
    doc(
        agent,
        json!({ "quotas": [{
        "pool": { "provider": "anthropic", "account": "acme" }, "observedAt": ago(seconds),
        "windows": [{ "name": "tokens", "limit": 1000, "used": used, "remaining": 1000 - used, "resetAt": ago(-3600) }],
    }] }),
    )
}

fn pressed() -> Scene {
    Scene {
        then: vec![("b", used("b", 60, 200)), ("a", used("a", 0, 900))],
        ..Scene::of(vec![("a", used("a", 120, 100)), ("b", doc("b", json!({})))])
    }
}

/// `a` uses the pool too, and says so only after it was found.
fn exhausted() -> Scene {
    Scene {
        then: vec![("a", used("a", 20, 900))],
        ..Scene::of(vec![("a", doc("a", json!({}))), ("b", used("b", 10, 1000))])
    }
}

fn entry(seq: u32, key: &str, value: &str, author: &str, seconds: i64) -> Value {
    json!({ "documentId": "plan", "seq": seq, "kind": "decision", "key": key, "value": value,
        "body": format!("It is {value}."), "author": author, "createdAt": ago(seconds) })
}

fn contradiction() -> Scene {
    Scene::of(vec![
        (
            "a",
            doc(
                "a",
                json!({ "context": [entry(1, "deadline", "monday", "a", 60)] }),
            ),
        ),
        (
            "b",
            doc(
                "b",
                json!({ "context": [entry(2, "deadline", "friday", "b", 30)] }),
            ),
        ),
    ])
}

/// Both entries are contradicted by what `b` appends when it is answered.
fn asked_about() -> Scene {
    contradiction().with("b", |b| {
        b["escalations"] = json!([{ "id": "q1", "version": "1", "kind": "conflict", "title": "Which deadline of plan?",
            "message": "The plan has two values for deadline.", "createdAt": ago(10), "status": "pending" }]);
    })
}

fn not_read() -> Scene {
    let reads = |id: &str, seq: u32| {
        task(
            id,
            "working",
            20,
            json!({ "contextId": "launch", "contextRefs": [{ "documentId": "plan", "seq": seq }] }),
        )
    };
    Scene::of(vec![
        (
            "a",
            doc(
                "a",
                json!({ "tasks": [reads("a1", 2)], "context": [
            entry(1, "deadline", "monday", "a", 60), entry(2, "price", "21", "a", 40),
        ] }),
            ),
        ),
        ("b", doc("b", json!({ "tasks": [reads("b1", 1)] }))),
    ])
}

fn letter(is_asked: bool) -> Scene {
    let state = if is_asked {
        "input-required"
    } else {
        "working"
    };
    let mut document = doc(
        "a",
        json!({ "tasks": [task("a1", state, 60, json!({}))], "artifacts": [{
        "id": "page", "taskId": "a1", "name": "Page", "createdAt": ago(20), "sizeBytes": "four",
    }] }),
    );
    if is_asked {
        document["escalations"] = json!([{ "id": "q1", "version": "1", "taskId": "a1", "kind": "question",
            "title": "Is it right?", "message": "Say what is wrong.", "createdAt": ago(10), "status": "pending" }]);
    }
    Scene::of(vec![("a", document)])
}

fn refused_by_schema() -> Scene {
    Scene {
        schemas: json!({ "schemas/page.json": { "type": "object", "required": ["title"] } }),
        ..Scene::of(vec![(
            "a",
            doc(
                "a",
                json!({ "tasks": [working("a1", 60)], "artifacts": [{
            "id": "page", "taskId": "a1", "name": "Page", "createdAt": ago(20), "schemaRef": "schemas/page.json", "body": {},
        }] }),
            ),
        )])
    }
}

fn storm() -> Scene {
    let attempt = |attempt: u32| {
        let state = task(
            "a1",
            "working",
            60 - i64::from(attempt),
            json!({ "attempt": attempt }),
        );
        doc("a", json!({ "tasks": [state] }))
    };
    Scene {
        settings: json!({ "retryStormCount": 2 }),
        then: vec![("a", attempt(2)), ("a", attempt(3)), ("a", attempt(4))],
        ..Scene::of(vec![("a", attempt(1))])
    }
}

fn overreach() -> Scene {
    Scene::of(vec![("a", writes("a", "field:staff/pay", json!({})))]).with("a", |a| {
        a["ownership"] =
            json!({ "triggers": [], "reads": [], "writes": ["field:crm/**"], "outputs": [] })
    })
}

fn unowned() -> Scene {
    Scene::of(vec![
        ("b", doc("b", json!({}))),
        ("a", writes("a", "field:crm/x", json!({}))),
    ])
}

fn overdue() -> Scene {
    Scene {
        settings: json!({ "escalationSlaHours": 1.0 }),
        ..Scene::of(vec![(
            "a",
            doc(
                "a",
                json!({ "escalations": [{ "id": "q/1", "version": "1", "kind": "question",
            "title": "Which?", "message": "Say which.", "createdAt": ago(7200), "status": "pending" }] }),
            ),
        )])
    }
}

fn answers_with(status: u32) -> Scene {
    Scene {
        then: vec![("b", json!(status))],
        ..Scene::of(vec![("a", doc("a", json!({}))), ("b", doc("b", json!({})))])
    }
}

fn slow_down() -> Scene {
    answers_with(429)
}

fn quiet() -> Scene {
    Scene {
        settings: json!({ "staleAfterPolls": 1 }),
        ..answers_with(500)
    }
}

fn joins() -> Scene {
    let known = doc("a", json!({}));
    Scene {
        before: vec![("a", known.clone())],
        ..Scene::of(vec![("a", known), ("b", doc("b", json!({})))])
    }
}

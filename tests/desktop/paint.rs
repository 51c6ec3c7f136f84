//! From the bytes of an answer to the drawn card: a finding that the rules made of it, beside a change that concerns no rule,
//! in the same window by turns. Times are printed and never judged; `cargo xtask bench paint` asks for more of them.

use crate::{
    agent::serve,
    desk::{Desk, until},
    flight::add,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Turns when nobody asks for figures.
const USUAL: u64 = 3;

/// What the agent tells next: first a question in other words, which no rule looks at, then a write outside of what it
/// declared. Each is told once, at the first request after the one before was.
#[derive(Default)]
struct Agent {
    begun: bool,
    told: u64,
    /// When each was sent: milliseconds since 1970, of this computer's clock.
    sent: HashMap<String, f64>,
}

/// How the page knows it: both are in the text of a card.
fn name(told: u64) -> String {
    format!("desk/{told}")
}

impl Agent {
    fn answer(&mut self, path: &str) -> String {
        if !path.contains("cursor=") {
            return document(true, &question(0), &json!([]));
        }
        if !self.begun {
            return document(false, &json!([]), &json!([]));
        }
        self.told += 1;
        let (asks, wrote) = if self.told % 2 == 1 {
            (question(self.told), json!([]))
        } else {
            (json!([]), write(self.told))
        };
        let body = document(false, &asks, &wrote);
        self.sent.insert(name(self.told), now());
        body
    }
}

fn question(told: u64) -> Value {
    json!([{
        "id": "q", "version": format!("v{told}"), "status": "pending", "kind": "question", "title": format!("Which way at {}", name(told)),
        "message": "Say which.", "createdAt": "2026-01-05T09:00:00Z", "expiresAt": "2099-01-05T09:00:00Z",
    }])
}

fn write(told: u64) -> Value {
    json!([{ "id": format!("w{told}"), "resource": format!("file:{}", name(told)), "mode": "write", "at": "2026-01-05T09:00:00Z" }])
}

fn document(snapshot: bool, escalations: &Value, accesses: &Value) -> String {
    json!({
        "schemaVersion": "1.0",
        "agent": { "id": "clerk", "name": "Clerk", "status": "online" },
        "ownership": { "writes": ["file:own/*"] },
        "snapshot": snapshot,
        "escalations": escalations,
        "accesses": accesses,
        "nextCursor": "more",
        "pollAfterSeconds": 3600,
    })
    .to_string()
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64() * 1000.0)
}

/// In the page: lets the engine poll, and notes when the card is drawn; what a rule found is settled before the next turn.
const TURNS: &str = r"
    const call = (name, payload) => window.__TAURI_INTERNALS__.invoke('call', { name, payload });
    const drawn = () => new Promise((done) => requestAnimationFrame(done));
    const says = (text) => document.querySelector('main').textContent.includes(text);
    window.seen = null;
    (async () => {
        const { endpoints: [{ id: endpoint }] } = await call('agents', {});
        const seen = [];
        for (let told = 1; told <= CHANGES * 2; told++) {
            const name = `desk/${told}`;
            await call('pollNow', { endpoint });
            while (!says(name)) await drawn();
            // It is in the page; the frame after the next begins when it was painted.
            await drawn();
            await drawn();
            seen.push([name, performance.timeOrigin + performance.now()]);
            if (told % 2 === 0) {
                const { groups } = await call('inbox', {});
                const found = groups.flatMap((group) => group.items).filter((item) => item.key.startsWith('f:'));
                for (const { key } of found.filter((item) => item.stateLabel === null))
                    await call('actOnFinding', { key, resolution: 'deny', until: null, reason: null, agent: null });
            }
            await new Promise((done) => setTimeout(done, 300));
        }
        window.seen = seen;
    })().catch((error) => { window.seen = String(error?.message ?? error); });
    return true";

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[test]
fn a_finding_is_drawn_like_any_other_change() {
    let changes = std::env::var("MISSION_CONTROL_CHANGES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(USUAL);
    let agent = Arc::new(Mutex::new(Agent::default()));
    let answering = Arc::clone(&agent);
    let port = serve(move |method, heard| {
        let mut agent = answering.lock().unwrap_or_else(PoisonError::into_inner);
        (method == "GET" && heard.path.starts_with("/status")).then(|| agent.answer(&heard.path))
    });
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    add(app, &format!("http://127.0.0.1:{port}/status"));
    app.press_start("Inbox");
    app.wait_for("//*[@role='option'][contains(., 'Which way at')]");
    agent.lock().unwrap_or_else(PoisonError::into_inner).begun = true;

    app.run(&TURNS.replace("CHANGES", &changes.to_string()))
        .expect("it begins");
    let seen = until("all cards are drawn", || {
        thread::sleep(Duration::from_millis(500));
        match app.run("return window.seen")? {
            Value::Array(seen) => Ok(seen),
            other => Err(other.to_string()),
        }
    });
    let agent = agent.lock().unwrap_or_else(PoisonError::into_inner);
    let took: Vec<f64> = seen
        .iter()
        .map(|pair| {
            let name = pair[0].as_str().expect("a name");
            pair[1].as_f64().expect("a time") - agent.sent[name]
        })
        .collect();
    assert_eq!(took.len() as u64, changes * 2, "{seen:?}");
    let of = |rest: usize| {
        let chosen = took.iter().skip(rest).step_by(2);
        median(chosen.copied().collect())
    };
    let (change, finding) = (of(0), of(1));
    println!(
        "from the bytes to the drawn card, median of {changes}: {change:.0} ms a change that concerns no rule, {finding:.0} ms a finding; {:+.0} ms",
        finding - change
    );
}

//! Every way out that a rule offers, taken live: agents over HTTP run into trouble, the finding arises, the person takes
//! the way, and what the agents received, what the rules say, what became of the finding and what is kept stand in
//! `expected.txt`, one part per way. A way without its part, or without its scene, fails.
//!
//! Before each the agents have received nothing, and the rules are those of the scene. `MISSION_CONTROL_RECORD=1` writes
//! `expected.txt` anew; read the difference.

#![allow(clippy::expect_used)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "../scripted/http.rs"]
mod http;

mod agents;
mod scenes;
mod settle;

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use domain::{
    fact::{self, Config},
    remedy::OFFERED,
    time::{self, Time},
};
use engine::api::Api;
use serde_json::{Value, json};
use store::{
    Look, Store,
    tables::{audit, endpoints, facts, findings, ownership},
};

use agents::Fleet;
use scenes::{Ends, Scene, ways};

/// How long something may take that should take a moment.
const LONG: Duration = Duration::from_secs(40);
/// How long nothing must happen to be nothing.
const CALM: Duration = Duration::from_millis(1600);

pub(crate) async fn ask(api: &Api, command: &str, payload: Value) -> Value {
    let answer = api.call(command, payload).await;
    answer.unwrap_or_else(|error| panic!("{command}: {error}"))
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !so() {
        assert!(Instant::now() < end, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn read<T>(dir: &Path, read: impl FnOnce(&store::Reader) -> store::Result<T>) -> T {
    let mut look = Look::open(dir).expect("the folder is there");
    look.read(read).expect("it can be read")
}

/// A folder in which the scene can begin: its rules, its thresholds, and what happened an hour ago.
fn prepare(dir: &Path, scene: &Scene) {
    let rules = domain::ownership::text::read(scene.rules).expect("rules");
    let mut settings = json!({ "handoffDueSeconds": 1, "acknowledgeDueSeconds": 1 });
    for (name, value) in scene.settings.as_object().expect("an object") {
        settings[name] = value.clone();
    }
    let config = Config {
        ownership: rules.clone(),
        settings: serde_json::from_value(settings).expect("settings"),
        schemas: serde_json::from_value(scene.schemas.clone()).expect("schemas"),
    };
    let config = serde_json::to_value(&config).expect("JSON");
    let store = Store::open(dir, Utc::now()).expect("it opens");
    let before = scene.before.clone();
    store
        .write(move |tx| {
            facts::set_config(tx, &config)?;
            ownership::save(tx, Utc::now(), 0, &rules, "The rules of the scene.")?;
            let begin = Utc::now() - TimeDelta::hours(1);
            for (index, (agent, document)) in (0..).zip(&before) {
                let at = begin + TimeDelta::seconds(index);
                let endpoint = (*agent).into();
                let line = fact::write_status(at, &endpoint, &document.to_string());
                facts::append(tx, at, facts::FactKind::Status, Some(&endpoint), &line)?;
            }
            Ok(())
        })
        .expect("it is written");
}

/// The engine on the folder, with every agent of the scene and what they say one after the other.
pub(crate) async fn begin(dir: &Path, scene: &Scene) -> (Api, Fleet) {
    prepare(dir, scene);
    let fleet = Fleet::start(&scene.agents).await;
    let api = Api::open(dir, None, Box::new(|_| Ok(()))).expect("the folder can be used");
    for (agent, _) in &scene.agents {
        let add = json!({
            "name": agent, "url": fleet.url(agent), "kind": "native", "token": null, "basic": null,
        });
        ask(&api, "addEndpoint", add).await;
    }
    for (agent, _) in &scene.agents {
        until("what they say first", || heard(dir, agent) > 0).await;
    }
    for (agent, next) in &scene.then {
        let heard = heard(dir, agent);
        fleet.says(agent, next.clone());
        ask(&api, "pollNow", json!({ "endpoint": agent })).await;
        until("the next document", || self::heard(dir, agent) > heard).await;
    }
    (api, fleet)
}

/// Facts of an endpoint.
fn heard(dir: &Path, agent: &str) -> usize {
    let mut count = 0;
    let of = format!("\"endpoint\":\"{agent}\"");
    read(dir, |reader| {
        facts::each(reader, 0, |row| {
            count += usize::from(row.line.contains(&of));
            Ok(())
        })
    });
    count
}

/// The open finding of a rule.
pub(crate) fn open(dir: &Path, rule: &str) -> Option<findings::FindingRow> {
    let rows = read(dir, findings::open);
    rows.into_iter().find(|row| row.finding.rule == rule)
}

fn rules(dir: &Path) -> Value {
    let current = read(dir, ownership::current).expect("there are rules");
    let mut rules = serde_json::to_value(&current.document).expect("JSON");
    if rules["reviewed_at"].as_str().is_some_and(|at| at > "2026") {
        rules["reviewed_at"] = json!("<now>");
    }
    json!({ "rules": rules["rules"], "reviewed_at": rules["reviewed_at"] })
}

fn kept(dir: &Path) -> Vec<String> {
    let mut kept = vec![];
    read(dir, |reader| {
        audit::each(reader, |entry| {
            kept.push(entry.kind);
            Ok(())
        })
    });
    kept.dedup();
    kept
}

/// Times that are new each time.
fn still(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20") {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let end = found.find(['"', ' ', ',', '\n']).unwrap_or(found.len());
        let word = found[..end].trim_end_matches('.');
        if word.contains('T') && word.ends_with('Z') {
            out.push_str("<time>");
            rest = &found[word.len()..];
        } else {
            out.push_str("20");
            rest = &found[2..];
        }
    }
    out + rest
}

fn lines(out: &mut String, name: &str, items: &Value) {
    for item in items.as_array().into_iter().flatten() {
        out.push_str(&format!("{name}: {}\n", item.as_str().unwrap_or_default()));
    }
}

/// Takes one way of one rule, and says all that came of it.
async fn taken(rule: &str, way: &str, scene: &Scene) -> String {
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path();
    let (api, fleet) = begin(dir, scene).await;
    if rule == "offline" {
        fleet.stop().await;
    }
    until(rule, || open(dir, rule).is_some()).await;
    if rule == "offline" {
        fleet.resume().await;
    }
    let row = open(dir, rule).expect("it is open");
    let key = format!("f:{}", row.finding.episode);
    let shown = ask(&api, "finding", json!({ "key": key })).await;
    let ways = shown["resolutions"].as_array().expect("ways");
    let view = ways.iter().find(|view| view["id"] == way);
    let view = view.unwrap_or_else(|| panic!("{rule} does not offer {way}: {ways:#?}"));
    assert_eq!(fleet.received(), Vec::<String>::new(), "{rule} {way}");
    let (rules_before, kept_before) = (rules(dir), kept(dir));
    assert!(!kept_before.iter().any(|kind| kind.starts_with("finding")));

    let mut out = format!("{}\n", view["label"].as_str().expect("a label"));
    lines(&mut out, "would", &view["does"]);
    for tell in view["tells"].as_array().expect("texts") {
        let (agent, text) = (tell["agent"].as_str(), tell["text"].as_str());
        let text = text.expect("a text").replace('\n', "\n      ");
        out.push_str(&format!("tell {}: {text}\n", agent.expect("an agent")));
    }
    if let Some(place) = view["opens"].as_str() {
        out.push_str(&format!("opens: {place}\n"));
    }
    if let Some(problem) = view["problem"].as_str() {
        out.push_str(&format!("cannot: {problem}\n"));
    }
    let mut action =
        json!({ "key": key, "resolution": way, "agent": null, "until": null, "reason": null });
    let mut until_then = None;
    match view["asks"].as_str().expect("a word") {
        "agent" => {
            out.push_str(&format!("asks: one of {}\n", view["agents"]));
            let last = view["agents"].as_array().and_then(|agents| agents.last());
            action["agent"] = last.expect("an agent").clone();
        }
        "until" => {
            // What was put off comes back, so it must be a moment from now.
            let moment = Utc::now() + TimeDelta::milliseconds(2500);
            action["until"] = json!(time::format(moment));
            until_then = Some(moment);
        }
        "reason" => action["reason"] = json!("It is only read."),
        _ => {}
    }
    match api.call("actOnFinding", action).await {
        Ok(did) => lines(&mut out, "did", &did["did"]),
        Err(error) => out.push_str(&format!("refused: {}\n", error.message)),
    }
    let became = become_of(dir, &api, &fleet, scene, &row, until_then).await;
    for received in fleet.received() {
        out.push_str(&format!("received: {received}\n"));
    }
    let after = rules(dir);
    if after != rules_before {
        for (name, value) in after.as_object().expect("an object") {
            if *value != rules_before[name] {
                out.push_str(&format!("{name}: {value}\n"));
            }
        }
    }
    for row in read(dir, endpoints::list) {
        if row.paused {
            let asked = fleet.asked(&row.name);
            tokio::time::sleep(CALM).await;
            assert_eq!(fleet.asked(&row.name), asked, "{rule} {way}: it is asked");
            out.push_str(&format!("not asked any more: {}\n", row.name));
        }
    }
    out.push_str(&format!("finding: {became}\n"));
    let mut kept = kept(dir);
    kept.retain(|kind| !kept_before.contains(kind));
    if !kept.is_empty() {
        out.push_str(&format!("kept: {}\n", kept.join(", ")));
    }
    api.end();
    still(&out)
}

/// What became of the finding after a while in which all agents were asked again.
async fn become_of(
    dir: &Path,
    api: &Api,
    fleet: &Fleet,
    scene: &Scene,
    row: &findings::FindingRow,
    until_then: Option<Time>,
) -> &'static str {
    let episode = row.finding.episode.as_str();
    let now = || read(dir, |reader| findings::get(reader, episode)).expect("it is kept");
    let begun = Instant::now();
    let mut ended = false;
    let asks_again = |agent: &str| {
        let asked = json!({ "endpoint": agent });
        let api = api.clone();
        async move { drop(api.call("pollNow", asked).await) }
    };
    if scene.ends == Ends::WhenTold {
        // The answer leaves when its undo time is over, and the agent does what it says.
        until("the agent is told", || !fleet.received().is_empty()).await;
        until("it ends", || now().cleared_at.is_some()).await;
    }
    if scene.ends == Ends::Later {
        until("it is put off", || now().cleared_at.is_some()).await;
        until("it comes back", || now().cleared_at.is_none()).await;
        return if Some(now().opened_at) >= until_then {
            "is away, and back at that time"
        } else {
            "is back too early"
        };
    }
    while begun.elapsed() < CALM {
        for (agent, _) in &scene.agents {
            asks_again(agent).await;
        }
        ended |= now().cleared_at.is_some();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let settled = now();
    match (settled.cleared_at, ended) {
        (None, false) => "stands",
        (None, true) => "is back at once",
        (Some(_), _) if settled.dismissed_at.is_some() => "is settled",
        (Some(_), _) => "is over",
    }
}

#[test]
fn every_way_out_of_every_rule_does_to_agents_rules_and_finding_what_it_says() {
    let ways = ways();
    let offered: BTreeSet<_> = OFFERED
        .iter()
        .flat_map(|(rule, ways)| ways.iter().map(|way| (*rule, *way)))
        .collect();
    let played: BTreeSet<_> = ways.iter().map(|(rule, way, ..)| (*rule, *way)).collect();
    assert_eq!(offered, played, "each way that is offered has a scene");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let only = std::env::var("MISSION_CONTROL_ONLY").unwrap_or_default();
    let mut told = String::new();
    runtime.block_on(async {
        let mut running = vec![];
        let lanes = std::sync::Arc::new(tokio::sync::Semaphore::new(12));
        for (rule, way, case, scene) in ways {
            let name = format!("== {rule} {way}{case}\n");
            if !name.contains(&only) {
                continue;
            }
            let lanes = std::sync::Arc::clone(&lanes);
            running.push(tokio::spawn(async move {
                let _lane = lanes.acquire().await;
                let out = taken(rule, way, &scene()).await;
                format!("{name}{out}\n")
            }));
        }
        for part in running {
            match part.await {
                Ok(part) => told.push_str(&part),
                Err(error) => told.push_str(&format!("== failed: {error}\n")),
            }
        }
    });
    let path = Path::new("tests/remedies/expected.txt");
    if std::env::var_os("MISSION_CONTROL_RECORD").is_some() {
        std::fs::write(path, &told).expect("it can be written");
    }
    let expected = std::fs::read_to_string(path).expect("it is there");
    let parts = |text: &str| -> Vec<String> { text.split("\n\n").map(str::to_owned).collect() };
    for (told, expected) in parts(&told).iter().zip(&parts(&expected)) {
        assert_eq!(told, expected);
    }
    assert_eq!(told.len(), expected.len());
}

//! A limit that runs out: the card, the way out of it and the screen of limits name the same agent at each moment, when the
//! window was seen from its beginning, within the last half hour.

use chrono::TimeDelta;
use domain::time::{self, Time};
use engine::api::{
    finding, inbox, limits,
    views::{FindingRequest, TellView},
};
use serde_json::json;

use crate::{ago, stage::Stage};

/// Who reports, and how much it used since the report before.
const TURNS: [(&str, i64); 12] = [
    ("first", 0),
    ("second", 900),
    ("first", 9_000),
    ("second", 500),
    ("third", 500),
    ("third", 12_000),
    ("second", 700),
    ("third", 15_000),
    ("first", 400),
    ("second", 60_000),
    ("third", 100),
    ("second", 5_000),
];
const LIMIT: i64 = 200_000;

/// Of two windows the one that lasts is named first.
fn document(agent: &str, used: i64, at: Time) -> serde_json::Value {
    let window = |name: &str, used: i64, hours: i64| {
        json!({
            "name": name, "unit": "tokens", "limit": LIMIT, "used": used, "remaining": LIMIT - used,
            "resetAt": time::format(ago(0) + TimeDelta::hours(hours)),
        })
    };
    json!({
        "schemaVersion": "1.0", "agent": { "id": agent, "name": agent, "status": "online" },
        "quotas": [{
            "pool": { "provider": "p" }, "observedAt": time::format(at),
            "windows": [window("day", used / 1000, 9), window("hour", used, 5)],
        }],
    })
}

/// Whom the card, its first way out and the screen of limits name, if there is a card.
fn named(stage: &Stage, now: Time) -> Option<[String; 3]> {
    let list = stage.see(now, inbox::inbox);
    let cards = list.groups.into_iter().flat_map(|group| group.items);
    let card = cards
        .into_iter()
        .find(|card| card.key.contains("quota-pressure"))?;
    let request = FindingRequest { key: card.key };
    let view = stage
        .see(now, |glance| finding::finding(glance, &request))
        .expect("it is there");
    assert_eq!(
        view.summary.text, card.title.text,
        "the list says what the card says"
    );
    let says = view
        .summary
        .text
        .split("Lately used by ")
        .nth(1)
        .expect("it names who used it");
    let says = says.split(' ').next().unwrap_or_default().to_owned();
    let [TellView { agent, text }] = view.resolutions[0].tells.as_slice() else {
        panic!("one is told: {:?}", view.resolutions[0].problem);
    };
    let reset = time::format(ago(0) + TimeDelta::hours(5));
    assert_eq!(*text, format!("{agent}, send nothing to p until {reset}."));
    let pools = stage.see(now, limits::limits).pools;
    let window = pools[0].windows.iter().find(|w| w.name == "hour");
    let seen = &window.expect("it is shown").seen;
    let all: f64 = seen.iter().map(|one| one.percent).sum();
    let used = window.and_then(|w| w.used_percent).expect("it is told");
    assert!((all - used).abs() < 1e-9, "{all} of {used} were seen");
    let largest = seen[0].agent.clone();
    Some([says, agent.clone(), largest])
}

#[test]
fn the_card_its_way_out_and_the_limits_name_the_largest_consumer_of_the_moment() {
    let mut stage = Stage::new(ago(60), None);
    for agent in ["first", "second", "third"] {
        stage.add(ago(60), agent, agent, "native", 9);
    }
    let mut used = 0;
    let mut turns = vec![];
    for (minute, (agent, more)) in (0..).zip(TURNS) {
        let at = ago(30 - minute);
        used += more;
        stage.hear(at, agent, &document(agent, used, at));
        if let Some(named) = named(&stage, at + TimeDelta::seconds(1)) {
            assert_eq!(named, [&named[0]; 3].map(String::clone));
            turns.push(named[0].clone());
        }
    }
    turns.dedup();
    assert_eq!(turns, ["first", "third", "second"]);
}

//! The first flight: a person adds an agent, sees its task, answers its question, and the agent gets exactly that answer
//! once, also when the app is killed in between.

use crate::{
    agent::{ACTION, Agent, Heard},
    desk::{Desk, until},
    driver::Driver,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{thread, time::Duration};

/// The app does not take an answer from somebody who has not had time to read.
const READ: Duration = Duration::from_millis(1000);

/// On the first run, types the agent's address, looks at what answers, and watches it.
pub(crate) fn add(app: &Driver, address: &str) {
    app.wait_for("//h1[.='Which agents do you run?']");
    let field = app.wait_for("//input[@placeholder='http://localhost:8123']");
    app.click(&field).expect("the field is there");
    app.keys(address).expect("typed");
    app.press("Ask it who it is");
    app.press("Watch it");
    app.wait_for("//h1[.='The agent answers']");
}

/// Opens the inbox, reads the question and approves it with two presses of its key.
pub(crate) fn approve(app: &Driver, title: &str) {
    app.wait_for("//nav");
    app.press_start("Inbox");
    let row = format!("//*[@role='option'][contains(., '{title}')]");
    until("the question is chosen", || {
        app.find(&row).and_then(|row| app.click(&row))?;
        app.find(&format!("//h2[contains(., '{title}')]"))
    });
    until("the answer is taken", || {
        thread::sleep(READ);
        app.keys("a")?;
        thread::sleep(READ);
        app.keys("a")?;
        app.find("//button[starts-with(normalize-space(), 'Undo')]")
    });
}

fn effects(agent: &Agent, expected: usize) {
    until("the decision arrives", || match agent.effects().len() {
        found if found >= expected => Ok(()),
        found => Err(format!("{found} of {expected} arrived")),
    });
    let all: Vec<String> = (1..=expected).map(|number| format!("q{number}")).collect();
    assert_eq!(agent.effects(), all);
}

/// The parts of a decision that must be exactly so.
fn check(heard: &Heard, number: usize) {
    assert_eq!(heard.path, format!("/escalations/q{number}/decision"));
    assert_eq!(heard.headers["if-match"], format!("\"v{number}\""));
    assert_eq!(heard.headers["content-type"], "application/json");
    let key = &heard.headers["idempotency-key"];
    assert!(
        key.len() == 36 && &key[14..15] == "7",
        "{key} is a UUID of version 7"
    );
    let body: Value = serde_json::from_str(&heard.body).expect("JSON");
    let digest: String = Sha256::digest(ACTION)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(body["outcome"], json!("approve"));
    assert_eq!(body["actionDigest"], json!(format!("sha256:{digest}")));
    assert!(
        body["decidedBy"].is_string() && body["decidedAt"].is_string(),
        "{body}"
    );
    assert_eq!(body.get("editedAction"), None);
}

#[test]
fn an_agent_is_added_and_its_question_approved_and_it_hears_that_once() {
    let agent = Agent::start();
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    add(app, &agent.address());
    app.press_start("Board");
    app.wait_for("//*[contains(text(), 'Invoice for Marta')]");
    approve(app, "Send invoice 1");
    assert!(
        agent.decisions().is_empty(),
        "there is time to take it back"
    );
    effects(&agent, 1);
    app.press_start("Board");
    app.wait_for("//section[contains(., 'Done')]//*[contains(text(), 'Invoice for Marta')]");
    let decisions = agent.decisions();
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    check(&decisions[0], 1);
}

#[test]
fn a_decision_survives_the_death_of_the_app_and_has_one_effect() {
    let agent = Agent::start();
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    add(desk.app(), &agent.address());
    // From the moment after the decision, over the time in which it can be taken back, to its delivery.
    for (number, after) in (1..).zip([0, 60, 9_600, 9_950, 10_100]) {
        approve(desk.app(), &format!("Send invoice {number}"));
        thread::sleep(Duration::from_millis(after));
        desk.kill();
        desk.open();
        effects(&agent, number);
        agent.ask_again();
    }
    let decisions = agent.decisions();
    for heard in &decisions {
        // Sent again after an answer that nobody lived to read: the same key, the same bytes.
        let same = decisions.iter().filter(|other| other.path == heard.path);
        for other in same {
            assert_eq!(
                other.headers["idempotency-key"],
                heard.headers["idempotency-key"]
            );
            assert_eq!(other.body, heard.body);
        }
    }
}

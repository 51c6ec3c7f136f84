//! The stories of the demo fleet, each found, explained on the timeline and resolved through the inbox, with what the agent
//! and the rules say before and after.

use crate::{
    desk::{Desk, until},
    driver::Driver,
};
use serde_json::Value;

/// Goes to the inbox, finds the card that says this, and opens it.
fn open(app: &Driver, says: &str) {
    app.press_start("Inbox");
    let row = format!("//*[@role='option'][contains(., '{says}')]");
    until(says, || {
        app.find(&row).and_then(|row| app.click(&row))?;
        app.find(&format!("//article//h2[contains(., '{says}')]"))
    });
}

/// From the opened finding to the timeline by its key: it says there what was found.
fn explained(app: &Driver, says: &str) {
    app.keys("p").expect("typed");
    until("the timeline", || {
        match app.run("return location.hash")? {
            place
                if place
                    .as_str()
                    .is_some_and(|place| place.starts_with("#/timeline")) =>
            {
                Ok(())
            }
            place => Err(format!("at {place}")),
        }
    });
    app.wait_for(&format!("//main//*[contains(., '{says}')]"));
}

/// Opens a way out by its number; what it would do or what to send is shown first.
fn way(app: &Driver, number: u8, label: &str) -> String {
    let section = format!("//section[@aria-label=\"{label}\"]");
    until(label, || {
        app.keys(&number.to_string())?;
        app.find(&section)
    });
    let text = "return document.querySelector('footer section').innerText";
    let shown = app.run(text).expect("it is shown");
    shown.as_str().unwrap_or_default().to_owned()
}

fn gone(app: &Driver, says: &str) {
    app.press_start("Inbox");
    let open =
        format!("//*[@role='option'][contains(., '{says}')][not(contains(@class, 'settled'))]");
    until("it has left the list", || match app.find(&open) {
        Ok(_) => Err("still there".to_owned()),
        Err(_) => Ok(()),
    });
}

/// What the engine answers to a call of the page.
pub(crate) fn ask(app: &Driver, name: &str, payload: &Value) -> Value {
    app.run(&format!(
        "window.answer = undefined;
         window.__TAURI_INTERNALS__.invoke('call', {{ name: '{name}', payload: {payload} }})
             .then((answer) => {{ window.answer = answer; }});
         return true"
    ))
    .expect("it is asked");
    until(name, || match app.run("return window.answer ?? null")? {
        Value::Null => Err("no answer".to_owned()),
        answer => Ok(answer),
    })
}

fn state(app: &Driver, endpoint: &str, task: &str) -> Value {
    let request = serde_json::json!({ "endpoint": endpoint, "task": task });
    ask(app, "task", &request)["card"]["state"].clone()
}

/// The rules as they are written to the file that people share.
fn rules(app: &Driver) -> String {
    ask(
        app,
        "exportOwnership",
        &serde_json::json!({ "format": "toml", "revision": null, "save": false }),
    )
    .to_string()
}

#[test]
fn each_story_of_the_demo_is_found_explained_and_resolved_in_the_window() {
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    app.press("Start the demo fleet");
    app.wait_for("//*[contains(., 'Nothing here is real')]");

    // Two agents answer one mail: the one who does not own it is stopped, and the rules say who is first from now on.
    let says = "both reacted to one event";
    open(app, says);
    explained(app, says);
    open(app, says);
    assert_ne!(state(app, "payment-runner", "pay-7001"), "canceled");
    let does = way(app, 1, "The owner keeps it; cancel the other task");
    assert!(does.contains("Asks payment-runner to cancel"), "{does}");
    app.press("Do this");
    until("the agent stops its task", || {
        match state(app, "payment-runner", "pay-7001") {
            Value::String(state) if state == "canceled" => Ok(()),
            state => Err(state.to_string()),
        }
    });
    gone(app, says);

    let says = "can both start on";
    open(app, says);
    let before = rules(app);
    let does = way(app, 3, "Add a dispatch sequence");
    assert!(does.contains("takes turns on"), "{does}");
    app.press("Do this");
    gone(app, says);
    let after = rules(app);
    assert!(
        !before.contains("sequence") && after.contains("sequence"),
        "{after}"
    );

    // An article is published half revised: what came too early is told to wait, then taken as it is.
    let says = "began pub-12 before art-12";
    open(app, says);
    explained(app, says);
    open(app, says);
    let tells = way(app, 1, "Pause what came too early");
    assert!(tells.contains("publisher"), "{tells}");
    way(app, 2, "Accept it as it is");
    app.press("Do this");
    gone(app, says);

    // A handoff that nobody takes.
    let says = "who has not acknowledged it in time";
    open(app, says);
    explained(app, says);
    open(app, says);
    let tells = way(app, 1, "Notify the next stage");
    assert!(tells.contains("publish"), "{tells}");
    way(app, 2, "Mark as handed over");
    app.press("Do this");
    gone(app, says);

    // A limit that all five share runs dry.
    let says = "runs out in about";
    open(app, says);
    explained(app, says);
    open(app, says);
    let tells = way(app, 1, "Hold the largest consumer until the reset");
    // Whom the card names first, and nobody else.
    let text = "send nothing to anthropic/acme until";
    assert!(tells.contains(&format!("digest-writer, {text}")), "{tells}");
    assert_eq!(tells.matches(text).count(), 1, "{tells}");
    app.wait_for("//article//h2[contains(., 'Lately used by digest-writer')]");
    app.keys("s").expect("typed");
    gone(app, says);
}

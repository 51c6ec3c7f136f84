//! Starting the app: the first picture, a strange locale, a second start.

use crate::desk::{Desk, until};
use serde_json::json;

#[test]
fn the_window_shows_the_screens_and_runs_nothing_foreign() {
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    app.wait_for("//nav");
    let no_global = app.run("return typeof window.__TAURI__").expect("it runs");
    assert_eq!(no_global, json!("undefined"));
    let frozen = app
        .run("return Object.isFrozen(Object.prototype)")
        .expect("it runs");
    assert_eq!(frozen, json!(true));
    let foreign = "
        const style = document.createElement('script');
        style.textContent = 'window.ran = true';
        document.body.append(style);
        location.href = 'https://example.com/';
        window.open('https://example.com/');
        return [window.ran === true, location.protocol]";
    assert_eq!(app.run(foreign).expect("it runs"), json!([false, "tauri:"]));
    app.wait_for("//nav");
}

#[test]
fn a_computer_without_a_language_still_gets_a_picture() {
    for language in ["C", "C.UTF-8", ""] {
        let mut desk = Desk::new(language);
        desk.open();
        let app = desk.app();
        app.wait_for("//nav");
        let formatted = app.run("return new Intl.NumberFormat(navigator.language).format(1)");
        assert_eq!(formatted, Ok(json!("1")), "{language:?}");
    }
}

#[test]
fn a_second_start_hands_over_to_the_first_window_and_ends() {
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    app.wait_for("//nav");
    let second = desk.second_start();
    assert!(second.status.success(), "{second:?}");
    assert!(second.stdout.is_empty(), "{second:?}");
    app.wait_for("//nav");
}

#[test]
fn keys_and_the_pointer_lead_to_the_screens() {
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    app.wait_for("//nav");
    let place = |expected: &str| {
        until(expected, || match app.run("return location.hash")? {
            place if place == expected => Ok(()),
            place => Err(format!("at {place}")),
        });
    };
    app.keys("gb").expect("typed");
    place("#/board");
    app.press("Limits");
    place("#/limits");
}

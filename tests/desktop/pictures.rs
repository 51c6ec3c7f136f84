//! Every screen of the real app with the demo fleet, in both themes: each is drawn, fits its window, and shows no error.
//! With `MISSION_CONTROL_PICTURES=DIR` their pictures are kept there; `cargo xtask screens` does that.

use crate::{
    desk::{Desk, until},
    driver::Driver,
};
use serde_json::json;
use std::{path::PathBuf, thread, time::Duration};

/// Until the last poll of a screen is drawn and nothing moves any more.
const SETTLED: Duration = Duration::from_millis(900);

fn check(desk: &Desk, theme: &str, name: &str) {
    let app = desk.app();
    thread::sleep(SETTLED);
    until(name, || {
        match app.find("//*[contains(@class, 'skeleton')]") {
            Ok(_) => Err("is not loaded".to_owned()),
            Err(_) => Ok(()),
        }
    });
    let shown = app.run("return document.documentElement.dataset.theme");
    assert_eq!(shown, Ok(json!(theme)), "{name}");
    let wide = app.run("return document.documentElement.scrollWidth - innerWidth");
    assert!(
        wide.is_ok_and(|wide| wide.as_i64() <= Some(0)),
        "{theme} {name} runs over"
    );
    let error = app.find("//main//*[@role='alert'][normalize-space() != '']");
    assert!(error.is_err(), "{theme} {name} shows an error");
    if let Some(folder) = std::env::var_os("MISSION_CONTROL_PICTURES") {
        desk.keep(&PathBuf::from(folder).join(format!("{theme}-{name}.png")));
    }
}

fn go(app: &Driver, place: &str) {
    app.run(&format!("location.hash = '#/{place}'"))
        .expect("it goes there");
    app.wait_for("//h1");
}

fn choose(app: &Driver, theme: &str) {
    go(app, "settings");
    let word = if theme == "dark" { "Dark" } else { "Light" };
    let label = app.wait_for(&format!("//label[normalize-space()='{word}']"));
    app.click(&label).expect("it can be chosen");
    until(theme, || {
        match app.run("return document.documentElement.dataset.theme")? {
            shown if shown == json!(theme) => Ok(()),
            shown => Err(format!("it is {shown}")),
        }
    });
}

/// Opens the first thing that this path finds.
fn open(app: &Driver, path: &str) {
    until(path, || app.find(path).and_then(|found| app.click(&found)));
}

#[test]
fn every_screen_is_drawn_in_both_themes_and_fits_its_window() {
    let mut desk = Desk::new("en_US.UTF-8");
    desk.open();
    let app = desk.app();
    for theme in ["dark", "light"] {
        choose(app, theme);
        go(app, "first-run");
        check(&desk, theme, "first-run");
    }
    app.press("Start the demo fleet");
    app.wait_for("//*[contains(., 'Nothing here is real')]");
    // The story goes on by itself; this much of it makes full screens.
    until("the story is under way", || {
        app.find("(//*[@role='option'])[5]")
    });
    for theme in ["light", "dark"] {
        choose(app, theme);
        check(&desk, theme, "settings");
        go(app, "inbox");
        open(app, "(//*[@role='option'])[1]");
        check(&desk, theme, "inbox");
        open(app, "//*[@role='option'][contains(., 'both')]");
        check(&desk, theme, "inbox-finding");
        go(app, "board");
        check(&desk, theme, "board");
        open(
            app,
            "(//*[@role='gridcell' or @role='listitem' or contains(@class, 'card')][contains(., 'invoice')])[1]",
        );
        check(&desk, theme, "board-task");
        go(app, "timeline");
        check(&desk, theme, "timeline");
        go(app, "ownership");
        check(&desk, theme, "ownership");
        go(app, "limits");
        check(&desk, theme, "limits");
        go(app, "context");
        check(&desk, theme, "context");
        go(app, "dead-letters");
        // The page that is refused comes later in the story than the rest.
        open(
            app,
            "(//section[@aria-label='What was refused']//*[@role='option'])[1]",
        );
        check(&desk, theme, "dead-letters");
        go(app, "agents");
        check(&desk, theme, "agents");
        go(app, "agents/publisher");
        check(&desk, theme, "agents-one");
        go(app, "inbox");
        app.keys("?").expect("typed");
        check(&desk, theme, "keys");
        app.keys("\u{e00c}").expect("typed");
        // Held, unlike a typed word.
        app.chord("\u{e009}", "k").expect("typed");
        app.keys("lim").expect("typed");
        check(&desk, theme, "palette");
        app.keys("\u{e00c}").expect("typed");
    }
}

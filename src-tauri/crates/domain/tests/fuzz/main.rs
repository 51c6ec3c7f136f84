//! Every reader of this crate against inputs that nobody would write: no panic, bounded time, and what is written is read
//! as the same.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

mod mutate;

use std::cell::RefCell;

use domain::{
    contract,
    decision::strict_json,
    delta::Differ,
    fact::{
        Config, Fact, Line, read_line, write_asked_again, write_config, write_decision,
        write_failed, write_person, write_rules, write_schemas, write_settings, write_status,
        write_tick, write_undecided, write_woke,
    },
    fleet::Fleet,
    link, outline,
    ownership::{pattern, text as ownership},
    text,
};
use mutate::{fuzz, seeds};

#[test]
fn status_documents() {
    fuzz(
        "status document",
        &seeds("fuzz/contract", ".json", false),
        |input| {
            let first = contract::read(input);
            // Reading is the same every time; what it says of a bad place is short.
            let second = contract::read(input);
            match (first, second) {
                (Ok(first), Ok(second)) => assert_eq!(first, second),
                (Err(first), Err(second)) => {
                    assert_eq!(first, second);
                    assert!(first.message.len() < 2000, "{}", first.message.len());
                }
                _ => panic!("once good, once bad"),
            }
            let Ok(body) = std::str::from_utf8(input) else {
                return;
            };
            // What is new in it, taken again, is nothing new.
            let mut differ = Differ::new();
            if differ.take(body, true).is_ok() {
                assert_eq!(differ.take(body, true).ok(), Some(None));
            }
            let _ = outline::outline(body);
        },
    );
}

fn written(line: &Line, text: &str) -> Option<String> {
    let at = line.at;
    Some(match &line.fact {
        Fact::Config(config) => write_config(config),
        Fact::Status { endpoint, .. } => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            write_status(at?, endpoint, outline::at(text, "/status")?)
        }
        Fact::Failed {
            endpoint,
            error,
            pointer,
        } if *pointer == "/error" => write_failed(at?, endpoint, error),
        // An answer that is no document stands in the file as it came.
        Fact::Failed { .. } => return None,
        Fact::Tick => write_tick(at?),
        Fact::Woke { slept_seconds } => write_woke(at?, *slept_seconds),
        Fact::Decision {
            endpoint,
            escalation,
            outcome,
            considered,
        } => write_decision(at?, endpoint, escalation, *outcome, *considered),
        Fact::Undecided {
            endpoint,
            escalation,
            outcome,
            considered,
        } => write_undecided(at?, endpoint, escalation, *outcome, *considered),
        Fact::AskedAgain {
            endpoint,
            escalation,
        } => write_asked_again(at?, endpoint, escalation),
        Fact::Person(action) => write_person(at?, action),
        Fact::Rules { rules, pins } => write_rules(at?, rules, pins),
        Fact::Settings(settings) => write_settings(at?, settings),
        Fact::Schemas(schemas) => write_schemas(at?, schemas),
    })
}

#[test]
fn lines_of_a_recording_and_what_becomes_of_them() {
    let fleet = RefCell::new((Fleet::new(Config::default()), 0_u64));
    fuzz("line", &seeds("scenarios", ".jsonl", true), |input| {
        let text = String::from_utf8_lossy(input);
        let Ok(Some(line)) = read_line(1, &text) else {
            return;
        };
        if let Some(again) = written(&line, &text) {
            let read = read_line(1, &again).unwrap_or_else(|_| panic!("unreadable: {again}"));
            assert_eq!(read.as_ref(), Some(&line), "{again}");
        }
        // Whatever can be read is also merged and judged.
        let mut fleet = fleet.borrow_mut();
        let (fleet, lines) = &mut *fleet;
        if *lines % 200 == 0 {
            *fleet = Fleet::new(Config::default());
        }
        *lines += 1;
        let _ = fleet.take(&line);
        if let Some(at) = line.at {
            let mut changes = vec![];
            fleet.judge(at, &mut changes);
        }
    });
}

#[test]
fn ownership_documents() {
    fuzz("ownership", &seeds("fuzz/ownership", "", false), |input| {
        let text = String::from_utf8_lossy(input);
        if let Ok(document) = ownership::read(&text) {
            let written = ownership::write(&document);
            let again = ownership::read(&written);
            assert_eq!(again.ok().as_ref(), Some(&document), "{written}");
        }
    });
}

#[test]
fn patterns_and_names() {
    fuzz("pattern", &seeds("fuzz/text", ".txt", true), |input| {
        let text = String::from_utf8_lossy(input);
        let text: String = text.chars().take(512).collect();
        let (one, other) = text.split_once(' ').unwrap_or((&text, "file:src/**"));
        if let Some(witness) = pattern::overlap(one, other) {
            assert!(
                pattern::matches(one, &witness),
                "{one} does not match {witness}"
            );
            assert!(
                pattern::matches(other, &witness),
                "{other} does not match {witness}"
            );
        }
    });
}

#[test]
fn words_of_agents() {
    fuzz("words", &seeds("fuzz/text", ".txt", false), |input| {
        let text = String::from_utf8_lossy(input);
        let visible = text::visible(&text);
        assert_eq!(text::visible(&text).is_flagged(), visible.is_flagged());
        let _ = strict_json(&text, "it");
    });
}

#[test]
fn addresses() {
    fuzz("address", &seeds("fuzz/url", ".txt", true), |input| {
        let text = String::from_utf8_lossy(input);
        let _ = link::read(&text);
        let _ = link::origin(&text);
        // Only this machine is this machine: what counts as it is named so, whatever stands around it.
        let origin = link::origin(&text);
        if let Some(origin) = origin.filter(|_| link::is_loopback_url(&text)) {
            let here = ["localhost", "127.", "[::1]", "[::ffff:"];
            assert!(here.iter().any(|name| origin.contains(name)), "{origin}");
        }
    });
}

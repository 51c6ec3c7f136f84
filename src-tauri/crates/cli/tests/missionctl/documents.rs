//! Judging what was written: `check`, `schema`, `lint`, `check-agent`, `forecast`, `inspect`, `replay`.

use serde_json::{Value, json};

use super::{check_unusable, demo, run, run_with, server::Server};

fn file(dir: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

const BAD: &str = r#"{"schemaVersion":"1.0","agent":{"id":"a","name":"A","status":"online"},
    "tasks":[{"id":"t1","title":"x","status":{"state":"working"}},{"id":"t2","status":{"state":"working"}}],
    "claims":[{"id":"c","resource":"mail:x","holderIdentity":"a","mode":"exclusive","state":"held"}]}"#;

#[test]
fn problems_of_a_document_are_told_one_a_line() {
    let said = run_with(&["check", "-", "--json"], BAD.as_bytes(), &[]);
    assert_eq!(said.code, 1);
    let lines = said.json();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["pointer"], "/tasks/1/title");
    assert_eq!(
        (&lines[0]["item"], &lines[0]["code"]),
        (&json!("t2"), &json!("missing"))
    );
    assert!(lines[0]["message"].is_string());
    assert_eq!(lines[1]["code"], "unknown-word");
    let server = Server::start(|_| Some(("200 OK", BAD.into())));
    assert_eq!(
        run(&["check", &server.status_url(), "--json"]).out,
        said.out
    );
}

#[test]
fn a_document_that_cannot_be_judged_is_a_no_or_unusable() {
    let said = run_with(
        &["check", "-", "--json"],
        b"{\"schemaVersion\":\"2.0\"}",
        &[],
    );
    assert_eq!(
        (said.code, &said.one()["code"]),
        (1, &json!("incompatible"))
    );
    check_unusable(&run_with(&["check", "-"], b"<html>", &[]), "not JSON");
    check_unusable(&run_with(&["check", "-"], b"\xff\xfe", &[]), "UTF-8");
    check_unusable(&run(&["check", "/nowhere/x"]), "/nowhere/x");
    for socket in ["ws://127.0.0.1:1/", "wss://example.com/x"] {
        check_unusable(&run(&["check", socket]), "Sockets are not spoken here");
    }
    check_unusable(&run(&["check", "ftp://127.0.0.1/"]), "Only http and https");
    check_unusable(
        &run(&["check", "http://127.0.0.1:9/s"]),
        "cannot be reached",
    );
}

#[test]
fn the_demo_has_no_problem_but_the_one_it_is_to_show() {
    let (_running, agents) = demo(100);
    for (agent, url) in &agents {
        let said = run(&["check", url, "--json"]);
        let items: Vec<_> = said
            .json()
            .iter()
            .map(|line| line["item"].clone())
            .collect();
        if agent == "publisher" {
            assert_eq!((said.code, items), (1, vec![json!("pub-12-page")]));
        } else {
            assert_eq!((said.code, items), (0, vec![]), "{agent}: {said:?}");
        }
    }
}

#[test]
fn the_schema_is_printed_whole() {
    let said = run(&["schema"]);
    let schema: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(
        (said.code, &schema["title"]),
        (0, &json!("Status document"))
    );
}

const RULES: &str = r#"
[[rules]]
resource = "output:slack/*"
owner = "billing"
[[rules]]
resource = "output:slack/general"
owner = "support"
"#;

const RECORD: &str = r#"{"at":"2026-11-01T09:00:00Z","endpoint":"e","status":{"schemaVersion":"1.0","agent":{"id":"billing","name":"B","status":"online"},"accesses":[{"id":"1","resource":"output:mail/x","mode":"write","at":"2026-11-01T08:00:00Z"}]}}
{"at":"2026-11-01T09:10:00Z","tick":true}
"#;

#[test]
fn rules_with_two_owners_block() {
    let dir = tempfile::tempdir().expect("a folder");
    let rules = file(&dir, "ownership.toml", RULES);
    let said = run(&["lint", &rules, "--json"]);
    assert_eq!(said.code, 1);
    let first = &said.json()[0];
    assert_eq!(
        (&first["severity"], &first["code"]),
        (&json!("blocks"), &json!("two-owners"))
    );
    assert_eq!(first["agents"], json!(["billing", "support"]));
    assert_eq!(first["witness"], "output:slack/general");
    assert!(
        !said.out.contains("unowned-used"),
        "nothing is known of use"
    );
    let record = file(&dir, "record.jsonl", RECORD);
    let said = run(&["lint", &rules, "--record", &record, "--json"]);
    let codes: Vec<_> = said
        .json()
        .iter()
        .map(|line| line["code"].clone())
        .collect();
    for code in ["unowned-used", "unknown-agent", "unused"] {
        assert!(codes.contains(&json!(code)), "{code} of {codes:?}");
    }
}

#[test]
fn good_rules_are_good_and_broken_ones_are_told_with_their_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let said = run(&["lint", &file(&dir, "a.json", r#"{"version":1}"#), "--json"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    let broken = file(&dir, "b.toml", "version = 1\n[[rules]\n");
    check_unusable(&run(&["lint", &broken]), "Line 2");
    let rules = file(&dir, "c.toml", RULES);
    let record = file(&dir, "d.jsonl", "\nnope\n");
    check_unusable(&run(&["lint", &rules, "--record", &record]), "line 2");
}

#[test]
fn an_agent_whose_needs_meet_a_rule_waits() {
    let dir = tempfile::tempdir().expect("a folder");
    let rules = file(
        &dir,
        "ownership.toml",
        "[[rules]]\nresource = \"output:slack/*\"\nowner = \"billing\"\n",
    );
    let needs = file(
        &dir,
        "needs.json",
        r#"{"outputs":["output:slack/general"]}"#,
    );
    let said = run(&["check-agent", &rules, &needs, "--json"]);
    assert_eq!((said.code, &said.one()["verdict"]), (1, &json!("wait")));
    assert_eq!(said.one()["overlaps"][0]["witness"], "output:slack/general");
    let free = file(&dir, "free.json", r#"{"outputs":["output:mail/x"]}"#);
    let said = run(&["check-agent", &rules, &free, "--json"]);
    let go = json!({"verdict": "go", "reasons": [], "overlaps": []});
    assert_eq!((said.code, said.one()), (0, go));
    // The owner itself, in a status document.
    let own = file(
        &dir,
        "own.json",
        r#"{"schemaVersion":"1.0","agent":{"id":"billing","name":"B","status":"online"},"ownership":{"outputs":["output:slack/x"]}}"#,
    );
    assert_eq!(run(&["check-agent", &rules, &own]).code, 0);
    let wrong = file(&dir, "wrong.json", r#"{"outputs":"output:slack/x"}"#);
    check_unusable(&run(&["check-agent", &rules, &wrong]), "Expected a list");
}

#[test]
fn every_sample_of_a_limit_gets_a_forecast() {
    let sample = |minute: u32, used: u32| {
        format!(
            r#"{{"at":"2026-11-01T09:{minute:02}:00Z","endpoint":"e","status":{{"schemaVersion":"1.0","agent":{{"id":"a","name":"A","status":"online"}},"quotas":[{{"pool":{{"provider":"p"}},"windows":[{{"name":"5 h","limit":100,"used":{used}}}],"observedAt":"2026-11-01T09:{minute:02}:00Z"}}]}}}}"#
        )
    };
    let lines = [sample(0, 10), sample(1, 20), sample(2, 30)].join("\n");
    let said = run_with(&["forecast", "-", "--json"], lines.as_bytes(), &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let samples = said.json();
    assert_eq!(samples.len(), 3);
    assert_eq!(samples[0]["exhaustsAt"], Value::Null);
    assert_eq!(samples[2]["exhaustsAt"], "2026-11-01T09:09:00Z");
    assert_eq!(
        (&samples[2]["pool"], &samples[2]["window"]),
        (&json!("p"), &json!("5 h"))
    );
    assert!(samples[2]["shares"].is_object() && samples[2]["method"].is_string());
}

#[test]
fn what_hides_in_text_actions_and_addresses_is_shown() {
    let input = [
        "{\"id\":1,\"text\":\"a\u{202e}b\"}",
        r#"{"id":"t","text":"plain"}"#,
        r#"{"id":"x","action":{"name":"rm\u202e","n":1.00}}"#,
        r#"{"id":"u","url":"http://127.0.0.1:8080/x"}"#,
        r#"{"id":"v","url":"https://127.evil.com/"}"#,
        r#"{"id":"w","url":"javascript:alert(1)"}"#,
    ]
    .join("\n");
    let said = run_with(&["inspect", "--json"], input.as_bytes(), &[]);
    assert_eq!(said.code, 0, "{said:?}");
    let lines = said.json();
    let mark = |offset: u32| json!([{"codepoint": "U+202E", "offset": offset, "kind": "bidi"}]);
    assert_eq!(
        lines[0],
        json!({"id": 1, "visible": "a⟨U+202E⟩b", "marks": mark(1), "flagged": true})
    );
    assert_eq!(
        lines[1],
        json!({"id": "t", "visible": "plain", "marks": [], "flagged": false})
    );
    assert_eq!(lines[2]["marks"], mark(11));
    assert_eq!(lines[2]["visible"], "{\"name\":\"rm⟨U+202E⟩\",\"n\":1.00}");
    let digest = domain::decision::digest(r#"{"name":"rm\u202e","n":1.00}"#);
    assert_eq!(lines[2]["actionDigest"], digest.as_str());
    for (line, opens, loopback) in [(3, true, true), (4, true, false), (5, false, false)] {
        assert_eq!(
            (&lines[line]["opens"], &lines[line]["loopback"]),
            (&json!(opens), &json!(loopback))
        );
    }
}

#[test]
fn an_action_is_judged_by_what_its_strings_are_for() {
    let check = |action: &str, marks: serde_json::Value, visible: &str| {
        let line = format!("{{\"id\":1,\"action\":{action}}}");
        let said = run_with(&["inspect", "--json"], line.as_bytes(), &[]);
        let line = &said.json()[0];
        assert_eq!(
            (&line["marks"], &line["visible"]),
            (&marks, &json!(visible)),
            "{action}"
        );
        assert_eq!(
            line["flagged"],
            json!(!marks.as_array().expect("a list").is_empty())
        );
    };
    let mark = |codepoint: &str, offset: u32, kind: &str| json!({"codepoint": codepoint, "offset": offset, "kind": kind});
    check(
        "{\"name\":\"run\",\"command\":[\"rm\",\"–rf\"]}",
        json!([mark("U+2013", 31, "confusable")]),
        "{\"name\":\"run\",\"command\":[\"rm\",\"–⟨U+2013⟩rf\"]}",
    );
    let escaped = r#"{"name":"run","command":["rm","\u2013rf"]}"#;
    check(
        escaped,
        json!([mark("U+2013", 31, "confusable")]),
        "{\"name\":\"run\",\"command\":[\"rm\",\"–⟨U+2013⟩rf\"]}",
    );
    check(
        r#"{"name":"mail","args":{"body":"It’s done – “really”…","path":"a\u2044b"}}"#,
        json!([mark("U+2044", 63, "confusable")]),
        "{\"name\":\"mail\",\"args\":{\"body\":\"It’s done – “really”…\",\"path\":\"a⁄⟨U+2044⟩b\"}}",
    );
    check(
        r#"{"args":["push","—force"]}"#,
        json!([mark("U+2014", 17, "confusable")]),
        r#"{"args":["push","—⟨U+2014⟩force"]}"#,
    );
    check(
        r#"{"args":{"title":"customer’s"}}"#,
        json!([]),
        r#"{"args":{"title":"customer’s"}}"#,
    );
    check(
        r#"{"command":["ok\rrm -rf"]}"#,
        json!([mark("U+000D", 15, "control")]),
        r#"{"command":["ok⟨U+000D⟩rm -rf"]}"#,
    );
    check(
        r#"{"command":["\u009b2J"]}"#,
        json!([mark("U+009B", 13, "escape")]),
        r#"{"command":["⟨U+009B⟩2J"]}"#,
    );
    check(
        r#"{"x":"\ud800"}"#,
        json!([mark("U+FFFD", 6, "replacement")]),
        r#"{"x":"⟨U+FFFD⟩"}"#,
    );
    check(
        r#"{"x":"\u0072m"}"#,
        json!([mark("U+0072", 6, "hidden")]),
        r#"{"x":"r⟨U+0072⟩m"}"#,
    );
    let long = json!([{"codepoint": "U+000A", "offset": 15, "kind": "hidden", "count": 60}]);
    let padded = format!("{{\"command\":[\"ls{}rm\"]}}", "\\n".repeat(60));
    check(&padded, long, "{\"command\":[\"ls⟨U+000A⟩⟨×60⟩rm\"]}");
    check(
        r#"{"a":"line\nline\t\u003cb\u003e","n":[1, {"b": "c\\d"}]}"#,
        json!([]),
        r#"{"a":"line\nline\t\u003cb\u003e","n":[1, {"b": "c\\d"}]}"#,
    );
}

#[test]
fn padding_between_the_members_of_an_action_is_told() {
    let line = format!(
        "{{\"id\":1,\"action\":{{\"a\":1,{}\"b\":2}}}}",
        " ".repeat(300)
    );
    let said = run_with(&["inspect", "--json"], line.as_bytes(), &[]);
    let line = &said.json()[0];
    assert_eq!(line["visible"], "{\"a\":1,⟨U+0020⟩⟨×300⟩\"b\":2}");
    assert_eq!(line["marks"][0]["count"], 300);
}

#[test]
fn a_line_that_cannot_be_inspected_is_told_with_its_number() {
    for (input, part) in [
        (&b"{\"id\":1,\"text\":\"\xff\"}"[..], "Line 1"),
        (b"\n{\"id\":1}", "Line 2"),
        (b"[]", "Line 1"),
        (b"{\"id\":1,\"text\":\"a\",\"url\":\"b\"}", "several"),
    ] {
        check_unusable(&run_with(&["inspect", "--json"], input, &[]), part);
    }
}

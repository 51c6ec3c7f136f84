//! `schema-violation`: items that cannot be read, and bodies that do not fit.

use serde_json::json;

use crate::*;

fn schemas() -> Value {
    config(json!({
        "schemas": {"article": {
            "type": "object", "required": ["title"], "properties": {"title": {"type": "string"}},
        }},
        "ownership": {"stages": [{"name": "publish", "agent": "b", "accepts_schema": "article"}]},
    }))
}

fn artifact(id: &str, body: Value, members: Value) -> Value {
    let mut artifact =
        json!({"id": id, "taskId": "t", "name": id, "createdAt": at(0), "body": body});
    join(&mut artifact, members);
    artifact
}

fn sends(seconds: i64, artifact: Value) -> Value {
    poll(seconds, "a", json!({"artifacts": [artifact]}))
}

#[test]
fn a_body_that_does_not_fit_the_schema_it_names_is_told_until_a_good_one_comes() {
    let named = json!({"schemaRef": "article"});
    let bad = artifact("x", json!({"title": 7}), named.clone());
    let lines = [
        schemas(),
        sends(0, bad.clone()),
        poll(10, "a", json!({"snapshot": true, "artifacts": [bad]})),
        sends(
            20,
            artifact("x", json!({"title": "Bread", "more": 1}), named),
        ),
    ];
    check(
        "schema-violation",
        &lines,
        &["0 open warning a", "20 cleared warning a"],
    );
}

#[test]
fn a_body_is_to_fit_the_schema_of_the_stage_it_is_handed_to() {
    let handoff = json!({
        "id": "h", "taskId": "t", "to": "publish", "status": "done", "emittedAt": at(10),
        "output": {"artifactId": "x"},
    });
    let lines = [
        schemas(),
        sends(0, artifact("x", json!({}), json!({}))),
        poll(10, "a", json!({"handoffs": [handoff]})),
    ];
    check("schema-violation", &lines, &["10 open warning a"]);
}

#[test]
fn without_a_schema_or_a_body_nothing_is_checked() {
    let lines = [
        schemas(),
        sends(
            0,
            artifact("x", json!({}), json!({"schemaRef": "unheard-of"})),
        ),
        sends(
            10,
            json!({"id": "y", "name": "y", "schemaRef": "article", "createdAt": at(0)}),
        ),
    ];
    check("schema-violation", &lines, &[]);
}

#[test]
fn a_schema_that_refers_to_the_network_checks_nothing() {
    let schemas = config(json!({"schemas": {"far": {"$ref": "http://127.0.0.1:9/schema.json"}}}));
    let lines = [
        schemas,
        sends(0, artifact("x", json!({}), json!({"schemaRef": "far"}))),
    ];
    check("schema-violation", &lines, &[]);
}

fn gives(seconds: i64, schemas: Value) -> Value {
    json!({"at": at(seconds), "schemas": schemas})
}

#[test]
fn a_schema_that_is_given_later_holds_for_what_stands_until_it_is_taken_away() {
    let wants = |kind: &str| json!({"type": "object", "properties": {"title": {"type": kind}}});
    let named = json!({"schemaRef": "page"});
    let lines = [
        sends(0, artifact("x", json!({"title": 7}), named)),
        gives(10, json!({"other": wants("string")})),
        gives(20, json!({"page": wants("string"), "other": null})),
        gives(30, json!({"page": wants("string")})),
        gives(40, json!({"page": wants("integer")})),
        gives(50, json!({"page": wants("string")})),
        gives(60, json!({"page": null})),
    ];
    check(
        "schema-violation",
        &lines,
        &[
            "20 open warning a",
            "40 cleared warning a",
            "50 open warning a",
            "60 cleared warning a",
        ],
    );
}

#[test]
fn a_schema_that_is_given_later_makes_no_storm_of_what_was_sent_before() {
    let mut lines: Vec<Value> = (0..6)
        .map(|n| {
            let named = json!({"schemaRef": "page"});
            sends(n, artifact(&format!("x{n}"), json!({}), named))
        })
        .collect();
    lines.push(gives(
        10,
        json!({"page": {"type": "object", "required": ["title"]}}),
    ));
    check("retry-storm", &lines, &[]);
}

#[test]
fn what_the_person_accepted_were_those_bytes_and_no_others() {
    let bad = |title: i64| {
        artifact(
            "x",
            json!({"title": title}),
            json!({"schemaRef": "article"}),
        )
    };
    let accepted = json!({"at": at(20), "person": {
        "action": "resolve", "rule": "schema-violation", "subject": "a-host/artifacts/x",
    }});
    let lines = [
        schemas(),
        sends(0, bad(7)),
        accepted,
        poll(30, "a", json!({"snapshot": true, "artifacts": [bad(7)]})),
        sends(40, bad(8)),
        sends(50, bad(8)),
    ];
    check(
        "schema-violation",
        &lines,
        &[
            "0 open warning a",
            "20 cleared warning a",
            "40 open warning a",
        ],
    );
}

#[test]
fn an_entry_sent_again_with_other_content_is_a_violation() {
    let entry = |body: &str| {
        poll(
            0,
            "a",
            json!({"context": [{
                "documentId": "plan", "seq": 1, "kind": "fact", "body": body, "author": "a",
                "createdAt": at(0),
            }]}),
        )
    };
    check("schema-violation", &[entry("one"), entry("one")], &[]);
    check(
        "schema-violation",
        &[entry("one"), entry("two")],
        &["0 open warning a"],
    );
}

#[test]
fn bodies_that_do_not_fit_again_and_again_are_a_storm() {
    let mut lines = vec![schemas()];
    lines.extend((0..5).map(|n| {
        sends(
            n * 10,
            artifact(&format!("x{n}"), json!({}), json!({"schemaRef": "article"})),
        )
    }));
    check("retry-storm", &lines, &["40 open warning a"]);
}

//! An answer over A2A loses nothing on its way: what a person changed, filled in or chose arrives, at agents that read data
//! and at agents that read text only.

#![allow(clippy::expect_used, clippy::panic)] // Outside `#[test]` functions the lint does not know that this is a test.

#[path = "scripted/deciding.rs"]
mod deciding;
#[path = "scripted/server.rs"]
mod scripted;

use agents::Outcome;
use deciding::decide;
use scripted::{poll, serve, task};
use serde_json::{Value, json};

fn text(words: &str) -> Value {
    json!({"kind": "text", "text": words})
}

fn asks(parts: Value) -> Value {
    let mut task = task("t", "input-required", 1);
    task["status"]["message"] =
        json!({"kind": "message", "messageId": "m", "role": "agent", "parts": parts});
    task
}

fn card_that_takes(modes: Value) -> Value {
    json!({"name": "Reader", "version": "1", "url": "/rpc", "protocolVersion": "0.3.0", "capabilities": {}, "skills": [], "defaultInputModes": modes})
}

/// What a person changed or filled in, as it arrives at agents that read text and at agents that read data.
#[tokio::test]
async fn an_edited_action_and_a_payload_arrive_as_text_where_only_text_is_read() {
    let action = json!({"requestId": "r", "proposedAction": {"name": "pay", "args": {"eur": 9}}});
    let form = json!({"requestId": "r", "message": "How much?", "schema": {"type": "object", "properties": {"eur": {"type": "integer"}}}});
    let data = |data: &Value| asks(json!([{"kind": "data", "data": data}]));
    let words = asks(json!([text("How much?")]));
    let edit = json!({"outcome": "edit", "editedAction": {"name": "pay", "args": {"eur": 7}}});
    let payload = json!({"outcome": "respond", "payload": {"eur": 7}});
    let both = json!({"outcome": "respond", "payload": {"eur": 7}, "message": "Not more"});
    let (edited, filled) = (r#"{"name":"pay","args":{"eur":7}}"#, r#"{"eur":7}"#);
    let text_only = || json!(["text", "text/plain"]);
    for (asked, modes, decision, expected, with_data) in [
        (
            data(&action),
            text_only(),
            &edit,
            format!("approve with changes\n\n{edited}"),
            true,
        ),
        (
            data(&action),
            json!(["application/json"]),
            &edit,
            format!("approve with changes\n\n{edited}"),
            true,
        ),
        (data(&form), text_only(), &payload, filled.to_owned(), true),
        (
            data(&form),
            json!(["application/json"]),
            &payload,
            String::new(),
            true,
        ),
        (
            words.clone(),
            text_only(),
            &payload,
            filled.to_owned(),
            false,
        ),
        (
            words.clone(),
            text_only(),
            &both,
            format!("Not more\n\n{filled}"),
            false,
        ),
        (
            words.clone(),
            json!(["text", "application/json"]),
            &payload,
            filled.to_owned(),
            true,
        ),
    ] {
        let shown = asked;
        let card = card_that_takes(modes.clone());
        let (url, sent) = serve(card, move |method, _| match method {
            "message/send" => json!({"result": task("t", "completed", 9)}),
            _ => json!({"result": shown.clone()}),
        })
        .await;
        let mut endpoint = scripted::follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        let question = &document.escalations.expect("a question")[0];
        let raw = serde_json::from_str(&question.raw).expect("JSON");
        let answer = decide(&raw, "d", decision.clone());
        assert_eq!(endpoint.deliver(&answer).await, Outcome::Applied);
        let sent = sent.lock().expect("notes");
        let message = sent.iter().find(|(method, _)| method == "message/send");
        let parts = message.expect("a message").1["message"]["parts"].clone();
        let parts = parts.as_array().expect("parts");
        let said: String = parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect();
        // Members may be in another order; nothing may be missing.
        let sorted = |text: &str| {
            let mut all: Vec<char> = text.chars().collect();
            all.sort_unstable();
            all
        };
        assert_eq!(
            sorted(&said),
            sorted(&expected),
            "{decision} {modes}: {said}"
        );
        let has_data = parts.iter().any(|part| part.get("data").is_some());
        assert_eq!(has_data, with_data, "{decision} {modes}");
    }
}

#[tokio::test]
async fn a_choice_is_a_question_with_its_options_and_is_answered_with_one() {
    let plain = json!({"question": "Which colour?", "options": ["red", "green"], "requestId": "r"});
    let named = json!({"prompt": "Which colour?", "choices": [{"value": "red", "label": "Red"}, {"value": "green", "label": "Green"}]});
    let id = "0123456789abcdef0123456789abcdef";
    let interrupt =
        json!({"id": id, "value": {"question": "Which colour?", "options": ["red", "green"]}});
    let resumed = json!([{"kind": "data", "data": {"resume": {id: "green"}}}]);
    for (data, label, parts) in [
        (plain, "green", None),
        (named, "Green", None),
        (interrupt, "green", Some(resumed)),
    ] {
        let shown = asks(json!([{"kind": "data", "data": data}]));
        let (url, sent) = serve(
            card_that_takes(json!(["text", "application/json"])),
            move |method, _| match method {
                "message/send" => json!({"result": task("t", "completed", 9)}),
                _ => json!({"result": shown.clone()}),
            },
        )
        .await;
        let mut endpoint = scripted::follow(&url, &["t"]);
        let (document, _) = poll(&mut *endpoint).await;
        let question = &document.escalations.expect("a question")[0];
        let asked = &question.value;
        assert_eq!(json!(asked.kind), "question", "{data}");
        assert_eq!(asked.message, "Which colour?", "{data}");
        assert_eq!(asked.proposed_action, None, "{data}");
        let options: Vec<_> = asked
            .options
            .iter()
            .map(|one| (one.id.as_str(), one.label.as_str()))
            .collect();
        assert_eq!(options.last(), Some(&("green", label)), "{data}");
        assert_eq!(options.len(), 2, "{data}");
        let chosen = json!({"outcome": "respond", "optionId": "green"});
        let raw = serde_json::from_str(&question.raw).expect("JSON");
        let answer = decide(&raw, "d", chosen);
        assert_eq!(endpoint.deliver(&answer).await, Outcome::Applied);
        let sent = sent.lock().expect("notes");
        let message = sent.iter().find(|(method, _)| method == "message/send");
        let found = &message.expect("a message").1["message"]["parts"];
        match parts {
            Some(parts) => assert_eq!(*found, parts, "{data}"),
            None => {
                assert_eq!(found[0], text(label), "{data}");
                assert_eq!(found[1]["data"]["optionId"], "green", "{data}");
            }
        }
    }
}

//! Each shape of a question with each decision, as data: what is sent, or why nothing is.

use super::*;

fn check(question: &Value, decision: Value, expected: Value) {
    let mut body = json!({"actionDigest": "sha256:00", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
    for (name, value) in decision.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let body: DecisionBody = serde_json::from_value(body).expect("a decision");
    let piece = |data: &Value| Piece {
        data: serde_json::value::to_raw_value(data).expect("JSON"),
        metadata: None,
        key: None,
    };
    let pieces: Vec<Piece> = match question.get("several") {
        Some(several) => several
            .as_array()
            .into_iter()
            .flatten()
            .map(piece)
            .collect(),
        None => vec![piece(question)],
    };
    let shaped = match answer(&pieces, &body) {
        Ok(Some(shaped)) => shaped.parts.into_iter().map(|(data, _)| data).collect(),
        Ok(None) => Value::Null,
        Err(sentence) => json!(sentence),
    };
    assert_eq!(shaped, expected, "{question} {decision}");
}

#[test]
fn each_shape_is_answered_in_kind_or_refused() {
    let approve = || json!({"outcome": "approve"});
    let reject = || json!({"outcome": "reject", "message": "Too dear"});
    let respond = || json!({"outcome": "respond", "message": "Ask Ann"});
    let edit =
        |args: Value| json!({"outcome": "edit", "editedAction": {"name": "data", "args": args}});
    let fill = |payload: Value| json!({"outcome": "respond", "payload": payload});

    let confirm = json!({"id": "c-1", "name": "adk_request_confirmation", "args": {"x": 1}});
    let confirmed = |response: Value| json!([{"id": "c-1", "name": "adk_request_confirmation", "response": response}]);
    check(&confirm, approve(), confirmed(json!({"confirmed": true})));
    check(
        &confirm,
        reject(),
        confirmed(json!({"confirmed": false, "hint": "Too dear"})),
    );
    check(&confirm, respond(), json!(YES_OR_NO));
    check(&confirm, edit(json!({})), json!(NO_EDIT));
    let both = json!({"several": [confirm, {"id": "c-2", "name": "adk_request_confirmation", "args": {}}]});
    check(
        &both,
        approve(),
        json!([{"id": "c-1", "name": "adk_request_confirmation", "response": {"confirmed": true}},
            {"id": "c-2", "name": "adk_request_confirmation", "response": {"confirmed": true}}]),
    );
    check(&both, edit(json!({})), json!(ONE_EDIT));
    let login = json!({"id": "l", "name": "adk_request_credential", "args": {}});
    check(&login, approve(), json!(LOG_IN));
    let input = json!({"id": "i", "name": "adk_request_input", "args": {"message": "Who?"}});
    check(
        &input,
        respond(),
        json!([{"id": "i", "name": "adk_request_input", "response": {"result": "Ask Ann"}}]),
    );
    let schema = json!({"type": "object", "properties": {"confirmed": {"type": "boolean"}}, "required": ["confirmed"]});
    let input =
        json!({"id": "i", "name": "adk_request_input", "args": {"response_schema": schema}});
    check(
        &input,
        reject(),
        json!([{"id": "i", "name": "adk_request_input", "response": {"confirmed": false}}]),
    );
    check(&input, respond(), json!(FILL_IN));

    let parked = json!({"interrupts": [{"interruptId": "a", "name": "n", "reason": "r"}, {"interruptId": "b", "name": "m"}]});
    let resumed = |response: Value| {
        json!([{"interruptResponse": {"interruptId": "a", "response": response}},
            {"interruptResponse": {"interruptId": "b", "response": response}}])
    };
    check(&parked, approve(), resumed(json!("y")));
    check(&parked, reject(), resumed(json!("n")));
    check(&parked, respond(), resumed(json!("Ask Ann")));

    let two = json!({"action_requests": [{"name": "a", "args": {}}, {"name": "b", "args": {}}], "review_configs": []});
    let one = |to: u8| json!({"action_requests": [{"name": "a", "args": {"to": to}}]});
    check(
        &two,
        approve(),
        json!([{"decisions": [{"type": "approve"}, {"type": "approve"}]}]),
    );
    check(&two, edit(two.clone()), json!(ONE_EDIT));
    check(
        &one(1),
        edit(one(2)),
        json!([{"decisions": [{"type": "edit", "edited_action": {"name": "a", "args": {"to": 2}}}]}]),
    );
    let inbox = json!([{"action_request": {"action": "mail", "args": {}}, "config": {}}]);
    check(
        &inbox,
        approve(),
        json!([[{"type": "accept", "args": null}]]),
    );
    check(
        &inbox,
        reject(),
        json!([[{"type": "ignore", "args": null}]]),
    );
    check(
        &inbox,
        respond(),
        json!([[{"type": "response", "args": "Ask Ann"}]]),
    );

    let id = "0123456789abcdef0123456789abcdef";
    let free = json!({"id": id, "value": "Ship it?"});
    check(&free, approve(), json!([{"resume": {id: true}}]));
    check(&free, reject(), json!([{"resume": {id: false}}]));
    check(&free, respond(), json!([{"resume": {id: "Ask Ann"}}]));
    check(&free, edit(json!({})), json!(NO_EDIT));
    check(
        &json!({"id": "short", "value": {"x": 1}}),
        fill(json!({"x": 2})),
        json!([{"resume": {"x": 2}}]),
    );
    check(
        &json!({"id": id, "value": one(1)}),
        edit(json!({"id": id, "value": one(2)})),
        json!([{"resume": {id: {"decisions": [{"type": "edit", "edited_action": {"name": "a", "args": {"to": 2}}}]}}}]),
    );
    check(
        &json!({"id": id, "value": "Who?", "response_schema": {"type": "object", "properties": {"name": {"type": "string"}}}}),
        respond(),
        json!([{"resume": {id: {"name": "Ask Ann"}}}]),
    );

    let form = json!({"requestedSchema": {"type": "object"}, "message": "Who?"});
    let filled = fill(json!({"name": "Ann"}));
    check(
        &form,
        filled,
        json!([{"action": "accept", "content": {"name": "Ann"}}]),
    );
    check(&form, reject(), json!([{"action": "decline"}]));
    check(&form, approve(), json!(FILL_IN));
    let run = json!({"id": "i-1", "reason": "tool_call", "message": "?"});
    check(
        &run,
        approve(),
        json!([{"interruptId": "i-1", "status": "resolved", "payload": {"approved": true}}]),
    );
    check(
        &run,
        json!({"outcome": "cancel"}),
        json!([{"interruptId": "i-1", "status": "cancelled"}]),
    );

    let call = json!({"call_id": "k", "name": "pay"});
    let typed =
        json!({"type": "function_approval_request", "id": "f", "function_call": call, "noise": 1});
    check(
        &typed,
        approve(),
        json!([{"type": "function_approval_response", "id": "f", "function_call": call, "approved": true}]),
    );
    check(&typed, respond(), json!(YES_OR_NO));
    check(
        &json!({"type": "mcp_approval_request", "id": "m", "name": "pay", "arguments": "{}"}),
        reject(),
        json!([{"type": "mcp_approval_response", "approval_request_id": "m", "approve": false, "reason": "Too dear"}]),
    );
    check(
        &json!({"type": "tool-approval-request", "approvalId": "v", "toolCallId": "t"}),
        approve(),
        json!([{"type": "tool-approval-response", "approvalId": "v", "toolCallId": "t", "approved": true}]),
    );
    check(
        &json!({"name": "deploy", "requestId": "r"}),
        approve(),
        Value::Null,
    );
}

#[test]
fn a_gate_is_answered_beside_the_message_with_the_digest_of_its_request() {
    let asked = json!({"requestId": "r-1", "summary": "Pay Ann", "digest": "sha256:aa", "requestedBy": "bearer:clerk"});
    for (decision, expected) in [
        (
            json!({"outcome": "approve"}),
            Ok(json!({"requestId": "r-1", "decision": "approve", "digest": "sha256:aa"})),
        ),
        (
            json!({"outcome": "reject", "message": "Too dear"}),
            Ok(
                json!({"requestId": "r-1", "decision": "deny", "digest": "sha256:aa", "comment": "Too dear"}),
            ),
        ),
        (
            json!({"outcome": "respond", "message": "Ask Ann"}),
            Err(YES_OR_NO.to_owned()),
        ),
        (
            json!({"outcome": "edit", "editedAction": {"name": "data", "args": {}}}),
            Err(NO_EDIT.to_owned()),
        ),
    ] {
        let mut body = json!({"actionDigest": "sha256:00", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
        for (name, value) in decision.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let body: DecisionBody = serde_json::from_value(body).expect("a decision");
        let piece = Piece {
            data: serde_json::value::to_raw_value(&asked).expect("JSON"),
            metadata: None,
            key: Some(GATE.to_owned()),
        };
        assert_eq!(of(&piece), Some(Shape::Metadata));
        let shaped = answer(&[piece], &body).map(|shaped| {
            let shaped = shaped.expect("it is known");
            assert_eq!(shaped.parts, []);
            shaped.metadata[GATE].clone()
        });
        assert_eq!(shaped, expected, "{decision}");
    }
}

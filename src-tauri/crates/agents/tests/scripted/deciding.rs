//! A person's decision on a question as a test found it, ready to be delivered.

use agents::Delivery;
use serde_json::{Value, json};

pub(crate) fn decide(question: &Value, key: &str, decision: Value) -> Delivery {
    let mut body = json!({"actionDigest": "sha256:00", "decidedBy": "me", "decidedAt": "2026-11-21T08:00:00Z"});
    for (name, value) in decision.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let text = |name: &str| question[name].as_str().expect("text");
    Delivery {
        id: key.into(),
        escalation: text("id").into(),
        version: text("version").to_owned(),
        task: Some(text("taskId").into()),
        body: body.to_string(),
        escalation_raw: question.to_string(),
        resend: false,
    }
}

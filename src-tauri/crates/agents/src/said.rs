//! What a server says in words, cut to what a person reads.

use serde_json::Value;

use crate::http::Reply;

/// Of a reason that is shown.
const REASON: usize = 300;

/// At most so many characters, so that nothing an agent says grows without bound.
pub(crate) fn clip(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Why it refuses, as far as a person can read it: of JSON the member that says so, or plain text as it stands.
pub(crate) fn reason(reply: &Reply) -> Option<String> {
    let body = String::from_utf8_lossy(&reply.body);
    let json: Option<Value> = serde_json::from_str(&body).ok();
    let told = json.as_ref().and_then(|json| {
        let error = json.get("error").filter(|error| error.is_object());
        let error = error.unwrap_or(json);
        let mut members = ["detail", "message", "title", "error"].iter();
        let member = members.find_map(|member| error.get(*member)?.as_str());
        member.or(json.as_str())
    });
    let told = told.unwrap_or(&body).trim();
    (!told.is_empty() && !told.starts_with('<')).then(|| clip(told, REASON))
}

//! The same text for the same JSON: servers keep it in maps whose order changes from answer to answer. What has more than one
//! meaning, or one that is lost when it is read, has only its bytes.

use serde_json::{Number, Value};

use super::strict_json;

/// Of a text that may be no JSON. Two that mean something else never read the same.
pub fn canonical(data: &str) -> String {
    let strict = strict_json(data, "data");
    match (strict, serde_json::from_str::<Value>(data)) {
        (Ok(_), Ok(value)) if numbers_are_exact(data) => value.to_string(),
        _ => data.to_owned(),
    }
}

/// Whether every number is written as it is read. Of one with more digits than a machine has, two would be alike.
fn numbers_are_exact(json: &str) -> bool {
    let (mut quoted, mut escaped, mut begins) = (false, false, None);
    for (at, byte) in json.bytes().chain([b' ']).enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'-' | b'+' | b'.' | b'0'..=b'9' | b'e' | b'E' if !quoted && begins.is_some() => {}
            b'-' | b'0'..=b'9' if !quoted => begins = Some(at),
            _ => {
                let number = begins.take().and_then(|begins| json.get(begins..at));
                if let Some(number) = number {
                    let read: Option<Number> = serde_json::from_str(number).ok();
                    if read.is_none_or(|read| read.to_string() != number) {
                        return false;
                    }
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn what_means_the_same_reads_the_same_and_nothing_else() {
        for (one, other, same) in [
            (
                r#"{"a":1,"b":[true,null]}"#,
                r#"{ "b":[true, null], "a":1 }"#,
                true,
            ),
            (r#"{"a":"m\u0061rta"}"#, r#"{"a":"marta"}"#, true),
            (r#"{"a":0.5,"b":-7}"#, r#"{"b":-7,"a":0.5}"#, true),
            (r#"{"a":"1e3, 2\" 00"}"#, r#"{ "a":"1e3, 2\" 00"}"#, true),
            (r#"{"a":1}"#, r#"{"a":1.0}"#, false),
            (
                r#"{"a":100000000000000000000001}"#,
                r#"{"a":100000000000000000000002}"#,
                false,
            ),
            (r#"[0.10000000000000000001]"#, "[0.1]", false),
            ("9007199254740993.0", "9007199254740992.0", false),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, false),
        ] {
            assert_eq!(canonical(one) == canonical(other), same, "{one} {other}");
        }
    }
}

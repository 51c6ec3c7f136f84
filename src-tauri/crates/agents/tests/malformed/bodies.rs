//! Malformed JSON, made deterministically from a good item: the same three hundred bodies in every run.

use serde_json::Value;

/// Bodies that are JSON, with one bad item in a list.
pub(crate) const ITEMS: usize = 220;
/// Bodies that are broken as a whole.
pub(crate) const WHOLE: usize = 80;

/// Wrong shapes at every place of the item, as JSON text: each member replaced in turn by each of them, and then the
/// item itself.
pub(crate) fn items(good: &Value) -> Vec<String> {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let maps = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let long = format!(r#""{}""#, "x".repeat(70_000));
    let shapes = [
        "null".to_owned(),
        "true".to_owned(),
        "-1".to_owned(),
        "1e999".to_owned(),
        "123456789012345678901234567890.5".to_owned(),
        r#""""#.to_owned(),
        r#""\ud800""#.to_owned(),
        r#""\udc00\ud800 \u0000\u202e""#.to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"a":1,"a":2}"#.to_owned(),
        r#"[null,{"id":7},[[]]]"#.to_owned(),
        deep(70),
        maps(100),
        long,
    ];
    let mut places = vec![];
    paths(good, String::new(), &mut places);
    let mut all = vec![];
    for shape in &shapes {
        for place in &places {
            all.push(with(good, place, shape));
        }
    }
    // The two kinds of damage that are not a value: a member twice, a member gone.
    for place in &places {
        if let Some(twice) = twice(good, place) {
            all.push(twice);
        }
        if let Some(without) = without(good, place) {
            all.push(without);
        }
    }
    // As many as are wanted, spread evenly over all of them.
    let step = all.len().max(ITEMS);
    (0..ITEMS)
        .filter_map(|n| all.get(n * step / ITEMS % all.len()).cloned())
        .collect()
}

/// Damage to the text of a whole good body.
pub(crate) fn wholes(good: &str) -> Vec<Vec<u8>> {
    let bytes = good.as_bytes();
    let mut all: Vec<Vec<u8>> = vec![
        vec![],
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"0".to_vec(),
        b"\"\"".to_vec(),
        b"NaN".to_vec(),
        b"\xff\xfe{\x00}\x00".to_vec(),
        b"\x00".to_vec(),
        vec![b'['; 100_000],
        [b"{\"a\":".repeat(100_000), b"1".to_vec()].concat(),
        good.replace('"', "'").into_bytes(),
        good.replace(']', ",]").into_bytes(),
        format!("{good}{good}").into_bytes(),
        format!("{good}\u{0}").into_bytes(),
        good.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        format!("<html><body>{good}</body></html>").into_bytes(),
        good.replacen(':', "::", 1).into_bytes(),
        good.replacen('{', "{{", 1).into_bytes(),
        good.replacen('{', "{\"tasks\":7,\"result\":7,", 1)
            .into_bytes(),
    ];
    // Cut off, and with a byte that is no UTF-8, at places all over the body.
    let cuts = (WHOLE - all.len()) / 2;
    for n in 0..cuts {
        let at = bytes.len() * (n + 1) / (cuts + 1);
        all.push(bytes[..at].to_vec());
        all.push([&bytes[..at], b"\xc3\x28\xf0\x9f", &bytes[at..]].concat());
    }
    all.truncate(WHOLE);
    all
}

/// Pointers of every member, deepest last.
fn paths(value: &Value, at: String, found: &mut Vec<String>) {
    found.push(at.clone());
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(n, v)| (n.clone(), v)).collect(),
        Value::Array(all) => all
            .iter()
            .enumerate()
            .map(|(n, v)| (n.to_string(), v))
            .collect(),
        _ => vec![],
    };
    for (name, value) in members {
        let name = name.replace('~', "~0").replace('/', "~1");
        paths(value, format!("{at}/{name}"), found);
    }
}

const MARK: &str = "@here@";

/// The item with text instead of the value at a place.
fn with(good: &Value, place: &str, text: &str) -> String {
    let mut item = good.clone();
    match item.pointer_mut(place) {
        Some(value) => *value = MARK.into(),
        None => return text.to_owned(),
    }
    item.to_string().replace(&format!("\"{MARK}\""), text)
}

fn twice(good: &Value, place: &str) -> Option<String> {
    let name = place.rsplit('/').next().filter(|name| !name.is_empty())?;
    let value = good.pointer(place)?;
    let parent = &place[..place.len() - name.len() - 1];
    good.pointer(parent)?.as_object()?;
    let both = format!("{value},\"{name}\":[\"again\"]");
    Some(with(good, place, &both))
}

fn without(good: &Value, place: &str) -> Option<String> {
    let name = place.rsplit('/').next().filter(|name| !name.is_empty())?;
    let mut item = good.clone();
    let parent = &place[..place.len() - name.len() - 1];
    let members = item.pointer_mut(parent)?.as_object_mut()?;
    members.remove(&name.replace("~1", "/").replace("~0", "~"))?;
    Some(item.to_string())
}

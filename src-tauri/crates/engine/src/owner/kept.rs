//! What the person changes beside decisions, as rows of the record: rules, settings, endpoints, mappings. Old and new
//! values as far as they are no secrets: of a login the place it is kept at, of an address nothing that may hold one.

use domain::time::Time;
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{
    Result, Tx,
    tables::{audit, endpoints::EndpointRow},
};

/// Writes the members that are not the same before and after, each as `[before, after]`. No change is no row.
pub(crate) fn change(
    tx: &Tx<'_>,
    now: Time,
    kind: &str,
    subject: &str,
    before: &impl Serialize,
    after: &impl Serialize,
) -> Result<()> {
    let members = |value| match value {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        other => Map::from_iter([("value".to_owned(), other)]),
    };
    let before = members(serde_json::to_value(before)?);
    let after = members(serde_json::to_value(after)?);
    let names = before.keys().chain(after.keys());
    let changed: Map<String, Value> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| (name.clone(), json!([before.get(name), after.get(name)])))
        .collect();
    if !changed.is_empty() {
        audit::append(tx, now, kind, subject, &changed.into())?;
    }
    Ok(())
}

/// Writes that an endpoint was added, edited or removed.
pub(crate) fn endpoint(
    tx: &Tx<'_>,
    now: Time,
    before: Option<&EndpointRow>,
    after: Option<&EndpointRow>,
) -> Result<()> {
    let kind = match (before, after) {
        (None, _) => "endpoint-added",
        (Some(_), Some(_)) => "endpoint-edited",
        (Some(_), None) => "endpoint-removed",
    };
    let Some(row) = after.or(before) else {
        return Ok(());
    };
    let mut old = before.map(told).unwrap_or_default();
    let mut new = after.map(told).unwrap_or_default();
    // Another login at the same place, another secret in the same address: that it changed is told, not what.
    if let (Some(before), Some(after)) = (before, after) {
        let is_same = before.credential == after.credential && before.url == after.url;
        if !is_same && old["login"] == new["login"] && old["url"] == new["url"] {
            old["renewed"] = false.into();
            new["renewed"] = true.into();
        }
    }
    change(tx, now, kind, row.id.as_str(), &old, &new)
}

fn told(row: &EndpointRow) -> Value {
    let address = row.url.split(['?', '#']).next().unwrap_or_default();
    let address = match address.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => String::new(),
    };
    // `place:sort:name`; older rows hold a sentence.
    let login: Vec<&str> = row.credential.splitn(3, ':').take(2).collect();
    json!({
        "name": row.name,
        "kind": row.kind,
        "url": address,
        "login": login.join(":"),
        "paused": row.paused,
        "capabilities": row.capabilities,
    })
}

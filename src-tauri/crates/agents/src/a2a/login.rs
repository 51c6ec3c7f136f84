//! What a card says of logging in: where a key goes, and what we cannot do. Both generations are read.
//!
//! It asks for nothing itself. A key goes to the origin that was entered and nowhere else, as every credential.

use serde_json::Value;

use crate::http::KeyPlace;

/// How to log in, as the card says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Login {
    /// Where a key goes, when it is not the usual header.
    pub(crate) place: Option<KeyPlace>,
    /// What is to be entered, in words; `None` = nothing.
    pub(crate) wanted: Option<String>,
    /// Why it cannot be logged in to, in words.
    pub(crate) unsupported: Option<String>,
}

enum Scheme {
    Key(KeyPlace),
    Bearer,
    Basic,
    Other(&'static str),
}

/// Reads what a card says.
pub(crate) fn read(card: &Value) -> Login {
    let schemes = card.get("securitySchemes").and_then(Value::as_object);
    let Some(schemes) = schemes.filter(|schemes| !schemes.is_empty()) else {
        return Login::default();
    };
    let required = ["securityRequirements", "security"]
        .iter()
        .find_map(|name| card.get(*name)?.as_array())
        .filter(|all| !all.is_empty());
    // Each alternative names what it wants together.
    let alternatives: Vec<Vec<&str>> = match required {
        Some(all) => all.iter().map(names).collect(),
        None => schemes.keys().map(|name| vec![name.as_str()]).collect(),
    };
    if required.is_some() && alternatives.iter().any(Vec::is_empty) {
        // Nothing at all is one of the ways.
        return Login::default();
    }
    let mut missing = vec![];
    for names in &alternatives {
        let wants: Vec<Scheme> = names
            .iter()
            .map(|name| {
                schemes
                    .get(*name)
                    .map_or(Scheme::Other("a way that it does not describe"), scheme)
            })
            .collect();
        match wants.as_slice() {
            [Scheme::Key(place)] => {
                return Login {
                    wanted: Some(format!(
                        "It wants an API key, sent in {}. Enter the key as its token.",
                        place.words()
                    )),
                    place: Some(place.clone()),
                    unsupported: None,
                };
            }
            [Scheme::Bearer] => return wanted("It wants a token (Bearer). Enter it as its token."),
            [Scheme::Basic] => return wanted("It wants a user name and a password."),
            several => missing.extend(several.iter().map(|one| match one {
                Scheme::Other(words) => *words,
                _ => "several logins at once",
            })),
        }
    }
    missing.dedup();
    Login {
        unsupported: Some(format!(
            "It wants a login that is not supported here: {}.",
            missing.join(", ")
        )),
        ..Login::default()
    }
}

fn wanted(words: &str) -> Login {
    Login {
        wanted: Some(words.to_owned()),
        ..Login::default()
    }
}

/// The schemes of one requirement: `{name: [scopes]}`, since 1.0 inside `schemes`.
fn names(requirement: &Value) -> Vec<&str> {
    let inside = requirement.get("schemes").unwrap_or(requirement);
    let members = inside.as_object();
    members
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

fn scheme(scheme: &Value) -> Scheme {
    let wrapped = |name: &str| scheme.get(name);
    let kind = scheme
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let key = wrapped("apiKeySecurityScheme").or((kind == "apiKey").then_some(scheme));
    if let Some(key) = key {
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let place = text("in").or(text("location")).unwrap_or("header");
        let found = text("name").and_then(|name| KeyPlace::named(place, name));
        return found.map_or(
            Scheme::Other("a key at a place where none is sent"),
            Scheme::Key,
        );
    }
    let http = wrapped("httpAuthSecurityScheme").or((kind == "http").then_some(scheme));
    if let Some(http) = http {
        let how = http
            .get("scheme")
            .and_then(Value::as_str)
            .unwrap_or_default();
        return match how.to_ascii_lowercase().as_str() {
            "bearer" => Scheme::Bearer,
            "basic" => Scheme::Basic,
            _ => Scheme::Other("an unusual HTTP login"),
        };
    }
    let is = |old: &str, new: &str| kind == old || wrapped(new).is_some();
    if is("oauth2", "oauth2SecurityScheme") {
        Scheme::Other("OAuth")
    } else if is("openIdConnect", "openIdConnectSecurityScheme") {
        Scheme::Other("OpenID Connect")
    } else if is("mutualTLS", "mtlsSecurityScheme") {
        Scheme::Other("mutual TLS (a client certificate)")
    } else {
        Scheme::Other("a way that is not known here")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_says_where_a_key_goes_and_what_is_not_supported() {
        let both = |old: Value, new: Value| {
            [
                json!({"securitySchemes": {"s": old}, "security": [{"s": []}]}),
                json!({"securitySchemes": {"s": new}, "securityRequirements": [{"schemes": {"s": {"list": []}}}]}),
            ]
        };
        let key = |place: &str, name: &str| {
            both(
                json!({"type": "apiKey", "in": place, "name": name}),
                json!({"apiKeySecurityScheme": {"location": place, "name": name}}),
            )
        };
        for (cards, place, words) in [
            (
                key("header", "X-API-Key"),
                Some("header"),
                "the header x-api-key",
            ),
            (key("query", "key"), Some("query"), "the address, as key"),
            (
                key("cookie", "session"),
                Some("cookie"),
                "the cookie session",
            ),
            (key("header", "Host"), None, "not supported"),
            (key("header", "a b"), None, "not supported"),
            (key("cookie", "a;b"), None, "not supported"),
            (
                both(
                    json!({"type": "http", "scheme": "Bearer"}),
                    json!({"httpAuthSecurityScheme": {"scheme": "bearer"}}),
                ),
                None,
                "Bearer",
            ),
            (
                both(
                    json!({"type": "http", "scheme": "basic"}),
                    json!({"httpAuthSecurityScheme": {"scheme": "Basic"}}),
                ),
                None,
                "a password",
            ),
            (
                both(
                    json!({"type": "oauth2"}),
                    json!({"oauth2SecurityScheme": {}}),
                ),
                None,
                "not supported here: OAuth",
            ),
            (
                both(
                    json!({"type": "mutualTLS"}),
                    json!({"mtlsSecurityScheme": {}}),
                ),
                None,
                "not supported here: mutual TLS",
            ),
        ] {
            for card in cards {
                let login = read(&card);
                let kind = login.place.as_ref().map(|place| match place {
                    KeyPlace::Header(_) => "header",
                    KeyPlace::Query(_) => "query",
                    KeyPlace::Cookie(_) => "cookie",
                });
                assert_eq!(kind, place, "{card}");
                let told = login.wanted.or(login.unsupported).unwrap_or_default();
                assert!(told.contains(words), "{card}: {told}");
            }
        }
        let schemes =
            json!({"o": {"type": "oauth2"}, "k": {"type": "apiKey", "in": "header", "name": "k"}});
        for (security, has_place) in [
            (json!([{"o": []}, {"k": []}]), true),
            (json!([{"o": [], "k": []}]), false),
            (json!([{}]), false),
        ] {
            let card = json!({"securitySchemes": schemes, "security": security});
            assert_eq!(read(&card).place.is_some(), has_place, "{card}");
        }
        assert_eq!(read(&json!({"name": "A"})), Login::default());
    }
}

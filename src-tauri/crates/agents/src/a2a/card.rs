//! The agent card: where it is, which of its interfaces we speak, and what it promises. Both generations are read, and
//! cards that are a mixture of them.
//!
//! A card is only a claim. An address it names is used when it is at the origin that the person entered, because the
//! credential belongs there; a card can never send us, or a credential, to another host.

use chrono::Utc;
use domain::{contract::EXTENSION_URI, fact::PollError};
use reqwest::{Url, header::HeaderMap};
use serde_json::Value;

use super::login::{self, Login};
pub(crate) use crate::said::clip;
use crate::{
    http::{Client, invalid},
    unsupported, way,
};

/// Where cards are, newest first.
const WELL_KNOWN: [&str; 2] = [".well-known/agent-card.json", ".well-known/agent.json"];

/// The address at which an AgentOS of Agno takes one call only, and which its cards give for all of them.
const ONE_CALL: &str = "/v1/message:stream";

const NO_CARD: &str = "There is no agent card at this address, nor at its well-known places.";

/// Which generation of the protocol an interface speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Generation {
    /// 0.2 and 0.3.
    Old,
    /// 1.x.
    One,
}

/// How it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Methods in JSON bodies at one address.
    JsonRpc,
    /// Paths and verbs.
    Rest,
}

/// One address where the agent takes calls.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Door {
    /// Base address.
    pub(crate) url: Url,
    /// How calls are made.
    pub(crate) binding: Binding,
    /// In which words.
    pub(crate) generation: Generation,
    /// As it stands on the card (`1.0`, `0.3.0`).
    pub(crate) version: String,
    /// Named in every call when the card gives one.
    pub(crate) tenant: Option<String>,
}

/// A card, as far as it concerns us.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    /// Where the card is.
    pub(crate) found_at: Url,
    /// What the agent calls itself.
    pub(crate) name: String,
    /// Its own version.
    pub(crate) version: Option<String>,
    /// The door we use.
    pub(crate) door: Door,
    /// Whether it can wake us by a stream.
    pub(crate) streams: bool,
    /// Whether it says that structured parts are welcome (or says nothing of it).
    pub(crate) takes_data: bool,
    /// Parameters of our extension, if it is declared.
    pub(crate) extension: Option<Value>,
    /// Who made it.
    pub(crate) product: Option<String>,
    /// Where it speaks our own contract, if it does.
    pub(crate) native: Option<Own>,
    /// How to log in.
    pub(crate) login: Login,
}

/// Where an agent with our extension serves its status, and takes decisions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Own {
    /// The status document.
    pub(crate) status: Url,
    /// With `{id}` where the question's id goes, when it is not the usual place beside the status.
    pub(crate) decision: Option<String>,
}

/// Finds the card of an address: the address itself when it serves one, then the well-known places below it, then those
/// of its host.
pub(crate) async fn find(client: &Client) -> Result<Card, PollError> {
    let mut first_error = None;
    for url in places(client.base()) {
        let reply = client.get(url.clone(), HeaderMap::new()).await?;
        match reply.status.as_u16() {
            200 => {
                if let Some(value) = as_card(&reply.body) {
                    return read(&value, &url);
                }
            }
            400 | 404 | 405 | 406 | 410 => {}
            _ => {
                first_error.get_or_insert(reply.as_error(Utc::now()));
            }
        }
    }
    Err(first_error.unwrap_or_else(|| invalid(NO_CARD)))
}

/// Whether the search ended without any card.
pub(crate) fn is_no_card(error: &PollError) -> bool {
    error.detail.as_deref() == Some(NO_CARD)
}

/// The addresses to look at, each once.
fn places(base: &Url) -> Vec<Url> {
    let mut places = vec![base.clone()];
    let mut add = |url: Result<Url, _>| {
        if let Ok(url) = url
            && !places.contains(&url)
        {
            places.push(url);
        }
    };
    let mut folder = base.clone();
    folder.set_fragment(None);
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", folder.path()));
    }
    for place in WELL_KNOWN {
        add(folder.join(place).map(|mut url| {
            url.set_query(base.query());
            url
        }));
    }
    for place in WELL_KNOWN {
        add(base.join(&format!("/{place}")));
    }
    places
}

/// The body as JSON when it has the shape of a card.
pub(crate) fn as_card(body: &[u8]) -> Option<Value> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let has = |member: &str| value.get(member).is_some();
    let is_card = value
        .get("supportedInterfaces")
        .is_some_and(Value::is_array)
        || (has("url") && has("name") && (has("skills") || has("capabilities")));
    is_card.then_some(value)
}

/// Reads a card that came from this address.
pub(crate) fn read(card: &Value, origin: &Url) -> Result<Card, PollError> {
    let text = |member: &str| card.get(member).and_then(Value::as_str);
    let mut doors = vec![];
    let mut elsewhere = false;
    let mut unspoken = false;
    let mut takes_one_call = false;
    for (url, binding, version, tenant) in interfaces(card) {
        let binding = match binding.to_ascii_uppercase().as_str() {
            "JSONRPC" | "JSON-RPC" => Binding::JsonRpc,
            "HTTP+JSON" | "REST" => Binding::Rest,
            _ => {
                unspoken = true;
                continue;
            }
        };
        let generation = match version.split('.').next() {
            Some("0") => Generation::Old,
            Some("1") => Generation::One,
            _ => {
                unspoken = true;
                continue;
            }
        };
        match at_origin(&url, origin) {
            Some(url) if binding == Binding::JsonRpc && url.path().ends_with(ONE_CALL) => {
                takes_one_call = true;
            }
            Some(url) => doors.push(Door {
                url,
                binding,
                generation,
                version,
                tenant,
            }),
            None => elsewhere = true,
        }
    }
    let capabilities = card.get("capabilities");
    let extension = extension(capabilities);
    let native = own(card, extension.as_ref(), origin);
    // An agent that is no A2A server may publish a card only to say where its status is.
    if doors.is_empty()
        && let Some(own) = &native
    {
        doors.push(Door {
            url: own.status.clone(),
            binding: Binding::Rest,
            generation: Generation::One,
            version: "1.0".to_owned(),
            tenant: None,
        });
    }
    // The newest generation, in the card's own order.
    doors.sort_by_key(|door| std::cmp::Reverse(door.generation));
    let Some(door) = doors.into_iter().next() else {
        return Err(invalid(if elsewhere {
            "Its card names an address at another host, which is not followed. Enter that address instead."
        } else if takes_one_call {
            unsupported::AGNO_CARD
        } else if unspoken {
            "Its card offers only protocols or versions that are not spoken here (A2A 0.3 and 1.0 over JSON-RPC or HTTP+JSON are)."
        } else {
            "Its card names no address where it can be called."
        }));
    };
    let modes: Option<Vec<&str>> = card
        .get("defaultInputModes")
        .and_then(Value::as_array)
        .map(|modes| modes.iter().filter_map(Value::as_str).collect());
    Ok(Card {
        found_at: origin.clone(),
        name: text("name")
            .filter(|name| !name.trim().is_empty())
            .map_or_else(|| "Unnamed agent".to_owned(), |name| clip(name, 200)),
        version: text("version").map(|version| clip(version, 100)),
        door,
        streams: capabilities
            .and_then(|c| c.get("streaming")?.as_bool())
            .unwrap_or(false),
        takes_data: modes.is_none_or(|modes| {
            modes.is_empty()
                || modes
                    .iter()
                    .any(|m| m.contains("json") || *m == "data" || m.starts_with('*'))
        }),
        extension,
        product: card
            .get("provider")
            .and_then(|p| p.get("organization")?.as_str())
            .map(|name| clip(name, 200)),
        native,
        login: login::read(card),
    })
}

/// Where our extension, or an interface of our own binding, says that the status is; only at this origin.
fn own(card: &Value, extension: Option<&Value>, origin: &Url) -> Option<Own> {
    let text = |member: &str| extension?.get(member)?.as_str();
    let bound = card.get("supportedInterfaces").and_then(Value::as_array);
    let bound = bound.into_iter().flatten().find_map(|interface| {
        let is_ours = interface.get("protocolBinding")?.as_str()? == EXTENSION_URI;
        is_ours.then(|| interface.get("url")?.as_str()).flatten()
    });
    let status = at_origin(text("statusUrl").or(bound)?, origin)?;
    let decision = text("decisionUrlTemplate").filter(|template| template.contains("{id}"));
    Some(Own {
        status,
        decision: decision.map(str::to_owned),
    })
}

/// The address of a template with an id in it, at the origin of another address.
pub(crate) fn filled(template: &str, id: &str, origin: &Url) -> Option<Url> {
    let told = at_origin(&template.replace("{id}", &way::piece(id, origin)?), origin)?;
    // Dots of the template and of the id together can be a way within the address, too.
    let plain = at_origin(&template.replace("{id}", "x"), origin)?;
    let pieces = |url: &Url| url.path().split('/').count();
    (pieces(&told) == pieces(&plain)).then_some(told)
}

/// `(url, binding, version, tenant)` of every interface, of both generations.
fn interfaces(card: &Value) -> Vec<(String, String, String, Option<String>)> {
    let own = |value: &Value, member: &str| value.get(member)?.as_str().map(str::to_owned);
    let mut all = vec![];
    let listed = card.get("supportedInterfaces").and_then(Value::as_array);
    for interface in listed.into_iter().flatten() {
        if let Some(url) = own(interface, "url") {
            all.push((
                url,
                own(interface, "protocolBinding").unwrap_or_else(|| "JSONRPC".to_owned()),
                own(interface, "protocolVersion").unwrap_or_else(|| "1.0".to_owned()),
                own(interface, "tenant").filter(|tenant| !tenant.is_empty()),
            ));
        }
    }
    // A card without a version is of a generation that had none on its interfaces.
    let version = own(card, "protocolVersion").unwrap_or_else(|| "0.3.0".to_owned());
    if let Some(url) = own(card, "url") {
        let binding = own(card, "preferredTransport").unwrap_or_else(|| "JSONRPC".to_owned());
        all.push((url, binding, version.clone(), None));
    }
    let more = card.get("additionalInterfaces").and_then(Value::as_array);
    for interface in more.into_iter().flatten() {
        if let (Some(url), Some(binding)) = (own(interface, "url"), own(interface, "transport")) {
            all.push((url, binding, version.clone(), None));
        }
    }
    all
}

/// An address of the card, as an address at the origin that was entered; `None` when it is at another host. Servers that
/// do not know by which name they are reached write `0.0.0.0`, `localhost` or the name behind their TLS proxy.
fn at_origin(named: &str, origin: &Url) -> Option<Url> {
    let mut url = origin.join(named).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
    }
    if url.origin() == origin.origin() {
        return Some(url);
    }
    let is_this_machine = |url: &Url| {
        domain::link::is_loopback_url(url.as_str())
            || url
                .host_str()
                .is_some_and(|h| h == "0.0.0.0" || h == "[::]")
    };
    let same_port = url.port_or_known_default() == origin.port_or_known_default();
    let alias = same_port && is_this_machine(&url) && is_this_machine(origin);
    let behind_proxy =
        url.host() == origin.host() && url.scheme() == "http" && origin.scheme() == "https";
    let unspecified = same_port
        && url
            .host_str()
            .is_some_and(|h| h == "0.0.0.0" || h == "[::]");
    if !(alias || behind_proxy || unspecified) {
        return None;
    }
    let mut here = origin.clone();
    here.set_path(url.path());
    here.set_query(url.query());
    here.set_fragment(None);
    Some(here)
}

fn extension(capabilities: Option<&Value>) -> Option<Value> {
    let all = capabilities?.get("extensions")?.as_array()?;
    let ours = all
        .iter()
        .find(|e| e.get("uri").and_then(Value::as_str) == Some(EXTENSION_URI))?;
    Some(ours.get("params").cloned().unwrap_or(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn door(card: Value, origin: &str) -> Result<String, String> {
        read(&card, &Url::parse(origin).expect("an address"))
            .map(|card| {
                format!(
                    "{:?} {:?} {}",
                    card.door.generation, card.door.binding, card.door.url
                )
            })
            .map_err(|error| error.detail.expect("a sentence"))
    }

    fn one(url: &str) -> Value {
        json!({"name": "A", "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}]})
    }

    #[test]
    fn a_card_leads_only_to_the_origin_that_was_entered() {
        let here = "http://127.0.0.1:9000/a/card.json";
        for (named, expected) in [
            ("http://127.0.0.1:9000/rpc", Ok("http://127.0.0.1:9000/rpc")),
            (
                "http://localhost:9000/rpc?x=1",
                Ok("http://127.0.0.1:9000/rpc?x=1"),
            ),
            ("http://0.0.0.0:9000/", Ok("http://127.0.0.1:9000/")),
            ("/rpc", Ok("http://127.0.0.1:9000/rpc")),
            ("rpc", Ok("http://127.0.0.1:9000/a/rpc")),
            ("http://localhost:9001/rpc", Err(())),
            ("http://evil.example:9000/rpc", Err(())),
            ("http://169.254.169.254/latest", Err(())),
            ("file:///etc/passwd", Err(())),
            ("//evil.example/rpc", Err(())),
            ("http://127.0.0.1:9000@evil.example/", Err(())),
        ] {
            let found = door(one(named), here);
            match expected {
                Ok(url) => assert_eq!(found, Ok(format!("One JsonRpc {url}")), "{named}"),
                Err(()) => assert!(
                    found.clone().is_err_and(|e| e.contains("another host")),
                    "{named}: {found:?}"
                ),
            }
        }
        let proxied = door(one("http://agents.example/rpc"), "https://agents.example/");
        assert_eq!(
            proxied,
            Ok("One JsonRpc https://agents.example/rpc".to_owned())
        );
        let downgrade = door(one("http://other.example/rpc"), "https://agents.example/");
        assert!(downgrade.is_err());
    }

    #[test]
    fn the_newest_generation_is_used_in_the_cards_order() {
        let origin = "http://127.0.0.1:9/";
        for (card, expected) in [
            (
                json!({"name": "A", "url": "http://127.0.0.1:9/old", "protocolVersion": "0.3.0"}),
                "Old JsonRpc http://127.0.0.1:9/old",
            ),
            (
                json!({"name": "A", "url": "/v1", "preferredTransport": "HTTP+JSON", "protocolVersion": "0.3.0"}),
                "Old Rest http://127.0.0.1:9/v1",
            ),
            (
                json!({"name": "A", "url": "/g", "preferredTransport": "GRPC", "additionalInterfaces": [{"url": "/r", "transport": "HTTP+JSON"}]}),
                "Old Rest http://127.0.0.1:9/r",
            ),
            (
                json!({"name": "A", "url": "/both", "protocolVersion": "0.3.0", "supportedInterfaces": [
                    {"url": "/rest", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"},
                    {"url": "/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"},
                    {"url": "/far", "protocolBinding": "JSONRPC", "protocolVersion": "2.0"}]}),
                "One Rest http://127.0.0.1:9/rest",
            ),
        ] {
            assert_eq!(
                door(card.clone(), origin),
                Ok(expected.to_owned()),
                "{card}"
            );
        }
        for card in [
            json!({"name": "A", "supportedInterfaces": [{"url": "/g", "protocolBinding": "GRPC", "protocolVersion": "1.0"}]}),
            json!({"name": "A", "supportedInterfaces": []}),
        ] {
            assert!(door(card.clone(), origin).is_err(), "{card}");
        }
    }

    #[test]
    fn our_extension_leads_to_the_status_at_the_same_origin_only() {
        let origin = Url::parse("http://127.0.0.1:9/card.json").expect("an address");
        let with = |params: Value| json!({"name": "A", "url": "/rpc", "capabilities": {"extensions": [{"uri": EXTENSION_URI, "params": params}]}});
        let bound = json!({"name": "A", "supportedInterfaces": [{"url": "/status", "protocolBinding": EXTENSION_URI, "protocolVersion": "1.0"}]});
        for (card, expected) in [
            (
                with(json!({"statusUrl": "/mc/status"})),
                Some("http://127.0.0.1:9/mc/status"),
            ),
            (bound, Some("http://127.0.0.1:9/status")),
            (
                with(json!({"statusUrl": "http://evil.example/status"})),
                None,
            ),
            (with(json!({"schemaVersion": "1.0"})), None),
            (with(json!({"statusUrl": 7})), None),
        ] {
            let own = read(&card, &origin).expect("a card").native;
            let status = own.map(|own| own.status.to_string());
            assert_eq!(status.as_deref(), expected, "{card}");
        }
        let address = |template: &str| filled(template, "q/1 ?", &origin).map(String::from);
        assert_eq!(
            address("/d/{id}/decision").as_deref(),
            Some("http://127.0.0.1:9/d/q%2F1%20%3F/decision")
        );
        assert_eq!(address("http://evil.example/{id}"), None);
        assert_eq!(
            filled("/d?of={id}", "a&of=b", &origin)
                .map(String::from)
                .as_deref(),
            Some("http://127.0.0.1:9/d?of=a%26of%3Db")
        );
        for (template, id) in [
            ("/d/{id}/decision", ".."),
            ("/d/{id}/decision", "%2E."),
            ("/d/.{id}/decision", "."),
            ("/d/.{id}/decision", "%2e"),
            ("//{id}/decision", "evil.example"),
            ("http://127.0.0.1:9{id}/decision", "9"),
        ] {
            assert_eq!(filled(template, id, &origin), None, "{template} {id}");
        }
    }

    #[test]
    fn a_card_is_looked_for_below_the_address_and_at_its_host() {
        let found =
            places(&Url::parse("http://127.0.0.1:9/a2a/x?assistant_id=1").expect("an address"));
        let found: Vec<_> = found.iter().map(Url::as_str).collect();
        assert_eq!(
            found,
            [
                "http://127.0.0.1:9/a2a/x?assistant_id=1",
                "http://127.0.0.1:9/a2a/x/.well-known/agent-card.json?assistant_id=1",
                "http://127.0.0.1:9/a2a/x/.well-known/agent.json?assistant_id=1",
                "http://127.0.0.1:9/.well-known/agent-card.json",
                "http://127.0.0.1:9/.well-known/agent.json",
            ]
        );
    }
}

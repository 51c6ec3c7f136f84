//! One line of a replay file, read and written: the same JSON whether it comes from a file or from the log of facts.
//!
//! Reading refuses only what cannot be placed in time; a document nobody can be found in counts as a failed poll.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Config, Fact, Line, PersonAction, PollError, PollErrorKind};
use crate::{
    contract::{
        json::{Node, Tree, parse},
        read_node, read_time,
    },
    decision::Outcome,
    ids::{EndpointId, EscalationId},
    ownership::{Ownership, Pins},
    settings::Settings,
    time::{Time, format},
};

/// A line that ends the reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct LineError {
    /// 1-based.
    pub line: u64,
    /// A sentence.
    pub message: String,
}

/// Reads one line. `Ok(None)`: blank, or of a kind we do not know.
pub fn read_line(number: u64, text: &str) -> Result<Option<Line>, LineError> {
    let fail = |message: String| LineError {
        line: number,
        message,
    };
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Ok(None);
    }
    let node = parse(text).map_err(|broken| fail(format!("the line is {broken}")))?;
    if !matches!(node.tree, Tree::Map(_)) {
        let message = format!("expected an object, found {}", node.kind());
        return Err(fail(message));
    }
    if let Some(config) = node.get("config") {
        let config = part::<Config>(config)
            .map_err(|reason| fail(format!("the config cannot be used: {reason}")))?;
        return Ok(Some(Line {
            number,
            at: None,
            fact: Fact::Config(config),
        }));
    }
    let at = node
        .get("at")
        .and_then(Node::text)
        .and_then(read_time)
        .ok_or_else(|| fail("no valid \"at\"".to_owned()))?;
    let fact = match fact(&node) {
        Ok(Some(fact)) => fact,
        Ok(None) => return Ok(None),
        Err(message) => return Err(fail(message)),
    };
    Ok(Some(Line {
        number,
        at: Some(at),
        fact,
    }))
}

fn part<T: DeserializeOwned>(node: &Node<'_>) -> Result<T, serde_json::Error> {
    serde_json::from_str(node.raw)
}

fn fact(node: &Node<'_>) -> Result<Option<Fact>, String> {
    let endpoint = node
        .get("endpoint")
        .and_then(Node::text)
        .map(EndpointId::from);
    if let Some(status) = node.get("status") {
        let Some(endpoint) = endpoint else {
            return Ok(None);
        };
        return Ok(Some(match read_node(status) {
            Ok(document) => Fact::Status {
                endpoint,
                document: document.into(),
            },
            Err(problem) => Fact::Failed {
                endpoint,
                error: PollError {
                    kind: PollErrorKind::Invalid,
                    http_status: None,
                    retry_after_seconds: None,
                    detail: Some(problem.message),
                },
                pointer: "/status",
            },
        }));
    }
    if let Some(error) = node.get("error") {
        return Ok(endpoint.map(|endpoint| Fact::Failed {
            endpoint,
            error: poll_error(error),
            pointer: "/error",
        }));
    }
    if node.get("tick").is_some() {
        return Ok(Some(Fact::Tick));
    }
    if let Some(woke) = node.get("woke") {
        let seconds = woke
            .get("sleptSeconds")
            .and_then(|n| n.raw.parse::<f64>().ok())
            .unwrap_or_default();
        return Ok(Some(Fact::Woke {
            slept_seconds: seconds.max(0.0) as u64,
        }));
    }
    if let Some(decision) = node.get("decision") {
        return Ok(part::<DecisionLine>(decision).ok().map(Into::into));
    }
    if let Some(decision) = node.get("undecided") {
        let line = part::<DecisionLine>(decision).ok();
        return Ok(line.map(|line| {
            let (outcome, considered) = line.said();
            Fact::Undecided {
                endpoint: line.endpoint,
                escalation: line.escalation,
                outcome,
                considered,
            }
        }));
    }
    if let Some(asked) = node.get("askedAgain") {
        let asked = part::<AskedAgainLine>(asked).ok();
        return Ok(asked.map(|asked| Fact::AskedAgain {
            endpoint: asked.endpoint,
            escalation: asked.escalation,
        }));
    }
    if let Some(person) = node.get("person") {
        return Ok(part::<PersonAction>(person).ok().map(Fact::Person));
    }
    if let Some(rules) = node.get("rules") {
        return part::<Ownership>(rules)
            .map(|rules| {
                let pins = node.get("pins").and_then(|pins| part(pins).ok());
                let pins = pins.unwrap_or_default();
                Some(Fact::Rules { rules, pins })
            })
            .map_err(|reason| format!("the rules cannot be used: {reason}"));
    }
    if let Some(settings) = node.get("settings") {
        return part(settings)
            .map(|settings| Some(Fact::Settings(Box::new(settings))))
            .map_err(|reason| format!("the settings cannot be used: {reason}"));
    }
    if let Some(schemas) = node.get("schemas") {
        // Elsewhere the word may mean something else.
        return Ok(part(schemas).ok().map(Fact::Schemas));
    }
    Ok(None)
}

fn poll_error(node: &Node<'_>) -> PollError {
    let number = |name: &str| node.get(name).and_then(|n| n.raw.parse::<f64>().ok());
    PollError {
        kind: match node.get("kind").and_then(Node::text) {
            Some("timeout") => PollErrorKind::Timeout,
            Some("connect") => PollErrorKind::Connect,
            Some("http") => PollErrorKind::Http,
            _ => PollErrorKind::Invalid,
        },
        http_status: number("httpStatus").map(|n| n as u16),
        retry_after_seconds: number("retryAfterSeconds").map(|n| n as u64),
        detail: node.get("detail").and_then(Node::text).map(str::to_owned),
    }
}

#[derive(Deserialize)]
struct DecisionLine {
    endpoint: EndpointId,
    escalation: EscalationId,
    #[serde(default)]
    outcome: Value,
    #[serde(default)]
    considered: Option<bool>,
}

#[derive(Deserialize)]
struct AskedAgainLine {
    endpoint: EndpointId,
    escalation: EscalationId,
}

impl DecisionLine {
    /// What, and whether it counts. Whatever it is called, the question was answered.
    fn said(&self) -> (Outcome, bool) {
        let outcome = serde_json::from_value(self.outcome.clone()).unwrap_or(Outcome::Respond);
        (outcome, self.considered.unwrap_or(true))
    }
}

impl From<DecisionLine> for Fact {
    fn from(line: DecisionLine) -> Self {
        let (outcome, considered) = line.said();
        Fact::Decision {
            endpoint: line.endpoint,
            escalation: line.escalation,
            outcome,
            considered,
        }
    }
}

/// The first line.
pub fn write_config(config: &Config) -> String {
    json!({ "config": config }).to_string()
}

/// A successful poll; `document` is the JSON text as received (or a delta), kept byte for byte: what a person approves is
/// bound to these bytes. It can hold line breaks; see [`one_line`].
pub fn write_status(at: Time, endpoint: &EndpointId, document: &str) -> String {
    let document = document.trim_start_matches('\u{feff}');
    format!(
        "{{\"at\":{},\"endpoint\":{},\"status\":{document}}}",
        json!(format(at)),
        json!(endpoint)
    )
}

/// A fact as a line of a recording. Raw line breaks can only be white space between tokens: JSON strings cannot hold
/// them.
pub fn one_line(fact: &str) -> String {
    fact.replace(['\n', '\r'], " ")
}

/// A failed poll.
pub fn write_failed(at: Time, endpoint: &EndpointId, error: &PollError) -> String {
    row(at, "error", &json!(error), Some(endpoint))
}

/// Time passes.
pub fn write_tick(at: Time) -> String {
    row(at, "tick", &json!(true), None)
}

/// The machine slept.
pub fn write_woke(at: Time, slept_seconds: u64) -> String {
    row(at, "woke", &json!({ "sleptSeconds": slept_seconds }), None)
}

/// The person decided.
pub fn write_decision(
    at: Time,
    endpoint: &EndpointId,
    escalation: &EscalationId,
    outcome: Outcome,
    considered: bool,
) -> String {
    let decision = json!({
        "endpoint": endpoint, "escalation": escalation, "outcome": outcome, "considered": considered,
    });
    row(at, "decision", &decision, None)
}

/// The decision did not leave, and stands no more. The same members, so that what it had counted for can be taken back.
pub fn write_undecided(
    at: Time,
    endpoint: &EndpointId,
    escalation: &EscalationId,
    outcome: Outcome,
    considered: bool,
) -> String {
    write_decision(at, endpoint, escalation, outcome, considered).replacen(
        "\"decision\"",
        "\"undecided\"",
        1,
    )
}

/// The agent asks the same again though it was answered.
pub fn write_asked_again(at: Time, endpoint: &EndpointId, escalation: &EscalationId) -> String {
    let asked = json!({ "endpoint": endpoint, "escalation": escalation });
    row(at, "askedAgain", &asked, None)
}

/// The person acted.
pub fn write_person(at: Time, action: &PersonAction) -> String {
    row(at, "person", &json!(action), None)
}

/// The ownership document was replaced. Other readers of recordings skip `pins`.
pub fn write_rules(at: Time, rules: &Ownership, pins: &Pins) -> String {
    let at = json!(format(at));
    let rules = json!(rules);
    if pins.is_empty() {
        return format!("{{\"at\":{at},\"rules\":{rules}}}");
    }
    let pins = json!(pins);
    format!("{{\"at\":{at},\"rules\":{rules},\"pins\":{pins}}}")
}

/// The thresholds were changed.
pub fn write_settings(at: Time, settings: &Settings) -> String {
    row(at, "settings", &json!(settings), None)
}

/// Schemas were given, replaced or taken away.
pub fn write_schemas(at: Time, schemas: &BTreeMap<String, Option<Value>>) -> String {
    row(at, "schemas", &json!(schemas), None)
}

fn row(at: Time, name: &str, value: &Value, endpoint: Option<&EndpointId>) -> String {
    let at = json!(format(at));
    match endpoint {
        Some(endpoint) => {
            let endpoint = json!(endpoint);
            format!("{{\"at\":{at},\"endpoint\":{endpoint},\"{name}\":{value}}}")
        }
        None => format!("{{\"at\":{at},\"{name}\":{value}}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Time {
        read_time("2026-11-01T09:00:00.000001Z").unwrap()
    }

    fn check(text: &str, expected: Result<Option<Fact>, &str>) {
        match (read_line(7, text), expected) {
            (Ok(line), Ok(fact)) => assert_eq!(line.map(|l| l.fact), fact, "{text}"),
            (Err(error), Err(part)) => {
                assert_eq!(error.line, 7);
                assert!(error.message.contains(part), "{}", error.message);
            }
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn what_cannot_be_placed_in_time_ends_the_reading() {
        check("[]", Err("expected an object"));
        check("{", Err("not JSON"));
        check("{\"tick\":true}", Err("no valid \"at\""));
        check(
            "{\"at\":\"2026-11-01T09:00:00\",\"tick\":true}",
            Err("no valid"),
        );
        check("{\"weather\":1}", Err("no valid"));
    }

    #[test]
    fn blank_lines_and_unknown_kinds_are_skipped() {
        check("  ", Ok(None));
        check("{\"at\":\"2026-11-01T09:00:00Z\",\"weather\":1}", Ok(None));
    }

    #[test]
    fn a_document_keeps_its_bytes_and_still_fits_a_line() {
        let document = "{\n\"schemaVersion\":\"1.0\",\r\n\"agent\":{\"id\":\"a\"} }";
        let fact = write_status(at(), &"e".into(), document);
        assert!(fact.ends_with(&format!("{document}}}")));
        let line = one_line(&fact);
        assert_eq!(line.lines().count(), 1);
        let read = |text: &str| match read_line(1, text).unwrap().unwrap().fact {
            Fact::Status { document, .. } => document.agent.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(read(&line), read(&fact));
    }

    #[test]
    fn an_unusable_document_is_a_failed_poll() {
        check(
            "{\"at\":\"2026-11-01T09:00:00Z\",\"endpoint\":\"e\",\"status\":{\"agent\":{\"id\":\"a\"}}}",
            Ok(Some(Fact::Failed {
                endpoint: "e".into(),
                error: PollError {
                    kind: PollErrorKind::Invalid,
                    http_status: None,
                    retry_after_seconds: None,
                    detail: Some("The member \"schemaVersion\" is required.".to_owned()),
                },
                pointer: "/status",
            })),
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let endpoint = EndpointId::from("e");
        let error = PollError {
            kind: PollErrorKind::Http,
            http_status: Some(429),
            retry_after_seconds: Some(3),
            detail: None,
        };
        let person = PersonAction::Pause {
            endpoint: endpoint.clone(),
        };
        let rules = Ownership::default();
        let pins = Pins::from([("billing".into(), endpoint.clone())]);
        let lines = [
            (
                write_failed(at(), &endpoint, &error),
                Fact::Failed {
                    endpoint: endpoint.clone(),
                    error,
                    pointer: "/error",
                },
            ),
            (write_tick(at()), Fact::Tick),
            (write_woke(at(), 60), Fact::Woke { slept_seconds: 60 }),
            (
                write_decision(at(), &endpoint, &"x".into(), Outcome::Edit, false),
                Fact::Decision {
                    endpoint: endpoint.clone(),
                    escalation: "x".into(),
                    outcome: Outcome::Edit,
                    considered: false,
                },
            ),
            (
                write_undecided(at(), &endpoint, &"x".into(), Outcome::Edit, false),
                Fact::Undecided {
                    endpoint: endpoint.clone(),
                    escalation: "x".into(),
                    outcome: Outcome::Edit,
                    considered: false,
                },
            ),
            (
                write_asked_again(at(), &endpoint, &"x".into()),
                Fact::AskedAgain {
                    endpoint: endpoint.clone(),
                    escalation: "x".into(),
                },
            ),
            (write_person(at(), &person), Fact::Person(person)),
            (
                write_rules(at(), &rules, &pins),
                Fact::Rules {
                    rules: rules.clone(),
                    pins,
                },
            ),
            (
                write_rules(at(), &rules, &Pins::new()),
                Fact::Rules {
                    rules,
                    pins: Pins::new(),
                },
            ),
        ];
        for (text, fact) in lines {
            let line = read_line(1, &text).unwrap().unwrap();
            assert_eq!((line.at, line.fact), (Some(at()), fact), "{text}");
        }
        let config = Config::default();
        let line = read_line(1, &write_config(&config)).unwrap().unwrap();
        assert_eq!(line.fact, Fact::Config(config));
        let body = "{\n\"schemaVersion\":\"1.0\",\"agent\":{\"id\":\"a\",\"name\":\"A\",\"status\":\"online\"}}";
        let line = read_line(1, &write_status(at(), &endpoint, body))
            .unwrap()
            .unwrap();
        let document = crate::contract::read(body.as_bytes()).unwrap();
        assert_eq!(
            line.fact,
            Fact::Status {
                endpoint,
                document: document.into()
            }
        );
    }
}

//! The ownership document as a file: `ownership.toml` read and written, JSON read.
//!
//! Members nobody knows are ignored. Whether the document makes sense is decided in `lint.rs`; the forms that are only
//! written (Markdown, CODEOWNERS, a section for AGENTS.md) stand in `text/export.rs`.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::{Budget, Exception, Ownership, Rule, Stage};
use crate::time::{self, Time};

pub mod export;

/// Why a text is no ownership document.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}{message}", line.map(|line| format!("Line {line}: ")).unwrap_or_default())]
pub struct TextError {
    /// Counted from 1, where it is known.
    pub line: Option<usize>,
    /// One sentence, without the line.
    pub message: String,
}

/// The TOML form; TOML has instants of its own where JSON has texts.
#[derive(Deserialize)]
struct File {
    version: Option<Spanned<u32>>,
    reviewed_at: Option<Spanned<toml::Value>>,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(default)]
    stages: Vec<Stage>,
    #[serde(default)]
    budgets: Vec<Budget>,
}

/// Reads `ownership.toml`, or the same as JSON when the text begins with `{`.
pub fn read(text: &str) -> Result<Ownership, TextError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        return read_json(text);
    }
    let file: File = toml::from_str(text).map_err(|error| TextError {
        line: error.span().map(|span| line_of(text, span.start)),
        message: sentence(error.message()),
    })?;
    let at = |start: usize| Some(line_of(text, start));
    if let Some(version) = &file.version {
        known_version(*version.get_ref(), at(version.span().start))?;
    }
    let reviewed_at = match &file.reviewed_at {
        Some(value) => Some(instant(value.get_ref()).ok_or_else(|| TextError {
            line: at(value.span().start),
            message: "reviewed_at is not a date and time with an offset, such as 2026-11-01T09:00:00Z.".into(),
        })?),
        None => None,
    };
    Ok(Ownership {
        version: 1,
        reviewed_at,
        rules: file.rules,
        exceptions: file.exceptions,
        stages: file.stages,
        budgets: file.budgets,
    })
}

fn read_json(text: &str) -> Result<Ownership, TextError> {
    let document: Ownership = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // serde_json says the place in its sentence too.
        let plain = message.split(" at line ").next().unwrap_or(&message);
        TextError {
            line: Some(error.line()),
            message: sentence(plain),
        }
    })?;
    known_version(document.version, None)?;
    Ok(document)
}

fn known_version(version: u32, line: Option<usize>) -> Result<(), TextError> {
    if version == 1 {
        return Ok(());
    }
    Err(TextError {
        line,
        message: format!("This is version {version} of the format; only version 1 can be read."),
    })
}

fn instant(value: &toml::Value) -> Option<Time> {
    let text = match value {
        toml::Value::Datetime(instant) => instant.to_string(),
        toml::Value::String(text) => text.clone(),
        _ => return None,
    };
    DateTime::parse_from_rfc3339(&text)
        .ok()
        .map(|at| at.with_timezone(&Utc))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

/// What a parser says, as one sentence.
fn sentence(message: &str) -> String {
    let line = message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let mut chars = line.chars();
    let Some(first) = chars.next() else {
        return "This cannot be read.".into();
    };
    format!(
        "{}{}.",
        first.to_uppercase(),
        chars.as_str().trim_end_matches('.')
    )
}

/// Writes `ownership.toml`. Reading it gives the same document.
pub fn write(document: &Ownership) -> String {
    let mut file = Writer(String::from("version = 1\n"));
    if let Some(at) = document.reviewed_at {
        file.line("reviewed_at", time::format(at));
    }
    for rule in &document.rules {
        file.table("rules");
        file.text("resource", &rule.resource);
        file.maybe("owner", rule.owner.as_deref());
        file.list("sequence", &rule.sequence);
        file.list("readers", &rule.readers);
        file.maybe("purpose", rule.purpose.as_deref());
    }
    for exception in &document.exceptions {
        file.table("exceptions");
        file.line("agents", array(&exception.agents));
        file.maybe("route_to", exception.route_to.as_deref());
        if let Some(hours) = exception.sla_hours {
            file.line("sla_hours", hours);
        }
        if let Some(priority) = exception.priority {
            file.line("priority", priority);
        }
        file.maybe("fallback", exception.fallback.as_deref());
    }
    for stage in &document.stages {
        file.table("stages");
        file.text("name", &stage.name);
        file.text("agent", &stage.agent);
        file.maybe("accepts_schema", stage.accepts_schema.as_deref());
    }
    for budget in &document.budgets {
        file.table("budgets");
        file.text("kind", &budget.kind);
        file.line("seconds", budget.seconds);
    }
    file.0
}

struct Writer(String);

impl Writer {
    fn table(&mut self, name: &str) {
        self.0.push_str(&format!("\n[[{name}]]\n"));
    }

    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        self.0.push_str(&format!("{name} = {value}\n"));
    }

    fn text(&mut self, name: &str, value: &str) {
        self.line(name, toml::Value::from(value));
    }

    fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    fn list(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            self.line(name, array(values));
        }
    }
}

fn array(values: &[String]) -> toml::Value {
    toml::Value::Array(
        values
            .iter()
            .map(|value| toml::Value::from(value.as_str()))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTRACT: &str = r##"version = 1
reviewed_at = 2026-11-01T09:00:00Z

[[rules]]                       # last-match-wins is NOT used
resource = "trigger:inbox/invoices"
owner    = "billing"
readers  = ["*"]
purpose  = "Supplier invoices"

[[rules]]
resource = "output:slack/#billing"
sequence = ["billing", "collections"]

[[exceptions]]
agents   = ["*"]
route_to = "me"
sla_hours = 24
priority = 1
fallback = "hold"

[[stages]]
name = "publish"
agent = "publisher"
accepts_schema = "schemas/article.json"

[[budgets]]
kind = "summarise"
seconds = 30
"##;

    #[test]
    fn the_example_of_the_contract_is_read_and_survives_writing() {
        let document = read(CONTRACT).unwrap();
        assert_eq!(document.rules[1].sequence, ["billing", "collections"]);
        assert_eq!(document.exceptions[0].sla_hours, Some(24.0));
        assert_eq!(
            time::format(document.reviewed_at.unwrap()),
            "2026-11-01T09:00:00Z"
        );
        assert_eq!(read(&write(&document)).unwrap(), document);
        let json = serde_json::to_string(&document).unwrap();
        assert_eq!(read(&json).unwrap(), document);
    }

    #[track_caller]
    fn check(text: &str, says: &str) {
        assert_eq!(
            read(text).map_err(|error| error.to_string()),
            Err(says.into())
        );
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        check(
            "version = 2",
            "Line 1: This is version 2 of the format; only version 1 can be read.",
        );
        check(
            "version = 1\nreviewed_at = 2026-11-01",
            "Line 2: reviewed_at is not a date and time with an offset, such as 2026-11-01T09:00:00Z.",
        );
        check(
            "version = 1\n\n[[exceptions]]\nroute_to = \"me\"",
            "Line 3: Missing field `agents`.",
        );
        check(
            "[[rules]]\nresource = \"a:b\"\nowner = 3",
            "Line 3: Invalid type: integer `3`, expected a string.",
        );
        assert_eq!(read("[[rules]]\nresource =").unwrap_err().line, Some(2));
        assert_eq!(read("{\n\"rules\": 3}").unwrap_err().line, Some(2));
    }

    #[test]
    fn an_empty_file_is_a_document_without_rules() {
        assert_eq!(read("").unwrap(), Ownership::default());
    }

    fn word() -> impl Strategy<Value = String> {
        any::<String>()
    }

    fn maybe() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(word())
    }

    fn words() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec(word(), 0..3)
    }

    prop_compose! {
        fn rule()(resource in word(), owner in maybe(), sequence in words(), readers in words(), purpose in maybe()) -> Rule {
            Rule { resource, owner, sequence, readers, purpose }
        }
    }

    prop_compose! {
        fn exception()(
            agents in words(), route_to in maybe(), sla_hours in proptest::option::of(0.0..1000.0_f64),
            priority in any::<Option<i64>>(), fallback in maybe()
        ) -> Exception {
            Exception { agents, route_to, sla_hours, priority, fallback }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_back(
            rules in proptest::collection::vec(rule(), 0..4), exceptions in proptest::collection::vec(exception(), 0..3),
            stage in (word(), word(), maybe()), budget in (word(), 0..u64::from(u32::MAX)), second in 0..4_000_000_000_i64
        ) {
            let document = Ownership {
                reviewed_at: DateTime::from_timestamp(second, 0),
                rules,
                exceptions,
                stages: vec![Stage { name: stage.0, agent: stage.1, accepts_schema: stage.2 }],
                budgets: vec![Budget { kind: budget.0, seconds: budget.1 }],
                ..Ownership::default()
            };
            prop_assert_eq!(read(&write(&document)), Ok(document));
        }
    }
}

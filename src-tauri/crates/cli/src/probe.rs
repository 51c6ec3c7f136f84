//! `missionctl probe`: what answers at an address, what it can do, and what will not be seen of it.

use agents::Probe;
use clap::Args;
use domain::fact::{PollError, PollErrorKind};

use crate::{
    Failure,
    everywhere::Everywhere,
    out::{Lines, plain},
};

/// Say what answers at an address.
#[derive(Args)]
pub(crate) struct Options {
    /// Status URL, card URL or base URL; or what a server printed at its start.
    url: String,
}

/// Prints what was found. Something that answers but is nothing we know is a "no".
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let credential = everywhere.credential()?;
    // An address that cannot be used is no answer about what is there.
    let url = agents::address::address(&options.url)
        .ok_or_else(|| Failure::Unusable(agents::address::NONE.to_owned()))?;
    agents::http::Client::new(&url, credential.as_ref()).map_err(unusable)?;
    let found = crate::runtime()?
        .block_on(agents::probe(&url, credential.as_ref()))
        .map_err(|error| match (error.kind, error.http_status) {
            (PollErrorKind::Connect | PollErrorKind::Timeout, _)
            | (PollErrorKind::Http, Some(401 | 403 | 408 | 425 | 429 | 500..=599)) => {
                unusable(error)
            }
            _ => Failure::No(Some(sentence(&error))),
        })?;
    let mut out = Lines::new();
    if everywhere.json {
        out.json(&found)?;
    } else {
        for line in readable(&found) {
            out.text(&line)?;
        }
    }
    out.flush()
}

/// An endpoint that cannot be used, as the end of a command.
pub(crate) fn unusable(error: PollError) -> Failure {
    Failure::Unusable(sentence(&error))
}

pub(crate) fn sentence(error: &PollError) -> String {
    let detail = error.detail.clone();
    let detail = detail.unwrap_or_else(|| "The endpoint cannot be used.".to_owned());
    match error.http_status {
        Some(status) => format!("{detail} (HTTP status {status})"),
        None => detail,
    }
}

fn readable(found: &Probe) -> Vec<String> {
    let kind = serde_json::to_value(found.kind).unwrap_or_default();
    let mut lines = vec![];
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(format!("{name:<12}  {}", plain(value)));
        }
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    row("kind", kind.as_str().unwrap_or_default());
    row("name", &text(&found.name));
    row("product", &text(&found.product));
    row("version", &text(&found.product_version));
    row("protocol", &text(&found.protocol_version));
    row("polled at", &text(&found.status_url));
    row("can", &found.capabilities.join(", "));
    for warning in &found.warnings {
        row("note", warning);
    }
    lines
}

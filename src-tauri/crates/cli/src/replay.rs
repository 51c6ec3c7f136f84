//! `missionctl replay`: what a recording has in it. The same code judges live polls.

use std::{
    io::{BufWriter, Write},
    path::PathBuf,
};

use clap::Args;
use domain::{
    finding::{Finding, FindingState},
    time,
};

use crate::{Everywhere, Failure};

/// Read a recording.
#[derive(Args)]
pub(crate) struct Options {
    /// JSON Lines; "-" reads the standard input.
    file: PathBuf,
}

/// Prints one finding a line.
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let name = options.file.display();
    let text = if options.file.as_os_str() == "-" {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(&options.file)
    }
    .map_err(|error| Failure::Unusable(format!("{name} cannot be read: {error}")))?;
    let findings = domain::replay::replay(text.lines()).map_err(|error| {
        Failure::Unusable(format!("{name}, line {}: {}", error.line, error.message))
    })?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for finding in &findings {
        let line = if everywhere.json {
            serde_json::to_string(finding).map_err(|error| {
                Failure::Unusable(format!("a finding cannot be written: {error}"))
            })?
        } else {
            readable(finding)
        };
        // A reader that has gone away wants no more.
        if writeln!(out, "{line}").is_err() {
            return Ok(());
        }
    }
    let _ = out.flush();
    Ok(())
}

fn readable(finding: &Finding) -> String {
    let state = match finding.state {
        FindingState::Open => "open",
        FindingState::Cleared => "cleared",
    };
    let severity = format!("{:?}", finding.severity).to_lowercase();
    format!(
        "{}  {severity:<8}  {state:<7}  {:<20}  {}",
        time::format(finding.at),
        finding.rule,
        domain::text::visible(&finding.summary).text
    )
}

//! `missionctl replay`: what a recording has in it. The same code judges live polls.

use std::path::PathBuf;

use clap::Args;
use domain::{
    finding::{Finding, FindingState},
    time,
};

use crate::{
    Failure,
    everywhere::Everywhere,
    input,
    out::{Lines, plain},
};

/// Read a recording.
#[derive(Args)]
pub(crate) struct Options {
    /// JSON Lines; "-" reads the standard input.
    file: PathBuf,
}

/// Prints one finding a line.
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let text = input::text(&options.file)?;
    let findings = domain::replay::replay(text.lines())
        .map_err(|error| input::bad_line(&options.file, &error))?;
    let mut out = Lines::new();
    for finding in &findings {
        if everywhere.json {
            out.json(finding)?;
        } else {
            out.text(&readable(finding))?;
        }
    }
    out.flush()
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
        plain(&finding.summary)
    )
}

//! `missionctl check-agent`: may an agent with these needs go live under these rules?

use std::path::PathBuf;

use clap::Args;
use domain::{
    contract,
    ownership::check::{Go, check},
};
use serde_json::{Value, json};

use crate::{
    Failure,
    everywhere::Everywhere,
    input,
    lint::document,
    observe::in_words,
    out::{Lines, plain},
};

/// Check the needs of a new agent against the rules.
#[derive(Args)]
pub(crate) struct Options {
    /// The ownership document.
    ownership: PathBuf,
    /// The agent's needs as JSON: triggers, reads, writes, outputs, exceptionsTo; or its whole status document.
    needs: PathBuf,
}

/// Prints the verdict; "wait" is a "no".
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let rules = document(&options.ownership)?;
    let name = options.needs.display();
    let fail = |why: &dyn std::fmt::Display| Failure::Unusable(format!("{name}: {why}"));
    let needs: Value =
        serde_json::from_str(&input::text(&options.needs)?).map_err(|error| fail(&error))?;
    if !needs.is_object() {
        return Err(fail(&"Needs are a JSON object."));
    }
    // The reader of the contract judges needs that stand alone too, in a document made for them.
    let whole = match (needs.get("schemaVersion"), needs.get("ownership")) {
        (Some(_), _) => needs,
        (None, inner) => json!({
            "schemaVersion": "1.0",
            "agent": needs.get("agent").cloned()
                .unwrap_or_else(|| json!({ "id": "-", "name": "-", "status": "online" })),
            "ownership": inner.cloned().unwrap_or(needs),
        }),
    };
    let read =
        contract::read(whole.to_string().as_bytes()).map_err(|problem| fail(&problem.message))?;
    if let Some(problem) = read
        .problems
        .iter()
        .find(|problem| problem.list == "ownership")
    {
        return Err(fail(&format!("{} ({})", problem.message, problem.pointer)));
    }
    let Some(needs) = read.ownership else {
        return Err(fail(&"No needs are declared here."));
    };
    let agent = read.agent.filter(|card| card.id.as_str() != "-");
    let agent = agent.as_ref().map(|card| card.id.as_str());
    let verdict = check(&rules, &needs.value, agent);
    let mut out = Lines::new();
    if everywhere.json {
        out.json(&verdict)?;
    } else {
        out.text(&in_words(verdict.verdict))?;
        for reason in &verdict.reasons {
            out.text(&format!("  {}", plain(reason)))?;
        }
    }
    out.flush()?;
    match verdict.verdict {
        Go::Go => Ok(()),
        Go::Wait => Err(Failure::No(None)),
    }
}

//! `missionctl lint`: what is wrong with an ownership document, and with a recording what its use says about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use clap::Args;
use domain::{
    contract::AccessMode,
    fact::{Fact, read_line},
    ownership::{
        Ownership,
        lint::{Known, KnownAgent, LintSeverity, Seen, Usage, lint},
        text,
    },
    time::Time,
};

use crate::{
    Failure,
    everywhere::Everywhere,
    input,
    observe::in_words,
    out::{Lines, plain},
};

/// Say what is wrong with an ownership document.
#[derive(Args)]
pub(crate) struct Options {
    /// ownership.toml, or the same as JSON; "-" reads the standard input.
    file: PathBuf,
    /// A recording: checks too what is used, by whom.
    #[arg(long, value_name = "REPLAY")]
    record: Option<PathBuf>,
}

/// Prints one line an issue; one that blocks is a "no".
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let document = document(&options.file)?;
    let known = match &options.record {
        Some(file) => known(file)?,
        None => Known::default(),
    };
    let issues = lint(&document, &known);
    let mut out = Lines::new();
    for issue in &issues {
        if everywhere.json {
            out.json(issue)?;
        } else {
            out.text(&format!(
                "{:<6}  {:<24}  {}",
                in_words(issue.severity),
                in_words(issue.code),
                plain(&issue.message)
            ))?;
        }
    }
    if issues.is_empty() && !everywhere.json {
        out.text("Nothing is wrong with it.")?;
    }
    out.flush()?;
    let blocks = issues
        .iter()
        .any(|issue| issue.severity == LintSeverity::Blocks);
    if blocks {
        Err(Failure::No(None))
    } else {
        Ok(())
    }
}

/// Reads an ownership document.
pub(crate) fn document(file: &std::path::Path) -> Result<Ownership, Failure> {
    text::read(&input::text(file)?)
        .map_err(|error| Failure::Unusable(format!("{}: {error}", file.display())))
}

/// Who is in a recording, and what they touched.
fn known(file: &std::path::Path) -> Result<Known, Failure> {
    let text = input::text(file)?;
    let mut agents: Vec<KnownAgent> = vec![];
    let mut seen: BTreeMap<(String, String, String, AccessMode), (u32, Time)> = BTreeMap::new();
    // A snapshot tells the same access again and again.
    let mut told = BTreeSet::new();
    let mut span: Option<(Time, Time)> = None;
    for (index, line) in text.lines().enumerate() {
        let line =
            read_line(index as u64 + 1, line).map_err(|error| input::bad_line(file, &error))?;
        let Some((line, at)) = line.and_then(|line| line.at.map(|at| (line, at))) else {
            continue;
        };
        let (from, to) = span.unwrap_or((at, at));
        span = Some((from.min(at), to.max(at)));
        let (endpoint, document) = match line.fact {
            Fact::Status { endpoint, document } => (endpoint, document),
            Fact::Failed { endpoint, .. } => {
                reach(&mut agents, endpoint.as_str(), false);
                continue;
            }
            _ => continue,
        };
        reach(&mut agents, endpoint.as_str(), true);
        let Some(card) = &document.agent else {
            continue;
        };
        let (endpoint, agent) = (endpoint.as_str().to_owned(), card.id.as_str().to_owned());
        if !agents
            .iter()
            .any(|known| known.endpoint == endpoint && known.agent == agent)
        {
            agents.push(KnownAgent {
                endpoint: endpoint.clone(),
                agent: agent.clone(),
                reachable: true,
            });
        }
        for access in document.accesses.iter().flatten().map(|item| &item.value) {
            if !told.insert((endpoint.clone(), access.id.clone())) {
                continue;
            }
            let resource = access.resource.as_str().to_owned();
            let key = (endpoint.clone(), agent.clone(), resource, access.mode);
            let when = access.at.unwrap_or(at).min(at);
            let (count, last) = seen.entry(key).or_insert((0, when));
            *count += 1;
            *last = when.max(*last);
        }
    }
    let usage = span.map(|(from, to)| Usage {
        seen: seen
            .into_iter()
            .map(
                |((endpoint, agent, resource, mode), (count, last_at))| Seen {
                    endpoint,
                    agent,
                    resource,
                    mode,
                    count,
                    last_at,
                },
            )
            .collect(),
        from,
        to,
        unused_after_seconds: 0,
    });
    Ok(Known { agents, usage })
}

/// Whether the agents of an endpoint answer, as of the last line about it.
fn reach(agents: &mut [KnownAgent], endpoint: &str, answers: bool) {
    for agent in agents.iter_mut().filter(|agent| agent.endpoint == endpoint) {
        agent.reachable = answers;
    }
}

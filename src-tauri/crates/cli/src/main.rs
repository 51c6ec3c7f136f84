//! `missionctl`: Mission Control without a window, for scripts and tests. Reads arguments and says results; every
//! decision about agents is made by the crates it calls.

mod answer;
mod audit;
mod check;
mod check_agent;
mod demo;
mod everywhere;
mod forecast;
mod headless;
mod input;
mod inspect;
mod lint;
mod observe;
mod out;
mod probe;
mod record;
mod replay;
mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};

use self::everywhere::Everywhere;

/// Mission Control without a window.
#[derive(Parser)]
#[command(name = "missionctl", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    everywhere: Everywhere,
}

#[derive(Subcommand)]
enum Command {
    /// Say what answers at an address.
    Probe(probe::Options),
    /// Ask an endpoint once and print everything it says, as one status document.
    Observe(observe::Look),
    /// Answer one question of an agent.
    Answer(answer::Options),
    /// Say what is wrong with a status document.
    Check(check::Options),
    /// Print the JSON Schema of a status document.
    Schema,
    /// Read a recording and say what is found in it.
    Replay(replay::Options),
    /// Print what happened, as a recording.
    Record,
    /// Say what is wrong with an ownership document.
    Lint(lint::Options),
    /// Say whether an agent may go live under an ownership document.
    CheckAgent(check_agent::Options),
    /// Read a recording and say when pools run out.
    Forecast(forecast::Options),
    /// Say, for each line of the standard input, how it is shown and what hides in it.
    Inspect,
    /// Serve the demo fleet on this computer.
    Demo(demo::Options),
    /// Run the engine without a window.
    Headless(headless::Options),
    /// Check or print what was decided.
    Audit(audit::Options),
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
enum Failure {
    /// The answer is "no", said on stdout, or here in one line: exit 1.
    No(Option<String>),
    /// Input or endpoint that cannot be used, and why in one line: exit 2.
    Unusable(String),
    /// Whoever read our output wants no more of it: a quiet end.
    Unread,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return unusable("A command is needed; missionctl --help lists them.");
        }
        Err(error) if error.use_stderr() => return unusable(&in_one_line(&error.to_string())),
        // Help and version are answers.
        Err(error) => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
    };
    let everywhere = &arguments.everywhere;
    let done = match arguments.command {
        Command::Probe(options) => probe::run(&options, everywhere),
        Command::Observe(options) => observe::run(&options, everywhere),
        Command::Answer(options) => answer::run(&options, everywhere),
        Command::Check(options) => check::run(&options, everywhere),
        Command::Schema => schema::run(),
        Command::Replay(options) => replay::run(&options, everywhere),
        Command::Record => record::run(everywhere),
        Command::Lint(options) => lint::run(&options, everywhere),
        Command::CheckAgent(options) => check_agent::run(&options, everywhere),
        Command::Forecast(options) => forecast::run(&options, everywhere),
        Command::Inspect => inspect::run(everywhere),
        Command::Demo(options) => demo::run(&options),
        Command::Headless(options) => headless::run(&options, everywhere),
        Command::Audit(options) => audit::run(&options, everywhere),
    };
    match done {
        Ok(()) | Err(Failure::Unread) => ExitCode::SUCCESS,
        Err(Failure::No(why)) => {
            if let Some(why) = why {
                out::complain(&why);
            }
            ExitCode::from(1)
        }
        Err(Failure::Unusable(why)) => unusable(&why),
    }
}

fn unusable(why: &str) -> ExitCode {
    out::complain(why);
    ExitCode::from(2)
}

/// What is wrong with the arguments, without the usage that follows it.
fn in_one_line(report: &str) -> String {
    let lines = report.lines().map(str::trim);
    let told: Vec<_> = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let told = told.join(" ");
    told.strip_prefix("error: ").unwrap_or(&told).to_owned()
}

/// The runtime of the commands that talk to the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Unusable(format!("no threads to work with: {error}")))
}

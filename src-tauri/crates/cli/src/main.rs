//! `missionctl`: Mission Control without a window, for scripts and tests. Reads arguments and says results; every
//! decision about agents is made by the crates it calls.

mod demo;
mod replay;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

/// Mission Control without a window.
#[derive(Parser)]
#[command(name = "missionctl", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    everywhere: Everywhere,
}

/// Options of every command.
#[derive(Args)]
struct Everywhere {
    /// Print JSON only.
    #[arg(long, global = true)]
    json: bool,
    /// Environment variable that holds a bearer token.
    #[arg(long, global = true, value_name = "NAME")]
    token_env: Option<String>,
    /// Environment variable that holds user:password.
    #[arg(long, global = true, value_name = "NAME")]
    basic_env: Option<String>,
    /// Data folder.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the demo fleet on this computer.
    Demo(demo::Options),
    /// Read a recording and say what is found in it.
    Replay(replay::Options),
}

/// Why a command did not do what it was asked.
enum Failure {
    /// Input or endpoint that cannot be used, and why in one line: exit 2.
    Unusable(String),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, everything else is unusable input.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let everywhere = &arguments.everywhere;
    let done = match arguments.command {
        Command::Demo(options) => demo::run(&options),
        Command::Replay(options) => replay::run(&options, everywhere),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Unusable(why)) => {
            eprintln!("missionctl: {why}");
            ExitCode::from(2)
        }
    }
}

/// The runtime of the commands that talk to the network.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Unusable(format!("no threads to work with: {error}")))
}

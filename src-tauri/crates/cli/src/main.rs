//! `missionctl`: Mission Control without a window, for scripts and tests. Reads arguments and says results; every
//! decision about agents is made by the crates it calls.

mod demo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Mission Control without a window.
#[derive(Parser)]
#[command(name = "missionctl", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the demo fleet on this computer.
    Demo(demo::Options),
}

/// The answer is "no": exit 1. Not usable: exit 2, with one line saying why.
enum Failure {
    Unusable(String),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Command::Demo(options) => demo::run(&options),
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

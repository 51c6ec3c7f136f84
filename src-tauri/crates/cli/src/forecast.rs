//! `missionctl forecast`: for every sample of a limit in a recording, when the pool runs out if it is used on like that.

use std::path::PathBuf;

use clap::Args;
use domain::{forecast::of_replay, time};

use crate::{
    Failure,
    everywhere::Everywhere,
    input,
    out::{Lines, plain},
};

/// Say when pools run out.
#[derive(Args)]
pub(crate) struct Options {
    /// JSON Lines; "-" reads the standard input.
    file: PathBuf,
}

/// Prints one line a sample.
pub(crate) fn run(options: &Options, everywhere: &Everywhere) -> Result<(), Failure> {
    let text = input::text(&options.file)?;
    let samples =
        of_replay(text.lines()).map_err(|error| input::bad_line(&options.file, &error))?;
    let mut out = Lines::new();
    for sample in &samples {
        if everywhere.json {
            out.json(sample)?;
            continue;
        }
        let until = match sample.exhausts_at {
            Some(at) => format!("runs out at {}", time::format(at)),
            None => sample.method.to_owned(),
        };
        out.text(&format!(
            "{}  {}  {}  {until}",
            time::format(sample.at),
            plain(&sample.pool),
            plain(&sample.window)
        ))?;
    }
    out.flush()
}

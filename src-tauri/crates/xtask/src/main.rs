//! `cargo xtask run | test | bench`: the commands of the README. Each does its own set-up on a fresh machine that has Rust and
//! Node, and says what it is doing. It has no dependencies, so that it starts in seconds.

mod bench;
mod display;
mod pictures;
mod programs;
mod run;
mod screens;
mod step;
mod system;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask run [-- ARGUMENTS]   set up, build and start the app
cargo xtask test [--long]        every check; --long adds the runs that take minutes
cargo xtask test --real          only the tests with other people's agent servers, which are part of every check too
cargo xtask bench [PART]         what the app costs, as ratios to a peer in the same run
cargo xtask screens              pictures of every screen, in ui/screenshots/app";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test"] => test::test(false),
        ["test", "--long"] => test::test(true),
        ["test", "--real"] => test::real(),
        ["run"] => run::run(&[]),
        ["run", "--", rest @ ..] => run::run(rest),
        ["bench"] => bench::bench(None),
        ["bench", part] => bench::bench(Some(part)),
        ["screens"] => pictures::take(),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("\n{problem}");
            ExitCode::FAILURE
        }
    }
}

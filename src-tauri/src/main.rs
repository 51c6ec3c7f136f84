//! The desktop app's process. Everything is in the library beside it, so that tests can reach it.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    mission_control::main()
}

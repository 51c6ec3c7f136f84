//! The desktop app's process. It only starts the shell and says in words when that fails.

use std::process::ExitCode;

fn main() -> ExitCode {
    match tauri::Builder::default().run(tauri::generate_context!()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Mission Control could not open its window: {error}.");
            ExitCode::FAILURE
        }
    }
}

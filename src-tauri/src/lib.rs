//! The shell: one window round one engine, and the whole wiring on this page. It decides nothing, stores nothing and
//! knows no screen; what the window may ask is the engine's list of commands.

mod arguments;
mod commands;
mod environment;
mod error;
mod handover;
mod ready;
mod window;

use arguments::Wish;
use error::StartError;
use std::{path::Path, process::ExitCode};
use tauri::Manager;

/// Reads what the person asked for at the command line, and does it.
pub fn main() -> ExitCode {
    let result = match arguments::read(std::env::args_os().skip(1), |name| std::env::var_os(name)) {
        Ok(Wish::Open { folder }) => open(&folder),
        Ok(Wish::Say(text)) => {
            println!("{text}");
            Ok(())
        }
        Err(problem) => Err(problem),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn open(folder: &Path) -> Result<(), StartError> {
    // Before anything of the window's toolkit is touched: it reads the environment once.
    environment::prepare();
    let Some(first) = handover::claim(folder)? else {
        return Ok(());
    };
    let folder = folder.to_path_buf();
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![commands::call])
        .setup(move |app| {
            let window = window::open(app, &folder)?;
            first.on_second_start(move || window::bring_forward(&window));
            app.manage(ready::watch(app.handle().clone()));
            Ok(())
        })
        .run(tauri::generate_context!())
        .map_err(StartError::Window)
}

//! The smallest window that the same versions of everything can open: one line of text, no engine, no data. It is what
//! `cargo xtask bench window` compares the app with, and is built for nothing else.

use std::{path::PathBuf, process::ExitCode};
use tauri::webview::WebviewWindowBuilder;

/// The page reports its first picture with the same call as the app's screens.
#[tauri::command]
async fn call(name: String) {
    println!("{name}");
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("Name a folder for the window's own files.");
        return ExitCode::FAILURE;
    };
    let done = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![call])
        .setup(move |app| {
            for config in &app.config().app.windows {
                WebviewWindowBuilder::from_config(app, config)?
                    .data_directory(folder.clone())
                    .build()?;
            }
            Ok(())
        })
        .run(tauri::generate_context!("empty/tauri.conf.json"));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

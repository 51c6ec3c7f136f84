//! The shell: one window round one engine, and the whole wiring on this page. It decides nothing, stores nothing and
//! knows no screen; what the window may ask is the engine's list of commands.

mod arguments;
mod commands;
mod dialog;
mod environment;
mod error;
mod events;
mod handover;
mod outside;
mod ready;
mod window;

use arguments::Wish;
use engine::api::Api;
use error::StartError;
use std::{path::Path, process::ExitCode};
use tauri::{Manager, RunEvent, async_runtime};

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
    engine::process::close();
    // Before anything of the window's toolkit is touched: it reads the environment once.
    environment::prepare();
    let Some(first) = handover::claim(folder)? else {
        return Ok(());
    };
    let api = start(folder).inspect_err(|problem| dialog::say(&problem.to_string()))?;
    if async_runtime::block_on(wants_safe_graphics(&api)) {
        api.end();
        let error = environment::restart_with_safe_graphics();
        eprintln!("Safe graphics could not be turned on: {error}.");
    }
    let (ending, folder) = (api.clone(), folder.to_path_buf());
    let app = tauri::Builder::default()
        .manage(api.clone())
        .invoke_handler(tauri::generate_handler![commands::call])
        .on_window_event(|window, event| events::look(window.app_handle().clone(), event))
        .setup(move |app| {
            app.manage(ready::watch(app.handle().clone()));
            events::tell(app.handle().clone(), &api);
            let window = window::open(app, &folder)?;
            first.on_second_start(move || window::bring_forward(&window));
            Ok(())
        })
        .build(tauri::generate_context!())
        .map_err(StartError::Window)?;
    app.run(move |_, event| {
        // What was decided is on the disk already; this only lets what is under way come to its end.
        if let RunEvent::Exit = event {
            ending.end();
        }
    });
    Ok(())
}

/// The engine runs before there is a window, and polls while the window is being built.
fn start(folder: &Path) -> Result<Api, StartError> {
    async_runtime::block_on(async {
        let version = tauri::webview_version().ok();
        Api::open(folder, version, Box::new(outside::open))
    })
    .map_err(|problem| StartError::Memory(problem.to_string()))
}

/// Whether the person chose safe graphics and this start does not have them yet.
async fn wants_safe_graphics(api: &Api) -> bool {
    let chosen = api.call("settings", serde_json::json!({})).await;
    chosen.is_ok_and(|settings| settings["safeGraphics"] == true) && !environment::is_safe()
}

//! Bakes the screens, the icons and the window's permissions into the app. The list of commands is one entry long: what the
//! screens may ask is the engine's list, not the shell's.

use tauri_build::{AppManifest, Attributes};

fn main() {
    let attributes = Attributes::new().app_manifest(AppManifest::new().commands(&["call"]));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo::error={error:#}");
    }
}

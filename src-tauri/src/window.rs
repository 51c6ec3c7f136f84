//! The one window. It shows the app's own pages and nothing else: no other address, no second window, no download, no
//! permission. It draws nothing itself.

use std::{io, path::Path};
use tauri::{
    App, Url, WebviewWindow,
    webview::{NewWindowResponse, PermissionResponse, WebviewWindowBuilder},
};

/// The label that the capability file names.
pub(crate) const LABEL: &str = "main";

pub(crate) fn open(app: &App, folder: &Path) -> tauri::Result<WebviewWindow> {
    let config = app
        .config()
        .app
        .windows
        .iter()
        .find(|window| window.label == LABEL);
    let config = config.ok_or_else(|| io::Error::other("the window is not configured"))?;
    WebviewWindowBuilder::from_config(app, config)?
        .data_directory(folder.join("window"))
        .on_navigation(is_own)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false)
        .on_permission_request(|_, _| PermissionResponse::Deny)
        // The page counts what waits in its title; a person reads it in the list of windows.
        .on_document_title_changed(|window, title| {
            let _ = window.set_title(&title);
        })
        .build()
}

/// Shows the window, wherever it was, and gives it the keyboard.
pub(crate) fn bring_forward(window: &WebviewWindow) {
    // Each can fail on some window managers; the others still help.
    let _ = window.show();
    let _ = window.unminimize();
    let _ = window.set_focus();
}

/// Is this an address of the app's own pages? They have another one on Windows than elsewhere.
fn is_own(url: &Url) -> bool {
    let own = if cfg!(windows) {
        ["http", "https"].contains(&url.scheme()) && url.host_str() == Some("tauri.localhost")
    } else {
        url.scheme() == "tauri" && url.host_str() == Some("localhost")
    };
    own && url.port().is_none() && url.username().is_empty()
}

#[cfg(test)]
mod tests {
    #[cfg(not(windows))]
    #[test]
    fn the_window_never_leaves_the_apps_own_pages() {
        for (address, expected) in [
            ("tauri://localhost/", true),
            ("tauri://localhost/index.html#/board", true),
            ("tauri://localhost.evil.example/", false),
            ("tauri://evil.example/", false),
            ("tauri://localhost:8080/", false),
            ("tauri://x@localhost/", false),
            ("http://tauri.localhost/", false),
            ("http://localhost/", false),
            ("https://example.com/", false),
            ("file:///etc/passwd", false),
            ("data:text/html,x", false),
            ("javascript:alert(1)", false),
            ("blob:tauri://localhost/1", false),
            ("about:blank", false),
        ] {
            let url = address.parse().expect("an address");
            assert_eq!(super::is_own(&url), expected, "{address}");
        }
    }
}

//! The one event of the window, and the way back: what became stale is told to the page, whether anybody sees the page is
//! told to the engine. Never says what something became.

use crate::window::LABEL;
use engine::api::{Api, EVERYTHING, views::Changed};
use std::time::Duration;
use tauri::{AppHandle, Emitter, EventTarget, Manager, WindowEvent, async_runtime};
use tokio::sync::broadcast::error::RecvError;

/// Until the window system has done what it announced.
const SETTLED: Duration = Duration::from_secs(1);

/// Passes on, to the one window, what the engine announces.
pub(crate) fn tell(app: AppHandle, api: &Api) {
    let mut heard = api.changed();
    async_runtime::spawn(async move {
        let mut revision = 0;
        loop {
            let changed = match heard.recv().await {
                Ok(changed) => changed,
                Err(RecvError::Lagged(_)) => Changed {
                    topics: EVERYTHING.to_vec(),
                    revision,
                },
                Err(RecvError::Closed) => return,
            };
            revision = changed.revision;
            // A window that is being closed hears nothing, and needs nothing.
            let _ = app.emit_to(EventTarget::webview_window(LABEL), "changed", changed);
        }
    });
}

/// Asks, after an event that may have hidden or shown the window, whether it can be seen now. A window without the
/// keyboard can be: it may stand beside another one.
pub(crate) fn look(app: AppHandle, event: &WindowEvent) {
    if !matches!(event, WindowEvent::Focused(_) | WindowEvent::Resized(_)) {
        return;
    }
    let back = matches!(event, WindowEvent::Focused(true));
    async_runtime::spawn(async move {
        if !back {
            tokio::time::sleep(SETTLED).await;
        }
        let (Some(window), Some(api)) = (app.get_webview_window(LABEL), app.try_state::<Api>())
        else {
            return;
        };
        let hidden = window.is_minimized().unwrap_or(false) || !window.is_visible().unwrap_or(true);
        api.seen(!hidden);
    });
}

//! The one command of the window. Which calls exist is the engine's list; nothing is decided here.

use crate::ready::Ready;
use engine::api::{Api, ApiError};
use serde_json::Value;
use tauri::State;

/// Answers off the main thread, so that a slow answer never stops the window. A refusal is `{code, message}`.
#[tauri::command]
pub(crate) async fn call(
    name: String,
    payload: Value,
    api: State<'_, Api>,
    ready: State<'_, Ready>,
) -> Result<Value, ApiError> {
    if name == "uiReady" {
        ready.seen();
    }
    api.call(&name, payload).await
}

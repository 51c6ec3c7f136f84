//! The one command of the window. Which calls exist is the engine's list; nothing is decided here.

use crate::ready::Ready;
use serde_json::{Value, json};
use tauri::State;

/// What the screens get when a call is refused: `{code, message}`.
#[tauri::command]
pub(crate) async fn call(
    name: String,
    payload: Value,
    ready: State<'_, Ready>,
) -> Result<Value, Value> {
    let _ = payload;
    if name == "uiReady" {
        ready.seen();
        return Ok(json!({}));
    }
    Err(json!({ "code": "unknown", "message": "The engine does not know this yet." }))
}

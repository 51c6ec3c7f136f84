//! Walks through the real window: the built app on a virtual screen, driven with real key and pointer events through the
//! driver of the window's engine. Linux only: macOS has no driver.

#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, reason = "a walk that cannot go on has failed")]

mod a2a;
mod agent;
mod attacks;
mod board;
mod desk;
mod driver;
mod flight;
mod hostile;
mod paint;
mod payloads;
mod pictures;
#[path = "../../src-tauri/crates/xtask/src/bench/processes.rs"]
mod processes;
mod start;
mod story;

//! Named points at which a test stops this process, to kill it exactly there. What users run has none: the body is
//! compiled in debug builds only, and does nothing unless the environment names a file.

/// Goes no further when this point is the one that a test waits for.
///
/// The variable `MISSION_CONTROL_BREAKPOINT` names a file. When the name of the point stands in it, the file is taken away,
/// as a sign that the point is reached, and the thread stands still until the process is killed.
#[cfg(debug_assertions)]
pub fn breakpoint(name: &str) {
    use std::{env, fs, path::PathBuf, sync::OnceLock, thread};

    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let file = FILE.get_or_init(|| env::var_os("MISSION_CONTROL_BREAKPOINT").map(PathBuf::from));
    let Some(file) = file else { return };
    if fs::read_to_string(file).is_ok_and(|wanted| wanted == name) && fs::remove_file(file).is_ok()
    {
        loop {
            thread::park();
        }
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn breakpoint(_: &str) {}

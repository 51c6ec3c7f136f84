//! How long a thread of a bench was running. What is measured, and how often, is the bench's.

/// Microseconds this thread was running.
#[cfg(unix)]
pub(crate) fn running() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

/// Microseconds, as there is no such count.
#[cfg(not(unix))]
pub(crate) fn running() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = START.get_or_init(std::time::Instant::now);
    start.elapsed().as_secs_f64() * 1e6
}
